//! What a verification says: a verdict, and every check with its reason.
//!
//! ```text
//! PASS  gateway_receipt is entry 3 of demo.pulselog.example/log at size 24
//!
//!   pass        policy       believes demo.pulselog.example/log
//!   pass        checkpoint   demo.pulselog.example/log signed a tree of 24 entries
//!   …
//! ```
//!
//! The same report is what the command line prints, what `--json` writes and
//! what a page shows.

use std::fmt::{self, Write as _};

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::audit::Rule;
use crate::codes::{self, Code, verdict};
use crate::entry::SequencedEntry;
use crate::receipt::ProvenEntry;
use crate::shapes::{HashText, UnixMs};
use crate::verify::plain_text::escape;

/// Version of the JSON shape.
pub const REPORT_VERSION: &str = "1";

/// How a check, or the whole, came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Outcome {
    /// Shown.
    Pass,
    /// Shown to be wrong, or not shown where it must be.
    Fail,
    /// What would show it was not given.
    Incomplete,
    /// Something before it failed.
    NotChecked,
}

impl Outcome {
    /// The word for readers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Incomplete => "incomplete",
            Self::NotChecked => "not checked",
        }
    }
}

/// The questions a verification asks, in the order in which it asks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Is the trust policy readable?
    Policy,
    /// Is the disclosure file readable?
    Disclosure,
    /// Is the proof readable?
    Proof,
    /// Does the policy believe the proof's checkpoint?
    Checkpoint,
    /// Does the proof carry an entry of ours?
    Entry,
    /// Is that entry in the signed tree?
    Inclusion,
    /// Is the artifact strict JSON?
    Artifact,
    /// Is it the one that the entry names?
    Digest,
    /// Has it the length that the entry says?
    Length,
    /// Is it well formed and authentic?
    Signature,
    /// Is it of the kind that the entry says?
    Kind,
    /// Did whom the entry names sign it?
    Signer,
    /// Are the receipts inside those of the entry?
    Receipts,
    /// Does a shown receipt stand where the file says?
    Shown,
    /// Did its signer write it?
    Author,
    /// Does the checkpoint cover enough entries?
    Size,
    /// Does it extend the older checkpoint?
    Consistency,
}

/// What is verified: a whole artifact, or receipts of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matter {
    Artifact,
    Disclosure,
}

/// One row a question: its name in reports, and what to do when it fails.
pub(super) const ASKS: &[(Ask, &str, &str)] = &[
    (Ask::Policy, "policy", "get the trust policy again from someone you trust, not from the packet's sender"),
    (Ask::Disclosure, "disclosure", "get the disclosure file again from whoever made it; it must arrive unchanged"),
    (Ask::Proof, "proof", "get the .tlog-proof again; it must arrive byte for byte"),
    (
        Ask::Checkpoint,
        "checkpoint",
        "compare the log's key with the one published by its operator; do not rely on this packet",
    ),
    (Ask::Entry, "entry", "ask the log for the proof of this entry again"),
    (Ask::Inclusion, "inclusion", "do not rely on this packet: nothing shows that the log holds this entry"),
    (Ask::Artifact, "artifact", "get the artifact in the compact form that the log serves"),
    (Ask::Digest, "digest", "this is another artifact than the logged one: get the file of this proof"),
    (Ask::Length, "length", "get the artifact again; bytes are missing or were added"),
    (Ask::Signature, "signature", "do not rely on this artifact: nothing shows who wrote it"),
    (Ask::Kind, "kind", "do not rely on this packet: entry and artifact disagree"),
    (Ask::Signer, "signer", "do not rely on this packet: entry and artifact disagree"),
    (Ask::Receipts, "receipts", "do not rely on the receipts inside this bundle"),
    (Ask::Shown, "shown", "do not rely on this receipt: nothing shows that the logged bundle holds it"),
    (Ask::Author, "author", "count this receipt as the bundle's own word; the whole bundle shows who signed it"),
    (Ask::Size, "size", "ask the log for the proof at a newer checkpoint"),
    (
        Ask::Consistency,
        "consistency",
        "fetch /v1/proofs/consistency?from=OLD&to=NEW as text/plain; if that fails too, keep both checkpoints: they are evidence",
    ),
];

/// What to do where a reason asks for something else than its question.
static ADVICE_OF_REASONS: &[(&Code, &str)] = &[
    (&verdict::FORK, "keep both checkpoints and tell others: this is proof that the log showed two histories"),
    (
        &verdict::LOG_SHORTER,
        "ask for a newer proof or read the log again; keep the checkpoint: the log may have been cut",
    ),
    (
        &verdict::CONSISTENCY_FILE_MISSING,
        "fetch /v1/proofs/consistency?from=OLD&to=NEW as text/plain and give it too, or judge beside the log: --log",
    ),
    (&verdict::OTHER_ORIGIN, "give a checkpoint of the same log"),
    (&codes::receipt::RECEIPT_OTHER_ORIGIN, "give a consistency file of the same log"),
    (
        &codes::receipt::RECEIPT_OTHER_OLD_SIZE,
        "ask for the consistency file from the size of the checkpoint that you kept",
    ),
    (&verdict::CONSISTENCY_OTHER_CHECKPOINT, "ask for the consistency file to the size of the proof"),
    (&codes::trust::POLICY_NO_LOG, "add the log's line to the trust policy, as its operator publishes it"),
    (&codes::artifact::JSON_OVER_ROOM, "give more with --memory-max, or have the producer write fewer, longer values"),
    (&verdict::PACKET_MANIFEST_EMPTY, "get the packet again, whole, from whoever made it"),
];

/// The advice of a reason that has its own.
pub(super) fn advice_of(code: &Code) -> Option<&'static str> {
    ADVICE_OF_REASONS.iter().find(|(of, _)| *of == code).map(|(_, advice)| *advice)
}

impl Ask {
    pub(super) const fn is_about(self, matter: Matter) -> bool {
        match self {
            Self::Artifact | Self::Digest | Self::Length | Self::Signature | Self::Kind | Self::Signer => {
                matches!(matter, Matter::Artifact)
            }
            Self::Disclosure | Self::Shown | Self::Author => matches!(matter, Matter::Disclosure),
            Self::Policy
            | Self::Proof
            | Self::Checkpoint
            | Self::Entry
            | Self::Inclusion
            | Self::Receipts
            | Self::Size
            | Self::Consistency => true,
        }
    }

    pub(super) fn row(self) -> (&'static str, &'static str) {
        // Every variant has its row; a test counts them.
        ASKS.iter().find(|(ask, ..)| *ask == self).map_or(("", ""), |(_, name, advice)| (name, advice))
    }
}

/// Why a check came out as it did: a row of one of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Code(&'static Code),
    /// A rule of the audit says it.
    Rule(&'static Rule),
}

impl Reason {
    /// The name that is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code(code) => code.name,
            Self::Rule(rule) => rule.code,
        }
    }
}

impl From<&'static Code> for Reason {
    fn from(code: &'static Code) -> Self {
        Self::Code(code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// One question, answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// Name of the question.
    pub name: &'static str,
    /// Answer.
    pub outcome: Outcome,
    /// Name of the code that says why, or of a rule of the audit; `ok` and
    /// `not_checked` for those.
    #[schemars(with = "String")]
    pub code: Reason,
    /// In words. Holds text of the artifact: escape it.
    pub detail: String,
    /// What to do now, unless it passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
}

/// What was proven to be in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ProvenEntry")]
pub struct Subject {
    /// Which log.
    pub origin: String,
    /// Entries under the checkpoint.
    pub tree_size: u64,
    /// Root hash of that tree.
    #[schemars(with = "HashText")]
    pub root_hash: String,
    /// Position.
    pub index: u64,
    /// SHA-256(0x00 ‖ entry).
    #[schemars(with = "HashText")]
    pub leaf_hash: String,
    /// Kind of the artifact.
    pub kind: &'static str,
    /// SHA-256 of the compact form.
    #[schemars(with = "HashText")]
    pub artifact: String,
    /// DID that signed; absent when unsigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Who submitted, as the log asserts.
    pub submitter: String,
    /// The log's clock at sequencing.
    #[schemars(with = "UnixMs")]
    pub logged_at: u64,
}

impl Subject {
    pub(super) fn of(proven: &ProvenEntry, entry: &SequencedEntry) -> Self {
        let head = proven.checkpoint().head();
        Self {
            origin: proven.checkpoint().origin().to_string(),
            tree_size: head.size.get(),
            root_hash: head.root.hash().to_hex(),
            index: proven.index().get(),
            leaf_hash: proven.leaf_hash().hash().to_hex(),
            kind: entry.kind.name(),
            artifact: entry.digest.to_string(),
            signer: entry.signer.as_ref().map(ToString::to_string),
            submitter: entry.submitter.to_string(),
            logged_at: entry.logged_at.unix_ms(),
        }
    }
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Version of this shape.
    pub report_version: &'static str,
    /// The worst of the checks.
    pub verdict: Outcome,
    /// Absent unless inclusion was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Every question in order.
    pub checks: Vec<Check>,
}

impl Report {
    /// 0 pass, 1 fail, 3 incomplete.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.verdict.exit_code()
    }

    /// The report as text for people, safe on a terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}  {}\n\n{}", self.verdict.word().to_uppercase(), self.headline(), self.checks_text())
    }

    /// The checks alone, as text.
    #[must_use]
    pub fn checks_text(&self) -> String {
        let mut out = String::new();
        for check in &self.checks {
            // Writing to a String never fails.
            let _ = write!(out, "  {:<11}  {:<11}  {}", check.outcome.word(), check.name, escape(&check.detail));
            if check.outcome == Outcome::Fail || check.outcome == Outcome::Incomplete {
                let _ = write!(out, " [{}]", check.code);
            }
            out.push('\n');
            if let Some(advice) = check.advice {
                let _ = writeln!(out, "  {:<11}  {:<11}  what to do: {advice}", "", "");
            }
        }
        out
    }

    fn headline(&self) -> String {
        match &self.subject {
            Some(s) => {
                let held = format!("{} is entry {} of {} at size {}", s.kind, s.index, escape(&s.origin), s.tree_size);
                match self.verdict {
                    Outcome::Pass => held,
                    Outcome::Incomplete => format!("{held}; not everything was shown"),
                    Outcome::Fail | Outcome::NotChecked => {
                        format!("do not rely on these files: a check failed (the proven entry: {held})")
                    }
                }
            }
            None => "nothing is proven".to_owned(),
        }
    }
}
