//! A filled payload of every kind, for whoever writes one by hand or by program
//! for the first time. What is each writer's own is marked; the rest may stay.

use crate::artifact::json::Value;
use crate::artifact::kind::Kind;

/// What a value begins with that is still to be replaced.
pub const MARK: &str = "REPLACE: ";

/// One payload a kind, as it is printed. Version and nonce of our own kinds and
/// what follows from other members are absent: `complete` fills them in.
const EXAMPLES: &[(&str, &str)] = &[
    ("approval", include_str!("../../schemas/examples/approval.json")),
    ("argocd_decision", include_str!("../../schemas/examples/argocd_decision.json")),
    ("argocd_observation", include_str!("../../schemas/examples/argocd_observation.json")),
    ("argocd_receipt", include_str!("../../schemas/examples/argocd_receipt.json")),
    ("argocd_snapshot", include_str!("../../schemas/examples/argocd_snapshot.json")),
    ("audit_roots", include_str!("../../schemas/examples/audit_roots.json")),
    ("audit_statement", include_str!("../../schemas/examples/audit_statement.json")),
    ("change_record", include_str!("../../schemas/examples/change_record.json")),
    ("cst_issuance", include_str!("../../schemas/examples/cst_issuance.json")),
    ("cst_revocation", include_str!("../../schemas/examples/cst_revocation.json")),
    ("delegation_receipt", include_str!("../../schemas/examples/delegation_receipt.json")),
    ("gateway_receipt", include_str!("../../schemas/examples/gateway_receipt.json")),
    ("human_approval_receipt", include_str!("../../schemas/examples/human_approval_receipt.json")),
    ("proof_bundle", include_str!("../../schemas/examples/proof_bundle.json")),
    ("side_effect_receipt", include_str!("../../schemas/examples/side_effect_receipt.json")),
    ("tool_receipt", include_str!("../../schemas/examples/tool_receipt.json")),
    ("trust_pulse", include_str!("../../schemas/examples/trust_pulse.json")),
    ("withholding", include_str!("../../schemas/examples/withholding.json")),
    ("work_policy", include_str!("../../schemas/examples/work_policy.json")),
];

/// The example of a kind, JSON with marks; `None` for a kind without a row.
pub fn example(kind: Kind) -> Option<&'static str> {
    EXAMPLES.iter().find(|(name, _)| *name == kind.name()).map(|(_, text)| *text)
}

/// Paths of the values in a payload that are still marked, in document order.
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
