//! Change tickets of a job. A job is one change: evidence that names another
//! ticket could be shown in the ticket of something else. What is found moves
//! no verdict; the tool that links evidence in tickets refuses beside it.

use std::collections::BTreeMap;

use crate::artifact::ChangeRecord;
use crate::artifact::spelling::spelled;
use crate::audit::finding::{Findings, Subject};
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::Statement;
use crate::merkle::LeafIndex;

static TICKET_MISMATCH: Rule = Rule {
    code: "TICKET_MISMATCH",
    title: "A job names two change tickets",
    severity: Severity::Medium,
    effect: Effect::Shown,
    rationale: "A job is one change. Where its statements name different tickets, what was done for one can be shown as the evidence of the other.",
    what_to_do: "Ask who ordered the job which ticket is meant, and link its evidence there.",
    does_not_prove: "Which of the tickets is right, or that anybody meant to mislead.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[&TICKET_MISMATCH];

/// System and key.
type Ticket<'a> = (&'a str, &'a str);

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let bundles = scene.bundles.iter().map(|bundle| {
        let says = bundle.statement.payload.pulselog();
        (bundle.job, bundle.statement.at, says.change_system(), says.change_key())
    });
    let records = scene.facts.iter().filter_map(|fact| {
        let Statement { payload: says, at, .. }: Statement<'_, ChangeRecord<'_>> = fact.of_kind()?;
        Some((says.job(), at, says.change_system(), says.change_key()))
    });
    let mut named: BTreeMap<&str, BTreeMap<LeafIndex, Ticket<'_>>> = BTreeMap::new();
    for (job, at, system, key) in bundles.chain(records) {
        if let (Some(job), Some(system), Some(key)) = (spelled(job), system, key) {
            named.entry(job).or_default().insert(at, (system, key));
        }
    }
    for (job, named) in named {
        // The first that names each.
        let mut tickets: Vec<(Ticket<'_>, LeafIndex)> = Vec::new();
        for (at, ticket) in named {
            if tickets.iter().all(|(known, _)| *known != ticket) {
                tickets.push((ticket, at));
            }
        }
        if let [((system, key), _), ((other, another), _), ..] = tickets.as_slice() {
            let subject = Subject { job: Some(job.to_owned()), ..Subject::default() };
            let detail = format!("the job names {} tickets, first {system} {key} and {other} {another}", tickets.len());
            findings.add(&TICKET_MISMATCH, &subject, tickets.iter().map(|(_, at)| *at), detail);
        }
    }
}
