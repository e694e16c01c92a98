//! Proofs as figures: two sentences, a drawing with its steps, and the rebuilt
//! root above the signed one.
//!
//! The hashes are folded here once more, step by step, because the steps show
//! what each join gives. If the last one is not the signed root, there is no
//! figure: a proof that does not hold is never drawn.

use crate::checkpoint::TreeHead;

use crate::codes::service;
use crate::merkle::{Hash, LeafIndex, Side, TreeSize, node_hash};
use crate::server::log::view::{StoredEntry, View, ViewError};
use crate::server::pages::card::Card;
use crate::server::pages::drawing::Svg;
use crate::server::pages::drawing::ladder::Ladder;
use crate::server::pages::drawing::scale;
use crate::server::pages::drawing::strip::Strip;
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::words;

/// Published sizes that a list offers.
const SIZES_OFFERED: usize = 40;

/// An inclusion proof, ready to show.
pub(crate) struct Inclusion {
    pub index: u64,
    pub size: u64,
    pub entries: String,
    pub drawing: Svg,
    pub leaf: String,
    pub steps: Vec<Step>,
    pub rebuilt: String,
    pub signed: String,
    pub sizes: Vec<SizeOption>,
    pub card: Card,
}

/// One step of an inclusion proof.
pub(crate) struct Step {
    pub number: usize,
    pub sibling: String,
    pub side: &'static str,
    pub hash: String,
    pub covers: String,
    pub result: String,
}

/// One published size that the reader may choose.
pub(crate) struct SizeOption {
    pub value: u64,
    pub label: String,
    pub is_chosen: bool,
}

impl Inclusion {
    /// The proof of an entry at a published size.
    ///
    /// # Errors
    /// That of the view; 503 when the path does not give the signed root.
    pub(crate) fn new(reader: &Reader, stored: &StoredEntry, size: TreeSize) -> Result<Self, Trouble> {
        let (head, note) = reader.view().checkpoint(size)?;
        let proof = reader.view().inclusion(stored.index, Some(size))?;
        let ladder = Ladder::new(stored.index, size).ok_or(Trouble::unsound(&service::PROOF_NOT_DRAWN))?;
        if ladder.rungs().len() != proof.path.len() {
            return Err(Trouble::unsound(&service::PROOF_NOT_DRAWN));
        }
        let (steps, hash) = steps(&ladder, stored.leaf_hash.hash(), &proof.path);
        if hash != head.root.hash() {
            return Err(Trouble::unsound(&service::PROOF_NOT_DRAWN));
        }
        Ok(Self {
            index: stored.index.get(),
            size: size.get(),
            entries: words::entries(size.get()),
            drawing: ladder.svg(),
            leaf: stored.leaf_hash.to_string(),
            steps,
            rebuilt: hash.to_hex(),
            signed: head.root.to_string(),
            sizes: sizes_from(reader.view(), stored.index, size)?,
            card: Card::new(reader, &head, &note),
        })
    }
}

/// A path folded step by step, and what the last step gives.
pub(crate) fn steps(ladder: &Ladder, leaf: Hash, path: &[Hash]) -> (Vec<Step>, Hash) {
    let mut hash = leaf;
    let mut steps = Vec::with_capacity(path.len());
    for (rung, sibling) in ladder.rungs().iter().zip(path) {
        hash = join(rung.side, sibling, &hash);
        steps.push(Step {
            number: rung.step,
            sibling: words::span(&rung.sibling),
            side: side(rung.side),
            hash: sibling.to_hex(),
            covers: words::span(&rung.covers),
            result: hash.to_hex(),
        });
    }
    (steps, hash)
}

fn join(side: Side, sibling: &Hash, hash: &Hash) -> Hash {
    match side {
        Side::Left => node_hash(sibling, hash),
        Side::Right => node_hash(hash, sibling),
    }
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Left => "left",
        Side::Right => "right",
    }
}

/// A consistency proof, ready to show.
pub(crate) struct Consistency {
    pub from: u64,
    pub to: u64,
    pub from_entries: String,
    pub to_entries: String,
    pub sizes: Vec<SizeOption>,
    /// Why nothing needs a drawing: equal sizes, an empty older log.
    pub plain: Option<&'static str>,
    pub drawn: Option<DrawnConsistency>,
    pub older_card: Option<Card>,
}

/// The figure of a consistency proof.
pub(crate) struct DrawnConsistency {
    pub drawing: Svg,
    pub share: Svg,
    pub start: String,
    pub start_hash: String,
    pub start_from_file: bool,
    pub steps: Vec<FoldStep>,
    pub older_rebuilt: String,
    pub older_signed: String,
    pub newer_rebuilt: String,
    pub newer_signed: String,
}

/// One step of a consistency proof.
pub(crate) struct FoldStep {
    pub number: usize,
    pub what: String,
    pub hash: String,
    pub side: &'static str,
    pub older_covers: String,
    pub older_result: Option<String>,
    pub newer_covers: String,
    pub newer_result: String,
}

impl Consistency {
    /// The proof that the log of `to` entries begins with that of `from`.
    ///
    /// # Errors
    /// That of the view; 503 when the path does not give both signed roots.
    pub(crate) fn new(reader: &Reader, from: TreeSize, to: TreeSize) -> Result<Self, Trouble> {
        let proof = reader.view().consistency(from, Some(to))?;
        let (older, older_note) = reader.view().checkpoint(from)?;
        let (newer, _) = reader.view().checkpoint(to)?;
        let plain = match (from, to) {
            (TreeSize::ZERO, _) => Some("An empty log is extended by any log: nothing needs to be proven."),
            (from, to) if from == to => {
                Some("Both sizes are the same checkpoint: there is one root, and no proof is needed.")
            }
            _ => None,
        };
        let drawn = match plain {
            Some(_) => None,
            None => Some(drawn(&older, &newer, &proof.path)?),
        };
        Ok(Self {
            from: from.get(),
            to: to.get(),
            from_entries: words::quantity(from.get()),
            to_entries: words::entries(to.get()),
            sizes: sizes_below(reader.view(), from, to)?,
            plain,
            drawn,
            older_card: (from != to).then(|| Card::new(reader, &older, &older_note)),
        })
    }
}

fn drawn(older: &TreeHead, newer: &TreeHead, path: &[Hash]) -> Result<DrawnConsistency, Trouble> {
    let refuse = || Trouble::unsound(&service::PROOF_NOT_DRAWN);
    let strip = Strip::new(older.size, newer.size).ok_or_else(refuse)?;
    let start = strip.start();
    let start_hash = match start.number {
        Some(number) => *path.get(number - 1).ok_or_else(refuse)?,
        None => older.root.hash(),
    };
    let (mut old, mut new) = (start_hash, start_hash);
    let mut steps = Vec::with_capacity(path.len());
    for fold in strip.folds() {
        let hash = path.get(fold.number - 1).ok_or_else(refuse)?;
        let is_left = fold.older.is_some();
        new = join(if is_left { Side::Left } else { Side::Right }, hash, &new);
        if is_left {
            old = node_hash(hash, &old);
        }
        steps.push(FoldStep {
            number: fold.number,
            what: words::span(&fold.range),
            hash: hash.to_hex(),
            side: side(if is_left { Side::Left } else { Side::Right }),
            older_covers: fold.older.as_ref().map(words::span).unwrap_or_default(),
            older_result: is_left.then(|| old.to_hex()),
            newer_covers: words::span(&fold.newer),
            newer_result: new.to_hex(),
        });
    }
    let used = strip.folds().len() + usize::from(start.number.is_some());
    if used != path.len() || old != older.root.hash() || new != newer.root.hash() {
        return Err(refuse());
    }
    Ok(DrawnConsistency {
        drawing: strip.svg(),
        share: scale::share(older.size, newer.size),
        start: words::span(&start.range),
        start_hash: start_hash.to_hex(),
        start_from_file: start.number.is_some(),
        steps,
        older_rebuilt: old.to_hex(),
        older_signed: older.root.to_string(),
        newer_rebuilt: new.to_hex(),
        newer_signed: newer.root.to_string(),
    })
}

/// The newest published size at or below `index`: the log just before an entry.
///
/// # Errors
/// That of the view.
pub(crate) fn size_before(view: &View, index: LeafIndex) -> Result<TreeSize, ViewError> {
    let below = TreeSize::new(index.get().saturating_add(1));
    Ok(view.checkpoints(Some(below), 1)?.first().map_or(TreeSize::ZERO, |(head, _)| head.size))
}

/// Published sizes that cover an entry: the first that did, and the newest.
fn sizes_from(view: &View, index: LeafIndex, chosen: TreeSize) -> Result<Vec<SizeOption>, ViewError> {
    let mut sizes: Vec<TreeSize> =
        view.checkpoints(None, SIZES_OFFERED)?.into_iter().map(|(head, _)| head.size).collect();
    sizes.retain(|size| size.get() > index.get());
    let first = TreeSize::new(index.get() + 1);
    match view.checkpoint(first) {
        Ok(_) => sizes.push(first),
        Err(ViewError::NotPublished { next: Some(next), .. }) => sizes.push(next),
        Err(ViewError::NotPublished { next: None, .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(options(sizes, chosen))
}

/// Published sizes below another.
fn sizes_below(view: &View, chosen: TreeSize, to: TreeSize) -> Result<Vec<SizeOption>, ViewError> {
    let below = view.checkpoints(Some(to), SIZES_OFFERED)?;
    Ok(options(below.into_iter().map(|(head, _)| head.size).collect(), chosen))
}

fn options(mut sizes: Vec<TreeSize>, chosen: TreeSize) -> Vec<SizeOption> {
    sizes.push(chosen);
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    let option =
        |size: TreeSize| SizeOption { value: size.get(), label: words::entries(size.get()), is_chosen: size == chosen };
    sizes.into_iter().map(option).collect()
}
