//! Entries of histories that a poller found without their operations: an
//! operation that was over before it looked, and whose object is gone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::artifact::ArgocdObservation;
use crate::audit::inserted::Inserted;
use crate::audit::observed::{has_ended, is_whole, made, makes_history};
use crate::audit::scene::{Scene, second};
use crate::audit::statement::Operation;
use crate::merkle::LeafIndex;

/// Entries that no operation with key of their second surely made, by the index of
/// the first word of each.
pub(super) struct Histories {
    unmade: HashMap<LeafIndex, Unmade>,
    /// First words of entries that some report of the same does not call `backfill`.
    seen_anew: HashSet<LeafIndex>,
}

/// Whether an operation with key made an entry, where no report says that one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unmade {
    Surely,
    /// One that names nobody may have, or have made another user's entry.
    Maybe,
}

/// Instance, application and second of a start.
type Second<'a> = (&'a str, (&'a str, &'a str));

/// Entries of one second that only a poller found, and those that operations with
/// key made.
#[derive(Default)]
struct Made<'a> {
    /// Those that a poller found: where, which, and whose.
    found: Vec<(LeafIndex, i64, Option<&'a str>)>,
    ids: BTreeSet<i64>,
    /// By whom, how many more that no report gives an id.
    rooms: HashMap<Option<&'a str>, usize>,
}

/// Whether nothing but the entry that it left in the history shows it.
pub(in crate::audit) fn is_of_history(report: &Operation<'_>) -> bool {
    let says = report.payload;
    says.channel() == Some("poll") && says.stated_key().is_none() && says.history_id().is_some()
}

fn second_of<'a>(says: ArgocdObservation<'a>) -> Option<Second<'a>> {
    says.instance().zip(second(says))
}

/// Who started it, where the report says it: what Argo CD started itself, nobody.
fn who<'a>(says: ArgocdObservation<'a>) -> Option<&'a str> {
    let named = says.username().filter(|name| !name.is_empty());
    named.or_else(|| (says.is_automated() == Some(true)).then_some(""))
}

impl Histories {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let mut seconds: HashMap<Second<'_>, Made<'_>> = HashMap::new();
        let mut told: HashMap<(&str, &str, i64), LeafIndex> = HashMap::new();
        let mut seen_anew = HashSet::new();
        let entries = scene.operations.iter().filter(|(report, joined)| joined.is_empty() && is_of_history(report));
        for (report, _) in entries {
            let says = report.payload;
            let Some((second, id)) = second_of(says).zip(says.history_id()) else { continue };
            let (instance, (uid, _)) = second;
            let first = *told.entry((instance, uid, id)).or_insert(report.at);
            if first == report.at {
                seconds.entry(second).or_default().found.push((report.at, id, who(says)));
            }
            if says.is_backfill() != Some(true) {
                seen_anew.insert(first);
            }
        }
        if !seconds.is_empty() {
            for (at, (first, _)) in scene.operations.iter().enumerate() {
                let made = second_of(first.payload).and_then(|second| seconds.get_mut(&second));
                let reports = first.op_key().and_then(|key| scene.reported.get(key));
                if let Some((made, reports)) = made.zip(reports.filter(|reports| reports.first() == Some(&at))) {
                    made.add(scene, reports);
                }
            }
        }
        Self { unmade: seconds.into_values().flat_map(Made::unmade).inserted(), seen_anew }
    }

    /// Whether every report of the entry whose first word this is says that it is of
    /// before its observer was there.
    pub(super) fn is_all_backfill(&self, first: &Operation<'_>) -> bool {
        !self.seen_anew.contains(&first.at)
    }

    /// Whether this is the first word of such an operation, and none with key of
    /// its second surely made the entry.
    pub(super) fn unmade(&self, report: &Operation<'_>) -> Option<Unmade> {
        self.unmade.get(&report.at).copied()
    }
}

impl<'a> Made<'a> {
    /// The operation of one key: alike ones of one second share it, and each
    /// decision of theirs may have an entry of its own.
    fn add(&mut self, scene: &Scene<'a>, reports: &[usize]) {
        let of = || reports.iter().map(|at| &scene.operations[*at].0);
        let ids: BTreeSet<i64> = of().filter_map(made).inserted();
        // What another wrapper claims lends nobody a place; who is named by none of the
        // reports may be anybody.
        let named = of().find(|report| report.payload.initiator().is_some());
        let is_its = |at: &usize| {
            let decision = &scene.decisions[*at];
            let is_by = |report| decision.agents.is_empty() || scene.is_started_by(decision, report);
            decision.is_allow && named.is_none_or(is_by)
        };
        let joined = reports.iter().flat_map(|at| &scene.operations[*at].1).copied().filter(is_its);
        let joined: BTreeSet<usize> = joined.inserted();
        // What runs dry or in part enters no history, as its parameters say, and all of
        // one key have the same; of what failed one that is alike may have gone well.
        let entries = match () {
            () if of().any(makes_history) => joined.len().max(1),
            () if of().any(|report| !is_whole(report)) => 0,
            () => joined.len().max(1) - usize::from(of().any(has_ended)),
        };
        // One id of two keys is one entry: nobody can say of a second whose it is.
        let own = ids.into_iter().filter(|id| self.ids.insert(*id)).count();
        *self.rooms.entry(of().find_map(|report| who(report.payload))).or_default() += entries.saturating_sub(own);
    }

    /// Of the entries without a report, those that nothing surely made. Each operation
    /// makes no more than it can: first the entries of its own user, by index; what
    /// names nobody then makes any that is left, and so is of them all; and an entry
    /// that names nobody is of whatever is left last, for it accuses nobody.
    fn unmade(mut self) -> Vec<(LeafIndex, Unmade)> {
        self.found.retain(|(_, id, _)| !self.ids.contains(id));
        let mut nobodys = self.rooms.remove(&None).unwrap_or(0);
        let mut left: BTreeMap<&str, Vec<LeafIndex>> = BTreeMap::new();
        let mut unnamed = Vec::new();
        for (at, _, by) in self.found {
            let Some(name) = by else {
                unnamed.push(at);
                continue;
            };
            match self.rooms.get_mut(&by) {
                Some(room) if *room > 0 => *room -= 1,
                _ => left.entry(name).or_default().push(at),
            }
        }
        let all: usize = left.values().map(Vec::len).sum();
        let mut unmade = Vec::new();
        for of_name in left.values() {
            // However much of it the others take, and however little.
            let (surely, at_most) = (nobodys.saturating_sub(all - of_name.len()), nobodys);
            let maybe = of_name.iter().take(at_most).skip(surely).map(|at| (*at, Unmade::Maybe));
            unmade.extend(maybe.chain(of_name.iter().skip(at_most).map(|at| (*at, Unmade::Surely))));
        }
        nobodys = nobodys.saturating_sub(all);
        let rest = self.rooms.values().sum::<usize>().saturating_add(nobodys);
        unmade.extend(unnamed.into_iter().skip(rest).map(|at| (at, Unmade::Surely)));
        unmade
    }
}
