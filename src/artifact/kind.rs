//! The kinds of artifact this log takes in (FORMATS 5.1) as a type, and what a
//! row says of one. The rows stand in [`kinds`](super::kinds).

use std::fmt;

use serde::{Serialize, Serializer};

use crate::artifact::envelope;
use crate::artifact::fact::Fact;
use crate::artifact::json::{Object, Value};
use crate::artifact::keys::Keys;
use crate::artifact::shape::{Shape, ShapeError};
use crate::shapes::{Name, written_as};

/// Makes the type and the list of all from one list, so that none is left out.
macro_rules! kinds {
    ($($kind:ident,)*) => {
        /// A known kind: one byte. What is known of it stands in its
        /// [row](Kind::row), or in a match that names every kind.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($kind,)*
        }

        impl Kind {
            /// Every kind, in the order of FORMATS 5.1. The search index files
            /// by the place in it: a new kind comes last.
            pub const ALL: [Kind; [$(Kind::$kind),*].len()] = [$(Kind::$kind),*];
        }
    };
}

kinds! {
    GatewayReceipt,
    ToolReceipt,
    SideEffectReceipt,
    HumanApprovalReceipt,
    DelegationReceipt,
    ProofBundle,
    WorkPolicy,
    TrustPulse,
    CstIssuance,
    CstRevocation,
    Approval,
    ArgocdDecision,
    ArgocdReceipt,
    ChangeRecord,
    AuditRoots,
    AuditStatement,
    Withholding,
    ArgocdObservation,
    ArgocdSnapshot,
}

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

impl Form {
    /// The first version of a payload that we define, in the peer's envelope.
    pub(crate) const fn ours(version_field: &'static str, payload: &'static Shape) -> Self {
        Self { ours: true, ..Self::peers(version_field, payload) }
    }

    /// The first version of a payload of the peer's, in its envelope.
    pub(crate) const fn peers(version_field: &'static str, payload: &'static Shape) -> Self {
        Self { envelope: &envelope::V1, version_field, version: "1", payload, ours: false, retired: false }
    }
}

/// Whose word a kind is, and so whose statements of it count (JUDGING 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// An agent's, of itself: the one that this member names.
    Agent(&'static str),
    /// An observer's, who passes on what an Argo CD instance says: of an
    /// instance and a channel of theirs, which its payload names.
    Observer,
    /// The log's operator's, of this log: no roots are asked.
    Operator,
    /// An approver's, on an instance of theirs: the one that this member names.
    Approver(&'static str),
    /// A wrapper's, for an agent of theirs.
    Wrapper,
    /// One of the DIDs' in this list of the roots.
    Listed(&'static str),
}

/// Where a payload names what it is about, beside agents, runs and jobs: what
/// people search for. Paths of members.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The Argo CD instance of the application.
    pub instance: Option<&'static str>,
    /// The application.
    pub app: Option<&'static str>,
    /// System and key of the change.
    pub change: Option<[&'static str; 2]>,
    /// Lists of revisions that were asked for, found or deployed.
    pub revisions: &'static [&'static str],
}

impl About {
    pub(crate) const NOTHING: Self = Self { instance: None, app: None, change: None, revisions: &[] };
    pub(crate) const BINDS: Self = Self {
        instance: Some("binds.instance"),
        app: Some("binds.app"),
        change: None,
        revisions: &["binds.revisions"],
    };
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
    pub voice: Voice,
    /// The member that holds an id which its signer gives once.
    pub id_given_once: Option<&'static str>,
    /// Members that hold ids of ours by which statements are joined. A peer's
    /// may be spelled as it likes; an odd one joins nothing there either.
    pub ids: &'static [&'static str],
    pub about: About,
    /// What one line says of it: labels, and paths to texts.
    pub summary: &'static [(&'static str, &'static str)],
    /// The array of a proof bundle whose enveloped elements are of this kind.
    pub bundle_array: Option<&'static str>,
    /// Rules between members, after the shape.
    pub check: fn(&Value) -> Result<(), ShapeError>,
    /// Sets what follows from other members, where it is absent.
    pub complete: fn(&mut Object),
    pub keys: fn(&Value) -> Keys,
    /// What a reader sees of it: labels, and paths of members.
    pub facts: &'static [(&'static str, &'static str)],
    /// What follows these, where a path does not say it.
    pub more_facts: fn(&Value) -> Vec<Fact>,
}

impl KindRow {
    /// The check of a kind whose shape says everything.
    pub(crate) const NO_FURTHER_RULES: fn(&Value) -> Result<(), ShapeError> = |_| Ok(());
    /// What follows the facts of a kind whose paths say everything.
    pub(crate) const NO_MORE_FACTS: fn(&Value) -> Vec<Fact> = |_| Vec::new();
    /// The completion of a kind of which no member follows from others.
    pub(crate) const NOTHING_FOLLOWS: fn(&mut Object) = |_| {};

    /// The forms that may be logged today.
    pub fn taken_in(&self) -> impl Iterator<Item = &'static Form> + use<> {
        self.forms.iter().filter(|form| !form.retired)
    }
}

impl Kind {
    /// The kind called `name` in leaves and URLs.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind whose envelopes say `envelope_type`.
    pub(crate) fn of_envelope(envelope_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.row().envelope_type == envelope_type)
    }

    /// Our name, as it stands in leaves.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether it reports an Argo CD instance. An unsigned one must name it.
    #[must_use]
    pub fn is_observed(self) -> bool {
        self.row().voice == Voice::Observer
    }

    /// Whether it speaks of its signer's runs only.
    pub(crate) fn is_of_agent(self) -> bool {
        matches!(self.row().voice, Voice::Agent(_))
    }

    /// What it is, in words.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().title
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

written_as! {
    Kind: Name;
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
