//! Rules about decisions and their receipts (JUDGING 6.7).

use crate::artifact::Kind;
use crate::audit::finding::{Findings, Subject};
use crate::audit::roots::Roots;
use crate::audit::rule::{Effect, NOTHING, Place, Rest, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Receipt};
use crate::audit::tokens::LATE_EVIDENCE;
use crate::audit::{RECEIPT_MS, SKEW_MS};
use crate::merkle::LeafIndex;

static RECEIPT_WITHOUT_DECISION: Rule = Rule {
    code: "RECEIPT_WITHOUT_DECISION",
    title: "Receipt without a decision",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "A wrapper called Argo CD, and no decision that it may speak of stands in the log for it: none at all, or one of an agent whose wrapper it is not.",
    what_to_do: "Find out from the wrapper's own log what it called, and for whom.",
    does_not_prove: "For which job or agent the call was made.",
    rests_on: &[WORD, &[Rest::On(Kind::ArgocdDecision, Place::Anywhere), Rest::On(Kind::CstIssuance, Place::Anywhere)]],
};

static DECISION_AFTER_ACT: Rule = Rule {
    code: "DECISION_AFTER_ACT",
    title: "Decision logged after the act",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "A decision explains what happens after it; this one was logged after its own receipt.",
    what_to_do: "Treat the call as undecided; the wrapper must log its decision first.",
    does_not_prove: "That the decision would have been another.",
    rests_on: &[WORD, TOKEN],
};

static RECEIPT_REQUEST_MISMATCH: Rule = Rule {
    code: "RECEIPT_REQUEST_MISMATCH",
    title: "Another request than the one decided",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The receipt's request digest is not the one that the decision was about.",
    what_to_do: "Compare the two requests in the wrapper's own log.",
    does_not_prove: "In which member the requests differ.",
    rests_on: &[WORD, TOKEN],
};

static RECEIPT_MISSING: Rule = Rule {
    code: "RECEIPT_MISSING",
    title: "No receipt for an allowed call",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The wrapper owes a receipt within two minutes of an allow decision, whatever came of the call. Where new roots replaced the wrapper before that time was over, it could no longer say it: that leaves the audit incomplete.",
    what_to_do: "Have the wrapper submit the receipt, with the outcome not_sent where nothing was sent; late evidence closes this. Where its key was replaced meanwhile, the new key signs it.",
    does_not_prove: "That the call was made.",
    rests_on: &[
        WORD,
        TOKEN,
        &[Rest::On(Kind::ArgocdReceipt, Place::Anywhere), Rest::On(Kind::AuditRoots, Place::Anywhere)],
    ],
};

static ACT_UNPLACED: Rule = Rule {
    code: "ACT_UNPLACED",
    title: "An act that could be this agent's",
    severity: Severity::High,
    effect: Effect::Incomplete,
    rationale: "A wrapper of several agents acted under no grant of theirs and for none of their jobs; neither the run that it names nor who started the operation in Argo CD says which of them it was.",
    what_to_do: "Find out from the wrapper's own log for whom it called Argo CD; give each agent a username of its own, and best a wrapper of its own.",
    does_not_prove: "That the act was this agent's.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] =
    &[&RECEIPT_WITHOUT_DECISION, &DECISION_AFTER_ACT, &RECEIPT_REQUEST_MISMATCH, &RECEIPT_MISSING, &ACT_UNPLACED];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for receipt in &scene.receipts {
        of_receipt(scene, receipt, findings);
    }
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        if scene.receipts_of(decision).next().is_none() {
            missing(scene, decision, findings);
        }
    }
    for decision in scene.decisions.iter().filter(|decision| decision.agents.is_empty()) {
        unplaced(scene, decision, findings);
    }
}

/// Leaves every agent open that may be behind an act.
fn unplaced(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let Some(behind) = decision.behind.as_ref() else { return };
    let mut receipts = scene.receipts_of(decision).peekable();
    let is_told = receipts.peek().is_some();
    let is_undone = receipts.all(Receipt::says_nothing_was_done);
    // A deny that nobody tells more of is none; an allow is one until its
    // wrapper says that nothing was done.
    let is_act = behind.is_seen || if is_told { !is_undone } else { decision.is_allow };
    for agent in behind.wrapped.iter().filter(|_| is_act) {
        let known = decision.run.filter(|run| scene.token_of_run(agent, run).is_some());
        let subject = match known {
            Some(run) => scene.subject_of_run(agent, run),
            None => Subject { agent: Some((*agent).to_owned()), ..Subject::clone(decision.subject()) },
        };
        let detail = "nothing says for which of its agents the wrapper acted";
        findings.add(&ACT_UNPLACED, &subject, [decision.statement.at], detail);
    }
}

fn of_receipt(scene: &Scene<'_>, receipt: &Receipt<'_>, findings: &mut Findings) {
    let at = receipt.statement.at;
    let Some(decision) = receipt.decision.map(|at| &scene.decisions[at]) else {
        let unfit = scene.unfit_decision(receipt);
        let detail = match unfit {
            Some((at, why)) => format!("the decision that it names stands at entry {at}, {why}"),
            None => "no wrapper logged a decision with the digest that this receipt names".to_owned(),
        };
        let entries = unfit.map(|(at, _)| at).into_iter().chain([at]);
        findings.add(&RECEIPT_WITHOUT_DECISION, &scene.subject_of_receipt(receipt), entries, detail);
        return;
    };
    let (subject, entries) = (decision.subject(), [decision.statement.at, at]);
    if at < decision.statement.at {
        findings.add(&DECISION_AFTER_ACT, subject, entries, "the receipt stands below its decision");
    }
    if receipt.statement.payload.request_digest() != decision.statement.payload.request_digest() {
        let detail = "the receipt is about another request than the decision";
        findings.add(&RECEIPT_REQUEST_MISMATCH, subject, entries, detail);
    }
    if receipt.outcome != "accepted" || !decision.is_allow {
        return;
    }
    let until = decision.statement.ms().saturating_add(RECEIPT_MS + SKEW_MS);
    let seen_in_time = scene.operations_of(decision).any(|operation| operation.ms() <= until);
    if receipt.statement.ms() > until && !seen_in_time {
        findings.add(
            &LATE_EVIDENCE,
            subject,
            entries,
            "the receipt came after its window, and nothing else shows when",
        );
    }
}

fn missing(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let at = decision.statement.at;
    let until = decision.statement.ms().saturating_add(RECEIPT_MS + SKEW_MS);
    if scene.now_ms() > until {
        let detail = match scene.unfit_receipt(decision) {
            Some(other) => format!("a receipt stands at entry {other}, by a wrapper that is not this agent's"),
            None => "no receipt names this decision".to_owned(),
        };
        match replaced(scene, decision, until) {
            Some(roots) => {
                let detail = format!("{detail}, and the roots at entry {roots} replaced the wrapper meanwhile");
                findings.leave_open(&RECEIPT_MISSING, Severity::High, decision.subject(), [at, roots], detail);
            }
            None => findings.add(&RECEIPT_MISSING, decision.subject(), [at], detail),
        }
    } else {
        findings.wait(&RECEIPT_MISSING, decision.subject(), at, until);
    }
}

/// Roots that took the role from the decision's wrapper while it owed the
/// receipt: its word on the call counted no longer.
fn replaced(scene: &Scene<'_>, decision: &Decision<'_>, until: i64) -> Option<LeafIndex> {
    let (at, signer) = (decision.statement.at, decision.statement.signer()?);
    decision.agents.first()?;
    let after = scene.roots.partition_point(|(from, _)| *from <= at);
    let in_time = |from: &LeafIndex| scene.fact(*from).is_some_and(|roots| roots.ms() <= until);
    let later = scene.roots[after..].iter().take_while(|(from, _)| in_time(from));
    let takes = |roots: &Roots<'_>| decision.agents.iter().all(|agent| !roots.is_wrapper(signer, Some(agent)));
    later.filter(|(_, roots)| takes(roots)).map(|(from, _)| *from).next()
}
