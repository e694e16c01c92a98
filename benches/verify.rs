//! The protocol verdict against the cryptography it cannot do without, in
//! turns in one run, medians: a bundle with 1 event and 50 gateway receipts,
//! and one with 1,000 events and no receipts.
//!
//! `cargo bench --bench verify --no-default-features`

mod bundles;

use std::hint::black_box;
use std::time::Instant;

use ed25519_dalek::SigningKey;
use pulselog::artifact::json::{self, Value};
use pulselog::artifact::{Did, KeyCache};
use pulselog::protocol::{Document, DocumentKind, Options, Status, verify_with};

use bundles::{Bound, NOW_MS, make};

const ROUNDS: usize = 301;

fn main() {
    let gateway = SigningKey::from_bytes(&[9; 32]);
    let mut options = Options::at(NOW_MS);
    options.gateway_signers = Some(vec![Did::of(&gateway.verifying_key()).to_string()]);
    for (name, events, receipts) in [("1 event, 50 receipts", 1, 50), ("1,000 events", 1_000, 0)] {
        let (bundle, bound) = make(0, events, receipts, &gateway);
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
        let payload = timed(|| bound.hash_payload());
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
    let verdict = verify_with(&Document::read_as(value, DocumentKind::ProofBundle), options, keys);
    assert_eq!(verdict.status, Status::Pass, "{verdict:?}");
}
