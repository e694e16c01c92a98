//! Argo CD as it was recorded: what is taken in of each delivery and of each
//! version of an Application.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pulselog::argocd::{App, Channel, History, Operation, Seen};
use pulselog::artifact::json::{Value, parse, to_compact};

use crate::make::argocd::INSTANCE;
use crate::make::{admit_any, shared};

/// The lines of one file of a case; none where the case has no such file.
pub fn lines(case: &Path, file: &str) -> Vec<Value<'static>> {
    let text = fs::read_to_string(case.join(file)).unwrap_or_default();
    text.lines().map(|line| parse(line.as_bytes(), 64).expect("JSON").into_owned()).collect()
}

/// Cases by name.
pub fn cases() -> Option<Vec<(String, std::path::PathBuf)>> {
    let mut cases: Vec<_> = fs::read_dir(shared("argocd")?)
        .expect("a directory")
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    cases.sort();
    assert!(cases.len() >= 19, "{} cases", cases.len());
    Some(cases)
}

/// The operation of a version of an Application, if it has one.
pub fn polled(resource: &Value) -> Option<Operation> {
    let state = resource.at("status.operationState")?;
    let app = App::of_resource(resource).expect("an application");
    let entries = resource.at("status.history").and_then(Value::as_array).unwrap_or_default();
    let seen = Seen { channel: Channel::Poll, instance: INSTANCE, app: &app };
    let operation = Operation::read(&seen, state, History::Whole(entries)).expect("an operation");
    admit_any(&to_compact(&operation.clone().into_observation().named(b"poll"))).expect("admitted");
    Some(operation)
}

fn notified(body: &Value) -> Option<Operation> {
    (body.text_at("event") == Some("operation")).then_some(())?;
    let app = App::of_notification(body).expect("an application");
    let seen = Seen { channel: Channel::Notify, instance: INSTANCE, app: &app };
    let entry = body.get("history").filter(|entry| **entry != Value::Null);
    let operation = Operation::read(&seen, body, History::Last(entry)).expect("an operation");
    admit_any(&to_compact(&operation.clone().into_observation().named(b"notify"))).expect("admitted");
    Some(operation)
}

#[test]
fn both_channels_give_an_operation_one_key() {
    let Some(cases) = cases() else { return };
    let mut by_poll: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    let mut by_notify: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for (_, case) in &cases {
        for operation in lines(case, "k8s-watch.ndjson").iter().filter_map(|line| polled(line.get("object")?)) {
            by_poll.entry(operation.op_key().to_owned()).or_default().extend(operation.history_id());
        }
        for delivery in lines(case, "webhook.ndjson") {
            let body = parse(delivery.text_at("body").expect("a body").as_bytes(), 64).expect("JSON");
            let Some(operation) = notified(&body) else { continue };
            by_notify.entry(operation.op_key().to_owned()).or_default().extend(operation.history_id());
        }
    }
    let unknown: Vec<_> = by_notify.keys().filter(|key| !by_poll.contains_key(*key)).collect();
    println!("{} operations polled, {} of them notified", by_poll.len(), by_notify.len());
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(by_notify.len() >= 60, "{}", by_notify.len());
    // An operation made one entry, whoever saw it.
    for (key, ids) in &by_poll {
        let all: BTreeSet<_> = ids.iter().chain(by_notify.get(key).into_iter().flatten()).collect();
        assert!(all.len() <= 1, "{key}: {all:?}");
    }
}
