//! Each field of a good bundle removed, retyped, emptied, doubled. The rule is
//! a schema failure at the very field; `tests/golden/protocol_mutations.txt`
//! holds every exception, named by what was done.

use std::fmt::Write as _;

use pulselog::artifact::json::{self, Object, Value, to_compact};
use pulselog::protocol::Status;

use crate::make::protocol::{at_path, good_payload, passes, paths, seal, spoiled, verdict};
use crate::make::{blessing, project};

const GOLDEN: &str = "tests/golden/protocol_mutations.txt";

#[test]
fn the_good_bundle_passes_with_everything_judged() {
    let verdict = passes(&seal(good_payload()));
    assert_eq!(verdict.status, Status::Pass);
    assert!(verdict.receipts.iter().all(|receipt| receipt.signature_valid && receipt.bound));
    assert_eq!(verdict.receipts.len(), 2);
    assert_eq!(verdict.proof_tier.map(|tier| tier.name()), Some("sandbox"), "a listed attester signed");
}

/// A value of another type.
fn retyped(value: &Value<'static>) -> Value<'static> {
    match value {
        Value::Bool(_) => "text".into(),
        _ => true.into(),
    }
}

/// The empty value of the same type; nothing for what has none.
fn emptied(value: &Value<'static>) -> Option<Value<'static>> {
    match value {
        Value::String(text) if !text.is_empty() => Some("".into()),
        Value::Array(items) if !items.is_empty() => Some(Vec::new().into()),
        Value::Object(object) if !object.is_empty() => Some(Object::new().into()),
        _ => None,
    }
}

#[test]
fn each_field_removed_retyped_emptied_or_doubled_is_answered_by_name() {
    let good = good_payload();
    let mut exceptions = String::new();
    for path in paths(&good) {
        let value = at_path(&good, &path).expect("a value");
        let doubled = value.as_array().filter(|items| !items.is_empty()).map(|items| {
            let mut more = items.to_vec();
            more.push(items[0].clone());
            Value::from(more)
        });
        let changes = [
            ("removed", Some(None)),
            ("retyped", Some(Some(retyped(value)))),
            ("emptied", emptied(value).map(Some)),
            ("doubled", doubled.map(Some)),
        ];
        for (what, change) in changes {
            let Some(new) = change else { continue };
            let verdict = verdict(&spoiled(&path, new));
            let field = verdict.field.as_deref().unwrap_or("-");
            let place = format!("payload.{path}");
            if verdict.reason_code != "SCHEMA_VALIDATION_FAILED" || field != place {
                let field = if field == place { "=" } else { field };
                writeln!(exceptions, "{what} {path} {} {field}", verdict.reason_code).expect("a string");
            }
        }
    }
    let golden = project(GOLDEN);
    if blessing() {
        std::fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder");
        std::fs::write(&golden, &exceptions).expect("a golden");
    }
    let expected = std::fs::read_to_string(&golden).expect("a golden");
    let differences: Vec<_> = exceptions.lines().zip(expected.lines()).filter(|(got, want)| got != want).collect();
    assert!(differences.is_empty() && exceptions.lines().count() == expected.lines().count(), "{differences:#?}");
}

#[test]
fn a_member_written_twice_never_gets_here() {
    let text = to_compact(&seal(good_payload()));
    let mut tried = 0;
    // Every name in the text, written once more in front of itself.
    for (at, _) in text.match_indices("\":") {
        let start = text[..at].rfind('"').expect("a quote");
        let name = &text[start..at + 1];
        let doubled = format!("{}{name}:0,{}", &text[..start], &text[start..]);
        let error = json::parse(doubled.as_bytes(), json::DEPTH_MAX).expect_err("a doubled member");
        assert_eq!(error.code().name, "json_duplicate_key", "{name}");
        tried += 1;
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn each_member_of_the_envelope_removed_or_retyped_is_answered_by_name() {
    let good = seal(good_payload());
    let Value::Object(members) = &good else { panic!("an envelope") };
    let rows = [
        ("envelope_version", "UNKNOWN_ENVELOPE_VERSION", "envelope_version"),
        ("envelope_type", "UNKNOWN_ENVELOPE_TYPE", "envelope_type"),
        ("payload", "SCHEMA_VALIDATION_FAILED", "payload"),
        ("payload_hash_b64u", "MALFORMED_ENVELOPE", "payload_hash_b64u"),
        ("hash_algorithm", "UNKNOWN_HASH_ALGORITHM", "hash_algorithm"),
        ("signature_b64u", "MALFORMED_ENVELOPE", "signature_b64u"),
        ("algorithm", "UNKNOWN_ALGORITHM", "algorithm"),
        ("signer_did", "INVALID_DID_FORMAT", "signer_did"),
        ("issued_at", "MALFORMED_ENVELOPE", "issued_at"),
    ];
    assert_eq!(members.len(), rows.len());
    for (name, code, field) in rows {
        let mut changed = members.clone();
        changed.set(name, true.into());
        let retyped = verdict(&changed.clone().into());
        assert_eq!((retyped.reason_code, retyped.field.as_deref()), (code, Some(field)), "{name} retyped");
        changed.remove(name);
        let removed = verdict(&changed.into());
        // Without one of three members the peer takes it for a bare payload.
        let bare = ["envelope_version", "payload", "signature_b64u"].contains(&name);
        assert_eq!(removed.bare, bare, "{name} removed");
        let code = if bare { "SCHEMA_VALIDATION_FAILED" } else { "MALFORMED_ENVELOPE" };
        assert_eq!((removed.reason_code, removed.status), (code, Status::Fail), "{name} removed");
    }
    let mut extra = members.clone();
    extra.set("job_id", "x".into());
    let verdict = verdict(&extra.into());
    assert_eq!((verdict.reason_code, verdict.field.as_deref()), ("SCHEMA_VALIDATION_FAILED", Some("job_id")));
}
