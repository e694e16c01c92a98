//! Whose an act is that a wrapper did under no grant of its agents' and for
//! none of their jobs: of those that the signer is the wrapper of, the one that
//! both Argo CD and the run it names can mean.
//!
//! ```text
//! who started it    usernames of operations that its receipts say came of the
//!                   call, if they state no other decision, or that state it
//!                   where nobody but Argo CD can write applications
//! the run           agents that have a run of the id that it names; alone it
//!                   tells nothing, since a run unknown here may have the id too
//! ```
//!
//! Where that leaves none or several, it is nobody's, and each of them may be
//! the one.

use std::collections::{BTreeSet, HashMap};

use crate::artifact::ArgocdDecision;
use crate::audit::inserted::Inserted;
use crate::audit::scene::Scene;
use crate::audit::statement::{Behind, Decision, Operation, Receipt, Statement};

/// Receipts and operations by what they name, before any is joined.
pub(super) struct Told<'a> {
    /// Receipts, by the digest of their decision.
    keys: HashMap<&'a str, Vec<Receipt<'a>>>,
    /// Operations by key, and by the digest that they state.
    by_key: HashMap<&'a str, Vec<Operation<'a>>>,
    stating: HashMap<&'a str, Vec<Operation<'a>>>,
}

impl<'a> Told<'a> {
    pub(super) fn of(scene: &Scene<'a>) -> Self {
        let mut told = Told { keys: HashMap::new(), by_key: HashMap::new(), stating: HashMap::new() };
        for receipt in &scene.receipts {
            if let Some(decision) = receipt.statement.payload.decision_digest() {
                told.keys.entry(decision).or_default().push(receipt.clone());
            }
        }
        for operation in scene.operations.iter().map(|(operation, _)| *operation) {
            // Only these channels show the operation itself.
            if !matches!(operation.payload.channel(), Some("notify" | "poll")) {
                continue;
            }
            if let Some(key) = operation.op_key() {
                told.by_key.entry(key).or_default().push(operation);
            }
            if let Some(decision) = operation.stated() {
                told.stating.entry(decision).or_default().push(operation);
            }
        }
        told
    }

    /// Operations that the decision's own wrapper says are its, or that nobody
    /// but Argo CD can have made it the decision of. One that was in the way of
    /// a call tells nothing of whose the call was.
    fn operations<'s>(&'s self, scene: &'s Scene<'a>, decided: &Decision<'a>) -> Vec<&'s Operation<'a>> {
        let decision = &decided.statement;
        let digest = decision.hash.to_string();
        let receipts = self.keys.get(digest.as_str()).into_iter().flatten();
        let own = receipts.filter(|receipt| receipt.statement.signer() == decision.signer());
        let named = own.filter_map(|receipt| self.by_key.get(receipt.claims(decided)?)).flatten();
        let states_no_other = |operation: &&Operation<'_>| operation.stated().is_none_or(|stated| stated == digest);
        let named = named.filter(states_no_other);
        let stating = self.stating.get(digest.as_str()).into_iter().flatten();
        let instance = decision.payload.binds().instance();
        let is_there = |operation: &&Operation<'_>| operation.payload.instance() == instance;
        named.chain(stating.filter(|operation| scene.writes_are_closed(operation))).filter(is_there).collect()
    }
}

impl<'a> Scene<'a> {
    /// Who may be behind a decision that is none of an agent's by what it names.
    pub(super) fn behind(&self, decision: &Decision<'a>, told: &Told<'a>) -> Option<Behind<'a>> {
        let statement = &decision.statement;
        let wrapped = self.roots_at(statement.at)?.wrapped_by(statement.signer()?);
        let operations = told.operations(self, decision);
        let starts = |agent: &&&'a str| operations.iter().any(|operation| self.starts(agent, statement, operation));
        let has_run = |agent: &&&'a str| decision.run.is_some_and(|run| self.token_of_run(agent, run).is_some());
        let started: BTreeSet<&'a str> = wrapped.iter().filter(starts).copied().inserted();
        let of_run: BTreeSet<&'a str> = wrapped.iter().filter(has_run).copied().inserted();
        let may_be = |agent: &&'a str| {
            (started.is_empty() || started.contains(agent)) && (of_run.is_empty() || of_run.contains(agent))
        };
        let mut fitting = wrapped.iter().copied().filter(may_be);
        let found = fitting.next().filter(|_| fitting.next().is_none());
        // A run id is a name, which any agent's run may have: alone it tells one of several from no other.
        let found = found.filter(|_| wrapped.len() == 1 || !started.is_empty());
        Some(Behind { found, wrapped, is_seen: !operations.is_empty() })
    }

    /// Whether an agent's username started the operation; usernames are those
    /// at the decision or at the observation.
    fn starts(&self, agent: &str, decision: &Statement<'a, ArgocdDecision<'a>>, operation: &Operation<'a>) -> bool {
        let Some((instance, username)) = operation.payload.initiator() else { return false };
        let roots = [decision.at, operation.at].map(|at| self.roots_at(at));
        roots.into_iter().flatten().any(|roots| roots.is_username(agent, instance, username))
    }
}
