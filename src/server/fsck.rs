//! fsck: recompute everything from the entries up, and name what differs.
//!
//! It believes nothing that the store derived: leaf hashes, tiles, roots,
//! identities, statements and body digests are computed again from entries and
//! bodies, artifacts are authenticated again, every published checkpoint is
//! verified under the pinned key. It goes on after a problem, so that one
//! report names all of them, up to [`PROBLEMS_MAX`].

mod body;
mod local;
pub mod remote;
pub(super) mod tree;

use std::path::Path;

use crate::codes::{self, Code};
use crate::merkle::TreeSize;
use crate::server::guard::GuardError;
use crate::server::store::StoreError;
use crate::trust::TrustError;

pub use local::check;

/// Problems that one report names; more add nothing but length.
pub const PROBLEMS_MAX: usize = 1_000;

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// What: `entry 5`, `tile 0/12`, `identity of entry 7`, `guard` …
    pub what: String,
    /// How it differs.
    pub why: String,
}

/// What was found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Report {
    /// Size of the tree that was checked.
    pub size: u64,
    /// Entries hashed again.
    pub entries: u64,
    /// Bodies whose digest and signature were checked again.
    pub bodies: u64,
    /// Tiles compared.
    pub tiles: u64,
    /// Published checkpoints verified.
    pub checkpoints: u64,
    /// What is wrong; empty means clean.
    pub problems: Vec<Problem>,
    /// Whether problems beyond [`PROBLEMS_MAX`] were left out.
    pub cut: bool,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn note(&mut self, what: impl Into<String>, why: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { what: what.into(), why: why.into() });
        } else {
            self.cut = true;
        }
    }
}

/// Told now and then how far the walk is: entries done, entries in all.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// Why fsck could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
    /// There is no log.
    #[error("data {path}: holds no log; give the directory that serve was given, or serve it once")]
    NoLog {
        /// The directory.
        path: String,
    },
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The guard is held by a running log.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The remote log does not answer with a checkpoint.
    #[error("log: {0}")]
    Remote(String),
    /// The remote log's checkpoint is not believed.
    #[error("log: checkpoint: {0}")]
    Checkpoint(#[from] TrustError),
    /// Key and log are not of one another.
    #[error("--vkey: is of {key}, the log that answers is {origin}; give that log's verifier key, or its own address")]
    Elsewhere {
        /// The key's name.
        key: String,
        /// Of the log.
        origin: String,
        /// As a policy of another log has it.
        code: &'static Code,
    },
    /// Values of one body would fill the memory of this run.
    #[error("log: {what}: its values would fill more memory than this run may take; give more with --memory-max")]
    Memory {
        /// Whose.
        what: String,
    },
    /// A bound of this run was reached: nothing is said of what was not read.
    #[error("log: {why}")]
    Ended {
        /// Which.
        code: &'static Code,
        /// In words.
        why: String,
    },
}

impl FsckError {
    /// Whether the log was not read to its end, and nothing is said against it.
    #[must_use]
    pub const fn is_incomplete(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Memory { .. } | Self::Remote(_) | Self::Elsewhere { .. })
    }

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::NoLog { .. } => &codes::start::NO_LOG,
            Self::Store(e) => e.code(),
            Self::Guard(e) => e.code(),
            Self::Remote(_) => &codes::start::REMOTE_LOG,
            Self::Checkpoint(e) => e.code(),
            Self::Memory { .. } => &codes::verdict::MEMORY_BUDGET,
            Self::Elsewhere { code, .. } | Self::Ended { code, .. } => code,
        }
    }
}

fn require_log(data: &Path) -> Result<(), FsckError> {
    if crate::server::log::recovery::is_log(data) {
        return Ok(());
    }
    Err(FsckError::NoLog { path: data.display().to_string() })
}

/// How often the progress is told.
const PROGRESS_EVERY: u64 = 1_024;

fn is_told(done: u64, size: TreeSize) -> bool {
    done.is_multiple_of(PROGRESS_EVERY) || done == size.get()
}
