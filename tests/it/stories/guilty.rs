//! Honest stories with one fault in the first run: it has to be found, there,
//! and nobody else is worse off.

use pulselog::artifact::Did;
use pulselog::audit::{Finding, Report, Timeline, Verdict, audit};

use super::cast;
use super::drafts::{Logged, listing, logged};
use super::expected::{Expected, shown};
use super::faults::{Fault, Read, Whose};
use super::honest::honest;
use super::{faults_acts, faults_bundles, faults_tokens, told};

/// The run that does wrong.
const GUILTY: usize = 0;

pub fn rows() -> impl Iterator<Item = &'static Fault> {
    [faults_tokens::ROWS, faults_acts::ROWS, faults_bundles::ROWS].into_iter().flatten()
}

/// A story with its fault, and what the honest rest of it expects.
pub struct Guilty {
    pub seed: u64,
    fault: &'static Fault,
    log: Logged,
    honest: Expected,
    job: String,
    agent: &'static str,
    run: String,
    first_decision: String,
}

impl Guilty {
    /// The next story from `seed` on in which the fault finds its place.
    pub fn from(seed: u64, fault: &'static Fault) -> Guilty {
        for seed in seed..seed + 200 {
            let mut world = honest(seed, true);
            if (fault.plant)(&mut world, GUILTY).is_none() {
                continue;
            }
            let run = &world.runs[GUILTY];
            let (job, agent, run_id) = (run.job.clone(), run.agent, run.id.clone());
            let first_decision = run.reads.first().cloned().unwrap_or_default();
            let story = told(world);
            let log = logged(&story.drafts);
            return Guilty { seed, fault, log, honest: story.expected, job, agent, run: run_id, first_decision };
        }
        panic!("no story from seed {seed} has a place for {}", fault.code);
    }

    pub fn report(&self) -> Report {
        let operator: Option<Did> = (self.fault.read != Read::Unpinned).then(cast::operator);
        let mut timeline = Timeline::default();
        for (at, seen) in self.log.timeline.prefix(self.log.timeline.size()) {
            let from = &self.log.from[usize::try_from(at.get()).expect("an index")];
            let is_withheld = self.fault.read == Read::Withheld && *from == self.first_decision;
            timeline.add(at, seen.entry.clone(), seen.body.clone().filter(|_| !is_withheld));
        }
        audit(&timeline, operator.as_ref())
    }

    fn is_charged(&self, finding: &Finding) -> bool {
        let subject = &finding.subject;
        finding.code == self.fault.code
            && match self.fault.whose {
                Whose::Job => subject.job.as_ref() == Some(&self.job),
                Whose::Nobody => subject.job.is_none() && subject.run.is_none(),
                Whose::Stray => subject.run.as_deref() == Some("stray"),
            }
    }

    /// What is wrong with a report on it, a line each.
    pub fn wrong(&self, report: &Report) -> Vec<String> {
        let mut wrong = Vec::new();
        if !report.findings.iter().any(|finding| self.is_charged(finding)) {
            wrong.push(format!("{} is not found", self.fault.code));
        }
        if self.fault.of_all {
            return wrong;
        }
        let agent = cast::did(self.agent);
        let mine = |run: &str| run.is_empty() || run == self.run || run == "stray" || self.fault.of_agent;
        for row in shown(report).difference(&self.honest.rows) {
            let job = row.job.is_empty() || row.job == self.job || row.job == "elsewhere" || self.fault.of_agent;
            if !(job && mine(&row.run) && (row.agent.is_empty() || row.agent == agent)) {
                wrong.push(format!("charged to somebody else: {row:?}"));
            }
        }
        let others = self.honest.runs.iter().filter(|((did, run), _)| did != agent || !mine(run));
        for ((did, run), want) in others {
            let got = report.run(did, run);
            if got != *want {
                wrong.push(format!("run {run}: {}, not {}", got.name(), want.name()));
            }
        }
        let others = self.honest.jobs.iter().filter(|(job, _)| **job != self.job && !self.fault.of_agent);
        for (job, want) in others.filter(|(job, want)| report.job(job) != **want) {
            wrong.push(format!("job {job}: {}, not {}", report.job(job).name(), want.name()));
        }
        wrong
    }

    /// Whether the report says of the guilty job that it passes.
    pub fn passes(&self, report: &Report) -> bool {
        report.job(&self.job) == Verdict::Pass
    }

    pub fn listing(&self, report: &Report) -> String {
        let rows: Vec<_> = shown(report).iter().map(|row| format!("{row:?}")).collect();
        format!("{}\n{}", listing(&self.log, &cast::names()), rows.join("\n"))
    }
}
