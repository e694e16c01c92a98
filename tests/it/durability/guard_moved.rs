//! The guard's path and the file behind it part while the log runs, or it is
//! damaged there: the log stops before a signature leaves, and what a person
//! can put back starts again.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use pulselog::checkpoint::Origin;
use pulselog::server::guard::{BLOCK_BYTES, GuardRecord};
use pulselog::server::log::SubmitError;
use pulselog::server::log::publisher::Fatal;

use crate::durability::guard::{OFFSETS, flip};
use crate::make::logs::{Memory, Open, Place, items, receipt};
use crate::make::served::{Served, agent, get};

/// A log of sizes 2, 5 and 6 that runs, and has moved its guard to 7 since.
fn running() -> (Place, Memory, Open) {
    let (place, mut memory) = Place::new().with_sizes(&[2, 5, 6]);
    let open = place.open();
    memory.submit(&open, 6..7);
    (place, memory, open)
}

/// What is under way is not answered, nothing of it is published, and the log ends with this code.
fn stops(open: Open, code: &str, name: &str) {
    assert_eq!(open.submit(items(7..8)), Err(SubmitError::Stopped), "{name}");
    assert_eq!(open.size(), 7, "{name}: published without its guard");
    match open.close() {
        Err(Fatal::Guard(error)) => assert_eq!(error.code().name, code, "{name}: {error}"),
        other => panic!("{name}: {other:?}"),
    }
}

fn aside(place: &Place) -> std::path::PathBuf {
    place.root().join("aside")
}

pub type Step = fn(&Place, &[u8]);

/// How path and file part, and how a person puts that right.
pub const PARTINGS: [(&str, Step, Step); 6] = [
    (
        "renamed",
        |place, _| std::fs::rename(place.guard(), aside(place)).unwrap(),
        |place, _| std::fs::rename(aside(place), place.guard()).unwrap(),
    ),
    (
        "unlinked",
        |place, _| std::fs::remove_file(place.guard()).unwrap(),
        |place, bytes| std::fs::write(place.guard(), bytes).unwrap(),
    ),
    (
        "hard-linked",
        |place, _| std::fs::hard_link(place.guard(), aside(place)).unwrap(),
        |place, _| std::fs::remove_file(aside(place)).unwrap(),
    ),
    (
        "replaced by a copy",
        |place, bytes| {
            std::fs::write(aside(place), bytes).unwrap();
            std::fs::rename(aside(place), place.guard()).unwrap();
        },
        |_, _| {},
    ),
    (
        "replaced by a directory",
        |place, _| {
            std::fs::rename(place.guard(), aside(place)).unwrap();
            std::fs::create_dir(place.guard()).unwrap();
        },
        |place, _| {
            std::fs::remove_dir(place.guard()).unwrap();
            std::fs::rename(aside(place), place.guard()).unwrap();
        },
    ),
    (
        "symlinked",
        |place, _| {
            std::fs::rename(place.guard(), aside(place)).unwrap();
            symlink(aside(place), place.guard()).unwrap();
        },
        |place, _| std::fs::rename(aside(place), place.guard()).unwrap(),
    ),
];

#[test]
fn a_guard_that_is_not_in_its_place_stops_the_log_and_starts_when_it_is_back() {
    for (name, part, mend) in PARTINGS {
        let (place, mut memory, open) = running();
        let bytes = std::fs::read(place.guard()).unwrap();
        part(&place, &bytes);
        stops(open, "guard_moved", name);
        mend(&place, &bytes);
        // The batch under way was in the store: it is finished, and nothing is a fork.
        let open = place.open();
        assert_eq!(open.size(), 8, "{name}");
        memory.submit(&open, 7..9);
        open.close().unwrap();
        memory.check_log(&place);
    }
}

#[test]
fn a_guard_under_a_link_starts_no_log() {
    for (name, part, _) in PARTINGS.into_iter().filter(|(name, ..)| name.ends_with("linked") && *name != "unlinked") {
        let (place, _) = Place::new().with_sizes(&[2]);
        part(&place, &[]);
        assert_eq!(place.refusal(), "guard_linked", "{name}");
    }
    let new = Place::new();
    symlink(aside(&new), new.guard()).unwrap();
    assert_eq!(new.refusal(), "guard_linked");
    assert!(!aside(&new).exists(), "a guard was made behind a link");
}

#[test]
fn a_guard_in_a_directory_that_is_not_there_says_so() {
    let (place, mut memory) = Place::new().with_sizes(&[2]);
    let elsewhere = place.root().join("unmounted").join("log.guard");
    let refused = place.try_open_with(|o| o.guard.clone_from(&elsewhere)).err().unwrap();
    assert_eq!(refused.code().name, "guard_directory");
    assert!(refused.to_string().contains("mount the disk"), "{refused}");
    let refused = Place::new().try_open_with(|o| o.guard.clone_from(&elsewhere)).err().unwrap();
    assert_eq!(refused.code().name, "guard_directory");
    memory.check_log(&place);
}

fn newest_block(place: &Place) -> u64 {
    // The log holds the lock: what it wrote is copied and read there.
    let copy = Place::new();
    std::fs::copy(place.guard(), copy.guard()).unwrap();
    copy.guard_record().sequence % 2
}

#[test]
fn a_flipped_bit_in_the_newest_block_stops_the_log_and_the_next_start_does_with_the_other() {
    for at in OFFSETS {
        let (place, mut memory, open) = running();
        flip(&place.guard(), newest_block(&place) * BLOCK_BYTES as u64 + at);
        stops(open, "guard_changed", &format!("at {at}"));
        let open = place.open();
        assert_eq!(open.size(), 8, "at {at}");
        memory.submit(&open, 7..9);
        open.close().unwrap();
        memory.check_log(&place);
    }
}

#[test]
fn a_flipped_bit_in_the_older_block_is_written_over() {
    let (place, mut memory, open) = running();
    flip(&place.guard(), (1 - newest_block(&place)) * BLOCK_BYTES as u64 + 100);
    memory.submit(&open, 7..8);
    open.close().unwrap();
    memory.check_log(&place);
}

/// Writes over the file where it lies: it keeps its inode.
fn overwrite(path: &Path, bytes: &[u8]) {
    let mut file = std::fs::File::options().write(true).truncate(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_guard_damaged_while_the_log_runs_is_no_fork_and_can_be_put_back() {
    let foreign = {
        let place = Place::new();
        place.write_guard(&GuardRecord::initial(&Origin::parse("log.example.com/another").unwrap()));
        std::fs::read(place.guard()).unwrap()
    };
    let cases: [(&str, Option<&[u8]>, &str); 6] = [
        ("emptied", Some(&[]), "guard_unreadable"),
        ("cut short", Some(&foreign[..BLOCK_BYTES - 1]), "guard_unreadable"),
        ("zeroes", Some(&[0; 2 * BLOCK_BYTES]), "guard_unreadable"),
        ("noise", Some(&[0xa5; 2 * BLOCK_BYTES]), "guard_unreadable"),
        ("of another log", Some(&foreign), "guard_origin"),
        ("an older copy", None, "guard_older"),
    ];
    for (name, bytes, refusal) in cases {
        let (place, mut memory) = Place::new().with_sizes(&[2, 5]);
        let older = std::fs::read(place.guard()).unwrap();
        let open = place.open();
        memory.submit(&open, 5..6);
        memory.submit(&open, 6..7);
        let whole = std::fs::read(place.guard()).unwrap();
        overwrite(&place.guard(), bytes.unwrap_or(&older));
        stops(open, "guard_changed", name);
        assert_eq!(place.refusal(), refusal, "{name}");
        overwrite(&place.guard(), &whole);
        memory.check_log(&place);
    }
}

/// The guard is renamed over and a copy of the data started on its path, while
/// the first process still holds the file that lay there.
#[test]
fn of_two_processes_on_one_path_only_one_publishes() {
    let first = Served::start();
    first.submit_batch(0..6);
    let second = first.place.copy();
    std::fs::rename(second.guard(), first.place.guard()).unwrap();
    let (mut child, url) = first.second_on(&second.data());

    let submit = |url: &str, n: u64| {
        let answer = first.post_to(url, &agent(), "v1/entries", "application/json", receipt(n).as_bytes());
        answer.map_or(0, |answer| answer.status)
    };
    let checkpoint =
        |url: &str| get(&agent(), &format!("{url}/checkpoint")).map(|a| String::from_utf8(a.body).unwrap());
    let before = checkpoint(&first.url).unwrap();
    assert_eq!(submit(&url, 100), 201, "the process that holds what lies at the path goes on");
    let status = submit(&first.url, 200);
    assert!(status == 0 || status >= 500, "the other one answered {status}");
    assert!(checkpoint(&first.url).is_none_or(|now| now == before), "the other one published");
    assert_eq!(first.wait_exit().code(), Some(1), "{}", first.log_text());
    assert!(first.log_text().contains("another file lies at its path"), "{}", first.log_text());
    // And it does not come back beside the one that runs, nor after it.
    first.spawn();
    assert_eq!(first.wait_exit().code(), Some(1), "{}", first.log_text());
    assert_eq!(submit(&url, 101), 201);
    child.kill().unwrap();
    child.wait().unwrap();
    first.spawn();
    assert_eq!(first.wait_exit().code(), Some(1), "{}", first.log_text());
    first.place.replace_data(&second);
    first.spawn();
    first.wait_ready();
}
