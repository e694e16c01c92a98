//! Names of artifacts: SHA-256 of the compact form, and of what is signed.
//!
//! ```text
//! artifact digest   SHA-256(compact form)            identity, URLs, the leaf
//! payload hash      SHA-256(compact or JCS payload)  what the signer signed
//! ```
//! Ours are lowercase hex; fields named `…_b64u` are a peer's unpadded
//! base64url and are read strictly (model 1).

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// SHA-256 of an artifact's compact form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactDigest([u8; 32]);

/// SHA-256 that the signer signed; for unsigned artifacts equal to the digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadHash([u8; 32]);

/// Text that is not 64 lowercase hex characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 lowercase hex characters")]
pub struct HexError;

impl HexError {
    pub fn code(&self) -> &'static str {
        "invalid_hex"
    }
}

macro_rules! hash_newtype {
    ($name:ident) => {
        impl $name {
            /// SHA-256 of `bytes`, which are in the right form already.
            pub fn of(bytes: &[u8]) -> Self {
                Self(sha256(bytes))
            }

            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Reads 64 lowercase hex characters.
            pub fn from_hex(text: &str) -> Result<Self, HexError> {
                unhex(text).map(Self).ok_or(HexError)
            }

            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The same 32 bytes as a peer writes them: 43 characters of base64url.
            pub fn to_b64u(&self) -> String {
                Base64UrlUnpadded::encode_string(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::from_hex(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

hash_newtype!(ArtifactDigest);
hash_newtype!(PayloadHash);

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let bytes = text.as_bytes();
    let mut out = [0; 32];
    if bytes.len() != 64 {
        return None;
    }
    for (at, slot) in out.iter_mut().enumerate() {
        *slot = nibble(bytes[2 * at])? << 4 | nibble(bytes[2 * at + 1])?;
    }
    Some(out)
}

/// The value of a base64url character.
pub(crate) fn b64u_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// Whether unpadded base64url in the right alphabet has the one spelling of its
/// bytes: a possible length, and no bits left over in the last character.
pub(crate) fn is_canonical_b64u(text: &str) -> bool {
    let last = text.bytes().last().and_then(b64u_value).unwrap_or(0);
    match text.len() % 4 {
        1 => false,
        2 => last & 0x0f == 0,
        3 => last & 0x03 == 0,
        _ => true,
    }
}

pub(crate) fn b64u(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Exactly `N` bytes from canonical unpadded base64url.
pub(crate) fn from_b64u<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    let decoded = Base64UrlUnpadded::decode(text, &mut out).ok()?;
    (decoded.len() == N && is_canonical_b64u(text)).then_some(out)
}
