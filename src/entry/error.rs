//! Why bytes are no entry.

use crate::codes::{self, Code};

/// Why bytes are no entry of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Neither a CBOR map nor a reserved form.
    #[error("entry: the first byte is no CBOR map")]
    UnknownForm,
    /// COSE_Sign1 is reserved.
    #[error("entry: COSE_Sign1 entries are reserved and refused today")]
    CoseReserved,
    /// Not well-formed CBOR of the expected types.
    #[error("entry: not well-formed CBOR of the expected types")]
    Cbor,
    /// Well-formed, but not the one deterministic encoding.
    #[error("entry: not the deterministic encoding")]
    NotDeterministic,
    /// A version that we do not know.
    #[error("entry: unknown version")]
    UnknownVersion,
    /// A kind that we do not know.
    #[error("entry: unknown kind")]
    UnknownKind,
    /// A map key that we do not know.
    #[error("entry: unknown key {0}")]
    UnknownKey(u64),
    /// A required map key is absent, or stands without its pair.
    #[error("entry: key {0} is missing or contradicts its pair")]
    MissingKey(u64),
    /// A hash that is not 32 bytes.
    #[error("entry: a hash is not 32 bytes")]
    HashLength,
    /// The signer is no DID.
    #[error("entry: the signer is no DID")]
    Signer,
    /// A submitter name outside `[a-z0-9._-]{1,64}`.
    #[error("submitter: must match [a-z0-9._-]{{1,64}}")]
    SubmitterName,
}

impl EntryError {
    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static Code {
        match self {
            Self::UnknownForm => &codes::proof::ENTRY_UNKNOWN_FORM,
            Self::CoseReserved => &codes::proof::ENTRY_COSE_RESERVED,
            Self::Cbor => &codes::proof::ENTRY_CBOR,
            Self::NotDeterministic => &codes::proof::ENTRY_NOT_DETERMINISTIC,
            Self::UnknownVersion => &codes::proof::ENTRY_UNKNOWN_VERSION,
            Self::UnknownKind => &codes::proof::ENTRY_UNKNOWN_KIND,
            Self::UnknownKey(_) => &codes::proof::ENTRY_UNKNOWN_KEY,
            Self::MissingKey(_) => &codes::proof::ENTRY_MISSING_KEY,
            Self::HashLength => &codes::proof::ENTRY_HASH_LENGTH,
            Self::Signer => &codes::proof::ENTRY_SIGNER,
            Self::SubmitterName => &codes::proof::SUBMITTER_NAME,
        }
    }
}
