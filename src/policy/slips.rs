//! Clauses that do nothing, perhaps by a slip of whoever wrote them. A log takes
//! them, and no judgement changes by them.

use crate::policy::customers::{ALLOW, Customers, DENY, DenyRow};
use crate::policy::registry_v2::RegistryV2;
use crate::policy::statement::Effect;
use crate::policy::words::{Line, line};
use crate::policy::{ACTIONS, Policy, Rules};

const LOOK_AT: &str = "Look at";
/// How the names of actions on Argo CD begin.
const ARGO: &str = "argocd:";

/// Whoever runs a tool: matched for a Deny alone (JUDGING 5.6).
const TOOL: &str = "tool:execute";

/// Each in plain words, with its place.
#[must_use]
pub fn slips(policy: &Policy) -> Vec<Line> {
    match &policy.rules {
        Rules::Customers(rules) => dead_rows(rules),
        Rules::V1(_) => Vec::new(),
        Rules::V2(rules) => idle_actions(rules),
    }
}

/// Allow rows of an action that a row denies for everything.
fn dead_rows(rules: &Customers) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, row) in rules.allow.iter().enumerate() {
        let denies = |deny: &DenyRow| {
            deny.apps.is_none() && deny.namespaces.is_none() && deny.action.is_none_or(|own| Some(own) == row.action)
        };
        if let Some(denied) = rules.deny.iter().position(denies) {
            lines.push(line(LOOK_AT, format!("allows nothing: {DENY}[{denied}] denies it"), format!("{ALLOW}[{at}]")));
        }
    }
    lines
}

/// Names that match nothing: a Deny that is misspelled denies nothing.
fn idle_actions(rules: &RegistryV2) -> Vec<Line> {
    let is_known =
        |name: &str| ACTIONS.iter().any(|row| row.statement_names.contains(&name) || row.included_in.contains(&name));
    let mut lines = Vec::new();
    for (at, statement) in rules.statements.iter().enumerate() {
        for (place, action) in statement.actions.iter().enumerate() {
            let place = format!("statements[{at}].actions[{place}]");
            if action == TOOL && statement.effect == Effect::Allow {
                let text =
                    format!("{TOOL} allows nothing on Argo CD, it only denies; name argocd:app:sync and the like");
                lines.push(line(LOOK_AT, text, place));
                continue;
            }
            if action.starts_with(ARGO) && !action.contains(['*', '?']) && !is_known(action) {
                let text = format!("{action} is the name of no action on Argo CD, so it matches none");
                lines.push(line(LOOK_AT, text, place));
            }
        }
    }
    lines
}
