//! A change that a person made during an incident, tied to a job and a ticket
//! (FORMATS 5.4): freezing automated sync, rotating a credential.

use crate::artifact::binds::{APP, AppRef, FREE_TEXT, ID, NONCE, ONE};
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, object, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "change_record",
    envelope_type: "change_record",
    forms: &[Form::ours("change_record_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Change by a person",
    withholdable: true,
    voice: Voice::Listed("recorders"),
    id_given_once: None,
    ids: &["job_id"],
    about: About { app: Some("app"), change: Some(["change_ref.system", "change_ref.key"]), ..About::NOTHING },
    summary: &[("change", "what"), ("app", "app.name")],
    bundle_array: None,
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys { job: text(payload, "job_id"), app_uid: text(payload, "app.uid"), ..Keys::default() },
    facts: &[
        ("Change", "what"),
        ("By", "by"),
        ("Before", "before"),
        ("After", "after"),
        ("Job", "job_id"),
        ("Ticket system", "change_ref.system"),
        ("Ticket", "change_ref.key"),
        ("Application", "app.name"),
        ("Project", "app.project"),
        ("Application namespace", "app.namespace"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// What a person changed, for which job.
    ChangeRecord<'a> {
        Option<&'a str>: job = "job_id", what, change_system = "change_ref.system", change_key = "change_ref.key";
        AppRef<'a>: app;
    }
}

const PAYLOAD: Shape = object(&[
    required("change_record_version", &ONE),
    required("nonce", &NONCE),
    required("job_id", &ID),
    required("change_ref", &object(&[required("system", &ID), required("key", &ID)])),
    required("app", &APP),
    required("what", &Shape::Enum(&["freeze", "unfreeze", "rotate_credential", "other"])),
    required("by", &FREE_TEXT),
    required("before", &FREE_TEXT),
    required("after", &FREE_TEXT),
]);
