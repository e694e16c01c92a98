//! Signatures that were checked already. The same receipt stands in its bundle,
//! in an entry of its own and in what both verdicts read: whoever reads all of
//! them checks its signature once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ed25519_dalek::Signature;
use sha2::{Digest, Sha256};

use crate::signature::StrictKey;

/// Signatures that one reading remembers; when full it starts again. 65,536 x
/// (32-byte hash + answer) stays near 4 MiB.
const CHECKED_MAX: usize = 65_536;

/// What checking each signature gave, by the hash of key, signature and message.
#[derive(Debug, Default)]
pub(super) struct Checked {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    answers: HashMap<CheckName, bool>,
    made: u64,
}

/// The hash of key, signature and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CheckName([u8; 32]);

impl CheckName {
    pub(super) fn of(key: &StrictKey, message: &[u8], signature: &Signature) -> Self {
        // Key and signature have a fixed length: no two cases share the bytes.
        let mut hash = Sha256::new();
        hash.update(key.as_bytes());
        hash.update(signature.to_bytes());
        hash.update(message);
        Self(hash.finalize().into())
    }
}

impl Checked {
    /// What a check of that name gave, if there was one.
    pub(super) fn answer(&self, name: &CheckName) -> Option<bool> {
        self.known().answers.get(name).copied()
    }

    /// Remembers what a check gave.
    pub(super) fn remember(&self, name: CheckName, answer: bool) {
        let mut known = self.known();
        if known.answers.len() >= CHECKED_MAX {
            known.answers.clear();
        }
        known.answers.insert(name, answer);
        known.made += 1;
    }

    /// How many checks were made: each costs 22 to 32 µs.
    pub(super) fn made(&self) -> u64 {
        self.known().made
    }

    /// A panic while holding the lock leaves a whole map.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
