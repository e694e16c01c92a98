//! Signals, from the first moment of the process on: a stop that comes while
//! the log recovers is a stop too.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::server::kernel;

/// What the process was asked for.
pub struct Signals {
    starting: Arc<AtomicBool>,
    stop: watch::Receiver<bool>,
    reload: watch::Receiver<()>,
}

/// What the one who waits is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGINT or SIGTERM.
    Stop,
    /// SIGHUP.
    Reload,
}

struct Streams {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Listens on a thread of its own. Until [`Signals::started`] a stop ends
    /// the process at once and with 0: nobody was answered yet, and a start
    /// that is cut off anywhere is finished by the next one.
    ///
    /// # Errors
    /// When the system gives no thread or no signals.
    pub fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let streams = Streams {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        };
        drop(entered);
        let starting = Arc::new(AtomicBool::new(true));
        let ((stop_sender, stop), (reload_sender, reload)) = (watch::channel(false), watch::channel(()));
        let follow = Follow { streams, starting: Arc::clone(&starting), stop: stop_sender, reload: reload_sender };
        std::thread::Builder::new().name("pulselog-signal".into()).spawn(move || runtime.block_on(follow.run()))?;
        Ok(Self { starting, stop, reload })
    }

    /// From here on a stop answers what is under way first.
    pub fn started(&self) {
        self.starting.store(false, Ordering::Release);
    }

    /// The next thing that is asked for.
    pub async fn next(&mut self) -> Asked {
        let (stop, reload) = (&mut self.stop, &mut self.reload);
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => Asked::Stop,
            Ok(()) = reload.changed() => Asked::Reload,
        }
    }
}

struct Follow {
    streams: Streams,
    starting: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    reload: watch::Sender<()>,
}

impl Follow {
    /// For as long as somebody waits for what is asked.
    async fn run(mut self) {
        while !self.stop.is_closed() {
            match self.streams.next().await {
                Asked::Stop if self.starting.load(Ordering::Acquire) => {
                    tracing::info!("asked to stop while starting");
                    kernel::exit_now(0);
                }
                Asked::Stop => drop(self.stop.send_replace(true)),
                Asked::Reload => self.reload.send_replace(()),
            }
        }
    }
}

impl Streams {
    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }
}
