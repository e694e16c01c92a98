//! Outbound webhooks: each target is told what changed, by a thread of its own
//! at the lowest priority, which derives events from the log and holds none.
//!
//! ```text
//! cursor (size, time) ──┐  touched scopes      verdict there | verdict here
//! newest (size, time) ──┴─> jobs, bundles ──> difference ──> POST, signed, in order
//!                            applications                     └ taken: cursor moves
//! ```
//!
//! A thread begins where its cursor stands, notes which size it evaluates, and
//! tells the differences of one scope after the other. Only when all of them were
//! taken the cursor moves: whoever is killed derives the same events again, under
//! the same ids. A target that is slow or down holds up itself alone.
//!
//! If a cursor is lost, that target begins at the newest size. If an attacker writes
//! it, events are told twice or not at all; no verdict rests on one.

mod cursor;
mod derive;
mod event;
mod sender;
mod target;

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::server::config::webhooks::Target;
use crate::server::desk::Desks;
use crate::server::judge::Audits;
use crate::server::log::clock::Clock;
use crate::server::log::{Log, Published};
use crate::server::state::LogFacts;
use crate::server::telemetry::Metrics;
use crate::server::webhooks::target::Teller;

/// Most reports that are made for webhooks in a second, for all targets together.
pub const JUDGED_PER_SECOND_MAX: u32 = 20;
/// Longest rest after one of them.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Between two looks whether the log has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// What every thread reads by.
#[derive(Clone)]
pub struct Source {
    pub desks: Desks,
    pub audits: Audits,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    pub data: PathBuf,
    pub facts: LogFacts,
}

impl Source {
    /// Of what the service shares.
    #[must_use]
    pub fn of(
        desks: &Desks,
        audits: &Audits,
        metrics: &Metrics,
        clock: &Arc<dyn Clock>,
        facts: &LogFacts,
        data: PathBuf,
    ) -> Self {
        Self {
            desks: desks.clone(),
            audits: audits.clone(),
            metrics: metrics.clone(),
            clock: Arc::clone(clock),
            facts: facts.clone(),
            data,
        }
    }
}

/// The threads, as the service sees them: they end with it.
pub struct Webhooks(Arc<Ends>);

/// Who still runs, and whether all are to end.
#[derive(Default)]
pub(crate) struct Ends {
    of: Mutex<(bool, usize)>,
    changed: Condvar,
    /// When the next report may be made.
    pace: Mutex<Option<Instant>>,
}

impl Webhooks {
    /// Starts a thread for each target; they end by themselves when the log has
    /// ended. A log that is only shown tells nothing.
    #[must_use]
    pub fn start(log: &Log, source: Source, targets: Vec<Target>) -> Self {
        let ends = Arc::new(Ends::default());
        for target in targets.into_iter().filter(|_| !log.is_shown()) {
            ends.locked().1 += 1;
            let (finish, source, published) = (Finish(Arc::clone(&ends)), source.clone(), log.follow());
            let start = target::now(&source, &published);
            let name = target.name.clone();
            let work = move || {
                let finish = finish;
                Teller::new(source, target, (start, published), &finish.0).run();
            };
            if let Err(error) = std::thread::Builder::new().name("pulselog-hook".into()).spawn(work) {
                tracing::error!(%error, target = name, "a webhook is not told: no thread");
            }
        }
        drop(source);
        Self(ends)
    }

    /// Ends them, and waits at most `most` until they have let go of the log;
    /// whether they have.
    #[must_use]
    pub fn end(&self, most: Duration) -> bool {
        let mut of = self.0.locked();
        of.0 = true;
        self.0.changed.notify_all();
        let waited = self.0.changed.wait_timeout_while(of, most, |(_, left)| *left > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.1 == 0
    }
}

impl Drop for Webhooks {
    /// They hold the log: whoever drops the service without a word ends it too.
    fn drop(&mut self) {
        self.0.locked().0 = true;
        self.0.changed.notify_all();
    }
}

impl Ends {
    fn locked(&self) -> std::sync::MutexGuard<'_, (bool, usize)> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits; `false` when the thread is to end.
    pub(crate) fn rest(&self, rest: Duration, published: &watch::Receiver<Published>) -> bool {
        let until = Instant::now() + rest;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let slice = left.min(LOOK_INTERVAL);
            let waited = self.changed.wait_timeout_while(self.locked(), slice, |(asked, _)| !*asked);
            // Whoever dropped the service without a word has ended the log too.
            if waited.unwrap_or_else(PoisonError::into_inner).0.0 || published.has_changed().is_err() {
                return false;
            }
            if left.is_zero() {
                return true;
            }
        }
    }

    /// Makes a report when its turn comes: one at a time, no more than
    /// [`JUDGED_PER_SECOND_MAX`], and resting as long as it took. `None` when the
    /// thread is to end: however many wait for their turn, none keeps the service.
    pub(crate) fn paced<T>(&self, published: &watch::Receiver<Published>, make: impl FnOnce() -> T) -> Option<T> {
        let mut next = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = next.map_or(Duration::ZERO, |next| next.saturating_duration_since(Instant::now()));
        if !self.rest(rest, published) {
            return None;
        }
        let began = Instant::now();
        let made = make();
        let rest = began.elapsed().clamp(Duration::from_secs(1) / JUDGED_PER_SECOND_MAX, PAUSE_MAX);
        *next = Some(Instant::now() + rest);
        Some(made)
    }
}

/// Says that a thread has ended, however it did.
struct Finish(Arc<Ends>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.locked().1 -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::TreeHead;
    use crate::merkle::{TreeSize, empty_root};

    #[test]
    fn whoever_waits_for_the_turn_to_judge_ends_when_it_is_asked_to() {
        let head = TreeHead { size: TreeSize::new(0), root: empty_root() };
        let (_held, published) = watch::channel(Published { head, note: Arc::from([]) });
        let ends = Ends::default();
        // A report that took long, after which all rest long.
        let first = ends.paced(&published, || std::thread::sleep(PAUSE_MAX));
        assert_eq!(first, Some(()));
        let ended = std::thread::scope(|scope| {
            let judge = || scope.spawn(|| ends.paced(&published, || std::thread::sleep(PAUSE_MAX)));
            let judges: Vec<_> = (0..8).map(|_| judge()).collect();
            std::thread::sleep(LOOK_INTERVAL);
            ends.locked().0 = true;
            ends.changed.notify_all();
            let began = Instant::now();
            let made: Vec<_> = judges.into_iter().map(|judge| judge.join().expect("it ends")).collect();
            assert_eq!(made, [None; 8]);
            began.elapsed()
        });
        assert!(ended < PAUSE_MAX / 2, "{ended:?}");
    }
}
