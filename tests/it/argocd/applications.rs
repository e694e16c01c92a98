//! Applications as the poller reads them, and what is said of them beside
//! their operations.

use pulselog::argocd::{Application, AutoSync, Change, Channel, Notification, Seen, read};
use pulselog::artifact::json::{Value, to_compact};

use crate::make::argocd::{INSTANCE, app, body, json, state};
use crate::make::{admit_any, hex, set};

fn resource(changes: &[(&str, Option<Value<'static>>)]) -> Value<'static> {
    let mut resource = json(
        r#"{"metadata":{"name":"payments-api","namespace":"argocd","uid":"b245d4ae-7bb9-40c5-be90-e7630803033b",
        "resourceVersion":"455","creationTimestamp":"2026-11-20T10:00:00Z"},
        "spec":{"project":"payments","destination":{"name":"in-cluster","namespace":"prod-canary"}},
        "status":{"history":[{"id":3},{"id":4}]}}"#,
    );
    changes.iter().for_each(|(path, new)| set(&mut resource, path, new.clone()));
    resource
}

fn application(changes: &[(&str, Option<Value<'static>>)]) -> Application {
    Application::read(resource(changes)).expect("an application")
}

fn auto_sync(policy: &str) -> AutoSync {
    application(&[("spec.syncPolicy", Some(json(policy)))]).auto_sync()
}

#[test]
fn automated_sync_is_on_where_it_is_there_and_not_switched_off_in_itself() {
    for off in ["null", "{}", r#"{"automated":null}"#, r#"{"automated":{"enabled":false}}"#] {
        assert_eq!(auto_sync(off), AutoSync::Off, "{off}");
    }
    for on in [r#"{"automated":{}}"#, r#"{"automated":{"enabled":true}}"#, r#"{"automated":{"prune":true}}"#] {
        assert_eq!(auto_sync(on), AutoSync::On, "{on}");
    }
}

#[test]
fn an_application_shows_what_a_poller_compares() {
    let read = application(&[]);
    assert_eq!(read.app().uid(), "b245d4ae-7bb9-40c5-be90-e7630803033b");
    assert_eq!((read.resource_version(), read.history_ids()), (Some("455"), &[3, 4][..]));
    let spec = r#"{"destination":{"name":"in-cluster","namespace":"prod-canary"},"project":"payments"}"#;
    assert_eq!(read.spec_digest(), hex(spec));
    assert_eq!(
        to_compact(&read.app().destination().expect("one")),
        r#"{"name":"in-cluster","namespace":"prod-canary"}"#
    );
    // The address is what Argo CD goes to; no project is the default one.
    let both =
        application(&[("spec.destination.server", Some("https://k8s".into())), ("spec.project", Some("".into()))]);
    assert_eq!(
        to_compact(&both.app().destination().expect("one")),
        r#"{"server":"https://k8s","namespace":"prod-canary"}"#
    );
    assert_eq!(both.app().names().text_at("project"), Some("default"));
}

#[test]
fn what_is_said_of_an_application_is_taken_in() {
    let read = application(&[("spec.syncPolicy", Some(json(r#"{"automated":{}}"#)))]);
    let seen = Seen { channel: Channel::Poll, instance: INSTANCE, app: read.app() };
    for (said, members) in [
        (read.auto_sync_changed(&seen, AutoSync::Off), r#"["off","on"]"#),
        (read.spec_changed(&seen, &hex("before")), "[null,null]"),
        (read.lifecycle(&seen, Change::Seen), "[null,null]"),
        (read.lifecycle(&seen, Change::Deleting), "[null,null]"),
        (read.lifecycle(&seen, Change::UidChanged("another")), "[null,null]"),
    ] {
        let payload = said.named(b"secret");
        let member = |name: &str| payload.get(name).cloned().unwrap_or(Value::Null);
        assert_eq!(to_compact(&Value::Array(vec![member("before"), member("after")])), members);
        admit_any(&to_compact(&payload)).expect("admitted");
    }
}

#[test]
fn an_application_that_is_none_names_what_it_lacks() {
    for (path, new, named) in [
        ("metadata.uid", None, "metadata.uid: is required"),
        ("metadata.name", Some("<b>".into()), "metadata.name: must be an exact DNS-1123 name"),
        ("metadata.name", Some(1_u32.into()), "metadata.name: must be a string"),
        ("metadata", Some(json("[]")), "metadata: must be an object, not array"),
        (
            "metadata.creationTimestamp",
            Some("2026-11-20T10:00:00".into()),
            "metadata.creationTimestamp: must be an RFC 3339",
        ),
        ("spec", None, "spec"),
        ("spec.syncPolicy", Some("on".into()), "spec.syncPolicy: must be an object"),
        (
            "spec.syncPolicy",
            Some(json(r#"{"automated":{"enabled":"no"}}"#)),
            "spec.syncPolicy.automated.enabled: must be true or false",
        ),
        ("status.history", Some(json(r#"[{"id":"3"}]"#)), "status.history.id: must be an integer"),
    ] {
        let error = Application::read(resource(&[(path, new)])).expect_err(named).to_string();
        assert!(error.starts_with(named), "{error}");
    }
    // Only an operation says where it went.
    let nowhere = application(&[("spec.destination", None), ("status.operationState", Some(state(&[])))]);
    let seen = Seen { channel: Channel::Poll, instance: INSTANCE, app: nowhere.app() };
    let error = nowhere.operation(&seen).expect_err("no cluster").to_string();
    assert!(error.contains("spec.destination.server: or name beside it is required"), "{error}");
}

/// What repeats says nothing new; what only looks like a repetition does.
#[test]
fn lifecycle_is_told_once_and_every_flip_of_automated_sync_by_itself() {
    let told = |event: &str, members: &str, changes: &[(&str, &str)]| {
        let mut body = body(event, &json(members));
        changes.iter().for_each(|(path, new)| set(&mut body, path, Some((*new).into())));
        to_compact(&Notification::read(&body).expect("a notification").into_observation().named(b"s"))
    };
    let created = r#"{"creationTimestamp":"2026-11-20T10:00:00Z","deletionTimestamp":null,"spec":{}}"#;
    let later = [("app.resourceVersion", "9999")];
    assert_eq!(told("seen", created, &[]), told("seen", created, &later));
    let deleting = r#"{"creationTimestamp":"2026-11-20T10:00:00Z","deletionTimestamp":"2026-11-20T11:00:00Z"}"#;
    assert_eq!(told("deleting", deleting, &[]), told("deleting", deleting, &later));
    let policy = r#"{"syncPolicy":{"automated":{}}}"#;
    assert_eq!(told("autosync", policy, &[]), told("autosync", policy, &[]));
    assert_ne!(told("autosync", policy, &[]), told("autosync", policy, &later));
    // A name that is another application's now.
    assert_ne!(told("seen", created, &[]), told("seen", created, &[("app.uid", "another")]));
    assert_eq!(app(), app());
}

#[test]
fn numbers_beyond_a_double_keep_no_operation_out() {
    let text = to_compact(&state(&[])).replace(r#""limit":2"#, r#""limit":9223372036854775807"#);
    let state = read(text.as_bytes(), usize::MAX).expect("JSON");
    let payload = crate::make::argocd::observed(&state);
    assert_eq!(payload.at("retry.limit").and_then(Value::as_i64), Some(1_000_000));
}
