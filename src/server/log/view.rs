//! Reading the log at one published checkpoint.
//!
//! Everything here looks at `[0, published size)` and at nothing else. Each
//! proof is verified before it is handed out, with the same strict code that
//! readers run: a damaged store answers an error, never a wrong proof.

mod error;
mod find;

use std::sync::Arc;

use crate::artifact::digest::ArtifactDigest;
use crate::checkpoint::TreeHead;
use crate::entry::SequencedEntry;
use crate::merkle::{LeafHash, LeafIndex, Plan, RootHash, TreeSize, leaf_hash, verify_consistency, verify_inclusion};
use crate::note::SignedNote;
use crate::receipt::{ConsistencyFile, LogProof};
use crate::server::log::Published;
use crate::server::log::nodes::{fetch, root_at};
use crate::server::log::withholding::withheld_by;
use crate::server::store::Store;
use crate::tile::{TILE_WIDTH, TileId, TilePath, push_entry, width_at};

/// Room for a full bundle of entries as they usually are.
const BUNDLE_BYTES_USUAL: usize = 48 << 10;

pub use self::error::ViewError;

/// Most entries of one listing.
pub const LISTING_MAX: usize = 1_000;

/// A reader at one published size. Cheap to make; never outlives a request.
pub struct View {
    store: Arc<Store>,
    published: Published,
}

/// An entry with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Where it stands.
    pub index: LeafIndex,
    /// Leaf bytes.
    pub bytes: Vec<u8>,
    /// SHA-256(0x00 ‖ bytes).
    pub leaf_hash: LeafHash,
    /// Decoded.
    pub entry: SequencedEntry,
}

/// A body, or why there is none to show. Every proof holds either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The compact form; it hashes to the digest in the entry.
    Shown(String),
    /// The operator withholds it, by this entry.
    Withheld(LeafIndex),
}

impl View {
    /// A reader of `store` at `published`.
    #[must_use]
    pub const fn new(store: Arc<Store>, published: Published) -> Self {
        Self { store, published }
    }

    /// The checkpoint that this view reads at.
    #[must_use]
    pub const fn published(&self) -> &Published {
        &self.published
    }

    /// Its tree size.
    #[must_use]
    pub const fn size(&self) -> TreeSize {
        self.published.head.size
    }

    /// One entry.
    ///
    /// # Errors
    /// [`ViewError::NoEntry`] at or beyond the published size; [`ViewError::Unsound`].
    pub fn entry(&self, index: LeafIndex) -> Result<StoredEntry, ViewError> {
        self.check_index(index)?;
        let bytes = self.store.entry(index)?.ok_or(ViewError::Unsound { what: format!("entry {index} is gone") })?;
        stored(index, bytes)
    }

    /// Up to `limit` (at most [`LISTING_MAX`]) entries from `first` on, in order.
    ///
    /// # Errors
    /// [`ViewError::Unsound`], [`ViewError::Store`].
    pub fn entries(&self, first: LeafIndex, limit: usize) -> Result<Vec<StoredEntry>, ViewError> {
        let left = self.size().get().saturating_sub(first.get());
        if left == 0 {
            self.check_reach(TreeSize::new(first.get().saturating_add(1)))?;
        }
        let limit = usize::try_from(left).unwrap_or(usize::MAX).min(limit).min(LISTING_MAX);
        if limit == 0 {
            return Ok(Vec::new());
        }
        let found = self.store.entries(first, limit)?;
        (first.get()..).zip(found).map(|(index, bytes)| stored(LeafIndex::new(index), bytes)).collect()
    }

    /// The body of an entry's artifact: the one place that gives bodies out, and
    /// the one that says *withheld*.
    ///
    /// # Errors
    /// [`ViewError::NoEntry`]; [`ViewError::Unsound`] when the body is gone or
    /// is not what its entry commits to.
    pub fn body(&self, entry: &StoredEntry) -> Result<Body, ViewError> {
        self.check_index(entry.index)?;
        self.shown(entry, self.store.body(entry.index)?)
    }

    /// Entries with their bodies, in the order asked for: one batched read of
    /// each. Bodies as [`View::body`] answers them.
    ///
    /// # Errors
    /// As [`View::entry`] and [`View::body`].
    pub fn whole(&self, indexes: &[LeafIndex]) -> Result<Vec<(StoredEntry, Body)>, ViewError> {
        indexes.iter().try_for_each(|index| self.check_index(*index))?;
        let (entries, bodies) = self.store.whole(indexes)?;
        let rows = indexes.iter().zip(entries.into_iter().zip(bodies));
        let read = rows.map(|(index, (bytes, body))| {
            let bytes = bytes.ok_or_else(|| ViewError::Unsound { what: format!("entry {index} is gone") })?;
            let entry = stored(*index, bytes)?;
            let body = self.shown(&entry, body)?;
            Ok((entry, body))
        });
        read.collect()
    }

    /// What may be shown of a body that was read: here it is decided, at every size
    /// of the log alike. A body that is withheld may be gone, or damaged.
    fn shown(&self, entry: &StoredEntry, body: Option<Vec<u8>>) -> Result<Body, ViewError> {
        let unsound = |what: &str| ViewError::Unsound { what: format!("body {}: {what}", entry.index) };
        let withheld = self.store.withheld();
        if let Some(by) = withheld_by(withheld, &entry.entry, body.as_deref().unwrap_or_default()) {
            return Ok(Body::Withheld(by));
        }
        let bytes = body.ok_or_else(|| unsound("is gone"))?;
        if ArtifactDigest::of(&bytes) != entry.entry.digest {
            return Err(unsound("does not hash to its digest"));
        }
        String::from_utf8(bytes).map(Body::Shown).map_err(|_| unsound("is not UTF-8"))
    }

    /// The root of any size up to the published one, recomputed from tiles.
    ///
    /// # Errors
    /// [`ViewError::NotPublished`] above it; [`ViewError::Unsound`].
    pub fn root(&self, size: TreeSize) -> Result<RootHash, ViewError> {
        if size > self.size() {
            self.check_reach(size)?;
            return Err(ViewError::NotPublished { size, newest: self.size(), next: None });
        }
        root_at(&self.store, size)
    }

    /// Offline evidence that `index` is in the tree of a published checkpoint,
    /// with the entry bytes in `extra`. `size` absent means the newest. At most
    /// two tiles a level are read: eight blocks at ten million entries.
    ///
    /// # Errors
    /// [`ViewError::NotPublished`], [`ViewError::NoEntry`], [`ViewError::Unsound`].
    pub fn inclusion(&self, index: LeafIndex, size: Option<TreeSize>) -> Result<LogProof, ViewError> {
        let (head, note) = self.checkpoint(size.unwrap_or(self.size()))?;
        if index.get() >= head.size.get() {
            if head.size == self.size() {
                self.check_index(index)?;
            }
            return Err(ViewError::NoEntry { index, size: head.size });
        }
        let entry = self.entry(index)?;
        let plan = Plan::inclusion(index, head.size)?;
        let path = plan.build(&fetch(&self.store, plan.nodes())?)?;
        verify_inclusion(index, head.size, &entry.leaf_hash, &path, &head.root)
            .map_err(|_| ViewError::Unsound { what: format!("inclusion proof of {index} at {}", head.size) })?;
        Ok(LogProof { index, path, checkpoint: note, extra: Some(entry.bytes) })
    }

    /// As [`View::inclusion`], of the entry with this leaf hash.
    ///
    /// # Errors
    /// As [`View::inclusion`]; [`ViewError::Unsound`] when another entry stands there.
    pub fn inclusion_of(
        &self,
        index: LeafIndex,
        leaf: &LeafHash,
        size: Option<TreeSize>,
    ) -> Result<LogProof, ViewError> {
        let proof = self.inclusion(index, size)?;
        if proof.extra.as_deref().map(leaf_hash) != Some(*leaf) {
            return Err(ViewError::Unsound { what: format!("another entry stands at {index}") });
        }
        Ok(proof)
    }

    /// Evidence that the tree of published size `to` begins with that of
    /// published size `from`. `from` 0 gives an empty path.
    ///
    /// # Errors
    /// [`ViewError::NotPublished`], [`ViewError::Swapped`], [`ViewError::Unsound`].
    pub fn consistency(&self, from: TreeSize, to: Option<TreeSize>) -> Result<ConsistencyFile, ViewError> {
        let to = to.unwrap_or(self.size());
        self.check_reach(from)?;
        self.check_reach(to)?;
        if from > to {
            return Err(ViewError::Swapped { from, to });
        }
        let (old, _) = self.checkpoint(from)?;
        let (new, note) = self.checkpoint(to)?;
        let path = if from == TreeSize::ZERO {
            Vec::new()
        } else {
            let plan = Plan::consistency(from, to)?;
            let path = plan.build(&fetch(&self.store, plan.nodes())?)?;
            verify_consistency(from, to, &path, &old.root, &new.root)
                .map_err(|_| ViewError::Unsound { what: format!("consistency proof {from} to {to}") })?;
            path
        };
        Ok(ConsistencyFile { old: from, path, checkpoint: note })
    }

    /// The published checkpoint of exactly this size.
    ///
    /// # Errors
    /// [`ViewError::NotPublished`] names the next larger published size.
    pub fn checkpoint(&self, size: TreeSize) -> Result<(TreeHead, SignedNote), ViewError> {
        if size == self.size() {
            return Ok((self.published.head, parse_note(&self.published.note)?));
        }
        self.check_reach(size)?;
        let note = if size < self.size() { self.store.checkpoint(size)? } else { None };
        let Some(note) = note else {
            let next = if size < self.size() { self.store.checkpoint_from(size)?.map(|(s, _)| s) } else { None };
            return Err(ViewError::NotPublished { size, newest: self.size(), next });
        };
        let note = parse_note(&note)?;
        let body = crate::checkpoint::Checkpoint::parse_text(note.text())
            .map_err(|_| ViewError::Unsound { what: format!("checkpoint {size}") })?;
        if body.head.size != size {
            return Err(ViewError::Unsound { what: format!("checkpoint {size}") });
        }
        Ok((body.head, note))
    }

    /// Published checkpoints below `below` (absent: from the newest on), largest first.
    ///
    /// # Errors
    /// [`ViewError::Store`], [`ViewError::Unsound`].
    pub fn checkpoints(&self, below: Option<TreeSize>, limit: usize) -> Result<Vec<(TreeHead, SignedNote)>, ViewError> {
        let end = self.size().get().saturating_add(1);
        let below = TreeSize::new(below.map_or(end, |b| b.get().min(end)));
        let rows = self.store.checkpoints_below(below, limit.min(LISTING_MAX))?;
        rows.into_iter().map(|(size, _)| self.checkpoint(size)).collect()
    }

    /// Bytes of a tile or entry bundle. A partial one inside a full one is cut
    /// from it.
    ///
    /// # Errors
    /// [`ViewError::NoTile`] when the published tree does not imply it.
    pub fn tile(&self, path: &TilePath) -> Result<Vec<u8>, ViewError> {
        match *path {
            TilePath::Hashes { tile, width } => {
                self.check_width(tile, width)?;
                let bytes = self.store.tiles(&[tile])?.pop().flatten();
                let unsound = || ViewError::Unsound { what: format!("tile {path}") };
                let mut bytes = bytes.ok_or_else(unsound)?;
                if bytes.len() < usize::from(width) * 32 {
                    return Err(unsound());
                }
                bytes.truncate(usize::from(width) * 32);
                Ok(bytes)
            }
            TilePath::Entries { index, width } => {
                self.check_width(TileId { level: 0, index }, width)?;
                let first = LeafIndex::new(index * TILE_WIDTH as u64);
                let (mut bundle, mut pushed) = (Vec::with_capacity(BUNDLE_BYTES_USUAL), Ok(()));
                let count = self.store.each_entry(first, usize::from(width), |entry| {
                    if pushed.is_ok() {
                        pushed = push_entry(&mut bundle, entry);
                    }
                })?;
                pushed?;
                if count != usize::from(width) {
                    return Err(ViewError::Unsound { what: format!("tile {path}") });
                }
                bundle.shrink_to_fit();
                Ok(bundle)
            }
        }
    }

    fn check_width(&self, tile: TileId, width: u16) -> Result<(), ViewError> {
        if width == 0 || width > width_at(tile, self.size()) {
            let known = self.store.damage().lost_below();
            if width > 0 && width <= width_at(tile, known) {
                return Err(self.lost(known));
            }
            return Err(ViewError::NoTile { size: self.size() });
        }
        Ok(())
    }

    fn check_index(&self, index: LeafIndex) -> Result<(), ViewError> {
        if index.get() >= self.size().get() {
            self.check_reach(TreeSize::new(index.get().saturating_add(1)))?;
            return Err(ViewError::NoEntry { index, size: self.size() });
        }
        Ok(())
    }

    /// What the log once held of this size and the store has not is lost, which
    /// is never answered as an absence.
    ///
    /// # Errors
    /// [`ViewError::Unsound`] between the published size and what is known to
    /// have been logged.
    pub fn check_reach(&self, size: TreeSize) -> Result<(), ViewError> {
        let known = self.store.damage().lost_below();
        if size > self.size() && size <= known { Err(self.lost(known)) } else { Ok(()) }
    }

    /// Whoever finds nothing among all entries asks whether these are all.
    /// Below an older size they are.
    ///
    /// # Errors
    /// [`ViewError::Unsound`] when entries beyond the published size are lost.
    pub fn check_none(&self, size: TreeSize) -> Result<(), ViewError> {
        let known = self.store.damage().lost_below();
        if size == self.size() && known > size { Err(self.lost(known)) } else { Ok(()) }
    }

    fn lost(&self, known: TreeSize) -> ViewError {
        ViewError::Unsound { what: format!("entries of {} and above are lost, the log had up to {known}", self.size()) }
    }
}

fn stored(index: LeafIndex, bytes: Vec<u8>) -> Result<StoredEntry, ViewError> {
    let entry = SequencedEntry::decode(&bytes)
        .map_err(|source| ViewError::Unsound { what: format!("entry {index}: {source}") })?;
    Ok(StoredEntry { index, leaf_hash: leaf_hash(&bytes), bytes, entry })
}

fn parse_note(bytes: &[u8]) -> Result<SignedNote, ViewError> {
    SignedNote::parse(bytes).map_err(|_| ViewError::Unsound { what: "a published checkpoint".into() })
}
