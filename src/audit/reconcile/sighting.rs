//! One operation that joins nothing, and who started it.

use std::collections::{BTreeSet, HashMap};

use crate::artifact::time::unix_ms;
use crate::audit::inserted::Inserted;
use crate::audit::reconcile::histories::{Histories, Unmade};
use crate::audit::reconcile::in_time_for_word;
use crate::audit::roots::Roots;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Operation};
use crate::audit::{RECEIPT_MS, SKEW_MS};
use crate::merkle::LeafIndex;

/// Why a name in a report accuses nobody by itself.
const CLAIMED: &str = "the roots do not say that writes to the instance are closed: anybody who can write the Application \
     can write the agent's username into it";

/// The same, where it is not one agent's.
const SHARED: &str = "the roots give this username to somebody else too";

/// The same, of an entry of a history beside others of its second.
const MAYBE_MADE: &str =
    "an operation of its second that names nobody may have made this entry of the history, or another's";

/// The same, where somebody else says that it was theirs.
const OTHERS: &str = "only a decision of another agent's claims it";

/// The same, where Argo CD says that nobody started it.
const AUTOMATED: &str = "it says too that Argo CD started it by itself";

/// The same, for what cannot be placed in time.
const UNDATED: &str = "nobody can read when it started";

/// Whose name stands in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Agents,
    Person,
    ArgoCd,
    /// A name that the roots do not know.
    Unknown,
    Nobody,
}

/// An operation by its key, none of whose reports joins a decision of whom it is by.
pub(super) struct Sighting<'s, 'a> {
    /// Its first report.
    pub first: &'s Operation<'a>,
    pub who: Who,
    /// Agents whose username that is.
    pub agents: Vec<&'a str>,
    /// Whether it is a person's.
    is_person: bool,
    pub started: Option<i64>,
    /// Whether a decision of another agent's has it.
    is_claimed: bool,
    /// Whether it is an entry of a history that an operation may have made which
    /// another entry needs as well.
    pub is_maybe_anothers: bool,
    /// Whether all its reports say that it began before their observer was there.
    is_all_backfill: bool,
}

/// Agents with a username, and whether it is a person's, by the roots that say
/// so: each asked once, however many operations a user starts.
type Named<'a> = HashMap<(LeafIndex, (&'a str, &'a str)), (Vec<&'a str>, bool)>;

fn names<'a>(scene: &Scene<'a>, roots: LeafIndex, (instance, name): (&'a str, &'a str)) -> (Vec<&'a str>, bool) {
    let Some(roots) = scene.roots_at(roots) else { return (Vec::new(), false) };
    (roots.agents_named(instance, name), roots.is_person(instance, name))
}

impl<'s, 'a> Sighting<'s, 'a> {
    /// Every one, in the order of first reports. Linear in the operations.
    pub(super) fn all(scene: &'s Scene<'a>) -> impl Iterator<Item = Self> {
        let mut named = Named::new();
        let histories = Histories::of(scene);
        scene.operations.iter().enumerate().filter_map(move |(at, (first, _))| {
            let Some(key) = first.op_key() else {
                let unmade = histories.unmade(first)?;
                return Some(Self {
                    is_maybe_anothers: unmade == Unmade::Maybe,
                    is_all_backfill: histories.is_all_backfill(first),
                    ..Self::of(scene, first, &mut named)
                });
            };
            let reports = scene.reported.get(key)?;
            let shows_status = matches!(first.payload.channel(), Some("notify" | "poll"));
            if reports.first() != Some(&at) || !shows_status {
                return None;
            }
            let joined: BTreeSet<usize> =
                reports.iter().flat_map(|report| &scene.operations[*report].1).copied().inserted();
            if joined.is_empty() {
                return Some(Self::of(scene, first, &mut named));
            }
            let is_its = |decision: &Decision<'_>| decision.agents.is_empty() || scene.is_started_by(decision, first);
            if joined.iter().any(|decision| is_its(&scene.decisions[*decision])) {
                return None;
            }
            let sighting = Self { is_claimed: true, ..Self::of(scene, first, &mut named) };
            (sighting.who == Who::Agents).then_some(sighting)
        })
    }

    fn of(scene: &'s Scene<'a>, first: &'s Operation<'a>, known: &mut Named<'a>) -> Self {
        let named = first.payload.initiator().zip(scene.roots_from(first.at));
        let (agents, is_person) = match named {
            Some((name, roots)) => known.entry((roots, name)).or_insert_with(|| names(scene, roots, name)).clone(),
            None => (Vec::new(), false),
        };
        let who = match () {
            () if !agents.is_empty() => Who::Agents,
            () if is_person => Who::Person,
            () if first.payload.is_automated() == Some(true) => Who::ArgoCd,
            () if first.payload.username().is_none_or(str::is_empty) => Who::Nobody,
            () => Who::Unknown,
        };
        Sighting {
            is_claimed: false,
            is_maybe_anothers: false,
            is_all_backfill: match first.op_key() {
                Some(key) => scene.reports_of(key).all(|report| report.payload.is_backfill() == Some(true)),
                None => first.payload.is_backfill() == Some(true),
            },
            first,
            who,
            agents,
            is_person,
            started: first.payload.started_at().and_then(unix_ms),
        }
    }

    /// Decisions that any report of it joins.
    pub(super) fn joined(&self, scene: &'s Scene<'a>) -> impl Iterator<Item = &'s Decision<'a>> {
        let reports = self.first.op_key().and_then(|key| scene.reported.get(key)).into_iter().flatten();
        reports.flat_map(|report| &scene.operations[*report].1).map(|decision| &scene.decisions[*decision])
    }

    /// Application by instance and uid.
    pub(super) fn app(&self) -> (&'a str, &'a str) {
        let says = self.first.payload;
        (says.instance().unwrap_or_default(), says.app().uid().unwrap_or_default())
    }

    /// Roots in force when whatever led to it could have been logged.
    fn roots_then<'r>(&self, scene: &'r Scene<'a>) -> Option<&'r Roots<'a>> {
        in_time_for_word(scene, self.started?)
    }

    /// Whether it may have started before anybody could log a decision of it: a
    /// first look at an instance shows what ran long ago.
    pub(super) fn is_from_before(&self, scene: &Scene<'a>) -> bool {
        if self.is_backfill(scene) {
            return true;
        }
        let (Some(roots), Some((instance, name))) = (self.roots_then(scene), self.first.payload.initiator()) else {
            return self.started.is_some();
        };
        self.agents.iter().all(|agent| !roots.is_username(agent, instance, name))
    }

    /// Whether every report says that it began before its observer was there, and
    /// nobody looked at the instance before: a poller that forgot what it saw says
    /// so of all that it finds.
    fn is_backfill(&self, scene: &Scene<'a>) -> bool {
        let begin = || scene.looks.begin(self.first.payload.instance()?, self.first.at);
        let is_after = |(started, begin): (i64, i64)| begin.saturating_add(SKEW_MS) < started;
        self.is_all_backfill && !self.started.zip(begin()).is_some_and(is_after)
    }

    /// Whether the roots say that they list everybody, and neither those at the
    /// report nor the newest list this one.
    pub(super) fn is_known_to_be_unknown(&self, scene: &Scene<'a>) -> bool {
        let is_open = self.is_maybe_anothers || self.is_backfill(scene);
        let Some((instance, name)) = self.first.payload.initiator().filter(|_| !is_open) else {
            return false;
        };
        let is_out = |roots: &Roots<'_>| roots.lists_all_people(instance) && !roots.knows_username(instance, name);
        let newest = scene.roots.last().map(|(_, roots)| roots);
        let all = [self.roots_then(scene), scene.roots_at(self.first.at), newest];
        all.into_iter().all(|roots| roots.is_some_and(is_out))
    }

    /// Whether the username is not one agent's alone.
    pub(super) fn is_shared(&self) -> bool {
        self.agents.len() > 1 || self.is_person
    }

    /// When every honest word about it has been logged.
    pub(super) fn settled_ms(&self) -> Option<i64> {
        Some(self.started?.saturating_add(SKEW_MS).saturating_add(RECEIPT_MS).saturating_add(SKEW_MS))
    }

    /// Why it may be none of the agent's doing, in words.
    pub(super) fn why_open(&self, scene: &Scene<'a>) -> Option<&'static str> {
        match () {
            () if self.started.is_none() => Some(UNDATED),
            () if !scene.writes_are_closed(self.first) => Some(CLAIMED),
            () if self.is_maybe_anothers => Some(MAYBE_MADE),
            () if self.is_shared() => Some(SHARED),
            () if self.is_claimed => Some(OTHERS),
            () if self.first.payload.is_automated() == Some(true) => Some(AUTOMATED),
            () => None,
        }
    }

    /// Whether the events of the cluster show its end and not its start, in
    /// words: what is written to the resource itself comes with no start.
    pub(super) fn bypass_words(&self, scene: &Scene<'a>) -> Option<&'static str> {
        let (mut ends, mut starts) = (false, false);
        for event in scene.events_beside(self.first) {
            match event.payload.phase() {
                Some("Running") => starts = true,
                Some(_) => ends = true,
                None => {}
            }
        }
        (ends && !starts).then_some(
            "the cluster's events show its end and not its start, as of what is written to the \
                                     Application itself",
        )
    }
}
