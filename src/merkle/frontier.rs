//! The compact range of a growing tree: all that is needed to append.

use super::node::Node;
use super::plan::fold_right_edge;
use super::{EMPTY_ROOT, Hash, LeafHash, ProofError, RootHash, TREE_SIZE_MAX, TreeSize, node_hash};

/// A tree reduced to the hashes of its complete subtrees, largest first.
///
/// For size 11 these are 0-7, 8-9 and 10: one for each set bit of the size,
/// at most 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    #[must_use]
    pub fn empty() -> Self {
        Self { size: 0, subtrees: Vec::new() }
    }

    /// Takes up a tree again from its stored nodes: those of
    /// [`super::Plan::root`], in that order.
    ///
    /// # Errors
    /// The number of hashes is not the number of set bits of `size`, or the
    /// size is beyond [`TREE_SIZE_MAX`]. Whether they are the right hashes shows only in
    /// [`Frontier::root`], which the caller compares with a trusted root.
    pub fn from_parts(size: TreeSize, subtrees: Vec<Hash>) -> Result<Self, ProofError> {
        if size > TREE_SIZE_MAX {
            return Err(ProofError::SizeLimit { size });
        }
        let want = size.get().count_ones() as usize;
        if subtrees.len() != want {
            return Err(ProofError::FrontierLength { size, got: subtrees.len(), want });
        }
        Ok(Self { size: size.get(), subtrees })
    }

    #[must_use]
    pub fn size(&self) -> TreeSize {
        TreeSize::new(self.size)
    }

    /// The root at this size. Cost: at most 63 hashes.
    pub fn root(&self) -> RootHash {
        fold_right_edge(&self.subtrees).map_or(EMPTY_ROOT, RootHash::new)
    }

    /// Appends one leaf and reports every node it completes, the leaf itself
    /// first, then upward. Amortised one report beside the leaf, at most 64.
    pub fn push(&mut self, leaf: LeafHash, completed: &mut impl FnMut(Node, Hash)) {
        let mut node = Node::new(0, self.size);
        let mut hash = leaf.hash();
        completed(node, hash);
        // A node with an odd index completes the pair above it; its left
        // sibling is the last subtree held.
        while node.index & 1 == 1
            && let Some(left) = self.subtrees.pop()
        {
            hash = node_hash(&left, &hash);
            node = Node::new(node.level + 1, node.index >> 1);
            completed(node, hash);
        }
        self.subtrees.push(hash);
        self.size += 1;
    }
}
