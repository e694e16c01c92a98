//! Where a whole log is read from: a directory laid out as tlog-tiles with
//! bodies in `artifacts/<hex>`, or a running log.

use std::io;
use std::path::{Path, PathBuf};

use pulselog::merkle::TreeSize;
use pulselog::tile::{TILE_WIDTH, TilePath, decode_bundle};
use pulselog::trust::TrustPolicy;
use pulselog::verify::ARTIFACT_BYTES_MAX;
use pulselog::verify::copy::{LogCopy, WholeLog};

use crate::cli::failure::Failure;
#[cfg(feature = "server")]
use crate::cli::http::Client;
use crate::cli::input::{read, why};
use crate::cli::progress::Bar;

/// Most bytes of all evidence files together: they are held in memory, and a
/// packet of 65,536 longest files would fill it.
const EVIDENCE_BYTES_MAX: usize = 1 << 30;

/// A log that anyone can read.
pub enum LogSource {
    Directory(PathBuf),
    #[cfg(feature = "server")]
    Url(Client),
}

impl LogSource {
    /// What the value of `--log` names.
    pub fn parse(text: &str) -> Result<LogSource, Failure> {
        if text.starts_with("http://") || text.starts_with("https://") {
            #[cfg(feature = "server")]
            return Ok(LogSource::Url(Client::new(text, None, true)?));
            #[cfg(not(feature = "server"))]
            return Err(Failure::usage("--log: this build reads directories only, it has no network"));
        }
        Ok(LogSource::Directory(PathBuf::from(text)))
    }

    /// One file of the log; `None` when it is not there or withheld.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        match self {
            LogSource::Directory(dir) => {
                let path = dir.join(path);
                match std::fs::metadata(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(Failure::fail(format!("--log {}: {}", path.display(), why(&error)))),
                    Ok(_) => read("--log", &path, ARTIFACT_BYTES_MAX as u64).map(Some),
                }
            }
            #[cfg(feature = "server")]
            LogSource::Url(client) => {
                let answer = client.get(path, "*/*")?;
                match answer.status {
                    200 => Ok(Some(answer.body)),
                    404 | 410 | 451 => Ok(None),
                    _ => Err(Failure::fail(format!("--log {}: {}", client.url(path), answer.problem()))),
                }
            }
        }
    }

    fn bodies(&self) -> &'static str {
        match self {
            LogSource::Directory(_) => "artifacts",
            #[cfg(feature = "server")]
            LogSource::Url(_) => "v1/artifacts",
        }
    }

    /// Reads every entry and body under the newest checkpoint, and shows that
    /// they are the signed tree.
    pub fn read(&self, policy: &TrustPolicy) -> Result<WholeLog, Failure> {
        let wrong = |why: String| Failure::fail(format!("--log: {why}"));
        let checkpoint = self.get("checkpoint")?;
        let checkpoint =
            checkpoint.ok_or_else(|| wrong("serves no checkpoint; is this the log's own prefix?".into()))?;
        let mut copy = LogCopy::open(policy, &checkpoint).map_err(|e| wrong(format!("{e} [{}]", e.code())))?;
        let size = copy.size().get();
        let bar = Bar::new(size, "entries");
        let mut next = 0;
        while next < size {
            for entry in self.bundle(next, copy.size())? {
                let decoded = copy.decode(&entry).map_err(|e| wrong(format!("{e} [{}]", e.code())))?;
                let body = self.get(&format!("{}/{}", self.bodies(), decoded.digest))?;
                copy.push(&entry, decoded, body.as_deref());
                next += 1;
                bar.at(next);
            }
        }
        bar.done();
        copy.finish().map_err(|e| wrong(format!("{e} [{}]", e.code())))
    }

    /// The entries of one bundle, from the first of it.
    fn bundle(&self, first: u64, size: TreeSize) -> Result<Vec<Vec<u8>>, Failure> {
        let width = (size.get() - first).min(TILE_WIDTH as u64) as u16;
        let path = |width| format!("tile/{}", TilePath::Entries { index: first / TILE_WIDTH as u64, width });
        // A log that has grown since, or a mirror, may hold only the full one.
        let bytes = match self.get(&path(width))? {
            Some(bytes) => Some((bytes, usize::from(width))),
            None => self.get(&path(TILE_WIDTH as u16))?.map(|bytes| (bytes, TILE_WIDTH)),
        };
        let missing = || Failure::fail(format!("--log: {} is not there", path(width)));
        let (bytes, held) = bytes.ok_or_else(missing)?;
        let wrong = |e: pulselog::tile::TileError| Failure::fail(format!("--log: {}: {e}", path(width)));
        let mut entries = decode_bundle(&bytes, held).map_err(wrong)?;
        entries.truncate(usize::from(width));
        Ok(entries)
    }
}

/// Files named by `--evidence`: each path a file, or a directory whose files
/// are all taken.
pub fn evidence(paths: &[PathBuf]) -> Result<(Vec<pulselog::verify::packet::File>, bool), Failure> {
    let (mut named, mut has_directory) = (Vec::new(), false);
    for path in paths {
        if path.is_dir() {
            has_directory = true;
            named.extend(listing(path)?);
        } else {
            named.push(path.clone());
        }
    }
    let most = pulselog::verify::packet::FILES_MAX;
    if named.len() > most {
        return Err(Failure::fail(format!("--evidence: holds more than {most} files")));
    }
    let (mut files, mut bytes) = (Vec::with_capacity(named.len()), 0_usize);
    for path in &named {
        let read = file(path)?;
        bytes = bytes.saturating_add(read.1.len());
        if bytes > EVIDENCE_BYTES_MAX {
            return Err(Failure::fail(format!("--evidence: holds more than {EVIDENCE_BYTES_MAX} bytes")));
        }
        files.push(read);
    }
    Ok((files, has_directory))
}

fn file(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((name, read("--evidence", path, ARTIFACT_BYTES_MAX as u64)?))
}

/// Files of a directory in name order; folders inside are left out.
pub fn listing(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let wrong = |error: io::Error| Failure::fail(format!("{}: {}", dir.display(), why(&error)));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
