//! What a body must be for its entry: authenticated again, whoever served it.

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::JsonError;
use crate::artifact::{AdmitError, Artifact, Grant, KeyCache, Limits, readmit};
use crate::entry::SequencedEntry;

/// Why a body is not shown to be its entry's.
#[derive(Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// A sentence that says the first thing that differs.
    Differs(String),
    /// It is the entry's, and reading it would take more memory than there is.
    OverRoom,
}

impl From<&str> for Disagreement {
    fn from(why: &str) -> Self {
        Self::Differs(why.to_owned())
    }
}

/// The artifact behind `body`, if it is all that its entry says. It is hashed
/// before anything in it is read; its values may take `room`.
///
/// # Errors
/// [`Disagreement`].
pub fn agree<'a>(
    entry: &SequencedEntry,
    body: &'a [u8],
    keys: &KeyCache,
    room: usize,
) -> Result<Artifact<'a>, Disagreement> {
    if ArtifactDigest::of(body) != entry.digest {
        return Err("does not hash to the digest in its entry".into());
    }
    let grant = if entry.signer.is_some() { Grant::all() } else { Grant::any_unsigned(entry.kind) };
    let artifact = readmit(body, &grant, &Limits { room, ..Limits::unlimited() }, keys);
    let artifact = artifact.map_err(|error| match error {
        AdmitError::Json(JsonError::OverRoom { .. }) => Disagreement::OverRoom,
        other => Disagreement::Differs(other.to_string()),
    })?;
    if artifact.digest() != entry.digest || artifact.compact().as_bytes() != body {
        return Err("does not hash to the digest in its entry".into());
    }
    if body.len() as u64 != entry.body_bytes || artifact.kind() != entry.kind {
        return Err("has not the length or the kind that its entry says".into());
    }
    if artifact.signer() != entry.signer.as_ref() || artifact.receipts_root() != entry.receipts.as_deref().copied() {
        return Err("has not the signer or the receipts root that its entry says".into());
    }
    Ok(artifact)
}
