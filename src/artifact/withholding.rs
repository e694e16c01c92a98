//! The operator will not show a body any more; the entry and its proof stay
//! (FORMATS 5.4).

use crate::artifact::binds::{FREE_TEXT, HEX64, NONCE, ONE};
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, object, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "withholding",
    envelope_type: "withholding",
    forms: &[Form::ours("withholding_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Body withheld",
    withholdable: false,
    voice: Voice::Operator,
    id_given_once: None,
    ids: &[],
    about: About::NOTHING,
    summary: &[("reason", "reason")],
    bundle_array: None,
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys { refers_to: text(payload, "artifact_digest").into_iter().collect(), ..Keys::default() },
    facts: &[("Artifact", "artifact_digest"), ("Reason", "reason"), ("By", "by")],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// No rule reads what it says.
    Withholding<'a> {}
}

const PAYLOAD: Shape = object(&[
    required("withholding_version", &ONE),
    required("nonce", &NONCE),
    required("artifact_digest", &HEX64),
    required("reason", &FREE_TEXT),
    required("by", &FREE_TEXT),
]);
