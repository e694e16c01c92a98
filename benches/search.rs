//! Searching a million entries over loopback: a committed mix of what people
//! type, each text another one every time where it can be, against `/search`
//! and `/v1/lookup`; and the slowest text of the mix by itself.
//!
//! `cargo bench --bench search [-- ENTRIES [DIR]]`; the log is that of the bench
//! `audit`, in jobs of 24, and may be the same DIR, which is kept. `job-1` begins
//! the ids of more than a tenth of all jobs, and `job-` those of every one.

#[path = "fixture.rs"]
mod fixture;
#[path = "jobs.rs"]
mod jobs;
#[path = "signed.rs"]
mod signed;

use std::path::{Path, PathBuf};
use std::time::Instant;

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::checkpoint::Origin;
use pulselog::merkle::LeafIndex;
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::Server;
use pulselog::server::config::Config;

use crate::jobs::{BEFORE, JOB, job_id};
use crate::signed::{did, hex};

/// Searches of each text of the mix.
const TURNS: u64 = 60;
/// Both addresses that answer.
const PATHS: [&str; 2] = ["/search", "/v1/lookup"];

/// A text of the mix: its name, and the n-th of its sort in a log with so many
/// jobs.
type Text = (&'static str, fn(&Known, u64) -> String);

const MIX: &[Text] = &[
    ("whole job", |known, n| job_id(known.job(n))),
    ("whole run", |known, n| format!("{}.run", job_id(known.job(n)))),
    ("token hash", |known, n| hex(&format!("{} token", job_id(known.job(n))))),
    ("digest", |known, n| known.digests[known.at(n)].clone()),
    ("digest, upper case", |known, n| known.digests[known.at(n)].to_uppercase()),
    ("digest, 8…8", |known, n| format!("{}…{}", &known.digests[known.at(n)][..8], &known.digests[known.at(n)][56..])),
    ("seven hex digits", |known, n| known.digests[known.at(n)][..7].to_owned()),
    ("token, 12 digits", |known, n| hex(&format!("{} token", job_id(known.job(n))))[..12].to_owned()),
    ("an index", |known, n| (BEFORE + known.job(n) * JOB).to_string()),
    ("DID of the one agent", |_, _| did("agent").to_string()),
    ("DID, beginning of all", |_, _| "did:key:z6Mk".to_owned()),
    ("beginning of every job", |_, _| "job-".to_owned()),
    ("beginning of a tenth", |_, _| "job-1".to_owned()),
    ("beginning of some", |known, n| job_id(known.job(n))[..6].to_owned()),
    ("three letters", |_, _| "job".to_owned()),
    ("application of all", |_, _| "argocd-prod/argocd/payments-api".to_owned()),
    ("submitter of all", |_, _| "bench".to_owned()),
    ("a code", |_, _| "TOKEN_REVOKED".to_owned()),
    ("nothing", |_, n| format!("nobody-{n}")),
    ("one letter", |_, _| "j".to_owned()),
    ("a pattern", |_, _| "^job-[0-9]+$".to_owned()),
    ("512 bytes", |_, _| "x".repeat(512)),
];

/// What is asked for.
struct Known {
    jobs: u64,
    digests: Vec<String>,
}

impl Known {
    fn job(&self, n: u64) -> u64 {
        random(n) % self.jobs
    }

    fn at(&self, n: u64) -> usize {
        (random(n) % self.digests.len() as u64) as usize
    }
}

fn random(n: u64) -> u64 {
    let hash = ArtifactDigest::of(format!("search {n}").as_bytes());
    u64::from_be_bytes(hash.as_bytes()[..8].try_into().expect("eight bytes"))
}

fn main() {
    let numbers: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let entries: u64 = numbers.first().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let dir = numbers.get(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let data = dir.join("large");
    std::fs::create_dir_all(&data).expect("a directory");
    let known = filled(&data, entries);
    let server = serve(&data);
    let base = format!("http://{}", server.addr());
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
    let client: ureq::Agent = config.into();
    // Until its rows are there: after another version they are made again.
    while !is_whole(&ask(&client, &format!("{base}/v1/lookup?q=job-1"))) {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    for path in PATHS {
        let mut all = Vec::new();
        let mut slowest = ("", 0.0_f64);
        for (name, text) in MIX {
            let mut samples: Vec<f64> = (0..TURNS)
                .map(|n| {
                    let query = escaped(&text(&known, n));
                    let start = Instant::now();
                    ask(&client, &format!("{base}{path}?q={query}"));
                    start.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            let median = fixture::median(&mut samples);
            println!("{path:11} {name:24} median {median:7.2} ms, most {:7.2} ms", samples[samples.len() - 1]);
            if median > slowest.1 {
                slowest = (*name, median);
            }
            all.extend(samples);
        }
        let median = fixture::median(&mut all);
        let p95 = all[all.len() * 95 / 100];
        println!(
            "{path:11} of {} entries: median {median:.2} ms, p95 {p95:.2} ms (promised <= 50), slowest {} {:.2} ms",
            entries, slowest.0, slowest.1
        );
    }
    server.shutdown().expect("a clean end");
}

/// Fills the log and picks what to ask for.
fn filled(data: &Path, entries: u64) -> Known {
    let (log, running) = fixture::open_of(data, did("operator"));
    jobs::fill(&log, entries);
    let jobs = (entries - BEFORE) / JOB;
    let digests = (0..1_000).map(|n| {
        let at = LeafIndex::new(random(n) % entries);
        log.view().entry(at).expect("an entry").entry.digest.to_string()
    });
    let known = Known { jobs, digests: digests.collect() };
    drop(log);
    running.join().expect("a clean end");
    known
}

fn serve(data: &Path) -> Server {
    let name = KeyName::parse(fixture::ORIGIN).expect("a key name");
    let signer = SignerKey::new(name, &[7; 32]).expect("a key");
    let origin = Origin::parse(fixture::ORIGIN).expect("an origin");
    let mut config = Config::local(data.to_owned(), origin, signer, did("operator"));
    config.free_disk_bytes_min = 0;
    config.crowd.scrub_bytes_per_second = 0;
    Server::start(config).expect("serving")
}

/// Whether the rows reach all of the log.
fn is_whole(answer: &str) -> bool {
    let number = |name: &str| answer.split_once(name)?.1.split([',', '}']).next()?.parse::<u64>().ok();
    let (size, indexed) = (number("\"tree_size\":"), number("\"indexed_size\":"));
    size.is_some() && size == indexed
}

fn escaped(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02x}")).collect()
}

fn ask(client: &ureq::Agent, address: &str) -> String {
    let mut answer = client.get(address).call().expect("an answer");
    assert!(answer.status().as_u16() < 500 || answer.status() == 503, "{address}: {}", answer.status());
    answer.body_mut().read_to_string().expect("text")
}
