//! What pages ask of the audit. They repeat its answer; where it gives none,
//! they say why.

use std::rc::Rc;

use crate::artifact::digest::ArtifactDigest;
use crate::audit::{Effect, Finding, Scope};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::judge::{Around, AuditsError, ScopeReport};
use crate::server::log::view::StoredEntry;
use crate::server::pages::reader::Reader;
use crate::server::pages::rows::EntryRow;
use crate::server::pages::states::{Outcome, State, Word};
use crate::server::pages::trouble::Trouble;
use crate::text::base64url;
use crate::verify::badge::{Badge, Weighed};
use crate::verify::report;
use crate::verify::verification::{AuditPart, AuditStatus, ProtocolPart, Verification};

/// Bundles of one run that a page judges; further ones are judged on their own
/// pages.
pub(super) const JUDGED_MAX: usize = 6;

/// An answer of the audit, or the state that says why there is none.
pub(super) type Judged<T> = Result<T, State>;

/// The report on a scope, for pages that show more than verdicts.
///
/// # Errors
/// Those of the view.
pub(super) fn report(reader: &Reader, scope: &Scope, size: TreeSize) -> Result<Judged<Rc<ScopeReport>>, Trouble> {
    or_state(reader.sitting.report(scope, size))
}

fn or_state<T>(made: Result<T, AuditsError>) -> Result<Judged<T>, Trouble> {
    match made {
        Ok(made) => Ok(Ok(made)),
        Err(AuditsError::Behind { .. }) => Ok(Err(State::NotJudgedYet)),
        Err(AuditsError::TooLarge { .. } | AuditsError::TooMany { .. }) => Ok(Err(State::NotJudgedHere)),
        Err(AuditsError::View(error)) => Err(error.into()),
    }
}

/// The audit's verdict on a scope at the newest size, for a page of an older one.
///
/// # Errors
/// Those of the view.
pub(super) fn newest(reader: &Reader, scope: &Scope, size: TreeSize) -> Result<Option<Word>, Trouble> {
    if size >= reader.view().size() {
        return Ok(None);
    }
    let made = report(reader, scope, reader.view().size())?;
    Ok(made.ok().map(|made| Outcome::from(made.report.verdict).word()))
}

/// The same of a logged bundle.
///
/// # Errors
/// Those of the view.
pub(super) fn newest_of(reader: &Reader, at: LeafIndex, size: TreeSize) -> Result<Option<Word>, Trouble> {
    if size >= reader.view().size() {
        return Ok(None);
    }
    let made = bundle(reader, at, reader.view().size())?;
    Ok(made.ok().map(|judged| Outcome::from(judged.audit.status).word()))
}

/// What the rules say of one entry, among what hangs together with it.
///
/// # Errors
/// Those of the view.
pub(super) fn around(reader: &Reader, at: LeafIndex, size: TreeSize) -> Result<Judged<Around>, Trouble> {
    or_state(reader.sitting.around(at, size))
}

/// Both verdicts on a logged bundle.
///
/// # Errors
/// Those of the view.
pub(super) fn bundle(reader: &Reader, bundle: LeafIndex, size: TreeSize) -> Result<Judged<Verification>, Trouble> {
    let made = or_state(reader.sitting.judge_logged(bundle, size))?;
    Ok(made.and_then(|judged| judged.ok_or(State::Withheld)))
}

/// The word of a badge for a report.
pub(super) fn badge_of_report(made: &ScopeReport, is_overdue: bool) -> Badge {
    let report = &made.report;
    badge(report.verdict.into(), None, &report.findings, (report.pending.len(), is_overdue))
}

/// … for both verdicts on a document.
pub(super) fn badge_of_document(judged: &Verification, is_overdue: bool) -> Badge {
    let AuditPart { status, findings, pending, .. } = &judged.audit;
    let protocol = judged.protocol.as_ref().map(ProtocolPart::outcome);
    badge(*status, protocol, findings, (pending.len(), is_overdue))
}

fn badge(
    audit: AuditStatus,
    protocol: Option<report::Outcome>,
    findings: &[Finding],
    (pending, is_overdue): (usize, bool),
) -> Badge {
    let count = |effect| findings.iter().filter(|finding| finding.effect == effect).count() as u64;
    let (failing, missing) = (count(Effect::Fails), count(Effect::Incomplete));
    Badge::of(&Weighed { audit, protocol, failing, missing, pending: pending as u64, is_overdue })
}

/// Bundles as rows, the first [`JUDGED_MAX`] with the verdicts on each.
///
/// # Errors
/// Those of the view.
pub(super) fn rows(
    reader: &Reader,
    claims: Vec<(EntryRow, StoredEntry)>,
    size: TreeSize,
) -> Result<Vec<EntryRow>, Trouble> {
    let mut rows = Vec::new();
    for (place, (mut row, stored)) in claims.into_iter().enumerate() {
        if place < JUDGED_MAX {
            match bundle(reader, stored.index, size)? {
                Ok(judged) => row.verdicts = words(&judged),
                Err(state) => row.note = Some(state.row().sentence),
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Both verdicts as words of a row.
pub(super) fn words(judged: &Verification) -> Vec<(&'static str, Word)> {
    let protocol = judged.protocol.as_ref().map(|part| ("Protocol", Outcome::of_protocol(part).word()));
    [Some(("Audit", Outcome::from(judged.audit.status).word())), protocol].into_iter().flatten().collect()
}

/// A digest as addresses spell it.
pub(super) enum Spelling {
    Hex(ArtifactDigest),
    Other(ArtifactDigest),
}

/// Lowercase hex is the address; upper case and the peer's base64url lead to it.
pub(super) fn read_digest(text: &str) -> Option<Spelling> {
    if let Ok(digest) = ArtifactDigest::from_hex(text) {
        return Some(Spelling::Hex(digest));
    }
    let other = ArtifactDigest::from_hex(&text.to_ascii_lowercase()).ok();
    let other = other.or_else(|| base64url::decode(text).map(ArtifactDigest::from_bytes));
    other.map(Spelling::Other)
}
