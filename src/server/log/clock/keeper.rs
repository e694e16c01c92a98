//! The one judge of the clock: the sequencer logs under it, and whoever asks
//! why writes are refused hears the same.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::entry::LoggedAt;
use crate::server::log::clock::mark::Mark;
use crate::server::log::clock::{BEHIND_MAX, Clock, DRIFT_MAX, Reading, millis};

/// The wall clock of a start may be this far ahead of the last mark while the
/// kernel says that nobody holds it right.
pub const AHEAD_MAX: Duration = Duration::from_secs(3_600);
/// An accepted time names the moment of a start; later it means nothing.
pub const ACCEPT_MAX: Duration = Duration::from_secs(600);
/// Between two marks of a log that runs.
const MARK_INTERVAL: Duration = Duration::from_secs(30);

/// Clock, mark and last entry of one log.
pub struct Keeper {
    clock: Arc<dyn Clock>,
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// The reading that later ones are held against; none before one was believed.
    first: Option<Reading>,
    /// What the mark says, from before this start or from this one.
    mark: Option<Mark>,
    /// When this process wrote the mark, by the clock that never jumps.
    marked_at: Option<u64>,
    last: LoggedAt,
}

impl Keeper {
    /// Reads the mark at `path`, and judges the clock of a start behind an
    /// entry of time `last`. `accepted` is the time, Unix milliseconds, that
    /// an operator named: where the clock would be refused and shows about
    /// this time, it is believed.
    ///
    /// # Errors
    /// Only when what was accepted cannot be written down.
    pub fn start(
        clock: Arc<dyn Clock>,
        path: PathBuf,
        last: LoggedAt,
        accepted: Option<u64>,
    ) -> Result<Self, std::io::Error> {
        let state = Mutex::new(State { first: None, mark: Mark::read(&path), marked_at: None, last });
        let keeper = Self { clock, path, state };
        let Err(why) = keeper.judge(last) else { return Ok(keeper) };
        let now = keeper.clock.read();
        match accepted {
            Some(time) if time.abs_diff(now.wall_ms) <= millis(ACCEPT_MAX) => keeper.accept(now, &why)?,
            Some(_) => tracing::error!(why, "clock unsound, and not at the time of --accept-clock: writes are refused"),
            None => tracing::error!(
                why,
                "clock unsound, writes are refused; set it right, or give --accept-clock TIME when the clock is right"
            ),
        }
        Ok(keeper)
    }

    /// Written down before it counts: the next start needs the word no more.
    fn accept(&self, now: Reading, why: &str) -> std::io::Result<()> {
        let mut state = self.locked();
        let accepted_ms = Some(state.last.unix_ms()).filter(|last| *last > now.wall_ms);
        let mark = Mark { wall_ms: now.wall_ms, accepted_ms };
        mark.write(&self.path)?;
        state.mark = Some(mark);
        state.first = Some(now);
        tracing::warn!(why, wall_ms = now.wall_ms, "clock accepted on the operator's word");
        Ok(())
    }

    /// The time for entries behind one of time `last`, or what is wrong with the clock.
    ///
    /// # Errors
    /// A sentence that says which two clocks parted and by how much.
    pub fn judge(&self, last: LoggedAt) -> Result<LoggedAt, String> {
        let now = self.clock.read();
        let mut state = self.locked();
        state.last = last;
        let ahead = state.mark.filter(|mark| mark.accepted_ms == Some(last.unix_ms()));
        let (floor, what) = ahead.map_or((last.unix_ms(), "last entry"), |mark| (mark.wall_ms, "last mark"));
        let behind = floor.saturating_sub(now.wall_ms);
        if behind > millis(BEHIND_MAX) {
            return Err(format!("the wall clock is {behind} ms behind the {what}"));
        }
        match state.first {
            Some(first) => check_drift(first, now)?,
            None => {
                let since = state.mark.map_or(0, |mark| now.wall_ms.saturating_sub(mark.wall_ms));
                if since > millis(AHEAD_MAX) && self.clock.is_synchronised() == Some(false) {
                    return Err(format!(
                        "the wall clock is {since} ms ahead of when this log last ran, and nothing synchronises it"
                    ));
                }
                state.first = Some(now);
            }
        }
        Ok(LoggedAt::from_unix_ms(now.wall_ms))
    }

    /// What is wrong with the clock now, if anything is.
    #[must_use]
    pub fn unsound(&self) -> Option<String> {
        let last = self.locked().last;
        self.judge(last).err()
    }

    /// Writes the mark when the last one is old enough. A clock that is not
    /// believed leaves no mark, and a mark that cannot be written costs only
    /// the next start's knowledge.
    pub fn mark(&self) {
        if self.unsound().is_some() {
            return;
        }
        let now = self.clock.read();
        let mut state = self.locked();
        if state.marked_at.is_some_and(|at| now.monotonic_ms.saturating_sub(at) < millis(MARK_INTERVAL)) {
            return;
        }
        let accepted_ms = state.mark.and_then(|mark| mark.accepted_ms).filter(|at| *at == state.last.unix_ms());
        let mark = Mark { wall_ms: now.wall_ms, accepted_ms };
        state.marked_at = Some(now.monotonic_ms);
        match mark.write(&self.path) {
            Ok(()) => state.mark = Some(mark),
            Err(error) => tracing::warn!(path = %self.path.display(), %error, "clock mark cannot be written"),
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        // Each field is whole after every statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_drift(first: Reading, now: Reading) -> Result<(), String> {
    let wall = i128::from(now.wall_ms) - i128::from(first.wall_ms);
    let monotonic = i128::from(now.monotonic_ms) - i128::from(first.monotonic_ms);
    let drift = (wall - monotonic).unsigned_abs();
    if drift > DRIFT_MAX.as_millis() {
        return Err(format!("wall and monotonic clock parted by {drift} ms since the start"));
    }
    Ok(())
}
