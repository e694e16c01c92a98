//! The thread that writes the rows, one published commit after the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::artifact::json::Value;
use crate::artifact::{Did, Keys};
use crate::audit::{Filing, Link, RootsSaid, filed_under};
use crate::entry::SequencedEntry;
use crate::merkle::{LeafIndex, TreeSize};
use crate::sequence::CommittedEntry;
use crate::server::index::names::{Sort, names_of};
use crate::server::index::rows::{Batch, Met, Rows, link_prefix, reached};
use crate::server::index::{Followed, Scan};
use crate::server::log::Published;
use crate::server::log::filed;
use crate::server::log::recent::Recent;
use crate::server::log::withholding::{named, withheld_by};
use crate::server::store::layout::statement_key;
use crate::server::store::{Store, StoreError};

/// Entries indexed in one write.
const STEP_ENTRIES: usize = 1_000;
/// Wait after the store did not answer.
const RETRY: Duration = Duration::from_secs(1);

/// The follower: where it reads, and the roots in force where it stands.
pub struct Follower {
    pub store: Arc<Store>,
    pub recent: Arc<Recent>,
    pub published: watch::Receiver<Published>,
    pub followed: Arc<Followed>,
    pub operator: Did,
    pub origin: String,
    /// Roots of the operator among what was followed.
    pub roots: Roots,
    /// Names that need not be kept again.
    pub met: Met,
}

/// The operator's roots up to where the follower stands.
#[derive(Clone, Default)]
pub struct Roots {
    /// Payload of those in force.
    newest: Option<Arc<Value<'static>>>,
    /// All that were ever said; only the operator makes more.
    said: RootsSaid,
    /// First entry that those in force judge.
    from: u64,
}

/// The rows of some entries while they are made. Nothing of it counts before
/// the batch was written: a step that failed is made again from the start.
struct Step {
    batch: Batch,
    roots: Roots,
    /// Artifacts that entries among these withhold.
    withheld: Vec<(LeafIndex, ArtifactDigest)>,
}

impl Follower {
    /// Follows until the log has ended.
    pub fn run(mut self) {
        // Only to wait for the channel; nothing else runs on it.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
            tracing::error!("search index stopped: no runtime");
            return;
        };
        let Some(mut at) = self.started() else { return };
        self.followed.set(at);
        loop {
            let size = self.published.borrow_and_update().head.size.get();
            while at < size {
                match self.step(at, size) {
                    Ok(next) => at = next,
                    Err(error) => {
                        tracing::error!(%error, index = at, "search index waits for the store");
                        std::thread::sleep(RETRY);
                    }
                }
                self.followed.set(at);
                drop(self.recent.forget_below(at));
                // The log has ended: keep its store open no longer than one step.
                if self.published.has_changed().is_err() {
                    return;
                }
            }
            if runtime.block_on(self.published.changed()).is_err() {
                return;
            }
        }
    }

    /// Tries until the store says where to go on; `None` when the log has ended.
    fn started(&mut self) -> Option<u64> {
        loop {
            match self.resume() {
                Ok(at) => return Some(at),
                Err(error) => {
                    tracing::error!(%error, "search index waits for the store");
                    std::thread::sleep(RETRY);
                }
            }
            if self.published.has_changed().is_err() {
                return None;
            }
        }
    }

    /// Where to go on, and the roots in force there; rows of another version
    /// are dropped first.
    fn resume(&mut self) -> Result<u64, StoreError> {
        let Some(followed) = reached(&self.store)? else {
            self.store.search_clear()?;
            return Ok(0);
        };
        self.roots = Roots::default();
        for index in
            Scan::of(&self.store).up(&link_prefix(&Link::ROOTS), 0, Some(TreeSize::new(followed)), usize::MAX)?
        {
            let said = self.payload(index)?;
            said.iter().for_each(|(hash, _)| self.roots.said.note(*hash));
            self.roots.newest = said.map(|(_, payload)| Arc::new(payload));
            self.roots.from = index.get() + 1;
        }
        Ok(followed)
    }

    pub(super) fn payload(&self, index: LeafIndex) -> Result<Option<(PayloadHash, Value<'static>)>, StoreError> {
        let (Some(entry), Some(body)) = (self.store.entry(index)?, self.store.body(index)?) else { return Ok(None) };
        let entry = SequencedEntry::decode(&entry).ok();
        Ok(entry.and_then(|entry| filed::read(&entry, &body)).map(|(hash, payload)| (hash, payload.into_owned())))
    }

    /// Files one commit from memory, or a step of older entries from the store.
    fn step(&mut self, first: u64, size: u64) -> Result<u64, StoreError> {
        let mut step = Step { batch: Batch::default(), roots: self.roots.clone(), withheld: Vec::new() };
        let recent = self.recent.from(LeafIndex::new(first)).filter(|c| first + c.len() as u64 <= size);
        let end = if let Some(commit) = recent {
            commit.iter().try_for_each(|entry| self.file_committed(&mut step, entry))?;
            first + commit.len() as u64
        } else {
            let end = size.min(first + STEP_ENTRIES as u64);
            self.file_stored(&mut step, first, end)?;
            end
        };
        // What they withhold is dropped before it counts that they were followed: a
        // step that was cut off is made again, with the same end.
        let reached = if step.withheld.is_empty() { end } else { first };
        step.batch.write(&self.store, reached, &mut self.met)?;
        if reached < end {
            self.withhold(&step.withheld)?;
            Batch::default().write(&self.store, end, &mut self.met)?;
        }
        self.roots = step.roots;
        Ok(end)
    }

    fn file_committed(&self, step: &mut Step, committed: &CommittedEntry) -> Result<(), StoreError> {
        let (index, entry) = (committed.index, &committed.entry);
        let is_withheld = withheld_by(self.store.withheld(), entry, committed.body.as_bytes()).is_some();
        if is_withheld {
            return self.file(step, (index, entry, false), &Keys::default(), None);
        }
        let payload = filed::payload(entry, &committed.body);
        let body = payload.as_ref().map(|payload| (committed.payload_hash, payload));
        let is_again = committed.is_again && self.is_again(step, index, entry, &committed.payload_hash)?;
        self.file(step, (index, entry, is_again), &committed.keys, body)
    }

    fn file_stored(&self, step: &mut Step, first: u64, end: u64) -> Result<(), StoreError> {
        let entries = self.store.entries(LeafIndex::new(first), (end - first) as usize)?;
        let mut bodies = self.store.bodies_from(LeafIndex::new(first))?.peekable();
        for (index, entry) in (first..end).map(LeafIndex::new).zip(entries) {
            // What no cursor reaches is asked for by itself, so that damage is
            // met and told, and takes none of its neighbours with it.
            let body = bodies.next_if(|(at, _)| *at == index).map(|(_, body)| body.into_vec());
            let body = body.or_else(|| self.store.body(index).ok().flatten());
            let Ok(entry) = SequencedEntry::decode(&entry) else {
                tracing::warn!(%index, "search index: an entry is not readable");
                // Whoever audits meets it, and says that the store is damaged.
                let rows = Rows { index, kind: None, keys: &Keys::default(), links: &[Link::UNREAD], names: &[] };
                rows.put(&mut step.batch, &self.met, &self.store)?;
                continue;
            };
            let shown = body.as_deref().filter(|body| withheld_by(self.store.withheld(), &entry, body).is_none());
            let read = shown.and_then(|body| filed::read(&entry, body));
            let keys = read.as_ref().map(|(_, payload)| (entry.kind.row().keys)(payload)).unwrap_or_default();
            let is_again = |(hash, _): &(PayloadHash, Value<'_>)| self.is_again(step, index, &entry, hash);
            let is_again = read.as_ref().map(is_again).transpose()?.unwrap_or_default();
            let body = read.as_ref().map(|(hash, payload)| (*hash, payload));
            self.file(step, (index, &entry, is_again), &keys, body)?;
        }
        Ok(())
    }

    /// Whether the statement of an entry stands below it under the same roots. A
    /// row is a claim: one that leads elsewhere takes no entry out of any report.
    fn is_again(
        &self,
        step: &Step,
        index: LeafIndex,
        entry: &SequencedEntry,
        hash: &PayloadHash,
    ) -> Result<bool, StoreError> {
        // What nobody signed is the statement of its submitter, who logs it once.
        let Some(signer) = &entry.signer else { return Ok(false) };
        let key = statement_key(hash, entry.kind, Some(signer));
        if !self.store.is_later(&key, index)? {
            return Ok(false);
        }
        let found = match self.store.statement_in(&key, LeafIndex::new(step.roots.from)..index) {
            Err(StoreError::Damaged { row }) => {
                tracing::warn!(%index, row, "search index: a row is damaged, run pulselog fsck");
                None
            }
            found => found?,
        };
        let Some(bytes) = found.map(|found| self.store.entry(found)).transpose()?.flatten() else { return Ok(false) };
        let stands = SequencedEntry::decode(&bytes);
        Ok(stands.is_ok_and(|stands| (stands.kind, &stands.signer) == (entry.kind, &entry.signer)))
    }

    /// The rows of one entry. One that is said again has those by which a reader of
    /// all entries finds it, and no others: ten thousand copies hide nothing in a
    /// list, and make no report longer.
    fn file(
        &self,
        step: &mut Step,
        (index, entry, is_again): (LeafIndex, &SequencedEntry, bool),
        keys: &Keys,
        body: Option<(PayloadHash, &Value)>,
    ) -> Result<(), StoreError> {
        if let Some(digest) = named(Some(&self.operator), entry, keys) {
            step.withheld.push((index, digest));
        }
        let filing = Filing { at: index, entry, body };
        let roots = step.roots.newest.as_deref();
        let mut links = filed_under(&filing, roots, &self.operator, Some(&self.origin));
        let payload = body.map(|(_, payload)| payload);
        let mut names = names_of(entry, keys, payload);
        let none = Keys::default();
        let keys = if is_again { &none } else { keys };
        if is_again {
            Link::drop_repeated(&mut links);
            names.retain(|named| named.sort == Sort::Submitter);
        } else if let Some((hash, payload)) = body
            && step.roots.said.take(hash, &mut links)
        {
            step.roots.newest = Some(Arc::new(payload.clone().into_owned()));
            step.roots.from = index.get() + 1;
        }
        let rows = Rows { index, kind: Some(entry.kind), keys, links: &links, names: &names };
        rows.put(&mut step.batch, &self.met, &self.store)
    }
}
