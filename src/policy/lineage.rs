//! `inherits`: which policies must allow as well (JUDGING 5.2).

use std::collections::BTreeSet;

use crate::artifact::Did;
use crate::policy::{Pinning, Policy, PolicyError};

/// Most policies above one.
pub const ANCESTORS_MAX: usize = 8;

/// A logged policy: who signed it, and at which position.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a, At> {
    pub policy: &'a Policy,
    pub signer: &'a Did,
    /// Position of the statement: the leaf index at which its signer first
    /// logged it in the role.
    pub at: At,
}

/// A policy and everything above it. Made by [`resolve`] and
/// [`Lineage::alone`] only, so nobody judges by half of one.
#[derive(Clone, Debug)]
pub struct Lineage<'a> {
    policy: &'a Policy,
    /// Parent first.
    ancestors: Vec<&'a Policy>,
}

impl<'a> Lineage<'a> {
    /// A policy that inherits nothing.
    ///
    /// # Errors
    /// It does inherit; its parent cannot be looked up here.
    pub fn alone(policy: &'a Policy) -> Result<Self, PolicyError> {
        match policy.inherits() {
            None => Ok(Lineage { policy, ancestors: Vec::new() }),
            Some(id) => Err(PolicyError::ParentMissing { id: id.to_owned() }),
        }
    }

    /// The policy at the bottom: the one that tokens and decisions name.
    #[must_use]
    pub fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// What it asks of tokens and evidence, as a whole.
    #[must_use]
    pub fn demands(&self) -> Demands<'a> {
        Demands::of(std::iter::once(self.policy).chain(self.ancestors()))
    }

    /// Its parent, the parent's parent, and so on.
    pub fn ancestors(&self) -> impl Iterator<Item = &'a Policy> + '_ {
        self.ancestors.iter().copied()
    }
}

/// What policies ask of tokens and of the evidence that a run leaves: of each
/// demand the strictest, and the first policy that makes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demands<'a> {
    /// Longest life of a token in seconds.
    pub max_ttl: Option<(i64, &'a Policy)>,
    pub pinning: Option<&'a Policy>,
    pub gateway_receipts: Option<&'a Policy>,
    pub proof_bundle: Option<&'a Policy>,
}

impl<'a> Demands<'a> {
    /// All that any of these policies asks: none of them can take back what
    /// another demands.
    pub fn of(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let mut all = Demands::default();
        for policy in policies {
            if let Some(token) = policy.token_rules() {
                if all.max_ttl.is_none_or(|(life, _)| token.max_ttl_seconds < life) {
                    all.max_ttl = Some((token.max_ttl_seconds, policy));
                }
                all.pinning = all.pinning.or((token.pinning == Pinning::Required).then_some(policy));
            }
            if let Some(audit) = policy.audit_rules() {
                all.gateway_receipts = all.gateway_receipts.or(audit.require_gateway_receipts.then_some(policy));
                all.proof_bundle = all.proof_bundle.or(audit.produce_proof_bundle.then_some(policy));
            }
        }
        all
    }
}

/// Finds everything that `child` inherits among `candidates`: each parent is
/// the one policy with that id, by the same signer, logged before its child.
/// The same statement in several entries counts once. Cost: candidates times
/// depth.
///
/// # Errors
/// A parent is missing, later, ambiguous or somebody else's; a cycle; more
/// than [`ANCESTORS_MAX`] ancestors.
pub fn resolve<'a, At: Ord + Copy>(
    child: Candidate<'a, At>,
    candidates: &[Candidate<'a, At>],
) -> Result<Lineage<'a>, PolicyError> {
    let mut ancestors = Vec::new();
    let mut below = child;
    while let Some(id) = below.policy.inherits() {
        let mut chain = std::iter::once(child.policy).chain(ancestors.iter().copied());
        if chain.any(|policy: &Policy| policy.policy_id() == Some(id)) {
            return Err(PolicyError::Cycle { id: id.to_owned() });
        }
        if ancestors.len() == ANCESTORS_MAX {
            return Err(PolicyError::TooDeep);
        }
        below = parent(id, below, candidates)?;
        ancestors.push(below.policy);
    }
    Ok(Lineage { policy: child.policy, ancestors })
}

fn parent<'a, At: Ord + Copy>(
    id: &str,
    below: Candidate<'a, At>,
    candidates: &[Candidate<'a, At>],
) -> Result<Candidate<'a, At>, PolicyError> {
    let named = || candidates.iter().copied().filter(|candidate| candidate.policy.policy_id() == Some(id));
    let own = || named().filter(|candidate| candidate.signer == below.signer);
    let earlier = || own().filter(|candidate| candidate.at < below.at);
    let statements: BTreeSet<_> = earlier().map(|candidate| candidate.policy.hash()).collect();
    let id = id.to_owned();
    match earlier().min_by_key(|candidate| candidate.at) {
        Some(_) if statements.len() > 1 => Err(PolicyError::ParentAmbiguous { id }),
        Some(parent) => Ok(parent),
        None if own().next().is_some() => Err(PolicyError::ParentLater { id }),
        None if named().next().is_some() => Err(PolicyError::ParentOfAnotherSigner { id }),
        None => Err(PolicyError::ParentMissing { id }),
    }
}
