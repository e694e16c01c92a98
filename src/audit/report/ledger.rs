//! Findings and obligations sorted by whom they are charged to, so that the
//! cost of all verdicts does not grow with jobs times findings.

use std::collections::BTreeMap;

use crate::audit::finding::{Finding, Pending, Subject};
use crate::audit::report::{Absence, Report, Verdict};
use crate::audit::rule::Effect;

/// What is charged to one job, run, token or agent.
#[derive(Default)]
pub(super) struct Charged<'a> {
    pub findings: Vec<&'a Finding>,
    pub pending: Vec<&'a Pending>,
}

/// Findings and pending obligations by whom they are charged to.
#[derive(Default)]
pub(super) struct Ledger<'a> {
    pub jobs: BTreeMap<&'a str, Charged<'a>>,
    pub runs: BTreeMap<(&'a str, &'a str), Charged<'a>>,
    /// Charged to a token and no run.
    pub tokens: BTreeMap<&'a str, Charged<'a>>,
    /// Charged to an agent, and to no run or token.
    pub agents: BTreeMap<&'a str, Charged<'a>>,
    /// Charged to nobody.
    pub shared: Charged<'a>,
}

impl<'a> Ledger<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let mut ledger = Ledger::default();
        for finding in &report.findings {
            ledger.places(&finding.subject, &mut |charged| charged.findings.push(finding));
        }
        for pending in &report.pending {
            ledger.places(&pending.subject, &mut |charged| charged.pending.push(pending));
        }
        ledger
    }

    fn places(&mut self, subject: &'a Subject, put: &mut dyn FnMut(&mut Charged<'a>)) {
        if *subject == Subject::default() {
            put(&mut self.shared);
        }
        if let Some(job) = &subject.job {
            put(self.jobs.entry(job).or_default());
        }
        match (&subject.agent, &subject.run, &subject.token) {
            (Some(agent), Some(run), _) => put(self.runs.entry((agent, run)).or_default()),
            (Some(_), None, Some(token)) => put(self.tokens.entry(token).or_default()),
            (Some(agent), None, None) => put(self.agents.entry(agent).or_default()),
            (None, ..) => {}
        }
    }
}

/// The worst that is charged to whom `is` picks. What is charged to nobody and
/// leaves the audit incomplete does so for everybody.
pub(super) fn worst<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
    pending: impl IntoIterator<Item = &'a Pending>,
    absence: Absence,
    is: impl Fn(&Subject) -> bool,
) -> Verdict {
    let mut worst = if absence == Absence::NotChecked { Verdict::Incomplete } else { Verdict::Pass };
    for finding in findings {
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
    if pending.into_iter().any(|pending| is(&pending.subject)) {
        worst = worst.max(Verdict::Incomplete);
    }
    worst
}
