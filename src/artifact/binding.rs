//! How a receipt names the run, event and grant it belongs to (PEERS 2.1, 2.3).

use crate::artifact::shape::{Field, Shape, Text, object, optional, plain};
use crate::artifact::view::{View, view};

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

view! {
    /// The run, event and grant that a receipt names.
    Binding<'a> {
        Option<&'a str>: run = "run_id", event_hash = "event_hash_b64u", policy_hash,
            scope_hash = "token_scope_hash_b64u";
    }
}

/// Names of spans, as the peers spell them: a receipt's own, then others'.
const SPANS: [&str; 6] = ["span_id", "spanId", "parent_span_id", "parentSpanId", "tool_span_id", "toolSpanId"];
const OWN_SPANS: usize = 2;

impl<'a> Binding<'a> {
    /// Spans that it names, the receipt's own first.
    pub(crate) fn spans(self) -> impl Iterator<Item = &'a str> {
        self.named(&SPANS)
    }

    /// The receipt's own span.
    pub(crate) fn own_spans(self) -> impl Iterator<Item = &'a str> {
        self.named(&SPANS[..OWN_SPANS])
    }

    fn named(self, names: &'static [&'static str]) -> impl Iterator<Item = &'a str> {
        let text = move |name: &&str| self.value()?.text_at(name).filter(|text| !text.is_empty());
        names.iter().filter_map(text)
    }
}
