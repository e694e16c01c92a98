//! What an agent may do, addressed by the JCS hash of its text (PEERS
//! 6): the form for Argo CD that customers write, and the registry's
//! two versions. Shape only; judging an action is the room `policy`.

use crate::artifact::binding::PEER_METADATA;
use crate::artifact::binds::{ACTION, ID, INSTANCE, NAME};
use crate::artifact::envelope;
use crate::artifact::fact::{Fact, pick};
use crate::artifact::json::Value;
use crate::artifact::keys::Keys;
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::node::Node;
use crate::artifact::shape::{Shape, Text, list, object, optional, plain, required};
use crate::artifact::view::{Rows, Texts, view};

pub(crate) const ROW: KindRow = KindRow {
    name: "work_policy",
    envelope_type: "work_policy_contract",
    forms: &[
        Form {
            envelope: &envelope::V1_WITHOUT_EXPIRY,
            version_field: "wpc_version",
            version: "v1",
            payload: &CUSTOMERS,
            ours: true,
            retired: false,
        },
        Form {
            envelope: &envelope::V1_WITHOUT_EXPIRY,
            version_field: "policy_version",
            version: "1",
            payload: &REGISTRY_V1,
            ours: false,
            retired: false,
        },
        Form {
            envelope: &envelope::V1_WITHOUT_EXPIRY,
            version_field: "policy_version",
            version: "2",
            payload: &REGISTRY_V2,
            ours: false,
            retired: false,
        },
    ],
    hash_form: HashForm::Jcs,
    unsigned: false,
    title: "Work policy",
    withholdable: false,
    voice: Voice::Listed("policy_signers"),
    id_given_once: None,
    ids: &[],
    about: About::NOTHING,
    summary: &[],
    bundle_array: None,
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |_| Keys::default(),
    facts: &[
        ("Policy", "policy_id"),
        ("Issuer", "issuer_did"),
        ("Agent name", "workload.agent_name"),
        ("Runtime", "workload.runtime"),
        ("Environment", "workload.environment"),
    ],
    more_facts,
};

view! {
    /// A policy in any of its forms: what another has is absent.
    WorkPolicy<'a> {
        Option<&'a str>: id = "policy_id", inherits, agent_name = "workload.agent_name",
            environment = "workload.environment", runtime = "workload.runtime",
            pinning = "token.cst.policy_hash_pinning", minimum_tier = "minimum_model_identity_tier";
        Rows<'a, AllowClause<'a>>: allow = "tools.argo_cd.allow";
        Rows<'a, DenyClause<'a>>: deny = "tools.argo_cd.deny";
        Option<i64>: max_ttl_seconds = "token.cst.max_ttl_seconds";
        Option<bool>: scope_hash_required = "token.cst.scope_hash_required",
            gateway_receipts = "audit.require_gateway_receipts", proof_bundle = "audit.produce_proof_bundle";
        Texts<'a>: allowed_providers, allowed_models, required_audit_packs;
        Rows<'a, PolicyStatement<'a>>: statements;
    }
    AllowClause<'a> {
        Option<&'a str>: action;
        Texts<'a>: apps, namespaces;
        Option<Texts<'a>>: instances;
        Option<bool>: require_approval, cluster_scoped;
    }
    DenyClause<'a> { Option<&'a str>: action; Option<Texts<'a>>: apps, namespaces; }
    PolicyStatement<'a> { Option<&'a str>: effect; Texts<'a>: actions, resources; Option<Node<'a>>: conditions; }
}

/// Rows of `allow` and of `deny`, and names in each.
const ROWS_MAX: usize = 256;
const TTL_SECONDS_MAX: i64 = 86_400;

const DID: Shape = Shape::Text(Text::Did);
const POLICY_ID: Shape = plain(1, 128);
const NAMES: Shape = list(&NAME, 1, ROWS_MAX);

const CUSTOMERS: Shape = object(&[
    required("wpc_version", &Shape::Text(Text::Word("v1"))),
    optional("policy_id", &POLICY_ID),
    optional("issuer_did", &DID),
    required(
        "workload",
        &object(&[required("runtime", &ID), required("agent_name", &ID), required("environment", &ID)]),
    ),
    required("tools", &object(&[required("argo_cd", &ARGO_CD)])),
    required("token", &object(&[required("cst", &CST)])),
    required("audit", &AUDIT),
]);

const ARGO_CD: Shape = object(&[
    required("mode", &Shape::Text(Text::Word("official_api"))),
    required("allow", &list(&ALLOW, 1, ROWS_MAX)),
    required("deny", &list(&DENY, 0, ROWS_MAX)),
]);

const ALLOW: Shape = object(&[
    required("action", &ACTION),
    required("apps", &NAMES),
    required("namespaces", &NAMES),
    optional("require_approval", &Shape::Bool),
    optional("instances", &list(&INSTANCE, 1, ROWS_MAX)),
    optional("cluster_scoped", &Shape::Bool),
]);

const DENY: Shape = object(&[required("action", &ACTION), optional("apps", &NAMES), optional("namespaces", &NAMES)]);

const CST: Shape = object(&[
    required("max_ttl_seconds", &Shape::Integer { min: 1, max: TTL_SECONDS_MAX }),
    required("scope_hash_required", &Shape::Bool),
    required("policy_hash_pinning", &Shape::Enum(&["required", "optional"])),
]);

const AUDIT: Shape =
    object(&[required("require_gateway_receipts", &Shape::Bool), required("produce_proof_bundle", &Shape::Bool)]);

/// PEERS 6.3.
const REGISTRY_V1: Shape = object(&[
    required("policy_version", &Shape::Text(Text::Word("1"))),
    required("policy_id", &POLICY_ID),
    required("issuer_did", &DID),
    optional("allowed_providers", &list(&Shape::Enum(&["openai", "anthropic", "google"]), 0, 16)),
    optional("allowed_models", &list(&GLOB, 0, 256)),
    optional("minimum_model_identity_tier", &MODEL_IDENTITY_TIER),
    optional("required_audit_packs", &list(&Shape::Text(Text::B64u { min: 8 }), 0, 64)),
    optional("redaction_rules", &list(&REDACTION, 0, 256)),
    optional("receipt_privacy_mode", &Shape::Enum(&["hash_only", "encrypted"])),
    optional("egress_allowlist", &list(&GLOB, 0, 256)),
    optional("metadata", &PEER_METADATA),
]);

const GLOB: Shape = plain(1, 512);
const MODEL_IDENTITY_TIER: Shape =
    Shape::Enum(&["closed_opaque", "closed_provider_manifest", "openweights_hashable", "tee_measured"]);
const REDACTION: Shape =
    object(&[required("path", &GLOB), required("action", &Shape::Enum(&["remove", "hash", "mask"]))]);

/// PEERS 6.4.
const REGISTRY_V2: Shape = object(&[
    required("policy_version", &Shape::Text(Text::Word("2"))),
    required("policy_id", &POLICY_ID),
    required("issuer_did", &DID),
    required("statements", &list(&STATEMENT, 1, 64)),
    optional("inherits", &POLICY_ID),
    optional("coverage_enforcement", &Shape::Enum(&["observe", "warn", "enforce"])),
    optional("witnessed_web_policy", &PEER_METADATA),
    optional("metadata", &PEER_METADATA),
]);

const STATEMENT: Shape = object(&[
    required("sid", &plain(1, 128)),
    required("effect", &Shape::Enum(&["Allow", "Deny"])),
    required("actions", &list(&plain(1, 256), 1, 64)),
    required("resources", &list(&GLOB, 1, 256)),
    optional("conditions", &CONDITIONS),
]);

const CONDITIONS: Shape = object(&[
    optional("StringEquals", &CONDITION),
    optional("StringNotEquals", &CONDITION),
    optional("StringLike", &CONDITION),
    optional("StringNotLike", &CONDITION),
    optional("NumericEquals", &CONDITION),
    optional("NumericLessThan", &CONDITION),
    optional("NumericGreaterThan", &CONDITION),
    optional("Bool", &CONDITION),
    optional("IpAddress", &CONDITION),
]);

const CONDITION: Shape = Shape::Map { name: Text::Plain { min: 1, max: 256 }, of: &plain(0, 512), max: 16 };

fn more_facts(payload: &Value) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (label, path) in [("Allowed", "tools.argo_cd.allow"), ("Denied", "tools.argo_cd.deny")] {
        let rows = payload.at(path).and_then(Value::as_array).unwrap_or_default();
        facts.extend(rows.iter().map(|row| Fact { label, value: row_words(row) }));
    }
    facts.extend(pick(
        payload,
        &[
            ("Allowed providers", "allowed_providers"),
            ("Allowed models", "allowed_models"),
            ("Statements", "statements"),
            ("Longest token lifetime (s)", "token.cst.max_ttl_seconds"),
            ("Policy hash pinned in tokens", "token.cst.policy_hash_pinning"),
            ("Model call receipts required", "audit.require_gateway_receipts"),
            ("Proof bundle required", "audit.produce_proof_bundle"),
        ],
    ));
    facts
}

/// `sync payments-api in prod-canary, with approval`.
fn row_words(row: &Value) -> String {
    let names = |member: &str| {
        let items = row.get(member).and_then(Value::as_array)?;
        Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
    };
    let mut words = row.text_at("action").unwrap_or_default().to_owned();
    if let Some(apps) = names("apps") {
        words = format!("{words} {apps}");
    }
    if let Some(namespaces) = names("namespaces") {
        words = format!("{words} in {namespaces}");
    }
    if let Some(instances) = names("instances") {
        words = format!("{words} on {instances}");
    }
    let says = |member: &str| row.get(member).and_then(Value::as_bool) == Some(true);
    if says("cluster_scoped") {
        words.push_str(", with its cluster-scoped resources");
    }
    if says("require_approval") {
        words.push_str(", with approval");
    }
    words
}
