//! One desk a request: the one place that turns an index into an authentic
//! artifact. It looks at the log at one published size and keeps what was read.
//!
//! ```text
//! index ─ entry ─ body (View: hashes to the digest in its leaf) ─ parse, shape, signature ─> Paper
//! ```
//!
//! Search rows answer indexes, and everything that a page or an answer says of
//! a body is read from its paper: each body is read, parsed and authenticated
//! once a request, and each signature, wherever it is met, is checked once.
//! What is not authentic is damage, and damage is never an absence.

mod kept;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::artifact::digest::PayloadHash;
use crate::artifact::json::Value;
use crate::artifact::{Artifact, KeyCache, Keys, Kind};
use crate::audit::{Seen, authenticate};
use crate::merkle::LeafIndex;
use crate::server::desk::kept::Kept;
use crate::server::desk::watch::Watch;
use crate::server::log::Log;
use crate::server::log::view::{Body, StoredEntry, View, ViewError};

pub use self::watch::Tally;

/// Most bytes of bodies whose papers one request keeps: parsed they take a few
/// times this. What is read beyond is read again where it is needed again.
pub const HELD_BYTES_MAX: u64 = 64 << 20;
/// Most bytes of bodies that are read to see that entries make one statement.
const STATED_BYTES_MAX: u64 = 4 << 20;

/// Opens desks. Clones share keys, and the papers that every request needs.
#[derive(Clone)]
pub struct Desks {
    log: Log,
    keys: Arc<KeyCache>,
    kept: Arc<Kept>,
    watch: Watch,
}

impl Desks {
    /// Desks of this log.
    #[must_use]
    pub fn new(log: Log, keys: Arc<KeyCache>) -> Self {
        Self { log, keys, kept: Arc::default(), watch: Watch::default() }
    }

    /// A desk for one request, at the size that is published now. Anybody reads:
    /// nothing that is read changes which keys are kept, or which have a table.
    #[must_use]
    pub fn open(&self) -> Desk {
        Desk {
            view: self.log.view(),
            keys: self.keys.for_strangers().of_one_reading(),
            kept: Arc::clone(&self.kept),
            held: RefCell::default(),
            held_bytes: Cell::new(0),
            read: RefCell::default(),
            watch: self.watch.clone(),
        }
    }

    /// Tells what every desk has read once its request is done. Tests count so;
    /// a log that nobody watches tells nothing.
    #[must_use]
    pub fn watch(&self) -> std::sync::mpsc::Receiver<Tally> {
        self.watch.begin()
    }
}

/// An entry with its artifact, as it lies on the desk.
#[derive(Clone, Debug)]
pub struct Paper {
    pub stored: StoredEntry,
    /// As the audit takes it.
    pub seen: Arc<Seen>,
    /// The entry that withholds its body.
    pub withheld: Option<LeafIndex>,
}

/// What one request reads from.
pub struct Desk {
    pub view: View,
    keys: KeyCache,
    kept: Arc<Kept>,
    held: RefCell<HashMap<LeafIndex, Arc<Paper>>>,
    held_bytes: Cell<u64>,
    /// Bodies that were read, when somebody watches.
    read: RefCell<Vec<LeafIndex>>,
    watch: Watch,
}

impl Desk {
    /// Keys, and the signatures that were checked with them on this desk.
    pub const fn keys(&self) -> &KeyCache {
        &self.keys
    }

    /// The paper of one entry.
    ///
    /// # Errors
    /// [`ViewError::NoEntry`]; [`ViewError::Unsound`] when its body is gone, is
    /// not what its entry commits to, or is not authentic.
    pub fn read(&self, at: LeafIndex) -> Result<Arc<Paper>, ViewError> {
        let gone = || ViewError::Unsound { what: format!("entry {at} is gone") };
        self.read_all(&[at])?.pop().ok_or_else(gone)
    }

    /// Papers in the order asked for: one batched read of those that are not on
    /// the desk yet. The caller says how many it holds at once.
    ///
    /// # Errors
    /// As [`Desk::read`].
    pub fn read_all(&self, indexes: &[LeafIndex]) -> Result<Vec<Arc<Paper>>, ViewError> {
        let mut papers: HashMap<LeafIndex, Arc<Paper>> = HashMap::with_capacity(indexes.len());
        let mut wanted = Vec::new();
        for at in indexes.iter().copied() {
            match self.at_hand(at) {
                Some(paper) => _ = papers.insert(at, paper),
                None if wanted.contains(&at) => {}
                None => wanted.push(at),
            }
        }
        for (stored, body) in self.view.whole(&wanted)? {
            let paper = Arc::new(self.authenticated(stored, body)?);
            self.hold(&paper);
            papers.insert(paper.stored.index, paper);
        }
        Ok(indexes.iter().filter_map(|at| papers.get(at).cloned()).collect())
    }

    fn at_hand(&self, at: LeafIndex) -> Option<Arc<Paper>> {
        let held = self.held.borrow().get(&at).cloned();
        // What is kept may be of an entry that this view does not show yet.
        held.or_else(|| self.kept.get(at).filter(|_| at.get() < self.view.size().get()))
    }

    fn authenticated(&self, stored: StoredEntry, body: Body) -> Result<Paper, ViewError> {
        if self.watch.is_on() {
            self.read.borrow_mut().push(stored.index);
        }
        let withheld = match &body {
            Body::Withheld(by) => Some(*by),
            Body::Shown(_) => None,
        };
        let body = match &body {
            Body::Withheld(_) => None,
            Body::Shown(text) => {
                let artifact = authenticate(&stored.entry, text.as_bytes(), &self.keys);
                let unsound = || ViewError::Unsound { what: format!("body {} is not authentic", stored.index) };
                Some(artifact.ok_or_else(unsound)?)
            }
        };
        let seen = Arc::new(Seen::new(stored.entry.clone(), body));
        Ok(Paper { stored, seen, withheld })
    }

    fn hold(&self, paper: &Arc<Paper>) {
        self.kept.put(paper);
        let bytes = self.held_bytes.get().saturating_add(paper.stored.entry.body_bytes);
        if bytes <= HELD_BYTES_MAX {
            self.held_bytes.set(bytes);
            self.held.borrow_mut().insert(paper.stored.index, Arc::clone(paper));
        }
    }

    /// Every entry whose payload has this hash, whoever signed it, lowest first.
    ///
    /// # Errors
    /// As [`View::find_artifact`], and as [`Desk::read`].
    pub fn find_payload(&self, payload: &PayloadHash) -> Result<Vec<LeafIndex>, ViewError> {
        self.stating(payload, self.view.find_payload(payload)?)
    }

    /// Other entries of the statement that a paper makes, lowest first; none
    /// are known of one that is withheld.
    ///
    /// # Errors
    /// As [`Desk::find_payload`].
    pub fn same_statement(&self, paper: &Paper) -> Result<Vec<LeafIndex>, ViewError> {
        let Some(artifact) = paper.artifact() else { return Ok(Vec::new()) };
        let payload = artifact.payload_hash();
        self.stating(&payload, self.view.same_statement(&paper.stored, &payload)?)
    }

    /// The lowest entry in `between`, all of it below the paper, that makes the
    /// statement which the paper makes and somebody signed.
    ///
    /// # Errors
    /// As [`Desk::find_payload`].
    pub fn stated_in(&self, paper: &Paper, between: Range<LeafIndex>) -> Result<Option<LeafIndex>, ViewError> {
        // What nobody signed is the statement of its submitter, who logs it once.
        let Some(artifact) = paper.artifact().filter(|of| of.signer().is_some()) else { return Ok(None) };
        let payload = artifact.payload_hash();
        let found = self.view.stated_in(&paper.stored, &payload, between)?;
        Ok(self.stating(&payload, found.into_iter().collect())?.pop())
    }

    /// Where entries stand that are said to make a statement. Their papers are
    /// read for the hash of the payload, up to [`STATED_BYTES_MAX`] in all:
    /// beyond, the entries alone are believed.
    fn stating(&self, payload: &PayloadHash, found: Vec<StoredEntry>) -> Result<Vec<LeafIndex>, ViewError> {
        let (mut at, mut left) = (Vec::with_capacity(found.len()), STATED_BYTES_MAX);
        for entry in found {
            if let Some(rest) = left.checked_sub(entry.entry.body_bytes) {
                left = rest;
                let paper = self.read(entry.index)?;
                if paper.artifact().is_some_and(|artifact| artifact.payload_hash() != *payload) {
                    let what = format!("a statement row leads to another payload at {}", entry.index);
                    return Err(ViewError::Unsound { what });
                }
            }
            at.push(entry.index);
        }
        Ok(at)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let tally = || Tally { bodies: std::mem::take(self.read.get_mut()), signatures: self.keys.checks() };
        self.watch.tell(tally);
    }
}

impl Paper {
    /// The artifact; `None` when its body is withheld.
    #[must_use]
    pub fn artifact(&self) -> Option<&Artifact<'static>> {
        self.seen.body.as_ref()
    }

    /// What was signed, or the whole of an unsigned artifact.
    #[must_use]
    pub fn payload(&self) -> Option<&Value<'static>> {
        self.artifact().map(Artifact::payload)
    }

    /// What it is filed under; nothing when it is withheld.
    #[must_use]
    pub fn keys(&self) -> Keys {
        self.artifact().map(Artifact::keys).unwrap_or_default()
    }
}

/// Whether an entry of this kind is in the scope of many reports: never
/// withheld, so that what is kept of it may always be shown.
#[must_use]
pub const fn is_shared(kind: Kind) -> bool {
    matches!(kind, Kind::AuditRoots | Kind::WorkPolicy)
}
