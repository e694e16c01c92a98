//! Bodies that are not at hand, and where what is at hand stands: what
//! tells whether a finding rests on something missing.

use crate::artifact::{Did, Kind};
use crate::audit::finding::Subject;
use crate::audit::roots::Distrusted;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Statement};
use crate::audit::timeline::Seen;
use crate::merkle::LeafIndex;

/// An entry that could have been a fact, had its body been at hand.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Withheld<'a> {
    pub at: LeafIndex,
    pub kind: Kind,
    pub signer: Option<&'a Did>,
    pub submitter: &'a str,
    /// Whether the pinned operator signed it.
    pub is_operators: bool,
}

/// Whether what a kind says moves no verdict.
const fn is_idle(kind: Kind) -> bool {
    match kind {
        Kind::ChangeRecord | Kind::TrustPulse => true,
        Kind::GatewayReceipt
        | Kind::ToolReceipt
        | Kind::SideEffectReceipt
        | Kind::HumanApprovalReceipt
        | Kind::DelegationReceipt
        | Kind::ProofBundle
        | Kind::WorkPolicy
        | Kind::CstIssuance
        | Kind::CstRevocation
        | Kind::Approval
        | Kind::ArgocdDecision
        | Kind::ArgocdReceipt
        | Kind::AuditRoots
        | Kind::AuditStatement
        | Kind::Withholding
        | Kind::ArgocdObservation
        | Kind::ArgocdSnapshot => false,
    }
}

impl<'a> Scene<'a> {
    pub(super) fn miss(&mut self, at: LeafIndex, seen: &'a Seen, operator: Option<&Did>) {
        let (kind, signer) = (seen.entry.kind, seen.entry.signer.as_ref());
        let is_operators = signer.is_some() && signer == operator;
        let submitter = seen.entry.submitter.as_str();
        let held = Withheld { at, kind, signer, submitter, is_operators };
        let could_hold = || self.roots.last().is_some_and(|(_, roots)| roots.could_hold(kind, signer, submitter));
        if is_operators || (could_hold() && !is_idle(kind)) {
            self.withheld.push(held);
        } else if could_hold() {
            self.idle.push(held);
        }
    }

    /// No rule reads what they say; that somebody said it is read where the
    /// operator withdrew trust.
    pub(super) fn wake(&mut self) {
        let distrusted = Distrusted::of(self.roots.iter().copied());
        let is_distrusted =
            |held: &Withheld<'_>| held.signer.is_some_and(|signer| distrusted.row(held.at, signer).is_some());
        let woken = std::mem::take(&mut self.idle).into_iter().filter(is_distrusted);
        self.withheld.extend(woken);
        self.withheld.sort_by_key(|held| held.at);
    }

    /// Where the roots stand that are in force at `at`.
    pub(in crate::audit) fn roots_from(&self, at: LeafIndex) -> Option<LeafIndex> {
        let after = self.roots.partition_point(|(from, _)| *from <= at);
        self.roots[..after].last().map(|(from, _)| *from)
    }

    /// The fact at this index.
    pub(in crate::audit) fn fact(&self, at: LeafIndex) -> Option<&Statement<'a>> {
        self.facts.binary_search_by_key(&at, |fact| fact.at).ok().map(|found| &self.facts[found])
    }

    /// The decision at this index.
    pub(in crate::audit) fn decided(&self, at: LeafIndex) -> Option<&Decision<'a>> {
        self.decisions.binary_search_by_key(&at, |d| d.statement.at).ok().map(|found| &self.decisions[found])
    }

    /// Where the first allow decision of a run stands: agent and run id.
    pub(in crate::audit) fn run_from(&self, run: (&str, &str)) -> Option<LeafIndex> {
        self.run_from.get(&run).copied()
    }

    /// Whether something charged to `subject` is the job's, its agents', or one
    /// of its runs' or tokens'.
    pub(in crate::audit) fn is_of_job(&self, subject: &Subject, job: &str) -> bool {
        let agent = subject.agent.as_deref();
        let run = agent.zip(subject.run.as_deref()).and_then(|run| self.run_tokens.get(&run));
        let token = run.map(|chain| chain.first).or_else(|| subject.token.as_deref().and_then(|hash| self.token(hash)));
        let of_agent = || agent.is_some_and(|agent| self.job_agents.get(job).is_some_and(|all| all.contains(agent)));
        match (&subject.job, token) {
            (Some(of), _) => of == job,
            (None, Some(token)) => self.tokens[token].job == Some(job),
            (None, None) => match agent.zip(subject.run.as_deref()) {
                Some((agent, run)) => self.jobs_of_run(agent, run).contains(&job),
                None => subject.run.is_none() && subject.submitter.is_none() && of_agent(),
            },
        }
    }

    /// Whether a body of the operator's own is not at hand: then nobody can
    /// say what the operator did not say.
    pub(in crate::audit) fn lacks_operators_word(&self) -> bool {
        self.withheld.iter().any(|held| held.is_operators)
    }
}
