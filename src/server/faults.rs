//! The write order of one batch, as data, and the place where tests break it.
//!
//! Every durable write of the service passes a [`WriteStep`]. In service the
//! hook is [`NoFaults`]; the fault table of the tests fails each step before
//! its effect, after its effect (persisted, but reported as failed), and kills
//! the process there.

use std::io;

/// Durable writes, in the order in which initialisation and then one batch
/// perform them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteStep {
    /// Initialisation: the guard file at size 0.
    GuardCreate,
    /// Initialisation: identity of the log and the empty head.
    StoreCreate,
    /// The synced batch: entries, identities, bodies, tiles, rows, head.
    Commit,
    /// A head that was committed without a note gets one.
    SignHead,
    /// The head guard moves from the previous head to this one.
    GuardMove,
    /// The checkpoint's row among the published ones.
    Publish,
    /// A start writes rows of what is withheld that an earlier version did not.
    Withhold,
    /// Bodies that are withheld are emptied.
    Erase,
}

impl WriteStep {
    /// Every step by which entries come into the log.
    pub const ALL: [Self; 6] =
        [Self::GuardCreate, Self::StoreCreate, Self::Commit, Self::SignHead, Self::GuardMove, Self::Publish];
}

/// Called around each durable write.
pub trait Faults: Send + Sync {
    /// Before the effect: an error means that nothing was written.
    ///
    /// # Errors
    /// Whatever the test wants the write to fail with.
    fn before(&self, _step: WriteStep) -> io::Result<()> {
        Ok(())
    }

    /// After the effect: an error means that it was written and is reported as failed.
    ///
    /// # Errors
    /// Whatever the test wants the write to fail with.
    fn after(&self, _step: WriteStep) -> io::Result<()> {
        Ok(())
    }
}

/// The hook of the service: nothing fails on purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Faults for NoFaults {}
