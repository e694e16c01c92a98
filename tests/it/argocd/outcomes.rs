//! The outcome of a call by Argo CD's answer.

use std::collections::BTreeMap;
use std::fs;

use pulselog::argocd::{CallAnswer, CallOutcome, outcome};
use pulselog::artifact::json::{Value, parse};

use crate::make::{project, shared};

fn of(http_status: u16, grpc_code: Option<u8>, message: &str) -> CallOutcome {
    outcome(Some(CallAnswer { http_status, grpc_code, message }))
}

#[test]
fn an_answer_has_one_outcome() {
    let named = "permission denied: applications, sync, payments/api, sub: agent, iat: 2026-11-26T04:54:46Z";
    for (http, code, message, wanted) in [
        (200, None, "", CallOutcome::Accepted),
        (200, Some(0), "", CallOutcome::Accepted),
        (403, Some(7), named, CallOutcome::RefusedRbac),
        (403, Some(7), "permission denied", CallOutcome::ErrorTransport),
        (403, None, named, CallOutcome::ErrorTransport),
        (403, Some(7), "cannot sync: blocked by sync window", CallOutcome::RefusedSyncWindow),
        (403, Some(7), "cannot sync: invalid sync window", CallOutcome::RefusedSyncWindow),
        (400, Some(3), "Patch type 'strategic' is not supported", CallOutcome::RefusedPrecondition),
        (404, Some(5), "applications.argoproj.io \"a\" not found", CallOutcome::RefusedPrecondition),
        (400, Some(9), "application is deleting", CallOutcome::RefusedPrecondition),
        (404, None, "", CallOutcome::ErrorTransport),
        (401, Some(16), "no session information", CallOutcome::NotSent),
        (401, None, "", CallOutcome::NotSent),
        (415, None, "Invalid content type", CallOutcome::NotSent),
        (302, None, "", CallOutcome::ErrorTransport),
        (429, Some(8), "", CallOutcome::ErrorTransport),
        (500, Some(2), "", CallOutcome::ErrorTransport),
        (502, Some(5), "", CallOutcome::ErrorTransport),
        (504, None, "", CallOutcome::ErrorTransport),
        // gRPC-Web: 200, and the code says what came of it.
        (200, Some(7), named, CallOutcome::RefusedRbac),
        (200, Some(9), "", CallOutcome::RefusedPrecondition),
        (200, Some(14), "", CallOutcome::ErrorTransport),
    ] {
        assert_eq!(of(http, code, message), wanted, "{http} {code:?} {message}");
    }
    assert_eq!(outcome(None), CallOutcome::ErrorTransport);
}

/// A table that somebody reads is the one that the code has.
#[test]
fn the_written_table_of_outcomes_is_the_codes() {
    let text = fs::read_to_string(project("docs/PEERS.md")).expect("the text");
    for row in pulselog::argocd::OUTCOMES {
        let numbers = |numbers: &[String]| if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
        let http: Vec<_> = row.http.iter().map(u16::to_string).collect();
        let grpc: Vec<_> = row.grpc.iter().map(u8::to_string).collect();
        let message: Vec<_> = row.message.iter().map(|begin| format!("`{begin}`")).collect();
        let message = if message.is_empty() { "any".to_owned() } else { message.join(", ") };
        let (http, grpc) = (numbers(&http), numbers(&grpc));
        let line = format!("| {http} | {grpc} | {message} | `{}` | {} |", row.outcome.name(), row.because);
        assert!(text.contains(&line), "docs/PEERS.md 7.9 lacks\n{line}");
    }
}

/// Calls that change something, as they were recorded.
#[test]
fn recorded_answers_have_the_outcomes_that_are_written_down() {
    let Some(dir) = shared("argocd") else { return };
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut files: Vec<_> = fs::read_dir(dir).expect("cases").flatten().map(|case| case.path()).collect();
    files.sort();
    for case in files.iter().filter(|path| path.is_dir()) {
        for file in fs::read_dir(case).expect("files").flatten().map(|file| file.path()) {
            if file.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let text = fs::read(&file).expect("a file");
            let exchange = parse(&text, 64).expect("JSON");
            let Some(status) = exchange.at("response.status").and_then(Value::as_i64) else { continue };
            let path = exchange.text_at("request.path").unwrap_or_default();
            if exchange.text_at("request.method") == Some("GET") || !path.starts_with("/api/v1/applications") {
                continue;
            }
            let code = exchange.at("response.body.code").and_then(Value::as_i64);
            let message = exchange.text_at("response.body.message").unwrap_or_default();
            let status = u16::try_from(status).expect("a status");
            let got = of(status, code.map(|code| u8::try_from(code).expect("a code")), message);
            let name = format!("{status} {} {}", code.map_or("-".into(), |code| code.to_string()), kind_of(message));
            found.entry(name).or_default().push(got.name());
        }
    }
    for (answer, outcomes) in &mut found {
        outcomes.sort_unstable();
        outcomes.dedup();
        println!("{answer}: {outcomes:?}");
    }
    for (answer, wanted) in [
        ("200 - ", "accepted"),
        ("400 3 ", "refused_precondition"),
        ("400 9 ", "refused_precondition"),
        ("401 16 ", "not_sent"),
        ("403 7 bare", "error_transport"),
        ("403 7 named", "refused_rbac"),
        ("403 7 window", "refused_sync_window"),
        ("404 5 ", "refused_precondition"),
        ("405 - ", "error_transport"),
        ("415 - ", "not_sent"),
        ("500 13 ", "error_transport"),
        ("500 2 ", "error_transport"),
    ] {
        assert_eq!(found.remove(answer), Some(vec![wanted]), "{answer}");
    }
    assert!(found.is_empty(), "{found:?}");
}

fn kind_of(message: &str) -> &'static str {
    match message {
        "permission denied" => "bare",
        text if text.starts_with("permission denied: applications,") => "named",
        text if text.contains("sync window") => "window",
        _ => "",
    }
}
