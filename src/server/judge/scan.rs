//! All findings, page by page: the log falls into components, sets of entries
//! that links join, and each is audited once.
//!
//! Entries are looked through in order. A finding is answered at the lowest of
//! its own entries whose component gives it: links may lead one way only, from
//! a bundle to what others say of its run, so of two entries one may see more.
//! A component without findings is passed over whole.
//! What every audit reads (roots, bodies not at hand) is answered on the first
//! page, what is about a policy alone at that policy.

mod apps;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::audit::{AsOf, Finding, Gather, Link, Report, Scope};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::index::names::Sort;
use crate::server::judge::reading::{AuditsError, Reading};
use crate::server::judge::{Filter, FindingPage, Sitting};

/// Most entries that one page looks through.
pub const SCAN_ENTRIES_MAX: usize = 2_000;
/// A page ends when it has read so many entries with their bodies: half a
/// second of verification.
pub const SCAN_READ_MAX: usize = 4_000;
/// … or so many bytes of them.
pub const SCAN_BYTES_MAX: u64 = 16 << 20;

/// … or when its audits held so many entries together, each as often as one held it:
/// a second of judging. What many small things cost is bounded by what is read with
/// each of them.
pub const SCAN_JUDGED_MAX: usize = 40_000;
/// Most applications that are asked about for one entry: a record names no instance.
pub const SCAN_APPS_MAX: usize = 64;

/// Findings in the order of answers.
type Found = BTreeSet<Finding>;

/// One page of findings over the whole log, or over the entries of an agent
/// or application.
pub fn page(
    sitting: &Sitting,
    filter: &Filter,
    size: TreeSize,
    after: Option<u64>,
    limit: usize,
) -> Result<FindingPage, AuditsError> {
    let mut scan = Scan::new(Reading::new(sitting, size)?, filter)?;
    let (mut findings, mut not_judged) = (Vec::new(), BTreeSet::new());
    let first = after.map_or(0, |after| after.saturating_add(1));
    let candidates = scan.candidates(first)?;
    if after.is_none() {
        findings.extend(scan.base.iter().filter(|finding| filter.passes(finding, None)).cloned());
        match scan.of_asked_app() {
            Ok(found) => findings.extend(found.into_iter().filter(|finding| filter.passes(finding, None))),
            Err(AuditsError::TooLarge { .. }) => not_judged.extend(candidates.at.first()),
            Err(error) => return Err(error),
        }
    }
    let mut scanned_to = candidates.end;
    let is_last = candidates.is_last;
    let mut next = (!is_last).then(|| candidates.at.last().map(|at| at.get())).flatten();
    let count = candidates.at.len();
    for (place, at) in candidates.at.into_iter().enumerate() {
        let answers = [scan.answer(at), scan.of_apps(at)];
        for answer in answers {
            match answer {
                Ok(found) => findings.extend(found.into_iter().filter(|finding| filter.passes(finding, None))),
                // One job that is too large for an answer hides none of the others.
                Err(AuditsError::TooLarge { .. }) => _ = not_judged.insert(at),
                Err(error) => return Err(error),
            }
        }
        let is_full = findings.len() >= limit || scan.has_read_enough();
        if is_full && !(is_last && place + 1 == count) {
            (scanned_to, next) = (at.get() + 1, Some(at.get()));
            break;
        }
    }
    let (Report { as_of, roots_digest, .. }, not_judged) = (scan.report, not_judged.into_iter().collect());
    Ok(FindingPage { findings, next, as_of, roots_digest, scanned_to, not_judged })
}

/// Entries to look through.
struct Candidates {
    at: Vec<LeafIndex>,
    /// Entries below this are looked through with them.
    end: u64,
    is_last: bool,
}

/// One page under way.
struct Scan<'a, 'f> {
    reading: Reading<'a>,
    filter: &'f Filter,
    /// What every audit reads, and what it finds.
    report: Report,
    shared: BTreeSet<LeafIndex>,
    base: Found,
    /// Entries of components that were audited.
    answered: HashSet<LeafIndex>,
    /// What may be answered at an entry that is looked through later.
    planned: HashMap<LeafIndex, Found>,
    components: HashMap<LeafIndex, BTreeSet<LeafIndex>>,
    /// What each component gives.
    audited: HashMap<BTreeSet<LeafIndex>, Arc<Found>>,
    /// Entries of calls of which wrappers alone tell.
    silent: HashSet<LeafIndex>,
    /// Those of their decisions that were answered.
    told_calls: HashSet<LeafIndex>,
    /// What looks and flips show of each application; none where that is too large.
    apps: HashMap<String, Option<Arc<Found>>>,
    /// Those that any roots list observers of, once asked for.
    instances: Option<Arc<BTreeSet<String>>>,
    /// Entries that audits held, and questions that found nothing to audit.
    judged: usize,
}

impl<'a, 'f> Scan<'a, 'f> {
    fn new(mut reading: Reading<'a>, filter: &'f Filter) -> Result<Self, AuditsError> {
        let shared = reading.gather(Gather::of(&Scope::Log))?.into_found();
        let report = reading.audit(&shared)?;
        let base = report.findings.iter().cloned().collect();
        let (answered, planned, components) = (HashSet::new(), HashMap::new(), HashMap::new());
        let (audited, apps) = (HashMap::new(), HashMap::new());
        let (silent, told_calls) = (HashSet::new(), HashSet::new());
        Ok(Self {
            reading,
            filter,
            report,
            shared,
            base,
            answered,
            planned,
            components,
            audited,
            silent,
            told_calls,
            apps,
            instances: None,
            judged: 0,
        })
    }

    fn name(&self) -> Option<(Sort, &'f str)> {
        let agent = self.filter.agent.as_deref().map(|agent| (Sort::Agent, agent));
        agent.or_else(|| self.filter.app.as_deref().map(|app| (Sort::App, app)))
    }

    fn candidates(&self, first: u64) -> Result<Candidates, AuditsError> {
        let AsOf { size, .. } = self.report.as_of;
        let Some(name) = self.name() else {
            let end = size.get().min(first.saturating_add(SCAN_ENTRIES_MAX as u64)).max(first.min(size.get()));
            let at = (first..end).map(LeafIndex::new).collect();
            return Ok(Candidates { at, end, is_last: end == size.get() });
        };
        let at = self.reading.named(name, LeafIndex::new(first), SCAN_ENTRIES_MAX)?;
        let is_last = at.len() < SCAN_ENTRIES_MAX;
        let end = if is_last { size.get() } else { at.last().map_or(first, |last| last.get() + 1) };
        Ok(Candidates { at, end, is_last })
    }

    fn has_read_enough(&self) -> bool {
        self.reading.count() >= SCAN_READ_MAX
            || self.reading.bytes() >= SCAN_BYTES_MAX
            || self.judged >= SCAN_JUDGED_MAX
    }

    fn audit(&mut self, entries: &BTreeSet<LeafIndex>) -> Result<Report, AuditsError> {
        self.judged = self.judged.saturating_add(entries.len());
        self.reading.audit(entries)
    }

    /// What is answered at this entry.
    fn answer(&mut self, at: LeafIndex) -> Result<Found, AuditsError> {
        let is_passed = self.answered.contains(&at) && !self.planned.contains_key(&at);
        if is_passed || self.shared.contains(&at) {
            return Ok(Found::new());
        }
        self.reading.fetch(&[at])?;
        // Of those that a name's hash led to, only those that bear the name.
        if (self.name().is_some() && !self.is_candidate(at)) || self.reading.is_again(at)? {
            return Ok(Found::new());
        }
        if self.reading.links(at) == [Link::UNTRUSTED] {
            return self.untrusted(at);
        }
        if self.reading.is_shared(at) {
            let component = self.component(at)?;
            let found = self.found(&component)?;
            return Ok(found.iter().filter(|finding| finding.entries.last() == Some(&at)).cloned().collect());
        }
        if !self.answered.contains(&at) {
            self.plan(at)?;
        }
        let mut found = Found::new();
        for finding in self.planned.remove(&at).unwrap_or_default() {
            if self.is_home(at, &finding)? {
                found.insert(finding);
            }
        }
        Ok(found)
    }

    /// Notes at which entries of a component its findings may be answered.
    fn plan(&mut self, at: LeafIndex) -> Result<(), AuditsError> {
        let component = self.component(at)?;
        for finding in self.found(&component)?.iter() {
            if self.is_of_policies(finding) {
                continue;
            }
            for home in self.homes(finding, &component) {
                self.planned.entry(home).or_default().insert(finding.clone());
            }
        }
        self.answered.extend(component);
        Ok(())
    }

    /// Entries that a finding may be answered at: its own; where none of them
    /// is looked through, those of its component.
    fn homes(&self, finding: &Finding, component: &BTreeSet<LeafIndex>) -> Vec<LeafIndex> {
        let of = |entries: &mut dyn Iterator<Item = LeafIndex>| -> Vec<LeafIndex> {
            entries.filter(|at| self.is_candidate(*at)).collect()
        };
        let own = of(&mut finding.entries.iter().copied());
        if own.is_empty() { of(&mut component.iter().copied()) } else { own }
    }

    /// Whether this is the lowest entry whose component gives the finding.
    fn is_home(&mut self, at: LeafIndex, finding: &Finding) -> Result<bool, AuditsError> {
        let component = self.component(at)?;
        if !self.found(&component)?.contains(finding) {
            return Ok(false);
        }
        for lower in self.homes(finding, &component).into_iter().take_while(|lower| *lower < at) {
            self.reading.fetch(&[lower])?;
            let other = self.component(lower)?;
            if self.found(&other)?.contains(finding) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A statement of somebody without the role stands alone. Had its signer
    /// held the role at a lower entry, the statement counts there and here is
    /// nothing to find.
    fn untrusted(&mut self, at: LeafIndex) -> Result<Found, AuditsError> {
        let mut entries = self.shared.clone();
        for same in self.reading.judged_below(at)? {
            self.reading.fetch(&[same])?;
            if self.reading.links(same) != [Link::UNTRUSTED] {
                entries.extend(self.component(same)?);
            }
        }
        entries.insert(at);
        let found = self.found(&entries)?;
        Ok(found.iter().filter(|finding| finding.entries == [at]).cloned().collect())
    }

    /// An entry that may be where its component is answered.
    fn is_candidate(&self, at: LeafIndex) -> bool {
        let is_named = self.name().is_none_or(|(sort, name)| self.reading.names(at, sort, name));
        is_named && !self.shared.contains(&at) && !self.reading.is_shared(at)
    }

    fn is_of_policies(&self, finding: &Finding) -> bool {
        finding.entries.iter().all(|at| self.reading.is_shared(*at))
    }

    /// Everything that hangs together with an entry that was read, and the
    /// entry itself, which may be filed under nothing.
    fn component(&mut self, at: LeafIndex) -> Result<BTreeSet<LeafIndex>, AuditsError> {
        if let Some(component) = self.components.get(&at) {
            return Ok(component.clone());
        }
        let links = self.reading.links(at).to_vec();
        let mut component = self.reading.gather(Gather::around(links))?.into_found();
        component.insert(at);
        self.components.insert(at, component.clone());
        Ok(component)
    }

    /// What the audit of these entries finds, beside what every audit finds.
    fn found(&mut self, entries: &BTreeSet<LeafIndex>) -> Result<Arc<Found>, AuditsError> {
        if let Some(found) = self.audited.get(entries) {
            return Ok(Arc::clone(found));
        }
        let report = self.audit(entries)?;
        self.silent.extend(apps::silent(&report));
        // Those that rest on an application are told of it.
        let is_own = |own: &Finding| !self.base.contains(own) && !own.rests_on_an_application();
        let (own, mut found) = (report.findings.into_iter().filter(is_own), Found::new());
        for finding in own.collect::<Vec<_>>() {
            let standing = if finding.rests_on_the_unlinked() { self.standing(&finding, entries)? } else { None };
            found.extend(standing.or_else(|| finding.of_a_part()));
        }
        let found = Arc::new(found);
        self.audited.insert(entries.clone(), Arc::clone(&found));
        Ok(found)
    }

    /// What nothing that links join explains, held against the decisions of its
    /// time as a job's audit does: the same finding, if it stands beside them. Where
    /// one is alike, other operations may be too, and what they take was not read;
    /// where nobody can tell whose a decision is, or there is too much to read, it
    /// is left open.
    fn standing(&mut self, finding: &Finding, entries: &BTreeSet<LeafIndex>) -> Result<Option<Finding>, AuditsError> {
        let mut read = entries.clone();
        for at in &finding.entries {
            self.reading.fetch(&[*at])?;
            let Some(seen) = self.reading.seen(*at) else { return Ok(None) };
            let links = self.reading.links(*at).to_vec();
            match self.reading.gather(Gather::explaining(*at, &seen, links)) {
                Ok(gather) => read.extend(gather.into_found()),
                Err(AuditsError::TooLarge { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        if self.reading.names_unknown_token(&read) {
            return Ok(None);
        }
        Ok(self.audit(&read)?.findings.into_iter().find(|stands| stands.is_again(finding)))
    }
}
