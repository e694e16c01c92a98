//! Both verdicts on bundles: on one that the log holds, at any size, and on one
//! that is sent and forgotten.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::Uri;
use axum::response::Response;

use crate::artifact::Kind;
use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{self, DEPTH_MAX};
use crate::codes::{self, Code, service};
use crate::merkle::TreeSize;
use crate::protocol::Document;
use crate::server::api::answer::{self, Judged, Spelled};
use crate::server::api::audits::{AT_QUERY, size_at};
use crate::server::api::intake;
use crate::server::api::problem::Problem;
use crate::server::api::query::{Query, segments};
use crate::server::desk::Desks;
use crate::server::judge::{Audits, Sitting};
use crate::server::log::clock::Clock;
use crate::server::pool;
use crate::server::state::AppState;
use crate::verify::verification::Verification;

/// Codes of a document that is sent to be judged.
pub static VERIFY_CODES: &[&Code] = &[
    &codes::artifact::JSON_NOT_UTF8,
    &codes::artifact::JSON_BOM,
    &codes::artifact::JSON_SYNTAX,
    &codes::artifact::JSON_TRUNCATED,
    &codes::artifact::JSON_TRAILING_DATA,
    &codes::artifact::JSON_DUPLICATE_KEY,
    &codes::artifact::JSON_LONE_SURROGATE,
    &codes::artifact::JSON_TOO_DEEP,
    &codes::artifact::JSON_OVER_ROOM,
    &codes::artifact::JSON_NUMBER_OVERFLOW,
    &codes::artifact::JSON_NUMBER_UNSAFE,
    &codes::artifact::JSON_NUMBER_UNDERFLOW,
    &service::NOT_A_DOCUMENT,
    &service::CONTENT_ENCODING_REFUSED,
    &service::CONTENT_TYPE_REFUSED,
    &service::BODY_TOO_LARGE,
    &service::BODY_INCOMPLETE,
    &service::BODY_TOO_SLOW,
    &service::VERIFY_BUSY,
    &service::SIZE_NOT_PUBLISHED,
    &service::INDEX_BEHIND,
    &service::SCOPE_TOO_LARGE,
];
/// Codes of a report on a logged bundle.
pub static BUNDLE_CODES: &[&Code] = &[
    &service::BUNDLE_NOT_FOUND,
    &service::BODY_WITHHELD,
    &service::SIZE_NOT_PUBLISHED,
    &service::INDEX_BEHIND,
    &service::SCOPE_TOO_LARGE,
];

/// `POST /v1/verify`: nothing is stored, nothing is logged.
///
/// # Errors
/// `invalid_parameter`, body codes, `json_…`,
/// `not_a_document`, `verify_busy`, `size_not_published`, `index_behind`,
/// `scope_too_large`, store codes.
pub async fn verify(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let query = Query::read(&parts.uri, AT_QUERY)?;
    let sent = intake::look_at(&state, &parts.headers, body, state.limits.body_bytes_max).await?;
    let (desks, audits) = (state.desks.clone(), state.audits.clone());
    let judged = state.judges.run(move || {
        let file = json::parse_within(&sent.bytes, DEPTH_MAX, json::room_for(sent.bytes.len()))
            .map_err(|error| Problem::new(error.code(), format!("the body is no strict JSON: {error}")))?;
        let unknown = || {
            let detail = "the body is no proof bundle, export, aggregate or commit signature";
            Problem::new(&service::NOT_A_DOCUMENT, detail)
        };
        let document = Document::of(&file).ok_or_else(unknown)?;
        let sitting = audits.sit(desks.open());
        let (size, beyond) = size_at(&query, &sitting.desk.view)?;
        let document = sitting.judge(&document, size, now_ms())?;
        drop(sent.held);
        answer::judged(&Judged { document, beyond, overdue: None })
    });
    judged.await?
}

/// `GET /v1/bundles/{digest}/report`: expiry is judged at the time of the last
/// entry of the size asked for, so that the same size gives the same answer.
///
/// # Errors
/// `invalid_parameter`, `bundle_not_found`, `body_withheld`,
/// `size_not_published`, `index_behind`, `scope_too_large`, store codes.
pub async fn report(
    State(desks): State<Desks>,
    State(audits): State<Audits>,
    State(clock): State<Arc<dyn Clock>>,
    text: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let text = segments("digest", text)?;
    let query = Query::read(&uri, AT_QUERY)?;
    let rest = format!("/report{}", answer::query_of(&uri));
    let digest = match answer::hash_before("digest", &text, "/v1/bundles/", &rest)? {
        Spelled::Canonical(hash) => ArtifactDigest::from_bytes(*hash.as_bytes()),
        Spelled::Otherwise(response) => return Ok(*response),
    };
    let judged = pool::read(move || {
        let sitting = audits.sit(desks.open());
        let (size, beyond) = size_at(&query, &sitting.desk.view)?;
        let document = of_bundle(&sitting, &digest, size)?;
        let overdue = answer::overdue(&document.audit.pending, beyond, clock.read().wall_ms);
        answer::judged(&Judged { document, beyond, overdue })
    });
    judged.await
}

/// The verdicts on the bundle with this digest, among the entries below `size`.
fn of_bundle(sitting: &Sitting, digest: &ArtifactDigest, size: TreeSize) -> Result<Verification, Problem> {
    let view = &sitting.desk.view;
    let found = view.find_artifact(digest)?;
    let bundle = found.iter().find(|e| e.index.get() < size.get() && e.entry.kind == Kind::ProofBundle);
    if bundle.is_none() {
        view.check_none(size)?;
    }
    let missing = || Problem::new(&service::BUNDLE_NOT_FOUND, "no proof bundle of this digest stands below this size");
    let judged = sitting.judge_logged(bundle.ok_or_else(|| missing().at("digest"))?.index, size)?;
    judged.ok_or_else(|| Problem::new(&service::BODY_WITHHELD, "the operator withholds this body"))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
