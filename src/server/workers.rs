//! Threads of our own, and who steps back for whom.
//!
//! The machine's cores go to whoever must not wait: the sequencer, connections,
//! and the admission of what is submitted. Reads of the store stand behind
//! them, and what anybody has judged stands behind everything. The system's
//! scheduler does the rest: a thread that steps back still has every core that
//! nobody else wants.

use std::sync::mpsc::{self, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot::{self, Receiver};

/// How far a thread steps back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Not at all.
    Usual,
    /// Behind submissions and connections: reads.
    Behind,
    /// Behind everything: the lowest that a thread can ask for.
    Last,
}

impl Priority {
    /// As the system counts: 19 is the last.
    const fn nice(self) -> i32 {
        match self {
            Self::Usual => 0,
            Self::Behind => 10,
            Self::Last => 19,
        }
    }

    /// Makes the calling thread step back, for as long as it lives.
    pub fn take(self) {
        if self == Self::Usual {
            return;
        }
        // On Linux this is about the calling thread alone.
        if let Err(error) = rustix::process::setpriority_process(None, self.nice()) {
            tracing::warn!(%error, "a thread works at full priority");
        }
    }
}

/// Lets the calling thread, which does nothing but reads, step back; once.
pub fn step_back() {
    thread_local!(static STEPPED: () = Priority::Behind.take());
    STEPPED.with(|()| ());
}

type Work = Box<dyn FnOnce() + Send>;

/// Threads that take work in turn. Clones share them; they end with the last.
#[derive(Clone)]
pub struct Workers {
    waiting: SyncSender<Work>,
}

/// As much work waits as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Workers {
    /// Starts `threads` of them, for which `waiting_max` may wait. What could not
    /// be started is missing; without any no work is taken.
    #[must_use]
    pub fn start(name: &str, threads: usize, waiting_max: usize, priority: Priority) -> Self {
        let (waiting, work) = sync_channel(waiting_max);
        let work = Arc::new(Mutex::new(work));
        for _ in 0..threads {
            let work = Arc::clone(&work);
            let run = move || {
                priority.take();
                follow(&work);
            };
            if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(run) {
                tracing::error!(%error, name, "a thread was not started");
            }
        }
        Self { waiting }
    }

    /// Runs `work` when its turn comes, unless nobody waits for it any more. No
    /// answer comes when the work panicked.
    ///
    /// # Errors
    /// [`Full`], at once.
    pub fn begin<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<Receiver<T>, Full> {
        let (answer, answered) = oneshot::channel();
        let work = move || {
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        };
        self.waiting.try_send(Box::new(work)).map_err(|_| Full)?;
        Ok(answered)
    }
}

fn follow(waiting: &Mutex<mpsc::Receiver<Work>>) {
    loop {
        let work = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = work else { return };
        // The hook has written the panic; whoever waits gets an internal error.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    }
}
