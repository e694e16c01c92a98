//! Roots and policies that were read: every report reads the same few, and
//! entries never change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::artifact::Kind;
use crate::audit::Seen;
use crate::merkle::LeafIndex;

/// Most entries that are kept: a few kB each.
const KEPT_MAX: usize = 256;

/// The cache.
#[derive(Default)]
pub struct Kept {
    seen: Mutex<HashMap<LeafIndex, Arc<Seen>>>,
}

impl Kept {
    /// Whether this entry is of a kind that the scope of many reports holds:
    /// never withheld, so that what is kept may always be shown.
    pub fn is_shared(seen: &Seen) -> bool {
        matches!(seen.entry.kind, Kind::AuditRoots | Kind::WorkPolicy)
    }

    pub fn get(&self, at: LeafIndex) -> Option<Arc<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&at).cloned()
    }

    /// Keeps an entry of a shared kind; when there are too many, any other one goes.
    pub fn put(&self, at: LeafIndex, seen: &Arc<Seen>) {
        if !Self::is_shared(seen) {
            return;
        }
        let mut kept = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&at) {
            let any = kept.keys().next().copied();
            any.map(|any| kept.remove(&any));
        }
        kept.insert(at, Arc::clone(seen));
    }
}
