//! One finding as it is held against what is missing: what its entries tell of
//! where something missing would have to stand.

use std::collections::BTreeSet;

use crate::artifact::{GatewayReceipt, Kind, Payload, ProofBundle};
use crate::audit::approvals;
use crate::audit::finding::Finding;
use crate::audit::inserted::Inserted;
use crate::audit::missing::Missing;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Operation, Statement, Token};
use crate::merkle::LeafIndex;

/// Whether a kind is of what is done, or said, under a token.
const fn is_under_token(kind: Kind) -> bool {
    match kind {
        Kind::CstRevocation | Kind::ArgocdDecision | Kind::ArgocdReceipt | Kind::GatewayReceipt | Kind::ProofBundle => {
            true
        }
        Kind::ToolReceipt
        | Kind::SideEffectReceipt
        | Kind::HumanApprovalReceipt
        | Kind::DelegationReceipt
        | Kind::WorkPolicy
        | Kind::TrustPulse
        | Kind::CstIssuance
        | Kind::Approval
        | Kind::ChangeRecord
        | Kind::AuditRoots
        | Kind::AuditStatement
        | Kind::Withholding
        | Kind::ArgocdObservation
        | Kind::ArgocdSnapshot => false,
    }
}

/// One finding, and what its entries tell of where something missing would
/// have to stand.
pub(super) struct Case<'s, 'a> {
    pub entries: BTreeSet<u64>,
    /// The decision or model call that it is about, else the highest entry;
    /// `None` when that is a bundle, which may name what comes later.
    pub act: Option<u64>,
    pub is_call: bool,
    pub decision: Option<&'s Decision<'a>>,
    pub agent: Option<&'s str>,
    pub token: Option<&'s Token<'a>>,
    pub has_token: bool,
    /// Whether it is about something that is done under a token.
    pub is_under_token: bool,
    /// Whether it is about something that names a job, of whose agents every
    /// issuance tells.
    pub names_job: bool,
    /// Whether it is charged to a job.
    pub has_job: bool,
    /// Whether that is not the token's job.
    pub is_of_another_job: bool,
    pub has_run: bool,
    /// Whether no token of that run is known.
    pub is_loose_run: bool,
    /// First allow decision of its run.
    pub run_from: Option<u64>,
}

impl<'s, 'a> Case<'s, 'a> {
    pub(super) fn of(scene: &'s Scene<'a>, finding: &'s Finding) -> Self {
        let subject = &finding.subject;
        let facts: Vec<&Statement<'_>> = finding.entries.iter().filter_map(|at| scene.fact(*at)).collect();
        let last = |kinds: &[Kind]| facts.iter().rev().find(|fact| kinds.contains(&fact.kind())).copied();
        let act = last(&[Kind::ArgocdDecision, Kind::GatewayReceipt]).or(facts.last().copied());
        let decision = act.and_then(|act| scene.decided(act.at));
        // A call is charged to no run while its run is another job's.
        let named = || GatewayReceipt::try_from(act?.payload).ok()?.binding().run();
        let run = subject.agent.as_deref().zip(subject.run.as_deref().or_else(named));
        let run_token = || run.and_then(|run| scene.run_tokens.get(&run)).map(|chain| chain.first);
        let token = subject.token.as_deref().and_then(|hash| scene.token(hash));
        let token = token.or_else(run_token).or(decision.and_then(|decision| decision.token));
        let job_of = |at: usize| scene.tokens[at].job;
        let is_of_another_job = subject.job.is_some() && token.and_then(job_of) != subject.job.as_deref();
        Case {
            is_of_another_job,
            entries: finding.entries.iter().map(|at| at.get()).inserted(),
            act: act.filter(|act| act.kind() != Kind::ProofBundle).map(|act| act.at.get()),
            is_call: act.is_some_and(|act| act.kind() == Kind::GatewayReceipt),
            decision,
            agent: subject.agent.as_deref(),
            token: token.map(|at| &scene.tokens[at]),
            has_token: subject.token.is_some(),
            is_under_token: facts.iter().any(|fact| is_under_token(fact.kind())),
            names_job: act.is_some_and(|act| matches!(act.kind(), Kind::Approval | Kind::ChangeRecord)),
            has_job: subject.job.is_some(),
            has_run: run.is_some(),
            is_loose_run: run.is_some_and(|run| !scene.run_tokens.contains_key(&run)),
            run_from: run.and_then(|run| scene.run_from(run)).map(LeafIndex::get),
        }
    }

    /// Whether a decision of its above `from`, or of one of its receipts, names a
    /// token that nobody here issued: whose act it was is then told by what else
    /// it names.
    pub(super) fn names_unknown_token(&self, scene: &Scene<'a>, from: u64) -> bool {
        let decided = self.entries.iter().filter_map(|at| scene.decided(LeafIndex::new(*at)));
        let receipts = scene.receipts.iter().filter(|receipt| self.entries.contains(&receipt.statement.at.get()));
        let told = receipts.filter_map(|receipt| receipt.decision.map(|at| &scene.decisions[at]));
        let is_so = |of: &Decision<'_>| of.statement.at.get() > from && of.token_hash.is_some() && of.token.is_none();
        decided.chain(told).any(is_so)
    }

    pub(super) fn kinds(&self, scene: &'s Scene<'a>, kind: Kind) -> impl Iterator<Item = &'s Statement<'a>> {
        let facts: Vec<_> = self.entries.iter().filter_map(|at| scene.fact(LeafIndex::new(*at))).collect();
        facts.into_iter().filter(move |fact| fact.kind() == kind)
    }

    /// What those of one kind say.
    pub(super) fn says<P: TryFrom<Payload<'a>>>(&self, scene: &'s Scene<'a>) -> impl Iterator<Item = P> {
        let facts: Vec<_> = self.entries.iter().filter_map(|at| scene.fact(LeafIndex::new(*at))).collect();
        facts.into_iter().filter_map(|fact| fact.payload.try_into().ok())
    }

    pub(super) fn bundle(&self, scene: &'s Scene<'a>) -> Option<ProofBundle<'a>> {
        self.says(scene).last()
    }

    /// Whether a receipt there could say that nothing came of the first use of
    /// an approval, before this one.
    pub(super) fn released(&self, scene: &'s Scene<'a>, missing: &Missing<'_>) -> bool {
        let Some(decision) = self.decision else { return false };
        self.first_uses(scene).any(|user| {
            let between = missing.last > user.statement.at.get() && missing.first < decision.statement.at.get();
            between && approvals::may_be_released(scene, user)
        })
    }

    /// Decisions there that stand before the one that it is about.
    pub(super) fn first_uses(&self, scene: &'s Scene<'a>) -> impl Iterator<Item = &'s Decision<'a>> {
        let before = |fact: &&Statement<'a>| self.decision.is_some_and(|decision| fact.at < decision.statement.at);
        self.kinds(scene, Kind::ArgocdDecision).filter(before).filter_map(|fact| scene.decided(fact.at))
    }

    /// Whether an operation there is known from nothing but its observation.
    pub(super) fn rests_on_an_observation(&self, scene: &'s Scene<'a>) -> bool {
        self.operations(scene).any(|operation| scene.may_be_anybodys(&operation))
    }

    /// Operations that nothing but a receipt's `op_key` joins.
    pub(super) fn joined_by_key(&self, scene: &'s Scene<'a>) -> impl Iterator<Item = Operation<'a>> {
        self.operations(scene).filter(|operation| scene.states_nothing(operation))
    }

    fn operations(&self, scene: &'s Scene<'a>) -> impl Iterator<Item = Operation<'a>> {
        self.kinds(scene, Kind::ArgocdObservation).filter_map(|fact| fact.of_kind())
    }
}
