//! What a job is held against beside its own entries: operations that the
//! users of its agents started while its tokens lived, and calls of theirs that
//! Argo CD refused, which name no job, and the decisions that explain them.
//!
//! ```text
//! issuance of the job ─> agent, hours of its life ─> usernames ─> operations and refusals of these hours
//!      operation ─> its other reports, receipts and decisions; decisions of its application and time
//!      refusal   ─> decisions of such an action on that instance and time
//!      decision  ─> its receipts, approvals, the rights of its token; not its job, run or grant
//! ```
//!
//! It begins when all that hangs together with the job is found, and adds
//! nothing to that: entries taken aside are of other jobs, and lead only to
//! what says whether each operation is explained.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::time::unix_ms;
use crate::artifact::{ArgocdObservation, Artifact, Payload};
use crate::audit::links::{Link, hour_of};
use crate::audit::reconcile::actions_of;
use crate::audit::windows::{deciding, life_of_job_token};
use crate::merkle::LeafIndex;

/// The usernames of one agent, by instance.
type Usernames = BTreeSet<(String, String)>;

#[derive(Debug, Default)]
pub(super) struct Asides {
    /// None where each job counts that an issuance names.
    job: Option<String>,
    /// Hashes of tokens of the jobs, by any account of them.
    tokens: BTreeSet<String>,
    /// Agent and life, milliseconds, of every issuance met, by token hash.
    issued: BTreeMap<String, Vec<(String, i64, i64)>>,
    /// By agent, as any roots say.
    usernames: BTreeMap<String, Usernames>,
    are_begun: bool,
    found: BTreeSet<LeafIndex>,
}

impl Asides {
    pub(super) fn of(job: Option<&str>) -> Self {
        Self { job: job.map(str::to_owned), ..Self::default() }
    }

    /// Of no job: of what is taken from now on.
    pub(super) fn begun() -> Self {
        Self { are_begun: true, ..Self::default() }
    }

    pub(super) const fn are_begun(&self) -> bool {
        self.are_begun
    }

    pub(super) const fn found(&self) -> &BTreeSet<LeafIndex> {
        &self.found
    }

    /// Notes what an entry that hangs together with the job says of tokens and
    /// usernames.
    pub(super) fn note(&mut self, body: &Artifact) {
        match body.says() {
            Payload::CstIssuance(token) => {
                let claims = token.claims();
                let Some((hash, agent)) = token.token_hash().zip(claims.sub()) else { return };
                if claims.job().is_some_and(|job| self.job.as_ref().is_none_or(|own| own == job)) {
                    self.tokens.insert(hash.to_owned());
                }
                let ms = |seconds: Option<i64>| seconds.unwrap_or(0).saturating_mul(1_000);
                let life = (agent.to_owned(), ms(claims.iat()), ms(claims.exp()));
                self.issued.entry(hash.to_owned()).or_default().push(life);
            }
            Payload::AuditRoots(roots) => {
                for row in roots.agents() {
                    let Some(did) = row.did() else { continue };
                    let names = row.usernames().filter_map(|name| name.instance().zip(name.username()));
                    let names = names.map(|(instance, name)| (instance.to_owned(), name.to_owned()));
                    self.usernames.entry(did.to_owned()).or_default().extend(names);
                }
            }
            Payload::WorkPolicy(_)
            | Payload::CstRevocation(_)
            | Payload::Approval(_)
            | Payload::ArgocdDecision(_)
            | Payload::ArgocdReceipt(_)
            | Payload::ArgocdObservation(_)
            | Payload::ArgocdSnapshot(_)
            | Payload::GatewayReceipt(_)
            | Payload::ProofBundle(_)
            | Payload::TrustPulse(_)
            | Payload::ToolReceipt(_)
            | Payload::SideEffectReceipt(_)
            | Payload::HumanApprovalReceipt(_)
            | Payload::DelegationReceipt(_)
            | Payload::ChangeRecord(_)
            | Payload::AuditStatement(_)
            | Payload::Withholding(_) => {}
        }
    }

    /// Links to what the users of the job's agents started while its tokens
    /// lived, the first time; then none.
    pub(super) fn begin(&mut self) -> Vec<Link> {
        if std::mem::replace(&mut self.are_begun, true) {
            return Vec::new();
        }
        let mut links = BTreeSet::new();
        for lives in self.tokens.iter().filter_map(|hash| self.issued.get(hash)) {
            // Accounts of one token may differ: it lives as long as any says.
            let begin = lives.iter().map(|(_, begin, _)| *begin).min().unwrap_or(0);
            let end = lives.iter().map(|(_, _, end)| *end).max().unwrap_or(0);
            let (from, until) = life_of_job_token(begin, end);
            for (agent, ..) in lives {
                for (instance, name) in self.usernames.get(agent).into_iter().flatten() {
                    links.extend((hour_of(from)..=hour_of(until)).map(|hour| Link::by_user((instance, name), hour)));
                }
            }
        }
        links.into_iter().collect()
    }

    /// Takes an entry aside, filed under these links; what it leads to.
    pub(super) fn take(&mut self, at: LeafIndex, body: &Artifact, filed: impl IntoIterator<Item = Link>) -> Vec<Link> {
        self.found.insert(at);
        let of_call = filed.into_iter().filter(Link::is_of_one_call);
        match body.says() {
            Payload::ArgocdObservation(says) => {
                let app = says.instance().zip(says.app().uid());
                let window = says.started_at().and_then(unix_ms).map(deciding);
                let hours = window.map(|(from, until)| hour_of(from)..=hour_of(until)).into_iter().flatten();
                let decided = hours.flat_map(|hour| app.map(|app| Link::decided(app, hour)));
                of_call.chain(decided).chain(tried(says)).collect()
            }
            Payload::ArgocdDecision(says) => of_call.chain(says.token_hash().map(Link::rights)).collect(),
            Payload::ArgocdReceipt(_) => of_call.collect(),
            Payload::AuditRoots(_)
            | Payload::AuditStatement(_)
            | Payload::Approval(_)
            | Payload::ArgocdSnapshot(_)
            | Payload::ChangeRecord(_)
            | Payload::CstIssuance(_)
            | Payload::CstRevocation(_)
            | Payload::DelegationReceipt(_)
            | Payload::GatewayReceipt(_)
            | Payload::HumanApprovalReceipt(_)
            | Payload::ProofBundle(_)
            | Payload::SideEffectReceipt(_)
            | Payload::ToolReceipt(_)
            | Payload::TrustPulse(_)
            | Payload::Withholding(_)
            | Payload::WorkPolicy(_) => Vec::new(),
        }
    }
}

/// Decisions that may explain a call that was refused.
fn tried(says: ArgocdObservation<'_>) -> Vec<Link> {
    let (Some(instance), Some(ms)) = (says.instance(), says.refused_at().and_then(unix_ms)) else { return Vec::new() };
    let (from, until) = deciding(ms);
    let hours = || hour_of(from)..=hour_of(until);
    let actions = says.method().and_then(actions_of).unwrap_or_default();
    actions.iter().flat_map(|action| hours().map(|hour| Link::tried((instance, action), hour))).collect()
}
