//! What the tool wrapper decided before a call to Argo CD (FORMATS 5.4).

use crate::artifact::binds::Binds;
use crate::artifact::binds::{BINDS, FREE_TEXT, HEX64, ID, NONCE, ONE, POLICY_HASH, check_binds};
use crate::artifact::fact::{self, pick};
use crate::artifact::json::Value;
use crate::artifact::keys::{Keys, of_binds, text, texts};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, list, object, optional, plain, required};
use crate::artifact::view::{Texts, view};

pub(crate) const ROW: KindRow = KindRow {
    name: "argocd_decision",
    envelope_type: "argocd_decision",
    forms: &[Form::ours("argocd_decision_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Decision before a call to Argo CD",
    withholdable: false,
    voice: Voice::Wrapper,
    id_given_once: None,
    ids: &["job_id", "binds.job_id", "run_id"],
    about: About::BINDS,
    summary: &[("decision", "decision"), ("action", "binds.action"), ("app", "binds.app.name")],
    bundle_array: None,
    check: allow_names_its_grounds,
    complete: KindRow::NOTHING_FOLLOWS,
    keys,
    facts: &[
        ("Decision", "decision"),
        ("Reason", "decision_reason"),
        ("Run", "run_id"),
        ("Token hash", "cst.token_hash"),
        ("Policy hash", "policy_hash_b64u"),
        ("Approvals", "approvals"),
        ("Request digest", "request_digest"),
        ("Argo CD version", "argocd_version"),
    ],
    more_facts: |payload| pick(payload, fact::BINDS),
};

view! {
    /// What a wrapper decided, about what, and on which grounds.
    ArgocdDecision<'a> {
        Option<&'a str>: decision, request_digest, token_hash = "cst.token_hash", scope_hash = "cst.scope_hash_b64u",
            job = "job_id", run = "run_id", policy_hash = "policy_hash_b64u";
        Binds<'a>: binds;
        Texts<'a>: approvals;
    }
}

/// Approvals that one decision names.
const APPROVALS_MAX: usize = 16;

const PAYLOAD: Shape = object(&[
    required("argocd_decision_version", &ONE),
    required("nonce", &NONCE),
    required("decision", &Shape::Enum(&["allow", "deny"])),
    required("decision_reason", &FREE_TEXT),
    required("binds", &BINDS),
    required("request_digest", &HEX64),
    optional("cst", &CST),
    optional("job_id", &ID),
    optional("run_id", &ID),
    optional("policy_hash_b64u", &POLICY_HASH),
    optional("approvals", &list(&HEX64, 0, APPROVALS_MAX)),
    optional("argocd_version", &plain(1, 64)),
    optional("rbac_flags", &RBAC_FLAGS),
]);

const CST: Shape = object(&[required("token_hash", &HEX64), required("scope_hash_b64u", &Shape::Text(Text::B64u43))]);

/// Server settings that change what RBAC means (PEERS 7.9).
const RBAC_FLAGS: Shape =
    object(&[optional("rollback_enforce", &Shape::Bool), optional("require_override", &Shape::Bool)]);

/// Required for allow, optional for deny.
const GROUNDS: [&str; 4] = ["cst", "job_id", "run_id", "policy_hash_b64u"];

fn allow_names_its_grounds(payload: &Value) -> Result<(), ShapeError> {
    let allow = payload.text_at("decision") == Some("allow");
    if allow && let Some(name) = GROUNDS.iter().find(|name| payload.get(name).is_none()) {
        return Err(ShapeError::at(name, Broken::MissingField, "is required when decision is allow"));
    }
    check_binds(payload, allow)
}

fn keys(payload: &Value) -> Keys {
    let of_binds = of_binds(payload);
    Keys {
        runs: text(payload, "run_id").into_iter().collect(),
        job: text(payload, "job_id").or(of_binds.job),
        token_hash: text(payload, "cst.token_hash"),
        scope_hash: text(payload, "cst.scope_hash_b64u"),
        policy_hash: text(payload, "policy_hash_b64u"),
        refers_to: texts(payload, "approvals"),
        ..of_binds
    }
}
