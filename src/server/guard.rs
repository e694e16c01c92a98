//! The head guard: which chain is the log's.
//!
//! A small file outside the data directory, best on another disk. It moves by
//! compare-and-swap from the previous head to the next one, after the store
//! has taken a batch and before any signature leaves the process. So an old
//! copy of the data beside it, or a second copy that runs, is found before it
//! can sign a second history. An object store's conditional put can stand in
//! for it.
//!
//! The lock and the comparison hold for one file, the promise for one path. So
//! before and after each move the path must still name the file that is locked,
//! and nothing else may: a guard that was renamed over, unlinked or linked is a
//! guard that another process may hold under the same path.
//!
//! ```text
//! block 0  4096 bytes  ┐ overwritten in turn, preallocated, fdatasync'd:
//! block 1  4096 bytes  ┘ a torn write leaves the other block whole
//! record: "plgguard" ‖ version ‖ sequence ‖ SHA-256(origin) ‖ size ‖ root ‖ SHA-256(note) ‖ SHA-256(all before)
//! ```
//!
//! If lost: the log refuses to start until an operator names a checkpoint that
//! it must extend. If damaged while the log runs: the log stops, and the next
//! start does with one good block. If an attacker writes it: the log stops; it signs nothing
//! false, since the store must still extend whatever the guard says.

mod error;
mod record;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::server::faults::{Faults, NoFaults, WriteStep};

pub use self::error::GuardError;
pub use self::record::{BLOCK_BYTES, GuardRecord, GuardState, hash_text};

const SYMLINK: &str = "a symbolic link lies at its path";

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
    /// [`GuardError::Busy`] when another process holds it, [`GuardError::Linked`].
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

    /// What the guard at `path` says, without its lock: for whoever writes
    /// nothing. A log that runs may be between two blocks.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn peek(path: &Path) -> Result<GuardState, GuardError> {
        match File::open(path) {
            Ok(file) => Self { path: path.to_owned(), file, faults: Arc::new(NoFaults) }.read(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(GuardState::Missing),
            Err(e) => Err(GuardError::io(path, e)),
        }
    }

    /// Creates the guard of an empty log. A crash in it leaves no file, an
    /// [`GuardState::Unfinished`] one, which the next start creates again, or a
    /// whole one.
    ///
    /// # Errors
    /// [`GuardError::Io`], [`GuardError::Busy`].
    pub fn create(path: &Path, record: &GuardRecord, faults: Arc<dyn Faults>) -> Result<Self, GuardError> {
        let io = |e| GuardError::io(path, e);
        // A link that leads nowhere would be made a file elsewhere.
        if path.is_symlink() {
            return Err(GuardError::Linked { path: path.to_owned(), what: SYMLINK });
        }
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
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(GuardError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(e)) => return Err(GuardError::io(path, e)),
        }
        let guard = Self { path: path.to_owned(), file, faults };
        match guard.misplaced()? {
            None => Ok(guard),
            Some(what) => Err(GuardError::Linked { path: path.to_owned(), what }),
        }
    }

    /// What is wrong with the place: the path must name the locked file, as
    /// its only name and without a link on the way.
    fn misplaced(&self) -> Result<Option<&'static str>, GuardError> {
        let held = self.file.metadata().map_err(|e| GuardError::io(&self.path, e))?;
        let named = match std::fs::symlink_metadata(&self.path) {
            Ok(named) => named,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Some("nothing lies at its path any more")),
            Err(e) => return Err(GuardError::io(&self.path, e)),
        };
        Ok(if named.is_symlink() {
            Some(SYMLINK)
        } else if (named.dev(), named.ino()) != (held.dev(), held.ino()) {
            Some("another file lies at its path")
        } else if held.nlink() != 1 {
            Some("the file has other names too (hard links)")
        } else {
            None
        })
    }

    fn check_place(&self) -> Result<(), GuardError> {
        match self.misplaced()? {
            None => Ok(()),
            Some(what) => Err(GuardError::Moved { path: self.path.clone(), what }),
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

/// Compare-and-swap of the head: the one promise that the sequencer needs.
impl FileGuard {
    /// Whether the guard is in its place and says `expected`.
    ///
    /// # Errors
    /// [`GuardError::Moved`], [`GuardError::Changed`], [`GuardError::Io`].
    pub fn compare(&self, expected: &GuardRecord) -> Result<(), GuardError> {
        self.check_place()?;
        match self.read()? {
            GuardState::Record(found) if found == *expected => Ok(()),
            found => Err(GuardError::Changed { expected: expected.head.size, found: Box::new(found) }),
        }
    }

    /// Moves the guard from `previous` to `next`, durably.
    ///
    /// # Errors
    /// [`GuardError::Changed`] when it does not say `previous`,
    /// [`GuardError::Moved`] when it is not in its place before or after.
    /// [`GuardError::Io`] leaves open which record it says.
    pub fn compare_and_swap(&mut self, previous: &GuardRecord, next: &GuardRecord) -> Result<(), GuardError> {
        self.compare(previous)?;
        let faults = Arc::clone(&self.faults);
        let moved = faults
            .before(WriteStep::GuardMove)
            .and_then(|()| self.write(next))
            .and_then(|()| faults.after(WriteStep::GuardMove));
        moved.map_err(|e| GuardError::io(&self.path, e))?;
        // Whoever put another file at the path since then may have read what
        // this one said before: nothing is signed on the strength of a file
        // that the next process does not see.
        self.check_place()
    }
}

/// A new directory entry is durable only when its directory is.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}
