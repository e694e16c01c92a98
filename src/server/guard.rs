//! The head guard: which chain is the log's.
//!
//! A small file outside the data directory, best on another disk. It moves by
//! compare-and-swap from the previous head to the next one, after the store
//! has taken a batch and before any signature leaves the process. So an old
//! copy of the data beside it, or a second copy that runs, is found before it
//! can sign a second history. An object store's conditional put can stand in
//! for it.
//!
//! ```text
//! block 0  4096 bytes  ┐ overwritten in turn, preallocated, fdatasync'd:
//! block 1  4096 bytes  ┘ a torn write leaves the other block whole
//! record: "plgguard" ‖ version ‖ sequence ‖ SHA-256(origin) ‖ size ‖ root ‖ SHA-256(note) ‖ SHA-256(all before)
//! ```
//!
//! If lost: the log refuses to start until an operator names a checkpoint that
//! it must extend. If an attacker writes it: the log stops; it signs nothing
//! false, since the store must still extend whatever the guard says.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::checkpoint::{Origin, TreeHead};
use crate::merkle::{Hash, RootHash, TreeSize};
use crate::server::faults::{Faults, WriteStep};

/// Size of one block: a page, so that one overwrite is one write of the device.
pub const BLOCK_BYTES: usize = 4_096;
const MAGIC: &[u8; 8] = b"plgguard";
const VERSION: u64 = 1;
const RECORD_BYTES: usize = 8 + 8 + 8 + 32 + 8 + 32 + 32;

/// What the guard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardRecord {
    /// Grows by one a write; its parity names the block.
    pub sequence: u64,
    /// SHA-256 of the origin line.
    pub origin: Hash,
    /// The guarded head.
    pub head: TreeHead,
    /// SHA-256 of the signed note over that head; zeros at size 0 before the first note.
    pub note: Hash,
}

impl GuardRecord {
    /// The record of an empty log.
    #[must_use]
    pub fn initial(origin: &Origin) -> Self {
        let head = TreeHead { size: TreeSize::ZERO, root: crate::merkle::empty_root() };
        Self { sequence: 0, origin: hash_text(origin.as_str()), head, note: Hash::from_bytes([0; 32]) }
    }

    /// The record that follows this one.
    #[must_use]
    pub fn next(&self, head: TreeHead, note: &[u8]) -> Self {
        let note = Hash::from_bytes(Sha256::digest(note).into());
        Self { sequence: self.sequence + 1, origin: self.origin, head, note }
    }

    fn encode(&self) -> [u8; BLOCK_BYTES] {
        let mut block = [0; BLOCK_BYTES];
        let root = *self.head.root.hash().as_bytes();
        let parts: [&[u8]; 7] = [
            MAGIC,
            &VERSION.to_be_bytes(),
            &self.sequence.to_be_bytes(),
            self.origin.as_bytes(),
            &self.head.size.get().to_be_bytes(),
            &root,
            self.note.as_bytes(),
        ];
        let mut at = 0;
        for part in parts {
            block[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        let sum: [u8; 32] = Sha256::digest(&block[..RECORD_BYTES]).into();
        block[RECORD_BYTES..RECORD_BYTES + 32].copy_from_slice(&sum);
        block
    }

    fn decode(block: &[u8; BLOCK_BYTES]) -> Option<Self> {
        let sum: [u8; 32] = Sha256::digest(&block[..RECORD_BYTES]).into();
        let rest_is_zero = block[RECORD_BYTES + 32..].iter().all(|b| *b == 0);
        if block[RECORD_BYTES..RECORD_BYTES + 32] != sum || &block[..8] != MAGIC || !rest_is_zero {
            return None;
        }
        let number = |at: usize| block[at..at + 8].try_into().map(u64::from_be_bytes).ok();
        let hash = |at: usize| block[at..at + 32].try_into().map(Hash::from_bytes).ok();
        if number(8)? != VERSION {
            return None;
        }
        Some(Self {
            sequence: number(16)?,
            origin: hash(24)?,
            head: TreeHead { size: TreeSize::new(number(56)?), root: RootHash::new(hash(64)?) },
            note: hash(96)?,
        })
    }
}

/// SHA-256 of a text.
#[must_use]
pub fn hash_text(text: &str) -> Hash {
    Hash::from_bytes(Sha256::digest(text.as_bytes()).into())
}

/// What lies in the guard file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardState {
    /// No file.
    Missing,
    /// A file whose creation was interrupted: the second block was never written.
    Unfinished,
    /// The newest valid record.
    Record(GuardRecord),
    /// Both blocks are bad.
    Unreadable,
}

/// Compare-and-swap of the head: the one promise that the sequencer needs.
pub trait HeadGuard: Send {
    /// Moves the guard from `previous` to `next`, durably.
    ///
    /// # Errors
    /// [`GuardError::Lost`] when it does not say `previous`: another copy of
    /// the data runs. [`GuardError::Io`] leaves open which record it says.
    fn compare_and_swap(&mut self, previous: &GuardRecord, next: &GuardRecord) -> Result<(), GuardError>;
}

/// The guard in a local file, locked exclusively for the life of the process.
pub struct FileGuard {
    path: PathBuf,
    file: File,
    faults: Arc<dyn Faults>,
}

impl FileGuard {
    /// Opens and locks an existing guard; `None` when there is no file.
    ///
    /// # Errors
    /// [`GuardError::Busy`] when another process holds it.
    pub fn open(path: &Path, faults: Arc<dyn Faults>) -> Result<Option<Self>, GuardError> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            // A guard on a medium that became read-only can still be read and locked.
            Err(e) if matches!(e.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) => {
                OpenOptions::new().read(true).open(path).map_err(|e| GuardError::io(path, e))?
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(GuardError::io(path, e)),
        };
        Self::locked(path, file, faults).map(Some)
    }

    /// Creates the guard of an empty log. A crash in it leaves no file, an
    /// [`GuardState::Unfinished`] one, which the next start creates again, or a
    /// whole one.
    ///
    /// # Errors
    /// [`GuardError::Io`], [`GuardError::Busy`].
    pub fn create(path: &Path, record: &GuardRecord, faults: Arc<dyn Faults>) -> Result<Self, GuardError> {
        let io = |e| GuardError::io(path, e);
        faults.before(WriteStep::GuardCreate).map_err(io)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(io)?;
        let mut guard = Self::locked(path, file, faults)?;
        // Both blocks exist before any counts, so that later writes never allocate.
        guard.file.write_all_at(&[0; 2 * BLOCK_BYTES], 0).map_err(io)?;
        guard.write(record).map_err(io)?;
        sync_parent(path).map_err(io)?;
        guard.faults.after(WriteStep::GuardCreate).map_err(io)?;
        Ok(guard)
    }

    fn locked(path: &Path, file: File, faults: Arc<dyn Faults>) -> Result<Self, GuardError> {
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), file, faults }),
            Err(TryLockError::WouldBlock) => Err(GuardError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(e)) => Err(GuardError::io(path, e)),
        }
    }

    /// Reads both blocks and returns the newer valid record.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn read(&self) -> Result<GuardState, GuardError> {
        let mut newest: Option<GuardRecord> = None;
        let mut second_is_blank = true;
        for block in 0..2_u64 {
            let Some(bytes) = self.block(block)? else { continue };
            second_is_blank = bytes == [0; BLOCK_BYTES];
            if let Some(record) = record_in(block, &bytes)
                && newest.is_none_or(|n| n.sequence < record.sequence)
            {
                newest = Some(record);
            }
        }
        let bad = if second_is_blank { GuardState::Unfinished } else { GuardState::Unreadable };
        Ok(newest.map_or(bad, GuardState::Record))
    }

    /// Blocks that hold neither a record in its place nor the zeros of a new
    /// guard: the log does without one of them, fsck names it.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn damaged_blocks(&self) -> Result<Vec<u64>, GuardError> {
        let mut damaged = Vec::new();
        for block in 0..2_u64 {
            let bytes = self.block(block)?;
            let is_good = bytes.is_some_and(|b| b == [0; BLOCK_BYTES] || record_in(block, &b).is_some());
            if !is_good {
                damaged.push(block);
            }
        }
        Ok(damaged)
    }

    /// `None` when the file is too short to hold it.
    fn block(&self, block: u64) -> Result<Option<[u8; BLOCK_BYTES]>, GuardError> {
        let mut bytes = [0; BLOCK_BYTES];
        match self.file.read_exact_at(&mut bytes, block * BLOCK_BYTES as u64) {
            Ok(()) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(GuardError::io(&self.path, e)),
        }
    }

    fn write(&mut self, record: &GuardRecord) -> io::Result<()> {
        let at = (record.sequence % 2) * BLOCK_BYTES as u64;
        self.file.write_all_at(&record.encode(), at)?;
        self.file.sync_data()
    }
}

/// A record is only good in the block that its sequence number names.
fn record_in(block: u64, bytes: &[u8; BLOCK_BYTES]) -> Option<GuardRecord> {
    GuardRecord::decode(bytes).filter(|record| record.sequence % 2 == block)
}

impl HeadGuard for FileGuard {
    fn compare_and_swap(&mut self, previous: &GuardRecord, next: &GuardRecord) -> Result<(), GuardError> {
        match self.read()? {
            GuardState::Record(found) if found == *previous => {}
            found => return Err(GuardError::Lost { expected: previous.head.size, found: Box::new(found) }),
        }
        let faults = Arc::clone(&self.faults);
        let moved = faults
            .before(WriteStep::GuardMove)
            .and_then(|()| self.write(next))
            .and_then(|()| faults.after(WriteStep::GuardMove));
        moved.map_err(|e| GuardError::io(&self.path, e))
    }
}

/// A new directory entry is durable only when its directory is.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// Why the guard did not move or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Another process holds it.
    #[error("guard {}: another process holds it; one log, one process", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It does not say what this process wrote last.
    #[error(
        "guard: it does not say what this process wrote last (size {expected}, found {found:?}); another copy of the data runs"
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
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "guard_busy",
            Self::Lost { .. } => "guard_lost",
            Self::Io { .. } => "guard_io",
        }
    }
}
