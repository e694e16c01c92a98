//! The service over loopback: what is logged, read and proven.

#[cfg(feature = "server")]
pub mod access;
#[cfg(feature = "server")]
pub mod access_docs;
#[cfg(feature = "server")]
pub mod again;
#[cfg(feature = "server")]
pub mod audits;
#[cfg(feature = "server")]
pub mod bad_input;
#[cfg(feature = "server")]
pub mod batch;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod connections;
#[cfg(feature = "server")]
pub mod crawl;
#[cfg(feature = "server")]
pub mod crowd_load;
#[cfg(feature = "server")]
pub mod crowds;
#[cfg(feature = "server")]
pub mod damaged;
#[cfg(feature = "server")]
pub mod desk;
#[cfg(feature = "server")]
pub mod findings;
#[cfg(feature = "server")]
pub mod forms;
#[cfg(feature = "server")]
pub mod greedy;
#[cfg(feature = "server")]
pub mod lookup;
#[cfg(feature = "server")]
pub mod lookup_near;
#[cfg(feature = "server")]
pub mod readiness;
#[cfg(feature = "server")]
pub mod reads_fail;
#[cfg(feature = "server")]
pub mod ready;
#[cfg(feature = "server")]
pub mod shapes;
#[cfg(feature = "server")]
pub mod sign_in;
#[cfg(feature = "server")]
pub mod tokens;
#[cfg(feature = "server")]
pub mod verdicts;
#[cfg(feature = "server")]
pub mod webhooks;
#[cfg(feature = "server")]
pub mod withholding;

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{Value, to_compact, to_pretty};
use pulselog::entry::SequencedEntry;
use pulselog::merkle::leaf_hash;
use pulselog::receipt::{ConsistencyFile, prove, tlog_proof};
use pulselog::tile::decode_bundle;
use pulselog::trust::TrustPolicy;

use crate::make;
use crate::make::service::{self, ORIGIN, Service};

fn policy(service: &Service) -> TrustPolicy {
    TrustPolicy::parse(service.get("/v1/trust-policy").text()).expect("a policy")
}

fn bytes_of_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn logs_one_artifact_and_proves_it_in_the_same_answer() {
    let service = Service::start();
    let receipt = service::receipt();
    let answer = service.post("/v1/entries?proof=true", &receipt);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("location"), "/v1/entries/0");
    assert_eq!((answer.number("index"), answer.number("tree_size")), (0, 1));
    assert_eq!(answer.string("artifact"), ArtifactDigest::of(receipt.as_bytes()).to_string());
    let proof = tlog_proof::decode(answer.string("proof").as_bytes()).expect("a tlog-proof");
    let entry = proof.extra.clone().expect("the entry");
    let proven = prove(&proof, &entry, &policy(&service)).expect("a proven entry");
    assert_eq!(proven.leaf_hash().to_string(), answer.string("leaf_hash"));
    let entry = SequencedEntry::decode(proven.entry()).expect("an entry");
    assert_eq!((entry.kind.name(), entry.submitter.as_str()), ("gateway_receipt", "tester"));
}

#[test]
fn answers_a_duplicate_with_its_place_and_200() {
    let service = Service::start();
    let receipts = service.fill(3);
    // The same artifact in another spelling is the same artifact.
    let spaced = to_pretty(&make::value(&receipts[1]));
    assert_ne!(spaced, receipts[1]);
    for spelling in [&receipts[1], &spaced] {
        let answer = service.post("/v1/entries?proof=true", spelling);
        assert_eq!((answer.status, answer.number("index")), (200, 1), "{}", answer.text());
        assert!(tlog_proof::decode(answer.string("proof").as_bytes()).is_ok());
    }
    assert_eq!(service.size(), 3);
}

#[test]
fn lists_other_entries_of_the_same_statement() {
    let service = Service::start();
    let first = service::receipt();
    assert_eq!(service.post("/v1/entries", &first).status, 201);
    // The envelope's own dates are not signed.
    let second = first.replace(make::ISSUED_AT, "2026-11-22T12:00:01.000Z");
    let payload_at = first.find("\"payload\"").expect("a payload");
    let issued_at = first.rfind("\"issued_at\"").expect("the envelope's date");
    assert!(issued_at > payload_at);
    let second = format!("{}{}", &first[..issued_at], &second[issued_at..]);
    let answer = service.post("/v1/entries", &second);
    assert_eq!((answer.status, answer.number("index")), (201, 1), "{}", answer.text());
    assert_eq!(answer.json().get("same_statement").map(to_compact).as_deref(), Some("[0]"));
}

#[test]
fn expands_a_bundle_before_the_bundle_and_names_what_does_not_expand() {
    let service = Service::start();
    let kind = make::kind("proof_bundle");
    let mut payload = make::bundle_payload();
    let mut broken = make::value(&service::receipt());
    make::set(
        &mut broken,
        "signature_b64u",
        Some(make::value(&make::good(make::kind("approval"))).get("signature_b64u").cloned().expect("a signature")),
    );
    let mut receipts = payload.get("receipts").and_then(Value::as_array).expect("receipts").to_vec();
    receipts.push(broken);
    make::set(&mut payload, "receipts", Some(Value::Array(receipts)));
    let bundle = to_compact(&make::seal_raw(kind, payload, &make::key("agent")));
    let answer = service.post("/v1/entries", &bundle);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.json().get("expanded").map(to_compact).as_deref(), Some("[0,1,2,3,4]"));
    assert_eq!(answer.number("index"), 5);
    let not_expanded = answer.json().get("not_expanded").map(to_compact);
    assert_eq!(not_expanded.as_deref(), Some(r#"[{"path":"payload.receipts[1]","code":"signature_invalid"}]"#));
    let entry = service.get("/v1/entries/5");
    assert_eq!((entry.string("kind").as_str(), entry.number("receipts_count")), ("proof_bundle", 7));
    let submitters = service.get("/v1/entries?limit=6").json();
    for entry in submitters.get("entries").and_then(Value::as_array).expect("entries") {
        assert_eq!(entry.text_at("submitter"), Some("tester"));
    }
}

#[test]
fn reads_entries_by_index_leaf_and_artifact() {
    let service = Service::start();
    let receipts = service.fill(3);
    let entry = service.get("/v1/entries/2");
    assert_eq!((entry.status, entry.header("cache-control")), (200, "no-cache"));
    let bytes = bytes_of_hex(&entry.string("entry"));
    assert_eq!(leaf_hash(&bytes).to_string(), entry.string("leaf_hash"));
    let by_leaf = service.get(&format!("/v1/leaves/{}", entry.string("leaf_hash")));
    assert_eq!(by_leaf.text(), entry.text());
    let path = format!("/v1/artifacts/{}", entry.string("artifact"));
    let body = service.get(&path);
    assert_eq!((body.status, body.text()), (200, receipts[2].clone()));
    assert_eq!(body.header("cache-control"), "private, no-cache");
    assert_eq!(body.header("etag"), format!("\"{}\"", entry.string("artifact")));
    let known = service.get_with(&path, &[("if-none-match", body.header("etag"))]);
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, body.header("etag")));
    let other = service.get_with(&path, &[("if-none-match", "\"00\"")]);
    assert_eq!(other.status, 200);
}

#[test]
fn redirects_other_spellings_of_a_hash_to_lowercase_hex() {
    let service = Service::start();
    let receipt = service.fill(1).remove(0);
    let digest = ArtifactDigest::of(receipt.as_bytes());
    let b64u = make::b64u(&receipt);
    for spelled in [digest.to_string().to_uppercase(), b64u] {
        let answer = service.get(&format!("/v1/artifacts/{spelled}"));
        assert_eq!(answer.status, 308, "{spelled}");
        assert_eq!(answer.header("location"), format!("/v1/artifacts/{digest}"));
    }
    let leaf = service.get("/v1/entries/0").string("leaf_hash");
    let answer = service.get(&format!("/v1/leaves/{}", leaf.to_uppercase()));
    assert_eq!((answer.status, answer.header("location")), (308, format!("/v1/leaves/{leaf}").as_str()));
}

#[test]
fn pages_through_entries_by_cursor_and_by_kind() {
    let service = Service::start();
    service.fill(5);
    assert_eq!(service.post("/v1/entries", make::good(make::kind("approval"))).status, 201);
    service.fill(2);
    let mut seen = Vec::new();
    let mut path = "/v1/entries?limit=3".to_owned();
    loop {
        let page = service.get(&path).json();
        let entries = page.get("entries").and_then(Value::as_array).expect("entries");
        seen.extend(entries.iter().filter_map(|e| e.get("index")?.as_i64()));
        let Some(next) = page.get("next").and_then(Value::as_i64) else { break };
        path = format!("/v1/entries?limit=3&after={next}");
    }
    assert_eq!(seen, (0..8).collect::<Vec<_>>());
    let approvals = service.get("/v1/entries?kind=approval");
    assert_eq!(approvals.json().get("entries").and_then(Value::as_array).map(<[_]>::len), Some(1));
    assert_eq!(approvals.json().get("entries").and_then(|e| e.as_array()?[0].get("index")?.as_i64()), Some(5));
    assert_eq!(approvals.number("indexed_size"), 8);
    let receipts = service.get("/v1/entries?kind=gateway_receipt&limit=4&after=1");
    assert_eq!(receipts.number("next"), 6, "{}", receipts.text());
    let rest = service.get("/v1/entries?kind=gateway_receipt&limit=4&after=6").json();
    assert_eq!(rest.get("entries").and_then(Value::as_array).map(<[_]>::len), Some(1));
    assert!(rest.get("next").is_none());
}

#[test]
fn proves_inclusion_at_any_published_size_as_json_and_as_text() {
    let service = Service::start();
    for _ in 0..4 {
        service.fill(2);
    }
    let policy = policy(&service);
    for size in [2_u64, 4, 6, 8] {
        for index in 0..size {
            let json = service.get(&format!("/v1/proofs/inclusion?index={index}&size={size}"));
            assert_eq!((json.status, json.number("tree_size")), (200, size as i64), "{}", json.text());
            let text = service.get(&format!("/v1/entries/{index}.tlog-proof?size={size}"));
            assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
            let proof = tlog_proof::decode(&text.body).expect("a tlog-proof");
            let proven = prove(&proof, &bytes_of_hex(&json.string("entry")), &policy).expect("proven");
            assert_eq!(proven.checkpoint().head().size.get(), size);
            assert_eq!(json.string("checkpoint").as_bytes(), proof.checkpoint.as_bytes());
        }
    }
    let accept = |path: &str, accept: &str| service.get_with(path, &[("accept", accept)]);
    let text = accept("/v1/proofs/inclusion?index=1", "text/plain");
    assert_eq!(text.text(), service.get("/v1/entries/1.tlog-proof").text());
    assert_eq!(text.header("vary"), "accept");
    let json = accept("/v1/entries/1.tlog-proof", "application/json");
    assert_eq!(json.text(), service.get("/v1/proofs/inclusion?index=1").text());
    let preferred = accept("/v1/entries/1.tlog-proof", "text/plain;q=0.5, application/json");
    assert_eq!(preferred.header("content-type"), "application/json");
}

#[test]
fn proves_consistency_between_published_sizes_as_json_and_as_text() {
    let service = Service::start();
    service.fill(3);
    let old = service.get_with("/v1/checkpoints/3", &[("accept", "text/plain")]);
    service.fill(4);
    let policy = policy(&service);
    let old = policy.open(&old.body).expect("a checkpoint");
    let text = service.get_with("/v1/proofs/consistency?from=3", &[("accept", "text/plain")]);
    let file = ConsistencyFile::decode(&text.body).expect("a consistency file");
    let new = file.check(&old, &policy).expect("consistent");
    assert_eq!(new.head().size.get(), 7);
    let json = service.get("/v1/proofs/consistency?from=3&to=7");
    assert_eq!(json.string("from_root"), old.head().root.to_string());
    assert_eq!(json.string("to_root"), new.head().root.to_string());
}

#[test]
fn every_published_checkpoint_stays_verifiable() {
    let service = Service::start();
    for _ in 0..5 {
        service.fill(1);
    }
    let policy = policy(&service);
    let first = service.get("/v1/checkpoints?limit=4").json();
    let next = first.get("next").and_then(Value::as_i64).expect("a cursor");
    let rest = service.get(&format!("/v1/checkpoints?after={next}")).json();
    let mut sizes = Vec::new();
    for page in [&first, &rest] {
        for row in page.get("checkpoints").and_then(Value::as_array).expect("checkpoints") {
            let trusted = policy.open(row.text_at("checkpoint").expect("a note").as_bytes()).expect("verifies");
            assert_eq!(trusted.origin().as_str(), ORIGIN);
            sizes.push(trusted.head().size.get());
        }
    }
    assert_eq!(sizes, [5, 4, 3, 2, 1, 0]);
    let newest = service.get("/checkpoint");
    assert_eq!(newest.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(newest.header("cache-control"), "public, max-age=2");
    assert_eq!(policy.open(&newest.body).expect("verifies").head().size.get(), 5);
}

#[test]
fn a_new_log_publishes_the_empty_checkpoint() {
    let service = Service::start();
    let head = policy(&service).open(&service.get("/checkpoint").body).expect("verifies").head();
    assert_eq!((head.size.get(), head.root), (0, pulselog::merkle::empty_root()));
}

#[test]
fn serves_tiles_byte_for_byte_and_cuts_partial_ones_from_full_ones() {
    let service = Service::start();
    service.fill(300);
    let full = service.get("/tile/0/000");
    assert_eq!((full.status, full.body.len()), (200, 8192));
    assert_eq!(full.header("content-type"), "application/octet-stream");
    assert_eq!(full.header("cache-control"), "public, max-age=31536000, immutable");
    let partial = service.get("/tile/0/000.p/17");
    assert_eq!(partial.body, full.body[..17 * 32]);
    assert_eq!(service.get("/tile/0/001.p/44").body.len(), 44 * 32);
    assert_eq!(service.get("/tile/1/000.p/1").body.len(), 32);
    let bundle = service.get("/tile/entries/000");
    assert_eq!(bundle.header("cache-control"), "public, max-age=31536000, immutable");
    let entries = decode_bundle(&bundle.body, 256).expect("a bundle");
    for (entry, hash) in entries.iter().zip(full.body.chunks(32)) {
        assert_eq!(leaf_hash(entry).hash().as_bytes(), hash);
    }
    let part = service.get("/tile/entries/000.p/3");
    assert_eq!(decode_bundle(&part.body, 3).expect("a bundle"), entries[..3]);
}

#[test]
fn compresses_entry_bundles_on_request_and_hash_tiles_never() {
    let service = Service::start();
    service.fill(256);
    // A raw request, since the client undoes the encoding.
    let head = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: log\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n");
        service.raw(&request).split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase()
    };
    assert!(head("/tile/entries/000").contains("content-encoding: gzip"));
    assert!(!head("/tile/0/000").contains("content-encoding"));
    assert_eq!(
        service.get_with("/tile/entries/000", &[("accept-encoding", "identity")]).header("content-encoding"),
        ""
    );
}

#[test]
fn health_readiness_and_counters_say_how_it_is() {
    let service = Service::start();
    service.fill(2);
    service.get("/v1/entries/9").is(404, "entry_not_found");
    assert_eq!(service.get("/healthz").string("status"), "up");
    let ready = service.get("/readyz");
    assert_eq!((ready.status, ready.string("status").as_str()), (200, "ready"));
    assert!(!ready.text().contains("size"), "no size: {}", ready.text());
    service.get("/metrics").is(404, "not_found");
    let metrics = service.metrics().text();
    for line in [
        "pulselog_published_size 2",
        "pulselog_entries_total 2",
        "pulselog_sequencer_alive 1",
        "pulselog_queue_entries 0",
        "pulselog_refusals_total{code=\"entry_not_found\"} 1",
        "pulselog_requests_total{route=\"/v1/entries:batch\",status=\"200\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} not in {metrics}");
    }
}

#[test]
fn every_answer_carries_the_security_headers() {
    let service = Service::start();
    for path in ["/checkpoint", "/v1/entries", "/nothing", "/openapi.json", "/tile/x", "/docs/errors", "/"] {
        let answer = service.get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
    }
}

#[test]
fn openapi_describes_every_route_and_points_nowhere_else() {
    let service = Service::start();
    let text = service.get("/openapi.json").text();
    let document = make::value(&text);
    assert_eq!(document.text_at("openapi"), Some("3.1.0"));
    for route in pulselog::server::api::ROUTES {
        let operation = document.get("paths").and_then(|p| p.get(route.path)?.get(&route.method.to_lowercase()));
        assert!(operation.is_some_and(|o| o.get("responses").is_some()), "{} {}", route.method, route.path);
    }
    let schemas = document.at("components.schemas").expect("schemas");
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap_or_default();
        assert!(schemas.get(name).is_some(), "{name}");
    }
    assert!(schemas.get("approval_payload").is_some(), "schemas of the artifacts are in it");
}

#[test]
fn a_service_that_was_shut_down_goes_on_where_it_was() {
    let mut service = Service::start();
    let receipts = service.fill(3);
    let data = service.data();
    service.server.take().expect("a server").shutdown().expect("a clean end");
    let start = || pulselog::server::Server::start(service::config(data.clone()));
    let server = crate::make::logs::patiently(start, |error| crate::make::logs::is_held(error.code()))
        .unwrap_or_else(|e| panic!("{e}"));
    let url = format!("http://{}/v1/artifacts/{}", server.addr(), ArtifactDigest::of(receipts[0].as_bytes()));
    let body = ureq::get(url).call().and_then(|mut a| a.body_mut().read_to_string()).expect("an answer");
    assert_eq!(body, receipts[0]);
    server.shutdown().expect("a clean end");
}
