//! The Merkle tree of RFC 6962 section 2.1 (the same tree as RFC 9162):
//! hashes, indexes, sizes, and the strict proofs over them.
//!
//! ```text
//! leaf hash   SHA-256(0x00 || entry)
//! node hash   SHA-256(0x01 || left || right)
//! empty root  SHA-256("")
//!
//!                     root of 11
//!             0-7 ----------------- 8-10         a lone right edge is carried
//!       0-3 -------- 4-7         8-9 --- 10      up unhashed: 8-10 is the
//!    0-1 - 2-3    4-5 - 6-7                      hash of (8-9, 10)
//! ```
//!
//! Two kinds of node follow from that shape. *Complete* subtrees
//! ([`Node`]) never change once their leaves are there and are what a
//! store keeps. *Ephemeral* nodes lie on the right edge, change with every
//! append, and are folded from complete ones when they are needed.
//!
//! Specs: <https://www.rfc-editor.org/rfc/rfc6962#section-2.1>,
//! <https://www.rfc-editor.org/rfc/rfc9162#section-2.1>. Only SHA-256.

use std::fmt;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::codes::{self, Code};
use crate::text::hex;

mod consistency;
mod frontier;
mod inclusion;
mod node;
mod number;
mod plan;
mod small_tree;

pub use consistency::verify_consistency;
pub use frontier::Frontier;
pub use inclusion::{root_from_inclusion, verify_inclusion};
pub use node::Node;
pub use number::{LeafIndex, NumberTextError, TreeSize};
pub use plan::{Block, Plan, Side};
pub use small_tree::SmallTree;

/// Bytes of a SHA-256 digest.
pub const HASH_BYTES: usize = 32;

/// Most hashes one proof may hold, the limit that C2SP's witnesses set
/// (<https://c2sp.org/tlog-witness>). Decoders refuse more before they look at
/// any.
pub const PATH_HASHES_MAX: usize = 63;

/// Largest tree that is planned or grown: 2^63 leaves, whose longest path
/// holds exactly [`PATH_HASHES_MAX`] hashes.
pub const TREE_SIZE_MAX: TreeSize = TreeSize::new(1 << PATH_HASHES_MAX);

const LEAF_PREFIX: [u8; 1] = [0x00];
const NODE_PREFIX: [u8; 1] = [0x01];

/// Root of the tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: RootHash = RootHash(Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]));

/// A SHA-256 digest: a leaf, an inner node or a root. What it stands for is
/// told by the type around it, [`LeafHash`] or [`RootHash`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH_BYTES]);

impl Hash {
    #[must_use]
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// A hash from exactly 32 bytes; any other length is `None`.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Hash)
    }

    /// 64 lowercase hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// Reads exactly what [`Hash::to_hex`] prints.
    ///
    /// # Errors
    /// Another length, or a character outside `0-9a-f` (upper case too: one
    /// hash has one spelling).
    pub fn from_hex(text: &str) -> Result<Self, HashTextError> {
        if text.len() != 2 * HASH_BYTES {
            return Err(HashTextError::HexLength { got: text.len() });
        }
        hex::decode(text).map(Hash).ok_or(HashTextError::HexDigit)
    }

    /// Standard padded base64, 44 characters: the spelling inside C2SP text.
    #[must_use]
    pub fn to_base64(&self) -> String {
        Base64::encode_string(&self.0)
    }

    /// Reads exactly what [`Hash::to_base64`] prints.
    ///
    /// # Errors
    /// Anything that is not the one canonical spelling of 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, HashTextError> {
        let bytes = Base64::decode_vec(text).map_err(|_| HashTextError::Base64)?;
        let hash = Self::from_slice(&bytes).ok_or(HashTextError::Base64)?;
        // The decoder may one day tolerate spare bits in the last character;
        // printing back is what makes the spelling unique.
        if hash.to_base64() == text { Ok(hash) } else { Err(HashTextError::Base64) }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).map_err(serde::de::Error::custom)
    }
}

/// Hash of one entry, made by [`leaf_hash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeafHash(Hash);

impl LeafHash {
    /// Takes a hash that is already known to be a leaf's, read back from a
    /// store or a tile. Nothing is proven by the type alone.
    #[must_use]
    pub const fn new(hash: Hash) -> Self {
        Self(hash)
    }

    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.0
    }
}

impl fmt::Display for LeafHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Root of a whole tree at some [`TreeSize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RootHash(Hash);

impl RootHash {
    /// Takes a hash that is claimed to be a root. Nothing is proven by the
    /// type alone.
    #[must_use]
    pub const fn new(hash: Hash) -> Self {
        Self(hash)
    }

    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.0
    }
}

impl fmt::Display for RootHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// [`EMPTY_ROOT`].
#[must_use]
pub const fn empty_root() -> RootHash {
    EMPTY_ROOT
}

/// SHA-256(0x00 ‖ entry), RFC 6962 section 2.1.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> LeafHash {
    LeafHash(digest(Sha256::new().chain_update(LEAF_PREFIX).chain_update(entry)))
}

/// SHA-256(0x01 ‖ left ‖ right), RFC 6962 section 2.1.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    digest(Sha256::new().chain_update(NODE_PREFIX).chain_update(left.0).chain_update(right.0))
}

fn digest(hasher: Sha256) -> Hash {
    Hash(hasher.finalize().into())
}

/// A text that is not the one spelling of a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashTextError {
    #[error("hash must be 64 lowercase hex digits, got {got} bytes")]
    HexLength { got: usize },
    #[error("hash must hold lowercase hex digits only")]
    HexDigit,
    #[error("hash must be 32 bytes in canonical padded base64")]
    Base64,
}

impl HashTextError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::HexLength { .. } | Self::HexDigit => &codes::proof::HASH_NOT_HEX,
            Self::Base64 => &codes::proof::HASH_NOT_BASE64,
        }
    }
}

/// A proof that does not hold, or a question no proof can answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("{field} is 0, and nothing can be proven of an empty tree")]
    SizeZero { field: &'static str },
    #[error("leaf index {index} must be below tree size {size}")]
    IndexOutsideTree { index: LeafIndex, size: TreeSize },
    #[error("older size {from} must not exceed newer size {to}")]
    SizesReversed { from: TreeSize, to: TreeSize },
    #[error("proof must hold exactly {want} hashes, got {got}")]
    PathLength { got: usize, want: usize },
    #[error("path does not lead to the root hash")]
    RootMismatch,
    #[error("proof does not lead to the older root hash")]
    OldRootMismatch,
    #[error("proof does not lead to the newer root hash")]
    NewRootMismatch,
    #[error("plan needs exactly {want} node hashes, got {got}")]
    NodeCount { got: usize, want: usize },
    #[error("plan is for a proof, not for a root")]
    NotARootPlan,
    #[error("frontier of size {size} must hold exactly {want} hashes, got {got}")]
    FrontierLength { size: TreeSize, got: usize, want: usize },
    #[error("tree size {size} must be at most {TREE_SIZE_MAX}")]
    SizeLimit { size: TreeSize },
}

impl ProofError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::SizeZero { .. } => &codes::proof::PROOF_SIZE_ZERO,
            Self::IndexOutsideTree { .. } => &codes::proof::PROOF_INDEX_OUTSIDE_TREE,
            Self::SizesReversed { .. } => &codes::proof::PROOF_SIZES_REVERSED,
            Self::PathLength { .. } => &codes::proof::PROOF_PATH_LENGTH,
            Self::RootMismatch => &codes::proof::PROOF_ROOT_MISMATCH,
            Self::OldRootMismatch => &codes::proof::PROOF_OLD_ROOT_MISMATCH,
            Self::NewRootMismatch => &codes::proof::PROOF_NEW_ROOT_MISMATCH,
            Self::NodeCount { .. } => &codes::proof::PLAN_NODE_COUNT,
            Self::NotARootPlan => &codes::proof::PLAN_NOT_A_ROOT,
            Self::FrontierLength { .. } => &codes::proof::FRONTIER_LENGTH,
            Self::SizeLimit { .. } => &codes::proof::TREE_SIZE_LIMIT,
        }
    }
}
