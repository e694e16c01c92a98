//! The queue between requests and the sequencer: bounded in entries, not in
//! requests, and refusing rather than growing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::entry::PendingEntry;
use crate::server::log::{Answered, Item, SubmitError};
use crate::server::store::damage::Damage;

/// How long a reading of the free disk space is believed.
const DISK_READING_MAX_AGE: Duration = Duration::from_millis(500);

/// One request on its way to the sequencer.
pub struct Command {
    /// Items in order.
    pub items: Vec<Item>,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Vec<Answered>, SubmitError>>,
}

/// Room that something takes in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Entries, after expansion.
    pub entries: usize,
    /// Bytes of their bodies, and of what was parsed of them.
    pub bytes: usize,
}

impl Room {
    /// What these items take.
    #[must_use]
    pub fn of(items: &[Item]) -> Self {
        let entries = || items.iter().flat_map(|item| &item.entries);
        Self { entries: entries().count(), bytes: entries().map(PendingEntry::held_bytes).sum() }
    }

    const fn plus(self, other: Self) -> Self {
        Self { entries: self.entries + other.entries, bytes: self.bytes + other.bytes }
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

/// The sending half.
pub struct Queue {
    sender: mpsc::Sender<Command>,
    waiting: Arc<Mutex<Room>>,
    limit: Room,
    watermarks: Watermarks,
    disk: Mutex<Option<(Instant, u64)>>,
    read_only: Option<String>,
    damage: Arc<Damage>,
    open: Arc<AtomicBool>,
}

/// The receiving half, held by the sequencer. Dropping it closes the queue.
pub struct Inbox {
    receiver: mpsc::Receiver<Command>,
    waiting: Arc<Mutex<Room>>,
    open: Arc<AtomicBool>,
}

/// Makes a queue that holds `limit`.
#[must_use]
pub fn channel(limit: Room, watermarks: Watermarks, read_only: Option<String>, damage: Arc<Damage>) -> (Queue, Inbox) {
    let (sender, receiver) = mpsc::channel();
    let (waiting, open) = (Arc::new(Mutex::new(Room::default())), Arc::new(AtomicBool::new(true)));
    let inbox = Inbox { receiver, waiting: Arc::clone(&waiting), open: Arc::clone(&open) };
    (Queue { sender, waiting, limit, watermarks, disk: Mutex::new(None), read_only, damage, open }, inbox)
}

impl Queue {
    /// Reserves room for all entries of a request and queues it, or refuses it whole.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn push(&self, command: Command) -> Result<(), SubmitError> {
        if let Some(why) = &self.read_only {
            return Err(SubmitError::ReadOnly { why: why.clone() });
        }
        if self.damage.get().is_some() {
            return Err(SubmitError::Degraded);
        }
        let room = Room::of(&command.items);
        if !room.fits(self.limit) {
            return Err(SubmitError::BatchTooLarge { entries: room.entries, limit: self.limit.entries });
        }
        self.check_disk()?;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = waiting.plus(room);
        if !taken.fits(self.limit) {
            return Err(SubmitError::QueueFull { waiting: waiting.entries, limit: self.limit.entries });
        }
        *waiting = taken;
        drop(waiting);
        self.sender.send(command).map_err(|_| SubmitError::Stopped)
    }

    fn check_disk(&self) -> Result<(), SubmitError> {
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

    /// Entries that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).entries
    }

    /// Whether the sequencer still listens.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Why writes are refused, if they are.
    #[must_use]
    pub fn read_only(&self) -> Option<String> {
        self.read_only.clone()
    }
}

fn free_bytes(path: &std::path::Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
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
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entries -= room.entries;
        waiting.bytes -= room.bytes;
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
