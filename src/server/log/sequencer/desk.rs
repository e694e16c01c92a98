//! The desk: who asked for what, in which slot of whose answer it belongs, and
//! how much room it holds. Knows no tree, no guard and no key.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::merkle::{LeafHash, TreeSize};
use crate::sequence::{COMMIT_ENTRIES_MAX, COMMIT_ENTRIES_TARGET, Commit};
use crate::server::log::queue::{Closed, Command, Inbox, Room};
use crate::server::log::{Answered, Item, Logged, SubmitError};
use crate::server::store::layout::STATEMENT_KEY_BYTES;

/// An item, its request, and its slot in the answer.
pub(super) type Asked = (u64, usize, Item);

pub(super) struct Desk {
    inbox: Inbox,
    requests: VecDeque<Request>,
    /// Entries of `requests`.
    waiting: usize,
    /// Placed, and waiting for a published checkpoint that covers them.
    placed: Vec<Placed>,
    next_request: u64,
    answers: HashMap<u64, Answer>,
}

/// Items of one request that are not placed yet.
struct Request {
    id: u64,
    items: VecDeque<(usize, Item)>,
}

/// The answer of one request while it fills.
struct Answer {
    to: oneshot::Sender<Result<Vec<Answered>, SubmitError>>,
    slots: Vec<Option<Answered>>,
    missing: usize,
    /// Room of the items that are not committed yet.
    room: Room,
}

/// An item with its place.
pub(super) struct Placed {
    pub request: u64,
    pub slot: usize,
    pub logged: Logged,
    /// Known when this process committed the entry.
    pub leaf_hash: Option<LeafHash>,
    /// Other entries make the same statement, or may.
    pub is_repeated: bool,
    pub statement: [u8; STATEMENT_KEY_BYTES],
}

impl Desk {
    pub fn new(inbox: Inbox) -> Self {
        Self {
            inbox,
            requests: VecDeque::new(),
            waiting: 0,
            placed: Vec::new(),
            next_request: 0,
            answers: HashMap::new(),
        }
    }

    /// Whether nothing waits for a place.
    pub fn is_clear(&self) -> bool {
        self.requests.is_empty()
    }

    /// Whether nothing that has its place waits for a checkpoint.
    pub fn awaits_no_checkpoint(&self) -> bool {
        self.placed.is_empty()
    }

    /// Waits for one request, or until `timeout` is over.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<(), Closed> {
        if let Some(command) = self.inbox.receive(timeout)? {
            self.accept(command);
        }
        Ok(())
    }

    /// Takes what has arrived, as much as one commit aims at.
    pub fn collect(&mut self) {
        while self.waiting < COMMIT_ENTRIES_TARGET
            && let Some(command) = self.inbox.take()
        {
            self.accept(command);
        }
    }

    fn accept(&mut self, command: Command) {
        let id = self.next_request;
        self.next_request += 1;
        let room = command.room;
        let missing = command.items.len();
        if missing == 0 {
            let _ = command.answer.send(Ok(Vec::new()));
            return;
        }
        self.waiting += room.entries;
        self.answers.insert(id, Answer { to: command.answer, slots: vec![None; missing], missing, room });
        self.requests.push_back(Request { id, items: command.items.into_iter().enumerate().collect() });
    }

    /// Takes whole items until the target is reached; never more than the limit.
    pub fn gather(&mut self, bytes_target: usize) -> Vec<Asked> {
        let mut items = Vec::new();
        let (mut entries, mut bytes) = (0, 0);
        while entries < COMMIT_ENTRIES_TARGET
            && bytes < bytes_target
            && let Some(request) = self.requests.front_mut()
        {
            let Some((_, item)) = request.items.front() else {
                self.requests.pop_front();
                continue;
            };
            if entries + item.entries.len() > COMMIT_ENTRIES_MAX {
                break;
            }
            entries += item.entries.len();
            bytes += item.entries.iter().map(|entry| entry.body.len()).sum::<usize>();
            self.waiting -= item.entries.len();
            let id = request.id;
            items.extend(request.items.pop_front().map(|(slot, item)| (id, slot, item)));
        }
        items
    }

    /// Takes the room of these items off their requests: it is given back with
    /// the commit, not with the answer.
    pub fn take_room(&mut self, items: &[Asked]) -> Room {
        items.iter().fold(Room::default(), |all, (request, _, item)| {
            let room = Room::of(std::slice::from_ref(item));
            if let Some(answer) = self.answers.get_mut(request) {
                answer.room = answer.room.minus(room);
            }
            all.plus(room)
        })
    }

    /// Gives room back that a commit no longer needs.
    pub fn give_back(&self, room: Room) {
        self.count_placed();
        self.inbox.release(room);
    }

    /// Tells the queue how many wait for a checkpoint.
    pub fn count_placed(&self) {
        self.inbox.tell_placed(self.placed.len());
    }

    /// An item has its place.
    pub fn keep(&mut self, placed: Placed) {
        self.placed.push(placed);
    }

    /// Those that a checkpoint of this size covers.
    pub fn take_covered(&mut self, size: TreeSize) -> Vec<Placed> {
        let covered = |placed: &Placed| placed.logged.index.get() < size.get();
        let (ready, waiting) = std::mem::take(&mut self.placed).into_iter().partition(covered);
        self.placed = waiting;
        ready
    }

    /// What the commit knows of each placed item needs no read when it is answered.
    pub fn tell_committed(&mut self, commit: &Commit, repeated: &[bool]) {
        let first = commit.before.size.get();
        for placed in self.placed.iter_mut().filter(|p| p.leaf_hash.is_none()) {
            let at = placed.logged.index.get().checked_sub(first).and_then(|at| usize::try_from(at).ok());
            let Some((entry, is_repeated)) = at.and_then(|at| Some((commit.entries.get(at)?, repeated.get(at)?)))
            else {
                continue;
            };
            placed.leaf_hash = Some(entry.leaf_hash);
            placed.is_repeated = *is_repeated || placed.logged.duplicate;
        }
    }

    pub fn fill(&mut self, request: u64, slot: usize, answered: Answered) {
        let Some(answer) = self.answers.get_mut(&request) else { return };
        answer.slots[slot] = Some(answered);
        answer.missing -= 1;
        if answer.missing == 0
            && let Some(answer) = self.answers.remove(&request)
        {
            // A submitter who went away finds the entry by submitting again.
            let _ = answer.to.send(Ok(answer.slots.into_iter().flatten().collect()));
        }
    }

    /// Refuses whole requests; nothing of them that is not placed yet is logged.
    pub fn refuse(&mut self, items: &[Asked], why: &SubmitError) {
        for (request, _, _) in items {
            if let Some(answer) = self.answers.remove(request) {
                self.inbox.release(answer.room);
                let _ = answer.to.send(Err(why.clone()));
            }
            if let Some(at) = self.requests.iter().position(|r| r.id == *request)
                && let Some(rest) = self.requests.remove(at)
            {
                self.waiting -= rest.items.iter().map(|(_, item)| item.entries.len()).sum::<usize>();
            }
            self.placed.retain(|p| p.request != *request);
        }
    }
}
