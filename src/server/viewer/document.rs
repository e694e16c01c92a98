//! The body of an entry, read back for showing: what it says, how it is
//! indented, and what the entry itself decodes to.

use crate::artifact::digest::PayloadHash;
use crate::artifact::json::{self, Value};
use crate::artifact::{Fact, Keys};
use crate::codes::service;
use crate::entry::ENTRY_VERSION;
use crate::server::log::view::{Body, StoredEntry, View};
use crate::server::viewer::inline::{Chip, Said};
use crate::server::viewer::trouble::Trouble;
use crate::server::viewer::words;
use crate::text::{base64url, hex};

/// Bytes of a body that a page shows; the rest is behind a link.
pub(crate) const BODY_BYTES_SHOWN: usize = 64 * 1024;

/// A body that was read and parsed, or none.
pub(crate) struct Document {
    value: Option<Value>,
    is_signed: bool,
}

impl Document {
    /// The body of an entry.
    ///
    /// # Errors
    /// The store's; a withheld body is no error.
    pub(crate) fn read(view: &View, entry: &StoredEntry) -> Result<Self, Trouble> {
        let value = match view.body(entry)? {
            Body::Withheld => None,
            // It was admitted, so it parses; if it does not, the store is damaged.
            Body::Shown(text) => Some(
                json::parse(text.as_bytes(), json::DEPTH_MAX).map_err(|_| Trouble::unsound(&service::STORE_DAMAGED))?,
            ),
        };
        Ok(Self { value, is_signed: entry.entry.signer.is_some() })
    }

    pub(crate) const fn is_withheld(&self) -> bool {
        self.value.is_none()
    }

    /// What was signed, or the whole of an unsigned artifact.
    pub(crate) fn payload(&self) -> Option<&Value> {
        let value = self.value.as_ref()?;
        if self.is_signed { value.get("payload") } else { Some(value) }
    }

    pub(crate) fn keys(&self, entry: &StoredEntry) -> Keys {
        self.payload().map(|p| (entry.entry.kind.row().keys)(p)).unwrap_or_default()
    }

    pub(crate) fn facts(&self, entry: &StoredEntry) -> Vec<FactRow> {
        let facts = self.payload().map(|p| (entry.entry.kind.row().facts)(p)).unwrap_or_default();
        facts.into_iter().map(FactRow::from).collect()
    }

    /// Hash of the payload: with kind and signer the statement key.
    pub(crate) fn payload_hash(&self, entry: &StoredEntry) -> Option<PayloadHash> {
        if !self.is_signed {
            return Some(PayloadHash::from_bytes(*entry.entry.digest.as_bytes()));
        }
        let text = self.value.as_ref()?.text_at("payload_hash_b64u")?;
        base64url::decode(text).map(PayloadHash::from_bytes)
    }

    /// The first [`BODY_BYTES_SHOWN`] of the body, indented.
    pub(crate) fn raw(&self) -> Option<Raw> {
        let text = json::to_pretty(self.value.as_ref()?);
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
