//! What a packet is a packet of (JUDGING 12.2): the jobs that statements of the
//! pinned operator in it attest. Each is judged by the evidence that was read
//! and proven; which files it lies in, and how they are called, changes nothing.

use std::collections::BTreeSet;

use crate::artifact::{Artifact, Kind, ProofBundle, View};
use crate::audit::{self, Absence, Effect, Report as Audit, Scope, Shortfall, Subject, Verdict};
use crate::merkle::LeafIndex;
use crate::protocol::{Bundle, Document};
use crate::verify::judge::{BundleName, Evidence, Judge};
use crate::verify::packet::Packet;
use crate::verify::report::{Outcome, REPORT_VERSION};
use crate::verify::verification::{AuditPart, AuditStatus, CoveragePart, Verification};

/// One job that a packet is of.
#[derive(Debug)]
pub struct PackedJob {
    pub job: String,
    pub verification: Verification,
    /// Of everything that the packet holds.
    audit: Audit,
}

/// Every job that a packet is of.
#[derive(Debug, Default)]
pub struct PackedJobs(Vec<PackedJob>);

impl Judge {
    /// Judges every job that the packet is of; none where the evidence is no
    /// packet, nobody is pinned or nothing is attested. Cost: an audit a job.
    #[must_use]
    pub fn packed_jobs(&self) -> PackedJobs {
        let (Evidence::Packet(packet), Some(operator)) = (&self.evidence, &self.operator) else {
            return PackedJobs::default();
        };
        let jobs = audit::attested_jobs(&packet.timeline, self.size(), operator).into_iter();
        let judged = jobs.map(|job| {
            let audit = audit::audit_packet(&packet.timeline, self.size(), &job, operator);
            let verification = self.of_job(packet, &job, audit.of(&Scope::Job(job.clone())));
            PackedJob { verification, job, audit }
        });
        PackedJobs(judged.collect())
    }

    /// The bundles that the packet proves, each with its place.
    pub fn packed_bundles(&self) -> impl Iterator<Item = (LeafIndex, &Artifact<'static>)> {
        let timeline = match &self.evidence {
            Evidence::Packet(packet) => Some(&packet.timeline),
            Evidence::Nothing | Evidence::Log { .. } | Evidence::Reports(_) => None,
        };
        let seen = timeline.into_iter().flat_map(|timeline| timeline.prefix(timeline.size()));
        let bodies = seen.filter_map(|(at, seen)| Some((at, seen.body.as_ref()?)));
        bodies.filter(|(_, body)| body.kind() == Kind::ProofBundle)
    }

    fn of_job(&self, packet: &Packet, job: &str, audit: Audit) -> Verification {
        let subject = Subject { job: Some(job.to_owned()), ..Subject::default() };
        let mut findings = audit.findings;
        if audit.verdict == Verdict::NotApplicable {
            findings.push(Shortfall::Run.finding(&subject, "nothing that is here is of this job"));
        }
        if let Some(expected) = self.expect_job.as_ref().filter(|expected| *expected != job) {
            let detail = format!("the packet is of job {job}, expected was {expected}");
            let mut finding = Shortfall::Job.finding(&subject, detail);
            if audit.absence == Absence::NotChecked {
                finding.effect = Effect::Incomplete;
            }
            findings.push(finding);
        }
        let status = match (AuditStatus::from(audit.verdict), findings.iter().map(|finding| finding.effect).max()) {
            (_, Some(Effect::Fails)) => AuditStatus::Fail,
            (AuditStatus::Pass, Some(Effect::Incomplete)) | (AuditStatus::NotApplicable, _) => AuditStatus::Incomplete,
            (status, _) => status,
        };
        let coverage = CoveragePart {
            roots_digest: audit.roots_digest,
            as_of: Some(audit.as_of),
            absence: audit.absence,
            entries: packet.timeline.prefix(packet.timeline.size()).count() as u64,
            not_judged: audit.coverage,
            ..CoveragePart::none(self.operator.as_ref())
        };
        packet.name_files(&mut findings);
        let audit = AuditPart { status, findings, pending: audit.pending, matched: audit.matched };
        let known = self.known_check(&coverage);
        Verification {
            report_version: REPORT_VERSION,
            verdict: Outcome::Incomplete,
            subject: None,
            document: None,
            protocol: None,
            audit,
            coverage: Some(coverage),
            checks: known.into_iter().chain(self.evidence_checks()).collect(),
        }
        .judged()
    }
}

impl PackedJobs {
    pub fn iter(&self) -> impl Iterator<Item = &PackedJob> {
        self.0.iter()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a document is evidence only: the packet is of some job, a statement
    /// that makes it whole lists every bundle of the document, and none of them is
    /// of such a job. What no statement lists is nobody's evidence.
    #[must_use]
    pub fn are_others(&self, judge: &Judge, document: &Document<'_>) -> bool {
        let Evidence::Packet(packet) = &judge.evidence else { return false };
        let listed: BTreeSet<LeafIndex> = self.0.iter().flat_map(|of| listed(packet, &of.audit)).collect();
        let is_listed = |bundle: &Bundle<'_>| {
            let name = BundleName::of(bundle);
            listed.iter().filter_map(|at| packet.timeline.get(*at)).any(|seen| seen.entry.digest == name.digest)
        };
        let may_be_of = |bundle: &Bundle<'_>| {
            // What somebody else signed in an agent's name is no word of that agent.
            let agent = bundle.agent().filter(|_| !bundle.is_in_anothers_name());
            let says = ProofBundle::of(bundle.payload());
            agent.is_some_and(|agent| self.0.iter().any(|of| of.audit.may_be_of(&of.job, agent, says)))
        };
        let bundles = document.bundles();
        !self.is_empty() && !bundles.is_empty() && bundles.iter().all(|bundle| is_listed(bundle) && !may_be_of(bundle))
    }
}

/// What the statement lists that a job's audit rests on.
fn listed(packet: &Packet, audit: &Audit) -> BTreeSet<LeafIndex> {
    let Absence::Attested { entry } = audit.absence else { return BTreeSet::new() };
    packet.timeline.get(entry).and_then(|seen| seen.body.as_ref()).map(audit::listed_by).unwrap_or_default()
}
