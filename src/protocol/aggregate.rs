//! Aggregate bundles (PEERS 3.6, 4.15): many bundles under one
//! issuer who is none of their agents.

mod claims;
mod fleet;
mod member;
mod spans;

use crate::artifact::json::Value;
use crate::protocol::codes::{
    AGGREGATE_DUPLICATE_MEMBER, AGGREGATE_SIGNER_MISMATCH, CAUSAL_CLOCK_CONTRADICTION, EXPIRED_TTL,
    FUTURE_TIMESTAMP_POISONING, HASH_MISMATCH, INVALID_DID_FORMAT, MALFORMED_ENVELOPE, SCHEMA_VALIDATION_FAILED,
    SIGNATURE_INVALID, UNKNOWN_HASH_ALGORITHM, UNSORTED_MEMBER_ARRAY,
};
use crate::protocol::envelope::{self, Hashed, Signed, envelope_schema, is_did_form, text};
use crate::protocol::manifest::{self, Expected};
use crate::protocol::options::Context;
use crate::protocol::schema::{
    DATE_TIME, DID, NONEMPTY, ONE, STRING, Schema, closed, first_fault, open, optional, required,
};
use crate::protocol::verdict::{Accepted, Failure, fail};
use crate::protocol::{bundle, date, export};

use self::fleet::Fleet;

const MEMBERS_MAX: usize = 1000;
const MEMBERS: &str = "payload.artifacts.member_bundles";

static MEMBER: Schema = Schema::OneOf(&[&bundle::ENVELOPE, &export::SCHEMA]);
static ARTIFACTS: Schema =
    closed(&[required("member_bundles", &Schema::Array { of: &MEMBER, min: 1, max: MEMBERS_MAX })]);
static SUMMARY: Schema = closed(&[
    required("total_members", &Schema::Number(Some(1.0))),
    required("unique_agents", &Schema::Number(Some(1.0))),
    required("total_runs", &Schema::Number(Some(1.0))),
    optional("fleet_proof_tier", &STRING),
]);
static METADATA: Schema = open(&[required("fleet_summary", &SUMMARY)]);
static PAYLOAD: Schema = closed(&[
    required("aggregate_version", &ONE),
    required("aggregate_id", &NONEMPTY),
    required("created_at", &DATE_TIME),
    optional("expires_at", &DATE_TIME),
    required("issuer_did", &DID),
    required("manifest", &manifest::SCHEMA),
    required("artifacts", &ARTIFACTS),
    required("metadata", &METADATA),
]);
static ENVELOPE: Schema = envelope_schema!(&ONE, "aggregate_bundle", &PAYLOAD, "expires_at": &DATE_TIME);

/// Whether the peer's command takes this for an aggregate; else for an export.
pub(super) fn is_aggregate(document: &Value) -> bool {
    text(document, "envelope_type") == "aggregate_bundle" && document.text_at("payload.aggregate_version") == Some("1")
}

/// Verifies one aggregate.
pub(super) fn verify(document: &Value, context: &Context<'_>) -> Result<Accepted, Failure> {
    if let Some(fault) = first_fault(&ENVELOPE, document) {
        return Err(Failure { code: SCHEMA_VALIDATION_FAILED, field: fault.field() });
    }
    let payload = document.get("payload").unwrap_or(document);
    let (signer, issuer) = (text(document, "signer_did"), text(payload, "issuer_did"));
    for (did, field) in [(signer, "signer_did"), (issuer, "payload.issuer_did")] {
        if !is_did_form(did) {
            return fail(INVALID_DID_FORMAT, field);
        }
    }
    if signer != issuer {
        return fail(AGGREGATE_SIGNER_MISMATCH, "signer_did");
    }
    let expires = check_dates(document, payload, context)?;
    check_signature(document, payload, signer, context)?;
    let members = payload.at("artifacts.member_bundles").and_then(Value::as_array).unwrap_or_default();
    let expected = expected(members)?;
    let manifest = payload.get("manifest").unwrap_or(payload);
    manifest::check(manifest, expected, &manifest::OF_AGGREGATE).map_err(|failure| failure.below("payload"))?;
    let mut fleet = Fleet::new(issuer, expires);
    for (at, member) in members.iter().enumerate() {
        fleet.add(member, &format!("{MEMBERS}[{at}]"), context)?;
    }
    fleet.finish(payload, members.len())
}

/// A5 to A10; gives the payload's own expiry.
fn check_dates(document: &Value, payload: &Value, context: &Context<'_>) -> Result<Option<i64>, Failure> {
    let known = |value: Option<&Value>, field| match value.and_then(Value::as_str).and_then(date::parse) {
        Some(time) => Ok(time),
        None => fail(MALFORMED_ENVELOPE, field),
    };
    let set = |value: Option<&Value>, field| value.map(|value| known(Some(value), field)).transpose();
    let created = known(payload.get("created_at"), "payload.created_at")?;
    let issued = known(document.get("issued_at"), "issued_at")?;
    let payload_expires = set(payload.get("expires_at"), "payload.expires_at")?;
    let envelope_expires = set(document.get("expires_at"), "expires_at")?;
    if created > issued {
        return fail(CAUSAL_CLOCK_CONTRADICTION, "payload.created_at");
    }
    if context.is_future(issued) {
        return fail(FUTURE_TIMESTAMP_POISONING, "issued_at");
    }
    for (expires, field) in [(payload_expires, "payload.expires_at"), (envelope_expires, "expires_at")] {
        if expires.is_some_and(|expires| context.is_past(expires)) {
            return fail(EXPIRED_TTL, field);
        }
    }
    Ok(payload_expires)
}

/// A11 to A14.
fn check_signature(document: &Value, payload: &Value, signer: &str, context: &Context<'_>) -> Result<(), Failure> {
    let hash = text(document, "payload_hash_b64u");
    match envelope::hashed(payload, text(document, "hash_algorithm"), hash) {
        Hashed::NotImplemented => return fail(UNKNOWN_HASH_ALGORITHM, "hash_algorithm"),
        Hashed::Bad => return fail(HASH_MISMATCH, "payload_hash_b64u"),
        Hashed::Good => {}
    }
    match envelope::signed(context.keys, signer, hash, text(document, "signature_b64u")) {
        Signed::Good => Ok(()),
        Signed::NoKey => fail(INVALID_DID_FORMAT, "signer_did"),
        Signed::Undecodable => fail(MALFORMED_ENVELOPE, "signature_b64u"),
        Signed::Bad => fail(SIGNATURE_INVALID, "signature_b64u"),
    }
}

/// A15: members ascend by the text of their hashes. Ascending, so an equal one
/// stands beside its twin.
fn expected(members: &[Value]) -> Result<Vec<Expected>, Failure> {
    let mut expected: Vec<Expected> = Vec::with_capacity(members.len());
    for (at, member) in members.iter().enumerate() {
        let next = Expected::of(format!("artifacts/member_bundles/{at}.json"), member);
        let order = expected.last().map(|previous| previous.hash.cmp(&next.hash));
        match order {
            Some(std::cmp::Ordering::Greater) => return fail(UNSORTED_MEMBER_ARRAY, format!("{MEMBERS}[{at}]")),
            Some(std::cmp::Ordering::Equal) => return fail(AGGREGATE_DUPLICATE_MEMBER, format!("{MEMBERS}[{at}]")),
            _ => expected.push(next),
        }
    }
    Ok(expected)
}
