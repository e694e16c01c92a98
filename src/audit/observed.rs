//! Rules about operations that Argo CD reported, where they join a decision
//! (model 8). What joins nothing is coverage, never a finding.

use std::collections::BTreeMap;

use crate::artifact::json::{Value, to_jcs};
use crate::artifact::time::unix_ms;
use crate::audit::decisions::DENY_THEN_ACCEPTED;
use crate::audit::finding::{Findings, Subject};
use crate::audit::rule::{Effect, JOINED, Place, Rest, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Statement, app_name};
use crate::audit::tokens::TOKEN_REVOKED;
use crate::audit::{PICKUP_MS, RECEIPT_MS, SKEW_MS};

static OBSERVED_UNLIKE_DECIDED: Rule = Rule {
    code: "OBSERVED_UNLIKE_DECIDED",
    title: "Argo CD did something else than was decided",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The operation names this decision, and its target, action or parameters are others.",
    what_to_do: "Compare the observation with the decision; look for a way round the wrapper's checks.",
    does_not_prove: "Who changed the request on its way.",
    rests_on: &[WORD, TOKEN, JOINED, &[Rest::On("audit_roots", Place::Anywhere)]],
};

static OPERATION_OUTSIDE_WINDOW: Rule = Rule {
    code: "OPERATION_OUTSIDE_WINDOW",
    title: "The operation did not start when the decision allows",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "A decision explains an operation that starts within two minutes of it, within the clocks' tolerance.",
    what_to_do: "Find out whether the decision was kept for later, or written for an operation that ran before.",
    does_not_prove: "That the clock of the Argo CD instance is right.",
    rests_on: &[WORD, &[Rest::Time], TOKEN, JOINED, &[Rest::On("cst_revocation", Place::Anywhere)]],
};

static REPLAY_DECISION_REUSED: Rule = Rule {
    code: "REPLAY_DECISION_REUSED",
    title: "One decision, two operations",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "A decision explains one operation.",
    what_to_do: "Treat the second operation as undecided.",
    does_not_prove: "Which of the two was meant.",
    rests_on: &[WORD, TOKEN, JOINED],
};

pub(super) static RULES: &[&Rule] = &[&OBSERVED_UNLIKE_DECIDED, &OPERATION_OUTSIDE_WINDOW, &REPLAY_DECISION_REUSED];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for (operation, joined) in &scene.operations {
        for decision in joined {
            of_operation(scene, operation, &scene.decisions[*decision], findings);
        }
        if joined.is_empty() {
            findings.uncover("operation not matched yet", &about(operation), operation.at);
        }
    }
    for decision in &scene.decisions {
        let mut keys: BTreeMap<&str, &Statement<'_>> = BTreeMap::new();
        for operation in scene.operations_of(decision) {
            keys.entry(operation.text("op_key").unwrap_or_default()).or_insert(operation);
        }
        if keys.len() > 1 {
            let entries = keys.values().map(|operation| operation.at).chain([decision.statement.at]);
            let detail = format!("{} operations name this decision", keys.len());
            findings.add(&REPLAY_DECISION_REUSED, &decision.subject(), entries, detail);
        }
    }
}

fn of_operation(scene: &Scene<'_>, operation: &Statement<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let (subject, entries) = (decision.subject(), [decision.statement.at, operation.at]);
    if !decision.is_allow {
        findings.add(
            &DENY_THEN_ACCEPTED,
            &subject,
            entries,
            "denied by the wrapper, and Argo CD reports the operation",
        );
        return;
    }
    if let Some(what) = difference(operation.payload, decision.statement.payload) {
        findings.add(&OBSERVED_UNLIKE_DECIDED, &subject, entries, format!("{what} is not as decided"));
    }
    let Some(started) = operation.text("started_at").and_then(unix_ms) else { return };
    let revoked = decision.token.and_then(|at| scene.tokens[at].revoked);
    let decided = decision.statement.ms;
    let late = |from: i64, for_ms: i64| started > from.saturating_add(for_ms).saturating_add(SKEW_MS);
    if let Some((revoked_at, _)) = revoked.filter(|(_, ms)| late(*ms, PICKUP_MS)) {
        let entries = [decision.statement.at, revoked_at, operation.at];
        findings.add(&TOKEN_REVOKED, &subject, entries, "the operation started after the token was revoked");
    } else if started < decided.saturating_sub(SKEW_MS) || late(decided, RECEIPT_MS) {
        findings.add(&OPERATION_OUTSIDE_WINDOW, &subject, entries, "it started outside the decision's window");
    }
}

/// An operation that joins nothing is about its application and nobody's job.
fn about(operation: &Statement<'_>) -> Subject {
    let app = app_name(operation.text("instance"), operation.payload.get("app"));
    Subject { app, ..Subject::default() }
}

/// The first member that both state and that differs.
fn difference(seen: &Value, decision: &Value) -> Option<&'static str> {
    let decided = decision.get("binds")?;
    let both = |a: Option<&Value>, b: Option<&Value>| a.is_some() && b.is_some() && a.map(to_jcs) != b.map(to_jcs);
    if seen.get("instance") != decided.get("instance") {
        return Some("the instance");
    }
    if seen.text_at("action_certainty") == Some("stated") && seen.get("action") != decided.get("action") {
        return Some("the action");
    }
    if seen.get("app").map(to_jcs) != decided.get("app").map(to_jcs) {
        return Some("the application");
    }
    for (path, words) in [
        ("destination.server", "the cluster"),
        ("destination.name", "the cluster"),
        ("destination.namespace", "the namespace"),
        ("history_id", "the history id"),
        ("params", "a parameter"),
    ] {
        if both(seen.at(path), decided.at(path)) {
            return Some(words);
        }
    }
    let requested = seen.at("revisions.requested").filter(|list| list.as_array().is_some_and(|list| !list.is_empty()));
    both(requested, decided.get("revisions")).then_some("the revision")
}
