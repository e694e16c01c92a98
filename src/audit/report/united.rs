//! One report out of those that accounts of disputed tokens give, each taken
//! for the true one: all that any of them knows, but for findings.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::finding::{Finding, Pending, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::report::{Coverage, JudgedRun, Report};
use crate::merkle::LeafIndex;

impl Report {
    /// The only one that there is, with its verdicts.
    pub(in crate::audit) fn judged(mut self) -> Self {
        self.judge();
        self
    }

    /// What it says that somebody still owes.
    pub(in crate::audit) fn into_pending(self) -> Vec<Pending> {
        self.pending
    }

    /// The same, with more that is owed.
    pub(in crate::audit) fn owe(&mut self, more: Vec<Pending>) {
        let all: BTreeSet<_> = self.pending.drain(..).chain(more).inserted();
        self.pending = all.into_iter().collect();
    }

    /// Every job that holders of a role speak of, or that something is charged to.
    pub(in crate::audit) fn jobs_known(&self) -> impl Iterator<Item = &str> {
        self.agents.keys().map(String::as_str)
    }

    /// What they are all about, with these findings. Verdicts are still owed.
    pub(in crate::audit) fn united(reports: Vec<Self>, findings: Vec<Finding>) -> Option<Self> {
        let mut all = reports.into_iter();
        let mut first = all.next()?;
        let mut covered: BTreeMap<(&str, Subject), BTreeSet<LeafIndex>> = BTreeMap::new();
        let mut cover = |coverage: Vec<Coverage>| {
            for one in coverage {
                covered.entry((one.what, one.subject)).or_default().extend(one.entries);
            }
        };
        cover(std::mem::take(&mut first.coverage));
        let mut pending: BTreeSet<_> = std::mem::take(&mut first.pending).into_iter().inserted();
        let mut matched: BTreeSet<_> = std::mem::take(&mut first.matched).into_iter().inserted();
        let mut acts: BTreeSet<_> = std::mem::take(&mut first.acts).into_iter().inserted();
        let mut runs: BTreeMap<_, JudgedRun> = BTreeMap::new();
        first.runs.drain(..).for_each(|run| unite(&mut runs, run));
        for other in all {
            cover(other.coverage);
            pending.extend(other.pending);
            matched.extend(other.matched);
            acts.extend(other.acts);
            other.runs.into_iter().for_each(|run| unite(&mut runs, run));
            for (job, agents) in other.agents {
                first.agents.entry(job).or_default().extend(agents);
            }
            for (token, of) in other.tokens {
                first.tokens.entry(token).or_default().extend(of);
            }
            first.named.extend(other.named);
            for (at, apps) in other.recorded {
                first.recorded.entry(at).or_default().extend(apps);
            }
        }
        let coverage = covered.into_iter();
        first.coverage = coverage
            .map(|((what, subject), entries)| Coverage { what, subject, entries: entries.into_iter().collect() })
            .collect();
        (first.pending, first.runs) = (pending.into_iter().collect(), runs.into_values().collect());
        (first.matched, first.acts) = (matched.into_iter().collect(), acts.into_iter().collect());
        first.findings = findings;
        Some(first)
    }
}

fn unite(runs: &mut BTreeMap<super::Run, JudgedRun>, run: JudgedRun) {
    let Some(own) = runs.get_mut(&run.run) else {
        runs.insert(run.run.clone(), run);
        return;
    };
    own.job = own.job.take().filter(|job| run.job.as_ref() == Some(job));
    own.token = own.token.take().filter(|token| run.token.as_ref() == Some(token));
    own.jobs.extend(run.jobs);
    own.tokens.extend(run.tokens);
}
