//! `/tickets/{system}/{key}`: what belongs to a change, whether it holds, and
//! whether something is linked that does not belong. The key is text, never a
//! link out.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::artifact::Kind;
use crate::audit::Scope;
use crate::codes::service;
use crate::merkle::LeafIndex;
use crate::server::addresses::page as address;
use crate::server::index::names::{Sort, Standing, change};
use crate::server::judge::AuditsError;
use crate::server::log::view::StoredEntry;
use crate::server::pages::inline::Said;
use crate::server::pages::judging;
use crate::server::pages::party::Party;
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell, segments};
use crate::server::pages::record::{STRANGER, summary, ticket};
use crate::server::pages::rows::EntryRow;
use crate::server::pages::states::{Outcome, Word};
use crate::server::pages::trouble::{Trouble, holds};
use crate::server::pages::{Answer, Handles, serve, words};

/// Entries that are read, and jobs that are judged; the rest is linked.
const READ_MAX: usize = 100;
const JOBS_MAX: usize = 6;

#[derive(Template)]
#[template(path = "ticket.html")]
struct TicketPage {
    shell: Shell,
    system: Said,
    key: Said,
    holds: String,
    jobs: Vec<JobRow>,
    bundles: Vec<EntryRow>,
    rows: Vec<EntryRow>,
    others: Vec<EntryRow>,
    /// How many entries this page read, where there are more.
    read: Option<String>,
    all_href: String,
}

struct JobRow {
    href: String,
    job: Said,
    /// Its verdict, or why there is none.
    word: Option<Word>,
    /// Tickets that it names beside this one, and where.
    unlike: Vec<(Said, u64)>,
}

pub(super) async fn page(
    State(handles): State<Handles>,
    named: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    serve(handles, move |reader| {
        let (system, key) = segments(named)?;
        Ok(Answer::Page(show(reader, &system, &key)?.render()?))
    })
    .await
}

fn show(reader: &Reader, system: &str, key: &str) -> Result<TicketPage, Trouble> {
    let size = reader.view().size();
    if !reader.index.wait(size) {
        return Err(AuditsError::Behind { followed: reader.index.followed(), size }.into());
    }
    let name = format!("{system}/{key}");
    let found = reader.index.named((Sort::Ticket, &name), LeafIndex::new(0), size, READ_MAX + 1);
    let mut found = found.map_err(AuditsError::from)?;
    let has_more = found.len() > READ_MAX;
    found.truncate(READ_MAX);
    let (mut rows, mut others, mut bundles): (Vec<EntryRow>, Vec<EntryRow>, Vec<(EntryRow, StoredEntry)>) =
        (vec![], vec![], vec![]);
    let mut jobs: Vec<String> = Vec::new();
    for at in found {
        let paper = reader.desk().read(at)?;
        let named = paper.payload().map(|payload| change(paper.stored.entry.kind, payload));
        if named != Some((Some(system), Some(key))) {
            continue;
        }
        let party = Party::of_row(reader, &paper)?;
        let mut row = EntryRow { names: summary(&paper), party, ..EntryRow::new(&paper.stored) };
        if reader.index.standing(at).map_err(AuditsError::from)? == Standing::Other {
            row.set_aside(STRANGER);
            others.push(row);
            continue;
        }
        jobs.extend(paper.keys().job.filter(|job| !jobs.contains(job)));
        match paper.stored.entry.kind {
            Kind::ProofBundle => {
                let href = address::bundle(paper.stored.entry.digest);
                bundles.push((EntryRow { href, ..row.with_digest(&paper.stored) }, paper.stored.clone()));
            }
            _ => rows.push(row),
        }
    }
    if rows.is_empty() && others.is_empty() && bundles.is_empty() {
        reader.view().check_none(size)?;
        let sentence = format!("No entry among {} names this ticket.", words::entries(size.get()));
        let trouble = Trouble::new(&service::SCOPE_NOT_FOUND, sentence).about(&name);
        return Err(trouble.with_next(address::search(key), "Search for the key alone"));
    }
    let judged = jobs.iter().enumerate().map(|(place, job)| JobRow::new(reader, job, (system, key), place < JOBS_MAX));
    Ok(TicketPage {
        shell: reader.shell("Ticket", &Preview::of("Change ticket")),
        system: Said::name(system),
        key: Said::name(key),
        holds: holds(size),
        jobs: judged.collect::<Result<_, _>>()?,
        bundles: judging::rows(reader, bundles, size)?,
        rows,
        others,
        read: has_more.then(|| words::entries(READ_MAX as u64)),
        all_href: address::entries(Sort::Ticket, &name),
    })
}

impl JobRow {
    /// A job that a holder of a role ties to the ticket.
    fn new(reader: &Reader, job: &str, (system, key): (&str, &str), is_judged: bool) -> Result<Self, Trouble> {
        let size = reader.view().size();
        let (mut word, mut unlike, mut seen) = (None, Vec::new(), BTreeSet::new());
        if is_judged && let Ok(made) = judging::report(reader, &Scope::Job(job.to_owned()), size)? {
            word = Some(Outcome::from(made.report.verdict).word());
            for (at, kind) in made.told().filter(|(_, kind)| kind.row().about.change.is_some()) {
                let paper = reader.desk().read(at)?;
                let Some(payload) = paper.payload().filter(|_| paper.keys().job.as_deref() == Some(job)) else {
                    continue;
                };
                let is_this = change(kind, payload) == (Some(system), Some(key));
                let other = ticket(kind, payload).filter(|other| !is_this && seen.insert(other.clone()));
                unlike.extend(other.map(|other| (Said::name(&other), at.get())));
            }
        }
        Ok(Self { href: address::job(job), job: Said::name(job), word, unlike })
    }
}
