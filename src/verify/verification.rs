//! The whole answer about one document: both verdicts, how far they reach, and
//! every check (JUDGING 11). One shape for command line, API and pages.
//!
//! ```text
//! INCOMPLETE  proof_bundle bundle-1 of run run-1
//!
//!   protocol   pass          proof gateway, trust verified, model closed_opaque; gateways from the roots
//!   audit      incomplete    1 finding
//!   coverage   absence not checked; as of size 24, 2026-11-22 12:41:07 UTC
//! ```

mod text;

use std::fmt::Display;

use schemars::JsonSchema;
use serde::Serialize;

use crate::artifact::Did;
use crate::artifact::digest::ArtifactDigest;
use crate::audit::{self, Absence, AsOf, Coverage, DOCUMENTS_DISAGREE, Finding, Matched, Pending, RULES_VERSION};
use crate::codes::{Code, verdict};
use crate::protocol;
use crate::shapes::{self, UnixMs};
use crate::trust::TrustError;
use crate::verify::report::{Check, Outcome, REPORT_VERSION, Reason, Report, Subject, advice_of};

pub use self::text::audit_text;

/// What was verified, as it names itself. Untrusted text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Document")]
pub struct DocumentName {
    /// What it is.
    #[schemars(extend("enum" = protocol::DocumentKind::ALL.map(protocol::DocumentKind::name)))]
    pub kind: &'static str,
    /// SHA-256 of the compact form.
    pub digest: ArtifactDigest,
    /// As the bundle says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<String>,
    /// Who is said to have signed the bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Whose run it says it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Run of its event chain, as the bundle says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Of the run's token, when the evidence shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// Whose gateways and attesters count in the protocol verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Allowlists {
    Config,
    Roots,
    None,
}

/// What the peer's verifier says.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ProtocolVerdict")]
pub struct ProtocolPart {
    /// What the peer's verifier would answer.
    #[schemars(with = "String", extend("enum" = ["pass", "pass_except_not_checked", "fail"]))]
    pub status: protocol::Status,
    /// `OK`, or why it failed.
    pub reason_code: &'static str,
    /// Where it failed.
    pub field: Option<String>,
    /// Where the evidence comes from.
    #[schemars(with = "Option<String>")]
    pub proof_tier: Option<protocol::ProofTier>,
    /// How much of the bundle verified.
    #[schemars(with = "Option<String>")]
    pub trust_tier: Option<protocol::TrustTier>,
    /// What is known about the model.
    #[schemars(with = "Option<String>")]
    pub model_identity_tier: Option<protocol::ModelIdentityTier>,
    /// Remarks that fail nothing.
    pub risk_flags: Vec<&'static str>,
    /// Blocks that are present and not judged.
    pub not_checked: Vec<&'static str>,
    /// Lists of trusted signers whose absence is all that the peer refuses it
    /// for. Status and code are the peer's; for us it is not checked.
    #[schemars(extend("items" = { "enum": protocol::list_names() }))]
    pub lacks: Vec<&'static str>,
    /// Signed by nobody.
    pub bare: bool,
    /// Whose gateways and attesters count.
    pub allowlists: Allowlists,
    /// The time that expiry was judged at.
    #[schemars(with = "UnixMs")]
    pub verification_time: i64,
}

/// How the audit of a document ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AuditStatus {
    Pass,
    Fail,
    Incomplete,
    NotApplicable,
    /// The reader asked for the protocol verdict alone.
    NotAsked,
}

impl AuditStatus {
    /// As JSON spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Incomplete => "incomplete",
            Self::NotApplicable => "not_applicable",
            Self::NotAsked => "not_asked",
        }
    }
}

impl From<audit::Verdict> for AuditStatus {
    fn from(verdict: audit::Verdict) -> Self {
        match verdict {
            audit::Verdict::Pass => Self::Pass,
            audit::Verdict::Fail => Self::Fail,
            audit::Verdict::Incomplete => Self::Incomplete,
            audit::Verdict::NotApplicable => Self::NotApplicable,
        }
    }
}

/// Ours.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AuditVerdict")]
pub struct AuditPart {
    /// What the log says of the run.
    pub status: AuditStatus,
    /// Sorted by entries, then code.
    pub findings: Vec<Finding>,
    /// Obligations whose window is open.
    pub pending: Vec<Pending>,
    /// Calls with their operations: what is of one act. No answer shows it.
    #[serde(skip)]
    pub(crate) matched: Vec<Matched>,
}

impl AuditPart {
    /// Of what was not judged.
    pub(crate) const fn unjudged(status: AuditStatus) -> Self {
        Self { status, findings: Vec::new(), pending: Vec::new(), matched: Vec::new() }
    }
}

/// How far the audit reaches. No verdict reaches further.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "VerdictCoverage")]
pub struct CoveragePart {
    /// Version of the rules.
    pub rules_version: &'static str,
    /// DID whose roots count: whom the reader pinned.
    pub operator: Option<String>,
    /// Digest of the newest roots in force.
    pub roots_digest: Option<ArtifactDigest>,
    /// The prefix that was audited.
    pub as_of: Option<AsOf>,
    /// How it was checked that nothing else stands in the log.
    pub absence: Absence,
    /// Entries that were read.
    pub entries: u64,
    /// What was seen and not judged.
    pub not_judged: Vec<Coverage>,
}

impl CoveragePart {
    /// Whether the checkpoint proves entries that nothing here speaks of. The
    /// operator's statement about the size judged, right above it, was read.
    #[must_use]
    pub fn leaves_out(&self) -> bool {
        let beyond = self.as_of.map_or(0, |as_of| as_of.beyond);
        let own = match (self.absence, self.as_of) {
            (Absence::Attested { entry }, Some(as_of)) => u64::from(entry.get() == as_of.size.get()),
            _ => 0,
        };
        beyond > own
    }

    pub(super) fn none(operator: Option<&Did>) -> Self {
        Self {
            rules_version: RULES_VERSION,
            operator: operator.map(ToString::to_string),
            roots_digest: None,
            as_of: None,
            absence: Absence::NotChecked,
            entries: 0,
            not_judged: Vec::new(),
        }
    }
}

/// Everything that is said of one document.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Verification {
    /// Version of this shape.
    #[schemars(extend("const" = REPORT_VERSION))]
    pub report_version: &'static str,
    /// The worst of both verdicts and of the checks.
    pub verdict: Outcome,
    /// The document's entry, when it is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Absent for artifacts that carry no verdict of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentName>,
    /// What the peer's verifier says of these bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ProtocolPart>,
    /// What the log says of the run.
    pub audit: AuditPart,
    /// How far the audit reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoveragePart>,
    /// Proof, evidence and token, in the order in which they were looked at.
    pub checks: Vec<Check>,
}

/// One of many, as the command line writes it.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "read by nobody: its fields describe what is written")]
struct OneOfMany {
    #[schemars(flatten)]
    verification: Verification,
    /// File or line that the document came from, where many were verified.
    #[schemars(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// The job that it is the verdict on, where a packet is of one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    job: Option<String>,
}

/// `schemas/verification.schema.json`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let title = "Verification: both verdicts on a document, how far they reach, and every check";
    shapes::file::<OneOfMany>("verification", title)
}

impl Verification {
    /// A proof alone: the artifact carries no verdict of its own.
    #[must_use]
    pub fn of_proof(report: Report) -> Self {
        let audit = AuditPart::unjudged(AuditStatus::NotApplicable);
        Self {
            report_version: REPORT_VERSION,
            verdict: report.verdict,
            subject: report.subject,
            document: None,
            protocol: None,
            audit,
            coverage: None,
            checks: report.checks,
        }
    }

    /// The same with the checks of the document's own proof, which come first.
    #[must_use]
    pub fn with_proof(mut self, report: Report) -> Self {
        self.subject = report.subject;
        self.checks.splice(0..0, report.checks);
        self.judged()
    }

    /// The same with one more check.
    #[must_use]
    pub fn with_check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self.judged()
    }

    /// Fills in the verdict: fail if either fails, else incomplete if either is
    /// or anything was not shown.
    pub(super) fn judged(mut self) -> Self {
        let protocol = self.protocol.as_ref().map_or(Outcome::Pass, ProtocolPart::outcome);
        let audit = match self.audit.status {
            AuditStatus::Fail => Outcome::Fail,
            AuditStatus::Incomplete => Outcome::Incomplete,
            AuditStatus::Pass | AuditStatus::NotApplicable | AuditStatus::NotAsked => Outcome::Pass,
        };
        let checks = self.checks.iter().map(|check| check.outcome);
        let all: Vec<_> = checks.chain([protocol, audit]).collect();
        self.verdict = if all.contains(&Outcome::Fail) {
            Outcome::Fail
        } else if all.iter().any(|outcome| *outcome != Outcome::Pass) {
            Outcome::Incomplete
        } else {
            Outcome::Pass
        };
        self
    }

    /// 0 pass, 1 fail, 3 incomplete.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.verdict.exit_code()
    }
}

impl ProtocolPart {
    /// What the peer's answer means for a reader: a list that was not given
    /// leaves it open, whatever else is refused fails.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.status {
            protocol::Status::Pass => Outcome::Pass,
            protocol::Status::PassExceptNotChecked => Outcome::Incomplete,
            protocol::Status::Fail if self.lacks.is_empty() => Outcome::Fail,
            protocol::Status::Fail => Outcome::NotChecked,
        }
    }

    pub(super) fn of(verdict: &protocol::Verdict, allowlists: Allowlists, verification_time: i64) -> Self {
        Self {
            status: verdict.status,
            reason_code: verdict.reason_code,
            field: verdict.field.clone(),
            proof_tier: verdict.proof_tier,
            trust_tier: verdict.trust_tier,
            model_identity_tier: verdict.model_identity_tier,
            risk_flags: verdict.risk_flags.clone(),
            not_checked: verdict.not_checked.clone(),
            lacks: verdict.lacks.clone(),
            bare: verdict.bare,
            allowlists,
            verification_time,
        }
    }
}

impl Check {
    pub(super) fn pass(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Pass, code: (&verdict::OK).into(), detail: detail.into(), advice: None }
    }

    pub(super) fn fail(name: &'static str, code: &'static Code, detail: impl Into<String>) -> Self {
        let advice = advice_of(code).or(advice(name));
        Self { name, outcome: Outcome::Fail, code: code.into(), detail: detail.into(), advice }
    }

    /// A checkpoint that the policy does not believe: one of another log says
    /// nothing, any other fails.
    pub(super) fn disbelieved(name: &'static str, error: &TrustError, what: impl Display) -> Self {
        let detail = format!("{what}: {error}");
        match error.is_of_another_log() {
            true => Self::incomplete(name, error.code(), detail),
            false => Self::fail(name, error.code(), detail),
        }
    }

    pub(super) fn incomplete(name: &'static str, code: &'static Code, detail: impl Into<String>) -> Self {
        let advice = advice_of(code).or(advice(name));
        Self { name, outcome: Outcome::Incomplete, code: code.into(), detail: detail.into(), advice }
    }

    /// The documents of one file say unlike things: what a rule of the audit says
    /// where there is one.
    pub(super) fn disagreement(why: &str) -> Self {
        let (name, code) = ("document", Reason::Rule(&DOCUMENTS_DISAGREE));
        Self { name, outcome: Outcome::Incomplete, code, detail: why.to_owned(), advice: advice(name) }
    }
}

/// What to do when a check of evidence, log or token does not pass.
const ADVICE: &[(&str, &str)] = &[
    ("packet", "get the packet again, whole, from whoever made it"),
    ("evidence", "leave the named file out, or get it again; proofs of one packet must be under one checkpoint"),
    ("log", "get the log again; if it stays so, keep both checkpoints: they are evidence"),
    ("document", "take the documents apart and verify each by itself"),
    ("job", "give the expected job with a bundle, export or aggregate"),
    ("token", "ask the issuer which token this run was given; never send the token itself"),
];

fn advice(name: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(of, _)| *of == name).map(|(_, advice)| *advice)
}
