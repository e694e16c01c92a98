//! What the audit and the search answer, as JSON.

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::json;

use crate::artifact::digest::ArtifactDigest;
use crate::audit::{AsOf, Finding, RULES_VERSION, Report};
use crate::merkle::LeafIndex;
use crate::server::addresses;
use crate::server::api::wire::shapes::ARTIFACT;
use crate::server::judge::{FindingPage, ScopeReport};
use crate::server::lookup::{Found, Group};
use crate::shapes::HashText;

/// A report, member for member as the audit prints it, and its entries.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScopeReport")]
pub struct ScopeReportJson {
    /// What the audit prints.
    #[serde(flatten)]
    report: Report,
    /// Every entry that the report rests on, roots and policies included.
    entries: Vec<EntryNameJson>,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(rename = "EntryName")]
struct EntryNameJson {
    /// Leaf index.
    index: u64,
    /// Kind of the artifact.
    kind: &'static str,
}

impl From<&ScopeReport> for ScopeReportJson {
    fn from(made: &ScopeReport) -> Self {
        let entries = made.entries.iter();
        let entries = entries.map(|(at, kind)| EntryNameJson { index: at.get(), kind: kind.name() }).collect();
        Self { report: made.report.clone(), entries }
    }
}

/// A page of findings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "FindingList")]
pub struct FindingListJson {
    /// Each once over all pages.
    findings: Vec<Finding>,
    /// Give it as `after`, with the same filter and `at`, for the rest; absent at
    /// the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    /// The prefix that was audited.
    as_of: AsOf,
    /// Version of the rules.
    rules_version: &'static str,
    /// Digest of the newest roots in force.
    roots_digest: Option<ArtifactDigest>,
    /// Entries below this were looked through by this page and those before.
    scanned_to: u64,
    /// Entries with which more hangs together than one answer reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_judged: Vec<LeafIndex>,
}

impl From<FindingPage> for FindingListJson {
    fn from(page: FindingPage) -> Self {
        let FindingPage { findings, next, as_of, roots_digest, scanned_to, not_judged } = page;
        Self { findings, next, as_of, rules_version: RULES_VERSION, roots_digest, scanned_to, not_judged }
    }
}

/// A policy, without its envelope: that is written between as it was logged.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Policy", transform = envelope)]
pub struct PolicyJson {
    /// SHA-256 of the policy's JCS form.
    #[schemars(with = "HashText")]
    pub policy_hash: String,
    /// The same as peers spell it.
    pub policy_hash_b64u: String,
    /// Its first entry.
    pub index: u64,
    /// Every entry of a holder of the role with this policy.
    pub statements: Vec<u64>,
}

/// What [`PolicyJson::with_envelope`] writes.
fn envelope(schema: &mut Schema) {
    let artifact = json!({ "$ref": ARTIFACT, "description": "The signed policy of that entry." });
    if let Some(serde_json::Value::Object(members)) = schema.get_mut("properties") {
        members.insert("envelope".to_owned(), artifact);
    }
    if let Some(serde_json::Value::Array(required)) = schema.get_mut("required") {
        required.push("envelope".into());
    }
}

impl PolicyJson {
    /// The answer, with the envelope in compact form. `None` when this cannot
    /// be written as JSON, which plain data always can.
    #[must_use]
    pub fn with_envelope(&self, compact: &str) -> Option<String> {
        let rest = serde_json::to_string(self).ok()?;
        Some(format!("{},\"envelope\":{compact}}}", rest.strip_suffix('}')?))
    }
}

/// What was found under a name or hash.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Lookup")]
pub struct LookupJson {
    /// What was looked for.
    q: String,
    /// Published size that was searched.
    tree_size: u64,
    /// What was found, by what it is.
    groups: Vec<LookupGroupJson>,
    /// What it was taken for, found or not.
    tried: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "LookupGroup")]
struct LookupGroupJson {
    /// What the name or hash names.
    kind_of_match: &'static str,
    /// Leaf indexes, lowest first, at most 100.
    entries: Vec<u64>,
    /// Whether there may be more.
    more: bool,
    /// Where to read on.
    href: String,
}

impl LookupJson {
    /// Of what was found at a published size.
    #[must_use]
    pub fn new(q: String, tree_size: u64, found: Found) -> Self {
        let group = |group: Group| LookupGroupJson {
            kind_of_match: group.what.kind(),
            href: addresses::found(&group),
            entries: group.entries.iter().map(|at| at.get()).collect(),
            more: group.more,
        };
        Self { q, tree_size, groups: found.groups.into_iter().map(group).collect(), tried: found.tried }
    }
}
