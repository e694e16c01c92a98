//! Whether a body is withheld. The operator's withholding of an artifact counts
//! from the commit that logs it, for every size of the log:
//!
//! - the artifact that it names, in every entry that has its digest;
//! - the same statement in any other envelope, whose unsigned members alone differ;
//! - a bundle that holds that statement's envelope.
//!
//! Nobody else's statement withholds anything, nor does one that names an artifact
//! of a kind which rules cannot do without. What is asked here was said by entries
//! of the log, so that whoever reads the log from its beginning knows it too.

use memchr::memmem;

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::{Did, Keys, Kind, held_statements};
use crate::entry::SequencedEntry;
use crate::merkle::{LeafIndex, TreeSize};
use crate::sequence::CommittedEntry;
use crate::server::log::filed;
use crate::server::store::layout::statement_key;
use crate::server::store::withheld::{Row, Sets, StatementKey, What, Withheld};
use crate::server::store::{Store, StoreError};

/// How a body in compact form spells the hash that an envelope signs, and its length.
const HASH_MEMBER: &str = "\"payload_hash_b64u\":\"";
const HASH_CHARS: usize = 43;
/// Entries read at a time by a start that catches up.
const STEP_ENTRIES: usize = 4_096;

/// The entry that withholds this body, if one does. Costs nothing while nothing is
/// withheld; then a search of the body for hashes that envelopes sign, however many
/// are withheld, and reading it where one of these is found.
#[must_use]
pub fn withheld_by(withheld: &Withheld, entry: &SequencedEntry, body: &[u8]) -> Option<LeafIndex> {
    if !withheld.is_any() || !entry.kind.row().withholdable {
        return None;
    }
    withheld.ask(|sets| {
        let named = sets.artifacts.get(&entry.digest).copied();
        named.or_else(|| inside(sets, entry, body).first().copied())
    })
}

/// Every entry that withholds this body: a bundle may hold several statements.
#[must_use]
pub fn all_by(withheld: &Withheld, entry: &SequencedEntry, body: &[u8]) -> Vec<LeafIndex> {
    if !withheld.is_any() || !entry.kind.row().withholdable {
        return Vec::new();
    }
    withheld.ask(|sets| {
        let named = sets.artifacts.get(&entry.digest).copied();
        named.into_iter().chain(inside(sets, entry, body)).collect()
    })
}

/// The same for a body that the caller does not have: whether its own digest is
/// withheld.
#[must_use]
pub fn named_by(withheld: &Withheld, entry: &SequencedEntry) -> Option<LeafIndex> {
    let is_asked = withheld.is_any() && entry.kind.row().withholdable;
    is_asked.then(|| withheld.ask(|sets| sets.artifacts.get(&entry.digest).copied())).flatten()
}

fn inside(sets: &Sets, entry: &SequencedEntry, body: &[u8]) -> Vec<LeafIndex> {
    // Few bodies spell the hash of a withheld statement, and only these are read.
    let mut hashes = memmem::find_iter(body, HASH_MEMBER.as_bytes()).map(|at| at + HASH_MEMBER.len());
    if !hashes.any(|at| body.get(at..at + HASH_CHARS).is_some_and(|hash| sets.hashes.contains(hash))) {
        return Vec::new();
    }
    let Some((hash, payload)) = filed::read(entry, body) else { return Vec::new() };
    let own = entry.signer.as_ref().map(|signer| statement_key(&hash, entry.kind, Some(signer)));
    let held = held_statements(&payload).filter(|_| entry.kind == Kind::ProofBundle);
    let held = held.map(|(kind, hash, signer)| statement_key(&hash, kind, Some(&signer)));
    own.into_iter().chain(held).filter_map(|key| sets.statements.get(&key).copied()).collect()
}

/// The artifact that a withholding names, where it is the word of the operator.
pub fn named(operator: Option<&Did>, entry: &SequencedEntry, keys: &Keys) -> Option<ArtifactDigest> {
    let counts = entry.kind == Kind::Withholding && operator.is_some() && entry.signer.as_ref() == operator;
    counts.then(|| keys.refers_to.iter().find_map(|text| ArtifactDigest::from_hex(text).ok())).flatten()
}

/// The rows of one commit: what its withholdings withhold.
///
/// # Errors
/// [`StoreError::Read`], [`StoreError::Damaged`]: what an artifact says is then not known.
pub fn rows_of(store: &Store, entries: &[CommittedEntry]) -> Result<Vec<Row>, StoreError> {
    let operator = store.withheld().operator();
    let mut rows = Vec::new();
    for committed in entries {
        if let Some(digest) = named(operator, &committed.entry, &committed.keys) {
            rows.extend(rows_by(store, digest, committed.index)?);
        }
    }
    Ok(rows)
}

/// What the withholding at `by` withholds: an artifact, and the statement that it
/// makes where the log holds it.
fn rows_by(store: &Store, digest: ArtifactDigest, by: LeafIndex) -> Result<Vec<Row>, StoreError> {
    let mut rows = vec![(What::Artifact(digest), by)];
    let Some((_, at)) = store.find_artifact(&digest)?.into_iter().next() else { return Ok(rows) };
    let (Some(entry), Some(body)) = (store.entry(at)?, store.body(at)?) else { return Ok(rows) };
    let Some(entry) = SequencedEntry::decode(&entry).ok().filter(|entry| entry.kind.row().withholdable) else {
        return Ok(rows);
    };
    if let (Some(signer), Some((hash, _))) = (&entry.signer, filed::read(&entry, &body)) {
        rows.push((What::Statement(statement_key(&hash, entry.kind, Some(signer))), by));
    }
    Ok(rows)
}

/// Takes what is withheld into memory, and makes the rows of entries below `size`
/// that have none yet: of a log that an earlier version wrote. Writes them unless
/// the store is only shown.
///
/// # Errors
/// [`StoreError::Read`], [`StoreError::Damaged`], [`StoreError::Write`].
pub fn open(store: &Store, operator: &Did, size: TreeSize, is_shown: bool) -> Result<(), StoreError> {
    store.withheld().believe(operator.clone());
    let reach = store.load_withheld()?;
    let (mut rows, mut first) = (Vec::new(), reach);
    while first < size.get() {
        let limit = usize::try_from(size.get() - first).unwrap_or(usize::MAX).min(STEP_ENTRIES);
        let mut said = Vec::new();
        let mut at = first;
        let count = store.each_entry(LeafIndex::new(first), limit, |bytes| {
            let entry = SequencedEntry::decode(bytes).ok();
            said.extend(entry.filter(|entry| entry.kind == Kind::Withholding).map(|entry| (LeafIndex::new(at), entry)));
            at += 1;
        })?;
        for (at, entry) in said {
            let body = store.body(at)?.unwrap_or_default();
            let keys = filed::read(&entry, &body).map(|(_, payload)| (entry.kind.row().keys)(&payload));
            if let Some(digest) = keys.and_then(|keys| named(Some(operator), &entry, &keys)) {
                rows.extend(rows_by(store, digest, at)?);
            }
        }
        // A hole is told where it is looked for.
        first = if count == 0 { size.get() } else { first + count as u64 };
    }
    store.withheld().add(&rows);
    if reach < size.get() && !is_shown { store.catch_up_withheld(&rows, size) } else { Ok(()) }
}

/// Entries that show what this withheld artifact shows, lowest first, at most `limit` of each
/// sort: those of its digest, and of its statement in other envelopes.
///
/// # Errors
/// [`StoreError::Read`], [`StoreError::Damaged`].
pub fn same_as(store: &Store, digest: &ArtifactDigest, limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
    let mut found: Vec<LeafIndex> = store.of_artifact(digest, limit)?.into_iter().map(|(_, at)| at).collect();
    let keys: Vec<StatementKey> = store.withheld().ask(|sets| {
        let by = sets.artifacts.get(digest);
        sets.statements.iter().filter(|(_, stated)| by == Some(stated)).map(|(key, _)| *key).collect()
    });
    for key in keys {
        found.extend(store.of_statement(&key, limit)?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
