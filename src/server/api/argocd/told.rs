//! What was told a moment ago, but for its message.
//!
//! A repetition is the same artifact, which the log knows by itself for ever.
//! Only one with another message is not, though it tells nothing new: these are
//! known here, as far as memory goes. What was forgotten, by a restart too, is
//! logged once more, which harms nobody.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::artifact::digest::ArtifactDigest;
use crate::merkle::{LeafHash, LeafIndex};

/// Accounts that are remembered: some two megabytes.
const TOLD_MAX: usize = 8_192;

/// What an account is known by: its submitter and all of it but nonce and
/// message, digested.
pub type Account = [u8; 32];

/// Where an account stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub index: LeafIndex,
    pub leaf_hash: LeafHash,
    pub artifact: ArtifactDigest,
}

/// Accounts of a moment ago. Clones share them.
#[derive(Clone, Default)]
pub struct Recent(Arc<Mutex<Rows>>);

#[derive(Default)]
struct Rows {
    places: HashMap<Account, Place>,
    /// In the order in which they came.
    order: VecDeque<Account>,
}

impl Recent {
    /// Where this account stands, if it is remembered.
    #[must_use]
    pub fn find(&self, account: &Account) -> Option<Place> {
        // A poisoned lock has a whole table: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).places.get(account).copied()
    }

    /// Remembers an account that was logged; the first place of it stays.
    pub fn add(&self, account: Account, place: Place) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.places.contains_key(&account) {
            return;
        }
        if rows.order.len() >= TOLD_MAX
            && let Some(oldest) = rows.order.pop_front()
        {
            rows.places.remove(&oldest);
        }
        rows.places.insert(account, place);
        rows.order.push_back(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::Hash;

    #[test]
    fn the_oldest_is_forgotten_and_the_first_place_stays() {
        let account = |number: usize| {
            let mut account = [0; 32];
            account[..8].copy_from_slice(&number.to_be_bytes());
            account
        };
        let place = |index: u64| Place {
            index: LeafIndex::new(index),
            leaf_hash: LeafHash::new(Hash::from_bytes([0; 32])),
            artifact: ArtifactDigest::from_bytes([0; 32]),
        };
        let recent = Recent::default();
        for number in 0..=TOLD_MAX {
            recent.add(account(number), place(number as u64));
        }
        recent.add(account(1), place(9));
        assert_eq!(recent.find(&account(0)), None);
        assert_eq!(recent.find(&account(1)), Some(place(1)));
        assert_eq!(recent.0.lock().unwrap().places.len(), TOLD_MAX);
    }
}
