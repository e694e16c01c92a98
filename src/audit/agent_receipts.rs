//! Rules about receipts that the agent itself vouches for, inside its bundle,
//! and about reviews of it. What an agent says never helps it; what it says
//! against its own run is held against it (JUDGING 6.12, PEERS 4.18).

use std::collections::BTreeSet;

use crate::artifact::Event;
use crate::audit::finding::Findings;
use crate::audit::inserted::Inserted;
use crate::audit::rule::{Effect, NOTHING, OWN, RUN, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::Scene;
use crate::audit::statement::Bundle;

static RECEIPT_BINDING_MISMATCH: Rule = Rule {
    code: "RECEIPT_BINDING_MISMATCH",
    title: "The agent's own receipt belongs elsewhere",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "A tool, side-effect or approval receipt in the bundle names another run, event, grant or policy than the run's.",
    what_to_do: "Ask the agent's runtime where the receipt was made.",
    does_not_prove: "That the receipt is false.",
    rests_on: &[WORD, TOKEN, RUN],
};

static RECEIPT_NOT_BOUND: Rule = Rule {
    code: "RECEIPT_NOT_BOUND",
    title: "The agent's own receipt is bound to nothing",
    severity: Severity::Low,
    effect: Effect::Shown,
    rationale: "A receipt without run and event fits into any bundle, and nobody but the agent vouches for it.",
    what_to_do: "Have the runtime bind its receipts to run and event.",
    does_not_prove: "That the receipt belongs to another run.",
    rests_on: NOTHING,
};

static REVIEW_NOT_INDEPENDENT: Rule = Rule {
    code: "REVIEW_NOT_INDEPENDENT",
    title: "The agent reviewed itself",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "A sign-off in the bundle is signed by the agent whose run it is.",
    what_to_do: "Count the run as not reviewed.",
    does_not_prove: "That nobody else reviewed it.",
    rests_on: &[OWN, TOKEN, RUN],
};

pub(super) static RULES: &[&Rule] = &[&RECEIPT_BINDING_MISMATCH, &RECEIPT_NOT_BOUND, &REVIEW_NOT_INDEPENDENT];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for bundle in &scene.bundles {
        receipts(scene, bundle, findings);
        reviews(scene, bundle, findings);
    }
}

fn receipts(scene: &Scene<'_>, bundle: &Bundle<'_>, findings: &mut Findings) {
    let (at, subject) = (bundle.statement.at, bundle.subject());
    let token = bundle.run.and_then(|run| scene.token_of_run(bundle.agent, run));
    let says = bundle.statement.payload;
    let events: BTreeSet<_> = says.events().filter_map(Event::hash).inserted();
    for (array, index, receipt) in says.own_receipts() {
        let (place, named) = (format!("{array}[{index}]"), receipt.binding());
        let (run, event) = (named.run(), named.event_hash());
        if run.is_none() && event.is_none() {
            findings.add(&RECEIPT_NOT_BOUND, &subject, [at], format!("{place} of the bundle"));
        }
        let unlike = |said: Option<&str>, want: Option<&str>| said.is_some() && want.is_some() && said != want;
        let wrong = [
            (unlike(run, bundle.run), "another run"),
            (event.is_some_and(|event| !events.contains(event)), "an event that is not in the chain"),
            (unlike(named.scope_hash(), token.map(|token| token.scope_hash)), "another grant"),
            (unlike(named.policy_hash(), token.and_then(|token| token.policy_hash)), "another policy"),
        ];
        for (_, what) in wrong.into_iter().filter(|(is, _)| *is) {
            findings.add(&RECEIPT_BINDING_MISMATCH, &subject, [at], format!("{place} of the bundle names {what}"));
        }
    }
}

fn reviews(scene: &Scene<'_>, bundle: &Bundle<'_>, findings: &mut Findings) {
    let at = bundle.statement.at;
    for review in bundle.statement.payload.reviews() {
        let stated = review.reviewer();
        let reviewer = review.signer().or(stated);
        if reviewer == Some(bundle.agent) || stated == Some(bundle.agent) {
            findings.add(&REVIEW_NOT_INDEPENDENT, &bundle.subject(), [at], "a sign-off is signed by the agent itself");
        } else if !reviewer.is_some_and(|did| scene.roots_at(at).is_some_and(|roots| roots.is_reviewer(did))) {
            findings.uncover("review by somebody whom the roots do not list", &bundle.subject(), at);
        }
    }
}
