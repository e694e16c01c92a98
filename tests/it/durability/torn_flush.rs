//! A write-ahead log that could not be synced for want of room holds a batch
//! that nobody was told of. RocksDB then helps itself: it flushes all families
//! and drops that log. Whoever is killed in the middle must find the batch in
//! all families or in none.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::fault_runs::kept::Kept;
use crate::fault_runs::{Counts, has};
use crate::make::served::Served;

/// Which sync of a thread fails. The sequencer syncs log and guard in turn.
const SYNC: u32 = 31;
/// New files take so long that all families take about a second.
const FILE_DELAY_US: u32 = 30_000;
/// After the log stopped, until the kill.
const KILLED_AFTER: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(600)];
const WAIT_MAX: Duration = Duration::from_secs(60);

#[test]
fn a_kill_while_room_is_made_leaves_all_families_at_one_batch() {
    if !has("strace") {
        eprintln!("SKIPPED a_kill_while_room_is_made_leaves_all_families_at_one_batch: needs strace");
        return;
    }
    for after in KILLED_AFTER {
        let mut counts = Counts::default();
        let served = Served::start();
        let mut kept = Kept::new(&served);
        served.kill();
        let fault = format!("inject=fdatasync:error=ENOSPC:when={SYNC}");
        let delay = format!("inject=openat:delay_exit={FILE_DELAY_US}");
        // -D: strace is the grandchild, and the log the process that is waited for.
        let mut strace = Command::new("strace");
        strace.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,openat", "-e", &fault, "-e", &delay]);
        strace.arg(env!("CARGO_BIN_EXE_pulselog"));
        served.spawn_with(strace, &[]);
        assert!(served.is_ready_within(WAIT_MAX), "{}", served.log_text());
        let start = Instant::now();
        while !served.log_text().contains("log stopped") {
            assert!(start.elapsed() < WAIT_MAX, "no sync failed: {}", served.log_text());
            kept.submit(&served, Duration::from_millis(1));
        }
        std::thread::sleep(after);
        served.kill();
        // Threads that strace holds up keep the locks a moment longer.
        while start.elapsed() < WAIT_MAX && is_held(&served) {}
        kept.restart(&served, &mut counts, &format!("{after:?}"));
        assert_eq!((counts.lost, counts.forks, counts.bricked), (0, 0, 0), "{}", served.log_text());
        kept.end(&served, &mut counts);
    }
}

/// Whether a start is refused because another process holds the log.
fn is_held(served: &Served) -> bool {
    served.spawn();
    !served.is_ready_within(WAIT_MAX) && {
        let said = served.log_text();
        ["store_busy", "guard_busy"].iter().any(|code| said.trim_end().ends_with(&format!("[{code}]")))
    }
}
