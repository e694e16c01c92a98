//! Threads that judge what anybody sends. They, the documents that wait for
//! them and the memory for these are apart from everything else, and they run
//! at the lowest priority: whoever reads or submits never waits for them.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::server::api::pool::Memory;
use crate::server::api::problem::Problem;
use crate::server::config::crowd::{Crowd, count};

/// The lowest priority that a thread can ask for.
const NICE_MAX: i32 = 19;

type Work = Box<dyn FnOnce() + Send>;

/// The threads, as handlers see them. Clones share them; they end with the last.
#[derive(Clone)]
pub struct Judges {
    waiting: SyncSender<Work>,
    /// For the documents.
    pub memory: Memory,
}

fn busy() -> Problem {
    Problem::new(
        "verify_busy",
        "as many documents wait to be judged as may; try again, or run pulselog verify yourself",
    )
}

impl Judges {
    /// Starts the threads. What could not be started is missing; without any
    /// every document is refused as busy.
    #[must_use]
    pub fn start(crowd: &Crowd) -> Self {
        let (waiting, work) = sync_channel(count(crowd.verify_waiting_max));
        let work = Arc::new(Mutex::new(work));
        for _ in 0..crowd.verify_workers {
            let work = Arc::clone(&work);
            let started = std::thread::Builder::new().name("pulselog-judge".into()).spawn(move || judge(&work));
            if let Err(error) = started {
                tracing::error!(%error, "no thread to judge documents with");
            }
        }
        Self { waiting, memory: Memory::new(count(crowd.verify_held_bytes_max), busy) }
    }

    /// Runs `work` when its turn comes, unless nobody waits for it any more.
    ///
    /// # Errors
    /// `verify_busy` at once when too many wait; [`Problem::internal`] when the
    /// work panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let (answer, answered) = oneshot::channel();
        let work = move || {
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        };
        self.waiting.try_send(Box::new(work)).map_err(|_| busy())?;
        answered.await.map_err(|_| Problem::internal())
    }
}

fn judge(waiting: &Mutex<Receiver<Work>>) {
    // On Linux this is about the calling thread alone.
    if let Err(error) = rustix::process::setpriority_process(None, NICE_MAX) {
        tracing::warn!(%error, "documents are judged at full priority");
    }
    loop {
        let work = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = work else { return };
        // The hook has written the panic; whoever waits gets an internal error.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    }
}
