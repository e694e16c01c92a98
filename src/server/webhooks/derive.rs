//! What changed of one scope between two moments: two judgements and their
//! difference. Nothing of it is kept.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::artifact::digest::ArtifactDigest;
use crate::audit::{Effect, Finding, Pending, Scope, Subject, Verdict};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::addresses::page;
use crate::server::config::webhooks::Event;
use crate::server::judge::{AuditsError, ScopeReport, Sitting};
use crate::server::webhooks::cursor::Moment;
use crate::server::webhooks::event::{Of, Told, hash};

/// Entries that an event names of a finding; the rest is counted.
const ENTRIES_NAMED_MAX: usize = 64;
/// Findings of one scope that are told one by one.
const FINDINGS_TOLD_MAX: usize = 1_000;

/// One thing that is judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judged {
    Job(String),
    /// With its lowest entry.
    Bundle(ArtifactDigest, LeafIndex),
    /// Findings that are charged to no job.
    App(String),
}

/// What is said of it at one size.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Nothing where nobody speaks of it.
    verdict: Option<Value>,
    counts: Map<String, Value>,
    findings: BTreeMap<String, Finding>,
    pending: BTreeMap<String, Pending>,
    /// Nothing is known of its findings, so that none is told to be gone.
    is_too_large: bool,
}

impl Judged {
    /// As events name it.
    fn scope(&self) -> Map<String, Value> {
        let (name, value) = match self {
            Self::Job(job) => ("job", job.clone()),
            Self::Bundle(digest, _) => ("bundle", digest.to_string()),
            Self::App(app) => ("app", app.clone()),
        };
        Map::from_iter([(name.to_owned(), json!(value))])
    }

    /// Where a reader of the log finds it, at the size that is told.
    fn link(&self, public_url: Option<&str>, size: u64) -> Value {
        let path = match self {
            Self::Job(job) => page::job(job),
            Self::Bundle(digest, _) => page::bundle(digest),
            Self::App(app) => page::app(app),
        };
        public_url.map_or(Value::Null, |base| json!(format!("{base}{path}?at={size}")))
    }

    /// Judges it at `size`. What is too large to be judged is said so. The
    /// report of a job comes with it.
    ///
    /// # Errors
    /// The log does not answer.
    pub fn said(&self, sitting: &Sitting, size: u64) -> Result<(Said, Option<std::rc::Rc<ScopeReport>>), AuditsError> {
        let at = TreeSize::new(size);
        let made = match self {
            Self::Bundle(_, index) if index.get() >= size => return Ok((Said::default(), None)),
            Self::Bundle(_, index) => match sitting.judge_logged(*index, at) {
                Ok(None) => return Ok((Said::default(), None)),
                Ok(Some(judged)) => {
                    let protocol = judged.protocol.as_ref().map(|part| json!(part.outcome()));
                    let verdict = json!({ "audit": judged.audit.status, "protocol": protocol });
                    let counts = counts(&judged.audit.findings, &judged.audit.pending);
                    return Ok((Said { verdict: Some(verdict), counts, ..Said::default() }, None));
                }
                Err(error) => Err(error),
            },
            Self::Job(job) => sitting.report(&Scope::Job(job.clone()), at),
            Self::App(app) => sitting.report(&Scope::App(app.clone()), at),
        };
        match made {
            Ok(made) => Ok((self.of_report(&made), Some(made))),
            Err(AuditsError::TooLarge { .. } | AuditsError::TooMany { .. }) => {
                let counts = Map::from_iter([("reason".to_owned(), json!("scope_too_large"))]);
                let verdict = Some(json!({"audit": "not_judged"}));
                Ok((Said { verdict, counts, is_too_large: true, ..Said::default() }, None))
            }
            Err(error) => Err(error),
        }
    }

    fn of_report(&self, made: &ScopeReport) -> Said {
        let report = &made.report;
        // Of what nobody spoke of yet, the findings that are everybody's say nothing.
        if !made.is_known {
            return Said::default();
        }
        // What is charged to a job is told of the job.
        let (app, is_app) = match self {
            Self::App(app) => (Some(app), true),
            Self::Job(_) | Self::Bundle(..) => (None, false),
        };
        let is_own = |of: &Subject| !is_app || (of.job.is_none() && of.app.as_ref() == app);
        let findings = report.findings.iter().filter(|finding| is_own(&finding.subject));
        let pending = report.pending.iter().filter(|due| is_own(&due.subject));
        let is_judged = !is_app && report.verdict != Verdict::NotApplicable;
        Said {
            verdict: is_judged.then(|| json!({ "audit": report.verdict })),
            counts: counts(&report.findings, &report.pending),
            findings: findings.map(|finding| (key_of_finding(finding), finding.clone())).collect(),
            pending: pending.map(|due| (key_of_pending(due), due.clone())).collect(),
            is_too_large: false,
        }
    }
}

impl Said {
    /// The end of the next obligation whose time is not over at `time_ms`.
    pub fn next_due(&self, time_ms: u64) -> Option<i64> {
        let now = i64::try_from(time_ms).unwrap_or(i64::MAX);
        self.pending.values().map(|due| due.until_ms).filter(|until| *until >= now).min()
    }
}

fn counts(findings: &[Finding], pending: &[Pending]) -> Map<String, Value> {
    let count = |effect| findings.iter().filter(|finding| finding.effect == effect).count();
    let members = [
        ("findings_failing", count(Effect::Fails)),
        ("findings_incomplete", count(Effect::Incomplete)),
        ("pending", pending.len()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

fn key_of_finding(of: &Finding) -> String {
    hash(&json!([of.rule.code, of.effect, of.subject, of.entries]))
}

fn key_of_pending(of: &Pending) -> String {
    hash(&json!([of.rule.code, of.subject, of.entries, of.until_ms]))
}

/// From which moment to which, and by whom it is told.
pub struct Between<'a> {
    pub before: Moment,
    pub now: Moment,
    pub origin: &'a str,
    pub public_url: Option<&'a str>,
}

impl Between<'_> {
    /// The events of one thing, in the order in which they are told.
    pub fn events(&self, of: &Judged, before: &Said, now: &Said) -> Vec<(Event, Told)> {
        let mut events = Vec::new();
        if now.verdict.is_some() && now.verdict != before.verdict {
            let mut more = now.counts.clone();
            more.insert("verdict".into(), json!(now.verdict));
            more.insert("previous".into(), json!(before.verdict));
            more.insert("previous_size".into(), json!(self.before.size));
            events.push(self.event(Event::VerdictChanged, of, None, more));
        }
        if before.is_too_large || now.is_too_large {
            return events;
        }
        let opened = now.findings.iter().filter(|(key, _)| !before.findings.contains_key(*key));
        let closed = before.findings.iter().filter(|(key, _)| !now.findings.contains_key(*key));
        let opened = opened.map(|(key, finding)| (Event::FindingOpened, key, finding));
        let closed = closed.map(|(key, finding)| (Event::FindingClosed, key, finding));
        for (event, key, finding) in opened.chain(closed).take(FINDINGS_TOLD_MAX) {
            events.push(self.event(event, of, Some(("finding", key)), said_of_finding(finding)));
        }
        for (key, due) in
            overdue(now, self.now).filter(|(key, _)| overdue(before, self.before).all(|(old, _)| old != *key))
        {
            let more = Map::from_iter([
                ("code".to_owned(), json!(due.rule.code)),
                ("entries".to_owned(), json!(due.entries)),
                ("subject".to_owned(), json!(due.subject)),
                ("until_ms".to_owned(), json!(due.until_ms)),
            ]);
            events.push(self.event(Event::ObligationOverdue, of, Some(("obligation", key)), more));
        }
        events
    }

    fn event(
        &self,
        event: Event,
        of: &Judged,
        part: Option<(&str, &String)>,
        mut more: Map<String, Value>,
    ) -> (Event, Told) {
        let mut scope = of.scope();
        if let Some((name, key)) = part {
            scope.insert(name.to_owned(), json!(key));
        }
        more.insert("link".into(), of.link(self.public_url, self.now.size));
        let told = Of { origin: self.origin, size: self.now.size }.event(event.name(), &Value::Object(scope), more);
        (event, told)
    }
}

/// What was due and did not come, by the server's clock.
fn overdue(said: &Said, at: Moment) -> impl Iterator<Item = (&String, &Pending)> {
    let now = i64::try_from(at.time_ms).unwrap_or(i64::MAX);
    said.pending.iter().filter(move |(_, due)| due.until_ms < now)
}

/// Codes, places and whom it is charged to; never its words, which hold text
/// of the evidence.
fn said_of_finding(of: &Finding) -> Map<String, Value> {
    let entries = &of.entries[..of.entries.len().min(ENTRIES_NAMED_MAX)];
    Map::from_iter([
        ("code".to_owned(), json!(of.rule.code)),
        ("severity".to_owned(), json!(of.severity)),
        ("effect".to_owned(), json!(of.effect)),
        ("entries".to_owned(), json!(entries)),
        ("entries_count".to_owned(), json!(of.entries.len())),
        ("subject".to_owned(), json!(of.subject)),
    ])
}
