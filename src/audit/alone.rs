//! Rules that a bundle breaks by itself, with no log and no roots at hand.
//! What the agent says never helps it, but may speak against it (docs/AUDIT.md).

use std::collections::BTreeSet;

use crate::artifact::json::Value;
use crate::audit::finding::{Finding, Findings, Subject};
use crate::audit::rule::{Effect, OWN, RUN, Rule, Severity, TOKEN};
use crate::merkle::LeafIndex;

static SELF_CONTRADICTION: Rule = Rule {
    code: "SELF_CONTRADICTION",
    title: "The bundle contradicts itself",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "One receipt in the bundle denies an act, and another says that it succeeded. Both are of one act: of the same span, or of the same event (other than a model call), tool and request; a person's deny, which names neither, of the same event and span.",
    what_to_do: "Treat the action as denied and done all the same.",
    does_not_prove: "Which of the two receipts is true.",
    rests_on: &[OWN, TOKEN, RUN],
};

static UNSIGNED_BUNDLE: Rule = Rule {
    code: "UNSIGNED_BUNDLE",
    title: "The bundle is not signed",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "Anybody can write a bundle around somebody else's receipts.",
    what_to_do: "Ask for the envelope that the agent signed.",
    does_not_prove: "That the receipts inside are false.",
    rests_on: &[OWN],
};

pub(super) static RULES: &[&Rule] = &[&SELF_CONTRADICTION, &UNSIGNED_BUNDLE];

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

/// A deny beside a success of the same act fails; where they may be of one act
/// and nothing says so, that is coverage: leaving names out hides nothing.
pub(super) fn contradictions(payload: &Value, subject: &Subject, at: &[LeafIndex], findings: &mut Findings) {
    let acts = acts(payload);
    let told: Vec<_> = ARRAYS.iter().flat_map(|array| Told::of_array(payload, array)).collect();
    let denied: Vec<_> = told.iter().filter(|told| told.is_denied()).collect();
    let done: Vec<_> = told.iter().filter(|told| told.is_done()).collect();
    let denials: BTreeSet<_> = denied.iter().flat_map(|told| told.act_names(&acts)).collect();
    let successes: BTreeSet<_> = done.iter().flat_map(|told| told.act_names(&acts)).collect();
    let both: Vec<_> = denials.intersection(&successes).collect();
    for act in &both {
        findings.add(&SELF_CONTRADICTION, subject, at.iter().copied(), format!("a deny and a success share {act}"));
    }
    if both.is_empty() && may_be_one(&denied, &done) {
        at.iter().for_each(|at| findings.uncover("deny and success that may be of one act", subject, *at));
    }
}

/// Events that are one act each: those that are no turn of the model, which
/// may ask for many.
fn acts(payload: &Value) -> BTreeSet<&str> {
    let chain = payload.get("event_chain").and_then(Value::as_array).unwrap_or_default();
    let is_turn = |event: &&Value| event.text_at("event_type").is_none_or(|name| name == "llm_call");
    let turns: BTreeSet<_> = chain.iter().filter(is_turn).filter_map(event_hash).collect();
    chain.iter().filter_map(event_hash).filter(|hash| !turns.contains(hash)).collect()
}

fn event_hash(event: &Value) -> Option<&str> {
    event.text_at("event_hash_b64u")
}

/// Whether some deny and some success share a name, or nothing tells them
/// apart: no event that both state, and no span.
fn may_be_one(denied: &[&Told<'_>], done: &[&Told<'_>]) -> bool {
    let names: BTreeSet<_> = denied.iter().flat_map(|told| told.names()).collect();
    let stated: BTreeSet<_> = denied.iter().map(|told| told.stated()).collect();
    let untold = |(event, span): (bool, bool)| stated.iter().any(|(e, s)| !(event && *e || span && *s));
    done.iter().any(|told| told.names().any(|name| names.contains(name)) || untold(told.stated()))
}

/// Receipts that tell what came of an act.
const ARRAYS: [&str; 3] = ["tool_receipts", "side_effect_receipts", PEOPLE];
/// Those of what people said: they name neither tool nor request.
const PEOPLE: &str = "human_approval_receipts";

/// Names of spans, as the peers spell them: a receipt's own, then others'.
const SPANS: [&str; 6] = ["span_id", "spanId", "parent_span_id", "parentSpanId", "tool_span_id", "toolSpanId"];
const OWN_SPANS: usize = 2;

/// What a receipt calls the act that it is about. Equal names are one act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ActName<'a> {
    Span(&'a str),
    /// An event, and what was asked of whom.
    Request(&'a str, [&'a str; 3]),
    /// An event, and a span that a person's word hangs on.
    Anchor(&'a str, &'a str),
}

impl std::fmt::Display for ActName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ActName::Span(span) => write!(f, "span {span}"),
            ActName::Request(event, _) => write!(f, "event {event} and its request"),
            ActName::Anchor(event, span) => write!(f, "event {event} and span {span}"),
        }
    }
}

/// One receipt, whether in an envelope or not.
struct Told<'a> {
    receipt: &'a Value,
    by_person: bool,
    event: Option<&'a str>,
    /// Its own, and all that it names.
    own_spans: Vec<&'a str>,
    spans: Vec<&'a str>,
}

impl<'a> Told<'a> {
    fn of_array(payload: &'a Value, array: &str) -> impl Iterator<Item = Told<'a>> {
        let by_person = array == PEOPLE;
        let receipts = payload.get(array).and_then(Value::as_array).unwrap_or_default();
        receipts.iter().map(|receipt| receipt.get("payload").unwrap_or(receipt)).map(move |receipt| {
            let binding = receipt.get("binding");
            let named = |name: &&str| binding.and_then(|binding| binding.text_at(name)).filter(|text| !text.is_empty());
            Told {
                receipt,
                by_person,
                event: named(&"event_hash_b64u"),
                own_spans: SPANS[..OWN_SPANS].iter().filter_map(named).collect(),
                spans: SPANS.iter().filter_map(named).collect(),
            }
        })
    }

    fn is_denied(&self) -> bool {
        let says = |name, what| self.receipt.text_at(name) == Some(what);
        says("approval_type", "explicit_deny") || says("response_status", "denied")
    }

    fn is_done(&self) -> bool {
        ["response_status", "result_status"].iter().any(|name| self.receipt.text_at(name) == Some("success"))
    }

    /// What the act is called. `acts`: events that are one act each. A turn of
    /// the model asks for many, and so may the span above them.
    fn act_names(&self, acts: &BTreeSet<&'a str>) -> Vec<ActName<'a>> {
        let mut names: Vec<_> = self.own_spans.iter().map(|span| ActName::Span(span)).collect();
        let Some(event) = self.event.filter(|event| acts.contains(event)) else { return names };
        // Of two effects below one span, one may well be refused.
        if self.by_person || self.is_done() {
            names.extend(self.spans.iter().map(|span| ActName::Anchor(event, span)));
        }
        names.extend(self.request().map(|request| ActName::Request(event, request)));
        names
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.event.into_iter().chain(self.spans.iter().copied())
    }

    /// Whether it states an event, and a span.
    fn stated(&self) -> (bool, bool) {
        (self.event.is_some(), !self.spans.is_empty())
    }

    /// Tool or target, what was done to it, and the hash of the request.
    fn request(&self) -> Option<[&'a str; 3]> {
        let either = |names: [&str; 2]| names.iter().find_map(|name| self.receipt.text_at(name));
        let tool = || Some([self.receipt.text_at("tool_name")?, "", self.receipt.text_at("args_hash_b64u")?]);
        let effect = || {
            let target = either(["target_hash_b64u", "target_digest"])?;
            Some([target, self.receipt.text_at("effect_class")?, either(["request_hash_b64u", "request_digest"])?])
        };
        tool().or_else(effect)
    }
}
