//! How the pages say numbers, times, positions and who speaks.

use std::ops::Range;

use crate::artifact::{Did, Kind, Voice};
use crate::text::civil;

/// A quantity: grouped by narrow no-break spaces from 1 000 on.
#[must_use]
pub fn quantity(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + 9);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// "1 entry", "24 entries".
#[must_use]
pub fn entries(number: u64) -> String {
    counted(number, "entry", "entries")
}

/// A number with its noun, held together by a no-break space.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{}\u{a0}{}", quantity(number), if number == 1 { one } else { many })
}

/// "entry 4", "entries 6–7": identifiers, so ungrouped.
#[must_use]
pub fn span(range: &Range<u64>) -> String {
    if range.end - range.start == 1 {
        return format!("entry {}", range.start);
    }
    format!("entries {}–{}", range.start, range.end - 1)
}

/// `2026-11-22 12:41:07 UTC`, with milliseconds if asked.
#[must_use]
pub fn time(unix_ms: u64, with_ms: bool) -> String {
    let shown = if with_ms { civil::to_the_millisecond } else { civil::to_the_second };
    shown(within_calendar(unix_ms))
}

/// `2026-11-22T12:41:07.123Z`, for `datetime`.
#[must_use]
pub fn machine_time(unix_ms: u64) -> String {
    civil::with_millis(within_calendar(unix_ms))
}

/// Out of range is later than any calendar: the last moment stands for it.
fn within_calendar(unix_ms: u64) -> i64 {
    i64::try_from(unix_ms).unwrap_or(i64::MAX).min(civil::UNIX_MS_MAX)
}

/// How long before `now_ms` something was: "41 s", "29 min 12 s", "3 h 10 min".
#[must_use]
pub fn age(then_ms: u64, now_ms: u64) -> String {
    let seconds = now_ms.saturating_sub(then_ms) / 1_000;
    match seconds {
        0..60 => format!("{seconds}\u{a0}s"),
        60..3_600 => format!("{}\u{a0}min {}\u{a0}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}\u{a0}h {}\u{a0}min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} {}\u{a0}h", counted(seconds / 86_400, "day", "days"), seconds % 86_400 / 3_600),
    }
}

/// Who speaks in an artifact. Provenance has a border and a label, never a
/// colour of outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The agent: self-reported.
    Agent,
    /// The log: authentic and in the log, not "true".
    Log,
    /// Argo CD.
    ArgoCd,
    /// The operator.
    Operator,
}

impl Speaker {
    /// The label that a block begins with.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Agent => "Agent says",
            Self::Log => "Log records",
            Self::ArgoCd => "Argo CD reports",
            Self::Operator => "Operator attests",
        }
    }

    /// What the label means, in one sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Agent => "The agent reports this about itself. Nothing here raises trust.",
            Self::Log => "The signature was checked when this was logged. That it is in the log does not make it true.",
            Self::ArgoCd => "An observer passed this on from Argo CD. The log records what it was given.",
            Self::Operator => "The operator of this log signed this.",
        }
    }

    /// Class of its border.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Agent => "says-agent",
            Self::Log | Self::ArgoCd => "says-log",
            Self::Operator => "says-operator",
        }
    }
}

/// Who speaks in an artifact of this kind. Only the operator that the log was
/// given attests: anybody may sign a statement of the same kind.
#[must_use]
pub fn speaker(kind: Kind, signer: Option<&Did>, operator: Option<&Did>) -> Speaker {
    match kind.row().voice {
        Voice::Agent(_) => Speaker::Agent,
        Voice::Observer => Speaker::ArgoCd,
        Voice::Operator if signer.is_some() && signer == operator => Speaker::Operator,
        Voice::Operator | Voice::Approver(_) | Voice::Wrapper | Voice::Listed(_) => Speaker::Log,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_numbers_times_and_ages() {
        assert_eq!(quantity(999), "999");
        assert_eq!(quantity(1_099_511), "1\u{202f}099\u{202f}511");
        assert_eq!(entries(1), "1\u{a0}entry");
        assert_eq!(span(&(6..8)), "entries 6–7");
        assert_eq!(time(1_795_351_267_123, false), "2026-11-22 12:41:07 UTC");
        assert_eq!(time(1_795_351_267_123, true), "2026-11-22 12:41:07.123 UTC");
        assert_eq!(age(0, 41_000), "41\u{a0}s");
        assert_eq!(age(0, 1_752_000), "29\u{a0}min 12\u{a0}s");
        assert_eq!(age(5, 0), "0\u{a0}s", "a clock that went back is no age");
        assert_eq!(time(u64::MAX, false), time(i64::MAX as u64, false));
    }
}
