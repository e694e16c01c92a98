//! Export bundles (PEERS 3.3, 4.14): a proof bundle with
//! attestations about it, under one manifest, signed by whoever exported.

use crate::artifact::json::{Object, Value};
use crate::protocol::codes::{
    CAUSAL_CLOCK_CONTRADICTION, EXPIRED_TTL, FUTURE_TIMESTAMP_POISONING, HASH_MISMATCH, INVALID_DID_FORMAT,
    MALFORMED_ENVELOPE, SCHEMA_VALIDATION_FAILED, SIGNATURE_INVALID,
};
use crate::protocol::envelope::{self, Signed, is_did_form, text};
use crate::protocol::export_attestation::{self, KINDS};
use crate::protocol::manifest::{self, Expected};
use crate::protocol::options::Context;
use crate::protocol::schema::{
    B64U8, DATE_TIME, DID, ED25519, NONEMPTY, ONE, OPEN_OBJECT, SHA256, Schema, closed, first_fault, optional, required,
};
use crate::protocol::verdict::{Accepted, Failure, fail};
use crate::protocol::{bundle, date};

static ARTIFACTS: Schema = closed(&[
    required("proof_bundle_envelope", &bundle::ENVELOPE),
    optional("execution_attestation_envelopes", &export_attestation::EXECUTIONS),
    optional("derivation_attestation_envelopes", &export_attestation::DERIVATIONS),
    optional("audit_result_attestation_envelopes", &export_attestation::AUDIT_RESULTS),
]);

pub(super) static SCHEMA: Schema = closed(&[
    required("export_version", &ONE),
    required("export_id", &NONEMPTY),
    required("created_at", &DATE_TIME),
    required("issuer_did", &DID),
    required("manifest", &manifest::SCHEMA),
    required("artifacts", &ARTIFACTS),
    required("bundle_hash_b64u", &B64U8),
    required("hash_algorithm", &SHA256),
    required("signature_b64u", &B64U8),
    required("algorithm", &ED25519),
    required("issued_at", &DATE_TIME),
    optional("expires_at", &DATE_TIME),
    optional("metadata", &OPEN_OBJECT),
]);

/// Members that the bundle hash covers.
const HASHED: [&str; 9] = [
    "export_version",
    "export_id",
    "created_at",
    "issuer_did",
    "manifest",
    "artifacts",
    "issued_at",
    "expires_at",
    "metadata",
];

/// Verifies one export.
pub(super) fn verify(export: &Value, context: &Context<'_>) -> Result<Accepted, Failure> {
    if let Some(fault) = first_fault(&SCHEMA, export) {
        return Err(Failure { code: SCHEMA_VALIDATION_FAILED, field: fault.field() });
    }
    let issuer = text(export, "issuer_did");
    if !is_did_form(issuer) {
        return fail(INVALID_DID_FORMAT, "issuer_did");
    }
    check_dates(export, context)?;
    let artifacts = export.get("artifacts").unwrap_or(export);
    let manifest = export.get("manifest").unwrap_or(export);
    manifest::check(manifest, expected(artifacts), &manifest::OF_EXPORT)?;
    check_signature(export, issuer, context)?;
    let envelope = artifacts.get("proof_bundle_envelope").unwrap_or(artifacts);
    let bundle = bundle::verify(envelope, &Context { nested: true, ..*context })?;
    for kind in &KINDS {
        let attestations = artifacts.get(kind.list).and_then(Value::as_array).unwrap_or_default();
        for (at, attestation) in attestations.iter().enumerate() {
            export_attestation::check(kind, attestation, context)?;
            let base = || format!("artifacts.{}[{at}].payload", kind.list);
            (kind.binds)(attestation, envelope).map_err(|failure| failure.below(&base()))?;
        }
    }
    Ok(Accepted {
        proof_tier: bundle.proof_tier,
        model_identity_tier: bundle.model_identity_tier,
        ..Accepted::default()
    })
}

fn check_dates(export: &Value, context: &Context<'_>) -> Result<(), Failure> {
    let time = |name| export.get(name).map(|value| value.as_str().and_then(date::parse));
    let known = |name| match time(name).flatten() {
        Some(time) => Ok(time),
        None => fail(MALFORMED_ENVELOPE, name),
    };
    let (created, issued) = (known("created_at")?, known("issued_at")?);
    let expires = if export.get("expires_at").is_some() { Some(known("expires_at")?) } else { None };
    if created > issued {
        return fail(CAUSAL_CLOCK_CONTRADICTION, "created_at");
    }
    if context.is_future(issued) {
        return fail(FUTURE_TIMESTAMP_POISONING, "issued_at");
    }
    if expires.is_some_and(|expires| context.is_past(expires)) {
        return fail(EXPIRED_TTL, "expires_at");
    }
    Ok(())
}

fn expected(artifacts: &Value) -> Vec<Expected> {
    let single = "proof_bundle_envelope";
    let envelope = artifacts.get(single).map(|artifact| Expected::of(format!("artifacts/{single}.json"), artifact));
    let mut expected: Vec<Expected> = envelope.into_iter().collect();
    for kind in &KINDS {
        let attestations = artifacts.get(kind.list).and_then(Value::as_array).unwrap_or_default();
        let entry = |(at, artifact)| Expected::of(format!("artifacts/{}/{at}.json", kind.list), artifact);
        expected.extend(attestations.iter().enumerate().map(entry));
    }
    expected
}

fn check_signature(export: &Value, issuer: &str, context: &Context<'_>) -> Result<(), Failure> {
    let mut hashed = Object::new();
    for name in HASHED {
        if let Some(value) = export.get(name) {
            hashed.set(name, value.clone());
        }
    }
    let hash = text(export, "bundle_hash_b64u");
    if envelope::jcs_hash(&hashed.into()) != hash {
        return fail(HASH_MISMATCH, "bundle_hash_b64u");
    }
    match envelope::signed(context.keys, issuer, hash, text(export, "signature_b64u")) {
        Signed::Good => Ok(()),
        Signed::NoKey => fail(INVALID_DID_FORMAT, "issuer_did"),
        Signed::Undecodable => fail(MALFORMED_ENVELOPE, "signature_b64u"),
        Signed::Bad => fail(SIGNATURE_INVALID, "signature_b64u"),
    }
}
