//! What was seen of automated sync: what channels saw it become, and looks.

use std::collections::{BTreeMap, HashMap};

use crate::artifact::Payload;
use crate::audit::looks::look_of;
use crate::audit::reconcile::freezes::{App, Freeze, app_of};
use crate::audit::scene::Scene;
use crate::audit::windows::{RECEIPT_MS, SKEW_MS};
use crate::merkle::LeafIndex;

/// A channel of a submitter: it alone says in which order it saw something.
type Channel<'a> = (&'a str, &'a str);

/// Seen on.
#[derive(Clone, Copy, Debug)]
pub(super) struct On {
    pub at: LeafIndex,
    /// By whatever clock, it was no later.
    pub ms: i64,
    /// Where the same channel saw it off before.
    pub off: Option<LeafIndex>,
}

/// Off and on again, as one channel saw it.
#[derive(Clone, Copy, Debug)]
struct Flip {
    off: LeafIndex,
    off_ms: i64,
    on: LeafIndex,
    on_ms: i64,
}

/// All that was seen of one application.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    /// Of each channel in order.
    flips: BTreeMap<Channel<'a>, Vec<Flip>>,
    /// What each channel saw off and not on again yet.
    off: BTreeMap<Channel<'a>, (LeafIndex, i64)>,
    /// Looks that show it on, by when they were taken.
    on: Vec<(i64, LeafIndex)>,
    /// From when to when somebody surely saw it off at some moment.
    offs: Vec<(i64, i64)>,
}

/// What was seen of each application that was frozen.
pub(super) fn all<'a>(scene: &Scene<'a>, is_frozen: impl Fn(&App<'a>) -> bool) -> Vec<(App<'a>, Seen<'a>)> {
    let mut all: HashMap<App<'a>, Seen<'a>> = HashMap::new();
    for fact in &scene.facts {
        let Payload::ArgocdObservation(says) = fact.payload else { continue };
        let Some(is_on) = is_on(says.after()) else { continue };
        if let Some(app) = app_of(says.instance(), says.app()).filter(&is_frozen) {
            let channel = (fact.submitter(), says.channel().unwrap_or_default());
            all.entry(app).or_default().channel(channel, is_on, (fact.at, fact.ms()));
        }
    }
    for look in &scene.snapshots {
        let Some((instance, taken)) = look_of(look.payload, look.ms()) else { continue };
        for row in look.payload.rows() {
            let Some(is_on) = is_on(row.auto_sync()) else { continue };
            if let Some(app) = app_of(Some(instance), row.app()).filter(&is_frozen) {
                all.entry(app).or_default().look(is_on, (look.at, taken));
            }
        }
    }
    all.into_iter().map(|(app, seen)| (app, seen.sorted())).collect()
}

fn is_on(said: Option<&str>) -> Option<bool> {
    match said {
        Some("on") => Some(true),
        Some("off") => Some(false),
        _ => None,
    }
}

impl<'a> Seen<'a> {
    fn channel(&mut self, channel: Channel<'a>, is_on: bool, (at, ms): (LeafIndex, i64)) {
        if !is_on {
            self.off.insert(channel, (at, ms));
            self.offs.push((ms.saturating_sub(SKEW_MS), ms));
        } else if let Some((off, off_ms)) = self.off.remove(&channel) {
            self.flips.entry(channel).or_default().push(Flip { off, off_ms, on: at, on_ms: ms });
        }
    }

    fn look(&mut self, is_on: bool, (at, taken): (LeafIndex, i64)) {
        if is_on {
            self.on.push((taken, at));
        } else {
            self.offs.push((taken.saturating_sub(SKEW_MS), taken.saturating_add(SKEW_MS)));
        }
    }

    fn sorted(mut self) -> Self {
        self.on.sort_unstable();
        self.offs.sort_unstable();
        self
    }

    /// Where it was seen on first after a freeze, at most once by channels and once by
    /// looks; after it was surely seen off later than some time, where that is asked.
    pub(super) fn on(&self, freeze: &Freeze, off_after: Option<i64>) -> Vec<On> {
        let flips = self.flips.values().filter_map(|flips| first_flip(flips, freeze, off_after));
        let flip = flips.min_by_key(|flip| flip.on).map(|flip| On { at: flip.on, ms: flip.on_ms, off: Some(flip.off) });
        // The call may take its time, and clocks lie apart.
        let done = freeze.by.saturating_add(RECEIPT_MS).saturating_add(SKEW_MS);
        let from = match off_after {
            None => Some(done),
            Some(ms) => {
                let off = self.offs.get(self.offs.partition_point(|(from, _)| *from <= ms));
                off.map(|(_, until)| until.saturating_add(SKEW_MS).max(done))
            }
        };
        let look = from.and_then(|from| self.on.get(self.on.partition_point(|(taken, _)| *taken <= from)));
        let look = look.map(|(taken, at)| On { at: *at, ms: taken.saturating_add(SKEW_MS), off: None });
        let mut on: Vec<On> = flip.into_iter().chain(look).collect();
        on.sort_unstable_by_key(|on| on.at);
        on
    }
}

/// The first flip of a channel after a freeze: seen off above what froze it, and on
/// above what says that it was done.
fn first_flip(flips: &[Flip], freeze: &Freeze, off_after: Option<i64>) -> Option<Flip> {
    let is_before = |flip: &Flip| {
        let is_early = off_after.is_some_and(|ms| flip.off_ms.saturating_sub(SKEW_MS) <= ms);
        flip.off < freeze.at || flip.on < freeze.done_at || is_early
    };
    flips.get(flips.partition_point(is_before)).copied()
}
