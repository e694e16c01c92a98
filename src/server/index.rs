//! Search rows, made from published entries by a follower.
//!
//! | row | key | value |
//! |---|---|---|
//! | cursor | `c` | version ‖ entries followed |
//! | kind | `k` ‖ place of the kind in KINDS ‖ index | |
//! | run | `r` ‖ SHA-256(agent ‖ 0x00 ‖ run)\[..6\] ‖ index | |
//!
//! If lost: rebuilt from the entries. If an attacker writes it: wrong search
//! results, never wrong proofs. Whatever it finds is read from the log and
//! shown with its own proof; an entry that the hash of a run key found by
//! chance is dropped after its body was read.
//!
//! About 17 bytes an entry before compression: the kind row shares all but a
//! byte or two with its neighbour, the run row keeps six bytes of hash.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rocksdb::{DB, Direction, IteratorMode, WriteBatch};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::artifact::{KINDS, Keys, Kind, json};
use crate::entry::SequencedEntry;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::log::recent::Recent;
use crate::server::log::{Log, Published};
use crate::server::store::layout::{cf, number, number_key};
use crate::server::store::{Store, StoreError};

/// Version of the rows; another one is rebuilt from the first entry.
const VERSION: u8 = 1;
/// Entries indexed in one write.
const STEP_ENTRIES: usize = 1_000;
/// Longest time a reader waits for its own write to be indexed.
pub const WAIT_MAX: Duration = Duration::from_millis(500);
/// Most entries that one run answers.
pub const RUN_ENTRIES_MAX: usize = 1_000;
/// Wait after the store did not answer.
const RETRY: Duration = Duration::from_secs(1);

const CURSOR: &[u8] = b"c";
const KIND: u8 = b'k';
const RUN: u8 = b'r';
const RUN_HASH_BYTES: usize = 6;

/// Reads the search rows. Clones share it.
#[derive(Clone)]
pub struct Index {
    store: Arc<Store>,
    followed: Arc<Followed>,
}

/// How far the follower has come; written by its thread alone.
struct Followed {
    size: Mutex<u64>,
    moved: Condvar,
    ended: Mutex<bool>,
    end: Condvar,
}

/// Waits for the follower's end.
pub struct Ending(Arc<Followed>);

impl Ending {
    /// Blocks until the follower has let go of the store.
    pub fn wait(&self) {
        let mut ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended {
            ended = self.0.end.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
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
    /// Starts the follower. It ends by itself when the log has ended.
    #[must_use]
    pub fn start(log: &Log) -> Self {
        let followed = Arc::new(Followed {
            size: Mutex::new(0),
            moved: Condvar::new(),
            ended: Mutex::new(false),
            end: Condvar::new(),
        });
        let follower = Follower {
            store: Arc::clone(log.store()),
            recent: Arc::clone(log.recent()),
            published: log.follow(),
            followed: Arc::clone(&followed),
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
            if left.is_zero() {
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

fn kind_prefix(kind: Kind) -> Option<[u8; 2]> {
    let place = KINDS.iter().position(|row| row.name == kind.name())?;
    Some([KIND, u8::try_from(place).ok()?])
}

fn run_prefix(agent: &str, run: &str) -> [u8; 1 + RUN_HASH_BYTES] {
    let mut hash = Sha256::new();
    hash.update(agent.as_bytes());
    hash.update([0]);
    hash.update(run.as_bytes());
    let mut key = [RUN; 1 + RUN_HASH_BYTES];
    key[1..].copy_from_slice(&hash.finalize()[..RUN_HASH_BYTES]);
    key
}

/// Eight bytes that change with the row format or with the order of KINDS.
fn version() -> [u8; 8] {
    let mut hash = Sha256::new();
    hash.update([VERSION]);
    for row in KINDS {
        hash.update(row.name.as_bytes());
        hash.update([0]);
    }
    let mut version = [0; 8];
    version.copy_from_slice(&hash.finalize()[..8]);
    version
}

/// The thread that writes the rows.
struct Follower {
    store: Arc<Store>,
    recent: Arc<Recent>,
    published: watch::Receiver<Published>,
    followed: Arc<Followed>,
}

impl Follower {
    fn run(mut self) {
        // Only to wait for the channel; nothing else runs on it.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
            tracing::error!("search index stopped: no runtime");
            return;
        };
        let mut at = self.resume();
        self.followed.set(at);
        loop {
            let size = self.published.borrow_and_update().head.size.get();
            while at < size {
                match self.step(at, size) {
                    Ok(next) => at = next,
                    Err(error) => {
                        tracing::error!(%error, index = at, "search index waits for the store");
                        std::thread::sleep(RETRY);
                    }
                }
                self.followed.set(at);
                // The log has ended: keep its store open no longer than one step.
                if self.published.has_changed().is_err() {
                    return;
                }
            }
            if runtime.block_on(self.published.changed()).is_err() {
                return;
            }
        }
    }

    /// Where to go on; rows of another version are dropped first.
    fn resume(&self) -> u64 {
        let db = self.store.database();
        let Some(family) = db.cf_handle(cf::SEARCH) else { return 0 };
        let cursor = db.get_cf(family, CURSOR).ok().flatten().unwrap_or_default();
        if let Some(followed) = cursor.strip_prefix(&version()).and_then(number) {
            return followed;
        }
        if let Err(error) = db.delete_range_cf(family, &[0][..], &[0xff][..]) {
            tracing::error!(%error, "search index: old rows were not dropped");
        }
        0
    }

    /// Files one commit from memory, or a step of older entries from the store.
    fn step(&self, first: u64, size: u64) -> Result<u64, StoreError> {
        let db: &DB = self.store.database();
        let family = db.cf_handle(cf::SEARCH).ok_or(StoreError::Family { name: cf::SEARCH })?;
        let mut batch = WriteBatch::default();
        let recent = self.recent.from(LeafIndex::new(first)).filter(|c| first + c.len() as u64 <= size);
        let end = if let Some(commit) = recent {
            commit.iter().for_each(|e| file(&mut batch, family, e.index, e.entry.kind, &e.keys));
            first + commit.len() as u64
        } else {
            let end = size.min(first + STEP_ENTRIES as u64);
            let found = self.read(first, end)?;
            found.iter().for_each(|(index, kind, keys)| file(&mut batch, family, *index, *kind, keys));
            end
        };
        batch.put_cf(family, CURSOR, [version(), number_key(end)].concat());
        db.write(batch).map_err(StoreError::Write)?;
        Ok(end)
    }

    fn read(&self, first: u64, end: u64) -> Result<Vec<(LeafIndex, Kind, Keys)>, StoreError> {
        let db: &DB = self.store.database();
        // Neighbours are read with one cursor a family: half the cost of looking each up.
        let entries = self.store.entries(LeafIndex::new(first), (end - first) as usize)?;
        let from = number_key(first);
        let bodies = db.cf_handle(cf::BODIES).ok_or(StoreError::Family { name: cf::BODIES })?;
        let mut bodies = db.iterator_cf(bodies, IteratorMode::From(&from, Direction::Forward)).peekable();
        let mut found = Vec::with_capacity(entries.len());
        for (index, entry) in (first..end).zip(entries) {
            let place = number_key(index);
            let body = bodies.next_if(|row| row.as_ref().is_ok_and(|(key, _)| **key == place));
            let Ok(entry) = SequencedEntry::decode(&entry) else {
                tracing::warn!(index, "search index: an entry is not readable and gets no rows");
                continue;
            };
            let keys = body.and_then(|row| keys(&entry, &row.ok()?.1)).unwrap_or_default();
            found.push((LeafIndex::new(index), entry.kind, keys));
        }
        Ok(found)
    }
}

/// The rows of one entry.
fn file(batch: &mut WriteBatch, family: &rocksdb::ColumnFamily, index: LeafIndex, kind: Kind, keys: &Keys) {
    let place = number_key(index.get());
    if let Some(prefix) = kind_prefix(kind) {
        batch.put_cf(family, [&prefix[..], &place].concat(), []);
    }
    for run in &keys.runs {
        let prefix = run_prefix(keys.agent.as_deref().unwrap_or_default(), run);
        batch.put_cf(family, [&prefix[..], &place].concat(), []);
    }
}

/// The keys of an artifact; none when its body is not readable.
fn keys(entry: &SequencedEntry, body: &[u8]) -> Option<Keys> {
    let body = json::parse(body, json::DEPTH_MAX).ok()?;
    let payload = if entry.signer.is_some() { body.get("payload")? } else { &body };
    Some((entry.kind.row().keys)(payload))
}
