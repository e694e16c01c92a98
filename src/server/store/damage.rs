//! What of the store is damaged, as far as anybody has met it. Writes stop at
//! the first, for good; reads that do not need what is damaged go on. Whether
//! a part that nobody reads is damaged as well, the scrub and fsck tell.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::merkle::TreeSize;

/// Damaged parts that are named; more add nothing but length.
pub const NAMES_MAX: usize = 32;

/// Filled by whoever meets it; everybody who writes looks here first.
#[derive(Debug, Default)]
pub struct Damage {
    first: OnceLock<String>,
    names: Mutex<BTreeSet<String>>,
    holed: Mutex<BTreeSet<&'static str>>,
    lost_below: AtomicU64,
}

impl Damage {
    /// Remembers a read that failed, and tells the operator of each part once.
    /// RocksDB's message names the file.
    pub fn meet(&self, what: &str) {
        self.find(&part_of(what), what);
    }

    /// As [`Damage::meet`], of a part that has a name of its own: no path of
    /// this machine, since readers are shown it.
    pub fn find(&self, name: &str, what: &str) {
        let _ = self.first.set(what.to_owned());
        if self.is_new(name) {
            tracing::error!(
                what,
                "the store is damaged: writes stop, reads that do not need it go on; run pulselog fsck"
            );
        }
    }

    /// A row that fails for its own name alone: it is told, and nothing stops.
    pub fn note(&self, name: &str, what: &str) {
        if self.is_new(name) {
            tracing::error!(what, "a look-up row is damaged: whoever asks for it is told so; run pulselog fsck");
        }
    }

    fn is_new(&self, name: &str) -> bool {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.len() < NAMES_MAX && names.insert(name.to_owned())
    }

    /// Says that rows of a look-up family are missing: what is not found there
    /// may have been.
    pub fn find_holed(&self, family: &'static str) {
        self.holed.lock().unwrap_or_else(PoisonError::into_inner).insert(family);
    }

    /// Whether rows of this family are known to be missing.
    #[must_use]
    pub fn is_holed(&self, family: &str) -> bool {
        self.holed.lock().unwrap_or_else(PoisonError::into_inner).contains(family)
    }

    /// Says that the log once had this size, whatever the store holds of it.
    pub fn find_lost(&self, below: TreeSize) {
        self.lost_below.fetch_max(below.get(), Ordering::AcqRel);
    }

    /// The size that the log is known to have had, or may have had; 0 where
    /// nothing is known to be lost. What the store has not of it was logged.
    #[must_use]
    pub fn lost_below(&self) -> TreeSize {
        TreeSize::new(self.lost_below.load(Ordering::Acquire))
    }

    /// What was met first, if anything was.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.first.get().map(String::as_str)
    }

    /// The damaged parts by name, at most [`NAMES_MAX`].
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// The file that a message names, without the way to it.
fn part_of(what: &str) -> String {
    let words = || what.split(|c: char| c.is_whitespace() || c == ';' || c == ',');
    let file = words().find(|word| word.ends_with(".sst") || word.ends_with(".log") || word.contains("MANIFEST-"));
    let name = file.and_then(|file| file.rsplit('/').next());
    name.map_or_else(|| "a file of the store".to_owned(), |name| format!("file {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_by_its_file_without_the_way_to_it() {
        let said = "Corruption: block checksum mismatch: stored = 1  in /var/lib/log/store/000012.sst offset 0 size 9";
        assert_eq!(part_of(said), "file 000012.sst");
        assert_eq!(part_of("Corruption: something"), "a file of the store");
    }
}
