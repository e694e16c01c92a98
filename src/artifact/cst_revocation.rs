//! The end of a token, and the policy it ran under (FORMATS 5.4).

use crate::artifact::binds::{DID, FREE_TEXT, HEX64, NONCE, ONE, POLICY_HASH, TIME};
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, object, optional, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "cst_revocation",
    envelope_type: "cst_revocation",
    forms: &[Form::ours("cst_revocation_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Token revoked",
    withholdable: false,
    voice: Voice::Listed("cst_revokers"),
    id_given_once: None,
    ids: &[],
    about: About::NOTHING,
    summary: &[("reason", "reason")],
    bundle_array: None,
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys {
        token_hash: text(payload, "token_hash"),
        policy_hash: text(payload, "policy_hash_b64u"),
        ..Keys::default()
    },
    facts: &[
        ("Token hash", "token_hash"),
        ("Revoked at", "revoked_at"),
        ("Reason", "reason"),
        ("Revoked by", "revoked_by"),
        ("Policy hash", "policy_hash_b64u"),
        ("Argo CD token revoked too", "argocd_token_revoked"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// Which token ended.
    CstRevocation<'a> { Option<&'a str>: token_hash; }
}

const PAYLOAD: Shape = object(&[
    required("cst_revocation_version", &ONE),
    required("nonce", &NONCE),
    required("token_hash", &HEX64),
    required("revoked_at", &TIME),
    required("reason", &FREE_TEXT),
    required("policy_hash_b64u", &POLICY_HASH),
    optional("revoked_by", &DID),
    optional("argocd_token_revoked", &Shape::Bool),
]);
