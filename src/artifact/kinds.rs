//! The table of kinds: each row, and the view of what such a payload says,
//! stand in the kind's own file.

use crate::artifact::keys::Keys;
use crate::artifact::kind::{Kind, KindRow, Voice};
use crate::artifact::node::Node;
#[cfg(test)]
use crate::artifact::view::Member;
use crate::artifact::view::View;

/// Every row, in the order of [`Kind::ALL`].
pub static KINDS: [&KindRow; Kind::ALL.len()] = {
    let (mut rows, mut at) = ([Kind::ALL[0].row(); Kind::ALL.len()], 0);
    while at < rows.len() {
        rows[at] = Kind::ALL[at].row();
        at += 1;
    }
    rows
};

/// Finds row and view of each kind in its file; a kind without one does not
/// compile.
macro_rules! kinds {
    ($($Kind:ident: $file:ident,)*) => {
        $(pub(crate) use crate::artifact::$file::$Kind;)*

        impl Kind {
            /// Everything that admission, index and pages know about it.
            #[must_use]
            pub const fn row(self) -> &'static KindRow {
                match self {
                    $(Kind::$Kind => &crate::artifact::$file::ROW,)*
                }
            }
        }

        /// What a statement says, as its kind has it.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Payload<'a> {
            $($Kind($Kind<'a>),)*
        }

        $(impl<'a> From<$Kind<'a>> for Payload<'a> {
            fn from(view: $Kind<'a>) -> Payload<'a> {
                Payload::$Kind(view)
            }
        }

        /// Of this kind, or given back.
        impl<'a> TryFrom<Payload<'a>> for $Kind<'a> {
            type Error = Payload<'a>;

            fn try_from(payload: Payload<'a>) -> Result<$Kind<'a>, Payload<'a>> {
                match payload {
                    Payload::$Kind(view) => Ok(view),
                    other => Err(other),
                }
            }
        })*

        impl<'a> Payload<'a> {
            /// `payload` must be one of this kind.
            pub(crate) fn of(kind: Kind, payload: Node<'a>) -> Payload<'a> {
                match kind {
                    $(Kind::$Kind => Payload::$Kind($Kind::of(payload)),)*
                }
            }

            pub(crate) fn kind(self) -> Kind {
                match self {
                    $(Payload::$Kind(_) => Kind::$Kind,)*
                }
            }

            /// All of it, as it was signed.
            pub(crate) fn value(self) -> Option<Node<'a>> {
                match self {
                    $(Payload::$Kind(view) => view.value(),)*
                }
            }

            #[cfg(test)]
            pub(crate) fn members(kind: Kind) -> &'static [Member] {
                match kind {
                    $(Kind::$Kind => $Kind::MEMBERS,)*
                }
            }
        }
    };
}

kinds! {
    GatewayReceipt: gateway_receipt,
    ToolReceipt: tool_receipt,
    SideEffectReceipt: side_effect_receipt,
    HumanApprovalReceipt: human_approval_receipt,
    DelegationReceipt: delegation_receipt,
    ProofBundle: proof_bundle,
    WorkPolicy: work_policy,
    TrustPulse: trust_pulse,
    CstIssuance: cst_issuance,
    CstRevocation: cst_revocation,
    Approval: approval,
    ArgocdDecision: argocd_decision,
    ArgocdReceipt: argocd_receipt,
    ChangeRecord: change_record,
    AuditRoots: audit_roots,
    AuditStatement: audit_statement,
    Withholding: withholding,
    ArgocdObservation: argocd_observation,
    ArgocdSnapshot: argocd_snapshot,
}

impl<'a> Payload<'a> {
    /// The text that a path of the kind's row leads to.
    pub(crate) fn text(self, path: &str) -> Option<&'a str> {
        self.value()?.text_at(path)
    }

    /// What the index files it under.
    pub(crate) fn keys(self) -> Keys {
        self.value().map(|payload| (self.kind().row().keys)(&payload.value())).unwrap_or_default()
    }

    /// The log that a statement of the operator names, where it names one.
    pub(crate) fn origin(self) -> Option<&'a str> {
        self.text("origin").filter(|_| self.kind().row().voice == Voice::Operator)
    }

    /// The agent that speaks of itself.
    pub(crate) fn agent(self) -> Option<&'a str> {
        match self.kind().row().voice {
            Voice::Agent(member) => self.text(member),
            Voice::Observer | Voice::Operator | Voice::Approver(_) | Voice::Wrapper | Voice::Listed(_) => None,
        }
    }

    /// The Argo CD instance that its signer must have the role for.
    pub(crate) fn instance(self) -> Option<&'a str> {
        match self.kind().row().voice {
            Voice::Approver(member) => self.text(member),
            Voice::Observer => self.text("instance"),
            Voice::Agent(_) | Voice::Operator | Voice::Wrapper | Voice::Listed(_) => None,
        }
    }

    /// The channel by which an observer saw it.
    pub(crate) fn channel(self) -> Option<&'a str> {
        self.text("channel").filter(|_| self.kind().is_observed())
    }

    /// The id that its signer gives once; `None` where there is none.
    pub(crate) fn id_given_once(self) -> Option<&'a str> {
        self.text(self.kind().row().id_given_once?)
    }
}
