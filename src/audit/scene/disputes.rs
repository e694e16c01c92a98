//! Tokens that two issuers give different claims: one of them is wrong, and
//! nobody can say which. Such a token is judged as if its issuances were not
//! at hand: neither says whose it is, for what, or when it ends. What rests on
//! them is left open, in whichever order they stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::artifact::Did;
use crate::artifact::json::to_jcs;
use crate::audit::finding::Subject;
use crate::audit::scene::Scene;
use crate::audit::statement::Statement;
use crate::audit::timeline::Seen;
use crate::merkle::LeafIndex;

/// One token, and every issuance of it.
#[derive(Debug)]
pub(in crate::audit) struct Dispute<'a> {
    pub token: &'a str,
    pub issuances: Vec<Statement<'a>>,
}

/// All of them, and what else leads to them.
#[derive(Debug, Default)]
pub(in crate::audit) struct Disputes<'a> {
    of: BTreeMap<&'a str, Dispute<'a>>,
    by_grant: HashMap<&'a str, BTreeSet<&'a str>>,
    by_job: HashMap<&'a str, BTreeSet<&'a str>>,
    /// By run ids that decisions and bundles name beside the token.
    by_run: HashMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Disputes<'a> {
    /// Needs roots and issuances alone: who is an issuer where it says so.
    pub(super) fn among(
        prefix: impl Iterator<Item = (LeafIndex, &'a Seen)>,
        operator: Option<&Did>,
        origin: Option<&str>,
    ) -> Disputes<'a> {
        let mut told = Scene::default();
        let whose_word = prefix.filter(|(_, seen)| matches!(seen.entry.kind.name(), "audit_roots" | "cst_issuance"));
        for (at, seen, body) in whose_word.filter_map(|(at, seen)| Some((at, seen, seen.body.as_ref()?))) {
            let statement = Statement::of(at, seen, body);
            let by_operator = statement.is_by_operator(operator, origin);
            told.take(statement, by_operator);
        }
        let mut all: BTreeMap<&str, Vec<Statement<'_>>> = BTreeMap::new();
        for fact in told.facts.iter().filter(|fact| fact.kind == "cst_issuance") {
            all.entry(fact.text("token_hash").unwrap_or_default()).or_default().push(*fact);
        }
        let mut disputes = Disputes::default();
        for (token, issuances) in all.into_iter().filter(|(_, issuances)| contradict(issuances)) {
            for issuance in &issuances {
                let grant = issuance.text("claims.token_scope_hash_b64u").unwrap_or_default();
                disputes.by_grant.entry(grant).or_default().insert(token);
                if let Some(job) = issuance.id("claims.mission_id") {
                    disputes.by_job.entry(job).or_default().insert(token);
                }
            }
            disputes.of.insert(token, Dispute { token, issuances });
        }
        disputes
    }

    pub(super) fn name_run(&mut self, run: &'a str, tokens: impl IntoIterator<Item = &'a str>) {
        let disputed = tokens.into_iter().filter(|token| self.of.contains_key(token));
        let disputed: Vec<_> = disputed.collect();
        if !disputed.is_empty() {
            self.by_run.entry(run).or_default().extend(disputed);
        }
    }

    pub(in crate::audit) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    pub(in crate::audit) fn all(&self) -> impl Iterator<Item = &Dispute<'a>> {
        self.of.values()
    }

    pub(in crate::audit) fn of_token(&self, token: &str) -> Option<&Dispute<'a>> {
        self.of.get(token)
    }

    /// Those that one of the issuances gives this grant.
    pub(in crate::audit) fn of_grant(&self, scope_hash: &str) -> impl Iterator<Item = &Dispute<'a>> {
        self.named(&self.by_grant, scope_hash)
    }

    /// Those that one of the issuances gives this job.
    pub(in crate::audit) fn of_job(&self, job: &str) -> impl Iterator<Item = &Dispute<'a>> {
        self.named(&self.by_job, job)
    }

    /// Those that a run of this id is said to have had.
    pub(in crate::audit) fn of_run(&self, run: &str) -> impl Iterator<Item = &Dispute<'a>> {
        self.named(&self.by_run, run)
    }

    fn named(
        &self,
        by: &HashMap<&'a str, BTreeSet<&'a str>>,
        name: &str,
    ) -> impl Iterator<Item = &Dispute<'a>> + use<'_, 'a> {
        let tokens: Vec<_> = by.get(name).into_iter().flatten().copied().collect();
        tokens.into_iter().filter_map(|token| self.of.get(token))
    }
}

/// Whether two issuers say unlike things. With two issuers and two accounts
/// there is such a pair, whoever says what.
fn contradict(issuances: &[Statement<'_>]) -> bool {
    let signers: BTreeSet<_> = issuances.iter().map(|issuance| issuance.signer).collect();
    let claims = || issuances.iter().map(|issuance| issuance.payload.get("claims").map(to_jcs));
    signers.len() > 1 && claims().collect::<BTreeSet<_>>().len() > 1
}

impl<'a> Dispute<'a> {
    pub(in crate::audit) fn entries(&self) -> impl Iterator<Item = LeafIndex> {
        self.issuances.iter().map(|issuance| issuance.at)
    }

    /// Whether any issuance stands below.
    pub(in crate::audit) fn is_issued_before(&self, at: LeafIndex) -> bool {
        self.entries().any(|issued| issued < at)
    }

    /// Whether one issuer issued it twice.
    pub(in crate::audit) fn is_by_one_twice(&self) -> bool {
        let signers: BTreeSet<_> = self.issuances.iter().map(|issuance| issuance.signer).collect();
        signers.len() < self.issuances.len()
    }

    /// The jobs that it is said to be for, each with its agent where all that
    /// speak of the job agree on that.
    pub(in crate::audit) fn subjects(&self) -> Vec<Subject> {
        let mut agents: BTreeMap<Option<&str>, BTreeSet<&str>> = BTreeMap::new();
        for issuance in &self.issuances {
            let of_job = agents.entry(issuance.id("claims.mission_id")).or_default();
            of_job.extend(issuance.text("claims.sub"));
        }
        let subject = |(job, agents): (Option<&str>, BTreeSet<&str>)| {
            let only = agents.first().filter(|_| agents.len() == 1).map(|agent| (*agent).to_owned());
            let several = agents.iter().filter(|_| job.is_some() && agents.len() > 1);
            Subject {
                job: job.map(str::to_owned),
                token: Some(self.token.to_owned()),
                concerns: several.map(|agent| (*agent).to_owned()).collect(),
                agent: only,
                ..Subject::default()
            }
        };
        agents.into_iter().map(subject).collect()
    }
}

impl<'a> Scene<'a> {
    /// Keeps who may be the agents of which job: each issuer says so.
    pub(super) fn file_disputed(&mut self) {
        for issuance in self.disputes.of.values().flat_map(|dispute| &dispute.issuances) {
            if let Some((job, agent)) = issuance.id("claims.mission_id").zip(issuance.text("claims.sub")) {
                self.job_agents.entry(job).or_default().insert(agent);
            }
        }
        for decision in &self.decisions {
            if let Some(run) = decision.run {
                self.disputes.name_run(run, decision.token_hash);
            }
        }
        for bundle in &self.bundles {
            if let Some(run) = bundle.run {
                self.disputes.name_run(run, bundle.token_hashes.iter().copied());
            }
        }
    }

    /// A token that may be one of these runs' ended with them, if it was revoked.
    pub(super) fn doubt_disputed(&mut self) {
        for chain in self.run_tokens.values_mut().filter(|_| !self.disputes.is_empty()) {
            let grant = self.tokens[chain.first].scope_hash;
            let ended = self.disputes.of_grant(grant).filter_map(|dispute| self.revoked.get(dispute.token)).copied();
            chain.may_end(ended);
        }
    }
}
