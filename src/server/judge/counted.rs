//! How many findings there are, for a first look: counted once for many readers.
//!
//! Counting costs as much as a page of findings, so whoever asks again within
//! [`KEPT`] gets the count that is there, and says of which size it is. Where one
//! counts, the others do not wait for it.

use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use crate::audit::Severity;
use crate::merkle::TreeSize;
use crate::server::judge::{AuditsError, Filter, SCAN_ENTRIES_MAX, Sitting};

/// How long a count of an older size is told.
const KEPT: Duration = Duration::from_secs(15);
/// Findings at which counting ends; from there it is "at least".
const COUNT_MAX: usize = 500;

/// Findings of the newest entries, all of them in a small log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub size: TreeSize,
    /// First entry that was looked through.
    pub from: u64,
    /// Each severity with its number, the most severe first; none with nothing.
    pub of: Vec<(Severity, u64)>,
    /// Whether all that was to be looked through was.
    pub is_whole: bool,
}

/// The last count, with when it was made.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Option<(Instant, Counted)>>>);

impl Sitting {
    /// The findings at the newest size, counted by severity; `None` while nobody has
    /// counted yet and another does. Blocks.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn counted(&self) -> Result<Option<Counted>, AuditsError> {
        let size = self.desk.view.size();
        let mut kept = match self.audits.counted.0.try_lock() {
            Ok(kept) => kept,
            // Whoever panicked left the count before it, which is whole.
            Err(TryLockError::Poisoned(kept)) => kept.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        if let Some((_, counted)) = kept.as_ref().filter(|(made, of)| of.size == size || made.elapsed() < KEPT) {
            return Ok(Some(counted.clone()));
        }
        let counted = self.count(size)?;
        *kept = Some((Instant::now(), counted.clone()));
        Ok(Some(counted))
    }

    fn count(&self, size: TreeSize) -> Result<Counted, AuditsError> {
        let from = size.get().saturating_sub(SCAN_ENTRIES_MAX as u64);
        let found = self.findings(&Filter::default(), size, from.checked_sub(1), COUNT_MAX)?;
        let count = |severity| found.findings.iter().filter(|of| of.severity == severity).count() as u64;
        let of = Severity::ALL.into_iter().rev().map(|severity| (severity, count(severity)));
        let is_whole = found.next.is_none() && found.not_judged.is_empty();
        Ok(Counted { size, from, of: of.filter(|(_, count)| *count > 0).collect(), is_whole })
    }
}
