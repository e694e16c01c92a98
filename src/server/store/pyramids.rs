//! Folded tiles above the lowest level, kept in memory.
//!
//! Every proof climbs through the same few of them: at ten million entries
//! there are 154 above 39,063 of the lowest level. Kept, they make the cost of
//! a proof nearly independent of the log's length. Nothing here is believed: a
//! proof is verified against its root before it is handed out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::tile::{Pyramid, TileId};

/// Memory of one folded tile: twice 256 hashes.
const PYRAMID_BYTES: usize = 16 << 10;

/// The cache.
pub struct Pyramids {
    /// How many are kept: in 16 MiB those above 65 million entries.
    most: usize,
    kept: Mutex<HashMap<TileId, Arc<Pyramid>>>,
}

impl Pyramids {
    /// Keeps folded tiles of so many bytes.
    pub fn new(held_bytes: usize) -> Self {
        Self { most: (held_bytes / PYRAMID_BYTES).max(1), kept: Mutex::default() }
    }

    /// The folded tile, if it is kept. It may be narrower than the tile is now.
    pub fn get(&self, tile: TileId) -> Option<Arc<Pyramid>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&tile).cloned()
    }

    /// Keeps a folded tile; when there are too many, any other one goes.
    pub fn put(&self, tile: TileId, pyramid: Arc<Pyramid>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most && !kept.contains_key(&tile) {
            let any = kept.keys().next().copied();
            any.map(|any| kept.remove(&any));
        }
        kept.insert(tile, pyramid);
    }
}
