//! Both verdicts on a document, beside what this log holds of its run.

use std::collections::BTreeSet;

use crate::audit::{self, Scope};
use crate::merkle::{LeafIndex, TreeSize};
use crate::protocol::{Document, DocumentKind, Options};
use crate::server::judge::reading::Reading;
use crate::server::judge::{AuditsError, Sitting};
use crate::verify::judge::{BundleName, BundleReports, Evidence, Judge, Reports};
use crate::verify::verification::Verification;

/// Most bundles of one document that are judged beside the log: each costs two
/// reports.
pub const BUNDLES_MAX: usize = 64;

impl Sitting {
    /// Judges a document at `size`: the protocol at `time_ms`, with the
    /// gateways of this log's roots, and the audit of the run that it claims.
    /// Nothing is stored. Cost: that of the document's signatures, and of the
    /// reports on its run and job. Blocks.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn judge(&self, document: &Document<'_>, size: TreeSize, time_ms: i64) -> Result<Verification, AuditsError> {
        let mut judge = Judge::new(Options::at(time_ms)).with_keys(self.desk.keys().clone());
        judge.operator = Some((*self.audits.operator).clone());
        if document.kind() != DocumentKind::CommitSignature {
            judge.evidence = Evidence::Reports(Box::new(self.reports(document, size)?));
        }
        Ok(judge.judge(document))
    }

    /// Judges a bundle that the log holds. Expiry is judged at the time of the
    /// last entry below `size`, so that the same size gives the same answer.
    /// `None`: its body is withheld. Cost as [`Sitting::judge`]. Blocks.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn judge_logged(&self, bundle: LeafIndex, size: TreeSize) -> Result<Option<Verification>, AuditsError> {
        let paper = self.desk.read(bundle)?;
        let Some(artifact) = paper.artifact() else { return Ok(None) };
        let document = Document::read_as(artifact.value(), DocumentKind::ProofBundle);
        let time_ms = match size.get().checked_sub(1) {
            Some(last) => self.desk.view.entry(LeafIndex::new(last))?.entry.logged_at.unix_ms(),
            None => 0,
        };
        let time_ms = i64::try_from(time_ms).unwrap_or(i64::MAX);
        self.judge(&document, size, time_ms).map(Some)
    }

    fn reports(&self, document: &Document<'_>, size: TreeSize) -> Result<Reports, AuditsError> {
        let bundles = document.bundles();
        if bundles.len() > BUNDLES_MAX {
            return Err(AuditsError::TooMany { got: bundles.len(), limit: BUNDLES_MAX });
        }
        let (mut found, mut entries) = (Vec::new(), BTreeSet::new());
        for bundle in bundles {
            let name = BundleName::of(bundle);
            let (agent, run) = (name.agent.clone().unwrap_or_default(), name.run.clone().unwrap_or_default());
            let of_run = self.report(&Scope::Run { agent, run }, size)?;
            let job = of_run.report.runs.first().and_then(|run| run.job.clone());
            let of_job = job.map(|job| self.report(&Scope::Job(job), size)).transpose()?;
            entries.extend(
                [Some(&of_run), of_job.as_ref()]
                    .into_iter()
                    .flatten()
                    .flat_map(|of| of.entries.iter().map(|(at, _)| *at)),
            );
            let mut logged = self.desk.view.find_artifact(&name.digest)?;
            logged.retain(|stored| name.is_signed_by(&stored.entry));
            found.push(BundleReports {
                run: of_run.report.clone(),
                job: of_job.map(|of| of.report.clone()),
                is_logged: logged.iter().any(|entry| entry.index.get() < size.get()),
            });
        }
        Ok(Reports { gateways: self.gateways(size)?, bundles: found, entries: entries.len() as u64 })
    }

    /// Gateways of the roots below `size`.
    fn gateways(&self, size: TreeSize) -> Result<Option<Vec<String>>, AuditsError> {
        let reading = Reading::new(self, size)?;
        Ok(audit::gateways(reading.roots()))
    }
}
