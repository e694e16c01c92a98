//! Envelopes with one thing else in them. What stands outside the payload no
//! signature covers, so nothing has to be signed again.

use super::verdicts::of_artifact;
use super::{Ask, golden};

/// Members in front of all others.
const ADDED: &[&str] = &[
    r#""expires_at":"2027-01-01T00:00:00Z""#,
    r#""expires_at":"2027-02-29T00:00:00Z""#,
    r#""expires_at":null"#,
    r#""expires_at":1"#,
    r#""co_signatures":[]"#,
    r#""co_signatures":null"#,
    r#""co_signatures":{}"#,
    r#""co_signatures":[{}]"#,
    r#""__proto__":{}"#,
    r#""constructor":1"#,
    r#""extra":null"#,
    r#""receipt_version":"1""#,
    r#""trust_pulse_version":"1""#,
];

/// What stands in an envelope, and what in its place.
const CHANGED: &[(&str, &str)] = &[
    (r#""envelope_version":"1""#, r#""envelope_version":"2""#),
    (r#""envelope_version":"2""#, r#""envelope_version":"1""#),
    (r#""envelope_version":"1""#, r#""envelope_version":1"#),
    (r#""envelope_version":"1","#, ""),
    (r#""envelope_type":"gateway_receipt""#, r#""envelope_type":"GATEWAY_RECEIPT""#),
    (r#""envelope_type":"gateway_receipt""#, r#""envelope_type":"constructor""#),
    (r#""envelope_type":"work_policy_contract""#, r#""envelope_type":"work_policy""#),
    (r#""envelope_type":"gateway_receipt","#, ""),
    (r#""hash_algorithm":"SHA-256","signature"#, r#""hash_algorithm":"BLAKE3","signature"#),
    (r#""hash_algorithm":"SHA-256","signature"#, r#""hash_algorithm":"sha-256","signature"#),
    (r#""hash_algorithm":"SHA-256","signature"#, r#""signature"#),
    (r#""algorithm":"Ed25519""#, r#""algorithm":"ed25519""#),
    (r#""algorithm":"Ed25519""#, r#""algorithm":["Ed25519"]"#),
    (r#""algorithm":"Ed25519","#, ""),
    (r#""signer_did":"did:key:z"#, r#""signer_did":"did:web:z"#),
    (r#""signer_did":"did:key:z"#, r#""signer_did":" did:key:z"#),
    (r#""signer_did":"did:key:z6Mk"#, r#""signer_did":"did:key:z16Mk"#),
    (r#""issued_at":"2026-11-22T12:00:00.000Z"}"#, r#""issued_at":"2026-11-22 12:00:00+01:00"}"#),
    (r#""issued_at":"2026-11-22T12:00:00.000Z"}"#, r#""issued_at":"2026-11-31T12:00:00Z"}"#),
    (r#""issued_at":"2026-11-22T12:00:00.000Z"}"#, r#""issued_at":1795000000}"#),
    (r#"Z"}]"#, r#"Z","extra":1}]"#),
    (r#""role":""#, r#""role":"boss"#),
    (r#""payload_hash_b64u":""#, r#""payload_hash_b64u":"A"#),
    (r#""signature_b64u":""#, r#""signature_b64u":"A"#),
    (r#""signature_b64u":""#, r#""signature_b64u":" "#),
    (r#"Q","algorithm""#, r#"R","algorithm""#),
    (r#"A","algorithm""#, r#"B","algorithm""#),
    (r#"w","algorithm""#, r#"x","algorithm""#),
    (r#"g","algorithm""#, r#"h","algorithm""#),
    (r#""payload":{"#, r#""payload":[],"x":{"#),
    (r#""payload":{"#, r#""payload":null,"x":{"#),
    (r#""payload":{"#, r#""other":{"#),
];

const FILES: &[&str] = &[
    "gateway_receipt.json",
    "work_policy.json",
    "tool_receipt.json",
    "tool_receipt--2-co-signed.json",
    "approval.json",
    "trust_pulse--bare.json",
    "argocd_observation--version-1.json",
];

pub fn asks() -> Vec<Ask> {
    let half =
        [r#"{"trust_pulse_version":"1","signature_b64u":""}"#, r#"{"trust_pulse_version":"1","envelope_version":"1"}"#];
    let mut asks: Vec<_> = half.iter().map(|text| of_artifact("half an envelope", text)).collect();
    for file in FILES {
        let text = String::from_utf8(golden(&format!("artifacts/{file}"))).expect("UTF-8");
        let added = ADDED.iter().map(|member| text.replacen('{', &format!("{{{member},"), 1));
        let changed = CHANGED.iter().filter(|(from, _)| text.contains(from)).map(|(from, to)| {
            // The last one is the envelope's own, or a co-signature's.
            let at = text.rfind(from).expect("there");
            format!("{}{to}{}", &text[..at], &text[at + from.len()..])
        });
        for (at, text) in added.chain(changed).enumerate() {
            asks.push(of_artifact(format!("{file}, change {at}"), &text));
        }
    }
    asks
}
