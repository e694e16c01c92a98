//! Golden logs about policies: which one a token runs under, and what each of
//! the three forms says of an action.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Pass};

use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{POLICY, Story};
use crate::make::policy::{statement, v1_payload, v2_payload};
use crate::make::{b64u, did, rehash_scope, set, value};

/// The customers' form with one member changed.
pub fn customers(path: &str, new: &str) -> Value<'static> {
    let mut policy = value(POLICY);
    set(&mut policy, path, Some(value(new)));
    policy
}

/// A story of reads and model calls alone: no write that needs a policy of
/// its own.
pub fn reads_only(policy: Value<'static>) -> Story {
    let mut story = Story::under(policy, &[]);
    let writes = ["ok", "sync", "sync receipt", "seen", "edit", "t2", "r2 call 1", "back ok", "back", "back receipt"];
    writes.iter().chain(&["back seen", "b2"]).for_each(|name| drop(story.remove(name)));
    story
}

fn v1(providers: &str, models: &str) -> Value<'static> {
    v1_payload(&format!(r#","allowed_providers":[{providers}],"allowed_models":[{models}]"#))
}

const APPROVED: &str = r#","conditions":{"Bool":{"Request:HasHumanApproval":"true"}}"#;
const APP: &str = r#""argocd/argocd-prod/payments/prod-canary/payments-api""#;

/// What the customers' policy of the story says, in statements.
fn statements(more: &[String]) -> String {
    let mut all = vec![
        statement("Allow", r#""argocd:app:read""#, APP, ""),
        statement("Allow", r#""argocd:app:sync","argocd:app:rollback""#, APP, APPROVED),
        statement("Allow", r#""model:invoke""#, r#""model/openai/gpt-*""#, ""),
    ];
    all.extend_from_slice(more);
    all.join(",")
}

fn v2(more: &[String]) -> Story {
    Story::under(v2_payload("child", None, &statements(more)), &[])
}

fn everything(id: &str, inherits: Option<&str>, actions: &str) -> Value<'static> {
    v2_payload(id, inherits, &statement("Allow", actions, r#""**""#, ""))
}

/// The statements under parents, logged in this order before them.
fn child(parents: &[(&str, Value<'static>)]) -> Story {
    Story::under(v2_payload("child", Some("parent"), &statements(&[])), parents)
}

/// The statements under the customers' form, which asks for gateway receipts
/// and is silent about models: so each model call is refused.
pub fn child_of_customers() -> Story {
    child(&[("parent", customers("policy_id", r#""parent""#))])
}

fn honest_child(story: &mut Story) {
    let grandparent = ("grandparent", everything("grandparent", None, r#""*""#));
    *story = child(&[grandparent, ("parent", everything("parent", Some("grandparent"), r#""*""#))]);
}

fn params(story: &mut Story, with_approval: bool) {
    let prune = || value(r#"{"prune":true}"#);
    story.set("sync", "binds.params", prune());
    story.set("seen", "params", prune());
    if with_approval {
        story.set("ok", "binds.params", prune());
    }
}

pub fn counts(story: &mut Story, namespaces: &[&str]) {
    let row = |namespace: &&str| value(&format!(r#"{{"namespace":"{namespace}","status":"Synced","count":2}}"#));
    story.set("seen", "resource_counts", Value::Array(namespaces.iter().map(row).collect()));
}

/// The second token without a pin, so that it runs under its agent's default.
pub fn without_pin(pinning: &str) -> Story {
    let mut story = Story::under(customers("token.cst.policy_hash_pinning", pinning), &[]);
    let mut step = story.remove("t2");
    let before = step.payload.text_at("claims.token_scope_hash_b64u").expect("a grant").to_owned();
    set(&mut step.payload, "claims.policy_hash_b64u", None);
    rehash_scope(&mut step.payload);
    let after = step.payload.text_at("claims.token_scope_hash_b64u").expect("a grant").to_owned();
    assert_ne!(before, after, "the pin is part of the grant");
    story.insert_after("revoked", step);
    story.set("r2 call 1", "binding.token_scope_hash_b64u", after.as_str());
    story.set("back", "cst.scope_hash_b64u", after.as_str());
    story.remove("b2");
    story.bundle("b2", "r2", "t2", &[1]);
    story
}

pub static ROWS: &[Golden] = &[
    golden("a policy logged after the token", |story| story.move_after("policy", "t1"), &["POLICY_MISSING"], Fail),
    golden(
        "a pin outside the agent's policies",
        |story| {
            *story = Story::under(customers("token.cst.max_ttl_seconds", "3600"), &[]);
            story.set("roots", "agents[0].policies", Value::Array(vec![b64u("narrow").into()]));
        },
        &["POLICY_NOT_LISTED"],
        Fail,
    )
    .beside(|story| *story = Story::under(customers("token.cst.max_ttl_seconds", "3600"), &[])),
    golden(
        "no pin where the policy asks for one",
        |story| *story = without_pin(r#""required""#),
        &["POLICY_NOT_PINNED"],
        Fail,
    )
    .beside(|story| *story = without_pin(r#""optional""#)),
    golden(
        "a decision under another policy than its token's",
        |story| story.set("sync", "policy_hash_b64u", b64u("wide")),
        &["POLICY_MISMATCH"],
        Fail,
    )
    .of(&["9.2 no policy hash compared"]),
    golden(
        "a bundle under another policy than its token's",
        |story| story.set("b1", "metadata.pulselog.policy_hash_b64u", b64u("wide")),
        &["POLICY_MISMATCH"],
        Fail,
    )
    .of(&["9.2 no policy hash compared"]),
    golden(
        "customers' form: a denied action",
        |story| {
            story.set("edit", "decision", "allow");
            story.receipt("edit receipt", "edit", "accepted", None);
        },
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .of(&["injection: outside the policy", "injection: model calls just before"]),
    golden(
        "customers' form: a rollback that no row allows",
        |story| *story = Story::under(customers("tools.argo_cd.allow[2].namespaces", r#"["staging"]"#), &[]),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .of(&["rollback: target outside the policy"]),
    golden(
        "customers' form: an app of another instance",
        |story| *story = Story::under(customers("tools.argo_cd.allow[1].instances", r#"["argocd-dev"]"#), &[]),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| *story = Story::under(customers("tools.argo_cd.allow[1].instances", r#"["argocd-prod"]"#), &[])),
    golden("a parameter that no approval names", |story| params(story, false), &["POLICY_NONCOMPLIANT"], Fail)
        .beside(|story| params(story, true)),
    golden(
        "resources in a namespace beyond the policy",
        |story| counts(story, &["prod-canary", "kube-system"]),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .of(&["credential: resource namespaces beyond the policy"])
    .beside(|story| counts(story, &["prod-canary"])),
    golden("resources without a namespace", |story| counts(story, &[""]), &["POLICY_NONCOMPLIANT"], Fail)
        .beside(|story| counts(story, &["prod-canary"])),
    golden(
        "version 1: a listed model of a provider that is not listed",
        |story| *story = reads_only(v1(r#""anthropic""#, r#""gpt-5""#)),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| *story = reads_only(v1(r#""openai""#, r#""gpt-5""#))),
    golden(
        "version 1: another model of a listed provider",
        |story| *story = reads_only(v1(r#""openai""#, r#""gpt-4*""#)),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| *story = reads_only(v1(r#""openai","google""#, r#""gemini-*","gpt-*""#))),
    golden(
        "version 1: nothing listed is nothing allowed",
        |story| *story = reads_only(v1_payload("")),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| *story = reads_only(v1(r#""openai""#, r#""*""#))),
    golden(
        "version 1: a write on Argo CD that it does not govern",
        |story| *story = Story::under(v1(r#""openai""#, r#""gpt-5""#), &[]),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| *story = reads_only(v1(r#""openai""#, r#""gpt-5""#))),
    golden(
        "version 2: no approval where a condition asks for one",
        |story| {
            *story = v2(&[]);
            story.set("sync", "approvals", Value::Array(vec![]));
        },
        &["APPROVAL_MISSING"],
        Fail,
    )
    .beside(|story| *story = v2(&[])),
    golden(
        "version 2: a Deny wins",
        |story| *story = v2(&[statement("Deny", r#""argocd:app:rollback""#, r#""argocd/**""#, "")]),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| *story = v2(&[statement("Deny", r#""argocd:app:rollback""#, r#""argocd/argocd-dev/**""#, "")])),
    golden(
        "version 2: a Deny of the wrapper's tool",
        |story| {
            let tool = r#","conditions":{"StringEquals":{"Tool:Name":"argocd.app.sync"}}"#;
            *story = v2(&[statement("Deny", r#""tool:execute""#, r#""**""#, tool)]);
        },
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| {
        let tool = r#","conditions":{"StringEquals":{"Tool:Name":"shell"}}"#;
        *story = v2(&[statement("Deny", r#""tool:execute""#, r#""**""#, tool)]);
    }),
    golden(
        "version 2: a Deny whose condition key is missing",
        |story| {
            let tier = r#","conditions":{"StringEquals":{"Receipt:ProofTier":"self"}}"#;
            *story = v2(&[statement("Deny", r#""argocd:app:sync""#, r#""**""#, tier)]);
        },
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| {
        let agent = format!(r#","conditions":{{"StringEquals":{{"Agent:DID":"{}"}}}}"#, did("other agent"));
        *story = v2(&[statement("Deny", r#""argocd:app:sync""#, r#""**""#, &agent)]);
    }),
    golden(
        "version 2: a model that no statement allows",
        |story| {
            *story = Story::under(v2_payload("p", None, &statement("Allow", r#""argocd:app:*""#, APP, APPROVED)), &[]);
        },
        &["APPROVAL_MISSING", "POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| *story = v2(&[])),
    golden("inherits: nobody logged the parent", |story| *story = child(&[]), &["POLICY_NONCOMPLIANT"], Fail)
        .beside(honest_child),
    golden(
        "inherits: the parent's parent allows less",
        |story| {
            let narrow = everything("grandparent", None, r#""argocd:app:read","model:invoke""#);
            let parent = everything("parent", Some("grandparent"), r#""*""#);
            *story = child(&[("grandparent", narrow), ("parent", parent)]);
        },
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(honest_child),
    golden(
        "inherits: the parent is another signer's",
        |story| {
            *story = child(&[("parent", everything("parent", None, r#""*""#))]);
            let signers = ["policy signer", "second signer"].map(|who| did(who).into());
            story.set("roots", "policy_signers", Value::Array(signers.to_vec()));
            story.signed_by("parent", "second signer");
        },
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(honest_child),
    golden(
        "inherits: two parents of one id",
        |story| {
            let parent = |actions| everything("parent", None, actions);
            *story = child(&[("parent", parent(r#""*""#)), ("other", parent(r#""**""#))]);
        },
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(honest_child),
    golden(
        "inherits: a circle",
        |story| *story = child(&[("parent", everything("parent", Some("child"), r#""*""#))]),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(honest_child),
    golden(
        "inherits: the parent is logged later",
        |story| {
            *story = child(&[("parent", everything("parent", None, r#""*""#))]);
            story.move_after("parent", "policy");
        },
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(honest_child),
    golden(
        "inherits: the parent governs no model calls",
        |story| *story = child(&[("parent", everything("parent", None, r#""argocd:**""#))]),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(honest_child),
];
