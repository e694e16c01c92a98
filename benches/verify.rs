//! The protocol verdict against the cryptography it cannot do without, in
//! turns in one run, medians: a bundle with 1 event and 50 gateway receipts,
//! and one with 1,000 events and no receipts. Before them one signature: strictly,
//! with a table, and what tables cost a key that is used so often and no more.
//!
//! `cargo bench --bench verify --no-default-features`

mod bundles;

use std::hint::black_box;
use std::time::Instant;

use ed25519_dalek::{Signer, SigningKey};
use pulselog::artifact::json::{self, Value};
use pulselog::artifact::{Did, KeyCache};
use pulselog::protocol::{Document, DocumentKind, Options, Status, verify_with};
use pulselog::signature::{StrictKey, TabledBase, TabledKey};

use bundles::{Bound, NOW_MS, make};

const ROUNDS: usize = 301;
/// Turns of uses, each of some milliseconds.
const USE_ROUNDS: usize = 61;
/// Keys that are used in turns, as many as may have a table.
const KEYS: usize = 256;

fn main() {
    one_signature();
    for uses in [1, 16, 159, 160, 161, 200, 256, 640, 1_024, 4_096] {
        used(uses);
    }
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
    let (mut cold, mut plain) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let signatures = timed(|| bound.verify_signatures());
        let events = timed(|| bound.hash_events());
        let payload = timed(|| bound.hash_payload());
        bare.push(signatures);
        hashed.push(signatures + events);
        hashed_all.push(signatures + events + payload);
        verified.push(timed(|| verdict(&value, options, &keys)));
        cold.push(timed(|| verdict(&value, options, &KeyCache::new())));
        plain.push(timed(|| verdict(&value, options, &KeyCache::new().for_strangers())));
    }
    for _ in 0..ROUNDS {
        parsed.push(timed(|| {
            let value = json::parse(bundle.as_bytes(), json::DEPTH_MAX).expect("JSON");
            verdict(&value, options, &keys);
        }));
    }
    let [bare, hashed, hashed_all, verified, parsed] = [bare, hashed, hashed_all, verified, parsed].map(median);
    let [cold, plain] = [cold, plain].map(median);
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
    println!("  with keys that were never seen           {cold:8.1}   {:.3} x bare", cold / bare);
    println!("  and none kept                            {plain:8.1}   {:.3} x bare", plain / bare);
    println!(
        "  parse and verdict                        {parsed:8.1}   {:.3} x bare, {:.3} x events, {:.3} x payload too",
        parsed / bare,
        parsed / hashed,
        parsed / hashed_all
    );
}

/// One signature, in turns: of one key, and of many whose tables no cache of
/// the processor holds.
fn one_signature() {
    let base = TabledBase::new();
    let signed: Vec<_> = (0..KEYS)
        .map(|n| {
            let key = SigningKey::from_bytes(&[n as u8; 32]);
            let strict = StrictKey::new(key.verifying_key()).expect("a key");
            (key.verifying_key(), strict, TabledKey::new(strict), key.sign(&MESSAGE))
        })
        .collect();
    println!("one signature over {} bytes; medians of {ROUNDS} in microseconds", MESSAGE.len());
    for keys in [1, KEYS] {
        let mut rows: [Vec<f64>; 5] = Default::default();
        for round in 0..ROUNDS {
            // A stride that meets every key, far from the one before.
            let turn = |at: usize| &signed[(round + at) * 101 % keys];
            rows[0].push(each(|at| turn(at).0.verify_strict(&MESSAGE, &turn(at).3).is_ok()));
            rows[1].push(each(|at| turn(at).1.verifies(&MESSAGE, &turn(at).3)));
            rows[2].push(each(|at| turn(at).2.verifies(&MESSAGE, &turn(at).3, None)));
            rows[3].push(each(|at| turn(at).2.verifies(&MESSAGE, &turn(at).3, Some(&base))));
            rows[4].push(timed(|| TabledKey::new(turn(0).1)));
        }
        for (of, [bare, strict, half, tabled, table]) in
            [("least", rows.each_ref().map(|row| least(row))), ("median", rows.clone().map(median))]
        {
            println!(
                "  {keys:3} keys, {of}: verify_strict {bare:.1}; R not decompressed {strict:.1}, {:.3} x; \
                 key tabled {half:.1}, {:.3} x; base tabled too {tabled:.1}, {:.3} x; table made {table:.1}, {:.2} x",
                strict / bare,
                half / bare,
                tabled / bare,
                table / bare
            );
        }
    }
}

const MESSAGE: [u8; 43] = [b'x'; 43];
/// Signatures that are timed together.
const TOGETHER: usize = 24;

fn each(check: impl Fn(usize) -> bool) -> f64 {
    timed(|| (0..TOGETHER).for_each(|at| assert!(check(at)))) / TOGETHER as f64
}

/// A key that is read and used so often by a cache that makes tables, against
/// one that makes none, in turns.
fn used(uses: usize) {
    let key = SigningKey::from_bytes(&[9; 32]);
    let (did, signature) = (Did::of(&key.verifying_key()), key.sign(&MESSAGE));
    let run = |keys: KeyCache| {
        timed(|| {
            let (_, key) = keys.get(did.as_str()).expect("a key");
            (0..uses).for_each(|_| assert!(keys.verifies(&key, &MESSAGE, &signature)));
        })
    };
    let (mut tabled, mut plain) = (vec![], vec![]);
    for _ in 0..USE_ROUNDS {
        tabled.push(run(KeyCache::new()));
        plain.push(run(KeyCache::new().for_strangers()));
    }
    let best = least(&tabled) / least(&plain);
    let [tabled, plain] = [tabled, plain].map(median);
    println!("  a new key used {uses:5} times: {:.3} x without tables ({best:.3} of the least)", tabled / plain);
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64() * 1e6
}

fn least(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn verdict(value: &Value, options: &Options, keys: &KeyCache) {
    let verdict = verify_with(&Document::read_as(value, DocumentKind::ProofBundle), options, keys);
    assert_eq!(verdict.status, Status::Pass, "{verdict:?}");
}
