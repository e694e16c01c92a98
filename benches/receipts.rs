//! Signed gateway receipts, and submitting them in batches over HTTP.

#![allow(dead_code, reason = "each bench uses its part of this")]

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, Signer, SigningKey};
use sha2::{Digest, Sha256};

pub struct Receipt {
    pub line: String,
    pub signed: String,
    pub signature: Signature,
}

/// Like what the gateway emits, about a thousand bytes.
pub fn receipt(key: &SigningKey, did: &str, n: usize) -> Receipt {
    let hash = |label: &str| Base64UrlUnpadded::encode_string(&Sha256::digest(format!("{label} {n}")));
    let payload = format!(
        concat!(
            r#"{{"receipt_version":"1","receipt_id":"rcpt_{}","gateway_id":"gw_bench","provider":"openrouter","#,
            r#""model":"bench/model-large","request_hash_b64u":"{}","response_hash_b64u":"{}","tokens_input":{},"#,
            r#""tokens_output":{},"latency_ms":{},"timestamp":"2026-11-22T12:00:00.000Z","binding":{{"#,
            r#""run_id":"run_{}","event_hash_b64u":"{}","nonce":"{}","policy_hash":"{}","#,
            r#""token_scope_hash_b64u":"{}"}}}}"#
        ),
        hash("id"),
        hash("request"),
        hash("response"),
        n % 4_000,
        n % 1_000,
        n % 3_000,
        n / 50,
        hash("event"),
        hash("nonce"),
        hash("policy"),
        hash("scope"),
    );
    let signed = Base64UrlUnpadded::encode_string(&Sha256::digest(payload.as_bytes()));
    let signature = key.sign(signed.as_bytes());
    let line = format!(
        concat!(
            r#"{{"envelope_version":"1","envelope_type":"gateway_receipt","payload":{},"payload_hash_b64u":"{}","#,
            r#""hash_algorithm":"SHA-256","signature_b64u":"{}","algorithm":"Ed25519","signer_did":"{}","#,
            r#""issued_at":"2026-11-22T12:00:00.000Z"}}"#
        ),
        payload,
        signed,
        Base64UrlUnpadded::encode_string(&signature.to_bytes()),
        did,
    );
    Receipt { line, signed, signature }
}

/// Submits a batch; every line must be logged as new.
pub fn post(agent: &ureq::Agent, url: &str, token: &str, batch: &[Receipt]) {
    post_lines(agent, url, token, batch.iter().map(|receipt| receipt.line.as_str()));
}

/// The same of lines.
pub fn post_lines<'a>(agent: &ureq::Agent, url: &str, token: &str, lines: impl ExactSizeIterator<Item = &'a str>) {
    let count = lines.len();
    let body: String = lines.flat_map(|line| [line, "\n"]).collect();
    let request = agent.post(url).header("Authorization", format!("Bearer {token}"));
    // A refusal is read too: its text says why.
    let request = request.config().http_status_as_error(false).build();
    let mut response = request.content_type("application/x-ndjson").send(body).expect("an answer");
    let answer = response.body_mut().with_config().limit(64 << 20).read_to_string().expect("a body");
    let logged = answer.lines().filter(|l| l.contains("\"status\":201")).count();
    assert_eq!(logged, count, "{answer:.300}");
}
