//! Observations of operations: what names an operation, by which channel what
//! is said, and what was logged by older versions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use pulselog::artifact::json::{Value, parse, to_compact, to_jcs};
use pulselog::artifact::{
    AdmitError, Admitted, Grant, KeyCache, Limits, SignedGrant, UnsignedGrant, admit, op_key, readmit,
};

use crate::make::{admit_any, good_payload, hex, key, kind, project, seal_raw, set, shared};

fn with(changes: &[(&str, Option<Value<'static>>)]) -> Result<Admitted<'static>, AdmitError> {
    let kind = kind("argocd_observation");
    let mut payload = good_payload(kind);
    changes.iter().for_each(|(path, new)| set(&mut payload, path, new.clone()));
    admit_any(&to_compact(&seal_raw(kind, payload, &key("observer"))))
}

#[track_caller]
fn refuses(changes: &[(&str, Option<Value<'static>>)], code: &str, path: &str) {
    let error = with(changes).expect_err("refused");
    assert_eq!((error.code().name, error.path()), (code, Some(format!("payload.{path}").as_str())), "{error}");
}

#[test]
fn an_operations_key_is_recomputed_and_says_how_when_it_is_another() {
    for (path, new) in [("instance", "argocd-test"), ("app.uid", "2"), ("started_at", "2026-11-22T12:00:01Z")] {
        refuses(&[(path, Some(new.into()))], "invalid_value", "op_key");
    }
    let error = with(&[("operation_digest", Some(hex("another").into()))]).expect_err("refused").to_string();
    assert!(error.contains("[instance, app.uid, started_at in whole seconds, operation_digest]"), "{error}");
    // A fraction of a second is the same operation.
    assert!(with(&[("started_at", Some("2026-11-22T12:00:00.999Z".into()))]).is_ok());
}

#[test]
fn the_key_of_an_operation_is_what_is_written_down() {
    let uid = "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11";
    let text = format!(r#"["argocd-prod","{uid}","2026-11-22T12:00:00Z","{}"]"#, hex("operation"));
    assert_eq!(op_key("argocd-prod", uid, "2026-11-22T12:00:00.5Z", &hex("operation")), hex(&text));
}

#[test]
fn each_channel_says_only_what_it_can_see() {
    for channel in ["k8s_event", "server_log"] {
        let on = ("channel", Some(channel.into()));
        refuses(std::slice::from_ref(&on), "invalid_value", "operation_digest");
        refuses(&[on.clone(), ("operation_digest", None)], "invalid_value", "op_key");
        let bare = [on, ("operation_digest", None), ("op_key", None)];
        assert!(with(&bare).is_ok(), "{channel}");
        let more = [("resource_version", Some("8123".into())), ("token_id", Some("jti".into()))];
        assert!(with(&[&bare[..], &more[..]].concat()).is_ok(), "{channel}");
    }
    for channel in ["notify", "poll"] {
        let on = ("channel", Some(channel.into()));
        assert!(with(std::slice::from_ref(&on)).is_ok(), "{channel}");
        refuses(&[on.clone(), ("token_id", Some("jti".into()))], "invalid_value", "token_id");
        refuses(&[on, ("op_key", None)], "missing_field", "op_key");
    }
}

#[test]
fn of_what_only_the_history_shows_a_poller_says_no_digest_and_no_key() {
    let past = |channel: &str| {
        let named = [("operation_digest", None), ("op_key", None), ("history_id", Some(7_u32.into()))];
        [&[("channel", Some(channel.into())), ("phase", Some("Succeeded".into()))][..], &named].concat()
    };
    assert!(with(&past("poll")).is_ok());
    let but = |name: &'static str, new: Option<Value<'static>>| [&past("poll")[..], &[(name, new)]].concat();
    refuses(&past("notify"), "missing_field", "operation_digest");
    refuses(&but("history_id", None), "missing_field", "operation_digest");
    refuses(&but("phase", Some("Failed".into())), "missing_field", "operation_digest");
    refuses(&but("op_key", Some(hex("any").into())), "missing_field", "operation_digest");
    refuses(&but("token_id", Some("jti".into())), "invalid_value", "token_id");
}

#[test]
fn a_part_of_a_log_is_the_server_logs_and_ends_no_earlier_than_it_begins() {
    let part = |channel: &str, from: &str, until: &str| {
        let mut payload = good_payload(kind("argocd_observation"));
        let kept = ["argocd_observation_version", "nonce", "instance", "raw_digest"];
        let names: Vec<_> = payload.as_object().expect("members").iter().map(|(name, _)| name.to_string()).collect();
        names.iter().filter(|name| !kept.contains(&name.as_str())).for_each(|name| set(&mut payload, name, None));
        let texts = [("channel", channel), ("event", "log_read"), ("from", from), ("until", until)];
        texts.iter().for_each(|(name, text)| set(&mut payload, name, Some((*text).to_owned().into())));
        ["lines", "unread", "unnamed", "tokenless"].iter().for_each(|name| set(&mut payload, name, Some(7_u32.into())));
        admit_any(&to_compact(&seal_raw(kind("argocd_observation"), payload, &key("observer"))))
    };
    let (from, until) = ("2026-11-22T12:00:00Z", "2026-11-22T12:04:00Z");
    assert!(part("server_log", from, until).is_ok() && part("server_log", from, from).is_ok());
    let refused = |error: AdmitError| (error.code().name, error.path().map(str::to_owned));
    let of = |error: Result<Admitted<'static>, AdmitError>| error.map(|_| ()).map_err(refused).expect_err("refused");
    assert_eq!(of(part("server_log", until, from)), ("invalid_value", Some("payload.until".to_owned())));
    assert_eq!(of(part("poll", from, until)).1.as_deref(), Some("payload.channel"));
}

#[test]
fn who_polls_an_instance_takes_its_snapshots_with_the_same_token() {
    let grant = |kind: &str, channel: Option<&str>, instance: &str| Grant {
        signed: SignedGrant::Kinds(Vec::new()),
        unsigned: Some(UnsignedGrant {
            kind: crate::make::kind(kind),
            channel: channel.map(str::to_owned),
            instance: Some(instance.to_owned()),
        }),
    };
    let snapshot = good_payload(kind("argocd_snapshot"));
    let may =
        |grant: &Grant| grant.allows(kind("argocd_snapshot"), false, &snapshot).map_err(|error| error.code().name);
    for channel in [None, Some("poll")] {
        assert_eq!(may(&grant("argocd_observation", channel, "argocd-prod")), Ok(()));
        assert_eq!(may(&grant("argocd_observation", channel, "argocd-test")), Err("instance_not_granted"));
    }
    assert_eq!(may(&grant("argocd_observation", Some("notify"), "argocd-prod")), Err("unsigned_not_granted"));
    let observed = good_payload(kind("argocd_observation"));
    let only = grant("argocd_snapshot", None, "argocd-prod");
    let refused = only.allows(kind("argocd_observation"), false, &observed).map_err(|error| error.code().name);
    assert_eq!(refused, Err("unsigned_not_granted"));
}

#[test]
fn version_1_is_read_where_it_is_logged_and_no_longer_taken_in() {
    for (name, grant) in [
        ("argocd_observation-1.json", Grant::all()),
        ("argocd_observation-1-bare.json", Grant::any_unsigned(kind("argocd_observation"))),
    ] {
        let bytes = fs::read(project("tests/golden/logged").join(name)).expect("the golden");
        let keys = KeyCache::new();
        let error = admit(&bytes, &grant, &Limits::default(), &keys).expect_err("refused");
        assert_eq!(error.code().name, "retired_version", "{name}");
        assert!(error.to_string().contains("must be 2"), "{error}");
        let again = readmit(&bytes, &grant, &Limits::default(), &keys).expect("read");
        assert_eq!(again.payload().text_at("argocd_observation_version"), Some("1"), "{name}");
        assert_eq!(again.compact().as_bytes(), bytes.trim_ascii_end(), "{name}");
    }
}

#[test]
fn roots_name_each_instance_once_and_in_it_each_cluster() {
    let kind = kind("audit_roots");
    let twice = |list: &str| {
        let mut payload = good_payload(kind);
        let first =
            |value: &Value<'static>, name: &str| value.get(name).and_then(Value::as_array).expect("rows")[0].clone();
        let instance = first(&payload, "instances");
        let row = if list == "instances" { instance } else { first(&instance, "clusters") };
        set(&mut payload, list, Some(Value::Array(vec![row.clone(), row])));
        admit_any(&to_compact(&seal_raw(kind, payload, &key("operator")))).expect_err("refused")
    };
    assert_eq!(twice("instances").path(), Some("payload.instances[1].instance"));
    assert_eq!(twice("instances[0].clusters").path(), Some("payload.instances[0].clusters"));
}

/// Lines of this file of every recorded case, parsed.
fn recorded(file: &str) -> Vec<Value<'static>> {
    let Some(folder) = shared("argocd") else { return Vec::new() };
    let cases = fs::read_dir(folder).expect("readable").map(|case| case.expect("readable").path());
    let texts = cases.filter_map(|case| fs::read_to_string(case.join(file)).ok());
    texts
        .flat_map(|text| {
            text.lines().filter_map(|line| parse(line.as_bytes(), 64).ok().map(Value::into_owned)).collect::<Vec<_>>()
        })
        .collect()
}

/// Start and key of an operation, digested as observers are to.
fn started(uid: Option<&str>, state: &Value<'static>) -> Option<(String, String, String)> {
    let (uid, at, mut operation) = (uid?, state.text_at("startedAt")?, state.get("operation")?.clone());
    if operation.at("retry.refresh").and_then(Value::as_bool) == Some(true) {
        for path in ["sync.revision", "sync.revisions"] {
            if operation.at(path).is_some() {
                set(&mut operation, path, None);
            }
        }
    }
    Some((uid.to_owned(), at.to_owned(), op_key("argocd", uid, at, &hex(&to_jcs(&operation)))))
}

#[test]
fn recorded_operations_are_told_apart_and_each_is_one_whoever_saw_it() {
    let of_status =
        |app: &Value<'static>| started(app.text_at("object.metadata.uid"), app.at("object.status.operationState")?);
    let polled: BTreeSet<_> = recorded("k8s-watch.ndjson").iter().filter_map(of_status).collect();
    let of_delivery = |delivery: &Value<'static>| {
        let body = parse(delivery.text_at("body")?.as_bytes(), 64).ok()?.into_owned();
        started(body.text_at("app.uid"), &body)
    };
    let notified: BTreeSet<_> = recorded("webhook.ndjson").iter().filter_map(of_delivery).collect();
    if polled.is_empty() {
        return;
    }
    let missing: Vec<_> = notified.difference(&polled).collect();
    assert!(notified.len() > 20 && missing.is_empty(), "{} of {}: {missing:?}", missing.len(), notified.len());
    let mut starts: BTreeMap<_, usize> = BTreeMap::new();
    polled.iter().for_each(|(uid, at, _)| *starts.entry((uid, at)).or_default() += 1);
    let shared = starts.values().filter(|keys| **keys > 1).count();
    assert!(shared > 0, "of {} starts none is that of two operations", starts.len());
}
