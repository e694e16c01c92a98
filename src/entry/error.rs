//! Why bytes are no entry.

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
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownForm => "entry_unknown_form",
            Self::CoseReserved => "entry_cose_reserved",
            Self::Cbor => "entry_cbor",
            Self::NotDeterministic => "entry_not_deterministic",
            Self::UnknownVersion => "entry_unknown_version",
            Self::UnknownKind => "entry_unknown_kind",
            Self::UnknownKey(_) => "entry_unknown_key",
            Self::MissingKey(_) => "entry_missing_key",
            Self::HashLength => "entry_hash_length",
            Self::Signer => "entry_signer",
            Self::SubmitterName => "submitter_name",
        }
    }
}
