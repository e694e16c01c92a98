//! The sequencer: one thread that owns the tree, the guard and the key.
//!
//! A commit starts as soon as the thread is free and anything waits; what
//! arrives during one commit forms the next. Any error after the batch was
//! handed to the store ends the thread: its memory of the tree is dropped
//! before anything else is tried, nobody is answered, the process exits.

mod answers;
mod batch;
mod desk;
mod look;
mod running;
mod known;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::entry::{LoggedAt, PendingEntry};
use crate::sequence::{TreeState, integrate};
use crate::server::log::clock::Keeper;
use crate::server::log::publisher::{Fatal, Publisher, announce};
use crate::server::log::queue::Inbox;
use crate::server::log::recent::{Committed, Recent};
use crate::server::log::recovery::Recovered;
use crate::server::log::sequencer::answers::damaged;
use crate::server::log::sequencer::batch::Batch;
use crate::server::log::sequencer::desk::{Asked, Desk, Placed};
use crate::server::log::sequencer::known::{Known, known};
use crate::server::log::{Published, SubmitError, withholding};
use crate::server::store::layout::{HeadRecord, StatementRow};
use crate::server::store::{Store, StoreError};

pub use self::running::{Running, idle};

/// Wait before a key that did not answer is asked again.
const SIGN_RETRY: Duration = Duration::from_secs(1);

/// Starts the thread. A commit takes whole items until their bodies hold
/// `commit_bytes_target`, and is written from memory that holds them twice. In read-only mode it only ends when the log is dropped.
#[must_use]
pub fn start(
    recovered: Recovered,
    inbox: Inbox,
    published: watch::Sender<Published>,
    recent: Arc<Recent>,
    commit_bytes_target: usize,
) -> Running {
    let (done, ended) = oneshot::channel();
    // A machine that cannot start one thread at the start has nothing to serve.
    let sequence = move || {
        let mut sequencer = Sequencer { commit_bytes_target, ..Sequencer::new(recovered, inbox, published, recent) };
        let result = sequencer.run();
        if let Err(error) = &result {
            tracing::error!(%error, "log stopped");
        }
        // The store must be closed before anybody who waited may open it again.
        drop(sequencer);
        let _ = done.send(result);
    };
    if let Err(error) = std::thread::Builder::new().name("pulselog-seq".into()).spawn(sequence) {
        tracing::error!(%error, "log stopped: no thread");
    }
    Running::new(ended)
}

/// The round: the tree, the guard and the key, and what one commit does with
/// them. Who asked, and who waits, is the desk's.
struct Sequencer {
    desk: Desk,
    store: Arc<Store>,
    publisher: Publisher,
    tree: TreeState,
    head: HeadRecord,
    published: watch::Sender<Published>,
    recent: Arc<Recent>,
    forgotten: Vec<Committed>,
    commit_bytes_target: usize,
    time: Arc<Keeper>,
    looked_at: Instant,
    interval: Duration,
    signed_at: Option<Instant>,
    /// Nothing is written; the thread only waits for the end.
    is_read_only: bool,
}

impl Sequencer {
    fn new(recovered: Recovered, inbox: Inbox, published: watch::Sender<Published>, recent: Arc<Recent>) -> Self {
        Self {
            desk: Desk::new(inbox),
            store: recovered.store,
            publisher: recovered.publisher,
            tree: recovered.tree,
            head: recovered.head,
            published,
            recent,
            forgotten: Vec::new(),
            commit_bytes_target: usize::MAX,
            time: recovered.time,
            looked_at: Instant::now(),
            interval: recovered.checkpoint_interval,
            signed_at: None,
            is_read_only: recovered.read_only.is_some(),
        }
    }

    fn run(&mut self) -> Result<(), Fatal> {
        loop {
            if self.desk.is_clear() {
                match self.desk.wait(self.until_next()) {
                    Ok(()) => {}
                    Err(_closed) if self.is_read_only => return Ok(()),
                    Err(_closed) => return self.end(),
                }
            }
            self.look()?;
            // What arrived during the last commit forms this one.
            self.desk.collect();
            self.round()?;
        }
    }

    /// One batch: everything from taking items to answering.
    fn round(&mut self) -> Result<(), Fatal> {
        let items = self.desk.gather(self.commit_bytes_target);
        if !items.is_empty() {
            match self.judge(&items)? {
                Ok((now, known)) => {
                    let room = self.desk.take_room(&items);
                    let (pending, statements) = self.place(items, known);
                    if !pending.is_empty() {
                        self.commit(pending, &statements, now)?;
                    }
                    self.desk.give_back(room);
                }
                Err(why) => self.desk.refuse(&items, &why),
            }
        }
        if self.is_due() {
            self.checkpoint()?;
        }
        self.answer()?;
        // Dropping a thousand bodies takes a millisecond that nobody waits for here.
        self.forgotten.clear();
        Ok(())
    }

    /// Whether these may be logged now, and what the store holds of them. A
    /// look-up that the disk does not answer stops writes and nothing else:
    /// nothing has happened yet.
    fn judge(&self, items: &[Asked]) -> Result<Result<(LoggedAt, Vec<Known>), SubmitError>, StoreError> {
        if self.store.damage().get().is_some() {
            return Ok(Err(SubmitError::Degraded));
        }
        let now = match self.time.judge(self.tree.last_logged_at()) {
            Ok(now) => now,
            Err(why) => {
                tracing::warn!(why, "clock unsound, writes wait");
                return Ok(Err(SubmitError::ClockUnsound { why }));
            }
        };
        let entries: Vec<_> = items.iter().flat_map(|(_, _, item)| &item.entries).collect();
        match known(&self.store, &entries, self.tree.head().size) {
            Ok(known) => Ok(Ok((now, known))),
            Err(error @ StoreError::Read(_)) => Ok(Err(self.degraded(&error))),
            Err(error) => Err(error),
        }
    }

    /// Finds duplicates, in the store and among the items before, and gives
    /// the rest their places. An item that a damaged row speaks of is answered
    /// with that at once; the others go on.
    fn place(&mut self, items: Vec<Asked>, known: Vec<Known>) -> (Vec<PendingEntry>, Vec<StatementRow>) {
        let mut known = known.into_iter();
        let mut batch = Batch::new(self.tree.head().size.get());
        for (request, slot, item) in items {
            let known: Vec<_> = known.by_ref().take(item.entries.len()).collect();
            let Some(statement) = known.last().map(|known| known.row().key) else { continue };
            match batch.place(item, known) {
                Ok((logged, leaf_hash)) => {
                    self.desk.keep(Placed { request, slot, logged, leaf_hash, is_repeated: true, statement });
                }
                Err(error) => self.desk.fill(request, slot, Err(damaged(&error))),
            }
        }
        (batch.pending, batch.statements)
    }

    fn degraded(&self, error: &StoreError) -> SubmitError {
        self.store.damage().meet(&error.to_string());
        SubmitError::Degraded
    }

    /// Integrate, sign, ONE synced batch. After this line of the store the
    /// entries exist; before it nothing happened.
    fn commit(&mut self, pending: Vec<PendingEntry>, statements: &[StatementRow], now: LoggedAt) -> Result<(), Fatal> {
        let (tree, mut commit) = integrate(&self.tree, pending, now)?;
        commit.recheck()?;
        let note = if self.is_time_to_sign() { self.publisher.sign(commit.head) } else { None };
        let head = HeadRecord { head: commit.head, previous: self.publisher.guarded(), note };
        let withheld = withholding::rows_of(&self.store, &commit.entries)?;
        let repeated = self.store.commit(&commit, statements, &withheld, &head)?;
        self.desk.tell_committed(&commit, &repeated);
        commit.entries.iter_mut().zip(repeated).for_each(|(entry, is_again)| entry.is_again = is_again);
        self.forgotten = self.recent.push(Arc::new(commit.entries));
        self.tree = tree;
        self.head = head;
        Ok(())
    }

    fn is_time_to_sign(&self) -> bool {
        self.interval.is_zero() || self.signed_at.is_none_or(|at| at.elapsed() >= self.interval)
    }

    fn until_due(&self) -> Duration {
        let interval = if self.interval.is_zero() { SIGN_RETRY } else { self.interval };
        let left = self.signed_at.map_or(interval, |at| interval.saturating_sub(at.elapsed()));
        // Overdue means that the key did not answer: ask again, but not at once.
        if left.is_zero() { SIGN_RETRY } else { left }
    }

    fn is_due(&self) -> bool {
        self.publisher.guarded() != self.head.head && self.is_time_to_sign()
    }

    /// Guard and publish the head; sign it first when its batch carried no note.
    fn checkpoint(&mut self) -> Result<(), Fatal> {
        if self.publisher.guarded() == self.head.head {
            return Ok(());
        }
        if let Some(published) = self.publisher.sign_and_publish(&mut self.head)? {
            self.signed_at = Some(Instant::now());
            announce(&self.published, published);
        }
        Ok(())
    }
}
