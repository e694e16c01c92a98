//! The table of kinds: each row stands in its kind's own file.

use crate::artifact::kind::{Kind, KindRow};
use crate::artifact::{
    approval, argocd_decision, argocd_observation, argocd_receipt, argocd_snapshot, audit_roots, audit_statement,
    change_record, cst_issuance, cst_revocation, delegation_receipt, gateway_receipt, human_approval_receipt,
    proof_bundle, side_effect_receipt, tool_receipt, trust_pulse, withholding, work_policy,
};

/// Every row, in the order of [`Kind::ALL`].
pub static KINDS: [&KindRow; Kind::ALL.len()] = {
    let (mut rows, mut at) = ([Kind::ALL[0].row(); Kind::ALL.len()], 0);
    while at < rows.len() {
        rows[at] = Kind::ALL[at].row();
        at += 1;
    }
    rows
};

impl Kind {
    /// Everything that admission, index and pages know about it.
    #[must_use]
    pub const fn row(self) -> &'static KindRow {
        match self {
            Kind::GatewayReceipt => &gateway_receipt::ROW,
            Kind::ToolReceipt => &tool_receipt::ROW,
            Kind::SideEffectReceipt => &side_effect_receipt::ROW,
            Kind::HumanApprovalReceipt => &human_approval_receipt::ROW,
            Kind::DelegationReceipt => &delegation_receipt::ROW,
            Kind::ProofBundle => &proof_bundle::ROW,
            Kind::WorkPolicy => &work_policy::ROW,
            Kind::TrustPulse => &trust_pulse::ROW,
            Kind::CstIssuance => &cst_issuance::ROW,
            Kind::CstRevocation => &cst_revocation::ROW,
            Kind::Approval => &approval::ROW,
            Kind::ArgocdDecision => &argocd_decision::ROW,
            Kind::ArgocdReceipt => &argocd_receipt::ROW,
            Kind::ChangeRecord => &change_record::ROW,
            Kind::AuditRoots => &audit_roots::ROW,
            Kind::AuditStatement => &audit_statement::ROW,
            Kind::Withholding => &withholding::ROW,
            Kind::ArgocdObservation => &argocd_observation::ROW,
            Kind::ArgocdSnapshot => &argocd_snapshot::ROW,
        }
    }
}
