//! What incident.txt tells, in the log's order.

use std::collections::BTreeSet;
use std::fmt;

use pulselog::artifact::time::unix_ms;
use pulselog::artifact::{Artifact, Kind};
use pulselog::audit::{Effect, Finding, Report, Scope, Story as Sentence, in_sorts};
use pulselog::merkle::LeafIndex;
use pulselog::text::civil;
use pulselog::verify::plain_text::escape;
use pulselog::verify::whole_log::WholeLog;

use crate::cli::incident::{Incident, rights};

/// Milliseconds since 1970: from, and up to but without.
pub struct Span {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

impl Span {
    fn holds(&self, ms: u64) -> bool {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        self.from.is_none_or(|from| from <= ms) && self.to.is_none_or(|to| ms < to)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (None, None) => f.write_str("from the beginning of the log to its end"),
            (Some(from), None) => write!(f, "logged from {}", time(from)),
            (None, Some(to)) => write!(f, "logged before {}", time(to)),
            (Some(from), Some(to)) => write!(f, "logged from {} and before {}", time(from), time(to)),
        }
    }
}

/// The one form of times here: UTC, as --from and --to take it.
fn time(ms: i64) -> String {
    civil::with_millis(ms)
}

/// What a statement says: a time in the same form, all else as it stands.
fn said_value(text: &str) -> String {
    unix_ms(text).map_or_else(|| escape(text), time)
}

/// Entries in the time. What every audit reads is told of no scope; of an
/// application, only what names it and what belongs to a decision about it.
pub fn told(log: &WholeLog, scope: &Scope, span: &Span, reached: &BTreeSet<LeafIndex>) -> Vec<LeafIndex> {
    let timeline = log.timeline();
    let in_time = |at: &LeafIndex| timeline.get(*at).is_some_and(|seen| span.holds(seen.entry.logged_at.unix_ms()));
    let is_shared = |at: &LeafIndex| timeline.get(*at).is_none_or(|seen| seen.entry.kind == Kind::AuditRoots);
    let body = |at: &LeafIndex| timeline.get(*at).and_then(|seen| seen.body.as_ref());
    let own: BTreeSet<String> = match scope {
        Scope::App(app) => {
            reached.iter().filter_map(body).filter(|body| is_of_app(body, app)).flat_map(hashes).collect()
        }
        _ => BTreeSet::new(),
    };
    let is_told = |at: &LeafIndex| match scope {
        Scope::App(app) => body(at)
            .is_some_and(|body| is_of_app(body, app) || body.keys().refers_to.iter().any(|hash| own.contains(hash))),
        _ => !is_shared(at),
    };
    reached.iter().copied().filter(|at| in_time(at) && is_told(at)).collect()
}

fn hashes(body: &Artifact) -> Vec<String> {
    vec![body.payload_hash().to_string()]
}

/// Whether a statement names the application. A change record names no instance.
fn is_of_app(body: &Artifact, app: &str) -> bool {
    let about = &body.kind().row().about;
    let Some(path) = about.app else { return false };
    let text = |path: String| body.payload().text_at(&path);
    let (name, namespace) = (text(format!("{path}.name")), text(format!("{path}.namespace")));
    let Some((name, namespace)) = name.zip(namespace) else { return false };
    let place = format!("{namespace}/{name}");
    match about.instance {
        Some(instance) => text(instance.to_owned()).is_some_and(|of| app == format!("{of}/{place}")),
        None => app.split_once('/').is_some_and(|(_, rest)| rest == place),
    }
}

/// The jobs that took part.
pub fn jobs_in(log: &WholeLog, scope: &Scope, report: &Report, told: &[LeafIndex]) -> BTreeSet<String> {
    let named = told.iter().filter_map(|at| log.timeline().get(*at)?.body.as_ref()?.keys().job);
    match scope {
        Scope::Job(job) => BTreeSet::from([job.clone()]),
        Scope::App(_) => named.collect(),
        _ => report.jobs.keys().cloned().collect(),
    }
}

/// What the verdict is on, and what whoever has the packet alone can judge
/// again: jobs that the operator attested in it.
pub fn judged(incident: &Incident, attested: &BTreeSet<String>) -> String {
    let mut out = format!(
        "What was judged\n\n  {}, by every rule of the audit, from all {} entries of the log. The time\n  above \
         chooses what is told below; the verdict is not on that time alone.\n",
        escape(&incident.scope.to_string()),
        incident.report.as_of.size,
    );
    let (again, alone): (Vec<_>, Vec<_>) = incident.jobs.iter().partition(|job| attested.contains(*job));
    let names = |jobs: Vec<&String>| jobs.iter().map(|job| escape(job)).collect::<Vec<_>>().join(", ");
    if !again.is_empty() {
        out.push_str(&format!(
            "\n  Whoever verifies the packet judges again: job {}. What is found of anything else\n  here, the whole log \
             shows.\n",
            names(again)
        ));
    }
    if incident.jobs.is_empty() {
        out.push_str(
            "\nWhat was not\n\n  No job: nothing that is told here is of one. So the packet proves that each of \
             these\n  entries stands in the log, and who said it; it holds no verdict that can be checked\n  with it \
             alone. That no decision explains them, only the whole log shows:\n\n    ",
        );
        out.push_str(&format!("{}\n", incident.command));
    }
    if !alone.is_empty() {
        out.push_str(&format!(
            "\nWhat the packet alone does not show\n\n  The verdict on job {}: no statement of the operator in it says \
             that nothing else of the\n  log is needed. The packet proves that each of these entries stands in the log, \
             and\n  who said it. The whole log judges, and --attest makes the statement:\n\n    {}\n",
            names(alone),
            incident.command
        ));
    }
    out
}

/// The whole text.
pub fn story(log: &WholeLog, incident: &Incident, attested: &BTreeSet<String>) -> String {
    let report = &incident.report;
    let mut out = format!(
        "Incident: {}\n{}\nas of {} entries of {}, rules {}\nAll times are UTC. That at the beginning of a line is the \
         log's, when it took the entry; the others are what the statement says.\nVerdict of the audit on it: {}\n\n{}\n{}\nWhat happened\n\n  {}\n\n",
        escape(&incident.scope.to_string()),
        incident.span,
        report.as_of.size,
        escape(log.origin()),
        report.rules_version,
        report.verdict.name(),
        judged(incident, attested),
        rights::told(log, incident),
        Sentence::within(report, |at| incident.told.contains(&at)).text(escape),
    );
    for at in &incident.told {
        out.push_str(&format!("{}\n", line(log, report, *at)));
    }
    out.push_str("\nFindings\n\n");
    findings(report, |finding| finding.effect != Effect::Incomplete, &mut out);
    out.push_str("\nMissing: without it nothing passes\n\n");
    findings(report, |finding| finding.effect == Effect::Incomplete, &mut out);
    for due in &report.pending {
        let until = time(due.until_ms);
        out.push_str(&format!("  {} {}: due until {until}\n", due.rule.code, entries(&due.entries)));
    }
    out.push_str("\nSeen and not judged\n\n");
    for (sort, rows) in in_sorts(&report.coverage) {
        out.push_str(&format!("  {}: {}\n  What to do: {}\n", sort.title, sort.means, sort.what_to_do));
        for (what, at) in rows {
            out.push_str(&format!("    {what} {}\n", entries(&at.into_iter().collect::<Vec<_>>())));
        }
    }
    if report.coverage.is_empty() {
        out.push_str("  nothing\n");
    }
    out.push_str("\nWhat nobody submitted is not here, and no verdict reaches further than this.\n");
    out
}

/// One entry: when it was logged, what it says, who says it, and what rests on it.
pub(super) fn line(log: &WholeLog, report: &Report, at: LeafIndex) -> String {
    let Some(seen) = log.timeline().get(at) else { return String::new() };
    let entry = &seen.entry;
    let logged = i64::try_from(entry.logged_at.unix_ms()).map(time).unwrap_or_default();
    let mut says: Vec<String> = Vec::new();
    match &seen.body {
        Some(body) => {
            let row = body.kind().row().summary;
            let said = row.iter().filter_map(|(label, path)| Some((label, body.payload().text_at(path)?)));
            says.extend(said.map(|(label, text)| format!("{label} {}", said_value(text))));
            says.extend(more(body));
        }
        None => says.push("its body is not shown".to_owned()),
    }
    let by = entry.signer.as_ref().map_or_else(
        || format!("submitted by {}", escape(entry.submitter.as_str())),
        |did| format!("signed by {}", escape(did.as_str())),
    );
    let causes: BTreeSet<&str> =
        report.findings.iter().filter(|of| of.causes.contains(&at)).map(|of| of.rule.code).collect();
    let shows: BTreeSet<&str> =
        report.findings.iter().filter(|of| of.entries.contains(&at)).map(|of| of.rule.code).collect();
    let shows: String = shows.difference(&causes).map(|code| format!("  < shows {code}")).collect();
    let codes: String = causes.into_iter().map(|code| format!("  << {code}")).chain([shows]).collect();
    let says = if says.is_empty() { String::new() } else { format!(": {}", says.join(", ")) };
    format!("  {at}  {logged}  {}{says}; {by}{codes}", entry.kind.title())
}

/// What a line says beside the summary, by the labels of the kind's facts: of an
/// operation who started it, when, and with which revision; of a token which.
fn more(body: &Artifact) -> Vec<String> {
    let facts = body.facts();
    let value = |label: &str| {
        let found = facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.as_str());
        found.filter(|value| !["", "none"].contains(value)).map(said_value)
    };
    let mut said = Vec::new();
    let mut say = |word: &str, text: Option<String>| said.extend(text.map(|text| format!("{word} {text}")));
    match body.kind() {
        Kind::ArgocdObservation => {
            say("by channel", value("Channel"));
            say("by user", value("By").or_else(|| value("Subject")));
            say("automated", value("Automated").filter(|is| *is == "yes"));
            say("started", value("Started at"));
            say("ended", value("Finished at"));
            let revisions = ["deployed", "resolved", "requested"];
            let known = revisions.into_iter().find_map(|word| Some((word, value(&format!("Revisions {word}"))?)));
            known.into_iter().for_each(|(word, text)| say(&format!("revision {word}"), Some(text)));
        }
        Kind::ArgocdDecision | Kind::Approval => {
            say("revision", value("Revisions"));
            say("token", value("Token hash"));
        }
        Kind::CstIssuance => {
            say("token", value("Token hash"));
            say("agent", value("Agent"));
            say("job", value("Job"));
            let ends = value("Expires at (s)").and_then(|text| text.parse::<i64>().ok());
            say("ends by itself", ends.map(|seconds| time(seconds.saturating_mul(1_000))));
        }
        Kind::CstRevocation => {
            say("token", value("Token hash"));
            say("revoked at", value("Revoked at"));
        }
        _ => {}
    }
    said
}

fn findings(report: &Report, is_shown: impl Fn(&Finding) -> bool, out: &mut String) {
    let before = out.len();
    for finding in report.findings.iter().filter(|finding| is_shown(finding)) {
        let (code, severity) = (finding.rule.code, finding.severity.name());
        let (title, detail) = (&finding.words().title, escape(&finding.detail));
        out.push_str(&format!("  {code} ({severity}) {}: {title}: {detail}\n", entries(&finding.entries)));
    }
    if out.len() == before {
        out.push_str("  none\n");
    }
}

fn entries(of: &[LeafIndex]) -> String {
    let of: Vec<_> = of.iter().map(ToString::to_string).collect();
    format!("[{}]", of.join(", "))
}
