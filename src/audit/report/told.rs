//! What a scope is told of, and what else a reader may ask about.

use std::collections::BTreeSet;

use crate::audit::acts::Act;
use crate::audit::inserted::Inserted;
use crate::audit::report::Report;
use crate::audit::scene::Scene;
use crate::audit::scope::Scope;

impl Report {
    /// Whether an act is told of `scope`: it is its own, it ended one of its
    /// tokens, or a person changed something for the job of the run.
    pub(super) fn tells(&self, scope: &Scope, act: &Act) -> bool {
        let of = &*act.subject;
        if scope.names(of) {
            return true;
        }
        let Scope::Run { agent, run } = scope else { return false };
        let is_its = |run: &super::JudgedRun| match (&of.token, &of.agent) {
            (Some(token), _) => run.tokens.contains(token),
            (None, Some(_)) => false,
            (None, None) => of.job.as_ref().is_some_and(|job| run.jobs.contains(job)),
        };
        of.run.is_none() && self.judged_run(agent, run).is_some_and(is_its)
    }
}

/// What a reader may ask about that is neither job nor run.
pub(super) fn named(scene: &Scene<'_>) -> BTreeSet<Scope> {
    let tokens = scene
        .tokens
        .iter()
        .flat_map(|token| [Scope::Token(token.hash.to_owned()), Scope::Agent(token.agent.to_owned())]);
    let disputed = scene.disputes.all().flat_map(|dispute| {
        let agents = dispute.issuances.iter().filter_map(|issuance| issuance.payload.claims().sub());
        agents.map(|agent| Scope::Agent(agent.to_owned())).chain([Scope::Token(dispute.token.to_owned())])
    });
    let apps = scene.decisions.iter().filter_map(|decision| decision.subject().app.clone().map(Scope::App));
    tokens.chain(disputed).chain(apps).inserted()
}
