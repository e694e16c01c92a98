//! The poller against the fixture, into a real log.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pulselog::argocd::{Channel, Notification};
use pulselog::artifact::json::Value;

use crate::argocd::recorded::{cases, lines, notified};
use crate::make::argocd::{INSTANCE, json};
use crate::make::argocd_fixture::{Fixture, Watch};
use crate::make::argocd_rounds::{Poller, told};

fn words(payloads: &[Value<'static>]) -> Vec<String> {
    payloads.iter().map(told).collect()
}

fn marks(round: &Value<'static>) -> Vec<String> {
    let marks = round.get("marks").and_then(Value::as_array).expect("marks").iter();
    marks.map(|mark| mark.text_at("mark").expect("a name").to_owned()).collect()
}

#[test]
fn what_happens_between_rounds_comes_into_the_log_and_nothing_twice() {
    let (fixture, watch) = (Fixture::start(&["--work-ms", "50"]), Watch::new());
    fixture.create("payments-api");
    watch.round(&fixture.url);
    assert!(watch.observed().is_empty(), "it was there before us");
    fixture.sync("payments-api", r#"{"revision":"main","infos":[{"name":"claw.decision","value":"5f2b"}]}"#);
    fixture.told("commit", &[]);
    fixture.sync("payments-api", "{}");
    fixture.sync("payments-api", r#"{"revision":"dead00000000000000000000000000000000beef"}"#);
    watch.round(&fixture.url);
    let said = words(&watch.observed());
    let expected = [
        "sync Failed",
        "sync Succeeded #0 unnamed",
        "sync Succeeded #1 unnamed",
        "k8s_event sync Running unnamed",
        "k8s_event sync Succeeded unnamed",
        "k8s_event sync Running unnamed",
        "k8s_event sync Succeeded unnamed",
        "k8s_event sync Running unnamed",
        "k8s_event sync Failed unnamed",
    ];
    assert_eq!(said, expected);
    let again = watch.round(&fixture.url);
    assert_eq!(again.get("observations").and_then(Value::as_i64), Some(0));
    assert_eq!(watch.observed().len(), expected.len());
    let snapshots = watch.logged("argocd_snapshot");
    assert_eq!(snapshots.len(), 2);
    // Only whole objects are read, nothing is refreshed, and nothing is written.
    let asked = fixture.requests();
    let by_poller: Vec<_> =
        asked.iter().filter(|line| line.contains("userinfo") || line.contains("projects")).collect();
    assert!(!by_poller.is_empty());
    assert!(asked.iter().all(|line| !line.contains("fields") && !line.contains("refresh")), "{asked:?}");
}

#[test]
fn a_flip_of_automated_sync_a_rollback_and_an_end_are_seen() {
    let (fixture, watch) = (Fixture::start(&["--work-ms", "600"]), Watch::new());
    fixture.create("payments-api");
    // In seconds of their own: one that shares its second with what it goes back
    // to is not told from a sync.
    fixture.sync("payments-api", "{}");
    fixture.told("commit", &[]);
    fixture.sync("payments-api", "{}");
    watch.round(&fixture.url);
    let patch = r#"{"patch":"{\"spec\":{\"syncPolicy\":{\"automated\":{}}}}","patchType":"merge"}"#;
    assert_eq!(fixture.ask("PATCH", "/api/v1/applications/payments-api", patch).0, 200);
    let refused = fixture.ask("POST", "/api/v1/applications/payments-api/rollback", r#"{"id":0}"#);
    assert_eq!((refused.0, refused.1.get("code").and_then(Value::as_i64)), (400, Some(9)));
    watch.round(&fixture.url);
    let patch = r#"{"patch":"[{\"op\":\"replace\",\"path\":\"/spec/syncPolicy/automated\",\"value\":null}]","patchType":"json"}"#;
    assert_eq!(fixture.ask("PATCH", "/api/v1/applications/payments-api", patch).0, 200);
    assert_eq!(fixture.ask("POST", "/api/v1/applications/payments-api/rollback", r#"{"id":0}"#).0, 200);
    fixture.settle("payments-api");
    watch.round(&fixture.url);
    assert_eq!(fixture.ask("DELETE", "/api/v1/applications/payments-api", "").0, 200);
    assert_eq!(marks(&watch.round(&fixture.url)), ["missing"]);
    assert_eq!(marks(&watch.round(&fixture.url)), ["gone"]);
    let said = words(&watch.observed());
    let polled: Vec<_> = said.iter().filter(|word| !word.starts_with("k8s_event")).collect();
    let expected = [
        "sync Succeeded #1",
        "spec_change",
        "auto_sync off on",
        "spec_change",
        "auto_sync on off",
        "rollback Succeeded #2",
        "deleting",
    ];
    assert_eq!(polled, expected);
    assert!(said.contains(&"k8s_event rollback Running unnamed".to_owned()), "{said:?}");
}

#[test]
fn an_operation_that_is_ended_by_hand_is_seen_with_who_did_it() {
    let (fixture, watch) = (Fixture::start(&["--work-ms", "1500"]), Watch::new());
    fixture.create("payments-api");
    watch.round(&fixture.url);
    assert_eq!(fixture.ask("POST", "/api/v1/applications/payments-api/sync", "{}").0, 200);
    let again = fixture.ask("POST", "/api/v1/applications/payments-api/sync", "{}");
    assert_eq!(again.1.text_at("message"), Some("another operation is already in progress"));
    let until = Instant::now() + Duration::from_secs(60);
    while fixture.ask("DELETE", "/api/v1/applications/payments-api/operation", "").0 != 200 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    fixture.settle("payments-api");
    watch.round(&fixture.url);
    let said = words(&watch.observed());
    assert!(said.contains(&"sync Failed".to_owned()), "{said:?}");
    assert!(said.contains(&"k8s_event terminate Terminating unnamed".to_owned()), "{said:?}");
}

/// A receiver that takes every delivery, and what it got.
fn receiver() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1/ingest/argocd", listener.local_addr().expect("an address"));
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut read, mut chunk) = (Vec::new(), [0; 65536]);
            loop {
                let got = stream.read(&mut chunk).unwrap_or(0);
                read.extend_from_slice(&chunk[..got]);
                let text = String::from_utf8_lossy(&read).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .to_ascii_lowercase()
                    .split_once("content-length: ")
                    .and_then(|(_, rest)| rest.lines().next()?.trim().parse::<usize>().ok());
                if got == 0 || length == Some(body.len()) {
                    let _ = send.send(body.to_owned());
                    break;
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (url, receive)
}

#[test]
fn the_fixtures_notifications_and_the_poller_name_one_operation_alike() {
    let watch = Watch::new();
    let (url, deliveries) = receiver();
    let token = watch.path("log.token");
    let more = ["--work-ms", "200", "--notify", &url, "--instance", INSTANCE, "--notify-token-file"];
    let fixture = Fixture::start(&[&more[..], &[token.to_str().expect("UTF-8")]].concat());
    fixture.create("payments-api");
    watch.round(&fixture.url);
    fixture.sync("payments-api", "{}");
    watch.round(&fixture.url);
    let polled: Vec<_> = watch.observed().iter().filter_map(|said| Some(said.text_at("op_key")?.to_owned())).collect();
    assert_eq!(polled.len(), 1);
    let mut bodies = Vec::new();
    while let Ok(body) = deliveries.recv_timeout(Duration::from_secs(5)) {
        let value = json(&body);
        Notification::read(&value).unwrap_or_else(|error| panic!("{error}: {body}"));
        bodies.push(value);
        let phases = bodies.iter().filter_map(|body| body.text_at("phase")).collect::<Vec<_>>();
        if phases.iter().filter(|phase| **phase == "Succeeded").count() == 2 {
            break;
        }
    }
    let keys: Vec<_> = bodies.iter().filter_map(notified).map(|operation| operation.op_key().to_owned()).collect();
    assert_eq!(keys, [&polled[0][..]; 3], "running once, the end twice");
    let events: Vec<_> = bodies.iter().filter_map(|body| body.text_at("event")).collect();
    assert!(events.contains(&"seen") && events.contains(&"autosync"), "{events:?}");
    assert_eq!(Channel::K8sEvent.name(), "k8s_event");
}

#[test]
fn eight_operations_in_eight_seconds_are_all_seen() {
    let (fixture, watch) = (Fixture::start(&["--work-ms", "150"]), Watch::new());
    fixture.create("payments-api");
    watch.round(&fixture.url);
    let mut poller = watch.poller(&fixture.url, &["--interval", "1"]).stdout(Stdio::null()).spawn().expect("it starts");
    let began = Instant::now();
    for _ in 0..8 {
        fixture.told("commit", &[]);
        fixture.sync("payments-api", "{}");
    }
    assert!(began.elapsed() < Duration::from_secs(60));
    let ids = || {
        let observed = watch.observed();
        let mut ids: Vec<_> = observed.iter().filter_map(|said| said.get("history_id")?.as_i64()).collect();
        ids.sort_unstable();
        ids
    };
    let until = Instant::now() + Duration::from_secs(60);
    while ids().len() < 8 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    let _ = poller.kill();
    let _ = poller.wait();
    assert_eq!(ids(), (0..8).collect::<Vec<_>>(), "each once");
}

#[test]
fn a_recorded_watch_played_by_the_fixture_gives_what_its_versions_do() {
    let Some(cases) = cases() else {
        println!("SKIPPED: no recordings of Argo CD beside the project");
        return;
    };
    for wanted in ["01-sync-infos", "20-delete-recreate"] {
        let (_, case) = cases.iter().find(|(name, _)| name == wanted).expect("the case");
        let file = case.join("k8s-watch.ndjson");
        let fixture = Fixture::start(&["--replay", file.to_str().expect("UTF-8")]);
        let (watch, mut pure) = (Watch::new(), Poller::new());
        let mut expected = Vec::new();
        for line in lines(case, "k8s-watch.ndjson") {
            let app = line.get("object").expect("an object").clone();
            let version = app.text_at("metadata.resourceVersion").expect("a version").to_owned();
            let shown = if line.text_at("type") == Some("DELETED") { Vec::new() } else { vec![app] };
            pure.round(&version, &shown);
            expected.extend(pure.observed.clone());
            fixture.told("step", &[]);
            watch.round(&fixture.url);
        }
        let without_nonce = |payload: &Value<'static>| {
            let mut payload = payload.clone();
            crate::make::set(&mut payload, "nonce", None);
            payload
        };
        let observed: Vec<_> = watch.observed().iter().map(without_nonce).collect();
        let expected: Vec<_> = expected.iter().map(without_nonce).collect();
        assert!(
            !observed.is_empty() && observed == expected,
            "{wanted}: {:?} {:?}",
            words(&observed),
            words(&expected)
        );
    }
}
