//! Copies and packets whose times go back are refused, and packets without any
//! of their files accuse nobody.

use std::path::Path;

use pulselog::audit::{Absence, Effect};
use pulselog::protocol::Options;
use pulselog::verify::judge::{Evidence, Judge};
use pulselog::verify::packet::{File, Packet};
use pulselog::verify::verification::{AuditStatus, Verification};

use crate::cli::{Ran, run};
use crate::make::attest::attested;
use crate::make::audit::{START_MS, Story, operator};
use crate::make::evidence::{Kept, attested_log};

/// The story with one more statement, `ms` after the one before.
fn told_later(ms: i64) -> Kept {
    let mut story = Story::clean();
    story.wait(ms);
    story.approve("tick", "deny", "read");
    Kept::of(&attested(story, |_| {}).0)
}

/// The audit of a copy in a directory.
fn audited(kept: &Kept) -> Ran {
    let dir = tempfile::tempdir().expect("a directory");
    let policy = dir.path().join("trust.policy");
    kept.write(dir.path());
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (log, policy, operator) = (text(dir.path()), text(&policy), operator().to_string());
    run(&["audit", "--log", &log, "--policy", &policy, "--operator", &operator, "--job", "job-1", "--json"])
}

#[test]
fn a_copy_whose_times_go_back_is_refused_without_a_verdict() {
    let ran = audited(&told_later(-60_000));
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert!(ran.err.contains("COPY_OUT_OF_ORDER"), "{}", ran.err);
    for ms in [-1_000, 0] {
        // Entries of one millisecond are in order.
        let ran = audited(&told_later(ms));
        assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    }
}

#[test]
fn a_packet_whose_times_go_back_is_refused_without_a_verdict() {
    for (ms, refused) in [(-60_000, true), (0, false)] {
        let kept = told_later(ms);
        let read = Packet::read(&kept.files(0..kept.size()), &Kept::policy());
        assert_eq!(read.err().map(|error| error.code().name), refused.then_some("COPY_OUT_OF_ORDER"));
    }
}

fn judged(kept: &Kept, files: &[File]) -> Verification {
    let mut judge = Judge::new(Options::at(START_MS + 60_000));
    judge.operator = Some(operator());
    judge.evidence = Evidence::Packet(Box::new(Packet::read(files, &Kept::policy()).expect("in order")));
    let bundle = kept.entries.iter().find(|(_, body)| body.contains("job-1.b1")).expect("a bundle");
    judge.document(bundle.1.as_bytes()).expect("a bundle")
}

/// What a packet without some files shows that it must not.
fn wrong(kept: &Kept, files: &[File], without: &[&str]) -> Option<String> {
    let part: Vec<_> = files.iter().filter(|(name, _)| !without.contains(&name.as_str())).cloned().collect();
    let audit = judged(kept, &part).audit;
    let accuses = audit.findings.iter().find(|finding| finding.effect == Effect::Fails);
    match (accuses, audit.status) {
        (Some(finding), _) => Some(format!("without {without:?}: {} {:?}", finding.rule.code, finding.subject)),
        (None, AuditStatus::Pass) => Some(format!("without {without:?}: passes")),
        _ => None,
    }
}

#[test]
fn a_packet_without_any_one_or_two_of_its_files_is_incomplete_and_accuses_nobody() {
    let kept = attested_log();
    let mut files = kept.files(0..kept.size());
    // Without it the other files say the same; that it is gone is a check of its own.
    files.retain(|(name, _)| name != pulselog::verify::packet::MANIFEST);
    let whole = judged(&kept, &files);
    assert_eq!(whole.audit.status, AuditStatus::Pass, "{whole:#?}");
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let mut found: Vec<_> = names.iter().filter_map(|name| wrong(&kept, &files, &[name])).collect();
    for roots in ["00.json", "00.tlog-proof"] {
        found.extend(names.iter().filter_map(|name| wrong(&kept, &files, &[roots, name])));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_packet_says_nothing_of_statements_about_jobs_that_it_does_not_hold() {
    let mut story = Story::clean();
    // No token of the first job lives then: nothing of this one is held against it.
    story.wait(6 * 3_600_000);
    story.job("job-2", "agent");
    let other = story.steps.iter().position(|step| step.name == "job-2.t1").expect("a token");
    let (mut story, log) = attested(story, |_| {});
    let mut about = pulselog::audit::attest(&log, log.size(), "job-2", &operator()).expect("a statement");
    crate::make::set(&mut about, "audit_statement_version", Some("1".into()));
    crate::make::set(&mut about, "nonce", Some(crate::make::audit::nonce("about job-2").into()));
    story.log("about job-2", "audit_statement", "operator", about);
    let (_, log) = attested(story, |_| {});
    let statement = log.prefix(log.size()).last().and_then(|(_, seen)| seen.body.clone()).expect("a statement");
    let listed = statement.payload().get("entries").and_then(pulselog::artifact::json::Value::as_array);
    let listed: Vec<_> = listed.expect("entries").iter().filter_map(|e| e.get("index")?.as_i64()).collect();
    assert!(!listed.contains(&(other as i64)), "the packet holds no entry of the other job");
    let size = log.size();
    let mut part = pulselog::audit::Timeline::default();
    for (at, seen) in log.prefix(size) {
        let is_statement = seen.entry.kind.name() == "audit_statement";
        if is_statement || listed.contains(&(at.get() as i64)) {
            part.add(at, seen.entry.clone(), seen.body.clone());
        }
    }
    let attested_sizes: Vec<_> = part.attested_sizes().collect();
    attested_sizes.into_iter().for_each(|size| crate::make::attest::know_statement(&mut part, &log, size));
    let report = pulselog::audit::audit_packet(&part, size, "job-1", &operator());
    assert_eq!(report.findings, [], "{report:#?}");
    assert!(matches!(report.absence, Absence::Attested { .. }));
}
