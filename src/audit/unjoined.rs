//! What Argo CD reported and no decision explains: seen, not judged yet, and
//! said at the job or application that it touches.

use crate::artifact::{ArgocdObservation, CstIssuance, Payload};
use crate::audit::finding::{Findings, Subject};
use crate::audit::scene::Scene;
use crate::audit::statement::app_name;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let unjoined = scene.operations.iter().filter(|(_, joined)| joined.is_empty());
    for (operation, _) in unjoined {
        let named = operation.stated().map(|hash| scene.decisions_named(hash));
        for decision in named.into_iter().flatten() {
            findings.uncover("operation names the decision and joins nothing", &decision.subject(), operation.at);
        }
    }
    for fact in &scene.facts {
        let Payload::ArgocdObservation(says) = fact.payload else { continue };
        let label = match says.event() {
            Some("spec_change") => "change of spec, not judged yet",
            Some("auto_sync") => "change of automated sync, not judged yet",
            _ => continue,
        };
        if is_governed(scene, says) {
            let app = app_name(says.instance(), says.app());
            findings.uncover(label, &Subject { app, ..Subject::default() }, fact.at);
        }
    }
}

/// Whether a policy's allow row, a token or a decision speaks of the
/// application.
fn is_governed(scene: &Scene<'_>, change: ArgocdObservation<'_>) -> bool {
    let (Some(instance), Some(name)) = (change.instance(), change.app().name()) else { return false };
    let project = change.app().project();
    let of_token =
        |token: CstIssuance<'_>| token.instance() == Some(instance) && project.is_some() && token.project() == project;
    let app = app_name(Some(instance), change.app());
    scene.policies.iter().any(|(_, policy)| policy.speaks_of_app(instance, name))
        || scene.tokens.iter().any(|token| of_token(token.statement.payload))
        || scene.decisions.iter().any(|decision| app.is_some() && decision.subject().app == app)
}
