//! Workers for admission, and memory for bodies. Signatures cost the most of
//! any request; two run at once for each core, so that one is ready whenever
//! another is handed over, and a burst of batches neither starves the sequencer
//! nor piles up threads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::artifact::json::ROOM_BYTES;
use crate::codes::service;
use crate::server::api::problem::Problem;
use crate::server::workers::{Priority, Workers, step_back};

/// The unit in which memory is counted.
const HELD_UNIT: usize = 1 << 10;
/// What the values of large bodies that are read at once may take together.
const VALUES_BYTES_MAX: usize = 2 * ROOM_BYTES;
/// Bodies up to this size are not counted there: a worker has one at a time.
const VALUES_FREE_BYTES: usize = 64 << 10;
/// Values take at most so many times the bytes that say them.
const VALUES_TIMES: usize = 50;
/// What one submitter may hold of the memory for all bodies: the rest is there
/// for everybody else, whatever he leaves unfinished.
const SHARE: (usize, usize) = (3, 4);
/// Submitters whose shares are remembered before those that hold nothing go.
const SHARES_SWEPT_AT: usize = 64;

/// Memory that bodies of one sort may take together. Clones share it.
#[derive(Clone)]
pub struct Memory {
    units: Arc<Semaphore>,
    full: fn() -> Problem,
}

impl Memory {
    /// At most `bytes`; `full` says that they are taken.
    #[must_use]
    pub fn new(bytes: usize, full: fn() -> Problem) -> Self {
        Self { units: Arc::new(Semaphore::new((bytes / HELD_UNIT).min(Semaphore::MAX_PERMITS))), full }
    }

    /// What is said when it is full.
    #[must_use]
    pub fn full(&self) -> Problem {
        (self.full)()
    }

    /// Nothing of it yet.
    #[must_use]
    pub fn hold(&self) -> Held {
        Held { memory: self.clone(), permit: None, share: None }
    }

    /// `bytes` of it, in turn, if they are there in time.
    pub async fn hold_within(&self, bytes: usize, time: Duration) -> Option<Held> {
        let units = u32::try_from(bytes.div_ceil(HELD_UNIT)).ok()?;
        let waiting = Arc::clone(&self.units).acquire_many_owned(units);
        let permit = tokio::time::timeout(time, waiting).await.ok()?.ok()?;
        Some(Held { memory: self.clone(), permit: Some(permit), share: None })
    }
}

/// What each submitter may hold of one memory. Clones share it.
#[derive(Clone)]
pub struct Shares {
    all: Memory,
    share_bytes: usize,
    of: Arc<Mutex<HashMap<String, Weak<Semaphore>>>>,
}

impl Shares {
    /// Of `bytes`, of which each submitter may hold most, and one body of
    /// `largest` in any case.
    #[must_use]
    pub fn new(bytes: usize, largest: usize, full: fn() -> Problem) -> Self {
        let share_bytes = (bytes / SHARE.1 * SHARE.0).max(largest.min(bytes));
        Self { all: Memory::new(bytes, full), share_bytes, of: Arc::default() }
    }

    /// Nothing of it yet, for a submitter.
    #[must_use]
    pub fn hold(&self, submitter: &str) -> Held {
        // Every change is whole when it is made.
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let units = of.get(submitter).and_then(Weak::upgrade).unwrap_or_else(|| {
            if of.len() >= SHARES_SWEPT_AT {
                of.retain(|_, units| units.strong_count() > 0);
            }
            let units = Memory::new(self.share_bytes, self.all.full).units;
            of.insert(submitter.to_owned(), Arc::downgrade(&units));
            units
        });
        drop(of);
        let share = Memory { units, full: self.all.full }.hold();
        Held { memory: self.all.clone(), permit: None, share: Some(Box::new(share)) }
    }
}

/// What one body takes, given back when it is dropped.
pub struct Held {
    memory: Memory,
    permit: Option<OwnedSemaphorePermit>,
    /// The same of what its submitter may hold.
    share: Option<Box<Self>>,
}

impl Held {
    /// Takes as much as is missing to `bytes`. Whoever announces much and sends
    /// little takes little.
    ///
    /// # Errors
    /// What the memory says when it is full.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Problem> {
        let units = bytes.div_ceil(HELD_UNIT);
        let missing = units.saturating_sub(self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        if missing == 0 {
            return Ok(());
        }
        if let Some(share) = &mut self.share {
            share.grow_to(bytes)?;
        }
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let more = Arc::clone(&self.memory.units).try_acquire_many_owned(missing).map_err(|_| (self.memory.full)())?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }

    /// Takes just `bytes`: what is beyond them is given back.
    ///
    /// # Errors
    /// As [`Held::grow_to`].
    pub fn fit(&mut self, bytes: usize) -> Result<(), Problem> {
        let units = bytes.div_ceil(HELD_UNIT);
        let share = self.share.as_mut().and_then(|share| share.permit.as_mut());
        for permit in self.permit.as_mut().into_iter().chain(share) {
            drop(permit.num_permits().checked_sub(units).and_then(|beyond| permit.split(beyond)));
        }
        self.grow_to(bytes)
    }
}

/// Bounded workers for submissions, on threads of their own. Clones share them.
#[derive(Clone)]
pub struct Pool {
    permits: Arc<Semaphore>,
    workers: Workers,
    values: Memory,
    /// For their bodies.
    pub memory: Shares,
}

impl Pool {
    /// Workers for this machine's cores, and memory for bodies, of which none is
    /// longer than `body_bytes_max`.
    #[must_use]
    pub fn new(held_bytes_max: usize, body_bytes_max: usize) -> Self {
        let workers = 2 * std::thread::available_parallelism().map_or(2, usize::from);
        let full = || {
            Problem::new(&service::QUEUE_FULL, "submissions under way hold all memory for them; try again in a second")
        };
        Self {
            permits: Arc::new(Semaphore::new(workers)),
            workers: Workers::start("pulselog-admit", workers, workers, Priority::Usual),
            values: Memory::new(VALUES_BYTES_MAX, full),
            memory: Shares::new(held_bytes_max, body_bytes_max, full),
        }
    }

    /// As [`Pool::run`], for work that reads bodies of at most `bytes` one after
    /// the other. Large ones wait until there is room for their values, in turn.
    ///
    /// # Errors
    /// As [`Pool::run`].
    pub async fn run_on<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        if bytes <= VALUES_FREE_BYTES {
            return self.run(work).await;
        }
        let room = bytes.saturating_mul(VALUES_TIMES).min(ROOM_BYTES);
        let held = self.values.hold_within(room, Duration::MAX).await.ok_or_else(Problem::internal)?;
        let work = move || {
            let _held = held;
            work()
        };
        self.run(work).await
    }

    /// Runs `work` on a thread that may block, when one of the workers is free.
    ///
    /// # Errors
    /// [`Problem::internal`] when the work panicked or no thread is there.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return Err(Problem::internal()) };
        let work = move || {
            let _permit = permit;
            work()
        };
        // As many permits as there is room: it is never full.
        self.workers.begin(work).map_err(|_| Problem::internal())?.await.map_err(|_| Problem::internal())
    }
}

/// Runs a short read of the store where blocking is allowed, and makes its
/// answer there: who is connected never waits for either.
///
/// # Errors
/// As `read`; [`Problem::internal`] when it panicked.
pub async fn read<T: Send + 'static>(read: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    behind(read).await?
}

/// Runs what readers ask for on a thread that may block and stands behind
/// submissions.
///
/// # Errors
/// [`Problem::internal`] when it panicked.
pub async fn behind<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let work = move || {
        step_back();
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal())
}
