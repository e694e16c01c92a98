//! Why the store did not answer.

/// What the system calls a file that is not there.
const FILE_GONE: &str = "No such file or directory";

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not open.
    #[error(
        "store: does not open: {0}; leave it as it lies and run pulselog fsck; pulselog serve --read-only shows what is whole"
    )]
    Open(rocksdb::Error),
    /// Another process holds it.
    #[error(
        "store: another process holds it, be it with --read-only; stop that one first (fsck --url reads a log that runs)"
    )]
    Busy,
    /// A read failed; checksums are verified on every read.
    #[error(
        "store: read failed: {0}; look at the disk, run pulselog fsck, and put a whole copy of the newest data in its place; until then pulselog serve --read-only shows what is whole"
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
    /// Whether bytes are not what was written, or a file of them is gone. A
    /// disk that does not answer is no damage yet.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            // RocksDB has no kind of error for a file that is not there.
            Self::Read(error) => error.kind() == rocksdb::ErrorKind::Corruption || error.as_ref().contains(FILE_GONE),
            _ => false,
        }
    }

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(_) => "store_open",
            Self::Busy => "store_busy",
            _ if self.is_damage() => "store_damaged",
            Self::Read(_) => "store_read",
            Self::Write(_) | Self::Fault(_) => "store_write",
            Self::Damaged { .. } => "store_damaged",
            Self::Family { .. } => "store_family",
        }
    }
}
