//! Withholding: what the operator withholds is shown nowhere, at no size; the log
//! goes on proving it; and nobody else withholds anything.

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::audit::{Report, Scope};

use crate::make::audit::Story;
use crate::make::service::{Answer, Service};
use crate::make::told::{Told, whole};
use crate::make::{good, good_payload, hex, key, kind, seal_raw, set, value};

/// Of the model call of [`Story::clean`]: nothing but its body and its bundle say it.
const CALL: &str = "job-1.r1 call 1";
const REASON: &str = "erasure request 17";

/// A withholding of this artifact, as `signer` says it.
pub fn withholding(digest: &str, signer: &str, reason: &str) -> String {
    let mut payload = good_payload(kind("withholding"));
    set(&mut payload, "artifact_digest", Some(digest.into()));
    set(&mut payload, "reason", Some(reason.into()));
    to_compact(&seal_raw(kind("withholding"), payload, &key(signer)))
}

/// Digest of an entry's artifact.
pub fn digest_at(service: &Service, at: u64) -> String {
    service.get(&format!("/v1/entries/{at}")).string("artifact")
}

/// The operator withholds what stands at `at`.
pub fn withhold(service: &Service, at: u64) -> Answer {
    let answer = service.post("/v1/entries", withholding(&digest_at(service, at), "operator", REASON));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer
}

/// Everywhere that shows bodies, or what bodies say, of the clean story.
fn everywhere(service: &Service, story: &Story) -> Vec<String> {
    let (call, bundle) = (story.index("job-1.r1 call 1"), story.index("job-1.b1"));
    let (of_call, of_bundle) = (digest_at(service, call), digest_at(service, bundle));
    let mut paths = vec![
        format!("/v1/artifacts/{of_call}"),
        format!("/v1/artifacts/{of_bundle}"),
        format!("/v1/entries/{call}"),
        "/v1/entries?limit=1000".to_owned(),
        "/v1/entries?kind=gateway_receipt".to_owned(),
        "/entries.csv".to_owned(),
        "/findings.csv".to_owned(),
        "/v1/findings".to_owned(),
        "/v1/lookup?q=job-1.r1%20call".to_owned(),
        "/v1/lookup?q=job-1.b".to_owned(),
        format!("/v1/lookup?q={of_call}"),
        "/".to_owned(),
        "/entries".to_owned(),
        "/jobs".to_owned(),
        "/runs".to_owned(),
        "/findings".to_owned(),
    ];
    let agent = crate::make::did("agent");
    for path in [
        format!("/entries/{call}"),
        format!("/entries/{bundle}"),
        format!("/b/{of_bundle}"),
        format!("/b/{of_bundle}.json"),
        format!("/b/{of_bundle}.txt"),
        format!("/b/{of_bundle}.md"),
        "/jobs/job-1".to_owned(),
        "/jobs/job-1.json".to_owned(),
        "/jobs/job-1.txt".to_owned(),
        format!("/runs/{agent}/job-1.r1"),
        format!("/agents/{agent}"),
        "/v1/jobs/job-1".to_owned(),
        format!("/v1/bundles/{of_bundle}/report"),
        format!("/v1/runs/{agent}/job-1.r1"),
    ] {
        paths.push(path.clone());
        for size in [bundle + 1, service.size()] {
            paths.push(format!("{path}?at={size}"));
        }
    }
    paths
}

fn saying(service: &Service, paths: &[String], what: &str) -> Vec<String> {
    paths.iter().filter(|path| service.get(path).text().contains(what)).cloned().collect()
}

#[test]
fn what_is_withheld_is_shown_nowhere_and_at_no_size() {
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let before = everywhere(service, &story);
    // The test would find it: these are the places that say it while they may.
    let said = saying(service, &before, CALL);
    assert!(said.len() > 6, "{said:?}");
    assert!(said.iter().any(|path| path.contains("?at=")), "{said:?}");
    let by = withhold(service, story.index(CALL)).number("index");
    assert_eq!(saying(service, &everywhere(service, &story), CALL), Vec::<String>::new());
    // At once, and with who says so: for the receipt and for the bundle that holds it.
    for at in [story.index(CALL), story.index("job-1.b1")] {
        let answer = service.get(&format!("/v1/artifacts/{}", digest_at(service, at)));
        answer.is(451, "body_withheld");
        assert!(answer.string("detail").contains(&format!("entry {by}")), "{}", answer.text());
    }
    // Neither does the search find it by a name of its body.
    for name in ["job-1.r1%20call%201", "job-1.b1"] {
        let answer = service.get(&format!("/v1/lookup?q={name}"));
        assert_eq!(answer.json().get("groups").and_then(Value::as_array).map(<[_]>::len), Some(0), "{}", answer.text());
    }
    // What others say stays.
    let other = digest_at(service, story.index("job-1.sync"));
    assert_eq!(service.get(&format!("/v1/artifacts/{other}")).status, 200);
}

#[test]
fn proofs_of_what_is_withheld_hold_and_its_entry_stays() {
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let at = story.index(CALL);
    let (entry, size) = (service.get(&format!("/v1/entries/{at}")).text(), service.size());
    let of = |path: &str| service.get(path).text();
    let pinned =
        [format!("/v1/proofs/inclusion?index={at}&size={size}"), format!("/v1/proofs/consistency?from=3&to={size}")];
    let proofs: Vec<String> = pinned.iter().map(|path| of(path)).collect();
    withhold(service, at);
    assert_eq!(of(&format!("/v1/entries/{at}")), entry);
    assert_eq!(pinned.iter().map(|path| of(path)).collect::<Vec<_>>(), proofs);
    assert!(proofs.iter().all(|proof| proof.contains("path") || proof.contains("c2sp.org")), "{proofs:?}");
    let proof = of(&format!("/v1/entries/{at}.tlog-proof"));
    let proof = pulselog::receipt::tlog_proof::decode(proof.as_bytes()).expect("a proof");
    let policy = pulselog::trust::TrustPolicy::parse(of("/v1/trust-policy")).expect("a policy");
    let entry = proof.extra.clone().expect("the entry");
    pulselog::receipt::prove(&proof, &entry, &policy).expect("it holds");
    assert_eq!(service.get(&format!("/v1/proofs/consistency?from={size}&to={}", size + 1)).status, 200);
}

#[test]
fn the_same_artifact_again_restores_nothing_in_any_envelope_or_bundle() {
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let at = story.index(CALL);
    let call = service.get(&format!("/v1/artifacts/{}", digest_at(service, at))).text();
    let bundle = service.get(&format!("/v1/artifacts/{}", digest_at(service, story.index("job-1.b1")))).text();
    withhold(service, at);
    let again = service.post("/v1/entries", &call);
    assert_eq!((again.status, again.number("index")), (200, i64::try_from(at).expect("small")));
    service.get(&format!("/v1/artifacts/{}", digest_at(service, at))).is(451, "body_withheld");
    // Another envelope of the statement is another artifact, which nobody would see; a
    // bundle that holds it is logged as any other, and seen by nobody.
    for (of, text, status) in [("the statement", &call, 409), ("a bundle that holds it", &bundle, 201)] {
        let envelope = text.rfind("\"issued_at\":\"").expect("the envelope's date") + "\"issued_at\":\"".len();
        let other = format!("{}{}{}", &text[..envelope], "2030-01-01T00:00:00.000Z", &text[envelope + 24..]);
        let logged = service.post("/v1/entries", &other);
        assert_eq!(logged.status, status, "{of}: {}", logged.text());
        match status {
            201 => {
                service.get(&format!("/v1/artifacts/{}", ArtifactDigest::of(other.as_bytes()))).is(451, "body_withheld")
            }
            _ => logged.is(409, "withheld_already"),
        };
        assert_eq!(saying(service, &everywhere(service, &story), CALL), Vec::<String>::new(), "{of}");
    }
}

#[test]
fn nobody_but_the_operator_withholds_anything() {
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let digest = digest_at(service, story.index(CALL));
    for who in ["stranger", "agent", "gateway", "policy signer", "approver", "wrapper", "issuer", "recorder"] {
        let answer = service.post("/v1/entries", withholding(&digest, who, REASON));
        assert_eq!(answer.status, 201, "{who}: {}", answer.text());
        assert_eq!(service.get(&format!("/v1/artifacts/{digest}")).status, 200, "{who}");
        let entry = answer.number("index");
        let around = service.get(&format!("/v1/entries/{entry}/around")).text();
        let page = service.get(&format!("/entries/{entry}")).text();
        assert!(around.contains("UNTRUSTED_STATEMENT") || page.contains("UNTRUSTED_STATEMENT"), "{who}: {around}");
        assert!(page.contains("withholds nothing"), "{who}: {page}");
    }
    assert!(!saying(service, &everywhere(service, &story), CALL).is_empty());
}

#[test]
fn a_withholding_that_would_withhold_nothing_is_refused() {
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let post = |digest: &str, reason: &str| service.post("/v1/entries", withholding(digest, "operator", reason));
    let size = service.size();
    post(&hex("nobody logged this"), REASON).is(422, "withholding_refused");
    let call = digest_at(service, story.index(CALL));
    for reason in ["", " ", "\u{2003}"] {
        let answer = post(&call, reason);
        assert!(answer.status == 422, "{reason:?}: {}", answer.text());
    }
    let long = post(&call, &"x".repeat(257));
    assert_eq!((long.status, long.string("code").as_str()), (422, "invalid_value"), "{}", long.text());
    post("not a digest", REASON).is(422, "invalid_value");
    post(&call.to_uppercase(), REASON).is(422, "invalid_value");
    assert_eq!(service.size(), size, "nothing was logged");
    // What rules cannot do without, the operator's own roots among it.
    for (at, of) in [
        (0, "audit_roots"),
        (story.index("policy"), "work_policy"),
        (story.index("job-1.t1"), "cst_issuance"),
        (story.index("job-1.sync"), "argocd_decision"),
        (story.index("job-1.ok"), "approval"),
    ] {
        let digest = digest_at(service, at);
        let answer = post(&digest, REASON);
        answer.is(422, "withholding_refused");
        assert!(answer.string("detail").contains(of), "{}", answer.text());
        assert_eq!(service.get(&format!("/v1/artifacts/{digest}")).status, 200, "{of}");
    }
    // Twice: the first one stands, and the very same is known.
    let text = withholding(&call, "operator", REASON);
    let first = service.post("/v1/entries", &text);
    assert_eq!(first.status, 201);
    let own = digest_at(service, u64::try_from(first.number("index")).expect("small"));
    post(&call, "another reason").is(409, "withheld_already");
    assert_eq!(service.post("/v1/entries", &text).status, 200);
    post(&own, REASON).is(422, "withholding_refused");
    let lines = service
        .post("/v1/entries:batch", format!("{}\n{}", withholding(&hex("no"), "operator", "r"), good(kind("approval"))));
    let codes: Vec<Option<i64>> =
        lines.text().lines().map(|line| value(line).get("status").and_then(Value::as_i64)).collect();
    assert_eq!(codes, [Some(422), Some(201)], "{}", lines.text());
}

/// The whole log as it is served, audited, beside what the server says.
fn both(told: &Told) -> (Report, String) {
    let size = told.service.size();
    let report = whole(&told.timeline(), size).of(&Scope::Job("job-1".to_owned()));
    (report, told.service.get(&format!("/v1/jobs/job-1?at={size}")).text())
}

fn codes(report: &str) -> Vec<String> {
    let json = value(report);
    let found = json.get("findings").and_then(Value::as_array).unwrap_or_else(|| panic!("no findings: {report}"));
    found.iter().filter_map(|finding| finding.text_at("code")).map(str::to_owned).collect()
}

#[test]
fn withholding_leaves_a_verdict_open_and_never_makes_a_failing_one_pass() {
    let mut guilty = Story::clean();
    guilty.move_after("revoked", "ok");
    for (story, verdict) in [(Story::clean(), "pass"), (guilty, "fail")] {
        // Everything that may be withheld, one after the other, in one log.
        let told = Told::of(&story);
        let before = told.service.get("/v1/jobs/job-1");
        assert_eq!(before.string("verdict"), verdict, "{}", before.text());
        for at in 0..u64::try_from(story.steps.len()).expect("small") {
            let entry = told.service.get(&format!("/v1/entries/{at}"));
            if !kind(&entry.string("kind")).row().withholdable {
                continue;
            }
            let answer = told.service.post("/v1/entries", withholding(&entry.string("artifact"), "operator", REASON));
            assert!(answer.status == 201, "{}", answer.text());
            let (offline, server) = both(&told);
            let found: Vec<String> = offline.findings.iter().map(|finding| finding.rule.code.to_owned()).collect();
            assert_eq!(codes(&server), found, "{at}: the server finds what anybody finds in what it serves");
            let said = value(&server).text_at("verdict").expect("a verdict").to_owned();
            assert_ne!(said, "pass", "{at}: {server}");
            assert!(found.iter().any(|code| code == "EVIDENCE_WITHHELD"), "{at}: {found:?}");
        }
    }
}

#[test]
fn the_page_says_who_withholds_and_why_in_text_that_is_escaped() {
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let (call, bundle) = (story.index(CALL), story.index("job-1.b1"));
    let (of_call, of_bundle) = (digest_at(service, call), digest_at(service, bundle));
    let reason = "<script>alert(1)</script> erasure";
    let by = service.post("/v1/entries", withholding(&of_call, "operator", reason)).number("index");
    for page in [format!("/entries/{call}"), format!("/entries/{bundle}"), format!("/b/{of_bundle}")] {
        let html = service.get(&page).text();
        for said in ["data protection office", "erasure", &format!("/entries/{by}"), "operator withholds"] {
            assert!(html.contains(said), "{page} does not say {said}");
        }
        assert!(!html.contains("<script>alert"), "{page}");
    }
    let html = service.get(&format!("/entries/{by}")).text();
    assert!(html.contains(&format!("href=\"/entries/{call}\"")) && !html.contains("withholds nothing"), "{html}");
}

#[test]
fn no_cache_keeps_a_body_or_confirms_one_that_is_withheld() {
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let at = story.index(CALL);
    let digest = digest_at(service, at);
    let path = format!("/v1/artifacts/{digest}");
    let tag = format!("\"{digest}\"");
    for headers in [vec![], vec![("if-none-match", tag.as_str())]] {
        let answer = service.get_with(&path, &headers);
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(answer.status, if headers.is_empty() { 200 } else { 304 });
    }
    withhold(service, at);
    let answer = service.get_with(&path, &[("if-none-match", tag.as_str())]);
    answer.is(451, "body_withheld");
    assert_eq!(answer.header("cache-control"), "no-store");
    for page in [format!("/entries/{at}"), "/jobs/job-1".to_owned(), format!("/entries/{at}?size=3")] {
        assert!(!service.get(&page).header("cache-control").contains("immutable"), "{page}");
    }
}

#[test]
fn nobody_hides_a_bundle_behind_the_hash_of_what_is_withheld() {
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let at = story.index(CALL);
    let call = value(&service.get(&format!("/v1/artifacts/{}", digest_at(service, at))).text());
    let bundle = value(&service.get(&format!("/v1/artifacts/{}", digest_at(service, story.index("job-1.b1")))).text());
    withhold(service, at);
    // Its envelope, round another payload: the hash is stated, and nothing of it is shown.
    let mut empty = call.clone();
    set(&mut empty, "payload.receipt_id", Some("another".into()));
    let mut payload = bundle.get("payload").cloned().expect("a payload");
    set(&mut payload, "receipts", Some(Value::Array(vec![empty])));
    set(&mut payload, "bundle_id", Some("hides".into()));
    let text = to_compact(&seal_raw(kind("proof_bundle"), payload, &key("agent")));
    let logged = service.post("/v1/entries", &text);
    assert_eq!(logged.status, 201, "{}", logged.text());
    assert_eq!(service.get(&format!("/v1/artifacts/{}", ArtifactDigest::of(text.as_bytes()))).status, 200);
}

#[test]
fn server_and_reader_agree_where_a_statement_stands_in_many_envelopes() {
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let again = |at: u64, when: &str| {
        let text = service.get(&format!("/v1/artifacts/{}", digest_at(service, at))).text();
        let date = text.rfind("\"issued_at\":\"").expect("the envelope's date") + "\"issued_at\":\"".len();
        let other = format!("{}{when}{}", &text[..date], &text[date + 24..]);
        assert_eq!(service.post("/v1/entries", &other).status, 201);
    };
    let observed = story.index(CALL);
    for when in ["2026-11-22T13:00:00.000Z", "2026-11-22T14:00:00.000Z"] {
        again(observed, when);
    }
    let (first, size) = (digest_at(service, observed), service.size());
    withhold(service, observed);
    // One withholding hides all of them, so none of them is withheld once more.
    let copy = digest_at(service, size - 1);
    service.get(&format!("/v1/artifacts/{copy}")).is(451, "body_withheld");
    for digest in [&first, &copy] {
        service.post("/v1/entries", withholding(digest, "operator", "again")).is(409, "withheld_already");
    }
    let (offline, server) = both(&told);
    let found: Vec<String> = offline.findings.iter().map(|finding| finding.rule.code.to_owned()).collect();
    assert_eq!(codes(&server), found, "{server}");
    assert!(found.iter().any(|code| code == "EVIDENCE_WITHHELD"), "{found:?}");
}

#[test]
fn a_packet_and_an_audit_from_outside_hold_nothing_that_is_withheld() {
    use crate::cli::run;
    let story = Story::clean();
    let told = Told::of(&story);
    let service = &told.service;
    let at = story.index(CALL);
    let dir = tempfile::tempdir().expect("a directory");
    let (policy, out) = (dir.path().join("trust.policy"), dir.path().join("packet"));
    std::fs::write(&policy, service.get("/v1/trust-policy").text()).expect("written");
    withhold(service, at);
    let (operator, base) = (crate::make::audit::operator().to_string(), service.base());
    let (policy, out_text) = (policy.to_str().expect("UTF-8"), out.to_str().expect("UTF-8"));
    let of = ["--log", &base, "--policy", policy, "--operator", &operator];
    let packed = run(&[&["packet", "--job", "job-1", "--out", out_text][..], &of].concat());
    assert_eq!(packed.code, 3, "{}{}", packed.out, packed.err);
    assert!(packed.out.contains(&format!("{at}")), "{}", packed.out);
    let files = std::fs::read_dir(&out)
        .expect("a packet")
        .map(|file| std::fs::read(file.expect("a file").path()).expect("read"));
    let holds = |bytes: Vec<u8>| bytes.windows(CALL.len()).any(|part| part == CALL.as_bytes());
    assert_eq!(files.filter(|bytes| holds(bytes.clone())).count(), 0);
    let audit = run(&[&["audit", "--job", "job-1"][..], &of].concat());
    assert!(audit.code == 3 && audit.out.contains("EVIDENCE_WITHHELD"), "{}{}", audit.out, audit.err);
    assert!(!audit.out.contains(CALL), "{}", audit.out);
}
