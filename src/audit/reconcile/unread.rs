//! Parts of the server's log that nobody read: nothing else shows what Argo CD
//! refused, so what was refused then is hidden.
//!
//! ```text
//! part─part─part     nobody reads     part─part     nobody reads ── the log's last entry
//! ```
//!
//! Times are the server's own. An instance whose log nobody ever read has no
//! such time: that is coverage. So is one part alone. A refused call changes
//! nothing, so jobs pass beside such a time, and say so (`reach`).

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::time::unix_ms;
use crate::artifact::{ArgocdObservation, Payload};
use crate::audit::SKEW_MS;
use crate::audit::finding::{Findings, Subject};
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::Statement;
use crate::audit::windows::{NAMED_MAX, READ_MS, latest_of};
use crate::merkle::LeafIndex;

pub(super) static SERVER_LOG_GAP: Rule = Rule {
    code: "SERVER_LOG_GAP",
    title: "Nobody read the server's log meanwhile",
    severity: Severity::Medium,
    effect: Effect::Incomplete,
    rationale: "Whoever reads argocd-server's log says which parts of it were read, and of this time nobody says so: a call \
                that was refused then stands nowhere else. The finding names the time, by the server's clock. It is \
                charged to who read it, and once, with the first such times, to each agent with a user on that instance; a refused call changes nothing, so jobs pass \
                beside it and say that they do. An instance whose log nobody ever read is coverage.",
    what_to_do: "Feed that time of the server's log to pulselog argocd ingest-log: lines may be read again.",
    does_not_prove: "That anything was refused meanwhile.",
    rests_on: NOTHING,
};

const PIECES: &str = "server's log read: these parts begin and end what was read without a gap";
const NO_JSON: &str = "lines of the server's log that are no JSON, in these parts";
const UNNAMED: &str = "refused calls in the server's log that name nobody, in these parts";
const NEVER: &str = "server's log of an instance where agents have users, of which no part was read";

/// A part that was read, or several without a gap.
struct Piece<'s, 'a> {
    from: i64,
    until: i64,
    first: &'s Part<'a>,
    last: &'s Part<'a>,
}

/// A time that nobody read: the part before it, and the one after it.
type Gap<'s, 'a> = (&'s Part<'a>, Option<&'s Part<'a>>);

type Part<'a> = Statement<'a, ArgocdObservation<'a>>;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let mut parts: BTreeMap<&str, Vec<Part<'_>>> = BTreeMap::new();
    for fact in &scene.facts {
        let Payload::ArgocdObservation(says) = fact.payload else { continue };
        let Some(instance) = says.instance().filter(|_| says.event() == Some("log_read")) else { continue };
        let whose = Subject { submitter: Some(fact.submitter().to_owned()), ..Subject::default() };
        for (what, count) in [(NO_JSON, says.unread()), (UNNAMED, says.unnamed())] {
            if count.is_some_and(|count| count > 0) {
                findings.uncover(what, &whose, fact.at);
            }
        }
        parts.entry(instance).or_default().push(fact.read_as(says));
    }
    never(scene, &parts, findings);
    for (instance, parts) in &parts {
        of_instance(scene, instance, parts, findings);
    }
}

fn never(scene: &Scene<'_>, parts: &BTreeMap<&str, Vec<Part<'_>>>, findings: &mut Findings) {
    let Some((at, roots)) = scene.roots.last() else { return };
    if roots.instances_of_agents().any(|instance| !parts.contains_key(instance)) {
        findings.uncover(NEVER, &Subject::default(), *at);
    }
}

fn of_instance(scene: &Scene<'_>, instance: &str, parts: &[Part<'_>], findings: &mut Findings) {
    let pieces = pieces(parts);
    for part in pieces.iter().flat_map(|piece| [piece.first, piece.last]) {
        let whose = Subject { submitter: Some(part.submitter().to_owned()), ..Subject::default() };
        findings.uncover(PIECES, &whose, part.at);
    }
    // Who reads but one of them sees no gap.
    let Some(last) = pieces.last().filter(|_| parts.len() > 1) else { return };
    let ended = pieces.iter().zip(pieces.iter().skip(1)).map(|(before, after)| (before.last, Some(after.first)));
    let is_over = scene.now_ms().saturating_sub(last.until) > READ_MS.saturating_add(SKEW_MS);
    let gaps: Vec<_> = ended.chain(is_over.then_some((last.last, None))).collect();
    let mut of_agents: BTreeMap<&str, Vec<&Gap<'_, '_>>> = BTreeMap::new();
    for gap in &gaps {
        // Beside who read it, it is of none of an agent's jobs.
        findings.add(&SERVER_LOG_GAP, &by(gap.0), entries(gap), time_of(instance, gap));
        agents_then(scene, instance, gap).into_iter().for_each(|agent| of_agents.entry(agent).or_default().push(gap));
    }
    for (agent, gaps) in of_agents {
        tell(instance, agent, &gaps, findings);
    }
}

/// What was read without a gap, in the order of the server's clock. A part that
/// ends long after it was logged is of no time that anybody could have read.
fn pieces<'s, 'a>(parts: &'s [Part<'a>]) -> Vec<Piece<'s, 'a>> {
    let times = parts.iter().filter_map(|part| {
        let (from, until) =
            part.payload.read_from().and_then(unix_ms).zip(part.payload.read_until().and_then(unix_ms))?;
        (until <= part.ms().saturating_add(SKEW_MS)).then_some(Piece { from, until, first: part, last: part })
    });
    let mut times: Vec<_> = times.collect();
    times.sort_by_key(|piece| (piece.from, piece.until, piece.first.at));
    let mut pieces: Vec<Piece<'_, '_>> = Vec::new();
    for next in times {
        match pieces.last_mut().filter(|piece| next.from <= latest_of(piece.until)) {
            Some(piece) if next.until > piece.until => (piece.until, piece.last) = (next.until, next.last),
            Some(_) => {}
            None => pieces.push(next),
        }
    }
    pieces
}

fn by(part: &Part<'_>) -> Subject {
    Subject { submitter: Some(part.submitter().to_owned()), ..Subject::default() }
}

fn entries(gap: &Gap<'_, '_>) -> impl Iterator<Item = LeafIndex> {
    [Some(gap.0), gap.1].into_iter().flatten().map(|part| part.at)
}

fn time_of(instance: &str, (before, after): &Gap<'_, '_>) -> String {
    let since = before.payload.read_until().unwrap_or_default();
    match after.and_then(|after| after.payload.read_from()) {
        Some(until) => format!("nobody read the server's log of {instance} from {since} to {until}"),
        None => format!("nobody has read the server's log of {instance} since {since}"),
    }
}

/// Agents with a user there, by any roots in force meanwhile, by the clocks of both.
fn agents_then<'a>(scene: &Scene<'a>, instance: &str, (before, after): &Gap<'_, 'a>) -> BTreeSet<&'a str> {
    let ms = |said: Option<&str>| said.and_then(unix_ms);
    let from = ms(before.payload.read_until()).map_or(i64::MIN, |ms| ms.saturating_sub(SKEW_MS));
    let until = after.and_then(|after| ms(after.payload.read_from())).map_or(i64::MAX, |ms| ms.saturating_add(SKEW_MS));
    scene.roots_within(from, until).iter().flat_map(|(_, roots)| roots.agents_at(instance)).collect()
}

/// One finding of an agent, however many such times there are: each stands in a
/// finding of its own beside, charged to who read.
fn tell(instance: &str, agent: &str, gaps: &[&Gap<'_, '_>], findings: &mut Findings) {
    let Some(first) = gaps.first() else { return };
    let whose = Subject { agent: Some(agent.to_owned()), ..by(first.0) };
    let named = gaps.iter().take(NAMED_MAX);
    let entries: BTreeSet<LeafIndex> = named.clone().flat_map(|gap| entries(gap)).collect();
    let mut detail = named.map(|gap| time_of(instance, gap)).collect::<Vec<_>>().join("; ");
    if let Some(more) = gaps.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        detail += &format!("; and {more} times more");
    }
    findings.add(&SERVER_LOG_GAP, &whose, entries, detail);
}
