//! When somebody looked at an Argo CD instance, and the times that nobody did
//! (JUDGING 6.16).
//!
//! ```text
//! look ─ look ─ look ── nobody looks, longer than one may take ── look ─ look
//!                  └ before                                        └ after
//! ```
//!
//! What is asked of the looks of an instance is asked by few questions, each of
//! which one look answers or none, or those of a few minutes. So a report of one
//! job or application needs only the looks that answer its questions
//! (gather/watch.rs), and finds with them what the whole log shows.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::ArgocdSnapshot;
use crate::artifact::time::unix_ms;
use crate::audit::windows::{LOOK_MS, SKEW_MS, WATCH_MS, life_of_job_token};
use crate::merkle::LeafIndex;

/// A longer time from one look to the next is one without a look.
const LONGEST_MS: i64 = LOOK_MS + SKEW_MS;
/// How fine looks are filed: a time without a look holds one of these whole.
const SLOT_MS: i64 = LONGEST_MS / 2;

/// One snapshot, as a look at all of its instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub at: LeafIndex,
    /// Unix milliseconds, by the clock of who looked.
    pub taken: i64,
}

impl Look {
    const fn slot(self) -> i64 {
        slot_of(self.taken)
    }
}

/// The slot of a time in milliseconds since 1970.
pub(super) const fn slot_of(ms: i64) -> i64 {
    ms.div_euclid(SLOT_MS)
}

/// Instance and time of a look.
pub(super) fn look_of(says: ArgocdSnapshot<'_>) -> Option<(&str, i64)> {
    says.instance().zip(says.taken_at().and_then(unix_ms))
}

/// A time without a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub before: Look,
    /// None where nobody looks any more.
    pub after: Option<Look>,
}

/// Looks at hand, by instance.
#[derive(Debug, Default)]
pub(super) struct Looks(BTreeMap<String, AtInstance>);

#[derive(Debug, Default)]
struct AtInstance {
    taken: BTreeMap<LeafIndex, i64>,
    slots: BTreeMap<i64, BTreeSet<LeafIndex>>,
}

impl Looks {
    pub(super) fn add(&mut self, instance: &str, look: Look) {
        let of = match self.0.get_mut(instance) {
            Some(of) => of,
            None => self.0.entry(instance.to_owned()).or_default(),
        };
        of.taken.insert(look.at, look.taken);
        of.slots.entry(look.slot()).or_default().insert(look.at);
    }

    pub(super) fn instances(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Asks what is at hand: all that there is, or what a plan brought.
    pub(super) fn at<'l>(&'l self, instance: &'l str) -> Asker<'l> {
        Asker { instance, looks: self.0.get(instance), asked: None }
    }

    /// The same, where what was not brought yet is noted in `asked`.
    pub(super) fn asking<'l>(&'l self, instance: &'l str, asked: &'l RefCell<Asked>) -> Asker<'l> {
        Asker { asked: Some(asked), ..self.at(instance) }
    }
}

/// What can be asked of the looks of an instance, in the order of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    /// The first of a slot.
    First(i64),
    /// The last of a slot.
    Last(i64),
    /// The last one below an index.
    Below(LeafIndex),
    /// The first one above an index.
    Above(LeafIndex),
}

/// Questions of a plan.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// What answers these was brought.
    answered: BTreeSet<(String, Question)>,
    open: BTreeSet<(String, Question)>,
}

impl Asked {
    /// What is open; whoever takes it brings the answers.
    pub(super) fn take(&mut self) -> BTreeSet<(String, Question)> {
        let open = std::mem::take(&mut self.open);
        self.answered.extend(open.iter().cloned());
        open
    }
}

/// The answer was not brought yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unanswered;

type Answer<T> = Result<T, Unanswered>;

/// Asks of the looks of one instance.
#[derive(Clone, Copy)]
pub(super) struct Asker<'l> {
    instance: &'l str,
    looks: Option<&'l AtInstance>,
    asked: Option<&'l RefCell<Asked>>,
}

impl Asker<'_> {
    fn of(&self, question: Question) -> Answer<Option<&AtInstance>> {
        let Some(asked) = self.asked else { return Ok(self.looks) };
        let (mut asked, question) = (asked.borrow_mut(), (self.instance.to_owned(), question));
        if asked.answered.contains(&question) {
            return Ok(self.looks);
        }
        asked.open.insert(question);
        Err(Unanswered)
    }

    fn look(looks: Option<&AtInstance>, at: Option<LeafIndex>) -> Option<Look> {
        let at = at?;
        Some(Look { at, taken: *looks?.taken.get(&at)? })
    }

    fn first_of(&self, slot: i64) -> Answer<Option<Look>> {
        let looks = self.of(Question::First(slot))?;
        Ok(Self::look(looks, looks.and_then(|of| of.slots.get(&slot)?.first().copied())))
    }

    fn last_of(&self, slot: i64) -> Answer<Option<Look>> {
        let looks = self.of(Question::Last(slot))?;
        Ok(Self::look(looks, looks.and_then(|of| of.slots.get(&slot)?.last().copied())))
    }

    fn below(&self, at: LeafIndex) -> Answer<Option<Look>> {
        let looks = self.of(Question::Below(at))?;
        Ok(Self::look(looks, looks.and_then(|of| Some(*of.taken.range(..at).next_back()?.0))))
    }

    fn above(&self, at: LeafIndex) -> Answer<Option<Look>> {
        let looks = self.of(Question::Above(at))?;
        let above = LeafIndex::new(at.get().saturating_add(1));
        Ok(Self::look(looks, looks.and_then(|of| Some(*of.taken.range(above..).next()?.0))))
    }

    /// The time without a look that a look taken at `taken` ended: the first of
    /// its slot, with none in the slot before. Two observers fill each other's.
    pub(super) fn gap_until(&self, taken: i64) -> Answer<Option<Gap>> {
        let slot = slot_of(taken);
        let (first, before) = (self.first_of(slot), self.first_of(slot - 1));
        let Some(after) = first?.filter(|first| first.taken == taken) else { return Ok(None) };
        if before?.is_some() {
            return Ok(None);
        }
        let before = self.below(after.at)?.filter(|before| after.taken.saturating_sub(before.taken) > LONGEST_MS);
        Ok(before.map(|before| Gap { before, after: Some(after) }))
    }

    /// The time since the last look, where nobody looks any more: after two
    /// looks that were no longer apart than they may be. Who looked once
    /// promised nothing.
    pub(super) fn gap_to_the_end(&self) -> Answer<Option<Gap>> {
        let Some(before) = self.below(LeafIndex::new(u64::MAX))? else { return Ok(None) };
        let earlier = self.below(before.at)?;
        let is_owed = earlier.is_some_and(|earlier| before.taken.saturating_sub(earlier.taken) <= LONGEST_MS);
        Ok(is_owed.then_some(Gap { before, after: None }))
    }

    /// Times without a look that touch the life of a token.
    pub(super) fn gaps_in(&self, life: &Life) -> Answer<Vec<Gap>> {
        let (from, until) = life.watched();
        let slots = slot_of(from)..=slot_of(until).saturating_add(1);
        // Each is asked before any is awaited.
        let firsts: Vec<_> = slots.map(|slot| self.first_of(slot)).collect();
        let firsts = firsts.into_iter().collect::<Answer<Vec<_>>>()?;
        let is_to_the_end = firsts.last().is_none_or(Option::is_none);
        let found: Vec<Look> = firsts.into_iter().flatten().collect();
        let gaps: Vec<_> = found.iter().map(|look| self.gap_until(look.taken)).collect();
        let mut gaps: Vec<Gap> = gaps.into_iter().collect::<Answer<Vec<_>>>()?.into_iter().flatten().collect();
        if is_to_the_end {
            let last = match found.last() {
                Some(last) => self.last_of(last.slot())?,
                None => self.below(life.at)?,
            };
            if let Some(last) = last {
                gaps.extend(match self.above(last.at)? {
                    Some(after) => self.gap_until(after.taken)?,
                    None => self.gap_to_the_end()?,
                });
            }
        }
        let touches = |gap: &Gap| gap.before.taken < until && gap.after.is_none_or(|after| after.taken > from);
        gaps.retain(touches);
        Ok(gaps)
    }
}

impl Gap {
    /// Whether it is over, or as long by now as one may be.
    pub(super) fn is_by(&self, now_ms: i64) -> bool {
        self.after.is_some() || now_ms.saturating_sub(self.before.taken) > LONGEST_MS
    }
}

/// When a token lived, by all who issued it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// Of its first issuance, and when that was logged.
    pub at: LeafIndex,
    pub ms: i64,
    issued_ms: i64,
    expires_ms: i64,
}

impl Life {
    /// By one issuance; `iat` and `exp` are Unix seconds.
    pub(super) fn of((at, ms): (LeafIndex, i64), iat: Option<i64>, exp: Option<i64>) -> Self {
        let ms_of = |seconds: Option<i64>| seconds.unwrap_or(0).saturating_mul(1_000);
        Self { at, ms, issued_ms: ms_of(iat), expires_ms: ms_of(exp) }
    }

    /// By both.
    pub(super) fn or(self, other: Self) -> Self {
        let first = if other.at < self.at { other } else { self };
        Self {
            issued_ms: self.issued_ms.min(other.issued_ms),
            expires_ms: self.expires_ms.max(other.expires_ms),
            ..first
        }
    }

    /// The part of it for which its job is held against looks: from and until.
    fn watched(&self) -> (i64, i64) {
        let (from, until) = life_of_job_token(self.issued_ms, self.expires_ms);
        (from, until.min(from.saturating_add(WATCH_MS)))
    }

    /// Whether its job is held against looks for all of it: it is no longer than
    /// may be, and was issued soon after the job's first.
    pub(super) fn is_watched_whole(&self, first_ms: i64) -> bool {
        self.watched().1 == life_of_job_token(self.issued_ms, self.expires_ms).1 && self.is_watched(first_ms)
    }

    /// Whether its job is held against looks for it; `first_ms`: when the first
    /// issuance of the job was logged.
    pub(super) const fn is_watched(&self, first_ms: i64) -> bool {
        self.ms <= first_ms.saturating_add(WATCH_MS)
    }
}
