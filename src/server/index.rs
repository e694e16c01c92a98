//! Search rows, made from published entries by a follower.
//!
//! | row | key | value |
//! |---|---|---|
//! | cursor | `c` | version ‖ entries followed |
//! | kind | `k` ‖ place of the kind in KINDS ‖ index | |
//! | run | `r` ‖ SHA-256(agent ‖ 0x00 ‖ run)\[..6\] ‖ index | |
//! | link | `l` ‖ link ‖ index | |
//! | name | `n` ‖ SHA-256(name)\[..8\] ‖ index | |
//!
//! Links are what an audit finds the entries of one job by (`audit::Link`),
//! under the roots in force at each entry; names are what a person searches
//! for. The cost of one more entry does not depend on the log's length.
//!
//! If lost: rebuilt from the entries. If an attacker writes it: wrong search
//! results, never wrong proofs. Whatever it finds is read from the log and
//! shown with its own proof; an entry that the hash of a run key found by
//! chance is dropped after its body was read.
//!
//! About ten rows of 15 to 18 bytes an entry before compression, most of which
//! share all but a byte or two with their neighbour.

mod follower;
pub mod names;
mod rows;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rocksdb::{Direction, IteratorMode};

use crate::artifact::{Did, Keys, Kind, json};
use crate::audit::Link;
use crate::entry::SequencedEntry;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::index::follower::Follower;
use crate::server::index::rows::{kind_prefix, link_prefix, name_prefix, run_prefix};
use crate::server::log::Log;
use crate::server::store::layout::{cf, number, number_key};
use crate::server::store::{Store, StoreError};

/// Longest time a reader waits for its own write to be indexed.
pub const WAIT_MAX: Duration = Duration::from_millis(500);
/// Most entries that one run answers.
pub const RUN_ENTRIES_MAX: usize = 1_000;

/// Reads the search rows. Clones share it.
#[derive(Clone)]
pub struct Index {
    store: Arc<Store>,
    followed: Arc<Followed>,
}

/// How far the follower has come; written by its thread alone.
struct Followed {
    /// Nobody follows: waiting would be in vain.
    is_still: bool,
    size: Mutex<u64>,
    moved: Condvar,
    ended: Mutex<bool>,
    end: Condvar,
}

/// Waits for the follower's end.
pub struct Ending(Arc<Followed>);

impl Ending {
    /// Blocks until the follower has let go of the store, at most `most`;
    /// whether it has.
    pub fn wait(&self, most: Duration) -> bool {
        let ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.end.wait_timeout_while(ended, most, |ended| !*ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Says that the follower has ended, however it did.
struct Finish(Arc<Followed>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.finish();
    }
}

impl Followed {
    const fn new(size: u64, is_still: bool) -> Self {
        let (moved, end) = (Condvar::new(), Condvar::new());
        Self { is_still, size: Mutex::new(size), moved, ended: Mutex::new(is_still), end }
    }

    fn get(&self) -> u64 {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, size: u64) {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = size;
        self.moved.notify_all();
    }

    fn finish(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.end.notify_all();
    }
}

impl Index {
    /// Starts the follower, which files entries as whoever believes `operator`
    /// about the log called `origin`. It ends by itself when the log has ended.
    #[must_use]
    pub fn start(log: &Log, operator: Did, origin: String) -> Self {
        let followed = Arc::new(Followed::new(0, false));
        let follower = Follower {
            store: Arc::clone(log.store()),
            recent: Arc::clone(log.recent()),
            published: log.follow(),
            followed: Arc::clone(&followed),
            operator,
            origin,
            roots: None,
        };
        let ended = Arc::clone(&followed);
        let follow = move || {
            // Also when the follower panics: a shutdown waits for this.
            let _finish = Finish(ended);
            follower.run();
        };
        if let Err(error) = std::thread::Builder::new().name("pulselog-index".into()).spawn(follow) {
            tracing::error!(%error, "search index stopped: no thread");
            followed.finish();
        }
        Self { store: Arc::clone(log.store()), followed }
    }

    /// The rows as they lie, of a log that is only shown: nobody follows, and
    /// what they do not reach is `index_behind`.
    #[must_use]
    pub fn still(log: &Log) -> Self {
        let store = Arc::clone(log.store());
        let reached = follower::reached(&store).unwrap_or_else(|error| {
            tracing::error!(%error, "search index: how far it reaches cannot be read, none of it is used");
            None
        });
        let size = log.published().head.size.get();
        let followed = Arc::new(Followed::new(reached.unwrap_or(0).min(size), true));
        Self { store, followed }
    }

    /// A handle to wait for the follower's end without holding the store.
    #[must_use]
    pub fn ending(&self) -> Ending {
        Ending(Arc::clone(&self.followed))
    }

    /// Entries `[0, followed)` have their rows.
    #[must_use]
    pub fn followed(&self) -> TreeSize {
        TreeSize::new(self.followed.get())
    }

    /// Waits until entries `[0, size)` have their rows, at most [`WAIT_MAX`];
    /// says whether they have. Blocks: call it where blocking is allowed.
    #[must_use]
    pub fn wait(&self, size: TreeSize) -> bool {
        let deadline = Instant::now() + WAIT_MAX;
        let mut followed = self.followed.size.lock().unwrap_or_else(PoisonError::into_inner);
        while *followed < size.get() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.followed.is_still {
                return false;
            }
            followed = self.followed.moved.wait_timeout(followed, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Up to `limit` entries of a kind with an index above `after`, ascending.
    #[must_use]
    pub fn kind(&self, kind: Kind, after: Option<LeafIndex>, limit: usize) -> Vec<LeafIndex> {
        let Some(prefix) = kind_prefix(kind) else { return Vec::new() };
        let Some(first) = after.map_or(Some(0), |a| a.get().checked_add(1)) else { return Vec::new() };
        self.scan(&prefix, first, Direction::Forward, limit)
    }

    /// Up to `limit` newest entries, of one kind or of all, newest first.
    #[must_use]
    pub fn latest(&self, kind: Option<Kind>, limit: usize) -> Vec<LeafIndex> {
        match kind {
            Some(kind) => kind_prefix(kind)
                .map(|prefix| self.scan(&prefix, u64::MAX, Direction::Reverse, limit))
                .unwrap_or_default(),
            None => (0..self.followed.get()).rev().take(limit).map(LeafIndex::new).collect(),
        }
    }

    /// Entries that name this run and this agent, or this run and no agent at
    /// all, ascending, at most [`RUN_ENTRIES_MAX`]. Names are claims of
    /// whoever signed. Cost: one body read and parsed an entry.
    #[must_use]
    pub fn run(&self, agent: &str, run: &str) -> Vec<LeafIndex> {
        let mut found = Vec::new();
        for named in [agent, ""] {
            let candidates = self.scan(&run_prefix(named, run), 0, Direction::Forward, RUN_ENTRIES_MAX);
            found.extend(candidates.into_iter().filter(|i| self.names_run(*i, named, run)));
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(RUN_ENTRIES_MAX);
        found
    }

    fn names_run(&self, index: LeafIndex, agent: &str, run: &str) -> bool {
        let read = || {
            let entry = SequencedEntry::decode(&self.store.entry(index).ok()??).ok()?;
            keys(&entry, &self.store.body(index).ok()??)
        };
        let keys = read().unwrap_or_default();
        keys.agent.as_deref().unwrap_or_default() == agent && keys.runs.iter().any(|r| r == run)
    }

    /// Entries below `below` that are filed under `link`, ascending, at most
    /// `limit`. The caller waited until they were indexed.
    ///
    /// # Errors
    /// [`StoreError::Read`]: what is missing would look like absence.
    pub fn linked(&self, link: &Link, below: TreeSize, limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
        Reader::of(&self.store).scan(&link_prefix(link), 0, below, limit)
    }

    /// Entries from `first` on and below `below` that may bear this name,
    /// ascending, at most `limit`: a hash met by chance is among them.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn named(
        &self,
        name: &str,
        first: LeafIndex,
        below: TreeSize,
        limit: usize,
    ) -> Result<Vec<LeafIndex>, StoreError> {
        Reader::of(&self.store).scan(&name_prefix(name), first.get(), below, limit)
    }

    /// A failed read finds nothing: the pages say how far the index has come.
    fn scan(&self, prefix: &[u8], first: u64, direction: Direction, limit: usize) -> Vec<LeafIndex> {
        let db = self.store.database();
        let Some(family) = db.cf_handle(cf::SEARCH) else { return Vec::new() };
        let from = [prefix, &number_key(first)].concat();
        db.iterator_cf(family, IteratorMode::From(&from, direction))
            .take(limit)
            .map_while(|row| number(row.ok()?.0.strip_prefix(prefix)?).map(LeafIndex::new))
            .collect()
    }
}

/// Reads rows where a failed read is an error.
struct Reader<'a>(&'a Store);

impl<'a> Reader<'a> {
    const fn of(store: &'a Store) -> Self {
        Self(store)
    }

    fn scan(&self, prefix: &[u8], first: u64, below: TreeSize, limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
        let db = self.0.database();
        let family = db.cf_handle(cf::SEARCH).ok_or(StoreError::Family { name: cf::SEARCH })?;
        let from = [prefix, &number_key(first)].concat();
        let mut found = Vec::new();
        for row in db.iterator_cf(family, IteratorMode::From(&from, Direction::Forward)).take(limit) {
            let (key, _) = row.map_err(StoreError::Read)?;
            match key.strip_prefix(prefix).and_then(number).filter(|index| *index < below.get()) {
                Some(index) => found.push(LeafIndex::new(index)),
                None => break,
            }
        }
        Ok(found)
    }

    /// The highest entry below `below` that is filed under `link`.
    fn newest(&self, link: &Link, below: TreeSize) -> Result<Option<LeafIndex>, StoreError> {
        let Some(last) = below.get().checked_sub(1) else { return Ok(None) };
        let db = self.0.database();
        let family = db.cf_handle(cf::SEARCH).ok_or(StoreError::Family { name: cf::SEARCH })?;
        let prefix = link_prefix(link);
        let from = [&prefix[..], &number_key(last)].concat();
        let row = db.iterator_cf(family, IteratorMode::From(&from, Direction::Reverse)).next();
        let Some((key, _)) = row.transpose().map_err(StoreError::Read)? else { return Ok(None) };
        Ok(key.strip_prefix(&prefix[..]).and_then(number).map(LeafIndex::new))
    }
}

/// The keys of an artifact; none when its body is not readable.
fn keys(entry: &SequencedEntry, body: &[u8]) -> Option<Keys> {
    let body = json::parse(body, json::DEPTH_MAX).ok()?;
    let payload = if entry.signer.is_some() { body.get("payload")? } else { &body };
    Some((entry.kind.row().keys)(payload))
}
