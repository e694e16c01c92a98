//! Power cuts: a file system of its own on a loop device is shut down at a
//! random moment without writing anything back, journal included, while the
//! log runs; then it is mounted again, as after a cut.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::kept::Kept;
use super::{Counts, Plan, run};
use crate::make::logs::{Place, Random};
use crate::make::served::Served;

/// `EXT4_IOC_SHUTDOWN` (that of XFS too) with "no flush of the log": the
/// kernel's own way to pull the plug. Perl is on every Debian, and asks the
/// kernel without unsafe code of ours.
const SHUT_DOWN: &str =
    "open(F,'<',$ARGV[0]) or die; my $how=pack('L',2); ioctl(F,0x8004587d,$how) or die \"ioctl: $!\";";
const DISK_BYTES: u64 = 768 << 20;
const LOAD_MS_MAX: u64 = 900;

/// A file system in a file, mounted.
struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    fn make(dir: &Path, sort: &str) -> Self {
        let (image, at) = (dir.join("disk"), dir.join("mounted"));
        std::fs::File::create(&image).unwrap().set_len(DISK_BYTES).unwrap();
        std::fs::create_dir(&at).unwrap();
        run(&format!("mkfs.{sort}"), &["-q", image.to_str().unwrap()]);
        let disk = Self { image, at };
        disk.mount();
        disk
    }

    fn mount(&self) {
        run("mount", &["-o", "loop", self.image.to_str().unwrap(), self.at.to_str().unwrap()]);
    }

    fn cut(&self) {
        run("perl", &["-e", SHUT_DOWN, self.at.to_str().unwrap()]);
    }

    fn unmount(&self) {
        run("umount", &[self.at.to_str().unwrap()]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

#[test]
fn faults_power_cut() {
    let Some(plan) = Plan::of("power cuts", 100, &["mount", "losetup", "mkfs.ext4", "perl", "root"]) else { return };
    let (mut counts, mut random) = (Counts::default(), Random(plan.seed));
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::make(dir.path(), "ext4");
    let served = Served::start_at(Place::at(&disk.at), &["--free-disk-bytes-min", "0"]);
    let mut kept = Kept::new(&served);
    while plan.goes_on(&counts) {
        let name = format!("power cut, round {}, seed {}", counts.rounds, plan.seed);
        kept.submit(&served, Duration::from_millis(random.below(LOAD_MS_MAX)));
        std::thread::scope(|scope| {
            let (disk, wait) = (&disk, Duration::from_millis(random.below(LOAD_MS_MAX)));
            scope.spawn(move || {
                std::thread::sleep(wait);
                disk.cut();
            });
            kept.submit(&served, wait + Duration::from_millis(200));
        });
        served.kill();
        disk.unmount();
        disk.mount();
        counts.rounds += 1;
        if !kept.restart(&served, &mut counts, &name) {
            break;
        }
    }
    plan.end_on(disk, served, kept, counts);
}
