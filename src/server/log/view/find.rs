//! Entries by what bears them. A look-up row is a claim: it is believed after
//! the entry that it leads to was read and is what the row says; else the
//! store is damaged, which is never answered as an absence.

use std::ops::Range;

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::merkle::{Hash, LeafHash, LeafIndex};
use crate::server::log::view::{StoredEntry, View, ViewError, stored};
use crate::server::store::layout::{self, cf};

impl View {
    /// Every entry whose artifact has this digest, lowest first.
    ///
    /// # Errors
    /// [`ViewError::Store`], [`ViewError::Unsound`] for a row that leads elsewhere.
    pub fn find_artifact(&self, digest: &ArtifactDigest) -> Result<Vec<StoredEntry>, ViewError> {
        let rows = self.store.find_artifact(digest)?;
        let claimed = rows.into_iter().map(|(identity, index)| {
            self.claimed(cf::IDENTITIES, index, |e| e.entry.identity().as_bytes() == identity).transpose()
        });
        let found: Vec<_> = claimed.flatten().collect::<Result<_, _>>()?;
        self.check_absence(cf::IDENTITIES, found.is_empty())?;
        Ok(found)
    }

    /// Digests of artifacts that begin with these hex digits, in order, at most
    /// `limit`: claims, until each was found.
    ///
    /// # Errors
    /// [`ViewError::Store`].
    pub fn artifacts_from(&self, hex: &str, limit: usize) -> Result<Vec<Hash>, ViewError> {
        Ok(self.store.hashes_from(cf::IDENTITIES, hex, limit)?)
    }

    /// The same of leaf hashes.
    ///
    /// # Errors
    /// As [`View::artifacts_from`].
    pub fn leaves_from(&self, hex: &str, limit: usize) -> Result<Vec<Hash>, ViewError> {
        Ok(self.store.hashes_from(cf::LEAVES, hex, limit)?)
    }

    /// The same of payload hashes.
    ///
    /// # Errors
    /// As [`View::artifacts_from`].
    pub fn payloads_from(&self, hex: &str, limit: usize) -> Result<Vec<Hash>, ViewError> {
        Ok(self.store.hashes_from(cf::STATEMENTS, hex, limit)?)
    }

    /// What is not found among rows of which some are known to be missing may
    /// have been logged.
    fn check_absence(&self, family: &str, is_absent: bool) -> Result<(), ViewError> {
        if is_absent && self.store.damage().is_holed(family) {
            return Err(ViewError::Unsound { what: format!("rows of {family} are missing") });
        }
        Ok(())
    }

    /// Entries that are said to have a payload of this hash, whoever signed
    /// them, lowest first. Whether they have it, their bodies show.
    ///
    /// # Errors
    /// As [`View::find_artifact`].
    pub fn find_payload(&self, payload: &PayloadHash) -> Result<Vec<StoredEntry>, ViewError> {
        let found = self.stating(self.store.find_payload(payload)?, |_| true)?;
        self.check_absence(cf::STATEMENTS, found.is_empty())?;
        Ok(found)
    }

    /// The entry with this leaf hash.
    ///
    /// # Errors
    /// As [`View::find_artifact`].
    pub fn find_leaf(&self, leaf: &LeafHash) -> Result<Option<StoredEntry>, ViewError> {
        let row = self.store.find_leaf(leaf)?;
        let claimed = row.map(|index| self.claimed(cf::LEAVES, index, |entry| entry.leaf_hash == *leaf));
        let found = claimed.transpose()?.flatten();
        self.check_absence(cf::LEAVES, found.is_none())?;
        Ok(found)
    }

    /// Other entries that are said to make the statement of `entry`, lowest
    /// first. Whether they do, their bodies show.
    ///
    /// # Errors
    /// As [`View::find_artifact`].
    pub fn same_statement(&self, entry: &StoredEntry, payload: &PayloadHash) -> Result<Vec<StoredEntry>, ViewError> {
        let key = layout::statement_key(payload, entry.entry.kind, entry.entry.signer.as_ref());
        let mut found = self.store.find_statement(&key)?;
        found.retain(|index| *index != entry.index);
        let stated = (entry.entry.kind, &entry.entry.signer);
        self.stating(found, |other| (other.entry.kind, &other.entry.signer) == stated)
    }

    /// The lowest entry in `between` that is said to make the statement of `entry`,
    /// which stands above all of these.
    ///
    /// # Errors
    /// As [`View::find_artifact`].
    pub fn stated_in(
        &self,
        entry: &StoredEntry,
        payload: &PayloadHash,
        between: Range<LeafIndex>,
    ) -> Result<Option<StoredEntry>, ViewError> {
        let key = layout::statement_key(payload, entry.entry.kind, entry.entry.signer.as_ref());
        if !self.store.is_later(&key, entry.index)? {
            return Ok(None);
        }
        let stated = (entry.entry.kind, &entry.entry.signer);
        let is_it = |other: &StoredEntry| (other.entry.kind, &other.entry.signer) == stated;
        let found = self.store.statement_in(&key, between)?;
        Ok(found.map(|index| self.claimed(cf::STATEMENTS, index, is_it)).transpose()?.flatten())
    }

    /// The entry that a row leads to; `None` while it is not published.
    fn claimed(
        &self,
        family: &str,
        index: LeafIndex,
        is_it: impl FnOnce(&StoredEntry) -> bool,
    ) -> Result<Option<StoredEntry>, ViewError> {
        let elsewhere =
            || ViewError::Unsound { what: format!("a row of {family} does not lead to its entry at {index}") };
        // Row and entry are written in one batch: who reads the row finds the entry.
        let entry = stored(index, self.store.entry(index)?.ok_or_else(elsewhere)?)?;
        if !is_it(&entry) {
            return Err(elsewhere());
        }
        Ok((index.get() < self.size().get()).then_some(entry))
    }

    /// Those of `found` that are published.
    fn stating(
        &self,
        found: Vec<LeafIndex>,
        is_it: impl Fn(&StoredEntry) -> bool,
    ) -> Result<Vec<StoredEntry>, ViewError> {
        let claimed = found.into_iter().map(|index| self.claimed(cf::STATEMENTS, index, &is_it).transpose());
        claimed.flatten().collect()
    }
}
