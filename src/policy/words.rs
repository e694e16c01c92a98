//! A policy in plain words, a line a clause, each with the place it stands for.
//! Words say what judging does; where it can only refuse, they say
//! [`NOT_UNDERSTOOD`].

use crate::policy::condition::Condition;
use crate::policy::customers::{ALLOW, AllowRow, Customers, DENY, DenyRow};
use crate::policy::registry_v1::RegistryV1;
use crate::policy::registry_v2::RegistryV2;
use crate::policy::statement::{Effect, Statement};
use crate::policy::{ACTIONS, Pinning, Policy, Rules};

/// The line of a clause that has no sentence.
pub const NOT_UNDERSTOOD: &str = "clause not understood: refuses";

const WHO: &str = "Agent";
const MAY: &str = "May";
const MAY_IF_APPROVED: &str = "May, if a person approved that exact act";
const NEVER: &str = "May never";
const ONLY_IF: &str = "Only if";
const ELSE: &str = "Everything else";
const TOKEN: &str = "Token";
const LEAVES: &str = "Must leave behind";
const NOT_JUDGED: &str = "Not judged here";

/// One line. Names in it are the policy's own: untrusted, unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What sort of clause; lines of one label stand together.
    pub label: &'static str,
    pub text: String,
    /// Where the clause stands in the payload, as `tools.argo_cd.allow[1]`;
    /// empty when the line is about what the policy leaves out.
    pub path: String,
}

pub(super) fn line(label: &'static str, text: impl Into<String>, path: impl Into<String>) -> Line {
    Line { label, text: text.into(), path: path.into() }
}

/// Every clause of `policy`, in the order people read: who, may, may if
/// approved, never, all else, tokens, evidence.
#[must_use]
pub fn clauses_in_words(policy: &Policy) -> Vec<Line> {
    let (mut clauses, closing) = match &policy.rules {
        Rules::Customers(rules) => (customers(rules), customers_closing(rules)),
        Rules::V1(rules) => (registry_v1(rules), Vec::new()),
        Rules::V2(rules) => (registry_v2(rules), Vec::new()),
    };
    let order = [WHO, MAY, MAY_IF_APPROVED, NEVER];
    clauses.sort_by_key(|line| order.iter().position(|label| *label == line.label));
    if let Some(parent) = policy.inherits() {
        clauses.push(line(ONLY_IF, format!("the policy {parent} of the same signer allows it too"), "inherits"));
    }
    clauses.push(line(ELSE, "is refused", ""));
    clauses.extend(closing);
    clauses.extend(policy.not_judged().iter().map(|name| line(NOT_JUDGED, name.replace('_', " "), *name)));
    clauses
}

fn customers(rules: &Customers) -> Vec<Line> {
    let who = format!("{} on {}, environment {}", rules.agent_name, rules.runtime, rules.environment);
    let mut lines = vec![line(WHO, who, "workload")];
    lines.extend(rules.allow.iter().enumerate().map(|(at, row)| allow_row(row, format!("{ALLOW}[{at}]"))));
    lines.extend(rules.deny.iter().enumerate().map(|(at, row)| deny_row(row, format!("{DENY}[{at}]"))));
    lines
}

fn allow_row(row: &AllowRow, path: String) -> Line {
    let label = if row.require_approval { MAY_IF_APPROVED } else { MAY };
    let Some(action) = row.action else { return line(NEVER, NOT_UNDERSTOOD, path) };
    let apps = format!("{} {}", action.row().verb, and(&row.apps));
    let instances = row.instances.as_ref().map(|names| format!(" on {}", and(names))).unwrap_or_default();
    let cluster = if row.cluster_scoped { ", and what it has outside any namespace (cluster-scoped)" } else { "" };
    line(label, format!("{apps} in {}{instances}{cluster}", and(&row.namespaces)), path)
}

fn deny_row(row: &DenyRow, path: String) -> Line {
    let Some(action) = row.action else { return line(NEVER, NOT_UNDERSTOOD, path) };
    let what = match &row.apps {
        Some(apps) => format!("{} {}", action.row().verb, and(apps)),
        None => action.row().phrase.to_owned(),
    };
    let place = row.namespaces.as_ref().map(|names| format!(" in {}", and(names))).unwrap_or_default();
    line(NEVER, what + &place, path)
}

fn customers_closing(rules: &Customers) -> Vec<Line> {
    let token = &rules.token;
    let scope = if token.scope_hash_required { "scope must match" } else { "scope need not match" };
    let pinning = match token.pinning {
        Pinning::Required => "must name this policy",
        Pinning::Optional => "need not name this policy",
    };
    let audit = &rules.audit;
    let mut lines = vec![
        line(TOKEN, format!("at most {}", duration(token.max_ttl_seconds)), "token.cst.max_ttl_seconds"),
        line(TOKEN, scope, "token.cst.scope_hash_required"),
        line(TOKEN, pinning, "token.cst.policy_hash_pinning"),
    ];
    if audit.require_gateway_receipts {
        lines.push(line(LEAVES, "a gateway receipt per model call", "audit.require_gateway_receipts"));
    }
    if audit.produce_proof_bundle {
        lines.push(line(LEAVES, "a proof bundle", "audit.produce_proof_bundle"));
    }
    lines
}

fn registry_v1(rules: &RegistryV1) -> Vec<Line> {
    let mut lines = Vec::new();
    if rules.providers.is_empty() {
        lines.push(line(NEVER, "call a model: no provider is listed", "allowed_providers"));
    }
    if rules.models.is_empty() {
        lines.push(line(NEVER, "call a model: no model is listed", "allowed_models"));
    }
    if lines.is_empty() {
        let of = or(&rules.providers);
        let models = rules.models.iter().enumerate();
        lines.extend(
            models.map(|(at, model)| {
                line(MAY, format!("call the model {model} of {of}"), format!("allowed_models[{at}]"))
            }),
        );
    }
    if let Some(tier) = &rules.minimum_tier {
        let text = format!("call a model whose identity is proven less than {}", tier.replace('_', " "));
        lines.push(line(NEVER, text, "minimum_model_identity_tier"));
    }
    lines.extend(rules.audit_packs.iter().enumerate().map(|(at, pack)| {
        let text = format!("call a model that is not proven to have passed audit {pack}");
        line(NEVER, text, format!("required_audit_packs[{at}]"))
    }));
    lines
}

fn registry_v2(rules: &RegistryV2) -> Vec<Line> {
    let statements = rules.statements.iter().enumerate();
    statements.map(|(at, statement)| statement_line(statement, format!("statements[{at}]"))).collect()
}

fn statement_line(statement: &Statement, path: String) -> Line {
    let understood = |conditions: &&Vec<Condition>| conditions.iter().all(Condition::is_understood);
    let Some(conditions) = statement.conditions.as_ref().filter(understood) else {
        return line(NEVER, NOT_UNDERSTOOD, path);
    };
    let actions: Vec<_> = statement.actions.iter().map(|action| action_in_words(action)).collect();
    let everywhere = statement.resources.iter().any(|resource| resource == "*" || resource == "**");
    let place = if everywhere { String::new() } else { format!(" on {}", or(&statement.resources)) };
    let asks = conditions.iter().any(Condition::asks_for_approval);
    let (label, known) = match (statement.effect, asks) {
        (Effect::Allow, true) => (MAY_IF_APPROVED, ""),
        (Effect::Allow, false) => (MAY, ""),
        (Effect::Deny, _) => (NEVER, ", or where that is not known"),
    };
    // The label of an allow says what the approval condition says.
    let said = |condition: &&Condition| !(label == MAY_IF_APPROVED && condition.asks_for_approval());
    let conditions: Vec<_> =
        conditions.iter().filter(said).map(|condition| condition.in_words().into_owned()).collect();
    let when = if conditions.is_empty() { String::new() } else { format!(", where {}{known}", and(&conditions)) };
    line(label, format!("{}{place}{when}", or(&actions)), path)
}

/// Patterns stay as they are written; a name is said.
fn action_in_words(pattern: &str) -> String {
    let phrase = ACTIONS.iter().find(|row| row.statement_names.contains(&pattern)).map(|row| row.phrase);
    match (pattern, phrase) {
        ("*" | "**", _) => "do anything".to_owned(),
        ("model:invoke", _) => "call a model".to_owned(),
        ("tool:execute", _) => "run a tool".to_owned(),
        (_, Some(phrase)) => phrase.to_owned(),
        (pattern, None) => format!("do {pattern}"),
    }
}

fn duration(seconds: i64) -> String {
    if seconds % 60 == 0 { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}

fn and(names: &[String]) -> String {
    listed(names, "and")
}

fn or(names: &[String]) -> String {
    listed(names, "or")
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[String], word: &str) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} {word} {last}", most.join(", ")),
    }
}
