//! `inherits`: who stands above a policy, and that each must allow.

use pulselog::policy::{ANCESTORS_MAX, Action, Lineage, Outcome, Policy, judge, resolve};

use crate::make::policy::*;

const ANY: &str = r#""*""#;

fn all(id: &str, parent: Option<&str>) -> Policy {
    compile(&v2_payload(id, parent, &statement("Allow", ANY, ANY, "")))
}

/// `all`, in another text.
fn all_again(id: &str, parent: Option<&str>) -> Policy {
    compile(&v2_payload(id, parent, &statement("Allow", r#""**""#, ANY, "")))
}

#[test]
fn a_policy_that_inherits_is_never_judged_alone() {
    let child = all("child", Some("parent"));
    assert_eq!(Lineage::alone(&child).expect_err("inherits").code().name, "parent_missing");
    let me = signer("policy signer");
    let error = resolve(logged(&child, &me, 3), &[]).expect_err("nothing logged");
    assert_eq!(error.code().name, "parent_missing");
    let refusal = error.refusal(Some(child.hash()));
    refused(&refusal, "parent_missing", "inherits");
    assert_eq!(refusal.clause.policy, Some(child.hash()));
}

#[test]
fn every_ancestor_must_allow_not_only_the_parent() {
    let me = signer("policy signer");
    let child = all("child", Some("parent"));
    let parent = all("parent", Some("grandparent"));
    let narrow = statement("Allow", r#""argocd:app:get""#, ANY, "");
    let grandparent = compile(&v2_payload("grandparent", None, &narrow));
    let candidates = [logged(&child, &me, 9), logged(&parent, &me, 5), logged(&grandparent, &me, 1)];
    let lineage = resolve(candidates[0], &candidates).expect("a lineage");
    assert_eq!(lineage.ancestors().count(), 2);
    assert_eq!(judge(&lineage, &argo("read"), &context()).outcome, ALLOW);
    let judgement = judge(&lineage, &argo("sync"), &context());
    refused(&judgement, "no_clause_allows", "statements");
    assert_eq!(judgement.clause.policy, Some(grandparent.hash()));
}

#[test]
fn an_ancestor_may_deny_require_approval_or_be_silent() {
    let me = signer("policy signer");
    let child = all("child", Some("parent"));
    let approval = r#","conditions":{"Bool":{"Request:HasHumanApproval":"true"}}"#;
    let parents = [
        (v2_payload("parent", None, &statement("Allow", ANY, ANY, approval)), WITH_APPROVAL, "allowed_with_approval"),
        (
            v2_payload(
                "parent",
                None,
                &format!("{},{}", statement("Allow", ANY, ANY, ""), statement("Deny", ANY, ANY, "")),
            ),
            Outcome::Deny,
            "denied_by_clause",
        ),
        (crate::make::value(&v1_text().replace("pol_1", "parent")), Outcome::Deny, "ancestor_silent"),
    ];
    for (payload, outcome, code) in parents {
        let parent = compile(&payload);
        let lineage = resolve(logged(&child, &me, 2), &[logged(&parent, &me, 1)]).expect("a lineage");
        let judgement = judge(&lineage, &argo("sync"), &context());
        assert_eq!((judgement.outcome, judgement.reason.code().name), (outcome, code));
        assert_eq!(judgement.clause.policy, Some(parent.hash()));
    }
}

fn v1_text() -> String {
    pulselog::artifact::json::to_compact(&v1_payload(r#","allowed_providers":["openai"],"allowed_models":["*"]"#))
}

#[test]
fn version_1_above_version_2_narrows_model_calls() {
    let me = signer("policy signer");
    let child = all("child", Some("pol_1"));
    let parent = compile(&crate::make::value(&v1_text()));
    let lineage = resolve(logged(&child, &me, 2), &[logged(&parent, &me, 1)]).expect("a lineage");
    let outcome = |provider| judge(&lineage, &Action::ModelCall(model_call(provider, "m")), &context()).outcome;
    assert_eq!((outcome("openai"), outcome("anthropic")), (ALLOW, Outcome::Deny));
}

#[test]
fn a_parent_is_one_of_the_same_signer_logged_earlier() {
    let (me, stranger) = (signer("policy signer"), signer("stranger"));
    let child = all("child", Some("parent"));
    let (parent, other) = (all("parent", None), all_again("parent", None));
    let code =
        |candidates: &[_]| resolve(logged(&child, &me, 5), candidates).map(|_| ()).map_err(|error| error.code().name);
    assert_eq!(code(&[logged(&parent, &me, 4)]), Ok(()));
    assert_eq!(code(&[logged(&parent, &stranger, 4)]), Err("parent_of_another_signer"));
    assert_eq!(code(&[logged(&parent, &me, 5)]), Err("parent_later"));
    assert_eq!(code(&[logged(&parent, &me, 6)]), Err("parent_later"));
    assert_eq!(code(&[logged(&parent, &me, 6), logged(&parent, &stranger, 1)]), Err("parent_later"));
    assert_eq!(code(&[logged(&parent, &me, 3), logged(&other, &me, 4)]), Err("parent_ambiguous"));
    // A stranger and the future change nothing; the same statement twice is one.
    assert_eq!(code(&[logged(&parent, &me, 3), logged(&other, &stranger, 1)]), Ok(()));
    assert_eq!(code(&[logged(&parent, &me, 3), logged(&other, &me, 7)]), Ok(()));
    assert_eq!(code(&[logged(&parent, &me, 3), logged(&parent, &me, 4)]), Ok(()));
}

#[test]
fn cycles_refuse() {
    let me = signer("policy signer");
    let own = all("a", Some("a"));
    assert_eq!(
        resolve(logged(&own, &me, 1), &[logged(&own, &me, 0)]).expect_err("own").code().name,
        "inheritance_cycle"
    );
    let (a, b, older) = (all("a", Some("b")), all("b", Some("a")), all("a", None));
    for candidates in [
        vec![logged(&a, &me, 5), logged(&b, &me, 3)],
        vec![logged(&a, &me, 5), logged(&b, &me, 3), logged(&older, &me, 1)],
    ] {
        assert_eq!(resolve(candidates[0], &candidates).expect_err("cycle").code().name, "inheritance_cycle");
    }
}

#[test]
fn eight_ancestors_are_the_most() {
    let me = signer("policy signer");
    let names: Vec<_> = (0..=ANCESTORS_MAX + 1).map(|at| format!("p{at}")).collect();
    let chain: Vec<_> =
        (0..names.len()).map(|at| all(&names[at], at.checked_sub(1).map(|at| names[at].as_str()))).collect();
    let candidates: Vec<_> = chain.iter().zip(0..).map(|(policy, at)| logged(policy, &me, at)).collect();
    let lineage = resolve(candidates[ANCESTORS_MAX], &candidates).expect("as deep as allowed");
    assert_eq!(lineage.ancestors().count(), ANCESTORS_MAX);
    assert_eq!(judge(&lineage, &argo("sync"), &context()).outcome, ALLOW);
    let error = resolve(candidates[ANCESTORS_MAX + 1], &candidates).expect_err("one deeper");
    assert_eq!(error.code().name, "inheritance_too_deep");
}
