//! The family of search rows: whoever keeps them says what a key means and may
//! lose them. None of it is synced, and no damage in it stops writes.

use rocksdb::{Direction, IteratorMode, WriteBatch, WriteOptions};

use crate::merkle::LeafIndex;
use crate::server::store::layout::{cf, number, number_key};
use crate::server::store::{Store, StoreError};

/// Which way rows are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

impl Store {
    /// Up to `limit` indexes that stand behind `prefix`, from `from` on.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn search_walk(&self, prefix: &[u8], from: u64, way: Way, limit: usize) -> Result<Vec<LeafIndex>, StoreError> {
        let from = [prefix, &number_key(from)].concat();
        self.search_rows(prefix, &from, way, limit, |rest| number(rest).map(LeafIndex::new))
    }

    /// Up to `limit` keys under `prefix`, without it, that stand at or after
    /// `from` (up) or at or before it (down).
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn search_keys(&self, prefix: &[u8], from: &[u8], way: Way, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let from = [prefix, from].concat();
        self.search_rows(prefix, &from, way, limit, |rest| Some(rest.to_vec()))
    }

    /// What `read` makes of keys under `prefix`, up to the first that it makes nothing of.
    fn search_rows<T>(
        &self,
        prefix: &[u8],
        from: &[u8],
        way: Way,
        limit: usize,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Vec<T>, StoreError> {
        let direction = match way {
            Way::Up => Direction::Forward,
            Way::Down => Direction::Reverse,
        };
        let mut found = Vec::new();
        for row in self.db.iterator_cf(self.family(cf::SEARCH)?, IteratorMode::From(from, direction)).take(limit) {
            let (key, _) = row.map_err(StoreError::Read)?;
            match key.strip_prefix(prefix).and_then(&read) {
                Some(row) => found.push(row),
                None => break,
            }
        }
        Ok(found)
    }

    /// The value of one row.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn search_row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf(self.family(cf::SEARCH)?, key).map_err(StoreError::Read)
    }

    /// Drops every row.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn search_clear(&self) -> Result<(), StoreError> {
        self.db.delete_range_cf(self.family(cf::SEARCH)?, &[0][..], &[0xff][..]).map_err(StoreError::Write)
    }

    /// Drops these rows and adds those, in one write, as [`Store::search_put`] writes.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn search_change<'a>(
        &self,
        dropped: &[Vec<u8>],
        added: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), StoreError> {
        let family = self.family(cf::SEARCH)?;
        let mut batch = WriteBatch::default();
        dropped.iter().for_each(|key| batch.delete_cf(family, key));
        added.for_each(|key| batch.put_cf(family, key, []));
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db.write_opt(batch, &options).map_err(StoreError::Write)
    }

    /// Adds `keys`, in order, and one row with a value, which says how far they
    /// reach. A crash may lose them: they stand in one family, so what is left of
    /// them agrees. The log's own synced writes carry none of it.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn search_put<'a>(
        &self,
        keys: impl Iterator<Item = &'a [u8]> + Clone,
        (key, value): (&[u8], &[u8]),
    ) -> Result<(), StoreError> {
        let family = self.family(cf::SEARCH)?;
        let bytes = keys.clone().map(|key| key.len() + ROW_BYTES_MORE).sum();
        let mut batch = WriteBatch::with_capacity_bytes(bytes);
        for key in keys {
            batch.put_cf(family, key, []);
        }
        batch.put_cf(family, key, value);
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        // Rows of one batch are sorted.
        options.set_memtable_insert_hint_per_batch(true);
        self.db.write_opt(batch, &options).map_err(StoreError::Write)
    }
}

/// What a batch keeps beside a key.
const ROW_BYTES_MORE: usize = 4;
