//! Reading rows back. Checksums are verified on every read.

use std::ops::Range;

use rocksdb::{Direction, IteratorMode, ReadOptions};

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::entry::EntryIdentity;
use crate::merkle::{Hash, LeafHash, LeafIndex, TreeSize};
use crate::server::store::layout::{STATEMENT_KEY_BYTES, cf, later_statement_key, number, number_key, tile_key};
use crate::server::store::{SAME_STATEMENT_MAX, Store, StoreError};
use crate::tile::TileId;

/// Hex digits of a hash.
const HASH_DIGITS: usize = 64;

/// Key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Rows that were asked for, each where it is there.
type Found = Vec<Option<Vec<u8>>>;

/// What a look-up row says of one key, or that it cannot be read as a row: a
/// claim, until the entry that it leads to was read. One that is damaged
/// fails for its own key alone.
pub type Claim = Result<Option<LeafIndex>, StoreError>;

impl Store {
    /// Leaf bytes of one entry.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn entry(&self, index: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(cf::ENTRIES, &number_key(index.get()))
    }

    /// Leaf bytes of up to `limit` entries from `first` on, in order, without a gap.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`] at a gap.
    pub fn entries(&self, first: LeafIndex, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut found = Vec::with_capacity(limit.min(1_024));
        self.each_entry(first, limit, |entry| found.push(entry.to_vec()))?;
        Ok(found)
    }

    /// Shows the same where they lie, one after the other; how many.
    ///
    /// # Errors
    /// As [`Store::entries`].
    pub fn each_entry(&self, first: LeafIndex, limit: usize, mut show: impl FnMut(&[u8])) -> Result<usize, StoreError> {
        let mut rows = self.db.raw_iterator_cf(self.family(cf::ENTRIES)?);
        let mut count = 0;
        while count < limit {
            match count {
                0 => rows.seek(number_key(first.get())),
                _ => rows.next(),
            }
            let Some((key, entry)) = rows.item() else { break };
            let index = first.get() + count as u64;
            if number(key) != Some(index) {
                return Err(StoreError::Damaged { row: format!("entries/{index}") });
            }
            show(entry);
            count += 1;
        }
        rows.status().map_err(|e| self.unread(e))?;
        Ok(count)
    }

    /// Rows of a family from `from` on, as many as `limit` and `bytes_max`
    /// allow and at least one: for whoever reads everything once. Blocks that it
    /// reads from the disk are not kept; those that are in the cache it takes from there.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn rows_once(
        &self,
        family: &'static str,
        from: &[u8],
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let mode = IteratorMode::From(from, Direction::Forward);
        let (mut found, mut bytes) = (Vec::new(), 0_usize);
        for row in self.db.iterator_cf_opt(self.family(family)?, once(), mode) {
            let (key, value) = row.map_err(|e| self.unread(e))?;
            bytes = bytes.saturating_add(key.len() + value.len());
            if found.len() == limit || (bytes > bytes_max && !found.is_empty()) {
                break;
            }
            found.push((key.into_vec(), value.into_vec()));
        }
        Ok(found)
    }

    /// One row, as [`Store::rows_once`] reads them.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn row_once(&self, family: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf_opt(self.family(family)?, key, &once()).map_err(|e| self.unread(e))
    }

    /// Compact form of one entry's artifact.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn body(&self, index: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(cf::BODIES, &number_key(index.get()))
    }

    /// Leaf bytes and compact forms, in the order asked for.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn whole(&self, indexes: &[LeafIndex]) -> Result<(Found, Found), StoreError> {
        let keys: Vec<_> = indexes.iter().map(|index| number_key(index.get())).collect();
        let read = |name| -> Result<Found, StoreError> {
            let found = self.db.batched_multi_get_cf(self.family(name)?, &keys, false);
            found.into_iter().map(|r| r.map(|v| v.map(|v| v.to_vec())).map_err(|e| self.unread(e))).collect()
        };
        Ok((read(cf::ENTRIES)?, read(cf::BODIES)?))
    }

    /// Tiles, in the order asked for.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn tiles(&self, tiles: &[TileId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let keys: Vec<_> = tiles.iter().map(|t| tile_key(*t)).collect();
        let found = self.db.batched_multi_get_cf(self.family(cf::TILES)?, &keys, false);
        found.into_iter().map(|r| r.map(|v| v.map(|v| v.to_vec())).map_err(|e| self.unread(e))).collect()
    }

    /// Leaf bytes of these entries, in the order asked for.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn entries_at(&self, indexes: &[LeafIndex]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let keys: Vec<_> = indexes.iter().map(|index| number_key(index.get())).collect();
        let found = self.db.batched_multi_get_cf(self.family(cf::ENTRIES)?, &keys, false);
        found.into_iter().map(|r| r.map(|v| v.map(|v| v.to_vec())).map_err(|e| self.unread(e))).collect()
    }

    /// Bodies from `first` on, with one cursor: half the cost of looking each up.
    /// It ends where the bodies do, or at one that cannot be read.
    ///
    /// # Errors
    /// [`StoreError::Family`].
    pub fn bodies_from(
        &self,
        first: LeafIndex,
    ) -> Result<impl Iterator<Item = (LeafIndex, Box<[u8]>)> + use<'_>, StoreError> {
        let from = number_key(first.get());
        let rows = self.db.iterator_cf(self.family(cf::BODIES)?, IteratorMode::From(&from, Direction::Forward));
        Ok(rows.map_while(|row| {
            let (key, body) = row.ok()?;
            Some((LeafIndex::new(number(&key)?), body))
        }))
    }

    /// How many rows a family has: reads all of them.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn count(&self, family: &'static str) -> Result<u64, StoreError> {
        let mut rows = self.db.iterator_cf(self.family(family)?, IteratorMode::Start);
        rows.try_fold(0, |count, row| row.map(|_| count + 1)).map_err(StoreError::Read)
    }

    /// Where identities are said to stand, in the order asked for.
    ///
    /// # Errors
    /// [`StoreError::Read`]; a row that is none fails its own claim.
    pub fn find_identities(&self, identities: &[EntryIdentity]) -> Result<Vec<Claim>, StoreError> {
        let keys: Vec<_> = identities.iter().map(EntryIdentity::as_bytes).collect();
        self.claims(cf::IDENTITIES, &keys)
    }

    /// First entry that each statement is said to have, in the order asked
    /// for: one batched read, which is all that a statement seen for the first
    /// time costs.
    ///
    /// # Errors
    /// As [`Store::find_identities`].
    pub fn first_of_statements(&self, keys: &[[u8; STATEMENT_KEY_BYTES]]) -> Result<Vec<Claim>, StoreError> {
        self.claims(cf::STATEMENTS, keys)
    }

    fn claims<K: AsRef<[u8]>>(&self, family: &'static str, keys: &[K]) -> Result<Vec<Claim>, StoreError> {
        let keys: Vec<&[u8]> = keys.iter().map(AsRef::as_ref).collect();
        let found = self.db.batched_multi_get_cf(self.family(family)?, &keys, false);
        let claim = |row: Option<rocksdb::DBPinnableSlice<'_>>| row.map(|v| index_of(&v, family)).transpose();
        found.into_iter().map(|r| Ok(claim(r.map_err(|e| self.unread(e))?))).collect()
    }

    /// The identity rows of this digest, and where each is said to stand.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn find_artifact(&self, digest: &ArtifactDigest) -> Result<Vec<(Vec<u8>, LeafIndex)>, StoreError> {
        self.of_artifact(digest, SAME_STATEMENT_MAX)
    }

    /// The same, at most `limit`.
    ///
    /// # Errors
    /// As [`Store::find_artifact`].
    pub fn of_artifact(&self, digest: &ArtifactDigest, limit: usize) -> Result<Vec<(Vec<u8>, LeafIndex)>, StoreError> {
        let mode = IteratorMode::From(digest.as_bytes(), Direction::Forward);
        let mut found = Vec::new();
        for row in self.db.iterator_cf(self.family(cf::IDENTITIES)?, mode) {
            let (key, value) = row.map_err(|e| self.unread(e))?;
            if !key.starts_with(digest.as_bytes()) || found.len() == limit {
                break;
            }
            found.push((key.into_vec(), index_of(&value, cf::IDENTITIES)?));
        }
        found.sort_unstable_by_key(|(_, index)| *index);
        Ok(found)
    }

    /// Entries of every statement with this payload hash, lowest first, at
    /// most [`SAME_STATEMENT_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn find_payload(&self, payload: &PayloadHash) -> Result<Vec<LeafIndex>, StoreError> {
        let mode = IteratorMode::From(payload.as_bytes(), Direction::Forward);
        let mut found = Vec::new();
        for row in self.db.iterator_cf(self.family(cf::STATEMENTS)?, mode).take(SAME_STATEMENT_MAX) {
            let (key, value) = row.map_err(|e| self.unread(e))?;
            if !key.starts_with(payload.as_bytes()) {
                break;
            }
            let later = key.get(STATEMENT_KEY_BYTES..).filter(|index| !index.is_empty());
            found.push(index_of(later.unwrap_or(&value), cf::STATEMENTS)?);
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Hashes that keys of a family begin with and that begin with these lowercase
    /// hex digits, each once, in order: of at most `limit` keys.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn hashes_from(&self, family: &'static str, hex: &str, limit: usize) -> Result<Vec<Hash>, StoreError> {
        // An odd digit is the upper half of its byte.
        let padded = format!("{hex}{}", "0".repeat(HASH_DIGITS.saturating_sub(hex.len())));
        let Ok(from) = Hash::from_hex(&padded) else { return Ok(Vec::new()) };
        let mode = IteratorMode::From(from.as_bytes(), Direction::Forward);
        let mut found: Vec<Hash> = Vec::new();
        for row in self.db.iterator_cf(self.family(family)?, mode).take(limit) {
            let (key, _) = row.map_err(|e| self.unread(e))?;
            let hash = key.get(..from.as_bytes().len()).and_then(Hash::from_slice);
            match hash.filter(|hash| hash.to_hex().starts_with(hex)) {
                Some(hash) if found.last() != Some(&hash) => found.push(hash),
                Some(_) => {}
                None => break,
            }
        }
        Ok(found)
    }

    /// Index of a leaf hash.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn find_leaf(&self, leaf: &LeafHash) -> Result<Option<LeafIndex>, StoreError> {
        self.get(cf::LEAVES, leaf.hash().as_bytes())?.map(|v| index_of(&v, cf::LEAVES)).transpose()
    }

    /// Entries of one statement in index order, at most [`SAME_STATEMENT_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn find_statement(&self, key: &[u8; STATEMENT_KEY_BYTES]) -> Result<Vec<LeafIndex>, StoreError> {
        self.of_statement(key, SAME_STATEMENT_MAX)
    }

    /// The same, at most `limit`.
    ///
    /// # Errors
    /// As [`Store::find_statement`].
    pub fn of_statement(&self, key: &[u8; STATEMENT_KEY_BYTES], limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
        let Some(first) = self.get(cf::STATEMENTS, key)? else { return Ok(Vec::new()) };
        let mut found = vec![index_of(&first, cf::STATEMENTS)?];
        let mode = IteratorMode::From(&key[..], Direction::Forward);
        for row in self.db.iterator_cf(self.family(cf::STATEMENTS)?, mode).skip(1) {
            let (later, _) = row.map_err(|e| self.unread(e))?;
            match later.strip_prefix(&key[..]) {
                Some(index) if found.len() < limit => found.push(index_of(index, cf::STATEMENTS)?),
                _ => break,
            }
        }
        Ok(found)
    }

    /// The lowest entry in `between` that a statement is said to have.
    ///
    /// # Errors
    /// As [`Store::find_statement`].
    pub fn statement_in(
        &self,
        key: &[u8; STATEMENT_KEY_BYTES],
        between: Range<LeafIndex>,
    ) -> Result<Option<LeafIndex>, StoreError> {
        let Some(first) = self.get(cf::STATEMENTS, key)? else { return Ok(None) };
        let first = index_of(&first, cf::STATEMENTS)?;
        if first >= between.start {
            return Ok(Some(first).filter(|first| *first < between.end));
        }
        let from = later_statement_key(key, between.start);
        let mode = IteratorMode::From(&from, Direction::Forward);
        let Some(row) = self.db.iterator_cf(self.family(cf::STATEMENTS)?, mode).next() else { return Ok(None) };
        let (later, _) = row.map_err(|e| self.unread(e))?;
        let Some(later) = later.strip_prefix(&key[..]) else { return Ok(None) };
        Ok(Some(index_of(later, cf::STATEMENTS)?).filter(|later| *later < between.end))
    }

    /// Whether an entry is said to be a later one of its statement: nearly always
    /// the filters say no without a read.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn is_later(&self, key: &[u8; STATEMENT_KEY_BYTES], at: LeafIndex) -> Result<bool, StoreError> {
        Ok(self.get(cf::STATEMENTS, &later_statement_key(key, at))?.is_some())
    }

    /// The published checkpoint of exactly this size.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn checkpoint(&self, size: TreeSize) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(cf::CHECKPOINTS, &number_key(size.get()))
    }

    /// Published sizes below `below`, largest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn checkpoints_below(&self, below: TreeSize, limit: usize) -> Result<Vec<(TreeSize, Vec<u8>)>, StoreError> {
        let Some(from) = below.get().checked_sub(1) else { return Ok(Vec::new()) };
        let from = number_key(from);
        let mode = IteratorMode::From(&from, Direction::Reverse);
        let mut found = Vec::new();
        for row in self.db.iterator_cf(self.family(cf::CHECKPOINTS)?, mode).take(limit) {
            let (key, note) = row.map_err(|e| self.unread(e))?;
            let size = number(&key).ok_or_else(|| StoreError::Damaged { row: "checkpoints".into() })?;
            found.push((TreeSize::new(size), note.into_vec()));
        }
        Ok(found)
    }

    /// The smallest published size that covers `at_least`.
    ///
    /// # Errors
    /// [`StoreError::Read`], [`StoreError::Damaged`].
    pub fn checkpoint_from(&self, at_least: TreeSize) -> Result<Option<(TreeSize, Vec<u8>)>, StoreError> {
        let from = number_key(at_least.get());
        let mode = IteratorMode::From(&from, Direction::Forward);
        let Some(row) = self.db.iterator_cf(self.family(cf::CHECKPOINTS)?, mode).next() else { return Ok(None) };
        let (key, note) = row.map_err(|e| self.unread(e))?;
        let size = number(&key).ok_or_else(|| StoreError::Damaged { row: "checkpoints".into() })?;
        Ok(Some((TreeSize::new(size), note.into_vec())))
    }
}

/// What is read once need not push others out of the cache. It does not read
/// past it: whoever wants the disk's word forgets the cached blocks first.
fn once() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    options
}

fn index_of(bytes: &[u8], family: &'static str) -> Result<LeafIndex, StoreError> {
    let damaged = || StoreError::Damaged { row: format!("{family}: holds no index") };
    number(bytes).map(LeafIndex::new).ok_or_else(damaged)
}
