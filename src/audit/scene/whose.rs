//! Which job a run is of, also where no token of the run is known: an agent
//! that names none takes its faults out of no job.
//!
//! ```text
//! its token's        decisions of the run, or what its bundle lists as one chain
//! else a wrapper's   the job that decisions charge the run to
//! else a gateway's   the grants that model calls of the run are under
//! else its agent's   tokens of its own that the bundle lists, or the job that
//!                    the bundle names, where tokens of it were issued to the agent
//! ```
//!
//! The last is what an agent says against itself: naming a job that it has no
//! token of reaches nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::artifact::spelling::spelled;
use crate::audit::finding::Subject;
use crate::audit::inserted::Inserted;
use crate::audit::renewals::RunKey;
use crate::audit::scene::Scene;
use crate::audit::statement::Bundle;

/// What runs may be of, for those without a known token.
#[derive(Debug, Default)]
pub(super) struct Loose<'a> {
    at: BTreeMap<RunKey<'a>, usize>,
    claims: Vec<Claims<'a>>,
}

type Named<'a> = BTreeMap<RunKey<'a>, Claims<'a>>;

/// Jobs in the order in which they were named, and tokens of the agent's.
#[derive(Debug, Default)]
struct Claims<'a> {
    jobs: Vec<&'a str>,
    tokens: BTreeSet<usize>,
}

impl<'a> Claims<'a> {
    fn add(&mut self, job: Option<&'a str>, tokens: impl IntoIterator<Item = usize>) {
        self.jobs.extend(job.filter(|job| !self.jobs.contains(job)));
        self.tokens.extend(tokens);
    }
}

impl<'a> Scene<'a> {
    /// Needs whom decisions charge and which tokens runs have.
    pub(super) fn find_jobs(&mut self) {
        let (mut by_wrappers, mut by_gateways, mut by_agents) = (Named::new(), Named::new(), Named::new());
        for decision in &self.decisions {
            let agent = decision.agents.iter().find(|agent| decision.charged.agent.as_deref() == Some(**agent));
            let job = decision.charged.job.as_deref().and_then(|job| self.job_agents.get_key_value(job));
            if let (Some(agent), Some(run), Some((job, _))) = (agent, decision.run, job) {
                by_wrappers.entry((agent, run)).or_default().add(Some(*job), decision.token);
            }
        }
        for call in &self.calls {
            let (Some(grant), Some(run)) = (call.grant.map(|at| &self.tokens[at]), call.run) else { continue };
            let same = self.grant_at.get(grant.scope_hash).into_iter().flatten().copied();
            let own = same.filter(|at| self.tokens[*at].agent == grant.agent);
            by_gateways.entry((grant.agent, run)).or_default().add(grant.job, own);
        }
        for bundle in &self.bundles {
            let Some(run) = bundle.run else { continue };
            let claims = by_agents.entry((bundle.agent, run)).or_default();
            for at in self.listed_by(bundle) {
                claims.add(self.tokens[at].job, [at]);
            }
            let named = spelled(bundle.statement.payload.pulselog().job());
            let holds = |job: &&str| self.job_agents.get(job).is_some_and(|agents| agents.contains(bundle.agent));
            claims.add(named.filter(holds), []);
        }
        let mut first = Named::new();
        for (run, claims) in [by_wrappers, by_gateways, by_agents].into_iter().flatten() {
            if !claims.jobs.is_empty() {
                first.entry(run).or_insert(claims);
            }
        }
        self.loose.at = first.keys().copied().zip(0..).inserted();
        self.loose.claims = first.into_values().collect();
        for at in 0..self.bundles.len() {
            self.bundles[at].job = self.job_of_bundle(&self.bundles[at]);
        }
        self.place_decisions();
    }

    /// Decisions that are of none of their agent's jobs by what they name are of
    /// their run's.
    fn place_decisions(&mut self) {
        for at in 0..self.decisions.len() {
            let charged = &self.decisions[at].charged;
            let run = charged.agent.as_deref().zip(charged.run.as_deref()).filter(|_| charged.job.is_none());
            if let Some(job) = run.and_then(|(agent, run)| self.job_of_run(agent, run)) {
                let charged = Arc::make_mut(&mut self.decisions[at].charged);
                (charged.job, charged.submitter) = (Some(job.to_owned()), None);
            }
        }
    }

    fn job_of_bundle(&self, bundle: &Bundle<'a>) -> Option<&'a str> {
        match bundle.run {
            Some(run) => self.job_of_run(bundle.agent, run),
            // Of no run, it is its agent's, and concerns all its jobs.
            None if bundle.token_hashes.len() == 1 => self.tokens[self.listed_by(bundle).next()?].job,
            None => None,
        }
    }

    /// Tokens of its own agent that a bundle lists.
    fn listed_by(&self, bundle: &Bundle<'a>) -> impl Iterator<Item = usize> {
        let known = bundle.token_hashes.iter().filter_map(|hash| self.token(hash));
        known.filter(|at| self.tokens[*at].agent == bundle.agent)
    }

    /// Every job that a run may be of: more than one only where gateways or
    /// its agent name several and no token of the run is known.
    pub(in crate::audit) fn jobs_of_run(&self, agent: &str, run: &str) -> Vec<&'a str> {
        match self.run_tokens.get(&(agent, run)) {
            Some(chain) => self.tokens[chain.first].job.into_iter().collect(),
            None => self.claims(agent, run).map(|claims| claims.jobs.clone()).unwrap_or_default(),
        }
    }

    /// The job that a run's findings are charged to.
    pub(in crate::audit) fn job_of_run(&self, agent: &str, run: &str) -> Option<&'a str> {
        self.jobs_of_run(agent, run).first().copied()
    }

    /// Tokens that decisions or the bundle of a run name; where that gives it
    /// none, those that it may have had its rights by.
    pub(in crate::audit) fn tokens_of_run(&self, agent: &str, run: &str) -> BTreeSet<usize> {
        match self.run_tokens.get(&(agent, run)) {
            Some(chain) => chain.named.clone(),
            None => self.claims(agent, run).map(|claims| claims.tokens.clone()).unwrap_or_default(),
        }
    }

    /// Whom findings about a run are charged to.
    pub(in crate::audit) fn subject_of_run(&self, agent: &str, run: &str) -> Subject {
        Subject {
            job: self.job_of_run(agent, run).map(str::to_owned),
            run: Some(run.to_owned()),
            agent: Some(agent.to_owned()),
            ..Subject::default()
        }
    }

    fn claims(&self, agent: &str, run: &str) -> Option<&Claims<'a>> {
        self.loose.at.get(&(agent, run)).map(|at| &self.loose.claims[*at])
    }
}
