//! How far one target was told: a small file in the data directory, and all
//! that is kept of a target. Events are never stored; they are derived again
//! from the log between its two sizes.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::merkle::RootHash;

/// Longest file that is read.
const FILE_BYTES_MAX: u64 = 4_096;
const VERSION: u32 = 1;

/// A size of the log and the server's clock: what is evaluated. By the root it
/// is known again, where a log was restored and has grown to this size anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    pub size: u64,
    pub time_ms: u64,
    /// Missing in what earlier builds wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<RootHash>,
}

/// Sizes between which nothing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    pub from: u64,
    pub to: u64,
    /// Since when. Two of them may end at one size, where a log was restored twice.
    #[serde(default)]
    pub since_ms: u64,
}

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    version: u32,
    /// Whose log.
    pub origin: String,
    /// Everything up to here was told.
    pub told: Moment,
    /// What is under way: written before its first event leaves, so that whoever
    /// starts again derives the same ones.
    pub under_way: Option<Moment>,
    /// Since when nothing was taken, Unix milliseconds.
    pub failing_since_ms: Option<u64>,
    /// A jump that is still to be told.
    pub gap: Option<Gap>,
}

impl Cursor {
    /// A target that was never told anything: it begins at what is there now.
    pub fn begin(origin: &str, now: Moment) -> Self {
        let origin = origin.to_owned();
        Self { version: VERSION, origin, told: now, under_way: None, failing_since_ms: None, gap: None }
    }

    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is another log's or version's.
    pub fn read(path: &Path, origin: &str) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        let cursor: Self = serde_json::from_slice(&bytes)?;
        if cursor.version != VERSION || cursor.origin != origin {
            return Err(io::Error::other("is of another log or version"));
        }
        Ok(Some(cursor))
    }

    /// Writes beside and renames over: a crash leaves the old or the new one.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let aside = path.with_extension("new");
        let mut file = File::create(&aside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        std::fs::rename(&aside, path)?;
        path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    }
}

/// Where the cursor of a target is.
pub fn path(data: &Path, target: &str) -> PathBuf {
    data.join("webhooks").join(format!("{target}.json"))
}
