//! Which receipts and operations belong to which decision.
//!
//! ```text
//! the operation states a decision    it is that one's, where the agent's own username started it
//! a receipt names the operation      it is the receipt's decision's, unless reports of it state another one
//! ```
//!
//! A receipt is its wrapper's own word, so whoever started an operation that it
//! claims takes it not away: that is compared. One that says that nothing was
//! done claims nothing. What it found is its decision's where the operation
//! states that decision; where it states none and its agent started it, it is
//! that of whichever other decision's receipt claims it, and if none does, it
//! joins in doubt.

use std::collections::{BTreeSet, HashMap};

use crate::audit::inserted::Inserted;
use crate::audit::roots::Roots;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Operation, Receipt};

/// Why an observation alone does not prove what it says of a decision.
const COPIED: &str = "nothing but the observation ties it to the decision, and the roots do not say that writes to the \
     instance are closed: anybody who can write the Application can copy a public digest into it";

/// Why an operation that another user started may be none of the agent's.
const IN_THE_WAY: &str = "its initiator is no username of the agent's, and the roots do not say that writes to the \
     instance are closed: somebody may have put it in the wrapper's way";

/// Why an operation that no wrapper says Argo CD accepted may be another's.
const FOUND: &str = "its initiator is no username of the agent's, and no receipt says that Argo CD accepted the call: \
     the wrapper may have found somebody else's operation";

/// The same, where the agent's own username started it.
const FOUND_OWN: &str = "it does not state the decision, and no receipt says that Argo CD accepted the call: the wrapper \
     may have found another operation of its agent's";

/// The same, where it states the decision too.
const FORGED: &str = "no receipt says that Argo CD accepted the call, and the roots do not say that writes to the \
     instance are closed: anybody who can write the Application can write the agent's username and a public digest \
     into it";

/// What ties keys of operations to decisions.
#[derive(Debug, Default)]
struct Keys<'a> {
    /// Decisions whose receipts name the key.
    named: HashMap<&'a str, Vec<Named>>,
    /// Decisions in the log that reports of the key state.
    stated: HashMap<&'a str, BTreeSet<usize>>,
}

/// A receipt that names an operation.
#[derive(Clone, Copy, Debug)]
struct Named {
    decision: usize,
    receipt: usize,
    says: Says,
}

/// What it says of that operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// That it came of the call.
    Claims,
    /// That it was there when nothing was done.
    Found,
    /// Nothing: the call was none that makes an operation.
    Mentions,
}

impl<'a> Scene<'a> {
    /// Says which receipts and operations belong to which decision.
    pub(super) fn join_all(&mut self) {
        let mut keys = Keys::default();
        for at in 0..self.receipts.len() {
            let receipt = &self.receipts[at];
            let (says, stands_at) = (receipt.statement.payload, receipt.statement.at);
            let Some(decision) = self.spoken_of(receipt) else {
                self.unfit.take_receipt(says.decision_digest(), stands_at);
                continue;
            };
            self.receipts[at].decision = Some(decision);
            self.decisions[decision].receipts.push(at);
            if let Some(op_key) = says.op_key() {
                let named = Named { decision, receipt: at, says: self.says(at, decision) };
                keys.named.entry(op_key).or_default().push(named);
            }
        }
        for (operation, _) in &self.operations {
            // Hardly any states one: then nothing is kept of its key.
            for stated in self.stated_by(operation) {
                if let Some(key) = operation.op_key() {
                    keys.stated.entry(key).or_default().insert(stated);
                }
            }
        }
        for at in 0..self.operations.len() {
            let joined = self.join(&self.operations[at].0, &keys);
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
    fn spoken_of(&self, receipt: &Receipt<'a>) -> Option<usize> {
        let named = receipt.statement.payload.decision_digest().and_then(|hash| self.decisions_at(hash))?;
        let mut fitting = named.iter().copied().filter(|at| self.speaks_of(receipt, &self.decisions[*at]));
        let first = fitting.next()?;
        let is_own = |at: &usize| self.decisions[*at].statement.signer() == receipt.statement.signer();
        Some(std::iter::once(first).chain(fitting).find(is_own).unwrap_or(first))
    }

    fn says(&self, receipt: usize, decision: usize) -> Says {
        match (&self.receipts[receipt], &self.decisions[decision]) {
            (_, decision) if !decision.makes_operation() => Says::Mentions,
            (receipt, _) if receipt.says_nothing_was_done() => Says::Found,
            _ => Says::Claims,
        }
    }

    /// Whether a receipt of another decision, by who could speak of this one
    /// too, claims the operation.
    fn is_claimed_beside(&self, decision: usize, named: &[Named]) -> bool {
        let this = &self.decisions[decision];
        named.iter().any(|other| {
            other.says == Says::Claims
                && self.decisions[other.decision].statement.hash != this.statement.hash
                && self.speaks_of(&self.receipts[other.receipt], this)
        })
    }

    /// The decisions in the log that an operation states as its own.
    fn stated_by(&self, operation: &Operation<'a>) -> impl Iterator<Item = usize> {
        operation.stated().and_then(|hash| self.decisions_at(hash)).into_iter().flatten().copied()
    }

    /// The decisions that an operation states, and whose receipts name it; only
    /// by channels that show the operation itself. All of them: what another
    /// wrapper claims takes it from nobody.
    fn join(&self, operation: &Operation<'a>, keys: &Keys<'a>) -> Vec<usize> {
        if !matches!(operation.payload.channel(), Some("notify" | "poll")) {
            return Vec::new();
        }
        let is_own = |at: usize| self.is_started_by(&self.decisions[at], operation);
        let key = operation.op_key();
        let stated = key.and_then(|key| keys.stated.get(key));
        // The key is over the operation, and over what it states with it: what
        // one report shows of that, all reports are of.
        let may_be = |at: usize| stated.is_none_or(|stated| stated.contains(&at));
        let is_stated = |at: usize| {
            stated.is_some_and(|stated| is_own(at) && stated.contains(&at))
                || self.stated_by(operation).any(|of| of == at)
        };
        let named = key.and_then(|key| keys.named.get(key)).map(Vec::as_slice).unwrap_or_default();
        let by_key = named.iter().filter(|named| may_be(named.decision)).filter(|of| match of.says {
            Says::Claims => true,
            _ if is_stated(of.decision) => true,
            Says::Found => is_own(of.decision) && !self.is_claimed_beside(of.decision, named),
            Says::Mentions => false,
        });
        let by_info = self.stated_by(operation).filter(|at| is_own(*at));
        let all: BTreeSet<usize> = by_info.chain(by_key.map(|named| named.decision)).inserted();
        all.into_iter().collect()
    }

    /// Whether the username that started an operation is the decision's
    /// agent's: as the roots say that were in force when it was decided, or
    /// when it was seen, for a username may change in between.
    pub(in crate::audit) fn is_started_by(&self, decision: &Decision<'a>, operation: &Operation<'a>) -> bool {
        let Some((instance, username)) = operation.payload.initiator() else { return false };
        let roots = [decision.statement.at, operation.at].map(|at| self.roots_at(at));
        let says = |roots: &Roots<'_>| decision.agents.iter().any(|agent| roots.is_username(agent, instance, username));
        let [first, second] = roots;
        first.is_some_and(says) || second.is_some_and(says)
    }

    /// Whether an operation that is not the agent's was surely somebody else's:
    /// Argo CD's own, or under a name that the roots know.
    pub(in crate::audit) fn is_started_by_another(&self, operation: &Operation<'a>) -> bool {
        let is_automated = operation.payload.is_automated() == Some(true);
        let knows =
            |(instance, username)| self.roots_at(operation.at)?.knows_username(instance, username).then_some(());
        is_automated || operation.payload.initiator().and_then(knows).is_some()
    }

    /// Whether the operation speaks against the decision or its receipts, and
    /// may be none of its agent's.
    fn is_doubted(&self, decision: &Decision<'a>, operation: &Operation<'a>) -> bool {
        (!decision.is_allow || self.is_undone(decision)) && self.doubt(decision, operation).is_some()
    }

    /// Why an operation that joins a decision may be none of its agent's, in
    /// words: then it accuses nobody, and leaves open what it speaks against.
    pub(in crate::audit) fn doubt(&self, decision: &Decision<'a>, operation: &Operation<'a>) -> Option<&'static str> {
        let key = operation.op_key();
        let names = |receipt: &&Receipt<'_>| key.is_some() && receipt.statement.payload.op_key() == key;
        let naming = || self.receipts_of(decision).filter(names);
        let is_own = self.is_started_by(decision, operation);
        let is_sure = naming().any(Receipt::is_sure);
        let is_stated = operation.stated().is_some_and(|stated| decision.is_named(stated));
        match () {
            () if !is_own && !is_sure => Some(FOUND),
            () if !is_sure && !is_stated => Some(FOUND_OWN),
            () if self.writes_are_closed(operation) => None,
            () if naming().next().is_none() => Some(COPIED),
            () if !is_sure => Some(FORGED),
            () if !is_own => Some(IN_THE_WAY),
            () => None,
        }
    }

    /// Whether every receipt of the decision says that nothing was done. Beside
    /// one that does not, a refusal is of another try of the same call.
    pub(in crate::audit) fn is_undone(&self, decision: &Decision<'a>) -> bool {
        let mut receipts = self.receipts_of(decision).peekable();
        receipts.peek().is_some() && receipts.all(Receipt::says_nothing_was_done)
    }

    /// Whether the roots say, where the operation is reported, that nobody but
    /// Argo CD can write the application.
    pub(in crate::audit) fn writes_are_closed(&self, operation: &Operation<'a>) -> bool {
        let is_closed = |roots: &Roots<'_>| roots.writes_are_closed(operation.payload.instance().unwrap_or_default());
        self.roots_at(operation.at).is_some_and(is_closed)
    }

    /// Whether the operation may be none of the agent's of a decision that it
    /// joins.
    pub(in crate::audit) fn may_be_anybodys(&self, operation: &Operation<'a>) -> bool {
        let found = self.operations.binary_search_by_key(&operation.at, |(operation, _)| operation.at);
        let joined = found.map(|at| self.operations[at].1.as_slice()).unwrap_or_default();
        joined.iter().any(|decision| self.doubt(&self.decisions[*decision], operation).is_some())
    }

    /// Whether an operation states no decision of this log: then nothing but a
    /// receipt's `op_key` joins it.
    pub(in crate::audit) fn states_nothing(&self, operation: &Operation<'a>) -> bool {
        self.stated_by(operation).next().is_none()
    }

    /// Operations that join a decision and may be none of its agent's.
    pub(in crate::audit) fn doubted_of(&self, decision: &Decision<'a>) -> impl Iterator<Item = &Operation<'a>> {
        decision.doubted.iter().map(|at| &self.operations[*at].0)
    }

    /// Every report of the operation with this key, whatever it joins.
    pub(in crate::audit) fn reports_of(&self, key: &str) -> impl Iterator<Item = &Operation<'a>> {
        self.reported.get(key).into_iter().flatten().map(|at| &self.operations[*at].0)
    }
}
