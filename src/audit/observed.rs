//! Rules about operations that Argo CD reported, where they join a decision.
//! What joins nothing is coverage, never a finding, and so is what a channel
//! does not show of an operation that does.

mod address;
mod comparison;
mod reports;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::artifact::Kind;
use crate::artifact::time::unix_ms;
use crate::audit::accounts::Claims;
use crate::audit::finding::{Findings, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::reconcile::is_of_history;
use crate::audit::rule::{Effect, JOINED, NOTHING, Place, Rest, Rule, Severity, TOKEN, WORD};
use crate::audit::scene::{Scene, second};
use crate::audit::statement::{Decision, Operation, Receipt, app_name};
use crate::audit::tokens::TOKEN_REVOKED;
use crate::audit::windows::latest_of;
use crate::audit::{PICKUP_MS, RECEIPT_MS, SKEW_MS};
use crate::merkle::LeafIndex;

use self::comparison::{Comparison, Ties, compare};
use self::reports::Reports;

pub(super) use self::address::in_one_spelling;
pub(super) use self::comparison::are_others;
pub(super) use self::reports::{has_ended, is_whole, made, makes_history, told_apart};

static OBSERVED_UNLIKE_DECIDED: Rule = Rule {
    code: "OBSERVED_UNLIKE_DECIDED",
    title: "Argo CD did something else than was decided",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "The operation names this decision, or the wrapper's receipt names the operation, and its target, \
                action, parameters or revisions are others, or who started it is not the agent. Whoever saw the \
                operation saw all of its parameters, so one that is absent has its default. The audit is incomplete, \
                and the severity high, where the operation may be none of the agent's; the finding then says why.",
    what_to_do: "Compare the observation with the decision; look for a way round the wrapper's checks.",
    does_not_prove: "Who changed the request on its way.",
    rests_on: &[WORD, TOKEN, JOINED, &[Rest::On(Kind::AuditRoots, Place::Anywhere)]],
};

static CLUSTER_NOT_COMPARED: Rule = Rule {
    code: "CLUSTER_NOT_COMPARED",
    title: "One side names the cluster, the other its address",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "Argo CD knows a cluster by name and by address, and the operator's roots do not say which \
                address this name stands for.",
    what_to_do: "The operator logs roots whose row of this instance lists the cluster.",
    does_not_prove: "That the operation reached another cluster than the decided one.",
    rests_on: NOTHING,
};

static OPERATION_OUTSIDE_WINDOW: Rule = Rule {
    code: "OPERATION_OUTSIDE_WINDOW",
    title: "The operation did not start when the decision allows",
    severity: Severity::High,
    effect: Effect::Fails,
    rationale: "A decision explains an operation that starts within two minutes of it, within the clocks' tolerance.",
    what_to_do: "Find out whether the decision was kept for later, or written for an operation that ran before.",
    does_not_prove: "That the clock of the Argo CD instance is right.",
    rests_on: &[WORD, &[Rest::Time], TOKEN, JOINED, &[Rest::On(Kind::CstRevocation, Place::Anywhere)]],
};

static REPLAY_DECISION_REUSED: Rule = Rule {
    code: "REPLAY_DECISION_REUSED",
    title: "One decision, two operations",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "A decision explains one operation. Reports of one key are of one operation, unless the entries of \
                the application's history that they say it made are two; then as many decisions may claim one each. Keys of version 1 can be recomputed by \
                nobody: where only they differ, the audit is incomplete.",
    what_to_do: "Treat the second operation as undecided.",
    does_not_prove: "Which of the two was meant.",
    rests_on: &[WORD, TOKEN, JOINED, &[Rest::On(Kind::ArgocdDecision, Place::Joining)]],
};

static RAN_AFTER_REVOCATION: Rule = Rule {
    code: "RAN_AFTER_REVOCATION",
    title: "The operation was accepted before the token was revoked, and ran after it",
    severity: Severity::Medium,
    effect: Effect::Shown,
    rationale: "Argo CD carries out what it has accepted, if need be much later: a sync window holds an operation \
                back, retries and hooks prolong it. Its start is that of the acceptance, so the end tells.",
    what_to_do: "Terminate running operations of the application when a token is revoked.",
    does_not_prove: "That the agent did anything after the revocation.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[
    &OBSERVED_UNLIKE_DECIDED,
    &CLUSTER_NOT_COMPARED,
    &OPERATION_OUTSIDE_WINDOW,
    &REPLAY_DECISION_REUSED,
    &RAN_AFTER_REVOCATION,
];

/// Events of the cluster, which name no operation: one of the application and
/// second of an operation that is known by key is of that one, as long as there
/// are no more of its phase than such operations.
#[derive(Default)]
struct Events<'a> {
    /// Keys by second, once an event asks for them.
    keys: Option<HashMap<(&'a str, &'a str), HashSet<&'a str>>>,
    told: HashMap<((&'a str, &'a str), Option<&'a str>), usize>,
}

impl<'a> Events<'a> {
    fn is_of_a_keyed_one(&mut self, scene: &Scene<'a>, report: &Operation<'a>) -> bool {
        let Some(second) = second(report.payload).filter(|_| report.payload.channel() == Some("k8s_event")) else {
            return false;
        };
        let keys = self.keys.get_or_insert_with(|| keys_by_second(scene));
        let told = self.told.entry((second, report.payload.phase())).or_default();
        *told += 1;
        keys.get(&second).is_some_and(|keys| *told <= keys.len())
    }
}

fn keys_by_second<'a>(scene: &Scene<'a>) -> HashMap<(&'a str, &'a str), HashSet<&'a str>> {
    let mut keys: HashMap<_, HashSet<_>> = HashMap::new();
    for (report, _) in &scene.operations {
        if let Some((key, second)) = report.op_key().zip(second(report.payload)) {
            keys.entry(second).or_default().insert(key);
        }
    }
    keys
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let versions: HashSet<_> = scene.receipts.iter().filter_map(|receipt| version(receipt)).collect();
    let mut events = Events::default();
    for (operation, joined) in &scene.operations {
        let is_known = || versions.contains(&operation.payload.app().uid().zip(operation.payload.resource_version()));
        let is_keyless = operation.op_key().is_none() && !is_of_history(operation);
        if joined.is_empty() && is_keyless && !is_known() && !events.is_of_a_keyed_one(scene, operation) {
            findings.uncover("operation not matched yet", &about(operation), operation.at);
        }
    }
    let claims = Claims::of(scene);
    let begun = begun(scene);
    for decision in &scene.decisions {
        for operation in scene.operations_of(decision).filter(|_| decision.is_allow) {
            of_operation(scene, operation, decision, findings);
        }
        unseen(scene, decision, findings);
        reused(scene, decision, &claims, findings);
        for receipt in scene.receipts_of(decision) {
            if receipt.statement.payload.op_key().is_some_and(|key| !scene.reported.contains_key(key)) {
                let what = match version(receipt).is_some_and(|at| begun.contains(&at)) {
                    true => "operation that its receipt and the event of its start name, and no report shows",
                    false => "operation that only its receipt names",
                };
                findings.uncover(what, decision.subject(), receipt.statement.at);
            }
        }
    }
}

/// Versions at which the cluster's events show a start (4.5).
fn begun<'a>(scene: &Scene<'a>) -> HashSet<Option<(&'a str, &'a str)>> {
    let events = scene.operations.iter().map(|(report, _)| report.payload);
    let starts = events.filter(|says| says.channel() == Some("k8s_event") && says.phase() == Some("Running"));
    starts.map(|says| says.app().uid().zip(says.resource_version())).filter(Option::is_some).collect()
}

fn compared(scene: &Scene<'_>, operation: &Operation<'_>, decision: &Decision<'_>) -> Comparison {
    let then = [decision.statement.at, operation.at].map(|at| scene.roots_at(at));
    let ties = Ties { then, newest: scene.roots.last().map(|(_, roots)| roots) };
    compare(operation, decision.statement.payload.binds(), &ties)
}

/// Whether nothing of an operation is unlike what was decided.
pub(super) fn is_as_decided(scene: &Scene<'_>, operation: &Operation<'_>, decision: &Decision<'_>) -> bool {
    compared(scene, operation, decision).unlike.is_empty()
}

fn of_operation(scene: &Scene<'_>, operation: &Operation<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let (subject, entries) = (decision.subject(), [decision.statement.at, operation.at]);
    let compared = compared(scene, operation, decision);
    // Hardly ever is anything said against one.
    let doubt = || scene.doubt(decision, operation);
    let mut unlike = compared.unlike;
    let mut name_alone = None;
    // Of an agent without a row there is no username to compare with.
    let is_known_agent = decision.token.is_none_or(|at| scene.tokens[at].agent_known);
    if is_known_agent && !scene.is_started_by(decision, operation) {
        // Roots may lag behind: alone, a name that they do not know accuses nobody.
        let is_known = !unlike.is_empty() || scene.is_started_by_another(operation);
        name_alone = (!is_known).then_some(UNKNOWN_NAME);
        unlike.insert(0, "the initiator");
    }
    if !unlike.is_empty() {
        let detail = format!("{}: not as decided", unlike.join(", "));
        let moved = || is_moved_since(scene, operation, decision, &unlike).then_some(MOVED_SINCE);
        say(findings, &OBSERVED_UNLIKE_DECIDED, doubt().or(name_alone).or_else(moved), subject, &entries, detail);
    }
    if compared.unknown_cluster {
        let detail =
            "the decision and the observation name the cluster in two ways, and nothing says that both are one";
        findings.add(&CLUSTER_NOT_COMPARED, subject, entries, detail);
    }
    compared.unseen.into_iter().for_each(|what| findings.uncover(what, subject, operation.at));
    let Some(started) = operation.payload.started_at().and_then(unix_ms) else { return };
    let revoked = decision.token.and_then(|at| scene.tokens[at].revoked);
    let decided = decision.statement.ms();
    let late = |from: i64, for_ms: i64| started > from.saturating_add(for_ms).saturating_add(SKEW_MS);
    if let Some((revoked_at, _)) = revoked.filter(|(_, ms)| late(*ms, PICKUP_MS)) {
        let entries = [decision.statement.at, revoked_at, operation.at];
        let detail = "the operation started after the token was revoked".to_owned();
        say(findings, &TOKEN_REVOKED, doubt(), subject, &entries, detail);
    } else if latest_of(started) < decided.saturating_sub(SKEW_MS) || late(decided, RECEIPT_MS) {
        let detail = "it started outside the decision's window".to_owned();
        say(findings, &OPERATION_OUTSIDE_WINDOW, doubt(), subject, &entries, detail);
    } else {
        outlived(operation, decision, revoked, findings);
    }
}

/// An operation that was accepted under a token's rights, and ran when they had
/// ended. Between two tries it has an end already, and so it ran until then.
fn outlived(
    operation: &Operation<'_>,
    decision: &Decision<'_>,
    revoked: Option<(LeafIndex, i64)>,
    findings: &mut Findings,
) {
    let ended = operation.payload.finished_at().and_then(unix_ms);
    let Some((revoked_at, revoked_ms)) = revoked.filter(|(at, _)| *at > decision.statement.at) else { return };
    let until = revoked_ms.saturating_add(PICKUP_MS).saturating_add(SKEW_MS);
    if ended.is_some_and(|ended| ended > until) {
        let entries = [decision.statement.at, revoked_at, operation.at];
        let detail = "the operation went on after the token was revoked";
        findings.add(&RAN_AFTER_REVOCATION, decision.subject(), entries, detail);
    }
}

/// What an operation shows against its decision. One that may be none of the
/// agent's leaves the verdict open, and says why.
pub(super) fn say(
    findings: &mut Findings,
    rule: &'static Rule,
    doubt: Option<&'static str>,
    subject: &Subject,
    entries: &[LeafIndex],
    detail: String,
) {
    if let Some(why) = doubt {
        let detail = format!("{detail}; {why}");
        findings.leave_open(rule, Severity::High, subject, entries.iter().copied(), detail);
    } else {
        findings.add(rule, subject, entries.iter().copied(), detail);
    }
}

/// What a report takes from the application as it is when it is told, and not
/// from the operation.
const TOLD_BY_THEN: &[&str] = &["the application", "the cluster", "the namespace"];

/// Why another target does not prove that the operation had it.
const MOVED_SINCE: &str = "an earlier report of the same end has the target as decided, and a report tells the target that \
                           the application has by then";

/// Whether only what the application names is unlike, and a report below this one
/// tells the same operation's same end as decided.
fn is_moved_since(scene: &Scene<'_>, operation: &Operation<'_>, decision: &Decision<'_>, unlike: &[&str]) -> bool {
    fn end<'a>(of: &Operation<'a>) -> Option<(&'a str, &'a str, Option<&'a str>)> {
        let phase = of.payload.phase().filter(|_| has_ended(of))?;
        Some((of.op_key()?, phase, of.payload.finished_at()))
    }
    let is_told = |of: &Operation<'_>| {
        of.at < operation.at && end(of).is_some() && end(of) == end(operation) && is_as_decided(scene, of, decision)
    };
    unlike.iter().all(|what| TOLD_BY_THEN.contains(what))
        && operation.payload.app().uid() == decision.statement.payload.binds().app().uid()
        && scene.operations_of(decision).any(is_told)
}

/// Why an initiator alone does not prove that somebody else acted.
const UNKNOWN_NAME: &str = "nothing else is unlike, and the roots do not say whose that username is";

/// What no report shows of an operation although it is owed: revisions by one
/// that succeeded and was neither a dry run nor partial, an end by every one.
fn unseen(scene: &Scene<'_>, decision: &Decision<'_>, findings: &mut Findings) {
    let mut reports: BTreeMap<&str, Reports> = BTreeMap::new();
    for operation in scene.operations_of(decision) {
        if let Some(key) = operation.op_key() {
            reports.entry(key).or_default().add(operation);
        }
    }
    for reports in reports.values() {
        for (what, at) in reports.unseen() {
            findings.uncover(what, decision.subject(), at);
        }
    }
}

/// Operations that one decision would have to explain.
fn reused(scene: &Scene<'_>, decision: &Decision<'_>, claims: &Claims<'_, '_>, findings: &mut Findings) {
    let told = told_apart(scene.operations_of(decision));
    let subject = decision.subject();
    for at in told.counted_as_one {
        findings.uncover("reports of one key, counted as one operation", subject, at);
    }
    if told.operations.len() > 1 && !are_one_each(scene, decision, claims, true) {
        let doubt = |operation: &&Operation<'_>| scene.doubt(decision, operation);
        let tied = scene.operations_of(decision).filter(|operation| doubt(operation).is_none());
        let why = scene.operations_of(decision).find_map(|operation| doubt(&operation));
        let doubt = why.filter(|_| told_apart(tied).operations.len() < 2);
        let doubt = doubt.or(are_one_each(scene, decision, claims, false).then_some(CLAIMED_TOO));
        let detail = format!("{} operations name this decision", told.operations.len());
        let entries: Vec<_> = told.operations.into_iter().chain([decision.statement.at]).collect();
        say(findings, &REPLAY_DECISION_REUSED, doubt, subject, &entries, detail);
    } else if !told.unknown.is_empty() {
        let entries = told.operations.into_iter().chain(told.unknown).chain([decision.statement.at]);
        let detail = "reports whose keys nobody can recompute name this decision: nothing tells whether they are of \
                      one operation";
        findings.leave_open(&REPLAY_DECISION_REUSED, Severity::High, subject, entries, detail);
    }
}

/// Why operations of one key may be one each of several decisions.
const CLAIMED_TOO: &str = "other decisions claim operations of this key, and not each is sure of its own";

/// Whether the operations are all of one key, and other decisions claim all but
/// one of them.
fn are_one_each(scene: &Scene<'_>, decision: &Decision<'_>, claims: &Claims<'_, '_>, is_sure: bool) -> bool {
    let keys: BTreeSet<_> = scene.operations_of(decision).map(Operation::op_key).inserted();
    let [Some(key)] = keys.into_iter().collect::<Vec<_>>()[..] else { return false };
    told_apart(scene.operations_of(decision)).operations.len() <= claims.beside(scene, key, decision, is_sure) + 1
}

/// The version of the application that the answer of an accepted call shows.
fn version<'a>(receipt: &Receipt<'a>) -> Option<Option<(&'a str, &'a str)>> {
    let says = receipt.statement.payload;
    receipt.decision.filter(|_| receipt.is_sure())?;
    Some(Some(says.app_uid().zip(says.resource_version())?))
}

/// An operation that joins nothing is about its application and nobody's job.
fn about(operation: &Operation<'_>) -> Subject {
    let app = app_name(operation.payload.instance(), operation.payload.app());
    Subject { app, ..Subject::default() }
}
