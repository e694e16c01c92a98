//! The scrub: a thread at the lowest priority that recomputes what the log
//! holds while it serves, again and again. Disks rot in rows that nobody reads;
//! whoever finds that out in a year has lost the backups that were whole.
//!
//! A pass begins with an empty cache, so that every block that it is given was
//! read from the disk, and verified, since then. It reads a bounded number of
//! bytes a second and a bounded number at once, and believes what fsck believes:
//! entries, hashed into the tree of the published checkpoint. A part of the tree that is damaged stops
//! writes, as a damaged block does; a look-up row that leads elsewhere fails
//! for its own name alone, and is named. At the end of a pass the rows of statements
//! and of checkpoints are read, so that a damaged block of them is met; what they
//! say, and signatures, are for `pulselog fsck`.

mod pass;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::server::log::{Log, Published};
use crate::server::scrub::pass::{Pass, Step};
use crate::server::store::Store;
use crate::server::workers::Priority;

/// Between two looks whether the log has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Before a pass begins again that the disk did not answer.
const RETRY: Duration = Duration::from_secs(60);

/// How much it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes that it reads in a second; 0 starts none.
    pub bytes_per_second: u64,
    /// Bytes of entries and bodies that it holds at once, beside one body.
    pub held_bytes_max: usize,
    /// From the end of a pass to the next.
    pub rest: Duration,
}

/// What it has done so far. Clones share it.
#[derive(Clone)]
pub struct Scrub(Arc<State>);

/// As the counters show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries of the pass under way that were recomputed.
    pub position: u64,
    /// Passes that came to their end.
    pub passes: u64,
    /// When the last of them ended, Unix seconds; 0 before the first.
    pub last_pass_at: u64,
    /// Parts that it found damaged, each counted once a pass.
    pub damaged: u64,
}

#[derive(Default)]
struct State {
    position: AtomicU64,
    passes: AtomicU64,
    last_pass_at: AtomicU64,
    damaged: AtomicU64,
    /// Asked to end, and has ended.
    end: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Scrub {
    /// Starts the thread, which ends by itself when the log has ended.
    #[must_use]
    pub fn start(log: &Log, settings: Settings) -> Self {
        let scrub = Self(Arc::default());
        let (state, store, published) = (Arc::clone(&scrub.0), Arc::clone(log.store()), log.follow());
        let work = move || {
            let finish = Finish(state);
            run(&finish.0, store, &published, settings);
        };
        if settings.bytes_per_second == 0 {
            scrub.0.finish();
        } else if let Err(error) = std::thread::Builder::new().name("pulselog-scrub".into()).spawn(work) {
            tracing::error!(%error, "no scrub: no thread");
            scrub.0.finish();
        }
        scrub
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let of = |number: &AtomicU64| number.load(Ordering::Acquire);
        let state = &self.0;
        Progress {
            position: of(&state.position),
            passes: of(&state.passes),
            last_pass_at: of(&state.last_pass_at),
            damaged: of(&state.damaged),
        }
    }

    /// Ends it, and waits at most `most` until it has let go of the store;
    /// whether it has.
    #[must_use]
    pub fn end(&self, most: Duration) -> bool {
        let mut end = self.0.locked();
        end.0 = true;
        self.0.changed.notify_all();
        let waited = self.0.changed.wait_timeout_while(end, most, |(_, ended)| !*ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.1
    }
}

impl State {
    fn locked(&self) -> std::sync::MutexGuard<'_, (bool, bool)> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self) {
        self.locked().1 = true;
        self.changed.notify_all();
    }

    /// Waits; `false` when the scrub is to end.
    fn rest(&self, rest: Duration, published: &watch::Receiver<Published>) -> bool {
        let mut left = rest;
        loop {
            let slice = left.min(LOOK_INTERVAL);
            let waited = self.changed.wait_timeout_while(self.locked(), slice, |(asked, _)| !*asked);
            let is_asked = waited.unwrap_or_else(PoisonError::into_inner).0.0;
            // Whoever dropped the service without a word has ended the log too.
            if is_asked || published.has_changed().is_err() {
                return false;
            }
            left = left.saturating_sub(slice);
            if left.is_zero() {
                return true;
            }
        }
    }
}

/// Says that the thread has ended, however it did.
struct Finish(Arc<State>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.finish();
    }
}

fn run(state: &State, store: Arc<Store>, published: &watch::Receiver<Published>, settings: Settings) {
    Priority::Last.take();
    loop {
        let head = published.borrow().head;
        store.forget_blocks();
        let mut pass = Pass::new(&store, head, settings.held_bytes_max);
        let ended = loop {
            let step = pass.step();
            state.position.store(pass.position(), Ordering::Release);
            state.damaged.fetch_add(pass.take_found(), Ordering::AcqRel);
            match step {
                Ok(Step::More { bytes }) => {
                    let pause = Duration::from_secs_f64(bytes as f64 / settings.bytes_per_second as f64);
                    if !state.rest(pause, published) {
                        return;
                    }
                }
                Ok(Step::Done) => break true,
                Err(error) => {
                    tracing::warn!(%error, entry = pass.position(), "the scrub waits for the store");
                    break false;
                }
            }
        };
        if ended {
            state.passes.fetch_add(1, Ordering::AcqRel);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            state.last_pass_at.store(now.as_secs(), Ordering::Release);
            tracing::debug!(size = head.size.get(), "the scrub came to the end of the log");
        }
        if !state.rest(if ended { settings.rest } else { RETRY }, published) {
            return;
        }
    }
}
