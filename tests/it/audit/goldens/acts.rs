//! Golden logs about approvals, decisions, receipts and what Argo CD reports.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{START_MS, Story, time};
use crate::make::{did, hex, value};

fn none() -> Value<'static> {
    Value::Array(vec![])
}

/// A deny of the sync, just after a step.
fn denied_after(story: &mut Story, step: &str) {
    story.approve("no", "deny", "sync");
    story.signed_by("no", "second approver");
    story.last_after(step);
}

/// The sync once more under the same approval, after a first outcome.
pub fn again(story: &mut Story, outcome: &str) {
    story.set("sync receipt", "outcome", outcome);
    if outcome != "accepted" {
        story.remove("seen");
    }
    story.decide("again", "allow", "r1", "t1", "sync", Some("ok"));
    story.set("again", "cst.scope_hash_b64u", story.decided_scope("sync"));
    story.last_after("sync receipt");
    story.receipt("again receipt", "again", "accepted", None);
    story.set("again receipt", "request_digest", hex("sync"));
    story.last_after("again");
}

/// The agent holds the approver's role in the roots too.
fn rooted(story: &mut Story, who: &str) {
    story.signed_by("ok", who);
    story.set("roots", "approvers[1].did", did(who));
}

/// Time passes, and something else is logged.
fn tick(story: &mut Story, ms: i64) {
    story.wait(ms);
    story.approve("tick", "deny", "read");
}

/// The first receipt of the sync comes after so long; nothing else shows when.
fn late_receipt(story: &mut Story, ms: i64) {
    story.remove("seen");
    story.remove("sync receipt");
    story.wait(ms);
    story.receipt("sync receipt", "sync", "accepted", Some("sync"));
}

pub static ROWS: &[Golden] = &[
    golden("no approval", |story| story.set("sync", "approvals", none()), &["APPROVAL_MISSING"], Fail)
        .of(&["injection: no approval"]),
    golden("a rollback without approval", |story| story.set("back", "approvals", none()), &["APPROVAL_MISSING"], Fail)
        .of(&["rollback: without approval"])
        .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)]),
    golden(
        "an approval logged after the decision",
        |story| story.move_after("ok", "sync"),
        &["APPROVAL_MISSING"],
        Fail,
    ),
    golden(
        "an approval of another revision",
        |story| story.set("ok", "binds.revisions[0]", &hex("another")[..40]),
        &["APPROVAL_UNEQUAL"],
        Fail,
    ),
    golden(
        "an approval of another app",
        |story| story.set("ok", "binds.app.name", "orders-api"),
        &["APPROVAL_UNEQUAL"],
        Fail,
    ),
    golden("an approval of another job", |story| story.set("ok", "binds.job_id", "job-x"), &["APPROVAL_UNEQUAL"], Fail),
    golden(
        "an approval of another cluster",
        |story| story.set("ok", "binds.destination.server", "https://other.example"),
        &["APPROVAL_UNEQUAL"],
        Fail,
    ),
    golden(
        "an approval with other parameters",
        |story| story.set("ok", "binds.params", value(r#"{"dry_run":true}"#)),
        &["APPROVAL_UNEQUAL"],
        Fail,
    )
    .beside(|story| {
        story.set("ok", "binds.params", value(r#"{"dry_run":true}"#));
        story.set("sync", "binds.params", value(r#"{"dry_run":true}"#));
        story.set("seen", "params", value(r#"{"dry_run":true}"#));
    }),
    golden(
        "an approval for another agent",
        |story| story.set("ok", "agent_did", did("other agent")),
        &["APPROVAL_UNEQUAL"],
        Fail,
    ),
    golden(
        "an approval of a branch",
        |story| {
            story.set("ok", "binds.revisions[0]", "main");
            story.set("sync", "binds.revisions[0]", "main");
        },
        &["APPROVAL_UNBOUND_REVISION"],
        Fail,
    )
    .beside(|story| {
        story.set("ok", "binds.revisions[0]", "1.4.2");
        story.set("sync", "binds.revisions[0]", "1.4.2");
    }),
    golden(
        "an approval of no revision",
        |story| {
            story.set("ok", "binds.revisions", none());
            story.set("sync", "binds.revisions", none());
        },
        &["APPROVAL_UNBOUND_REVISION"],
        Fail,
    ),
    golden("an expired approval", |story| story.set("ok", "expires_at", time(START_MS)), &["APPROVAL_EXPIRED"], Fail)
        .beside(|story| story.set("ok", "expires_at", time(START_MS + 60_000))),
    golden("approved by the agent, which the roots list", |story| rooted(story, "agent"), &["APPROVAL_BY_ACTOR"], Fail)
        .beside(|story| rooted(story, "third approver")),
    golden(
        "approved by the wrapper, which the roots list",
        |story| rooted(story, "wrapper"),
        &["APPROVAL_BY_ACTOR"],
        Fail,
    )
    .beside(|story| rooted(story, "third approver")),
    golden("denied after it was approved", |story| denied_after(story, "ok"), &["APPROVAL_DENIED"], Fail)
        .beside(|story| denied_after(story, "read receipt")),
    golden("denied after it was decided", |story| denied_after(story, "sync"), &["APPROVAL_DENIED_LATER"], Pass)
        .beside(|story| denied_after(story, "read receipt")),
    golden(
        "approved once more after a deny",
        |story| {
            denied_after(story, "ok");
            story.approve("second", "approve", "sync");
            story.signed_by("second", "second approver");
            story.last_after("no");
        },
        &["APPROVAL_DENIED"],
        Fail,
    )
    .beside(|story| {
        denied_after(story, "ok");
        story.approve("second", "approve", "sync");
        story.signed_by("second", "second approver");
        story.last_after("no");
        story.set("sync", "approvals", Value::Array(vec!["@job-1.second".into()]));
    }),
    golden("an approval used twice", |story| again(story, "accepted"), &["APPROVAL_REUSED"], Fail)
        .of(&["replay: approval"])
        .beside(|story| again(story, "refused_rbac")),
    golden(
        "an approval used again after an unknown outcome",
        |story| again(story, "error_transport"),
        &["APPROVAL_REUSED"],
        Fail,
    )
    .beside(|story| again(story, "not_sent")),
    golden(
        "two people approve, and one of them another revision",
        |story| {
            story.approve("second", "approve", "sync");
            story.signed_by("second", "second approver");
            story.set("second", "binds.revisions[0]", &hex("another")[..40]);
            story.last_after("ok");
            story.set("sync", "approvals", Value::Array(vec!["@job-1.second".into()]));
        },
        &["APPROVAL_UNEQUAL"],
        Fail,
    )
    .beside(|story| {
        story.approve("second", "approve", "sync");
        story.signed_by("second", "second approver");
        story.last_after("ok");
        story.set("sync", "approvals", Value::Array(vec!["@job-1.ok".into(), "@job-1.second".into()]));
    }),
    golden(
        "a decision made after the act",
        |story| {
            story.move_after("sync", "seen");
        },
        &["DECISION_AFTER_ACT"],
        Fail,
    ),
    golden(
        "a decision logged after its own receipt",
        |story| story.move_after("read", "read receipt"),
        &["DECISION_AFTER_ACT"],
        Fail,
    ),
    golden(
        "a decision made long after the operation started",
        |story| {
            closed(story);
            story.wait(600_000);
            story.decide("read 2", "allow", "r2", "t2", "read", None);
            story.set("read 2", "cst.scope_hash_b64u", story.decided_scope("back"));
            story.receipt("read 2 receipt", "read 2", "accepted", None);
            story.set("read 2 receipt", "request_digest", hex("read"));
            story.observe("seen 2", "read 2", "read", true);
            story.set("seen 2", "started_at", time(START_MS + 30_000));
        },
        &["OPERATION_OUTSIDE_WINDOW"],
        Fail,
    ),
    golden(
        "denied and accepted",
        |story| story.receipt("edit receipt", "edit", "accepted", None),
        &["DENY_THEN_ACCEPTED"],
        Fail,
    )
    .beside(|story| story.receipt("edit receipt", "edit", "not_sent", None)),
    golden(
        "a receipt of another request",
        |story| story.set("sync receipt", "request_digest", hex("other")),
        &["RECEIPT_REQUEST_MISMATCH"],
        Fail,
    ),
    golden(
        "a call without a decision",
        |story| {
            story.receipt("made up", "read", "accepted", None);
            story.set("made up", "decision_digest", hex("nothing"));
        },
        &["RECEIPT_WITHOUT_DECISION"],
        Pass,
    )
    .of(&["timeline: a step is missing"]),
    golden(
        "a decision without a receipt",
        |story| {
            story.remove("read receipt");
            tick(story, 360_000);
        },
        &["RECEIPT_MISSING"],
        Fail,
    )
    .of(&["timeline: a step is missing"])
    .beside(|story| tick(story, 360_000)),
    golden("a receipt long after the call", |story| late_receipt(story, 400_000), &["LATE_EVIDENCE"], Incomplete)
        .beside(|story| late_receipt(story, 300_000)),
    golden(
        "another namespace than decided",
        |story| story.set("seen", "destination.namespace", "prod"),
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .of(&["credential: another target than decided"]),
    golden(
        "another application than decided",
        |story| story.set("seen", "app.name", "orders-api"),
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .of(&["credential: another target than decided"]),
    golden(
        "another project than decided",
        |story| story.set("seen", "app.project", "core"),
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .of(&["credential: another target than decided"]),
    golden(
        "parameters that were not decided",
        |story| story.set("seen", "params", value(r#"{"prune":true}"#)),
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    ),
    golden(
        "one decision for two operations",
        |story| {
            closed(story);
            story.observe("twice", "sync", "sync", true);
            story.set("twice", "operation_digest", hex("another operation"));
        },
        &["REPLAY_DECISION_REUSED"],
        Fail,
    )
    .beside(|story| story.observe("twice", "sync", "sync", true)),
];
