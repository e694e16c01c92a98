//! Prompt commitments in a bundle's metadata (PEERS 2.14, 4.6): the
//! prompt pack's root and the report about rendered system prompts.

use std::collections::HashMap;

use crate::artifact::json::{Object, Value, to_compact};
use crate::protocol::codes::{HASH_MISMATCH, MALFORMED_ENVELOPE, PROMPT_COMMITMENT_MISMATCH, SCHEMA_VALIDATION_FAILED};
use crate::protocol::collation;
use crate::protocol::date::js_trim;
use crate::protocol::envelope::{hash_text, text};
use crate::protocol::schema::{
    B64U8, DATE_TIME, DID, NATURAL, NONEMPTY, ONE, Schema, Text, closed, first_fault, optional, required,
};
use crate::protocol::verdict::{Failure, fail};

const PACK: &str = "payload.metadata.prompt_pack";
const REPORT: &str = "payload.metadata.system_prompt_report";
const SHA256_ONLY: Schema = Schema::Const("SHA-256");

static ENTRY: Schema = closed(&[
    required("entry_id", &Schema::Text(Text::Length { min: 1, max: 256 })),
    required("content_hash_b64u", &B64U8),
    optional("content_type", &Schema::Text(Text::Length { min: 0, max: 128 })),
    optional("size_bytes", &NATURAL),
]);
static PACK_SCHEMA: Schema = closed(&[
    required("prompt_pack_version", &ONE),
    optional("prompt_pack_id", &NONEMPTY),
    required("hash_algorithm", &SHA256_ONLY),
    required("prompt_root_hash_b64u", &B64U8),
    required("entries", &Schema::Array { of: &ENTRY, min: 0, max: 256 }),
]);

static CALL: Schema = closed(&[
    required("event_id", &NONEMPTY),
    optional("event_hash_b64u", &B64U8),
    required("rendered_system_prompt_hash_b64u", &B64U8),
    optional("provider", &Schema::Text(Text::Length { min: 1, max: 64 })),
    optional("model", &Schema::Text(Text::Length { min: 1, max: 128 })),
]);
static REPORT_SCHEMA: Schema = closed(&[
    required("system_prompt_report_version", &ONE),
    required("report_id", &NONEMPTY),
    required("run_id", &NONEMPTY),
    required("agent_did", &DID),
    required("issued_at", &DATE_TIME),
    required("hash_algorithm", &SHA256_ONLY),
    optional("prompt_root_hash_b64u", &B64U8),
    required("calls", &Schema::Array { of: &CALL, min: 0, max: 512 }),
]);

/// Checks both, where they are there.
pub(super) fn check(metadata: &Value, agent: &str, events: &[Value]) -> Result<(), Failure> {
    let pack = metadata.get("prompt_pack");
    if let Some(pack) = pack {
        check_shape(&PACK_SCHEMA, pack, PACK)?;
        if pack_root(pack) != text(pack, "prompt_root_hash_b64u") {
            return fail(HASH_MISMATCH, format!("{PACK}.prompt_root_hash_b64u"));
        }
    }
    let Some(report) = metadata.get("system_prompt_report") else { return Ok(()) };
    check_shape(&REPORT_SCHEMA, report, REPORT)?;
    if events.is_empty() {
        return fail(MALFORMED_ENVELOPE, "payload.event_chain");
    }
    let pack_root = pack.map(|pack| text(pack, "prompt_root_hash_b64u"));
    check_report(report, pack_root, agent, events).map_err(|failure| failure.below(REPORT))
}

fn check_shape(schema: &Schema, value: &Value, at: &str) -> Result<(), Failure> {
    match first_fault(schema, value) {
        None => Ok(()),
        Some(fault) => Err(Failure { code: SCHEMA_VALIDATION_FAILED, field: fault.field() }.below(at)),
    }
}

/// The hash over ids and hashes of the entries, in collation order.
fn pack_root(pack: &Value) -> String {
    let entries = pack.get("entries").and_then(Value::as_array).unwrap_or_default();
    let mut pairs: Vec<_> = entries
        .iter()
        .map(|entry| (js_trim(text(entry, "entry_id")), text(entry, "content_hash_b64u")))
        .filter(|(id, _)| !id.is_empty())
        .collect();
    pairs.sort_by(|(a, _), (b, _)| collation::compare(a, b));
    let listed = pairs.into_iter().map(|(id, hash)| {
        let mut entry = Object::new();
        entry.set("entry_id", id.into());
        entry.set("content_hash_b64u", hash.into());
        Value::Object(entry)
    });
    let mut canonical = Object::new();
    canonical.set("prompt_pack_version", "1".into());
    canonical.set("entries", listed.collect::<Vec<_>>().into());
    hash_text(&to_compact(&canonical.into()))
}

fn check_report(report: &Value, pack_root: Option<&str>, agent: &str, events: &[Value]) -> Result<(), Failure> {
    let trimmed = |name| js_trim(text(report, name));
    let run_id = events.first().map_or("", |event| text(event, "run_id"));
    let mismatch = |field: String| fail(PROMPT_COMMITMENT_MISMATCH, field);
    if trimmed("run_id").is_empty() || trimmed("run_id") != run_id {
        return mismatch("run_id".to_owned());
    }
    if trimmed("agent_did") != agent {
        return mismatch("agent_did".to_owned());
    }
    let root = text(report, "prompt_root_hash_b64u");
    if !root.is_empty() && pack_root.is_some_and(|pack_root| pack_root != root) {
        return mismatch("prompt_root_hash_b64u".to_owned());
    }
    let by_id: HashMap<&str, &Value> = events.iter().map(|event| (text(event, "event_id"), event)).collect();
    let calls = report.get("calls").and_then(Value::as_array).unwrap_or_default();
    for (at, call) in calls.iter().enumerate() {
        let id = js_trim(text(call, "event_id"));
        if id.is_empty() {
            continue;
        }
        let Some(event) = by_id.get(id).filter(|event| text(event, "event_type") == "llm_call") else {
            return mismatch(format!("calls[{at}].event_id"));
        };
        let hash = text(call, "event_hash_b64u");
        if !hash.is_empty() && hash != text(event, "event_hash_b64u") {
            return mismatch(format!("calls[{at}].event_hash_b64u"));
        }
    }
    Ok(())
}
