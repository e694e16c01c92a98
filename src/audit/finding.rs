//! What a rule found, and whom it is charged to.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::inserted::Inserted;
use crate::audit::reconcile;
use crate::audit::rule::{Effect, Rule, Severity};
use crate::audit::undecided::NotHere;
use crate::audit::windows::NAMED_MAX;
use crate::merkle::LeafIndex;
use crate::shapes::{HashText, UnixMs};

/// Whom or what a finding is charged to. Names come from statements whose
/// signers held the role; they are untrusted text all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Subject {
    /// Job that it is charged to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Run that it is charged to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// DID of the agent that it is charged to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Hash of the token that it is charged to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HashText")]
    pub token: Option<String>,
    /// Application that was acted on: `instance/namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Only where no job is charged: who sent a statement that counts for
    /// nothing, or that speaks of what its signer's role does not cover. Beside
    /// an agent, it is of none of that agent's jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitter: Option<String>,
    /// Only where a job is charged and none of its agents for sure: those whom
    /// it can concern. Nobody here: the job, whoever its agents are. A reader
    /// tells by it whose documents it is about; no answer shows it.
    #[serde(skip)]
    pub concerns: BTreeSet<String>,
}

impl Subject {
    /// Whether an agent of the job that is charged may be meant.
    pub(crate) fn may_concern(&self, agent: Option<&str>) -> bool {
        match &self.agent {
            Some(own) => Some(own.as_str()) == agent,
            None => self.concerns.is_empty() || agent.is_some_and(|agent| self.concerns.contains(agent)),
        }
    }
}

/// One finding. Ordered by the entries that show it, then by code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Finding {
    /// Leaf indexes that show it, ascending.
    pub entries: Vec<LeafIndex>,
    /// Stable; `pulselog explain CODE` says what it means.
    #[serde(rename = "code")]
    #[schemars(with = "String", regex(pattern = "^[A-Z_]+$"))]
    pub rule: &'static Rule,
    /// How bad it is.
    pub severity: Severity,
    /// What it does to the verdict.
    pub effect: Effect,
    #[serde(flatten)]
    pub subject: Subject,
    /// This case in words. Holds names from evidence: untrusted, unescaped.
    pub detail: String,
    /// What it waits for: bodies and entries that are not here and could settle
    /// it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = NAMED_MAX + 1))]
    pub not_here: Vec<NotHere>,
    /// Those of its entries that cause it, ascending; the others only show it.
    /// Empty where what causes it is not in the log.
    pub causes: Vec<LeafIndex>,
}

impl Finding {
    pub(super) fn new(
        rule: &'static Rule,
        subject: &Subject,
        entries: impl IntoIterator<Item = LeafIndex>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            entries: entries.into_iter().inserted::<BTreeSet<_>>().into_iter().collect(),
            rule,
            severity: rule.severity,
            effect: rule.effect,
            subject: subject.clone(),
            detail: detail.into(),
            not_here: Vec::new(),
            causes: Vec::new(),
        }
    }
}

/// Said where what was read does not tell.
const PART_READ: &str = "; only what links join was read, and a decision that they do not join may explain it: whether \
    one does, the audit of the log says";

impl Finding {
    /// Whether nothing but a decision that no link joins could explain it.
    #[must_use]
    pub fn rests_on_the_unlinked(&self) -> bool {
        self.effect == Effect::Fails && reconcile::rests_on_the_unlinked(self.rule)
    }

    /// Whether this rests on looks at an application, which no link joins with what
    /// was decided.
    #[must_use]
    pub fn rests_on_an_application(&self) -> bool {
        reconcile::rests_on_an_application(self.rule)
    }

    /// Whether this says that nobody looked: what may have been done in that time
    /// is open, for many at once.
    #[must_use]
    pub fn rests_on_silence(&self) -> bool {
        reconcile::rests_on_silence(self.rule)
    }

    /// Whether this says the same of the same, in whatever words.
    #[must_use]
    pub fn is_again(&self, other: &Self) -> bool {
        (self.rule.code, self.effect, &self.subject, &self.entries)
            == (other.rule.code, other.effect, &other.subject, &other.entries)
    }

    /// The same, said by whoever read only what links join: a decision that may
    /// explain it without being tied to it was not read, and what was not read accuses
    /// nobody. Nothing of times without a look: looks that were not read may fill
    /// them.
    #[must_use]
    pub fn of_a_part(self) -> Option<Self> {
        match () {
            () if reconcile::rests_on_silence(self.rule) => None,
            () if self.rests_on_the_unlinked() => {
                Some(Self { effect: Effect::Incomplete, detail: self.detail + PART_READ, ..self })
            }
            () => Some(self),
        }
    }
}

/// An obligation whose window is still open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Pending {
    /// Leaf indexes that oblige.
    pub entries: Vec<LeafIndex>,
    /// The code it becomes when nothing comes.
    #[serde(rename = "code")]
    #[schemars(with = "String", regex(pattern = "^[A-Z_]+$"))]
    pub rule: &'static Rule,
    #[serde(flatten)]
    pub subject: Subject,
    /// End of the window.
    #[schemars(with = "UnixMs")]
    pub until_ms: i64,
}

/// What the rules write into.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    pub found: BTreeSet<Finding>,
    pub pending: BTreeSet<Pending>,
    /// Label of what was not judged, whom it concerns, and where.
    pub uncovered: BTreeMap<&'static str, BTreeMap<Subject, BTreeSet<LeafIndex>>>,
}

impl Findings {
    pub(super) fn add(
        &mut self,
        rule: &'static Rule,
        subject: &Subject,
        entries: impl IntoIterator<Item = LeafIndex>,
        detail: impl Into<String>,
    ) {
        self.found.insert(Finding::new(rule, subject, entries, detail));
    }

    /// The milder form of a rule that fails, as its row says: this case leaves
    /// the verdict incomplete.
    pub(super) fn leave_open(
        &mut self,
        rule: &'static Rule,
        severity: Severity,
        subject: &Subject,
        entries: impl IntoIterator<Item = LeafIndex>,
        detail: impl Into<String>,
    ) {
        let found = Finding::new(rule, subject, entries, detail);
        self.found.insert(Finding { severity, effect: Effect::Incomplete, ..found });
    }

    /// Evidence that is not here.
    pub(super) fn lack(
        &mut self,
        rule: &'static Rule,
        subject: &Subject,
        entries: impl IntoIterator<Item = LeafIndex>,
        detail: impl Into<String>,
        not_here: Vec<NotHere>,
    ) {
        let found = Finding::new(rule, subject, entries, detail);
        self.found.insert(Finding { not_here, ..found });
    }

    pub(super) fn wait(&mut self, rule: &'static Rule, subject: &Subject, at: LeafIndex, until_ms: i64) {
        self.pending.insert(Pending { entries: vec![at], rule, subject: subject.clone(), until_ms });
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.found.extend(other.found.iter().cloned());
        self.pending.extend(other.pending.iter().cloned());
        for (what, of) in &other.uncovered {
            for (subject, entries) in of {
                entries.iter().for_each(|at| self.uncover(what, subject, *at));
            }
        }
    }

    /// Notes something that was seen and not judged.
    pub(super) fn uncover(&mut self, what: &'static str, subject: &Subject, at: LeafIndex) {
        let of = self.uncovered.entry(what).or_default();
        match of.get_mut(subject) {
            Some(entries) => _ = entries.insert(at),
            None => _ = of.insert(subject.clone(), BTreeSet::from([at])),
        }
    }
}
