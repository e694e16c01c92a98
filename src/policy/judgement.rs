//! The answer: outcome, the clause that decided, and why.

use std::fmt;

use crate::artifact::digest::PayloadHash;
use crate::codes::{self, Code};
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
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self.outcome, Outcome::Allow { .. })
    }

    #[must_use]
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
    pub(super) fn allow(path: String, requires_approval: bool, sentence: String) -> Self {
        let reason = if requires_approval { Reason::AllowedWithApproval } else { Reason::Allowed };
        Self { outcome: Outcome::Allow { requires_approval }, path, reason, sentence }
    }

    pub(super) fn deny(path: String, reason: Reason, sentence: String) -> Self {
        Self { outcome: Outcome::Deny, path, reason, sentence }
    }

    pub(super) fn not_governed(governs: &str) -> Self {
        Self {
            outcome: Outcome::NotGoverned,
            path: String::new(),
            reason: Reason::NotGoverned,
            sentence: format!("the policy governs {governs} only"),
        }
    }

    pub(super) fn too_many_namespaces() -> Self {
        let sentence = format!("the action reaches more than {NAMESPACES_MAX} namespaces");
        Self::deny(String::new(), Reason::TooManyNamespaces, sentence)
    }

    pub(super) fn unreadable() -> Self {
        let sentence = "the name of the provider or the model holds control characters".to_owned();
        Self::deny(String::new(), Reason::NameUnreadable, sentence)
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

/// Why.
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

impl Reason {
    /// Stable code.
    #[must_use]
    pub fn code(self) -> &'static Code {
        match self {
            Self::Allowed => &codes::policy::ALLOWED,
            Self::AllowedWithApproval => &codes::policy::ALLOWED_WITH_APPROVAL,
            Self::NotGoverned => &codes::policy::NOT_GOVERNED,
            Self::DeniedByClause => &codes::policy::DENIED_BY_CLAUSE,
            Self::DeniedByUnknownFact => &codes::policy::DENIED_BY_UNKNOWN_FACT,
            Self::NoClauseAllows => &codes::policy::NO_CLAUSE_ALLOWS,
            Self::ApplicationNotAllowed => &codes::policy::APPLICATION_NOT_ALLOWED,
            Self::InstanceNotAllowed => &codes::policy::INSTANCE_NOT_ALLOWED,
            Self::NamespaceNotAllowed => &codes::policy::NAMESPACE_NOT_ALLOWED,
            Self::NamespaceUnnamed => &codes::policy::NAMESPACE_UNNAMED,
            Self::TooManyNamespaces => &codes::policy::TOO_MANY_NAMESPACES,
            Self::NoApplication => &codes::policy::NO_APPLICATION,
            Self::ConditionNotMet => &codes::policy::CONDITION_NOT_MET,
            Self::ParameterNotApproved => &codes::policy::PARAMETER_NOT_APPROVED,
            Self::ProviderNotAllowed => &codes::policy::PROVIDER_NOT_ALLOWED,
            Self::ModelNotAllowed => &codes::policy::MODEL_NOT_ALLOWED,
            Self::ModelIdentityTooLow => &codes::policy::MODEL_IDENTITY_TOO_LOW,
            Self::AuditPackUnproven => &codes::policy::AUDIT_PACK_UNPROVEN,
            Self::NameUnreadable => &codes::policy::NAME_UNREADABLE,
            Self::AncestorSilent => &codes::policy::ANCESTOR_SILENT,
            Self::PolicyVersionUnknown => &codes::policy::POLICY_VERSION_UNKNOWN,
            Self::PolicyMalformed => &codes::policy::POLICY_MALFORMED,
            Self::PolicyTooLarge => &codes::policy::POLICY_TOO_LARGE,
            Self::ActionMalformed => &codes::policy::ACTION_MALFORMED,
            Self::ParentMissing => &codes::policy::PARENT_MISSING,
            Self::ParentOfAnotherSigner => &codes::policy::PARENT_OF_ANOTHER_SIGNER,
            Self::ParentLater => &codes::policy::PARENT_LATER,
            Self::ParentAmbiguous => &codes::policy::PARENT_AMBIGUOUS,
            Self::InheritanceCycle => &codes::policy::INHERITANCE_CYCLE,
            Self::InheritanceTooDeep => &codes::policy::INHERITANCE_TOO_DEEP,
        }
    }
}
