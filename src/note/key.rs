//! Names, ids and keys of those who sign notes. Reached through `note`.
//!
//! ```text
//! example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k
//! name            key id   base64(type byte || public key)
//! ```
//!
//! The key id is the first 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key).
//! Every verification is Ed25519's strict one, and keys of small order, under
//! which anybody can sign anything, are refused where they are read.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{KEY_NAME_BYTES_MAX, NoteError, SignedNote, decode_base64};

mod signer;

pub use signer::{NoteSigner, SignerError, SignerKey};

use crate::codes::{self, Code};

pub(crate) const ED25519_KEY_BYTES: usize = 32;
pub(crate) const ED25519_SIGNATURE_BYTES: usize = 64;

/// Name of a key: recommended is a URL without its scheme. 1 to 255 bytes,
/// no Unicode space, no `+`, no control character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// # Errors
    /// Empty, too long, or a character that a name must not hold.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() || text.len() > KEY_NAME_BYTES_MAX {
            return Err(KeyError::NameLength { got: text.len() });
        }
        if text.chars().any(|character| character.is_whitespace() || character.is_control() || character == '+') {
            return Err(KeyError::NameCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for KeyName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Short id of a key. It finds keys, it does not identify them: anyone can
/// make a key with a given id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    fn of(name: &KeyName, key_type: KeyType, public_key: &[u8; ED25519_KEY_BYTES]) -> Self {
        let hasher = Sha256::new().chain_update(name.as_str()).chain_update([b'\n', key_type.byte()]);
        let digest: [u8; 32] = hasher.chain_update(public_key).finalize().into();
        Self([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl fmt::Display for KeyId {
    /// Eight lowercase hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a key signs: the type byte of signed-note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// 0x01: Ed25519 over the note text.
    Ed25519,
    /// 0x04: Ed25519 over a timestamped cosignature/v1 message.
    CosignatureV1,
}

impl KeyType {
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, KeyError> {
        match byte {
            0x01 => Ok(Self::Ed25519),
            0x04 => Ok(Self::CosignatureV1),
            other => Err(KeyError::UnknownKeyType { byte: other }),
        }
    }
}

/// A public key with its name: the "vkey" of signed-note.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    key_id: KeyId,
    key_type: KeyType,
    public_key: VerifyingKey,
}

impl VerifierKey {
    /// # Errors
    /// The bytes are no canonical curve point, or one of small order.
    pub fn new(name: KeyName, key_type: KeyType, public_key: &[u8; ED25519_KEY_BYTES]) -> Result<Self, KeyError> {
        let point = VerifyingKey::from_bytes(public_key).map_err(|_| KeyError::NotAPoint)?;
        // A second spelling of the same point would be a second key id.
        if point.to_edwards().compress().as_bytes() != public_key {
            return Err(KeyError::NotAPoint);
        }
        if point.is_weak() {
            return Err(KeyError::SmallOrder);
        }
        let key_id = KeyId::of(&name, key_type, public_key);
        Ok(Self { name, key_id, key_type, public_key: point })
    }

    /// Reads `name+id+base64`. Only the first two `+` part fields: base64 may
    /// hold more.
    ///
    /// # Errors
    /// A part is missing or not canonical, the type is none of [`KeyType`],
    /// the key is none that [`VerifierKey::new`] takes, or the id is not its.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::VkeyShape);
        };
        let name = KeyName::parse(name)?;
        let material = decode_base64(material).ok_or(KeyError::VkeyBase64)?;
        let (type_byte, public_key) = material.split_first().ok_or(KeyError::VkeyBase64)?;
        let key_type = KeyType::from_byte(*type_byte)?;
        let public_key = public_key.try_into().map_err(|_| KeyError::KeyLength { got: public_key.len() })?;
        let key = Self::new(name, key_type, public_key)?;
        if key.key_id.to_string() == id { Ok(key) } else { Err(KeyError::KeyIdMismatch { want: key.key_id }) }
    }

    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    #[must_use]
    pub fn public_key(&self) -> &[u8; ED25519_KEY_BYTES] {
        self.public_key.as_bytes()
    }

    /// Checks that this key signed the note's text. Every line of this key
    /// must verify, not just one.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`] when no line bears this name and id,
    /// [`NoteError::SignatureInvalid`] when one does and does not verify, and
    /// [`KeyError::WrongKeyType`] for a cosigner's key, whose message is not
    /// the text (see `checkpoint::cosignature`).
    pub fn verify(&self, note: &SignedNote) -> Result<(), NoteError> {
        self.require(KeyType::Ed25519)?;
        for body in self.bodies(note)? {
            let signature = body.try_into().map_err(|_| self.invalid())?;
            self.verify_message(note.text().as_bytes(), signature)?;
        }
        Ok(())
    }

    pub(crate) fn require(&self, key_type: KeyType) -> Result<(), KeyError> {
        if self.key_type == key_type { Ok(()) } else { Err(KeyError::WrongKeyType { want: key_type.byte() }) }
    }

    /// The bodies of this key's lines, at least one.
    pub(crate) fn bodies<'note>(&self, note: &'note SignedNote) -> Result<Vec<&'note [u8]>, NoteError> {
        let own = note.signatures().iter().filter(|line| line.name == self.name && line.key_id == self.key_id);
        let bodies: Vec<&[u8]> = own.map(|line| line.body.as_slice()).collect();
        if bodies.is_empty() {
            return Err(NoteError::NotSigned { name: self.name.clone(), key_id: self.key_id });
        }
        Ok(bodies)
    }

    pub(crate) fn verify_message(
        &self,
        message: &[u8],
        signature: &[u8; ED25519_SIGNATURE_BYTES],
    ) -> Result<(), NoteError> {
        let signature = Signature::from_bytes(signature);
        self.public_key.verify_strict(message, &signature).map_err(|_| self.invalid())
    }

    pub(crate) fn invalid(&self) -> NoteError {
        NoteError::SignatureInvalid { name: self.name.clone(), key_id: self.key_id }
    }
}

impl fmt::Display for VerifierKey {
    /// Prints the vkey text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use base64ct::{Base64, Encoding};
        let mut material = vec![self.key_type.byte()];
        material.extend_from_slice(self.public_key.as_bytes());
        write!(f, "{}+{}+{}", self.name, self.key_id, Base64::encode_string(&material))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// A name or key that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("key name must be 1 to {KEY_NAME_BYTES_MAX} bytes, got {got}")]
    NameLength { got: usize },
    #[error("key name must hold no space, plus sign or control character")]
    NameCharacter,
    #[error("verifier key must be name, key id and key, parted by plus signs")]
    VkeyShape,
    #[error("verifier key must end in canonical padded base64")]
    VkeyBase64,
    #[error("key type 0x{byte:02x} is not supported")]
    UnknownKeyType { byte: u8 },
    #[error("key type must be 0x{want:02x} here")]
    WrongKeyType { want: u8 },
    #[error("public key must be 32 bytes, got {got}")]
    KeyLength { got: usize },
    #[error("public key is no canonical curve point")]
    NotAPoint,
    #[error("public key has small order")]
    SmallOrder,
    #[error("key id must be {want}")]
    KeyIdMismatch { want: KeyId },
}

impl KeyError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::NameLength { .. } | Self::NameCharacter => &codes::proof::KEY_NAME_INVALID,
            Self::VkeyShape | Self::VkeyBase64 => &codes::proof::VKEY_INVALID,
            Self::UnknownKeyType { .. } => &codes::proof::KEY_TYPE_UNKNOWN,
            Self::WrongKeyType { .. } => &codes::proof::KEY_TYPE_WRONG,
            Self::KeyLength { .. } => &codes::proof::KEY_LENGTH,
            Self::NotAPoint => &codes::proof::KEY_NOT_A_POINT,
            Self::SmallOrder => &codes::proof::KEY_SMALL_ORDER,
            Self::KeyIdMismatch { .. } => &codes::proof::KEY_ID_MISMATCH,
        }
    }
}
