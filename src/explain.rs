//! Every code this program can print, in plain words: what it means and what to
//! do about it.
//!
//! ```text
//! explain("proof_path_length") -> [inclusion and consistency: "Proof of the wrong length" …]
//! ```
//!
//! A rendering of the tables: of [`codes`] for what this program says in its own
//! name, of the protocol's and the audit's for what they judge. One name may have
//! a meaning in two areas: both are given.

use crate::audit::{self, Rule};
use crate::codes;
use crate::protocol;

/// One code, in words. Title and action are for people; the code is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub code: &'static str,
    /// Which part of the program says it.
    pub area: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it means; one sentence, perhaps without capital and full stop.
    pub means: &'static str,
    /// What to do, in the same form.
    pub action: &'static str,
    /// When it means less than that.
    pub note: Option<&'static str>,
    /// The rule of the audit that this is, which says more.
    pub rule: Option<&'static Rule>,
}

/// Most codes that [`nearest`] proposes.
const NEAREST_MAX: usize = 3;
/// Longest text that is compared with the codes, or with other names.
const CODE_BYTES_MAX: usize = 96;

/// Every code: this program's own, the protocol's, the audit's.
pub fn all() -> impl Iterator<Item = Explanation> {
    let own = codes::all().map(|row| {
        let (code, area, title, means, action) = (row.name, row.area, row.title, row.means, row.action);
        Explanation { code, area, title, means, action, note: None, rule: None }
    });
    let protocol = protocol::CODES.iter().chain(protocol::RISK_FLAGS).map(|row| {
        let (code, title, means, action) = (row.code, row.title, row.means, row.action);
        Explanation { code, area: "protocol verdict", title, means, action, note: None, rule: None }
    });
    let findings = audit::RULE_GROUPS.iter().copied().flatten().map(|rule| {
        let (code, title, means, action) = (rule.code, rule.title, rule.rationale, rule.what_to_do);
        let note = (!rule.rests_on.is_empty()).then_some(audit::WHILE_UNDECIDED);
        Explanation { code, area: "audit finding", title, means, action, note, rule: Some(rule) }
    });
    own.chain(protocol).chain(findings)
}

/// What `code` means; in another case when no code is spelled that way. Empty
/// when there is no such code.
#[must_use]
pub fn explain(code: &str) -> Vec<Explanation> {
    let exact: Vec<_> = all().filter(|row| row.code == code).collect();
    if exact.is_empty() { all().filter(|row| row.code.eq_ignore_ascii_case(code)).collect() } else { exact }
}

/// Codes spelled much like `code`, the likest first; at most three.
#[must_use]
pub fn nearest(code: &str) -> Vec<&'static str> {
    nearest_of(code, all().map(|row| row.code))
}

/// Those of `names` that are spelled much like `name`, as [`nearest`].
#[must_use]
pub fn nearest_of<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let name = name.to_ascii_lowercase();
    if name.is_empty() || name.len() > CODE_BYTES_MAX {
        return Vec::new();
    }
    let mut near: Vec<(usize, &'n str)> = names
        .filter(|other| other.len() <= CODE_BYTES_MAX)
        .map(|other| (distance(&name, &other.to_ascii_lowercase()), other))
        .filter(|(edits, other)| *edits <= other.len().max(name.len()) / 2)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(NEAREST_MAX).map(|(_, other)| other).collect()
}

/// Fewest bytes to insert, delete or replace (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
