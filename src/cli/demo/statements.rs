//! The payloads of the story, one function a kind of statement. Bindings are
//! never typed in: every hash is that of something that was really made.

use pulselog::artifact::Kind;
use pulselog::artifact::json::Value;

use crate::cli::demo::cast::{Party, Signed};
use crate::cli::demo::chain::Chain;
use crate::cli::demo::scene::{
    AGENT_USERNAME, APP_UID, ARGOCD_VERSION, Action, HUMAN_USERNAME, INSTANCE, Job, Started, app, destination, infos,
    raw_digest, uuid,
};
use crate::cli::demo::token::{Token, nonce};
use crate::cli::demo::value::{b64u_sha256, hex_sha256, object, texts, with};
use crate::cli::failure::Failure;

/// One model call through the gateway.
pub struct Call {
    pub provider: &'static str,
    pub model: &'static str,
    pub prompt: &'static str,
    pub tokens: (u32, u32),
    pub latency_ms: u32,
}

/// What a gateway binds its receipts to.
pub struct Grounds<'a> {
    pub policy_hash: &'a str,
    pub token: &'a Token,
}

/// The gateway's receipt for a call that the run makes now.
pub fn gateway_receipt(
    gateway: &Party,
    chain: &mut Chain,
    call: &Call,
    grounds: &Grounds<'_>,
    at: &str,
) -> Result<Signed, Failure> {
    let request_hash = b64u_sha256(format!("{} {} {}", chain.run_id(), at, call.prompt).as_bytes());
    let event_hash = chain.push("llm_call", &request_hash, at);
    let binding = object([
        ("run_id", chain.run_id().into()),
        ("event_hash_b64u", event_hash.into()),
        ("nonce", nonce()?.into()),
        ("policy_hash", grounds.policy_hash.into()),
        ("token_scope_hash_b64u", grounds.token.scope_hash_b64u.as_str().into()),
    ]);
    let payload = object([
        ("receipt_version", "1".into()),
        ("receipt_id", uuid("rcpt_")?.into()),
        ("gateway_id", "clawproxy-eu-1".into()),
        ("provider", call.provider.into()),
        ("model", call.model.into()),
        ("request_hash_b64u", request_hash.into()),
        ("response_hash_b64u", b64u_sha256(format!("answer to {} at {at}", call.prompt).as_bytes()).into()),
        ("tokens_input", call.tokens.0.into()),
        ("tokens_output", call.tokens.1.into()),
        ("latency_ms", call.latency_ms.into()),
        ("timestamp", at.into()),
        ("binding", binding),
    ]);
    gateway.sign(Kind::GatewayReceipt, payload, at)
}

/// A person allows one concrete action.
pub fn approval(action: &Action, agent: &str, expires_at: &str) -> Result<Value<'static>, Failure> {
    Ok(object([
        ("approval_id", uuid("apr_")?.into()),
        ("decision", "approve".into()),
        ("binds", action.binds.clone()),
        ("agent_did", agent.into()),
        ("expires_at", expires_at.into()),
    ]))
}

/// What the wrapper decided before a call, and on which grounds.
pub fn decision(
    verdict: (&str, &str),
    action: &Action,
    job: &str,
    run_id: &str,
    grounds: &Grounds<'_>,
    approvals: &[&str],
) -> Value<'static> {
    let cst = object([
        ("token_hash", grounds.token.hash.as_str().into()),
        ("scope_hash_b64u", grounds.token.scope_hash_b64u.as_str().into()),
    ]);
    object([
        ("decision", verdict.0.into()),
        ("decision_reason", verdict.1.into()),
        ("binds", action.binds.clone()),
        ("request_digest", action.request_digest.as_str().into()),
        ("cst", cst),
        ("job_id", job.into()),
        ("run_id", run_id.into()),
        ("policy_hash_b64u", grounds.policy_hash.into()),
        ("approvals", texts(approvals)),
        ("argocd_version", ARGOCD_VERSION.into()),
        ("rbac_flags", object([("rollback_enforce", true.into()), ("require_override", true.into())])),
    ])
}

/// What came of the call. A write that was polled for names its operation.
pub fn receipt(decision: &Signed, action: &Action, job: &Job, started: Option<&Started<'_>>) -> Value<'static> {
    let response = hex_sha256(format!("response to {} of {}", decision.payload_hash, job.id).as_bytes());
    let payload = object([
        ("decision_digest", decision.payload_hash.as_str().into()),
        ("outcome", "accepted".into()),
        ("request_digest", action.request_digest.as_str().into()),
        ("response_digest", response.into()),
        ("http_status", 200_u32.into()),
        ("grpc_code", 0_u32.into()),
        ("app_uid", APP_UID.into()),
    ]);
    match started {
        Some(started) => with(payload, "op_key", started.op_key().into()),
        None => payload,
    }
}

/// What Argo CD itself reports of an operation that succeeded.
pub struct Operation<'a> {
    pub action: &'a Action,
    pub name: &'static str,
    pub channel: &'static str,
    /// Argo CD states what a sync was; of a rollback it leaves traces only.
    pub certainty: &'static str,
    pub started: &'a Started<'a>,
    /// Present on a sync: Argo CD keeps the wrapper's infos.
    pub decision: Option<&'a Signed>,
    /// The entry of the application's history that the operation made.
    pub history_id: u32,
}

pub fn observation(operation: &Operation<'_>, job: &Job) -> Value<'static> {
    let at = operation.started.at;
    let revisions = &operation.action.revisions;
    let mut payload = object([
        ("channel", operation.channel.into()),
        ("instance", INSTANCE.into()),
        ("event", "operation".into()),
        ("app", app()),
        ("raw_digest", raw_digest(operation.channel, job, at).into()),
        ("action", operation.name.into()),
        ("action_certainty", operation.certainty.into()),
        ("initiator", object([("username", AGENT_USERNAME.into()), ("automated", false.into())])),
        ("phase", "Succeeded".into()),
        ("started_at", at.into()),
        ("finished_at", at.into()),
        ("destination", destination()),
        ("operation_digest", operation.started.digest.as_str().into()),
        ("op_key", operation.started.op_key().into()),
        ("message", "successfully synced (all tasks run)".into()),
        (
            "revisions",
            object([
                ("requested", revisions.clone()),
                ("resolved", revisions.clone()),
                ("deployed", revisions.clone()),
            ]),
        ),
        ("params", operation.action.params.clone()),
        (
            "resource_counts",
            vec![object([("namespace", "prod-canary".into()), ("status", "Synced".into()), ("count", 7_u32.into())])]
                .into(),
        ),
    ]);
    if let Some(decision) = operation.decision {
        payload = with(payload, "info", infos(&decision.payload_hash, &job.id));
    }
    with(payload, "history_id", operation.history_id.into())
}

/// The token's rights end.
pub fn revocation(token: &Token, policy_hash: &str, revoker: &str, why: &str, at: &str) -> Value<'static> {
    object([
        ("token_hash", token.hash.as_str().into()),
        ("revoked_at", at.into()),
        ("reason", why.into()),
        ("policy_hash_b64u", policy_hash.into()),
        ("revoked_by", revoker.into()),
        ("argocd_token_revoked", true.into()),
    ])
}

/// A person switches automated sync off.
pub fn freeze(job: &Job) -> Value<'static> {
    object([
        ("job_id", job.id.as_str().into()),
        ("change_ref", job.change_ref()),
        ("app", app()),
        ("what", "freeze".into()),
        ("by", HUMAN_USERNAME.into()),
        ("before", "automated sync on, prune on, self-heal on".into()),
        ("after", "automated sync off".into()),
    ])
}

/// The run as one artifact. Its receipts were logged when they were made.
pub fn proof_bundle(
    agent: &str,
    chain: &Chain,
    receipts: &[Signed],
    job: &Job,
    grounds: &Grounds<'_>,
) -> Result<Value<'static>, Failure> {
    let pulselog = object([
        ("job_id", job.id.as_str().into()),
        ("change_ref", job.change_ref()),
        ("policy_hash_b64u", grounds.policy_hash.into()),
        ("token_hashes", texts(&[&grounds.token.hash])),
    ]);
    let harness = object([("id", "openclaw".into()), ("version", "2026.11.2".into()), ("runtime", "sandboxed".into())]);
    Ok(object([
        ("bundle_version", "1".into()),
        ("bundle_id", uuid("bundle_")?.into()),
        ("agent_did", agent.into()),
        ("event_chain", chain.to_value()),
        ("receipts", Value::Array(receipts.iter().map(|receipt| receipt.value.clone()).collect())),
        ("metadata", object([("harness", harness), ("pulselog", pulselog)])),
    ]))
}

/// The run as its agent tells it.
pub struct Pulse<'a> {
    pub run_id: &'a str,
    pub started_at: &'a str,
    pub ended_at: &'a str,
    pub duration_ms: u32,
    pub tools: &'a [(&'static str, u32)],
    pub files: &'a [(&'static str, u32)],
}

pub fn trust_pulse(agent: &str, pulse: &Pulse<'_>) -> Result<Value<'static>, Failure> {
    let rows = |items: &[(&str, u32)], name: &str, count: &str| {
        let row = |(what, times): &(&str, u32)| object([(name, (*what).into()), (count, (*times).into())]);
        Value::Array(items.iter().map(row).collect())
    };
    Ok(object([
        ("trust_pulse_version", "1".into()),
        ("trust_pulse_id", uuid("pulse_")?.into()),
        ("run_id", pulse.run_id.into()),
        ("agent_did", agent.into()),
        ("issued_at", pulse.ended_at.into()),
        ("evidence_class", "self_reported".into()),
        ("tier_uplift", false.into()),
        ("started_at", pulse.started_at.into()),
        ("ended_at", pulse.ended_at.into()),
        ("duration_ms", pulse.duration_ms.into()),
        ("tools", rows(pulse.tools, "name", "calls")),
        ("files", rows(pulse.files, "path", "touches")),
    ]))
}
