//! Which entry of a finding causes it. The others only show it: the revocation
//! that a decision came after, the policy that it broke. Who reads an entry's page
//! must not take the witness for the culprit.

use crate::artifact::Kind;
use crate::audit::finding::Finding;
use crate::audit::report::Report;
use crate::audit::rule::Rule;
use crate::audit::timeline::Timeline;
use crate::merkle::LeafIndex;

/// Which entries of a finding cause it.
#[derive(Clone, Copy, Debug)]
enum Cause {
    /// The newest of them that is of the first of these groups of kinds which is
    /// there at all; without any, the newest.
    Newest(&'static [&'static [Kind]]),
    /// The same, the oldest.
    Oldest(&'static [&'static [Kind]]),
    /// Every one of these kinds; without any, every one.
    Each(&'static [&'static [Kind]]),
    /// None: something is not there, and whoever left it out logged nothing.
    Nothing,
}

use self::Cause::{Each, Newest, Nothing, Oldest};

const DECISION: &[Kind] = &[Kind::ArgocdDecision];
const RECEIPT: &[Kind] = &[Kind::ArgocdReceipt];
const REPORT: &[Kind] = &[Kind::ArgocdObservation];
const LOOK: &[Kind] = &[Kind::ArgocdSnapshot];
const CALL: &[Kind] = &[Kind::GatewayReceipt];
const BUNDLE: &[Kind] = &[Kind::ProofBundle];
const ISSUANCE: &[Kind] = &[Kind::CstIssuance];
const APPROVAL: &[Kind] = &[Kind::Approval];
const STATEMENT: &[Kind] = &[Kind::AuditStatement];
/// What was done, before what was decided about it.
const ACT: &[&[Kind]] = &[REPORT, &[Kind::ArgocdDecision, Kind::GatewayReceipt, Kind::ProofBundle]];
/// What tells of an act.
const ACCOUNTS: &[&[Kind]] = &[&[Kind::ArgocdReceipt, Kind::ArgocdObservation], DECISION];

/// One row a code.
static CAUSES: &[(&str, Cause)] = &[
    ("ACT_UNPLACED", Newest(&[DECISION])),
    ("AGENT_UNKNOWN", Newest(&[ISSUANCE])),
    ("AMBIGUOUS_MATCH", Oldest(&[REPORT])),
    ("APPROVAL_BY_ACTOR", Newest(&[DECISION])),
    ("APPROVAL_DENIED", Newest(&[DECISION])),
    ("APPROVAL_DENIED_LATER", Newest(&[APPROVAL])),
    ("APPROVAL_EXPIRED", Newest(&[DECISION])),
    ("APPROVAL_MISSING", Newest(&[DECISION])),
    ("APPROVAL_REUSED", Newest(&[DECISION])),
    ("APPROVAL_UNBOUND_REVISION", Newest(&[DECISION])),
    ("APPROVAL_UNEQUAL", Newest(&[DECISION])),
    ("ATTESTATION_FALSE", Newest(&[STATEMENT])),
    ("ATTESTATION_OUTDATED", Newest(&[STATEMENT])),
    ("BUNDLE_MISSING", Nothing),
    ("BUNDLE_NOT_LOGGED", Nothing),
    ("CHAIN_BROKEN", Newest(&[BUNDLE])),
    ("CLUSTER_NOT_COMPARED", Newest(&[REPORT])),
    ("CONTRADICTING_ACCOUNTS", Each(ACCOUNTS)),
    ("CONTROL_REVERTED", Newest(&[REPORT, LOOK])),
    ("COVERAGE_GAP", Nothing),
    ("DECISION_AFTER_ACT", Newest(&[DECISION])),
    ("DENY_THEN_ACCEPTED", Newest(ACCOUNTS)),
    ("DISTRUSTED_SIGNER", Newest(&[])),
    ("DOCUMENTS_DISAGREE", Nothing),
    ("EVIDENCE_MISSING", Nothing),
    ("EVIDENCE_NOT_GIVEN", Nothing),
    ("EVIDENCE_WITHHELD", Newest(&[])),
    ("GATEWAY_RECEIPT_DOUBLED", Newest(&[BUNDLE])),
    ("GATEWAY_RECEIPT_MISSING", Newest(&[BUNDLE, DECISION])),
    ("IDENTITY_SHARED", Oldest(&[REPORT])),
    ("ID_NOT_SPELLED", Newest(&[])),
    ("LATE_EVIDENCE", Newest(&[CALL])),
    ("MODEL_CALL_UNPLACED", Each(&[CALL])),
    ("OBSERVED_UNLIKE_DECIDED", Newest(&[REPORT])),
    ("OPERATION_OUTSIDE_WINDOW", Newest(&[REPORT])),
    ("PHANTOM_ACTION", Newest(&[DECISION])),
    ("POLICY_MISMATCH", Newest(ACT)),
    ("POLICY_MISSING", Newest(&[ISSUANCE])),
    ("POLICY_NONCOMPLIANT", Newest(ACT)),
    ("POLICY_NOT_LISTED", Newest(&[ISSUANCE])),
    ("POLICY_NOT_PINNED", Newest(&[ISSUANCE])),
    ("PULSE_UNLIKE_RECEIPTS", Newest(&[&[Kind::TrustPulse]])),
    ("RAN_AFTER_REVOCATION", Newest(&[REPORT])),
    ("RECEIPT_BINDING_MISMATCH", Newest(&[BUNDLE])),
    ("RECEIPT_EVENT_UNKNOWN", Newest(&[BUNDLE])),
    ("RECEIPT_MISSING", Newest(&[DECISION])),
    ("RECEIPT_NOT_BOUND", Newest(&[BUNDLE])),
    ("RECEIPT_NOT_GENUINE", Newest(&[BUNDLE])),
    ("RECEIPT_NOT_IN_BUNDLE", Newest(&[BUNDLE])),
    ("RECEIPT_OF_ANOTHER_AGENT", Newest(&[BUNDLE])),
    ("RECEIPT_OF_ANOTHER_RUN", Newest(&[BUNDLE])),
    ("RECEIPT_REQUEST_MISMATCH", Newest(&[RECEIPT])),
    ("RECEIPT_UNBOUND", Newest(&[BUNDLE])),
    ("RECEIPT_WITHOUT_DECISION", Newest(&[RECEIPT])),
    ("REPLAY_APPROVAL_ID_REUSED", Newest(&[APPROVAL])),
    ("REPLAY_DECISION_REUSED", Newest(&[REPORT])),
    ("REPLAY_JOB_MISMATCH", Newest(&[&[Kind::ArgocdDecision, Kind::ProofBundle]])),
    ("REPLAY_RECEIPT_ID_REUSED", Newest(&[])),
    ("REPLAY_RUN_ID_REUSED", Newest(&[])),
    ("REPLAY_TOKEN_ISSUED_TWICE", Newest(&[ISSUANCE])),
    // What rests on it came later.
    ("RESTS_ON_DISTRUSTED", Oldest(&[])),
    ("REVIEW_NOT_INDEPENDENT", Newest(&[BUNDLE])),
    ("ROOTS_MISSING", Nothing),
    ("ROOTS_UNPINNED", Nothing),
    ("RUN_UNKNOWN", Nothing),
    ("RUN_WITHOUT_TOKEN", Newest(&[BUNDLE])),
    ("SELF_CONTRADICTION", Newest(&[BUNDLE])),
    ("SERVER_LOG_GAP", Nothing),
    ("TICKET_MISMATCH", Newest(&[])),
    ("TOKEN_CONTROL_SCOPE_HASH_MISMATCH", Newest(ACT)),
    ("TOKEN_CONTROL_SUBJECT_MISMATCH", Newest(&[BUNDLE])),
    ("TOKEN_EXPIRED", Newest(ACT)),
    ("TOKEN_LIFETIME_TOO_LONG", Newest(&[ISSUANCE])),
    ("TOKEN_NOT_YET_VALID", Newest(ACT)),
    ("TOKEN_REUSED", Newest(&[&[Kind::ArgocdDecision, Kind::ProofBundle]])),
    ("TOKEN_REVOKED", Newest(ACT)),
    ("TOKEN_UNKNOWN", Newest(ACT)),
    ("UNKNOWN_INITIATOR", Oldest(&[REPORT])),
    ("UNLOGGED_ATTEMPT", Oldest(&[REPORT])),
    ("UNREPORTED_ACTION", Oldest(&[REPORT])),
    ("UNSIGNED_BUNDLE", Newest(&[])),
    ("UNTRUSTED_STATEMENT", Newest(&[])),
];

fn cause_of(rule: &Rule) -> Cause {
    CAUSES.iter().find(|(code, _)| *code == rule.code).map_or(Nothing, |(_, cause)| *cause)
}

/// Which entry of a finding of this rule causes it, for readers: the newest
/// `argocd_decision`.
#[must_use]
pub fn caused_by(rule: &Rule) -> String {
    let which = |groups: &[&[Kind]], one: &str| {
        let of = |group: &&[Kind]| group.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or ");
        match groups {
            [] => format!("the {one} of its entries"),
            groups => format!("the {one} {}", groups.iter().map(of).collect::<Vec<_>>().join(", else ")),
        }
    };
    match cause_of(rule) {
        Newest(groups) => which(groups, "newest"),
        Oldest(groups) => which(groups, "oldest"),
        Each(groups) => which(groups, "each").replacen("the each", "each", 1),
        Nothing => "nothing that is logged".to_owned(),
    }
}

impl Finding {
    /// The same, saying which of its entries cause it.
    pub(super) fn with_causes(mut self, timeline: &Timeline) -> Self {
        let kind = |at: &LeafIndex| timeline.get(*at).map(|seen| seen.entry.kind);
        self.causes = causes(cause_of(self.rule), &self.entries, kind);
        self
    }
}

impl Report {
    /// The same, each finding saying which of its entries cause it.
    pub(super) fn with_causes(mut self, timeline: &Timeline) -> Self {
        self.findings = self.findings.into_iter().map(|finding| finding.with_causes(timeline)).collect();
        self
    }
}

fn causes(cause: Cause, entries: &[LeafIndex], kind: impl Fn(&LeafIndex) -> Option<Kind>) -> Vec<LeafIndex> {
    let among = |groups: &[&[Kind]]| -> Vec<LeafIndex> {
        let of = |group: &&[Kind]| -> Vec<LeafIndex> {
            entries.iter().copied().filter(|at| kind(at).is_some_and(|kind| group.contains(&kind))).collect()
        };
        groups.iter().map(of).find(|found| !found.is_empty()).unwrap_or_else(|| entries.to_vec())
    };
    match cause {
        Newest(groups) => among(groups).last().copied().into_iter().collect(),
        Oldest(groups) => among(groups).first().copied().into_iter().collect(),
        Each(groups) => among(groups),
        Nothing => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::RULE_GROUPS;

    #[test]
    fn every_rule_says_once_which_entry_causes_its_findings() {
        let rules = RULE_GROUPS.iter().copied().flatten().map(|rule| rule.code);
        for code in rules.clone() {
            assert_eq!(CAUSES.iter().filter(|(row, _)| *row == code).count(), 1, "{code}");
        }
        for (code, _) in CAUSES {
            assert!(rules.clone().any(|rule| rule == *code), "{code} is no rule");
        }
        assert!(CAUSES.is_sorted_by_key(|(code, _)| *code));
    }
}
