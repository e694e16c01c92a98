//! One request's reading: entries by link, each read and authenticated once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::artifact::{Artifact, Kind};
use crate::audit::{
    Filing, Gather, KnownSize, Link, Prefix, Report, Seen, Timeline, Wanted, Which, audit_slice, filed_under,
};
use crate::entry::LoggedAt;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::desk::is_shared;
use crate::server::index::names::{Sort, names};
use crate::server::judge::Sitting;
use crate::server::log::view::{View, ViewError};
use crate::server::store::StoreError;

/// Most entries that one report rests on: a second of verification.
pub const GATHER_ENTRIES_MAX: usize = 10_000;
/// Most bytes of their bodies: parsed they take a few times this.
pub const GATHER_BYTES_MAX: u64 = 64 << 20;
/// Entries of one batched read: 64 of 2 MiB at the most.
const FETCH_ENTRIES: usize = 64;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AuditsError {
    /// The search rows do not reach the size yet.
    #[error(
        "index: {followed} of {size} entries have search rows so far; try again, or ask for a size that they reach"
    )]
    Behind {
        /// Entries with rows.
        followed: TreeSize,
        /// Asked for.
        size: TreeSize,
    },
    /// More entries hang together than one answer reads.
    #[error("scope: more than {entries} entries, or {bytes} bytes of bodies, hang together; audit the log yourself")]
    TooLarge {
        /// How many one answer reads.
        entries: usize,
        /// Bytes of their bodies.
        bytes: u64,
    },
    /// A document holds more bundles than are judged in one answer.
    #[error("bundles: the document holds {got}, one answer judges {limit}; verify it with pulselog verify --log")]
    TooMany {
        /// In the document.
        got: usize,
        /// How many one answer judges.
        limit: usize,
    },
    /// The log does not answer, or is damaged.
    #[error(transparent)]
    View(#[from] ViewError),
}

impl AuditsError {
    /// What a collection beyond the bounds is answered with.
    #[must_use]
    pub const fn too_large() -> Self {
        Self::TooLarge { entries: GATHER_ENTRIES_MAX, bytes: GATHER_BYTES_MAX }
    }
}

impl From<StoreError> for AuditsError {
    fn from(error: StoreError) -> Self {
        Self::View(ViewError::Store(error))
    }
}

/// An entry that was read, and what it is filed under.
struct Read {
    seen: Arc<Seen>,
    links: Vec<Link>,
}

/// Reads at one size, and remembers.
pub struct Reading<'a> {
    sitting: &'a Sitting,
    pub size: TreeSize,
    logged_at: Option<LoggedAt>,
    roots: Vec<(LeafIndex, Arc<Seen>)>,
    read: HashMap<LeafIndex, Read>,
    /// Of the bodies in `read`.
    bytes: u64,
}

impl<'a> Reading<'a> {
    /// Waits for the search rows, then reads the roots below `size`.
    pub fn new(sitting: &'a Sitting, size: TreeSize) -> Result<Self, AuditsError> {
        let (view, audits) = (&sitting.desk.view, &sitting.audits);
        if size > view.size() {
            return Err(ViewError::NotPublished { size, newest: view.size(), next: None }.into());
        }
        // What is withheld is filed anew, for every size.
        let reach = size.max(audits.index.withheld_reach().min(view.size()));
        if !audits.index.wait(reach) {
            return Err(AuditsError::Behind { followed: audits.index.followed(), size });
        }
        let logged_at = logged_at(view, size)?;
        let mut reading = Self { sitting, size, logged_at, roots: Vec::new(), read: HashMap::new(), bytes: 0 };
        for at in reading.linked(&Wanted { link: Link::ROOTS, which: Which::All })? {
            reading.fetch(&[at])?;
            if let Some(read) = reading.read.get(&at) {
                reading.roots.push((at, Arc::clone(&read.seen)));
            }
        }
        Ok(reading)
    }

    /// Roots below this size, whose word counts, oldest first.
    pub fn roots(&self) -> impl Iterator<Item = (LeafIndex, &Artifact<'static>)> {
        self.roots.iter().filter_map(|(at, seen)| Some((*at, seen.body.as_ref()?)))
    }

    fn linked(&self, wanted: &Wanted) -> Result<Vec<LeafIndex>, AuditsError> {
        let (index, Wanted { link, which }) = (&self.sitting.audits.index, wanted);
        Ok(match which {
            Which::All => index.linked(link, self.size, GATHER_ENTRIES_MAX + 1)?,
            Which::First(most) => index.linked(link, self.size, *most)?,
            Which::From(first) => index.linked_from(link, *first, self.size)?.into_iter().collect(),
            Which::Below(end) => {
                let below = TreeSize::new(end.get().min(self.size.get()));
                index.newest(link, below)?.into_iter().collect()
            }
        })
    }

    /// Whether anything is filed under a link.
    pub fn is_any_under(&self, link: Link) -> Result<bool, AuditsError> {
        Ok(!self.linked(&Wanted { link, which: Which::First(1) })?.is_empty())
    }

    /// Entries that may bear a name, from `first` on.
    pub fn named(&self, name: (Sort, &str), first: LeafIndex, limit: usize) -> Result<Vec<LeafIndex>, AuditsError> {
        Ok(self.sitting.audits.index.named(name, first, self.size, limit)?)
    }

    /// Everything that a collection asks for: one batched read a round.
    pub fn gather(&mut self, mut gather: Gather) -> Result<Gather, AuditsError> {
        let mut bytes = 0;
        loop {
            let wanted = gather.wanted();
            if wanted.is_empty() {
                return Ok(gather);
            }
            let mut found = BTreeMap::new();
            for wanted in &wanted {
                let new = self.linked(wanted)?.into_iter().filter(|at| gather.is_new(*at));
                found.extend(new.map(|at| (at, wanted.link)));
            }
            if gather.found().len() + found.len() > GATHER_ENTRIES_MAX {
                return Err(AuditsError::too_large());
            }
            let found: Vec<_> = found.into_iter().collect();
            for part in found.chunks(FETCH_ENTRIES) {
                self.fetch(&part.iter().map(|(at, _)| *at).collect::<Vec<_>>())?;
                for (at, link, read) in part.iter().filter_map(|(at, link)| Some((*at, link, self.read.get(at)?))) {
                    // A row that is older than what withholds the body leads to what is
                    // not at hand, and so leaves the report open.
                    if !read.links.contains(link) && read.seen.body.is_some() {
                        let what = format!("a search row leads to an entry that is not linked so, at {at}");
                        return Err(ViewError::Unsound { what }.into());
                    }
                    bytes += read.seen.entry.body_bytes;
                    gather.take(at, &read.seen, read.links.iter().copied());
                }
                if bytes > GATHER_BYTES_MAX {
                    return Err(AuditsError::too_large());
                }
            }
        }
    }

    /// Reads what was not read before.
    pub fn fetch(&mut self, indexes: &[LeafIndex]) -> Result<(), AuditsError> {
        let wanted: Vec<_> = indexes.iter().filter(|at| !self.read.contains_key(at)).copied().collect();
        for paper in self.sitting.desk.read_all(&wanted)? {
            self.take(paper.stored.index, Arc::clone(&paper.seen));
        }
        Ok(())
    }

    fn take(&mut self, at: LeafIndex, seen: Arc<Seen>) {
        let body = seen.body.as_ref().map(|body| (body.payload_hash(), body.payload()));
        let before = self.roots.partition_point(|(roots, _)| *roots < at);
        let roots = self.roots[..before].last().and_then(|(_, seen)| seen.body.as_ref()).map(Artifact::payload);
        let filing = Filing { at, entry: &seen.entry, body };
        let links = filed_under(&filing, roots, &self.sitting.audits.operator, Some(&self.sitting.audits.origin));
        self.bytes += seen.entry.body_bytes;
        self.read.insert(at, Read { seen, links });
    }

    /// An entry that was read.
    pub fn seen(&self, at: LeafIndex) -> Option<Arc<Seen>> {
        self.read.get(&at).map(|read| Arc::clone(&read.seen))
    }

    /// Whether a decision among these is under a token that none of them issues:
    /// whose it is, others may tell.
    pub fn names_unknown_token(&self, entries: &BTreeSet<LeafIndex>) -> bool {
        let bodies = || entries.iter().filter_map(|at| self.read.get(at)?.seen.body.as_ref());
        let tokens = |kind| bodies().filter(move |body| body.kind() == kind).map(|body| body.keys().token_hash);
        let issued: BTreeSet<_> = tokens(Kind::CstIssuance).flatten().collect();
        tokens(Kind::ArgocdDecision).any(|token| token.is_none_or(|hash| !issued.contains(&hash)))
    }

    /// What an entry is filed under, once it was read.
    pub fn links(&self, at: LeafIndex) -> &[Link] {
        self.read.get(&at).map_or(&[], |read| &read.links)
    }

    /// Names of a sort that an entry bears, once it was read.
    pub fn named_by(&self, at: LeafIndex, sort: Sort) -> Vec<String> {
        let Some(Read { seen, .. }) = self.read.get(&at) else { return Vec::new() };
        let Some(body) = &seen.body else { return Vec::new() };
        let borne = names(body.kind(), body.signer(), &body.keys(), Some(body.payload()));
        borne.into_iter().filter(|named| named.sort == sort).map(|named| named.name).collect()
    }

    /// Whether an entry that was read bears a name.
    pub fn names(&self, at: LeafIndex, sort: Sort, name: &str) -> bool {
        self.named_by(at, sort).iter().any(|named| named == name)
    }

    /// Kind of an entry that was read.
    pub fn kind(&self, at: LeafIndex) -> Option<Kind> {
        self.read.get(&at).map(|read| read.seen.entry.kind)
    }

    /// Whether it is an entry that reports of many scopes read.
    pub fn is_shared(&self, at: LeafIndex) -> bool {
        self.read.get(&at).is_some_and(|read| is_shared(read.seen.entry.kind))
    }

    /// Whether the statement of an entry stands below it under the same roots, so
    /// that no rule reads it here.
    pub fn is_again(&self, at: LeafIndex) -> Result<bool, AuditsError> {
        let begin = self.begins_below(at).last().unwrap_or(LeafIndex::new(0));
        let desk = &self.sitting.desk;
        Ok(desk.stated_in(&*desk.read(at)?, begin..at)?.is_some())
    }

    /// Where the statement of an entry stands below it first under each of the
    /// roots before those in force there.
    pub fn judged_below(&self, at: LeafIndex) -> Result<Vec<LeafIndex>, AuditsError> {
        let desk = &self.sitting.desk;
        let (paper, begins): (_, Vec<_>) = (desk.read(at)?, self.begins_below(at).collect());
        let found = begins.windows(2).map(|begins| desk.stated_in(&paper, begins[0]..begins[1]));
        Ok(found.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }

    /// Where entries below an index begin to be judged by other roots, the first
    /// by none.
    fn begins_below(&self, at: LeafIndex) -> impl Iterator<Item = LeafIndex> {
        let roots = self.roots.iter().map(|(roots, _)| roots.get() + 1).take_while(move |begin| *begin <= at.get());
        std::iter::once(0).chain(roots).map(LeafIndex::new)
    }

    /// How many entries were read.
    pub fn count(&self) -> usize {
        self.read.len()
    }

    /// Bytes of the bodies that were read.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Audits entries that were read, as part of the log at this size.
    pub fn audit(&self, found: &BTreeSet<LeafIndex>) -> Result<Report, AuditsError> {
        let mut timeline = Timeline::default().of_log(&*self.sitting.audits.origin);
        for at in found {
            if let Some(read) = self.read.get(at) {
                timeline.add_seen(*at, Arc::clone(&read.seen));
            }
        }
        let attested: BTreeSet<_> = timeline.attested_sizes().filter(|size| *size <= self.size).collect();
        for size in attested {
            if let Some(logged_at) = logged_at(&self.sitting.desk.view, size)? {
                timeline.know(size, KnownSize { logged_at, root: self.sitting.desk.view.root(size)? });
            }
        }
        let prefix = Prefix { size: self.size, logged_at: self.logged_at };
        Ok(audit_slice(&timeline, &prefix, &self.sitting.audits.operator))
    }
}

/// Time of the last entry below `size`; `None` for the empty log.
fn logged_at(view: &View, size: TreeSize) -> Result<Option<LoggedAt>, ViewError> {
    let Some(last) = size.get().checked_sub(1) else { return Ok(None) };
    Ok(Some(view.entry(LeafIndex::new(last))?.entry.logged_at))
}
