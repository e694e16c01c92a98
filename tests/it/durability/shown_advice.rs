//! A store that is copied or damaged: who may open it beside whom, and what
//! each command advises that meets the damage. No advice leads to a command
//! that refuses for the same reason.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::make::served::Served;

const WAIT_MAX: Duration = Duration::from_secs(60);

/// A log of 20 entries that was stopped, and where its store lies.
fn stopped() -> (Served, PathBuf) {
    let served = Served::start();
    served.submit_batch(0..20);
    served.stop();
    let store = served.place.data().join("store");
    (served, store)
}

fn only(store: &Path, prefix: &str) -> PathBuf {
    let names = std::fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
    let mut found = names.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    found.next().unwrap()
}

/// How a start ends, and the line that it ends with.
fn refused(served: &Served, more: &[&str]) -> String {
    let before = served.log_text().len();
    served.spawn_flagged(more);
    assert_eq!(served.wait_exit().code(), Some(1), "{}", served.log_text());
    served.log_text()[before..].trim_end().lines().last().unwrap_or_default().to_owned()
}

fn is_refused_beside(served: &Served, flags: &[&str]) {
    // One that starts would never end.
    let mut beside = Command::new("timeout");
    beside.args(["60", env!("CARGO_BIN_EXE_pulselog"), "serve", "--listen", "127.0.0.1:0"]).args(flags);
    served.name_log(&mut beside);
    let beside = beside.output().unwrap();
    let said = String::from_utf8(beside.stderr).unwrap();
    assert_eq!(beside.status.code(), Some(1), "{said}");
    assert!(said.trim_end().ends_with("[store_busy]"), "{said}");
}

fn fsck(served: &Served) -> String {
    let data = served.place.data();
    let output = Command::new(env!("CARGO_BIN_EXE_pulselog")).arg("fsck").arg("--data").arg(data).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap().trim_end().to_owned()
}

#[test]
fn a_copy_without_its_lock_file_is_shown_or_run_and_not_both() {
    let (served, store) = stopped();
    std::fs::remove_file(store.join("LOCK")).unwrap();
    served.spawn_flagged(&["--read-only"]);
    assert!(served.is_ready_within(WAIT_MAX), "{}", served.log_text());
    is_refused_beside(&served, &[]);
    assert!(!store.join("LOCK").exists(), "whoever reads writes nothing, and whoever is refused neither");
    served.stop();
    served.spawn();
    assert!(served.is_ready_within(WAIT_MAX), "{}", served.log_text());
    served.submit_batch(20..21);
}

#[test]
fn a_log_that_runs_is_not_shown_beside_though_its_lock_file_is_gone() {
    let (served, store) = stopped();
    served.spawn();
    assert!(served.is_ready_within(WAIT_MAX), "{}", served.log_text());
    std::fs::remove_file(store.join("LOCK")).unwrap();
    is_refused_beside(&served, &["--read-only"]);
}

#[test]
fn a_store_that_nobody_can_open_sends_nobody_to_a_command_that_cannot_either() {
    for damage in [
        |store: &Path| std::fs::write(only(store, "MANIFEST-"), b"junk"),
        |store: &Path| std::fs::write(store.join("CURRENT"), b"MANIFEST-999999\n"),
    ] {
        let (served, store) = stopped();
        damage(&store).unwrap();
        for said in [refused(&served, &[]), refused(&served, &["--read-only"]), fsck(&served)] {
            assert!(said.ends_with("[store_open]"), "{said}");
            assert!(!said.contains("run pulselog fsck") && !said.contains("serve --read-only shows"), "{said}");
            for step in ["whole copy", "pulselog serve --seen CHECKPOINT", "pulselog rebuild-guard"] {
                assert!(said.contains(step), "{step}: {said}");
            }
        }
    }
}

#[test]
fn a_store_that_can_be_shown_says_so_and_what_runs_it_again() {
    let (served, store) = stopped();
    // Nothing of the log is in a file before it is opened once more.
    served.spawn();
    assert!(served.is_ready_within(WAIT_MAX));
    served.stop();
    std::fs::remove_file(newest_table(&store)).unwrap();
    for said in [refused(&served, &[]), fsck(&served)] {
        assert!(said.ends_with("[store_open]"), "{said}");
        assert!(said.contains("pulselog serve --read-only shows what is whole"), "{said}");
        assert!(said.contains("whole copy") && !said.contains("run pulselog fsck"), "{said}");
    }
    served.spawn_flagged(&["--read-only"]);
    assert!(served.is_ready_within(WAIT_MAX), "{}", served.log_text());
}

fn newest_table(store: &Path) -> PathBuf {
    let names = std::fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|e| e == "sst")).max().unwrap()
}
