//! Policies and actions for the tests of the room `policy`.

use pulselog::artifact::Did;
use pulselog::artifact::json::Value;
use pulselog::policy::{Action, ArgoAction, Candidate, Context, Judgement, Lineage, ModelCall, Outcome, Policy, judge};

use crate::make::{did, hex, value};

pub const ALLOW: Outcome = Outcome::Allow { requires_approval: false };
pub const WITH_APPROVAL: Outcome = Outcome::Allow { requires_approval: true };

/// The policy of the scenario, with these rows.
pub fn customers_payload(allow: &str, deny: &str) -> Value<'static> {
    value(&format!(
        r#"{{"wpc_version":"v1",
        "workload":{{"runtime":"openclaw","agent_name":"argo-deploy-assistant","environment":"prod"}},
        "tools":{{"argo_cd":{{"mode":"official_api","allow":[{allow}],"deny":[{deny}]}}}},
        "token":{{"cst":{{"max_ttl_seconds":1800,"scope_hash_required":true,"policy_hash_pinning":"optional"}}}},
        "audit":{{"require_gateway_receipts":true,"produce_proof_bundle":true}}}}"#
    ))
}

pub const SCENARIO_ALLOW: &str = r#"
    {"action":"read","apps":["payments-api"],"namespaces":["prod-canary"]},
    {"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"],"require_approval":true},
    {"action":"rollback","apps":["payments-api"],"namespaces":["prod-canary"],"require_approval":true}"#;
pub const SCENARIO_DENY: &str = r#"{"action":"edit_app_spec"},{"action":"manage_projects"},{"action":"cluster_admin"}"#;

pub fn v1_payload(more: &str) -> Value<'static> {
    value(&format!(r#"{{"policy_version":"1","policy_id":"pol_1","issuer_did":"{}"{more}}}"#, did("issuer")))
}

pub fn v2_payload(id: &str, inherits: Option<&str>, statements: &str) -> Value<'static> {
    let inherits = inherits.map(|id| format!(r#","inherits":"{id}""#)).unwrap_or_default();
    value(&format!(
        r#"{{"policy_version":"2","policy_id":"{id}","issuer_did":"{}","statements":[{statements}]{inherits}}}"#,
        did("issuer")
    ))
}

/// One statement; `more` starts with a comma.
pub fn statement(effect: &str, actions: &str, resources: &str, more: &str) -> String {
    format!(r#"{{"sid":"s","effect":"{effect}","actions":[{actions}],"resources":[{resources}]{more}}}"#)
}

pub fn compile(payload: &Value) -> Policy {
    Policy::compile(payload).unwrap_or_else(|error| panic!("{error}"))
}

pub fn binds(action: &str, app: &str, namespace: &str, params: &str) -> Value<'static> {
    value(&format!(
        r#"{{"instance":"argocd-prod","job_id":"job_1","action":"{action}",
        "app":{{"uid":"u-1","name":"{app}","namespace":"argocd","project":"payments"}},
        "destination":{{"server":"https://k8s.example","namespace":"{namespace}"}},
        "revisions":["{}"],"params":{params}}}"#,
        &hex("revision")[..40]
    ))
}

pub fn argo_action(binds: &Value) -> ArgoAction {
    ArgoAction::from_binds(binds).unwrap_or_else(|error| panic!("{error}"))
}

/// An action on payments-api in prod-canary, without parameters.
pub fn argo(action: &str) -> Action {
    argo_at(action, "payments-api", "prod-canary")
}

pub fn argo_at(action: &str, app: &str, namespace: &str) -> Action {
    Action::Argo(argo_action(&binds(action, app, namespace, "{}")))
}

pub fn model_call(provider: &str, model: &str) -> ModelCall {
    let payload = value(&format!(r#"{{"provider":"{provider}","model":"{model}"}}"#));
    ModelCall::from_receipt(&payload).unwrap_or_else(|error| panic!("{error}"))
}

/// What the roots and the decision say of the agent.
pub fn context() -> Context {
    Context::new().with_agent(&did("agent")).with_instances(["argocd-prod"])
}

pub fn judged(policy: &Policy, action: &Action) -> Judgement {
    judged_in(policy, action, &context())
}

pub fn judged_in(policy: &Policy, action: &Action, context: &Context) -> Judgement {
    let lineage = Lineage::alone(policy).unwrap_or_else(|error| panic!("{error}"));
    judge(&lineage, action, context)
}

pub fn refused(judgement: &Judgement, code: &str, path: &str) {
    let got = (judgement.outcome, judgement.reason.code().name, judgement.clause.path.as_str());
    assert_eq!(got, (Outcome::Deny, code, path), "{}", judgement.sentence);
}

pub fn signer(seed: &str) -> Did {
    Did::parse(&did(seed)).expect("a did:key")
}

pub fn logged<'a>(policy: &'a Policy, signer: &'a Did, at: u64) -> Candidate<'a, u64> {
    Candidate { policy, signer, at }
}
