//! Entries of histories that a poller found without their operations: an
//! operation that was over before it looked, and whose object is gone.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::artifact::ArgocdObservation;
use crate::audit::inserted::Inserted;
use crate::audit::observed::{has_ended, is_whole, made, makes_history};
use crate::audit::scene::{Scene, second};
use crate::audit::statement::Operation;

pub(super) struct Histories<'a> {
    /// What operations with key made in each second that an entry is of.
    seconds: HashMap<Second<'a>, Made<'a>>,
    told: HashSet<(&'a str, &'a str, i64)>,
}

/// Instance, application and second of a start.
type Second<'a> = (&'a str, (&'a str, &'a str));

/// Entries that operations with key of one second made.
#[derive(Default)]
struct Made<'a> {
    ids: BTreeSet<i64>,
    /// By whom, and how many more that no report gives an id.
    rooms: Vec<(Option<&'a str>, usize)>,
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

impl<'a> Histories<'a> {
    pub(super) fn of(scene: &Scene<'a>) -> Self {
        let entries = scene.operations.iter().filter(|(report, joined)| joined.is_empty() && is_of_history(report));
        let entries = entries.filter_map(|(report, _)| second_of(report.payload));
        let mut seconds: HashMap<_, _> = entries.map(|second| (second, Made::default())).inserted();
        if !seconds.is_empty() {
            for (at, (first, _)) in scene.operations.iter().enumerate() {
                let made = second_of(first.payload).and_then(|second| seconds.get_mut(&second));
                let reports = first.op_key().and_then(|key| scene.reported.get(key));
                if let Some((made, reports)) = made.zip(reports.filter(|reports| reports.first() == Some(&at))) {
                    made.add(scene, reports);
                }
            }
        }
        Self { seconds, told: HashSet::new() }
    }

    /// Whether this is the first word of such an operation, and none with key of
    /// its second made the entry, or may have.
    pub(super) fn is_new(&mut self, scene: &Scene<'a>, report: &Operation<'a>) -> bool {
        let says = report.payload;
        let Some(second) = second_of(says) else { return false };
        let Some(id) = says.history_id().filter(|_| is_of_history(report)) else { return false };
        let at = scene.operations.binary_search_by_key(&report.at, |(operation, _)| operation.at);
        let joins_nothing = at.is_ok_and(|at| scene.operations[at].1.is_empty());
        let (instance, (uid, _)) = second;
        joins_nothing
            && self.told.insert((instance, uid, id))
            && !self.seconds.get_mut(&second).is_some_and(|made| made.takes(id, who(says)))
    }
}

impl<'a> Made<'a> {
    /// The operation of one key: alike ones of one second share it, and each
    /// decision of theirs may have an entry of its own.
    fn add(&mut self, scene: &Scene<'a>, reports: &[usize]) {
        let of = || reports.iter().map(|at| &scene.operations[*at].0);
        let ids: BTreeSet<i64> = of().filter_map(made).inserted();
        let joined: BTreeSet<usize> = reports.iter().flat_map(|at| &scene.operations[*at].1).copied().inserted();
        // What failed, ran dry or in part enters no history, and of the latter two
        // its beginning says so.
        let is_without = !of().any(makes_history) && of().any(|report| has_ended(report) || !is_whole(report));
        let entries = joined.len().max(1) - usize::from(is_without);
        // One id of two keys is one entry: nobody can say of a second whose it is.
        let own = ids.into_iter().filter(|id| self.ids.insert(*id)).count();
        self.rooms.push((of().find_map(|report| who(report.payload)), entries.saturating_sub(own)));
    }

    /// Whether one of them made this entry, or may have: each makes no more than
    /// it can, and nobody's stand for another's.
    fn takes(&mut self, id: i64, by: Option<&str>) -> bool {
        let is_by = |who: Option<&str>| who.zip(by).is_none_or(|(who, by)| who == by);
        if self.ids.contains(&id) {
            return true;
        }
        let room = self.rooms.iter_mut().find(|(who, left)| *left > 0 && is_by(*who));
        room.map(|(_, left)| *left -= 1).is_some()
    }
}
