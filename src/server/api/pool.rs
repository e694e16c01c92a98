//! Workers for admission. Signatures cost the most of any request; two run
//! at once for each core, so that one is ready whenever another is handed over,
//! and a burst of batches neither starves the sequencer nor piles up threads.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::server::api::problem::Problem;

/// Bytes of submissions that are held at once, from the first byte to the answer.
const HELD_BYTES_MAX: usize = 512 << 20;
/// The unit they are counted in.
const HELD_UNIT: usize = 1 << 10;

/// Bounded workers, and bounded memory for what they work on. Clones share the bounds.
#[derive(Clone)]
pub struct Pool {
    permits: Arc<Semaphore>,
    held: Arc<Semaphore>,
}

impl Default for Pool {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let held = Arc::new(Semaphore::new(HELD_BYTES_MAX / HELD_UNIT));
        Self { permits: Arc::new(Semaphore::new(2 * cores)), held }
    }
}

impl Pool {
    /// Reserves memory for a submission of at most `bytes` until the permit is dropped.
    ///
    /// # Errors
    /// `queue_full` when submissions under way hold it all.
    pub fn hold(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let units = u32::try_from(bytes / HELD_UNIT + 1).unwrap_or(u32::MAX);
        let full =
            || Problem::new("queue_full", "submissions under way hold all memory for them; try again in a second");
        Arc::clone(&self.held).try_acquire_many_owned(units).map_err(|_| full())
    }

    /// Runs `work` on a thread that may block, when one of the workers is free.
    ///
    /// # Errors
    /// [`Problem::internal`] when the work panicked or the service shuts down.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return Err(Problem::internal()) };
        let work = move || {
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal())
    }
}

/// Runs a short read of the store where blocking is allowed.
///
/// # Errors
/// As `read`; [`Problem::internal`] when it panicked.
pub async fn read<T: Send + 'static>(read: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(read).await.map_err(|_| Problem::internal())?
}
