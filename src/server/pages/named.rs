//! `/jobs` and `/runs`: every job or run that anybody named, newest first by the
//! entry that named it first, page by page; by holders of a role, or by others.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Response;

use crate::audit::Scope;
use crate::codes::service;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses::page as address;
use crate::server::index::names::{Kept, Sort, Standing};
use crate::server::judge::AuditsError;
use crate::server::lookup::What;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::judging;
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell, number};
use crate::server::pages::states::{Outcome, Word};
use crate::server::pages::trouble::{Trouble, holds};
use crate::server::pages::{Answer, Handles, serve, words};

/// Rows of one page.
const ROWS: usize = 50;
/// Rows of a page that are judged, each by a report …
const JUDGED_MAX: usize = 6;
/// … until these rest on so many entries together.
const JUDGED_ENTRIES_MAX: usize = 2_000;
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
    /// The audit's verdict, of the first rows of a page.
    word: Option<Word>,
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
    let mut judge = Judge { reader, left: if standing == Standing::Holder { JUDGED_MAX } else { 0 }, read: 0 };
    for (at, kept) in found {
        let scope = judge.scope(sort, &kept);
        let Some(row) = row(reader, sort, standing, at, kept)? else { continue };
        rows.push(NameRow { word: judge.word(scope)?, ..row });
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

/// Judges the first rows of a page, as long as that reads a bounded number of
/// entries: a list must not wait for what its pages tell.
struct Judge<'a> {
    reader: &'a Reader,
    /// Rows that it may still judge.
    left: usize,
    /// Entries that its reports rest on.
    read: usize,
}

impl Judge<'_> {
    fn scope(&self, sort: Sort, kept: &Kept) -> Option<Scope> {
        match (sort, &kept.agent) {
            (Sort::Run, Some(agent)) => Some(Scope::Run { agent: agent.clone(), run: kept.name.clone() }),
            (Sort::Run, None) => None,
            _ => Some(Scope::Job(kept.name.clone())),
        }
    }

    fn word(&mut self, scope: Option<Scope>) -> Result<Option<Word>, Trouble> {
        let Some(scope) = scope.filter(|_| self.left > 0 && self.read < JUDGED_ENTRIES_MAX) else { return Ok(None) };
        self.left -= 1;
        let made = judging::report(self.reader, &scope, self.reader.view().size())?;
        // What was too large to judge cost as much as all of them may.
        self.read += made.as_ref().map_or(JUDGED_ENTRIES_MAX, |made| made.entries.len());
        Ok(made.ok().filter(|made| made.is_known).map(|made| Outcome::from(made.report.verdict).word()))
    }
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
        word: None,
    }))
}
