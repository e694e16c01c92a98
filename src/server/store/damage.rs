//! The first damage that a read met. Writes stop at once, for good; reads that
//! do not need what is damaged go on. Whether a part that nobody reads is
//! damaged as well, fsck tells.

use std::sync::OnceLock;

/// Set once, by whoever meets it; everybody who writes looks here first.
#[derive(Debug, Default)]
pub struct Damage(OnceLock<String>);

impl Damage {
    /// Remembers the first, and tells the operator once. RocksDB's message
    /// names the file.
    pub fn meet(&self, what: &str) {
        if self.0.set(what.to_owned()).is_ok() {
            tracing::error!(
                what,
                "the store is damaged: writes stop, reads that do not need it go on; run pulselog fsck"
            );
        }
    }

    /// What was met, if anything was.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}
