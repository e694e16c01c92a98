//! Both verdicts on a document: what the peer's verifier says of its bytes,
//! and what the log says of its run. One judge answers for many documents.
//!
//! ```text
//! document ─ protocol ────────────────────────────────┐
//!          └ agent, run ─ evidence ─ audit ─ coverage ─┴> Verification
//! ```

use std::collections::BTreeSet;

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{self, DEPTH_MAX, Value};
use crate::artifact::{Did, KeyCache};
use crate::audit::{self, Absence, Finding, Report as Audit, Scope, Shortfall, Subject, Timeline};
use crate::merkle::{LeafIndex, TreeSize};
use crate::protocol::{self, DocumentKind, verify_with};
use crate::verify::copy::WholeLog;
use crate::verify::packet::Packet;
use crate::verify::report::{Check, REPORT_VERSION};
use crate::verify::scoped_token::{KeySet, ScopedToken};
use crate::verify::verification::{
    Allowlists, AuditPart, AuditStatus, CoveragePart, DocumentName, ProtocolPart, Verification,
};

/// What the reader holds beside the document.
#[derive(Debug)]
pub enum Evidence {
    Nothing,
    Packet(Box<Packet>),
    /// The whole log, audited once for all documents.
    Log {
        log: Box<WholeLog>,
        audit: Box<Audit>,
    },
}

/// How documents are to be judged.
#[derive(Debug)]
pub struct Judge {
    pub protocol: protocol::Options,
    /// Whether the lists in `protocol` come from a config file.
    pub has_config: bool,
    pub protocol_only: bool,
    /// Whom the reader pins.
    pub operator: Option<Did>,
    pub evidence: Evidence,
    /// The job that the reader expects.
    pub expect_job: Option<String>,
    pub token: Option<ScopedToken>,
    pub token_keys: Option<KeySet>,
    keys: KeyCache,
}

impl Judge {
    /// A judge with nothing but protocol options.
    #[must_use]
    pub fn new(protocol: protocol::Options) -> Judge {
        Judge {
            protocol,
            has_config: false,
            protocol_only: false,
            operator: None,
            evidence: Evidence::Nothing,
            expect_job: None,
            token: None,
            token_keys: None,
            keys: KeyCache::new(),
        }
    }

    /// Reads the whole log as evidence. Cost: one audit of all of it.
    #[must_use]
    pub fn with_log(mut self, log: WholeLog) -> Judge {
        let audit = audit::audit(log.timeline(), self.operator.as_ref());
        self.evidence = Evidence::Log { log: Box::new(log), audit: Box::new(audit) };
        self
    }

    /// The proof of a document that the packet brings.
    #[must_use]
    pub fn packed_proof(&self, document: &Value) -> Option<&[u8]> {
        let Evidence::Packet(packet) = &self.evidence else { return None };
        let digest = ArtifactDigest::of(json::to_compact(document).as_bytes());
        packet.proofs.get(&digest).map(Vec::as_slice)
    }

    /// Judges one document; `None` when the bytes are no document that carries
    /// a verdict: another artifact, or no JSON at all.
    #[must_use]
    pub fn document(&self, bytes: &[u8]) -> Option<Verification> {
        let value = json::parse(bytes, DEPTH_MAX).ok()?;
        let kind = DocumentKind::of(&value)?;
        Some(self.value(&value, kind))
    }

    /// Judges one parsed document.
    #[must_use]
    pub fn value(&self, document: &Value, kind: DocumentKind) -> Verification {
        let (options, allowlists) = self.options();
        let verdict = verify_with(document, kind, &options, &self.keys);
        let protocol = ProtocolPart::of(&verdict, allowlists, options.verification_time_ms);
        let payload = payload_of(document, kind);
        let digest = ArtifactDigest::of(json::to_compact(document).as_bytes());
        let mut name = name_of(payload, kind, digest);
        let mut checks = Vec::new();
        let (audit, coverage) = if self.protocol_only {
            let part = AuditPart { status: AuditStatus::NotAsked, findings: Vec::new(), pending: Vec::new() };
            (part, None)
        } else if kind == DocumentKind::CommitSignature {
            let part = AuditPart { status: AuditStatus::NotApplicable, findings: Vec::new(), pending: Vec::new() };
            (part, None)
        } else {
            let mut audit = Auditing { judge: self, name: &mut name, findings: BTreeSet::new() };
            let (part, coverage) = audit.run(payload, !verdict.bare);
            (part, Some(coverage))
        };
        if let Some(token) = &self.token {
            checks.extend(self.token_checks(token, payload, &name));
        }
        match &self.evidence {
            Evidence::Packet(packet) => checks.extend(packet.checks.iter().cloned()),
            Evidence::Log { log, .. } => checks.push(log_check(log)),
            Evidence::Nothing => {}
        }
        Verification {
            report_version: REPORT_VERSION,
            verdict: crate::verify::report::Outcome::Incomplete,
            subject: None,
            document: Some(name),
            protocol: Some(protocol),
            audit,
            coverage,
            checks,
        }
        .judged()
    }

    /// Protocol options, with the gateways of the pinned roots where no config
    /// file says otherwise.
    fn options(&self) -> (protocol::Options, Allowlists) {
        let mut options = self.protocol.clone();
        if self.has_config {
            return (options, Allowlists::Config);
        }
        let roots = self.operator.as_ref().and_then(|operator| self.timeline()?.roots_of(operator));
        let Some(roots) = roots else { return (options, Allowlists::None) };
        let gateways = roots.payload().get("gateways").and_then(Value::as_array).unwrap_or_default();
        options.gateway_signers = Some(gateways.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        (options, Allowlists::Roots)
    }

    fn timeline(&self) -> Option<&Timeline> {
        match &self.evidence {
            Evidence::Nothing => None,
            Evidence::Packet(packet) => Some(&packet.timeline),
            Evidence::Log { log, .. } => Some(log.timeline()),
        }
    }

    fn size(&self) -> TreeSize {
        match &self.evidence {
            Evidence::Nothing => TreeSize::ZERO,
            Evidence::Packet(packet) => packet.head.map_or(TreeSize::ZERO, |head| head.size),
            Evidence::Log { log, .. } => log.head().size,
        }
    }

    /// The token that was shown, beside the document and its issuance.
    fn token_checks(&self, token: &ScopedToken, payload: &Value, name: &DocumentName) -> Vec<Check> {
        let mut checks = Vec::new();
        checks.push(match &self.token_keys {
            None => Check::incomplete(
                "token",
                "token_keys_not_given",
                "no key set was given, so its signature is not checked",
            ),
            Some(keys) => match token.verify(keys) {
                Ok(()) => Check::pass("token", format!("signed by the issuer's key {}", token.kid)),
                Err(error) => Check::fail("token", error.code(), error.to_string()),
            },
        });
        let claim = |path| token.claims.text_at(path).unwrap_or_default();
        if payload.text_at("agent_did").is_some_and(|agent| agent != claim("sub")) {
            checks.push(Check::fail("token", "token_other_agent", "its subject is not the agent of the document"));
        }
        let expected = self.expect_job.as_deref().or(name.job.as_deref());
        if expected.is_some_and(|job| job != claim("mission_id")) {
            checks.push(Check::fail("token", "token_other_job", "it is bound to another job"));
        }
        let receipts = payload.get("receipts").and_then(Value::as_array).unwrap_or_default();
        let other = |receipt: &&Value| {
            let named = receipt.text_at("payload.binding.token_scope_hash_b64u");
            named.is_some_and(|named| named != claim("token_scope_hash_b64u"))
        };
        if receipts.iter().any(|receipt| other(&receipt)) {
            checks.push(Check::fail("token", "token_other_grant", "a receipt of the document names another grant"));
        }
        checks.push(self.issuance_check(token));
        checks
    }

    fn issuance_check(&self, token: &ScopedToken) -> Check {
        let issued = self.timeline().into_iter().flat_map(|timeline| timeline.prefix(timeline.size()));
        let mut issued = issued.filter(|(_, seen)| seen.entry.kind.name() == "cst_issuance");
        let found = issued.find_map(|(at, seen)| {
            let payload = seen.body.as_ref()?.payload();
            (payload.text_at("token_hash") == Some(token.hash.as_str())).then_some((at, payload))
        });
        match found {
            None => Check::incomplete("token", "token_not_issued_here", "the evidence holds no issuance of this token"),
            Some((at, payload)) => {
                let same = payload.get("claims").map(json::to_jcs) == Some(json::to_jcs(&token.claims));
                match same && payload.text_at("kid") == Some(token.kid.as_str()) {
                    true => Check::pass("token", format!("its claims are those of the issuance, entry {at}")),
                    false => {
                        Check::fail("token", "token_other_claims", format!("its claims are not those of entry {at}"))
                    }
                }
            }
        }
    }
}

fn log_check(log: &WholeLog) -> Check {
    let size = log.head().size;
    match log.bodies_missing {
        0 => Check::pass("log", format!("all {size} entries and bodies were read and lead to the signed root")),
        missing => {
            let detail = format!("all {size} entries lead to the signed root; {missing} bodies were not there");
            Check::pass("log", detail)
        }
    }
}

/// The payload of the proof bundle inside, or of the document itself.
fn payload_of(document: &Value, kind: DocumentKind) -> &Value {
    let inner = match kind {
        DocumentKind::ExportBundle => document.get("bundle").unwrap_or(document).at("artifacts.proof_bundle_envelope"),
        _ => Some(document.get("envelope").unwrap_or(document)),
    };
    let inner = inner.unwrap_or(document);
    inner.get("payload").unwrap_or(inner)
}

fn name_of(payload: &Value, kind: DocumentKind, digest: ArtifactDigest) -> DocumentName {
    let text = |name: &str| payload.text_at(name).map(str::to_owned);
    let events = payload.get("event_chain").and_then(Value::as_array).unwrap_or_default();
    let of_events = events.first().and_then(|event| event.text_at("run_id"));
    let receipts = payload.get("receipts").and_then(Value::as_array).unwrap_or_default();
    let of_receipts = || receipts.iter().find_map(|receipt| receipt.text_at("payload.binding.run_id"));
    DocumentName {
        kind: kind.name(),
        digest,
        bundle_id: text("bundle_id"),
        agent: text("agent_did"),
        run: of_events.or_else(of_receipts).map(str::to_owned),
        job: None,
    }
}

/// The audit of one document under way.
struct Auditing<'a> {
    judge: &'a Judge,
    name: &'a mut DocumentName,
    findings: BTreeSet<Finding>,
}

impl Auditing<'_> {
    fn run(&mut self, payload: &Value, signed: bool) -> (AuditPart, CoveragePart) {
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
        coverage.entries = self.judge.timeline().map_or(0, |timeline| timeline.prefix(timeline.size()).count() as u64);
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
        let timeline = self.judge.timeline()?;
        if self.place(timeline).is_none() {
            self.lacks(Shortfall::Bundle, "no proven entry of the evidence is about these very bytes");
        }
        let size = self.judge.size();
        let whole = match &self.judge.evidence {
            Evidence::Log { audit, .. } => Some(audit.as_ref().clone()),
            _ => None,
        };
        let (agent, run) = (self.name.agent.clone().unwrap_or_default(), self.name.run.clone().unwrap_or_default());
        let first = whole.unwrap_or_else(|| audit::audit_at(timeline, size, Some(operator)));
        self.name.job =
            first.runs.iter().find(|of| of.run.agent == agent && of.run.run == run).and_then(|r| r.job.clone());
        let run = Scope::Run { agent, run };
        let Some(job) = self.name.job.clone() else {
            self.lacks(Shortfall::Run, "no issuance by a rooted issuer is joined to it");
            return Some(first.of(&run));
        };
        let full = match &self.judge.evidence {
            Evidence::Packet(_) => audit::audit_packet(timeline, size, &job, operator),
            _ => first,
        };
        let (of_run, mut of_job) = (full.of(&run), full.of(&Scope::Job(job)));
        of_job.findings.extend(of_run.findings);
        of_job.pending.extend(of_run.pending);
        of_job.pending.sort();
        of_job.pending.dedup();
        let more: Vec<_> = of_run.coverage.into_iter().filter(|row| !of_job.coverage.contains(row)).collect();
        of_job.coverage.extend(more);
        Some(of_job)
    }

    /// Where the log holds exactly this document.
    fn place(&self, timeline: &Timeline) -> Option<LeafIndex> {
        let mut entries = timeline.prefix(timeline.size());
        entries.find(|(_, seen)| seen.entry.digest == self.name.digest).map(|(at, _)| at)
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
