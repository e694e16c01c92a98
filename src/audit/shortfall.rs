//! What a reader lacks before the log can say anything about a bundle: rows
//! that leave a verdict incomplete and say what to bring.

use crate::audit::finding::{Finding, Subject};
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::tokens::REPLAY_JOB_MISMATCH;
use crate::audit::trust::ROOTS_UNPINNED;

static EVIDENCE_NOT_GIVEN: Rule = Rule {
    code: "EVIDENCE_NOT_GIVEN",
    title: "No evidence beside the bundle",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "Policy, token, approvals, decisions and revocations stand in the log, and neither a packet nor the log was given.",
    what_to_do: "Give the packet with --evidence, or the log with --log.",
    does_not_prove: "That the run did anything wrong.",
    rests_on: NOTHING,
};

static BUNDLE_NOT_LOGGED: Rule = Rule {
    code: "BUNDLE_NOT_LOGGED",
    title: "Nothing shows that the log holds this bundle",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "The evidence holds no proven entry of this very bundle, so the log says nothing about it.",
    what_to_do: "Get the bundle's .tlog-proof, or submit the bundle to the log.",
    does_not_prove: "That the bundle is false.",
    rests_on: NOTHING,
};

static RUN_UNKNOWN: Rule = Rule {
    code: "RUN_UNKNOWN",
    title: "No token of this run is known",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "No token of an issuer whom the roots name belongs to the run, so nobody can say for which job it ran and what it was allowed.",
    what_to_do: "Bring the token's issuance, and check that the pinned operator is that of this log.",
    does_not_prove: "That the run had no token.",
    rests_on: NOTHING,
};

/// A file that could be taken for several documents.
pub static DOCUMENTS_DISAGREE: Rule = Rule {
    code: "DOCUMENTS_DISAGREE",
    title: "The file speaks of more than one document, run or signer",
    severity: Severity::High,
    effect: Effect::Incomplete,
    rationale: "Verdicts, proof, token and page each speak of one document, of its one run and of whoever signed it; here a reader could take the verdict on one for a verdict on another.",
    what_to_do: "Take the documents apart and verify each by itself, as its own signer wrote it.",
    does_not_prove: "That any of them is false, or anything about an agent that is only named.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[&EVIDENCE_NOT_GIVEN, &BUNDLE_NOT_LOGGED, &RUN_UNKNOWN, &DOCUMENTS_DISAGREE];

/// What is lacking, or not as the reader expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// The reader pinned no operator.
    Operator,
    /// Neither packet nor log.
    Evidence,
    /// This bundle is not among the proven entries.
    Bundle,
    /// No token is joined to the run.
    Run,
    /// The run belongs to another job than the reader expects.
    Job,
    /// The file carries more than the document that is judged, or somebody
    /// signed in another's name. Charged to the document, never to who is named.
    Document,
}

impl Shortfall {
    fn rule(self) -> &'static Rule {
        match self {
            Self::Operator => &ROOTS_UNPINNED,
            Self::Evidence => &EVIDENCE_NOT_GIVEN,
            Self::Bundle => &BUNDLE_NOT_LOGGED,
            Self::Run => &RUN_UNKNOWN,
            Self::Job => &REPLAY_JOB_MISMATCH,
            Self::Document => &DOCUMENTS_DISAGREE,
        }
    }

    /// The finding that says so, charged to `subject`.
    #[must_use]
    pub fn finding(self, subject: &Subject, detail: impl Into<String>) -> Finding {
        Finding::new(self.rule(), subject, [], detail)
    }
}
