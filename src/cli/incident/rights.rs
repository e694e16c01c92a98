//! The tokens that an incident was done under: when each was issued and revoked,
//! also before the time that is told.

use std::collections::BTreeSet;

use pulselog::artifact::{Artifact, Kind};
use pulselog::audit::{Report, Scope};
use pulselog::merkle::LeafIndex;
use pulselog::verify::whole_log::WholeLog;

use crate::cli::incident::Incident;
use crate::cli::incident::story::line;

/// Issuances and revocations among what is of the scope: all of a job or token; of
/// an application those of tokens that a told entry names, of agents that a finding
/// about one is charged to, and those that such a finding rests on.
pub fn of(
    log: &WholeLog,
    scope: &Scope,
    report: &Report,
    own: &BTreeSet<LeafIndex>,
    told: &[LeafIndex],
) -> BTreeSet<LeafIndex> {
    let body = |at: &LeafIndex| log.timeline().get(*at).and_then(|seen| seen.body.as_ref());
    let all = own.iter().copied().filter(|at| body(at).is_some_and(is_right));
    if !matches!(scope, Scope::App(_)) {
        return all.collect();
    }
    let told: BTreeSet<LeafIndex> = told.iter().copied().collect();
    let touching = || report.findings.iter().filter(|finding| finding.entries.iter().any(|at| told.contains(at)));
    let agents: BTreeSet<&str> = touching().filter_map(|finding| finding.subject.agent.as_deref()).collect();
    let named = told.iter().chain(touching().flat_map(|finding| &finding.entries));
    let mut tokens: BTreeSet<String> = named.filter_map(|at| body(at)?.keys().token_hash).collect();
    let issued = own.iter().filter_map(body).filter(|body| body.kind() == Kind::CstIssuance).map(Artifact::keys);
    let of_agents = issued.filter(|keys| keys.agent.as_deref().is_some_and(|agent| agents.contains(agent)));
    tokens.extend(of_agents.filter_map(|keys| keys.token_hash));
    let is_named =
        |at: &LeafIndex| body(at).and_then(|body| body.keys().token_hash).is_some_and(|of| tokens.contains(&of));
    all.filter(is_named).collect()
}

fn is_right(body: &Artifact) -> bool {
    matches!(body.kind(), Kind::CstIssuance | Kind::CstRevocation)
}

/// The section of the text.
pub fn told(log: &WholeLog, incident: &Incident) -> String {
    let mut out = "Tokens that it was done under, whenever they were logged\n\n".to_owned();
    for at in &incident.rights {
        let Some(seen) = log.timeline().get(*at) else { continue };
        let ms = i64::try_from(seen.entry.logged_at.unix_ms()).unwrap_or(i64::MAX);
        let when = match (incident.span.from, incident.span.to) {
            (Some(from), _) if ms < from => "; before this time",
            (_, Some(to)) if to <= ms => "; after this time",
            _ => "",
        };
        out.push_str(&format!("{}{when}\n", line(log, &incident.report, *at)));
    }
    if incident.rights.is_empty() {
        out.push_str("  none that is known\n");
    }
    out
}
