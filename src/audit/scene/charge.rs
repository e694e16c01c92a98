//! Whom a statement may charge: proven here, once all issuances are read, and
//! nowhere else.
//!
//! A finding reaches a job through that job's token, or by a statement of a
//! signer whose role covers one of the job's agents. Whoever merely names a
//! job, decision, approval or run charges nobody but themselves. A wrapper
//! that acts under no grant, for a job that is none of its agents', speaks for
//! one of them all the same: that one is charged, and none of its jobs.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::artifact::spelling::spelled;
use crate::artifact::{Approval, Binding, Payload};
use crate::audit::finding::Subject;
use crate::audit::inserted::Inserted;
use crate::audit::scene::Scene;
use crate::audit::scene::behind::Told;
use crate::audit::statement::{Behind, Call, Decision, Receipt, Statement, Token, app_name};
use crate::merkle::LeafIndex;

impl<'a> Scene<'a> {
    /// Proves for each decision whose it is and whom it may charge.
    pub(super) fn charge_decisions(&mut self) {
        // Hardly any decision names too little for its agent to be known.
        let told = OnceCell::new();
        let mut subjects: BTreeSet<Arc<Subject>> = BTreeSet::new();
        for at in 0..self.decisions.len() {
            let (agents, charged, behind) = self.proven(&self.decisions[at], &told);
            let charged = match subjects.get(&charged) {
                Some(known) => Arc::clone(known),
                None => Arc::new(charged),
            };
            subjects.insert(Arc::clone(&charged));
            let decision = &mut self.decisions[at];
            (decision.agents, decision.charged, decision.behind) = (agents, charged, behind.map(Box::new));
        }
    }

    fn proven(
        &self,
        decision: &Decision<'a>,
        told: &OnceCell<Told<'a>>,
    ) -> (Vec<&'a str>, Subject, Option<Behind<'a>>) {
        let statement = &decision.statement;
        let token = decision.token_hash.and_then(|hash| self.token(hash)).map(|at| &self.tokens[at]);
        // Issued later, perhaps, and for an agent of another wrapper's.
        let own = token.filter(|token| self.wraps(statement, token.agent));
        let by_name = || decision.named_jobs().map(|job| (job, self.covered(statement, job)));
        let named = match own {
            Some(token) => {
                let of_agent = || by_name().find(|(_, agents)| agents.contains(&token.agent)).map(|(job, _)| job);
                Some((token.job.or_else(of_agent), vec![token.agent]))
            }
            None => by_name().find(|(_, agents)| !agents.is_empty()).map(|(job, agents)| (Some(job), agents)),
        };
        let behind = || self.behind(decision, told.get_or_init(|| Told::of(self)));
        let behind = if named.is_none() { behind() } else { None };
        let of_run = |agent: &'a str| Some(self.token_of_run(agent, decision.run?)?.job);
        let found = behind.as_ref().and_then(|behind| behind.found);
        let is_of_no_job = found.is_some_and(|agent| of_run(agent).is_none());
        let found = named.or_else(|| found.map(|agent| (of_run(agent).flatten(), vec![agent])));
        let Some((job, agents)) = found else { return (Vec::new(), speaker(statement), behind) };
        // Without a run it would be the agent's, and concern all its jobs.
        let is_certain = own.is_some() || behind.is_some() || (agents.len() == 1 && decision.run.is_some());
        let agent = agents.first().filter(|_| is_certain);
        let text = |text: Option<&&str>| text.map(|text| (*text).to_owned());
        let binds = statement.payload.binds();
        let charged = Subject {
            job: job.map(str::to_owned),
            run: text(decision.run.as_ref()),
            agent: text(agent),
            token: text(decision.token_hash.as_ref().filter(|_| token.is_none() || own.is_some())),
            app: app_name(binds.instance(), binds.app()),
            submitter: is_of_no_job.then(|| statement.submitter().to_owned()),
            concerns: owned(agents.iter().filter(|_| agent.is_none())),
        };
        (agents, charged, behind)
    }

    /// Whether the signer was this agent's wrapper when it said so.
    pub(super) fn wraps<P>(&self, statement: &Statement<'a, P>, agent: &str) -> bool {
        let roots = self.roots_at(statement.at);
        statement.signer().zip(roots).is_some_and(|(signer, roots)| roots.is_wrapper(signer, Some(agent)))
    }

    /// Agents of the job that the signer was the wrapper of.
    fn covered<P>(&self, statement: &Statement<'a, P>, job: &str) -> Vec<&'a str> {
        self.agents_of(job).filter(|agent| self.wraps(statement, agent)).collect()
    }

    /// Agents that tokens were issued to for this job.
    fn agents_of(&self, job: &str) -> impl Iterator<Item = &'a str> {
        self.job_agents.get(job).into_iter().flatten().copied()
    }

    /// Whether nothing but the job that it names says which of its wrapper's
    /// agents a decision is of.
    pub(in crate::audit) fn is_placed_by_job(&self, decision: &Decision<'a>) -> bool {
        let statement = &decision.statement;
        let roots = statement.signer().zip(self.roots_at(statement.at));
        let is_known = decision.behind.is_some() || decision.token_hash.and_then(|hash| self.token(hash)).is_some();
        !is_known && roots.is_some_and(|(signer, roots)| roots.wrapped_by(signer).len() > 1)
    }

    /// Charges another job that a decision names, where its signer's role
    /// covers one of that job's agents.
    pub(in crate::audit) fn charged_too(&self, decision: &Decision<'a>, job: &str) -> Option<Subject> {
        let (covered, charged) = (self.covered(&decision.statement, job), decision.subject());
        let concerns = owned(covered.iter().filter(|_| charged.agent.is_none()));
        (!covered.is_empty()).then(|| Subject { job: Some(job.to_owned()), concerns, ..Subject::clone(charged) })
    }

    /// Whether a receipt's signer may speak of the decision: the wrapper of one
    /// of its agents, or whoever made it, where it is nobody's.
    pub(in crate::audit) fn speaks_of(&self, receipt: &Receipt<'a>, decision: &Decision<'a>) -> bool {
        match decision.agents.as_slice() {
            [] => receipt.statement.signer() == decision.statement.signer(),
            agents => agents.iter().any(|agent| self.wraps(&receipt.statement, agent)),
        }
    }

    /// The agent that an approval or deny is for, when its signer approves on
    /// an instance of that agent's.
    pub(in crate::audit) fn approves_for(&self, approval: &Statement<'a, Approval<'a>>) -> Option<&'a str> {
        let (agent, instance) = (approval.payload.agent()?, approval.payload.binds().instance()?);
        self.roots_at(approval.at)?.instances_of(agent).contains(&instance).then_some(agent)
    }

    /// Whether a call names a grant and no issuance of it stands before.
    pub(in crate::audit) fn is_unissued(&self, call: &Call<'a>) -> bool {
        let is_late = |grant: usize| call.statement.at < self.tokens[grant].statement.at;
        call.scope_hash.is_some() && call.grant.is_none_or(is_late)
    }

    /// The agent of the grant that a call is under.
    pub(in crate::audit) fn agent_of_grant(&self, call: &Call<'a>) -> Option<&'a str> {
        let issued = call.grant.map(|grant| self.tokens[grant].agent);
        issued.or_else(|| self.disputes.agent_of_grant(call.scope_hash?))
    }

    /// The run that a call tells of: not where the token of that run is
    /// another job's, for whom the gateway says nothing under this grant.
    pub(in crate::audit) fn run_of(&self, call: &Call<'a>) -> Option<&'a str> {
        call.run.filter(|_| self.run_elsewhere(call).is_none())
    }

    /// The token of the run that a call names under another job's grant.
    pub(in crate::audit) fn run_elsewhere(&self, call: &Call<'a>) -> Option<&Token<'a>> {
        let grant = &self.tokens[call.grant?];
        let of_run = self.token_of_run(grant.agent, call.run?)?;
        (of_run.job != grant.job && of_run.scope_hash != grant.scope_hash).then_some(of_run)
    }

    pub(in crate::audit) fn subject_of_call(&self, call: &Call<'a>) -> Subject {
        let Some(grant) = call.grant.map(|at| &self.tokens[at]) else { return speaker(&call.statement) };
        // Scope hashes trim the ids that they are over: two jobs that differ in
        // blanks, logged before ids had one spelling, share one.
        let of_run = self.token_of(call).filter(|(_, of_run)| *of_run).map(|(token, _)| token);
        Subject {
            job: of_run.unwrap_or(grant).job.map(str::to_owned),
            run: self.run_of(call).map(str::to_owned),
            agent: Some(grant.agent.to_owned()),
            token: of_run.map(|token| token.hash.to_owned()),
            ..Subject::default()
        }
    }

    /// The agent whose matter a statement is, where its signer's role covers
    /// only some agents.
    pub(in crate::audit) fn agent_behind(&self, fact: &Statement<'a>) -> Option<&'a str> {
        match fact.payload {
            Payload::Approval(says) => self.approves_for(&fact.read_as(says)),
            Payload::GatewayReceipt(_) => {
                let call = find(&self.calls, fact.at, |call| &call.statement)?;
                call.grant.map(|at| self.tokens[at].agent)
            }
            Payload::ToolReceipt(_)
            | Payload::SideEffectReceipt(_)
            | Payload::HumanApprovalReceipt(_)
            | Payload::DelegationReceipt(_)
            | Payload::ProofBundle(_)
            | Payload::WorkPolicy(_)
            | Payload::TrustPulse(_)
            | Payload::CstIssuance(_)
            | Payload::CstRevocation(_)
            | Payload::ArgocdDecision(_)
            | Payload::ArgocdReceipt(_)
            | Payload::ChangeRecord(_)
            | Payload::AuditRoots(_)
            | Payload::AuditStatement(_)
            | Payload::Withholding(_)
            | Payload::ArgocdObservation(_)
            | Payload::ArgocdSnapshot(_) => None,
        }
    }

    /// Whom a fact may charge.
    pub(in crate::audit) fn subject_of(&self, fact: &Statement<'a>) -> Subject {
        let at = fact.at;
        match fact.payload {
            // The word of a distrusted issuer beside others' charges nobody's job.
            Payload::CstIssuance(_) if self.disputes.is_set_aside(at) => speaker(fact),
            Payload::CstIssuance(says) => self.of_token(fact, says.token_hash()),
            Payload::CstRevocation(says) => self.of_token(fact, says.token_hash()),
            Payload::Approval(says) => self.of_approval(&fact.read_as(says)),
            // Recorders speak of every agent's jobs, and of no others.
            Payload::ChangeRecord(says) => self.of_job(fact, spelled(says.job()), |_| true),
            Payload::ArgocdDecision(_) => {
                let found = find(&self.decisions, at, |decision| &decision.statement);
                found.map_or_else(|| speaker(fact), |decision| Subject::clone(decision.subject()))
            }
            Payload::ArgocdReceipt(_) => {
                let receipt = find(&self.receipts, at, |receipt| &receipt.statement);
                receipt.map_or_else(|| speaker(fact), |receipt| self.subject_of_receipt(receipt))
            }
            Payload::GatewayReceipt(_) => {
                let call = find(&self.calls, at, |call| &call.statement);
                call.map_or_else(|| speaker(fact), |call| self.subject_of_call(call))
            }
            Payload::ProofBundle(_) => {
                let bundle = find(&self.bundles, at, |bundle| &bundle.statement);
                bundle.map(|bundle| bundle.subject()).unwrap_or_default()
            }
            Payload::ToolReceipt(says) => self.of_agents_own(fact, says.binding()),
            Payload::SideEffectReceipt(says) => self.of_agents_own(fact, says.binding()),
            Payload::HumanApprovalReceipt(says) => self.of_agents_own(fact, says.binding()),
            Payload::DelegationReceipt(says) => self.of_agents_own(fact, says.binding()),
            Payload::WorkPolicy(_)
            | Payload::TrustPulse(_)
            | Payload::AuditRoots(_)
            | Payload::AuditStatement(_)
            | Payload::Withholding(_)
            | Payload::ArgocdObservation(_)
            | Payload::ArgocdSnapshot(_) => Subject::default(),
        }
    }

    pub(in crate::audit) fn subject_of_receipt(&self, receipt: &Receipt<'a>) -> Subject {
        let decision = receipt.decision.map(|at| &self.decisions[at]);
        decision.map_or_else(|| speaker(&receipt.statement), |decision| Subject::clone(decision.subject()))
    }

    fn of_token(&self, fact: &Statement<'a>, hash: Option<&str>) -> Subject {
        let token = hash.and_then(|hash| self.token(hash));
        token.map_or_else(|| speaker(fact), |at| self.tokens[at].subject())
    }

    fn of_approval(&self, approval: &Statement<'a, Approval<'a>>) -> Subject {
        let agent = self.approves_for(approval);
        self.of_job(approval, spelled(approval.payload.binds().job()), |of| agent == Some(of))
    }

    /// The job, where `covers` one of its agents; else the speaker.
    fn of_job<P>(&self, statement: &Statement<'a, P>, job: Option<&str>, covers: impl Fn(&str) -> bool) -> Subject {
        let Some(job) = job else { return speaker(statement) };
        let covered: Vec<_> = self.agents_of(job).filter(|agent| covers(agent)).collect();
        if covered.is_empty() {
            return speaker(statement);
        }
        Subject { job: Some(job.to_owned()), concerns: owned(&covered), ..Subject::default() }
    }

    /// The run that an agent's own receipt names; without one it is nobody's.
    fn of_agents_own(&self, fact: &Statement<'a>, binding: Binding<'a>) -> Subject {
        let Some((agent, run)) = fact.signer().map(|did| did.as_str()).zip(spelled(binding.run())) else {
            return Subject::default();
        };
        self.subject_of_run(agent, run)
    }
}

/// The statement at an index, among those of one kind in order.
fn find<'s, 'a: 's, T, P: 's>(
    of_kind: &'s [T],
    at: LeafIndex,
    statement: impl Fn(&T) -> &Statement<'a, P>,
) -> Option<&'s T> {
    of_kind.binary_search_by_key(&at, |one| statement(one).at).ok().map(|found| &of_kind[found])
}

fn owned<'n, 'a: 'n>(names: impl IntoIterator<Item = &'n &'a str>) -> BTreeSet<String> {
    names.into_iter().map(|name| (*name).to_owned()).inserted()
}

/// Whoever said it, and nobody else.
pub(in crate::audit) fn speaker<P>(statement: &Statement<'_, P>) -> Subject {
    Subject { submitter: Some(statement.submitter().to_owned()), ..Subject::default() }
}
