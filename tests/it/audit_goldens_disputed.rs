//! Golden logs about a token whose end two issuers tell unlike, and what stands
//! beside it: it moves nothing of what does not rest on its own claims, and
//! frees nobody who did the same thing twice.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit_goldens::{Golden, golden};
use crate::audit_goldens_authority::neighbours;
use crate::audit_make::{Story, nonce};
use crate::make::{did, hex, set};

/// A second issuer logs the token once more, with another end.
fn told_otherwise(story: &mut Story, token: &str) {
    let issuers = ["issuer", "second issuer"].map(|issuer| did(issuer).into());
    story.set("roots", "cst_issuers", Value::Array(issuers.to_vec()));
    let end = story.said(token).at("claims.exp").and_then(Value::as_i64).expect("an end");
    issued_again(story, token, "second issuer", end + 60);
}

/// An issuer logs the token once more.
fn issued_again(story: &mut Story, token: &str, who: &str, end: i64) {
    let mut again = story.steps[story.index(token) as usize].clone();
    again.name = format!("otherwise {}", story.steps.len());
    set(&mut again.payload, "claims.exp", Some(Value::from(u32::try_from(end).expect("seconds"))));
    set(&mut again.payload, "nonce", Some(nonce(&again.name).into()));
    let name = again.name.clone();
    story.insert_after(token, again);
    story.signed_by(&name, who);
}

/// The other agent's first token is told otherwise.
fn neighbours_disputed(story: &mut Story) {
    neighbours(story);
    story.job = "job-1".to_owned();
    story.agent = "agent".to_owned();
    told_otherwise(story, "job-2.t1");
}

/// The other agent's wrapper decides under that token in a run of this id.
fn named_by_a_wrapper(story: &mut Story) {
    neighbours_disputed(story);
    story.decide("peek", "deny", "r1", "t1", "read", None);
    story.set("peek", "cst.token_hash", hex("job-2.t1"));
    story.signed_by("peek", "other wrapper");
    story.last_after("read receipt");
}

/// A write that this policy denies.
fn outside(story: &mut Story) {
    story.set("sync", "binds.destination.namespace", "prod");
    story.set("ok", "binds.destination.namespace", "prod");
    story.set("seen", "destination.namespace", "prod");
}

/// Another token of the first one's grant, which nobody uses, told otherwise.
fn sibling_disputed(story: &mut Story) {
    let mut sibling = story.steps[story.index("t1") as usize].clone();
    sibling.name = "job-1.t9".to_owned();
    set(&mut sibling.payload, "token_hash", Some(hex("job-1.t9").into()));
    set(&mut sibling.payload, "nonce", Some(nonce("t9").into()));
    story.insert_after("policy", sibling);
    told_otherwise(story, "t9");
}

/// The sync once more, under the second token and the same approval.
fn approval_again(story: &mut Story) {
    story.decide("again", "allow", "r2", "t2", "sync", Some("ok"));
    story.set("again", "cst.scope_hash_b64u", story.decided_scope("back"));
    story.receipt("again receipt", "again", "accepted", None);
    story.set("again receipt", "request_digest", hex("sync"));
}

/// One more call of the second run, with the id of the first run's.
fn receipt_id_again(story: &mut Story) {
    story.set("r2 call 1", "receipt_id", "job-1.r1 call 1");
    story.remove("b2");
    story.bundle("b2", "r2", "t2", &[1]);
}

/// The second run goes on under the first one's id.
fn run_in_two(story: &mut Story) {
    story.set("back", "run_id", "job-1.r1");
}

pub static ROWS: &[Golden] = &[
    golden(
        "another agent's wrapper names a run outside its policy under a token of two ends",
        |story| {
            outside(story);
            named_by_a_wrapper(story);
        },
        &["POLICY_NONCOMPLIANT", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(neighbours),
    golden(
        "an unused token of the same grant has two ends beside a run outside its policy",
        |story| {
            outside(story);
            sibling_disputed(story);
        },
        &["POLICY_NONCOMPLIANT", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)]),
    golden(
        "a token of two ends is revoked, and another run of the job goes on",
        |story| told_otherwise(story, "t1"),
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)]),
    golden(
        "an approval is used again after its use under a token of two ends",
        |story| {
            approval_again(story);
            told_otherwise(story, "t1");
        },
        &["APPROVAL_REUSED", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Fail)]),
    golden(
        "a receipt id is used again after its use under a token of two ends",
        |story| {
            receipt_id_again(story);
            told_otherwise(story, "t1");
        },
        &["REPLAY_RECEIPT_ID_REUSED", "REPLAY_TOKEN_ISSUED_TWICE"],
        Fail,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Fail)]),
    golden(
        "a run of a token of two ends goes on under another token",
        |story| {
            run_in_two(story);
            told_otherwise(story, "t1");
        },
        &["REPLAY_TOKEN_ISSUED_TWICE", "TOKEN_REUSED"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail)]),
    golden(
        "the issuer that gives a token another end says so twice",
        |story| {
            told_otherwise(story, "t2");
            let end = story.said("t2").at("claims.exp").and_then(Value::as_i64).expect("an end");
            issued_again(story, "t2", "second issuer", end + 60);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)]),
    golden(
        "the issuer that gives a token another end gives it a third one",
        |story| {
            told_otherwise(story, "t2");
            let end = story.said("t2").at("claims.exp").and_then(Value::as_i64).expect("an end");
            issued_again(story, "t2", "second issuer", end + 90);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)]),
    golden(
        "a token's issuer says its claims once more after another issuer told them otherwise",
        |story| {
            told_otherwise(story, "t2");
            let end = story.said("t2").at("claims.exp").and_then(Value::as_i64).expect("an end");
            issued_again(story, "t2", "issuer", end);
        },
        &["REPLAY_TOKEN_ISSUED_TWICE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Incomplete)]),
];
