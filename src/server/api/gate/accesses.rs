//! Which reader read what: a line an answer, in a file a day, in
//! `DIR/accesses`, for 90 days. A thread of its own writes them; a reader waits
//! for no disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde::Serialize;

use crate::text::civil;

/// Directory in the data directory.
const DIRECTORY: &str = "accesses";
/// How long lines are kept.
const KEPT_DAYS: u64 = 90;
const DAY_MS: u64 = 86_400_000;
/// Bytes of one day; further lines are lost and counted.
const DAY_BYTES_MAX: u64 = 8 << 20;
/// Lines that wait for the thread; more are lost and counted.
const WAITING_MAX: usize = 4_096;
/// Characters of a day: `2026-11-22`.
const DAY_CHARS: usize = 10;

/// One answer to a reader.
#[derive(Debug, Serialize)]
pub struct Read {
    /// When, UTC.
    pub at: String,
    /// Name of the token, or the proxy's user.
    pub reader: String,
    /// Pattern of the address.
    pub route: String,
    /// The address, cut after 256 bytes.
    pub scope: String,
    /// Status of the answer.
    pub status: u16,
}

/// Takes lines. Nothing is written where there is no directory.
#[derive(Clone)]
pub struct Accesses(Option<SyncSender<(u64, Read)>>);

impl Accesses {
    /// Nobody's reads are written: the log is public.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Writes to `DIR/accesses` until the last clone is gone.
    ///
    /// # Errors
    /// Those of the thread and the directory: who reads a closed log is written
    /// down, or it is not served.
    pub fn start(data: &Path) -> io::Result<Self> {
        let directory = data.join(DIRECTORY);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let (sender, receiver) = sync_channel(WAITING_MAX);
        std::thread::Builder::new().name("accesses".into()).spawn(move || write_all(&directory, &receiver))?;
        Ok(Self(Some(sender)))
    }

    /// Whether the line was taken.
    pub fn write(&self, wall_ms: u64, read: Read) -> bool {
        self.0.as_ref().is_none_or(|sender| sender.try_send((wall_ms, read)).is_ok())
    }
}

/// The file of one day.
struct Day {
    name: String,
    file: File,
    bytes: u64,
}

fn write_all(directory: &Path, lines: &Receiver<(u64, Read)>) {
    let mut day: Option<Day> = None;
    let mut failed = false;
    while let Ok((wall_ms, read)) = lines.recv() {
        let written = write(directory, &mut day, wall_ms, &read);
        if let Err(error) = &written
            && !failed
        {
            tracing::error!(%error, "readers' accesses are not written");
        }
        failed = written.is_err();
    }
}

fn write(directory: &Path, day: &mut Option<Day>, wall_ms: u64, read: &Read) -> io::Result<()> {
    let name = read.at.get(..DAY_CHARS).unwrap_or_default();
    if day.as_ref().is_none_or(|day| day.name != name) {
        forget(directory, wall_ms);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path(directory, name))?;
        let bytes = file.metadata()?.len();
        *day = Some(Day { name: name.to_owned(), file, bytes });
    }
    let Some(day) = day else { return Ok(()) };
    let mut line = serde_json::to_vec(read)?;
    line.push(b'\n');
    if day.bytes.saturating_add(line.len() as u64) > DAY_BYTES_MAX {
        return Err(io::Error::other("the file of this day is full"));
    }
    day.bytes += line.len() as u64;
    day.file.write_all(&line)
}

fn path(directory: &Path, day: &str) -> PathBuf {
    directory.join(format!("{day}.ndjson"))
}

/// Removes the files of days that are over for longer than lines are kept.
fn forget(directory: &Path, wall_ms: u64) {
    let oldest = i64::try_from(wall_ms.saturating_sub(KEPT_DAYS * DAY_MS)).unwrap_or(0);
    let oldest = civil::with_millis(oldest);
    let Ok(files) = std::fs::read_dir(directory) else { return };
    for path in files.filter_map(|file| file.ok().map(|file| file.path())) {
        let day = path.file_stem().and_then(|stem| stem.to_str()).filter(|day| day.len() == DAY_CHARS);
        let is_ours = path.extension().is_some_and(|extension| extension == "ndjson");
        if is_ours && day.is_some_and(|day| *day < oldest[..DAY_CHARS]) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wall_ms: u64) -> Read {
        let at = civil::with_millis(i64::try_from(wall_ms).expect("a time"));
        Read { at, reader: "alice".into(), route: "/jobs/{id}".into(), scope: "/jobs/a".into(), status: 200 }
    }

    #[test]
    fn lines_are_kept_ninety_days_in_a_file_a_day() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut day, first) = (None, 1_800_000_000_000);
        for at in [first, first + DAY_MS, first + (KEPT_DAYS + 1) * DAY_MS] {
            write(dir.path(), &mut day, at, &read(at)).expect("written");
        }
        let mut names: Vec<_> =
            std::fs::read_dir(dir.path()).expect("files").map(|f| f.expect("a file").file_name()).collect();
        names.sort();
        assert_eq!(names, ["2027-01-16.ndjson", "2027-04-16.ndjson"]);
    }

    #[test]
    fn a_day_has_bounded_bytes() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut day = None;
        write(dir.path(), &mut day, 0, &read(0)).expect("written");
        day.as_mut().expect("a day").bytes = DAY_BYTES_MAX - 1;
        assert!(write(dir.path(), &mut day, 0, &read(0)).is_err());
    }
}
