//! The log at work: open, sequence, guard, publish, read.
//!
//! ```text
//! submit ─> queue ─> sequencer thread ─> integrate ─> sign in memory ─> ONE synced batch
//!                                                     ─> head guard ─> published row ─> answer
//! ```
//!
//! Three sizes, each only growing: integrated (in the store), signed (guarded,
//! under the log's own key), published (satisfies the log's own policy). Every
//! answer and every read looks only at published. ARCHITECTURE.md says what a
//! crash in each step means.

pub mod clock;
pub(crate) mod filed;
mod nodes;
pub mod publisher;
pub(crate) mod queue;
pub(crate) mod recent;
pub mod recovery;
mod refused;
pub mod sequencer;
pub mod view;
pub(crate) mod withholding;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::checkpoint::{Origin, TreeHead};
use crate::codes::Code;
use crate::entry::PendingEntry;
use crate::merkle::{LeafHash, LeafIndex, TreeSize};
use crate::note::SignerKey;
use crate::sequence::COMMIT_ENTRIES_MAX;
use crate::server::faults::Faults;
use crate::server::log::clock::{Clock, Keeper};
use crate::server::log::queue::{Place, Queue, Room};
use crate::server::log::recent::Recent;
use crate::server::log::view::View;
use crate::server::store::{Budget, Store};
use crate::trust::TrustPolicy;

pub use self::refused::SubmitError;

/// A checkpoint that may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Size and root.
    pub head: TreeHead,
    /// The signed note, byte for byte.
    pub note: Arc<[u8]>,
}

/// Memory of what is on its way into the store, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Of the bodies that wait for the sequencer.
    pub queue_bytes: usize,
    /// Of the commit that is being written, one half, and of those that the
    /// search rows have not followed yet, the other.
    pub commits_bytes: usize,
}

impl Default for Held {
    fn default() -> Self {
        Self { queue_bytes: 64 << 20, commits_bytes: 32 << 20 }
    }
}

/// What opening a log needs.
pub struct Opening {
    /// Data directory.
    pub data: PathBuf,
    /// Head guard file; best on another disk.
    pub guard: PathBuf,
    /// Origin line.
    pub origin: Origin,
    /// The log's own key.
    pub signer: SignerKey,
    /// did:key of the operator.
    pub operator: crate::artifact::Did,
    /// Checkpoints that the store must extend.
    pub seen: Vec<Vec<u8>>,
    /// Least time between two checkpoints; zero signs every commit.
    pub checkpoint_interval: Duration,
    /// Free bytes below which writes are refused, on the disk of the store and of the guard.
    pub free_disk_bytes_min: u64,
    /// Memory of the store.
    pub budget: Budget,
    /// Memory of what is on its way into the store.
    pub held: Held,
    /// Shown as it lies, and nothing is written.
    pub read_only: bool,
    /// A time that the operator says is right, Unix milliseconds: believed once, at about that time.
    pub accept_clock: Option<u64>,
    /// Clock, an argument so that tests can make it jump.
    pub clock: Arc<dyn Clock>,
    /// Fault hook, an argument so that tests can break each write.
    pub faults: Arc<dyn Faults>,
}

/// The default place of the guard: `DIR.guard`, beside the data directory.
/// `DIR/` and `DIR/.` are the same directory, and so is `.` by its full name.
#[must_use]
pub fn default_guard_path(data: &Path) -> PathBuf {
    let named = || data.to_owned();
    let whole = if data.file_name().is_some() { named() } else { data.canonicalize().unwrap_or_else(|_| named()) };
    // Components leave a slash at the end away, after which the guard would lie inside.
    let mut path = whole.components().as_path().as_os_str().to_owned();
    path.push(".guard");
    PathBuf::from(path)
}

/// One artifact with the receipts that its bundle expands to, in the order in
/// which they are logged; the artifact itself is the last.
#[derive(Clone, Debug)]
pub struct Item {
    /// Never empty.
    pub entries: Vec<PendingEntry>,
}

/// Where an item landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Index of the artifact's entry.
    pub index: LeafIndex,
    /// Its leaf hash.
    pub leaf_hash: LeafHash,
    /// Size of the published checkpoint that covers it.
    pub tree_size: TreeSize,
    /// It was logged before; nothing was added for it.
    pub duplicate: bool,
    /// Other entries of the same statement, lowest first.
    pub same_statement: Vec<LeafIndex>,
    /// Entries added for the receipts inside.
    pub expanded: Vec<LeafIndex>,
}

/// Where one item landed, or why it alone did not.
pub type Answered = Result<Logged, SubmitError>;

/// Handle of an open log. Clones share it.
#[derive(Clone)]
pub struct Log {
    store: Arc<Store>,
    queue: Arc<Queue>,
    published: watch::Receiver<Published>,
    policy: Arc<TrustPolicy>,
    recent: Arc<Recent>,
    /// None where nothing is ever logged.
    time: Option<Arc<Keeper>>,
}

impl Log {
    /// Opens the log, finishes what a crash interrupted, and starts the
    /// sequencer. Blocks for as long as recovery takes.
    ///
    /// # Errors
    /// [`recovery::OpenError`]: refuses rather than guess, and says what to do.
    pub fn open(opening: Opening) -> Result<(Self, sequencer::Running), recovery::OpenError> {
        if opening.read_only {
            return Self::show(opening);
        }
        let (data, held) = (opening.data.clone(), opening.held);
        let limits = queue::Watermarks {
            paths: vec![data, opening.guard.clone()],
            free_disk_bytes_min: opening.free_disk_bytes_min,
        };
        let recovered = recovery::open(opening)?;
        let (published_tx, published) = watch::channel(recovered.published.clone());
        let store = Arc::clone(&recovered.store);
        let policy = Arc::new(recovered.policy.clone());
        let (queue, inbox) = queue::channel(
            Room::of_queue(held.queue_bytes),
            limits,
            recovered.read_only.clone().map(|why| SubmitError::ReadOnly { why }),
            Arc::clone(store.damage()),
        );
        let recent = Arc::new(Recent::new(held.commits_bytes / 2));
        let time = Arc::clone(&recovered.time);
        let running = sequencer::start(recovered, inbox, published_tx, Arc::clone(&recent), held.commits_bytes / 2);
        Ok((Self { store, queue: Arc::new(queue), published, policy, recent, time: Some(time) }, running))
    }

    /// As it lies: no sequencer, no guard's lock, and every write is refused.
    fn show(opening: Opening) -> Result<(Self, sequencer::Running), recovery::OpenError> {
        let recovery::Shown { store, published, policy } = recovery::show(&opening)?;
        let (published_tx, published) = watch::channel(published);
        let limits = queue::Watermarks { paths: Vec::new(), free_disk_bytes_min: 0 };
        let damage = Arc::clone(store.damage());
        let (queue, inbox) = queue::channel(Room::default(), limits, Some(SubmitError::ServedReadOnly), damage);
        let running = sequencer::idle(inbox, published_tx);
        let (queue, policy, recent) = (Arc::new(queue), Arc::new(policy), Arc::new(Recent::new(0)));
        Ok((Self { store, queue, published, policy, recent, time: None }, running))
    }

    /// Whether somebody submits, now or a moment ago. What readers ask for stands
    /// behind that, also where it costs next to nothing.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.queue.is_busy()
    }

    /// Reserves room for a request of artifacts with so many bytes each, before
    /// anything is done for it.
    ///
    /// # Errors
    /// [`SubmitError`]: what would refuse it later refuses it now.
    pub fn reserve(&self, artifacts: impl Iterator<Item = usize>) -> Result<Place, SubmitError> {
        self.queue.reserve_for(artifacts)
    }

    /// Logs the items of one request, in order. Answers when a published
    /// checkpoint covers all of them. An item that a damaged row speaks of
    /// fails alone.
    ///
    /// # Errors
    /// As [`Log::submit_at`].
    pub async fn submit(&self, items: Vec<Item>) -> Result<Vec<Answered>, SubmitError> {
        let place = self.queue.reserve(Room::of(&items))?;
        self.submit_at(place, items).await
    }

    /// As [`Log::submit`], in the room that was reserved.
    ///
    /// # Errors
    /// [`SubmitError`]; only [`SubmitError::Stopped`] leaves open whether
    /// something was logged, and then submitting again is safe.
    pub async fn submit_at(&self, place: Place, items: Vec<Item>) -> Result<Vec<Answered>, SubmitError> {
        if let Some(item) = items.iter().map(|i| i.entries.len()).find(|n| *n > COMMIT_ENTRIES_MAX) {
            return Err(SubmitError::BatchTooLarge { entries: item, limit: COMMIT_ENTRIES_MAX });
        }
        let (answer, answered) = oneshot::channel();
        self.queue.push(place, items, answer)?;
        answered.await.map_err(|_| SubmitError::Stopped)?
    }

    /// The newest published checkpoint.
    #[must_use]
    pub fn published(&self) -> Published {
        self.published.borrow().clone()
    }

    /// Wakes when something was published: for followers.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Published> {
        self.published.clone()
    }

    /// What was committed a moment ago: for followers that keep up.
    #[must_use]
    pub const fn recent(&self) -> &Arc<Recent> {
        &self.recent
    }

    /// Whether the sequencer takes writes.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.queue.is_open()
    }

    /// Entries that wait for the sequencer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Why writes are refused for good, if they are.
    #[must_use]
    pub fn read_only(&self) -> Option<&SubmitError> {
        self.queue.read_only()
    }

    /// Whether the log only shows what lies there, so that nothing in it moves.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        matches!(self.read_only(), Some(SubmitError::ServedReadOnly))
    }

    /// What of the store is damaged, as far as anybody has met it: writes are
    /// refused then, and reads that do not need it go on.
    #[must_use]
    pub fn damage(&self) -> Option<&str> {
        self.store.damage().get()
    }

    /// The damaged parts by name.
    #[must_use]
    pub fn damaged(&self) -> Vec<String> {
        self.store.damage().names()
    }

    /// Codes of what refuses writes now, as a submission would be told.
    #[must_use]
    pub fn refusals(&self) -> Vec<&'static Code> {
        if self.is_shown() {
            return vec![SubmitError::ServedReadOnly.code()];
        }
        let clock = || self.time.as_ref()?.unsound().map(|why| SubmitError::ClockUnsound { why });
        let stopped = (!self.is_alive()).then_some(SubmitError::Stopped);
        let read_only = self.read_only().cloned();
        let degraded = self.damage().map(|_| SubmitError::Degraded);
        let why = [read_only, degraded, self.queue.check_disk().err(), clock(), stopped];
        why.into_iter().flatten().map(|error| error.code()).collect()
    }

    /// A reader at the newest published checkpoint.
    #[must_use]
    pub fn view(&self) -> View {
        View::new(Arc::clone(&self.store), self.published())
    }

    /// The policy that the log's own checkpoints satisfy.
    #[must_use]
    pub fn policy(&self) -> &TrustPolicy {
        &self.policy
    }

    /// The store, for followers.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_guard_lies_beside_the_data_however_it_is_spelled() {
        for data in ["a/log", "a/log/", "a/log//", "a/log/."] {
            assert_eq!(default_guard_path(Path::new(data)), Path::new("a/log.guard"), "{data}");
        }
        let here = std::env::current_dir().expect("a directory");
        assert_eq!(default_guard_path(Path::new(".")).parent(), here.parent());
    }
}
