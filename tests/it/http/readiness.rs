//! Readiness and counters tell what refuses writes, by the code that a
//! submitter is told.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::make::service::{Answer, Service, receipt};

const HOUR_MS: i64 = 3_600_000;

fn writes(answer: &Answer) -> Option<bool> {
    answer.json().get("writes").and_then(|value| value.as_bool())
}

/// Readings of disk and token file are believed for half a second.
fn wait(service: &Service, refused: Option<&str>) {
    let start = Instant::now();
    loop {
        let ready = service.get("/readyz");
        assert_eq!((ready.status, ready.string("status").as_str()), (200, "ready"), "reads go on: {}", ready.text());
        let is_said = refused.is_none_or(|code| ready.text().contains(&format!("\"writes_refused\":[\"{code}\"]")));
        if writes(&ready) == Some(refused.is_none()) && is_said {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{refused:?}: {}", ready.text());
        std::thread::sleep(Duration::from_millis(50));
    }
    let metrics = service.metrics().text();
    for code in ["clock_unsound", "degraded", "disk_low", "read_only", "tokens_missing", "tokens_unreadable"] {
        let gauge = format!("pulselog_writes_refused{{code=\"{code}\"}} {}", u8::from(refused == Some(code)));
        assert!(metrics.contains(&gauge), "{gauge} in {metrics}");
    }
}

#[test]
fn a_clock_that_is_not_believed_is_told() {
    let service = Service::start();
    service.fill(1);
    wait(&service, None);
    service.clock.wall_ms.fetch_sub(HOUR_MS, Ordering::SeqCst);
    wait(&service, Some("clock_unsound"));
    service.post("/v1/entries", receipt()).is(503, "clock_unsound");
    service.clock.wall_ms.fetch_add(HOUR_MS, Ordering::SeqCst);
    wait(&service, None);
    service.fill(1);
}

#[test]
fn a_disk_that_is_nearly_full_is_told() {
    let service = Service::start_with(|config| config.free_disk_bytes_min = u64::MAX);
    wait(&service, Some("disk_low"));
    service.post("/v1/entries", receipt()).is(507, "disk_low");
}

#[test]
fn a_token_file_that_is_damaged_or_not_there_is_told_and_is_no_unknown_token() {
    let service = Service::start();
    let path = service.data().join("tokens.json");
    let whole = std::fs::read(&path).expect("a token file");
    std::fs::remove_file(&path).expect("removed");
    wait(&service, Some("tokens_missing"));
    service.post("/v1/entries", receipt()).is(503, "tokens_missing");
    std::fs::write(&path, b"{\"tokens").expect("written");
    wait(&service, Some("tokens_unreadable"));
    service.post("/v1/entries", receipt()).is(503, "tokens_unreadable");
    std::fs::write(&path, &whole).expect("written");
    wait(&service, None);
    service.post_as("plg_no_such_token", "/v1/entries", receipt()).is(401, "token_unknown");
    service.fill(1);
}

#[test]
fn counters_have_a_listener_of_their_own_that_serves_nothing_else() {
    let service = Service::start();
    let counters = service.server.as_ref().and_then(pulselog::server::Server::metrics_addr).expect("counters");
    assert!(counters.ip().is_loopback() && format!("http://{counters}") != service.base());
    assert!(service.metrics().text().contains("pulselog_published_size 0"));
    service.get("/metrics").is(404, "not_found");
    for path in ["/", "/checkpoint", "/v1/entries"] {
        let answer = ureq::get(format!("http://{counters}{path}")).call();
        assert!(matches!(answer, Err(ureq::Error::StatusCode(404))), "{path}");
    }
}

#[test]
fn counters_that_were_asked_for_are_had_or_the_log_does_not_start() {
    // A port that is taken, after one that is free.
    let bind = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port));
    let (taken, addr) = std::iter::repeat_with(|| bind(0).expect("a port"))
        .map(|taken| (taken.local_addr().expect("an address"), taken))
        .find(|(addr, _)| bind(addr.port() - 1).is_ok())
        .map(|(addr, taken)| (taken, addr))
        .expect("two ports");
    let mut service = Service::start();
    service.stop();
    let started = service.try_restart(|config| config.metrics_listen = Some(addr));
    assert!(matches!(started, Err(pulselog::server::ServeError::Bind { .. })), "{started:?}");
    // The usual place is given up where it is taken: a log without counters serves.
    let started = service.try_restart(|config| {
        config.listen.set_port(addr.port() - 1);
        config.metrics_listen = None;
    });
    assert!(started.is_ok(), "{started:?}");
    assert_eq!(service.server.as_ref().and_then(pulselog::server::Server::metrics_addr), None);
    assert_eq!(service.get("/healthz").status, 200);
    drop(taken);
}
