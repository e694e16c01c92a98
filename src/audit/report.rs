//! The report: findings, what is pending, what was not judged, and verdicts.

mod absence;
mod ledger;
mod runs;
mod told;
mod united;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::artifact::ProofBundle;
use crate::artifact::digest::ArtifactDigest;
use crate::audit::RULES_VERSION;
use crate::audit::acts::{self, Act};
use crate::audit::finding::{Finding, Findings, Pending, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::matched::{self, Matched};
use crate::audit::missing::{Gaps, NotAtHand};
use crate::audit::rule::Effect;
use crate::audit::scene::Scene;
use crate::audit::scope::Scope;
use crate::audit::statement::Token;
use crate::audit::timeline::Timeline;
use crate::entry::LoggedAt;
use crate::merkle::{LeafIndex, TreeSize};
use crate::shapes;

pub use self::absence::Absence;
pub use self::runs::{JudgedRun, Run};

use self::ledger::{Charged, Ledger, worst};
use self::runs::runs;
use self::told::named;

/// What the audit says of a job, a run or the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Verdict {
    NotApplicable,
    Pass,
    Incomplete,
    Fail,
}

impl Verdict {
    /// As JSON spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Pass => "pass",
            Self::Incomplete => "incomplete",
            Self::Fail => "fail",
        }
    }
}

/// The prefix that the report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AsOf {
    /// Tree size.
    pub size: TreeSize,
    /// Time of the last entry; null for an empty log.
    pub logged_at: Option<LoggedAt>,
    /// Entries above it that the checkpoint at hand proves and nobody judged.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(range(min = 1))]
    pub beyond: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Something that was seen and not judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Coverage {
    /// What was not judged.
    pub what: &'static str,
    /// Where: leaf indexes.
    pub entries: Vec<LeafIndex>,
    #[serde(flatten)]
    pub subject: Subject,
}

/// What an audit of a prefix gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// Version of the rules.
    pub rules_version: &'static str,
    /// What findings and verdict are about.
    pub scope: Scope,
    /// The prefix that was audited.
    pub as_of: AsOf,
    /// Digest of the newest roots in force.
    pub roots_digest: Option<ArtifactDigest>,
    /// How it was checked that nothing else stands in the log.
    pub absence: Absence,
    /// On the scope.
    pub verdict: Verdict,
    /// Sorted by entries, then code.
    pub findings: Vec<Finding>,
    /// Obligations whose window is open.
    pub pending: Vec<Pending>,
    /// What was seen and not judged.
    pub coverage: Vec<Coverage>,
    /// Every allowed call: who tells of what it did, and what ties its operation
    /// to it.
    pub matched: Vec<Matched>,
    /// What was done, refused, ended or changed, by those whose word counts.
    pub acts: Vec<Act>,
    /// The verdict on each job of the scope.
    pub jobs: BTreeMap<String, Verdict>,
    /// Sorted by agent and run id.
    pub runs: Vec<JudgedRun>,
    /// Agents of each job.
    #[serde(skip)]
    agents: BTreeMap<String, BTreeSet<String>>,
    /// Job and agent of each token, by every account of it.
    #[serde(skip)]
    tokens: BTreeMap<String, BTreeSet<(Option<String>, String)>>,
    /// Tokens, agents and applications that holders of a role speak of.
    #[serde(skip)]
    named: BTreeSet<Scope>,
    /// Applications that a person's record is about, which names no instance.
    #[serde(skip)]
    recorded: BTreeMap<LeafIndex, BTreeSet<String>>,
    /// Job whose absence the operator attests; of any other nothing is known.
    #[serde(skip)]
    attested: Option<String>,
}

/// `schemas/audit_report.schema.json`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let title = "Audit report: what the log says of itself, a job, a run, a token, an agent or an application";
    shapes::file::<Report>("audit_report", title)
}

impl Report {
    /// Whether a bundle that `agent` signed may be of a job: its run is, or no
    /// job of its run is known, and it is by an agent of the job (where none is
    /// known, by anybody who says so) and names no other job itself.
    #[must_use]
    pub(crate) fn may_be_of(&self, job: &str, agent: &str, bundle: ProofBundle<'_>) -> bool {
        let run = bundle.run().and_then(|run| self.judged_run(agent, run));
        match run.filter(|run| !run.jobs.is_empty()) {
            Some(run) => run.jobs.contains(job),
            None => {
                let claims = bundle.pulselog().job();
                match self.agents.get(job).filter(|agents| !agents.is_empty()) {
                    Some(agents) => agents.contains(agent) && claims.is_none_or(|claims| claims == job),
                    None => claims == Some(job),
                }
            }
        }
    }

    /// The verdict on a job; [`Verdict::NotApplicable`] when no holder of a
    /// role speaks of it.
    #[must_use]
    pub fn job(&self, job: &str) -> Verdict {
        self.jobs.get(job).copied().unwrap_or(Verdict::NotApplicable)
    }

    /// The verdict on a run of an agent.
    #[must_use]
    pub fn run(&self, agent: &str, run: &str) -> Verdict {
        self.judged_run(agent, run).map_or(Verdict::NotApplicable, |run| run.verdict)
    }

    fn judged_run(&self, agent: &str, run: &str) -> Option<&JudgedRun> {
        self.runs.iter().find(|judged| judged.run.agent == agent && judged.run.run == run)
    }

    /// Findings charged to a job.
    pub fn findings_of(&self, job: &str) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.subject.job.as_deref() == Some(job))
    }

    /// The part of the report that is about `scope`. Equal, byte for byte, for
    /// every reader of the same prefix, whether the whole log or only what the
    /// scope's links lead to was read.
    #[must_use]
    pub fn of(&self, scope: &Scope) -> Self {
        let is_about = |subject: &Subject| self.is_about(scope, subject);
        let is_shared = |subject: &Subject| *subject == Subject::default();
        let findings: Vec<_> = self
            .findings
            .iter()
            .filter(|f| is_about(&f.subject) || (is_shared(&f.subject) && f.effect == Effect::Incomplete))
            .cloned()
            .collect();
        let pending: Vec<_> = self.pending.iter().filter(|p| is_about(&p.subject)).cloned().collect();
        let coverage = self.coverage.iter().filter(|c| scope.names(&c.subject)).cloned().collect();
        let matched = self.matched.iter().filter(|call| scope.names(&call.subject)).cloned().collect();
        let acts = self.acts.iter().filter(|act| self.tells(scope, act)).cloned().collect();
        let runs: Vec<_> = self.runs.iter().filter(|run| run.is_of(scope)).cloned().collect();
        let jobs: BTreeMap<_, _> = self.jobs.iter().filter(|(job, _)| self.has_job(scope, job)).inserted();
        let is_known = *scope == Scope::Log
            || self.named.contains(scope)
            || !runs.is_empty()
            || !jobs.is_empty()
            || !findings.is_empty();
        Self {
            rules_version: self.rules_version,
            scope: scope.clone(),
            as_of: self.as_of,
            roots_digest: self.roots_digest,
            absence: self.absence_of(scope),
            verdict: match is_known {
                true => worst(&findings, &pending, self.absence_of(scope), is_about),
                false => Verdict::NotApplicable,
            },
            named: self.named.iter().filter(|named| *named == scope).cloned().inserted(),
            recorded: self.recorded_of(scope),
            attested: self.attested.clone(),
            tokens: self.tokens.iter().filter(|(hash, _)| *scope == Scope::Token((*hash).clone())).map(own).inserted(),
            agents: jobs.keys().filter_map(|job| Some(((*job).clone(), self.agents.get(*job)?.clone()))).inserted(),
            jobs: jobs.into_iter().map(|(job, verdict)| (job.clone(), *verdict)).inserted(),
            findings,
            pending,
            coverage,
            matched,
            acts,
            runs,
        }
    }

    /// The same report, said by somebody who holds a checkpoint of `proven`
    /// entries: it tells how many of them it is not about.
    #[must_use]
    pub fn under(mut self, proven: TreeSize) -> Self {
        self.as_of.beyond = proven.get().saturating_sub(self.as_of.size.get());
        self
    }

    /// The same report with more findings.
    pub(super) fn with(mut self, more: Findings, timeline: &Timeline) -> Self {
        self.findings.extend(more.found.into_iter().map(|finding| finding.with_causes(timeline)));
        self.findings.sort();
        self.findings.dedup();
        for (what, of) in more.uncovered {
            for (subject, entries) in of {
                let one = |at| Coverage { what, entries: vec![at], subject: subject.clone() };
                self.coverage.extend(entries.into_iter().map(one));
            }
        }
        self.judge();
        self
    }

    /// Whether something charged to `subject` moves the verdict on `scope`.
    fn is_about(&self, scope: &Scope, subject: &Subject) -> bool {
        if scope.names(subject) {
            return true;
        }
        let is_placed = subject.submitter.is_none() && subject.run.is_none();
        let of_agent = |agent: &str| is_placed && subject.agent.as_deref() == Some(agent);
        match scope {
            // What is charged to an agent alone concerns all its jobs.
            Scope::Job(job) => {
                let agents = self.agents.get(job).into_iter().flatten();
                let is_agents = subject.job.is_none() && subject.token.is_none();
                is_agents && agents.into_iter().any(|agent| of_agent(agent))
            }
            // What is charged to an agent, its job or the run's token concerns
            // the run, once anybody speaks of it: nothing that is named may be
            // another's.
            Scope::Run { agent, run } => self.judged_run(agent, run).is_some_and(|run| {
                let is_its = subject.job.as_ref().is_none_or(|job| run.jobs.contains(job));
                let is_own = subject.token.as_ref().is_none_or(|token| run.tokens.contains(token));
                of_agent(agent) && is_own && is_its
            }),
            // What is charged to the run of a token concerns the token, and so
            // does what its agent did under its grant in no run.
            Scope::Token(hash) => match (subject.agent.as_deref(), subject.run.as_deref()) {
                (Some(agent), Some(run)) => self.judged_run(agent, run).is_some_and(|run| run.is_of(scope)),
                (Some(agent), None) if subject.token.is_none() => {
                    let named = (subject.job.clone(), agent.to_owned());
                    subject.job.is_some() && self.tokens.get(hash).is_some_and(|own| own.contains(&named))
                }
                _ => false,
            },
            Scope::Log | Scope::Agent(_) | Scope::App(_) => false,
        }
    }

    fn has_job(&self, scope: &Scope, job: &str) -> bool {
        match scope {
            Scope::Log => true,
            Scope::Job(of) => of == job,
            Scope::Agent(agent) => self.agents.get(job).is_some_and(|agents| agents.contains(agent)),
            Scope::Run { .. } | Scope::Token(_) | Scope::App(_) => {
                self.runs.iter().any(|run| run.jobs.contains(job) && run.is_of(scope))
            }
        }
    }
}

/// The report but for its verdicts.
pub(super) fn finish(
    scene: &Scene<'_>,
    size: TreeSize,
    absence: Absence,
    gaps: &Gaps<'_>,
    mut findings: Findings,
) -> Report {
    // Who cannot read all that the operator said has not read the log.
    let is_read = absence != Absence::Recomputed || !scene.lacks_operators_word();
    let absence = if is_read { absence } else { Absence::NotChecked };
    if let Some(not_at_hand) = NotAtHand::of(scene, size, gaps) {
        findings.found = findings.found.into_iter().flat_map(|finding| not_at_hand.soften(finding)).inserted();
    }
    let coverage = std::mem::take(&mut findings.uncovered).into_iter().flat_map(|(what, of)| {
        let of = of.into_iter();
        of.map(move |(subject, entries)| Coverage { what, entries: entries.into_iter().collect(), subject })
    });
    let coverage = coverage.collect();
    Report {
        rules_version: RULES_VERSION,
        scope: Scope::Log,
        as_of: AsOf { size, logged_at: scene.logged_at, beyond: 0 },
        roots_digest: scene.roots.last().map(|(_, roots)| roots.digest),
        absence,
        verdict: Verdict::Incomplete,
        agents: agents_of_jobs(scene, &findings),
        tokens: scene.tokens.iter().map(|token| (token.hash.to_owned(), of_token(token))).inserted(),
        named: named(scene),
        recorded: told::recorded(scene),
        attested: gaps.attested.map(str::to_owned),
        coverage,
        matched: matched::of(scene),
        acts: acts::of(scene),
        jobs: BTreeMap::new(),
        runs: runs(scene),
        findings: findings.found.into_iter().collect(),
        pending: findings.pending.into_iter().collect(),
    }
}

impl Report {
    /// Fills in the verdicts, once everything else stands. What is charged to
    /// whom is sorted once, so that the cost does not grow with the number of
    /// jobs times that of findings.
    fn judge(&mut self) {
        let charged = Ledger::of(self);
        let verdict = |scope: &Scope, of: &[Option<&Charged<'_>>]| {
            let of = || of.iter().copied().flatten().chain([&charged.shared]);
            let findings = of().flat_map(|charged| charged.findings.iter().copied());
            let pending = of().flat_map(|charged| charged.pending.iter().copied());
            worst(findings, pending, self.absence_of(scope), |subject| self.is_about(scope, subject))
        };
        let jobs = self.agents.iter().map(|(job, agents)| {
            let agents = agents.iter().map(|agent| charged.agents.get(agent.as_str()));
            let of: Vec<_> = agents.chain([charged.jobs.get(job.as_str())]).collect();
            (job.clone(), verdict(&Scope::Job(job.clone()), &of))
        });
        let jobs = jobs.collect();
        let runs = self.runs.iter().map(|JudgedRun { run, tokens, .. }| {
            let scope = Scope::Run { agent: run.agent.clone(), run: run.run.clone() };
            let own = charged.runs.get(&(run.agent.as_str(), run.run.as_str()));
            let of_agent = [own, charged.agents.get(run.agent.as_str())];
            let of: Vec<_> = tokens.iter().map(|token| charged.tokens.get(token.as_str())).chain(of_agent).collect();
            verdict(&scope, &of)
        });
        let runs: Vec<_> = runs.collect();
        let whole = worst(&self.findings, &self.pending, self.absence_of(&Scope::Log), |_| true);
        (self.jobs, self.verdict) = (jobs, whole);
        self.runs.iter_mut().zip(runs).for_each(|(run, verdict)| run.verdict = verdict);
    }
}

fn of_token(token: &Token<'_>) -> BTreeSet<(Option<String>, String)> {
    BTreeSet::from([(token.job.map(str::to_owned), token.agent.to_owned())])
}

fn own<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

fn agents_of_jobs(scene: &Scene<'_>, findings: &Findings) -> BTreeMap<String, BTreeSet<String>> {
    let mut agents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (job, of) in &scene.job_agents {
        agents.insert((*job).to_owned(), of.iter().map(|agent| (*agent).to_owned()).inserted());
    }
    // Naming a job makes none: only the operator's statements charge others.
    for job in findings.found.iter().filter_map(|finding| finding.subject.job.as_deref()) {
        if !agents.contains_key(job) {
            agents.insert(job.to_owned(), BTreeSet::new());
        }
    }
    agents
}
