//! One pass over a prefix: which statements are facts, and how they hang
//! together. Whether a statement counts depends on lower indexes alone, so a
//! longer log never takes a fact away; whom it may charge is proven at the end.

mod behind;
mod charge;
mod disputes;
mod in_force;
mod joins;
mod looked;
mod missed;
mod reasons;
mod rights;
mod room;
mod times;
mod whose;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::artifact::digest::PayloadHash;
use crate::artifact::spelling::{is_spelled, spelled};
use crate::artifact::{
    AgentRow, Approval, ArgocdSnapshot, CstIssuance, Did, Kind, Node, Payload, ProofBundle, View, Voice,
};
use crate::audit::inserted::Inserted;
use crate::audit::looks::{Life, Looks};
use crate::audit::packing;
use crate::audit::renewals::{Chain, RunKey, chains};
use crate::audit::roots::Roots;
use crate::audit::stated::Met;
use crate::audit::statement::{Bundle, Call, Decision, Operation, Receipt, Statement, Token, ms};
use crate::audit::timeline::Seen;
use crate::entry::LoggedAt;
use crate::merkle::LeafIndex;
use crate::policy::Policy;

pub(super) use self::charge::speaker;
use self::disputes::life;
pub(super) use self::disputes::{Dispute, Disputes, Issuance, Unheard};
use self::reasons::Unfit;
pub(super) use self::times::second;
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
    /// When each of them was logged, Unix milliseconds.
    roots_ms: Vec<i64>,
    pub policies: Vec<(Statement<'a>, Policy)>,
    pub tokens: Vec<Token<'a>>,
    pub decisions: Vec<Decision<'a>>,
    pub receipts: Vec<Receipt<'a>>,
    pub calls: Vec<Call<'a>>,
    pub bundles: Vec<Bundle<'a>>,
    pub approvals: Vec<Statement<'a, Approval<'a>>>,
    /// Operations that Argo CD reported, and the decisions that each joins.
    pub operations: Vec<(Operation<'a>, Vec<usize>)>,
    /// Reports of each key, among these operations.
    pub reported: HashMap<&'a str, Vec<usize>>,
    /// Among them the cluster's events, by application uid and second of the start.
    events: HashMap<(&'a str, &'a str), Vec<usize>>,
    pub untrusted: Vec<Statement<'a>>,
    pub withheld: Vec<Withheld<'a>>,
    /// Snapshots by whoever may look and is trusted, that are of a time that could
    /// be looked at.
    pub snapshots: Vec<Statement<'a, ArgocdSnapshot<'a>>>,
    pub looks: Looks,
    /// When each token lived, by each account of whoever issued it.
    pub lives: HashMap<&'a str, Vec<Life>>,
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
    decision_at: HashMap<&'a PayloadHash, Vec<usize>>,
    /// What stands in the place of something missing, and does not count.
    unfit: Unfit<'a>,
    approval_at: HashMap<String, Vec<usize>>,
    /// Denies, by the JCS of what they bind.
    denied: HashMap<String, Vec<usize>>,
    /// Allow decisions that name an approval.
    users: HashMap<&'a str, Vec<usize>>,
    revoked: HashMap<&'a str, (LeafIndex, i64)>,
    met: Met<'a>,
}

impl<'a> Scene<'a> {
    /// `logged_at`: of the last entry of the prefix, where that entry is not at hand.
    pub(super) fn new(
        prefix: impl Iterator<Item = (LeafIndex, &'a Seen)> + Clone,
        logged_at: Option<LoggedAt>,
        operator: Option<&Did>,
        origin: Option<&str>,
        disputes: Disputes<'a>,
    ) -> Self {
        let mut scene = Scene { pinned: operator.is_some(), disputes, ..Scene::default() };
        scene.make_room(prefix.clone().map(|(_, seen)| seen.entry.kind));
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
        // Everything is read: nothing comes again.
        scene.met = Met::default();
        scene.connect();
        scene
    }

    /// Now: `logged_at` of the last entry.
    pub(super) fn now_ms(&self) -> i64 {
        self.logged_at.map_or(0, ms)
    }

    fn take(&mut self, statement: Statement<'a>, by_operator: bool) {
        let name = statement.name();
        let Some(is_fact) = self.met.meet(name, self.roots.len()) else { return };
        self.watch(&statement);
        if is_fact {
            return;
        }
        let agent = self.agent_of(&statement);
        let holds = |agent| self.roots.last().is_some_and(|(_, roots)| roots.hold(&statement, agent));
        let voice = statement.kind().row().voice;
        let is_fact = if voice == Voice::Operator { by_operator } else { holds(agent) };
        if !is_fact {
            let by_wrapper = voice == Voice::Wrapper && holds(None);
            // An unsigned Trust Pulse claims no role: it is self-reported.
            if statement.kind() != Kind::TrustPulse || statement.signer().is_some() {
                self.untrusted.push(statement);
            }
            if by_wrapper {
                self.unfit.take(&statement);
            }
            return;
        }
        if !by_operator && self.disputes.is_unheard(&statement) {
            return;
        }
        self.met.count(name);
        self.facts.push(statement);
        self.file(statement, agent);
    }

    /// The agent that a wrapper's statement is about, known at that position.
    fn agent_of(&self, statement: &Statement<'a>) -> Option<&'a str> {
        match statement.payload {
            Payload::ArgocdDecision(says) => self.token(says.token_hash()?).map(|at| self.tokens[at].agent),
            Payload::ArgocdReceipt(says) => {
                let named = || self.decisions_named(says.decision_digest().unwrap_or_default());
                let own = named().find(|decision| decision.statement.signer() == statement.signer());
                let wraps = |decision: &&Decision<'_>| decision.agent.is_some_and(|agent| self.wraps(statement, agent));
                own.or_else(|| named().find(wraps)).or_else(|| named().next())?.agent
            }
            Payload::GatewayReceipt(_)
            | Payload::ToolReceipt(_)
            | Payload::SideEffectReceipt(_)
            | Payload::HumanApprovalReceipt(_)
            | Payload::DelegationReceipt(_)
            | Payload::ProofBundle(_)
            | Payload::WorkPolicy(_)
            | Payload::TrustPulse(_)
            | Payload::CstIssuance(_)
            | Payload::CstRevocation(_)
            | Payload::Approval(_)
            | Payload::ChangeRecord(_)
            | Payload::AuditRoots(_)
            | Payload::AuditStatement(_)
            | Payload::Withholding(_)
            | Payload::ArgocdObservation(_)
            | Payload::ArgocdSnapshot(_) => None,
        }
    }

    pub(super) fn token(&self, hash: &str) -> Option<usize> {
        self.token_at.get(hash).copied()
    }

    fn file(&mut self, statement: Statement<'a>, agent: Option<&'a str>) {
        match statement.payload {
            Payload::AuditRoots(says) => {
                self.roots_ms.push(statement.ms());
                self.roots.push((statement.at, Roots::of(&statement.read_as(says))));
            }
            // Admitted, so its shape compiles; one that does not governs nothing.
            Payload::WorkPolicy(says) => {
                if let Some(Ok(policy)) = says.value().map(|policy| Policy::compile(&policy.value())) {
                    self.policy_at.entry(policy.hash().to_b64u()).or_insert(self.policies.len());
                    self.policies.push((statement, policy));
                }
            }
            Payload::CstIssuance(says) => self.issue(statement.read_as(says)),
            Payload::CstRevocation(says) => {
                if let Some(hash) = says.token_hash() {
                    self.revoked.entry(hash).or_insert((statement.at, statement.ms()));
                }
            }
            Payload::Approval(says) => self.file_approval(statement.read_as(says)),
            Payload::ArgocdDecision(says) => {
                let token = says.token_hash().and_then(|hash| self.token(hash));
                let decision = Decision::new(statement.read_as(says), token, agent);
                self.decision_at.entry(statement.hash).or_default().push(self.decisions.len());
                for approval in decision.approvals.iter().filter(|_| decision.is_allow) {
                    self.users.entry(approval).or_default().push(self.decisions.len());
                }
                self.decisions.push(decision);
            }
            Payload::ArgocdReceipt(says) => {
                let outcome = says.outcome().unwrap_or_default();
                self.receipts.push(Receipt { statement: statement.read_as(says), decision: None, outcome });
            }
            Payload::GatewayReceipt(says) => {
                let (run, scope_hash) = (spelled(says.binding().run()), says.binding().scope_hash());
                self.calls.push(Call { statement: statement.read_as(says), run, scope_hash, grant: None });
            }
            Payload::ProofBundle(says) => self.bundle(statement.read_as(says)),
            Payload::ArgocdObservation(says) if says.event() == Some("operation") => {
                if let Some(key) = says.op_key() {
                    self.reported.entry(key).or_default().push(self.operations.len());
                }
                if let Some(second) = times::second(says).filter(|_| says.channel() == Some("k8s_event")) {
                    self.events.entry(second).or_default().push(self.operations.len());
                }
                self.operations.push((statement.read_as(says), Vec::new()));
            }
            // Rules read them among the facts.
            Payload::ArgocdObservation(_)
            | Payload::ArgocdSnapshot(_)
            | Payload::ChangeRecord(_)
            | Payload::TrustPulse(_)
            | Payload::ToolReceipt(_)
            | Payload::SideEffectReceipt(_)
            | Payload::HumanApprovalReceipt(_)
            | Payload::DelegationReceipt(_)
            | Payload::AuditStatement(_)
            | Payload::Withholding(_) => {}
        }
    }

    fn file_approval(&mut self, statement: Statement<'a, Approval<'a>>) {
        let at = self.approvals.len();
        self.approval_at.entry(statement.hash.to_string()).or_default().push(at);
        if statement.payload.decision() == Some("deny") {
            let binds = statement.payload.binds().value().map(Node::to_jcs).unwrap_or_default();
            self.denied.entry(binds).or_default().push(at);
        }
        self.approvals.push(statement);
    }

    fn issue(&mut self, statement: Statement<'a, CstIssuance<'a>>) {
        let is_out = self.disputes.is_set_aside(statement.at);
        let statement = self.disputes.as_taken(statement);
        let says = statement.payload.claims();
        let hash = statement.payload.token_hash().unwrap_or_default();
        let agent = says.sub().unwrap_or_default();
        if is_out || self.token_at.contains_key(hash) {
            return;
        }
        let told = self.disputes.of_token(hash).map(|dispute| dispute.lives(&statement).collect());
        let lives: Vec<_> = told.unwrap_or_else(|| vec![life(&statement)]);
        let begin = lives.iter().map(|(begin, _)| *begin).min().unwrap_or(0);
        let end = lives.iter().map(|(_, end)| *end).max().unwrap_or(0);
        let row = self.roots.last().and_then(|(_, roots)| roots.agent(agent));
        let pinned = says.policy_hash();
        let policy_hash = pinned.or_else(|| row?.default_policy());
        let mut listed = row.into_iter().flat_map(AgentRow::policies);
        let token = Token {
            statement,
            hash,
            agent,
            job: spelled(says.job()),
            scope_hash: says.scope_hash().unwrap_or_default(),
            issued_ms: begin.saturating_mul(1_000),
            expires_ms: end.saturating_mul(1_000),
            lengths_s: lives.iter().map(|(begin, end)| end.saturating_sub(*begin)).inserted(),
            pinned,
            policy_hash,
            policy: policy_hash.and_then(|hash| self.policy_at.get(hash)).copied(),
            agent_known: row.is_some() || !is_spelled(agent),
            policy_listed: pinned.is_none_or(|pinned| listed.any(|hash| hash == pinned)),
            revoked: None,
        };
        if let Some(job) = token.job {
            self.job_agents.entry(job).or_default().insert(agent);
        }
        self.token_at.insert(hash, self.tokens.len());
        self.grant_at.entry(token.scope_hash).or_default().push(self.tokens.len());
        self.tokens.push(token);
    }

    fn bundle(&mut self, statement: Statement<'a, ProofBundle<'a>>) {
        let says = statement.payload;
        let bundle = Bundle {
            agent: says.agent().unwrap_or_default(),
            run: says.run(),
            job: None,
            token_hashes: says.pulselog().token_hashes().collect(),
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
        self.decisions_at(hash).into_iter().flatten().map(|at| &self.decisions[*at])
    }

    fn decisions_at(&self, hash: &str) -> Option<&Vec<usize>> {
        self.decision_at.get(&PayloadHash::from_hex(hash).ok()?)
    }

    /// Approvals with this payload hash, hex, whoever signed them.
    pub(super) fn approvals_named(&self, hash: &str) -> impl Iterator<Item = &Statement<'a, Approval<'a>>> {
        self.approval_at.get(hash).into_iter().flatten().map(|at| &self.approvals[*at])
    }

    /// Denies of exactly what a decision binds, in order.
    pub(super) fn denies_of(&self, decision: &Decision<'a>) -> impl Iterator<Item = &Statement<'a, Approval<'a>>> {
        // Most logs hold none: then nothing is written out to be looked for.
        let binds = || decision.statement.payload.binds().value().map(Node::to_jcs).unwrap_or_default();
        let of = if self.denied.is_empty() { None } else { self.denied.get(&binds()) };
        of.into_iter().flatten().map(|at| &self.approvals[*at])
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
    pub(super) fn operations_of(&self, decision: &Decision<'a>) -> impl Iterator<Item = &Operation<'a>> {
        decision.operations.iter().map(|at| &self.operations[*at].0)
    }
}
