//! Accounts of one act: whatever else a story holds, contradicting ones never
//! pass; what a channel does not show, or shows in an older way, is coverage.

use std::collections::BTreeSet;

use pulselog::artifact::json::Value;
use pulselog::audit::{Report, Verdict};
use pulselog::merkle::LeafIndex;

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::whole_stories;
use crate::make::audit::Story;
use crate::make::{hex, value};

/// A denied act of the second run.
fn denied(story: &mut Story) {
    story.decide("lie", "deny", "r2", "t2", "sync", None);
}

type Change = fn(&mut Story);

/// Ways of two accounts to contradict each other, each told at the end.
const LIES: &[(&str, Change)] = &[
    ("denied and seen", |story| {
        denied(story);
        story.observe("lie seen", "lie", "sync", true);
    }),
    ("denied and accepted", |story| {
        denied(story);
        story.receipt("lie receipt", "lie", "accepted", None);
        story.set("lie receipt", "request_digest", hex("sync"));
    }),
    ("denied and sent", |story| {
        denied(story);
        story.receipt("lie receipt", "lie", "error_transport", None);
        story.set("lie receipt", "request_digest", hex("sync"));
    }),
    ("not sent and seen", |story| {
        story.receipt("lie receipt", "back", "not_sent", None);
        story.observe("lie seen", "back", "rollback", true);
    }),
    ("refused and seen", |story| {
        story.receipt("lie receipt", "back", "refused_sync_window", Some("back"));
        story.observe("lie seen", "back", "rollback", true);
    }),
    ("not sent and accepted", |story| {
        story.receipt("lie receipt", "back", "not_sent", None);
        story.receipt("another lie", "back", "accepted", None);
        story.remove("back seen");
    }),
    ("accepted with the status of a refusal", |story| {
        story.receipt("lie receipt", "back", "accepted", None);
        story.set("lie receipt", "http_status", 403_u32);
    }),
    ("accepted for another application", |story| {
        story.receipt("lie receipt", "back", "accepted", None);
        story.set("lie receipt", "app_uid", "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b12");
    }),
    ("one call, two operations", |story| {
        for name in ["lie", "another lie"] {
            story.receipt(name, "back", "accepted", None);
            story.set(name, "op_key", hex(name));
        }
    }),
];

fn codes(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.rule.code).collect()
}

fn coverage(report: &Report) -> BTreeSet<&'static str> {
    report.coverage.iter().map(|row| row.what).collect()
}

#[test]
fn contradicting_accounts_never_pass_whatever_else_a_story_holds() {
    for (how, lie) in LIES {
        let mut story = Story::clean();
        lie(&mut story);
        let shown = codes(&story.audit());
        let wanted = if how.contains("denied and") && !how.ends_with("seen") {
            "DENY_THEN_ACCEPTED"
        } else {
            "CONTRADICTING_ACCOUNTS"
        };
        assert_eq!(shown, BTreeSet::from([wanted]), "{how}");
    }
    let mut told = 0;
    for (name, mut changed) in whole_stories() {
        if !changed.steps.iter().any(|step| step.name == "job-1.back") {
            continue;
        }
        changed.job = "job-1".to_owned();
        changed.agent = "agent".to_owned();
        for (how, lie) in LIES {
            let mut story = changed.clone();
            lie(&mut story);
            let report = story.audit();
            // In some stories the wrapper has no role for the agent: then it gives no account.
            let (told_at, back) = (changed.steps.len() as u64, story.index("back"));
            let is_strangers = |at: &LeafIndex| at.get() >= told_at || at.get() == back;
            let untrusted = report.findings.iter().filter(|finding| finding.rule.code == "UNTRUSTED_STATEMENT");
            if untrusted.flat_map(|finding| &finding.entries).any(is_strangers) {
                continue;
            }
            assert_ne!(report.job("job-1"), Verdict::Pass, "{name}, {how}: {report:#?}");
            told += 1;
        }
    }
    assert!(told > 300, "{told}");
}

#[test]
fn what_no_report_shows_of_an_operation_is_coverage() {
    let of = |change: Change| {
        let mut story = Story::clean();
        change(&mut story);
        let report = story.audit();
        assert_eq!((codes(&report), report.job("job-1")), (BTreeSet::new(), Verdict::Pass), "{report:#?}");
        coverage(&report)
    };
    assert!(of(|_| {}).contains("history id asked for not shown"));
    let silent: Change = |story| story.unset("seen", "revisions.deployed");
    assert!(of(silent).contains("deployed revision not shown"));
    for (path, new) in [("phase", Value::from("Failed")), ("phase", "Running".into())] {
        let mut story = Story::clean();
        silent(&mut story);
        story.set("seen", path, new);
        assert!(!coverage(&story.audit()).contains("deployed revision not shown"));
    }
    assert!(of(|story| story.set("seen", "phase", "Running")).contains("end of the operation not seen"));
    assert!(of(|story| drop(story.remove("back seen"))).contains("operation that only its receipt names"));
    assert!(of(|story| story.set("seen", "action", "rollback")).contains("action not stated"));
    let refused: Change = |story| story.receipt("edit receipt", "edit", "refused_rbac", None);
    assert!(of(refused).contains("denied call that Argo CD refused"));
}

/// The observation as version 1 wrote it, under a key of its observer's own.
fn of_version_1(story: &mut Story, name: &str, key: &str) {
    story.is_earlier = true;
    story.set(name, "argocd_observation_version", "1");
    story.unset(name, "operation_digest");
    story.set(name, "op_key", hex(key));
}

#[test]
fn keys_of_version_1_join_nothing_and_tell_nothing_apart() {
    let mut story = Story::clean();
    of_version_1(&mut story, "back seen", "old key");
    story.set("back receipt", "op_key", hex("old key"));
    story.set("back seen", "destination", value(r#"{"name":"elsewhere","namespace":"prod"}"#));
    let report = story.audit();
    assert_eq!((codes(&report), report.job("job-1")), (BTreeSet::new(), Verdict::Pass), "{report:#?}");
    assert!(coverage(&report).is_superset(&BTreeSet::from(["operation not matched yet"])));

    let twice = |key: &str, started: Option<&str>| {
        let mut story = Story::clean();
        closed(&mut story);
        story.observe("polled", "sync", "sync", true);
        of_version_1(&mut story, "seen", "old key");
        of_version_1(&mut story, "polled", key);
        started.into_iter().for_each(|at| story.set("polled", "started_at", at));
        let report = story.audit();
        (codes(&report), report.job("job-1"))
    };
    assert_eq!(twice("old key", None), (BTreeSet::new(), Verdict::Pass));
    let reused = BTreeSet::from(["REPLAY_DECISION_REUSED"]);
    assert_eq!(twice("another", None), (reused.clone(), Verdict::Incomplete));
    assert_eq!(twice("another", Some("2026-11-22T12:00:40Z")), (reused, Verdict::Fail));
}
