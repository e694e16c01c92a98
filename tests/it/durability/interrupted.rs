//! Syncs that a signal interrupts, as file systems over FUSE and NFS say: they
//! are made again, by whoever syncs, and never without end.

use std::process::Command;
use std::time::Duration;

use crate::fault_runs::kept::Kept;
use crate::fault_runs::{Counts, has};
use crate::make::served::Served;

const WAIT_MAX: Duration = Duration::from_secs(60);
const LOAD: Duration = Duration::from_secs(3);

/// A log under strace, with these of each thread's syncs interrupted.
fn interrupted(which: &str) -> Option<(Served, Kept)> {
    if !has("strace") {
        eprintln!("SKIPPED interrupted: needs strace");
        return None;
    }
    let served = Served::start();
    let kept = Kept::new(&served);
    served.kill();
    let fault = format!("inject=fdatasync,fsync:error=EINTR:when={which}");
    // -D: strace is the grandchild, and the log the process that is waited for.
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "-qq", "-o"]).arg(served.place.root().join("syncs"));
    strace.args(["-e", "trace=fdatasync,fsync", "-e", &fault, env!("CARGO_BIN_EXE_pulselog")]);
    served.spawn_with(strace, &[]);
    Some((served, kept))
}

fn syncs(served: &Served) -> String {
    std::fs::read_to_string(served.place.root().join("syncs")).unwrap()
}

#[test]
fn a_sync_that_is_interrupted_is_made_again() {
    let Some((served, mut kept)) = interrupted("2+3") else { return };
    assert!(served.is_ready_within(WAIT_MAX), "{}", served.log_text());
    assert!(kept.submit(&served, LOAD), "the log does not go on: {}", served.log_text());
    let met = syncs(&served).matches("EINTR").count();
    assert!(met > 10, "{met} syncs were interrupted: {}", syncs(&served));
    let mut counts = Counts::default();
    kept.check(&served, &mut counts, "while it runs");
    kept.restart(&served, &mut counts, "after kill -9");
    assert_eq!((counts.lost, counts.forks, counts.bricked), (0, 0, 0), "{}", served.log_text());
    kept.end(&served, &mut counts);
}

#[test]
fn a_sync_that_is_interrupted_for_ever_ends_the_log_and_loses_nothing() {
    let Some((served, mut kept)) = interrupted("40+") else { return };
    assert!(served.is_ready_within(WAIT_MAX), "{}", served.log_text());
    assert!(!kept.submit(&served, WAIT_MAX), "no sync failed: {}", served.log_text());
    assert_eq!(served.wait_exit().code(), Some(1), "{}", served.log_text());
    assert!(served.log_text().contains("log stopped"), "{}", served.log_text());
    let mut counts = Counts::default();
    kept.restart(&served, &mut counts, "after the end");
    assert_eq!((counts.lost, counts.forks, counts.bricked), (0, 0, 0), "{}", served.log_text());
    kept.end(&served, &mut counts);
}
