//! Golden logs about what runtimes honestly do when they pack a run: receipts
//! that gateways bind in part, calls cut short, a receipt listed twice.

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};
use pulselog::audit::{Effect, Severity};

use crate::audit::goldens::policies::child_of_customers;
use crate::audit::goldens::tokens::{bundle_again, call_again};
use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{START_MS, Story, time};
use crate::make::{key, kind, seal_raw, set, value};

/// A second call of the first run, logged beside the first.
fn second_call(story: &mut Story) {
    call_again(story);
    story.last_after("r1 call 1");
}

/// Both calls of the first run without the members of their binding.
fn loose(story: &mut Story, calls: &[u32], members: &[&str]) {
    second_call(story);
    for call in calls {
        for member in members {
            story.unset(&format!("r1 call {call}"), &format!("binding.{member}"));
        }
    }
    bundle_again(story, &[1, 2]);
}

const EVENT: &str = "event_hash_b64u";
const RUN: &str = "run_id";

/// The receipts of the first bundle.
fn receipts(story: &Story) -> Vec<Value<'static>> {
    story.said("b1").get("receipts").and_then(Value::as_array).expect("receipts").to_vec()
}

fn listed_twice(story: &mut Story) {
    let one = receipts(story)[0].clone();
    story.set("b1", "receipts", Value::Array(vec![one.clone(), one]));
}

/// A call that only its gateway tells of; whether the runtime wrote its event.
fn cut_short(story: &mut Story, has_event: bool, has_hash: bool) {
    second_call(story);
    if !has_hash {
        story.unset("r1 call 2", "binding.event_hash_b64u");
    }
    bundle_again(story, &[1]);
    if has_event {
        story.set("b1", "event_chain", Value::Array(story.chain("r1", 2)));
    }
}

/// A third run whose bundle holds a receipt of the first, both under one grant.
fn packed_elsewhere(story: &mut Story, call: &str) {
    story.unset("r1 call 1", "binding.event_hash_b64u");
    story.unset("r1 call 1", "binding.run_id");
    bundle_again(story, &[1]);
    story.token("t3");
    let scope = story.decided_scope("sync");
    // The same grant: what distinguishes it is the life alone.
    let at = story.index("t1") as usize;
    let claims = story.steps[at].payload.get("claims").expect("claims").clone();
    story.set("t3", "claims", claims);
    story.call("r3", "t3", 1);
    story.set("r3 call 1", "binding.token_scope_hash_b64u", scope);
    story.unset("r3 call 1", "binding.event_hash_b64u");
    story.bundle("b3", "r3", "t3", &[1]);
    let payload = story.said(call).clone();
    story.set("b3", "receipts[0]", seal_raw(kind("gateway_receipt"), payload, &key("gateway")));
}

/// The first run with two calls, one of which its bundle leaves out.
fn one_left_out(story: &mut Story) {
    second_call(story);
    bundle_again(story, &[1]);
}

fn change(key: &str) -> Value<'static> {
    value(&format!(r#"{{"system":"jira","key":"OPS-{key}"}}"#))
}

/// The first run packed twice: after two calls, and at its end, after a third.
fn again(story: &mut Story, change_last: fn(&mut Story)) {
    second_call(story);
    bundle_again(story, &[1, 2]);
    story.set("b1", "metadata.pulselog.change_ref", change("1"));
    let mut first = story.remove("b1");
    first.name = "job-1.b0".to_owned();
    story.insert_after("read receipt", first);
    story.call("r1", "t1", 3);
    story.set("r1 call 3", "binding.token_scope_hash_b64u", story.decided_scope("sync"));
    story.last_after("b0");
    story.bundle("b1", "r1", "t1", &[1, 2, 3]);
    story.set("b1", "metadata.pulselog.change_ref", change("1"));
    change_last(story);
}

/// A chain of the first run that begins with another event.
fn other_beginning(story: &Story) -> Value<'static> {
    let mut before = Value::Null;
    let events = story.chain("r1", 3).into_iter().enumerate().map(|(at, mut event)| {
        if at == 0 {
            set(&mut event, "timestamp", Some(time(START_MS + 1_000).into()));
        }
        set(&mut event, "prev_hash_b64u", Some(before.clone()));
        set(&mut event, "event_hash_b64u", None);
        before = PayloadHash::of(to_compact(&event).as_bytes()).to_b64u().into();
        set(&mut event, "event_hash_b64u", Some(before.clone()));
        event
    });
    Value::Array(events.collect())
}

pub static ROWS: &[Golden] = &[
    golden(
        "a receipt beside one that is listed twice, for the same event",
        |story| {
            second_call(story);
            story.set("r1 call 2", "binding.event_hash_b64u", event(story));
            bundle_again(story, &[1, 2]);
            story.set("b1", "event_chain", Value::Array(story.chain("r1", 1)));
        },
        &["GATEWAY_RECEIPT_DOUBLED"],
        Fail,
    )
    .beside(listed_twice),
    golden(
        "fewer receipts without event than model calls",
        |story| {
            loose(story, &[1, 2], &[EVENT]);
            story.set("b1", "event_chain", Value::Array(story.chain("r1", 3)));
        },
        &["GATEWAY_RECEIPT_MISSING"],
        Fail,
    )
    .beside(|story| loose(story, &[1, 2], &[EVENT])),
    golden(
        "more receipts without event than model calls",
        |story| {
            loose(story, &[2], &[EVENT]);
            story.set("b1", "event_chain", Value::Array(story.chain("r1", 1)));
        },
        &["RECEIPT_UNBOUND"],
        Incomplete,
    )
    .beside(|story| loose(story, &[2], &[EVENT])),
    golden(
        "a receipt without event of another run",
        |story| {
            loose(story, &[2], &[EVENT]);
            story.set("r1 call 2", "binding.run_id", "job-1.r2");
            story.set("r1 call 2", "binding.token_scope_hash_b64u", story.decided_scope("back"));
            story.move_after("r1 call 2", "r2 call 1");
            bundle_again(story, &[1, 2]);
            story.move_after("b1", "back seen");
        },
        &["GATEWAY_RECEIPT_MISSING", "RECEIPT_NOT_IN_BUNDLE", "RECEIPT_OF_ANOTHER_RUN"],
        Fail,
    )
    .beside(|story| loose(story, &[2], &[EVENT])),
    golden(
        "receipts without event and grant",
        |story| loose(story, &[2], &[EVENT, "token_scope_hash_b64u"]),
        &["GATEWAY_RECEIPT_MISSING", "RECEIPT_UNBOUND"],
        Fail,
    )
    .beside(|story| loose(story, &[2], &[RUN])),
    golden(
        "one receipt without run and event in the bundles of two runs",
        |story| packed_elsewhere(story, "r1 call 1"),
        &["RECEIPT_NOT_IN_BUNDLE", "RECEIPT_UNBOUND"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r3", Fail)])
    .beside(|story| packed_elsewhere(story, "r3 call 1")),
    golden(
        "a call cut short, whose receipt only the gateway has",
        |story| cut_short(story, false, true),
        &["RECEIPT_NOT_IN_BUNDLE"],
        Incomplete,
    )
    .runs(&[("agent", "r1", Incomplete), ("agent", "r2", Pass)])
    .beside(|story| loose(story, &[], &[])),
    golden(
        "a call cut short after its event was written",
        |story| cut_short(story, true, true),
        &["RECEIPT_NOT_IN_BUNDLE"],
        Incomplete,
    )
    .beside(|story| loose(story, &[], &[])),
    golden(
        "a call cut short, and its receipt names no event",
        |story| cut_short(story, true, false),
        &["RECEIPT_NOT_IN_BUNDLE"],
        Incomplete,
    )
    .beside(|story| loose(story, &[2], &[EVENT])),
    golden(
        "a bundle that leaves out a call that its policy refuses",
        |story| {
            *story = child_of_customers();
            one_left_out(story);
        },
        &["POLICY_NONCOMPLIANT", "RECEIPT_NOT_IN_BUNDLE"],
        Fail,
    )
    .beside(|story| loose(story, &[], &[])),
    golden(
        "a run packed again with a shorter chain",
        |story| {
            again(story, |story| {
                story.unset("b1", "event_chain[2]");
                story.unset("b1", "event_chain[1]");
            });
        },
        &["RECEIPT_EVENT_UNKNOWN", "REPLAY_RUN_ID_REUSED"],
        Fail,
    )
    .beside(|story| again(story, |_| {})),
    golden(
        "a run packed again with another beginning",
        |story| again(story, |story| story.set("b1", "event_chain", other_beginning(story))),
        &["GATEWAY_RECEIPT_MISSING", "RECEIPT_EVENT_UNKNOWN", "REPLAY_RUN_ID_REUSED"],
        Fail,
    )
    .beside(|story| again(story, |_| {})),
    golden(
        "a run packed again without a receipt that it held",
        |story| again(story, |story| story.unset("b1", "receipts[1]")),
        &["RECEIPT_NOT_IN_BUNDLE", "REPLAY_RUN_ID_REUSED"],
        Fail,
    )
    .beside(|story| again(story, |_| {})),
    golden(
        "a run packed again for another change",
        |story| again(story, |story| story.set("b1", "metadata.pulselog.change_ref", change("2"))),
        &["REPLAY_RUN_ID_REUSED", "TICKET_MISMATCH"],
        Fail,
    )
    .beside(|story| again(story, |_| {})),
    golden(
        "a run packed again without its token",
        |story| again(story, |story| story.set("b1", "metadata.pulselog.token_hashes", Value::Array(vec![]))),
        &["REPLAY_RUN_ID_REUSED"],
        Fail,
    )
    .beside(|story| again(story, |_| {})),
    golden(
        "a run packed again by somebody else",
        |story| {
            again(story, |_| {});
            story.signed_by("b1", "stranger");
        },
        &["RECEIPT_NOT_IN_BUNDLE", "UNTRUSTED_STATEMENT"],
        Incomplete,
    )
    .beside(|story| again(story, |_| {})),
    golden(
        "a run packed again with a call that the first bundle left out",
        |story| {
            again(story, |_| {});
            story.move_after("b0", "b1");
            story.move_after("b0", "edit");
            story.set("b0", "event_chain", Value::Array(story.chain("r1", 1)));
            let first = receipts(story)[0].clone();
            story.set("b0", "receipts", Value::Array(vec![first]));
        },
        &["RECEIPT_NOT_IN_BUNDLE"],
        Incomplete,
    )
    .beside(|story| again(story, |_| {})),
];

fn event(story: &Story) -> String {
    story.chain("r1", 1)[0].text_at("event_hash_b64u").expect("an event").to_owned()
}

#[test]
fn a_call_left_out_fails_the_run_only_where_its_policy_refuses_it() {
    for (mut story, expected) in [
        (Story::clean(), (Severity::Medium, Effect::Incomplete)),
        (child_of_customers(), (Severity::Critical, Effect::Fails)),
    ] {
        one_left_out(&mut story);
        let report = story.audit();
        let found = report.findings.iter().find(|finding| finding.rule.code == "RECEIPT_NOT_IN_BUNDLE");
        assert_eq!(found.map(|finding| (finding.severity, finding.effect)), Some(expected), "{report:#?}");
    }
}
