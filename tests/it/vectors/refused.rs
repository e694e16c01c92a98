//! Vectors of what admission refuses, and of tokens that it replaces.

use pulselog::artifact::Kind;
use pulselog::artifact::json::to_compact;
use serde_json::{Value, json};

use crate::make::{
    JWS, admit_any, did, good_bare, good_payload, key, kind, project, readmit_any, seal_raw, set, signer_of, value,
};
use crate::vectors::artifacts::co_signed;
use crate::vectors::{Files, json_file};

/// Every refusal of four kinds: one signed over the compact form, one over the
/// JCS, one with hashes inside, one with `binds`.
const WHOLE: &[&str] = &["gateway_receipt", "work_policy", "cst_issuance", "approval"];
/// Refusals that are the same for every kind.
const COMMON: &[&str] = &[
    "envelope.extra",
    "payload.extra",
    "envelope-9",
    "payload-9",
    "payload-version",
    "--md5",
    "somebody-else",
    "secret_in_artifact",
    "hash_mismatch",
];

/// Refused artifacts: all of four kinds, of the others what is theirs alone.
fn refused() -> Value {
    let mut rows = Vec::new();
    let mut add = |name: String, text: String| {
        let Err(error) = admit_any(&text) else { return };
        rows.push(json!({"name": name, "text": text, "code": error.code().name, "path": error.path()}));
    };
    for kind in Kind::ALL {
        let whole = WHOLE.contains(&kind.name());
        for (file, text) in crate::artifact::kinds::goldens(kind) {
            if whole || !COMMON.iter().any(|common| file.contains(common)) {
                add(format!("{kind}: {}", file.trim_end_matches(".json")), text);
            }
        }
    }
    for (name, text) in nobodys().into_iter().chain(bare()).chain(co_signatures()) {
        assert!(admit_any(&text).is_err(), "{name}");
        add(name.to_owned(), text);
    }
    rows.into()
}

/// What is of no kind, or of one that must be signed.
fn nobodys() -> Vec<(&'static str, String)> {
    vec![
        ("no object", "[]".to_owned()),
        ("no kind", "{}".to_owned()),
        ("another envelope type", r#"{"envelope_type":"scoped_token"}"#.to_owned()),
        ("an envelope type that is no text", r#"{"envelope_type":1}"#.to_owned()),
        ("half an envelope", r#"{"envelope_version":"1","payload":{}}"#.to_owned()),
        ("bare, must be signed", good_bare("cst_issuance")),
        (
            "retired version",
            std::fs::read_to_string(project("tests/golden/logged/argocd_observation-1.json")).expect("a golden"),
        ),
        ("two version members", {
            let policy = kind("work_policy");
            let mut payload = good_payload(policy);
            set(&mut payload, "policy_version", Some("2".into()));
            to_compact(&seal_raw(policy, payload, &key(signer_of(policy))))
        }),
    ]
}

/// Bare payloads with one member changed.
fn bare() -> Vec<(&'static str, String)> {
    let changed = |name: &str, path: &str, to: &str| {
        let mut payload = value(&good_bare(name));
        set(&mut payload, path, Some(value(to)));
        to_compact(&payload)
    };
    let zeros = format!("\"{}\"", "0".repeat(64));
    vec![
        ("bare observation: another op_key", changed("argocd_observation", "op_key", &zeros)),
        ("bare observation: another operation", changed("argocd_observation", "operation_digest", &zeros)),
        ("bare observation: time in another zone", {
            changed("argocd_observation", "started_at", "\"2026-11-22T12:00:00+00:00\"")
        }),
        ("bare snapshot: rows_total too small", changed("argocd_snapshot", "rows_total", "0")),
        ("bare observation: a version that is no text", {
            changed("argocd_observation", "argocd_observation_version", "2")
        }),
    ]
}

/// Co-signatures that do not verify, or are no closed object of 2.4.
fn co_signatures() -> Vec<(&'static str, String)> {
    let changed = |path: &str, to: Option<&str>| {
        let mut envelope = value(&co_signed());
        set(&mut envelope, path, to.map(value));
        to_compact(&envelope)
    };
    let (stranger, web) = (format!("\"{}\"", did("observer")), "\"did:web:x\"");
    let zeros = format!("\"{}\"", "A".repeat(86));
    vec![
        ("co-signature: of another key", changed("co_signatures[0].signer_did", Some(&stranger))),
        ("co-signature: all zeros", changed("co_signatures[0].signature_b64u", Some(&zeros))),
        ("co-signature: signer is no did:key", changed("co_signatures[0].signer_did", Some(web))),
        ("co-signature: another role", changed("co_signatures[0].role", Some("\"witness\""))),
        ("co-signature: no role", changed("co_signatures[0].role", None)),
        ("co-signature: unknown member", changed("co_signatures[0].extra", Some("1"))),
        ("co-signature: another algorithm", changed("co_signatures[0].algorithm", Some("\"ES256\""))),
        ("co-signature: in an envelope of version 1", {
            let mut envelope = value(&crate::make::good(kind("tool_receipt")));
            set(&mut envelope, "co_signatures", Some(value("[]")));
            to_compact(&envelope)
        }),
    ]
}

/// `{"alg":"ES256"}`, which ends with a group.
const ES256: &str = "eyJhbGciOiJFUzI1NiJ9";

/// Texts at the edges of FORMATS 4.3.
fn texts() -> Vec<String> {
    vec![
        format!("Bearer {JWS} ok"),
        format!("{JWS} and {JWS}"),
        // {"alg":0}: 12 characters alone, then with two before it.
        "eyJhbGciOjB9.x.y".to_owned(),
        "12eyJhbGciOjB9.x.y".to_owned(),
        // White space before the header is the header's, in its own row only.
        "ICAgeyJhbGciOiJub25lIn0.e30.c2ln".to_owned(),
        "IHsiYWxnIjoibm9uZSJ9.e30.c2ln".to_owned(),
        "abc_eyJhbGciOiJFUzI1NiJ9.e30.c2ln".to_owned(),
        // A last character that stands alone.
        format!("{ES256}A.e30.c2ln"),
        format!("{ES256}AB.e30.c2ln"),
        // No payload, no signature, five parts, a part without characters.
        format!("{ES256}..c2ln"),
        format!("{ES256}.e30."),
        format!("{ES256}.e30..x"),
        format!("{ES256}.e30.c2ln.a.b"),
        format!("{ES256}.e30.c2ln.."),
        format!("{ES256}.e30"),
        // {"alg":"x","alg":1}, {"typ":"JWT"}, {"alg":NaN}, {"alg":"x"}}, {"alg":1e999}.
        "eyJhbGciOiJ4IiwiYWxnIjoxfQ.e30.c2ln".to_owned(),
        "eyJ0eXAiOiJKV1QifQ.e30.c2ln".to_owned(),
        "eyJhbGciOk5hTn0.e30.c2ln".to_owned(),
        "eyJhbGciOiJ4In19.e30.c2ln".to_owned(),
        "eyJhbGciOjFlOTk5fQ.e30.c2ln".to_owned(),
        // Two that share a part: the first takes it.
        format!("{ES256}.{ES256}.e30.c2ln"),
    ]
}

/// Tokens in a bare observation are replaced before anything is hashed. Only
/// such texts as intake and a reader of the log see alike.
fn redacted() -> Value {
    let row = |text: String| {
        let mut payload = good_payload(kind("argocd_observation"));
        set(&mut payload, "message", Some(text.as_str().into()));
        let whole = to_compact(&payload);
        let admitted = admit_any(&whole).expect("admitted");
        let compact = admitted.artifact.compact();
        assert_eq!(readmit_any(&whole).expect("read").compact(), compact, "{text}");
        assert_eq!(readmit_any(&compact).expect("read").compact(), compact, "{text}");
        json!({"text": whole, "compact": compact, "redacted": admitted.redacted})
    };
    texts().into_iter().map(row).collect::<Vec<_>>().into()
}

pub fn files() -> Files {
    Files::from([
        ("refused.json".to_owned(), json_file(&refused())),
        ("redacted.json".to_owned(), json_file(&redacted())),
    ])
}
