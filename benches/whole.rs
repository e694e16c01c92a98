//! The audit of a whole log from a directory, as `pulselog audit --log DIR` does
//! it: processor time of the process an entry, and what memory it took.
//!
//! `cargo bench --bench whole [-- ENTRIES [DIR]]`; with `PULSELOG_BESIDE=FILE`
//! another build of ours audits the same directory in turns. A DIR is kept and
//! used again.

#[path = "client.rs"]
mod client;
#[path = "fixture.rs"]
mod fixture;
#[path = "jobs.rs"]
mod jobs;
#[path = "signed.rs"]
mod signed;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use pulselog::merkle::{LeafIndex, TreeSize};
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::log::view::{Body, View};
use pulselog::tile::{TILE_WIDTH, TilePath, tiles_at};

use crate::client::spread;
use crate::signed::did;

/// The build that cargo made for this bench.
const OWN: &str = env!("CARGO_BIN_EXE_pulselog");
const TURNS: usize = 5;
/// Entries whose bodies are read at once.
const AT_ONCE: u64 = 1_000;
/// Between two looks at the memory of an audit.
const LOOK: Duration = Duration::from_millis(20);
/// Ticks of `/proc/self/stat` a second, on every Linux.
const TICKS: f64 = 100.0;
/// More than a log of a million of these takes, MiB.
const MEMORY_MAX_MIB: &str = "16384";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let entries: u64 = args.first().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let dir = args.get(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let (files, policy) = (dir.join("files"), dir.join("trust.policy"));
    if !policy.is_file() {
        make(&dir.join("log"), entries, &files);
        // The last to be written: a directory without it is not whole.
        std::fs::write(&policy, trust()).expect("a file");
    }
    let audit = |binary: &str| {
        let mut audit = Command::new(binary);
        audit.args(["audit", "--json", "--memory-max", MEMORY_MAX_MIB, "--operator", did("operator").as_str()]);
        audit.arg("--policy").arg(&policy).arg("--log").arg(&files);
        audit
    };
    println!("{}", format!("{:?}", audit("pulselog")).replace('"', ""));
    let checkpoint = std::fs::read_to_string(files.join("checkpoint")).expect("a checkpoint");
    let size: f64 = checkpoint.lines().nth(1).and_then(|line| line.parse().ok()).expect("a size");
    let beside = std::env::var("PULSELOG_BESIDE").ok();
    let mut peaks = Vec::new();
    let mut seen: Vec<(f64, Option<f64>)> = Vec::new();
    for _ in 0..TURNS {
        let own = run(audit(OWN));
        peaks.push(own.peak_kib / 1024.0);
        seen.push((own.seconds / size, beside.as_deref().map(|binary| run(audit(binary)).seconds / size)));
    }
    println!(
        "{size} entries: {} us of processor an entry, peak {} MiB resident",
        spread(seen.iter().map(|(own, _)| own * 1e6)),
        spread(peaks.into_iter())
    );
    if beside.is_some() {
        let both = || seen.iter().filter_map(|(own, beside)| Some((*own, (*beside)?)));
        println!(
            "beside {}: ratio {} (floor 0.8, reach 0.6)",
            spread(both().map(|(_, beside)| beside * 1e6)),
            spread(both().map(|(own, beside)| own / beside))
        );
    }
}

/// What an audit took.
struct Took {
    /// Processor time of its process.
    seconds: f64,
    /// Most resident memory that was seen.
    peak_kib: f64,
}

/// Runs an audit that passes.
fn run(mut audit: Command) -> Took {
    let before = waited_for();
    let mut child = audit.stdout(Stdio::null()).spawn().expect("an audit");
    let mut peak_kib = 0.0;
    let status = loop {
        peak_kib = peak_of(child.id()).unwrap_or(peak_kib);
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None => std::thread::sleep(LOOK),
        }
    };
    assert!(status.success(), "{status}: see above");
    Took { seconds: waited_for() - before, peak_kib }
}

/// The high-water mark of a process that still runs, KiB.
fn peak_of(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    mark.trim().trim_end_matches(" kB").parse().ok()
}

/// Processor time of every process that this one started and waited for, seconds.
fn waited_for() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit_once(") ").expect("a name").1;
    let ticks = after_name.split(' ').skip(13).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks"));
    ticks.sum::<f64>() / TICKS
}

/// A C2SP trust policy with the key of [`fixture::open_of`].
fn trust() -> String {
    let name = KeyName::parse(fixture::ORIGIN).expect("a key name");
    let vkey = SignerKey::new(name, &[7; 32]).expect("a key").vkey().to_string();
    format!("log {vkey}\nquorum none\n")
}

/// Fills a log and writes it as tiles and bodies.
fn make(data: &Path, entries: u64, files: &Path) {
    std::fs::create_dir_all(data).expect("a directory");
    let (log, running) = fixture::open_of(data, did("operator"));
    jobs::fill(&log, entries);
    let size = log.published().head.size;
    save(&log.view(), size, files);
    drop(log);
    running.join().expect("a clean end");
}

fn save(view: &View, size: TreeSize, files: &Path) {
    let put = |path: String, bytes: &[u8]| {
        let file = files.join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a directory");
        std::fs::write(file, bytes).expect("a file");
    };
    let bundles = size.get().div_ceil(TILE_WIDTH as u64);
    let entries = (0..bundles).map(|index| {
        let width = (size.get() - index * TILE_WIDTH as u64).min(TILE_WIDTH as u64) as u16;
        TilePath::Entries { index, width }
    });
    let hashes = tiles_at(size).into_iter().map(|(tile, width)| TilePath::Hashes { tile, width });
    for path in entries.chain(hashes) {
        put(format!("tile/{path}"), &view.tile(&path).expect("a tile"));
    }
    for first in (0..size.get()).step_by(AT_ONCE as usize) {
        let indexes: Vec<LeafIndex> = (first..size.get().min(first + AT_ONCE)).map(LeafIndex::new).collect();
        for (entry, body) in view.whole(&indexes).expect("entries") {
            if let Body::Shown(body) = body {
                put(format!("artifacts/{}", entry.entry.digest), body.as_bytes());
            }
        }
    }
    let note = view.checkpoint(size).expect("a checkpoint").1;
    put("checkpoint".to_owned(), note.as_bytes());
}
