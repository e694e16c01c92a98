//! Published checkpoints, and the policy file to open them with.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::merkle::TreeSize;
use crate::server::api::answer::{self, FRESH, Form, NO_CACHE, TEXT};
use crate::server::api::problem::Problem;
use crate::server::api::query::{self, Param, Query, Takes, segments};
use crate::server::api::wire::{CheckpointJson, CheckpointListJson};
use crate::server::log::Log;
use crate::server::pool;

/// Checkpoints of one page unless asked otherwise, and at most.
const LIMIT_USUAL: usize = 20;
const LIMIT_MAX: usize = 1_000;

/// Query of the listing.
pub const LIST_QUERY: &[Param] = &[
    Param {
        name: "after",
        takes: Takes::Number,
        required: false,
        meaning: "cursor: only checkpoints of smaller sizes",
    },
    Param {
        name: "limit",
        takes: Takes::UpTo(LIMIT_MAX),
        required: false,
        meaning: "checkpoints of one page, 1 to 1000; usually 20",
    },
];

/// `GET /checkpoint`: the newest signed note, byte for byte, whatever the query
/// says: caches and readers add theirs.
pub async fn newest(State(log): State<Log>) -> Response {
    answer::bytes(TEXT, FRESH, log.published().note.to_vec())
}

/// `GET /v1/checkpoints`, newest first.
///
/// # Errors
/// `invalid_parameter`, store codes.
pub async fn list(State(log): State<Log>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(&uri, LIST_QUERY)?;
    let below = query.number("after")?.map(TreeSize::new);
    let limit = query.limit(LIMIT_USUAL, LIMIT_MAX)?;
    let page = pool::read(move || {
        let mut found = log.view().checkpoints(below, limit + 1)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(head, _)| head.size.get());
        let checkpoints = found.iter().map(|(head, note)| CheckpointJson::new(*head, note)).collect();
        answer::json(&CheckpointListJson { checkpoints, next })
    });
    page.await
}

/// `GET /v1/checkpoints/{size}`.
///
/// # Errors
/// `invalid_parameter`, `size_not_published`, store codes.
pub async fn of_size(
    State(log): State<Log>,
    text: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let text = segments("size", text)?;
    Query::read(&uri, &[])?;
    let size = query::number(&text)
        .map(TreeSize::new)
        .ok_or_else(|| Problem::parameter("size", "must be decimal without leading zeros"))?;
    let form = answer::negotiate(&headers, Form::Json);
    let response = pool::read(move || {
        let (head, note) = log.view().checkpoint(size)?;
        match form {
            Form::Text => Ok(answer::bytes(TEXT, NO_CACHE, note.as_bytes().to_vec())),
            Form::Json => answer::json(&CheckpointJson::new(head, &note)),
        }
    });
    Ok(answer::varied(response.await?))
}

/// `GET /v1/trust-policy`: a start, to be compared by another channel.
///
/// # Errors
/// `invalid_parameter`.
pub async fn trust_policy(State(log): State<Log>, uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let policy = format!(
        "# Trust policy (c2sp.org/tlog-policy) with this log's key as this server states it.\n\
         # Compare the key with one from another channel before you rely on it.\n{}",
        log.policy()
    );
    Ok(answer::bytes(TEXT, NO_CACHE, policy))
}
