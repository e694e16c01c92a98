//! fsck of a data directory, with the log stopped.

use std::path::Path;
use std::sync::Arc;

use crate::artifact::{Did, KeyCache};
use crate::checkpoint::Checkpoint;
use crate::entry::{LoggedAt, SequencedEntry};
use crate::merkle::{LeafIndex, TreeSize, leaf_hash};
use crate::note::VerifierKey;
use crate::server::faults::NoFaults;
use crate::server::fsck::body::{Disagreement, agree};
use crate::server::fsck::tree::Regrown;
use crate::server::fsck::{FsckError, Progress, Report, is_told, require_log};
use crate::server::guard::{FileGuard, GuardState, hash_text};
use crate::server::log::withholding::{self, named, named_by};
use crate::server::store::layout::{HeadRecord, LogIdentity, SCHEMA, cf, statement_key};
use crate::server::store::{Store, StoreError};
use crate::server::submitters;
use crate::tile::TileId;
use crate::trust::TrustPolicy;

/// Entries read at a time.
const CHUNK: usize = 1_024;

/// Checks the log in `data` against its guard and against itself. Cost: one
/// read and about one signature verification an entry.
///
/// # Errors
/// [`FsckError`] when there is nothing to check or a running log holds it.
pub fn check(data: &Path, guard: &Path, progress: &mut Progress<'_>) -> Result<Report, FsckError> {
    require_log(data)?;
    let held = FileGuard::open(guard, Arc::new(NoFaults))?;
    let store = Store::open_read_only(&data.join("store"))?;
    let mut walk = Walk::new(&store);
    let Some((identity, head)) = walk.meta() else { return Ok(walk.report) };
    let state = held.as_ref().map_or(Ok(GuardState::Missing), FileGuard::read)?;
    walk.guard(state, &identity, &head);
    for block in held.as_ref().map_or(Ok(Vec::new()), FileGuard::damaged_blocks)? {
        walk.report
            .note("guard", format!("block {block} is damaged; while the other is whole, the next start repairs it"));
    }
    walk.beside(data, &identity);
    walk.withheld(&identity, head.head.size);
    walk.entries(&head, &identity, progress);
    walk.counts(head.head.size);
    Ok(walk.report)
}

struct Walk<'a> {
    store: &'a Store,
    report: Report,
    tree: Regrown,
    last: LoggedAt,
    keys: KeyCache,
    policy: Option<TrustPolicy>,
}

impl<'a> Walk<'a> {
    fn new(store: &'a Store) -> Self {
        Self {
            store,
            report: Report::default(),
            tree: Regrown::new(),
            last: LoggedAt::from_unix_ms(0),
            keys: KeyCache::default(),
            policy: None,
        }
    }

    /// A read that fails is a problem with a name, not the end of the walk.
    fn read<T>(&mut self, what: impl FnOnce() -> String, result: Result<T, StoreError>) -> Option<T> {
        result.map_err(|error| self.report.note(what(), error.to_string())).ok()
    }

    /// Rows of what is withheld, as a start reads them.
    fn withheld(&mut self, identity: &LogIdentity, size: TreeSize) {
        let Ok(operator) = Did::parse(&identity.operator) else {
            return self.report.note("log identity", "names no operator");
        };
        let opened = withholding::open(self.store, &operator, size, true);
        self.read(|| "what is withheld".into(), opened);
    }

    fn meta(&mut self) -> Option<(LogIdentity, HeadRecord)> {
        let (identity, head, fork) = (self.store.identity(), self.store.head(), self.store.fork());
        let identity = self.read(|| "log identity".into(), identity)?;
        let head = self.read(|| "head".into(), head)?;
        if let Some(Some(why)) = self.read(|| "fork mark".into(), fork) {
            self.report.note("store", format!("is a fork: {why}"));
        }
        match (identity, head) {
            (Some(identity), Some(head)) => Some((identity, head)),
            _ => {
                self.report.note("store", "initialisation has not finished; start the log once");
                None
            }
        }
    }

    /// What lies beside the entries: the layout's version, and who may submit.
    fn beside(&mut self, data: &Path, identity: &LogIdentity) {
        if identity.schema != SCHEMA {
            let why = format!("is of layout version {}, this program knows {SCHEMA}", identity.schema);
            self.report.note("log identity", why);
        }
        if let Err(error) = submitters::list(data) {
            self.report.note(submitters::FILE_NAME, error.to_string());
        }
    }

    fn guard(&mut self, state: GuardState, identity: &LogIdentity, head: &HeadRecord) {
        let GuardState::Record(record) = state else {
            return self.report.note("guard", "is missing or neither block is readable");
        };
        if record.origin != hash_text(&identity.origin) {
            self.report.note("guard", "belongs to another origin");
        }
        if record.head != head.head && record.head != head.previous {
            let why = format!("says size {}, the store holds {}", record.head.size, head.head.size);
            self.report.note("guard", why);
        }
    }

    fn entries(&mut self, head: &HeadRecord, identity: &LogIdentity, progress: &mut Progress<'_>) {
        let size = head.head.size;
        self.report.size = size.get();
        self.policy = self.pinned_policy(identity, size);
        self.checkpoints_at(TreeSize::ZERO, head);
        let mut next = 0;
        while next < size.get() {
            let chunk = self.store.entries(LeafIndex::new(next), CHUNK);
            let Some(chunk) = self.read(|| format!("entry {next}"), chunk) else { return };
            if chunk.is_empty() {
                self.report.note(format!("entry {next}"), "is gone");
                return;
            }
            for bytes in chunk.iter().take((size.get() - next) as usize) {
                self.entry(LeafIndex::new(next), bytes);
                next += 1;
                self.checkpoints_at(TreeSize::new(next), head);
                if is_told(next, size) {
                    progress(next, size.get());
                }
            }
        }
        for (tile, bytes) in self.tree.partial() {
            self.tile(tile, &bytes);
        }
    }

    fn pinned_policy(&mut self, identity: &LogIdentity, size: TreeSize) -> Option<TrustPolicy> {
        let key = identity.key_at(size).and_then(|k| VerifierKey::parse(&k.vkey).ok());
        if key.is_none() {
            self.report.note("log identity", "holds no readable key for this size");
        }
        key.map(TrustPolicy::for_log)
    }

    fn entry(&mut self, index: LeafIndex, bytes: &[u8]) {
        self.report.entries += 1;
        for (tile, filled) in self.tree.push(bytes) {
            self.tile(tile, &filled);
        }
        let entry = match SequencedEntry::decode(bytes) {
            Ok(entry) => entry,
            Err(error) => return self.report.note(format!("entry {index}"), error.to_string()),
        };
        if entry.logged_at < self.last {
            self.report.note(format!("entry {index}"), "is earlier than the entry before it");
        }
        self.last = entry.logged_at;
        let found = self.store.find_leaf(&leaf_hash(bytes));
        if self.read(|| format!("leaf row of entry {index}"), found).is_some_and(|f| f != Some(index)) {
            self.report.note(format!("leaf row of entry {index}"), "does not lead to it");
        }
        let found = self.store.find_identities(&[entry.identity()]);
        let found = found.and_then(|claims| claims.into_iter().next().unwrap_or(Ok(None)));
        if self.read(|| format!("identity of entry {index}"), found).is_some_and(|f| f != Some(index)) {
            self.report.note(format!("identity of entry {index}"), "does not lead to it");
        }
        self.body(index, &entry);
    }

    fn body(&mut self, index: LeafIndex, entry: &SequencedEntry) {
        let what = || format!("body {index}");
        let body = self.store.body(index);
        let Some(Some(body)) = self.read(what, body) else {
            return self.report.note(what(), "is gone");
        };
        if body.is_empty() && named_by(self.store.withheld(), entry).is_some() {
            return;
        }
        self.report.bodies += 1;
        let artifact = match agree(entry, &body, &self.keys, usize::MAX) {
            Ok(artifact) => artifact,
            Err(Disagreement::Differs(why)) => return self.report.note(what(), why),
            Err(Disagreement::OverRoom) => return self.report.note(what(), "takes more memory than there is"),
        };
        if let Some(digest) = named(self.store.withheld().operator(), entry, &artifact.keys())
            && !self.store.withheld().ask(|sets| sets.artifacts.contains_key(&digest))
        {
            self.report.note(format!("withholding {index}"), "has no row: what it withholds is shown");
        }
        let key = statement_key(&artifact.payload_hash(), entry.kind, entry.signer.as_ref());
        let listed = self.store.find_statement(&key);
        let listed = self.read(|| format!("statement of entry {index}"), listed);
        let is_cut = |l: &Vec<LeafIndex>| l.len() == crate::server::store::SAME_STATEMENT_MAX;
        if listed.is_some_and(|l| !l.contains(&index) && !is_cut(&l)) {
            self.report.note(format!("statement of entry {index}"), "does not lead to it");
        }
    }

    fn tile(&mut self, tile: TileId, expected: &[u8]) {
        self.report.tiles += 1;
        let what = || format!("tile {}/{}", tile.level, tile.index);
        let stored = self.store.tiles(&[tile]).map(|mut t| t.pop().flatten());
        match self.read(what, stored) {
            None => {}
            Some(Some(bytes)) if bytes == expected => {}
            Some(Some(_)) => self.report.note(what(), "does not hold the hashes of its entries"),
            Some(None) => self.report.note(what(), "is gone"),
        }
    }

    /// Roots that were promised at exactly this size.
    fn checkpoints_at(&mut self, size: TreeSize, head: &HeadRecord) {
        let root = self.tree.root();
        for (known, name) in [(head.head, "head"), (head.previous, "previous head")] {
            if known.size == size && known.root != root {
                self.report.note(name, format!("has not the root of {size} entries"));
            }
        }
        let row = self.store.checkpoint(size);
        let row = self.read(|| format!("checkpoint {size}"), row).flatten();
        let note = head.note.as_deref().filter(|_| head.head.size == size);
        for (note, what) in [(row.as_deref(), "checkpoint"), (note, "head's note of size")] {
            let Some(note) = note else { continue };
            self.report.checkpoints += 1;
            let trusted = self.policy.as_ref().map(|p| p.open(note));
            match trusted {
                Some(Ok(trusted)) if trusted.head().size == size && trusted.head().root == root => {}
                Some(Ok(_)) => self.report.note(format!("{what} {size}"), "signs another root or size"),
                Some(Err(error)) => self.report.note(format!("{what} {size}"), error.to_string()),
                None => {}
            }
        }
    }

    /// Rows that nothing leads to, and rows beyond the head.
    fn counts(&mut self, size: TreeSize) {
        for family in [cf::ENTRIES, cf::BODIES, cf::IDENTITIES, cf::LEAVES, cf::STATEMENTS] {
            let rows = self.read(|| format!("family {family}"), self.store.count(family));
            if rows.is_some_and(|rows| rows != size.get()) {
                let why = format!("holds {} rows for {size} entries", rows.unwrap_or_default());
                self.report.note(format!("family {family}"), why);
            }
        }
        let checkpoints = self.store.checkpoints_below(TreeSize::new(u64::MAX), 1);
        let newest = self.read(|| "family checkpoints".into(), checkpoints);
        if let Some((beyond, note)) = newest.and_then(|c| c.into_iter().next())
            && beyond > size
        {
            let text = String::from_utf8_lossy(&note).into_owned();
            let origin = Checkpoint::parse_text(&text).map(|c| c.origin.as_str().to_owned()).unwrap_or_default();
            self.report.note(format!("checkpoint {beyond}"), format!("is beyond the head of {size} entries {origin}"));
        }
    }
}
