//! Policies by hash, as a registry of policies answers them, and where they
//! stand.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::artifact::digest::PayloadHash;
use crate::codes::service;
use crate::server::api::answer::{self, JSON, PRIVATE, Spelled};
use crate::server::api::problem::Problem;
use crate::server::api::query::{Query, segments};
use crate::server::api::wire::audited::PolicyJson;
use crate::server::desk::Desks;
use crate::server::index::Index;
use crate::server::lookup;
use crate::server::pool;

/// `GET /v1/policies/{hash}`.
///
/// # Errors
/// `invalid_parameter`, `policy_not_found`, `index_behind`, store codes.
pub async fn policy(
    State(desks): State<Desks>,
    State(index): State<Index>,
    hash: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let hash = match answer::hash_in_path("hash", &segments("hash", hash)?, "/v1/policies/")? {
        Spelled::Canonical(hash) => PayloadHash::from_bytes(*hash.as_bytes()),
        Spelled::Otherwise(response) => return Ok(*response),
    };
    let found = pool::read(move || {
        let desk = desks.open();
        let statements = lookup::policies(&desk, &index, &hash)?;
        if statements.is_empty() {
            desk.view.check_none(desk.view.size())?;
        }
        let missing =
            || Problem::new(&service::POLICY_NOT_FOUND, "no holder of the role logged such a policy").at("hash");
        let paper = desk.read(*statements.first().ok_or_else(missing)?)?;
        // The operator never withholds a policy.
        let artifact = paper.artifact().ok_or_else(missing)?;
        let policy = PolicyJson {
            policy_hash: hash.to_string(),
            policy_hash_b64u: hash.to_b64u(),
            index: paper.stored.index.get(),
            statements: statements.iter().map(|at| at.get()).collect(),
        };
        policy.with_envelope(&artifact.compact()).ok_or_else(Problem::internal)
    });
    Ok(answer::bytes(JSON, PRIVATE, found.await?))
}
