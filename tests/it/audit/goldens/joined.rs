//! Golden logs about what ties an operation to a decision: what it states, the
//! receipt that names it, and the user who started it.

use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::claimed::{claims, claims_none};
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::{hex, value};

/// The second run tries the sync again, under its own approval; its receipt
/// names the operation of the first try.
fn tried_again(story: &mut Story, outcome: &str) {
    claims(story, "r2", "t2", "back", "sync", "sync");
    story.set("more receipt", "outcome", outcome);
}

/// The same, where the answer to the first try was lost.
fn lost_and_tried_again(story: &mut Story) {
    tried_again(story, "refused_precondition");
    story.set("sync receipt", "outcome", "error_transport");
    story.unset("sync receipt", "op_key");
}

/// The same operation by the other channel, which shows no infos.
fn polled_without_info(story: &mut Story) {
    story.observe("polled", "sync", "sync", false);
    story.set("polled", "channel", "poll");
}

fn started_by(story: &mut Story, who: &str) {
    story.set("seen", "initiator.username", who);
}

/// Nobody but Argo CD writes the applications, and the roots know a person.
fn known_person(story: &mut Story) {
    closed(story);
    story.set("roots", "humans", value(r#"[{"instance":"argocd-prod","username":"admin"}]"#));
}

fn pruned(story: &mut Story) {
    story.set("seen", "params", value(r#"{"prune":true}"#));
}

/// The roots give the agent another username, after the sync and before it is
/// reported; nothing but the operation's own word ties it to the decision.
fn renamed(story: &mut Story) {
    closed(story);
    story.unset("sync receipt", "op_key");
    story.roots_again("renamed", "agents[0].usernames[0].username", "proj:payments:newer".into());
    story.last_after("sync receipt");
    story.set("back seen", "initiator.username", "proj:payments:newer");
}

fn says(story: &mut Story, outcome: &str) {
    story.set("sync receipt", "outcome", outcome);
}

/// A second receipt of the sync, by a wrapper that does not know what came of it.
fn unsure_too(story: &mut Story) {
    story.receipt("sync again", "sync", "error_transport", Some("sync"));
    story.last_after("sync receipt");
}

/// The receipt of the sync names an operation of another agent's.
fn names_neighbours(story: &mut Story) {
    neighbours(story);
    story.set("job-1.sync receipt", "op_key", "#job-2.sync");
    story.remove("job-1.seen");
}

/// The sync was not sent, and its approval is used for another try, which is
/// accepted and reported.
fn released(story: &mut Story) {
    says(story, "not_sent");
    story.unset("sync receipt", "op_key");
    story.decide("again", "allow", "r1", "t1", "sync", Some("ok"));
    story.set("again", "cst.scope_hash_b64u", story.decided_scope("sync"));
    story.last_after("seen");
    story.receipt("again receipt", "again", "accepted", Some("again"));
    story.set("again receipt", "request_digest", hex("sync"));
    story.last_after("again");
    story.observe("again seen", "again", "sync", true);
    story.last_after("again receipt");
}

pub static ROWS: &[Golden] = &[
    golden(
        "refused, and nothing says whose the operation is that the receipt names",
        |story| {
            lost_and_tried_again(story);
            story.unset("seen", "info");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(|story| {
        tried_again(story, "refused_precondition");
        story.unset("seen", "info");
    }),
    golden(
        "refused, and no channel says whose the operation is that the receipt names",
        |story| {
            closed(story);
            lost_and_tried_again(story);
            story.set("more receipt", "outcome", "not_sent");
            story.unset("seen", "info");
            polled_without_info(story);
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        tried_again(story, "not_sent");
        story.unset("seen", "info");
        polled_without_info(story);
    }),
    golden(
        "refused, and what its receipt names states the very decision",
        |story| {
            closed(story);
            says(story, "refused_precondition");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .beside(|story| {
        lost_and_tried_again(story);
        polled_without_info(story);
    }),
    golden(
        "a person started the operation that the receipt names",
        |story| {
            known_person(story);
            started_by(story, "admin");
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(|story| {
        known_person(story);
        started_by(story, "admin");
        story.unset("sync receipt", "op_key");
    }),
    golden(
        "another user started the operation that the receipt names, and it does something else",
        |story| {
            closed(story);
            started_by(story, "nobody-knows");
            story.unset("seen", "info");
            pruned(story);
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    ),
    golden(
        "another user started it, and somebody may have put it in the wrapper's way",
        |story| {
            started_by(story, "admin");
            pruned(story);
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Incomplete,
    )
    .beside(|story| {
        says(story, "refused_precondition");
        started_by(story, "admin");
        story.unset("seen", "info");
    }),
    golden(
        "nothing is unlike but a username that the roots do not know",
        |story| {
            closed(story);
            started_by(story, "nobody-knows");
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Incomplete,
    ),
    golden(
        "a wrapper that did not learn what came of its call names a person's operation",
        |story| {
            known_person(story);
            says(story, "error_transport");
            started_by(story, "admin");
            pruned(story);
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Incomplete,
    ),
    golden(
        "refused, and a person's operation that the receipt names states the decision",
        |story| {
            known_person(story);
            says(story, "refused_precondition");
            started_by(story, "admin");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    ),
    golden(
        "another operation than decided, reported after the agent's username changed",
        |story| {
            renamed(story);
            pruned(story);
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .beside(renamed),
    golden(
        "one call, two operations, and not both receipts know that it was accepted",
        |story| {
            unsure_too(story);
            story.set("sync again", "op_key", hex("another"));
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(unsure_too),
    golden(
        "a second decision that did not learn what came of it names the operation of the first",
        |story| tried_again(story, "error_transport"),
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(|story| {
        claims_none(story, "r2", "t2", "back", "sync");
        story.set("more receipt", "outcome", "error_transport");
    }),
    golden(
        "two decisions name an operation that states neither, and one did not learn what came of it",
        |story| {
            tried_again(story, "error_transport");
            story.unset("seen", "info");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Incomplete)]),
    golden(
        "a receipt names an operation that states another agent's decision where writes are closed",
        |story| {
            closed(story);
            names_neighbours(story);
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .beside(neighbours),
    golden(
        "a receipt names an operation that states another agent's decision",
        names_neighbours,
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(neighbours),
    golden(
        "an approval is used again, and anybody could have written that its first use came to something",
        released,
        &["APPROVAL_REUSED", "CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        released(story);
        story.remove("seen");
    }),
    golden(
        "an approval is used again after its first use came to something where writes are closed",
        |story| {
            closed(story);
            released(story);
        },
        &["APPROVAL_REUSED", "CONTRADICTING_ACCOUNTS"],
        Fail,
    ),
    golden(
        "one key, two entries of the history, and a report from before it made any",
        |story| {
            running(story);
            story.observe("polled again", "sync", "sync", true);
            story.set("polled again", "history_id", 43_u32);
        },
        &["REPLAY_DECISION_REUSED"],
        Fail,
    )
    .beside(running),
];

/// The sync made an entry of the history; polled while it ran, the application
/// showed the entry before.
fn running(story: &mut Story) {
    story.set("seen", "history_id", 42_u32);
    story.observe("polled", "sync", "sync", true);
    story.set("polled", "channel", "poll");
    story.set("polled", "phase", "Running");
    story.set("polled", "history_id", 41_u32);
}
