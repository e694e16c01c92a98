//! Golden logs about receipts that contradict each other, name another
//! operation than Argo CD reports, or claim one that is another decision's.

use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::hex;

/// Two receipts of the read: what each says came of it.
fn read_twice(story: &mut Story, first: &str, second: &str) {
    story.set("read receipt", "outcome", first);
    story.receipt("read again", "read", second, None);
    story.last_after("read receipt");
}

/// The receipt of the sync names an operation that nobody reports.
fn names_another(story: &mut Story) {
    story.set("sync receipt", "op_key", hex("another operation"));
}

/// One more decision of a run, with its own approval, whose receipt names the
/// operation of another.
pub fn claims(story: &mut Story, run: &str, token: &str, as_in: &str, action: &str, operation: &str) {
    story.approve("more ok", "approve", action);
    story.decide("more", "allow", run, token, action, Some("more ok"));
    story.set("more", "cst.scope_hash_b64u", story.decided_scope(as_in));
    story.receipt("more receipt", "more", "accepted", Some(operation));
    story.set("more receipt", "request_digest", hex(action));
}

/// The same decision, whose receipt names no operation.
pub fn claims_none(story: &mut Story, run: &str, token: &str, as_in: &str, action: &str) {
    claims(story, run, token, as_in, action, "more");
    story.unset("more receipt", "op_key");
}

/// The same agent's second job, whose sync's receipt names this operation.
fn second_job(story: &mut Story, operation: &str) {
    story.job("job-2", "agent");
    story.set("job-2.sync receipt", "op_key", format!("#{operation}"));
    story.remove("job-2.seen");
    story.job = "job-1".to_owned();
}

/// Another agent's wrapper, under the same username, names this operation.
fn others_job(story: &mut Story, operation: &str) {
    neighbours(story);
    story.set("roots", "agents[1].usernames[0].username", "proj:payments:agent");
    story.set("job-2.back seen", "initiator.username", "proj:payments:agent");
    story.remove("job-2.seen");
    story.set("job-2.sync receipt", "op_key", format!("#{operation}"));
}

pub static ROWS: &[Golden] = &[
    golden(
        "one call was not sent and was accepted",
        |story| read_twice(story, "not_sent", "accepted"),
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(|story| read_twice(story, "error_transport", "accepted")),
    golden(
        "one call was accepted and refused: it may have been tried twice",
        |story| read_twice(story, "refused_precondition", "accepted"),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| read_twice(story, "accepted", "accepted")),
    golden(
        "one call was not sent, and nobody knows what came of it",
        |story| read_twice(story, "error_transport", "not_sent"),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| read_twice(story, "error_transport", "refused_precondition")),
    golden(
        "the receipt names another operation than is reported where writes are closed",
        |story| {
            closed(story);
            names_another(story);
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .beside(closed),
    golden(
        "the receipt names another operation, and anybody could have written the reported one",
        names_another,
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        names_another(story);
        story.remove("seen");
    }),
    golden(
        "a second decision claims an operation that states the first",
        |story| claims(story, "r2", "t2", "back", "sync", "sync"),
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| claims_none(story, "r2", "t2", "back", "sync")),
    golden(
        "two decisions of one run claim an operation that states neither",
        |story| claims(story, "r2", "t2", "back", "rollback", "back"),
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| claims_none(story, "r2", "t2", "back", "rollback")),
    golden(
        "decisions of two runs claim an operation that states neither",
        |story| {
            claims(story, "r2", "t2", "back", "sync", "sync");
            story.unset("seen", "info");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Incomplete)])
    .beside(|story| {
        claims_none(story, "r2", "t2", "back", "sync");
        story.unset("seen", "info");
    }),
    golden(
        "a decision of another job claims an operation that states this one",
        |story| second_job(story, "job-1.sync"),
        &["CONTRADICTING_ACCOUNTS"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(|story| second_job(story, "job-2.sync")),
    golden(
        "a decision of another job claims an operation that states neither",
        |story| {
            second_job(story, "job-1.sync");
            story.unset("seen", "info");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| {
        second_job(story, "job-2.sync");
        story.unset("seen", "info");
    }),
    golden(
        "another agent's wrapper claims an operation that states this job's decision",
        |story| others_job(story, "job-1.sync"),
        &["CONTRADICTING_ACCOUNTS"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass)])
    .beside(|story| others_job(story, "job-2.sync")),
];
