//! Start: initialise, roll forward, or refuse. Never guess.
//!
//! Read together with the commit protocol in ARCHITECTURE.md. The store may be
//! ahead of the guard by exactly the batch that was under way; any other
//! difference means an old copy, a second copy or damage, and the log refuses
//! with what to do next.

mod error;
mod rebuild;
mod shown;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::checkpoint::{Origin, TreeHead};
use crate::entry::{LoggedAt, SequencedEntry};
use crate::merkle::{Frontier, Hash, LeafIndex, Plan, TreeSize, empty_root, leaf_hash};
use crate::note::VerifierKey;
use crate::sequence::TreeState;
use crate::server::guard::{FileGuard, GuardError, GuardRecord, GuardState, hash_text};
use crate::server::log::clock::Keeper;
use crate::server::log::clock::mark::path_of;
use crate::server::log::nodes::{fetch, root_at};
use crate::server::log::publisher::{Fatal, Publisher};
use crate::server::log::view::ViewError;
use crate::server::log::{Opening, Published, withholding};
use crate::server::store::layout::{HeadRecord, LogIdentity, PinnedKey, SCHEMA};
use crate::server::store::{Store, StoreError};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, TileId};
use crate::trust::TrustPolicy;

pub use self::error::OpenError;
pub use self::rebuild::{Rebuilt, rebuild_guard};
pub use self::shown::{Shown, show};

/// Entries at the right edge that a start hashes again: the last two bundles.
const EDGE_ENTRIES: u64 = 2 * TILE_WIDTH as u64;

/// A log that may run.
pub struct Recovered {
    pub(super) store: Arc<Store>,
    pub(super) publisher: Publisher,
    pub(super) tree: TreeState,
    pub(super) head: HeadRecord,
    pub(super) published: Published,
    pub(super) policy: TrustPolicy,
    pub(super) time: Arc<Keeper>,
    pub(super) checkpoint_interval: Duration,
    pub(super) read_only: Option<String>,
}

/// Opens store and guard and brings them to one head.
///
/// # Errors
/// [`OpenError`].
pub fn open(opening: Opening) -> Result<Recovered, OpenError> {
    let vkey = opening.signer.vkey();
    if vkey.name() != opening.origin.key_name() {
        return Err(OpenError::KeyName { name: vkey.name().to_string(), origin: opening.origin.to_string() });
    }
    let io = |source| OpenError::Data { path: opening.data.clone(), source };
    make_data(&opening.data).map_err(io)?;
    check_guard_place(&opening.data, &opening.guard)?;
    // The guard's lock comes first: it also keeps out a process with another
    // copy of the data, which RocksDB's own lock does not see.
    let guard = FileGuard::open(&opening.guard, Arc::clone(&opening.faults))?;
    let dir = opening.data.join("store");
    let damage = survey(&opening, &dir, guard.as_ref())?;
    let store = Arc::new(Store::open(&dir, opening.budget, Arc::clone(&opening.faults))?);
    if let Some(damage) = damage {
        store.damage().meet(&damage);
    }
    if let Some(why) = store.fork()? {
        return Err(OpenError::Fork { why });
    }
    let policy = TrustPolicy::for_log(vkey.clone());
    if store.identity()?.is_none() {
        // Before anything is made: a log that was seen is not a new one.
        check_seen_of_new(&policy, &opening.seen)?;
        tracing::warn!(data = %opening.data.display(), "data directory holds no log: initialising a NEW log at size 0");
    }
    let (guard, head) = guarded_head(&opening, &store, guard, &vkey)?;
    let GuardState::Record(record) = guard.read()? else { return Err(OpenError::GuardUnreadable) };
    let halved = !guard.damaged_blocks()?.is_empty();
    compare(&opening.origin, &record, &head, || Ok(halved && is_one_before(&store, &record, &head)?))?;
    // What the WAL gave back is flushed to synced files before the guard may move.
    store.flush()?;
    check_roots(&store, &policy, &record, &head)?;
    let tree = resume(&store, head.head)?;
    withholding::open(&store, &opening.operator, head.head.size, false)?;
    check_seen(&store, &policy, &opening.seen, head.head)?;
    let mark = path_of(&opening.guard);
    let time = Keeper::start(opening.clock, mark.clone(), tree.last_logged_at(), opening.accept_clock)
        .map_err(|source| OpenError::ClockMark { path: mark, source })?;
    let publisher =
        Publisher { store: Arc::clone(&store), guard, record, origin: opening.origin, signer: opening.signer };
    let mut recovered = Recovered {
        published: Published { head: record.head, note: Arc::from([]) },
        store,
        publisher,
        tree,
        head,
        policy,
        time: Arc::new(time),
        checkpoint_interval: opening.checkpoint_interval,
        read_only: None,
    };
    recovered.finish()?;
    if recovered.read_only.is_none() {
        recovered.time.mark();
    }
    Ok(recovered)
}

impl Recovered {
    /// Moves the guard to the head through the normal path: an interrupted
    /// publish finishes, and a guard that cannot be written is found now.
    fn finish(&mut self) -> Result<(), OpenError> {
        match self.publisher.sign_and_publish(&mut self.head) {
            Ok(Some(published)) => self.published = published,
            Ok(None) => self.serve_guarded("the log's key does not answer".to_owned())?,
            Err(Fatal::Guard(GuardError::Io { path, source })) => {
                self.serve_guarded(format!("guard {} cannot be written: {source}", path.display()))?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Reads at the guard's size, no writes.
    fn serve_guarded(&mut self, why: String) -> Result<(), OpenError> {
        tracing::error!(why, "log is read only");
        let head = self.publisher.guarded();
        let note = match self.store.checkpoint(head.size)? {
            Some(note) => note,
            // The guarded head was signed before; the same bytes come out again.
            None => self.publisher.sign(head).ok_or(OpenError::KeySilent)?,
        };
        self.published = Published { head, note: note.into() };
        self.read_only = Some(why);
        Ok(())
    }
}

/// Refuses while everything still lies as it was found: holes below the head,
/// and a store older than its guard, whether it is an old copy or the end of
/// its WAL is gone. Opening for writing would throw the rest away. Gives back
/// what of it could not be read.
fn survey(opening: &Opening, dir: &Path, guard: Option<&FileGuard>) -> Result<Option<String>, OpenError> {
    let Some(found) = Store::survey(dir)? else { return Ok(None) };
    let size = found.head.head.size;
    if let Some(hole) = found.hole {
        return Err(OpenError::Hole { size, hole });
    }
    if let Some(GuardState::Record(record)) = guard.map(FileGuard::read).transpose()?
        && record.origin == hash_text(opening.origin.as_str())
        && record.head.size > size
        && !found.is_fork
    {
        return Err(OpenError::GuardNewer { guard: record.head.size, store: size });
    }
    Ok(found.damage)
}

/// Initialises what is new, finishes what initialisation left, and otherwise
/// returns what is there.
fn guarded_head(
    opening: &Opening,
    store: &Store,
    guard: Option<FileGuard>,
    vkey: &VerifierKey,
) -> Result<(FileGuard, HeadRecord), OpenError> {
    let state = guard.as_ref().map_or(Ok(GuardState::Missing), FileGuard::read)?;
    let initial = GuardRecord::initial(&opening.origin);
    let create_guard = |held: Option<FileGuard>| {
        // The lock is given back before the file is made anew.
        drop(held);
        FileGuard::create(&opening.guard, &initial, Arc::clone(&opening.faults))
    };
    let Some(identity) = store.identity()? else {
        let guard = match (state, guard) {
            (GuardState::Missing | GuardState::Unfinished, held) => create_guard(held)?,
            (GuardState::Record(record), Some(guard)) if record == initial => guard,
            (GuardState::Record(record), _) => return Err(OpenError::StoreMissing { size: record.head.size }),
            (GuardState::Unreadable, _) => return Err(OpenError::GuardUnreadable),
        };
        let head = create_store(opening, store, vkey)?;
        return Ok((guard, head));
    };
    check_identity(&identity, opening, vkey)?;
    let head = store.head()?.ok_or_else(|| StoreError::Damaged { row: "meta/head".into() })?;
    let is_new = head.head.size == TreeSize::ZERO;
    match (state, guard) {
        (GuardState::Missing | GuardState::Unfinished, held) if is_new => Ok((create_guard(held)?, head)),
        (GuardState::Missing, _) => Err(OpenError::GuardMissing { path: opening.guard.clone(), size: head.head.size }),
        (GuardState::Unfinished | GuardState::Unreadable, _) => Err(OpenError::GuardUnreadable),
        (GuardState::Record(_), Some(guard)) => Ok((guard, head)),
        (GuardState::Record(_), None) => Err(OpenError::GuardUnreadable),
    }
}

fn create_store(opening: &Opening, store: &Store, vkey: &VerifierKey) -> Result<HeadRecord, OpenError> {
    let identity = LogIdentity {
        schema: SCHEMA,
        origin: opening.origin.as_str().to_owned(),
        operator: opening.operator.as_str().to_owned(),
        keys: vec![PinnedKey { vkey: vkey.to_string(), from: 0, to: None }],
    };
    let empty = TreeHead { size: TreeSize::ZERO, root: empty_root() };
    let head = HeadRecord { head: empty, previous: empty, note: None };
    store.create(&identity, &head)?;
    Ok(head)
}

fn check_identity(identity: &LogIdentity, opening: &Opening, vkey: &VerifierKey) -> Result<(), OpenError> {
    let pinned = |what, pinned: &str, given: &str| OpenError::Pinned {
        what,
        pinned: pinned.to_owned(),
        given: given.to_owned(),
    };
    if identity.schema != SCHEMA {
        return Err(OpenError::Schema { found: identity.schema });
    }
    if identity.origin != opening.origin.as_str() {
        return Err(pinned("origin", &identity.origin, opening.origin.as_str()));
    }
    if identity.operator != opening.operator.as_str() {
        return Err(pinned("operator", &identity.operator, opening.operator.as_str()));
    }
    let last = identity.keys.last().map_or("", |k| k.vkey.as_str());
    if last != vkey.to_string() {
        return Err(pinned("key", last, &vkey.to_string()));
    }
    Ok(())
}

/// The guard is the head or the head's previous; anything else refuses. With
/// one block damaged it may be the record before that one.
fn compare(
    origin: &Origin,
    record: &GuardRecord,
    head: &HeadRecord,
    is_record_before: impl FnOnce() -> Result<bool, StoreError>,
) -> Result<(), OpenError> {
    if record.origin != hash_text(origin.as_str()) {
        return Err(OpenError::GuardOrigin);
    }
    if record.head == head.head || record.head == head.previous {
        return Ok(());
    }
    let (guard, store) = (record.head.size, head.head.size);
    Err(if guard > store {
        OpenError::GuardNewer { guard, store }
    } else if guard == store || guard == head.previous.size {
        OpenError::GuardOtherRoot { guard }
    } else if is_record_before()? {
        return Ok(());
    } else {
        OpenError::GuardOlder { guard, store, previous: head.previous.size }
    })
}

/// Whether `record` is the one that the guard held before it moved to the
/// head's previous: the store published nothing between the two. A log that
/// found its newest block damaged when it was to move stands like this: its
/// batch is in the store, and the block that says *previous* is lost.
fn is_one_before(store: &Store, record: &GuardRecord, head: &HeadRecord) -> Result<bool, StoreError> {
    let before = store.checkpoints_below(head.previous.size, 1)?.pop();
    Ok(before.is_some_and(|(size, note)| size == record.head.size && record.note == digest(&note)))
}

fn digest(note: &[u8]) -> Hash {
    Hash::from_bytes(Sha256::digest(note).into())
}

/// The store's tiles give the guard's root, the head's and the previous one;
/// the note is the log's own over that head.
fn check_roots(store: &Store, policy: &TrustPolicy, record: &GuardRecord, head: &HeadRecord) -> Result<(), OpenError> {
    for known in [record.head, head.previous, head.head] {
        if root_at(store, known.size)? != known.root {
            return Err(OpenError::Root { size: known.size });
        }
    }
    let Some(note) = &head.note else { return Ok(()) };
    // Only the record of initialisation names no note.
    let is_named = record.note == digest(note) || record.sequence == 0;
    if record.head == head.head && !is_named {
        return Err(OpenError::HeadNote { size: head.head.size });
    }
    match policy.open(note) {
        Ok(trusted) if trusted.head() == head.head => Ok(()),
        _ => Err(OpenError::HeadNote { size: head.head.size }),
    }
}

/// Reads the right edge back and hashes the last entries again.
fn resume(store: &Store, head: TreeHead) -> Result<TreeState, OpenError> {
    if head.size == TreeSize::ZERO {
        return Ok(TreeState::empty());
    }
    let size = head.size.get();
    let plan = Plan::root(head.size).map_err(ViewError::from)?;
    let frontier = Frontier::from_parts(head.size, fetch(store, plan.nodes())?).map_err(ViewError::from)?;
    if frontier.root() != head.root {
        return Err(OpenError::Root { size: head.size });
    }
    let mut edge = Vec::new();
    for level in 0..8_u8 {
        let count = size.checked_shr(u32::from(level) * TILE_HEIGHT).unwrap_or(0);
        if count == 0 {
            break;
        }
        let (index, width) = (count / TILE_WIDTH as u64, (count % TILE_WIDTH as u64) as usize);
        let bytes = if width == 0 { None } else { store.tiles(&[TileId { level, index }])?.pop().flatten() };
        edge.push(bytes.unwrap_or_default());
    }
    let first = size.saturating_sub(EDGE_ENTRIES);
    let mut last = LoggedAt::from_unix_ms(0);
    let entries = store.entries(LeafIndex::new(first), EDGE_ENTRIES as usize)?;
    if entries.len() as u64 != size - first {
        return Err(OpenError::Edge { index: LeafIndex::new(first + entries.len() as u64) });
    }
    for (index, bytes) in (first..).zip(&entries) {
        let leaf = fetch(store, &[crate::merkle::Node { level: 0, index }])?;
        let entry = SequencedEntry::decode(bytes)?;
        if leaf != [leaf_hash(bytes).hash()] || entry.logged_at < last {
            return Err(OpenError::Edge { index: LeafIndex::new(index) });
        }
        last = entry.logged_at;
    }
    Ok(TreeState::resume(frontier, edge, last)?)
}

/// Makes the data directory; its own entry must survive a power cut too.
fn make_data(data: &Path) -> std::io::Result<()> {
    if data.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(data)?;
    match data.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) => std::fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// A guard inside the data would be carried along by every copy of the data,
/// which is what it is there to find.
fn check_guard_place(data: &Path, guard: &Path) -> Result<(), OpenError> {
    let parent = guard.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A disk that is not mounted looks like this, and a guard made in its place would be another.
    if !parent.is_dir() {
        return Err(OpenError::GuardDirectory { path: guard.to_owned(), directory: parent.to_owned() });
    }
    let inside = || Some(parent.canonicalize().ok()?.starts_with(data.canonicalize().ok()?));
    if inside() == Some(true) {
        return Err(OpenError::GuardInside { path: guard.to_owned() });
    }
    Ok(())
}

/// A checkpoint of size 0 is extended by anything, any other by no new log.
fn check_seen_of_new(policy: &TrustPolicy, seen: &[Vec<u8>]) -> Result<(), OpenError> {
    for note in seen {
        let trusted = policy.open(note).map_err(|e| OpenError::SeenNote { why: e.to_string() })?;
        if trusted.head().size > TreeSize::ZERO {
            return Err(OpenError::SeenNewer { seen: trusted.head().size, store: TreeSize::ZERO });
        }
    }
    Ok(())
}

/// A checkpoint kept elsewhere must be a prefix of this store: the only thing
/// that finds a store and a guard restored together from one backup.
fn check_seen(store: &Store, policy: &TrustPolicy, seen: &[Vec<u8>], head: TreeHead) -> Result<(), OpenError> {
    for note in seen {
        let trusted = policy.open(note).map_err(|e| OpenError::SeenNote { why: e.to_string() })?;
        let size = trusted.head().size;
        if size > head.size {
            return Err(OpenError::SeenNewer { seen: size, store: head.size });
        }
        if root_at(store, size)? != trusted.head().root {
            return Err(OpenError::SeenOtherRoot { seen: size });
        }
    }
    Ok(())
}

/// Whether `path` holds a log: a store that was initialised.
#[must_use]
pub fn is_log(path: &Path) -> bool {
    crate::server::store::is_store(&path.join("store"))
}
