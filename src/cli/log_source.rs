//! Where a whole log is read from: a directory laid out as tlog-tiles with
//! bodies in `artifacts/<hex>`, or a running log.

use std::io;
use std::path::PathBuf;

#[cfg(feature = "server")]
use pulselog::codes::verdict::RATE_TOO_LOW;
use pulselog::entry::SequencedEntry;
use pulselog::merkle::TreeSize;
use pulselog::note::NOTE_BYTES_MAX;
use pulselog::tile::{TILE_WIDTH, TilePath, bundle_bytes_max, decode_bundle};
use pulselog::trust::TrustPolicy;
use pulselog::verify::ARTIFACT_BYTES_MAX;
use pulselog::verify::packet::MANIFEST;
use pulselog::verify::whole_log::{CopyError, LogCopy, WholeLog};

use crate::cli::bounds::Bounds;
#[cfg(feature = "server")]
use crate::cli::bounds::too_slow;
use crate::cli::failure::Failure;
use crate::cli::folder::is_logs_own;
#[cfg(feature = "server")]
use crate::cli::http::{CLOSED, Client, Unread};
use crate::cli::input::{read_regular, unread};
use crate::cli::progress::Bar;

/// A log that anyone can read.
pub struct LogSource {
    place: Place,
    bounds: Bounds,
}

enum Place {
    Directory(PathBuf),
    #[cfg(feature = "server")]
    Url(Client),
}

/// One file of a log.
enum Got {
    Bytes(Vec<u8>),
    /// Not there, or withheld.
    Absent,
    /// Longer than what was asked for.
    TooLong,
}

impl LogSource {
    /// What the value of `--log` names.
    pub fn parse(text: &str, bounds: Bounds) -> Result<Self, Failure> {
        if text.starts_with("http://") || text.starts_with("https://") {
            #[cfg(feature = "server")]
            return Ok(Self { place: Place::Url(Client::of_reader(text)?), bounds });
            #[cfg(not(feature = "server"))]
            return Err(Failure::usage("--log: this build reads directories only, it has no network"));
        }
        Ok(Self { place: Place::Directory(PathBuf::from(text)), bounds })
    }

    /// A running log.
    #[cfg(feature = "server")]
    pub fn of(client: Client) -> Self {
        Self { place: Place::Url(client), bounds: Bounds::default() }
    }

    /// One file of the log, of which no more than `bytes_max` are read.
    fn get(&self, path: &str, bytes_max: usize) -> Result<Got, Failure> {
        match &self.place {
            Place::Directory(dir) => {
                let path = dir.join(path);
                match std::fs::metadata(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Got::Absent),
                    Err(error) => Err(unread(&format!("--log {}", path.display()), &error)),
                    Ok(found) if found.len() > bytes_max as u64 => Ok(Got::TooLong),
                    Ok(found) if found.is_file() => {
                        read_regular("--log", &path, found.len(), bytes_max as u64).map(Got::Bytes)
                    }
                    Ok(_) => Err(Failure::usage(format!("--log {}: is no regular file", path.display()))),
                }
            }
            #[cfg(feature = "server")]
            Place::Url(client) => {
                let at = |why: String| format!("--log {}: {why}", client.url(path));
                match client.get_within(path, bytes_max, self.bounds.least_rate()) {
                    Ok(answer) if answer.status == 200 => Ok(Got::Bytes(answer.body)),
                    Ok(answer) if matches!(answer.status, 404 | 410 | 451) => Ok(Got::Absent),
                    Ok(answer) if answer.status == 403 => Err(Failure::incomplete(at(CLOSED.to_owned()))),
                    Ok(answer) => Err(Failure::incomplete(at(answer.problem()))),
                    Err(Unread::TooLong) => Ok(Got::TooLong),
                    Err(Unread::TooSlow { rate }) => {
                        Err(Failure::incomplete(at(format!("{} [{RATE_TOO_LOW}]", too_slow(rate)))))
                    }
                    Err(Unread::Failed(why)) => Err(Failure::incomplete(at(why))),
                }
            }
        }
    }

    /// A file that the log must have, and in that length.
    fn whole(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, Failure> {
        match self.get(path, bytes_max)? {
            Got::Bytes(bytes) => Ok(Some(bytes)),
            Got::Absent => Ok(None),
            Got::TooLong => Err(Failure::fail(format!("--log: {path} has more than {bytes_max} bytes"))),
        }
    }

    /// The body of an entry, when the log shows one of the length that the
    /// entry says: a longer one is another's and is not read.
    fn body(&self, entry: &SequencedEntry) -> Result<Option<Vec<u8>>, Failure> {
        let Some(length) = usize::try_from(entry.body_bytes).ok().filter(|length| *length <= ARTIFACT_BYTES_MAX) else {
            return Ok(None);
        };
        Ok(match self.get(&format!("{}/{}", self.bodies(), entry.digest), length)? {
            Got::Bytes(bytes) => Some(bytes),
            Got::Absent | Got::TooLong => None,
        })
    }

    fn bodies(&self) -> &'static str {
        match &self.place {
            Place::Directory(_) => "artifacts",
            #[cfg(feature = "server")]
            Place::Url(_) => "v1/artifacts",
        }
    }

    /// Reads every entry and body under the newest checkpoint, and shows that
    /// they are the signed tree.
    pub fn read(&self, policy: &TrustPolicy) -> Result<WholeLog, Failure> {
        let copied = |error: CopyError| {
            let why = format!("--log: {error} [{}]", error.code());
            if error.is_incomplete() { Failure::incomplete(why) } else { Failure::fail(why) }
        };
        let checkpoint = self.whole("checkpoint", NOTE_BYTES_MAX)?;
        let checkpoint = checkpoint.ok_or_else(|| self.no_log())?;
        let mut copy = LogCopy::open(policy, &checkpoint).map_err(copied)?.within(self.bounds.budget());
        let size = copy.size().get();
        let bar = Bar::new(size, "entries");
        let mut next = 0;
        while next < size {
            for entry in self.bundle(next, copy.size())? {
                let decoded = copy.decode(&entry).map_err(copied)?;
                let body = self.body(&decoded)?;
                copy.push(&entry, decoded, body.as_deref()).map_err(copied)?;
                next += 1;
                bar.at(next);
            }
        }
        bar.done();
        copy.finish().map_err(copied)
    }

    /// Whether a packet was named, which holds a few entries of a log.
    fn is_packet(&self) -> bool {
        match &self.place {
            Place::Directory(dir) => dir.join(MANIFEST).is_file(),
            #[cfg(feature = "server")]
            Place::Url(_) => false,
        }
    }

    /// There is no log where one was named.
    fn no_log(&self) -> Failure {
        match &self.place {
            Place::Directory(dir) if self.is_packet() => Failure::usage(format!(
                "--log {0}: is a packet, not a log; judge it with pulselog verify {0} --policy P --operator DID",
                dir.display()
            )),
            Place::Directory(dir) if !dir.is_dir() => Failure::usage(format!(
                "--log {}: there is no such directory; give a copy of a log, or the log's address",
                dir.display()
            )),
            Place::Directory(dir) if is_logs_own(dir) => Failure::usage(format!(
                "--log {0}: is a log's own data, which only the log reads; run pulselog serve {0} (--read-only for a \
                 stopped one) and give its address",
                dir.display()
            )),
            Place::Directory(dir) => Failure::usage(format!(
                "--log {}: holds no checkpoint; give the directory that has checkpoint, tile/ and artifacts/, as a \
                 mirror fetches them, or the log's address; pulselog packet keeps what concerns one job",
                dir.display()
            )),
            #[cfg(feature = "server")]
            Place::Url(client) => Failure::incomplete(format!(
                "--log {}: serves no checkpoint; is this the log's own address?",
                client.url("checkpoint")
            )),
        }
    }

    /// The entries of one bundle, from the first of it.
    fn bundle(&self, first: u64, size: TreeSize) -> Result<Vec<Vec<u8>>, Failure> {
        let width = (size.get() - first).min(TILE_WIDTH as u64) as u16;
        let path = |width| format!("tile/{}", TilePath::Entries { index: first / TILE_WIDTH as u64, width });
        // A log that has grown since, or a mirror, may hold only the full one.
        let get = |width| self.whole(&path(width), bundle_bytes_max(usize::from(width)));
        let bytes = match get(width)? {
            Some(bytes) => Some((bytes, usize::from(width))),
            None => get(TILE_WIDTH as u16)?.map(|bytes| (bytes, TILE_WIDTH)),
        };
        let missing = || match self.is_packet() {
            true => self.no_log(),
            false => {
                Failure::incomplete(format!("--log: {} is not there, so not all of the log was read", path(width)))
            }
        };
        let (bytes, held) = bytes.ok_or_else(missing)?;
        let wrong = |e: pulselog::tile::TileError| Failure::fail(format!("--log: {}: {e}", path(width)));
        let mut entries = decode_bundle(&bytes, held).map_err(wrong)?;
        entries.truncate(usize::from(width));
        Ok(entries)
    }
}
