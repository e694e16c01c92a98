//! Plan, fetch, build: which stored nodes a proof needs, and how they fold
//! into it.
//!
//! ```text
//! Plan::inclusion(5, 11).nodes()   4 · 6-7 · 0-3 · 8-9 · 10
//!   caller fetches those five hashes in one batched read
//! plan.build(&hashes)              4 · 6-7 · 0-3 · 8-10      the proof
//! ```
//!
//! Pure code never calls a reader. At most one hash of a proof is ephemeral
//! (it ends at the right edge and is no power of two wide); a plan asks for
//! the complete subtrees below it, and `build` folds them.

use std::ops::Range;

use super::node::{Node, complete_subtrees};
use super::{EMPTY_ROOT, Hash, LeafIndex, ProofError, RootHash, TREE_SIZE_MAX, TreeSize, node_hash};

/// What to fetch for one proof or one root. Cost of every operation is
/// O(log size).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    kind: Kind,
    blocks: Vec<Block>,
    nodes: Vec<Node>,
    /// How many of `nodes`, in order, fold into each hash of the proof.
    widths: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Proof,
    Root,
}

/// The leaves that one hash of a proof covers, for those who draw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub range: Range<u64>,
    pub side: Side,
}

impl Block {
    /// In a consistency proof: whether the older tree of `from` leaves holds
    /// this block too. A block never straddles that boundary.
    #[must_use]
    pub fn is_shared(&self, from: TreeSize) -> bool {
        self.range.end <= from.get()
    }
}

/// Where a hash stands when it is combined with what was folded before it.
/// In a consistency proof `Left` blocks are those shared by both trees and
/// `Right` blocks are new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

impl Plan {
    /// `PATH(index, D[size])` of RFC 6962 section 2.1.1.
    ///
    /// # Errors
    /// Size 0 or beyond [`TREE_SIZE_MAX`], or `index >= size`.
    pub fn inclusion(index: LeafIndex, size: TreeSize) -> Result<Self, ProofError> {
        check_limit(size)?;
        if size == TreeSize::ZERO {
            return Err(ProofError::SizeZero { field: "tree size" });
        }
        if index.get() >= size.get() {
            return Err(ProofError::IndexOutsideTree { index, size });
        }
        let mut blocks = Vec::new();
        let mut around = 0..size.get();
        while around.end - around.start > 1 {
            let split = split_of(&around);
            if index.get() < split {
                blocks.push(Block { range: split..around.end, side: Side::Right });
                around.end = split;
            } else {
                blocks.push(Block { range: around.start..split, side: Side::Left });
                around.start = split;
            }
        }
        blocks.reverse();
        Ok(Self::new(Kind::Proof, blocks))
    }

    /// `PROOF(from, D[to])` of RFC 6962 section 2.1.2. Equal sizes give an
    /// empty proof.
    ///
    /// # Errors
    /// A size of 0 or beyond [`TREE_SIZE_MAX`], or `from > to`. Callers treat
    /// a checkpoint of size 0 as extended by anything.
    pub fn consistency(from: TreeSize, to: TreeSize) -> Result<Self, ProofError> {
        check_limit(to)?;
        check_sizes(from, to)?;
        let boundary = from.get();
        let mut blocks = Vec::new();
        let mut around = 0..to.get();
        while around.end != boundary {
            let split = split_of(&around);
            if boundary <= split {
                blocks.push(Block { range: split..around.end, side: Side::Right });
                around.end = split;
            } else {
                blocks.push(Block { range: around.start..split, side: Side::Left });
                around.start = split;
            }
        }
        // What is left ends at the boundary. When it is the whole older tree
        // the verifier has its root already, and the file leaves it out.
        if around.start > 0 {
            blocks.push(Block { range: around, side: Side::Left });
        }
        blocks.reverse();
        Ok(Self::new(Kind::Proof, blocks))
    }

    /// The nodes below the root of a tree: its frontier, left to right.
    /// Size 0 needs none.
    ///
    /// # Errors
    /// A size beyond [`TREE_SIZE_MAX`].
    pub fn root(size: TreeSize) -> Result<Self, ProofError> {
        check_limit(size)?;
        let whole = Block { range: 0..size.get(), side: Side::Left };
        let blocks = if size == TreeSize::ZERO { Vec::new() } else { vec![whole] };
        Ok(Self::new(Kind::Root, blocks))
    }

    fn new(kind: Kind, blocks: Vec<Block>) -> Self {
        let mut nodes = Vec::new();
        let mut widths = Vec::with_capacity(blocks.len());
        for block in &blocks {
            let below = complete_subtrees(block.range.clone());
            widths.push(below.len());
            nodes.extend(below);
        }
        Self { kind, blocks, nodes, widths }
    }

    /// The complete subtrees to fetch, in the order `build` wants them.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What each hash of the proof covers, in file order: leaf side first.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        self.blocks.clone()
    }

    /// Folds the fetched hashes into the proof, in RFC order.
    ///
    /// # Errors
    /// `fetched` does not hold exactly one hash for each of [`Plan::nodes`].
    pub fn build(&self, fetched: &[Hash]) -> Result<Vec<Hash>, ProofError> {
        if fetched.len() != self.nodes.len() {
            return Err(ProofError::NodeCount { got: fetched.len(), want: self.nodes.len() });
        }
        let mut rest = fetched;
        let mut path = Vec::with_capacity(self.widths.len());
        for &width in &self.widths {
            let (below, after) = rest.split_at(width);
            path.extend(fold_right_edge(below));
            rest = after;
        }
        Ok(path)
    }

    /// Folds the fetched hashes of a root plan into the root; the empty root
    /// for size 0.
    ///
    /// # Errors
    /// The plan is for a proof, or the number of hashes differs.
    pub fn build_root(&self, fetched: &[Hash]) -> Result<RootHash, ProofError> {
        if self.kind != Kind::Root {
            return Err(ProofError::NotARootPlan);
        }
        let folded = self.build(fetched)?;
        Ok(folded.first().map_or(EMPTY_ROOT, |root| RootHash::new(*root)))
    }
}

fn check_limit(size: TreeSize) -> Result<(), ProofError> {
    if size > TREE_SIZE_MAX { Err(ProofError::SizeLimit { size }) } else { Ok(()) }
}

pub(super) fn check_sizes(from: TreeSize, to: TreeSize) -> Result<(), ProofError> {
    if from == TreeSize::ZERO {
        return Err(ProofError::SizeZero { field: "older size" });
    }
    if to == TreeSize::ZERO {
        return Err(ProofError::SizeZero { field: "newer size" });
    }
    if from > to {
        return Err(ProofError::SizesReversed { from, to });
    }
    Ok(())
}

/// Hash of subtrees that shrink from left to right: the smallest are combined
/// first. `None` for no subtrees.
pub(super) fn fold_right_edge(subtrees: &[Hash]) -> Option<Hash> {
    subtrees.iter().rev().copied().reduce(|right, left| node_hash(&left, &right))
}

/// Where RFC 6962 splits `range`: after the largest power of two strictly
/// below its width, which must be at least 2.
fn split_of(range: &Range<u64>) -> u64 {
    let width = range.end - range.start;
    range.start + (1 << (63 - (width - 1).leading_zeros()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::PATH_HASHES_MAX;

    fn ranges(plan: &Plan) -> Vec<(u64, u64, Side)> {
        plan.blocks().into_iter().map(|block| (block.range.start, block.range.end - 1, block.side)).collect()
    }

    #[test]
    fn draws_the_path_of_entry_5_of_11_leaf_side_first() {
        let plan = Plan::inclusion(LeafIndex::new(5), TreeSize::new(11)).unwrap();
        let want = [(4, 4, Side::Left), (6, 7, Side::Right), (0, 3, Side::Left), (8, 10, Side::Right)];
        assert_eq!(ranges(&plan), want);
        assert_eq!(plan.nodes().len(), 5, "8-10 is fetched as 8-9 and 10");
    }

    #[test]
    fn draws_6_to_11_with_shared_blocks_below_the_boundary() {
        let plan = Plan::consistency(TreeSize::new(6), TreeSize::new(11)).unwrap();
        let want = [(4, 5, Side::Left), (6, 7, Side::Right), (0, 3, Side::Left), (8, 10, Side::Right)];
        assert_eq!(ranges(&plan), want);
        for block in plan.blocks() {
            assert_eq!(block.is_shared(TreeSize::new(6)), block.side == Side::Left);
        }
    }

    #[test]
    fn plans_reach_the_largest_size_and_stop_there() {
        let last = LeafIndex::new(TREE_SIZE_MAX.get() - 1);
        let plan = Plan::inclusion(last, TREE_SIZE_MAX).unwrap();
        assert_eq!(plan.blocks().len(), PATH_HASHES_MAX);
        let longest = Plan::consistency(TreeSize::new(TREE_SIZE_MAX.get() - 1), TREE_SIZE_MAX).unwrap();
        assert!(longest.blocks().len() <= PATH_HASHES_MAX + 1);
        for size in [TREE_SIZE_MAX.get() + 1, u64::MAX].map(TreeSize::new) {
            let refused = Err(ProofError::SizeLimit { size });
            assert_eq!(Plan::inclusion(LeafIndex::new(0), size), refused);
            assert_eq!(Plan::consistency(TreeSize::new(1), size), refused);
            assert_eq!(Plan::root(size), refused);
        }
    }

    #[test]
    fn refuses_to_fold_a_wrong_number_of_hashes() {
        let plan = Plan::inclusion(LeafIndex::new(0), TreeSize::new(2)).unwrap();
        assert_eq!(plan.build(&[]), Err(ProofError::NodeCount { got: 0, want: 1 }));
        assert_eq!(plan.build_root(&[EMPTY_ROOT.hash()]), Err(ProofError::NotARootPlan));
        assert_eq!(Plan::root(TreeSize::ZERO).unwrap().build_root(&[]), Ok(EMPTY_ROOT));
    }
}
