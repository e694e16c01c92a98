//! A filled payload of every kind, for whoever writes one by hand or by program
//! for the first time. What is each writer's own is marked; the rest may stay.

use crate::artifact::json::Value;
use crate::artifact::kind::Kind;

/// What a value begins with that is still to be replaced.
pub const MARK: &str = "REPLACE: ";

/// The example of a kind, JSON with marks, as it is printed. Version and nonce
/// of our own kinds and what follows from other members are absent: `complete`
/// fills them in.
#[must_use]
pub const fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::GatewayReceipt => include_str!("../../schemas/examples/gateway_receipt.json"),
        Kind::ToolReceipt => include_str!("../../schemas/examples/tool_receipt.json"),
        Kind::SideEffectReceipt => include_str!("../../schemas/examples/side_effect_receipt.json"),
        Kind::HumanApprovalReceipt => include_str!("../../schemas/examples/human_approval_receipt.json"),
        Kind::DelegationReceipt => include_str!("../../schemas/examples/delegation_receipt.json"),
        Kind::ProofBundle => include_str!("../../schemas/examples/proof_bundle.json"),
        Kind::WorkPolicy => include_str!("../../schemas/examples/work_policy.json"),
        Kind::TrustPulse => include_str!("../../schemas/examples/trust_pulse.json"),
        Kind::CstIssuance => include_str!("../../schemas/examples/cst_issuance.json"),
        Kind::CstRevocation => include_str!("../../schemas/examples/cst_revocation.json"),
        Kind::Approval => include_str!("../../schemas/examples/approval.json"),
        Kind::ArgocdDecision => include_str!("../../schemas/examples/argocd_decision.json"),
        Kind::ArgocdReceipt => include_str!("../../schemas/examples/argocd_receipt.json"),
        Kind::ChangeRecord => include_str!("../../schemas/examples/change_record.json"),
        Kind::AuditRoots => include_str!("../../schemas/examples/audit_roots.json"),
        Kind::AuditStatement => include_str!("../../schemas/examples/audit_statement.json"),
        Kind::Withholding => include_str!("../../schemas/examples/withholding.json"),
        Kind::ArgocdObservation => include_str!("../../schemas/examples/argocd_observation.json"),
        Kind::ArgocdSnapshot => include_str!("../../schemas/examples/argocd_snapshot.json"),
    }
}

/// Paths of the values in a payload that are still marked, in document order.
#[must_use]
pub fn marked(payload: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    collect(payload, "payload", &mut paths);
    paths
}

/// As deep as the parser lets a value be.
fn collect(value: &Value, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with(MARK) => {
            paths.push(format!("{path} ({})", text.strip_prefix(MARK).unwrap_or_default()));
        }
        Value::Object(object) => {
            object.iter().for_each(|(name, member)| collect(member, &format!("{path}.{name}"), paths));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect(item, &format!("{path}[{at}]"), paths));
        }
        _ => {}
    }
}
