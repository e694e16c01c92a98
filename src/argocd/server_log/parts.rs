//! Which parts of the log were read, by the times of its own lines: without
//! them nobody can tell that nothing was refused from that nobody looked.
//!
//! ```text
//! lines   |.. . ...|. .. ..|..            ..|  …     a break: nobody can tell silence
//! parts    from─until─until─until   from─until       from lines that are missing
//!         |  PART  |  PART |
//! ```
//!
//! Parts end at whole multiples of [`PART_MS`], so that lines which are read
//! again make the same parts, which the log answers as duplicates; each begins
//! where the one before it ended, unless there was a break.

use sha2::{Digest as _, Sha256};

use crate::argocd::members::cut;
use crate::argocd::observation::{Channel, Observation};
use crate::argocd::server_log::LogCoverage;
use crate::text::{civil, hex};

/// Longest part of the log that one observation tells of, by the times of its lines.
pub const PART_MS: i64 = 240_000;
/// Longest time between two lines in which nothing is taken to have been
/// written: beyond it, lines may as well be missing.
pub const SILENCE_MS: i64 = 300_000;
/// How much earlier a line may be than one before it: several calls write at
/// once, a clock is put right, servers catch up beside each other. What was read
/// stays read. Beyond it, another piece of the log began.
pub const DISORDER_MS: i64 = 3_600_000;

/// Where a line stands to the lines before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Within,
    /// In the next part.
    On,
    /// Nothing says that it follows.
    Break,
}

/// The part under way, and those that are over and not told yet.
#[derive(Debug, Default)]
pub(super) struct Parts {
    part: Option<Part>,
    over: Vec<(i64, Observation)>,
}

#[derive(Debug)]
struct Part {
    from: i64,
    until: i64,
    /// End of its time, where the next part begins.
    end: i64,
    lines: Sha256,
    /// What had been read before it.
    before: LogCoverage,
}

impl Parts {
    /// The time of the newest line.
    pub(super) fn now_ms(&self) -> Option<i64> {
        self.part.as_ref().map(|part| part.until)
    }

    /// Where a line of this time stands.
    pub(super) fn step(&self, ms: i64) -> Step {
        let Some(part) = &self.part else { return Step::Break };
        let since = ms.saturating_sub(part.until);
        match () {
            () if !(-DISORDER_MS..=SILENCE_MS).contains(&since) => Step::Break,
            () if ms >= part.end => Step::On,
            () => Step::Within,
        }
    }

    /// Goes on to a line of this time; `read` is what was read before it.
    pub(super) fn go_to(&mut self, instance: &str, ms: i64, step: Step, read: LogCoverage) {
        let from = match step {
            Step::Within => {
                self.part.iter_mut().for_each(|part| part.until = part.until.max(ms));
                return;
            }
            Step::On => self.now_ms().unwrap_or(ms),
            Step::Break => ms,
        };
        // What was read before the first line with a time belongs to its part.
        let before = if self.part.is_some() { read } else { LogCoverage::default() };
        self.close(instance, read);
        let end = ms.div_euclid(PART_MS).saturating_add(1).saturating_mul(PART_MS);
        self.part = Some(Part { from, until: ms, end, lines: Sha256::new(), before });
    }

    /// Takes a line into the part under way.
    pub(super) fn take(&mut self, line: &[u8]) {
        if let Some(part) = &mut self.part {
            part.lines.update(line);
            part.lines.update(b"\n");
        }
    }

    /// Ends the part under way.
    pub(super) fn close(&mut self, instance: &str, read: LogCoverage) {
        let Some(part) = self.part.take() else { return };
        let lines: [u8; 32] = part.lines.finalize().into();
        let since = |count: fn(LogCoverage) -> u64| {
            u32::try_from(count(read).saturating_sub(count(part.before))).unwrap_or(u32::MAX)
        };
        let said = Observation::of_digest(Channel::ServerLog, instance, "log_read", hex::encode(&lines))
            .with("from", seconds(part.from))
            .with("until", seconds(part.until))
            .with("lines", since(|read| read.lines))
            .with("unread", since(|read| read.unread))
            .with("unnamed", since(|read| read.refusals_unnamed))
            .with("tokenless", since(|read| read.calls_without_claims));
        self.over.push((part.until, said));
    }

    /// Parts that are over and in which no refusal waits for its end: `waiting`
    /// is the time at which the first of those began that do.
    pub(super) fn ready(&mut self, waiting: Option<i64>) -> Vec<Observation> {
        let is_told = |(until, _): &(i64, Observation)| waiting.is_none_or(|waiting| waiting > *until);
        let ready = self.over.iter().take_while(|part| is_told(part)).count();
        self.over.drain(..ready).map(|(_, said)| said).collect()
    }
}

/// In whole seconds of UTC, as Argo CD writes its times.
fn seconds(ms: i64) -> String {
    format!("{}Z", cut(&civil::with_millis(ms), "YYYY-MM-DDTHH:MM:SS".len()))
}
