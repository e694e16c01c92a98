//! Names of artifacts: SHA-256 of the compact form, and of what is signed.
//!
//! ```text
//! artifact digest   SHA-256(compact form)            identity, URLs, the leaf
//! payload hash      SHA-256(compact or JCS payload)  what the signer signed
//! ```
//! Ours are lowercase hex; fields named `…_b64u` are a peer's unpadded
//! base64url and are read strictly (FORMATS 1.4).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::codes::{self, Code};
use crate::shapes::{HashText, written_as};
use crate::text::{base64url, hex};

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
    #[must_use]
    pub fn code(&self) -> &'static Code {
        &codes::artifact::INVALID_HEX
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
                hex::decode(text).map(Self).ok_or(HexError)
            }

            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The same 32 bytes as a peer writes them: 43 characters of base64url.
            pub fn to_b64u(&self) -> String {
                base64url::encode(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(&self.0))
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
written_as! {
    ArtifactDigest: HashText;
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
