//! Receipts: evidence, fit for a file, that one entry is in a log or that one
//! tree extends another.
//!
//! ```text
//! LogProof + entry bytes + TrustPolicy  ──prove──▶  ProvenEntry
//! ConsistencyFile + TrustedCheckpoint   ──check──▶  newer TrustedCheckpoint
//! bundle + LogProof + chosen receipts   ──of─────▶  Disclosure
//! ```
//!
//! [`LogProof`] is the neutral form, and how it is written down stands in a file
//! of its own ([`tlog_proof`]). Nothing in a proof is believed before [`prove`]
//! returns.

use std::sync::Arc;

use crate::artifact::json::JsonError;
use crate::artifact::shape::ShapeError;
use crate::checkpoint::CheckpointError;
use crate::codes::{self, Code};
use crate::entry::EntryError;
use crate::merkle::{
    Hash, HashTextError, LeafHash, LeafIndex, NumberTextError, PATH_HASHES_MAX, ProofError, TreeSize, leaf_hash,
    verify_inclusion,
};
use crate::note::{NoteError, SignedNote};
use crate::trust::{TrustError, TrustPolicy, TrustedCheckpoint};

mod consistency_file;
pub mod disclosure;
pub mod tlog_proof;

pub use consistency_file::{CONSISTENCY_FILE_BYTES_MAX, ConsistencyFile};
pub use disclosure::{Disclosure, DisclosureError, Nameable, ShownReceipt, nameable};

/// The claim that entry `index` is in the tree of `checkpoint`. Unproven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    pub index: LeafIndex,
    /// Sibling hashes, leaf side first, at most [`PATH_HASHES_MAX`].
    pub path: Vec<Hash>,
    pub checkpoint: SignedNote,
    /// Bytes that travel along; our own proofs carry the entry here. No
    /// signature covers them.
    pub extra: Option<Vec<u8>>,
}

/// An entry that a believed checkpoint covers. Made only by [`prove`] and [`prove_under`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenEntry {
    entry: Vec<u8>,
    leaf_hash: LeafHash,
    index: LeafIndex,
    checkpoint: Arc<TrustedCheckpoint>,
}

impl ProvenEntry {
    #[must_use]
    pub fn entry(&self) -> &[u8] {
        &self.entry
    }

    #[must_use]
    pub fn leaf_hash(&self) -> LeafHash {
        self.leaf_hash
    }

    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    #[must_use]
    pub fn checkpoint(&self) -> &TrustedCheckpoint {
        &self.checkpoint
    }
}

/// Checks that `entry` is in the log at `proof.index`: the policy believes
/// the checkpoint, and the path leads from the entry to its root.
///
/// # Errors
/// Those of [`TrustPolicy::open`], then those of [`verify_inclusion`].
pub fn prove(proof: &LogProof, entry: &[u8], policy: &TrustPolicy) -> Result<ProvenEntry, ReceiptError> {
    prove_under(proof, entry, Arc::new(policy.open(proof.checkpoint.as_bytes())?))
}

/// The same under a checkpoint that is believed already, whose signatures are
/// not checked again: many proofs end in one note.
///
/// # Errors
/// Those of [`verify_inclusion`].
pub fn prove_under(
    proof: &LogProof,
    entry: &[u8],
    checkpoint: Arc<TrustedCheckpoint>,
) -> Result<ProvenEntry, ReceiptError> {
    let (leaf_hash, head) = (leaf_hash(entry), checkpoint.head());
    verify_inclusion(proof.index, head.size, &leaf_hash, &proof.path, &head.root)?;
    Ok(ProvenEntry { entry: entry.to_vec(), leaf_hash, index: proof.index, checkpoint })
}

/// Base64 hash lines up to the empty line, which is consumed.
fn decode_path<'text>(lines: &mut impl Iterator<Item = &'text str>) -> Result<Vec<Hash>, ReceiptError> {
    let mut path = Vec::new();
    loop {
        match lines.next() {
            Some("") => return Ok(path),
            Some(_) if path.len() == PATH_HASHES_MAX => return Err(ReceiptError::PathTooLong),
            Some(line) => path.push(Hash::from_base64(line).map_err(ReceiptError::Hash)?),
            None => return Err(ReceiptError::Lines { rule: "must hold an empty line after its hashes" }),
        }
    }
}

/// A proof or disclosure that cannot be read or does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("file must be at most {limit} bytes, got {got}")]
    TooLarge { got: usize, limit: usize },
    #[error("proof must be UTF-8")]
    NotUtf8,
    #[error("proof {rule}")]
    Lines { rule: &'static str },
    #[error("proof extra must be 0 to {limit} bytes in canonical padded base64")]
    Extra { limit: usize },
    #[error("proof index: {0}")]
    Index(NumberTextError),
    #[error("proof old size: {0}")]
    OldSize(NumberTextError),
    #[error("proof path: {0}")]
    Hash(HashTextError),
    #[error("proof must hold at most {PATH_HASHES_MAX} hashes")]
    PathTooLong,
    #[error("consistency file starts at size {got}, the older checkpoint has size {want}")]
    OtherOldSize { got: TreeSize, want: TreeSize },
    #[error("consistency file is about another log than the older checkpoint")]
    OtherOrigin,
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error(transparent)]
    Disclosure(#[from] DisclosureError),
}

impl ReceiptError {
    /// Whether it is of another log than the policy believes.
    #[must_use]
    pub const fn is_of_another_log(&self) -> bool {
        matches!(self, Self::Trust(error) if error.is_of_another_log())
    }

    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::TooLarge { .. } => &codes::receipt::RECEIPT_TOO_LARGE,
            Self::NotUtf8 => &codes::receipt::RECEIPT_NOT_UTF8,
            Self::Lines { .. } => &codes::receipt::RECEIPT_LINES,
            Self::Extra { .. } => &codes::receipt::RECEIPT_EXTRA,
            Self::Index(_) => &codes::receipt::RECEIPT_INDEX,
            Self::OldSize(_) => &codes::receipt::RECEIPT_OLD_SIZE,
            Self::Hash(_) => &codes::receipt::RECEIPT_HASH,
            Self::PathTooLong => &codes::receipt::RECEIPT_PATH_TOO_LONG,
            Self::OtherOldSize { .. } => &codes::receipt::RECEIPT_OTHER_OLD_SIZE,
            Self::OtherOrigin => &codes::receipt::RECEIPT_OTHER_ORIGIN,
            Self::Note(error) => error.code(),
            Self::Checkpoint(error) => error.code(),
            Self::Trust(error) => error.code(),
            Self::Proof(error) => error.code(),
            Self::Entry(error) => error.code(),
            Self::Json(error) => error.code(),
            Self::Shape(error) => error.code(),
            Self::Disclosure(error) => error.code(),
        }
    }
}
