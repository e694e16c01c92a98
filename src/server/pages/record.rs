//! What the log recorded of a run or job: the entries that the audit joined to
//! it, in log order, and apart from them what others say of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::Kind;
use crate::artifact::json::Value;
use crate::audit::Finding;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses::page;
use crate::server::desk::Paper;
use crate::server::index::RUN_ENTRIES_MAX;
use crate::server::index::names::{Sort, Standing, change};
use crate::server::judge::AuditsError;
use crate::server::judge::ScopeReport;
use crate::server::log::view::StoredEntry;
use crate::server::pages::coverage::reach;
use crate::server::pages::drawing::Svg;
use crate::server::pages::inline::Said;
use crate::server::pages::other_runs::OtherRuns;
use crate::server::pages::overview::{self, Overview};
use crate::server::pages::party::Party;
use crate::server::pages::reader::Reader;
use crate::server::pages::rows::{EntryRow, with_gaps};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::words;

/// Rows of one time line; the API lists the rest.
const ROWS_MAX: usize = 200;
/// Rows of what others say.
const OTHERS_MAX: usize = 50;

/// What the log recorded of a run or job.
pub(super) struct Record {
    /// Entries that the audit joined, in log order.
    pub rows: Vec<EntryRow>,
    /// Joined entries that the list leaves out.
    pub left: Option<String>,
    /// Their overview.
    pub drawing: Option<Svg>,
    /// Whether some of them are of other runs of the job.
    pub tells_of_others: bool,
    /// Entries that name it and count for nothing.
    pub others: Vec<EntryRow>,
    /// How many of these the list leaves out.
    pub others_left: Option<String>,
    /// Trust Pulses among all of them.
    pub pulses: Vec<EntryRow>,
    /// Proof bundles among all of them.
    pub bundles: Vec<(EntryRow, StoredEntry)>,
    /// "5 × Model call through the gateway": kinds in words with their count.
    pub kinds: Vec<(String, &'static str)>,
    /// How far the search reached: "24 entries, 0–23".
    pub searched: String,
    /// Whether the search has seen all of the published log.
    pub is_complete: bool,
    /// Whether some of the rows stand on the page above it too.
    pub is_told: bool,
    /// Change tickets with the entry that names each first.
    pub tickets: Vec<(Said, u64)>,
}

/// What a record is made from.
pub(super) struct Sources<'a> {
    /// "run", "job".
    pub what: &'static str,
    pub size: TreeSize,
    /// The audit's report; without it, everything that names the thing is listed.
    pub made: Option<&'a ScopeReport>,
    /// Entries that name it, by whomever.
    pub named: Vec<LeafIndex>,
    /// Whether only a pulse or bundle that names it is a candidate: a run is
    /// joined to the other runs of its job, a job to nothing else.
    pub is_strict: bool,
    /// Of a run: the others of its job.
    pub others: Option<OtherRuns>,
}

impl Record {
    /// Reads every entry that is listed.
    ///
    /// # Errors
    /// Those of the view.
    pub(super) fn read(reader: &Reader, sources: Sources<'_>) -> Result<Self, Trouble> {
        let Sources { what, size, made, named, is_strict, others: runs } = sources;
        let candidates: Option<BTreeSet<LeafIndex>> = is_strict.then(|| named.iter().copied().collect());
        let joined: BTreeSet<LeafIndex> = match made {
            Some(made) => made.told().map(|(at, _)| at).collect(),
            None => named.iter().copied().filter(|at| at.get() < size.get()).collect(),
        };
        let findings = made.map(|made| made.report.findings.as_slice()).unwrap_or_default();
        let others: Vec<LeafIndex> =
            named.into_iter().filter(|at| at.get() < size.get() && !joined.contains(at)).collect();
        let followed = reader.index.followed().min(size).get();
        let mut record = Self {
            rows: Vec::new(),
            left: left(joined.len(), ROWS_MAX),
            drawing: None,
            tells_of_others: false,
            others: Vec::new(),
            others_left: left(others.len(), OTHERS_MAX),
            pulses: Vec::new(),
            bundles: Vec::new(),
            kinds: Vec::new(),
            searched: reach(followed),
            is_complete: followed == size.get(),
            is_told: false,
            tickets: Vec::new(),
        };
        let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
        let (mut overview, caused) = (Overview::default(), overview::caused(findings));
        for index in joined.into_iter().take(ROWS_MAX) {
            let paper = reader.desk().read(index)?;
            let mut row = record.add(&paper, findings);
            row.party = Party::of_row(reader, &paper)?;
            row.of_run = runs.as_ref().and_then(|runs| runs.other(&paper));
            if row.of_run.is_none() {
                overview.add(&paper, &caused);
                *kinds.entry(paper.stored.entry.kind.title()).or_default() += 1;
            }
            record.tells_of_others |= row.of_run.is_some();
            if candidates.as_ref().is_none_or(|named| named.contains(&index)) {
                record.claim(&paper, None, Party::of_row(reader, &paper)?);
            }
            record.rows.push(row);
        }
        for index in others.into_iter().take(OTHERS_MAX) {
            let paper = reader.desk().read(index)?;
            record.claim(&paper, Some(STRANGER), Party::of_row(reader, &paper)?);
            let party = Party::of_row(reader, &paper)?;
            record.others.push(EntryRow { names: summary(&paper), party, ..EntryRow::new(&paper.stored) });
        }
        record.drawing = overview.draw();
        record.rows = with_gaps(record.rows, what);
        record.kinds = kinds.into_iter().map(|(title, n)| (words::quantity(n), title)).collect();
        Ok(record)
    }

    /// Marks rows of entries that the page tells of above them: paper repeats none.
    pub(super) fn tell(&mut self, told: &BTreeSet<u64>) {
        for row in self.rows.iter_mut().filter(|row| told.contains(&row.index)) {
            row.is_told = true;
            self.is_told = true;
        }
    }

    /// A joined entry as a row.
    fn add(&mut self, paper: &Paper, findings: &[Finding]) -> EntryRow {
        let stored = &paper.stored;
        if let Some(ticket) = paper.payload().and_then(|payload| ticket(stored.entry.kind, payload)) {
            let said = Said::name(&ticket);
            if self.tickets.iter().all(|(known, _)| *known != said) {
                self.tickets.push((said, stored.index.get()));
            }
        }
        let mut row = EntryRow::new(stored);
        row.names = summary(paper);
        row.mark(findings);
        row
    }

    /// A pulse or bundle that claims to be of it.
    fn claim(&mut self, paper: &Paper, note: Option<&'static str>, party: Option<Party>) {
        let (stored, digest) = (&paper.stored, paper.stored.entry.digest);
        let candidate = |href| {
            let mut row = EntryRow { href, party, ..EntryRow::new(stored).with_digest(stored) };
            note.into_iter().for_each(|why| row.set_aside(why));
            row
        };
        match stored.entry.kind {
            Kind::TrustPulse => self.pulses.push(candidate(page::pulse_of_entry(&stored.entry.digest, stored.index))),
            Kind::ProofBundle => self.bundles.push((candidate(page::bundle(digest)), stored.clone())),
            _ => {}
        }
    }
}

/// Of a statement whose signer holds no role for it.
pub(super) const STRANGER: &str = "by somebody without the role: no effect on a verdict";

fn left(found: usize, most: usize) -> Option<String> {
    let left = found.saturating_sub(most) as u64;
    (left > 0).then(|| words::quantity(left))
}

/// Entries that name this agent and run, or this run and no agent: claims. One
/// that the hash of the names met by chance is dropped.
///
/// # Errors
/// A read that failed.
pub(super) fn named_run(reader: &Reader, agent: &str, run: &str, size: TreeSize) -> Result<Vec<LeafIndex>, Trouble> {
    // The caller's page says how far the index has come.
    let _ = reader.index.wait(size);
    let mut found = BTreeSet::new();
    for named in [agent, ""] {
        for index in reader.index.run(named, run, size).map_err(AuditsError::from)? {
            let keys = reader.desk().read(index)?.keys();
            if keys.agent.as_deref().unwrap_or_default() == named && keys.runs.iter().any(|one| one == run) {
                found.insert(index);
            }
        }
    }
    Ok(found.into_iter().take(RUN_ENTRIES_MAX).collect())
}

/// Entries that name this job: claims.
///
/// # Errors
/// Those of the view.
pub(super) fn named_job(reader: &Reader, job: &str, size: TreeSize) -> Result<Vec<LeafIndex>, Trouble> {
    let mut found = Vec::new();
    let candidates = reader.index.named((Sort::Job, job), LeafIndex::new(0), size, RUN_ENTRIES_MAX);
    for index in candidates.map_err(AuditsError::from)? {
        if reader.desk().read(index)?.keys().job.as_deref() == Some(job) {
            found.push(index);
        }
    }
    Ok(found)
}

/// Change tickets that statements of a job name whose word counts: system, key
/// and the first entry of each.
///
/// # Errors
/// Those of the view.
pub(super) fn tickets(reader: &Reader, made: &ScopeReport, job: &str) -> Result<Vec<(String, String, u64)>, Trouble> {
    let mut found: Vec<(String, String, u64)> = Vec::new();
    for (at, kind) in made.told().filter(|(_, kind)| kind.row().about.change.is_some()).take(ROWS_MAX) {
        let paper = reader.desk().read(at)?;
        let is_its = paper.keys().job.as_deref() == Some(job)
            && reader.index.standing(at).map_err(AuditsError::from)? == Standing::Holder;
        let named = paper.payload().filter(|_| is_its).map(|payload| change(kind, payload));
        if let Some((Some(system), Some(key))) = named
            && found.iter().all(|(known, other, _)| (known.as_str(), other.as_str()) != (system, key))
        {
            found.push((system.to_owned(), key.to_owned(), at.get()));
        }
    }
    Ok(found)
}

/// What one line says of an artifact.
pub(super) fn summary(paper: &Paper) -> Vec<(&'static str, Said)> {
    let Some(payload) = paper.payload() else { return Vec::new() };
    let said = |&(label, path): &(&'static str, &str)| payload.text_at(path).map(|t| (label, Said::name(t)));
    paper.stored.entry.kind.row().summary.iter().filter_map(said).collect()
}

/// `jira PAY-123`, from a bundle's metadata or a change record. Text, never a link.
pub(super) fn ticket(kind: Kind, payload: &Value) -> Option<String> {
    let (system, key) = change(kind, payload);
    Some(format!("{} {}", system?, key?))
}
