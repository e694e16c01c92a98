//! The one pure step of the log: (tree, pending entries, now) → commit.
//!
//! `integrate` gives indexes and times, hashes leaves, grows the tree and says
//! as data everything that one batch writes. It knows no store, no key and no
//! clock. The rule for crashes sits on [`Commit`]: before the store has taken
//! it nothing happened; after that, recovery publishes it through the same
//! code as a normal batch.
//!
//! Tree: [RFC 6962 2.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1).
//! Tiles: [tlog-tiles](https://c2sp.org/tlog-tiles).

use crate::artifact::Keys;
use crate::artifact::digest::PayloadHash;
use crate::checkpoint::TreeHead;
use crate::codes::{self, Code};
use crate::entry::{EntryIdentity, LoggedAt, PendingEntry, SequencedEntry};
use crate::merkle::{Frontier, Hash, LeafHash, LeafIndex, Node, TreeSize, leaf_hash};
use crate::tile::{ENTRY_MAX, TILE_HEIGHT, TILE_WIDTH, TileId};

/// A commit takes whole items until it holds at least this many entries.
pub const COMMIT_ENTRIES_TARGET: usize = 1_024;
/// No commit holds more entries than this: 4,096 × (2 MiB body) bounds the
/// worst write, 4,096 × 1 kB ≈ 4 MB is the usual one.
pub const COMMIT_ENTRIES_MAX: usize = 4_096;
/// Entries that may wait for admission and for the sequencer, after expansion:
/// four full commits.
pub const QUEUE_ENTRIES_MAX: usize = 16_384;

const HASH_BYTES: usize = 32;

/// The tree as the sequencer holds it: frontier, partial tiles of the right
/// edge, and the clock of the last entry. A few tens of kB at any size.
#[derive(Clone, Debug)]
pub struct TreeState {
    frontier: Frontier,
    /// Bytes of the partial tile at the right edge, one a tile level.
    edge: Vec<Vec<u8>>,
    last_logged_at: LoggedAt,
}

impl TreeState {
    /// The empty tree.
    #[must_use]
    pub fn empty() -> Self {
        Self { frontier: Frontier::empty(), edge: Vec::new(), last_logged_at: LoggedAt::from_unix_ms(0) }
    }

    /// A tree read back from a store: `edge[l]` holds the partial tile of
    /// level `l` at this size.
    ///
    /// # Errors
    /// [`SequenceError::Edge`] when a tile has not the width that the size implies.
    pub fn resume(frontier: Frontier, edge: Vec<Vec<u8>>, last_logged_at: LoggedAt) -> Result<Self, SequenceError> {
        let size = frontier.size().get();
        for level in 0..=u64::BITS / TILE_HEIGHT {
            let width = size.checked_shr(level * TILE_HEIGHT).unwrap_or(0) % TILE_WIDTH as u64;
            let bytes = edge.get(level as usize).map_or(0, Vec::len);
            if bytes as u64 != width * HASH_BYTES as u64 {
                return Err(SequenceError::Edge { level });
            }
        }
        Ok(Self { frontier, edge, last_logged_at })
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.frontier.size(), root: self.frontier.root() }
    }

    /// The clock of the last entry.
    #[must_use]
    pub const fn last_logged_at(&self) -> LoggedAt {
        self.last_logged_at
    }
}

/// One entry of a commit, with everything its rows need.
#[derive(Clone, Debug)]
pub struct CommittedEntry {
    /// Where it stands.
    pub index: LeafIndex,
    /// The leaf bytes.
    pub bytes: Vec<u8>,
    /// SHA-256(0x00 ‖ bytes).
    pub leaf_hash: LeafHash,
    /// Duplicate key.
    pub identity: EntryIdentity,
    /// Half of the statement key.
    pub payload_hash: PayloadHash,
    /// The decoded entry.
    pub entry: SequencedEntry,
    /// The compact form.
    pub body: String,
    /// What an index files it under.
    pub keys: Keys,
    /// Whether an entry below makes the same statement: whoever takes the commit
    /// says so.
    pub is_again: bool,
}

/// Everything that one batch writes, as data. Nothing of it may be told to
/// anybody before the store has taken all of it and a checkpoint covers it.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Size and root before.
    pub before: TreeHead,
    /// Size and root after.
    pub head: TreeHead,
    /// The new entries in index order.
    pub entries: Vec<CommittedEntry>,
    /// New full tiles, and the partial ones of the right edge that changed.
    pub tiles: Vec<(TileId, Vec<u8>)>,
}

/// Gives the pending entries their places. `now` is the wall clock; an entry
/// never carries an earlier time than the one before it. Cost: two hashes and
/// one CBOR encoding an entry.
///
/// # Errors
/// [`SequenceError::EntryTooLong`] for an entry that no entry bundle can hold;
/// then nothing is sequenced.
pub fn integrate(
    tree: &TreeState,
    pending: Vec<PendingEntry>,
    now: LoggedAt,
) -> Result<(TreeState, Commit), SequenceError> {
    let before = tree.head();
    let logged_at = now.max(tree.last_logged_at);
    let mut grower = Grower { edge: tree.edge.clone(), full: Vec::new(), size: before.size.get() };
    let mut frontier = tree.frontier.clone();
    let mut entries = Vec::with_capacity(pending.len());
    for (index, pending) in (before.size.get()..).zip(pending) {
        let entry = pending.sequence(logged_at);
        let bytes = entry.encode();
        if bytes.len() > ENTRY_MAX {
            return Err(SequenceError::EntryTooLong { bytes: bytes.len() });
        }
        let leaf_hash = leaf_hash(&bytes);
        frontier.push(leaf_hash, &mut |node, hash| grower.take(node, hash));
        grower.size += 1;
        entries.push(CommittedEntry {
            index: LeafIndex::new(index),
            bytes,
            leaf_hash,
            identity: pending.identity(),
            payload_hash: pending.payload_hash,
            entry,
            body: pending.body,
            keys: pending.keys,
            is_again: false,
        });
    }
    let last_logged_at = if entries.is_empty() { tree.last_logged_at } else { logged_at };
    let tiles = grower.tiles(before.size);
    let next = TreeState { frontier, edge: grower.edge, last_logged_at };
    let commit = Commit { before, head: next.head(), entries, tiles };
    Ok((next, commit))
}

impl Commit {
    /// Hashes every entry a second time and compares with the tiles that will
    /// be written: a bit that flipped in memory is found before it is signed,
    /// not by a monitor a month later.
    ///
    /// # Errors
    /// [`SequenceError::Recheck`] names the first index that differs.
    pub fn recheck(&self) -> Result<(), SequenceError> {
        for entry in &self.entries {
            let index = entry.index.get();
            let tile = TileId { level: 0, index: index / TILE_WIDTH as u64 };
            let at = (index % TILE_WIDTH as u64) as usize * HASH_BYTES;
            let stored = self
                .tiles
                .iter()
                .rev()
                .find(|(id, _)| *id == tile)
                .and_then(|(_, bytes)| bytes.get(at..at + HASH_BYTES));
            if stored != Some(&leaf_hash(&entry.bytes).hash().as_bytes()[..]) {
                return Err(SequenceError::Recheck { index: entry.index });
            }
        }
        Ok(())
    }
}

/// Collects the hashes that land in tiles while the frontier grows.
struct Grower {
    edge: Vec<Vec<u8>>,
    full: Vec<(TileId, Vec<u8>)>,
    size: u64,
}

impl Grower {
    /// A complete subtree of level 8·l is one hash of a tile of level l.
    fn take(&mut self, node: Node, hash: Hash) {
        if !u32::from(node.level).is_multiple_of(TILE_HEIGHT) {
            return;
        }
        let level = node.level / TILE_HEIGHT as u8;
        let at = usize::from(level);
        while self.edge.len() <= at {
            self.edge.push(Vec::new());
        }
        self.edge[at].extend_from_slice(hash.as_bytes());
        if self.edge[at].len() == TILE_WIDTH * HASH_BYTES {
            let tile = TileId { level, index: node.index / TILE_WIDTH as u64 };
            self.full.push((tile, std::mem::take(&mut self.edge[at])));
        }
    }

    /// Full tiles, then the partial tiles that grew since `before`.
    fn tiles(&mut self, before: TreeSize) -> Vec<(TileId, Vec<u8>)> {
        let mut tiles = std::mem::take(&mut self.full);
        for (level, bytes) in self.edge.iter().enumerate() {
            let shift = level as u32 * TILE_HEIGHT;
            let (was, is) = (before.get() >> shift, self.size >> shift);
            if !bytes.is_empty() && was != is {
                let tile = TileId { level: level as u8, index: is / TILE_WIDTH as u64 };
                tiles.push((tile, bytes.clone()));
            }
        }
        tiles
    }
}

/// Why nothing was sequenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// A partial tile has not the width that the size implies.
    #[error("tree: the partial tile of level {level} has not the width that the size implies")]
    Edge {
        /// Tile level.
        level: u32,
    },
    /// An entry that no entry bundle can hold.
    #[error("entry: {bytes} bytes, an entry bundle holds at most {ENTRY_MAX}")]
    EntryTooLong {
        /// Length of the entry.
        bytes: usize,
    },
    /// The second hashing gave another result than the first.
    #[error("entry {index}: hashed twice with different results; this machine's memory is not sound")]
    Recheck {
        /// The entry.
        index: LeafIndex,
    },
}

impl SequenceError {
    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static Code {
        match self {
            Self::Edge { .. } => &codes::proof::TREE_EDGE,
            Self::EntryTooLong { .. } => &codes::proof::ENTRY_TOO_LONG,
            Self::Recheck { .. } => &codes::proof::MEMORY_UNSOUND,
        }
    }
}
