//! The log as the audit reads it: entries by leaf index, each with its body or
//! without.

use std::collections::BTreeMap;

use crate::artifact::{Artifact, Grant, KeyCache, Limits, admit};
use crate::entry::SequencedEntry;
use crate::merkle::{LeafIndex, TreeSize};

/// One entry, and what it is about when the body is at hand.
#[derive(Clone, Debug)]
pub struct Seen {
    pub entry: SequencedEntry,
    /// `None`: withheld, or not available to this reader.
    pub body: Option<Artifact>,
}

/// Entries by leaf index. Gaps are allowed; a report over one with gaps says
/// that absence was not checked.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    seen: BTreeMap<LeafIndex, Seen>,
}

impl Timeline {
    /// A time line of proven entries. A body that is not the one its entry
    /// names counts as missing.
    pub fn new(entries: impl IntoIterator<Item = (LeafIndex, SequencedEntry, Option<Artifact>)>) -> Timeline {
        let mut timeline = Timeline::default();
        for (index, entry, body) in entries {
            timeline.add(index, entry, body);
        }
        timeline
    }

    /// Adds one entry; the first of an index stays.
    pub fn add(&mut self, index: LeafIndex, entry: SequencedEntry, body: Option<Artifact>) {
        let body = body.filter(|body| is_of(body, &entry));
        self.seen.entry(index).or_insert(Seen { entry, body });
    }

    /// One more than the highest index.
    pub fn size(&self) -> TreeSize {
        TreeSize::new(self.seen.last_key_value().map_or(0, |(index, _)| index.get() + 1))
    }

    /// What stands below `size`, in order.
    pub fn prefix(&self, size: TreeSize) -> impl Iterator<Item = (LeafIndex, &Seen)> {
        self.seen.range(..LeafIndex::new(size.get())).map(|(index, seen)| (*index, seen))
    }

    /// Whether every entry below `size` is here.
    pub fn is_whole_below(&self, size: TreeSize) -> bool {
        self.prefix(size).count() as u64 == size.get()
    }
}

fn is_of(body: &Artifact, entry: &SequencedEntry) -> bool {
    body.digest() == entry.digest && body.kind() == entry.kind && body.signer() == entry.signer.as_ref()
}

/// The artifact behind a stored body, its signature verified once more.
/// `None` when the body is not an authentic artifact of the entry's kind.
pub fn authenticate(entry: &SequencedEntry, body: &str, keys: &KeyCache) -> Option<Artifact> {
    let grant = if entry.signer.is_some() { Grant::all() } else { Grant::any_unsigned(entry.kind) };
    let artifact = admit(body.as_bytes(), &grant, &Limits::unlimited(), keys).ok()?.artifact;
    is_of(&artifact, entry).then_some(artifact)
}
