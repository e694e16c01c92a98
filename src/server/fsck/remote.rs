//! fsck of a log over HTTP, knowing nothing but its verifier key.
//!
//! Reads the checkpoint, every tile, every entry bundle and every body, and
//! recomputes. Works against any log that serves tlog-tiles; bodies are this
//! log's own addition.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::artifact::KeyCache;
use crate::entry::{LoggedAt, SequencedEntry};
use crate::merkle::TreeSize;
use crate::note::VerifierKey;
use crate::server::fsck::body::agree;
use crate::server::fsck::tree::Regrown;
use crate::server::fsck::{FsckError, Progress, Report, is_told};
use crate::tile::{TILE_WIDTH, TileId, TilePath, decode_bundle};
use crate::trust::{TrustPolicy, TrustedCheckpoint};

/// What a fetch gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The bytes.
    Bytes(Vec<u8>),
    /// The log says that it does not have it, or withholds it.
    Absent,
}

/// Checks the log behind `fetch`, which is given paths such as `checkpoint`,
/// `tile/0/x001/067` and `v1/artifacts/<hex>`. Bodies that are withheld are
/// counted as absent, not as problems.
///
/// # Errors
/// [`FsckError::Remote`] when no checkpoint verifies under `vkey`.
pub fn check(
    fetch: &mut dyn FnMut(&str) -> Result<Fetched, String>,
    vkey: VerifierKey,
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
    };
    walk.report.checkpoints = 1;
    let size = head.size.get();
    let mut next = 0;
    while next < size {
        let width = (size - next).min(TILE_WIDTH as u64) as u16;
        let path = TilePath::Entries { index: next / TILE_WIDTH as u64, width };
        let Some(entries) = walk.bundle(&path, usize::from(width)) else { break };
        for entry in entries {
            walk.entry(next, &entry);
            next += 1;
            if is_told(next, TreeSize::new(size)) {
                progress(next, size);
            }
        }
    }
    for (tile, bytes) in walk.tree.partial() {
        walk.tile(tile, &bytes);
    }
    if walk.tree.size() == size && walk.tree.root() != head.root {
        walk.report.note("checkpoint", format!("signs another root than that of the {size} entries served"));
    }
    Ok(walk.report)
}

fn checkpoint(
    fetch: &mut dyn FnMut(&str) -> Result<Fetched, String>,
    vkey: VerifierKey,
) -> Result<TrustedCheckpoint, FsckError> {
    match fetch("checkpoint") {
        Ok(Fetched::Bytes(note)) => {
            TrustPolicy::for_log(vkey).open(&note).map_err(|e| FsckError::Remote(e.to_string()))
        }
        Ok(Fetched::Absent) => Err(FsckError::Remote("serves no checkpoint; is this the log's URL prefix".into())),
        Err(why) => Err(FsckError::Remote(why)),
    }
}

struct Walk<'a> {
    fetch: &'a mut dyn FnMut(&str) -> Result<Fetched, String>,
    report: Report,
    tree: Regrown,
    keys: KeyCache,
    last: LoggedAt,
    /// SHA-256 of each identity: 32 bytes an entry while the walk lasts.
    identities: HashSet<[u8; 32]>,
}

impl Walk<'_> {
    fn get(&mut self, path: &str) -> Option<Vec<u8>> {
        match (self.fetch)(path) {
            Ok(Fetched::Bytes(bytes)) => Some(bytes),
            Ok(Fetched::Absent) => {
                self.report.note(path, "is not served");
                None
            }
            Err(why) => {
                self.report.note(path, why);
                None
            }
        }
    }

    fn bundle(&mut self, path: &TilePath, width: usize) -> Option<Vec<Vec<u8>>> {
        let path = format!("tile/{path}");
        let bytes = self.get(&path)?;
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
        match (self.fetch)(&format!("v1/artifacts/{}", entry.digest)) {
            Ok(Fetched::Bytes(body)) => {
                self.report.bodies += 1;
                if let Err(why) = agree(entry, &body, &self.keys) {
                    self.report.note(format!("body {index}"), why);
                }
            }
            Ok(Fetched::Absent) => {}
            Err(why) => self.report.note(format!("body {index}"), why),
        }
    }

    fn tile(&mut self, tile: TileId, expected: &[u8]) {
        let width = (expected.len() / 32) as u16;
        let path = format!("tile/{}", TilePath::Hashes { tile, width });
        let Some(bytes) = self.get(&path) else { return };
        self.report.tiles += 1;
        if bytes != expected {
            self.report.note(path, "does not hold the hashes of its entries");
        }
    }
}
