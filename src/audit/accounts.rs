//! Rules about what different parties, or one party twice, say of one act:
//! accounts that cannot all be true never pass.

use std::collections::BTreeMap;

use crate::audit::finding::Findings;
use crate::audit::observed::say;
use crate::audit::rule::{Effect, JOINED, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Statement};
use crate::merkle::LeafIndex;

static CONTRADICTING_ACCOUNTS: Rule = Rule {
    code: "CONTRADICTING_ACCOUNTS",
    title: "Accounts of one act that cannot all be true",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The wrapper denied the act, or says that nothing was done, and Argo CD reports the operation; or two \
                receipts say that one call became two operations. Where the operation is known from its observation \
                alone, and the operator's roots do not say that nobody but Argo CD can write the application, \
                anybody who can write it may have copied the decision's public digest into it: then the audit is \
                incomplete, and the severity high.",
    what_to_do: "Compare the wrapper's own log with Argo CD's; close write access to the Application resources and \
                 say so in the roots.",
    does_not_prove: "Which of the accounts is the false one.",
    rests_on: &[WORD, TOKEN, JOINED],
};

pub(super) static DENY_THEN_ACCEPTED: Rule = Rule {
    code: "DENY_THEN_ACCEPTED",
    title: "Denied, and sent all the same",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The wrapper decided to deny, and its own receipt says that it sent the call: Argo CD accepted it, or \
                the wrapper does not know what came of it. A denied call that Argo CD refused is shown.",
    what_to_do: "Stop the wrapper: it does not enforce what it decides.",
    does_not_prove: "That Argo CD finished the operation.",
    rests_on: &[WORD, TOKEN],
};

pub(super) static RULES: &[&Rule] = &[&CONTRADICTING_ACCOUNTS, &DENY_THEN_ACCEPTED];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for decision in &scene.decisions {
        for operation in scene.operations_of(decision) {
            if let Some((against, words)) = spoken_against(scene, decision) {
                let entries = [decision.statement.at, against, operation.at];
                findings.add(&CONTRADICTING_ACCOUNTS, &decision.subject(), entries, words);
            }
        }
        for operation in scene.doubted_of(decision) {
            doubted(scene, decision, operation, findings);
        }
        two_keys(scene, decision, findings);
        if !decision.is_allow {
            sent_all_the_same(scene, decision, findings);
        }
    }
}

/// Where the wrapper says that the act was not done, and how.
fn spoken_against(scene: &Scene<'_>, decision: &Decision<'_>) -> Option<(LeafIndex, String)> {
    if !decision.is_allow {
        let words = "denied by the wrapper, and Argo CD reports the operation".to_owned();
        return Some((decision.statement.at, words));
    }
    let receipt = scene.receipts_of(decision).find(|receipt| receipt.says_nothing_was_done())?;
    let words = format!("the wrapper's receipt says {}, and Argo CD reports the operation", receipt.outcome);
    Some((receipt.statement.at, words))
}

fn doubted(scene: &Scene<'_>, decision: &Decision<'_>, operation: &Statement<'_>, findings: &mut Findings) {
    let Some((against, words)) = spoken_against(scene, decision) else { return };
    let entries = [decision.statement.at, against, operation.at];
    say(findings, &CONTRADICTING_ACCOUNTS, true, &decision.subject(), &entries, words);
}

/// One call is one operation.
fn two_keys(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let accepted = scene.receipts_of(decision).filter(|receipt| receipt.outcome == "accepted");
    let mut keys: BTreeMap<&str, LeafIndex> = BTreeMap::new();
    for receipt in accepted {
        if let Some(key) = receipt.statement.text("op_key") {
            keys.entry(key).or_insert(receipt.statement.at);
        }
    }
    if keys.len() > 1 {
        let detail = format!("accepted receipts of one decision name {} operations", keys.len());
        let entries = keys.into_values().chain([decision.statement.at]);
        findings.add(&CONTRADICTING_ACCOUNTS, &decision.subject(), entries, detail);
    }
}

fn sent_all_the_same(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    for receipt in scene.receipts_of(decision) {
        let (subject, at) = (decision.subject(), receipt.statement.at);
        match receipt.outcome {
            "accepted" | "error_transport" => {
                let detail = format!("denied by the wrapper, and its receipt says {}", receipt.outcome);
                findings.add(&DENY_THEN_ACCEPTED, &subject, [decision.statement.at, at], detail);
            }
            "not_sent" => {}
            // Sent although denied; what Argo CD itself enforces held.
            _ => findings.uncover("denied call that Argo CD refused", &subject, at),
        }
    }
}
