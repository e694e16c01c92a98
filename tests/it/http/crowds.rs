//! Nobody starves the others: whoever is slow, silent, greedy or waiting takes
//! nothing from those who read and submit beside them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use pulselog::sequence::QUEUE_ENTRIES_MAX;
use pulselog::server::config::Config;

use crate::make::service::{Answer, Service, receipt};

/// How long a test waits for what should happen soon.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn connect(service: &Service) -> TcpStream {
    let stream = TcpStream::connect(service.base().trim_start_matches("http://")).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Everything that comes until the other side closes.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A whole submission, which asks for the connection to be closed after it.
fn submission(service: &Service, body: &str) -> String {
    format!(
        "POST /v1/entries HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        service.token,
        body.len()
    )
}

fn unfinished(path: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{{\"a\":"
    )
}

/// A document that takes a while to judge and belongs to nobody.
fn heavy() -> String {
    let members: Vec<String> = (0..60_000).map(|n| format!("\"{n}\":0")).collect();
    format!("{{\"envelope_type\":\"proof_bundle\",\"payload\":{{{}}}}}", members.join(","))
}

#[test]
fn documents_beyond_those_that_may_wait_are_refused_and_submissions_go_on() {
    let service = Service::start_with(|config: &mut Config| {
        config.crowd.verify_waiting_max = 1;
    });
    let heavy = heavy();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let post = || service.post_with("/v1/verify", &[("content-type", "application/json")], &heavy);
        let sent: Vec<_> = (0..24).map(|_| scope.spawn(post)).collect();
        for _ in 0..10 {
            assert_eq!(service.post("/v1/entries", receipt()).status, 201);
        }
        sent.into_iter().map(|s| s.join().expect("an answer")).collect()
    });
    assert!(answers.iter().any(|a| a.status == 200), "nothing was judged");
    let busy = answers.iter().find(|a| a.status != 200).expect("one was refused");
    busy.is(429, "verify_busy");
    // It is over when they are done.
    assert_eq!(service.post_with("/v1/verify", &[("content-type", "application/json")], &heavy).status, 200);
}

#[test]
fn documents_that_are_held_are_bounded_in_bytes() {
    let service = Service::start_with(|config: &mut Config| config.crowd.verify_held_bytes_max = 1 << 20);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20));
    service.post_with("/v1/verify", &[("content-type", "application/json")], long).is(429, "verify_busy");
}

#[test]
fn whoever_sends_no_head_is_closed_and_holds_up_nobody() {
    let service = Service::start_with(|config: &mut Config| config.crowd.head_time_max_ms = 1_000);
    let silent: Vec<TcpStream> = (0..300).map(|_| connect(&service)).collect();
    let mut dribbling: Vec<TcpStream> = (0..100).map(|_| connect(&service)).collect();
    for stream in &mut dribbling {
        stream.write_all(b"GET /checkpoint HTTP/1.1\r\nhost: ha").expect("sent");
    }
    assert_eq!(service.get("/checkpoint").status, 200);
    assert_eq!(service.post("/v1/entries", receipt()).status, 201);
    // A byte now and then does not put it off.
    let begun = Instant::now();
    let mut dribbler = dribbling.swap_remove(0);
    while dribbler.write_all(b"l").is_ok() {
        assert!(begun.elapsed() < PATIENCE, "still connected");
        std::thread::sleep(Duration::from_millis(20));
    }
    for stream in silent.into_iter().chain(dribbling) {
        assert_eq!(rest(stream), "");
    }
}

#[test]
fn a_body_that_lies_behind_its_least_rate_is_refused() {
    let service = Service::start_with(|config: &mut Config| config.crowd.stall_time_max_ms = 500);
    let mut streams: Vec<TcpStream> = (0..300).map(|_| connect(&service)).collect();
    for stream in &mut streams {
        stream.write_all(unfinished("/v1/verify").as_bytes()).expect("sent");
    }
    // All 300 are under way, and hold no slot.
    assert_eq!(service.get("/checkpoint").status, 200);
    assert_eq!(service.get("/v1/entries").status, 200);
    assert_eq!(service.post("/v1/entries", receipt()).status, 201);
    for stream in streams {
        let answer = rest(stream);
        let is_refused = answer.starts_with("HTTP/1.1 408") && answer.contains("\"code\":\"body_too_slow\"");
        assert!(is_refused, "{answer}");
    }
}

#[test]
fn whoever_does_not_take_answers_is_closed() {
    let service = Service::start_with(|config: &mut Config| config.crowd.stall_time_max_ms = 500);
    let receipts = service.fill(900);
    let one = service.get("/v1/entries?limit=1000");
    assert_eq!((one.status, receipts.len()), (200, 900), "{}", one.text());
    let mut stream = connect(&service);
    // More than the buffers of both sides hold.
    let asked = 200;
    for _ in 0..asked {
        if stream.write_all(b"GET /v1/entries?limit=1000 HTTP/1.1\r\nhost: log\r\n\r\n").is_err() {
            break;
        }
    }
    std::thread::sleep(Duration::from_secs(3));
    let taken = rest(stream);
    let answers = taken.matches("HTTP/1.1 200").count();
    assert!(answers < asked, "{answers} answers of {} bytes", one.body.len());
}

#[test]
fn silent_connections_make_room_when_there_is_none() {
    let service = Service::start_with(|config: &mut Config| config.crowd.connections_max = 16);
    let silent: Vec<TcpStream> = (0..60).map(|_| connect(&service)).collect();
    for _ in 0..5 {
        let mut stream = connect(&service);
        stream.write_all(b"GET /checkpoint HTTP/1.1\r\nhost: log\r\nconnection: close\r\n\r\n").expect("sent");
        let answer = rest(stream);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    drop(silent);
}

#[test]
fn one_address_has_no_more_connections_than_it_may() {
    let service = Service::start_with(|config: &mut Config| {
        config.crowd.connections_per_address_max = 10;
        // Whoever came too early is gone before those at work are.
        (config.crowd.head_time_max_ms, config.crowd.stall_time_max_ms) = (500, 120_000);
        config.limits.request_timeout = 2 * PATIENCE;
    });
    let mut busy: Vec<TcpStream> = (0..10).map(|_| connect(&service)).collect();
    for stream in &mut busy {
        stream.write_all(unfinished("/v1/verify").as_bytes()).expect("sent");
    }
    let begun = Instant::now();
    loop {
        let answer = rest(connect(&service));
        if answer.starts_with("HTTP/1.1 429 ") && answer.contains("Retry-After: 1") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer}");
        // On a slow machine one of them was not at work yet, and made room.
        let mut another = connect(&service);
        if another.write_all(unfinished("/v1/verify").as_bytes()).is_ok() {
            busy.push(another);
        }
    }
    drop(busy);
}

#[test]
fn submitters_that_wait_for_a_checkpoint_hold_up_nobody() {
    let service = Service::start_with(|config: &mut Config| config.checkpoint_interval = Duration::from_secs(8));
    // The first is signed at once; from now on everybody waits.
    assert_eq!(service.post("/v1/entries", receipt()).status, 201);
    let mut waiting: Vec<TcpStream> = (0..400)
        .map(|_| {
            let mut stream = connect(&service);
            stream.write_all(submission(&service, &receipt()).as_bytes()).expect("sent");
            stream
        })
        .collect();
    let waits = |stream: &TcpStream| {
        stream.set_nonblocking(true).expect("a mode");
        let peeked = stream.peek(&mut [0; 1]);
        stream.set_nonblocking(false).expect("a mode");
        peeked.is_err()
    };
    let begun = Instant::now();
    for path in ["/checkpoint", "/v1/entries", "/v1/entries/0", "/v1/checkpoints"] {
        assert_eq!(service.get(path).status, 200, "{path}");
    }
    assert!(begun.elapsed() > Duration::from_secs(7) || waiting.iter().all(waits), "readers waited for submitters");
    for stream in waiting.drain(..) {
        let answer = rest(stream);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
}

#[test]
fn a_full_queue_says_so_before_anything_is_verified() {
    let service = Service::start();
    let log = &service.server.as_ref().expect("it runs").state().log;
    let reserve = |artifacts: usize| log.reserve(std::iter::repeat_n(100, artifacts));
    // Batches leave room for single submissions …
    let batches = [reserve(4_096), reserve(4_096), reserve(4_096), reserve(2_048)];
    assert!(batches.iter().all(Result::is_ok));
    service.post("/v1/entries:batch", format!("{}\n{}", receipt(), receipt())).is(503, "queue_full");
    assert_eq!(service.post("/v1/entries", receipt()).status, 201);
    // … and what nobody could admit is told that there is no room, not what it lacks.
    let singles: Vec<_> = (0..QUEUE_ENTRIES_MAX - 14_336).map(|_| reserve(1)).collect();
    assert!(singles.iter().all(Result::is_ok));
    service.post("/v1/entries", "no artifact at all").is(503, "queue_full");
    drop((batches, singles));
    service.post("/v1/entries", "no artifact at all").is(400, "json_syntax");
    assert_eq!(service.post("/v1/entries", receipt()).status, 201);
}
