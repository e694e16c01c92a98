//! Commit signatures (PEERS 3.7, 4.15): a flat object signed
//! over RFC 8785 of itself with an empty signature.

use base64ct::{Base64, Encoding as _};
use ed25519_dalek::Signature;

use crate::artifact::json::{Value, to_jcs};
use crate::artifact::{DidError, KeyCache};
use crate::protocol::codes::{
    COMMIT_MESSAGE_INVALID, INVALID_DID_FORMAT, MALFORMED_ENVELOPE, SIGNATURE_INVALID, UNKNOWN_ALGO, UNKNOWN_TYPE,
    UNKNOWN_VERSION,
};
use crate::protocol::envelope::text;
use crate::protocol::verdict::{Accepted, Failure, fail_whole};

/// Verifies one document. Its failures name no field.
pub(super) fn verify(document: &Value, keys: &KeyCache) -> Result<Accepted, Failure> {
    let Value::Object(members) = document else { return fail_whole(MALFORMED_ENVELOPE) };
    for (name, word, code) in [
        ("version", "m1", UNKNOWN_VERSION),
        ("type", "message_signature", UNKNOWN_TYPE),
        ("algo", "ed25519", UNKNOWN_ALGO),
    ] {
        if text(document, name) != word {
            return fail_whole(code);
        }
    }
    if !names_commit(text(document, "message")) {
        return fail_whole(COMMIT_MESSAGE_INVALID);
    }
    let key = match keys.get(text(document, "did")) {
        Ok((_, key)) => Some(key),
        Err(DidError::Invalid) => return fail_whole(INVALID_DID_FORMAT),
        Err(_) => None,
    };
    let Some(signature) = decode(text(document, "signature")) else { return fail_whole(MALFORMED_ENVELOPE) };
    let mut unsigned = members.clone();
    unsigned.set("signature", "".into());
    let signed = to_jcs(&unsigned.into());
    match key.is_some_and(|key| keys.verifies(&key, signed.as_bytes(), &Signature::from_bytes(&signature))) {
        true => Ok(Accepted::default()),
        false => fail_whole(SIGNATURE_INVALID),
    }
}

/// `commit:` and 7 to 64 hexadecimal digits, in any case of letters.
fn names_commit(message: &str) -> bool {
    let Some((word, hex)) = message.split_once(':') else { return false };
    word.eq_ignore_ascii_case("commit") && (7..=64).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

/// 64 bytes of padded standard base64.
fn decode(text: &str) -> Option<[u8; 64]> {
    let mut out = [0; 64];
    let decoded = Base64::decode(text, &mut out).ok()?;
    (decoded.len() == 64).then_some(out)
}
