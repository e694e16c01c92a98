//! Signatures of many items, compared together.
//!
//! The last step of a signature is an encoding, and encodings share their only
//! costly part ([`Sum::which_hold`]). So that nobody waits with an item half
//! checked, all items of a group are worked on as if every signature of theirs
//! held that was not refused before its last step; then all are compared, and
//! an item of which one does not hold is worked on once more, by itself:
//!
//! ```text
//! items 0 1 2 3 ─ work, sums left open ─ compare all ─┬─ hold ────────────> as they were made
//!                                                     └─ one of 2 does not ─> 2 is made anew
//! ```
//!
//! Nothing that was made under an open sum leaves here before its comparison.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ed25519_dalek::Signature;

use super::{KeyCache, KnownKey, locked};
use crate::artifact::checked::CheckName;
use crate::signature::Sum;

/// Items of a group, once enough before them were good.
const GROUP_MAX: usize = 32;
/// Good items for each item of a group: what is made twice for nothing is less
/// than a sixteenth of what was made for good.
const GOOD_PER_ITEM: usize = 16;
/// Sums that a group leaves open, 250 bytes each; those beyond are compared at once.
const OPEN_MAX: usize = 256;

/// Works on items that bring signatures, group by group. Shared by all threads
/// that work on what somebody sent at once.
#[derive(Debug)]
pub struct Together {
    keys: KeyCache,
    /// Items without a bad signature since the last one that had one.
    good: AtomicUsize,
}

/// The sums of one group.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// How many sums may be left open.
    sums_max: usize,
    /// Whether a signature that was compared at once did not hold.
    refuted: bool,
    sums: Vec<Sum>,
    of: Vec<Source>,
    names: HashMap<CheckName, usize>,
    /// Which item rests on which sum.
    rests: Vec<(usize, usize)>,
    item: usize,
}

/// Whose a sum is.
#[derive(Debug)]
struct Source {
    key: KnownKey,
    name: Option<CheckName>,
    has_table: bool,
}

impl Together {
    #[must_use]
    pub fn new(keys: KeyCache) -> Self {
        Self { keys, good: AtomicUsize::new(0) }
    }

    /// What `work` gives of each item, in order. It is called with keys that may
    /// take a bad signature for good, and then once more for that item: what it
    /// gives must depend on keys and item alone, and change nothing elsewhere.
    pub fn each<I, T>(&self, items: &[I], work: impl Fn(&KeyCache, &I) -> T) -> Vec<T> {
        let mut made = Vec::with_capacity(items.len());
        while let Some(left) = items.get(made.len()..).filter(|left| !left.is_empty()) {
            let size = (self.good.load(Ordering::Relaxed) / GOOD_PER_ITEM).clamp(1, GROUP_MAX).min(left.len());
            self.group(&left[..size], &work, &mut made);
        }
        made
    }

    fn group<I, T>(&self, items: &[I], work: &impl Fn(&KeyCache, &I) -> T, made: &mut Vec<T>) {
        // One alone has nothing to share, and would be made twice where it is bad.
        let sums_max = if items.len() == 1 { 0 } else { OPEN_MAX };
        let open = Arc::new(Mutex::new(Open { sums_max, ..Open::default() }));
        let keys = KeyCache { open: Some(Arc::clone(&open)), ..self.keys.clone() };
        let first = made.len();
        for (at, item) in items.iter().enumerate() {
            locked(&open).item = at;
            made.push(work(&keys, item));
        }
        let open = std::mem::take(&mut *locked(&open));
        let refuted = open.refuted;
        let bad = open.close(&self.keys);
        for at in &bad {
            made[first + at] = work(&self.keys, &items[*at]);
        }
        if bad.is_empty() && !refuted {
            self.good.fetch_add(items.len(), Ordering::Relaxed);
        } else {
            self.good.store(0, Ordering::Relaxed);
        }
    }
}

impl Open {
    /// Whether the signature holds, or that it is assumed to.
    pub(super) fn take(
        &mut self,
        keys: &KeyCache,
        key: &KnownKey,
        name: Option<CheckName>,
        message: &[u8],
        signature: &Signature,
    ) -> bool {
        if let Some(sum) = name.and_then(|name| self.names.get(&name)) {
            self.rests.push((self.item, *sum));
            return true;
        }
        let (sum, has_table) = keys.shared.sum(&key.0, message, signature, keys.learns());
        let at = self.sums.len();
        let Some(sum) = sum.filter(|_| at < self.sums_max) else {
            let answer = sum.is_some_and(Sum::holds);
            self.refuted |= !answer;
            return keys.close(key, name, has_table, answer);
        };
        self.names.extend(name.map(|name| (name, at)));
        self.rests.push((self.item, at));
        self.sums.push(sum);
        self.of.push(Source { key: key.clone(), name, has_table });
        true
    }

    /// Compares all, and gives the items that rest on a sum that does not hold.
    fn close(self, keys: &KeyCache) -> BTreeSet<usize> {
        let hold = Sum::which_hold(&self.sums);
        for (source, holds) in self.of.iter().zip(&hold) {
            keys.close(&source.key, source.name, source.has_table, *holds);
        }
        self.rests.into_iter().filter(|(_, sum)| !hold[*sum]).map(|(item, _)| item).collect()
    }
}
