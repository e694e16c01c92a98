//! The customers' form: rows that allow, rows that deny, parameters.

use pulselog::policy::{
    ACTIONS, Action, ArgoAction, Context, NAMESPACES_MAX, Outcome, Pinning, Policy, PolicyAction, PolicyForm,
};

use crate::make::policy::*;
use crate::make::{did, set, value};

fn scenario() -> Policy {
    compile(&customers_payload(SCENARIO_ALLOW, SCENARIO_DENY))
}

const ALLOW_ROWS: &str = "tools.argo_cd.allow";

#[test]
fn judges_every_action_of_the_scenario_policy() {
    let policy = scenario();
    for row in ACTIONS {
        let judgement = judged(&policy, &argo(row.name));
        let (outcome, code, path) = match row.name {
            "read" => (ALLOW, "allowed", "tools.argo_cd.allow[0]"),
            "sync" => (WITH_APPROVAL, "allowed_with_approval", "tools.argo_cd.allow[1]"),
            "rollback" => (WITH_APPROVAL, "allowed_with_approval", "tools.argo_cd.allow[2]"),
            "edit_app_spec" => (Outcome::Deny, "denied_by_clause", "tools.argo_cd.deny[0]"),
            "manage_projects" => (Outcome::Deny, "denied_by_clause", "tools.argo_cd.deny[1]"),
            "cluster_admin" => (Outcome::Deny, "denied_by_clause", "tools.argo_cd.deny[2]"),
            _ => (Outcome::Deny, "no_clause_allows", ALLOW_ROWS),
        };
        let got = (judgement.outcome, judgement.reason.code().name, judgement.clause.path.as_str());
        assert_eq!(got, (outcome, code, path), "{}", row.name);
        assert_eq!(judgement.clause.policy, Some(policy.hash()));
    }
}

#[test]
fn an_allow_needs_action_app_instance_and_namespace() {
    let policy = scenario();
    refused(&judged(&policy, &argo_at("read", "billing-api", "prod-canary")), "application_not_allowed", ALLOW_ROWS);
    refused(&judged(&policy, &argo_at("read", "payments-api", "prod")), "namespace_not_allowed", ALLOW_ROWS);
    let elsewhere = context_without_instances();
    refused(&judged_in(&policy, &argo("read"), &elsewhere), "instance_not_allowed", ALLOW_ROWS);
    refused(
        &judged_in(&policy, &argo("read"), &elsewhere.with_instances(["argocd-dev"])),
        "instance_not_allowed",
        ALLOW_ROWS,
    );
}

fn context_without_instances() -> Context {
    Context::new().with_agent(&did("agent"))
}

#[test]
fn names_are_exact_with_dots_and_prefixes_meaning_nothing() {
    let policy = scenario();
    for app in ["payments-api2", "payments-ap", "payments.api", "x.payments-api", "payments-api.x"] {
        let judgement = judged(&policy, &argo_at("read", app, "prod-canary"));
        refused(&judgement, "application_not_allowed", ALLOW_ROWS);
    }
    for namespace in ["prod-canary2", "prod", "prod.canary"] {
        refused(&judged(&policy, &argo_at("read", "payments-api", namespace)), "namespace_not_allowed", ALLOW_ROWS);
    }
    for name in ["*", "Payments-API", "payments_api", "payments-*", ""] {
        let row = format!(r#"{{"action":"read","apps":["{name}"],"namespaces":["prod"]}}"#);
        let error = Policy::compile(&customers_payload(&row, "")).expect_err(name);
        assert_eq!(error.code().name, "policy_malformed");
        assert_eq!(error.refusal(None).clause.path, "tools.argo_cd.allow[0].apps[0]");
    }
}

#[test]
fn rows_with_instances_hold_there_only() {
    let row = r#"{"action":"read","apps":["payments-api"],"namespaces":["prod-canary"],"instances":["argocd-dev"]}"#;
    let policy = compile(&customers_payload(row, ""));
    refused(&judged(&policy, &argo("read")), "instance_not_allowed", ALLOW_ROWS);
    let row = row.replace("argocd-dev", "argocd-prod");
    let policy = compile(&customers_payload(&row, ""));
    assert_eq!(judged_in(&policy, &argo("read"), &Context::new()).outcome, ALLOW);
}

#[test]
fn a_deny_wins_over_every_allow_wherever_it_stands() {
    let allow = r#"{"action":"sync","apps":["payments-api","billing-api"],"namespaces":["prod-canary","prod"]}"#;
    let denies = [
        (r#"{"action":"sync"}"#, ["deny", "deny", "deny"]),
        (r#"{"action":"sync","apps":["payments-api"]}"#, ["deny", "deny", "allow"]),
        (r#"{"action":"sync","namespaces":["prod"]}"#, ["allow", "deny", "allow"]),
        (r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod"]}"#, ["allow", "deny", "allow"]),
        (r#"{"action":"sync","apps":["billing-api"],"namespaces":["prod"]}"#, ["allow", "allow", "allow"]),
        (r#"{"action":"rollback"}"#, ["allow", "allow", "allow"]),
    ];
    for (deny, expected) in denies {
        let policy = compile(&customers_payload(allow, &format!(r#"{{"action":"exec"}},{deny}"#)));
        let asked = [("payments-api", "prod-canary"), ("payments-api", "prod"), ("billing-api", "prod-canary")];
        for ((app, namespace), expected) in asked.into_iter().zip(expected) {
            let judgement = judged(&policy, &argo_at("sync", app, namespace));
            match expected {
                "allow" => assert_eq!(judgement.outcome, ALLOW, "{deny} {app} {namespace}"),
                _ => refused(&judgement, "denied_by_clause", "tools.argo_cd.deny[1]"),
            }
        }
    }
}

#[test]
fn any_matching_row_that_requires_approval_makes_it_required() {
    let plain = r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"]}"#;
    let asking = r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"],"require_approval":true}"#;
    let other = r#"{"action":"sync","apps":["billing-api"],"namespaces":["prod-canary"],"require_approval":true}"#;
    for (rows, outcome, at) in [
        (format!("{plain},{asking}"), WITH_APPROVAL, 1),
        (format!("{asking},{plain}"), WITH_APPROVAL, 0),
        (format!("{other},{plain}"), ALLOW, 1),
        (plain.replace("}", r#","require_approval":false}"#), ALLOW, 0),
    ] {
        let judgement = judged(&compile(&customers_payload(&rows, "")), &argo("sync"));
        assert_eq!((judgement.outcome, judgement.clause.path), (outcome, format!("{ALLOW_ROWS}[{at}]")), "{rows}");
    }
}

#[test]
fn every_namespace_that_is_reached_must_be_allowed() {
    let row = r#"{"action":"read","apps":["payments-api"],"namespaces":["prod-canary","prod"]}"#;
    let policy = compile(&customers_payload(row, r#"{"action":"read","namespaces":["kube-system"]}"#));
    let read = || argo_action(&binds("read", "payments-api", "prod-canary", "{}"));
    let judged_at = |namespaces: &[&str]| {
        judged(&policy, &Action::Argo(read().with_observed_namespaces(namespaces.iter().copied())))
    };
    assert_eq!(judged_at(&["prod"]).outcome, ALLOW);
    refused(&judged_at(&["prod", "staging"]), "namespace_not_allowed", ALLOW_ROWS);
    refused(&judged_at(&["prod", "kube-system"]), "denied_by_clause", "tools.argo_cd.deny[0]");
    // Cluster-scoped: in no namespace, so no deny by namespace is about it.
    refused(&judged_at(&[""]), "namespace_unnamed", ALLOW_ROWS);
    // Left to the manifests: it might be any, so the narrower deny applies.
    let mut anywhere = binds("read", "payments-api", "prod-canary", "{}");
    set(&mut anywhere, "destination.namespace", None);
    refused(&judged(&policy, &Action::Argo(argo_action(&anywhere))), "denied_by_clause", "tools.argo_cd.deny[0]");
    let policy = compile(&customers_payload(row, ""));
    let cluster_scoped = Action::Argo(read().with_observed_namespaces([""]));
    refused(&judged(&policy, &cluster_scoped), "namespace_unnamed", ALLOW_ROWS);
    let many: Vec<_> = (0..NAMESPACES_MAX).map(|at| format!("n{at}")).collect();
    let many = Action::Argo(read().with_observed_namespaces(many.iter().map(String::as_str)));
    refused(&judged(&policy, &many), "too_many_namespaces", "");
}

#[test]
fn only_a_row_that_says_so_reaches_cluster_scoped_resources() {
    let row = |more: &str| {
        let row = r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"]"#;
        compile(&customers_payload(&format!("{row}{more}}}"), r#"{"action":"sync","namespaces":["kube-system"]}"#))
    };
    let cluster = r#"{"resources":[{"group":"","kind":"Namespace","namespace":"","name":"payments"}]}"#;
    let partial = argo_action(&binds("sync", "payments-api", "prod-canary", cluster));
    let observed = argo_action(&binds("sync", "payments-api", "prod-canary", "{}")).with_observed_namespaces([""]);
    let mut nowhere = binds("sync", "payments-api", "prod-canary", "{}");
    set(&mut nowhere, "destination.namespace", None);
    for more in ["", r#","cluster_scoped":false"#] {
        refused(&judged(&row(more), &Action::Argo(observed.clone())), "namespace_unnamed", ALLOW_ROWS);
    }
    let wide = row(r#","cluster_scoped":true"#);
    assert_eq!(judged(&wide, &Action::Argo(observed.clone())).outcome, ALLOW);
    assert_eq!(judged(&wide, &argo("sync")).outcome, ALLOW);
    // A deny by namespace is about what might be in that namespace.
    for action in [&partial, &argo_action(&nowhere)] {
        refused(&judged(&wide, &Action::Argo(action.clone())), "denied_by_clause", "tools.argo_cd.deny[0]");
    }
    let allow = r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"],"cluster_scoped":true}"#;
    let wide = compile(&customers_payload(allow, ""));
    assert_eq!(judged(&wide, &Action::Argo(argo_action(&nowhere))).outcome, ALLOW);
    refused(&judged(&wide, &Action::Argo(partial.clone())), "parameter_not_approved", "tools.argo_cd.allow[0]");
    let approved = context().with_approved_params(partial.params());
    assert_eq!(judged_in(&wide, &Action::Argo(partial), &approved).outcome, WITH_APPROVAL);
    let elsewhere = observed.with_observed_namespaces(["staging"]);
    refused(&judged(&wide, &Action::Argo(elsewhere)), "namespace_not_allowed", ALLOW_ROWS);
}

#[test]
fn rows_together_may_cover_what_none_covers_alone() {
    let row = |namespace: &str, more: &str| {
        format!(r#"{{"action":"read","apps":["payments-api"],"namespaces":["{namespace}"]{more}}}"#)
    };
    let rows = format!("{},{}", row("prod-canary", ""), row("prod", r#","require_approval":true"#));
    let policy = compile(&customers_payload(&rows, ""));
    let both = argo_action(&binds("read", "payments-api", "prod-canary", "{}")).with_observed_namespaces(["prod"]);
    assert_eq!(judged(&policy, &Action::Argo(both)).outcome, WITH_APPROVAL);
    assert_eq!(judged(&policy, &argo("read")).outcome, ALLOW);
}

#[test]
fn resources_of_a_partial_sync_count_as_namespaces() {
    let row = r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"]}"#;
    let policy = compile(&customers_payload(row, ""));
    let partial = |namespace: &str| {
        let params = format!(
            r#"{{"resources":[{{"group":"apps","kind":"Deployment","namespace":"{namespace}","name":"api"}}]}}"#
        );
        argo_action(&binds("sync", "payments-api", "prod-canary", &params))
    };
    for (namespace, code) in
        [("kube-system", "namespace_not_allowed"), ("", "namespace_unnamed"), ("prod-canary", "parameter_not_approved")]
    {
        let action = partial(namespace);
        let path = if code == "parameter_not_approved" { "tools.argo_cd.allow[0]" } else { ALLOW_ROWS };
        refused(&judged(&policy, &Action::Argo(action.clone())), code, path);
        let approved = context().with_approved_params(action.params());
        let judgement = judged_in(&policy, &Action::Argo(action), &approved);
        assert_eq!(judgement.outcome == WITH_APPROVAL, namespace == "prod-canary", "{namespace}");
    }
}

#[test]
fn actions_about_no_application_are_never_allowed() {
    let policy = scenario();
    let mut about_nothing = binds("read", "payments-api", "prod-canary", "{}");
    set(&mut about_nothing, "app", None);
    set(&mut about_nothing, "destination", None);
    refused(&judged(&policy, &Action::Argo(argo_action(&about_nothing))), "no_application", ALLOW_ROWS);
    // Half of it: binds that admission would refuse do not open a way.
    let mut without_destination = binds("read", "payments-api", "prod-canary", "{}");
    set(&mut without_destination, "destination", None);
    refused(&judged(&policy, &Action::Argo(argo_action(&without_destination))), "namespace_unnamed", ALLOW_ROWS);
}

#[test]
fn parameters_nobody_can_speak_about_need_an_approval_that_names_them() {
    let row = r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"]}"#;
    let policy = compile(&customers_payload(row, ""));
    let hash = "0".repeat(64);
    let wide = [
        r#"{"prune":true}"#.to_owned(),
        r#"{"retry_refresh":true}"#.to_owned(),
        r#"{"strategy_force":true}"#.to_owned(),
        r#"{"sync_options":["Replace=true"]}"#.to_owned(),
        r#"{"sync_options":["Force=true"]}"#.to_owned(),
        r#"{"sync_options":["Validate=false"]}"#.to_owned(),
        r#"{"sync_options":["validate=true"]}"#.to_owned(),
        r#"{"sync_options":["CreateNamespace=true"]}"#.to_owned(),
        r#"{"sync_options":["ApplyOutOfSyncOnly=true","SomethingNew=true"]}"#.to_owned(),
        format!(r#"{{"local_manifests_digest":"{hash}"}}"#),
        r#"{"resources":[{"group":"","kind":"Secret","namespace":"prod-canary","name":"s"}]}"#.to_owned(),
    ];
    for params in &wide {
        let action = argo_action(&binds("sync", "payments-api", "prod-canary", params));
        let argo = Action::Argo(action.clone());
        refused(&judged(&policy, &argo), "parameter_not_approved", "tools.argo_cd.allow[0]");
        let named = judged_in(&policy, &argo, &context().with_approved_params(action.params()));
        assert_eq!(named.outcome, WITH_APPROVAL, "{params}");
        for other in wide.iter().filter(|other| *other != params) {
            let other = argo_action(&binds("sync", "payments-api", "prod-canary", other));
            let judgement = judged_in(&policy, &argo, &context().with_approved_params(other.params()));
            assert_eq!(judgement.outcome, Outcome::Deny, "{params} is not named by {:?}", other.params());
        }
    }
    for params in ["{}", r#"{"dry_run":true}"#, r#"{"sync_options":["ApplyOutOfSyncOnly=true","Validate=true"]}"#] {
        let action = Action::Argo(argo_action(&binds("sync", "payments-api", "prod-canary", params)));
        assert_eq!(judged(&policy, &action).outcome, ALLOW, "{params}");
    }
}

#[test]
fn an_approval_never_opens_what_the_policy_refuses() {
    let action = argo_action(&binds("edit_app_spec", "payments-api", "prod-canary", r#"{"prune":true}"#));
    let approved = context().with_approved_params(action.params());
    refused(&judged_in(&scenario(), &Action::Argo(action), &approved), "denied_by_clause", "tools.argo_cd.deny[0]");
}

#[test]
fn unknown_actions_members_and_versions_refuse() {
    let bad_binds = [
        (binds("deploy", "payments-api", "prod-canary", "{}"), "action"),
        (binds("Sync", "payments-api", "prod-canary", "{}"), "action"),
        (binds("sync", "payments-api", "prod-canary", r#"{"replace":true}"#), "params.replace"),
        (binds("sync", "payments-api", "prod-canary", r#"{"prune":false}"#), "params.prune"),
        (binds("sync", "payments/api", "prod-canary", "{}"), "app.name"),
        (value("[]"), ""),
    ];
    for (binds, path) in bad_binds {
        let error = ArgoAction::from_binds(&binds).expect_err(path);
        assert_eq!(error.code().name, "action_malformed");
        assert!(error.to_string().contains(path), "{error}");
        let refusal = error.refusal(None);
        assert_eq!((refusal.outcome, refusal.reason.code().name), (Outcome::Deny, "action_malformed"));
    }
    let deny =
        |row: &str| Policy::compile(&customers_payload(SCENARIO_ALLOW, row)).map(|_| ()).map_err(|e| e.code().name);
    assert_eq!(deny(r#"{"action":"drop_everything"}"#), Err("policy_malformed"));
    assert_eq!(deny(r#"{"action":"sync","users":["x"]}"#), Err("policy_malformed"));
    let mut payload = customers_payload(SCENARIO_ALLOW, SCENARIO_DENY);
    set(&mut payload, "policy_version", Some("2".into()));
    assert_eq!(Policy::compile(&payload).expect_err("two versions").code().name, "policy_malformed");
    set(&mut payload, "policy_version", None);
    for version in [Some("v2".into()), Some("V1".into()), None] {
        set(&mut payload, "wpc_version", version);
        assert_eq!(Policy::compile(&payload).expect_err("version").code().name, "policy_version_unknown");
    }
    assert_eq!(Policy::compile(&value("{}")).expect_err("nothing").code().name, "policy_version_unknown");
}

#[test]
fn model_calls_are_not_governed() {
    let judgement = judged(&scenario(), &Action::ModelCall(model_call("openai", "gpt-5")));
    assert_eq!((judgement.outcome, judgement.reason.code().name), (Outcome::NotGoverned, "not_governed"));
}

#[test]
fn tells_what_it_asks_of_tokens_and_runs() {
    let policy = scenario();
    assert_eq!(policy.form(), PolicyForm::Customers);
    let token = policy.token_rules().expect("token rules");
    assert_eq!((token.max_ttl_seconds, token.scope_hash_required, token.pinning), (1800, true, Pinning::Optional));
    let audit = policy.audit_rules().expect("audit rules");
    assert!(audit.require_gateway_receipts && audit.produce_proof_bundle);
    let mut payload = customers_payload(SCENARIO_ALLOW, "");
    set(&mut payload, "token.cst.policy_hash_pinning", Some("required".into()));
    set(&mut payload, "audit.produce_proof_bundle", Some(false.into()));
    let policy = compile(&payload);
    assert_eq!(policy.token_rules().map(|rules| rules.pinning), Some(Pinning::Required));
    assert_eq!(policy.audit_rules().map(|rules| rules.produce_proof_bundle), Some(false));
}

#[test]
fn all_but_reading_is_a_write() {
    for row in ACTIONS {
        assert_eq!(argo(row.name).is_argo_write(), row.action != PolicyAction::Read, "{}", row.name);
    }
    assert!(!Action::ModelCall(model_call("openai", "gpt-5")).is_argo_write());
}
