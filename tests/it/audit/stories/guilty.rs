//! Honest stories with one fault in the first run: it has to be found, there,
//! and nobody else is worse off.

use pulselog::audit::{Finding, Report, Timeline, Verdict, audit, audit_packet, bundle_alone};
use pulselog::merkle::LeafIndex;

use super::drafts::{Logged, listing, logged};
use super::expected::{Expected, shown};
use super::faults::{Fault, Read, Whose};
use super::honest::honest;
use super::{attested, cast};
use super::{faults_acts, faults_argo, faults_bundles, faults_tokens, told};
use crate::make::{hex, set};

/// The run that does wrong.
const GUILTY: usize = 0;

pub fn rows() -> impl Iterator<Item = &'static Fault> {
    [faults_tokens::ROWS, faults_acts::ROWS, faults_argo::ROWS, faults_bundles::ROWS].into_iter().flatten()
}

/// A story with its fault, and what the honest rest of it expects.
pub struct Guilty {
    pub seed: u64,
    fault: &'static Fault,
    log: Logged,
    honest: Expected,
    pub job: String,
    agent: &'static str,
    run: String,
    first_decision: String,
}

impl Guilty {
    /// The next story from `seed` on in which the fault finds its place.
    pub fn from(seed: u64, fault: &'static Fault) -> Self {
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
            return Self { seed, fault, log, honest: story.expected, job, agent, run: run_id, first_decision };
        }
        panic!("no story from seed {seed} has a place for {}", fault.code);
    }

    pub fn report(&self) -> Report {
        let operator = cast::operator();
        let whole = || audit(&self.log.timeline, Some(&operator));
        let stated = |member: &str| {
            let mut timeline = self.log.timeline.clone();
            attested::state(&mut timeline, &self.job, |payload| {
                if !member.is_empty() {
                    set(payload, member, Some(hex("something else").into()));
                }
            });
            timeline
        };
        let packet = |timeline: &Timeline, size| audit_packet(timeline, size, &self.job, &operator);
        match self.fault.read {
            Read::Whole => whole(),
            Read::Unpinned => audit(&self.log.timeline, None),
            Read::Withheld => audit(&self.without(&self.log.timeline, false), Some(&operator)),
            Read::Stated(member) => audit(&stated(member), Some(&operator)),
            Read::Packet(member) => packet(&stated(member), stated(member).size()),
            Read::PacketWithout => packet(&self.without(&stated(""), true), stated("").size()),
            Read::Alone => {
                let mut bodies =
                    self.log.timeline.prefix(self.log.timeline.size()).filter_map(|(_, seen)| seen.body.as_ref());
                let bundle = bodies.rfind(|body| body.kind().name() == "proof_bundle").expect("a bundle");
                let mut report = whole();
                report.findings = bundle_alone(bundle.payload(), false);
                report
            }
        }
    }

    /// The same without the run's first decision, or without its body.
    fn without(&self, timeline: &Timeline, entry_too: bool) -> Timeline {
        let is_it = |at: LeafIndex| {
            let from = self.log.from.get(usize::try_from(at.get()).expect("an index"));
            from == Some(&self.first_decision)
        };
        let mut part = Timeline::default();
        for (at, seen) in timeline.prefix(timeline.size()) {
            match is_it(at) {
                false => part.add(at, seen.entry.clone(), seen.body.clone()),
                true if entry_too => {}
                true => part.add(at, seen.entry.clone(), None),
            }
        }
        if entry_too {
            attested::know_of(&mut part, timeline);
        }
        part
    }

    fn is_charged(&self, finding: &Finding) -> bool {
        let subject = &finding.subject;
        finding.rule.code == self.fault.code
            && match self.fault.whose {
                Whose::Job => subject.job.as_ref() == Some(&self.job),
                Whose::Anybody => true,
                Whose::Nobody => subject.job.is_none() && subject.run.is_none(),
                Whose::Stray => subject.run.as_deref() == Some("stray"),
            }
    }

    /// The whole log with the operator's true statement about the guilty job;
    /// `None` where no roots are in force.
    pub fn attested(&self) -> Option<Timeline> {
        let mut timeline = self.log.timeline.clone();
        timeline.roots_of(&cast::operator())?;
        attested::state(&mut timeline, &self.job, |_| {});
        Some(timeline)
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
            // Of a wrapper's agents each may be the one; that reaches none of their jobs.
            let may_be = row.code == "ACT_UNPLACED" && row.job.is_empty() && row.effect == "incomplete";
            // An operation names no job: each of its agent's that lived then may be the one.
            let job = job || (row.effect == "incomplete" && self.is_beside(report, &row.job));
            let may_be = may_be || (row.code == "COVERAGE_GAP" && self.is_of_all_then());
            // What a part of a log hides that nobody read may be anybody's, and reaches no job.
            let may_be = may_be || (row.code == "SERVER_LOG_GAP" && row.job.is_empty() && row.effect == "incomplete");
            if !(job && mine(&row.run) && (row.agent.is_empty() || row.agent == agent || may_be)) {
                wrong.push(format!("charged to somebody else: {row:?}"));
            }
        }
        let others = self.honest.runs.iter().filter(|((did, run), _)| did != agent || !mine(run));
        for ((did, run), want) in others {
            let got = report.run(did, run);
            // So may each run of theirs.
            let is_left_open = got == Verdict::Incomplete && self.is_of_all_then();
            if got != *want && !is_left_open {
                wrong.push(format!("run {run}: {}, not {}", got.name(), want.name()));
            }
        }
        let others = self.honest.jobs.iter().filter(|(job, _)| **job != self.job && !self.fault.of_agent);
        let is_left_open = |job: &str| report.job(job) == Verdict::Incomplete && self.is_beside(report, job);
        for (job, want) in others.filter(|(job, want)| report.job(job) != **want && !is_left_open(job)) {
            wrong.push(format!("job {job}: {}, not {}", report.job(job).name(), want.name()));
        }
        wrong
    }

    /// Whether nobody looked for a while: any agent's user may have acted then.
    fn is_of_all_then(&self) -> bool {
        self.fault.code == "COVERAGE_GAP"
    }

    /// Whether the fault is an operation or a refused call that no decision
    /// explains, and the job is of the agent whose user it was; or it is of all.
    fn is_beside(&self, report: &Report, job: &str) -> bool {
        let agent = cast::did(self.agent);
        let mut runs = report.runs.iter().filter(|run| run.run.agent == agent);
        let is_beside = ["UNREPORTED_ACTION", "UNLOGGED_ATTEMPT"].contains(&self.fault.code);
        self.is_of_all_then() || (is_beside && runs.any(|run| run.jobs.contains(job)))
    }

    pub fn listing(&self, report: &Report) -> String {
        let rows: Vec<_> = shown(report).iter().map(|row| format!("{row:?}")).collect();
        format!("{}\n{}", listing(&self.log, &cast::names()), rows.join("\n"))
    }
}
