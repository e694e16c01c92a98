//! The layer of the peer's command line (PEERS 4.13): every gateway
//! receipt that names an event must verify and belong to this run.

use crate::artifact::KeyCache;
use crate::artifact::json::Value;
use crate::protocol::bundle;
use crate::protocol::codes::{DEPENDENCY_NOT_CONFIGURED, RECEIPT_BINDING_MISMATCH, RECEIPT_VERIFICATION_FAILED};
use crate::protocol::options::{Context, Options};
use crate::protocol::verdict::{Failure, ReceiptOutcome, fail_whole};

/// Checks a bundle that the core accepted.
pub(super) fn check(payload: &Value, outcomes: &[ReceiptOutcome], options: &Options) -> Result<(), Failure> {
    let receipts = payload.get("receipts").and_then(Value::as_array).unwrap_or_default();
    let names_event =
        |receipt: &&Value| receipt.text_at("payload.binding.event_hash_b64u").is_some_and(|h| !h.is_empty());
    let naming = receipts.iter().filter(names_event).count();
    if naming == 0 {
        return Ok(());
    }
    if options.gateway_signers.as_ref().is_none_or(Vec::is_empty) {
        return fail_whole(DEPENDENCY_NOT_CONFIGURED);
    }
    if outcomes.iter().filter(|outcome| outcome.bound).count() == naming {
        return Ok(());
    }
    // The peer counts all valid signatures here, also of receipts that name no event.
    match outcomes.iter().filter(|outcome| outcome.signature_valid).count() == naming {
        true => fail_whole(RECEIPT_BINDING_MISMATCH),
        false => fail_whole(RECEIPT_VERIFICATION_FAILED),
    }
}

/// Checks the bundle inside an accepted export, verified again without
/// tolerance.
pub(super) fn check_nested(export: &Value, options: &Options, keys: &KeyCache) -> Result<(), Failure> {
    let Some(envelope) = export.at("artifacts.proof_bundle_envelope") else { return Ok(()) };
    let Some(payload) = envelope.get("payload") else { return Ok(()) };
    if payload.get("receipts").is_none() {
        return Ok(());
    }
    let context = Context { skew: 0, nested: true, ..Context::for_bundle(options, keys) };
    check(payload, &bundle::verify(envelope, &context)?.receipts, options)
}
