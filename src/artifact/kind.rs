//! The kinds of artifact this log takes in (FORMATS 5.1): one row each, and the
//! four questions every kind answers: which shape, which further rules, what
//! the index needs, what a reader sees.

use std::fmt;

use crate::artifact::fact::Fact;
use crate::artifact::json::Value;
use crate::artifact::keys::Keys;
use crate::artifact::shape::{Shape, ShapeError};
use crate::artifact::{
    approval, argocd_decision, argocd_observation, argocd_receipt, argocd_snapshot, audit_roots, audit_statement,
    change_record, cst_issuance, cst_revocation, delegation_receipt, envelope, gateway_receipt, human_approval_receipt,
    proof_bundle, side_effect_receipt, tool_receipt, trust_pulse, withholding, work_policy,
};

/// Every kind, in the order of FORMATS 5.1. Adding one is a file and a row here.
pub static KINDS: &[KindRow] = &[
    gateway_receipt::ROW,
    tool_receipt::ROW,
    side_effect_receipt::ROW,
    human_approval_receipt::ROW,
    delegation_receipt::ROW,
    proof_bundle::ROW,
    work_policy::ROW,
    trust_pulse::ROW,
    cst_issuance::ROW,
    cst_revocation::ROW,
    approval::ROW,
    argocd_decision::ROW,
    argocd_receipt::ROW,
    change_record::ROW,
    audit_roots::ROW,
    audit_statement::ROW,
    withholding::ROW,
    argocd_observation::ROW,
    argocd_snapshot::ROW,
];

/// Which serialisation of the payload is hashed and signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashForm {
    Compact,
    Jcs,
}

/// One version of a kind's payload, and the envelope it comes in.
#[derive(Debug)]
pub struct Form {
    pub envelope: &'static envelope::EnvelopeForm,
    /// Payload member that names the version, e.g. `receipt_version`.
    pub version_field: &'static str,
    pub version: &'static str,
    pub payload: &'static Shape,
    /// Whether the payload is defined by us and has a schema in `schemas/`.
    pub ours: bool,
    /// Whether it is only read where it was logged before, and no longer taken in.
    pub retired: bool,
}

/// Everything admission, index and pages know about a kind.
#[derive(Debug)]
pub struct KindRow {
    /// Our name, as it stands in leaves.
    pub name: &'static str,
    /// `envelope_type` of its envelopes.
    pub envelope_type: &'static str,
    pub forms: &'static [Form],
    pub hash_form: HashForm,
    /// Whether it may come without envelope and signature.
    pub unsigned: bool,
    /// What it is, in words: "Token revoked".
    pub title: &'static str,
    /// Whether the operator may ever withhold its body (FORMATS 5.1).
    pub withholdable: bool,
    /// The array of a proof bundle whose enveloped elements are of this kind.
    pub bundle_array: Option<&'static str>,
    /// Rules between members, after the shape.
    pub check: fn(&Value) -> Result<(), ShapeError>,
    pub keys: fn(&Value) -> Keys,
    pub facts: fn(&Value) -> Vec<Fact>,
}

impl KindRow {
    /// The check of a kind whose shape says everything.
    pub(crate) const NO_FURTHER_RULES: fn(&Value) -> Result<(), ShapeError> = |_| Ok(());

    /// The forms that may be logged today.
    pub fn taken_in(&self) -> impl Iterator<Item = &'static Form> + use<> {
        self.forms.iter().filter(|form| !form.retired)
    }
}

/// A known kind. Copies are cheap; equality is by name.
#[derive(Clone, Copy)]
pub struct Kind(&'static KindRow);

impl Kind {
    /// The kind called `name` in leaves and URLs.
    pub fn parse(name: &str) -> Option<Kind> {
        KINDS.iter().find(|row| row.name == name).map(Kind)
    }

    /// The kind whose envelopes say `envelope_type`.
    pub(crate) fn of_envelope(envelope_type: &str) -> Option<Kind> {
        KINDS.iter().find(|row| row.envelope_type == envelope_type).map(Kind)
    }

    /// Every kind, in table order.
    pub fn all() -> impl Iterator<Item = Kind> {
        KINDS.iter().map(Kind)
    }

    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What it is, in words.
    pub fn title(self) -> &'static str {
        self.0.title
    }

    pub fn row(self) -> &'static KindRow {
        self.0
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Kind {}

impl std::hash::Hash for Kind {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.name())
    }
}
