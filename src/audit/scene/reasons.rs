//! What stands in the log in the place of something missing, and why it does
//! not count: the reason that a finding gives. Only what links lead to is
//! named, so that a scope's own entries give the same words as the whole log;
//! and no finding is made or charged by it.

use std::collections::HashMap;

use crate::artifact::{CstIssuance, Payload};
use crate::audit::scene::Scene;
use crate::audit::statement::{Bundle, Call, Decision, Receipt, Statement, Token};
use crate::merkle::LeafIndex;

/// First of each, by what it would have to be known by.
#[derive(Debug, Default)]
pub(super) struct Unfit<'a> {
    /// By their own hash: by wrappers that are not those of the token's agent.
    decisions: HashMap<String, LeafIndex>,
    /// By the digest of the decision that they name: the same.
    receipts: HashMap<&'a str, LeafIndex>,
    /// By agent and token that they list.
    listing: HashMap<(&'a str, &'a str), LeafIndex>,
    /// By their agent: those of no run.
    without_run: HashMap<&'a str, LeafIndex>,
}

impl<'a> Unfit<'a> {
    /// A statement by a wrapper that is not its agent's.
    pub(super) fn take(&mut self, statement: &Statement<'a>) {
        if let Payload::ArgocdReceipt(says) = statement.payload {
            self.take_receipt(says.decision_digest(), statement.at);
        } else {
            let first = self.decisions.entry(statement.hash.to_string()).or_insert(statement.at);
            *first = statement.at.min(*first);
        }
    }

    /// The same of a receipt. `decision`: the digest that it names.
    pub(super) fn take_receipt(&mut self, decision: Option<&'a str>, at: LeafIndex) {
        if let Some(digest) = decision {
            let first = self.receipts.entry(digest).or_insert(at);
            *first = at.min(*first);
        }
    }

    pub(super) fn take_bundle(&mut self, bundle: &Bundle<'a>) {
        let at = bundle.statement.at;
        for hash in &bundle.token_hashes {
            self.listing.entry((bundle.agent, hash)).or_insert(at);
        }
        if bundle.run.is_none() {
            self.without_run.entry(bundle.agent).or_insert(at);
        }
    }
}

impl<'a> Scene<'a> {
    /// What stands in the log under the digest that a receipt names, and why
    /// it is no decision of this signer's to speak of.
    pub(in crate::audit) fn unfit_decision(&self, receipt: &Receipt<'a>) -> Option<(LeafIndex, &'static str)> {
        let named = receipt.statement.payload.decision_digest()?;
        if let Some(decision) = self.decisions_named(named).next() {
            return Some((decision.statement.at, "of an agent whose wrapper the receipt's signer is not"));
        }
        self.unfit.decisions.get(named).map(|at| (*at, "by a wrapper that is not its agent's"))
    }

    /// A receipt that names the decision, by a wrapper that may not speak of it.
    pub(in crate::audit) fn unfit_receipt(&self, decision: &Decision<'a>) -> Option<LeafIndex> {
        self.unfit.receipts.get(decision.statement.hash.to_string().as_str()).copied()
    }

    /// Why none of the approvals that a decision names stands before it.
    pub(in crate::audit) fn unfit_approval(&self, decision: &Decision<'a>) -> String {
        let mut named = decision.approvals.iter().flat_map(|hash| self.approvals_named(hash));
        match named.next() {
            Some(deny) if deny.payload.decision() != Some("approve") => {
                format!("the decision names entry {}, which is a deny", deny.at)
            }
            Some(late) => format!("the approval that the decision names stands at entry {}, after it", late.at),
            None if decision.approvals.is_empty() => "the decision names no approval".to_owned(),
            None => "no approver whom the roots name logged what the decision names".to_owned(),
        }
    }

    /// Why the token runs under no policy.
    pub(in crate::audit) fn unfit_policy(&self, token: &Token<'a>) -> String {
        let Some(hash) = token.policy_hash else {
            return "the token pins no policy, and the roots give its agent no default".to_owned();
        };
        match self.policy_at.get(hash).map(|at| self.policies[*at].0.at) {
            Some(late) => format!("the token's policy stands at entry {late}, after the token"),
            None => "no signer whom the roots name logged the token's policy".to_owned(),
        }
    }

    /// Why no grant stands before a model call.
    pub(in crate::audit) fn unfit_grant(&self, call: &Call<'a>) -> String {
        match (call.grant.map(|at| self.tokens[at].statement.at), self.distrusted_grant(call)) {
            (Some(late), Some(earlier)) => format!(
                "the grant that this model call names was issued at entry {earlier} by a signer whom the operator \
                 distrusts, and by one who is trusted only at entry {late}, after it"
            ),
            (Some(late), None) => {
                format!("the grant that this model call names was first issued at entry {late}, after it")
            }
            (None, _) => "no issuance of the grant that this model call names stands in the log".to_owned(),
        }
    }

    /// An issuance of the call's grant before it that does not count beside
    /// those of the trusted.
    pub(in crate::audit) fn distrusted_grant(&self, call: &Call<'a>) -> Option<LeafIndex> {
        let grant = call.scope_hash?;
        self.set_aside_below(call.statement.at, |issuance| issuance.claims().scope_hash() == Some(grant))
    }

    /// The first issuance below `act` that is so and does not count beside
    /// those of the trusted.
    pub(in crate::audit) fn set_aside_below(
        &self,
        act: LeafIndex,
        is: impl Fn(CstIssuance<'a>) -> bool,
    ) -> Option<LeafIndex> {
        let mut aside = self.facts.iter().filter(|fact| fact.at < act && self.disputes.is_set_aside(fact.at));
        let is = |fact: &&Statement<'a>| matches!(fact.payload, Payload::CstIssuance(says) if is(says));
        aside.find(is).map(|fact| fact.at)
    }

    /// What the agent packed instead of the run of this token.
    pub(in crate::audit) fn unfit_bundle(&self, token: &Token<'a>) -> String {
        if let Some(other) = self.unfit.listing.get(&(token.agent, token.hash)) {
            return format!("the agent's bundle at entry {other} lists the run's token, and is not of this run");
        }
        match self.unfit.without_run.get(token.agent) {
            Some(other) => format!("the agent's bundle at entry {other} names no run in the one spelling of ids"),
            None => "no bundle of this run by its agent".to_owned(),
        }
    }
}
