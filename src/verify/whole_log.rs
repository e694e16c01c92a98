//! The whole log, read entry by entry from its tiles: what shows that
//! something is *not* in it (JUDGING 12.1).

use std::collections::BTreeSet;

use crate::artifact::KeyCache;
use crate::audit::{KnownSize, Timeline, authenticate_within};
use crate::checkpoint::TreeHead;
use crate::codes::{Code, verdict};
use crate::entry::{EntryError, SequencedEntry};
use crate::merkle::{Frontier, LeafIndex, RootHash, TreeSize, leaf_hash};
use crate::note::SignedNote;
use crate::trust::{TrustError, TrustPolicy, TrustedCheckpoint};
use crate::verify::budget::{Budget, OverBudget};

/// Why a copy of a log is no log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    #[error("checkpoint: {0}")]
    Trust(#[from] TrustError),
    #[error("entry {at}: {source}")]
    Entry { at: u64, source: EntryError },
    #[error("the {size} entries lead to another root than the signed one")]
    Root { size: TreeSize },
    #[error("holds {got} entries, the checkpoint covers {want}")]
    Short { got: u64, want: TreeSize },
    #[error("entry {at} is older than an entry before it, and a log's times never go back")]
    Order { at: LeafIndex },
    #[error("{what}: {source}")]
    Memory { what: String, source: OverBudget },
    #[error("has {size} entries, so there is no tree of {asked}")]
    Beyond { size: TreeSize, asked: TreeSize },
}

impl CopyError {
    /// Whether a bound of the reader was reached or the policy is of another
    /// log, and nothing is said against what was read.
    #[must_use]
    pub const fn is_incomplete(&self) -> bool {
        match self {
            Self::Memory { .. } => true,
            Self::Trust(error) => error.is_of_another_log(),
            Self::Entry { .. } | Self::Root { .. } | Self::Short { .. } | Self::Order { .. } | Self::Beyond { .. } => {
                false
            }
        }
    }

    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Trust(error) => error.code(),
            Self::Entry { source, .. } => source.code(),
            Self::Root { .. } => &verdict::COPY_OTHER_ROOT,
            Self::Short { .. } => &verdict::COPY_SHORT,
            Self::Order { .. } => &verdict::COPY_OUT_OF_ORDER,
            Self::Memory { source, .. } => source.code(),
            Self::Beyond { .. } => &verdict::COPY_BEYOND,
        }
    }
}

/// A copy while it is read. Holds every entry and body.
#[derive(Debug)]
pub struct LogCopy {
    checkpoint: TrustedCheckpoint,
    frontier: Frontier,
    timeline: Timeline,
    keys: KeyCache,
    budget: Budget,
}

/// A whole log whose entries lead to a believed root.
#[derive(Debug)]
pub struct WholeLog {
    pub(super) timeline: Timeline,
    pub(super) head: TreeHead,
    pub(super) origin: String,
    /// The checkpoint over it, as it was read.
    pub(super) note: SignedNote,
    /// Bodies that were not there, or not those of their entries.
    pub bodies_missing: u64,
    /// What its bodies were authenticated with.
    pub(super) keys: KeyCache,
}

impl LogCopy {
    /// Starts to read the log that this checkpoint covers.
    ///
    /// # Errors
    /// The policy does not believe it.
    pub fn open(policy: &TrustPolicy, checkpoint: &[u8]) -> Result<Self, CopyError> {
        let checkpoint = policy.open(checkpoint)?;
        let timeline = Timeline::default().of_log(checkpoint.origin().to_string());
        Ok(Self {
            checkpoint,
            frontier: Frontier::empty(),
            timeline,
            keys: KeyCache::new().of_one_reading(),
            budget: Budget::default(),
        })
    }

    /// The same within another budget of memory.
    #[must_use]
    pub fn within(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// Entries that the checkpoint covers.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        self.checkpoint.head().size
    }

    /// The next entry. Returns the hex name of the body that [`LogCopy::push`]
    /// wants with it.
    ///
    /// # Errors
    /// It is no entry of ours.
    pub fn decode(&self, entry: &[u8]) -> Result<SequencedEntry, CopyError> {
        let at = self.frontier.size().get();
        SequencedEntry::decode(entry).map_err(|source| CopyError::Entry { at, source })
    }

    /// Takes the next entry, with its body when there is one. A body that is
    /// not authentic, or not the entry's, counts as missing.
    ///
    /// # Errors
    /// Bodies so far fill the memory that this run may keep.
    pub fn push(&mut self, bytes: &[u8], entry: SequencedEntry, body: Option<&[u8]>) -> Result<(), CopyError> {
        let at = LeafIndex::new(self.frontier.size().get());
        self.frontier.push(leaf_hash(bytes), &mut |_, _| {});
        let size = self.checkpoint.head().size.get();
        let over = |source: OverBudget| {
            // What it will ask for, if the rest is like what was read.
            let mib = (source.max as u64 >> 20).max(1).saturating_mul(size) / (at.get() + 1);
            CopyError::Memory { what: format!("entry {at} of {size}, all of which ask for some {mib} MiB"), source }
        };
        let body = match body {
            Some(body) => authenticate_within(&entry, body, &self.keys, self.budget.room_for(body.len()))
                .map_err(|_| over(self.budget.over()))?,
            None => None,
        };
        if let Some(body) = &body {
            self.budget.keep_artifact(body).map_err(over)?;
        }
        self.timeline.add(at, entry, body);
        Ok(())
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// The entries are not those of the signed root, or their times go back.
    pub fn finish(mut self) -> Result<WholeLog, CopyError> {
        let head = self.checkpoint.head();
        if self.frontier.size() != head.size {
            return Err(CopyError::Short { got: self.frontier.size().get(), want: head.size });
        }
        if self.frontier.root() != head.root {
            return Err(CopyError::Root { size: head.size });
        }
        in_order(&self.timeline)?;
        let wanted: BTreeSet<_> = self.timeline.attested_sizes().filter(|size| *size <= head.size).collect();
        know(&mut self.timeline, &wanted);
        let bodies_missing = self.timeline.prefix(head.size).filter(|(_, seen)| seen.body.is_none()).count() as u64;
        let origin = self.checkpoint.origin().to_string();
        let note = self.checkpoint.note().clone();
        Ok(WholeLog { timeline: self.timeline, head, origin, note, bodies_missing, keys: self.keys })
    }
}

/// Whether `logged_at` never decreases. Limits, windows and the end of a prefix
/// are read off it: entries whose times go back are judged by nobody, whoever
/// signed them.
///
/// # Errors
/// The first entry that is older than one before it.
pub(super) fn in_order(timeline: &Timeline) -> Result<(), CopyError> {
    let mut last = None;
    for (at, seen) in timeline.prefix(timeline.size()) {
        if Some(seen.entry.logged_at) < last {
            return Err(CopyError::Order { at });
        }
        last = Some(seen.entry.logged_at);
    }
    Ok(())
}

/// Recomputes what the trees of these sizes are.
fn know(timeline: &mut Timeline, sizes: &BTreeSet<TreeSize>) {
    let Some(largest) = sizes.last() else { return };
    let mut frontier = Frontier::empty();
    let mut known = Vec::new();
    for (_, seen) in timeline.prefix(*largest) {
        frontier.push(leaf_hash(&seen.entry.encode()), &mut |_, _| {});
        if sizes.contains(&frontier.size()) {
            known.push((frontier.size(), KnownSize { logged_at: seen.entry.logged_at, root: frontier.root() }));
        }
    }
    known.into_iter().for_each(|(size, is)| timeline.know(size, is));
}

impl WholeLog {
    /// Entries and bodies.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Which log it is, as its checkpoint says.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.note.as_str().lines().next().unwrap_or_default()
    }

    /// The signed tree that all of them are.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// Lets the time line know the tree of one more size: what
    /// [`crate::audit::attest`] needs.
    ///
    /// # Errors
    /// The log is not that long.
    pub fn know(&mut self, size: TreeSize) -> Result<(), CopyError> {
        if size > self.head.size {
            return Err(CopyError::Beyond { size: self.head.size, asked: size });
        }
        know(&mut self.timeline, &BTreeSet::from([size]));
        Ok(())
    }

    /// The root of its first entries; `None` beyond its end.
    #[must_use]
    pub fn root_at(&self, size: TreeSize) -> Option<RootHash> {
        if size == self.head.size { Some(self.head.root) } else { root_of(&self.timeline, size) }
    }
}

/// The root over the first entries, when all of them are here.
pub(super) fn root_of(timeline: &Timeline, size: TreeSize) -> Option<RootHash> {
    let mut frontier = Frontier::empty();
    for (at, seen) in timeline.prefix(size) {
        if at.get() != frontier.size().get() {
            return None;
        }
        frontier.push(leaf_hash(&seen.entry.encode()), &mut |_, _| {});
    }
    (frontier.size() == size).then(|| frontier.root())
}
