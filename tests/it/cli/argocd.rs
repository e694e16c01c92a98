//! `argocd notifications-config`: what is printed, merged and refused.

use crate::cli::{Ran, run, run_with};

const US: [&str; 4] = ["--url", "https://log.example.com", "--instance", "argocd-prod"];

fn config(more: &[&str], input: &str) -> Ran {
    run_with(&[&["argocd", "notifications-config"], &US[..], more].concat(), input.as_bytes())
}

#[track_caller]
fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
}

const MAP: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"argocd-notifications-cm","namespace":"argocd"},
    "data":{"subscriptions":"SUBSCRIPTIONS","context":"a: b\n"}}"#;

#[test]
fn the_configuration_is_printed_to_be_applied() {
    let ran = config(&[], "");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.err);
    for line in
        ["kind: Secret", "kind: ConfigMap", "  namespace: argocd", "    url: https://log.example.com/v1/ingest/argocd"]
    {
        assert!(ran.out.lines().any(|printed| printed == line), "{line}\n{}", ran.out);
    }
    assert!(config(&["--namespace", "cd"], "").out.contains("  namespace: cd\n"));
}

#[test]
fn a_config_map_is_merged_into_and_the_token_is_not_forgotten() {
    let map = MAP.replace("SUBSCRIPTIONS", r"- recipients: [slack]\n  triggers: [a]\n");
    let ran = config(&["--merge", "-"], &map);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let after: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(after["data"]["context"], "a: b\n");
    let subscriptions = after["data"]["subscriptions"].as_str().expect("a text");
    assert!(
        subscriptions.starts_with("- recipients: [slack]\n") && subscriptions.contains("[pulselog]"),
        "{subscriptions}"
    );
    assert!(after["data"]["template.pulselog-operation"].is_string());
    assert!(ran.err.contains("argocd-notifications-secret") && ran.err.contains("pulselog-token"), "{}", ran.err);
}

#[test]
fn what_cannot_be_merged_is_refused_with_what_to_do() {
    let flow = MAP.replace("SUBSCRIPTIONS", "[{recipients: [slack]}]");
    refused(&config(&["--merge", "-"], &flow), 1, &["  - recipients: [pulselog]\n", "data.subscriptions", "by hand"]);
    refused(&config(&["--merge", "-"], "apiVersion: v1\n"), 1, &["--merge", "kubectl get configmap", "-o json"]);
    refused(
        &config(&["--merge", "-"], &MAP.replace("argocd-notifications-cm", "argocd-cm")),
        1,
        &["another ConfigMap"],
    );
    refused(&config(&["--merge", "/nowhere/cm.json"], ""), 2, &["--merge", "/nowhere/cm.json"]);
}

#[test]
fn an_address_or_name_that_would_break_it_is_wrong_usage() {
    let with =
        |url: &str, instance: &str| run(&["argocd", "notifications-config", "--url", url, "--instance", instance]);
    refused(&with("log.example.com", "prod"), 2, &["--url"]);
    refused(&with("https://log", "Prod EU"), 2, &["--instance"]);
    refused(&run(&["argocd", "notifications-config", "--instance", "prod"]), 2, &["--url"]);
}

#[cfg(feature = "server")]
#[test]
fn refusals_in_a_servers_log_are_logged_once_and_what_it_lacks_is_told() {
    use crate::make::service::Service;
    let service = Service::start();
    let options = pulselog::server::submitters::TokenOptions {
        allow_unsigned: Some((crate::make::kind("argocd_observation"), Some("server_log".into()))),
        instance: Some("argocd-prod".into()),
        ..Default::default()
    };
    let token = service.root().join("log.token");
    std::fs::write(&token, crate::make::service::token(&service.data(), "log-1", options)).expect("written");
    let denied = r#"{"grpc.code":"PermissionDenied","grpc.error":"desc = permission denied: applications, sync, p/a, sub: agent, iat: x","grpc.method":"Sync","grpc.service":"S","msg":"finished call","time":"2026-11-20T10:05:00Z"}"#;
    let log = format!("{denied}\n{}\n", r#"{"msg":"received unary call /S/Sync","time":"2026-11-20T10:05:00Z"}"#);
    let ingest = |instance: &str, more: &[&str], log: &str| {
        let file = token.display().to_string();
        run_with(
            &[&["argocd", "ingest-log", "--instance", instance, "--token-file", &file], more].concat(),
            log.as_bytes(),
        )
    };
    let url = service.base();
    for _ in 0..2 {
        let ran = ingest("argocd-prod", &["--url", &url], &log);
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
        assert!(ran.err.contains("2 lines: 1 refused calls") && ran.err.contains("of 1 not"), "{}", ran.err);
        // The refusal, and what was read.
        assert_eq!(service.size(), 2);
    }
    let printed = ingest("argocd-prod", &[], &log);
    let lines: Vec<serde_json::Value> =
        printed.out.lines().map(|line| serde_json::from_str(line).expect("one a line")).collect();
    assert_eq!((lines[0]["subject"].as_str(), lines[0]["object"].as_str()), (Some("agent"), Some("p/a")));
    assert_eq!((lines.len(), lines[1]["event"].as_str(), lines[1]["lines"].as_i64()), (2, Some("log_read"), Some(2)));
    assert_eq!(ingest("argocd-prod", &["--url", &url], "level=info msg=x\n").code, 3);
    refused(&ingest("argocd-other", &["--url", &url], &log), 1, &["instance_not_granted", "server_log"]);
    refused(&ingest("Prod EU", &[], &log), 2, &["--instance"]);
}

/// What help and documents say of times is what is done and judged.
#[cfg(feature = "server")]
#[test]
fn help_and_documents_say_the_times_between_looks_as_they_are() {
    use crate::make::project;
    use pulselog::argocd::round::HEARTBEAT_MS;
    use pulselog::argocd::{PART_MS, SILENCE_MS};
    use pulselog::audit::WINDOWS;
    const NUMBERS: [&str; 11] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let minutes = |ms: i64| format!("{} minutes", NUMBERS[usize::try_from(ms / 60_000).expect("a time")]);
    let window = |name: &str| WINDOWS.iter().find(|of| of.name == name).expect("a window").ms;
    let (heartbeat, longest) = (minutes(HEARTBEAT_MS), minutes(window("LOOK") + window("SKEW")));
    let document = |name: &str| std::fs::read_to_string(project(name)).expect("a document");
    let poll = run(&["argocd", "poll", "--help"]).out.replace('\n', " ");
    assert!(poll.contains(&format!("a heartbeat within {heartbeat}")), "{heartbeat}: {poll}");
    assert!(poll.contains(&format!("longer than {longest}")) && poll.contains("(COVERAGE_GAP)"), "{longest}: {poll}");
    assert!(document("docs/PEERS.md").contains(&format!("within {heartbeat}")), "{heartbeat}");
    assert!(
        document("docs/CONNECT.md")
            .contains(&format!("looked twice within {longest}, or three times, owes the next look")),
        "{longest}"
    );
    let read = run(&["argocd", "ingest-log", "--help"]).out.replace('\n', " ");
    let (part, silence) = (minutes(PART_MS), minutes(SILENCE_MS));
    assert!(read.contains(&format!("in parts of {part}")) && read.contains("(SERVER_LOG_GAP)"), "{part}: {read}");
    assert!(read.contains(&format!("more than {silence} apart")), "{silence}: {read}");
}
