//! Calls that a wrapper says were taken, and that two looks at the application,
//! before and long after, show nothing of, whatever moved it since.

use std::collections::HashMap;

use crate::artifact::Payload;
use crate::audit::finding::{Findings, Subject};
use crate::audit::looks::look_of;
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::Decision;
use crate::audit::{RECEIPT_MS, SKEW_MS};
use crate::merkle::LeafIndex;

pub(super) static PHANTOM_ACTION: Rule = Rule {
    code: "PHANTOM_ACTION",
    title: "A call that was taken, and no operation of it",
    severity: Severity::High,
    effect: Effect::Incomplete,
    rationale: "The wrapper says that Argo CD took the call for a full sync. A snapshot before the decision and one long \
                after its time show one and the same operation as the application's last, by key and by history: \
                whatever ran in between would have taken its place. What took its place later is not known to be that \
                call. A controller that was down carries the call out later; until that is told of, the audit is \
                incomplete.",
    what_to_do: "Compare the wrapper's receipt with the server's log; ask whether the controller ran.",
    does_not_prove: "That the wrapper lies.",
    rests_on: NOTHING,
};

/// What a snapshot shows of one application.
struct Look<'a> {
    at: LeafIndex,
    taken: i64,
    said: &'a str,
    key: &'a str,
    history: Option<i64>,
}

type Looks<'a> = HashMap<(&'a str, &'a str), Vec<Look<'a>>>;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let silent: Vec<_> = scene.decisions.iter().filter(|decision| is_silent(scene, decision)).collect();
    if silent.is_empty() {
        return;
    }
    let looks = looks(scene);
    for decision in silent {
        let binds = decision.statement.payload.binds();
        let of_app = binds.instance().zip(binds.app().uid()).and_then(|app| looks.get(&app));
        if let Some(looks) = of_app {
            of_decision(decision, looks, findings);
        }
    }
}

/// A full sync that was taken, and that no report tells of.
fn is_silent(scene: &Scene<'_>, decision: &Decision<'_>) -> bool {
    let binds = decision.statement.payload.binds();
    let params = binds.params();
    let is_full = params.dry_run().is_none() && params.resources().len() == 0;
    let is_seen = !decision.operations.is_empty() || !decision.doubted.is_empty();
    let is_taken = || scene.receipts_of(decision).any(|receipt| receipt.is_sure());
    decision.is_allow && binds.action() == Some("sync") && is_full && !is_seen && is_taken()
}

fn looks<'a>(scene: &Scene<'a>) -> Looks<'a> {
    let mut looks = Looks::new();
    for fact in &scene.facts {
        let Payload::ArgocdSnapshot(says) = fact.payload else { continue };
        let Some(((instance, taken), said)) = look_of(says, fact.ms()).zip(says.taken_at()) else { continue };
        for row in says.rows() {
            if let Some((uid, key)) = row.app().uid().zip(row.op_key()) {
                let look = Look { at: fact.at, taken, said, key, history: row.history_id() };
                looks.entry((instance, uid)).or_default().push(look);
            }
        }
    }
    // By their own times: an old look may be logged late.
    looks.values_mut().for_each(|looks| looks.sort_by_key(|look| (look.taken, look.at)));
    looks
}

fn of_decision(decision: &Decision<'_>, looks: &[Look<'_>], findings: &mut Findings) {
    // Logged below it, and so taken before the call.
    let is_before = |look: &&Look<'_>| look.at < decision.statement.at;
    let settled = decision.statement.ms().saturating_add(RECEIPT_MS).saturating_add(SKEW_MS).saturating_add(SKEW_MS);
    let Some(before) = looks.iter().rfind(is_before) else { return };
    let is_alike = |look: &&Look<'_>| look.key == before.key && look.history == before.history;
    let settled = looks.iter().filter(|look| !is_before(look) && look.taken > settled);
    // The last look that shows it as it was before, and whether that is the newest:
    // what joins nothing and took its place may be that call, taken up late.
    let Some(still) = settled.take_while(is_alike).last() else { return };
    let detail = match looks.last().is_some_and(|newest| newest.at == still.at) {
        true => "the application's last operation is that of before the decision".to_owned(),
        false => format!("the application's last operation was that of before the decision until after {}", still.said),
    };
    let own = decision.subject();
    let subject = Subject {
        agent: own.agent.clone(),
        app: own.app.clone(),
        submitter: Some(decision.statement.submitter().to_owned()),
        ..Subject::default()
    };
    findings.add(&PHANTOM_ACTION, &subject, [before.at, decision.statement.at, still.at], detail);
}
