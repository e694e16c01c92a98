//! The tree grown again from entry bytes, with every tile on the way.

use crate::merkle::{Frontier, Hash, Node, RootHash, leaf_hash};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, TileId};

/// Grows a tree and gives each tile once it is full.
pub struct Regrown {
    frontier: Frontier,
    edge: Vec<Vec<u8>>,
    full: Vec<(TileId, Vec<u8>)>,
}

impl Regrown {
    pub fn new() -> Self {
        Self { frontier: Frontier::empty(), edge: Vec::new(), full: Vec::new() }
    }

    /// Adds one entry and returns the tiles that it filled.
    pub fn push(&mut self, entry: &[u8]) -> Vec<(TileId, Vec<u8>)> {
        let (edge, full) = (&mut self.edge, &mut self.full);
        self.frontier.push(leaf_hash(entry), &mut |node, hash| take(edge, full, node, hash));
        std::mem::take(full)
    }

    pub fn root(&self) -> RootHash {
        self.frontier.root()
    }

    pub fn size(&self) -> u64 {
        self.frontier.size().get()
    }

    /// The partial tiles of the right edge.
    pub fn partial(&self) -> Vec<(TileId, Vec<u8>)> {
        let partial = self.edge.iter().enumerate().filter(|(_, bytes)| !bytes.is_empty());
        partial
            .map(|(level, bytes)| {
                let count = self.size() >> (level as u32 * TILE_HEIGHT);
                (TileId { level: level as u8, index: count / TILE_WIDTH as u64 }, bytes.clone())
            })
            .collect()
    }
}

fn take(edge: &mut Vec<Vec<u8>>, full: &mut Vec<(TileId, Vec<u8>)>, node: Node, hash: Hash) {
    if !u32::from(node.level).is_multiple_of(TILE_HEIGHT) {
        return;
    }
    let level = node.level / TILE_HEIGHT as u8;
    if edge.len() <= usize::from(level) {
        edge.resize(usize::from(level) + 1, Vec::new());
    }
    let tile = &mut edge[usize::from(level)];
    tile.extend_from_slice(hash.as_bytes());
    if tile.len() == TILE_WIDTH * 32 {
        let id = TileId { level, index: node.index / TILE_WIDTH as u64 };
        full.push((id, std::mem::take(tile)));
    }
}
