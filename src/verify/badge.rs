//! A verdict in the one word that a badge, a note and a ticket have room for.

use crate::verify::report::Outcome;
use crate::verify::verification::AuditStatus;

/// What a badge says. It is a hint and no proof: an image can be kept by others
/// or put in another's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badge {
    /// Every verdict that there is passes.
    Verified,
    /// So many findings fail it.
    Findings(u64),
    /// Something that a verdict needs is missing.
    Incomplete,
    /// What is missing may still arrive, or should have by the server's clock.
    Pending { is_overdue: bool },
    /// There is nothing to judge, or no verdict at hand.
    Unknown,
}

/// What a badge is made of.
#[derive(Clone, Copy, Debug)]
pub struct Weighed {
    pub audit: AuditStatus,
    /// Of a document: what the peer's rules say.
    pub protocol: Option<Outcome>,
    /// Findings that fail it.
    pub failing: u64,
    /// Findings that leave it open.
    pub missing: u64,
    /// Obligations whose window is open.
    pub pending: u64,
    /// Whether one of these is past its time; of the newest size alone.
    pub is_overdue: bool,
}

impl Badge {
    /// The worst of both verdicts.
    #[must_use]
    pub fn of(weighed: &Weighed) -> Self {
        let is_refused = weighed.protocol == Some(Outcome::Fail);
        let is_open = !matches!(weighed.protocol, None | Some(Outcome::Pass));
        match weighed.audit {
            // The peer's rules name one reason.
            _ if is_refused => Self::Findings(weighed.failing + 1),
            AuditStatus::Fail => Self::Findings(weighed.failing),
            AuditStatus::Incomplete if weighed.missing == 0 && weighed.pending > 0 && !is_open => {
                Self::Pending { is_overdue: weighed.is_overdue }
            }
            AuditStatus::Incomplete => Self::Incomplete,
            AuditStatus::Pass if is_open => Self::Incomplete,
            AuditStatus::Pass => Self::Verified,
            AuditStatus::NotApplicable | AuditStatus::NotAsked => Self::Unknown,
        }
    }

    /// As badges and notes write it.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Verified => "verified".to_owned(),
            Self::Findings(count) => format!("findings {count}"),
            Self::Incomplete => "incomplete".to_owned(),
            Self::Pending { is_overdue: false } => "pending".to_owned(),
            Self::Pending { is_overdue: true } => "pending, overdue".to_owned(),
            Self::Unknown => "unknown".to_owned(),
        }
    }

    /// What [`Badge::words`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Some(match text {
            "verified" => Self::Verified,
            "incomplete" => Self::Incomplete,
            "pending" => Self::Pending { is_overdue: false },
            "pending, overdue" => Self::Pending { is_overdue: true },
            "unknown" => Self::Unknown,
            _ => Self::Findings(text.strip_prefix("findings ")?.parse().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Weighed = Weighed {
        audit: AuditStatus::Pass,
        protocol: Some(Outcome::Pass),
        failing: 0,
        missing: 0,
        pending: 0,
        is_overdue: false,
    };

    #[test]
    fn only_what_passes_in_every_part_is_verified() {
        assert_eq!(Badge::of(&GOOD), Badge::Verified);
        assert_eq!(Badge::of(&Weighed { protocol: None, ..GOOD }), Badge::Verified);
        for protocol in [Outcome::Incomplete, Outcome::NotChecked] {
            assert_eq!(Badge::of(&Weighed { protocol: Some(protocol), ..GOOD }), Badge::Incomplete);
        }
        for audit in [AuditStatus::NotApplicable, AuditStatus::NotAsked] {
            assert_eq!(Badge::of(&Weighed { audit, ..GOOD }), Badge::Unknown);
        }
        let failed = Weighed { audit: AuditStatus::Fail, failing: 2, pending: 1, ..GOOD };
        assert_eq!(Badge::of(&failed), Badge::Findings(2));
        assert_eq!(Badge::of(&Weighed { protocol: Some(Outcome::Fail), ..failed }), Badge::Findings(3));
        assert_eq!(Badge::of(&Weighed { protocol: Some(Outcome::Fail), ..GOOD }), Badge::Findings(1));
    }

    #[test]
    fn it_is_pending_only_while_nothing_but_time_is_missing() {
        let open = Weighed { audit: AuditStatus::Incomplete, pending: 1, ..GOOD };
        assert_eq!(Badge::of(&open), Badge::Pending { is_overdue: false });
        assert_eq!(Badge::of(&Weighed { is_overdue: true, ..open }), Badge::Pending { is_overdue: true });
        assert_eq!(Badge::of(&Weighed { missing: 1, ..open }), Badge::Incomplete);
        assert_eq!(Badge::of(&Weighed { protocol: Some(Outcome::NotChecked), ..open }), Badge::Incomplete);
        assert_eq!(Badge::of(&Weighed { pending: 0, ..open }), Badge::Incomplete);
    }

    #[test]
    fn its_words_are_read_back_and_nothing_else_is() {
        let pending = [true, false].map(|is_overdue| Badge::Pending { is_overdue });
        let rest = [Badge::Verified, Badge::Findings(0), Badge::Findings(12), Badge::Incomplete, Badge::Unknown];
        for badge in pending.into_iter().chain(rest) {
            assert_eq!(Badge::read(&badge.words()), Some(badge));
        }
        for other in ["", "Verified", "findings", "findings x", "findings -1", "verified "] {
            assert_eq!(Badge::read(other), None, "{other:?}");
        }
    }
}
