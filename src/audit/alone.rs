//! Rules that a bundle breaks by itself, with no log and no roots at hand.
//! What the agent says never helps it, but may speak against it (model 9).

use std::collections::BTreeSet;

use crate::artifact::json::Value;
use crate::audit::finding::{Finding, Findings, Subject};
use crate::audit::rule::{Effect, Rule, Severity};
use crate::merkle::LeafIndex;

static SELF_CONTRADICTION: Rule = Rule {
    code: "SELF_CONTRADICTION",
    title: "The bundle contradicts itself",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "One event or span of the bundle has a deny beside a success.",
    what_to_do: "Treat the action as denied and done all the same.",
    does_not_prove: "Which of the two receipts is true.",
};

static UNSIGNED_BUNDLE: Rule = Rule {
    code: "UNSIGNED_BUNDLE",
    title: "The bundle is not signed",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "Anybody can write a bundle around somebody else's receipts.",
    what_to_do: "Ask for the envelope that the agent signed.",
    does_not_prove: "That the receipts inside are false.",
};

pub(super) static RULES: &[&Rule] = &[&SELF_CONTRADICTION, &UNSIGNED_BUNDLE];

/// Names of spans, as the peers spell them.
const LINKS: [&str; 7] =
    ["event_hash_b64u", "span_id", "spanId", "parent_span_id", "parentSpanId", "tool_span_id", "toolSpanId"];

/// What a bundle's payload shows by itself. `signed`: whether an envelope
/// around it verified. Linear in the bundle.
#[must_use]
pub fn bundle_alone(payload: &Value, signed: bool) -> Vec<Finding> {
    let mut findings = Findings::default();
    let agent = payload.text_at("agent_did").filter(|_| signed).map(str::to_owned);
    let subject = Subject { agent, ..Subject::default() };
    if !signed {
        findings.add(&UNSIGNED_BUNDLE, &subject, [], "the bundle came without an envelope");
    }
    contradictions(payload, &subject, &[], &mut findings);
    findings.found.into_iter().collect()
}

pub(super) fn contradictions(payload: &Value, subject: &Subject, at: &[LeafIndex], findings: &mut Findings) {
    let denied = |receipt: &Value| {
        receipt.text_at("approval_type") == Some("explicit_deny")
            || receipt.text_at("response_status") == Some("denied")
    };
    let done = |receipt: &Value| {
        let status = |name| receipt.text_at(name) == Some("success");
        status("response_status") || status("result_status")
    };
    let denials = links(payload, &denied);
    let both: BTreeSet<_> = links(payload, &done).intersection(&denials).copied().collect();
    for link in both {
        let detail = format!("a deny and a success share {link}");
        findings.add(&SELF_CONTRADICTION, subject, at.iter().copied(), detail);
    }
}

/// Events and spans of the receipts that `is` picks, whether in an envelope or
/// not. Events and spans share one name space here: no hash is a span's name.
fn links<'a>(payload: &'a Value, is: &dyn Fn(&Value) -> bool) -> BTreeSet<&'a str> {
    let arrays = ["tool_receipts", "side_effect_receipts", "human_approval_receipts"];
    let receipts = arrays.iter().flat_map(|name| payload.get(name).and_then(Value::as_array).unwrap_or_default());
    let plain = receipts.map(|receipt| receipt.get("payload").unwrap_or(receipt)).filter(|receipt| is(receipt));
    plain
        .filter_map(|receipt| receipt.get("binding"))
        .flat_map(|binding| LINKS.iter().filter_map(|l| binding.text_at(l)))
        .collect()
}
