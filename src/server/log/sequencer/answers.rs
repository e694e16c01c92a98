//! What submitters are told, and when.

use crate::merkle::TreeSize;
use crate::server::log::publisher::Fatal;
use crate::server::log::sequencer::known::check_same;
use crate::server::log::sequencer::{Placed, Sequencer};
use crate::server::log::{Answered, Item, Logged, SubmitError};
use crate::server::store::StoreError;
use crate::server::store::layout::cf;

impl Sequencer {
    /// Answers every placed item that the published checkpoint covers.
    pub(super) fn answer(&mut self) -> Result<(), Fatal> {
        let size = self.published.borrow().head.size;
        let covered = |placed: &Placed| placed.logged.index.get() < size.get();
        let (ready, waiting) = std::mem::take(&mut self.placed).into_iter().partition(covered);
        self.placed = waiting;
        let ready: Vec<Placed> = ready;
        for placed in ready {
            let (request, slot) = (placed.request, placed.slot);
            let answered = match self.complete(placed, size) {
                Err(error @ StoreError::Damaged { .. }) => Err(damaged(&error)),
                // It is logged; who submits it again is told so by a sound store.
                Err(error @ StoreError::Read(_)) => Err(self.degraded(&error)),
                completed => Ok(completed?),
            };
            self.fill(request, slot, answered);
        }
        self.inbox.tell_placed(self.placed.len());
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

    pub(super) fn fill(&mut self, request: u64, slot: usize, answered: Answered) {
        let Some(answer) = self.answers.get_mut(&request) else { return };
        answer.slots[slot] = Some(answered);
        answer.missing -= 1;
        if answer.missing == 0
            && let Some(answer) = self.answers.remove(&request)
        {
            // A submitter who went away finds the entry by submitting again.
            let _ = answer.to.send(Ok(answer.slots.into_iter().flatten().collect()));
        }
    }

    /// Refuses whole requests; nothing of them that is not placed yet is logged.
    pub(super) fn refuse(&mut self, items: &[(u64, usize, Item)], why: &SubmitError) {
        for (request, _, _) in items {
            if let Some(answer) = self.answers.remove(request) {
                self.inbox.release(answer.room);
                let _ = answer.to.send(Err(why.clone()));
            }
            if let Some(at) = self.requests.iter().position(|r| r.id == *request)
                && let Some(rest) = self.requests.remove(at)
            {
                self.waiting -= rest.items.iter().map(|(_, item)| item.entries.len()).sum::<usize>();
            }
            self.placed.retain(|p| p.request != *request);
        }
    }
}

/// What a submitter is told of a damaged row; the operator is told which.
pub(super) fn damaged(error: &StoreError) -> SubmitError {
    tracing::error!(%error, "a look-up row is damaged, run pulselog fsck");
    SubmitError::Damaged
}
