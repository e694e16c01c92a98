//! Rules about bundles beside the log: what they hold belongs to their run,
//! and what the log holds of the run is in them (JUDGING 6.10, PEERS 4.18).

mod held;

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::{Did, Kind, ProofBundle};
use crate::audit::BUNDLE_MS;
use crate::audit::calls;
use crate::audit::finding::{Findings, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::policies::Judge;
use crate::audit::rule::{Effect, LINEAGE, OWN, Place, RUN, Rest, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::Scene;
use crate::audit::statement::{Bundle, Call, Token};
use crate::merkle::LeafIndex;
use crate::policy::Policy;

use self::held::{Held, Holder};

static RECEIPT_OF_ANOTHER_AGENT: Rule = Rule {
    code: "RECEIPT_OF_ANOTHER_AGENT",
    title: "Bundle holds another agent's model call",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The grant that the receipt names belongs to another agent than the bundle's signer.",
    what_to_do: "Treat the bundle as copied evidence.",
    does_not_prove: "Anything against the agent whose receipt it is.",
    rests_on: &[WORD, TOKEN, RUN, &[Rest::On(Kind::CstIssuance, Place::BeforeAct)]],
};

static RECEIPT_OF_ANOTHER_RUN: Rule = Rule {
    code: "RECEIPT_OF_ANOTHER_RUN",
    title: "Bundle holds a receipt of another run",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The receipt is bound to another run than the bundle's event chain.",
    what_to_do: "Ask the agent's runtime for the bundle of each run.",
    does_not_prove: "That the call did not happen.",
    rests_on: &[WORD, TOKEN, RUN],
};

static RECEIPT_UNBOUND: Rule = Rule {
    code: "RECEIPT_UNBOUND",
    title: "Bundle holds a receipt bound to nothing",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "A receipt without grant fits into any bundle, and one without run and event into that of any run of its grant. One without event, where no model call of the chain is left for it, leaves the verdict incomplete instead (medium).",
    what_to_do: "Have the gateway bind its receipts: run id, event hash, scope hash.",
    does_not_prove: "That the receipt belongs to another run.",
    rests_on: &[WORD, TOKEN, RUN, &[Rest::On(Kind::ProofBundle, Place::Anywhere)]],
};

static RECEIPT_NOT_GENUINE: Rule = Rule {
    code: "RECEIPT_NOT_GENUINE",
    title: "Bundle holds a gateway receipt that counts for nothing",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "Its signature does not hold, or its signer is no gateway of the roots.",
    what_to_do: "Compare with the gateway's own receipt of that id.",
    does_not_prove: "Who changed or made it.",
    rests_on: &[WORD, TOKEN, RUN, &[Rest::On(Kind::GatewayReceipt, Place::Held)]],
};

static RECEIPT_EVENT_UNKNOWN: Rule = Rule {
    code: "RECEIPT_EVENT_UNKNOWN",
    title: "Receipt for an event that is not in the chain",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "Each model call is an event of the run, and this one was left out of the chain.",
    what_to_do: "Ask the agent's runtime for the whole chain.",
    does_not_prove: "That the event was left out on purpose.",
    rests_on: &[WORD, TOKEN, RUN],
};

static GATEWAY_RECEIPT_MISSING: Rule = Rule {
    code: "GATEWAY_RECEIPT_MISSING",
    title: "Model call without a gateway receipt",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The policy asks for gateway receipts, and the run, or one of its model calls (llm_call events), has none, neither in the bundle nor in the log.",
    what_to_do: "Ask the gateway for the receipt; if it has none, the call went round it.",
    does_not_prove: "Which model was called.",
    rests_on: &[
        WORD,
        TOKEN,
        RUN,
        LINEAGE,
        &[
            Rest::On(Kind::GatewayReceipt, Place::Anywhere),
            Rest::On(Kind::CstIssuance, Place::Anywhere),
            Rest::On(Kind::ProofBundle, Place::Unbundled),
        ],
    ],
};

static GATEWAY_RECEIPT_DOUBLED: Rule = Rule {
    code: "GATEWAY_RECEIPT_DOUBLED",
    title: "Two gateway receipts for one model call",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "One llm_call event has exactly one receipt; another one is a call that the chain does not tell of. The same receipt listed twice is one.",
    what_to_do: "Compare the two requests at the gateway.",
    does_not_prove: "Which of the two the event was for.",
    rests_on: &[WORD, TOKEN, RUN, LINEAGE],
};

static RECEIPT_NOT_IN_BUNDLE: Rule = Rule {
    code: "RECEIPT_NOT_IN_BUNDLE",
    title: "The bundle leaves out a logged model call",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The log holds a gateway receipt of this run and grant that the bundle does not. A call that its policy allows, or that no policy governs, may have been cut short before the runtime had its receipt: it leaves the verdict incomplete instead (medium).",
    what_to_do: "Look at the call that was left out first; ask the runtime to pack the run again with it.",
    does_not_prove: "That it was left out on purpose.",
    rests_on: &[WORD, TOKEN, RUN, LINEAGE, &[Rest::On(Kind::ProofBundle, Place::Anywhere)]],
};

static CHAIN_BROKEN: Rule = Rule {
    code: "CHAIN_BROKEN",
    title: "The event chain does not hold together",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "An event's hash is not that of its members, does not follow the event before, or is of another run.",
    what_to_do: "Ask the agent's runtime for the chain as it was written.",
    does_not_prove: "Which events are true.",
    rests_on: &[OWN, TOKEN, RUN],
};

static BUNDLE_MISSING: Rule = Rule {
    code: "BUNDLE_MISSING",
    title: "No bundle for the run",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "The policy asks for a proof bundle within an hour of the end of the run's last token. Where a gateway saw model calls under a grant and nobody tells of a run of it, the last token of the grant counts.",
    what_to_do: "Submit the bundle; late evidence closes this.",
    does_not_prove: "That the run did anything wrong.",
    rests_on: &[
        WORD,
        TOKEN,
        RUN,
        LINEAGE,
        &[Rest::On(Kind::ProofBundle, Place::Anywhere), Rest::On(Kind::CstIssuance, Place::Anywhere)],
    ],
};

/// What a run lacks: charged to the run and to none of its acts.
pub(super) static MISSING_OF_RUN: [&Rule; 2] = [&GATEWAY_RECEIPT_MISSING, &BUNDLE_MISSING];

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
    let judge = Judge::new(scene);
    let mut holder = Holder::new(scene);
    let mut runs = runs(scene);
    for bundle in &scene.bundles {
        let held = holder.take(bundle, findings);
        let Some(id) = bundle.run else { continue };
        let of_run = |key: &Key<'_>| (key.0, key.1) == (bundle.agent, id);
        let from = || (bundle.agent, id, None);
        let calls = runs.range(from()..).take_while(|(key, _)| of_run(key)).flat_map(|(_, run)| &run.calls);
        let left_out: Vec<_> = calls.copied().filter(|call| !held.hashes.contains(call.statement.hash)).collect();
        for (_, run) in runs.range_mut(from()..).take_while(|(key, _)| of_run(key)) {
            run.bundled(&judge, bundle, &held, &left_out, findings);
        }
    }
    for run in runs.values() {
        run.owed(scene, &judge, findings);
    }
    let grants: BTreeSet<_> = runs.values().map(|run| (run.token.agent, run.token.scope_hash)).inserted();
    unrun(scene, &judge, &grants, findings);
}

/// Grants under which models were called, and of which nobody tells a run: they
/// owe a bundle all the same. `grants`: agent and scope hash of those with runs.
fn unrun(scene: &Scene<'_>, judge: &Judge<'_, '_>, grants: &BTreeSet<(&str, &str)>, findings: &mut Findings) {
    let is_loose = |bundle: &&Bundle<'_>| bundle.run.is_some_and(|run| scene.token_of_run(bundle.agent, run).is_none());
    let mut loose: BTreeSet<(&str, &str)> = BTreeSet::new();
    for bundle in scene.bundles.iter().filter(is_loose) {
        let jobs = scene.jobs_of_run(bundle.agent, bundle.run.unwrap_or_default());
        loose.extend(jobs.into_iter().map(|job| (bundle.agent, job)));
    }
    let mut first: BTreeMap<(&str, Option<&str>, &str), (&Token<'_>, LeafIndex)> = BTreeMap::new();
    for (call, grant) in calls::of_no_run(scene) {
        // A bundle that names none of its tokens may be of this grant.
        let is_packed = grant.job.is_some_and(|job| loose.contains(&(grant.agent, job)));
        let tokens = scene.tokens_of_grant(call).filter(|token| token.job == grant.job);
        let last = tokens.max_by_key(|token| token.end_ms()).unwrap_or(grant);
        if !is_packed && !grants.contains(&(grant.agent, grant.scope_hash)) {
            first.entry((grant.agent, grant.job, grant.scope_hash)).or_insert((last, call.statement.at));
        }
    }
    for (token, at) in first.into_values() {
        let Some(asks) = judge.demands(token).proof_bundle else { continue };
        let until = token.end_ms().saturating_add(BUNDLE_MS);
        if scene.now_ms() > until {
            let entries = judge.inherited(token, asks).into_iter().chain([at]);
            let detail = "a model was called under this grant, and nobody tells of a run of it";
            findings.add(&BUNDLE_MISSING, &token.subject(), entries, detail);
        } else {
            findings.wait(&BUNDLE_MISSING, &token.subject(), at, until);
        }
    }
}

/// One run whose token or grant is known.
struct Run<'s, 'a> {
    token: &'s Token<'a>,
    subject: Subject,
    first: LeafIndex,
    has_decision: bool,
    /// Model calls that name the run.
    calls: Vec<&'s Call<'a>>,
    has_call: bool,
    has_bundle: bool,
}

/// Agent, run id and job: where no token of a run is known, model calls under
/// grants of two jobs that name it are two runs, and neither job's moves the
/// other's.
type Key<'a> = (&'a str, &'a str, Option<&'a str>);

fn runs<'s, 'a>(scene: &'s Scene<'a>) -> BTreeMap<Key<'a>, Run<'s, 'a>> {
    let mut runs = BTreeMap::new();
    let new = |token: &'s Token<'a>, run: &str, first| Run {
        token,
        subject: Subject { run: Some(run.to_owned()), ..token.subject() },
        first,
        has_decision: false,
        calls: Vec::new(),
        has_call: false,
        has_bundle: false,
    };
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let (Some(agent), Some(run)) = (decision.agent, decision.run) else { continue };
        let Some(token) = scene.token_of_run(agent, run) else { continue };
        let run = runs.entry((agent, run, token.job)).or_insert_with(|| new(token, run, decision.statement.at));
        run.has_decision = true;
    }
    for call in &scene.calls {
        let (Some((token, _)), Some(run)) = (scene.token_of(call), scene.run_of(call)) else { continue };
        let run = runs.entry((token.agent, run, token.job)).or_insert_with(|| new(token, run, call.statement.at));
        run.has_call = true;
        run.calls.push(call);
    }
    // Of which nothing but its bundle tells, and that names its token.
    for bundle in &scene.bundles {
        let Some(run) = bundle.run else { continue };
        let Some(token) = scene.token_of_run(bundle.agent, run) else { continue };
        runs.entry((bundle.agent, run, token.job)).or_insert_with(|| new(token, run, bundle.statement.at));
    }
    runs
}

impl Run<'_, '_> {
    /// What the log holds of the run beside what its bundle holds.
    /// `all_left_out`: what it does not hold, whichever job's.
    fn bundled(
        &mut self,
        judge: &Judge<'_, '_>,
        bundle: &Bundle<'_>,
        held: &Held<'_>,
        all_left_out: &[&Call<'_>],
        findings: &mut Findings,
    ) {
        self.has_bundle = true;
        self.has_call |= !held.events.is_empty() || !held.former.is_empty();
        let Some(asks) = judge.demands(self.token).gateway_receipts else { return };
        let (at, asked) = (bundle.statement.at, judge.inherited(self.token, asks));
        let left_out: Vec<_> = self.calls.iter().filter(|call| !held.hashes.contains(call.statement.hash)).collect();
        // What was logged after a bundle is left out by the last one only.
        let before = |call: &&&Call<'_>| call.statement.at < at || !bundle.is_packed_again;
        for call in left_out.iter().copied().filter(before) {
            let entries = asked.into_iter().chain([call.statement.at, at]);
            let detail = "the bundle does not hold this model call";
            match judge.refuses(self.token, call) {
                true => findings.add(&RECEIPT_NOT_IN_BUNDLE, &self.subject, entries, detail),
                false => {
                    findings.leave_open(&RECEIPT_NOT_IN_BUNDLE, Severity::Medium, &self.subject, entries, detail);
                }
            }
        }
        // The gateway saw the call of an event that a receipt left out tells
        // of: what is wrong with it was said above.
        let told: BTreeSet<_> = all_left_out.iter().filter_map(|call| call.event()).inserted();
        let mut spare = all_left_out.iter().filter(|call| call.event().is_none());
        for event in bundle.model_calls() {
            let hash = event.hash().unwrap_or_default();
            let rule = match held.events.get(hash) {
                None if held.former.contains(hash) || told.contains(hash) || spare.next().is_some() => continue,
                None => &GATEWAY_RECEIPT_MISSING,
                Some(1) => continue,
                Some(_) => &GATEWAY_RECEIPT_DOUBLED,
            };
            let id = event.id().unwrap_or_default();
            findings.add(rule, &self.subject, asked.into_iter().chain([at]), format!("event {id} of the bundle"));
        }
    }

    /// What the run still owes.
    fn owed(&self, scene: &Scene<'_>, judge: &Judge<'_, '_>, findings: &mut Findings) {
        let demands = judge.demands(self.token);
        let chain = self.subject.run.as_deref().and_then(|run| scene.run_tokens.get(&(self.token.agent, run)));
        let end = chain.map_or(self.token.end_ms(), |chain| chain.end_ms(&scene.tokens));
        let until = end.saturating_add(BUNDLE_MS);
        let late = scene.now_ms() > until;
        let mut owe = |rule: &'static Rule, asks: &Policy, detail: &str| match late {
            true => {
                let entries = judge.inherited(self.token, asks).into_iter().chain([self.first]);
                findings.add(rule, &self.subject, entries, detail);
            }
            false => findings.wait(rule, &self.subject, self.first, until),
        };
        if let Some(asks) = demands.proof_bundle.filter(|_| !self.has_bundle) {
            owe(&BUNDLE_MISSING, asks, &scene.unfit_bundle(self.token));
        }
        if let Some(asks) = demands.gateway_receipts.filter(|_| self.has_decision && !self.has_call) {
            owe(&GATEWAY_RECEIPT_MISSING, asks, "the run acted, and no gateway receipt tells of it");
        }
    }
}

/// Whether a bundle holds a receipt of this signer, or of anybody, that is none
/// of the known model calls: a body that is not at hand may be it.
pub(super) fn holds_unknown(scene: &Scene<'_>, bundle: ProofBundle<'_>, signer: Option<&Did>) -> bool {
    let known: BTreeSet<_> = scene.calls.iter().map(|call| *call.statement.hash).inserted();
    bundle.receipts().any(|receipt| {
        let by = signer.is_none_or(|signer| receipt.signer() == Some(signer.as_str()));
        by && receipt.payload_hash().is_some_and(|hash| !known.contains(&hash))
    })
}
