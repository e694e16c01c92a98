//! What can be planted, what the audit must say of it, and through what it can
//! be seen at all.

/// What must have been seen for anybody to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The statements of the log alone.
    Statements,
    /// A report of the operation itself.
    Report,
    /// That, or its entry in the history.
    Entry,
    /// The line of the refused call.
    Line,
    /// Two looks at an application that did not move between them.
    Looks,
    /// Automated sync seen off, then on, by one observer.
    Flips,
}

#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub sight: Sight,
    /// One of these must be found.
    pub codes: &'static [&'static str],
    /// These may stand beside.
    pub beside: &'static [&'static str],
}

impl Kind {
    pub fn can_be_lost(&self) -> bool {
        self.sight != Sight::Statements
    }
}

const fn kind(
    name: &'static str,
    sight: Sight,
    codes: &'static [&'static str],
    beside: &'static [&'static str],
) -> Kind {
    Kind { name, sight, codes, beside }
}

const SILENT: &[&str] = &["UNREPORTED_ACTION"];

/// A call that is made late is answered late.
const LATE: &[&str] = &["UNREPORTED_ACTION", "LATE_EVIDENCE"];
/// The namespace is none of the policy's, and the answer was about another application.
const ELSEWHERE: &[&str] = &["UNREPORTED_ACTION", "POLICY_NONCOMPLIANT", "CONTRADICTING_ACCOUNTS"];

pub static KINDS: &[Kind] = &[
    kind("decided_after_end", Sight::Statements, &["TOKEN_REVOKED"], &[]),
    kind("before_token", Sight::Statements, &["TOKEN_UNKNOWN"], &[]),
    kind("expired", Sight::Statements, &["TOKEN_EXPIRED"], &[]),
    kind("outside_policy", Sight::Statements, &["POLICY_NONCOMPLIANT"], &[]),
    kind("no_approval", Sight::Statements, &["APPROVAL_MISSING"], &[]),
    // Of another revision, or of the same after the first use: both are replays.
    kind("approval_again", Sight::Statements, &["APPROVAL_REUSED"], &[]),
    kind("other_job", Sight::Statements, &["REPLAY_JOB_MISMATCH"], &["APPROVAL_UNEQUAL"]),
    kind("other_run", Sight::Statements, &["TOKEN_REUSED"], &[]),
    kind("no_receipt", Sight::Statements, &["RECEIPT_MISSING"], &[]),
    kind("silent", Sight::Entry, SILENT, &[]),
    kind("silent_part", Sight::Report, SILENT, &[]),
    kind("kubectl", Sight::Entry, SILENT, &[]),
    kind("silent_after_end", Sight::Entry, SILENT, &[]),
    kind("started_after_end", Sight::Report, &["TOKEN_REVOKED"], LATE),
    kind("ran_after_end", Sight::Report, &["RAN_AFTER_REVOCATION"], &[]),
    kind("wrong_target", Sight::Report, &["OBSERVED_UNLIKE_DECIDED"], ELSEWHERE),
    kind("drift", Sight::Report, &["OBSERVED_UNLIKE_DECIDED"], &["UNREPORTED_ACTION"]),
    kind("other_revision", Sight::Report, &["OBSERVED_UNLIKE_DECIDED"], &["UNREPORTED_ACTION"]),
    kind("denied_done", Sight::Entry, &["CONTRADICTING_ACCOUNTS", "UNREPORTED_ACTION"], &[]),
    kind("refused_done", Sight::Entry, &["CONTRADICTING_ACCOUNTS", "UNREPORTED_ACTION"], &[]),
    kind("late_start", Sight::Report, &["OPERATION_OUTSIDE_WINDOW"], LATE),
    kind("attempt", Sight::Line, &["UNLOGGED_ATTEMPT"], &[]),
    kind("phantom", Sight::Looks, &["PHANTOM_ACTION"], &[]),
    kind("freeze_reverted", Sight::Flips, &["CONTROL_REVERTED"], &[]),
    kind("shared_name", Sight::Entry, &["IDENTITY_SHARED"], &["UNREPORTED_ACTION"]),
    kind("stranger", Sight::Entry, &["UNKNOWN_INITIATOR"], &[]),
];

/// One thing that was done wrong, as it is in truth.
pub struct Plant {
    pub kind: &'static Kind,
    pub is_lost: bool,
    pub from: i64,
    pub to: i64,
    /// Whom and what it is to be found at: DID, scope of the application, job.
    pub agent: Option<String>,
    pub app: usize,
    pub job: Option<String>,
    pub op: Option<usize>,
    pub refusal: Option<usize>,
    /// Looks and flips: whether the poller or a notification could see it.
    pub is_seen: bool,
}
