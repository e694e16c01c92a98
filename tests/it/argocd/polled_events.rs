//! Events of Kubernetes: they tell the operations that were over before anybody
//! looked, and those that nobody asked argocd-server for.

use pulselog::argocd::round::Found;
use pulselog::artifact::json::Value;

use crate::make::argocd::{json, state};
use crate::make::argocd_rounds::{Poller, resource, told};

fn event(version: u32, of_version: u32, reason: &str, message: &str, user: Option<&str>) -> Value<'static> {
    let annotations = user.map_or(String::new(), |user| format!(r#","annotations":{{"user":"{user}"}}"#));
    json(&format!(
        r#"{{"metadata":{{"name":"payments-api.1","namespace":"argocd","uid":"event-{version}",
            "resourceVersion":"{version}","creationTimestamp":"2026-11-26T04:57:{version:02}Z"{annotations}}},
           "involvedObject":{{"kind":"Application","uid":"b245d4ae-7bb9-40c5-be90-e7630803033b",
            "resourceVersion":"{of_version}"}},
           "reason":"{reason}","message":"{message}","firstTimestamp":"2026-11-26T04:57:{version:02}Z","eventTime":null}}"#
    ))
}

/// What a round with these events says that it did not say before.
fn said(poller: &mut Poller, version: &str, events: &[Value<'static>]) -> Vec<Value<'static>> {
    let started = format!("2026-11-26T04:56:{}Z", &version[1..]);
    let running =
        state(&[("phase", Some("Running".into())), ("startedAt", Some(started.as_str().into())), ("finishedAt", None)]);
    let app = resource(&[("status.operationState", running), ("metadata.resourceVersion", version.into())]);
    poller.round_with(version, &[app], true, |_| Found::Nothing, events);
    poller.observed.iter().filter(|payload| payload.text_at("channel") == Some("k8s_event")).cloned().collect()
}

#[test]
fn events_of_operations_are_observed_once_and_no_others() {
    let mut poller = Poller::new();
    poller.round("100", &[resource(&[])]);
    let mut events = vec![
        event(10, 120, "OperationStarted", "agent initiated sync to main (16d61cc)", Some("agent")),
        event(11, 121, "OperationCompleted", "Sync operation to 16d61cc succeeded", None),
        event(12, 122, "ResourceUpdated", "Updated health status: A -> B", None),
        event(13, 130, "OperationStarted", "agent initiated rollback to 6", Some("agent")),
        event(14, 131, "ResourceUpdated", "alice terminated running operation", Some("alice")),
        event(15, 131, "OperationCompleted", "Sync operation to 16d61cc failed: Operation terminated", None),
        event(16, 140, "OperationStarted", "Initiated automated sync to '16d61cc'", None),
    ];
    let first = said(&mut poller, "101", &events);
    let words: Vec<_> = first.iter().map(told).collect();
    let expected = [
        "k8s_event sync Running unnamed",
        "k8s_event sync Succeeded unnamed",
        "k8s_event rollback Running unnamed",
        "k8s_event terminate Terminating unnamed",
        "k8s_event sync Failed unnamed",
        "k8s_event sync Running unnamed",
    ];
    assert_eq!(words, expected);
    let of = |at: usize, path: &str| first[at].text_at(path).map(str::to_owned);
    assert_eq!(of(0, "resource_version").as_deref(), Some("120"), "joins the answer to the call");
    assert_eq!(of(0, "initiator.username").as_deref(), Some("agent"));
    // An end belongs to the last start at or before its version.
    assert_eq!((of(1, "started_at"), of(4, "started_at")), (of(0, "started_at"), of(2, "started_at")));
    let automated = |at: usize| first[at].at("initiator.automated").and_then(Value::as_bool);
    assert_eq!((automated(0), automated(1), automated(5)), (Some(false), Some(false), Some(true)));
    assert!(said(&mut poller, "102", &events).is_empty());
    events.push(event(17, 150, "OperationCompleted", "Sync operation to 16d61cc succeeded", None));
    assert_eq!(said(&mut poller, "103", &events).len(), 1);
}

#[test]
fn an_end_without_a_start_has_its_own_time() {
    let mut poller = Poller::new();
    poller.round("100", &[resource(&[])]);
    let completed = [event(11, 121, "OperationCompleted", "Sync operation to 16d61cc succeeded", None)];
    let first = said(&mut poller, "101", &completed);
    assert_eq!(first[0].text_at("started_at"), first[0].text_at("finished_at"));
}
