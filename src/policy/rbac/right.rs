//! The rights that a line of RBAC can grant in a project, and which actions of
//! a policy each lets happen (PEERS 7.12). One row a right, in the order in
//! which lines are printed.

use crate::policy::PolicyAction;
use crate::policy::rbac::ArgoVersion;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    Get,
    Logs,
    Sync,
    Rollback,
    Override,
    Create,
    Update,
    UpdateLive,
    Delete,
    DeleteLive,
    ResourceAction,
    Exec,
}

#[derive(Debug)]
pub(super) struct RightRow {
    pub right: Right,
    /// As they stand in a line.
    pub resource: &'static str,
    pub verb: &'static str,
    /// The action that the right is granted for; `None` for what is never granted.
    pub main: Option<PolicyAction>,
    /// What it lets happen as well.
    also: &'static [PolicyAction],
    /// The actions among `also` that no other right is narrower for.
    pub sole: &'static [PolicyAction],
    since: Option<ArgoVersion>,
}

use PolicyAction as Act;

pub(super) static RIGHTS: &[RightRow] = &[
    row(Right::Get, "applications", "get", Some(Act::Read), &[Act::Refresh], &[Act::Refresh]),
    row(Right::Logs, "logs", "get", Some(Act::Read), &[], &[]),
    row(Right::Sync, "applications", "sync", Some(Act::Sync), &[Act::Terminate], &[Act::Terminate, Act::Rollback]),
    RightRow {
        since: Some(ArgoVersion::ROLLBACK),
        ..row(Right::Rollback, "applications", "rollback", Some(Act::Rollback), &[], &[])
    },
    // Of no use but for what no form of a policy can speak about.
    row(Right::Override, "applications", "override", None, &[], &[]),
    // Only with upsert is it what a policy means by editing.
    row(Right::Create, "applications", "create", None, &[Act::EditAppSpec], &[]),
    row(Right::Update, "applications", "update", Some(Act::EditAppSpec), &[Act::SetAutoSync], &[Act::SetAutoSync]),
    RightRow {
        since: Some(ArgoVersion::LIVE_RESOURCES),
        ..row(Right::UpdateLive, "applications", "update/*", Some(Act::EditAppSpec), &[], &[])
    },
    row(Right::Delete, "applications", "delete", Some(Act::DeleteApp), &[], &[]),
    RightRow {
        since: Some(ArgoVersion::LIVE_RESOURCES),
        ..row(Right::DeleteLive, "applications", "delete/*", None, &[Act::EditAppSpec], &[])
    },
    // It toggles automated sync, too.
    row(Right::ResourceAction, "applications", "action/*", Some(Act::EditAppSpec), &[Act::SetAutoSync], &[]),
    row(Right::Exec, "exec", "create", Some(Act::Exec), &[], &[]),
];

const fn row(
    right: Right,
    resource: &'static str,
    verb: &'static str,
    main: Option<PolicyAction>,
    also: &'static [PolicyAction],
    sole: &'static [PolicyAction],
) -> RightRow {
    RightRow { right, resource, verb, main, also, sole, since: None }
}

impl RightRow {
    /// The rights that a version knows: a line with another makes the roles of
    /// the whole project invalid.
    pub fn known_to(version: ArgoVersion) -> impl Iterator<Item = &'static Self> {
        RIGHTS.iter().filter(move |row| row.since.is_none_or(|since| version >= since))
    }

    /// Every action that it lets happen, the one it is granted for first.
    pub fn lets(&self, version: ArgoVersion) -> impl Iterator<Item = PolicyAction> {
        let is_both = self.right == Right::Sync && version < ArgoVersion::ROLLBACK;
        self.main.into_iter().chain(self.also.iter().copied()).chain(is_both.then_some(Act::Rollback))
    }
}

impl Right {
    /// As a line and a sentence call it: `sync`, `logs get`.
    #[must_use]
    pub fn name(self) -> String {
        let row = &RIGHTS[self as usize];
        if row.resource == "applications" { row.verb.to_owned() } else { format!("{} {}", row.resource, row.verb) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_rights() {
        for (at, row) in RIGHTS.iter().enumerate() {
            assert_eq!(row.right as usize, at);
        }
        assert_eq!(RIGHTS.len(), Right::Exec as usize + 1);
    }

    #[test]
    fn rollback_is_part_of_sync_until_it_has_a_verb() {
        let sync = &RIGHTS[Right::Sync as usize];
        let lets = |version: &str| {
            let version = ArgoVersion::parse(version).expect("a version");
            let known = RightRow::known_to(version).any(|row| row.right == Right::Rollback);
            (known, sync.lets(version).any(|action| action == Act::Rollback))
        };
        assert_eq!(lets("3.5.7"), (false, true));
        assert_eq!(lets("3.6.0"), (true, false));
    }
}
