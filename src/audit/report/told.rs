//! What a scope is told of, and what else a reader may ask about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::artifact::Payload;
use crate::audit::acts::Act;
use crate::audit::inserted::Inserted;
use crate::audit::report::Report;
use crate::audit::scene::Scene;
use crate::audit::scope::Scope;
use crate::audit::statement::app_name;
use crate::merkle::LeafIndex;

impl Report {
    /// Whether an act is told of `scope`: it is its own, it ended one of its
    /// tokens, or a person changed something of the application, or for the job
    /// of the run.
    pub(super) fn tells(&self, scope: &Scope, act: &Act) -> bool {
        let of = &*act.subject;
        if scope.names(of) {
            return true;
        }
        if let Scope::App(app) = scope {
            return self.recorded.get(&act.entry).is_some_and(|apps| apps.contains(app));
        }
        let Scope::Run { agent, run } = scope else { return false };
        let is_its = |run: &super::JudgedRun| match (&of.token, &of.agent) {
            (Some(token), _) => run.tokens.contains(token),
            (None, Some(_)) => false,
            (None, None) => of.job.as_ref().is_some_and(|job| run.jobs.contains(job)),
        };
        of.run.is_none() && self.judged_run(agent, run).is_some_and(is_its)
    }

    /// What persons recorded, as far as a narrower report may be asked for it.
    pub(super) fn recorded_of(&self, scope: &Scope) -> BTreeMap<LeafIndex, BTreeSet<String>> {
        match scope {
            Scope::Log => self.recorded.clone(),
            Scope::App(app) => {
                let own = self.recorded.iter().filter(|(_, apps)| apps.contains(app));
                own.map(|(at, _)| (*at, BTreeSet::from([app.clone()]))).inserted()
            }
            Scope::Job(_) | Scope::Run { .. } | Scope::Token(_) | Scope::Agent(_) => BTreeMap::new(),
        }
    }
}

/// The applications that each person's record is about. It names no instance: an
/// application is its when decisions or reports give it the same uid and name.
pub(super) fn recorded(scene: &Scene<'_>) -> BTreeMap<LeafIndex, BTreeSet<String>> {
    let records = scene.facts.iter().filter_map(|fact| {
        let Payload::ChangeRecord(says) = fact.payload else { return None };
        Some((fact.at, says.app().uid()?, app_name(Some(""), says.app())?))
    });
    let records: Vec<(LeafIndex, &str, String)> = records.collect();
    if records.is_empty() {
        return BTreeMap::new();
    }
    let mut known: HashMap<&str, BTreeSet<String>> =
        records.iter().map(|(_, uid, _)| (*uid, BTreeSet::new())).inserted();
    let decided = scene.decisions.iter().map(|decision| {
        let binds = decision.statement.payload.binds();
        (binds.instance(), binds.app())
    });
    let seen = scene.facts.iter().filter_map(|fact| {
        let Payload::ArgocdObservation(says) = fact.payload else { return None };
        Some((says.instance(), says.app()))
    });
    for (instance, app) in decided.chain(seen) {
        if let Some(names) = app.uid().and_then(|uid| known.get_mut(uid)) {
            names.extend(app_name(instance, app));
        }
    }
    let of = |(at, uid, place): (LeafIndex, &str, String)| {
        let apps = known.get(uid).into_iter().flatten().filter(|app| app.ends_with(&place)).cloned();
        (at, apps.inserted())
    };
    records.into_iter().map(of).inserted()
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
