//! Argo CD's server log: what it refused, and what it does not show.

use pulselog::argocd::{LogCoverage, ServerLog};
use pulselog::artifact::json::{Value, to_compact};

use super::recorded::{cases, lines};
use crate::make::admit_any;
use crate::make::argocd::INSTANCE;

fn read(lines: &[&str]) -> (Vec<Value<'static>>, LogCoverage) {
    let mut log = ServerLog::default();
    let mut told: Vec<_> = lines.iter().flat_map(|line| log.line(INSTANCE, line.as_bytes())).collect();
    let (more, coverage) = log.end(INSTANCE);
    told.extend(more);
    let told = told.into_iter().map(|said| {
        let payload = said.named(b"secret");
        admit_any(&to_compact(&payload)).expect("admitted");
        payload
    });
    (told.collect(), coverage)
}

const NAMED: &str = r#"{"grpc.code":"PermissionDenied","grpc.error":"rpc error: code = PermissionDenied desc = permission denied: applications, sync, payments/payments-api, sub: proj:payments:agent-role, iat: 2026-11-20T09:59:40Z","grpc.method":"Sync","grpc.service":"application.ApplicationService","level":"warning","msg":"finished call","time":"2026-11-20T10:05:00Z"}"#;
const TRIED: &str = r#"{"application":"billing-api","level":"warning","msg":"user tried to get application which they do not have access to: rpc error: code = PermissionDenied desc = permission denied: applications, get, payments/billing-api, sub: proj:payments:agent-role, iat: 2026-11-20T09:59:40Z","security":2,"time":"2026-11-20T10:05:00Z","user":"proj:payments:agent-role"}"#;
const BARE: &str = r#"{"grpc.code":"PermissionDenied","grpc.error":"rpc error: code = PermissionDenied desc = permission denied","grpc.method":"Rollback","grpc.service":"application.ApplicationService","level":"warning","msg":"finished call","time":"2026-11-20T10:05:00Z"}"#;
const REVOKED: &str = r#"{"grpc.code":"Unauthenticated","grpc.error":"rpc error: code = Unauthenticated desc = invalid session: JWT token for role 'agent-role' issued at '1795168780' does not exist in project 'payments'","grpc.method":"Sync","grpc.service":"application.ApplicationService","msg":"finished call","time":"2026-11-20T10:05:00Z"}"#;

fn call(token: &str) -> String {
    format!(
        r#"{{"grpc.request.claims":"{{\"iss\":\"argocd\",\"jti\":\"{token}\",\"sub\":\"proj:payments:agent-role\"}}","grpc.request.content":{{"name":"payments-api"}},"msg":"received unary call /application.ApplicationService/Sync","time":"2026-11-20T10:05:00Z"}}"#
    )
}

#[track_caller]
fn says(denial: &Value, members: &[(&str, Option<&str>)]) {
    for (name, wanted) in members {
        assert_eq!(denial.text_at(name), *wanted, "{name}: {}", to_compact(denial));
    }
}

#[test]
fn a_refusal_names_who_what_and_which_right_was_missing() {
    let (told, coverage) = read(&[NAMED]);
    says(
        &told[0],
        &[
            ("channel", Some("server_log")),
            ("event", Some("denial")),
            ("method", Some("application.ApplicationService/Sync")),
            ("code", Some("PermissionDenied")),
            ("subject", Some("proj:payments:agent-role")),
            ("verb", Some("applications, sync")),
            ("object", Some("payments/payments-api")),
            ("at", Some("2026-11-20T10:05:00Z")),
            ("token_id", None),
        ],
    );
    assert_eq!((told.len(), coverage.denials, coverage.lines), (1, 1, 1));
}

#[test]
fn a_refusal_at_look_up_takes_its_method_from_the_end_of_its_call() {
    let (told, coverage) = read(&[TRIED, BARE]);
    says(&told[0], &[("method", Some("application.ApplicationService/Rollback")), ("verb", Some("applications, get"))]);
    assert_eq!((told.len(), coverage.refusals_unnamed), (1, 0));
    let (told, _) = read(&[TRIED]);
    says(&told[0], &[("method", Some("unknown")), ("object", Some("payments/billing-api"))]);
}

#[test]
fn a_bare_refusal_names_nobody_and_is_counted() {
    let (told, coverage) = read(&[BARE]);
    assert_eq!((told.len(), coverage.refusals_unnamed), (0, 1));
}

#[test]
fn a_token_is_named_where_one_alone_can_be_meant() {
    let (one, other) = (call("cst_1"), call("cst_2"));
    let (told, coverage) = read(&[&one, NAMED]);
    says(&told[0], &[("token_id", Some("cst_1"))]);
    assert_eq!((coverage.calls_with_claims, coverage.calls_without_claims), (1, 0));
    let (told, _) = read(&[&one, &other, NAMED]);
    says(&told[0], &[("token_id", None)]);
    let (_, coverage) = read(&[&one.replace("grpc.request.claims", "other")]);
    assert_eq!((coverage.calls_with_claims, coverage.calls_without_claims), (0, 1));
}

#[test]
fn a_call_with_a_revoked_token_of_a_role_names_the_role() {
    let (told, _) = read(&[REVOKED]);
    says(&told[0], &[("subject", Some("proj:payments:agent-role")), ("code", Some("Unauthenticated"))]);
}

#[test]
fn the_same_line_is_the_same_artifact_and_odd_lines_are_counted() {
    let (first, _) =
        read(&[NAMED, "time=\"2026\" level=info msg=x", "", "[]", "{\"msg\":1}", "{\"msg\":\"finished call\"}"]);
    let (again, coverage) = read(&[NAMED, &"x".repeat(2 << 20), "{"]);
    assert_eq!(first, again);
    assert_eq!((coverage.lines, coverage.unread), (3, 2));
}

/// What was refused in the recordings, by the answers that the callers got.
#[test]
fn recorded_refusals_come_out_of_the_recorded_log() {
    let Some(cases) = cases() else { return };
    let (mut denials, mut coverage) = (Vec::new(), LogCoverage::default());
    for (_, case) in &cases {
        let text: Vec<_> = lines(case, "argocd-server-log.ndjson").iter().map(to_compact).collect();
        let (told, read) = read(&text.iter().map(String::as_str).collect::<Vec<_>>());
        denials.extend(told);
        coverage.calls_without_claims += read.calls_without_claims;
        coverage.calls_with_claims += read.calls_with_claims;
        coverage.refusals_unnamed += read.refusals_unnamed;
        coverage.unread += read.unread;
    }
    for denial in &denials {
        let word = |name: &str| denial.text_at(name).unwrap_or("-").to_owned();
        println!("{} {} {} {}", word("method"), word("subject"), word("verb"), word("object"));
    }
    println!("{coverage:?}");
    assert_eq!((coverage.unread, coverage.calls_with_claims), (0, 0));
    let syncs = denials.iter().filter(|denial| {
        denial.text_at("method") == Some("application.ApplicationService/Sync")
            && denial.text_at("subject") == Some("argo-deploy-assistant")
    });
    assert!(syncs.count() >= 4);
    assert!(denials.iter().any(|denial| denial.text_at("verb") == Some("applications, override")));
    // The API server was down, or a sync window closed: nobody is accused.
    assert!(coverage.refusals_unnamed > 0);
}
