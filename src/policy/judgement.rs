//! The answer: outcome, the clause that decided, and why.

use std::fmt;

use crate::artifact::digest::PayloadHash;
use crate::policy::NAMESPACES_MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Allow {
        /// Whether an approval must bind exactly this act.
        requires_approval: bool,
    },
    Deny,
    /// The policy says nothing about actions of this sort.
    NotGoverned,
}

/// A place in a policy's payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClauseRef {
    /// Hash of the policy, which may be an inherited one; absent when there is
    /// no policy to name.
    pub policy: Option<PayloadHash>,
    /// As `tools.argo_cd.allow[1]`; empty for the policy as a whole. The list
    /// itself when nothing in it applies.
    pub path: String,
}

impl fmt::Display for ClauseRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.path.is_empty() { "the policy as a whole" } else { &self.path })
    }
}

/// What judging one action gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub outcome: Outcome,
    pub clause: ClauseRef,
    pub reason: Reason,
    /// The reason with the names in this case, which come from evidence:
    /// untrusted, unescaped.
    pub sentence: String,
}

impl Judgement {
    pub fn is_allow(&self) -> bool {
        matches!(self.outcome, Outcome::Allow { .. })
    }

    pub fn requires_approval(&self) -> bool {
        self.outcome == Outcome::Allow { requires_approval: true }
    }
}

/// A judgement that does not know yet whose policy it speaks of.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    outcome: Outcome,
    path: String,
    reason: Reason,
    sentence: String,
}

impl Verdict {
    pub(super) fn allow(path: String, requires_approval: bool, sentence: String) -> Verdict {
        let reason = if requires_approval { Reason::AllowedWithApproval } else { Reason::Allowed };
        Verdict { outcome: Outcome::Allow { requires_approval }, path, reason, sentence }
    }

    pub(super) fn deny(path: String, reason: Reason, sentence: String) -> Verdict {
        Verdict { outcome: Outcome::Deny, path, reason, sentence }
    }

    pub(super) fn not_governed(governs: &str) -> Verdict {
        Verdict {
            outcome: Outcome::NotGoverned,
            path: String::new(),
            reason: Reason::NotGoverned,
            sentence: format!("the policy governs {governs} only"),
        }
    }

    pub(super) fn too_many_namespaces() -> Verdict {
        let sentence = format!("the action reaches more than {NAMESPACES_MAX} namespaces");
        Verdict::deny(String::new(), Reason::TooManyNamespaces, sentence)
    }

    pub(super) fn unreadable() -> Verdict {
        let sentence = "the name of the provider or the model holds control characters".to_owned();
        Verdict::deny(String::new(), Reason::NameUnreadable, sentence)
    }

    pub(super) fn under(self, policy: Option<PayloadHash>) -> Judgement {
        Judgement {
            outcome: self.outcome,
            clause: ClauseRef { policy, path: self.path },
            reason: self.reason,
            sentence: self.sentence,
        }
    }
}

/// Why. Rows in the same order in [`REASONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    Allowed,
    AllowedWithApproval,
    NotGoverned,
    DeniedByClause,
    DeniedByUnknownFact,
    NoClauseAllows,
    ApplicationNotAllowed,
    InstanceNotAllowed,
    NamespaceNotAllowed,
    NamespaceUnnamed,
    TooManyNamespaces,
    NoApplication,
    ConditionNotMet,
    ParameterNotApproved,
    ProviderNotAllowed,
    ModelNotAllowed,
    ModelIdentityTooLow,
    AuditPackUnproven,
    NameUnreadable,
    AncestorSilent,
    PolicyVersionUnknown,
    PolicyMalformed,
    PolicyTooLarge,
    ActionMalformed,
    ParentMissing,
    ParentOfAnotherSigner,
    ParentLater,
    ParentAmbiguous,
    InheritanceCycle,
    InheritanceTooDeep,
}

/// A reason's stable code and what it means.
#[derive(Debug)]
pub struct ReasonRow {
    pub reason: Reason,
    pub code: &'static str,
    /// One sentence without names of this case.
    pub meaning: &'static str,
}

const fn row(reason: Reason, code: &'static str, meaning: &'static str) -> ReasonRow {
    ReasonRow { reason, code, meaning }
}

/// Every reason.
pub static REASONS: &[ReasonRow] = &[
    row(Reason::Allowed, "allowed", "A clause allows it and none denies it."),
    row(
        Reason::AllowedWithApproval,
        "allowed_with_approval",
        "A clause allows it if a person approved exactly this act.",
    ),
    row(Reason::NotGoverned, "not_governed", "The policy says nothing about actions of this sort."),
    row(Reason::DeniedByClause, "denied_by_clause", "A clause denies it; a deny always wins."),
    row(
        Reason::DeniedByUnknownFact,
        "denied_by_unknown_fact",
        "A deny asks for a fact that is not known, so it applies.",
    ),
    row(Reason::NoClauseAllows, "no_clause_allows", "No clause allows this action; what is not allowed is refused."),
    row(
        Reason::ApplicationNotAllowed,
        "application_not_allowed",
        "The action is allowed for other applications, not for this one.",
    ),
    row(
        Reason::InstanceNotAllowed,
        "instance_not_allowed",
        "The action is allowed on other Argo CD instances, or the agent has none of this name in the roots.",
    ),
    row(
        Reason::NamespaceNotAllowed,
        "namespace_not_allowed",
        "The action reaches a namespace that no clause allows for it.",
    ),
    row(
        Reason::NamespaceUnnamed,
        "namespace_unnamed",
        "The action reaches a place without a namespace (cluster-scoped, or left to the manifests), which no clause allows.",
    ),
    row(Reason::TooManyNamespaces, "too_many_namespaces", "The action reaches more namespaces than are judged."),
    row(
        Reason::NoApplication,
        "no_application",
        "The action is about no application, and such actions are never allowed.",
    ),
    row(
        Reason::ConditionNotMet,
        "condition_not_met",
        "A clause would allow it, but one of its conditions does not hold or cannot be decided.",
    ),
    row(
        Reason::ParameterNotApproved,
        "parameter_not_approved",
        "A parameter that no policy can speak about needs an approval that names it.",
    ),
    row(Reason::ProviderNotAllowed, "provider_not_allowed", "The policy does not list this model provider."),
    row(Reason::ModelNotAllowed, "model_not_allowed", "The policy does not list this model."),
    row(
        Reason::ModelIdentityTooLow,
        "model_identity_too_low",
        "The model's identity is proven less strongly than the policy asks.",
    ),
    row(Reason::AuditPackUnproven, "audit_pack_unproven", "An audit that the policy asks of the model is not proven."),
    row(Reason::NameUnreadable, "name_unreadable", "A provider or model name holds control characters."),
    row(
        Reason::AncestorSilent,
        "ancestor_silent",
        "An inherited policy does not govern such actions, so it does not allow.",
    ),
    row(Reason::PolicyVersionUnknown, "policy_version_unknown", "The policy is of no known version."),
    row(Reason::PolicyMalformed, "policy_malformed", "The policy holds something unknown, so it allows nothing."),
    row(Reason::PolicyTooLarge, "policy_too_large", "The policy is larger than its registry takes."),
    row(Reason::ActionMalformed, "action_malformed", "The action is not one that policies can speak about."),
    row(Reason::ParentMissing, "parent_missing", "The inherited policy is not logged."),
    row(
        Reason::ParentOfAnotherSigner,
        "parent_of_another_signer",
        "The inherited policy is logged, but signed by somebody else.",
    ),
    row(Reason::ParentLater, "parent_later", "The inherited policy was logged after the one that inherits it."),
    row(Reason::ParentAmbiguous, "parent_ambiguous", "Several logged policies have the id of the inherited one."),
    row(Reason::InheritanceCycle, "inheritance_cycle", "A policy inherits from itself, directly or through others."),
    row(Reason::InheritanceTooDeep, "inheritance_too_deep", "Too many policies inherit from one another."),
];

impl Reason {
    /// Stable code.
    pub fn code(self) -> &'static str {
        REASONS[self as usize].code
    }

    /// What it means, without the names of one case.
    pub fn meaning(self) -> &'static str {
        REASONS[self as usize].meaning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_reasons() {
        for (at, row) in REASONS.iter().enumerate() {
            assert_eq!(row.reason as usize, at, "{}", row.code);
            assert_eq!(row.reason.code(), row.code);
        }
        assert_eq!(REASONS.len(), Reason::InheritanceTooDeep as usize + 1);
    }
}
