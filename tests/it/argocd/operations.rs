//! Operations as they become observations.

use pulselog::argocd::{Channel, History, Phase};
use pulselog::artifact::json::{Value, to_compact};

use crate::make::argocd::{COMMIT, json, observed, read, state};
use crate::make::hex;

fn of(changes: &[(&str, Value<'static>)]) -> Value<'static> {
    let changes: Vec<_> = changes.iter().map(|(path, new)| (*path, Some(new.clone()))).collect();
    observed(&state(&changes))
}

fn shown(payload: &Value, path: &str) -> String {
    payload.at(path).map_or("absent".to_owned(), to_compact)
}

#[test]
fn an_operation_says_what_it_was_who_began_it_and_how_it_ended() {
    let payload = observed(&state(&[]));
    for (path, wanted) in [
        ("argocd_observation_version", r#""2""#),
        ("channel", r#""notify""#),
        ("event", r#""operation""#),
        ("action", r#""sync""#),
        ("action_certainty", r#""stated""#),
        ("initiator", r#"{"username":"argo-deploy-assistant","automated":false}"#),
        ("phase", r#""Succeeded""#),
        ("finished_at", r#""2026-11-26T04:57:13Z""#),
        ("revisions", &format!(r#"{{"resolved":["{COMMIT}"],"deployed":["{COMMIT}"]}}"#)),
        // Only the wrapper's pairs: what people write is theirs.
        ("info", r#"[{"name":"claw.decision","value":"5f2b"}]"#),
        ("retry", r#"{"limit":2}"#),
        ("params", "absent"),
        ("history_id", "absent"),
        ("resource_counts", "absent"),
    ] {
        assert_eq!(shown(&payload, path), wanted, "{path}");
    }
}

#[test]
fn a_rollback_is_inferred_where_nothing_says_sync() {
    let rollback = [
        ("operation.sync.syncStrategy", Some(json(r#"{"apply":{}}"#))),
        ("operation.info", None),
        ("operation.retry", Some(json("{}"))),
    ];
    let said = |changes: &[(&str, Option<Value<'static>>)], history: History<'_, '_>| {
        let operation = read(Channel::Poll, &state(&[&rollback, changes].concat()), history).expect("an operation");
        let payload = operation.into_observation().named(b"");
        (shown(&payload, "action"), shown(&payload, "action_certainty"))
    };
    let (rolled, synced) = ((r#""rollback""#, r#""inferred""#), (r#""sync""#, r#""stated""#));
    let is = |(action, certainty): (String, String), wanted: (&str, &str)| {
        assert_eq!((action.as_str(), certainty.as_str()), wanted);
    };
    is(said(&[], History::Last(None)), rolled);
    // The whole history shows whether there was anything to go back to.
    let entry = format!(
        r#"{{"id":6,"revision":"{COMMIT}","deployStartedAt":"2026-11-25T00:00:00Z","deployedAt":"2026-11-25T00:00:01Z",
        "source":{{"repoURL":"https://git.example.com/deploy.git","path":"overlays/prod","targetRevision":"main"}}}}"#
    );
    let there = [json(&entry)];
    is(said(&[], History::Whole(&there)), rolled);
    is(said(&[], History::Whole(&[])), (r#""sync""#, r#""inferred""#));
    let own = [json(&entry.replace("2026-11-25T00:00:00Z", "2026-11-26T04:57:11Z"))];
    is(said(&[], History::Whole(&own)), (r#""sync""#, r#""inferred""#));
    for sync in [
        ("operation.info", json(r#"[{"name":"Reason","value":"by hand"}]"#)),
        ("operation.retry", json(r#"{"limit":1}"#)),
        ("operation.sync.syncStrategy", json(r#"{"hook":{}}"#)),
        ("operation.sync.syncStrategy", json(r#"{"apply":{"force":true}}"#)),
        ("operation.sync.resources", json(r#"[{"kind":"ConfigMap","name":"a"}]"#)),
        ("operation.initiatedBy", json(r#"{"automated":true}"#)),
    ] {
        is(said(&[(sync.0, Some(sync.1))], History::Last(None)), synced);
    }
}

#[test]
fn what_argo_cd_does_by_itself_names_nobody() {
    let payload = of(&[
        ("operation.initiatedBy", json(r#"{"automated":true}"#)),
        ("operation.sync.autoHealAttemptsCount", 1_u32.into()),
    ]);
    assert_eq!(shown(&payload, "initiator"), r#"{"username":"","automated":true}"#);
    let payload =
        of(&[("operation.initiatedBy", json(r#"{"automated":true,"username":"applicationset-controller"}"#))]);
    assert_eq!(shown(&payload, "initiator"), r#"{"username":"applicationset-controller","automated":true}"#);
}

#[test]
fn parameters_have_the_one_spelling_of_binds() {
    let payload = of(&[
        ("operation.sync.prune", true.into()),
        ("operation.sync.dryRun", false.into()),
        ("operation.sync.syncStrategy", json(r#"{"hook":{"force":true}}"#)),
        ("operation.sync.syncOptions", json(r#"["Replace=true","CreateNamespace=false","Replace=true"]"#)),
        (
            "operation.sync.resources",
            json(r#"[{"kind":"Pod","name":"b"},{"group":"apps","kind":"Deployment","name":"a","namespace":"x"}]"#),
        ),
        ("operation.sync.manifests", json(r#"["a: 1"]"#)),
        ("operation.retry.refresh", true.into()),
    ]);
    let wanted = format!(
        r#"{{"prune":true,"retry_refresh":true,"strategy_force":true,"sync_options":["CreateNamespace=false","Replace=true"],"resources":[{{"group":"","kind":"Pod","namespace":"","name":"b"}},{{"group":"apps","kind":"Deployment","namespace":"x","name":"a"}}],"local_manifests_digest":"{}"}}"#,
        hex(r#"["a: 1"]"#)
    );
    assert_eq!(shown(&payload, "params"), wanted);
    assert_eq!(shown(&payload, "retry"), r#"{"limit":2,"refresh":true}"#);
}

#[test]
fn an_operation_keeps_its_key_where_a_refresh_takes_its_revision() {
    let key = |changes: &[(&str, Option<Value<'static>>)]| {
        read(Channel::Poll, &state(changes), History::Last(None)).expect("an operation").op_key().to_owned()
    };
    let refresh = ("operation.retry.refresh", Some(true.into()));
    let gone = ("operation.sync.revision", None);
    assert_eq!(key(std::slice::from_ref(&refresh)), key(&[refresh, gone.clone()]));
    assert_ne!(key(&[]), key(&[gone]));
    // What is not the operation does not name it.
    assert_eq!(key(&[]), key(&[("phase", Some("Running".into())), ("retryCount", Some(2_u32.into()))]));
    assert_eq!(key(&[]), key(&[("startedAt", Some("2026-11-26T06:57:11.9+02:00".into()))]));
    assert_ne!(key(&[]), key(&[("startedAt", Some("2026-11-26T04:57:12Z".into()))]));
}

#[test]
fn several_sources_have_a_revision_each_and_an_empty_place_says_nothing() {
    let several = [
        ("operation.sync.revision", "ignored".into()),
        ("operation.sync.revisions", json(r#"["1.2.3","abc"]"#)),
        ("syncResult", json(r#"{"revision":"","revisions":["1.2.3",""]}"#)),
    ];
    assert_eq!(shown(&of(&several), "revisions"), r#"{"resolved":["1.2.3","abc"]}"#);
}

#[test]
fn a_history_id_is_said_only_of_the_entry_that_the_operation_made() {
    let entry = |id: u32, started: &str, revision: &str| {
        json(&format!(r#"{{"id":{id},"deployStartedAt":"{started}","revision":"{revision}"}}"#))
    };
    let own = entry(7, "2026-11-26T04:57:11Z", COMMIT);
    let id = |changes: &[(&str, Option<Value<'static>>)], last: &Value| {
        read(Channel::Notify, &state(changes), History::Last(Some(last))).expect("an operation").history_id()
    };
    assert_eq!(id(&[], &own), Some(7));
    assert_eq!(id(&[], &entry(7, "2026-11-26T04:57:10Z", COMMIT)), None);
    assert_eq!(id(&[], &entry(7, "2026-11-26T04:57:11Z", "another")), None);
    // These never enter it: the entry is of another operation of that second.
    for (path, new) in [
        ("phase", "Failed".into()),
        ("phase", "Running".into()),
        ("operation.sync.dryRun", true.into()),
        ("operation.sync.resources", json(r#"[{"kind":"Pod","name":"b"}]"#)),
    ] {
        assert_eq!(id(&[(path, Some(new))], &own), None, "{path}");
    }
}

#[test]
fn resources_are_counted_by_namespace_and_status_where_they_are_shown() {
    let resources = json(
        r#"[{"namespace":"a","status":"Synced"},{"namespace":"a","status":"Synced"},{"status":"Pruned"},{"namespace":"a"}]"#,
    );
    let wanted = r#"[{"namespace":"","status":"Pruned","count":1},{"namespace":"a","status":"","count":1},{"namespace":"a","status":"Synced","count":2}]"#;
    assert_eq!(shown(&of(&[("syncResult.resources", resources)]), "resource_counts"), wanted);
}

#[test]
fn a_message_stands_with_a_last_phase_and_is_cut() {
    let long = "é".repeat(5000);
    let payload = of(&[("message", long.clone().into())]);
    assert_eq!(payload.text_at("message"), Some(&long[..2048]));
    let running = of(&[("message", "one of two".into()), ("phase", "Running".into())]);
    assert_eq!(shown(&running, "message"), "absent");
}

/// An agent chooses all of these: nothing that it makes too long keeps its
/// operation out of the log.
#[test]
fn what_is_too_long_for_an_observation_stands_there_by_its_digest() {
    let long = "x".repeat(3000);
    let many = |one: &dyn Fn(usize) -> String| json(&format!("[{}]", (0..5000).map(one).collect::<Vec<_>>().join(",")));
    let digest = format!("sha256:{}", hex(&long));
    let payload = of(&[
        ("operation.info", many(&|at| format!(r#"{{"name":"claw.x{at}","value":"{long}"}}"#))),
        ("operation.initiatedBy.username", long.clone().into()),
        ("operation.sync.syncOptions", many(&|at| format!(r#""O{at}""#))),
        ("operation.sync.resources", many(&|at| format!(r#"{{"kind":"","name":"{long}{at}"}}"#))),
        ("operation.sync.revision", long.clone().into()),
        ("operation.retry.limit", json("9007199254740991")),
        ("syncResult.resources", many(&|at| format!(r#"{{"namespace":"n{at:04}","status":"Synced"}}"#))),
    ]);
    assert_eq!(payload.text_at("initiator.username"), Some(digest.as_str()));
    assert_eq!(shown(&payload, "revisions.resolved"), format!(r#"["{digest}"]"#));
    assert_eq!(shown(&payload, "retry.limit"), "1000000");
    let count = |path: &str| payload.at(path).and_then(Value::as_array).map_or(0, <[Value]>::len);
    let lists = ["info", "params.sync_options", "params.resources", "resource_counts"];
    assert_eq!(lists.map(count), [32, 64, 1, 1024]);
    assert_eq!(payload.at("info").unwrap().as_array().unwrap()[0].text_at("value"), Some(digest.as_str()));
}

#[test]
fn what_argo_cd_never_writes_is_refused_and_named() {
    for (path, new, named) in [
        ("phase", Some("Paused".into()), "phase: must be one of Running, Terminating, Succeeded, Failed, Error"),
        ("phase", None, "phase: is required"),
        ("startedAt", None, "startedAt: is required"),
        ("startedAt", Some("2026-11-26T04:57:11".into()), "startedAt: must be an RFC 3339 date-time with a time zone"),
        ("startedAt", Some("yesterday".into()), "startedAt: must be an RFC 3339 date-time with a time zone"),
        ("finishedAt", Some(1_u32.into()), "finishedAt: must be a string, not number"),
        ("operation", None, "operation: is required"),
        ("operation", Some("sync".into()), "operation: must be an object, not string"),
        ("operation.sync", Some(json("[]")), "operation.sync: must be an object, not array"),
        ("operation.sync.prune", Some("yes".into()), "operation.sync.prune: must be true or false, not string"),
        (
            "operation.sync.revisions",
            Some(json("[1]")),
            "operation.sync.revisions: must be an array of strings, not number",
        ),
        (
            "operation.sync.resources",
            Some(json(r#"["a"]"#)),
            "operation.sync.resources: must be an array of objects, not string",
        ),
        ("operation.info", Some(json(r#"[{"name":1}]"#)), "operation.info.name: must be a string, not number"),
        (
            "operation.initiatedBy.automated",
            Some("true".into()),
            "operation.initiatedBy.automated: must be true or false",
        ),
        ("retryCount", Some("1".into()), "retryCount: must be an integer, not string"),
        ("syncResult.revision", Some(json("{}")), "syncResult.revision: must be a string, not object"),
        ("message", Some(json("[]")), "message: must be a string, not array"),
    ] {
        let error = read(Channel::Notify, &state(&[(path, new)]), History::Last(None)).expect_err(named).to_string();
        assert!(error.starts_with(named), "{error}");
    }
}

#[test]
fn early_failures_have_no_result_and_are_read() {
    for result in [None, Some(Value::Null), Some(json("{}"))] {
        let changes = [("syncResult", result), ("phase", Some("Error".into()))];
        let operation = read(Channel::Notify, &state(&changes), History::Last(None)).expect("an operation");
        assert_eq!(operation.phase(), Phase::Error);
        assert_eq!(shown(&operation.into_observation().named(b""), "revisions.deployed"), "absent");
    }
}

/// The nonce follows from content and secret: the log's own answer to a
/// duplicate is all that tells a repetition.
#[test]
fn the_same_seen_again_is_the_same_artifact_and_only_for_the_same_observer() {
    let artifact = |changes: &[(&str, Option<Value<'static>>)], secret: &[u8]| {
        let operation = read(Channel::Notify, &state(changes), History::Last(None)).expect("an operation");
        to_compact(&operation.into_observation().named(secret))
    };
    let first = artifact(&[], b"one");
    assert_eq!(first, artifact(&[], b"one"));
    assert_eq!(first, artifact(&[("resourceCount", Some(3_u32.into())), ("sync", Some(json("{}")))], b"one"));
    let nonce = |text: &str| json(text).text_at("nonce").map(str::to_owned);
    let others = [
        artifact(&[], b"two"),
        artifact(&[("phase", Some("Failed".into()))], b"one"),
        artifact(&[("finishedAt", Some("2026-11-26T04:57:14Z".into()))], b"one"),
        artifact(&[("retryCount", Some(1_u32.into()))], b"one"),
    ];
    for other in others {
        assert_ne!(nonce(&first), nonce(&other));
    }
}
