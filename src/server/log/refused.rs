//! Why a submission is refused.

use crate::codes::{self, Code};

/// Why an item was not logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The queue has no room for the whole request now.
    #[error("queue: {waiting} of {limit} entries wait; try again in a second")]
    QueueFull {
        /// Entries that wait.
        waiting: usize,
        /// How many may.
        limit: usize,
    },
    /// The request would never fit.
    #[error("batch: {entries} entries after expansion, at most {limit} fit")]
    BatchTooLarge {
        /// Entries after expansion.
        entries: usize,
        /// How many may.
        limit: usize,
    },
    /// A disk is nearly full.
    #[error("disk: {free} bytes free, writes need {limit}; reads go on")]
    DiskLow {
        /// Free bytes.
        free: u64,
        /// The low-water mark.
        limit: u64,
    },
    /// The guard cannot be written: reads only.
    #[error("read only: {why}")]
    ReadOnly {
        /// Why.
        why: String,
    },
    /// The service was started for reading alone.
    #[error("read only: the log is served with --read-only; writes are taken where it runs")]
    ServedReadOnly,
    /// A part of the store is damaged: reads only.
    #[error("store: a part of it is damaged; writes stop, and reads that do not need it go on")]
    Degraded,
    /// The clock is not believed.
    #[error("clock: {why}; writes wait for it")]
    ClockUnsound {
        /// What was seen.
        why: String,
    },
    /// A row that speaks of this item is damaged.
    #[error("store: what it says of this artifact is damaged; the operator was told")]
    Damaged,
    /// The log stopped while this was under way.
    #[error("log: stopped before a checkpoint covered this; submit it again when the log is back")]
    Stopped,
}

impl SubmitError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static Code {
        match self {
            Self::QueueFull { .. } => &codes::service::QUEUE_FULL,
            Self::BatchTooLarge { .. } => &codes::service::BATCH_TOO_LARGE,
            Self::DiskLow { .. } => &codes::service::DISK_LOW,
            Self::ReadOnly { .. } => &codes::service::READ_ONLY,
            Self::ServedReadOnly => &codes::service::SERVED_READ_ONLY,
            Self::Degraded => &codes::service::DEGRADED,
            Self::ClockUnsound { .. } => &codes::service::CLOCK_UNSOUND,
            Self::Damaged => &codes::service::STORE_DAMAGED,
            Self::Stopped => &codes::service::LOG_STOPPED,
        }
    }
}
