//! What is asked of the looks of one instance.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::audit::looks::{AtInstance, FAN_BITS, Gap, LEVELS, LONGEST_MS, Life, Look, SLOTS, slot_of};
use crate::audit::windows::LOOKS_MAX;
use crate::merkle::LeafIndex;

/// What can be asked of one signer's looks at an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::audit) enum Question {
    /// Any of a node: the first in the order of the log answers.
    Any { level: u32, node: i64 },
    /// All of a slot: the first LOOKS in the order of the log.
    Of(i64),
    /// The last in the order of the log.
    Newest,
}

/// Instance, who looked, and what is asked.
type Key = (String, String, Question);

/// Questions of a plan.
#[derive(Debug, Default)]
pub(in crate::audit) struct Asked {
    /// What answers these was brought.
    answered: BTreeSet<Key>,
    open: BTreeSet<Key>,
}

impl Asked {
    /// What is open; whoever takes it brings the answers.
    pub(in crate::audit) fn take(&mut self) -> BTreeSet<Key> {
        let open = std::mem::take(&mut self.open);
        self.answered.extend(open.iter().cloned());
        open
    }
}

/// The answer was not brought yet.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Unanswered;

type Answer<T> = Result<T, Unanswered>;

/// Asks of the looks of one instance.
#[derive(Clone)]
pub(in crate::audit) struct Asker<'l> {
    pub(super) instance: &'l str,
    pub(super) looks: Option<&'l AtInstance>,
    /// All who may have looked.
    pub(super) whos: Vec<&'l str>,
    pub(super) asked: Option<&'l RefCell<Asked>>,
}

type Slots = BTreeMap<i64, BTreeSet<LeafIndex>>;

impl<'l> Asker<'l> {
    fn at_hand(&self, who: &str) -> Option<&'l Slots> {
        self.looks?.slots.get(who)
    }

    fn of(&self, who: &str, question: Question) -> Answer<Option<&'l Slots>> {
        let Some(asked) = self.asked else { return Ok(self.at_hand(who)) };
        let (mut asked, key) = (asked.borrow_mut(), (self.instance.to_owned(), who.to_owned(), question));
        if asked.answered.contains(&key) {
            return Ok(self.at_hand(who));
        }
        asked.open.insert(key);
        Err(Unanswered)
    }

    /// Whether anybody looked in a node.
    fn any(&self, level: u32, node: i64) -> Answer<bool> {
        let bits = FAN_BITS * level;
        let holds = |slots: &Slots| slots.range(node << bits..(node + 1) << bits).next().is_some();
        // What is at hand was logged, whoever brought it.
        if self.whos.iter().filter_map(|who| self.at_hand(who)).any(holds) {
            return Ok(true);
        }
        for who in &self.whos {
            if self.of(who, Question::Any { level, node })?.is_some_and(holds) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first of these nodes in which anybody looked. Each is asked before any
    /// is awaited.
    fn first_of(&self, level: u32, nodes: impl Iterator<Item = i64>) -> Answer<Option<i64>> {
        let answers: Vec<_> = nodes.map(|node| (node, self.any(level, node))).collect();
        for (node, answer) in answers {
            if answer? {
                return Ok(Some(node));
            }
        }
        Ok(None)
    }

    /// The slot nearest to one in which anybody looked: after it, or before it.
    fn nearest(&self, slot: i64, is_ahead: bool) -> Answer<Option<i64>> {
        let mut node = slot;
        for level in 0..LEVELS {
            let first = node >> FAN_BITS << FAN_BITS;
            let beside = first..first + (1 << FAN_BITS);
            let found = match is_ahead {
                true => self.first_of(level, node + 1..beside.end)?,
                false => self.first_of(level, (beside.start..node).rev())?,
            };
            if let Some(found) = found {
                return self.within(level, found, is_ahead);
            }
            node >>= FAN_BITS;
        }
        Ok(None)
    }

    /// The first slot of a node in which anybody looked, or the last.
    fn within(&self, level: u32, node: i64, is_first: bool) -> Answer<Option<i64>> {
        let mut node = node;
        for level in (0..level).rev() {
            let below = node << FAN_BITS..(node + 1) << FAN_BITS;
            let found = if is_first { self.first_of(level, below)? } else { self.first_of(level, below.rev())? };
            let Some(found) = found else { return Ok(None) };
            node = found;
        }
        Ok(Some(node))
    }

    /// Looks of a slot, in no order.
    fn looks_of(&self, slot: i64) -> Answer<Vec<Look>> {
        let of: Vec<_> = self.whos.iter().map(|who| self.of(who, Question::Of(slot))).collect();
        let mut looks = Vec::new();
        for slots in of {
            let at = slots?.and_then(|slots| slots.get(&slot)).into_iter().flatten().take(LOOKS_MAX);
            looks.extend(at.filter_map(|at| Some(Look { at: *at, taken: *self.looks?.taken.get(at)? })));
        }
        Ok(looks)
    }

    /// Where looks are of one moment, the first that was logged stands for all.
    fn first_in(&self, slot: i64) -> Answer<Option<Look>> {
        Ok(self.looks_of(slot)?.into_iter().min_by_key(|look| (look.taken, look.at)))
    }

    fn last_in(&self, slot: i64, before: i64) -> Answer<Option<Look>> {
        let looks = self.looks_of(slot)?.into_iter().filter(|look| look.taken < before);
        Ok(looks.max_by_key(|look| (look.taken, Reverse(look.at))))
    }

    /// The last look before a slot.
    fn last_before(&self, slot: i64) -> Answer<Option<Look>> {
        self.nearest(slot, false)?.map_or(Ok(None), |slot| self.last_in(slot, i64::MAX))
    }

    fn before(&self, look: Look) -> Answer<Option<Look>> {
        let slot = slot_of(look.taken);
        self.last_in(slot, look.taken)?.map_or_else(|| self.last_before(slot), |before| Ok(Some(before)))
    }

    /// The last look of all.
    pub(in crate::audit) fn last(&self) -> Answer<Option<Look>> {
        let newest: Vec<_> = self.whos.iter().map(|who| self.of(who, Question::Newest)).collect();
        let newest = newest.into_iter().collect::<Answer<Vec<_>>>()?;
        let slots = newest.into_iter().flatten().filter_map(|slots| slots.last_key_value());
        // What was logged last is hardly ever not the last, and a later one is soon found from it.
        let Some(slot) = slots.map(|(slot, _)| *slot).max() else { return Ok(None) };
        let slot = self.nearest(slot, true)?.unwrap_or(slot);
        self.last_in(slot, i64::MAX)
    }

    /// The time without a look that a look taken at `taken` ended. Two observers
    /// fill each other's.
    pub(in crate::audit) fn gap_until(&self, taken: i64) -> Answer<Option<Gap>> {
        let slot = slot_of(taken);
        if slot > 0 && self.any(0, slot - 1)? {
            return Ok(None);
        }
        let Some(after) = self.first_in(slot)?.filter(|first| first.taken == taken) else { return Ok(None) };
        let before = self.last_before(slot)?;
        Ok(before.and_then(|before| Self::gap(before, after)))
    }

    fn gap(before: Look, after: Look) -> Option<Gap> {
        let is_long = after.taken.saturating_sub(before.taken) > LONGEST_MS;
        is_long.then_some(Gap { before, after: Some(after) })
    }

    /// The time since the last look, where nobody looks any more: after three
    /// looks, or two that were no longer apart than they may be. Who looked once
    /// or twice promised nothing.
    pub(in crate::audit) fn gap_to_the_end(&self) -> Answer<Option<Gap>> {
        let Some(before) = self.last()? else { return Ok(None) };
        let Some(earlier) = self.before(before)? else { return Ok(None) };
        let is_close = before.taken.saturating_sub(earlier.taken) <= LONGEST_MS;
        let is_owed = is_close || self.before(earlier)?.is_some();
        Ok(is_owed.then_some(Gap { before, after: None }))
    }

    /// Whether anybody ever looked.
    fn is_looked_at(&self) -> Answer<bool> {
        let newest: Vec<_> = self.whos.iter().map(|who| self.of(who, Question::Newest)).collect();
        let newest = newest.into_iter().collect::<Answer<Vec<_>>>()?;
        Ok(newest.into_iter().flatten().any(|slots| !slots.is_empty()))
    }

    /// Times without a look that touch the life of a token.
    pub(in crate::audit) fn gaps_in(&self, life: &Life) -> Answer<Vec<Gap>> {
        // One question, where a day has three hundred slots.
        if !self.is_looked_at()? {
            return Ok(Vec::new());
        }
        let (from, until) = life.watched();
        // One that touches it only at an end has its empty slot beside.
        let (first, last) = (slot_of(from).saturating_sub(1), slot_of(until).saturating_add(1));
        let slots = first.clamp(0, SLOTS - 1)..=last.clamp(0, SLOTS - 1);
        // Each is asked before any is awaited.
        let seen: Vec<_> = slots.map(|slot| (slot, self.any(0, slot))).collect();
        let seen = seen.into_iter().map(|(slot, any)| Ok((slot, any?))).collect::<Answer<Vec<_>>>()?;
        let runs = seen.chunk_by(|(_, is_seen), (_, next)| is_seen == next).filter(|run| !run[0].1);
        let gaps: Vec<_> = runs.map(|run| self.gap_round(run[0].0, run[run.len() - 1].0)).collect();
        let gaps = gaps.into_iter().collect::<Answer<Vec<_>>>()?;
        let touches = |gap: &Gap| gap.before.taken < until && gap.after.is_none_or(|after| after.taken > from);
        Ok(gaps.into_iter().flatten().filter(touches).collect())
    }

    /// The time without a look round slots in which nobody looked.
    fn gap_round(&self, first: i64, last: i64) -> Answer<Option<Gap>> {
        let (before, after) = (self.last_before(first), self.nearest(last, true));
        let (before, after) = (before?, after?);
        let Some(before) = before else { return Ok(None) };
        match after {
            None => self.gap_to_the_end(),
            Some(slot) => Ok(self.first_in(slot)?.and_then(|after| Self::gap(before, after))),
        }
    }
}
