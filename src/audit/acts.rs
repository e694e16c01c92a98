//! What was done, refused and ended, in the log's order, by those whose word
//! counts: what a reader is told first. It moves no verdict.
//!
//! An allowed call is told with what came of it, a denied one by itself; beside
//! them what ended a token, and what a person changed. An agent's own account of
//! its run is none of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::artifact::Payload;
use crate::artifact::spelling::spelled;
use crate::audit::approvals::covering;
use crate::audit::finding::Subject;
use crate::audit::inserted::Inserted;
use crate::audit::matched::plainly;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Statement};
use crate::merkle::LeafIndex;

/// What an act is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum What {
    /// A wrapper let a call to Argo CD through.
    Allowed,
    /// A wrapper refused a call.
    Denied,
    /// A token was revoked.
    Revoked,
    /// A person froze automated sync.
    Frozen,
    /// A person ended that.
    Unfrozen,
    /// A person rotated a credential.
    CredentialRotated,
    /// A person changed something else.
    Changed,
}

/// What came of an allowed call, as far as anybody tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Came {
    /// Argo CD reports that the operation succeeded; where a call makes none,
    /// its wrapper says that it was taken.
    Done,
    /// Argo CD reports that the operation failed.
    Failed,
    /// Argo CD reports that it began, and not yet how it ended.
    Begun,
    /// Its wrapper says that Argo CD took the call.
    Accepted,
    /// Its wrapper says that Argo CD refused the call.
    Refused,
    /// Its wrapper says that the call was never sent.
    NotSent,
    /// Nobody tells.
    Unknown,
}

/// Somebody who is named by a statement that counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct By {
    /// Who signed it.
    pub did: String,
    /// Leaf index of that statement.
    pub entry: LeafIndex,
}

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Act {
    /// Leaf index of the statement that tells of it: of a call, its decision.
    pub entry: LeafIndex,
    /// What it is.
    pub what: What,
    /// Of a call: the action that was decided about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Of an allowed call: what came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came: Option<Came>,
    /// Of an allowed call, whose valid approvals cover it; else who did it.
    pub by: Vec<By>,
    /// The application by its own name, as the statement has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// Shared: the acts of one run about one application have one.
    #[serde(flatten, serialize_with = "plainly")]
    #[schemars(with = "Subject")]
    pub subject: Arc<Subject>,
}

/// Every act, in order. Linear in the scene.
pub(super) fn of(scene: &Scene<'_>) -> Vec<Act> {
    let mut acts: Vec<Act> = scene.decisions.iter().map(|of| decided(scene, of)).collect();
    for fact in &scene.facts {
        if let Some((what, app_name, subject)) = by_person(scene, fact) {
            let by = fact.signer().map(|did| By { did: did.to_string(), entry: fact.at });
            let (by, subject) = (by.into_iter().collect(), Arc::new(subject));
            acts.push(Act { entry: fact.at, what, action: None, came: None, by, app_name, subject });
        }
    }
    acts.sort_by_key(|act| act.entry);
    acts
}

fn decided(scene: &Scene<'_>, of: &Decision<'_>) -> Act {
    let binds = of.statement.payload.binds();
    let approvals = covering(scene, of).filter(|_| of.is_allow);
    let by: BTreeSet<By> = approvals
        .filter_map(|approval| Some(By { did: approval.signer()?.to_string(), entry: approval.at }))
        .inserted();
    Act {
        entry: of.statement.at,
        what: if of.is_allow { What::Allowed } else { What::Denied },
        action: binds.action().map(str::to_owned),
        came: of.is_allow.then(|| came(scene, of)),
        by: by.into_iter().collect(),
        app_name: binds.app().name().map(str::to_owned),
        subject: Arc::clone(of.subject()),
    }
}

/// What Argo CD says of the operation stands before what the wrapper says of
/// the call, and its end before its beginning.
fn came(scene: &Scene<'_>, of: &Decision<'_>) -> Came {
    let is_phase = |phases: &[&str]| {
        scene.operations_of(of).any(|report| report.payload.phase().is_some_and(|phase| phases.contains(&phase)))
    };
    let says = |is: fn(&str) -> bool| scene.receipts_of(of).any(|receipt| is(receipt.outcome));
    match () {
        () if is_phase(&["Failed", "Error"]) => Came::Failed,
        () if is_phase(&["Succeeded"]) => Came::Done,
        () if is_phase(&["Running", "Terminating"]) => Came::Begun,
        () if says(|outcome| outcome == "accepted") => {
            if of.makes_operation() {
                Came::Accepted
            } else {
                Came::Done
            }
        }
        () if says(|outcome| outcome.starts_with("refused_")) => Came::Refused,
        () if says(|outcome| outcome == "not_sent") => Came::NotSent,
        () => Came::Unknown,
    }
}

/// An end of a token, or a change by a person; of one token the first.
fn by_person(scene: &Scene<'_>, fact: &Statement<'_>) -> Option<(What, Option<String>, Subject)> {
    match fact.payload {
        Payload::CstRevocation(says) => {
            let hash = says.token_hash()?;
            let is_first = scene.revocation_of(hash).is_some_and(|(at, _)| at == fact.at);
            let of_unknown = || Subject { token: Some(hash.to_owned()), ..Subject::default() };
            let subject = scene.token(hash).map_or_else(of_unknown, |at| scene.tokens[at].subject());
            is_first.then_some((What::Revoked, None, subject))
        }
        Payload::ChangeRecord(says) => {
            let what = match says.what() {
                Some("freeze") => What::Frozen,
                Some("unfreeze") => What::Unfrozen,
                Some("rotate_credential") => What::CredentialRotated,
                _ => What::Changed,
            };
            let subject = Subject { job: spelled(says.job()).map(str::to_owned), ..Subject::default() };
            Some((what, says.app().name().map(str::to_owned), subject))
        }
        Payload::AuditRoots(_)
        | Payload::WorkPolicy(_)
        | Payload::CstIssuance(_)
        | Payload::Approval(_)
        | Payload::ArgocdDecision(_)
        | Payload::ArgocdReceipt(_)
        | Payload::ArgocdObservation(_)
        | Payload::ArgocdSnapshot(_)
        | Payload::GatewayReceipt(_)
        | Payload::ToolReceipt(_)
        | Payload::SideEffectReceipt(_)
        | Payload::HumanApprovalReceipt(_)
        | Payload::DelegationReceipt(_)
        | Payload::ProofBundle(_)
        | Payload::TrustPulse(_)
        | Payload::AuditStatement(_)
        | Payload::Withholding(_) => None,
    }
}
