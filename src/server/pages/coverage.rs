//! How far a verdict reaches, and what is still open. No verdict on a page
//! reaches further than this says.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::digest::ArtifactDigest;
use crate::audit::{Absence, Pending, Unjudged, in_sorts};
use crate::merkle::LeafIndex;
use crate::server::pages::finding::{Charged, Entries};
use crate::server::pages::inline::{Chip, When};
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::words;
use crate::verify::verification::CoveragePart;

/// Rows of things that were seen and not judged.
const ROWS_MAX: usize = 20;

/// The coverage box.
pub(crate) struct Coverage {
    /// "24 entries, 0–23".
    pub searched: String,
    /// How many of them the verdict rests on.
    pub read: String,
    pub absence: AbsenceWords,
    /// Entry of the roots that it was judged under.
    pub roots: Option<u64>,
    /// Whole digest of these.
    pub roots_digest: Option<String>,
    pub operator: Chip,
    pub not_judged: Vec<Sort>,
    pub left: Option<String>,
}

/// Who looked for what is not there.
pub(crate) struct AbsenceWords {
    pub word: &'static str,
    pub sentence: String,
    /// Entry of the operator's statement.
    pub entry: Option<u64>,
}

/// What was seen and not judged, of one sort: what it is, means and asks for.
pub(crate) struct Sort {
    pub of: &'static Unjudged,
    pub rows: Vec<NotJudged>,
}

/// Something that was seen and not judged.
pub(crate) struct NotJudged {
    pub what: &'static str,
    pub entries: Entries,
}

/// An obligation whose window is open.
pub(crate) struct Due {
    pub code: &'static str,
    pub title: &'static str,
    pub until: When,
    /// Whether its time is over by the server's clock, with nothing later logged.
    pub is_overdue: bool,
    pub entries: Entries,
    /// Everybody that it would be charged to.
    pub charged: Vec<Charged>,
}

impl Coverage {
    /// # Errors
    /// Those of the view.
    pub(crate) fn new(reader: &Reader, part: Option<&CoveragePart>) -> Result<Self, Trouble> {
        let size = part.and_then(|part| part.as_of).map_or(0, |as_of| as_of.size.get());
        let rows = part.map(|part| part.not_judged.as_slice()).unwrap_or_default();
        let (mut not_judged, mut shown, mut left) = (Vec::new(), 0, 0);
        for (of, rows) in in_sorts(rows) {
            let room = ROWS_MAX.saturating_sub(shown).min(rows.len());
            left += (rows.len() - room) as u64;
            shown += room;
            let row = |(what, entries): (&'static str, BTreeSet<LeafIndex>)| NotJudged {
                what,
                entries: Entries::new(&entries.into_iter().collect::<Vec<_>>()),
            };
            let rows: Vec<_> = rows.into_iter().take(room).map(row).collect();
            if !rows.is_empty() {
                not_judged.push(Sort { of, rows });
            }
        }
        Ok(Self {
            searched: reach(size),
            read: words::entries(part.map_or(0, |part| part.entries)),
            absence: AbsenceWords::new(part.map_or(Absence::NotChecked, |part| part.absence), size),
            roots: part.and_then(|part| part.roots_digest).map_or(Ok(None), |roots| entry_of(reader, &roots, size))?,
            roots_digest: part.and_then(|part| part.roots_digest).map(|roots| roots.to_string()),
            operator: Chip::did(reader.facts.operator.as_str()),
            not_judged,
            left: (left > 0).then(|| words::quantity(left)),
        })
    }
}

/// "24 entries, 0–23".
pub(crate) fn reach(size: u64) -> String {
    match size {
        0 => words::entries(0),
        1 => format!("{}, entry 0", words::entries(1)),
        size => format!("{}, 0–{}", words::entries(size), size - 1),
    }
}

/// The first entry below `size` that holds these roots.
fn entry_of(reader: &Reader, digest: &ArtifactDigest, size: u64) -> Result<Option<u64>, Trouble> {
    let found = reader.view().find_artifact(digest)?;
    Ok(found.iter().map(|entry| entry.index.get()).filter(|index| *index < size).min())
}

impl AbsenceWords {
    pub(crate) fn new(absence: Absence, size: u64) -> Self {
        let (word, sentence, entry) = match absence {
            Absence::Recomputed => {
                let sentence = format!("Server read all {}.", words::entries(size));
                ("recomputed", sentence, None)
            }
            Absence::Attested { entry } => {
                let sentence = format!("Operator attests it in entry {entry}; it was not recomputed.");
                ("attested", sentence, Some(entry.get()))
            }
            Absence::NotChecked => ("not checked", "Nobody has checked what else stands in the log.".to_owned(), None),
        };
        Self { word, sentence, entry }
    }
}

impl Due {
    /// What is owed; one thing that several would be charged with is one.
    /// `now_ms`: the server's clock, where the newest entries are shown.
    pub(crate) fn all(pending: &[Pending], now_ms: Option<u64>) -> Vec<Self> {
        let is_over = |until: i64| now_ms.is_some_and(|now| i64::try_from(now).is_ok_and(|now| now > until));
        let mut rows: BTreeMap<_, Self> = BTreeMap::new();
        for of in pending {
            let due = rows.entry((&of.entries, of.rule.code, of.until_ms)).or_insert_with(|| Self {
                is_overdue: is_over(of.until_ms),
                code: of.rule.code,
                title: of.rule.title,
                until: When::second(u64::try_from(of.until_ms).unwrap_or_default()),
                entries: Entries::new(&of.entries),
                charged: Vec::new(),
            });
            due.charged.push(Charged::new(&of.subject));
        }
        rows.into_values().collect()
    }
}
