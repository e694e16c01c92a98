//! Policies: a work policy contract compiled once, actions judged against it
//! (JUDGING 5, PEERS 6).
//!
//! ```text
//! payload ──Policy::compile──> Policy ──resolve──> Lineage ─┐
//! binds, receipt ──Action::from_…──────────> Action ────────┼─judge─> Judgement
//! who acts, what an approval names ────────> Context ───────┘   outcome, clause, reason
//! ```
//!
//! Default deny; a deny always wins; what is unknown refuses. Judging is pure
//! and total: whoever holds the log's bodies repeats it and gets the same
//! clause. An error of this room is a refusal too ([`PolicyError::refusal`]).
//!
//! | form | governs | clause |
//! |---|---|---|
//! | customers' (`wpc_version` v1) | actions on Argo CD | rows of `allow` and `deny` |
//! | registry, version 1 | model calls | lists of providers and of models |
//! | registry, version 2 | both | statements |
//!
//! Stricter than the peer's evaluator where that one lets things through: a
//! lineage is always resolved, to its root; a fact that a Deny asks for and
//! nobody knows counts against the action; version 1 needs provider and model,
//! each from its own list, and says nothing about tools.
//!
//! Not judged: [`Policy::not_judged`] names the clauses about other things.

#![deny(clippy::wildcard_enum_match_arm)]

use crate::artifact::digest::PayloadHash;
use crate::artifact::json::{Value, to_jcs};
use crate::artifact::shape::{Shape, ShapeError, check};
use crate::artifact::{Kind, View, WorkPolicy};
use crate::codes::Code;

mod action;
mod actions;
mod condition;
mod context;
mod customers;
mod glob;
mod judgement;
mod lineage;
mod params;
pub mod rbac;
mod registry_v1;
mod registry_v2;
mod slips;
mod statement;
mod words;

pub use self::action::{Action, App, ArgoAction, ModelCall, NAMESPACES_MAX};
pub use self::actions::{ACTIONS, ActionRow, PolicyAction};
pub use self::context::Context;
pub use self::glob::Glob;
pub use self::judgement::{ClauseRef, Judgement, Outcome, Reason};
pub use self::lineage::{ANCESTORS_MAX, Candidate, Demands, Lineage, resolve};
pub use self::params::{Parameter, Params};
pub use self::slips::slips;
pub use self::words::{Line, NOT_UNDERSTOOD, clauses_in_words};

use self::customers::Customers;
use self::judgement::Verdict;
use self::registry_v1::RegistryV1;
use self::registry_v2::RegistryV2;

/// Largest policy of the registry's forms, in compact bytes: what the registry
/// itself takes (JUDGING 5.1). It bounds the cost of all patterns together.
pub const REGISTRY_BYTES_MAX: usize = 65_536;

/// Why there is nothing to judge by, or nothing to judge. Each is a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("work policy must say wpc_version v1 or policy_version 1 or 2")]
    UnknownVersion,
    #[error("work policy is malformed at {0}")]
    Malformed(ShapeError),
    #[error("work policy has {got} bytes, more than {REGISTRY_BYTES_MAX}")]
    TooLarge { got: usize },
    #[error("action is malformed at {0}")]
    ActionMalformed(ShapeError),
    #[error("inherits: no policy {id} by this signer is logged")]
    ParentMissing { id: String },
    #[error("inherits: policy {id} is logged by another signer only")]
    ParentOfAnotherSigner { id: String },
    #[error("inherits: policy {id} is not logged before the policy that inherits it")]
    ParentLater { id: String },
    #[error("inherits: more than one policy {id} by this signer is logged before")]
    ParentAmbiguous { id: String },
    #[error("inherits: policy {id} stands above itself")]
    Cycle { id: String },
    #[error("inherits: more than {ANCESTORS_MAX} policies stand above this one")]
    TooDeep,
}

impl PolicyError {
    /// Stable code, the same as that of the refusal.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        self.reason().code()
    }

    fn reason(&self) -> Reason {
        match self {
            Self::UnknownVersion => Reason::PolicyVersionUnknown,
            Self::Malformed(_) => Reason::PolicyMalformed,
            Self::TooLarge { .. } => Reason::PolicyTooLarge,
            Self::ActionMalformed(_) => Reason::ActionMalformed,
            Self::ParentMissing { .. } => Reason::ParentMissing,
            Self::ParentOfAnotherSigner { .. } => Reason::ParentOfAnotherSigner,
            Self::ParentLater { .. } => Reason::ParentLater,
            Self::ParentAmbiguous { .. } => Reason::ParentAmbiguous,
            Self::Cycle { .. } => Reason::InheritanceCycle,
            Self::TooDeep => Reason::InheritanceTooDeep,
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Malformed(error) => error.path(),
            Self::UnknownVersion | Self::TooLarge { .. } | Self::ActionMalformed(_) => String::new(),
            Self::ParentMissing { .. }
            | Self::ParentOfAnotherSigner { .. }
            | Self::ParentLater { .. }
            | Self::ParentAmbiguous { .. }
            | Self::Cycle { .. }
            | Self::TooDeep => "inherits".to_owned(),
        }
    }

    /// The judgement this error amounts to: deny. `policy` is the hash the
    /// action was to be judged under, when it is known.
    #[must_use]
    pub fn refusal(&self, policy: Option<PayloadHash>) -> Judgement {
        Verdict::deny(self.path(), self.reason(), self.to_string()).under(policy)
    }
}

/// Which of the three forms a policy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyForm {
    /// `wpc_version` v1: Argo CD, as customers write it.
    Customers,
    /// `policy_version` 1: model calls.
    RegistryV1,
    /// `policy_version` 2: statements about anything.
    RegistryV2,
}

impl PolicyForm {
    /// What the form governs, in words.
    #[must_use]
    pub fn governs(self) -> &'static str {
        match self {
            Self::Customers => "actions on Argo CD",
            Self::RegistryV1 => "model calls",
            Self::RegistryV2 => "actions on Argo CD and model calls",
        }
    }
}

/// Whether tokens must name the policy they are issued under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinning {
    Required,
    Optional,
}

/// What a policy asks of the tokens issued under it (`token.cst`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// Longest life, `exp` less `iat`, in seconds: 1 to 86,400.
    pub max_ttl_seconds: i64,
    pub scope_hash_required: bool,
    pub pinning: Pinning,
}

/// What evidence a policy asks a run to leave (`audit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRules {
    pub require_gateway_receipts: bool,
    pub produce_proof_bundle: bool,
}

/// A policy that can judge. Made by [`Policy::compile`] only.
#[derive(Clone, Debug)]
pub struct Policy {
    hash: PayloadHash,
    policy_id: Option<String>,
    inherits: Option<String>,
    rules: Rules,
    not_judged: Vec<&'static str>,
}

#[derive(Clone, Debug)]
enum Rules {
    Customers(Customers),
    V1(RegistryV1),
    V2(RegistryV2),
}

/// Members of the registry's forms about things that no judgement here is about.
const NOT_JUDGED: &[&str] =
    &["redaction_rules", "receipt_privacy_mode", "egress_allowlist", "coverage_enforcement", "witnessed_web_policy"];

impl Policy {
    /// Compiles the payload of a work policy, checking its shape once more.
    /// Linear in the payload.
    ///
    /// # Errors
    /// Version, shape or size; each refuses every action.
    pub fn compile(payload: &Value) -> Result<Self, PolicyError> {
        let (form, shape) = form_of(payload).ok_or(PolicyError::UnknownVersion)?;
        check(shape, payload).map_err(PolicyError::Malformed)?;
        let jcs = to_jcs(payload);
        if form != PolicyForm::Customers && jcs.len() > REGISTRY_BYTES_MAX {
            return Err(PolicyError::TooLarge { got: jcs.len() });
        }
        let says = WorkPolicy::of(payload);
        let rules = match form {
            PolicyForm::Customers => Rules::Customers(Customers::compile(says)),
            PolicyForm::RegistryV1 => Rules::V1(RegistryV1::compile(says)),
            PolicyForm::RegistryV2 => Rules::V2(RegistryV2::compile(says)),
        };
        Ok(Self {
            hash: PayloadHash::of(jcs.as_bytes()),
            policy_id: says.id().map(str::to_owned),
            inherits: says.inherits().map(str::to_owned),
            rules,
            not_judged: NOT_JUDGED.iter().copied().filter(|name| payload.get(name).is_some()).collect(),
        })
    }

    /// SHA-256 of the payload's JCS: the name that tokens and decisions use.
    #[must_use]
    pub fn hash(&self) -> PayloadHash {
        self.hash
    }

    #[must_use]
    pub fn form(&self) -> PolicyForm {
        match self.rules {
            Rules::Customers(_) => PolicyForm::Customers,
            Rules::V1(_) => PolicyForm::RegistryV1,
            Rules::V2(_) => PolicyForm::RegistryV2,
        }
    }

    #[must_use]
    pub fn policy_id(&self) -> Option<&str> {
        self.policy_id.as_deref()
    }

    /// Id of the policy that must allow as well.
    #[must_use]
    pub fn inherits(&self) -> Option<&str> {
        self.inherits.as_deref()
    }

    /// `None` for the registry's forms, which say nothing about tokens.
    #[must_use]
    pub fn token_rules(&self) -> Option<TokenRules> {
        match &self.rules {
            Rules::Customers(rules) => Some(rules.token),
            Rules::V1(_) | Rules::V2(_) => None,
        }
    }

    /// `None` for the registry's forms, which say nothing about evidence.
    #[must_use]
    pub fn audit_rules(&self) -> Option<AuditRules> {
        match &self.rules {
            Rules::Customers(rules) => Some(rules.audit),
            Rules::V1(_) | Rules::V2(_) => None,
        }
    }

    /// Whether an allow row may be about an application of this name. Statements
    /// of the registry's form go by its destination too, which is not asked for
    /// here: they may be about any.
    #[must_use]
    pub fn speaks_of_app(&self, instance: &str, name: &str) -> bool {
        match &self.rules {
            Rules::Customers(rules) => rules.speaks_of_app(instance, name),
            Rules::V1(_) => false,
            Rules::V2(_) => true,
        }
    }

    /// Clauses (members of the payload) that are about neither actions on Argo
    /// CD nor model calls, so that no judgement covers them.
    #[must_use]
    pub fn not_judged(&self) -> &[&'static str] {
        &self.not_judged
    }

    /// This policy alone, whatever it inherits: [`judge`] is the one to ask.
    fn verdict(&self, action: &Action, context: &Context) -> Verdict {
        match (&self.rules, action) {
            (Rules::Customers(rules), Action::Argo(action)) => rules.judge(action, context),
            (Rules::V1(rules), Action::ModelCall(call)) => rules.judge(call),
            (Rules::V2(rules), action) => rules.judge(action, context),
            (Rules::Customers(_), Action::ModelCall(_)) | (Rules::V1(_), Action::Argo(_)) => {
                Verdict::not_governed(self.form().governs())
            }
        }
    }
}

fn form_of(payload: &Value) -> Option<(PolicyForm, &'static Shape)> {
    let form =
        Kind::WorkPolicy.row().forms.iter().find(|form| payload.text_at(form.version_field) == Some(form.version))?;
    let name = match (form.version_field, form.version) {
        ("wpc_version", "v1") => PolicyForm::Customers,
        ("policy_version", "1") => PolicyForm::RegistryV1,
        ("policy_version", "2") => PolicyForm::RegistryV2,
        _ => return None,
    };
    Some((name, form.payload))
}

/// Judges one action under a policy and everything it inherits. Every policy
/// of the lineage must allow; then parameters that no form can speak about
/// need an approval that names them. Cost: one look at each clause.
#[must_use]
pub fn judge(lineage: &Lineage<'_>, action: &Action, context: &Context) -> Judgement {
    let alone = |policy: &Policy| policy.verdict(action, context).under(Some(policy.hash));
    let mut judgement = alone(lineage.policy());
    for ancestor in lineage.ancestors() {
        if !judgement.is_allow() {
            return judgement;
        }
        let above = alone(ancestor);
        if above.outcome == Outcome::NotGoverned {
            let sentence = format!("the inherited policy governs {} only", ancestor.form().governs());
            return Verdict::deny(String::new(), Reason::AncestorSilent, sentence).under(Some(ancestor.hash));
        }
        // The clause shown is the first that asks for most.
        if !above.is_allow() || (above.requires_approval() && !judgement.requires_approval()) {
            judgement = above;
        }
    }
    match action {
        Action::Argo(action) if judgement.is_allow() => params_named(judgement, action, context),
        Action::Argo(_) | Action::ModelCall(_) => judgement,
    }
}

/// No form speaks about prune, force and their like (PEERS 7.6: RBAC cannot
/// either). An allowed action with such parameters is refused unless an
/// approval names each, and then an approval is required.
fn params_named(judgement: Judgement, action: &ArgoAction, context: &Context) -> Judgement {
    let unspoken = action.params().unspoken();
    let named = |parameter: &Parameter<'_>| context.approved_params().is_some_and(|params| params.names(parameter));
    if let Some(parameter) = unspoken.iter().find(|parameter| !named(parameter)) {
        let sentence = format!("the policy cannot speak about {parameter}, and no approval names it");
        return Verdict::deny(judgement.clause.path, Reason::ParameterNotApproved, sentence)
            .under(judgement.clause.policy);
    }
    match unspoken.first() {
        Some(parameter) if !judgement.requires_approval() => {
            let sentence = format!("{}, by an approval that names {parameter}", judgement.sentence);
            Verdict::allow(judgement.clause.path, true, sentence).under(judgement.clause.policy)
        }
        _ => judgement,
    }
}
