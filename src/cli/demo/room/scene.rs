//! What the room is furnished with: two applications on an Argo CD that is the
//! project's own fixture, an agent of its own, and its work policy.

use pulselog::artifact::json::Value;
use serde_json::json;

use crate::cli::argocd::fixture::world::World;
use crate::cli::demo::room::argo::Argo;
use crate::cli::demo::scene::{Action, CLUSTER, PROJECT};
use crate::cli::demo::token::Rights;
use crate::cli::demo::value::{jcs_digest, object, texts};

/// The fixture, as the roots call it.
pub const INSTANCE: &str = "argocd-fixture";
/// How Argo CD calls the room's agent.
pub const USERNAME: &str = "proj:payments:night-shift";
/// Its role there.
const ROLE: &str = "night-shift";
/// As whom the poller asks.
pub const READER: &str = "audit-reader";
/// Synced round the wrapper.
pub const BATCH: &str = "payments-batch";
/// Synced under a token that was revoked.
pub const LEDGER: &str = "payments-ledger";
/// Namespace of Argo CD itself, where its Applications are.
pub const CONTROL_PLANE: &str = "argocd";

const NAMESPACE: &str = "prod-night";

/// An application as findings and pages spell it.
pub fn app_name(name: &str) -> String {
    format!("{INSTANCE}/{CONTROL_PLANE}/{name}")
}

/// What the room's agent may do: sync both, without asking anybody.
pub fn work_policy() -> Value<'static> {
    let row = |action: &str| {
        object([("action", action.into()), ("apps", texts(&[BATCH, LEDGER])), ("namespaces", texts(&[NAMESPACE]))])
    };
    let argo_cd = object([
        ("mode", "official_api".into()),
        ("allow", vec![row("read"), row("sync")].into()),
        ("deny", vec![object([("action", "edit_app_spec".into())])].into()),
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
        ("audit", object([("require_gateway_receipts", false.into()), ("produce_proof_bundle", false.into())])),
    ])
}

/// What a token of the room's agent carries.
pub fn rights() -> Rights {
    let scopes = [BATCH, LEDGER].iter().map(|app| format!("argocd:sync:{NAMESPACE}/{app}"));
    Rights { instance: INSTANCE, role: ROLE, scopes: scopes.collect() }
}

/// Where both applications are deployed.
pub fn destination() -> Value<'static> {
    object([("server", CLUSTER.into()), ("namespace", NAMESPACE.into())])
}

/// The fixture before anything was done.
pub fn world() -> World {
    let mut world = World::default();
    for name in [BATCH, LEDGER] {
        world.write(json!({
            "metadata": {"name": name},
            "spec": {
                "project": PROJECT,
                "source": {"repoURL": "https://git.payments.example/deploy.git", "path": name, "targetRevision": "main"},
                "destination": {"server": CLUSTER, "namespace": NAMESPACE},
            },
            "status": {"sync": {"status": ""}, "health": {}, "summary": {}},
        }));
    }
    world
}

impl Action {
    /// A sync of one revision, as the room's agent asks its wrapper for it.
    pub fn room_sync(job: &str, name: &str, uid: &str, revision: &str) -> Self {
        let app = object([
            ("uid", uid.into()),
            ("name", name.into()),
            ("namespace", CONTROL_PLANE.into()),
            ("project", PROJECT.into()),
        ]);
        let (revisions, params) = (texts(&[revision]), object([]));
        let binds = object([
            ("instance", INSTANCE.into()),
            ("job_id", job.into()),
            ("action", "sync".into()),
            ("app", app),
            ("destination", destination()),
            ("revisions", revisions.clone()),
            ("params", params.clone()),
        ]);
        let request = object([
            ("method", "POST".into()),
            ("path", format!("/api/v1/applications/{name}/sync").into()),
            ("query", object([])),
            ("body", Argo::request(name, revision)),
        ]);
        Self { binds, request_digest: jcs_digest(&request), revisions, params }
    }
}
