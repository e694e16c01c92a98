//! What the log holds already of the entries of a batch.
//!
//! A look-up row is a claim. Before anything is answered from it, the entry
//! that it leads to is read: it must stand below the head, carry this very
//! identity, and hash to its leaf in the tree. A claim that fails is damage of
//! its own line; the others go on. What is new has no rows and costs no read.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::{PendingEntry, SequencedEntry};
use crate::merkle::{Hash, LeafHash, LeafIndex, TreeSize, leaf_hash};
use crate::server::store::layout::{StatementRow, cf, statement_key};
use crate::server::store::{Claim, Store, StoreError};
use crate::tile::{TILE_WIDTH, TileId};

/// Tiles that are held at once while leaves are compared, 8 KiB each.
const TILES_AT_ONCE: usize = 64;

/// What is known of one entry of a batch.
pub enum Known {
    /// The log holds no such entry.
    New(StatementRow),
    /// It stands there, and was read there.
    Logged(StatementRow, LeafIndex, LeafHash),
    /// A row lies about it.
    Damaged(StatementRow, StoreError),
}

impl Known {
    pub const fn row(&self) -> StatementRow {
        match self {
            Self::New(row) | Self::Logged(row, ..) | Self::Damaged(row, _) => *row,
        }
    }
}

/// What the store knows of these entries; `size` is its head, published or not.
/// A duplicate makes a statement that the store knows, so what is new costs
/// one look-up, not two.
pub fn known(store: &Store, entries: &[&PendingEntry], size: TreeSize) -> Result<Vec<Known>, StoreError> {
    let keys: Vec<_> = entries.iter().map(|e| statement_key(&e.payload_hash, e.kind, e.signer.as_ref())).collect();
    let firsts = store.first_of_statements(&keys)?;
    let stated: Vec<_> = entries.iter().zip(&firsts).filter(|(_, first)| !matches!(first, Ok(None))).collect();
    let identities: Vec<_> = stated.iter().map(|(entry, _)| entry.identity()).collect();
    let claims = store.find_identities(&identities)?;
    let wanted = claims.iter().chain(&firsts).filter_map(|claim| claim.as_ref().ok().copied().flatten());
    let read = Read::of(store, wanted.filter(|index| index.get() < size.get()).collect())?;
    let mut claims = claims.into_iter();
    let judged = entries.iter().zip(keys.into_iter().zip(firsts)).map(|(entry, (key, first))| {
        let mut row = StatementRow { key, first: None };
        if matches!(first, Ok(None)) {
            return Known::New(row);
        }
        // There is one for each entry whose statement has a row.
        let at = claims.next().unwrap_or(Ok(None));
        match read.judge(entry, first, at) {
            Ok((first, None)) => {
                row.first = Some(first);
                Known::New(row)
            }
            Ok((first, Some((at, leaf)))) => {
                row.first = Some(first);
                Known::Logged(row, at, leaf)
            }
            Err(error) => Known::Damaged(row, error),
        }
    });
    Ok(judged.collect())
}

/// Entries that rows led to.
struct Read(BTreeMap<LeafIndex, Standing>);

/// An entry, and the leaf that the tree has in its place.
struct Standing {
    entry: SequencedEntry,
    hash: LeafHash,
    leaf: Option<Hash>,
}

impl Read {
    fn of(store: &Store, wanted: BTreeSet<LeafIndex>) -> Result<Self, StoreError> {
        let wanted: Vec<LeafIndex> = wanted.into_iter().collect();
        let mut read = BTreeMap::new();
        for (index, bytes) in wanted.iter().zip(store.entries_at(&wanted)?) {
            let decoded = bytes.and_then(|bytes| Some((SequencedEntry::decode(&bytes).ok()?, leaf_hash(&bytes))));
            if let Some((entry, hash)) = decoded {
                read.insert(*index, Standing { entry, hash, leaf: None });
            }
        }
        let tile = |index: LeafIndex| TileId { level: 0, index: index.get() / TILE_WIDTH as u64 };
        let tiles: BTreeSet<TileId> = wanted.iter().map(|index| tile(*index)).collect();
        let tiles: Vec<TileId> = tiles.into_iter().collect();
        for part in tiles.chunks(TILES_AT_ONCE) {
            let held: BTreeMap<_, _> = part.iter().copied().zip(store.tiles(part)?).collect();
            for (index, standing) in &mut read {
                let at = (index.get() % TILE_WIDTH as u64) as usize * 32;
                let bytes = held.get(&tile(*index)).and_then(Option::as_ref).and_then(|b| b.get(at..at + 32));
                standing.leaf = bytes.and_then(Hash::from_slice).or(standing.leaf);
            }
        }
        Ok(Self(read))
    }

    /// The statement's first entry, and the entry itself where it is logged.
    fn judge(
        &self,
        entry: &PendingEntry,
        first: Claim,
        at: Claim,
    ) -> Result<(LeafIndex, Option<(LeafIndex, LeafHash)>), StoreError> {
        let damaged = |row: &str, index: LeafIndex, why| StoreError::Damaged { row: format!("{row}: {why} {index}") };
        // The caller asks for those that have one.
        let Some(first) = first? else { return Err(StoreError::Damaged { row: cf::STATEMENTS.into() }) };
        let stated = self.0.get(&first).ok_or_else(|| damaged(cf::STATEMENTS, first, "leads to no entry"))?;
        if (stated.entry.kind, &stated.entry.signer) != (entry.kind, &entry.signer) {
            return Err(damaged(cf::STATEMENTS, first, "leads to another statement at"));
        }
        let Some(at) = at? else {
            if stated.entry.identity() == entry.identity() {
                return Err(damaged(cf::IDENTITIES, first, "has no row for entry"));
            }
            return Ok((first, None));
        };
        let standing = self.0.get(&at).ok_or_else(|| damaged(cf::IDENTITIES, at, "leads to no entry"))?;
        if standing.entry.identity() != entry.identity() {
            return Err(damaged(cf::IDENTITIES, at, "leads to another artifact at"));
        }
        if standing.leaf != Some(standing.hash.hash()) {
            return Err(damaged(cf::ENTRIES, at, "does not hash to its leaf"));
        }
        if first > at {
            return Err(damaged(cf::STATEMENTS, first, "leads past the first entry to"));
        }
        Ok((first, Some((at, standing.hash))))
    }
}

/// The other entries of a statement are of the kind and the signer of the
/// entry at `at`. Their payloads are not read here: bodies may be long, and
/// everybody waits for this thread.
///
/// # Errors
/// [`StoreError::Damaged`] names the row that leads elsewhere.
pub fn check_same(store: &Store, at: LeafIndex, same: &[LeafIndex]) -> Result<(), StoreError> {
    if same == [at] {
        return Ok(());
    }
    let damaged = |index: LeafIndex| StoreError::Damaged {
        row: format!("{}: leads to another statement at {index}", cf::STATEMENTS),
    };
    let wanted: Vec<LeafIndex> = std::iter::once(at).chain(same.iter().copied()).collect();
    let mut own = None;
    for (index, bytes) in wanted.iter().zip(store.entries_at(&wanted)?) {
        let entry = bytes.and_then(|bytes| SequencedEntry::decode(&bytes).ok()).ok_or_else(|| damaged(*index))?;
        let stated = (entry.kind, entry.signer);
        if *own.get_or_insert_with(|| stated.clone()) != stated {
            return Err(damaged(*index));
        }
    }
    Ok(())
}
