//! Attestations inside an export (PEERS 3.4, 4.14): about where the
//! run executed, how a model was derived, what an audit of it found. The
//! export's schema was checked before.

mod schemas;

use crate::artifact::json::Value;
use crate::protocol::codes::{
    CLAIM_NOT_FOUND, DEPENDENCY_NOT_CONFIGURED, HASH_MISMATCH, INVALID_DID_FORMAT, MALFORMED_ENVELOPE,
    SCHEMA_VALIDATION_FAILED, SIGNATURE_INVALID,
};
use crate::protocol::envelope::{self, Hashed, Signed, is_did_form, text};
use crate::protocol::options::{Context, Options, lists};
use crate::protocol::verdict::{Failure, fail, fail_whole};
use crate::protocol::{date, event_chain, inclusion_proof};

pub(super) use self::schemas::{AUDIT_RESULTS, DERIVATIONS, EXECUTIONS};

/// One kind of attestation.
pub(super) struct Kind {
    /// The list that holds it, which is also its folder in the manifest.
    pub(super) list: &'static str,
    /// What the peer calls the missing list of trusted signers.
    setting: &'static str,
    signers: fn(&Options) -> Option<&[String]>,
    /// What follows the signature.
    further: fn(&Value, &Context<'_>) -> Result<(), Failure>,
    /// Whether it is about this bundle; fields are below its payload.
    pub(super) binds: fn(&Value, &Value) -> Result<(), Failure>,
    /// Execution attestations are stricter, and name fields where others do not.
    execution: bool,
}

/// All kinds, in the order in which they are checked.
pub(super) static KINDS: [Kind; 3] = [
    Kind {
        list: "execution_attestation_envelopes",
        setting: "env.EXECUTION_ATTESTATION_SIGNER_DIDS",
        signers: |options| options.execution_signers.as_deref(),
        further: check_tee,
        binds: check_execution_binding,
        execution: true,
    },
    Kind {
        list: "derivation_attestation_envelopes",
        setting: "env.DERIVATION_ATTESTATION_SIGNER_DIDS",
        signers: |options| options.derivation_signers.as_deref(),
        further: check_logged,
        binds: check_bundle_hash,
        execution: false,
    },
    Kind {
        list: "audit_result_attestation_envelopes",
        setting: "env.AUDIT_RESULT_ATTESTATION_SIGNER_DIDS",
        signers: |options| options.audit_result_signers.as_deref(),
        further: check_logged,
        binds: check_bundle_hash,
        execution: false,
    },
];

/// Checks one attestation for itself. Its fields stand without the place of
/// the attestation, as in the peer.
pub(super) fn check(kind: &Kind, attestation: &Value, context: &Context<'_>) -> Result<(), Failure> {
    let signer = text(attestation, "signer_did");
    if !is_did_form(signer) {
        return fail(INVALID_DID_FORMAT, "signer_did");
    }
    let listed = (kind.signers)(context.options).unwrap_or_default();
    if listed.is_empty() {
        return fail(DEPENDENCY_NOT_CONFIGURED, kind.setting);
    }
    if !lists(Some(listed), signer) {
        return fail(CLAIM_NOT_FOUND, "signer_did");
    }
    if date::parse(text(attestation, "issued_at")).is_none() {
        return fail(MALFORMED_ENVELOPE, "issued_at");
    }
    let payload = attestation.get("payload").unwrap_or(attestation);
    if kind.execution {
        check_execution_payload(payload, signer)?;
    }
    let hash = text(attestation, "payload_hash_b64u");
    let named = |field: &str| kind.execution.then(|| field.to_owned());
    match envelope::hashed(payload, text(attestation, "hash_algorithm"), hash) {
        Hashed::NotImplemented => return Err(Failure { code: HASH_MISMATCH, field: named("payload") }),
        Hashed::Bad => return Err(Failure { code: HASH_MISMATCH, field: named("payload_hash_b64u") }),
        Hashed::Good => {}
    }
    match envelope::signed(context.keys, signer, hash, text(attestation, "signature_b64u")) {
        Signed::Good => (kind.further)(payload, context),
        Signed::NoKey => fail(INVALID_DID_FORMAT, "signer_did"),
        Signed::Undecodable | Signed::Bad => Err(Failure { code: SIGNATURE_INVALID, field: named("signature_b64u") }),
    }
}

fn check_execution_payload(payload: &Value, signer: &str) -> Result<(), Failure> {
    let dates = ["issued_at", "expires_at"].into_iter().filter_map(|name| payload.get(name));
    let well_formed = !date::js_trim(text(payload, "run_id")).is_empty()
        && !text(payload, "proof_bundle_hash_b64u").is_empty()
        && is_did_form(text(payload, "agent_did"))
        && is_did_form(text(payload, "attester_did"))
        && dates.into_iter().all(|date| date.as_str().and_then(date::parse).is_some());
    if !well_formed {
        return fail(SCHEMA_VALIDATION_FAILED, "payload");
    }
    if text(payload, "attester_did") != signer {
        return fail(SIGNATURE_INVALID, "payload.attester_did");
    }
    Ok(())
}

/// The core has no list of TEE roots inside exports, so a TEE attestation
/// always ends here.
fn check_tee(payload: &Value, _: &Context<'_>) -> Result<(), Failure> {
    match text(payload, "execution_type") {
        "tee_execution" => fail(DEPENDENCY_NOT_CONFIGURED, "env.TEE_ATTESTATION_ROOT_ALLOWLIST"),
        _ => Ok(()),
    }
}

fn check_logged(payload: &Value, context: &Context<'_>) -> Result<(), Failure> {
    payload.at("clawlogs.inclusion_proof").map_or(Ok(()), |proof| inclusion_proof::check(proof, context))
}

fn check_execution_binding(attestation: &Value, envelope: &Value) -> Result<(), Failure> {
    let (Some(payload), Some(bundle)) = (attestation.get("payload"), envelope.get("payload")) else {
        return fail_whole(HASH_MISMATCH);
    };
    if text(payload, "proof_bundle_hash_b64u") != text(envelope, "payload_hash_b64u") {
        return fail(HASH_MISMATCH, "proof_bundle_hash_b64u");
    }
    let events = bundle.get("event_chain").and_then(Value::as_array).unwrap_or_default();
    if event_chain::run_of(events).is_some_and(|run| text(payload, "run_id") != run) {
        return fail(HASH_MISMATCH, "run_id");
    }
    if text(payload, "agent_did") != text(bundle, "agent_did") {
        return fail(HASH_MISMATCH, "agent_did");
    }
    Ok(())
}

fn check_bundle_hash(attestation: &Value, envelope: &Value) -> Result<(), Failure> {
    match attestation.text_at("payload.execution.proof_bundle_hash_b64u") {
        Some(hash) if hash != text(envelope, "payload_hash_b64u") => {
            fail(HASH_MISMATCH, "execution.proof_bundle_hash_b64u")
        }
        _ => Ok(()),
    }
}
