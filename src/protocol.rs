//! The protocol verdict: what the verifier of the Clawsig protocol says of a
//! `proof_bundle`, `export_bundle`, `aggregate_bundle` or commit signature
//! (model 9; clawsig 7, clawsig-verify). Core rules, and on top the strict
//! receipt layer of its command line.
//!
//! ```text
//! value ─ unwrap ─ schema ─ dates ─ hash ─ signature ─ contents in the peer's order ─> Verdict
//! ```
//!
//! It says whether bytes keep the protocol. Whether anybody behaved, whether a
//! token was revoked or an approval given is the audit's business: this room
//! knows no log, no policy and no clock.
//!
//! The peer's holes are kept on purpose: a bundle that nobody signed passes
//! (marked [`Verdict::bare`]), tool receipts may be unsigned, an approval may
//! be a denial. Differences, all towards refusing:
//!
//! * Values come from our strict parser. Duplicate names, lone surrogates,
//!   integers beyond 2^53 - 1 and deep nesting never get here; the peer takes
//!   them.
//! * Signatures are checked strictly (see `envelope::signed`), base64url
//!   decoded strictly.
//! * Blocks of [`BLOCKS`] are not judged. The peer judges some of them and may
//!   refuse what gets `pass_except_not_checked` here.
//! * In a bare payload, members of the wrong type are a schema failure; the
//!   peer ends in an exception.
//!
//! Not implemented: TEE attestations (in an export they end the same way in the
//! peer), `proof_bundle` version 2, compiled reports.

mod aggregate;
mod approval;
mod attestation;
mod bundle;
mod causal;
mod codes;
mod collation;
mod commit_signature;
mod config;
mod coverage;
mod date;
mod disclosure;
mod envelope;
mod event_chain;
mod export;
mod export_attestation;
mod gateway_receipt;
mod inclusion_proof;
mod manifest;
mod model_identity;
mod not_checked;
mod options;
mod prompt;
mod rate_limit;
mod schema;
mod side_effect;
mod strict_layer;
mod tiers;
mod tool_receipt;
mod urm;
mod verdict;

use std::collections::BTreeSet;

use crate::artifact::KeyCache;
use crate::artifact::json::Value;

pub use self::codes::{CODES, CodeRow, RISK_FLAGS, explain};
pub use self::config::ConfigError;
pub use self::model_identity::model_identity_tier;
pub use self::not_checked::{BLOCKS, BlockRow};
pub use self::options::Options;
pub use self::tiers::{ModelIdentityTier, ProofTier, TrustTier};
pub use self::verdict::{ReceiptOutcome, Status, Verdict};

use self::options::Context;

/// What a document is to be verified as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    ProofBundle,
    /// Exports and aggregates are one command of the peer, which tells them
    /// apart by content; so do we.
    ExportBundle,
    AggregateBundle,
    CommitSignature,
}

impl DocumentKind {
    /// The peer's name: `proof_bundle`, `export_bundle`, `aggregate_bundle`,
    /// `commit_sig`.
    pub fn name(self) -> &'static str {
        match self {
            DocumentKind::ProofBundle => "proof_bundle",
            DocumentKind::ExportBundle => "export_bundle",
            DocumentKind::AggregateBundle => "aggregate_bundle",
            DocumentKind::CommitSignature => "commit_sig",
        }
    }

    /// The kind called `name`.
    pub fn parse(name: &str) -> Option<DocumentKind> {
        use DocumentKind::*;
        [ProofBundle, ExportBundle, AggregateBundle, CommitSignature].into_iter().find(|kind| kind.name() == name)
    }

    /// What a document looks like, by its own members; `None` when it looks
    /// like none of the four.
    pub fn of(document: &Value) -> Option<DocumentKind> {
        if document.get("bundle").is_some_and(|inner| inner.get("export_version").is_some()) {
            return Some(DocumentKind::ExportBundle);
        }
        let document = document.get("envelope").unwrap_or(document);
        match document.text_at("envelope_type") {
            Some("proof_bundle") => return Some(DocumentKind::ProofBundle),
            Some("aggregate_bundle") => return Some(DocumentKind::AggregateBundle),
            Some(_) => return None,
            None => {}
        }
        let has = |name| document.get(name).is_some();
        match () {
            () if has("export_version") => Some(DocumentKind::ExportBundle),
            () if has("bundle_version") => Some(DocumentKind::ProofBundle),
            () if has("algo") && has("message") => Some(DocumentKind::CommitSignature),
            () => None,
        }
    }
}

/// Verifies one document. A wrapper (`{"envelope": …}`, `{"bundle": …}`) is
/// taken off first. Linear in the document, plus one signature check for each
/// signature in it; any value at all gives a verdict.
pub fn verify(document: &Value, kind: DocumentKind, options: &Options) -> Verdict {
    verify_with(document, kind, options, &KeyCache::new())
}

/// [`verify`] with keys kept from one document to the next.
pub fn verify_with(document: &Value, kind: DocumentKind, options: &Options, keys: &KeyCache) -> Verdict {
    match kind {
        DocumentKind::ProofBundle => verify_bundle(document.get("envelope").unwrap_or(document), options, keys),
        DocumentKind::ExportBundle | DocumentKind::AggregateBundle => verify_package(document, options, keys),
        DocumentKind::CommitSignature => Verdict::of(commit_signature::verify(document, keys), Vec::new(), false),
    }
}

fn verify_bundle(document: &Value, options: &Options, keys: &KeyCache) -> Verdict {
    let bare = !bundle::is_enveloped(document);
    let payload = if bare { document } else { document.get("payload").unwrap_or(document) };
    let mut found = BTreeSet::new();
    not_checked::collect(payload, &mut found);
    let outcome = bundle::verify(document, &Context::for_bundle(options, keys)).and_then(|accepted| {
        if options.strict_receipts && !bare {
            strict_layer::check(payload, &accepted.receipts, options)?;
        }
        Ok(accepted)
    });
    Verdict::of(outcome, not_checked::names(&found), bare)
}

fn verify_package(document: &Value, options: &Options, keys: &KeyCache) -> Verdict {
    let context = Context::for_package(options, keys);
    let mut found = BTreeSet::new();
    let outcome = match document.get("envelope").unwrap_or(document) {
        envelope if aggregate::is_aggregate(envelope) => {
            aggregate::proof_payloads(envelope).for_each(|payload| not_checked::collect(payload, &mut found));
            aggregate::verify(envelope, &context)
        }
        _ => {
            let export = document.get("bundle").unwrap_or(document);
            if let Some(payload) = export.at("artifacts.proof_bundle_envelope.payload") {
                not_checked::collect(payload, &mut found);
            }
            export::verify(export, &context).and_then(|accepted| {
                if options.strict_receipts {
                    strict_layer::check_nested(export, options, keys)?;
                }
                Ok(accepted)
            })
        }
    };
    Verdict::of(outcome, not_checked::names(&found), false)
}
