//! Where a whole log is read from: a directory laid out as tlog-tiles with
//! bodies in `artifacts/<hex>`, or a running log.

use std::io;
use std::path::PathBuf;

use pulselog::merkle::TreeSize;
use pulselog::tile::{TILE_WIDTH, TilePath, decode_bundle};
use pulselog::trust::TrustPolicy;
use pulselog::verify::ARTIFACT_BYTES_MAX;
use pulselog::verify::copy::{LogCopy, WholeLog};
use pulselog::verify::packet::{FILES_MAX, File};

use crate::cli::failure::Failure;
use crate::cli::folder::{Folder, name_below};
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
                    Ok(found) if found.is_file() => read("--log", &path, ARTIFACT_BYTES_MAX as u64).map(Some),
                    Ok(_) => Err(Failure::fail(format!("--log {}: is no regular file", path.display()))),
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

/// What `--evidence` names.
#[derive(Default)]
pub struct Evidence {
    pub files: Vec<File>,
    /// Whether a folder is among it: a packet, which says which files it has.
    pub has_folder: bool,
    /// Paths in folders that are not read, and why.
    pub unread: Vec<(String, String)>,
}

/// Files named by `--evidence`: each path a file, or a folder whose files are
/// all taken, in folders below it too.
pub fn evidence(paths: &[PathBuf]) -> Result<Evidence, Failure> {
    let (mut evidence, mut named) = (Evidence::default(), Vec::new());
    for path in paths {
        if !path.is_dir() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            named.push((name, path.clone()));
            continue;
        }
        evidence.has_folder = true;
        let wrong = |error: io::Error| Failure::fail(format!("--evidence {}: {}", path.display(), why(&error)));
        let folder = Folder::read(path).map_err(wrong)?;
        named.extend(folder.files.into_iter().map(|file| (name_below(path, &file), file)));
        let unread = folder.unread.into_iter().map(|(at, why)| (name_below(path, &at), why));
        evidence.unread.extend(unread);
    }
    if named.len() > FILES_MAX {
        return Err(Failure::fail(format!("--evidence: holds more than {FILES_MAX} files")));
    }
    let mut bytes = 0_usize;
    for (name, path) in named {
        let file = read("--evidence", &path, ARTIFACT_BYTES_MAX as u64)?;
        bytes = bytes.saturating_add(file.len());
        if bytes > EVIDENCE_BYTES_MAX {
            return Err(Failure::fail(format!("--evidence: holds more than {EVIDENCE_BYTES_MAX} bytes")));
        }
        evidence.files.push((name, file));
    }
    Ok(evidence)
}
