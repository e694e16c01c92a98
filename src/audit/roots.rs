//! Whose word counts: one `audit_roots` statement of the pinned operator, and
//! the roles it gives (JUDGING 2.3).

mod distrusted;

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::{
    AgentRow, Artifact, AuditRoots, Did, DistrustedRow, InstanceRow, Kind, Node, ObserverRow, Payload, Username, View,
    Voice, WrapperRow,
};
use crate::audit::inserted::Inserted;
use crate::audit::statement::Statement;
use crate::merkle::LeafIndex;

pub(super) use self::distrusted::{Distrusted, Row};

/// The roots in force at some index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roots<'a> {
    pub digest: ArtifactDigest,
    says: AuditRoots<'a>,
}

impl<'a> Roots<'a> {
    pub(super) fn of(statement: &Statement<'a, AuditRoots<'a>>) -> Self {
        Roots { digest: statement.digest(), says: statement.payload }
    }

    pub(super) fn new(digest: ArtifactDigest, payload: Node<'a>) -> Self {
        Roots { digest, says: AuditRoots::of(payload) }
    }

    pub(super) fn is_reviewer(&self, did: &str) -> bool {
        self.says.reviewers().any(|one| one == did)
    }

    /// The row of an agent.
    pub(super) fn agent(&self, did: &str) -> Option<AgentRow<'a>> {
        self.says.agents().find(|row| row.did() == Some(did))
    }

    /// Argo CD instances on which the agent has a username.
    pub(super) fn instances_of(&self, agent: &str) -> Vec<&'a str> {
        self.usernames_of(agent).filter_map(Username::instance).collect()
    }

    /// Instances where agents have usernames.
    pub(super) fn instances_of_agents(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.says.agents().flat_map(AgentRow::usernames).filter_map(Username::instance)
    }

    /// Agents with a username on an instance.
    pub(super) fn agents_at(&self, instance: &str) -> Vec<&'a str> {
        let is_there = |row: &AgentRow<'a>| row.usernames().any(|name| name.instance() == Some(instance));
        self.says.agents().filter(is_there).filter_map(AgentRow::did).collect()
    }

    fn usernames_of(&self, agent: &str) -> impl Iterator<Item = Username<'a>> {
        self.agent(agent).into_iter().flat_map(AgentRow::usernames)
    }

    pub(super) fn is_username(&self, agent: &str, instance: &str, username: &str) -> bool {
        self.usernames_of(agent).any(|row| row.is(instance, username))
    }

    /// Whether a person or an agent has this username there.
    pub(super) fn knows_username(&self, instance: &str, username: &str) -> bool {
        self.is_person(instance, username)
            || self.says.agents().filter_map(AgentRow::did).any(|did| self.is_username(did, instance, username))
    }

    /// Whether a person has this username there.
    pub(super) fn is_person(&self, instance: &str, username: &str) -> bool {
        self.says.humans().any(|row| row.is(instance, username))
    }

    /// Agents that have this username there.
    pub(super) fn agents_named(&self, instance: &str, username: &str) -> Vec<&'a str> {
        let agents = self.says.agents().filter(|row| row.usernames().any(|name| name.is(instance, username)));
        agents.filter_map(AgentRow::did).collect()
    }

    /// Whether every person of an instance is listed.
    pub(super) fn lists_all_people(&self, instance: &str) -> bool {
        self.instance(instance).and_then(InstanceRow::humans_complete) == Some(true)
    }

    /// What the operator says of an Argo CD instance.
    fn instance(&self, instance: &str) -> Option<InstanceRow<'a>> {
        self.says.instances().find(|row| row.instance() == Some(instance))
    }

    /// Whether nobody but Argo CD can write the applications of an instance.
    pub(super) fn writes_are_closed(&self, instance: &str) -> bool {
        self.instance(instance).and_then(InstanceRow::closed_writes) == Some(true)
    }

    /// The address of the cluster that an instance calls `name`.
    pub(super) fn cluster(&self, instance: &str, name: &str) -> Option<&'a str> {
        self.instance(instance)?.clusters().find(|row| row.name() == Some(name))?.server()
    }

    /// Who may issue tokens.
    pub(super) fn issuers(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.says.issuers()
    }

    fn wrapper_rows(&self, did: &Did) -> impl Iterator<Item = WrapperRow<'a>> {
        self.says.wrappers().filter(move |row| row.did() == Some(did.as_str()))
    }

    /// Whether `did` is a wrapper: for `agent`, or for anybody.
    pub(super) fn is_wrapper(&self, did: &Did, agent: Option<&str>) -> bool {
        self.wrapper_rows(did).any(|row| agent.is_none_or(|agent| row.agents().any(|one| one == agent)))
    }

    /// Agents whose wrapper `did` is.
    pub(super) fn wrapped_by(&self, did: &Did) -> BTreeSet<&'a str> {
        self.wrapper_rows(did).flat_map(WrapperRow::agents).inserted()
    }

    /// Whether it lists a gateway of this name.
    pub(super) fn is_gateway(&self, did: &str) -> bool {
        self.says.gateways().any(|one| one == did)
    }

    /// (DID, first index, reason) of signers no longer trusted.
    pub(super) fn distrusted(&self) -> impl Iterator<Item = (&'a str, u64, &'a str)> + use<'a> {
        let row = |row: DistrustedRow<'a>| Some((row.did()?, row.since()?, row.reason().unwrap_or_default()));
        self.says.distrusted().filter_map(row)
    }

    /// Whether the signer holds the role for this statement. `agent` is the
    /// one that a wrapper acts for, when it is known.
    pub(super) fn hold(&self, statement: &Statement<'_>, agent: Option<&str>) -> bool {
        let says = statement.payload;
        let Some(did) = statement.signer() else {
            return self.observes(says, |row| row.submitter() == Some(statement.submitter()));
        };
        match statement.kind().row().voice {
            Voice::Listed(list) => self.says.list(list).any(|one| one == did.as_str()),
            Voice::Approver(_) => self.approves(did, says.instance()),
            Voice::Wrapper => self.is_wrapper(did, agent),
            Voice::Observer => self.observes(says, |row| row.did() == Some(did.as_str())),
            Voice::Agent(_) => says.agent() == Some(did.as_str()),
            // Judged by the pin, before roots.
            Voice::Operator => false,
        }
    }

    /// Whether a body that is not at hand could have been a fact that moves a
    /// verdict.
    pub(super) fn could_hold(&self, kind: Kind, did: Option<&Did>, submitter: &str) -> bool {
        let voice = kind.row().voice;
        let Some(did) = did else {
            return voice == Voice::Observer && self.says.observers().any(|row| row.submitter() == Some(submitter));
        };
        match voice {
            Voice::Observer => self.says.observers().any(|row| row.did() == Some(did.as_str())),
            Voice::Listed(list) => self.says.list(list).any(|one| one == did.as_str()),
            Voice::Approver(_) => self.says.approvers().any(|row| row.did() == Some(did.as_str())),
            Voice::Wrapper => self.is_wrapper(did, None),
            Voice::Agent(_) => true,
            Voice::Operator => false,
        }
    }

    fn approves(&self, did: &Did, instance: Option<&str>) -> bool {
        let mut rows = self.says.approvers().filter(|row| row.did() == Some(did.as_str()));
        rows.any(|row| instance.is_some_and(|instance| row.instances().any(|one| one == instance)))
    }

    fn observes(&self, says: Payload<'_>, is_observer: impl Fn(&ObserverRow<'_>) -> bool) -> bool {
        let (instance, channel) = (says.instance(), says.channel());
        self.says.observers().any(|row| {
            is_observer(&row)
                && row.instance() == instance
                && channel.is_some_and(|channel| row.channels().any(|one| one == channel))
        })
    }
}

/// DIDs of the gateways that any of these roots list: a key that was replaced
/// signed what it signed. Not those whom roots distrust from below their first
/// listing on; what others sign once they are distrusted is for the audit to
/// tell. `None` without roots.
#[must_use]
pub fn gateways<'a>(roots: impl IntoIterator<Item = (LeafIndex, &'a Artifact<'static>)>) -> Option<Vec<String>> {
    let roots = roots.into_iter().map(|(at, roots)| (at, Roots::new(roots.digest(), roots.payload_node())));
    let roots: Vec<_> = roots.collect();
    let distrusted = Distrusted::of(roots.iter().copied());
    let mut listed = BTreeMap::new();
    for (at, roots) in &roots {
        for did in roots.says.gateways() {
            listed.entry(did).or_insert(*at);
        }
    }
    let is_trusted = |did: &str, at| Did::parse(did).is_ok_and(|did| distrusted.row(at, &did).is_none());
    let listed = listed.into_iter().filter(|(did, at)| is_trusted(did, *at)).map(|(did, _)| did.to_owned());
    (!roots.is_empty()).then(|| listed.collect())
}
