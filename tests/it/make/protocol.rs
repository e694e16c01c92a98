//! A good proof bundle with one of everything that is judged, and the means to
//! spoil it: change the payload, seal again, so that the check meant is the one
//! that answers.

use pulselog::artifact::json::{Object, Value, to_compact, to_jcs};
use pulselog::protocol::{DocumentKind, Options, Status, Verdict, verify};

use crate::make::{b64u, did, key, kind, seal_raw, set, value};

/// 2026-11-22T12:30:00Z, half an hour after everything was issued.
pub const NOW_MS: i64 = 1_795_350_600_000;

pub fn options() -> Options {
    let mut options = Options::at(NOW_MS);
    options.gateway_signers = Some(vec![did("gateway")]);
    options.attesters = Some(vec![did("attester")]);
    options
}

pub fn verdict(document: &Value) -> Verdict {
    verify(document, DocumentKind::ProofBundle, &options())
}

/// The code and field of a document that fails.
#[track_caller]
pub fn fails(document: &Value, code: &str, field: Option<&str>) {
    let verdict = verdict(document);
    assert_eq!((verdict.reason_code, verdict.field.as_deref()), (code, field), "{verdict:?}");
    assert_eq!(verdict.status, Status::Fail);
    assert_eq!((verdict.proof_tier, verdict.trust_tier, verdict.risk_flags.len()), (None, None, 0));
}

#[track_caller]
pub fn passes(document: &Value) -> Verdict {
    let verdict = verdict(document);
    assert_eq!(verdict.reason_code, "OK", "{verdict:?}");
    verdict
}

/// Seals a bundle as the agent.
pub fn seal(payload: Value<'static>) -> Value<'static> {
    seal_raw(kind("proof_bundle"), payload, &key("agent"))
}

pub fn gateway_receipt(payload: Value<'static>) -> Value<'static> {
    seal_raw(kind("gateway_receipt"), payload, &key("gateway"))
}

/// A chain of events of these types, linked and hashed.
pub fn chain(types: &[&str]) -> Vec<Value<'static>> {
    let mut events: Vec<Value> = Vec::new();
    for (at, event_type) in types.iter().enumerate() {
        let mut event = Object::new();
        event.set("event_id", format!("evt_{at}").into());
        event.set("run_id", "run_1".into());
        event.set("event_type", (*event_type).into());
        event.set("timestamp", "2026-11-22T12:00:00.000Z".into());
        event.set("payload_hash_b64u", b64u(&format!("event {at}")).into());
        let previous = events.last().and_then(|event| event.get("event_hash_b64u").cloned());
        event.set("prev_hash_b64u", previous.unwrap_or(Value::Null));
        events.push(hashed(event.into()));
    }
    events
}

/// The event with the hash of its header.
pub fn hashed(mut event: Value<'static>) -> Value<'static> {
    let mut header = event.as_object().expect("an event").clone();
    header.remove("event_hash_b64u");
    set(&mut event, "event_hash_b64u", Some(b64u(&to_compact(&header.into())).into()));
    event
}

fn event_hash(events: &[Value], at: usize) -> String {
    events[at].text_at("event_hash_b64u").expect("a hash").to_owned()
}

/// A gateway receipt's payload about event `at`, with its own span.
pub fn receipt_payload(events: &[Value<'static>], at: usize, more: &str) -> Value<'static> {
    value(&format!(
        r#"{{"receipt_version":"1","receipt_id":"rcpt_{at}","gateway_id":"gw_1","provider":"openrouter","model":"m-1",
        "request_hash_b64u":"{}","response_hash_b64u":"{}","tokens_input":120,"tokens_output":40,"latency_ms":812,
        "timestamp":"2026-11-22T12:00:00.000Z","binding":{{"run_id":"run_1","event_hash_b64u":"{}"{more}}}}}"#,
        b64u("request"),
        b64u("response"),
        event_hash(events, at),
    ))
}

/// A disclosure of two values, one hidden leaf, and the root over them.
pub fn disclosure() -> Value<'static> {
    let leaves = [("action", "string", "\"sync\""), ("dry_run", "boolean", "false")];
    let hidden = b64u("hidden leaf");
    let mut hashes = vec![hidden.clone()];
    let mut disclosed = Object::new();
    for (path, kind, json) in leaves {
        let leaf = value(&format!(r#"{{"type":"{kind}","value":{json},"salt_b64u":"c2FsdHNhbHQ"}}"#));
        hashes.push(b64u(&format!("{path}:{}", to_jcs(&leaf))));
        disclosed.set(path, leaf);
    }
    hashes.sort();
    let root = b64u(&to_jcs(&Value::from(hashes.into_iter().map(Value::from).collect::<Vec<_>>())));
    let mut out = value(&format!(
        r#"{{"disclosure_algorithm":"vir_v2_typed_lexicographical","merkle_root_b64u":"{root}",
        "redacted_leaf_hashes_b64u":["{hidden}"]}}"#
    ));
    set(&mut out, "disclosed_leaves", Some(disclosed.into()));
    out
}

/// Tool receipts: a payload, an envelope of version 1, one of version 2 with
/// co-signature and disclosure.
fn tool_receipts(events: &[Value<'static>]) -> Vec<Value<'static>> {
    let payload = |version: &str, more: &str| {
        value(&format!(
            r#"{{"receipt_version":"{version}","receipt_id":"tr_{version}","tool_name":"argocd.app.sync",
            "args_hash_b64u":"{}","result_hash_b64u":"{}","result_status":"success","hash_algorithm":"SHA-256",
            "agent_did":"{}","timestamp":"2026-11-22T12:00:01Z","latency_ms":12,
            "binding":{{"run_id":"run_1","event_hash_b64u":"{}"}}{more}}}"#,
            b64u("args"),
            b64u("result"),
            did("agent"),
            event_hash(events, 1),
        ))
    };
    let mut second = payload("2", r#","args_salt_b64u":"c2FsdHNhbHQ","result_salt_b64u":"c2FsdHNhbHQ""#);
    let disclosure = disclosure();
    set(&mut second, "args_hash_b64u", disclosure.get("merkle_root_b64u").cloned());
    set(&mut second, "args_disclosure", Some(disclosure));
    let sealed = |payload| seal_raw(kind("tool_receipt"), payload, &key("agent"));
    let mut co_signed = sealed(second.clone());
    let co_signature = seal_raw(kind("tool_receipt"), second, &key("wrapper"));
    let text = |name| co_signature.text_at(name).expect("a text");
    let co_signature = format!(
        r#"[{{"signature_b64u":"{}","algorithm":"Ed25519","signer_did":"{}","issued_at":"{}","role":"proxy"}}]"#,
        text("signature_b64u"),
        text("signer_did"),
        text("issued_at")
    );
    set(&mut co_signed, "co_signatures", Some(value(&co_signature)));
    vec![payload("1", ""), sealed(payload("1", "")), co_signed]
}

fn attestation() -> Value<'static> {
    use base64ct::Encoding as _;
    use ed25519_dalek::Signer as _;
    let mut attestation = value(&format!(
        r#"{{"attestation_id":"att_1","attestation_type":"owner","attester_did":"{}","subject_did":"{}",
        "expires_at":"2027-01-01T00:00:00Z","signature_b64u":""}}"#,
        did("attester"),
        did("agent")
    ));
    let signature = key("attester").sign(to_jcs(&attestation).as_bytes()).to_bytes();
    let signature = base64ct::Base64UrlUnpadded::encode_string(&signature);
    set(&mut attestation, "signature_b64u", Some(signature.into()));
    attestation
}

/// The good payload: two events, two gateway receipts with spans, three tool
/// receipts, a side effect, an approval, a rate limit claim, an attestation.
pub fn good_payload() -> Value<'static> {
    let events = chain(&["llm_call", "tool_call"]);
    let root = gateway_receipt(receipt_payload(&events, 0, r#","span_id":"s_1","phase":"planning""#));
    let child = r#","span_id":"s_2","parent_span_id":"s_1","phase":"execution","attribution_confidence":1"#;
    let child = gateway_receipt(receipt_payload(&events, 1, child));
    let mut payload = value(&format!(
        r#"{{"bundle_version":"1","bundle_id":"pb_1","agent_did":"{agent}",
        "side_effect_receipts":[{{"receipt_version":"1","receipt_id":"se_1","effect_class":"external_api_write",
          "target_digest":"x","hash_algorithm":"SHA-256","agent_did":"{agent}","timestamp":"2026-11-22T12:00:02Z",
          "binding":{{"tool_span_id":"s_2"}}}}],
        "human_approval_receipts":[{{"receipt_version":"1","receipt_id":"ha_1","approval_type":"explicit_approve",
          "approver_subject":"sre","agent_did":"{agent}","timestamp":"2026-11-22T12:00:02Z",
          "binding":{{"parent_span_id":"s_2"}}}}],
        "rate_limit_claims":[{{"claim_version":"1","scope":"agent","scope_key":"all","run_id":"run_1",
          "window_start":"2026-11-22T12:00:00Z","window_end":"2026-11-22T13:00:00Z","max_requests":5,
          "observed_requests":2,"max_tokens_input":1000,"observed_tokens_input":240}}],
        "metadata":{{"harness":{{"id":"openclaw","version":"1"}},"pulselog":{{"job_id":"job_123"}}}}}}"#,
        agent = did("agent"),
    ));
    set(&mut payload, "tool_receipts", Some(tool_receipts(&events).into()));
    set(&mut payload, "attestations", Some(vec![attestation()].into()));
    set(&mut payload, "receipts", Some(vec![root, child].into()));
    set(&mut payload, "event_chain", Some(events.into()));
    payload
}

/// The good payload with one change, sealed.
pub fn spoiled(path: &str, new: Option<Value<'static>>) -> Value<'static> {
    spoiled_in(good_payload(), path, new)
}

/// A payload with one change, sealed; gateway and tool envelopes whose payload
/// was changed are sealed again as well.
pub fn spoiled_in(mut payload: Value<'static>, path: &str, new: Option<Value<'static>>) -> Value<'static> {
    set(&mut payload, path, new);
    for (list, seed, name) in [("receipts", "gateway", "gateway_receipt"), ("tool_receipts", "agent", "tool_receipt")] {
        let Some((at, rest)) = path.strip_prefix(&format!("{list}[")).and_then(|rest| rest.split_once("].")) else {
            continue;
        };
        if !rest.starts_with("payload.") {
            continue;
        }
        let entry = format!("{list}[{at}]");
        let envelope = at_path(&payload, &entry).expect("an envelope");
        let inner = envelope.get("payload").cloned().expect("a payload");
        let sealed = seal_raw(kind(name), inner, &key(seed));
        for member in ["payload_hash_b64u", "signature_b64u"] {
            set(&mut payload, &format!("{entry}.{member}"), sealed.get(member).cloned());
        }
    }
    seal(payload)
}

/// The value at a path such as `receipts[0].payload`.
pub fn at_path<'a>(value: &'a Value<'static>, path: &str) -> Option<&'a Value<'static>> {
    let mut value = value;
    for step in path.replace('[', ".[").split('.') {
        value = match step.strip_prefix('[') {
            Some(index) => value.as_array()?.get(index.trim_end_matches(']').parse::<usize>().ok()?)?,
            None => value.get(step)?,
        };
    }
    Some(value)
}

/// Every path in a value, containers before what they hold.
pub fn paths(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, out: &mut Vec<String>) {
        let mut go = |path: String, value: &Value| {
            out.push(path.clone());
            walk(value, &path, out);
        };
        match value {
            Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| go(format!("{at}[{i}]"), item)),
            Value::Object(object) => {
                let dot = if at.is_empty() { "" } else { "." };
                object.iter().for_each(|(name, member)| go(format!("{at}{dot}{name}"), member));
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(value, "", &mut out);
    out
}
