//! Golden logs about bundles, the receipts in them, and Trust Pulses.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::tokens::{bundle_again, call_again};
use crate::audit::goldens::{Golden, Read, golden};
use crate::make::audit::{START_MS, Story, time};
use crate::make::{b64u, did, hex, key, kind, seal_raw, set, value};

fn event(story: &Story) -> String {
    story.chain("r1", 1)[0].text_at("event_hash_b64u").expect("an event").to_owned()
}

/// A receipt of the agent's own, without envelope, bound to the first run in
/// every way it can be.
fn own(story: &Story, more: &str) -> Value<'static> {
    let (event, scope) = (event(story), story.decided_scope("sync"));
    let policy = story.said("sync").text_at("policy_hash_b64u").expect("a policy");
    value(&format!(
        r#"{{"receipt_id":"own","agent_did":"{}","binding":{{"run_id":"job-1.r1","event_hash_b64u":"{event}",
        "token_scope_hash_b64u":"{scope}","policy_hash":"{policy}","tool_span_id":"span-1"}}{more}}}"#,
        did("agent")
    ))
}

const TOOL: &str = r#","tool_name":"argocd.app.sync","result_status":"success""#;
const WRITE: &str = r#","effect_class":"filesystem_write","response_status":"success""#;

/// The first bundle with one receipt of the agent's own, one member changed.
fn holds(story: &mut Story, array: &str, more: &str, change: Option<(&str, &str)>) {
    let mut receipt = own(story, more);
    if let Some((path, new)) = change {
        set(&mut receipt, path, Some(new.into()));
    }
    story.set("b1", array, Value::Array(vec![receipt]));
}

fn tool(story: &mut Story) {
    holds(story, "tool_receipts", TOOL, None);
}

/// A deny beside what became of the same span.
fn deny_and(story: &mut Story, status: &str) {
    holds(story, "human_approval_receipts", r#","approval_type":"explicit_deny""#, None);
    holds(story, "side_effect_receipts", &format!(r#","response_status":"{status}""#), None);
    for array in ["human_approval_receipts", "side_effect_receipts"] {
        story.set("b1", &format!("{array}[0].binding.span_id"), "act");
    }
}

/// One turn asked for two tools: a person denied one, and the other was done.
pub fn one_of_two_denied(story: &mut Story) {
    deny_and(story, "success");
    story.set("b1", "side_effect_receipts[0].binding.span_id", "another act");
}

/// The bundle's first receipt as somebody else sealed it.
fn sealed_by(story: &mut Story, who: &str) {
    let payload = story.said("r1 call 1").clone();
    story.set("b1", "receipts[0]", seal_raw(kind("gateway_receipt"), payload, &key(who)));
}

/// Calls of both runs in the first bundle.
fn swapped(story: &mut Story) {
    let receipt = story.said("b2").get("receipts").and_then(Value::as_array).expect("receipts")[0].clone();
    let own = story.said("b1").get("receipts").and_then(Value::as_array).expect("receipts")[0].clone();
    story.set("b1", "receipts", Value::Array(vec![own, receipt]));
}

/// A second call for the first event.
fn doubled(story: &mut Story, event: Option<String>) {
    call_again(story);
    if let Some(event) = event {
        story.set("r1 call 2", "binding.event_hash_b64u", event);
    }
    story.last_after("r1 call 1");
    bundle_again(story, &[1, 2]);
}

pub fn review(story: &mut Story, signer: &str, reviewer: &str) {
    story.set("roots", "reviewers", Value::Array(vec![did("reviewer").into()]));
    let row = format!(
        r#"[{{"envelope_type":"reviewer_signoff_receipt","signer_did":"{}","payload":{{"reviewer_did":"{}"}}}}]"#,
        did(signer),
        did(reviewer)
    );
    story.set("b1", "metadata.reviewer_signoff_receipts", value(&row));
}

fn pulse(story: &mut Story, tools: &str, files: &str) {
    let payload = value(&format!(
        r#"{{"trust_pulse_version":"1","run_id":"job-1.r1","agent_did":"{}","issued_at":"{}",
        "evidence_class":"self_reported","tier_uplift":false,"tools":[{tools}],"files":[{files}]}}"#,
        did("agent"),
        time(START_MS)
    ));
    story.log("pulse", "trust_pulse", "agent", payload);
}

const ONE_SYNC: &str = r#"{"name":"argocd.app.sync","calls":1}"#;

/// No bundle, and two hours later something else.
fn no_bundle(story: &mut Story, remove: bool) {
    if remove {
        story.remove("b2");
    }
    story.wait(7_200_000);
    story.approve("tick", "deny", "read");
}

pub static ROWS: &[Golden] = &[
    golden(
        "a bundle without envelope, of a made-up agent",
        |story| story.set("b1", "agent_did", did("nobody")),
        &["UNSIGNED_BUNDLE"],
        Fail,
    )
    .read(Read::Alone("b1", false))
    .of(&["7.8 bare forged bundle"]),
    golden("a bundle alone that denies and acts", |story| deny_and(story, "success"), &["SELF_CONTRADICTION"], Fail)
        .read(Read::Alone("b1", true))
        .beside(one_of_two_denied),
    golden("a bundle that denies and acts", |story| deny_and(story, "success"), &["SELF_CONTRADICTION"], Fail)
        .of(&["7.8 deny beside success"])
        .beside(one_of_two_denied),
    golden(
        "a bundle that tells of one span as denied and as done by the tool",
        |story| {
            deny_and(story, "denied");
            holds(story, "tool_receipts", TOOL, None);
            story.set("b1", "tool_receipts[0].binding.spanId", "act");
        },
        &["SELF_CONTRADICTION"],
        Fail,
    )
    .beside(|story| deny_and(story, "denied")),
    golden(
        "a bundle of no run that denies and acts",
        |story| {
            deny_and(story, "success");
            for array in ["human_approval_receipts", "side_effect_receipts"] {
                story.set("b1", &format!("{array}[0].binding"), value(r#"{"span_id":"act"}"#));
            }
            let mut step = story.steps[story.index("b1") as usize].clone();
            step.name = "job-1.no run".to_owned();
            set(&mut step.payload, "event_chain", None);
            set(&mut step.payload, "receipts", None);
            set(&mut step.payload, "metadata", None);
            story.unset("b1", "human_approval_receipts");
            story.unset("b1", "side_effect_receipts");
            story.insert_after("b1", step);
        },
        &["RECEIPT_NOT_BOUND", "SELF_CONTRADICTION"],
        Fail,
    )
    .of(&["7.8 deny beside success"]),
    golden(
        "a tool receipt of another policy",
        |story| holds(story, "tool_receipts", TOOL, Some(("binding.policy_hash", &b64u("wide")))),
        &["RECEIPT_BINDING_MISMATCH"],
        Fail,
    )
    .of(&["7.8 tool receipt with a foreign policy and scope hash", "9.2 no policy hash compared"])
    .beside(tool),
    golden(
        "a tool receipt of another grant",
        |story| holds(story, "tool_receipts", TOOL, Some(("binding.token_scope_hash_b64u", &b64u("wide")))),
        &["RECEIPT_BINDING_MISMATCH"],
        Fail,
    )
    .of(&["7.8 tool receipt with a foreign policy and scope hash", "9.2 no scope hash compared"])
    .beside(tool),
    golden(
        "a side effect of another run",
        |story| holds(story, "side_effect_receipts", WRITE, Some(("binding.run_id", "job-1.r2"))),
        &["RECEIPT_BINDING_MISMATCH"],
        Fail,
    )
    .of(&["7.8 side effect of another run and an unknown event"])
    .beside(|story| holds(story, "side_effect_receipts", WRITE, None)),
    golden(
        "a side effect of an event that is not in the chain",
        |story| holds(story, "side_effect_receipts", WRITE, Some(("binding.event_hash_b64u", &b64u("event")))),
        &["RECEIPT_BINDING_MISMATCH"],
        Fail,
    )
    .of(&["7.8 side effect of another run and an unknown event"])
    .beside(|story| holds(story, "side_effect_receipts", WRITE, None)),
    golden(
        "a tool receipt bound to nothing",
        |story| {
            tool(story);
            story.unset("b1", "tool_receipts[0].binding");
        },
        &["RECEIPT_NOT_BOUND"],
        Pass,
    )
    .of(&["7.8 unsigned tool receipt without binding"])
    .beside(tool),
    golden("the agent reviews itself", |story| review(story, "agent", "agent"), &["REVIEW_NOT_INDEPENDENT"], Fail)
        .of(&["7.8 the agent reviews itself"])
        .beside(|story| review(story, "reviewer", "reviewer")),
    golden(
        "a review by the agent under somebody else's signature",
        |story| review(story, "reviewer", "agent"),
        &["REVIEW_NOT_INDEPENDENT"],
        Fail,
    )
    .beside(|story| review(story, "reviewer", "reviewer")),
    golden(
        "gateway receipts that the agent sealed itself",
        |story| {
            story.signed_by("r1 call 1", "agent");
            sealed_by(story, "agent");
        },
        &["GATEWAY_RECEIPT_MISSING", "RECEIPT_NOT_GENUINE", "UNTRUSTED_STATEMENT"],
        Fail,
    )
    .of(&["7.8 gateway receipts all invalid"])
    .beside(|story| sealed_by(story, "gateway")),
    golden(
        "a gateway receipt changed in the bundle",
        |story| story.set("b1", "receipts[0].payload.model", "gpt-5-mini"),
        &["RECEIPT_NOT_GENUINE", "RECEIPT_NOT_IN_BUNDLE"],
        Fail,
    )
    .of(&["7.8 gateway receipts all invalid"]),
    golden(
        "a gateway receipt without envelope",
        |story| story.set("b1", "receipts[0]", story.said("r1 call 1").clone()),
        &["RECEIPT_NOT_GENUINE", "RECEIPT_NOT_IN_BUNDLE"],
        Fail,
    )
    .of(&["7.8 gateway receipts all invalid"]),
    golden(
        "a bundle that leaves out a logged call",
        |story| {
            call_again(story);
            story.last_after("r1 call 1");
        },
        &["RECEIPT_NOT_IN_BUNDLE"],
        Incomplete,
    )
    .beside(|story| doubled(story, None)),
    golden(
        "two calls for one event",
        |story| {
            let event = event(story);
            doubled(story, Some(event));
        },
        &["GATEWAY_RECEIPT_DOUBLED", "GATEWAY_RECEIPT_MISSING"],
        Fail,
    )
    .beside(|story| doubled(story, None)),
    golden("a call of another run in the bundle", swapped, &["RECEIPT_EVENT_UNKNOWN", "RECEIPT_OF_ANOTHER_RUN"], Fail),
    golden(
        "a call for an event left out of the chain",
        |story| {
            doubled(story, None);
            story.unset("b1", "event_chain[1]");
        },
        &["RECEIPT_EVENT_UNKNOWN"],
        Fail,
    )
    .of(&["timeline: a step is missing"])
    .beside(|story| doubled(story, None)),
    golden(
        "a call bound to no grant",
        |story| {
            story.unset("r1 call 1", "binding.token_scope_hash_b64u");
            bundle_again(story, &[1]);
        },
        &["RECEIPT_UNBOUND"],
        Fail,
    )
    .beside(|story| bundle_again(story, &[1])),
    golden(
        "an event changed in the chain",
        |story| story.set("b1", "event_chain[0].timestamp", time(START_MS + 1_000)),
        &["CHAIN_BROKEN"],
        Fail,
    ),
    golden(
        "a run that acted without a model call",
        |story| {
            story.remove("r1 call 1");
            story.unset("b1", "receipts");
            story.wait(7_200_000);
            story.approve("tick", "deny", "read");
        },
        &["GATEWAY_RECEIPT_MISSING"],
        Fail,
    )
    .of(&["injection: model calls just before"])
    .beside(|story| no_bundle(story, false)),
    golden("no bundle an hour after the token's end", |story| no_bundle(story, true), &["BUNDLE_MISSING"], Fail)
        .of(&["timeline: a step is missing"])
        .beside(|story| no_bundle(story, false)),
    golden(
        "a Trust Pulse that counts other tools than the receipts",
        |story| {
            tool(story);
            pulse(story, r#"{"name":"argocd.app.sync","calls":3}"#, "");
        },
        &["PULSE_UNLIKE_RECEIPTS"],
        Pass,
    )
    .of(&["review: the Trust Pulse raises no trust"])
    .runs(&[("agent", "r1", Pass)])
    .beside(|story| {
        tool(story);
        pulse(story, ONE_SYNC, "");
    }),
    golden(
        "a Trust Pulse that hides a file that was written",
        |story| {
            holds(story, "side_effect_receipts", WRITE, None);
            pulse(story, "", r#"{"path":"a.yaml","touches":2}"#);
        },
        &["PULSE_UNLIKE_RECEIPTS"],
        Pass,
    )
    .of(&["review: the Trust Pulse raises no trust"])
    .beside(|story| {
        holds(story, "side_effect_receipts", WRITE, None);
        pulse(story, "", r#"{"path":"a.yaml","touches":1}"#);
    }),
    golden(
        "a Trust Pulse withheld after a statement that tells of it",
        |story| {
            tool(story);
            pulse(story, r#"{"name":"argocd.app.sync","calls":3}"#, "");
        },
        &[],
        Pass,
    )
    .read(Read::WithheldLater(&["pulse"]))
    .beside(|story| {
        tool(story);
        pulse(story, ONE_SYNC, "");
    }),
    golden(
        "a guilty run beside a perfect Trust Pulse",
        |story| {
            tool(story);
            pulse(story, ONE_SYNC, "");
            story.set("sync", "request_digest", hex("other"));
        },
        &["RECEIPT_REQUEST_MISMATCH"],
        Fail,
    )
    .of(&["review: the Trust Pulse raises no trust"])
    .beside(|story| {
        tool(story);
        pulse(story, ONE_SYNC, "");
    }),
];
