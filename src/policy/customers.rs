//! The form for Argo CD that customers write (PEERS 6.2): rows that allow, rows
//! that deny, exact names.

use crate::artifact::{AllowClause, DenyClause, Texts, WorkPolicy};
use crate::policy::judgement::{Reason, Verdict};
use crate::policy::{ArgoAction, AuditRules, Context, Pinning, PolicyAction, TokenRules};

/// Where the rows stand.
pub(super) const ALLOW: &str = "tools.argo_cd.allow";
pub(super) const DENY: &str = "tools.argo_cd.deny";

#[derive(Clone, Debug)]
pub(super) struct Customers {
    pub(super) agent_name: String,
    pub(super) environment: String,
    pub(super) runtime: String,
    pub(super) allow: Vec<AllowRow>,
    pub(super) deny: Vec<DenyRow>,
    pub(super) token: TokenRules,
    pub(super) audit: AuditRules,
}

#[derive(Clone, Debug)]
pub(super) struct AllowRow {
    /// `None` for an action that nobody knows: such a row allows nothing.
    pub(super) action: Option<PolicyAction>,
    pub(super) apps: Vec<String>,
    pub(super) namespaces: Vec<String>,
    pub(super) require_approval: bool,
    /// `None`: the instances of the agent in the roots.
    pub(super) instances: Option<Vec<String>>,
    /// Whether it reaches resources outside any namespace, too.
    pub(super) cluster_scoped: bool,
}

#[derive(Clone, Debug)]
pub(super) struct DenyRow {
    /// `None` for an action that nobody knows: such a row denies everything.
    pub(super) action: Option<PolicyAction>,
    /// `None`: all.
    pub(super) apps: Option<Vec<String>>,
    pub(super) namespaces: Option<Vec<String>>,
}

impl Customers {
    pub(super) fn speaks_of_app(&self, instance: &str, name: &str) -> bool {
        let on = |row: &AllowRow| row.instances.as_ref().is_none_or(|of| of.iter().any(|one| one == instance));
        self.allow.iter().any(|row| on(row) && row.apps.iter().any(|app| app == name))
    }

    /// From a payload whose shape was checked.
    pub(super) fn compile(says: WorkPolicy<'_>) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            agent_name: text(says.agent_name()),
            environment: text(says.environment()),
            runtime: text(says.runtime()),
            allow: says.allow().map(AllowRow::compile).collect(),
            deny: says.deny().map(DenyRow::compile).collect(),
            token: TokenRules {
                max_ttl_seconds: says.max_ttl_seconds().unwrap_or(0),
                scope_hash_required: says.scope_hash_required() == Some(true),
                pinning: if says.pinning() == Some("optional") { Pinning::Optional } else { Pinning::Required },
            },
            audit: AuditRules {
                require_gateway_receipts: says.gateway_receipts() == Some(true),
                produce_proof_bundle: says.proof_bundle() == Some(true),
            },
        }
    }

    pub(super) fn judge(&self, action: &ArgoAction, context: &Context) -> Verdict {
        let name = action.action().name();
        if action.has_too_many_namespaces() {
            return Verdict::too_many_namespaces();
        }
        if let Some(at) = self.deny.iter().position(|row| row.applies(action)) {
            return Verdict::deny(format!("{DENY}[{at}]"), Reason::DeniedByClause, format!("a row denies {name}"));
        }
        let refuse = |reason, sentence| Verdict::deny(ALLOW.to_owned(), reason, sentence);
        let Some(app) = action.app() else {
            return refuse(Reason::NoApplication, format!("{name} is about no application"));
        };
        let mut rows: Vec<_> = self.allow.iter().enumerate().collect();
        rows.retain(|(_, row)| row.action == Some(action.action()));
        if rows.is_empty() {
            return refuse(Reason::NoClauseAllows, format!("no row allows {name}"));
        }
        rows.retain(|(_, row)| row.apps.contains(&app.name));
        if rows.is_empty() {
            return refuse(Reason::ApplicationNotAllowed, format!("no row allows {name} for {}", app.name));
        }
        rows.retain(|(_, row)| row.covers_instance(action.instance(), context));
        if rows.is_empty() {
            let sentence = format!("no row allows {name} for {} on {}", app.name, action.instance());
            return refuse(Reason::InstanceNotAllowed, sentence);
        }
        let uncovered = action.namespaces().find(|namespace| !rows.iter().any(|(_, row)| row.covers(namespace)));
        if uncovered == Some("") {
            let sentence = format!("{name} {} reaches a place without namespace, and no row says so", app.name);
            return refuse(Reason::NamespaceUnnamed, sentence);
        }
        if let Some(namespace) = uncovered {
            let sentence = format!("no row allows {name} for {} in namespace {namespace}", app.name);
            return refuse(Reason::NamespaceNotAllowed, sentence);
        }
        rows.retain(|(_, row)| action.namespaces().any(|namespace| row.covers(namespace)));
        // If any row that matches asks for an approval, one is needed, and
        // that row is the clause to show.
        let asking = rows.iter().find(|(_, row)| row.require_approval);
        let at = asking.or(rows.first()).map_or(0, |(at, _)| *at);
        Verdict::allow(format!("{ALLOW}[{at}]"), asking.is_some(), format!("a row allows {name} for {}", app.name))
    }
}

impl AllowRow {
    fn compile(row: AllowClause<'_>) -> Self {
        Self {
            action: row.action().and_then(PolicyAction::parse),
            apps: owned(row.apps()),
            namespaces: owned(row.namespaces()),
            require_approval: row.require_approval() == Some(true),
            instances: row.instances().map(owned),
            cluster_scoped: row.cluster_scoped() == Some(true),
        }
    }

    /// Empty text: no namespace, which only `cluster_scoped` speaks of.
    fn covers(&self, namespace: &str) -> bool {
        match namespace {
            "" => self.cluster_scoped,
            _ => self.namespaces.iter().any(|own| own == namespace),
        }
    }

    fn covers_instance(&self, instance: &str, context: &Context) -> bool {
        match &self.instances {
            Some(instances) => instances.iter().any(|own| own == instance),
            None => context.has_instance(instance),
        }
    }
}

impl DenyRow {
    fn compile(row: DenyClause<'_>) -> Self {
        let action = row.action().and_then(PolicyAction::parse);
        Self { action, apps: row.apps().map(owned), namespaces: row.namespaces().map(owned) }
    }

    /// What the action does not name might be what the row denies.
    fn applies(&self, action: &ArgoAction) -> bool {
        let denies_app = match (&self.apps, action.app()) {
            (Some(apps), Some(app)) => apps.contains(&app.name),
            (None, _) | (_, None) => true,
        };
        let denies_namespace = match &self.namespaces {
            Some(namespaces) => action.is_unnamed() || namespaces.iter().any(|namespace| action.reaches(namespace)),
            None => true,
        };
        self.action.is_none_or(|own| own == action.action()) && denies_app && denies_namespace
    }
}

fn owned(names: Texts<'_>) -> Vec<String> {
    names.map(str::to_owned).collect()
}
