//! Strict verification of consistency proofs, RFC 9162 section 2.1.4.2: the
//! newer tree holds every leaf of the older one, in the same place.

use super::inclusion::path_parts;
use super::plan::check_sizes;
use super::{Hash, ProofError, RootHash, TreeSize, node_hash};

/// Checks that the tree of `to` leaves extends that of `from` leaves.
/// Equal sizes need equal roots and no hashes. Cost: 2 · `path.len()` hashes.
///
/// # Errors
/// A size of 0 (an empty tree is extended by anything, which callers decide
/// without a proof), `from > to`, a path that is not exactly as long as it
/// must be, or one that leads to another older or newer root.
pub fn verify_consistency(
    from: TreeSize,
    to: TreeSize,
    path: &[Hash],
    old_root: &RootHash,
    new_root: &RootHash,
) -> Result<(), ProofError> {
    check_sizes(from, to)?;
    let shape = Shape::of(from.get(), to.get());
    if path.len() != shape.path_length() {
        return Err(ProofError::PathLength { got: path.len(), want: shape.path_length() });
    }
    let (older, newer) = fold(from.get(), &shape, path, old_root);
    if older != old_root.hash() {
        return Err(ProofError::OldRootMismatch);
    }
    if newer != new_root.hash() {
        return Err(ProofError::NewRootMismatch);
    }
    Ok(())
}

/// The path is that of the older tree's last leaf in the newer tree, starting
/// not at the leaf but at the largest complete subtree that ends there.
struct Shape {
    /// Level of the subtree the path starts at.
    start_level: u32,
    /// Whether that subtree is the whole older tree, so that its hash is the
    /// older root and not part of the path.
    start_is_old_root: bool,
    below: usize,
    above: usize,
}

impl Shape {
    /// Requires `0 < from <= to`.
    fn of(from: u64, to: u64) -> Self {
        if from == to {
            return Self { start_level: 0, start_is_old_root: true, below: 0, above: 0 };
        }
        let start_level = from.trailing_zeros();
        let (below, above) = path_parts(from - 1, to);
        // The lowest `start_level` steps lie inside the starting subtree.
        // They are among `below`: when from < to the two ways part above it.
        let below = below - start_level as usize;
        Self { start_level, start_is_old_root: from.is_power_of_two(), below, above }
    }

    fn path_length(&self) -> usize {
        usize::from(!self.start_is_old_root) + self.below + self.above
    }
}

/// Folds the path into both roots. A sibling on the left belongs to both
/// trees, one on the right to the newer only.
fn fold(from: u64, shape: &Shape, path: &[Hash], old_root: &RootHash) -> (Hash, Hash) {
    let (seed, siblings) = match path {
        [first, rest @ ..] if !shape.start_is_old_root => (*first, rest),
        _ => (old_root.hash(), path),
    };
    let (inner, border) = siblings.split_at(shape.below);
    let (mut older, mut newer) = (seed, seed);
    let position = (from - 1).checked_shr(shape.start_level).unwrap_or(0);
    for (level, sibling) in inner.iter().enumerate() {
        if (position >> level) & 1 == 1 {
            older = node_hash(sibling, &older);
            newer = node_hash(sibling, &newer);
        } else {
            newer = node_hash(&newer, sibling);
        }
    }
    for sibling in border {
        older = node_hash(sibling, &older);
        newer = node_hash(sibling, &newer);
    }
    (older, newer)
}
