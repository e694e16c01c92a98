//! A write outside the agent's sandbox, as the agent says it happened: the
//! standalone shape (PEERS 2.5).

use crate::artifact::binding::Binding;
use crate::artifact::binding::{OPEN_BINDING, PEER_B64U, PEER_TEXT};
use crate::artifact::keys::of_binding;
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, Text, object, optional, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "side_effect_receipt",
    envelope_type: "side_effect_receipt",
    forms: &[Form::peers("receipt_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Side effect receipt",
    withholdable: true,
    voice: Voice::Agent("agent_did"),
    id_given_once: Some("receipt_id"),
    ids: &[],
    about: About::NOTHING,
    summary: &[],
    bundle_array: Some("side_effect_receipts"),
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: of_binding,
    facts: &[
        ("Receipt", "receipt_id"),
        ("Effect", "effect_class"),
        ("Vendor", "vendor_id"),
        ("Response", "response_status"),
        ("Agent", "agent_did"),
        ("At", "timestamp"),
        ("Bytes written", "bytes_written"),
        ("Run", "binding.run_id"),
        ("Target hash", "target_hash_b64u"),
        ("Request hash", "request_hash_b64u"),
        ("Response hash", "response_hash_b64u"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// What is read of it whether it is logged alone or in a bundle stands in
    /// [`OwnReceipt`](crate::artifact::OwnReceipt).
    SideEffectReceipt<'a> { Binding<'a>: binding; }
}

const NOT_NEGATIVE: Shape = Shape::Number { min: Some(0) };

const PAYLOAD: Shape = object(&[
    required("receipt_version", &Shape::Text(Text::Word("1"))),
    required("receipt_id", &PEER_TEXT),
    required("effect_class", &Shape::Enum(&["network_egress", "filesystem_write", "external_api_write"])),
    required("target_hash_b64u", &PEER_B64U),
    optional("vendor_id", &PEER_TEXT),
    required("request_hash_b64u", &PEER_B64U),
    required("response_hash_b64u", &PEER_B64U),
    optional("response_status", &Shape::Enum(&["success", "error", "timeout", "denied"])),
    required("hash_algorithm", &Shape::Text(Text::Word("SHA-256"))),
    required("agent_did", &Shape::Text(Text::Did)),
    required("timestamp", &Shape::Text(Text::PeerTime)),
    required("latency_ms", &NOT_NEGATIVE),
    optional("bytes_written", &NOT_NEGATIVE),
    optional("binding", &OPEN_BINDING),
]);
