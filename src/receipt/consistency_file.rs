//! The consistency file: the body of a witness's `add-checkpoint` request
//! (C2SP tlog-witness, <https://c2sp.org/tlog-witness>). Reached as
//! `receipt::ConsistencyFile`.
//!
//! ```text
//! old 6
//! mFu1136Tpm0iHfbTXGzAZbP5Ct9/Ne4a8WzMr8XkY9Y=     proof from 6 to 11
//! …
//!
//! example.com/log                                  the newer checkpoint
//! 11
//! …
//! ```

use super::{ReceiptError, decode_path};
use crate::merkle::{Hash, PATH_HASHES_MAX, ProofError, TreeSize, verify_consistency};
use crate::note::{NOTE_BYTES_MAX, SignedNote};
use crate::trust::{TrustPolicy, TrustedCheckpoint};

/// Longest file: the size line, path lines, then a whole note.
pub const CONSISTENCY_FILE_BYTES_MAX: usize = 64 + PATH_HASHES_MAX * 45 + NOTE_BYTES_MAX;

/// The claim that the tree of `checkpoint` extends one of size `old`.
/// Unproven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyFile {
    pub old: TreeSize,
    /// RFC 6962 order, at most 63 hashes; none when `old` is 0 or equals the
    /// newer size.
    pub path: Vec<Hash>,
    pub checkpoint: SignedNote,
}

impl ConsistencyFile {
    /// Prints the file.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.path {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(self.checkpoint.as_str());
        text
    }

    /// Reads exactly what [`ConsistencyFile::encode`] prints.
    ///
    /// # Errors
    /// A line out of place, another spelling of a number or of base64, more
    /// than 63 hashes, hashes although `old` is 0, or a checkpoint that is no
    /// signed note.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > CONSISTENCY_FILE_BYTES_MAX {
            return Err(ReceiptError::TooLarge { got: bytes.len(), limit: CONSISTENCY_FILE_BYTES_MAX });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ReceiptError::NotUtf8)?;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(ReceiptError::Lines { rule: "must hold an empty line after its hashes" })?;
        let mut lines = head.split('\n').chain([""]);
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old.ok_or(ReceiptError::Lines { rule: "must begin with an old line" })?;
        let old = TreeSize::parse(old).map_err(ReceiptError::OldSize)?;
        let path = decode_path(&mut lines)?;
        let file = Self { old, path, checkpoint: SignedNote::parse(checkpoint.as_bytes())? };
        file.require_empty_path_from_zero()?;
        Ok(file)
    }

    /// Checks that the newer checkpoint is believed, is of the same log, and
    /// extends `old`. A checkpoint of size 0 is extended by anything.
    ///
    /// # Errors
    /// Those of [`TrustPolicy::open`]; another origin or older size than
    /// `old` has; those of [`verify_consistency`].
    pub fn check(&self, old: &TrustedCheckpoint, policy: &TrustPolicy) -> Result<TrustedCheckpoint, ReceiptError> {
        let new = policy.open(self.checkpoint.as_bytes())?;
        if new.origin() != old.origin() {
            return Err(ReceiptError::OtherOrigin);
        }
        let (from, to) = (old.head(), new.head());
        if self.old != from.size {
            return Err(ReceiptError::OtherOldSize { got: self.old, want: from.size });
        }
        if from.size == TreeSize::ZERO {
            // Its root is the empty tree's: no other checkpoint of size 0 is
            // ever read.
            self.require_empty_path_from_zero()?;
        } else {
            verify_consistency(from.size, to.size, &self.path, &from.root, &to.root)?;
        }
        Ok(new)
    }

    fn require_empty_path_from_zero(&self) -> Result<(), ReceiptError> {
        if self.old == TreeSize::ZERO && !self.path.is_empty() {
            return Err(ProofError::PathLength { got: self.path.len(), want: 0 }.into());
        }
        Ok(())
    }
}
