//! Clocks that are wrong at a start, the mark that finds it, and the
//! operator's word.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pulselog::codes::service::CLOCK_UNSOUND;
use pulselog::merkle::LeafIndex;
use pulselog::server::log::clock::mark::{Mark, path_of};

use crate::make::logs::{Memory, Open, Place, TestClock, items, receipt};
use crate::make::served::{Served, agent};

const NOON: u64 = 1_795_000_000_000;
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Opens at this time. Whether the kernel holds its clock right stands in the clock.
fn open_at(place: &Place, wall_ms: u64, synchronised: bool, accept: Option<u64>) -> (Open, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    clock.wall_ms.store(wall_ms, Ordering::SeqCst);
    clock.unsynchronised.store(!synchronised, Ordering::SeqCst);
    let open = place.try_open_with(|o| {
        o.clock = clock.clone();
        o.accept_clock = accept;
    });
    (open.unwrap(), clock)
}

fn submit(open: &Open, n: u64) -> Result<u64, &'static str> {
    open.submit(items(n..n + 1)).map(|logged| logged[0].index.get()).map_err(|error| error.code().name)
}

/// A log whose last entry and mark are of noon.
fn log() -> Place {
    let place = Place::new();
    let (open, _) = open_at(&place, NOON, true, None);
    assert_eq!(submit(&open, 0), Ok(0));
    open.close().unwrap();
    place
}

#[test]
fn a_start_far_ahead_of_the_last_mark_waits_for_a_clock_that_is_held_right() {
    for (later, synchronised, refused) in [
        (50 * MINUTE, false, false),
        (2 * HOUR, false, true),
        (2 * HOUR, true, false),
        (400 * DAY, false, true),
        (400 * DAY, true, false),
    ] {
        let place = log();
        let (open, clock) = open_at(&place, NOON + later, synchronised, None);
        assert_eq!(submit(&open, 1).is_err(), refused, "{later} ms later, synchronised {synchronised}");
        if refused {
            assert_eq!(submit(&open, 1), Err("clock_unsound"));
            assert_eq!((open.log.refusals(), open.size()), (vec![&CLOCK_UNSOUND], 1));
            // The time daemon finds that it was right: nobody has to start anything again.
            clock.unsynchronised.store(false, Ordering::SeqCst);
            assert_eq!(submit(&open, 1), Ok(1));
        }
        assert!(open.log.refusals().is_empty());
        open.close().unwrap();
    }
}

#[test]
fn a_clock_that_nobody_holds_right_goes_back_to_the_right_time_and_is_believed() {
    let place = log();
    let (open, clock) = open_at(&place, NOON + 30 * DAY, false, None);
    assert_eq!(submit(&open, 1), Err("clock_unsound"));
    clock.wall_ms.store(NOON + MINUTE, Ordering::SeqCst);
    assert_eq!(submit(&open, 1), Ok(1), "the first reading that is believed is the one to hold others against");
    clock.wall_ms.store(NOON + 30 * DAY, Ordering::SeqCst);
    assert_eq!(submit(&open, 2), Err("clock_unsound"));
    open.close().unwrap();
}

/// Waits until the running log has left its mark at this time.
fn wait_marked(place: &Place, wall_ms: u64) {
    let start = Instant::now();
    while Mark::read(&path_of(&place.guard())).is_none_or(|mark| mark.wall_ms != wall_ms) {
        assert!(start.elapsed() < Duration::from_secs(60), "no mark");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_idle_night_refuses_nothing() {
    let place = log();
    let (open, clock) = open_at(&place, NOON + MINUTE, false, None);
    clock.wall_ms.fetch_add(9 * HOUR, Ordering::SeqCst);
    clock.monotonic_ms.fetch_add(9 * HOUR, Ordering::SeqCst);
    wait_marked(&place, NOON + MINUTE + 9 * HOUR);
    // As a crash leaves it: without the mark of an orderly end.
    let crashed = place.copy();
    open.close().unwrap();
    let (open, _) = open_at(&crashed, NOON + 9 * HOUR + 30 * MINUTE, false, None);
    assert_eq!(submit(&open, 1), Ok(1));
    open.close().unwrap();
}

#[test]
fn a_lost_or_damaged_mark_refuses_nothing() {
    for damage in [None, Some("pulselog clock mark 1\nwall_ms 7\n")] {
        let place = log();
        let mark = path_of(&place.guard());
        damage.map_or_else(|| std::fs::remove_file(&mark), |text| std::fs::write(&mark, text)).unwrap();
        let (open, _) = open_at(&place, NOON + DAY, false, None);
        assert_eq!(submit(&open, 1), Ok(1));
        open.close().unwrap();
    }
}

#[test]
fn an_accepted_clock_ahead_is_believed_once_and_at_its_time() {
    let place = log();
    // Another time than the clock shows is no word about this clock.
    let (open, _) = open_at(&place, NOON + DAY, false, Some(NOON + 2 * DAY));
    assert_eq!(submit(&open, 1), Err("clock_unsound"));
    open.close().unwrap();
    let (open, _) = open_at(&place, NOON + DAY, false, Some(NOON + DAY + MINUTE));
    assert_eq!(submit(&open, 1), Ok(1));
    open.close().unwrap();
    // The next start needs no word.
    let (open, _) = open_at(&place, NOON + DAY + MINUTE, false, None);
    assert_eq!(submit(&open, 2), Ok(2));
    open.close().unwrap();
    // And the word that was left there says nothing about another day.
    let (open, _) = open_at(&place, NOON + 9 * DAY, false, Some(NOON + DAY + MINUTE));
    assert_eq!(submit(&open, 3), Err("clock_unsound"));
    open.close().unwrap();
}

#[test]
fn one_entry_under_a_clock_a_day_ahead_does_not_block_the_day() {
    let place = log();
    let (open, _) = open_at(&place, NOON + DAY, true, None);
    assert_eq!(submit(&open, 1), Ok(1));
    open.close().unwrap();

    let (open, _) = open_at(&place, NOON + MINUTE, true, None);
    assert_eq!(submit(&open, 2), Err("clock_unsound"));
    assert_eq!(open.log.refusals(), [&CLOCK_UNSOUND]);
    open.close().unwrap();
    let (open, _) = open_at(&place, NOON + MINUTE, true, Some(NOON));
    assert_eq!(submit(&open, 2), Ok(2));
    open.close().unwrap();
    // Without the word, until the last entry is reached; behind the mark it is needed again.
    let (open, _) = open_at(&place, NOON + 3 * MINUTE, true, None);
    assert_eq!(submit(&open, 3), Ok(3));
    open.close().unwrap();
    let (open, _) = open_at(&place, NOON - HOUR, true, None);
    assert_eq!(submit(&open, 4), Err("clock_unsound"));
    open.close().unwrap();
    let (open, _) = open_at(&place, NOON + 2 * DAY, true, None);
    assert_eq!(submit(&open, 4), Ok(4));
    let view = open.log.view();
    let entries = view.entries(LeafIndex::new(0), 9).unwrap();
    let times: Vec<u64> = entries.iter().map(|e| e.entry.logged_at.unix_ms() - NOON).collect();
    assert_eq!(times, [0, DAY, DAY, DAY, 2 * DAY], "the time never goes back");
    drop(view);
    open.close().unwrap();
    // The day behind is over: what was accepted then is no excuse now.
    let (open, _) = open_at(&place, NOON + DAY, true, None);
    assert_eq!(submit(&open, 5), Err("clock_unsound"));
    open.close().unwrap();
    Memory::default().check_log(&place);
}

fn time(offset_s: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(now + offset_s).unwrap().to_string()
}

/// The program under a clock a day ahead, where one can be had: the environment
/// may lack the means, or they may fail without a word.
fn tomorrow() -> Option<Command> {
    // The wrapper stands between us and its child; its library does not.
    let wrapped = Command::new("faketime").args(["-m", "-f", "+1d", "printenv", "LD_PRELOAD"]).output().ok()?;
    let library = String::from_utf8(wrapped.stdout).ok()?.trim().to_owned();
    let moved = |program: &str| {
        let mut command = Command::new(program);
        // Only the wall clock: timers of the process must go on as they are.
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        command.env("LD_PRELOAD", &library).env("FAKETIME", "+1d");
        command
    };
    let told = moved("date").arg("+%s").output().ok()?;
    let told: i64 = String::from_utf8(told.stdout).ok()?.trim().parse().ok()?;
    let ahead = told - jiff::Timestamp::now().as_second();
    (86_000..86_800).contains(&ahead).then(|| moved(env!("CARGO_BIN_EXE_pulselog")))
}

/// The same with the real process under another clock.
#[test]
fn the_process_says_that_its_clock_is_unsound_and_takes_the_operators_word() {
    let Some(tomorrow) = tomorrow() else {
        return crate::make::skipped("a real process under another clock: faketime moves none here");
    };
    let served = Served::start();
    served.submit_batch(0..2);
    served.stop();
    served.spawn_with(tomorrow, &["--accept-clock", &time(86_400)]);
    served.wait_ready();
    served.submit_batch(2..4);
    served.stop();
    // What moves the clock of one program may fail to move another's.
    let left = Mark::read(&path_of(&served.place.guard())).expect("a mark of an orderly end").wall_ms;
    if left < jiff::Timestamp::now().as_millisecond() as u64 + DAY / 2 {
        return crate::make::skipped("a real process under another clock: faketime did not move it");
    }

    served.spawn();
    served.wait_ready();
    let ready = String::from_utf8(served.get("readyz").unwrap()).unwrap();
    assert!(ready.contains("\"writes\":false") && ready.contains("\"clock_unsound\""), "{ready}");
    let refused = served.post(&agent(), "v1/entries", "application/json", receipt(4).as_bytes()).unwrap();
    assert_eq!(refused.status, 503);
    served.stop();
    assert!(served.log_text().contains("--accept-clock TIME"), "{}", served.log_text());

    for more in [&["--accept-clock", &time(0)][..], &[]] {
        served.spawn_with(Command::new(env!("CARGO_BIN_EXE_pulselog")), more);
        served.wait_ready();
        let next = if more.is_empty() { 6 } else { 4 };
        served.submit_batch(next..next + 2);
        served.stop();
    }
    assert_eq!(served.place.problems(), Vec::<String>::new());
}
