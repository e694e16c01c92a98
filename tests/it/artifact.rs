//! Admission: each bad input has its own code, and no secret is echoed.

pub mod bundles;
pub mod defects;
pub mod disclosure;
pub mod disclosure_bad_input;
pub mod envelope_table;
pub mod json;
pub mod key_cache;
pub mod kinds;
pub mod known_answers;
pub mod observations;
pub mod secrets;
pub mod secrets_broken;
pub mod secrets_escaped;
pub mod spelling;
pub mod together;

use ed25519_dalek::VerifyingKey;
use proptest::prelude::*;
use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{Value, to_compact, to_pretty};
use pulselog::artifact::{
    AdmitError, Did, Grant, KeyCache, Kind, Limits, SignedGrant, UnsignedGrant, admit, complete, seal,
};

use crate::make::{
    ISSUED_AT, admit_any, did, good, good_payload, key, kind, outcome, refuses, seal_raw, set, signer_of, value,
};

fn receipt_with(path: &str, new: Value<'static>) -> String {
    let mut envelope = value(&good(kind("gateway_receipt")));
    set(&mut envelope, path, Some(new));
    to_compact(&envelope)
}

#[test]
fn layout_of_the_text_does_not_matter() {
    let compact = good(kind("gateway_receipt"));
    let pretty = to_pretty(&value(&compact));
    let (a, b) = (admit_any(&compact).expect("good"), admit_any(&pretty).expect("good"));
    assert_eq!(a.artifact.digest(), b.artifact.digest());
    assert_eq!(b.artifact.compact(), compact);
    assert_eq!(a.artifact.digest(), ArtifactDigest::of(compact.as_bytes()));
    assert_eq!(a.artifact.payload_hash().to_b64u(), value(&compact).text_at("payload_hash_b64u").expect("hash"));
    assert_eq!(a.artifact.signer().map(Did::as_str), Some(did("gateway").as_str()));
}

#[test]
fn bytes_that_are_no_strict_json_have_their_own_codes() {
    let good = good(kind("gateway_receipt"));
    let code = |bytes: &[u8]| {
        admit(bytes, &Grant::all(), &Limits::default(), &KeyCache::new()).expect_err("refused").code().name
    };
    assert_eq!(code(&good.as_bytes()[..good.len() / 2]), "json_truncated");
    assert_eq!(code(&[good.as_bytes(), b"{}"].concat()), "json_trailing_data");
    assert_eq!(code(&[b"\xef\xbb\xbf", good.as_bytes()].concat()), "json_bom");
    assert_eq!(code(&[&good.as_bytes()[..40], b"\xff"].concat()), "json_not_utf8");
    assert_eq!(code(good.replace("\"gw_1\"", "\"gw_1\",\"gateway_id\":\"gw_2\"").as_bytes()), "json_duplicate_key");
    assert_eq!(code(good.replace(":120", ":1e400").as_bytes()), "json_number_overflow");
    for unsafe_number in ["9007199254740993", "9007199254740993.0", "9.007199254740993e15"] {
        assert_eq!(code(good.replace(":120", &format!(":{unsafe_number}")).as_bytes()), "json_number_unsafe");
    }
    assert_eq!(code(&b"[".repeat(1_000_000)), "json_too_deep");
    assert_eq!(code(&b"{\"a\":".repeat(300_000)), "json_too_deep");
}

#[test]
fn size_limits_hold_for_input_and_compact_form() {
    let limits = Limits { artifact_bytes_max: 4096, ..Limits::default() };
    let admit = |text: &str| admit(text.as_bytes(), &Grant::all(), &limits, &KeyCache::new()).map(|_| ());
    assert_eq!(admit(&good(kind("gateway_receipt"))), Ok(()));
    let padded = format!("{}{}", good(kind("gateway_receipt")), " ".repeat(4096));
    assert_eq!(admit(&padded).expect_err("large").code().name, "artifact_too_large");
    let grows = format!("{{\"envelope_type\":\"gateway_receipt\",\"x\":[{}]}}", vec!["1e15"; 500].join(","));
    assert!(grows.len() < 4096);
    assert_eq!(admit(&grows).expect_err("grows").code().name, "compact_too_large");
}

#[test]
fn what_is_of_no_kind_is_refused_before_anything_is_judged() {
    for text in ["[]", "\"x\"", "null", "{}", r#"{"envelope_type":"scoped_token"}"#, r#"{"envelope_type":7}"#] {
        refuses(text, "unknown_kind", None);
    }
    refuses(&receipt_with("envelope_type", "aggregate_bundle".into()), "unknown_kind", None);
    refuses(r#"{"envelope_version":"1","payload":{}}"#, "missing_field", Some("envelope_type"));
}

#[test]
fn versions_and_algorithms_that_nobody_knows_refuse() {
    refuses(&receipt_with("envelope_version", "2".into()), "unknown_version", Some("envelope_version"));
    refuses(&receipt_with("payload.receipt_version", "2".into()), "unknown_version", Some("payload.receipt_version"));
    refuses(&receipt_with("hash_algorithm", "BLAKE3".into()), "unsupported_hash_algorithm", Some("hash_algorithm"));
    refuses(&receipt_with("hash_algorithm", "MD5".into()), "unknown_hash_algorithm", Some("hash_algorithm"));
    refuses(&receipt_with("algorithm", "ES256".into()), "unknown_algorithm", Some("algorithm"));
    refuses(&receipt_with("payload.extra", "x".into()), "unknown_field", Some("payload.extra"));
}

#[test]
fn keys_that_verify_nothing_or_everything_refuse() {
    let of = |bytes: &[u8]| {
        let raw = [&[0xed, 0x01], bytes].concat();
        Value::from(format!("did:key:z{}", bs58::encode(raw).into_string()))
    };
    let refuses = |signer: Value<'static>, code| refuses(&receipt_with("signer_did", signer), code, Some("signer_did"));
    refuses(of(&[7; 31]), "key_wrong_length");
    refuses(of(&[7; 33]), "key_wrong_length");
    refuses("did:web:gateway.example".into(), "invalid_did");
    refuses("did:key:z0OIl".into(), "invalid_did");
    refuses(
        format!("did:key:z{}", bs58::encode([&[0x12, 0x00][..], &[7; 32]].concat()).into_string()).into(),
        "invalid_did",
    );
    // The neutral element, and a point of order 8.
    let mut identity = [0; 32];
    identity[0] = 1;
    refuses(of(&identity), "key_small_order");
    let order_8 = hex_bytes("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
    refuses(of(&order_8), "key_small_order");
    let off_curve = (2..).map(|n: u8| [n; 32]).find(|bytes| VerifyingKey::from_bytes(bytes).is_err());
    refuses(of(&off_curve.expect("half of all texts are none")), "key_not_a_point");
    // p + 3: y = 3 in a second spelling.
    let mut unreduced = [0xff; 32];
    (unreduced[0], unreduced[31]) = (0xf0, 0x7f);
    refuses(of(&unreduced), "key_not_a_point");
}

fn hex_bytes(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn hash_and_signature_have_one_spelling_and_one_maker() {
    let envelope = value(&good(kind("gateway_receipt")));
    let text = |name: &str| envelope.text_at(name).expect("text").to_owned();
    // 43 characters carry two bits too many: the neighbour spells the same bytes.
    for name in ["payload_hash_b64u", "signature_b64u"] {
        let original = text(name);
        let last = original.chars().last().expect("not empty");
        let neighbour = char::from_u32(last as u32 + 1).filter(char::is_ascii_alphanumeric).unwrap_or('-');
        let spelled = format!("{}{neighbour}", &original[..original.len() - 1]);
        refuses(&receipt_with(name, spelled.into()), "base64url_not_canonical", Some(name));
        refuses(&receipt_with(name, format!("{original}=").into()), "invalid_value", Some(name));
        refuses(&receipt_with(name, original[1..].into()), "invalid_value", Some(name));
    }
    let other = seal_raw(kind("gateway_receipt"), good_payload(kind("gateway_receipt")), &key("somebody else"));
    let forged = receipt_with("signature_b64u", other.text_at("signature_b64u").expect("text").into());
    refuses(&forged, "signature_invalid", Some("signature_b64u"));
    refuses(&receipt_with("payload.tokens_input", 121.into()), "hash_mismatch", Some("payload_hash_b64u"));
}

#[test]
fn payload_members_in_another_order_are_another_payload() {
    let text = good(kind("gateway_receipt"));
    let swapped = text
        .replace(r#""gateway_id":"gw_1","provider":"openrouter""#, r#""provider":"openrouter","gateway_id":"gw_1""#);
    assert_ne!(text, swapped);
    refuses(&swapped, "hash_mismatch", Some("payload_hash_b64u"));
    // The envelope's own order is not signed, and makes another artifact.
    let mut moved = value(&text);
    let issued_at = moved.get("issued_at").cloned();
    set(&mut moved, "issued_at", None);
    set(&mut moved, "issued_at", issued_at);
    assert_eq!(outcome(&to_compact(&moved)), "admitted");
}

#[test]
fn a_grant_covers_its_kinds_instance_and_channel_only() {
    let admit = |text: &str, grant: &Grant| match admit(text.as_bytes(), grant, &Limits::default(), &KeyCache::new()) {
        Ok(_) => "admitted",
        Err(error) => error.code().name,
    };
    let receipt = good(kind("gateway_receipt"));
    let observation = to_compact(&good_payload(kind("argocd_observation")));
    let pulse = to_compact(&good_payload(kind("trust_pulse")));
    let some = Grant { signed: SignedGrant::Kinds(vec![kind("proof_bundle")]), unsigned: None };
    assert_eq!(admit(&receipt, &Grant::all()), "admitted");
    assert_eq!(admit(&receipt, &some), "kind_not_granted");
    assert_eq!(admit(&good(kind("proof_bundle")), &some), "admitted", "what a bundle holds needs no grant");
    assert_eq!(admit(&observation, &Grant::all()), "unsigned_not_granted");
    assert_eq!(admit(&pulse, &Grant::all()), "unsigned_not_granted");
    let observer = |channel: Option<&str>, instance: &str| Grant {
        signed: SignedGrant::All,
        unsigned: Some(UnsignedGrant {
            kind: kind("argocd_observation"),
            channel: channel.map(str::to_owned),
            instance: Some(instance.to_owned()),
        }),
    };
    assert_eq!(admit(&observation, &observer(None, "argocd-prod")), "admitted");
    assert_eq!(admit(&observation, &observer(Some("notify"), "argocd-prod")), "admitted");
    assert_eq!(admit(&observation, &observer(Some("poll"), "argocd-prod")), "channel_not_granted");
    assert_eq!(admit(&observation, &observer(None, "argocd-dev")), "instance_not_granted");
    assert_eq!(admit(&receipt, &observer(None, "argocd-prod")), "kind_not_granted");
    assert_eq!(admit(&pulse, &observer(None, "argocd-prod")), "unsigned_not_granted");
    let agent = Grant {
        signed: SignedGrant::All,
        unsigned: Some(UnsignedGrant { kind: kind("trust_pulse"), channel: None, instance: None }),
    };
    assert_eq!((admit(&pulse, &agent), admit(&receipt, &agent)), ("admitted", "admitted"));
    // The grant is asked before the shape: a stranger learns nothing about it.
    assert_eq!(admit(&receipt.replace("gw_1", ""), &some), "kind_not_granted");
}

#[test]
fn seal_makes_what_admission_takes_and_fills_version_and_nonce() {
    for kind in Kind::ALL {
        let sealed = seal(kind, good_payload(kind), &key(signer_of(kind)), ISSUED_AT).expect("good");
        assert_eq!(sealed, good(kind), "{kind}");
    }
    let revocation = kind("cst_revocation");
    let mut payload = good_payload(revocation);
    set(&mut payload, "nonce", None);
    set(&mut payload, "cst_revocation_version", None);
    assert_eq!(
        seal(revocation, payload.clone(), &key("issuer"), ISSUED_AT).expect_err("no version").code().name,
        "missing_field"
    );
    let completed = complete(revocation, payload, [0xab; 16]);
    assert!(
        to_compact(&completed)
            .starts_with(r#"{"cst_revocation_version":"1","nonce":"abababababababababababababababab","#)
    );
    assert!(seal(revocation, completed, &key("issuer"), ISSUED_AT).is_ok());
    let bad = seal(revocation, good_payload(revocation), &key("issuer"), "today").expect_err("no time");
    assert_eq!((bad.code().name, bad.path().as_str()), ("invalid_value", "issued_at"));
    let withheld =
        seal(kind("withholding"), good_payload(revocation), &key("operator"), ISSUED_AT).expect_err("other kind");
    assert_eq!(withheld.path(), "payload.withholding_version");
}

#[test]
fn a_renewed_envelope_is_another_artifact_of_the_same_statement() {
    for kind in Kind::ALL {
        let sealed = value(&good(kind));
        let renewed = pulselog::artifact::renewed(&sealed, "2027-01-01T00:00:00Z").expect("an envelope");
        let admitted = [sealed, renewed.clone()].map(|one| admit_any(&to_compact(&one)).expect("good").artifact);
        assert_eq!(admitted[0].payload_hash(), admitted[1].payload_hash(), "{kind}");
        assert_ne!(admitted[0].digest(), admitted[1].digest(), "{kind}");
        // A payload alone is signed by nobody; its dates are what it says.
        let bare = pulselog::artifact::renewed(&good_payload(kind), "2027-01-01T00:00:00Z");
        assert_eq!(bare.expect_err("no envelope").code().name, "not_renewable", "{kind}");
    }
}

#[test]
fn errors_never_repeat_hostile_member_names() {
    let long = "x".repeat(10_000);
    let text = format!("{{\"envelope_type\":\"approval\",\"{long}\":1,\"\\u202e\\n\":2}}");
    let error = admit_any(&text).expect_err("refused");
    assert!(error.to_string().len() < 300, "{error}");
    refuses(&receipt_with("a\u{202e}b", Value::Null), "unknown_field", Some("<name of 5 bytes>"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn never_panics_and_never_admits_noise(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let noise = admit(&bytes, &Grant::all(), &Limits::default(), &KeyCache::new());
        prop_assert!(noise.is_err());
    }

    #[test]
    fn a_flipped_byte_never_keeps_the_signed_statement(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let receipt = good(kind("gateway_receipt"));
        let original = admit_any(&receipt).expect("good").artifact;
        let mut bytes = receipt.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(admitted) = admit(&bytes, &Grant::all(), &Limits::default(), &KeyCache::new()) {
            // Only the unsigned time of the envelope can change.
            prop_assert_eq!(admitted.artifact.payload(), original.payload());
            prop_assert_eq!(admitted.artifact.signer(), original.signer());
            prop_assert_ne!(admitted.artifact.digest(), original.digest());
            prop_assert_ne!(admitted.artifact.issued_at(), original.issued_at());
        }
    }

    #[test]
    fn what_is_sealed_is_admitted(tokens in 0..1_000_000_u32, model in "[a-z0-9 /:é-]{1,40}", seed in "[a-z]{1,8}") {
        let mut payload = good_payload(kind("gateway_receipt"));
        set(&mut payload, "tokens_input", Some(tokens.into()));
        set(&mut payload, "model", Some(model.into()));
        let sealed = seal(kind("gateway_receipt"), payload.clone(), &key(&seed), ISSUED_AT).expect("good");
        let artifact = admit_any(&sealed).expect("good").artifact;
        prop_assert_eq!(artifact.payload(), &payload);
        let signer = did(&seed);
        prop_assert_eq!(artifact.signer().map(Did::as_str), Some(signer.as_str()));
    }
}

#[test]
fn every_step_that_admission_names_is_an_error_with_code_and_place() {
    let error: AdmitError = admit_any(&receipt_with("payload.binding.nonce", "".into())).expect_err("refused");
    assert_eq!((error.code().name, error.path()), ("invalid_value", Some("payload.binding.nonce")));
    assert_eq!(error.to_string(), "payload.binding.nonce: must be text of 1 to 1024 bytes");
}
