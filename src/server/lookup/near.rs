//! What is longer and begins so.

use crate::artifact::Kind;
use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::merkle::{Hash, LeafHash, LeafIndex};
use crate::server::index::names::{Kept, Sort, Standing};
use crate::server::judge::AuditsError;
use crate::server::log::view::StoredEntry;
use crate::server::lookup::{COUNTED_MAX, Count, NAMES_MAX, Near, NearName, Search, What};

impl Search<'_> {
    /// Looks for longer names and hashes that begin, and end, as asked.
    pub(super) fn near(&mut self) -> Result<(), AuditsError> {
        let hex = self.asked.hex();
        for standing in Standing::BOTH {
            for sort in Sort::ALL.into_iter().filter(|sort| sort.is_kept()) {
                let begins = match (sort.is_hex(), &hex) {
                    (true, Some(hex)) => hex.clone(),
                    (false, _) if self.asked.is_begun() => self.asked.begins().to_owned(),
                    _ => continue,
                };
                self.near_names(sort, standing, &begins)?;
            }
        }
        if let Some(hex) = hex {
            self.near_hashes(&hex)?;
        }
        self.found.near.sort_by_key(|near| near.standing);
        Ok(())
    }

    fn near_names(&mut self, sort: Sort, standing: Standing, begins: &str) -> Result<(), AuditsError> {
        let mut kept = self.index.whole((sort, standing), begins, COUNTED_MAX + 1)?;
        let is_more = kept.len() > COUNTED_MAX;
        let ends = self.asked.ends();
        // The name itself is told among what the text is.
        kept.retain(|kept| kept.name != self.asked.text && kept.name.ends_with(ends));
        let kept = with_their_agents(kept);
        if kept.is_empty() {
            return Ok(());
        }
        let count = Count { found: kept.len().min(COUNTED_MAX), is_more };
        let mut names = Vec::new();
        for Kept { name, agent } in kept.into_iter().take(NAMES_MAX) {
            let all = (sort, name.as_str(), standing);
            let at = self.index.bearing(all, LeafIndex::new(0), self.below(), COUNTED_MAX + 1)?;
            // Named by entries that are published after this view was taken.
            let Some(first) = at.first().copied() else { continue };
            let entries = Count::of(at.len());
            names.push(NearName { what: What::Named { sort, name, of: agent }, first, entries });
        }
        if !names.is_empty() {
            self.found.near.push(Near { kind: sort.name(), standing, names, count });
        }
        Ok(())
    }

    /// Hashes of the log itself: no rows of the index are needed.
    fn near_hashes(&mut self, hex: &str) -> Result<(), AuditsError> {
        let view = &self.desk.view;
        let (limit, ends) = (COUNTED_MAX + 1, self.asked.ends().to_owned());
        let fit = |found: Vec<Hash>| -> (Vec<Hash>, Count) {
            let is_more = found.len() > COUNTED_MAX;
            let fitting: Vec<_> = found.into_iter().filter(|hash| hash.to_hex().ends_with(&ends)).collect();
            let count = Count { found: fitting.len().min(COUNTED_MAX), is_more };
            (fitting.into_iter().take(NAMES_MAX).collect(), count)
        };
        let (artifacts, count) = fit(view.artifacts_from(hex, limit)?);
        let mut found = Vec::new();
        for hash in artifacts {
            let digest = ArtifactDigest::from_bytes(*hash.as_bytes());
            let entries = view.find_artifact(&digest)?;
            let Some(kind) = entries.first().map(|entry| entry.entry.kind) else { continue };
            found.push((What::Artifact(digest, kind), entries));
        }
        self.add_near("artifact", found, count)?;
        let (leaves, count) = fit(view.leaves_from(hex, limit)?);
        let mut found = Vec::new();
        for leaf in leaves.into_iter().map(LeafHash::new) {
            found.extend(view.find_leaf(&leaf)?.map(|entry| (What::Leaf(leaf), vec![entry])));
        }
        self.add_near("leaf_hash", found, count)?;
        let (payloads, count) = fit(view.payloads_from(hex, limit)?);
        let mut found = Vec::new();
        for hash in payloads {
            let payload = PayloadHash::from_bytes(*hash.as_bytes());
            found.push((What::Payload(payload), view.find_payload(&payload)?));
        }
        self.add_near("payload_hash", found, count)
    }

    /// Hashes of one sort, those that a holder of a role stated apart. A policy
    /// is known by the hash of its payload.
    fn add_near(
        &mut self,
        kind: &'static str,
        found: Vec<(What, Vec<StoredEntry>)>,
        count: Count,
    ) -> Result<(), AuditsError> {
        for standing in Standing::BOTH {
            let mut names = Vec::new();
            for (what, entries) in &found {
                let Some(first) = entries.first() else { continue };
                let is_filed = first.index.get() < self.below().get();
                let stands = if is_filed { self.index.standing(first.index)? } else { Standing::Other };
                if stands != standing {
                    continue;
                }
                let is_policy = first.entry.kind == Kind::WorkPolicy && standing == Standing::Holder;
                let what = match what {
                    What::Payload(hash) if is_policy => What::Policy(*hash),
                    what => what.clone(),
                };
                names.push(NearName { what, first: first.index, entries: Count::of(entries.len()) });
            }
            if !names.is_empty() {
                self.found.near.push(Near { kind, standing, names, count });
            }
        }
        Ok(())
    }
}

/// Statements that name a run and no agent add nothing to those that name both.
fn with_their_agents(kept: Vec<Kept>) -> Vec<Kept> {
    let mut out: Vec<Kept> = Vec::with_capacity(kept.len());
    for kept in kept {
        // In byte order the one without an agent comes first.
        if kept.agent.is_some() && out.last().is_some_and(|last| last.agent.is_none() && last.name == kept.name) {
            out.pop();
        }
        out.push(kept);
    }
    out
}
