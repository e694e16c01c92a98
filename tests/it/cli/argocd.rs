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
