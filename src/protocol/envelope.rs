//! The signed envelope (PEERS 1.4) as the peer checks it, and signatures.
//! Signed are the characters of the hash text, nothing else.

use ed25519_dalek::Signature;
use sha2::{Digest as _, Sha256};

use crate::artifact::json::{Value, compact_in_pieces, to_jcs};
use crate::artifact::{DidError, KeyCache, digest};
use crate::text::base64url;

/// The schema of an envelope: `version`, `type`, payload schema, then the
/// optional members.
macro_rules! envelope_schema {
    ($version:expr, $kind:literal, $payload:expr $(, $name:literal: $schema:expr)*) => {
        $crate::protocol::schema::closed(&[
            $crate::protocol::schema::required("envelope_version", $version),
            $crate::protocol::schema::required("envelope_type", &$crate::protocol::schema::Schema::Const($kind)),
            $crate::protocol::schema::required("payload", $payload),
            $crate::protocol::schema::required("payload_hash_b64u", &$crate::protocol::schema::B64U8),
            $crate::protocol::schema::required("hash_algorithm", &$crate::protocol::schema::SHA256_OR_BLAKE3),
            $crate::protocol::schema::required("signature_b64u", &$crate::protocol::schema::B64U8),
            $crate::protocol::schema::required("algorithm", &$crate::protocol::schema::ED25519),
            $crate::protocol::schema::required("signer_did", &$crate::protocol::schema::DID),
            $crate::protocol::schema::required("issued_at", &$crate::protocol::schema::DATE_TIME),
            $($crate::protocol::schema::optional($name, $schema),)*
        ])
    };
}
pub(super) use envelope_schema;

/// The members every envelope has.
pub(super) const MEMBERS: [&str; 9] = [
    "envelope_version",
    "envelope_type",
    "payload",
    "payload_hash_b64u",
    "hash_algorithm",
    "signature_b64u",
    "algorithm",
    "signer_did",
    "issued_at",
];

/// `did:key:` or `did:web:` and an id: the form only.
pub(super) fn is_did_form(text: &str) -> bool {
    let id = text.strip_prefix("did:key:").or_else(|| text.strip_prefix("did:web:"));
    id.is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._%-".contains(&b)))
}

/// The text of a member; empty where it is none.
pub(super) fn text<'a>(value: &'a Value<'a>, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// base64url of SHA-256.
pub(super) fn hash_text(bytes: &str) -> String {
    base64url::encode(&digest::sha256(bytes.as_bytes()))
}

/// Whether `text` is the base64url of `hash`. Unlike the encoder for secrets
/// this takes no care of timing: hashes are public.
pub(super) fn spells(text: &str, hash: &[u8; 32]) -> bool {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut spelled = [0; 44];
    for (three, four) in hash.chunks(3).zip(spelled.chunks_mut(4)) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (at, slot) in four.iter_mut().enumerate() {
            *slot = ALPHABET[(bits >> (18 - 6 * at) & 63) as usize];
        }
    }
    // 32 bytes take 43 characters; the last of the four is padding.
    text.as_bytes() == &spelled[..43]
}

/// Whether a hash belongs to a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hashed {
    Good,
    Bad,
    /// BLAKE3 is listed and implemented by nobody.
    NotImplemented,
}

/// Checks a payload's hash text under the named algorithm.
pub(super) fn hashed(payload: &Value, hash_algorithm: &str, text: &str) -> Hashed {
    if hash_algorithm != "SHA-256" {
        return Hashed::NotImplemented;
    }
    let mut hash = Sha256::new();
    compact_in_pieces(payload, &mut |piece| hash.update(piece.as_bytes()));
    if spells(text, &hash.finalize().into()) { Hashed::Good } else { Hashed::Bad }
}

/// base64url of SHA-256 over RFC 8785.
pub(super) fn jcs_hash(value: &Value) -> String {
    hash_text(&to_jcs(value))
}

/// What a signature check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    Good,
    /// The DID carries no Ed25519 key.
    NoKey,
    /// The signature text cannot be decoded at all.
    Undecodable,
    /// Wrong length, wrong bits, wrong key.
    Bad,
}

/// Checks a base64url signature of `did` over `message`. Strict where the
/// peer's library is not: keys of small order, second spellings of a key or a
/// signature, and left-over bits are bad.
pub(super) fn signed(keys: &KeyCache, did: &str, message: &str, signature_b64u: &str) -> Signed {
    let key = match keys.get(did) {
        Ok((_, key)) => Some(key),
        Err(DidError::Invalid) => return Signed::NoKey,
        Err(_) => None,
    };
    if signature_b64u.len() % 4 == 1 {
        return Signed::Undecodable;
    }
    let bytes = base64url::decode::<64>(signature_b64u);
    let good = key
        .zip(bytes)
        .is_some_and(|(key, bytes)| keys.verifies(&key, message.as_bytes(), &Signature::from_bytes(&bytes)));
    if good { Signed::Good } else { Signed::Bad }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_known_by_its_one_spelling() {
        for text in ["", "a", "abc", "some longer text"] {
            let (spelled, hash) = (hash_text(text), digest::sha256(text.as_bytes()));
            assert!(spells(&spelled, &hash));
            assert!(!spells(&spelled[..42], &hash) && !spells(&format!("{spelled}A"), &hash));
            assert!(!spells(&spelled, &digest::sha256(b"other")));
        }
    }
}
