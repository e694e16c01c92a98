//! Golden logs of an earlier build, which took ids of our own kinds in an odd
//! spelling: they join nothing, accuse nobody, and leave open what would have
//! joined by them.

use pulselog::audit::Verdict::{Incomplete, Pass};

use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;

/// One id of a statement, as it was logged then.
fn odd(story: &mut Story, name: &str, path: &str, id: &str) {
    story.is_earlier = true;
    story.set(name, path, id);
}

pub static ROWS: &[Golden] = &[
    golden(
        "a token's job id ends in a blank",
        |story| odd(story, "t1", "claims.mission_id", "job-1 "),
        &["ID_NOT_SPELLED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)]),
    golden(
        "a decision's run id ends in a blank",
        |story| odd(story, "sync", "run_id", "job-1.r1 "),
        &["ID_NOT_SPELLED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)]),
    golden(
        "a decision's job id has a character that nobody sees",
        |story| odd(story, "sync", "job_id", "job-1\u{200b}"),
        &["ID_NOT_SPELLED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)]),
    golden(
        "an approval's id ends in a blank",
        |story| odd(story, "ok", "approval_id", "job-1.ok "),
        &["ID_NOT_SPELLED"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)]),
    golden(
        "a token that nobody used has a job id that ends in a blank",
        |story| {
            story.token("t3");
            odd(story, "t3", "claims.mission_id", "job-1 ");
        },
        &["ID_NOT_SPELLED"],
        Pass,
    )
    .beside(|story| story.token("t3")),
    golden("a deny's job id ends in a blank", |story| odd(story, "edit", "job_id", "job-1 "), &[], Pass),
    golden(
        "another agent's token has a job id that ends in a blank",
        |story| {
            neighbours(story);
            odd(story, "job-2.t1", "claims.mission_id", "job-2 ");
        },
        &["ID_NOT_SPELLED"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(neighbours),
];
