//! In which form bodies are taken and answers are given: media types,
//! encodings, caches, other origins, and the addresses that pages name.

use std::io::Write as _;
use std::process::{Command, Stdio};

use pulselog::receipt::ConsistencyFile;
use pulselog::server::config::Config;

use crate::make::service::{Service, receipt};

fn head(service: &Service, path: &str, lines: &str) -> String {
    let token = &service.token;
    format!("POST {path} HTTP/1.1\r\nhost: log\r\nauthorization: Bearer {token}\r\nconnection: close\r\n{lines}\r\n")
}

fn is_problem(answer: &str, status: u16, code: &str) {
    let (status, code) = (format!("HTTP/1.1 {status} "), format!("\"code\":\"{code}\""));
    assert!(answer.starts_with(&status) && answer.contains(&code), "{answer}");
    assert!(answer.contains("cache-control: no-store"), "{answer}");
}

#[test]
fn a_request_names_one_host() {
    let service = Service::start();
    let ask = |version: &str, hosts: &str| {
        service.raw(&format!("GET /checkpoint HTTP/{version}\r\n{hosts}connection: close\r\n\r\n"))
    };
    for hosts in [
        "",
        "host: a\r\nhost: a\r\n",
        "host: evil\"><x\r\n",
        "host: a b\r\n",
        "host: user@a\r\n",
        "host: a/b\r\n",
        "host: a:port\r\n",
        "host: :80\r\n",
        "host: [::1\r\n",
    ] {
        is_problem(&ask("1.1", hosts), 400, "host_invalid");
    }
    for hosts in
        ["host: a\r\n", "host: log.example:8080\r\n", "host: 127.0.0.1:1\r\n", "host: [::1]:80\r\n", "host:\r\n"]
    {
        assert!(ask("1.1", hosts).starts_with("HTTP/1.1 200 "), "{hosts}");
    }
    assert!(ask("1.0", "").contains(" 200 OK"), "{}", ask("1.0", ""));
    is_problem(&service.raw("POST /v1/entries HTTP/1.1\r\nconnection: close\r\n\r\n"), 400, "host_invalid");
}

#[test]
fn takes_a_body_of_its_own_media_type_and_no_other() {
    let service = Service::start();
    let bearer = format!("Bearer {}", service.token);
    let post = |path: &str, media: &str, body: String| {
        service.post_with(path, &[("authorization", bearer.as_str()), ("content-type", media)], body)
    };
    for media in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(post("/v1/entries", media, receipt()).status, 201, "{media}");
    }
    assert_eq!(post("/v1/entries:batch", "application/x-ndjson", receipt()).status, 200);
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/json2", "application/x-ndjson", ""] {
        post("/v1/entries", media, receipt()).is(415, "content_type_refused");
    }
    post("/v1/entries:batch", "application/json", receipt()).is(415, "content_type_refused");
    service.post_with("/v1/verify", &[("content-type", "text/html")], "{}").is(415, "content_type_refused");
    let twice = "content-type: application/json\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n";
    is_problem(&service.raw(&(head(&service, "/v1/entries", twice) + "{}")), 415, "content_type_refused");
}

#[test]
fn takes_no_packed_body_however_that_is_said() {
    let service = Service::start();
    let cases = [
        "content-encoding: gzip\r\ncontent-length: 2\r\n",
        "content-encoding: identity\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n",
        "transfer-encoding: gzip, chunked\r\n",
    ];
    for lines in cases {
        let body = if lines.contains("chunked") { "2\r\n{}\r\n0\r\n\r\n" } else { "{}" };
        is_problem(&service.raw(&(head(&service, "/v1/entries", lines) + body)), 415, "content_encoding_refused");
    }
}

#[test]
fn a_cache_keeps_no_answer_that_nobody_accepts() {
    let service = Service::start();
    service.fill(1);
    for path in ["/tile/entries/000.p/1", "/v1/entries", "/"] {
        let nothing = service.get_with(path, &[("accept-encoding", "gzip;q=0, identity;q=0, *;q=0")]);
        nothing.is(406, "not_acceptable");
        assert_eq!(nothing.header("cache-control"), "no-store");
    }
}

#[test]
fn a_query_changes_no_checkpoint_and_no_tile() {
    let service = Service::start();
    service.fill(3);
    for path in ["/checkpoint", "/tile/0/000.p/3", "/tile/entries/000.p/3"] {
        let (plain, queried) = (service.get(path), service.get(&format!("{path}?x=1")));
        assert_eq!((queried.status, &queried.body), (200, &plain.body), "{path}");
        assert_eq!(queried.header("cache-control"), plain.header("cache-control"));
    }
}

#[test]
fn a_witness_that_knows_no_checkpoint_gets_one_without_hashes() {
    let service = Service::start();
    service.fill(3);
    let answer = service.get_with("/v1/proofs/consistency?from=0", &[("accept", "text/plain")]);
    let file = ConsistencyFile::decode(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.text()));
    assert_eq!((file.old.get(), file.path.len()), (0, 0));
    assert!(answer.text().starts_with("old 0\n\nlog.example/test\n3\n"), "{}", answer.text());
    let json = service.get("/v1/proofs/consistency?from=0");
    assert_eq!((json.status, json.number("from"), json.number("to")), (200, 0, 3));
    assert_eq!(service.get("/v1/proofs/consistency?from=0&to=0").status, 200);
}

#[test]
fn pages_and_json_are_packed_for_who_asks_and_what_was_submitted_is_not() {
    let service = Service::start();
    let receipts = service.fill(20);
    for path in ["/", "/v1/entries", "/openapi.json", "/static/pulselog.css", "/tile/entries/000.p/20"] {
        let (plain, packed) = (service.get_with(path, &[("accept-encoding", "identity")]), gzipped(&service, path));
        assert_eq!(plain.header("content-encoding"), "", "{path}");
        assert!(plain.header("vary").contains("accept-encoding"), "{path}: {}", plain.header("vary"));
        if path != "/" {
            assert_eq!(packed, plain.body, "{path}");
        }
    }
    // Bytes that a name or a hash stands for come as they are.
    let digest = pulselog::artifact::digest::ArtifactDigest::of(receipts[0].as_bytes());
    for path in [format!("/v1/artifacts/{digest}"), "/tile/0/000.p/20".into(), "/checkpoint".into()] {
        assert_eq!(service.get_with(&path, &[("accept-encoding", "gzip")]).header("content-encoding"), "", "{path}");
    }
}

/// What gzip makes of an answer.
fn gzipped(service: &Service, path: &str) -> Vec<u8> {
    let request = format!("GET {path} HTTP/1.0\r\nhost: log\r\naccept-encoding: gzip\r\n\r\n");
    let answer = service.raw_bytes(&request);
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    assert!(head.contains("content-encoding: gzip"), "{path}: {head}");
    let mut child = Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip");
    let mut input = child.stdin.take().expect("an input");
    let body = answer[end..].to_vec();
    let writer = std::thread::spawn(move || input.write_all(&body));
    let output = child.wait_with_output().expect("gzip ends");
    writer.join().expect("a writer").expect("written");
    output.stdout
}

#[test]
fn pages_of_other_origins_may_read_what_anybody_may_read() {
    let service = Service::start();
    service.fill(1);
    for path in ["/checkpoint", "/tile/0/000.p/1", "/v1/entries", "/v1/entries/7", "/healthz"] {
        assert_eq!(service.get(path).header("access-control-allow-origin"), "*", "{path}");
    }
    assert_eq!(service.get_with("/", &[("accept", "text/html")]).header("access-control-allow-origin"), "");
    assert_eq!(service.post("/v1/entries", receipt()).header("access-control-allow-origin"), "");
}

#[test]
fn pages_name_the_address_that_the_operator_gave_and_believe_no_client() {
    let lies = [
        ("host", "evil.example"),
        ("forwarded", "for=1.2.3.4;host=evil.example;proto=https"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-port", "66"),
        ("x-forwarded-prefix", "/evil.example"),
        ("x-forwarded-server", "evil.example"),
    ];
    let plain = Service::start();
    plain.fill(1);
    let page = plain.get_with("/", &lies).text();
    assert!(page.contains(&format!("{}/checkpoint", plain.base())) && !page.contains("evil.example"), "{page}");
    let page = plain.get_with("/entries/0", &lies).text();
    assert!(!page.contains("og:url") && !page.contains("evil.example"), "{page}");
    let told = Service::start_with(|config: &mut Config| config.public_url = Some("https://log.example/x".into()));
    told.fill(1);
    let page = told.get_with("/", &lies).text();
    assert!(page.contains("https://log.example/x/checkpoint") && !page.contains("evil.example"), "{page}");
    let page = told.get_with("/entries/0", &lies).text();
    let own = r#"<meta property="og:url" content="https://log.example/x/entries/0">"#;
    assert!(page.contains(own) && !page.contains("evil.example"), "{page}");
}

#[test]
fn numbers_end_where_json_readers_keep_them_exact() {
    let service = Service::start();
    for path in ["/v1/entries?after=", "/v1/checkpoints?after=", "/v1/findings?after="] {
        assert_eq!(service.get(&format!("{path}9007199254740991")).status, 200, "{path}");
        service.get(&format!("{path}9007199254740992")).is(400, "invalid_parameter");
    }
}

#[test]
fn a_document_that_is_no_strict_json_is_refused_with_a_code_that_is_described() {
    let codes = pulselog::server::api::problem::codes().filter(|row| row.name.starts_with("json_"));
    let missing: Vec<_> = codes.filter(|row| !pulselog::server::api::verdicts::VERIFY_CODES.contains(row)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
