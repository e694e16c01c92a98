//! A body as it is filed: its payload and the hash of it, from bytes that hash
//! to the digest in their entry. No signature is verified again: admission did
//! it, and the digest stands in the tree.

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::artifact::json::{self, Value};
use crate::entry::SequencedEntry;

/// Payload, and its hash in the kind's form. `None` when the bytes are not the
/// body of this entry.
pub fn read(entry: &SequencedEntry, body: &[u8]) -> Option<(PayloadHash, Value)> {
    if ArtifactDigest::of(body) != entry.digest {
        return None;
    }
    let body = json::parse(body, json::DEPTH_MAX).ok()?;
    if entry.signer.is_none() {
        return Some((PayloadHash::from_bytes(*entry.digest.as_bytes()), body));
    }
    // Admission compared the stated hash with the payload.
    let stated = body.text_at("payload_hash_b64u").and_then(json_hash)?;
    match body {
        Value::Object(mut envelope) => Some((stated, envelope.remove("payload")?)),
        _ => None,
    }
}

fn json_hash(text: &str) -> Option<PayloadHash> {
    crate::text::base64url::decode(text).map(PayloadHash::from_bytes)
}
