//! Strict verification of inclusion proofs, RFC 9162 section 2.1.3.2.
//!
//! The path of leaf i in a tree of n leaves has two parts. Below the place
//! where the ways of leaf i and of the last leaf part, the bits of i say on
//! which side each sibling stands. Above it, the leaf lies on the right edge
//! and every sibling stands left. Both lengths follow from i and n alone, so
//! a path of any other length is refused before anything is hashed.

use super::{Hash, LeafHash, LeafIndex, ProofError, RootHash, TreeSize, node_hash};

/// Checks that `leaf` is entry `index` of the tree of `size` leaves whose
/// root is `root`. Cost: `path.len()` hashes.
///
/// # Errors
/// Size 0, `index >= size`, a path that is not exactly as long as it must be,
/// or one that leads to another root.
pub fn verify_inclusion(
    index: LeafIndex,
    size: TreeSize,
    leaf: &LeafHash,
    path: &[Hash],
    root: &RootHash,
) -> Result<(), ProofError> {
    let computed = root_from_inclusion(index, size, leaf, path)?;
    if computed == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// The root that a path leads to, for callers whose root arrives signed
/// elsewhere. It proves nothing until it is compared with a trusted one.
///
/// # Errors
/// Those of [`verify_inclusion`] but for the comparison.
pub fn root_from_inclusion(
    index: LeafIndex,
    size: TreeSize,
    leaf: &LeafHash,
    path: &[Hash],
) -> Result<RootHash, ProofError> {
    if size == TreeSize::ZERO {
        return Err(ProofError::SizeZero { field: "tree size" });
    }
    if index.get() >= size.get() {
        return Err(ProofError::IndexOutsideTree { index, size });
    }
    let (below, above) = path_parts(index.get(), size.get());
    if path.len() != below + above {
        return Err(ProofError::PathLength { got: path.len(), want: below + above });
    }
    let (inner, border) = path.split_at(below);
    let mut node = leaf.hash();
    for (level, sibling) in inner.iter().enumerate() {
        let on_the_right = (index.get() >> level) & 1 == 1;
        node = if on_the_right { node_hash(sibling, &node) } else { node_hash(&node, sibling) };
    }
    for sibling in border {
        node = node_hash(sibling, &node);
    }
    Ok(RootHash::new(node))
}

/// How many siblings lie below and above the place where the ways of leaf
/// `index` and of the last leaf part. Requires `index < size`.
pub(super) fn path_parts(index: u64, size: u64) -> (usize, usize) {
    let below = 64 - (index ^ (size - 1)).leading_zeros();
    let above = index.checked_shr(below).unwrap_or(0).count_ones();
    (below as usize, above as usize)
}
