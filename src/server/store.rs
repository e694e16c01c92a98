//! The store: one RocksDB, its column families, and the one synced batch.
//!
//! Entries are opaque here: the store keys and counts, it does not decode.
//! If lost, the log is lost unless mirrored. If an attacker writes it, nothing
//! that it answers verifies, except that it could make us sign a split view:
//! therefore the head guard.
//!
//! Synchronous: the sequencer has its own thread, readers come from blocking
//! tasks.

mod budget;
pub(crate) mod damage;
mod error;
pub mod layout;
pub(crate) mod pyramids;
mod read;
mod records;
mod rocks;
mod room;
mod search;
mod still;
pub mod withheld;
pub mod whole;

use std::path::Path;
use std::sync::Arc;

use rocksdb::{Cache, DB, FlushOptions, WriteBatch, WriteOptions};

use crate::merkle::{LeafIndex, TreeSize};
use crate::sequence::Commit;
use crate::server::faults::{Faults, WriteStep};
use crate::server::store::damage::Damage;
use crate::server::store::layout::{HeadRecord, LogIdentity, StatementRow, cf, meta, number_key, tile_key};
use crate::server::store::pyramids::Pyramids;
use crate::server::store::withheld::{Row, Withheld};

pub use self::budget::{
    BUDGET_BYTES_MIN, Budget, CACHE_BYTES_MAX, MEMTABLES_BYTES_MAX, TREE_BYTES_MAX, TREE_BYTES_MIN,
};
pub use self::error::StoreError;
pub use self::read::Claim;
pub use self::records::is_store;
pub use self::room::free_bytes;
pub use self::search::Way;
pub use self::still::Survey;

/// Most entries that one answer lists for the same statement.
pub const SAME_STATEMENT_MAX: usize = 256;

/// Entries of a memtable that is in no file yet.
const ACTIVE_ENTRIES: &str = "rocksdb.num-entries-active-mem-table";

/// Keys, small values and tile bytes of one entry, to size a batch beforehand.
const ROW_BYTES_GUESS: usize = 320;

/// An open store. Cheap to share behind an `Arc`.
pub struct Store {
    db: DB,
    faults: Arc<dyn Faults>,
    /// A store that is written has RocksDB's own lock beside it.
    _lock: rocks::Held,
    pyramids: Pyramids,
    damage: Arc<Damage>,
    withheld: Withheld,
    /// Blocks that were read, and how many bytes of them are kept.
    cache: (Cache, usize),
}

impl Store {
    /// Opens or creates the store in `dir`. Replays the WAL, whose tail may be
    /// torn by a power cut and nothing else.
    ///
    /// # Errors
    /// [`StoreError::Busy`]; [`StoreError::Open`], [`StoreError::Closed`]:
    /// damaged files; [`StoreError::Record`]; [`StoreError::NoRoom`].
    pub fn open(dir: &Path, budget: Budget, faults: Arc<dyn Faults>) -> Result<Self, StoreError> {
        records::check(dir)?;
        room::check(dir)?;
        let cache = rocks::cache(budget.cache_bytes);
        // Where RocksDB has yet to make the directory nobody reads in it.
        let before = dir.exists().then(|| rocks::lock_beside(dir).ok_or(StoreError::Busy)).transpose()?;
        let db = rocks::open(dir, budget, &cache).map_err(|error| still::refused(dir, &cache, error))?;
        let lock = before.map_or_else(|| rocks::lock_beside(dir).ok_or(StoreError::Busy), Ok)?;
        let pyramids = Pyramids::new(budget.tree_bytes);
        let cache = (cache, budget.cache_bytes);
        Ok(Self { db, faults, _lock: lock, pyramids, damage: Arc::default(), withheld: Withheld::default(), cache })
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
            let family = self.family(name)?;
            // Opening has flushed what it recovered. Asking again where nothing
            // is left would wait for compactions that are behind.
            let waiting = self.db.property_int_value_cf(family, ACTIVE_ENTRIES).map_err(StoreError::Read)?;
            if waiting != Some(0) {
                self.db.flush_cf_opt(family, &options).map_err(StoreError::writing)?;
            }
        }
        self.db.flush_wal(true).map_err(StoreError::writing)
    }

    /// Who the log is; `None` before initialisation has finished.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn identity(&self) -> Result<Option<LogIdentity>, StoreError> {
        let Some(bytes) = self.get(cf::META, meta::LOG)? else { return Ok(None) };
        LogIdentity::decode(&bytes).map(Some).ok_or_else(|| StoreError::Damaged { row: "meta/log".into() })
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
        self.db.write_opt(batch, &synced()).map_err(StoreError::writing)
    }

    /// Initialisation: identity and empty head, in one synced batch.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn create(&self, identity: &LogIdentity, head: &HeadRecord) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        let family = self.family(cf::META)?;
        let identity = identity.encode().ok_or_else(|| StoreError::Damaged { row: "meta/log".into() })?;
        batch.put_cf(family, meta::LOG, identity);
        batch.put_cf(family, meta::HEAD, head.encode());
        self.write(WriteStep::StoreCreate, batch, true)
    }

    /// The synced batch of one commit: all of it or, after a crash, nothing.
    /// `statements` says for each entry what was looked up before, `withheld` what
    /// these entries withhold, which no reader is shown from here on. Returns for each
    /// entry whether another one makes the same statement.
    ///
    /// # Errors
    /// [`StoreError::Write`]: whether it was persisted is then unknown, so the
    /// caller must stop.
    pub fn commit(
        &self,
        commit: &Commit,
        statements: &[StatementRow],
        withheld: &[Row],
        head: &HeadRecord,
    ) -> Result<Vec<bool>, StoreError> {
        let (mut batch, repeated) = self.batch(commit, statements, head)?;
        self.put_withheld(&mut batch, withheld, commit.head.size)?;
        // Before the write: nobody reads a body between it and what withholds it.
        self.withheld.add(withheld);
        self.write(WriteStep::Commit, batch, true)?;
        Ok(repeated)
    }

    /// The rows of one commit; public so that a bench can write the same bytes bare.
    ///
    /// # Errors
    /// [`StoreError::Family`].
    pub fn batch(
        &self,
        commit: &Commit,
        statements: &[StatementRow],
        head: &HeadRecord,
    ) -> Result<(WriteBatch, Vec<bool>), StoreError> {
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
        let repeated = self.statement_rows(commit, statements, &mut batch)?;
        let tiles = self.family(cf::TILES)?;
        for (tile, bytes) in &commit.tiles {
            batch.put_cf(tiles, tile_key(*tile), bytes);
        }
        batch.put_cf(self.family(cf::META)?, meta::HEAD, head.encode());
        Ok((batch, repeated))
    }

    /// The first entry of a statement has a row that names it; later ones have
    /// a row each, so that many envelopes of one statement cost no rewriting.
    fn statement_rows(
        &self,
        commit: &Commit,
        statements: &[StatementRow],
        batch: &mut WriteBatch,
    ) -> Result<Vec<bool>, StoreError> {
        let family = self.family(cf::STATEMENTS)?;
        let mut first_here = std::collections::HashSet::with_capacity(statements.len());
        let mut repeated = Vec::with_capacity(statements.len());
        for (entry, row) in commit.entries.iter().zip(statements) {
            let is_repeated = row.first.is_some() || !first_here.insert(row.key);
            repeated.push(is_repeated);
            if is_repeated {
                batch.put_cf(family, layout::later_statement_key(&row.key, entry.index), []);
            } else {
                batch.put_cf(family, row.key, number_key(entry.index.get()));
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
        self.db.write_opt(batch, &options).map_err(StoreError::writing)?;
        self.faults.after(step).map_err(StoreError::Fault)
    }

    fn get(&self, family: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf(self.family(family)?, key).map_err(|e| self.unread(e))
    }

    /// A read that failed; damage is remembered, so that writes stop.
    fn unread(&self, error: rocksdb::Error) -> StoreError {
        let error = StoreError::Read(error);
        if error.is_damage() {
            self.damage.meet(&error.to_string());
        }
        error
    }

    /// What is damaged, as far as reads have met it.
    #[must_use]
    pub const fn damage(&self) -> &Arc<Damage> {
        &self.damage
    }

    fn family(&self, name: &'static str) -> Result<&rocksdb::ColumnFamily, StoreError> {
        self.db.cf_handle(name).ok_or(StoreError::Family { name })
    }

    /// Folded tiles that proofs climb through.
    #[must_use]
    pub const fn pyramids(&self) -> &Pyramids {
        &self.pyramids
    }

    /// Lets go of every block that was read and that nobody is reading now: what
    /// is read from here on was on the disk from here on. A read that keeps its
    /// own blocks out of the cache would still be given those that are in it.
    pub fn forget_blocks(&self) {
        let (mut cache, bytes) = self.cache.clone();
        cache.set_capacity(0);
        cache.set_capacity(bytes);
    }

    /// Compacts every family; minutes at ten million entries.
    pub fn compact(&self) {
        rocks::compact(&self.db);
    }

    /// Compacts what held bodies that were emptied, and the search rows, so that
    /// nothing of either is left in any file of the store.
    ///
    /// # Errors
    /// [`StoreError::Family`].
    pub fn compact_erased(&self, at: &[LeafIndex]) -> Result<(), StoreError> {
        let bodies = self.family(cf::BODIES)?;
        for index in at {
            rocks::compact_row(&self.db, bodies, &number_key(index.get()));
        }
        rocks::compact_family(&self.db, self.family(cf::SEARCH)?);
        Ok(())
    }

    /// The database itself, for benches and for the tests that damage it.
    #[must_use]
    pub const fn database(&self) -> &DB {
        &self.db
    }
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    // Index-ordered rows of one batch are inserted beside each other.
    options.set_memtable_insert_hint_per_batch(true);
    options
}
