//! A tool call, as the agent says it happened (PEERS 2.3, 2.4).

use crate::artifact::binding::Binding;
use crate::artifact::binding::{BINDING, OPEN_BINDING, PEER_B64U, PEER_HASH_ALGORITHM, PEER_TEXT, PEER_TEXT_BYTES_MAX};
use crate::artifact::envelope;
use crate::artifact::keys::of_binding;
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, Text, list, object, optional, plain, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "tool_receipt",
    envelope_type: "tool_receipt",
    forms: &[
        Form::peers("receipt_version", &PAYLOAD_V1),
        Form {
            envelope: &envelope::V2,
            version_field: "receipt_version",
            version: "2",
            payload: &PAYLOAD_V2,
            ours: false,
            retired: false,
        },
    ],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Tool call receipt",
    withholdable: true,
    voice: Voice::Agent("agent_did"),
    id_given_once: Some("receipt_id"),
    ids: &[],
    about: About::NOTHING,
    summary: &[("tool", "tool_name")],
    bundle_array: Some("tool_receipts"),
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: of_binding,
    facts: &[
        ("Receipt", "receipt_id"),
        ("Tool", "tool_name"),
        ("Tool version", "tool_version"),
        ("Result", "result_status"),
        ("Agent", "agent_did"),
        ("Called at", "timestamp"),
        ("Latency (ms)", "latency_ms"),
        ("Run", "binding.run_id"),
        ("Arguments hash", "args_hash_b64u"),
        ("Result hash", "result_hash_b64u"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// What is read of it whether it is logged alone or in a bundle stands in
    /// [`OwnReceipt`](crate::artifact::OwnReceipt).
    ToolReceipt<'a> { Binding<'a>: binding; }
}

/// Most leaves of one selective disclosure.
const DISCLOSED_LEAVES_MAX: usize = 1024;

const TOOL_VERSION: Shape = plain(0, PEER_TEXT_BYTES_MAX);
const STATUS: Shape = Shape::Enum(&["success", "error", "timeout"]);
const LATENCY: Shape = Shape::Number { min: Some(0) };
const PEER_TIME: Shape = Shape::Text(Text::PeerTime);

const PAYLOAD_V1: Shape = object(&[
    required("receipt_version", &Shape::Text(Text::Word("1"))),
    required("receipt_id", &PEER_TEXT),
    required("tool_name", &PEER_TEXT),
    optional("tool_version", &TOOL_VERSION),
    required("args_hash_b64u", &PEER_TEXT),
    required("result_hash_b64u", &PEER_TEXT),
    optional("result_status", &STATUS),
    required("hash_algorithm", &Shape::Text(Text::Word("SHA-256"))),
    required("agent_did", &PEER_TEXT),
    required("timestamp", &PEER_TIME),
    required("latency_ms", &LATENCY),
    optional("binding", &OPEN_BINDING),
]);

const PAYLOAD_V2: Shape = object(&[
    required("receipt_version", &Shape::Text(Text::Word("2"))),
    required("receipt_id", &PEER_TEXT),
    required("tool_name", &PEER_TEXT),
    optional("tool_version", &TOOL_VERSION),
    required("args_hash_b64u", &PEER_B64U),
    required("args_salt_b64u", &PEER_B64U),
    required("result_hash_b64u", &PEER_B64U),
    required("result_salt_b64u", &PEER_B64U),
    optional("args_disclosure", &DISCLOSURE),
    optional("result_disclosure", &DISCLOSURE),
    optional("result_status", &STATUS),
    required("hash_algorithm", &PEER_HASH_ALGORITHM),
    required("agent_did", &Shape::Text(Text::Did)),
    required("timestamp", &PEER_TIME),
    required("latency_ms", &LATENCY),
    optional("binding", &BINDING),
]);

/// PEERS 2.4; that it adds up is judged by verification.
const DISCLOSURE: Shape = object(&[
    required("disclosure_algorithm", &Shape::Text(Text::Word("vir_v2_typed_lexicographical"))),
    required("merkle_root_b64u", &PEER_B64U),
    required("redacted_leaf_hashes_b64u", &list(&PEER_B64U, 0, DISCLOSED_LEAVES_MAX)),
    required("disclosed_leaves", &DISCLOSED_LEAVES),
]);

const DISCLOSED_LEAVES: Shape = Shape::Map {
    name: Text::Plain { min: 0, max: PEER_TEXT_BYTES_MAX },
    of: &object(&[
        required("type", &Shape::Enum(&["string", "number", "boolean", "null", "array", "object"])),
        required("value", &Shape::Opaque),
        required("salt_b64u", &PEER_B64U),
    ]),
    max: DISCLOSED_LEAVES_MAX,
};
