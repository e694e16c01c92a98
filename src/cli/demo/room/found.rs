//! What the log itself says of the room: asked of its API, as a reader asks.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::demo::room::book::Book;
use crate::cli::demo::room::scene::{BATCH, LEDGER, app_name};
use crate::cli::failure::Failure;
use crate::cli::http::Client;
use pulselog::text::civil;

/// How long a notification may take from the fixture into the log.
const DELIVERY_TIME_MAX: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
/// Entries that one look reads.
const PAGE_MAX: usize = 1_000;
/// Around an operation, on the page of an incident.
const AROUND_MS: i64 = 60_000;

fn asked(client: &Client, path: &str) -> Result<Value, Failure> {
    let answer = client.get(path, "application/json")?;
    if answer.status != 200 {
        return Err(Failure::fail(format!("{}: {}", client.url(path), answer.problem())));
    }
    serde_json::from_slice(&answer.body).map_err(|error| Failure::fail(format!("{}: {error}", client.url(path))))
}

/// Waits until a submitter has logged, above an index, the end of each of these
/// operations.
pub fn await_reports(client: &Client, submitter: &str, above: u64, keys: &[&str]) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let ended = ended(client, submitter, above)?;
        let Some(missing) = keys.iter().find(|key| !ended.iter().any(|ended| ended == *key)) else { return Ok(()) };
        if began.elapsed() > DELIVERY_TIME_MAX {
            return Err(Failure::fail(format!("demo: {submitter} has not logged the end of operation {missing}")));
        }
        std::thread::sleep(LOOK);
    }
}

/// Keys of the operations whose end a submitter has logged above an index.
fn ended(client: &Client, submitter: &str, above: u64) -> Result<Vec<String>, Failure> {
    let listed = asked(client, &format!("v1/entries?kind=argocd_observation&after={above}&limit={PAGE_MAX}"))?;
    let entries = listed["entries"].as_array().into_iter().flatten();
    let mut ended = Vec::new();
    for entry in entries.filter(|entry| entry["submitter"] == submitter) {
        let said = asked(client, &format!("v1/artifacts/{}", entry["artifact"].as_str().unwrap_or_default()))?;
        if matches!(said["phase"].as_str(), Some("Succeeded" | "Failed" | "Error")) {
            ended.extend(said["op_key"].as_str().map(str::to_owned));
        }
    }
    Ok(ended)
}

/// Says of a job that it is clean, and that both channels saw each of its calls.
///
/// # Errors
/// It is not.
pub fn is_clean(client: &Client, job: &str, calls: usize) -> Result<(), Failure> {
    let report = asked(client, &format!("v1/jobs/{job}"))?;
    let matched = report["matched"].as_array().map_or(&[][..], Vec::as_slice);
    let seen = matched.iter().filter(|row| row["grade"] == "seen" && row["certainty"] == "exact").count();
    if report["verdict"] != "pass" || (matched.len(), seen) != (calls, calls) {
        return Err(Failure::fail(format!("demo: job {job} is not clean: {report:#}")));
    }
    Ok(())
}

/// Codes of what is found of an application, each once, in order.
pub fn codes(client: &Client, app: &str) -> Result<Vec<String>, Failure> {
    let listed = asked(client, &format!("v1/findings?app={}", app_name(app)))?;
    let findings = listed["findings"].as_array().into_iter().flatten();
    let mut codes: Vec<_> = findings.filter_map(|finding| finding["code"].as_str().map(str::to_owned)).collect();
    codes.sort_unstable();
    codes.dedup();
    Ok(codes)
}

/// One story: its pages, and how to ask the log for it.
pub struct Told {
    pub pages: Vec<String>,
    /// What an audit is asked about.
    pub app: String,
    /// The scope and time of its incident, as flags.
    pub incident: String,
    /// Directory of that.
    pub called: &'static str,
}

/// The sync round the wrapper.
pub fn bypass(book: &Book) -> Told {
    let started = book.acted_ms.map_or(0, |(started, _)| started);
    let app = app_name(BATCH);
    let (from, to) = around(started);
    Told {
        pages: vec![format!("/apps/{app}"), format!("/incidents?app={app}&from={from}&to={to}")],
        incident: format!("--app {app} --from {from} --to {to}"),
        app,
        called: "incident-round-the-wrapper",
    }
}

/// The sync after revocation.
pub fn revoked(book: &Book) -> Told {
    let started = book.acted_ms.map_or(0, |(_, started)| started);
    let (app, token) = (app_name(LEDGER), &book.token_hash);
    let (from, to) = around(started);
    Told {
        pages: vec![
            format!("/jobs/{}", book.job),
            format!("/apps/{app}"),
            format!("/incidents?token={token}&from={from}&to={to}"),
        ],
        incident: format!("--token {token} --from {from} --to {to}"),
        app,
        called: "incident-after-revocation",
    }
}

fn around(ms: i64) -> (String, String) {
    let at = |ms: i64| civil::with_millis(ms);
    (at(ms.saturating_sub(AROUND_MS)), at(ms.saturating_add(AROUND_MS)))
}
