//! What Argo CD shows of an application besides operations: changes of its spec
//! and of automated sync, its end, and freezes that did not hold. Nothing says who made
//! a change, so it accuses nobody.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::artifact::{AppRef, ArgocdObservation, ArgocdSnapshot, Payload};
use crate::audit::finding::{Findings, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::looks::look_of;
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, app_name};
use crate::audit::{RECEIPT_MS, SKEW_MS};
use crate::merkle::LeafIndex;

pub(super) static CONTROL_REVERTED: Rule = Rule {
    code: "CONTROL_REVERTED",
    title: "A freeze did not hold",
    severity: Severity::Medium,
    effect: Effect::Shown,
    rationale: "Automated sync was switched off by a decision or by a person's record, and no decision and no record \
                switches it on. All the same it is on: the channel that saw it off saw it on again, or a look at the \
                application shows it on after the time that the switch may take. An ApplicationSet that owns the \
                application writes its spec back by itself, within a moment.",
    what_to_do: "Freeze where the spec is written: in the ApplicationSet or in Git; or log who switched it on.",
    does_not_prove: "Who switched it on, or that it was ever off.",
    rests_on: NOTHING,
};

/// An application, wherever it is named: instances are not part of a person's record.
type App<'a> = &'a str;

/// What a statement does to a freeze.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    /// By when it was logged.
    Freezes(i64),
    Thaws,
    /// What a channel of a submitter saw.
    Off(Channel<'a>),
    On(Channel<'a>),
    /// A look that shows it on, by when it was taken.
    IsOn(i64),
}

type Channel<'a> = (&'a str, &'a str);

/// What was done to an application and seen of it, in log order.
type Steps<'a> = BTreeMap<LeafIndex, Step<'a>>;

/// A freeze that did not hold: what froze it, and what shows that it is on.
enum Reverted {
    /// Seen off before, and on then.
    Flipped([LeafIndex; 3]),
    Shown([LeafIndex; 2]),
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let (mut governed, deleted) = (Governed::of(scene), deleted(scene));
    let mut steps = frozen(scene);
    for fact in &scene.facts {
        let Payload::ArgocdObservation(says) = fact.payload else { continue };
        let Some(label) = label(says, &deleted) else { continue };
        let channel = (fact.submitter(), says.channel().unwrap_or_default());
        let step = match says.after() {
            Some("off") => Some(Step::Off(channel)),
            Some("on") => Some(Step::On(channel)),
            _ => None,
        };
        if let Some((steps, step)) = says.app().uid().and_then(|uid| steps.get_mut(uid)).zip(step) {
            steps.insert(fact.at, step);
        }
        if governed.is_governed(scene, says) {
            findings.uncover(label, &about(says.instance(), says.app()), fact.at);
        }
    }
    if steps.is_empty() {
        return;
    }
    looked(scene, &mut steps);
    for (uid, steps) in &steps {
        of_app(scene, uid, steps, findings);
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

/// What was decided and recorded of applications that were frozen.
fn frozen<'a>(scene: &Scene<'a>) -> BTreeMap<App<'a>, Steps<'a>> {
    let mut steps: BTreeMap<App<'a>, Steps<'a>> = BTreeMap::new();
    let mut note = |uid: Option<App<'a>>, at, step| {
        if let Some(uid) = uid {
            steps.entry(uid).or_default().insert(at, step);
        }
    };
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let (binds, at) = (decision.statement.payload.binds(), decision.statement.at);
        // The first word that Argo CD took it: a wrapper may call long after it decided.
        let taken = || scene.receipts_of(decision).filter(|receipt| receipt.is_sure()).map(|r| r.statement.ms()).min();
        match (binds.action(), binds.params().auto_sync()) {
            (Some("set_auto_sync"), Some("off")) => {
                if let Some(taken) = taken() {
                    note(binds.app().uid(), at, Step::Freezes(taken.max(decision.statement.ms())));
                }
            }
            (Some("set_auto_sync" | "edit_app_spec" | "delete_app"), _) => note(binds.app().uid(), at, Step::Thaws),
            _ => {}
        }
    }
    for fact in &scene.facts {
        let Payload::ChangeRecord(says) = fact.payload else { continue };
        match says.what() {
            Some("freeze") => note(says.app().uid(), fact.at, Step::Freezes(fact.ms())),
            Some("unfreeze" | "other") => note(says.app().uid(), fact.at, Step::Thaws),
            _ => {}
        }
    }
    steps.retain(|_, steps| steps.values().any(|step| matches!(step, Step::Freezes(_))));
    steps
}

/// Adds the looks that show these applications on.
fn looked<'a>(scene: &Scene<'a>, steps: &mut BTreeMap<App<'a>, Steps<'a>>) {
    for look in &scene.snapshots {
        let Some((_, taken)) = look_of(look.payload, look.ms()) else { continue };
        for row in look.payload.rows().filter(|row| row.auto_sync() == Some("on")) {
            if let Some(steps) = row.app().uid().and_then(|uid| steps.get_mut(uid)) {
                steps.insert(look.at, Step::IsOn(taken));
            }
        }
    }
}

/// A person writes down later what was done: one that thaws counts wherever it
/// stands before the next freeze.
fn of_app(scene: &Scene<'_>, uid: App<'_>, steps: &Steps<'_>, findings: &mut Findings) {
    let mut frozen: Option<(LeafIndex, i64)> = None;
    let mut off: HashMap<Channel<'_>, LeafIndex> = HashMap::new();
    let mut reverted: Option<Reverted> = None;
    for (at, step) in steps {
        let seen = match step {
            Step::Freezes(ms) => {
                tell(scene, uid, reverted.take(), findings);
                (frozen, off) = (Some((*at, *ms)), HashMap::new());
                None
            }
            Step::Thaws => {
                (frozen, reverted) = (None, None);
                None
            }
            Step::Off(channel) => {
                off.entry(*channel).or_insert(*at);
                None
            }
            Step::On(channel) => {
                frozen.zip(off.get(channel)).map(|((from, _), off)| Reverted::Flipped([from, *off, *at]))
            }
            // The call may take its time, and clocks lie apart.
            Step::IsOn(taken) => frozen
                .filter(|(_, ms)| *taken > ms.saturating_add(RECEIPT_MS).saturating_add(SKEW_MS))
                .map(|(from, _)| Reverted::Shown([from, *at])),
        };
        reverted = reverted.or(seen);
    }
    tell(scene, uid, reverted, findings);
}

fn tell(scene: &Scene<'_>, uid: App<'_>, reverted: Option<Reverted>, findings: &mut Findings) {
    match reverted {
        Some(Reverted::Flipped(entries)) => {
            let on = scene.fact(entries[2]).and_then(|fact| ArgocdObservation::try_from(fact.payload).ok());
            if let Some(on) = on {
                let detail = "automated sync was switched off, seen to be off, and is on again";
                findings.add(&CONTROL_REVERTED, &about(on.instance(), on.app()), entries, detail);
            }
        }
        Some(Reverted::Shown(entries)) => {
            let look = scene.fact(entries[1]).and_then(|fact| ArgocdSnapshot::try_from(fact.payload).ok());
            let row = look.and_then(|look| Some((look, look.rows().find(|row| row.app().uid() == Some(uid))?)));
            if let Some((look, row)) = row {
                let taken = look.taken_at().unwrap_or_default();
                let detail = format!("automated sync was switched off, and is on in the look of {taken}");
                findings.add(&CONTROL_REVERTED, &about(look.instance(), row.app()), entries, detail);
            }
        }
        None => {}
    }
}

fn about(instance: Option<&str>, app: AppRef<'_>) -> Subject {
    Subject { app: app_name(instance, app), ..Subject::default() }
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
