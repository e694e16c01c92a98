//! What a file holds, unwrapped once: every answer speaks of this document.
//!
//! ```text
//! {"envelope": …} or {"bundle": …} ─> Document ─┬ a bundle: itself
//!                                               ├ an export: the one inside
//!                                               └ an aggregate: its members, or those inside them
//! ```
//!
//! The peer takes wrappers off by the kind it is asked for; so does this. What
//! the file carries beside the document is judged by nobody, and
//! [`Document::disagreements`] says so.

use crate::artifact::json::{Object, Value};
use crate::protocol::{aggregate, bundle};

/// Where the bundle of an export stands.
const EXPORTED: &str = "artifacts.proof_bundle_envelope";
/// Where the members of an aggregate stand.
const MEMBERS: &str = "payload.artifacts.member_bundles";

/// What a document is to be verified as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    ProofBundle,
    /// Exports and aggregates are one command of the peer, which tells them
    /// apart by content; so do we.
    ExportBundle,
    AggregateBundle,
    CommitSignature,
}

impl DocumentKind {
    /// Each once.
    pub const ALL: [Self; 4] = [Self::ProofBundle, Self::ExportBundle, Self::AggregateBundle, Self::CommitSignature];

    /// The peer's name: `proof_bundle`, `export_bundle`, `aggregate_bundle`,
    /// `commit_sig`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ProofBundle => "proof_bundle",
            Self::ExportBundle => "export_bundle",
            Self::AggregateBundle => "aggregate_bundle",
            Self::CommitSignature => "commit_sig",
        }
    }

    /// The kind called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a file looks like, by its own members or those inside its wrapper;
    /// `None` when it looks like none of the four.
    #[must_use]
    pub fn of(file: &Value) -> Option<Self> {
        if file.get("bundle").is_some_and(|inner| inner.get("export_version").is_some()) {
            return Some(Self::ExportBundle);
        }
        Self::unwrapped(file.get("envelope").unwrap_or(file))
    }

    /// What a value without wrapper looks like.
    fn unwrapped(value: &Value) -> Option<Self> {
        value.as_object().and_then(Self::of_members)
    }

    fn of_members(object: &Object) -> Option<Self> {
        match object.get("envelope_type").and_then(Value::as_str) {
            Some("proof_bundle") => return Some(Self::ProofBundle),
            Some("aggregate_bundle") => return Some(Self::AggregateBundle),
            Some(_) => return None,
            None => {}
        }
        match () {
            () if object.contains("export_version") => Some(Self::ExportBundle),
            () if object.contains("bundle_version") => Some(Self::ProofBundle),
            () if object.contains("algo") && object.contains("message") => Some(Self::CommitSignature),
            () => None,
        }
    }
}

/// One document of a file.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    kind: DocumentKind,
    value: &'a Value<'a>,
    bundles: Vec<Bundle<'a>>,
    disagreements: Vec<String>,
}

impl<'a> Document<'a> {
    /// The document of a file, as which it looks; `None` when it looks like none.
    #[must_use]
    pub fn of(file: &'a Value<'a>) -> Option<Self> {
        DocumentKind::of(file).map(|kind| Document::read_as(file, kind))
    }

    /// The document of a file that somebody says is of this kind.
    #[must_use]
    pub fn read_as(file: &'a Value<'a>, kind: DocumentKind) -> Self {
        let envelope = file.get("envelope").unwrap_or(file);
        let (kind, value) = match kind {
            DocumentKind::ProofBundle => (kind, envelope),
            DocumentKind::CommitSignature => (kind, file),
            _ if aggregate::is_aggregate(envelope) => (DocumentKind::AggregateBundle, envelope),
            _ => (kind, file.get("bundle").unwrap_or(file)),
        };
        let mut document = Document { kind, value, bundles: bundles(value, kind), disagreements: Vec::new() };
        document.compare(file);
        document
    }

    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// Without its wrapper.
    #[must_use]
    pub fn value(&self) -> &'a Value<'a> {
        self.value
    }

    /// The proof bundles that the document speaks of, in order.
    #[must_use]
    pub fn bundles(&self) -> &[Bundle<'a>] {
        &self.bundles
    }

    /// The bundle that a proof, a run and a token are of; `None` when there is
    /// none, or more than one.
    #[must_use]
    pub fn subject(&self) -> Option<&Bundle<'a>> {
        match self.bundles.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Why a reader could take the file for another document, run or signer
    /// than the one that is judged, in words without any text of the file.
    #[must_use]
    pub fn disagreements(&self) -> &[String] {
        &self.disagreements
    }

    fn compare(&mut self, file: &'a Value<'a>) {
        let mut found = Vec::new();
        if !std::ptr::eq(file, self.value)
            && let Some(kind) = DocumentKind::unwrapped(file)
        {
            found.push(format!("the wrapper around the document is itself of the form of a {}", kind.name()));
        }
        if !std::ptr::eq(file, self.value) {
            self.carried(file, "the wrapper", false, &mut found);
        }
        self.carried(self.value, "the document", true, &mut found);
        if self.bundles.iter().any(|bundle| bundle.payload().get("envelope_type").is_some()) {
            found.push("what stands as the payload of a bundle is itself an envelope".to_owned());
        }
        found.sort();
        found.dedup();
        self.disagreements = found;
    }

    /// Names every document of its own that stands at any depth below `at`,
    /// which a reader could take for the one that is judged. Depth is bounded
    /// by that of what is parsed; the cost is once over all of it.
    fn carried(&self, at: &Value, place: &str, in_document: bool, found: &mut Vec<String>) {
        match at {
            Value::Object(object) => object
                .iter()
                // What the format of a document leaves open holds whatever the peer
                // likes, and nobody unwraps it; a wrapper has no such place.
                .filter(|(name, member)| holds_members(member) && (!in_document || *name != "metadata"))
                .for_each(|(_, member)| self.carried_member(member, place, in_document, found)),
            Value::Array(items) => {
                let items = items.iter().filter(|item| holds_members(item));
                items.for_each(|item| self.carried_member(item, place, in_document, found));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn carried_member(&self, member: &Value, place: &str, in_document: bool, found: &mut Vec<String>) {
        if std::ptr::eq(member, self.value) {
            return;
        }
        let kind = DocumentKind::unwrapped(member).filter(|kind| *kind != DocumentKind::CommitSignature);
        match kind.filter(|_| !self.is_own(member)) {
            Some(kind) => {
                found.push(format!("{place} carries a {} that is not the document which is judged", kind.name()));
            }
            None => self.carried(member, place, in_document, found),
        }
    }

    /// Whether a value is the document itself, one of its members, or a bundle
    /// of it or its payload.
    fn is_own(&self, value: &Value) -> bool {
        let is = |own: &Value| std::ptr::eq(own, value);
        let is_member = || self.kind == DocumentKind::AggregateBundle && aggregated(self.value).iter().any(is);
        is(self.value) || is_member() || self.bundles.iter().any(|bundle| is(bundle.value) || is(bundle.payload()))
    }
}

/// Whether something can stand below a value. Most values are scalars.
fn holds_members(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}

/// One proof bundle: in its envelope, or as nobody signed it.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    value: &'a Value<'a>,
}

impl<'a> Bundle<'a> {
    /// With its envelope, when it has one.
    #[must_use]
    pub fn value(&self) -> &'a Value<'a> {
        self.value
    }

    /// What it says.
    #[must_use]
    pub fn payload(&self) -> &'a Value<'a> {
        match bundle::is_enveloped(self.value) {
            true => self.value.get("payload").unwrap_or(self.value),
            false => self.value,
        }
    }

    /// Who is said to have signed it.
    #[must_use]
    pub fn signer(&self) -> Option<&'a str> {
        self.value.text_at("signer_did").filter(|_| bundle::is_enveloped(self.value))
    }

    /// Whose run it says it is of.
    #[must_use]
    pub fn agent(&self) -> Option<&'a str> {
        self.payload().text_at("agent_did")
    }

    /// Whether somebody else signed it than whose run it says it is of.
    #[must_use]
    pub fn is_in_anothers_name(&self) -> bool {
        self.signer().is_some_and(|signer| Some(signer) != self.agent())
    }
}

fn bundles<'a>(document: &'a Value<'a>, kind: DocumentKind) -> Vec<Bundle<'a>> {
    match kind {
        DocumentKind::ProofBundle => vec![Bundle { value: document }],
        DocumentKind::ExportBundle => exported(document).into_iter().collect(),
        DocumentKind::AggregateBundle => {
            let bundle = |member| match DocumentKind::unwrapped(member) {
                Some(DocumentKind::ExportBundle) => exported(member),
                _ => Some(Bundle { value: member }),
            };
            aggregated(document).iter().filter_map(bundle).collect()
        }
        DocumentKind::CommitSignature => Vec::new(),
    }
}

fn exported<'a>(export: &'a Value<'a>) -> Option<Bundle<'a>> {
    export.at(EXPORTED).map(|value| Bundle { value })
}

fn aggregated<'a>(aggregate: &'a Value<'a>) -> &'a [Value<'a>] {
    aggregate.at(MEMBERS).and_then(Value::as_array).unwrap_or_default()
}
