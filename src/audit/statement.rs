//! One statement at its position, and what the rules read out of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::artifact::spelling::spelled;
use crate::artifact::time::unix_ms;
use crate::artifact::{
    AppRef, ArgocdDecision, ArgocdObservation, ArgocdReceipt, Artifact, CstIssuance, Did, Event, GatewayReceipt,
    HeldReceipt, Kind, Node, Payload, ProofBundle,
};
use crate::audit::SKEW_MS;
use crate::audit::finding::Subject;
use crate::audit::stated::Name;
use crate::audit::timeline::Seen;
use crate::entry::{LoggedAt, SequencedEntry};
use crate::merkle::LeafIndex;

/// A statement at the lowest index at which its signer held the role: of any
/// kind, or of the one whose view it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement<'a, P = Payload<'a>> {
    pub at: LeafIndex,
    /// Where it stands: read there, since a scene holds each statement twice.
    entry: &'a SequencedEntry,
    /// Of its payload.
    pub hash: &'a PayloadHash,
    pub payload: P,
}

/// What Argo CD reports of an operation.
pub(super) type Operation<'a> = Statement<'a, ArgocdObservation<'a>>;

impl<'a> Statement<'a> {
    pub(super) fn of(at: LeafIndex, seen: &'a Seen, body: &'a Artifact) -> Self {
        Statement::new(at, &seen.entry, body.payload_hash_ref(), body.payload_node())
    }

    pub(super) fn new(at: LeafIndex, entry: &'a SequencedEntry, hash: &'a PayloadHash, payload: Node<'a>) -> Self {
        Statement { at, entry, hash, payload: Payload::of(entry.kind, payload) }
    }

    /// Whether the pinned operator says it, of this log and of no other.
    pub(super) fn is_by_operator(&self, operator: Option<&Did>, origin: Option<&str>) -> bool {
        let of_another = |named: &str| origin.is_some_and(|origin| origin != named);
        operator.is_some() && self.signer() == operator && !self.payload.origin().is_some_and(of_another)
    }
}

impl<'a> Statement<'a> {
    /// The same as a statement of one kind; `None` where it is of another.
    pub(super) fn of_kind<P: TryFrom<Payload<'a>>>(self) -> Option<Statement<'a, P>> {
        Some(self.read_as(P::try_from(self.payload).ok()?))
    }
}

impl<'a, P: Into<Payload<'a>> + Copy> Statement<'a, P> {
    /// The same as a statement of any kind.
    pub(super) fn of_any(self) -> Statement<'a> {
        self.read_as(self.payload.into())
    }
}

impl<'a, P> Statement<'a, P> {
    /// The same, read as `payload` reads it.
    pub(super) fn read_as<Q>(self, payload: Q) -> Statement<'a, Q> {
        let Statement { at, entry, hash, payload: _ } = self;
        Statement { at, entry, hash, payload }
    }

    /// The same at the place of another.
    pub(super) fn placed(self, at: LeafIndex) -> Self {
        Statement { at, ..self }
    }

    /// `logged_at`, Unix milliseconds.
    pub(super) fn ms(&self) -> i64 {
        ms(self.entry.logged_at)
    }

    /// What it is compared by with others.
    pub(super) fn name(&self) -> Name<'a> {
        Name::new(self.entry, self.hash)
    }

    pub(super) fn kind(&self) -> Kind {
        self.entry.kind
    }

    pub(super) fn digest(&self) -> ArtifactDigest {
        self.entry.digest
    }

    pub(super) fn signer(&self) -> Option<&'a Did> {
        self.entry.signer.as_ref()
    }

    pub(super) fn submitter(&self) -> &'a str {
        self.entry.submitter.as_str()
    }
}

impl<'a> Operation<'a> {
    /// The key of the operation, if anybody can recompute it.
    pub(super) fn op_key(&self) -> Option<&'a str> {
        self.payload.op_key()
    }

    /// The digest of the decision that the operation states as its own.
    pub(super) fn stated(&self) -> Option<&'a str> {
        self.payload.stated()
    }
}

/// Unix milliseconds, signed.
pub(super) fn ms(at: LoggedAt) -> i64 {
    i64::try_from(at.unix_ms()).unwrap_or(i64::MAX)
}

/// A token, as its first issuance by an issuer describes it.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub statement: Statement<'a, CstIssuance<'a>>,
    pub hash: &'a str,
    /// None where its id is not in the one spelling.
    pub job: Option<&'a str>,
    pub agent: &'a str,
    pub scope_hash: &'a str,
    pub issued_ms: i64,
    pub expires_ms: i64,
    /// How long it lives, seconds, by each issuer's account of it.
    pub lengths_s: BTreeSet<i64>,
    pub pinned: Option<&'a str>,
    /// Hash of the policy it runs under: the pinned one, else the agent's
    /// default in the roots at the issuance.
    pub policy_hash: Option<&'a str>,
    /// That policy, when it stands before the issuance.
    pub policy: Option<usize>,
    /// Whether the roots know the agent and let it run under that policy.
    pub agent_known: bool,
    pub policy_listed: bool,
    /// First revocation by a revoker: index and `logged_at`.
    pub revoked: Option<(LeafIndex, i64)>,
}

impl Token<'_> {
    pub(super) fn subject(&self) -> Subject {
        Subject {
            job: self.job.map(str::to_owned),
            agent: Some(self.agent.to_owned()),
            token: Some(self.hash.to_owned()),
            ..Subject::default()
        }
    }

    /// When its rights end, Unix milliseconds.
    pub(super) fn end_ms(&self) -> i64 {
        self.revoked.map_or(self.expires_ms, |(_, ms)| ms.min(self.expires_ms))
    }

    /// Whether a time that somebody else signed lies in its life, within the
    /// clocks' tolerance.
    pub(super) fn lives_at(&self, ms: i64) -> bool {
        (self.issued_ms.saturating_sub(SKEW_MS)..=self.end_ms().saturating_add(SKEW_MS)).contains(&ms)
    }
}

/// Who may be behind an act under no grant and for no job of theirs.
#[derive(Clone, Debug)]
pub(super) struct Behind<'a> {
    /// The one agent that can be meant.
    pub found: Option<&'a str>,
    /// Agents whose wrapper did it.
    pub wrapped: BTreeSet<&'a str>,
    /// Whether Argo CD reports an operation that is its.
    pub is_seen: bool,
}

/// A decision by a wrapper.
#[derive(Clone, Debug)]
pub(super) struct Decision<'a> {
    pub statement: Statement<'a, ArgocdDecision<'a>>,
    pub is_allow: bool,
    /// The token it names, when its issuance stands before.
    pub token: Option<usize>,
    pub token_hash: Option<&'a str>,
    pub agent: Option<&'a str>,
    pub job: Option<&'a str>,
    pub run: Option<&'a str>,
    /// Agents that it is about and that its signer is the wrapper of: the
    /// token's, else those of the job that it names. Proven by the scene.
    pub agents: Vec<&'a str>,
    /// Whom its findings reach. Proven by the scene; the decisions of one run
    /// about one application share it.
    pub charged: Arc<Subject>,
    /// Where it is none of an agent's by what it names.
    pub behind: Option<Box<Behind<'a>>>,
    pub approvals: Vec<&'a str>,
    /// Positions among the scene's receipts and operations.
    pub receipts: Vec<usize>,
    pub operations: Vec<usize>,
    /// Operations that speak against what the wrapper says came of it, and
    /// that may be none of its agent's: known to nobody but their observer,
    /// say, where anybody who can write the application may have made them.
    pub doubted: Vec<usize>,
}

impl<'a> Decision<'a> {
    pub(super) fn new(
        statement: Statement<'a, ArgocdDecision<'a>>,
        token: Option<usize>,
        agent: Option<&'a str>,
    ) -> Self {
        let says = statement.payload;
        Decision {
            is_allow: says.decision() == Some("allow"),
            token,
            token_hash: says.token_hash(),
            agent,
            job: spelled(says.job()).or_else(|| spelled(says.binds().job())),
            run: spelled(says.run()),
            agents: Vec::new(),
            charged: Arc::default(),
            behind: None,
            approvals: says.approvals().collect(),
            receipts: Vec::new(),
            operations: Vec::new(),
            doubted: Vec::new(),
            statement,
        }
    }

    pub(super) fn subject(&self) -> &Arc<Subject> {
        &self.charged
    }

    /// Whether a text is its payload hash.
    pub(super) fn is_named(&self, hash: &str) -> bool {
        PayloadHash::from_hex(hash).is_ok_and(|hash| hash == *self.statement.hash)
    }

    /// Whether the call that it is about makes an operation, if it is taken.
    pub(super) fn makes_operation(&self) -> bool {
        self.statement.payload.binds().makes_operation()
    }

    /// Whether it is this agent's for sure. Under a token that nobody issued, or
    /// of two accounts, it is its wrapper's act for the one whom it names.
    pub(super) fn is_of(&self, agent: &str) -> bool {
        self.agent.map_or_else(|| self.agents == [agent], |own| own == agent)
    }

    /// Whether it is this agent's or another's, and nothing tells whose.
    pub(super) fn may_be_of(&self, agent: &str) -> bool {
        let wrapped = || self.behind.as_ref().is_some_and(|behind| behind.wrapped.contains(agent));
        let among = || self.agents.contains(&agent) || (self.agents.is_empty() && wrapped());
        self.agent.is_none() && !self.is_of(agent) && among()
    }

    /// Jobs that it names, whoever's they are.
    pub(super) fn named_jobs(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let says = self.statement.payload;
        [says.job(), says.binds().job()].into_iter().filter_map(spelled)
    }
}

/// An application as findings name it: `instance/namespace/name`.
pub(super) fn app_name(instance: Option<&str>, app: AppRef<'_>) -> Option<String> {
    Some(format!("{}/{}/{}", instance?, app.namespace()?, app.name()?))
}

/// A receipt by a wrapper, and the decision it names.
#[derive(Clone, Debug)]
pub(super) struct Receipt<'a> {
    pub statement: Statement<'a, ArgocdReceipt<'a>>,
    pub decision: Option<usize>,
    pub outcome: &'a str,
}

impl<'a> Receipt<'a> {
    /// Whether the wrapper says that Argo CD did nothing.
    pub(super) fn says_nothing_was_done(&self) -> bool {
        self.outcome == "not_sent" || self.outcome.starts_with("refused_")
    }

    /// Whether the wrapper knows that Argo CD took the call.
    pub(super) fn is_sure(&self) -> bool {
        self.outcome == "accepted"
    }

    /// The key of the operation that the wrapper says came of the call, which
    /// this decision of its is about. Where nothing was done, the operation
    /// that it names is one that it found; and one that was ended came of
    /// another call.
    pub(super) fn claims(&self, decision: &Decision<'a>) -> Option<&'a str> {
        self.statement.payload.op_key().filter(|_| decision.makes_operation() && !self.says_nothing_was_done())
    }
}

/// A model call, as its gateway signed it.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub statement: Statement<'a, GatewayReceipt<'a>>,
    pub run: Option<&'a str>,
    pub scope_hash: Option<&'a str>,
    /// The first token of its grant, though it be issued after the call.
    /// Proven by the scene.
    pub grant: Option<usize>,
}

impl<'a> Call<'a> {
    /// What the gateway signed as its time, Unix milliseconds; the end of time
    /// when it says none.
    pub(super) fn signed_ms(&self) -> i64 {
        self.statement.payload.timestamp().and_then(unix_ms).unwrap_or(i64::MAX)
    }

    /// Hash of the event that it tells of; gateways may leave it out.
    pub(super) fn event(&self) -> Option<&'a str> {
        self.statement.payload.binding().event_hash()
    }
}

/// A run's bundle by its own agent.
#[derive(Clone, Debug)]
pub(super) struct Bundle<'a> {
    pub statement: Statement<'a, ProofBundle<'a>>,
    pub agent: &'a str,
    /// Run of its event chain.
    pub run: Option<&'a str>,
    /// Job, when the signer holds a token of it.
    pub job: Option<&'a str>,
    pub token_hashes: Vec<&'a str>,
    /// The one of the same signer and run that stands before it.
    pub before: Option<LeafIndex>,
    /// Whether it says everything that the one before says, and maybe more.
    pub continues: bool,
    /// Whether another one of the same run stands after it.
    pub is_packed_again: bool,
}

impl<'a> Bundle<'a> {
    /// Events of the chain that say that a model was called.
    pub(super) fn model_calls(&self) -> impl Iterator<Item = Event<'a>> + use<'a> {
        self.statement.payload.events().filter(|event| event.sort() == Some("llm_call"))
    }

    /// Payload hashes of the model calls that it holds in envelopes.
    pub(super) fn held_calls(&self) -> impl Iterator<Item = PayloadHash> + use<'a> {
        self.statement.payload.receipts().filter_map(HeldReceipt::payload_hash)
    }

    pub(super) fn subject(&self) -> Subject {
        Subject {
            job: self.job.map(str::to_owned),
            run: self.run.map(str::to_owned),
            agent: Some(self.agent.to_owned()),
            ..Subject::default()
        }
    }
}
