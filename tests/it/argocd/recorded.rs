//! Argo CD as it was recorded: what is taken in of each delivery and of each
//! version of an Application.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pulselog::argocd::{App, Channel, Event, History, Notification, Operation, Seen};
use pulselog::artifact::json::{Value, parse, to_compact, to_jcs};

use super::notifications::data;
use crate::make::argocd::INSTANCE;
use crate::make::gotemplate::render;
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

pub(super) fn notified(body: &Value) -> Option<Operation> {
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

/// The body of a printed template, without what the controller reads of it.
fn body_of(template: &str) -> String {
    let (_, body) = template.split_once("    body: |\n").expect("a body");
    body.lines().map(|line| format!("{}\n", line.strip_prefix("      ").unwrap_or(line))).collect()
}

/// Whatever version of an Application the controller renders, the receiver
/// takes it, and tells the operation that the version shows.
#[test]
fn every_body_that_the_printed_configuration_can_produce_is_taken() {
    let Some(cases) = cases() else { return };
    let data = data();
    let template = |name: &str| body_of(&data[&format!("template.pulselog-{name}")]);
    let templates = ["operation", "autosync", "lifecycle"].map(|name| (name, template(name)));
    let (mut taken, mut deleting) = (0, 0);
    for (_, case) in &cases {
        for line in lines(case, "k8s-watch.ndjson") {
            let Some(resource) = line.get("object") else { continue };
            let wanted = polled(resource);
            for (name, template) in &templates {
                if *name == "operation" && wanted.is_none() {
                    continue;
                }
                let text = render(template, resource);
                let body = parse(text.as_bytes(), 64).unwrap_or_else(|error| panic!("{error}: {text}"));
                let read = Notification::read(&body).unwrap_or_else(|error| panic!("{error}: {text}"));
                deleting += usize::from(read.event() == Event::Deleting);
                if *name == "operation" {
                    assert_eq!(read.op_key(), wanted.as_ref().map(Operation::op_key), "{text}");
                }
                admit_any(&to_compact(&read.into_observation().named(b"s"))).expect("admitted");
                taken += 1;
            }
        }
    }
    assert!(taken > 1_000 && deleting > 0, "{taken} {deleting}");
}

/// And it is what a running controller sent for the same application, member by member.
#[test]
fn the_printed_configuration_says_what_the_recorded_one_said() {
    let Some(cases) = cases() else { return };
    let template = body_of(&data()["template.pulselog-operation"]);
    let mut compared = 0;
    for (_, case) in &cases {
        let versions = lines(case, "k8s-watch.ndjson");
        for delivery in lines(case, "webhook.ndjson") {
            let sent = parse(delivery.text_at("body").expect("a body").as_bytes(), 64).expect("JSON").into_owned();
            let version = sent.text_at("app.resourceVersion");
            let same = |line: &&Value<'static>| {
                let object = line.get("object").expect("an object");
                object.text_at("metadata.resourceVersion") == version
                    && object.text_at("metadata.uid") == sent.text_at("app.uid")
            };
            let Some(shown) = versions.iter().find(same) else { continue };
            if sent.text_at("event") != Some("operation") {
                continue;
            }
            let text = render(&template, shown.get("object").expect("an object"));
            let ours = parse(text.as_bytes(), 64).expect("JSON").into_owned();
            for (name, value) in ours.as_object().expect("an object").iter() {
                assert_eq!(sent.get(name).map(to_jcs), Some(to_jcs(value)), "{name}");
            }
            compared += 1;
        }
    }
    println!("{compared} bodies compared");
    assert!(compared > 100, "{compared}");
}
