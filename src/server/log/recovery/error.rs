//! Why a log does not start, and what to do about it.

use std::path::PathBuf;

use crate::codes::{self, Code};
use crate::entry::EntryError;
use crate::merkle::{LeafIndex, TreeSize};
use crate::sequence::SequenceError;
use crate::server::guard::GuardError;
use crate::server::log::publisher::Fatal;
use crate::server::log::view::ViewError;
use crate::server::store::StoreError;
use crate::server::store::layout::SCHEMA;
use crate::server::store::whole::Hole;

/// Why the log does not start. Each message ends with what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory cannot be made.
    #[error("data {}: {source}; choose a directory that this user may write", path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key that may not sign for the origin; checked before anything is pinned.
    #[error("key: its name {name} is not the origin {origin}; give the key that was made for this origin")]
    KeyName {
        /// Name of the key.
        name: String,
        /// The origin.
        origin: String,
    },
    /// This store lost a compare-and-swap.
    #[error(
        "store: this copy is a fork and never starts again ({why}); use the copy that the guard belongs to; pulselog serve --read-only shows what this one published"
    )]
    Fork {
        /// What happened.
        why: String,
    },
    /// The guard speaks of a log that this data directory does not hold.
    #[error(
        "store: the guard says size {size}, this data directory is empty; point --data at the log's data, or give a new log another guard"
    )]
    StoreMissing {
        /// Guarded size.
        size: TreeSize,
    },
    /// The guard file is gone.
    #[error("guard {}: missing beside a store of size {size}; put the guard back, or restore it from its disk; if it is lost for good, see pulselog rebuild-guard --help", path.display())]
    GuardMissing {
        /// Where it should be.
        path: PathBuf,
        /// Size of the store.
        size: TreeSize,
    },
    /// The guard lies inside the data directory.
    #[error("guard {}: lies inside the data directory; put it outside, best on another disk", path.display())]
    GuardInside {
        /// Where it was to be.
        path: PathBuf,
    },
    /// There is no directory for the guard.
    #[error(
        "guard {}: there is no directory {}; make it, or mount the disk that holds it", path.display(), directory.display()
    )]
    GuardDirectory {
        /// Where it should be.
        path: PathBuf,
        /// What is not there.
        directory: PathBuf,
    },
    /// The operator's word about the clock cannot be written down.
    #[error("clock mark {}: {source}; see that the guard's directory can be written", path.display())]
    ClockMark {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A guard is rebuilt for a log that is there.
    #[error("data {}: holds no log; give the directory that serve was given, or serve it once", path.display())]
    NoLog {
        /// The directory.
        path: PathBuf,
    },
    /// Nothing to rebuild.
    #[error("guard {}: is whole and belongs to this store; there is nothing to rebuild", path.display())]
    GuardWhole {
        /// The file.
        path: PathBuf,
    },
    /// A rebuilt guard rests on a checkpoint, and none was given.
    #[error("seen: a guard is rebuilt only under a checkpoint that was kept elsewhere; give the newest with --seen")]
    SeenNeeded,
    /// Both blocks are bad.
    #[error("guard: neither block is readable; restore the guard from its disk, or see pulselog rebuild-guard --help")]
    GuardUnreadable,
    /// The guard of another origin.
    #[error("guard: belongs to another origin; each log has its own guard")]
    GuardOrigin,
    /// The store is an old copy.
    #[error("guard: says size {guard}, the store holds {store}; this is an old copy of the data, use the newest one")]
    GuardNewer {
        /// Guarded size.
        guard: TreeSize,
        /// Size of the store.
        store: TreeSize,
    },
    /// The guard is an old copy.
    #[error(
        "guard: says size {guard}, the store holds {store} after {previous}; this is an old copy of the guard, put the newest one back, or see pulselog rebuild-guard --help"
    )]
    GuardOlder {
        /// Guarded size.
        guard: TreeSize,
        /// Size of the store.
        store: TreeSize,
        /// The guarded size before it.
        previous: TreeSize,
    },
    /// The guard names another root of the same size.
    #[error(
        "guard: names another root at size {guard}; store and guard are of two histories, find the data that the guard belongs to"
    )]
    GuardOtherRoot {
        /// Guarded size.
        guard: TreeSize,
    },
    /// Tiles and head disagree.
    #[error(
        "store: the tiles do not give the root at size {size}; the store is damaged, run pulselog fsck; until then pulselog serve --read-only shows what is whole"
    )]
    Root {
        /// The size.
        size: TreeSize,
    },
    /// The head's note is not the log's.
    #[error(
        "store: the note over the head of size {size} does not verify under the pinned key; run pulselog fsck; until then pulselog serve --read-only shows what is whole"
    )]
    HeadNote {
        /// The size.
        size: TreeSize,
    },
    /// An entry at the right edge is damaged.
    #[error(
        "store: entry {index} does not hash to its leaf; the store is damaged, run pulselog fsck; until then pulselog serve --read-only shows what is whole"
    )]
    Edge {
        /// The entry.
        index: LeafIndex,
    },
    /// Rows are missing below the head.
    #[error(
        "store: {hole} below the head of {size} entries: a part of the data was lost, or an older copy was put over it; nothing was changed. Put a whole copy of the newest data in its place and start with --seen, or keep this one and run pulselog fsck; until then pulselog serve --read-only shows what is whole"
    )]
    Hole {
        /// Size of the head.
        size: TreeSize,
        /// What is missing.
        hole: Hole,
    },
    /// Something pinned at initialisation differs.
    #[error("{what}: pinned at initialisation as {pinned}, given {given}; start with what was pinned")]
    Pinned {
        /// Which.
        what: &'static str,
        /// What was pinned.
        pinned: String,
        /// What was given.
        given: String,
    },
    /// Nothing can be shown without a checkpoint.
    #[error(
        "store: no checkpoint in it can be read that the log's key signed, so nothing of it can be shown; run pulselog fsck, and put a whole copy of the newest data in its place"
    )]
    NothingToShow,
    /// Another layout.
    #[error("store: layout version {found}, this program knows {SCHEMA}; use the release that wrote it")]
    Schema {
        /// Found version.
        found: u32,
    },
    /// A seen checkpoint that is not this log's.
    #[error("seen: {why}; give a checkpoint that this log signed")]
    SeenNote {
        /// Why.
        why: String,
    },
    /// A seen checkpoint beyond the store.
    #[error("seen: size {seen}, the store holds {store}; this is an old copy of the data, use the newest one")]
    SeenNewer {
        /// Seen size.
        seen: TreeSize,
        /// Size of the store.
        store: TreeSize,
    },
    /// A seen checkpoint of another history.
    #[error("seen: the store does not extend the checkpoint of size {seen}; do not start it, keep both as evidence")]
    SeenOtherRoot {
        /// Seen size.
        seen: TreeSize,
    },
    /// Read only, and the guarded checkpoint cannot be shown.
    #[error("key: does not answer, and the guarded checkpoint is not in the store")]
    KeySilent,
    /// The guard failed.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tiles failed.
    #[error(transparent)]
    View(#[from] ViewError),
    /// An entry does not decode.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The right edge has the wrong width.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The interrupted publish could not be finished.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl OpenError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Data { .. } => &codes::start::DATA_DIR,
            Self::KeyName { .. } => &codes::start::KEY_NAME,
            Self::Fork { .. } => &codes::start::STORE_FORK,
            Self::StoreMissing { .. } => &codes::start::STORE_MISSING,
            Self::GuardMissing { .. } => &codes::start::GUARD_MISSING,
            Self::GuardInside { .. } => &codes::start::GUARD_INSIDE,
            Self::ClockMark { .. } => &codes::start::CLOCK_MARK,
            Self::NoLog { .. } => &codes::start::NO_LOG,
            Self::GuardWhole { .. } => &codes::start::GUARD_WHOLE,
            Self::SeenNeeded => &codes::start::SEEN_NEEDED,
            Self::GuardDirectory { .. } => &codes::start::GUARD_DIRECTORY,
            Self::GuardUnreadable => &codes::start::GUARD_UNREADABLE,
            Self::GuardOrigin => &codes::start::GUARD_ORIGIN,
            Self::GuardNewer { .. } => &codes::start::GUARD_NEWER,
            Self::GuardOlder { .. } => &codes::start::GUARD_OLDER,
            Self::GuardOtherRoot { .. } => &codes::start::GUARD_OTHER_ROOT,
            Self::Root { .. } | Self::HeadNote { .. } | Self::Edge { .. } => &codes::service::STORE_DAMAGED,
            Self::Hole { .. } => &codes::start::STORE_HOLES,
            Self::Pinned { .. } => &codes::start::PINNED,
            Self::NothingToShow => &codes::start::NOTHING_TO_SHOW,
            Self::Schema { .. } => &codes::start::STORE_SCHEMA,
            Self::SeenNote { .. } => &codes::start::SEEN_NOTE,
            Self::SeenNewer { .. } => &codes::start::SEEN_NEWER,
            Self::SeenOtherRoot { .. } => &codes::start::SEEN_OTHER_ROOT,
            Self::KeySilent => &codes::start::KEY_SILENT,
            Self::Guard(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::View(e) => e.code(),
            Self::Entry(e) => e.code(),
            Self::Sequence(e) => e.code(),
            Self::Fatal(_) => &codes::service::LOG_STOPPED,
        }
    }
}
