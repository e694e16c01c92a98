//! What the whole text is.

use crate::artifact::Kind;
use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::explain::explain;
use crate::merkle::{Hash, LeafHash, LeafIndex};
use crate::server::desk::Paper;
use crate::server::index::names::{Named, Sort, Standing, change, meets, names_of};
use crate::server::judge::AuditsError;
use crate::server::log::view::{StoredEntry, ViewError};
use crate::server::lookup::{COUNTED_MAX, Count, Group, LOOKUP_ENTRIES_MAX, Search, What, stated_policies};

/// Bodies held at once while their names are compared.
const READ_AT_ONCE: usize = 16;

impl Search<'_> {
    /// Looks for all that the whole text may be.
    pub(super) fn exact(&mut self) -> Result<(), AuditsError> {
        if let Some(hash) = self.asked.hash {
            self.by_hash(&hash)?;
        }
        if let Some(index) = self.asked.index {
            let is_there = index.get() < self.desk.view.size().get();
            self.add(What::Entry, is_there.then_some(index).into_iter().collect())?;
        }
        self.tried("code");
        if let Some(code) = explain(&self.asked.text).first().map(|row| row.code) {
            let group =
                Group { what: What::Code(code), standing: Standing::Holder, entries: vec![], count: Count::of(0) };
            self.found.groups.push(group);
        }
        // A hash bears its name in hex, whichever way it was asked for.
        let text = self.asked.text.clone();
        let name = self.asked.hash.as_ref().map_or_else(|| text.clone(), Hash::to_hex);
        let mut named = self.by_name(&name)?;
        if name != text {
            named.extend(self.by_name(&text)?);
        }
        self.found.tried.extend(Sort::ALL.map(Sort::name));
        self.found.groups.extend(named);
        self.found.groups.sort_by_key(|group| group.standing);
        Ok(())
    }

    /// Entries of one meaning, those of holders of a role apart from others.
    fn add(&mut self, what: What, entries: Vec<LeafIndex>) -> Result<(), AuditsError> {
        self.tried(what.kind());
        for standing in Standing::BOTH {
            let mut of = Vec::new();
            for at in entries.iter().copied() {
                // What has no rows yet is nobody's word yet.
                let is_filed = at.get() < self.below().get();
                let stands = if is_filed { self.index.standing(at)? } else { Standing::Other };
                if stands == standing {
                    of.push(at);
                }
            }
            let count = Count::of(of.len());
            of.truncate(LOOKUP_ENTRIES_MAX);
            if !of.is_empty() {
                self.found.groups.push(Group { what: what.clone(), standing, entries: of, count });
            }
        }
        Ok(())
    }

    fn by_hash(&mut self, hash: &Hash) -> Result<(), AuditsError> {
        let view = &self.desk.view;
        let bytes = *hash.as_bytes();
        let (digest, leaf, payload) =
            (ArtifactDigest::from_bytes(bytes), LeafHash::new(*hash), PayloadHash::from_bytes(bytes));
        let found = view.find_artifact(&digest)?;
        let kind = found.first().map_or(Kind::TrustPulse, |entry| entry.entry.kind);
        let places = |entries: Vec<StoredEntry>| entries.iter().map(|entry| entry.index).collect::<Vec<_>>();
        let leaves = places(view.find_leaf(&leaf)?.into_iter().collect());
        self.add(What::Artifact(digest, kind), places(found))?;
        self.add(What::Leaf(leaf), leaves)?;
        self.add(What::Payload(payload), self.desk.find_payload(&payload)?)?;
        self.add(What::Policy(payload), stated_policies(self.desk, self.index, &payload)?)
    }

    /// Entries that bear a name, by what it names and whose word it is.
    fn by_name(&mut self, name: &str) -> Result<Vec<Group>, AuditsError> {
        let mut groups = Vec::new();
        for (sort, standing) in Sort::ALL.into_iter().flat_map(|sort| Standing::BOTH.map(|standing| (sort, standing))) {
            let at = self.index.bearing((sort, name, standing), LeafIndex::new(0), self.below(), COUNTED_MAX + 1)?;
            if at.is_empty() {
                continue;
            }
            let count = Count::of(at.len());
            let (entries, of, is_all) = self.read((sort, name), &at)?;
            // A hash that was met by chance.
            if entries.is_empty() && is_all {
                continue;
            }
            let what = What::Named { sort, name: name.to_owned(), of };
            groups.push(Group { what, standing, entries, count });
        }
        Ok(groups)
    }

    /// Those of some entries that bear a name, what it is of, and whether all
    /// of them were read.
    fn read(
        &mut self,
        (sort, name): (Sort, &str),
        at: &[LeafIndex],
    ) -> Result<(Vec<LeafIndex>, Option<String>, bool), AuditsError> {
        let (mut entries, mut of, mut read) = (Vec::new(), None, 0);
        for part in at[..at.len().min(LOOKUP_ENTRIES_MAX)].chunks(READ_AT_ONCE) {
            if read > 0 && (self.left < part.len() || self.left_bytes == 0) {
                break;
            }
            for paper in self.desk.read_all(part)? {
                read += 1;
                self.left = self.left.saturating_sub(1);
                self.left_bytes = self.left_bytes.saturating_sub(paper.stored.entry.body_bytes);
                if bears(&paper, sort, name)? {
                    entries.push(paper.stored.index);
                    of = of.or_else(|| whose(&paper, sort, name));
                }
            }
        }
        Ok((entries, of, read == at.len()))
    }
}

/// Whether an entry bears a name that a row says it has; no body says who
/// submitted it. One that is withheld bears none.
fn bears(paper: &Paper, sort: Sort, name: &str) -> Result<bool, AuditsError> {
    let entry = &paper.stored.entry;
    let Some(artifact) = paper.artifact() else { return Ok(false) };
    let borne = names_of(entry, &artifact.keys(), Some(artifact.payload()));
    let of_sort: Vec<&Named> = borne.iter().filter(|named| named.sort == sort).collect();
    // Eight bytes of the hash meet by chance; that none of its names has them does not.
    if !of_sort.iter().any(|named| meets(&named.name, name)) {
        let what = format!("a search row leads to another name at {}", paper.stored.index);
        return Err(ViewError::Unsound { what }.into());
    }
    Ok(of_sort.iter().any(|named| named.name == name))
}

/// The agent of a run; the system of a ticket.
fn whose(paper: &Paper, sort: Sort, name: &str) -> Option<String> {
    match sort {
        Sort::Run => paper.keys().agent,
        Sort::Ticket => {
            let (system, key) = change(paper.stored.entry.kind, paper.payload()?);
            let (system, key) = (system?, key?);
            let is_it = key == name || name == format!("{system}/{key}");
            is_it.then(|| system.to_owned())
        }
        _ => None,
    }
}
