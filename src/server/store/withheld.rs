//! What the operator withholds: kept in memory for every read of a body to ask,
//! and in the meta family, a row each, written in the batch of the entry that
//! says so. The rows say what entries say; a start that finds fewer than the head
//! promises reads the entries again.
//!
//! | row | key | value |
//! |---|---|---|
//! | reach | `withheld` | entries whose withholdings have their rows |
//! | artifact | `withheld/a` ‖ artifact digest | index of the withholding |
//! | statement | `withheld/s` ‖ statement key | index of the withholding |

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use rocksdb::{Direction, IteratorMode, WriteBatch};

use crate::artifact::Did;
use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::faults::WriteStep;
use crate::server::store::layout::{STATEMENT_KEY_BYTES, cf, number, number_key};
use crate::server::store::{Store, StoreError};

const REACH: &[u8] = b"withheld";
const ROWS: &[u8] = b"withheld/";
const ARTIFACT: u8 = b'a';
const STATEMENT: u8 = b's';

/// Key of a statement: whoever makes it again in another envelope shows the same.
pub type StatementKey = [u8; STATEMENT_KEY_BYTES];

/// What one row withholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Artifact(ArtifactDigest),
    Statement(StatementKey),
}

/// One row: what is withheld, and the entry that says so.
pub type Row = (What, LeafIndex);

/// What is withheld. Of several that withhold the same the first one stands.
#[derive(Debug, Default)]
pub struct Sets {
    pub artifacts: BTreeMap<ArtifactDigest, LeafIndex>,
    pub statements: HashMap<StatementKey, LeafIndex>,
    /// Payload hashes of these statements, as envelopes spell them.
    pub hashes: HashSet<Vec<u8>>,
    /// Entries up to the last withholding.
    pub reach: u64,
}

/// What every read of a body asks.
#[derive(Debug, Default)]
pub struct Withheld {
    /// Whose word it takes; nobody's, while nobody has said.
    operator: OnceLock<Did>,
    is_any: AtomicBool,
    sets: RwLock<Sets>,
}

impl Withheld {
    /// Whose withholdings count; the first one stands.
    pub fn believe(&self, operator: Did) {
        self.operator.get_or_init(|| operator);
    }

    pub fn operator(&self) -> Option<&Did> {
        self.operator.get()
    }

    /// Whether anything is withheld at all.
    pub fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Acquire)
    }

    /// What `read` makes of what is withheld.
    pub fn ask<T>(&self, read: impl FnOnce(&Sets) -> T) -> T {
        read(&self.sets.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Entries up to the last withholding: search rows below it have followed it
    /// only when all of these were followed.
    pub fn reach(&self) -> TreeSize {
        TreeSize::new(if self.is_any() { self.ask(|sets| sets.reach) } else { 0 })
    }

    /// From now on these are withheld.
    pub fn add(&self, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        for (what, by) in rows {
            sets.reach = sets.reach.max(by.get().saturating_add(1));
            match what {
                What::Artifact(digest) => _ = sets.artifacts.entry(*digest).or_insert(*by),
                What::Statement(key) if !sets.statements.contains_key(key) => {
                    sets.statements.insert(*key, *by);
                    sets.hashes.extend(spelled(key));
                }
                What::Statement(_) => {}
            }
        }
        drop(sets);
        self.is_any.store(true, Ordering::Release);
    }
}

fn spelled(key: &StatementKey) -> Option<Vec<u8>> {
    let hash = key.first_chunk::<32>()?;
    Some(PayloadHash::from_bytes(*hash).to_b64u().into_bytes())
}

impl Store {
    /// What the operator withholds.
    #[must_use]
    pub const fn withheld(&self) -> &Withheld {
        &self.withheld
    }

    /// Takes the rows into memory. Entries below the answer have theirs.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn load_withheld(&self) -> Result<u64, StoreError> {
        let mut rows = Vec::new();
        for row in self.db.iterator_cf(self.family(cf::META)?, IteratorMode::From(ROWS, Direction::Forward)) {
            let (key, by) = row.map_err(|e| self.unread(e))?;
            let Some(key) = key.strip_prefix(ROWS) else { break };
            let row = read(key).zip(number(&by).map(LeafIndex::new));
            rows.push(row.ok_or_else(|| StoreError::Damaged { row: "meta/withheld".into() })?);
        }
        self.withheld.add(&rows);
        let reach = self.get(cf::META, REACH)?;
        Ok(reach.and_then(|reach| number(&reach)).unwrap_or(0))
    }

    /// Writes rows that are missing below `size`, synced.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn catch_up_withheld(&self, rows: &[Row], size: TreeSize) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        self.put_withheld(&mut batch, rows, size)?;
        self.write(WriteStep::Withhold, batch, true)
    }

    /// Adds these rows, and that entries below `size` have theirs.
    pub(super) fn put_withheld(&self, batch: &mut WriteBatch, rows: &[Row], size: TreeSize) -> Result<(), StoreError> {
        let family = self.family(cf::META)?;
        for (what, by) in rows {
            // The first stands, as in memory: who withholds something never changes.
            let first = self.withheld.ask(|sets| match what {
                What::Artifact(digest) => sets.artifacts.get(digest).copied(),
                What::Statement(key) => sets.statements.get(key).copied(),
            });
            if first.is_some_and(|first| first < *by) {
                continue;
            }
            let key = match what {
                What::Artifact(digest) => [ROWS, &[ARTIFACT], digest.as_bytes()].concat(),
                What::Statement(key) => [ROWS, &[STATEMENT], key].concat(),
            };
            batch.put_cf(family, key, number_key(by.get()));
        }
        batch.put_cf(family, REACH, number_key(size.get()));
        Ok(())
    }

    /// Empties bodies and writes rows in one synced batch: all of it or, after a
    /// crash, nothing. A body's row stays, so that every entry goes on having one.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn empty_bodies(&self, at: &[LeafIndex], rows: &[Row], size: TreeSize) -> Result<(), StoreError> {
        let mut batch = WriteBatch::default();
        let bodies = self.family(cf::BODIES)?;
        at.iter().for_each(|index| batch.put_cf(bodies, number_key(index.get()), []));
        self.put_withheld(&mut batch, rows, size)?;
        self.write(WriteStep::Erase, batch, true)
    }
}

fn read(key: &[u8]) -> Option<What> {
    match key.split_first()? {
        (&ARTIFACT, digest) => Some(What::Artifact(ArtifactDigest::from_bytes(digest.try_into().ok()?))),
        (&STATEMENT, key) => Some(What::Statement(key.try_into().ok()?)),
        _ => None,
    }
}
