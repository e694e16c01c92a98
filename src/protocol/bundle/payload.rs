//! The payload of a bundle: its schema, and its parts once it is known to have
//! them.

use std::borrow::Cow;

use crate::artifact::json::Value;
use crate::protocol::codes::{MALFORMED_ENVELOPE, SCHEMA_VALIDATION_FAILED};
use crate::protocol::envelope::text;
use crate::protocol::schema::{
    B64U8, COUNT, DATE_TIME, DID, Members, NONEMPTY, ONE, OPEN_OBJECT, SHA256_OR_BLAKE3, STRING, Schema, Text, closed,
    list, open, optional, required,
};
use crate::protocol::verdict::{Failure, fail};
use crate::protocol::{
    approval, attestation, coverage, event_chain, gateway_receipt, rate_limit, side_effect, tool_receipt, urm,
};

const LISTED_MAX: usize = 1000;
const CLAIMS_MAX: usize = 256;

static EVENTS: Schema = list(&event_chain::EVENT, 1);
static RECEIPTS: Schema = list(&gateway_receipt::ENVELOPE, 1);
/// Shapes of blocks that are not judged.
static UNJUDGED: Schema = list(&Schema::Any, 0);
static UNJUDGED_SOME: Schema = list(&Schema::Any, 1);
static COVERAGE: Schema = list(&coverage::ENVELOPE, 0);
static TOOL_RECEIPTS: Schema = Schema::Array { of: &tool_receipt::ENTRY, min: 0, max: LISTED_MAX };
static SIDE_EFFECTS: Schema = Schema::Array { of: &side_effect::SCHEMA, min: 0, max: LISTED_MAX };
static APPROVALS: Schema = Schema::Array { of: &approval::SCHEMA, min: 0, max: LISTED_MAX };
static DELEGATIONS: Schema = Schema::Array { of: &DELEGATION, min: 0, max: LISTED_MAX };
static CLAIMS: Schema = Schema::Array { of: &rate_limit::CLAIM, min: 0, max: CLAIMS_MAX };
static ATTESTATIONS: Schema = list(&attestation::SCHEMA, 1);

static DELEGATION: Schema = open(&[
    required("receipt_version", &ONE),
    required("receipt_id", &NONEMPTY),
    required("delegator_did", &DID),
    required("delegate_did", &DID),
    required("task_description_hash_b64u", &B64U8),
    required("delegate_bundle_hash_b64u", &B64U8),
    optional("delegation_policy", &STRING),
    required("hash_algorithm", &SHA256_OR_BLAKE3),
    required("delegated_at", &DATE_TIME),
    optional("completed_at", &DATE_TIME),
    optional("binding", &OPEN_OBJECT),
]);

static HARNESS: Schema = open(&[
    required("id", &NONEMPTY),
    required("version", &NONEMPTY),
    optional("runtime", &STRING),
    optional("config_hash_b64u", &B64U8),
]);

/// The last three are blocks that are not judged.
static SENTINELS: Schema = closed(&[
    required("interpose_active", &Schema::Bool),
    optional("shell_events", &COUNT),
    optional("fs_events", &COUNT),
    optional("net_events", &COUNT),
    optional("net_suspicious", &COUNT),
    optional("interpose_events", &COUNT),
    optional("interpose_gateway", &COUNT),
    optional("interpose_transcript", &COUNT),
    optional("interpose_tool_calls", &COUNT),
    optional("interpose_anomalies", &COUNT),
    optional("preload_llm_events", &COUNT),
    optional("tls_sni_events", &COUNT),
    optional("tls_sni_receipts", &COUNT),
    optional("tls_decrypt_receipts", &COUNT),
    optional("vir_receipts", &COUNT),
    optional("interpose_state", &OPEN_OBJECT),
    optional("egress_policy_receipt", &Schema::Any),
    optional("runtime_profile", &Schema::Any),
    optional("runtime_hygiene", &Schema::Any),
]);

static METADATA: Schema = open(&[optional("harness", &HARNESS), optional("sentinels", &SENTINELS)]);

pub(super) static SCHEMA: Schema = Schema::Object(Members {
    fields: &[
        required("bundle_version", &ONE),
        required("bundle_id", &NONEMPTY),
        required("agent_did", &DID),
        optional("eip8004_agent_id", &Schema::Text(Text::Digits)),
        optional("eip8004_registry", &Schema::Text(Text::Eip155)),
        optional("urm", &urm::REFERENCE),
        optional("event_chain", &EVENTS),
        optional("vir_receipts", &UNJUDGED_SOME),
        optional("receipts", &RECEIPTS),
        optional("web_receipts", &UNJUDGED_SOME),
        optional("coverage_attestations", &COVERAGE),
        optional("binary_semantic_evidence_attestations", &UNJUDGED),
        optional("tool_receipts", &TOOL_RECEIPTS),
        optional("side_effect_receipts", &SIDE_EFFECTS),
        optional("human_approval_receipts", &APPROVALS),
        optional("delegation_receipts", &DELEGATIONS),
        optional("rate_limit_claims", &CLAIMS),
        optional("attestations", &ATTESTATIONS),
        optional("metadata", &METADATA),
    ],
    closed: true,
    any_of: &[
        "urm",
        "event_chain",
        "receipts",
        "vir_receipts",
        "web_receipts",
        "binary_semantic_evidence_attestations",
        "tool_receipts",
        "side_effect_receipts",
        "human_approval_receipts",
        "delegation_receipts",
        "attestations",
    ],
    condition: None,
});

/// The parts of a payload; absent lists are empty.
pub(super) struct Payload<'a> {
    pub(super) whole: &'a Value<'a>,
    /// It came in an envelope, so its schema was checked.
    pub(super) enveloped: bool,
    pub(super) agent: &'a str,
    pub(super) urm: Option<&'a Value<'a>>,
    pub(super) events: &'a [Value<'a>],
    pub(super) receipts: &'a [Value<'a>],
    pub(super) tool_receipts: &'a [Value<'a>],
    pub(super) side_effects: &'a [Value<'a>],
    pub(super) approvals: &'a [Value<'a>],
    pub(super) rate_limit_claims: &'a [Value<'a>],
    pub(super) attestations: &'a [Value<'a>],
    pub(super) metadata: Option<&'a Value<'a>>,
}

/// The payload without entries that an old tool put among the receipts: those
/// with a `receipt_type` and no `envelope_type`. The hash still covers them.
pub(super) fn without_legacy_receipts<'a>(payload: &'a Value<'a>) -> Cow<'a, Value<'a>> {
    let is_legacy = |entry: &Value| entry.get("envelope_type").is_none() && entry.get("receipt_type").is_some();
    let receipts = payload.get("receipts").and_then(Value::as_array).unwrap_or_default();
    let (Value::Object(members), true) = (payload, receipts.iter().any(is_legacy)) else {
        return Cow::Borrowed(payload);
    };
    let mut members = members.clone();
    let kept: Vec<Value> = receipts.iter().filter(|entry| !is_legacy(entry)).cloned().collect();
    if kept.is_empty() {
        members.remove("receipts");
    } else {
        members.set("receipts", kept.into());
    }
    Cow::Owned(members.into())
}

/// Step 10: what the core itself asks of a payload, beside the schema.
pub(super) fn read<'a>(payload: &'a Value<'a>, enveloped: bool) -> Result<Payload<'a>, Failure> {
    let list = |name| objects(payload, name);
    let read = Payload {
        whole: payload,
        enveloped,
        agent: text(payload, "agent_did"),
        urm: payload.get("urm"),
        events: list("event_chain")?,
        receipts: list("receipts")?,
        tool_receipts: list("tool_receipts")?,
        side_effects: list("side_effect_receipts")?,
        approvals: list("human_approval_receipts")?,
        rate_limit_claims: list("rate_limit_claims")?,
        attestations: list("attestations")?,
        metadata: payload.get("metadata"),
    };
    let named = text(payload, "bundle_version") == "1"
        && !text(payload, "bundle_id").is_empty()
        && read.agent.starts_with("did:");
    let lists = [read.events, read.receipts, read.attestations];
    let some = read.urm.is_some() || lists.iter().any(|list| !list.is_empty());
    match named && some {
        true => Ok(read),
        false if enveloped => fail(MALFORMED_ENVELOPE, "payload"),
        false => fail(SCHEMA_VALIDATION_FAILED, "payload"),
    }
}

/// A list of objects, empty when absent. Only bare input can be anything else.
fn objects<'a>(payload: &'a Value<'a>, name: &str) -> Result<&'a [Value<'a>], Failure> {
    let Some(value) = payload.get(name) else { return Ok(&[]) };
    let Some(items) = value.as_array() else { return fail(SCHEMA_VALIDATION_FAILED, format!("payload.{name}")) };
    match items.iter().position(|item| item.as_object().is_none()) {
        Some(at) => fail(SCHEMA_VALIDATION_FAILED, format!("payload.{name}[{at}]")),
        None => Ok(items),
    }
}
