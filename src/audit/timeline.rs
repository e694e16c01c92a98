//! The log as the audit reads it: entries by leaf index, each with its body or
//! without, and what the reader proved about sizes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{JsonError, Value};
use crate::artifact::{
    AdmitError, Alike, Artifact, AuditStatement, Did, Grant, KeyCache, Kind, Limits, Payload, readmit, readmit_parsed,
};
use crate::audit::roots::{Distrusted, Roots};
use crate::audit::statement::Statement;
use crate::entry::{LoggedAt, SequencedEntry, SubmitterName};
use crate::merkle::{Hash, LeafIndex, RootHash, TreeSize};

/// One entry, and what it is about when the body is at hand.
#[derive(Clone, Debug)]
pub struct Seen {
    pub entry: SequencedEntry,
    /// `None`: withheld, or not available to this reader.
    pub body: Option<Artifact<'static>>,
}

/// What a reader knows of the tree of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownSize {
    /// `logged_at` of its last entry.
    pub logged_at: LoggedAt,
    /// Its root: recomputed, or proven consistent with a checkpoint.
    pub root: RootHash,
}

/// Entries by leaf index. Gaps are allowed; a report over one with gaps says
/// that absence was not checked. Clones share the entries.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    seen: BTreeMap<LeafIndex, Arc<Seen>>,
    sizes: BTreeMap<TreeSize, KnownSize>,
    origin: Option<String>,
    alike: Alike,
    /// Whose name stands in many entries, once for all of them.
    submitters: HashSet<SubmitterName>,
    own_bytes: usize,
}

/// Names that are had once for all; of more than these, each entry has its own.
const SUBMITTERS_MAX: usize = 1 << 12;

impl Timeline {
    /// A time line of proven entries. A body that is not the one its entry
    /// names counts as missing.
    pub fn new(entries: impl IntoIterator<Item = (LeafIndex, SequencedEntry, Option<Artifact<'static>>)>) -> Self {
        let mut timeline = Self::default();
        for (index, entry, body) in entries {
            timeline.add(index, entry, body);
        }
        timeline
    }

    /// Adds one entry; the first of an index stays.
    pub fn add(&mut self, index: LeafIndex, mut entry: SequencedEntry, body: Option<Artifact>) {
        match self.submitters.get(&entry.submitter) {
            Some(known) => entry.submitter = known.clone(),
            None if self.submitters.len() < SUBMITTERS_MAX => _ = self.submitters.insert(entry.submitter.clone()),
            None => {}
        }
        let seen = Seen::packed(entry, body, &mut self.alike);
        self.own_bytes += seen.body.as_ref().map_or(0, Artifact::kept_bytes);
        self.add_seen(index, Arc::new(seen));
    }

    /// Memory that the bodies take which [`Timeline::add`] was given.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.own_bytes + self.alike.bytes()
    }

    /// Adds one entry that is shared with other time lines.
    pub fn add_seen(&mut self, index: LeafIndex, seen: Arc<Seen>) {
        self.seen.entry(index).or_insert(seen);
    }

    /// Says which log it is: what an operator says of another log counts for
    /// nothing here.
    #[must_use]
    pub fn of_log(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Which log it is, where that was said.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Says what the tree of `size` is: the caller recomputed or proved it.
    pub fn know(&mut self, size: TreeSize, known: KnownSize) {
        self.sizes.insert(size, known);
    }

    pub(super) fn known(&self, size: TreeSize) -> Option<&KnownSize> {
        self.sizes.get(&size)
    }

    /// Sizes that operators' statements in it speak of: what [`Timeline::know`]
    /// is wanted for.
    pub fn attested_sizes(&self) -> impl Iterator<Item = TreeSize> {
        let bodies = self.seen.values().filter_map(|seen| seen.body.as_ref());
        bodies.filter_map(attested).filter_map(AuditStatement::size).map(TreeSize::new)
    }

    /// Roots that statements about `size` name: claims, until shown.
    pub fn attested_roots(&self, size: TreeSize) -> impl Iterator<Item = RootHash> {
        let bodies = self.seen.values().filter_map(|seen| seen.body.as_ref());
        let of_size = bodies.filter_map(attested).filter(move |says| says.size() == Some(size.get()));
        of_size.filter_map(|says| Hash::from_hex(says.root_hash()?).ok().map(RootHash::new))
    }

    pub fn get(&self, index: LeafIndex) -> Option<&Seen> {
        self.seen.get(&index).map(Arc::as_ref)
    }

    /// The newest roots that this operator declared for this log.
    #[must_use]
    pub fn roots_of(&self, operator: &Did) -> Option<&Artifact<'static>> {
        self.all_roots_of(operator).next_back().map(|(_, roots)| roots)
    }

    /// All roots that this operator declared for this log, oldest first, each
    /// where it was said first: whoever logs old ones again says nothing new.
    #[must_use]
    pub fn all_roots_of(&self, operator: &Did) -> impl DoubleEndedIterator<Item = (LeafIndex, &Artifact<'static>)> {
        let bodies = self.seen.iter().filter_map(|(at, seen)| Some((*at, seen.body.as_ref()?)));
        let of_another = |named: &str| self.origin().is_some_and(|origin| origin != named);
        let is_roots = |body: &Artifact| body.kind() == Kind::AuditRoots && body.signer() == Some(operator);
        let roots = bodies.filter(|(_, body)| is_roots(body) && !body.says().origin().is_some_and(of_another));
        let mut said = HashSet::new();
        let first: Vec<_> = roots.filter(|(_, body)| said.insert(body.payload_hash())).collect();
        first.into_iter()
    }

    /// Whether any roots of the operator withdraw trust from what this signer
    /// says at an index.
    #[must_use]
    pub fn is_distrusted(&self, at: LeafIndex, signer: &Did, operator: &Did) -> bool {
        let roots = self.all_roots_of(operator);
        let roots = roots.map(|(at, roots)| (at, Roots::new(roots.digest(), roots.payload_node())));
        Distrusted::of(roots).row(at, signer).is_some()
    }

    /// Issuances of a token, by hex hash, whose signers held the role at their
    /// index, in order. What others say of the token counts for nothing, and
    /// the word of a distrusted issuer counts only where nobody else gives one.
    #[must_use]
    pub fn issuances(&self, token: &str, operator: &Did) -> Vec<(LeafIndex, &Artifact<'static>)> {
        let mut found = Vec::new();
        let (mut roots, mut said) = (None::<Roots<'_>>, HashSet::new());
        let mut distrusted = Distrusted::default();
        for (at, seen) in self.prefix(self.size()) {
            let Some(body) = &seen.body else { continue };
            let statement = Statement::of(at, seen, body);
            let is_issued = |payload| matches!(payload, Payload::CstIssuance(of) if of.token_hash() == Some(token));
            if let Payload::AuditRoots(says) = statement.payload
                && statement.is_by_operator(Some(operator), self.origin())
            {
                if !said.insert(statement.hash) {
                    continue;
                }
                let newer = Roots::of(&statement.read_as(says));
                distrusted.take(at, &newer);
                roots = Some(newer);
            } else if is_issued(statement.payload) && roots.is_some_and(|roots| roots.hold(&statement, None)) {
                found.push((at, body));
            }
        }
        let is_trusted = |(at, body): &(LeafIndex, &Artifact)| {
            body.signer().is_some_and(|signer| distrusted.row(*at, signer).is_none())
        };
        if found.iter().any(is_trusted) {
            found.retain(is_trusted);
        }
        found
    }

    /// One more than the highest index.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        TreeSize::new(self.seen.last_key_value().map_or(0, |(index, _)| index.get() + 1))
    }

    /// What stands below `size`, in order.
    #[must_use]
    pub fn prefix(&self, size: TreeSize) -> impl DoubleEndedIterator<Item = (LeafIndex, &Seen)> + Clone {
        self.seen.range(..LeafIndex::new(size.get())).map(|(index, seen)| (*index, seen.as_ref()))
    }

    /// Whether every entry below `size` is here.
    #[must_use]
    pub fn is_whole_below(&self, size: TreeSize) -> bool {
        self.prefix(size).count() as u64 == size.get()
    }

    /// The entries whose bodies are at hand, and all that is known of sizes.
    #[must_use]
    pub(super) fn read(&self) -> Self {
        let seen = self.seen.iter().filter(|(_, seen)| seen.body.is_some());
        self.part(seen.map(|(at, _)| *at))
    }

    /// The entries of these indexes alone, and all that is known of sizes.
    #[must_use]
    pub(super) fn part(&self, indexes: impl IntoIterator<Item = LeafIndex>) -> Self {
        let seen = indexes.into_iter().filter_map(|at| Some((at, Arc::clone(self.seen.get(&at)?))));
        Self { seen: seen.collect(), sizes: self.sizes.clone(), origin: self.origin.clone(), ..Self::default() }
    }
}

impl Seen {
    /// A body that is not the one its entry names counts as missing. Rules read
    /// its values, so that of a long log its bytes are not kept beside them.
    #[must_use]
    pub fn new(entry: SequencedEntry, body: Option<Artifact>) -> Self {
        let body = body.filter(|body| is_of(body, &entry)).map(Artifact::into_values);
        Self::of_body(entry, body)
    }

    fn of_body(mut entry: SequencedEntry, body: Option<Artifact<'static>>) -> Self {
        if let Some(body) = &body {
            // Equal, and one text for all who read its key from one cache.
            entry.signer = body.signer().cloned();
        }
        Self { entry, body }
    }

    /// The same in the few bytes that one of many may take.
    fn packed(entry: SequencedEntry, body: Option<Artifact>, alike: &mut Alike) -> Self {
        let body = body.filter(|body| is_of(body, &entry)).map(|body| body.packed(alike));
        Self::of_body(entry, body)
    }
}

fn is_of(body: &Artifact, entry: &SequencedEntry) -> bool {
    body.digest() == entry.digest && body.kind() == entry.kind && body.signer() == entry.signer.as_ref()
}

/// The artifact behind a stored body, its signature verified once more.
/// `None` when the body is not an authentic artifact of the entry's kind.
#[must_use]
pub fn authenticate<'a>(entry: &SequencedEntry, body: &'a [u8], keys: &KeyCache) -> Option<Artifact<'a>> {
    authenticate_within(entry, body, keys, usize::MAX).ok().flatten()
}

/// The same for a body that a stranger gave: its values may take so much room.
/// It is hashed before anything in it is read.
///
/// # Errors
/// It is the entry's, and its values would take more.
pub fn authenticate_within<'a>(
    entry: &SequencedEntry,
    body: &'a [u8],
    keys: &KeyCache,
    room: usize,
) -> Result<Option<Artifact<'a>>, JsonError> {
    if ArtifactDigest::of(body) != entry.digest {
        return Ok(None);
    }
    match readmit(body, &grant(entry), &Limits { room, ..Limits::unlimited() }, keys) {
        Ok(artifact) => Ok(Some(artifact).filter(|artifact| is_of(artifact, entry))),
        Err(AdmitError::Json(error @ JsonError::OverRoom { .. })) => Err(error),
        Err(_) => Ok(None),
    }
}

/// The same for a body that its reader parsed already, in whatever spelling.
#[must_use]
pub fn authenticate_parsed<'a>(entry: &SequencedEntry, body: Value<'a>, keys: &KeyCache) -> Option<Artifact<'a>> {
    let artifact = readmit_parsed(body, &grant(entry), &Limits::unlimited(), keys);
    artifact.ok().filter(|artifact| is_of(artifact, entry))
}

fn attested<'a>(body: &'a Artifact<'a>) -> Option<AuditStatement<'a>> {
    body.says().try_into().ok()
}

/// Whoever submitted was judged by the log; here only authenticity counts.
fn grant(entry: &SequencedEntry) -> Grant {
    if entry.signer.is_some() { Grant::all() } else { Grant::any_unsigned(entry.kind) }
}
