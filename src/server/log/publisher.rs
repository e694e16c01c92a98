//! From a head in the store to a checkpoint that may be shown: sign, guard,
//! publish. One code path for a normal batch and for a start after a crash.

use std::sync::Arc;

use tokio::sync::watch;

use crate::checkpoint::{Checkpoint, Origin, TreeHead};
use crate::note::SignerKey;
use crate::server::guard::{FileGuard, GuardError, GuardRecord, GuardState};
use crate::server::log::Published;
use crate::server::log::nodes::root_at;
use crate::server::store::layout::HeadRecord;
use crate::server::store::{Store, StoreError};

/// Owns the guard and the key: the only place where a signature leaves the log.
pub struct Publisher {
    pub(super) store: Arc<Store>,
    pub(super) guard: FileGuard,
    /// What the guard says, as this process wrote or read it.
    pub(super) record: GuardRecord,
    pub(super) origin: Origin,
    pub(super) signer: SignerKey,
}

impl Publisher {
    /// The guarded head.
    #[must_use]
    pub const fn guarded(&self) -> TreeHead {
        self.record.head
    }

    /// Signs `head` with the log's own key, in memory. `None` when the key
    /// does not answer: the batch then carries no note and the guard waits.
    #[must_use]
    pub fn sign(&self, head: TreeHead) -> Option<Vec<u8>> {
        let checkpoint = Checkpoint { origin: self.origin.clone(), head };
        match checkpoint.sign(&self.signer) {
            Ok(note) => Some(note.as_bytes().to_vec()),
            Err(error) => {
                tracing::error!(size = head.size.get(), %error, "checkpoint not signed, guard waits");
                None
            }
        }
    }

    /// Moves the guard to a head that the store holds with its note, then
    /// makes the checkpoint one of the published.
    ///
    /// # Errors
    /// Every error is fatal: what the guard or the store says is then unknown,
    /// and only a start that reads both again may go on. A guard that names a
    /// head which this store does not have marks the store as a fork first.
    pub fn publish(&mut self, head: TreeHead, note: &[u8]) -> Result<Published, Fatal> {
        let next = self.record.next(head, note);
        self.guard.compare_and_swap(&self.record, &next).map_err(|error| self.judge(error))?;
        self.record = next;
        // External signers and witnesses would be asked here: the guard has moved.
        self.store.publish(head.size, note)?;
        Ok(Published { head, note: note.into() })
    }

    /// Whether the guard still stands as this process left it: what nobody
    /// writes for hours is looked at too.
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub fn check_guard(&self) -> Result<(), Fatal> {
        self.guard.compare(&self.record).map_err(|error| self.judge(error))
    }

    /// A damaged guard, or an older copy of it, says nothing about the data. A
    /// whole record over a head that this store does not have does: another
    /// copy of the data moved it, and this one must never start again.
    fn judge(&self, error: GuardError) -> Fatal {
        let GuardError::Changed { expected, found } = error else { return error.into() };
        if !self.is_of_another_chain(&found) {
            return GuardError::Changed { expected, found }.into();
        }
        let lost = GuardError::Lost { expected, found };
        match self.store.mark_fork(&lost.to_string()) {
            Ok(()) => lost.into(),
            Err(error) => error.into(),
        }
    }

    /// What cannot be read says nothing: the start judges it again.
    fn is_of_another_chain(&self, found: &GuardState) -> bool {
        let (GuardState::Record(found), Ok(Some(own))) = (found, self.store.head()) else { return false };
        if found.origin != self.record.origin {
            return false;
        }
        let beyond = found.head.size > own.head.size;
        beyond || root_at(&self.store, found.head.size).is_ok_and(|root| root != found.head.root)
    }

    /// Gives a head that was committed without a note its note.
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub fn sign_and_publish(&mut self, head: &mut HeadRecord) -> Result<Option<Published>, Fatal> {
        if head.note.is_none() {
            let Some(note) = self.sign(head.head) else { return Ok(None) };
            head.note = Some(note);
            self.store.sign_head(head)?;
        }
        let Some(note) = head.note.clone() else { return Ok(None) };
        self.publish(head.head, &note).map(Some)
    }
}

/// Tells everybody who follows.
pub fn announce(sender: &watch::Sender<Published>, published: Published) {
    sender.send_replace(published);
}

/// Why the log stopped. Nobody was answered; the process exits non-zero and
/// the next start recovers or refuses.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The guard.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The pure step.
    #[error(transparent)]
    Sequence(#[from] crate::sequence::SequenceError),
    /// The sequencer thread panicked.
    #[error("sequencer: panicked")]
    Panicked,
}
