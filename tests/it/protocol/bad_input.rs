//! Named defects of proof bundles: what was done, the code, the field.

use pulselog::artifact::json::{Object, Value, to_compact};
use pulselog::protocol::{DocumentKind, Options, Status, verify};

use crate::make::protocol::{
    NOW_MS, chain, disclosure, fails, gateway_receipt, good_payload, hashed, options, passes, receipt_payload, seal,
    spoiled, verdict,
};
use crate::make::{b64u, did, key, kind, seal_raw, set, value};

/// Changes the good payload and seals it.
fn changed(change: impl FnOnce(&mut Value<'static>)) -> Value<'static> {
    let mut payload = good_payload();
    change(&mut payload);
    seal(payload)
}

/// A bundle with nothing but these events.
fn only(events: Vec<Value<'static>>) -> Value<'static> {
    let mut payload = value(&format!(r#"{{"bundle_version":"1","bundle_id":"pb_1","agent_did":"{}"}}"#, did("agent")));
    set(&mut payload, "event_chain", Some(events.into()));
    seal(payload)
}

#[test]
fn a_broken_chain_is_found() {
    let events = || chain(&["llm_call", "policy_decision", "tool_call"]);
    passes(&only(events()));
    let chain_field = Some("payload.event_chain");
    let mut reordered = events();
    reordered.swap(1, 2);
    fails(&only(reordered), "MALFORMED_ENVELOPE", chain_field);
    let mut dropped = events();
    dropped.remove(1);
    fails(&only(dropped), "MALFORMED_ENVELOPE", chain_field);
    let mut beheaded = events();
    beheaded.remove(0);
    fails(&only(beheaded), "MALFORMED_ENVELOPE", chain_field);
    // Linked past a dropped event, but not hashed again.
    let mut relinked = events();
    let first = relinked[0].get("event_hash_b64u").cloned();
    relinked.remove(1);
    set(&mut relinked[1], "prev_hash_b64u", first);
    fails(&only(relinked.clone()), "HASH_MISMATCH", Some("payload.event_chain[1].event_hash_b64u"));
    // Hashed again as well: a chain of its own, which nothing here can refuse.
    relinked[1] = hashed(relinked[1].clone());
    passes(&only(relinked));
    let mut other_run = events();
    set(&mut other_run[2], "run_id", Some("run_2".into()));
    other_run[2] = hashed(other_run[2].clone());
    fails(&only(other_run), "MALFORMED_ENVELOPE", chain_field);
    let mut repeated = events();
    set(&mut repeated[2], "event_id", Some("evt_0".into()));
    repeated[2] = hashed(repeated[2].clone());
    fails(&only(repeated), "MALFORMED_ENVELOPE", Some("payload.event_chain[2].event_id"));
}

#[test]
fn numbers_and_sizes_end_where_the_peer_ends_them() {
    passes(&only(chain(&["llm_call"; 1000])));
    fails(&only(chain(&["llm_call"; 1001])), "MALFORMED_ENVELOPE", Some("payload.event_chain"));
    let metadata = |bytes: usize| value(&format!(r#"{{"note":"{}"}}"#, "x".repeat(bytes - r#"{"note":""}"#.len())));
    assert_eq!(to_compact(&metadata(16_384)).len(), 16_384);
    passes(&spoiled("metadata", Some(metadata(16_384))));
    fails(&spoiled("metadata", Some(metadata(16_385))), "MALFORMED_ENVELOPE", Some("payload.metadata"));
    let of_receipt = spoiled("receipts[1].payload.metadata", Some(metadata(16_385)));
    fails(&of_receipt, "MALFORMED_ENVELOPE", Some("payload.receipts[1].payload.metadata"));
    let many = |list: &str, count: usize| {
        changed(|p| {
            let first = p.get(list).and_then(Value::as_array).expect("a list")[0].clone();
            set(p, list, Some(vec![first; count].into()));
        })
    };
    fails(&many("receipts", 1001), "MALFORMED_ENVELOPE", Some("payload.receipts"));
    fails(&many("attestations", 101), "MALFORMED_ENVELOPE", Some("payload.attestations"));
    fails(&many("tool_receipts", 1001), "SCHEMA_VALIDATION_FAILED", Some("payload.tool_receipts"));
    fails(&many("rate_limit_claims", 257), "SCHEMA_VALIDATION_FAILED", Some("payload.rate_limit_claims"));
}

#[test]
fn receipts_that_were_tampered_with_do_not_count() {
    let receipts = |p: &Value<'static>| p.get("receipts").and_then(Value::as_array).expect("receipts").to_vec();
    let swapped = changed(|p| {
        let list = receipts(p);
        set(p, "receipts[0].payload_hash_b64u", list[1].get("payload_hash_b64u").cloned());
        set(p, "receipts[1].payload_hash_b64u", list[0].get("payload_hash_b64u").cloned());
    });
    fails(&swapped, "RECEIPT_VERIFICATION_FAILED", None);
    // The core alone accepts it, at a lower tier.
    let mut core = options();
    (core.strict_receipts, core.attesters) = (false, None);
    let alone = verify(&swapped, DocumentKind::ProofBundle, &core);
    assert_eq!((alone.status, alone.proof_tier.map(|t| t.name())), (Status::Pass, Some("self")));
    assert_eq!(alone.risk_flags, ["MODEL_IDENTITY_NO_SIGNATURE_VERIFIED_RECEIPTS"]);
    let one_bad =
        verify(&spoiled("receipts[0].signer_did", Some(did("agent").into())), DocumentKind::ProofBundle, &core);
    assert_eq!(one_bad.proof_tier.map(|t| t.name()), Some("gateway"), "one good receipt is enough for the core");
    assert_eq!(one_bad.receipts.iter().map(|r| r.signature_valid).collect::<Vec<_>>(), [false, true]);
    fails(&spoiled("receipts[0].payload.binding.run_id", Some("run_2".into())), "RECEIPT_BINDING_MISMATCH", None);
    let unknown_event = spoiled("receipts[0].payload.binding.event_hash_b64u", Some(b64u("other event").into()));
    fails(&unknown_event, "RECEIPT_BINDING_MISMATCH", None);
    fails(&spoiled("receipts[0].payload.tokens_input", Some(10_000_001.into())), "RECEIPT_VERIFICATION_FAILED", None);
    fails(&spoiled("receipts[0].payload.latency_ms", Some(value("0.5"))), "RECEIPT_VERIFICATION_FAILED", None);
    fails(&spoiled("receipts[0].hash_algorithm", Some("BLAKE3".into())), "RECEIPT_VERIFICATION_FAILED", None);
    let unconfigured = verify(&seal(good_payload()), DocumentKind::ProofBundle, &Options::at(NOW_MS));
    assert_eq!(unconfigured.reason_code, "DEPENDENCY_NOT_CONFIGURED");
}

#[test]
fn a_receipt_id_stands_for_one_content() {
    let again = |change: fn(&mut Value<'static>)| {
        changed(|p| {
            let list = p.get("receipts").and_then(Value::as_array).expect("receipts");
            let mut copy = list[1].get("payload").cloned().expect("a payload");
            change(&mut copy);
            let mut list = list.to_vec();
            list.push(gateway_receipt(copy));
            set(p, "receipts", Some(list.into()));
        })
    };
    passes(&again(|_| {}));
    let replayed = again(|copy| set(copy, "tokens_output", Some(41.into())));
    fails(&replayed, "CAUSAL_RECEIPT_REPLAY_DETECTED", Some("payload.receipts[2].payload.receipt_id"));
}

/// A bundle whose one tool receipt discloses `given`, committed to as `root`.
fn disclosing(given: Value<'static>, root: Option<&str>) -> Value<'static> {
    let root = root.or(given.text_at("merkle_root_b64u")).expect("a root").to_owned();
    let mut payload = value(&format!(
        r#"{{"receipt_version":"2","receipt_id":"tr_1","tool_name":"argocd.app.sync","args_hash_b64u":"{root}",
        "result_hash_b64u":"{}","hash_algorithm":"SHA-256","agent_did":"{}","timestamp":"2026-11-22T12:00:01Z",
        "latency_ms":12,"args_salt_b64u":"c2FsdHNhbHQ","result_salt_b64u":"c2FsdHNhbHQ"}}"#,
        b64u("result"),
        did("agent"),
    ));
    set(&mut payload, "args_disclosure", Some(given));
    let receipt = seal_raw(kind("tool_receipt"), payload, &key("agent"));
    changed(|p| set(p, "tool_receipts", Some(vec![receipt].into())))
}

#[test]
fn a_disclosure_that_does_not_add_up_is_named() {
    let with = |change: &dyn Fn(&mut Value<'static>)| {
        let mut given = disclosure();
        change(&mut given);
        disclosing(given, None)
    };
    let place = |rest: &str| format!("payload.tool_receipts[0].args_disclosure.{rest}");
    let hidden = |hashes: &[String]| {
        let hashes: Vec<Value> = hashes.iter().cloned().map(Value::from).collect();
        with(&|d| set(d, "redacted_leaf_hashes_b64u", Some(hashes.clone().into())))
    };
    passes(&with(&|_| {}));
    let root = place("merkle_root_b64u");
    let one = b64u("hidden leaf");
    fails(&hidden(&[]), "DISCLOSURE_ROOT_MISMATCH", Some(&root));
    fails(&hidden(&[one.clone(), b64u("trailing")]), "DISCLOSURE_ROOT_MISMATCH", Some(&root));
    fails(&hidden(&[one.clone(), one]), "DISCLOSURE_ROOT_MISMATCH", Some(&root));
    fails(&disclosing(disclosure(), Some(&b64u("other"))), "DISCLOSURE_ROOT_MISMATCH", Some(&root));
    let value_changed = with(&|d| set(d, "disclosed_leaves.action.value", Some("delete".into())));
    fails(&value_changed, "DISCLOSURE_ROOT_MISMATCH", Some(&root));
    let retyped = with(&|d| set(d, "disclosed_leaves.action.value", Some(1.into())));
    fails(&retyped, "DISCLOSURE_TYPE_MISMATCH", Some(&place("disclosed_leaves.action")));
    // The colon of a path is not escaped: what stands before it is anybody's guess, and so it must add up.
    let renamed = with(&|d| {
        let mut leaves = d.get("disclosed_leaves").and_then(Value::as_object).expect("leaves").clone();
        let leaf = leaves.remove("action").expect("a leaf");
        leaves.set("action:x", leaf);
        set(d, "disclosed_leaves", Some(leaves.into()));
    });
    fails(&renamed, "DISCLOSURE_ROOT_MISMATCH", Some(&root));
    // Shapes inside a list of four forms are reported as the first of them.
    let unknown = with(&|d| set(d, "disclosure_algorithm", Some("sha256".into())));
    fails(&unknown, "SCHEMA_VALIDATION_FAILED", Some("payload.tool_receipts[0].receipt_version"));
}

#[test]
fn times_are_read_as_the_peer_reads_them() {
    const PLACE: &str = "payload.event_chain[0].timestamp";
    let at = |timestamp: &str| {
        let mut events = chain(&["llm_call"]);
        set(&mut events[0], "timestamp", Some(timestamp.into()));
        events[0] = hashed(events[0].clone());
        only(events)
    };
    for good in
        ["2026-11-22T12:00:00+01:00", "2026-11-22T12:00:00+0100", "2026-11-22 12:00:00z", "0001-01-01T00:00:00Z"]
    {
        passes(&at(good));
    }
    // The schema takes these, the peer's date parser does not.
    for no_date in ["2026-11-22T23:59:60Z", "2026-11-22T12:00:00+01"] {
        fails(&at(no_date), "MALFORMED_ENVELOPE", Some("payload.event_chain"));
    }
    for bad in [
        "10000-01-01T00:00:00Z",
        "+010000-01-01T00:00:00Z",
        "2026-11-22",
        "2026-11-22T12:00:00",
        "2026-02-30T00:00:00Z",
        "2026-11-22T12:30:60Z",
        "x",
    ] {
        fails(&at(bad), "SCHEMA_VALIDATION_FAILED", Some(PLACE));
    }
    // The envelope's own dates are parsed before the schema sees them.
    let envelope = |name: &str, time: &str| {
        let mut envelope = seal(good_payload());
        set(&mut envelope, name, Some(time.into()));
        envelope
    };
    fails(&envelope("issued_at", "+010000-01-01T00:00:00Z"), "SCHEMA_VALIDATION_FAILED", Some("issued_at"));
    fails(&envelope("issued_at", "10000-01-01T00:00:00Z"), "MALFORMED_ENVELOPE", Some("issued_at"));
    fails(&envelope("issued_at", "2026-11-22T12:00:00"), "SCHEMA_VALIDATION_FAILED", Some("issued_at"));
    passes(&envelope("expires_at", "2026-11-22T12:30:00Z"));
    fails(&envelope("expires_at", "2026-11-22T12:29:59.999Z"), "EXPIRED_TTL", Some("expires_at"));
    fails(&envelope("expires_at", "2026-11-22T23:59:60Z"), "MALFORMED_ENVELOPE", Some("expires_at"));
}

#[test]
fn a_bundle_that_nobody_signed_passes_and_is_marked() {
    let bare = verdict(&good_payload());
    assert_eq!((bare.status, bare.bare, bare.reason_code), (Status::Pass, true, "OK"));
    assert!(!verdict(&seal(good_payload())).bare);
    for (text, field) in [
        ("[]", "payload"),
        ("7", "payload"),
        (r#"{"bundle_version":"1","bundle_id":"b","agent_did":"did:key:z","event_chain":"x"}"#, "payload.event_chain"),
        (r#"{"bundle_version":"1","bundle_id":"b","agent_did":"did:key:z","receipts":[7]}"#, "payload.receipts[0]"),
    ] {
        let verdict = verdict(&value(text));
        let expected = (Status::Fail, "SCHEMA_VALIDATION_FAILED", Some(field));
        assert_eq!((verdict.status, verdict.reason_code, verdict.field.as_deref()), expected, "{text}");
    }
    let mut unknown = good_payload();
    set(&mut unknown, "tool_receipts[0].receipt_version", Some("3".into()));
    fails(&unknown, "UNKNOWN_VERSION", Some("payload.tool_receipts[0].receipt_version"));
}

#[test]
fn what_is_not_judged_gets_no_plain_pass_and_raises_no_tier() {
    let runner = value(
        r#"{"policy_binding":{},"runner_attestation_receipt":{"payload":{}},"sentinels":{"interpose_active":true,"egress_policy_receipt":{}}}"#,
    );
    let with_blocks = changed(|p| {
        set(p, "metadata", Some(runner));
        set(p, "vir_receipts", Some(vec![Object::new().into()].into()));
        set(p, "attestations", None);
    });
    let verdict = passes(&with_blocks);
    assert_eq!(verdict.status, Status::PassExceptNotChecked);
    let names = ["vir_receipts", "policy_binding", "runner_attestation_receipt", "egress_policy_receipt"];
    assert_eq!(verdict.not_checked, names);
    let tiers = (verdict.proof_tier.map(|t| t.name()), verdict.trust_tier.map(|t| t.name()));
    assert_eq!(tiers, (Some("gateway"), Some("verified")));
    let paid = spoiled("receipts[0].payload.metadata", Some(value(r#"{"x402_network":"base"}"#)));
    assert_eq!(passes(&paid).not_checked, ["x402"]);
    fails(&spoiled("vir_receipts", Some(Vec::new().into())), "SCHEMA_VALIDATION_FAILED", Some("payload.vir_receipts"));
}

#[test]
fn keys_and_signatures_are_held_to_the_letter() {
    let envelope = |name: &str, new: &str| {
        let mut envelope = seal(good_payload());
        set(&mut envelope, name, Some(new.into()));
        envelope
    };
    let signature = seal(good_payload()).text_at("signature_b64u").expect("a signature").to_owned();
    fails(&envelope("signature_b64u", &signature[..85]), "SIGNATURE_INVALID", None);
    fails(&envelope("signature_b64u", &format!("{}B", &signature[..85])), "SIGNATURE_INVALID", None);
    fails(&envelope("signature_b64u", &format!("{signature}=")), "MALFORMED_ENVELOPE", Some("signature_b64u"));
    fails(&envelope("payload_hash_b64u", &b64u("other")), "HASH_MISMATCH", None);
    fails(&envelope("hash_algorithm", "BLAKE3"), "HASH_MISMATCH", None);
    fails(&envelope("signer_did", &did("other agent")), "INVALID_DID_FORMAT", Some("signer_did"));
    let web = changed(|p| set(p, "agent_did", Some("did:web:agent.example".into())));
    fails(&web, "INVALID_DID_FORMAT", Some("signer_did"));
    // Reordered members are another payload.
    let mut reordered = seal(good_payload());
    let Some(Value::Object(members)) = reordered.get("payload") else { panic!("a payload") };
    let mut turned: Vec<_> = members.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    turned.reverse();
    set(&mut reordered, "payload", Some(Object::from_members(turned).expect("unique names").into()));
    fails(&reordered, "HASH_MISMATCH", None);
}

#[test]
fn legacy_entries_among_receipts_are_passed_over_but_hashed() {
    let payload = |extra: bool| {
        let mut payload = good_payload();
        let mut receipts = payload.get("receipts").and_then(Value::as_array).expect("receipts").to_vec();
        if extra {
            receipts.insert(0, value(r#"{"receipt_type":"diagnostic"}"#));
        }
        set(&mut payload, "receipts", Some(receipts.into()));
        payload
    };
    let verdict = passes(&seal(payload(true)));
    assert_eq!(verdict.receipts.len(), 2);
    let mut removed = seal(payload(true));
    set(&mut removed, "payload", Some(payload(false)));
    fails(&removed, "HASH_MISMATCH", None);
}

#[test]
fn prompt_commitments_and_run_manifests_are_compared() {
    let entries = [("b", "one"), ("A", "two"), ("a", "three")].map(|(id, text)| (id, b64u(text)));
    let listed = |order: [usize; 3]| {
        let rows =
            order.map(|at| format!(r#"{{"entry_id":"{}","content_hash_b64u":"{}"}}"#, entries[at].0, entries[at].1));
        rows.join(",")
    };
    let root = b64u(&format!(r#"{{"prompt_pack_version":"1","entries":[{}]}}"#, listed([2, 1, 0])));
    let pack = |root: &str| {
        format!(
            r#"{{"prompt_pack_version":"1","hash_algorithm":"SHA-256","prompt_root_hash_b64u":"{root}","entries":[{}]}}"#,
            listed([0, 1, 2])
        )
    };
    let with = |pack: &str, report: &str| {
        spoiled("metadata", Some(value(&format!(r#"{{"prompt_pack":{pack},"system_prompt_report":{report}}}"#))))
    };
    let report = |run: &str, event: &str| {
        format!(
            r#"{{"system_prompt_report_version":"1","report_id":"r","run_id":"{run}","agent_did":"{}",
            "issued_at":"2026-11-22T12:00:00Z","hash_algorithm":"SHA-256","prompt_root_hash_b64u":"{root}",
            "calls":[{{"event_id":"{event}","rendered_system_prompt_hash_b64u":"{root}"}}]}}"#,
            did("agent")
        )
    };
    passes(&with(&pack(&root), &report("run_1", "evt_0")));
    let place = |rest: &str| format!("payload.metadata.{rest}");
    let root_field = place("prompt_pack.prompt_root_hash_b64u");
    fails(&with(&pack(&b64u("x")), &report("run_1", "evt_0")), "HASH_MISMATCH", Some(&root_field));
    let run = place("system_prompt_report.run_id");
    fails(&with(&pack(&root), &report("run_2", "evt_0")), "PROMPT_COMMITMENT_MISMATCH", Some(&run));
    let call = place("system_prompt_report.calls[0].event_id");
    fails(&with(&pack(&root), &report("run_1", "evt_9")), "PROMPT_COMMITMENT_MISMATCH", Some(&call));
    fails(&with(&pack(&root), &report("run_1", "evt_1")), "PROMPT_COMMITMENT_MISMATCH", Some(&call));
    fails(&with("7", "7"), "SCHEMA_VALIDATION_FAILED", Some(&place("prompt_pack")));
}

#[test]
fn a_run_manifest_must_be_given_and_fit() {
    let urm = |run: &str| {
        value(&format!(
            r#"{{"urm_version":"1","urm_id":"urm_1","run_id":"{run}","agent_did":"{}","issued_at":"2026-11-22T12:00:00Z",
            "harness":{{"id":"openclaw","version":"1"}},"inputs":[],"outputs":[]}}"#,
            did("agent")
        ))
    };
    let reference = |document: &Value<'static>| {
        value(&format!(
            r#"{{"urm_version":"1","urm_id":"urm_1","resource_type":"urm","resource_hash_b64u":"{}"}}"#,
            b64u(&to_compact(document))
        ))
    };
    let judge = |given: Option<Value<'static>>, referred: &Value<'static>| {
        let mut options = options();
        options.urm = given;
        let bundle = changed(|p| set(p, "urm", Some(reference(referred))));
        let verdict = verify(&bundle, DocumentKind::ProofBundle, &options);
        (verdict.reason_code, verdict.field)
    };
    let at = |field: &str| Some(field.to_owned());
    let good = urm("run_1");
    assert_eq!(judge(Some(good.clone()), &good), ("OK", None));
    assert_eq!(judge(None, &good), ("URM_MISSING", at("urm")));
    assert_eq!(judge(Some(urm("run_2")), &good), ("URM_MISMATCH", at("urm.run_id")));
    assert_eq!(judge(Some(good.clone()), &urm("run_2")), ("HASH_MISMATCH", at("payload.urm.resource_hash_b64u")));
    let mut typed = good.clone();
    set(&mut typed, "harness.version", Some(1.into()));
    assert_eq!(judge(Some(typed), &good), ("SCHEMA_VALIDATION_FAILED", at("urm.harness.version")));
}

#[test]
fn the_causal_record_of_a_bundle_hangs_together() {
    let events = chain(&["llm_call", "tool_call", "llm_call"]);
    let with = |bindings: &[&str]| {
        let receipts =
            bindings.iter().enumerate().map(|(at, more)| gateway_receipt(receipt_payload(&events, at, more)));
        let mut payload =
            value(&format!(r#"{{"bundle_version":"1","bundle_id":"pb_1","agent_did":"{}"}}"#, did("agent")));
        set(&mut payload, "receipts", Some(receipts.collect::<Vec<_>>().into()));
        set(&mut payload, "event_chain", Some(events.clone().into()));
        seal(payload)
    };
    let place = |at: usize, name: &str| format!("payload.receipts[{at}].payload.binding.{name}");
    passes(&with(&[r#","span_id":"a""#, r#","span_id":"b","parentSpanId":" a ""#]));
    // A loop closed by a tool edge is no cycle of parents, but reaches no root.
    let looped =
        with(&[r#","span_id":"a""#, r#","span_id":"b","parent_span_id":"c""#, r#","spanId":"c","tool_span_id":"b""#]);
    fails(&looped, "CAUSAL_GRAPH_DISCONNECTED", Some(&place(1, "span_id")));
    // With one edge out of the loop the peer's memory of the cut search still refuses the other span.
    let way_out = with(&[
        r#","span_id":"r""#,
        r#","span_id":"v","parent_span_id":"n","tool_span_id":"r""#,
        r#","span_id":"n","tool_span_id":"v""#,
    ]);
    fails(&way_out, "CAUSAL_GRAPH_DISCONNECTED", Some(&place(2, "span_id")));
    let no_root = with(&[r#","span_id":"a","tool_span_id":"b""#, r#","span_id":"b","tool_span_id":"a""#]);
    fails(&no_root, "CAUSAL_GRAPH_DISCONNECTED", Some(&place(0, "span_id")));
    let own_parent = with(&[r#","span_id":"a","parent_span_id":"a""#]);
    fails(&own_parent, "CAUSAL_CYCLE_DETECTED", Some(&place(0, "parent_span_id")));
    let tool = with(&[r#","span_id":"a","toolSpanId":"x""#]);
    fails(&tool, "CAUSAL_REFERENCE_DANGLING", Some(&place(0, "toolSpanId")));
}
