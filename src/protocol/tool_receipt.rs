//! Tool receipts (PEERS 2.3): payloads or envelopes, version 1 or 2.
//! Anybody may sign an envelope; nobody need.

use crate::artifact::json::Value;
use crate::protocol::codes::{
    CO_SIGNATURE_INVALID, EXPIRED_TTL, HASH_MISMATCH, PROOF_BUNDLE_AGENT_MISMATCH, RECEIPT_BINDING_MISMATCH,
    SCHEMA_VALIDATION_FAILED, SIGNATURE_INVALID, UNKNOWN_HASH_ALGORITHM, UNKNOWN_VERSION,
};
use crate::protocol::envelope::{self, Hashed, Signed, envelope_schema, text};
use crate::protocol::event_chain::Chain;
use crate::protocol::gateway_receipt::BINDING;
use crate::protocol::options::Context;
use crate::protocol::schema::{
    B64U8, COUNT, DATE_TIME, DID, ED25519, NONEMPTY, ONE, SHA256, SHA256_OR_BLAKE3, STRING, Schema, closed,
    first_fault, is_b64u, open, optional, required,
};
use crate::protocol::verdict::{Failure, fail};
use crate::protocol::{date, disclosure};

const CO_SIGNATURES_MAX: usize = 16;

static BINDING_V1: Schema = open(&[
    optional("run_id", &STRING),
    optional("event_hash_b64u", &STRING),
    optional("nonce", &STRING),
    optional("policy_hash", &STRING),
    optional("token_scope_hash_b64u", &STRING),
]);
const RESULT_STATUS: Schema = Schema::Enum(&["success", "error", "timeout"]);

static V1: Schema = closed(&[
    required("receipt_version", &ONE),
    required("receipt_id", &NONEMPTY),
    required("tool_name", &NONEMPTY),
    optional("tool_version", &STRING),
    required("args_hash_b64u", &NONEMPTY),
    required("result_hash_b64u", &NONEMPTY),
    optional("result_status", &RESULT_STATUS),
    required("hash_algorithm", &SHA256),
    required("agent_did", &NONEMPTY),
    required("timestamp", &DATE_TIME),
    required("latency_ms", &COUNT),
    optional("binding", &BINDING_V1),
]);

/// Hash, signature and signer are any texts here (PEERS 2.3).
static V1_ENVELOPE: Schema = closed(&[
    required("envelope_version", &ONE),
    required("envelope_type", &Schema::Const("tool_receipt")),
    required("payload", &V1),
    required("payload_hash_b64u", &NONEMPTY),
    required("hash_algorithm", &SHA256),
    required("signature_b64u", &NONEMPTY),
    required("algorithm", &ED25519),
    required("signer_did", &NONEMPTY),
    required("issued_at", &DATE_TIME),
    optional("expires_at", &DATE_TIME),
]);

static V2: Schema = closed(&[
    required("receipt_version", &Schema::Const("2")),
    required("receipt_id", &NONEMPTY),
    required("tool_name", &NONEMPTY),
    optional("tool_version", &STRING),
    required("args_hash_b64u", &B64U8),
    required("result_hash_b64u", &B64U8),
    optional("result_status", &RESULT_STATUS),
    required("hash_algorithm", &SHA256_OR_BLAKE3),
    required("agent_did", &DID),
    required("timestamp", &DATE_TIME),
    required("latency_ms", &COUNT),
    optional("binding", &BINDING),
    required("args_salt_b64u", &B64U8),
    required("result_salt_b64u", &B64U8),
    optional("args_disclosure", &disclosure::SCHEMA),
    optional("result_disclosure", &disclosure::SCHEMA),
]);

static CO_SIGNATURE: Schema = closed(&[
    required("signature_b64u", &B64U8),
    required("algorithm", &ED25519),
    required("signer_did", &DID),
    required("issued_at", &DATE_TIME),
    required("role", &Schema::Enum(&["proxy", "approver", "auditor", "supervisor"])),
]);
static CO_SIGNATURES: Schema = Schema::Array { of: &CO_SIGNATURE, min: 0, max: CO_SIGNATURES_MAX };

static V2_ENVELOPE: Schema = envelope_schema!(
    &Schema::Const("2"), "tool_receipt", &V2, "expires_at": &DATE_TIME, "co_signatures": &CO_SIGNATURES
);

/// An element of a bundle's list.
pub(super) static ENTRY: Schema = Schema::OneOf(&[&V1, &V1_ENVELOPE, &V2, &V2_ENVELOPE]);

/// Checks one entry; fields are below it.
pub(super) fn check(
    entry: &Value,
    agent: &str,
    chain: Option<&Chain<'_>>,
    schema_checked: bool,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if !schema_checked {
        check_shape(entry)?;
    }
    // The forms share no shape: what has an envelope version is an envelope.
    let sealed = entry.get("envelope_version").is_some();
    let payload = if sealed { entry.get("payload").unwrap_or(entry) } else { entry };
    if text(payload, "agent_did") != agent {
        return fail(PROOF_BUNDLE_AGENT_MISMATCH, "agent_did");
    }
    if let (Some(chain), Some(binding)) = (chain, payload.get("binding")) {
        check_binding(binding, chain)?;
    }
    if sealed {
        check_envelope(entry, payload, context)?;
    }
    if text(payload, "receipt_version") == "2" {
        for (name, hash) in [("args_disclosure", "args_hash_b64u"), ("result_disclosure", "result_hash_b64u")] {
            if let Some(given) = payload.get(name) {
                disclosure::check(given, text(payload, hash)).map_err(|failure| failure.below(name))?;
            }
        }
    }
    Ok(())
}

/// The four forms, as the core tries them on bare input.
fn check_shape(entry: &Value) -> Result<(), Failure> {
    let forms = [&V2_ENVELOPE, &V1_ENVELOPE, &V2, &V1];
    if forms.iter().any(|form| first_fault(form, entry).is_none()) {
        return Ok(());
    }
    if entry.get("receipt_version").is_some() {
        return fail(UNKNOWN_VERSION, "receipt_version");
    }
    let field = first_fault(&V2, entry).and_then(|fault| fault.field());
    Err(Failure { code: SCHEMA_VALIDATION_FAILED, field })
}

fn check_binding(binding: &Value, chain: &Chain<'_>) -> Result<(), Failure> {
    let run_id = text(binding, "run_id");
    if !run_id.is_empty() && run_id != chain.run_id {
        return fail(RECEIPT_BINDING_MISMATCH, "binding.run_id");
    }
    match binding.get("event_hash_b64u").map(|hash| hash.as_str().unwrap_or_default()) {
        Some(hash) if !is_b64u(hash) => fail(SCHEMA_VALIDATION_FAILED, "binding.event_hash_b64u"),
        Some(hash) if !chain.holds(hash) => fail(RECEIPT_BINDING_MISMATCH, "binding.event_hash_b64u"),
        _ => Ok(()),
    }
}

fn check_envelope(entry: &Value, payload: &Value, context: &Context<'_>) -> Result<(), Failure> {
    if let Some(expires_at) = entry.get("expires_at").and_then(Value::as_str) {
        match date::parse(expires_at) {
            None => return fail(SCHEMA_VALIDATION_FAILED, "expires_at"),
            Some(expires) if context.is_past(expires) => return fail(EXPIRED_TTL, "expires_at"),
            Some(_) => {}
        }
    }
    let hash = text(entry, "payload_hash_b64u");
    match envelope::hashed(payload, text(entry, "hash_algorithm"), hash) {
        Hashed::NotImplemented => return fail(UNKNOWN_HASH_ALGORITHM, "hash_algorithm"),
        Hashed::Bad => return fail(HASH_MISMATCH, "payload_hash_b64u"),
        Hashed::Good => {}
    }
    let good = |by: &Value| {
        envelope::signed(context.keys, text(by, "signer_did"), hash, text(by, "signature_b64u")) == Signed::Good
    };
    if !good(entry) {
        return fail(SIGNATURE_INVALID, "signature_b64u");
    }
    let co_signatures = entry.get("co_signatures").and_then(Value::as_array).unwrap_or_default();
    match co_signatures.iter().position(|co_signature| !good(co_signature)) {
        Some(at) => fail(CO_SIGNATURE_INVALID, format!("co_signatures[{at}].signature_b64u")),
        None => Ok(()),
    }
}
