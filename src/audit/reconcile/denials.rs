//! Calls that Argo CD refused, and whether the wrapper told of them: nothing but
//! the server's own log shows a refusal.

use std::collections::HashMap;

use crate::artifact::{ArgocdObservation, Payload};
use crate::audit::finding::{Findings, Subject};
use crate::audit::reconcile::in_time_for_word;
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Statement, app_name};
use crate::audit::{RECEIPT_MS, SKEW_MS};

pub(super) static UNLOGGED_ATTEMPT: Rule = Rule {
    code: "UNLOGGED_ATTEMPT",
    title: "Argo CD refused the agent a call that no decision tells of",
    severity: Severity::High,
    effect: Effect::Incomplete,
    rationale: "The server's log shows that the agent's user tried to change something and was refused, and no decision \
                of its agent, allowed or denied, is of such an action there. A line of that log says nothing of when \
                the call was made, so it accuses nobody by itself.",
    what_to_do: "Look up the line in the server's log; ask who holds the agent's Argo CD token.",
    does_not_prove: "That the call was made while somebody listened, or that anything came of it.",
    rests_on: NOTHING,
};

/// Methods of Argo CD's API that change something, and the actions that a
/// wrapper may have decided for them. What reads is the wrapper's own looking.
const METHODS: &[(&str, &[&str])] = &[
    ("ApplicationService/Sync", &["sync"]),
    ("ApplicationService/Rollback", &["rollback"]),
    ("ApplicationService/TerminateOperation", &["terminate"]),
    ("ApplicationService/Delete", &["delete_app"]),
    ("ApplicationService/Create", EDITS),
    ("ApplicationService/Update", EDITS),
    ("ApplicationService/UpdateSpec", EDITS),
    ("ApplicationService/Patch", EDITS),
    ("ApplicationService/PatchResource", EDITS),
    ("ApplicationService/DeleteResource", EDITS),
    ("ApplicationService/RunResourceAction", EDITS),
    ("ApplicationService/RunResourceActionV2", EDITS),
    ("ProjectService/Create", &["manage_projects"]),
    ("ProjectService/Update", &["manage_projects"]),
    ("ProjectService/Delete", &["manage_projects"]),
    ("ProjectService/CreateToken", &["manage_projects"]),
    ("ProjectService/DeleteToken", &["manage_projects"]),
];
const EDITS: &[&str] = &["edit_app_spec", "set_auto_sync"];

/// When the first decision was logged, by instance, action and agent: of any
/// application, and of each by uid.
type Decided<'a> = HashMap<(&'a str, &'a str, &'a str), First<'a>>;

struct First<'a> {
    ms: i64,
    by_app: HashMap<&'a str, i64>,
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let mut decided: Option<Decided<'_>> = None;
    for fact in &scene.facts {
        let Payload::ArgocdObservation(says) = fact.payload else { continue };
        let actions = says.method().and_then(actions_of);
        if let (Some("denial"), Some(actions)) = (says.event(), actions) {
            let decided = decided.get_or_insert_with(|| by_action(scene));
            of_denial(scene, &fact.read_as(says), actions, decided, findings);
        }
    }
}

fn actions_of(method: &str) -> Option<&'static [&'static str]> {
    METHODS.iter().find(|(name, _)| method.rsplit('.').next() == Some(name)).map(|(_, actions)| *actions)
}

fn by_action<'a>(scene: &Scene<'a>) -> Decided<'a> {
    let mut decided = Decided::new();
    for decision in &scene.decisions {
        let (binds, ms) = (decision.statement.payload.binds(), decision.statement.ms);
        let Some((instance, action)) = binds.instance().zip(binds.action()) else { continue };
        for agent in agents_of(decision) {
            let of = decided.entry((instance, action, agent)).or_insert(First { ms, by_app: HashMap::new() });
            of.ms = of.ms.min(ms);
            if let Some(uid) = binds.app().uid() {
                let of_app = of.by_app.entry(uid).or_insert(ms);
                *of_app = (*of_app).min(ms);
            }
        }
    }
    decided
}

/// Agents whose decision it is, or may be.
fn agents_of<'a>(decision: &Decision<'a>) -> Vec<&'a str> {
    let wrapped = || decision.behind.iter().flat_map(|behind| &behind.wrapped).copied().collect();
    match decision.agent {
        Some(agent) => vec![agent],
        None if decision.agents.is_empty() => wrapped(),
        None => decision.agents.clone(),
    }
}

fn of_denial<'a>(
    scene: &Scene<'a>,
    denial: &Statement<'a, ArgocdObservation<'a>>,
    actions: &[&'static str],
    decided: &Decided<'a>,
    findings: &mut Findings,
) {
    let says = denial.payload;
    let (Some(instance), Some(name)) = (says.instance(), says.subject()) else { return };
    let agents = scene.roots_at(denial.at).map(|roots| roots.agents_named(instance, name)).unwrap_or_default();
    let until = denial.ms.saturating_add(RECEIPT_MS).saturating_add(SKEW_MS);
    for agent in agents {
        let subject = Subject {
            agent: Some(agent.to_owned()),
            app: app_name(says.instance(), says.app()),
            submitter: Some(denial.submitter.to_owned()),
            ..Subject::default()
        };
        let first = |of: &First<'_>| says.app().uid().map_or(Some(of.ms), |uid| of.by_app.get(uid).copied());
        let all = actions.iter().filter_map(|action| decided.get(&(instance, *action, agent)));
        if all.filter_map(first).any(|ms| ms <= until) {
            continue;
        }
        let listed = in_time_for_word(scene, denial.ms).is_some_and(|roots| roots.is_username(agent, instance, name));
        if !listed {
            findings.uncover("refused call from before the roots named its user", &subject, denial.at);
        } else if scene.now_ms() <= until {
            findings.wait(&UNLOGGED_ATTEMPT, &subject, denial.at, until);
        } else {
            let detail = "no decision tells of this refused call by the agent's user";
            findings.add(&UNLOGGED_ATTEMPT, &subject, [denial.at], detail);
        }
    }
}
