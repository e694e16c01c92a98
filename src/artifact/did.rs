//! did:key of Ed25519 (FORMATS 1.8): `did:key:z6Mk…` =
//! `"did:key:z" + base58btc(0xed 0x01 ‖ 32 bytes of public key)`.
//!
//! Other DID methods are texts here: nothing can be verified with them without
//! asking somebody, and this room asks nobody.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;

use crate::artifact::shape::DID_BYTES_MAX;
use crate::codes::{self, Code};
use crate::signature::StrictKey;

const PREFIX: &str = "did:key:z";
/// Multicodec of an Ed25519 public key.
const ED25519: [u8; 2] = [0xed, 0x01];

/// The DID of whoever signed: a did:key that a key was read from. Clones share
/// the text: many statements are of few signers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Did(Arc<str>);

impl Did {
    /// Reads a did:key of Ed25519 by its form; the key in it is looked at by
    /// [`Did::key`].
    ///
    /// # Errors
    /// It is none, or does not hold 32 bytes of key.
    pub fn parse(text: &str) -> Result<Self, DidError> {
        raw_key(text).map(|_| Self(text.into()))
    }

    /// The key. Costs a point decompression, about 6 µs.
    ///
    /// # Errors
    /// The bytes are no canonical point, or one of small order.
    pub fn key(&self) -> Result<StrictKey, DidError> {
        key_from(&raw_key(&self.0)?)
    }

    /// The did:key of a public key.
    #[must_use]
    pub fn of(key: &VerifyingKey) -> Self {
        let mut bytes = ED25519.to_vec();
        bytes.extend_from_slice(key.as_bytes());
        Self(format!("{PREFIX}{}", bs58::encode(bytes).into_string()).into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A map of DIDs is asked by text: both hash and compare alike.
impl Borrow<str> for Did {
    fn borrow(&self) -> &str {
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
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Invalid => &codes::artifact::INVALID_DID,
            Self::WrongLength { .. } => &codes::artifact::KEY_WRONG_LENGTH,
            Self::NotAPoint => &codes::artifact::KEY_NOT_A_POINT,
            Self::SmallOrder => &codes::artifact::KEY_SMALL_ORDER,
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

fn key_from(raw: &[u8; 32]) -> Result<StrictKey, DidError> {
    let point = VerifyingKey::from_bytes(raw).map_err(|_| DidError::NotAPoint)?;
    let key = StrictKey::new(point).ok_or(DidError::SmallOrder)?;
    // Decompression reduces y modulo p: only the reduced spelling is a name. A
    // sign at x = 0 is a second one too, of points of small order alone.
    if !is_reduced(raw) {
        return Err(DidError::NotAPoint);
    }
    Ok(key)
}

/// Whether the y of an encoded point lies below p = 2^255 − 19.
fn is_reduced(raw: &[u8; 32]) -> bool {
    raw[0] < 0xed || raw[1..31].iter().any(|byte| *byte != 0xff) || raw[31] & 0x7f != 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_the_bytes_that_its_point_encodes_to() {
        let (mut points, mut reduced) = (0, 0);
        for (low, rest, high) in (0..=0xff).flat_map(|low| [(low, 0xff, 0x7f), (low, 0xff, 0xff), (low, 0x5a, 0x7f)]) {
            let mut raw = [rest; 32];
            (raw[0], raw[31]) = (low, high);
            let Ok(point) = VerifyingKey::from_bytes(&raw) else { continue };
            let is_name = point.to_edwards().compress().to_bytes() == raw;
            assert_eq!(key_from(&raw).is_ok(), is_name && !point.is_weak(), "{raw:02x?}");
            points += 1;
            reduced += usize::from(is_name);
        }
        assert!(reduced > 200 && points > reduced + 10, "{points} points, {reduced} of them reduced");
    }
}
