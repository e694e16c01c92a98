//! Whose word counts: one `audit_roots` statement of the pinned operator, and
//! the roles it gives (JUDGING 2.3).

use std::collections::BTreeSet;

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::Value;
use crate::artifact::{Did, Kind};
use crate::audit::roles::Role;
use crate::audit::statement::Statement;

/// The roots in force at some index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roots<'a> {
    pub digest: ArtifactDigest,
    payload: &'a Value,
}

impl<'a> Roots<'a> {
    pub(super) fn of(statement: &Statement<'a>) -> Roots<'a> {
        Roots { digest: statement.digest, payload: statement.payload }
    }

    pub(super) fn new(digest: ArtifactDigest, payload: &'a Value) -> Roots<'a> {
        Roots { digest, payload }
    }

    pub(super) fn is_reviewer(&self, did: &str) -> bool {
        names(self.rows("reviewers"), did)
    }

    fn rows(&self, list: &str) -> &'a [Value] {
        self.payload.get(list).and_then(Value::as_array).unwrap_or_default()
    }

    fn lists(&self, list: &str, did: &Did) -> bool {
        names(self.rows(list), did.as_str())
    }

    fn row(&self, list: &str, did: &str) -> Option<&'a Value> {
        self.rows(list).iter().find(|row| row.text_at("did") == Some(did))
    }

    /// The row of an agent.
    pub(super) fn agent(&self, did: &str) -> Option<&'a Value> {
        self.row("agents", did)
    }

    /// Argo CD instances on which the agent has a username.
    pub(super) fn instances_of(&self, agent: &str) -> Vec<&'a str> {
        let rows = self.agent(agent).and_then(|row| row.get("usernames")).and_then(Value::as_array);
        rows.unwrap_or_default().iter().filter_map(|row| row.text_at("instance")).collect()
    }

    pub(super) fn is_username(&self, agent: &str, instance: &str, username: &str) -> bool {
        let rows = self.agent(agent).and_then(|row| row.get("usernames")).and_then(Value::as_array);
        let is = |row: &Value| row.text_at("instance") == Some(instance) && row.text_at("username") == Some(username);
        rows.unwrap_or_default().iter().any(is)
    }

    /// Whether a person or an agent has this username there.
    pub(super) fn knows_username(&self, instance: &str, username: &str) -> bool {
        let is = |row: &Value| row.text_at("instance") == Some(instance) && row.text_at("username") == Some(username);
        let agents = self.rows("agents").iter().filter_map(|row| row.text_at("did"));
        self.rows("humans").iter().any(is) || agents.into_iter().any(|did| self.is_username(did, instance, username))
    }

    /// What the operator says of an Argo CD instance.
    fn instance(&self, instance: &str) -> Option<&'a Value> {
        self.rows("instances").iter().find(|row| row.text_at("instance") == Some(instance))
    }

    /// Whether nobody but Argo CD can write the applications of an instance.
    pub(super) fn writes_are_closed(&self, instance: &str) -> bool {
        self.instance(instance).and_then(|row| row.get("closed_writes")).and_then(Value::as_bool) == Some(true)
    }

    /// The address of the cluster that an instance calls `name`.
    pub(super) fn cluster(&self, instance: &str, name: &str) -> Option<&'a str> {
        let rows = self.instance(instance)?.get("clusters")?.as_array()?;
        rows.iter().find(|row| row.text_at("name") == Some(name))?.text_at("server")
    }

    /// Who may issue tokens.
    pub(super) fn issuers(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.rows("cst_issuers").iter().filter_map(Value::as_str)
    }

    /// Whether `did` is a wrapper: for `agent`, or for anybody.
    pub(super) fn is_wrapper(&self, did: &Did, agent: Option<&str>) -> bool {
        let mut rows = self.rows("wrappers").iter().filter(|row| row.text_at("did") == Some(did.as_str()));
        rows.any(|row| {
            let agents = row.get("agents").and_then(Value::as_array).unwrap_or_default();
            agent.is_none_or(|agent| names(agents, agent))
        })
    }

    /// Agents whose wrapper `did` is.
    pub(super) fn wrapped_by(&self, did: &Did) -> BTreeSet<&'a str> {
        let rows = self.rows("wrappers").iter().filter(|row| row.text_at("did") == Some(did.as_str()));
        let agents = rows.filter_map(|row| row.get("agents")?.as_array());
        agents.flatten().filter_map(Value::as_str).collect()
    }

    /// (DID, first index, reason) of signers no longer trusted.
    pub(super) fn distrusted(&self) -> impl Iterator<Item = (&'a str, u64, &'a str)> + use<'a> {
        let row = |row: &'a Value| {
            let from = row.get("from_index").and_then(Value::as_i64)?;
            Some((row.text_at("did")?, u64::try_from(from).ok()?, row.text_at("reason").unwrap_or_default()))
        };
        self.rows("distrusted").iter().filter_map(row)
    }

    /// Whether the signer holds the role for this statement. `agent` is the
    /// one that a wrapper acts for, when it is known.
    pub(super) fn hold(&self, statement: &Statement<'_>, agent: Option<&str>) -> bool {
        let payload = statement.payload;
        let Some(did) = statement.signer else {
            return self.observes(payload, "submitter", statement.submitter);
        };
        match Role::of(statement.kind) {
            Role::Listed(list) => self.lists(list, did),
            Role::Approver => self.approves(did, payload.text_at("binds.instance")),
            Role::Wrapper => self.is_wrapper(did, agent),
            Role::Observer => self.observes(payload, "did", did.as_str()),
            Role::Agent(member) => payload.text_at(member) == Some(did.as_str()),
            // Judged by the pin, before roots.
            Role::Operator => false,
        }
    }

    /// Whether a body that is not at hand could have been a fact that moves a
    /// verdict.
    pub(super) fn could_hold(&self, kind: Kind, did: Option<&Did>, submitter: &str) -> bool {
        let observes = |field, name| self.rows("observers").iter().any(|row| row.text_at(field) == Some(name));
        let role = Role::of(kind);
        let Some(did) = did else { return role == Role::Observer && observes("submitter", submitter) };
        match role {
            Role::Observer => observes("did", did.as_str()),
            Role::Listed(list) => self.lists(list, did),
            Role::Approver => self.row("approvers", did.as_str()).is_some(),
            Role::Wrapper => self.is_wrapper(did, None),
            Role::Agent(_) => true,
            Role::Operator => false,
        }
    }

    fn approves(&self, did: &Did, instance: Option<&str>) -> bool {
        let mut rows = self.rows("approvers").iter().filter(|row| row.text_at("did") == Some(did.as_str()));
        rows.any(|row| {
            let instances = row.get("instances").and_then(Value::as_array).unwrap_or_default();
            instance.is_some_and(|instance| names(instances, instance))
        })
    }

    fn observes(&self, payload: &Value, field: &str, name: &str) -> bool {
        self.rows("observers").iter().any(|row| {
            let channels = row.get("channels").and_then(Value::as_array).unwrap_or_default();
            row.text_at(field) == Some(name)
                && row.text_at("instance") == payload.text_at("instance")
                && payload.text_at("channel").is_some_and(|channel| names(channels, channel))
        })
    }
}

fn names(items: &[Value], name: &str) -> bool {
    items.iter().any(|item| item.as_str() == Some(name))
}
