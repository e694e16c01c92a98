//! The body of an entry, read back for showing: what it says, how it is
//! indented, and what the entry itself decodes to.

use std::sync::Arc;

use crate::artifact::json::{self, Value};
use crate::artifact::{Artifact, Fact, Keys};
use crate::entry::ENTRY_VERSION;
use crate::merkle::LeafIndex;
use crate::server::desk::Paper;
use crate::server::log::view::StoredEntry;
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::words;
use crate::text::hex;

/// Bytes of a body that a page shows; the rest is behind a link.
pub(crate) const BODY_BYTES_SHOWN: usize = 64 * 1024;

/// The paper of an entry, ready to show.
pub(crate) struct Document {
    paper: Arc<Paper>,
}

impl Document {
    /// The body of an entry.
    ///
    /// # Errors
    /// Those of the desk; a withheld body is no error.
    pub(crate) fn read(reader: &Reader, at: LeafIndex) -> Result<Self, Trouble> {
        Ok(Self { paper: reader.desk().read(at)? })
    }

    pub(crate) fn paper(&self) -> &Paper {
        &self.paper
    }

    /// What was signed, or the whole of an unsigned artifact.
    pub(crate) fn payload(&self) -> Option<&Value<'static>> {
        self.paper.payload()
    }

    pub(crate) fn keys(&self) -> Keys {
        self.paper.keys()
    }

    pub(crate) fn facts(&self) -> Vec<FactRow> {
        let facts = self.paper.artifact().map(Artifact::facts).unwrap_or_default();
        facts.into_iter().map(FactRow::from).collect()
    }

    /// The first [`BODY_BYTES_SHOWN`] of the body, indented.
    pub(crate) fn raw(&self) -> Option<Raw> {
        let text = json::to_pretty(self.paper.artifact()?.value());
        let mut end = text.len().min(BODY_BYTES_SHOWN);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let left = text.len() - end;
        let left = (left > 0).then(|| words::quantity(left as u64));
        Some(Raw { text: Said::lines(text[..end].trim_end()), left })
    }
}

/// An indented body.
pub(crate) struct Raw {
    pub text: Said,
    /// Bytes that are not shown, as words.
    pub left: Option<String>,
}

/// One line about an artifact.
pub(crate) struct FactRow {
    pub label: &'static str,
    pub value: Said,
    /// A hash, a key or the like: shown in code face.
    pub is_code: bool,
}

/// Words this long without a space are hashes and keys.
const CODE_BYTES_MIN: usize = 32;

impl From<Fact> for FactRow {
    fn from(fact: Fact) -> Self {
        let is_code = fact.value.len() >= CODE_BYTES_MIN && fact.value.bytes().all(|b| b.is_ascii_graphic());
        Self { label: fact.label, value: Said::message(&fact.value), is_code }
    }
}

/// One member of the decoded entry.
pub(crate) struct Member {
    pub key: u8,
    pub name: &'static str,
    pub value: Said,
}

/// The entry's CBOR map, key by key.
pub(crate) fn members(stored: &StoredEntry) -> Vec<Member> {
    let entry = &stored.entry;
    let mut out = Vec::new();
    let mut add = |key: u8, name: &'static str, value: &str| out.push(Member { key, name, value: Said::name(value) });
    add(1, "version", &ENTRY_VERSION.to_string());
    add(2, "kind", entry.kind.name());
    add(3, "artifact digest", &entry.digest.to_string());
    add(4, "compact length, bytes", &entry.body_bytes.to_string());
    if let Some(signer) = &entry.signer {
        add(5, "signer", signer.as_str());
    }
    add(6, "submitter", entry.submitter.as_str());
    add(7, "logged at, Unix ms", &entry.logged_at.unix_ms().to_string());
    if let Some(receipts) = &entry.receipts {
        add(8, "receipts root", &hex::encode(&receipts.root));
        add(9, "receipts count", &receipts.count.to_string());
    }
    out
}

/// A DID as a chip, when there is one.
pub(crate) fn signer(stored: &StoredEntry) -> Option<Chip> {
    stored.entry.signer.as_ref().map(|did| Chip::did(did.as_str()))
}
