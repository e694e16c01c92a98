//! Calls that Argo CD refused, and whether the wrapper told of them: nothing but
//! the server's own log shows a refusal.

use std::collections::HashMap;

use crate::artifact::time::unix_ms;
use crate::artifact::{ArgocdObservation, Payload};
use crate::audit::finding::{Findings, Subject};
use crate::audit::observed::say;
use crate::audit::reconcile::{EXPLAINED, in_time_for_word};
use crate::audit::rule::{Effect, Rule, Severity, WORD};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Statement, app_name};
use crate::audit::windows::{deciding, latest_of};
use crate::audit::{RECEIPT_MS, SKEW_MS};
use crate::merkle::LeafIndex;

pub(super) static UNLOGGED_ATTEMPT: Rule = Rule {
    code: "UNLOGGED_ATTEMPT",
    title: "Argo CD refused the agent a call that no decision tells of",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The server's log shows that the agent's user tried to change something and was refused, and no decision \
                of its agent in that time, allowed or denied, is of such an action there. The audit is incomplete where \
                the line does not say when the call was made, or the name is not one agent's alone; and so is each job of the agent's that had a token which lived \
                then, since a refused call names none.",
    what_to_do: "Look up the line in the server's log; ask who holds the agent's Argo CD token.",
    does_not_prove: "That the call was made while somebody listened, or that anything came of it.",
    rests_on: &[WORD, EXPLAINED],
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

/// When decisions were logged, by instance, action and agent.
type Decided<'a> = HashMap<(&'a str, &'a str, &'a str), Times<'a>>;

/// Of any application, and of each by uid and by project and name: in order.
#[derive(Default)]
struct Times<'a> {
    all: Vec<i64>,
    by_app: HashMap<&'a str, Vec<i64>>,
    by_name: HashMap<(&'a str, &'a str), Vec<i64>>,
}

impl<'a> Times<'a> {
    /// Those of what the denial is about.
    fn of(&self, denial: ArgocdObservation<'a>) -> &[i64] {
        let object =
            || denial.object().and_then(|object| Some((object.split('/').next()?, object.rsplit('/').next()?)));
        let found = match (denial.app().uid(), object()) {
            (Some(uid), _) => self.by_app.get(uid),
            (None, Some(name)) if denial.method().is_some_and(|of| of.contains("ApplicationService")) => {
                self.by_name.get(&name)
            }
            (None, _) => Some(&self.all),
        };
        found.map(Vec::as_slice).unwrap_or_default()
    }
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let mut decided: Option<Decided<'_>> = None;
    for (denial, actions) in all(scene) {
        let decided = decided.get_or_insert_with(|| by_action(scene, agents_of));
        of_denial(scene, &denial, actions, decided, findings);
    }
}

/// Refused calls that would have changed something, and what a wrapper may have
/// decided for each.
fn all<'s, 'a>(
    scene: &'s Scene<'a>,
) -> impl Iterator<Item = (Statement<'a, ArgocdObservation<'a>>, &'static [&'static str])> + use<'s, 'a> {
    scene.facts.iter().filter_map(|fact| {
        let Payload::ArgocdObservation(says) = fact.payload else { return None };
        let actions = says.method().and_then(actions_of).filter(|_| says.event() == Some("denial"));
        Some((fact.read_as(says), actions?))
    })
}

/// A refused call of an agent's user that no decision tells of, as far as that
/// rests on nothing but what a job's audit reads of other jobs (jobs.rs).
pub(super) struct Untold<'a> {
    pub at: LeafIndex,
    pub agents: Vec<&'a str>,
    /// When the call was made, and when every word about it has been logged.
    pub made_ms: i64,
    pub settled_ms: i64,
}

/// Every one whose line says when the call was made.
pub(super) fn untold<'a>(scene: &Scene<'a>) -> Vec<Untold<'a>> {
    let mut decided: Option<Decided<'a>> = None;
    let mut found = Vec::new();
    for (denial, actions) in all(scene) {
        let says = denial.payload;
        let (Some(instance), Some(name)) = (says.instance(), says.subject()) else { continue };
        let Some(made_ms) = says.refused_at().and_then(unix_ms) else { continue };
        let mut agents = scene.roots_at(denial.at).map(|roots| roots.agents_named(instance, name)).unwrap_or_default();
        let roots = in_time_for_word(scene, made_ms);
        agents.retain(|agent| roots.is_some_and(|roots| roots.is_username(agent, instance, name)));
        if agents.is_empty() {
            continue;
        }
        let decided = decided.get_or_insert_with(|| by_action(scene, agent_by_token));
        let (from, until) = deciding(made_ms);
        let explains = |agent: &str| {
            let mut all = actions.iter().filter_map(|action| decided.get(&(instance, *action, agent)));
            all.any(|of| is_in_time(of.of(says), from, until))
        };
        if !agents.iter().copied().chain([ANYBODY]).any(explains) {
            found.push(Untold { at: denial.at, agents, made_ms, settled_ms: until });
        }
    }
    found
}

/// Stands for the agent of a decision whose token nobody issued.
const ANYBODY: &str = "";

fn agent_by_token<'a>(scene: &Scene<'a>, decision: &Decision<'a>) -> Vec<&'a str> {
    vec![decision.token.map_or(ANYBODY, |token| scene.tokens[token].agent)]
}

/// Actions that a wrapper may decide for a method that changes something.
pub(in crate::audit) fn actions_of(method: &str) -> Option<&'static [&'static str]> {
    METHODS.iter().find(|(name, _)| method.rsplit('.').next() == Some(name)).map(|(_, actions)| *actions)
}

fn is_in_time(times: &[i64], from: i64, until: i64) -> bool {
    times.get(times.partition_point(|ms| *ms < from)).is_some_and(|ms| *ms <= until)
}

fn by_action<'a>(scene: &Scene<'a>, agents_of: fn(&Scene<'a>, &Decision<'a>) -> Vec<&'a str>) -> Decided<'a> {
    let mut decided = Decided::new();
    for decision in &scene.decisions {
        let (binds, ms) = (decision.statement.payload.binds(), decision.statement.ms());
        let Some((instance, action)) = binds.instance().zip(binds.action()) else { continue };
        for agent in agents_of(scene, decision) {
            let (of, app): (&mut Times<'_>, _) = (decided.entry((instance, action, agent)).or_default(), binds.app());
            of.all.push(ms);
            if let Some(uid) = app.uid() {
                of.by_app.entry(uid).or_default().push(ms);
            }
            if let Some(name) = app.project().zip(app.name()) {
                of.by_name.entry(name).or_default().push(ms);
            }
        }
    }
    decided
}

/// Agents whose decision it is, or may be.
fn agents_of<'a>(_: &Scene<'a>, decision: &Decision<'a>) -> Vec<&'a str> {
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
    let is_person = scene.roots_at(denial.at).is_some_and(|roots| roots.is_person(instance, name));
    let why = (agents.len() > 1 || is_person).then_some("the roots give this username to somebody else too");
    let at = says.refused_at().and_then(unix_ms);
    let why = why.or(at.is_none().then_some("nothing says when the call was made"));
    // Who does not say when may tell of any time before.
    let from = at.map_or(i64::MIN, |at| at.saturating_sub(RECEIPT_MS).saturating_sub(SKEW_MS));
    let until = at.map_or(denial.ms().saturating_add(RECEIPT_MS), latest_of).saturating_add(SKEW_MS);
    let is_decided = |agent: &&str| {
        let mut all = actions.iter().filter_map(|action| decided.get(&(instance, *action, *agent)));
        all.any(|of| is_in_time(of.of(says), from, until))
    };
    // One call is one agent's: whose decision explains it explains it for all of that name.
    if agents.iter().any(is_decided) {
        return;
    }
    for agent in &agents {
        let agent = *agent;
        let subject = Subject {
            agent: Some(agent.to_owned()),
            app: app_name(says.instance(), says.app()),
            submitter: Some(denial.submitter().to_owned()),
            ..Subject::default()
        };
        let listed = in_time_for_word(scene, at.unwrap_or(denial.ms()))
            .is_some_and(|roots| roots.is_username(agent, instance, name));
        if !listed {
            findings.uncover("refused call from before the roots named its user", &subject, denial.at);
        } else if scene.now_ms() <= until {
            findings.wait(&UNLOGGED_ATTEMPT, &subject, denial.at, until);
        } else {
            let detail = "no decision tells of this refused call by the agent's user".to_owned();
            say(findings, &UNLOGGED_ATTEMPT, why, &subject, &[denial.at], detail);
        }
    }
}
