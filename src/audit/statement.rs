//! One statement at its position, and what the rules read out of it.

use std::collections::BTreeSet;

use crate::artifact::digest::{ArtifactDigest, PayloadHash};
use crate::artifact::json::{Value, to_compact, to_jcs};
use crate::artifact::spelling::is_spelled;
use crate::artifact::time::unix_ms;
use crate::artifact::{Artifact, Did, Kind, receipts};
use crate::audit::SKEW_MS;
use crate::audit::finding::Subject;
use crate::audit::timeline::Seen;
use crate::entry::{LoggedAt, SequencedEntry};
use crate::merkle::LeafIndex;

/// A statement at the lowest index at which its signer held the role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement<'a> {
    pub at: LeafIndex,
    /// `logged_at`, Unix milliseconds.
    pub ms: i64,
    pub kind: Kind,
    pub digest: ArtifactDigest,
    pub hash: PayloadHash,
    pub signer: Option<&'a Did>,
    pub submitter: &'a str,
    pub payload: &'a Value,
}

impl<'a> Statement<'a> {
    pub(super) fn of(at: LeafIndex, seen: &'a Seen, body: &'a Artifact) -> Statement<'a> {
        Statement::new(at, &seen.entry, body.payload_hash(), body.payload())
    }

    pub(super) fn new(
        at: LeafIndex,
        entry: &'a SequencedEntry,
        hash: PayloadHash,
        payload: &'a Value,
    ) -> Statement<'a> {
        Statement {
            at,
            ms: ms(entry.logged_at),
            kind: entry.kind,
            digest: entry.digest,
            hash,
            signer: entry.signer.as_ref(),
            submitter: entry.submitter.as_str(),
            payload,
        }
    }

    /// Whether the pinned operator says it, of this log and of no other.
    pub(super) fn is_by_operator(&self, operator: Option<&Did>, origin: Option<&str>) -> bool {
        let of_another = |named: &str| origin.is_some_and(|origin| origin != named);
        operator.is_some() && self.signer == operator && !self.text("origin").is_some_and(of_another)
    }

    pub(super) fn text(&self, path: &str) -> Option<&'a str> {
        self.payload.text_at(path)
    }

    /// An id: none where it is not in the one spelling of ids, for then it
    /// joins nothing. Peers give such ids; ours are of logs of earlier builds.
    pub(super) fn id(&self, path: &str) -> Option<&'a str> {
        self.text(path).filter(|id| is_spelled(id))
    }

    /// The id that its signer gives once; `None` where there is none.
    pub(super) fn id_given_once(&self) -> Option<&'a str> {
        self.kind.row().id_given_once.and_then(|member| self.text(member))
    }

    /// The key of the operation that an observation reports, if anybody can
    /// recompute it: whoever did not digest the operation names none.
    pub(super) fn op_key(&self) -> Option<&'a str> {
        self.text("operation_digest").and(self.text("op_key"))
    }

    /// The digest of the decision that an observed operation states as its own.
    pub(super) fn stated(&self) -> Option<&'a str> {
        let info = self.payload.get("info").and_then(Value::as_array).unwrap_or_default();
        info.iter().find(|pair| pair.text_at("name") == Some("claw.decision"))?.text_at("value")
    }
}

/// Unix milliseconds, signed.
pub(super) fn ms(at: LoggedAt) -> i64 {
    i64::try_from(at.unix_ms()).unwrap_or(i64::MAX)
}

/// A token, as its first issuance by an issuer describes it.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub statement: Statement<'a>,
    pub hash: &'a str,
    /// None where its id is not in the one spelling.
    pub job: Option<&'a str>,
    pub agent: &'a str,
    pub scope_hash: &'a str,
    pub issued_ms: i64,
    pub expires_ms: i64,
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
    pub statement: Statement<'a>,
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
    /// Whom its findings reach. Proven by the scene.
    pub charged: Subject,
    /// Where it is none of an agent's by what it names.
    pub behind: Option<Behind<'a>>,
    /// JCS of what it binds.
    pub binds: String,
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
    pub(super) fn new(statement: Statement<'a>, token: Option<usize>, agent: Option<&'a str>) -> Decision<'a> {
        let approvals = statement.payload.get("approvals").and_then(Value::as_array).unwrap_or_default();
        Decision {
            is_allow: statement.text("decision") == Some("allow"),
            token,
            token_hash: statement.text("cst.token_hash"),
            agent,
            job: statement.id("job_id").or_else(|| statement.id("binds.job_id")),
            run: statement.id("run_id"),
            agents: Vec::new(),
            charged: Subject::default(),
            behind: None,
            binds: statement.payload.get("binds").map(to_jcs).unwrap_or_default(),
            approvals: approvals.iter().filter_map(Value::as_str).collect(),
            receipts: Vec::new(),
            operations: Vec::new(),
            doubted: Vec::new(),
            statement,
        }
    }

    pub(super) fn subject(&self) -> Subject {
        self.charged.clone()
    }

    /// Whether the call that it is about makes an operation, if it is taken.
    pub(super) fn makes_operation(&self) -> bool {
        matches!(self.statement.text("binds.action"), Some("sync" | "rollback"))
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
        let named = ["job_id", "binds.job_id"].map(|path| self.statement.id(path));
        named.into_iter().flatten()
    }
}

/// An application as findings name it: `instance/namespace/name`.
pub(super) fn app_name(instance: Option<&str>, app: Option<&Value>) -> Option<String> {
    let app = app?;
    Some(format!("{}/{}/{}", instance?, app.text_at("namespace")?, app.text_at("name")?))
}

/// A receipt by a wrapper, and the decision it names.
#[derive(Clone, Debug)]
pub(super) struct Receipt<'a> {
    pub statement: Statement<'a>,
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
        self.statement.text("op_key").filter(|_| decision.makes_operation() && !self.says_nothing_was_done())
    }
}

/// A model call, as its gateway signed it.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub statement: Statement<'a>,
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
        self.statement.text("timestamp").and_then(unix_ms).unwrap_or(i64::MAX)
    }

    /// Hash of the event that it tells of; gateways may leave it out.
    pub(super) fn event(&self) -> Option<&'a str> {
        self.statement.text("binding.event_hash_b64u")
    }
}

/// The run that a bundle is about: that of its chain, else of its first
/// receipt that names one; none where that is not in the one spelling of ids.
pub(crate) fn run_of_bundle(payload: &Value) -> Option<&str> {
    named_run(payload).filter(|run| is_spelled(run))
}

fn named_run(payload: &Value) -> Option<&str> {
    let first = payload.get("event_chain").and_then(Value::as_array).and_then(<[Value]>::first);
    first.and_then(|event| event.text_at("run_id")).or_else(|| {
        receipts(payload).find_map(|(_, _, receipt)| {
            receipt.text_at("payload.binding.run_id").or_else(|| receipt.text_at("binding.run_id"))
        })
    })
}

/// A run's bundle by its own agent.
#[derive(Clone, Debug)]
pub(super) struct Bundle<'a> {
    pub statement: Statement<'a>,
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
    pub(super) fn events(&self) -> &'a [Value] {
        self.statement.payload.get("event_chain").and_then(Value::as_array).unwrap_or_default()
    }

    /// Events of the chain that say that a model was called.
    pub(super) fn model_calls(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.events().iter().filter(|event| event.text_at("event_type") == Some("llm_call"))
    }

    /// Payload hashes of the model calls that it holds in envelopes.
    pub(super) fn held_calls(&self) -> impl Iterator<Item = PayloadHash> + use<'a> {
        let receipts = self.statement.payload.get("receipts").and_then(Value::as_array).unwrap_or_default();
        receipts.iter().filter_map(|receipt| Some(PayloadHash::of(to_compact(receipt.get("payload")?).as_bytes())))
    }

    /// Receipts that the agent vouches for, with their place, whether in an
    /// envelope or not.
    pub(super) fn own_receipts(&self) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
        let payload = self.statement.payload;
        let arrays = ["tool_receipts", "side_effect_receipts", "human_approval_receipts"];
        arrays.into_iter().flat_map(move |array| {
            let receipts = payload.get(array).and_then(Value::as_array).unwrap_or_default();
            let place = move |(at, receipt): (usize, &'a Value)| {
                (format!("{array}[{at}]"), receipt.get("payload").unwrap_or(receipt))
            };
            receipts.iter().enumerate().map(place)
        })
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
