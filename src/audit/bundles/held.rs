//! What one bundle holds: gateway receipts that are genuine, and the event of
//! its chain that each tells of.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::digest::PayloadHash;
use crate::artifact::{Did, Event, HeldReceipt, KeyCache, Rows, View, admit_inside};
use crate::audit::alone;
use crate::audit::bundles::{
    CHAIN_BROKEN, RECEIPT_EVENT_UNKNOWN, RECEIPT_NOT_GENUINE, RECEIPT_OF_ANOTHER_AGENT, RECEIPT_OF_ANOTHER_RUN,
    RECEIPT_UNBOUND,
};
use crate::audit::finding::Findings;
use crate::audit::inserted::Inserted;
use crate::audit::roots::Distrusted;
use crate::audit::rule::Severity;
use crate::audit::scene::Scene;
use crate::audit::statement::{Bundle, Call};
use crate::audit::tokens::TOKEN_UNKNOWN;
use crate::merkle::LeafIndex;

/// Genuine gateway receipts of one bundle. A receipt listed twice is one.
#[derive(Default)]
pub(super) struct Held<'a> {
    pub hashes: BTreeSet<PayloadHash>,
    /// How many for each event hash.
    pub events: BTreeMap<&'a str, u32>,
    /// Events of those whose gateway's key was replaced before they were logged.
    pub former: BTreeSet<&'a str>,
}

/// Whether the signer that it names signed it. Costs a signature, where a former
/// gateway is named.
fn is_genuine(receipt: HeldReceipt<'_>) -> bool {
    let admitted = receipt.value().and_then(|value| admit_inside("receipts", &value.value(), &KeyCache::new()));
    admitted.is_some_and(|admitted| admitted.is_ok())
}

/// Reads bundles in the order of the log.
pub(super) struct Holder<'s, 'a> {
    scene: &'s Scene<'a>,
    calls: BTreeMap<PayloadHash, &'s Call<'a>>,
    distrusted: Distrusted<'a>,
    /// The run whose bundle was the first to hold a receipt that names neither
    /// run nor event.
    run_of: BTreeMap<PayloadHash, &'a str>,
}

impl<'s, 'a> Holder<'s, 'a> {
    pub(super) fn new(scene: &'s Scene<'a>) -> Self {
        let calls = scene.calls.iter().map(|call| (*call.statement.hash, call)).inserted();
        Holder { scene, calls, distrusted: Distrusted::of(scene.roots.iter().copied()), run_of: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, bundle: &Bundle<'a>, findings: &mut Findings) -> Held<'a> {
        let (at, subject, says) = (bundle.statement.at, bundle.subject(), bundle.statement.payload);
        alone::contradictions(says, &subject, &[at], findings);
        if let Some(id) = broken(says.events()) {
            findings.add(&CHAIN_BROKEN, &subject, [at], format!("event {id} of the bundle"));
        }
        let chain: BTreeSet<_> = says.events().filter_map(Event::hash).inserted();
        let (mut held, mut spare) = (Held::default(), Vec::new());
        for (index, receipt) in says.receipts().enumerate() {
            let Some(call) = receipt.payload_hash().and_then(|hash| self.calls.get(&hash).copied()) else {
                let detail = format!("receipts[{index}] of the bundle");
                if receipt.signer().is_some_and(|did| self.is_former(did, at)) && is_genuine(receipt) {
                    let detail = format!("{detail}: its signer was a gateway, and no more when it could be logged");
                    findings.leave_open(&RECEIPT_NOT_GENUINE, Severity::Medium, &subject, [at], detail);
                    held.former.extend(receipt.event());
                } else {
                    findings.add(&RECEIPT_NOT_GENUINE, &subject, [at], detail);
                }
                continue;
            };
            if !held.hashes.insert(*call.statement.hash) {
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

    /// Whether roots below a bundle list the signer as a gateway, those in force
    /// at it do not, and it is trusted: a receipt may have been on its way.
    fn is_former(&self, did: &str, at: LeafIndex) -> bool {
        let mut below = self.scene.roots.iter().filter(|(from, _)| *from < at);
        let is_now = self.scene.roots_at(at).is_some_and(|roots| roots.is_gateway(did));
        let is_trusted = Did::parse(did).is_ok_and(|did| self.distrusted.row(at, &did).is_none());
        !is_now && is_trusted && below.any(|(_, roots)| roots.is_gateway(did))
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
            let first = if is_foreign { run } else { *self.run_of.entry(*call.statement.hash).or_insert(run) };
            let detail = "it names no run and no event, and the bundle of another run holds it before";
            fault(first != run, &RECEIPT_UNBOUND, detail);
        }
        fits
    }
}

/// Receipts that name no event stand for model calls without receipt, one
/// each, in order.
fn fill<'a>(bundle: &Bundle<'a>, held: &mut Held<'a>, spare: &[&Call<'a>], findings: &mut Findings) {
    let calls = bundle.model_calls().map(|event| event.hash().unwrap_or_default());
    let open: Vec<_> = calls.filter(|hash| !held.events.contains_key(hash)).collect();
    held.events.extend(open.iter().zip(spare).map(|(event, _)| (*event, 1)));
    for call in spare.iter().skip(open.len()) {
        let entries = [call.statement.at, bundle.statement.at];
        let detail = "it names no event, and no model call of the chain is without a receipt";
        findings.leave_open(&RECEIPT_UNBOUND, Severity::Medium, &bundle.subject(), entries, detail);
    }
}

/// Id of the first event that does not follow from the one before.
fn broken<'a>(events: Rows<'a, Event<'a>>) -> Option<&'a str> {
    let mut before: Option<&str> = None;
    let run = events.clone().next().and_then(Event::run);
    for event in events {
        let stated = event.hash();
        if stated != Some(&event.computed_hash()) || event.prev_hash() != before || event.run() != run {
            return Some(event.id().unwrap_or_default());
        }
        before = stated;
    }
    None
}
