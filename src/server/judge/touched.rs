//! Whom new entries are about: jobs, applications and bundles that hang
//! together with them, so that whoever tells of verdicts judges these alone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::artifact::Kind;
use crate::artifact::digest::ArtifactDigest;
use crate::audit::{Gather, Link};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::index::names::{Sort, Standing, names};
use crate::server::judge::reading::{AuditsError, Reading};
use crate::server::judge::{ScopeReport, Sitting};

/// What is touched by some entries.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    pub jobs: BTreeSet<String>,
    /// `instance/namespace/name`.
    pub apps: BTreeSet<String>,
    /// Each with its lowest entry.
    pub bundles: BTreeMap<ArtifactDigest, LeafIndex>,
    /// Whether an entry is of no job, so that any may be touched: roots, a
    /// policy, a look at everything, or what hangs together with too much.
    pub is_loose: bool,
    /// Entries that were read with others already.
    seen: BTreeSet<LeafIndex>,
}

impl Sitting {
    /// Adds whom the entries of `range` are about, as the log of `size` joins
    /// them. Cost: what hangs together with them, each read once a sitting. Blocks.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn touch(&self, range: Range<u64>, size: TreeSize, touched: &mut Touched) -> Result<(), AuditsError> {
        let mut reading = Reading::new(self, size)?;
        for at in range.map(LeafIndex::new) {
            reading.fetch(&[at])?;
            let links = reading.links(at).to_vec();
            if links == [Link::UNTRUSTED] || touched.seen.contains(&at) {
                continue;
            }
            if reading.is_shared(at) {
                touched.is_loose = true;
                continue;
            }
            let mut found = match reading.gather(Gather::around(links)) {
                Ok(gather) => gather.into_found(),
                Err(AuditsError::TooLarge { .. }) => {
                    touched.is_loose = true;
                    BTreeSet::new()
                }
                Err(error) => return Err(error),
            };
            found.insert(at);
            touched.is_loose |= !touched.take(&reading, &found);
        }
        Ok(())
    }

    /// Jobs that holders of a role speak of, those met last first, at most `limit`.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn jobs_below(&self, size: TreeSize, limit: usize) -> Result<Vec<String>, AuditsError> {
        // Without the rows below it, a job that is missing would look like none.
        Reading::new(self, size)?;
        let firsts = self.audits.index.firsts((Sort::Job, Standing::Holder), size, limit)?;
        Ok(firsts.into_iter().map(|(_, kept)| kept.name).collect())
    }

    /// Bundles that a report rests on, the newest `limit` of them.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn bundles_of(
        &self,
        made: &ScopeReport,
        limit: usize,
    ) -> Result<Vec<(ArtifactDigest, LeafIndex)>, AuditsError> {
        let mut at: Vec<_> = made.told().filter(|(_, kind)| *kind == Kind::ProofBundle).map(|(at, _)| at).collect();
        let cut = at.len().saturating_sub(limit);
        let papers = self.desk.read_all(&at.split_off(cut))?;
        Ok(papers.iter().map(|paper| (paper.stored.entry.digest, paper.stored.index)).collect())
    }
}

impl Touched {
    /// Takes what entries that hang together name; whether that is a job.
    fn take(&mut self, reading: &Reading<'_>, found: &BTreeSet<LeafIndex>) -> bool {
        let mut names_job = false;
        for at in found {
            let Some(seen) = reading.seen(*at).filter(|_| !reading.is_shared(*at)) else { continue };
            self.seen.insert(*at);
            if seen.entry.kind == Kind::ProofBundle {
                self.bundles.entry(seen.entry.digest).or_insert(*at);
            }
            let Some(body) = &seen.body else { continue };
            for named in names(body.kind(), body.signer(), &body.keys(), Some(body.payload())) {
                match named.sort {
                    Sort::Job => {
                        names_job = true;
                        self.jobs.insert(named.name);
                    }
                    Sort::App => _ = self.apps.insert(named.name),
                    _ => {}
                }
            }
        }
        names_job
    }
}
