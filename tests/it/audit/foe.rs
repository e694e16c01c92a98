//! Stories of somebody who wants to pass, or to see somebody else fail.

use pulselog::artifact::json::Value;
use pulselog::audit::{Report, Scope};

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::reconciled::{SETTLED_MS, lost, tick};
use crate::audit::looked::APP;
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::{Story, nonce};
use crate::make::{hex, set, value};

fn has(report: &Report, code: &str) -> bool {
    report.findings.iter().any(|finding| finding.rule.code == code)
}

/// A decided sync that deployed, and what a poller found in the history of its
/// second: an entry of which nobody saw the operation.
fn with_an_entry(id: u32) -> Story {
    let mut story = Story::clean();
    closed(&mut story);
    story.wait(SETTLED_MS);
    lost(&mut story, "more");
    story.set("more receipt", "outcome", "accepted");
    story.observe("more seen", "more", "sync", true);
    story.set("more seen", "history_id", 11_u32);
    entry(&mut story, "entry", id);
    story
}

fn entry(story: &mut Story, name: &str, id: u32) {
    story.observe(name, "more", "sync", false);
    story.set(name, "channel", "poll");
    story.set(name, "history_id", id);
    ["operation_digest", "op_key"].iter().for_each(|shown| story.unset(name, shown));
}

fn is_undecided(mut story: Story) -> bool {
    tick(&mut story);
    let timeline = story.timeline();
    same_from_its_own_entries(&timeline, timeline.size(), &[Scope::App(APP.into())]);
    has(&story.audit(), "UNREPORTED_ACTION")
}

#[test]
fn an_entry_of_the_history_is_not_hidden_by_a_decided_operation_of_its_second_that_made_another_entry() {
    assert!(is_undecided(with_an_entry(12)));
    assert!(!is_undecided(with_an_entry(11)));
    // Of which entry it made nobody told: it may be this one, and no second.
    let untold = |entries: &[u32]| {
        let mut story = with_an_entry(12);
        story.unset("more seen", "history_id");
        entries.iter().for_each(|id| entry(&mut story, &format!("entry {id}"), *id));
        is_undecided(story)
    };
    assert!(!untold(&[]) && !untold(&[12]));
    assert!(untold(&[13]));
}

#[test]
fn an_entry_of_the_history_is_not_hidden_by_what_made_none_or_is_another_users() {
    let mut failed = with_an_entry(12);
    failed.unset("more seen", "history_id");
    failed.set("more seen", "phase", "Failed");
    assert!(is_undecided(failed));
    let by_two = |who: &str| {
        let mut story = with_an_entry(11);
        story.observe("admin's", "admin's", "sync", false);
        story.set("admin's", "initiator.username", "admin");
        story.last_after("more seen");
        entry(&mut story, "another", 12);
        story.set("another", "initiator.username", who);
        is_undecided(story)
    };
    assert!(by_two("proj:payments:agent"));
    assert!(!by_two("admin"));
}

/// Alike, of one second and so of one key: one report may tell of both.
#[test]
fn each_decision_of_operations_of_one_key_may_have_an_entry_of_its_own() {
    let two = |more: &[u32]| {
        let mut story = with_an_entry(12);
        lost(&mut story, "again");
        story.unset("more seen", "info");
        for decision in ["more", "again"] {
            story.remove(&format!("{decision} receipt"));
            story.receipt(&format!("{decision} claim"), decision, "accepted", Some("more"));
        }
        more.iter().for_each(|id| entry(&mut story, &format!("entry {id}"), *id));
        is_undecided(story)
    };
    assert!(!two(&[]));
    assert!(two(&[13]));
}

/// What a poller says of the application besides operations.
fn changed(story: &Story, name: &str, change: &str) -> Value<'static> {
    let mut payload = value(&format!(
        r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"poll","instance":"argocd-prod",
        "event":"lifecycle","app":{{}},"raw_digest":"{}","change":"{change}"}}"#,
        nonce(name),
        hex(name),
    ));
    set(&mut payload, "app", story.said("seen").get("app").cloned());
    payload
}

/// Whether coverage names that the application is gone; nothing else moves.
fn is_gone(change: &str, decided: Option<&str>) -> bool {
    let mut story = Story::clean();
    if let Some(outcome) = decided {
        story.decide("delete", "allow", "r2", "t2", "delete_app", None);
        story.receipt("delete receipt", "delete", outcome, None);
    }
    let gone = changed(&story, "gone", change);
    story.log("gone", "argocd_observation", "", gone);
    story.submitted_by("gone", "observer");
    tick(&mut story);
    let (report, at) = (story.audit(), story.index("gone"));
    report.coverage.iter().any(|row| row.entries.iter().any(|entry| entry.get() == at))
}

#[test]
fn an_application_that_was_deleted_without_a_decision_stands_in_coverage() {
    assert!(is_gone("deleting", None));
    assert!(is_gone("uid_changed", None));
    assert!(!is_gone("seen", None));
    // Decided is what Argo CD took; who came in its place nobody names.
    assert!(!is_gone("deleting", Some("accepted")));
    assert!(is_gone("deleting", Some("refused_rbac")));
    assert!(is_gone("uid_changed", Some("accepted")));
}
