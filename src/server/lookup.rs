//! What bears a name or hash: hashes from the rows that the store keeps for
//! itself, names from the search rows. A name that a hash met by chance is
//! dropped after its body was read.

use std::collections::BTreeMap;

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::artifact::{Artifact, Kind};
use crate::audit::Link;
use crate::merkle::{Hash, LeafHash, LeafIndex, TreeSize};
use crate::server::desk::Desk;
use crate::server::index::Index;
use crate::server::index::names::{Sort, meets, names};
use crate::server::judge::AuditsError;
use crate::server::log::view::{StoredEntry, View, ViewError};
use crate::text::base64url;

/// Longest text that is looked for.
pub const QUERY_BYTES_MAX: usize = 512;
/// Most entries of one group, and most that are read for one name.
pub const LOOKUP_ENTRIES_MAX: usize = 100;
/// Bodies held at once while their names are compared.
const READ_AT_ONCE: usize = 16;

/// What a text was taken for, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub groups: Vec<Group>,
    pub tried: Vec<&'static str>,
}

/// What the text turned out to be.
#[derive(Clone, Debug)]
pub enum What {
    Artifact(ArtifactDigest),
    Leaf(LeafHash),
    Payload,
    Policy(PayloadHash),
    /// An index.
    Entry,
    Named {
        sort: Sort,
        name: String,
        /// Of the first entry that says whose it is.
        agent: Option<String>,
    },
}

impl What {
    /// As answers spell it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Artifact(_) => "artifact",
            Self::Leaf(_) => "leaf_hash",
            Self::Payload => "payload_hash",
            Self::Policy(_) => "policy_hash",
            Self::Entry => "entry",
            Self::Named { sort, .. } => sort.name(),
        }
    }
}

/// Entries of one meaning of the text.
#[derive(Clone, Debug)]
pub struct Group {
    pub what: What,
    /// Lowest first, at most [`LOOKUP_ENTRIES_MAX`].
    pub entries: Vec<LeafIndex>,
    /// Whether there may be more.
    pub more: bool,
}

/// Everything that `text` may be. Cost: at most [`LOOKUP_ENTRIES_MAX`] bodies
/// read and parsed for its names. Blocks.
///
/// # Errors
/// [`AuditsError::Behind`]; [`AuditsError::View`].
pub fn lookup(desk: &Desk, index: &Index, text: &str) -> Result<Found, AuditsError> {
    let view = &desk.view;
    wait(view, index)?;
    let mut found = Found::default();
    let hash = hash(text);
    if let Some(hash) = &hash {
        found.by_hash(desk, index, hash)?;
    }
    if let Ok(size) = TreeSize::parse(text) {
        let is_there = size < view.size();
        found.add(What::Entry, is_there.then(|| LeafIndex::new(size.get())).into_iter().collect());
    }
    // A hash bears its name in hex, whichever way it was asked for.
    let name = hash.as_ref().map_or_else(|| text.to_owned(), Hash::to_hex);
    found.by_name(desk, index, &name)?;
    if name != text {
        found.by_name(desk, index, text)?;
    }
    found.tried.extend(Sort::ALL.map(Sort::name));
    if found.groups.is_empty() {
        view.check_none(view.size())?;
    }
    Ok(found)
}

/// Entries of holders of the role with the policy of this hash, lowest first.
///
/// # Errors
/// As [`lookup`].
pub fn policies(desk: &Desk, index: &Index, hash: &PayloadHash) -> Result<Vec<LeafIndex>, AuditsError> {
    wait(&desk.view, index)?;
    let linked = index.linked(&Link::policy(&hash.to_b64u()), desk.view.size(), LOOKUP_ENTRIES_MAX)?;
    let papers = desk.read_all(&linked)?;
    let is_it = |of: &Artifact| of.kind() == Kind::WorkPolicy && of.payload_hash() == *hash;
    let found = papers.iter().filter(|paper| paper.artifact().is_some_and(is_it));
    Ok(found.map(|paper| paper.stored.index).collect())
}

fn wait(view: &View, index: &Index) -> Result<(), AuditsError> {
    match index.wait(view.size()) {
        true => Ok(()),
        false => Err(AuditsError::Behind { followed: index.followed(), size: view.size() }),
    }
}

/// 32 bytes in hex of either case, or as peers spell them.
fn hash(text: &str) -> Option<Hash> {
    let hex = Hash::from_hex(&text.to_ascii_lowercase()).ok();
    hex.or_else(|| base64url::decode(text).map(Hash::from_bytes))
}

impl Found {
    fn add(&mut self, what: What, mut entries: Vec<LeafIndex>) {
        self.tried.push(what.kind());
        if entries.is_empty() {
            return;
        }
        let more = entries.len() > LOOKUP_ENTRIES_MAX;
        entries.truncate(LOOKUP_ENTRIES_MAX);
        self.groups.push(Group { what, entries, more });
    }

    fn by_hash(&mut self, desk: &Desk, index: &Index, hash: &Hash) -> Result<(), AuditsError> {
        let view = &desk.view;
        let bytes = *hash.as_bytes();
        let (digest, leaf, payload) =
            (ArtifactDigest::from_bytes(bytes), LeafHash::new(*hash), PayloadHash::from_bytes(bytes));
        let places = |entries: Vec<StoredEntry>| entries.iter().map(|entry| entry.index).collect::<Vec<_>>();
        self.add(What::Artifact(digest), places(view.find_artifact(&digest)?));
        self.add(What::Leaf(leaf), places(view.find_leaf(&leaf)?.into_iter().collect()));
        self.add(What::Payload, desk.find_payload(&payload)?);
        self.add(What::Policy(payload), policies(desk, index, &payload)?);
        Ok(())
    }

    fn by_name(&mut self, desk: &Desk, index: &Index, name: &str) -> Result<(), AuditsError> {
        let mut at = index.named(name, LeafIndex::new(0), desk.view.size(), LOOKUP_ENTRIES_MAX + 1)?;
        let more = at.len() > LOOKUP_ENTRIES_MAX;
        at.truncate(LOOKUP_ENTRIES_MAX);
        let mut by_sort: BTreeMap<Sort, (Vec<LeafIndex>, Option<String>)> = BTreeMap::new();
        for part in at.chunks(READ_AT_ONCE) {
            for paper in desk.read_all(part)? {
                let (entry, Some(artifact)) = (&paper.stored, paper.artifact()) else { continue };
                let keys = artifact.keys();
                let borne = names(artifact.kind(), artifact.signer(), &keys, Some(artifact.payload()));
                // Eight bytes of the hash meet by chance; that none of its names has them does not.
                if !borne.iter().any(|named| meets(&named.name, name)) {
                    let what = format!("a search row leads to another name at {}", entry.index);
                    return Err(ViewError::Unsound { what }.into());
                }
                for named in borne.into_iter().filter(|named| named.name == name) {
                    let (entries, agent) = by_sort.entry(named.sort).or_default();
                    entries.push(entry.index);
                    *agent = agent.take().or_else(|| keys.agent.clone());
                }
            }
        }
        for sort in Sort::ALL {
            let Some((mut entries, agent)) = by_sort.remove(&sort) else { continue };
            entries.dedup();
            self.groups.push(Group { what: What::Named { sort, name: name.to_owned(), agent }, entries, more });
        }
        Ok(())
    }
}
