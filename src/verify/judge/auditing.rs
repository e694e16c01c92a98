//! The audit of one document: what the evidence says of the run and job of each
//! bundle in it, and what is lacking.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{
    self, Absence, Coverage, EVIDENCE_WITHHELD, Finding, Matched, Pending, Report as Audit, Scope, Seen, Shortfall,
    Subject, Timeline,
};
use crate::merkle::LeafIndex;
use crate::protocol::{Bundle, Document};
use crate::verify::judge::{BundleName, Evidence, Judge, RunTokens, Word};
use crate::verify::verification::{AuditPart, AuditStatus, CoveragePart, DocumentName};

/// Audits every bundle of a document: the worst of them is the document's.
/// Fills in the job, when all are of one, and the tokens of their runs.
pub(super) fn audited(
    judge: &Judge,
    document: &Document<'_>,
    name: &mut DocumentName,
    word: Word,
    tokens: &mut RunTokens,
) -> (AuditPart, CoveragePart) {
    let bundles = document.bundles();
    let mut all = Auditing {
        judge,
        findings: BTreeSet::new(),
        pending: BTreeSet::new(),
        matched: BTreeSet::new(),
        coverage: CoveragePart::none(judge.operator.as_ref()),
        jobs: Vec::new(),
        tokens: Vec::new(),
    };
    all.coverage.entries = match &judge.evidence {
        Evidence::Reports(reports) => reports.entries,
        Evidence::Nothing | Evidence::Packet(_) | Evidence::Log { .. } => {
            judge.timeline().map_or(0, |timeline| timeline.prefix(timeline.size()).count() as u64)
        }
    };
    for (place, bundle) in bundles.iter().enumerate() {
        all.bundle(place, bundle, word);
    }
    for why in document.disagreements() {
        all.lacks(&Subject::default(), Shortfall::Document, why.as_str());
    }
    if bundles.is_empty() {
        all.lacks(&Subject::default(), Shortfall::Run, "the document holds no bundle to speak of");
    }
    all.jobs.dedup();
    if let [Some(job)] = all.jobs.as_slice() {
        name.job = Some(job.clone());
    }
    tokens.0 = std::mem::take(&mut all.tokens);
    all.finish()
}

/// The audit of one document under way.
struct Auditing<'a> {
    judge: &'a Judge,
    findings: BTreeSet<Finding>,
    pending: BTreeSet<Pending>,
    matched: BTreeSet<Matched>,
    coverage: CoveragePart,
    /// Of each bundle, in order.
    jobs: Vec<Option<String>>,
    tokens: Vec<BTreeSet<String>>,
}

impl Auditing<'_> {
    fn bundle(&mut self, place: usize, bundle: &Bundle<'_>, word: Word) {
        let name = BundleName::of(bundle);
        self.alone(bundle, word);
        let mut subject = Subject { agent: name.agent.clone(), run: name.run.clone(), ..Subject::default() };
        if self.judge.operator.is_none() {
            let detail = "no operator is pinned, so nobody's word about policy, token or approval counts";
            self.lacks(&subject, Shortfall::Operator, detail);
        }
        let (mut job, mut tokens) = (None, BTreeSet::new());
        if bundle.is_in_anothers_name() {
            // What the log says of an agent's run says nothing of what somebody else signed.
            let detail = "somebody else signed a bundle than the agent whose run it says it is of";
            self.lacks(&Subject::default(), Shortfall::Document, detail);
            subject = Subject::default();
        } else if matches!(self.judge.evidence, Evidence::Nothing) {
            let detail = "no policy, token, approval, decision or revocation is at hand";
            self.lacks(&subject, Shortfall::Evidence, detail);
        } else if let Some(found) = self.found(place, &name) {
            job = job_of(&found.run);
            // Without its first token, the others are only what it may have run under.
            let known = found.run.runs.first().filter(|run| run.token.is_some());
            tokens = known.map(|run| run.tokens.clone()).unwrap_or_default();
            subject.job.clone_from(&job);
            if !found.is_logged {
                let detail = "no proven entry of the evidence is about these very bytes";
                self.lacks(&subject, Shortfall::Bundle, detail);
            }
            // Whose job it is may be known without its token.
            if tokens.is_empty() || found.job.is_none() {
                self.lacks(&subject, Shortfall::Run, "no token of an issuer whom the roots name belongs to this run");
            }
            self.take(found.run, place == 0);
            found.job.into_iter().for_each(|report| self.take(of_document(report, &name), false));
        }
        self.expected_job(&subject);
        self.jobs.push(job);
        self.tokens.push(tokens);
    }

    /// What the bundle shows by itself. It is the agent's word against itself
    /// only where the agent's signature holds.
    fn alone(&mut self, bundle: &Bundle<'_>, word: Word) {
        let mut alone = audit::bundle_alone(bundle.payload(), word.has_envelope);
        if !word.is_kept || bundle.is_in_anothers_name() {
            alone.iter_mut().for_each(|finding| finding.subject = Subject::default());
        }
        self.findings.extend(alone);
    }

    /// What the evidence says of one bundle's run and its job.
    fn found(&self, place: usize, name: &BundleName) -> Option<Found> {
        let operator = self.judge.operator.as_ref()?;
        let (agent, run) = (name.agent.clone().unwrap_or_default(), name.run.clone().unwrap_or_default());
        let scope = Scope::Run { agent, run };
        Some(match &self.judge.evidence {
            Evidence::Nothing => return None,
            Evidence::Reports(reports) => {
                let of = reports.bundles.get(place)?;
                Found { is_logged: of.is_logged, run: of.run.clone(), job: of.job.clone() }
            }
            Evidence::Log { log, audit } => {
                let run = audit.of(&scope);
                let job = job_of(&run).map(|job| audit.of(&Scope::Job(job)));
                Found { is_logged: place_of(log.timeline(), name).is_some(), run, job }
            }
            Evidence::Packet(packet) => {
                let (timeline, size) = (&packet.timeline, self.judge.size());
                let is_logged = place_of(timeline, name).is_some();
                let first = audit::audit_at(timeline, size, Some(operator)).of(&scope);
                match job_of(&first) {
                    Some(job) => {
                        let full = audit::audit_packet(timeline, size, &job, operator);
                        Found { is_logged, run: full.of(&scope), job: Some(full.of(&Scope::Job(job))) }
                    }
                    None => Found { is_logged, run: first, job: None },
                }
            }
        })
    }

    /// Adds a report. What is not checked for one bundle is not for the document.
    fn take(&mut self, report: Audit, is_first: bool) {
        self.findings.extend(report.findings);
        self.pending.extend(report.pending);
        self.matched.extend(report.matched);
        let known = &mut self.coverage.not_judged;
        let more: Vec<_> = report.coverage.into_iter().filter(|row| !known.contains(row)).collect();
        known.extend(more);
        if is_first || report.absence == Absence::NotChecked {
            self.coverage.absence = report.absence;
            self.coverage.as_of = Some(report.as_of);
            self.coverage.roots_digest = report.roots_digest;
        }
    }

    fn expected_job(&mut self, subject: &Subject) {
        let Some(expected) = &self.judge.expect_job else { return };
        match &subject.job {
            Some(job) if job == expected => {}
            Some(job) => {
                let detail = format!("the run belongs to job {job}, expected was {expected}");
                let mut finding = Shortfall::Job.finding(subject, detail);
                // What is missing may say that the run is the expected job's.
                if !self.is_all_read() {
                    finding.effect = audit::Effect::Incomplete;
                }
                self.findings.insert(finding);
            }
            None => self.lacks(subject, Shortfall::Run, format!("so nothing shows that it belongs to job {expected}")),
        }
    }

    /// Whether nothing is missing that could join the run to another job.
    fn is_all_read(&self) -> bool {
        let withheld = self.findings.iter().any(|finding| finding.rule == &EVIDENCE_WITHHELD);
        self.coverage.absence != Absence::NotChecked && !withheld
    }

    fn lacks(&mut self, subject: &Subject, what: Shortfall, detail: impl Into<String>) {
        self.findings.insert(what.finding(subject, detail));
    }

    fn finish(self) -> (AuditPart, CoveragePart) {
        let worst = self.findings.iter().map(|finding| finding.effect).max();
        let status = match worst {
            Some(audit::Effect::Fails) => AuditStatus::Fail,
            Some(audit::Effect::Incomplete) => AuditStatus::Incomplete,
            _ if !self.pending.is_empty() || self.coverage.absence == Absence::NotChecked => AuditStatus::Incomplete,
            _ => AuditStatus::Pass,
        };
        let mut findings: Vec<_> = self.findings.into_iter().collect();
        if let Evidence::Packet(packet) = &self.judge.evidence {
            packet.name_files(&mut findings);
        }
        let pending = self.pending.into_iter().collect();
        (AuditPart { status, findings, pending, matched: self.matched.into_iter().collect() }, self.coverage)
    }
}

/// What the evidence says of one bundle.
struct Found {
    is_logged: bool,
    run: Audit,
    job: Option<Audit>,
}

/// Where the log holds exactly this bundle.
fn place_of(timeline: &Timeline, name: &BundleName) -> Option<LeafIndex> {
    let mut entries = timeline.prefix(timeline.size());
    let is_it = |seen: &Seen| seen.entry.digest == name.digest && name.is_signed_by(&seen.entry);
    entries.find(|(_, seen)| is_it(seen)).map(|(at, _)| at)
}

/// What a job's report says of one run of it, of its agent, or of nobody in
/// particular: what the audit of the run asks, and what the whole job owes. What
/// another agent or another run did is no word about this one's document: it
/// stands beside it, named and not judged, or any of a job's agents could spoil
/// what the others signed.
fn of_document(mut report: Audit, name: &BundleName) -> Audit {
    let is_same_agent = |subject: &Subject| subject.may_concern(name.agent.as_deref());
    let is_own = |subject: &Subject| {
        is_same_agent(subject) && (subject.run.is_none() || subject.run.as_deref() == name.run.as_deref())
    };
    let mut beside: BTreeMap<(&'static str, Subject), BTreeSet<LeafIndex>> = BTreeMap::new();
    let found = report.findings.iter().filter_map(|finding| {
        let (of_agent, of_run) = match finding.effect {
            audit::Effect::Fails => (ELSEWHERE.failed, ELSEWHERE.run_failed),
            audit::Effect::Incomplete => (ELSEWHERE.open, ELSEWHERE.run_open),
            // It moves no verdict, here or there.
            audit::Effect::Shown => return None,
        };
        Some((of_agent, of_run, &finding.subject, &finding.entries))
    });
    let awaited = report.pending.iter();
    let awaited = awaited.map(|pending| (ELSEWHERE.owes, ELSEWHERE.run_owes, &pending.subject, &pending.entries));
    for (of_agent, of_run, subject, entries) in found.chain(awaited).filter(|(.., subject, _)| !is_own(subject)) {
        let what = if is_same_agent(subject) { of_run } else { of_agent };
        beside.entry((what, subject.clone())).or_default().extend(entries);
    }
    report.findings.retain(|finding| is_own(&finding.subject));
    report.pending.retain(|pending| is_own(&pending.subject));
    let row = |((what, subject), entries): ((&'static str, Subject), BTreeSet<_>)| Coverage {
        what,
        entries: entries.into_iter().collect(),
        subject,
    };
    report.coverage.extend(beside.into_iter().map(row));
    report
}

/// What stands beside a document, in words: of another agent of its job, and of
/// another run that may be its own agent's.
struct Elsewhere {
    failed: &'static str,
    open: &'static str,
    owes: &'static str,
    run_failed: &'static str,
    run_open: &'static str,
    run_owes: &'static str,
}

const ELSEWHERE: Elsewhere = Elsewhere {
    failed: "another agent of the job is found at fault: ask the audit of the job",
    open: "what another agent of the job did is left open: ask the audit of the job",
    owes: "another agent of the job owes something: ask the audit of the job",
    run_failed: "another run of the job is found at fault: ask the audit of the job",
    run_open: "another run of the job is left open: ask the audit of the job",
    run_owes: "another run of the job owes something: ask the audit of the job",
};

/// Job of a run's token.
fn job_of(of_run: &Audit) -> Option<String> {
    of_run.runs.first().and_then(|run| run.job.clone())
}
