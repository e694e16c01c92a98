//! A run packed as one artifact: event chain, receipts, metadata (PEERS 3.1).
//! Receipts inside are opaque here: one broken receipt must not hide the
//! bundle. Enveloped ones are admitted on their own, see `expansion`.

use crate::artifact::binding::{PEER_B64U, PEER_METADATA, PEER_TEXT};
use crate::artifact::envelope;
use crate::artifact::fact::{Fact, pick};
use crate::artifact::json::Value;
use crate::artifact::keys::{Keys, text, texts, unique};
use crate::artifact::kind::{Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, list, object, optional, required};

pub(crate) const ROW: KindRow = KindRow {
    name: "proof_bundle",
    envelope_type: "proof_bundle",
    forms: &[Form {
        envelope: &envelope::V1,
        version_field: "bundle_version",
        version: "1",
        payload: &PAYLOAD,
        ours: false,
        retired: false,
    }],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Proof bundle",
    withholdable: true,
    voice: Voice::Agent,
    id_given_once: None,
    bundle_array: None,
    check: holds_evidence,
    complete: KindRow::NOTHING_FOLLOWS,
    keys,
    facts,
};

/// Arrays of receipts, in the order of the receipts root and of expansion.
pub(crate) const RECEIPT_ARRAYS: [&str; 7] = [
    "receipts",
    "tool_receipts",
    "side_effect_receipts",
    "human_approval_receipts",
    "delegation_receipts",
    "vir_receipts",
    "web_receipts",
];

/// Most events, and most receipts in each array (PEERS 4.3).
pub(crate) const ELEMENTS_MAX: usize = 1000;
const ATTESTATIONS_MAX: usize = 100;
const RATE_LIMIT_CLAIMS_MAX: usize = 256;

const OPAQUE: Shape = Shape::Object { fields: &[], open: true };
const SOME_OPAQUE: Shape = list(&OPAQUE, 1, ELEMENTS_MAX);
const ANY_OPAQUE: Shape = list(&OPAQUE, 0, ELEMENTS_MAX);
const PEER_TIME: Shape = Shape::Text(Text::PeerTime);

const PAYLOAD: Shape = object(&[
    required("bundle_version", &Shape::Text(Text::Word("1"))),
    required("bundle_id", &PEER_TEXT),
    required("agent_did", &Shape::Text(Text::Did)),
    optional("eip8004_agent_id", &Shape::Text(Text::Digits)),
    optional("eip8004_registry", &Shape::Text(Text::Eip155)),
    optional("urm", &URM),
    optional("event_chain", &list(&EVENT, 1, ELEMENTS_MAX)),
    optional("receipts", &SOME_OPAQUE),
    optional("vir_receipts", &SOME_OPAQUE),
    optional("web_receipts", &SOME_OPAQUE),
    optional("coverage_attestations", &ANY_OPAQUE),
    optional("binary_semantic_evidence_attestations", &ANY_OPAQUE),
    optional("tool_receipts", &ANY_OPAQUE),
    optional("side_effect_receipts", &ANY_OPAQUE),
    optional("human_approval_receipts", &ANY_OPAQUE),
    optional("delegation_receipts", &ANY_OPAQUE),
    optional("rate_limit_claims", &list(&OPAQUE, 0, RATE_LIMIT_CLAIMS_MAX)),
    optional("attestations", &list(&OPAQUE, 1, ATTESTATIONS_MAX)),
    optional("metadata", &PEER_METADATA),
]);

/// PEERS 2.10: a reference, not the manifest.
const URM: Shape = object(&[
    required("urm_version", &Shape::Text(Text::Word("1"))),
    required("urm_id", &PEER_TEXT),
    required("resource_type", &PEER_TEXT),
    required("resource_hash_b64u", &PEER_B64U),
    optional("metadata", &PEER_METADATA),
]);

/// PEERS 2.9; that the chain links is judged by verification.
const EVENT: Shape = object(&[
    required("event_id", &PEER_TEXT),
    required("run_id", &PEER_TEXT),
    required("event_type", &PEER_TEXT),
    required("timestamp", &PEER_TIME),
    required("payload_hash_b64u", &PEER_B64U),
    required("prev_hash_b64u", &Shape::Nullable(&PEER_B64U)),
    required("event_hash_b64u", &PEER_B64U),
]);

/// Members of which at least one must be there.
const EVIDENCE: [&str; 11] = [
    "urm",
    "event_chain",
    "receipts",
    "vir_receipts",
    "web_receipts",
    "binary_semantic_evidence_attestations",
    "tool_receipts",
    "side_effect_receipts",
    "human_approval_receipts",
    "delegation_receipts",
    "attestations",
];

fn holds_evidence(payload: &Value) -> Result<(), ShapeError> {
    if EVIDENCE.iter().any(|name| payload.get(name).is_some()) {
        return Ok(());
    }
    let rule = "or another member with evidence is required";
    Err(ShapeError::at("event_chain", Broken::MissingField, rule))
}

/// Receipts in the arrays of `payload`, in the order of the receipts root:
/// array name, index in the array, receipt.
pub(crate) fn receipts(payload: &Value) -> impl Iterator<Item = (&'static str, usize, &Value)> {
    RECEIPT_ARRAYS.into_iter().flat_map(move |array| {
        let items = payload.get(array).and_then(Value::as_array).unwrap_or_default();
        items.iter().enumerate().map(move |(index, receipt)| (array, index, receipt))
    })
}

fn keys(payload: &Value) -> Keys {
    let events = payload.get("event_chain").and_then(Value::as_array).unwrap_or_default();
    let of_events = events.iter().filter_map(|event| event.text_at("run_id"));
    let of_receipts = receipts(payload).filter_map(|(_, _, receipt)| {
        receipt.text_at("payload.binding.run_id").or_else(|| receipt.text_at("binding.run_id"))
    });
    let token_hashes = texts(payload, "metadata.pulselog.token_hashes");
    Keys {
        agent: text(payload, "agent_did"),
        runs: unique(of_events.chain(of_receipts)),
        job: text(payload, "metadata.pulselog.job_id"),
        token_hash: if token_hashes.len() == 1 { token_hashes.first().cloned() } else { None },
        token_hashes,
        policy_hash: text(payload, "metadata.pulselog.policy_hash_b64u"),
        bundle_id: text(payload, "bundle_id"),
        ..Keys::default()
    }
}

fn facts(payload: &Value) -> Vec<Fact> {
    let mut facts = pick(
        payload,
        &[
            ("Bundle", "bundle_id"),
            ("Agent", "agent_did"),
            ("Job", "metadata.pulselog.job_id"),
            ("Change", "metadata.pulselog.change_ref.key"),
            ("Policy hash", "metadata.pulselog.policy_hash_b64u"),
            ("Token hashes", "metadata.pulselog.token_hashes"),
        ],
    );
    facts.extend(keys(payload).runs.into_iter().map(|value| Fact { label: "Run", value }));
    let counted = [
        ("Events", "event_chain"),
        ("Model call receipts", "receipts"),
        ("Tool call receipts", "tool_receipts"),
        ("Side effect receipts", "side_effect_receipts"),
        ("Approvals as the agent reports them", "human_approval_receipts"),
        ("Delegation receipts", "delegation_receipts"),
        ("Attestations", "attestations"),
    ];
    for (label, name) in counted {
        let count = payload.get(name).and_then(Value::as_array).map(<[Value]>::len);
        facts.extend(count.map(|count| Fact { label, value: count.to_string() }));
    }
    facts
}
