//! What is known around an action: who acts, and what an approval names.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::Params;

/// Facts that judging may ask for. What is not given is unknown, and unknown
/// refuses.
#[derive(Clone, Debug, Default)]
pub struct Context {
    agent: Option<String>,
    instances: BTreeSet<String>,
    tool: Option<String>,
    approved_params: Option<Params>,
    more: BTreeMap<String, String>,
}

impl Context {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The agent's DID: `Agent:DID`.
    #[must_use]
    pub fn with_agent(mut self, did: &str) -> Self {
        self.agent = Some(did.to_owned());
        self
    }

    /// The Argo CD instances of the agent in the roots: what an allow row
    /// without `instances` means.
    #[must_use]
    pub fn with_instances<'a>(mut self, instances: impl IntoIterator<Item = &'a str>) -> Self {
        self.instances.extend(instances.into_iter().map(str::to_owned));
        self
    }

    /// The tool that was called: `Tool:Name`. Else that of the action's row.
    #[must_use]
    pub fn with_tool(mut self, name: &str) -> Self {
        self.tool = Some(name.to_owned());
        self
    }

    /// The `params` of an approval that the caller found to bind this action.
    #[must_use]
    pub fn with_approved_params(mut self, params: &Params) -> Self {
        self.approved_params = Some(params.clone());
        self
    }

    /// Another fact that version 2 conditions may ask for, e.g.
    /// `Receipt:ProofTier`. Names that the action or the context itself
    /// answers cannot be given here.
    #[must_use]
    pub fn with_fact(mut self, key: &str, value: &str) -> Self {
        self.more.insert(key.to_owned(), value.to_owned());
        self
    }

    pub(super) fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    pub(super) fn has_instance(&self, instance: &str) -> bool {
        self.instances.contains(instance)
    }

    pub(super) fn tool(&self) -> Option<&str> {
        self.tool.as_deref()
    }

    pub(super) fn approved_params(&self) -> Option<&Params> {
        self.approved_params.as_ref()
    }

    pub(super) fn fact(&self, key: &str) -> Option<&str> {
        self.more.get(key).map(String::as_str)
    }
}
