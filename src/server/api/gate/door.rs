//! Where readers of a closed log come in and go: two pages with a form each.
//! They say which log it is, as its checkpoints do, and nothing of what it holds;
//! the page of what is closed is one of them.

use std::net::IpAddr;

use askama::Template;
use axum::body::to_bytes;
use axum::extract::{Query, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::codes::{Code, service};
use crate::server::access::Access;
use crate::server::api::gate::open::{LOGIN, LOGOUT};
use crate::server::api::gate::{COOKIE, cookie, single};
use crate::server::api::problem::Refused;
use crate::server::pages;
use crate::server::state::{AppState, LogFacts};

/// Longest form, bytes: a token and an address.
const FORM_BYTES_MAX: usize = 4_096;
/// Longest address to go on to, bytes.
const NEXT_BYTES_MAX: usize = 1_024;
/// Life of the cookie, as that of the session.
const COOKIE_SECONDS: u64 = crate::server::access::sessions::LIFE_MS / 1_000;
/// Where whoever came in goes, unless told otherwise.
const HOME: &str = "/";

#[derive(Template)]
#[template(path = "door.html")]
struct DoorPage<'a> {
    log: &'a LogFacts,
    title: &'static str,
    sentence: &'static str,
    wrong: &'static str,
    form: Form<'a>,
}

enum Form<'a> {
    In {
        next: &'a str,
    },
    Out,
    /// Nothing to fill in: on to the log.
    On,
    /// A link to this address.
    Way(&'static str),
}

#[derive(Default, serde::Deserialize)]
struct Fields {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

/// The answer to everything that is closed. It knows nothing of the request.
pub fn closed(state: &AppState) -> Response {
    let (sentence, way) = match state.gate.access() {
        Access::Public | Access::Token => ("This log shows pages and evidence to its readers alone.", LOGIN),
        Access::Proxy => {
            ("This log shows pages and evidence to those who come through its proxy, which signs them in.", HOME)
        }
    };
    let page = DoorPage { log: &state.facts, title: "Access closed", sentence, wrong: "", form: Form::Way(way) };
    refused(&service::ACCESS_CLOSED, &page)
}

/// Answers [`LOGIN`] and [`LOGOUT`].
pub async fn answer(state: &AppState, request: Request, peer: IpAddr) -> Response {
    if state.gate.access() == Access::Proxy {
        return of_proxy(&state.facts, request.method());
    }
    let (is_login, is_sent) = (request.uri().path() == LOGIN, request.method() == Method::POST);
    let entrance = |wrong, next| entrance(&state.facts, wrong, next);
    match request.method() {
        &Method::GET | &Method::HEAD if is_login => {
            let fields = fields(request.uri().query().unwrap_or_default()).unwrap_or_default();
            shown(StatusCode::OK, &entrance("", local(&fields.next)))
        }
        &Method::GET | &Method::HEAD => {
            debug_assert_eq!(request.uri().path(), LOGOUT);
            let sentence = "The session of this browser ends.";
            let (log, title) = (&state.facts, "Sign out");
            shown(StatusCode::OK, &DoorPage { log, title, sentence, wrong: "", form: Form::Out })
        }
        _ if !is_sent => refused(&service::METHOD_NOT_ALLOWED, &entrance("", HOME)),
        _ if !is_ours(state, request.headers()) => {
            refused(&service::ORIGIN_REFUSED, &entrance("This form was not sent from a page of this log.", HOME))
        }
        _ if is_login => come_in(state, request, peer).await,
        _ => {
            if let Some(id) = cookie(request.headers()) {
                state.gate.sessions.end(&id);
            }
            see(LOGIN, "", 0)
        }
    }
}

/// Where a proxy names the readers there is nothing to send here.
fn of_proxy(log: &LogFacts, method: &Method) -> Response {
    let sentence = "This log has no sign-in of its own: the proxy before it signs people in and out, and you came \
                    through it. To sign out, use what the proxy offers.";
    let page = DoorPage { log, title: "Signed in by the proxy", sentence, wrong: "", form: Form::On };
    match *method {
        Method::GET | Method::HEAD => shown(StatusCode::OK, &page),
        _ => refused(&service::METHOD_NOT_ALLOWED, &page),
    }
}

async fn come_in(state: &AppState, request: Request, peer: IpAddr) -> Response {
    let (gate, log) = (&state.gate, &state.facts);
    let client = gate.client(request.headers(), peer);
    if !gate.tries.take(client, gate.now_ms()) {
        let wrong = "Too many tries from this address. Wait a minute.";
        return refused(&service::LOGIN_TOO_OFTEN, &entrance(log, wrong, HOME));
    }
    let before = cookie(request.headers());
    let body = to_bytes(request.into_body(), FORM_BYTES_MAX).await.ok();
    let fields = body.and_then(|body| fields(std::str::from_utf8(&body).ok()?));
    let Some(Fields { token, next }) = fields else {
        return refused(&service::QUERY_NOT_UNDERSTOOD, &entrance(log, "This form was not understood.", HOME));
    };
    let next = local(&next);
    match gate.come_in(token.trim()) {
        Some(id) => {
            gate.tries.give_back(client);
            before.inspect(|before| gate.sessions.end(before));
            see(next, &id, COOKIE_SECONDS)
        }
        None => refused(&service::LOGIN_REFUSED, &entrance(log, "This token is not one of this log's readers.", next)),
    }
}

fn entrance<'a>(log: &'a LogFacts, wrong: &'static str, next: &'a str) -> DoorPage<'a> {
    let sentence = "This log shows pages and evidence to its readers alone. A reader's token comes from its operator; \
                    the session in this browser lasts 12 hours.";
    DoorPage { log, title: "Sign in", sentence, wrong, form: Form::In { next } }
}

/// A form as an address writes it.
fn fields(form: &str) -> Option<Fields> {
    let uri: Uri = format!("/?{form}").parse().ok()?;
    Query::try_from_uri(&uri).ok().map(|Query(fields)| fields)
}

/// An address of this server, or its first page: never another server's, also
/// not as browsers mend addresses (`//host`, `/\host`, a tab between).
fn local(next: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\\\"<>".contains(&byte);
    // No page has an empty or dotted segment, and what tidies one may leave `//host`.
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let is_tidy = !["//", "/./", "/../"].iter().any(|odd| path.contains(odd));
    let is_local = next.starts_with('/') && is_tidy && next.bytes().all(is_plain);
    if is_local && next.len() <= NEXT_BYTES_MAX { next } else { HOME }
}

/// Whether a page of ours sent this form: the browser says so in `Origin`, which
/// no page can make up. Without `public_url` it is held against `Host`, which a
/// browser says truly too.
fn is_ours(state: &AppState, headers: &HeaderMap) -> bool {
    let Some(Ok(origin)) = single(headers, &header::ORIGIN) else { return false };
    match &state.facts.public_url {
        Some(public) => {
            let authority = public.find("://").map_or(0, |at| at + 3);
            let end = public[authority..].find('/').map_or(public.len(), |at| authority + at);
            origin.eq_ignore_ascii_case(&public[..end])
        }
        None => {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            matches!((host, single(headers, &header::HOST)), (Some(own), Some(Ok(host))) if own.eq_ignore_ascii_case(host))
        }
    }
}

/// Leads on, and leaves a cookie of this life.
fn see(to: &str, id: &str, seconds: u64) -> Response {
    let cookie = format!("{COOKIE}={id}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}");
    let (Ok(to), Ok(cookie)) = (HeaderValue::from_str(to), HeaderValue::from_str(&cookie)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = pages::page(StatusCode::SEE_OTHER, String::new());
    response.headers_mut().insert(header::LOCATION, to);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    kept_nowhere(response)
}

fn refused(code: &'static Code, page: &DoorPage) -> Response {
    let mut response = shown(crate::server::answered::status_of(code), page);
    if code == &service::METHOD_NOT_ALLOWED {
        let taken = if matches!(page.form, Form::On) { "GET, HEAD" } else { "GET, HEAD, POST" };
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(taken));
    }
    if code == &service::LOGIN_TOO_OFTEN {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response.extensions_mut().insert(Refused(code));
    response
}

fn shown(status: StatusCode, page: &DoorPage) -> Response {
    match page.render() {
        Ok(html) => kept_nowhere(pages::page(status, html)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Without a referrer a browser says no origin either, and our forms need it.
fn kept_nowhere(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_in_goes_on_within_this_server() {
        for path in ["/", "/jobs/a?at=3", "/b/abc#x", "/%5C", "/search?q=//a/../b"] {
            assert_eq!(local(path), path);
        }
        let long = format!("/{}", "a".repeat(NEXT_BYTES_MAX));
        for away in [
            "",
            "//evil",
            "https://evil",
            "/\\evil",
            "/\tevil",
            "\\\\evil",
            "javascript:x",
            "/a b",
            "/é",
            "/.//evil",
            "/a/..//evil",
            &long,
        ] {
            assert_eq!(local(away), "/", "{away}");
        }
    }
}
