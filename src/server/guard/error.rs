//! Why the guard did not move or could not be read.

use std::io;
use std::path::{Path, PathBuf};

use crate::codes::{self, Code};
use crate::merkle::TreeSize;
use crate::server::guard::GuardState;

/// Why the guard did not move or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Another process holds it.
    #[error("guard {}: another process holds it; stop that one first (fsck --url reads a log that runs)", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The path is no plain file with this one name: found at the start.
    #[error("guard {}: {what}; a guard is one file under one name, so give that and remove the others", path.display())]
    Linked {
        /// The path.
        path: PathBuf,
        /// What lies there.
        what: &'static str,
    },
    /// The path no longer names the file that this process locked, or not it
    /// alone: whoever opens the path now may run beside this process.
    #[error(
        "guard {}: {what}; stop whatever else uses this path, put the newest guard back and start again",
        path.display()
    )]
    Moved {
        /// The path.
        path: PathBuf,
        /// What lies there.
        what: &'static str,
    },
    /// It does not say what this process wrote last, and whether another chain
    /// moved it is for the store to say.
    #[error(
        "guard: this process wrote size {expected} last, the file says {found}; \
         it was damaged, or an older copy lies over it: start again, and put the newest guard back if that refuses"
    )]
    Changed {
        /// What this process wrote last.
        expected: TreeSize,
        /// What lies there.
        found: Box<GuardState>,
    },
    /// It names a head that this store does not have.
    #[error(
        "guard: this process wrote size {expected} last, the file says {found}, which this store does not have; \
         another copy of the data runs"
    )]
    Lost {
        /// What this process wrote last.
        expected: TreeSize,
        /// What lies there.
        found: Box<GuardState>,
    },
    /// The file system failed.
    #[error("guard {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl GuardError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static Code {
        match self {
            Self::Busy { .. } => &codes::start::GUARD_BUSY,
            Self::Linked { .. } => &codes::start::GUARD_LINKED,
            Self::Moved { .. } => &codes::start::GUARD_MOVED,
            Self::Changed { .. } => &codes::start::GUARD_CHANGED,
            Self::Lost { .. } => &codes::start::GUARD_LOST,
            Self::Io { .. } => &codes::start::GUARD_IO,
        }
    }
}
