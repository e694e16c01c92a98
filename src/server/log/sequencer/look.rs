//! What the sequencer does while nobody writes.

use std::time::{Duration, Instant};

use crate::server::log::publisher::Fatal;
use crate::server::log::sequencer::Sequencer;

/// Between two looks at guard and clock of a log that nobody writes to.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

impl Sequencer {
    /// How long nothing needs to be done; for ever when nothing is written.
    pub(super) fn until_next(&self) -> Option<Duration> {
        if self.is_read_only {
            return None;
        }
        Some(if self.desk.awaits_no_checkpoint() { LOOK_INTERVAL } else { self.until_due().min(LOOK_INTERVAL) })
    }

    /// A guard that was taken away is found before somebody writes, and the
    /// clock leaves its mark in a night without entries.
    pub(super) fn look(&mut self) -> Result<(), Fatal> {
        if self.is_read_only || self.looked_at.elapsed() < LOOK_INTERVAL {
            return Ok(());
        }
        self.looked_at = Instant::now();
        self.time.mark();
        self.publisher.check_guard()
    }

    pub(super) fn end(&mut self) -> Result<(), Fatal> {
        self.time.mark();
        self.checkpoint()
    }
}
