//! Column families and keys. Numbers in keys are big-endian, so that byte
//! order is number order. A change here is a new [`SCHEMA`].
//!
//! | family | key | value |
//! |---|---|---|
//! | meta | `log`, `head`, `fork` | who the log is; its head; why it never starts again |
//! | meta | `withheld…` | what the operator withholds ([`super::withheld`]) |
//! | entries | index | leaf bytes |
//! | bodies | index | compact form; nothing where it was erased |
//! | tiles | level ‖ tile index | hashes, 32 bytes each; a narrower tile is a prefix of a wider one |
//! | identities | [`EntryIdentity`](crate::entry::EntryIdentity) | index |
//! | statements | payload hash ‖ who ‖ (index, from the second on) | index of the first, or nothing |
//! | leaves | leaf hash | index |
//! | checkpoints | size | published signed note |
//! | search | rows of the index, disposable | |

use sha2::{Digest, Sha256};

use crate::artifact::digest::PayloadHash;
use crate::artifact::{Did, Kind};
use crate::checkpoint::TreeHead;
use crate::merkle::{Hash, LeafIndex, RootHash, TreeSize};
use crate::tile::TileId;

/// Version of this layout.
pub const SCHEMA: u32 = 1;

/// Column families.
pub mod cf {
    pub const META: &str = "meta";
    pub const ENTRIES: &str = "entries";
    pub const BODIES: &str = "bodies";
    pub const TILES: &str = "tiles";
    pub const IDENTITIES: &str = "identities";
    pub const STATEMENTS: &str = "statements";
    pub const LEAVES: &str = "leaves";
    pub const CHECKPOINTS: &str = "checkpoints";
    pub const SEARCH: &str = "search";
    /// Every family.
    pub const ALL: [&str; 9] = [META, ENTRIES, BODIES, TILES, IDENTITIES, STATEMENTS, LEAVES, CHECKPOINTS, SEARCH];
}

/// Keys of the meta family.
pub mod meta {
    pub const LOG: &[u8] = b"log";
    pub const HEAD: &[u8] = b"head";
    pub const FORK: &[u8] = b"fork";
}

/// Bytes of a statement key before the index.
pub const STATEMENT_KEY_BYTES: usize = 40;

/// Key of an entry, a body or a checkpoint.
#[must_use]
pub const fn number_key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// Key of a tile.
#[must_use]
pub fn tile_key(tile: TileId) -> [u8; 9] {
    let mut key = [0; 9];
    key[0] = tile.level;
    key[1..].copy_from_slice(&tile.index.to_be_bytes());
    key
}

/// Key of a statement: payload hash, then eight bytes that tell kind and
/// signer apart. Readers compare kind and signer of the entry itself.
#[must_use]
pub fn statement_key(payload: &PayloadHash, kind: Kind, signer: Option<&Did>) -> [u8; STATEMENT_KEY_BYTES] {
    let mut who = Sha256::new();
    who.update(kind.name().as_bytes());
    who.update([0]);
    who.update(signer.map_or("", Did::as_str).as_bytes());
    let mut key = [0; STATEMENT_KEY_BYTES];
    key[..32].copy_from_slice(payload.as_bytes());
    key[32..].copy_from_slice(&who.finalize()[..8]);
    key
}

/// What is known of the statement of one entry before it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementRow {
    /// Its key.
    pub key: [u8; STATEMENT_KEY_BYTES],
    /// The lowest entry of the same statement in the store.
    pub first: Option<LeafIndex>,
}

/// Key of a statement's later entry.
#[must_use]
pub fn later_statement_key(first: &[u8; STATEMENT_KEY_BYTES], index: LeafIndex) -> [u8; STATEMENT_KEY_BYTES + 8] {
    let mut key = [0; STATEMENT_KEY_BYTES + 8];
    key[..STATEMENT_KEY_BYTES].copy_from_slice(first);
    key[STATEMENT_KEY_BYTES..].copy_from_slice(&index.get().to_be_bytes());
    key
}

/// Reads a number back.
#[must_use]
pub fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().map(u64::from_be_bytes).ok()
}

/// The store's head: the newest tree, the note over it when it has one, and
/// the head that the guard said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadRecord {
    /// The newest tree in the store.
    pub head: TreeHead,
    /// The guarded head before this one: a guard that says it means that the
    /// process ended between store and guard.
    pub previous: TreeHead,
    /// The log's own signed note over `head`; absent until the checkpoint
    /// interval has passed and the key has answered.
    pub note: Option<Vec<u8>>,
}

impl HeadRecord {
    /// As the meta family holds it; ends with a checksum.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        for head in [&self.head, &self.previous] {
            out.extend_from_slice(&head.size.get().to_be_bytes());
            out.extend_from_slice(head.root.hash().as_bytes());
        }
        out.push(u8::from(self.note.is_some()));
        out.extend_from_slice(self.note.as_deref().unwrap_or_default());
        let sum = Sha256::digest(&out);
        out.extend_from_slice(&sum);
        out
    }

    /// `None` for anything that `encode` does not print.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if Sha256::digest(content)[..] != *sum {
            return None;
        }
        let (heads, rest) = content.split_at_checked(80)?;
        let head = |at: usize| -> Option<TreeHead> {
            let root = Hash::from_slice(&heads[at + 8..at + 40])?;
            Some(TreeHead { size: TreeSize::new(number(&heads[at..at + 8])?), root: RootHash::new(root) })
        };
        let note = match rest.split_first()? {
            (0, []) => None,
            (1, note) => Some(note.to_vec()),
            _ => return None,
        };
        Some(Self { head: head(0)?, previous: head(40)?, note })
    }
}

/// Who the log is: pinned at initialisation, compared at every start.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIdentity {
    /// Version of the layout.
    pub schema: u32,
    /// Origin line.
    pub origin: String,
    /// did:key of the operator whose roots count.
    pub operator: String,
    /// Signing keys in order; rotation is a row.
    pub keys: Vec<PinnedKey>,
}

/// A signing key and the sizes it signs: `from <= size`, and `size < to` if given.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedKey {
    /// Verifier key, vkey text: key name, key id and public key.
    pub vkey: String,
    /// First tree size it signs.
    pub from: u64,
    /// First tree size it no longer signs.
    pub to: Option<u64>,
}

impl LogIdentity {
    /// As the meta family holds it: JSON and a checksum, since nothing else in
    /// the store would contradict another operator.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut out = serde_json::to_vec(self).ok()?;
        let sum = Sha256::digest(&out);
        out.extend_from_slice(&sum);
        Some(out)
    }

    /// `None` for anything that `encode` does not print.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if Sha256::digest(content)[..] != *sum {
            return None;
        }
        serde_json::from_slice(content).ok()
    }

    /// The key in force at `size`.
    #[must_use]
    pub fn key_at(&self, size: TreeSize) -> Option<&PinnedKey> {
        self.keys.iter().find(|k| k.from <= size.get() && k.to.is_none_or(|to| size.get() < to))
    }
}
