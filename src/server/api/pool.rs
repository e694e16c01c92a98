//! Workers for admission. Signatures cost the most of any request; two run
//! at once for each core, so that one is ready whenever another is handed over,
//! and a burst of batches neither starves the sequencer nor piles up threads.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::server::api::problem::Problem;

/// Bounded workers. Clones share the bound.
#[derive(Clone)]
pub struct Pool {
    permits: Arc<Semaphore>,
}

impl Default for Pool {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { permits: Arc::new(Semaphore::new(2 * cores)) }
    }
}

impl Pool {
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
