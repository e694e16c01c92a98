//! Verified ingest of distinct gateway receipts through `:batch` over
//! loopback, load client counted in, against bare `verify_strict` of the same
//! signatures on every core, in turns in one run. The clock stops when the
//! follower has caught up: rows for searching are part of taking an entry in.
//!
//! `cargo bench --bench ingest [-- RECEIPTS [SIGNERS]]`: signers take turns; with
//! as many as receipts in all rounds every receipt has another one. The bare side
//! decompresses each key once a round.

#[path = "fixture.rs"]
mod fixture;
#[path = "receipts.rs"]
mod receipts;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ed25519_dalek::{SigningKey, VerifyingKey};
use pulselog::artifact::Did;
use pulselog::checkpoint::Origin;
use pulselog::entry::SubmitterName;
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::Server;
use pulselog::server::config::Config;
use pulselog::server::submitters::{self, TokenOptions};

use crate::receipts::{Receipt, post_lines, receipt};

const LINES: usize = 1_000;
/// Fewer leave a core waiting now and then; the queue has room for more.
const CONNECTIONS: usize = 8;
const ROUNDS: usize = 5;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    let receipts: usize = numbers.next().unwrap_or(30_000);
    let signers: usize = numbers.next().unwrap_or(1).max(1);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (server, token) = serve(dir.path());
    let url = format!("http://{}/v1/entries:batch", server.addr());
    let metrics = format!("http://{}/metrics", server.metrics_addr().expect("counters"));
    let (mut ingests, mut bares) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let made = signed(signers, round * receipts, receipts);
        let bare = bare(&made);
        let cpu = cpu_seconds();
        let ingest = ingest(&url, &metrics, &token, &made, (round + 1) * receipts);
        let cores = (cpu_seconds() - cpu) * ingest / receipts as f64;
        let ratio = ingest / bare;
        println!(
            "round {round}: ingest {ingest:8.0}/s on {cores:.2} cores   bare verify_strict {bare:8.0}/s   {ratio:.3}"
        );
        ingests.push(ingest);
        bares.push(bare);
    }
    let bytes = signed(1, 0, 1)[0].1.line.len();
    server.shutdown().expect("a clean end");
    let (ingest, bare) = (fixture::median(&mut ingests), fixture::median(&mut bares));
    println!(
        "{receipts} receipts of {bytes} bytes a round by {signers} signers, {LINES} a batch, {CONNECTIONS} connections"
    );
    let (floor, reach) = if signers < receipts { (0.68, 0.80) } else { (0.52, 0.60) };
    println!("ratio of medians {:.3} (floor {floor}, reach {reach})", ingest / bare);
}

/// Receipts from number `first` on, each beside the key of its signer.
fn signed(signers: usize, first: usize, count: usize) -> Vec<([u8; 32], Receipt)> {
    let signed = |n: usize| {
        let mut seed = [9; 32];
        seed[..8].copy_from_slice(&(n % signers).to_le_bytes());
        let key = SigningKey::from_bytes(&seed);
        (key.verifying_key().to_bytes(), receipt(&key, Did::of(&key.verifying_key()).as_str(), n))
    };
    (first..first + count).map(signed).collect()
}

/// User and system time of this process: server and load client together.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn serve(dir: &std::path::Path) -> (Server, String) {
    let data = dir.join("log");
    std::fs::create_dir_all(&data).expect("a directory");
    let name = KeyName::parse(fixture::ORIGIN).expect("a key name");
    let signer = SignerKey::new(name, &[7; 32]).expect("a key");
    let operator = Did::parse(fixture::SIGNER).expect("a DID");
    let mut config = Config::local(data.clone(), Origin::parse(fixture::ORIGIN).expect("an origin"), signer, operator);
    config.free_disk_bytes_min = 0;
    let submitter = SubmitterName::parse("bench").expect("a name");
    let token = submitters::create(&data, &submitter, TokenOptions::default()).expect("a token").token;
    (Server::start(config).expect("serving"), token)
}

fn bare(receipts: &[([u8; 32], Receipt)]) -> f64 {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for part in receipts.chunks(receipts.len().div_ceil(cores)) {
            scope.spawn(move || {
                let mut keys = HashMap::new();
                for (key, receipt) in part {
                    let read = || VerifyingKey::from_bytes(key).expect("a key");
                    let key: &VerifyingKey = keys.entry(key).or_insert_with(read);
                    key.verify_strict(receipt.signed.as_bytes(), &receipt.signature).expect("a signature");
                }
            });
        }
    });
    receipts.len() as f64 / start.elapsed().as_secs_f64()
}

/// Submits them all and waits until the follower has rows of `size` entries.
fn ingest(url: &str, metrics: &str, token: &str, receipts: &[([u8; 32], Receipt)], size: usize) -> f64 {
    let batches: Vec<_> = receipts.chunks(LINES).collect();
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            let (next, batches) = (Arc::clone(&next), &batches);
            let client = move || {
                let agent = ureq::Agent::new_with_defaults();
                while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    post_lines(&agent, url, token, batch.iter().map(|(_, receipt)| receipt.line.as_str()));
                }
            };
            // Named, so that a profile tells its time from the server's.
            std::thread::Builder::new().name("client".to_owned()).spawn_scoped(scope, client).expect("a thread");
        }
    });
    while indexed(metrics) < size {
        std::thread::sleep(Duration::from_millis(2));
    }
    receipts.len() as f64 / start.elapsed().as_secs_f64()
}

fn indexed(metrics: &str) -> usize {
    let text = ureq::get(metrics).call().expect("an answer").body_mut().read_to_string().expect("a body");
    let size = text.lines().find_map(|line| line.strip_prefix("pulselog_indexed_size "));
    size.and_then(|size| size.parse().ok()).expect("a size")
}
