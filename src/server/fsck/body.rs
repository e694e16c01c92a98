//! What a body must be for its entry: authenticated again, whoever served it.

use crate::artifact::{Artifact, Grant, KeyCache, Limits, readmit};
use crate::entry::SequencedEntry;

/// The artifact behind `body`, if it is all that its entry says.
///
/// # Errors
/// A sentence that says the first thing that differs.
pub fn agree(entry: &SequencedEntry, body: &[u8], keys: &KeyCache) -> Result<Artifact, String> {
    let grant = if entry.signer.is_some() { Grant::all() } else { Grant::any_unsigned(entry.kind) };
    let admitted = readmit(body, &grant, &Limits::unlimited(), keys).map_err(|error| error.to_string())?;
    let artifact = admitted.artifact;
    if artifact.digest() != entry.digest || artifact.compact().as_bytes() != body {
        return Err("does not hash to the digest in its entry".into());
    }
    if body.len() as u64 != entry.body_bytes || artifact.kind() != entry.kind {
        return Err("has not the length or the kind that its entry says".into());
    }
    if artifact.signer() != entry.signer.as_ref() || admitted.receipts != entry.receipts {
        return Err("has not the signer or the receipts root that its entry says".into());
    }
    Ok(artifact)
}
