//! Side-effect receipts inside a bundle (PEERS 2.5), and the one check of
//! unsigned receipts that they share with approvals.

use crate::artifact::json::Value;
use crate::protocol::codes::{
    PROOF_BUNDLE_AGENT_MISMATCH, SCHEMA_VALIDATION_FAILED, UNKNOWN_HASH_ALGORITHM, UNKNOWN_VERSION,
};
use crate::protocol::schema::{
    COUNT, DATE_TIME, DID, NONEMPTY, ONE, OPEN_OBJECT, SHA256_OR_BLAKE3, STRING, Schema, open, optional, required,
};
use crate::protocol::verdict::{Failure, fail};

const EFFECT_CLASSES: [&str; 3] = ["network_egress", "filesystem_write", "external_api_write"];

pub(super) static SCHEMA: Schema = open(&[
    required("receipt_version", &ONE),
    required("receipt_id", &NONEMPTY),
    required("effect_class", &Schema::Enum(&EFFECT_CLASSES)),
    optional("target_digest", &STRING),
    optional("request_digest", &STRING),
    optional("response_digest", &STRING),
    required("hash_algorithm", &SHA256_OR_BLAKE3),
    optional("vendor_id", &STRING),
    optional("bytes_written", &COUNT),
    required("agent_did", &DID),
    required("timestamp", &DATE_TIME),
    optional("binding", &OPEN_OBJECT),
]);

/// Checks one side effect; fields are below it.
pub(super) fn check(receipt: &Value, agent: &str) -> Result<(), Failure> {
    check_unsigned(receipt, "effect_class", &EFFECT_CLASSES, agent)
}

/// What the core asks of a receipt that nobody signed: each member only if it
/// is there.
pub(super) fn check_unsigned(receipt: &Value, kind: &str, kinds: &[&str], agent: &str) -> Result<(), Failure> {
    let is_one_of = |name, words: &[&str]| {
        receipt.get(name).is_none_or(|value| value.as_str().is_some_and(|text| words.contains(&text)))
    };
    if receipt.as_object().is_none() {
        return Err(Failure { code: SCHEMA_VALIDATION_FAILED, field: None });
    }
    if !is_one_of("receipt_version", &["1"]) {
        return fail(UNKNOWN_VERSION, "receipt_version");
    }
    if !is_one_of("hash_algorithm", &["SHA-256"]) {
        return fail(UNKNOWN_HASH_ALGORITHM, "hash_algorithm");
    }
    if !is_one_of(kind, kinds) {
        return fail(SCHEMA_VALIDATION_FAILED, kind);
    }
    if !is_one_of("agent_did", &[agent]) {
        return fail(PROOF_BUNDLE_AGENT_MISMATCH, "agent_did");
    }
    Ok(())
}
