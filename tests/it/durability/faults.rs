//! Every durable write, broken in every way: it fails, it fails but was
//! persisted, the process is killed before it, the process is killed after it.
//!
//! What must come of it stands in [`TABLE`]. The kills happen in a child: this
//! test binary runs itself again with [`child`] alone, and aborts there.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pulselog::merkle::{Hash, LeafHash, LeafIndex};
use pulselog::server::faults::{Faults, WriteStep};
use pulselog::server::log::SubmitError;

use crate::make::logs::{Failing, Memory, Open, Place, items};

/// How a write is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Fails,
    FailsButPersisted,
    KilledBefore,
    KilledAfter,
}

const HOWS: [How; 4] = [How::Fails, How::FailsButPersisted, How::KilledBefore, How::KilledAfter];

impl How {
    const fn kills(self) -> bool {
        matches!(self, Self::KilledBefore | Self::KilledAfter)
    }
}

/// What the log is doing when the write breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The first start in an empty directory.
    Initialisation,
    /// A request of two receipts; every commit is signed.
    Batch,
    /// Receipts one by one with a checkpoint interval: later commits carry no
    /// note, and the head is signed when the interval has passed.
    Interval,
    /// The last commit of a log with an interval, signed because the log closes.
    Closing,
    /// A start that finds the store one batch ahead of the guard.
    Start,
}

const PHASES: [Phase; 5] = [Phase::Initialisation, Phase::Batch, Phase::Interval, Phase::Closing, Phase::Start];

/// Receipts acknowledged before the write breaks.
const BEFORE: u64 = 3;
/// Receipts that were under way.
const UNDER_WAY: u64 = 2;

/// What the process with the broken write does, when it was not killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// The start refuses.
    Refuses,
    /// The start serves reads at the guard's size and refuses writes.
    ReadOnly,
    /// It starts; the request is not answered, and the sequencer stops with an error.
    Stops,
}

/// Whether what was under way is in the log after the next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Nothing,
    Everything,
}

struct Row {
    phase: Phase,
    step: WriteStep,
    ends: Ends,
    /// After each of [`HOWS`].
    progress: [Progress; 4],
}

const fn row(phase: Phase, step: WriteStep, ends: Ends, progress: [Progress; 4]) -> Row {
    Row { phase, step, ends, progress }
}

use Ends::{ReadOnly, Refuses, Stops};
use Phase::{Batch, Closing, Initialisation, Interval, Start};
use Progress::{Everything, Nothing};
use WriteStep::{Commit, GuardCreate, GuardMove, Publish, SignHead, StoreCreate};

/// A commit that did not reach the disk is as if nothing had happened; from
/// there on everything rolls forward.
const COMMIT: [Progress; 4] = [Nothing, Everything, Nothing, Everything];
/// Fails, persisted, killed before, killed after.
const TABLE: [Row; 16] = [
    row(Initialisation, GuardCreate, Refuses, [Nothing; 4]),
    row(Initialisation, StoreCreate, Refuses, [Nothing; 4]),
    row(Initialisation, SignHead, Refuses, [Nothing; 4]),
    row(Initialisation, GuardMove, ReadOnly, [Nothing; 4]),
    row(Initialisation, Publish, Refuses, [Nothing; 4]),
    row(Batch, Commit, Stops, COMMIT),
    row(Batch, GuardMove, Stops, [Everything; 4]),
    row(Batch, Publish, Stops, [Everything; 4]),
    row(Interval, SignHead, Stops, [Everything; 4]),
    row(Interval, GuardMove, Stops, [Everything; 4]),
    row(Interval, Publish, Stops, [Everything; 4]),
    row(Closing, SignHead, Stops, [Everything; 4]),
    row(Closing, GuardMove, Stops, [Everything; 4]),
    row(Closing, Publish, Stops, [Everything; 4]),
    row(Start, GuardMove, ReadOnly, [Everything; 4]),
    row(Start, Publish, Refuses, [Everything; 4]),
];

/// Breaks one step once it is armed.
struct Break {
    step: WriteStep,
    how: How,
    armed: AtomicBool,
}

impl Break {
    fn new(step: WriteStep, how: How, armed: bool) -> Arc<Self> {
        Arc::new(Self { step, how, armed: AtomicBool::new(armed) })
    }

    fn meet(&self, step: WriteStep, fails: How, kills: How) -> io::Result<()> {
        if step != self.step || !self.armed.load(Ordering::SeqCst) {
            return Ok(());
        }
        if self.how == kills {
            std::process::abort();
        }
        if self.how == fails { Err(io::Error::other("broken on purpose")) } else { Ok(()) }
    }
}

impl Faults for Break {
    fn before(&self, step: WriteStep) -> io::Result<()> {
        self.meet(step, How::Fails, How::KilledBefore)
    }

    fn after(&self, step: WriteStep) -> io::Result<()> {
        self.meet(step, How::FailsButPersisted, How::KilledAfter)
    }
}

/// Puts the log into the state that the phase begins with.
fn prepare(place: &Place, phase: Phase) -> Memory {
    let mut memory = Memory::default();
    if phase == Initialisation {
        return memory;
    }
    let open = place.open();
    memory.submit(&open, 0..BEFORE);
    open.close().unwrap();
    if phase == Start {
        // Committed, and the guard not moved.
        let failing = Failing::new(GuardMove);
        let open = place.try_open_with(|o| o.faults = failing.clone()).unwrap();
        failing.arm();
        assert_eq!(open.submit(items(BEFORE..BEFORE + UNDER_WAY)), Err(SubmitError::Stopped));
        open.close().unwrap_err();
    }
    memory
}

/// Runs the phase with the write broken, as parent or as child.
fn run(place: &Place, phase: Phase, step: WriteStep, how: How, tell: &mut dyn FnMut(u64, LeafIndex, LeafHash)) -> Ends {
    let at_start = matches!(phase, Initialisation | Start);
    let broken = Break::new(step, how, at_start);
    let interval = match phase {
        Interval => Duration::from_millis(100),
        Closing => Duration::from_secs(3_600),
        _ => Duration::ZERO,
    };
    let opened = place.try_open_with(|o| {
        o.faults = broken.clone();
        o.checkpoint_interval = interval;
    });
    let Ok(open) = opened else { return Refuses };
    if open.log.read_only().is_some() {
        let refused = open.submit(items(90..91));
        assert!(matches!(refused, Err(SubmitError::ReadOnly { .. })), "{refused:?}");
        let size = open.size();
        assert_eq!(size, if phase == Start { BEFORE } else { 0 }, "reads go on at the guard's size");
        open.close().unwrap();
        return ReadOnly;
    }
    assert!(!at_start, "the start met the broken write and went on");
    if phase == Closing {
        // The first commit of a process is signed whatever the interval is.
        let logged = open.submit(items(BEFORE..BEFORE + 1)).unwrap();
        tell(BEFORE, logged[0].index, logged[0].leaf_hash);
    }
    broken.armed.store(true, Ordering::SeqCst);
    match phase {
        Interval => submit_until_stopped(&open, tell),
        Closing => submit_and_leave(&open, BEFORE + 1),
        _ => assert_eq!(open.submit(items(BEFORE..BEFORE + UNDER_WAY)), Err(SubmitError::Stopped)),
    }
    if phase != Closing {
        assert!(!open.log.is_alive(), "the sequencer lives");
        let refused = open.submit(items(91..92));
        assert_eq!(refused, Err(SubmitError::Stopped), "a stopped log took a write");
    }
    open.close().unwrap_err();
    Stops
}

/// The first receipt is signed with its commit, the ones after it later.
fn submit_until_stopped(open: &Open, tell: &mut dyn FnMut(u64, LeafIndex, LeafHash)) {
    for n in BEFORE.. {
        match open.submit(items(n..n + 1)) {
            Ok(logged) => tell(n, logged[0].index, logged[0].leaf_hash),
            Err(SubmitError::Stopped) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Commits without waiting for the checkpoint: the submitter goes away.
fn submit_and_leave(open: &Open, n: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let submitted = open.log.submit(items(n..n + 1));
        // One poll hands the request over.
        let left = tokio::time::timeout(Duration::ZERO, submitted).await;
        assert!(left.is_err(), "answered before the checkpoint: {left:?}");
    });
}

const ENV_DIR: &str = "PULSELOG_TEST_FAULT_DIR";
const ENV_ROW: &str = "PULSELOG_TEST_FAULT_ROW";
const ACKNOWLEDGED: &str = "acknowledged";

/// The process that is killed. Does nothing unless a test set it up.
#[test]
fn child() {
    let (Ok(dir), Ok(row)) = (std::env::var(ENV_DIR), std::env::var(ENV_ROW)) else { return };
    let mut parts = row.split(' ').map(|n| n.parse::<usize>().unwrap());
    let mut next = || parts.next().unwrap();
    let (phase, step, how) = (PHASES[next()], WriteStep::ALL[next()], HOWS[next()]);
    let mut told = std::fs::File::create(Path::new(&dir).join(ACKNOWLEDGED)).unwrap();
    let place = Place::at(Path::new(&dir));
    run(&place, phase, step, how, &mut |n, index, leaf| writeln!(told, "{n} {index} {leaf}").unwrap());
    panic!("the write that kills was not met");
}

fn kill(place: &Place, phase: Phase, step: WriteStep, how: How, memory: &mut Memory) {
    let of = |found: Option<usize>| found.unwrap().to_string();
    let row = [
        of(PHASES.iter().position(|p| *p == phase)),
        of(WriteStep::ALL.iter().position(|s| *s == step)),
        of(HOWS.iter().position(|h| *h == how)),
    ];
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &crate::make::name_of(module_path!(), "child"), "--nocapture"])
        .env(ENV_DIR, place.root())
        .env(ENV_ROW, row.join(" "))
        .output()
        .unwrap();
    use std::os::unix::process::ExitStatusExt as _;
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.signal().is_some(), "{phase:?} {step:?} {how:?}: the child was not killed: {why}");
    let told = std::fs::read_to_string(place.root().join(ACKNOWLEDGED)).unwrap();
    for line in told.lines() {
        let mut parts = line.split(' ');
        let mut next = || parts.next().unwrap();
        let (n, index) = (next().parse().unwrap(), next().parse().unwrap());
        memory.acknowledge(n, LeafIndex::new(index), LeafHash::new(Hash::from_hex(next()).unwrap()));
    }
}

fn check_row(row: &Row, how: How, progress: Progress) {
    let Row { phase, step, ends, .. } = *row;
    let name = format!("{phase:?} {step:?} {how:?}");
    let place = Place::new();
    let mut memory = prepare(&place, phase);
    if how.kills() {
        kill(&place, phase, step, how, &mut memory);
    } else {
        let mut told = Vec::new();
        let ended = run(&place, phase, step, how, &mut |n, index, leaf| told.push((n, index, leaf)));
        assert_eq!(ended, ends, "{name}");
        told.into_iter().for_each(|(n, index, leaf)| memory.acknowledge(n, index, leaf));
    }

    let open = place.try_open().unwrap_or_else(|e| panic!("{name}: the next start does not recover: {e}"));
    let acknowledged = memory.acknowledged.len() as u64;
    let under_way = match phase {
        Initialisation => 0,
        Interval | Closing => 1,
        _ => UNDER_WAY,
    };
    let want = if progress == Everything { acknowledged + under_way } else { acknowledged };
    assert_eq!(open.size(), want, "{name}: size after the next start");
    memory.check_open(&open);
    // Resubmission gives the places that were given, or the next ones.
    for n in acknowledged..acknowledged + under_way {
        let logged = open.submit(items(n..n + 1)).unwrap().remove(0);
        assert_eq!(logged.index.get(), n, "{name}: place of receipt {n}");
        assert_eq!(logged.duplicate, progress == Everything, "{name}: receipt {n}");
        memory.acknowledge(n, logged.index, logged.leaf_hash);
    }
    memory.see(&open);
    open.close().unwrap();
    memory.check_log(&place);
}

fn check_phase(phase: Phase) {
    for row in TABLE.iter().filter(|r| r.phase == phase) {
        for (how, progress) in HOWS.into_iter().zip(row.progress) {
            check_row(row, how, progress);
        }
    }
}

#[test]
fn initialisation_finishes_after_any_broken_write() {
    check_phase(Initialisation);
}

#[test]
fn a_batch_survives_any_broken_write() {
    check_phase(Batch);
}

#[test]
fn a_head_signed_later_survives_any_broken_write() {
    check_phase(Interval);
}

#[test]
fn a_head_signed_at_the_end_survives_any_broken_write() {
    check_phase(Closing);
}

#[test]
fn a_start_that_rolls_forward_survives_any_broken_write() {
    check_phase(Start);
}

#[test]
fn every_write_step_is_in_the_table() {
    for step in WriteStep::ALL {
        assert!(TABLE.iter().any(|r| r.step == step), "{step:?}");
    }
}

/// A second broken write while the first is being recovered.
#[test]
fn a_start_that_is_killed_again_and_again_still_recovers() {
    let place = Place::new();
    let mut memory = prepare(&place, Start);
    for (step, how) in [(GuardMove, How::KilledBefore), (GuardMove, How::KilledAfter), (Publish, How::KilledBefore)] {
        kill(&place, Start, step, how, &mut memory);
    }
    let open = place.open();
    assert_eq!(open.size(), BEFORE + UNDER_WAY);
    open.close().unwrap();
    memory.check_log(&place);
}

/// The one way to a signer that does not sign: a key whose name is not the
/// origin. The first start refuses, and leaves nothing that a start with the
/// right key cannot finish.
#[test]
fn a_key_that_cannot_sign_for_the_origin_starts_no_log() {
    let place = Place::new();
    let refused = place.try_open_with(|o| o.signer = crate::make::logs::log_key("log.example.com/another"));
    assert_eq!(refused.err().map(|e| e.code().name), Some("key_name"));
    place.open().close().unwrap();
    Memory::default().check_log(&place);
}
