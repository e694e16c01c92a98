//! Keys of the search rows. The table of them heads the index.

use std::hash::{BuildHasher as _, RandomState};

use sha2::{Digest, Sha256};

use crate::artifact::{Keys, Kind};
use crate::audit::{LINK_BYTES, LINKS_VERSION, Link};
use crate::merkle::LeafIndex;
use crate::server::index::names::{Kept, Named, Sort, Standing};
use crate::server::store::layout::{number, number_key};
use crate::server::store::{Store, StoreError};

/// Version of the rows; another one is rebuilt from the first entry.
const VERSION: u8 = 5;

const CURSOR: &[u8] = b"c";
const KIND: u8 = b'k';
const RUN: u8 = b'r';
const LINK: u8 = b'l';
const NAME: u8 = b'n';
const WHOLE: u8 = b'w';
const FIRST: u8 = b'f';
const RUN_HASH_BYTES: usize = 6;
const NAME_HASH_BYTES: usize = 8;

/// Eight bytes that change with the row format, with what entries are linked
/// by, or with the order of KINDS.
fn version() -> [u8; 8] {
    let mut hash = Sha256::new();
    hash.update([VERSION, LINKS_VERSION]);
    for kind in Kind::ALL {
        hash.update(kind.name().as_bytes());
        hash.update([0]);
    }
    let mut version = [0; 8];
    version.copy_from_slice(&hash.finalize()[..8]);
    version
}

/// How far rows of this version reach, if there are any.
pub fn reached(store: &Store) -> Result<Option<u64>, StoreError> {
    Ok(store.search_row(CURSOR)?.and_then(|cursor| number(cursor.strip_prefix(&version())?)))
}

pub const fn kind_prefix(kind: Kind) -> [u8; 2] {
    [KIND, kind as u8]
}

pub fn run_prefix(agent: &str, run: &str) -> [u8; 1 + RUN_HASH_BYTES] {
    let mut hash = Sha256::new();
    hash.update(agent.as_bytes());
    hash.update([0]);
    hash.update(run.as_bytes());
    let mut key = [RUN; 1 + RUN_HASH_BYTES];
    key[1..].copy_from_slice(&hash.finalize()[..RUN_HASH_BYTES]);
    key
}

pub fn link_prefix(link: &Link) -> [u8; 1 + LINK_BYTES] {
    let mut key = [LINK; 1 + LINK_BYTES];
    key[1..].copy_from_slice(link.as_bytes());
    key
}

/// One byte: sorts and standings are few.
const fn place(sort: Sort, standing: Standing) -> u8 {
    sort as u8 * 2 + standing as u8
}

/// What one name is, of every sort, stands together.
pub fn name_prefix(name: &str, sort: Sort, standing: Standing) -> [u8; 2 + NAME_HASH_BYTES] {
    let mut key = [NAME; 2 + NAME_HASH_BYTES];
    key[1..=NAME_HASH_BYTES].copy_from_slice(&Sha256::digest(name.as_bytes())[..NAME_HASH_BYTES]);
    key[1 + NAME_HASH_BYTES] = place(sort, standing);
    key
}

pub const fn whole_prefix(sort: Sort, standing: Standing) -> [u8; 2] {
    [WHOLE, place(sort, standing)]
}

pub const fn first_prefix(sort: Sort, standing: Standing) -> [u8; 2] {
    [FIRST, place(sort, standing)]
}

/// Everything that one entry is found by.
pub struct Rows<'a> {
    pub index: LeafIndex,
    /// Absent for an entry that cannot be decoded.
    pub kind: Option<Kind>,
    pub keys: &'a Keys,
    pub links: &'a [Link],
    pub names: &'a [Named],
}

impl Rows<'_> {
    /// Adds the rows to a batch. Names that were met before are not kept again.
    ///
    /// # Errors
    /// [`StoreError::Read`], of a name that may be new.
    pub fn put(&self, batch: &mut Batch, met: &Met, store: &Store) -> Result<(), StoreError> {
        let mut row = |prefix: &[u8]| batch.add(prefix, self.index);
        if let Some(prefix) = self.kind.map(kind_prefix) {
            row(&prefix);
        }
        for run in &self.keys.runs {
            row(&run_prefix(self.keys.agent.as_deref().unwrap_or_default(), run));
        }
        self.links.iter().for_each(|link| row(&link_prefix(link)));
        let standing = if self.links == [Link::UNTRUSTED] { Standing::Other } else { Standing::Holder };
        for Named { sort, name } in self.names {
            batch.add(&name_prefix(name, *sort, standing), self.index);
            let kept = sort.is_kept().then(|| Kept::bytes(*sort, name, self.keys.agent.as_deref())).flatten();
            let Some(kept) = kept else { continue };
            let whole = [&whole_prefix(*sort, standing)[..], &kept].concat();
            let mark = met.mark(&whole);
            if met.has(mark) || !batch.met.insert(mark) {
                continue;
            }
            // Only where the first entry counts is it asked whether there is one:
            // a row that is written again costs less than looking for it.
            if sort.is_listed() {
                if store.search_row(&whole)?.is_some() {
                    continue;
                }
                let first = [&first_prefix(*sort, standing)[..], &number_key(self.index.get()), &kept].concat();
                batch.long.push(first);
            }
            batch.long.push(whole);
        }
        Ok(())
    }
}

/// Names that are kept already, as far as is remembered: a table of hashes under
/// a key of this process, in which a later name takes the place of an earlier
/// one. One that was forgotten is looked up.
pub struct Met {
    key: RandomState,
    marks: Vec<u64>,
}

/// Names remembered: 512 KiB.
const MET_MAX: usize = 65_536;

impl Met {
    pub fn new() -> Self {
        Self { key: RandomState::new(), marks: vec![0; MET_MAX] }
    }

    fn mark(&self, row: &[u8]) -> u64 {
        self.key.hash_one(row)
    }

    const fn slot(mark: u64) -> usize {
        mark as usize % MET_MAX
    }

    fn has(&self, mark: u64) -> bool {
        self.marks[Self::slot(mark)] == mark
    }
}

/// Longest key but for those with a whole name: that of a link.
const KEY_BYTES_MAX: usize = 1 + LINK_BYTES + 8;

/// One key, padded with zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    length: u8,
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Rows of one write. They are sorted first: neighbours are inserted beside
/// each other at a fraction of the cost of keys in any order.
#[derive(Default)]
pub struct Batch {
    short: Vec<Key>,
    /// Keys with a whole name.
    long: Vec<Vec<u8>>,
    /// Marks of names that this batch keeps, or found kept.
    met: std::collections::HashSet<u64>,
}

impl Batch {
    fn add(&mut self, prefix: &[u8], index: LeafIndex) {
        let mut key = Key { bytes: [0; KEY_BYTES_MAX], length: 0 };
        let place = number_key(index.get());
        // The prefixes above are shorter than that of a link, or as long.
        for (slot, byte) in key.bytes.iter_mut().zip(prefix.iter().chain(&place)) {
            *slot = *byte;
            key.length += 1;
        }
        self.short.push(key);
    }

    /// The same in place of these rows, and says nothing of how far they reach.
    pub fn write_for(self, store: &Store, dropped: &[Vec<u8>]) -> Result<(), StoreError> {
        store.search_change(dropped, self.keys())
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.short.iter().map(Key::as_ref).chain(self.long.iter().map(Vec::as_slice))
    }

    /// Writes the rows, each once, and that entries below `end` have theirs.
    pub fn write(mut self, store: &Store, end: u64, met: &mut Met) -> Result<(), StoreError> {
        self.short.sort_unstable();
        self.short.dedup();
        self.long.sort_unstable();
        store.search_put(self.keys(), (CURSOR, &[version(), number_key(end)].concat()))?;
        // Only now: a step that failed is made again, with its names.
        self.met.into_iter().for_each(|mark| met.marks[Met::slot(mark)] = mark);
        Ok(())
    }
}
