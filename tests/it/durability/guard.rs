//! The head guard: which chain is the log's (ARCHITECTURE.md "Start"). Every way in which
//! guard and data can part, and what the start says to it.

use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pulselog::checkpoint::{Checkpoint, Origin, TreeHead};
use pulselog::merkle::{Hash, RootHash, TreeSize};
use pulselog::server::faults::WriteStep;
use pulselog::server::guard::{BLOCK_BYTES, GuardRecord, hash_text};
use pulselog::server::log::SubmitError;
use pulselog::server::log::recovery::OpenError;

use crate::make::logs::{Failing, Memory, ORIGIN, Place, TestClock, items, log_key, receipt};
use crate::make::served::{Served, agent};

/// A log of three batches: sizes 2, 5 and 6.
fn three_batches() -> (Place, Memory) {
    Place::new().with_sizes(&[2, 5, 6])
}

#[test]
fn an_old_copy_of_the_data_beside_the_newer_guard_refuses() {
    for batches_ahead in [1_u64, 2, 4] {
        let (place, mut memory) = three_batches();
        let old = place.copy();
        let open = place.open();
        for n in 6..6 + batches_ahead {
            memory.submit(&open, n..n + 1);
        }
        open.close().unwrap();
        let newest = place.copy();
        place.replace_data(&old);
        assert_eq!(place.refusal(), "guard_newer", "{batches_ahead} batches ahead");
        assert!(place.problems().iter().any(|p| p.starts_with("guard: says size")), "{:?}", place.problems());
        // A refusal changes nothing: the newest data are taken back.
        place.replace_data(&newest);
        memory.check_log(&place);
    }
}

#[test]
fn an_empty_data_directory_beside_the_guard_of_a_log_refuses() {
    let (place, _) = three_batches();
    std::fs::remove_dir_all(place.data()).unwrap();
    assert_eq!(place.refusal(), "store_missing");
}

#[test]
fn a_missing_guard_refuses_and_a_guard_put_back_starts() {
    let (place, mut memory) = three_batches();
    let aside = place.root().join("aside");
    std::fs::rename(place.guard(), &aside).unwrap();
    assert_eq!(place.refusal(), "guard_missing");
    assert!(!place.guard().exists(), "a refusal made a guard");
    std::fs::rename(&aside, place.guard()).unwrap();
    memory.check_log(&place);
}

/// Flips one bit.
pub fn flip(path: &Path, at: u64) {
    let mut file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte[0] ^ 0x10]).unwrap();
}

/// Every field of the record, its checksum, and the blank rest of the block.
pub const OFFSETS: [u64; 14] = [0, 7, 8, 15, 16, 23, 24, 56, 63, 64, 96, 128, 159, 4_095];

#[test]
fn a_damaged_block_is_replaced_by_the_other_one() {
    let (base, base_memory) = three_batches();
    for block in [0, 1] {
        for at in OFFSETS {
            let place = base.copy();
            let newest = place.guard_record();
            flip(&place.guard(), block * BLOCK_BYTES as u64 + at);
            let left = place.guard_record();
            let is_newest = newest.sequence % 2 == block;
            assert_eq!(left.sequence, newest.sequence - u64::from(is_newest), "block {block} at {at}");
            let mut memory = Memory { acknowledged: base_memory.acknowledged.clone(), ..Memory::default() };
            memory.checkpoints.clone_from(&base_memory.checkpoints);
            memory.check_log(&place);
        }
    }
}

#[test]
fn two_damaged_blocks_refuse() {
    let (base, _) = three_batches();
    for at in OFFSETS {
        let place = base.copy();
        flip(&place.guard(), at);
        flip(&place.guard(), BLOCK_BYTES as u64 + at);
        assert_eq!(place.refusal(), "guard_unreadable", "at {at}");
        assert!(place.problems().iter().any(|p| p.starts_with("guard: ")), "{:?}", place.problems());
    }
}

#[test]
fn a_guard_cut_short_refuses_beside_a_log_that_has_entries() {
    let (base, _) = three_batches();
    for length in [0, 1, BLOCK_BYTES as u64 - 1] {
        let place = base.copy();
        OpenOptions::new().write(true).open(place.guard()).unwrap().set_len(length).unwrap();
        assert_eq!(place.refusal(), "guard_unreadable", "{length} bytes");
    }
}

/// The guard file as a crash may leave it while it is made: nothing may count
/// before its first record is whole.
#[test]
fn a_guard_whose_creation_was_interrupted_is_made_again() {
    let whole = {
        let place = Place::new();
        place.write_guard(&GuardRecord::initial(&Origin::parse(ORIGIN).unwrap()));
        std::fs::read(place.guard()).unwrap()
    };
    let mut torn = whole.clone();
    torn[100..BLOCK_BYTES].fill(0);
    let forms: [&[u8]; 6] = [&[], &[0], &[0; BLOCK_BYTES], &[0; 2 * BLOCK_BYTES], &torn, &whole[..BLOCK_BYTES - 1]];
    for (at, bytes) in forms.into_iter().enumerate() {
        // Before the store was written, and beside a store of size 0.
        for with_store in [false, true] {
            let place = Place::new();
            if with_store {
                place.open().close().unwrap();
            }
            std::fs::write(place.guard(), bytes).unwrap();
            let open = place.try_open().unwrap_or_else(|e| panic!("form {at}, store {with_store}: {e}"));
            let mut memory = Memory::default();
            memory.submit(&open, 0..2);
            open.close().unwrap();
            memory.check_log(&place);
        }
    }
}

#[test]
fn an_empty_store_without_guard_and_a_guard_without_store_finish() {
    let place = Place::new();
    place.open().close().unwrap();
    std::fs::remove_file(place.guard()).unwrap();
    place.open().close().unwrap();

    std::fs::remove_dir_all(place.data()).unwrap();
    place.write_guard(&GuardRecord::initial(&Origin::parse(ORIGIN).unwrap()));
    let (place, mut memory) = place.with_sizes(&[2]);
    memory.check_log(&place);
}

#[test]
fn a_guard_that_is_the_heads_previous_rolls_forward() {
    let (place, mut memory) = three_batches();
    let previous = std::fs::read(place.guard()).unwrap();
    let open = place.open();
    memory.submit(&open, 6..9);
    open.close().unwrap();
    std::fs::write(place.guard(), previous).unwrap();
    assert_eq!(place.guard_record().head.size.get(), 6);
    memory.check_log(&place);
    assert_eq!(place.guard_record().head.size.get(), 9);
}

#[test]
fn a_guard_older_than_the_heads_previous_refuses() {
    let (place, mut memory) = three_batches();
    let old = std::fs::read(place.guard()).unwrap();
    let open = place.open();
    memory.submit(&open, 6..7);
    memory.submit(&open, 7..8);
    open.close().unwrap();
    let newest = std::fs::read(place.guard()).unwrap();
    std::fs::write(place.guard(), old).unwrap();
    assert_eq!(place.refusal(), "guard_older");
    assert!(!place.problems().is_empty());
    std::fs::write(place.guard(), newest).unwrap();
    memory.check_log(&place);
}

/// With a checkpoint interval several commits may follow one guarded head. The
/// guard may then be that head, and no size in between.
#[test]
fn previous_is_the_guarded_head_and_not_the_commit_before() {
    let (place, mut memory) = three_batches();
    let broken = Failing::new(WriteStep::SignHead);
    let hour = Duration::from_secs(3_600);
    let open = place
        .try_open_with(|o| {
            o.checkpoint_interval = hour;
            o.faults = broken.clone();
        })
        .unwrap();
    memory.submit(&open, 6..7);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for n in 7..10 {
        let wait = tokio::time::Duration::ZERO;
        let left = runtime.block_on(async { tokio::time::timeout(wait, open.log.submit(items(n..n + 1))).await });
        assert!(left.is_err());
        while open.log.store().head().unwrap().unwrap().head.size.get() <= n {
            std::thread::yield_now();
        }
    }
    let head = open.log.store().head().unwrap().unwrap();
    assert_eq!((head.head.size.get(), head.previous.size.get(), &head.note), (10, 7, &None));
    broken.arm();
    open.close().unwrap_err();
    assert_eq!(place.guard_record().head.size.get(), 7);

    let between = place.copy();
    let root = {
        let other = Place::new();
        let (other, _) = other.with_sizes(&[8]);
        other.guard_record().head.root
    };
    let record = between.guard_record();
    between.write_guard(&GuardRecord { head: TreeHead { size: TreeSize::new(8), root }, ..record });
    assert_eq!(between.refusal(), "guard_older");

    let open = place.open();
    assert_eq!(open.size(), 10, "the store rolls forward from 7 to 10");
    open.close().unwrap();
    memory.check_log(&place);
}

#[test]
fn a_guard_of_another_root_or_a_newer_size_refuses() {
    let (base, _) = three_batches();
    let newest = base.guard_record();
    let other_root = RootHash::new(Hash::from_bytes([9; 32]));
    let head = |size, root| TreeHead { size: TreeSize::new(size), root };
    let cases = [
        (head(6, other_root), "guard_other_root"),
        (head(5, other_root), "guard_other_root"),
        (head(7, other_root), "guard_newer"),
        (head(u64::MAX, other_root), "guard_newer"),
        (head(4, other_root), "guard_older"),
        (head(0, newest.head.root), "guard_older"),
    ];
    for (head, code) in cases {
        let place = base.copy();
        place.write_guard(&GuardRecord { head, ..newest });
        assert_eq!(place.refusal(), code, "guard of {head:?}");
        assert!(!place.problems().is_empty(), "fsck with a guard of {head:?}");
    }
}

#[test]
fn a_guard_of_another_origin_refuses() {
    let (base, _) = three_batches();
    let newest = base.guard_record();
    base.write_guard(&GuardRecord { origin: hash_text("log.example.com/another"), ..newest });
    assert_eq!(base.refusal(), "guard_origin");
    assert!(base.problems().iter().any(|p| p == "guard: belongs to another origin"), "{:?}", base.problems());

    let empty = Place::new();
    empty.write_guard(&GuardRecord::initial(&Origin::parse("log.example.com/another").unwrap()));
    assert!(empty.try_open().is_err());
}

#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let (place, mut memory) = three_batches();
    let open = place.open();
    assert_eq!(place.refusal(), "guard_busy");
    // Nor with the data under another guard: the store is locked too.
    let elsewhere = place.root().join("elsewhere.guard");
    std::fs::copy(place.guard(), &elsewhere).unwrap();
    let refused = place.try_open_with(|o| o.guard.clone_from(&elsewhere)).err().unwrap();
    assert_eq!(refused.code().name, "store_busy");
    memory.submit(&open, 6..7);
    open.close().unwrap();
    memory.check_log(&place);
}

#[test]
fn what_was_pinned_at_initialisation_must_be_given_again() {
    let (place, mut memory) = three_batches();
    let other = "log.example.com/another";
    let origin = place.try_open_with(|o| {
        o.origin = Origin::parse(other).unwrap();
        o.signer = log_key(other);
    });
    assert_eq!(origin.err().unwrap().code().name, "pinned");
    let key = place.try_open_with(|o| {
        let name = pulselog::note::KeyName::parse(ORIGIN).unwrap();
        o.signer = pulselog::note::SignerKey::new(name, &[8; 32]).unwrap();
    });
    assert_eq!(key.err().unwrap().code().name, "pinned");
    let operator = place.try_open_with(|o| {
        let key = ed25519_dalek::SigningKey::from_bytes(&[9; 32]).verifying_key();
        o.operator = pulselog::artifact::Did::of(&key);
    });
    assert_eq!(operator.err().unwrap().code().name, "pinned");
    memory.check_log(&place);
}

/// Two copies of the data, one after the other, with one guard.
#[test]
fn of_two_copies_of_the_data_with_one_guard_the_one_behind_refuses() {
    let (place, mut memory) = three_batches();
    let second = place.copy();
    let open = place.open();
    memory.submit(&open, 6..7);
    open.close().unwrap();
    // The second copy comes to the guard that the first has moved.
    let refused = second.try_open_with(|o| o.guard = place.guard()).err().unwrap();
    assert_eq!(refused.code().name, "guard_newer");
    memory.check_log(&place);
}

/// Two copies of the data that run at the same time, on a guard whose lock
/// they do not share (two machines, one remote disk): the one that comes
/// second with its compare-and-swap stops for good.
#[test]
fn of_two_running_copies_with_one_guard_one_stops_and_never_starts_again() {
    let (place, mut memory) = three_batches();
    let winner = place.copy();
    let loser = place;
    let running = loser.open();

    // The winner's process works on the same guard content and moves it.
    let mut guarded = winner.open();
    let logged = guarded.submit(items(100..101)).unwrap();
    assert_eq!(logged[0].index.get(), 6);
    guarded.close().unwrap();
    let moved = std::fs::read(winner.guard()).unwrap();
    let before = std::fs::read(loser.guard()).unwrap();
    std::fs::write(loser.guard(), &moved).unwrap();

    assert_eq!(running.submit(items(6..7)), Err(SubmitError::Stopped));
    assert!(!running.log.is_alive());
    let size = running.size();
    let stopped = running.close().unwrap_err().to_string();
    assert!(stopped.contains("another copy of the data runs"), "{stopped}");
    assert_eq!(size, 6, "nothing of the lost batch was published");

    // Never again: neither with the moved guard nor with one that fits.
    assert_eq!(loser.refusal(), "store_fork");
    std::fs::write(loser.guard(), before).unwrap();
    assert_eq!(loser.refusal(), "store_fork");
    assert!(loser.problems().iter().any(|p| p.starts_with("store: is a fork")), "{:?}", loser.problems());

    // The winner goes on.
    guarded = winner.open();
    memory.submit(&guarded, 0..1);
    guarded.close().unwrap();
    memory.check_log(&winner);
}

/// The same with the real process: it answers nobody, ends non-zero, and says
/// why every time it is started again.
#[test]
fn the_process_ends_non_zero_when_its_guard_was_moved_underneath() {
    let served = Served::start();
    served.submit_batch(0..2);
    let record = guard_at(&served.place.guard());
    let elsewhere = Place::new();
    let head = TreeHead { size: TreeSize::new(3), root: RootHash::new(Hash::from_bytes([9; 32])) };
    elsewhere.write_guard(&record.next(head, b"a note of another history"));
    std::fs::write(served.place.guard(), std::fs::read(elsewhere.guard()).unwrap()).unwrap();

    let answer = served.post(&agent(), "v1/entries", "application/json", receipt(2).as_bytes());
    let status = answer.as_ref().map_or(500, |a| a.status);
    assert!(status >= 500, "answered {status}: {}", String::from_utf8_lossy(&answer.unwrap().body));
    assert!(!served.wait_exit().success(), "{}", served.log_text());
    served.spawn();
    assert!(!served.wait_exit().success(), "{}", served.log_text());
    let said = served.log_text();
    assert!(said.contains("this copy is a fork and never starts again"), "{said}");
}

/// A small file system for one guard. `None`, loudly, where it cannot be had.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(dir.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(dir)),
            Ok(output) => {
                let why = String::from_utf8_lossy(&output.stderr).into_owned();
                crate::make::skipped(&format!("disk full at the guard: no file system can be mounted here: {why}"));
                None
            }
            Err(error) => {
                crate::make::skipped(&format!("disk full at the guard: no file system can be mounted here: {error}"));
                None
            }
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(self.file("ballast")).unwrap();
        while file.write_all(&[1; 1_024]).is_ok() {}
    }

    fn clear(&self) {
        std::fs::remove_file(self.file("ballast")).unwrap();
    }

    fn remount(&self, mode: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{mode}")]).arg(self.0.path()).status().unwrap();
        assert!(done.success(), "remount {mode}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Gives the block that is written next back to the file system, so that the
/// next write of the guard needs room.
fn punch(guard: &Path, next: u64) {
    let file = OpenOptions::new().write(true).open(guard).unwrap();
    let flags = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, flags, (next % 2) * BLOCK_BYTES as u64, BLOCK_BYTES as u64).unwrap();
}

#[test]
fn a_full_disk_under_the_guard_stops_the_log_and_the_next_start_serves_reads() {
    let Some(disk) = SmallDisk::mount() else { return };
    let place = Place::new();
    let guard = disk.file("guard");
    let open = place.try_open_with(|o| o.guard.clone_from(&guard)).unwrap();
    let mut memory = Memory::default();
    memory.submit(&open, 0..3);

    let sequence = guard_at(&guard).sequence;
    punch(&guard, sequence + 1);
    disk.fill();
    assert_eq!(open.submit(items(3..5)), Err(SubmitError::Stopped), "answered without a guard");
    let stopped = open.close().unwrap_err().to_string();
    assert!(stopped.contains("No space left"), "{stopped}");
    assert_eq!(guard_at(&guard).head.size.get(), 3);

    // The store is one batch ahead: it is not shown before the guard says it.
    let open = place.try_open_with(|o| o.guard.clone_from(&guard)).unwrap();
    assert_eq!(open.size(), 3);
    memory.check_open(&open);
    let refused = open.submit(items(3..4)).unwrap_err();
    assert_eq!(refused.code().name, "read_only", "{refused}");
    open.close().unwrap();

    disk.clear();
    let open = place.try_open_with(|o| o.guard.clone_from(&guard)).unwrap();
    assert_eq!(open.size(), 5, "with room the interrupted publish finishes");
    memory.submit(&open, 3..5);
    memory.check_open(&open);
    open.close().unwrap();
}

#[test]
fn a_guard_on_a_disk_that_became_read_only_serves_reads() {
    let Some(disk) = SmallDisk::mount() else { return };
    let place = Place::new();
    let guard = disk.file("guard");
    let open = place.try_open_with(|o| o.guard.clone_from(&guard)).unwrap();
    let mut memory = Memory::default();
    memory.submit(&open, 0..3);
    open.close().unwrap();
    disk.remount("ro");
    let open = place.try_open_with(|o| o.guard.clone_from(&guard)).unwrap();
    memory.check_open(&open);
    let refused = open.submit(items(3..4)).unwrap_err();
    assert_eq!(refused.code().name, "read_only", "{refused}");
    open.close().unwrap();
    disk.remount("rw");
    let open = place.try_open_with(|o| o.guard.clone_from(&guard)).unwrap();
    memory.submit(&open, 3..4);
    open.close().unwrap();
}

#[test]
fn the_low_water_mark_covers_the_guards_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let place = Place::new();
    let open = place
        .try_open_with(|o| {
            o.guard = disk.file("guard");
            o.free_disk_bytes_min = 1 << 20;
        })
        .unwrap();
    let refused = open.submit(items(0..1)).unwrap_err();
    assert_eq!(refused.code().name, "disk_low", "{refused}");
    assert!(open.log.is_alive(), "a nearly full disk is no doubt about the log");
    open.close().unwrap();
}

fn guard_at(path: &Path) -> GuardRecord {
    // The log that runs holds the lock: the bytes are copied and read there.
    let place = Place::new();
    std::fs::copy(path, place.guard()).unwrap();
    place.guard_record()
}

/// Signed by the log's own key over any head: what a log with another history
/// would have shown.
fn signed(size: u64, root: RootHash) -> Vec<u8> {
    let head = TreeHead { size: TreeSize::new(size), root };
    let checkpoint = Checkpoint { origin: Origin::parse(ORIGIN).unwrap(), head };
    checkpoint.sign(&log_key(ORIGIN)).unwrap().as_bytes().to_vec()
}

#[test]
fn a_seen_checkpoint_must_be_a_prefix_of_the_store() {
    let (place, mut memory) = three_batches();
    let refusal = |place: &Place, seen: &[Vec<u8>]| {
        let error: OpenError = place.try_open_with(|o| o.seen = seen.to_vec()).err().unwrap();
        error.code().name
    };
    // Every checkpoint that this log showed, alone and together.
    assert_eq!(memory.checkpoints.len(), 4, "sizes 0, 2, 5 and 6");
    for seen in &memory.checkpoints {
        place.try_open_with(|o| o.seen = vec![seen.clone()]).unwrap().close().unwrap();
    }
    place.try_open_with(|o| o.seen.clone_from(&memory.checkpoints)).unwrap().close().unwrap();

    // Same size, other root; a size inside that was never published, right and wrong.
    let newest = place.guard_record().head;
    let wrong = RootHash::new(Hash::from_bytes([1; 32]));
    assert_eq!(refusal(&place, &[signed(6, wrong)]), "seen_other_root");
    assert_eq!(refusal(&place, &[signed(3, wrong)]), "seen_other_root");
    assert_eq!(refusal(&place, &[signed(7, newest.root)]), "seen_newer");
    // One that does not fit among those that do.
    let mixed = [memory.checkpoints[1].clone(), signed(5, wrong), memory.checkpoints[3].clone()];
    assert_eq!(refusal(&place, &mixed), "seen_other_root");
    // Not this log's: another key, another origin, no checkpoint at all.
    let other = {
        let origin = Origin::parse("log.example.com/another").unwrap();
        let checkpoint = Checkpoint { origin, head: newest };
        checkpoint.sign(&log_key("log.example.com/another")).unwrap().as_bytes().to_vec()
    };
    assert_eq!(refusal(&place, &[other]), "seen_note");
    assert_eq!(refusal(&place, &[b"not a note".to_vec()]), "seen_note");
    memory.check_log(&place);
}

/// The case that nothing else finds: store and guard restored together.
#[test]
fn store_and_guard_restored_together_are_found_by_a_seen_checkpoint_alone() {
    let (place, mut memory) = three_batches();
    let backup = place.copy();
    let open = place.open();
    memory.submit(&open, 6..9);
    open.close().unwrap();
    let kept = memory.checkpoints.last().unwrap().clone();

    let restored = backup.copy();
    let refused = restored.try_open_with(|o| o.seen = vec![kept.clone()]).err().unwrap();
    assert_eq!(refused.code().name, "seen_newer");
    // Without it the restore goes undetected, grows differently, and is then found.
    let open = restored.open();
    open.submit(items(200..204)).unwrap();
    open.close().unwrap();
    let refused = restored.try_open_with(|o| o.seen = vec![kept.clone()]).err().unwrap();
    assert_eq!(refused.code().name, "seen_other_root");
}

#[test]
fn a_clock_that_jumps_stops_writes_and_changes_nothing() {
    let place = Place::new();
    let clock = Arc::new(TestClock::default());
    clock.wall_ms.store(1_700_000_000_000, Ordering::SeqCst);
    let open = place.try_open_with(|o| o.clock = clock.clone()).unwrap();
    let mut memory = Memory::default();
    memory.submit(&open, 0..2);
    clock.wall_ms.fetch_sub(3_600_000, Ordering::SeqCst);
    let refused = open.submit(items(2..3)).unwrap_err();
    assert_eq!(refused.code().name, "clock_unsound", "{refused}");
    assert_eq!(open.size(), 2);
    assert!(open.log.is_alive());
    clock.wall_ms.fetch_add(3_600_000, Ordering::SeqCst);
    memory.submit(&open, 2..3);
    // A little behind is a step of a time daemon: the last time is kept.
    clock.wall_ms.fetch_sub(9_000, Ordering::SeqCst);
    memory.submit(&open, 3..4);
    let view = open.log.view();
    let times: Vec<u64> = view
        .entries(pulselog::merkle::LeafIndex::new(0), 10)
        .unwrap()
        .iter()
        .map(|e| e.entry.logged_at.unix_ms())
        .collect();
    assert_eq!(times, [1_700_000_000_000; 4]);
    drop(view);
    open.close().unwrap();
    memory.check_log(&place);
}
