//! A log that is shown and not run: every check of a start is made, and what
//! fails is told instead of refused. Nothing is written: neither store nor
//! guard, nor the mark of the clock.
//!
//! What makes this honest is that nothing is shown beyond a checkpoint that the
//! log published, and each proof is verified before it leaves: damage shows as
//! an error of the one read that needs what is damaged.

use std::sync::Arc;

use super::{OpenError, check_identity, check_roots, check_seen, compare, is_log, resume};
use crate::codes::service::STORE_DAMAGED;
use crate::merkle::TreeSize;
use crate::server::guard::{FileGuard, GuardRecord, GuardState};
use crate::server::log::{Opening, Published, withholding};
use crate::server::store::layout::{HeadRecord, cf};
use crate::server::store::{Store, StoreError};
use crate::trust::TrustPolicy;

/// Checkpoints that are tried, newest first, before none is found.
const CHECKPOINTS_TRIED: usize = 64;
/// Families that lead from a hash to an entry: what is missing there looks
/// like what was never logged.
const BY_HASH: [&str; 3] = [cf::IDENTITIES, cf::STATEMENTS, cf::LEAVES];
/// How much the log may have held, where nothing says it.
const ANY_SIZE: TreeSize = TreeSize::new(u64::MAX);

/// A log that may be shown.
pub struct Shown {
    pub(in crate::server::log) store: Arc<Store>,
    pub(in crate::server::log) published: Published,
    pub(in crate::server::log) policy: TrustPolicy,
}

/// Opens what lies there for reading alone.
///
/// # Errors
/// [`OpenError`]: no log, another log than the configured one, a running one,
/// or no checkpoint that could be shown.
pub fn show(opening: &Opening) -> Result<Shown, OpenError> {
    let vkey = opening.signer.vkey();
    if vkey.name() != opening.origin.key_name() {
        return Err(OpenError::KeyName { name: vkey.name().to_string(), origin: opening.origin.to_string() });
    }
    if !is_log(&opening.data) {
        return Err(OpenError::NoLog { path: opening.data.clone() });
    }
    let (store, refused) = Store::open_as_it_lies(&opening.data.join("store"), opening.budget)?;
    let told = Told { store: &store };
    told.tell(refused.map_or(Ok(()), Err));
    match store.identity() {
        Ok(Some(identity)) => check_identity(&identity, opening, &vkey)?,
        // The key is configured, and signed whatever is shown.
        Ok(None) => told.tell(Err(StoreError::Damaged { row: "meta/log".into() })),
        Err(error) => told.tell(Err(error)),
    }
    let policy = TrustPolicy::for_log(vkey);
    let guard = FileGuard::peek(&opening.guard);
    let record = guard.as_ref().ok().and_then(|state| match state {
        GuardState::Record(record) => Some(*record),
        _ => None,
    });
    let head = told.head();
    let published = newest(&store, &policy, record.as_ref(), head.as_ref()).ok_or(OpenError::NothingToShow)?;
    told.holes(head.as_ref(), published.head.size);
    told.guard(opening, guard.map_err(OpenError::from), head.as_ref());
    if let Some(record) = record.filter(|record| record.head.size > published.head.size) {
        told.lost(record.head.size);
    }
    told.roots(&policy, record.as_ref(), head.as_ref());
    told.tell(withholding::open(&store, &opening.operator, published.head.size, true));
    for seen in &opening.seen {
        told.tell(check_seen(&store, &policy, std::slice::from_ref(seen), published.head));
    }
    tracing::warn!(size = published.head.size.get(), "the log is served for reading alone: nothing is written");
    Ok(Shown { store: Arc::new(store), published, policy })
}

/// The newest checkpoint that the log published: a head's note counts only
/// where the guard says that it left the log, rows of published ones always.
fn newest(
    store: &Store,
    policy: &TrustPolicy,
    record: Option<&GuardRecord>,
    head: Option<&HeadRecord>,
) -> Option<Published> {
    let of_head = head.filter(|head| record.is_some_and(|record| record.head == head.head));
    let of_head = of_head.and_then(|head| head.note.clone());
    let rows = store.checkpoints_below(TreeSize::new(u64::MAX), CHECKPOINTS_TRIED).unwrap_or_else(|_| {
        // A damaged block ends the walk; each of these may lie in another.
        let sizes = head.iter().flat_map(|head| [head.head.size, head.previous.size]).chain([TreeSize::ZERO]);
        sizes.filter_map(|size| Some((size, store.checkpoint(size).ok()??))).collect()
    });
    of_head.into_iter().chain(rows.into_iter().map(|(_, note)| note)).find_map(|note| {
        let head = policy.open(&note).ok()?.head();
        Some(Published { head, note: note.into() })
    })
}

/// What is told of a store while it is opened.
struct Told<'a> {
    store: &'a Store,
}

impl Told<'_> {
    fn tell<E: Into<OpenError>>(&self, checked: Result<(), E>) {
        let Err(error) = checked.map_err(Into::into) else { return };
        let what = error.to_string();
        let damage = self.store.damage();
        match &error {
            OpenError::Hole { hole, .. } => damage.find(&hole.to_string(), &what),
            OpenError::Root { size } => damage.find(&format!("root of size {size}"), &what),
            OpenError::HeadNote { size } => damage.find(&format!("note of size {size}"), &what),
            OpenError::Edge { index } => damage.find(&format!("entry {index}"), &what),
            OpenError::Store(StoreError::Damaged { row }) => damage.find(&format!("row {row}"), &what),
            OpenError::Store(StoreError::Open(_) | StoreError::Read(_)) => damage.meet(&what),
            _ if error.code() == &STORE_DAMAGED => damage.find("tiles", &what),
            _ => self.doubt(&error, &what),
        }
    }

    /// What speaks against the store as a whole: it is not all that the log
    /// logged, or nobody can say whether it is.
    fn doubt(&self, error: &OpenError, what: &str) {
        let (name, below) = match error {
            OpenError::GuardNewer { guard: known, store } | OpenError::SeenNewer { seen: known, store } => {
                let last = known.get().saturating_sub(1);
                (format!("entries {store} to {last} are lost"), *known)
            }
            OpenError::GuardOtherRoot { guard: size } | OpenError::SeenOtherRoot { seen: size } => {
                (format!("another history of size {size}"), ANY_SIZE)
            }
            OpenError::Fork { .. } => ("the store is a fork".to_owned(), ANY_SIZE),
            // It says nothing of this log, so nothing of this store.
            OpenError::SeenNote { .. } => ("a checkpoint of another log".to_owned(), TreeSize::ZERO),
            _ => ("the guard does not say how much was logged".to_owned(), ANY_SIZE),
        };
        self.store.damage().find(&format!("{name} [{}]", error.code()), what);
        self.lost(below);
    }

    /// The log held so much, or may have: what of it is not in the store is
    /// damage, and what no row leads to may be among it.
    fn lost(&self, below: TreeSize) {
        if below > TreeSize::ZERO {
            self.store.damage().find_lost(below);
            BY_HASH.iter().for_each(|family| self.store.damage().find_holed(family));
        }
    }

    fn head(&self) -> Option<HeadRecord> {
        match self.store.fork() {
            Ok(Some(why)) => self.tell(Err(OpenError::Fork { why })),
            Ok(None) => {}
            Err(error) => self.tell(Err(error)),
        }
        match self.store.head() {
            Ok(Some(head)) => return Some(head),
            Ok(None) => self.tell(Err(StoreError::Damaged { row: "meta/head".into() })),
            Err(error) => self.tell(Err(error)),
        }
        None
    }

    /// Without a head nobody knows how many rows there should be.
    fn holes(&self, head: Option<&HeadRecord>, published: TreeSize) {
        let Some(head) = head else {
            self.lost(ANY_SIZE);
            return;
        };
        let size = head.head.size.max(published);
        for (family, found) in self.store.holes(size) {
            if BY_HASH.contains(&family) {
                self.store.damage().find_holed(family);
            }
            self.tell(Err::<(), _>(match found {
                Ok(hole) => OpenError::Hole { size, hole },
                Err(error) => error.into(),
            }));
        }
    }

    fn guard(&self, opening: &Opening, guard: Result<GuardState, OpenError>, head: Option<&HeadRecord>) {
        let size = head.map_or(TreeSize::ZERO, |head| head.head.size);
        let checked = guard.and_then(|state| match (state, head) {
            (GuardState::Record(record), Some(head)) => compare(&opening.origin, &record, head, || Ok(false)),
            (GuardState::Record(_), None) => Ok(()),
            (GuardState::Missing, _) => Err(OpenError::GuardMissing { path: opening.guard.clone(), size }),
            (GuardState::Unfinished | GuardState::Unreadable, _) => Err(OpenError::GuardUnreadable),
        });
        self.tell(checked);
    }

    fn roots(&self, policy: &TrustPolicy, record: Option<&GuardRecord>, head: Option<&HeadRecord>) {
        let Some(head) = head else { return };
        if let Some(record) = record.filter(|record| record.head.size <= head.head.size) {
            self.tell(check_roots(self.store, policy, record, head));
        }
        self.tell(resume(self.store, head.head).map(drop));
    }
}
