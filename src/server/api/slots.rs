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

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::sync::Semaphore;

use crate::codes::service;
use crate::server::api::around;
use crate::server::api::problem::Problem;
use crate::server::api::ready::{self, Ready};
use crate::server::api::throttle::Throttle;
use crate::server::config::crowd::{Crowd, count};
use crate::server::pool::{self, Held, Memory};
use crate::server::state::AppState;

/// Routes whose answers are in memory.
const FREE: &[&str] = &["/checkpoint", "/v1/trust-policy", "/healthz", "/readyz", "/metrics", "/openapi.json"];
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
/// Answers up to this size are not counted: a connection costs as much.
const ANSWER_BYTES_FREE: u64 = 64 << 10;
/// What an answer may well take: with less than this left none is made.
const ANSWER_BYTES_USUAL: usize = 1 << 20;

/// Slots of reads, and memory for answers.
pub struct Slots {
    reads: Arc<Semaphore>,
    reports: Arc<Semaphore>,
    answers: Memory,
    pace: Throttle,
    ready: Arc<Ready>,
}

impl Slots {
    /// As many as the settings say.
    #[must_use]
    pub fn new(crowd: &Crowd) -> Self {
        let full =
            || Problem::new(&service::ANSWERS_FULL, "large answers wait for their readers; try again in a second");
        Self {
            reads: Arc::new(Semaphore::new(count(crowd.reads_max))),
            reports: Arc::new(Semaphore::new(count(crowd.reports_max))),
            answers: Memory::new(count(crowd.answers_held_bytes_max), full),
            pace: Throttle::new(crowd.answers_bytes_per_second_max),
            ready: Arc::new(Ready::new(count(crowd.tiles_held_bytes_max))),
        }
    }

    /// Full tiles that need no slot.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    fn of(&self, request: &Request) -> Option<&Arc<Semaphore>> {
        let path = slotted(request)?;
        Some(if READS.contains(&path) { &self.reads } else { &self.reports })
    }
}

/// Answers a read in its slot. It goes on when the client has gone: the store
/// is still being read for it, and the slot is given back only after that.
pub async fn read(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (slots, form) = (&state.slots, ready::form(&request));
    let Some(free) = slots.of(&request) else { return acceptable(next.run(request).await) };
    // What could not be kept for its reader is not even made.
    if !slots.answers.has_room(ANSWER_BYTES_USUAL) {
        return slots.answers.full().into_response();
    }
    let Ok(slot) = Arc::clone(free).acquire_owned().await else { return Problem::internal().into_response() };
    let (ready, is_busy) = (Arc::clone(&slots.ready), state.log.is_busy());
    let answered = tokio::spawn(async move {
        let kept = form.map(|form| (form, request.uri().path().to_owned()));
        if let Some((form, path)) = kept.clone().filter(|_| is_busy) {
            let ready = Arc::clone(&ready);
            if let Ok(Some(response)) = pool::behind(move || ready.answer(form, &path)).await {
                return response;
            }
        }
        let mut response = settle(next.run(request).await).await;
        if let Some((form, path)) = kept {
            around::add_headers(true, &mut response);
            response = ready.keep(form, &path, response).await;
        }
        drop(slot);
        response
    });
    match answered.await {
        Ok(response) => response,
        // The layer around this one answers for panics.
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => Problem::internal().into_response(),
    }
}

/// Bytes of an answer with the memory that is counted for it.
struct Counted {
    bytes: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
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

impl Slots {
    /// Counts a large answer until its last byte was taken over by the system,
    /// and hands it out at the rate of all such answers.
    pub async fn hold_answer(&self, response: Response) -> Response {
        let Some(bytes) = response.body().size_hint().exact().filter(|bytes| *bytes > ANSWER_BYTES_FREE) else {
            return response;
        };
        let mut held = self.answers.hold();
        match held.grow_to(count(bytes)) {
            Err(full) => full.into_response(),
            Ok(()) => {
                self.pace.pay(count(bytes)).await;
                let held = Arc::new(held);
                response.map(|body| {
                    Body::new(body.map_frame(move |frame: Frame<Bytes>| {
                        frame.map_data(|bytes| Bytes::from_owner(Counted { bytes, _held: Arc::clone(&held) }))
                    }))
                })
            }
        }
    }
}
