//! The last step of a verification: the bytes at hand are authentic and are
//! the ones that the proven entry names.

use std::borrow::Cow;

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{self, DEPTH_MAX, Value};
use crate::artifact::{Artifact, Grant, KeyCache, Limits, readmit_parsed};
use crate::codes::{Code, verdict};
use crate::entry::SequencedEntry;
use crate::verify::draft::{Draft, Refusal};
use crate::verify::packet::Packet;
use crate::verify::report::Ask;
use crate::verify::{ARTIFACT_BYTES_MAX, Options};

/// What is at hand of an artifact's body.
#[derive(Clone, Copy)]
pub(super) enum Shown<'a> {
    Bytes(&'a [u8]),
    /// Parsed already, beside a packet that may hold it authenticated.
    Parsed(&'a Value<'a>, Option<&'a Packet>),
}

/// Checks what is shown against a proven `entry`.
pub(super) fn check(draft: &mut Draft, shown: Shown<'_>, entry: &SequencedEntry, options: &Options<'_>) {
    let (value, packet) = match shown {
        Shown::Bytes(bytes) => {
            let room = options.room.unwrap_or(json::room_for(bytes.len()));
            (json::parse_within(bytes, DEPTH_MAX, room).map(Cow::Owned), None)
        }
        Shown::Parsed(value, packet) => (Ok(Cow::Borrowed(value)), packet),
    };
    // Another artifact is not read any further.
    let Some(value) = draft.take(Ask::Artifact, value, |_| "strict I-JSON".to_owned()) else { return };
    let compact = json::to_compact(&value);
    let digest = ArtifactDigest::of(compact.as_bytes());
    let same = equal(&verdict::DIGEST_MISMATCH, "digest", &digest.to_string(), &entry.digest.to_string());
    draft.take(Ask::Digest, same, |()| format!("{digest}"));
    let length = compact.len() as u64;
    let same = equal(&verdict::LENGTH_MISMATCH, "length", &length.to_string(), &entry.body_bytes.to_string());
    draft.take(Ask::Length, same, |()| format!("{length} bytes in compact form"));
    // What the entry says of somebody else's artifact is refused before it is believed.
    let is_its = |held: &&Artifact| held.kind() == entry.kind && held.signer() == entry.signer.as_ref();
    let artifact = match packet.and_then(|packet| packet.held(&digest)).filter(is_its) {
        Some(held) => Ok(Cow::Borrowed(held)),
        None => {
            let limits = Limits { artifact_bytes_max: ARTIFACT_BYTES_MAX, ..Limits::default() };
            let own = KeyCache::new();
            let keys = options.keys.unwrap_or(&own);
            readmit_parsed(value.into_owned(), &grant(entry), &limits, keys).map(Cow::Owned)
        }
    };
    if let Some(artifact) = draft.take(Ask::Signature, artifact, |artifact| said_by(artifact)) {
        agree(draft, &artifact, entry);
    }
}

fn said_by(artifact: &Artifact) -> String {
    match artifact.signer() {
        Some(did) => format!("signed by {did}"),
        None => "unsigned: the submitter's word".to_owned(),
    }
}

/// What the entry says about the artifact is what the artifact says.
fn agree(draft: &mut Draft, artifact: &Artifact, entry: &SequencedEntry) {
    let kind = equal(&verdict::KIND_MISMATCH, "kind", artifact.kind().name(), entry.kind.name());
    draft.take(Ask::Kind, kind, |()| entry.kind.name().to_owned());
    let text = |did: Option<&crate::artifact::Did>| did.map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let signer = equal(&verdict::SIGNER_MISMATCH, "signer", &text(artifact.signer()), &text(entry.signer.as_ref()));
    draft.take(Ask::Signer, signer, |()| text(entry.signer.as_ref()));
    let receipts = if artifact.receipts_root() == entry.receipts.as_deref().copied() {
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
