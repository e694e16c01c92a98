//! `/entries/{index}`: what is it, who signed it, who submitted it, what do the
//! rules say of it, is it in the log.

mod belongs;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use std::borrow::Cow;

use crate::artifact::Kind;
use crate::audit::{Effect, Finding, in_reading_order};
use crate::codes::service;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses::page;
use crate::server::judge::Around;
use crate::server::log::view::StoredEntry;
use crate::server::pages::document::{self, Document, FactRow, Member, Raw};
use crate::server::pages::entry::belongs::Belongs;
use crate::server::pages::finding::{Card, Entries};
use crate::server::pages::inline::{Said, When};
use crate::server::pages::judging::{self, Judged};
use crate::server::pages::offline::Offline;
use crate::server::pages::party::Party;
use crate::server::pages::preview::Preview;
use crate::server::pages::proof::Inclusion;
use crate::server::pages::reader::{Choices, Reader, Shell, segments};
use crate::server::pages::states::{Row, State as PageState};
use crate::server::pages::titles::Title;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::withheld::{Withheld, Withholds};
use crate::server::pages::{Answer, Handles, serve, words};
use crate::text::hex;

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage {
    shell: Shell,
    title: Title,
    kind_title: &'static str,
    kind: &'static str,
    index: u64,
    signer: Option<Party>,
    submitter: Said,
    logged: When,
    digest: String,
    leaf_hash: String,
    speaker: &'static str,
    speaker_sentence: &'static str,
    speaker_class: &'static str,
    facts: Vec<FactRow>,
    pulse_href: Option<String>,
    bundle_href: Option<String>,
    belongs: Belongs,
    findings: Vec<Card>,
    /// Findings of others that it only shows: code, title, entries that cause it.
    shows: Vec<ShownRow>,
    shows_left: Option<String>,
    browser: Row,
    judged: Row,
    withheld: Option<Withheld>,
    withholds: Option<Withholds>,
    inclusion: Inclusion,
    same_statement: Vec<u64>,
    offline: Offline,
    raw: Option<Raw>,
    members: Vec<Member>,
    entry_hex: String,
    entry_bytes: String,
    previous: Option<u64>,
    next: Option<u64>,
}

/// A finding that others cause.
struct ShownRow {
    code: &'static str,
    title: Cow<'static, str>,
    causes: Entries,
}

/// Findings of one page; the rest is counted.
const FINDINGS_MAX: usize = 20;

pub(super) async fn page(
    State(handles): State<Handles>,
    index: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Response {
    serve(handles, move |reader| {
        let (index, choices) = (segments(index)?, Choices::read(&uri)?);
        let index = LeafIndex::parse(&index).map_err(|_| {
            Trouble::new(&service::ENTRY_NOT_FOUND, "An entry has a number, counted from 0.").about(&index)
        })?;
        let stored = reader.view().entry(index)?;
        let size = choices.size()?.unwrap_or(reader.view().size());
        Ok(Answer::Page(entry(reader, &stored, size)?.render()?))
    })
    .await
}

fn entry(reader: &Reader, stored: &StoredEntry, size: TreeSize) -> Result<EntryPage, Trouble> {
    let document = Document::read(reader, stored.index)?;
    let inclusion = Inclusion::new(reader, stored, size)?;
    let same_statement = reader.desk().same_statement(document.paper())?;
    let (kind, index) = (stored.entry.kind, stored.index.get());
    let speaker = words::speaker(kind, stored.entry.signer.as_ref(), Some(&reader.facts.operator));
    let keys = document.keys();
    let digest = stored.entry.digest.to_string();
    let around = judging::around(reader, stored.index, reader.view().size())?;
    let judged = state(kind, &around);
    let (cards, shows, shows_left) = match &around {
        Ok(around) => found(reader, around)?,
        Err(_) => (Vec::new(), Vec::new(), None),
    };
    let title = Title::of(document.paper());
    let preview = Preview::of(kind.title()).digest(&stored.entry.digest).state(judged.label);
    Ok(EntryPage {
        shell: reader
            .shell(&format!("{} · {} · entry {index}", judged.label, title.nameless()), &preview)
            .about(&digest)
            .at(reader, &page::entry(index), None),
        belongs: Belongs::read(reader, &document, around.as_ref().ok())?,
        title,
        kind_title: kind.title(),
        kind: kind.name(),
        index,
        signer: Party::signer(reader, stored, &keys)?,
        submitter: Said::name(stored.entry.submitter.as_str()),
        logged: When::millisecond(stored.entry.logged_at.unix_ms()),
        leaf_hash: stored.leaf_hash.to_string(),
        speaker: speaker.label(),
        speaker_sentence: speaker.sentence(),
        speaker_class: speaker.class(),
        facts: document.facts(),
        bundle_href: (kind == Kind::ProofBundle).then(|| page::bundle(&digest)),
        pulse_href: (kind == Kind::TrustPulse).then(|| page::pulse(&digest)),
        findings: cards,
        shows,
        shows_left,
        browser: PageState::BrowserNotChecked.row(),
        judged,
        withheld: Withheld::of(reader, &document)?,
        withholds: Withholds::of(reader, document.paper())?,
        same_statement: same_statement.into_iter().map(LeafIndex::get).collect(),
        offline: Offline::new(reader, stored, size, None),
        raw: document.raw(),
        members: document::members(stored),
        entry_hex: hex::encode(&stored.bytes),
        entry_bytes: words::counted(stored.bytes.len() as u64, "byte", "bytes"),
        previous: index.checked_sub(1),
        next: (index + 1 < reader.view().size().get()).then_some(index + 1),
        digest,
        inclusion,
    })
}

/// What the rules say of it, in a word.
fn state(kind: Kind, around: &Judged<Around>) -> Row {
    let around = match around {
        Ok(around) => around,
        Err(state) => return state.row(),
    };
    let state = match around.worst() {
        Some(Effect::Fails) => PageState::Breaks,
        Some(Effect::Incomplete) => PageState::Open,
        Some(Effect::Shown) => PageState::Noted,
        None if !around.findings.is_empty() => PageState::Witness,
        None if kind == Kind::AuditRoots => PageState::NotApplicable,
        None if matches!(kind, Kind::TrustPulse | Kind::ProofBundle) => PageState::JudgedElsewhere,
        None => PageState::Unmarked,
    };
    state.row()
}

/// What it causes in cards, what it only shows in lines, and how many more there are.
type Found = (Vec<Card>, Vec<ShownRow>, Option<String>);

fn found(reader: &Reader, around: &Around) -> Result<Found, Trouble> {
    let (caused, shown) = around.findings.split_at(around.caused);
    let (cards, told) = Card::all(reader, &in_reading_order(caused), FINDINGS_MAX)?;
    let row = |finding: &Finding| ShownRow {
        code: finding.rule.code,
        title: finding.words().title,
        causes: Entries::new(&finding.causes),
    };
    let left = (caused.len() - told + shown.len().saturating_sub(FINDINGS_MAX)) as u64;
    let left = (left > 0).then(|| words::counted(left, "more finding rests", "more findings rest"));
    Ok((cards, shown.iter().take(FINDINGS_MAX).map(row).collect(), left))
}
