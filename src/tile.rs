//! Tiles: how a tree is cut into files that never change (C2SP tlog-tiles,
//! <https://c2sp.org/tlog-tiles>).
//!
//! ```text
//! tile/0/x001/x234/067        256 leaf hashes, leaves 1234067·256 onward
//! tile/1/000.p/17             17 hashes, each of a full level-0 tile
//! tile/entries/000.p/112      112 entries, each after a 16-bit length
//! ```
//!
//! Hash i of tile (L, N) is the complete subtree over leaves
//! `[(N·256+i)·256^L, (N·256+i+1)·256^L)`; only full tiles are hashed upward.
//! Not implemented: pruning (no minimum index), other bundle formats.

use std::ops::Range;

use crate::codes::{self, Code};
use crate::merkle::{HASH_BYTES, Hash, Node, TreeSize, node_hash};

mod entries;
mod path;
mod pyramid;

pub use entries::{bundle_bytes_max, decode_bundle, encode_bundle, push_entry};
pub use path::TilePath;
pub use pyramid::Pyramid;

/// Hashes of a full tile, entries of a full bundle.
pub const TILE_WIDTH: usize = 256;

/// Levels of the tree in one tile: 2^8 = 256.
pub const TILE_HEIGHT: u32 = 8;

/// Largest tile level a path may name. Levels above 7 hold nothing in a tree
/// of 64-bit size, and are not an error in a path.
pub const TILE_LEVEL_MAX: u8 = 63;

/// Largest entry: what a 16-bit length can say.
pub const ENTRY_MAX: usize = 65_535;

/// Which tile of hashes, at any width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// 0..=63; level 0 holds leaf hashes.
    pub level: u8,
    /// Position among the tiles of that level, from the left.
    pub index: u64,
}

/// Width of `tile` in the tree of `size` leaves: 0 (not there), 1..=255
/// (partial) or 256 (full). For an entry bundle ask for level 0.
#[must_use]
pub fn width_at(tile: TileId, size: TreeSize) -> u16 {
    let hashes = hashes_at(tile.level, size);
    // A tile index so large that its first hash has no 64-bit number lies
    // beyond every tree.
    let Some(before) = tile.index.checked_mul(TILE_WIDTH as u64) else { return 0 };
    let width = hashes.saturating_sub(before).min(TILE_WIDTH as u64);
    width as u16 // at most 256 by the line above
}

/// Tiles that are new or wider in the tree of `to` leaves than in that of
/// `from` leaves, with their width at `to`, level 0 first, left to right.
/// Empty when the tree did not grow. Cost: O(tiles returned).
#[must_use]
pub fn hash_tiles_between(from: TreeSize, to: TreeSize) -> Vec<(TileId, u16)> {
    let mut tiles = Vec::new();
    for level in 0..=TILE_LEVEL_MAX {
        let (before, after) = (hashes_at(level, from), hashes_at(level, to));
        // What did not grow here did not grow above either.
        if after <= before {
            break;
        }
        let first = before / TILE_WIDTH as u64;
        let last = (after - 1) / TILE_WIDTH as u64;
        for index in first..=last {
            let tile = TileId { level, index };
            tiles.push((tile, width_at(tile, to)));
        }
    }
    tiles
}

/// Every tile of the tree of `size` leaves with its width. Cost: O(size/256).
#[must_use]
pub fn tiles_at(size: TreeSize) -> Vec<(TileId, u16)> {
    hash_tiles_between(TreeSize::ZERO, size)
}

/// The tile that holds `node`, or the hashes it is folded from, and which of
/// that tile's hashes these are (1 to 128 of them).
///
/// Requires `node.level <= 63`; a tree has no others.
#[must_use]
pub fn locate(node: Node) -> (TileId, Range<usize>) {
    let height = u32::from(node.level) % TILE_HEIGHT;
    let nodes_per_tile_bits = TILE_HEIGHT - height;
    let tile = TileId { level: node.level / TILE_HEIGHT as u8, index: node.index >> nodes_per_tile_bits };
    // Below 256: the remainder has `8 - height` bits and is shifted by `height`.
    let first = ((node.index & ((1 << nodes_per_tile_bits) - 1)) << height) as usize;
    (tile, first..first + (1 << height))
}

/// The hash of `node`, folded from the bytes of the tile that [`locate`]
/// names. The tile may be partial. Cost: at most 127 hashes.
///
/// # Errors
/// The bytes are not 1 to 256 whole hashes, or the tile is too narrow to hold
/// the node. That the hashes are the log's own shows only when a proof built
/// from them verifies.
pub fn node_from_tile(tile_bytes: &[u8], node: Node) -> Result<Hash, TileError> {
    let width = tile_bytes.len() / HASH_BYTES;
    if !tile_bytes.len().is_multiple_of(HASH_BYTES) || width == 0 || width > TILE_WIDTH {
        return Err(TileError::TileLength { got: tile_bytes.len() });
    }
    let (_, needed) = locate(node);
    if needed.end > width {
        return Err(TileError::TooNarrow { width, needed: needed.end });
    }
    let covering = &tile_bytes[needed.start * HASH_BYTES..needed.end * HASH_BYTES];
    let mut hashes: Vec<Hash> = covering.chunks_exact(HASH_BYTES).filter_map(Hash::from_slice).collect();
    while hashes.len() > 1 {
        hashes = hashes.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    // `locate` always names at least one hash, and the width was checked.
    hashes.first().copied().ok_or(TileError::TooNarrow { width, needed: needed.end })
}

/// How many hashes level `level` has in the tree of `size` leaves:
/// floor(size / 256^level).
fn hashes_at(level: u8, size: TreeSize) -> u64 {
    size.get().checked_shr(u32::from(level) * TILE_HEIGHT).unwrap_or(0)
}

/// A tile, bundle or path that is not exactly what the format allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    #[error("tile path is not canonical: {rule}")]
    Path { rule: &'static str },
    #[error("tile must be 1 to 256 hashes of 32 bytes, got {got} bytes")]
    TileLength { got: usize },
    #[error("tile of width {width} is too narrow, the node needs {needed} hashes")]
    TooNarrow { width: usize, needed: usize },
    #[error("entry must be at most {ENTRY_MAX} bytes, got {got}")]
    EntryTooLarge { got: usize },
    #[error("entry bundle must hold 1 to 256 entries, got {got}")]
    BundleCount { got: usize },
    #[error("entry bundle ends inside entry {at} of {want}")]
    BundleTruncated { at: usize, want: usize },
    #[error("entry bundle goes on for {extra} bytes after its last entry")]
    BundleTrailing { extra: usize },
}

impl TileError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Path { .. } => &codes::proof::TILE_PATH_INVALID,
            Self::TileLength { .. } => &codes::proof::TILE_LENGTH,
            Self::TooNarrow { .. } => &codes::proof::TILE_TOO_NARROW,
            Self::EntryTooLarge { .. } => &codes::proof::ENTRY_TOO_LARGE,
            Self::BundleCount { .. } => &codes::proof::BUNDLE_COUNT,
            Self::BundleTruncated { .. } => &codes::proof::BUNDLE_TRUNCATED,
            Self::BundleTrailing { .. } => &codes::proof::BUNDLE_TRAILING,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths_of_level(level: u8, size: u64) -> (usize, u16) {
        let tiles = tiles_at(TreeSize::new(size));
        let of_level: Vec<u16> =
            tiles.iter().filter(|(tile, _)| tile.level == level).map(|(_, width)| *width).collect();
        let full = of_level.iter().filter(|width| usize::from(**width) == TILE_WIDTH).count();
        (full, of_level.iter().copied().find(|width| usize::from(*width) < TILE_WIDTH).unwrap_or(0))
    }

    #[test]
    fn only_full_tiles_are_hashed_upward() {
        assert_eq!(widths_of_level(0, 70_000), (273, 112));
        assert_eq!(widths_of_level(1, 70_000), (1, 17));
        assert_eq!(widths_of_level(2, 70_000), (0, 1));
        assert_eq!(tiles_at(TreeSize::new(256)).len(), 2);
        assert_eq!(widths_of_level(1, 256), (0, 1));
        assert!(tiles_at(TreeSize::ZERO).is_empty());
    }

    #[test]
    fn growth_names_exactly_the_tiles_whose_width_changed() {
        for (from, to) in [(0, 1), (1, 1), (255, 256), (256, 257), (0, 70_000), (65_535, 65_536), (69_000, 70_000)] {
            let grown = hash_tiles_between(TreeSize::new(from), TreeSize::new(to));
            let want: Vec<_> = tiles_at(TreeSize::new(to))
                .into_iter()
                .filter(|(tile, width)| width_at(*tile, TreeSize::new(from)) != *width)
                .collect();
            assert_eq!(grown, want, "{from} -> {to}");
        }
        assert!(hash_tiles_between(TreeSize::new(5), TreeSize::new(3)).is_empty());
    }

    #[test]
    fn widths_beyond_every_tree_are_zero() {
        assert_eq!(width_at(TileId { level: 63, index: 0 }, TreeSize::new(u64::MAX)), 0);
        assert_eq!(width_at(TileId { level: 0, index: u64::MAX }, TreeSize::new(u64::MAX)), 0);
    }

    #[test]
    fn a_node_lies_in_the_tile_of_its_level() {
        let (tile, hashes) = locate(Node::new(11, 70));
        assert_eq!(tile, TileId { level: 1, index: 2 });
        assert_eq!(hashes, 48..56);
        let (tile, hashes) = locate(Node::new(7, 1));
        assert_eq!(tile, TileId { level: 0, index: 0 });
        assert_eq!(hashes, 128..256);
    }

    #[test]
    fn refuses_tiles_that_cannot_hold_the_node() {
        assert_eq!(node_from_tile(&[0; 31], Node::new(0, 0)), Err(TileError::TileLength { got: 31 }));
        assert_eq!(node_from_tile(&[], Node::new(0, 0)), Err(TileError::TileLength { got: 0 }));
        assert_eq!(node_from_tile(&[0; 257 * 32], Node::new(0, 0)), Err(TileError::TileLength { got: 257 * 32 }));
        let narrow = node_from_tile(&[0; 3 * 32], Node::new(2, 0));
        assert_eq!(narrow, Err(TileError::TooNarrow { width: 3, needed: 4 }));
    }
}
