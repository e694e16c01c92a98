//! Lines of RBAC that follow from a policy: what they let happen is what the
//! policy allows, or it is told.

use std::collections::BTreeSet;

use proptest::prelude::*;

use pulselog::artifact::json::Value;
use pulselog::policy::rbac::{ArgoVersion, Ask, Grants, Name, NoGrants, RoleName, Unsaid, Why, grants_of};
use pulselog::policy::{ACTIONS, Action, App, Context, Lineage, Policy};

use crate::make::policy::*;
use crate::make::value;
use crate::policy::rbac_oracle::{Call, Rule, calls, enforce, other_calls};

const SUBJECT: &str = "proj:payments:agent";
const INSTANCE: &str = "argocd-prod";
const APPS: [&str; 4] = ["payments-api", "billing-api", "ledger", "payments-api-2"];
const NAMESPACES: [&str; 4] = ["prod", "prod-canary", "dev", "elsewhere"];

fn grants_for(policy: &Policy, version: Option<&str>, accept_broader: bool) -> Result<Grants, NoGrants> {
    let (project, instance) = (Name::parse("payments").expect("a name"), Name::parse(INSTANCE).expect("a name"));
    let role = RoleName::parse("agent").expect("a name");
    let version = version.map(|text| ArgoVersion::parse(text).expect("a version"));
    let ask = Ask { project: &project, role: &role, instance: Some(&instance), version, accept_broader };
    let lineage = Lineage::alone(policy).unwrap_or_else(|error| panic!("{error}"));
    grants_of(&lineage, &ask)
}

fn of(payload: &Value, version: &str) -> Result<Grants, NoGrants> {
    grants_for(&compile(payload), Some(version), false)
}

fn lines(grants: &Grants) -> Vec<String> {
    grants.lines.iter().map(ToString::to_string).collect()
}

/// Lines without their subject, and without those that deny.
fn allows(grants: &Grants) -> Vec<String> {
    let before = format!("p, {SUBJECT}, ");
    let allow = |line: String| Some(line.strip_prefix(&before)?.strip_suffix(", allow")?.to_owned());
    lines(grants).into_iter().filter_map(allow).collect()
}

fn unsaid(grants: &Grants) -> Vec<&'static str> {
    grants.unsaid.iter().map(Unsaid::name).collect()
}

#[test]
fn the_policy_of_the_scenario_becomes_these_lines_and_no_others() {
    let grants = of(&customers_payload(SCENARIO_ALLOW, SCENARIO_DENY), "3.6").expect("grants");
    let line = |rest: &str| format!("p, {SUBJECT}, {rest}");
    assert_eq!(
        lines(&grants),
        [
            line("applications, get, payments/payments-api, allow"),
            line("logs, get, payments/payments-api, allow"),
            line("applications, sync, payments/payments-api, allow"),
            line("applications, rollback, payments/payments-api, allow"),
            line("applications, override, payments/*, deny"),
            line("applications, create, payments/*, deny"),
            line("applications, update, payments/*, deny"),
            line("applications, update/*, payments/*, deny"),
            line("applications, delete, payments/*, deny"),
            line("applications, delete/*, payments/*, deny"),
            line("applications, action/*, payments/*, deny"),
            line("exec, create, payments/*, deny"),
        ]
    );
    assert_eq!((grants.namespaces, grants.left_out), (vec!["prod-canary".to_owned()], vec![]));
    let broader: Vec<_> = grants.broader.iter().map(|one| one.action.name()).collect();
    assert_eq!(broader, ["refresh", "terminate"], "no version has rights of its own for these");
}

#[test]
fn before_rollback_has_a_verb_sync_is_rollback() {
    let both = customers_payload(SCENARIO_ALLOW, "");
    for version in [Some("3.5.7"), Some("v3.6.0-rc1"), None] {
        let grants = grants_for(&compile(&both), version, false).expect("the policy allows both");
        assert!(!lines(&grants).iter().any(|line| line.contains("rollback")), "{version:?}: no such verb yet");
    }
    let sync = r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod"]}"#;
    for version in [Some("3.5"), None] {
        let policy = compile(&customers_payload(sync, ""));
        let Err(NoGrants::Broader(told)) = grants_for(&policy, version, false) else { panic!("{version:?} prints") };
        assert_eq!(told.len(), 1);
        assert!(told[0].words().contains("sync lets the role roll back payments-api"), "{}", told[0].words());
        let accepted = grants_for(&policy, version, true).expect("accepted");
        assert!(accepted.broader.contains(&told[0]), "and says so still");
    }
    assert!(of(&customers_payload(sync, ""), "3.6").is_ok());
    let rollback = r#"{"action":"read","apps":["payments-api"],"namespaces":["prod"]},
        {"action":"rollback","apps":["payments-api"],"namespaces":["prod"]}"#;
    let grants = of(&customers_payload(rollback, ""), "3.5").expect("grants");
    assert_eq!(allows(&grants), ["applications, get, payments/payments-api", "logs, get, payments/payments-api"]);
    assert!(matches!(grants.left_out[..], [ref left] if matches!(left.why, Why::Within(_))), "{:?}", grants.left_out);
    let accepted = grants_for(&compile(&customers_payload(rollback, "")), Some("3.5"), true).expect("grants");
    assert!(allows(&accepted).contains(&"applications, sync, payments/payments-api".to_owned()));
    assert!(accepted.broader.iter().any(|one| one.action.name() == "sync"), "{:?}", accepted.broader);
}

#[test]
fn what_a_clause_denies_and_a_line_would_allow_is_refused() {
    let read = r#"{"action":"read","apps":["payments-api"],"namespaces":["prod"]}"#;
    let refused = of(&customers_payload(read, r#"{"action":"refresh"}"#), "3.6");
    let Err(NoGrants::Broader(told)) = refused else { panic!("{refused:?}") };
    assert_eq!(told[0].denied_by.as_deref(), Some("tools.argo_cd.deny[0]"));
    // Of two applications, one may not be synced where the other is.
    let two = r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod","dev"]},
        {"action":"sync","apps":["ledger"],"namespaces":["prod"]}"#;
    let grants = of(&customers_payload(two, ""), "3.6").expect("grants");
    let told = grants.broader.iter().find(|one| one.action.name() == "sync").expect("the destinations hold for both");
    assert_eq!(
        (told.apps.as_slice(), told.namespaces.as_slice()),
        (&["ledger".to_owned()][..], &["dev".to_owned()][..])
    );
    assert!(!told.everywhere);
    let denied = of(&customers_payload(two, r#"{"action":"sync","apps":["ledger"],"namespaces":["dev"]}"#), "3.6");
    assert!(matches!(denied, Err(NoGrants::Broader(_))), "{denied:?}");
}

#[test]
fn destinations_are_where_something_may_be_changed() {
    let rows = r#"{"action":"read","apps":["payments-api"],"namespaces":["prod","dev"]},
        {"action":"sync","apps":["payments-api"],"namespaces":["dev"]}"#;
    let grants = of(&customers_payload(rows, ""), "3.6").expect("grants");
    assert_eq!(grants.namespaces, ["dev"]);
    let left: Vec<_> = grants.left_out.iter().map(|left| (left.what.as_str(), left.why)).collect();
    assert_eq!(left, [("payments-api in prod", Why::Destination)]);
    let looks = r#"{"action":"read","apps":["payments-api"],"namespaces":["prod","dev"]}"#;
    let grants = of(&customers_payload(looks, ""), "3.6").expect("grants");
    assert_eq!(grants.namespaces, ["dev", "prod"]);
    assert_eq!(grants.left_out, []);
}

#[test]
fn what_no_right_is_narrow_enough_for_is_left_out() {
    for (action, why) in [("manage_projects", None), ("cluster_admin", None), ("set_auto_sync", Some("update"))] {
        let rows = format!(
            r#"{{"action":"read","apps":["payments-api"],"namespaces":["prod"]}},
            {{"action":"{action}","apps":["payments-api"],"namespaces":["prod"]}}"#
        );
        let grants = of(&customers_payload(&rows, ""), "3.6").expect("grants");
        let [left] = &grants.left_out[..] else { panic!("{action}: {:?}", grants.left_out) };
        assert_eq!(left.actions[0].name(), action);
        match (why, left.why) {
            (None, Why::NoRight) => {}
            (Some(right), Why::Within(own)) => assert_eq!(own.name(), right),
            other => panic!("{action}: {other:?}"),
        }
        // A deny would be in the way of whoever grants it on purpose.
        let denies = lines(&grants).iter().any(|line| line.contains(", update, ") && line.ends_with("deny"));
        assert_eq!(denies, why.is_none(), "{action}");
    }
    let nothing = of(&customers_payload(r#"{"action":"refresh","apps":["a"],"namespaces":["b"]}"#, ""), "3.6");
    assert!(matches!(&nothing, Err(NoGrants::NothingAllowed { left_out }) if left_out.len() == 1), "{nothing:?}");
}

#[test]
fn what_rbac_cannot_say_is_named() {
    let grants = of(&customers_payload(SCENARIO_ALLOW, SCENARIO_DENY), "3.6").expect("grants");
    assert_eq!(
        unsaid(&grants),
        [
            "approval",
            "prune",
            "force",
            "sync_options",
            "partial_sync",
            "local_manifests",
            "revision",
            "retry_refresh",
            "destination_namespace",
            "cluster",
            "app_namespace",
            "token_life"
        ]
    );
    assert_eq!(grants.unsaid.last(), Some(&Unsaid::TokenLife(1800)));
    let rows = r#"{"action":"edit_app_spec","apps":["a"],"namespaces":["b"],"cluster_scoped":true}"#;
    let grants = of(&customers_payload(rows, ""), "3.6").expect("grants");
    let said = unsaid(&grants);
    for name in ["cluster_scoped_kinds", "edited_spec", "create_and_delete"] {
        assert!(said.contains(&name), "{name}: {said:?}");
    }
    assert!(!said.contains(&"needs_read"), "a spec is put without reading");
    let rows = r#"{"action":"sync","apps":["a"],"namespaces":["b"]}"#;
    let blind = of(&customers_payload(rows, ""), "3.6").expect("grants");
    let words = blind.unsaid.last().expect("something").words();
    assert!(words.starts_with("sync of a has no effect"), "{words}");
    for one in grants.unsaid.iter().chain(&blind.unsaid) {
        assert!(!one.words().is_empty() && !one.words().contains('\n'));
    }
}

#[test]
fn statements_become_lines_where_they_name_places_exactly() {
    let allow =
        |resources: &str, more: &str| statement("Allow", r#""argocd:app:get","argocd:app:sync""#, resources, more);
    let grants = |statements: &[String]| of(&v2_payload("p", None, &statements.join(",")), "3.6");
    let approved = r#","conditions":{"Bool":{"Request:HasHumanApproval":"true"}}"#;
    let exact = grants(&[allow(r#""argocd/argocd-prod/payments/prod/ledger""#, approved)]).expect("grants");
    assert_eq!(
        allows(&exact),
        ["applications, get, payments/ledger", "logs, get, payments/ledger", "applications, sync, payments/ledger"]
    );
    assert_eq!((exact.left_out.as_slice(), exact.namespaces.as_slice()), (&[][..], &["prod".to_owned()][..]));
    assert!(exact.unsaid.iter().any(|one| matches!(one, Unsaid::Approval(actions) if actions.len() == 2)));
    let elsewhere = r#""argocd/argocd-prod/billing/prod/other","argocd/staging/payments/prod/other""#;
    let with_others = grants(&[allow(r#""argocd/*/payments/prod/ledger""#, ""), allow(elsewhere, "")]).expect("grants");
    assert_eq!(allows(&with_others), allows(&exact), "other projects and instances are no concern of this role");
    let pattern = grants(&[
        allow(r#""argocd/*/payments/prod/ledger""#, ""),
        allow(r#""argocd/*/payments/prod/pay*""#, ""),
        allow(r#""argocd/*/payments/prod/web""#, r#","conditions":{"StringEquals":{"Context:Hour":"3"}}"#),
    ])
    .expect("grants");
    assert_eq!(allows(&pattern), allows(&exact));
    assert_eq!(pattern.left_out.iter().map(|left| left.why).collect::<Vec<_>>(), [Why::Pattern, Why::Condition]);
    assert!(!lines(&pattern).iter().any(|line| line.contains("sync, payments/*, deny")));
    for name in ["[ab]", "Ledger", "led_ger", "{a}"] {
        let odd = grants(&[allow(&format!(r#""argocd/*/payments/prod/{name}""#), "")]);
        assert!(matches!(&odd, Err(NoGrants::NotAName { name: own, .. }) if own == name), "{odd:?}");
    }
    let deny = statement("Deny", r#""argocd:app:sync""#, r#""argocd/**""#, "");
    let denied = grants(&[allow(r#""argocd/*/payments/prod/ledger""#, ""), deny]).expect("grants");
    assert!(!allows(&denied).iter().any(|line| line.contains("sync")));
}

#[test]
fn a_policy_that_differs_by_instance_wants_one() {
    let (project, role) = (Name::parse("payments").expect("a name"), RoleName::parse("agent").expect("a name"));
    let ask = Ask { project: &project, role: &role, instance: None, version: None, accept_broader: false };
    let of = |payload: &Value| {
        let policy = compile(payload);
        grants_of(&Lineage::alone(&policy).unwrap_or_else(|error| panic!("{error}")), &ask)
    };
    let row = |more: &str| format!(r#"{{"action":"read","apps":["a"],"namespaces":["b"]{more}}}"#);
    let named = of(&customers_payload(&row(r#","instances":["argocd-prod"]"#), ""));
    assert!(matches!(named, Err(NoGrants::InstanceNeeded)), "{named:?}");
    assert!(of(&customers_payload(&row(""), "")).is_ok());
    let deny = statement("Deny", r#""*""#, r#""argocd/argocd-prod/**""#, "");
    let allow = statement("Allow", r#""argocd:app:read""#, r#""argocd/*/payments/b/a""#, "");
    assert!(matches!(of(&v2_payload("p", None, &format!("{allow},{deny}"))), Err(NoGrants::InstanceNeeded)));
    assert!(of(&v2_payload("p", None, &allow)).is_ok());
    let models = of(&v1_payload(r#","allowed_providers":["openai"],"allowed_models":["*"]"#));
    assert!(matches!(models, Err(NoGrants::NotGoverned { .. })), "{models:?}");
}

#[test]
fn more_places_than_can_be_judged_are_refused_at_once() {
    let names = |prefix: &str| (0..256).map(|at| format!(r#""{prefix}{at}""#)).collect::<Vec<_>>().join(",");
    let row = |at: usize| {
        format!(r#"{{"action":"read","apps":[{}],"namespaces":[{}]}}"#, names(&format!("a{at}-")), names("n"))
    };
    let many = (0..16).map(row).collect::<Vec<_>>().join(",");
    let refused = of(&customers_payload(&many, ""), "3.6");
    assert!(matches!(refused, Err(NoGrants::TooManyPlaces { apps: 4096, namespaces: 256 })), "{refused:?}");
}

fn app(name: &str) -> App {
    App { uid: "u".into(), name: name.into(), namespace: "argocd".into(), project: "payments".into() }
}

/// What the policy itself says, asked as a decision asks it.
fn policy_allows(policy: &Policy, action: &str, name: &str, namespace: &str) -> bool {
    let app = app(name);
    let more = if action == "rollback" { r#","history_id":1"# } else { "" };
    let binds = value(&format!(
        r#"{{"instance":"{INSTANCE}","job_id":"j","action":"{action}",
        "app":{{"uid":"{}","name":"{}","namespace":"{}","project":"{}"}},
        "destination":{{"server":"https://k8s.example","namespace":"{namespace}"}},"revisions":[],"params":{{}}{more}}}"#,
        app.uid, app.name, app.namespace, app.project
    ));
    judged_in(policy, &Action::Argo(argo_action(&binds)), &Context::new().with_instances([INSTANCE])).is_allow()
}

/// The places in which the policy allows something: action, application, namespace.
type Allowed = BTreeSet<(&'static str, &'static str, &'static str)>;

fn allowed_by(policy: &Policy) -> Allowed {
    places().filter(|(action, name, namespace)| policy_allows(policy, action, name, namespace)).collect()
}

/// Holds the printed lines against the policy, place by place.
fn hold(allowed: &Allowed, grants: &Grants, has_rollback: bool) -> Result<(), TestCaseError> {
    let rules: Vec<_> = lines(grants).iter().map(|line| Rule::parse(line)).collect();
    let passes = |call: &Call| call.iter().all(|asked| enforce(&rules, Some("role:nothing"), SUBJECT, asked));
    for name in APPS {
        let object = format!("payments/{name}");
        // Applications elsewhere, by namespace or project, get nothing at all.
        for other in [format!("payments/team/{name}"), format!("billing/{name}"), object.clone()] {
            prop_assert!(!other_calls(&other).iter().any(passes), "{other}");
            let all = ACTIONS.iter().flat_map(|row| calls(row.name, &other, has_rollback));
            prop_assert!(other == object || !all.into_iter().any(|call| passes(&call)), "{other}");
        }
        for row in ACTIONS {
            let reads = calls("read", &object, has_rollback).iter().any(passes);
            let calls = calls(row.name, &object, has_rollback);
            for namespace in NAMESPACES {
                let is_destination = grants.namespaces.iter().any(|own| own == namespace);
                let place = || format!("{} {name} in {namespace}: {:#?}", row.name, lines(grants));
                let of_policy = allowed.contains(&(row.name, name, namespace));
                let told = grants.broader.iter().any(|one| {
                    one.action == row.action
                        && one.apps.iter().any(|own| own == name)
                        && one.namespaces.iter().any(|own| own == namespace)
                });
                if is_destination && calls.iter().any(passes) {
                    prop_assert!(of_policy || told, "allowed beyond the policy, and not told: {}", place());
                } else {
                    // Told too often only where the call asks to read, too.
                    prop_assert!(!told || !reads, "told, and no line allows it: {}", place());
                }
                let left = grants.left_out.iter().any(|left| {
                    let exactly = left.what.contains(name) || matches!(left.why, Why::Pattern | Why::Condition);
                    left.actions.contains(&row.action) && exactly
                });
                let blind = grants.unsaid.iter().any(|one| {
                    let Unsaid::NeedsRead(actions, apps) = one else { return false };
                    actions.contains(&row.action) && apps.iter().any(|own| own == name)
                });
                if of_policy && !left && !blind {
                    // Automated sync is switched by either call; the others do different things.
                    let either = row.name == "set_auto_sync" && calls.iter().any(passes);
                    let is_said = is_destination && (either || calls.iter().all(passes));
                    prop_assert!(is_said, "allowed, and no line says so: {}", place());
                }
            }
        }
    }
    Ok(())
}

fn some_of(names: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    let quoted = |names: Vec<&str>| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",");
    prop::sample::subsequence(names.to_vec(), 1..=most).prop_map(quoted)
}

fn any_name() -> impl Strategy<Value = &'static str> {
    let common = prop::sample::select(vec!["read", "sync", "rollback", "terminate", "refresh"]);
    prop_oneof![2 => common, 1 => prop::sample::select(ACTIONS.iter().map(|row| row.name).collect::<Vec<_>>())]
}

fn allow_row() -> impl Strategy<Value = String> {
    let more = prop::sample::select(vec![
        "",
        r#","require_approval":true"#,
        r#","instances":["argocd-prod"]"#,
        r#","instances":["staging"]"#,
        r#","cluster_scoped":true"#,
    ]);
    (any_name(), some_of(&APPS[..3], 2), some_of(&NAMESPACES[..3], 2), more).prop_map(
        |(action, apps, namespaces, more)| {
            format!(r#"{{"action":"{action}","apps":[{apps}],"namespaces":[{namespaces}]{more}}}"#)
        },
    )
}

fn deny_row() -> impl Strategy<Value = String> {
    let some = |names| prop::option::of(some_of(names, 2));
    (any_name(), some(&APPS[..3]), some(&NAMESPACES[..3])).prop_map(|(action, apps, namespaces)| {
        let member = |name: &str, items: Option<String>| items.map(|items| format!(r#","{name}":[{items}]"#));
        let (apps, namespaces) = (member("apps", apps), member("namespaces", namespaces));
        format!(r#"{{"action":"{action}"{}{}}}"#, apps.unwrap_or_default(), namespaces.unwrap_or_default())
    })
}

fn any_statement() -> impl Strategy<Value = String> {
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let action = prop_oneof![
        3 => any_name().prop_map(|name| format!("\"argocd:app:{name}\"")),
        1 => prop::sample::select(vec!["\"argocd:app:*\"", "\"*\"", "\"argocd:app:get\"", "\"argocd:app:update\""])
            .prop_map(str::to_owned),
    ];
    let place = (0..3_usize, 0..3_usize, prop::sample::select(vec!["*", INSTANCE, "staging"]))
        .prop_map(|(app, namespace, on)| format!("argocd/{on}/payments/{}/{}", NAMESPACES[namespace], APPS[app]));
    let wide = prop::sample::select(vec![
        "argocd/**",
        "argocd/*/payments/prod/*",
        "argocd/*/payments/*/ledger",
        "*",
        "argocd/*/billing/prod/ledger",
        "argocd/*/pay*/prod/ledger",
    ]);
    let resource = prop_oneof![4 => place, 1 => wide.prop_map(str::to_owned)];
    let conditions = prop::sample::select(vec![
        "",
        "",
        r#","conditions":{"Bool":{"Request:HasHumanApproval":"true"}}"#,
        r#","conditions":{"StringEquals":{"Context:Hour":"3"}}"#,
        r#","conditions":{"StringEquals":{"Tool:Name":"argocd.app.sync"}}"#,
    ]);
    (effect, action, prop::collection::vec(resource, 1..3), conditions).prop_map(|(effect, action, resources, more)| {
        let resources: Vec<_> = resources.iter().map(|resource| format!("\"{resource}\"")).collect();
        statement(effect, &action, &resources.join(","), more)
    })
}

fn any_policy() -> impl Strategy<Value = Value<'static>> {
    let rows = (prop::collection::vec(allow_row(), 1..6), prop::collection::vec(deny_row(), 0..3));
    prop_oneof![
        rows.prop_map(|(allow, deny)| customers_payload(&allow.join(","), &deny.join(","))),
        prop::collection::vec(any_statement(), 1..6).prop_map(|all| v2_payload("p", None, &all.join(","))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_line_allows_what_the_policy_denies_and_what_it_allows_is_said(
        payload in any_policy(),
        version in prop::sample::select(vec![None, Some("3.5.7"), Some("3.6.0")]),
    ) {
        let policy = compile(&payload);
        let has_rollback = version == Some("3.6.0");
        let allowed = allowed_by(&policy);
        match grants_for(&policy, version, false) {
            Ok(grants) => {
                prop_assert!(!grants.broader.iter().any(|one| one.must_be_accepted()));
                hold(&allowed, &grants, has_rollback)?;
            }
            Err(NoGrants::Broader(refused)) => prop_assert!(!refused.is_empty()),
            Err(NoGrants::NothingAllowed { left_out }) => {
                for (action, name, namespace) in &allowed {
                    let left = left_out.iter().any(|left| left.actions.iter().any(|own| own.name() == *action));
                    prop_assert!(left, "{action} {name} in {namespace}");
                }
                return Ok(());
            }
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        }
        let accepted = grants_for(&policy, version, true).map_err(|why| TestCaseError::fail(why.to_string()))?;
        hold(&allowed, &accepted, has_rollback)?;
    }
}

fn places() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    ACTIONS.iter().flat_map(|row| {
        APPS.into_iter().flat_map(move |name| NAMESPACES.into_iter().map(move |namespace| (row.name, name, namespace)))
    })
}
