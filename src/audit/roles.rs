//! Who may say what: the role of the roots that a kind takes (JUDGING 2.3).

use crate::artifact::Kind;

/// Whose statements of a kind count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The pinned operator's, for this log: no roots are asked.
    Operator,
    /// Those of the DIDs in this list of the roots.
    Listed(&'static str),
    /// Approvers', on an instance of theirs.
    Approver,
    /// Wrappers', for an agent of theirs.
    Wrapper,
    /// Observers', of an instance and a channel of theirs.
    Observer,
    /// Those of the agent that this member of the payload names, of itself.
    Agent(&'static str),
}

impl Role {
    pub(super) const fn of(kind: Kind) -> Role {
        match kind {
            Kind::AuditRoots | Kind::AuditStatement | Kind::Withholding => Role::Operator,
            Kind::WorkPolicy => Role::Listed("policy_signers"),
            Kind::CstIssuance => Role::Listed("cst_issuers"),
            Kind::CstRevocation => Role::Listed("cst_revokers"),
            Kind::GatewayReceipt => Role::Listed("gateways"),
            Kind::ChangeRecord => Role::Listed("recorders"),
            Kind::Approval => Role::Approver,
            Kind::ArgocdDecision | Kind::ArgocdReceipt => Role::Wrapper,
            Kind::ArgocdObservation | Kind::ArgocdSnapshot => Role::Observer,
            Kind::ProofBundle
            | Kind::TrustPulse
            | Kind::ToolReceipt
            | Kind::SideEffectReceipt
            | Kind::HumanApprovalReceipt => Role::Agent("agent_did"),
            Kind::DelegationReceipt => Role::Agent("delegator_did"),
        }
    }
}

/// Whether a kind speaks of its signer's runs only.
pub(super) const fn is_of_agent(kind: Kind) -> bool {
    matches!(Role::of(kind), Role::Agent(_))
}
