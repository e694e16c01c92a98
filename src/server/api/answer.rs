//! How answers are made: JSON or C2SP text, and who may keep them how long.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use crate::audit::Pending;
use crate::merkle::Hash;
use crate::server::api::problem::Problem;
use crate::text::{base64url, civil};

/// Media type of C2SP text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// Media type of our JSON.
pub const JSON: &str = "application/json";
/// Hashed into a signed root: it never changes.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// The newest of something.
pub const FRESH: &str = "public, max-age=2";
/// Ask again before use.
pub const NO_CACHE: &str = "no-cache";
/// As above, and shared caches keep away: bodies may be withheld one day.
pub const PRIVATE: &str = "private, no-cache";

/// One good answer of a route, as the reference lists it.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Media type.
    pub media: &'static str,
    /// Name in [`super::wire::shapes::shapes`], for JSON of ours.
    pub shape: Option<&'static str>,
    /// `Cache-Control`.
    pub cache: &'static str,
    /// Headers of ours: name and meaning.
    pub headers: &'static [(&'static str, &'static str)],
}

impl Answer {
    /// An answer without headers of ours.
    #[must_use]
    pub const fn new(status: u16, media: &'static str, shape: Option<&'static str>, cache: &'static str) -> Self {
        Self { status, media, shape, cache, headers: &[] }
    }

    /// JSON that may change with the log.
    #[must_use]
    pub const fn json(shape: &'static str) -> Self {
        Self::new(200, JSON, Some(shape), NO_CACHE)
    }

    /// What was judged at one size. The document is the same whenever it is
    /// asked for, so what the log holds by now stands beside it.
    #[must_use]
    pub const fn judged(shape: &'static str) -> Self {
        Self { headers: &[BEYOND, OVERDUE], ..Self::json(shape) }
    }

    /// C2SP text.
    #[must_use]
    pub const fn text(cache: &'static str) -> Self {
        Self::new(200, TEXT, None, cache)
    }
}

/// An answer of these bytes.
#[must_use]
pub fn bytes(media: &'static str, cache: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// JSON that may change with the log.
///
/// # Errors
/// `internal` when a value cannot be written as JSON, which plain data always can.
pub fn json(value: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
    Ok(bytes(JSON, NO_CACHE, body))
}

/// How many entries the published checkpoint proves beyond the size judged.
/// It grows with the log, so it stands in no document about one size.
pub const BEYOND: (&str, &str) =
    ("Pulselog-Beyond", "entries above the size judged that the published checkpoint proves; none of them is judged");

/// What only a clock knows, and no document about entries may hold.
pub const OVERDUE: (&str, &str) = (
    "Pulselog-Overdue-Since",
    "at the newest size alone: since when, by the server's clock, something that is pending is past its time; absent \
     where nothing is. It is no finding: only entries move a verdict",
);

/// What was judged at one size of the log, what it holds beyond it, and since
/// when something is overdue.
pub struct Judged<T> {
    pub document: T,
    pub beyond: u64,
    pub overdue: Option<i64>,
}

/// Since when something is overdue, at `now_ms` by the server's clock: the
/// earliest time that is over. Nothing is where the log has grown `beyond`.
#[must_use]
pub fn overdue(pending: &[Pending], beyond: u64, now_ms: u64) -> Option<i64> {
    let now = i64::try_from(now_ms).unwrap_or(i64::MAX);
    pending.iter().map(|due| due.until_ms).filter(|until| beyond == 0 && *until < now).min()
}

/// A moment as a header's value.
#[must_use]
pub fn moment(unix_ms: i64) -> Option<HeaderValue> {
    HeaderValue::try_from(civil::with_millis(unix_ms.clamp(0, civil::UNIX_MS_MAX))).ok()
}

/// JSON about one size, with [`BEYOND`] and [`OVERDUE`] beside it.
///
/// # Errors
/// As [`json`].
pub fn judged(of: &Judged<impl Serialize>) -> Result<Response, Problem> {
    let mut response = json(&of.document)?;
    let name = HeaderName::try_from(BEYOND.0).map_err(|_| Problem::internal())?;
    response.headers_mut().insert(name, HeaderValue::from(of.beyond));
    if let Some(since) = of.overdue.and_then(moment) {
        let name = HeaderName::try_from(OVERDUE.0).map_err(|_| Problem::internal())?;
        response.headers_mut().insert(name, since);
    }
    Ok(response)
}

/// JSON with another status.
///
/// # Errors
/// As [`json`].
pub fn json_status(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let mut response = json(value)?;
    *response.status_mut() = status;
    Ok(response)
}

/// The two forms that proofs and checkpoints come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Our JSON.
    Json,
    /// The C2SP text.
    Text,
}

/// The form that `Accept` names first at its highest weight; `usual` when it
/// names neither. A browser, which asks for HTML, gets the text: that is what
/// it can show and save.
#[must_use]
pub fn negotiate(headers: &HeaderMap, usual: Form) -> Form {
    let mut best: Option<(f32, Form)> = None;
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
    for range in lines.flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let form = match parts.next() {
            Some("application/json") => Form::Json,
            Some("text/plain" | "text/html" | "text/*") => Form::Text,
            _ => continue,
        };
        let weight = parts.find_map(|p| p.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if weight > 0.0 && best.is_none_or(|(w, _)| weight > w) {
            best = Some((weight, form));
        }
    }
    best.map_or(usual, |(_, form)| form)
}

/// Marks an answer that depends on `Accept`.
#[must_use]
pub fn varied(mut response: Response) -> Response {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// A hash in an address.
pub enum Spelled {
    /// In lowercase hex, as we write it.
    Canonical(Hash),
    /// In another spelling of 32 bytes: the answer leads to ours.
    Otherwise(Box<Response>),
}

/// Reads a hash in an address below `prefix`.
///
/// # Errors
/// `invalid_parameter` for what spells no 32 bytes.
pub fn hash_in_path(name: &'static str, text: &str, prefix: &str) -> Result<Spelled, Problem> {
    hash_before(name, text, prefix, "")
}

/// The same where more follows, path or query: the redirect keeps it.
///
/// # Errors
/// As [`hash_in_path`].
pub fn hash_before(name: &'static str, text: &str, prefix: &str, rest: &str) -> Result<Spelled, Problem> {
    if let Ok(hash) = Hash::from_hex(text) {
        return Ok(Spelled::Canonical(hash));
    }
    let hash =
        Hash::from_hex(&text.to_ascii_lowercase()).ok().or_else(|| base64url::decode(text).map(Hash::from_bytes));
    let hash = hash.ok_or_else(|| Problem::parameter(name, "must be 64 hex digits"))?;
    let redirect = Redirect::permanent(&format!("{prefix}{}{rest}", hash.to_hex()));
    Ok(Spelled::Otherwise(Box::new(redirect.into_response())))
}

/// The query of an address, as a redirect repeats it.
#[must_use]
pub fn query_of(uri: &axum::http::Uri) -> String {
    uri.query().map_or(String::new(), |query| format!("?{query}"))
}
