//! What the operator attests of a job, and what a packet of it says.

use pulselog::artifact::json::{Value, to_compact};
use pulselog::artifact::{Grant, KeyCache, Limits, admit};
use pulselog::audit::{KnownSize, Timeline, attest, used_by};
use pulselog::entry::{PendingEntry, SubmitterName};
use pulselog::merkle::{Frontier, LeafIndex, leaf_hash};

use super::cast::{self, nonce, signing_key};
use crate::make::{kind, seal_raw, set};

/// What a reader of all tiles knows of each size.
pub fn know_all(timeline: &mut Timeline) {
    let whole = timeline.clone();
    know_of(timeline, &whole);
}

/// The same for a reader of a part of them, who proved each size.
pub fn know_of(part: &mut Timeline, whole: &Timeline) {
    let mut frontier = Frontier::empty();
    for (_, seen) in whole.prefix(whole.size()) {
        frontier.push(leaf_hash(&seen.entry.encode()), &mut |_, _| {});
        part.know(frontier.size(), KnownSize { logged_at: seen.entry.logged_at, root: frontier.root() });
    }
}

/// What a packet of a job has of a whole log: everything that the job uses, and
/// of the last entry below the statement, the last of all, its place and time.
pub fn packed(whole: &Timeline, job: &str) -> Timeline {
    let used = used_by(whole, whole.size(), job, &cast::operator());
    let last = whole.size().get().checked_sub(2).map(LeafIndex::new);
    let mut part = Timeline::default();
    for (at, seen) in whole.prefix(whole.size()) {
        match used.contains(&at) {
            true => part.add(at, seen.entry.clone(), seen.body.clone()),
            false if Some(at) == last => part.add(at, seen.entry.clone(), None),
            false => {}
        }
    }
    know_of(&mut part, whole);
    part
}

/// Appends the operator's statement about a job, changed or not.
pub fn state(timeline: &mut Timeline, job: &str, change: impl FnOnce(&mut Value<'static>)) {
    know_all(timeline);
    let size = timeline.size();
    let last = timeline.prefix(size).last().expect("an entry").1.entry.logged_at;
    let mut payload = attest(timeline, size, job, &cast::operator()).expect("a statement");
    set(&mut payload, "audit_statement_version", Some("1".into()));
    set(&mut payload, "nonce", Some(nonce(job).into()));
    change(&mut payload);
    let sealed = seal_raw(kind("audit_statement"), payload, &signing_key("operator"));
    let text = to_compact(&sealed);
    let admitted = admit(text.as_bytes(), &Grant::all(), &Limits::default(), &KeyCache::new()).expect("a statement");
    let submitter = SubmitterName::parse("submitter").expect("a name");
    let entry = PendingEntry::new(admitted.artifact.clone(), None, submitter).sequence(last);
    timeline.add(LeafIndex::new(size.get()), entry, Some(admitted.artifact));
    know_all(timeline);
}
