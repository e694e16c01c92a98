//! Who may read what the log shows: one function that every read of bodies,
//! names, findings and counts passes through, so that access can be closed in
//! one place. Tiles, checkpoints, proofs and health do not pass it: without
//! them nobody could follow the log.

use crate::codes::{self, Code};

/// Who may read. Today everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    is_open: bool,
}

/// A read that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("access: this log shows bodies, names and findings to nobody here; tiles, checkpoints and proofs stay public")]
pub struct Closed;

impl Closed {
    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static Code {
        &codes::service::ACCESS_CLOSED
    }
}

impl Access {
    /// Everybody may read.
    #[must_use]
    pub const fn public() -> Self {
        Self { is_open: true }
    }

    /// Nobody may: what tests close the log with.
    #[must_use]
    pub const fn closed() -> Self {
        Self { is_open: false }
    }

    /// Lets a read pass.
    ///
    /// # Errors
    /// [`Closed`].
    pub const fn check(self) -> Result<(), Closed> {
        if self.is_open { Ok(()) } else { Err(Closed) }
    }
}
