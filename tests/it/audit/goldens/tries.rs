//! Golden logs about calls that were tried more than once, and about what a
//! wrapper found in Argo CD when a call of its was refused or its answer lost.

use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::claimed::claims;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::{hex, value};

/// One more decision of the second run whose receipt found the rollback, which
/// states nothing, in the way.
fn found(story: &mut Story, action: &str, outcome: &str) {
    claims(story, "r2", "t2", "back", action, "back");
    story.set("more receipt", "outcome", outcome);
}

/// Nobody claims the rollback: the answer to its call was lost.
fn lost(story: &mut Story) {
    story.set("back receipt", "outcome", "error_transport");
    story.unset("back receipt", "op_key");
}

/// Denied, and not sent; what its receipt names was there before.
fn denied(story: &mut Story) {
    story.decide("no", "deny", "r2", "t2", "rollback", None);
    story.set("no", "cst.scope_hash_b64u", story.decided_scope("back"));
    story.receipt("no receipt", "no", "not_sent", Some("back"));
    story.set("no receipt", "request_digest", hex("rollback"));
}

fn says(story: &mut Story, outcome: &str) {
    story.set("sync receipt", "outcome", outcome);
}

/// The operation that is reported is not as decided.
fn pruned(story: &mut Story) {
    story.set("seen", "params", value(r#"{"prune":true}"#));
}

/// A second receipt of the same decision.
fn tried_twice(story: &mut Story, first: &str, second: &str) {
    says(story, first);
    story.receipt("sync again", "sync", second, Some("sync"));
    story.last_after("sync receipt");
}

/// The sync's receipt names the rollback, which states no decision.
fn names_the_rollback(story: &mut Story, outcome: &str) {
    says(story, outcome);
    story.set("sync receipt", "op_key", "#job-1.back");
    story.set("back seen", "action_certainty", "stated");
    story.remove("seen");
}

pub static ROWS: &[Golden] = &[
    golden(
        "refused, and the agent's own rollback that nobody claims was in the way where writes are closed",
        |story| {
            closed(story);
            lost(story);
            found(story, "sync", "refused_precondition");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(|story| {
        closed(story);
        found(story, "sync", "refused_precondition");
    }),
    golden(
        "a rollback tried again after its answer was lost is refused, and the first one is found",
        |story| {
            lost(story);
            found(story, "rollback", "refused_precondition");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        found(story, "rollback", "refused_precondition");
        story.set("back receipt", "outcome", "error_transport");
    }),
    golden(
        "denied and not sent, and the agent's own rollback that nobody claims was there",
        |story| {
            closed(story);
            denied(story);
            lost(story);
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        closed(story);
        denied(story);
    }),
    golden(
        "refused, and anybody could have written the agent's name and the decision's digest into what was found",
        |story| {
            says(story, "refused_precondition");
            pruned(story);
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        says(story, "refused_precondition");
        story.remove("seen");
    }),
    golden(
        "an answer was lost, and anybody could have written what was found in the agent's name",
        |story| {
            says(story, "error_transport");
            story.unset("seen", "info");
            pruned(story);
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Incomplete,
    )
    .beside(|story| {
        says(story, "error_transport");
        story.unset("seen", "info");
    }),
    golden(
        "an answer was lost, and what states the decision is not as decided where writes are closed",
        |story| {
            closed(story);
            says(story, "error_transport");
            pruned(story);
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .beside(|story| {
        closed(story);
        says(story, "error_transport");
    }),
    golden(
        "an answer was lost, and the agent's rollback was found where writes are closed",
        |story| {
            closed(story);
            names_the_rollback(story, "error_transport");
        },
        &["CONTRADICTING_ACCOUNTS", "OBSERVED_UNLIKE_DECIDED"],
        Incomplete,
    )
    .beside(|story| {
        closed(story);
        names_the_rollback(story, "refused_precondition");
    }),
    golden(
        "a call refused once and then accepted under one decision, and reported where writes are closed",
        |story| {
            closed(story);
            tried_twice(story, "refused_precondition", "accepted");
            story.unset("sync receipt", "op_key");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| {
        closed(story);
        tried_twice(story, "accepted", "accepted");
    }),
    golden(
        "a call whose answer was lost is refused when tried again under one decision, and reported",
        |story| {
            closed(story);
            tried_twice(story, "error_transport", "refused_precondition");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    )
    .beside(|story| {
        closed(story);
        tried_twice(story, "error_transport", "accepted");
    }),
    golden(
        "a call refused twice under one decision, and reported where writes are closed",
        |story| {
            closed(story);
            tried_twice(story, "refused_precondition", "refused_rbac");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    ),
];
