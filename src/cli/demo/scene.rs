//! Where the demo plays: one application on one Argo CD, one work policy, and
//! the names that are new for every job.

use pulselog::artifact::json::Value;
use pulselog::artifact::op_key;

use crate::cli::demo::token::Rights;
use crate::cli::demo::value::{hex_sha256, jcs_digest, object, texts, with};
use crate::cli::failure::Failure;
use crate::cli::input::random;
use pulselog::text::hex;

/// Origin of the demo's log.
pub const ORIGIN: &str = "demo.pulselog.example/log";
/// Argo CD instance.
pub const INSTANCE: &str = "argocd-prod";
/// How Argo CD calls the agent: a project role of its own.
pub const AGENT_USERNAME: &str = "proj:payments:argo-deploy-assistant";
/// How Argo CD calls the person who freezes delivery: a role, no name.
pub const HUMAN_USERNAME: &str = "platform-oncall";
/// Role of the agent's Argo CD project.
pub const ROLE: &str = "argo-deploy-assistant";
/// Project of the application.
pub const PROJECT: &str = "payments";
/// Version that the wrapper saw.
pub const ARGOCD_VERSION: &str = "v3.2.1";
/// The application's uid.
pub const APP_UID: &str = "6f1d2c9e-0b7a-4e53-9a41-3c5d8e7f2b10";
/// History id that the rollback goes back to.
pub const HISTORY_ID: u32 = 41;
/// Commit of that history id.
pub const GOOD_REVISION: &str = "1f0c9a7e5b3d48260e1c2b3a495867d0c1e2f3a4";

const APP: &str = "payments-api";
const NAMESPACE: &str = "prod-canary";
pub const CLUSTER: &str = "https://kubernetes.default.svc";
const CLUSTER_NAME: &str = "in-cluster";

/// The application as `binds` names it.
pub fn app() -> Value<'static> {
    object([("uid", APP_UID.into()), ("name", APP.into()), ("namespace", "argocd".into()), ("project", PROJECT.into())])
}

/// Where it is deployed.
pub fn destination() -> Value<'static> {
    object([("server", CLUSTER.into()), ("namespace", NAMESPACE.into())])
}

/// What the operator knows of an Argo CD instance.
pub fn instance(name: &str) -> Value<'static> {
    object([
        ("instance", name.into()),
        ("closed_writes", true.into()),
        ("humans_complete", true.into()),
        ("clusters", vec![object([("name", CLUSTER_NAME.into()), ("server", CLUSTER.into())])].into()),
    ])
}

/// What a token of the job carries.
pub fn rights(actions: &[&str]) -> Rights {
    let scopes = actions.iter().map(|action| format!("argocd:{action}:{NAMESPACE}/{APP}"));
    Rights { instance: INSTANCE, role: ROLE, scopes: scopes.chain(["proxy:call".to_owned()]).collect() }
}

/// The customers' work policy: what the agent may do.
pub fn work_policy() -> Value<'static> {
    let row = |action: &str| {
        object([("action", action.into()), ("apps", texts(&[APP])), ("namespaces", texts(&[NAMESPACE]))])
    };
    let approved = |action: &str| with(row(action), "require_approval", true.into());
    let deny = |action: &str| object([("action", action.into())]);
    let argo_cd = object([
        ("mode", "official_api".into()),
        ("allow", vec![row("read"), approved("sync"), approved("rollback")].into()),
        ("deny", vec![deny("edit_app_spec"), deny("manage_projects"), deny("cluster_admin")].into()),
    ]);
    let cst = object([
        ("max_ttl_seconds", 1800_u32.into()),
        ("scope_hash_required", true.into()),
        ("policy_hash_pinning", "optional".into()),
    ]);
    object([
        ("wpc_version", "v1".into()),
        (
            "workload",
            object([("runtime", "openclaw".into()), ("agent_name", ROLE.into()), ("environment", "prod".into())]),
        ),
        ("tools", object([("argo_cd", argo_cd)])),
        ("token", object([("cst", cst)])),
        ("audit", object([("require_gateway_receipts", true.into()), ("produce_proof_bundle", true.into())])),
    ])
}

/// Names that are new for each run of the demo.
pub struct Job {
    /// The job: `mission_id` of its tokens.
    pub id: String,
    /// What makes this run's submitter names unique.
    pub suffix: String,
    /// Ticket.
    pub ticket: String,
    /// The two runs.
    pub runs: [String; 2],
    /// Commit that the first run deploys.
    pub revision: String,
}

impl Job {
    /// A job that nobody had before.
    pub fn new() -> Result<Self, Failure> {
        let suffix = hex::encode(&random::<4>()?);
        let [high, low] = random::<2>()?;
        Ok(Self {
            id: format!("job-{suffix}"),
            ticket: format!("PAY-{}", 1_000 + u32::from(high) * 16 + u32::from(low) % 16),
            runs: [uuid("run_")?, uuid("run_")?],
            revision: hex::encode(&random::<20>()?),
            suffix,
        })
    }

    /// The ticket as statements refer to it.
    pub fn change_ref(&self) -> Value<'static> {
        object([("system", "jira".into()), ("key", self.ticket.as_str().into())])
    }
}

/// A random id in the spelling of a version 4 UUID.
pub fn uuid(prefix: &str) -> Result<String, Failure> {
    let mut bytes = random::<16>()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(&bytes);
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    Ok(format!("{prefix}{}", parts.join("-")))
}

/// One concrete action, bound as approvals and decisions bind it.
pub struct Action {
    /// `binds`.
    pub binds: Value<'static>,
    /// Digest of the request without the wrapper's own infos.
    pub request_digest: String,
    /// Revisions.
    pub revisions: Value<'static>,
    /// Parameters unlike the default.
    pub params: Value<'static>,
}

impl Action {
    /// Reads the application.
    pub fn read(job: &Job) -> Self {
        Self::new(job, "read", Request { method: "GET", verb: "", body: Value::Null }, texts(&[]), object([]), None)
    }

    /// Syncs the new revision, pruning what it no longer holds.
    pub fn sync(job: &Job) -> Self {
        let body = object([
            ("name", APP.into()),
            ("appNamespace", "argocd".into()),
            ("project", PROJECT.into()),
            ("revision", job.revision.as_str().into()),
            ("prune", true.into()),
            ("strategy", object([("hook", object([]))])),
        ]);
        let request = Request { method: "POST", verb: "/sync", body };
        Self::new(job, "sync", request, texts(&[&job.revision]), object([("prune", true.into())]), None)
    }

    /// What the injected text asks for: another source.
    pub fn edit_app_spec(job: &Job) -> Self {
        let patch = "{\"spec\":{\"source\":{\"targetRevision\":\"hotfix-unreviewed\"}}}";
        let body = object([
            ("name", APP.into()),
            ("appNamespace", "argocd".into()),
            ("project", PROJECT.into()),
            ("patch", patch.into()),
            ("patchType", "merge".into()),
        ]);
        let request = Request { method: "PATCH", verb: "", body };
        Self::new(job, "edit_app_spec", request, texts(&[]), object([]), None)
    }

    /// Goes back to the revision before.
    pub fn rollback(job: &Job) -> Self {
        let body = object([
            ("name", APP.into()),
            ("appNamespace", "argocd".into()),
            ("project", PROJECT.into()),
            ("id", HISTORY_ID.into()),
        ]);
        let request = Request { method: "POST", verb: "/rollback", body };
        Self::new(job, "rollback", request, texts(&[GOOD_REVISION]), object([]), Some(HISTORY_ID))
    }

    fn new(
        job: &Job,
        action: &str,
        request: Request,
        revisions: Value<'static>,
        params: Value<'static>,
        history: Option<u32>,
    ) -> Self {
        let binds = object([
            ("instance", INSTANCE.into()),
            ("job_id", job.id.as_str().into()),
            ("action", action.into()),
            ("app", app()),
            ("destination", destination()),
            ("revisions", revisions.clone()),
        ]);
        let binds = match history {
            Some(id) => with(binds, "history_id", id.into()),
            None => binds,
        };
        Self {
            binds: with(binds, "params", params.clone()),
            request_digest: jcs_digest(&request.to_value()),
            revisions,
            params,
        }
    }
}

struct Request {
    method: &'static str,
    verb: &'static str,
    body: Value<'static>,
}

impl Request {
    fn to_value(&self) -> Value<'static> {
        // A GET names application namespace and project in its query instead of its body.
        let query = match self.body {
            Value::Null => object([("appNamespace", "argocd".into()), ("project", PROJECT.into())]),
            _ => object([]),
        };
        object([
            ("method", self.method.into()),
            ("path", format!("/api/v1/applications/{APP}{}", self.verb).into()),
            ("query", query),
            ("body", self.body.clone()),
        ])
    }
}

/// One operation as `status.operationState` shows it.
pub struct Started<'a> {
    /// When Argo CD started it.
    pub at: &'a str,
    /// Digest of the operation.
    pub digest: String,
}

impl<'a> Started<'a> {
    /// What Argo CD makes of an action. A sync keeps the wrapper's infos, of
    /// which `decision` is one; a rollback has none.
    pub fn new(action: &Action, decision: Option<&str>, job: &Job, at: &'a str) -> Self {
        let sync = object([("revisions", action.revisions.clone()), ("params", action.params.clone())]);
        let mut operation = object([
            ("initiatedBy", object([("username", AGENT_USERNAME.into())])),
            ("retry", object([])),
            ("sync", sync),
        ]);
        if let Some(decision) = decision {
            operation = with(operation, "info", infos(decision, &job.id));
        }
        Self { at, digest: jcs_digest(&operation) }
    }

    /// Argo CD's operations have no id: this one is derived from what it reports.
    pub fn op_key(&self) -> String {
        op_key(INSTANCE, APP_UID, self.at, &self.digest)
    }
}

/// What the wrapper writes into a sync of its own.
pub fn infos(decision: &str, job: &str) -> Value<'static> {
    let info = |name: &str, value: &str| object([("name", name.into()), ("value", value.into())]);
    vec![info("claw.decision", decision), info("claw.job_id", job)].into()
}

/// Digest of bytes that the demo does not keep, such as a notification's body.
pub fn raw_digest(what: &str, job: &Job, at: &str) -> String {
    hex_sha256(format!("{what} {} {at}", job.id).as_bytes())
}
