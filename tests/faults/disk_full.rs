//! A disk that fills up under load, and has room again after the start.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::kept::Kept;
use super::{Counts, Plan, run};
use crate::make::logs::{Place, Random};
use crate::make::served::Served;

/// Size of the disk, and what the filler leaves of it at most.
const DISK: &str = "size=400m";
const LEFT_BYTES_MAX: u64 = 3 << 20;
/// What the log itself must leave.
const FREE_BYTES_MIN: u64 = 48 << 20;
const LOAD: Duration = Duration::from_millis(1_500);

/// A small disk in memory, gone when it is dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Self {
        run("mount", &["-t", "tmpfs", "-o", DISK, "tmpfs", at.to_str().unwrap()]);
        Self(at.to_owned())
    }

    fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.0).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    /// Takes all room but so much.
    fn fill(&self, left: u64) {
        let mut filler = File::create(self.0.join("filler")).unwrap();
        let block = vec![1; 64 << 10];
        while self.free() > left + block.len() as u64 {
            filler.write_all(&block).unwrap();
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn faults_disk_full() {
    let Some(plan) = Plan::of("full disk", 50, &["mount", "root"]) else { return };
    let (mut counts, mut random) = (Counts::default(), Random(plan.seed));
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::mount(dir.path());
    // No low-water mark: the disk really fills up.
    let served = Served::start_at(Place::at(dir.path()), &["--free-disk-bytes-min", "0"]);
    let mut kept = Kept::new(&served);
    while plan.goes_on(&counts) && disk.free() > FREE_BYTES_MIN {
        let name = format!("full disk, round {}, seed {}", counts.rounds, plan.seed);
        disk.fill(random.below(LEFT_BYTES_MAX));
        let goes_on = kept.submit(&served, LOAD);
        if !goes_on && !served.exits_within(super::END_MAX) {
            eprintln!("{name}: neither goes on nor ends");
            counts.bricked += 1;
        }
        std::fs::remove_file(dir.path().join("filler")).unwrap();
        counts.rounds += 1;
        if !kept.restart(&served, &mut counts, &name) {
            break;
        }
    }
    plan.end_on(disk, served, kept, counts);
}
