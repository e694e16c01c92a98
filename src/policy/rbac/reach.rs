//! What a policy lets happen in one project of one instance: every action,
//! application and namespace that it names is judged as a decision would be.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::condition::Condition;
use crate::policy::rbac::pattern::{self, Place, place_of};
use crate::policy::rbac::{LeftOut, Name, NoGrants, Why};
use crate::policy::statement::{Effect, Names, Statement};
use crate::policy::{ACTIONS, Action, App, ArgoAction, Context, Lineage, Outcome, Policy, PolicyAction, Reason, Rules};
use crate::policy::{glob, judge};

/// Most looks at a name of a clause: places times names.
pub const LOOKS_MAX: usize = 1 << 26;
/// What looking at a pattern costs, in names.
const PATTERN_LOOKS: usize = 1 << 10;
/// Stands for the instance that nobody named, where no clause asks for it.
const ANY_INSTANCE: &str = "any";

/// What the policy says of one action on one application.
#[derive(Clone, Debug, Default)]
pub(super) struct Reached {
    /// Namespaces it is allowed in.
    pub namespaces: BTreeSet<String>,
    /// Whether any of them asks for an approval.
    pub approval: bool,
    pub cluster_scoped: bool,
    /// The clauses that allow it.
    pub clauses: BTreeSet<String>,
    /// Namespaces in which a clause denies it, by its place.
    pub denied: BTreeMap<String, String>,
}

impl Reached {
    pub fn is_allowed(&self) -> bool {
        !self.namespaces.is_empty()
    }
}

#[derive(Debug)]
pub(super) struct Reach {
    /// By application, then by action; each with every action.
    pub apps: BTreeMap<String, BTreeMap<PolicyAction, Reached>>,
    /// Allow clauses, or parts of them, that no line can be made of.
    pub left_out: Vec<LeftOut>,
}

impl Reach {
    pub fn of(lineage: &Lineage<'_>, project: &str, instance: Option<&str>) -> Result<Self, NoGrants> {
        let policy = lineage.policy();
        let mut whole = std::iter::once(policy).chain(lineage.ancestors());
        if instance.is_none() && whole.any(asks_instance) {
            return Err(NoGrants::InstanceNeeded);
        }
        let instance = instance.unwrap_or(ANY_INSTANCE);
        let named = Named::by(policy, instance, project)?;
        let context = Context::new().with_instances([instance]);
        let app_of = |name: &str| App {
            uid: String::new(),
            name: name.to_owned(),
            namespace: String::new(),
            project: project.to_owned(),
        };
        let mut apps = BTreeMap::new();
        for app in &named.apps {
            let mut actions = BTreeMap::new();
            for row in ACTIONS {
                let mut reached = Reached::default();
                for namespace in &named.namespaces {
                    let call = ArgoAction::plain(instance, row.action, app_of(app), namespace);
                    let judgement = judge(lineage, &Action::Argo(call.clone()), &context);
                    match (judgement.outcome, judgement.reason) {
                        (Outcome::Allow { requires_approval }, _) => {
                            reached.namespaces.insert(namespace.clone());
                            reached.approval |= requires_approval;
                            reached.clauses.insert(judgement.clause.path);
                            let outside = Action::Argo(call.with_observed_namespaces([""]));
                            reached.cluster_scoped |= judge(lineage, &outside, &context).is_allow();
                        }
                        (_, Reason::DeniedByClause | Reason::DeniedByUnknownFact) => {
                            reached.denied.insert(namespace.clone(), judgement.clause.path);
                        }
                        _ => {}
                    }
                }
                actions.insert(row.action, reached);
            }
            apps.insert(app.clone(), actions);
        }
        let mut reach = Self { apps, left_out: named.left_out };
        reach.leave_out(named.conditional);
        Ok(reach)
    }

    /// Of what stands under conditions, that which no judgement lets hold.
    fn leave_out(&mut self, conditional: Vec<(LeftOut, String, String)>) {
        for (mut left, namespace, app) in conditional {
            let reached = &self.apps[&app];
            left.actions.retain(|action| !reached[action].namespaces.contains(&namespace));
            if !left.actions.is_empty() {
                self.left_out.push(left);
            }
        }
    }

    /// Whether the policy lets any of these actions happen to any application,
    /// be it one that no line is made of.
    pub fn allows_any(&self, mut actions: impl Iterator<Item = PolicyAction>) -> bool {
        actions.any(|action| {
            self.apps.values().any(|reached| reached[&action].is_allowed())
                || self.left_out.iter().any(|left| left.actions.contains(&action))
        })
    }
}

/// Whether it matters on which instance an action is.
fn asks_instance(policy: &Policy) -> bool {
    match &policy.rules {
        Rules::Customers(rules) => rules.allow.iter().any(|row| row.instances.is_some()),
        Rules::V1(_) => false,
        Rules::V2(rules) => {
            let mut resources = rules.statements.iter().flat_map(|statement| &statement.resources);
            resources.any(|resource| pattern::asks_instance(resource))
        }
    }
}

/// The exact names that allow clauses speak of.
#[derive(Default)]
struct Named {
    apps: BTreeSet<String>,
    namespaces: BTreeSet<String>,
    left_out: Vec<LeftOut>,
    /// What a statement allows under conditions, where: namespace and application.
    conditional: Vec<(LeftOut, String, String)>,
}

impl Named {
    fn by(policy: &Policy, instance: &str, project: &str) -> Result<Self, NoGrants> {
        let mut named = Self::default();
        // What judging one place costs at most.
        let mut looks = 0;
        match &policy.rules {
            Rules::Customers(rules) => {
                let on = |own: &Option<Vec<String>>| own.as_ref().is_none_or(|own| own.iter().any(|on| on == instance));
                for row in rules.allow.iter().filter(|row| on(&row.instances)) {
                    named.apps.extend(row.apps.iter().cloned());
                    named.namespaces.extend(row.namespaces.iter().cloned());
                }
                let names = |names: &Option<Vec<String>>| names.as_ref().map_or(1, Vec::len);
                looks += rules.allow.iter().map(|row| row.apps.len() + row.namespaces.len()).sum::<usize>();
                looks += rules.deny.iter().map(|row| names(&row.apps) + names(&row.namespaces)).sum::<usize>();
            }
            Rules::V1(_) => return Err(NoGrants::NotGoverned { governs: policy.form().governs() }),
            Rules::V2(rules) => {
                for (at, statement) in rules.statements.iter().enumerate() {
                    named.add(at, statement, instance, project)?;
                    looks += statement.resources.len() * PATTERN_LOOKS;
                }
            }
        }
        let places = named.apps.len().saturating_mul(named.namespaces.len());
        if places.saturating_mul(looks) > LOOKS_MAX {
            return Err(NoGrants::TooManyPlaces { apps: named.apps.len(), namespaces: named.namespaces.len() });
        }
        Ok(named)
    }

    fn add(&mut self, at: usize, statement: &Statement, instance: &str, project: &str) -> Result<(), NoGrants> {
        let actions = allowed_by(statement);
        if actions.is_empty() {
            return Ok(());
        }
        let path = format!("statements[{at}]");
        let is_known = |own: &Vec<_>| own.iter().all(Condition::asks_for_approval);
        let asks_more = !statement.conditions.as_ref().is_some_and(is_known);
        for resource in &statement.resources {
            let left =
                |why| LeftOut { actions: actions.clone(), what: resource.clone(), why, clause: Some(path.clone()) };
            match place_of(resource, instance, project) {
                Place::Elsewhere => {}
                Place::Pattern => self.left_out.push(left(Why::Pattern)),
                Place::Exact { namespace, app } => {
                    let (namespace, app) = (exact(namespace, &path)?, exact(app, &path)?);
                    if asks_more {
                        self.conditional.push((left(Why::Condition), namespace.clone(), app.clone()));
                    }
                    self.namespaces.insert(namespace);
                    self.apps.insert(app);
                }
            }
        }
        Ok(())
    }
}

/// The actions on Argo CD that a statement may allow.
fn allowed_by(statement: &Statement) -> Vec<PolicyAction> {
    let names = |names: &[&str]| -> Names { names.iter().map(|name| glob::units(name)).collect() };
    let rows = ACTIONS.iter().filter(|_| statement.effect == Effect::Allow);
    rows.filter(|row| statement.names_action(&names(row.statement_names))).map(|row| row.action).collect()
}

fn exact(name: &str, clause: &str) -> Result<String, NoGrants> {
    match Name::parse(name) {
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(_) => Err(NoGrants::NotAName { name: name.to_owned(), clause: clause.to_owned() }),
    }
}
