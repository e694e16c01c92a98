//! Reports and findings, at any size that the log has had.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use crate::audit::{Scope, Severity, explain};
use crate::codes::service;
use crate::merkle::{Hash, TreeSize};
use crate::server::api::answer::{self, Judged, Spelled};
use crate::server::api::problem::Problem;
use crate::server::api::query::{NAME_BYTES_MAX, Param, Query, Takes, segments};
use crate::server::api::wire::audited::{FindingListJson, ScopeReportJson};
use crate::server::desk::Desks;
use crate::server::judge::{Audits, Filter};
use crate::server::log::clock::Clock;
use crate::server::log::view::View;
use crate::server::pool;

/// Findings of one page unless asked otherwise, and at most.
const LIMIT_USUAL: usize = 100;
const LIMIT_MAX: usize = 1_000;

const SEVERITY_NAMES: [&str; 5] = ["info", "low", "medium", "high", "critical"];

const AT: Param = Param {
    name: "at",
    takes: Takes::Size,
    required: false,
    meaning: "any size that the log has had, at least 1; the newest published one when absent",
};

/// Query of the reports.
pub const AT_QUERY: &[Param] = &[AT];

const fn only(name: &'static str, takes: Takes, meaning: &'static str) -> Param {
    Param { name, takes, required: false, meaning }
}

const NAME: Takes = Takes::Text(NAME_BYTES_MAX);

/// Query of the findings.
pub const FINDINGS_QUERY: &[Param] = &[
    only("code", Takes::Code, "only findings of this code"),
    only(
        "severity",
        Takes::OneOf(&SEVERITY_NAMES),
        "only findings at least this bad: info, low, medium, high or critical",
    ),
    only("job", NAME, "the report of this job"),
    only("run", NAME, "the report of this run; needs `agent`"),
    only("agent", NAME, "only what is charged to this agent, by DID"),
    only("token", Takes::Hash, "the report of this token, by lowercase hex hash"),
    only("app", NAME, "only what is charged to this application: instance/namespace/name"),
    AT,
    Param {
        name: "after",
        takes: Takes::Number,
        required: false,
        meaning: "cursor: the `next` of the page before, with the same filter and `at`",
    },
    Param {
        name: "limit",
        takes: Takes::UpTo(LIMIT_MAX),
        required: false,
        meaning: "1 to 1000, usually 100: a page ends with the entry at which it holds so many; a page also ends after 2000 entries were looked through",
    },
];

/// `GET /v1/findings`.
///
/// # Errors
/// `invalid_parameter`, `size_not_published`, `index_behind`,
/// `scope_too_large`, store codes.
pub async fn findings(State(desks): State<Desks>, State(audits): State<Audits>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::read(&uri, FINDINGS_QUERY)?;
    let filter = filter(&query)?;
    let (after, limit) = (query.number("after")?, query.limit(LIMIT_USUAL, LIMIT_MAX)?);
    let page = pool::read(move || {
        let sitting = audits.sit(desks.open());
        let (size, beyond) = size_at(&query, &sitting.desk.view)?;
        let document = FindingListJson::from(sitting.findings(&filter, size, after, limit)?);
        answer::judged(&Judged { document, beyond, overdue: None })
    });
    page.await
}

fn filter(query: &Query) -> Result<Filter, Problem> {
    let text = |name| query.text(name).map(str::to_owned);
    for name in ["job", "run", "agent", "app"] {
        if query.text(name).is_some_and(|text| !(1..=NAME_BYTES_MAX).contains(&text.len())) {
            return Err(Problem::parameter(name, format!("must have 1 to {NAME_BYTES_MAX} bytes")));
        }
    }
    let severity = query.text("severity").map(|word| {
        let no_severity = || Problem::parameter("severity", "must be info, low, medium, high or critical");
        Severity::parse(word).ok_or_else(no_severity)
    });
    let rule = query.text("code").map(|code| {
        let no_rule = || Problem::parameter("code", "names no rule of the audit");
        explain(code).ok_or_else(no_rule)
    });
    let rule = rule.transpose()?;
    if query.text("run").is_some() && query.text("agent").is_none() {
        return Err(Problem::parameter("agent", "is required with run"));
    }
    if query.text("token").is_some_and(|hash| Hash::from_hex(hash).is_err()) {
        return Err(Problem::parameter("token", "must be 64 lowercase hex digits"));
    }
    Ok(Filter {
        rule,
        severity: severity.transpose()?,
        job: text("job"),
        run: text("run"),
        agent: text("agent"),
        token: text("token"),
        app: text("app"),
    })
}

/// What a report is made with.
type Reads = (State<Desks>, State<Audits>, State<Arc<dyn Clock>>);

/// `GET /v1/jobs/{id}`.
///
/// # Errors
/// As [`findings`], and `scope_not_found`.
pub async fn job(state: Reads, id: Result<Path<String>, PathRejection>, uri: Uri) -> Result<Response, Problem> {
    report(state, &uri, || Ok(Scope::Job(segments("id", id)?))).await
}

/// `GET /v1/runs/{agent}/{run}`.
///
/// # Errors
/// As [`job`].
pub async fn run(
    state: Reads,
    named: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let scope = || segments("run", named).map(|(agent, run)| Scope::Run { agent, run });
    report(state, &uri, scope).await
}

/// `GET /v1/tokens/{hash}`.
///
/// # Errors
/// As [`job`].
pub async fn token(state: Reads, hash: Result<Path<String>, PathRejection>, uri: Uri) -> Result<Response, Problem> {
    match answer::hash_before("hash", &segments("hash", hash)?, "/v1/tokens/", &answer::query_of(&uri))? {
        Spelled::Canonical(hash) => report(state, &uri, || Ok(Scope::Token(hash.to_hex()))).await,
        Spelled::Otherwise(response) => Ok(*response),
    }
}

async fn report(
    (State(desks), State(audits), State(clock)): Reads,
    uri: &Uri,
    scope: impl FnOnce() -> Result<Scope, Problem>,
) -> Result<Response, Problem> {
    let (query, scope) = (Query::read(uri, AT_QUERY)?, scope()?);
    let report = pool::read(move || {
        let sitting = audits.sit(desks.open());
        let (size, beyond) = size_at(&query, &sitting.desk.view)?;
        let made = sitting.report(&scope, size)?;
        if !made.is_known {
            sitting.desk.view.check_none(size)?;
            let detail = format!("nobody whose word counts speaks of it among {size} entries");
            return Err(Problem::new(&service::SCOPE_NOT_FOUND, detail));
        }
        let overdue = answer::overdue(&made.report.pending, beyond, clock.read().wall_ms);
        answer::judged(&Judged { document: ScopeReportJson::from(&*made), beyond, overdue })
    });
    report.await
}

/// The size asked for, any that the log has had, and how many entries the
/// published checkpoint proves beyond it.
pub(super) fn size_at(query: &Query, view: &View) -> Result<(TreeSize, u64), Problem> {
    match query.number("at")?.map(TreeSize::new) {
        None => Ok((view.size(), 0)),
        Some(TreeSize::ZERO) => Err(Problem::parameter("at", "must be at least 1")),
        Some(size) if size > view.size() => {
            view.check_reach(size)?;
            let detail = format!("at: the log has {} entries, not {size}", view.size());
            Err(Problem::new(&service::SIZE_NOT_PUBLISHED, detail).at("at"))
        }
        Some(size) => Ok((size, view.size().get() - size.get())),
    }
}
