//! A verification as text for people: verdicts and coverage first, then each
//! finding and check with its reason and what to do. Safe on a terminal.

mod acts;
mod open;
mod reach;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::audit::{self, AsOf, Effect, Finding, Grade, Matched, Story};
use crate::merkle::LeafIndex;
use crate::protocol::{self, ModelIdentityTier, ProofTier, Status, TrustTier};
use crate::verify::plain_text::escape;
use crate::verify::report::{Check, Outcome, Report};
use crate::verify::verification::text::open::{Times, pending, whom};
use crate::verify::verification::text::reach::{not_judged, reach};
use crate::verify::verification::{Allowlists, AuditStatus, CoveragePart, ProtocolPart, Verification};

impl Verification {
    /// The whole answer as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Some(document) = &self.document else { return self.as_report().to_text() };
        let name = document.bundle_id.as_deref().map(|id| format!(" {}", escape(id))).unwrap_or_default();
        let of = |label: &str, text: &Option<String>| {
            text.as_deref().map(|text| format!(", {label} {}", escape(text))).unwrap_or_default()
        };
        let word = self.verdict.word().to_uppercase();
        let signer = document.signer.clone().filter(|_| document.signer != document.agent);
        let mut out = format!(
            "{word}  {}{name}{}{}{}{}\n\n",
            document.kind,
            of("run", &document.run),
            of("agent", &document.agent),
            of("signed by", &signer),
            of("job", &document.job)
        );
        self.reasons(&mut out);
        let coverage = self.coverage.as_ref();
        older(&mut out, coverage.filter(|coverage| coverage.leaves_out()).and_then(|coverage| coverage.as_of.as_ref()));
        if let Some(part) = &self.protocol {
            let word = if part.lacks.is_empty() { protocol_word(part.status) } else { "not checked" };
            line(&mut out, "protocol", word, &protocol_words(part));
        }
        line(&mut out, "audit", audit_word(self.audit.status), &self.audit_words());
        if let Some(coverage) = &self.coverage {
            reach(&mut out, coverage);
        }
        let refused = self.protocol.as_ref().filter(|part| part.status == Status::Fail);
        if let Some(row) = refused.and_then(|part| protocol::explain(part.reason_code)) {
            let _ = writeln!(out, "\n{}: {}\n  what to do: {}", row.code, row.means, row.action);
        }
        let order = audit::in_reading_order(&self.audit.findings);
        open::findings(&mut out, order, &mut Times::new(&[]), &self.audit.matched, |_| String::new());
        pending(&mut out, &self.audit.pending);
        not_judged(&mut out, self.coverage.as_ref(), usize::MAX);
        if !self.checks.is_empty() {
            out.push_str("\nChecks\n");
            out.push_str(&self.as_report().checks_text());
        }
        out
    }

    /// The checks that failed or left it open, directly below the verdict that
    /// they make. Both other verdicts stand in lines of their own.
    fn reasons(&self, out: &mut String) {
        let is_reason = |check: &&Check| match self.verdict {
            Outcome::Fail => check.outcome == Outcome::Fail,
            Outcome::Incomplete => check.outcome == Outcome::Incomplete,
            Outcome::Pass | Outcome::NotChecked => false,
        };
        self.checks.iter().filter(is_reason).for_each(|check| reason(out, check));
    }

    fn as_report(&self) -> Report {
        Report {
            report_version: self.report_version,
            verdict: self.verdict,
            subject: self.subject.clone(),
            checks: self.checks.clone(),
        }
    }

    fn audit_words(&self) -> String {
        let failing = self.audit.findings.iter().filter(|finding| finding.effect == Effect::Fails).count();
        match self.audit.status {
            AuditStatus::NotApplicable => "the audit judges runs and bundles; this is neither".to_owned(),
            AuditStatus::NotAsked => "only the protocol verdict was asked for".to_owned(),
            AuditStatus::Pass => "no rule failed, and nothing the rules need was missing".to_owned(),
            AuditStatus::Fail => match failing {
                1 => "1 finding fails it".to_owned(),
                more => format!("{more} findings fail it"),
            },
            AuditStatus::Incomplete => {
                "we cannot say yet: evidence is missing. This is neither pass nor fail".to_owned()
            }
        }
    }
}

/// Entries that one line names; whoever wants the others asks for all.
const ENTRIES_SHOWN_MAX: usize = 20;

/// An audit report as text: verdict and coverage first, then findings, open
/// obligations, and the runs it is about. What is charged to nobody but the
/// submitter of a statement is told once a submitter and code, unless the
/// reader asks for `all`: strangers may submit as much as they like. `checks`,
/// of what the reader knows beside the log, stand directly below the verdict.
#[must_use]
pub fn audit_text(report: &audit::Report, all: bool, checks: &[Check]) -> String {
    let word = match report.verdict {
        audit::Verdict::Fail => "FAIL",
        audit::Verdict::Pass => "PASS",
        audit::Verdict::Incomplete => "INCOMPLETE",
        audit::Verdict::NotApplicable => "NOT APPLICABLE",
    };
    let mut out = format!("{word}  {}\n\n", escape(&report.scope.to_string()));
    if report.verdict == audit::Verdict::NotApplicable {
        out.push_str("  No holder of a role speaks of it in what was read.\n\n");
    }
    let coverage = CoveragePart {
        rules_version: report.rules_version,
        operator: None,
        roots_digest: report.roots_digest,
        as_of: Some(report.as_of),
        absence: report.absence,
        entries: report.as_of.size.get(),
        not_judged: report.coverage.clone(),
    };
    checks.iter().for_each(|check| reason(&mut out, check));
    older(&mut out, Some(&report.as_of));
    reach(&mut out, &coverage);
    line(&mut out, "findings", "", &count(report.findings.len(), "finding", "findings"));
    line(&mut out, "happened", "", &Story::of(report).text(escape));
    line(&mut out, "calls", "", &graded(&report.matched));
    for (job, verdict) in &report.jobs {
        line(&mut out, "job", audit_word((*verdict).into()), &escape(job));
    }
    for judged in &report.runs {
        let (run, agent) = (escape(&judged.run.run), escape(&judged.run.agent));
        line(&mut out, "run", audit_word(judged.verdict.into()), &format!("{run} of {agent}"));
    }
    // What an agent is charged with stands by itself, though it be none of its jobs'.
    let is_strangers =
        |finding: &&Finding| !all && finding.subject.submitter.is_some() && finding.subject.agent.is_none();
    // What leaves many open because of one time is told once, whoever is among them.
    let mut times = Times::new(if all { &[] } else { &report.findings });
    let (strangers, others): (Vec<_>, Vec<_>) =
        report.findings.iter().partition(|finding| !times.holds(finding) && is_strangers(finding));
    open::findings(&mut out, audit::in_reading_order(others), &mut times, &report.matched, |of| whom(&of.subject));
    of_submitters(&mut out, &strangers);
    pending(&mut out, &report.pending);
    not_judged(&mut out, Some(&coverage), if all { usize::MAX } else { ENTRIES_SHOWN_MAX });
    out
}

/// Allowed calls by who tells of what they did, the most first.
fn graded(calls: &[Matched]) -> String {
    let of = |grade: Grade| calls.iter().filter(|call| call.grade == grade).count();
    let rows = [
        (Grade::Seen, "seen by an observer of its own"),
        (Grade::Reported, "reported by Argo CD"),
        (Grade::Accepted, "known from their receipts"),
        (Grade::Decided, "known from their decisions"),
    ];
    let shown: Vec<_> = rows
        .into_iter()
        .filter(|(grade, _)| of(*grade) > 0)
        .map(|(grade, words)| format!("{} {words}", of(grade)))
        .collect();
    if shown.is_empty() { "none allowed".to_owned() } else { shown.join(", ") }
}

/// Findings that name nobody but a submitter, one block for each of their codes.
fn of_submitters(out: &mut String, findings: &[&Finding]) {
    let mut groups: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        groups.entry((&finding.subject.submitter, finding.rule, finding.effect)).or_default().push(finding);
    }
    for ((submitter, ..), group) in groups {
        let (first, more) = (group[0], group.len() - 1);
        if more == 0 {
            found(out, first, &whom(&first.subject));
            continue;
        }
        let entries: BTreeSet<LeafIndex> = group.iter().flat_map(|finding| &finding.entries).copied().collect();
        let name = escape(submitter.as_deref().unwrap_or_default());
        let at = listed(&entries, ENTRIES_SHOWN_MAX);
        let (severity, code, effect) = (first.severity.name(), first.rule.code, effect_words(first.effect));
        let _ = writeln!(
            out,
            "\n{severity}  {code}  {} times, submitted by {name}, entries {at}  ({effect})\n  the first: {}",
            more + 1,
            escape(&first.detail)
        );
        say_words(out, first);
        let _ = writeln!(out, "  each of them: --all");
    }
}

/// "entry 3", "entries 3, 4".
fn named(entries: &[LeafIndex]) -> String {
    let all: Vec<_> = entries.iter().map(ToString::to_string).collect();
    format!("{} {}", if all.len() == 1 { "entry" } else { "entries" }, all.join(", "))
}

/// Entries in one line, not more than so many of them.
fn listed(entries: &BTreeSet<LeafIndex>, most: usize) -> String {
    let shown: Vec<_> = entries.iter().take(most).map(ToString::to_string).collect();
    match entries.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// First of all, when there is more: what is said is of an older log than the
/// checkpoint at hand is of.
fn older(out: &mut String, as_of: Option<&AsOf>) {
    let Some(as_of) = as_of.filter(|as_of| as_of.beyond > 0) else { return };
    let more = count(usize::try_from(as_of.beyond).unwrap_or(usize::MAX), "later entry", "later entries");
    let words = format!("of the first {} only; the checkpoint proves {more}, not judged", as_of.size);
    line(out, "verdict", "older", &words);
}

fn line(out: &mut String, what: &str, word: &str, words: &str) {
    // Writing to a String never fails.
    let _ = writeln!(out, "  {what:<10} {word:<12} {words}");
}

fn reason(out: &mut String, check: &Check) {
    let code = if check.outcome == Outcome::Pass { String::new() } else { format!(" [{}]", check.code) };
    line(out, check.name, check.outcome.word(), &format!("{}{code}", escape(&check.detail)));
}

fn protocol_word(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::PassExceptNotChecked => "pass in part",
        Status::Fail => "FAIL",
    }
}

fn audit_word(status: AuditStatus) -> &'static str {
    match status {
        AuditStatus::Pass => "pass",
        AuditStatus::Fail => "FAIL",
        AuditStatus::Incomplete => "incomplete",
        AuditStatus::NotApplicable => "n/a",
        AuditStatus::NotAsked => "not asked",
    }
}

fn count(of: usize, one: &str, many: &str) -> String {
    if of == 1 { format!("1 {one}") } else { format!("{of} {many}") }
}

fn protocol_words(part: &ProtocolPart) -> String {
    if !part.lacks.is_empty() {
        let lists = part.lacks.join(", ");
        return format!("{}: nothing else fails, and no list says whose signature counts ({lists})", part.reason_code);
    }
    if part.status == Status::Fail {
        let at = part.field.as_deref().map(|field| format!(" at {}", escape(field))).unwrap_or_default();
        return format!("{}{at}", part.reason_code);
    }
    let tiers = [
        ("proof", part.proof_tier.map(ProofTier::name)),
        ("trust", part.trust_tier.map(TrustTier::name)),
        ("model", part.model_identity_tier.map(ModelIdentityTier::name)),
    ];
    let mut words: Vec<String> =
        tiers.into_iter().filter_map(|(label, tier)| Some(format!("{label} {}", tier?))).collect();
    words.push(
        match part.allowlists {
            Allowlists::Config => "gateways from the config file",
            Allowlists::Roots => "gateways from the pinned roots",
            Allowlists::None => "no gateways listed",
        }
        .to_owned(),
    );
    if !part.risk_flags.is_empty() {
        words.push(format!("flags {}", part.risk_flags.join(" ")));
    }
    if !part.not_checked.is_empty() {
        words.push(format!("not checked: {}", part.not_checked.join(" ")));
    }
    words.join(", ")
}

/// What a finding does to those whom it names. What cannot be decided is held
/// against nobody.
fn charge(effect: Effect, whom: &str) -> String {
    match effect {
        _ if whom.is_empty() => String::new(),
        Effect::Fails => format!("charged to: {whom}"),
        Effect::Incomplete => format!("leaves open: {whom}"),
        Effect::Shown => format!("is about: {whom}"),
    }
}

fn effect_words(effect: Effect) -> &'static str {
    match effect {
        Effect::Fails => "fails",
        Effect::Incomplete => "leaves it incomplete",
        Effect::Shown => "no effect on the verdict",
    }
}

fn found(out: &mut String, finding: &Finding, whom: &str) {
    let at = if finding.entries.is_empty() { String::new() } else { format!("  {}", named(&finding.entries)) };
    let causes: Vec<_> = finding.causes.iter().map(ToString::to_string).collect();
    // Where all of them cause it, nothing is told apart.
    let at = match causes.len() {
        0 => at,
        some if some == finding.entries.len() => at,
        _ => format!("{at}, caused by {}", causes.join(", ")),
    };
    let (severity, effect) = (finding.severity.name(), effect_words(finding.effect));
    let (word, effect) = match finding.is_undecided() {
        true => ("undecided", format!("{effect}; {severity} only if it stood")),
        false => (severity, effect.to_owned()),
    };
    let _ = writeln!(out, "\n{word}  {}{at}  ({effect})\n  {}", finding.rule.code, escape(&finding.detail));
    let charge = charge(finding.effect, whom);
    if !charge.is_empty() {
        let _ = writeln!(out, "  {charge}");
    }
    say_words(out, finding);
}

fn say_words(out: &mut String, finding: &Finding) {
    let words = finding.words();
    let _ = writeln!(out, "  why: {}\n  what to do: {}", words.why, escape(&words.what_to_do));
}

impl Outcome {
    /// 0 pass, 1 fail, 3 incomplete or not checked.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Incomplete | Self::NotChecked => 3,
        }
    }
}
