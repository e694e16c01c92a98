//! One pass over a prefix: which statements are facts, and how they hang
//! together. Whether a statement counts depends on lower indexes alone, so a
//! longer log never takes a fact away; whom it may charge is proven at the end.

mod behind;
mod charge;
mod disputes;
mod joins;
mod missed;
mod reasons;
mod rights;
mod whose;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::artifact::digest::PayloadHash;
use crate::artifact::json::{Value, to_jcs};
use crate::artifact::spelling::is_spelled;
use crate::artifact::{Did, Kind};
use crate::audit::packing;
use crate::audit::renewals::{Chain, RunKey, chains};
use crate::audit::roles::Role;
use crate::audit::roots::Roots;
use crate::audit::statement::{Bundle, Call, Decision, Receipt, Statement, Token, ms, run_of_bundle};
use crate::audit::timeline::Seen;
use crate::entry::LoggedAt;
use crate::merkle::LeafIndex;
use crate::policy::Policy;

pub(super) use self::charge::speaker;
pub(super) use self::disputes::{Dispute, Disputes};
use self::reasons::Unfit;
use self::whose::Loose;

pub(super) use self::missed::Withheld;

/// Everything the rules look at.
#[derive(Debug, Default)]
pub(super) struct Scene<'a> {
    pub pinned: bool,
    pub logged_at: Option<LoggedAt>,
    /// Every fact, in order.
    pub facts: Vec<Statement<'a>>,
    pub roots: Vec<(LeafIndex, Roots<'a>)>,
    pub policies: Vec<(Statement<'a>, Policy)>,
    pub tokens: Vec<Token<'a>>,
    pub decisions: Vec<Decision<'a>>,
    pub receipts: Vec<Receipt<'a>>,
    pub calls: Vec<Call<'a>>,
    pub bundles: Vec<Bundle<'a>>,
    pub approvals: Vec<Statement<'a>>,
    /// Operations that Argo CD reported, and the decisions that each joins.
    pub operations: Vec<(Statement<'a>, Vec<usize>)>,
    /// Reports of each key, among these operations.
    pub reported: HashMap<&'a str, Vec<usize>>,
    pub untrusted: Vec<Statement<'a>>,
    pub withheld: Vec<Withheld<'a>>,
    /// What issuers say unlike each other, and what is taken for true here.
    pub disputes: Disputes<'a>,
    /// The tokens of each run.
    pub run_tokens: BTreeMap<RunKey<'a>, Chain>,
    /// What the other runs may be of.
    loose: Loose<'a>,
    /// Agents that tokens were issued to, by job.
    pub job_agents: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Where the first allow decision of each run stands.
    run_from: BTreeMap<(&'a str, &'a str), LeafIndex>,
    /// Missing bodies that only matter where their signer is distrusted.
    idle: Vec<Withheld<'a>>,
    token_at: HashMap<&'a str, usize>,
    /// Tokens of each grant, by scope hash, in order.
    grant_at: HashMap<&'a str, Vec<usize>>,
    policy_at: HashMap<String, usize>,
    /// By payload hash: one payload may be signed by several.
    decision_at: HashMap<String, Vec<usize>>,
    /// What stands in the place of something missing, and does not count.
    unfit: Unfit<'a>,
    approval_at: HashMap<String, Vec<usize>>,
    /// Denies, by the JCS of what they bind.
    denied: HashMap<String, Vec<usize>>,
    /// Allow decisions that name an approval.
    users: HashMap<&'a str, Vec<usize>>,
    revoked: HashMap<&'a str, (LeafIndex, i64)>,
    counted: HashSet<(Kind, PayloadHash, Option<&'a Did>, Option<&'a str>)>,
}

impl<'a> Scene<'a> {
    /// `logged_at`: of the last entry of the prefix, where that entry is not at hand.
    pub(super) fn new(
        prefix: impl Iterator<Item = (LeafIndex, &'a Seen)>,
        logged_at: Option<LoggedAt>,
        operator: Option<&Did>,
        origin: Option<&str>,
        disputes: Disputes<'a>,
    ) -> Scene<'a> {
        let mut scene = Scene { pinned: operator.is_some(), disputes, ..Scene::default() };
        for (at, seen) in prefix {
            scene.logged_at = Some(seen.entry.logged_at);
            match &seen.body {
                Some(body) => {
                    let statement = Statement::of(at, seen, body);
                    let by_operator = statement.is_by_operator(operator, origin);
                    scene.take(statement, by_operator);
                }
                None => scene.miss(at, seen, operator),
            }
        }
        scene.logged_at = scene.logged_at.max(logged_at);
        scene.wake();
        scene.connect();
        scene
    }

    /// Now: `logged_at` of the last entry.
    pub(super) fn now_ms(&self) -> i64 {
        self.logged_at.map_or(0, ms)
    }

    /// The roots in force at `at`.
    pub(super) fn roots_at(&self, at: LeafIndex) -> Option<&Roots<'a>> {
        let after = self.roots.partition_point(|(from, _)| *from <= at);
        self.roots[..after].last().map(|(_, roots)| roots)
    }

    fn take(&mut self, statement: Statement<'a>, by_operator: bool) {
        // An unsigned statement is its submitter's.
        let submitter = statement.signer.is_none().then_some(statement.submitter);
        let key = (statement.kind, statement.hash, statement.signer, submitter);
        if self.counted.contains(&key) {
            return;
        }
        let agent = self.agent_of(&statement);
        let holds = |agent| self.roots.last().is_some_and(|(_, roots)| roots.hold(&statement, agent));
        let role = Role::of(statement.kind);
        let is_fact = if role == Role::Operator { by_operator } else { holds(agent) };
        if !is_fact {
            let by_wrapper = role == Role::Wrapper && holds(None);
            // An unsigned Trust Pulse claims no role: it is self-reported.
            if statement.kind != Kind::TrustPulse || statement.signer.is_some() {
                self.untrusted.push(statement);
            }
            if by_wrapper {
                self.unfit.take(&statement);
            }
            return;
        }
        self.counted.insert(key);
        self.facts.push(statement);
        self.file(statement, agent);
    }

    /// The agent that a wrapper's statement is about, known at that position.
    fn agent_of(&self, statement: &Statement<'a>) -> Option<&'a str> {
        match statement.kind {
            Kind::ArgocdDecision => self.token(statement.text("cst.token_hash")?).map(|at| self.tokens[at].agent),
            Kind::ArgocdReceipt => {
                let named = || self.decisions_named(statement.text("decision_digest").unwrap_or_default());
                let own = named().find(|decision| decision.statement.signer == statement.signer);
                let wraps = |decision: &&Decision<'_>| decision.agent.is_some_and(|agent| self.wraps(statement, agent));
                own.or_else(|| named().find(wraps)).or_else(|| named().next())?.agent
            }
            Kind::GatewayReceipt
            | Kind::ToolReceipt
            | Kind::SideEffectReceipt
            | Kind::HumanApprovalReceipt
            | Kind::DelegationReceipt
            | Kind::ProofBundle
            | Kind::WorkPolicy
            | Kind::TrustPulse
            | Kind::CstIssuance
            | Kind::CstRevocation
            | Kind::Approval
            | Kind::ChangeRecord
            | Kind::AuditRoots
            | Kind::AuditStatement
            | Kind::Withholding
            | Kind::ArgocdObservation
            | Kind::ArgocdSnapshot => None,
        }
    }

    pub(super) fn token(&self, hash: &str) -> Option<usize> {
        self.token_at.get(hash).copied()
    }

    fn file(&mut self, statement: Statement<'a>, agent: Option<&'a str>) {
        match statement.kind {
            Kind::AuditRoots => self.roots.push((statement.at, Roots::of(&statement))),
            // Admitted, so its shape compiles; one that does not governs nothing.
            Kind::WorkPolicy => {
                if let Ok(policy) = Policy::compile(statement.payload) {
                    self.policy_at.entry(policy.hash().to_b64u()).or_insert(self.policies.len());
                    self.policies.push((statement, policy));
                }
            }
            Kind::CstIssuance => self.issue(statement),
            Kind::CstRevocation => {
                let counts = !self.disputes.ignores_distrusted || !self.disputes.is_distrusted(&statement);
                if let Some(hash) = statement.text("token_hash").filter(|_| counts) {
                    self.revoked.entry(hash).or_insert((statement.at, statement.ms));
                }
            }
            Kind::Approval => self.file_approval(statement),
            Kind::ArgocdDecision => {
                let token = statement.text("cst.token_hash").and_then(|hash| self.token(hash));
                let decision = Decision::new(statement, token, agent);
                self.decision_at.entry(statement.hash.to_string()).or_default().push(self.decisions.len());
                for approval in decision.approvals.iter().filter(|_| decision.is_allow) {
                    self.users.entry(approval).or_default().push(self.decisions.len());
                }
                self.decisions.push(decision);
            }
            Kind::ArgocdReceipt => {
                let outcome = statement.text("outcome").unwrap_or_default();
                self.receipts.push(Receipt { statement, decision: None, outcome });
            }
            Kind::GatewayReceipt => {
                let scope_hash = statement.text("binding.token_scope_hash_b64u");
                self.calls.push(Call { statement, run: statement.id("binding.run_id"), scope_hash, grant: None });
            }
            Kind::ProofBundle => self.bundle(statement),
            Kind::ArgocdObservation if statement.text("event") == Some("operation") => {
                if let Some(key) = statement.op_key() {
                    self.reported.entry(key).or_default().push(self.operations.len());
                }
                self.operations.push((statement, Vec::new()));
            }
            // Rules read them among the facts.
            Kind::ArgocdObservation
            | Kind::ArgocdSnapshot
            | Kind::ChangeRecord
            | Kind::TrustPulse
            | Kind::ToolReceipt
            | Kind::SideEffectReceipt
            | Kind::HumanApprovalReceipt
            | Kind::DelegationReceipt
            | Kind::AuditStatement
            | Kind::Withholding => {}
        }
    }

    fn file_approval(&mut self, statement: Statement<'a>) {
        let at = self.approvals.len();
        self.approval_at.entry(statement.hash.to_string()).or_default().push(at);
        if statement.text("decision") == Some("deny") {
            let binds = statement.payload.get("binds").map(to_jcs).unwrap_or_default();
            self.denied.entry(binds).or_default().push(at);
        }
        self.approvals.push(statement);
    }

    fn issue(&mut self, statement: Statement<'a>) {
        let is_out = self.disputes.is_set_aside(statement.at);
        let statement = self.disputes.as_taken(statement);
        let text = |path| statement.text(path).unwrap_or_default();
        let seconds = |path| statement.payload.at(path).and_then(Value::as_i64).unwrap_or(0);
        let (hash, agent) = (text("token_hash"), text("claims.sub"));
        if is_out || self.token_at.contains_key(hash) {
            return;
        }
        let own_life = || (seconds("claims.iat"), seconds("claims.exp"));
        let alike = self.disputes.of_token(hash).filter(|dispute| !dispute.is_unlike());
        let (begin, end) = alike.map_or_else(own_life, Dispute::life);
        let row = self.roots.last().and_then(|(_, roots)| roots.agent(agent));
        let pinned = statement.text("claims.policy_hash_b64u");
        let policy_hash = pinned.or_else(|| row?.text_at("default_policy"));
        let listed = row.and_then(|row| row.get("policies")).and_then(Value::as_array).unwrap_or_default();
        let token = Token {
            statement,
            hash,
            agent,
            job: statement.id("claims.mission_id"),
            scope_hash: text("claims.token_scope_hash_b64u"),
            issued_ms: begin.saturating_mul(1_000),
            expires_ms: end.saturating_mul(1_000),
            pinned,
            policy_hash,
            policy: policy_hash.and_then(|hash| self.policy_at.get(hash)).copied(),
            agent_known: row.is_some() || !is_spelled(agent),
            policy_listed: pinned.is_none_or(|pinned| listed.iter().any(|hash| hash.as_str() == Some(pinned))),
            revoked: None,
        };
        if let Some(job) = token.job {
            self.job_agents.entry(job).or_default().insert(agent);
        }
        self.token_at.insert(hash, self.tokens.len());
        self.grant_at.entry(token.scope_hash).or_default().push(self.tokens.len());
        self.tokens.push(token);
    }

    fn bundle(&mut self, statement: Statement<'a>) {
        let hashes = statement.payload.at("metadata.pulselog.token_hashes").and_then(Value::as_array);
        let bundle = Bundle {
            agent: statement.text("agent_did").unwrap_or_default(),
            run: run_of_bundle(statement.payload),
            job: None,
            token_hashes: hashes.unwrap_or_default().iter().filter_map(Value::as_str).collect(),
            before: None,
            continues: false,
            is_packed_again: false,
            statement,
        };
        self.unfit.take_bundle(&bundle);
        self.bundles.push(bundle);
    }

    /// What needs the whole prefix: ends of tokens, tokens of runs, joins.
    fn connect(&mut self) {
        for token in &mut self.tokens {
            token.revoked = self.revoked.get(token.hash).copied();
        }
        for call in &mut self.calls {
            call.grant = call.scope_hash.and_then(|hash| self.grant_at.get(hash)?.first()).copied();
        }
        for decision in self.decisions.iter().filter(|decision| decision.is_allow && decision.token.is_some()) {
            if let (Some(agent), Some(run)) = (decision.agent, decision.run) {
                self.run_from.entry((agent, run)).or_insert(decision.statement.at);
            }
        }
        self.run_tokens = chains(&self.tokens, &self.decisions, &self.bundles, |hash| self.token(hash));
        for chain in self.run_tokens.values() {
            for at in chain.owned() {
                self.tokens[at].revoked = chain.revocation(&self.tokens[at]);
            }
        }
        self.charge_decisions();
        self.find_jobs();
        packing::connect(&mut self.bundles);
        self.join_all();
    }

    /// Where a token itself was first revoked.
    pub(super) fn revocation_of(&self, hash: &str) -> Option<(LeafIndex, i64)> {
        self.revoked.get(hash).copied()
    }

    /// Decisions with this payload hash, hex, whoever signed them.
    pub(super) fn decisions_named(&self, hash: &str) -> impl Iterator<Item = &Decision<'a>> {
        self.decision_at.get(hash).into_iter().flatten().map(|at| &self.decisions[*at])
    }

    /// Approvals with this payload hash, hex, whoever signed them.
    pub(super) fn approvals_named(&self, hash: &str) -> impl Iterator<Item = &Statement<'a>> {
        self.approval_at.get(hash).into_iter().flatten().map(|at| &self.approvals[*at])
    }

    /// Denies of exactly these binds, in order.
    pub(super) fn denies_of(&self, binds: &str) -> impl Iterator<Item = &Statement<'a>> {
        self.denied.get(binds).into_iter().flatten().map(|at| &self.approvals[*at])
    }

    /// Allow decisions that name an approval, in order.
    pub(super) fn users_of(&self, approval: &str) -> impl Iterator<Item = &Decision<'a>> {
        self.users.get(approval).into_iter().flatten().map(|at| &self.decisions[*at])
    }

    /// Receipts that name a decision.
    pub(super) fn receipts_of(&self, decision: &Decision<'a>) -> impl Iterator<Item = &Receipt<'a>> {
        decision.receipts.iter().map(|at| &self.receipts[*at])
    }

    /// Operations that join a decision, but for doubted ones.
    pub(super) fn operations_of(&self, decision: &Decision<'a>) -> impl Iterator<Item = &Statement<'a>> {
        decision.operations.iter().map(|at| &self.operations[*at].0)
    }
}
