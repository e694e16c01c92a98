//! Rules about uniqueness over the log: what happens once is seen once
//! (JUDGING 4.12). Only statements that count are counted, so a stranger who
//! uses an id first takes nothing away.

use std::collections::BTreeMap;

use crate::artifact::spelling::spelled;
use crate::artifact::{CstIssuance, Kind, Node, View};
use crate::audit::finding::Findings;
use crate::audit::rule::{Effect, Place, RUN, Rest, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::{Dispute, Scene, speaker};
use crate::audit::statement::Statement;
use crate::merkle::LeafIndex;

static REPLAY_RUN_ID_REUSED: Rule = Rule {
    code: "REPLAY_RUN_ID_REUSED",
    title: "Run id used twice",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "One agent packs one run, in one job. A later bundle may say more of it: the earlier chain goes on, every receipt is there, and the metadata is the same but for added tokens. Any other second bundle or job under the id is a replay. Where the first job had it under a token that was not issued, the audit is incomplete instead.",
    what_to_do: "Compare the two; treat the second as a replay.",
    does_not_prove: "Which of the two is the true one.",
    rests_on: &[
        WORD,
        TOKEN,
        RUN,
        &[Rest::On(Kind::ArgocdDecision, Place::BeforeAct), Rest::On(Kind::ProofBundle, Place::Anywhere)],
    ],
};

static REPLAY_RECEIPT_ID_REUSED: Rule = Rule {
    code: "REPLAY_RECEIPT_ID_REUSED",
    title: "Receipt id used twice",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "One signer gives a receipt id to one receipt.",
    what_to_do: "Compare the two receipts at their signer.",
    does_not_prove: "Which of the two is the true one.",
    rests_on: &[WORD, TOKEN, RUN],
};

pub(super) static REPLAY_TOKEN_ISSUED_TWICE: Rule = Rule {
    code: "REPLAY_TOKEN_ISSUED_TWICE",
    title: "Token issued twice",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "One token has one issuance; a second one with other claims says that one of them is untrue; the same claims again are the same account. The first counts. Where two issuers contradict each other, nobody can say which of them is wrong: the jobs that they name are incomplete, whoever logged first. Alike in agent, job, policy and grant, the token lives from the earlier beginning to the later end. Unlike in these, it is judged by each account: what fails by every account fails, on the run and agent where the accounts differ in the job, and what fails by some is incomplete. An issuer that the operator distrusts there contradicts nobody.",
    what_to_do: "Ask the issuer which claims the token holds.",
    does_not_prove: "Which of the two is the true one.",
    rests_on: &[WORD, TOKEN],
};

static REPLAY_APPROVAL_ID_REUSED: Rule = Rule {
    code: "REPLAY_APPROVAL_ID_REUSED",
    title: "Approval id used twice",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "One approver gives an approval id to one approval.",
    what_to_do: "Ask the approver which of the two was meant.",
    does_not_prove: "That either was not meant.",
    rests_on: &[WORD, TOKEN],
};

pub(super) static RULES: &[&Rule] =
    &[&REPLAY_RUN_ID_REUSED, &REPLAY_RECEIPT_ID_REUSED, &REPLAY_TOKEN_ISSUED_TWICE, &REPLAY_APPROVAL_ID_REUSED];

/// The rule that a kind breaks whose signer gives an id twice.
const fn rule_of(kind: Kind) -> Option<&'static Rule> {
    match kind {
        Kind::GatewayReceipt
        | Kind::ToolReceipt
        | Kind::SideEffectReceipt
        | Kind::HumanApprovalReceipt
        | Kind::DelegationReceipt => Some(&REPLAY_RECEIPT_ID_REUSED),
        Kind::CstIssuance => Some(&REPLAY_TOKEN_ISSUED_TWICE),
        Kind::Approval => Some(&REPLAY_APPROVAL_ID_REUSED),
        Kind::ProofBundle
        | Kind::WorkPolicy
        | Kind::TrustPulse
        | Kind::CstRevocation
        | Kind::ArgocdDecision
        | Kind::ArgocdReceipt
        | Kind::ChangeRecord
        | Kind::AuditRoots
        | Kind::AuditStatement
        | Kind::Withholding
        | Kind::ArgocdObservation
        | Kind::ArgocdSnapshot => None,
    }
}

/// A row that names such an id, and no rule for it, would lose a finding.
const _: () = {
    let mut at = 0;
    while at < Kind::ALL.len() {
        assert!(Kind::ALL[at].row().id_given_once.is_some() == rule_of(Kind::ALL[at]).is_some());
        at += 1;
    }
};

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let mut first: BTreeMap<(Kind, &str, &str), LeafIndex> = BTreeMap::new();
    let mut first_of: BTreeMap<(Kind, &str, &str, &str), LeafIndex> = BTreeMap::new();
    for fact in &scene.facts {
        let kind = fact.kind();
        let Some((path, rule)) = kind.row().id_given_once.zip(rule_of(kind)) else { continue };
        let (Some(signer), Some(id)) = (fact.signer(), id_of(fact, path)) else { continue };
        let is_told_below = || scene.disputes.of_token(id).is_some() || scene.disputes.is_set_aside(fact.at);
        if kind == Kind::CstIssuance && is_told_below() {
            continue;
        }
        let agent = scene.agent_behind(fact).unwrap_or_default();
        let earlier = *first.entry((kind, signer.as_str(), id)).or_insert(fact.at);
        let of_agent = *first_of.entry((kind, signer.as_str(), id, agent)).or_insert(fact.at);
        // What is said of one agent takes no id from another's.
        let (earlier, subject) =
            if of_agent == fact.at { (earlier, speaker(fact)) } else { (of_agent, scene.subject_of(fact)) };
        if kind == Kind::CstIssuance && earlier != fact.at && is_said_before(scene, earlier, fact) {
            findings.uncover("issuance that its issuer logged again", &subject, fact.at);
        } else if earlier != fact.at {
            let detail = format!("{path} {id} was used by the same signer before");
            findings.add(rule, &subject, [earlier, fact.at], detail);
        }
    }
    scene.disputes.all().for_each(|dispute| two_issuers(dispute, findings));
    runs(scene, findings);
}

/// Whether the same issuer gave the token the same claims before: one that
/// tries again says nothing else.
fn is_said_before(scene: &Scene<'_>, earlier: LeafIndex, again: &Statement<'_>) -> bool {
    let claims =
        |issuance: &Statement<'_>| CstIssuance::try_from(issuance.payload).ok()?.claims().value().map(Node::to_jcs);
    scene.fact(earlier).is_some_and(|first| claims(first) == claims(again))
}

/// Two issuers that give one token different claims, once or twice: whoever is
/// named by them is at fault for nothing.
fn two_issuers(dispute: &Dispute<'_>, findings: &mut Findings) {
    for subject in &dispute.subjects() {
        let detail = "two issuers say unlike things of this token's claims";
        findings.leave_open(&REPLAY_TOKEN_ISSUED_TWICE, Severity::High, subject, dispute.entries(), detail);
    }
}

/// Ids of ours have one spelling; a peer's that is given twice is the same id
/// however it is spelled.
fn id_of<'a>(fact: &Statement<'a>, path: &str) -> Option<&'a str> {
    let id = fact.payload.text(path);
    if fact.kind().row().ids.contains(&path) { spelled(id) } else { id }
}

fn runs(scene: &Scene<'_>, findings: &mut Findings) {
    for bundle in scene.bundles.iter().filter(|bundle| !bundle.continues) {
        if let Some(before) = bundle.before {
            let detail = "the agent packed this run before, and this bundle does not say all that it said then";
            findings.add(&REPLAY_RUN_ID_REUSED, &bundle.subject(), [before, bundle.statement.at], detail);
        }
    }
    let mut job_of: BTreeMap<(&str, &str), (&str, LeafIndex)> = BTreeMap::new();
    let mut unissued: BTreeMap<(&str, &str), (&str, LeafIndex)> = BTreeMap::new();
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let (Some(run), Some(job)) = (decision.run, decision.job) else { continue };
        let (at, subject) = (decision.statement.at, decision.subject());
        let Some(agent) = decision.agent else {
            // Where nobody issued it, it is its wrapper's word for each agent that it may be of.
            let is_issued = decision.token_hash.is_some_and(|hash| scene.token(hash).is_some());
            for agent in decision.agents.iter().filter(|_| !is_issued) {
                unissued.entry((agent, run)).or_insert((job, at));
            }
            continue;
        };
        let (earlier, since) = *job_of.entry((agent, run)).or_insert((job, at));
        if earlier != job {
            let detail = format!("the run belonged to job {earlier} before");
            findings.add(&REPLAY_RUN_ID_REUSED, subject, [since, at], detail);
        }
        if let Some((earlier, since)) = unissued.get(&(agent, run)).filter(|(earlier, _)| *earlier != job) {
            let detail = format!("a decision under a token that nobody had issued gives the run to job {earlier}");
            findings.leave_open(&REPLAY_RUN_ID_REUSED, Severity::High, subject, [*since, at], detail);
        }
    }
}
