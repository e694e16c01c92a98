//! The receiver of notifications: who may tell, what is told twice, and that
//! an answer comes whatever the log does.

use std::thread::sleep;
use std::time::{Duration, Instant};

use pulselog::artifact::json::{Value, to_compact};
use pulselog::server::submitters::TokenOptions;

use crate::make::argocd::{INSTANCE, body, json, state};
use crate::make::service::{self, Answer, Service};
use crate::make::{kind, set};

pub const PATH: &str = "/v1/ingest/argocd";

/// A token that may tell of an instance, or of one channel of it.
pub fn observer(service: &Service, name: &str, instance: &str, channel: Option<&str>) -> String {
    let options = TokenOptions {
        allow_unsigned: Some((kind("argocd_observation"), channel.map(str::to_owned))),
        instance: Some(instance.into()),
        ..TokenOptions::default()
    };
    service::token(&service.data(), name, options)
}

/// The body about an operation, with changes.
pub fn told(changes: &[(&str, Option<Value<'static>>)]) -> String {
    let mut body = body("operation", &state(&[]));
    changes.iter().for_each(|(path, new)| set(&mut body, path, new.clone()));
    to_compact(&body)
}

/// What was logged at an index.
fn logged(service: &Service, answer: &Answer) -> Value<'static> {
    service.get(&format!("/v1/artifacts/{}", answer.string("artifact"))).json()
}

#[test]
fn a_notification_is_logged_once_and_told_again_is_answered_so() {
    let mut service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, Some("notify"));
    let tell = |service: &Service, body: &str| service.post_as(&token, PATH, body);
    let first = tell(&service, &told(&[]));
    assert_eq!((first.status, first.header("connection")), (201, "close"), "{}", first.text());
    assert_eq!(
        (first.string("event").as_str(), first.json().get("duplicate")),
        ("operation", Some(&Value::Bool(false)))
    );
    let observation = logged(&service, &first);
    assert_eq!(observation.text_at("op_key"), Some(first.string("op_key").as_str()));
    assert_eq!((observation.text_at("channel"), observation.text_at("phase")), (Some("notify"), Some("Succeeded")));
    // What is not of the operation does not make it another account of it.
    let again = told(&[
        ("app.resourceVersion", Some("9999".into())),
        ("sync", Some(json(r#"{"status":"OutOfSync"}"#))),
        ("health", Some(json(r#"{"status":"Degraded"}"#))),
        ("resourceCount", Some(7_u32.into())),
        ("history", Some(json(r#"{"id":3,"deployStartedAt":"2026-11-25T00:00:00Z"}"#))),
    ]);
    let second = tell(&service, &again);
    assert_eq!((second.status, second.number("index")), (200, first.number("index")), "{}", second.text());
    assert_eq!(second.json().get("duplicate"), Some(&Value::Bool(true)));
    // Nor does what is only said of it.
    let reworded = told(&[("message", Some("one more random path: /tmp/4711".into()))]);
    let third = tell(&service, &reworded);
    assert_eq!((third.status, third.string("artifact")), (200, first.string("artifact")), "{}", third.text());
    assert_eq!(service.size(), 1);
    service.restart(|_| {});
    assert_eq!(tell(&service, &again).status, 200);
    assert_eq!(service.size(), 1, "a restart forgets nothing");
}

#[test]
fn other_content_under_one_key_is_a_second_observation() {
    let service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, None);
    let tell = |changes: &[(&str, Option<Value<'static>>)]| {
        let answer = service.post_as(&token, PATH, told(changes));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.string("op_key")
    };
    let key = tell(&[]);
    assert_eq!(key, tell(&[("syncResult.revision", Some("another".into()))]));
    assert_eq!(key, tell(&[("phase", Some("Running".into()))]));
    assert_eq!(key, tell(&[("phase", Some("Running".into())), ("retryCount", Some(1_u32.into()))]));
    // Another operation, though it began in the same second.
    assert_ne!(key, tell(&[("operation.sync.revision", Some("another".into()))]));
    // An application that was deleted and made again under its name.
    assert_ne!(key, tell(&[("app.uid", Some("6c0e".into()))]));
    assert_eq!(service.size(), 6);
}

#[test]
fn every_event_is_taken() {
    let service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, Some("notify"));
    for (event, members, path, said) in [
        ("autosync", r#"{"syncPolicy":{"automated":{}}}"#, "after", "on"),
        ("seen", r#"{"creationTimestamp":"2026-11-20T10:00:00Z","deletionTimestamp":null}"#, "change", "seen"),
        ("deleting", r#"{"deletionTimestamp":"2026-11-20T10:00:00Z"}"#, "change", "deleting"),
    ] {
        let answer = service.post_as(&token, PATH, to_compact(&body(event, &json(members))));
        assert_eq!((answer.status, answer.string("event").as_str()), (201, event), "{}", answer.text());
        assert_eq!(logged(&service, &answer).text_at(path), Some(said));
    }
}

#[test]
fn a_token_tells_of_its_own_instance_by_its_own_channel() {
    let service = Service::start();
    let own = observer(&service, "notify-1", INSTANCE, Some("notify"));
    let other = observer(&service, "notify-2", "argocd-other", Some("notify"));
    let polls = observer(&service, "poll-1", INSTANCE, Some("poll"));
    let tell = |token: &str, body: &str| service.post_as(token, PATH, body);
    tell(&other, &told(&[])).is(403, "instance_not_granted");
    tell(&own, &told(&[("instance", Some("argocd-never-registered".into()))])).is(403, "instance_not_granted");
    tell(&polls, &told(&[])).is(403, "channel_not_granted");
    tell(&service.token, &told(&[])).is(403, "unsigned_not_granted");
    let unknown = format!("plg_{}", crate::make::hex("guess"));
    tell(&unknown, &told(&[])).is(401, "token_unknown");
    assert_eq!(service.size(), 0);
    assert_eq!(tell(&own, &told(&[])).status, 201);
}

/// Argo CD sends the name of a secret that it does not find.
#[test]
fn a_token_that_was_not_replaced_is_named_as_that() {
    let service = Service::start();
    let answer = service.post_as("$pulselog-token", PATH, told(&[]));
    answer.is(401, "token_not_replaced");
    assert!(answer.string("detail").contains("argocd-notifications-secret"), "{}", answer.text());
    let place = service.post_as(pulselog::argocd::notifications::TOKEN_PLACE, PATH, told(&[]));
    place.is(401, "token_not_replaced");
    let none = service.post_with(PATH, &[], told(&[]));
    none.is(401, "token_missing");
    assert_eq!((answer.header("connection"), none.header("connection")), ("close", "close"));
}

#[test]
fn what_began_before_its_token_is_marked_and_what_began_later_is_not() {
    let service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, None);
    let tell = |started: &str| {
        let changes = [("startedAt", Some(started.into())), ("finishedAt", None)];
        let answer = service.post_as(&token, PATH, told(&changes));
        (answer.json().get("backfill").cloned(), logged(&service, &answer).get("backfill").cloned())
    };
    assert_eq!(tell("2020-01-01T00:00:00Z"), (Some(Value::Bool(true)), Some(Value::Bool(true))));
    assert_eq!(tell("2199-01-01T00:00:00Z"), (Some(Value::Bool(false)), None));
}

#[test]
fn a_log_that_does_not_come_to_an_end_is_answered_for_in_time() {
    let service = Service::start_with(|config| config.checkpoint_interval = Duration::from_secs(3_600));
    let token = observer(&service, "notify-1", INSTANCE, None);
    // The first checkpoint is made at once, the next after an hour.
    assert_eq!(service.post_as(&token, PATH, told(&[])).status, 201);
    let begun = Instant::now();
    let answer = service.post_as(&token, PATH, told(&[("phase", Some("Running".into()))]));
    assert_eq!((answer.status, answer.string("code").as_str()), (503, "timeout"), "{}", answer.text());
    assert_eq!((answer.header("connection"), answer.header("retry-after")), ("close", ""));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn trouble_of_ours_is_503_so_that_argo_cd_sends_again() {
    let mut service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, None);
    service.stop();
    service.try_restart(|config| config.free_disk_bytes_min = u64::MAX).expect("a start");
    let answer = service.post_as(&token, PATH, told(&[]));
    answer.is(503, "not_taken_now");
    assert!(answer.string("detail").starts_with("disk_low: "), "{}", answer.text());
    std::fs::write(service.data().join("tokens.json"), b"{").expect("damaged");
    sleep(Duration::from_secs(1));
    service.post_as(&token, PATH, told(&[])).is(503, "tokens_unreadable");
}

/// The controller leaves every connection open that it is let keep.
#[test]
fn every_answer_closes_its_connection() {
    let service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, None);
    for body in [told(&[]), told(&[]), "{}".to_owned()] {
        let length = body.len();
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n"
        );
        // Read to its end: it ends because the service closes it.
        let answer = String::from_utf8(service.raw_bytes(&format!("{head}{body}"))).expect("text");
        assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    }
}
