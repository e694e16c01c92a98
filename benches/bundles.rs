//! Bundles for the benches of the protocol verdict, and the cryptography that
//! each cannot do without.

#![allow(dead_code, reason = "each bench uses its part of this")]

use std::hint::black_box;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use pulselog::artifact::Did;
use sha2::{Digest, Sha256};

/// After everything was issued.
pub const NOW_MS: i64 = 1_795_435_200_000;
const TIME: &str = "2026-11-22T12:00:00.000Z";

/// What must be verified and hashed whoever does it.
pub struct Bound {
    pub signatures: Vec<(VerifyingKey, String, Signature)>,
    events: Vec<String>,
    payload: String,
}

impl Bound {
    pub fn verify_signatures(&self) {
        for (key, message, signature) in &self.signatures {
            key.verify_strict(message.as_bytes(), signature).expect("a signature");
        }
    }

    pub fn hash_events(&self) {
        self.events.iter().for_each(|event| {
            black_box(Sha256::digest(event));
        });
    }

    pub fn hash_payload(&self) {
        black_box(Sha256::digest(&self.payload));
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

/// Bundle number `n`, of one line, and what must be done for it.
pub fn make(n: usize, events: usize, receipts: usize, gateway: &SigningKey) -> (String, Bound) {
    make_by(&SigningKey::from_bytes(&[7; 32]), n, events, receipts, gateway)
}

/// The same of another agent.
pub fn make_by(agent: &SigningKey, n: usize, events: usize, receipts: usize, gateway: &SigningKey) -> (String, Bound) {
    let (chain, headers, first) = chain(events);
    let (sealed, mut signatures): (Vec<_>, Vec<_>) =
        (0..receipts).map(|n| seal("gateway_receipt", &receipt(n, &first), gateway)).unzip();
    let list = if sealed.is_empty() { String::new() } else { format!(r#","receipts":[{}]"#, sealed.join(",")) };
    let payload = format!(
        r#"{{"bundle_version":"1","bundle_id":"pb_{n}","agent_did":"{}","event_chain":[{}]{list}}}"#,
        Did::of(&agent.verifying_key()),
        chain.join(","),
    );
    let (bundle, signature) = seal("proof_bundle", &payload, agent);
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
