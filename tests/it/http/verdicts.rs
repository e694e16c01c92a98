//! Both verdicts over HTTP: on bundles that the log holds, and on documents
//! that are sent; and the command line beside them, over the same log.

use pulselog::artifact::digest::ArtifactDigest;
use pulselog::artifact::json::to_compact;

use crate::audit::slices::old_roots_again;
use crate::cli::run;
use crate::house::schemas::is_valid;
use crate::make::audit::{Story, operator};
use crate::make::service::Service;
use crate::make::told::Told;
use crate::make::{good, hex, key, kind, seal_raw};

fn sealed(story: &Story, name: &str) -> String {
    let step = story.steps.iter().find(|step| step.name == format!("job-1.{name}")).expect("a bundle");
    let hashes = story.submissions();
    let at = story.index(name);
    let (_, text) = &hashes[usize::try_from(at).expect("small")];
    assert!(text.contains(&step.name), "{text}");
    text.clone()
}

fn digest(text: &str) -> String {
    ArtifactDigest::of(text.as_bytes()).to_string()
}

fn guilty() -> Story {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    story
}

fn codes(report: &serde_json::Value) -> Vec<String> {
    let findings = report["audit"]["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["code"].as_str().expect("a code").to_owned()).collect()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A file of the service's trust policy, and the service's address.
fn policy(service: &Service, dir: &tempfile::TempDir) -> String {
    let path = dir.path().join("trust.policy");
    std::fs::write(&path, service.get("/v1/trust-policy").text()).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_logged_bundle_gets_both_verdicts_at_every_size_since() {
    for (story, verdict, expected) in [(Story::clean(), "pass", vec![]), (guilty(), "fail", vec!["TOKEN_REVOKED"])] {
        let told = Told::of(&story);
        let bundle = digest(&sealed(&story, "b1"));
        let report = told.service.get(&format!("/v1/bundles/{bundle}/report"));
        let report = json(&report.text());
        is_valid("verification.schema.json", &report);
        assert_eq!(
            (report["verdict"].as_str(), codes(&report)),
            (Some(verdict), expected.iter().map(|c| (*c).to_owned()).collect()),
            "{report:#}"
        );
        assert_eq!(
            (&report["protocol"]["status"], &report["protocol"]["allowlists"]),
            (&"pass".into(), &"roots".into())
        );
        assert_eq!(report["coverage"]["absence"]["how"], "recomputed");
        // As it was when the log had that size; before, nothing.
        let at = story.index("b1");
        for size in [at + 1, told.service.size()] {
            let then = json(&told.service.get(&format!("/v1/bundles/{bundle}/report?at={size}")).text());
            assert_eq!(then["coverage"]["as_of"]["size"], size);
        }
        told.service.get(&format!("/v1/bundles/{bundle}/report?at={at}")).is(404, "bundle_not_found");
        // The command line, over the same log, finds the same.
        let dir = tempfile::tempdir().expect("a directory");
        let (policy, file) = (policy(&told.service, &dir), dir.path().join("b1.json"));
        std::fs::write(&file, sealed(&story, "b1")).expect("written");
        let (file, operator) = (file.to_str().expect("UTF-8"), operator().to_string());
        let ran = run(&[
            "verify",
            file,
            "--log",
            &told.service.base(),
            "--policy",
            &policy,
            "--operator",
            &operator,
            "--json",
        ]);
        let there = json(&ran.out);
        assert_eq!((&there["audit"], &there["document"]), (&report["audit"], &report["document"]), "{there:#}");
        assert_eq!(ran.code, i32::from(verdict == "fail"));
    }
}

#[test]
fn findings_are_the_same_from_the_service_and_from_whoever_reads_the_whole_log() {
    let mut story = guilty();
    story.bundle("again", "r1", "t1", &[1]);
    story.job("job-2", "agent");
    let told = Told::of(&story);
    let dir = tempfile::tempdir().expect("a directory");
    let (policy, operator, base) = (policy(&told.service, &dir), operator().to_string(), told.service.base());
    let audit = |more: &[&str]| {
        let mut args = vec!["audit", "--log", base.as_str(), "--policy", &policy, "--operator", &operator, "--json"];
        args.extend(more);
        let report = json(&run(&args).out);
        is_valid("audit_report.schema.json", &report);
        report
    };
    for size in [8, told.service.size() / 2, told.service.size()] {
        for job in ["job-1", "job-2"] {
            let mut there = json(&told.service.get(&format!("/v1/jobs/{job}?at={size}")).text());
            if there["status"] == 404 {
                continue;
            }
            there.as_object_mut().expect("an object").remove("entries");
            // Whoever read the whole log also knows how much of it is not judged;
            // an answer at a size stays the same as the log grows.
            let mut here = audit(&["--job", job, "--at", &size.to_string()]);
            let beyond = here["as_of"].as_object_mut().expect("an object").remove("beyond");
            assert_eq!(beyond.is_some(), size < told.service.size(), "{job} at {size}");
            assert_eq!(here, there, "{job} at {size}");
        }
        let mut findings = audit(&["--at", &size.to_string()])["findings"].as_array().expect("findings").clone();
        let page = json(&told.service.get(&format!("/v1/findings?at={size}&limit=1000")).text());
        let mut there = page["findings"].as_array().expect("findings").clone();
        findings.sort_by_key(ToString::to_string);
        there.sort_by_key(ToString::to_string);
        assert_eq!(findings, there, "at {size}");
    }
}

#[test]
fn old_roots_that_somebody_logs_again_take_no_role_from_a_revoker() {
    for is_replayed in [false, true] {
        let told = Told::of(&old_roots_again(is_replayed));
        let job = json(&told.service.get("/v1/jobs/job-1").text());
        assert_eq!(job["verdict"], "fail", "replayed {is_replayed}: {job}");
        assert!(told.service.get("/v1/findings").text().contains("TOKEN_REVOKED"), "replayed {is_replayed}");
    }
}

#[test]
fn a_sent_document_is_judged_and_forgotten() {
    let story = Story::clean();
    let told = Told::of(&story);
    let (service, size) = (&told.service, told.service.size());
    let send = |text: &str| service.post_as("", "/v1/verify", text);
    let good_bundle = sealed(&story, "b1");
    let report = json(&send(&good_bundle).text());
    is_valid("verification.schema.json", &report);
    assert_eq!((report["verdict"].as_str(), codes(&report)), (Some("pass"), vec![]), "{report:#}");
    // The same run in another bundle: the log does not hold it.
    let step = story.steps.iter().find(|step| step.name == "job-1.b1").expect("a bundle");
    let mut payload = step.payload.clone();
    crate::make::set(&mut payload, "bundle_id", Some("another".into()));
    let other = to_compact(&seal_raw(kind("proof_bundle"), payload, &key("agent")));
    let report = json(&send(&other).text());
    assert_eq!(
        (report["verdict"].as_str(), codes(&report)),
        (Some("incomplete"), vec!["BUNDLE_NOT_LOGGED".to_owned()])
    );
    let changed = good_bundle.replacen("gpt-5", "gpt-6", 1);
    let report = json(&send(&changed).text());
    assert_eq!(
        (report["verdict"].as_str(), report["protocol"]["reason_code"].as_str()),
        (Some("fail"), Some("HASH_MISMATCH"))
    );
    assert_eq!(service.size(), size, "nothing was logged");
}

#[test]
fn what_is_sent_or_asked_wrongly_is_refused_by_name() {
    let service = Service::start();
    let send = |text: &str| service.post_as("", "/v1/verify", text);
    send("no json").is(400, "json_syntax");
    send(r#"{"a":1,"a":2}"#).is(400, "json_duplicate_key");
    send("{}").is(422, "not_a_document");
    send(&good(kind("approval"))).is(422, "not_a_document");
    send(&format!("[{}", "1,".repeat(4 << 20))).is(413, "body_too_large");
    let hash = hex("nobody logged this");
    service.get(&format!("/v1/bundles/{hash}/report")).is(404, "bundle_not_found");
    service.get("/v1/bundles/xyz/report").is(400, "invalid_parameter");
    service.get(&format!("/v1/bundles/{hash}/report?at=0")).is(400, "invalid_parameter");
    service.get(&format!("/v1/bundles/{hash}/report?at=99")).is(404, "size_not_published");
    let other = service.get(&format!("/v1/bundles/{}/report?at=1", hash.to_uppercase()));
    assert_eq!(other.status, 308);
}

#[test]
fn answers_about_a_size_never_change_and_tell_beside_them_what_the_log_proves_by_now() {
    let story = Story::clean();
    let told = Told::nothing();
    let half = story.steps.len() / 2;
    told.tell_steps(&story, 0..half);
    let text = sealed(&story, "b1");
    let answers = |size: u64| {
        let run = format!("/v1/runs/{}/job-1.r1", crate::make::did("agent"));
        let token = format!("/v1/tokens/{}", hex("job-1.t1"));
        let paths = ["/v1/jobs/job-1", &run, &token, "/v1/findings"];
        let mut answers: Vec<_> = paths.iter().map(|path| told.service.get(&format!("{path}?at={size}"))).collect();
        answers.push(told.service.post_as("", &format!("/v1/verify?at={size}"), &text));
        answers
    };
    let size = told.service.size();
    let first = answers(size);
    assert!(first.iter().all(|answer| (answer.status, answer.header("pulselog-beyond")) == (200, "0")));
    told.tell_steps(&story, half..story.steps.len());
    let beyond = (told.service.size() - size).to_string();
    let then = answers(size);
    assert!(then.iter().all(|answer| answer.header("pulselog-beyond") == beyond), "{beyond}");
    // What was sent is judged at the clock of now; what is logged, at its size.
    for (first, then) in first.iter().zip(&then).take(4) {
        assert_eq!(first.text(), then.text());
        assert!(!first.text().contains("beyond"), "{}", first.text());
    }
    let newest = told.service.get("/v1/jobs/job-1");
    assert_eq!(newest.header("pulselog-beyond"), "0");
    let page = format!("/v1/bundles/{}/report?at={}", digest(&text), told.service.size() - 1);
    assert_eq!(told.service.get(&page).header("pulselog-beyond"), "1");
}
