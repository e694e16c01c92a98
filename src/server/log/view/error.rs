//! Why a view did not answer.

use crate::codes::{self, Code};
use crate::entry::EntryError;
use crate::merkle::{LeafIndex, ProofError, TreeSize};
use crate::server::store::StoreError;
use crate::tile::TileError;

/// Why a view did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The published tree has no such entry.
    #[error("index: {index} is not below the tree size {size}")]
    NoEntry {
        /// Asked for.
        index: LeafIndex,
        /// Of the tree asked about.
        size: TreeSize,
    },
    /// No checkpoint of this size was published.
    #[error("size: no checkpoint of size {size} was published{}; the newest is {newest}", next.map(|n| format!(", the next is {n}")).unwrap_or_default())]
    NotPublished {
        /// Asked for.
        size: TreeSize,
        /// The newest published size.
        newest: TreeSize,
        /// The next larger published size.
        next: Option<TreeSize>,
    },
    /// The sizes of a consistency proof are swapped.
    #[error("from: {from} is larger than to: {to}")]
    Swapped {
        /// Older size asked for.
        from: TreeSize,
        /// Newer size asked for.
        to: TreeSize,
    },
    /// The published tree does not imply this tile.
    #[error("tile: not part of the tree of size {size}")]
    NoTile {
        /// The published size.
        size: TreeSize,
    },
    /// The store contradicts the checkpoint: nothing is served from it.
    #[error("store: damaged: {what}; run pulselog fsck")]
    Unsound {
        /// What does not fit.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A proof cannot be planned.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A tile cannot be read or written.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// An entry cannot be decoded.
    #[error(transparent)]
    Entry(#[from] EntryError),
}

impl ViewError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::NoEntry { .. } => &codes::service::ENTRY_NOT_FOUND,
            Self::NotPublished { .. } => &codes::service::SIZE_NOT_PUBLISHED,
            Self::Swapped { .. } => &codes::service::SIZES_SWAPPED,
            Self::NoTile { .. } => &codes::service::TILE_NOT_FOUND,
            Self::Unsound { .. } | Self::Entry(_) | Self::Tile(_) => &codes::service::STORE_DAMAGED,
            Self::Store(e) => e.code(),
            Self::Proof(e) => e.code(),
        }
    }
}
