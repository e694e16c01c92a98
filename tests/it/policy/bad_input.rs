//! Work policies that are wrong in one place, and lineages that cannot be
//! walked: the code, the clause.

use pulselog::artifact::json::{Value, to_compact};
use pulselog::policy::{ANCESTORS_MAX, Outcome, Policy, judge, resolve};

use crate::make::policy::*;
use crate::make::{key, kind, outcome, refuses, seal_raw, set, value};

const ANY: &str = r#""*""#;

/// A logged policy: id, what it inherits, who signed it, where.
type Row<'a> = (&'a str, Option<&'a str>, &'a str, u64);

/// The code of resolving the first row among all of them, or `OK`. Rows differ
/// in text, whatever their ids.
fn resolved(rows: &[Row<'_>]) -> &'static str {
    let policies: Vec<Policy> = rows
        .iter()
        .map(|(id, inherits, _, at)| {
            let resources = format!(r#""**","row/{at}""#);
            compile(&v2_payload(id, *inherits, &statement("Allow", ANY, &resources, "")))
        })
        .collect();
    let signers: Vec<_> = rows.iter().map(|(.., by, _)| signer(by)).collect();
    let logged: Vec<_> = rows.iter().enumerate().map(|(at, row)| logged(&policies[at], &signers[at], row.3)).collect();
    match resolve(logged[0], &logged) {
        Ok(lineage) => {
            assert_eq!(judge(&lineage, &argo("sync"), &context()).outcome, ALLOW);
            "OK"
        }
        Err(error) => {
            let refusal = error.refusal(Some(policies[0].hash()));
            refused(&refusal, error.code().name, "inherits");
            assert_eq!(refusal.clause.policy, Some(policies[0].hash()));
            assert!(refusal.sentence.starts_with("inherits: "), "{}", refusal.sentence);
            error.code().name
        }
    }
}

#[test]
fn lineages_that_cannot_be_walked_refuse_at_inherits() {
    const ME: &str = "policy signer";
    let rows: &[(&str, &[Row<'_>])] = &[
        ("OK", &[("c", Some("p"), ME, 9), ("p", Some("g"), ME, 5), ("g", None, ME, 1)]),
        // Cyclic: with itself, in two, in three, and above the child only.
        ("inheritance_cycle", &[("c", Some("c"), ME, 9), ("c", None, ME, 1)]),
        ("inheritance_cycle", &[("c", Some("p"), ME, 9), ("p", Some("c"), ME, 5)]),
        ("inheritance_cycle", &[("c", Some("p"), ME, 9), ("p", Some("g"), ME, 5), ("g", Some("c"), ME, 1)]),
        ("inheritance_cycle", &[("c", Some("p"), ME, 9), ("p", Some("g"), ME, 5), ("g", Some("p"), ME, 1)]),
        ("inheritance_cycle", &[("c", Some("p"), ME, 9), ("p", Some("p"), ME, 5), ("p", None, ME, 10)]),
        // Ambiguous: as a parent, as a grandparent; not by what is logged later.
        ("parent_ambiguous", &[("c", Some("p"), ME, 9), ("p", None, ME, 5), ("p", None, ME, 4)]),
        (
            "parent_ambiguous",
            &[("c", Some("p"), ME, 9), ("p", Some("g"), ME, 5), ("g", None, ME, 2), ("g", None, ME, 1)],
        ),
        ("OK", &[("c", Some("p"), ME, 9), ("p", Some("g"), ME, 5), ("g", None, ME, 6), ("g", None, ME, 1)]),
        // Another signer's: as a parent, as a grandparent, and between two of one's own.
        ("parent_of_another_signer", &[("c", Some("p"), ME, 9), ("p", None, "stranger", 5)]),
        ("parent_of_another_signer", &[("c", Some("p"), ME, 9), ("p", Some("g"), ME, 5), ("g", None, "stranger", 1)]),
        ("parent_of_another_signer", &[("c", Some("p"), ME, 9), ("p", Some("g"), "stranger", 5), ("g", None, ME, 1)]),
        ("OK", &[("c", Some("p"), ME, 9), ("p", None, "stranger", 5), ("p", None, ME, 4)]),
        // Later, and nowhere.
        ("parent_later", &[("c", Some("p"), ME, 9), ("p", Some("g"), ME, 5), ("g", None, ME, 6)]),
        ("parent_missing", &[("c", Some("p"), ME, 9), ("p", Some("g"), ME, 5)]),
        ("parent_missing", &[("c", Some("P"), ME, 9), ("p", None, ME, 5)]),
    ];
    for (at, (code, rows)) in rows.iter().enumerate() {
        assert_eq!(resolved(rows), *code, "row {at}");
    }
}

#[test]
fn nine_ancestors_are_too_deep_wherever_the_chain_ends() {
    let names: Vec<String> = (0..=ANCESTORS_MAX + 2).map(|at| format!("p{at}")).collect();
    let deep = |ancestors: usize| -> Vec<Row<'_>> {
        let above = |at: usize| (at < ancestors).then(|| names[at + 1].as_str());
        (0..=ancestors).map(|at| (names[at].as_str(), above(at), "policy signer", 100 - at as u64)).collect()
    };
    assert_eq!(ANCESTORS_MAX, 8);
    assert_eq!(resolved(&deep(8)), "OK");
    assert_eq!(resolved(&deep(9)), "inheritance_too_deep");
    // The ninth is not looked for: whether it exists changes nothing.
    let mut cut = deep(9);
    cut.pop();
    assert_eq!(resolved(&cut), "inheritance_too_deep");
    // A cycle that long is a cycle.
    let mut closed = deep(8);
    closed[8].1 = Some("p3");
    assert_eq!(resolved(&closed), "inheritance_cycle");
}

/// The payload with one change refuses to compile and to be admitted, both at
/// `path`.
fn refuses_form(good: &Value<'static>, path: &str, new: Option<&str>, code: &str) {
    let sealed = |payload| to_compact(&seal_raw(kind("work_policy"), payload, &key("policy signer")));
    assert_eq!(outcome(&sealed(good.clone())), "admitted");
    let mut bad = good.clone();
    set(&mut bad, path, new.map(value));
    let error = Policy::compile(&bad).expect_err(path);
    assert_eq!(error.code().name, "policy_malformed", "{path}");
    refused(&error.refusal(None), "policy_malformed", path);
    refuses(&sealed(bad), code, Some(&format!("payload.{path}")));
}

const INVALID: &str = "invalid_value";
const UNKNOWN: &str = "unknown_field";
const TYPE: &str = "wrong_type";

#[test]
fn the_customers_form_refuses_unknown_actions_operators_and_fields() {
    let deny = r#"{"action":"sync","apps":["payments-api"],"namespaces":["prod"]}"#;
    let good = customers_payload(SCENARIO_ALLOW, deny);
    let rows = [
        ("tools.argo_cd.allow[0].action", Some(r#""deploy""#), INVALID),
        ("tools.argo_cd.allow[1].action", Some(r#""Sync""#), INVALID),
        ("tools.argo_cd.allow[1].action", Some(r#""*""#), INVALID),
        ("tools.argo_cd.allow[1].action", Some(r#""""#), INVALID),
        ("tools.argo_cd.allow[1].action", Some("true"), TYPE),
        ("tools.argo_cd.allow[1].action", None, "missing_field"),
        ("tools.argo_cd.deny[0].action", Some(r#""drop_everything""#), INVALID),
        ("tools.argo_cd.deny[0].action", None, "missing_field"),
        ("tools.argo_cd.allow[0].conditions", Some(r#"{"StringEquals":{"Agent:DID":"x"}}"#), UNKNOWN),
        ("tools.argo_cd.deny[0].unless", Some("{}"), UNKNOWN),
        ("tools.argo_cd.mode", Some(r#""kubectl""#), INVALID),
        ("tools.argo_cd.except", Some("[]"), UNKNOWN),
        ("tools.kubectl", Some("{}"), UNKNOWN),
        ("token.cst.audience", Some(r#""x""#), UNKNOWN),
        ("token.jwt", Some("{}"), UNKNOWN),
        ("token.cst.max_ttl_seconds", Some("0"), INVALID),
        ("audit.sampled", Some("true"), UNKNOWN),
        ("workload.model", Some(r#""m""#), UNKNOWN),
        ("statements", Some("[]"), UNKNOWN),
        ("inherits", Some(r#""pol_1""#), UNKNOWN),
    ];
    for (path, new, code) in rows {
        refuses_form(&good, path, new, code);
    }
}

#[test]
fn version_1_refuses_unknown_actions_providers_and_fields() {
    let good = v1_payload(
        r#","allowed_providers":["openai"],"allowed_models":["*"],
        "redaction_rules":[{"path":"a.b","action":"hash"}]"#,
    );
    let rows = [
        ("allowed_providers[0]", Some(r#""openrouter""#), INVALID),
        ("allowed_providers[0]", Some(r#""OpenAI""#), INVALID),
        ("allowed_models[0]", Some("1"), TYPE),
        ("redaction_rules[0].action", Some(r#""drop""#), INVALID),
        ("redaction_rules[0].when", Some("{}"), UNKNOWN),
        ("minimum_model_identity_tier", Some(r#""trusted""#), INVALID),
        ("receipt_privacy_mode", Some(r#""none""#), INVALID),
        ("conditions", Some(r#"{"Bool":{"X":"true"}}"#), UNKNOWN),
        ("statements", Some("[]"), UNKNOWN),
        ("inherits", Some(r#""pol_0""#), UNKNOWN),
        ("tools", Some("{}"), UNKNOWN),
        ("issuer_did", None, "missing_field"),
    ];
    for (path, new, code) in rows {
        refuses_form(&good, path, new, code);
    }
}

#[test]
fn version_2_refuses_unknown_effects_operators_and_fields() {
    let condition = r#","conditions":{"Bool":{"Request:HasHumanApproval":"true"}}"#;
    let good = v2_payload("pol_2", None, &statement("Allow", ANY, ANY, condition));
    let rows = [
        ("statements[0].effect", Some(r#""Audit""#), INVALID),
        ("statements[0].effect", Some(r#""allow""#), INVALID),
        ("statements[0].conditions.StringEqualsIgnoreCase", Some(r#"{"Agent:DID":"x"}"#), UNKNOWN),
        ("statements[0].conditions.bool", Some(r#"{"X":"true"}"#), UNKNOWN),
        ("statements[0].conditions.Null", Some(r#"{"X":"true"}"#), UNKNOWN),
        ("statements[0].conditions.Bool", Some(r#""true""#), TYPE),
        ("statements[0].conditions.Bool.X", Some("true"), TYPE),
        ("statements[0].conditions.Bool.X", Some(r#"["true"]"#), TYPE),
        ("statements[0].notActions", Some(r#"["*"]"#), UNKNOWN),
        ("statements[0].principal", Some(r#""*""#), UNKNOWN),
        ("statements[0].actions", Some("[]"), INVALID),
        ("statements[0].actions[0]", Some(r#""""#), INVALID),
        ("statements[0].actions[0]", Some("7"), TYPE),
        ("statements[0].resources", None, "missing_field"),
        ("statements[0].sid", None, "missing_field"),
        ("coverage_enforcement", Some(r#""maybe""#), INVALID),
        ("allowed_models", Some(r#"["*"]"#), UNKNOWN),
        ("tools", Some("{}"), UNKNOWN),
    ];
    for (path, new, code) in rows {
        refuses_form(&good, path, new, code);
    }
}

#[test]
fn an_action_that_version_2_does_not_know_allows_nothing() {
    for action in ["argocd:app:teleport", "argocd:app:Sync", "argocd:app:sync ", "sync", "argocd:app", "ARGOCD:*"] {
        let judged_by = |statements: &str| judged(&compile(&v2_payload("p", None, statements)), &argo("sync"));
        let allow = statement("Allow", &format!(r#""{action}""#), ANY, "");
        refused(&judged_by(&allow), "no_clause_allows", "statements");
        // The peer's names are open: a Deny of another name is a Deny of something else.
        let deny = statement("Deny", &format!(r#""{action}""#), ANY, "");
        let both = format!("{},{deny}", statement("Allow", ANY, ANY, ""));
        assert_eq!(judged_by(&both).outcome, ALLOW, "{action}");
        let with_known = statement("Allow", &format!(r#""{action}","argocd:app:sync""#), ANY, "");
        assert_eq!(judged_by(&with_known).outcome, ALLOW, "{action}");
    }
    let deny = statement("Deny", r#""argocd:app:sync""#, ANY, "");
    let both = format!("{},{deny}", statement("Allow", ANY, ANY, ""));
    assert_eq!(judged(&compile(&v2_payload("p", None, &both)), &argo("sync")).outcome, Outcome::Deny);
}
