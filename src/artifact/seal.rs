//! Signs a payload into an envelope (FORMATS 2.1): how an operator, approver or
//! issuer writes a statement by hand. Randomness and time are arguments.

use ed25519_dalek::{Signer as _, SigningKey};

use crate::artifact::did::Did;
use crate::artifact::digest::sha256;
use crate::artifact::envelope::{ALGORITHM, HASH_ALGORITHM};
use crate::artifact::json::{Object, Value, to_compact, to_jcs};
use crate::artifact::kind::{HashForm, Kind};
use crate::artifact::shape::{Broken, ShapeError};
use crate::artifact::{Reading, admission, shape, time};
use crate::codes::{self, Code};
use crate::text::{base64url, hex};

/// The payload with its version in front and its nonce after it, and with what
/// follows from its other members (the key of an operation, the hash of a
/// grant), where the kind is ours and they are absent. What is there is never
/// changed.
#[must_use]
pub fn complete<'a>(kind: Kind, payload: Value<'a>, nonce: [u8; 16]) -> Value<'a> {
    let mut forms = kind.row().taken_in();
    let (Value::Object(members), Some(form), None) = (&payload, forms.next(), forms.next()) else {
        return payload;
    };
    if !form.ours {
        return payload;
    }
    let mut out = Object::new();
    let or = |name: &str, absent: Value<'a>| members.get(name).cloned().unwrap_or(absent);
    out.set(form.version_field, or(form.version_field, form.version.into()));
    out.set("nonce", or("nonce", hex::encode(&nonce).into()));
    members.iter().for_each(|(name, value)| out.set(name, value.clone()));
    (kind.row().complete)(&mut out);
    out.into()
}

/// What keeps a payload from being of its kind, the first 64 faults of it; rules between members are looked at
/// once each member is right. Empty exactly when [`seal`] takes the payload.
#[must_use]
pub fn faults(kind: Kind, payload: &Value) -> Vec<ShapeError> {
    let form = match admission::form_of(kind, None, payload) {
        Ok(form) => form,
        Err(error) => return vec![error.within("payload")],
    };
    let found = shape::faults(form.payload, payload);
    let found = match found.is_empty() {
        true => admission::check_payload(kind, form, payload, Reading::Intake).err().into_iter().collect(),
        false => found,
    };
    found.into_iter().map(|error| error.within("payload")).collect()
}

/// The compact form of an envelope of `kind` around `payload`, signed by `key`.
/// The envelope is version 1, or the version that the payload's version needs.
///
/// # Errors
/// The payload is not of the kind's shape, or `issued_at` is no time.
pub fn seal(kind: Kind, payload: Value, key: &SigningKey, issued_at: &str) -> Result<String, ShapeError> {
    let form = admission::form_of(kind, None, &payload).map_err(|error| error.within("payload"))?;
    admission::check_payload(kind, form, &payload, Reading::Intake).map_err(|error| error.within("payload"))?;
    if time::unix_ms(issued_at).is_none() {
        return Err(ShapeError::at(
            "issued_at",
            Broken::InvalidValue,
            "must be an RFC 3339 date-time with a time zone",
        ));
    }
    let hash = base64url::encode(&payload_hash(kind, &payload));
    let signature = base64url::encode(&key.sign(hash.as_bytes()).to_bytes());
    let mut envelope = Object::new();
    envelope.set("envelope_version", form.envelope.version.into());
    envelope.set("envelope_type", kind.row().envelope_type.into());
    envelope.set("payload", payload);
    envelope.set("payload_hash_b64u", hash.into());
    envelope.set("hash_algorithm", HASH_ALGORITHM.into());
    envelope.set("signature_b64u", signature.into());
    envelope.set("algorithm", ALGORITHM.into());
    envelope.set("signer_did", Did::of(&key.verifying_key()).as_str().into());
    envelope.set("issued_at", issued_at.into());
    Ok(to_compact(&envelope.into()))
}

/// What is in no signed envelope: there the payload is all there is, dates and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the artifact is in no signed envelope, so every date in it is part of what it says")]
pub struct NotRenewable;

impl NotRenewable {
    /// Stable code.
    #[must_use]
    pub fn code(self) -> &'static Code {
        &codes::artifact::NOT_RENEWABLE
    }
}

/// The same statement in another envelope: `issued_at` alone differs, which the
/// signature does not cover, so that it is another artifact with the same
/// payload hash, signer and signature.
///
/// # Errors
/// It is in no envelope of a known kind.
pub fn renewed<'a>(artifact: &Value<'a>, issued_at: &str) -> Result<Value<'a>, NotRenewable> {
    let is_envelope = artifact.text_at("envelope_type").and_then(Kind::of_envelope).is_some();
    let (Value::Object(members), true, Some(_)) = (artifact, is_envelope, artifact.text_at("issued_at")) else {
        return Err(NotRenewable);
    };
    let mut envelope = members.clone();
    envelope.set("issued_at", issued_at.into());
    Ok(envelope.into())
}

/// SHA-256 over the payload in the kind's hash form.
pub(crate) fn payload_hash(kind: Kind, payload: &Value) -> [u8; 32] {
    let text = match kind.row().hash_form {
        HashForm::Compact => to_compact(payload),
        HashForm::Jcs => to_jcs(payload),
    };
    sha256(text.as_bytes())
}
