//! The report: findings, what is pending, what was not judged, and verdicts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::artifact::digest::ArtifactDigest;
use crate::audit::RULES_VERSION;
use crate::audit::finding::{Finding, Findings, Pending, Subject};
use crate::audit::rule::Effect;
use crate::audit::scene::Scene;
use crate::entry::LoggedAt;
use crate::merkle::{LeafIndex, TreeSize};

/// What the audit says of a job, a run or the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    NotApplicable,
    Pass,
    Incomplete,
    Fail,
}

/// How it was checked that nothing else stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// Every entry of the prefix was read.
    Recomputed,
    /// Some were not: nothing passes.
    NotChecked,
}

/// The prefix that the report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AsOf {
    pub size: TreeSize,
    /// Time of the last entry; absent for an empty log.
    pub logged_at: Option<LoggedAt>,
}

/// Something that was seen and not judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    pub what: &'static str,
    pub entries: Vec<LeafIndex>,
}

/// A run: agent and run id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Run {
    pub agent: String,
    pub run: String,
}

/// What an audit of a prefix gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub rules_version: &'static str,
    pub as_of: AsOf,
    /// Digest of the newest roots in force.
    pub roots_digest: Option<ArtifactDigest>,
    pub absence: Absence,
    /// Sorted by entries, then code.
    pub findings: Vec<Finding>,
    pub pending: Vec<Pending>,
    pub coverage: Vec<Coverage>,
    pub jobs: BTreeMap<String, Verdict>,
    /// Sorted by agent and run id.
    pub runs: Vec<(Run, Verdict)>,
    /// Worst of everything.
    pub verdict: Verdict,
}

impl Report {
    /// The verdict on a job; [`Verdict::NotApplicable`] when no holder of a
    /// role speaks of it.
    #[must_use]
    pub fn job(&self, job: &str) -> Verdict {
        self.jobs.get(job).copied().unwrap_or(Verdict::NotApplicable)
    }

    /// The verdict on a run of an agent.
    #[must_use]
    pub fn run(&self, agent: &str, run: &str) -> Verdict {
        let found = self.runs.iter().find(|(key, _)| key.agent == agent && key.run == run);
        found.map_or(Verdict::NotApplicable, |(_, verdict)| *verdict)
    }

    /// Findings charged to a job.
    pub fn findings_of(&self, job: &str) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.subject.job.as_deref() == Some(job))
    }
}

pub(super) fn finish(scene: &Scene<'_>, size: TreeSize, whole: bool, findings: Findings) -> Report {
    let absence = if whole { Absence::Recomputed } else { Absence::NotChecked };
    let mut coverage: BTreeMap<&'static str, Vec<LeafIndex>> = BTreeMap::new();
    for (what, at) in &findings.uncovered {
        coverage.entry(what).or_default().push(*at);
    }
    let tally = Tally { findings: &findings, absence };
    let jobs = tally.jobs(scene);
    let runs = tally.runs(scene);
    let verdict = tally.worst(|_| true);
    Report {
        rules_version: RULES_VERSION,
        as_of: AsOf { size, logged_at: scene.logged_at },
        roots_digest: scene.roots.last().map(|(_, roots)| roots.digest),
        absence,
        coverage: coverage.into_iter().map(|(what, entries)| Coverage { what, entries }).collect(),
        jobs,
        runs,
        verdict,
        findings: findings.found.into_iter().collect(),
        pending: findings.pending.into_iter().collect(),
    }
}

struct Tally<'f> {
    findings: &'f Findings,
    absence: Absence,
}

impl Tally<'_> {
    fn jobs(&self, scene: &Scene<'_>) -> BTreeMap<String, Verdict> {
        let mut agents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for token in &scene.tokens {
            agents.entry(token.job).or_default().insert(token.agent);
        }
        for job in scene.decisions.iter().filter_map(|decision| decision.job) {
            agents.entry(job).or_default();
        }
        let charged = self.findings.found.iter().filter_map(|finding| finding.subject.job.as_deref());
        for job in charged.collect::<BTreeSet<_>>() {
            agents.entry(job).or_default();
        }
        let of = |job: &str, agents: &BTreeSet<&str>| {
            self.worst(|subject| match (&subject.job, &subject.agent) {
                (Some(of), _) => of == job,
                (None, Some(agent)) => subject.run.is_none() && agents.contains(agent.as_str()),
                (None, None) => false,
            })
        };
        agents.iter().map(|(job, agents)| ((*job).to_owned(), of(job, agents))).collect()
    }

    fn runs(&self, scene: &Scene<'_>) -> Vec<(Run, Verdict)> {
        let tokens = &scene.run_tokens;
        let of_bundles = scene.bundles.iter().filter_map(|bundle| Some((bundle.agent, bundle.run?)));
        let all: BTreeSet<(&str, &str)> = tokens.keys().copied().chain(of_bundles).collect();
        let of = |agent: &str, run: &str| {
            let token = tokens.get(&(agent, run)).map(|at| scene.tokens[*at].hash);
            self.worst(|subject| match (subject.agent.as_deref(), subject.run.as_deref()) {
                (Some(of), Some(named)) => of == agent && named == run,
                (Some(of), None) => of == agent && (subject.token.is_none() || subject.token.as_deref() == token),
                _ => false,
            })
        };
        all.into_iter()
            .map(|(agent, run)| (Run { agent: agent.to_owned(), run: run.to_owned() }, of(agent, run)))
            .collect()
    }

    /// The worst that is charged to whom `is` picks. What is charged to nobody
    /// and leaves the audit incomplete does so for everybody.
    fn worst(&self, is: impl Fn(&Subject) -> bool) -> Verdict {
        let mut worst = if self.absence == Absence::Recomputed { Verdict::Pass } else { Verdict::Incomplete };
        for finding in &self.findings.found {
            let verdict = match finding.effect {
                Effect::Shown => continue,
                Effect::Incomplete => Verdict::Incomplete,
                Effect::Fails => Verdict::Fail,
            };
            let to_all = finding.effect == Effect::Incomplete && finding.subject == Subject::default();
            if to_all || is(&finding.subject) {
                worst = worst.max(verdict);
            }
        }
        if self.findings.pending.iter().any(|pending| is(&pending.subject)) {
            worst = worst.max(Verdict::Incomplete);
        }
        worst
    }
}
