//! Whether a log's answer to a submission is about the artifact that was sent,
//! and true. A status alone says nothing: the digest, the leaf and the proof do.

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::{Grant, KeyCache, Kind, Limits, admit};
use crate::codes::{Code, verdict};
use crate::entry::SequencedEntry;
use crate::merkle::Hash;
use crate::receipt::{ReceiptError, prove, tlog_proof};
use crate::trust::TrustPolicy;

/// What a log says of one artifact.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer<'a> {
    pub artifact: Option<&'a str>,
    pub leaf_hash: Option<&'a str>,
    pub index: Option<u64>,
    pub tree_size: Option<u64>,
}

/// Where an artifact is said to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub index: u64,
    leaf_hash: Hash,
    artifact: ArtifactDigest,
}

/// Why an answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    #[error("the answer lacks digest, leaf hash, index or tree size, or one of them is malformed")]
    Malformed,
    #[error("the answer is about the artifact {got}, sent was {want}")]
    OtherDigest { got: String, want: ArtifactDigest },
    #[error("the answer names index {index} in a tree of {size} entries")]
    BeyondTree { index: u64, size: u64 },
    #[error("the proof is of another entry than the one that the answer names")]
    OtherEntry,
    #[error("the proof that the log gives does not hold: {0}")]
    Proof(#[from] ReceiptError),
}

impl AnswerError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Malformed => &verdict::ANSWER_MALFORMED,
            Self::OtherDigest { .. } => &verdict::ANSWER_OTHER_DIGEST,
            Self::BeyondTree { .. } => &verdict::ANSWER_BEYOND_TREE,
            Self::OtherEntry => &verdict::ANSWER_OTHER_ENTRY,
            Self::Proof(error) => error.code(),
        }
    }
}

impl Claim {
    /// What the answer claims of `sent`, an artifact in compact form.
    ///
    /// # Errors
    /// It is about another artifact, or about a place that cannot be.
    pub fn of(sent: &[u8], answer: &Answer<'_>) -> Result<Self, AnswerError> {
        let want = logged_digest(sent);
        let got = answer.artifact.ok_or(AnswerError::Malformed)?;
        if got != want.to_string() {
            return Err(AnswerError::OtherDigest { got: got.chars().take(64).collect(), want });
        }
        let leaf_hash = answer.leaf_hash.and_then(|text| Hash::from_hex(text).ok()).ok_or(AnswerError::Malformed)?;
        let (index, size) = answer.index.zip(answer.tree_size).ok_or(AnswerError::Malformed)?;
        if index >= size {
            return Err(AnswerError::BeyondTree { index, size });
        }
        Ok(Self { index, leaf_hash, artifact: want })
    }

    /// Whether a `.tlog-proof` shows it under the reader's own policy.
    ///
    /// # Errors
    /// The proof does not hold, or is of something else.
    pub fn is_shown_by(&self, proof: &[u8], policy: &TrustPolicy) -> Result<(), AnswerError> {
        let proof = tlog_proof::decode(proof)?;
        let entry = proof.extra.as_deref().ok_or(AnswerError::OtherEntry)?;
        let proven = prove(&proof, entry, policy)?;
        let entry = SequencedEntry::decode(entry).map_err(ReceiptError::from)?;
        let is_it = proven.index().get() == self.index
            && proven.leaf_hash().hash() == self.leaf_hash
            && entry.digest == self.artifact;
        if is_it { Ok(()) } else { Err(AnswerError::OtherEntry) }
    }
}

/// The digest under which a log keeps `sent`: of an unsigned observation that
/// holds tokens, the one without them.
fn logged_digest(sent: &[u8]) -> ArtifactDigest {
    let unsigned = Kind::ALL.into_iter().filter(|kind| kind.row().unsigned);
    let admitted = unsigned
        .filter_map(|kind| admit(sent, &Grant::any_unsigned(kind), &Limits::unlimited(), &KeyCache::new()).ok())
        .find(|admitted| admitted.artifact.signer().is_none());
    admitted.map_or_else(|| ArtifactDigest::of(sent), |admitted| admitted.artifact.digest())
}
