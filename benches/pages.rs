//! The pages of a pulse and of its bundle with 50 receipts, over loopback,
//! against bare `verify_strict` of the signatures that both rest on, in turns
//! in one run.
//!
//! `cargo bench --bench pages`; with `-- hold` it serves the same log until its
//! input ends, and with `-- http://ADDR` it measures such another build beside
//! its own, in turns.

mod bundles;
#[path = "fixture.rs"]
mod fixture;

use std::io::Read as _;
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

use bundles::make;

const RECEIPTS: usize = 50;
const ROUNDS: usize = 201;
const ISSUED_AT: &str = "2026-11-22T12:00:00Z";

fn main() {
    let mode = std::env::args().skip(1).find(|arg| arg == "hold" || arg.starts_with("http://"));
    let [operator, agent, gateway] = [5, 7, 9].map(|seed| SigningKey::from_bytes(&[seed; 32]));
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (server, token) = serve(dir.path(), &operator);
    let base = format!("http://{}", server.addr());
    let client = ureq::Agent::new_with_defaults();
    let (bundle, bound) = make(0, 1, RECEIPTS, &gateway);
    let roots = sealed("audit_roots", &roots(&agent, &gateway), &operator);
    let pulse = sealed("trust_pulse", &pulse(&agent), &agent);
    for artifact in [&roots, &bundle, &pulse] {
        let request = client.post(format!("{base}/v1/entries")).header("Authorization", format!("Bearer {token}"));
        request.content_type("application/json").send(artifact).expect("logged");
    }
    if mode.as_deref() == Some("hold") {
        println!("{base}");
        let _ = std::io::stdin().read(&mut [0; 1]).expect("an input");
        return server.shutdown().expect("a clean end");
    }
    let digest = |text: &str| ArtifactDigest::of(text.as_bytes());
    for path in [format!("/pulses/{}", digest(&pulse)), format!("/b/{}", digest(&bundle))] {
        let (mut own, mut other, mut bare) = (vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            own.push(get(&client, &format!("{base}{path}")));
            other.extend(mode.iter().map(|other| get(&client, &format!("{other}{path}"))));
            let start = Instant::now();
            bound.verify_signatures();
            bare.push(start.elapsed().as_secs_f64() * 1e3);
        }
        let (own, bare) = (fixture::median(&mut own), fixture::median(&mut bare));
        print!("{:8} {own:7.2} ms   {:.2} x bare verify_strict", &path[..path.rfind('/').unwrap_or(0)], own / bare);
        match mode {
            Some(_) => println!("   {:.3} x the other build", own / fixture::median(&mut other)),
            None => println!(),
        }
    }
    server.shutdown().expect("a clean end");
}

/// Milliseconds of one page; the answer is read to its end.
fn get(client: &ureq::Agent, address: &str) -> f64 {
    let start = Instant::now();
    let page = client.get(address).call().expect("a page").body_mut().read_to_string().expect("text");
    assert!(page.contains("<!doctype html>"), "{page:.300}");
    start.elapsed().as_secs_f64() * 1e3
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
        r#"{{"trust_pulse_version":"1","trust_pulse_id":"tp_bench","run_id":"run_bench","agent_did":"{}",
        "issued_at":"2026-11-22T12:40:51Z","evidence_class":"self_reported","tier_uplift":false,
        "started_at":"2026-11-22T12:10:02Z","ended_at":"2026-11-22T12:39:14Z","duration_ms":1752000,
        "tools":[],"files":[]}}"#,
        did(agent),
    )
}
