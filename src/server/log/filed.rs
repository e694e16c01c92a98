//! A body as it is filed: its payload and the hash of it, from bytes that hash
//! to the digest in their entry. No signature is verified again: admission did
//! it, and the digest stands in the tree.

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::artifact::json::{self, Value};
use crate::entry::SequencedEntry;

/// Payload, and its hash in the kind's form. `None` when the bytes are not the
/// body of this entry.
pub fn read<'a>(entry: &SequencedEntry, body: &'a [u8]) -> Option<(PayloadHash, Value<'a>)> {
    if ArtifactDigest::of(body) != entry.digest {
        return None;
    }
    let body = json::parse(body, json::DEPTH_MAX).ok()?;
    if entry.signer.is_none() {
        return Some((PayloadHash::from_bytes(*entry.digest.as_bytes()), body));
    }
    // Admission compared the stated hash with the payload.
    let stated = body.text_at("payload_hash_b64u").and_then(json_hash)?;
    Some((stated, payload_in(body)?))
}

/// The payload alone, of a body that never left memory since it was admitted.
pub fn payload<'a>(entry: &SequencedEntry, body: &'a str) -> Option<Value<'a>> {
    let body = json::parse(body.as_bytes(), json::DEPTH_MAX).ok()?;
    if entry.signer.is_none() { Some(body) } else { payload_in(body) }
}

fn payload_in(envelope: Value<'_>) -> Option<Value<'_>> {
    match envelope {
        Value::Object(mut envelope) => envelope.remove("payload"),
        _ => None,
    }
}

fn json_hash(text: &str) -> Option<PayloadHash> {
    crate::text::base64url::decode(text).map(PayloadHash::from_bytes)
}
