//! Workers for admission, and memory for bodies. Signatures cost the most of
//! any request; two run at once for each core, so that one is ready whenever
//! another is handed over, and a burst of batches neither starves the sequencer
//! nor piles up threads.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::codes::service;
use crate::server::api::problem::Problem;
use crate::server::workers::{Priority, Workers, step_back};

/// The unit in which memory is counted.
const HELD_UNIT: usize = 1 << 10;

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

    /// Whether `bytes` more could be taken now.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.units.available_permits() >= bytes / HELD_UNIT
    }

    /// What is said when it is full.
    #[must_use]
    pub fn full(&self) -> Problem {
        (self.full)()
    }

    /// Nothing of it yet.
    #[must_use]
    pub fn hold(&self) -> Held {
        Held { memory: self.clone(), permit: None }
    }
}

/// What one body takes, given back when it is dropped.
pub struct Held {
    memory: Memory,
    permit: Option<OwnedSemaphorePermit>,
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
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let more = Arc::clone(&self.memory.units).try_acquire_many_owned(missing).map_err(|_| (self.memory.full)())?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

/// Bounded workers for submissions, on threads of their own. Clones share them.
#[derive(Clone)]
pub struct Pool {
    permits: Arc<Semaphore>,
    workers: Workers,
    /// For their bodies.
    pub memory: Memory,
}

impl Pool {
    /// Workers for this machine's cores, and memory for bodies.
    #[must_use]
    pub fn new(held_bytes_max: usize) -> Self {
        let workers = 2 * std::thread::available_parallelism().map_or(2, usize::from);
        let full = || {
            Problem::new(&service::QUEUE_FULL, "submissions under way hold all memory for them; try again in a second")
        };
        Self {
            permits: Arc::new(Semaphore::new(workers)),
            workers: Workers::start("pulselog-admit", workers, workers, Priority::Usual),
            memory: Memory::new(held_bytes_max, full),
        }
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
