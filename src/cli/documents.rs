//! Documents one after the other, out of files, folders and NDJSON, in batches:
//! handing over each alone would cost more than verifying a small one.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pulselog::artifact::json;

use super::folder::{Folder, is_packet};
use super::input::{STDIN, open};

/// Longest document, bytes: a line, or a whole file.
pub const DOCUMENT_BYTES_MAX: usize = 2 << 20;
/// A batch ends with the document that makes it this long; so it has at most
/// this and one document more.
const BATCH_BYTES: usize = 64 << 10;
/// What a document counts beside its bytes: a batch has at most 256.
const LINE_COST: usize = BATCH_BYTES / 256;
/// What a file counts, which is read only where it is worked on.
const FILE_COST: usize = BATCH_BYTES / 8;
/// Endings of files with one document a line.
const LINES: [&str; 2] = ["ndjson", "jsonl"];

/// Why a packet in a folder is not read: it is judged as one, by what it holds.
const PACKET_BELOW: &str = "is a packet and is judged alone: name this directory itself";

/// The packets among the folders below one, the outermost of each.
fn packets_below(dir: &Path, files: &[PathBuf]) -> Vec<PathBuf> {
    let folders: BTreeSet<_> = files.iter().flat_map(|file| file.ancestors().skip(1)).collect();
    let mut packets: Vec<PathBuf> = Vec::new();
    // In order, so that a folder stands before those in it.
    for folder in folders.into_iter().filter(|folder| *folder != dir && folder.starts_with(dir)) {
        if !packets.iter().any(|packet| folder.starts_with(packet)) && is_packet(folder) {
            packets.push(folder.to_owned());
        }
    }
    packets
}

/// Where a document stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    File(Arc<Path>),
    /// Found in a folder under a name that says nothing of what it holds.
    Found(Arc<Path>),
    /// Lines are counted from 1, blank ones included.
    Line {
        file: Arc<Path>,
        number: u64,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Found(path) => write!(f, "{}", path.display()),
            Self::Line { file, number } if file.as_os_str() == STDIN => write!(f, "line {number}"),
            Self::Line { file, number } => write!(f, "{} line {number}", file.display()),
        }
    }
}

impl Source {
    /// Whether it may rightly hold no document.
    pub fn may_be_none(&self) -> bool {
        matches!(self, Self::Found(_))
    }
}

/// Why there is no document to work on.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    #[error("has more than {DOCUMENT_BYTES_MAX} bytes")]
    TooLong,
    #[error("is not UTF-8")]
    NotUtf8,
    /// Not opened.
    #[error("{0}")]
    Left(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Unread {
    /// Whether nothing is said against what was not read.
    pub fn is_incomplete(&self, source: &Source) -> bool {
        matches!(self, Self::Left(_) | Self::Io(_)) || source.may_be_none()
    }
}

/// What is to be read: files of one document each, and files of one a line.
#[derive(Debug)]
pub struct Input {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    File(Arc<Path>),
    /// A file that may hold one document, one a line, or none.
    Found(Arc<Path>),
    Lines(Arc<Path>),
    Left(Arc<Path>, String),
}

impl Input {
    /// Of each path: a folder stands for all regular files in it and below it,
    /// in order of their names, `-` for lines of standard input, a name that
    /// ends in `.ndjson` or `.jsonl` for the lines of that file, any other for
    /// itself. What is no regular file in a folder is named and not opened.
    ///
    /// # Errors
    /// A folder that cannot be listed. Files are opened when their turn
    /// comes, and fail alone.
    pub fn of(paths: &[PathBuf]) -> Result<Self, (PathBuf, io::Error)> {
        let mut parts = Vec::with_capacity(paths.len());
        for path in paths {
            if path.is_dir() {
                let folder = Folder::read(path).map_err(|error| (path.clone(), error))?;
                let packets = packets_below(path, &folder.files);
                let is_loose = |file: &PathBuf| !packets.iter().any(|packet| file.starts_with(packet));
                parts.extend(folder.files.into_iter().filter(is_loose).map(Part::found));
                parts.extend(packets.into_iter().map(|packet| Part::Left(packet.into(), PACKET_BELOW.to_owned())));
                parts.extend(folder.unread.into_iter().map(|(path, why)| Part::Left(path.into(), why)));
            } else if path.as_os_str() == STDIN || has_extension(path, &LINES) {
                parts.push(Part::Lines(path.as_path().into()));
            } else {
                parts.push(Part::File(path.as_path().into()));
            }
        }
        Ok(Self { parts })
    }

    /// Bytes in all; `None` where that cannot be known before the end.
    pub fn bytes(&self) -> Option<u64> {
        let size_of = |part: &Part| {
            let (Part::File(path) | Part::Found(path) | Part::Lines(path)) = part else { return Some(0) };
            let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
            Some(metadata.len())
        };
        self.parts.iter().map(size_of).sum()
    }

    /// The documents in order, read as they are asked for.
    pub fn batches(self) -> impl Iterator<Item = Batch> {
        let (mut parts, mut lines) = (self.parts.into_iter(), None);
        std::iter::from_fn(move || {
            let batch = next_batch(&mut parts, &mut lines);
            (!batch.items.is_empty()).then_some(batch)
        })
    }
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    path.extension().is_some_and(|extension| known.iter().any(|known| extension == *known))
}

impl Part {
    /// A file of a folder.
    fn found(path: PathBuf) -> Self {
        match () {
            () if has_extension(&path, &LINES) => Self::Lines(path.into()),
            () if has_extension(&path, &["json"]) => Self::File(path.into()),
            () => Self::Found(path.into()),
        }
    }
}

/// Whether a file begins with a line that is an object, and goes on: one
/// document a line, whatever it is called.
fn has_lines(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    open(path)?.take(DOCUMENT_BYTES_MAX as u64 + 1).read_to_end(&mut beginning)?;
    let Some(end) = memchr::memchr(b'\n', &beginning) else { return Ok(false) };
    let (first, rest) = beginning.split_at(end);
    let is_object = first.trim_ascii_start().starts_with(b"{");
    Ok(is_object && !rest.trim_ascii().is_empty() && json::parse(first.trim_ascii(), json::DEPTH_MAX).is_ok())
}

/// Some documents: lines as one text, files by name.
#[derive(Default)]
pub struct Batch {
    text: Vec<u8>,
    items: Vec<(Source, Content)>,
    cost: usize,
}

enum Content {
    Text(Range<usize>),
    InFile(Arc<Path>),
    Unread(Unread),
}

impl Batch {
    fn push(&mut self, source: Source, content: Content, cost: usize) {
        self.items.push((source, content));
        self.cost += cost;
    }

    /// Hands every document to `work`, in order.
    pub fn each(self, mut work: impl FnMut(Source, Result<&[u8], Unread>)) {
        for (source, content) in self.items {
            let mut of_file = Vec::new();
            let bytes = match content {
                Content::Text(range) => Ok(&self.text[range]),
                Content::InFile(path) => read_file(&path, &mut of_file).map(|()| of_file.as_slice()),
                Content::Unread(why) => Err(why),
            };
            let bytes = bytes.and_then(|bytes| match std::str::from_utf8(bytes) {
                Ok(_) => Ok(bytes),
                Err(_) => Err(Unread::NotUtf8),
            });
            work(source, bytes);
        }
    }
}

fn read_file(path: &Path, out: &mut Vec<u8>) -> Result<(), Unread> {
    open(path)?.take(DOCUMENT_BYTES_MAX as u64 + 1).read_to_end(out)?;
    if out.len() > DOCUMENT_BYTES_MAX { Err(Unread::TooLong) } else { Ok(()) }
}

fn next_batch(parts: &mut std::vec::IntoIter<Part>, open: &mut Option<Lines>) -> Batch {
    let mut batch = Batch::default();
    while batch.cost < BATCH_BYTES {
        let Some(lines) = open else {
            match parts.next() {
                None => break,
                Some(Part::File(path)) => {
                    batch.push(Source::File(Arc::clone(&path)), Content::InFile(path), FILE_COST);
                }
                Some(Part::Left(path, why)) => {
                    batch.push(Source::File(path), Content::Unread(Unread::Left(why)), FILE_COST);
                }
                Some(Part::Found(path)) if !has_lines(&path).unwrap_or(false) => {
                    batch.push(Source::Found(Arc::clone(&path)), Content::InFile(path), FILE_COST);
                }
                Some(Part::Found(path) | Part::Lines(path)) => match Lines::open(&path) {
                    Ok(lines) => *open = Some(lines),
                    Err(error) => batch.push(Source::File(path), Content::Unread(error.into()), FILE_COST),
                },
            }
            continue;
        };
        // Lines that come slowly are not kept waiting for others.
        let nothing_at_hand = lines.reader.buffer().is_empty() && !batch.items.is_empty();
        if nothing_at_hand && lines.slow {
            break;
        }
        if !lines.next_into(&mut batch) {
            *open = None;
        }
    }
    batch
}

/// A file of one document a line.
struct Lines {
    file: Arc<Path>,
    reader: BufReader<Box<dyn Read + Send>>,
    number: u64,
    /// Reading may wait for a writer.
    slow: bool,
}

impl Lines {
    fn open(path: &Arc<Path>) -> io::Result<Self> {
        let (from, slow): (Box<dyn Read + Send>, bool) = if path.as_os_str() == STDIN {
            (Box::new(io::stdin()), true)
        } else {
            let file = open(path)?;
            let slow = !file.metadata()?.is_file();
            (Box::new(file), slow)
        };
        Ok(Self { file: Arc::clone(path), reader: BufReader::with_capacity(BATCH_BYTES, from), number: 0, slow })
    }

    /// Adds the next line unless it is blank; false at the end of the file.
    fn next_into(&mut self, batch: &mut Batch) -> bool {
        let from = batch.text.len();
        let read = self.read_line(&mut batch.text);
        let source = Source::Line { file: Arc::clone(&self.file), number: self.number };
        match read {
            Ok(Line::End) => return false,
            Ok(Line::TooLong) => batch.push(source, Content::Unread(Unread::TooLong), LINE_COST),
            Ok(Line::Whole) => {
                let line = batch.text[from..].trim_ascii_end();
                if line.is_empty() {
                    batch.text.truncate(from);
                } else {
                    let cost = LINE_COST + line.len();
                    batch.push(source, Content::Text(from..from + line.len()), cost);
                }
            }
            // What comes after bytes that cannot be read is no line known to be one.
            Err(error) => {
                batch.text.truncate(from);
                batch.push(source, Content::Unread(error.into()), LINE_COST);
                return false;
            }
        }
        true
    }

    /// Appends the next line to `out`. Of one that is too long nothing is kept.
    fn read_line(&mut self, out: &mut Vec<u8>) -> io::Result<Line> {
        let (from, mut line) = (out.len(), Line::End);
        self.number += 1;
        loop {
            let bytes = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if bytes.is_empty() {
                return Ok(line);
            }
            let end = memchr::memchr(b'\n', bytes);
            let taken = end.unwrap_or(bytes.len());
            if matches!(line, Line::TooLong) || out.len() - from + taken > DOCUMENT_BYTES_MAX {
                line = Line::TooLong;
                out.truncate(from);
            } else {
                line = Line::Whole;
                out.extend_from_slice(&bytes[..taken]);
            }
            self.reader.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                return Ok(line);
            }
        }
    }
}

enum Line {
    /// There is no further one.
    End,
    Whole,
    TooLong,
}
