//! Policies in plain words.

use pulselog::artifact::json::Value;
use pulselog::policy::{NOT_UNDERSTOOD, clauses_in_words};

use crate::make::policy::*;

fn words(payload: &Value) -> Vec<String> {
    let policy = compile(payload);
    clauses_in_words(&policy).iter().map(|line| format!("{}: {} @{}", line.label, line.text, line.path)).collect()
}

#[test]
fn says_the_policy_of_the_scenario() {
    assert_eq!(
        words(&customers_payload(SCENARIO_ALLOW, SCENARIO_DENY)),
        [
            "Agent: argo-deploy-assistant on openclaw, environment prod @workload",
            "May: read payments-api in prod-canary @tools.argo_cd.allow[0]",
            "May, if a person approved that exact act: sync payments-api in prod-canary @tools.argo_cd.allow[1]",
            "May, if a person approved that exact act: roll back payments-api in prod-canary @tools.argo_cd.allow[2]",
            "May never: edit an application's spec @tools.argo_cd.deny[0]",
            "May never: manage projects @tools.argo_cd.deny[1]",
            "May never: administer clusters @tools.argo_cd.deny[2]",
            "Everything else: is refused @",
            "Token: at most 30 min @token.cst.max_ttl_seconds",
            "Token: scope must match @token.cst.scope_hash_required",
            "Token: need not name this policy @token.cst.policy_hash_pinning",
            "Must leave behind: a gateway receipt per model call @audit.require_gateway_receipts",
            "Must leave behind: a proof bundle @audit.produce_proof_bundle",
        ]
    );
}

#[test]
fn says_rows_with_instances_apps_and_namespaces() {
    let allow = r#"{"action":"sync","apps":["a","b","c"],"namespaces":["x","y"],"instances":["argocd-prod"]},
        {"action":"sync","apps":["d"],"namespaces":["x"],"cluster_scoped":true},
        {"action":"sync","apps":["e"],"namespaces":["x"],"cluster_scoped":false}"#;
    let deny = r#"{"action":"delete_app","apps":["a"],"namespaces":["x"]}"#;
    let words = words(&customers_payload(allow, deny));
    assert!(words.contains(&"May: sync a, b and c in x and y on argocd-prod @tools.argo_cd.allow[0]".to_owned()));
    let cluster = "May: sync d in x, and what it has outside any namespace (cluster-scoped) @tools.argo_cd.allow[1]";
    assert!(words.contains(&cluster.to_owned()));
    assert!(words.contains(&"May: sync e in x @tools.argo_cd.allow[2]".to_owned()));
    assert!(words.contains(&"May never: delete a in x @tools.argo_cd.deny[0]".to_owned()));
}

#[test]
fn says_the_registrys_first_version() {
    let more = r#","allowed_providers":["openai","google"],"allowed_models":["gpt-*"],"egress_allowlist":["x"],
        "minimum_model_identity_tier":"tee_measured","required_audit_packs":["AAAAAAAA"]"#;
    assert_eq!(
        words(&v1_payload(more)),
        [
            "May: call the model gpt-* of openai or google @allowed_models[0]",
            "May never: call a model whose identity is proven less than tee measured @minimum_model_identity_tier",
            "May never: call a model that is not proven to have passed audit AAAAAAAA @required_audit_packs[0]",
            "Everything else: is refused @",
            "Not judged here: egress allowlist @egress_allowlist",
        ]
    );
    assert_eq!(
        words(&v1_payload(r#","allowed_models":["*"]"#)),
        ["May never: call a model: no provider is listed @allowed_providers", "Everything else: is refused @"]
    );
}

#[test]
fn says_statements_and_what_they_depend_on() {
    let statements = [
        statement("Deny", r#""argocd:app:update""#, r#""*""#, ""),
        statement("Deny", r#""tool:execute""#, r#""a","b""#, r#","conditions":{"StringLike":{"Tool:Name":"sh*"}}"#),
        statement("Allow", r#""argocd:app:get","argocd:x""#, r#""argocd/**""#, ""),
        statement(
            "Allow",
            r#""argocd:app:sync""#,
            r#""*""#,
            r#","conditions":{"Bool":{"Request:HasHumanApproval":"true"},"NumericLessThan":{"X":"3"}}"#,
        ),
        statement("Allow", r#""*""#, r#""*""#, r#","conditions":{"NumericLessThan":{"X":"three"}}"#),
    ];
    assert_eq!(
        words(&v2_payload("p", Some("q"), &statements.join(","))),
        [
            "May: read an application or do argocd:x on argocd/** @statements[2]".to_owned(),
            "May, if a person approved that exact act: sync an application, where X is below 3 @statements[3]"
                .to_owned(),
            "May never: edit an application's spec @statements[0]".to_owned(),
            "May never: run a tool on a or b, where Tool:Name is like sh*, or where that is not known @statements[1]"
                .to_owned(),
            format!("May never: {NOT_UNDERSTOOD} @statements[4]"),
            "Only if: the policy q of the same signer allows it too @inherits".to_owned(),
            "Everything else: is refused @".to_owned(),
        ]
    );
}

#[test]
fn what_is_not_understood_refuses() {
    let number = r#","conditions":{"NumericLessThan":{"X":"three"}}"#;
    let known = context().with_fact("X", "2");
    for statements in [
        statement("Allow", r#""*""#, r#""*""#, number),
        format!("{},{}", statement("Allow", r#""*""#, r#""*""#, ""), statement("Deny", r#""*""#, r#""*""#, number)),
    ] {
        let policy = compile(&v2_payload("p", None, &statements));
        assert!(clauses_in_words(&policy).iter().any(|line| line.text == NOT_UNDERSTOOD));
        assert!(!judged_in(&policy, &argo("sync"), &known).is_allow());
    }
}
