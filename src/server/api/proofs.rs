//! Inclusion and consistency proofs at any published size, as JSON or as the
//! C2SP text ([tlog-proof](https://c2sp.org/tlog-proof), and the body of a
//! witness `add-checkpoint` request for consistency).

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::codes::service;
use crate::merkle::{Hash, LeafIndex, TreeSize};
use crate::receipt::tlog_proof;
use crate::server::api::answer::{self, Form, NO_CACHE, TEXT};
use crate::server::api::problem::Problem;
use crate::server::api::query::{Param, Query, Takes};
use crate::server::api::wire::{self, ConsistencyJson, InclusionJson};
use crate::server::log::Log;
use crate::server::pool;

const SIZE: Param = Param {
    name: "size",
    takes: Takes::Size,
    required: false,
    meaning: "a published tree size; the newest when absent",
};

/// Query of `{index}.tlog-proof`.
pub const FILE_QUERY: &[Param] = &[SIZE];
/// Query of the inclusion proof.
pub const INCLUSION_QUERY: &[Param] =
    &[Param { name: "index", takes: Takes::Number, required: true, meaning: "leaf index, below size" }, SIZE];
/// Query of the consistency proof.
pub const CONSISTENCY_QUERY: &[Param] = &[
    Param {
        name: "from",
        takes: Takes::Number,
        required: true,
        meaning: "older published size; 0 for who knows none yet",
    },
    Param {
        name: "to",
        takes: Takes::Number,
        required: false,
        meaning: "newer published size; the newest when absent",
    },
];

/// `GET /v1/entries/{index}.tlog-proof`: the text unless JSON is asked for.
///
/// # Errors
/// As [`inclusion`].
pub async fn file(log: Log, index: LeafIndex, uri: &Uri, headers: &HeaderMap) -> Result<Response, Problem> {
    let query = Query::read(uri, FILE_QUERY)?;
    prove(log, index, &query, answer::negotiate(headers, Form::Text)).await
}

/// `GET /v1/proofs/inclusion`.
///
/// # Errors
/// `invalid_parameter`, `size_zero`, `size_not_published`, `entry_not_found`, store codes.
pub async fn inclusion(State(log): State<Log>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let query = Query::read(&uri, INCLUSION_QUERY)?;
    // Required, so present.
    let index = query.number("index")?.unwrap_or_default();
    prove(log, LeafIndex::new(index), &query, answer::negotiate(&headers, Form::Json)).await
}

async fn prove(log: Log, index: LeafIndex, query: &Query, form: Form) -> Result<Response, Problem> {
    let size = size_of(query, "size")?;
    let response = pool::read(move || {
        let view = log.view();
        let proof = view.inclusion(index, size)?;
        match form {
            Form::Text => Ok(answer::bytes(TEXT, NO_CACHE, tlog_proof::encode(&proof))),
            Form::Json => {
                let (head, _) = view.checkpoint(size.unwrap_or(view.size()))?;
                answer::json(&InclusionJson::new(&proof, head))
            }
        }
    });
    Ok(answer::varied(response.await?))
}

/// `GET /v1/proofs/consistency`.
///
/// # Errors
/// `invalid_parameter`, `sizes_swapped`, `size_not_published`, store codes.
pub async fn consistency(State(log): State<Log>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let query = Query::read(&uri, CONSISTENCY_QUERY)?;
    // Required, so present. From the empty tree nothing has to be proven, and a
    // witness that knows no checkpoint yet asks just that.
    let from = TreeSize::new(query.number("from")?.unwrap_or_default());
    let to = query.number("to")?.map(TreeSize::new);
    let form = answer::negotiate(&headers, Form::Json);
    let response = pool::read(move || {
        let view = log.view();
        let file = view.consistency(from, to)?;
        if form == Form::Text {
            return Ok(answer::bytes(TEXT, NO_CACHE, file.encode()));
        }
        let (old, _) = view.checkpoint(from)?;
        let (new, _) = view.checkpoint(to.unwrap_or(view.size()))?;
        answer::json(&ConsistencyJson {
            from: from.get(),
            to: new.size.get(),
            from_root: wire::root(old.root),
            to_root: wire::root(new.root),
            path: file.path.iter().map(Hash::to_hex).collect(),
            checkpoint: wire::text(&file.checkpoint),
        })
    });
    Ok(answer::varied(response.await?))
}

/// Nothing is in the empty tree: there is no entry to prove.
fn size_of(query: &Query, name: &'static str) -> Result<Option<TreeSize>, Problem> {
    match query.number(name)? {
        Some(0) => Err(Problem::new(&service::SIZE_ZERO, format!("{name}: must be at least 1")).at(name)),
        size => Ok(size.map(TreeSize::new)),
    }
}
