//! Golden logs about what counts only where somebody says so: a model whose
//! identity is shown, resources outside any namespace, a role given late.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Pass};

use crate::audit::goldens::policies::{counts, customers, reads_only};
use crate::audit::goldens::tokens::bundle_again;
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::Story;
use crate::make::policy::v1_payload;
use crate::make::{b64u, did, value};

/// Model calls under a policy that asks for a tier; the first one shows this
/// model identity.
fn tiered(minimum: &str, identity: Option<Value<'static>>) -> Story {
    let more = r#","allowed_providers":["openai"],"allowed_models":["gpt-5"]"#;
    let tier = format!(r#"{more},"minimum_model_identity_tier":"{minimum}""#);
    let mut story = reads_only(v1_payload(&tier));
    if let Some(identity) = identity {
        story.set("r1 call 1", "metadata.model_identity", identity);
        bundle_again(&mut story, &[1]);
    }
    story
}

/// Of a model that its provider published a manifest of, in part.
fn identity(model: &str, artifacts: &str) -> Option<Value<'static>> {
    Some(value(&format!(
        r#"{{"model_identity_version":"1","tier":"closed_provider_manifest",
        "model":{{"provider":"openai","name":"{model}"}},"artifacts":{artifacts}}}"#
    )))
}

fn manifest() -> String {
    let hash = b64u("manifest");
    format!(r#"{{"provider_manifest":{{"manifest_type":"provider_build_manifest","hash_b64u":"{hash}"}}}}"#)
}

fn shown(story: &mut Story) {
    *story = tiered("closed_provider_manifest", identity("gpt-5", &manifest()));
}

/// The sync's row says whether it reaches cluster-scoped resources.
fn cluster_scoped(says: &str) -> Story {
    Story::under(customers("tools.argo_cd.allow[1].cluster_scoped", says), &[])
}

/// The whole application is cluster-scoped: it names no namespace.
fn names_none(story: &mut Story) {
    story.unset("ok", "binds.destination.namespace");
    story.unset("sync", "binds.destination.namespace");
    story.unset("seen", "destination.namespace");
}

/// The gateway stands in the roots only after its first model call.
fn rooted_late(story: &mut Story) {
    let gateways = Value::Array(vec![did("gateway").into()]);
    story.set("roots", "gateways", Value::Array(vec![]));
    story.roots_again("later roots", "gateways", gateways);
    story.last_after("r1 call 1");
}

pub static ROWS: &[Golden] = &[
    golden(
        "a model below the tier that the policy asks for",
        |story| *story = tiered("closed_provider_manifest", None),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(shown),
    golden(
        "a model identity without the evidence of its tier",
        |story| *story = tiered("closed_provider_manifest", identity("gpt-5", "{}")),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(shown),
    golden(
        "another model's identity",
        |story| *story = tiered("closed_opaque", identity("gpt-5-mini", &manifest())),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| *story = tiered("closed_opaque", None)),
    golden(
        "cluster-scoped resources that no row speaks of",
        |story| counts(story, &["prod-canary", ""]),
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| {
        *story = cluster_scoped("true");
        counts(story, &["prod-canary", ""]);
    }),
    golden(
        "cluster-scoped resources, and a row that says no",
        |story| {
            *story = cluster_scoped("false");
            counts(story, &["prod-canary", ""]);
        },
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| {
        *story = cluster_scoped("false");
        counts(story, &["prod-canary"]);
    }),
    golden("an application without namespace", names_none, &["POLICY_NONCOMPLIANT"], Fail).beside(|story| {
        *story = cluster_scoped("true");
        names_none(story);
    }),
    golden(
        "a row for cluster-scoped resources, and another namespace reached",
        |story| {
            *story = cluster_scoped("true");
            counts(story, &["prod-canary", "", "kube-system"]);
        },
        &["POLICY_NONCOMPLIANT"],
        Fail,
    )
    .beside(|story| *story = cluster_scoped("true")),
    golden(
        "a gateway rooted after its first call",
        rooted_late,
        &["GATEWAY_RECEIPT_MISSING", "RECEIPT_NOT_GENUINE", "UNTRUSTED_STATEMENT"],
        Fail,
    ),
    golden(
        "a gateway rooted after its first call, which is logged again in a new envelope",
        |story| {
            rooted_late(story);
            story.renew("r1 call 1", "later roots");
        },
        &["UNTRUSTED_STATEMENT"],
        Pass,
    ),
];
