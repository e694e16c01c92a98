//! The project's audit over what the simulator says, held against the truth.
//! Only this file of the week knows the project.

use std::collections::BTreeSet;

use pulselog::artifact::{Did, Grant, KeyCache, Limits, admit};
use pulselog::audit::{Coverage, Effect, Finding, Report, Scope, Timeline, Verdict, audit};
use pulselog::entry::{LoggedAt, PendingEntry, SubmitterName};
use pulselog::merkle::LeafIndex;

use super::Week;
use super::guilt::{Plant, Sight};
use super::jobs::TTL;
use super::world::{App, HOUR, MINUTE, back, is_away};
use crate::make::kind;

/// What coverage says of times without a look, and of ids that no report has.
const UNSEEN: &str = "no snapshot between";
const UNREPORTED: &str = "entries of the history";
/// What leaves open what such a time may hide.
const GAP: &str = "COVERAGE_GAP";
/// How it begins where nobody looks any more.
const ENDLESS: &str = "nobody has looked at this instance since";
/// What leaves open what a part of the server's log hides that nobody read.
const UNREAD: &str = "SERVER_LOG_GAP";

/// Entries, and when each was logged, in truth.
pub struct Log {
    pub timeline: Timeline,
    pub at: Vec<i64>,
}

/// How a plant came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Found,
    /// Every channel lost it; the report says where nobody looked, and passes
    /// nothing that it is of.
    Named,
    /// The same, but what it is of passes.
    Passed,
    /// The application stood still when it should have moved, was seen to, and
    /// moved later for another reason.
    MovedOn,
    /// It was seen and not found, or lost without a word where a word is owed.
    Missed,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Named => "named, open",
            Self::Passed => "GAP: named, passes",
            Self::MovedOn => "GAP: moved on",
            Self::Missed => "MISSED",
        }
    }
}

pub struct Judged {
    pub false_findings: Vec<String>,
    pub plants: Vec<(&'static str, Outcome, String)>,
    pub verdict: Verdict,
    pub entries: usize,
    /// Applications that a time without a look leaves open, and of these the ones
    /// that no plant is of: nobody can tell that nothing was done there.
    pub open: usize,
    pub open_in_honesty: usize,
    /// The same of jobs.
    pub open_jobs: usize,
    pub open_jobs_in_honesty: usize,
    pub jobs: usize,
}

/// Admits what was said, in order, as a log does: the same again is no entry.
pub fn log(week: &mut Week) -> Log {
    let keys = KeyCache::new();
    let (mut seen, mut at, mut timeline) = (BTreeSet::new(), Vec::new(), Timeline::default());
    let said = std::mem::take(&mut week.world.said);
    for said in said {
        let bare = if said.text.starts_with(r#"{"action"#) || said.text.contains(r#""argocd_observation_version":"#) {
            Some("argocd_observation")
        } else {
            said.text.contains(r#""argocd_snapshot_version":"#).then_some("argocd_snapshot")
        };
        let grant = bare.map_or_else(Grant::all, |name| Grant::any_unsigned(kind(name)));
        let admitted = admit(said.text.as_bytes(), &grant, &Limits::default(), &keys)
            .unwrap_or_else(|error| panic!("{error} in {}", said.text));
        let submitter = SubmitterName::parse(&said.submitter).expect("a name");
        let logged_at = LoggedAt::from_unix_ms(week.world.clock("log", said.at).unsigned_abs());
        let receipts = admitted.expanded.into_iter().map(|receipt| (receipt, None));
        for (artifact, root) in receipts.chain([(admitted.artifact, admitted.receipts)]) {
            let pending = PendingEntry::new(artifact.clone(), root, submitter.clone());
            if seen.insert(pending.identity().as_bytes().to_vec()) {
                timeline.add(LeafIndex::new(at.len() as u64), pending.sequence(logged_at), Some(artifact));
                at.push(said.at);
            }
        }
    }
    Log { timeline, at }
}

pub fn judge(week: &mut Week) -> Judged {
    let log = log(week);
    let operator = Did::parse(&week.world.keys.did("operator")).expect("a did");
    let report = audit(&log.timeline, Some(&operator));
    let plants = &week.plants;
    let is_explained = |finding: &Finding| {
        is_true_of_the_reader(week, &log, finding)
            || plants.iter().any(|plant| {
                let codes = plant.kind.codes.iter().chain(plant.kind.beside);
                codes.copied().any(|code| code == finding.rule.code) && is_of(week, &log, plant, finding)
            })
    };
    let (gaps, others): (Vec<_>, Vec<_>) = report.findings.iter().partition(|finding| finding.rule.code == GAP);
    let others = others.into_iter().filter(|finding| !is_explained(finding));
    let untrue = gaps.iter().copied().filter(|gap| !is_true_gap(week, &log, gap));
    let mut false_findings: Vec<String> = others.chain(untrue).map(|finding| told(&log, finding)).collect();
    let open: BTreeSet<_> = gaps.iter().filter_map(|gap| gap.subject.app.clone()).collect();
    let planted: BTreeSet<_> = plants.iter().map(|plant| week.world.apps[plant.app].scope()).collect();
    let open_in_honesty = open.difference(&planted).count();
    let open_jobs: BTreeSet<_> = gaps.iter().filter_map(|gap| gap.subject.job.clone()).collect();
    let planted: BTreeSet<_> = plants.iter().filter_map(|plant| plant.job.clone()).collect();
    let open_jobs_in_honesty = open_jobs.difference(&planted).count();
    false_findings.extend(report.pending.iter().map(|pending| format!("still pending: {pending:?}")));
    let plants = plants.iter().map(|plant| {
        let (outcome, why) = outcome(week, &log, &report, plant);
        (plant.kind.name, outcome, why)
    });
    let (plants, verdict, entries) = (plants.collect(), report.verdict, log.at.len());
    let (open, open_jobs, jobs) = (open.len(), open_jobs.len(), report.jobs.len());
    Judged { false_findings, plants, verdict, entries, open, open_in_honesty, open_jobs, open_jobs_in_honesty, jobs }
}

/// Whether the poller was blind in the time that a gap names, and the application
/// moved in it; of a job or an agent: whether a token of it lived then, and
/// anything moved.
fn is_true_gap(week: &Week, log: &Log, gap: &Finding) -> bool {
    let (world, subject) = (&week.world, &gap.subject);
    let at = |index: Option<&LeafIndex>| index.map(|index| log.at[index.get() as usize]);
    let Some((from, last)) = at(gap.entries.first()).zip(at(gap.entries.last())) else { return false };
    let is_to_the_end = gap.detail.starts_with(ENDLESS);
    let to = if is_to_the_end { log.at.last().copied().unwrap_or(last) } else { last };
    // What is logged was seen a little before.
    let within = |from: i64, at: i64| (from - 2 * MINUTE..=to).contains(&at);
    let away = [&world.away.poller, &world.away.server, &world.away.us];
    let is_blind = away.into_iter().flatten().any(|(left, back)| *left < to && from - 2 * MINUTE < *back);
    let has_moved = |app: &App| {
        app.ops.iter().map(|op| &world.ops[*op]).any(|op| within(from, op.started) || within(from, op.ended))
            || app.flips.iter().any(|(at, _)| within(from, *at))
            || app.spec_changes.iter().any(|at| within(from, *at))
    };
    // Clocks, and the time that an operation may take to begin.
    let is_alive = |since: i64| since - 10 * MINUTE < to && from < since + TTL + 10 * MINUTE;
    let is_its = |(job, agent, since): &&(String, usize, i64)| {
        let did = &world.agents[*agent].did;
        is_alive(*since) && (subject.job.as_ref() == Some(job) || subject.agent.as_ref() == Some(did))
    };
    let is_moved = match &subject.app {
        Some(_) => world.apps.iter().any(|app| Some(app.scope()) == subject.app && has_moved(app)),
        None => world.tokens.iter().find(is_its).is_some() && world.apps.iter().any(has_moved),
    };
    // Who looked, alone, stands for what moved there at all; and to the end all is hidden.
    let is_of_the_log = subject.app.is_none() && subject.job.is_none() && subject.agent.is_none();
    is_blind && (is_moved || is_to_the_end || (is_of_the_log && world.apps.iter().any(has_moved)))
}

/// The time, in truth, that a finding says nobody read the server's log.
fn unread(log: &Log, finding: &Finding, off: i64) -> Option<(i64, i64)> {
    let [before, after] = finding.entries[..] else { return None };
    between(log, before, after, off)
}

/// From the end of one part to the beginning of another.
fn between(log: &Log, before: LeafIndex, after: LeafIndex, off: i64) -> Option<(i64, i64)> {
    let time = |at: LeafIndex, name: &str| {
        let body = log.timeline.get(at).and_then(|seen| seen.body.as_ref())?;
        body.payload().text_at(name)?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
    };
    Some((time(before, "until")? - off, time(after, "from")? - off))
}

/// Whether nobody read the server's log in the time that a finding names, and
/// hardly longer: lines come every half a minute, and its server may be away.
fn is_true_of_the_reader(week: &Week, log: &Log, finding: &Finding) -> bool {
    let away = &week.world.away.reader;
    if finding.rule.code == UNREAD && finding.subject.agent.is_some() {
        // Of each agent once, however often nobody read: each time is a finding beside.
        let ends = finding.entries.first().zip(finding.entries.last());
        let times = ends.and_then(|(first, last)| between(log, *first, *last, week.off));
        return times.is_some_and(|(from, to)| away.iter().any(|(left, back)| *left < to && from < *back));
    }
    let Some((from, to)) = unread(log, finding, week.off).filter(|_| finding.rule.code == UNREAD) else { return false };
    let first = away.iter().filter(|(left, back)| *left < to && from < *back).map(|(left, _)| *left).min();
    let last = away.iter().filter(|(left, back)| *left < to && from < *back).map(|(_, back)| *back).max();
    first.is_some_and(|left| left - 4 * MINUTE < from) && last.is_some_and(|back| to < back + 4 * MINUTE)
}

fn told(log: &Log, finding: &Finding) -> String {
    let entries: Vec<String> = finding
        .entries
        .iter()
        .map(|index| {
            let seen = log.timeline.prefix(log.timeline.size()).nth(usize::try_from(index.get()).expect("small"));
            let body = seen.and_then(|(_, seen)| seen.body.as_ref().map(|body| body.compact().into_owned()));
            format!("  {} at {}: {}", index.get(), log.at[index.get() as usize], body.unwrap_or_default())
        })
        .collect();
    let Finding { rule, effect, subject, detail, .. } = finding;
    format!("{} {effect:?} {subject:?} {detail}\n{}", rule.code, entries.join("\n"))
}

/// Whether a finding is about this plant: its application, else its job, else
/// its agent, and about its time.
fn is_of(week: &Week, log: &Log, plant: &Plant, finding: &Finding) -> bool {
    let subject = &finding.subject;
    let mut apps = vec![week.world.apps[plant.app].scope()];
    apps.extend(plant.op.map(|op| week.world.apps[week.world.ops[op].app].scope()));
    let is_shared = plant.kind.name == "shared_name";
    let is_whose = match (&subject.app, &subject.job, &subject.agent) {
        (_, Some(job), _) if Some(job) == plant.job.as_ref() => true,
        (Some(app), ..) => apps.contains(app) || (is_shared && finding.rule.code == "IDENTITY_SHARED"),
        // An operation names no job: others of its agent's and time are left open by it.
        (None, Some(job), _) => {
            Some(job) == plant.job.as_ref()
                || (finding.effect == Effect::Incomplete && are_reports_of(log, finding, &apps))
        }
        (None, None, Some(agent)) => plant.agent.as_ref().is_some_and(|of| are_of_one_name(week, of, agent)),
        (None, None, None) => plant.agent.is_none(),
    };
    // What the poller was away for, it tells when it is back.
    let mut seen = plant.to;
    while is_away(&week.world.away.poller, seen) {
        seen = back(&week.world.away.poller, seen);
    }
    let is_then = finding.entries.iter().any(|index| {
        let at = log.at[index.get() as usize];
        (plant.from - HOUR..seen + 3 * HOUR).contains(&at)
    });
    is_whose && (is_then || is_shared)
}

/// Whether a finding names reports of operations, or of refused calls, of these
/// applications and nothing else.
fn are_reports_of(log: &Log, finding: &Finding, apps: &[String]) -> bool {
    finding.entries.iter().all(|index| {
        let body = log.timeline.get(*index).and_then(|seen| seen.body.as_ref());
        let text = |path: &str| body.and_then(|body| body.payload().text_at(path));
        // A refused call says project and name of its application.
        let name = text("app.name").or_else(|| text("object")?.split_once('/').map(|(_, name)| name));
        let app = text("instance").zip(name);
        app.is_some_and(|(instance, name)| apps.contains(&format!("{instance}/argocd/{name}")))
    })
}

/// One agent, or two of whom nobody can tell which it was.
fn are_of_one_name(week: &Week, one: &str, other: &str) -> bool {
    let name = |did: &str| week.world.agents.iter().find(|agent| agent.did == did).map(|agent| &agent.username);
    name(one).is_some() && name(one) == name(other)
}

fn outcome(week: &Week, log: &Log, report: &Report, plant: &Plant) -> (Outcome, String) {
    let found = report
        .findings
        .iter()
        .find(|finding| plant.kind.codes.contains(&finding.rule.code) && is_of(week, log, plant, finding));
    if let Some(found) = found {
        return match wrong_scope(report, plant, found) {
            Some(wrong) => (Outcome::Missed, wrong),
            None => (Outcome::Found, found.rule.code.to_owned()),
        };
    }
    if is_seen(week, plant) {
        if plant.kind.sight == Sight::Looks && has_moved(week, plant) {
            return (Outcome::MovedOn, "looks before and after its time are alike".to_owned());
        }
        return (Outcome::Missed, format!("{} at {}, seen", week.world.apps[plant.app].scope(), plant.from));
    }
    if plant.kind.sight == Sight::Line {
        return unread_line(week, log, report, plant);
    }
    let app = week.world.apps[plant.app].scope();
    let named = report.coverage.iter().find(|row| {
        let is_its = row.subject.app.as_ref().is_none_or(|of| *of == app);
        let is_gap = match plant.kind.sight {
            Sight::Statements | Sight::Line => false,
            Sight::Looks | Sight::Flips => row.what.starts_with(UNSEEN),
            Sight::Report | Sight::Entry => row.what.starts_with(UNSEEN) || row.what.starts_with(UNREPORTED),
        };
        is_its && is_gap && is_between(log, row, plant)
    });
    // Left open for a reason of its own, and not for another plant's.
    let is_open = report.of(&Scope::App(app.clone())).verdict > Verdict::Pass
        && plant.job.as_ref().is_none_or(|job| report.job(job) > Verdict::Pass)
        && report.findings.iter().any(|finding| finding.effect != Effect::Shown && is_of(week, log, plant, finding));
    match named {
        Some(row) if !is_open => (Outcome::Passed, row.what.to_owned()),
        Some(row) => (Outcome::Named, row.what.to_owned()),
        None => (Outcome::Missed, format!("{app} at {}: lost, and nothing says so", plant.from)),
    }
}

/// A refused call in a part of the server's log that nobody read.
fn unread_line(week: &Week, log: &Log, report: &Report, plant: &Plant) -> (Outcome, String) {
    let at = plant.refusal.map_or(plant.from, |refusal| week.world.refusals[refusal].at);
    let named = report.findings.iter().find(|finding| {
        let holds = |(from, to): (i64, i64)| (from..=to).contains(&at);
        finding.rule.code == UNREAD && unread(log, finding, week.off).is_some_and(holds)
    });
    let is_open = plant.agent.clone().is_some_and(|agent| report.of(&Scope::Agent(agent)).verdict > Verdict::Pass);
    match named {
        Some(named) if is_open && report.verdict > Verdict::Pass => (Outcome::Named, named.rule.code.to_owned()),
        Some(named) => (Outcome::Passed, named.rule.code.to_owned()),
        None => (Outcome::Missed, "a line that nobody read, and nothing says so".to_owned()),
    }
}

/// Whether the plant fell into one of the intervals that a row names by the
/// entries at their two ends.
fn is_between(log: &Log, row: &Coverage, plant: &Plant) -> bool {
    let at: Vec<i64> = row.entries.iter().map(|index| log.at[index.get() as usize]).collect();
    let holds = |ends: &[i64]| ends.len() == 2 && ends[0] <= plant.to && plant.from <= ends[1];
    // One gap right after another shares an end with it.
    if at.len().is_multiple_of(2) { at.chunks(2).any(holds) } else { at.windows(2).any(holds) }
}

/// The scopes that a finding moves: the log, the application, the agent.
fn wrong_scope(report: &Report, plant: &Plant, found: &Finding) -> Option<String> {
    let least = match found.effect {
        Effect::Fails => Verdict::Fail,
        Effect::Incomplete => Verdict::Incomplete,
        Effect::Shown => return None,
    };
    let mut scopes = vec![Scope::Log];
    scopes.extend(found.subject.app.clone().map(Scope::App));
    scopes.extend(plant.agent.clone().filter(|agent| found.subject.agent.as_ref() == Some(agent)).map(Scope::Agent));
    let weak = scopes.into_iter().find(|scope| report.of(scope).verdict < least)?;
    Some(format!("{} does not move {weak}", found.rule.code))
}

/// Whether something ran before the last look at the application.
fn has_moved(week: &Week, plant: &Plant) -> bool {
    let of_app = || week.looks.iter().filter(|look| look.0 == plant.app);
    let before = of_app().rfind(|look| look.1 < plant.from);
    before.zip(of_app().next_back()).is_some_and(|(before, last)| before.2 != last.2)
}

/// Whether any channel showed what it takes.
fn is_seen(week: &Week, plant: &Plant) -> bool {
    let op = plant.op.map(|op| &week.world.ops[op]);
    match plant.kind.sight {
        Sight::Statements => true,
        Sight::Report => op.is_some_and(|op| op.is_seen),
        Sight::Entry => op.is_some_and(|op| op.is_seen || op.is_in_history),
        Sight::Line => plant.refusal.is_some_and(|refusal| week.world.refusals[refusal].is_seen),
        Sight::Flips => plant.is_seen,
        Sight::Looks => {
            let of_app = || week.looks.iter().filter(|look| look.0 == plant.app);
            let before = of_app().rfind(|look| look.1 < plant.from);
            // Its window is over by anybody's clock.
            let after = of_app().find(|look| look.1 > plant.to + 15 * MINUTE);
            before.zip(after).is_some_and(|(before, after)| before.2 == after.2 && before.3 == after.3)
        }
    }
}
