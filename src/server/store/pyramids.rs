//! Folded tiles above the lowest level, kept in memory.
//!
//! Every proof climbs through the same few of them: at ten million entries
//! there are 154 above 39,063 of the lowest level. Kept, they make the cost of
//! a proof nearly independent of the log's length. Nothing here is believed: a
//! proof is verified against its root before it is handed out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::tile::{Pyramid, TileId};

/// Most folded tiles that are kept: 16 kB each, 32 MB in all, enough for the
/// upper levels of a log of 130 million entries.
const PYRAMIDS_MAX: usize = 2_048;

/// The cache.
#[derive(Default)]
pub struct Pyramids {
    kept: Mutex<HashMap<TileId, Arc<Pyramid>>>,
}

impl Pyramids {
    /// The folded tile, if it is kept. It may be narrower than the tile is now.
    pub fn get(&self, tile: TileId) -> Option<Arc<Pyramid>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&tile).cloned()
    }

    /// Keeps a folded tile; when there are too many, any other one goes.
    pub fn put(&self, tile: TileId, pyramid: Arc<Pyramid>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= PYRAMIDS_MAX && !kept.contains_key(&tile) {
            let any = kept.keys().next().copied();
            any.map(|any| kept.remove(&any));
        }
        kept.insert(tile, pyramid);
    }
}
