//! The newest jobs, each with the verdict on it and on its runs.

use std::collections::BTreeSet;

use crate::artifact::Kind;
use crate::audit::{Link, Scope};
use crate::server::addresses::page;
use crate::server::judge::AuditsError;
use crate::server::pages::inline::{Said, When};
use crate::server::pages::judging;
use crate::server::pages::reader::Reader;
use crate::server::pages::states::{Outcome, Word};
use crate::server::pages::trouble::Trouble;

/// Jobs that a first page judges: each costs a report.
const JOBS_MAX: usize = 3;
/// Newest issuances that are looked at for them.
const ISSUED_MAX: usize = 24;
/// Runs of one job.
const RUNS_MAX: usize = 4;

/// A job in the list of the newest.
pub(super) struct JobRow {
    pub href: String,
    pub job: Said,
    /// Absent where it is not judged here.
    pub word: Option<Word>,
    pub runs: Vec<(String, Said, Word)>,
    pub runs_left: usize,
    /// When its newest token was issued.
    pub logged: When,
}

/// By the newest token of each.
///
/// # Errors
/// Those of the view.
pub(super) fn newest(reader: &Reader) -> Result<Vec<JobRow>, Trouble> {
    let size = reader.view().size();
    let (mut rows, mut known) = (Vec::new(), BTreeSet::new());
    let issued = reader.index.latest(Kind::CstIssuance, size, ISSUED_MAX).map_err(AuditsError::from)?;
    for at in issued {
        if rows.len() == JOBS_MAX {
            break;
        }
        let paper = reader.desk().read(at)?;
        let Some(job) = paper.keys().job.filter(|job| !known.contains(job)) else { continue };
        // Whoever has no role makes no job.
        if reader.index.linked(&Link::job(&job), size, 1).map_err(AuditsError::from)?.is_empty() {
            continue;
        }
        let made = judging::report(reader, &Scope::Job(job.clone()), size)?.ok().filter(|made| made.is_known);
        let runs = made.iter().flat_map(|made| &made.report.runs);
        let run = |of: &crate::audit::JudgedRun| {
            (page::run(&of.run.agent, &of.run.run), Said::name(&of.run.run), Outcome::from(of.verdict).word())
        };
        rows.push(JobRow {
            href: page::job(&job),
            job: Said::name(&job),
            word: made.as_ref().map(|made| Outcome::from(made.report.verdict).word()),
            runs: runs.clone().take(RUNS_MAX).map(run).collect(),
            runs_left: runs.count().saturating_sub(RUNS_MAX),
            logged: When::second(paper.stored.entry.logged_at.unix_ms()),
        });
        known.insert(job);
    }
    Ok(rows)
}
