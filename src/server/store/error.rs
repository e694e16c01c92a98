//! Why the store did not answer.

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not open.
    #[error("store: does not open: {0}; leave it as it lies and run pulselog fsck")]
    Open(rocksdb::Error),
    /// Another process holds it.
    #[error("store: another process holds it; one log, one process")]
    Busy,
    /// A read failed; checksums are verified on every read.
    #[error(
        "store: read failed: {0}; look at the disk, run pulselog fsck, and put a whole copy of the newest data in its place"
    )]
    Read(rocksdb::Error),
    /// A write failed; whether it was persisted is unknown.
    #[error("store: write failed: {0}")]
    Write(rocksdb::Error),
    /// A fault that a test asked for.
    #[error("store: injected fault: {0}")]
    Fault(std::io::Error),
    /// A row does not say what its writer writes.
    #[error("store: row {row} is damaged")]
    Damaged {
        /// Family and key.
        row: String,
    },
    /// A column family is missing.
    #[error("store: column family {name} is missing")]
    Family {
        /// Its name.
        name: &'static str,
    },
}

impl StoreError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open(_) => "store_open",
            Self::Busy => "store_busy",
            Self::Read(_) => "store_read",
            Self::Write(_) | Self::Fault(_) => "store_write",
            Self::Damaged { .. } => "store_damaged",
            Self::Family { .. } => "store_family",
        }
    }
}
