//! What a rule says of itself. Each group keeps its own rows.

use serde::Serialize;

use crate::audit::{
    agent_receipts, alone, approvals, attestation, bundles, calls, decisions, distrust, observed, policies, pulses,
    replays, shortfall, spelled, tokens, trust,
};

/// How bad a finding is, as `audit_statement` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// As `audit_statement` spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// What a finding does to the verdict of the job or run it is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing: it is shown.
    Shown,
    Incomplete,
    Fails,
}

/// A row: a code and what it means in words.
#[derive(Debug)]
pub struct Rule {
    /// Stable; the registry's name where it has one.
    pub code: &'static str,
    pub title: &'static str,
    pub severity: Severity,
    pub effect: Effect,
    /// Why it matters, in one sentence.
    pub rationale: &'static str,
    pub what_to_do: &'static str,
    pub does_not_prove: &'static str,
}

/// Every rule, by group, in the order in which they are checked.
pub static RULE_GROUPS: &[&[&Rule]] = &[
    trust::RULES,
    distrust::RULES,
    tokens::RULES,
    spelled::RULES,
    policies::RULES,
    approvals::RULES,
    decisions::RULES,
    observed::RULES,
    bundles::RULES,
    calls::RULES,
    agent_receipts::RULES,
    pulses::RULES,
    replays::RULES,
    attestation::RULES,
    alone::RULES,
    shortfall::RULES,
];

/// The rule with this code.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Rule> {
    RULE_GROUPS.iter().copied().flatten().copied().find(|rule| rule.code == code)
}
