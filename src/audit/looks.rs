//! When somebody looked at an Argo CD instance, and the times that nobody did
//! (JUDGING 6.16).
//!
//! ```text
//! look ─ look ─ look ── nobody looks, longer than one may take ── look ─ look      by the times that looks were taken
//!                  └ before                                        └ after
//! ```
//!
//! Looks are in the order of their own times: one that is logged late is a look at
//! its own time, and one that is logged again is the same look. They are filed in
//! slots of a few minutes, these in nodes of eight, and so on: so the look before
//! a time and the one after are found by few questions, each of which one look
//! answers or none, or those of one slot. So a report of one job or application
//! needs only the looks that answer its questions (gather/watch.rs), and finds
//! with them what the whole log shows.

mod asker;
mod life;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::time::unix_ms;
use crate::artifact::{ArgocdSnapshot, Did};
use crate::audit::windows::{FILED_MS, LOOK_MS, SKEW_MS};
use crate::merkle::LeafIndex;

pub(super) use self::asker::{Asked, Asker, Question};
pub(super) use self::life::Life;

/// A longer time from one look to the next is one without a look.
const LONGEST_MS: i64 = LOOK_MS + SKEW_MS;
/// How fine looks are filed: a time without a look holds one of these whole.
const SLOT_MS: i64 = LONGEST_MS / 2;
/// A node holds two to this power of those below it.
const FAN_BITS: u32 = 3;
/// Levels of nodes, from slots on: together a thousand years.
pub(super) const LEVELS: u32 = 9;
const SLOTS: i64 = 1 << (FAN_BITS * LEVELS);

/// One snapshot, as a look at all of its instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub at: LeafIndex,
    /// Unix milliseconds, by the clock of who looked.
    pub taken: i64,
}

const fn slot_of(ms: i64) -> i64 {
    ms.div_euclid(SLOT_MS)
}

/// The node of a time at a level.
pub(super) const fn node_of(ms: i64, level: u32) -> i64 {
    slot_of(ms) >> (FAN_BITS * level)
}

/// Instance and time of a look. One that was taken long after it was logged is of
/// no time that anybody could have looked at.
pub(super) fn look_of(says: ArgocdSnapshot<'_>, logged_ms: i64) -> Option<(&str, i64)> {
    let taken = says.taken_at().and_then(unix_ms)?;
    let is_of_its_time = (0..=logged_ms.saturating_add(SKEW_MS)).contains(&taken) && slot_of(taken) < SLOTS;
    says.instance().filter(|_| is_of_its_time).map(|instance| (instance, taken))
}

/// Who looked, as looks are filed: whoever signs, and all others together.
pub(super) fn who(signer: Option<&Did>) -> &str {
    signer.map_or("", Did::as_str)
}

/// A time without a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub before: Look,
    /// None where nobody looks any more.
    pub after: Option<Look>,
}

impl Gap {
    /// Whether it is over, or as long by now as one may be, with the time that a
    /// look takes to be logged.
    pub(super) fn is_by(&self, now_ms: i64) -> bool {
        self.after.is_some() || now_ms.saturating_sub(self.before.taken) > LONGEST_MS.saturating_add(FILED_MS)
    }
}

/// Looks at hand, by instance.
#[derive(Debug, Default)]
pub(super) struct Looks {
    of: BTreeMap<String, AtInstance>,
    /// From which index on the looks of a signer count for nothing.
    distrusted: BTreeMap<String, LeafIndex>,
}

#[derive(Debug, Default)]
struct AtInstance {
    taken: BTreeMap<LeafIndex, i64>,
    /// By who looked, and slot.
    slots: BTreeMap<String, BTreeMap<i64, BTreeSet<LeafIndex>>>,
    /// The first of each in the log.
    firsts: BTreeMap<String, Look>,
}

impl Looks {
    pub(super) fn add(&mut self, instance: &str, who: &str, look: Look) {
        if self.distrusted.get(who).is_some_and(|from| look.at >= *from) {
            return;
        }
        let of = match self.of.get_mut(instance) {
            Some(of) => of,
            None => self.of.entry(instance.to_owned()).or_default(),
        };
        of.taken.insert(look.at, look.taken);
        match of.firsts.get_mut(who) {
            Some(first) if first.at <= look.at => {}
            Some(first) => *first = look,
            None => _ = of.firsts.insert(who.to_owned(), look),
        }
        let slots = match of.slots.get_mut(who) {
            Some(slots) => slots,
            None => of.slots.entry(who.to_owned()).or_default(),
        };
        slots.entry(slot_of(look.taken)).or_default().insert(look.at);
    }

    /// Forgets what a signer said from an index on: whom nobody trusts fills no
    /// time without a look.
    pub(super) fn distrust(&mut self, did: &str, from: LeafIndex) {
        let lowest = self.distrusted.entry(did.to_owned()).or_insert(from);
        *lowest = from.min(*lowest);
        for of in self.of.values_mut() {
            if of.firsts.get(did).is_some_and(|first| first.at >= from) {
                of.firsts.remove(did);
            }
            let Some(slots) = of.slots.get_mut(did) else { continue };
            for looks in slots.values_mut() {
                for at in looks.split_off(&from) {
                    of.taken.remove(&at);
                }
            }
            slots.retain(|_, looks| !looks.is_empty());
        }
    }

    /// Whether the look at this index is at hand and counts.
    pub(super) fn holds(&self, instance: &str, at: LeafIndex) -> bool {
        self.of.get(instance).is_some_and(|of| of.taken.contains_key(&at))
    }

    /// Since when somebody looks at an instance, as is known below an index: of the
    /// looks that each logged first, the earliest.
    pub(super) fn begin(&self, instance: &str, below: LeafIndex) -> Option<i64> {
        let firsts = self.of.get(instance)?.firsts.values();
        firsts.filter(|first| first.at < below).map(|first| first.taken).min()
    }

    pub(super) fn instances(&self) -> impl Iterator<Item = &str> {
        self.of.keys().map(String::as_str)
    }

    /// Asks what is at hand: all that there is, or what a plan brought.
    pub(super) fn at<'l>(&'l self, instance: &'l str) -> Asker<'l> {
        let looks = self.of.get(instance);
        let all = looks.into_iter().flat_map(|of| of.slots.keys()).map(String::as_str);
        Asker { instance, looks, whos: all.collect(), asked: None }
    }

    /// The same, where what was not brought yet is noted in `asked`; `whos`: all
    /// who may have looked.
    pub(super) fn asking<'l>(
        &'l self,
        instance: &'l str,
        whos: &'l BTreeSet<String>,
        asked: &'l RefCell<Asked>,
    ) -> Asker<'l> {
        let whos = whos.iter().map(String::as_str).collect();
        Asker { instance, looks: self.of.get(instance), whos, asked: Some(asked) }
    }
}
