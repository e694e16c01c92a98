//! The entries that pass a filter, newest first: those of its rarest name, or
//! of its kind, or all, looked through in steps of a bounded size.

use std::ops::Range;

use crate::artifact::Kind;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::index::names::{Sort, Standing, names_of};
use crate::server::judge::AuditsError;
use crate::server::log::view::{StoredEntry, View, ViewError};
use crate::server::lookup::COUNTED_MAX;
use crate::server::pages::party::Party;
use crate::server::pages::reader::Reader;
use crate::server::pages::record::{STRANGER, summary};
use crate::server::pages::rows::EntryRow;
use crate::server::pages::trouble::Trouble;

/// Entries that one page looks through.
const LOOKED_MAX: usize = 2_000;
/// Bytes of bodies that one page reads, for what their rows name.
const READ_BYTES_MAX: u64 = 4 << 20;

/// Which entries are asked for; each member narrows.
pub(super) struct Filter {
    pub kind: Option<Kind>,
    pub names: Vec<(Sort, String)>,
    /// Unix milliseconds: from, and up to but without.
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// Only entries below it.
    pub below: TreeSize,
}

/// One page of them.
pub(super) struct Page {
    pub rows: Vec<EntryRow>,
    pub entries: Vec<StoredEntry>,
    /// Entries below this are still to be looked through.
    pub next: Option<TreeSize>,
    /// Entries that this page looked through.
    pub looked: Range<u64>,
    /// How far the index has read, where it lags.
    pub behind: Option<TreeSize>,
}

/// The page; `with_rows`: with what the bodies of its entries name.
///
/// # Errors
/// Those of the view, and of the store.
pub(super) fn page(reader: &Reader, filter: &Filter, limit: usize, with_rows: bool) -> Result<Page, Trouble> {
    let view = reader.view();
    let needs_index = filter.kind.is_some() || !filter.names.is_empty();
    let is_whole = !needs_index || reader.index.wait(view.size());
    let reached = if is_whole { view.size() } else { reader.index.followed().min(view.size()) };
    let least = filter.from.map_or(Ok(0), |ms| first_at(view, ms))?;
    let most = filter.to.map_or(Ok(reached.get()), |ms| first_at(view, ms))?;
    let below = filter.below.get().min(most).min(reached.get()).max(least);
    let candidates = candidates(reader, filter, least..below)?;
    let is_cut = candidates.len() == LOOKED_MAX;
    let (mut found, mut lowest) = (Vec::new(), if is_cut { below } else { least });
    for at in candidates {
        if found.len() == limit {
            lowest = lowest.max(at.get() + 1);
            break;
        }
        lowest = if is_cut { at.get() } else { lowest };
        let stored = view.entry(at)?;
        if passes(reader, filter, &stored)? {
            found.push(stored);
        }
    }
    let rows = if with_rows { rows(reader, filter, &found, reached)? } else { Vec::new() };
    if found.is_empty() && least == 0 {
        view.check_none(view.size())?;
    }
    Ok(Page {
        rows,
        entries: found,
        next: (lowest > least).then(|| TreeSize::new(lowest)),
        looked: lowest..below,
        behind: (!is_whole).then_some(reached),
    })
}

/// The lowest entry that was logged at this time or later: times never go back.
fn first_at(view: &View, ms: i64) -> Result<u64, ViewError> {
    let (mut low, mut high) = (0, view.size().get());
    while low < high {
        let middle = low + (high - low) / 2;
        let logged = view.entry(LeafIndex::new(middle))?.entry.logged_at.unix_ms();
        match i64::try_from(logged).unwrap_or(i64::MAX) < ms {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low)
}

/// Entries that may pass, newest first, at most [`LOOKED_MAX`].
fn candidates(reader: &Reader, filter: &Filter, range: Range<u64>) -> Result<Vec<LeafIndex>, Trouble> {
    let (index, below) = (&reader.index, TreeSize::new(range.end));
    let mut rarest: Option<(usize, (Sort, &str))> = None;
    for (sort, name) in &filter.names {
        let named = (*sort, name.as_str());
        let count = index.named(named, LeafIndex::new(0), below, COUNTED_MAX + 1).map_err(AuditsError::from)?.len();
        if rarest.is_none_or(|(least, _)| count < least) {
            rarest = Some((count, named));
        }
    }
    let mut found = match (rarest, filter.kind) {
        (Some((_, named)), _) => index.newest_named(named, below, LOOKED_MAX).map_err(AuditsError::from)?,
        (None, Some(kind)) => index.latest(kind, below, LOOKED_MAX).map_err(AuditsError::from)?,
        (None, None) => range.clone().rev().take(LOOKED_MAX).map(LeafIndex::new).collect(),
    };
    found.retain(|at| at.get() >= range.start);
    Ok(found)
}

fn passes(reader: &Reader, filter: &Filter, stored: &StoredEntry) -> Result<bool, Trouble> {
    if filter.kind.is_some_and(|kind| kind != stored.entry.kind) {
        return Ok(false);
    }
    for (sort, name) in &filter.names {
        if reader.index.bears(stored.index, (*sort, name)).map_err(AuditsError::from)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Rows with what their bodies name, as far as bodies are read; one whose body
/// does not bear a name after all is dropped.
fn rows(reader: &Reader, filter: &Filter, found: &[StoredEntry], reached: TreeSize) -> Result<Vec<EntryRow>, Trouble> {
    let (mut rows, mut left) = (Vec::with_capacity(found.len()), READ_BYTES_MAX);
    for stored in found {
        let mut row = EntryRow::new(stored);
        if let Some(rest) = left.checked_sub(stored.entry.body_bytes) {
            left = rest;
            let paper = reader.desk().read(stored.index)?;
            let borne = names_of(&stored.entry, &paper.keys(), paper.payload());
            let bears = |(sort, name): &(Sort, String)| borne.iter().any(|of| of.sort == *sort && of.name == *name);
            if !filter.names.iter().all(bears) {
                continue;
            }
            row.names = summary(&paper);
            row.party = Party::of_row(reader, &paper)?;
        }
        let is_filed = stored.index.get() < reached.get() && stored.index.get() < reader.index.followed().get();
        if is_filed && reader.index.standing(stored.index).map_err(AuditsError::from)? == Standing::Other {
            row.set_aside(STRANGER);
        }
        rows.push(row);
    }
    Ok(rows)
}
