//! What stands in a folder that a reader names. Every regular file is found,
//! in folders below too; whatever is not read is named, with the reason.

use std::io;
use std::path::{Path, PathBuf};

use pulselog::verify::packet::{FILES_MAX, MANIFEST};

use super::input::{irregular, why};

/// Deepest folder that is entered; the named one is 0.
const DEPTH_MAX: usize = 16;

/// What a folder holds, in order of the paths.
#[derive(Debug, Default)]
pub struct Folder {
    pub files: Vec<PathBuf>,
    /// Paths that are not read, and why.
    pub unread: Vec<(PathBuf, String)>,
}

impl Folder {
    /// Looks through a folder and those below it. Nothing is opened but
    /// folders: opening a pipe would wait for whoever writes to it.
    ///
    /// # Errors
    /// The folder itself cannot be listed.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let mut folder = Self::default();
        let within = [dir.canonicalize()?];
        folder.enter(dir, &within)?;
        Ok(folder)
    }

    fn enter(&mut self, dir: &Path, within: &[PathBuf]) -> io::Result<()> {
        let mut paths = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            if self.files.len() + self.unread.len() >= FILES_MAX {
                self.unread.push((path, format!("stands behind {FILES_MAX} others, and so does what follows")));
                return Ok(());
            }
            match std::fs::metadata(&path) {
                Ok(found) if found.is_file() => self.files.push(path),
                Ok(found) if found.is_dir() => {
                    if let Err(why) = self.enter_below(&path, within) {
                        self.unread.push((path, why));
                    }
                }
                Ok(other) => self.unread.push((path, irregular(other.file_type()).to_owned())),
                Err(error) => self.unread.push((path, why(&error))),
            }
        }
        Ok(())
    }

    fn enter_below(&mut self, dir: &Path, within: &[PathBuf]) -> Result<(), String> {
        if within.len() > DEPTH_MAX {
            return Err(format!("is a folder more than {DEPTH_MAX} deep"));
        }
        let real = dir.canonicalize().map_err(|error| why(&error))?;
        if within.contains(&real) {
            return Err("is a link to a folder that it stands in".to_owned());
        }
        let within: Vec<PathBuf> = within.iter().cloned().chain([real]).collect();
        self.enter(dir, &within).map_err(|error| why(&error))
    }
}

/// Whether a directory is a packet: it has the list of one, or artifacts beside
/// their proofs, of which a packet without its list still consists.
pub fn is_packet(dir: &Path) -> bool {
    if dir.join(MANIFEST).is_file() {
        return true;
    }
    let Ok(entries) = std::fs::read_dir(dir) else { return false };
    let paths = entries.take(FILES_MAX).filter_map(|entry| Some(entry.ok()?.path()));
    let is_proof = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "tlog-proof");
    paths.filter(is_proof).any(|proof| proof.with_extension("json").is_file())
}

/// Files that the directory of a log has.
const LOGS_OWN: [&str; 2] = ["pulselog.toml", "tokens.json"];

/// Whether a directory is the data of a log.
pub fn is_logs_own(dir: &Path) -> bool {
    LOGS_OWN.iter().all(|name| dir.join(name).is_file())
}

/// A path below a folder as a manifest would name it.
pub fn name_below(dir: &Path, path: &Path) -> String {
    path.strip_prefix(dir).unwrap_or(path).to_string_lossy().into_owned()
}
