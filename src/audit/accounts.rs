//! Rules about what different parties, or one party twice, say of one act:
//! accounts that cannot all be true never pass.

mod claimed;
mod within;

use std::collections::BTreeMap;

use crate::artifact::Kind;
use crate::audit::finding::Findings;
use crate::audit::inserted::Inserted;
use crate::audit::observed::say;
use crate::audit::rule::{Effect, JOINED, Place, Rest, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Operation, Receipt};
use crate::merkle::LeafIndex;

static CONTRADICTING_ACCOUNTS: Rule = Rule {
    code: "CONTRADICTING_ACCOUNTS",
    title: "Accounts of one act that cannot all be true",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "Two accounts of one act contradict each other. The wrapper denied it, or each of its receipts says \
                that nothing was done, and Argo CD reports the operation. Or the wrapper's receipts say of one call \
                that it was not sent and that it was accepted; that it became two operations, or another one than \
                Argo CD reports; or one that more decisions claim than there are operations of its key, or that states \
                another decision. The audit is incomplete, and the severity high, where both may have been said in good faith: the call may have \
                been tried twice, or the wrapper did not learn what came of it, or nothing tells whose operation it \
                was; or where members of one account do not agree: \
                a call whose answer tells otherwise than the wrapper, an accepted one about another application's id, \
                or reports of one operation that differ in who started it, its parameters, its action, its \
                destination, what was resolved or deployed, or when or how it ended; and where the operation is known from its observation alone, and the operator's roots do not \
                say that nobody but Argo CD can write the application: then anybody who can write it may have copied \
                the decision's public digest into it.",
    what_to_do: "Compare the wrapper's own log with Argo CD's; close write access to the Application resources and \
                 say so in the roots.",
    does_not_prove: "Which of the accounts is the false one.",
    rests_on: &[
        WORD,
        TOKEN,
        JOINED,
        &[Rest::On(Kind::ArgocdObservation, Place::Unseen), Rest::On(Kind::ArgocdReceipt, Place::Undone)],
    ],
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

pub(super) use self::claimed::Claims;

pub(super) static RULES: &[&Rule] = &[&CONTRADICTING_ACCOUNTS, &DENY_THEN_ACCEPTED];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for decision in &scene.decisions {
        if let Some(against) = spoken_against(scene, decision) {
            for operation in scene.operations_of(decision).chain(scene.doubted_of(decision)) {
                contradicted(scene, decision, operation, &against, findings);
            }
        }
        two_keys(scene, decision, findings);
        if decision.is_allow {
            sent_and_not(scene, decision, findings);
            other_keys(scene, decision, findings);
        } else {
            sent_all_the_same(scene, decision, findings);
        }
    }
    claimed::check(scene, findings);
    within::check(scene, findings);
}

/// Where the wrapper says that an act was not done.
struct Against {
    at: LeafIndex,
    words: String,
    /// Whether another try of the same call may have done it.
    is_open: bool,
}

/// Where the wrapper says that the act was not done, and how. One call may
/// have been tried twice under one decision: where a receipt says that it was
/// accepted, what the others say is held against that, not against Argo CD.
fn spoken_against(scene: &Scene<'_>, decision: &Decision<'_>) -> Option<Against> {
    if !decision.is_allow {
        let words = "denied by the wrapper, and Argo CD reports the operation".to_owned();
        return Some(Against { at: decision.statement.at, words, is_open: false });
    }
    let receipt = scene.receipts_of(decision).find(|receipt| receipt.says_nothing_was_done())?;
    let words = format!("the wrapper's receipt says {}, and Argo CD reports the operation", receipt.outcome);
    let is_open = !scene.is_undone(decision);
    let is_sure = scene.receipts_of(decision).any(Receipt::is_sure);
    (!is_sure).then_some(Against { at: receipt.statement.at, words, is_open })
}

fn contradicted(
    scene: &Scene<'_>,
    decision: &Decision<'_>,
    operation: &Operation<'_>,
    against: &Against,
    findings: &mut Findings,
) {
    let entries = [decision.statement.at, against.at, operation.at];
    let again = against.is_open.then_some(TRIED_AGAIN);
    let doubt = again.or_else(|| scene.doubt(decision, operation));
    say(findings, &CONTRADICTING_ACCOUNTS, doubt, decision.subject(), &entries, against.words.clone());
}

/// Why what one receipt says of a call does not speak against an operation.
const TRIED_AGAIN: &str = "another receipt does not know what came of the call: it may have been tried twice";

/// One call is one operation. Who does not know what came of the call may have
/// found another's: that leaves it open.
fn two_keys(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let keys = |is_counted: fn(&Receipt<'_>) -> bool| {
        let mut keys: BTreeMap<&str, LeafIndex> = BTreeMap::new();
        for receipt in scene.receipts_of(decision).filter(|receipt| is_counted(receipt)) {
            if let Some(key) = receipt.claims(decision) {
                keys.entry(key).or_insert(receipt.statement.at);
            }
        }
        keys
    };
    let (sure, all) = (keys(|receipt| receipt.is_sure()), keys(|_| true));
    let subject = decision.subject();
    if sure.len() > 1 {
        let detail = format!("accepted receipts of one decision name {} operations", sure.len());
        let entries = sure.into_values().chain([decision.statement.at]);
        findings.add(&CONTRADICTING_ACCOUNTS, subject, entries, detail);
    } else if all.len() > 1 {
        let count = all.len();
        let detail =
            format!("receipts of one decision name {count} operations, and not each says that it was accepted");
        let entries = all.into_values().chain([decision.statement.at]);
        findings.leave_open(&CONTRADICTING_ACCOUNTS, Severity::High, subject, entries, detail);
    }
}

/// What a wrapper says of one call cannot be both. It may have been tried
/// twice under one decision, though it should not: then a refusal, or not
/// knowing what came of it, leaves open what the other try came to.
fn sent_and_not(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let first = |is: fn(&Receipt<'_>) -> bool| scene.receipts_of(decision).find(|receipt| is(receipt));
    let accepted = first(|receipt| receipt.outcome == "accepted");
    let not_sent = first(|receipt| receipt.outcome == "not_sent");
    let refused = first(|receipt| receipt.outcome.starts_with("refused_"));
    let unknown = first(|receipt| receipt.outcome == "error_transport");
    let rows = [(accepted, not_sent, false), (accepted, refused, true), (unknown, not_sent, true)];
    for (sent, not, is_open) in rows {
        let (Some(sent), Some(not)) = (sent, not) else { continue };
        let detail = format!("receipts of one call say {} and {}", sent.outcome, not.outcome);
        let entries = [decision.statement.at, sent.statement.at, not.statement.at];
        if is_open {
            findings.leave_open(&CONTRADICTING_ACCOUNTS, Severity::High, decision.subject(), entries, detail);
        } else {
            findings.add(&CONTRADICTING_ACCOUNTS, decision.subject(), entries, detail);
        }
    }
}

/// The operation that Argo CD reports of the decision is not the one that its
/// receipts name, and that one nobody reports. Where somebody does, there are
/// two operations, and the decision was used for both.
fn other_keys(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let claimed =
        scene.receipts_of(decision).filter_map(|receipt| Some((receipt.claims(decision)?, receipt.statement.at)));
    let named: BTreeMap<&str, LeafIndex> = claimed.inserted();
    let is_named = |operation: &Operation<'_>| operation.op_key().is_some_and(|key| named.contains_key(key));
    if named.is_empty() || scene.operations_of(decision).any(is_named) {
        return;
    }
    for operation in scene.operations_of(decision).filter(|operation| operation.op_key().is_some()) {
        let entries: Vec<_> = named.values().copied().chain([decision.statement.at, operation.at]).collect();
        let doubt = scene.doubt(decision, operation);
        let detail = "the receipt names another operation than Argo CD reports of the decision".to_owned();
        say(findings, &CONTRADICTING_ACCOUNTS, doubt, decision.subject(), &entries, detail);
    }
}

fn sent_all_the_same(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    for receipt in scene.receipts_of(decision) {
        let (subject, at) = (decision.subject(), receipt.statement.at);
        match receipt.outcome {
            "accepted" | "error_transport" => {
                let detail = format!("denied by the wrapper, and its receipt says {}", receipt.outcome);
                findings.add(&DENY_THEN_ACCEPTED, subject, [decision.statement.at, at], detail);
            }
            "not_sent" => {}
            // Sent although denied; what Argo CD itself enforces held.
            _ => findings.uncover("denied call that Argo CD refused", subject, at),
        }
    }
}
