//! Cosignatures: a witness states that a checkpoint extends every earlier one
//! it saw (C2SP tlog-cosignature, type 0x04,
//! <https://c2sp.org/tlog-cosignature>).
//!
//! ```text
//! cosignature/v1                                   the signed message
//! time 1679315147
//! example.com/log
//! 11
//! HbUiaggFKBb6QD856DLtKSgkMlQddA2KKPIO6KeG3xA=
//! ```
//!
//! The line's body is the time as 8 big-endian bytes, then 64 bytes of
//! Ed25519. The message does not name the cosigner: one key must never serve
//! two. Not implemented: ML-DSA-44 (0x06).

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};
use serde::{Serialize, Serializer};

use super::{Checkpoint, CheckpointError};
use crate::note::{ED25519_SIGNATURE_BYTES, KeyError, KeyId, KeyName, KeyType, NoteSignature, SignedNote, VerifierKey};

const TIME_BYTES: usize = 8;
const BODY_BYTES: usize = TIME_BYTES + ED25519_SIGNATURE_BYTES;

/// When a witness signed: POSIX seconds, 1 to 2^63 − 1. A checkpoint's
/// cosignature never has time 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CosignatureTime(u64);

impl CosignatureTime {
    /// # Errors
    /// 0, or more than 2^63 − 1.
    pub fn from_unix_seconds(seconds: u64) -> Result<Self, CheckpointError> {
        if seconds == 0 || i64::try_from(seconds).is_err() {
            return Err(CheckpointError::CosignatureTime);
        }
        Ok(Self(seconds))
    }

    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CosignatureTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for CosignatureTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

/// A cosignature that verified. Private fields: only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cosignature {
    name: KeyName,
    key_id: KeyId,
    time: CosignatureTime,
}

impl Cosignature {
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    #[must_use]
    pub fn time(&self) -> CosignatureTime {
        self.time
    }
}

/// Checks that the owner of `key` cosigned the note's text. Every line of
/// this key must verify; of several the latest time is returned.
///
/// # Errors
/// The key is no cosigner's, the note has no line of it, or one that is
/// malformed or does not verify. Whether the time is plausible is for the
/// caller, who has a clock.
pub fn verify(key: &VerifierKey, note: &SignedNote) -> Result<Cosignature, CheckpointError> {
    key.require(KeyType::CosignatureV1).map_err(crate::note::NoteError::from)?;
    let mut latest = None;
    for body in key.bodies(note)? {
        let body: &[u8; BODY_BYTES] =
            body.try_into().map_err(|_| CheckpointError::CosignatureLength { got: body.len() })?;
        let (time, signature) = split_body(body);
        let time = CosignatureTime::from_unix_seconds(time)?;
        key.verify_message(message(note.text(), time).as_bytes(), &signature)?;
        latest = latest.max(Some(time));
    }
    // `bodies` returns at least one, and every pass above sets `latest`.
    let time = latest.ok_or(CheckpointError::CosignatureTime)?;
    Ok(Cosignature { name: key.name().clone(), key_id: key.key_id(), time })
}

/// A cosigner's Ed25519 key (0x04) held in memory. The secret is wiped when
/// the value is dropped.
#[derive(Clone)]
pub struct CosignerKey {
    secret: SigningKey,
    verifier: VerifierKey,
}

impl CosignerKey {
    /// # Errors
    /// Never for a seed from a sound random source, as with a signer's key.
    pub fn new(name: KeyName, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, KeyType::CosignatureV1, secret.verifying_key().as_bytes())?;
        Ok(Self { secret, verifier })
    }

    #[must_use]
    pub fn vkey(&self) -> VerifierKey {
        self.verifier.clone()
    }

    /// Cosigns a checkpoint. The caller has proven that it extends the last
    /// one cosigned for this origin, and has persisted that before it lets
    /// the signature out.
    #[must_use]
    pub fn cosign(&self, checkpoint: &Checkpoint, time: CosignatureTime) -> NoteSignature {
        let signature = self.secret.sign(message(&checkpoint.to_text(), time).as_bytes());
        let mut body = time.unix_seconds().to_be_bytes().to_vec();
        body.extend_from_slice(&signature.to_bytes());
        NoteSignature { name: self.verifier.name().clone(), key_id: self.verifier.key_id(), body }
    }
}

impl fmt::Debug for CosignerKey {
    /// Prints the public half only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey({})", self.verifier)
    }
}

fn message(text: &str, time: CosignatureTime) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn split_body(body: &[u8; BODY_BYTES]) -> (u64, [u8; ED25519_SIGNATURE_BYTES]) {
    let mut time = [0; TIME_BYTES];
    let mut signature = [0; ED25519_SIGNATURE_BYTES];
    time.copy_from_slice(&body[..TIME_BYTES]);
    signature.copy_from_slice(&body[TIME_BYTES..]);
    (u64::from_be_bytes(time), signature)
}
