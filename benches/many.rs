//! 100,000 bundles of 1 event and 1 gateway receipt, one a line of a file,
//! through the driver of `verify` with the protocol verdict, against bare
//! `verify_strict` of their 200,000 signatures on the same cores; in turns in
//! one run. And what memory it took, at 10,000 and at 100,000.
//!
//! `cargo bench --bench many --no-default-features`

mod bundles;
#[path = "../src/cli/documents.rs"]
mod documents;
// Its tests are run with the binary's, and only compiled here.
#[cfg_attr(test, allow(dead_code, unused_imports))]
#[path = "../src/cli/many.rs"]
mod many;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ed25519_dalek::SigningKey;
use pulselog::artifact::json;
use pulselog::artifact::{Did, KeyCache};
use pulselog::protocol::{DocumentKind, Options, verify_with};

use bundles::{Bound, NOW_MS, make};
use documents::{Input, Source};

const FEW: usize = 10_000;
const MANY: usize = 100_000;
const ROUNDS: usize = 5;
/// Bundles that a core takes at a time for the bound.
const SHARE: usize = 256;

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let gateway = SigningKey::from_bytes(&[9; 32]);
    let mut options = Options::at(NOW_MS);
    options.gateway_signers = Some(vec![Did::of(&gateway.verifying_key()).to_string()]);
    // Memory first: the high-water mark also counts what the bound keeps.
    let path = dir.path().join("many.ndjson");
    for count in [FEW, MANY] {
        let bytes = write(&path, count, &gateway);
        drive(&path, count, &options);
        println!("{count} bundles, {} MB: peak resident {} KiB", bytes / 1_000_000, peak_kib());
    }
    let bounds: Vec<Bound> = (0..MANY).map(|n| make(n, 1, 1, &gateway).1).collect();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let bare = on_all_cores(&bounds, Bound::verify_signatures);
        let driven = drive(&path, MANY, &options);
        let hashed = on_all_cores(&bounds, |bound| {
            bound.verify_signatures();
            bound.hash_events();
            bound.hash_payload();
        });
        println!(
            "bare verify_strict {bare:.2} s, with hashes {hashed:.2} s, driver {driven:.2} s: {:.3}",
            bare / driven
        );
        ratios.push(bare / driven);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median of {ROUNDS}: {:.3} of bare verify_strict", ratios[ROUNDS / 2]);
}

fn write(path: &Path, count: usize, gateway: &SigningKey) -> usize {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    let mut bytes = 0;
    for n in 0..count {
        let (line, _) = make(n, 1, 1, gateway);
        writeln!(file, "{line}").expect("a line");
        bytes += line.len() + 1;
    }
    file.flush().expect("room on the disk");
    bytes
}

/// Seconds for the verdicts of all lines.
fn drive(path: &Path, count: usize, options: &Options) -> f64 {
    let keys = KeyCache::new();
    let start = Instant::now();
    let input = Input::of(&[PathBuf::from(path)]).expect("an input");
    let job = |_: &Source, bytes: &[u8]| {
        let value = json::parse(bytes, json::DEPTH_MAX).expect("JSON");
        verify_with(&value, DocumentKind::ProofBundle, options, &keys)
    };
    let summary = many::run(input, job, |source, verdict| match verdict {
        Ok(verdict) => Ok(verdict.status.name()),
        Err(why) => panic!("{source} {why}"),
    });
    let summary = summary.expect("a sink that takes all");
    assert_eq!((summary.documents, summary.outcomes.get("pass")), (count as u64, Some(&(count as u64))));
    start.elapsed().as_secs_f64()
}

/// Seconds for `work` on all of `bounds`, shared between the cores.
fn on_all_cores(bounds: &[Bound], work: impl Fn(&Bound) + Sync) -> f64 {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(share) = bounds.chunks(SHARE).nth(next.fetch_add(1, Ordering::Relaxed)) {
                    share.iter().for_each(&work);
                }
            });
        }
    });
    start.elapsed().as_secs_f64()
}

/// The high-water mark of this process.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
