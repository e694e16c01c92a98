//! Evidence that is wrong in one place: what was done, the code, the field.
//! The members that a good bundle may leave out stand here; those it has are
//! in `protocol_mutations`.

use pulselog::artifact::json::{Object, Value, to_compact};
use pulselog::protocol::{DocumentKind, Verdict, verify};

use crate::make::protocol::{at_path, gateway_receipt, good_payload, options, paths, seal, spoiled_in};
use crate::make::{b64u, did, hex, set, value};

/// A run manifest, and a payload that refers to it.
pub fn urm_document() -> Value<'static> {
    value(&format!(
        r#"{{"urm_version":"1","urm_id":"urm_1","run_id":"run_1","agent_did":"{}","issued_at":"2026-11-22T12:00:00Z",
        "harness":{{"id":"openclaw","version":"1"}},"inputs":[],"outputs":[{{"type":"log","hash_b64u":"{}"}}]}}"#,
        did("agent"),
        b64u("log"),
    ))
}

pub fn urm_reference() -> Value<'static> {
    value(&format!(
        r#"{{"urm_version":"1","urm_id":"urm_1","resource_type":"urm","resource_hash_b64u":"{}","metadata":{{"a":"b"}}}}"#,
        b64u(&to_compact(&urm_document()))
    ))
}

/// Members that the good payload leaves out, each with a good value.
fn optional_members() -> Vec<(&'static str, Value<'static>)> {
    let hash = || Value::from(b64u("more"));
    let text = |text: &str| Value::from(text);
    let identity =
        r#"{"model_identity_version":"1","tier":"closed_opaque","model":{"provider":"openrouter","name":"m-1"}}"#;
    vec![
        ("eip8004_agent_id", text("7")),
        ("eip8004_registry", Value::from(format!("eip155:1:0x{}", &hex("registry")[..40]))),
        ("urm", urm_reference()),
        ("receipts[0].expires_at", text("2026-11-22T13:00:00Z")),
        ("receipts[0].payload.binding.nonce", text("n")),
        ("receipts[0].payload.binding.policy_hash", text("p")),
        ("receipts[0].payload.binding.token_scope_hash_b64u", hash()),
        ("receipts[0].payload.metadata.model_identity", value(identity)),
        ("receipts[0].payload.metadata.model_identity_hash_b64u", hash()),
        (
            "receipts[0].payload.metadata.audit_result_refs",
            value(&format!(r#"[{{"resource_hash_b64u":"{}","uri":"x"}}]"#, b64u("more"))),
        ),
        ("tool_receipts[0].tool_version", text("v1")),
        ("tool_receipts[0].binding.nonce", text("n")),
        ("tool_receipts[0].binding.policy_hash", text("p")),
        ("tool_receipts[0].binding.token_scope_hash_b64u", hash()),
        ("tool_receipts[1].expires_at", text("2026-11-22T13:00:00Z")),
        ("tool_receipts[2].expires_at", text("2026-11-22T13:00:00Z")),
        ("side_effect_receipts[0].request_digest", text("x")),
        ("side_effect_receipts[0].response_digest", text("x")),
        ("side_effect_receipts[0].vendor_id", text("argocd")),
        ("side_effect_receipts[0].bytes_written", 12.into()),
        ("human_approval_receipts[0].scope_hash_b64u", hash()),
        ("human_approval_receipts[0].plan_hash_b64u", hash()),
        ("human_approval_receipts[0].capability_minted", false.into()),
        ("human_approval_receipts[0].policy_hash_b64u", hash()),
        ("rate_limit_claims[0].max_tokens_output", 9.into()),
        ("rate_limit_claims[0].observed_tokens_output", 3.into()),
    ]
}

/// The good payload with every member above, and a fourth tool receipt.
pub fn full_payload() -> Value<'static> {
    let mut payload = good_payload();
    for (path, new) in optional_members() {
        set(&mut payload, path, Some(new));
    }
    let inner = at_path(&payload, "receipts[0].payload").cloned().expect("a payload");
    let sealed = gateway_receipt(inner);
    for member in ["payload_hash_b64u", "signature_b64u"] {
        set(&mut payload, &format!("receipts[0].{member}"), sealed.get(member).cloned());
    }
    let mut tools = payload.get("tool_receipts").and_then(Value::as_array).expect("tool receipts").to_vec();
    tools.push(tools[2].get("payload").cloned().expect("a payload"));
    set(&mut payload, "tool_receipts", Some(tools.into()));
    payload
}

/// Judges with the run manifest at hand.
pub fn judge(document: &Value) -> Verdict {
    let mut options = options();
    options.urm = Some(urm_document());
    verify(document, DocumentKind::ProofBundle, &options)
}

/// Code and field of a document; `-` for a verdict that names none.
pub fn answer(document: &Value) -> String {
    let verdict = judge(document);
    format!("{} {}", verdict.reason_code, verdict.field.as_deref().unwrap_or("-"))
}

fn retyped(value: &Value<'static>) -> Value<'static> {
    if value.as_bool().is_some() { "text".into() } else { true.into() }
}

fn emptied(value: &Value<'static>) -> Option<Value<'static>> {
    match value {
        Value::String(_) => Some("".into()),
        Value::Array(_) => Some(Vec::new().into()),
        Value::Object(_) => Some(Object::new().into()),
        _ => None,
    }
}

/// What answers otherwise than the rule of its place: `=` is the field itself.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    // Texts of any length, and objects that may be empty.
    ("emptied", "side_effect_receipts[0].request_digest", "OK -"),
    ("emptied", "side_effect_receipts[0].response_digest", "OK -"),
    ("emptied", "side_effect_receipts[0].vendor_id", "OK -"),
    ("emptied", "human_approval_receipts[0].scope_hash_b64u", "OK -"),
    ("emptied", "human_approval_receipts[0].plan_hash_b64u", "OK -"),
    ("emptied", "human_approval_receipts[0].policy_hash_b64u", "OK -"),
    ("emptied", "tool_receipts[0].tool_version", "OK -"),
    ("emptied", "tool_receipts[0].binding.nonce", "OK -"),
    ("emptied", "tool_receipts[0].binding.policy_hash", "OK -"),
    ("emptied", "tool_receipts[0].binding.token_scope_hash_b64u", "OK -"),
    ("emptied", "receipts[0].payload.metadata", "OK -"),
    ("emptied", "receipts[0].payload.metadata.audit_result_refs", "OK -"),
    ("emptied", "receipts[0].payload.metadata.audit_result_refs[0].uri", "OK -"),
    ("emptied", "urm.metadata", "OK -"),
    ("retyped", "urm.metadata.a", "OK -"),
    ("emptied", "urm.metadata.a", "OK -"),
    // A limit and what was seen of it stand together or not at all.
    ("removed", "rate_limit_claims[0].max_tokens_output", "RATE_LIMIT_CLAIM_INCONSISTENT payload.rate_limit_claims[0]"),
    (
        "removed",
        "rate_limit_claims[0].observed_tokens_output",
        "RATE_LIMIT_CLAIM_INCONSISTENT payload.rate_limit_claims[0]",
    ),
    // Emptied objects miss their first required member.
    ("emptied", "urm", "SCHEMA_VALIDATION_FAILED payload.urm.urm_version"),
    ("emptied", "receipts[0].payload.metadata.model_identity", "SCHEMA_VALIDATION_FAILED =.model_identity_version"),
    ("emptied", "receipts[0].payload.metadata.model_identity.model", "SCHEMA_VALIDATION_FAILED =.provider"),
    ("emptied", "receipts[0].payload.metadata.audit_result_refs[0]", "SCHEMA_VALIDATION_FAILED =.resource_hash_b64u"),
    ("removed", "receipts[0].payload.metadata.model_identity.model_identity_version", "SCHEMA_VALIDATION_FAILED ="),
    ("removed", "receipts[0].payload.metadata.model_identity.tier", "SCHEMA_VALIDATION_FAILED ="),
    ("removed", "receipts[0].payload.metadata.model_identity.model", "SCHEMA_VALIDATION_FAILED ="),
    ("removed", "receipts[0].payload.metadata.model_identity.model.provider", "SCHEMA_VALIDATION_FAILED ="),
    ("removed", "receipts[0].payload.metadata.model_identity.model.name", "SCHEMA_VALIDATION_FAILED ="),
    ("removed", "receipts[0].payload.metadata.audit_result_refs[0].resource_hash_b64u", "SCHEMA_VALIDATION_FAILED ="),
    ("removed", "urm.urm_version", "SCHEMA_VALIDATION_FAILED ="),
    ("removed", "urm.urm_id", "SCHEMA_VALIDATION_FAILED ="),
    ("removed", "urm.resource_type", "SCHEMA_VALIDATION_FAILED ="),
    ("removed", "urm.resource_hash_b64u", "SCHEMA_VALIDATION_FAILED ="),
    // No form fits an envelope any more: reported as the first form, which has no envelope.
    ("retyped", "tool_receipts[1].expires_at", "SCHEMA_VALIDATION_FAILED payload.tool_receipts[1].receipt_version"),
    ("emptied", "tool_receipts[1].expires_at", "SCHEMA_VALIDATION_FAILED payload.tool_receipts[1].receipt_version"),
    ("retyped", "tool_receipts[2].expires_at", "SCHEMA_VALIDATION_FAILED payload.tool_receipts[2].receipt_version"),
    ("emptied", "tool_receipts[2].expires_at", "SCHEMA_VALIDATION_FAILED payload.tool_receipts[2].receipt_version"),
];

/// The answer to every change of `paths`, compared with `rule` and `exceptions`.
fn check_changes(paths: &[String], rule: fn(&str) -> &'static str, exceptions: &[(&str, &str, &str)]) {
    let good = full_payload();
    let mut met = 0;
    for path in paths {
        let value = at_path(&good, path).expect("a value");
        let changes =
            [("removed", Some(None)), ("retyped", Some(Some(retyped(value)))), ("emptied", emptied(value).map(Some))];
        for (what, change) in changes {
            let Some(new) = change else { continue };
            let exception = exceptions.iter().find(|(done, at, _)| (*done, *at) == (what, path.as_str()));
            met += usize::from(exception.is_some());
            let expected = exception.map_or_else(|| rule(what), |(_, _, answer)| answer);
            let expected = expected.replace('=', &format!("payload.{path}"));
            assert_eq!(answer(&spoiled_in(good.clone(), path, new)), expected, "{what} {path}");
        }
    }
    assert_eq!(met, exceptions.len(), "an exception that no change meets");
}

#[test]
fn optional_members_may_go_but_are_named_when_retyped_or_emptied() {
    passes_full();
    let usual = good_payload();
    let is_more = |path: &String| at_path(&usual, path).is_none() && !path.starts_with(V2);
    let more: Vec<_> = paths(&full_payload()).into_iter().filter(is_more).collect();
    assert!(more.len() > 40, "{}", more.len());
    let rule = |what: &str| if what == "removed" { "OK -" } else { "SCHEMA_VALIDATION_FAILED =" };
    check_changes(&more, rule, EXCEPTIONS);
}

fn passes_full() {
    assert_eq!(answer(&seal(full_payload())), "OK -");
}

/// A tool receipt of version 2 without envelope.
const V2: &str = "tool_receipts[3]";

const ROOT_OF_V2: &str = "DISCLOSURE_ROOT_MISMATCH payload.tool_receipts[3].args_disclosure.merkle_root_b64u";

#[test]
fn a_bare_tool_receipt_of_version_2_is_refused_for_each_member() {
    passes_full();
    let required = "receipt_version receipt_id tool_name args_hash_b64u result_hash_b64u hash_algorithm agent_did \
                    timestamp latency_ms";
    let place = |rest: &str| format!("{V2}.{rest}");
    let leaf = |rest: &str| place(&format!("args_disclosure.disclosed_leaves.{rest}"));
    let hidden = place("args_disclosure.redacted_leaf_hashes_b64u");
    let type_of = "DISCLOSURE_TYPE_MISMATCH payload.tool_receipts[3].args_disclosure.disclosed_leaves.";
    let (of_action, of_dry_run) = (format!("{type_of}action"), format!("{type_of}dry_run"));
    let mut rows: Vec<(&str, String, &str)> = vec![
        ("removed", place("result_status"), "OK -"),
        ("removed", place("binding"), "OK -"),
        ("emptied", place("binding"), "OK -"),
        ("removed", place("binding.run_id"), "OK -"),
        ("removed", place("binding.event_hash_b64u"), "OK -"),
        ("removed", place("args_disclosure"), "OK -"),
        ("removed", place("args_salt_b64u"), "SCHEMA_VALIDATION_FAILED payload.tool_receipts[3].result_salt_b64u"),
        ("emptied", hidden.clone(), ROOT_OF_V2),
        ("removed", format!("{hidden}[0]"), ROOT_OF_V2),
        ("emptied", place("args_disclosure.disclosed_leaves"), ROOT_OF_V2),
        ("removed", leaf("action"), ROOT_OF_V2),
        ("removed", leaf("dry_run"), ROOT_OF_V2),
        ("emptied", leaf("action.value"), ROOT_OF_V2),
        ("retyped", leaf("action.value"), &of_action),
        ("retyped", leaf("dry_run.value"), &of_dry_run),
    ];
    rows.extend(required.split_whitespace().map(|name| ("removed", place(name), "SCHEMA_VALIDATION_FAILED =")));
    let rows: Vec<_> = rows.iter().map(|(what, path, answer)| (*what, path.as_str(), *answer)).collect();
    let members: Vec<_> =
        paths(&full_payload()).into_iter().filter(|path| path.starts_with(V2) && path.len() > V2.len()).collect();
    // Reported as the first form, to which the salts are foreign.
    check_changes(&members, |_| "SCHEMA_VALIDATION_FAILED payload.tool_receipts[3].args_salt_b64u", &rows);
}
