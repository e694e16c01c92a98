//! Memory and descriptors of the service under mixed load: batches, single
//! submissions and readers against the real binary, in a process of its own.
//!
//! `cargo bench --bench soak [-- ENTRIES [DIR]]`; fails above the promised peak.

#[path = "process.rs"]
mod process;
#[path = "receipts.rs"]
mod receipts;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use pulselog::artifact::Did;

const LINES: usize = 500;
const BATCHERS: usize = 6;
const SINGLES: usize = 8;
const READERS: usize = 8;
/// Promised peak of resident memory, bytes.
const PEAK_BYTES_MAX: u64 = 512 << 20;
/// Promised peak of open descriptors.
const DESCRIPTORS_MAX: usize = 1_152;
/// Entries between two lines of the report.
const REPORT_EVERY: usize = 100_000;

struct Load {
    url: String,
    token: String,
    key: SigningKey,
    entries: usize,
    next: AtomicUsize,
    logged: AtomicUsize,
    reads: AtomicUsize,
    stop: AtomicBool,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let entries: usize = args.first().and_then(|a| a.parse().ok()).unwrap_or(2_000_000);
    let kept = tempfile::tempdir().expect("a temporary directory");
    let dir = args.get(1).map_or_else(|| kept.path().to_owned(), std::path::PathBuf::from);
    let served = process::serve(process::OWN, &dir);
    let pid = served.process.0.id();
    let load = Load {
        url: format!("http://{}", served.addr),
        token: served.token,
        key: SigningKey::from_bytes(&[9; 32]),
        entries,
        next: AtomicUsize::new(0),
        logged: AtomicUsize::new(0),
        reads: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    };
    let descriptors = run(&load, pid);
    let peak = status(pid, "VmHWM:").expect("the service runs");
    drop(served.process);
    println!(
        "peak {} MiB (promised <= {}), {descriptors} descriptors (<= {DESCRIPTORS_MAX})",
        peak >> 20,
        PEAK_BYTES_MAX >> 20
    );
    let held = peak <= PEAK_BYTES_MAX && descriptors <= DESCRIPTORS_MAX;
    std::process::exit(i32::from(!held));
}

/// Runs the load to its end; most descriptors that were seen open.
fn run(load: &Load, pid: u32) -> usize {
    let start = Instant::now();
    let mut descriptors = 0;
    std::thread::scope(|scope| {
        (0..BATCHERS).for_each(|_| drop(scope.spawn(|| submit(load, LINES))));
        (0..SINGLES).for_each(|_| drop(scope.spawn(|| submit(load, 1))));
        (0..READERS).for_each(|n| drop(scope.spawn(move || read(load, n))));
        let (mut reported, mut last) = (0, (start, 0));
        while load.logged.load(Ordering::Relaxed) < load.entries {
            std::thread::sleep(Duration::from_millis(200));
            descriptors = descriptors.max(std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count));
            let logged = load.logged.load(Ordering::Relaxed);
            if logged / REPORT_EVERY > reported {
                reported = logged / REPORT_EVERY;
                let mib = |name| status(pid, name).unwrap_or(0) >> 20;
                let since = |(at, count): (Instant, usize)| (logged - count) as f64 / at.elapsed().as_secs_f64();
                println!(
                    "{logged:9} entries  {:4} MiB now  {:4} MiB peak  {descriptors:4} descriptors  {:6.0}/s ({:6.0}/s in all)  {} reads",
                    mib("VmRSS:"),
                    mib("VmHWM:"),
                    since(last),
                    since((start, 0)),
                    load.reads.load(Ordering::Relaxed),
                );
                last = (Instant::now(), logged);
            }
        }
        load.stop.store(true, Ordering::Relaxed);
    });
    descriptors
}

fn submit(load: &Load, lines: usize) {
    let agent = ureq::Agent::new_with_defaults();
    let url = format!("{}/v1/entries:batch", load.url);
    let did = Did::of(&load.key.verifying_key());
    while !load.stop.load(Ordering::Relaxed) {
        let first = load.next.fetch_add(lines, Ordering::Relaxed);
        let made: Vec<_> = (first..first + lines).map(|n| receipts::receipt(&load.key, did.as_str(), n)).collect();
        receipts::post(&agent, &url, &load.token, &made);
        load.logged.fetch_add(lines, Ordering::Relaxed);
    }
}

/// Reads what people and monitors read, old and new entries alike.
fn read(load: &Load, seed: usize) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut random = seed as u64 + 1;
    while !load.stop.load(Ordering::Relaxed) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = load.logged.load(Ordering::Relaxed).max(1) as u64;
        let entry = (random >> 16) % size;
        let tile = entry / 256;
        let tile_path = match tile {
            0..1_000 => format!("{tile:03}"),
            _ => format!("x{:03}/{:03}", tile / 1_000, tile % 1_000),
        };
        let path = match random >> 61 {
            0 => "checkpoint".to_owned(),
            1 => format!("tile/0/{tile_path}"),
            2 => format!("tile/entries/{tile_path}"),
            3 => format!("v1/entries/{entry}"),
            4 => format!("v1/entries/{entry}.tlog-proof"),
            5 => format!("entries/{entry}"),
            6 => format!("v1/entries?run=run_{}", entry / 50),
            _ => "v1/findings".to_owned(),
        };
        if let Ok(mut answer) = agent.get(format!("{}/{path}", load.url)).call() {
            let _ = answer.body_mut().with_config().limit(64 << 20).read_to_vec();
            load.reads.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A line of `/proc/PID/status` that is in kB, as bytes.
fn status(pid: u32, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib: u64 = text.lines().find_map(|l| l.strip_prefix(name))?.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib << 10)
}
