//! What was committed a moment ago, in memory: a follower that keeps up files
//! it without reading the store again. One that fell behind reads the store.
//!
//! Nothing here is truth: dropping all of it loses nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::artifact::{Keys, Kind};
use crate::merkle::LeafIndex;

/// Commits that are kept: a follower may be this many behind.
const COMMITS_MAX: usize = 8;

/// What an index needs of one entry.
#[derive(Clone, Debug)]
pub struct Filed {
    /// Where it stands.
    pub index: LeafIndex,
    /// Its kind.
    pub kind: Kind,
    /// What it is filed under.
    pub keys: Keys,
}

/// The newest commits. Shared by the sequencer and its followers.
#[derive(Debug, Default)]
pub struct Recent {
    commits: Mutex<VecDeque<Arc<[Filed]>>>,
}

impl Recent {
    /// Adds a commit and forgets the oldest.
    pub fn push(&self, commit: Vec<Filed>) {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        if commits.len() == COMMITS_MAX {
            commits.pop_front();
        }
        commits.push_back(commit.into());
    }

    /// The commit that begins with this entry, if it is still kept.
    #[must_use]
    pub fn from(&self, first: LeafIndex) -> Option<Arc<[Filed]>> {
        let commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        commits.iter().find(|c| c.first().is_some_and(|f| f.index == first)).cloned()
    }
}
