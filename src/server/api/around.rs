//! What surrounds every request: slots, a time limit, counters, compression,
//! headers, and an answer for panics and for addresses that nobody has.

use std::borrow::Cow;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use tower::ServiceExt;
use tower_http::compression::CompressionLayer;

use crate::codes::service;
use crate::server::api::gate::{self, Passed, Reader, door};
use crate::server::api::problem::{Problem, Refused};
use crate::server::api::{ROUTES, health, ready, slots, submit};
use crate::server::state::AppState;

/// Headers of every answer that does not set its own.
const HEADERS: [(header::HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];
const HTML: &str = "text/html";
/// Media types that gzip makes smaller.
const PACKED: [&str; 2] = [HTML, "application/json"];
/// Addresses of entry bundles, which are made of text.
const ENTRY_TILES: &str = "/tile/entries/";
/// Address of the counters.
const METRICS: &str = "/metrics";
/// Label of requests that no route took.
const NO_ROUTE: &str = "none";
/// Label of what the gate answers in place of a route.
const CLOSED: &str = "closed";
/// Label of where readers come in and go.
const DOOR: &str = "/login";

/// Everything that is answered. Clones share it.
#[derive(Clone)]
pub struct Api {
    router: Router,
    state: AppState,
    /// Whether it is the log that answers, and not its counters alone.
    is_log: bool,
}

impl Api {
    /// The table and the pages, with what surrounds every request; `lost`
    /// answers for addresses that nobody has.
    #[must_use]
    pub fn new(state: AppState, pages: Router<AppState>, lost: MethodRouter<AppState>) -> Self {
        let (mut read, mut sent) = (pages, Router::new());
        for route in ROUTES {
            let Some(served) = &route.served else { continue };
            match route.method {
                "GET" => read = read.route(served.path, (served.handler)()),
                _ => sent = sent.route(served.path, (served.handler)()),
            }
        }
        // What is sent waits for no slot of a reader and is answered unpacked.
        let router = reads(read.fallback(lost), state.clone()).merge(sent);
        Self { router: all(router, state.clone()).with_state(state.clone()), state, is_log: true }
    }

    /// The counters alone, for a listener that readers do not reach.
    #[must_use]
    pub fn of_metrics(state: AppState) -> Self {
        let nothing = async || Problem::new(&service::NOT_FOUND, "there is nothing at this address but /metrics");
        let router = Router::new().route(METRICS, get(health::metrics)).fallback(nothing);
        Self { router: all(router, state.clone()).with_state(state.clone()), state, is_log: false }
    }

    /// Answers one request of `peer`. Whether it may be answered comes before
    /// anything else is done with it.
    pub async fn answer(self, mut request: Request, peer: IpAddr) -> Response {
        if !self.is_log {
            return self.routed(request).await;
        }
        match self.state.gate.pass(&request, peer) {
            Passed::Open => self.answer_passed(request).await,
            Passed::Reader(reader) => {
                request.extensions_mut().insert(reader);
                let mut response = self.answer_passed(request).await;
                gate::to_reader(&mut response);
                response
            }
            Passed::Door => {
                let state = &self.state;
                let at = Some(Cow::Borrowed(DOOR));
                accounted(state, at, request, async |request| door::answer(state, request, peer).await).await
            }
            Passed::Closed => {
                let at = Some(Cow::Borrowed(CLOSED));
                accounted(&self.state, at, request, async |_| door::closed(&self.state)).await
            }
        }
    }

    /// What is ready already comes first.
    async fn answer_passed(self, request: Request) -> Response {
        if let Some(ended) = ready_answer(&self.state, &request) {
            return self.state.answers.hold(ended).await;
        }
        if request.method() == Method::POST && request.uri().path() == submit::ONE_PATH {
            return add(&self.state, request).await;
        }
        self.routed(request).await
    }

    async fn routed(self, request: Request) -> Response {
        match self.router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Wraps what is read: a slot each, and packed where that makes it smaller.
fn reads(router: Router<AppState>, state: AppState) -> Router<AppState> {
    router
        .layer(from_fn(mark_packable))
        .layer(CompressionLayer::new().gzip(true).compress_when(is_packable))
        .layer(from_fn_with_state(state, slots::read))
}

/// Wraps everything. The layer sees every answer, also that of a panic. Each
/// layer of ours costs every waiting request some 3 KB: there are few.
fn all(router: Router<AppState>, state: AppState) -> Router<AppState> {
    router.method_not_allowed_fallback(wrong_method).layer(from_fn_with_state(state, account))
}

/// A single submission, with all that surrounds a request and without the
/// router: finding its route and boxing what it answers would cost a twentieth
/// of an add.
async fn add(state: &AppState, request: Request) -> Response {
    accounted(state, Some(Cow::Borrowed(submit::ONE_PATH)), request, async |request| {
        submit::one(state, request).await.unwrap_or_else(IntoResponse::into_response)
    })
    .await
}

/// The answer to a request for a full tile that is ready, which passes no layer
/// and no route: it went through all of them when it was made.
fn ready_answer(state: &AppState, request: &Request) -> Option<Response> {
    let begun = Instant::now();
    let (form, path) = (ready::form(request)?, request.uri().path());
    // Many of them are more than next to nothing: beside submissions each takes
    // a slot and a thread that stands behind, as everything does that is read.
    if state.log.is_busy() {
        return None;
    }
    check_host(request.version(), request.headers()).ok()?;
    let response = state.slots.ready().answer(form, path)?;
    state.metrics.answered(Cow::Borrowed(ready::route(path)), response.status().as_u16(), begun.elapsed());
    Some(response)
}

async fn wrong_method(method: Method) -> Problem {
    let shown = if matches!(method.as_str(), "PUT" | "PATCH" | "DELETE" | "POST" | "GET" | "HEAD" | "OPTIONS") {
        method.as_str()
    } else {
        "this method"
    };
    Problem::new(&service::METHOD_NOT_ALLOWED, format!("this address does not take {shown}"))
}

/// The answer, or what is answered when making it panicked: the panic itself
/// was written by the hook, and its text may quote the request.
async fn caught(answering: impl Future<Output = Response>) -> Response {
    let mut answering = pin!(answering);
    std::future::poll_fn(|context| {
        // After a panic it is never polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(Problem::internal().into_response()))
    })
    .await
}

/// Limits the time until there is an answer, and the memory of those that wait
/// for their readers. Dropping a submission half way is safe: submitting again
/// finds the entry.
async fn bound(state: &AppState, answering: impl Future<Output = Response>) -> Response {
    let limit = state.limits.request_timeout;
    let response = tokio::time::timeout(limit, answering).await.unwrap_or_else(|_| {
        Problem::new(&service::TIMEOUT, format!("not finished within {} ms", limit.as_millis())).into_response()
    });
    state.answers.hold(response).await
}

/// A request that does not say for which host it is may be another one to a
/// proxy that stands before us (RFC 9112 3.2). Nothing else is done with it.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |why: &str| Err(Problem::new(&service::HOST_INVALID, format!("Host: {why}")).at("Host"));
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (None, _) => refuse("is not there; send the name of the log"),
        (Some(_), Some(_)) => refuse("stands there more than once; send it once"),
        (Some(host), None) if is_host(host.as_bytes()) => Ok(()),
        (Some(_), None) => refuse("is no name of a host with or without a port"),
    }
}

/// A host with or without a port; empty where the target names none.
fn is_host(host: &[u8]) -> bool {
    let is_named = |named: Authority| {
        // What stands before the host is a user, which no Host has.
        let port = named.as_str().strip_prefix(named.host()).map(|rest| rest.strip_prefix(':').unwrap_or(rest));
        !named.host().is_empty() && port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    host.is_empty() || Authority::try_from(host).is_ok_and(is_named)
}

/// What surrounds a request that the router answers.
async fn account(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // The pattern, not the path: labels are a closed list.
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map(|matched| Cow::Owned(matched.as_str().to_owned()));
    let reader = request.extensions().get::<Reader>().cloned();
    let Some(reader) = reader else {
        return accounted(&state, route, request, async |request| next.run(request).await).await;
    };
    let scope = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let response = accounted(&state, route.clone(), request, async |request| next.run(request).await).await;
    let route = route.unwrap_or(Cow::Borrowed(NO_ROUTE));
    state.gate.accessed(&reader, &route, &scope, response.status().as_u16());
    response
}

/// Counts the answer, and gives it what every answer has.
async fn accounted(
    state: &AppState,
    route: Option<Cow<'static, str>>,
    request: Request,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let mut response = match check_host(request.version(), request.headers()) {
        Ok(()) => bound(state, caught(answer(request))).await,
        Err(problem) => problem.into_response(),
    };
    add_headers(is_read(&method), &mut response);
    let (route, status) = (route.unwrap_or(Cow::Borrowed(NO_ROUTE)), response.status().as_u16());
    let refused = response.extensions().get::<Refused>().map(|r| r.0);
    if let Some(code) = refused {
        state.metrics.refused(code);
    }
    let took = begun.elapsed();
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match refused {
        Some(code) if status >= 500 => {
            tracing::warn!(%method, %route, status, code = code.name, took_ms, "request failed");
        }
        code => {
            let code = code.map(|code| code.name);
            tracing::debug!(%method, %route, status, code, took_ms, "request answered");
        }
    }
    state.metrics.answered(route, status, took);
    response
}

/// Marks an answer that gzip makes smaller.
#[derive(Clone, Copy)]
struct Packable;

/// Entries, pages and JSON shrink; hashes do not. Only what is read is packed:
/// answers to submitters stand beside nothing that others wrote, and whoever
/// compares a body with its `ETag` gets the bytes that it names.
async fn mark_packable(request: Request, next: Next) -> Response {
    // What is in memory is packed there, once, or not at all.
    let is_read = is_read(request.method()) && slots::is_slotted(&request);
    let is_entries = request.uri().path().starts_with(ENTRY_TILES);
    let mut response = next.run(request).await;
    let headers = response.headers();
    let media = headers.get(header::CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    let shrinks = is_entries || PACKED.iter().any(|packed| media.starts_with(packed.as_bytes()));
    if is_read && shrinks && response.status() == StatusCode::OK && !headers.contains_key(header::ETAG) {
        response.extensions_mut().insert(Packable);
    }
    response
}

fn is_packable(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Packable>().is_some()
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Gives an answer what every answer has, once.
pub(super) fn add_headers(is_read: bool, response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // What anybody may read, a page of any origin may; our own pages stay ours.
    let is_page = headers.get(header::CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(HTML.as_bytes()));
    if is_read && !is_page {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}
