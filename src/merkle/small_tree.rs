//! Closed small trees, such as the one over the receipts of a bundle: all
//! leaves are at hand and nothing is ever appended.
//!
//! `rs_merkle` builds them with our hasher. With the 0x01 prefix below it
//! gives RFC 6962's root and path order, because it carries a lone right
//! node up unhashed. It never verifies for us (it accepts trailing hashes and
//! indexes beyond the tree): [`super::verify_inclusion`] does.

use rs_merkle::{Hasher, MerkleTree};

use super::{HASH_BYTES, Hash, LeafIndex, ProofError, RootHash, TreeSize, leaf_hash, node_hash};

/// RFC 6962 node hashing for `rs_merkle`.
#[derive(Clone)]
struct Rfc6962;

impl Hasher for Rfc6962 {
    type Hash = [u8; HASH_BYTES];

    fn hash(entry: &[u8]) -> [u8; HASH_BYTES] {
        *leaf_hash(entry).hash().as_bytes()
    }

    fn concat_and_hash(left: &[u8; HASH_BYTES], right: Option<&[u8; HASH_BYTES]>) -> [u8; HASH_BYTES] {
        match right {
            Some(right) => *node_hash(&Hash::from_bytes(*left), &Hash::from_bytes(*right)).as_bytes(),
            None => *left,
        }
    }
}

/// Root and paths over leaf inputs (not yet hashed).
pub struct SmallTree;

impl SmallTree {
    /// The RFC 6962 root; `None` without leaves. Cost: O(leaves), all in
    /// memory.
    #[must_use]
    pub fn root(leaves: &[Vec<u8>]) -> Option<RootHash> {
        build(leaves).root().map(|root| RootHash::new(Hash::from_bytes(root)))
    }

    /// The path of one leaf, leaf side first, as
    /// [`super::verify_inclusion`] takes it. Cost: O(leaves).
    ///
    /// # Errors
    /// No leaves, or `index` is not below their number.
    pub fn path(leaves: &[Vec<u8>], index: LeafIndex) -> Result<Vec<Hash>, ProofError> {
        Ok(Self::paths(leaves, &[index])?.pop().unwrap_or_default())
    }

    /// [`SmallTree::path`] of several leaves, in the order asked for. Cost:
    /// O(leaves), then one walk to the root each.
    ///
    /// # Errors
    /// No leaves, or an index that is not below their number.
    pub fn paths(leaves: &[Vec<u8>], indexes: &[LeafIndex]) -> Result<Vec<Vec<Hash>>, ProofError> {
        let size = TreeSize::new(leaves.len() as u64);
        if leaves.is_empty() {
            return Err(ProofError::SizeZero { field: "tree size" });
        }
        let tree = build(leaves);
        let path = |index: &LeafIndex| {
            let position = usize::try_from(index.get()).ok().filter(|position| *position < leaves.len());
            let position = position.ok_or(ProofError::IndexOutsideTree { index: *index, size })?;
            let proof = tree.proof(&[position]);
            Ok(proof.proof_hashes().iter().map(|hash| Hash::from_bytes(*hash)).collect())
        };
        indexes.iter().map(path).collect()
    }
}

fn build(leaves: &[Vec<u8>]) -> MerkleTree<Rfc6962> {
    let hashes: Vec<_> = leaves.iter().map(|leaf| Rfc6962::hash(leaf)).collect();
    MerkleTree::from_leaves(&hashes)
}
