//! The store: one RocksDB, its column families, and the one synced batch.
//!
//! Entries are opaque here: the store keys and counts, it does not decode.
//! If lost, the log is lost unless mirrored. If an attacker writes it, nothing
//! that it answers verifies, except that it could make us sign a split view:
//! therefore the head guard.
//!
//! Synchronous: the sequencer has its own thread, readers come from blocking
//! tasks.

pub mod layout;
mod rocks;

use std::path::Path;
use std::sync::Arc;

use rocksdb::{DB, Direction, FlushOptions, IteratorMode, WriteBatch, WriteOptions};

use crate::artifact::digest::ArtifactDigest;
use crate::entry::EntryIdentity;
use crate::merkle::{LeafHash, LeafIndex, TreeSize};
use crate::sequence::Commit;
use crate::server::faults::{Faults, WriteStep};
use crate::server::store::layout::{
    HeadRecord, LogIdentity, STATEMENT_KEY_BYTES, cf, meta, number, number_key, tile_key,
};
use crate::tile::TileId;

/// Most entries that one answer lists for the same statement.
pub const SAME_STATEMENT_MAX: usize = 256;

/// Keys, small values and tile bytes of one entry, to size a batch beforehand.
const ROW_BYTES_GUESS: usize = 320;

/// An open store. Cheap to share behind an `Arc`.
pub struct Store {
    db: DB,
    faults: Arc<dyn Faults>,
}

impl Store {
    /// Opens or creates the store in `dir`. Replays the WAL, whose tail may be
    /// torn by a power cut and nothing else.
    ///
    /// # Errors
    /// [`StoreError::Open`]: damaged files, a lock held by another process.
    pub fn open(dir: &Path, faults: Arc<dyn Faults>) -> Result<Self, StoreError> {
        let db = rocks::open(dir).map_err(StoreError::Open)?;
        Ok(Self { db, faults })
    }

    /// Writes what the WAL gave back into synced files: after a failed sync
    /// the page cache may show what the disk never had, so nothing recovered
    /// counts before this.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn flush(&self) -> Result<(), StoreError> {
        let mut options = FlushOptions::default();
        options.set_wait(true);
        for name in cf::ALL {
            self.db.flush_cf_opt(self.family(name)?, &options).map_err(StoreError::Write)?;
        }
        self.db.flush_wal(true).map_err(StoreError::Write)
    }

    /// Who the log is; `None` before initialisation has finished.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn identity(&self) -> Result<Option<LogIdentity>, StoreError> {
        let Some(bytes) = self.get(cf::META, meta::LOG)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| StoreError::Damaged { row: "meta/log".into() })
    }

    /// The head.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn head(&self) -> Result<Option<HeadRecord>, StoreError> {
        let Some(bytes) = self.get(cf::META, meta::HEAD)? else { return Ok(None) };
        HeadRecord::decode(&bytes).map(Some).ok_or_else(|| StoreError::Damaged { row: "meta/head".into() })
    }

    /// Why this store never starts again, if it lost a compare-and-swap.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn fork(&self) -> Result<Option<String>, StoreError> {
        Ok(self.get(cf::META, meta::FORK)?.map(|b| String::from_utf8_lossy(&b).into_owned()))
    }

    /// Marks this store as a fork, for good.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn mark_fork(&self, why: &str) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(cf::META)?, meta::FORK, why.as_bytes());
        self.db.write_opt(batch, &synced()).map_err(StoreError::Write)
    }

    /// Initialisation: identity and empty head, in one synced batch.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn create(&self, identity: &LogIdentity, head: &HeadRecord) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        let family = self.family(cf::META)?;
        let identity = serde_json::to_vec(identity).map_err(|_| StoreError::Damaged { row: "meta/log".into() })?;
        batch.put_cf(family, meta::LOG, identity);
        batch.put_cf(family, meta::HEAD, head.encode());
        self.write(WriteStep::StoreCreate, batch, true)
    }

    /// The synced batch of one commit: all of it or, after a crash, nothing.
    /// Returns for each entry whether its statement was already logged.
    ///
    /// # Errors
    /// [`StoreError::Write`]: whether it was persisted is then unknown, so the
    /// caller must stop.
    pub fn commit(&self, commit: &Commit, head: &HeadRecord) -> Result<Vec<bool>, StoreError> {
        let (batch, repeated) = self.batch(commit, head)?;
        self.write(WriteStep::Commit, batch, true)?;
        Ok(repeated)
    }

    /// The rows of one commit; public so that a bench can write the same bytes bare.
    ///
    /// # Errors
    /// [`StoreError::Read`] when the statement rows cannot be looked up.
    pub fn batch(&self, commit: &Commit, head: &HeadRecord) -> Result<(WriteBatch, Vec<bool>), StoreError> {
        let bytes: usize = commit.entries.iter().map(|e| e.bytes.len() + e.body.len() + ROW_BYTES_GUESS).sum();
        let mut batch = WriteBatch::with_capacity_bytes(bytes);
        let (entries, bodies) = (self.family(cf::ENTRIES)?, self.family(cf::BODIES)?);
        let (identities, leaves) = (self.family(cf::IDENTITIES)?, self.family(cf::LEAVES)?);
        for entry in &commit.entries {
            let index = number_key(entry.index.get());
            batch.put_cf(entries, index, &entry.bytes);
            batch.put_cf(bodies, index, entry.body.as_bytes());
            batch.put_cf(identities, entry.identity.as_bytes(), index);
            batch.put_cf(leaves, entry.leaf_hash.hash().as_bytes(), index);
        }
        let repeated = self.statement_rows(commit, &mut batch)?;
        let tiles = self.family(cf::TILES)?;
        for (tile, bytes) in &commit.tiles {
            batch.put_cf(tiles, tile_key(*tile), bytes);
        }
        batch.put_cf(self.family(cf::META)?, meta::HEAD, head.encode());
        Ok((batch, repeated))
    }

    /// The first entry of a statement has a row that names it; later ones have
    /// a row each, so that many envelopes of one statement cost no rewriting.
    fn statement_rows(&self, commit: &Commit, batch: &mut WriteBatch) -> Result<Vec<bool>, StoreError> {
        let family = self.family(cf::STATEMENTS)?;
        let keys: Vec<[u8; STATEMENT_KEY_BYTES]> = commit
            .entries
            .iter()
            .map(|e| layout::statement_key(&e.payload_hash, e.entry.kind, e.entry.signer.as_ref()))
            .collect();
        let known = self.first_of_statements(&keys)?;
        let mut first_here = std::collections::HashSet::with_capacity(keys.len());
        let mut repeated = Vec::with_capacity(keys.len());
        for ((entry, key), known) in commit.entries.iter().zip(&keys).zip(known) {
            let is_repeated = known.is_some() || !first_here.insert(key);
            repeated.push(is_repeated);
            if is_repeated {
                batch.put_cf(family, layout::later_statement_key(key, entry.index), []);
            } else {
                batch.put_cf(family, key, number_key(entry.index.get()));
            }
        }
        Ok(repeated)
    }

    /// Gives a head that was committed without a note its note, synced.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn sign_head(&self, head: &HeadRecord) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(cf::META)?, meta::HEAD, head.encode());
        self.write(WriteStep::SignHead, batch, true)
    }

    /// Adds a published checkpoint. Not synced: the head holds the same note
    /// and is, and the next synced batch carries this row along. A crash
    /// before that loses the row, and the start writes it again.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn publish(&self, size: TreeSize, note: &[u8]) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(cf::CHECKPOINTS)?, number_key(size.get()), note);
        self.write(WriteStep::Publish, batch, false)
    }

    fn write(&self, step: WriteStep, batch: WriteBatch, sync: bool) -> Result<(), StoreError> {
        self.faults.before(step).map_err(StoreError::Fault)?;
        let options = if sync { synced() } else { WriteOptions::default() };
        self.db.write_opt(batch, &options).map_err(StoreError::Write)?;
        self.faults.after(step).map_err(StoreError::Fault)
    }

    /// Leaf bytes of one entry.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn entry(&self, index: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(cf::ENTRIES, &number_key(index.get()))
    }

    /// Leaf bytes of up to `limit` entries from `first` on, in order, without a gap.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`] at a gap.
    pub fn entries(&self, first: LeafIndex, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let from = number_key(first.get());
        let mode = IteratorMode::From(&from, Direction::Forward);
        let mut found = Vec::with_capacity(limit.min(1_024));
        for row in self.db.iterator_cf(self.family(cf::ENTRIES)?, mode).take(limit) {
            let (key, value) = row.map_err(StoreError::Read)?;
            if number(&key) != Some(first.get() + found.len() as u64) {
                return Err(StoreError::Damaged { row: format!("entries/{}", first.get() + found.len() as u64) });
            }
            found.push(value.into_vec());
        }
        Ok(found)
    }

    /// Compact form of one entry's artifact.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn body(&self, index: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(cf::BODIES, &number_key(index.get()))
    }

    /// Tiles, in the order asked for.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn tiles(&self, tiles: &[TileId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let keys: Vec<_> = tiles.iter().map(|t| tile_key(*t)).collect();
        let found = self.db.batched_multi_get_cf(self.family(cf::TILES)?, &keys, false);
        found.into_iter().map(|r| r.map(|v| v.map(|v| v.to_vec())).map_err(StoreError::Read)).collect()
    }

    /// Indexes of known identities, in the order asked for.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn find_identities(&self, identities: &[EntryIdentity]) -> Result<Vec<Option<LeafIndex>>, StoreError> {
        let keys: Vec<_> = identities.iter().map(EntryIdentity::as_bytes).collect();
        let found = self.db.batched_multi_get_cf(self.family(cf::IDENTITIES)?, &keys, false);
        let row = |bytes: &[u8]| index_of(bytes, "identities");
        found.into_iter().map(|r| r.map_err(StoreError::Read)?.map(|v| row(&v)).transpose()).collect()
    }

    /// Every entry whose artifact has this digest, lowest index first.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn find_artifact(&self, digest: &ArtifactDigest) -> Result<Vec<LeafIndex>, StoreError> {
        let mode = IteratorMode::From(digest.as_bytes(), Direction::Forward);
        let mut found = Vec::new();
        for row in self.db.iterator_cf(self.family(cf::IDENTITIES)?, mode) {
            let (key, value) = row.map_err(StoreError::Read)?;
            if !key.starts_with(digest.as_bytes()) || found.len() == SAME_STATEMENT_MAX {
                break;
            }
            found.push(index_of(&value, "identities")?);
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Index of a leaf hash.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn find_leaf(&self, leaf: &LeafHash) -> Result<Option<LeafIndex>, StoreError> {
        self.get(cf::LEAVES, leaf.hash().as_bytes())?.map(|v| index_of(&v, "leaves")).transpose()
    }

    /// First entry of each statement, in the order asked for: one batched
    /// read, which is all that a statement seen for the first time costs.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn first_of_statements(
        &self,
        keys: &[[u8; STATEMENT_KEY_BYTES]],
    ) -> Result<Vec<Option<LeafIndex>>, StoreError> {
        let found = self.db.batched_multi_get_cf(self.family(cf::STATEMENTS)?, keys, false);
        let row = |bytes: &[u8]| index_of(bytes, "statements");
        found.into_iter().map(|r| r.map_err(StoreError::Read)?.map(|v| row(&v)).transpose()).collect()
    }

    /// Entries of one statement in index order, at most [`SAME_STATEMENT_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn find_statement(&self, key: &[u8; STATEMENT_KEY_BYTES]) -> Result<Vec<LeafIndex>, StoreError> {
        let Some(first) = self.get(cf::STATEMENTS, key)? else { return Ok(Vec::new()) };
        let mut found = vec![index_of(&first, "statements")?];
        let mode = IteratorMode::From(&key[..], Direction::Forward);
        for row in self.db.iterator_cf(self.family(cf::STATEMENTS)?, mode).skip(1) {
            let (later, _) = row.map_err(StoreError::Read)?;
            match later.strip_prefix(&key[..]) {
                Some(index) if found.len() < SAME_STATEMENT_MAX => found.push(index_of(index, "statements")?),
                _ => break,
            }
        }
        Ok(found)
    }

    /// The published checkpoint of exactly this size.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn checkpoint(&self, size: TreeSize) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(cf::CHECKPOINTS, &number_key(size.get()))
    }

    /// Published sizes below `below`, largest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn checkpoints_below(&self, below: TreeSize, limit: usize) -> Result<Vec<(TreeSize, Vec<u8>)>, StoreError> {
        let Some(from) = below.get().checked_sub(1) else { return Ok(Vec::new()) };
        let from = number_key(from);
        let mode = IteratorMode::From(&from, Direction::Reverse);
        let mut found = Vec::new();
        for row in self.db.iterator_cf(self.family(cf::CHECKPOINTS)?, mode).take(limit) {
            let (key, note) = row.map_err(StoreError::Read)?;
            let size = number(&key).ok_or_else(|| StoreError::Damaged { row: "checkpoints".into() })?;
            found.push((TreeSize::new(size), note.into_vec()));
        }
        Ok(found)
    }

    /// The smallest published size that covers `at_least`.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn checkpoint_from(&self, at_least: TreeSize) -> Result<Option<(TreeSize, Vec<u8>)>, StoreError> {
        let from = number_key(at_least.get());
        let mode = IteratorMode::From(&from, Direction::Forward);
        let Some(row) = self.db.iterator_cf(self.family(cf::CHECKPOINTS)?, mode).next() else { return Ok(None) };
        let (key, note) = row.map_err(StoreError::Read)?;
        let size = number(&key).ok_or_else(|| StoreError::Damaged { row: "checkpoints".into() })?;
        Ok(Some((TreeSize::new(size), note.into_vec())))
    }

    fn get(&self, family: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf(self.family(family)?, key).map_err(StoreError::Read)
    }

    fn family(&self, name: &'static str) -> Result<&rocksdb::ColumnFamily, StoreError> {
        self.db.cf_handle(name).ok_or(StoreError::Family { name })
    }

    /// Compacts every family; minutes at ten million entries.
    pub fn compact(&self) {
        rocks::compact(&self.db);
    }

    /// The database itself, for rows that this file does not know (the search
    /// index), for fsck, for benches and for the tests that damage it.
    #[must_use]
    pub const fn database(&self) -> &DB {
        &self.db
    }
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

fn index_of(bytes: &[u8], row: &'static str) -> Result<LeafIndex, StoreError> {
    number(bytes).map(LeafIndex::new).ok_or_else(|| StoreError::Damaged { row: row.into() })
}

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not open.
    #[error("store: does not open: {0}")]
    Open(rocksdb::Error),
    /// A read failed; checksums are verified on every read.
    #[error("store: read failed: {0}")]
    Read(rocksdb::Error),
    /// A write failed; whether it was persisted is unknown.
    #[error("store: write failed: {0}")]
    Write(rocksdb::Error),
    /// A fault that a test asked for.
    #[error("store: injected fault: {0}")]
    Fault(std::io::Error),
    /// A row does not say what its writer writes.
    #[error("store: row {row} is damaged")]
    Damaged {
        /// Family and key.
        row: String,
    },
    /// A column family is missing.
    #[error("store: column family {name} is missing")]
    Family {
        /// Its name.
        name: &'static str,
    },
}

impl StoreError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open(_) => "store_open",
            Self::Read(_) => "store_read",
            Self::Write(_) | Self::Fault(_) => "store_write",
            Self::Damaged { .. } => "store_damaged",
            Self::Family { .. } => "store_family",
        }
    }
}
