//! Logs and packets of earlier builds, kept as they left them: every later
//! build reads them. What newer rules would refuse at intake is read where it
//! stands; what those builds could not know is missing, and accuses nobody.

use std::path::{Path, PathBuf};

use crate::cli::run;
use crate::make::project;

/// Each folder: `log` as tlog-tiles with `artifacts/`, and `packet`.
fn kept() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(project("tests/golden/earlier")).expect("a folder");
    let mut kept: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    kept.sort();
    assert!(!kept.is_empty(), "no log of an earlier build is kept");
    kept
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

fn operator(packet: &Path) -> String {
    let readme = std::fs::read_to_string(packet.join("README.txt")).expect("the packet's README");
    let at = readme.find("did:key:").expect("the operator");
    readme[at..].split_whitespace().next().expect("a DID").to_owned()
}

fn json(args: &[&str]) -> (serde_json::Value, i32) {
    let ran = run(args);
    let report = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.err));
    (report, ran.code)
}

#[test]
fn a_log_of_an_earlier_build_is_read_whole_and_accuses_nobody() {
    for folder in kept() {
        let (log, packet) = (text(&folder.join("log")), folder.join("packet"));
        let (policy, operator) = (text(&packet.join("trust.policy")), operator(&packet));
        let (report, code) = json(&["audit", "--json", "--log", &log, "--policy", &policy, "--operator", &operator]);
        let findings = report["findings"].as_array().expect("findings");
        assert!(findings.iter().all(|finding| finding["effect"] != "fails"), "{folder:?}: {findings:#?}");
        assert_ne!(code, 1, "{folder:?}: {report:#}");
        // Every body is read: a body that a later build no longer understood would be missing here.
        assert!(findings.iter().all(|finding| finding["code"] != "EVIDENCE_WITHHELD"), "{folder:?}: {findings:#?}");
    }
}

#[test]
fn an_id_in_an_odd_spelling_of_an_earlier_build_makes_no_job_of_its_own() {
    let folder = project("tests/golden/earlier/2026-11-24");
    let (log, packet) = (text(&folder.join("log")), folder.join("packet"));
    let (policy, operator) = (text(&packet.join("trust.policy")), operator(&packet));
    let (report, _) = json(&["audit", "--json", "--log", &log, "--policy", &policy, "--operator", &operator]);
    let jobs: Vec<_> = report["jobs"].as_object().expect("jobs").keys().cloned().collect();
    assert_eq!(jobs, ["job-f76070c9"], "{report:#}");
}

#[test]
fn every_proof_of_an_earlier_packet_holds_and_nothing_in_it_is_accused() {
    for folder in kept() {
        let packet = folder.join("packet");
        let (policy, operator) = (text(&packet.join("trust.policy")), operator(&packet));
        let files = std::fs::read_dir(&packet).expect("a packet").map(|entry| entry.expect("an entry").path());
        let proofs: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "tlog-proof")).collect();
        assert!(proofs.len() > 20);
        for proof in proofs {
            let artifact = text(&proof.with_extension("json"));
            let (report, code) = json(&[
                "verify",
                "--json",
                &artifact,
                "--proof",
                &text(&proof),
                "--evidence",
                &text(&packet),
                "--policy",
                &policy,
                "--operator",
                &operator,
            ]);
            assert_ne!(code, 1, "{artifact}: {report:#}");
            let checks = report["checks"].as_array().expect("checks");
            assert!(checks.iter().all(|check| check["outcome"] != "fail"), "{artifact}: {checks:#?}");
        }
    }
}
