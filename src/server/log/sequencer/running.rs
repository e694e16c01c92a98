//! Waiting for the sequencer's end.

use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::server::log::Published;
use crate::server::log::publisher::Fatal;
use crate::server::log::queue::Inbox;

/// Between two looks whether the thread has ended.
const JOIN_POLL: Duration = Duration::from_millis(2);

/// The running thread.
pub struct Running {
    ended: oneshot::Receiver<Result<(), Fatal>>,
}

/// Stands in for the sequencer of a log that is only shown: it takes nothing,
/// and ends when every [`crate::server::log::Log`] was dropped.
#[must_use]
pub fn idle(inbox: Inbox, published: watch::Sender<Published>) -> Running {
    let (done, ended) = oneshot::channel();
    let wait = move || {
        // Nothing is ever queued: this returns when all senders are gone.
        while inbox.receive(None).is_ok() {}
        drop(published);
        let _ = done.send(Ok(()));
    };
    if let Err(error) = std::thread::Builder::new().name("pulselog-idle".into()).spawn(wait) {
        tracing::error!(%error, "log stopped: no thread");
    }
    Running::new(ended)
}

impl Running {
    pub(super) const fn new(ended: oneshot::Receiver<Result<(), Fatal>>) -> Self {
        Self { ended }
    }

    /// Resolves when the sequencer has ended: `Ok` after every [`crate::server::log::Log`]
    /// was dropped, an error when it stopped because of a doubt.
    ///
    /// # Errors
    /// [`Fatal`]; the process must exit non-zero.
    pub async fn ended(&mut self) -> Result<(), Fatal> {
        (&mut self.ended).await.unwrap_or(Err(Fatal::Panicked))
    }

    /// As [`Running::ended`], for callers without a runtime.
    ///
    /// # Errors
    /// As [`Running::ended`].
    pub fn join(self) -> Result<(), Fatal> {
        self.ended.blocking_recv().unwrap_or(Err(Fatal::Panicked))
    }

    /// As [`Running::join`], and `None` when it takes longer than `most`.
    #[must_use]
    pub fn join_within(mut self, most: Duration) -> Option<Result<(), Fatal>> {
        let start = Instant::now();
        loop {
            match self.ended.try_recv() {
                Ok(ended) => return Some(ended),
                Err(oneshot::error::TryRecvError::Closed) => return Some(Err(Fatal::Panicked)),
                Err(oneshot::error::TryRecvError::Empty) if start.elapsed() >= most => return None,
                Err(oneshot::error::TryRecvError::Empty) => std::thread::sleep(JOIN_POLL),
            }
        }
    }
}
