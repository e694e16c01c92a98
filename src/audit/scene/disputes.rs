//! Tokens that two issuers give different claims: one of them is wrong, and
//! nobody can say which. The jobs that they name are left open.
//!
//! ```text
//! alike in agent, job, policy and grant   the token is as both have it, and lives from the earlier beginning to
//!                                         the later end: what fails, fails by either account
//! unlike in one of these                  its issuances are as if not at hand; what rests on them is left open
//! ```
//!
//! The word of an issuer that the operator distrusts disputes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::artifact::json::{Value, to_jcs};
use crate::artifact::{Did, Kind};
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

/// All of them, and what else leads to those that are unlike in what they are
/// for: none of the scene's tokens.
#[derive(Debug, Default)]
pub(in crate::audit) struct Disputes<'a> {
    of: BTreeMap<&'a str, Dispute<'a>>,
    unlike: BTreeSet<&'a str>,
    by_grant: HashMap<&'a str, BTreeSet<&'a str>>,
    by_job: HashMap<&'a str, BTreeSet<&'a str>>,
    /// Issuances by the distrusted, of tokens of which others say otherwise.
    set_aside: BTreeSet<LeafIndex>,
}

impl<'a> Disputes<'a> {
    /// Needs roots and issuances alone: who is an issuer where it says so.
    pub(super) fn among(
        prefix: impl Iterator<Item = (LeafIndex, &'a Seen)>,
        operator: Option<&Did>,
        origin: Option<&str>,
    ) -> Disputes<'a> {
        let mut told = Scene::default();
        let whose_word = prefix.filter(|(_, seen)| matches!(seen.entry.kind, Kind::AuditRoots | Kind::CstIssuance));
        for (at, seen, body) in whose_word.filter_map(|(at, seen)| Some((at, seen, seen.body.as_ref()?))) {
            let statement = Statement::of(at, seen, body);
            let by_operator = statement.is_by_operator(operator, origin);
            told.take(statement, by_operator);
        }
        let mut all: BTreeMap<&str, Vec<Statement<'_>>> = BTreeMap::new();
        for fact in told.facts.iter().filter(|fact| fact.kind == Kind::CstIssuance) {
            all.entry(fact.text("token_hash").unwrap_or_default()).or_default().push(*fact);
        }
        let distrusted: Vec<_> = told.roots.iter().flat_map(|(_, roots)| roots.distrusted()).collect();
        let is_distrusted = |issuance: &Statement<'_>| {
            let by = |did: &str| issuance.signer.is_some_and(|signer| signer.as_str() == did);
            distrusted.iter().any(|(did, from, _)| by(did) && issuance.at.get() >= *from)
        };
        let mut disputes = Disputes::default();
        for (token, issuances) in all.into_iter().filter(|(_, issuances)| contradict(issuances)) {
            let (out, trusted): (Vec<_>, Vec<_>) = issuances.into_iter().partition(is_distrusted);
            if !trusted.is_empty() {
                disputes.set_aside.extend(out.iter().map(|issuance| issuance.at));
            }
            if contradict(&trusted) {
                disputes.add(Dispute { token, issuances: trusted });
            }
        }
        disputes
    }

    fn add(&mut self, dispute: Dispute<'a>) {
        let token = dispute.token;
        if !dispute.agrees(terms) {
            self.unlike.insert(token);
            for issuance in &dispute.issuances {
                let grant = issuance.text("claims.token_scope_hash_b64u").unwrap_or_default();
                self.by_grant.entry(grant).or_default().insert(token);
                if let Some(job) = issuance.id("claims.mission_id") {
                    self.by_job.entry(job).or_default().insert(token);
                }
            }
        }
        self.of.insert(token, dispute);
    }

    /// Whether no token is out of the scene.
    pub(in crate::audit) fn is_settled(&self) -> bool {
        self.unlike.is_empty()
    }

    pub(super) fn is_set_aside(&self, issuance: LeafIndex) -> bool {
        self.set_aside.contains(&issuance)
    }

    pub(in crate::audit) fn all(&self) -> impl Iterator<Item = &Dispute<'a>> {
        self.of.values()
    }

    pub(in crate::audit) fn of_token(&self, token: &str) -> Option<&Dispute<'a>> {
        self.of.get(token)
    }

    /// Of this token, where they are unlike in what it is for.
    pub(in crate::audit) fn unlike(&self, token: &str) -> Option<&Dispute<'a>> {
        self.of.get(token).filter(|_| self.unlike.contains(token))
    }

    /// Those that one of the issuances gives this grant.
    pub(in crate::audit) fn of_grant(&self, scope_hash: &str) -> impl Iterator<Item = &Dispute<'a>> {
        self.named(&self.by_grant, scope_hash)
    }

    /// Those that one of the issuances gives this job.
    pub(in crate::audit) fn of_job(&self, job: &str) -> impl Iterator<Item = &Dispute<'a>> {
        self.named(&self.by_job, job)
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

/// Agent, job, policy and grant.
fn terms<'a>(issuance: &Statement<'a>) -> [Option<&'a str>; 5] {
    ["claims.sub", "claims.agent_did", "claims.mission_id", "claims.policy_hash_b64u", "claims.token_scope_hash_b64u"]
        .map(|path| issuance.text(path))
}

impl<'a> Dispute<'a> {
    pub(in crate::audit) fn entries(&self) -> impl Iterator<Item = LeafIndex> {
        self.issuances.iter().map(|issuance| issuance.at)
    }

    /// Whether all accounts have the same of this.
    pub(in crate::audit) fn agrees<T: Ord>(&self, of: impl Fn(&Statement<'a>) -> T) -> bool {
        self.issuances.iter().map(of).collect::<BTreeSet<_>>().len() == 1
    }

    /// The earliest beginning and the latest end, Unix seconds.
    pub(in crate::audit) fn life(&self) -> (i64, i64) {
        let seconds = |path| {
            let all = self.issuances.iter();
            all.map(move |issuance| issuance.payload.at(path).and_then(Value::as_i64).unwrap_or(0))
        };
        (seconds("claims.iat").min().unwrap_or(0), seconds("claims.exp").max().unwrap_or(0))
    }

    /// Whether any issuance stands below.
    pub(in crate::audit) fn is_issued_before(&self, at: LeafIndex) -> bool {
        self.entries().any(|issued| issued < at)
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
    }

    /// A token that may be one of these runs' ended with them, if it was
    /// revoked. One that a decision of another run names is not.
    pub(super) fn doubt_disputed(&mut self) {
        if self.disputes.is_settled() {
            return;
        }
        let mut decided: HashMap<&str, BTreeSet<Option<&str>>> = HashMap::new();
        for decision in self.decisions.iter().filter(|decision| decision.is_allow) {
            if let Some(dispute) = decision.token_hash.and_then(|token| self.disputes.unlike(token)) {
                decided.entry(dispute.token).or_default().insert(decision.run);
            }
        }
        for ((_, run), chain) in &mut self.run_tokens {
            let grant = self.tokens[chain.first].scope_hash;
            let may_be_its =
                |dispute: &&Dispute<'_>| decided.get(dispute.token).is_none_or(|runs| runs.contains(&Some(*run)));
            let disputed = self.disputes.of_grant(grant).filter(may_be_its);
            chain.may_end(disputed.filter_map(|dispute| self.revoked.get(dispute.token)).copied());
        }
    }

    /// Whether the signer is the wrapper of an agent that one account gives
    /// the token to, as far as they stand below.
    pub(super) fn wraps_disputed(&self, statement: &Statement<'a>, dispute: &Dispute<'a>) -> bool {
        let below = || dispute.issuances.iter().filter(|issuance| issuance.at < statement.at);
        let wraps =
            |issuance: &Statement<'a>| issuance.text("claims.sub").is_some_and(|sub| self.wraps(statement, sub));
        below().next().is_none() || below().any(wraps)
    }
}
