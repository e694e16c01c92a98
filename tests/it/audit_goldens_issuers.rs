//! Golden logs about two issuers that give one token different claims.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Incomplete, Pass};

use crate::audit_goldens::{Golden, golden};
use crate::audit_make::Story;
use crate::make::{did, set};

/// The second token, issued once more by somebody else, with a member changed.
fn issued_by(story: &mut Story, who: &str, member: &str, new: impl Into<Value>) {
    let issuers = ["issuer", "second issuer"].map(|issuer| did(issuer).into());
    story.set("roots", "cst_issuers", Value::Array(issuers.to_vec()));
    let mut again = story.steps[story.index("t2") as usize].clone();
    again.name = "issued again".to_owned();
    set(&mut again.payload, member, Some(new.into()));
    story.insert_after("t2", again);
    story.signed_by("issued again", who);
}

/// The end of the second token, and a minute more.
fn longer(story: &Story) -> u32 {
    let end = story.said("t2").at("claims.exp").and_then(Value::as_i64).expect("an end");
    u32::try_from(end + 60).expect("seconds")
}

fn as_before(story: &mut Story) {
    issued_by(story, "second issuer", "kid", "fedcba9876543210");
}

pub static ROWS: &[Golden] = &[
    golden(
        "two issuers give one token another end",
        |story| {
            let end = longer(story);
            issued_by(story, "second issuer", "claims.exp", end);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)])
    .beside(as_before),
    golden(
        "somebody without a role gives a token another end",
        |story| {
            let end = longer(story);
            issued_by(story, "stranger", "claims.exp", end);
        },
        &["UNTRUSTED_STATEMENT"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(as_before),
];

#[test]
fn a_token_that_two_issuers_give_to_two_jobs_leaves_both_open() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    story.job = "job-1".to_owned();
    issued_by(&mut story, "second issuer", "claims.mission_id", "job-2");
    let at = story.index("issued again") as usize;
    crate::make::rehash_scope(&mut story.steps[at].payload);
    let report = story.audit();
    assert_eq!((report.job("job-1"), report.job("job-2")), (Incomplete, Incomplete), "{:#?}", report.findings);
    let whole = story.timeline();
    let scopes = ["job-1", "job-2"].map(|job| pulselog::audit::Scope::Job(job.to_owned()));
    crate::audit_slices::same_from_its_own_entries(&whole, whole.size(), &scopes);
}
