//! Both verdicts on a document: what the peer's verifier says of its bytes,
//! and what the log says of its run. One judge answers for many documents.
//!
//! ```text
//! document ─ protocol ────────────────────────────────┐
//!          └ agent, run ─ evidence ─ audit ─ coverage ─┴> Verification
//! ```

mod auditing;
mod beginning;
mod known;
mod lacking;
mod packed;
mod token;

use std::collections::BTreeSet;

pub use self::known::Known;
pub use self::packed::{PackedJob, PackedJobs};
use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{self, DEPTH_MAX, Value};
use crate::artifact::{Did, KeyCache, ProofBundle, View};
use crate::audit::{self, Absence, Report as Audit, Timeline};
use crate::codes::verdict;
use crate::entry::SequencedEntry;
use crate::merkle::TreeSize;
use crate::protocol::{self, Bundle, Document, DocumentKind, verify_with};
use crate::verify::body::Shown;
use crate::verify::packet::{PackedProof, Packet};
use crate::verify::report::{Check, Outcome, REPORT_VERSION, Report};
use crate::verify::scoped_token::{KeySet, ScopedToken};
use crate::verify::verification::{
    Allowlists, AuditPart, AuditStatus, CoveragePart, DocumentName, ProtocolPart, Verification,
};
use crate::verify::whole_log::WholeLog;
use crate::verify::{Options, prove_shown};

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
    /// One for each of [`Document::bundles`], in their order.
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
    /// What the reader knows the log to have been.
    pub known: Option<Known>,
    keys: KeyCache,
}

impl Judge {
    /// A judge with nothing but protocol options.
    #[must_use]
    pub fn new(protocol: protocol::Options) -> Self {
        Self {
            protocol,
            has_config: false,
            protocol_only: false,
            operator: None,
            evidence: Evidence::Nothing,
            expect_job: None,
            token: None,
            token_keys: None,
            known: None,
            keys: KeyCache::new().of_one_reading(),
        }
    }

    /// Checks signatures with these keys, which may remember some.
    #[must_use]
    pub fn with_keys(mut self, keys: KeyCache) -> Self {
        self.keys = keys;
        self
    }

    /// Reads the whole log as evidence. Cost: one audit of all of it.
    #[must_use]
    pub fn with_log(mut self, log: WholeLog) -> Self {
        let audit = audit::audit(log.timeline(), self.operator.as_ref());
        self.evidence = Evidence::Log { log: Box::new(log), audit: Box::new(audit) };
        self
    }

    /// Keys, and the signatures that were checked with them: those that the
    /// evidence was read with, so that none is checked twice.
    #[must_use]
    pub fn keys(&self) -> &KeyCache {
        match &self.evidence {
            Evidence::Packet(packet) => &packet.keys,
            Evidence::Log { log, .. } => &log.keys,
            Evidence::Nothing | Evidence::Reports(_) => &self.keys,
        }
    }

    /// [`artifact`](crate::verify::artifact) of a value that was parsed already:
    /// the document's one bundle, or another artifact.
    #[must_use]
    pub fn prove(&self, shown: &Value, proof: &[u8], policy: &[u8], options: &Options<'_>) -> Report {
        let beside = match &self.evidence {
            Evidence::Packet(packet) => Some(packet.as_ref()),
            Evidence::Nothing | Evidence::Log { .. } | Evidence::Reports(_) => None,
        };
        let options = Options { keys: Some(self.keys()), ..*options };
        prove_shown(Some(Shown::Parsed(shown, beside)), proof, policy, &options)
    }

    /// The proof of an artifact that the packet brings.
    #[must_use]
    pub fn proof_of(&self, artifact: &Value) -> Option<Vec<u8>> {
        let Evidence::Packet(packet) = &self.evidence else { return None };
        let compact = json::to_compact(artifact);
        packet.proofs.get(&ArtifactDigest::of(compact.as_bytes())).map(PackedProof::bytes)
    }

    /// Judges one file; `None` when the bytes are no document that carries a
    /// verdict: another artifact, or no JSON at all.
    #[must_use]
    pub fn document(&self, bytes: &[u8]) -> Option<Verification> {
        let file = json::parse(bytes, DEPTH_MAX).ok()?;
        Some(self.judge(&Document::of(&file)?))
    }

    /// Judges one document. Everything that is said speaks of it, its bundles
    /// and their signers, or the answer is incomplete.
    #[must_use]
    pub fn judge(&self, document: &Document<'_>) -> Verification {
        let (options, mut allowlists) = self.options();
        let mut verdict = verify_with(document, &options, self.keys());
        // What the roots at hand do not list others may, that are not.
        let unlisted = (allowlists == Allowlists::Roots && verdict.is_refused() && self.may_lack_roots()).then(|| {
            let unlisted = protocol::Options { gateway_signers: None, ..options.clone() };
            verify_with(document, &unlisted, self.keys())
        });
        if let Some(unlisted) = unlisted.filter(|unlisted| !unlisted.is_refused()) {
            (verdict, allowlists) = (unlisted, Allowlists::None);
        }
        let protocol = ProtocolPart::of(&verdict, allowlists, options.verification_time_ms);
        let mut name = DocumentName::of(document);
        let unjudged = |status| (AuditPart::unjudged(status), None);
        let mut tokens = RunTokens::default();
        let (audit, coverage) = if self.protocol_only {
            unjudged(AuditStatus::NotAsked)
        } else if document.kind() == DocumentKind::CommitSignature {
            unjudged(AuditStatus::NotApplicable)
        } else {
            let word = Word { has_envelope: !verdict.bare, is_kept: !verdict.is_refused() };
            let (part, coverage) = auditing::audited(self, document, &mut name, word, &mut tokens);
            (part, Some(coverage))
        };
        let mut checks = self.file_checks(document);
        if let Some(token) = &self.token {
            let is_whole = coverage.as_ref().is_some_and(|coverage| self.lacks_no_word_of_tokens(coverage));
            checks.extend(self.token_checks(token, document, &name, &tokens, is_whole));
        }
        checks.extend(coverage.as_ref().and_then(|coverage| self.known_check(coverage)));
        checks.extend(self.evidence_checks());
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

    /// An artifact that carries no verdict of its own, by its proof. What was
    /// given to be compared with a run is compared with nothing, and says so.
    #[must_use]
    pub fn proven(&self, report: Report) -> Verification {
        let no_run =
            |name, code, what| Check::incomplete(name, code, format!("{what}: this artifact is of no one run"));
        let token =
            self.token.as_ref().map(|_| no_run("token", &verdict::TOKEN_NOT_COMPARED, "the token was not looked at"));
        let job = self.expect_job.as_ref();
        let job = job.map(|_| no_run("job", &verdict::JOB_NOT_COMPARED, "the expected job was not looked at"));
        // A tree that is proven reaches as far as what was read beside it.
        let proven = report.subject.as_ref().map_or(0, |subject| subject.tree_size);
        let size = self.known.as_ref().map(|known| known.reached(proven.max(self.size().get())));
        let checks = token.into_iter().chain(job).chain(size).chain(self.evidence_checks());
        checks.fold(Verification::of_proof(report), Verification::with_check)
    }

    /// Whether the verdict is about as much of the log as the reader knows of.
    /// A statement of the operator is read itself, above what it attests.
    fn known_check(&self, coverage: &CoveragePart) -> Option<Check> {
        let known = self.known.as_ref()?;
        let judged = coverage.as_of.map_or(0, |as_of| as_of.size.get());
        let reach = match coverage.absence {
            Absence::Attested { entry } if entry.get() == judged => judged + 1,
            Absence::Attested { .. } | Absence::Recomputed | Absence::NotChecked => judged,
        };
        Some(known.reached(reach))
    }

    /// Where no audit says it: the file carries more than its document.
    fn file_checks(&self, document: &Document<'_>) -> Vec<Check> {
        let is_audited = !self.protocol_only && document.kind() != DocumentKind::CommitSignature;
        let disagreements = document.disagreements().iter().filter(|_| !is_audited);
        disagreements.map(|why| Check::disagreement(why)).collect()
    }

    /// What is to be said of the evidence itself.
    #[must_use]
    pub fn evidence_report(&self) -> Report {
        let checks = self.evidence_checks();
        let mut worst = [Outcome::Fail, Outcome::Incomplete].into_iter();
        let verdict = worst.find(|outcome| checks.iter().any(|check| check.outcome == *outcome));
        let verdict = verdict.unwrap_or(Outcome::Pass);
        Report { report_version: REPORT_VERSION, verdict, subject: None, checks }
    }

    /// What is to be said of the evidence itself.
    #[must_use]
    pub fn evidence_checks(&self) -> Vec<Check> {
        let mut checks = match &self.evidence {
            Evidence::Packet(packet) => packet.checks.clone(),
            Evidence::Log { log, .. } => vec![log_check(log)],
            Evidence::Nothing | Evidence::Reports(_) => Vec::new(),
        };
        checks.extend(self.kept_check());
        checks
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
            Evidence::Nothing | Evidence::Packet(_) | Evidence::Log { .. } => {
                self.operator.as_ref().and_then(|operator| audit::gateways(self.timeline()?.all_roots_of(operator)))
            }
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

/// What one bundle calls itself and its run: claims, until its evidence is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleName {
    pub digest: ArtifactDigest,
    pub bundle_id: Option<String>,
    pub agent: Option<String>,
    /// Who is said to have signed it.
    pub signer: Option<String>,
    pub run: Option<String>,
}

/// How far a document's own word reaches.
#[derive(Clone, Copy, Debug)]
struct Word {
    /// It came in an envelope.
    has_envelope: bool,
    /// The peer's rules accept it, signatures and all.
    is_kept: bool,
}

/// Hex hashes of the tokens of each bundle's run, renewals among them; none
/// where the evidence does not show which it had.
#[derive(Debug, Default)]
struct RunTokens(Vec<BTreeSet<String>>);

impl BundleName {
    /// Whether an entry is the word of the agent that the bundle names: what
    /// somebody else signed in its name says nothing of its runs.
    #[must_use]
    pub fn is_signed_by(&self, entry: &SequencedEntry) -> bool {
        self.agent.is_some() && entry.signer.as_ref().map(Did::as_str) == self.agent.as_deref()
    }

    /// Of one bundle of a document.
    #[must_use]
    pub fn of(bundle: &Bundle<'_>) -> Self {
        let says = ProofBundle::of(bundle.payload());
        Self {
            digest: ArtifactDigest::of(json::to_compact(bundle.value()).as_bytes()),
            bundle_id: says.id().map(str::to_owned),
            agent: bundle.agent().map(str::to_owned),
            signer: bundle.signer().map(str::to_owned),
            run: says.run().map(str::to_owned),
        }
    }
}

impl DocumentName {
    /// Names bundle, signer, agent and run where the document holds exactly one
    /// bundle.
    fn of(document: &Document<'_>) -> Self {
        let one = document.subject().map(BundleName::of);
        let text = |pick: fn(&BundleName) -> &Option<String>| one.as_ref().and_then(|one| pick(one).clone());
        Self {
            kind: document.kind().name(),
            digest: ArtifactDigest::of(json::to_compact(document.value()).as_bytes()),
            bundle_id: text(|one| &one.bundle_id),
            signer: text(|one| &one.signer),
            agent: text(|one| &one.agent),
            run: text(|one| &one.run),
            job: None,
        }
    }
}
