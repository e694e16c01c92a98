//! Who may work at once. Reads have slots of their own, apart from what is
//! submitted (see [`pool`]) and from what anybody has
//! judged (see [`judges`](super::judges)).
//!
//! A slot is taken when the head of a request is there, and given back when the
//! answer is made: a client that sends slowly or reads slowly holds none. What
//! is in memory anyway needs none, so that the checkpoint is had from a log
//! that is busy with everything else; full tiles that are [`ready`] need none
//! while nothing is submitted.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::codes::service;
use crate::server::api::answers::{Answers, Reserved, Sort};
use crate::server::api::around;
use crate::server::api::problem::Problem;
use crate::server::api::ready::{self, Ready};
use crate::server::config::crowd::{Crowd, count};
use crate::server::pool::{self, Held};
use crate::server::state::AppState;

/// Routes whose answers are in memory.
const FREE: &[&str] = &["/checkpoint", "/v1/trust-policy", "/healthz", "/readyz", "/openapi.json"];
/// Below this, what pages load.
const ASSETS: &str = "/static/";
/// Routes that read a bounded number of rows. Everything else that is read,
/// pages among it, judges or searches.
const READS: &[&str] = &[
    "/v1/entries",
    "/v1/entries/{name}",
    "/v1/leaves/{leaf_hash}",
    "/v1/artifacts/{digest}",
    "/v1/policies/{hash}",
    "/v1/proofs/inclusion",
    "/v1/proofs/consistency",
    "/v1/checkpoints",
    "/v1/checkpoints/{size}",
    "/tile/entries/{*path}",
    "/tile/{*path}",
];
/// Routes whose answers may take a megabyte.
const LARGE: &[&str] = &[
    "/v1/entries",
    "/v1/artifacts/{digest}",
    "/v1/findings",
    "/tile/entries/{*path}",
    "/entries.csv",
    "/findings.csv",
];

/// Slots of reads.
pub struct Slots {
    reads: Arc<Semaphore>,
    reports: Arc<Semaphore>,
    ready: Arc<Ready>,
}

impl Slots {
    /// As many as the settings say.
    #[must_use]
    pub fn new(crowd: &Crowd) -> Self {
        Self {
            reads: Arc::new(Semaphore::new(count(crowd.reads_max))),
            reports: Arc::new(Semaphore::new(count(crowd.reports_max))),
            ready: Arc::new(Ready::new(count(crowd.tiles_held_bytes_max))),
        }
    }

    /// Full tiles that need no slot.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    fn of(&self, request: &Request) -> Option<(&Arc<Semaphore>, Sort)> {
        let path = slotted(request)?;
        let sort = if LARGE.contains(&path) { Sort::Large } else { Sort::Usual };
        Some((if READS.contains(&path) { &self.reads } else { &self.reports }, sort))
    }
}

/// Answers a read in its slot. It goes on when the client has gone: the store
/// is still being read for it, and the slot is given back only after that.
pub async fn read(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (slots, form) = (&state.slots, ready::form(&request));
    let Some((free, sort)) = slots.of(&request) else { return acceptable(next.run(request).await) };
    let taken = take(free, &state.answers, sort).await;
    let (slot, room) = match taken {
        Ok(taken) => taken,
        Err(problem) => return problem.into_response(),
    };
    let (ready, is_busy) = (Arc::clone(&slots.ready), state.log.is_busy());
    let answered = tokio::spawn(async move {
        let kept = form.map(|form| (form, request.uri().path().to_owned()));
        if let Some((form, path)) = kept.clone().filter(|_| is_busy) {
            let ready = Arc::clone(&ready);
            if let Ok(Some(response)) = pool::behind(move || ready.answer(form, &path)).await {
                return with_room(response, room);
            }
        }
        let mut response = settle(next.run(request).await).await;
        if let Some((form, path)) = kept {
            around::add_headers(true, &mut response);
            response = ready.keep(form, &path, response).await;
        }
        drop(slot);
        with_room(response, room)
    });
    match answered.await {
        Ok(response) => response,
        // The layer around this one answers for panics.
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => Problem::internal().into_response(),
    }
}

/// A slot, and room for the answer. Whoever has to wait for room holds no slot
/// meanwhile, so that it stands in nobody's way.
async fn take(free: &Arc<Semaphore>, answers: &Answers, sort: Sort) -> Result<(OwnedSemaphorePermit, Held), Problem> {
    let slot = || async { Arc::clone(free).acquire_owned().await.map_err(|_| Problem::internal()) };
    let first = slot().await?;
    if let Some(room) = answers.try_reserve(sort) {
        return Ok((first, room));
    }
    drop(first);
    let room = answers.reserve(sort).await?;
    Ok((slot().await?, room))
}

fn with_room(mut response: Response, room: Held) -> Response {
    response.extensions_mut().insert(Reserved::new(room));
    response
}

/// The route of a read that needs a slot.
fn slotted(request: &Request) -> Option<&str> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)?;
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    (is_read && !FREE.contains(&path) && !path.starts_with(ASSETS)).then_some(path)
}

/// Whether a request needs a slot.
pub fn is_slotted(request: &Request) -> bool {
    slotted(request).is_some()
}

/// Whoever accepts no form of an answer gets a problem, which no cache keeps in
/// the answer's place.
fn acceptable(response: Response) -> Response {
    if response.status() == StatusCode::NOT_ACCEPTABLE {
        return Problem::new(&service::NOT_ACCEPTABLE, "let Accept-Encoding allow identity or gzip").into_response();
    }
    response
}

/// An answer that is to be packed is packed now, in its slot and where reads
/// work: packing it while it is written would cost the threads that serve
/// connections more than anything else they do.
async fn settle(response: Response) -> Response {
    let response = acceptable(response);
    if !response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let runtime = tokio::runtime::Handle::current();
    match pool::behind(move || runtime.block_on(body.collect())).await {
        Ok(Ok(packed)) => Response::from_parts(parts, Body::from(packed.to_bytes())),
        Ok(Err(_)) => Problem::internal().into_response(),
        Err(problem) => problem.into_response(),
    }
}
