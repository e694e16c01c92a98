//! `/tree?from=&to=`: whether one checkpoint extends another, what both share
//! and what is new, drawn and to compare by eye. `size` and `with` name the two
//! in any order.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Response;

use crate::codes::service;
use crate::merkle::TreeSize;
use crate::server::addresses::{self, page as address};
use crate::server::pages::card::Card;
use crate::server::pages::preview::Preview;
use crate::server::pages::proof::Consistency;
use crate::server::pages::reader::{Reader, Shell, number};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::{Answer, Handles, serve, words};

#[derive(Template)]
#[template(path = "tree.html")]
struct TreePage {
    shell: Shell,
    consistency: Consistency,
    newer_card: Card,
    file: String,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    size: String,
    #[serde(default)]
    with: String,
}

pub(super) async fn page(State(handles): State<Handles>, uri: Uri) -> Response {
    serve(handles, move |reader| {
        let sentence = "Each of from and to, or of size and with, may be given once.";
        let refuse = |_| Trouble::new(&service::QUERY_NOT_UNDERSTOOD, sentence);
        let Query(asked): Query<Asked> = Query::try_from_uri(&uri).map_err(refuse)?;
        let size = |field: &str, text: &str| -> Result<Option<TreeSize>, Trouble> {
            Ok(number(field, Some(text).filter(|text| !text.is_empty()))?.map(TreeSize::new))
        };
        if let (Some(one), Some(other)) = (size("size", &asked.size)?, size("with", &asked.with)?) {
            return Ok(Answer::Found(address::tree(one.min(other), one.max(other))));
        }
        let to = size("to", &asked.to)?.unwrap_or(reader.view().size());
        let from = match size("from", &asked.from)? {
            Some(from) => from,
            None => reader.view().checkpoints(Some(to), 1)?.first().map_or(TreeSize::ZERO, |(head, _)| head.size),
        };
        if from > to {
            let sentence = format!("The older size {from} is larger than the newer size {to}.");
            let trouble = Trouble::new(&service::SIZES_SWAPPED, sentence);
            return Err(trouble.with_next(address::tree(to, from), "Swap the two sizes"));
        }
        Ok(Answer::Page(show(reader, from, to)?.render()?))
    })
    .await
}

fn show(reader: &Reader, from: TreeSize, to: TreeSize) -> Result<TreePage, Trouble> {
    let consistency = Consistency::new(reader, from, to)?;
    let (head, note) = reader.view().checkpoint(to)?;
    let title = format!("From {} to {}", words::quantity(from.get()), words::entries(to.get()));
    Ok(TreePage {
        shell: reader.shell(&title, &Preview::of("How the log grew")),
        consistency,
        newer_card: Card::new(reader, &head, &note),
        file: addresses::consistency(from, to),
    })
}
