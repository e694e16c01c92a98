//! What a poller remembers from one round to the next: a file of its own, which
//! one process holds at a time.
//!
//! | step of a round | a crash there means |
//! |---|---|
//! | the round is computed | nothing happened: the next start looks again |
//! | state and what is to be logged are written, to one side and renamed | the old file, or the new one whole |
//! | it is sent to the log | the next start sends it again, and the log answers duplicates |
//! | the state is written with nothing left to log | sent once more, as above |

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use pulselog::argocd::round::State;
use serde::{Deserialize, Serialize};

use crate::cli::failure::Failure;
use crate::cli::input;

/// Longest state file, bytes: a million applications, and what waits.
const BYTES_MAX: u64 = 2 << 30;
/// Lines that wait for the log before nobody looks any more: what comes then is
/// seen by histories and marked as a gap.
pub const WAITING_MAX: usize = 20_000;

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    pub state: State,
    /// Artifacts that the log has not acknowledged yet, in order.
    pub waiting: Vec<String>,
    /// Index of the last snapshot of ours that was logged.
    pub snapshot_index: Option<u64>,
}

/// The file, held by this process.
pub struct MemoryFile {
    path: PathBuf,
    /// Beside it, since the file itself is replaced.
    _lock: File,
}

impl MemoryFile {
    /// Takes the file, and what stands in it.
    ///
    /// # Errors
    /// Another process holds it; it is damaged, or of another instance.
    pub fn take(path: &Path, instance: &str) -> Result<(Self, Memory), Failure> {
        let at = |why: &str| Failure::fail(format!("--state {}: {why}", path.display()));
        let lock_path = with_suffix(path, ".lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock_path);
        let lock = lock.map_err(|error| input::unread(&format!("--state {}", lock_path.display()), &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(at("another poller holds it; one instance has one poller for each state file"));
            }
            Err(TryLockError::Error(error)) => return Err(at(&error.to_string())),
        }
        let memory = match std::fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Memory { state: State::new(instance), waiting: Vec::new(), snapshot_index: None }
            }
            _ => {
                let bytes = input::read("--state", path, BYTES_MAX)?;
                let damaged = "is no state of a poller; move it away, and the next round begins anew";
                serde_json::from_slice::<Memory>(&bytes).map_err(|_| at(damaged))?
            }
        };
        if !memory.state.is_of_this_version() {
            return Err(at("was written by another version of pulselog; move it away, and the next round begins anew"));
        }
        if memory.state.instance() != instance {
            let why = format!("is of instance {}, not of {instance}; give each its own", memory.state.instance());
            return Err(at(&why));
        }
        Ok((Self { path: path.to_owned(), _lock: lock }, memory))
    }

    /// Writes it to one side, syncs it, and puts it in its place.
    pub fn write(&self, memory: &Memory) -> Result<(), Failure> {
        let wrong = |error: std::io::Error| Failure::fail(format!("--state {}: {error}", self.path.display()));
        let beside = with_suffix(&self.path, ".new");
        let bytes = serde_json::to_vec(memory).map_err(|error| wrong(error.into()))?;
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(wrong)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(wrong)?;
        std::fs::rename(&beside, &self.path).map_err(wrong)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(wrong)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
