//! What the follower drops when it comes to a withholding: every row that an entry
//! had by what its body says. It is filed anew as one whose body nobody has.
//!
//! Rows are deleted before the cursor passes the withholding, so that a crash does
//! it again; and bodies are erased only after both are on the disk. So whoever is
//! dropped here still says what its rows are, or never had any.

use std::collections::BTreeSet;

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::Value;
use crate::artifact::{Keys, Kind};
use crate::audit::{Filing, Link, filed_under};
use crate::entry::SequencedEntry;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::index::Scan;
use crate::server::index::follower::Follower;
use crate::server::index::names::{Kept, Named, Sort, Standing, names_of};
use crate::server::index::rows::{
    Batch, Met, Rows, first_prefix, kind_prefix, link_prefix, name_prefix, run_prefix, whole_prefix,
};
use crate::server::log::filed;
use crate::server::log::withholding::{all_by, same_as, withheld_by};
use crate::server::store::layout::number_key;
use crate::server::store::{Store, StoreError, Way};

/// Bundles looked at a time.
const BUNDLES_AT_ONCE: usize = 1_000;
/// Other bearers of a name among which the next one that a list shows is looked for.
const BEARERS_MAX: usize = 1_000;

impl Follower {
    /// Drops what these artifacts are found by: rows of every entry that shows the
    /// same. Cost: the body of every bundle is read once.
    pub(super) fn withhold(&mut self, withheld: &[(LeafIndex, ArtifactDigest)]) -> Result<(), StoreError> {
        let mut dropped = BTreeSet::new();
        for (_, digest) in withheld {
            dropped.extend(same_as(&self.store, digest, usize::MAX)?);
        }
        let by: BTreeSet<LeafIndex> = withheld.iter().map(|(by, _)| *by).collect();
        dropped.extend(bundles_by(&self.store, |at| by.contains(&at))?);
        let none = Met::new();
        for at in dropped {
            self.forget(at, &none)?;
        }
        // Some names are not kept any more.
        self.met = Met::new();
        Ok(())
    }

    fn forget(&self, at: LeafIndex, met: &Met) -> Result<(), StoreError> {
        let (Some(entry), Some(body)) = (self.store.entry(at)?, self.store.body(at)?) else { return Ok(()) };
        let Ok(entry) = SequencedEntry::decode(&entry) else { return Ok(()) };
        let Some((hash, payload)) = filed::read(&entry, &body) else { return Ok(()) };
        if withheld_by(self.store.withheld(), &entry, &body).is_none() {
            return Ok(());
        }
        let roots = Scan::of(&self.store).newest(&Link::ROOTS, TreeSize::new(at.get()))?;
        let roots = roots.map(|roots| self.payload(roots)).transpose()?.flatten().map(|(_, payload)| payload);
        let filed = |body| {
            let filing = Filing { at, entry: &entry, body };
            filed_under(&filing, roots.as_ref(), &self.operator, Some(&self.origin))
        };
        let keys = (entry.kind.row().keys)(&payload);
        let names = names_of(&entry, &keys, Some(&payload));
        let dropped = rows_of(at, &keys, &filed(Some((hash, &payload))), &names);
        let (none, links, names_left) =
            (Keys::default(), filed(None), names_of(&entry, &Keys::default(), None::<&Value>));
        let rows = Rows { index: at, kind: Some(entry.kind), keys: &none, links: &links, names: &names_left };
        let mut batch = Batch::default();
        rows.put(&mut batch, met, &self.store)?;
        batch.write_for(&self.store, &dropped)?;
        for Named { sort, name } in names.iter().filter(|named| named.sort.is_kept()) {
            for standing in Standing::BOTH {
                self.unkeep(at, (*sort, name, standing), keys.agent.as_deref())?;
            }
        }
        Ok(())
    }

    /// A name that nobody bears any more is kept no longer; one that was met first
    /// here was met first at the next that bears it.
    fn unkeep(
        &self,
        at: LeafIndex,
        (sort, name, standing): (Sort, &str, Standing),
        agent: Option<&str>,
    ) -> Result<(), StoreError> {
        let Some(kept) = Kept::bytes(sort, name, agent) else { return Ok(()) };
        let scan = Scan::of(&self.store);
        let mut left = scan.up(&name_prefix(name, sort, standing), 0, None, BEARERS_MAX)?;
        if sort == Sort::Run {
            let of_agent = scan.up(&run_prefix(agent.unwrap_or_default(), name), 0, None, BEARERS_MAX)?;
            left.retain(|at| of_agent.binary_search(at).is_ok());
        }
        let whole = [&whole_prefix(sort, standing)[..], &kept].concat();
        let first = |at: LeafIndex| [&first_prefix(sort, standing)[..], &number_key(at.get()), &kept].concat();
        let mut dropped = if left.is_empty() { vec![whole] } else { Vec::new() };
        let mut added = None;
        if sort.is_listed() && self.store.search_row(&first(at))?.is_some() && !left.contains(&at) {
            dropped.push(first(at));
            added = left.first().copied().map(first);
        }
        self.store.search_change(&dropped, added.iter().map(Vec::as_slice))
    }
}

/// Every row that an entry may have, whoever's word it was.
fn rows_of(at: LeafIndex, keys: &Keys, links: &[Link], names: &[Named]) -> Vec<Vec<u8>> {
    let row = |prefix: &[u8]| [prefix, &number_key(at.get())].concat();
    let agent = keys.agent.as_deref().unwrap_or_default();
    let runs = keys.runs.iter().map(|run| row(&run_prefix(agent, run)));
    let linked = links.iter().chain([&Link::UNTRUSTED, &Link::UNREAD]).map(|link| row(&link_prefix(link)));
    let named = names
        .iter()
        .flat_map(|Named { sort, name }| Standing::BOTH.map(|standing| row(&name_prefix(name, *sort, standing))));
    runs.chain(linked).chain(named).collect()
}

/// Bundles that are withheld by one of these entries, lowest first: each whose body
/// is there is asked.
pub fn bundles_by(store: &Store, is_by: impl Fn(LeafIndex) -> bool) -> Result<Vec<LeafIndex>, StoreError> {
    let (mut found, mut from) = (Vec::new(), 0);
    loop {
        let some = store.search_walk(&kind_prefix(Kind::ProofBundle), from, Way::Up, BUNDLES_AT_ONCE)?;
        let Some(last) = some.last() else { return Ok(found) };
        from = last.get().saturating_add(1);
        for at in some {
            let (Some(entry), Some(body)) = (store.entry(at)?, store.body(at)?) else { continue };
            let Ok(entry) = SequencedEntry::decode(&entry) else { continue };
            if all_by(store.withheld(), &entry, &body).into_iter().any(&is_by) {
                found.push(at);
            }
        }
    }
}
