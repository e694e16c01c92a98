//! Which receipts and operations belong to which decision.

use std::collections::{BTreeSet, HashMap};

use crate::audit::roots::Roots;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Receipt, Statement};

impl<'a> Scene<'a> {
    /// Says which receipts and operations belong to which decision.
    pub(super) fn join_all(&mut self) {
        let mut by_key: HashMap<_, Vec<usize>> = HashMap::new();
        for at in 0..self.receipts.len() {
            let receipt = self.receipts[at].statement;
            let Some(decision) = self.spoken_of(&receipt) else {
                self.unfit.take(&receipt);
                continue;
            };
            self.receipts[at].decision = Some(decision);
            self.decisions[decision].receipts.push(at);
            if let Some(op_key) = receipt.text("op_key") {
                by_key.entry(op_key).or_default().push(decision);
            }
        }
        for at in 0..self.operations.len() {
            let joined = self.join(&self.operations[at].0, &by_key);
            for decision in &joined {
                let is_doubted = self.is_doubted(&self.decisions[*decision], &self.operations[at].0);
                let decision = &mut self.decisions[*decision];
                if is_doubted { &mut decision.doubted } else { &mut decision.operations }.push(at);
            }
            self.operations[at].1 = joined;
        }
    }

    /// The decision that a receipt is about. Several may have signed the one
    /// payload that it names: its signer's own, else one of an agent of its.
    fn spoken_of(&self, receipt: &Statement<'a>) -> Option<usize> {
        let named = receipt.text("decision_digest").and_then(|hash| self.decision_at.get(hash))?;
        let mut fitting = named.iter().copied().filter(|at| self.speaks_of(receipt, &self.decisions[*at]));
        let first = fitting.next()?;
        let is_own = |at: &usize| self.decisions[*at].statement.signer == receipt.signer;
        Some(std::iter::once(first).chain(fitting).find(is_own).unwrap_or(first))
    }

    /// The decisions that an operation states, and whose receipts name it; only
    /// where the agent's own username started it, and only by channels that
    /// show the operation itself. All of them: what another wrapper claims
    /// takes it from nobody.
    fn join(&self, operation: &Statement<'a>, by_key: &HashMap<&'a str, Vec<usize>>) -> Vec<usize> {
        if !matches!(operation.text("channel"), Some("notify" | "poll")) {
            return Vec::new();
        }
        let started_by = |agent: &&str| {
            let (instance, username) = operation.text("instance").zip(operation.text("initiator.username"))?;
            Some(self.roots_at(operation.at)?.is_username(agent, instance, username))
        };
        let fits = |at: &usize| self.decisions[*at].agents.iter().any(|agent| started_by(agent) == Some(true));
        let by_info = operation.stated().and_then(|hash| self.decision_at.get(hash)).into_iter().flatten().copied();
        let named = operation.op_key().and_then(|key| by_key.get(key)).into_iter().flatten().copied();
        let all: BTreeSet<usize> = by_info.chain(named).filter(fits).collect();
        all.into_iter().collect()
    }

    /// Whether the operation speaks against the decision or its receipts, and
    /// rests on nothing but its observer.
    fn is_doubted(&self, decision: &Decision<'a>, operation: &Statement<'a>) -> bool {
        let denied = || self.receipts_of(decision).any(Receipt::says_nothing_was_done);
        (!decision.is_allow || denied()) && self.is_known_from_it_alone(decision, operation)
    }

    /// Whether no receipt names the operation, and the roots do not say that
    /// nobody but Argo CD can write the application.
    pub(in crate::audit) fn is_known_from_it_alone(&self, decision: &Decision<'a>, operation: &Statement<'a>) -> bool {
        let key = operation.op_key();
        let names = |receipt: &Receipt<'_>| key.is_some() && receipt.statement.text("op_key") == key;
        let is_named = self.receipts_of(decision).any(names);
        !is_named && !self.writes_are_closed(operation)
    }

    /// Whether the roots say, where the operation is reported, that nobody but
    /// Argo CD can write the application.
    pub(in crate::audit) fn writes_are_closed(&self, operation: &Statement<'a>) -> bool {
        let is_closed = |roots: &Roots<'_>| roots.writes_are_closed(operation.text("instance").unwrap_or_default());
        self.roots_at(operation.at).is_some_and(is_closed)
    }

    /// Whether a decision that the operation joins has nothing but the
    /// observation to know it by.
    pub(in crate::audit) fn may_be_anybodys(&self, operation: &Statement<'a>) -> bool {
        let found = self.operations.binary_search_by_key(&operation.at, |(operation, _)| operation.at);
        let joined = found.map(|at| self.operations[at].1.as_slice()).unwrap_or_default();
        joined.iter().any(|decision| self.is_known_from_it_alone(&self.decisions[*decision], operation))
    }

    /// Operations that join a decision and may be anybody's.
    pub(in crate::audit) fn doubted_of(&self, decision: &Decision<'a>) -> impl Iterator<Item = &Statement<'a>> {
        decision.doubted.iter().map(|at| &self.operations[*at].0)
    }
}
