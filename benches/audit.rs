//! Reports at a million entries: the audit of one job, following one more
//! entry, and whether the follower keeps up with commits.
//!
//! `cargo bench --bench audit [-- ENTRIES [DIR]]`; every entry is a signed
//! statement of a holder of its role, in jobs of 24. A million need 2 GB and
//! some minutes, most of them to sign. A DIR is kept and used again.

#[path = "fixture.rs"]
mod fixture;
#[path = "jobs.rs"]
mod jobs;
#[path = "signed.rs"]
mod signed;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use pulselog::artifact::KeyCache;
use pulselog::artifact::digest::ArtifactDigest;
use pulselog::audit::{Scope, Verdict};
use pulselog::merkle::TreeSize;
use pulselog::server::desk::Desks;
use pulselog::server::index::Index;
use pulselog::server::judge::Audits;
use pulselog::server::log::Log;
use pulselog::server::log::sequencer::Running;
use pulselog::server::store::layout::cf;

use crate::jobs::{BEFORE, JOB, JOBS_A_ROUND, job_id, made, size};
use crate::signed::did;

const SMALL: u64 = 1_000;
/// Rounds that are committed back to back.
const ROUNDS: u64 = 20;
/// Entries that are followed one by one, in each of so many turns.
const SINGLES: u64 = 240;
const TURNS: u64 = 5;
const REPORTS: u64 = 500;
/// A log, its follower and its audits.
struct Bench {
    log: Log,
    running: Running,
    index: Index,
    desks: Desks,
    audits: Audits,
}

fn main() {
    let numbers: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let entries: u64 = numbers.first().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let dir = numbers.get(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&dir).expect("a directory");
    let (small, large) = (open(&dir.join("small")), open(&dir.join("large")));
    for (bench, until) in [(&small, SMALL), (&large, entries)] {
        jobs::fill(&bench.log, until);
        wait(&bench.index, bench.log.published().head.size);
    }
    println!("                        {SMALL:>12} {entries:>12}   ratio");
    // In turns, so that whatever else the machine does meets both.
    let rounds: Vec<_> = (0..TURNS).map(|_| [&small, &large].map(follow_one)).collect();
    let follow = [0, 1].map(|of| fixture::median(&mut rounds.iter().map(|round| round[of]).collect::<Vec<_>>()));
    row("follow one entry, us", follow[0], follow[1]);
    let (few, many) = (reports(&small, SMALL), reports(&large, entries));
    row("report of a job, ms", few.0, many.0);
    row("… 95th percentile", few.1, many.1);
    close(small);
    keep_up(&large);
    rebuild(large, &dir.join("large"));
}

fn row(name: &str, small: f64, large: f64) {
    println!("{name:24}{small:12.3} {large:12.3}   {:.3}", large / small);
}

fn open(data: &Path) -> Bench {
    let (log, running) = fixture::open_of(data, did("operator"));
    let index = Index::start(&log, did("operator"), fixture::ORIGIN.to_owned());
    let desks = Desks::new(log.clone(), Arc::new(KeyCache::new()));
    let audits = Audits::new(index.clone(), did("operator"), fixture::ORIGIN.to_owned());
    Bench { log, running, index, desks, audits }
}

fn close(bench: Bench) {
    let Bench { log, running, index, desks, audits } = bench;
    let ending = index.ending();
    drop((log, index, desks, audits));
    running.join().expect("a clean end");
    let _ = ending.wait(std::time::Duration::from_secs(60));
}

fn wait(index: &Index, size: TreeSize) {
    while !index.wait(size) {}
}

/// Commits ready entries back to back, without signatures to verify, and says
/// when the follower had their rows: the most that commits can ask of it.
fn keep_up(bench: &Bench) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let first = size(&bench.log) + 20_000_000;
    let rounds: Vec<_> = (0..ROUNDS).map(|n| made(first + n * JOBS_A_ROUND..first + (n + 1) * JOBS_A_ROUND)).collect();
    let entries = (ROUNDS * JOBS_A_ROUND * JOB) as f64;
    let start = Instant::now();
    for items in rounds {
        runtime.block_on(bench.log.submit(items)).expect("logged");
    }
    let committed = start.elapsed().as_secs_f64();
    wait(&bench.index, bench.log.published().head.size);
    let followed = start.elapsed().as_secs_f64();
    println!("commits, back to back   {:12.0} entries/s without signatures", entries / committed);
    println!("follower over the same  {:12.0} entries/s", entries / followed);
}

/// Processor time that the follower takes for one more entry, waking included,
/// microseconds: entries are committed one by one.
fn follow_one(bench: &Bench) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let first = size(&bench.log) + 10_000_000;
    let items = made(first..first + SINGLES / JOB);
    wait(&bench.index, bench.log.published().head.size);
    let before = follower_ns();
    for item in items {
        runtime.block_on(bench.log.submit(vec![item])).expect("logged");
        wait(&bench.index, bench.log.published().head.size);
    }
    (follower_ns() - before) / SINGLES as f64 / 1e3
}

/// Time on a processor of every follower in this process, nanoseconds. Those
/// of other logs stand still.
fn follower_ns() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let times = threads.filter_map(|thread| {
        let name = std::fs::read_to_string(thread.path().join("comm")).ok()?;
        let times = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let ns = times.split_whitespace().next()?.parse::<f64>().ok()?;
        (name.trim() == "pulselog-index").then_some(ns)
    });
    times.sum()
}

/// Reports of jobs all over the first `filled` entries, at the log's present
/// size: milliseconds, median and 95th percentile. Every one passes.
fn reports(bench: &Bench, filled: u64) -> (f64, f64) {
    let size = size(&bench.log);
    wait(&bench.index, TreeSize::new(size));
    let jobs = (filled - BEFORE) / JOB;
    let mut samples = Vec::new();
    for n in 0..REPORTS {
        let random = ArtifactDigest::of(format!("report {n}").as_bytes());
        let random = u64::from_be_bytes(random.as_bytes()[..8].try_into().expect("eight bytes"));
        let scope = Scope::Job(job_id(random % jobs));
        let start = Instant::now();
        // A desk for each, as a request has it.
        let sitting = bench.audits.sit(bench.desks.open());
        let report = sitting.report(&scope, TreeSize::new(size)).expect("a report");
        samples.push(start.elapsed().as_secs_f64() * 1e3);
        assert_eq!(report.report.verdict, Verdict::Pass, "{:#?}", report.report.findings);
        assert_eq!(report.entries.len() as u64, BEFORE + JOB);
    }
    let median = fixture::median(&mut samples);
    (median, samples[samples.len() * 95 / 100])
}

/// Drops every row and makes them again from the store.
fn rebuild(bench: Bench, data: &Path) {
    let family = bench.log.store().database().cf_handle(cf::SEARCH).expect("a family");
    bench.log.store().database().delete_range_cf(family, &[0][..], &[0xff][..]).expect("deleted");
    close(bench);
    let bench = open(data);
    let start = Instant::now();
    wait(&bench.index, bench.log.published().head.size);
    let rate = size(&bench.log) as f64 / start.elapsed().as_secs_f64();
    println!("rows made again         {rate:12.0} entries/s from the store");
    bench.log.store().compact();
    let database = bench.log.store().database();
    let family = database.cf_handle(cf::SEARCH).expect("a family");
    let live = database.property_int_value_cf(family, "rocksdb.total-sst-files-size").expect("a number");
    println!(
        "rows on disk            {:12.1} bytes an entry, compacted",
        live.unwrap_or(0) as f64 / size(&bench.log) as f64
    );
    close(bench);
}
