//! Faults that are brought about from outside a real process: kills, full
//! disks, flipped bits, games with the guard, failing system calls, power
//! cuts. `make faults` runs them, in one time or until all counts are reached;
//! what once failed here is a fixed case among the other tests.
//!
//! Each prints one line of counts. Lost is an acknowledged entry that is gone
//! or another one; a fork is a checkpoint that the newest does not extend;
//! bricked is a log that a person cannot bring back with what README says.

mod disk_full;
mod flipped;
mod guard_games;
mod killed;
pub mod kept;
mod power_cut;
mod system_calls;

use std::time::{Duration, Instant};

use self::kept::Kept;
use crate::make::served::Served;

/// Set by `make faults`.
const ENV_ASKED: &str = "FAULTS";
/// Seconds for all harnesses together.
const ENV_SECONDS: &str = "FAULTS_SECONDS";
/// Set: as many rounds as are promised, however long they take.
const ENV_FULL: &str = "FAULTS_FULL";
/// Another sequence of moments; a failure prints it.
const ENV_SEED: &str = "FAULTS_SEED";

const SECONDS: u64 = 600;
/// How long a start may take on a busy machine.
pub const START_MAX: Duration = Duration::from_secs(60);
/// A fault ends in this time: the process goes on, or it has exited.
pub const END_MAX: Duration = Duration::from_secs(20);
/// Harnesses that share the time.
const HARNESSES: u64 = 6;

/// How long one harness goes on.
pub struct Plan {
    name: &'static str,
    rounds: u64,
    until: Instant,
    is_full: bool,
    pub seed: u64,
}

/// What a harness counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub rounds: u64,
    pub lost: u64,
    pub forks: u64,
    pub bricked: u64,
}

impl Plan {
    /// The plan of a harness whose promise is so many rounds; `None` when
    /// nobody asked for faults. Says loudly which tool is missing.
    pub fn of(name: &'static str, rounds: u64, tools: &[&str]) -> Option<Self> {
        if std::env::var_os(ENV_ASKED).is_none() {
            println!("SKIPPED faults {name}: run make faults");
            return None;
        }
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        if let Some(missing) = tools.iter().find(|tool| !has(tool)) {
            eprintln!("SKIPPED faults {name}: needs {missing}, which is not here (and root, to mount)");
            return None;
        }
        let seconds = number(ENV_SECONDS).unwrap_or(SECONDS) / HARNESSES;
        let until = Instant::now() + Duration::from_secs(seconds);
        let seed = number(ENV_SEED).unwrap_or_else(|| u64::from(std::process::id()));
        Some(Self { name, rounds, until, is_full: std::env::var_os(ENV_FULL).is_some(), seed })
    }

    /// Whether another round begins: one does, however slow the machine is.
    pub fn goes_on(&self, counts: &Counts) -> bool {
        if self.is_full { counts.rounds < self.rounds } else { counts.rounds == 0 || Instant::now() < self.until }
    }

    /// The end of a harness that has a disk of its own: what was kept is looked
    /// for once more, and the log ends before its disk is gone.
    pub fn end_on<D>(&self, disk: D, served: Served, kept: Kept, mut counts: Counts) {
        if counts.bricked == 0 {
            kept.end(&served, &mut counts);
        }
        drop(served);
        drop(disk);
        self.end(counts);
    }

    /// Prints the counts, and fails when anything was lost.
    pub fn end(&self, counts: Counts) {
        let Counts { rounds, lost, forks, bricked } = counts;
        let (name, seed) = (self.name, self.seed);
        println!("FAULTS {name}: {rounds} rounds, {lost} lost, {forks} forks, {bricked} bricked (seed {seed})");
        assert!(rounds > 0, "{name}: there was no time for one round");
        assert_eq!((lost, forks, bricked), (0, 0, 0), "{name}, seed {seed}");
    }
}

/// Whether a program is here, or the right to mount.
pub fn has(tool: &str) -> bool {
    let line = match tool {
        "root" => "test \"$(id -u)\" = 0".to_owned(),
        tool => format!("command -v {tool}"),
    };
    std::process::Command::new("sh").args(["-c", &line]).output().is_ok_and(|output| output.status.success())
}

/// Runs a command that must succeed.
#[track_caller]
pub fn run(program: &str, args: &[&str]) {
    let output = std::process::Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}
