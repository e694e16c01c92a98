//! Who holds much and gives little back takes nothing from the others.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use pulselog::server::config::Config;
use pulselog::server::submitters::TokenOptions;

use crate::http::crowds::connect;
use crate::make::service::{Service, receipt, token};

/// How long a test waits for what should happen soon.
const PATIENCE: Duration = Duration::from_secs(60);

/// All of a body but its last byte.
fn nearly(service: &Service, token: Option<&str>, path: &str, media: &str, bytes: usize) -> TcpStream {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: log\r\n{authorization}content-type: {media}\r\ncontent-length: {bytes}\r\n\r\n"
    );
    let mut stream = connect(service);
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&vec![b'x'; bytes - 1]).expect("sent");
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_body_that_came_fast_and_then_stops_is_let_go_one_stall_after_its_last_byte() {
    let service = Service::start_with(|config: &mut Config| config.crowd.stall_time_max_ms = 500);
    let begun = Instant::now();
    // At the least rate these bytes would be due only after four minutes.
    let stream = nearly(&service, None, "/v1/verify", "application/json", 1 << 20);
    let answer = answer(stream);
    assert!(answer.contains("\"code\":\"body_too_slow\""), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn what_one_submitter_leaves_unfinished_leaves_room_for_another() {
    let service = Service::start_with(|config: &mut Config| {
        config.limits.batch_bytes_max = 1 << 20;
        config.limits.body_bytes_max = 1 << 20;
        config.crowd.submissions_held_bytes_max = 4 << 20;
    });
    let other = token(&service.data(), "other", TokenOptions::default());
    let hold = || nearly(&service, Some(&service.token), "/v1/entries:batch", "application/x-ndjson", 1 << 20);
    let held: Vec<TcpStream> = (0..4).map(|_| hold()).collect();
    // Three of them fill what one may hold. Whether he has all of it yet shows
    // in what he is told.
    let begun = Instant::now();
    while service.post("/v1/entries", receipt()).status != 503 {
        assert!(begun.elapsed() < Duration::from_secs(5), "his share is never full");
    }
    assert_eq!(service.post_as(&other, "/v1/entries", receipt()).status, 201);
    drop(held);
}

#[test]
fn a_document_of_many_small_values_is_refused_before_they_fill_the_memory() {
    let service = Service::start();
    let count = 500_000;
    let body = format!("[{}]", vec!["{\"\":0}"; count].join(","));
    assert!(body.len() < 4 << 20);
    let answer = service.post_with("/v1/verify", &[("content-type", "application/json")], &body);
    answer.is(400, "json_over_room");
}

#[test]
fn a_client_that_is_about_to_ask_does_not_make_room_for_the_next() {
    let service = Service::start_with(|config: &mut Config| {
        config.crowd.connections_max = 16;
        config.crowd.stall_time_max_ms = 120_000;
        config.limits.request_timeout = 2 * PATIENCE;
    });
    let head = "POST /v1/verify HTTP/1.1\r\nhost: log\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";
    let mut busy: Vec<TcpStream> = (0..15).map(|_| connect(&service)).collect();
    for stream in &mut busy {
        stream.write_all(head.as_bytes()).expect("sent");
    }
    std::thread::sleep(Duration::from_millis(300));
    // One place is left, and another wants it while its owner has not asked yet.
    let mut first = connect(&service);
    std::thread::sleep(Duration::from_millis(50));
    let _second = connect(&service);
    std::thread::sleep(Duration::from_millis(100));
    first.write_all(b"GET /checkpoint HTTP/1.1\r\nhost: log\r\nconnection: close\r\n\r\n").expect("sent");
    let answer = answer(first);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
}

#[test]
fn readers_who_take_nothing_stand_in_the_way_of_nobody() {
    let service = Service::start();
    service.fill(1_000);
    let head = "GET /v1/entries?limit=1000 HTTP/1.1\r\nhost: log\r\n\r\n";
    // Each has an answer made that it does not take, and three more to come.
    let greedy: Vec<TcpStream> = (0..120)
        .map(|_| {
            let mut stream = connect(&service);
            rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 4_096).expect("a size");
            stream.write_all(head.repeat(4).as_bytes()).expect("sent");
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_secs(2));
    for _ in 0..20 {
        assert_eq!(service.get("/v1/proofs/inclusion?index=5").status, 200);
        assert_eq!(service.get("/").status, 200);
    }
    // What is logged is told.
    let batch: Vec<String> = (0..1_000).map(|_| receipt()).collect();
    let told = service.post("/v1/entries:batch", batch.join("\n"));
    assert_eq!((told.status, told.text().lines().count()), (200, 1_000));
    // And there is room for a listing again, since the slowest are let go.
    assert_eq!(service.get("/v1/entries?limit=1000").status, 200);
    drop(greedy);
}
