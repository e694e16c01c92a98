//! What the operator says of a job in an `audit_statement`: made here, and
//! compared here with what anybody recomputes (JUDGING 9).
//!
//! A statement lists every entry that the audit of its job used below its
//! size. Who holds those entries needs no others: that is what makes a packet
//! complete. Who holds the whole log compares.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::json::{Number, Object, Value};
use crate::artifact::{Artifact, AuditStatement, Did, Kind, ListedEntry, Node};
use crate::audit::finding::{Finding, Findings, Subject};
use crate::audit::gather::LinkMap;
use crate::audit::inserted::Inserted;
use crate::audit::report::Report;
use crate::audit::rule::{Effect, NOTHING, OWN, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::scope::Scope;
use crate::audit::statement::Statement;
use crate::audit::timeline::{KnownSize, Seen, Timeline};
use crate::audit::trust::EVIDENCE_WITHHELD;
use crate::audit::undecided::{NotHere, listed};
use crate::audit::{Prefix, RULES_VERSION, audit_part};
use crate::merkle::{LeafIndex, TreeSize, leaf_hash};

static ATTESTATION_FALSE: Rule = Rule {
    code: "ATTESTATION_FALSE",
    title: "The operator's audit statement is not true",
    severity: Severity::Critical,
    effect: Effect::Fails,
    rationale: "Whoever recomputes the audit at the size that the statement names gets another root, other entries or other findings.",
    what_to_do: "Keep statement and log; ask the operator. Rely on no packet of this operator until it is explained.",
    does_not_prove: "That the difference was made on purpose.",
    rests_on: &[OWN],
};

pub(super) static EVIDENCE_MISSING: Rule = Rule {
    code: "EVIDENCE_MISSING",
    title: "Evidence that the statement lists is not here",
    severity: Severity::High,
    effect: Effect::Incomplete,
    rationale: "The operator states which entries the job's audit needs, and that there are no others; one of them, or its body, is not here or is another.",
    what_to_do: "Get the whole packet, or verify against the whole log with --log.",
    does_not_prove: "That what is missing would change the verdict.",
    rests_on: NOTHING,
};

static ATTESTATION_OUTDATED: Rule = Rule {
    code: "ATTESTATION_OUTDATED",
    title: "The audit statement does not cover this evidence",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "A statement speaks of one size, one rules version and one set of roots, and evidence stands above that size or was judged otherwise.",
    what_to_do: "Ask the operator for a statement that is newer than all evidence, or verify against the whole log.",
    does_not_prove: "That anything changed since.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[&ATTESTATION_FALSE, &EVIDENCE_MISSING, &ATTESTATION_OUTDATED];

/// What a statement says of one finding: code, severity, entries.
type Said = (String, String, Vec<i64>);

/// The payload of an `audit_statement` over `job` at `size`, but for version
/// and nonce: everything is read from `timeline`, which must be whole below
/// `size` or hold what [`crate::audit::Gather`] asked for. `None` when the
/// size is not known or no roots are in force.
#[must_use]
pub fn attest(timeline: &Timeline, size: TreeSize, job: &str, operator: &Did) -> Option<Value<'static>> {
    let known = *timeline.known(size)?;
    let scope = Scope::Job(job.to_owned());
    let links = LinkMap::new(timeline, operator);
    let listed = used(timeline, &links, job, size, operator);
    let report = recompute(timeline, &links, &scope, size, &known, operator);
    let entry = |at: LeafIndex| {
        let leaf = leaf_hash(&timeline.get(at)?.entry.encode()).to_string();
        Some(object([("index", number(at.get())?), ("leaf_hash", leaf.into())]))
    };
    let entries: Option<Vec<Value>> = listed.into_iter().map(entry).collect();
    let findings: Option<Vec<Value>> = said_by(&report).iter().map(as_value).collect();
    Some(object([
        ("origin", links.origin_at(timeline, size)?.into()),
        ("scope", object([("job_id", job.into())])),
        ("size", number(size.get())?),
        ("root_hash", known.root.to_string().into()),
        ("roots_digest", report.roots_digest?.to_string().into()),
        ("rules_version", RULES_VERSION.into()),
        ("entries", entries?.into()),
        ("findings", findings?.into()),
    ]))
}

/// Every entry that the audit of a job uses below `size`, statements about it
/// among them; `timeline` must be whole below it.
#[must_use]
pub fn used_by(timeline: &Timeline, size: TreeSize, job: &str, operator: &Did) -> BTreeSet<LeafIndex> {
    used(timeline, &LinkMap::new(timeline, operator), job, size, operator)
}

/// What links lead to from one job of a whole log, audited. `None` for a log of
/// no entry.
#[must_use]
pub fn audit_job(timeline: &Timeline, size: TreeSize, job: &str, operator: &Did) -> Option<Report> {
    let logged_at = Some(timeline.prefix(size).next_back()?.1.entry.logged_at);
    let (scope, links) = (Scope::Job(job.to_owned()), LinkMap::new(timeline, operator));
    let part = timeline.part(links.gather(timeline, &scope, size).into_found());
    Some(audit_part(&part, &Prefix { size, logged_at }, operator))
}

/// What links lead to from a job. What the operator says of other jobs changes
/// nothing of this one.
fn used(timeline: &Timeline, links: &LinkMap, job: &str, size: TreeSize, operator: &Did) -> BTreeSet<LeafIndex> {
    let mut used = links.gather(timeline, &Scope::Job(job.to_owned()), size).into_found();
    used.retain(|at| {
        let statement =
            timeline.get(*at).and_then(|seen| seen.body.as_ref()).filter(|body| is_statement(body, operator));
        statement.is_none_or(|body| body.keys().job.as_deref() == Some(job))
    });
    used
}

fn is_statement(body: &Artifact, operator: &Did) -> bool {
    body.kind() == Kind::AuditStatement && body.signer() == Some(operator)
}

/// What an `audit_statement` lists; nothing for another artifact.
#[must_use]
pub fn listed_by(statement: &Artifact) -> BTreeSet<LeafIndex> {
    let says = AuditStatement::try_from(statement.says()).ok();
    says.into_iter().flat_map(|says| Claim::of(says).listed()).map(|(at, _)| at).inserted()
}

/// The jobs that statements of the operator at hand are about.
pub(super) fn attested_jobs(scene: &Scene<'_>) -> BTreeSet<String> {
    claims(scene).map(|(_, claim)| claim.job.to_owned()).inserted()
}

/// Compares every statement of the operator with what is recomputed here.
/// Cost: one audit of the statement's job a statement.
pub(super) fn check(timeline: &Timeline, scene: &Scene<'_>, operator: &Did, findings: &mut Findings) {
    let statements: Vec<_> = claims(scene).collect();
    if statements.is_empty() {
        return;
    }
    let links = LinkMap::new(timeline, operator);
    for (statement, claim) in statements {
        let subject = Subject { job: Some(claim.job.to_owned()), ..Subject::default() };
        if claim.size.get() > statement.at.get() {
            let detail = "it speaks of a size that the log did not have yet";
            findings.add(&ATTESTATION_FALSE, &subject, [statement.at], detail);
            continue;
        }
        if claim.rules_version != RULES_VERSION {
            findings.uncover("audit statement under other rules, not compared", &subject, statement.at);
            continue;
        }
        let Some(known) = timeline.known(claim.size).copied() else {
            findings.uncover("audit statement not compared: the tree of its size was not read", &subject, statement.at);
            continue;
        };
        match claim.compared(timeline, &links, &known, operator) {
            Compared::Same => {}
            Compared::Unread => {
                let what = "audit statement not compared: something that it may rest on is not here";
                findings.uncover(what, &subject, statement.at);
            }
            Compared::Differs(what) => findings.add(&ATTESTATION_FALSE, &subject, [statement.at], what),
        }
    }
}

/// What a packet's statement makes of absence: the prefix that it covers, or
/// why it covers nothing.
pub(super) fn attested(
    timeline: &Timeline,
    scene: &Scene<'_>,
    job: &str,
    findings: &mut Findings,
) -> Option<(LeafIndex, Prefix)> {
    let subject = Subject { job: Some(job.to_owned()), ..Subject::default() };
    let of_job = claims(scene).filter(|(_, claim)| claim.job == job);
    let (newest, claim) = of_job.max_by_key(|(fact, claim)| (claim.size, std::cmp::Reverse(fact.at)))?;
    let above = timeline.prefix(timeline.size()).filter(|(at, _)| at.get() >= claim.size.get());
    let mut above = above.filter(|(_, seen)| seen.entry.kind != Kind::AuditStatement).map(|(at, _)| at).peekable();
    let outdated = if above.peek().is_some() {
        Some("evidence stands above the size that it speaks of")
    } else if claim.rules_version != RULES_VERSION {
        Some("it was made under other rules")
    } else if scene.roots_at(newest.at).is_none_or(|roots| roots.digest.to_string() != claim.roots_digest) {
        Some("it was made under other roots than those that are here")
    } else {
        None
    };
    if let Some(why) = outdated {
        let detail = format!("of size {}: {why}", claim.size);
        findings.add(&ATTESTATION_OUTDATED, &subject, above.chain([newest.at]), detail);
        return None;
    }
    if claim.tells_of_a_lack() {
        let detail = "the operator lacked a body when it was made, and may have listed too little";
        findings.add(&EVIDENCE_MISSING, &subject, [newest.at], detail);
        return None;
    }
    let known = timeline.known(claim.size).filter(|known| known.root.to_string() == claim.root_hash);
    let Some(known) = known else {
        let detail = "nothing shows that the log's tree of that size has the root that it names";
        findings.add(&EVIDENCE_MISSING, &subject, [newest.at], detail);
        return None;
    };
    let missing: Vec<_> = claim.listed().filter(|(at, leaf)| !is_here(timeline.get(*at), leaf)).collect();
    if !missing.is_empty() {
        let not_here = NotHere::few(missing.iter().map(|(at, _)| match timeline.get(*at) {
            Some(seen) if seen.body.is_none() => NotHere::body(*at, seen.entry.kind),
            _ => NotHere::entries(*at, *at),
        }));
        let detail = format!("{}; the operator's statement lists what the job's audit needs", listed(&not_here));
        let entries = missing.into_iter().map(|(at, _)| at).chain([newest.at]);
        findings.lack(&EVIDENCE_MISSING, &subject, entries, detail, not_here);
        return None;
    }
    Some((newest.at, Prefix { size: claim.size, logged_at: Some(known.logged_at) }))
}

fn is_here(seen: Option<&Seen>, leaf: &str) -> bool {
    seen.is_some_and(|seen| seen.body.is_some() && leaf_hash(&seen.entry.encode()).to_string() == leaf)
}

/// A statement beside what is recomputed here.
enum Compared {
    Same,
    /// A body that is not at hand here was perhaps at hand for the operator.
    Unread,
    /// What is not as recomputed, in words.
    Differs(&'static str),
}

/// What one statement claims. Its shape was checked at admission.
struct Claim<'a> {
    job: &'a str,
    size: TreeSize,
    root_hash: &'a str,
    roots_digest: &'a str,
    rules_version: &'a str,
    says: AuditStatement<'a>,
}

/// Every statement of the operator, and what it claims.
fn claims<'s, 'a>(scene: &'s Scene<'a>) -> impl Iterator<Item = (&'s Statement<'a>, Claim<'a>)> {
    scene.facts.iter().filter_map(|fact| Some((fact, Claim::of(fact.payload.try_into().ok()?))))
}

impl<'a> Claim<'a> {
    fn of(says: AuditStatement<'a>) -> Self {
        Claim {
            job: says.job().unwrap_or_default(),
            size: TreeSize::new(says.size().unwrap_or(0)),
            root_hash: says.root_hash().unwrap_or_default(),
            roots_digest: says.roots_digest().unwrap_or_default(),
            rules_version: says.rules_version().unwrap_or_default(),
            says,
        }
    }

    fn listed(&self) -> impl Iterator<Item = (LeafIndex, &'a str)> + use<'a> {
        let listed = |entry: ListedEntry<'a>| Some((LeafIndex::new(entry.index()?), entry.leaf_hash()?));
        self.says.entries().filter_map(listed)
    }

    /// Whether the operator says that a body was not at hand.
    fn tells_of_a_lack(&self) -> bool {
        self.says.findings().any(|finding| finding.code() == Some(EVIDENCE_WITHHELD.code))
    }

    fn compared(&self, timeline: &Timeline, links: &LinkMap, known: &KnownSize, operator: &Did) -> Compared {
        let scope = Scope::Job(self.job.to_owned());
        if known.root.to_string() != self.root_hash {
            return Compared::Differs("the tree of that size has another root");
        }
        let listed: BTreeMap<LeafIndex, &str> = self.listed().inserted();
        let leaf = |at: &LeafIndex| timeline.get(*at).map(|seen| leaf_hash(&seen.entry.encode()).to_string());
        if listed.keys().any(|at| at.get() >= self.size.get()) {
            return Compared::Differs("it lists an entry above its own size");
        }
        if listed.iter().any(|(at, said)| leaf(at).is_some_and(|leaf| leaf != *said)) {
            return Compared::Differs("it lists another leaf than the log's");
        }
        let used = used(timeline, links, self.job, self.size, operator);
        let unread = |at: &LeafIndex| timeline.get(*at).filter(|seen| seen.body.is_none());
        let is_operators = |seen: &Seen| seen.entry.signer.as_ref() == Some(operator);
        let is_gone = listed.keys().any(|at| timeline.get(*at).is_none());
        // A true word of somebody who had less is no false one.
        let had_less = self.tells_of_a_lack() && used.iter().all(|at| unread(at).is_none());
        // Whoever lacks roots cannot tell whose word counts, and so not which
        // entries are the job's.
        if is_gone || had_less || used.iter().filter_map(unread).any(is_operators) {
            return Compared::Unread;
        }
        let report = recompute(timeline, links, &scope, self.size, known, operator);
        if report.roots_digest.map(|digest| digest.to_string()).as_deref() != Some(self.roots_digest) {
            return Compared::Differs("other roots were in force at that size");
        }
        // Unread, it could be anybody's; read, it is the job's.
        if used.iter().any(|at| !listed.contains_key(at) && unread(at).is_none()) {
            return Compared::Differs("it does not list every entry of the job");
        }
        let (here, said) = (said_by(&report), said_in(self.says));
        // What still accuses beside a missing body stands whatever that says.
        let stands = |finding: &Finding| finding.effect == Effect::Fails && !RULES.contains(&finding.rule);
        let is_told = |finding: &Finding| said.iter().any(|(code, ..)| code == finding.rule.code);
        if here == said {
            Compared::Same
        } else if used.iter().any(|at| unread(at).is_some())
            && report.findings.iter().filter(|finding| stands(finding)).all(is_told)
        {
            Compared::Unread
        } else {
            Compared::Differs("its findings are not those that the rules give")
        }
    }
}

fn recompute(
    timeline: &Timeline,
    links: &LinkMap,
    scope: &Scope,
    size: TreeSize,
    known: &KnownSize,
    operator: &Did,
) -> Report {
    let part = timeline.part(links.gather(timeline, scope, size).into_found());
    let prefix = Prefix { size, logged_at: Some(known.logged_at) };
    audit_part(&part, &prefix, operator).of(scope)
}

/// The findings of a report as a statement lists them. Statements do not speak
/// of statements: those are compared by whoever reads.
fn said_by(report: &Report) -> BTreeSet<Said> {
    let findings = report.findings.iter().filter(|finding| !RULES.contains(&finding.rule));
    let said = findings.map(|finding| {
        let entries = finding.entries.iter().filter_map(|at| i64::try_from(at.get()).ok());
        (finding.rule.code.to_owned(), finding.severity.name().to_owned(), entries.collect())
    });
    said.inserted()
}

fn said_in(says: AuditStatement<'_>) -> BTreeSet<Said> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let said = says.findings().map(|finding| {
        let entries = finding.entries().filter_map(Node::as_i64).collect();
        (text(finding.code()), text(finding.severity()), entries)
    });
    said.inserted()
}

fn as_value((code, severity, entries): &Said) -> Option<Value<'static>> {
    let entries: Option<Vec<Value>> = entries.iter().map(|at| number(u64::try_from(*at).ok()?)).collect();
    Some(object([("code", code.as_str().into()), ("severity", severity.as_str().into()), ("entries", entries?.into())]))
}

fn object<const N: usize>(members: [(&str, Value<'static>); N]) -> Value<'static> {
    let mut object = Object::new();
    members.into_iter().for_each(|(name, value)| object.set(name, value));
    object.into()
}

/// `None` beyond what JSON can say exactly; no log grows so long.
fn number(number: u64) -> Option<Value<'static>> {
    // Beyond 2^53 the conversion rounds, and such a number refuses.
    Number::new(number as f64).map(Value::Number)
}
