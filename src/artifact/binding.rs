//! How a receipt names the run, event and grant it belongs to (PEERS 2.1, 2.3).

use crate::artifact::shape::{Field, Shape, Text, object, optional, plain};

/// Longest id, model, gateway or span name of a peer.
pub(crate) const PEER_TEXT_BYTES_MAX: usize = 1024;
/// Longest `metadata` of a peer, in compact form (PEERS 4.3).
pub(crate) const PEER_METADATA_BYTES_MAX: usize = 16_384;

pub(crate) const PEER_TEXT: Shape = plain(1, PEER_TEXT_BYTES_MAX);
pub(crate) const PEER_METADATA: Shape = Shape::OpaqueObject { bytes_max: PEER_METADATA_BYTES_MAX };
pub(crate) const PEER_B64U: Shape = Shape::Text(Text::B64u { min: 8 });
pub(crate) const PEER_HASH_ALGORITHM: Shape = Shape::Enum(&["SHA-256", "BLAKE3"]);
const ANY_TEXT: Shape = plain(0, PEER_TEXT_BYTES_MAX);
const NUMBER: Shape = Shape::Number { min: None };

/// `receipt_binding.v1`, closed. Range and phase are judged by verification.
pub(crate) const BINDING: Shape = object(&[
    optional("run_id", &PEER_TEXT),
    optional("event_hash_b64u", &PEER_B64U),
    optional("nonce", &PEER_TEXT),
    optional("policy_hash", &PEER_TEXT),
    optional("token_scope_hash_b64u", &PEER_B64U),
    optional("span_id", &PEER_TEXT),
    optional("spanId", &PEER_TEXT),
    optional("parent_span_id", &PEER_TEXT),
    optional("parentSpanId", &PEER_TEXT),
    optional("tool_span_id", &PEER_TEXT),
    optional("toolSpanId", &PEER_TEXT),
    optional("phase", &PEER_TEXT),
    optional("attribution_confidence", &NUMBER),
    optional("attributionConfidence", &NUMBER),
]);

/// The binding of v1 tool, side-effect, approval and delegation receipts: the
/// same names as plain texts, and whatever else the peer writes.
pub(crate) const OPEN_BINDING: Shape = Shape::Object { fields: OPEN_BINDING_FIELDS, open: true };

const OPEN_BINDING_FIELDS: &[Field] = &[
    optional("run_id", &ANY_TEXT),
    optional("event_hash_b64u", &ANY_TEXT),
    optional("nonce", &ANY_TEXT),
    optional("policy_hash", &ANY_TEXT),
    optional("token_scope_hash_b64u", &ANY_TEXT),
    optional("capability_id", &ANY_TEXT),
];
