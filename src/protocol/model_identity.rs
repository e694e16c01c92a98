//! What gateway receipts show about the model (PEERS 2.13, 4.11). Never fails
//! a bundle: it sets a tier and raises flags.

use std::collections::BTreeSet;

use crate::artifact::json::{Object, Value};
use crate::protocol::codes::{self, Code};
use crate::protocol::date::js_trim;
use crate::protocol::envelope::{jcs_hash, text};
use crate::protocol::schema::{
    B64U8, COUNT, DATE_TIME, DID, NATURAL, NONEMPTY, ONE, OPEN_OBJECT, STRING, Schema, closed, first_fault, is_b64u,
    list, optional, required,
};
use crate::protocol::tiers::ModelIdentityTier;
use crate::protocol::verdict::ReceiptOutcome;

static MODEL: Schema = closed(&[
    required("provider", &NONEMPTY),
    required("name", &NONEMPTY),
    optional("family", &STRING),
    optional("endpoint", &STRING),
    optional("region", &STRING),
    optional("deployment_id", &STRING),
    optional("revision", &STRING),
]);

static TRANSPORT: Schema =
    closed(&[optional("provider_api", &STRING), optional("http_status", &COUNT), optional("latency_ms", &COUNT)]);

static GATEWAY_OBSERVED: Schema = closed(&[
    required("gateway_id", &DID),
    required("observed_at", &DATE_TIME),
    optional("request_id", &STRING),
    optional("provider_response_fingerprint", &STRING),
    optional("transport", &TRANSPORT),
]);

/// A reference to some document by its hash.
pub(super) static REFERENCE: Schema =
    closed(&[required("resource_type", &NONEMPTY), required("resource_hash_b64u", &B64U8), optional("uri", &STRING)]);

static MANIFEST_SIGNATURE: Schema =
    closed(&[required("signer_did", &DID), required("signature_envelope_ref", &REFERENCE)]);

static PROVIDER_MANIFEST: Schema = closed(&[
    required("manifest_type", &Schema::Const("provider_build_manifest")),
    required("hash_b64u", &B64U8),
    optional("uri", &STRING),
    optional("content_type", &STRING),
    optional("signature", &MANIFEST_SIGNATURE),
]);

static WEIGHT: Schema =
    closed(&[required("hash_b64u", &B64U8), optional("file_name", &STRING), optional("size_bytes", &NATURAL)]);
static WEIGHTS: Schema = list(&WEIGHT, 0);

static OPENWEIGHTS: Schema = closed(&[
    optional("weights_format", &STRING),
    optional("weights", &WEIGHTS),
    optional("tokenizer", &OPEN_OBJECT),
    optional("config", &OPEN_OBJECT),
    optional("serving_code", &OPEN_OBJECT),
]);

static TEE_MEASUREMENT: Schema = closed(&[
    optional("attestation_type", &STRING),
    optional("attestation_report_ref", &REFERENCE),
    optional("measurement", &OPEN_OBJECT),
    optional("tcb", &OPEN_OBJECT),
]);

static ARTIFACTS: Schema = closed(&[
    optional("provider_manifest", &PROVIDER_MANIFEST),
    optional("openweights", &OPENWEIGHTS),
    optional("tee_measurement", &TEE_MEASUREMENT),
]);

pub(super) static SCHEMA: Schema = closed(&[
    required("model_identity_version", &ONE),
    required(
        "tier",
        &Schema::Enum(&["closed_opaque", "closed_provider_manifest", "openweights_hashable", "tee_measured"]),
    ),
    required("model", &MODEL),
    optional("gateway_observed", &GATEWAY_OBSERVED),
    optional("artifacts", &ARTIFACTS),
    optional("metadata", &OPEN_OBJECT),
]);

/// The lowest tier over all signature-valid receipts, and the flags raised.
pub(super) fn judge(receipts: &[Value], outcomes: &[ReceiptOutcome], flags: &mut BTreeSet<Code>) -> ModelIdentityTier {
    let valid = receipts.iter().zip(outcomes).filter(|(_, outcome)| outcome.signature_valid);
    let tiers: BTreeSet<_> =
        valid.filter_map(|(receipt, _)| receipt.get("payload")).map(|payload| of_receipt(payload, flags)).collect();
    if tiers.len() > 1 {
        flags.insert(codes::MODEL_IDENTITY_HETEROGENEOUS);
    }
    tiers.first().copied().unwrap_or_else(|| {
        flags.insert(codes::MODEL_IDENTITY_NO_SIGNATURE_VERIFIED_RECEIPTS);
        ModelIdentityTier::Unknown
    })
}

/// The tier that one gateway receipt's payload reaches. The peer looks at what
/// the gateway signed and whether it holds together; nothing verifies the
/// evidence that it names.
#[must_use]
pub fn model_identity_tier(payload: &Value) -> ModelIdentityTier {
    of_receipt(payload, &mut BTreeSet::new())
}

/// The tier of one receipt. The peer's flag for a hash that is no base64url
/// cannot come up: such a receipt has no valid shape.
fn of_receipt(payload: &Value, flags: &mut BTreeSet<Code>) -> ModelIdentityTier {
    let mut unknown = |flag| {
        flags.insert(flag);
        ModelIdentityTier::Unknown
    };
    let metadata = payload.get("metadata");
    let given = metadata.and_then(|metadata| metadata.get("model_identity"));
    let (provider, name) = match given {
        Some(identity) => {
            let model = |name| identity.at("model").map_or("", |model| text(model, name));
            let (provider, name) = (model("provider"), model("name"));
            let named = !js_trim(provider).is_empty() && !js_trim(name).is_empty();
            if !named || first_fault(&SCHEMA, identity).is_some() {
                return unknown(codes::MODEL_IDENTITY_SCHEMA_INVALID);
            }
            (provider, name)
        }
        None => {
            unknown(codes::MODEL_IDENTITY_MISSING_DEFAULTED);
            let (provider, name) = (text(payload, "provider"), text(payload, "model"));
            if js_trim(provider).is_empty() || js_trim(name).is_empty() {
                return unknown(codes::MODEL_IDENTITY_SCHEMA_INVALID);
            }
            (provider, name)
        }
    };
    if provider != text(payload, "provider") || name != text(payload, "model") {
        return unknown(codes::MODEL_IDENTITY_MODEL_MISMATCH);
    }
    match metadata.map_or("", |metadata| text(metadata, "model_identity_hash_b64u")) {
        "" => {
            unknown(codes::MODEL_IDENTITY_HASH_MISSING);
        }
        hash if *hash != given.map_or_else(|| jcs_hash(&assumed(provider, name)), jcs_hash) => {
            return unknown(codes::MODEL_IDENTITY_HASH_MISMATCH);
        }
        _ => {}
    }
    let tier = given.map_or(ModelIdentityTier::ClosedOpaque, claimed_tier);
    if !given.is_none_or(|identity| has_evidence(identity, tier)) {
        return unknown(codes::MODEL_IDENTITY_EVIDENCE_MISSING);
    }
    if tier == ModelIdentityTier::ClosedOpaque {
        flags.insert(codes::MODEL_IDENTITY_OPAQUE);
    }
    tier
}

/// What the peer assumes of a receipt without model identity.
fn assumed(provider: &str, name: &str) -> Value<'static> {
    let mut model = Object::new();
    model.set("provider", provider.into());
    model.set("name", name.into());
    let mut identity = Object::new();
    identity.set("model_identity_version", "1".into());
    identity.set("tier", "closed_opaque".into());
    identity.set("model", model.into());
    identity.into()
}

/// The tier an identity claims; its schema knows no other.
fn claimed_tier(identity: &Value) -> ModelIdentityTier {
    match text(identity, "tier") {
        "closed_provider_manifest" => ModelIdentityTier::ClosedProviderManifest,
        "openweights_hashable" => ModelIdentityTier::OpenweightsHashable,
        "tee_measured" => ModelIdentityTier::TeeMeasured,
        _ => ModelIdentityTier::ClosedOpaque,
    }
}

/// Whether the evidence that a tier needs is there; nothing verifies it.
fn has_evidence(identity: &Value, tier: ModelIdentityTier) -> bool {
    let hashed = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|t| t.len() >= 8 && is_b64u(t));
    match tier {
        ModelIdentityTier::ClosedProviderManifest => hashed(identity.at("artifacts.provider_manifest.hash_b64u")),
        ModelIdentityTier::OpenweightsHashable => {
            let weights = identity.at("artifacts.openweights.weights").and_then(Value::as_array).unwrap_or_default();
            !weights.is_empty() && weights.iter().all(|weight| hashed(weight.get("hash_b64u")))
        }
        ModelIdentityTier::TeeMeasured => {
            hashed(identity.at("artifacts.tee_measurement.attestation_report_ref.resource_hash_b64u"))
        }
        _ => true,
    }
}
