//! What a story expects the audit to say, and what it says beyond.

use std::collections::{BTreeMap, BTreeSet};

use pulselog::audit::{Effect, Report, Subject, Verdict};

use super::cast;

/// One finding or open obligation: what, how bad, and whose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub code: &'static str,
    /// `fails`, `incomplete`, `shown`, or `pending`.
    pub effect: &'static str,
    pub job: String,
    pub run: String,
    pub agent: String,
    pub submitter: String,
}

impl Row {
    fn of(code: &'static str, effect: &'static str, subject: &Subject) -> Self {
        let text = |of: &Option<String>| of.clone().unwrap_or_default();
        Self {
            code,
            effect,
            job: text(&subject.job),
            run: text(&subject.run),
            agent: text(&subject.agent),
            submitter: text(&subject.submitter),
        }
    }

    /// A statement that counts for nothing, charged to who sent it.
    pub fn untrusted(submitter: &str) -> Self {
        Self {
            code: "UNTRUSTED_STATEMENT",
            effect: "shown",
            job: String::new(),
            run: String::new(),
            agent: String::new(),
            submitter: submitter.to_owned(),
        }
    }

    fn verdict(&self) -> Verdict {
        match self.effect {
            "fails" => Verdict::Fail,
            "incomplete" | "pending" => Verdict::Incomplete,
            _ => Verdict::Pass,
        }
    }
}

fn effect(of: Effect) -> &'static str {
    match of {
        Effect::Fails => "fails",
        Effect::Incomplete => "incomplete",
        Effect::Shown => "shown",
    }
}

/// Every row of a report.
pub fn shown(report: &Report) -> BTreeSet<Row> {
    let findings = report.findings.iter().map(|f| Row::of(f.rule.code, effect(f.effect), &f.subject));
    findings.chain(report.pending.iter().map(|p| Row::of(p.rule.code, "pending", &p.subject))).collect()
}

/// Rows, and with them the verdict on each job and each run of an agent.
pub struct Expected {
    pub rows: BTreeSet<Row>,
    pub jobs: BTreeMap<String, Verdict>,
    pub runs: BTreeMap<(String, String), Verdict>,
}

impl Expected {
    /// The verdicts that follow from the rows: the worst row decides.
    pub fn new(rows: BTreeSet<Row>, runs: impl IntoIterator<Item = (&'static str, String, String)>) -> Self {
        let mut expected = Self { rows, jobs: BTreeMap::new(), runs: BTreeMap::new() };
        for (agent, job, run) in runs {
            let agent = cast::did(agent).to_owned();
            let worst = |is: &dyn Fn(&Row) -> bool| {
                expected.rows.iter().filter(|row| is(row)).map(Row::verdict).max().unwrap_or(Verdict::Pass)
            };
            let of_job = worst(&|row| row.job == job);
            let of_run = worst(&|row| row.run == run && row.agent == agent);
            expected.jobs.insert(job, of_job);
            expected.runs.insert((agent, run), of_run);
        }
        expected
    }

    /// Everything in which a report differs, a line each.
    pub fn differences(&self, report: &Report) -> Vec<String> {
        let shown = shown(report);
        let mut wrong: Vec<_> = shown.difference(&self.rows).map(|row| format!("not expected: {row:?}")).collect();
        wrong.extend(self.rows.difference(&shown).map(|row| format!("not found: {row:?}")));
        let jobs = self.jobs.iter().filter(|(job, verdict)| report.job(job) != **verdict);
        wrong.extend(jobs.map(|(job, want)| format!("job {job}: {}, not {}", report.job(job).name(), want.name())));
        let of_run = |(agent, run): &(String, String)| report.run(agent, run);
        let runs = self.runs.iter().filter(|(run, verdict)| of_run(run) != **verdict);
        wrong.extend(runs.map(|(run, want)| format!("run {}: {}, not {}", run.1, of_run(run).name(), want.name())));
        let others = report.jobs.keys().filter(|job| !self.jobs.contains_key(*job));
        wrong.extend(others.map(|job| format!("nobody told of job {job}")));
        wrong
    }
}
