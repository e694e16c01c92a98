//! Attestation references in a bundle (PEERS 2.12, 4.12). Bad ones fail
//! nothing: they are not counted. A good one lifts the proof tier to
//! `sandbox`, whatever it attests: that is the peer's rule.

use crate::artifact::json::{Value, to_jcs};
use crate::protocol::date;
use crate::protocol::envelope::{self, Signed, is_did_form, text};
use crate::protocol::options::{Context, lists};
use crate::protocol::schema::{B64U8, DATE_TIME, DID, NONEMPTY, Schema, closed, first_fault, optional, required};

pub(super) static SCHEMA: Schema = closed(&[
    required("attestation_id", &NONEMPTY),
    required("attestation_type", &Schema::Enum(&["owner", "third_party"])),
    required("attester_did", &DID),
    required("subject_did", &DID),
    optional("expires_at", &DATE_TIME),
    required("signature_b64u", &B64U8),
]);

/// Whether an attestation counts: of good shape, not expired, about this
/// agent, by a listed attester who signed it.
pub(super) fn counts(attestation: &Value, agent: &str, context: &Context<'_>) -> bool {
    let attester = text(attestation, "attester_did");
    let unexpired = match attestation.get("expires_at").map(|expires| expires.as_str().and_then(date::parse)) {
        None => true,
        Some(expires) => expires.is_some_and(|expires| expires >= context.now),
    };
    first_fault(&SCHEMA, attestation).is_none()
        && is_did_form(attester)
        && text(attestation, "subject_did") == agent
        && unexpired
        && lists(context.options.attesters.as_deref(), attester)
        && is_signed(attestation, attester, context)
}

/// Signed is RFC 8785 of the object with an empty signature.
fn is_signed(attestation: &Value, attester: &str, context: &Context<'_>) -> bool {
    let Value::Object(members) = attestation else { return false };
    let mut unsigned = members.clone();
    unsigned.set("signature_b64u", "".into());
    let signature = text(attestation, "signature_b64u");
    envelope::signed(context.keys, attester, &to_jcs(&unsigned.into()), signature) == Signed::Good
}
