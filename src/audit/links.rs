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

mod filed;

use std::collections::BTreeSet;

use crate::artifact::digest::{PayloadHash, sha256};
use crate::artifact::json::Value;
use crate::artifact::{Artifact, Did, HeldReceipt, Kind, Node, Payload, Voice};
use crate::audit::roots::Roots;
use crate::audit::statement::Statement;
use crate::audit::timeline::Seen;
use crate::entry::SequencedEntry;
use crate::merkle::LeafIndex;

/// Version of what entries are filed under. It changes whenever the same entry
/// may get other links, so that stored links are made again.
pub const LINKS_VERSION: u8 = 10;

/// Bytes of a link.
pub const LINK_BYTES: usize = 9;

/// Sorts of things that are ways in and no ties: see [`Link::app`],
/// [`Link::by_user`], [`Link::decided`], [`Link::tried`], [`Link::rights`],
/// [`Link::looks`] and [`Link::looks_of`].
const APP: u8 = b'A';
const BY_USER: u8 = b'N';
const DECIDED: u8 = b'D';
const TRIED: u8 = b'E';
const RIGHTS: u8 = b'T';
const LOOKS: u8 = b'L';
const LOOKS_OF: u8 = b'M';

/// How fine times are filed.
const HOUR_MS: i64 = 3_600_000;

/// The hour of a time in milliseconds since 1970.
pub(super) const fn hour_of(ms: i64) -> i64 {
    ms.div_euclid(HOUR_MS)
}

/// One thing that entries can have in common: what sort of thing it is, and
/// eight bytes of the SHA-256 of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link([u8; LINK_BYTES]);

/// Roots that were said, while entries are filed in order: the same ones that
/// somebody logs again say nothing new and come into force no more.
#[derive(Clone, Debug, Default)]
pub struct RootsSaid(BTreeSet<PayloadHash>);

impl RootsSaid {
    /// Notes roots that were filed before.
    pub fn note(&mut self, hash: PayloadHash) {
        self.0.insert(hash);
    }

    /// Whether what is filed under `links` are roots that come into force. Roots
    /// that were said before lose their link.
    pub fn take(&mut self, hash: PayloadHash, links: &mut Vec<Link>) -> bool {
        let is_new = links.contains(&Link::ROOTS) && self.0.insert(hash);
        if !is_new {
            links.retain(|link| *link != Link::ROOTS);
        }
        is_new
    }
}

impl Link {
    /// Statements of the operator that say whose word counts; every audit
    /// reads all of them.
    pub const ROOTS: Self = Self::of_space(b'R');
    /// Entries without a body: nobody can say what they would be linked to.
    pub const UNREAD: Self = Self::of_space(b'U');
    /// Statements by signers without the role.
    pub const UNTRUSTED: Self = Self::of_space(b'V');

    /// What is left of the links of a statement that stands below under the same
    /// roots ([`crate::audit::Stated`]): whose word it is.
    pub fn drop_repeated(links: &mut Vec<Self>) {
        links.retain(|link| *link == Self::UNTRUSTED);
    }

    const fn of_space(space: u8) -> Self {
        Self([space, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    fn new(space: u8, name: &[u8]) -> Self {
        let mut link = [space; LINK_BYTES];
        link[1..].copy_from_slice(&sha256(name)[..LINK_BYTES - 1]);
        Self(link)
    }

    #[must_use]
    pub fn job(job: &str) -> Self {
        Self::new(b'j', job.as_bytes())
    }

    #[must_use]
    pub fn run(run: &str) -> Self {
        Self::new(b'r', run.as_bytes())
    }

    /// By the hex hash of the compact token.
    #[must_use]
    pub fn token(hash: &str) -> Self {
        Self::new(b't', hash.as_bytes())
    }

    /// By the scope hash that tokens of one grant share.
    pub(super) fn grant(scope_hash: &str) -> Self {
        Self::new(b'g', scope_hash.as_bytes())
    }

    /// By the hex payload hash of a statement that others refer to.
    fn statement(hash: &str) -> Self {
        Self::new(b's', hash.as_bytes())
    }

    /// By the DID of an agent: joins its tokens with those of its bundles that
    /// name no run, for these concern all its jobs.
    fn agent(did: &str) -> Self {
        Self::new(b'a', did.as_bytes())
    }

    /// A run as its own agent speaks of it. Anybody can name anybody's run, so
    /// what agents say of themselves is asked for by agent and run together.
    pub(super) fn own_run(agent: &str, run: &str) -> Self {
        Self::new(b'w', [agent, run].join("\0").as_bytes())
    }

    /// A token, by hex hash, as a bundle of this agent lists it.
    fn own_token(agent: &str, hash: &str) -> Self {
        Self::new(b'k', [agent, hash].join("\0").as_bytes())
    }

    /// A job as a bundle of this agent names it, and as tokens were issued to
    /// the agent for it: what others name of the job is asked for by nobody.
    fn own_job(agent: &str, job: &str) -> Self {
        Self::new(b'm', [agent, job].join("\0").as_bytes())
    }

    fn operation(op_key: &str) -> Self {
        Self::new(b'o', op_key.as_bytes())
    }

    /// An application, by uid, at one version of its resource.
    fn version((app_uid, version): (&str, &str)) -> Self {
        Self::new(b'v', [app_uid, version].join("\0").as_bytes())
    }

    /// By `instance/namespace/name`, or `/namespace/name` where a statement names
    /// no instance. A way in and no tie: the audit of an application begins here,
    /// and what was found leads nobody to the rest of the application.
    #[must_use]
    pub fn app(app: &str) -> Self {
        Self::new(APP, app.as_bytes())
    }

    /// Operations that a user of an instance started, and calls of that user that
    /// were refused, in one hour. A way in: what a job is held against beside its
    /// own entries begins here.
    pub(super) fn by_user((instance, username): (&str, &str), hour: i64) -> Self {
        Self::new(BY_USER, [instance, username, &hour.to_string()].join("\0").as_bytes())
    }

    /// Decisions of one hour that make an operation of an application, by its
    /// instance and uid. A way in.
    pub(super) fn decided((instance, uid): (&str, &str), hour: i64) -> Self {
        Self::new(DECIDED, [instance, uid, &hour.to_string()].join("\0").as_bytes())
    }

    /// Decisions of one hour, whatever they say, of an action on an instance. A
    /// way in.
    pub(super) fn tried((instance, action): (&str, &str), hour: i64) -> Self {
        Self::new(TRIED, [instance, action, &hour.to_string()].join("\0").as_bytes())
    }

    /// What gives and ends the rights of a token, by the hex hash of it, without
    /// what was done under it. A way in.
    pub(super) fn rights(token_hash: &str) -> Self {
        Self::new(RIGHTS, token_hash.as_bytes())
    }

    /// All looks at an instance by one signer, or by all who sign nothing. A way in:
    /// a plan asks for the last.
    pub(super) fn looks(instance: &str, who: &str) -> Self {
        Self::new(LOOKS, [instance, who].join("\0").as_bytes())
    }

    /// Those of them that were taken in one slot of a few minutes, or in one node of
    /// a level above. A way in: a plan asks for the first, or for all of a slot.
    pub(super) fn looks_of((instance, who): (&str, &str), level: u32, node: i64) -> Self {
        Self::new(LOOKS_OF, [instance, who, &level.to_string(), &node.to_string()].join("\0").as_bytes())
    }

    /// Whether entries that share it change each other's findings.
    pub(super) const fn ties(&self) -> bool {
        !matches!(self.0[0], APP | BY_USER | DECIDED | TRIED | RIGHTS | LOOKS | LOOKS_OF)
    }

    /// Whether it joins an operation, a receipt and a decision of one call.
    pub(super) const fn is_of_one_call(&self) -> bool {
        matches!(self.0[0], b'o' | b's' | b'v')
    }

    /// By the base64url hash of a policy.
    #[must_use]
    pub fn policy(hash_b64u: &str) -> Self {
        Self::new(b'p', hash_b64u.as_bytes())
    }

    pub(super) fn policy_id(id: &str) -> Self {
        Self::new(b'i', id.as_bytes())
    }

    /// An id that its signer gives once.
    fn once(kind: Kind, signer: &str, id: &str) -> Self {
        Self::new(b'1', [kind.name(), signer, id].join("\0").as_bytes())
    }

    #[must_use]
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
    pub body: Option<(PayloadHash, &'a Value<'a>)>,
}

/// Links that an entry is found by, given the payload of the roots in force
/// at its index, and the operator whom the reader pins for the log called
/// `origin`. Nothing for a statement that cannot be a fact, but
/// [`Link::UNTRUSTED`]: strangers cannot make anybody's audit longer. Linear
/// in the payload.
#[must_use]
pub fn filed_under(filing: &Filing<'_>, roots: Option<&Value>, operator: &Did, origin: Option<&str>) -> Vec<Link> {
    let body = filing.body.map(|(hash, payload)| (hash, payload.into()));
    links_of(&Filed { at: filing.at, entry: filing.entry, body }, roots.map(Node::from), operator, origin)
}

/// The same, whichever way the payload is kept.
pub(super) struct Filed<'a> {
    at: LeafIndex,
    entry: &'a SequencedEntry,
    body: Option<(PayloadHash, Node<'a>)>,
}

impl<'a> Filed<'a> {
    pub(super) fn of(at: LeafIndex, seen: &'a Seen) -> Self {
        let body = seen.body.as_ref().map(|body| (body.payload_hash(), body.payload_node()));
        Filed { at, entry: &seen.entry, body }
    }
}

/// See [`filed_under`].
pub(super) fn links_of(filing: &Filed<'_>, roots: Option<Node<'_>>, operator: &Did, origin: Option<&str>) -> Vec<Link> {
    let Some((hash, payload)) = filing.body else { return vec![unread(filing.entry, roots, operator)] };
    let statement = Statement::new(filing.at, filing.entry, &hash, payload);
    let counts = match statement.kind().row().voice {
        Voice::Operator => statement.is_by_operator(Some(operator), origin),
        Voice::Listed(_) | Voice::Approver(_) | Voice::Wrapper | Voice::Observer | Voice::Agent(_) => {
            roots.is_some_and(|roots| Roots::new(statement.digest(), roots).hold(&statement, None))
        }
    };
    if !counts {
        return vec![Link::UNTRUSTED];
    }
    let mut links = filed::of_statement(&statement);
    links.extend(filed::apps_of(statement.payload));
    links.sort_unstable();
    links.dedup();
    links
}

/// Where an entry is filed whose body is not at hand: one that an agent vouches
/// for could only speak of that agent's runs.
fn unread(entry: &SequencedEntry, roots: Option<Node<'_>>, operator: &Did) -> Link {
    let (kind, signer) = (entry.kind, entry.signer.as_ref());
    let holds = |roots| Roots::new(entry.digest, roots).could_hold(kind, signer, entry.submitter.as_str());
    match signer {
        _ if signer == Some(operator) => Link::UNREAD,
        _ if !roots.is_some_and(holds) => Link::UNTRUSTED,
        Some(agent) if kind.is_of_agent() => Link::agent(agent.as_str()),
        _ => Link::UNREAD,
    }
}

/// Links that reading an entry leads to, beside those it is filed under.
pub(super) fn asked_by(body: &Artifact) -> Vec<Link> {
    let payload = body.says();
    match payload {
        Payload::CstIssuance(token) => {
            let policy = token.claims().policy_hash().map(Link::policy);
            let listed = token.claims().sub().zip(token.token_hash()).map(|(agent, hash)| Link::own_token(agent, hash));
            policy.into_iter().chain(token.claims().sub().map(Link::agent)).chain(listed).collect()
        }
        Payload::WorkPolicy(policy) => policy.inherits().map(Link::policy_id).into_iter().collect(),
        Payload::ProofBundle(bundle) => {
            let held = bundle.receipts().filter_map(HeldReceipt::payload_hash);
            let held = held.map(|hash| Link::statement(&hash.to_string()));
            held.chain(bundle.agent().map(Link::agent)).chain(told_of_by_others(payload)).collect()
        }
        Payload::TrustPulse(_)
        | Payload::ToolReceipt(_)
        | Payload::SideEffectReceipt(_)
        | Payload::HumanApprovalReceipt(_)
        | Payload::DelegationReceipt(_) => told_of_by_others(payload),
        Payload::GatewayReceipt(_)
        | Payload::CstRevocation(_)
        | Payload::Approval(_)
        | Payload::ArgocdDecision(_)
        | Payload::ArgocdReceipt(_)
        | Payload::ChangeRecord(_)
        | Payload::AuditRoots(_)
        | Payload::AuditStatement(_)
        | Payload::Withholding(_)
        | Payload::ArgocdObservation(_)
        | Payload::ArgocdSnapshot(_) => Vec::new(),
    }
}

/// What wrappers, gateways and issuers say of the runs and tokens that an
/// agent's own statement names. It leads to them, and they lead back to none
/// but the agent's.
fn told_of_by_others(payload: Payload<'_>) -> Vec<Link> {
    let (runs, tokens) = named_by_agent(payload);
    runs.iter().map(|run| Link::run(run)).chain(tokens.iter().map(|hash| Link::token(hash))).collect()
}

/// Runs and tokens that an agent's own statement names.
fn named_by_agent(payload: Payload<'_>) -> (Vec<String>, Vec<String>) {
    let keys = payload.keys();
    (keys.runs, keys.token_hashes)
}
