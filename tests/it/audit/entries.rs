//! Entries of histories of which nobody saw the operation, in a second in which
//! others ran: whose operation made which, and that many cost little.

use std::time::{Duration, Instant};

use pulselog::audit::{Effect, Finding, Report, Scope, audit};

use crate::audit::foe::{entry, with_an_entry};
use crate::audit::goldens::reconciled::tick;
use crate::audit::looked::APP;
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::{Story, nonce, operator};
use crate::make::{hex, set};

const AGENT: &str = "proj:payments:agent";

/// Beside a decided operation that says which entry it made: operations of these
/// users, and then entries of these, in this order. Nobody's name is empty.
fn with(operations: &[&str], entries: &[&str]) -> Story {
    let mut story = with_an_entry(11);
    for (at, who) in operations.iter().enumerate() {
        let name = format!("operation {at}");
        story.observe(&name, &name, "sync", false);
        story.set(&name, "started_at", started(&story));
        story.set(&name, "initiator.username", *who);
    }
    for (at, who) in entries.iter().enumerate() {
        let name = format!("entry {at}");
        entry(&mut story, &name, 12 + u32::try_from(at).expect("few"));
        story.set(&name, "initiator.username", *who);
    }
    tick(&mut story);
    story
}

fn started(story: &Story) -> String {
    story.said("more seen").text_at("started_at").expect("a start").to_owned()
}

/// What is found of entries by the agent's user: how many for sure, and how many
/// that are left open.
#[track_caller]
fn found(operations: &[&str], entries: &[&str]) -> [usize; 2] {
    let story = with(operations, entries);
    let timeline = story.timeline();
    same_from_its_own_entries(&timeline, timeline.size(), &[Scope::App(APP.into())]);
    let report = story.audit();
    [Effect::Fails, Effect::Incomplete].map(|effect| of_entries(&story, &report, effect).len())
}

fn of_entries<'r>(story: &Story, report: &'r Report, effect: Effect) -> Vec<&'r Finding> {
    let first = story.index("job-1.entry 0");
    let is_it = |finding: &&Finding| {
        finding.rule.code == "UNREPORTED_ACTION"
            && finding.effect == effect
            && finding.entries.iter().any(|at| at.get() >= first)
    };
    report.findings.iter().filter(is_it).collect()
}

#[test]
fn an_entry_is_of_an_operation_of_its_own_user_first_and_of_one_that_names_nobody_last() {
    for operations in [["", "admin"], ["admin", ""]] {
        for entries in [["admin", AGENT], [AGENT, "admin"]] {
            assert_eq!(found(&operations, &entries), [0, 0], "{operations:?}: {entries:?}");
        }
    }
    // No more than there are: the second of the agent's is of none.
    assert_eq!(found(&["", "admin"], &["admin", AGENT, AGENT]), [1, 0]);
    assert_eq!(found(&["admin"], &["admin", AGENT]), [1, 0]);
    // What names nobody leaves the named operations to those that they name.
    assert_eq!(found(&["", "admin"], &["", "admin", AGENT]), [0, 0]);
}

#[test]
fn an_entry_that_needs_what_another_needs_too_is_left_open_and_fails_nobody() {
    for entries in [["admin", AGENT], [AGENT, "admin"]] {
        assert_eq!(found(&[""], &entries), [0, 1], "{entries:?}");
    }
    // Enough for each, or for the agent's at least one.
    assert_eq!(found(&["", ""], &["admin", AGENT]), [0, 0]);
    assert_eq!(found(&["", ""], &["admin", AGENT, AGENT]), [0, 1]);
    // And whatever the others take, this is one too many.
    assert_eq!(found(&[""], &["admin", AGENT, AGENT]), [1, 1]);
}

/// As many as a token may log in a few minutes, of one application and second.
#[test]
fn fifty_thousand_operations_of_one_second_are_judged_in_seconds() {
    let mut story = with(&["admin"], &[AGENT]);
    let template = |name: &str| story.said(&format!("job-1.{name}")).clone();
    let (operation, own) = (template("operation 0"), template("entry 0"));
    let ms = story.now_ms();
    for at in 0..25_000_u32 {
        for (name, like) in [(format!("run {at}"), &operation), (format!("found {at}"), &own)] {
            let mut payload = like.clone();
            set(&mut payload, "nonce", Some(nonce(&name).into()));
            set(&mut payload, "raw_digest", Some(hex(&name).into()));
            if payload.get("operation_digest").is_some() {
                set(&mut payload, "operation_digest", Some(hex(&name).into()));
            } else {
                set(&mut payload, "history_id", Some((100 + at).into()));
            }
            story.bare_at(ms, &name, "argocd_observation", "observer", payload);
        }
    }
    let timeline = story.timeline();
    let begin = Instant::now();
    let report = audit(&timeline, Some(&operator()));
    let took = begin.elapsed();
    println!("{} entries: {took:?}", timeline.size().get());
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(of_entries(&story, &report, Effect::Fails).len() > 24_000);
}
