//! Evidence that was exchanged, repeated, doubled or blown up: the code, the
//! field.

use pulselog::artifact::json::{self, Value, to_compact};

use crate::evidence::bad_input::{answer, full_payload, urm_document, urm_reference};
use crate::make::protocol::{
    at_path, chain, fails, gateway_receipt, good_payload, hashed, passes, paths, seal, spoiled_in, verdict,
};
use crate::make::{admit_any, b64u, set, value};

#[test]
fn each_member_of_the_envelope_emptied_is_answered_by_name() {
    let mut good = seal(good_payload());
    set(&mut good, "expires_at", Some("2026-11-22T13:00:00Z".into()));
    passes(&good);
    let rows = [
        ("envelope_version", "UNKNOWN_ENVELOPE_VERSION", "envelope_version"),
        ("envelope_type", "UNKNOWN_ENVELOPE_TYPE", "envelope_type"),
        ("payload_hash_b64u", "MALFORMED_ENVELOPE", "payload_hash_b64u"),
        ("hash_algorithm", "UNKNOWN_HASH_ALGORITHM", "hash_algorithm"),
        ("signature_b64u", "MALFORMED_ENVELOPE", "signature_b64u"),
        ("algorithm", "UNKNOWN_ALGORITHM", "algorithm"),
        ("signer_did", "INVALID_DID_FORMAT", "signer_did"),
        ("issued_at", "MALFORMED_ENVELOPE", "issued_at"),
        ("expires_at", "MALFORMED_ENVELOPE", "expires_at"),
    ];
    let changed = |name: &str, new: Option<Value<'static>>| {
        let mut envelope = good.clone();
        set(&mut envelope, name, new);
        envelope
    };
    for (name, code, field) in rows {
        fails(&changed(name, Some("".into())), code, Some(field));
        fails(&changed(name, Some(Value::Null)), code, Some(field));
    }
    // An empty payload misses all of the peer's eleven components; the first of them is named.
    fails(&changed("payload", Some(value("{}"))), "SCHEMA_VALIDATION_FAILED", Some("payload.urm"));
    for (name, ..) in rows.iter().filter(|(name, ..)| *name != "expires_at") {
        // The peer names no field here: what is left is no envelope, or a payload without one.
        let expected = match *name {
            "envelope_version" | "signature_b64u" => ("SCHEMA_VALIDATION_FAILED", Some("payload")),
            _ => ("MALFORMED_ENVELOPE", None),
        };
        fails(&changed(name, None), expected.0, expected.1);
    }
    fails(&changed("payload", None), "SCHEMA_VALIDATION_FAILED", Some("payload"));
    passes(&changed("expires_at", None));
}

#[test]
fn a_member_written_twice_is_refused_with_its_path() {
    let bundle = seal(full_payload());
    let (text, paths) = (to_compact(&bundle), paths(&bundle));
    let mut members = paths.iter().filter(|path| !path.ends_with(']'));
    let mut tried = 0;
    for (at, _) in text.match_indices("\":") {
        let path = members.next().expect("a member");
        let start = text[..at].rfind('"').expect("a quote");
        let doubled = format!("{}{}:0,{}", &text[..start], &text[start..at + 1], &text[start..]);
        let error = json::parse(doubled.as_bytes(), json::DEPTH_MAX).expect_err("a doubled member");
        assert_eq!((error.code().name, error.path()), ("json_duplicate_key", Some(path.as_str())));
        // The second of the two is at fault; it stands behind `"name":0,`.
        assert_eq!(error.offset(), start + (at + 1 - start) + 3, "{path}");
        let error = admit_any(&doubled).expect_err("a doubled member");
        assert_eq!((error.code().name, error.path()), ("json_duplicate_key", Some(path.as_str())));
        assert!(error.to_string().starts_with(&format!("{path}: ")), "{error}");
        tried += 1;
    }
    assert!(tried > 250 && members.next().is_none(), "{tried}");
}

#[test]
fn a_path_to_a_doubled_member_stays_short_and_repeats_no_odd_name() {
    let path_of = |text: &str| {
        let error = json::parse(text.as_bytes(), json::DEPTH_MAX).expect_err("a doubled member");
        assert_eq!(error.code().name, "json_duplicate_key", "{text}");
        error.path().expect("a path").to_owned()
    };
    assert_eq!(path_of(r#"[[],[1,{"a b":{"x\n":0,"x\n":0}}]]"#), "[1][1].<name of 3 bytes>.<name of 2 bytes>");
    assert_eq!(path_of(r#"{"a":0,"\u0061":0}"#), "a");
    let name = "n".repeat(64);
    let deep = format!("{}{{\"x\":0,\"x\":0}}{}", format!("{{\"{name}\":").repeat(60), "}".repeat(60));
    let path = path_of(&deep);
    assert!(path.starts_with(&name) && path.ends_with('…') && path.len() < 512, "{path}");
}

#[test]
fn metadata_ends_at_16_kib_in_bundle_receipt_and_manifest_reference() {
    let metadata = |bytes: usize| value(&format!(r#"{{"note":"{}"}}"#, "x".repeat(bytes - r#"{"note":""}"#.len())));
    for place in ["metadata", "urm.metadata", "receipts[0].payload.metadata", "receipts[1].payload.metadata"] {
        let with = |bytes: usize| answer(&spoiled_in(full_payload(), place, Some(metadata(bytes))));
        assert_eq!(with(16_384), "OK -", "{place}");
        assert_eq!(with(16_385), format!("MALFORMED_ENVELOPE payload.{place}"));
    }
    // Bytes of the compact form count, not characters.
    let wide = value(&format!(r#"{{"note":"{}"}}"#, "é".repeat(8_187)));
    assert_eq!(to_compact(&wide).len(), 16_385);
    assert_eq!(
        answer(&spoiled_in(full_payload(), "urm.metadata", Some(wide))),
        "MALFORMED_ENVELOPE payload.urm.metadata"
    );
}

#[test]
fn a_thousand_and_one_events_are_too_many_signed_or_not() {
    let with = |count: usize| {
        let mut payload = good_payload();
        for list in ["receipts", "tool_receipts", "side_effect_receipts", "human_approval_receipts"] {
            set(&mut payload, list, None);
        }
        set(&mut payload, "event_chain", Some(chain(&vec!["llm_call"; count]).into()));
        payload
    };
    for make in [seal, |bare: Value<'static>| bare] {
        passes(&make(with(1000)));
        fails(&make(with(1001)), "MALFORMED_ENVELOPE", Some("payload.event_chain"));
    }
}

#[test]
fn a_chain_that_starts_twice_forks_or_loops_is_no_chain() {
    let events = chain(&["llm_call", "policy_decision", "tool_call"]);
    let hash_of = |at: usize| events[at].get("event_hash_b64u").cloned();
    let linked = |at: usize, to: Option<Value<'static>>| {
        let mut events = events.clone();
        set(&mut events[at], "prev_hash_b64u", to);
        events[at] = hashed(events[at].clone());
        let mut payload = good_payload();
        set(&mut payload, "event_chain", Some(events.into()));
        seal(payload)
    };
    for (what, document) in [
        ("starts twice", linked(1, Some(Value::Null))),
        ("starts in another chain", linked(0, Some(b64u("elsewhere").into()))),
        ("forks", linked(2, hash_of(0))),
        ("loops", linked(0, hash_of(2))),
        ("names itself", linked(1, hash_of(1))),
    ] {
        let verdict = verdict(&document);
        let got = (verdict.reason_code, verdict.field.as_deref());
        assert_eq!(got, ("MALFORMED_ENVELOPE", Some("payload.event_chain")), "{what}");
    }
}

#[test]
fn what_was_swapped_between_receipts_is_answered_where_it_is_signed() {
    let tool = |rest: &str| format!("payload.tool_receipts[{rest}");
    let (chain, no_field) = ("MALFORMED_ENVELOPE payload.event_chain", "RECEIPT_VERIFICATION_FAILED -");
    let rows = [
        ("receipts[0].payload_hash_b64u", "receipts[1].payload_hash_b64u", no_field.to_owned()),
        ("receipts[0].signature_b64u", "receipts[1].signature_b64u", no_field.to_owned()),
        ("receipts[0].payload.request_hash_b64u", "receipts[0].payload.response_hash_b64u", no_field.to_owned()),
        ("receipts[0].payload.receipt_id", "receipts[1].payload.receipt_id", no_field.to_owned()),
        (
            "receipts[0].payload.binding.event_hash_b64u",
            "receipts[1].payload.binding.event_hash_b64u",
            no_field.to_owned(),
        ),
        (
            "tool_receipts[1].payload_hash_b64u",
            "tool_receipts[2].payload_hash_b64u",
            format!("HASH_MISMATCH {}", tool("1].payload_hash_b64u")),
        ),
        (
            "tool_receipts[1].payload.args_hash_b64u",
            "tool_receipts[1].payload.result_hash_b64u",
            format!("HASH_MISMATCH {}", tool("1].payload_hash_b64u")),
        ),
        (
            "tool_receipts[1].signature_b64u",
            "tool_receipts[2].signature_b64u",
            format!("SIGNATURE_INVALID {}", tool("1].signature_b64u")),
        ),
        (
            "tool_receipts[2].signature_b64u",
            "tool_receipts[2].co_signatures[0].signature_b64u",
            format!("SIGNATURE_INVALID {}", tool("2].signature_b64u")),
        ),
        (
            "tool_receipts[3].args_hash_b64u",
            "tool_receipts[3].result_hash_b64u",
            format!("DISCLOSURE_ROOT_MISMATCH {}", tool("3].args_disclosure.merkle_root_b64u")),
        ),
        ("event_chain[0].event_hash_b64u", "event_chain[1].event_hash_b64u", chain.to_owned()),
        (
            "event_chain[0].payload_hash_b64u",
            "event_chain[1].payload_hash_b64u",
            "HASH_MISMATCH payload.event_chain[0].event_hash_b64u".to_owned(),
        ),
        // Nobody signed this one but the agent, who may write into it what it likes.
        ("tool_receipts[0].args_hash_b64u", "tool_receipts[0].result_hash_b64u", "OK -".to_owned()),
    ];
    for (one, other, expected) in rows {
        let mut payload = full_payload();
        let of = |path: &str| at_path(&full_payload(), path).cloned();
        assert_ne!(of(one), of(other), "{one}");
        set(&mut payload, one, of(other));
        set(&mut payload, other, of(one));
        assert_eq!(answer(&seal(payload)), expected, "{one} {other}");
    }
    let mut signed_by_gateway = seal(good_payload());
    let signature = at_path(&signed_by_gateway, "payload.receipts[0].signature_b64u").cloned();
    set(&mut signed_by_gateway, "signature_b64u", signature);
    fails(&signed_by_gateway, "SIGNATURE_INVALID", None);
}

#[test]
fn a_repeated_receipt_id_with_another_payload_is_replay_among_gateway_receipts_only() {
    let repeated = |list: &str, path: &str, new: Value<'static>| {
        let mut payload = good_payload();
        let mut items = payload.get(list).and_then(Value::as_array).expect("a list").to_vec();
        let mut copy = items[0].clone();
        set(&mut copy, path, Some(new));
        if list == "receipts" {
            copy = gateway_receipt(copy.get("payload").cloned().expect("a payload"));
        }
        items.push(copy);
        set(&mut payload, list, Some(items.into()));
        payload
    };
    let replays = [
        ("payload.model", Value::from("m-2")),
        ("payload.tokens_input", 121.into()),
        ("payload.request_hash_b64u", b64u("another request").into()),
        ("payload.metadata", value("{}")),
    ];
    for (path, new) in replays {
        let payload = repeated("receipts", path, new);
        let field = Some("payload.receipts[2].payload.receipt_id");
        fails(&seal(payload.clone()), "CAUSAL_RECEIPT_REPLAY_DETECTED", field);
        fails(&payload, "CAUSAL_RECEIPT_REPLAY_DETECTED", field);
    }
    // The peer looks for replay nowhere else; the audit of a log does.
    for (list, path, new) in [
        ("tool_receipts", "tool_name", Value::from("argocd.app.rollback")),
        ("side_effect_receipts", "target_digest", "y".into()),
        ("human_approval_receipts", "approval_type", "explicit_deny".into()),
    ] {
        passes(&seal(repeated(list, path, new)));
    }
}

#[test]
fn each_member_of_a_run_manifest_is_compared_or_answered_by_name() {
    use pulselog::protocol::{DocumentKind, verify};
    let judged = |document: Value<'static>| {
        let mut payload = good_payload();
        let mut reference = urm_reference();
        set(&mut reference, "resource_hash_b64u", Some(b64u(&to_compact(&document)).into()));
        set(&mut payload, "urm", Some(reference));
        let mut options = crate::make::protocol::options();
        options.urm = Some(document);
        let verdict = verify(&seal(payload), DocumentKind::ProofBundle, &options);
        format!("{} {}", verdict.reason_code, verdict.field.as_deref().unwrap_or("-"))
    };
    assert_eq!(judged(urm_document()), "OK -");
    for path in paths(&urm_document()) {
        let with = |new: Option<Value<'static>>| {
            let mut document = urm_document();
            set(&mut document, &path, new);
            judged(document)
        };
        let expected = format!("SCHEMA_VALIDATION_FAILED urm.{path}");
        assert_eq!(with(Some(true.into())), expected, "retyped");
        // The one element of `outputs` may go.
        let removed = if path.ends_with(']') { "OK -".to_owned() } else { expected.clone() };
        assert_eq!(with(None), removed, "removed {path}");
        if at_path(&urm_document(), &path).is_some_and(|value| value.as_str().is_some()) {
            assert_eq!(with(Some("".into())), expected, "emptied");
        }
    }
    for (path, new, field) in [
        ("urm_id", "urm_2".to_owned(), "urm.urm_id"),
        ("agent_did", crate::make::did("other agent"), "urm.agent_did"),
        ("run_id", "run_2".to_owned(), "urm.run_id"),
        ("event_chain_root_hash_b64u", b64u("other root"), "urm.event_chain_root_hash_b64u"),
    ] {
        let mut document = urm_document();
        set(&mut document, path, Some(new.into()));
        assert_eq!(judged(document), format!("URM_MISMATCH {field}"));
    }
}
