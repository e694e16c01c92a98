//! The clock mark: what the wall clock showed when the log last looked, in a
//! small file beside the head guard.
//!
//! ```text
//! pulselog clock mark 1
//! wall_ms 1795430400123
//! accepted_ms 1826966400000      only while an operator's word is needed
//! sha256 HEX                     of the lines above
//! ```
//!
//! If lost or damaged: the next start knows less, and believes a clock that
//! runs ahead. If an attacker writes it: writes may have to wait for the
//! operator's word; nothing false is signed.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::merkle::Hash;

const HEAD: &str = "pulselog clock mark 1";
/// Longest mark that is read.
const BYTES_MAX: u64 = 512;

/// What the mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Wall clock, Unix milliseconds.
    pub wall_ms: u64,
    /// Time of the last entry when an operator said that it is the entry, and
    /// not the clock, that is wrong. Holds until a later entry is logged.
    pub accepted_ms: Option<u64>,
}

/// Where the mark of a guard lies: `GUARD.clock`.
#[must_use]
pub fn path_of(guard: &Path) -> PathBuf {
    let mut path = guard.as_os_str().to_owned();
    path.push(".clock");
    path.into()
}

impl Mark {
    fn lines(&self) -> String {
        let mut text = format!("{HEAD}\nwall_ms {}\n", self.wall_ms);
        if let Some(accepted) = self.accepted_ms {
            // Writing to a String does not fail.
            let _ = writeln!(text, "accepted_ms {accepted}");
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (lines, sum) = text.strip_suffix('\n')?.rsplit_once("\nsha256 ")?;
        let mut rest = lines.strip_prefix(HEAD)?.strip_prefix("\nwall_ms ")?.split("\naccepted_ms ");
        let wall_ms = rest.next()?.parse().ok()?;
        let accepted_ms = rest.next().map(str::parse).transpose().ok()?;
        let mark = Self { wall_ms, accepted_ms };
        (mark.lines().strip_suffix('\n') == Some(lines) && sum == digest(&mark.lines())).then_some(mark)
    }

    /// Reads the mark; `None` when there is none or it is damaged, which is logged.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        let mut text = String::new();
        let read =
            File::open(path).and_then(|file| io::Read::read_to_string(&mut io::Read::take(file, BYTES_MAX), &mut text));
        match read.map(|_| Self::parse(&text)) {
            Ok(Some(mark)) => return Some(mark),
            Ok(None) => {
                tracing::warn!(path = %path.display(), "clock mark is damaged; a clock that runs ahead is not found");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %path.display(), %error, "clock mark cannot be read"),
        }
        None
    }

    /// Writes the mark beside and renames it over: a crash leaves the old or the new one.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".new");
        let mut file = File::create(&aside)?;
        let lines = self.lines();
        file.write_all(format!("{lines}sha256 {}\n", digest(&lines)).as_bytes())?;
        file.sync_data()?;
        std::fs::rename(&aside, path)
    }
}

fn digest(text: &str) -> String {
    Hash::from_bytes(Sha256::digest(text.as_bytes()).into()).to_hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_a_damaged_one_is_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = path_of(&dir.path().join("log.guard"));
        assert_eq!(Mark::read(&path), None);
        for accepted_ms in [None, Some(7)] {
            let mark = Mark { wall_ms: 1_795_430_400_123, accepted_ms };
            mark.write(&path).expect("written");
            assert_eq!(Mark::read(&path), Some(mark));
            let bytes = std::fs::read(&path).expect("bytes");
            for at in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1;
                std::fs::write(&path, flipped).expect("written");
                assert_eq!(Mark::read(&path), None, "byte {at}");
            }
            std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("written");
            assert_eq!(Mark::read(&path), None);
        }
    }
}
