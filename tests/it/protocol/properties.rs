//! What holds for any input: a verdict comes out, its words are explained.

use std::collections::BTreeSet;

use proptest::prelude::*;
use pulselog::artifact::json::{Object, Value};
use pulselog::protocol::{BLOCKS, CODES, CodeRow, DocumentKind, Options, RISK_FLAGS, Status, Verdict, explain, verify};

use crate::make::protocol::{NOW_MS, good_payload, options, paths, seal};
use crate::make::{set, value};

const KINDS: [DocumentKind; 4] = [
    DocumentKind::ProofBundle,
    DocumentKind::ExportBundle,
    DocumentKind::AggregateBundle,
    DocumentKind::CommitSignature,
];

/// Any value, with names and texts that mean something here.
fn any_value() -> impl Strategy<Value = Value<'static>> {
    let words = prop_oneof![
        Just("1".to_owned()),
        Just("proof_bundle".to_owned()),
        Just("aggregate_bundle".to_owned()),
        Just("did:key:z6MkfF4ykuxdK3Cea9xDqWgLLgMBvxcypy6Tv1K45Eahxy3m".to_owned()),
        Just("2026-11-22T12:00:00Z".to_owned()),
        Just("SHA-256".to_owned()),
        ".{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u32>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "envelope",
        "bundle",
        "envelope_version",
        "envelope_type",
        "payload",
        "signature_b64u",
        "payload_hash_b64u",
        "hash_algorithm",
        "algorithm",
        "signer_did",
        "issued_at",
        "bundle_version",
        "bundle_id",
        "agent_did",
        "urm",
        "event_chain",
        "receipts",
        "tool_receipts",
        "side_effect_receipts",
        "human_approval_receipts",
        "metadata",
        "attestations",
        "rate_limit_claims",
        "binding",
        "span_id",
        "parent_span_id",
        "export_version",
        "artifacts",
        "member_bundles",
        "aggregate_version",
        "manifest",
        "0",
        "x y",
    ]);
    leaf.prop_recursive(6, 64, 8, move |inner| {
        let members = prop::collection::vec((names.clone(), inner.clone()), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| {
                let mut object = Object::new();
                members.into_iter().for_each(|(name, value)| object.set(name, value));
                object.into()
            }),
        ]
    })
}

fn is_explained(verdict: &Verdict) {
    let listed = |rows: &[CodeRow], code: &str| rows.iter().any(|row| row.code == code);
    assert!(listed(CODES, verdict.reason_code), "{}", verdict.reason_code);
    assert!(verdict.risk_flags.iter().all(|flag| listed(RISK_FLAGS, flag)), "{:?}", verdict.risk_flags);
    assert!(verdict.not_checked.iter().all(|name| BLOCKS.iter().any(|block| block.name == *name)));
    assert_eq!(verdict.status == Status::Fail, verdict.reason_code != "OK");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_gets_an_explained_verdict(document in any_value()) {
        for kind in KINDS {
            is_explained(&verify(&document, kind, &Options::at(NOW_MS)));
        }
        let _ = DocumentKind::of(&document);
        let _ = Options::from_config(&document, NOW_MS);
    }

    #[test]
    fn a_good_bundle_with_any_value_anywhere_gets_an_explained_verdict(
        at in any::<prop::sample::Index>(),
        new in any_value(),
        signed in any::<bool>(),
    ) {
        let mut payload = good_payload();
        let paths: Vec<String> = paths(&payload);
        set(&mut payload, at.get(paths.as_slice()).as_str(), Some(new));
        // Bare input skips the schema, so everything behind it meets any type.
        let document = if signed { seal(payload) } else { payload };
        is_explained(&verify(&document, DocumentKind::ProofBundle, &options()));
    }
}

#[test]
fn every_code_flag_and_block_is_explained_once_in_plain_words() {
    let mut seen = BTreeSet::new();
    for row in CODES.iter().chain(RISK_FLAGS) {
        assert!(seen.insert(row.code), "{} stands twice", row.code);
        assert!(!row.title.is_empty() && !row.title.ends_with('.'), "{}", row.code);
        for sentence in [row.means, row.action] {
            assert!(sentence.ends_with('.') && sentence.matches(". ").count() == 0, "{}: {sentence}", row.code);
        }
        assert!(std::ptr::eq(explain(row.code).expect("a row"), row));
    }
    assert!(explain("NO_SUCH_CODE").is_none());
    for block in BLOCKS {
        assert!(seen.insert(block.name) && block.means.ends_with('.'), "{}", block.name);
    }
}

#[test]
fn kinds_are_told_apart_by_their_own_members() {
    for (text, kind) in [
        (r#"{"envelope_type":"proof_bundle"}"#, Some("proof_bundle")),
        (r#"{"envelope":{"envelope_type":"aggregate_bundle"}}"#, Some("aggregate_bundle")),
        (r#"{"bundle":{"export_version":"1"}}"#, Some("export_bundle")),
        (r#"{"bundle_version":"1"}"#, Some("proof_bundle")),
        (r#"{"algo":"ed25519","message":"commit:0"}"#, Some("commit_sig")),
        (r#"{"envelope_type":"approval"}"#, None),
        ("[]", None),
    ] {
        assert_eq!(DocumentKind::of(&value(text)).map(DocumentKind::name), kind, "{text}");
    }
}

#[test]
fn a_config_file_is_read_strictly() {
    let config = |lists: &str| format!(r#"{{"config_version":"1","allowlists":{{{lists}}}}}"#);
    let did = "did:key:z6MkfF4ykuxdK3Cea9xDqWgLLgMBvxcypy6Tv1K45Eahxy3m";
    let good = value(&config(&format!(r#""gateway_receipt_signer_dids":["{did}"],"web_receipt_signer_dids":[]"#)));
    let read = Options::from_config(&good, NOW_MS).expect("a config");
    assert_eq!((read.gateway_signers, read.attesters), (Some(vec![did.to_owned()]), None));
    assert_eq!((read.verification_time_ms, read.strict_receipts), (NOW_MS, true));
    for (text, field) in [
        (config(r#""gateway_receipt_signer_dids":["x"]"#).as_str(), "allowlists.gateway_receipt_signer_dids[0]"),
        (config(r#""gateway_receipt_signer_dids":"x""#).as_str(), "allowlists.gateway_receipt_signer_dids"),
        (config(r#""coverage":[]"#).as_str(), "allowlists.coverage"),
        (r#"{"config_version":"2"}"#, "config_version"),
        (r#"{"config_version":"1","more":1}"#, "more"),
        ("[]", "document"),
    ] {
        let error = Options::from_config(&value(text), NOW_MS).expect_err("a fault");
        assert_eq!((error.code().name, error.field.as_str()), ("CONFIG_ERROR", field), "{text}");
    }
}
