//! did:key of Ed25519 (FORMATS 1.8): `did:key:z6Mk…` =
//! `"did:key:z" + base58btc(0xed 0x01 ‖ 32 bytes of public key)`.
//!
//! Other DID methods are texts here: nothing can be verified with them without
//! asking somebody, and this room asks nobody.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::{Signature, VerifyingKey};

use crate::artifact::checked::{Checked, strictly};
use crate::artifact::shape::DID_BYTES_MAX;
use crate::codes::{self, Code};

const PREFIX: &str = "did:key:z";
/// Multicodec of an Ed25519 public key.
const ED25519: [u8; 2] = [0xed, 0x01];
/// Keys kept parsed. 4,096 x (56-byte name + 192-byte key) stays near 1 MiB.
const CACHED_KEYS_MAX: usize = 4096;

/// The DID of whoever signed: a did:key that a key was read from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Did(String);

impl Did {
    /// Reads a did:key of Ed25519 by its form; the key in it is looked at by
    /// [`Did::key`].
    ///
    /// # Errors
    /// It is none, or does not hold 32 bytes of key.
    pub fn parse(text: &str) -> Result<Did, DidError> {
        raw_key(text).map(|_| Did(text.to_owned()))
    }

    /// The key. Costs a point decompression, about 10 µs.
    ///
    /// # Errors
    /// The bytes are no canonical point, or one of small order.
    pub fn key(&self) -> Result<VerifyingKey, DidError> {
        key_from(&raw_key(&self.0)?)
    }

    /// The did:key of a public key.
    pub fn of(key: &VerifyingKey) -> Did {
        let mut bytes = ED25519.to_vec();
        bytes.extend_from_slice(key.as_bytes());
        Did(format!("{PREFIX}{}", bs58::encode(bytes).into_string()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a DID gives no key to verify with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DidError {
    #[error("must be a did:key of an Ed25519 key in base58btc")]
    Invalid,
    #[error("did:key must hold 32 bytes of key, not {got}")]
    WrongLength { got: usize },
    #[error("did:key holds bytes that are no canonical point of the curve")]
    NotAPoint,
    #[error("did:key holds a point of small order, under which forgeries verify")]
    SmallOrder,
}

impl DidError {
    pub fn code(&self) -> &'static Code {
        match self {
            DidError::Invalid => &codes::artifact::INVALID_DID,
            DidError::WrongLength { .. } => &codes::artifact::KEY_WRONG_LENGTH,
            DidError::NotAPoint => &codes::artifact::KEY_NOT_A_POINT,
            DidError::SmallOrder => &codes::artifact::KEY_SMALL_ORDER,
        }
    }
}

fn raw_key(text: &str) -> Result<[u8; 32], DidError> {
    // Base58 costs quadratic time: the bound comes first.
    let base58 = text.strip_prefix(PREFIX).filter(|_| text.len() <= DID_BYTES_MAX).ok_or(DidError::Invalid)?;
    let bytes = bs58::decode(base58).into_vec().map_err(|_| DidError::Invalid)?;
    let raw = bytes.strip_prefix(&ED25519).ok_or(DidError::Invalid)?;
    raw.try_into().map_err(|_| DidError::WrongLength { got: raw.len() })
}

fn key_from(raw: &[u8; 32]) -> Result<VerifyingKey, DidError> {
    let key = VerifyingKey::from_bytes(raw).map_err(|_| DidError::NotAPoint)?;
    if key.is_weak() {
        return Err(DidError::SmallOrder);
    }
    // Decompression reduces y modulo p: only the reduced spelling is a name.
    if key.to_edwards().compress().to_bytes() != *raw {
        return Err(DidError::NotAPoint);
    }
    Ok(key)
}

/// Keys already read, by the text of their DID: reading one costs about a
/// third of verifying a signature, and a gateway signs thousands of receipts.
/// Holds good keys only; when full it starts again. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct KeyCache {
    keys: Arc<Mutex<HashMap<String, VerifyingKey>>>,
    checked: Option<Arc<Checked>>,
}

impl KeyCache {
    pub fn new() -> KeyCache {
        KeyCache::default()
    }

    /// The same keys for one reading of what belongs together, a request or a
    /// packet: it checks each signature once, however often it is met.
    #[must_use]
    pub fn of_one_reading(&self) -> KeyCache {
        KeyCache { keys: Arc::clone(&self.keys), checked: Some(Arc::default()) }
    }

    /// Signatures that this reading has checked; 0 of a cache that remembers none.
    #[must_use]
    pub fn checks(&self) -> u64 {
        self.checked.as_ref().map_or(0, |checked| checked.made())
    }

    /// Whether this is the key's signature over the message: strict.
    pub(crate) fn verifies(&self, key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
        match &self.checked {
            Some(checked) => checked.verifies(key, message, signature),
            None => strictly(key, message, signature),
        }
    }

    /// The DID and its key, from the cache or parsed.
    pub fn get(&self, text: &str) -> Result<(Did, VerifyingKey), DidError> {
        // A panic while holding the lock leaves a whole map: it is only a cache.
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(text).copied();
        if let Some(key) = known {
            return Ok((Did(text.to_owned()), key));
        }
        let did = Did::parse(text)?;
        let key = did.key()?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= CACHED_KEYS_MAX {
            keys.clear();
        }
        keys.insert(text.to_owned(), key);
        Ok((did, key))
    }
}
