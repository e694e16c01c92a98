//! Opening a store without writing a byte: to look before a start, to check
//! it, and to show it as it lies.
//!
//! Whoever reads takes RocksDB's own lock, shared, which its read-only mode
//! does not: a log that runs would delete files under the reader. So readers
//! keep a log from starting, and a running log keeps readers out.

use std::path::Path;
use std::sync::Arc;

use rocksdb::Cache;

use super::{Store, StoreError, records, rocks};
use crate::server::faults::NoFaults;
use crate::server::store::Budget;
use crate::server::store::damage::Damage;
use crate::server::store::layout::HeadRecord;
use crate::server::store::pyramids::Pyramids;
use crate::server::store::whole::Hole;
use crate::server::store::withheld::Withheld;

/// What lies in a directory, before it is opened for writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The head, with what the WAL gives back.
    pub head: HeadRecord,
    /// Rows that are missing below it.
    pub hole: Option<Hole>,
    /// Why it could not be looked for.
    pub damage: Option<String>,
    /// It lost against another copy.
    pub is_fork: bool,
}

impl Store {
    /// Opens the store in `dir` and writes nothing, not even what the WAL
    /// gives back: fsck must not change what it judges. Every write fails.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when a running log holds it; [`StoreError::Open`],
    /// [`StoreError::Closed`].
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        let lock = rocks::lock_shared(dir).ok_or(StoreError::Busy)?;
        records::check(dir)?;
        let budget = Budget::default();
        let cache = rocks::cache(budget.cache_bytes);
        let db = rocks::open_read_only(dir, &cache).map_err(|error| refused(dir, &cache, error))?;
        Ok(Self::still(db, lock, budget, cache))
    }

    /// As [`Store::open_read_only`], and where that is refused whatever can be
    /// read: tables that are missing and logs that are lost leave holes, which
    /// the caller looks for. Gives the refusal beside it. Nothing may be
    /// believed of such a store that is not held against a checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Busy`]; [`StoreError::Closed`] when not even that helps.
    pub fn open_as_it_lies(dir: &Path, budget: Budget) -> Result<(Self, Option<StoreError>), StoreError> {
        let lock = rocks::lock_shared(dir).ok_or(StoreError::Busy)?;
        records::check(dir)?;
        let cache = rocks::cache(budget.cache_bytes);
        match rocks::open_read_only(dir, &cache) {
            Ok(db) => Ok((Self::still(db, lock, budget, cache), None)),
            Err(refused) => match rocks::open_as_it_lies(dir, &cache) {
                Ok(db) => Ok((Self::still(db, lock, budget, cache), Some(StoreError::Open(refused)))),
                Err(_) => Err(StoreError::Closed(refused)),
            },
        }
    }

    fn still(db: rocksdb::DB, lock: rocks::Held, budget: Budget, cache: Cache) -> Self {
        Self {
            db,
            faults: Arc::new(NoFaults),
            _lock: lock,
            pyramids: Pyramids::new(budget.tree_bytes),
            damage: Arc::<Damage>::default(),
            withheld: Withheld::default(),
            cache: (cache, budget.cache_bytes),
        }
    }

    /// Looks at the head, and for rows that are missing below it, before
    /// anything is opened for writing: that would throw away what a repair may
    /// need. A store whose first start was interrupted has no head yet.
    ///
    /// # Errors
    /// As [`Store::open_read_only`] and [`Store::hole`].
    pub fn survey(dir: &Path) -> Result<Option<Survey>, StoreError> {
        records::check(dir)?;
        let budget = Budget::default();
        let cache = rocks::cache(budget.cache_bytes);
        let opening = |error| refused(dir, &cache, error);
        if !dir.join("CURRENT").exists() || !rocks::has_families(dir).map_err(opening)? {
            return Ok(None);
        }
        // Whoever is about to write waits for nobody who reads.
        let lock = rocks::lock(dir).ok_or(StoreError::Busy)?;
        let db = rocks::open_read_only(dir, &cache).map_err(opening)?;
        let store = Self::still(db, lock, budget, cache.clone());
        let Some(head) = store.head()? else { return Ok(None) };
        let is_fork = store.fork()?.is_some();
        let (hole, damage) = match store.hole(head.head.size) {
            Ok(hole) => (hole, None),
            // What cannot be read is no hole: the log may show the rest.
            Err(StoreError::Read(error)) => (None, Some(error.to_string())),
            Err(error) => return Err(error),
        };
        Ok(Some(Survey { head, hole, damage, is_fork }))
    }
}

/// Why a store did not open, with advice that leads on: whether anything of it
/// can still be shown is tried, and whoever reads that writes nothing.
pub(super) fn refused(dir: &Path, cache: &Cache, error: rocksdb::Error) -> StoreError {
    match StoreError::opening(error) {
        StoreError::Open(error) if rocks::open_as_it_lies(dir, cache).is_err() => StoreError::Closed(error),
        refused => refused,
    }
}
