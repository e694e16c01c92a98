//! Gateway receipts (PEERS 2.1, 2.2, 4.4). A bad one fails nothing in the
//! core: it is only not counted.

use crate::artifact::json::Value;
use crate::protocol::date;
use crate::protocol::envelope::{self, Hashed, Signed, envelope_schema, is_did_form, text};
use crate::protocol::event_chain::Chain;
use crate::protocol::model_identity;
use crate::protocol::options::{Context, lists};
use crate::protocol::schema::{
    B64U8, COUNT, DATE_TIME, NONEMPTY, ONE, STRING, Schema, closed, first_fault, is_b64u, list, open, optional,
    required,
};
use crate::protocol::verdict::ReceiptOutcome;

const TOKENS_MAX: i64 = 10_000_000;
const LATENCY_MS_MAX: i64 = 3_600_000;

pub(super) const PHASES: [&str; 7] =
    ["setup", "planning", "reasoning", "execution", "observation", "reflection", "teardown"];

/// The peer's order of members could not be seen beyond `token_scope_hash_b64u`.
pub(super) static BINDING: Schema = closed(&[
    optional("run_id", &NONEMPTY),
    optional("event_hash_b64u", &B64U8),
    optional("nonce", &NONEMPTY),
    optional("policy_hash", &NONEMPTY),
    optional("token_scope_hash_b64u", &B64U8),
    optional("span_id", &NONEMPTY),
    optional("spanId", &NONEMPTY),
    optional("parent_span_id", &NONEMPTY),
    optional("parentSpanId", &NONEMPTY),
    optional("tool_span_id", &NONEMPTY),
    optional("toolSpanId", &NONEMPTY),
    optional("phase", &Schema::Enum(&PHASES)),
    optional("attribution_confidence", &Schema::Number(None)),
    optional("attributionConfidence", &Schema::Number(None)),
]);

static AUDIT_RESULT_REF: Schema =
    closed(&[optional("resource_type", &STRING), required("resource_hash_b64u", &B64U8), optional("uri", &STRING)]);
static AUDIT_RESULT_REFS: Schema = list(&AUDIT_RESULT_REF, 0);

static METADATA: Schema = open(&[
    optional("model_identity", &model_identity::SCHEMA),
    optional("model_identity_hash_b64u", &B64U8),
    optional("audit_result_refs", &AUDIT_RESULT_REFS),
]);

static PAYLOAD: Schema = closed(&[
    required("receipt_version", &ONE),
    required("receipt_id", &NONEMPTY),
    required("gateway_id", &NONEMPTY),
    required("provider", &NONEMPTY),
    required("model", &NONEMPTY),
    required("request_hash_b64u", &B64U8),
    required("response_hash_b64u", &B64U8),
    required("tokens_input", &COUNT),
    required("tokens_output", &COUNT),
    required("latency_ms", &COUNT),
    required("timestamp", &DATE_TIME),
    optional("binding", &BINDING),
    optional("metadata", &METADATA),
]);

pub(super) static ENVELOPE: Schema = envelope_schema!(&ONE, "gateway_receipt", &PAYLOAD, "expires_at": &DATE_TIME);

/// Judges one receipt. `chain` is the bundle's, when it has a good one.
pub(super) fn judge(
    receipt: &Value,
    chain: Option<&Chain<'_>>,
    schema_checked: bool,
    context: &Context<'_>,
) -> ReceiptOutcome {
    let shaped = schema_checked || first_fault(&ENVELOPE, receipt).is_none();
    let signature_valid = shaped && is_authentic(receipt, context);
    ReceiptOutcome { signature_valid, bound: signature_valid && is_bound(receipt, chain) }
}

fn is_authentic(receipt: &Value, context: &Context<'_>) -> bool {
    let Some(payload) = receipt.get("payload") else { return false };
    let signer = text(receipt, "signer_did");
    let hash = text(receipt, "payload_hash_b64u");
    let within = |name, max| payload.get(name).and_then(Value::as_i64).is_some_and(|n| (0..=max).contains(&n));
    is_did_form(signer)
        && lists(context.options.gateway_signers.as_deref(), signer)
        && date::parse(text(receipt, "issued_at")).is_some()
        && date::parse(text(payload, "timestamp")).is_some()
        && within("tokens_input", TOKENS_MAX)
        && within("tokens_output", TOKENS_MAX)
        && within("latency_ms", LATENCY_MS_MAX)
        && envelope::hashed(payload, text(receipt, "hash_algorithm"), hash) == Hashed::Good
        && envelope::signed(context.keys, signer, hash, text(receipt, "signature_b64u")) == Signed::Good
}

fn is_bound(receipt: &Value, chain: Option<&Chain<'_>>) -> bool {
    let (Some(chain), Some(binding)) = (chain, receipt.at("payload.binding")) else { return false };
    let (run, event) = (text(binding, "run_id"), text(binding, "event_hash_b64u"));
    let named = !date::js_trim(run).is_empty() && event.len() >= 8 && is_b64u(event);
    named && run == chain.run_id && chain.holds(event)
}
