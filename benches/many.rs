//! 100,000 bundles of 1 event and 1 gateway receipt, one a line of a file,
//! through the driver of `verify` with the protocol verdict, against bare
//! `verify_strict` of their 200,000 signatures on the same cores; in turns in
//! one run. And what memory it took, at 10,000 and at 100,000.
//!
//! Both sides keep all cores busy, so on a machine that does other work the
//! ratio of processor times says more than that of the clock.
//!
//! `cargo bench --bench many --no-default-features [-- SIGNERS]`: so many agents
//! and as many gateways, in turns; one of each if nothing is said.

mod bundles;
#[allow(dead_code)]
#[path = "../src/cli/documents.rs"]
mod documents;
#[allow(dead_code)]
#[path = "../src/cli/folder.rs"]
mod folder;
// Its tests are run with the binary's, and only compiled here.
#[cfg_attr(test, allow(dead_code, unused_imports))]
#[path = "../src/cli/many.rs"]
mod many;

/// Reasons in the words of the system: no file is missing here, and all are regular.
mod input {
    pub const STDIN: &str = "-";

    pub fn why(error: &std::io::Error) -> String {
        error.to_string()
    }

    pub fn open(path: &std::path::Path) -> std::io::Result<std::fs::File> {
        std::fs::File::open(path)
    }

    pub fn irregular(_: std::fs::FileType) -> &'static str {
        "is no regular file"
    }
}

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ed25519_dalek::SigningKey;
use pulselog::artifact::json;
use pulselog::artifact::{Did, KeyCache};
use pulselog::protocol::{Document, DocumentKind, Options, verify_with};

use bundles::{Bound, NOW_MS, make_by};
use documents::{Input, Source};

const FEW: usize = 10_000;
const MANY: usize = 100_000;
const ROUNDS: usize = 5;
/// Bundles that a core takes at a time for the bound.
const SHARE: usize = 256;

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let signers = Signers::new(std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1));
    let mut options = Options::at(NOW_MS);
    options.gateway_signers = Some(signers.listed());
    // Memory first: the high-water mark also counts what the bound keeps.
    let path = dir.path().join("many.ndjson");
    for count in [FEW, MANY] {
        let bytes = write(&path, count, &signers);
        drive(&path, count, &options);
        println!("{count} bundles, {} MB: peak resident {} KiB", bytes / 1_000_000, peak_kib());
    }
    let bounds: Vec<Bound> = (0..MANY).map(|n| signers.make(n).1).collect();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let bare = timed(|| on_all_cores(&bounds, Bound::verify_signatures));
        let driven = timed(|| drive(&path, MANY, &options));
        let hashed = timed(|| {
            on_all_cores(&bounds, |bound| {
                bound.verify_signatures();
                bound.hash_events();
                bound.hash_payload();
            });
        });
        let [clock, processor] = [0, 1].map(|of| bare[of] / driven[of]);
        println!(
            "seconds by clock (by processor): bare verify_strict {:.2} ({:.2}), with hashes {:.2} ({:.2}), \
             driver {:.2} ({:.2}): {clock:.3} ({processor:.3}) of bare",
            bare[0], bare[1], hashed[0], hashed[1], driven[0], driven[1],
        );
        ratios.push([clock, processor]);
    }
    let [clock, processor] = [0, 1].map(|of| {
        ratios.sort_by(|a, b| a[of].total_cmp(&b[of]));
        ratios[ROUNDS / 2][of]
    });
    print!("{} agents and gateways, ", signers.0.len());
    println!("medians of {ROUNDS}: {clock:.3} ({processor:.3}) of bare verify_strict");
}

/// Agents, each with its gateway.
struct Signers(Vec<[SigningKey; 2]>);

impl Signers {
    fn new(count: usize) -> Self {
        let key = |role: u8, n: usize| {
            let mut seed = [role; 32];
            seed[..8].copy_from_slice(&n.to_le_bytes());
            SigningKey::from_bytes(&seed)
        };
        Self((0..count.max(1)).map(|n| [7, 9].map(|role| key(role, n))).collect())
    }

    /// A list is looked through from its beginning: a long one would be measured instead.
    fn listed(&self) -> Vec<String> {
        match &self.0[..] {
            [[_, gateway]] => vec![Did::of(&gateway.verifying_key()).to_string()],
            _ => vec!["*".to_owned()],
        }
    }

    fn make(&self, n: usize) -> (String, Bound) {
        let [agent, gateway] = &self.0[n % self.0.len()];
        make_by(agent, n, 1, 1, gateway)
    }
}

/// Seconds that work took, by the clock and by the processor.
fn timed(work: impl FnOnce()) -> [f64; 2] {
    let (start, before) = (Instant::now(), processor_seconds());
    work();
    [start.elapsed().as_secs_f64(), processor_seconds() - before]
}

/// What this process has used of all cores; Linux counts in hundredths.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    // Fields 14 and 15: in user mode, and in the kernel for it.
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() / 100.0
}

fn write(path: &Path, count: usize, signers: &Signers) -> usize {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    let mut bytes = 0;
    for n in 0..count {
        let (line, _) = signers.make(n);
        writeln!(file, "{line}").expect("a line");
        bytes += line.len() + 1;
    }
    file.flush().expect("room on the disk");
    bytes
}

/// The verdicts of all lines.
fn drive(path: &Path, count: usize, options: &Options) {
    let keys = KeyCache::new();
    let input = Input::of(&[PathBuf::from(path)]).expect("an input");
    let job = |_: &Source, bytes: &[u8]| {
        let value = json::parse(bytes, json::DEPTH_MAX).expect("JSON");
        verify_with(&Document::read_as(&value, DocumentKind::ProofBundle), options, &keys)
    };
    let summary = many::run(input, job, |source, verdict| match verdict {
        Ok(verdict) => Ok(verdict.status.name()),
        Err(why) => panic!("{source} {why}"),
    });
    let summary = summary.expect("a sink that takes all");
    assert_eq!((summary.documents, summary.outcomes.get("pass")), (count as u64, Some(&(count as u64))));
}

/// Does `work` on all of `bounds`, shared between the cores.
fn on_all_cores(bounds: &[Bound], work: impl Fn(&Bound) + Sync) {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(share) = bounds.chunks(SHARE).nth(next.fetch_add(1, Ordering::Relaxed)) {
                    share.iter().for_each(&work);
                }
            });
        }
    });
}

/// The high-water mark of this process.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
