//! Search by name or hash.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::server::api::answer;
use crate::server::api::problem::Problem;
use crate::server::api::query::{Param, Query, Takes};
use crate::server::api::wire::audited::LookupJson;
use crate::server::desk::Desks;
use crate::server::index::Index;
use crate::server::lookup::{self, Asked, QUERY_BYTES_MAX};
use crate::server::pool;

/// Query of the search.
pub const LOOKUP_QUERY: &[Param] = &[Param {
    name: "q",
    takes: Takes::Text(QUERY_BYTES_MAX),
    required: true,
    meaning: "a hash in hex, base64url or shortened (`8…8`), a DID, an id, a name, a ticket, a commit, a code or an index, or the beginning of one: 3 characters of a name, 7 hex digits of a hash or commit. Plain text, case-sensitive but for hex",
}];

/// `GET /v1/lookup`.
///
/// # Errors
/// `invalid_parameter`, `index_behind`, store codes.
pub async fn lookup(State(desks): State<Desks>, State(index): State<Index>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(&uri, LOOKUP_QUERY)?;
    let q = query.text("q").unwrap_or_default().to_owned();
    if q.is_empty() || q.len() > QUERY_BYTES_MAX {
        return Err(Problem::parameter("q", format!("must have 1 to {QUERY_BYTES_MAX} bytes")));
    }
    let answer = pool::read(move || {
        let desk = desks.open();
        let found = lookup::lookup(&desk, &index, &Asked::read(&q))?;
        answer::json(&LookupJson::new(q, desk.view.size().get(), found))
    });
    answer.await
}
