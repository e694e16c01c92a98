//! Signatures that were checked already. The same receipt stands in its bundle,
//! in an entry of its own and in what both verdicts read: whoever reads all of
//! them checks its signature once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

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
    answers: HashMap<[u8; 32], bool>,
    made: u64,
}

impl Checked {
    /// What `check` says of a signature: it is asked once.
    pub(super) fn answer(
        &self,
        key: &StrictKey,
        message: &[u8],
        signature: &Signature,
        check: impl FnOnce() -> bool,
    ) -> bool {
        // Key and signature have a fixed length: no two cases share the bytes.
        let mut hash = Sha256::new();
        hash.update(key.as_bytes());
        hash.update(signature.to_bytes());
        hash.update(message);
        let name: [u8; 32] = hash.finalize().into();
        // A panic while holding the lock leaves a whole map.
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).answers.get(&name).copied();
        if let Some(answer) = known {
            return answer;
        }
        let answer = check();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.answers.len() >= CHECKED_MAX {
            known.answers.clear();
        }
        known.answers.insert(name, answer);
        known.made += 1;
        answer
    }

    /// How many checks were made: each costs 22 to 32 µs.
    pub(super) fn made(&self) -> u64 {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).made
    }
}
