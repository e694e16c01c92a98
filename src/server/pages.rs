//! The pages: one page struct is one template, and holds strings that are
//! ready to show. No script, one stylesheet, nothing from another origin.
//!
//! ```text
//! /                       which log is this, is it alive, how do I follow it
//! /search                 what bears this name or hash, or begins so
//! /entries                which entries are of this kind, name and time; /entries.csv
//! /entries/{index}        what is it, who signed it, is it in the log
//! /pulses/{digest}        which run; what the agent says; what the log can prove;
//!                         also as .json, .txt, .md and .svg, as jobs are
//! /jobs, /runs            every job and run that was named, newest first
//! /checkpoints            what was signed when; /checkpoints/{size} one of them
//! /tree                   whether one checkpoint extends another
//! /policies/{hash}        what was allowed, in plain words
//! /tokens/{hash}          for which job, what ended it, what was done under it
//! /agents/{did}           who it is by the roots, which jobs it got
//! /tickets/{system}/{key} what belongs to a change
//! /runs/{agent}/{run}     everything that claims to belong to one run
//! /b/{digest}             one proof bundle, for tickets: both verdicts at a published size
//! /jobs/{id}              which change, which runs, what is open; both also as
//!                         .json (report), .txt and .md (note), .svg (badge)
//! /apps/{instance}/{namespace}/{name}  what was done to it, and who saw that;
//!                         also as .json, .txt, .md and .svg
//! /incidents              what happened in one scope and time, to print; also
//!                         /incidents.json, .txt and .md
//! /findings               what is open, how bad, since when; /findings.csv
//! /findings/{code}        what a code means, what to do, what it does not prove
//! /docs                   how to read a proof, verify alone, the API, every code
//! ```
//!
//! Pages show what was recorded, prove its position, and repeat what the audit
//! says of it; they decide nothing themselves. Every proof on a page was
//! verified by the reader that made it ([`View`]); a page that cannot be proven
//! is an error page.
//!
//! Not implemented: checking in the browser.
//!
//! [`View`]: crate::server::log::view::View

pub mod drawing;
pub(crate) mod escape;
pub(crate) mod states;
mod withheld;
pub(crate) mod words;

mod agent;
mod app;
mod badge;
mod bundle;
mod card;
mod checkpoints;
mod code;
mod coverage;
mod csv;
mod docs;
mod document;
mod entries;
mod entry;
mod finding;
mod findings;
mod happened;
mod home;
mod incident;
mod inline;
mod job;
mod judging;
mod named;
mod note;
mod offline;
mod permalink;
mod policy;
mod other_runs;
mod overview;
mod party;
mod preview;
mod proof;
mod pulse;
mod reader;
mod record;
mod rows;
mod run;
mod search;
mod sheet;
mod ticket;
mod token;
mod told;
mod tree;
mod titles;
mod trouble;
mod verdict;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::FromRef;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::server::access::Access;
use crate::server::api::fixed::Fixed;
use crate::server::desk::Desks;
use crate::server::index::Index;
use crate::server::judge::Audits;
use crate::server::log::clock::Clock;
use crate::server::pages::csv::Csv;
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;
use crate::server::pool;
use crate::server::state::{AppState, LogFacts};

const STYLESHEET: &str = include_str!("../../static/pulselog.css");
const FAVICON: &str = include_str!("../../static/favicon.svg");

/// What a page may load and do: our stylesheet, our icon, our forms.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// What an SVG or a stylesheet on its own may load: nothing.
const ASSET_CACHE: &str = "public, max-age=300";
const ASSET_POLICY: &str = "default-src 'none'";

/// The page routes.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(home::page))
        .route("/search", get(search::page))
        .route("/entries", get(entries::page))
        .route("/entries.csv", get(entries::file))
        .route("/pulses", get(not_found))
        .route("/policies", get(not_found))
        .route("/tokens", get(not_found))
        .route("/agents", get(not_found))
        .route("/tickets", get(not_found))
        .route("/runs", get(named::runs))
        .route("/jobs", get(named::jobs))
        .route("/checkpoints", get(checkpoints::list))
        .route("/checkpoints/{size}", get(checkpoints::page))
        .route("/tree", get(tree::page))
        .route("/policies/{hash}", get(policy::page))
        .route("/tokens/{hash}", get(token::page))
        .route("/agents/{did}", get(agent::page))
        .route("/tickets/{system}/{key}", get(ticket::page))
        .route("/entries/{index}", get(entry::page))
        .route("/pulses/{digest}", get(pulse::page))
        .route("/runs/{agent}/{run}", get(run::page))
        .route("/b/{digest}", get(bundle::page))
        .route("/jobs/{id}", get(job::page))
        .route("/apps/{instance}/{namespace}/{name}", get(app::page))
        .route("/incidents", get(incident::page))
        .route("/incidents.json", get(incident::file))
        .route("/incidents.md", get(incident::file))
        .route("/incidents.txt", get(incident::file))
        .route("/findings", get(findings::page))
        .route("/findings.csv", get(findings::file))
        .route("/findings/{code}", get(code::page))
        .route("/docs", get(docs::page))
        .route("/docs/proofs", get(docs::proofs::page))
        .route("/docs/verify", get(docs::verify::page))
        .route("/docs/api", get(docs::api::page))
        .route("/docs/errors", get(docs::errors::page))
        .route("/static/pulselog.css", get(async |headers| asset(&STYLESHEET_ASSET, &headers)))
        .route("/static/favicon.svg", get(async |headers| asset(&FAVICON_ASSET, &headers)))
}

/// The page for an address that is no page.
pub async fn not_found(state: axum::extract::State<AppState>, uri: Uri) -> Response {
    let handles = Handles::from_ref(&state.0);
    serve(handles, move |_| Err(Trouble::no_such_page().formless(uri.path()))).await
}

/// What pages are made with.
#[derive(Clone)]
pub(crate) struct Handles {
    pub desks: Desks,
    pub index: Index,
    pub audits: Audits,
    pub facts: LogFacts,
    pub access: Access,
    pub clock: Arc<dyn Clock>,
}

impl FromRef<AppState> for Handles {
    fn from_ref(state: &AppState) -> Self {
        let (desks, index) = (Desks::from_ref(state), Index::from_ref(state));
        let (audits, facts, access) = (Audits::from_ref(state), LogFacts::from_ref(state), Access::from_ref(state));
        Self { desks, index, audits, facts, access, clock: Arc::clone(&state.clock) }
    }
}

/// What a page handler answers.
pub(crate) enum Answer {
    /// A rendered page.
    Page(String),
    /// Another address on this server, for a hash in another spelling.
    Redirect(String),
    /// Another address, for a search that found one thing.
    Found(String),
    /// A file of rows, with the address of the rows that follow.
    Csv(Csv),
    /// Another form than a page, as it is.
    Made(Response),
}

impl Answer {
    /// A redirect that keeps the query, so that a pinned size stays pinned.
    fn moved(path: &str, from: &Uri) -> Self {
        Self::Redirect(from.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
    }
}

/// Runs one page where blocking is allowed, since the store blocks.
pub(crate) async fn serve<F>(handles: Handles, work: F) -> Response
where
    F: FnOnce(&Reader) -> Result<Answer, Trouble> + Send + 'static,
{
    let made = pool::behind(move || {
        let reader = Reader::new(handles);
        match work(&reader) {
            Ok(Answer::Page(html)) => page(StatusCode::OK, html),
            Ok(Answer::Redirect(to)) => redirect(StatusCode::PERMANENT_REDIRECT, &to),
            Ok(Answer::Found(to)) => redirect(StatusCode::SEE_OTHER, &to),
            Ok(Answer::Csv(file)) => file.answer(),
            Ok(Answer::Made(response)) => response,
            Err(trouble) => trouble.answer(&reader),
        }
    });
    made.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

pub(crate) fn page(status: StatusCode, html: String) -> Response {
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

fn redirect(status: StatusCode, to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = page(status, String::new());
    response.headers_mut().insert(header::LOCATION, location);
    response
}

static STYLESHEET_ASSET: LazyLock<Fixed> =
    LazyLock::new(|| Fixed::new("text/css; charset=utf-8", ASSET_CACHE, sheet::packed(STYLESHEET)));
static FAVICON_ASSET: LazyLock<Fixed> = LazyLock::new(|| Fixed::new("image/svg+xml", ASSET_CACHE, FAVICON));

fn asset(asset: &Fixed, headers: &HeaderMap) -> Response {
    let mut response = asset.answer(headers);
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(ASSET_POLICY));
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
