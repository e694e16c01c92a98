//! Stories of somebody who wants to pass, or to see somebody else fail.

use pulselog::artifact::json::Value;
use pulselog::audit::{Gather, Report, Scope, Verdict, Which};

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::reconciled::{SETTLED_MS, lost, lost_and_seen, silent_and_closed, tick};
use crate::audit::looked::{APP, HOUR, MINUTE, every, look, looks, scopes, verdicts};
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::{START_MS, Story, binds, nonce};
use crate::make::{did, good_payload, hex, kind, set, value};

fn has(report: &Report, code: &str) -> bool {
    report.findings.iter().any(|finding| finding.rule.code == code)
}

/// A decided sync that deployed, and what a poller found in the history of its
/// second: an entry of which nobody saw the operation.
pub fn with_an_entry(id: u32) -> Story {
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

pub fn entry(story: &mut Story, name: &str, id: u32) {
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

/// Of fast operations often nothing but the beginning is seen.
#[test]
fn what_runs_dry_or_in_part_hides_no_entry_of_its_second_also_before_its_end_is_seen() {
    let begun = |params: &str| {
        let mut story = with_an_entry(12);
        story.unset("more seen", "history_id");
        story.set("more seen", "phase", "Running");
        story.set("more seen", "params", value(params));
        is_undecided(story)
    };
    assert!(!begun("{}"));
    assert!(begun(r#"{"dry_run":true}"#));
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

/// What a poller that has no memory finds of the agent's user is marked as from
/// before it came; looks from a minute on.
pub fn found_with_looks_from(minute: i64, tell: fn(&mut Story), name: &str) -> Story {
    let mut story = Story::clean();
    tell(&mut story);
    story.set(name, "channel", "poll");
    story.set(name, "backfill", true);
    let minutes = (story.now_ms() - START_MS) / 60_000;
    looks(&mut story, "observer", every(4, minute, minutes), &[]);
    story
}

/// Found by the log and beside the job; by each scope's own entries as well.
#[track_caller]
fn is_silent(story: &Story) -> bool {
    let timeline = story.timeline();
    same_from_its_own_entries(&timeline, timeline.size(), &scopes());
    let report = story.audit();
    let found = has(&report, "UNREPORTED_ACTION");
    assert_eq!(verdicts(&report)[0] != Verdict::Pass, found, "{report:#?}");
    assert_eq!(verdicts(&report)[1] != Verdict::Pass, found, "{report:#?}");
    found
}

#[test]
fn what_began_after_a_look_was_not_there_before_anybody_looked() {
    let silent = |minute| found_with_looks_from(minute, silent_and_closed, "silent");
    // It started seven minutes after the log began.
    assert!(is_silent(&silent(1)));
    assert!(is_silent(&silent(2)));
    // Clocks lie apart, and a first look shows what ran before it.
    assert!(!is_silent(&silent(4)));
    assert!(!is_silent(&silent(8)));
    assert!(!is_silent(&found_with_looks_from(1, lost_and_seen, "more seen")));
    // Of a look that is logged later nobody knew.
    let mut late = silent(1);
    let ms = late.steps.iter().find(|step| step.name == "job-1.silent").expect("a report").ms;
    late.steps.retain(|step| step.kind != "argocd_snapshot" || step.ms > ms);
    look(&mut late, "observer", (ms + 1_000, START_MS + 60_500), "operation", true);
    assert!(!is_silent(&late));
}

#[test]
fn looks_by_a_signer_whom_nobody_trusts_contradict_no_first_look() {
    for is_trusted in [true, false] {
        let mut story = Story::clean();
        silent_and_closed(&mut story);
        story.set("silent", "channel", "poll");
        story.set("silent", "backfill", true);
        let who = [format!(r#""did":"{}""#, did("thief")), r#""submitter":"observer""#.to_owned()];
        let row = |who| value(&format!(r#"{{{who},"instance":"argocd-prod","channels":["notify","poll"]}}"#));
        story.set("roots", "observers", Value::Array(who.map(row).to_vec()));
        look(&mut story, "thief", (START_MS + 60_500, START_MS + 60_500), "operation", true);
        let first = format!("thief {}", START_MS + 60_500);
        story.signed_by(&first, "thief");
        if !is_trusted {
            let index = story.index(&first);
            let row = value(&format!(r#"[{{"did":"{}","from_index":{index},"reason":"stolen key"}}]"#, did("thief")));
            story.roots_again("distrusting", "distrusted", row);
        }
        let timeline = story.timeline();
        same_from_its_own_entries(&timeline, timeline.size(), &scopes());
        assert_eq!(has(&story.audit(), "UNREPORTED_ACTION"), is_trusted);
    }
}

/// Roots may list a thousand observers, of as many instances.
#[test]
fn what_is_said_to_be_from_before_asks_for_the_first_looks_of_those_who_may_look_there() {
    let mut story = Story::clean();
    silent_and_closed(&mut story);
    story.set("silent", "channel", "poll");
    story.set("silent", "backfill", true);
    let row = |at: usize| {
        let instance = if at < 30 { "argocd-prod".to_owned() } else { format!("argocd-{at}") };
        let who = did(&format!("observer {at}"));
        value(&format!(r#"{{"did":"{who}","instance":"{instance}","channels":["notify","poll"]}}"#))
    };
    let own = value(r#"{"submitter":"observer","instance":"argocd-prod","channels":["notify","poll"]}"#);
    story.set("roots", "observers", Value::Array((0..90).map(row).chain([own]).collect()));
    let (timeline, mut gather) = (story.timeline(), Gather::of(&Scope::Log));
    for (at, seen) in timeline.prefix(timeline.size()) {
        gather.take(at, seen, []);
    }
    let rounds = std::iter::from_fn(|| Some(gather.wanted()).filter(|wanted| !wanted.is_empty()));
    let firsts = rounds.flatten().filter(|wanted| wanted.which == Which::First(1)).count();
    // Theirs, and that of all who sign nothing.
    assert_eq!(firsts, 31);
}

/// What was done to automated sync of the application.
pub enum Froze {
    Recorded,
    Decided(&'static str),
    /// Called so many minutes after it was decided.
    Late(i64),
}

/// Frozen for an hour by somebody, and by looks from some minute on, four apart,
/// with automated sync as they show it.
pub fn frozen(by: &Froze, minute: i64, shown: &str) -> Story {
    let mut story = Story::clean();
    story.set("roots", "recorders", Value::Array(vec![did("recorder").into()]));
    match by {
        Froze::Recorded => record(&mut story, "freeze"),
        Froze::Decided(outcome) => {
            story.decide("off", "allow", "r2", "t2", "set_auto_sync", None);
            story.set("off", "binds.params", value(r#"{"auto_sync":"off"}"#));
            story.receipt("off receipt", "off", outcome, None);
        }
        Froze::Late(minutes) => {
            story.decide("off", "allow", "r2", "t2", "set_auto_sync", None);
            story.set("off", "binds.params", value(r#"{"auto_sync":"off"}"#));
            story.wait(minutes * MINUTE);
            story.receipt("off receipt", "off", "accepted", None);
        }
    }
    let from = (story.now_ms() - START_MS) / MINUTE;
    story.wait(HOUR);
    record(&mut story, "rotate_credential");
    for ms in every(4, from + minute, from + 60) {
        look(&mut story, "observer", (ms, ms), "operation", true);
        let name = format!("observer {ms}");
        story.steps.iter_mut().filter(|step| step.name == name).for_each(|step| {
            set(&mut step.payload, "rows[0].auto_sync", Some(shown.into()));
        });
    }
    story
}

fn record(story: &mut Story, what: &str) {
    let mut record = good_payload(kind("change_record"));
    set(&mut record, "what", Some(what.into()));
    set(&mut record, "nonce", Some(nonce(what).into()));
    set(&mut record, "app", value(&binds("job-1", "sync")).get("app").cloned());
    story.log(what, "change_record", "recorder", record);
}

#[track_caller]
fn did_not_hold(story: &Story) -> bool {
    let timeline = story.timeline();
    same_from_its_own_entries(&timeline, timeline.size(), &scopes());
    has(&story.audit().of(&Scope::App(APP.into())), "CONTROL_REVERTED")
}

/// An ApplicationSet writes its spec back within a moment: no round of a poller
/// and no notification sees automated sync off, and every look shows it on.
#[test]
fn a_freeze_that_no_look_ever_shows_is_said_not_to_have_held() {
    assert!(did_not_hold(&frozen(&Froze::Recorded, 1, "on")));
    assert!(did_not_hold(&frozen(&Froze::Decided("accepted"), 1, "on")));
    // Late looks show it as well, at the end of the log too.
    assert!(did_not_hold(&frozen(&Froze::Recorded, 58, "on")));
    assert!(!did_not_hold(&frozen(&Froze::Recorded, 1, "off")));
    assert!(!did_not_hold(&frozen(&Froze::Recorded, 1, "unknown")));
    assert!(!did_not_hold(&frozen(&Froze::Decided("refused_rbac"), 1, "on")));
}

#[test]
fn a_freeze_that_a_look_cannot_show_yet_or_that_somebody_ended_is_not_said_to_have_failed() {
    let mut thawed = frozen(&Froze::Recorded, 1, "on");
    record(&mut thawed, "unfreeze");
    assert!(!did_not_hold(&thawed));
    // Until the switch must have been made, by whatever clock.
    let mut soon = frozen(&Froze::Recorded, 1, "on");
    let until = soon.now_ms() - HOUR + 6 * MINUTE;
    soon.steps.retain(|step| step.kind != "argocd_snapshot" || step.ms <= until);
    assert!(!did_not_hold(&soon));
    // A look of before that is logged late shows it as it was.
    let mut late = frozen(&Froze::Recorded, 60, "on");
    let (now, before) = (late.now_ms(), late.now_ms() - HOUR - MINUTE);
    look(&mut late, "observer", (now, before), "operation", true);
    assert!(!did_not_hold(&late));
}

#[test]
fn a_freeze_whose_call_came_late_has_its_time_from_when_argo_cd_took_it() {
    let looked = |until: i64| {
        let mut story = frozen(&Froze::Late(20), -20, "on");
        let taken = story.steps.iter().find(|step| step.name == "job-1.off receipt").expect("a receipt").ms;
        story.steps.retain(|step| step.kind != "argocd_snapshot" || step.ms <= taken + until * MINUTE);
        did_not_hold(&story)
    };
    assert!(!looked(0));
    assert!(!looked(5));
    assert!(looked(12));
}
