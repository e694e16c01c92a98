//! Several reports and how many operations they are of.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::statement::Operation;
use crate::merkle::LeafIndex;

/// What the reports of one key show together.
#[derive(Debug, Default)]
pub(super) struct Reports {
    first: Option<LeafIndex>,
    /// The first that says it succeeded as a whole: neither dry nor partial.
    succeeded: Option<LeafIndex>,
    has_ended: bool,
    resolved: bool,
    deployed: bool,
}

impl Reports {
    pub(super) fn add(&mut self, report: &Operation<'_>) {
        self.first = self.first.or(Some(report.at));
        self.has_ended |= has_ended(report);
        self.resolved |= !report.payload.resolved().is_empty();
        self.deployed |= !report.payload.deployed().is_empty();
        if makes_history(report) {
            self.succeeded = self.succeeded.or(Some(report.at));
        }
    }

    /// What is owed and not there, and the report that ought to show it.
    pub(super) fn unseen(&self) -> impl Iterator<Item = (&'static str, LeafIndex)> {
        let rows = [
            ("end of the operation not seen", self.first.filter(|_| !self.has_ended)),
            ("resolved revision not shown", self.succeeded.filter(|_| !self.resolved)),
            ("deployed revision not shown", self.succeeded.filter(|_| !self.deployed)),
        ];
        rows.into_iter().filter_map(|(what, at)| Some((what, at?)))
    }
}

pub(in crate::audit) fn has_ended(report: &Operation<'_>) -> bool {
    matches!(report.payload.phase(), Some("Succeeded" | "Failed" | "Error"))
}

/// Whether it is of a whole application and no dry run: no other operation
/// makes an entry of the history, however it ends.
pub(in crate::audit) fn is_whole(report: &Operation<'_>) -> bool {
    let params = report.payload.params();
    params.dry_run().is_none() && params.resources().len() == 0
}

/// Whether the operation made an entry of the application's history: it
/// succeeded as a whole. What others show is the entry of one before.
pub(in crate::audit) fn makes_history(report: &Operation<'_>) -> bool {
    report.payload.phase() == Some("Succeeded") && is_whole(report)
}

/// The entry of the history that the operation made, where the report says so.
pub(in crate::audit) fn made(report: &Operation<'_>) -> Option<i64> {
    report.payload.history_id().filter(|_| makes_history(report))
}

/// The first report of each entry of the history that reports of one key show;
/// where none shows any, the first of all.
fn made_apart(reports: &[&Operation<'_>]) -> Vec<LeafIndex> {
    let id = reports.first().and_then(|report| made(report));
    if reports.iter().all(|report| made(report) == id) {
        return reports.first().map(|report| report.at).into_iter().collect();
    }
    let mut by_id: BTreeMap<Option<i64>, LeafIndex> = BTreeMap::new();
    for report in reports {
        by_id.entry(made(report)).or_insert(report.at);
    }
    // Who states no entry may speak of any of them.
    if by_id.len() > 1 {
        by_id.remove(&None);
    }
    by_id.into_values().collect()
}

/// Reports told apart.
#[derive(Debug, Default)]
pub(in crate::audit) struct Told {
    /// The first report of each operation.
    pub operations: Vec<LeafIndex>,
    /// The first report of each that may be of one of these too: alike in all
    /// but keys of version 1, which nobody can recompute.
    pub unknown: Vec<LeafIndex>,
    /// Reports of an end that nothing but their key holds together.
    pub counted_as_one: Vec<LeafIndex>,
}

/// Tells reports apart: by key, and of one key by the entries of the history
/// that they say the operation made. `n log n` in the reports.
pub(in crate::audit) fn told_apart<'s, 'a: 's>(reports: impl Iterator<Item = &'s Operation<'a>>) -> Told {
    let mut told = Told::default();
    let key = |report: &Operation<'a>| (report.op_key().is_none(), report.payload.stated_key().unwrap_or_default());
    let mut reports: Vec<_> = reports.collect();
    reports.sort_by_key(|report| key(report));
    // Those without a key that can be recomputed come last.
    let has_opaque = reports.last().is_some_and(|report| key(report).0);
    let mut starts = BTreeSet::new();
    for group in reports.chunk_by(|one, other| key(one) == key(other)) {
        let ended = || group.iter().filter(|report| has_ended(report));
        if ended().nth(1).is_some() && ended().any(|report| made(report).is_none()) {
            told.counted_as_one.extend(ended().skip(1).map(|report| report.at));
        }
        let is_opaque = group.first().is_some_and(|report| key(report).0);
        let may_be_known = is_opaque && group.iter().any(|report| starts.contains(&start(report)));
        if has_opaque {
            starts.extend(group.iter().map(|report| start(report)));
        }
        if may_be_known { &mut told.unknown } else { &mut told.operations }.extend(made_apart(group));
    }
    told
}

/// When an operation of which application started, in whole seconds.
fn start<'a>(report: &Operation<'a>) -> (Option<&'a str>, Option<&'a str>, Option<&'a str>) {
    let seconds = report.payload.started_at().and_then(|time| time.get(..19));
    (report.payload.instance(), report.payload.app().uid(), seconds)
}
