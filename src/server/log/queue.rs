//! The queue between requests and the sequencer: bounded in entries, not in
//! requests, and refusing rather than growing.
//!
//! Room is reserved before anything is done for a request, so that one which
//! cannot be taken is refused at once and not after its signatures were
//! checked. What was committed gives its room back; its submitters wait for a
//! checkpoint without it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::sequence::QUEUE_ENTRIES_MAX;
use crate::server::log::{Answered, Item, SubmitError};
use crate::server::store::damage::Damage;
use crate::server::store::free_bytes;

/// How long after a submission the log counts as submitted to.
const MOMENT_MS: u64 = 1_000;
/// How long a reading of the free disk space is believed.
const DISK_READING_MAX_AGE: Duration = Duration::from_millis(500);

/// Entries that are committed and wait for a checkpoint, answers to them being
/// due: some hundred bytes each. More than a log commits in a second.
pub const PLACED_ENTRIES_MAX: usize = 131_072;
/// Of the room, what batches leave to single submissions: one in so many.
const SINGLES_SHARE: usize = 8;
/// What an admitted request may take beyond its reservation when the queue is
/// full: bundles expand, and how far is known only then. One in so many.
const EXPANSION_SHARE: usize = 2;

/// One request on its way to the sequencer.
pub struct Command {
    /// Items in order.
    pub items: Vec<Item>,
    /// Room that they take until they are committed.
    pub room: Room,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Vec<Answered>, SubmitError>>,
}

/// Room that something takes in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Entries, after expansion.
    pub entries: usize,
    /// Bytes of their bodies.
    pub bytes: usize,
}

impl Room {
    /// Room of a queue that takes `held_bytes` at most, with what admitted
    /// requests may take beyond their reservations.
    #[must_use]
    pub const fn of_queue(held_bytes: usize) -> Self {
        // With one more share of itself it is the whole.
        Self { entries: QUEUE_ENTRIES_MAX, bytes: held_bytes / (EXPANSION_SHARE + 1) * EXPANSION_SHARE }
    }

    /// What these items take.
    #[must_use]
    pub fn of(items: &[Item]) -> Self {
        let entries = || items.iter().flat_map(|item| &item.entries);
        Self { entries: entries().count(), bytes: entries().map(|entry| entry.body.len()).sum() }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { entries: self.entries + other.entries, bytes: self.bytes + other.bytes }
    }

    /// What is left of it without `other`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self { entries: self.entries.saturating_sub(other.entries), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    const fn share(self, share: usize) -> Self {
        Self { entries: self.entries / share, bytes: self.bytes / share }
    }

    const fn fits(self, limit: Self) -> bool {
        self.entries <= limit.entries && self.bytes <= limit.bytes
    }
}

/// Disks that must keep room.
pub struct Watermarks {
    /// A path on each disk.
    pub paths: Vec<PathBuf>,
    /// Free bytes below which writes are refused.
    pub free_disk_bytes_min: u64,
}

/// What both halves count.
#[derive(Default)]
struct Counts {
    waiting: Mutex<Room>,
    placed: AtomicUsize,
    /// When room was last reserved, by the queue's age; 0 for never.
    came_ms: AtomicU64,
}

impl Counts {
    fn waiting(&self) -> MutexGuard<'_, Room> {
        // A number is whole whenever the lock is free.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, room: Room) {
        let mut waiting = self.waiting();
        *waiting = waiting.minus(room);
    }
}

/// Room in the queue, given back when it is dropped.
pub struct Place {
    counts: Arc<Counts>,
    room: Room,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.counts.release(self.room);
    }
}

/// The sending half.
pub struct Queue {
    sender: mpsc::Sender<Command>,
    counts: Arc<Counts>,
    limit: Room,
    watermarks: Watermarks,
    disk: Mutex<Option<(Instant, u64)>>,
    read_only: Option<SubmitError>,
    damage: Arc<Damage>,
    open: Arc<AtomicBool>,
    made: Instant,
}

/// The receiving half, held by the sequencer. Dropping it closes the queue.
pub struct Inbox {
    receiver: mpsc::Receiver<Command>,
    counts: Arc<Counts>,
    open: Arc<AtomicBool>,
}

/// Makes a queue that holds `limit`.
#[must_use]
pub fn channel(
    limit: Room,
    watermarks: Watermarks,
    read_only: Option<SubmitError>,
    damage: Arc<Damage>,
) -> (Queue, Inbox) {
    let (sender, receiver) = mpsc::channel();
    let (counts, open) = (Arc::new(Counts::default()), Arc::new(AtomicBool::new(true)));
    let inbox = Inbox { receiver, counts: Arc::clone(&counts), open: Arc::clone(&open) };
    let (disk, made) = (Mutex::new(None), Instant::now());
    (Queue { sender, counts, limit, watermarks, disk, read_only, damage, open, made }, inbox)
}

impl Queue {
    /// Reserves room for artifacts with so many bytes each. Their compact forms
    /// may take less: what is longer than the whole queue takes the whole.
    ///
    /// # Errors
    /// As [`Queue::reserve`].
    pub fn reserve_for(&self, artifacts: impl Iterator<Item = usize>) -> Result<Place, SubmitError> {
        let room = artifacts.fold(Room::default(), |room, bytes| room.plus(Room { entries: 1, bytes }));
        self.reserve(Room { bytes: room.bytes.min(self.limit.bytes), ..room })
    }

    /// Reserves room for a request before it is admitted, or refuses it whole.
    /// `room` may be a guess; [`Queue::push`] puts it right.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn reserve(&self, room: Room) -> Result<Place, SubmitError> {
        if let Some(why) = &self.read_only {
            return Err(why.clone());
        }
        if self.damage.get().is_some() {
            return Err(SubmitError::Degraded);
        }
        if !self.is_open() {
            return Err(SubmitError::Stopped);
        }
        if !room.fits(self.limit) {
            return Err(SubmitError::BatchTooLarge { entries: room.entries, limit: self.limit.entries });
        }
        self.check_disk()?;
        let is_single = room.entries <= 1;
        let kept = if is_single { Room::default() } else { self.limit.share(SINGLES_SHARE) };
        let mut waiting = self.counts.waiting();
        let taken = waiting.plus(room);
        let placed = self.counts.placed.load(Ordering::Acquire);
        // A batch of nearly everything is taken by an empty queue.
        let fits = taken.plus(kept).fits(self.limit) || (waiting.entries == 0 && taken.fits(self.limit));
        if !fits || placed + taken.entries > PLACED_ENTRIES_MAX {
            return Err(SubmitError::QueueFull { waiting: waiting.entries + placed, limit: self.limit.entries });
        }
        *waiting = taken;
        self.counts.came_ms.fetch_max(self.age_ms(), Ordering::AcqRel);
        Ok(Place { counts: Arc::clone(&self.counts), room })
    }

    /// Queues the items of a request in the room reserved for it.
    ///
    /// # Errors
    /// [`SubmitError`]; the room is given back.
    pub fn push(
        &self,
        mut place: Place,
        items: Vec<Item>,
        answer: oneshot::Sender<Result<Vec<Answered>, SubmitError>>,
    ) -> Result<(), SubmitError> {
        let room = Room::of(&items);
        if !room.fits(self.limit) {
            return Err(SubmitError::BatchTooLarge { entries: room.entries, limit: self.limit.entries });
        }
        {
            let mut waiting = self.counts.waiting();
            let others = waiting.minus(place.room);
            let taken = others.plus(room);
            let has_grown = !room.fits(place.room);
            if has_grown && !taken.fits(self.limit.plus(self.limit.share(EXPANSION_SHARE))) {
                return Err(SubmitError::QueueFull { waiting: waiting.entries, limit: self.limit.entries });
            }
            *waiting = taken;
            // From here on the sequencer gives it back.
            place.room = Room::default();
        }
        self.sender.send(Command { items, room, answer }).map_err(|_| SubmitError::Stopped)
    }

    /// Whether the disks have room for writes.
    ///
    /// # Errors
    /// [`SubmitError::DiskLow`].
    pub fn check_disk(&self) -> Result<(), SubmitError> {
        // A poisoned lock holds a stale reading at worst; read again.
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        let free = match *disk {
            Some((at, free)) if at.elapsed() < DISK_READING_MAX_AGE => free,
            _ => {
                let free = self.watermarks.paths.iter().filter_map(|p| free_bytes(p)).min().unwrap_or(0);
                *disk = Some((Instant::now(), free));
                free
            }
        };
        let limit = self.watermarks.free_disk_bytes_min;
        if free < limit { Err(SubmitError::DiskLow { free, limit }) } else { Ok(()) }
    }

    /// Whether anything that was submitted is being placed, or came a moment ago:
    /// whoever submits does so again, and its next request is not here yet.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let came_ms = self.counts.came_ms.load(Ordering::Acquire);
        self.counts.placed.load(Ordering::Acquire) > 0
            || (came_ms > 0 && self.age_ms().saturating_sub(came_ms) < MOMENT_MS)
    }

    /// Milliseconds since it was made, from 1 on.
    fn age_ms(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Entries that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.counts.waiting().entries
    }

    /// Whether the sequencer still listens.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Why writes are refused, if they are.
    #[must_use]
    pub fn read_only(&self) -> Option<&SubmitError> {
        self.read_only.as_ref()
    }
}

impl Inbox {
    /// Waits for a command, at most `timeout`; `None` when none came.
    ///
    /// # Errors
    /// [`Closed`] when every sender is gone.
    pub fn receive(&self, timeout: Option<Duration>) -> Result<Option<Command>, Closed> {
        match timeout {
            None => self.receiver.recv().map(Some).map_err(|_| Closed),
            Some(timeout) => match self.receiver.recv_timeout(timeout) {
                Ok(command) => Ok(Some(command)),
                Err(mpsc::RecvTimeoutError::Timeout) => Ok(None),
                Err(mpsc::RecvTimeoutError::Disconnected) => Err(Closed),
            },
        }
    }

    /// Takes a command that already waits.
    #[must_use]
    pub fn take(&self) -> Option<Command> {
        self.receiver.try_recv().ok()
    }

    /// Gives room back.
    pub fn release(&self, room: Room) {
        self.counts.release(room);
    }

    /// Says how many entries are committed and wait for a checkpoint.
    pub fn tell_placed(&self, entries: usize) {
        self.counts.placed.store(entries, Ordering::Release);
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.open.store(false, Ordering::Release);
    }
}

/// Every sender is gone: the service shuts down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;
