//! The protocol verdict: what the verifier of the Clawsig protocol says of a
//! `proof_bundle`, `export_bundle`, `aggregate_bundle` or commit signature
//! (JUDGING 11.2; PEERS 4). Core rules, and on top the strict
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
mod document;
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
mod unlisted;
mod urm;
mod verdict;

use std::collections::BTreeSet;

use crate::artifact::KeyCache;
use crate::artifact::json::Value;

pub use self::codes::{CODES, CodeRow, RISK_FLAGS, explain};
pub use self::config::ConfigError;
pub use self::document::{Bundle, Document, DocumentKind};
pub use self::model_identity::model_identity_tier;
pub use self::not_checked::{BLOCKS, BlockRow};
pub use self::options::Options;
pub use self::tiers::{ModelIdentityTier, ProofTier, TrustTier};
pub(crate) use self::unlisted::list_names;
pub use self::verdict::{ReceiptOutcome, Status, Verdict};

use self::options::Context;

/// Verifies one file as a document of a kind. A wrapper (`{"envelope": …}`,
/// `{"bundle": …}`) is taken off first. Linear in the document, plus one
/// signature check for each signature in it; any value at all gives a verdict.
#[must_use]
pub fn verify(file: &Value, kind: DocumentKind, options: &Options) -> Verdict {
    verify_with(&Document::read_as(file, kind), options, &KeyCache::new())
}

/// [`verify`] of a document that is unwrapped already, with keys kept from one
/// to the next.
#[must_use]
pub fn verify_with(document: &Document<'_>, options: &Options, keys: &KeyCache) -> Verdict {
    let mut verdict = judged(document, options, keys);
    unlisted::name_what_is_lacking(&mut verdict, options, |options| judged(document, options, keys));
    verdict
}

fn judged(document: &Document<'_>, options: &Options, keys: &KeyCache) -> Verdict {
    let value = document.value();
    match document.kind() {
        DocumentKind::ProofBundle => verify_bundle(value, options, keys),
        DocumentKind::ExportBundle | DocumentKind::AggregateBundle => verify_package(document, options, keys),
        DocumentKind::CommitSignature => Verdict::of(commit_signature::verify(value, keys), Vec::new(), false),
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

fn verify_package(document: &Document<'_>, options: &Options, keys: &KeyCache) -> Verdict {
    let context = Context::for_package(options, keys);
    let mut found = BTreeSet::new();
    document.bundles().iter().for_each(|bundle| not_checked::collect(bundle.payload(), &mut found));
    let outcome = match document.value() {
        aggregate if aggregate::is_aggregate(aggregate) => aggregate::verify(aggregate, &context),
        export => export::verify(export, &context).and_then(|accepted| {
            if options.strict_receipts {
                strict_layer::check_nested(export, options, keys)?;
            }
            Ok(accepted)
        }),
    };
    Verdict::of(outcome, not_checked::names(&found), false)
}
