//! Erasing what is withheld, of a log that does not run: the bodies of an artifact,
//! of its statement in other envelopes and of the bundles that hold it.
//!
//! ```text
//! open as a start does ─ search rows follow ─ flush ─ ONE synced batch empties the bodies ─ flush ─ compact
//! ```
//!
//! Ended anywhere, it is done again from the beginning: until the batch nothing is
//! gone, after it nothing is shown that was, and compacting twice costs time alone.
//! The search rows come first, since afterwards nobody could say which they were.

use std::time::{Duration, Instant};

use crate::artifact::digest::ArtifactDigest;
use crate::codes::{self, Code};
use crate::entry::SequencedEntry;
use crate::merkle::LeafIndex;
use crate::server::index::{Index, bundles_by};
use crate::server::log::recovery::OpenError;
use crate::server::log::view::ViewError;
use crate::server::log::withholding::{named_by, same_as};
use crate::server::log::{Log, Opening};
use crate::server::store::withheld::{Row, What};
use crate::server::store::{Store, StoreError};

/// How long the search rows may stand still before this gives up: nothing is erased then.
const STILL_MAX: Duration = Duration::from_secs(120);
/// How long the log may take to end.
const END_MAX: Duration = Duration::from_secs(30);

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The entry that withholds it.
    pub by: LeafIndex,
    /// Entries whose bodies were there and are gone.
    pub now: Vec<LeafIndex>,
    /// Entries whose bodies were gone before.
    pub before: Vec<LeafIndex>,
}

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// No entry withholds it.
    #[error("digest: {digest} is not withheld by the operator; log the withholding first, erasing follows it")]
    NotWithheld {
        /// The artifact.
        digest: ArtifactDigest,
    },
    /// The log does not take writes.
    #[error("log: takes no writes ({code}); mend that first")]
    NoWrites {
        /// What a submission would be told.
        code: &'static Code,
    },
    /// The search rows do not follow.
    #[error("search: {followed} entries are followed and no more come; read the service's lines, then try again")]
    Behind {
        /// How far they came.
        followed: u64,
    },
    /// The log does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A row cannot be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EraseError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::NotWithheld { .. } => &codes::start::NOT_WITHHELD,
            Self::NoWrites { code } => code,
            Self::Behind { .. } => &codes::service::INDEX_BEHIND,
            Self::Open(error) => error.code(),
            Self::View(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// Empties the bodies that the withholding of `digest` withholds, and compacts what
/// held them. The log is opened as a start opens it, and closed again. Cost: every
/// bundle is read once; the search rows and what lies beside the bodies are written anew.
///
/// # Errors
/// [`EraseError`]; [`StoreError::Write`] alone leaves open whether they are gone, and
/// then doing it again is safe.
pub fn erase(opening: Opening, digest: &ArtifactDigest) -> Result<Erased, EraseError> {
    let (operator, origin) = (opening.operator.clone(), opening.origin.as_str().to_owned());
    let (log, running) = Log::open(opening)?;
    let index = Index::start(&log, operator, origin);
    let ending = index.ending();
    let erased = empty(&log, &index, digest);
    drop((log, index));
    // Whoever opens it next finds the locks given back.
    _ = running.join_within(END_MAX);
    _ = ending.wait(END_MAX);
    erased
}

fn empty(log: &Log, index: &Index, digest: &ArtifactDigest) -> Result<Erased, EraseError> {
    // A clock that is not believed keeps entries out; here none is written.
    if let Some(code) = log.refusals().into_iter().find(|code| *code != &codes::service::CLOCK_UNSOUND) {
        return Err(EraseError::NoWrites { code });
    }
    let (store, view) = (log.store(), log.view());
    let found = view.find_artifact(digest)?;
    let by = found.first().and_then(|found| named_by(store.withheld(), &found.entry));
    let by = by.ok_or(EraseError::NotWithheld { digest: *digest })?;
    follow(index, log)?;
    let mut at = same_as(store, digest, usize::MAX)?;
    at.extend(bundles_by(store, |withholding| withholding == by)?);
    let mut erased = Erased { by, now: Vec::new(), before: Vec::new() };
    let mut rows: Vec<Row> = Vec::new();
    for at in at {
        let is_there = store.body(at)?.is_some_and(|body| !body.is_empty());
        if is_there { &mut erased.now } else { &mut erased.before }.push(at);
        rows.extend(row_of(store, at, by)?);
    }
    // Rows of names are lost by a power cut until they are flushed, and nobody could
    // drop them again once the bodies are gone.
    store.flush()?;
    store.empty_bodies(&erased.now, &rows, view.size())?;
    store.withheld().add(&rows);
    store.flush()?;
    store.compact_erased([&erased.now[..], &erased.before].concat().as_slice())?;
    Ok(erased)
}

/// A body that is gone says no more what it showed: its own digest does.
fn row_of(store: &Store, at: LeafIndex, by: LeafIndex) -> Result<Option<Row>, EraseError> {
    let entry = store.entry(at)?.and_then(|bytes| SequencedEntry::decode(&bytes).ok());
    let entry = entry.filter(|entry| named_by(store.withheld(), entry).is_none());
    Ok(entry.map(|entry| (What::Artifact(entry.digest), by)))
}

fn follow(index: &Index, log: &Log) -> Result<(), EraseError> {
    let size = log.view().size();
    let (mut reached, mut since) = (index.followed(), Instant::now());
    while !index.wait(size) {
        let followed = index.followed();
        if followed > reached {
            (reached, since) = (followed, Instant::now());
        } else if since.elapsed() > STILL_MAX {
            return Err(EraseError::Behind { followed: followed.get() });
        }
    }
    Ok(())
}
