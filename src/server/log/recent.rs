//! What was committed a moment ago, in memory: a follower that keeps up files
//! it without reading the store again. One that fell behind reads the store.
//!
//! Nothing here is truth: dropping all of it loses nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::merkle::LeafIndex;
use crate::sequence::CommittedEntry;

/// Commits that are kept: a follower may be this many behind.
const COMMITS_MAX: usize = 4;

/// The entries of one commit.
pub type Committed = Arc<Vec<CommittedEntry>>;

/// The newest commits. Shared by the sequencer and its followers.
#[derive(Debug, Default)]
pub struct Recent {
    commits: Mutex<VecDeque<Committed>>,
}

impl Recent {
    /// Adds a commit and gives back the one that is forgotten for it, so that
    /// the caller chooses when to spend the time of dropping it.
    pub fn push(&self, commit: Committed) -> Option<Committed> {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = if commits.len() == COMMITS_MAX { commits.pop_front() } else { None };
        commits.push_back(commit);
        forgotten
    }

    /// The commit that begins with this entry, if it is still kept.
    #[must_use]
    pub fn from(&self, first: LeafIndex) -> Option<Committed> {
        let commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        commits.iter().find(|c| c.first().is_some_and(|e| e.index == first)).cloned()
    }

    /// Gives back the commits that end below `size`, so that who has filed them
    /// spends the time of dropping them, and the sequencer does not.
    pub fn forget_below(&self, size: u64) -> Vec<Committed> {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let is_filed = |commit: &Committed| commit.last().is_none_or(|entry| entry.index.get() < size);
        let mut forgotten = Vec::new();
        while commits.front().is_some_and(is_filed) {
            forgotten.extend(commits.pop_front());
        }
        forgotten
    }
}
