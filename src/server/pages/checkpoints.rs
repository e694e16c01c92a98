//! `/checkpoints`: what was signed when, newest first; `/checkpoints/{size}`: one
//! of them, and a way to compare it with another.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::Uri;
use axum::response::Response;

use crate::codes::service;
use crate::merkle::TreeSize;
use crate::server::addresses::page as address;
use crate::server::pages::card::Card;
use crate::server::pages::inline::{Chip, When};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Reader, Shell, number, segments};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::{Answer, Handles, serve, words};

/// Rows of one page.
const ROWS: usize = 50;
/// Sizes that a list offers.
const OFFERED: usize = 40;

#[derive(Template)]
#[template(path = "checkpoints.html")]
struct CheckpointsPage {
    shell: Shell,
    rows: Vec<CheckpointRow>,
    reach: String,
    is_first: bool,
    next: Option<String>,
}

struct CheckpointRow {
    size: u64,
    href: String,
    entries: String,
    /// Entries since the one before.
    grown: Option<(String, String)>,
    logged: Option<When>,
    root: Chip,
    signatures: String,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    #[serde(default)]
    before: String,
}

pub(super) async fn list(State(handles): State<Handles>, uri: Uri) -> Response {
    serve(handles, move |reader| {
        let refuse = |_| Trouble::new(&service::QUERY_NOT_UNDERSTOOD, "before may be given once.");
        let Query(asked): Query<Asked> = Query::try_from_uri(&uri).map_err(refuse)?;
        let before = number("before", Some(asked.before.as_str()).filter(|text| !text.is_empty()))?;
        Ok(Answer::Page(rows(reader, before.map(TreeSize::new))?.render()?))
    })
    .await
}

fn rows(reader: &Reader, before: Option<TreeSize>) -> Result<CheckpointsPage, Trouble> {
    let found = reader.view().checkpoints(before, ROWS + 1)?;
    let mut rows = Vec::with_capacity(ROWS);
    for (place, (head, note)) in found.iter().take(ROWS).enumerate() {
        let older = found.get(place + 1).map(|(older, _)| older.size);
        let grown = older.map(|older| {
            let more = words::counted(head.size.get() - older.get(), "entry", "entries");
            (address::tree(older, head.size), format!("{more} more than the one before"))
        });
        rows.push(CheckpointRow {
            size: head.size.get(),
            href: address::checkpoint(head.size),
            entries: words::entries(head.size.get()),
            grown,
            logged: reader.as_of(head.size).map(When::second),
            root: Chip::hash(&head.root.to_string()),
            signatures: words::counted(note.signatures().len() as u64, "signature", "signatures"),
        });
    }
    let newest = words::entries(reader.view().size().get());
    let reach = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => {
            format!("Of {} down to {}; the newest is of {newest}.", first.entries, last.entries)
        }
        _ => format!("None is older; the newest is of {newest}."),
    };
    Ok(CheckpointsPage {
        shell: reader.shell("Checkpoints", &Preview::of("Signed checkpoints")),
        next: (found.len() > ROWS)
            .then(|| rows.last().map(|row| format!("/checkpoints?before={}", row.size)))
            .flatten(),
        rows,
        reach,
        is_first: before.is_none(),
    })
}

#[derive(Template)]
#[template(path = "checkpoint.html")]
struct CheckpointPage {
    shell: Shell,
    card: Card,
    /// Sizes to compare it with.
    sizes: Vec<(u64, String)>,
    older: Option<(String, String)>,
    newer: Option<(String, String)>,
}

pub(super) async fn page(State(handles): State<Handles>, size: Result<Path<String>, PathRejection>) -> Response {
    serve(handles, move |reader| {
        let text = segments(size)?;
        let size = number("size", Some(&text))?.map_or(TreeSize::ZERO, TreeSize::new);
        Ok(Answer::Page(show(reader, size)?.render()?))
    })
    .await
}

fn show(reader: &Reader, size: TreeSize) -> Result<CheckpointPage, Trouble> {
    let view = reader.view();
    let (head, note) = view.checkpoint(size)?;
    let newest = view.checkpoints(None, OFFERED)?;
    let older = view.checkpoints(Some(size), OFFERED)?;
    let mut sizes: Vec<TreeSize> = newest.iter().chain(&older).map(|(head, _)| head.size).collect();
    sizes.retain(|other| *other != size);
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    let link = |size: TreeSize| (address::checkpoint(size), words::entries(size.get()));
    let next = match view.checkpoint(TreeSize::new(size.get().saturating_add(1))) {
        Ok((head, _)) => Some(head.size),
        Err(crate::server::log::view::ViewError::NotPublished { next, .. }) => next,
        Err(_) if size == view.size() => None,
        Err(error) => return Err(error.into()),
    };
    let entries = words::entries(size.get());
    Ok(CheckpointPage {
        shell: reader.shell(&format!("Checkpoint of {entries}"), &Preview::of("Signed checkpoint").at(size)).at(
            reader,
            &address::checkpoint(size),
            None,
        ),
        card: Card::new(reader, &head, &note),
        sizes: sizes.into_iter().map(|size| (size.get(), words::entries(size.get()))).collect(),
        older: older.first().map(|(head, _)| link(head.size)),
        newer: next.map(link),
    })
}
