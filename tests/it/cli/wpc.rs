//! `wpc check` and `wpc rbac`: policies in plain words, as rights of Argo CD,
//! and what is refused.

use pulselog::artifact::json::{Value, parse, to_compact};

use crate::cli::{Ran, run, run_with};
use crate::make::policy::{SCENARIO_ALLOW, SCENARIO_DENY, customers_payload, statement, v1_payload, v2_payload};
use crate::make::{blessing, project, shared};

const ROLE: [&str; 4] = ["--project", "payments", "--role", "argo-deploy-assistant"];

fn scenario() -> String {
    to_compact(&customers_payload(SCENARIO_ALLOW, SCENARIO_DENY))
}

fn check(policy: &str, more: &[&str]) -> Ran {
    run_with(&[&["wpc", "check", "-"], more].concat(), policy.as_bytes())
}

fn rbac(policy: &str, more: &[&str]) -> Ran {
    run_with(&[&["wpc", "rbac", "-"], &ROLE[..], more].concat(), policy.as_bytes())
}

fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.err))
}

/// Refused: nothing printed, one line, which names these words.
#[track_caller]
fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (code, "", 1), "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
}

#[track_caller]
fn golden(name: &str, made: &str) {
    let path = project("tests/golden/wpc").join(name);
    if blessing() {
        std::fs::write(&path, made).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "{name} is not what the code prints: PULSELOG_BLESS=1 writes it anew\n{made}");
}

/// Policies of all three forms, by name.
fn policies() -> Vec<(&'static str, String)> {
    let places = r#""argocd/argocd-prod/payments/prod-canary/payments-api""#;
    let approved = r#","conditions":{"Bool":{"Request:HasHumanApproval":"true"}}"#;
    let statements = [
        statement("Allow", r#""argocd:app:read""#, places, ""),
        statement("Allow", r#""argocd:app:sync""#, places, approved),
        statement("Allow", r#""argocd:app:read""#, r#""argocd/*/payments/dev/*""#, ""),
        statement("Deny", r#""argocd:app:update","argocd:app:delte""#, r#""argocd/**""#, ""),
    ];
    let models = r#","allowed_providers":["openai"],"allowed_models":["gpt-*"]"#;
    vec![
        ("argo-cd", scenario()),
        ("registry-1", to_compact(&v1_payload(models))),
        ("registry-2", to_compact(&v2_payload("pol-2", None, &statements.join(",")))),
    ]
}

#[test]
fn policies_of_every_form_are_said_in_plain_words() {
    for (name, policy) in policies() {
        let ran = check(&policy, &[]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}");
        golden(&format!("check-{name}.txt"), &ran.out);
        let said = json(&check(&policy, &["--json"]));
        assert_eq!((&said["ok"], &said["faults"]), (&true.into(), &serde_json::json!([])), "{name}");
        for clause in said["clauses"].as_array().expect("clauses") {
            assert!(ran.out.contains(clause["text"].as_str().expect("text")), "{name}: {clause}");
        }
    }
    let second = json(&check(&policies()[2].1, &["--json"]));
    assert_eq!(second["look_at"][0]["path"], "statements[3].actions[1]", "a misspelled Deny denies nothing");
    let dead = customers_payload(SCENARIO_ALLOW, r#"{"action":"sync"}"#);
    let dead = check(&to_compact(&dead), &[]);
    assert!(dead.code == 0 && dead.out.contains("allows nothing: tools.argo_cd.deny[0] denies it"), "{}", dead.out);
}

#[test]
fn the_rights_of_a_role_are_printed_as_part_of_its_project() {
    let server = ["--server", "https://kubernetes.default.svc"];
    let ran = rbac(&scenario(), &[&["--argocd-version", "v3.6.1"], &server[..]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    golden("rbac-argo-cd-3.6.yaml", &ran.out);
    let ran = rbac(&scenario(), &["--argocd-version", "3.5.7", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "both sync and rollback are allowed");
    golden("rbac-argo-cd-3.5.json", &ran.out);
    let ran = rbac(&policies()[2].1, &["--argocd-version", "3.6", "--instance", "argocd-prod"]);
    assert_eq!((ran.code, ran.err.as_str()), (3, ""), "a pattern has no line");
    golden("rbac-registry-2-3.6.yaml", &ran.out);
    // What both say is the same, and the comments stand before all else.
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix("        - ").map(str::to_owned)).collect()
    };
    let said = json(&rbac(&policies()[2].1, &["--argocd-version", "3.6", "--instance", "argocd-prod", "--json"]));
    let of_json: Vec<_> = said["lines"].as_array().expect("lines").iter().map(|line| line["line"].clone()).collect();
    assert_eq!(of_json, lines(&ran.out));
}

#[test]
fn before_3_6_nothing_is_printed_that_lets_a_denied_rollback_happen() {
    let rows = r#"{"action":"read","apps":["a"],"namespaces":["n"]},{"action":"sync","apps":["a"],"namespaces":["n"]}"#;
    for deny in ["", r#"{"action":"rollback"}"#] {
        let policy = to_compact(&customers_payload(rows, deny));
        for version in [&["--argocd-version", "3.5.7"][..], &["--argocd-version", "v3.6.0-rc2"], &[]] {
            for json in [&[][..], &["--json"]] {
                let asked = [version, json].concat();
                refused(&rbac(&policy, &asked), 1, &["sync lets the role roll back a", "--accept-broader"]);
            }
            let accepted = rbac(&policy, &[version, &["--accept-broader"]].concat());
            assert_eq!(accepted.code, 0, "{}", accepted.err);
            assert!(accepted.out.contains("# Allowed beyond the policy:\n"), "{}", accepted.out);
            assert!(accepted.out.contains("sync lets the role roll back a, which"), "{}", accepted.out);
        }
        let ran = rbac(&policy, &["--argocd-version", "3.6"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains("argocd-cm server.rbac.rollback.enforce.enable: \"true\""), "{}", ran.out);
        assert!(ran.out.contains("applications, rollback, payments/*, deny"), "{}", ran.out);
    }
}

#[test]
fn faults_name_the_field_and_the_rule() {
    let with = |from: &str, to: &str| {
        let policy = scenario();
        assert!(policy.contains(from), "{from}");
        policy.replacen(from, to, 1)
    };
    let bad = [
        ("", "", "is no JSON"),
        ("plain words", "", "is no JSON"),
        ("[]", "", "must be an object"),
        ("{\"wpc_version\":\"v1\"", "", "is no JSON"),
        ("{\"wpc_version\":\"v9\"}", "payload.wpc_version", ""),
        ("{}", "payload", ""),
        (&with("\"sync\"", "\"synk\""), "payload.tools.argo_cd.allow[1].action", "must be one of"),
        (&with("[\"payments-api\"]", "[\"payments-*\"]"), "payload.tools.argo_cd.allow[0].apps[0]", "without globs"),
        (&with("prod-canary", "Prod_Canary"), "payload.tools.argo_cd.allow[0].namespaces[0]", "DNS-1123"),
        (&with("\"deny\":", "\"never\":[],\"deny\":"), "payload.tools.argo_cd.never", ""),
        (&with("1800", "\"REPLACE\""), "token.cst.max_ttl_seconds", ""),
    ];
    for (policy, path, rule) in bad {
        for ran in [check(policy, &[]), rbac(policy, &[])] {
            assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{policy}: {}", ran.err);
            assert!(ran.err.contains(path) && ran.err.contains(rule), "{path} {rule}: {}", ran.err);
        }
        let ran = check(policy, &["--json"]);
        let said = json(&ran);
        assert_eq!((ran.code, &said["ok"]), (1, &false.into()));
        let faults = said["faults"].as_array().expect("faults");
        assert!(!faults.is_empty());
        for fault in faults {
            for member in ["path", "rule", "code"] {
                assert!(fault[member].is_string(), "{fault}");
            }
        }
    }
    let two = with("\"sync\"", "\"synk\"").replace("\"scope_hash_required\":true", "\"scope_hash_required\":1");
    let ran = check(&two, &[]);
    assert_eq!((ran.code, ran.err.lines().count()), (1, 3), "a line each, and how many: {}", ran.err);
    let lost = r#","conditions":{"NumericEquals":{"X:Y":"10 apples"}}"#;
    let lost = v2_payload("p", None, &statement("Deny", r#""*""#, r#""*""#, lost));
    refused(&check(&to_compact(&lost), &[]), 1, &["statements[0]", "clause not understood"]);
}

#[test]
fn an_envelope_is_read_only_if_it_is_authentic_and_of_a_policy() {
    let of = |path: &str| std::fs::read_to_string(project("tests/golden/artifacts").join(path)).expect("a golden");
    assert_eq!(check(&of("work_policy/good.json"), &[]).code, 0);
    let ran = rbac(&of("work_policy/good.json"), &["--argocd-version", "3.6"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for (path, word) in [
        ("work_policy/hash_mismatch--payload-changed.json", "hash_mismatch"),
        ("work_policy/signature_invalid--signed-by-somebody-else.json", "signature_invalid"),
        ("approval/good.json", "no work policy"),
    ] {
        refused(&check(&of(path), &[]), 1, &[word]);
        refused(&rbac(&of(path), &[]), 1, &[word]);
    }
}

#[test]
fn names_versions_and_addresses_that_are_none_are_wrong_usage() {
    let policy = scenario();
    let long = "a".repeat(64);
    for name in ["", "*", "pay*", "Payments", "pay ments", "pay,ments", "a/b", "a\nb", "[a]", "{a,b}", "-a", "ä", &long]
    {
        let asked = |project: &str, role: &str| {
            let args = ["wpc", "rbac", "-", &format!("--project={project}"), &format!("--role={role}")];
            run_with(&args, policy.as_bytes())
        };
        refused(&asked(name, "agent"), 2, &["--project", "DNS-1123"]);
        refused(&asked("payments", name), 2, &["--role", "DNS-1123"]);
        refused(&rbac(&policy, &[&format!("--instance={name}")]), 2, &["--instance", "DNS-1123"]);
    }
    refused(&run_with(&["wpc", "rbac", "-", "--project=p", "--role=a.b"], b""), 2, &["--role", "label"]);
    for version in ["", "3", "3.x", "latest", "3.6.0.1", "03.6", "3.6 ", "v", "3.6-", "-3.6", "99999999.1"] {
        refused(&rbac(&policy, &[&format!("--argocd-version={version}")]), 2, &["--argocd-version", "such as 3.6"]);
    }
    for server in ["", "*", "https://*.example", "a b", "https://k8s\u{202e}", "a\"b", "!https://k8s"] {
        refused(&rbac(&policy, &[&format!("--server={server}")]), 2, &["--server", "without globs"]);
    }
    refused(&run(&["wpc", "rbac", "-", "--role", "agent"]), 2, &["--project"]);
    refused(&run(&["wpc", "check", "/nowhere/policy.json"]), 2, &["/nowhere/policy.json", "no such file"]);
    refused(&run(&["wpc", "check", "/"]), 2, &["directory"]);
}

#[test]
fn what_no_right_follows_from_is_refused_with_the_reason() {
    let of = |payload: &Value, more: &[&str]| rbac(&to_compact(payload), more);
    let models = v1_payload(r#","allowed_providers":["openai"],"allowed_models":["*"]"#);
    refused(&of(&models, &[]), 1, &["model calls only"]);
    let row = r#"{"action":"read","apps":["a"],"namespaces":["n"],"instances":["argocd-prod"]}"#;
    let by_instance = customers_payload(row, "");
    refused(&of(&by_instance, &[]), 2, &["give --instance"]);
    refused(&of(&by_instance, &["--instance", "staging"]), 1, &["allows nothing here"]);
    assert_eq!(of(&by_instance, &["--instance", "argocd-prod"]).code, 0);
    let allow = statement("Allow", r#""argocd:app:read""#, r#""argocd/*/payments/n/a""#, "");
    refused(&of(&v2_payload("child", Some("parent"), &allow), &[]), 3, &["inherits parent", "may deny more"]);
    let odd = statement("Allow", r#""argocd:app:read""#, r#""argocd/*/payments/n/[ab]""#, "");
    refused(&of(&v2_payload("p", None, &odd), &[]), 1, &["statements[0]", "[ab]", "DNS-1123"]);
    // What a statement says stays in its comment, whatever it is.
    let hostile =
        statement("Allow", r#""argocd:app:read""#, r#""argocd/*/payments/n/*\u2028\n  roles: []\u001b[2J""#, "");
    let ran = of(&v2_payload("p", None, &format!("{allow},{hostile}")), &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.out.contains("\\u{2028}\\u{a}  roles: []\\u{1b}[2J") && ran.out.matches("roles:").count() == 2);
}

#[test]
fn files_too_large_are_refused_and_large_ones_judged_soon() {
    let huge = format!("{}{}", scenario(), " ".repeat(3 << 20));
    refused(&check(&huge, &[]), 1, &["has more than 2097152 bytes"]);
    refused(&rbac(&huge, &[]), 1, &["has more than 2097152 bytes"]);
    let names =
        |prefix: &str, count: usize| (0..count).map(|at| format!("\"{prefix}{at}\"")).collect::<Vec<_>>().join(",");
    let row = |action: &str, at: usize, count: usize| {
        let (apps, namespaces) = (names(&format!("a{at}-"), count), names("n", count));
        format!(r#"{{"action":"{action}","apps":[{apps}],"namespaces":[{namespaces}]}}"#)
    };
    let many = (0..200).map(|at| row("read", at, 256)).collect::<Vec<_>>().join(",");
    refused(&rbac(&to_compact(&customers_payload(&many, "")), &[]), 1, &["51200 applications", "split the policy"]);
    let some = (0..10).map(|at| row("read", at, 16)).collect::<Vec<_>>().join(",");
    let begun = std::time::Instant::now();
    let ran = rbac(&to_compact(&customers_payload(&some, "")), &["--json"]);
    assert_eq!((ran.code, json(&ran)["lines"].as_array().map(|lines| lines.len() > 320)), (0, Some(true)));
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn policies_as_the_registry_serves_them_are_read() {
    let Some(path) = shared("clawsig/known-answers.json") else { return };
    let answers: serde_json::Value = serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
    let cases = answers["wpc"].as_array().expect("cases");
    assert!(!cases.is_empty());
    for case in cases {
        let policy = case["payload"].to_string();
        let ran = check(&policy, &["--json"]);
        assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
        parse(policy.as_bytes(), 64).expect("JSON");
        // Neither says anything of Argo CD that a right follows from, and both say why.
        let ran = rbac(&policy, &["--argocd-version", "3.6"]);
        refused(&ran, 1, &["the policy"]);
    }
}
