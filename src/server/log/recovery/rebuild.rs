//! A head guard made again, on the word of an operator who kept a checkpoint.
//!
//! The guard is what tells an old copy of the data from the newest one. Without
//! it nothing in this directory can: so whoever rebuilds it gives the newest
//! checkpoint that anybody has, and the store must extend that. What was signed
//! beyond the store stays unknown here; a witness who remembers it would say so.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::{OpenError, hash_text};
use super::{check_guard_place, check_identity, check_roots, check_seen, compare, digest, is_log, resume, survey};
use crate::checkpoint::TreeHead;
use crate::merkle::{Hash, TreeSize};
use crate::server::guard::{FileGuard, GuardRecord, GuardState};
use crate::server::log::Opening;
use crate::server::log::nodes::root_at;
use crate::server::store::layout::HeadRecord;
use crate::server::store::{Store, StoreError};
use crate::trust::TrustPolicy;

/// Most copies of replaced guards beside one.
const KEPT_MAX: u32 = 100;

/// A guard that was made again.
pub struct Rebuilt {
    /// The head that it names now.
    pub head: TreeHead,
    /// Size of the store, which the next start moves it to.
    pub store: TreeSize,
    /// Size of the newest checkpoint that the store was shown to extend.
    pub seen: TreeSize,
    /// What lay there before.
    pub found: GuardState,
    /// Where that is kept, if anything lay there.
    pub kept: Option<PathBuf>,
}

/// Writes a guard for the store as it is, after proving that it extends every
/// checkpoint given. A guard that is whole, newer than the store or of another
/// history is left alone: the first is no loss, the others say that this store
/// must not run.
///
/// # Errors
/// [`OpenError`]; nothing was written then.
pub fn rebuild_guard(opening: &Opening) -> Result<Rebuilt, OpenError> {
    let vkey = opening.signer.vkey();
    if vkey.name() != opening.origin.key_name() {
        return Err(OpenError::KeyName { name: vkey.name().to_string(), origin: opening.origin.to_string() });
    }
    if !is_log(&opening.data) {
        return Err(OpenError::NoLog { path: opening.data.clone() });
    }
    if opening.seen.is_empty() {
        return Err(OpenError::SeenNeeded);
    }
    check_guard_place(&opening.data, &opening.guard)?;
    let held = FileGuard::open(&opening.guard, Arc::clone(&opening.faults))?;
    let dir = opening.data.join("store");
    // A store with holes is opened for writing by nobody.
    let damage = survey(opening, &dir, held.as_ref())?;
    let store = Store::open(&dir, opening.budget, Arc::clone(&opening.faults))?;
    if let Some(damage) = damage {
        store.damage().meet(&damage);
    }
    if let Some(why) = store.fork()? {
        return Err(OpenError::Fork { why });
    }
    let identity = store.identity()?.ok_or_else(|| OpenError::NoLog { path: opening.data.clone() })?;
    check_identity(&identity, opening, &vkey)?;
    let head = store.head()?.ok_or_else(|| StoreError::Damaged { row: "meta/head".into() })?;
    let found = held.as_ref().map_or(Ok(GuardState::Missing), FileGuard::read)?;
    check_lost(opening, &store, &found, &head)?;
    store.flush()?;
    let record = record_of(opening, &store, &found, &head)?;
    let policy = TrustPolicy::for_log(vkey);
    check_roots(&store, &policy, &record, &head)?;
    resume(&store, head.head)?;
    check_seen(&store, &policy, &opening.seen, head.head)?;
    let sizes = opening.seen.iter().filter_map(|note| policy.open(note).ok()).map(|trusted| trusted.head().size);
    let seen = sizes.max().unwrap_or(TreeSize::ZERO);
    let kept = held.is_some().then(|| keep(opening)).transpose()?;
    // The lock is given back before the file is made anew; the store's own is held.
    drop(held);
    FileGuard::create(&opening.guard, &record, Arc::clone(&opening.faults))?;
    Ok(Rebuilt { head: record.head, store: head.head.size, seen, found, kept })
}

/// Only a guard that says too little is rebuilt.
fn check_lost(opening: &Opening, store: &Store, found: &GuardState, head: &HeadRecord) -> Result<(), OpenError> {
    let GuardState::Record(record) = found else { return Ok(()) };
    match compare(&opening.origin, record, head, || Ok(false)) {
        Ok(()) => Err(OpenError::GuardWhole { path: opening.guard.clone() }),
        Err(OpenError::GuardOlder { guard, .. }) if root_at(store, guard)? == record.head.root => Ok(()),
        Err(OpenError::GuardOlder { guard, .. }) => Err(OpenError::GuardOtherRoot { guard }),
        Err(error) => Err(error),
    }
}

/// The head when the store holds its note, else the guarded head before it.
fn record_of(
    opening: &Opening,
    store: &Store,
    found: &GuardState,
    head: &HeadRecord,
) -> Result<GuardRecord, OpenError> {
    let sequence = match found {
        GuardState::Record(record) => record.sequence + 1,
        // Zero is the record of initialisation alone.
        _ => 2,
    };
    let (head, note) = match &head.note {
        Some(note) => (head.head, Some(note.clone())),
        None => (head.previous, store.checkpoint(head.previous.size)?),
    };
    let note = note.map_or(Hash::from_bytes([0; 32]), |note| digest(&note));
    Ok(GuardRecord { sequence, origin: hash_text(opening.origin.as_str()), head, note })
}

/// What lay there may be evidence: it is copied beside before it is written
/// over, and never over an earlier copy. A crash in between leaves one copy
/// more.
fn keep(opening: &Opening) -> Result<PathBuf, OpenError> {
    let failed = |path: &PathBuf| {
        let path = path.clone();
        move |source| OpenError::Data { path, source }
    };
    let bytes = std::fs::read(&opening.guard).map_err(failed(&opening.guard))?;
    for number in 1..=KEPT_MAX {
        let mut path = OsString::from(&opening.guard);
        path.push(if number == 1 { ".replaced".to_owned() } else { format!(".replaced.{number}") });
        let path = PathBuf::from(path);
        match std::fs::File::create_new(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            file => {
                let written = file.and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
                return written.map(|()| path.clone()).map_err(failed(&path));
            }
        }
    }
    let full = std::io::Error::other(format!("{KEPT_MAX} replaced guards lie beside it; move them away first"));
    Err(failed(&opening.guard)(full))
}
