//! Entries and artifacts, read at the newest published checkpoint.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::artifact::Kind;
use crate::artifact::digest::ArtifactDigest;
use crate::codes::service;
use crate::merkle::{LeafHash, LeafIndex};
use crate::server::api::answer::{self, PRIVATE, Spelled};
use crate::server::api::problem::Problem;
use crate::server::api::proofs;
use crate::server::api::query::{self, Param, Query, Takes, segments};
use crate::server::api::wire::{EntryJson, EntryListJson};
use crate::server::index::Index;
use crate::server::log::Log;
use crate::server::log::view::{Body, LISTING_MAX, ViewError};
use crate::server::pool;

/// Entries of one page unless asked otherwise.
const LIMIT_USUAL: usize = 100;
/// Suffix of the proof's address.
const PROOF_SUFFIX: &str = ".tlog-proof";

/// Query of the listing.
pub const LIST_QUERY: &[Param] = &[
    Param { name: "after", takes: Takes::Number, required: false, meaning: "cursor: only entries above this index" },
    Param {
        name: "limit",
        takes: Takes::UpTo(LISTING_MAX),
        required: false,
        meaning: "entries of one page, 1 to 1000; usually 100",
    },
    Param { name: "kind", takes: Takes::Kind, required: false, meaning: "only entries of this kind" },
];

/// `GET /v1/entries`.
///
/// # Errors
/// `invalid_parameter`, store codes.
pub async fn list(State(log): State<Log>, State(index): State<Index>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(&uri, LIST_QUERY)?;
    let after = query.number("after")?;
    let limit = query.limit(LIMIT_USUAL, LISTING_MAX)?;
    let kind = match query.text("kind") {
        None => None,
        Some(name) => Some(Kind::parse(name).ok_or_else(|| Problem::parameter("kind", "names no kind of this log"))?),
    };
    let page = pool::read(move || {
        answer::json(&match kind {
            None => all(&log, after, limit)?,
            Some(kind) => of_kind(&log, &index, kind, after, limit)?,
        })
    });
    page.await
}

fn all(log: &Log, after: Option<u64>, limit: usize) -> Result<EntryListJson, Problem> {
    let view = log.view();
    let size = view.size().get();
    let first = after.map_or(0, |a| a.saturating_add(1)).min(size);
    let entries = view.entries(LeafIndex::new(first), limit)?;
    let last = entries.last().map(|e| e.index.get());
    Ok(EntryListJson {
        entries: entries.iter().map(EntryJson::from).collect(),
        next: last.filter(|last| last + 1 < size),
        tree_size: size,
        indexed_size: None,
    })
}

fn of_kind(log: &Log, index: &Index, kind: Kind, after: Option<u64>, limit: usize) -> Result<EntryListJson, Problem> {
    let view = log.view();
    // Read your writes, when the follower is not far behind.
    let _ = index.wait(view.size());
    let indexed = index.followed().get().min(view.size().get());
    // One more than asked for tells whether there is a next page.
    let mut found = index.kind(kind, after.map(LeafIndex::new), limit + 1).map_err(ViewError::Store)?;
    found.retain(|i| i.get() < view.size().get());
    if found.is_empty() {
        view.check_none(view.size())?;
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let entries = found.iter().map(|i| view.entry(*i)).collect::<Result<Vec<_>, _>>()?;
    if let Some(other) = entries.iter().find(|e| e.entry.kind != kind) {
        let what = format!("a search row leads to another kind at {}", other.index);
        return Err(ViewError::Unsound { what }.into());
    }
    Ok(EntryListJson {
        entries: entries.iter().map(EntryJson::from).collect(),
        next: found.last().filter(|_| more).map(|i| i.get()),
        tree_size: view.size().get(),
        indexed_size: Some(indexed),
    })
}

/// `GET /v1/entries/{index}` and `GET /v1/entries/{index}.tlog-proof`: one
/// route, since the router refuses both beside each other.
///
/// # Errors
/// `invalid_parameter`, `entry_not_found`, store codes.
pub async fn named(
    State(log): State<Log>,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = segments("index", name)?;
    let (text, is_proof) = name.strip_suffix(PROOF_SUFFIX).map_or((name.as_str(), false), |t| (t, true));
    let index = query::number(text)
        .map(LeafIndex::new)
        .ok_or_else(|| Problem::parameter("index", "must be decimal without leading zeros"))?;
    if is_proof {
        return proofs::file(log, index, &uri, &headers).await;
    }
    Query::read(&uri, &[])?;
    let entry = pool::read(move || Ok(EntryJson::from(&log.view().entry(index)?))).await?;
    answer::json(&entry)
}

/// `GET /v1/leaves/{leaf_hash}`.
///
/// # Errors
/// `invalid_parameter`, `leaf_not_found`, store codes.
pub async fn leaf(
    State(log): State<Log>,
    text: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let text = segments("leaf_hash", text)?;
    Query::read(&uri, &[])?;
    let hash = match answer::hash_in_path("leaf_hash", &text, "/v1/leaves/")? {
        Spelled::Canonical(hash) => LeafHash::new(hash),
        Spelled::Otherwise(response) => return Ok(*response),
    };
    let entry = pool::read(move || {
        let found = log.view().find_leaf(&hash)?;
        let missing =
            || Problem::new(&service::LEAF_NOT_FOUND, "no published entry has this leaf hash").at("leaf_hash");
        Ok(EntryJson::from(&found.ok_or_else(missing)?))
    });
    answer::json(&entry.await?)
}

/// `GET /v1/artifacts/{digest}`: the compact form, byte for byte.
///
/// # Errors
/// `invalid_parameter`, `artifact_not_found`, `body_withheld`, store codes.
pub async fn artifact(
    State(log): State<Log>,
    text: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let text = segments("digest", text)?;
    Query::read(&uri, &[])?;
    let hash = match answer::hash_in_path("digest", &text, "/v1/artifacts/")? {
        Spelled::Canonical(hash) => hash,
        Spelled::Otherwise(response) => return Ok(*response),
    };
    let body = pool::read(move || {
        let view = log.view();
        let found = view.find_artifact(&ArtifactDigest::from_bytes(*hash.as_bytes()))?;
        let missing =
            || Problem::new(&service::ARTIFACT_NOT_FOUND, "no published entry is about this artifact").at("digest");
        match view.body(found.first().ok_or_else(missing)?)? {
            Body::Shown(body) => Ok(body),
            Body::Withheld(by) => {
                let detail = format!("the operator withholds this body, by entry {by}");
                Err(Problem::new(&service::BODY_WITHHELD, detail))
            }
        }
    });
    let body = body.await?;
    let tag = format!("\"{}\"", hash.to_hex());
    // Withheld bodies never get here, so an old copy is confirmed only while it may be shown.
    let mut response = if is_known(&headers, &tag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
        response
    } else {
        answer::bytes(answer::JSON, PRIVATE, body)
    };
    let tag = HeaderValue::from_str(&tag).map_err(|_| Problem::internal())?;
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// Weak comparison, RFC 9110 13.1.2.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    given.flat_map(|line| line.split(',')).map(str::trim).any(|t| t == "*" || t.trim_start_matches("W/") == tag)
}
