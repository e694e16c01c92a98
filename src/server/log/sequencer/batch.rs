//! Giving the items of one batch their places, duplicates aside.

use std::collections::HashMap;

use crate::entry::{EntryIdentity, PendingEntry};
use crate::merkle::{LeafIndex, TreeSize, leaf_hash};
use crate::server::log::{Item, Logged};
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

    /// Places one item. `stored` says for each of its entries where the store
    /// holds it already.
    pub fn place(&mut self, item: Item, rows: Vec<StatementRow>, stored: Vec<Option<LeafIndex>>) -> Logged {
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
        let find = |here: &HashMap<_, _>, at: usize| stored[at].or_else(|| here.get(&identities[at]).copied());
        let artifact = identities.len() - 1;
        // A bundle that is logged had its receipts expanded then.
        if let Some(index) = find(&self.here, artifact) {
            logged.index = index;
            logged.duplicate = true;
            return logged;
        }
        for (at, (entry, row)) in item.entries.into_iter().zip(rows).enumerate() {
            if find(&self.here, at).is_some() {
                continue;
            }
            let index = LeafIndex::new(self.next);
            self.next += 1;
            self.here.insert(identities[at].clone(), index);
            self.pending.push(entry);
            self.statements.push(row);
            logged.index = index;
            if at != artifact {
                logged.expanded.push(index);
            }
        }
        logged
    }
}
