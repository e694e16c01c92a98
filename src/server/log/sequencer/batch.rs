//! Giving the items of one batch their places, duplicates aside.

use std::collections::HashMap;

use crate::entry::{EntryIdentity, PendingEntry};
use crate::merkle::{LeafHash, LeafIndex, TreeSize, leaf_hash};
use crate::server::log::sequencer::known::Known;
use crate::server::log::{Item, Logged};
use crate::server::store::StoreError;
use crate::server::store::layout::StatementRow;

/// A batch while its items find their places.
pub struct Batch {
    next: u64,
    here: HashMap<EntryIdentity, LeafIndex>,
    pub pending: Vec<PendingEntry>,
    /// Of `pending`, in order.
    pub statements: Vec<StatementRow>,
}

impl Batch {
    /// An empty batch whose first entry will stand at `next`.
    pub fn new(next: u64) -> Self {
        Self { next, here: HashMap::new(), pending: Vec::new(), statements: Vec::new() }
    }

    /// Places one item; `known` says of each of its entries what the store
    /// holds. The leaf hash is known of what was read there. A damaged row
    /// places nothing of the item.
    pub fn place(&mut self, item: Item, mut known: Vec<Known>) -> Result<(Logged, Option<LeafHash>), StoreError> {
        let mut logged = Logged {
            index: LeafIndex::new(self.next),
            // Filled when the answer is due.
            leaf_hash: leaf_hash(&[]),
            tree_size: TreeSize::ZERO,
            duplicate: false,
            same_statement: Vec::new(),
            expanded: Vec::new(),
        };
        let identities: Vec<_> = item.entries.iter().map(PendingEntry::identity).collect();
        let artifact = identities.len() - 1;
        // A bundle that is logged had its receipts expanded then.
        let found = match known.last() {
            Some(Known::Logged(_, index, leaf)) => Some((*index, Some(*leaf))),
            Some(Known::New(_)) => self.here.get(&identities[artifact]).map(|index| (*index, None)),
            _ => None,
        };
        if let Some((index, leaf)) = found {
            logged.index = index;
            logged.duplicate = true;
            return Ok((logged, leaf));
        }
        if let Some(at) = known.iter().position(|known| matches!(known, Known::Damaged(..)))
            && let Known::Damaged(_, error) = known.swap_remove(at)
        {
            return Err(error);
        }
        for (at, (entry, known)) in item.entries.into_iter().zip(known).enumerate() {
            if matches!(known, Known::Logged(..)) || self.here.contains_key(&identities[at]) {
                continue;
            }
            let index = LeafIndex::new(self.next);
            self.next += 1;
            self.here.insert(identities[at].clone(), index);
            self.pending.push(entry);
            self.statements.push(known.row());
            logged.index = index;
            if at != artifact {
                logged.expanded.push(index);
            }
        }
        Ok((logged, None))
    }
}
