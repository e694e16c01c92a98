//! One finding as a card: what happened, why it matters, what to do, what it
//! does not prove, and whom it is charged to. Words are those of the rule.

use std::borrow::Cow;

use crate::audit::{Effect, Finding, Severity, Subject};
use crate::merkle::LeafIndex;
use crate::server::addresses::page;
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::words;

/// Entries that one list links to; the rest is counted.
const ENTRIES_SHOWN: usize = 12;

/// A finding, ready to show.
pub(crate) struct Card {
    pub severity: Grade,
    pub title: Cow<'static, str>,
    pub code: &'static str,
    /// What it does to the verdict.
    pub effect: &'static str,
    pub happened: Said,
    pub entries: Entries,
    pub why: Cow<'static, str>,
    pub todo: Said,
    pub limits: Cow<'static, str>,
    pub charged: Charged,
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

impl Card {
    pub(crate) fn new(finding: &Finding) -> Self {
        let words = finding.words();
        Self {
            severity: if finding.is_undecided() { Grade::UNDECIDED } else { Grade::of(finding.severity) },
            title: words.title,
            code: finding.rule.code,
            effect: effect(finding.effect),
            happened: Said::message(&finding.detail),
            entries: Entries::new(&finding.entries),
            why: words.why,
            todo: Said::message(&words.what_to_do),
            limits: words.does_not_prove,
            charged: Charged::new(&finding.subject),
        }
    }
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
