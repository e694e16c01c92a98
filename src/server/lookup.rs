//! What bears a name or hash: hashes from the rows that the store keeps for
//! itself, names from the search rows. A name that a hash met by chance is
//! dropped after its body was read.

use std::collections::BTreeMap;

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::artifact::{Artifact, Kind};
use crate::audit::Link;
use crate::merkle::{Hash, LeafHash, LeafIndex, TreeSize};
use crate::server::desk::Desk;
use crate::server::index::Index;
use crate::server::index::names::{Sort, meets, names};
use crate::server::judge::AuditsError;
use crate::server::log::view::{StoredEntry, View, ViewError};
use crate::text::{base64url, percent};

/// Longest text that is looked for.
pub const QUERY_BYTES_MAX: usize = 512;
/// Most entries of one group, and most that are read for one name.
pub const LOOKUP_ENTRIES_MAX: usize = 100;
/// Bodies held at once while their names are compared.
const READ_AT_ONCE: usize = 16;

/// What a text was taken for, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub groups: Vec<Group>,
    pub tried: Vec<&'static str>,
}

/// Entries of one meaning of the text.
#[derive(Clone, Debug)]
pub struct Group {
    pub kind_of_match: &'static str,
    /// Lowest first, at most [`LOOKUP_ENTRIES_MAX`].
    pub entries: Vec<LeafIndex>,
    /// Whether there may be more.
    pub more: bool,
    /// Where to read on.
    pub href: String,
}

/// Everything that `text` may be. Cost: at most [`LOOKUP_ENTRIES_MAX`] bodies
/// read and parsed for its names. Blocks.
///
/// # Errors
/// [`AuditsError::Behind`]; [`AuditsError::View`].
pub fn lookup(desk: &Desk, index: &Index, text: &str) -> Result<Found, AuditsError> {
    let view = &desk.view;
    wait(view, index)?;
    let mut found = Found::default();
    let hash = hash(text);
    if let Some(hash) = &hash {
        found.by_hash(desk, index, hash)?;
    }
    if let Ok(size) = TreeSize::parse(text) {
        let is_there = size < view.size();
        found.add("entry", if is_there { vec![LeafIndex::new(size.get())] } else { Vec::new() }, entry_href);
    }
    // A hash bears its name in hex, whichever way it was asked for.
    let name = hash.as_ref().map_or_else(|| text.to_owned(), Hash::to_hex);
    found.by_name(desk, index, &name)?;
    if name != text {
        found.by_name(desk, index, text)?;
    }
    found.tried.extend(Sort::ALL.map(Sort::name));
    if found.groups.is_empty() {
        view.check_none(view.size())?;
    }
    Ok(found)
}

/// Entries of holders of the role with the policy of this hash, lowest first.
///
/// # Errors
/// As [`lookup`].
pub fn policies(desk: &Desk, index: &Index, hash: &PayloadHash) -> Result<Vec<LeafIndex>, AuditsError> {
    wait(&desk.view, index)?;
    let linked = index.linked(&Link::policy(&hash.to_b64u()), desk.view.size(), LOOKUP_ENTRIES_MAX)?;
    let papers = desk.read_all(&linked)?;
    let is_it = |of: &Artifact| of.kind() == Kind::WorkPolicy && of.payload_hash() == *hash;
    let found = papers.iter().filter(|paper| paper.artifact().is_some_and(is_it));
    Ok(found.map(|paper| paper.stored.index).collect())
}

fn wait(view: &View, index: &Index) -> Result<(), AuditsError> {
    match index.wait(view.size()) {
        true => Ok(()),
        false => Err(AuditsError::Behind { followed: index.followed(), size: view.size() }),
    }
}

/// 32 bytes in hex of either case, or as peers spell them.
fn hash(text: &str) -> Option<Hash> {
    let hex = Hash::from_hex(&text.to_ascii_lowercase()).ok();
    hex.or_else(|| base64url::decode(text).map(Hash::from_bytes))
}

fn entry_href(entries: &[LeafIndex]) -> String {
    entries.first().map_or(String::new(), |at| format!("/v1/entries/{at}"))
}

impl Found {
    fn add(
        &mut self,
        kind_of_match: &'static str,
        mut entries: Vec<LeafIndex>,
        href: impl FnOnce(&[LeafIndex]) -> String,
    ) {
        self.tried.push(kind_of_match);
        if entries.is_empty() {
            return;
        }
        let more = entries.len() > LOOKUP_ENTRIES_MAX;
        entries.truncate(LOOKUP_ENTRIES_MAX);
        let href = href(&entries);
        self.groups.push(Group { kind_of_match, entries, more, href });
    }

    fn by_hash(&mut self, desk: &Desk, index: &Index, hash: &Hash) -> Result<(), AuditsError> {
        let view = &desk.view;
        let (bytes, hex) = (*hash.as_bytes(), hash.to_hex());
        let places = |entries: Vec<StoredEntry>| entries.iter().map(|entry| entry.index).collect::<Vec<_>>();
        let artifacts = places(view.find_artifact(&ArtifactDigest::from_bytes(bytes))?);
        self.add("artifact", artifacts, |_| format!("/v1/artifacts/{hex}"));
        let leaf = view.find_leaf(&LeafHash::new(*hash))?;
        self.add("leaf_hash", places(leaf.into_iter().collect()), |_| format!("/v1/leaves/{hex}"));
        let payload = PayloadHash::from_bytes(bytes);
        self.add("payload_hash", desk.find_payload(&payload)?, entry_href);
        self.add("policy_hash", policies(desk, index, &payload)?, |_| format!("/v1/policies/{hex}"));
        Ok(())
    }

    fn by_name(&mut self, desk: &Desk, index: &Index, name: &str) -> Result<(), AuditsError> {
        let mut at = index.named(name, LeafIndex::new(0), desk.view.size(), LOOKUP_ENTRIES_MAX + 1)?;
        let more = at.len() > LOOKUP_ENTRIES_MAX;
        at.truncate(LOOKUP_ENTRIES_MAX);
        let mut by_sort: BTreeMap<Sort, (Vec<LeafIndex>, Option<String>)> = BTreeMap::new();
        for part in at.chunks(READ_AT_ONCE) {
            for paper in desk.read_all(part)? {
                let (entry, Some(artifact)) = (&paper.stored, paper.artifact()) else { continue };
                let keys = artifact.keys();
                let borne = names(artifact.signer(), &keys, Some(artifact.payload()));
                // Eight bytes of the hash meet by chance; that none of its names has them does not.
                if !borne.iter().any(|named| meets(&named.name, name)) {
                    let what = format!("a search row leads to another name at {}", entry.index);
                    return Err(ViewError::Unsound { what }.into());
                }
                for named in borne.into_iter().filter(|named| named.name == name) {
                    let (entries, agent) = by_sort.entry(named.sort).or_default();
                    entries.push(entry.index);
                    *agent = agent.take().or_else(|| keys.agent.clone());
                }
            }
        }
        for sort in Sort::ALL {
            let Some((mut entries, agent)) = by_sort.remove(&sort) else { continue };
            entries.dedup();
            let href = href(sort, name, agent.as_deref(), &entries);
            self.groups.push(Group { kind_of_match: sort.name(), entries, more, href });
        }
        Ok(())
    }
}

fn href(sort: Sort, name: &str, agent: Option<&str>, entries: &[LeafIndex]) -> String {
    let name = percent::segment(name);
    match (sort, agent) {
        (Sort::Job, _) => format!("/v1/jobs/{name}"),
        (Sort::Run, Some(agent)) => format!("/v1/runs/{}/{name}", percent::segment(agent)),
        (Sort::Token, _) => format!("/v1/tokens/{name}"),
        (Sort::Agent, _) => format!("/v1/findings?agent={name}"),
        (Sort::App, _) => format!("/v1/findings?app={name}"),
        _ => entry_href(entries),
    }
}
