//! What a bundle shows by itself: a deny and a success of one act, told apart
//! from a turn in which one tool was denied and another done.

use pulselog::audit::bundle_alone;

use crate::audit::goldens::bundles::one_of_two_denied;
use crate::make::audit::Story;
use crate::make::value;

const CHAIN: &str = r#"[{"event_hash_b64u":"turn","event_type":"llm_call"},
    {"event_hash_b64u":"act","event_type":"tool_call"},{"event_hash_b64u":"untyped"}]"#;

/// Codes of a bundle with these two receipts: what was denied, what was done.
fn shows(denied: (&str, &str), done: (&str, &str)) -> Vec<&'static str> {
    let list = |array: &str| {
        let own = [denied, done].into_iter().filter(|(named, _)| *named == array);
        own.map(|(_, receipt)| format!("{{{receipt}}}")).collect::<Vec<_>>().join(",")
    };
    let bundle = value(&format!(
        r#"{{"event_chain":{CHAIN},"tool_receipts":[{}],"side_effect_receipts":[{}],"human_approval_receipts":[{}]}}"#,
        list(TOOLS),
        list(EFFECTS),
        list(PEOPLE)
    ));
    bundle_alone(&bundle, true).iter().map(|finding| finding.rule.code).collect()
}

const TOOLS: &str = "tool_receipts";
const EFFECTS: &str = "side_effect_receipts";
const PEOPLE: &str = "human_approval_receipts";

fn person(binding: &str) -> (&'static str, String) {
    (PEOPLE, format!(r#""approval_type":"explicit_deny","binding":{{{binding}}}"#))
}

fn effect(status: &str, binding: &str, request: &str) -> (&'static str, String) {
    let what = r#""effect_class":"external_api_write","target_hash_b64u":"target""#;
    let text =
        format!(r#"{what},"request_hash_b64u":"{request}","response_status":"{status}","binding":{{{binding}}}"#);
    (EFFECTS, text)
}

fn tool(name: &str, binding: &str) -> (&'static str, String) {
    let text =
        format!(r#""tool_name":"{name}","args_hash_b64u":"args","result_status":"success","binding":{{{binding}}}"#);
    (TOOLS, text)
}

fn of(denied: &(&'static str, String), done: &(&'static str, String)) -> Vec<&'static str> {
    shows((denied.0, &denied.1), (done.0, &done.1))
}

const ACT: &str = r#""event_hash_b64u":"act""#;
const TURN: &str = r#""event_hash_b64u":"turn""#;

#[test]
fn a_deny_and_a_success_of_one_span_contradict_each_other() {
    for (a, b) in [("span_id", "span_id"), ("spanId", "span_id"), ("spanId", "spanId")] {
        let (a, b) = (format!(r#""{a}":"s""#), format!(r#""{b}":"s""#));
        assert_eq!(of(&person(&a), &tool("x", &b)), ["SELF_CONTRADICTION"]);
        assert_eq!(of(&person(&a), &effect("success", &b, "r")), ["SELF_CONTRADICTION"]);
        assert_eq!(of(&effect("denied", &a, "q"), &effect("success", &b, "r")), ["SELF_CONTRADICTION"]);
    }
    let other = of(&person(r#""span_id":"s""#), &tool("x", r#""span_id":"t""#));
    assert!(other.is_empty());
}

#[test]
fn a_turn_that_asks_for_two_things_may_see_one_denied() {
    let below = |own: &str| format!(r#"{TURN},"span_id":"{own}","parent_span_id":"turn""#);
    assert!(of(&person(&below("a")), &tool("x", &below("b"))).is_empty());
    let under = format!(r#"{ACT},"tool_span_id":"tool""#);
    let two = |a, b| of(&effect("denied", &under, a), &effect("success", &under, b));
    assert!(two("one", "other").is_empty(), "of two requests of one tool, one is refused");
    assert_eq!(two("one", "one"), ["SELF_CONTRADICTION"]);
    for event in [TURN, r#""event_hash_b64u":"untyped""#, r#""event_hash_b64u":"in no chain""#] {
        assert!(of(&effect("denied", event, "r"), &effect("success", event, "r")).is_empty(), "{event}");
        let hung = format!(r#"{event},"parent_span_id":"turn""#);
        assert!(of(&person(&hung), &tool("x", &hung)).is_empty(), "{event}");
    }
}

#[test]
fn a_persons_deny_hangs_on_the_event_and_span_of_the_act() {
    let deny = person(&format!(r#"{ACT},"parent_span_id":"s""#));
    let done = |span: &str| effect("success", &format!(r#"{ACT},"tool_span_id":"{span}""#), "r");
    assert_eq!(of(&deny, &done("s")), ["SELF_CONTRADICTION"]);
    assert!(of(&deny, &done("other")).is_empty());
}

/// Whether the job's coverage tells of a deny that may be of an act that was done.
fn is_covered(story: &Story) -> bool {
    let report = story.audit();
    assert_eq!(report.findings, []);
    report.coverage.iter().any(|row| row.what == "deny and success that may be of one act")
}

#[test]
fn what_nothing_tells_apart_is_coverage() {
    let mut story = Story::clean();
    one_of_two_denied(&mut story);
    assert!(is_covered(&story), "they share a turn");
    // Nor does leaving names out hide them from each other.
    for hidden in ["span_id", "tool_span_id", "event_hash_b64u"] {
        story.unset("b1", &format!("human_approval_receipts[0].binding.{hidden}"));
        assert!(is_covered(&story), "{hidden}");
    }
    let mut story = Story::clean();
    one_of_two_denied(&mut story);
    for (array, own) in [("human_approval_receipts", "a"), ("side_effect_receipts", "b")] {
        story.set(
            "b1",
            &format!("{array}[0].binding"),
            value(&format!(r#"{{"run_id":"job-1.r1","span_id":"{own}"}}"#)),
        );
    }
    assert!(!is_covered(&story), "two spans are two acts");
}

#[test]
fn an_unsigned_bundle_says_so_beside_what_it_contradicts() {
    let bundle = value(
        r#"{"side_effect_receipts":[{"binding":{"span_id":"s"},"response_status":"success"}],
        "human_approval_receipts":[{"binding":{"spanId":"s"},"approval_type":"explicit_deny"}]}"#,
    );
    let found = |signed| bundle_alone(&bundle, signed).iter().map(|finding| finding.rule.code).collect::<Vec<_>>();
    assert_eq!(found(true), ["SELF_CONTRADICTION"]);
    assert_eq!(found(false), ["SELF_CONTRADICTION", "UNSIGNED_BUNDLE"]);
    assert_eq!(bundle_alone(&value("{}"), true), []);
}

#[test]
fn the_shared_bundle_that_denies_and_acts_fails_alone() {
    let Some(path) = crate::make::shared("clawsig/argo") else { return };
    for file in std::fs::read_dir(path).expect("a directory").flatten() {
        let text = std::fs::read_to_string(file.path()).expect("a vector");
        let payload = value(&text).at("envelope.payload").cloned().expect("a payload");
        let denies = file.path().to_string_lossy().contains("explicit_deny");
        assert_eq!(!bundle_alone(&payload, true).is_empty(), denies, "{}", file.path().display());
    }
}
