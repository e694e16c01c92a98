//! The protocol verdict against the cryptography it cannot do without, in
//! turns in one run, medians: a bundle with 1 event and 50 gateway receipts,
//! and one with 1,000 events and no receipts.
//!
//! `cargo bench --bench verify --no-default-features`

use std::hint::black_box;
use std::time::Instant;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use pulselog::artifact::json::{self, Value};
use pulselog::artifact::{Did, KeyCache};
use pulselog::protocol::{DocumentKind, Options, Status, verify_with};
use sha2::{Digest, Sha256};

const ROUNDS: usize = 301;
const NOW_MS: i64 = 1_795_435_200_000;
const TIME: &str = "2026-11-22T12:00:00.000Z";

/// What must be verified and hashed whoever does it.
struct Bound {
    signatures: Vec<(VerifyingKey, String, Signature)>,
    events: Vec<String>,
    payload: String,
}

fn main() {
    let gateway = SigningKey::from_bytes(&[9; 32]);
    let mut options = Options::at(NOW_MS);
    options.gateway_signers = Some(vec![Did::of(&gateway.verifying_key()).to_string()]);
    for (name, events, receipts) in [("1 event, 50 receipts", 1, 50), ("1,000 events", 1_000, 0)] {
        let (bundle, bound) = make(events, receipts, &gateway);
        measure(name, &bundle, &bound, &options);
    }
}

fn measure(name: &str, bundle: &str, bound: &Bound, options: &Options) {
    let value = json::parse(bundle.as_bytes(), json::DEPTH_MAX).expect("JSON");
    let (mut bare, mut hashed, mut hashed_all, mut verified, mut parsed) = (vec![], vec![], vec![], vec![], vec![]);
    let keys = KeyCache::new();
    for _ in 0..ROUNDS {
        let signatures = timed(|| bound.verify_signatures());
        let events = timed(|| bound.hash_events());
        let payload = timed(|| black_box(Sha256::digest(&bound.payload)));
        bare.push(signatures);
        hashed.push(signatures + events);
        hashed_all.push(signatures + events + payload);
        verified.push(timed(|| verdict(&value, options, &keys)));
    }
    for _ in 0..ROUNDS {
        parsed.push(timed(|| {
            let value = json::parse(bundle.as_bytes(), json::DEPTH_MAX).expect("JSON");
            verdict(&value, options, &keys);
        }));
    }
    let [bare, hashed, hashed_all, verified, parsed] = [bare, hashed, hashed_all, verified, parsed].map(median);
    println!("{name}: {} bytes; medians of {ROUNDS} in microseconds", bundle.len());
    println!("  bare verify_strict                       {bare:8.1}");
    println!("  and SHA-256 of the event headers         {hashed:8.1}");
    println!("  and SHA-256 of the payload               {hashed_all:8.1}");
    println!(
        "  protocol verdict                         {verified:8.1}   {:.3} x bare, {:.3} x events, {:.3} x payload too",
        verified / bare,
        verified / hashed,
        verified / hashed_all
    );
    println!(
        "  parse and verdict                        {parsed:8.1}   {:.3} x bare, {:.3} x events, {:.3} x payload too",
        parsed / bare,
        parsed / hashed,
        parsed / hashed_all
    );
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64() * 1e6
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn verdict(value: &Value, options: &Options, keys: &KeyCache) {
    let verdict = verify_with(value, DocumentKind::ProofBundle, options, keys);
    assert_eq!(verdict.status, Status::Pass, "{verdict:?}");
}

impl Bound {
    fn verify_signatures(&self) {
        for (key, message, signature) in &self.signatures {
            key.verify_strict(message.as_bytes(), signature).expect("a signature");
        }
    }

    fn hash_events(&self) {
        self.events.iter().for_each(|event| {
            black_box(Sha256::digest(event));
        });
    }
}

fn hash(text: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(text))
}

/// An envelope of `kind` around `payload`, and what its signature covers.
fn seal(kind: &str, payload: &str, key: &SigningKey) -> (String, (VerifyingKey, String, Signature)) {
    let signed = hash(payload);
    let signature = key.sign(signed.as_bytes());
    let envelope = format!(
        concat!(
            r#"{{"envelope_version":"1","envelope_type":"{}","payload":{},"payload_hash_b64u":"{}","#,
            r#""hash_algorithm":"SHA-256","signature_b64u":"{}","algorithm":"Ed25519","signer_did":"{}","issued_at":"{}"}}"#
        ),
        kind,
        payload,
        signed,
        Base64UrlUnpadded::encode_string(&signature.to_bytes()),
        Did::of(&key.verifying_key()),
        TIME,
    );
    (envelope, (key.verifying_key(), signed, signature))
}

fn make(events: usize, receipts: usize, gateway: &SigningKey) -> (String, Bound) {
    let agent = SigningKey::from_bytes(&[7; 32]);
    let (chain, headers, first) = chain(events);
    let (sealed, mut signatures): (Vec<_>, Vec<_>) =
        (0..receipts).map(|n| seal("gateway_receipt", &receipt(n, &first), gateway)).unzip();
    let list = if sealed.is_empty() { String::new() } else { format!(r#","receipts":[{}]"#, sealed.join(",")) };
    let payload = format!(
        r#"{{"bundle_version":"1","bundle_id":"pb_bench","agent_did":"{}","event_chain":[{}]{list}}}"#,
        Did::of(&agent.verifying_key()),
        chain.join(","),
    );
    let (bundle, signature) = seal("proof_bundle", &payload, &agent);
    signatures.push(signature);
    (bundle, Bound { signatures, events: headers, payload })
}

/// Events, their hashed headers, and the hash of the first.
fn chain(events: usize) -> (Vec<String>, Vec<String>, String) {
    let (mut chain, mut headers, mut hashes) = (Vec::new(), Vec::new(), Vec::<String>::new());
    for n in 0..events {
        let previous = hashes.last().map_or("null".to_owned(), |hash| format!("\"{hash}\""));
        let members = format!(
            concat!(
                r#""event_id":"evt_{}","run_id":"run_bench","event_type":"llm_call","timestamp":"{}","#,
                r#""payload_hash_b64u":"{}","prev_hash_b64u":{}"#
            ),
            n,
            TIME,
            hash(&format!("payload {n}")),
            previous,
        );
        let header = format!("{{{members}}}");
        hashes.push(hash(&header));
        chain.push(format!(r#"{{{members},"event_hash_b64u":"{}"}}"#, hashes[n]));
        headers.push(header);
    }
    (chain, headers, hashes.swap_remove(0))
}

/// Like what a gateway emits, about a thousand bytes with its envelope.
fn receipt(n: usize, event: &str) -> String {
    let hash = |label: &str| hash(&format!("{label} {n}"));
    format!(
        concat!(
            r#"{{"receipt_version":"1","receipt_id":"rcpt_{}","gateway_id":"gw_bench","provider":"openrouter","#,
            r#""model":"bench/model-large","request_hash_b64u":"{}","response_hash_b64u":"{}","tokens_input":{},"#,
            r#""tokens_output":{},"latency_ms":{},"timestamp":"{}","binding":{{"run_id":"run_bench","#,
            r#""event_hash_b64u":"{}","nonce":"{}","policy_hash":"{}","token_scope_hash_b64u":"{}"}}}}"#
        ),
        hash("id"),
        hash("request"),
        hash("response"),
        n % 4_000,
        n % 1_000,
        n % 3_000,
        TIME,
        event,
        hash("nonce"),
        hash("policy"),
        hash("scope"),
    )
}
