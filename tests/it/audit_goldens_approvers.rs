//! Golden logs about who may approve: nobody who acts, under any name, at the
//! approval or at the decision.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::Fail;

use crate::audit_goldens::{Golden, golden};
use crate::audit_goldens_tokens::bundle_again;
use crate::audit_make::Story;
use crate::make::{did, rehash_scope, value};

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
fn wrappers_and(story: &Story, who: &str, agent: &str) -> Value {
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

pub static ROWS: &[Golden] = &[
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
