//! Findings as cards: what happened, what is known of the operation, why it
//! matters, what to do, what it does not prove, and whom it is charged to. Words
//! are those of the rule. Findings of one rule that are surely of one act share a
//! card: a decision and every report of its operation show the same.

mod about;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::audit::{Effect, Finding, Severity, Subject};
use crate::merkle::LeafIndex;
use crate::server::addresses::page;
use crate::server::pages::finding::about::{About, Operation, Shown};
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::words;

/// Findings that one page reads for its cards.
const FINDINGS_MAX: usize = 160;
/// Findings on one card; one more begins another.
const LINES_MAX: usize = 12;
/// Findings on the card of one act in a list.
const ACT_MAX: usize = 24;
/// Operations that one card tells of; the rest is counted.
const OPERATIONS_SHOWN: usize = 4;

/// Entries that one list links to; the rest is counted.
const ENTRIES_SHOWN: usize = 12;

/// A finding, or several of one act, ready to show.
pub(crate) struct Card {
    pub severity: Grade,
    pub title: Cow<'static, str>,
    pub code: &'static str,
    /// What it does to the verdict.
    pub effect: &'static str,
    /// Findings on it.
    pub count: usize,
    /// What happened, each thing once.
    pub lines: Vec<Line>,
    /// What is known of the operation that it is about; several where it is about
    /// several.
    pub operations: Vec<Operation>,
    pub operations_left: Option<String>,
    /// What each entry about it shows.
    pub shown: Vec<Shown>,
    pub why: Cow<'static, str>,
    pub todo: Said,
    pub limits: Cow<'static, str>,
    /// What it does to those whom it names.
    pub charge: &'static str,
    pub charged: Charged,
}

/// All that a list has of one act: a card for each code, the most severe first,
/// and the operation once.
pub(crate) struct ActCard {
    pub cards: Vec<Card>,
    /// Findings on them.
    pub count: usize,
    pub operations: Vec<Operation>,
    pub operations_left: Option<String>,
}

/// What happened in words, with the entries that show it.
pub(crate) struct Line {
    pub happened: Said,
    /// The clause of a policy that it rests on and the policy's reason, apart from
    /// what is told.
    pub clause: Option<(Said, Said)>,
    /// How many findings say just this, where it is more than one.
    pub times: Option<usize>,
    /// Entries that cause it.
    pub causes: Entries,
    /// The others, which only show it.
    pub entries: Entries,
}

/// A severity: its word, and how many of four bars are filled.
#[derive(Clone, Copy)]
pub(crate) struct Grade {
    pub word: &'static str,
    pub bars: u8,
}

/// Links to entries, cut where they are too many.
pub(crate) struct Entries {
    pub shown: Vec<u64>,
    pub left: Option<String>,
}

/// Whom a finding is charged to; all absent: nobody.
pub(crate) struct Charged {
    pub job: Option<(String, Said)>,
    pub run: Option<(String, Said)>,
    pub agent: Option<Chip>,
    pub token: Option<Chip>,
    pub app: Option<(String, Said)>,
    pub submitter: Option<Said>,
    pub is_nobody: bool,
}

impl Grade {
    /// Of what cannot be decided: how bad it would be says nothing yet.
    const UNDECIDED: Self = Self { word: "undecided", bars: 0 };

    /// Of a finding; whether it stands at all may be open.
    pub(crate) fn of_finding(finding: &Finding) -> Self {
        if finding.is_undecided() { Self::UNDECIDED } else { Self::of(finding.severity) }
    }

    pub(crate) const fn of(severity: Severity) -> Self {
        let bars = match severity {
            Severity::Info => 0,
            Severity::Low => 1,
            Severity::Medium => 2,
            Severity::High => 3,
            Severity::Critical => 4,
        };
        Self { word: severity.name(), bars }
    }
}

/// What an effect means for a verdict.
pub(crate) const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Fails => "fails the verdict",
        Effect::Incomplete => "leaves the verdict incomplete",
        Effect::Shown => "no effect on a verdict",
    }
}

/// What an effect means for those whom a finding names: what cannot be decided is
/// held against nobody.
const fn charge(effect: Effect) -> &'static str {
    match effect {
        Effect::Fails => "Charged to",
        Effect::Incomplete => "Leaves open",
        Effect::Shown => "Is about",
    }
}

impl Card {
    /// Cards in the order of the findings, at most so many, and how many findings
    /// stand on them.
    ///
    /// # Errors
    /// Those of the view.
    pub(crate) fn all(reader: &Reader, findings: &[&Finding], max: usize) -> Result<(Vec<Self>, usize), Trouble> {
        let mut drafts: Vec<Draft<'_>> = Vec::new();
        let mut taken = 0;
        for finding in findings.iter().take(FINDINGS_MAX) {
            let about = About::read(reader, finding)?;
            match drafts.iter().position(|draft| draft.is_of(finding, &about)) {
                Some(place) => {
                    drafts[place].of.push(finding);
                    drafts[place].about.join(about);
                }
                None if drafts.len() == max => break,
                None => drafts.push(Draft { of: vec![finding], about }),
            }
            taken += 1;
        }
        Ok((drafts.into_iter().map(Draft::card).collect(), taken))
    }
}

impl ActCard {
    /// Cards of acts in the order of the findings; what is of no act that is known
    /// stands alone.
    ///
    /// # Errors
    /// Those of the view.
    pub(crate) fn all(reader: &Reader, findings: &[Finding]) -> Result<Vec<Self>, Trouble> {
        let mut acts: Vec<(About, Vec<&Finding>)> = Vec::new();
        for finding in findings {
            let about = About::read(reader, finding)?;
            match acts.iter_mut().find(|(known, of)| of.len() < ACT_MAX && known.is_one_act_with(&about)) {
                Some((known, of)) => {
                    known.join(about);
                    of.push(finding);
                }
                None => acts.push((about, vec![finding])),
            }
        }
        Ok(acts.into_iter().map(|(about, of)| Self::new(about, of)).collect())
    }

    fn new(about: About, mut findings: Vec<&Finding>) -> Self {
        let count = findings.len();
        findings.sort_by_key(|finding| (finding.is_undecided(), Reverse(finding.severity)));
        let mut drafts: Vec<Draft<'_>> = Vec::new();
        for finding in findings {
            match drafts.iter_mut().find(|draft| draft.is_like(finding)) {
                Some(draft) => draft.of.push(finding),
                // The operation stands on the act.
                None => drafts.push(Draft { of: vec![finding], about: About::default() }),
            }
        }
        let (operations, operations_left) = cut(about.told().0);
        Self { cards: drafts.into_iter().map(Draft::card).collect(), count, operations, operations_left }
    }
}

/// Operations that a card shows, and how many it leaves out.
fn cut(mut operations: Vec<Operation>) -> (Vec<Operation>, Option<String>) {
    let left = operations.len().saturating_sub(OPERATIONS_SHOWN) as u64;
    operations.truncate(OPERATIONS_SHOWN);
    (operations, (left > 0).then(|| words::quantity(left)))
}

/// A card before it is written: findings that are alike but for their entries and
/// words, never none.
struct Draft<'f> {
    of: Vec<&'f Finding>,
    about: About,
}

impl Draft<'_> {
    /// Whether a finding is of the same rule and the same act, and weighs the same.
    fn is_of(&self, finding: &Finding, about: &About) -> bool {
        self.is_like(finding) && self.about.is_one_act_with(about)
    }

    fn is_like(&self, finding: &Finding) -> bool {
        let alike = |of: &Finding| (of.rule.code, of.severity, of.effect);
        let is_alike = |first: &&Finding| {
            alike(first) == alike(finding) && first.subject == finding.subject && first.not_here == finding.not_here
        };
        self.of.len() < LINES_MAX && self.of.first().is_some_and(is_alike)
    }

    fn card(self) -> Card {
        let finding = self.of[0];
        let words = finding.words();
        let (operations, shown) = self.about.told();
        let (operations, operations_left) = cut(operations);
        Card {
            severity: Grade::of_finding(finding),
            title: words.title,
            code: finding.rule.code,
            effect: effect(finding.effect),
            count: self.of.len(),
            lines: Line::all(&self.of),
            operations,
            operations_left,
            shown,
            why: words.why,
            todo: Said::message(&words.what_to_do),
            limits: words.does_not_prove,
            charge: charge(finding.effect),
            charged: Charged::new(&finding.subject),
        }
    }
}

impl Line {
    /// Findings that say the same in words are one line, with the entries of all.
    fn all(findings: &[&Finding]) -> Vec<Self> {
        let mut said: Vec<(&str, usize, [BTreeSet<LeafIndex>; 2])> = Vec::new();
        for finding in findings {
            let place = said.iter().position(|(detail, ..)| *detail == finding.detail).unwrap_or_else(|| {
                said.push((&finding.detail, 0, Default::default()));
                said.len() - 1
            });
            let (_, times, [causes, entries]) = &mut said[place];
            *times += 1;
            causes.extend(&finding.causes);
            entries.extend(&finding.entries);
        }
        let line = |(detail, times, [causes, entries]): (&str, usize, [BTreeSet<LeafIndex>; 2])| {
            let (happened, clause) = plain(detail);
            Self {
                happened: Said::message(happened),
                clause: clause.map(|(clause, reason)| (Said::name(clause), Said::name(reason))),
                times: (times > 1).then_some(times),
                entries: Entries::new(&entries.difference(&causes).copied().collect::<Vec<_>>()),
                causes: Entries::new(&causes.into_iter().collect::<Vec<_>>()),
            }
        };
        said.into_iter().map(line).collect()
    }
}

/// What a refusal tells, and apart from it its clause and its reason, which stand
/// at its end: "… (tools.argo_cd.deny[0] of the policy at entry 1) [denied]".
fn plain(detail: &str) -> (&str, Option<(&str, &str)>) {
    let parts = || {
        let (rest, reason) = detail.strip_suffix(']')?.rsplit_once(") [")?;
        let (told, clause) = rest.rsplit_once(" (")?;
        let is_code = |c: char| c.is_ascii_lowercase() || c == '_';
        reason.chars().all(is_code).then_some((told, (clause, reason)))
    };
    parts().map_or((detail, None), |(told, clause)| (told, Some(clause)))
}

impl Entries {
    pub(crate) fn new(entries: &[LeafIndex]) -> Self {
        let left = entries.len().saturating_sub(ENTRIES_SHOWN) as u64;
        Self {
            shown: entries.iter().take(ENTRIES_SHOWN).map(|at| at.get()).collect(),
            left: (left > 0).then(|| words::quantity(left)),
        }
    }
}

impl Charged {
    pub(crate) fn new(subject: &Subject) -> Self {
        let said = |text: &Option<String>| text.as_deref().map(Said::name);
        let run = subject.agent.as_deref().zip(subject.run.as_deref());
        Self {
            job: subject.job.as_deref().map(|job| (page::job(job), Said::name(job))),
            run: run.map(|(agent, run)| (page::run(agent, run), Said::name(run))),
            agent: subject.agent.as_deref().map(Chip::did),
            token: subject.token.as_deref().map(Chip::hash),
            app: subject.app.as_deref().map(|app| (page::app(app), Said::name(app))),
            submitter: said(&subject.submitter),
            is_nobody: *subject == Subject::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_refusal_is_told_without_its_clause_and_everything_else_as_it_is() {
        let refusal = "this change is not allowed (tools.argo_cd.deny[0] of the policy at entry 1) [denied_here]";
        let clause = ("tools.argo_cd.deny[0] of the policy at entry 1", "denied_here");
        assert_eq!(plain(refusal), ("this change is not allowed", Some(clause)));
        for other in ["the agent said (so) [twice", "a [b]", "a (b) [C]", "", ") ["] {
            assert_eq!(plain(other), (other, None));
        }
    }
}
