//! Whether every entry below the head has its rows. A write-ahead log that was
//! cut, emptied or removed, or an older copy of the data put over a newer one,
//! takes rows out of the middle while the newest head survives: roots come
//! from upper tiles, so nothing else that a start reads would tell.
//!
//! RocksDB counts the rows of each file when it writes it. Five families hold
//! exactly one row an entry, never deleted, so that a count proves them without
//! reading them (a body that is erased is written again, as nothing, and compacted;
//! a count that is too large until then is settled by reading); tiles are few, and are walked. Cost at
//! ten million entries: the properties of a few hundred files, and 320 MB of
//! tiles read in order.

use rocksdb::{IteratorMode, ReadOptions, properties};

use crate::merkle::TreeSize;
use crate::server::store::layout::{cf, number, number_key, tile_key};
use crate::server::store::{Store, StoreError};
use crate::tile::tiles_at;

/// Families that hold one row an entry.
pub const ROW_AN_ENTRY: [&str; 5] = [cf::ENTRIES, cf::BODIES, cf::IDENTITIES, cf::LEAVES, cf::STATEMENTS];

/// Read ahead while rows are walked.
const READAHEAD_BYTES: usize = 2 << 20;

/// Rows that the head promises and the store does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Hole {
    /// Of a family in index order: the first stretch that is gone.
    #[error("{family} {first} to {last} are gone")]
    Stretch {
        /// The family.
        family: &'static str,
        /// First index that has no row.
        first: u64,
        /// Last index before the next row, or before the head.
        last: u64,
    },
    /// Of a family in hash order.
    #[error("{family} holds {rows} rows for {size} entries")]
    Rows {
        /// The family.
        family: &'static str,
        /// Rows that are there.
        rows: u64,
        /// Rows that the head promises.
        size: u64,
    },
    /// A tile that is missing, or older than the head.
    #[error("tile {level}/{index} is gone or older than the head")]
    Tile {
        /// Its level.
        level: u8,
        /// Its place in the level.
        index: u64,
    },
}

impl Store {
    /// The first hole below `size`, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn hole(&self, size: TreeSize) -> Result<Option<Hole>, StoreError> {
        for family in ROW_AN_ENTRY {
            if self.counted(family)? != Some(size.get())
                && let Some(hole) = self.walked(family, size)?
            {
                return Ok(Some(hole));
            }
        }
        self.tile_hole(size)
    }

    /// The first hole of each family below `size`, or why it could not be
    /// looked for: for a store that is shown as it lies.
    pub fn holes(&self, size: TreeSize) -> impl Iterator<Item = (&'static str, Result<Hole, StoreError>)> {
        let of = move |family| match self.counted(family) {
            Ok(Some(rows)) if rows == size.get() => Ok(None),
            Ok(_) => self.walked(family, size),
            Err(error) => Err(error),
        };
        let rows = ROW_AN_ENTRY.into_iter().map(move |family| (family, of(family)));
        let all = rows.chain(std::iter::once_with(move || (cf::TILES, self.tile_hole(size))));
        all.filter_map(|(family, found)| Some((family, found.transpose()?)))
    }

    /// Rows by RocksDB's own books; `None` where they cannot tell.
    fn counted(&self, family: &'static str) -> Result<Option<u64>, StoreError> {
        let handle = self.family(family)?;
        let number = |name: &properties::PropName| self.db.property_int_value_cf(handle, name);
        let active = number(properties::NUM_ENTRIES_ACTIVE_MEM_TABLE).map_err(StoreError::Read)?.unwrap_or(0);
        let waiting = number(properties::NUM_ENTRIES_IMM_MEM_TABLES).map_err(StoreError::Read)?.unwrap_or(0);
        let files = self.db.property_value_cf(handle, properties::AGGREGATED_TABLE_PROPERTIES);
        let files = files.map_err(StoreError::Read)?.unwrap_or_default();
        let of = |name: &str| {
            let stated = files.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            stated.map_or(Some(0), |count| count.parse::<u64>().ok())
        };
        // Whoever deleted rows did what this program never does.
        let in_files = if of("# deletions") == Some(0) { of("# entries") } else { None };
        Ok(in_files.map(|rows| rows + active + waiting))
    }

    /// The exact answer, by reading: only where the books say otherwise.
    fn walked(&self, family: &'static str, size: TreeSize) -> Result<Option<Hole>, StoreError> {
        let is_ordered = matches!(family, cf::ENTRIES | cf::BODIES);
        let mut rows = 0;
        for row in self.db.iterator_cf_opt(self.family(family)?, walking(), IteratorMode::Start) {
            let (key, _) = row.map_err(StoreError::Read)?;
            if is_ordered && *key != number_key(rows) {
                // Whatever lies at or beyond the head fills no hole.
                let next = number(&key).unwrap_or(u64::MAX).min(size.get());
                if next > rows {
                    return Ok(Some(Hole::Stretch { family, first: rows, last: next - 1 }));
                }
                break;
            }
            rows += 1;
        }
        if rows >= size.get() {
            return Ok(None);
        }
        if is_ordered {
            return Ok(Some(Hole::Stretch { family, first: rows, last: size.get() - 1 }));
        }
        Ok(Some(Hole::Rows { family, rows, size: size.get() }))
    }

    /// Every tile that the size implies, as wide as it implies.
    fn tile_hole(&self, size: TreeSize) -> Result<Option<Hole>, StoreError> {
        let mut rows = self.db.iterator_cf_opt(self.family(cf::TILES)?, walking(), IteratorMode::Start);
        for (tile, width) in tiles_at(size) {
            // Both go by level, then from the left.
            let row = rows.next().transpose().map_err(StoreError::Read)?;
            let is_whole =
                |(key, bytes): (Box<[u8]>, Box<[u8]>)| *key == tile_key(tile) && bytes.len() >= usize::from(width) * 32;
            if !row.is_some_and(is_whole) {
                return Ok(Some(Hole::Tile { level: tile.level, index: tile.index }));
            }
        }
        Ok(None)
    }
}

/// Each block is read once: it need not push others out of the cache.
fn walking() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_readahead_size(READAHEAD_BYTES);
    options.fill_cache(false);
    options
}
