//! The way back for a log whose head guard is lost or an old copy: the
//! operator names a checkpoint that was kept elsewhere, and a guard is written
//! again, for this store alone and once.

use std::path::Path;
use std::process::Command;

use pulselog::merkle::{Hash, RootHash};
use pulselog::server::guard::{BLOCK_BYTES, GuardRecord};
use pulselog::server::log::recovery::{Rebuilt, rebuild_guard};

use crate::make::logs::{Memory, Place, items};
use crate::make::served::Served;

fn rebuild(place: &Place, seen: &[Vec<u8>]) -> Result<Rebuilt, &'static str> {
    let mut opening = place.opening();
    opening.seen = seen.to_vec();
    let attempt = || rebuild_guard(&opening);
    crate::make::logs::patiently(attempt, |error| crate::make::logs::is_held(error.code()))
        .map_err(|error| error.code().name)
}

fn newest(memory: &Memory) -> Vec<Vec<u8>> {
    vec![memory.checkpoints.last().unwrap().clone()]
}

/// Sizes 2, 5 and 6, and the guard as it was at 2.
fn log() -> (Place, Memory, Vec<u8>) {
    let (place, mut memory) = Place::new().with_sizes(&[2]);
    let old = std::fs::read(place.guard()).unwrap();
    let open = place.open();
    memory.submit(&open, 2..5);
    memory.submit(&open, 5..6);
    open.close().unwrap();
    (place, memory, old)
}

#[test]
fn a_lost_or_stale_guard_is_written_again_under_a_kept_checkpoint_and_once() {
    let (base, ..) = log();
    let whole = std::fs::read(base.guard()).unwrap();
    let mut noise = whole.clone();
    noise[50] ^= 1;
    noise[BLOCK_BYTES + 50] ^= 1;
    let losses: [(&str, Option<&[u8]>, &str); 5] = [
        ("lost", None, "guard_missing"),
        ("an old copy", Some(b"of this log"), "guard_older"),
        ("damaged in both blocks", Some(&noise), "guard_unreadable"),
        ("emptied", Some(&[]), "guard_unreadable"),
        ("cut short", Some(&whole[..BLOCK_BYTES - 1]), "guard_unreadable"),
    ];
    for (name, bytes, refusal) in losses {
        let (place, mut memory, old) = log();
        let bytes = if name == "an old copy" { Some(&old[..]) } else { bytes };
        match bytes {
            None => std::fs::remove_file(place.guard()).unwrap(),
            Some(bytes) => std::fs::write(place.guard(), bytes).unwrap(),
        }
        assert_eq!(place.refusal(), refusal, "{name}");
        assert_eq!(rebuild(&place, &[]).err(), Some("seen_needed"), "{name}");
        let rebuilt = rebuild(&place, &newest(&memory)).unwrap_or_else(|code| panic!("{name}: {code}"));
        assert_eq!((rebuilt.head.size.get(), rebuilt.seen.get()), (6, 6), "{name}");
        assert_eq!(rebuilt.kept.map(|kept| std::fs::read(kept).unwrap()).as_deref(), bytes, "{name}");
        assert_eq!(rebuild(&place, &newest(&memory)).err(), Some("guard_whole"), "{name}: a second time");
        memory.check_log(&place);
        assert_eq!(rebuild(&place, &newest(&memory)).err(), Some("guard_whole"), "{name}: after a start");
        let open = place.open();
        memory.submit(&open, 6..9);
        open.close().unwrap();
        memory.check_log(&place);
    }
}

#[test]
fn an_older_kept_checkpoint_is_enough_and_any_of_another_history_is_not() {
    let (place, memory, _) = log();
    std::fs::remove_file(place.guard()).unwrap();
    let foreign = {
        let other = Place::new();
        let open = other.open();
        open.submit(items(50..55)).unwrap();
        let note = open.log.published().note.to_vec();
        open.close().unwrap();
        note
    };
    let ahead = {
        let (other, _) = Place::new().with_sizes(&[9]);
        let open = other.open();
        let note = open.log.published().note.to_vec();
        open.close().unwrap();
        note
    };
    assert_eq!(rebuild(&place, &[foreign]).err(), Some("seen_other_root"));
    assert_eq!(rebuild(&place, &[ahead]).err(), Some("seen_newer"));
    assert_eq!(rebuild(&place, &[b"no checkpoint".to_vec()]).err(), Some("seen_note"));
    assert!(!place.guard().exists(), "a refusal wrote a guard");
    let rebuilt = rebuild(&place, &[memory.checkpoints[1].clone()]).unwrap();
    assert_eq!((rebuilt.store.get(), rebuilt.seen.get()), (6, 2));
}

/// These say that the store must not run: the way back is not for them.
#[test]
fn a_guard_that_has_seen_more_or_another_history_is_never_written_over() {
    let (place, memory, _) = log();
    let old_data = place.copy();
    let open = place.open();
    open.submit(items(6..8)).unwrap();
    open.close().unwrap();
    std::fs::copy(place.guard(), old_data.guard()).unwrap();
    assert_eq!(rebuild(&old_data, &newest(&memory)).err(), Some("guard_newer"));

    let other_root = RootHash::new(Hash::from_bytes([9; 32]));
    let record = place.guard_record();
    for size in [2, 8] {
        let mut head = record.head;
        (head.size, head.root) = (pulselog::merkle::TreeSize::new(size), other_root);
        place.write_guard(&GuardRecord { head, ..record });
        let bytes = std::fs::read(place.guard()).unwrap();
        assert_eq!(rebuild(&place, &newest(&memory)).err(), Some("guard_other_root"), "size {size}");
        assert_eq!(std::fs::read(place.guard()).unwrap(), bytes);
    }
    let empty = Place::new();
    assert_eq!(rebuild(&empty, &newest(&memory)).err(), Some("no_log"));
    assert!(!empty.data().exists());
}

/// A batch that reached the store and not the guard is finished as at any start.
#[test]
fn a_store_one_batch_ahead_of_the_lost_guard_rolls_forward() {
    let (place, mut memory, _) = log();
    let failing = crate::make::logs::Failing::new(pulselog::server::faults::WriteStep::GuardMove);
    let open = place.try_open_with(|o| o.faults = failing.clone()).unwrap();
    failing.arm();
    open.submit(items(6..8)).unwrap_err();
    open.close().unwrap_err();
    std::fs::remove_file(place.guard()).unwrap();
    rebuild(&place, &newest(&memory)).unwrap();
    let open = place.open();
    assert_eq!(open.size(), 8);
    memory.submit(&open, 6..8);
    open.close().unwrap();
    memory.check_log(&place);
}

fn run(served: &Served, seen: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulselog"));
    command.arg("rebuild-guard").arg("--seen").arg(seen);
    served.name_log(&mut command);
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_command_says_what_is_proven_and_what_is_not() {
    let served = Served::start();
    served.submit_batch(0..3);
    let seen = served.place.root().join("checkpoint");
    std::fs::write(&seen, served.get("checkpoint").unwrap()).unwrap();
    let (code, said) = run(&served, &seen);
    assert!(code == Some(1) && said.contains("[guard_busy]"), "while it runs: {said}");
    served.stop();
    std::fs::remove_file(served.place.guard()).unwrap();
    served.spawn();
    assert_eq!(served.wait_exit().code(), Some(1));
    assert!(served.log_text().contains("pulselog rebuild-guard --help"), "{}", served.log_text());
    let (code, said) = run(&served, &seen);
    assert_eq!(code, Some(0), "{said}");
    for words in ["extends the checkpoint of size 3", "not known", "beyond size 3"] {
        assert!(said.contains(words), "{said}");
    }
    let (code, said) = run(&served, &seen);
    assert!(code == Some(1) && said.contains("[guard_whole]"), "{said}");
    served.spawn();
    served.wait_ready();
    served.submit_batch(3..5);
}

#[test]
fn what_a_guard_said_is_never_written_over_by_the_next_one() {
    let (place, memory, old) = log();
    let junk = vec![7; 2 * BLOCK_BYTES];
    for bytes in [&old, &junk] {
        std::fs::write(place.guard(), bytes).unwrap();
        rebuild(&place, &newest(&memory)).unwrap();
    }
    let beside = |ending: &str| {
        let mut path = place.guard().into_os_string();
        path.push(ending);
        std::fs::read(path).unwrap()
    };
    assert!(beside(".replaced") == old && beside(".replaced.2") == junk);
    place.open().close().unwrap();
}
