//! What the audit and the search answer, as JSON.

use serde::Serialize;

use crate::artifact::digest::ArtifactDigest;
use crate::audit::{AsOf, Finding, RULES_VERSION, Report};
use crate::merkle::LeafIndex;
use crate::server::audits::{FindingPage, ScopeReport};
use crate::server::lookup::{Found, Group};

/// A report, member for member as the audit prints it, and its entries.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeReportJson {
    #[serde(flatten)]
    report: Report,
    entries: Vec<EntryNameJson>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct EntryNameJson {
    pub(super) index: u64,
    pub(super) kind: &'static str,
}

impl From<ScopeReport> for ScopeReportJson {
    fn from(made: ScopeReport) -> Self {
        let entries = made.entries.iter();
        let entries = entries.map(|(at, kind)| EntryNameJson { index: at.get(), kind: kind.name() }).collect();
        Self { report: made.report, entries }
    }
}

/// A page of findings.
#[derive(Clone, Debug, Serialize)]
pub struct FindingListJson {
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    as_of: AsOf,
    rules_version: &'static str,
    roots_digest: Option<ArtifactDigest>,
    scanned_to: u64,
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
#[derive(Clone, Debug, Serialize)]
pub struct PolicyJson {
    pub policy_hash: String,
    pub policy_hash_b64u: String,
    pub index: u64,
    pub statements: Vec<u64>,
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
#[derive(Clone, Debug, Serialize)]
pub struct LookupJson {
    q: String,
    tree_size: u64,
    groups: Vec<LookupGroupJson>,
    tried: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct LookupGroupJson {
    pub(super) kind_of_match: &'static str,
    pub(super) entries: Vec<u64>,
    pub(super) more: bool,
    pub(super) href: String,
}

impl LookupJson {
    /// Of what was found at a published size.
    #[must_use]
    pub fn new(q: String, tree_size: u64, found: Found) -> Self {
        let group = |group: Group| LookupGroupJson {
            kind_of_match: group.kind_of_match,
            entries: group.entries.iter().map(|at| at.get()).collect(),
            more: group.more,
            href: group.href,
        };
        Self { q, tree_size, groups: found.groups.into_iter().map(group).collect(), tried: found.tried }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Kind;
    use crate::audit::{
        Absence, Coverage, Effect, JudgedRun, NotHere, Pending, Run, Scope, Severity, Subject, Timeline, Verdict, audit,
    };
    use crate::server::api::wire::shapes::shape;
    use crate::server::api::wire::tests::check;

    #[test]
    fn every_shape_of_an_audit_lists_exactly_the_fields_that_are_written() {
        let some = || Some("x".to_owned());
        let subject = Subject {
            job: some(),
            run: some(),
            agent: some(),
            token: some(),
            app: some(),
            submitter: some(),
            ..Subject::default()
        };
        let entries = vec![LeafIndex::new(1)];
        let (code, severity, effect) = ("TOKEN_REVOKED", Severity::High, Effect::Fails);
        let (detail, of) = (String::new(), subject.clone());
        let (at, kind) = (LeafIndex::new(1), Some(Kind::Approval));
        let not_here = NotHere { first: at, last: at, kind, file: some() };
        check("NotHere", not_here.clone());
        let not_here = vec![not_here];
        check("Finding", Finding { entries: entries.clone(), code, severity, effect, subject: of, detail, not_here });
        check("Pending", Pending { entries: entries.clone(), code, subject: subject.clone(), until_ms: 1 });
        check("Coverage", Coverage { what: "x", entries, subject });
        let run = Run { agent: String::new(), run: String::new() };
        check("Run", JudgedRun { run, job: None, token: None, tokens: Default::default(), verdict: Verdict::Pass });
        check("Absence", Absence::Attested { entry: LeafIndex::new(1) });
        check("EntryName", EntryNameJson { index: 1, kind: "approval" });
        let report = audit(&Timeline::default(), None);
        check("AsOf", AsOf { beyond: 1, ..report.as_of });
        let (next, not_judged) = (Some(1), vec![LeafIndex::new(1)]);
        let (findings, as_of) = (vec![], report.as_of);
        let page = FindingPage { findings, next, as_of, roots_digest: None, scanned_to: 1, not_judged };
        check("FindingList", FindingListJson::from(page));
        check("ScopeReport", ScopeReportJson { report, entries: vec![] });
        let (policy_hash, policy_hash_b64u) = (String::new(), String::new());
        let policy = PolicyJson { policy_hash, policy_hash_b64u, index: 1, statements: vec![] };
        let policy = policy.with_envelope("{}").expect("plain data");
        check("Policy", serde_json::from_str::<serde_json::Value>(&policy).expect("JSON"));
        let group = Group { kind_of_match: "job", entries: vec![], more: false, href: String::new() };
        check(
            "LookupGroup",
            LookupGroupJson { kind_of_match: group.kind_of_match, entries: vec![], more: false, href: String::new() },
        );
        check("Lookup", LookupJson::new(String::new(), 1, Found { groups: vec![group], tried: vec![] }));
    }

    #[test]
    fn the_scopes_of_reports_write_no_other_fields() {
        let id = || "x".to_owned();
        let scopes = [Scope::Job(id()), Scope::Token(id()), Scope::Run { agent: id(), run: id() }];
        let mut written: Vec<String> = Vec::new();
        for scope in scopes {
            let serde_json::Value::Object(object) = serde_json::to_value(scope).expect("plain data") else {
                panic!("a scope is an object")
            };
            written.extend(object.keys().cloned());
        }
        let mut listed: Vec<_> = shape("Scope").expect("a shape").fields.iter().map(|field| field.name).collect();
        written.sort();
        listed.sort();
        assert_eq!(written, listed);
    }
}
