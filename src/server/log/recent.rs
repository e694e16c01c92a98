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
/// Memory of an entry beside its body: bytes, names and hashes of it.
const ENTRY_BYTES_GUESS: usize = 1 << 10;

/// The entries of one commit.
pub type Committed = Arc<Vec<CommittedEntry>>;

/// The newest commits. Shared by the sequencer and its followers.
#[derive(Debug)]
pub struct Recent {
    held_bytes_max: usize,
    commits: Mutex<VecDeque<Committed>>,
}

/// Memory of a commit, about.
fn held_bytes(commit: &Committed) -> usize {
    let of = |entry: &CommittedEntry| entry.body.len().saturating_add(ENTRY_BYTES_GUESS);
    commit.iter().map(of).sum()
}

impl Recent {
    /// Keeps commits of so many bytes at most.
    #[must_use]
    pub const fn new(held_bytes_max: usize) -> Self {
        Self { held_bytes_max, commits: Mutex::new(VecDeque::new()) }
    }

    /// Adds a commit and gives back those that are forgotten for it, so that
    /// the caller chooses when to spend the time of dropping them. One that is
    /// too large by itself is forgotten at once.
    pub fn push(&self, commit: Committed) -> Vec<Committed> {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        commits.push_back(commit);
        let mut held: usize = commits.iter().map(held_bytes).sum();
        let mut forgotten = Vec::new();
        while commits.len() > COMMITS_MAX || held > self.held_bytes_max {
            let Some(oldest) = commits.pop_front() else { break };
            held -= held_bytes(&oldest);
            forgotten.push(oldest);
        }
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
