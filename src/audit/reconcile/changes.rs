//! What Argo CD shows of an application besides operations: changes of its spec
//! and of automated sync, and its end. Nothing says who made a change, so it accuses
//! nobody.

use std::collections::{HashMap, HashSet};

use crate::artifact::{AppRef, ArgocdObservation, Payload};
use crate::audit::finding::{Findings, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::reconcile::freezes::{App, app_of};
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, app_name};

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let (mut governed, deleted) = (Governed::of(scene), deleted(scene));
    for fact in &scene.facts {
        let Payload::ArgocdObservation(says) = fact.payload else { continue };
        if let Some(label) = label(says, &deleted)
            && governed.is_governed(scene, says)
        {
            findings.uncover(label, &about(says.instance(), says.app()), fact.at);
        }
    }
}

/// What is said of a change that nobody put their name to.
fn label(says: ArgocdObservation<'_>, deleted: &HashSet<App<'_>>) -> Option<&'static str> {
    let is_deleted = || app_of(says.instance(), says.app()).is_some_and(|app| deleted.contains(&app));
    match (says.event(), says.change()) {
        (Some("spec_change"), _) if says.spec_before() == says.spec_after() => None,
        (Some("spec_change"), _) => Some("change of spec, by nobody who is named"),
        (Some("auto_sync"), _) => Some("change of automated sync, by nobody who is named"),
        (Some("lifecycle"), Some("deleting")) if is_deleted() => None,
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
    let binds = taken.map(|decision| decision.statement.payload.binds());
    binds.filter_map(|binds| app_of(binds.instance(), binds.app())).inserted()
}

pub(super) fn about(instance: Option<&str>, app: AppRef<'_>) -> Subject {
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
