//! Secret keys that sign notes. Reached through `note`.

use std::fmt;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

use super::{ED25519_KEY_BYTES, KeyError, KeyId, KeyName, KeyType, VerifierKey};
use crate::codes::{self, Code};
use crate::note::NoteSignature;

/// Longest PEM text that is read; a key takes about 120 bytes.
const PEM_BYTES_MAX: usize = 4_096;

/// Whoever can add a signature line to a text. Signers elsewhere (a token, a
/// remote service) may be slow and may fail; callers must allow for both.
pub trait NoteSigner: Send + Sync {
    fn name(&self) -> &KeyName;

    fn key_id(&self) -> KeyId;

    /// # Errors
    /// The signer could not be reached or refused. Nothing was signed.
    fn sign(&self, text: &str) -> Result<NoteSignature, SignerError>;
}

/// An Ed25519 note key (0x01) held in memory, such as the log's own. The
/// secret is wiped when the value is dropped.
#[derive(Clone)]
pub struct SignerKey {
    secret: SigningKey,
    verifier: VerifierKey,
}

impl SignerKey {
    /// # Errors
    /// Never for a seed from a sound random source: a secret key's public key
    /// is of large order. The check is the same as for every other key.
    pub fn new(name: KeyName, seed: &[u8; ED25519_KEY_BYTES]) -> Result<Self, KeyError> {
        let secret = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, KeyType::Ed25519, secret.verifying_key().as_bytes())?;
        Ok(Self { secret, verifier })
    }

    /// Reads a PKCS#8 private key in PEM, with or without its public key.
    ///
    /// # Errors
    /// Not PEM, not PKCS#8, not Ed25519, or a public key that is not that of
    /// the secret.
    pub fn from_pkcs8_pem(name: KeyName, pem: &str) -> Result<Self, SignerError> {
        if pem.len() > PEM_BYTES_MAX {
            return Err(SignerError::Pem);
        }
        let secret = SigningKey::from_pkcs8_pem(pem).map_err(|_| SignerError::Pem)?;
        let verifier = VerifierKey::new(name, KeyType::Ed25519, secret.verifying_key().as_bytes())?;
        Ok(Self { secret, verifier })
    }

    /// The key as PKCS#8 version 1 in PEM, the form every tool reads. The
    /// text is wiped when it is dropped.
    ///
    /// # Errors
    /// The encoder failed, which it does for no key.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, SignerError> {
        let pair = KeypairBytes { secret_key: self.secret.to_bytes(), public_key: None };
        pair.to_pkcs8_pem(LineEnding::LF).map_err(|_| SignerError::Pem)
    }

    #[must_use]
    pub fn vkey(&self) -> VerifierKey {
        self.verifier.clone()
    }

    /// Signs a text, which must end in a newline to become a note.
    #[must_use]
    pub fn sign(&self, text: &str) -> NoteSignature {
        let body = self.secret.sign(text.as_bytes()).to_bytes().to_vec();
        NoteSignature { name: self.verifier.name().clone(), key_id: self.verifier.key_id(), body }
    }
}

impl NoteSigner for SignerKey {
    fn name(&self) -> &KeyName {
        self.verifier.name()
    }

    fn key_id(&self) -> KeyId {
        self.verifier.key_id()
    }

    fn sign(&self, text: &str) -> Result<NoteSignature, SignerError> {
        Ok(Self::sign(self, text))
    }
}

impl fmt::Debug for SignerKey {
    /// Prints the public half only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier)
    }
}

/// A secret key that cannot be read, or a signer that did not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    #[error("key file must be one Ed25519 private key in PKCS#8 PEM")]
    Pem,
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("signer {name} did not sign: {reason}")]
    Unavailable { name: KeyName, reason: String },
}

impl SignerError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Pem => &codes::proof::KEY_FILE_INVALID,
            Self::Key(error) => error.code(),
            Self::Unavailable { .. } => &codes::proof::SIGNER_UNAVAILABLE,
        }
    }
}
