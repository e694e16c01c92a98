//! Verified ingest of distinct gateway receipts through `:batch` over
//! loopback, load client counted in, against bare `verify_strict` of the same
//! signatures on every core, in turns in one run.
//!
//! `cargo bench --bench ingest [-- RECEIPTS]`

#[path = "fixture.rs"]
mod fixture;
#[path = "receipts.rs"]
mod receipts;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ed25519_dalek::SigningKey;
use pulselog::artifact::Did;
use pulselog::checkpoint::Origin;
use pulselog::entry::SubmitterName;
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::Server;
use pulselog::server::config::Config;
use pulselog::server::submitters::{self, TokenOptions};

use crate::receipts::{Receipt, make, post};

const LINES: usize = 1_000;
const CONNECTIONS: usize = 8;
const ROUNDS: usize = 5;

fn main() {
    let receipts: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(30_000);
    let key = SigningKey::from_bytes(&[9; 32]);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (server, token) = serve(dir.path());
    let url = format!("http://{}/v1/entries:batch", server.addr());
    let (mut ingests, mut bares) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let made = make(&key, round * receipts, receipts);
        let bare = bare(&key, &made);
        let cpu = cpu_seconds();
        let ingest = ingest(&url, &token, &made);
        let cores = (cpu_seconds() - cpu) * ingest / receipts as f64;
        let ratio = ingest / bare;
        println!(
            "round {round}: ingest {ingest:8.0}/s on {cores:.2} cores   bare verify_strict {bare:8.0}/s   {ratio:.3}"
        );
        ingests.push(ingest);
        bares.push(bare);
    }
    let bytes = make(&key, 0, 1)[0].line.len();
    server.shutdown().expect("a clean end");
    let (ingest, bare) = (fixture::median(&mut ingests), fixture::median(&mut bares));
    println!("{receipts} receipts of {bytes} bytes a round, {LINES} a batch, {CONNECTIONS} connections");
    println!("ratio of medians {:.3} (promised >= 0.60)", ingest / bare);
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

fn bare(key: &SigningKey, receipts: &[Receipt]) -> f64 {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let verifier = key.verifying_key();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for part in receipts.chunks(receipts.len().div_ceil(cores)) {
            scope.spawn(move || {
                for receipt in part {
                    verifier.verify_strict(receipt.signed.as_bytes(), &receipt.signature).expect("a signature");
                }
            });
        }
    });
    receipts.len() as f64 / start.elapsed().as_secs_f64()
}

fn ingest(url: &str, token: &str, receipts: &[Receipt]) -> f64 {
    let batches: Vec<&[Receipt]> = receipts.chunks(LINES).collect();
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            let (next, batches) = (Arc::clone(&next), &batches);
            scope.spawn(move || {
                let agent = ureq::Agent::new_with_defaults();
                while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    post(&agent, url, token, batch);
                }
            });
        }
    });
    receipts.len() as f64 / start.elapsed().as_secs_f64()
}
