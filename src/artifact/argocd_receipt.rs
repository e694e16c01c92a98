//! What came of a call to Argo CD, as the tool wrapper saw it (FORMATS 5.4).

use crate::artifact::binds::{FREE_TEXT, HEX64, NONCE, ONE, UID};
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, object, optional, required};
use crate::artifact::view::view;

pub(crate) const ROW: KindRow = KindRow {
    name: "argocd_receipt",
    envelope_type: "argocd_receipt",
    forms: &[Form::ours("argocd_receipt_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Receipt of a call to Argo CD",
    withholdable: false,
    voice: Voice::Wrapper,
    id_given_once: None,
    ids: &[],
    about: About::NOTHING,
    summary: &[("outcome", "outcome")],
    bundle_array: None,
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys {
        app_uid: text(payload, "app_uid"),
        op_key: text(payload, "op_key"),
        refers_to: text(payload, "decision_digest").into_iter().collect(),
        ..Keys::default()
    },
    facts: &[
        ("Decision", "decision_digest"),
        ("Outcome", "outcome"),
        ("HTTP status", "http_status"),
        ("gRPC code", "grpc_code"),
        ("Request digest", "request_digest"),
        ("Response digest", "response_digest"),
        ("Resource version", "resource_version"),
        ("Application uid", "app_uid"),
        ("Operation", "op_key"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// What came of a call, as its wrapper has it.
    ArgocdReceipt<'a> {
        Option<&'a str>: decision_digest, outcome, request_digest, response_digest, resource_version, app_uid,
            op_key;
        Option<i64>: http_status, grpc_code;
    }
}

const OUTCOME: Shape = Shape::Enum(&[
    "accepted",
    "refused_rbac",
    "refused_sync_window",
    "refused_precondition",
    "error_transport",
    "not_sent",
]);

const PAYLOAD: Shape = object(&[
    required("argocd_receipt_version", &ONE),
    required("nonce", &NONCE),
    required("decision_digest", &HEX64),
    required("outcome", &OUTCOME),
    required("request_digest", &HEX64),
    optional("response_digest", &HEX64),
    optional("http_status", &Shape::Integer { min: 100, max: 599 }),
    optional("grpc_code", &Shape::Integer { min: 0, max: 16 }),
    optional("resource_version", &FREE_TEXT),
    optional("app_uid", &UID),
    optional("op_key", &HEX64),
]);
