//! A person's yes or no to one concrete write (FORMATS 5.4), signed by that person.

use crate::artifact::binds::Binds;
use crate::artifact::binds::{BINDS, DID, ID, NONCE, ONE, TIME, check_binds};
use crate::artifact::fact::{self, pick};
use crate::artifact::keys::{Keys, of_binds, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, object, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "approval",
    envelope_type: "approval",
    forms: &[Form::ours("approval_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Approval",
    withholdable: false,
    voice: Voice::Approver("binds.instance"),
    id_given_once: Some("approval_id"),
    ids: &["approval_id", "binds.job_id"],
    about: About::BINDS,
    summary: &[("decision", "decision"), ("action", "binds.action"), ("app", "binds.app.name")],
    bundle_array: None,
    check: |payload| check_binds(payload, true),
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys {
        agent: text(payload, "agent_did"),
        approval_id: text(payload, "approval_id"),
        ..of_binds(payload)
    },
    facts: &[
        ("Approval", "approval_id"),
        ("Decision", "decision"),
        ("Agent", "agent_did"),
        ("Expires at", "expires_at"),
    ],
    more_facts: |payload| pick(payload, fact::BINDS),
};

view! {
    /// What a person said yes or no to, and until when.
    Approval<'a> { Option<&'a str>: decision, agent = "agent_did", expires_at; Binds<'a>: binds; }
}

const PAYLOAD: Shape = object(&[
    required("approval_version", &ONE),
    required("nonce", &NONCE),
    required("approval_id", &ID),
    required("decision", &Shape::Enum(&["approve", "deny"])),
    required("binds", &BINDS),
    required("agent_did", &DID),
    required("expires_at", &TIME),
]);
