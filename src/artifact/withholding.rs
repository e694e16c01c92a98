//! The operator will not show a body any more; the entry and its proof stay
//! (FORMATS 5.4).

use crate::artifact::binds::{FREE_TEXT, HEX64, NONCE, ONE};
use crate::artifact::digest::ArtifactDigest;
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, object, required};
use crate::artifact::view::view;
use crate::artifact::{Artifact, Payload};

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
    /// No rule reads what it says; the log shows it where a body was.
    Withholding<'a> {
        Option<&'a str>: artifact_digest, reason, by;
    }
}

/// What a withholding says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithholdingSays<'a> {
    /// The artifact whose body is withheld.
    pub artifact: ArtifactDigest,
    /// Why.
    pub reason: &'a str,
    /// Whose decision it was, in the operator's words.
    pub by: &'a str,
}

/// What `artifact` says, if it is a withholding. Whether it counts is another
/// question: it does where the operator of the log signed it.
#[must_use]
pub fn withholding<'a>(artifact: &'a Artifact<'_>) -> Option<WithholdingSays<'a>> {
    let Payload::Withholding(says) = artifact.says() else { return None };
    let artifact = ArtifactDigest::from_hex(says.artifact_digest()?).ok()?;
    Some(WithholdingSays { artifact, reason: says.reason()?, by: says.by()? })
}

const PAYLOAD: Shape = object(&[
    required("withholding_version", &ONE),
    required("nonce", &NONCE),
    required("artifact_digest", &HEX64),
    required("reason", &FREE_TEXT),
    required("by", &FREE_TEXT),
]);
