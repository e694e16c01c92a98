//! What each kind of statement is filed under.

use crate::artifact::time::unix_ms;
use crate::artifact::{AppRef, ArgocdDecision, ArgocdObservation, ArgocdSnapshot, Payload};
use crate::audit::links::{Link, hour_of, named_by_agent};
use crate::audit::looks::{LEVELS, look_of, node_of, who};
use crate::audit::statement::{Statement, app_name};

pub(super) fn of_statement(statement: &Statement<'_>) -> Vec<Link> {
    let mut links = Vec::new();
    let mut file = |link: fn(&str) -> Link, name: Option<&str>| links.extend(name.map(link));
    let own_hash = statement.hash.to_string();
    match statement.payload {
        Payload::AuditRoots(_) => links.push(Link::ROOTS),
        Payload::WorkPolicy(policy) => {
            file(Link::policy, Some(&statement.hash.to_b64u()));
            file(Link::policy_id, policy.id());
        }
        Payload::CstIssuance(token) => {
            file(Link::job, token.claims().job());
            file(Link::token, token.token_hash());
            file(Link::rights, token.token_hash());
            file(Link::grant, token.claims().scope_hash());
            links.extend(token.claims().sub().zip(token.claims().job()).map(|(agent, job)| Link::own_job(agent, job)));
        }
        Payload::CstRevocation(revocation) => {
            file(Link::token, revocation.token_hash());
            file(Link::rights, revocation.token_hash());
        }
        Payload::Approval(approval) => {
            file(Link::job, approval.binds().job());
            file(Link::statement, Some(&own_hash));
        }
        Payload::ArgocdDecision(decision) => {
            file(Link::statement, Some(&own_hash));
            links.extend(of_decision(decision, statement.ms()));
        }
        Payload::ArgocdReceipt(receipt) => {
            file(Link::statement, receipt.decision_digest());
            file(Link::operation, receipt.op_key());
            links.extend(receipt.app_uid().zip(receipt.resource_version()).map(Link::version));
        }
        Payload::ArgocdObservation(seen) => links.extend(of_observation(seen)),
        Payload::ArgocdSnapshot(seen) => links.extend(of_look(statement, seen)),
        Payload::GatewayReceipt(call) => {
            file(Link::run, call.binding().run());
            file(Link::grant, call.binding().scope_hash());
            file(Link::statement, Some(&own_hash));
        }
        Payload::ProofBundle(bundle) if bundle.run().is_none() => file(Link::agent, bundle.agent()),
        Payload::ChangeRecord(change) => file(Link::job, change.job()),
        Payload::AuditStatement(audit) => file(Link::job, audit.job()),
        // What agents say of themselves is filed below; the others lead to no job, run or token.
        Payload::ProofBundle(_)
        | Payload::TrustPulse(_)
        | Payload::ToolReceipt(_)
        | Payload::SideEffectReceipt(_)
        | Payload::HumanApprovalReceipt(_)
        | Payload::DelegationReceipt(_)
        | Payload::Withholding(_) => {}
    }
    if let Some(agent) = statement.signer().filter(|_| statement.kind().is_of_agent()) {
        let (runs, tokens) = named_by_agent(statement.payload);
        links.extend(runs.iter().map(|run| Link::own_run(agent.as_str(), run)));
        links.extend(tokens.iter().map(|hash| Link::own_token(agent.as_str(), hash)));
        if let Payload::ProofBundle(bundle) = statement.payload {
            links.extend(bundle.pulselog().job().map(|job| Link::own_job(agent.as_str(), job)));
        }
    }
    let id = statement.payload.id_given_once();
    links.extend(id.zip(statement.signer()).map(|(id, signer)| Link::once(statement.kind(), signer.as_str(), id)));
    links
}

fn of_decision(decision: ArgocdDecision<'_>, ms: i64) -> impl Iterator<Item = Link> {
    let binds = decision.binds();
    let app = binds.instance().zip(binds.app().uid()).filter(|_| binds.makes_operation());
    let names = [
        decision.job().map(Link::job),
        binds.job().map(Link::job),
        decision.token_hash().map(Link::token),
        decision.run().map(Link::run),
        app.map(|app| Link::decided(app, hour_of(ms))),
        binds.instance().zip(binds.action()).map(|tried| Link::tried(tried, hour_of(ms))),
    ];
    names.into_iter().flatten().chain(decision.approvals().map(Link::statement))
}

fn of_observation(seen: ArgocdObservation<'_>) -> impl Iterator<Item = Link> {
    let started = seen.started_at().and_then(unix_ms).filter(|_| seen.op_key().is_some());
    let refused = seen.refused_at().and_then(unix_ms).filter(|_| seen.event() == Some("denial"));
    let names = [
        seen.op_key().map(Link::operation),
        seen.stated().map(Link::statement),
        seen.app().uid().zip(seen.resource_version()).map(Link::version),
        seen.initiator().zip(started).map(|(user, ms)| Link::by_user(user, hour_of(ms))),
        seen.instance().zip(seen.subject()).zip(refused).map(|(user, ms)| Link::by_user(user, hour_of(ms))),
    ];
    names.into_iter().flatten()
}

/// A look at every application of the instance, also at those whose rows are as
/// they were.
fn of_look(statement: &Statement<'_>, seen: ArgocdSnapshot<'_>) -> Vec<Link> {
    let Some((instance, taken)) = look_of(seen, statement.ms()) else { return Vec::new() };
    let who = who(statement.signer());
    let nodes = (0..LEVELS).map(|level| Link::looks_of((instance, who), level, node_of(taken, level)));
    nodes.chain([Link::looks(instance, who)]).collect()
}

/// The applications that a statement is about.
pub(super) fn apps_of(payload: Payload<'_>) -> Vec<Link> {
    let of = |instance: Option<&str>, app: AppRef<'_>| app_name(instance, app).map(|app| Link::app(&app));
    match payload {
        Payload::ArgocdDecision(says) => of(says.binds().instance(), says.binds().app()).into_iter().collect(),
        Payload::Approval(says) => of(says.binds().instance(), says.binds().app()).into_iter().collect(),
        Payload::ArgocdObservation(says) => of(says.instance(), says.app()).into_iter().collect(),
        Payload::ArgocdSnapshot(says) => says.rows().filter_map(|row| of(says.instance(), row.app())).collect(),
        Payload::ChangeRecord(says) => of(Some(""), says.app()).into_iter().collect(),
        // What a receipt is about, its decision says.
        Payload::ArgocdReceipt(_)
        | Payload::AuditRoots(_)
        | Payload::AuditStatement(_)
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
