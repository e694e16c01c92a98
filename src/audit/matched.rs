//! How far what came of each allowed call is known, and by what its operation is
//! matched (JUDGING 4.16).
//!
//! ```text
//! decided ─ a receipt: accepted ─ Argo CD says so: reported ─ our own identity looked: seen
//! ```

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::artifact::ArgocdReceipt;
use crate::audit::finding::Subject;
use crate::audit::inserted::Inserted;
use crate::audit::observed::told_apart;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Operation};
use crate::merkle::LeafIndex;

/// Who tells of what a call did: each more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Grade {
    /// Nobody but the wrapper that allowed it.
    Decided,
    /// The wrapper, of the answer of Argo CD's API.
    Accepted,
    /// Argo CD, by its notifications or the cluster's events.
    Reported,
    /// An identity of the observer's own, which looked.
    Seen,
}

/// What ties an operation to its decision: the strongest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Tie {
    /// The version of the Application in the call's answer is that of the event
    /// of its start.
    ResourceVersion,
    /// A receipt names the operation's key.
    Receipt,
    /// The operation states the decision.
    Stated,
}

/// How certain that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Certainty {
    /// Nothing else has it.
    Exact,
    /// The operation says so, and its user is the agent's.
    Stated,
    /// It may be another's: the operation is in doubt.
    Probable,
    /// Several have it, and none is picked.
    Ambiguous,
}

/// One allowed call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Matched {
    /// Leaf indexes of its decision, its receipts, and the reports that are
    /// matched with it.
    pub entries: Vec<LeafIndex>,
    /// Who tells of what it did.
    pub grade: Grade,
    /// What ties an operation to it; absent where none is matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Tie>,
    /// How certain that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certainty: Option<Certainty>,
    /// Shared: the calls of one run about one application have one.
    #[serde(flatten, serialize_with = "plainly")]
    #[schemars(with = "Subject")]
    pub subject: Arc<Subject>,
}

pub(super) fn plainly<S: Serializer>(subject: &Arc<Subject>, to: S) -> Result<S::Ok, S::Error> {
    subject.as_ref().serialize(to)
}

/// By application uid and version.
type Versions<'a> = HashMap<(&'a str, &'a str), BTreeSet<usize>>;

/// Every allow decision, in order. Linear in the scene.
pub(super) fn of(scene: &Scene<'_>) -> Vec<Matched> {
    let versions = Started::of(scene);
    let mut subjects: BTreeSet<Arc<Subject>> = BTreeSet::new();
    let mut shared = |subject: &Arc<Subject>| {
        if let Some(known) = subjects.get(subject) {
            return Arc::clone(known);
        }
        subjects.insert(Arc::clone(subject));
        Arc::clone(subject)
    };
    let allowed = scene.decisions.iter().filter(|decision| decision.is_allow);
    allowed
        .map(|decision| {
            let events = versions.events_of(scene, decision);
            let joined: Vec<_> = scene.operations_of(decision).chain(scene.doubted_of(decision)).collect();
            let (by, certainty) = tie(scene, decision, &joined, &events).unzip();
            let receipts = scene.receipts_of(decision).map(|receipt| receipt.statement.at);
            let reports = joined.iter().map(|report| report.at).chain(events.reports.iter().copied());
            let entries: BTreeSet<_> = receipts.chain(reports).chain([decision.statement.at]).inserted();
            Matched {
                entries: entries.into_iter().collect(),
                grade: grade(scene, decision, &joined, &events),
                by,
                certainty,
                subject: shared(decision.subject()),
            }
        })
        .collect()
}

fn grade(scene: &Scene<'_>, decision: &Decision<'_>, joined: &[&Operation<'_>], events: &Events) -> Grade {
    let by = |channel: &str| joined.iter().any(|report| report.payload.channel() == Some(channel));
    match () {
        () if by("poll") => Grade::Seen,
        () if by("notify") || !events.reports.is_empty() => Grade::Reported,
        () if scene.receipts_of(decision).any(|receipt| receipt.is_sure()) => Grade::Accepted,
        () => Grade::Decided,
    }
}

/// The strongest tie, and how certain it is.
fn tie(
    scene: &Scene<'_>,
    decision: &Decision<'_>,
    joined: &[&Operation<'_>],
    events: &Events,
) -> Option<(Tie, Certainty)> {
    if !events.reports.is_empty() {
        let certainty = if events.are_shared { Certainty::Ambiguous } else { Certainty::Exact };
        return Some((Tie::ResourceVersion, certainty));
    }
    let keys: BTreeSet<_> = scene.receipts_of(decision).filter_map(|of| of.statement.payload.op_key()).inserted();
    let names = |report: &&&Operation<'_>| report.op_key().is_some_and(|key| keys.contains(key));
    let states = |report: &&&Operation<'_>| report.stated().is_some_and(|hash| decision.is_named(hash));
    let named = joined.iter().find(names).map(|report| (Tie::Receipt, Certainty::Exact, *report));
    let stated = || joined.iter().find(states).map(|report| (Tie::Stated, Certainty::Stated, *report));
    let (by, certainty, report) = named.or_else(stated)?;
    let are_several = told_apart(joined.iter().copied()).operations.len() > 1;
    Some((
        by,
        match () {
            () if are_several => Certainty::Ambiguous,
            () if scene.doubt(decision, report).is_some() => Certainty::Probable,
            () => certainty,
        },
    ))
}

/// Events of a call's start.
#[derive(Debug, Default)]
struct Events {
    reports: Vec<LeafIndex>,
    /// Whether the receipts of another decision have the same version.
    are_shared: bool,
}

/// Starts by the version of the Application that they are of, and who has it.
struct Started<'a> {
    events: Versions<'a>,
    decisions: Versions<'a>,
}

impl<'a> Started<'a> {
    fn of(scene: &Scene<'a>) -> Self {
        let (mut events, mut decisions) = (Versions::new(), Versions::new());
        for (at, (report, _)) in scene.operations.iter().enumerate() {
            let says = report.payload;
            let is_start = says.channel() == Some("k8s_event") && says.phase() == Some("Running");
            if let Some(version) = says.app().uid().zip(says.resource_version()).filter(|_| is_start) {
                events.entry(version).or_default().insert(at);
            }
        }
        for receipt in scene.receipts.iter().filter(|_| !events.is_empty()) {
            let says = receipt.statement.payload;
            let version = says.app_uid().zip(says.resource_version()).filter(|_| receipt.is_sure());
            if let Some((version, decision)) = version.zip(receipt.decision) {
                decisions.entry(version).or_default().insert(decision);
            }
        }
        Self { events, decisions }
    }

    fn events_of(&self, scene: &Scene<'a>, decision: &Decision<'a>) -> Events {
        let mut found = Events::default();
        let sure = scene.receipts_of(decision).filter(|receipt| receipt.is_sure());
        let version = |says: ArgocdReceipt<'a>| says.app_uid().zip(says.resource_version());
        let versions: BTreeSet<_> = sure.filter_map(|receipt| version(receipt.statement.payload)).inserted();
        for version in versions {
            let reports = self.events.get(&version).into_iter().flatten();
            found.reports.extend(reports.map(|at| scene.operations[*at].0.at));
            let others = self.decisions.get(&version).into_iter().flatten();
            found.are_shared |=
                others.into_iter().any(|other| scene.decisions[*other].statement.at != decision.statement.at);
        }
        found
    }
}
