//! One walk over the log as it was published when the walk began: rows below
//! that size never change, except that a tile at the right edge grows.

use crate::artifact::digest::ArtifactDigest;
use crate::checkpoint::TreeHead;
use crate::entry::{LoggedAt, SequencedEntry};
use crate::merkle::{LeafIndex, leaf_hash};
use crate::server::fsck::tree::Regrown;
use crate::server::log::withholding::named_by;
use crate::server::store::layout::{cf, number, number_key, tile_key};
use crate::server::store::{Store, StoreError};
use crate::tile::TileId;

/// Entries of one step: a bundle.
const STEP_ENTRIES: usize = 256;

/// Families that lie in another order than the entries: read row by row at the
/// end of a pass, so that every block of them was read and verified too.
const ASIDE: [&str; 2] = [cf::STATEMENTS, cf::CHECKPOINTS];
/// Rows of one such step.
const STEP_ROWS: usize = 2_048;

/// A row of a family in index order.
type Numbered = (u64, Vec<u8>);

/// How a step ended.
pub enum Step {
    /// So many bytes were read, and more is left.
    More {
        /// How many.
        bytes: u64,
    },
    /// The end of the published log.
    Done,
}

/// A walk under way.
pub struct Pass<'a> {
    store: &'a Store,
    head: TreeHead,
    held_bytes_max: usize,
    next: u64,
    last: LoggedAt,
    /// None behind an entry that could not be read: nothing after it can be
    /// hashed into the tree, and each is looked at by itself.
    tree: Option<Regrown>,
    bytes: u64,
    found: u64,
    /// Families of [`ASIDE`] that are behind it, and the key to read on from.
    aside: (usize, Vec<u8>),
}

impl<'a> Pass<'a> {
    pub fn new(store: &'a Store, head: TreeHead, held_bytes_max: usize) -> Self {
        let (next, last) = (0, LoggedAt::from_unix_ms(0));
        let (tree, aside) = (Some(Regrown::new()), (0, Vec::new()));
        Self { store, head, held_bytes_max, next, last, tree, bytes: 0, found: 0, aside }
    }

    /// Entries behind it.
    pub const fn position(&self) -> u64 {
        self.next
    }

    /// What was found damaged since this was asked last.
    pub fn take_found(&mut self) -> u64 {
        std::mem::take(&mut self.found)
    }

    /// Recomputes some entries, or reads some rows of what lies aside.
    ///
    /// # Errors
    /// A read that failed and met no damage: the disk does not answer.
    pub fn step(&mut self) -> Result<Step, StoreError> {
        self.bytes = 0;
        let left = self.head.size.get() - self.next;
        if left == 0 {
            return self.step_aside();
        }
        let limit = usize::try_from(left).unwrap_or(usize::MAX).min(STEP_ENTRIES);
        let entries = self.rows(cf::ENTRIES, limit)?;
        let Some(entries) = entries.filter(|entries| !entries.is_empty()) else {
            // A block that cannot be read was named; so is a row that is gone.
            self.skip(limit as u64);
            return Ok(Step::More { bytes: self.bytes });
        };
        let bodies = self.rows(cf::BODIES, entries.len())?;
        let mut bodies = bodies.map(|bodies| bodies.into_iter().peekable());
        for (index, bytes) in entries {
            if index != self.next {
                self.skip(index - self.next);
            }
            // Bodies that were too much for one step are read one by one.
            let body = bodies.as_mut().and_then(|rows| rows.next_if(|(at, _)| *at == index)).map(|(_, body)| body);
            let body = match body {
                None if bodies.is_some() => self.row(cf::BODIES, &number_key(index))?,
                body => body.map(Some),
            };
            self.entry(index, &bytes, body)?;
            self.next = index + 1;
        }
        if self.next == self.head.size.get() {
            self.end()?;
        }
        Ok(Step::More { bytes: self.bytes })
    }

    /// What these rows say is for fsck: here they are read, which compares the
    /// checksum of every block. Behind a damaged one the next cannot be found.
    fn step_aside(&mut self) -> Result<Step, StoreError> {
        let Some(family) = ASIDE.get(self.aside.0) else { return Ok(Step::Done) };
        let rows = self.store.rows_once(family, &self.aside.1, STEP_ROWS, self.held_bytes_max);
        let rows = self.damaged(rows)?.unwrap_or_default();
        self.bytes += rows.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>();
        self.aside = match rows.into_iter().last() {
            // The smallest key after it.
            Some((key, _)) => (self.aside.0, [&key[..], &[0]].concat()),
            None => (self.aside.0 + 1, Vec::new()),
        };
        Ok(Step::More { bytes: self.bytes })
    }

    /// Rows from here on in index order; `None` where a block is damaged.
    fn rows(&mut self, family: &'static str, limit: usize) -> Result<Option<Vec<Numbered>>, StoreError> {
        let rows = self.store.rows_once(family, &number_key(self.next), limit, self.held_bytes_max);
        let Some(rows) = self.damaged(rows)? else { return Ok(None) };
        self.bytes += rows.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>();
        let end = self.head.size.get();
        let numbered = rows.into_iter().filter_map(|(key, value)| Some((number(&key)?, value)));
        Ok(Some(numbered.take_while(|(index, _)| *index < end).collect()))
    }

    /// One row; the outer `None` where its block is damaged.
    fn row(&mut self, family: &'static str, key: &[u8]) -> Result<Option<Option<Vec<u8>>>, StoreError> {
        let row = self.store.row_once(family, key);
        let Some(row) = self.damaged(row)? else { return Ok(None) };
        self.bytes += (key.len() + row.as_ref().map_or(0, Vec::len)) as u64;
        Ok(Some(row))
    }

    /// Damage is remembered by the store, and the walk goes on beside it.
    fn damaged<T>(&mut self, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if error.is_damage() => {
                self.found += 1;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A part of the tree: what was promised cannot be shown, so nothing more
    /// is promised.
    fn find(&mut self, name: &str, why: &str) {
        self.found += 1;
        self.store.damage().find(name, &format!("scrub: {name} {why}"));
    }

    /// A row that leads to an entry: it fails for its own name alone.
    fn note(&mut self, name: &str, why: &str) {
        self.found += 1;
        self.store.damage().note(name, &format!("scrub: {name} {why}"));
    }

    fn skip(&mut self, entries: u64) {
        if self.store.damage().get().is_none() {
            let (first, last) = (self.next, self.next + entries - 1);
            self.find(&format!("entries {first} to {last}"), "are gone");
        }
        self.tree = None;
        self.next += entries;
    }

    fn entry(&mut self, index: u64, bytes: &[u8], body: Option<Option<Vec<u8>>>) -> Result<(), StoreError> {
        if let Some(tree) = &mut self.tree {
            for (tile, filled) in tree.push(bytes) {
                self.tile(tile, &filled)?;
            }
        }
        let name = format!("entry {index}");
        let Ok(entry) = SequencedEntry::decode(bytes) else {
            self.find(&name, "is no entry");
            return Ok(());
        };
        if entry.logged_at < self.last {
            self.find(&name, "is earlier than the entry before it");
        }
        self.last = entry.logged_at;
        if let Some(body) = body {
            let is_erased = |body: &Vec<u8>| body.is_empty() && named_by(self.store.withheld(), &entry).is_some();
            let is_it = |body: &Vec<u8>| ArtifactDigest::of(body) == entry.digest || is_erased(body);
            if !body.is_some_and(|body| is_it(&body)) {
                self.find(&format!("body {index}"), "is gone or does not hash to the digest in its entry");
            }
        }
        let leaf = leaf_hash(bytes);
        self.leads(cf::LEAVES, leaf.hash().as_bytes(), LeafIndex::new(index), "leaf row")?;
        self.leads(cf::IDENTITIES, entry.identity().as_bytes(), LeafIndex::new(index), "identity")
    }

    fn leads(
        &mut self,
        family: &'static str,
        key: &[u8],
        index: LeafIndex,
        what: &'static str,
    ) -> Result<(), StoreError> {
        let Some(row) = self.row(family, key)? else { return Ok(()) };
        if row.as_deref().and_then(number) != Some(index.get()) {
            self.note(&format!("{what} of entry {index}"), "does not lead to it");
        }
        Ok(())
    }

    /// A tile at the right edge may be wider by now.
    fn tile(&mut self, tile: TileId, expected: &[u8]) -> Result<(), StoreError> {
        let Some(stored) = self.row(cf::TILES, &tile_key(tile))? else { return Ok(()) };
        if !stored.is_some_and(|stored| stored.starts_with(expected)) {
            let name = format!("tile {}/{}", tile.level, tile.index);
            self.find(&name, "is gone or does not hold the hashes of its entries");
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), StoreError> {
        let Some(tree) = self.tree.take() else { return Ok(()) };
        for (tile, bytes) in tree.partial() {
            self.tile(tile, &bytes)?;
        }
        if tree.root() != self.head.root {
            let size = self.head.size;
            self.find(&format!("root of size {size}"), "is not that of the published checkpoint");
        }
        Ok(())
    }
}
