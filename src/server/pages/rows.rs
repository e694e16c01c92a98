//! Entries as rows of a list: one line each, the whole first phrase a link.

use crate::artifact::Kind;
use crate::audit::Finding;
use crate::server::addresses::page;
use crate::server::log::view::StoredEntry;
use crate::server::pages::document;
use crate::server::pages::finding::Grade;
use crate::server::pages::inline::{Chip, Said, When};
use crate::server::pages::states::Word;

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
    /// Codes of findings that rest on it.
    pub codes: Vec<(Grade, &'static str)>,
    /// Verdicts on it, by whose rules.
    pub verdicts: Vec<(&'static str, Word)>,
    /// What a reader must know before counting it.
    pub note: Option<&'static str>,
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
            codes: Vec::new(),
            verdicts: Vec::new(),
            note: None,
            is_end: entry.kind == Kind::CstRevocation,
            is_told: false,
        }
    }

    /// Marks the row with the findings that rest on its entry, each code once.
    pub(crate) fn mark(&mut self, findings: &[Finding]) {
        let here = findings.iter().filter(|f| f.entries.iter().any(|at| at.get() == self.index));
        for finding in here {
            if self.codes.iter().all(|(_, code)| *code != finding.rule.code) {
                self.codes.push((Grade::of(finding.severity), finding.rule.code));
            }
        }
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
