//! What the index files an artifact under. Claims of the artifact, not facts:
//! whoever signed may write any id.

use crate::artifact::json::Value;

/// Index keys of one artifact; absent where the kind or the artifact has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// DID of the agent it is about.
    pub agent: Option<String>,
    /// Run ids, each once, in order of appearance.
    pub runs: Vec<String>,
    /// Job id (the `mission_id` of a token).
    pub job: Option<String>,
    /// Hex SHA-256 of the one compact token it is about.
    pub token_hash: Option<String>,
    /// All token hashes a bundle names.
    pub token_hashes: Vec<String>,
    /// Peer's base64url hash of the grant.
    pub scope_hash: Option<String>,
    /// Peer's base64url hash of the policy.
    pub policy_hash: Option<String>,
    pub bundle_id: Option<String>,
    pub receipt_id: Option<String>,
    pub approval_id: Option<String>,
    /// Argo CD instance.
    pub instance: Option<String>,
    /// Uid of the Argo CD application.
    pub app_uid: Option<String>,
    /// Argo CD operation.
    pub op_key: Option<String>,
    /// Payload hashes (hex) of statements, or artifact digests, it refers to.
    pub refers_to: Vec<String>,
}

/// The text at a dotted path, owned.
pub(crate) fn text(payload: &Value, path: &str) -> Option<String> {
    payload.text_at(path).map(str::to_owned)
}

/// The texts of an array at a dotted path, each once, in order.
pub(crate) fn texts(payload: &Value, path: &str) -> Vec<String> {
    let items = payload.at(path).and_then(Value::as_array).unwrap_or_default();
    unique(items.iter().filter_map(Value::as_str))
}

/// Each text once, in order of first appearance.
pub(crate) fn unique<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    texts.filter(|text| seen.insert(*text)).map(str::to_owned).collect()
}

/// Keys that a receipt's `binding` names (PEERS 2.1).
pub(crate) fn of_binding(payload: &Value) -> Keys {
    Keys {
        agent: text(payload, "agent_did"),
        runs: text(payload, "binding.run_id").into_iter().collect(),
        scope_hash: text(payload, "binding.token_scope_hash_b64u"),
        policy_hash: text(payload, "binding.policy_hash"),
        receipt_id: text(payload, "receipt_id"),
        ..Keys::default()
    }
}

/// Keys that `binds` names (FORMATS 5.4).
pub(crate) fn of_binds(payload: &Value) -> Keys {
    Keys {
        job: text(payload, "binds.job_id"),
        instance: text(payload, "binds.instance"),
        app_uid: text(payload, "binds.app.uid"),
        ..Keys::default()
    }
}
