//! Complete subtrees: the nodes of the tree that never change again.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The complete subtree over leaves `[index·2^level, (index+1)·2^level)`.
///
/// Level 0 is a leaf. Once a tree holds all these leaves the node's hash is
/// the same at every later size, so it may be stored and cached for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Node {
    /// Height above the leaves, 0..=63.
    pub level: u8,
    /// Position among the nodes of that level, from the left.
    pub index: u64,
}

impl Node {
    #[must_use]
    pub const fn new(level: u8, index: u64) -> Self {
        Self { level, index }
    }

    /// The leaves below this node. Bounds beyond 2^64 − 1 saturate: such a
    /// node exists in no tree, and saturating keeps it outside all of them.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        let first = shifted(self.index, self.level);
        let end = self.index.checked_add(1).map_or(u64::MAX, |next| shifted(next, self.level));
        first..end
    }
}

fn shifted(value: u64, bits: u8) -> u64 {
    if value == 0 {
        return 0;
    }
    if u32::from(bits) > value.leading_zeros() { u64::MAX } else { value << bits }
}

/// The complete subtrees that tile `range`, from left to right, at most
/// 2·64 of them. A tree of size n is `[0, n)`; its tiling is its frontier.
pub fn complete_subtrees(range: Range<u64>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut first = range.start;
    while first < range.end {
        let room = 63 - (range.end - first).leading_zeros();
        // A subtree must also start at a multiple of its own width.
        let level = if first == 0 { room } else { room.min(first.trailing_zeros()) };
        // `level` is at most 63 by the two lines above.
        nodes.push(Node::new(level as u8, first >> level));
        first += 1 << level;
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiling_covers_the_range_from_left_to_right() {
        for start in 0..40 {
            for end in start..80 {
                let mut next = start;
                for node in complete_subtrees(start..end) {
                    assert_eq!(node.range().start, next);
                    next = node.range().end;
                }
                assert_eq!(next, end);
            }
        }
    }

    #[test]
    fn range_of_an_impossible_node_saturates() {
        assert_eq!(Node::new(63, 1).range(), 1 << 63..u64::MAX);
        assert_eq!(Node::new(200, 3).range(), u64::MAX..u64::MAX);
        assert_eq!(Node::new(0, u64::MAX).range(), u64::MAX..u64::MAX);
        assert_eq!(Node::new(200, 0).range(), 0..u64::MAX);
    }
}
