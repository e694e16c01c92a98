//! The last step of a verification: the bytes at hand are authentic and are
//! the ones that the proven entry names.

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{self, DEPTH_MAX};
use crate::artifact::{Admitted, Grant, KeyCache, Limits, readmit};
use crate::codes::{Code, verdict};
use crate::entry::SequencedEntry;
use crate::verify::draft::{Draft, Refusal};
use crate::verify::report::Ask;
use crate::verify::{ARTIFACT_BYTES_MAX, Options};

/// Checks `bytes` against a proven `entry`.
pub(super) fn check(draft: &mut Draft, bytes: &[u8], entry: &SequencedEntry, options: &Options<'_>) {
    let room = options.room.unwrap_or(json::room_for(bytes.len()));
    // Another artifact is not read any further.
    let compact = json::parse_within(bytes, DEPTH_MAX, room).map(|value| json::to_compact(&value));
    let Some(compact) = draft.take(Ask::Artifact, compact, |_| "strict I-JSON".to_owned()) else { return };
    let digest = ArtifactDigest::of(compact.as_bytes());
    let same = equal(&verdict::DIGEST_MISMATCH, "digest", &digest.to_string(), &entry.digest.to_string());
    draft.take(Ask::Digest, same, |()| format!("{digest}"));
    let length = compact.len() as u64;
    let same = equal(&verdict::LENGTH_MISMATCH, "length", &length.to_string(), &entry.body_bytes.to_string());
    draft.take(Ask::Length, same, |()| format!("{length} bytes in compact form"));
    let limits = Limits { artifact_bytes_max: ARTIFACT_BYTES_MAX, depth_max: DEPTH_MAX, room };
    let admitted = readmit(compact.as_bytes(), &grant(entry), &limits, &KeyCache::new());
    if let Some(admitted) = draft.take(Ask::Signature, admitted, said_by) {
        agree(draft, &admitted, entry);
    }
}

fn said_by(admitted: &Admitted) -> String {
    match admitted.artifact.signer() {
        Some(did) => format!("signed by {did}"),
        None => "unsigned: the submitter's word".to_owned(),
    }
}

/// What the entry says about the artifact is what the artifact says.
fn agree(draft: &mut Draft, admitted: &Admitted, entry: &SequencedEntry) {
    let artifact = &admitted.artifact;
    let kind = equal(&verdict::KIND_MISMATCH, "kind", artifact.kind().name(), entry.kind.name());
    draft.take(Ask::Kind, kind, |()| entry.kind.name().to_owned());
    let text = |did: Option<&crate::artifact::Did>| did.map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let signer = equal(&verdict::SIGNER_MISMATCH, "signer", &text(artifact.signer()), &text(entry.signer.as_ref()));
    draft.take(Ask::Signer, signer, |()| text(entry.signer.as_ref()));
    let receipts = if admitted.receipts == entry.receipts {
        Ok(())
    } else {
        let why = "the receipts inside are not those that the entry commits to".to_owned();
        Err(Refusal::new(&verdict::RECEIPTS_ROOT_MISMATCH, why))
    };
    draft.take(Ask::Receipts, receipts, |()| match &entry.receipts {
        Some(receipts) if receipts.count == 1 => "1 receipt, root as in the entry".to_owned(),
        Some(receipts) => format!("{} receipts, root as in the entry", receipts.count),
        None => "none to commit to".to_owned(),
    });
}

fn equal(code: &'static Code, what: &str, got: &str, want: &str) -> Result<(), Refusal> {
    if got == want {
        return Ok(());
    }
    Err(Refusal::new(code, format!("{what} is {got}, the entry says {want}")))
}

/// Whoever submitted was judged by the log; here only authenticity counts.
fn grant(entry: &SequencedEntry) -> Grant {
    if entry.signer.is_some() { Grant::all() } else { Grant::any_unsigned(entry.kind) }
}
