//! What one account says of one act, member beside member: a receipt with its
//! own status and application, and the reports of one operation with each
//! other. Whoever is wrong, they cannot all be true, and that leaves it open.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::json::{Value, to_jcs};
use crate::audit::accounts::CONTRADICTING_ACCOUNTS;
use crate::audit::finding::Findings;
use crate::audit::rule::Severity;
use crate::audit::scene::Scene;
use crate::audit::statement::{Decision, Receipt, Statement};
use crate::merkle::LeafIndex;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for decision in scene.decisions.iter().filter(|decision| decision.is_allow) {
        let mut say = |entries: BTreeSet<LeafIndex>, detail: String| {
            let entries = entries.into_iter().chain([decision.statement.at]);
            findings.leave_open(&CONTRADICTING_ACCOUNTS, Severity::High, &decision.subject(), entries, detail);
        };
        // What was refused, or not sent, may be about anything that was met.
        for receipt in scene.receipts_of(decision).filter(|receipt| receipt.is_sure()) {
            let at = receipt.statement.at;
            if let Some(detail) = refusal(receipt) {
                say(BTreeSet::from([at]), detail);
            }
            if let Some(other) = other_application(scene, decision, receipt) {
                let detail = "the receipt says that Argo CD took the call, and names another application";
                say(other.into_iter().chain([at]).collect(), detail.to_owned());
            }
        }
        let keys: BTreeSet<_> = scene.operations_of(decision).filter_map(Statement::op_key).collect();
        for key in keys {
            for (entries, what) in unlike(scene.reports_of(key)) {
                say(entries, format!("reports of one operation do not agree on {what}"));
            }
        }
    }
}

/// What an accepted call cannot have been answered with, in words.
fn refusal(receipt: &Receipt<'_>) -> Option<String> {
    let number = |name: &str| receipt.statement.payload.get(name).and_then(Value::as_i64);
    let http = number("http_status").filter(|status| *status >= 400).map(|status| format!("HTTP status {status}"));
    let grpc = number("grpc_code").filter(|code| *code != 0).map(|code| format!("gRPC code {code}"));
    let answers: Vec<_> = http.into_iter().chain(grpc).collect();
    (!answers.is_empty()).then(|| format!("the receipt says accepted, and gives {}", answers.join(" and ")))
}

/// Whether the receipt is about another application than the decision; or than
/// the operation that it names, where the decision is about none.
fn other_application(scene: &Scene<'_>, decision: &Decision<'_>, receipt: &Receipt<'_>) -> Option<Vec<LeafIndex>> {
    let named = receipt.statement.text("app_uid")?;
    if let Some(decided) = decision.statement.text("binds.app.uid") {
        return (named != decided).then(Vec::new);
    }
    let reports = receipt.claims(decision).into_iter().flat_map(|key| scene.reports_of(key));
    let others: Vec<_> =
        reports.filter(|report| report.text("app.uid") != Some(named)).map(|report| report.at).collect();
    (!others.is_empty()).then_some(others)
}

/// What reports of one key show that is one for the whole operation, and is
/// shown unlike; with where. Those of its end, where the tries before that end
/// are as many: one that failed may be tried again.
fn unlike<'s, 'a: 's>(
    reports: impl Iterator<Item = &'s Statement<'a>>,
) -> impl Iterator<Item = (BTreeSet<LeafIndex>, &'static str)> {
    let reports: Vec<_> = reports.collect();
    let by = |member: fn(&Statement<'a>) -> Option<String>| {
        let mut first: BTreeMap<String, LeafIndex> = BTreeMap::new();
        for report in &reports {
            if let Some(shown) = member(report) {
                first.entry(shown).or_insert(report.at);
            }
        }
        first
    };
    let whole = [("who started it", by(initiator)), ("its parameters", by(params)), ("its action", by(action))];
    let mut ends: BTreeMap<String, BTreeMap<String, LeafIndex>> = BTreeMap::new();
    for report in &reports {
        if let Some(phase @ ("Succeeded" | "Failed" | "Error")) = report.text("phase") {
            let tries = report.payload.at("retry.count").map(to_jcs).unwrap_or_default();
            ends.entry(tries).or_default().entry(phase.to_owned()).or_insert(report.at);
        }
    }
    let all = whole.into_iter().chain(ends.into_values().map(|phases| ("how it ended", phases)));
    all.filter(|(_, shown)| shown.len() > 1).map(|(what, shown)| (shown.into_values().collect(), what))
}

fn initiator(report: &Statement<'_>) -> Option<String> {
    report.text("initiator.username").filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Whoever digested the operation saw all of them: absent is the default.
fn params(report: &Statement<'_>) -> Option<String> {
    let empty = || "{}".to_owned();
    Some(report.payload.get("params").map_or_else(empty, to_jcs))
}

fn action(report: &Statement<'_>) -> Option<String> {
    let is_stated = report.text("action_certainty") == Some("stated");
    report.text("action").filter(|_| is_stated).map(str::to_owned)
}
