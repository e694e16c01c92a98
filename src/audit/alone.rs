//! Rules that a bundle breaks by itself, with no log and no roots at hand.
//! What the agent says never helps it, but may speak against it (docs/AUDIT.md).

use std::collections::BTreeSet;

use crate::artifact::json::Value;
use crate::artifact::{Event, OwnReceipt, PEOPLE, ProofBundle, View};
use crate::audit::finding::{Finding, Findings, Subject};
use crate::audit::inserted::Inserted;
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
    let says = ProofBundle::of(payload);
    let agent = says.agent().filter(|_| signed).map(str::to_owned);
    let subject = Subject { agent, ..Subject::default() };
    if !signed {
        findings.add(&UNSIGNED_BUNDLE, &subject, [], "the bundle came without an envelope");
    }
    contradictions(says, &subject, &[], &mut findings);
    findings.found.into_iter().collect()
}

/// A deny beside a success of the same act fails; where they may be of one act
/// and nothing says so, that is coverage: leaving names out hides nothing.
pub(super) fn contradictions(bundle: ProofBundle<'_>, subject: &Subject, at: &[LeafIndex], findings: &mut Findings) {
    let acts = acts(bundle);
    let told: Vec<_> = bundle.own_receipts().map(|(array, _, receipt)| Told::of(array, receipt)).collect();
    let denied: Vec<_> = told.iter().filter(|told| told.is_denied()).collect();
    let done: Vec<_> = told.iter().filter(|told| told.is_done()).collect();
    let denials: BTreeSet<_> = denied.iter().flat_map(|told| told.act_names(&acts)).inserted();
    let successes: BTreeSet<_> = done.iter().flat_map(|told| told.act_names(&acts)).inserted();
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
fn acts(bundle: ProofBundle<'_>) -> BTreeSet<&str> {
    let is_turn = |event: &Event<'_>| event.sort().is_none_or(|name| name == "llm_call");
    let turns: BTreeSet<_> = bundle.events().filter(is_turn).filter_map(Event::hash).inserted();
    bundle.events().filter_map(Event::hash).filter(|hash| !turns.contains(hash)).inserted()
}

/// Whether some deny and some success share a name, or nothing tells them
/// apart: no event that both state, and no span.
fn may_be_one(denied: &[&Told<'_>], done: &[&Told<'_>]) -> bool {
    let names: BTreeSet<_> = denied.iter().flat_map(|told| told.names()).inserted();
    let stated: BTreeSet<_> = denied.iter().map(|told| told.stated()).inserted();
    let untold = |(event, span): (bool, bool)| stated.iter().any(|(e, s)| !(event && *e || span && *s));
    done.iter().any(|told| told.names().any(|name| names.contains(name)) || untold(told.stated()))
}

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
    receipt: OwnReceipt<'a>,
    by_person: bool,
    event: Option<&'a str>,
    /// Its own, and all that it names.
    own_spans: Vec<&'a str>,
    spans: Vec<&'a str>,
}

impl<'a> Told<'a> {
    fn of(array: &str, receipt: OwnReceipt<'a>) -> Self {
        let binding = receipt.binding();
        Told {
            receipt,
            by_person: array == PEOPLE,
            event: binding.event_hash().filter(|hash| !hash.is_empty()),
            own_spans: binding.own_spans().collect(),
            spans: binding.spans().collect(),
        }
    }

    fn is_denied(&self) -> bool {
        self.receipt.approval_type() == Some("explicit_deny") || self.receipt.response_status() == Some("denied")
    }

    fn is_done(&self) -> bool {
        [self.receipt.response_status(), self.receipt.result_status()].contains(&Some("success"))
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
        let of = self.receipt;
        let tool = || Some([of.tool_name()?, "", of.args_hash()?]);
        let effect = || {
            let (target, request) =
                (of.target_hash().or(of.target_digest()), of.request_hash().or(of.request_digest()));
            Some([target?, of.effect_class()?, request?])
        };
        tool().or_else(effect)
    }
}
