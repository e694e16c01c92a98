//! From what a policy allows to lines: a right is granted for an application
//! where its own action is allowed, and denied for the project where nothing
//! that it lets happen is.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::rbac::reach::{Reach, Reached};
use crate::policy::rbac::right::{RIGHTS, RightRow};
use crate::policy::rbac::unsaid;
use crate::policy::rbac::{ArgoVersion, Ask, Broader, Effect, Grants, LeftOut, Line, NoGrants, Right, Why};
use crate::policy::{Lineage, PolicyAction};

/// One right for one application.
pub(super) struct Granted<'a> {
    pub app: &'a str,
    pub reached: &'a BTreeMap<PolicyAction, Reached>,
    pub row: &'static RightRow,
    /// The actions that it is granted for.
    sake: Vec<PolicyAction>,
    /// All that it lets happen and the policy allows.
    pub allowed: Vec<PolicyAction>,
}

impl<'a> Granted<'a> {
    fn new(
        (app, reached): (&'a str, &'a BTreeMap<PolicyAction, Reached>),
        row: &'static RightRow,
        ask: &Ask<'_>,
        version: ArgoVersion,
    ) -> Option<Self> {
        let is_allowed = |action: &PolicyAction| reached[action].is_allowed();
        let mut sake: Vec<_> = row.main.into_iter().filter(is_allowed).collect();
        if sake.is_empty() && ask.accept_broader {
            sake.extend(row.lets(version).filter(|action| row.sole.contains(action)).filter(is_allowed));
        }
        let allowed = row.lets(version).filter(is_allowed).collect();
        (!sake.is_empty()).then_some(Self { app, reached, row, sake, allowed })
    }

    /// Whether it changes what is deployed, and not only what is seen.
    fn is_write(&self) -> bool {
        self.row.main.is_some_and(PolicyAction::is_write)
    }

    fn namespaces(&self) -> impl Iterator<Item = &'a String> {
        let reached = self.reached;
        self.sake.clone().into_iter().flat_map(move |action| &reached[&action].namespaces)
    }

    fn clauses(&self) -> Vec<String> {
        let clauses: BTreeSet<_> = self.sake.iter().flat_map(|action| &self.reached[action].clauses).collect();
        clauses.into_iter().cloned().collect()
    }
}

pub(super) fn plan(reach: Reach, lineage: &Lineage<'_>, ask: &Ask<'_>) -> Result<Grants, NoGrants> {
    let version = ask.version.unwrap_or(ArgoVersion::UNKNOWN);
    let of_app = |(app, reached)| {
        RightRow::known_to(version).filter_map(move |row| Granted::new((app, reached), row, ask, version))
    };
    let granted: Vec<_> = reach.apps.iter().map(|(app, reached)| (app.as_str(), reached)).flat_map(of_app).collect();
    let mut left_out = reach.left_out.clone();
    left_out.extend(unreached(&reach, &granted, version));
    if granted.is_empty() {
        return Err(NoGrants::NothingAllowed { left_out });
    }
    let namespaces = destinations(&granted);
    left_out.extend(outside(&granted, &namespaces));
    let broader = broader(&granted, &namespaces, version);
    let refused: Vec<_> = broader.iter().filter(|one| one.must_be_accepted()).cloned().collect();
    if !ask.accept_broader && !refused.is_empty() {
        return Err(NoGrants::Broader(refused));
    }
    let cluster_scoped = granted.iter().any(|one| one.allowed.iter().any(|action| one.reached[action].cluster_scoped));
    let unsaid = unsaid::unsaid(&granted, &namespaces, cluster_scoped, lineage);
    let needs = unsaid::needs(&granted, version);
    let lines = lines(&reach, &granted, ask, version);
    Ok(Grants { lines, namespaces, cluster_scoped, broader, left_out, unsaid, needs })
}

/// Where applications may deploy to: where the role may change them, or, if it
/// may change nothing, where it may look.
fn destinations(granted: &[Granted<'_>]) -> Vec<String> {
    let of = |writes: bool| -> BTreeSet<_> {
        granted.iter().filter(|one| one.is_write() || !writes).flat_map(Granted::namespaces).collect()
    };
    let changed = of(true);
    let namespaces = if changed.is_empty() { of(false) } else { changed };
    namespaces.into_iter().cloned().collect()
}

/// What the rights let happen in the destinations and the policy does not,
/// told once for the applications of which it is true alike.
fn broader(granted: &[Granted<'_>], namespaces: &[String], version: ArgoVersion) -> Vec<Broader> {
    let mut alike: Vec<Broader> = Vec::new();
    for one in granted {
        for action in one.row.lets(version) {
            let reached = &one.reached[&action];
            let outside: Vec<_> = namespaces.iter().filter(|name| !reached.namespaces.contains(*name)).collect();
            if outside.is_empty() {
                continue;
            }
            let denied_by = outside.iter().find_map(|name| reached.denied.get(*name)).cloned();
            let told = Broader {
                right: one.row.right,
                action,
                apps: Vec::new(),
                namespaces: outside.into_iter().cloned().collect(),
                everywhere: !reached.is_allowed(),
                denied_by,
            };
            match alike.iter_mut().find(|other| Broader { apps: Vec::new(), ..(**other).clone() } == told) {
                Some(other) => other.apps.push(one.app.to_owned()),
                None => alike.push(Broader { apps: vec![one.app.to_owned()], ..told }),
            }
        }
    }
    alike
}

/// What is allowed where no destination is: one more would let rights that hold
/// for the project's other namespaces hold there, too.
fn outside(granted: &[Granted<'_>], namespaces: &[String]) -> Vec<LeftOut> {
    let mut alike: BTreeMap<(PolicyAction, Vec<&str>), BTreeSet<&str>> = BTreeMap::new();
    for one in granted {
        for action in &one.allowed {
            let allowed = one.reached[action].namespaces.iter().filter(|name| !namespaces.contains(name));
            let missing: Vec<_> = allowed.map(String::as_str).collect();
            if !missing.is_empty() {
                alike.entry((*action, missing)).or_default().insert(one.app);
            }
        }
    }
    let left = |((action, namespaces), apps): ((PolicyAction, Vec<&str>), BTreeSet<&str>)| {
        let apps: Vec<_> = apps.into_iter().collect();
        let what = format!("{} in {}", apps.join(", "), namespaces.join(", "));
        LeftOut { actions: vec![action], what, why: Why::Destination, clause: None }
    };
    alike.into_iter().map(left).collect()
}

/// What is allowed by exact names and yet by no right.
fn unreached(reach: &Reach, granted: &[Granted<'_>], version: ArgoVersion) -> Vec<LeftOut> {
    let mut apps: BTreeMap<PolicyAction, Vec<&str>> = BTreeMap::new();
    for (app, reached) in &reach.apps {
        for action in reached.iter().filter(|(_, reached)| reached.is_allowed()).map(|(action, _)| *action) {
            let is_let = |one: &Granted<'_>| one.app == app && one.row.lets(version).any(|let_| let_ == action);
            if !granted.iter().any(is_let) {
                apps.entry(action).or_default().push(app);
            }
        }
    }
    let why = |action| {
        let wide = RIGHTS.iter().find(|row| row.sole.contains(&action));
        wide.map_or(Why::NoRight, |row| Why::Within(row.right))
    };
    let left = |(action, apps): (PolicyAction, Vec<&str>)| LeftOut {
        actions: vec![action],
        what: apps.join(", "),
        why: why(action),
        clause: None,
    };
    apps.into_iter().map(left).collect()
}

fn lines(reach: &Reach, granted: &[Granted<'_>], ask: &Ask<'_>, version: ArgoVersion) -> Vec<Line> {
    let project = ask.project.as_str();
    let subject = format!("proj:{project}:{}", ask.role.as_str());
    let line = |row: &RightRow, app: &str, effect, clauses| Line {
        subject: subject.clone(),
        resource: row.resource,
        action: row.verb,
        object: format!("{project}/{app}"),
        effect,
        clauses,
    };
    let mut lines: Vec<_> = granted.iter().map(|one| line(one.row, one.app, Effect::Allow, one.clauses())).collect();
    let is_granted = |right: Right| granted.iter().any(|one| one.row.right == right);
    let denied =
        RightRow::known_to(version).filter(|row| !is_granted(row.right) && !reach.allows_any(row.lets(version)));
    lines.extend(denied.map(|row| line(row, "*", Effect::Deny, Vec::new())));
    lines
}
