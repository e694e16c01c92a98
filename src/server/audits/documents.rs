//! Both verdicts on a document, beside what this log holds of its run.

use std::collections::BTreeSet;

use crate::artifact::json::{self, DEPTH_MAX};
use crate::audit::Scope;
use crate::merkle::{LeafIndex, TreeSize};
use crate::protocol::{Document, DocumentKind, Options};
use crate::server::audits::{Audits, AuditsError};
use crate::server::log::view::{Body, StoredEntry, View, ViewError};
use crate::verify::judge::{BundleName, BundleReports, Evidence, Judge, Reports, gateways};
use crate::verify::verification::Verification;

/// Most bundles of one document that are judged beside the log: each costs two
/// reports.
pub const BUNDLES_MAX: usize = 64;

impl Audits {
    /// Judges a document at `size`: the protocol at `time_ms`, with the
    /// gateways of this log's roots, and the audit of the run that it claims.
    /// Nothing is stored. Cost: that of the document's signatures, and of the
    /// reports on its run and job. Blocks.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn judge(
        &self,
        view: &View,
        document: &Document<'_>,
        size: TreeSize,
        time_ms: i64,
    ) -> Result<Verification, AuditsError> {
        let mut judge = Judge::new(Options::at(time_ms));
        judge.operator = Some((*self.operator).clone());
        if document.kind() != DocumentKind::CommitSignature {
            judge.evidence = Evidence::Reports(Box::new(self.reports(view, document, size)?));
        }
        Ok(judge.judge(document))
    }

    /// Judges a bundle that the log holds. Expiry is judged at the time of the
    /// last entry below `size`, so that the same size gives the same answer.
    /// `None`: its body is withheld. Cost as [`Audits::judge`]. Blocks.
    ///
    /// # Errors
    /// [`AuditsError`].
    pub fn judge_logged(
        &self,
        view: &View,
        bundle: &StoredEntry,
        size: TreeSize,
    ) -> Result<Option<Verification>, AuditsError> {
        let Body::Shown(body) = view.body(bundle)? else { return Ok(None) };
        let unsound = |_| ViewError::Unsound { what: format!("body {}", bundle.index) };
        let body = json::parse(body.as_bytes(), DEPTH_MAX).map_err(unsound)?;
        let document = Document::read_as(&body, DocumentKind::ProofBundle);
        let time_ms = match size.get().checked_sub(1) {
            Some(last) => view.entry(LeafIndex::new(last))?.entry.logged_at.unix_ms(),
            None => 0,
        };
        let time_ms = i64::try_from(time_ms).unwrap_or(i64::MAX);
        self.judge(view, &document, size, time_ms).map(Some)
    }

    fn reports(&self, view: &View, document: &Document<'_>, size: TreeSize) -> Result<Reports, AuditsError> {
        let bundles = document.bundles();
        if bundles.len() > BUNDLES_MAX {
            return Err(AuditsError::TooMany { got: bundles.len(), limit: BUNDLES_MAX });
        }
        let (mut found, mut entries) = (Vec::new(), BTreeSet::new());
        for bundle in bundles {
            let name = BundleName::of(bundle);
            let (agent, run) = (name.agent.clone().unwrap_or_default(), name.run.clone().unwrap_or_default());
            let of_run = self.report(view, &Scope::Run { agent, run }, size)?;
            let job = of_run.report.runs.first().and_then(|run| run.job.clone());
            let of_job = job.map(|job| self.report(view, &Scope::Job(job), size)).transpose()?;
            entries.extend(
                [Some(&of_run), of_job.as_ref()]
                    .into_iter()
                    .flatten()
                    .flat_map(|of| of.entries.iter().map(|(at, _)| *at)),
            );
            let mut logged = view.find_artifact(&name.digest)?;
            logged.retain(|stored| name.is_signed_by(&stored.entry));
            found.push(BundleReports {
                run: of_run.report,
                job: of_job.map(|of| of.report),
                is_logged: logged.iter().any(|entry| entry.index.get() < size.get()),
            });
        }
        Ok(Reports { gateways: self.gateways(view, size)?, bundles: found, entries: entries.len() as u64 })
    }

    /// Gateways of the newest roots in force below `size`.
    fn gateways(&self, view: &View, size: TreeSize) -> Result<Option<Vec<String>>, AuditsError> {
        let reading = self.reading(view, size)?;
        let newest = reading.roots().last().map(gateways);
        Ok(newest)
    }
}
