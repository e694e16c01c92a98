//! What Argo CD shows of an application besides operations: changes of its spec
//! and of automated sync, its end, and freezes that did not hold. Nothing says who made
//! a change, so it accuses nobody.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::artifact::{ArgocdObservation, Payload};
use crate::audit::finding::{Findings, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, app_name};
use crate::merkle::LeafIndex;

pub(super) static CONTROL_REVERTED: Rule = Rule {
    code: "CONTROL_REVERTED",
    title: "A freeze did not hold",
    severity: Severity::Medium,
    effect: Effect::Shown,
    rationale: "Automated sync was switched off by a decision or by a person's record, was seen to be off, and the same \
                channel saw it on again, though no decision and no record switches it on. An ApplicationSet that owns \
                the application does that by itself.",
    what_to_do: "Freeze where the spec is written: in the ApplicationSet or in Git; or log who switched it on.",
    does_not_prove: "Who switched it on.",
    rests_on: NOTHING,
};

/// An application, wherever it is named: instances are not part of a person's record.
type App<'a> = &'a str;

/// What a statement does to a freeze.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Freezes,
    Thaws,
    /// What a channel of a submitter saw.
    Off(Channel<'a>),
    On(Channel<'a>),
}

type Channel<'a> = (&'a str, &'a str);

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let (mut governed, deleted) = (Governed::of(scene), deleted(scene));
    let mut seen: HashMap<App<'_>, BTreeMap<LeafIndex, Step<'_>>> = HashMap::new();
    for fact in &scene.facts {
        let Payload::ArgocdObservation(says) = fact.payload else { continue };
        let Some(label) = label(says, &deleted) else { continue };
        let channel = (fact.submitter(), says.channel().unwrap_or_default());
        let step = match says.after() {
            Some("off") => Some(Step::Off(channel)),
            Some("on") => Some(Step::On(channel)),
            _ => None,
        };
        if let Some((uid, step)) = says.app().uid().zip(step) {
            seen.entry(uid).or_default().insert(fact.at, step);
        }
        if governed.is_governed(scene, says) {
            findings.uncover(label, &about(says), fact.at);
        }
    }
    if seen.is_empty() {
        return;
    }
    let steps = said(scene, seen);
    for steps in steps.values() {
        of_app(scene, steps, findings);
    }
}

/// What is said of a change that nobody put their name to.
fn label(says: ArgocdObservation<'_>, deleted: &HashSet<App<'_>>) -> Option<&'static str> {
    match (says.event(), says.change()) {
        (Some("spec_change"), _) if says.spec_before() == says.spec_after() => None,
        (Some("spec_change"), _) => Some("change of spec, by nobody who is named"),
        (Some("auto_sync"), _) => Some("change of automated sync, by nobody who is named"),
        (Some("lifecycle"), Some("deleting")) if says.app().uid().is_some_and(|uid| deleted.contains(uid)) => None,
        (Some("lifecycle"), Some("deleting")) => Some("deletion of the application, by nobody who is named"),
        (Some("lifecycle"), Some("uid_changed")) => {
            Some("another application in the place of one of its name, by nobody who is named")
        }
        _ => None,
    }
}

/// Applications whose deletion was decided, and whose call Argo CD took.
fn deleted<'a>(scene: &Scene<'a>) -> HashSet<App<'a>> {
    let is_taken = |decision: &&Decision<'a>| {
        let is_delete = decision.statement.payload.binds().action() == Some("delete_app");
        decision.is_allow && is_delete && scene.receipts_of(decision).any(|receipt| receipt.is_sure())
    };
    let taken = scene.decisions.iter().filter(is_taken);
    taken.filter_map(|decision| decision.statement.payload.binds().app().uid()).inserted()
}

/// The same with what was decided and recorded of these applications.
fn said<'a>(
    scene: &Scene<'a>,
    mut steps: HashMap<App<'a>, BTreeMap<LeafIndex, Step<'a>>>,
) -> BTreeMap<App<'a>, BTreeMap<LeafIndex, Step<'a>>> {
    let mut note = |uid: Option<App<'a>>, at, step| {
        if let Some(steps) = uid.and_then(|uid| steps.get_mut(uid)) {
            steps.insert(at, step);
        }
    };
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let (binds, at) = (decision.statement.payload.binds(), decision.statement.at);
        let was_taken = || scene.receipts_of(decision).any(|receipt| receipt.is_sure());
        match (binds.action(), binds.params().auto_sync()) {
            (Some("set_auto_sync"), Some("off")) if was_taken() => note(binds.app().uid(), at, Step::Freezes),
            (Some("set_auto_sync"), Some("off")) => {}
            (Some("set_auto_sync" | "edit_app_spec" | "delete_app"), _) => note(binds.app().uid(), at, Step::Thaws),
            _ => {}
        }
    }
    for fact in &scene.facts {
        let Payload::ChangeRecord(says) = fact.payload else { continue };
        match says.what() {
            Some("freeze") => note(says.app().uid(), fact.at, Step::Freezes),
            Some("unfreeze" | "other") => note(says.app().uid(), fact.at, Step::Thaws),
            _ => {}
        }
    }
    steps.into_iter().inserted()
}

/// A person writes down later what was done: one that thaws counts wherever it
/// stands before the next freeze.
fn of_app(scene: &Scene<'_>, steps: &BTreeMap<LeafIndex, Step<'_>>, findings: &mut Findings) {
    let mut frozen: Option<LeafIndex> = None;
    let mut off: HashMap<Channel<'_>, LeafIndex> = HashMap::new();
    let mut reverted: Option<[LeafIndex; 3]> = None;
    for (at, step) in steps {
        match step {
            Step::Freezes => {
                tell(scene, reverted.take(), findings);
                (frozen, off) = (Some(*at), HashMap::new());
            }
            Step::Thaws => (frozen, reverted) = (None, None),
            Step::Off(channel) => drop(off.entry(*channel).or_insert(*at)),
            Step::On(channel) => {
                let seen = frozen.zip(off.get(channel)).map(|(from, off)| [from, *off, *at]);
                reverted = reverted.or(seen);
            }
        }
    }
    tell(scene, reverted, findings);
}

fn tell(scene: &Scene<'_>, reverted: Option<[LeafIndex; 3]>, findings: &mut Findings) {
    let Some(entries) = reverted else { return };
    let on = scene.fact(entries[2]).and_then(|fact| ArgocdObservation::try_from(fact.payload).ok());
    if let Some(on) = on {
        let detail = "automated sync was switched off, seen to be off, and is on again";
        findings.add(&CONTROL_REVERTED, &about(on), entries, detail);
    }
}

fn about(says: ArgocdObservation<'_>) -> Subject {
    Subject { app: app_name(says.instance(), says.app()), ..Subject::default() }
}

/// Applications that a policy's allow row, a token or a decision speaks of.
struct Governed<'a> {
    apps: HashSet<String>,
    projects: HashSet<(&'a str, &'a str)>,
    by_policy: HashMap<(&'a str, &'a str), bool>,
}

impl<'a> Governed<'a> {
    fn of(scene: &Scene<'a>) -> Self {
        let tokens = scene.tokens.iter().map(|token| token.statement.payload);
        Self {
            apps: scene.decisions.iter().filter_map(|decision| decision.subject().app.clone()).collect(),
            projects: tokens.filter_map(|token| token.instance().zip(token.project())).collect(),
            by_policy: HashMap::new(),
        }
    }

    fn is_governed(&mut self, scene: &Scene<'a>, change: ArgocdObservation<'a>) -> bool {
        let (Some(instance), Some(name)) = (change.instance(), change.app().name()) else { return false };
        let speaks = || scene.policies.iter().any(|(_, policy)| policy.speaks_of_app(instance, name));
        *self.by_policy.entry((instance, name)).or_insert_with(speaks)
            || change.app().project().is_some_and(|project| self.projects.contains(&(instance, project)))
            || app_name(Some(instance), change.app()).is_some_and(|app| self.apps.contains(&app))
    }
}
