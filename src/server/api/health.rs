//! Is it up, is it ready, how is it doing.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::codes::{Code, service};
use crate::server::api::answer::{self, NO_CACHE};
use crate::server::api::problem::Problem;
use crate::server::api::query::Query;
use crate::server::api::wire::HealthJson;
use crate::server::log::Log;
use crate::server::pool;
use crate::server::state::AppState;
use crate::server::submitters::live::Tokens;
use crate::server::telemetry::Now;

/// Media type of the counters.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: the process answers.
///
/// # Errors
/// `invalid_parameter`.
pub async fn up(uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    answer::json(&HealthJson { status: "up", ..HealthJson::default() })
}

/// `GET /readyz`: ready only while the newest checkpoint verifies under the
/// pinned key, with the code that readers run, and the sequencer lives.
///
/// # Errors
/// `not_ready`.
pub async fn ready(State(state): State<AppState>, uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    answer::json(&pool::read(move || check(&state.log, &state.tokens)).await?)
}

/// Codes of what refuses writes now; whoever submits is told one of them.
fn refusals(log: &Log, tokens: &Tokens) -> Vec<&'static Code> {
    log.refusals().into_iter().chain(tokens.refusal()).collect()
}

fn check(log: &Log, tokens: &Tokens) -> Result<HealthJson, Problem> {
    let published = log.published();
    let trusted = log.policy().open(&published.note);
    if !trusted.is_ok_and(|t| t.head() == published.head) {
        return Err(Problem::new(&service::NOT_READY, "the newest checkpoint does not verify under the pinned key"));
    }
    if !log.is_alive() {
        return Err(Problem::new(&service::NOT_READY, "the sequencer ended; the log must be started again"));
    }
    let refused = refusals(log, tokens);
    // It goes on being asked while a part is damaged: what is whole is shown.
    let damaged = log.damaged();
    let status = if damaged.is_empty() { "ready" } else { "degraded" };
    Ok(HealthJson {
        status,
        writes: Some(refused.is_empty()),
        writes_refused: Some(refused).filter(|codes| !codes.is_empty()),
        damaged: Some(damaged).filter(|names| !names.is_empty()),
    })
}

/// `GET /metrics`, on the listener of its own: it tells sizes, rates and what is
/// asked for, which is the operator's business.
///
/// # Errors
/// `invalid_parameter`.
pub async fn metrics(State(state): State<AppState>, uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let now = Now {
        published_size: state.log.published().head.size.get(),
        indexed_size: state.index.followed().get(),
        queue_entries: state.log.waiting() as u64,
        sequencer_alive: state.log.is_alive(),
        read_only: state.log.read_only().is_some(),
        store_damaged: !state.log.damaged().is_empty(),
        scrub: state.scrub.progress(),
    };
    let refused = refusals(&state.log, &state.tokens);
    let text = state.metrics.text(now, &refused).map_err(|_| Problem::internal())?;
    Ok(answer::bytes(METRICS, NO_CACHE, text))
}
