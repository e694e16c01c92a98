//! Search rows, made from published entries by a follower.
//!
//! | row | key | value |
//! |---|---|---|
//! | cursor | `c` | version ‖ entries followed |
//! | kind | `k` ‖ place of the kind in Kind::ALL ‖ index | |
//! | run | `r` ‖ SHA-256(agent ‖ 0x00 ‖ run)\[..6\] ‖ index | |
//! | link | `l` ‖ link ‖ index | |
//! | name | `n` ‖ SHA-256(name)\[..8\] ‖ what it names, whose word ‖ index | |
//! | whole name | `w` ‖ what it names, whose word ‖ name | |
//! | first of a name | `f` ‖ what it names, whose word ‖ index ‖ name | |
//!
//! Links are what an audit finds the entries of one job by (`audit::Link`),
//! under the roots in force at each entry; names are what a person searches
//! for. The cost of one more entry does not depend on the log's length. Names
//! that people know the beginning of are kept whole, once each: so a beginning
//! costs what it shows, however many entries bear a name.
//!
//! If lost: rebuilt from the entries. If an attacker writes it: wrong search
//! results, never wrong proofs. Whatever it finds is read from the log and
//! shown with its own proof; an entry that the hash of a run key found by
//! chance is dropped after its body was read.
//!
//! About ten rows of 15 to 18 bytes an entry before compression, most of which
//! share all but a byte or two with their neighbour.

mod follower;
pub(crate) mod names;
mod rows;
mod withheld;

pub(crate) use self::withheld::bundles_by;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::artifact::{Did, Kind};
use crate::audit::Link;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::index::follower::{Follower, Roots};
use crate::server::index::names::{Kept, Sort, Standing};
use crate::server::index::rows::{Met, first_prefix, kind_prefix, link_prefix, name_prefix, run_prefix, whole_prefix};
use crate::server::log::Log;
use crate::server::store::layout::{number, number_key};
use crate::server::store::{Store, StoreError, Way};

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
            roots: Roots::default(),
            met: Met::new(),
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
        let reached = rows::reached(&store).unwrap_or_else(|error| {
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

    /// Entries up to the last one that withholds a body.
    #[must_use]
    pub fn withheld_reach(&self) -> TreeSize {
        self.store.withheld().reach()
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
    ///
    /// # Errors
    /// [`StoreError::Read`]: what is missing would look like absence. So for
    /// every look-up below.
    pub fn kind(&self, kind: Kind, after: Option<LeafIndex>, limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
        let prefix = kind_prefix(kind);
        let Some(first) = after.map_or(Some(0), |a| a.get().checked_add(1)) else { return Ok(Vec::new()) };
        Scan::of(&self.store).up(&prefix, first, None, limit)
    }

    /// Up to `limit` newest entries of a kind below `below`, newest first.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn latest(&self, kind: Kind, below: TreeSize, limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
        Scan::of(&self.store).down(&kind_prefix(kind), below, limit)
    }

    /// Entries below `below` that may name this run and this agent (empty: no
    /// agent at all), ascending, at most [`RUN_ENTRIES_MAX`]: a hash met by
    /// chance is among them.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn run(&self, agent: &str, run: &str, below: TreeSize) -> Result<Vec<LeafIndex>, StoreError> {
        Scan::of(&self.store).up(&run_prefix(agent, run), 0, Some(below), RUN_ENTRIES_MAX)
    }

    /// Entries below `below` that are filed under `link`, ascending, at most
    /// `limit`. The caller waited until they were indexed.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn linked(&self, link: &Link, below: TreeSize, limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
        Scan::of(&self.store).up(&link_prefix(link), 0, Some(below), limit)
    }

    /// The first entry from `first` on and below `below` that is filed under `link`.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn linked_from(&self, link: &Link, first: LeafIndex, below: TreeSize) -> Result<Option<LeafIndex>, StoreError> {
        let found = Scan::of(&self.store).up(&link_prefix(link), first.get(), Some(below), 1)?;
        Ok(found.first().copied())
    }

    /// The last entry below `below` that is filed under `link`.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn newest(&self, link: &Link, below: TreeSize) -> Result<Option<LeafIndex>, StoreError> {
        Scan::of(&self.store).newest(link, below)
    }

    /// Entries from `first` on and below `below` that may bear this name,
    /// whoever signed, ascending, at most `limit`: a hash met by chance is
    /// among them.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn named(
        &self,
        (sort, name): (Sort, &str),
        first: LeafIndex,
        below: TreeSize,
        limit: usize,
    ) -> Result<Vec<LeafIndex>, StoreError> {
        let mut found = Vec::new();
        for standing in Standing::BOTH {
            found.extend(self.bearing((sort, name, standing), first, below, limit)?);
        }
        found.sort_unstable();
        found.truncate(limit);
        Ok(found)
    }

    /// The same of one standing.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn bearing(
        &self,
        (sort, name, standing): (Sort, &str, Standing),
        first: LeafIndex,
        below: TreeSize,
        limit: usize,
    ) -> Result<Vec<LeafIndex>, StoreError> {
        Scan::of(&self.store).up(&name_prefix(name, sort, standing), first.get(), Some(below), limit)
    }

    /// The highest entries below `below` that may bear this name, whoever
    /// signed, descending, at most `limit`.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn newest_named(
        &self,
        (sort, name): (Sort, &str),
        below: TreeSize,
        limit: usize,
    ) -> Result<Vec<LeafIndex>, StoreError> {
        let mut found = Vec::new();
        for standing in Standing::BOTH {
            found.extend(Scan::of(&self.store).down(&name_prefix(name, sort, standing), below, limit)?);
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(limit);
        Ok(found)
    }

    /// Whether an entry may bear a name, and whose word it is.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn bears(&self, at: LeafIndex, (sort, name): (Sort, &str)) -> Result<Option<Standing>, StoreError> {
        for standing in Standing::BOTH {
            let row = [&name_prefix(name, sort, standing)[..], &number_key(at.get())].concat();
            if self.store.search_row(&row)?.is_some() {
                return Ok(Some(standing));
            }
        }
        Ok(None)
    }

    /// Whose word an entry is that has its rows.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn standing(&self, at: LeafIndex) -> Result<Standing, StoreError> {
        let row = [&link_prefix(&Link::UNTRUSTED)[..], &number_key(at.get())].concat();
        Ok(if self.store.search_row(&row)?.is_some() { Standing::Other } else { Standing::Holder })
    }

    /// Names that are kept whole and begin with `begins`, in byte order, at
    /// most `limit`.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn whole(
        &self,
        (sort, standing): (Sort, Standing),
        begins: &str,
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        let prefix = [&whole_prefix(sort, standing)[..], begins.as_bytes()].concat();
        let found = self.store.search_keys(&prefix, &[], Way::Up, limit)?;
        let kept = |rest: Vec<u8>| Kept::read(sort, &[begins.as_bytes(), &rest].concat());
        Ok(found.into_iter().filter_map(kept).collect())
    }

    /// Names of a listed sort with the entry that each was met in first, newest
    /// first, below `below`, at most `limit`.
    ///
    /// # Errors
    /// As [`Index::kind`].
    pub fn firsts(
        &self,
        (sort, standing): (Sort, Standing),
        below: TreeSize,
        limit: usize,
    ) -> Result<Vec<(LeafIndex, Kept)>, StoreError> {
        let from = number_key(below.get());
        let found = self.store.search_keys(&first_prefix(sort, standing), &from, Way::Down, limit)?;
        let first = |row: Vec<u8>| {
            let (at, kept) = row.split_at_checked(8)?;
            Some((LeafIndex::new(number(at)?), Kept::read(sort, kept)?))
        };
        Ok(found.into_iter().filter_map(first).collect())
    }
}

/// The search rows: the only place that walks them.
struct Scan<'a>(&'a Store);

impl<'a> Scan<'a> {
    const fn of(store: &'a Store) -> Self {
        Self(store)
    }

    /// Entries under `prefix` from `first` on, ascending.
    fn up(
        &self,
        prefix: &[u8],
        first: u64,
        below: Option<TreeSize>,
        limit: usize,
    ) -> Result<Vec<LeafIndex>, StoreError> {
        let mut found = self.0.search_walk(prefix, first, Way::Up, limit)?;
        if let Some(below) = below {
            found.truncate(found.partition_point(|index| index.get() < below.get()));
        }
        Ok(found)
    }

    /// The highest entries under `prefix` below a size, descending.
    fn down(&self, prefix: &[u8], below: TreeSize, limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
        below.get().checked_sub(1).map_or(Ok(Vec::new()), |last| self.0.search_walk(prefix, last, Way::Down, limit))
    }

    /// The highest entry below `below` that is filed under `link`.
    fn newest(&self, link: &Link, below: TreeSize) -> Result<Option<LeafIndex>, StoreError> {
        Ok(self.down(&link_prefix(link), below, 1)?.first().copied())
    }
}
