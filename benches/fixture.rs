//! Entries as the log holds them after admission, and small statistics. No
//! signatures are made here: the benches that use this measure what comes
//! after admission.

#![allow(dead_code, reason = "each bench uses its part of this")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use pulselog::artifact::digest::{ArtifactDigest, PayloadHash};
use pulselog::artifact::{Did, Keys, Kind};
use pulselog::checkpoint::Origin;
use pulselog::entry::{PendingEntry, SubmitterName};
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::faults::NoFaults;
use pulselog::server::log::clock::SystemClock;
use pulselog::server::log::{Held, Item, Log, Opening, default_guard_path, sequencer::Running};
use pulselog::server::store::Budget;
use sha2::{Digest, Sha256};

pub const ORIGIN: &str = "bench.example.com/log";
pub const SIGNER: &str = "did:key:z6MkneMkZqwqRiU5mJzSG3kDwzt9P8C59N4NGTfBLfSGE7c7";

/// The n-th body: an envelope of a gateway receipt whose hashes and signature
/// are as incompressible as real ones.
pub fn body(n: u64) -> String {
    let random = |label: &str, bytes: usize| {
        let mut out = Vec::new();
        for block in 0..bytes.div_ceil(32) as u64 {
            out.extend_from_slice(&Sha256::digest(format!("{label} {n} {block}")));
        }
        out.truncate(bytes);
        Base64UrlUnpadded::encode_string(&out)
    };
    format!(
        concat!(
            r#"{{"envelope_version":"1","envelope_type":"gateway_receipt","payload":{{"receipt_version":"1","#,
            r#""receipt_id":"rcpt_{}","gateway_id":"gw_bench","provider":"anthropic","model":"bench-model","#,
            r#""request_hash_b64u":"{}","response_hash_b64u":"{}","tokens_input":{},"tokens_output":{},"#,
            r#""latency_ms":{},"timestamp":"2026-11-22T12:00:00.000Z","binding":{{"run_id":"run_{}"}}}},"#,
            r#""payload_hash_b64u":"{}","hash_algorithm":"SHA-256","signature_b64u":"{}","algorithm":"Ed25519","#,
            r#""signer_did":"{}","issued_at":"2026-11-22T12:00:00.000Z"}}"#
        ),
        random("id", 16),
        random("request", 32),
        random("response", 32),
        n % 4_000,
        n % 1_000,
        n % 3_000,
        n / 50,
        random("payload", 32),
        random("signature", 64),
        SIGNER,
    )
}

pub fn pending(n: u64) -> PendingEntry {
    let body = body(n);
    PendingEntry {
        kind: Kind::parse("gateway_receipt").expect("a kind of the table"),
        digest: ArtifactDigest::of(body.as_bytes()),
        signer: Some(Did::parse(SIGNER).expect("a DID")),
        submitter: SubmitterName::parse("bench").expect("a name"),
        payload_hash: PayloadHash::of(format!("payload {n}").as_bytes()),
        receipts: None,
        keys: Keys { runs: vec![format!("run_{}", n / 50)], ..Keys::default() },
        body,
    }
}

pub fn items(range: std::ops::Range<u64>) -> Vec<Item> {
    range.map(|n| Item { entries: vec![pending(n)] }).collect()
}

pub fn open(data: &Path) -> (Log, Running) {
    open_of(data, Did::parse(SIGNER).expect("a DID"))
}

/// A log of this operator.
pub fn open_of(data: &Path, operator: Did) -> (Log, Running) {
    let origin = Origin::parse(ORIGIN).expect("an origin");
    let name = KeyName::parse(ORIGIN).expect("a key name");
    Log::open(Opening {
        data: data.to_owned(),
        guard: default_guard_path(data),
        origin,
        signer: SignerKey::new(name, &[7; 32]).expect("a key"),
        operator,
        seen: Vec::new(),
        checkpoint_interval: Duration::ZERO,
        free_disk_bytes_min: 0,
        budget: Budget::default(),
        held: Held::default(),
        read_only: false,
        accept_clock: None,
        clock: Arc::new(SystemClock::default()),
        faults: Arc::new(NoFaults),
    })
    .expect("the bench log opens")
}

pub fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
