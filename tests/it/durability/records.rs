//! A store whose own logs are damaged where RocksDB would read for ever, or
//! whose disk is full: every command ends soon, with a code, and says which
//! file it is and what to do.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::make::served::Served;

/// Far more than any of them takes, and far less than for ever.
const WAIT_MAX: Duration = Duration::from_secs(60);
const BLOCK_BYTES: usize = 32 << 10;

fn pulselog(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulselog"));
    command.args(args);
    command
}

fn serve(served: &Served, flags: &[&str]) -> Command {
    let mut command = pulselog(&["serve", "--listen", "127.0.0.1:0"]);
    served.name_log(&mut command);
    command.args(flags);
    command
}

fn fsck(served: &Served) -> Command {
    let mut command = pulselog(&["fsck", "--data"]);
    command.arg(served.place.data());
    command
}

/// What a command says, and its exit code; it must come to its end.
#[track_caller]
fn ended(mut command: Command, log: &Path) -> (i32, String) {
    let out = std::fs::File::create(log).unwrap();
    command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
    let (start, mut child) = (Instant::now(), command.spawn().unwrap());
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > WAIT_MAX {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} goes on: {}", std::fs::read_to_string(log).unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    (status.code().unwrap_or(-1), std::fs::read_to_string(log).unwrap())
}

/// Where the types of the records stand, from the file's headers.
fn types(bytes: &[u8]) -> Vec<usize> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at + 7 <= bytes.len() {
        if BLOCK_BYTES - at % BLOCK_BYTES < 7 {
            at = at.next_multiple_of(BLOCK_BYTES);
            continue;
        }
        found.push(at + 6);
        at += 7 + usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
    }
    found
}

/// A log that was killed, so that its newest entries stand in the WAL alone.
fn killed() -> Served {
    let served = Served::start();
    (0..6).for_each(|part| served.submit_batch(part * 100..part * 100 + 100));
    served.kill();
    served
}

fn file_of(served: &Served, is_it: impl Fn(&str) -> bool) -> PathBuf {
    let files = std::fs::read_dir(served.place.store()).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| is_it(path.file_name().unwrap().to_str().unwrap())).max().unwrap()
}

/// Flips bits of the types of the first record, one in the middle and the last.
fn check_flipped(served: &Served, file: &Path) {
    let (whole, log) = (std::fs::read(file).unwrap(), served.place.root().join("said.log"));
    let (places, name) = (types(&whole), file.file_name().unwrap().to_str().unwrap());
    assert!(places.len() > 4, "{name}");
    let mut tried = 0;
    for place in [places[0], places[places.len() / 2], places[places.len() / 2 + 1], places[places.len() - 1]] {
        for bit in [0x04, 0x08, 0x80] {
            let mut flipped = whole.clone();
            flipped[place] ^= bit;
            // A blank type is the end of what was written.
            if flipped[place] == 0 {
                continue;
            }
            std::fs::write(file, &flipped).unwrap();
            for command in [serve(served, &[]), serve(served, &["--read-only"]), fsck(served)] {
                let (code, said) = ended(command, &log);
                let at =
                    format!("file {name} is damaged: the record at byte {} is of type {}", place - 6, flipped[place]);
                assert!(code == 1 && said.contains(&at) && said.contains("store_damaged"), "{at}, {code}: {said}");
                assert!(!said.contains("serve --read-only"), "it shows nothing either: {said}");
            }
            assert!(std::fs::read(file).unwrap() == flipped, "{name} was written");
            tried += 1;
        }
    }
    assert!(tried >= 8, "{name}: {tried}");
    std::fs::write(file, whole).unwrap();
}

#[test]
fn a_record_of_a_type_that_is_never_written_is_named_at_once() {
    let served = killed();
    check_flipped(&served, &file_of(&served, |name| name.ends_with(".log")));
    check_flipped(&served, &file_of(&served, |name| name.starts_with("MANIFEST-")));
    served.spawn();
    served.wait_ready();
    assert!(served.get("v1/entries/599").is_some(), "nothing was lost");
}

#[test]
fn a_short_record_of_a_recycled_file_behind_the_last_one_is_named() {
    let served = killed();
    let file = file_of(&served, |name| name.ends_with(".log"));
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, [&whole[..], &[1, 2, 3, 4, 0, 0, 0x83]].concat()).unwrap();
    let (code, said) = ended(serve(&served, &[]), &served.place.root().join("said.log"));
    assert!(code == 1 && said.contains(&format!("at byte {} is of type 131", whole.len())), "{code}: {said}");
    // One that was torn before its end, of no recycled file, is what a power cut leaves.
    std::fs::write(&file, [&whole[..], &[1, 2, 3, 4, 90, 0, 1, 5, 5]].concat()).unwrap();
    served.spawn();
    served.wait_ready();
    assert!(served.get("v1/entries/599").is_some());
}

#[test]
fn a_refusal_to_show_does_not_advise_to_show() {
    let served = killed();
    served.spawn();
    served.wait_ready();
    served.stop();
    let log = served.place.root().join("said.log");
    let (current, manifest) =
        (served.place.store().join("CURRENT"), file_of(&served, |name| name.starts_with("MANIFEST-")));
    for file in [&manifest, &current] {
        let whole = std::fs::read(file).unwrap();
        std::fs::remove_file(file).unwrap();
        let (code, said) = ended(serve(&served, &["--read-only"]), &log);
        assert!(code == 1 && !said.contains("serve --read-only"), "{code}: {said}");
        assert!(said.contains("put a whole copy of the newest data in its place"), "{said}");
        let (code, said) = ended(serve(&served, &[]), &log);
        assert!(code == 1 && said.contains("[store_"), "{code}: {said}");
        let (code, said) = ended(fsck(&served), &log);
        assert!(code == 1 && !said.contains("holds no log"), "{code}: {said}");
        std::fs::write(file, whole).unwrap();
    }
    served.spawn();
    served.wait_ready();
}

/// A small file system; unmounted at the end.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(dir.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(dir)),
            why => {
                crate::make::skipped(&format!("disk full at a start: no file system can be mounted here: {why:?}"));
                None
            }
        }
    }

    fn resize(&self, kib: u64) {
        let options = format!("remount,size={kib}k");
        assert!(Command::new("mount").args(["-o", &options]).arg(self.0.path()).status().unwrap().success());
    }
}

/// KiB that the files of a directory take.
fn pages(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().unwrap());
    files.filter(std::fs::Metadata::is_file).map(|file| file.len().div_ceil(4_096) * 4).sum()
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_start_without_room_asks_for_room_and_speaks_of_no_damage() {
    let served = killed();
    let Some(small) = Small::mount() else { return };
    let log = served.place.root().join("said.log");
    // Room for what is there, and not for what the WAL becomes.
    let data = move_to(&served, &small, 24);
    for _ in 0..2 {
        let before = pages(&data.join("store"));
        let (code, said) = ended(serve(&served, &["--free-disk-bytes-min", "0"]), &log);
        assert!(code == 1 && said.contains("disk_full") && said.contains("make room"), "{code}: {said}");
        assert!(said.contains(" bytes are free on its disk, and a start may write "), "{said}");
        assert_eq!(pages(&data.join("store")), before, "a start without room writes nothing");
        assert!(!said.contains("run pulselog fsck"), "{said}");
    }
    small.resize(64 << 10);
    served.spawn_flagged(&["--free-disk-bytes-min", "0"]);
    served.wait_ready();
    assert!(served.get("v1/entries/599").is_some(), "nothing was lost");
    served.kill();
}

/// The log's data on a file system of its own, with so much room beside it.
fn move_to(served: &Served, small: &Small, room_kib: u64) -> PathBuf {
    let data = small.0.path().join("data");
    crate::make::logs::copy_dir(&served.place.data(), &data);
    std::fs::rename(served.place.data(), served.place.root().join("kept")).unwrap();
    std::os::unix::fs::symlink(&data, served.place.data()).unwrap();
    let used: u64 = [&data, &data.join("store")].iter().map(|dir| pages(dir)).sum();
    small.resize(used + room_kib);
    data
}

#[test]
fn a_disk_that_fills_up_under_a_log_is_told_as_such() {
    let served = Served::start();
    served.stop();
    let Some(small) = Small::mount() else { return };
    move_to(&served, &small, 4 << 10);
    served.spawn_flagged(&["--free-disk-bytes-min", "0"]);
    served.wait_ready();
    let agent = crate::make::served::agent();
    for part in 0..2_000_u64 {
        let lines: Vec<String> = (part * 200..part * 200 + 200).map(crate::make::logs::receipt).collect();
        // What is answered at the end counts for other tests; here it is how it ends.
        let answered = served.post(&agent, "v1/entries:batch", "application/x-ndjson", lines.join("\n").as_bytes());
        if answered.is_none_or(|answer| answer.status != 200) && served.exits_within(WAIT_MAX) {
            break;
        }
    }
    assert!(!served.is_running(), "the disk never filled");
    let said = served.log_text();
    let last = said.lines().last().unwrap_or_default();
    assert!(last.contains("[disk_full]") && last.contains("make room") && !last.contains("fsck"), "{last}");
    small.resize(64 << 10);
    served.spawn_flagged(&["--free-disk-bytes-min", "0"]);
    served.wait_ready();
    served.kill();
}
