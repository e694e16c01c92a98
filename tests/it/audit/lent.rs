//! Entries of histories beside operations of their second: nobody is lent a place
//! that is not theirs, and nobody is convicted for what may be another's.

use pulselog::audit::{Effect, Scope, Verdict};

use crate::audit::foe::{entry, with_an_entry};
use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::reconciled::{SETTLED_MS, lost, tick};
use crate::audit::looked::APP;
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::Story;
use crate::make::{did, hex, set, value};

/// The verdict on the agent, and how many of its operations nobody decided for sure.
#[track_caller]
fn of_the_agent(mut story: Story) -> (Verdict, usize) {
    for step in story.steps.iter_mut().filter(|step| step.name.ends_with(" claim")) {
        set(&mut step.payload, "request_digest", Some(hex("sync").into()));
    }
    tick(&mut story);
    let (timeline, agent) = (story.timeline(), Scope::Agent(did("agent")));
    same_from_its_own_entries(&timeline, timeline.size(), &[Scope::App(APP.into())]);
    let report = story.audit().of(&agent);
    let is_sure = |code: &str, effect| code == "UNREPORTED_ACTION" && effect == Effect::Fails;
    let sure = report.findings.iter().filter(|finding| is_sure(finding.rule.code, finding.effect)).count();
    (report.verdict, sure)
}

/// A decided sync that shows its entry, and an entry of its second that nobody
/// decided; another agent's wrapper claims the sync.
fn claimed_beside(verdict: &str, outcome: &str, token: Option<&str>) -> Story {
    let mut story = Story::clean();
    neighbours(&mut story);
    (story.job, story.agent) = ("job-1".to_owned(), "agent".to_owned());
    closed(&mut story);
    story.wait(SETTLED_MS);
    lost(&mut story, "more");
    story.observe("more seen", "more", "sync", true);
    story.set("more seen", "history_id", 11_u32);
    story.unset("more seen", "info");
    story.remove("more receipt");
    story.receipt("more claim", "more", "accepted", Some("more"));
    entry(&mut story, "entry", 12);
    if !verdict.is_empty() {
        story.job = "job-2".to_owned();
        story.decide("foreign", verdict, "r2", "t2", "sync", None);
        story.signed_by("foreign", "other wrapper");
        if let Some(token) = token {
            story.set("foreign", "cst.token_hash", hex(token));
        }
        story.receipt("foreign claim", "foreign", outcome, None);
        story.set("foreign claim", "op_key", "#job-1.more");
        story.signed_by("foreign claim", "other wrapper");
        story.job = "job-1".to_owned();
    }
    story
}

#[test]
fn what_anothers_wrapper_claims_lends_an_agent_no_entry() {
    assert_eq!(of_the_agent(claimed_beside("", "", None)), (Verdict::Fail, 1));
    for (verdict, outcome, token) in [
        ("allow", "accepted", None),
        ("deny", "accepted", None),
        ("allow", "error_transport", None),
        ("allow", "error_transport", Some("nobody's")),
        ("deny", "error_transport", Some("nobody's")),
    ] {
        let found = of_the_agent(claimed_beside(verdict, outcome, token));
        assert_eq!(found, (Verdict::Fail, 1), "{verdict} {outcome} {token:?}");
    }
}

/// Two decided syncs of one second, one of which names nobody; and an entry by the
/// agent and one by another, either of which that one may have made.
fn nobodys(is_entry_first: bool) -> Story {
    let mut story = Story::clean();
    closed(&mut story);
    story.wait(SETTLED_MS);
    lost(&mut story, "more");
    story.remove("more receipt");
    story.receipt("more claim", "more", "accepted", Some("more"));
    lost(&mut story, "again");
    story.observe("more seen", "more", "sync", false);
    story.set("more seen", "initiator.username", "");
    let start = story.said("more seen").text_at("started_at").expect("a start").to_owned();
    let keyed = |story: &mut Story| {
        story.observe("again seen", "again", "sync", false);
        story.set("again seen", "started_at", start.clone());
        story.set("again seen", "history_id", 14_u32);
    };
    if !is_entry_first {
        keyed(&mut story);
    }
    entry(&mut story, "entry", 12);
    entry(&mut story, "admins entry", 13);
    story.set("admins entry", "initiator.username", "admin");
    if is_entry_first {
        keyed(&mut story);
    }
    story
}

#[test]
fn what_may_be_anothers_takes_no_decision_that_an_operation_needs() {
    for is_entry_first in [false, true] {
        assert_eq!(of_the_agent(nobodys(is_entry_first)), (Verdict::Incomplete, 0), "{is_entry_first}");
    }
}

#[test]
fn an_entry_is_from_before_where_all_its_reports_say_so() {
    for [first, second] in [[true, false], [false, true]] {
        let mut story = with_an_entry(12);
        entry(&mut story, "entry again", 12);
        for (name, is_backfill) in [("entry", first), ("entry again", second)] {
            if is_backfill {
                story.set(name, "backfill", true);
            }
        }
        assert_eq!(of_the_agent(story), (Verdict::Fail, 1), "{first} {second}");
    }
    let mut story = with_an_entry(12);
    entry(&mut story, "entry again", 12);
    ["entry", "entry again"].iter().for_each(|name| story.set(name, "backfill", true));
    assert_eq!(of_the_agent(story), (Verdict::Pass, 0));
}

#[test]
fn what_runs_dry_or_in_part_makes_no_entry_however_many_decided_it() {
    let part = r#"{"resources":[{"group":"apps","kind":"Deployment","namespace":"prod-canary","name":"web"}]}"#;
    for (params, phase) in
        [(r#"{"dry_run":true}"#, "Succeeded"), (r#"{"dry_run":true}"#, "Running"), (part, "Succeeded")]
    {
        let mut story = with_an_entry(12);
        lost(&mut story, "again");
        story.unset("more seen", "info");
        story.unset("more seen", "history_id");
        story.set("more seen", "phase", phase);
        for decision in ["more", "again"] {
            story.remove(&format!("{decision} receipt"));
            story.receipt(&format!("{decision} claim"), decision, "accepted", Some("more"));
            story.set(&format!("{decision} ok"), "binds.params", value(params));
            story.set(decision, "binds.params", value(params));
        }
        story.set("more seen", "params", value(params));
        assert_eq!(of_the_agent(story), (Verdict::Fail, 1), "{params} {phase}");
    }
}
