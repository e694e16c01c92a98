//! Both verdicts on a document: what the peer's verifier says of its bytes,
//! and what the log says of its run. One judge answers for many documents.
//!
//! ```text
//! document ─ protocol ────────────────────────────────┐
//!          └ agent, run ─ evidence ─ audit ─ coverage ─┴> Verification
//! ```

mod auditing;
mod beginning;
mod token;

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{self, DEPTH_MAX, Value};
use crate::artifact::{Artifact, Did, KeyCache};
use crate::audit::{self, Report as Audit, Timeline};
use crate::entry::SequencedEntry;
use crate::merkle::TreeSize;
use crate::protocol::{self, DocumentKind, verify_with};
use crate::verify::copy::WholeLog;
use crate::verify::packet::Packet;
use crate::verify::report::{Check, REPORT_VERSION};
use crate::verify::scoped_token::{KeySet, ScopedToken};
use crate::verify::verification::{Allowlists, AuditPart, AuditStatus, DocumentName, ProtocolPart, Verification};

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
    /// What somebody who holds the log found already.
    Reports(Box<Reports>),
}

/// What one log says at one size about the runs of one document.
#[derive(Debug)]
pub struct Reports {
    /// Gateways of the roots in force.
    pub gateways: Option<Vec<String>>,
    /// One for each of [`bundles_in`], in their order.
    pub bundles: Vec<BundleReports>,
    /// Entries that the reports rest on.
    pub entries: u64,
}

/// Reports about the run of one bundle.
#[derive(Debug)]
pub struct BundleReports {
    pub run: Audit,
    /// On the job of the run's token, when that is known.
    pub job: Option<Audit>,
    /// Whether the log holds exactly this bundle.
    pub is_logged: bool,
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
        let digest = ArtifactDigest::of(json::to_compact(unwrapped(document)).as_bytes());
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
        let mut name = DocumentName::of(document, kind);
        let mut checks = Vec::new();
        let (audit, coverage) = if self.protocol_only {
            let part = AuditPart { status: AuditStatus::NotAsked, findings: Vec::new(), pending: Vec::new() };
            (part, None)
        } else if kind == DocumentKind::CommitSignature {
            let part = AuditPart { status: AuditStatus::NotApplicable, findings: Vec::new(), pending: Vec::new() };
            (part, None)
        } else {
            let (part, coverage) = auditing::audited(self, document, &mut name, !verdict.bare);
            (part, Some(coverage))
        };
        if let Some(token) = &self.token {
            checks.extend(self.token_checks(token, document, &name));
        }
        match &self.evidence {
            Evidence::Packet(packet) => checks.extend(packet.checks.iter().cloned()),
            Evidence::Log { log, .. } => checks.push(log_check(log)),
            Evidence::Nothing | Evidence::Reports(_) => {}
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
        let gateways = match &self.evidence {
            Evidence::Reports(reports) => reports.gateways.clone(),
            _ => self.operator.as_ref().and_then(|operator| Some(gateways(self.timeline()?.roots_of(operator)?))),
        };
        let allowlists = if gateways.is_some() { Allowlists::Roots } else { Allowlists::None };
        options.gateway_signers = gateways;
        (options, allowlists)
    }

    fn timeline(&self) -> Option<&Timeline> {
        match &self.evidence {
            Evidence::Nothing | Evidence::Reports(_) => None,
            Evidence::Packet(packet) => Some(&packet.timeline),
            Evidence::Log { log, .. } => Some(log.timeline()),
        }
    }

    fn size(&self) -> TreeSize {
        match &self.evidence {
            Evidence::Nothing | Evidence::Reports(_) => TreeSize::ZERO,
            Evidence::Packet(packet) => packet.head.map_or(TreeSize::ZERO, |head| head.size),
            Evidence::Log { log, .. } => log.head().size,
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

/// The proof bundles of a document, as envelopes or as nobody signed them: the
/// document itself, the one inside an export, the members of an aggregate.
#[must_use]
pub fn bundles_in(document: &Value) -> Vec<&Value> {
    let document = unwrapped(document);
    let of_export = |export: &'_ Value| export.get("artifacts").is_some();
    if let Some(members) = document.at("payload.artifacts.member_bundles").and_then(Value::as_array) {
        return members.iter().flat_map(bundles_in).collect();
    }
    match document.at("artifacts.proof_bundle_envelope") {
        Some(bundle) => vec![bundle],
        None if of_export(document) => Vec::new(),
        None => vec![document],
    }
}

/// Without the wrapper that the peer's files may have around a document.
fn unwrapped(document: &Value) -> &Value {
    document.get("envelope").or_else(|| document.get("bundle")).unwrap_or(document)
}

fn payload_of(bundle: &Value) -> &Value {
    bundle.get("payload").unwrap_or(bundle)
}

/// DIDs of the gateways that roots list.
#[must_use]
pub fn gateways(roots: &Artifact) -> Vec<String> {
    let gateways = roots.payload().get("gateways").and_then(Value::as_array).unwrap_or_default();
    gateways.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What one bundle calls itself and its run: claims, until its evidence is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleName {
    pub digest: ArtifactDigest,
    pub bundle_id: Option<String>,
    pub agent: Option<String>,
    pub run: Option<String>,
}

impl BundleName {
    /// Whether an entry is the word of the agent that the bundle names: what
    /// somebody else signed in its name says nothing of its runs.
    #[must_use]
    pub fn is_signed_by(&self, entry: &SequencedEntry) -> bool {
        self.agent.is_some() && entry.signer.as_ref().map(Did::as_str) == self.agent.as_deref()
    }

    /// Of one of [`bundles_in`].
    #[must_use]
    pub fn of(bundle: &Value) -> BundleName {
        let payload = payload_of(bundle);
        let text = |name: &str| payload.text_at(name).map(str::to_owned);
        BundleName {
            digest: ArtifactDigest::of(json::to_compact(bundle).as_bytes()),
            bundle_id: text("bundle_id"),
            agent: text("agent_did"),
            run: audit::run_of_bundle(payload).map(str::to_owned),
        }
    }
}

impl DocumentName {
    /// Names bundle, agent and run where the document holds exactly one bundle.
    fn of(document: &Value, kind: DocumentKind) -> DocumentName {
        let bundles = if kind == DocumentKind::CommitSignature { Vec::new() } else { bundles_in(document) };
        let one = match bundles.as_slice() {
            [one] => Some(BundleName::of(one)),
            _ => None,
        };
        DocumentName {
            kind: kind.name(),
            digest: ArtifactDigest::of(json::to_compact(unwrapped(document)).as_bytes()),
            bundle_id: one.as_ref().and_then(|one| one.bundle_id.clone()),
            agent: one.as_ref().and_then(|one| one.agent.clone()),
            run: one.and_then(|one| one.run),
            job: None,
        }
    }
}
