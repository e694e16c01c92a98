//! What ties entries together: two entries that share a link may change each
//! other's findings, and entries that no chain of links joins never do.
//!
//! ```text
//! issuance ─ job, token, grant      decision ─ job, token, run, its own hash, its approvals'
//! receipt  ─ its decision's hash    bundle   ─ its agent's runs, tokens and job
//! ```
//!
//! What an agent says of itself leads to what others say of its runs, and they
//! lead back to it only where wrappers, gateways or issuers name that agent.
//!
//! So the audit of one job needs the entries that its links lead to, however
//! long the log is. A link is a short hash: two texts that meet by chance join
//! two jobs, which costs time and changes no finding.

use crate::artifact::digest::{PayloadHash, sha256};
use crate::artifact::json::{Value, to_compact};
use crate::artifact::{Artifact, Did, Kind};
use crate::audit::roles::{Role, is_of_agent};
use crate::audit::roots::Roots;
use crate::audit::statement::{Statement, run_of_bundle};
use crate::audit::timeline::Seen;
use crate::entry::SequencedEntry;
use crate::merkle::LeafIndex;

/// Version of what entries are filed under. It changes whenever the same entry
/// may get other links, so that stored links are made again.
pub const LINKS_VERSION: u8 = 3;

/// Bytes of a link.
pub const LINK_BYTES: usize = 9;

/// One thing that entries can have in common: what sort of thing it is, and
/// eight bytes of the SHA-256 of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link([u8; LINK_BYTES]);

impl Link {
    /// Statements of the operator that say whose word counts; every audit
    /// reads all of them.
    pub const ROOTS: Link = Link::of_space(b'R');
    /// Entries without a body: nobody can say what they would be linked to.
    pub const UNREAD: Link = Link::of_space(b'U');
    /// Statements by signers without the role.
    pub const UNTRUSTED: Link = Link::of_space(b'V');

    const fn of_space(space: u8) -> Link {
        Link([space, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    fn new(space: u8, name: &[u8]) -> Link {
        let mut link = [space; LINK_BYTES];
        link[1..].copy_from_slice(&sha256(name)[..LINK_BYTES - 1]);
        Link(link)
    }

    pub fn job(job: &str) -> Link {
        Link::new(b'j', job.as_bytes())
    }

    pub fn run(run: &str) -> Link {
        Link::new(b'r', run.as_bytes())
    }

    /// By the hex hash of the compact token.
    pub fn token(hash: &str) -> Link {
        Link::new(b't', hash.as_bytes())
    }

    /// By the scope hash that tokens of one grant share.
    pub(super) fn grant(scope_hash: &str) -> Link {
        Link::new(b'g', scope_hash.as_bytes())
    }

    /// By the hex payload hash of a statement that others refer to.
    fn statement(hash: &str) -> Link {
        Link::new(b's', hash.as_bytes())
    }

    /// By the DID of an agent: joins its tokens with those of its bundles that
    /// name no run, for these concern all its jobs.
    fn agent(did: &str) -> Link {
        Link::new(b'a', did.as_bytes())
    }

    /// A run as its own agent speaks of it. Anybody can name anybody's run, so
    /// what agents say of themselves is asked for by agent and run together.
    pub(super) fn own_run(agent: &str, run: &str) -> Link {
        Link::new(b'w', [agent, run].join("\0").as_bytes())
    }

    /// A token, by hex hash, as a bundle of this agent lists it.
    fn own_token(agent: &str, hash: &str) -> Link {
        Link::new(b'k', [agent, hash].join("\0").as_bytes())
    }

    /// A job as a bundle of this agent names it, and as tokens were issued to
    /// the agent for it: what others name of the job is asked for by nobody.
    fn own_job(agent: &str, job: &str) -> Link {
        Link::new(b'm', [agent, job].join("\0").as_bytes())
    }

    fn operation(op_key: &str) -> Link {
        Link::new(b'o', op_key.as_bytes())
    }

    /// By the base64url hash of a policy.
    pub fn policy(hash_b64u: &str) -> Link {
        Link::new(b'p', hash_b64u.as_bytes())
    }

    pub(super) fn policy_id(id: &str) -> Link {
        Link::new(b'i', id.as_bytes())
    }

    /// An id that its signer gives once.
    fn once(kind: Kind, signer: &str, id: &str) -> Link {
        Link::new(b'1', [kind.name(), signer, id].join("\0").as_bytes())
    }

    pub fn as_bytes(&self) -> &[u8; LINK_BYTES] {
        &self.0
    }
}

/// An entry as it is filed: nothing here needs its signature verified again.
#[derive(Clone, Copy, Debug)]
pub struct Filing<'a> {
    pub at: LeafIndex,
    pub entry: &'a SequencedEntry,
    /// Hash of the payload in the kind's form, and the payload; absent when
    /// the body is not at hand.
    pub body: Option<(PayloadHash, &'a Value)>,
}

impl<'a> Filing<'a> {
    pub(super) fn of(at: LeafIndex, seen: &'a Seen) -> Filing<'a> {
        let body = seen.body.as_ref().map(|body| (body.payload_hash(), body.payload()));
        Filing { at, entry: &seen.entry, body }
    }
}

/// Links that an entry is found by, given the payload of the roots in force
/// at its index, and the operator whom the reader pins for the log called
/// `origin`. Nothing for a statement that cannot be a fact, but
/// [`Link::UNTRUSTED`]: strangers cannot make anybody's audit longer. Linear
/// in the payload.
#[must_use]
pub fn filed_under(filing: &Filing<'_>, roots: Option<&Value>, operator: &Did, origin: Option<&str>) -> Vec<Link> {
    let Some((hash, payload)) = filing.body else { return vec![unread(filing.entry, roots, operator)] };
    let statement = Statement::new(filing.at, filing.entry, hash, payload);
    let of_operator = statement.is_by_operator(Some(operator), origin);
    let counts = match Role::of(statement.kind) {
        Role::Operator => of_operator,
        Role::Listed(_) | Role::Approver | Role::Wrapper | Role::Observer | Role::Agent(_) => {
            roots.is_some_and(|roots| Roots::new(statement.digest, roots).hold(&statement, None))
        }
    };
    if counts { of_statement(&statement) } else { vec![Link::UNTRUSTED] }
}

/// Where an entry is filed whose body is not at hand: one that an agent vouches
/// for could only speak of that agent's runs.
fn unread(entry: &SequencedEntry, roots: Option<&Value>, operator: &Did) -> Link {
    let (kind, signer) = (entry.kind, entry.signer.as_ref());
    let holds = |roots| Roots::new(entry.digest, roots).could_hold(kind, signer, entry.submitter.as_str());
    match signer {
        _ if signer == Some(operator) => Link::UNREAD,
        _ if !roots.is_some_and(holds) => Link::UNTRUSTED,
        Some(agent) if is_of_agent(kind) => Link::agent(agent.as_str()),
        _ => Link::UNREAD,
    }
}

fn of_statement(statement: &Statement<'_>) -> Vec<Link> {
    let payload = statement.payload;
    let mut links = Vec::new();
    let mut file = |link: fn(&str) -> Link, name: Option<&str>| links.extend(name.map(link));
    let own_hash = statement.hash.to_string();
    match statement.kind {
        Kind::AuditRoots => links.push(Link::ROOTS),
        Kind::WorkPolicy => {
            file(Link::policy, Some(&statement.hash.to_b64u()));
            file(Link::policy_id, payload.text_at("policy_id"));
        }
        Kind::CstIssuance => {
            file(Link::job, payload.text_at("claims.mission_id"));
            file(Link::token, payload.text_at("token_hash"));
            file(Link::grant, payload.text_at("claims.token_scope_hash_b64u"));
            let own = payload.text_at("claims.sub").zip(payload.text_at("claims.mission_id"));
            links.extend(own.map(|(agent, job)| Link::own_job(agent, job)));
        }
        Kind::CstRevocation => file(Link::token, payload.text_at("token_hash")),
        Kind::Approval => {
            file(Link::job, payload.text_at("binds.job_id"));
            file(Link::statement, Some(&own_hash));
        }
        Kind::ArgocdDecision => {
            file(Link::job, payload.text_at("job_id"));
            file(Link::job, payload.text_at("binds.job_id"));
            file(Link::token, payload.text_at("cst.token_hash"));
            file(Link::run, payload.text_at("run_id"));
            file(Link::statement, Some(&own_hash));
            texts(payload, "approvals").for_each(|approval| file(Link::statement, Some(approval)));
        }
        Kind::ArgocdReceipt => {
            file(Link::statement, payload.text_at("decision_digest"));
            file(Link::operation, payload.text_at("op_key"));
        }
        Kind::ArgocdObservation => {
            file(Link::operation, statement.op_key());
            file(Link::statement, statement.stated());
        }
        Kind::GatewayReceipt => {
            file(Link::run, payload.text_at("binding.run_id"));
            file(Link::grant, payload.text_at("binding.token_scope_hash_b64u"));
            file(Link::statement, Some(&own_hash));
        }
        Kind::ProofBundle if run_of_bundle(payload).is_none() => file(Link::agent, payload.text_at("agent_did")),
        Kind::ChangeRecord => file(Link::job, payload.text_at("job_id")),
        Kind::AuditStatement => file(Link::job, payload.text_at("scope.job_id")),
        // What agents say of themselves is filed below.
        Kind::ProofBundle
        | Kind::TrustPulse
        | Kind::ToolReceipt
        | Kind::SideEffectReceipt
        | Kind::HumanApprovalReceipt
        | Kind::DelegationReceipt => {}
        // They lead to no job, run or token.
        Kind::ArgocdSnapshot | Kind::Withholding => {}
    }
    if let Some(agent) = statement.signer.filter(|_| is_of_agent(statement.kind)) {
        let (runs, tokens) = named_by_agent(statement.kind, payload);
        links.extend(runs.iter().map(|run| Link::own_run(agent.as_str(), run)));
        links.extend(tokens.iter().map(|hash| Link::own_token(agent.as_str(), hash)));
        let job = payload.text_at("metadata.pulselog.job_id").filter(|_| statement.kind == Kind::ProofBundle);
        links.extend(job.map(|job| Link::own_job(agent.as_str(), job)));
    }
    let id = statement.id_given_once();
    links.extend(id.zip(statement.signer).map(|(id, signer)| Link::once(statement.kind, signer.as_str(), id)));
    links.sort_unstable();
    links.dedup();
    links
}

/// Links that reading an entry leads to, beside those it is filed under.
pub(super) fn asked_by(body: &Artifact) -> Vec<Link> {
    let payload = body.payload();
    match body.kind() {
        Kind::CstIssuance => {
            let policy = payload.text_at("claims.policy_hash_b64u").map(Link::policy);
            let (agent, token) = (payload.text_at("claims.sub"), payload.text_at("token_hash"));
            let listed = agent.zip(token).map(|(agent, token)| Link::own_token(agent, token));
            policy.into_iter().chain(agent.map(Link::agent)).chain(listed).collect()
        }
        Kind::WorkPolicy => payload.text_at("inherits").map(Link::policy_id).into_iter().collect(),
        Kind::ProofBundle => {
            let receipts = payload.get("receipts").and_then(Value::as_array).unwrap_or_default();
            let hash = |receipt: &Value| Some(PayloadHash::of(to_compact(receipt.get("payload")?).as_bytes()));
            let held = receipts.iter().filter_map(hash).map(|hash| Link::statement(&hash.to_string()));
            let more = held.chain(payload.text_at("agent_did").map(Link::agent));
            more.chain(told_of_by_others(Kind::ProofBundle, payload)).collect()
        }
        kind @ (Kind::TrustPulse
        | Kind::ToolReceipt
        | Kind::SideEffectReceipt
        | Kind::HumanApprovalReceipt
        | Kind::DelegationReceipt) => told_of_by_others(kind, payload),
        Kind::GatewayReceipt
        | Kind::CstRevocation
        | Kind::Approval
        | Kind::ArgocdDecision
        | Kind::ArgocdReceipt
        | Kind::ChangeRecord
        | Kind::AuditRoots
        | Kind::AuditStatement
        | Kind::Withholding
        | Kind::ArgocdObservation
        | Kind::ArgocdSnapshot => Vec::new(),
    }
}

/// What wrappers, gateways and issuers say of the runs and tokens that an
/// agent's own statement names. It leads to them, and they lead back to none
/// but the agent's.
fn told_of_by_others(kind: Kind, payload: &Value) -> Vec<Link> {
    let (runs, tokens) = named_by_agent(kind, payload);
    runs.iter().map(|run| Link::run(run)).chain(tokens.iter().map(|hash| Link::token(hash))).collect()
}

/// Runs and tokens that an agent's own statement names.
fn named_by_agent(kind: Kind, payload: &Value) -> (Vec<String>, Vec<String>) {
    if kind == Kind::ProofBundle {
        let keys = (kind.row().keys)(payload);
        return (keys.runs, keys.token_hashes);
    }
    let path = if kind == Kind::TrustPulse { "run_id" } else { "binding.run_id" };
    (payload.text_at(path).map(str::to_owned).into_iter().collect(), Vec::new())
}

fn texts<'a>(payload: &'a Value, path: &str) -> impl Iterator<Item = &'a str> {
    payload.at(path).and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_str)
}
