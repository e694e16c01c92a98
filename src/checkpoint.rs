//! Checkpoints: the statement of a log about its whole tree (C2SP
//! tlog-checkpoint, <https://c2sp.org/tlog-checkpoint>; RFC 6962 calls its
//! like a signed tree head).
//!
//! ```text
//! example.com/log                                  origin
//! 11                                               tree size
//! HbUiaggFKBb6QD856DLtKSgkMlQddA2KKPIO6KeG3xA=     root hash
//! ```
//!
//! Not implemented: extension lines. The format allows them and advises
//! against; nobody can audit them, so a checkpoint that has any is refused.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::codes::{self, Code};
use crate::merkle::{EMPTY_ROOT, Hash, HashTextError, NumberTextError, RootHash, TreeSize};
use crate::note::{KeyError, KeyName, NoteError, NoteSigner, SignedNote, SignerError};

pub mod cosignature;

/// Which log: its first checkpoint line, unique for ever, and the name of its
/// key.
///
/// The format does not ask an origin to be a key name. We do, because a
/// checkpoint is trusted only under a key whose name is its origin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(KeyName);

impl Origin {
    /// # Errors
    /// The text is no key name: empty, above 255 bytes, or with a space, a
    /// plus sign or a control character.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        KeyName::parse(text).map(Origin).map_err(CheckpointError::Origin)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name that the log's key must bear.
    #[must_use]
    pub fn key_name(&self) -> &KeyName {
        &self.0
    }
}

impl From<KeyName> for Origin {
    fn from(name: KeyName) -> Self {
        Self(name)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A tree by its size and root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TreeHead {
    pub size: TreeSize,
    pub root: RootHash,
}

/// What a log says when it signs: this is my tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    pub origin: Origin,
    pub head: TreeHead,
}

impl Checkpoint {
    /// Reads the text of a note: exactly what [`Checkpoint::to_text`] prints.
    ///
    /// # Errors
    /// Not three lines that each end in a newline, an extension line, an
    /// origin that is no key name, a size or root in another spelling, or
    /// size 0 with a root that is not the empty tree's.
    pub fn parse_text(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(after)) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Lines);
        };
        if !after.is_empty() || lines.next().is_some() {
            return Err(CheckpointError::ExtensionLine);
        }
        let origin = Origin::parse(origin)?;
        let size = TreeSize::parse(size).map_err(CheckpointError::Size)?;
        let root = RootHash::new(Hash::from_base64(root).map_err(CheckpointError::Root)?);
        if size == TreeSize::ZERO && root != EMPTY_ROOT {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Self { origin, head: TreeHead { size, root } })
    }

    /// The three lines, each with its newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.head.size, self.head.root.hash().to_base64())
    }

    /// The note that one key makes of this checkpoint.
    ///
    /// # Errors
    /// The key's name is not the origin, the signer failed or signed under
    /// another name or id than its own, or size 0 stands beside another root
    /// than the empty tree's.
    pub fn sign(&self, signer: &dyn NoteSigner) -> Result<SignedNote, CheckpointError> {
        if signer.name() != self.origin.key_name() {
            return Err(CheckpointError::KeyName { name: signer.name().clone(), origin: self.origin.clone() });
        }
        let text = self.to_text();
        Self::parse_text(&text)?;
        let signature = signer.sign(&text)?;
        if signature.name != *signer.name() || signature.key_id != signer.key_id() {
            return Err(CheckpointError::ForeignSignature);
        }
        Ok(SignedNote::assemble(&text, vec![signature])?)
    }
}

/// A text that is no checkpoint, or a checkpoint that was not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("checkpoint must be three lines: origin, tree size, root hash")]
    Lines,
    #[error("checkpoint must hold no extension line")]
    ExtensionLine,
    #[error("checkpoint origin: {0}")]
    Origin(KeyError),
    #[error("checkpoint tree size: {0}")]
    Size(NumberTextError),
    #[error("checkpoint root: {0}")]
    Root(HashTextError),
    #[error("checkpoint of size 0 must hold the root of the empty tree")]
    EmptyRoot,
    #[error("key {name} must not sign for origin {origin}")]
    KeyName { name: KeyName, origin: Origin },
    #[error("signer answered with another key's signature")]
    ForeignSignature,
    #[error("cosignature time must be 1 to 2^63 - 1 seconds")]
    CosignatureTime,
    #[error("cosignature must be 72 bytes, got {got}")]
    CosignatureLength { got: usize },
    #[error(transparent)]
    Signer(#[from] SignerError),
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl CheckpointError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Lines => &codes::proof::CHECKPOINT_LINES,
            Self::ExtensionLine => &codes::proof::EXTENSION_LINE,
            Self::Origin(_) => &codes::proof::CHECKPOINT_ORIGIN,
            Self::Size(_) => &codes::proof::CHECKPOINT_SIZE,
            Self::Root(_) => &codes::proof::CHECKPOINT_ROOT,
            Self::EmptyRoot => &codes::proof::CHECKPOINT_EMPTY_ROOT,
            Self::KeyName { .. } => &codes::proof::CHECKPOINT_KEY_NAME,
            Self::ForeignSignature => &codes::proof::SIGNER_FOREIGN_SIGNATURE,
            Self::CosignatureTime => &codes::proof::COSIGNATURE_TIME,
            Self::CosignatureLength { .. } => &codes::proof::COSIGNATURE_LENGTH,
            Self::Signer(error) => error.code(),
            Self::Note(error) => error.code(),
        }
    }
}
