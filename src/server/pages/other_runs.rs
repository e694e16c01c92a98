//! Which run of a job an entry is of: a page of one run tells of the others of its
//! job too, since they share tokens and approvals, and says which they are.

use std::collections::BTreeMap;

use crate::audit::{Report, Scope};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses::page;
use crate::server::desk::Paper;
use crate::server::pages::inline::Said;
use crate::server::pages::judging;
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;

/// One run, by agent and id.
type Run = (String, String);

/// The runs of a job, by entry and by token.
pub(super) struct OtherRuns {
    own: Run,
    entries: BTreeMap<LeafIndex, Run>,
    tokens: BTreeMap<String, Vec<Run>>,
}

impl OtherRuns {
    /// Those of the job of a run, as the audit joins them.
    ///
    /// # Errors
    /// Those of the view.
    pub(super) fn read(reader: &Reader, agent: &str, run: &str, of: &Report, size: TreeSize) -> Result<Self, Trouble> {
        let mut runs =
            Self { own: (agent.to_owned(), run.to_owned()), entries: BTreeMap::new(), tokens: BTreeMap::new() };
        let Some(job) = of.runs.first().and_then(|run| run.job.clone()) else { return Ok(runs) };
        if let Ok(made) = judging::report(reader, &Scope::Job(job), size)? {
            runs.take(&made.report);
        }
        Ok(runs)
    }

    fn take(&mut self, report: &Report) {
        for act in &report.acts {
            if let Some(run) = act.subject.agent.clone().zip(act.subject.run.clone()) {
                let entries = act.by.iter().map(|by| by.entry).chain([act.entry]);
                self.entries.extend(entries.map(|at| (at, run.clone())));
            }
        }
        for call in &report.matched {
            if let Some(run) = call.subject.agent.clone().zip(call.subject.run.clone()) {
                self.entries.extend(call.entries.iter().map(|at| (*at, run.clone())));
            }
        }
        for judged in &report.runs {
            let run = (judged.run.agent.clone(), judged.run.run.clone());
            for token in &judged.tokens {
                self.tokens.entry(token.clone()).or_default().push(run.clone());
            }
        }
    }

    /// The run that an entry is of, where it is of another one: by the audit, by
    /// what it says itself, by its token.
    pub(super) fn other(&self, paper: &Paper) -> Option<(String, Said)> {
        let keys = paper.keys();
        let stated =
            keys.runs.iter().map(|run| (keys.agent.clone().unwrap_or_else(|| self.own.0.clone()), run.clone()));
        let named: Vec<Run> = match self.entries.get(&paper.stored.index) {
            Some(run) => vec![run.clone()],
            None if !keys.runs.is_empty() => stated.collect(),
            None => keys.token_hash.and_then(|hash| self.tokens.get(&hash)).cloned().unwrap_or_default(),
        };
        if named.contains(&self.own) {
            return None;
        }
        named.first().map(|(agent, run)| (page::run(agent, run), Said::name(run)))
    }
}
