//! Bodies that Argo CD's controller never sends, and some that it does.

use pulselog::artifact::json::Value;

use super::receiver::{PATH, observer, told};
use crate::make::argocd::{INSTANCE, json};
use crate::make::service::Service;
use crate::make::{self};

#[test]
fn two_mebibytes_are_read_and_no_more() {
    let service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, None);
    let fitting = |bytes: usize| {
        let body = told(&[("padding", Some("".into()))]);
        body.replace(r#""padding":"""#, &format!(r#""padding":"{}""#, "x".repeat(bytes - body.len())))
    };
    assert_eq!(service.post_as(&token, PATH, fitting(2 << 20)).status, 201);
    let answer = service.post_as(&token, PATH, fitting((2 << 20) + 1));
    answer.is(413, "body_too_large");
    assert_eq!(answer.header("connection"), "close");
}

#[test]
fn a_body_that_is_not_of_our_configuration_names_its_member() {
    let service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, None);
    let cases: Vec<(&str, Option<Value<'static>>, &str)> = vec![
        ("schema", None, "schema"),
        ("schema", Some("argocd-notify/2".into()), "schema"),
        ("event", Some("created".into()), "event"),
        ("event", Some(1_u32.into()), "event"),
        ("instance", Some(Value::Null), "instance"),
        ("instance", Some("Prod EU".into()), "instance"),
        ("app", Some(json("[]")), "app"),
        ("app.uid", Some("".into()), "app.uid"),
        ("app.uid", Some("x".repeat(65).into()), "app.uid"),
        ("app.name", Some("<script>alert(1)</script>".into()), "app.name"),
        ("app.project", Some(json("{}")), "app.project"),
        ("app.destination", Some(json(r#"{"namespace":"a"}"#)), "app.destination.server"),
        ("phase", Some("Paused".into()), "phase"),
        ("phase", Some(Value::Null), "phase"),
        ("startedAt", Some("2026-11-26T04:57:11".into()), "startedAt"),
        ("startedAt", Some(1_795_000_000_u32.into()), "startedAt"),
        ("finishedAt", Some("later".into()), "finishedAt"),
        ("retryCount", Some("2".into()), "retryCount"),
        ("operation", Some(Value::Null), "operation"),
        ("operation.sync.syncOptions", Some("Replace=true".into()), "operation.sync.syncOptions"),
        ("syncResult", Some("none".into()), "syncResult"),
        ("history", Some("none".into()), "history"),
        ("history", Some(json(r#"{"deployStartedAt":"2026-11-26"}"#)), "history.deployStartedAt"),
        ("message", Some(json("[]")), "message"),
    ];
    for (path, new, field) in cases {
        let answer = service.post_as(&token, PATH, told(&[(path, new)]));
        answer.is(422, "notification_refused");
        assert_eq!(answer.string("field"), field, "{}", answer.text());
        assert_eq!(answer.header("connection"), "close");
    }
    for (body, code) in [
        ("", "json_truncated"),
        ("{\"schema\":", "json_truncated"),
        ("<!doctype html>", "json_syntax"),
        ("{\"event\":1,\"event\":2}", "json_duplicate_key"),
    ] {
        service.post_as(&token, PATH, body).is(400, code);
    }
    service.post_as(&token, PATH, "{}").is(422, "notification_refused");
    service.post_as(&token, PATH, "[]").is(422, "notification_refused");
    service.post_as(&token, PATH, "[".repeat(129)).is(400, "json_too_deep");
    let bearer = format!("Bearer {token}");
    let packed = [("authorization", bearer.as_str()), ("content-encoding", "gzip")];
    service.post_with(PATH, &packed, told(&[])).is(415, "content_encoding_refused");
    assert_eq!(service.size(), 0);
}

/// Odd and true: each is a thing that a running Argo CD sends, or that an
/// agent makes it send.
#[test]
fn bodies_that_lack_or_overdo_something_are_taken() {
    let service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, None);
    let cases: Vec<(&str, Option<Value<'static>>)> = vec![
        ("syncResult", Some(Value::Null)),
        ("syncResult", None),
        ("history", Some(Value::Null)),
        ("finishedAt", Some(Value::Null)),
        ("operation.sync", None),
        ("operation.initiatedBy", None),
        ("message", Some("m".repeat(1 << 20).into())),
        ("operation.info", Some(json(r#"[{"name":"claw.note","value":"<img src=x onerror=alert(1)>"}]"#))),
        ("operation.sync.revision", Some("<b>".repeat(200).into())),
        ("surprise", Some(json(r#"{"of":"a later version"}"#))),
    ];
    let mut size = 0;
    for (path, new) in cases {
        let answer = service.post_as(&token, PATH, told(&[(path, new), ("startedAt", Some(started(size)))]));
        size += 1;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        assert_eq!(service.size(), size);
    }
}

/// A start of its own for each body.
fn started(second: u64) -> Value<'static> {
    format!("2026-11-26T05:00:{second:02}Z").into()
}

#[test]
fn a_token_in_a_message_is_replaced_and_said() {
    let service = Service::start();
    let token = observer(&service, "notify-1", INSTANCE, None);
    let said = format!("exec failed: Bearer {}", make::JWS);
    let answer = service.post_as(&token, PATH, told(&[("message", Some(said.into()))]));
    assert_eq!(
        (answer.status, answer.json().get("redacted").cloned()),
        (201, Some(json(r#"["message"]"#))),
        "{}",
        answer.text()
    );
    let kept = service.get(&format!("/v1/artifacts/{}", answer.string("artifact"))).text();
    assert!(kept.contains("sha256:") && !kept.contains(make::JWS));
}
