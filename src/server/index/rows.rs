//! Keys of the search rows. The table of them heads the index.

use sha2::{Digest, Sha256};

use crate::artifact::{Keys, Kind};
use crate::audit::{LINK_BYTES, LINKS_VERSION, Link};
use crate::merkle::LeafIndex;
use crate::server::index::names::Named;
use crate::server::store::layout::{number, number_key};
use crate::server::store::{Store, StoreError};

/// Version of the rows; another one is rebuilt from the first entry.
const VERSION: u8 = 2;

const CURSOR: &[u8] = b"c";
const KIND: u8 = b'k';
const RUN: u8 = b'r';
const LINK: u8 = b'l';
const NAME: u8 = b'n';
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

pub fn name_prefix(name: &str) -> [u8; 1 + NAME_HASH_BYTES] {
    let mut key = [NAME; 1 + NAME_HASH_BYTES];
    key[1..].copy_from_slice(&Sha256::digest(name.as_bytes())[..NAME_HASH_BYTES]);
    key
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
    /// Adds the rows to a batch.
    pub fn put(&self, batch: &mut Batch) {
        let mut row = |prefix: &[u8]| batch.add(prefix, self.index);
        if let Some(prefix) = self.kind.map(kind_prefix) {
            row(&prefix);
        }
        for run in &self.keys.runs {
            row(&run_prefix(self.keys.agent.as_deref().unwrap_or_default(), run));
        }
        self.links.iter().for_each(|link| row(&link_prefix(link)));
        self.names.iter().for_each(|named| row(&name_prefix(&named.name)));
    }
}

/// Longest key: that of a link.
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
pub struct Batch(Vec<Key>);

impl Batch {
    fn add(&mut self, prefix: &[u8], index: LeafIndex) {
        let mut key = Key { bytes: [0; KEY_BYTES_MAX], length: 0 };
        let place = number_key(index.get());
        // The prefixes above are shorter than that of a link, or as long.
        for (slot, byte) in key.bytes.iter_mut().zip(prefix.iter().chain(&place)) {
            *slot = *byte;
            key.length += 1;
        }
        self.0.push(key);
    }

    /// Writes the rows, each once, and that entries below `end` have theirs.
    pub fn write(mut self, store: &Store, end: u64) -> Result<(), StoreError> {
        self.0.sort_unstable();
        self.0.dedup();
        store.search_put(&self.0, (CURSOR, &[version(), number_key(end)].concat()))
    }
}
