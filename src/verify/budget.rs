//! Memory that one run of a reader may fill. What is kept of strangers' files is
//! charged before it is kept; what is only looked at has the rest.

use crate::artifact::Artifact;
use crate::codes::{Code, verdict};

/// Memory of a run whose reader says nothing else, bytes. What is read may be
/// three times the largest body more, and [`ENTRY_BYTES`] an entry.
pub const MEMORY_BYTES_MAX: usize = 256 << 20;
/// What every entry may take beside, bytes.
pub const ENTRY_BYTES: usize = 200;
/// The part of it that may be kept to the end of the run.
const KEPT_PART: usize = 2;
/// The part of it that the values of one document may take.
const DOCUMENT_PART: usize = 4;

/// Least room of a document where many are read at a time: four times what the
/// longest of them has.
const ROOM_BYTES_MIN: usize = 8 << 20;

/// What is left of it.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    max: usize,
    left: usize,
}

/// A run has kept what it may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is read would fill more memory than the {} MiB of this run; give more with --memory-max", max >> 20)]
pub struct OverBudget {
    pub max: usize,
}

impl OverBudget {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        &verdict::MEMORY_BUDGET
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(MEMORY_BYTES_MAX)
    }
}

impl Budget {
    /// For a run that may fill `max` bytes.
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self { max, left: max / KEPT_PART }
    }

    /// Room for the values of a document of so many bytes.
    #[must_use]
    pub const fn room_for(&self, bytes: usize) -> usize {
        (self.max / DOCUMENT_PART).saturating_add(bytes)
    }

    /// Room for the values of each of so many documents at a time.
    #[must_use]
    pub const fn room_of_each(&self, documents: usize) -> usize {
        let share = self.max / DOCUMENT_PART / if documents == 0 { 1 } else { documents };
        if share > ROOM_BYTES_MIN { share } else { ROOM_BYTES_MIN }
    }

    /// Charges what is to be kept.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn keep(&mut self, bytes: usize) -> Result<(), OverBudget> {
        self.left = self.left.checked_sub(bytes).ok_or(self.over())?;
        Ok(())
    }

    /// Charges an artifact, but for what every entry may take.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn keep_artifact(&mut self, artifact: &Artifact) -> Result<(), OverBudget> {
        let bytes = artifact.compact().len() + artifact.value().heap_bytes();
        self.keep(bytes.saturating_sub(ENTRY_BYTES))
    }

    #[must_use]
    pub const fn over(&self) -> OverBudget {
        OverBudget { max: self.max }
    }
}
