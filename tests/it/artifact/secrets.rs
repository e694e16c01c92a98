//! No token enters the log, and no error repeats one.

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{Object, Value, to_compact};
use pulselog::artifact::{Kind, holds_token};

use crate::make::{JWS, admit_any, good, good_payload, hex, key, kind, refuses, seal_raw, set, value};

#[test]
fn a_token_hidden_deep_in_any_kind_refuses_without_being_echoed() {
    for kind in Kind::ALL {
        let error = admit_any(&crate::artifact::kinds::with_secret(kind)).expect_err("refused");
        assert_eq!(error.code().name, "secret_in_artifact", "{kind}: {error}");
        let path = error.path().expect("a path");
        assert!(path.starts_with("payload."), "{kind}: {path}");
        assert!(!error.to_string().contains("eyJ") && !format!("{error:?}").contains("eyJ"), "{kind}");
    }
}

#[test]
fn a_token_as_a_member_name_refuses_without_being_echoed() {
    let mut payload = good_payload(kind("gateway_receipt"));
    let members = vec![(format!("x {JWS}"), Value::Null)];
    let hidden = Object::from_members(members).expect("one name");
    set(&mut payload, "metadata.deep[0].er", Some(hidden.into()));
    let error =
        admit_any(&to_compact(&seal_raw(kind("gateway_receipt"), payload, &key("gateway")))).expect_err("refused");
    assert_eq!(
        (error.code().name, error.path()),
        ("secret_in_artifact", Some("payload.metadata.deep[0].er.<name of 30 bytes>"))
    );
    // An unknown field is refused earlier, and must not echo it either.
    let mut envelope = value(&good(kind("gateway_receipt")));
    envelope = match envelope {
        Value::Object(mut object) => {
            object.set(JWS, Value::Null);
            object.into()
        }
        other => other,
    };
    let error = admit_any(&to_compact(&envelope)).expect_err("refused");
    assert!(error.code().name == "unknown_field" && !error.to_string().contains("eyJ"), "{error}");
}

#[test]
fn tokens_are_found_in_every_disguise_and_nothing_else_is() {
    let spaced = "IHsiYWxnIjoibm9uZSJ9";
    for text in [
        JWS.to_owned(),
        format!("jwt_{JWS}"),
        format!("aaaaa{JWS}"),
        format!("https://x.example/?t={JWS}&y"),
        format!("\n{JWS}"),
        format!("{spaced}.e30.c2ln"),
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.".to_owned(),
        format!("{JWS}.YQ.YQ"),
        "a.b.c eyJhbGciOiJub25lIn0.e30.c2ln".to_owned(),
    ] {
        assert!(holds_token(&text), "{text}");
    }
    for text in [
        "a.b.c",
        "v1.2.3",
        "2026-11-22T12:00:00.000Z",
        "eyJhbGciOiJub25lIn0",
        "eyJhbGciOiJub25lIn0.e30",
        "argocd.app.sync.of.something",
        "eyJ0eXAiOiJKV1QifQ.e30.c2ln",
        "kubernetes.default.svc.cluster.local",
        "did:key:z6MkneMkZqwqRiU5mJzSG3kDwzt9P8C59N4NGTfBLfSGE7c7",
    ] {
        assert!(!holds_token(text), "{text}");
    }
}

#[test]
fn looking_for_tokens_stays_linear_on_hostile_text() {
    // Quadratic work would take minutes on these two megabytes.
    for unit in ["eyJ7", "e", "eyIi", "IHsi"] {
        let text = format!("{}.e30.c2ln", unit.repeat(2_000_000 / unit.len()));
        let _ = holds_token(&text);
        let dotted = format!("{}.", unit.repeat(32 / unit.len())).repeat(60_000);
        let _ = holds_token(&dotted);
    }
}

#[test]
fn only_an_unsigned_observation_has_its_tokens_replaced() {
    let observation = kind("argocd_observation");
    let mut payload = good_payload(observation);
    set(&mut payload, "message", Some(format!("login with {JWS} failed").into()));
    refuses(
        &to_compact(&seal_raw(observation, payload.clone(), &key("observer"))),
        "secret_in_artifact",
        Some("payload.message"),
    );
    let admitted = admit_any(&to_compact(&payload)).expect("redacted");
    assert_eq!(admitted.redacted, ["message"]);
    let hash = hex(JWS);
    assert_eq!(
        admitted.artifact.payload().text_at("message"),
        Some(format!("login with sha256:{hash} failed").as_str())
    );
    assert!(!admitted.artifact.compact().contains("eyJ"));
    assert_eq!(admitted.artifact.digest(), ArtifactDigest::of(admitted.artifact.compact().as_bytes()));
    // What was admitted is admitted again as it is.
    assert_eq!(admit_any(&admitted.artifact.compact()).expect("again").redacted, Vec::<String>::new());
    let mut snapshot = good_payload(kind("argocd_snapshot"));
    set(&mut snapshot, "rows[0].app.uid", Some(JWS.into()));
    refuses(&to_compact(&snapshot), "secret_in_artifact", Some("rows[0].app.uid"));
}
