//! What may be missing of the evidence, and could say otherwise: it accuses
//! nobody (JUDGING 11.2, 11.4).

use crate::artifact::{Did, Kind};
use crate::audit::{self, Absence, Seen, Timeline};
use crate::verify::judge::{Evidence, Judge};
use crate::verify::verification::CoveragePart;

impl Judge {
    /// Whether roots of the pinned operator may be missing: a body of theirs is,
    /// or entries are that nobody attested to be nothing of a job.
    pub(super) fn may_lack_roots(&self) -> bool {
        let Some((timeline, operator)) = self.timeline().zip(self.operator.as_ref()) else { return false };
        let is_roots = |seen: &Seen| {
            seen.entry.kind == Kind::AuditRoots && seen.entry.signer.as_ref() == Some(operator) && seen.body.is_none()
        };
        let lacks_a_body = || timeline.prefix(timeline.size()).any(|(_, seen)| is_roots(seen));
        match &self.evidence {
            Evidence::Packet(_) => lacks_a_body() || !self.is_attested(timeline, operator),
            Evidence::Log { .. } => lacks_a_body(),
            Evidence::Nothing | Evidence::Reports(_) => false,
        }
    }

    /// Whether some statement covers the packet: then it lists all roots.
    fn is_attested(&self, timeline: &Timeline, operator: &Did) -> bool {
        let mut jobs = audit::attested_jobs(timeline, self.size(), operator).into_iter();
        jobs.any(|job| audit::audit_packet(timeline, self.size(), &job, operator).absence != Absence::NotChecked)
    }

    /// Whether nothing is missing that tells of which job a run is, and what a
    /// token's claims are.
    pub(super) fn lacks_no_word_of_tokens(&self, coverage: &CoveragePart) -> bool {
        let Some(timeline) = self.timeline() else { return false };
        let tells = |kind| {
            use Kind::{ArgocdDecision, CstIssuance, GatewayReceipt, ProofBundle};
            matches!(kind, CstIssuance | ArgocdDecision | GatewayReceipt | ProofBundle)
        };
        let is_missing = |seen: &Seen| seen.body.is_none() && tells(seen.entry.kind);
        coverage.absence != Absence::NotChecked && !timeline.prefix(timeline.size()).any(|(_, seen)| is_missing(seen))
    }
}
