//! `/entries/{index}`: what is it, who signed it, who submitted it, is it in
//! the log.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::artifact::Kind;
use crate::audit::Link;
use crate::codes::service;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses::page;
use crate::server::desk::Paper;
use crate::server::judge::AuditsError;
use crate::server::log::view::StoredEntry;
use crate::server::pages::app::acts;
use crate::server::pages::document::{self, Document, FactRow, Member, Raw};
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::offline::Offline;
use crate::server::pages::proof::Inclusion;
use crate::server::pages::reader::{Choices, Reader, Shell, segments};
use crate::server::pages::states::{Row, State as PageState};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::{Answer, Handles, serve, words};
use crate::text::hex;

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage {
    shell: Shell,
    title: &'static str,
    kind: &'static str,
    index: u64,
    signer: Option<Chip>,
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
    /// Page of the application that it names.
    app: Option<(String, Said)>,
    runs: Vec<RunLink>,
    browser: Row,
    judged: Row,
    withheld: Option<Row>,
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

/// A run that the entry names.
struct RunLink {
    href: String,
    run: Said,
}

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
    let is_run = matches!(kind, Kind::TrustPulse | Kind::ProofBundle);
    let description = format!(
        "{}, entry {index} of {}. Position proven against a signed checkpoint.",
        kind.title(),
        words::entries(size.get()),
    );
    Ok(EntryPage {
        shell: reader.shell(&format!("Entry {index} · {}", kind.title()), description),
        title: kind.title(),
        kind: kind.name(),
        index,
        signer: document::signer(stored),
        submitter: Said::name(stored.entry.submitter.as_str()),
        logged: When::millisecond(stored.entry.logged_at.unix_ms()),
        leaf_hash: stored.leaf_hash.to_string(),
        speaker: speaker.label(),
        speaker_sentence: speaker.sentence(),
        speaker_class: speaker.class(),
        facts: document.facts(),
        bundle_href: (kind == Kind::ProofBundle).then(|| page::bundle(&digest)),
        pulse_href: (kind == Kind::TrustPulse).then(|| page::pulse(&digest)),
        app: app_link(reader, document.paper())?,
        runs: run_links(keys.agent.as_deref(), &keys.runs),
        browser: PageState::BrowserNotChecked.row(),
        judged: if is_run { PageState::JudgedElsewhere.row() } else { PageState::NotApplicable.row() },
        withheld: document.is_withheld().then(|| PageState::Withheld.row()),
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

/// The page of the application that an entry names; none where nobody whose
/// word counts speaks of it.
fn app_link(reader: &Reader, paper: &Paper) -> Result<Option<(String, Said)>, Trouble> {
    let Some(app) = acts::app_of(paper) else { return Ok(None) };
    let filed = reader.index.linked(&Link::app(&app), reader.view().size(), 1).map_err(AuditsError::from)?;
    Ok((!filed.is_empty()).then(|| (page::app(&app), Said::name(&app))))
}

/// A run is known by agent and id; an entry that names no agent has no page of
/// its own to link to.
fn run_links(agent: Option<&str>, runs: &[String]) -> Vec<RunLink> {
    let Some(agent) = agent else { return Vec::new() };
    runs.iter().map(|run| RunLink { href: page::run(agent, run), run: Said::name(run) }).collect()
}
