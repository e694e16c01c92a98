//! Why the store did not answer.

use crate::codes::{self, Code};

/// What the system calls a file that is not there.
const FILE_GONE: &str = "No such file or directory";
/// What it calls a disk, or somebody's share of it, that has no room.
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// What runs a log again whose store does not open, whoever met it.
const WHOLE_COPY: &str = "put a whole copy of the newest data in its place, with \
     the guard that is there now, and start it with pulselog serve --seen CHECKPOINT, the newest one that anybody kept; \
     where the guard is lost too, pulselog rebuild-guard --seen CHECKPOINT first";

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not open, and what is whole can be shown.
    #[error(
        "store: does not open: {0}; leave it as it lies: pulselog serve --read-only shows what is whole. To run the log again, {WHOLE_COPY}"
    )]
    Open(rocksdb::Error),
    /// Nor does it for whoever only reads.
    #[error(
        "store: does not open, not even for reading alone: {0}; no command can read it, so keep it aside as it lies. To run the log again, {WHOLE_COPY}"
    )]
    Closed(rocksdb::Error),
    /// There is no room for what is to be written.
    #[error(
        "store: there is no room on the disk: {0}; nothing is damaged and nothing that was acknowledged is lost: make room, then start again; pulselog serve --read-only shows the log meanwhile"
    )]
    Full(rocksdb::Error),
    /// A start would not have room for what it writes.
    #[error(
        "store: {free} bytes are free on its disk, and a start may write {needed}; nothing was changed, and nothing is lost: make room, then start again; pulselog serve --read-only shows the log meanwhile"
    )]
    NoRoom {
        /// What its write-ahead logs hold, and some.
        needed: u64,
        /// What is left.
        free: u64,
    },
    /// A record of a type that is never written.
    #[error(
        "store: file {file} is damaged: the record at byte {offset} is of type {kind}, which this program never writes; nothing was changed: leave it as it lies, and put a whole copy of the newest data in its place"
    )]
    Record {
        /// Its name.
        file: String,
        /// Where the record begins.
        offset: u64,
        /// Its type.
        kind: u8,
    },
    /// Tables without the file that says where the store begins.
    #[error(
        "store: its file CURRENT is gone, and nothing says which of its other files count; leave it as it lies, and put a whole copy of the newest data in its place"
    )]
    Current,
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
    /// Of an opening that failed: without room nothing is damaged.
    pub(super) fn opening(error: rocksdb::Error) -> Self {
        if has_no_room(&error) { Self::Full(error) } else { Self::Open(error) }
    }

    /// The same of a write; whether it was persisted is unknown either way.
    pub(super) fn writing(error: rocksdb::Error) -> Self {
        if has_no_room(&error) { Self::Full(error) } else { Self::Write(error) }
    }

    /// Whether bytes are not what was written, or a file of them is gone. A
    /// disk that does not answer is no damage yet.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Record { .. } | Self::Current => true,
            // RocksDB has no kind of error for a file that is not there.
            Self::Read(error) => error.kind() == rocksdb::ErrorKind::Corruption || error.as_ref().contains(FILE_GONE),
            _ => false,
        }
    }

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Open(_) | Self::Closed(_) => &codes::start::STORE_OPEN,
            Self::Full(_) | Self::NoRoom { .. } => &codes::start::DISK_FULL,
            Self::Busy => &codes::start::STORE_BUSY,
            _ if self.is_damage() => &codes::service::STORE_DAMAGED,
            Self::Read(_) => &codes::start::STORE_READ,
            Self::Write(_) | Self::Fault(_) => &codes::start::STORE_WRITE,
            Self::Damaged { .. } | Self::Record { .. } | Self::Current => &codes::service::STORE_DAMAGED,
            Self::Family { .. } => &codes::start::STORE_FAMILY,
        }
    }
}

fn has_no_room(error: &rocksdb::Error) -> bool {
    NO_ROOM.iter().any(|said| error.as_ref().contains(said))
}
