//! Entries: the bytes that become leaves.
//!
//! ```text
//! a6                                      # map of 6, keys ascending
//!    01 01                                # version 1
//!    02 6f 676174657761795f72656365697074 # kind "gateway_receipt"
//!    03 58 20 …                           # artifact digest
//!    04 19 04b0                           # compact length, bytes
//!    06 64 64656d6f                       # submitter "demo"
//!    07 1b 0000019a…                      # logged_at, Unix milliseconds
//! ```
//!
//! An entry is deterministic CBOR ([RFC 8949 4.2.1]) with integer keys; its
//! leaf hash is SHA-256(0x00 ‖ entry). The first byte tells the form: a map is
//! ours, 0xd2 (COSE_Sign1) is reserved for SCITT statements and refused today,
//! anything else is refused. Bodies are never in the leaf, so every proof holds
//! when a body is withheld. Nothing but this room decodes an entry.
//!
//! [RFC 8949 4.2.1]: https://www.rfc-editor.org/rfc/rfc8949#section-4.2.1

mod error;

use std::fmt;
use std::sync::Arc;

use cbor4ii::core::dec::{Decode, Read};
use cbor4ii::core::enc::{Encode, Error as EncodeError, Write};
use cbor4ii::core::types::{Bytes, Map};
use cbor4ii::core::utils::{BufWriter, SliceReader};

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::artifact::receipts_root::ReceiptsRoot;
use crate::artifact::{Artifact, Did, Keys, Kind};
use crate::merkle::{LeafHash, leaf_hash};
use crate::shapes::UnixMs;

pub use self::error::EntryError;

/// The only entry version.
pub const ENTRY_VERSION: u64 = 1;
/// Longest submitter name, bytes.
pub const SUBMITTER_BYTES_MAX: usize = 64;
/// The only kind whose entries carry a receipts root.
const RECEIPTS_KIND: Kind = Kind::ProofBundle;
/// First byte of a COSE_Sign1 entry: reserved, refused today.
const COSE_SIGN1_TAG: u8 = 0xd2;

mod key {
    pub const VERSION: u64 = 1;
    pub const KIND: u64 = 2;
    pub const DIGEST: u64 = 3;
    pub const LENGTH: u64 = 4;
    pub const SIGNER: u64 = 5;
    pub const SUBMITTER: u64 = 6;
    pub const LOGGED_AT: u64 = 7;
    pub const RECEIPTS_ROOT: u64 = 8;
    pub const RECEIPTS_COUNT: u64 = 9;
}

/// Who submitted an entry: `[a-z0-9._-]{1,64}`. It stands in the leaf for
/// ever, so it is public and never a personal name. A clone shares the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubmitterName(Arc<str>);

impl SubmitterName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`EntryError::SubmitterName`] when it is empty, too long or has another character.
    pub fn parse(text: &str) -> Result<Self, EntryError> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        if text.is_empty() || text.len() > SUBMITTER_BYTES_MAX || !text.bytes().all(legal) {
            return Err(EntryError::SubmitterName);
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubmitterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The log's clock at sequencing, Unix milliseconds; never smaller than that
/// of the entry before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct LoggedAt(#[schemars(with = "UnixMs")] u64);

impl LoggedAt {
    /// Wraps Unix milliseconds.
    #[must_use]
    pub const fn from_unix_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Unix milliseconds.
    #[must_use]
    pub const fn unix_ms(self) -> u64 {
        self.0
    }
}

/// What makes an artifact the same artifact: kind and artifact digest, for
/// unsigned kinds also the submitter. Bytes, as the store keys them: digest ‖
/// kind name, then for an unsigned artifact 0x00 ‖ submitter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryIdentity(Vec<u8>);

impl EntryIdentity {
    /// The identity of an artifact as `submitter` would log it.
    #[must_use]
    pub fn new(kind: Kind, digest: &ArtifactDigest, unsigned_by: Option<&SubmitterName>) -> Self {
        let mut bytes = Vec::with_capacity(32 + kind.name().len());
        bytes.extend_from_slice(digest.as_bytes());
        bytes.extend_from_slice(kind.name().as_bytes());
        if let Some(submitter) = unsigned_by {
            bytes.push(0);
            bytes.extend_from_slice(submitter.as_str().as_bytes());
        }
        Self(bytes)
    }

    /// The key bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An authentic artifact that waits for its place: everything of its entry
/// but index and time.
#[derive(Clone, Debug)]
pub struct PendingEntry {
    /// Kind of the artifact.
    pub kind: Kind,
    /// SHA-256 of the compact form.
    pub digest: ArtifactDigest,
    /// The compact form itself: the body.
    pub body: String,
    /// Who signed; absent for unsigned artifacts.
    pub signer: Option<Did>,
    /// Who submitted.
    pub submitter: SubmitterName,
    /// Hash of the payload: with kind and signer the statement key.
    pub payload_hash: PayloadHash,
    /// Root over the receipts of a proof bundle.
    pub receipts: Option<ReceiptsRoot>,
    /// What an index files it under; never in the leaf.
    pub keys: Keys,
}

impl PendingEntry {
    /// The entry that `artifact` becomes when `submitter` logs it.
    #[must_use]
    pub fn new(artifact: Artifact, receipts: Option<ReceiptsRoot>, submitter: SubmitterName) -> Self {
        let (kind, digest, signer) = (artifact.kind(), artifact.digest(), artifact.signer().cloned());
        let (payload_hash, keys) = (artifact.payload_hash(), artifact.keys());
        let body = artifact.into_compact();
        Self { kind, digest, body, signer, submitter, payload_hash, receipts, keys }
    }

    /// Its identity.
    #[must_use]
    pub fn identity(&self) -> EntryIdentity {
        let unsigned_by = self.signer.is_none().then_some(&self.submitter);
        EntryIdentity::new(self.kind, &self.digest, unsigned_by)
    }

    /// The entry at `logged_at`.
    #[must_use]
    pub fn sequence(&self, logged_at: LoggedAt) -> SequencedEntry {
        SequencedEntry {
            kind: self.kind,
            digest: self.digest,
            body_bytes: self.body.len() as u64,
            signer: self.signer.clone(),
            submitter: self.submitter.clone(),
            logged_at,
            receipts: self.receipts.map(Box::new),
        }
    }
}

/// A decoded entry. Its index is where it stands, not what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequencedEntry {
    /// Kind of the artifact.
    pub kind: Kind,
    /// SHA-256 of the artifact's compact form.
    pub digest: ArtifactDigest,
    /// Length of the compact form, bytes.
    pub body_bytes: u64,
    /// Who signed; absent for unsigned artifacts.
    pub signer: Option<Did>,
    /// Who submitted.
    pub submitter: SubmitterName,
    /// The log's clock at sequencing.
    pub logged_at: LoggedAt,
    /// Root over the receipts of a proof bundle that has any. Apart: hardly any
    /// entry has one, and whoever reads a whole log keeps a million entries.
    pub receipts: Option<Box<ReceiptsRoot>>,
}

impl SequencedEntry {
    /// The leaf bytes: deterministic CBOR.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = BufWriter::new(Vec::with_capacity(192));
        let count = 6 + usize::from(self.signer.is_some()) + 2 * usize::from(self.receipts.is_some());
        // Growing a Vec is the only thing that could fail here, and it aborts instead.
        let written = self.write(count, &mut out);
        debug_assert!(written.is_ok());
        out.into_inner()
    }

    fn write(&self, count: usize, out: &mut BufWriter) -> Result<(), CborWriteError> {
        Map::bounded(count, out)?;
        put(out, key::VERSION, ENTRY_VERSION)?;
        put(out, key::KIND, self.kind.name())?;
        put(out, key::DIGEST, Bytes(&self.digest.as_bytes()[..]))?;
        put(out, key::LENGTH, self.body_bytes)?;
        if let Some(signer) = &self.signer {
            put(out, key::SIGNER, signer.as_str())?;
        }
        put(out, key::SUBMITTER, self.submitter.as_str())?;
        put(out, key::LOGGED_AT, self.logged_at.0)?;
        if let Some(receipts) = &self.receipts {
            put(out, key::RECEIPTS_ROOT, Bytes(&receipts.root[..]))?;
            put(out, key::RECEIPTS_COUNT, receipts.count)?;
        }
        Ok(())
    }

    /// Decodes leaf bytes.
    ///
    /// # Errors
    /// Anything but one deterministic map of known keys refuses: see [`EntryError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        match bytes.first() {
            Some(0xa0..=0xbb) => {}
            Some(&COSE_SIGN1_TAG) => return Err(EntryError::CoseReserved),
            _ => return Err(EntryError::UnknownForm),
        }
        let mut reader = SliceReader::new(bytes);
        let count = Map::len(&mut reader).map_err(|_| EntryError::Cbor)?.ok_or(EntryError::NotDeterministic)?;
        let mut fields = Fields::default();
        for _ in 0..count.min(16) {
            fields.read(&mut reader)?;
        }
        let entry = fields.finish()?;
        // Shortest heads, sorted unique keys and the end of input all at once:
        // only one text of an entry exists, and this is it.
        if entry.encode() != bytes {
            return Err(EntryError::NotDeterministic);
        }
        Ok(entry)
    }

    /// The leaf hash of the encoded entry.
    #[must_use]
    pub fn leaf_hash(&self) -> LeafHash {
        leaf_hash(&self.encode())
    }

    /// Its identity.
    #[must_use]
    pub fn identity(&self) -> EntryIdentity {
        let unsigned_by = self.signer.is_none().then_some(&self.submitter);
        EntryIdentity::new(self.kind, &self.digest, unsigned_by)
    }
}

type CborWriteError = EncodeError<<BufWriter as Write>::Error>;

fn put(out: &mut BufWriter, key: u64, value: impl Encode) -> Result<(), CborWriteError> {
    key.encode(out)?;
    value.encode(out)
}

/// The members of an entry while it is read.
#[derive(Default)]
struct Fields {
    version: Option<u64>,
    kind: Option<Kind>,
    digest: Option<[u8; 32]>,
    body_bytes: Option<u64>,
    signer: Option<Did>,
    submitter: Option<SubmitterName>,
    logged_at: Option<u64>,
    receipts_root: Option<[u8; 32]>,
    receipts_count: Option<u64>,
}

impl Fields {
    fn read<'de>(&mut self, reader: &mut SliceReader<'de>) -> Result<(), EntryError> {
        match integer(reader)? {
            key::VERSION => self.version = Some(integer(reader)?),
            key::KIND => {
                let name = text(reader)?;
                self.kind = Some(Kind::parse(name).ok_or(EntryError::UnknownKind)?);
            }
            key::DIGEST => self.digest = Some(hash(reader)?),
            key::LENGTH => self.body_bytes = Some(integer(reader)?),
            key::SIGNER => self.signer = Some(Did::parse(text(reader)?).map_err(|_| EntryError::Signer)?),
            key::SUBMITTER => self.submitter = Some(SubmitterName::parse(text(reader)?)?),
            key::LOGGED_AT => self.logged_at = Some(integer(reader)?),
            key::RECEIPTS_ROOT => self.receipts_root = Some(hash(reader)?),
            key::RECEIPTS_COUNT => self.receipts_count = Some(integer(reader)?),
            unknown => return Err(EntryError::UnknownKey(unknown)),
        }
        Ok(())
    }

    fn finish(self) -> Result<SequencedEntry, EntryError> {
        if self.version.ok_or(EntryError::MissingKey(key::VERSION))? != ENTRY_VERSION {
            return Err(EntryError::UnknownVersion);
        }
        let receipts = match (self.receipts_root, self.receipts_count) {
            (None, None) => None,
            (Some(root), Some(count)) if count > 0 => Some(Box::new(ReceiptsRoot { root, count })),
            _ => return Err(EntryError::MissingKey(key::RECEIPTS_COUNT)),
        };
        let kind = self.kind.ok_or(EntryError::MissingKey(key::KIND))?;
        if receipts.is_some() && kind != RECEIPTS_KIND {
            return Err(EntryError::UnknownKey(key::RECEIPTS_ROOT));
        }
        Ok(SequencedEntry {
            kind,
            digest: ArtifactDigest::from_bytes(self.digest.ok_or(EntryError::MissingKey(key::DIGEST))?),
            body_bytes: self.body_bytes.ok_or(EntryError::MissingKey(key::LENGTH))?,
            signer: self.signer,
            submitter: self.submitter.ok_or(EntryError::MissingKey(key::SUBMITTER))?,
            logged_at: LoggedAt(self.logged_at.ok_or(EntryError::MissingKey(key::LOGGED_AT))?),
            receipts,
        })
    }
}

fn integer<'de>(reader: &mut impl Read<'de>) -> Result<u64, EntryError> {
    u64::decode(reader).map_err(|_| EntryError::Cbor)
}

fn text<'de>(reader: &mut SliceReader<'de>) -> Result<&'de str, EntryError> {
    <&str>::decode(reader).map_err(|_| EntryError::Cbor)
}

fn hash<'de>(reader: &mut SliceReader<'de>) -> Result<[u8; 32], EntryError> {
    let bytes = <Bytes<&[u8]>>::decode(reader).map_err(|_| EntryError::Cbor)?;
    <[u8; 32]>::try_from(bytes.0).map_err(|_| EntryError::HashLength)
}
