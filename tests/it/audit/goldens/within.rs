//! Golden logs about accounts that do not agree with themselves: a receipt with
//! its own status and application, reports of one operation with each other;
//! about operations alike in all but the history entries that they made; and
//! about a wrapper that is replaced while it owes a receipt.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::claimed::claims;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{POLICY, START_MS, Story, time};
use crate::make::{did, hex, value};

const APP: &str = "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11";
const ANOTHER_APP: &str = "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b12";

fn answered(story: &mut Story, http: u32, grpc: u32) {
    story.set("sync receipt", "http_status", http);
    story.set("sync receipt", "grpc_code", grpc);
}

/// The sync as the other channel reports it. Nothing but its own word ties the
/// operation to the decision.
fn polled(story: &mut Story) {
    story.unset("sync receipt", "op_key");
    story.observe("polled", "sync", "sync", false);
    story.set("polled", "channel", "poll");
}

fn polled_with(story: &mut Story, member: &str, new: impl Into<Value<'static>>) {
    polled(story);
    story.set("polled", member, new);
}

/// Two rollbacks alike, in one second, each with its decision; they made two
/// entries of the application's history.
fn two_rollbacks(story: &mut Story) {
    claims(story, "r2", "t2", "back", "rollback", "back");
    story.set("back seen", "history_id", 50_u32);
    story.observe("more seen", "back", "rollback", false);
    story.set("more seen", "history_id", 51_u32);
}

/// A terminate, which this policy does not allow; its receipt names the sync
/// that it ended.
fn terminated(story: &mut Story) {
    story.decide("stop", "allow", "r2", "t2", "terminate", None);
    story.set("stop", "cst.scope_hash_b64u", story.decided_scope("back"));
    story.receipt("stop receipt", "stop", "accepted", Some("sync"));
    story.set("stop receipt", "request_digest", hex("terminate"));
}

/// The roots give the wrapper's role to a newer key while the sync is under
/// way, and time passes.
fn replaced(story: &mut Story) {
    let rows = format!(r#"[{{"did":"{}","agents":["{}"]}}]"#, did("newer wrapper"), did("agent"));
    story.roots_again("rotated", "wrappers", value(&rows));
    story.last_after("sync");
    for step in ["sync receipt", "edit", "back", "back receipt"] {
        story.signed_by(step, "newer wrapper");
    }
    story.wait(7_200_000);
    story.approve("tick", "deny", "read");
}

/// A receipt that says that nothing was done, and the answer that it got; Argo
/// CD reports nothing.
fn undone(story: &mut Story, outcome: &str, http: u32, grpc: u32) {
    story.set("sync receipt", "outcome", outcome);
    story.unset("sync receipt", "op_key");
    story.remove("seen");
    answered(story, http, grpc);
}

/// Ends of two reports of one operation, each after so many tries.
fn ended(story: &mut Story, seen: (&str, u32), polled: (&str, u32)) {
    polled_with(story, "phase", polled.0);
    story.set("polled", "retry", value(&format!(r#"{{"count":{}}}"#, polled.1)));
    story.set("seen", "phase", seen.0);
    story.set("seen", "retry", value(&format!(r#"{{"count":{}}}"#, seen.1)));
}

/// A sync of a branch, which this policy allows without an approval, and the
/// commit that Argo CD says it deployed; resolved is another one's.
fn of_a_branch(story: &mut Story, deployed: &str) {
    *story = Story::under(value(&POLICY.replacen(r#","require_approval":true"#, "", 1)), &[]);
    story.set("sync", "binds.revisions", Value::Array(vec!["main".into()]));
    story.set("sync", "approvals", Value::Array(vec![]));
    story.set("seen", "revisions.deployed", Value::Array(vec![hex(deployed)[..40].into()]));
}

/// When each of two reports says that the operation ended, in seconds.
fn ended_at(story: &mut Story, seen: i64, polled: i64) {
    polled_with(story, "finished_at", time(START_MS + 1_000 * polled));
    story.set("seen", "finished_at", time(START_MS + 1_000 * seen));
}

pub static ROWS: &[Golden] = &[
    golden(
        "an accepted call was answered with the status of a refusal",
        |story| answered(story, 403, 7),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| answered(story, 200, 0)),
    golden(
        "a call was refused, and answered like one that was taken",
        |story| undone(story, "refused_precondition", 200, 0),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| undone(story, "refused_precondition", 200, 9)),
    golden(
        "an accepted call was answered with a redirection",
        |story| answered(story, 302, 0),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| answered(story, 200, 0)),
    golden(
        "an operation succeeded, and failed when it was tried again",
        |story| ended(story, ("Succeeded", 0), ("Failed", 1)),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| ended(story, ("Succeeded", 1), ("Failed", 0))),
    golden(
        "reports of one operation show two places",
        |story| polled_with(story, "destination.namespace", "elsewhere"),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(polled),
    golden(
        "reports of one operation name two clusters by address",
        |story| polled_with(story, "destination.server", "https://elsewhere.example"),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| polled_with(story, "destination.server", "HTTPS://Kubernetes.Default.svc:443/")),
    golden(
        "an operation resolved one commit and deployed another",
        |story| of_a_branch(story, "another"),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| of_a_branch(story, "revision")),
    golden(
        "one report shows the commit that was resolved, and another that another one was deployed",
        |story| {
            of_a_branch(story, "another");
            story.unset("seen", "revisions.resolved");
            polled_with(story, "revisions", value(&format!(r#"{{"resolved":["{}"]}}"#, &hex("revision")[..40])));
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        of_a_branch(story, "another");
        story.unset("seen", "revisions.resolved");
        polled_with(story, "revisions", value(&format!(r#"{{"resolved":["{}"]}}"#, &hex("another")[..40])));
    }),
    golden(
        "reports of one operation say that it ended at two times",
        |story| ended_at(story, 100, 900),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| ended_at(story, 100, 160)),
    golden(
        "one try is reported to have failed at two times",
        |story| {
            ended(story, ("Failed", 1), ("Failed", 1));
            story.set("seen", "finished_at", time(START_MS + 100_000));
            story.set("polled", "finished_at", time(START_MS + 900_000));
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        ended(story, ("Failed", 0), ("Failed", 1));
        story.set("seen", "finished_at", time(START_MS + 100_000));
        story.set("polled", "finished_at", time(START_MS + 900_000));
    }),
    golden(
        "an operation ended before it began",
        |story| story.set("seen", "finished_at", "2020-01-01T00:00:00Z"),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(polled),
    golden(
        "a call over HTTP was accepted, and its gRPC code says that it was not",
        |story| answered(story, 200, 7),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| answered(story, 200, 0)),
    golden(
        "the receipt of an accepted call names another application than was decided",
        |story| story.set("sync receipt", "app_uid", ANOTHER_APP),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| story.set("sync receipt", "app_uid", APP)),
    golden(
        "reports of one operation say that it succeeded and that it failed",
        |story| polled_with(story, "phase", "Failed"),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| polled_with(story, "phase", "Running")),
    golden(
        "reports of one operation resolved and deployed two commits",
        |story| {
            of_a_branch(story, "revision");
            let other = &hex("another")[..40];
            let revisions = value(&format!(r#"{{"resolved":["{other}"],"deployed":["{other}"]}}"#));
            polled_with(story, "revisions", revisions);
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        of_a_branch(story, "revision");
        polled(story);
    }),
    golden(
        "an operation succeeded, and failed at its first try by another report",
        |story| {
            polled_with(story, "phase", "Failed");
            story.set("polled", "retry", value(r#"{"count":0}"#));
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        polled(story);
        story.set("polled", "retry", value(r#"{"count":0}"#));
    }),
    golden(
        "of two alike operations in one second, the first failed and made no entry",
        |story| {
            two_rollbacks(story);
            story.unset("back seen", "history_id");
            story.set("back seen", "phase", "Failed");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(two_rollbacks),
    golden(
        "one try is reported to have failed, and to have succeeded",
        |story| {
            polled_with(story, "phase", "Failed");
            story.set("polled", "retry", value(r#"{"count":1}"#));
            story.set("seen", "retry", value(r#"{"count":1,"limit":5}"#));
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        polled_with(story, "phase", "Failed");
        story.set("polled", "retry", value(r#"{"count":1}"#));
        story.set("seen", "retry", value(r#"{"count":2,"limit":5}"#));
    }),
    golden(
        "reports of one operation name two users",
        |story| polled_with(story, "initiator.username", "admin"),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(polled),
    golden(
        "one report of an operation shows a parameter, and another shows none",
        |story| polled_with(story, "params", value(r#"{"prune":true}"#)),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| polled_with(story, "params", value("{}"))),
    golden(
        "of two alike operations in one second, one decision is not sure of its own",
        |story| {
            two_rollbacks(story);
            story.set("more receipt", "outcome", "error_transport");
        },
        &["CONTRADICTING_ACCOUNTS", "REPLAY_DECISION_REUSED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(two_rollbacks),
    golden(
        "a terminate outside the policy names the operation that it ended",
        terminated,
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)]),
    golden(
        "a wrapper is replaced while it owes a receipt, and nobody gives it",
        |story| {
            replaced(story);
            story.remove("sync receipt");
        },
        &["RECEIPT_MISSING"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(replaced),
];
