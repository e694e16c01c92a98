//! Keys of signers, parsed once, and tables for those that sign often.
//!
//! Parsing a key costs about a third of checking a signature, and a gateway
//! signs thousands of receipts. A table costs little more than two signatures
//! and takes a third off each that follows, so a key gets one after
//! [`USES_BEFORE_TABLE`] good signatures: whoever signs less pays nothing, and
//! whoever signs just as often pays less than a fiftieth. It is made by whoever
//! made that last use, while nobody waits for it.
//!
//! At most [`TABLES_MAX`] keys have one. Beyond, a key that asks gets the place
//! of one that nobody used for a whole *season*, in which [`TABLES_MAX`] keys
//! asked, or is refused and may ask again after as many uses: each table was
//! paid for by its key, and a crowd of keys that take turns leaves the places
//! as they are.

mod together;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ed25519_dalek::Signature;

use crate::artifact::checked::{CheckName, Checked};
use crate::artifact::did::{Did, DidError};
use crate::signature::{StrictKey, Sum, TabledBase, TabledKey};

use self::together::Open;
pub use self::together::Together;

/// Keys kept parsed. 16,384 x (56-byte name + 192-byte key + 150 for its uses
/// and places) stays near 6.3 MiB.
pub const KEYS_MAX: usize = 16_384;
/// Keys that have a table at a time: 256 x 33,280 bytes are 8.1 MiB.
pub const TABLES_MAX: usize = 256;
/// Good signatures of a key before its table is made: these cost 160 x 32 µs
/// at least, the table 75 µs, a sixtieth of it.
pub const USES_BEFORE_TABLE: u32 = 160;
/// Uses of tables before there is one of the base point too, of 0.6 MiB: it
/// costs 800 µs, and these have saved twice that by then.
const USES_BEFORE_BASE: u32 = 512;

/// Keys already read, by the text of their DID, good ones only; when full it
/// keeps those with a table and starts again. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct KeyCache {
    shared: Arc<Shared>,
    checked: Option<Arc<Checked>>,
    /// What strangers brought, apart from what is known.
    apart: Option<Arc<Mutex<Keys>>>,
    /// Sums that are not compared yet, while many are to be compared together.
    open: Option<Arc<Mutex<Open>>>,
}

type Keys = HashMap<Did, KnownKey>;

/// A key that was read.
#[derive(Clone, Debug)]
pub struct KnownKey(Arc<Known>);

#[derive(Debug, Default)]
struct Shared {
    keys: Mutex<Keys>,
    tables: Mutex<Tables>,
    season: AtomicU32,
    base: OnceLock<TabledBase>,
    base_uses: AtomicU32,
}

/// Who has a place. No lock is held while a table is made.
#[derive(Debug, Default)]
struct Tables {
    keys: Vec<KnownKey>,
    /// Keys that asked while every place was taken.
    asked: usize,
}

#[derive(Debug)]
struct Known {
    key: StrictKey,
    /// Good signatures without a table.
    uses: AtomicU32,
    /// When its table was last used.
    season: AtomicU32,
    table: Mutex<Option<Arc<TabledKey>>>,
}

impl KeyCache {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same keys for one reading of what belongs together, a request or a
    /// packet: it checks each signature once, however often it is met.
    #[must_use]
    pub fn of_one_reading(&self) -> Self {
        Self { checked: Some(Arc::default()), ..self.clone() }
    }

    /// The same keys for what strangers send: it uses what is known, and
    /// counts no use, makes no table and drops none. Keys that are new it keeps
    /// apart, until it is dropped itself.
    #[must_use]
    pub fn for_strangers(&self) -> Self {
        Self { apart: Some(Arc::default()), ..self.clone() }
    }

    /// Signatures that this reading has checked; 0 of a cache that remembers none.
    #[must_use]
    pub fn checks(&self) -> u64 {
        self.checked.as_ref().map_or(0, |checked| checked.made())
    }

    /// Keys that are kept, and tables that are.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        let has_table = |known: &&KnownKey| known.has_table();
        (locked(&self.shared.keys).len(), locked(&self.shared.tables).keys.iter().filter(has_table).count())
    }

    /// The DID and its key, from the cache or parsed.
    ///
    /// # Errors
    /// As [`Did::parse`] and [`Did::key`].
    pub fn get(&self, text: &str) -> Result<(Did, KnownKey), DidError> {
        let in_keys = |keys: &Keys| keys.get_key_value(text).map(|(did, known)| (did.clone(), known.clone()));
        let found = || in_keys(&locked(&self.shared.keys));
        let apart = || in_keys(&locked(self.apart.as_deref()?));
        if let Some(known) = found().or_else(apart) {
            return Ok(known);
        }
        let did = Did::parse(text)?;
        let known = KnownKey::new(did.key()?);
        let mut keys = locked(self.apart.as_deref().unwrap_or(&self.shared.keys));
        if keys.len() >= KEYS_MAX {
            keys.retain(|_, known| known.has_table());
        }
        // Another thread may have read it meanwhile: its uses count.
        let known = keys.entry(did.clone()).or_insert(known).clone();
        Ok((did, known))
    }

    /// Whether this is the key's signature over the message: strict.
    #[must_use]
    pub fn verifies(&self, key: &KnownKey, message: &[u8], signature: &Signature) -> bool {
        let name = self.checked.as_ref().map(|_| CheckName::of(&key.0.key, message, signature));
        if let Some(answer) = name.as_ref().and_then(|name| self.checked.as_ref()?.answer(name)) {
            return answer;
        }
        if let Some(open) = &self.open {
            return locked(open).take(self, key, name, message, signature);
        }
        let (sum, has_table) = self.shared.sum(&key.0, message, signature, self.learns());
        self.close(key, name, has_table, sum.is_some_and(Sum::holds))
    }

    /// What strangers bring teaches nothing.
    const fn learns(&self) -> bool {
        self.apart.is_none()
    }

    /// Keeps what a check gave, and counts the key's use.
    fn close(&self, key: &KnownKey, name: Option<CheckName>, has_table: bool, answer: bool) -> bool {
        if let Some((checked, name)) = self.checked.as_ref().zip(name) {
            checked.remember(name, answer);
        }
        if answer && !has_table && self.learns() {
            self.shared.count_use(&key.0);
        }
        answer
    }
}

impl Shared {
    /// What is to be compared with R, and whether the key has a table.
    fn sum(&self, known: &Arc<Known>, message: &[u8], signature: &Signature, learns: bool) -> (Option<Sum>, bool) {
        let table = locked(&known.table).clone();
        let Some(table) = table else { return (known.key.sum(message, signature), false) };
        if learns {
            known.season.store(self.season.load(Ordering::Relaxed), Ordering::Relaxed);
            if self.base.get().is_none() && self.base_uses.fetch_add(1, Ordering::Relaxed) + 1 == USES_BEFORE_BASE {
                // Only this one use comes by this number: nobody else makes it.
                _ = self.base.set(TabledBase::new());
            }
        }
        (table.sum(message, signature, self.base.get()), true)
    }

    /// A good signature of a key without a table.
    fn count_use(&self, known: &Arc<Known>) {
        if known.uses.fetch_add(1, Ordering::Relaxed) + 1 == USES_BEFORE_TABLE {
            self.tabulate(known);
        }
    }

    /// Makes the table of a key that has its uses, if there is a place for it.
    fn tabulate(&self, known: &Arc<Known>) {
        if !self.takes_place(known) {
            return known.uses.store(0, Ordering::Relaxed);
        }
        let table = TabledKey::new(known.key);
        // The place may be gone, after seasons: then so is the table.
        let tables = locked(&self.tables);
        if tables.keys.iter().any(|with| Arc::ptr_eq(&with.0, known)) {
            *locked(&known.table) = Some(Arc::new(table));
        }
    }

    fn takes_place(&self, known: &Arc<Known>) -> bool {
        let mut tables = locked(&self.tables);
        let mut season = self.season.load(Ordering::Relaxed);
        known.season.store(season, Ordering::Relaxed);
        if tables.keys.len() < TABLES_MAX {
            tables.keys.push(KnownKey(Arc::clone(known)));
            return true;
        }
        tables.asked += 1;
        if tables.asked.is_multiple_of(TABLES_MAX) {
            season = season.wrapping_add(1);
            self.season.store(season, Ordering::Relaxed);
        }
        // Not in this season and not in the one before: not for a whole one.
        let is_idle = |with: &&mut KnownKey| season.wrapping_sub(with.0.season.load(Ordering::Relaxed)) >= 2;
        let Some(idle) = tables.keys.iter_mut().find(is_idle) else { return false };
        let before = std::mem::replace(idle, KnownKey(Arc::clone(known)));
        before.0.uses.store(0, Ordering::Relaxed);
        *locked(&before.0.table) = None;
        true
    }
}

impl KnownKey {
    fn new(key: StrictKey) -> Self {
        let (uses, season) = (AtomicU32::new(0), AtomicU32::new(0));
        Self(Arc::new(Known { key, uses, season, table: Mutex::new(None) }))
    }

    /// Whether its multiples are kept.
    #[must_use]
    pub fn has_table(&self) -> bool {
        locked(&self.0.table).is_some()
    }
}

/// A panic while holding the lock leaves what is whole: it is only a cache.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
