//! Golden logs about operations that join no decision: by whom they are, and
//! what may explain them.

use pulselog::artifact::json::Value;
use pulselog::audit::Scope;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{START_MS, Story, time};
use crate::make::{good_payload, hex, kind, value};

/// How long after the roots everything that could explain an act would count.
pub const SETTLED_MS: i64 = 400_000;

/// Long after what was done last, something else is logged.
pub fn tick(story: &mut Story) {
    story.wait(900_000);
    story.log("tick", "argocd_snapshot", "", good_payload(kind("argocd_snapshot")));
    story.submitted_by("tick", "observer");
}

/// The agent's user syncs, and nobody decided it.
pub fn silent(story: &mut Story) {
    story.wait(SETTLED_MS);
    story.observe("silent", "silent", "sync", false);
    tick(story);
}

/// The same, where nobody but Argo CD writes the applications.
pub fn silent_and_closed(story: &mut Story) {
    closed(story);
    silent(story);
}

/// The same by another user.
fn silently_by(story: &mut Story, who: &str, is_automated: bool) {
    silent_and_closed(story);
    story.set("silent", "initiator.username", who);
    story.set("silent", "initiator.automated", is_automated);
}

/// The roots say that they list every person.
fn everybody_is_listed(story: &mut Story) {
    story.set("roots", "instances[0].humans_complete", true);
    story.set("roots", "humans", value(r#"[{"instance":"argocd-prod","username":"admin"}]"#));
}

/// One more sync that is decided and approved, whose answer was lost; nothing
/// that is reported of it names the decision.
pub fn lost(story: &mut Story, name: &str) {
    let named = |what: &str| format!("{name} {what}");
    story.approve(&named("ok"), "approve", "sync");
    story.decide(name, "allow", "r2", "t2", "sync", Some(&named("ok")));
    story.receipt(&named("receipt"), name, "error_transport", None);
    story.set(&named("receipt"), "request_digest", hex("sync"));
}

pub fn lost_and_seen(story: &mut Story) {
    closed(story);
    story.wait(SETTLED_MS);
    lost(story, "more");
    story.observe("more seen", "more", "sync", false);
    tick(story);
}

/// A second operation in the same moment, which names nothing.
fn beside(story: &mut Story) {
    story.observe("twice", "more", "sync", false);
    story.set("twice", "operation_digest", hex("another operation"));
    story.last_after("more seen");
}

/// Two such decisions, and as many operations as are named.
fn two_lost(story: &mut Story, seen: &[&str]) {
    closed(story);
    story.wait(SETTLED_MS);
    lost(story, "more");
    lost(story, "again");
    seen.iter().for_each(|name| story.observe(&format!("{name} seen"), name, "sync", false));
    tick(story);
}

/// The second run's rights end at some time after its write was accepted.
fn revoked_and_ended(story: &mut Story, ended_ms: i64) {
    story.log("job-1.revoked t2", "cst_revocation", "issuer", story.revocation("t2"));
    story.set("back seen", "finished_at", time(START_MS + ended_ms));
}

/// The cluster's event of an operation; observers may tell of events too.
pub fn event(story: &mut Story, name: &str, phase: &str) {
    let channels = Value::Array(["notify", "poll", "k8s_event"].map(Value::from).to_vec());
    story.set("roots", "observers[0].channels", channels);
    let seen = story.steps.iter().find(|step| step.name == story.named("silent")).expect("an operation").clone();
    story.log(name, "argocd_observation", "", seen.payload);
    story.submitted_by(name, "observer");
    story.set(name, "channel", "k8s_event");
    story.set(name, "phase", phase);
    for shown in ["operation_digest", "op_key"] {
        story.unset(name, shown);
    }
    story.last_after("silent");
}

/// Parameters of a sync of one resource.
const PART: &str = r#"{"resources":[{"group":"apps","kind":"Deployment","namespace":"prod-canary","name":"web"}]}"#;

/// Decided, approved and seen with refresh.
fn refreshed(story: &mut Story) {
    for said in ["ok", "sync"] {
        story.set(said, "binds.params", value(r#"{"retry_refresh":true}"#));
    }
    story.set("seen", "params", value(r#"{"retry_refresh":true}"#));
    story.set("seen", "retry", value(r#"{"count":1,"limit":5,"refresh":true}"#));
}

pub static ROWS: &[Golden] = &[
    golden("the agent's user syncs, and nobody decided it", silent_and_closed, &["UNREPORTED_ACTION"], Incomplete)
        .beside(lost_and_seen),
    golden(
        "the agent's name stands in it, and anybody could have written it",
        silent,
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| silently_by(story, "", true)),
    golden(
        "undecided, and the operation names a decision that nobody logged",
        |story| {
            silent_and_closed(story);
            let named = format!(r#"[{{"name":"claw.decision","value":"{}"}}]"#, hex("nobody's"));
            story.set("silent", "info", value(&named));
        },
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| silently_by(story, "applicationset-controller", true)),
    golden(
        "undecided, as a dry run",
        |story| {
            silent_and_closed(story);
            story.set("silent", "params", value(r#"{"dry_run":true}"#));
        },
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    // A first look at an instance shows what ran long ago.
    .beside(|story| {
        silent_and_closed(story);
        story.set("silent", "started_at", "2026-11-22T11:00:00Z");
    }),
    golden(
        "undecided, written to the Application itself",
        |story| {
            silent(story);
            event(story, "completed", "Succeeded");
        },
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| {
        silently_by(story, "admin", false);
        event(story, "started", "Running");
        event(story, "completed", "Succeeded");
    }),
    golden(
        "a second operation beside the one that the only decision explains",
        |story| {
            lost_and_seen(story);
            beside(story);
        },
        &["AMBIGUOUS_MATCH", "UNREPORTED_ACTION"],
        Pass,
    )
    // The same operation, told again and late by the other channel.
    .beside(|story| {
        lost_and_seen(story);
        story.observe("twice", "more", "sync", false);
        story.set("twice", "channel", "poll");
    }),
    golden(
        "a second operation beside one that names the decision",
        |story| {
            lost_and_seen(story);
            let named = format!(r#"[{{"name":"claw.decision","value":"@{}"}}]"#, story.named("more"));
            story.set("more seen", "info", value(&named));
            beside(story);
        },
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| {
        lost_and_seen(story);
        let named = format!(r#"[{{"name":"claw.decision","value":"@{}"}}]"#, story.named("more"));
        story.set("more seen", "info", value(&named));
    }),
    golden(
        "in a decision's time, and with a parameter that it does not bind",
        |story| {
            lost_and_seen(story);
            story.set("more seen", "params", value(r#"{"prune":true}"#));
        },
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(lost_and_seen),
    golden(
        "in a decision's time, and of another revision",
        |story| {
            lost_and_seen(story);
            let other = Value::Array(vec![hex("another revision")[..40].into()]);
            story.set("more seen", "revisions.resolved", other);
        },
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| {
        lost_and_seen(story);
        story.unset("more seen", "revisions");
        story.set("more seen", "phase", "Failed");
    }),
    golden(
        "alike to a decision of which nothing came, as its wrapper says",
        |story| {
            lost_and_seen(story);
            story.set("more receipt", "outcome", "not_sent");
        },
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| {
        closed(story);
        story.wait(SETTLED_MS);
        lost(story, "more");
        story.set("more receipt", "outcome", "not_sent");
        tick(story);
    }),
    golden("two decisions alike, and one operation", |story| two_lost(story, &["more"]), &["AMBIGUOUS_MATCH"], Pass)
        .beside(|story| two_lost(story, &[])),
    golden(
        "two decisions alike, and three operations",
        |story| two_lost(story, &["more", "again", "third"]),
        &["AMBIGUOUS_MATCH", "UNREPORTED_ACTION"],
        Pass,
    )
    .beside(|story| {
        lost_and_seen(story);
        story.set("more receipt", "outcome", "accepted");
    }),
    golden(
        "somebody syncs whom the roots do not list, though they list everybody",
        |story| {
            silently_by(story, "somebody", false);
            everybody_is_listed(story);
        },
        &["UNKNOWN_INITIATOR"],
        Pass,
    )
    .beside(|story| {
        silently_by(story, "admin", false);
        everybody_is_listed(story);
    }),
    golden(
        "somebody who is listed no more",
        |story| {
            silently_by(story, "admin", false);
            everybody_is_listed(story);
            story.set("roots", "humans", Value::Array(vec![]));
        },
        &["UNKNOWN_INITIATOR"],
        Pass,
    )
    // The roots lag behind: a newer list has the name.
    .beside(|story| {
        silently_by(story, "somebody", false);
        everybody_is_listed(story);
        let listed = value(r#"[{"instance":"argocd-prod","username":"somebody"}]"#);
        story.roots_again("newer roots", "humans", listed);
    }),
    golden(
        "somebody whom the roots do not list, and do not say that they list everybody",
        |story| {
            silently_by(story, "somebody", false);
            everybody_is_listed(story);
            story.set("silent", "initiator.username", "another");
        },
        &["UNKNOWN_INITIATOR"],
        Pass,
    )
    .beside(|story| silently_by(story, "somebody", false)),
    golden(
        "the agent's operation, and only another agent's wrapper says that it was its own",
        |story| {
            closed(story);
            neighbours(story);
            story.wait(SETTLED_MS);
            story.observe("silent", "silent", "sync", false);
            story.set("silent", "initiator.username", "proj:payments:agent");
            // By that the receipt knows its operation.
            story.set("silent", "operation_digest", hex("job-2.sync"));
            story.remove("job-2.seen");
            tick(story);
        },
        &["OBSERVED_UNLIKE_DECIDED", "TOKEN_REVOKED", "UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| {
        closed(story);
        neighbours(story);
    }),
    // The controller heals what drifted: a part of the application, by nobody's call, and no entry of its history.
    golden(
        "undecided, of a part of the application",
        |story| {
            silent_and_closed(story);
            story.set("silent", "params", value(PART));
        },
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| {
        silently_by(story, "", true);
        story.set("silent", "params", value(PART));
        story.unset("silent", "revisions.deployed");
    }),
    // What the sync of one application changes in another syncs by itself.
    golden(
        "undecided, of an application that another one makes",
        |story| {
            silent_and_closed(story);
            story.set("silent", "app.uid", "child");
            story.set("silent", "app.name", "child");
        },
        &["UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| {
        silently_by(story, "", true);
        story.set("silent", "app.uid", "child");
        story.set("silent", "app.name", "child");
    }),
    // With refresh a try takes the newest commit, and the operation no longer says which was asked for.
    golden(
        "tried again with refresh, and another revision deployed than was approved",
        |story| {
            refreshed(story);
            let newer = Value::Array(vec![hex("a newer revision")[..40].into()]);
            story.set("seen", "revisions.deployed", newer.clone());
            story.set("seen", "revisions.resolved", newer);
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .beside(refreshed),
    golden(
        "accepted before the token was revoked, and running long after",
        |story| revoked_and_ended(story, 900_000),
        &["RAN_AFTER_REVOCATION"],
        Pass,
    )
    .beside(|story| revoked_and_ended(story, 60_000)),
    golden(
        "an operation under a name that a person has too",
        |story| {
            silent_and_closed(story);
            story.set("roots", "humans", value(r#"[{"instance":"argocd-prod","username":"proj:payments:agent"}]"#));
        },
        &["IDENTITY_SHARED", "UNREPORTED_ACTION"],
        Incomplete,
    )
    .beside(|story| {
        closed(story);
        story.set("roots", "humans", value(r#"[{"instance":"argocd-prod","username":"proj:payments:agent"}]"#));
    }),
];

/// A pass of one job is no word about what its agent did beside it.
#[test]
fn a_job_says_which_undecided_operations_of_its_agent_do_not_move_it() {
    let said = |change: fn(&mut Story)| {
        let mut story = Story::clean();
        change(&mut story);
        let job = story.audit().of(&Scope::Job("job-1".into()));
        (job.verdict, job.coverage.iter().any(|row| row.what.contains("not this job's")))
    };
    assert_eq!(said(silent_and_closed), (Incomplete, true));
    assert_eq!(said(|_| {}), (Pass, true));
    // Who has no user on any instance did nothing there.
    assert!(!said(|story| story.set("roots", "agents[0].usernames", value("[]"))).1);
}
