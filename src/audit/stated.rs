//! Statements that are logged again. An envelope has members that no signature
//! covers, so whoever may submit can wrap what somebody signed once more, as
//! often as he likes. Under the same roots in force a copy is judged by the same
//! words and the same roles: it says nothing new. So no rule reads it, and it is
//! filed under nothing.
//!
//! ```text
//! roots ── s ── s ── s ── roots ── s ── s
//!          read            read: another may hold the role now
//! ```
//!
//! The first is judged as each of its copies would be: who holds a role says the
//! payload with the roots; the agent of a wrapper's statement is that of the first
//! issuance or decision that it names, and stays; and trust is withdrawn from an
//! index on, so from no copy later than from the first.

use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

use crate::artifact::digest::PayloadHash;
use crate::artifact::{Did, Kind};
use crate::entry::SequencedEntry;

/// What makes a statement the same statement.
type Says<'a> = (Kind, PayloadHash, By<'a>);

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum By<'a> {
    Signer(&'a Did),
    /// Of what nobody signed.
    Submitter(&'a str),
}

fn says(entry: &SequencedEntry, hash: PayloadHash) -> Says<'_> {
    (entry.kind, hash, entry.signer.as_ref().map_or(By::Submitter(entry.submitter.as_str()), By::Signer))
}

/// A statement that is compared by what it says, where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a> {
    entry: &'a SequencedEntry,
    hash: &'a PayloadHash,
}

impl<'a> Name<'a> {
    pub(super) fn new(entry: &'a SequencedEntry, hash: &'a PayloadHash) -> Self {
        Self { entry, hash }
    }

    fn says(&self) -> Says<'a> {
        says(self.entry, *self.hash)
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.says() == other.says()
    }
}

impl Eq for Name<'_> {}

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.says().hash(state);
    }
}

/// What stands under the roots in force, while entries are read in order.
#[derive(Clone, Debug, Default)]
pub struct Stated<'a>(HashSet<Says<'a>>);

impl<'a> Stated<'a> {
    /// Takes the statement of an entry; whether it stands there already.
    pub fn take(&mut self, entry: &'a SequencedEntry, hash: PayloadHash) -> bool {
        !self.0.insert(says(entry, hash))
    }

    /// Other roots come into force.
    pub fn under_other_roots(&mut self) {
        self.0.clear();
    }
}

/// Every statement that was met, while facts are found in order.
#[derive(Debug, Default)]
pub(super) struct Met<'a>(HashMap<Name<'a>, Stood>);

#[derive(Clone, Copy, Debug)]
struct Stood {
    /// How many roots had come into force where it was met last.
    under: u32,
    is_fact: bool,
}

/// No log has so many roots.
const NEVER: u32 = u32::MAX;

impl<'a> Met<'a> {
    pub(super) fn reserve(&mut self, statements: usize) {
        self.0.reserve(statements);
    }

    /// Meets a statement where so many roots have come into force; whether it is a
    /// fact already. `None` where it was met under the same ones.
    pub(super) fn meet(&mut self, name: Name<'a>, roots: usize) -> Option<bool> {
        let stood = self.0.entry(name).or_insert(Stood { under: NEVER, is_fact: false });
        let under = u32::try_from(roots).unwrap_or(NEVER);
        (std::mem::replace(&mut stood.under, under) != under).then_some(stood.is_fact)
    }

    /// What was met is a fact.
    pub(super) fn count(&mut self, name: Name<'a>) {
        if let Some(stood) = self.0.get_mut(&name) {
            stood.is_fact = true;
        }
    }
}
