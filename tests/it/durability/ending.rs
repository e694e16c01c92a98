//! How the process ends: after a doubt with a code and one line, whatever its
//! threads are doing; and when it is asked to, at any moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::make::logs::receipt;
use crate::make::served::{Served, agent};

const ROUNDS: u64 = 12;
/// Lines of one batch: several commits of search rows are under way at any time.
const BATCH: u64 = 300;
const EXIT_MAX: Duration = Duration::from_secs(10);

/// Each round ends the log by a doubt while entries are committed and search
/// rows written. It ends by itself, never by a signal.
#[test]
fn a_doubt_ends_the_process_with_a_code_and_one_line_while_search_rows_are_written() {
    let served = Served::start();
    let (next, aside) = (AtomicU64::new(0), served.place.root().join("aside"));
    for round in 0..ROUNDS {
        if round > 0 {
            served.spawn();
            served.wait_ready();
        }
        let submit = || {
            let agent = agent();
            loop {
                let first = next.fetch_add(BATCH, Ordering::SeqCst);
                let lines: Vec<String> = (first..first + BATCH).map(receipt).collect();
                let body = lines.join("\n");
                let answer = served.post(&agent, "v1/entries:batch", "application/x-ndjson", body.as_bytes());
                if answer.is_none_or(|answer| answer.status != 200) {
                    return;
                }
            }
        };
        let (status, took) = std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(submit);
            }
            std::thread::sleep(Duration::from_millis(300 + 37 * round));
            std::fs::rename(served.place.guard(), &aside).unwrap();
            let start = Instant::now();
            (served.wait_exit(), start.elapsed())
        });
        assert_eq!(status.code(), Some(1), "round {round}: {status}: {}", served.log_text());
        assert!(took < EXIT_MAX, "round {round}: took {took:?}: {}", served.log_text());
        let text = served.log_text();
        let last = text.lines().last().unwrap_or_default();
        assert!(last.starts_with("pulselog: log stopped: guard ") && last.ends_with("[log_stopped]"), "{last}");
        std::fs::rename(&aside, served.place.guard()).unwrap();
    }
    served.spawn();
    served.wait_ready();
    served.stop();
    assert_eq!(served.place.problems(), Vec::<String>::new());
}

/// An idle log looks after its guard too.
#[test]
fn a_guard_that_is_taken_away_from_an_idle_log_ends_it() {
    let served = Served::start();
    std::fs::remove_file(served.place.guard()).unwrap();
    assert_eq!(served.wait_exit().code(), Some(1), "{}", served.log_text());
    assert!(served.log_text().contains("nothing lies at its path any more"), "{}", served.log_text());
}

#[test]
fn a_stop_while_it_starts_ends_it_with_0_and_a_hangup_does_not() {
    let served = Served::start();
    served.stop();
    for signals in [&["TERM"][..], &["INT"], &["HUP", "TERM"]].repeat(4) {
        served.spawn();
        // From here on a signal does not end it by itself; the start goes on
        // for some synced writes more.
        let start = Instant::now();
        while !served.catches_sigterm() {
            assert!(start.elapsed() < Duration::from_secs(60), "{}", served.log_text());
        }
        for signal in signals {
            served.signal(signal);
        }
        assert_eq!(served.wait_exit().code(), Some(0), "{signals:?}: {}", served.log_text());
    }
    served.spawn();
    served.wait_ready();
}

#[test]
fn a_hangup_reads_the_tokens_again_and_nothing_else() {
    let served = Served::start();
    served.signal("HUP");
    let start = Instant::now();
    while !served.log_text().contains("SIGHUP: tokens are read again") {
        assert!(start.elapsed() < Duration::from_secs(60), "{}", served.log_text());
        std::thread::sleep(Duration::from_millis(10));
    }
    served.submit_batch(0..2);
    assert!(served.is_running());
    served.stop();
}
