//! What submitters are told, and when.

use crate::merkle::TreeSize;
use crate::server::log::publisher::Fatal;
use crate::server::log::sequencer::Sequencer;
use crate::server::log::sequencer::desk::Placed;
use crate::server::log::sequencer::known::check_same;
use crate::server::log::{Logged, SubmitError};
use crate::server::store::StoreError;
use crate::server::store::layout::cf;

impl Sequencer {
    /// Answers every placed item that the published checkpoint covers.
    pub(super) fn answer(&mut self) -> Result<(), Fatal> {
        let size = self.published.borrow().head.size;
        for placed in self.desk.take_covered(size) {
            let (request, slot) = (placed.request, placed.slot);
            let answered = match self.complete(placed, size) {
                Err(error @ StoreError::Damaged { .. }) => Err(damaged(&error)),
                // It is logged; who submits it again is told so by a sound store.
                Err(error @ StoreError::Read(_)) => Err(self.degraded(&error)),
                completed => Ok(completed?),
            };
            self.desk.fill(request, slot, answered);
        }
        self.desk.count_placed();
        Ok(())
    }

    fn complete(&self, placed: Placed, size: TreeSize) -> Result<Logged, StoreError> {
        let mut logged = placed.logged;
        logged.tree_size = size;
        // It was read where it stands, or this process has committed it.
        let missing = || StoreError::Damaged { row: format!("{}: leads to no entry {}", cf::ENTRIES, logged.index) };
        logged.leaf_hash = placed.leaf_hash.ok_or_else(missing)?;
        if placed.is_repeated {
            let mut same = self.store.find_statement(&placed.statement)?;
            check_same(&self.store, logged.index, &same)?;
            same.retain(|index| *index != logged.index && index.get() < size.get());
            logged.same_statement = same;
        }
        Ok(logged)
    }
}

/// What a submitter is told of a damaged row; the operator is told which.
pub(super) fn damaged(error: &StoreError) -> SubmitError {
    tracing::error!(%error, "a look-up row is damaged, run pulselog fsck");
    SubmitError::Damaged
}
