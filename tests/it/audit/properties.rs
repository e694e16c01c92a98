//! What holds for every log the audit reads.

use std::collections::BTreeSet;

use pulselog::audit::{Finding, Report, Timeline, Verdict, audit, audit_at};
use pulselog::merkle::TreeSize;

use crate::make::audit::{Step, Story, operator};

/// A story with findings of several sorts.
fn guilty() -> Story {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    story.set("back", "approvals", pulselog::artifact::json::Value::Array(vec![]));
    story.bundle("again", "r1", "t1", &[1]);
    story.unset("again", "metadata.pulselog.token_hashes");
    story
}

/// What a job is charged with, without indexes.
fn charged(report: &Report, job: &str) -> BTreeSet<(&'static str, String)> {
    report.findings_of(job).map(|finding| (finding.rule.code, finding.detail.clone())).collect()
}

#[test]
fn two_readers_of_the_same_log_get_the_same_bytes() {
    let text = || serde_json::to_string(&guilty().audit()).expect("json");
    assert_eq!(text(), text());
    assert!(text().contains("TOKEN_REVOKED"));
}

#[test]
fn an_earlier_size_answers_as_the_log_did_then() {
    let story = guilty();
    let whole = story.timeline();
    for size in 0..=whole.size().get() {
        let then: Timeline = whole.prefix(TreeSize::new(size)).fold(Timeline::default(), |mut then, (index, seen)| {
            then.add(index, seen.entry.clone(), seen.body.clone());
            then
        });
        assert_eq!(audit_at(&whole, TreeSize::new(size), Some(&operator())), audit(&then, Some(&operator())));
    }
}

#[test]
fn a_gap_leaves_nothing_that_passes() {
    let whole = Story::clean().timeline();
    let mut gap = Timeline::default();
    for (index, seen) in whole.prefix(whole.size()).filter(|(index, _)| index.get() != 10) {
        gap.add(index, seen.entry.clone(), seen.body.clone());
    }
    assert_ne!(audit(&gap, Some(&operator())).job("job-1"), Verdict::Pass);
}

#[test]
fn an_unrelated_job_between_changes_nothing_of_a_job() {
    for (alone, verdict) in [(Story::clean(), Verdict::Pass), (guilty(), Verdict::Fail)] {
        let mut other = alone.clone();
        let from = other.steps.len();
        other.job("job-2", "agent");
        let more = other.steps.split_off(from);
        let mixed = interleaved(&other, &more);
        let (before, after) = (alone.audit(), mixed.audit());
        assert_eq!(charged(&before, "job-1"), charged(&after, "job-1"));
        assert_eq!((after.job("job-1"), after.job("job-2")), (verdict, Verdict::Pass), "{after:#?}");
    }
}

/// The steps of the second job at the end of the first, every other one moved
/// up as far as its own order allows.
fn interleaved(story: &Story, more: &[Step]) -> Story {
    let mut mixed = story.clone();
    let last = mixed.steps.last().map(|step| step.name.clone()).unwrap_or_default();
    let mut after = mixed.steps[1].name.clone();
    for (at, step) in more.iter().enumerate() {
        if at % 3 == 0 {
            after = mixed.step_after(&after);
        }
        let name = step.name.clone();
        mixed.insert_after(&after, step.clone());
        after = name;
    }
    assert!(mixed.index(&last) > story.index(&last));
    mixed
}

#[test]
fn strangers_never_change_a_jobs_verdict() {
    for (alone, verdict) in [(Story::clean(), Verdict::Pass), (guilty(), Verdict::Fail)] {
        let before = alone.audit();
        for at in 2..alone.steps.len() {
            for signer in ["stranger", "thief"] {
                let mut story = alone.clone();
                let mut copy = story.steps[at].clone();
                // Observations come unsigned; a stranger's has another submitter.
                copy.by_stranger(signer);
                story.steps.insert(2, copy.clone());
                story.steps.push(copy);
                let after = story.audit();
                assert_eq!(charged(&before, "job-1"), charged(&after, "job-1"), "{at}: {after:#?}");
                assert_eq!(after.job("job-1"), verdict);
            }
        }
    }
}

#[test]
fn more_entries_never_remove_a_replay() {
    let story = guilty();
    let whole = story.timeline();
    let replays = |report: &Report| -> BTreeSet<Finding> {
        let is = |finding: &&Finding| finding.rule.code.contains("REPLAY") || finding.rule.code.contains("REUSED");
        report.findings.iter().filter(is).cloned().collect()
    };
    let mut before = BTreeSet::new();
    for size in 0..=whole.size().get() {
        let now = replays(&audit_at(&whole, TreeSize::new(size), Some(&operator())));
        assert!(before.is_subset(&now), "at {size}");
        before = now;
    }
    assert!(!before.is_empty());
}
