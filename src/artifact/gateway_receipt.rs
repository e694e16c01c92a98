//! A model call, as the gateway in front of the model signed it (PEERS 2.2).

use crate::artifact::binding::Binding;
use crate::artifact::binding::{BINDING, PEER_B64U, PEER_METADATA, PEER_TEXT};
use crate::artifact::keys::of_binding;
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, Text, object, optional, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "gateway_receipt",
    envelope_type: "gateway_receipt",
    forms: &[Form::peers("receipt_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Model call receipt",
    withholdable: true,
    voice: Voice::Listed("gateways"),
    id_given_once: Some("receipt_id"),
    ids: &[],
    about: About::NOTHING,
    summary: &[("provider", "provider"), ("model", "model")],
    bundle_array: Some("receipts"),
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: of_binding,
    facts: &[
        ("Receipt", "receipt_id"),
        ("Gateway", "gateway_id"),
        ("Provider", "provider"),
        ("Model", "model"),
        ("Called at", "timestamp"),
        ("Tokens in", "tokens_input"),
        ("Tokens out", "tokens_output"),
        ("Latency (ms)", "latency_ms"),
        ("Run", "binding.run_id"),
        ("Event hash", "binding.event_hash_b64u"),
        ("Policy hash", "binding.policy_hash"),
        ("Grant hash", "binding.token_scope_hash_b64u"),
        ("Request hash", "request_hash_b64u"),
        ("Response hash", "response_hash_b64u"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// One model call, as its gateway saw it.
    GatewayReceipt<'a> { Option<&'a str>: provider, model, timestamp; Binding<'a>: binding; }
}

const COUNT: Shape = Shape::Number { min: None };

const PAYLOAD: Shape = object(&[
    required("receipt_version", &Shape::Text(Text::Word("1"))),
    required("receipt_id", &PEER_TEXT),
    required("gateway_id", &PEER_TEXT),
    required("provider", &PEER_TEXT),
    required("model", &PEER_TEXT),
    required("request_hash_b64u", &PEER_B64U),
    required("response_hash_b64u", &PEER_B64U),
    required("tokens_input", &COUNT),
    required("tokens_output", &COUNT),
    required("latency_ms", &COUNT),
    required("timestamp", &Shape::Text(Text::PeerTime)),
    optional("binding", &BINDING),
    optional("metadata", &PEER_METADATA),
]);
