//! How much memory the store may hold.

/// Budgets of the store, bytes. Index rows of open tables live in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Data, index and filter blocks of all families: 96 MiB. Smaller costs
    /// disk reads, never correctness. `store_cache_bytes`, 8 MiB to 1 TiB.
    pub cache_bytes: usize,
    /// Rows that are in the write-ahead log and in no table yet, and search
    /// rows that are in no table: 64 MiB. `store_memtables_bytes`, 8 MiB to 4 GiB.
    pub memtables_bytes: usize,
    /// Folded tiles that proofs climb through: 16 MiB, enough for 65 million
    /// entries; more cost a read. `store_tree_bytes`, 1 MiB to 1 GiB.
    pub tree_bytes: usize,
}

/// Least of cache and memtables: below it RocksDB would flush with every commit.
pub const BUDGET_BYTES_MIN: usize = 8 << 20;
/// Most of the cache.
pub const CACHE_BYTES_MAX: usize = 1 << 40;
/// Most of the memtables.
pub const MEMTABLES_BYTES_MAX: usize = 4 << 30;
/// Least of the folded tiles.
pub const TREE_BYTES_MIN: usize = 1 << 20;
/// Most of the folded tiles.
pub const TREE_BYTES_MAX: usize = 1 << 30;

impl Default for Budget {
    fn default() -> Self {
        Self { cache_bytes: 96 << 20, memtables_bytes: 64 << 20, tree_bytes: 16 << 20 }
    }
}
