//! How much memory the store may hold.

/// Budgets of the store, bytes. What is held beside them is small: index rows
/// of open tables live in the cache, folded tiles have a bound of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Data, index and filter blocks of all families: 128 MiB. Smaller costs
    /// disk reads, never correctness. `store_cache_bytes`, 8 MiB to 1 TiB.
    pub cache_bytes: usize,
    /// Rows that are in the write-ahead log and in no table yet, and search
    /// rows that are in no table: 96 MiB. `store_memtables_bytes`, 8 MiB to 4 GiB.
    pub memtables_bytes: usize,
}

/// Least of either budget: below it RocksDB would flush with every commit.
pub const BUDGET_BYTES_MIN: usize = 8 << 20;
/// Most of the cache.
pub const CACHE_BYTES_MAX: usize = 1 << 40;
/// Most of the memtables.
pub const MEMTABLES_BYTES_MAX: usize = 4 << 30;

impl Default for Budget {
    fn default() -> Self {
        Self { cache_bytes: 128 << 20, memtables_bytes: 96 << 20 }
    }
}
