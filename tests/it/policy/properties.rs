//! What holds for every policy and every pattern.

use proptest::prelude::*;

use pulselog::artifact::json::{Value, to_compact};
use pulselog::policy::{Action, Context, Glob, Outcome, Policy, clauses_in_words};

use crate::make::policy::*;

/// Matches as PEERS 6.6 words it, by trying everything.
fn slow(pattern: &[u16], text: &[u16]) -> bool {
    const SLASH: u16 = b'/' as u16;
    const STAR: u16 = b'*' as u16;
    match pattern {
        [] => text.is_empty(),
        [STAR, STAR, rest @ ..] => {
            let rest = rest.strip_prefix(&[SLASH]).unwrap_or(rest);
            (0..=text.len()).any(|taken| slow(rest, &text[taken..]))
        }
        [STAR, rest @ ..] => {
            let run = text.iter().take_while(|unit| **unit != SLASH).count();
            (0..=run).any(|taken| slow(rest, &text[taken..]))
        }
        [first, rest @ ..] => match text {
            [unit, text @ ..] if (*first == b'?' as u16 && *unit != SLASH) || first == unit => slow(rest, text),
            _ => false,
        },
    }
}

fn reference(pattern: &str, text: &str) -> bool {
    let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
    pattern == "*" || slow(&units(pattern), &units(text))
}

#[test]
fn patterns_match_as_they_are_documented() {
    for (pattern, text, matches) in [
        ("*", "a/b", true),
        ("*", "", true),
        ("**", "a/b", true),
        ("a/*", "a/b", true),
        ("a/*", "a/b/c", false),
        ("a/*", "a/", true),
        ("a/**", "a/b/c", true),
        ("a/**/c", "a/c", true),
        ("a/**/c", "a/b/c", true),
        ("a/**/c", "a/xc", true),
        ("?", "😀", false),
        ("??", "😀", true),
        ("?", "/", false),
        ("a.c", "abc", false),
        ("[ab]", "a", false),
        ("(a|b)", "(a|b)", true),
        ("A", "a", false),
        ("", "", true),
        ("", "a", false),
        ("***", "a/b", true),
    ] {
        assert_eq!(Glob::new(pattern).matches(text), matches, "{pattern} {text}");
        assert_eq!(reference(pattern, text), matches, "reference: {pattern} {text}");
    }
}

#[test]
fn hostile_patterns_are_matched_in_bounded_time() {
    // Exponential for a matcher that backtracks.
    let pattern = "*a**".repeat(125) + "b";
    assert!(!Glob::new(&pattern).matches(&"a".repeat(1000)));
    assert!(Glob::new(&pattern).matches(&("a".repeat(1000) + "b")));
}

fn names() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["payments-api", "billing-api", "prod", "prod-canary", "dev"]).prop_map(str::to_owned)
}

fn actions() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["read", "sync", "rollback", "edit_app_spec"]).prop_map(str::to_owned)
}

fn list(items: &[String]) -> String {
    items.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(",")
}

fn allow_row() -> impl Strategy<Value = String> {
    (actions(), prop::collection::vec(names(), 1..3), prop::collection::vec(names(), 1..3), any::<bool>()).prop_map(
        |(action, apps, namespaces, approval)| {
            format!(
                r#"{{"action":"{action}","apps":[{}],"namespaces":[{}],"require_approval":{approval}}}"#,
                list(&apps),
                list(&namespaces)
            )
        },
    )
}

fn deny_row() -> impl Strategy<Value = String> {
    let some = || prop::option::of(prop::collection::vec(names(), 1..3));
    (actions(), some(), some()).prop_map(|(action, apps, namespaces)| {
        let member = |name: &str, items: Option<Vec<String>>| {
            items.map(|items| format!(r#","{name}":[{}]"#, list(&items))).unwrap_or_default()
        };
        format!(r#"{{"action":"{action}"{}{}}}"#, member("apps", apps), member("namespaces", namespaces))
    })
}

fn patterns() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "*",
        "argocd:app:*",
        "argocd:app:sync",
        "argocd:app:get",
        "tool:execute",
        "model:invoke",
        "argocd/**",
        "argocd/*/payments/prod/*",
        "argocd/*/*/*/payments-api",
        "model/*/gpt-*",
    ])
    .prop_map(str::to_owned)
}

fn a_statement(effect: &'static str) -> impl Strategy<Value = String> {
    let conditions = prop::sample::select(vec![
        "",
        r#","conditions":{}"#,
        r#","conditions":{"Bool":{"Request:HasHumanApproval":"true"}}"#,
        r#","conditions":{"Bool":{"Request:HasHumanApproval":"false"}}"#,
        r#","conditions":{"StringNotEquals":{"Context:Hour":"3"}}"#,
        r#","conditions":{"StringLike":{"Agent:DID":"did:key:*"}}"#,
        r#","conditions":{"NumericLessThan":{"X:Number":"x"}}"#,
        r#","conditions":{"StringEquals":{"Model:Provider":"openai"}}"#,
    ]);
    let lists = || prop::collection::vec(patterns(), 1..3);
    (lists(), lists(), conditions)
        .prop_map(move |(actions, resources, more)| statement(effect, &list(&actions), &list(&resources), more))
}

fn any_action() -> impl Strategy<Value = Action> {
    let argo = (actions(), names(), names(), prop::option::of(names()), any::<bool>()).prop_map(
        |(action, app, namespace, observed, prune)| {
            let params = if prune { r#"{"prune":true}"# } else { "{}" };
            let action = argo_action(&binds(&action, &app, &namespace, params));
            Action::Argo(action.with_observed_namespaces(observed.iter().map(String::as_str)))
        },
    );
    let call = (prop::sample::select(vec!["openai", "x/y"]), prop::sample::select(vec!["gpt-5", "a/b"]))
        .prop_map(|(provider, model)| Action::ModelCall(model_call(provider, model)));
    prop_oneof![3 => argo, 1 => call]
}

fn any_context() -> impl Strategy<Value = Context> {
    any::<(bool, bool)>().prop_map(|(instances, approved)| {
        let context = if instances { context() } else { Context::new() };
        let pruning = argo_action(&binds("sync", "a", "b", r#"{"prune":true}"#));
        if approved { context.with_approved_params(pruning.params()) } else { context }
    })
}

fn is_allowed(payload: &Value, action: &Action, context: &Context) -> bool {
    judged_in(&compile(payload), action, context).is_allow()
}

fn without(items: &[String], at: usize) -> Vec<String> {
    items.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, item)| item.clone()).collect()
}

proptest! {
    #[test]
    fn patterns_match_what_the_slow_matcher_matches(pattern in "[ab/*?😀]{0,8}", text in "[ab/😀]{0,8}") {
        prop_assert_eq!(Glob::new(&pattern).matches(&text), reference(&pattern, &text));
    }

    #[test]
    fn any_text_is_a_pattern_that_matches_itself_without_wildcards(pattern in "\\PC{0,40}", text in "\\PC{0,40}") {
        let _ = Glob::new(&pattern).matches(&text);
        if !pattern.contains(['*', '?']) {
            prop_assert!(Glob::new(&pattern).matches(&pattern));
        }
    }

    #[test]
    fn one_more_deny_or_one_less_allow_never_allows_in_the_customers_form(
        allow in prop::collection::vec(allow_row(), 2..5),
        deny in prop::collection::vec(deny_row(), 0..3),
        more in deny_row(),
        less in any::<prop::sample::Index>(),
        action in any_action(),
        context in any_context(),
    ) {
        let of = |allow: &[String], deny: &[String]| customers_payload(&allow.join(","), &deny.join(","));
        if !is_allowed(&of(&allow, &deny), &action, &context) {
            let more = [deny.clone(), vec![more]].concat();
            prop_assert!(!is_allowed(&of(&allow, &more), &action, &context));
            let less = without(&allow, less.index(allow.len()));
            prop_assert!(!is_allowed(&of(&less, &deny), &action, &context));
        }
    }

    #[test]
    fn one_more_deny_or_one_less_allow_never_allows_in_statements(
        allow in prop::collection::vec(a_statement("Allow"), 2..5),
        deny in prop::collection::vec(a_statement("Deny"), 0..3),
        more in a_statement("Deny"),
        less in any::<prop::sample::Index>(),
        action in any_action(),
        context in any_context(),
    ) {
        let of = |allow: &[String], deny: &[String]| v2_payload("p", None, &[allow, deny].concat().join(","));
        if !is_allowed(&of(&allow, &deny), &action, &context) {
            let more = [deny.clone(), vec![more]].concat();
            prop_assert!(!is_allowed(&of(&allow, &more), &action, &context));
            let less = without(&allow, less.index(allow.len()));
            prop_assert!(!is_allowed(&of(&less, &deny), &action, &context));
        }
    }

    #[test]
    fn judging_and_saying_never_panic_and_are_the_same_twice(
        statements in prop::collection::vec(prop_oneof![a_statement("Allow"), a_statement("Deny")], 1..6),
        texts in prop::collection::vec("\\PC{1,30}", 4),
        action in any_action(),
        context in any_context(),
    ) {
        let quoted = |text: &String| to_compact(&text.as_str().into());
        let odd = statement("Deny", &quoted(&texts[0]), &quoted(&texts[1]),
            &format!(r#","conditions":{{"StringNotLike":{{{}:{}}}}}"#, quoted(&texts[2]), quoted(&texts[3])));
        let payload = v2_payload("p", None, &[statements, vec![odd]].concat().join(","));
        // A key may be longer than a policy may have it: then it does not compile.
        if let Ok(policy) = Policy::compile(&payload) {
            let judgement = judged_in(&policy, &action, &context);
            prop_assert_eq!(&judgement, &judged_in(&policy, &action, &context));
            prop_assert!(judgement.outcome != Outcome::NotGoverned);
            prop_assert!(!clauses_in_words(&policy).is_empty());
        }
    }

    #[test]
    fn the_order_of_rows_never_changes_the_outcome(
        allow in prop::collection::vec(a_statement("Allow"), 1..4),
        deny in prop::collection::vec(a_statement("Deny"), 0..3),
        action in any_action(),
        context in any_context(),
    ) {
        let mut statements = [allow, deny].concat();
        let outcome = |statements: &[String]| {
            judged_in(&compile(&v2_payload("p", None, &statements.join(","))), &action, &context).outcome
        };
        let before = outcome(&statements);
        statements.reverse();
        prop_assert_eq!(outcome(&statements), before);
    }
}
