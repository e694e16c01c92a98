//! Clocks, and the rule that says when not to trust one.

mod keeper;
pub mod mark;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::server::kernel;

pub use self::keeper::{ACCEPT_MAX, AHEAD_MAX, Keeper};

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

    /// Whether something outside holds the wall clock right, as far as is
    /// known; `None` when nobody says.
    fn is_synchronised(&self) -> Option<bool> {
        None
    }
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

    fn is_synchronised(&self) -> Option<bool> {
        kernel::clock_is_synchronised()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
