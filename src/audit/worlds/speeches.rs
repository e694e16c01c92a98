//! Words of the distrusted, weighed one by one.
//!
//! With all of them heard something may fail by what one of them says, and with
//! none of them heard by what another one then no longer says: neither is guilt,
//! since the one word may be false and the other true, and both may be told in
//! the same words. What fails is therefore asked once more with each speech alone
//! unheard, and with each alone heard, and is left open where it does not fail by
//! one of these.

use std::collections::BTreeSet;

use crate::audit::distrust;
use crate::audit::finding::{Finding, Subject};
use crate::audit::report::Report;
use crate::audit::rule::Effect;
use crate::audit::scene::{Disputes, Unheard};
use crate::audit::windows::SPEECHES_MAX;
use crate::audit::worlds::Worlds;

/// The findings of all worlds, where what the weighing does not bear out is
/// left open. Costs nothing unless something fails beside more than one speech.
pub(super) fn weighed<'a>(
    worlds: &Worlds<'a>,
    reports: &[Report],
    found: BTreeSet<Finding>,
    mut judge: impl FnMut(Disputes<'a>) -> Report,
) -> BTreeSet<Finding> {
    let weighing = Weighing { worlds, reports };
    let (mut doubted, mut weighed): (BTreeSet<Finding>, BTreeSet<Finding>) =
        found.into_iter().partition(|finding| weighing.is_doubted(finding));
    for disputes in weighing.mixed() {
        if doubted.is_empty() {
            return weighed;
        }
        let report = judge(disputes);
        let (stands, falls) = doubted.into_iter().partition(|finding| weighing.is_in(finding, &report));
        doubted = stands;
        weighed.extend(falls.into_iter().map(left_open));
    }
    let stands = |finding: Finding| match weighing.is_crowded() && !weighing.is_plain(&finding) {
        true => left_open(finding),
        false => finding,
    };
    weighed.extend(doubted.into_iter().map(stands));
    weighed
}

struct Weighing<'w, 'a> {
    worlds: &'w Worlds<'a>,
    reports: &'w [Report],
}

impl<'a> Weighing<'_, 'a> {
    /// Whether it fails, and words of the distrusted may have to do with it.
    fn is_doubted(&self, finding: &Finding) -> bool {
        let is_sure = finding.effect == Effect::Fails && !distrust::RULES.contains(&finding.rule);
        is_sure && self.worlds.disputes.speeches().len() > 1
    }

    /// Whether it fails with all heard and with none by the same words.
    fn is_plain(&self, finding: &Finding) -> bool {
        let (heard, unheard) = self.reports.split_at(self.worlds.accounts().min(self.reports.len()));
        heard.iter().zip(unheard).all(|(heard, unheard)| {
            let same = |one: &Finding| unheard.findings.iter().any(|other| is_same(one, other));
            heard.findings.iter().any(|one| self.is_it(finding, one) && same(one))
        })
    }

    /// More speeches than are weighed: what fails in unlike words stays open.
    fn is_crowded(&self) -> bool {
        self.worlds.disputes.speeches().len() > SPEECHES_MAX
    }

    /// One speech heard and the others not, and the reverse. Of a single one
    /// both are judged already.
    fn mixed(&self) -> impl Iterator<Item = Disputes<'a>> {
        let speeches = self.worlds.disputes.speeches();
        let weighed = (2..=SPEECHES_MAX).contains(&speeches.len());
        let mixed =
            speeches.filter(move |_| weighed).flat_map(|speech| [Unheard::Only(speech), Unheard::AllBut(speech)]);
        mixed.flat_map(|unheard| self.worlds.with(unheard))
    }

    fn is_in(&self, finding: &Finding, report: &Report) -> bool {
        report.findings.iter().any(|other| self.is_it(finding, other))
    }

    /// Whether the other fails for the same act, charged to the same or more closely.
    fn is_it(&self, finding: &Finding, other: &Finding) -> bool {
        other.effect == Effect::Fails
            && !distrust::RULES.contains(&other.rule)
            && self.worlds.act(finding) == self.worlds.act(other)
            && is_within(&other.subject, &finding.subject)
    }
}

/// In rule, entries, subject and words.
fn is_same(one: &Finding, other: &Finding) -> bool {
    other.effect == Effect::Fails
        && (one.rule, &one.entries, &one.subject, &one.detail)
            == (other.rule, &other.entries, &other.subject, &other.detail)
}

/// Whether a subject names at least what the other names.
fn is_within(subject: &Subject, other: &Subject) -> bool {
    let names = |subject: &Subject| {
        let Subject { job, run, agent, token, app, submitter, .. } = subject.clone();
        [job, run, agent, token, app, submitter]
    };
    names(subject).into_iter().zip(names(other)).all(|(one, other)| other.is_none() || one == other)
}

fn left_open(finding: Finding) -> Finding {
    let detail = format!(
        "{}; signers who are no longer trusted say more than one thing of it, and where some of these are true and \
         others are not it does not fail",
        finding.detail
    );
    Finding { effect: Effect::Incomplete, detail, ..finding }
}
