//! Reports about jobs, runs, tokens and applications at any size of the log, and all findings
//! page by page: the audit, fed from the search rows.
//!
//! ```text
//! scope ─ Gather ─ link rows below size ─ papers (Desk) ─> Timeline ─ audit_slice ─> Report
//! ```
//!
//! Nothing is stored but the last count of findings (`counted`): a report is
//! computed when it is asked for, once a request, from the entries that the scope's links lead to, whose signatures are
//! verified once more. Its cost grows with the scope and not with the log. The same prefix
//! gives the same report as the whole log read from its beginning.
//!
//! If the rows are lost: rebuilt. If an attacker writes them: entries of the
//! scope may be missed, and whoever recomputes from the tiles sees it.

mod around;
mod counted;
mod documents;
mod reading;
mod scan;
mod touched;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::{Did, Kind};
use crate::audit::{AsOf, Finding, Gather, Link, Report, Rule, Scope, Severity};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::desk::Desk;
use crate::server::index::Index;
use crate::server::index::names::Sort;
use crate::server::judge::reading::{AuditsError as Error, Reading};

pub use self::around::Around;
pub use self::counted::Counted;
use self::counted::Kept;
pub use self::reading::{AuditsError, GATHER_BYTES_MAX, GATHER_ENTRIES_MAX};
pub use self::scan::{SCAN_APPS_MAX, SCAN_BYTES_MAX, SCAN_ENTRIES_MAX, SCAN_JUDGED_MAX, SCAN_READ_MAX};
pub use self::touched::Touched;

/// Whose log is audited, and by which rows. Clones share it.
#[derive(Clone)]
pub struct Audits {
    index: Index,
    operator: Arc<Did>,
    origin: Arc<str>,
    counted: Kept,
}

/// One request before the audit: it makes each report once.
pub struct Sitting {
    pub desk: Desk,
    audits: Audits,
    reports: RefCell<BTreeMap<(Scope, TreeSize), Rc<ScopeReport>>>,
}

/// A report and what it was made from.
#[derive(Clone, Debug)]
pub struct ScopeReport {
    pub report: Report,
    /// Every entry that it rests on, roots and policies included.
    pub entries: Vec<(LeafIndex, Kind)>,
    /// Those of them that are of other jobs, and are told only where a finding
    /// names them.
    asides: BTreeSet<LeafIndex>,
    /// Whether a holder of a role speaks of the scope at all.
    pub is_known: bool,
}

impl ScopeReport {
    /// Entries that tell of the scope: without those of other jobs that only
    /// show that they are no concern of this one.
    pub fn told(&self) -> impl Iterator<Item = (LeafIndex, Kind)> {
        let named: BTreeSet<LeafIndex> =
            self.report.findings.iter().flat_map(|finding| finding.entries.iter().copied()).collect();
        let is_told = move |(at, _): &(LeafIndex, Kind)| !self.asides.contains(at) || named.contains(at);
        self.entries.iter().copied().filter(is_told)
    }
}

/// Which findings are asked for; each member narrows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub rule: Option<&'static Rule>,
    /// At least this bad.
    pub severity: Option<Severity>,
    pub job: Option<String>,
    /// Only with `agent`.
    pub run: Option<String>,
    pub agent: Option<String>,
    /// Hex hash.
    pub token: Option<String>,
    /// `instance/namespace/name`.
    pub app: Option<String>,
}

impl Filter {
    /// The scope whose report holds every finding that is asked for, if any does.
    fn scope(&self) -> Option<Scope> {
        let run = || Some(Scope::Run { agent: self.agent.clone()?, run: self.run.clone()? });
        let job = self.job.clone().map(Scope::Job);
        job.or_else(run).or_else(|| self.token.clone().map(Scope::Token))
    }

    /// Whether a finding passes; what `scope` picked is not asked again.
    fn passes(&self, finding: &Finding, scope: Option<&Scope>) -> bool {
        let of = &finding.subject;
        let is = |asked: &Option<String>, named: &Option<String>| asked.is_none() || asked == named;
        let (is_run, is_token) = (matches!(scope, Some(Scope::Run { .. })), matches!(scope, Some(Scope::Token(_))));
        self.rule.is_none_or(|rule| rule == finding.rule)
            && self.severity.is_none_or(|least| finding.severity >= least)
            && (matches!(scope, Some(Scope::Job(_))) || is(&self.job, &of.job))
            && (is_run || (is(&self.run, &of.run) && is(&self.agent, &of.agent)))
            && (is_token || is(&self.token, &of.token))
            && is(&self.app, &of.app)
    }
}

/// One page of findings.
#[derive(Clone, Debug)]
pub struct FindingPage {
    pub findings: Vec<Finding>,
    /// Cursor for the rest.
    pub next: Option<u64>,
    pub as_of: AsOf,
    pub roots_digest: Option<ArtifactDigest>,
    /// Entries below this have been looked through, by this page and those before.
    pub scanned_to: u64,
    /// Entries with which more hangs together than one answer reads.
    pub not_judged: Vec<LeafIndex>,
}

impl Audits {
    /// Reports as whoever believes `operator` about the log called `origin`.
    #[must_use]
    pub fn new(index: Index, operator: Did, origin: String) -> Self {
        Self { index, operator: Arc::new(operator), origin: origin.into(), counted: Kept::default() }
    }

    /// Reports from what this desk reads.
    #[must_use]
    pub fn sit(&self, desk: Desk) -> Sitting {
        Sitting { desk, audits: self.clone(), reports: RefCell::default() }
    }
}

impl Sitting {
    /// The report about one job, run, token or application at `size`. Cost: the scope's
    /// entries, each read and verified once. Blocks.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn report(&self, scope: &Scope, size: TreeSize) -> Result<Rc<ScopeReport>, Error> {
        let asked = (scope.clone(), size);
        if let Some(made) = self.reports.borrow().get(&asked) {
            return Ok(Rc::clone(made));
        }
        let made = Rc::new(self.make(scope, size)?);
        self.reports.borrow_mut().insert(asked, Rc::clone(&made));
        Ok(made)
    }

    fn make(&self, scope: &Scope, size: TreeSize) -> Result<ScopeReport, Error> {
        let mut reading = Reading::new(self, size)?;
        let gathered = reading.gather(Gather::of(scope))?;
        let (asides, found) = (gathered.asides(), gathered.into_found());
        let report = reading.audit(&found)?.of(scope);
        let entries = found.iter().filter_map(|at| Some((*at, reading.kind(*at)?))).collect();
        let is_known = is_known(&reading, &found, scope, &report);
        Ok(ScopeReport { report, entries, asides, is_known })
    }

    /// Findings at `size`, page by page. `after`: the `next` of the page
    /// before, with the same filter and size. A page ends after the entry at
    /// which it holds `limit` findings or has cost enough ([`SCAN_READ_MAX`],
    /// [`SCAN_BYTES_MAX`], [`SCAN_JUDGED_MAX`]), or after [`SCAN_ENTRIES_MAX`] entries.
    /// Blocks.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn findings(
        &self,
        filter: &Filter,
        size: TreeSize,
        after: Option<u64>,
        limit: usize,
    ) -> Result<FindingPage, Error> {
        let Some(scope) = filter.scope() else { return scan::page(self, filter, size, after, limit) };
        let report = &self.report(&scope, size)?.report;
        let done = after.map_or(0, |done| usize::try_from(done).unwrap_or(usize::MAX));
        let mut left = report.findings.iter().filter(|f| filter.passes(f, Some(&scope))).skip(done);
        let findings: Vec<_> = left.by_ref().take(limit).cloned().collect();
        let next = left.next().map(|_| done.saturating_add(findings.len()) as u64);
        let (as_of, roots_digest) = (report.as_of, report.roots_digest);
        let (scanned_to, not_judged) = (size.get(), Vec::new());
        Ok(FindingPage { findings, next, as_of, roots_digest, scanned_to, not_judged })
    }
}

/// A report that says nothing of the scope is about something unheard of,
/// unless an entry that counts names it.
fn is_known(reading: &Reading<'_>, found: &BTreeSet<LeafIndex>, scope: &Scope, report: &Report) -> bool {
    let is_named = |sort, name: &str| found.iter().any(|at| reading.names(*at, sort, name));
    let is_judged = !report.jobs.is_empty() || !report.runs.is_empty();
    match scope {
        Scope::Job(job) => is_judged || is_named(Sort::Job, job),
        Scope::Run { agent, run } => is_judged || (is_named(Sort::Run, run) && is_named(Sort::Agent, agent)),
        Scope::Token(hash) => is_judged || is_named(Sort::Token, hash),
        Scope::App(app) => {
            let is_filed = |at: &LeafIndex| reading.links(*at).contains(&Link::app(app));
            !report.findings.is_empty() || found.iter().any(is_filed)
        }
        Scope::Log | Scope::Agent(_) => true,
    }
}
