//! The run manifest (PEERS 2.10): a bundle refers to it by hash, the reader
//! supplies it. What it says of receipts and of the bundle is checked by nobody.

use crate::artifact::json::{Value, to_compact};
use crate::protocol::codes::{HASH_MISMATCH, SCHEMA_VALIDATION_FAILED, URM_MISMATCH, URM_MISSING};
use crate::protocol::date::js_trim;
use crate::protocol::envelope::{hash_text, text};
use crate::protocol::event_chain::Chain;
use crate::protocol::schema::{
    B64U8, DATE_TIME, DID, NATURAL, NONEMPTY, ONE, OPEN_OBJECT, STRING, Schema, Text, closed, first_fault, list,
    optional, required,
};
use crate::protocol::verdict::{Failure, fail};

/// The reference inside a bundle.
pub(super) static REFERENCE: Schema = closed(&[
    required("urm_version", &ONE),
    required("urm_id", &NONEMPTY),
    required("resource_type", &NONEMPTY),
    required("resource_hash_b64u", &B64U8),
    optional("metadata", &OPEN_OBJECT),
]);

static HARNESS: Schema = closed(&[
    required("id", &NONEMPTY),
    required("version", &NONEMPTY),
    optional("runtime", &STRING),
    optional("config_hash_b64u", &B64U8),
    optional("metadata", &OPEN_OBJECT),
]);
static RESOURCE: Schema = closed(&[
    required("type", &NONEMPTY),
    required("hash_b64u", &B64U8),
    optional("content_type", &STRING),
    optional("uri", &Schema::Text(Text::Uri)),
    optional("path", &STRING),
    optional("size_bytes", &NATURAL),
    optional("metadata", &OPEN_OBJECT),
]);
static RESOURCES: Schema = list(&RESOURCE, 0);

static DOCUMENT: Schema = closed(&[
    required("urm_version", &ONE),
    required("urm_id", &NONEMPTY),
    required("run_id", &NONEMPTY),
    required("agent_did", &DID),
    required("issued_at", &DATE_TIME),
    required("harness", &HARNESS),
    required("inputs", &RESOURCES),
    required("outputs", &RESOURCES),
    optional("event_chain_root_hash_b64u", &B64U8),
    optional("receipts_root_hash_b64u", &B64U8),
    optional("proof_bundle_hash_b64u", &B64U8),
    optional("metadata", &OPEN_OBJECT),
]);

/// Checks the supplied document against a bundle's reference. A malformed
/// reference, possible in bare input only, is passed over as the peer does.
pub(super) fn check(
    reference: &Value,
    document: Option<&Value>,
    agent: &str,
    chain: Option<&Chain<'_>>,
) -> Result<(), Failure> {
    let has_form = text(reference, "urm_version") == "1"
        && !text(reference, "urm_id").is_empty()
        && !text(reference, "resource_type").is_empty()
        && first_fault(&B64U8, reference.get("resource_hash_b64u").unwrap_or(&Value::Null)).is_none();
    if !has_form {
        return Ok(());
    }
    let Some(document) = document else { return fail(URM_MISSING, "urm") };
    if let Some(fault) = first_fault(&DOCUMENT, document) {
        return Err(Failure { code: SCHEMA_VALIDATION_FAILED, field: fault.field() }.below("urm"));
    }
    let trimmed = |name| js_trim(text(document, name));
    if trimmed("urm_id") != text(reference, "urm_id") || trimmed("urm_id").is_empty() {
        return fail(URM_MISMATCH, "urm.urm_id");
    }
    if trimmed("agent_did") != agent {
        return fail(URM_MISMATCH, "urm.agent_did");
    }
    if let Some(chain) = chain {
        if trimmed("run_id") != chain.run_id {
            return fail(URM_MISMATCH, "urm.run_id");
        }
        let root = trimmed("event_chain_root_hash_b64u");
        if !root.is_empty() && root != chain.root {
            return fail(URM_MISMATCH, "urm.event_chain_root_hash_b64u");
        }
    }
    if hash_text(&to_compact(document)) != text(reference, "resource_hash_b64u") {
        return fail(HASH_MISMATCH, "payload.urm.resource_hash_b64u");
    }
    Ok(())
}
