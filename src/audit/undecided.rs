//! What is said of an accusation that cannot be decided, because something
//! that could settle it is not here. Every rule's words pass through here: what
//! is missing is never evidence of guilt, so nothing may read like a breach.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::artifact::Kind;
use crate::audit::finding::Finding;
use crate::audit::inserted::Inserted;
use crate::audit::rule::{Effect, Rule};
use crate::audit::windows::NAMED_MAX;
use crate::audit::{attestation, trust};
use crate::merkle::LeafIndex;

/// What every rule that accuses adds to its words.
pub const WHILE_UNDECIDED: &str = "While something is not here that could settle it, a body or an entry, the finding \
     is undecided and accuses nobody: it names what to bring.";

/// What is not here: the body of one entry, or a stretch of entries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct NotHere {
    /// Leaf index of the entry, or of the first of a stretch.
    pub first: LeafIndex,
    /// The same, or the last of a stretch.
    pub last: LeafIndex,
    /// Kind of the entry whose body alone is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The file of a packet that holds that body, by the packet's own list.
    /// Untrusted text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl NotHere {
    /// An entry that is here without its body.
    pub(super) const fn body(at: LeafIndex, kind: Kind) -> Self {
        Self { first: at, last: at, kind: Some(kind), file: None }
    }

    /// Entries that are not here at all.
    pub(super) const fn entries(first: LeafIndex, last: LeafIndex) -> Self {
        Self { first, last, kind: None, file: None }
    }

    /// As many as a finding keeps: one more than it names.
    pub(super) fn few(all: impl Iterator<Item = Self>) -> Vec<Self> {
        let few: BTreeSet<_> = all.take(NAMED_MAX + 1).inserted();
        few.into_iter().collect()
    }

    fn words(&self) -> String {
        match self.kind {
            Some(kind) => format!("entry {} is {} {kind} whose body is not here", self.first, article(kind.name())),
            None if self.first == self.last => format!("entry {} is not here", self.first),
            None => format!("entries {} to {} are not here", self.first, self.last),
        }
    }

    fn to_bring(&self) -> String {
        match (&self.file, self.kind) {
            (Some(file), _) => format!("{file} (the body of entry {})", self.first),
            (None, Some(kind)) => format!("the body of entry {} ({kind})", self.first),
            (None, None) if self.first == self.last => format!("entry {}", self.first),
            (None, None) => format!("entries {} to {}", self.first, self.last),
        }
    }
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// Each of these in words, not more than a finding names.
pub(super) fn listed(all: &[NotHere]) -> String {
    joined(all, NotHere::words, "and more")
}

fn joined(all: &[NotHere], words: fn(&NotHere) -> String, more: &str) -> String {
    let mut out = String::new();
    let named = all.len().min(NAMED_MAX);
    for (place, one) in all.iter().take(NAMED_MAX).enumerate() {
        let before = match place {
            0 => "",
            _ if place + 1 == named && named == all.len() => " and ",
            _ => ", ",
        };
        // Writing to a String never fails.
        let _ = write!(out, "{before}{}", words(one));
    }
    if all.len() > NAMED_MAX {
        let _ = write!(out, ", {more}");
    }
    out
}

/// What a finding says beside its own detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub title: Cow<'static, str>,
    pub why: Cow<'static, str>,
    /// May name files of a packet: untrusted text.
    pub what_to_do: Cow<'static, str>,
    pub does_not_prove: Cow<'static, str>,
}

impl Finding {
    /// Whether it accuses of nothing, although its rule would: something that
    /// could settle it is not here.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.effect == Effect::Incomplete && !self.not_here.is_empty() && self.rule.effect == Effect::Fails
    }

    /// The finding where one of these could undo it.
    pub(super) fn undecided(&self, not_here: Vec<NotHere>) -> Self {
        let detail = format!("{}, so this cannot be decided. Seen without it: {}", listed(&not_here), self.detail);
        Self { detail, effect: Effect::Incomplete, not_here, ..self.clone() }
    }

    /// The rule's words, or those for what cannot be decided.
    #[must_use]
    pub fn words(&self) -> Words {
        let rule = self.rule;
        let bring = || joined(&self.not_here, NotHere::to_bring, "and the others that are not here");
        if self.is_undecided() {
            return Words {
                title: format!("Not decided: {}", lower(rule.title)).into(),
                why:
                    "What is not here could settle it. What is missing is evidence of nothing: neither of a breach nor \
                      of its absence."
                        .into(),
                what_to_do: format!("Bring {}, and verify again.", bring()).into(),
                does_not_prove: "That anybody did anything wrong.".into(),
            };
        }
        let is_named = self.not_here.iter().any(|one| one.file.is_some());
        Words {
            title: rule.title.into(),
            why: rule.rationale.into(),
            what_to_do: match is_named {
                true => format!("Bring {}, and verify again. {}", bring(), rule.what_to_do).into(),
                false => rule.what_to_do.into(),
            },
            does_not_prove: rule.does_not_prove.into(),
        }
    }

    /// Place among the others for a reader: what fails, then what is not here,
    /// then what cannot be decided without it.
    fn rank(&self) -> u8 {
        match self.effect {
            Effect::Fails => 0,
            Effect::Incomplete if LACKS.contains(&self.rule) => 1,
            Effect::Incomplete if self.is_undecided() => 2,
            Effect::Incomplete => 3,
            Effect::Shown => 4,
        }
    }
}

/// What says that evidence is not here, and nothing else.
static LACKS: &[&Rule] = &[&attestation::EVIDENCE_MISSING, &trust::EVIDENCE_WITHHELD, &trust::ROOTS_MISSING];

/// Findings in the order in which people read them. A report has them in the
/// order of the log.
#[must_use]
pub fn in_reading_order<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<&'f Finding> {
    let mut all: Vec<_> = findings.into_iter().collect();
    all.sort_by_key(|finding| finding.rank());
    all
}

/// A title within a sentence.
fn lower(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().into_iter().flat_map(char::to_lowercase).chain(chars).collect()
}
