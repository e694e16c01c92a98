//! What submitters are told, and when.

use std::collections::HashMap;

use crate::merkle::{LeafIndex, TreeSize};
use crate::server::log::publisher::Fatal;
use crate::server::log::sequencer::Sequencer;
use crate::server::log::sequencer::desk::Placed;
use crate::server::log::sequencer::known::check_same;
use crate::server::log::{Logged, SubmitError};
use crate::server::store::StoreError;
use crate::server::store::layout::{STATEMENT_KEY_BYTES, cf};

type Key = [u8; STATEMENT_KEY_BYTES];
/// Entries of each statement that was read for these answers.
type Stated = HashMap<Key, Vec<LeafIndex>>;

impl Sequencer {
    /// Answers every placed item that the published checkpoint covers.
    pub(super) fn answer(&mut self) -> Result<(), Fatal> {
        let size = self.published.borrow().head.size;
        let mut stated = Stated::new();
        for placed in self.desk.take_covered(size) {
            let (request, slot) = (placed.request, placed.slot);
            let answered = match self.complete(placed, size, &mut stated) {
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

    fn complete(&self, placed: Placed, size: TreeSize, stated: &mut Stated) -> Result<Logged, StoreError> {
        let mut logged = placed.logged;
        logged.tree_size = size;
        // It was read where it stands, or this process has committed it.
        let missing = || StoreError::Damaged { row: format!("{}: leads to no entry {}", cf::ENTRIES, logged.index) };
        logged.leaf_hash = placed.leaf_hash.ok_or_else(missing)?;
        if placed.is_repeated {
            logged.same_statement = self.stating(&placed.statement, logged.index, stated)?;
            logged.same_statement.retain(|index| *index != logged.index && index.get() < size.get());
        }
        Ok(logged)
    }

    /// The entries of a statement, one of which is `at`. Everybody waits for this
    /// thread: of a thousand copies in one commit they are read once.
    fn stating(&self, key: &Key, at: LeafIndex, stated: &mut Stated) -> Result<Vec<LeafIndex>, StoreError> {
        if let Some(same) = stated.get(key) {
            check_same(&self.store, at, &same[..same.len().min(1)])?;
            return Ok(same.clone());
        }
        let same = self.store.find_statement(key)?;
        check_same(&self.store, at, &same)?;
        stated.insert(*key, same.clone());
        Ok(same)
    }
}

/// What a submitter is told of a damaged row; the operator is told which.
pub(super) fn damaged(error: &StoreError) -> SubmitError {
    tracing::error!(%error, "a look-up row is damaged, run pulselog fsck");
    SubmitError::Damaged
}
