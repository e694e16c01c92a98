//! The signed envelope of the Clawsig formats (FORMATS 2.1), used for our own
//! kinds as well:
//!
//! ```json
//! {"envelope_version":"1","envelope_type":"approval","payload":{…},
//!  "payload_hash_b64u":"…43…","hash_algorithm":"SHA-256",
//!  "signature_b64u":"…86…","algorithm":"Ed25519",
//!  "signer_did":"did:key:z6Mk…","issued_at":"2026-02-12T18:00:00Z"}
//! ```
//!
//! Signed are the 43 ASCII characters of `payload_hash_b64u`, nothing else:
//! `issued_at`, `expires_at` and co-signatures stand outside the signature.
//! Not implemented, and refused: BLAKE3.

use ed25519_dalek::Signature;

use crate::artifact::key_cache::{KeyCache, KnownKey};
use crate::artifact::shape::{Shape, Text, list, object, optional, plain, required};
use crate::text::base64url;

pub(crate) const ALGORITHM: &str = "Ed25519";
pub(crate) const HASH_ALGORITHM: &str = "SHA-256";
/// Allow-listed by the peer, implemented by nobody.
pub(crate) const HASH_ALGORITHM_UNSUPPORTED: &str = "BLAKE3";

/// Most co-signatures of one envelope (FORMATS 2.4).
const CO_SIGNATURES_MAX: usize = 16;

/// One version of the envelope.
#[derive(Debug)]
pub struct EnvelopeForm {
    pub version: &'static str,
    /// Everything but the payload, which stands open here and has its own shape.
    pub shape: &'static Shape,
}

/// Version 1, as every kind but two has it.
pub(crate) const V1: EnvelopeForm = EnvelopeForm { version: "1", shape: &SHAPE_V1 };
/// Version 1 without `expires_at` (FORMATS 2.1).
pub(crate) const V1_WITHOUT_EXPIRY: EnvelopeForm = EnvelopeForm { version: "1", shape: &SHAPE_V1_WITHOUT_EXPIRY };
/// Version 2: co-signatures (FORMATS 2.4).
pub(crate) const V2: EnvelopeForm = EnvelopeForm { version: "2", shape: &SHAPE_V2 };

const WORD: Shape = plain(1, 64);
const HASH: Shape = Shape::Text(Text::B64u43);
const SIGNATURE: Shape = Shape::Text(Text::B64u86);
const DID: Shape = Shape::Text(Text::Did);
const PEER_TIME: Shape = Shape::Text(Text::PeerTime);
const PAYLOAD: Shape = Shape::Object { fields: &[], open: true };

const SHAPE_V1: Shape = object(&[
    required("envelope_version", &WORD),
    required("envelope_type", &WORD),
    required("payload", &PAYLOAD),
    required("payload_hash_b64u", &HASH),
    required("hash_algorithm", &WORD),
    required("signature_b64u", &SIGNATURE),
    required("algorithm", &WORD),
    required("signer_did", &DID),
    required("issued_at", &PEER_TIME),
    optional("expires_at", &PEER_TIME),
]);

const SHAPE_V1_WITHOUT_EXPIRY: Shape = object(&[
    required("envelope_version", &WORD),
    required("envelope_type", &WORD),
    required("payload", &PAYLOAD),
    required("payload_hash_b64u", &HASH),
    required("hash_algorithm", &WORD),
    required("signature_b64u", &SIGNATURE),
    required("algorithm", &WORD),
    required("signer_did", &DID),
    required("issued_at", &PEER_TIME),
]);

const SHAPE_V2: Shape = object(&[
    required("envelope_version", &WORD),
    required("envelope_type", &WORD),
    required("payload", &PAYLOAD),
    required("payload_hash_b64u", &HASH),
    required("hash_algorithm", &WORD),
    required("signature_b64u", &SIGNATURE),
    required("algorithm", &WORD),
    required("signer_did", &DID),
    required("issued_at", &PEER_TIME),
    optional("expires_at", &PEER_TIME),
    optional("co_signatures", &CO_SIGNATURES),
]);

const CO_SIGNATURES: Shape = list(&CO_SIGNATURE, 0, CO_SIGNATURES_MAX);

/// FORMATS 2.4. Role, time and signer are not covered by the signature.
const CO_SIGNATURE: Shape = object(&[
    required("signature_b64u", &SIGNATURE),
    required("algorithm", &Shape::Text(Text::Word(ALGORITHM))),
    required("signer_did", &DID),
    required("issued_at", &PEER_TIME),
    required("role", &Shape::Enum(&["proxy", "approver", "auditor", "supervisor"])),
]);

/// Whether `signature_b64u` is the key's signature over the text of the hash.
pub(crate) fn verifies(keys: &KeyCache, key: &KnownKey, payload_hash_b64u: &str, signature_b64u: &str) -> bool {
    let Some(bytes) = base64url::decode::<64>(signature_b64u) else {
        return false;
    };
    keys.verifies(key, payload_hash_b64u.as_bytes(), &Signature::from_bytes(&bytes))
}
