//! What a rule says of itself. Each group keeps its own rows.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::artifact::Kind;
use crate::audit::{
    accounts, agent_receipts, alone, approvals, attestation, bundles, calls, decisions, distrust, observed, policies,
    pulses, reconcile, replays, shortfall, spelled, tickets, tokens, trust,
};

/// How bad a finding is, as `audit_statement` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// Every one, the least first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The one of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }

    /// As `audit_statement` spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a finding does to the verdict of the job or run it is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Effect {
    /// Nothing: it is shown.
    Shown,
    Incomplete,
    Fails,
}

/// A row: a code and what it means in words.
#[derive(Debug)]
pub struct Rule {
    /// Stable; the registry's name where it has one.
    pub code: &'static str,
    pub title: &'static str,
    pub severity: Severity,
    pub effect: Effect,
    /// Why it matters, in one sentence.
    pub rationale: &'static str,
    pub what_to_do: &'static str,
    pub does_not_prove: &'static str,
    /// What could undo such a finding: while something missing may be that, it
    /// accuses nobody. Empty for rules that accuse nobody in any case.
    pub rests_on: &'static [&'static [Rest]],
}

/// A rule is its code: two of one code are one, and they stand in its order.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Rule {}

impl PartialOrd for Rule {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rule {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code.cmp(other.code)
    }
}

/// The code: what a member `code` holds.
impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code)
    }
}

/// One thing that a finding rests on: were it not at hand, nobody could say
/// that the finding stands.
#[derive(Clone, Copy, Debug)]
pub enum Rest {
    /// The roots in force where the statements stand that show it.
    Roles,
    /// No lower entry of these statements, that would stand in another order
    /// to each other or under other roots.
    Order,
    /// No lower entry of them at all: it is about when they were logged.
    Time,
    /// No statement of this kind stands there.
    On(Kind, Place),
    /// The agent says it against itself, whoever has which role: only whose
    /// job it was rests on others.
    OwnWord,
}

/// Where a statement would have to stand to undo a finding.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Anywhere,
    /// Below what was done.
    BeforeAct,
    /// Below the issuance of the token: the first issuance counts. Below the
    /// act, where none is known.
    BeforeToken,
    /// Anywhere, by another issuer than the token's: by its account it may be
    /// otherwise.
    Contradicting,
    /// Anywhere, where somebody else's word shows it: that of a signer whom the
    /// operator trusts no more convicts nobody.
    Withdrawing,
    /// Below the first decision of the run that is here: that names its token.
    BeforeRun,
    /// Anywhere, where no decision of the run is here.
    OfUndecidedRun,
    /// Anywhere, where no token of the run is known.
    OfLooseRun,
    /// Anywhere, for a model call that is judged by its grant alone.
    OfGrant,
    /// The same, for model calls only.
    OfCall(&'static Self),
    /// Below a decision that names an approval which does not stand below it.
    Named,
    /// Below a decision that names an approval: several may have signed the same.
    Alike,
    /// Like `Named`, where that approval would make the policy allow the act.
    Allowing,
    /// Between two uses of an approval, where the first may have come to nothing.
    Releasing,
    /// Anywhere, where every receipt that is here of an allowed call says that
    /// nothing was done.
    Undone,
    /// Below an act whose approval had to be released before.
    ReleasedBefore,
    /// Anywhere, where the bundle holds a receipt of that signer which is not known.
    Held,
    /// Anywhere, for what is found without a bundle.
    Unbundled,
    /// Anywhere, for a receipt whose decision is not known.
    Unjoined,
    /// Anywhere, where only a receipt's `op_key` joins the operation.
    Joining,
    /// The same, where the operation states a decision that is not known.
    Stating,
    /// Anywhere, where nothing but an observation tells of the operation, and
    /// others can write the application: a receipt could speak against it.
    Doubting,
    /// Anywhere, where no decision explains an operation: whoever signs one.
    Explaining,
    /// Anywhere, for an act that is its agent's, of several of one wrapper's, by
    /// nothing but what Argo CD reports or which runs are known.
    Placing,
    /// Anywhere, where an act under no known token is one of its wrapper's
    /// agents' by nothing but the job that it names; below a decision that names
    /// a token which is not known.
    Sharing,
    /// Anywhere, where nobody reports the operation that a receipt there names.
    Unseen,
    /// Anywhere, where what was revoked is another token of the run.
    Renewed,
    /// Below the issuance, where the token's policy inherits.
    Inherited,
    /// The same, where what it inherits is not all known.
    Unresolved,
}

impl Rest {
    /// What the finding rests on, for readers.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Roles => "the roots in force at its entries".to_owned(),
            Self::Order => "no lower entry of the same statements, in another order or under other roots".to_owned(),
            Self::Time => "no lower entry of the same statements".to_owned(),
            Self::On(kind, place) => format!("`{kind}` {}", place.words()),
            Self::OwnWord => "the agent's own word; what follows, for its job alone".to_owned(),
        }
    }
}

impl Place {
    fn words(self) -> String {
        let fixed = match self {
            Self::OfCall(place) => return format!("{}, for model calls", place.words()),
            Self::Anywhere => "anywhere",
            Self::BeforeAct => "below the act",
            Self::BeforeToken => "below the token's issuance",
            Self::Contradicting => "anywhere, by another issuer than the token's",
            Self::Withdrawing => {
                "anywhere, where another's word shows it: trust may have been withdrawn from who gave it"
            }
            Self::BeforeRun => "below the first known decision of the run",
            Self::OfUndecidedRun => "anywhere, where no decision of the run is known",
            Self::OfLooseRun => "anywhere, where no token of the run is known",
            Self::OfGrant => "anywhere, for model calls judged by their grant alone",
            Self::Named => "below a decision that names an approval which is not there",
            Self::Alike => "below a decision that names an approval: several may have signed it",
            Self::Allowing => {
                "below a decision that names an approval which is not there and would make the policy allow the act"
            }
            Self::Releasing => "between two uses, where the first may have come to nothing",
            Self::Undone => "anywhere, where every known receipt of an allowed call says that nothing was done",
            Self::ReleasedBefore => "below an act whose approval was used before",
            Self::Held => "anywhere, where the bundle holds an unknown receipt of that signer",
            Self::Unbundled => "anywhere, where no bundle shows it",
            Self::Unjoined => "anywhere, for receipts whose decision is not known",
            Self::Joining => "anywhere, where only an `op_key` joins the operation",
            Self::Stating => {
                "anywhere, where only an `op_key` joins an operation that states a decision which is not known"
            }
            Self::Doubting => {
                "anywhere, where an operation is known from its observation alone and anybody may have made it"
            }
            Self::Explaining => "anywhere, where nothing explains the operation",
            Self::Placing => "anywhere, where only its run or its initiator says which of a wrapper's agents acted",
            Self::Sharing => {
                "anywhere, where only the job that it names says which of a wrapper's agents acted, or a decision names a \
                 token that is not known"
            }
            Self::Unseen => "anywhere, where nobody reports the operation that a receipt names",
            Self::Renewed => "anywhere, where another token of the run was revoked",
            Self::Inherited => "below the token's issuance, where its policy inherits",
            Self::Unresolved => "below the token's issuance, where what its policy inherits is not all known",
        };
        fixed.to_owned()
    }
}

/// A rule that accuses nobody.
pub(super) const NOTHING: &[&[Rest]] = &[];
/// The word of those who have the role for it.
pub(super) const WORD: &[Rest] = &[
    Rest::Roles,
    Rest::Order,
    Rest::On(Kind::ArgocdReceipt, Place::Placing),
    Rest::On(Kind::ArgocdObservation, Place::Placing),
    Rest::On(Kind::CstIssuance, Place::Placing),
    Rest::On(Kind::ArgocdDecision, Place::Placing),
    Rest::On(Kind::ProofBundle, Place::Placing),
    Rest::On(Kind::CstIssuance, Place::Sharing),
    Rest::On(Kind::AuditRoots, Place::Withdrawing),
];
/// Which token it is about, and so whose job.
pub(super) const TOKEN: &[Rest] =
    &[Rest::On(Kind::CstIssuance, Place::BeforeToken), Rest::On(Kind::CstIssuance, Place::Contradicting)];
/// Which token its run has, or else whose job it is.
pub(super) const RUN: &[Rest] = &[
    Rest::On(Kind::ArgocdDecision, Place::BeforeRun),
    Rest::On(Kind::ProofBundle, Place::OfUndecidedRun),
    Rest::On(Kind::GatewayReceipt, Place::OfLooseRun),
];
/// Which token a model call is judged by.
pub(super) const CALL: &[Rest] = &[
    Rest::On(Kind::ArgocdDecision, Place::OfCall(&Place::BeforeRun)),
    Rest::On(Kind::ProofBundle, Place::OfCall(&Place::OfUndecidedRun)),
    Rest::On(Kind::CstIssuance, Place::OfGrant),
];
/// A renewal that a model call could have been made under, though it be logged
/// after it.
pub(super) const RENEWAL: &[Rest] = &[Rest::On(Kind::CstIssuance, Place::OfCall(&Place::Anywhere))];
/// Whose the token is whose revocation ended another.
pub(super) const CHAIN: &[Rest] =
    &[Rest::On(Kind::ArgocdDecision, Place::Renewed), Rest::On(Kind::ProofBundle, Place::Renewed)];
/// What an agent says against itself.
pub(super) const OWN: &[Rest] = &[Rest::OwnWord];
/// Which decision an operation belongs to, and whether it is anybody's.
pub(super) const JOINED: &[Rest] = &[
    Rest::On(Kind::ArgocdReceipt, Place::Joining),
    Rest::On(Kind::ArgocdObservation, Place::Joining),
    Rest::On(Kind::ArgocdDecision, Place::Stating),
    Rest::On(Kind::ArgocdReceipt, Place::Doubting),
];
/// What a policy asks together with those that it inherits.
pub(super) const LINEAGE: &[Rest] = &[Rest::On(Kind::WorkPolicy, Place::Inherited)];
/// An approval that the decision names.
pub(super) const APPROVAL: &[Rest] = &[Rest::On(Kind::Approval, Place::Named)];

/// Every rule, by group, in the order in which they are checked.
pub static RULE_GROUPS: &[&[&Rule]] = &[
    trust::RULES,
    distrust::RULES,
    tokens::RULES,
    spelled::RULES,
    policies::RULES,
    approvals::RULES,
    decisions::RULES,
    accounts::RULES,
    observed::RULES,
    reconcile::RULES,
    bundles::RULES,
    calls::RULES,
    agent_receipts::RULES,
    pulses::RULES,
    tickets::RULES,
    replays::RULES,
    attestation::RULES,
    alone::RULES,
    shortfall::RULES,
];

/// The rule with this code.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Rule> {
    RULE_GROUPS.iter().copied().flatten().copied().find(|rule| rule.code == code)
}
