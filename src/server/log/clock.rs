//! Clocks, and the rule that says when not to trust one.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::entry::LoggedAt;

/// The wall clock may be this far behind the last entry: steps of time daemons.
pub const BEHIND_MAX: Duration = Duration::from_secs(10);
/// Wall and monotonic clock may part by this much since the start.
pub const DRIFT_MAX: Duration = Duration::from_secs(60);

/// One reading of both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Wall clock, Unix milliseconds.
    pub wall_ms: u64,
    /// Milliseconds of a clock that never jumps, from any origin.
    pub monotonic_ms: u64,
}

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// Reads both clocks.
    fn read(&self) -> Reading;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn read(&self) -> Reading {
        // A wall clock before 1970 reads as 1970 and is then found unsound.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Reading { wall_ms: millis(wall), monotonic_ms: millis(self.start.elapsed()) }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Judges readings against the first one and against the last entry.
#[derive(Clone, Copy, Debug)]
pub struct Soundness {
    first: Reading,
}

impl Soundness {
    /// Starts from a reading that is believed.
    #[must_use]
    pub const fn from(first: Reading) -> Self {
        Self { first }
    }

    /// The time for the next entries, or what is wrong with the clock.
    ///
    /// # Errors
    /// A sentence that says which two clocks parted and by how much.
    pub fn judge(&self, now: Reading, last: LoggedAt) -> Result<LoggedAt, String> {
        let behind = last.unix_ms().saturating_sub(now.wall_ms);
        if behind > millis(BEHIND_MAX) {
            return Err(format!("the wall clock is {behind} ms behind the last entry"));
        }
        let wall = i128::from(now.wall_ms) - i128::from(self.first.wall_ms);
        let monotonic = i128::from(now.monotonic_ms) - i128::from(self.first.monotonic_ms);
        let drift = (wall - monotonic).unsigned_abs();
        if drift > DRIFT_MAX.as_millis() {
            return Err(format!("wall and monotonic clock parted by {drift} ms since the start"));
        }
        Ok(LoggedAt::from_unix_ms(now.wall_ms))
    }
}
