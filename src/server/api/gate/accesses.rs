//! Which reader read what: a line an answer, in a file a day, in
//! `DIR/accesses`, for 90 days. A thread of its own writes them; a reader waits
//! for no disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::server::log::clock::Clock;
use crate::server::telemetry::Metrics;
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
/// Between two looks whether a day is over, where nobody reads.
const LOOK_INTERVAL: Duration = Duration::from_secs(600);
/// Wait for room, at the end.
const FULL_WAIT: Duration = Duration::from_millis(10);

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
pub struct Accesses(Option<SyncSender<Told>>);

/// What the thread is told.
enum Told {
    Line(Read),
    /// All before this is to be written, and said so.
    Ended(SyncSender<()>),
}

impl Accesses {
    /// Nobody's reads are written: the log is shown alone.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Whether there is something to keep or to forget: lines of a log that is
    /// open by now still end with their days.
    #[must_use]
    pub fn are_kept(data: &Path) -> bool {
        data.join(DIRECTORY).is_dir()
    }

    /// Writes to `DIR/accesses` until the last clone is gone.
    ///
    /// # Errors
    /// Those of the thread and the directory: who reads a closed log is written
    /// down, or it is not served.
    pub fn start(data: &Path, clock: Arc<dyn Clock>, metrics: Metrics) -> io::Result<Self> {
        let directory = data.join(DIRECTORY);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let writer = Writer { directory, clock, metrics, day: None, forgot_ms: None, has_failed: false };
        std::thread::Builder::new().name("accesses".into()).spawn(move || writer.run(&receiver))?;
        Ok(Self(Some(sender)))
    }

    /// Whether the line was taken; one that is taken and not written is counted
    /// by the thread.
    pub fn write(&self, read: Read) -> bool {
        self.0.as_ref().is_none_or(|sender| sender.try_send(Told::Line(read)).is_ok())
    }

    /// Waits at most `most` until what was taken is written; whether it is.
    #[must_use]
    pub fn end(&self, most: Duration) -> bool {
        let Some(sender) = &self.0 else { return true };
        let (until, (done, ended)) = (Instant::now() + most, sync_channel(1));
        // Where no line fits, one more is written before long.
        while sender.try_send(Told::Ended(done.clone())).is_err() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(FULL_WAIT);
        }
        ended.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok()
    }
}

/// The file of one day.
struct Day {
    name: String,
    file: File,
    bytes: u64,
}

/// What the thread holds.
struct Writer {
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    day: Option<Day>,
    /// When files of days that are over were last looked for.
    forgot_ms: Option<u64>,
    has_failed: bool,
}

impl Writer {
    fn run(mut self, told: &Receiver<Told>) {
        loop {
            self.forget();
            match told.recv_timeout(LOOK_INTERVAL) {
                Ok(Told::Line(read)) => self.take(&read),
                // Whoever asked may wait no longer.
                Ok(Told::Ended(done)) => _ = done.try_send(()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Writes a line, or counts it as lost; of many that fail the first is said.
    fn take(&mut self, read: &Read) {
        let written = self.write(read);
        if let Err(error) = &written {
            self.metrics.access_lost();
            if !self.has_failed {
                tracing::error!(%error, "readers' accesses are not written");
            }
        }
        self.has_failed = written.is_err();
    }

    fn write(&mut self, read: &Read) -> io::Result<()> {
        let name = read.at.get(..DAY_CHARS).unwrap_or_default();
        let day = match self.day.take() {
            Some(day) if day.name == name => day,
            _ => Day::open(&self.directory, name)?,
        };
        self.day.insert(day).add(read)
    }

    /// Removes the files of days that are over for longer than lines are kept:
    /// at the start and as days pass, also where nobody reads.
    fn forget(&mut self) {
        let now_ms = self.clock.read().wall_ms;
        if self.forgot_ms.is_none_or(|last| last / DAY_MS != now_ms / DAY_MS) {
            forget(&self.directory, now_ms);
            self.forgot_ms = Some(now_ms);
        }
    }
}

impl Day {
    /// Goes on with the file of a day; after a line that was cut off by a crash
    /// on a line of its own.
    fn open(directory: &Path, name: &str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).create(true).append(true).mode(0o600).open(path(directory, name))?;
        let mut day = Self { name: name.to_owned(), bytes: file.metadata()?.len(), file };
        let mut last = [b'\n'];
        if let Some(at) = day.bytes.checked_sub(1) {
            day.file.read_exact_at(&mut last, at)?;
        }
        if last != [b'\n'] {
            day.append(b"\n")?;
        }
        Ok(day)
    }

    fn add(&mut self, read: &Read) -> io::Result<()> {
        let mut line = serde_json::to_vec(read)?;
        line.push(b'\n');
        self.append(&line)
    }

    /// All of it or nothing: half a line would spoil the next.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.bytes.saturating_add(bytes.len() as u64);
        if end > DAY_BYTES_MAX {
            return Err(io::Error::other("the file of this day is full"));
        }
        if let Err(error) = self.file.write_all(bytes) {
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes = end;
        Ok(())
    }
}

fn path(directory: &Path, day: &str) -> PathBuf {
    directory.join(format!("{day}.ndjson"))
}

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
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::server::log::clock::Reading;

    const FIRST_MS: u64 = 1_800_000_000_000;

    #[derive(Default)]
    struct Set(AtomicU64);

    impl Clock for Set {
        fn read(&self) -> Reading {
            let wall_ms = self.0.load(Ordering::SeqCst);
            Reading { wall_ms, monotonic_ms: wall_ms }
        }
    }

    fn writer(directory: &Path, at: u64) -> (Writer, Arc<Set>) {
        let clock = Arc::new(Set(AtomicU64::new(at)));
        let directory = directory.to_owned();
        let held: Arc<dyn Clock> = Arc::<Set>::clone(&clock);
        let metrics = Metrics::default();
        (Writer { directory, clock: held, metrics, day: None, forgot_ms: None, has_failed: false }, clock)
    }

    fn read(wall_ms: u64) -> Read {
        let at = civil::with_millis(i64::try_from(wall_ms).expect("a time"));
        Read { at, reader: "alice".into(), route: "/jobs/{id}".into(), scope: "/jobs/a".into(), status: 200 }
    }

    fn names(directory: &Path) -> Vec<String> {
        let files = std::fs::read_dir(directory).expect("files").map(|file| file.expect("a file").file_name());
        let mut names: Vec<_> = files.map(|name| name.into_string().expect("text")).collect();
        names.sort();
        names
    }

    #[test]
    fn lines_are_kept_ninety_days_in_a_file_a_day_and_no_longer_though_nobody_reads() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut writer, clock) = writer(dir.path(), FIRST_MS);
        for at in [FIRST_MS, FIRST_MS + DAY_MS] {
            writer.write(&read(at)).expect("written");
        }
        let after = |days: u64, writer: &mut Writer| {
            clock.0.store(FIRST_MS + days * DAY_MS, Ordering::SeqCst);
            writer.forget();
            names(dir.path())
        };
        assert_eq!(after(KEPT_DAYS, &mut writer), ["2027-01-15.ndjson", "2027-01-16.ndjson"]);
        assert_eq!(after(KEPT_DAYS + 1, &mut writer), ["2027-01-16.ndjson"]);
        assert_eq!(after(KEPT_DAYS + 2, &mut writer), [""; 0]);
    }

    #[test]
    fn a_day_has_bounded_bytes_and_what_is_beyond_is_counted() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut writer, _) = writer(dir.path(), 0);
        writer.take(&read(0));
        writer.day.as_mut().expect("a day").bytes = DAY_BYTES_MAX - 1;
        writer.take(&read(0));
        writer.take(&read(0));
        assert_eq!(writer.metrics.accesses_lost(), 2);
        writer.take(&read(DAY_MS));
        assert_eq!((writer.metrics.accesses_lost(), names(dir.path()).len()), (2, 2), "the next day has room");
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_a_line_that_was_cut_off_spoils_no_other() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut writer, _) = writer(&dir.path().join("gone"), 0);
        writer.take(&read(0));
        assert_eq!(writer.metrics.accesses_lost(), 1);
        writer.directory = dir.path().to_owned();
        std::fs::write(path(dir.path(), "1970-01-01"), "{\"at\":\"cut").expect("a file");
        writer.take(&read(0));
        let text = std::fs::read_to_string(path(dir.path(), "1970-01-01")).expect("text");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.len() == 2 && lines[1].starts_with("{\"at\":\"1970"), "{text}");
    }
}
