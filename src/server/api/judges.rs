//! Threads that judge what anybody sends. They, the documents that wait for
//! them, the memory for these and the rate at which they come are apart from
//! everything else, and they run at the lowest priority: whoever reads or
//! submits never waits for them.

use std::sync::Arc;

use crate::codes::service;
use crate::server::api::problem::Problem;
use crate::server::api::throttle::Throttle;
use crate::server::config::crowd::{Crowd, count};
use crate::server::pool::Memory;
use crate::server::workers::{Priority, Workers};

/// The threads, as handlers see them. Clones share them; they end with the last.
#[derive(Clone)]
pub struct Judges {
    workers: Workers,
    /// For the documents.
    pub memory: Memory,
    /// For whatever comes without a token.
    pub throttle: Arc<Throttle>,
}

fn busy() -> Problem {
    Problem::new(
        &service::VERIFY_BUSY,
        "as many documents wait to be judged as may; try again, or run pulselog verify yourself",
    )
}

impl Judges {
    /// Starts the threads. Without any every document is refused as busy.
    #[must_use]
    pub fn start(crowd: &Crowd) -> Self {
        let (threads, waiting_max) = (count(crowd.verify_workers), count(crowd.verify_waiting_max));
        Self {
            workers: Workers::start("pulselog-judge", threads, waiting_max, Priority::Last),
            memory: Memory::new(count(crowd.verify_held_bytes_max), busy),
            throttle: Arc::new(Throttle::new(crowd.unsigned_bytes_per_second_max)),
        }
    }

    /// Runs `work` when its turn comes, unless nobody waits for it any more.
    ///
    /// # Errors
    /// `verify_busy` at once when too many wait; [`Problem::internal`] when the
    /// work panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        self.workers.begin(work).map_err(|_| busy())?.await.map_err(|_| Problem::internal())
    }
}
