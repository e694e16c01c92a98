//! Golden logs about who may approve: nobody who acts, under any name, at the
//! approval or at the decision. And about whose act used an approval, where its
//! wrapper is several agents'.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::tokens::bundle_again;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::{did, hex, rehash_scope, value};

/// The sync is approved by somebody else whom the roots list.
fn approved_by(story: &mut Story, who: &str) {
    story.signed_by("ok", who);
    story.set("roots", "approvers[1].did", did(who));
}

/// The first token names its subject once more, under another DID.
fn known_as(story: &mut Story, who: &str) {
    story.set("t1", "claims.agent_did", did(who));
    let at = story.index("t1") as usize;
    rehash_scope(&mut story.steps[at].payload);
    let grant = story.said("t1").text_at("claims.token_scope_hash_b64u").expect("a grant").to_owned();
    story.set("r1 call 1", "binding.token_scope_hash_b64u", grant.clone());
    ["read", "sync", "edit"].iter().for_each(|decision| story.set(decision, "cst.scope_hash_b64u", grant.clone()));
    bundle_again(story, &[1]);
}

/// The wrappers of the roots, and one more for an agent.
fn wrappers_and(story: &Story, who: &str, agent: &str) -> Value<'static> {
    let mut rows = story.said("roots").get("wrappers").and_then(Value::as_array).expect("rows").to_vec();
    rows.push(value(&format!(r#"{{"did":"{}","agents":["{}"]}}"#, did(who), did(agent))));
    Value::Array(rows)
}

/// Somebody wraps an agent's calls from a step on.
fn wraps_from(story: &mut Story, who: &str, agent: &str, step: &str) {
    let rows = wrappers_and(story, who, agent);
    story.roots_again("more wrappers", "wrappers", rows);
    story.last_after(step);
}

/// Somebody wraps an agent's calls from the first roots up to a step.
fn wraps_until(story: &mut Story, who: &str, agent: &str, step: &str) {
    let fewer = story.said("roots").get("wrappers").expect("rows").clone();
    let more = wrappers_and(story, who, agent);
    story.roots_again("fewer wrappers", "wrappers", fewer);
    story.last_after(step);
    story.set("roots", "wrappers", more);
}

/// The wrapper is the other agent's too, and both have a token of its job.
fn one_wrapper(story: &mut Story) {
    neighbours(story);
    (story.job, story.agent) = ("job-2".to_owned(), "agent".to_owned());
    story.token("t3");
    story.job = "job-1".to_owned();
    story.set("roots", "wrappers[0].agents", Value::Array(vec![did("agent").into(), did("other agent").into()]));
}

/// The sync, for the other agent's job and under a token that nobody issued,
/// before it is decided under the agent's own.
fn used_before(story: &mut Story, outcome: &str) {
    one_wrapper(story);
    story.decide("first", "allow", "r9", "t1", "sync", Some("ok"));
    story.set("first", "job_id", "job-2");
    story.set("first", "cst.token_hash", hex("nobody's"));
    story.last_after("ok");
    story.receipt("first receipt", "first", outcome, None);
    story.set("first receipt", "request_digest", hex("sync"));
    story.last_after("first");
}

/// The sync, under a token that nobody issued and for another job of the
/// agent's, before it is decided under the agent's own.
fn used_under_no_token(story: &mut Story, outcome: &str) {
    story.job("job-2", "agent");
    story.job = "job-1".to_owned();
    story.decide("first", "allow", "r9", "t1", "sync", Some("ok"));
    story.set("first", "job_id", "job-2");
    story.set("first", "cst.token_hash", hex("nobody's"));
    story.last_after("ok");
    story.receipt("first receipt", "first", outcome, None);
    story.set("first receipt", "request_digest", hex("sync"));
    story.last_after("first");
}

pub static ROWS: &[Golden] = &[
    golden(
        "an approval was used before, for the agent's other job and under a token of nobody's",
        |story| used_under_no_token(story, "accepted"),
        &["APPROVAL_REUSED", "TOKEN_UNKNOWN"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(|story| {
        story.job("job-2", "agent");
        story.job = "job-1".to_owned();
    }),
    golden(
        "an approval was used before, for the agent's other job and under its token before anybody issued that",
        |story| {
            used_under_no_token(story, "accepted");
            story.set("first", "cst.token_hash", hex("job-2.t1"));
            story.set("first", "cst.scope_hash_b64u", story.decided_scope("job-2.sync"));
        },
        &["APPROVAL_REUSED", "TOKEN_UNKNOWN"],
        Fail,
    )
    .runs(&[("agent", "r1", Fail), ("agent", "r2", Pass)])
    .beside(|story| {
        story.job("job-2", "agent");
        story.job = "job-1".to_owned();
    }),
    golden(
        "an approval was used before, for a job of two agents of the wrapper's and under a token of nobody's",
        |story| used_before(story, "accepted"),
        &["APPROVAL_REUSED", "TOKEN_UNKNOWN"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(one_wrapper),
    golden(
        "an approval was not used up before, by a call for a job of two agents that was not sent",
        |story| used_before(story, "not_sent"),
        &["TOKEN_UNKNOWN"],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)])
    .beside(one_wrapper),
    golden(
        "approved by the agent under its other name",
        |story| {
            known_as(story, "agent's key");
            approved_by(story, "agent's key");
        },
        &["APPROVAL_BY_ACTOR"],
        Fail,
    )
    .beside(|story| {
        known_as(story, "agent's key");
        approved_by(story, "third approver");
    }),
    golden(
        "approved by one who wraps the agent's calls when it is decided",
        |story| {
            approved_by(story, "third approver");
            wraps_from(story, "third approver", "agent", "ok");
        },
        &["APPROVAL_BY_ACTOR"],
        Fail,
    )
    .beside(|story| {
        approved_by(story, "third approver");
        wraps_from(story, "third approver", "agent", "sync");
    }),
    golden(
        "approved by one who wrapped the agent's calls until then",
        |story| {
            approved_by(story, "third approver");
            wraps_until(story, "third approver", "agent", "ok");
        },
        &["APPROVAL_BY_ACTOR"],
        Fail,
    )
    .beside(|story| {
        approved_by(story, "third approver");
        wraps_until(story, "third approver", "agent", "read receipt");
    }),
    golden(
        "approved by one who wraps this agent's calls among others'",
        |story| {
            approved_by(story, "third approver");
            wraps_from(story, "third approver", "agent", "policy");
        },
        &["APPROVAL_BY_ACTOR"],
        Fail,
    )
    .beside(|story| {
        approved_by(story, "third approver");
        wraps_from(story, "third approver", "other agent", "policy");
    }),
];
