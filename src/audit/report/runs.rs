//! Runs that somebody with a role speaks of.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::inserted::Inserted;
use crate::audit::report::Verdict;
use crate::audit::scene::Scene;
use crate::audit::scope::Scope;
use crate::shapes::HashText;

/// A run: agent and run id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Run {
    /// DID of the agent.
    pub agent: String,
    /// Id of the run.
    pub run: String,
}

/// One run and what the audit says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Run")]
pub struct JudgedRun {
    #[serde(flatten)]
    pub run: Run,
    /// Job of its token; where no token is known, the job that it is charged to.
    /// None where accounts of its token differ in that.
    pub job: Option<String>,
    /// By every account.
    #[serde(skip)]
    pub jobs: BTreeSet<String>,
    /// Hex hash of the token that it began with, when that is known.
    #[schemars(with = "Option<HashText>")]
    pub token: Option<String>,
    /// Of that one and those that renew it, as far as decisions or the bundle
    /// of the run name them; without any, those that it may have run under.
    #[serde(skip)]
    pub tokens: BTreeSet<String>,
    /// On the run.
    pub verdict: Verdict,
}

impl JudgedRun {
    /// Whether the scope is the run, or what the run is of.
    pub(super) fn is_of(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Log => true,
            Scope::Job(job) => self.jobs.contains(job),
            Scope::Run { agent, run } => self.run.agent == *agent && self.run.run == *run,
            Scope::Token(hash) => self.tokens.contains(hash),
            Scope::Agent(agent) => self.run.agent == *agent,
            Scope::App(_) => false,
        }
    }
}

/// Every run, not judged yet.
pub(super) fn runs(scene: &Scene<'_>) -> Vec<JudgedRun> {
    let of_bundles = scene.bundles.iter().filter_map(|bundle| Some((bundle.agent, bundle.run?)));
    let all: BTreeSet<(&str, &str)> = scene.run_tokens.keys().copied().chain(of_bundles).inserted();
    let judged = |(agent, run): (&str, &str)| {
        let (token, job) = (scene.token_of_run(agent, run), scene.job_of_run(agent, run));
        JudgedRun {
            run: Run { agent: agent.to_owned(), run: run.to_owned() },
            job: job.map(str::to_owned),
            jobs: job.map(str::to_owned).into_iter().inserted(),
            token: token.map(|token| token.hash.to_owned()),
            tokens: scene.tokens_of_run(agent, run).into_iter().map(|at| scene.tokens[at].hash.to_owned()).inserted(),
            verdict: Verdict::Incomplete,
        }
    };
    all.into_iter().map(judged).collect()
}
