//! Golden logs in which several sign one and the same payload: what is said of
//! it finds the one whom it can be about, whoever logged theirs first.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Pass};

use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::{did, value};

/// The same payload signed by somebody else, just after another step.
fn copied(story: &mut Story, name: &str, signer: &str, after: &str) {
    let at = story.index(name) as usize;
    let (kind, payload) = (story.steps[at].kind, story.steps[at].payload.clone());
    story.log(&format!("{name} copied"), kind, signer, payload);
    story.last_after(after);
}

/// A deny that names no token, what came of it, and beside it another agent's
/// wrapper that says the same deny first.
fn denied(story: &mut Story, outcome: &str) {
    story.receipt("edit receipt", "edit", outcome, None);
    story.last_after("edit");
    story.unset("edit", "cst");
    neighbours(story);
    copied(story, "job-1.edit", "other wrapper", "job-1.sync receipt");
}

pub const ROWS: &[Golden] = &[
    golden(
        "another agent's wrapper signs the same deny before, and the denied call is accepted",
        |story| denied(story, "accepted"),
        &["DENY_THEN_ACCEPTED"],
        Fail,
    )
    .beside(|story| denied(story, "refused_rbac")),
    golden(
        "another agent's wrapper signs the same allow before the token is issued",
        |story| {
            neighbours(story);
            copied(story, "job-1.sync", "other wrapper", "policy");
        },
        &["TOKEN_UNKNOWN"],
        Pass,
    )
    .beside(neighbours),
    golden(
        "who wraps the agent's calls signs the same approval before the approver does",
        |story| {
            let mut rows = story.said("roots").get("approvers").and_then(Value::as_array).expect("rows").to_vec();
            rows.push(value(&format!(r#"{{"did":"{}","instances":["argocd-prod"]}}"#, did("wrapper"))));
            story.set("roots", "approvers", Value::Array(rows));
            copied(story, "job-1.ok", "wrapper", "job-1.t1");
        },
        &[],
        Pass,
    ),
];
