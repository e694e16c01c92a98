//! Rules about model calls that a gateway saw and that no run owns up to:
//! what names no run could be any run's of its grant, and where there is none
//! that could, it is the job's of the grant.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::digest::PayloadHash;
use crate::artifact::time::unix_ms;
use crate::audit::finding::{Findings, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::renewals::Chain;
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::{Call, Token};

static MODEL_CALL_UNPLACED: Rule = Rule {
    code: "MODEL_CALL_UNPLACED",
    title: "A model call that no run owns up to",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "A gateway saw a model call with this run's rights while one of its tokens was valid. The receipt names no run, and no bundle of the runs that it could belong to holds it. Where no run with these rights had a valid token then, the job is left open.",
    what_to_do: "Have the gateway bind its receipts to runs; a bundle that holds the receipt says whose call it was.",
    does_not_prove: "That the call was this run's.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[&MODEL_CALL_UNPLACED];

/// A run: its agent and id, and its tokens where any is known.
#[derive(Clone, Copy)]
struct Known<'s, 'a> {
    agent: &'a str,
    id: &'a str,
    token: Option<&'s Token<'a>>,
    chain: Option<&'s Chain>,
}

impl Known<'_, '_> {
    fn subject(&self, scene: &Scene<'_>) -> Subject {
        let token = self.token.map(|token| token.hash.to_owned());
        Subject { token, ..scene.subject_of_run(self.agent, self.id) }
    }
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let runs = Runs::of(scene);
    let reached = scene.calls.iter().map(|call| (call, runs.reached_by(scene, call)));
    let loose: Vec<_> = reached.filter(|(_, runs)| !runs.is_empty()).collect();
    let packed = packed(scene, &loose.iter().map(|(call, _)| *call.statement.hash).inserted());
    for (call, runs) in loose {
        let is_packed = |run: &Known<'_, '_>| packed.contains(&(*call.statement.hash, run.agent, run.id));
        match call.run {
            None if runs.iter().any(is_packed) => {}
            None => runs.iter().for_each(|run| unplaced(scene, call, run, findings)),
            // What a bundle holds is judged with the bundle.
            Some(_) => runs.iter().filter(|run| !is_packed(run)).for_each(|run| {
                let label = "model call names the run, under no grant that its agent held";
                findings.uncover(label, &run.subject(scene), call.statement.at);
            }),
        }
    }
    for (call, grant) in of_no_run(scene) {
        let called = call.signed_ms();
        for token in scene.tokens_of_grant(call).filter(|token| token.job == grant.job && token.lives_at(called)) {
            let detail = "the receipt names no run, and no run of this grant had a token alive then";
            let entries = [token.statement.at, call.statement.at];
            findings.add(&MODEL_CALL_UNPLACED, &token.subject(), entries, detail);
        }
    }
}

/// Model calls under an issued grant that name no run, that no run of the
/// grant reaches, and that no bundle of the grant's job holds; each with the
/// first token of its grant.
pub(super) fn of_no_run<'s, 'a>(scene: &'s Scene<'a>) -> Vec<(&'s Call<'a>, &'s Token<'a>)> {
    let nameless = |call: &&'s Call<'a>| call.run.is_none() && call.grant.is_some();
    let nameless: Vec<_> = scene.calls.iter().filter(nameless).collect();
    if nameless.is_empty() {
        return Vec::new();
    }
    let runs = Runs::of(scene);
    let alone = nameless.into_iter().filter(|call| runs.reached_by(scene, call).is_empty());
    let alone: Vec<_> = alone.filter_map(|call| Some((call, &scene.tokens[call.grant?]))).collect();
    let packed = packed(scene, &alone.iter().map(|(call, _)| *call.statement.hash).inserted());
    let mut owners: BTreeSet<(PayloadHash, &str, &str)> = BTreeSet::new();
    for (hash, agent, run) in &packed {
        owners.extend(scene.jobs_of_run(agent, run).into_iter().map(|job| (*hash, *agent, job)));
    }
    let is_held = |call: &Call<'a>, grant: &Token<'a>| {
        grant.job.is_some_and(|job| owners.contains(&(*call.statement.hash, grant.agent, job)))
    };
    alone.into_iter().filter(|(call, grant)| !is_held(call, grant)).collect()
}

fn unplaced(scene: &Scene<'_>, call: &Call<'_>, run: &Known<'_, '_>, findings: &mut Findings) {
    let issued = run.token.map(|token| token.statement.at);
    let detail = match call.statement.payload.binding().run() {
        None => "the receipt names no run; this run's grant and the life of its tokens fit",
        Some(_) => {
            "the receipt's run id is not in the one spelling of ids; this run's grant and the life of its tokens fit"
        }
    };
    findings.add(&MODEL_CALL_UNPLACED, &run.subject(scene), issued.into_iter().chain([call.statement.at]), detail);
}

/// Every run that anybody with the role speaks of.
struct Runs<'s, 'a> {
    by_grant: BTreeMap<&'a str, Vec<Known<'s, 'a>>>,
    by_id: BTreeMap<&'a str, Vec<Known<'s, 'a>>>,
}

impl<'s, 'a> Runs<'s, 'a> {
    fn of(scene: &'s Scene<'a>) -> Self {
        let of_bundles = scene.bundles.iter().filter_map(|bundle| Some((bundle.agent, bundle.run?)));
        let all: BTreeSet<_> = scene.run_tokens.keys().copied().chain(of_bundles).inserted();
        let mut runs = Runs { by_grant: BTreeMap::new(), by_id: BTreeMap::new() };
        for (agent, id) in all {
            let chain = scene.run_tokens.get(&(agent, id));
            let token = chain.map(|chain| &scene.tokens[chain.first]);
            let run = Known { agent, id, token, chain };
            runs.by_id.entry(id).or_default().push(run);
            if let Some(token) = token {
                runs.by_grant.entry(token.scope_hash).or_default().push(run);
            }
        }
        runs
    }

    /// Of a call that names no run: those of its grant whose token lived then.
    /// Of one that names a run: those whose agent had no such grant. Whoever
    /// sends a call names the run, so that counts against nobody.
    fn reached_by(&self, scene: &Scene<'a>, call: &Call<'a>) -> Vec<Known<'s, 'a>> {
        let of = |runs: Option<&Vec<Known<'s, 'a>>>| runs.into_iter().flatten().copied().collect::<Vec<_>>();
        match call.run {
            None => {
                let called = call.statement.payload.timestamp().and_then(unix_ms);
                let lives = |chain: &Chain, at| chain.lives_at(&scene.tokens, at);
                let lived = |run: &Known<'_, '_>| run.chain.zip(called).is_some_and(|(chain, at)| lives(chain, at));
                of(call.scope_hash.and_then(|grant| self.by_grant.get(grant))).into_iter().filter(lived).collect()
            }
            Some(run) => {
                let had = |agent: &str| scene.has_grant(agent, call.scope_hash);
                of(self.by_id.get(run)).into_iter().filter(|run| !had(run.agent)).collect()
            }
        }
    }
}

/// Which of these receipts the bundles of which runs hold: agent and run id.
fn packed<'a>(scene: &Scene<'a>, wanted: &BTreeSet<PayloadHash>) -> BTreeSet<(PayloadHash, &'a str, &'a str)> {
    let mut held = BTreeSet::new();
    for bundle in scene.bundles.iter().filter(|_| !wanted.is_empty()) {
        let Some(run) = bundle.run else { continue };
        let hashes = bundle.held_calls().filter(|hash| wanted.contains(hash));
        held.extend(hashes.map(|hash| (hash, bundle.agent, run)));
    }
    held
}
