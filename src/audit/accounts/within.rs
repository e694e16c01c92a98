//! What one account says of one act, member beside member: a receipt with its
//! own status and application, and the reports of one operation with each
//! other. Whoever is wrong, they cannot all be true, and that leaves it open.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::time::unix_ms;
use crate::artifact::{ArgocdObservation, Destination, Node, Nodes, View};
use crate::audit::SKEW_MS;
use crate::audit::accounts::CONTRADICTING_ACCOUNTS;
use crate::audit::finding::Findings;
use crate::audit::inserted::Inserted;
use crate::audit::observed::{are_others, in_one_spelling, makes_history, told_apart};
use crate::audit::rule::Severity;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Operation, Receipt};
use crate::merkle::LeafIndex;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for decision in &scene.decisions {
        let mut say = |entries: BTreeSet<LeafIndex>, detail: String| {
            let entries = entries.into_iter().chain([decision.statement.at]);
            findings.leave_open(&CONTRADICTING_ACCOUNTS, Severity::High, decision.subject(), entries, detail);
        };
        // What a denied call is said to have come to is a finding of its own, but for nothing.
        let is_asked = |receipt: &&Receipt<'_>| decision.is_allow || receipt.says_nothing_was_done();
        for receipt in scene.receipts_of(decision).filter(is_asked) {
            if let Some(detail) = receipt.contradiction() {
                say(BTreeSet::from([receipt.statement.at]), detail);
            }
        }
        if !decision.is_allow {
            continue;
        }
        // What was refused, or not sent, may be about anything that was met.
        for receipt in scene.receipts_of(decision).filter(|receipt| receipt.is_sure()) {
            let at = receipt.statement.at;
            if let Some(other) = other_application(scene, decision, receipt) {
                let detail = "the receipt says that Argo CD took the call, and names another application";
                say(other.into_iter().chain([at]).collect(), detail.to_owned());
            }
        }
        let keys: BTreeSet<_> = scene.operations_of(decision).filter_map(Operation::op_key).inserted();
        for key in keys {
            for (entries, what) in unlike(scene.reports_of(key)) {
                say(entries, format!("reports of one operation do not agree on {what}"));
            }
        }
    }
}

/// Whether the receipt is about another application than the decision; or than
/// the operation that it names, where the decision is about none.
fn other_application(scene: &Scene<'_>, decision: &Decision<'_>, receipt: &Receipt<'_>) -> Option<Vec<LeafIndex>> {
    let named = receipt.statement.payload.app_uid()?;
    if let Some(decided) = decision.statement.payload.binds().app().uid() {
        return (named != decided).then(Vec::new);
    }
    let reports = receipt.claims(decision).into_iter().flat_map(|key| scene.reports_of(key));
    let others: Vec<_> =
        reports.filter(|report| report.payload.app().uid() != Some(named)).map(|report| report.at).collect();
    (!others.is_empty()).then_some(others)
}

/// What reports of one key show that is one for the whole operation, and is
/// shown unlike; with where. What it came to is compared where they are of one
/// operation: those that made two entries of the history are of two.
fn unlike<'s, 'a: 's>(
    reports: impl Iterator<Item = &'s Operation<'a>>,
) -> impl Iterator<Item = (BTreeSet<LeafIndex>, &'static str)> {
    let reports: Vec<_> = reports.collect();
    let is_one = told_apart(reports.iter().copied()).operations.len() < 2;
    let texts = |member: &dyn Fn(&Operation<'a>) -> Option<&'a str>| {
        // Hardly ever do any two differ: then nothing is sorted.
        let mut shown = reports.iter().filter_map(|report| member(report));
        let first = shown.next();
        if shown.all(|other| Some(other) == first) { None } else { first_of_each(&reports, member) }
    };
    let parts = |member: &dyn Fn(&Operation<'a>) -> Option<Nodes<'a>>| {
        let mut shown = reports.iter().filter_map(|report| member(report));
        let first = shown.next();
        let written = |report: &Operation<'a>| member(report).map(|all| all.map(Node::to_jcs).collect::<String>());
        if shown.all(|other| first.as_ref() == Some(&other)) { None } else { first_of_each(&reports, &written) }
    };
    let came_to = |of: Shown<'a>| parts(&|report| revisions(report, of).filter(|_| is_one));
    let went_to = |of: fn(Destination<'a>) -> Option<&'a str>| texts(&|report| of(report.payload.destination()));
    let address = |report: &Operation<'a>| report.payload.destination().server();
    let server = texts(&address).and_then(|_| first_of_each(&reports, &|report| address(report).map(in_one_spelling)));
    let alone = |is: fn(&Operation<'a>) -> bool| {
        let found = reports.iter().find(|report| is(report));
        found.map(|report| BTreeSet::from([report.at]))
    };
    let rows = [
        ("who started it", texts(&|report| report.payload.username().filter(|name| !name.is_empty()))),
        ("its parameters", unlike_params(&reports)),
        ("its action", texts(&action)),
        ("its destination", went_to(Destination::namespace)),
        ("its destination", went_to(Destination::name)),
        ("its destination", server),
        ("the resolved revisions", came_to(ArgocdObservation::resolved)),
        ("the deployed revisions", came_to(ArgocdObservation::deployed)),
        ("the revisions, resolved and deployed", another_was_deployed(&reports, is_one)),
        ("when it ended", unlike_times(&reports).filter(|_| is_one)),
        ("whether it began before it ended", alone(ended_before_it_began)),
        ("how it ended", unlike_ends(reports.iter().copied())),
    ];
    rows.into_iter().filter_map(|(what, shown)| Some((shown?, what)))
}

/// Where each of several things was shown first; `None` where only one was.
fn first_of_each<'a, T: Ord>(
    reports: &[&Operation<'a>],
    member: &dyn Fn(&Operation<'a>) -> Option<T>,
) -> Option<BTreeSet<LeafIndex>> {
    let mut first: BTreeMap<T, LeafIndex> = BTreeMap::new();
    for report in reports {
        if let Some(shown) = member(report) {
            first.entry(shown).or_insert(report.at);
        }
    }
    (first.len() > 1).then(|| first.into_values().inserted())
}

/// Ends that one operation cannot have had: one that failed may be tried again,
/// and nothing is tried again once it succeeded.
pub(super) fn unlike_ends<'s, 'a: 's>(reports: impl Iterator<Item = &'s Operation<'a>>) -> Option<BTreeSet<LeafIndex>> {
    let ended = |report: &'s Operation<'a>| ended(report).map(|(phase, tries)| (phase, tries, report.at));
    let ends: Vec<_> = reports.filter_map(ended).collect();
    let mut lowest: BTreeMap<i64, (&str, LeafIndex)> = BTreeMap::new();
    for (phase, tries, at) in &ends {
        let (first, since) = *lowest.entry(*tries).or_insert((phase, *at));
        if first != *phase {
            return Some(BTreeSet::from([since, *at]));
        }
    }
    let done = lowest.values().find(|(phase, _)| *phase == "Succeeded")?;
    let last = lowest.values().next_back().filter(|(phase, _)| *phase != "Succeeded")?;
    Some(BTreeSet::from([done.1, last.1]))
}

/// Which revisions of a report.
type Shown<'a> = fn(ArgocdObservation<'a>) -> Nodes<'a>;

/// Revisions of an operation that succeeded as a whole.
fn revisions<'a>(report: &Operation<'a>, of: Shown<'a>) -> Option<Nodes<'a>> {
    let shown = Some(of(report.payload)).filter(|shown| !shown.is_empty())?;
    makes_history(report).then_some(shown)
}

/// What an operation deployed is what it resolved: as the report itself has
/// it, else as the first of one operation.
fn another_was_deployed(reports: &[&Operation<'_>], is_one: bool) -> Option<BTreeSet<LeafIndex>> {
    fn resolved<'a>(report: &Operation<'a>) -> Option<(Nodes<'a>, LeafIndex)> {
        Some((revisions(report, ArgocdObservation::resolved)?, report.at))
    }
    let first = reports.iter().find_map(|report| resolved(report)).filter(|_| is_one);
    reports.iter().find_map(|report| {
        let deployed = revisions(report, ArgocdObservation::deployed)?;
        let (resolved, at) = resolved(report).or_else(|| first.clone())?;
        are_others(&resolved, &deployed).then(|| BTreeSet::from([at, report.at]))
    })
}

/// When it ended, by two who both read Argo CD's clock: once, where it
/// succeeded, and once each time that it failed.
fn unlike_times(reports: &[&Operation<'_>]) -> Option<BTreeSet<LeafIndex>> {
    let mut ends: BTreeMap<(&str, i64), Vec<(i64, LeafIndex)>> = BTreeMap::new();
    for report in reports {
        let ended = report.payload.finished_at().and_then(unix_ms).zip(ended(report));
        if let Some((ms, (phase, tries))) = ended {
            let which = if phase == "Succeeded" { 0 } else { tries };
            ends.entry((phase, which)).or_default().push((ms, report.at));
        }
    }
    ends.into_values().find_map(|ends| {
        let (first, last) = (ends.iter().min()?, ends.iter().max()?);
        (last.0.saturating_sub(first.0) > SKEW_MS).then(|| BTreeSet::from([first.1, last.1]))
    })
}

/// How a report says that the operation ended, after so many tries.
fn ended<'a>(report: &Operation<'a>) -> Option<(&'a str, i64)> {
    let tries = report.payload.tries().unwrap_or(0);
    let phase = report.payload.phase().filter(|phase| matches!(*phase, "Succeeded" | "Failed" | "Error"));
    phase.map(|phase| (phase, tries))
}

/// Argo CD gives both, by one clock or by those of two of its replicas.
fn ended_before_it_began(report: &Operation<'_>) -> bool {
    let ms = |time: Option<&str>| time.and_then(unix_ms);
    let ended = ms(report.payload.started_at()).zip(ms(report.payload.finished_at()));
    ended.is_some_and(|(began, ended)| ended.saturating_add(SKEW_MS) < began)
}

/// Whoever digested the operation saw all of them: absent is the default.
fn unlike_params(reports: &[&Operation<'_>]) -> Option<BTreeSet<LeafIndex>> {
    let is_default = |params: Node<'_>| params.members().is_some_and(|mut all| all.next().is_none());
    if reports.iter().all(|report| report.payload.params().value().is_none_or(is_default)) {
        return None;
    }
    let empty = || "{}".to_owned();
    first_of_each(reports, &|report| Some(report.payload.params().value().map_or_else(empty, Node::to_jcs)))
}

fn action<'a>(report: &Operation<'a>) -> Option<&'a str> {
    let is_stated = report.payload.action_certainty() == Some("stated");
    report.payload.action().filter(|_| is_stated)
}
