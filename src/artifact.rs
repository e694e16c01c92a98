//! Artifacts: what agents, gateways, wrappers, approvers and operators sign and
//! submit, from bytes to something authentic (FORMATS 1 to 5).
//!
//! ```text
//! bytes ─ size ─ strict JSON ─ kind ─ grant ─ version ─ algorithm ─ shape ─ hash ─ key ─ signature ─ secrets ─> Artifact
//! ```
//!
//! [`admit`] and, for what is logged already, [`readmit`] are the only makers
//! of an [`Artifact`]. Admission asks whether a
//! statement is authentic, well-formed, of a known kind and within limits; it
//! never asks whether the agent behaved: a log that refuses violations hides
//! evidence. This room does no IO, reads no clock and draws no randomness.
//!
//! Not implemented: BLAKE3, DID methods other than did:key, COSE statements.

pub mod digest;
pub mod json;
pub mod receipts_root;
pub mod shape;
pub mod spelling;
pub mod time;

mod admission;
mod approval;
mod argocd_decision;
mod argocd_observation;
mod argocd_receipt;
mod argocd_snapshot;
mod audit_roots;
mod audit_statement;
mod binding;
mod binds;
mod change_record;
mod checked;
mod cst_issuance;
mod cst_revocation;
mod delegation_receipt;
mod did;
mod envelope;
mod error;
mod example;
mod expansion;
mod fact;
mod gateway_receipt;
mod grant;
mod human_approval_receipt;
mod key_cache;
mod keys;
mod kind;
mod kinds;
mod node;
mod packed;
mod proof_bundle;
mod seal;
mod secrets;
mod side_effect_receipt;
mod tool_receipt;
mod trust_pulse;
mod view;
mod vocabulary;
mod withholding;
mod work_policy;

pub use self::admission::{Admitted, Limits, Reading, admit, readmit, readmit_parsed};
pub(crate) use self::argocd_observation::ResourceCount;
pub use self::argocd_observation::op_key;
pub(crate) use self::argocd_snapshot::SnapshotRow;
pub use self::audit_roots::fits_in_log;
pub(crate) use self::audit_roots::{
    AgentRow, ApproverRow, DistrustedRow, InstanceRow, ObserverRow, Username, WrapperRow,
};
pub(crate) use self::audit_statement::ListedEntry;
pub(crate) use self::binding::Binding;
#[cfg(feature = "server")]
pub(crate) use self::binds::CHANNELS;
pub(crate) use self::binds::{AppRef, BINDS, Binds, CallParams, Destination};
pub(crate) use self::cst_issuance::Claims;
pub use self::cst_issuance::{check_claims, scope_hash_b64u};
pub use self::did::{Did, DidError};
pub use self::envelope::EnvelopeForm;
pub use self::error::AdmitError;
pub use self::example::{MARK, example, marked};
pub use self::expansion::{NotExpanded, admit_inside};
pub use self::fact::Fact;
pub use self::grant::{Grant, GrantError, SignedGrant, UnsignedGrant};
pub use self::key_cache::{KEYS_MAX, KeyCache, KnownKey, TABLES_MAX, Together, USES_BEFORE_TABLE};
pub use self::keys::Keys;
pub use self::kind::{About, Form, HashForm, Kind, KindRow, Voice};
pub use self::kinds::KINDS;
pub(crate) use self::kinds::{
    Approval, ArgocdDecision, ArgocdObservation, ArgocdReceipt, ArgocdSnapshot, AuditRoots, AuditStatement,
    ChangeRecord, CstIssuance, CstRevocation, GatewayReceipt, Payload, ProofBundle, TrustPulse, WorkPolicy,
};
pub(crate) use self::node::{Node, Nodes};
pub(crate) use self::packed::Alike;
pub use self::proof_bundle::held_statements;
pub(crate) use self::proof_bundle::{ELEMENTS_MAX, Event, HeldReceipt, OwnReceipt, PEOPLE, RECEIPT_ARRAYS, receipts};
pub use self::seal::{NotRenewable, complete, faults, renewed, seal};
pub use self::secrets::holds_token;
pub(crate) use self::trust_pulse::CountedFile;
pub(crate) use self::view::{Rows, Texts, View};
pub use self::withholding::{WithholdingSays, withholding};
pub(crate) use self::work_policy::{AllowClause, DenyClause, PolicyStatement};

use std::borrow::Cow;
use std::sync::OnceLock;

use self::digest::{ArtifactDigest, PayloadHash};
use self::json::{Value, to_compact};
use self::node::Path;
use self::packed::Packed;
use self::receipts_root::ReceiptsRoot;

/// An authentic artifact: of a known kind and shape, free of tokens, and either
/// signed by the key it names or of a kind that may come unsigned from the
/// submitter who sent it. Made by [`admit`] and [`readmit`] only. Its texts stand
/// in the bytes that it was read from.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    kind: Kind,
    said: Said<'a>,
    digest: ArtifactDigest,
    payload_hash: PayloadHash,
    signer: Option<Did>,
}

/// What it says, in one of three forms.
#[derive(Clone, Debug)]
enum Said<'a> {
    /// Its values, and its compact form where more than these are kept.
    Values(Value<'a>, Option<String>),
    /// Its values in few bytes; as a tree too once somebody asked for that.
    Packed(Packed, OnceLock<Box<Value<'static>>>),
}

impl<'a> Artifact<'a> {
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The whole artifact: the envelope, or the bare payload.
    #[must_use]
    pub fn value(&self) -> &Value<'a> {
        match &self.said {
            Said::Values(value, _) => value,
            Said::Packed(packed, tree) => tree.get_or_init(|| Box::new(packed.node().to_value().into_owned())),
        }
    }

    /// The same as rules read it: nothing is unpacked for it.
    fn node(&self) -> Node<'_> {
        match &self.said {
            Said::Values(value, _) => value.into(),
            Said::Packed(packed, _) => packed.node(),
        }
    }

    /// What the signer signed, or the whole of an unsigned artifact.
    #[must_use]
    pub fn payload(&self) -> &Value<'a> {
        match &self.signer {
            // An envelope without payload does not pass its shape.
            Some(_) => self.value().get("payload").unwrap_or(self.value()),
            None => self.value(),
        }
    }

    /// The same as rules read it.
    pub(crate) fn payload_node(&self) -> Node<'_> {
        static PAYLOAD: Path = Path::new("payload");
        let (node, is_signed) = (self.node(), self.signer.is_some());
        node.along(&PAYLOAD).filter(|_| is_signed).unwrap_or(node)
    }

    /// The payload as its kind reads it.
    pub(crate) fn says(&self) -> Payload<'_> {
        Payload::of(self.kind, self.payload_node())
    }

    /// The compact form: the bytes that are hashed, stored and served. Written
    /// anew where only the values are kept: equal values, equal bytes.
    #[must_use]
    pub fn compact(&self) -> Cow<'_, str> {
        match &self.said {
            Said::Values(_, Some(compact)) => Cow::Borrowed(compact),
            Said::Values(..) | Said::Packed(..) => Cow::Owned(to_compact(&self.node().value())),
        }
    }

    /// The compact form for the store.
    #[must_use]
    pub fn into_compact(self) -> String {
        match self.said {
            Said::Values(_, Some(compact)) => compact,
            Said::Values(..) | Said::Packed(..) => self.compact().into_owned(),
        }
    }

    /// The same with every text its own, for whoever keeps it longer than the
    /// bytes that it was read from.
    #[must_use]
    pub fn into_owned(self) -> Artifact<'static> {
        let Self { kind, said, digest, payload_hash, signer } = self;
        let said = match said {
            Said::Values(value, compact) => Said::Values(value.into_owned(), compact),
            Said::Packed(packed, tree) => Said::Packed(packed, tree),
        };
        Artifact { kind, said, digest, payload_hash, signer }
    }

    /// The same for whoever keeps many: its values alone, from which the compact
    /// form can be written again.
    #[must_use]
    pub fn into_values(self) -> Artifact<'static> {
        let owned = self.into_owned();
        match owned.said {
            Said::Values(value, _) => Artifact { said: Said::Values(value, None), ..owned },
            Said::Packed(..) => owned,
        }
    }

    /// The same in the few bytes that one of many may take.
    pub(crate) fn packed(self, alike: &mut Alike) -> Artifact<'static> {
        let packed = match &self.said {
            Said::Values(value, compact) => {
                let bytes = compact.as_ref().map_or_else(|| value.heap_bytes(), String::len);
                Packed::of(value, bytes, alike)
            }
            Said::Packed(..) => None,
        };
        match packed {
            Some(packed) => {
                let Self { kind, digest, payload_hash, signer, said: _ } = self;
                Artifact { kind, said: Said::Packed(packed, OnceLock::new()), digest, payload_hash, signer }
            }
            None => self.into_values(),
        }
    }

    /// Memory that its values take, beside what a packed one has in common with others.
    pub(crate) fn kept_bytes(&self) -> usize {
        match &self.said {
            Said::Values(value, compact) => value.heap_bytes() + compact.as_ref().map_or(0, String::len),
            Said::Packed(packed, _) => packed.own_bytes(),
        }
    }

    /// SHA-256 of the compact form.
    #[must_use]
    pub fn digest(&self) -> ArtifactDigest {
        self.digest
    }

    /// SHA-256 of the payload in the kind's hash form; equal to the digest when
    /// unsigned.
    #[must_use]
    pub fn payload_hash(&self) -> PayloadHash {
        self.payload_hash
    }

    /// The same where it stands.
    pub(crate) fn payload_hash_ref(&self) -> &PayloadHash {
        &self.payload_hash
    }

    /// Whose signature verified; `None` when unsigned.
    #[must_use]
    pub fn signer(&self) -> Option<&Did> {
        self.signer.as_ref()
    }

    /// Time the envelope gives itself, or a bare payload's own. Never signed in
    /// an envelope: shown, not believed.
    #[must_use]
    pub fn issued_at(&self) -> Option<&str> {
        self.node().text_at("issued_at")
    }

    /// Root over a bundle's receipts; absent for other kinds and empty bundles.
    #[must_use]
    pub fn receipts_root(&self) -> Option<ReceiptsRoot> {
        if self.kind == Kind::ProofBundle { ReceiptsRoot::of(self.payload()) } else { None }
    }

    /// What the index files it under.
    #[must_use]
    pub fn keys(&self) -> Keys {
        (self.kind.row().keys)(&self.payload_node().value())
    }

    /// What a reader sees of it. Untrusted, unescaped.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let (row, payload) = (self.kind.row(), self.payload_node().value());
        [fact::pick(&payload, row.facts), (row.more_facts)(&payload)].concat()
    }
}
