//! Works on many documents on all cores, in constant memory, and gives the
//! answers in order.
//!
//! ```text
//!           batches            answers, one channel a batch
//! reader ────────────> workers ────────────┐
//!    └────────────── their channels ───────┴─> sink
//!                       in order
//! ```
//!
//! Both lists are bounded, so the reader waits for the slower of workers and
//! sink, and no answer waits for more than what is on its way.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::num::NonZero;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use indicatif::{ProgressBar, ProgressStyle};

use super::documents::{Batch, Input, Source, Unread};

/// Batches on their way between reader and sink. With what reader and sink
/// hold this bounds the lines in memory: at most 16 batches of 64 KiB and one
/// longest document each.
const BATCHES_WAITING_MAX: usize = 14;

/// How many documents there were, in all and by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub documents: u64,
    pub outcomes: BTreeMap<&'static str, u64>,
}

/// The answers to one batch, in order, and the bytes it had.
struct Answers<T> {
    items: Vec<(Source, Result<T, Unread>)>,
    bytes: u64,
}

type Work<T> = (Batch, SyncSender<Answers<T>>);

/// Documents that are worked on at a time.
pub fn workers() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Calls `job` with every document, on all cores, and `sink` with the answers,
/// in the order of the input, on the calling thread. `sink` names the outcome
/// that a document is counted under. What cannot be read is an answer like
/// others, and the rest goes on. Progress is drawn on standard error when that
/// is a terminal.
///
/// # Errors
/// The first of `sink`, which ends the run: as soon as the reader has its next
/// bytes.
pub fn run<T: Send>(
    input: Input,
    job: impl Fn(&Source, &[u8]) -> T + Sync,
    sink: impl FnMut(&Source, Result<T, Unread>) -> io::Result<&'static str>,
) -> io::Result<Summary> {
    let progress = progress(&input);
    let (to_workers, work) = mpsc::sync_channel(BATCHES_WAITING_MAX);
    let (to_sink, in_order) = mpsc::sync_channel(BATCHES_WAITING_MAX);
    let work = Mutex::new(work);
    let done = thread::scope(|scope| {
        for _ in 0..workers() {
            scope.spawn(|| work_off(&work, &job));
        }
        scope.spawn(move || feed(input, &to_workers, &to_sink));
        drain(in_order, &progress, sink)
    });
    progress.finish_and_clear();
    done
}

/// The reader. Ends with the input, or when the sink has gone.
fn feed<T>(input: Input, to_workers: &SyncSender<Work<T>>, to_sink: &SyncSender<Receiver<Answers<T>>>) {
    for batch in input.batches() {
        let (answer, answers) = mpsc::sync_channel(1);
        if to_sink.send(answers).is_err() || to_workers.send((batch, answer)).is_err() {
            return;
        }
    }
}

fn work_off<T>(work: &Mutex<Receiver<Work<T>>>, job: &impl Fn(&Source, &[u8]) -> T) {
    loop {
        // Nothing can break while the lock is held: it only covers the wait.
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((batch, answer)) = next else { return };
        let mut answers = Answers { items: Vec::new(), bytes: 0 };
        batch.each(|source, bytes| {
            answers.bytes += bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            let result = bytes.map(|bytes| job(&source, bytes));
            answers.items.push((source, result));
        });
        // The sink may have gone; then nobody asks.
        let _ = answer.send(answers);
    }
}

fn drain<T>(
    in_order: Receiver<Receiver<Answers<T>>>,
    progress: &ProgressBar,
    mut sink: impl FnMut(&Source, Result<T, Unread>) -> io::Result<&'static str>,
) -> io::Result<Summary> {
    let mut summary = Summary::default();
    for answers in in_order {
        // A worker that panicked left no answers; the scope passes the panic on.
        let Ok(answers) = answers.recv() else { break };
        // The sink may write to the terminal that the bar stands on.
        progress.suspend(|| {
            answers.items.into_iter().try_for_each(|(source, result)| {
                *summary.outcomes.entry(sink(&source, result)?).or_default() += 1;
                summary.documents += 1;
                io::Result::Ok(())
            })
        })?;
        progress.inc(answers.bytes);
        if !progress.is_hidden() {
            progress.set_message(format!("{} documents", summary.documents));
        }
    }
    Ok(summary)
}

/// A bar over bytes, or a count where their number is not known.
fn progress(input: &Input) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match input.bytes() {
        Some(bytes) => (ProgressBar::new(bytes), "{wide_bar} {percent:>3} %  {msg}"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::documents::DOCUMENT_BYTES_MAX;
    use super::*;

    /// Runs over `paths`; a job answers with the first byte of its document.
    fn answers(paths: &[PathBuf]) -> (Vec<String>, Summary) {
        let mut told = Vec::new();
        let summary = run(
            Input::of(paths).expect("an input"),
            |_, bytes| char::from(bytes[0]),
            |source, result| {
                let file = match source {
                    Source::File(path) | Source::Found(path) | Source::Line { file: path, .. } => path,
                };
                let place = source.to_string().replace(&file.display().to_string(), &name(file));
                told.push(match &result {
                    Ok(first) => format!("{place}: {first}"),
                    Err(why) => format!("{place} {why}"),
                });
                Ok(if result.is_ok() { "read" } else { "unread" })
            },
        );
        (told, summary.expect("a sink that takes all"))
    }

    fn name(path: &Path) -> String {
        path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    #[test]
    fn lines_that_cannot_be_read_are_named_and_the_rest_goes_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut text = b"a\n\n \r\nb\r\n\xff\n".to_vec();
        for (fill, bytes) in
            [(b'c', DOCUMENT_BYTES_MAX), (b'd', DOCUMENT_BYTES_MAX + 1), (b'e', 3 * DOCUMENT_BYTES_MAX)]
        {
            text.resize(text.len() + bytes, fill);
            text.push(b'\n');
        }
        text.push(b'f');
        let (told, summary) = answers(&[write(dir.path(), "in.ndjson", &text)]);
        assert_eq!(
            told,
            [
                "in.ndjson line 1: a",
                "in.ndjson line 4: b",
                "in.ndjson line 5 is not UTF-8",
                "in.ndjson line 6: c",
                "in.ndjson line 7 has more than 2097152 bytes",
                "in.ndjson line 8 has more than 2097152 bytes",
                "in.ndjson line 9: f",
            ]
        );
        assert_eq!((summary.documents, summary.outcomes), (7, BTreeMap::from([("read", 4), ("unread", 3)])));
    }

    #[test]
    fn a_folder_stands_for_all_in_it_and_a_missing_file_fails_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["b.json", "a.json", "c.txt", "10.json"] {
            write(dir.path(), name, name.as_bytes());
        }
        write(dir.path(), "d.json", &vec![b' '; DOCUMENT_BYTES_MAX + 1]);
        write(dir.path(), "l.log", b"{\"a\":1}\n{\"b\":2}\n");
        std::fs::create_dir_all(dir.path().join("e.json/deep")).expect("a directory");
        write(&dir.path().join("e.json/deep"), "f.json", b"f");
        std::os::unix::fs::symlink(dir.path(), dir.path().join("g")).expect("a link");
        std::os::unix::fs::symlink("nowhere", dir.path().join("h.json")).expect("a link");
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("i.json")).expect("a socket");
        let lines = write(dir.path(), "x.jsonl", b"1\n2");
        let (told, _) = answers(&[dir.path().join("none"), dir.path().to_owned(), lines]);
        assert!(told[0].starts_with("none No such file"), "{told:?}");
        assert_eq!(
            told[1..],
            [
                "10.json: 1",
                "a.json: a",
                "b.json: b",
                "c.txt: c",
                "d.json has more than 2097152 bytes",
                "f.json: f",
                "l.log line 1: {",
                "l.log line 2: {",
                "x.jsonl line 1: 1",
                "x.jsonl line 2: 2",
                "g is a link to a folder that it stands in",
                "h.json there is no such file",
                "i.json is a socket, no regular file",
                "x.jsonl line 1: 1",
                "x.jsonl line 2: 2"
            ]
        );
    }

    #[test]
    fn answers_keep_the_order_and_few_documents_are_on_their_way() {
        const LINES: u64 = 50_000;
        let dir = tempfile::tempdir().expect("a directory");
        let text: String = (0..LINES).map(|n| format!("{n}\n")).collect();
        let input = Input::of(&[write(dir.path(), "in.ndjson", text.as_bytes())]).expect("an input");
        assert_eq!(input.bytes(), Some(text.len() as u64));
        let (begun, mut told) = (AtomicU64::new(0), 0);
        let job = |_: &Source, bytes: &[u8]| {
            begun.fetch_add(1, Ordering::Relaxed);
            let n: u64 = std::str::from_utf8(bytes).expect("text").parse().expect("a number");
            // Some take longer than others.
            (0..n % 7 * 100).for_each(|step| assert!(std::hint::black_box(step) < 700));
            n
        };
        let summary = run(input, job, |source, result| {
            assert_eq!(result.expect("a line"), told);
            assert!(matches!(source, Source::Line { number, .. } if *number == told + 1));
            told += 1;
            assert!(begun.load(Ordering::Relaxed) - told <= (BATCHES_WAITING_MAX as u64 + 2) * 256);
            Ok("good")
        });
        assert_eq!(summary.expect("a sink that takes all").documents, LINES);
    }

    #[test]
    fn a_sink_that_has_enough_ends_the_run() {
        let dir = tempfile::tempdir().expect("a directory");
        let input = Input::of(&[write(dir.path(), "in.ndjson", "1\n".repeat(100_000).as_bytes())]).expect("an input");
        let mut left = 3;
        let ended = run(
            input,
            |_, _| (),
            |_, _| {
                left -= 1;
                if left == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok("good") }
            },
        );
        assert_eq!(ended.expect_err("the sink's error").kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(left, 0);
    }
}
