//! Rows that are gone from below the newest head: an older write-ahead log
//! lost, an older copy put over the data. The log refuses, says what is gone,
//! and changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pulselog::merkle::TreeSize;
use pulselog::server::faults::NoFaults;
use pulselog::server::log::recovery::{OpenError, rebuild_guard};
use pulselog::server::store::layout::{cf, number_key};
use pulselog::server::store::whole::{Hole, ROW_AN_ENTRY};
use pulselog::server::store::{Budget, Store};

use crate::make::logs::{Memory, Open, Place, copy_dir, item, items};

/// Writes one family to a file, which begins another write-ahead log. The
/// older one stays: other families need it.
fn rotate(open: &Open, family: &str) {
    let db = open.log.store().database();
    db.flush_cf(db.cf_handle(family).unwrap()).unwrap();
}

/// Copies of a running log, as power cuts would leave them.
struct Base {
    /// At 300 entries.
    older: Place,
    /// At 900, with four write-ahead logs.
    newest: Place,
    memory: Memory,
}

/// `is_flushed` says whether everything was written to files in between, after
/// which the older write-ahead logs are gone.
fn base(is_flushed: bool) -> Base {
    let running = Place::in_memory();
    let mut memory = Memory::default();
    let open = running.open();
    let mut submit = |range: std::ops::Range<u64>| {
        for first in range.step_by(50) {
            memory.submit(&open, first..first + 50);
        }
    };
    submit(0..300);
    let older = copied(&running);
    rotate(&open, cf::ENTRIES);
    submit(300..600);
    rotate(&open, cf::BODIES);
    if is_flushed {
        open.log.store().flush().unwrap();
    }
    submit(600..800);
    rotate(&open, cf::TILES);
    submit(800..900);
    let newest = copied(&running);
    open.close().unwrap();
    Base { older, newest, memory }
}

fn copied(place: &Place) -> Place {
    let copy = Place::in_memory();
    copy_dir(place.root(), copy.root());
    copy
}

/// Write-ahead logs, oldest first.
fn wals(place: &Place) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place.store()).unwrap().map(|entry| entry.unwrap().path());
    let mut wals: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    wals.sort();
    wals
}

/// Everything that lies there, but for RocksDB's own protocol and lock.
fn files(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(place.store()).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let counts = |path: &PathBuf| !name(path).starts_with("LOG") && name(path) != "LOCK";
    entries.filter(counts).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// The start refuses with one of these codes, with a checkpoint of the newest
/// size too, and leaves everything as it lies.
#[track_caller]
fn check_refuses(place: &Place, memory: &Memory, name: &str, codes: &[&str]) {
    let before = files(place);
    let seen = memory.checkpoints.last().unwrap();
    for seen in [Vec::new(), vec![seen.clone()]] {
        let refused = place.try_open_with(|o| o.seen.clone_from(&seen)).err();
        let refused = refused.unwrap_or_else(|| panic!("{name}: the log started"));
        println!("{name}: {refused}");
        assert!(codes.contains(&refused.code().name), "{name}: {refused} [{}]", refused.code().name);
    }
    assert!(files(place) == before, "{name}: a refusal changed the store");
    assert!(!place.problems().is_empty(), "{name}: fsck names nothing");
}

/// Length of the first half of a write-ahead log that ends with a record.
fn record_boundary(bytes: &[u8]) -> usize {
    // Header: checksum 4, length 2, type 1 (5 to 8, of a reused log, have 4 more), in blocks of 32 KiB.
    let (mut at, mut last) = (0, 0);
    while at + 7 <= bytes.len() / 2 {
        if 32_768 - at % 32_768 < 7 {
            at += 32_768 - at % 32_768;
            continue;
        }
        let length = usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
        let kind = bytes[at + 6];
        let header = if (5..=8).contains(&kind) { 11 } else { 7 };
        at += header + length;
        // Whole records, and last parts of long ones.
        if matches!(kind, 1 | 4 | 5 | 8) {
            last = at;
        }
    }
    last
}

#[test]
fn an_older_write_ahead_log_that_was_lost_refuses() {
    let base = base(false);
    let found = wals(&base.newest).len();
    assert_eq!(found, 4, "write-ahead logs");
    for at in 0..found - 1 {
        for how in ["cut", "emptied", "zeroed", "removed"] {
            let place = copied(&base.newest);
            let wal = wals(&place).remove(at);
            let bytes = std::fs::read(&wal).unwrap();
            match how {
                "cut" => {
                    let end = record_boundary(&bytes);
                    assert!(end > 0 && end < bytes.len(), "{end} of {}", bytes.len());
                    std::fs::write(&wal, &bytes[..end]).unwrap();
                }
                "emptied" => std::fs::write(&wal, b"").unwrap(),
                "zeroed" => std::fs::write(&wal, vec![0; bytes.len()]).unwrap(),
                _ => std::fs::remove_file(&wal).unwrap(),
            }
            check_refuses(&place, &base.memory, &format!("log {at} {how}"), &["store_open", "store_holes"]);
            // To be shown as it lies it opens or refuses, and never ends the process.
            let shown = Store::open_as_it_lies(&place.store(), Budget::default());
            assert_eq!(shown.err().map_or("store_open", |refused| refused.code().name), "store_open");
        }
    }
    // What was copied while the log ran, and not damaged, starts.
    let mut memory = base.memory;
    memory.check_log(&base.newest);
}

#[test]
fn an_older_copy_over_the_newest_data_refuses() {
    let base = base(true);
    let mut memory = base.memory;
    // Of a log that ran, and of one that had ended.
    let closed = copied(&base.newest);
    closed.open().close().unwrap();
    let older_closed = copied(&base.older);
    older_closed.open().close().unwrap();
    let codes = ["store_open", "store_holes", "guard_newer", "store_damaged", "store_read"];
    for (over, name) in [(&base.newest, "running"), (&closed, "closed")] {
        for (older, older_name) in [(&base.older, "running"), (&older_closed, "closed")] {
            let place = copied(over);
            copy_dir(&older.data(), &place.data());
            check_refuses(&place, &memory, &format!("{older_name} over {name}"), &codes);
        }
    }
    memory.check_log(&closed);
}

/// Any row that is gone, wherever it stood.
#[test]
fn a_row_that_is_gone_from_any_family_is_a_hole() {
    let base = base(false);
    let closed = copied(&base.newest);
    closed.open().close().unwrap();
    for family in ROW_AN_ENTRY.into_iter().chain([cf::TILES]) {
        for place_of in [0, 1, 2] {
            let place = copied(&closed);
            {
                let store = Store::open(&place.store(), Budget::default(), Arc::new(NoFaults)).unwrap();
                let handle = store.database().cf_handle(family).unwrap();
                let rows = store.database().iterator_cf(handle, rocksdb::IteratorMode::Start);
                let keys: Vec<_> = rows.map(|row| row.unwrap().0).collect();
                store.database().delete_cf(handle, &keys[place_of * (keys.len() - 1) / 2]).unwrap();
            }
            let name = format!("{family}, row {place_of}");
            check_refuses(&place, &base.memory, &name, &["store_holes"]);
        }
    }
}

/// A guard is no cure for a hole: what a repair needs is left as it lies.
#[test]
fn no_guard_is_written_for_a_store_with_a_hole() {
    let (place, memory) = Place::in_memory().with_sizes(&[300]);
    {
        let store = Store::open(&place.store(), Budget::default(), Arc::new(NoFaults)).unwrap();
        store.database().delete_cf(store.database().cf_handle(cf::BODIES).unwrap(), number_key(7)).unwrap();
    }
    std::fs::remove_file(place.guard()).unwrap();
    let before = files(&place);
    let mut opening = place.opening();
    opening.seen = vec![memory.checkpoints.last().unwrap().clone()];
    assert_eq!(rebuild_guard(&opening).err().map(|error| error.code().name), Some("store_holes"));
    assert!(!place.guard().exists() && files(&place) == before, "something was written");
}

#[test]
fn a_hole_is_named_by_its_first_and_last_index() {
    let place = Place::in_memory();
    let open = place.open();
    open.submit(items(0..300)).unwrap();
    open.close().unwrap();
    assert_eq!(Store::survey(&place.store()).unwrap().and_then(|found| found.hole), None);
    {
        let store = Store::open(&place.store(), Budget::default(), Arc::new(NoFaults)).unwrap();
        let handle = store.database().cf_handle(cf::ENTRIES).unwrap();
        for index in 17..40_u64 {
            store.database().delete_cf(handle, number_key(index)).unwrap();
        }
    }
    let hole = Hole::Stretch { family: cf::ENTRIES, first: 17, last: 39 };
    match place.try_open() {
        Err(OpenError::Hole { size, hole: found }) => assert_eq!((size, found), (TreeSize::new(300), hole)),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the log started"),
    }
}

/// The books of RocksDB tell without a walk, after a crash and after a clean end.
#[test]
fn a_whole_log_of_any_size_has_no_hole() {
    for size in [0, 1, 255, 256, 257, 513] {
        let place = Place::in_memory();
        let open = place.open();
        if size > 0 {
            open.submit(items(0..size)).unwrap();
        }
        let crashed = copied(&place);
        open.close().unwrap();
        for place in [&crashed, &place] {
            assert_eq!(Store::survey(&place.store()).unwrap().and_then(|found| found.hole), None, "{size}");
            place.open().close().unwrap();
            assert_eq!(
                Store::survey(&place.store()).unwrap().and_then(|found| found.hole),
                None,
                "{size}, started again"
            );
        }
    }
}

/// A file system that had allocated the tail of the newest log, and never
/// wrote it: whatever the power cut left of the last record.
#[test]
fn zeros_at_the_end_of_the_newest_log_are_a_torn_tail() {
    let running = Place::in_memory();
    let mut memory = Memory::default();
    let open = running.open();
    memory.submit(&open, 0..30);
    let guarded = copied(&running);
    open.submit(items(30..40)).unwrap();
    let newest = copied(&running);
    open.close().unwrap();
    let wal = |place: &Place| wals(place).pop().unwrap();
    let (whole, before) = (std::fs::read(wal(&newest)).unwrap(), std::fs::metadata(wal(&guarded)).unwrap().len());
    let seen = memory.checkpoints.len();
    // Zeros after the last record, and in place of a part of it.
    for kept in [whole.len() as u64, before, before + 3, before + 100, whole.len() as u64 - 40] {
        for zeros in [1, 6, 7, 40, 4_096, 70_000] {
            // As a cut leaves it: the guard had not moved to what was lost.
            let place = copied(if kept == whole.len() as u64 { &newest } else { &guarded });
            let mut bytes = whole[..kept as usize].to_vec();
            bytes.resize(kept as usize + zeros, 0);
            std::fs::write(wal(&place), bytes).unwrap();
            let name = format!("{kept} of {} bytes, {zeros} zeros", whole.len());
            let problems = place.problems();
            assert_eq!(problems, Vec::<String>::new(), "{name}");
            let open = place.try_open().unwrap_or_else(|e| panic!("{name}: {e}"));
            let size = open.size();
            memory.check_open(&open);
            memory.checkpoints.truncate(seen);
            let logged = open.submit(vec![item(size)]).unwrap().remove(0);
            assert_eq!((logged.index.get(), logged.duplicate), (size, false), "{name}");
            open.close().unwrap();
            assert_eq!(place.problems(), Vec::<String>::new(), "{name}");
        }
    }
}

/// Zeros that took what the guard confirms are no torn tail.
#[test]
fn zeros_over_a_guarded_commit_refuse_and_change_nothing() {
    let running = Place::in_memory();
    let (running, memory) = running.with_sizes(&[30]);
    let open = running.open();
    open.submit(items(30..40)).unwrap();
    open.submit(items(40..50)).unwrap();
    let place = copied(&running);
    open.close().unwrap();
    let wal = wals(&place).pop().unwrap();
    let mut bytes = std::fs::read(&wal).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0);
    std::fs::write(&wal, bytes).unwrap();
    check_refuses(&place, &memory, "the second half", &["guard_newer"]);
}
