//! One statement of the registry's version 2 (PEERS 6.4).

use crate::artifact::{Node, PolicyStatement, Texts};
use crate::policy::condition::{self, Condition, Facts, Held};
use crate::policy::glob::Glob;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// An effect that nobody knows denies.
    pub(super) effect: Effect,
    pub(super) actions: Vec<String>,
    pub(super) resources: Vec<String>,
    action_globs: Vec<Glob>,
    resource_globs: Vec<Glob>,
    /// `None` when one of them is not understood at all.
    pub(super) conditions: Option<Vec<Condition>>,
}

/// Names of what is asked, as code units.
pub(super) type Names = Vec<Vec<u16>>;

impl Statement {
    /// From a statement whose shape was checked.
    pub(super) fn compile(says: PolicyStatement<'_>) -> Self {
        let texts = |texts: Texts<'_>| -> Vec<String> { texts.map(str::to_owned).collect() };
        let globs = |texts: &[String]| texts.iter().map(|text| Glob::new(text)).collect();
        let (actions, resources) = (texts(says.actions()), texts(says.resources()));
        Self {
            effect: if says.effect() == Some("Allow") { Effect::Allow } else { Effect::Deny },
            action_globs: globs(&actions),
            resource_globs: globs(&resources),
            actions,
            resources,
            conditions: condition::compile(says.conditions().map(Node::value).as_deref()),
        }
    }

    /// Whether it speaks about an action of one of these names.
    pub(super) fn names_action(&self, names: &Names) -> bool {
        names.iter().any(|name| self.action_globs.iter().any(|glob| glob.matches_units(name)))
    }

    pub(super) fn names_resource(&self, resource: &[u16]) -> bool {
        self.resource_globs.iter().any(|glob| glob.matches_units(resource))
    }

    pub(super) fn held(&self, facts: &Facts<'_>) -> Held<'_> {
        self.conditions.as_deref().map_or(Held::Unknown("conditions"), |own| condition::held(own, facts))
    }
}
