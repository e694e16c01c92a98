//! What comes out: one verdict, or inside the room the first failure.

use serde::Serialize;

use crate::protocol::codes::{self, Code};
use crate::protocol::tiers::{ModelIdentityTier, ProofTier, TrustTier};

/// Whether the peer would accept, and whether we judged all it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The peer accepts, and every block inside was judged.
    Pass,
    /// What was judged passed; [`Verdict::not_checked`] names the rest.
    PassExceptNotChecked,
    Fail,
}

impl Status {
    /// Stable name: `pass`, `pass_except_not_checked`, `fail`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::PassExceptNotChecked => "pass_except_not_checked",
            Self::Fail => "fail",
        }
    }
}

/// What became of one gateway receipt of a proof bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptOutcome {
    /// Shape, listed signer, numbers, hash and signature are good.
    pub signature_valid: bool,
    /// And it names this bundle's run and one of its events.
    pub bound: bool,
}

/// The protocol verdict (JUDGING 11.2). Tiers and flags stand only where the
/// document passed; an export has no trust tier, a commit signature none.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub status: Status,
    /// A code of [`crate::protocol::CODES`]; `OK` unless it failed.
    pub reason_code: &'static str,
    /// Where the deciding check failed, in the peer's spelling.
    pub field: Option<String>,
    pub proof_tier: Option<ProofTier>,
    pub trust_tier: Option<TrustTier>,
    pub model_identity_tier: Option<ModelIdentityTier>,
    /// Sorted codes of [`crate::protocol::RISK_FLAGS`].
    pub risk_flags: Vec<&'static str>,
    /// Names from [`crate::protocol::BLOCKS`], in table order: present and not
    /// judged here. They never raise a tier.
    pub not_checked: Vec<&'static str>,
    /// Lists of trusted signers, as the config file names them, whose absence is
    /// all that the document failed for: neither accepted nor refused.
    pub lacks: Vec<&'static str>,
    /// A proof bundle without envelope: signed by nobody.
    pub bare: bool,
    /// One for each gateway receipt that the peer looked at, in order; empty
    /// when verification ended before receipts.
    pub receipts: Vec<ReceiptOutcome>,
}

/// The first failed check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) field: Option<String>,
}

/// A failure at `field`.
pub(super) fn fail<T>(code: Code, field: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { code, field: Some(field.into()) })
}

/// A failure that names no field.
pub(super) fn fail_whole<T>(code: Code) -> Result<T, Failure> {
    Err(Failure { code, field: None })
}

impl Failure {
    /// The same failure with its field written below `prefix`.
    pub(super) fn below(mut self, prefix: &str) -> Self {
        self.field = Some(match self.field {
            Some(field) => format!("{prefix}.{field}"),
            None => prefix.to_owned(),
        });
        self
    }
}

/// What a document that passed has shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Accepted {
    pub(super) proof_tier: Option<ProofTier>,
    pub(super) trust_tier: Option<TrustTier>,
    pub(super) model_identity_tier: Option<ModelIdentityTier>,
    pub(super) risk_flags: Vec<Code>,
    pub(super) receipts: Vec<ReceiptOutcome>,
}

impl Verdict {
    /// Whether something in the document itself is refused, not only a list missing.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.status == Status::Fail && self.lacks.is_empty()
    }

    pub(super) fn of(outcome: Result<Accepted, Failure>, not_checked: Vec<&'static str>, bare: bool) -> Self {
        let status = match &outcome {
            Err(_) => Status::Fail,
            Ok(_) if not_checked.is_empty() => Status::Pass,
            Ok(_) => Status::PassExceptNotChecked,
        };
        let (reason_code, field, accepted) = match outcome {
            Ok(accepted) => (codes::OK, None, accepted),
            Err(failure) => (failure.code, failure.field, Accepted::default()),
        };
        Self {
            status,
            reason_code: reason_code.text(),
            field,
            proof_tier: accepted.proof_tier,
            trust_tier: accepted.trust_tier,
            model_identity_tier: accepted.model_identity_tier,
            risk_flags: accepted.risk_flags.into_iter().map(Code::text).collect(),
            not_checked,
            lacks: Vec::new(),
            bare,
            receipts: accepted.receipts,
        }
    }
}
