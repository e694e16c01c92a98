//! An approval as the agent reports it: the standalone shape (PEERS 2.6).
//! Nobody but the agent vouches for it, so it satisfies no gate; the kind
//! `approval` does.

use crate::artifact::binding::Binding;
use crate::artifact::binding::{OPEN_BINDING, PEER_B64U, PEER_TEXT, PEER_TEXT_BYTES_MAX};
use crate::artifact::keys::{Keys, of_binding, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, Text, list, object, optional, plain, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "human_approval_receipt",
    envelope_type: "human_approval_receipt",
    forms: &[Form::peers("receipt_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Approval as the agent reports it",
    withholdable: true,
    voice: Voice::Agent("agent_did"),
    id_given_once: Some("receipt_id"),
    ids: &[],
    about: About::NOTHING,
    summary: &[],
    bundle_array: Some("human_approval_receipts"),
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys { policy_hash: text(payload, "policy_hash_b64u"), ..of_binding(payload) },
    facts: &[
        ("Receipt", "receipt_id"),
        ("Approval", "approval_type"),
        ("Approver, by the agent's word", "approver_subject"),
        ("Method", "approver_method"),
        ("Scope", "scope_summary"),
        ("Agent", "agent_did"),
        ("At", "timestamp"),
        ("Run", "binding.run_id"),
        ("Scope hash", "scope_hash_b64u"),
        ("Plan hash", "plan_hash_b64u"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// What is read of it whether it is logged alone or in a bundle stands in
    /// [`OwnReceipt`](crate::artifact::OwnReceipt).
    HumanApprovalReceipt<'a> { Binding<'a>: binding; }
}

/// Most pieces of evidence one approval asks for.
const EVIDENCE_MAX: usize = 64;

const PAYLOAD: Shape = object(&[
    required("receipt_version", &Shape::Text(Text::Word("1"))),
    required("receipt_id", &PEER_TEXT),
    required("approval_type", &Shape::Enum(&["explicit_approve", "explicit_deny", "auto_approve", "timeout_deny"])),
    required("approver_subject", &PEER_TEXT),
    optional("approver_method", &Shape::Enum(&["ui_click", "cli_confirm", "api_call", "policy_auto", "timeout"])),
    required("agent_did", &Shape::Text(Text::Did)),
    required("scope_hash_b64u", &PEER_B64U),
    optional("scope_summary", &plain(0, PEER_TEXT_BYTES_MAX)),
    optional("policy_hash_b64u", &PEER_B64U),
    optional("minted_capability_id", &PEER_TEXT),
    optional("minted_capability_ttl_seconds", &Shape::Number { min: Some(0) }),
    optional("plan_hash_b64u", &PEER_B64U),
    optional("evidence_required", &list(&PEER_TEXT, 0, EVIDENCE_MAX)),
    required("hash_algorithm", &Shape::Text(Text::Word("SHA-256"))),
    required("timestamp", &Shape::Text(Text::PeerTime)),
    optional("binding", &OPEN_BINDING),
]);
