//! What the audit and the search answer, as JSON.

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::json;

use crate::artifact::digest::ArtifactDigest;
use crate::audit::{AsOf, Finding, RULES_VERSION, Report};
use crate::merkle::LeafIndex;
use crate::server::addresses;
use crate::server::api::wire::shapes::ARTIFACT;
use crate::server::index::names::{HEX_DIGITS_MIN, NAME_CHARS_MIN, Standing};
use crate::server::judge::{FindingPage, ScopeReport};
use crate::server::lookup::{Found, Group, Near, NearName, Short, What};
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
    /// Entries with which more hangs together than one answer reads, or whose word may
    /// be of more applications than one answer asks about.
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
    /// Entries below this had their names read; less than `tree_size` while the
    /// index follows or is rebuilt, and then what is not here may yet be found.
    indexed_size: u64,
    /// What it is, by what it names: statements of holders of a role first.
    groups: Vec<LookupGroupJson>,
    /// What is longer and begins so, in the same order.
    begins: Vec<LookupNearJson>,
    /// What it was taken for, found or not.
    tried: Vec<&'static str>,
    /// Fewest characters of a name, or hex digits of a hash or commit, that find
    /// what begins so; there when this text has fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    too_short: Option<u64>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "LookupGroup")]
struct LookupGroupJson {
    /// What the name or hash names.
    kind_of_match: &'static str,
    /// Whether these are statements of holders of the role.
    by_holders: bool,
    /// Leaf indexes, lowest first, at most 100.
    entries: Vec<u64>,
    /// How many there are, exact to 1,000.
    count: u64,
    /// Whether there are more than that.
    more_than_count: bool,
    /// Whether there are more than are listed.
    more: bool,
    /// Where to read on.
    href: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "LookupNear")]
struct LookupNearJson {
    /// What the names or hashes name.
    kind_of_match: &'static str,
    /// Whether holders of the role name them.
    by_holders: bool,
    /// In byte order, at most 10.
    names: Vec<LookupNameJson>,
    /// How many there are, exact to 1,000.
    count: u64,
    /// Whether there are more than that.
    more_than_count: bool,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "LookupName")]
struct LookupNameJson {
    /// All of it.
    name: String,
    /// The agent of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// Its lowest entry.
    first: u64,
    /// How many entries bear it, exact to 1,000.
    count: u64,
    /// Whether there are more than that.
    more_than_count: bool,
    /// Where to read on.
    href: String,
}

impl LookupJson {
    /// Of what was found at a published size.
    #[must_use]
    pub fn new(q: String, tree_size: u64, found: Found) -> Self {
        let too_short = found.short.map(|short| match short {
            Short::Names => NAME_CHARS_MIN as u64,
            Short::Hashes => HEX_DIGITS_MIN as u64,
        });
        Self {
            q,
            tree_size,
            indexed_size: found.indexed.get(),
            groups: found.groups.into_iter().map(LookupGroupJson::from).collect(),
            begins: found.near.into_iter().map(LookupNearJson::from).collect(),
            tried: found.tried,
            too_short,
        }
    }
}

impl From<Group> for LookupGroupJson {
    fn from(group: Group) -> Self {
        Self {
            kind_of_match: group.what.kind(),
            by_holders: group.standing == Standing::Holder,
            href: addresses::found(&group.what, group.entries.first().copied()),
            count: group.count.found as u64,
            more_than_count: group.count.is_more,
            more: group.has_more(),
            entries: group.entries.iter().map(|at| at.get()).collect(),
        }
    }
}

impl From<Near> for LookupNearJson {
    fn from(near: Near) -> Self {
        let name = |near: NearName| LookupNameJson {
            name: near.what.name(),
            href: addresses::found(&near.what, Some(near.first)),
            agent: match near.what {
                What::Named { of, .. } => of,
                _ => None,
            },
            first: near.first.get(),
            count: near.entries.found as u64,
            more_than_count: near.entries.is_more,
        };
        Self {
            kind_of_match: near.kind,
            by_holders: near.standing == Standing::Holder,
            names: near.names.into_iter().map(name).collect(),
            count: near.count.found as u64,
            more_than_count: near.count.is_more,
        }
    }
}
