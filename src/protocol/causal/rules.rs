//! Rules C1 to C13 (PEERS 4.9): times, phases, confidence, references, reuse, cycles.
//! A pass over all entries ends before the next one starts.

use std::collections::{HashMap, HashSet};

use crate::artifact::json::Value;
use crate::protocol::causal::entry::{Entry, Spelled};
use crate::protocol::codes::{
    CAUSAL_CLOCK_CONTRADICTION, CAUSAL_CONFIDENCE_EVIDENCE_INCONSISTENT, CAUSAL_CONFIDENCE_OUT_OF_RANGE,
    CAUSAL_CYCLE_DETECTED, CAUSAL_PHASE_INVALID, CAUSAL_PHASE_TRANSITION_INVALID, CAUSAL_REFERENCE_DANGLING,
    CAUSAL_SPAN_REUSE_CONFLICT,
};
use crate::protocol::date;
use crate::protocol::gateway_receipt::PHASES;
use crate::protocol::verdict::{Failure, fail};

/// Which phase may follow which.
const STEPS: [(&str, &[&str]); 7] = [
    ("setup", &["setup", "planning"]),
    ("planning", &["planning", "reasoning", "execution"]),
    ("reasoning", &["reasoning", "execution", "observation"]),
    ("execution", &["execution", "observation", "reflection", "teardown"]),
    ("observation", &["observation", "reflection", "teardown"]),
    ("reflection", &["reflection", "teardown"]),
    ("teardown", &["teardown"]),
];

/// Most confidence without a link to another span.
const CEILING_LONE_SPAN: f64 = 0.5;

/// A span as its first receipt describes it; later ones are compared, never
/// merged.
pub(super) struct Meaning<'a> {
    pub(super) span: &'a str,
    pub(super) parent: Option<&'a str>,
    pub(super) tool: Option<&'a str>,
    pub(super) span_field: String,
    phase: Option<&'a str>,
    confidence: Option<f64>,
    time: Option<i64>,
    time_field: String,
    phase_field: String,
}

/// Runs C1 to C13 and gives the spans by first appearance.
pub(super) fn check<'a>(entries: &[Entry<'a>], known: &HashSet<&str>) -> Result<Vec<Meaning<'a>>, Failure> {
    entries.iter().try_for_each(|entry| check_alone(entry, known))?;
    let meanings = meanings(entries)?;
    check_steps(&meanings)?;
    check_cycles(entries)?;
    check_confidence(entries)?;
    Ok(meanings)
}

/// C1 to C7.
fn check_alone(entry: &Entry<'_>, known: &HashSet<&str>) -> Result<(), Failure> {
    let time = |value: Option<&Value>| value.map(|value| value.as_str().and_then(date::parse));
    let (timestamp, issued_at) = (time(entry.timestamp), time(entry.issued_at));
    if timestamp == Some(None) {
        return fail(CAUSAL_CLOCK_CONTRADICTION, entry.timestamp_field());
    }
    if issued_at == Some(None) {
        return fail(CAUSAL_CLOCK_CONTRADICTION, entry.issued_at_field());
    }
    if timestamp.flatten().zip(issued_at.flatten()).is_some_and(|(timestamp, issued)| timestamp > issued) {
        return fail(CAUSAL_CLOCK_CONTRADICTION, entry.timestamp_field());
    }
    if entry.phase.is_some_and(|phase| !phase.as_str().is_some_and(|phase| PHASES.contains(&phase))) {
        return fail(CAUSAL_PHASE_INVALID, entry.binding_field("phase"));
    }
    if let Some(confidence) = entry.confidence.filter(|confidence| !(0.0..=1.0).contains(&confidence.value)) {
        return fail(CAUSAL_CONFIDENCE_OUT_OF_RANGE, entry.binding_field(confidence.name));
    }
    for reference in [entry.parent, entry.tool].into_iter().flatten() {
        if !known.contains(reference.value) {
            return fail(CAUSAL_REFERENCE_DANGLING, entry.binding_field(reference.name));
        }
    }
    Ok(())
}

/// C8 and C9.
fn meanings<'a>(entries: &[Entry<'a>]) -> Result<Vec<Meaning<'a>>, Failure> {
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut meanings: Vec<Meaning<'a>> = Vec::new();
    for entry in entries {
        let Some(span) = entry.span else { continue };
        let this = meaning(entry, span);
        let Some(at) = index.get(span.value) else {
            index.insert(span.value, meanings.len());
            meanings.push(this);
            continue;
        };
        let first = &meanings[*at];
        if first.time.zip(this.time).is_some_and(|(a, b)| a != b) {
            return fail(CAUSAL_CLOCK_CONTRADICTION, this.time_field);
        }
        let conflict = differ(first.parent, this.parent)
            || differ(first.tool, this.tool)
            || differ(first.phase, this.phase)
            || differ(first.confidence, this.confidence);
        if conflict {
            return fail(CAUSAL_SPAN_REUSE_CONFLICT, this.span_field);
        }
    }
    Ok(meanings)
}

/// Whether both are given and not the same.
fn differ<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a != b)
}

fn meaning<'a>(entry: &Entry<'a>, span: Spelled<&'a str>) -> Meaning<'a> {
    let (time, time_field) = match entry.timestamp {
        Some(timestamp) => (timestamp, entry.timestamp_field()),
        None => (entry.issued_at.unwrap_or(&Value::Null), entry.issued_at_field()),
    };
    Meaning {
        span: span.value,
        parent: entry.parent.map(|parent| parent.value),
        tool: entry.tool.map(|tool| tool.value),
        span_field: entry.binding_field(span.name),
        phase: entry.phase.and_then(Value::as_str),
        confidence: entry.confidence.map(|confidence| confidence.value),
        time: time.as_str().and_then(date::parse),
        time_field,
        phase_field: entry.binding_field("phase"),
    }
}

/// C10 and C11.
fn check_steps(meanings: &[Meaning<'_>]) -> Result<(), Failure> {
    let by_span: HashMap<&str, &Meaning<'_>> = meanings.iter().map(|meaning| (meaning.span, meaning)).collect();
    for child in meanings {
        for cause in [child.parent, child.tool].into_iter().flatten() {
            let Some(cause) = by_span.get(cause) else { continue };
            if child.time.zip(cause.time).is_some_and(|(child, cause)| child < cause) {
                return fail(CAUSAL_CLOCK_CONTRADICTION, child.time_field.clone());
            }
            if cause.phase.zip(child.phase).is_some_and(|(from, to)| !may_follow(from, to)) {
                return fail(CAUSAL_PHASE_TRANSITION_INVALID, child.phase_field.clone());
            }
        }
    }
    Ok(())
}

fn may_follow(from: &str, to: &str) -> bool {
    STEPS.iter().any(|(phase, next)| *phase == from && next.contains(&to))
}

/// C12: no span is its own ancestor. The first parent of a span counts.
fn check_cycles(entries: &[Entry<'_>]) -> Result<(), Failure> {
    let mut parents: HashMap<&str, (&str, &Entry<'_>, &'static str)> = HashMap::new();
    let mut starts = Vec::new();
    for entry in entries {
        if let (Some(span), Some(parent)) = (entry.span, entry.parent) {
            parents.entry(span.value).or_insert_with(|| {
                starts.push(span.value);
                (parent.value, entry, parent.name)
            });
        }
    }
    let mut done: HashSet<&str> = HashSet::new();
    for start in starts {
        let mut walk: HashSet<&str> = HashSet::new();
        let mut span = start;
        while !done.contains(span) {
            let Some((parent, entry, name)) = parents.get(span) else { break };
            if !walk.insert(span) {
                return fail(CAUSAL_CYCLE_DETECTED, entry.binding_field(name));
            }
            span = parent;
        }
        done.extend(walk);
    }
    Ok(())
}

/// C13: no more confidence than the links of a receipt support.
fn check_confidence(entries: &[Entry<'_>]) -> Result<(), Failure> {
    let named: HashSet<&str> = entries
        .iter()
        .flat_map(|entry| [entry.parent, entry.tool])
        .flatten()
        .map(|reference| reference.value)
        .collect();
    for entry in entries {
        let Some(confidence) = entry.confidence else { continue };
        let is_named = entry.span.is_some_and(|span| named.contains(span.value));
        let ceiling = match entry.span {
            _ if entry.parent.is_some() || entry.tool.is_some() || is_named => 1.0,
            Some(_) => CEILING_LONE_SPAN,
            None => 0.0,
        };
        if confidence.value > ceiling {
            return fail(CAUSAL_CONFIDENCE_EVIDENCE_INCONSISTENT, entry.binding_field(confidence.name));
        }
    }
    Ok(())
}
