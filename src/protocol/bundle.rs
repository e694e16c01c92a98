//! The proof bundle (PEERS 3.1, 4.3): the order of the checks is the peer's,
//! since the first failure is the answer.

mod limits;
mod payload;
mod payload_hash;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::artifact::json::Value;
use crate::protocol::codes::{
    CAUSAL_BINDING_NORMALIZATION_FAILED, CAUSAL_CONFIDENCE_OUT_OF_RANGE, CAUSAL_PHASE_INVALID, Code, EXPIRED_TTL,
    HASH_MISMATCH, INVALID_DID_FORMAT, MALFORMED_ENVELOPE, SCHEMA_VALIDATION_FAILED, SIGNATURE_INVALID,
    UNKNOWN_ALGORITHM, UNKNOWN_ENVELOPE_TYPE, UNKNOWN_ENVELOPE_VERSION, UNKNOWN_HASH_ALGORITHM,
};
use crate::protocol::envelope::{self, Signed, envelope_schema, is_did_form, text};
use crate::protocol::event_chain::Walk;
use crate::protocol::options::Context;
use crate::protocol::schema::{DATE_TIME, ONE, Schema, first_fault, is_b64u};
use crate::protocol::tiers::{ProofTier, TrustTier};
use crate::protocol::verdict::{Accepted, Failure, fail, fail_whole};
use crate::protocol::{
    approval, attestation, causal, coverage, date, event_chain, gateway_receipt, model_identity, prompt, rate_limit,
    side_effect, tool_receipt, urm,
};

use self::payload::Payload;

pub(super) static ENVELOPE: Schema = envelope_schema!(&ONE, "proof_bundle", &payload::SCHEMA, "expires_at": &DATE_TIME);

/// Whether the peer takes this for an envelope; all else is a bare payload.
pub(super) fn is_enveloped(document: &Value) -> bool {
    ["envelope_version", "payload", "signature_b64u"].iter().all(|name| document.get(name).is_some())
}

/// Verifies an envelope or a bare payload.
pub(super) fn verify(document: &Value, context: &Context<'_>) -> Result<Accepted, Failure> {
    let enveloped = is_enveloped(document);
    if enveloped && envelope::MEMBERS.iter().any(|name| document.get(name).is_none()) {
        return fail_whole(MALFORMED_ENVELOPE);
    }
    let modes = if context.nested { causal::Modes::DEFAULT } else { causal::resolve(context.options)? };
    if enveloped {
        check_envelope(document, context)?;
    }
    let original = if enveloped { document.get("payload").unwrap_or(document) } else { document };
    let current = payload::without_legacy_receipts(original);
    if enveloped {
        let changed = matches!(current, Cow::Owned(_)).then_some(current.as_ref());
        check_schema(document, changed)?;
    }
    let payload = payload::read(&current, enveloped)?;
    limits::check(&payload)?;
    if !is_did_form(payload.agent) {
        return fail(INVALID_DID_FORMAT, "payload.agent_did");
    }
    let walk = match enveloped {
        true => check_signature(document, original, payload.agent, context)?,
        false => None,
    };
    check_contents(&payload, walk, modes, context)
}

/// Steps 2 to 9.
fn check_envelope(document: &Value, context: &Context<'_>) -> Result<(), Failure> {
    let member = |name| text(document, name);
    if member("envelope_version") != "1" {
        return fail(UNKNOWN_ENVELOPE_VERSION, "envelope_version");
    }
    if member("envelope_type") != "proof_bundle" {
        return fail(UNKNOWN_ENVELOPE_TYPE, "envelope_type");
    }
    if member("algorithm") != "Ed25519" {
        return fail(UNKNOWN_ALGORITHM, "algorithm");
    }
    if !["SHA-256", "BLAKE3"].contains(&member("hash_algorithm")) {
        return fail(UNKNOWN_HASH_ALGORITHM, "hash_algorithm");
    }
    if !is_did_form(member("signer_did")) {
        return fail(INVALID_DID_FORMAT, "signer_did");
    }
    if date::parse(member("issued_at")).is_none() {
        return fail(MALFORMED_ENVELOPE, "issued_at");
    }
    if let Some(expires_at) = document.get("expires_at") {
        match expires_at.as_str().and_then(date::parse) {
            None => return fail(MALFORMED_ENVELOPE, "expires_at"),
            Some(expires) if context.is_past(expires) => return fail(EXPIRED_TTL, "expires_at"),
            Some(_) => {}
        }
    }
    match ["payload_hash_b64u", "signature_b64u"].into_iter().find(|name| !is_b64u(member(name))) {
        Some(name) => fail(MALFORMED_ENVELOPE, name),
        None => Ok(()),
    }
}

/// Step 9.75, with the codes of their own that some faults have. `changed` is
/// the payload without legacy receipts, where it had any.
fn check_schema(document: &Value, changed: Option<&Value>) -> Result<(), Failure> {
    let fault = match (changed, document) {
        (Some(payload), Value::Object(members)) => {
            let mut current = members.clone();
            current.set("payload", payload.clone());
            first_fault(&ENVELOPE, &current.into())
        }
        _ => first_fault(&ENVELOPE, document),
    };
    let Some(fault) = fault else { return Ok(()) };
    let field = fault.field();
    let code = field.as_deref().map_or(SCHEMA_VALIDATION_FAILED, schema_code);
    Err(Failure { code, field })
}

fn schema_code(field: &str) -> Code {
    let Some((_, name)) = field.rsplit_once("binding.") else { return SCHEMA_VALIDATION_FAILED };
    match name {
        "phase" => CAUSAL_PHASE_INVALID,
        "attribution_confidence" | "attributionConfidence" => CAUSAL_CONFIDENCE_OUT_OF_RANGE,
        "span_id" | "spanId" | "parent_span_id" | "parentSpanId" | "tool_span_id" | "toolSpanId" => {
            CAUSAL_BINDING_NORMALIZATION_FAILED
        }
        _ => SCHEMA_VALIDATION_FAILED,
    }
}

/// Steps 11 to 14. The hash covers the payload as it was sent; hashing it gives
/// the walk over its events, whose turn comes later.
fn check_signature(
    document: &Value,
    payload: &Value,
    agent: &str,
    context: &Context<'_>,
) -> Result<Option<Walk>, Failure> {
    let signer = text(document, "signer_did");
    if signer != agent {
        return fail(INVALID_DID_FORMAT, "signer_did");
    }
    // BLAKE3 is listed and implemented by nobody.
    if text(document, "hash_algorithm") != "SHA-256" {
        return fail_whole(HASH_MISMATCH);
    }
    let hash = text(document, "payload_hash_b64u");
    let (found, walk) = payload_hash::hash(payload);
    if !envelope::spells(hash, &found) {
        return fail_whole(HASH_MISMATCH);
    }
    match envelope::signed(context.keys, signer, hash, text(document, "signature_b64u")) {
        Signed::Good => Ok(walk),
        Signed::NoKey => fail(INVALID_DID_FORMAT, "signer_did"),
        Signed::Undecodable | Signed::Bad => fail_whole(SIGNATURE_INVALID),
    }
}

/// Steps 15 and 16.
fn check_contents(
    payload: &Payload<'_>,
    walk: Option<Walk>,
    modes: causal::Modes,
    context: &Context<'_>,
) -> Result<Accepted, Failure> {
    let checked = payload.enveloped;
    let chain = match payload.events {
        [] => None,
        events => Some(event_chain::check(events, walk)?),
    };
    let chain = chain.as_ref();
    let run_id = chain.map(|chain| chain.run_id);
    each("rate_limit_claims", payload.rate_limit_claims, |claim| rate_limit::check(claim, run_id))?;
    if let Some(metadata) = payload.metadata {
        prompt::check(metadata, payload.agent, payload.events)?;
    }
    if let Some(reference) = payload.urm {
        let document = context.options.urm.as_ref().filter(|_| !context.nested);
        urm::check(reference, document, payload.agent, chain)?;
    }
    let judge = |receipt| gateway_receipt::judge(receipt, chain, checked, context);
    let receipts: Vec<_> = payload.receipts.iter().map(judge).collect();
    let mut flags = BTreeSet::new();
    let model_identity_tier = match receipts.is_empty() {
        true => crate::protocol::ModelIdentityTier::Unknown,
        false => model_identity::judge(payload.receipts, &receipts, &mut flags),
    };
    each("tool_receipts", payload.tool_receipts, |entry| {
        tool_receipt::check(entry, payload.agent, chain, checked, context)
    })?;
    each("side_effect_receipts", payload.side_effects, |receipt| side_effect::check(receipt, payload.agent))?;
    each("human_approval_receipts", payload.approvals, |receipt| approval::check(receipt, payload.agent))?;
    causal::check(payload.receipts, payload.side_effects, payload.approvals, modes)?;
    coverage::check(payload.whole, modes.enforces_coverage, &mut flags)?;
    let attested = payload.attestations.iter().any(|a| attestation::counts(a, payload.agent, context));
    let bound = receipts.iter().filter(|receipt| receipt.bound).count();
    let proof_tier = match () {
        () if attested => ProofTier::Sandbox,
        () if bound > 0 => ProofTier::Gateway,
        () => ProofTier::SelfSigned,
    };
    let verified = chain.is_some() || (bound > 0 && bound == receipts.len());
    Ok(Accepted {
        proof_tier: Some(proof_tier),
        trust_tier: Some(if verified { TrustTier::Verified } else { TrustTier::Basic }),
        model_identity_tier: Some(model_identity_tier),
        risk_flags: flags.into_iter().collect(),
        receipts,
    })
}

/// Checks the elements of a list one after the other.
fn each(list: &str, items: &[Value], check: impl Fn(&Value) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut items = items.iter().enumerate();
    items.try_for_each(|(at, item)| check(item).map_err(|failure| failure.below(&format!("payload.{list}[{at}]"))))
}
