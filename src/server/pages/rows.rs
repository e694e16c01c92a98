//! Entries as rows of a list: one line each, the whole first phrase a link.

use crate::artifact::Kind;
use crate::audit::Finding;
use crate::merkle::LeafIndex;
use crate::server::addresses::page;
use crate::server::log::view::StoredEntry;
use crate::server::pages::document;
use crate::server::pages::finding::Grade;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::party::Party;
use crate::server::pages::states::Word;

/// A finding that rests on an entry.
pub(crate) struct Mark {
    /// Only where the entry causes it: what merely shows it is not the culprit.
    pub grade: Option<Grade>,
    pub code: &'static str,
}

impl Mark {
    /// Findings that rest on any of these entries, what they cause first.
    pub(crate) fn of(findings: &[Finding], is_here: impl Fn(&LeafIndex) -> bool) -> Vec<Self> {
        let mut marks: Vec<Self> = Vec::new();
        for finding in findings.iter().filter(|finding| finding.causes.iter().any(&is_here)) {
            if marks.iter().all(|mark| mark.code != finding.rule.code) {
                marks.push(Self { grade: Some(Grade::of_finding(finding)), code: finding.rule.code });
            }
        }
        for finding in findings.iter().filter(|finding| finding.entries.iter().any(&is_here)) {
            if marks.iter().all(|mark| mark.code != finding.rule.code) {
                marks.push(Self { grade: None, code: finding.rule.code });
            }
        }
        marks
    }
}

/// One entry in a list.
pub(crate) struct EntryRow {
    pub index: u64,
    pub href: String,
    pub title: &'static str,
    pub kind: &'static str,
    /// `None` when unsigned.
    pub signer: Option<Chip>,
    pub submitter: Said,
    pub logged: When,
    /// What it names, when a page has read the body: label and text.
    pub names: Vec<(&'static str, Said)>,
    /// Digest, where rows are told apart by it.
    pub digest: Option<Chip>,
    /// Entries between the row before and this one that the list leaves out.
    pub gap: Option<String>,
    /// Findings that it causes or shows, each code once.
    pub marks: Vec<Mark>,
    /// Verdicts on it, by whose rules.
    pub verdicts: Vec<(&'static str, Word)>,
    /// What a reader must know before counting it.
    pub note: Option<&'static str>,
    /// The run that it is of, where the page is of another one of the job.
    pub of_run: Option<(String, Said)>,
    /// Who signed it, by role, where a page has looked that up.
    pub party: Option<Party>,
    /// Whether rights end with it.
    pub is_end: bool,
    /// Whether the page tells of it above the list.
    pub is_told: bool,
}

impl EntryRow {
    pub(crate) fn new(stored: &StoredEntry) -> Self {
        let entry = &stored.entry;
        Self {
            index: stored.index.get(),
            href: page::entry(stored.index),
            title: entry.kind.title(),
            kind: entry.kind.name(),
            signer: document::signer(stored),
            submitter: Said::name(entry.submitter.as_str()),
            logged: When::second(entry.logged_at.unix_ms()),
            names: Vec::new(),
            digest: None,
            gap: None,
            marks: Vec::new(),
            verdicts: Vec::new(),
            note: None,
            of_run: None,
            party: None,
            is_end: entry.kind == Kind::CstRevocation,
            is_told: false,
        }
    }

    /// Marks the row with the findings that rest on its entry, each code once.
    pub(crate) fn mark(&mut self, findings: &[Finding]) {
        self.marks = Mark::of(findings, |at| at.get() == self.index);
    }

    /// Of a statement that counts for nothing, `why`. An agent is whom it names
    /// itself to be: where nobody gave it that role, the row claims none.
    pub(crate) fn set_aside(&mut self, why: &'static str) {
        self.note = Some(why);
        self.party = self.party.take().filter(|party| party.role != "agent");
    }

    pub(crate) fn with_digest(mut self, stored: &StoredEntry) -> Self {
        self.digest = Some(Chip::hash(&stored.entry.digest.to_string()));
        self
    }
}

/// Rows in index order, with a word about what stands between them.
pub(crate) fn with_gaps(mut rows: Vec<EntryRow>, what: &str) -> Vec<EntryRow> {
    let mut before: Option<u64> = None;
    for row in &mut rows {
        let expected = before.map_or(row.index, |b| b + 1);
        row.gap = match row.index - expected {
            0 => None,
            1 => Some(format!("entry {expected} is not joined to this {what}")),
            _ => Some(format!("entries {expected}–{} are not joined to this {what}", row.index - 1)),
        };
        before = Some(row.index);
    }
    rows
}
