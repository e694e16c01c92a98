//! The registry's two versions, and the holes of the peer's evaluator
//! (PEERS 6.8) one by one.

use pulselog::artifact::json;
use pulselog::policy::{Action, ArgoAction, Context, Judgement, Outcome, Policy, PolicyForm};

use crate::make::policy::*;
use crate::make::{did, set, shared, value};

fn call(provider: &str, model: &str) -> Action {
    Action::ModelCall(model_call(provider, model))
}

fn v1(more: &str) -> Policy {
    compile(&v1_payload(more))
}

fn v2(statements: &[String]) -> Policy {
    compile(&v2_payload("pol_2", None, &statements.join(",")))
}

fn allow(actions: &str, resources: &str, more: &str) -> String {
    statement("Allow", actions, resources, more)
}

fn deny(actions: &str, resources: &str, more: &str) -> String {
    statement("Deny", actions, resources, more)
}

fn when(conditions: &str) -> String {
    format!(r#","conditions":{{{conditions}}}"#)
}

const ANY: &str = r#""*""#;

#[test]
fn version_1_needs_provider_and_model() {
    let policy = v1(r#","allowed_providers":["openai","anthropic"],"allowed_models":["gpt-*","claude-sonnet-5"]"#);
    assert_eq!(policy.form(), PolicyForm::RegistryV1);
    for (provider, model, expected) in [
        ("openai", "gpt-5", "allowed"),
        ("anthropic", "claude-sonnet-5", "allowed"),
        // Any model of a listed provider, any provider of a listed model: the peer's union.
        ("openai", "o9", "model_not_allowed"),
        ("openrouter", "gpt-5", "provider_not_allowed"),
        ("OpenAI", "gpt-5", "provider_not_allowed"),
        ("openai", "GPT-5", "model_not_allowed"),
        ("openai", "gpt-5/x", "model_not_allowed"),
        ("anthropic", "claude-sonnet-55", "model_not_allowed"),
    ] {
        assert_eq!(judged(&policy, &call(provider, model)).reason.code().name, expected, "{provider} {model}");
    }
}

#[test]
fn a_list_that_is_missing_or_empty_allows_nothing() {
    let models = r#","allowed_models":["*"]"#;
    let providers = r#","allowed_providers":["openai"]"#;
    for (more, code) in [
        (String::new(), "provider_not_allowed"),
        (models.to_owned(), "provider_not_allowed"),
        (providers.to_owned(), "model_not_allowed"),
        (format!(r#"{models},"allowed_providers":[]"#), "provider_not_allowed"),
        (format!(r#"{providers},"allowed_models":[]"#), "model_not_allowed"),
    ] {
        let judgement = judged(&v1(&more), &call("openai", "gpt-5"));
        assert_eq!((judgement.outcome, judgement.reason.code().name), (Outcome::Deny, code), "{more}");
    }
}

#[test]
fn version_1_says_nothing_about_argo_cd() {
    let policy = v1(r#","allowed_providers":["openai"],"allowed_models":["*"]"#);
    assert_eq!(judged(&policy, &argo("sync")).outcome, Outcome::NotGoverned);
    assert!(policy.token_rules().is_none() && policy.audit_rules().is_none());
}

#[test]
fn identity_and_audits_must_be_proven() {
    let more = r#","allowed_providers":["openai"],"allowed_models":["*"]"#;
    let tiered = v1(&format!(r#"{more},"minimum_model_identity_tier":"closed_provider_manifest""#));
    let manifest =
        r#""artifacts":{"provider_manifest":{"manifest_type":"provider_build_manifest","hash_b64u":"AAAAAAAA"}}"#;
    let weights = r#""artifacts":{"openweights":{"weights":[{"hash_b64u":"AAAAAAAA"}]}}"#;
    let report = r#""artifacts":{"tee_measurement":{"attestation_report_ref":
        {"resource_type":"report","resource_hash_b64u":"AAAAAAAA"}}}"#;
    for (tier, model, evidence, allowed) in [
        ("closed_opaque", "gpt-5", r#""metadata":{}"#, false),
        ("closed_provider_manifest", "gpt-5", manifest, true),
        ("openweights_hashable", "gpt-5", weights, true),
        ("tee_measured", "gpt-5", report, true),
        // Without the evidence of its tier, of another model, of no known tier: unknown.
        ("closed_provider_manifest", "gpt-5", weights, false),
        ("openweights_hashable", "gpt-5", r#""artifacts":{"openweights":{"weights":[]}}"#, false),
        ("tee_measured", "gpt-5", manifest, false),
        ("tee_measured", "gpt-5-mini", report, false),
        ("trusted", "gpt-5", report, false),
    ] {
        let identity = format!(
            r#"{{"model_identity_version":"1","tier":"{tier}","model":{{"provider":"openai","name":"{model}"}},{evidence}}}"#
        );
        let receipt = |more: &str| {
            let text =
                format!(r#"{{"provider":"openai","model":"gpt-5","metadata":{{"model_identity":{identity}{more}}}}}"#);
            Action::from_gateway_receipt(&value(&text)).expect("a call")
        };
        assert_eq!(judged(&tiered, &receipt("")).is_allow(), allowed, "{tier} {evidence}");
        let unlike = receipt(r#","model_identity_hash_b64u":"AAAAAAAA""#);
        assert!(!judged(&tiered, &unlike).is_allow(), "{tier}: the hash is of another identity");
    }
    refused(&judged(&tiered, &call("openai", "gpt-5")), "model_identity_too_low", "minimum_model_identity_tier");
    let audited = v1(&format!(r#"{more},"required_audit_packs":["AAAAAAAA","BBBBBBBA"]"#));
    let proven =
        |packs: &[&str]| Action::ModelCall(model_call("openai", "gpt-5").with_audit_packs(packs.iter().copied()));
    refused(&judged(&audited, &proven(&["AAAAAAAA"])), "audit_pack_unproven", "required_audit_packs[1]");
    assert!(judged(&audited, &proven(&["AAAAAAAA", "BBBBBBBA"])).is_allow());
}

#[test]
fn names_that_are_no_readable_line_refuse() {
    let v1 = v1(r#","allowed_providers":["openai"],"allowed_models":["*"]"#);
    let v2 = v2(&[
        allow(ANY, ANY, ""),
        deny(r#""model:invoke""#, r#""**""#, &when(r#""StringLike":{"Model:Name":"**evil"}"#)),
    ]);
    for name in ["a\\nevil", "a\\u2028evil", "a\\u0000"] {
        for policy in [&v1, &v2] {
            assert_eq!(judged(policy, &call("openai", name)).reason.code().name, "name_unreadable", "{name}");
        }
    }
    refused(&judged(&v2, &call("open/ai", "m")), "name_unreadable", "statements");
}

#[test]
fn version_2_allows_by_action_and_resource() {
    let path = r#""argocd/argocd-prod/payments/prod-canary/payments-api""#;
    let cases = [
        (r#""argocd:app:sync""#, path, true),
        (r#""argocd:app:*""#, r#""argocd/argocd-prod/payments/*/payments-api""#, true),
        (r#""*""#, r#""argocd/argocd-prod/**""#, true),
        (r#""argocd:**""#, r#""**""#, true),
        (r#""argocd:app:rollback""#, path, false),
        (r#""argocd:app:SYNC""#, path, false),
        (r#""argocd:app:sync""#, r#""argocd/argocd-prod/*""#, false),
        (r#""argocd:app:sync""#, r#""argocd/argocd-dev/payments/prod-canary/payments-api""#, false),
        (r#""argocd:app:sync""#, r#""argocd/argocd-prod/payments/prod/payments-api""#, false),
        (r#""tool:execute""#, ANY, false),
    ];
    for (actions, resources, allowed) in cases {
        let judgement = judged(&v2(&[allow(actions, resources, "")]), &argo("sync"));
        assert_eq!(judgement.outcome == ALLOW, allowed, "{actions} {resources}");
        if !allowed {
            refused(&judgement, "no_clause_allows", "statements");
        }
    }
}

#[test]
fn a_deny_wins_on_the_action_on_the_tool_and_on_wider_permissions() {
    let all = allow(ANY, ANY, "");
    let tool = |name: &str| when(&format!(r#""StringEquals":{{"Tool:Name":"{name}"}}"#));
    let denies = [
        ("sync", deny(r#""argocd:app:sync""#, ANY, "")),
        ("sync", deny(r#""argocd:app:s?nc""#, r#""argocd/*/payments/**""#, "")),
        ("sync", deny(r#""tool:execute""#, ANY, "")),
        ("sync", deny(r#""tool:*""#, r#""argocd.app.*""#, "")),
        ("sync", deny(r#""tool:execute""#, r#""argocd:payments-api:sync""#, "")),
        ("sync", deny(r#""tool:execute""#, ANY, &tool("argocd.app.sync"))),
        ("read", deny(r#""argocd:app:get""#, ANY, "")),
        ("refresh", deny(r#""argocd:app:get""#, ANY, "")),
        ("set_auto_sync", deny(r#""argocd:app:update""#, ANY, "")),
        ("edit_app_spec", deny(r#""argocd:app:update""#, ANY, "")),
        ("edit_app_spec", deny(r#""argocd:app:edit_app_spec""#, ANY, "")),
    ];
    for (action, deny) in denies {
        for statements in [[all.clone(), deny.clone()], [deny.clone(), all.clone()]] {
            let judgement = judged(&v2(&statements), &argo(action));
            assert_eq!(
                (judgement.outcome, judgement.reason.code().name),
                (Outcome::Deny, "denied_by_clause"),
                "{deny}"
            );
        }
    }
    let others = [
        deny(r#""tool:execute""#, ANY, &tool("shell")),
        deny(r#""tool:execute""#, r#""/etc/**""#, ""),
        deny(r#""argocd:app:sync""#, r#""argocd/argocd-dev/**""#, ""),
        deny(r#""model:invoke""#, ANY, ""),
    ];
    for deny in others {
        assert_eq!(judged(&v2(&[all.clone(), deny.clone()]), &argo("sync")).outcome, ALLOW, "{deny}");
    }
    let by_tool = v2(&[all, deny(r#""tool:execute""#, ANY, &tool("shell"))]);
    let judgement = judged_in(&by_tool, &argo("sync"), &context().with_tool("shell"));
    refused(&judgement, "denied_by_clause", "statements[1]");
}

#[test]
fn every_namespace_is_asked_for_in_version_2() {
    let policy = v2(&[
        allow(r#""argocd:app:sync""#, r#""argocd/*/*/prod-canary/*""#, ""),
        allow(r#""argocd:app:sync""#, r#""argocd/*/*/prod/*""#, ""),
        deny(r#""argocd:app:sync""#, r#""argocd/*/*/kube-system/*""#, ""),
    ]);
    let sync = |namespaces: &[&str]| {
        let action = argo_action(&binds("sync", "payments-api", "prod-canary", "{}"));
        judged(&policy, &Action::Argo(action.with_observed_namespaces(namespaces.iter().copied())))
    };
    assert_eq!(sync(&["prod"]).outcome, ALLOW);
    refused(&sync(&["staging"]), "no_clause_allows", "statements");
    refused(&sync(&["kube-system"]), "denied_by_clause", "statements[2]");
    refused(&sync(&[""]), "namespace_unnamed", "statements");
    let everywhere = v2(&[allow(ANY, ANY, "")]);
    let unnamed = argo_action(&binds("sync", "payments-api", "prod-canary", "{}")).with_observed_namespaces([""]);
    refused(&judged(&everywhere, &Action::Argo(unnamed)), "namespace_unnamed", "statements");
    let mut about_nothing = binds("manage_projects", "payments-api", "prod-canary", "{}");
    set(&mut about_nothing, "app", None);
    set(&mut about_nothing, "destination", None);
    let about_nothing = Action::Argo(ArgoAction::from_binds(&about_nothing).expect("binds"));
    refused(&judged(&everywhere, &about_nothing), "no_application", "statements");
}

#[test]
fn parameters_need_an_approval_under_version_2_too() {
    let policy = v2(&[allow(ANY, ANY, "")]);
    let action = argo_action(&binds("sync", "payments-api", "prod-canary", r#"{"prune":true}"#));
    refused(&judged(&policy, &Action::Argo(action.clone())), "parameter_not_approved", "statements[0]");
    let approved = context().with_approved_params(action.params());
    assert_eq!(judged_in(&policy, &Action::Argo(action), &approved).outcome, WITH_APPROVAL);
}

#[test]
fn an_approval_condition_requires_an_approval() {
    let approval = |value: &str| when(&format!(r#""Bool":{{"Request:HasHumanApproval":"{value}"}}"#));
    let sync = r#""argocd:app:sync""#;
    let cases = [
        (vec![allow(sync, ANY, &approval("true"))], WITH_APPROVAL, "statements[0]"),
        (vec![allow(sync, ANY, ""), allow(sync, ANY, &approval("True"))], WITH_APPROVAL, "statements[1]"),
        (vec![allow(sync, ANY, ""), deny(sync, ANY, &approval("false"))], WITH_APPROVAL, "statements[1]"),
        (vec![allow(sync, ANY, ""), deny(sync, ANY, &approval("true"))], Outcome::Deny, "statements[1]"),
        (vec![allow(sync, ANY, &approval("false"))], Outcome::Deny, "statements[0]"),
        (vec![allow(sync, ANY, ""), allow(sync, r#""elsewhere""#, &approval("true"))], ALLOW, "statements[0]"),
    ];
    for (statements, outcome, path) in cases {
        let judgement = judged(&v2(&statements), &argo("sync"));
        assert_eq!((judgement.outcome, judgement.clause.path.as_str()), (outcome, path), "{statements:?}");
    }
    // Nobody approves a model call.
    let judgement = judged(&v2(&[allow(ANY, ANY, &approval("true"))]), &call("openai", "m"));
    refused(&judgement, "condition_not_met", "statements[0]");
}

#[test]
fn version_2_governs_model_calls() {
    let invoke = r#""model:invoke""#;
    let policy = v2(&[
        allow(invoke, ANY, &when(r#""StringEquals":{"Model:Provider":"openai"},"StringLike":{"Model:Name":"gpt-*"}"#)),
        allow(invoke, r#""model/anthropic/*""#, ""),
        deny(invoke, r#""gpt-5-preview""#, ""),
    ]);
    for (provider, model, code) in [
        ("openai", "gpt-5", "allowed"),
        ("openai", "o9", "condition_not_met"),
        ("openrouter", "gpt-5", "condition_not_met"),
        ("anthropic", "claude-sonnet-5", "allowed"),
        ("anthropic", "a/b", "condition_not_met"),
        ("anthropic", "gpt-5-preview", "denied_by_clause"),
    ] {
        assert_eq!(judged(&policy, &call(provider, model)).reason.code().name, code, "{provider} {model}");
    }
}

/// A deny and an allow, each under the same conditions.
fn both_ways(conditions: &str, context: &Context) -> (Judgement, Judgement) {
    let allowing = v2(&[allow(ANY, ANY, &when(conditions))]);
    let denying = v2(&[allow(ANY, ANY, ""), deny(ANY, ANY, &when(conditions))]);
    (judged_in(&allowing, &argo("sync"), context), judged_in(&denying, &argo("sync"), context))
}

#[test]
fn every_operator_holds_or_does_not() {
    let context = context().with_fact("X:Number", "9").with_fact("X:Ip", "10.1.2.3").with_fact("X:Flag", "FALSE");
    let agent = did("agent");
    let cases = [
        (format!(r#""StringEquals":{{"Agent:DID":"{agent}"}}"#), true),
        (r#""StringEquals":{"Agent:DID":"did:key:*"}"#.to_owned(), false),
        (r#""StringNotEquals":{"Agent:DID":"x"}"#.to_owned(), true),
        (format!(r#""StringNotEquals":{{"Agent:DID":"{agent}"}}"#), false),
        (r#""StringLike":{"Agent:DID":"did:key:z6Mk*"}"#.to_owned(), true),
        (r#""StringLike":{"Agent:DID":"did:web:*"}"#.to_owned(), false),
        (r#""StringNotLike":{"Agent:DID":"did:web:*"}"#.to_owned(), true),
        (r#""StringNotLike":{"Agent:DID":"did:key:*"}"#.to_owned(), false),
        (r#""NumericEquals":{"X:Number":"9.0"}"#.to_owned(), true),
        (r#""NumericEquals":{"X:Number":"8"}"#.to_owned(), false),
        (r#""NumericLessThan":{"X:Number":"10"}"#.to_owned(), true),
        (r#""NumericLessThan":{"X:Number":"9"}"#.to_owned(), false),
        (r#""NumericGreaterThan":{"X:Number":"-1e1"}"#.to_owned(), true),
        (r#""NumericGreaterThan":{"X:Number":"9"}"#.to_owned(), false),
        (r#""Bool":{"X:Flag":"false"}"#.to_owned(), true),
        (r#""Bool":{"X:Flag":"true"}"#.to_owned(), false),
        (r#""IpAddress":{"X:Ip":"10.0.0.0/8"}"#.to_owned(), true),
        (r#""IpAddress":{"X:Ip":"10.1.2.3"}"#.to_owned(), true),
        (r#""IpAddress":{"X:Ip":"0.0.0.0/0"}"#.to_owned(), true),
        (r#""IpAddress":{"X:Ip":"10.1.2.4/31"}"#.to_owned(), false),
        (r#""Bool":{"X:Flag":"false"},"NumericEquals":{"X:Number":"8"}"#.to_owned(), false),
        (r#""Bool":{}"#.to_owned(), true),
    ];
    for (conditions, holds) in cases {
        let (allowing, denying) = both_ways(&conditions, &context);
        assert_eq!((allowing.is_allow(), denying.is_allow()), (holds, !holds), "{conditions}");
    }
}

#[test]
fn what_cannot_be_decided_counts_against_the_action() {
    let context = context().with_fact("X:Number", "9 apples").with_fact("X:Ip", "::1").with_fact("X:Flag", "yes");
    for conditions in [
        // A key that is missing: the peer takes the two negated ones as held.
        r#""StringEquals":{"Context:Hour":"3"}"#,
        r#""StringNotEquals":{"Context:Hour":"3"}"#,
        r#""StringLike":{"Context:Hour":"*"}"#,
        r#""StringNotLike":{"Context:Hour":"3"}"#,
        r#""NumericLessThan":{"Context:Hour":"24"}"#,
        r#""Bool":{"X:Missing":"false"}"#,
        r#""IpAddress":{"X:Missing":"0.0.0.0/0"}"#,
        // Facts of another sort of action.
        r#""StringNotEquals":{"Model:Name":"x"}"#,
        // Values that the operator cannot compare.
        r#""NumericEquals":{"X:Number":"9"}"#,
        r#""NumericLessThan":{"X:Flag":"inf"}"#,
        r#""Bool":{"X:Flag":"false"}"#,
        r#""Bool":{"X:Number":""}"#,
        r#""IpAddress":{"X:Ip":"0.0.0.0/0"}"#,
        // An undecided condition beside one that does not hold.
        r#""StringEquals":{"Agent:DID":"x","X:Missing":"y"}"#,
    ] {
        let (allowing, denying) = both_ways(conditions, &context);
        refused(&allowing, "condition_not_met", "statements[0]");
        refused(&denying, "denied_by_unknown_fact", "statements[1]");
    }
    let context = context.with_fact("X:Good", "9").with_fact("X:Addr", "10.0.0.1");
    for conditions in [
        r#""NumericLessThan":{"X:Good":"NaN"}"#,
        r#""NumericLessThan":{"X:Good":"infinity"}"#,
        r#""IpAddress":{"X:Addr":"10.0.0.0/33"}"#,
        r#""IpAddress":{"X:Addr":"10.0.0.0/-1"}"#,
        r#""IpAddress":{"X:Addr":"010.0.0.0/8"}"#,
        r#""IpAddress":{"X:Addr":"10.0.0/8"}"#,
    ] {
        let (allowing, denying) = both_ways(conditions, &context);
        assert!(!allowing.is_allow() && !denying.is_allow(), "{conditions}");
    }
}

#[test]
fn facts_of_the_action_cannot_be_given_from_outside() {
    let context = Context::new()
        .with_fact("Agent:DID", "x")
        .with_fact("Model:Name", "x")
        .with_fact("Request:HasHumanApproval", "x")
        .with_fact("Tool:Name", "x");
    for key in ["Agent:DID", "Model:Name", "Request:HasHumanApproval", "Tool:Name"] {
        let conditions = format!(r#""StringEquals":{{"{key}":"x"}}"#);
        assert!(!both_ways(&conditions, &context).0.is_allow(), "{key}");
    }
}

#[test]
fn unknown_operators_effects_and_members_do_not_compile() {
    for statement in [
        allow(ANY, ANY, &when(r#""StringEqualsIgnoreCase":{"Agent:DID":"x"}"#)),
        allow(ANY, ANY, &when(r#""Bool":{"X":true}"#)),
        allow(ANY, ANY, r#","principal":"*""#),
        statement("allow", ANY, ANY, ""),
        allow("", ANY, ""),
    ] {
        let error = Policy::compile(&v2_payload("p", None, &statement)).expect_err(&statement);
        assert_eq!(error.code().name, "policy_malformed", "{statement}");
    }
    assert_eq!(Policy::compile(&v2_payload("p", None, "")).expect_err("none").code().name, "policy_malformed");
}

#[test]
fn policies_larger_than_the_registry_takes_do_not_compile() {
    let resource = format!(r#""{}""#, "a".repeat(500));
    let resources = vec![resource; 200].join(",");
    let payload = v2_payload("p", None, &allow(ANY, &resources, ""));
    let error = Policy::compile(&payload).expect_err("too large");
    assert_eq!(error.code().name, "policy_too_large");
}

#[test]
fn names_the_clauses_it_does_not_judge() {
    let policy = v1(r#","egress_allowlist":["x"],"receipt_privacy_mode":"hash_only""#);
    assert_eq!(policy.not_judged(), ["receipt_privacy_mode", "egress_allowlist"]);
    assert!(v2(&[allow(ANY, ANY, "")]).not_judged().is_empty());
}

#[test]
fn hashes_as_the_registry_does() {
    let Some(path) = shared("clawsig/known-answers.json") else { return };
    let bytes = std::fs::read(path).expect("readable");
    let answers = json::parse(&bytes, 64).expect("JSON");
    for case in answers.get("wpc").and_then(|cases| cases.as_array()).expect("policies") {
        let policy = compile(case.get("payload").expect("payload"));
        assert_eq!(Some(policy.hash().to_b64u().as_str()), case.text_at("policy_hash_b64u"));
    }
}

#[test]
fn provider_and_model_are_required_of_a_call() {
    for payload in [r#"{"provider":"openai"}"#, r#"{"model":"m"}"#, r#"{"provider":"","model":"m"}"#, "[]"] {
        let error = Action::from_gateway_receipt(&value(payload)).expect_err(payload);
        assert_eq!(error.code().name, "action_malformed");
    }
}
