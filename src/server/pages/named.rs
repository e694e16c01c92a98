//! `/jobs` and `/runs`: every job or run that anybody named, newest first by the
//! entry that named it first, page by page; by holders of a role, or by others.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Response;

use crate::codes::service;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses::page as address;
use crate::server::index::names::{Kept, Sort, Standing};
use crate::server::judge::AuditsError;
use crate::server::lookup::What;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell, number};
use crate::server::pages::trouble::{Trouble, holds};
use crate::server::pages::{Answer, Handles, serve, words};

/// Rows of one page.
const ROWS: usize = 50;
/// Names that one entry may bring: a page ends between two entries.
const NAMES_OF_ONE_MAX: usize = 1_100;

#[derive(Template)]
#[template(path = "named.html")]
struct NamedPage {
    shell: Shell,
    title: &'static str,
    what: &'static str,
    holds: String,
    behind: Option<String>,
    by_others: bool,
    rows: Vec<NameRow>,
    path: &'static str,
    is_first: bool,
    first: String,
    next: Option<String>,
}

struct NameRow {
    index: u64,
    href: String,
    name: Said,
    agent: Option<Chip>,
    logged: When,
    newest: u64,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    #[serde(default)]
    by: String,
    #[serde(default)]
    before: String,
}

pub(super) async fn jobs(State(handles): State<Handles>, uri: Uri) -> Response {
    list(handles, uri, Sort::Job).await
}

pub(super) async fn runs(State(handles): State<Handles>, uri: Uri) -> Response {
    list(handles, uri, Sort::Run).await
}

async fn list(handles: Handles, uri: Uri, sort: Sort) -> Response {
    serve(handles, move |reader| {
        let refuse = |_| Trouble::new(&service::QUERY_NOT_UNDERSTOOD, "Each of by and before may be given once.");
        let Query(asked): Query<Asked> = Query::try_from_uri(&uri).map_err(refuse)?;
        let standing = match asked.by.as_str() {
            "" | "holders" => Standing::Holder,
            "others" => Standing::Other,
            other => {
                let sentence = "by: is holders or others.";
                return Err(Trouble::new(&service::INVALID_PARAMETER, sentence).about(other));
            }
        };
        let before = number("before", Some(asked.before.as_str()).filter(|text| !text.is_empty()))?;
        Ok(Answer::Page(show(reader, sort, standing, before.map(TreeSize::new))?.render()?))
    })
    .await
}

fn show(reader: &Reader, sort: Sort, standing: Standing, before: Option<TreeSize>) -> Result<NamedPage, Trouble> {
    let size = reader.view().size();
    let is_whole = reader.index.wait(size);
    let reached = if is_whole { size } else { reader.index.followed().min(size) };
    let below = before.map_or(reached, |before| before.min(reached));
    let mut found = reader.index.firsts((sort, standing), below, ROWS + NAMES_OF_ONE_MAX).map_err(AuditsError::from)?;
    let next = found.get(ROWS).map(|(at, _)| *at);
    // A page ends between two entries, so that a cursor leaves out no name.
    let end = next.map_or(found.len(), |at| match found.iter().position(|(of, _)| *of == at) {
        None | Some(0) => found.len(),
        Some(end) => end,
    });
    let next = found.get(end).map(|(at, _)| TreeSize::new(at.get() + 1));
    found.truncate(end);
    let mut rows = Vec::with_capacity(found.len());
    for (at, kept) in found {
        rows.extend(row(reader, sort, standing, at, kept)?);
    }
    let (title, what, path) = match sort {
        Sort::Run => ("Runs", "run", "/runs"),
        _ => ("Jobs", "job", "/jobs"),
    };
    let by_others = standing == Standing::Other;
    let first = if by_others { format!("{path}?by=others") } else { path.to_owned() };
    let join = if by_others { '&' } else { '?' };
    Ok(NamedPage {
        shell: reader.shell(title, &Preview::of(title)),
        title,
        what,
        holds: holds(size),
        behind: (!is_whole).then(|| {
            format!("The index has read {} so far; newer ones are not in this list.", words::entries(reached.get()))
        }),
        by_others,
        rows,
        path,
        is_first: before.is_none(),
        next: next.map(|next| format!("{first}{join}before={next}")),
        first,
    })
}

/// One name; none for a run whose agent another row tells.
fn row(reader: &Reader, sort: Sort, standing: Standing, at: LeafIndex, kept: Kept) -> Result<Option<NameRow>, Trouble> {
    let index = &reader.index;
    if sort == Sort::Run && kept.agent.is_none() {
        let of_run = format!("{}\0", kept.name);
        let same = index.whole((sort, standing), &of_run, 2).map_err(AuditsError::from)?;
        if same.iter().any(|other| other.agent.is_some()) {
            return Ok(None);
        }
    }
    let size = reader.view().size();
    let newest = index.newest_named((sort, &kept.name), size, 1).map_err(AuditsError::from)?;
    let stored = reader.view().entry(at)?;
    let agent = kept.agent.as_deref().map(Chip::did);
    let name = Said::name(&kept.name);
    let what = What::Named { sort, name: kept.name, of: kept.agent };
    Ok(Some(NameRow {
        index: at.get(),
        href: address::found(&what, standing, Some(at)),
        name,
        agent,
        logged: When::second(stored.entry.logged_at.unix_ms()),
        newest: newest.first().map_or(at.get(), |newest| newest.get()),
    }))
}
