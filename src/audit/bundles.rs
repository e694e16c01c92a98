//! Rules about bundles beside the log: what they hold belongs to their run,
//! and what the log holds of the run is in them (model 9, clawsig 7.8).

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::digest::{PayloadHash, b64u, sha256};
use crate::artifact::json::{Object, Value, to_compact};
use crate::audit::BUNDLE_MS;
use crate::audit::alone;
use crate::audit::finding::{Findings, Subject};
use crate::audit::rule::{Effect, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::{Bundle, Call, Token};
use crate::audit::tokens::TOKEN_UNKNOWN;
use crate::merkle::LeafIndex;

static RECEIPT_OF_ANOTHER_AGENT: Rule = Rule {
    code: "RECEIPT_OF_ANOTHER_AGENT",
    title: "Bundle holds another agent's model call",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The grant that the receipt names belongs to another agent than the bundle's signer.",
    what_to_do: "Treat the bundle as copied evidence.",
    does_not_prove: "Anything against the agent whose receipt it is.",
};

static RECEIPT_OF_ANOTHER_RUN: Rule = Rule {
    code: "RECEIPT_OF_ANOTHER_RUN",
    title: "Bundle holds a receipt of another run",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The receipt is bound to another run than the bundle's event chain.",
    what_to_do: "Ask the agent's runtime for the bundle of each run.",
    does_not_prove: "That the call did not happen.",
};

static RECEIPT_UNBOUND: Rule = Rule {
    code: "RECEIPT_UNBOUND",
    title: "Bundle holds a receipt bound to nothing",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "A receipt without run, event and grant fits into any bundle.",
    what_to_do: "Have the gateway bind its receipts: run id, event hash, scope hash.",
    does_not_prove: "That the receipt belongs to another run.",
};

static RECEIPT_NOT_GENUINE: Rule = Rule {
    code: "RECEIPT_NOT_GENUINE",
    title: "Bundle holds a gateway receipt that counts for nothing",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "Its signature does not hold, or its signer is no gateway of the roots.",
    what_to_do: "Compare with the gateway's own receipt of that id.",
    does_not_prove: "Who changed or made it.",
};

static RECEIPT_EVENT_UNKNOWN: Rule = Rule {
    code: "RECEIPT_EVENT_UNKNOWN",
    title: "Receipt for an event that is not in the chain",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "Each model call is an event of the run, and this one was left out of the chain.",
    what_to_do: "Ask the agent's runtime for the whole chain.",
    does_not_prove: "That the event was left out on purpose.",
};

static GATEWAY_RECEIPT_MISSING: Rule = Rule {
    code: "GATEWAY_RECEIPT_MISSING",
    title: "Model call without a gateway receipt",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The policy asks for gateway receipts, and the run or one of its llm_call events has none.",
    what_to_do: "Ask the gateway for the receipt; if it has none, the call went round it.",
    does_not_prove: "Which model was called.",
};

static GATEWAY_RECEIPT_DOUBLED: Rule = Rule {
    code: "GATEWAY_RECEIPT_DOUBLED",
    title: "Two gateway receipts for one model call",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "One llm_call event has exactly one receipt; a second one is a call that the chain does not tell of.",
    what_to_do: "Compare the two requests at the gateway.",
    does_not_prove: "Which of the two the event was for.",
};

static RECEIPT_NOT_IN_BUNDLE: Rule = Rule {
    code: "RECEIPT_NOT_IN_BUNDLE",
    title: "The bundle leaves out a logged model call",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The log holds a gateway receipt of this run and grant that the bundle does not.",
    what_to_do: "Look at the call that was left out first.",
    does_not_prove: "That it was left out on purpose.",
};

static CHAIN_BROKEN: Rule = Rule {
    code: "CHAIN_BROKEN",
    title: "The event chain does not hold together",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "An event's hash is not that of its members, does not follow the event before, or is of another run.",
    what_to_do: "Ask the agent's runtime for the chain as it was written.",
    does_not_prove: "Which events are true.",
};

static BUNDLE_MISSING: Rule = Rule {
    code: "BUNDLE_MISSING",
    title: "No bundle for the run",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The policy asks for a proof bundle within an hour of the end of the run's token.",
    what_to_do: "Submit the bundle; late evidence closes this.",
    does_not_prove: "That the run did anything wrong.",
};

pub(super) static RULES: &[&Rule] = &[
    &RECEIPT_OF_ANOTHER_AGENT,
    &RECEIPT_OF_ANOTHER_RUN,
    &RECEIPT_UNBOUND,
    &RECEIPT_NOT_GENUINE,
    &RECEIPT_EVENT_UNKNOWN,
    &GATEWAY_RECEIPT_MISSING,
    &GATEWAY_RECEIPT_DOUBLED,
    &RECEIPT_NOT_IN_BUNDLE,
    &CHAIN_BROKEN,
    &BUNDLE_MISSING,
];

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let calls: BTreeMap<PayloadHash, &Call<'_>> = scene.calls.iter().map(|call| (call.statement.hash, call)).collect();
    let mut runs = runs(scene);
    for bundle in &scene.bundles {
        let run = bundle.run.and_then(|run| runs.get_mut(&(bundle.agent, run)));
        let held = of_bundle(scene, bundle, &calls, findings);
        if let Some(run) = run {
            run.bundled(scene, bundle, &held, findings);
        }
    }
    for run in runs.values() {
        run.owed(scene, findings);
    }
}

/// One run, as wrappers and gateways tell of it.
struct Run<'s, 'a> {
    token: &'s Token<'a>,
    subject: Subject,
    first: LeafIndex,
    has_decision: bool,
    calls: Vec<&'s Call<'a>>,
    has_bundle: bool,
}

fn runs<'s, 'a>(scene: &'s Scene<'a>) -> BTreeMap<(&'a str, &'a str), Run<'s, 'a>> {
    let mut runs = BTreeMap::new();
    let new = |token: &'s Token<'a>, run: &str, first| Run {
        token,
        subject: Subject { run: Some(run.to_owned()), ..token.subject() },
        first,
        has_decision: false,
        calls: Vec::new(),
        has_bundle: false,
    };
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let (Some(agent), Some(run)) = (decision.agent, decision.run) else { continue };
        let Some(token) = scene.run_tokens.get(&(agent, run)) else { continue };
        let run = runs.entry((agent, run)).or_insert_with(|| new(&scene.tokens[*token], run, decision.statement.at));
        run.has_decision = true;
    }
    for call in &scene.calls {
        let (Some((token, _)), Some(run)) = (scene.token_of(call), scene.run_of(call)) else { continue };
        let run = runs.entry((token.agent, run)).or_insert_with(|| new(token, run, call.statement.at));
        run.calls.push(call);
    }
    runs
}

impl Run<'_, '_> {
    fn rules(&self, scene: &Scene<'_>) -> Option<crate::policy::AuditRules> {
        scene.policies[self.token.policy?].1.audit_rules()
    }

    /// What the log holds of the run beside what its bundle holds.
    fn bundled(&mut self, scene: &Scene<'_>, bundle: &Bundle<'_>, held: &Held, findings: &mut Findings) {
        self.has_bundle = true;
        if !self.rules(scene).is_some_and(|rules| rules.require_gateway_receipts) {
            return;
        }
        let at = bundle.statement.at;
        for call in self.calls.iter().filter(|call| !held.hashes.contains(&call.statement.hash)) {
            let entries = [call.statement.at, at];
            findings.add(&RECEIPT_NOT_IN_BUNDLE, &self.subject, entries, "the bundle does not hold this model call");
        }
        for event in bundle.events().iter().filter(|event| event.text_at("event_type") == Some("llm_call")) {
            let hash = event.text_at("event_hash_b64u").unwrap_or_default();
            let rule = match held.events.get(hash) {
                None => &GATEWAY_RECEIPT_MISSING,
                Some(1) => continue,
                Some(_) => &GATEWAY_RECEIPT_DOUBLED,
            };
            let id = event.text_at("event_id").unwrap_or_default();
            findings.add(rule, &self.subject, [at], format!("event {id} of the bundle"));
        }
    }

    /// What the run still owes.
    fn owed(&self, scene: &Scene<'_>, findings: &mut Findings) {
        let Some(rules) = self.rules(scene) else { return };
        let until = self.token.end_ms().saturating_add(BUNDLE_MS);
        let late = scene.now_ms() > until;
        let mut owe = |rule: &'static Rule, detail: &str| match late {
            true => findings.add(rule, &self.subject, [self.first], detail),
            false => findings.wait(rule, &self.subject, self.first, until),
        };
        if rules.produce_proof_bundle && !self.has_bundle {
            owe(&BUNDLE_MISSING, "no bundle of this run by its agent");
        }
        if rules.require_gateway_receipts && self.has_decision && self.calls.is_empty() {
            owe(&GATEWAY_RECEIPT_MISSING, "the run acted, and no gateway receipt tells of it");
        }
    }
}

/// Genuine gateway receipts of one bundle.
#[derive(Default)]
struct Held {
    hashes: BTreeSet<PayloadHash>,
    /// How many for each event hash.
    events: BTreeMap<String, u32>,
}

fn of_bundle(
    scene: &Scene<'_>,
    bundle: &Bundle<'_>,
    calls: &BTreeMap<PayloadHash, &Call<'_>>,
    findings: &mut Findings,
) -> Held {
    let (at, subject) = (bundle.statement.at, bundle.subject());
    let mut held = Held::default();
    alone::contradictions(bundle.statement.payload, &subject, &[at], findings);
    if let Some(id) = broken(bundle.events()) {
        findings.add(&CHAIN_BROKEN, &subject, [at], format!("event {id} of the bundle"));
    }
    let chain: BTreeSet<_> = bundle.events().iter().filter_map(|event| event.text_at("event_hash_b64u")).collect();
    // A missing body may be the receipt itself; then nothing can be said.
    let unseen = scene.withheld.iter().any(|withheld| withheld.kind == "gateway_receipt");
    let receipts = bundle.statement.payload.get("receipts").and_then(Value::as_array).unwrap_or_default();
    for (index, receipt) in receipts.iter().enumerate() {
        // Without an envelope it is the agent's word.
        let payload = receipt.get("payload");
        let hash = payload.map(|payload| PayloadHash::of(to_compact(payload).as_bytes()));
        let Some(call) = hash.and_then(|hash| calls.get(&hash)) else {
            if hash.is_none() || !unseen {
                findings.add(&RECEIPT_NOT_GENUINE, &subject, [at], format!("receipts[{index}] of the bundle"));
            }
            continue;
        };
        held.hashes.insert(call.statement.hash);
        of_held(scene, bundle, call, &chain, findings);
        let event = call.statement.text("binding.event_hash_b64u").unwrap_or_default();
        *held.events.entry(event.to_owned()).or_default() += 1;
    }
    held
}

fn of_held(scene: &Scene<'_>, bundle: &Bundle<'_>, call: &Call<'_>, chain: &BTreeSet<&str>, findings: &mut Findings) {
    let (subject, entries) = (bundle.subject(), [call.statement.at, bundle.statement.at]);
    let event = call.statement.text("binding.event_hash_b64u");
    if call.run.is_none() || event.is_none() || call.scope_hash.is_none() {
        findings.add(&RECEIPT_UNBOUND, &subject, entries, "it names no run, no event or no grant");
    }
    if call.grant.is_some_and(|grant| scene.tokens[grant].agent != bundle.agent) {
        findings.add(&RECEIPT_OF_ANOTHER_AGENT, &subject, entries, "its grant is another agent's");
    }
    if call.grant.is_none() && call.scope_hash.is_some() {
        let detail = "no issuance of the grant that this model call names stands before it";
        findings.add(&TOKEN_UNKNOWN, &subject, entries, detail);
    }
    if call.run.is_some() && call.run != bundle.run {
        findings.add(&RECEIPT_OF_ANOTHER_RUN, &subject, entries, "it is bound to another run");
    }
    if event.is_some_and(|event| !chain.contains(event)) {
        findings.add(&RECEIPT_EVENT_UNKNOWN, &subject, entries, "its event is not in the bundle's chain");
    }
}

/// Members of an event that its hash covers, in the order of the formula.
const EVENT: [&str; 6] = ["event_id", "run_id", "event_type", "timestamp", "payload_hash_b64u", "prev_hash_b64u"];

/// Id of the first event that does not follow from the one before.
fn broken(events: &[Value]) -> Option<&str> {
    let mut before: Option<&str> = None;
    let run = events.first().and_then(|event| event.get("run_id"));
    for event in events {
        let mut hashed = Object::new();
        for name in EVENT {
            hashed.set(name, event.get(name).cloned().unwrap_or(Value::Null));
        }
        let hash = b64u(&sha256(to_compact(&Value::Object(hashed)).as_bytes()));
        let stated = event.text_at("event_hash_b64u");
        if stated != Some(hash.as_str()) || event.text_at("prev_hash_b64u") != before || event.get("run_id") != run {
            return Some(event.text_at("event_id").unwrap_or_default());
        }
        before = stated;
    }
    None
}
