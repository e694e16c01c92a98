//! Room on the disk, looked at before anything is written: a start that runs
//! out of it half way has written files that the next one cannot use, and each
//! try takes more of what is left.

use std::path::Path;

use crate::server::store::StoreError;

/// What a start writes beside the rows of its write-ahead logs: a manifest,
/// options, the next log.
const BESIDE_BYTES: u64 = 1 << 20;

/// Bytes that may still be written where `path` lies.
#[must_use]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Whether what the write-ahead logs hold fits on the disk once more: a start
/// writes it into tables before it lets go of the logs.
pub(super) fn check(dir: &Path) -> Result<(), StoreError> {
    // Nothing lies there yet, or nobody knows: RocksDB will say.
    let (Ok(files), Some(free)) = (std::fs::read_dir(dir), free_bytes(dir)) else { return Ok(()) };
    let logs = files.flatten().filter(|file| file.path().extension().is_some_and(|end| end == "log"));
    let held: u64 = logs.filter_map(|log| log.metadata().ok()).map(|log| log.len()).sum();
    let needed = held.saturating_add(BESIDE_BYTES);
    if free < needed { Err(StoreError::NoRoom { needed, free }) } else { Ok(()) }
}
