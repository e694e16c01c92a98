//! The way in of a submission: who, what was asked, then the bytes, bounded.
//!
//! A body that will not be taken is answered before it has arrived. What still
//! arrives is read and dropped for a while, since closing at once would throw
//! the answer away with the connection.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;

use crate::server::api::problem::Problem;
use crate::server::api::query::{Param, Query};
use crate::server::state::AppState;
use crate::server::tokens::live::Submitter;

/// Bytes of a refused body that are read and dropped.
const DRAIN_BYTES_MAX: usize = 256 << 20;
/// How long that may take.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);
/// Room made for a body before its first byte.
const FIRST_ROOM_BYTES_MAX: usize = 1 << 20;

/// A submission that may be read.
pub struct Intake {
    /// Who submits.
    pub submitter: Submitter,
    /// What was asked.
    pub query: Query,
    /// The body.
    pub bytes: Bytes,
    /// Its memory, given back with the answer.
    pub held: OwnedSemaphorePermit,
}

/// Authenticates, reads the query, then at most `bytes_max` of the body.
///
/// # Errors
/// In this order: token codes, `invalid_parameter`, `content_encoding_refused`,
/// `body_too_large`, `body_incomplete`.
pub async fn receive(state: &AppState, request: Request, bytes_max: usize, known: &[Param]) -> Result<Intake, Problem> {
    let (parts, mut body) = request.into_parts();
    let received = async {
        let submitter = authenticate(state, &parts.headers)?;
        let query = Query::read(&parts.uri, known)?;
        let Sent { bytes, held } = hold(state, &parts.headers, &mut body, bytes_max).await?;
        Ok(Intake { submitter, query, bytes, held })
    }
    .await;
    if received.is_err() {
        tokio::spawn(drain(body));
    }
    received
}

/// A body that nobody signs for: it is looked at and forgotten.
pub struct Sent {
    /// The body.
    pub bytes: Bytes,
    /// Its memory, given back with the answer.
    pub held: OwnedSemaphorePermit,
}

/// Reads at most `bytes_max` of a body that needs no token.
///
/// # Errors
/// `content_encoding_refused`, `queue_full`, `body_too_large`, `body_incomplete`.
pub async fn look_at(state: &AppState, headers: &HeaderMap, mut body: Body, bytes_max: usize) -> Result<Sent, Problem> {
    let received = hold(state, headers, &mut body, bytes_max).await;
    if received.is_err() {
        tokio::spawn(drain(body));
    }
    received
}

async fn hold(state: &AppState, headers: &HeaderMap, body: &mut Body, bytes_max: usize) -> Result<Sent, Problem> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|e| e.as_bytes() != b"identity") {
        return Err(Problem::new("content_encoding_refused", "send the body without Content-Encoding"));
    }
    let held = state.pool.hold(announced(headers).unwrap_or(bytes_max).min(bytes_max))?;
    let bytes = read(headers, body, bytes_max).await?;
    Ok(Sent { bytes, held })
}

fn authenticate(state: &AppState, headers: &HeaderMap) -> Result<Submitter, Problem> {
    let missing = || Problem::new("token_missing", "send Authorization: Bearer and a token of this log");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?.to_str().map_err(|_| missing())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(missing());
    }
    Ok(state.tokens.authenticate(token)?)
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse().ok())
}

async fn read(headers: &HeaderMap, body: &mut Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new("body_too_large", format!("the body may have at most {bytes_max} bytes"));
    let announced = announced(headers);
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(FIRST_ROOM_BYTES_MAX));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new("body_incomplete", "the connection ended inside the body"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > bytes_max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

async fn drain(mut body: Body) {
    let dropped = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > DRAIN_BYTES_MAX {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME_MAX, dropped).await;
}
