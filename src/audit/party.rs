//! People and machines by role: what roots say of a DID, in words.

use crate::artifact::{
    AgentRow, ApproverRow, Artifact, AuditRoots, Kind, ObserverRow, Username, View, Voice, WrapperRow,
};

/// Lists of the roots, with the role that each gives.
const LISTS: &[(&str, &str)] = &[
    ("policy_signers", "policy signer"),
    ("cst_issuers", "token issuer"),
    ("cst_revokers", "token revoker"),
    ("gateways", "gateway"),
    ("reviewers", "reviewer"),
    ("recorders", "recorder"),
];

/// The role that a statement of this kind asks of its signer.
#[must_use]
pub fn role_of(kind: Kind) -> &'static str {
    match kind.row().voice {
        Voice::Agent(_) => "agent",
        Voice::Observer => "observer",
        Voice::Operator => "operator",
        Voice::Approver(_) => "approver",
        Voice::Wrapper => "wrapper",
        Voice::Listed(list) => LISTS.iter().find(|(name, _)| *name == list).map_or("signer", |(_, role)| role),
    }
}

/// Every role that roots give a DID, in the order of their lists. Where roles
/// are bound to instances or agents, for any of them.
#[must_use]
pub fn roles(roots: &Artifact<'_>, did: &str) -> Vec<&'static str> {
    let says = AuditRoots::of(roots.payload());
    let is = |named: Option<&str>| named == Some(did);
    let listed = LISTS.iter().filter(|(list, _)| says.list(list).any(|one| one == did)).map(|(_, role)| *role);
    let rows = [
        ("approver", says.approvers().map(ApproverRow::did).any(is)),
        ("wrapper", says.wrappers().map(WrapperRow::did).any(is)),
        ("observer", says.observers().map(ObserverRow::did).any(is)),
        ("agent", says.agents().map(AgentRow::did).any(is)),
    ];
    listed.chain(rows.into_iter().filter(|(_, is_so)| *is_so).map(|(role, _)| role)).collect()
}

/// Whether roots give a DID the role that a statement of this kind asks for.
#[must_use]
pub fn has_role(roots: &Artifact<'_>, did: &str, kind: Kind) -> bool {
    roles(roots, did).contains(&role_of(kind))
}

/// The names that roots give an agent: its user, and on which instance.
#[must_use]
pub fn agent_names(roots: &Artifact<'_>, did: &str) -> Vec<(String, String)> {
    let says = AuditRoots::of(roots.payload());
    let rows = says.agents().filter(|row| row.did() == Some(did)).flat_map(AgentRow::usernames);
    let name = |row: Username<'_>| Some((row.username()?.to_owned(), row.instance()?.to_owned()));
    rows.filter_map(name).collect()
}
