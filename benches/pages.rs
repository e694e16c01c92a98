//! The pages of a pulse, of its bundle with 50 receipts and of their run, over loopback:
//! processor time of the server's process a page, and beside it that of bare
//! `verify_strict` of the signatures that both rest on, in turns in one run.
//!
//! `cargo bench --bench pages`; with `PULSELOG_BESIDE=FILE`, this bench of another
//! build, that one is measured in turns. With `-- hold` it serves the log until
//! its input ends: so both are held.

mod bundles;
#[path = "client.rs"]
mod client;
#[path = "fixture.rs"]
mod fixture;
#[path = "process.rs"]
mod process;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use ed25519_dalek::SigningKey;
use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::{Did, Kind, json, seal};
use pulselog::checkpoint::Origin;
use pulselog::entry::SubmitterName;
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::Server;
use pulselog::server::config::Config;
use pulselog::server::submitters::{self, TokenOptions};

use crate::bundles::make;
use crate::client::spread;
use crate::process::Process;

const RECEIPTS: usize = 50;
const TURNS: usize = 9;
/// Pages of a turn, so that ticks are small beside their time.
const PAGES: usize = 100;
/// Ticks of `/proc/PID/stat` a second, on every Linux.
const TICKS: f64 = 100.0;
/// As the events of the bundle name it.
const RUN: &str = "run_bench";
const ISSUED_AT: &str = "2026-11-22T12:00:00Z";

fn main() {
    let [operator, agent, gateway] = [5, 7, 9].map(|seed| SigningKey::from_bytes(&[seed; 32]));
    let (bundle, bound) = make(0, 1, RECEIPTS, &gateway);
    let pulse = sealed("trust_pulse", &pulse(&agent), &agent);
    if std::env::args().any(|arg| arg == "hold") {
        let roots = sealed("audit_roots", &roots(&agent, &gateway), &operator);
        return hold(&operator, [&roots, &bundle, &pulse]);
    }
    let own = Held::start(&std::env::current_exe().expect("a path"));
    let beside = std::env::var_os("PULSELOG_BESIDE").map(|binary| Held::start(binary.as_ref()));
    let client = ureq::Agent::new_with_defaults();
    let digest = |text: &str| ArtifactDigest::of(text.as_bytes());
    let run = format!("/runs/{}/{RUN}", did(&agent));
    for path in [format!("/pulses/{}", digest(&pulse)), format!("/b/{}", digest(&bundle)), run] {
        let (mut ours, mut theirs, mut bare) = (vec![], vec![], vec![]);
        for _ in 0..TURNS {
            ours.push(own.page_ms(&client, &path));
            theirs.extend(beside.as_ref().map(|beside| beside.page_ms(&client, &path)));
            let start = Instant::now();
            (0..PAGES).for_each(|_| bound.verify_signatures());
            bare.push(start.elapsed().as_secs_f64() * 1e3 / PAGES as f64);
        }
        let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
        let (ours, bare) = (spread(ours.into_iter()), spread(bare.into_iter()));
        let name = path.split('/').nth(1).unwrap_or_default();
        println!("{name:8} {ours} ms of processor a page; bare verify_strict of its signatures {bare} ms");
        if !ratios.is_empty() {
            println!("{:8} {} x the build beside, {} ms", "", spread(ratios.into_iter()), spread(theirs.into_iter()));
        }
    }
}

/// A log in a process of its own.
struct Held {
    process: Process,
    base: String,
}

impl Held {
    fn start(binary: &Path) -> Self {
        let mut hold = Command::new(binary);
        hold.arg("hold").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process(hold.spawn().expect("a bench of pages"));
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        Self { process, base: line.trim().to_owned() }
    }

    /// Milliseconds of the server's processor time a page; answers are read to
    /// their end.
    fn page_ms(&self, client: &ureq::Agent, path: &str) -> f64 {
        let before = self.processor();
        for _ in 0..PAGES {
            let mut answer = client.get(format!("{}{path}", self.base)).call().expect("a page");
            let page = answer.body_mut().read_to_string().expect("text");
            assert!(page.contains("<!doctype html>"), "{page:.300}");
        }
        (self.processor() - before) * 1e3 / PAGES as f64
    }

    /// Processor time of the process, seconds.
    fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.0.id())).expect("Linux");
        let after_name = stat.rsplit_once(") ").expect("a name").1;
        let ticks = after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks"));
        ticks.sum::<f64>() / TICKS
    }
}

/// Serves a log with these until the input ends.
fn hold(operator: &SigningKey, artifacts: [&String; 3]) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (server, token) = serve(dir.path(), operator);
    let base = format!("http://{}", server.addr());
    let client = ureq::Agent::new_with_defaults();
    for artifact in artifacts {
        let request = client.post(format!("{base}/v1/entries")).header("Authorization", format!("Bearer {token}"));
        request.content_type("application/json").send(artifact).expect("logged");
    }
    println!("{base}");
    let _ = std::io::stdin().read(&mut [0; 1]).expect("an input");
    server.shutdown().expect("a clean end");
}

fn serve(dir: &std::path::Path, operator: &SigningKey) -> (Server, String) {
    let data = dir.join("log");
    std::fs::create_dir_all(&data).expect("a directory");
    let name = KeyName::parse(fixture::ORIGIN).expect("a key name");
    let signer = SignerKey::new(name, &[7; 32]).expect("a key");
    let origin = Origin::parse(fixture::ORIGIN).expect("an origin");
    let mut config = Config::local(data.clone(), origin, signer, did(operator));
    config.free_disk_bytes_min = 0;
    let submitter = SubmitterName::parse("bench").expect("a name");
    let token = submitters::create(&data, &submitter, TokenOptions::default()).expect("a token").token;
    (Server::start(config).expect("serving"), token)
}

fn did(key: &SigningKey) -> Did {
    Did::of(&key.verifying_key())
}

fn sealed(kind: &str, payload: &str, key: &SigningKey) -> String {
    let payload = json::parse(payload.as_bytes(), json::DEPTH_MAX).expect("JSON");
    seal(Kind::parse(kind).expect("a kind"), payload, key, ISSUED_AT).expect("sealed")
}

fn roots(agent: &SigningKey, gateway: &SigningKey) -> String {
    format!(
        r#"{{"audit_roots_version":"1","nonce":"{}","origin":"{}","policy_signers":[],"cst_issuers":[],
        "cst_revokers":[],"gateways":["{}"],"reviewers":[],"recorders":[],"approvers":[],"wrappers":[],
        "observers":[],"agents":[{{"did":"{}","default_policy":"{policy}","policies":["{policy}"],"usernames":[]}}],
        "humans":[],"distrusted":[]}}"#,
        "0".repeat(32),
        fixture::ORIGIN,
        did(gateway),
        did(agent),
        policy = "A".repeat(43),
    )
}

fn pulse(agent: &SigningKey) -> String {
    format!(
        r#"{{"trust_pulse_version":"1","trust_pulse_id":"tp_bench","run_id":"{RUN}","agent_did":"{}",
        "issued_at":"2026-11-22T12:40:51Z","evidence_class":"self_reported","tier_uplift":false,
        "started_at":"2026-11-22T12:10:02Z","ended_at":"2026-11-22T12:39:14Z","duration_ms":1752000,
        "tools":[],"files":[]}}"#,
        did(agent),
    )
}
