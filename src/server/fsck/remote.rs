//! fsck of a log over HTTP, knowing nothing but its verifier key.
//!
//! Reads the checkpoint, every tile, every entry bundle and every body, and
//! recomputes. Works against any log that serves tlog-tiles; bodies are this
//! log's own addition.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::artifact::KeyCache;
use crate::checkpoint::TreeHead;
use crate::codes::{self, Code};
use crate::entry::{LoggedAt, SequencedEntry};
use crate::merkle::TreeSize;
use crate::note::{NOTE_BYTES_MAX, NoteError, VerifierKey};
use crate::server::fsck::body::{Disagreement, agree};
use crate::server::fsck::tree::Regrown;
use crate::server::fsck::{FsckError, Progress, Report, is_told};
use crate::tile::{TILE_WIDTH, TileId, TilePath, bundle_bytes_max, decode_bundle};
use crate::trust::{TrustError, TrustPolicy, TrustedCheckpoint};

/// What a fetch gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The bytes.
    Bytes(Vec<u8>),
    /// The log says that it does not have it, or withholds it.
    Absent,
    /// It has more bytes than were asked for.
    TooLong,
}

/// What could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfetched {
    /// This one, and why; others may be.
    Failed(String),
    /// Nobody answered, or no log: nothing is said of what was asked for.
    Lost(String),
    /// A bound of the run was reached.
    Ended {
        /// Which.
        code: &'static Code,
        /// In words.
        why: String,
    },
}

/// What a run reads at most of one body.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest body that is read, whatever its entry says.
    pub body_bytes_max: usize,
    /// Memory that the values of one body may take, beside its own bytes.
    pub room: usize,
}

/// Gives what stands at a path, of which no more than so many bytes are read.
pub type Fetch<'a> = dyn FnMut(&str, usize) -> Result<Fetched, Unfetched> + 'a;

/// Checks the log behind `fetch`, which is given paths such as `checkpoint`,
/// `tile/0/x001/067` and `v1/artifacts/<hex>`. Bodies that are withheld are
/// counted as absent, not as problems. Nothing is kept but 32 bytes an entry;
/// every body is read in the length that its entry says, and hashed first.
///
/// # Errors
/// No checkpoint verifies under `vkey`, or a bound of the run was reached.
pub fn check(
    fetch: &mut Fetch<'_>,
    vkey: VerifierKey,
    limits: Limits,
    progress: &mut Progress<'_>,
) -> Result<Report, FsckError> {
    let trusted = checkpoint(fetch, vkey)?;
    let head = trusted.head();
    let mut walk = Walk {
        fetch,
        report: Report { size: head.size.get(), ..Report::default() },
        tree: Regrown::new(),
        keys: KeyCache::default(),
        last: LoggedAt::from_unix_ms(0),
        identities: HashSet::new(),
        limits,
        ended: None,
    };
    walk.report.checkpoints = 1;
    match walk.all(head, progress) {
        // What was found stays found, whatever could not be read after it.
        Err(error) if !walk.report.is_clean() => walk.report.note("log", format!("was not read to its end: {error}")),
        ended => ended?,
    }
    Ok(walk.report)
}

fn checkpoint(fetch: &mut Fetch<'_>, vkey: VerifierKey) -> Result<TrustedCheckpoint, FsckError> {
    match fetch("checkpoint", NOTE_BYTES_MAX) {
        Ok(Fetched::Bytes(note)) => {
            let key = vkey.name().to_string();
            TrustPolicy::for_log(vkey).open(&note).map_err(|error| match error {
                TrustError::UnknownLog { origin, .. } => {
                    FsckError::Elsewhere { key, origin: origin.to_string(), code: &codes::trust::LOG_UNKNOWN }
                }
                error => error.into(),
            })
        }
        Ok(Fetched::Absent) => Err(FsckError::Remote("serves no checkpoint; is this the log's URL prefix".into())),
        Ok(Fetched::TooLong) => {
            let error = NoteError::TooLarge { field: "note", got: NOTE_BYTES_MAX + 1, limit: NOTE_BYTES_MAX };
            Err(TrustError::from(error).into())
        }
        Err(Unfetched::Failed(why) | Unfetched::Lost(why)) => Err(FsckError::Remote(why)),
        Err(Unfetched::Ended { code, why }) => Err(FsckError::Ended { code, why }),
    }
}

struct Walk<'a> {
    fetch: &'a mut Fetch<'a>,
    report: Report,
    tree: Regrown,
    keys: KeyCache,
    last: LoggedAt,
    /// SHA-256 of each identity: 32 bytes an entry while the walk lasts.
    identities: HashSet<[u8; 32]>,
    limits: Limits,
    /// A bound was reached: the walk ends.
    ended: Option<FsckError>,
}

impl Walk<'_> {
    /// Whether it ended before its end.
    fn end(&mut self) -> Result<(), FsckError> {
        self.ended.take().map_or(Ok(()), Err)
    }

    fn all(&mut self, head: TreeHead, progress: &mut Progress<'_>) -> Result<(), FsckError> {
        let (size, mut next) = (head.size.get(), 0);
        while next < size {
            let width = (size - next).min(TILE_WIDTH as u64) as u16;
            let path = TilePath::Entries { index: next / TILE_WIDTH as u64, width };
            let Some(entries) = self.bundle(&path, usize::from(width)) else { break };
            for entry in entries {
                self.entry(next, &entry);
                self.end()?;
                next += 1;
                if is_told(next, TreeSize::new(size)) {
                    progress(next, size);
                }
            }
        }
        self.end()?;
        for (tile, bytes) in self.tree.partial() {
            self.tile(tile, &bytes);
            self.end()?;
        }
        if self.tree.size() == size && self.tree.root() != head.root {
            self.report.note("checkpoint", format!("signs another root than that of the {size} entries served"));
        }
        Ok(())
    }

    fn get(&mut self, path: &str, bytes_max: usize) -> Option<Vec<u8>> {
        let why = match (self.fetch)(path, bytes_max) {
            Ok(Fetched::Bytes(bytes)) => return Some(bytes),
            Ok(Fetched::Absent) => "is not served".to_owned(),
            Ok(Fetched::TooLong) => format!("has more than {bytes_max} bytes"),
            Err(Unfetched::Failed(why)) => why,
            Err(Unfetched::Lost(why)) => {
                self.ended = Some(FsckError::Remote(format!("{path}: {why}")));
                return None;
            }
            Err(Unfetched::Ended { code, why }) => {
                self.ended = Some(FsckError::Ended { code, why });
                return None;
            }
        };
        self.report.note(path, why);
        None
    }

    fn bundle(&mut self, path: &TilePath, width: usize) -> Option<Vec<Vec<u8>>> {
        let path = format!("tile/{path}");
        let bytes = self.get(&path, bundle_bytes_max(width))?;
        decode_bundle(&bytes, width).map_err(|e| self.report.note(path, e.to_string())).ok()
    }

    fn entry(&mut self, index: u64, bytes: &[u8]) {
        self.report.entries += 1;
        for (tile, filled) in self.tree.push(bytes) {
            self.tile(tile, &filled);
        }
        match SequencedEntry::decode(bytes) {
            Ok(entry) => {
                if entry.logged_at < self.last {
                    self.report.note(format!("entry {index}"), "is earlier than the entry before it");
                }
                self.last = entry.logged_at;
                if !self.identities.insert(Sha256::digest(entry.identity().as_bytes()).into()) {
                    self.report.note(format!("entry {index}"), "is logged a second time");
                }
                self.body(index, &entry);
            }
            Err(error) => self.report.note(format!("entry {index}"), error.to_string()),
        }
    }

    fn body(&mut self, index: u64, entry: &SequencedEntry) {
        let longest = self.limits.body_bytes_max;
        let Some(length) = usize::try_from(entry.body_bytes).ok().filter(|length| *length <= longest) else {
            let why = format!("has by its entry more than the {longest} bytes that are read");
            return self.report.note(format!("body {index}"), why);
        };
        let why = match (self.fetch)(&format!("v1/artifacts/{}", entry.digest), length) {
            Ok(Fetched::Bytes(body)) => {
                self.report.bodies += 1;
                match agree(entry, &body, &self.keys, self.limits.room.saturating_add(body.len())) {
                    Ok(_) => return,
                    Err(Disagreement::Differs(why)) => why,
                    Err(Disagreement::OverRoom) => {
                        self.ended = Some(FsckError::Memory { what: format!("body {index}") });
                        return;
                    }
                }
            }
            Ok(Fetched::Absent) => return,
            Ok(Fetched::TooLong) => format!("has more than the {length} bytes that its entry says"),
            Err(Unfetched::Failed(why)) => why,
            Err(Unfetched::Lost(why)) => {
                self.ended = Some(FsckError::Remote(format!("body {index}: {why}")));
                return;
            }
            Err(Unfetched::Ended { code, why }) => {
                self.ended = Some(FsckError::Ended { code, why });
                return;
            }
        };
        self.report.note(format!("body {index}"), why);
    }

    fn tile(&mut self, tile: TileId, expected: &[u8]) {
        let width = (expected.len() / 32) as u16;
        let path = format!("tile/{}", TilePath::Hashes { tile, width });
        let Some(bytes) = self.get(&path, expected.len()) else { return };
        self.report.tiles += 1;
        if bytes != expected {
            self.report.note(path, "does not hold the hashes of its entries");
        }
    }
}
