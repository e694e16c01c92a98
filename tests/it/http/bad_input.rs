//! Bad input over HTTP: each answers its own code, changes nothing, panics never.

use std::sync::atomic::Ordering;

use pulselog::server::Server;
use pulselog::server::api::problem::codes;
use pulselog::server::submitters::TokenOptions;

use crate::make;
use crate::make::service::{self, Service};

#[test]
fn answers_a_hundred_megabyte_body_before_it_has_arrived() {
    let service = Service::start();
    for path in ["/v1/entries", "/v1/entries:batch"] {
        // Announced: nothing of it is waited for.
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {}\r\ncontent-length: 100000000\r\n\r\n",
            service.token
        );
        let answer = service.raw(&head);
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(answer.contains("\"code\":\"body_too_large\""), "{answer}");
    }
    // Sent whole, by a client that reads the answer only then.
    service.post("/v1/entries", vec![b' '; 100_000_000]).is(413, "body_too_large");
    assert_eq!(service.size(), 0);
}

#[test]
fn counts_the_bytes_of_a_body_of_unknown_length() {
    let service = Service::start_with(|config| config.limits.body_bytes_max = 1_000);
    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", " ".repeat(1_001));
    let request = format!(
        "POST /v1/entries HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {}\r\ntransfer-encoding: chunked\r\n\r\n{chunk}",
        service.token
    );
    assert!(service.raw(&request).starts_with("HTTP/1.1 413"));
}

#[test]
fn refuses_what_admission_refuses_with_its_code_and_field() {
    let service = Service::start();
    let receipt = service::receipt();
    let hash_at = receipt.find("\"payload_hash_b64u\":\"").expect("a hash") + 21;
    let mut other = receipt.clone();
    other.replace_range(hash_at..hash_at + 1, if &receipt[hash_at..=hash_at] == "A" { "B" } else { "A" });
    let cases: Vec<(Vec<u8>, u16, &str)> = vec![
        (b"\xef\xbb\xbf{}".to_vec(), 400, "json_bom"),
        (b"\xff".to_vec(), 400, "json_not_utf8"),
        (b"{\"a\":".to_vec(), 400, "json_truncated"),
        (b"{} {}".to_vec(), 400, "json_trailing_data"),
        (b"{\"a\":1e400}".to_vec(), 400, "json_number_overflow"),
        (b"{\"a\":9007199254740993}".to_vec(), 400, "json_number_unsafe"),
        ("[".repeat(65).into_bytes(), 400, "json_too_deep"),
        (b"{}".to_vec(), 422, "unknown_kind"),
        (make::good_bare("trust_pulse").into_bytes(), 403, "unsigned_not_granted"),
        (other.into_bytes(), 422, "hash_mismatch"),
        (receipt.replace("SHA-256", "BLAKE3").into_bytes(), 422, "unsupported_hash_algorithm"),
        (vec![b' '; 3 << 20], 413, "artifact_too_large"),
    ];
    for (body, status, code) in cases {
        service.post("/v1/entries", body).is(status, code);
    }
    let with_token = receipt.replace("\"note\":\"x\"", &format!("\"note\":\"{}\"", make::JWS));
    let answer = service.post("/v1/entries", with_token);
    assert!(!answer.text().contains(make::JWS), "the secret is never echoed");
    assert_eq!(service.size(), 0);
}

#[test]
fn refuses_sizes_of_zero_beyond_the_tree_and_swapped() {
    let service = Service::start();
    service.fill(2);
    service.fill(3);
    let cases = [
        ("/v1/proofs/inclusion?index=0&size=0", 400, "size_zero"),
        ("/v1/entries/0.tlog-proof?size=0", 400, "size_zero"),
        ("/v1/proofs/consistency?from=2&to=0", 400, "sizes_swapped"),
        ("/v1/proofs/consistency?from=5&to=2", 400, "sizes_swapped"),
        ("/v1/proofs/consistency?from=2&to=6", 404, "size_not_published"),
        ("/v1/proofs/consistency?from=3&to=5", 404, "size_not_published"),
        ("/v1/proofs/inclusion?index=0&size=6", 404, "size_not_published"),
        ("/v1/proofs/inclusion?index=0&size=9007199254740991", 404, "size_not_published"),
        ("/v1/proofs/inclusion?index=0&size=18446744073709551615", 400, "invalid_parameter"),
        ("/v1/proofs/inclusion?index=2&size=2", 404, "entry_not_found"),
        ("/v1/proofs/inclusion?index=5", 404, "entry_not_found"),
        ("/v1/entries/5", 404, "entry_not_found"),
        ("/v1/entries/5.tlog-proof", 404, "entry_not_found"),
        ("/v1/entries/9007199254740991", 404, "entry_not_found"),
        ("/v1/entries/18446744073709551615", 400, "invalid_parameter"),
        ("/v1/checkpoints/3", 404, "size_not_published"),
        ("/v1/checkpoints/6", 404, "size_not_published"),
    ];
    for (path, status, code) in cases {
        service.get(path).is(status, code);
    }
    // The empty checkpoint was published, and says so itself.
    assert_eq!(service.get("/v1/checkpoints/0").status, 200);
}

#[test]
fn refuses_every_other_spelling_of_an_address() {
    let service = Service::start();
    service.fill(1);
    let cases = [
        "/v1/entries/00",
        "/v1/entries/-1",
        "/v1/entries/+1",
        "/v1/entries/x",
        "/v1/entries/18446744073709551616",
        "/v1/entries/.tlog-proof",
        "/v1/entries/0?proof=true",
        "/v1/entries?limit=0",
        "/v1/entries?limit=1001",
        "/v1/entries?limit=01",
        "/v1/entries?limit=1&limit=1",
        "/v1/entries?kind=nothing",
        "/v1/entries?kind=%ff",
        "/v1/entries?sort=up",
        "/v1/proofs/inclusion",
        "/v1/proofs/inclusion?size=1",
        "/v1/proofs/consistency?to=1",
        "/v1/checkpoints/01",
        "/v1/checkpoints?before=1",
        "/v1/leaves/00",
        "/v1/artifacts/zz",
        "/v1/artifacts/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
        "/healthz?x=1",
    ];
    for path in cases {
        service.get(path).is(400, "invalid_parameter");
    }
    let named = service.get("/v1/entries?sort=up");
    assert_eq!(named.string("field"), "sort");
    // A name that could be anything is not repeated.
    assert!(!service.get("/v1/entries?%3Cscript%3E=1").text().contains("script"));
}

#[test]
fn refuses_tile_paths_that_are_not_canonical_or_beyond_the_tree() {
    let service = Service::start();
    service.fill(300);
    let paths = [
        "0/0",
        "0/0000",
        "0/x000/000",
        "00/000",
        "64/000",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p",
        "0/000/",
        "-1/000",
        "entries",
        "entries/0",
        "entries/x000/001",
        "data/000",
        "0/%30%30%30",
        "0/000.P/1",
        "",
    ];
    for path in paths {
        let answer = service.get(&format!("/tile/{path}"));
        assert!(answer.status == 400 || path.is_empty() && answer.status == 404, "{path}: {}", answer.text());
        if answer.status == 400 {
            answer.is(400, "tile_path_invalid");
        }
    }
    for path in
        ["0/001", "0/001.p/45", "0/002", "1/000", "1/000.p/2", "2/000.p/1", "63/000", "entries/001", "entries/001.p/45"]
    {
        let answer = service.get(&format!("/tile/{path}"));
        answer.is(404, "tile_not_found");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[test]
fn unknown_addresses_and_methods_are_problems_too() {
    let service = Service::start();
    service.get("/nothing").is(404, "not_found");
    service.get("/v1/nothing").is(404, "not_found");
    service.get("/v1/entries:batch").is(405, "method_not_allowed");
    service.post("/checkpoint", "").is(405, "method_not_allowed");
    let page = service.get_with("/nothing", &[("accept", "text/html")]);
    assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"));
}

#[test]
fn refuses_bodies_with_a_content_encoding() {
    let service = Service::start();
    let bearer = format!("Bearer {}", service.token);
    let headers = [("authorization", bearer.as_str()), ("content-encoding", "gzip")];
    service.post_with("/v1/entries", &headers, service::receipt()).is(415, "content_encoding_refused");
}

#[test]
fn writes_wait_while_the_clock_is_an_hour_back_and_go_on_afterwards() {
    let service = Service::start();
    service.fill(1);
    service.clock.wall_ms.store(-3_600_000, Ordering::SeqCst);
    let receipt = service::receipt();
    service.post("/v1/entries", &receipt).is(503, "clock_unsound");
    assert_eq!(service.size(), 1);
    assert_eq!(service.get("/v1/entries/0").status, 200, "reads go on");
    service.clock.wall_ms.store(0, Ordering::SeqCst);
    assert_eq!(service.post("/v1/entries", &receipt).status, 201);
}

#[test]
fn refuses_writes_and_serves_reads_below_the_low_water_mark() {
    let service = Service::start_with(|config| config.free_disk_bytes_min = u64::MAX);
    service.post("/v1/entries", service::receipt()).is(507, "disk_low");
    assert_eq!(service.get("/checkpoint").status, 200);
    assert_eq!(service.size(), 0);
}

#[test]
fn answers_a_request_that_takes_too_long() {
    let service = Service::start_with(|config| config.limits.request_timeout = std::time::Duration::from_millis(50));
    // A body that never comes.
    let head = format!(
        "POST /v1/entries HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {}\r\ncontent-length: 10\r\n\r\n",
        service.token
    );
    let answer = service.raw(&head);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"code\":\"timeout\""), "{answer}");
}

#[test]
fn a_second_service_on_the_same_data_is_refused() {
    let service = Service::start();
    let second = Server::start(service::config(service.data()));
    let Err(error) = second else { panic!("two services on one log") };
    assert_eq!(error.code().name, "guard_busy", "{error}");
    // The first is not disturbed.
    assert_eq!(service.post("/v1/entries", service::receipt()).status, 201);
}

#[test]
fn an_observer_that_tries_a_receipt_is_refused_and_may_observe_its_own_instance() {
    let service = Service::start();
    let kind = make::kind("argocd_observation");
    let options = TokenOptions {
        allow_unsigned: Some((kind, Some("notify".into()))),
        instance: Some("argocd-prod".into()),
        ..TokenOptions::default()
    };
    let observer = service::token(&service.data(), "observer-prod", options);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let observation = make::good_bare("argocd_observation");
    service.post_as(&observer, "/v1/entries", service::receipt()).is(403, "kind_not_granted");
    let elsewhere = observation.replace("argocd-prod", "argocd-test");
    service.post_as(&observer, "/v1/entries", elsewhere).is(403, "instance_not_granted");
    let polled = observation.replace("\"notify\"", "\"poll\"");
    service.post_as(&observer, "/v1/entries", polled).is(403, "channel_not_granted");
    service.post_as(&observer, "/v1/entries", make::good_bare("trust_pulse")).is(403, "unsigned_not_granted");
    assert_eq!(service.size(), 0);
    assert_eq!(service.post_as(&observer, "/v1/entries", observation).status, 201);
}

#[test]
fn the_table_of_codes_has_each_code_once() {
    let mut all: Vec<_> = codes().map(|row| row.name).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

/// Codes that no request of these tests can bring about, and who covers them.
const NOT_OVER_HTTP: &[(&str, &str)] = &[
    ("body_withheld", "no rule withholds a body yet; the view has the answer"),
    ("answers_full", "needs a hundred megabytes of answers that nobody takes; the crowds of the nightly run do"),
    ("read_only", "needs a guard on a broken medium; the tests of the guard start one"),
    ("log_stopped", "needs a failed write; the fault table makes one"),
    ("not_ready", "as log_stopped"),
    ("store_damaged", "needs a damaged store; the tests that flip bytes make one"),
    ("store_failed", "as store_damaged"),
    ("internal", "needs a defect"),
    ("index_behind", "needs a follower that stands still"),
    ("scope_too_large", "needs ten thousand entries that hang together"),
    ("body_incomplete", "the connection that would carry the answer is gone"),
    ("tokens_unreadable", "the tests of the tokens damage the file"),
];

/// Every code of the service's own table is asked for somewhere in these
/// tests, or stands above with the reason.
#[test]
fn every_code_is_brought_about_by_a_test_or_excused() {
    // Those that talk to a service: what another reader calls so is no answer.
    let talks = |text: &String| ["Service", "Served", "Told"].iter().any(|client| text.contains(client));
    let tests: Vec<_> = make::sources("tests/it").into_iter().filter(talks).collect();
    for row in pulselog::codes::service::ANSWERS {
        let (call, raw) = (format!(", \"{}\")", row.name), format!("\\\"code\\\":\\\"{}\\\"", row.name));
        let asserted = tests.iter().any(|t| t.contains(&call) || t.contains(&raw));
        let excused = NOT_OVER_HTTP.iter().any(|(code, _)| *code == row.name);
        assert!(asserted || excused, "{} is asserted by no test", row.name);
    }
}

#[test]
fn every_code_of_a_route_stands_in_the_table() {
    for route in pulselog::server::api::ROUTES {
        for code in pulselog::server::api::openapi::all_codes(route) {
            assert!(codes().any(|row| row == code), "{code} of {}", route.path);
        }
    }
    for row in pulselog::codes::service::ANSWERS {
        let named = pulselog::server::api::ROUTES
            .iter()
            .any(|route| pulselog::server::api::openapi::all_codes(route).any(|code| code == *row));
        assert!(named, "{} belongs to no route", row.name);
    }
}

#[test]
fn unknown_leaves_and_artifacts_have_their_own_codes() {
    let service = Service::start();
    let hash = make::hex("nobody logged this");
    service.get(&format!("/v1/leaves/{hash}")).is(404, "leaf_not_found");
    service.get(&format!("/v1/artifacts/{hash}")).is(404, "artifact_not_found");
}

/// docs/API.md is the code's own word; `PULSELOG_BLESS=1` writes it anew.
#[test]
fn api_reference_is_what_the_code_says() {
    let path = make::project("docs/API.md");
    let made = pulselog::server::api::docs::reference();
    if make::blessing() {
        std::fs::write(&path, &made).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "docs/API.md is not what the code says: PULSELOG_BLESS=1 writes it anew");
}
