//! The audit of one document: what the evidence says of its run and job, and
//! what is lacking.

use std::collections::BTreeSet;

use crate::artifact::json::Value;
use crate::audit::{self, Absence, Finding, Report as Audit, Scope, Seen, Shortfall, Subject, Timeline};
use crate::merkle::LeafIndex;
use crate::verify::judge::{Evidence, Judge};
use crate::verify::verification::{AuditPart, AuditStatus, CoveragePart, DocumentName};

/// The audit of one document under way.
pub(super) struct Auditing<'a> {
    pub judge: &'a Judge,
    pub name: &'a mut DocumentName,
    pub findings: BTreeSet<Finding>,
}

impl Auditing<'_> {
    pub(super) fn run(&mut self, payload: &Value, signed: bool) -> (AuditPart, CoveragePart) {
        self.findings.extend(audit::bundle_alone(payload, signed));
        let operator = self.judge.operator.as_ref();
        let mut coverage = CoveragePart::none(operator);
        let mut pending = Vec::new();
        if operator.is_none() {
            let detail = "no operator is pinned, so nobody's word about policy, token or approval counts";
            self.lacks(Shortfall::Operator, detail);
        }
        if matches!(self.judge.evidence, Evidence::Nothing) {
            let detail = "no policy, token, approval, decision or revocation is at hand";
            self.lacks(Shortfall::Evidence, detail);
        } else if let Some(report) = self.report() {
            coverage.as_of = Some(report.as_of);
            coverage.absence = report.absence;
            coverage.roots_digest = report.roots_digest;
            coverage.not_judged = report.coverage;
            pending = report.pending;
            self.findings.extend(report.findings);
        }
        coverage.entries = match &self.judge.evidence {
            Evidence::Reports(reports) => reports.entries,
            _ => self.judge.timeline().map_or(0, |timeline| timeline.prefix(timeline.size()).count() as u64),
        };
        self.expected_job();
        let worst = self.findings.iter().map(|finding| finding.effect).max();
        let status = match worst {
            Some(audit::Effect::Fails) => AuditStatus::Fail,
            Some(audit::Effect::Incomplete) => AuditStatus::Incomplete,
            _ if !pending.is_empty() || coverage.absence == Absence::NotChecked => AuditStatus::Incomplete,
            _ => AuditStatus::Pass,
        };
        let findings = std::mem::take(&mut self.findings).into_iter().collect();
        (AuditPart { status, findings, pending }, coverage)
    }

    /// What the evidence says of the run and its job.
    fn report(&mut self) -> Option<Audit> {
        let operator = self.judge.operator.as_ref()?;
        let (agent, run) = (self.name.agent.clone().unwrap_or_default(), self.name.run.clone().unwrap_or_default());
        let scope = Scope::Run { agent, run };
        let (is_logged, of_run, of_job) = match &self.judge.evidence {
            Evidence::Nothing => return None,
            Evidence::Reports(reports) => (reports.is_logged, reports.run.clone(), reports.job.clone()),
            Evidence::Log { log, audit } => {
                let of_run = audit.of(&scope);
                let of_job = job_of(&of_run).map(|job| audit.of(&Scope::Job(job)));
                (self.place(log.timeline()).is_some(), of_run, of_job)
            }
            Evidence::Packet(packet) => {
                let (timeline, size) = (&packet.timeline, self.judge.size());
                let first = audit::audit_at(timeline, size, Some(operator)).of(&scope);
                let full = job_of(&first).map(|job| (audit::audit_packet(timeline, size, &job, operator), job));
                let (of_run, of_job) = match full {
                    Some((full, job)) => (full.of(&scope), Some(full.of(&Scope::Job(job)))),
                    None => (first, None),
                };
                (self.place(timeline).is_some(), of_run, of_job)
            }
        };
        if !is_logged {
            self.lacks(Shortfall::Bundle, "no proven entry of the evidence is about these very bytes");
        }
        self.name.job = job_of(&of_run);
        match of_job {
            Some(of_job) => Some(joined(of_job, of_run)),
            None => {
                self.lacks(Shortfall::Run, "no issuance by a rooted issuer is joined to it");
                Some(of_run)
            }
        }
    }

    /// Where the log holds exactly this document.
    fn place(&self, timeline: &Timeline) -> Option<LeafIndex> {
        let mut entries = timeline.prefix(timeline.size());
        let is_it = |seen: &Seen| seen.entry.digest == self.name.digest && self.name.is_signed_by(&seen.entry);
        entries.find(|(_, seen)| is_it(seen)).map(|(at, _)| at)
    }

    fn expected_job(&mut self) {
        let Some(expected) = &self.judge.expect_job else { return };
        match &self.name.job {
            Some(job) if job == expected => {}
            Some(job) => {
                let detail = format!("the run belongs to job {job}, expected was {expected}");
                self.lacks(Shortfall::Job, detail);
            }
            None => self.lacks(Shortfall::Run, format!("so nothing shows that it belongs to job {expected}")),
        }
    }

    fn lacks(&mut self, what: Shortfall, detail: impl Into<String>) {
        let subject = Subject {
            agent: self.name.agent.clone(),
            run: self.name.run.clone(),
            job: self.name.job.clone(),
            ..Subject::default()
        };
        self.findings.insert(what.finding(&subject, detail));
    }
}

/// Job of a run's token.
fn job_of(of_run: &Audit) -> Option<String> {
    of_run.runs.first().and_then(|run| run.job.clone())
}

/// A job's report with what its run's adds.
fn joined(mut of_job: Audit, of_run: Audit) -> Audit {
    of_job.findings.extend(of_run.findings);
    of_job.pending.extend(of_run.pending);
    of_job.pending.sort();
    of_job.pending.dedup();
    let more: Vec<_> = of_run.coverage.into_iter().filter(|row| !of_job.coverage.contains(row)).collect();
    of_job.coverage.extend(more);
    of_job
}
