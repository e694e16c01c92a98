//! What one bundle holds: gateway receipts that are genuine, and the event of
//! its chain that each tells of.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::digest::{PayloadHash, sha256};
use crate::artifact::json::{Object, Value, to_compact};
use crate::audit::alone;
use crate::audit::bundles::{
    CHAIN_BROKEN, RECEIPT_EVENT_UNKNOWN, RECEIPT_NOT_GENUINE, RECEIPT_OF_ANOTHER_AGENT, RECEIPT_OF_ANOTHER_RUN,
    RECEIPT_UNBOUND,
};
use crate::audit::finding::Findings;
use crate::audit::rule::Severity;
use crate::audit::scene::Scene;
use crate::audit::statement::{Bundle, Call};
use crate::audit::tokens::TOKEN_UNKNOWN;
use crate::text::base64url;

/// Genuine gateway receipts of one bundle. A receipt listed twice is one.
#[derive(Default)]
pub(super) struct Held<'a> {
    pub hashes: BTreeSet<PayloadHash>,
    /// How many for each event hash.
    pub events: BTreeMap<&'a str, u32>,
}

/// Reads bundles in the order of the log.
pub(super) struct Holder<'s, 'a> {
    scene: &'s Scene<'a>,
    calls: BTreeMap<PayloadHash, &'s Call<'a>>,
    /// The run whose bundle was the first to hold a receipt that names neither
    /// run nor event.
    run_of: BTreeMap<PayloadHash, &'a str>,
}

impl<'s, 'a> Holder<'s, 'a> {
    pub(super) fn new(scene: &'s Scene<'a>) -> Holder<'s, 'a> {
        let calls = scene.calls.iter().map(|call| (call.statement.hash, call)).collect();
        Holder { scene, calls, run_of: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, bundle: &Bundle<'a>, findings: &mut Findings) -> Held<'a> {
        let (at, subject) = (bundle.statement.at, bundle.subject());
        alone::contradictions(bundle.statement.payload, &subject, &[at], findings);
        if let Some(id) = broken(bundle.events()) {
            findings.add(&CHAIN_BROKEN, &subject, [at], format!("event {id} of the bundle"));
        }
        let chain: BTreeSet<_> = bundle.events().iter().filter_map(|event| event.text_at("event_hash_b64u")).collect();
        let receipts = bundle.statement.payload.get("receipts").and_then(Value::as_array).unwrap_or_default();
        let (mut held, mut spare) = (Held::default(), Vec::new());
        for (index, receipt) in receipts.iter().enumerate() {
            // Without an envelope it is the agent's word.
            let payload = receipt.get("payload");
            let hash = payload.map(|payload| PayloadHash::of(to_compact(payload).as_bytes()));
            let Some(call) = hash.and_then(|hash| self.calls.get(&hash).copied()) else {
                findings.add(&RECEIPT_NOT_GENUINE, &subject, [at], format!("receipts[{index}] of the bundle"));
                continue;
            };
            if !held.hashes.insert(call.statement.hash) {
                continue;
            }
            let fits = self.fits(bundle, call, &chain, findings);
            match call.event() {
                Some(event) => *held.events.entry(event).or_default() += 1,
                None if fits => spare.push(call),
                None => {}
            }
        }
        fill(bundle, &mut held, &spare, findings);
        held
    }

    /// Whether the receipt belongs to the bundle's run, as far as it says.
    fn fits(&mut self, bundle: &Bundle<'a>, call: &Call<'a>, chain: &BTreeSet<&str>, findings: &mut Findings) -> bool {
        let (subject, entries) = (bundle.subject(), [call.statement.at, bundle.statement.at]);
        let mut fits = true;
        let mut fault = |is: bool, rule, detail: &str| {
            if is {
                findings.add(rule, &subject, entries, detail);
                fits = false;
            }
        };
        let of_grant = self.scene.agent_of_grant(call);
        fault(call.scope_hash.is_none(), &RECEIPT_UNBOUND, "it names no grant");
        let detail = "its grant is another agent's";
        fault(of_grant.is_some_and(|agent| agent != bundle.agent), &RECEIPT_OF_ANOTHER_AGENT, detail);
        let is_unissued = self.scene.is_unissued(call);
        let detail = if is_unissued { self.scene.unfit_grant(call) } else { String::new() };
        fault(is_unissued, &TOKEN_UNKNOWN, &detail);
        let is_other = call.run.is_some() && call.run != bundle.run;
        fault(is_other, &RECEIPT_OF_ANOTHER_RUN, "it is bound to another run");
        let is_unknown = call.event().is_some_and(|event| !chain.contains(event));
        fault(is_unknown, &RECEIPT_EVENT_UNKNOWN, "its event is not in the bundle's chain");
        // An event's hash covers its run, so either of them binds.
        if let (None, None, Some(run)) = (call.run, call.event(), bundle.run) {
            let of_run = self.scene.token_of_run(bundle.agent, run).map(|token| token.scope_hash);
            let is_foreign = call.scope_hash.is_some() && of_run != call.scope_hash;
            fault(is_foreign, &RECEIPT_UNBOUND, "it names no run and no event, and its grant is not that of the run");
            let first = if is_foreign { run } else { *self.run_of.entry(call.statement.hash).or_insert(run) };
            let detail = "it names no run and no event, and the bundle of another run holds it before";
            fault(first != run, &RECEIPT_UNBOUND, detail);
        }
        fits
    }
}

/// Receipts that name no event stand for model calls without receipt, one
/// each, in order.
fn fill<'a>(bundle: &Bundle<'a>, held: &mut Held<'a>, spare: &[&Call<'a>], findings: &mut Findings) {
    let open: Vec<_> = bundle.model_calls().map(event_hash).filter(|hash| !held.events.contains_key(hash)).collect();
    held.events.extend(open.iter().zip(spare).map(|(event, _)| (*event, 1)));
    for call in spare.iter().skip(open.len()) {
        let entries = [call.statement.at, bundle.statement.at];
        let detail = "it names no event, and no model call of the chain is without a receipt";
        findings.leave_open(&RECEIPT_UNBOUND, Severity::Medium, &bundle.subject(), entries, detail);
    }
}

pub(super) fn event_hash(event: &Value) -> &str {
    event.text_at("event_hash_b64u").unwrap_or_default()
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
        let hash = base64url::encode(&sha256(to_compact(&Value::Object(hashed)).as_bytes()));
        let stated = event.text_at("event_hash_b64u");
        if stated != Some(hash.as_str()) || event.text_at("prev_hash_b64u") != before || event.get("run_id") != run {
            return Some(event.text_at("event_id").unwrap_or_default());
        }
        before = stated;
    }
    None
}
