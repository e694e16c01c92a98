//! Work handed from one agent to another (PEERS 2.7).

use crate::artifact::binding::Binding;
use crate::artifact::binding::{OPEN_BINDING, PEER_B64U, PEER_HASH_ALGORITHM, PEER_TEXT};
use crate::artifact::keys::{Keys, of_binding, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, Text, object, optional, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "delegation_receipt",
    envelope_type: "delegation_receipt",
    forms: &[Form::peers("receipt_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Delegation receipt",
    withholdable: true,
    voice: Voice::Agent("delegator_did"),
    id_given_once: Some("receipt_id"),
    ids: &[],
    about: About::NOTHING,
    summary: &[],
    bundle_array: Some("delegation_receipts"),
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys { agent: text(payload, "delegator_did"), ..of_binding(payload) },
    facts: &[
        ("Receipt", "receipt_id"),
        ("From agent", "delegator_did"),
        ("To agent", "delegate_did"),
        ("Delegated at", "delegated_at"),
        ("Completed at", "completed_at"),
        ("Run", "binding.run_id"),
        ("Task hash", "task_description_hash_b64u"),
        ("Delegate's bundle hash", "delegate_bundle_hash_b64u"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// What is read of it whether it is logged alone or in a bundle stands in
    /// [`OwnReceipt`](crate::artifact::OwnReceipt).
    DelegationReceipt<'a> { Binding<'a>: binding; }
}

const DID: Shape = Shape::Text(Text::Did);
const PEER_TIME: Shape = Shape::Text(Text::PeerTime);

const PAYLOAD: Shape = object(&[
    required("receipt_version", &Shape::Text(Text::Word("1"))),
    required("receipt_id", &PEER_TEXT),
    required("delegator_did", &DID),
    required("delegate_did", &DID),
    required("task_description_hash_b64u", &PEER_B64U),
    required("delegate_bundle_hash_b64u", &PEER_B64U),
    optional("delegation_policy", &Shape::Opaque),
    required("hash_algorithm", &PEER_HASH_ALGORITHM),
    required("delegated_at", &PEER_TIME),
    optional("completed_at", &PEER_TIME),
    optional("binding", &OPEN_BINDING),
]);
