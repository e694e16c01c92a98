//! How RocksDB is opened: one place for every option and its reason.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, BottommostLevelCompaction, Cache, ColumnFamily, ColumnFamilyDescriptor,
    CompactOptions, DB, DBCompressionType, DBRecoveryMode, Error, LruCacheOptions, Options, WriteBufferManager,
};
use rustix::fs::FlockOperation;

use crate::server::store::Budget;
use crate::server::store::layout::cf;

/// Bytes of the WAL before memtables are flushed: bounds what a start after a
/// crash replays. 48 MiB is about 40,000 entries, well under a second.
const WAL_BYTES_MAX: u64 = 48 << 20;
/// A memtable is full when it holds this part of the budget, so that the one
/// being flushed and the one being filled fit into it together.
const MEMTABLES_SHARE: usize = 3;
/// Zeros at the end of the WAL that no record of ours ends in: rows end in
/// hashes and signed text.
const BLANK_TAIL_BYTES_MIN: usize = 16;
/// Small blocks for point reads by hash, larger ones where neighbours are read together.
const POINT_BLOCK_BYTES: usize = 8 << 10;
const RANGE_BLOCK_BYTES: usize = 16 << 10;
/// A filter and its index are kept in parts of this size, each read when it is
/// asked for: whole, those of ten million keys are blocks of megabytes. Smaller
/// parts cost more look-ups in the cache, larger ones more bytes where they no
/// longer fit into it.
const PART_BYTES: usize = 32 << 10;
/// Least that a shard of the cache holds. A block that is larger than its
/// shard is never kept, and is read again at each look-up: tables of logs that
/// were written before filters had parts hold such of 4 MiB.
const SHARD_BYTES_MIN: usize = 12 << 20;
/// Most shards, as a power of two: each is a lock of its own.
const SHARD_BITS_MAX: u32 = 6;
/// Bits a key of the filters that answer "not a duplicate" without a read.
const BLOOM_BITS_PER_KEY: f64 = 10.0;
/// Share of a memtable that its own filter may take: new keys are looked up
/// there first.
const MEMTABLE_BLOOM_RATIO: f64 = 0.05;
/// Of blocks when they are flushed: half the work of level 3, and blocks of
/// many receipts still take less room than each receipt alone would at level 3.
const FLUSH_ZSTD_LEVEL: i32 = 1;
/// Of the last level, where data stays.
const LAST_ZSTD_LEVEL: i32 = 3;
/// RocksDB's value for "default window".
const ZSTD_WINDOW_BITS: i32 = -14;

/// A cache of `bytes`, in as many shards as hold the largest block.
pub fn cache(bytes: usize) -> Cache {
    let shards = (bytes / SHARD_BYTES_MIN).max(1);
    let mut options = LruCacheOptions::default();
    options.set_capacity(bytes);
    // At most six: it fits.
    options.set_num_shard_bits(shards.ilog2().min(SHARD_BITS_MAX) as i32);
    Cache::new_lru_cache_opts(&options)
}

pub fn open(dir: &Path, budget: Budget, cache: &Cache) -> Result<DB, Error> {
    let mut database = database(recovery_mode(dir));
    // One budget for the memtables of all families. Never a stall: a memtable
    // that is being flushed still counts, and the sequencer must not wait for it.
    database.set_write_buffer_manager(&WriteBufferManager::new_write_buffer_manager(budget.memtables_bytes, false));
    let families = cf::ALL.iter().map(|name| {
        let mut family = family(name, cache);
        family.set_write_buffer_size(budget.memtables_bytes / MEMTABLES_SHARE);
        ColumnFamilyDescriptor::new(*name, family)
    });
    DB::open_cf_descriptors(&database, dir, families)
}

/// Opens without writing anything: what a damaged WAL still says stays as it
/// lies, and the same damage is found again by the next reader.
pub fn open_read_only(dir: &Path, cache: &Cache) -> Result<DB, Error> {
    still(dir, cache, &database(recovery_mode(dir)))
}

/// The same where parts are missing or damaged: what cannot be read is left
/// out. Logs stay verified against the manifest, so that one which is lost
/// still refuses: without that RocksDB would rewrite its list of them, which a
/// reader has no place for, and end the process by a signal.
pub fn open_as_it_lies(dir: &Path, cache: &Cache) -> Result<DB, Error> {
    let mut database = database(DBRecoveryMode::SkipAnyCorruptedRecord);
    database.set_paranoid_checks(false);
    still(dir, cache, &database)
}

fn still(dir: &Path, cache: &Cache, database: &Options) -> Result<DB, Error> {
    let families = cf::ALL.iter().map(|name| ColumnFamilyDescriptor::new(*name, family(name, cache)));
    DB::open_cf_descriptors_read_only(database, dir, families, false)
}

/// Whether every family is there: a crash while the first start makes them
/// leaves some out.
pub fn has_families(dir: &Path) -> Result<bool, Error> {
    let there = DB::list_cf(&database(DBRecoveryMode::TolerateCorruptedTailRecords), dir)?;
    Ok(cf::ALL.iter().all(|name| there.iter().any(|there| there == name)))
}

/// Locks that keep whoever writes and whoever reads apart: RocksDB's own, which
/// its read-only mode does not take, and one on the directory, since a copy of
/// the data may have been made without its empty lock file, and whoever reads
/// makes none.
pub struct Held {
    _own: Option<File>,
    _directory: Option<File>,
}

/// Both locks for whoever is about to write. `None` when another process holds
/// one. A medium that cannot be written has no lock file and needs none.
pub fn lock(dir: &Path) -> Option<Held> {
    let _directory = lock_directory(dir, FlockOperation::NonBlockingLockExclusive)?;
    let own = File::options().write(true).open(dir.join("LOCK"));
    Some(Held { _own: lock_own(own, FlockOperation::NonBlockingLockExclusive)?, _directory })
}

/// The same beside others who read: only whoever writes is kept out.
pub fn lock_shared(dir: &Path) -> Option<Held> {
    let _directory = lock_directory(dir, FlockOperation::NonBlockingLockShared)?;
    let own = File::open(dir.join("LOCK"));
    Some(Held { _own: lock_own(own, FlockOperation::NonBlockingLockShared)?, _directory })
}

/// The directory's alone, for as long as RocksDB holds its own: a second
/// descriptor of that file would take it away when it is closed.
pub fn lock_beside(dir: &Path) -> Option<Held> {
    Some(Held { _own: None, _directory: lock_directory(dir, FlockOperation::NonBlockingLockExclusive)? })
}

fn lock_own(opened: std::io::Result<File>, how: FlockOperation) -> Option<Option<File>> {
    let Ok(file) = opened else { return Some(None) };
    match rustix::fs::fcntl_lock(&file, how) {
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => None,
        _ => Some(Some(file)),
    }
}

/// File systems that lock no directories are left to RocksDB's own lock.
fn lock_directory(dir: &Path, how: FlockOperation) -> Option<Option<File>> {
    let Ok(directory) = File::open(dir) else { return Some(None) };
    match rustix::fs::flock(&directory, how) {
        Err(rustix::io::Errno::WOULDBLOCK) => None,
        locked => Some(locked.is_ok().then_some(directory)),
    }
}

/// A torn tail is what a power cut leaves; anything else is damage and refuses.
/// So does RocksDB where a file system had allocated the tail and never wrote
/// it: a record that ends in zeros. Then what comes before it is taken, and
/// the caller compares it with the guard before anything is written.
fn recovery_mode(dir: &Path) -> DBRecoveryMode {
    if has_blank_tail(dir) { DBRecoveryMode::PointInTime } else { DBRecoveryMode::TolerateCorruptedTailRecords }
}

/// Whether the newest WAL ends in more zeros than a record does. What cannot
/// be read here is met again, and named, when the store is opened.
fn has_blank_tail(dir: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(dir) else { return false };
    let logs = files.flatten().map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "log"));
    // Names are numbers of six digits and more.
    let number = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
    let Some(newest) = logs.max_by_key(number) else { return false };
    let tail = || -> std::io::Result<[u8; BLANK_TAIL_BYTES_MIN]> {
        let mut tail = [1; BLANK_TAIL_BYTES_MIN];
        let file = File::open(newest)?;
        let start = file.metadata()?.len().checked_sub(tail.len() as u64);
        file.read_exact_at(&mut tail, start.ok_or(std::io::ErrorKind::UnexpectedEof)?)?;
        Ok(tail)
    };
    tail().is_ok_and(|tail| tail == [0; BLANK_TAIL_BYTES_MIN])
}

fn database(mode: DBRecoveryMode) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_wal_recovery_mode(mode);
    // A synced log that is gone, or shorter than it was, refuses: a newer one
    // would be replayed above the hole.
    options.set_track_and_verify_wals_in_manifest(true);
    // A log that could not be synced for want of room holds a batch that nobody
    // was told of; RocksDB then flushes all families and drops that log. One
    // after the other, a process that ended in between would find the batch in
    // some families and not in others.
    options.set_atomic_flush(true);
    options.set_max_total_wal_size(WAL_BYTES_MAX);
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(1 << 20);
    // One thread writes; making memtables fit for several only costs.
    options.set_allow_concurrent_memtable_write(false);
    options.set_max_open_files(512);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(4 << 20);
    options
}

fn family(name: &str, cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_format_version(6);
    table.set_block_size(RANGE_BLOCK_BYTES);
    options.set_bottommost_compression_options(ZSTD_WINDOW_BITS, LAST_ZSTD_LEVEL, 0, 0, true);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    match name {
        // Index order: files never overlap and are moved, not rewritten, so
        // they are compressed once, when they are flushed.
        cf::ENTRIES | cf::BODIES | cf::CHECKPOINTS => {
            options.set_compression_type(DBCompressionType::Zstd);
            options.set_compression_options(ZSTD_WINDOW_BITS, FLUSH_ZSTD_LEVEL, 0, 0);
        }
        // Hashes do not compress.
        cf::TILES => {
            options.set_compression_type(DBCompressionType::None);
            options.set_bottommost_compression_type(DBCompressionType::None);
        }
        // Random keys, looked up one by one, nearly always absent.
        cf::IDENTITIES | cf::STATEMENTS | cf::LEAVES => {
            table.set_block_size(POINT_BLOCK_BYTES);
            table.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
            table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
            table.set_partition_filters(true);
            table.set_metadata_block_size(PART_BYTES);
            table.set_pin_top_level_index_and_filter(true);
            options.set_memtable_prefix_bloom_ratio(MEMTABLE_BLOOM_RATIO);
            options.set_memtable_whole_key_filtering(true);
            // Hashes: only the last level, where keys stand densest, is worth the work.
            options.set_compression_type(DBCompressionType::None);
        }
        _ => options.set_compression_type(DBCompressionType::Lz4),
    }
    options.set_block_based_table_factory(&table);
    options
}

/// Compacts every family to its last level: what the disk figure is measured after.
pub fn compact(db: &DB) {
    cf::ALL.iter().filter_map(|name| db.cf_handle(name)).for_each(|family| compact_family(db, family));
}

/// Compacts one family to its last level.
pub fn compact_family(db: &DB, family: &ColumnFamily) {
    compact_range(db, family, None);
}

/// Compacts the files that may hold a row, so that none keeps an older value of it.
pub fn compact_row(db: &DB, family: &ColumnFamily, key: &[u8]) {
    compact_range(db, family, Some(key));
}

fn compact_range(db: &DB, family: &ColumnFamily, key: Option<&[u8]>) {
    let mut options = CompactOptions::default();
    options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
    db.compact_range_cf_opt(family, key, key, &options);
}
