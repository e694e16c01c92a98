//! A tile folded once: every complete subtree that lies inside it.

use crate::merkle::{Hash, Node, node_hash};
use crate::tile::{HASH_BYTES, TILE_WIDTH, TileError, locate};

/// The hashes of a tile and of every complete subtree over them. Complete
/// subtrees never change while the log grows, so a folded tile stays true; a
/// partial one only lacks what came later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pyramid {
    /// Row h holds the subtrees of 2^h hashes, left to right.
    rows: Vec<Vec<Hash>>,
}

impl Pyramid {
    /// Folds a full or partial tile. Cost: at most 255 hashes.
    ///
    /// # Errors
    /// The bytes are not 1 to 256 whole hashes.
    pub fn fold(tile_bytes: &[u8]) -> Result<Self, TileError> {
        let width = tile_bytes.len() / HASH_BYTES;
        if !tile_bytes.len().is_multiple_of(HASH_BYTES) || width == 0 || width > TILE_WIDTH {
            return Err(TileError::TileLength { got: tile_bytes.len() });
        }
        let mut row: Vec<Hash> = tile_bytes.chunks_exact(HASH_BYTES).filter_map(Hash::from_slice).collect();
        let mut rows = Vec::new();
        while !row.is_empty() {
            let above = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
            rows.push(std::mem::replace(&mut row, above));
        }
        Ok(Self { rows })
    }

    /// The hash of a node of the tile that [`locate`] names; `None` when the
    /// tile was too narrow to hold it.
    #[must_use]
    pub fn get(&self, node: Node) -> Option<Hash> {
        let (_, covered) = locate(node);
        let height = covered.len().trailing_zeros();
        self.rows.get(height as usize)?.get(covered.start >> height).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::node_from_tile;

    #[test]
    fn holds_what_folding_node_by_node_gives_at_every_width() {
        let bytes: Vec<u8> = (0..TILE_WIDTH * HASH_BYTES).map(|at| (at % 251) as u8).collect();
        for width in [1, 2, 3, 7, 128, 129, 255, 256] {
            let tile = &bytes[..width * HASH_BYTES];
            let pyramid = Pyramid::fold(tile).expect("a tile");
            for level in 8..16 {
                for index in 0..(TILE_WIDTH as u64) >> (level - 8) {
                    let node = Node::new(level, index);
                    assert_eq!(pyramid.get(node), node_from_tile(tile, node).ok(), "{width} {level} {index}");
                }
            }
        }
    }

    #[test]
    fn refuses_bytes_that_are_no_tile() {
        for bytes in [0, 31, 33, 257 * 32] {
            assert!(Pyramid::fold(&vec![0; bytes]).is_err(), "{bytes}");
        }
    }
}
