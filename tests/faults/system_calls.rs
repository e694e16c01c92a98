//! Single system calls of the log fail, by strace: an error on the n-th write,
//! sync, rename or open. The log goes on, or ends within ten seconds with one
//! line and a code; what it acknowledged is there after the next start.

use std::process::Command;
use std::time::Duration;

use super::kept::Kept;
use super::{Counts, Plan};
use crate::make::logs::Random;
use crate::make::served::Served;

const CALLS: [&str; 8] = ["fdatasync", "fsync", "pwrite64", "write", "openat", "rename", "ftruncate", "fallocate"];
const ERRORS: [&str; 3] = ["EIO", "ENOSPC", "EINTR"];
/// The call that fails is at most this far from the start.
const NTH_MAX: u64 = 120;
const LOAD: Duration = Duration::from_millis(1_500);

#[test]
fn faults_system_calls() {
    let Some(plan) = Plan::of("system calls", 200, &["strace"]) else { return };
    let (mut counts, mut random) = (Counts::default(), Random(plan.seed));
    let served = Served::start();
    let mut kept = Kept::new(&served);
    kept.submit(&served, LOAD);
    let mut ended = 0;
    while plan.goes_on(&counts) {
        let (call, error) = (CALLS[random.below(8) as usize], ERRORS[random.below(3) as usize]);
        let fault = format!("inject={call}:error={error}:when={}", 1 + random.below(NTH_MAX));
        let name = format!("{fault}, round {}, seed {}", counts.rounds, plan.seed);
        served.kill();
        // -D: strace is the grandchild, and the log the process that is waited for.
        let mut strace = Command::new("strace");
        strace.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &fault]);
        strace.arg(env!("CARGO_BIN_EXE_pulselog"));
        served.spawn_with(strace, &[]);
        let is_up = served.is_ready_within(super::START_MAX) && kept.submit(&served, LOAD);
        if !is_up && !served.exits_within(super::END_MAX) {
            eprintln!("{name}: neither goes on nor ends: {}", served.log_text());
            counts.bricked += 1;
        }
        ended += u64::from(!is_up);
        counts.rounds += 1;
        if !kept.restart(&served, &mut counts, &name) {
            break;
        }
    }
    if counts.bricked == 0 {
        kept.end(&served, &mut counts);
    }
    println!("  {ended} of these rounds ended the process, the others went on");
    plan.end(counts);
}
