//! When tokens lived, and how much of that their jobs are held against looks for.

use crate::audit::windows::{LIVES_MAX, WATCH_MS, life_of_job_token};
use crate::merkle::LeafIndex;

/// When a token lived, by one account of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Life {
    /// Of the token's first issuance, and when that was logged.
    pub at: LeafIndex,
    pub ms: i64,
    issued_ms: i64,
    expires_ms: i64,
    /// More accounts of the token were given than are watched: this one is not, and
    /// says so. Who floods them hides nothing.
    pub is_beyond: bool,
}

impl Life {
    /// By one issuance; `iat` and `exp` are Unix seconds.
    pub(in crate::audit) fn of((at, ms): (LeafIndex, i64), iat: Option<i64>, exp: Option<i64>) -> Self {
        let ms_of = |seconds: Option<i64>| seconds.unwrap_or(0).saturating_mul(1_000);
        Self { at, ms, issued_ms: ms_of(iat), expires_ms: ms_of(exp), is_beyond: false }
    }

    /// Files it beside those of the same token's earlier issuances: each account
    /// is watched alone, so that none moves what is watched of another.
    pub(in crate::audit) fn file(self, lives: &mut Vec<Self>) {
        let first = lives.first().map_or((self.at, self.ms), |first| (first.at, first.ms));
        let is_told = |life: &Self| (life.issued_ms, life.expires_ms) == (self.issued_ms, self.expires_ms);
        if lives.len() <= LIVES_MAX && !lives.iter().any(is_told) {
            lives.push(Self { at: first.0, ms: first.1, is_beyond: lives.len() == LIVES_MAX, ..self });
        }
    }

    /// The part of it for which its job is held against looks: from and until.
    pub(in crate::audit) fn watched(&self) -> (i64, i64) {
        let (from, until) = life_of_job_token(self.issued_ms, self.expires_ms);
        (from, until.min(from.saturating_add(WATCH_MS)))
    }

    /// Whether its job is held against looks for all of it: it is no longer than
    /// may be, and was issued soon after the job's first.
    pub(in crate::audit) fn is_watched_whole(&self, first_ms: i64) -> bool {
        self.watched().1 == life_of_job_token(self.issued_ms, self.expires_ms).1 && self.is_watched(first_ms)
    }

    /// Whether its job is held against looks for it; `first_ms`: when the first
    /// issuance of the job was logged.
    pub(in crate::audit) const fn is_watched(&self, first_ms: i64) -> bool {
        self.ms <= first_ms.saturating_add(WATCH_MS)
    }
}
