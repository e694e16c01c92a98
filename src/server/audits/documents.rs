//! Both verdicts on a document, beside what this log holds of its run.

use crate::artifact::json::Value;
use crate::audit::{Report, Scope};
use crate::merkle::TreeSize;
use crate::protocol::{DocumentKind, Options};
use crate::server::audits::{Audits, AuditsError};
use crate::server::log::view::View;
use crate::verify::judge::{Evidence, Judge, Reports, gateways};
use crate::verify::verification::{DocumentName, Verification};

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
        document: &Value,
        kind: DocumentKind,
        size: TreeSize,
        time_ms: i64,
    ) -> Result<Verification, AuditsError> {
        let mut judge = Judge::new(Options::at(time_ms));
        judge.operator = Some((*self.operator).clone());
        if kind != DocumentKind::CommitSignature {
            let name = DocumentName::of(document, kind);
            judge.evidence = Evidence::Reports(Box::new(self.reports(view, &name, size)?));
        }
        Ok(judge.value(document, kind))
    }

    fn reports(&self, view: &View, name: &DocumentName, size: TreeSize) -> Result<Reports, AuditsError> {
        let (agent, run) = (name.agent.clone().unwrap_or_default(), name.run.clone().unwrap_or_default());
        let of_run = self.report(view, &Scope::Run { agent, run }, size)?;
        let job = of_run.report.runs.first().and_then(|run| run.job.clone());
        let of_job = job.map(|job| self.report(view, &Scope::Job(job), size)).transpose()?;
        let mut entries: Vec<_> = of_run.entries.iter().map(|(at, _)| *at).collect();
        entries.extend(of_job.iter().flat_map(|of| of.entries.iter().map(|(at, _)| *at)));
        entries.sort_unstable();
        entries.dedup();
        let mut logged = view.find_artifact(&name.digest)?;
        logged.retain(|stored| name.is_signed_by(&stored.entry));
        Ok(Reports {
            gateways: self.gateways(view, size, &of_run.report)?,
            run: of_run.report,
            job: of_job.map(|of| of.report),
            is_logged: logged.iter().any(|entry| entry.index.get() < size.get()),
            entries: entries.len() as u64,
        })
    }

    /// Gateways of the newest roots in force below `size`.
    fn gateways(&self, view: &View, size: TreeSize, report: &Report) -> Result<Option<Vec<String>>, AuditsError> {
        let reading = self.reading(view, size)?;
        let roots = reading.roots().find(|roots| Some(roots.digest()) == report.roots_digest);
        Ok(roots.map(gateways))
    }
}
