//! The actions a policy can speak about (FORMATS 5.5), their names in
//! version 2 statements, and their words. One row an action.

/// What an agent asks of Argo CD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyAction {
    Read,
    Refresh,
    Sync,
    Rollback,
    Terminate,
    SetAutoSync,
    EditAppSpec,
    DeleteApp,
    ManageProjects,
    ManageAppsets,
    ClusterAdmin,
    Exec,
}

/// One action.
#[derive(Debug)]
pub struct ActionRow {
    pub action: PolicyAction,
    /// As it stands in `binds.action` and in the customers' form.
    pub name: &'static str,
    /// Its names as the action of a version 2 statement, ours first; the last
    /// is that of Argo CD's own permission. Any of them allows.
    pub statement_names: &'static [&'static str],
    /// Names of wider permissions that include it in Argo CD: they never
    /// allow it, a Deny of them denies it.
    pub included_in: &'static [&'static str],
    /// `Tool:Name` of the wrapper's tool for it.
    pub tool: &'static str,
    /// Before the names of applications: `roll back`.
    pub verb: &'static str,
    /// Without any: `roll back an application`.
    pub phrase: &'static str,
}

/// Every action, in the order of [`PolicyAction`].
pub static ACTIONS: &[ActionRow] = &[
    ActionRow {
        action: PolicyAction::Read,
        name: "read",
        statement_names: &["argocd:app:read", "argocd:app:get"],
        included_in: &[],
        tool: "argocd.app.get",
        verb: "read",
        phrase: "read an application",
    },
    ActionRow {
        action: PolicyAction::Refresh,
        name: "refresh",
        statement_names: &["argocd:app:refresh"],
        included_in: &["argocd:app:get"],
        tool: "argocd.app.refresh",
        verb: "refresh",
        phrase: "refresh an application",
    },
    ActionRow {
        action: PolicyAction::Sync,
        name: "sync",
        statement_names: &["argocd:app:sync"],
        included_in: &[],
        tool: "argocd.app.sync",
        verb: "sync",
        phrase: "sync an application",
    },
    ActionRow {
        action: PolicyAction::Rollback,
        name: "rollback",
        statement_names: &["argocd:app:rollback"],
        included_in: &[],
        tool: "argocd.app.rollback",
        verb: "roll back",
        phrase: "roll back an application",
    },
    ActionRow {
        action: PolicyAction::Terminate,
        name: "terminate",
        statement_names: &["argocd:app:terminate"],
        included_in: &[],
        tool: "argocd.app.terminate",
        verb: "stop the running operation of",
        phrase: "stop a running operation",
    },
    ActionRow {
        action: PolicyAction::SetAutoSync,
        name: "set_auto_sync",
        statement_names: &["argocd:app:set_auto_sync"],
        included_in: &["argocd:app:update"],
        tool: "argocd.app.set_auto_sync",
        verb: "change automatic sync of",
        phrase: "change automatic sync",
    },
    ActionRow {
        action: PolicyAction::EditAppSpec,
        name: "edit_app_spec",
        statement_names: &["argocd:app:edit_app_spec", "argocd:app:update"],
        included_in: &[],
        tool: "argocd.app.update",
        verb: "edit the spec of",
        phrase: "edit an application's spec",
    },
    ActionRow {
        action: PolicyAction::DeleteApp,
        name: "delete_app",
        statement_names: &["argocd:app:delete_app", "argocd:app:delete"],
        included_in: &[],
        tool: "argocd.app.delete",
        verb: "delete",
        phrase: "delete an application",
    },
    ActionRow {
        action: PolicyAction::ManageProjects,
        name: "manage_projects",
        statement_names: &["argocd:app:manage_projects", "argocd:project:manage"],
        included_in: &[],
        tool: "argocd.project.manage",
        verb: "manage projects around",
        phrase: "manage projects",
    },
    ActionRow {
        action: PolicyAction::ManageAppsets,
        name: "manage_appsets",
        statement_names: &["argocd:app:manage_appsets", "argocd:appset:manage"],
        included_in: &[],
        tool: "argocd.appset.manage",
        verb: "manage application sets around",
        phrase: "manage application sets",
    },
    ActionRow {
        action: PolicyAction::ClusterAdmin,
        name: "cluster_admin",
        statement_names: &["argocd:app:cluster_admin", "argocd:cluster:admin"],
        included_in: &[],
        tool: "argocd.cluster.admin",
        verb: "administer clusters around",
        phrase: "administer clusters",
    },
    ActionRow {
        action: PolicyAction::Exec,
        name: "exec",
        statement_names: &["argocd:app:exec"],
        included_in: &[],
        tool: "argocd.app.exec",
        verb: "open a shell in",
        phrase: "open a shell in a workload",
    },
];

impl PolicyAction {
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|row| row.name == name).map(|row| row.action)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether it changes anything. Reading alone does not; a refresh may lead
    /// to a deployment.
    #[must_use]
    pub fn is_write(self) -> bool {
        self != Self::Read
    }

    #[must_use]
    pub fn row(self) -> &'static ActionRow {
        &ACTIONS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_actions() {
        for row in ACTIONS {
            assert_eq!(row.action.row().name, row.name);
            assert_eq!(PolicyAction::parse(row.name), Some(row.action));
        }
        assert_eq!(ACTIONS.len(), PolicyAction::Exec as usize + 1);
    }

    #[test]
    fn no_statement_name_allows_two_actions() {
        let mut names: Vec<_> = ACTIONS.iter().flat_map(|row| row.statement_names).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
