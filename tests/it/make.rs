//! Fixture builders: keys from seeds, one good payload a kind, seals that do
//! not care whether a payload is good. Everything here is deterministic.

pub mod argocd;
#[cfg(feature = "server")]
pub mod argocd_fixture;
pub mod argocd_rounds;
pub mod attest;
pub mod audit;
// Without the server one test has a browser look at one page.
#[cfg_attr(not(feature = "server"), allow(dead_code))]
pub mod chrome;
pub mod evidence;
pub mod gotemplate;
#[cfg(feature = "server")]
pub mod hooks;
#[cfg(feature = "server")]
pub mod listening;
#[cfg(feature = "server")]
pub mod logs;
pub mod policy;
pub mod protocol;
#[cfg(feature = "server")]
pub mod reader;
#[cfg(feature = "server")]
pub mod served;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub mod shell;
#[cfg(feature = "server")]
pub mod story;
#[cfg(feature = "server")]
pub mod told;
#[cfg(feature = "server")]
pub mod trackers;

use std::path::PathBuf;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use pulselog::artifact::json::{self, Object, Value, to_compact, to_jcs};
use pulselog::artifact::{
    AdmitError, Admitted, Artifact, Did, Grant, HashForm, KeyCache, Kind, Limits, admit, op_key, readmit,
    scope_hash_b64u,
};
use sha2::{Digest as _, Sha256};

pub const ISSUED_AT: &str = "2026-11-22T12:00:00.000Z";

/// The key that `seed` stands for in every test.
pub fn key(seed: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(seed).into())
}

pub fn did(seed: &str) -> String {
    Did::of(&key(seed).verifying_key()).to_string()
}

pub fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn b64u(text: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(text))
}

pub fn value(text: &str) -> Value<'static> {
    json::parse(text.as_bytes(), 64).unwrap_or_else(|error| panic!("{error} in {text}")).into_owned()
}

pub fn kind(name: &str) -> Kind {
    Kind::parse(name).unwrap_or_else(|| panic!("no kind {name}"))
}

/// Who signs a good artifact of this kind in the demo's story.
pub fn signer_of(kind: Kind) -> &'static str {
    match kind.name() {
        "gateway_receipt" => "gateway",
        "work_policy" => "policy signer",
        "cst_issuance" | "cst_revocation" => "issuer",
        "approval" => "approver",
        "argocd_decision" | "argocd_receipt" => "wrapper",
        "change_record" => "recorder",
        "argocd_observation" | "argocd_snapshot" => "observer",
        "audit_roots" | "audit_statement" | "withholding" => "operator",
        _ => "agent",
    }
}

/// A compact JWS with nothing in it: `{"alg":"none"}`, `{}`.
pub const JWS: &str = "eyJhbGciOiJub25lIn0.e30.c2ln";

/// An envelope around any payload, good or not, in the kind's hash form.
pub fn seal_raw(kind: Kind, payload: Value<'static>, key: &SigningKey) -> Value<'static> {
    let envelope_version = if payload.text_at("receipt_version") == Some("2") { "2" } else { "1" };
    let hash = payload_hash(kind, &payload);
    let signature = Base64UrlUnpadded::encode_string(&key.sign(hash.as_bytes()).to_bytes());
    let mut envelope = Object::new();
    envelope.set("envelope_version", envelope_version.into());
    envelope.set("envelope_type", kind.row().envelope_type.into());
    envelope.set("payload", payload);
    envelope.set("payload_hash_b64u", hash.into());
    envelope.set("hash_algorithm", "SHA-256".into());
    envelope.set("signature_b64u", signature.into());
    envelope.set("algorithm", "Ed25519".into());
    envelope.set("signer_did", Did::of(&key.verifying_key()).as_str().into());
    envelope.set("issued_at", ISSUED_AT.into());
    envelope.into()
}

pub fn payload_hash(kind: Kind, payload: &Value) -> String {
    b64u(&match kind.row().hash_form {
        HashForm::Compact => to_compact(payload),
        HashForm::Jcs => to_jcs(payload),
    })
}

/// Sets, or with `None` removes, the value at a path such as `claims.aud[0]`.
pub fn set(value: &mut Value<'static>, path: &str, new: Option<Value<'static>>) {
    let (head, rest) = match path.find(['.', '[']) {
        Some(0) => (&path[..path.find(']').expect("a closing bracket") + 1], &path[path.find(']').unwrap() + 1..]),
        Some(at) => path.split_at(at),
        None => (path, ""),
    };
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    match value {
        Value::Array(items) => {
            let at: usize = head.trim_matches(['[', ']']).parse().expect("an index");
            match new {
                new if !rest.is_empty() => set(&mut items[at], rest, new),
                Some(new) => items[at] = new,
                None => drop(items.remove(at)),
            }
        }
        Value::Object(object) if rest.is_empty() => match new {
            Some(new) => object.set(head, new),
            None => assert!(object.remove(head).is_some(), "nothing at {head}"),
        },
        Value::Object(object) => {
            let mut inner = object.get(head).cloned().unwrap_or(Value::Object(Object::new()));
            set(&mut inner, rest, new);
            object.set(head, inner);
        }
        other => panic!("{path} leads into {}", other.type_name()),
    }
}

/// A grant that the artifact's kind needs, whoever sends it.
pub fn grant_for(kind: Kind, signed: bool) -> Grant {
    if signed { Grant::all() } else { Grant::any_unsigned(kind) }
}

/// Admits as a submitter who may write anything that is signed, or this kind
/// unsigned.
pub fn admit_any(text: &str) -> Result<Admitted<'static>, AdmitError> {
    let admitted = admit(text.as_bytes(), &grant_of(text), &Limits::default(), &KeyCache::new())?;
    let Admitted { artifact, receipts, expanded, not_expanded, redacted } = admitted;
    let expanded = expanded.into_iter().map(Artifact::into_owned).collect();
    Ok(Admitted { artifact: artifact.into_owned(), receipts, expanded, not_expanded, redacted })
}

/// The same for what is logged already.
pub fn readmit_any(text: &str) -> Result<Artifact<'static>, AdmitError> {
    readmit(text.as_bytes(), &grant_of(text), &Limits::default(), &KeyCache::new()).map(Artifact::into_owned)
}

fn grant_of(text: &str) -> Grant {
    let bare = ["trust_pulse", "argocd_observation", "argocd_snapshot"];
    let parsed = json::parse(text.as_bytes(), 64).ok();
    let signed = parsed.as_ref().is_none_or(|value| value.get("envelope_type").is_some());
    let found = bare.iter().find(|name| parsed.as_ref().is_some_and(|v| v.get(&format!("{name}_version")).is_some()));
    match found {
        Some(name) if !signed => grant_for(kind(name), false),
        _ => Grant::all(),
    }
}

/// The stable outcome of admission: `admitted` or the code.
pub fn outcome(text: &str) -> &'static str {
    admit_any(text).map_or_else(|error| error.code().name, |_| "admitted")
}

/// Refused with this code at this place.
#[track_caller]
pub fn refuses(text: &str, code: &str, path: Option<&str>) {
    let error = admit_any(text).expect_err("refused");
    assert_eq!((error.code().name, error.path()), (code, path), "{error}");
}

/// A good artifact of `kind`, signed by the role of [`signer_of`].
pub fn good(kind: Kind) -> String {
    to_compact(&seal_raw(kind, good_payload(kind), &key(signer_of(kind))))
}

/// The good payload of a kind that may come unsigned, without envelope.
pub fn good_bare(name: &str) -> String {
    to_compact(&good_payload(kind(name)))
}

/// Where a text of at least 64 bytes may stand in a payload of `kind`.
pub fn text_path(kind: Kind) -> &'static str {
    match kind.name() {
        "gateway_receipt" => "metadata.deep[0].er.note",
        "proof_bundle" => "metadata.deep[0].er.note",
        "work_policy" => "workload.runtime",
        "trust_pulse" => "tools[0].name",
        "cst_issuance" => "claims.scope[0]",
        "cst_revocation" | "withholding" => "reason",
        "approval" => "binds.params.sync_options[0]",
        "argocd_decision" => "decision_reason",
        "argocd_receipt" => "resource_version",
        "change_record" => "change_ref.key",
        "audit_roots" => "agents[0].usernames[0].username",
        "audit_statement" => "findings[0].code",
        "argocd_observation" => "info[0].value",
        "argocd_snapshot" => "rows[0].app.uid",
        _ => "receipt_id",
    }
}

fn app() -> &'static str {
    r#"{"uid":"0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11","name":"payments-api","namespace":"argocd","project":"payments"}"#
}

fn binds(action: &str, more: &str) -> String {
    format!(
        r#"{{"instance":"argocd-prod","job_id":"job_123","action":"{action}","app":{app},
        "destination":{{"server":"https://kubernetes.default.svc","namespace":"prod-canary"}},
        "revisions":["{revision}"]{more}}}"#,
        app = app(),
        revision = &hex("revision")[..40],
    )
}

/// The one good payload of `kind`: every required field, most optional ones.
pub fn good_payload(kind: Kind) -> Value<'static> {
    let nonce = &hex(kind.name())[..32];
    let text = match kind.name() {
        "gateway_receipt"
        | "tool_receipt"
        | "side_effect_receipt"
        | "human_approval_receipt"
        | "delegation_receipt" => receipt_payload(kind.name()),
        "proof_bundle" => return bundle_payload(),
        "cst_issuance" => return issuance_payload(nonce),
        "work_policy" => WORK_POLICY.to_owned(),
        "trust_pulse" => format!(
            r#"{{"trust_pulse_version":"1","trust_pulse_id":"tp_1","run_id":"run_1","agent_did":"{}",
            "issued_at":"{ISSUED_AT}","evidence_class":"self_reported","tier_uplift":false,"duration_ms":90000,
            "tools":[{{"name":"argocd.app.sync","calls":1}}],"files":[{{"path":"deploy/values.yaml","touches":2}}]}}"#,
            did("agent")
        ),
        "audit_roots" | "audit_statement" | "withholding" => operator_payload(kind.name(), nonce),
        _ => control_payload(kind.name(), nonce),
    };
    value(&text)
}

const WORK_POLICY: &str = r#"{"wpc_version":"v1",
 "workload":{"runtime":"openclaw","agent_name":"argo-deploy-assistant","environment":"prod"},
 "tools":{"argo_cd":{"mode":"official_api",
   "allow":[{"action":"read","apps":["payments-api"],"namespaces":["prod-canary"]},
            {"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"],"require_approval":true}],
   "deny":[{"action":"edit_app_spec"},{"action":"cluster_admin"}]}},
 "token":{"cst":{"max_ttl_seconds":1800,"scope_hash_required":true,"policy_hash_pinning":"optional"}},
 "audit":{"require_gateway_receipts":true,"produce_proof_bundle":true}}"#;

fn receipt_payload(name: &str) -> String {
    let agent = did("agent");
    let binding = format!(r#"{{"run_id":"run_1","event_hash_b64u":"{}"}}"#, b64u("event"));
    let (a, b) = (b64u("request"), b64u("response"));
    match name {
        "gateway_receipt" => format!(
            r#"{{"receipt_version":"1","receipt_id":"rcpt_1","gateway_id":"gw_1","provider":"openrouter","model":"m-1",
            "request_hash_b64u":"{a}","response_hash_b64u":"{b}","tokens_input":120,"tokens_output":40,
            "latency_ms":812,"timestamp":"{ISSUED_AT}","binding":{binding},"metadata":{{"deep":[{{"er":{{"note":"x"}}}}]}}}}"#
        ),
        "tool_receipt" => format!(
            r#"{{"receipt_version":"1","receipt_id":"tr_1","tool_name":"argocd.app.sync","tool_version":"v2.13",
            "args_hash_b64u":"{a}","result_hash_b64u":"{b}","result_status":"success","hash_algorithm":"SHA-256",
            "agent_did":"{agent}","timestamp":"{ISSUED_AT}","latency_ms":12,"binding":{binding}}}"#
        ),
        "side_effect_receipt" => format!(
            r#"{{"receipt_version":"1","receipt_id":"se_1","effect_class":"external_api_write","target_hash_b64u":"{a}",
            "vendor_id":"argocd","request_hash_b64u":"{a}","response_hash_b64u":"{b}","response_status":"denied",
            "hash_algorithm":"SHA-256","agent_did":"{agent}","timestamp":"{ISSUED_AT}","latency_ms":12,
            "binding":{binding}}}"#
        ),
        "human_approval_receipt" => format!(
            r#"{{"receipt_version":"1","receipt_id":"ha_1","approval_type":"explicit_approve","approver_subject":"sre",
            "agent_did":"{agent}","scope_hash_b64u":"{a}","hash_algorithm":"SHA-256","timestamp":"{ISSUED_AT}",
            "binding":{binding}}}"#
        ),
        _ => format!(
            r#"{{"receipt_version":"1","receipt_id":"dr_1","delegator_did":"{agent}","delegate_did":"{}",
            "task_description_hash_b64u":"{a}","delegate_bundle_hash_b64u":"{b}","hash_algorithm":"SHA-256",
            "delegated_at":"{ISSUED_AT}","binding":{binding}}}"#,
            did("other agent")
        ),
    }
}

/// A bundle with one enveloped receipt of every kind that expands, and one
/// that is only a payload.
pub fn bundle_payload() -> Value<'static> {
    let sealed = |name| good(kind(name));
    value(&format!(
        r#"{{"bundle_version":"1","bundle_id":"pb_1","agent_did":"{agent}",
        "event_chain":[{{"event_id":"evt_1","run_id":"run_1","event_type":"llm_call","timestamp":"{ISSUED_AT}",
          "payload_hash_b64u":"{hash}","prev_hash_b64u":null,"event_hash_b64u":"{hash}"}}],
        "receipts":[{}],"tool_receipts":[{},{raw_tool}],"side_effect_receipts":[{}],"human_approval_receipts":[{}],
        "delegation_receipts":[{}],
        "metadata":{{"deep":[{{"er":{{"note":"x"}}}}],"pulselog":{{"job_id":"job_123",
          "change_ref":{{"system":"jira","key":"CHG-1"}},"policy_hash_b64u":"{hash}","token_hashes":["{token}"]}}}}}}"#,
        sealed("gateway_receipt"),
        sealed("tool_receipt"),
        sealed("side_effect_receipt"),
        sealed("human_approval_receipt"),
        sealed("delegation_receipt"),
        agent = did("agent"),
        hash = b64u("event"),
        raw_tool = receipt_payload("tool_receipt"),
        token = hex("token"),
    ))
}

fn issuance_payload(nonce: &str) -> Value<'static> {
    let mut payload = value(&format!(
        r#"{{"cst_issuance_version":"1","nonce":"{nonce}","token_hash":"{}",
        "claims":{{"token_version":"1","sub":"{}","aud":["clawproxy.example"],"scope":["proxy:call","argocd:sync"],
          "iat":1795435200,"exp":1795436100,"policy_hash_b64u":"{}","token_scope_hash_b64u":"x","mission_id":"job_123"}},
        "kid":"0123456789abcdef","issuer_alias":"did:web:issuer.example",
        "argocd":{{"instance":"argocd-prod","project":"payments","role":"agent","token_id":"tok-1"}}}}"#,
        hex("token"),
        did("agent"),
        b64u("policy"),
    ));
    rehash_scope(&mut payload);
    payload
}

/// Makes the scope hash of an issuance match its claims again.
pub fn rehash_scope(payload: &mut Value<'static>) {
    let hash = scope_hash_b64u(payload.get("claims").expect("claims"));
    set(payload, "claims.token_scope_hash_b64u", Some(hash.into()));
}

fn operator_payload(name: &str, nonce: &str) -> String {
    let (agent, hash) = (did("agent"), hex("leaf"));
    match name {
        "audit_roots" => format!(
            r#"{{"audit_roots_version":"1","nonce":"{nonce}","origin":"log.example/test","policy_signers":["{}"],
            "cst_issuers":["{issuer}"],"cst_revokers":["{issuer}"],"gateways":["{}"],"reviewers":[],"recorders":["{}"],
            "approvers":[{{"did":"{}","instances":["argocd-prod"]}}],"wrappers":[{{"did":"{}","agents":["{agent}"]}}],
            "observers":[{{"submitter":"observer-prod","instance":"argocd-prod","channels":["notify","poll"]}}],
            "agents":[{{"did":"{agent}","default_policy":"{policy}","policies":["{policy}"],
              "usernames":[{{"instance":"argocd-prod","username":"proj:payments:agent"}}]}}],
            "humans":[{{"instance":"argocd-prod","username":"sre"}}],
            "instances":[{{"instance":"argocd-prod","closed_writes":true,"humans_complete":true,
              "clusters":[{{"name":"in-cluster","server":"https://kubernetes.default.svc"}}]}}],"distrusted":[]}}"#,
            did("policy signer"),
            did("gateway"),
            did("recorder"),
            did("approver"),
            did("wrapper"),
            issuer = did("issuer"),
            policy = b64u("policy"),
        ),
        "audit_statement" => format!(
            r#"{{"audit_statement_version":"1","nonce":"{nonce}","origin":"log.example/test","scope":{{"job_id":"job_123"}},
            "size":24,"root_hash":"{hash}","roots_digest":"{hash}","rules_version":"2026-11-01",
            "entries":[{{"index":0,"leaf_hash":"{hash}"}},{{"index":23,"leaf_hash":"{hash}"}}],
            "findings":[{{"code":"TOKEN_REVOKED","severity":"critical","entries":[15]}}]}}"#
        ),
        _ => format!(
            r#"{{"withholding_version":"1","nonce":"{nonce}","artifact_digest":"{hash}","reason":"erasure request",
            "by":"data protection office"}}"#
        ),
    }
}

fn control_payload(name: &str, nonce: &str) -> String {
    let (hash, app) = (hex("digest"), app());
    match name {
        "cst_revocation" => format!(
            r#"{{"cst_revocation_version":"1","nonce":"{nonce}","token_hash":"{}","revoked_at":"{ISSUED_AT}",
            "reason":"incident","policy_hash_b64u":"{}","revoked_by":"{}","argocd_token_revoked":true}}"#,
            hex("token"),
            b64u("policy"),
            did("issuer")
        ),
        "approval" => format!(
            r#"{{"approval_version":"1","nonce":"{nonce}","approval_id":"apr_1","decision":"approve","binds":{},
            "agent_did":"{}","expires_at":"2026-11-22T12:30:00Z"}}"#,
            binds("sync", r#","params":{"prune":true,"sync_options":["CreateNamespace=true","PruneLast=true"]}"#),
            did("agent")
        ),
        "argocd_decision" => format!(
            r#"{{"argocd_decision_version":"1","nonce":"{nonce}","decision":"allow","decision_reason":"policy row 2",
            "binds":{},"request_digest":"{hash}","cst":{{"token_hash":"{}","scope_hash_b64u":"{}"}},"job_id":"job_123",
            "run_id":"run_1","policy_hash_b64u":"{}","approvals":["{hash}"],"argocd_version":"v3.1.0",
            "rbac_flags":{{"rollback_enforce":false}}}}"#,
            binds("rollback", r#","history_id":6,"params":{}"#),
            hex("token"),
            b64u("scope"),
            b64u("policy"),
        ),
        "argocd_receipt" => format!(
            r#"{{"argocd_receipt_version":"1","nonce":"{nonce}","decision_digest":"{hash}","outcome":"accepted",
            "request_digest":"{hash}","response_digest":"{hash}","http_status":200,"grpc_code":0,
            "resource_version":"8123","app_uid":"0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11","op_key":"{hash}"}}"#
        ),
        "change_record" => format!(
            r#"{{"change_record_version":"1","nonce":"{nonce}","job_id":"job_123",
            "change_ref":{{"system":"jira","key":"CHG-1"}},"app":{app},"what":"freeze","by":"sre on call",
            "before":"automated sync on","after":"automated sync off"}}"#
        ),
        "argocd_observation" => format!(
            r#"{{"argocd_observation_version":"2","nonce":"{nonce}","channel":"notify","instance":"argocd-prod",
            "event":"operation","app":{app},"raw_digest":"{hash}","action":"sync","action_certainty":"stated",
            "initiator":{{"username":"proj:payments:agent","automated":false}},"phase":"Succeeded",
            "started_at":"{ISSUED_AT}","finished_at":"2026-11-22T12:00:09Z",
            "destination":{{"name":"in-cluster","namespace":"prod-canary"}},"operation_digest":"{hash}","op_key":"{}",
            "info":[{{"name":"claw.decision","value":"{hash}"}}],"message":"successfully synced",
            "revisions":{{"requested":["{hash}"],"deployed":["{hash}"]}},"params":{{}},
            "resource_counts":[{{"namespace":"prod-canary","status":"Synced","count":4}}]}}"#,
            op_key("argocd-prod", "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11", ISSUED_AT, &hash)
        ),
        "argocd_snapshot" => format!(
            r#"{{"argocd_snapshot_version":"1","nonce":"{nonce}","channel":"poll","instance":"argocd-prod",
            "taken_at":"{ISSUED_AT}","full":true,
            "rows":[{{"app":{app},"spec_digest":"{hash}","auto_sync":"on","revisions":["{hash}"],"op_key":"{hash}"}}],
            "rows_total":1,"rows_digest":"{hash}"}}"#
        ),
        other => panic!("no payload for {other}"),
    }
}

/// A folder of the project.
pub fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Says that a test did not test, past the harness, which keeps what a passing
/// test prints to itself.
pub fn skipped(why: &str) {
    use std::io::Write;
    // A closed standard error has nobody to tell.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Files that another project shares; `None`, said loudly, when not there.
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = project("../shared/vectors").join(path);
    if !found.exists() {
        skipped(&format!("{} is not there", found.display()));
        return None;
    }
    Some(found)
}

/// Whether committed files are to be written anew instead of compared.
pub fn blessing() -> bool {
    std::env::var_os("PULSELOG_BLESS").is_some()
}

/// What the test binary calls a test of a module, for a child that runs it alone.
#[cfg(feature = "server")]
pub fn name_of(module: &str, test: &str) -> String {
    let (_binary, path) = module.split_once("::").expect("a module of this binary");
    format!("{path}::{test}")
}

/// Every Rust file below a directory of the project.
#[cfg(feature = "server")]
pub fn sources(below: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![project(below)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).expect("a directory").flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|name| name == "rs") {
            found.push(std::fs::read_to_string(&path).expect("a file"));
        }
    }
    found
}
