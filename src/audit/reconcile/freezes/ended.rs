//! What ended a freeze, or may have.

use crate::audit::reconcile::freezes::{Freeze, Thaw};
use crate::audit::windows::RECORDED_MS;
use crate::merkle::LeafIndex;

/// Whether a freeze was over by some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Surely,
    /// By something that was done no later than this, and maybe before the freeze, or
    /// not at all.
    Maybe(i64),
    Not,
}

/// What ends the freezes of one application, each sorted, so that a freeze asks in
/// `log n`.
pub(super) struct Ends {
    /// Calls, by when they were decided, each with the last moment that one of these
    /// and those before it may have been made.
    calls: Vec<(i64, i64)>,
    /// When calls that Argo CD took were decided.
    sure: Vec<i64>,
    /// Records, and when they were logged.
    records: Vec<(LeafIndex, i64)>,
    freezes: Vec<LeafIndex>,
}

impl Ends {
    pub(super) fn of<'t>(thaws: impl Iterator<Item = &'t Thaw>, freezes: &[Freeze]) -> Self {
        let freezes = freezes.iter().map(|freeze| freeze.at).collect();
        let mut ends = Self { calls: Vec::new(), sure: Vec::new(), records: Vec::new(), freezes };
        for thaw in thaws {
            match thaw.is_sure {
                None => ends.records.push((thaw.at, thaw.until)),
                Some(is_sure) => {
                    ends.calls.push((thaw.from, thaw.until));
                    ends.sure.extend(is_sure.then_some(thaw.from));
                }
            }
        }
        ends.calls.sort_unstable();
        ends.sure.sort_unstable();
        ends.records.sort_unstable();
        let mut last = i64::MIN;
        for (_, until) in &mut ends.calls {
            last = last.max(*until);
            *until = last;
        }
        ends
    }

    /// Whether the freeze was over by a time at which the application was seen on.
    pub(super) fn by(&self, freeze: &Freeze, seen_ms: i64) -> Ended {
        let sure = self.sure.get(self.sure.partition_point(|from| *from < freeze.by));
        if sure.is_some_and(|from| *from <= seen_ms) || self.is_recorded_above(freeze, seen_ms) {
            return Ended::Surely;
        }
        let calls = self.calls.partition_point(|(from, _)| *from <= seen_ms);
        let call = self.calls[..calls].last().map(|(_, until)| *until);
        let records = self.records.partition_point(|(at, _)| *at < freeze.at);
        let record = self.records[..records].last().map(|(_, ms)| *ms);
        // What was done before the freeze ends none.
        let last = call.max(record).filter(|until| *until >= freeze.from);
        last.map_or(Ended::Not, Ended::Maybe)
    }

    /// A person writes down later what was done: one that thaws counts wherever it
    /// stands before the next freeze, and for days beyond that.
    fn is_recorded_above(&self, freeze: &Freeze, seen_ms: i64) -> bool {
        let first = self.records.get(self.records.partition_point(|(at, _)| *at < freeze.at));
        let next = self.freezes.get(self.freezes.partition_point(|at| *at <= freeze.at));
        first.is_some_and(|(at, ms)| next.is_none_or(|next| at < next) || ms.saturating_sub(RECORDED_MS) <= seen_ms)
    }
}
