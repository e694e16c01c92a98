//! One row a defect: what makes a good payload of a kind a bad one.

use pulselog::artifact::Kind;

/// A defect of one kind's payload: code, path, and JSON to put there; no JSON
/// removes what stands there.
pub type Defect = (&'static str, &'static str, Option<&'static str>);

pub fn defects(kind: Kind) -> &'static [Defect] {
    match kind.name() {
        "gateway_receipt" => &[
            ("wrong_type", "tokens_input", Some("\"120\"")),
            ("base64url_not_canonical", "request_hash_b64u", Some("\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\"")),
            ("invalid_value", "timestamp", Some("\"2026-11-22T12:00:60Z\"")),
            ("unknown_field", "binding.job_id", Some("\"job\"")),
            ("wrong_type", "model", Some("null")),
        ],
        "tool_receipt" => &[
            ("invalid_value", "result_status", Some("\"denied\"")),
            ("invalid_value", "latency_ms", Some("-1")),
            ("missing_field", "tool_name", None),
        ],
        "side_effect_receipt" => &[
            ("invalid_value", "effect_class", Some("\"filesystem_read\"")),
            ("unknown_field", "target_digest", Some("\"sha256:abc\"")),
        ],
        "human_approval_receipt" => &[
            ("invalid_value", "approval_type", Some("\"approved\"")),
            ("unknown_field", "capability_minted", Some("true")),
        ],
        "delegation_receipt" => {
            &[("invalid_value", "delegate_did", Some("\"agent\"")), ("missing_field", "delegated_at", None)]
        }
        "proof_bundle" => &[
            ("invalid_value", "event_chain", Some("[]")),
            ("wrong_type", "receipts[0]", Some("1")),
            ("invalid_value", "eip8004_agent_id", Some("\"x\"")),
            ("unknown_field", "wpc_hash_b64u", Some("\"x\"")),
        ],
        "work_policy" => &[
            ("invalid_value", "tools.argo_cd.allow[0].action", Some("\"delete\"")),
            ("invalid_value", "tools.argo_cd.allow[0].apps[0]", Some("\"payments-*\"")),
            ("invalid_value", "tools.argo_cd.allow", Some("[]")),
            ("invalid_value", "token.cst.max_ttl_seconds", Some("86401")),
            ("invalid_value", "token.cst.policy_hash_pinning", Some("\"never\"")),
            ("unknown_field", "tools.argo_cd.allow[0].clusters", Some("[]")),
            ("missing_field", "audit.produce_proof_bundle", None),
        ],
        "trust_pulse" => &[
            ("invalid_value", "tier_uplift", Some("true")),
            ("invalid_value", "evidence_class", Some("\"verified\"")),
            ("invalid_value", "files[0].path", Some("\"a/../../etc/passwd\"")),
            ("invalid_value", "tools[0].calls", Some("1.5")),
        ],
        "cst_issuance" => &[
            ("scope_hash_mismatch", "claims.scope[0]", Some("\"proxy:*\"")),
            ("missing_field", "claims.mission_id", None),
            ("missing_field", "claims.token_scope_hash_b64u", None),
            ("invalid_value", "claims.exp", Some("1795436100.5")),
            ("unknown_field", "claims.cnf", Some("{}")),
            ("invalid_value", "token_hash", Some("\"ABCDEF\"")),
        ],
        "cst_revocation" => &[
            ("missing_field", "policy_hash_b64u", None),
            ("invalid_value", "revoked_at", Some("\"2026-11-22T12:00:00+00:00\"")),
            ("wrong_type", "argocd_token_revoked", Some("\"yes\"")),
        ],
        "approval" => &[
            ("invalid_value", "binds.params.prune", Some("false")),
            ("invalid_value", "binds.params.sync_options", Some("[]")),
            ("invalid_value", "binds.params.sync_options[1]", Some("\"CreateNamespace=true\"")),
            ("invalid_value", "binds.params.auto_sync", Some("\"on\"")),
            ("invalid_value", "binds.history_id", Some("6")),
            ("missing_field", "binds.job_id", None),
            ("missing_field", "binds.destination", None),
            ("invalid_value", "binds.destination.name", Some("\"in-cluster\"")),
            ("invalid_value", "binds.action", Some("\"deploy\"")),
        ],
        "argocd_decision" => &[
            ("missing_field", "cst", None),
            ("missing_field", "binds.history_id", None),
            ("invalid_value", "approvals[0]", Some("\"x\"")),
            ("missing_field", "binds.params", None),
            ("invalid_value", "binds.params.auto_sync", Some("\"off\"")),
        ],
        "argocd_receipt" => &[
            ("invalid_value", "outcome", Some("\"ok\"")),
            ("invalid_value", "http_status", Some("99")),
            ("missing_field", "decision_digest", None),
        ],
        "change_record" => &[
            ("invalid_value", "what", Some("\"delete\"")),
            ("missing_field", "change_ref.key", None),
            ("missing_field", "before", None),
        ],
        "audit_roots" => &[
            ("invalid_value", "observers[0].did", Some("\"did:key:z6MkneMkZqwqRiU5mJzSG3kDwzt9P8C59N4NGTfBLfSGE7c7\"")),
            ("invalid_value", "observers[0].channels", Some("[\"watch\"]")),
            ("missing_field", "agents[0].default_policy", None),
            ("invalid_value", "origin", Some("\"log example\"")),
            ("missing_field", "instances[0].closed_writes", None),
            ("unknown_field", "instances[0].humans", Some("[]")),
            ("missing_field", "instances[0].clusters[0].server", None),
        ],
        "audit_statement" => &[
            ("invalid_value", "entries[1].index", Some("24")),
            ("invalid_value", "findings[0].severity", Some("\"fatal\"")),
            ("invalid_value", "size", Some("0")),
        ],
        "withholding" => &[("invalid_value", "artifact_digest", Some("\"x\"")), ("missing_field", "by", None)],
        "argocd_observation" => &[
            ("retired_version", "argocd_observation_version", Some("\"1\"")),
            ("invalid_value", "event", Some("\"sync\"")),
            ("invalid_value", "channel", Some("\"watch\"")),
            ("missing_field", "op_key", None),
            ("missing_field", "operation_digest", None),
            ("invalid_value", "op_key", Some("\"0000000000000000000000000000000000000000000000000000000000000000\"")),
            ("invalid_value", "app.uid", Some("\"2\"")),
            ("invalid_value", "started_at", Some("\"2026-11-22T12:00:01.000Z\"")),
            ("invalid_value", "resource_version", Some("\"8123\"")),
            ("invalid_value", "token_id", Some("\"jti-1\"")),
            ("unknown_field", "before", Some("\"on\"")),
            ("invalid_value", "params.auto_sync", Some("\"on\"")),
            ("invalid_value", "destination.server", Some("\"https://kubernetes.default.svc\"")),
        ],
        "argocd_snapshot" => &[
            ("invalid_value", "channel", Some("\"notify\"")),
            ("invalid_value", "rows_total", Some("0")),
            ("missing_field", "rows_digest", None),
        ],
        other => panic!("no defects for {other}"),
    }
}
