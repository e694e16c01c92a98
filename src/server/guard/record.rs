//! What the guard says: one record of a fixed width, with its own checksum.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::checkpoint::{Origin, TreeHead};
use crate::merkle::{Hash, RootHash, TreeSize};

/// Size of one block: a page, so that one overwrite is one write of the device.
pub const BLOCK_BYTES: usize = 4_096;
const MAGIC: &[u8; 8] = b"plgguard";
const VERSION: u64 = 1;
const RECORD_BYTES: usize = 8 + 8 + 8 + 32 + 8 + 32 + 32;

/// What the guard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardRecord {
    /// Grows by one a write; its parity names the block.
    pub sequence: u64,
    /// SHA-256 of the origin line.
    pub origin: Hash,
    /// The guarded head.
    pub head: TreeHead,
    /// SHA-256 of the signed note over that head; zeros at size 0 before the first note.
    pub note: Hash,
}

impl GuardRecord {
    /// The record of an empty log.
    #[must_use]
    pub fn initial(origin: &Origin) -> Self {
        let head = TreeHead { size: TreeSize::ZERO, root: crate::merkle::empty_root() };
        Self { sequence: 0, origin: hash_text(origin.as_str()), head, note: Hash::from_bytes([0; 32]) }
    }

    /// The record that follows this one.
    #[must_use]
    pub fn next(&self, head: TreeHead, note: &[u8]) -> Self {
        let note = Hash::from_bytes(Sha256::digest(note).into());
        Self { sequence: self.sequence + 1, origin: self.origin, head, note }
    }

    pub(super) fn encode(&self) -> [u8; BLOCK_BYTES] {
        let mut block = [0; BLOCK_BYTES];
        let root = *self.head.root.hash().as_bytes();
        let parts: [&[u8]; 7] = [
            MAGIC,
            &VERSION.to_be_bytes(),
            &self.sequence.to_be_bytes(),
            self.origin.as_bytes(),
            &self.head.size.get().to_be_bytes(),
            &root,
            self.note.as_bytes(),
        ];
        let mut at = 0;
        for part in parts {
            block[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        let sum: [u8; 32] = Sha256::digest(&block[..RECORD_BYTES]).into();
        block[RECORD_BYTES..RECORD_BYTES + 32].copy_from_slice(&sum);
        block
    }

    pub(super) fn decode(block: &[u8; BLOCK_BYTES]) -> Option<Self> {
        let sum: [u8; 32] = Sha256::digest(&block[..RECORD_BYTES]).into();
        let rest_is_zero = block[RECORD_BYTES + 32..].iter().all(|b| *b == 0);
        if block[RECORD_BYTES..RECORD_BYTES + 32] != sum || &block[..8] != MAGIC || !rest_is_zero {
            return None;
        }
        let number = |at: usize| block[at..at + 8].try_into().map(u64::from_be_bytes).ok();
        let hash = |at: usize| block[at..at + 32].try_into().map(Hash::from_bytes).ok();
        if number(8)? != VERSION {
            return None;
        }
        Some(Self {
            sequence: number(16)?,
            origin: hash(24)?,
            head: TreeHead { size: TreeSize::new(number(56)?), root: RootHash::new(hash(64)?) },
            note: hash(96)?,
        })
    }
}

/// SHA-256 of a text.
#[must_use]
pub fn hash_text(text: &str) -> Hash {
    Hash::from_bytes(Sha256::digest(text.as_bytes()).into())
}

/// What lies in the guard file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardState {
    /// No file.
    Missing,
    /// A file whose creation was interrupted: the second block was never written.
    Unfinished,
    /// The newest valid record.
    Record(GuardRecord),
    /// Both blocks are bad.
    Unreadable,
}

impl fmt::Display for GuardState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => out.write_str("nothing"),
            Self::Unfinished => out.write_str("no record: its creation was interrupted, or it was cut short"),
            Self::Record(record) => write!(out, "size {}, record {}", record.head.size, record.sequence),
            Self::Unreadable => out.write_str("no readable record"),
        }
    }
}
