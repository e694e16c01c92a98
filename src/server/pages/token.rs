//! `/tokens/{hash}`: for which job and agent a token was issued, what ended it,
//! what was done under it. The token itself is never here.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::artifact::Kind;
use crate::audit::Scope;
use crate::codes::service;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses::page as address;
use crate::server::index::RUN_ENTRIES_MAX;
use crate::server::index::names::Sort;
use crate::server::judge::{AuditsError, ScopeReport};
use crate::server::pages::document::{Document, FactRow};
use crate::server::pages::happened::Part;
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::judging::{self, Spelling, read_digest};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Choices, Reader, Shell, segments};
use crate::server::pages::record::{Record, Sources};
use crate::server::pages::states::{Row, State as PageState};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::{Answer, Handles, offline, policy, serve, words};

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage {
    shell: Shell,
    chip: Chip,
    hash: String,
    /// Its issuance by a holder of the role: entry, facts.
    issued: Option<(u64, Vec<FactRow>)>,
    /// Entries that end it.
    ends: Vec<u64>,
    job: Option<(String, Said)>,
    agent: Option<(String, Chip)>,
    policy: Option<(Option<String>, Chip)>,
    verdicts: Verdicts,
    browser: Row,
    record: Record,
    incident: String,
    command: Option<String>,
}

const NO_PROTOCOL: &str = "Clawsig's rules judge bundles; a token is none.";

pub(super) async fn page(
    State(handles): State<Handles>,
    hash: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Response {
    serve(handles, move |reader| {
        let (text, choices) = (segments(hash)?, Choices::read(&uri)?);
        // What was given is not repeated: it may be the token itself.
        let sentence = "A token is known by its hash: 64 hex digits, the SHA-256 of its compact form.";
        let refuse = || Trouble::new(&service::SCOPE_NOT_FOUND, sentence);
        match read_digest(&text).ok_or_else(refuse)? {
            Spelling::Other(hash) => Ok(Answer::moved(&address::token(&hash.to_string()), &uri)),
            Spelling::Hex(hash) => Ok(Answer::Page(show(reader, &hash.to_string(), choices.at(reader)?)?.render()?)),
        }
    })
    .await
}

fn show(reader: &Reader, hash: &str, size: TreeSize) -> Result<TokenPage, Trouble> {
    let made = reader.sitting.report(&Scope::Token(hash.to_owned()), size)?;
    if !made.is_known {
        reader.view().check_none(size)?;
        let sentence = format!("Nobody whose word counts speaks of this token among {}.", words::entries(size.get()));
        let trouble = Trouble::new(&service::SCOPE_NOT_FOUND, sentence).about(hash);
        return Err(trouble.with_next(address::entries(Sort::Token, hash), "Entries that name it, by whomever"));
    }
    let (issued, ends) = life(reader, &made, hash)?;
    let named = (Sort::Token, hash);
    let named = reader.index.named(named, LeafIndex::new(0), size, RUN_ENTRIES_MAX).map_err(AuditsError::from)?;
    let sources = Sources { what: "token", size, made: Some(&made), named, is_strict: false, others: None };
    let record = Record::read(reader, sources)?;
    let newest = judging::newest(reader, &Scope::Token(hash.to_owned()), size)?;
    let verdicts = Verdicts::of_report(reader, &made, "token", NO_PROTOCOL)?;
    let verdicts = verdicts.pinned(reader, size, address::token(hash), newest);
    let word = verdicts.title();
    let keys = issued.as_ref().map(Document::keys).unwrap_or_default();
    let title = format!("{word} · Token {}…{}", &hash[..8], &hash[hash.len() - 8..]);
    let preview = Preview::of("Token").verdict(Ok(&verdicts)).at(size);
    Ok(TokenPage {
        shell: reader.shell(&title, &preview),
        chip: Chip::hash(hash),
        hash: hash.to_owned(),
        job: keys.job.as_deref().map(|job| (address::job(job), Said::name(job))),
        agent: keys.agent.as_deref().map(|agent| (address::agent(agent), Chip::did(agent))),
        policy: keys.policy_hash.as_deref().map(|hash| policy::named(reader, hash)).transpose()?,
        issued: issued.map(|of| (of.paper().stored.index.get(), of.facts())),
        ends,
        verdicts,
        browser: PageState::BrowserNotChecked.row(),
        record,
        incident: address::incidents(&[("token", hash)]),
        command: offline::audit(reader, &[("token", hash)]),
    })
}

/// The first issuance among what the report rests on, and revocations.
fn life(reader: &Reader, made: &ScopeReport, hash: &str) -> Result<(Option<Document>, Vec<u64>), Trouble> {
    let (mut issued, mut ends) = (None, Vec::new());
    for (at, kind) in made.entries.iter().copied() {
        if !matches!(kind, Kind::CstIssuance | Kind::CstRevocation) {
            continue;
        }
        let document = Document::read(reader, at)?;
        if document.keys().token_hash.as_deref() != Some(hash) {
            continue;
        }
        match kind {
            Kind::CstIssuance => issued = issued.or(Some(document)),
            _ => ends.push(at.get()),
        }
    }
    Ok((issued, ends))
}
