//! What bears a name or hash, or begins so: hashes from the rows that the store
//! keeps for itself, names from the search rows.
//!
//! ```text
//! text ─ Asked ─┬─ exact: the whole text is a hash, an index, a name, a code   (groups)
//!               └─ near:  longer names and hashes that begin so                (near)
//! ```
//!
//! Every entry that is listed was read: a row that leads elsewhere is damage,
//! and one that a hash met by chance is dropped. Counts and longer names are
//! what the rows say. The work for one text has bounds, whatever it is: rows
//! counted for a name, names walked for a beginning, bodies read for all of it.

mod asked;
mod exact;
mod near;

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::artifact::{Artifact, Kind};
use crate::audit::Link;
use crate::merkle::{LeafHash, LeafIndex, TreeSize};
use crate::server::desk::Desk;
use crate::server::index::Index;
use crate::server::index::names::{Sort, Standing};
use crate::server::judge::AuditsError;
use crate::server::log::view::View;

pub use self::asked::{Asked, Short};

/// Longest text that is looked for.
pub const QUERY_BYTES_MAX: usize = 512;
/// Most entries of one group.
pub const LOOKUP_ENTRIES_MAX: usize = 100;
/// Most bodies that are read for one text, and most bytes of them, beside the
/// first of each group.
pub const READ_MAX: usize = 200;
pub const READ_BYTES_MAX: u64 = 8 << 20;
/// As far as entries and names are counted.
pub const COUNTED_MAX: usize = 1_000;
/// Most longer names of one sort.
pub const NAMES_MAX: usize = 10;

/// What a text was taken for, and what was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is, statements of holders of a role first.
    pub groups: Vec<Group>,
    /// What begins so and is longer.
    pub near: Vec<Near>,
    pub tried: Vec<&'static str>,
    /// Names and links of entries below this were searched; hashes of all.
    pub indexed: TreeSize,
    /// Why beginnings were not looked for.
    pub short: Option<Short>,
}

/// What the text turned out to be.
#[derive(Clone, Debug)]
pub enum What {
    Artifact(ArtifactDigest, Kind),
    Leaf(LeafHash),
    Payload(PayloadHash),
    Policy(PayloadHash),
    /// An index.
    Entry,
    /// A code of this log, of its audit or of Clawsig's rules.
    Code(&'static str),
    Named {
        sort: Sort,
        name: String,
        /// The agent of a run; the system of a ticket that is named by its key.
        of: Option<String>,
    },
}

impl What {
    /// As answers spell it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Artifact(..) => "artifact",
            Self::Leaf(_) => "leaf_hash",
            Self::Payload(_) => "payload_hash",
            Self::Policy(_) => "policy_hash",
            Self::Entry => "entry",
            Self::Code(_) => "code",
            Self::Named { sort, .. } => sort.name(),
        }
    }

    /// What bears it, whole.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Artifact(digest, _) => digest.to_string(),
            Self::Leaf(leaf) => leaf.to_string(),
            Self::Payload(hash) | Self::Policy(hash) => hash.to_string(),
            Self::Entry => String::new(),
            Self::Code(code) => (*code).to_owned(),
            Self::Named { name, .. } => name.clone(),
        }
    }
}

/// How many, exact up to [`COUNTED_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub found: usize,
    /// Whether there are more than that.
    pub is_more: bool,
}

impl Count {
    /// Of what was walked up to one beyond [`COUNTED_MAX`].
    #[must_use]
    pub fn of(walked: usize) -> Self {
        Self { found: walked.min(COUNTED_MAX), is_more: walked > COUNTED_MAX }
    }
}

/// Entries of one meaning of the text.
#[derive(Clone, Debug)]
pub struct Group {
    pub what: What,
    pub standing: Standing,
    /// Lowest first, at most [`LOOKUP_ENTRIES_MAX`]: each was read.
    pub entries: Vec<LeafIndex>,
    /// All of them, as the rows say.
    pub count: Count,
}

impl Group {
    /// Whether some are not listed.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.count.is_more || self.count.found > self.entries.len()
    }
}

/// Longer names of one sort that begin so.
#[derive(Clone, Debug)]
pub struct Near {
    pub kind: &'static str,
    pub standing: Standing,
    /// In byte order, at most [`NAMES_MAX`].
    pub names: Vec<NearName>,
    pub count: Count,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct NearName {
    pub what: What,
    /// Its lowest entry.
    pub first: LeafIndex,
    pub entries: Count,
}

/// Everything that `text` may be. Blocks.
///
/// # Errors
/// [`AuditsError::Behind`] when nothing was found and rows are missing;
/// [`AuditsError::View`].
pub fn lookup(desk: &Desk, index: &Index, asked: &Asked) -> Result<Found, AuditsError> {
    let size = desk.view.size();
    let is_whole = index.wait(size);
    let indexed = if is_whole { size } else { index.followed().min(size) };
    let mut search = Search::new(desk, index, asked, indexed);
    search.exact()?;
    search.near()?;
    let found = search.found;
    if found.groups.is_empty() && found.near.is_empty() {
        if !is_whole {
            return Err(AuditsError::Behind { followed: indexed, size });
        }
        desk.view.check_none(size)?;
    }
    Ok(found)
}

/// One text being looked for, and what may still be read for it.
struct Search<'a> {
    desk: &'a Desk,
    index: &'a Index,
    asked: &'a Asked,
    found: Found,
    left: usize,
    left_bytes: u64,
}

impl<'a> Search<'a> {
    fn new(desk: &'a Desk, index: &'a Index, asked: &'a Asked, indexed: TreeSize) -> Self {
        let found = Found { groups: Vec::new(), near: Vec::new(), tried: Vec::new(), indexed, short: asked.short() };
        Self { desk, index, asked, found, left: READ_MAX, left_bytes: READ_BYTES_MAX }
    }

    /// Size up to which rows are believed.
    const fn below(&self) -> TreeSize {
        self.found.indexed
    }

    /// Notes what the text was taken for.
    fn tried(&mut self, kind: &'static str) {
        if !self.found.tried.contains(&kind) {
            self.found.tried.push(kind);
        }
    }
}

/// Entries of holders of the role with the policy of this hash, lowest first.
///
/// # Errors
/// As [`lookup`].
pub fn policies(desk: &Desk, index: &Index, hash: &PayloadHash) -> Result<Vec<LeafIndex>, AuditsError> {
    wait(&desk.view, index)?;
    stated_policies(desk, index, hash)
}

fn stated_policies(desk: &Desk, index: &Index, hash: &PayloadHash) -> Result<Vec<LeafIndex>, AuditsError> {
    let linked = index.linked(&Link::policy(&hash.to_b64u()), desk.view.size(), LOOKUP_ENTRIES_MAX)?;
    let papers = desk.read_all(&linked)?;
    let is_it = |of: &Artifact| of.kind() == Kind::WorkPolicy && of.payload_hash() == *hash;
    let found = papers.iter().filter(|paper| paper.artifact().is_some_and(is_it));
    Ok(found.map(|paper| paper.stored.index).collect())
}

/// Waits for the rows of everything that the view shows.
///
/// # Errors
/// [`AuditsError::Behind`].
pub fn wait(view: &View, index: &Index) -> Result<(), AuditsError> {
    match index.wait(view.size()) {
        true => Ok(()),
        false => Err(AuditsError::Behind { followed: index.followed(), size: view.size() }),
    }
}
