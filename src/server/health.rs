//! Is it up, is it ready, how is it doing.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::server::api::answer::{self, NO_CACHE};
use crate::server::api::pool;
use crate::server::api::problem::Problem;
use crate::server::api::query::Query;
use crate::server::api::wire::HealthJson;
use crate::server::log::Log;
use crate::server::state::AppState;
use crate::server::telemetry::Now;

/// Media type of the counters.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /healthz`: the process answers.
///
/// # Errors
/// `invalid_parameter`.
pub async fn up(uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    answer::json(&HealthJson { status: "up", tree_size: None, writes: None })
}

/// `GET /readyz`: ready only while the newest checkpoint verifies under the
/// pinned key, with the code that readers run, and the sequencer lives.
///
/// # Errors
/// `not_ready`.
pub async fn ready(State(log): State<Log>, uri: Uri) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    answer::json(&pool::read(move || check(&log)).await?)
}

fn check(log: &Log) -> Result<HealthJson, Problem> {
    let published = log.published();
    let trusted = log.policy().open(&published.note);
    if !trusted.is_ok_and(|t| t.head() == published.head) {
        return Err(Problem::new("not_ready", "the newest checkpoint does not verify under the pinned key"));
    }
    if !log.is_alive() {
        return Err(Problem::new("not_ready", "the sequencer ended; the log must be started again"));
    }
    let (is_damaged, writes) = (log.damage().is_some(), Some(log.read_only().is_none() && log.damage().is_none()));
    // It goes on being asked: what is whole is shown.
    let status = if is_damaged { "degraded" } else { "ready" };
    Ok(HealthJson { status, tree_size: Some(published.head.size.get()), writes })
}

/// `GET /metrics`.
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
        store_damaged: state.log.damage().is_some(),
    };
    let text = state.metrics.text(now).map_err(|_| Problem::internal())?;
    Ok(answer::bytes(METRICS, NO_CACHE, text))
}
