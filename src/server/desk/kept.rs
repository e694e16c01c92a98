//! Roots and policies that were read: every report reads the same few, and
//! entries never change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::merkle::LeafIndex;
use crate::server::desk::{Paper, is_shared};

/// Most entries that are kept: a few kB each.
const KEPT_MAX: usize = 256;

/// The cache.
#[derive(Default)]
pub struct Kept {
    papers: Mutex<HashMap<LeafIndex, Arc<Paper>>>,
}

impl Kept {
    pub fn get(&self, at: LeafIndex) -> Option<Arc<Paper>> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner).get(&at).cloned()
    }

    /// Keeps an entry of a shared kind; when there are too many, any other one goes.
    pub fn put(&self, paper: &Arc<Paper>) {
        if !is_shared(paper.stored.entry.kind) {
            return;
        }
        let mut kept = self.papers.lock().unwrap_or_else(PoisonError::into_inner);
        let at = paper.stored.index;
        if kept.len() >= KEPT_MAX && !kept.contains_key(&at) {
            let any = kept.keys().next().copied();
            any.map(|any| kept.remove(&any));
        }
        kept.insert(at, Arc::clone(paper));
    }
}
