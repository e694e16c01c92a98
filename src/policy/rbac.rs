//! Least privilege: the lines of Argo CD's RBAC that let a project role do what
//! a policy allows, and the destinations of its project (PEERS 7.12).
//!
//! ```text
//! policy ──Reach::of──> what it allows, by application ──plan──> Grants
//!          judges every place that it names              lines, namespaces,
//!                                                        and all that they do not say
//! ```
//!
//! Never broader than the policy without saying so: where Argo CD has no right
//! that is narrow enough, the line is left out ([`LeftOut`]), or what it allows
//! beyond the policy is told ([`Broader`]) and, where a clause denies just that,
//! refused unless somebody accepts it.

use std::fmt;

use crate::policy::{Lineage, PolicyAction};

mod names;
mod pattern;
mod plan;
mod reach;
mod right;
mod unsaid;

pub use self::names::{ArgoVersion, Name, NotAName, RoleName};
pub use self::reach::LOOKS_MAX;
pub use self::right::Right;
pub use self::unsaid::{Need, Unsaid};

/// For whom the lines are.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub project: &'a Name,
    pub role: &'a RoleName,
    /// Our id of the installation; needed where the policy speaks of it.
    pub instance: Option<&'a Name>,
    /// Unknown: the least that any version since 3.0 can do.
    pub version: Option<ArgoVersion>,
    /// Whether lines may allow what a clause denies.
    pub accept_broader: bool,
}

/// What to give the role. Made by [`grants_of`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    pub lines: Vec<Line>,
    /// Namespaces that applications of the project may deploy to.
    pub namespaces: Vec<String>,
    /// Whether resources outside any namespace are allowed somewhere.
    pub cluster_scoped: bool,
    pub broader: Vec<Broader>,
    pub left_out: Vec<LeftOut>,
    pub unsaid: Vec<Unsaid>,
    pub needs: Vec<Need>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// One line of RBAC. Printed, it has only names that were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `proj:<project>:<role>`.
    pub subject: String,
    pub resource: &'static str,
    pub action: &'static str,
    /// `<project>/<application>`, or `<project>/*` of a deny.
    pub object: String,
    pub effect: Effect,
    /// The clauses of the policy that it stands for; none: nothing allows it.
    pub clauses: Vec<String>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, resource, action, object, effect, .. } = self;
        write!(f, "p, {subject}, {resource}, {action}, {object}, {}", effect.name())
    }
}

impl Effect {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// What lines allow and the policy does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broader {
    pub right: Right,
    pub action: PolicyAction,
    pub apps: Vec<String>,
    /// Of the destinations, those where the policy does not allow it.
    pub namespaces: Vec<String>,
    /// Whether the policy allows it in none.
    pub everywhere: bool,
    /// The clause that denies it; absent where merely nothing allows it.
    pub denied_by: Option<String>,
}

impl Broader {
    /// Whether nobody gets this without accepting it. Argo CD never had a right
    /// to read without refreshing, or to sync without stopping a sync, so these
    /// are told; what a clause denies is somebody's word, and a rollback goes to
    /// a revision that no sync goes to.
    #[must_use]
    pub fn must_be_accepted(&self) -> bool {
        self.denied_by.is_some() || (self.right == Right::Sync && self.action == PolicyAction::Rollback)
    }

    /// `sync lets the role roll back payments-api, which no clause allows`.
    #[must_use]
    pub fn words(&self) -> String {
        let (right, verb, apps) = (self.right.name(), self.action.row().verb, self.apps.join(", "));
        let place = if self.everywhere { String::new() } else { format!(" in {}", self.namespaces.join(", ")) };
        let why = match &self.denied_by {
            Some(clause) => format!("{clause} denies"),
            None => "no clause allows".to_owned(),
        };
        format!("{right} lets the role {verb} {apps}{place}, which {why}")
    }
}

/// What the policy allows and no line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub actions: Vec<PolicyAction>,
    /// Applications, or a resource as a statement writes it: untrusted, unescaped.
    pub what: String,
    pub why: Why,
    pub clause: Option<String>,
}

/// Why it is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The clause names applications or namespaces by a pattern.
    Pattern,
    /// The clause has conditions that are not known before a call.
    Condition,
    /// Argo CD asks a right for it that lets more happen.
    Within(Right),
    /// A destination there would hold for all that the role may change.
    Destination,
    /// No right of a project role is about one application alone.
    NoRight,
}

impl LeftOut {
    /// `roll back payments-api: …`.
    #[must_use]
    pub fn words(&self) -> String {
        let names: Vec<_> = self.actions.iter().map(|action| action.name()).collect();
        let clause = self.clause.as_ref().map(|clause| format!(" ({clause})")).unwrap_or_default();
        format!("{} of {}{clause}: {}", names.join(", "), self.what, self.why.words())
    }
}

impl Why {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Condition => "condition",
            Self::Within(_) => "broader_right",
            Self::Destination => "destination",
            Self::NoRight => "no_right",
        }
    }

    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Pattern => {
                "a pattern of RBAC matches more than one of a policy; name applications and namespaces".to_owned()
            }
            Self::Condition => "RBAC cannot ask its conditions".to_owned(),
            Self::Within(right) => {
                format!("Argo CD asks the right {} for it, which lets more happen than the policy", right.name())
            }
            Self::Destination => {
                "a destination holds for the whole project, and there the role could change what the policy denies"
                    .to_owned()
            }
            Self::NoRight => "no right of a project role is as narrow as one application".to_owned(),
        }
    }
}

/// Why there is nothing to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoGrants {
    #[error("the policy governs {governs} only, so no right on Argo CD follows from it")]
    NotGoverned { governs: &'static str },
    #[error("the policy speaks of instances, and what is allowed differs by them")]
    InstanceNeeded,
    #[error("{clause} names {name}, which is no exact DNS-1123 name, and Argo CD may read it as a pattern")]
    NotAName { name: String, clause: String },
    #[error("{apps} applications times {namespaces} namespaces are more than can be judged one by one")]
    TooManyPlaces { apps: usize, namespaces: usize },
    #[error("the policy allows nothing here that a line could grant{}", first(.left_out))]
    NothingAllowed { left_out: Vec<LeftOut> },
    #[error("the lines would allow more than the policy: {}", all(.0))]
    Broader(Vec<Broader>),
}

fn first(left_out: &[LeftOut]) -> String {
    left_out.first().map(|left| format!("; {}", left.words())).unwrap_or_default()
}

fn all(broader: &[Broader]) -> String {
    broader.iter().map(Broader::words).collect::<Vec<_>>().join("; ")
}

/// The lines for what `lineage` allows.
///
/// # Errors
/// There is nothing to give, or not without allowing more than the policy.
pub fn grants_of(lineage: &Lineage<'_>, ask: &Ask<'_>) -> Result<Grants, NoGrants> {
    let instance = ask.instance.map(Name::as_str);
    let reach = reach::Reach::of(lineage, ask.project.as_str(), instance)?;
    plan::plan(reach, lineage, ask)
}
