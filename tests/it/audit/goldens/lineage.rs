//! Golden logs of tokens under a policy that says nothing of tokens and
//! evidence, and inherits from one that does.

use pulselog::audit::Verdict::Fail;

use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{POLICY, Story};
use crate::make::policy::{statement, v2_payload};
use crate::make::{rehash_scope, set, value};

/// A run of writes alone, under the registry's form, below the customers' form
/// with one member changed: no form of theirs governs model calls.
fn child(path: &str, new: &str) -> Story {
    let mut parent = value(POLICY);
    set(&mut parent, "policy_id", Some("parent".into()));
    set(&mut parent, "audit.require_gateway_receipts", Some(false.into()));
    set(&mut parent, path, Some(value(new)));
    let all = statement("Allow", r#""*""#, r#""**""#, "");
    let mut story = Story::under(v2_payload("child", Some("parent"), &all), &[("parent", parent)]);
    for bundle in ["b1", "b2"] {
        story.unset(bundle, "receipts");
    }
    for call in ["r1 call 1", "r2 call 1"] {
        story.remove(call);
    }
    story
}

fn honest(story: &mut Story) {
    *story = child("token.cst.max_ttl_seconds", "900");
    story.wait(7_200_000);
    story.approve("tick", "deny", "read");
}

pub static ROWS: &[Golden] = &[
    golden(
        "a token that lives longer than an inherited policy allows",
        |story| *story = child("token.cst.max_ttl_seconds", "600"),
        &["TOKEN_LIFETIME_TOO_LONG"],
        Fail,
    )
    .beside(honest),
    golden(
        "a token without the pin that an inherited policy asks for",
        |story| {
            *story = child("token.cst.policy_hash_pinning", r#""required""#);
            let mut step = story.remove("t2");
            set(&mut step.payload, "claims.policy_hash_b64u", None);
            rehash_scope(&mut step.payload);
            let grant = step.payload.text_at("claims.token_scope_hash_b64u").expect("a grant").to_owned();
            story.insert_after("revoked", step);
            story.set("back", "cst.scope_hash_b64u", grant);
        },
        &["POLICY_NOT_PINNED"],
        Fail,
    )
    .beside(|story| *story = child("token.cst.policy_hash_pinning", r#""required""#)),
    golden(
        "a run without the bundle that an inherited policy asks for",
        |story| {
            honest(story);
            story.remove("b1");
        },
        &["BUNDLE_MISSING"],
        Fail,
    )
    .beside(honest),
    golden(
        "a run without the model calls that an inherited policy asks for",
        |story| {
            *story = child("audit.require_gateway_receipts", "true");
            story.wait(7_200_000);
            story.approve("tick", "deny", "read");
        },
        &["GATEWAY_RECEIPT_MISSING"],
        Fail,
    )
    .beside(honest),
];
