//! Fetching the nodes that a plan asks for: one batched read of their tiles.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::merkle::{Hash, Node, Plan, RootHash, TreeSize, empty_root};
use crate::server::log::view::ViewError;
use crate::server::store::Store;
use crate::tile::{Pyramid, TileId, locate, node_from_tile};

/// Hashes of complete subtrees, in the order asked for. Cost: at most 255
/// hashes for the lowest level; the tiles above are folded once and kept.
///
/// # Errors
/// [`ViewError::Unsound`] when a tile is missing or too narrow.
pub fn fetch(store: &Store, nodes: &[Node]) -> Result<Vec<Hash>, ViewError> {
    let mut found: Vec<Option<Hash>> = nodes.iter().map(|node| kept(store, *node)).collect();
    let mut wanted: BTreeMap<TileId, Vec<usize>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate().filter(|(at, _)| found[*at].is_none()) {
        wanted.entry(locate(*node).0).or_default().push(at);
    }
    let tiles: Vec<TileId> = wanted.keys().copied().collect();
    for ((tile, places), bytes) in wanted.iter().zip(store.tiles(&tiles)?) {
        let missing = || ViewError::Unsound { what: format!("tile level {} index {}", tile.level, tile.index) };
        let bytes = bytes.ok_or_else(missing)?;
        if tile.level == 0 {
            for at in places {
                found[*at] = Some(node_from_tile(&bytes, nodes[*at]).map_err(|_| missing())?);
            }
            continue;
        }
        let pyramid = Arc::new(Pyramid::fold(&bytes).map_err(|_| missing())?);
        for at in places {
            found[*at] = Some(pyramid.get(nodes[*at]).ok_or_else(missing)?);
        }
        store.pyramids().put(*tile, pyramid);
    }
    // Every place was either kept or belonged to one of the tiles just read.
    Ok(found.into_iter().flatten().collect())
}

fn kept(store: &Store, node: Node) -> Option<Hash> {
    let tile = locate(node).0;
    if tile.level == 0 { None } else { store.pyramids().get(tile)?.get(node) }
}

/// The root at `size`, from the tiles of a store that holds at least as much.
///
/// # Errors
/// [`ViewError::Unsound`], [`ViewError::Store`].
pub fn root_at(store: &Store, size: TreeSize) -> Result<RootHash, ViewError> {
    if size == TreeSize::ZERO {
        return Ok(empty_root());
    }
    let plan = Plan::root(size)?;
    Ok(plan.build_root(&fetch(store, plan.nodes())?)?)
}
