//! Argo CD's server log: what it refused, and what it does not show.

use pulselog::argocd::{LogCoverage, ServerLog};
use pulselog::artifact::json::{Value, to_compact};

use super::recorded::{cases, lines};
use crate::make::admit_any;
use crate::make::argocd::INSTANCE;

/// The refusals that these lines make known.
fn read(lines: &[&str]) -> (Vec<Value<'static>>, LogCoverage) {
    let (mut told, coverage) = read_all(lines);
    told.retain(|said| said.text_at("event") == Some("denial"));
    (told, coverage)
}

fn read_all(lines: &[&str]) -> (Vec<Value<'static>>, LogCoverage) {
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

/// Nothing tells whose end a bare one is: a stranger's refused sync is none of
/// the agent's, who was refused a look.
#[test]
fn of_two_users_who_are_refused_at_look_up_neither_takes_the_others_method() {
    let stranger = TRIED.replace("proj:payments:agent-role", "stranger");
    let sync = BARE.replace("Rollback", "Sync");
    let look = BARE.replace("Rollback", "Get");
    let (told, _) = read(&[TRIED, &stranger, &sync, &look]);
    let agents: Vec<_> =
        told.iter().filter(|said| said.text_at("subject") == Some("proj:payments:agent-role")).collect();
    assert_eq!(agents.len(), 1);
    assert_ne!(agents[0].text_at("method"), Some("application.ApplicationService/Sync"));
}

#[test]
fn an_object_that_is_spelled_like_a_subject_charges_nobody_else() {
    let odd = NAMED.replace("payments/payments-api", "payments/x, sub: alice, iat: 2026-11-20T09:00:00Z");
    let object = "payments/x, sub: alice, iat: 2026-11-20T09:00:00Z";
    says(&read(&[&odd]).0[0], &[("subject", Some("proj:payments:agent-role")), ("object", Some(object))]);
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

/// A line that says nothing, at a time.
fn quiet(time: &str) -> String {
    format!(r#"{{"msg":"finished call","grpc.code":"OK","time":"2026-11-20T{time}Z"}}"#)
}

/// Parts that these lines make known: from, until, lines.
#[track_caller]
fn parts(lines: &[&str]) -> Vec<(String, String, i64)> {
    let (told, _) = read_all(lines);
    let parts = told.iter().filter(|said| said.text_at("event") == Some("log_read"));
    let time = |said: &Value<'_>, name: &str| said.text_at(name).expect("a time")[11..19].to_owned();
    let count = |said: &Value<'_>| said.get("lines").and_then(Value::as_i64).expect("a count");
    parts.map(|said| (time(said, "from"), time(said, "until"), count(said))).collect()
}

#[track_caller]
fn are_parts(times: &[&str], wanted: &[(&str, &str, i64)]) {
    let lines: Vec<_> = times.iter().map(|time| quiet(time)).collect();
    let found = parts(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let found: Vec<_> = found.iter().map(|(from, until, lines)| (from.as_str(), until.as_str(), *lines)).collect();
    assert_eq!(found, wanted);
}

#[test]
fn what_was_read_is_told_part_by_part_each_from_where_the_one_before_it_ended() {
    let times = ["10:00:10", "10:03:59", "10:04:00", "10:05:00", "10:09:59"];
    let wanted = [("10:00:10", "10:03:59", 2), ("10:03:59", "10:05:00", 2), ("10:05:00", "10:09:59", 1)];
    are_parts(&times, &wanted);
}

#[test]
fn lines_further_apart_than_a_silence_may_be_are_not_one_piece() {
    are_parts(&["10:00:00", "10:05:00"], &[("10:00:00", "10:00:00", 1), ("10:00:00", "10:05:00", 1)]);
    are_parts(&["10:00:00", "10:05:01"], &[("10:00:00", "10:00:00", 1), ("10:05:01", "10:05:01", 1)]);
    // Several calls write at once, and a clock is put right.
    are_parts(&["11:00:00", "10:00:00", "11:00:01"], &[("11:00:00", "11:00:01", 3)]);
    are_parts(&["11:00:00", "09:59:59"], &[("11:00:00", "11:00:00", 1), ("09:59:59", "09:59:59", 1)]);
    let (_, coverage) = read(&[&quiet("10:00:00"), &quiet("10:05:01"), &quiet("09:00:00"), &quiet("09:00:00")]);
    assert_eq!(coverage.breaks, 2);
}

#[test]
fn lines_that_are_read_again_make_the_same_parts() {
    let lines: Vec<_> = (0..120).map(|at| quiet(&format!("10:{:02}:{:02}", at / 6, at % 6 * 10))).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (first, _) = read_all(&lines);
    assert_eq!(read_all(&lines).0, first);
    // From the middle of a part on: that part is another one, the rest are not.
    let (later, _) = read_all(&lines[50..]);
    let known = later.iter().filter(|said| first.contains(said)).count();
    assert_eq!((first.len(), later.len(), known), (5, 3, 2));
}

#[test]
fn a_part_says_how_much_of_it_nobody_can_tell() {
    let claims = call("cst_1").replace("grpc.request.claims", "other");
    let (told, _) = read_all(&["no json", &quiet("10:04:30"), "no json", BARE, &claims]);
    let count = |name: &str| told[0].get(name).and_then(Value::as_i64);
    let counts = ["lines", "unread", "unnamed", "tokenless"].map(count);
    assert_eq!((told.len(), counts), (1, [Some(5), Some(2), Some(1), Some(1)]));
    assert!(read_all(&["no json", r#"{"msg":"x"}"#]).0.is_empty(), "nothing has a time");
}

#[test]
fn a_part_is_told_after_every_refusal_in_it() {
    let next = quiet("10:08:00");
    let bare = BARE.replace("10:05:00", "10:08:30");
    for (lines, method) in [
        // The end of the call comes in time; it never does; the log breaks off.
        (vec![TRIED, &next.replace("10:08", "10:05"), &bare.replace("10:08:30", "10:05:59")], "Rollback"),
        (vec![TRIED, &next, &quiet("10:08:01")], "unknown"),
        (vec![TRIED, &quiet("12:00:00")], "unknown"),
    ] {
        let (told, _) = read_all(&lines);
        assert!(told[0].text_at("method").is_some_and(|of| of.ends_with(method)), "{}", to_compact(&told[0]));
        assert!(told[1..].iter().all(|said| said.text_at("event") == Some("log_read")));
    }
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
