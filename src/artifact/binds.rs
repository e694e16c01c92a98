//! What exactly a decision or approval is about (FORMATS 5.2), and the
//! nouns it is made of. Two binds are equal when their JCS is equal, so every
//! fact has one spelling: what is like the default is absent, lists are sorted.

use crate::artifact::json::{Value, to_jcs};
use crate::artifact::node::{Node, Nodes};
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, list, object, optional, plain, required};
use crate::artifact::view::{Rows, Texts, View, view};

/// Free text of our own payloads (FORMATS 5.5).
pub(crate) const FREE_TEXT_BYTES_MAX: usize = 256;
/// Sources of one Argo CD application.
const REVISIONS_MAX: usize = 64;
const SYNC_OPTIONS_MAX: usize = 64;
/// Resources of a partial sync.
const RESOURCES_MAX: usize = 4096;
/// Longest Kubernetes name (DNS-1123 subdomain).
const NAME_BYTES_MAX: usize = 253;

pub(crate) const FREE_TEXT: Shape = plain(0, FREE_TEXT_BYTES_MAX);
/// Ids that people or services choose: jobs, runs, approvals.
pub(crate) const ID: Shape = Shape::Text(Text::Id);
pub(crate) const HEX64: Shape = Shape::Text(Text::Hex64);
pub(crate) const NONCE: Shape = Shape::Text(Text::Nonce);
pub(crate) const TIME: Shape = Shape::Text(Text::Time);
pub(crate) const DID: Shape = Shape::Text(Text::Did);
pub(crate) const NAME: Shape = Shape::Text(Text::Dns1123);
pub(crate) const POLICY_HASH: Shape = Shape::Text(Text::B64u43);
/// Version of every payload that we define.
pub(crate) const ONE: Shape = Shape::Text(Text::Word("1"));
/// Our id for one Argo CD installation.
pub(crate) const INSTANCE: Shape = Shape::Text(Text::Dns1123);
pub(crate) const CHANNEL: Shape = Shape::Enum(&CHANNELS);
/// Ways in which Argo CD is seen.
pub(crate) const CHANNELS: [&str; 4] = ["notify", "poll", "k8s_event", "server_log"];
/// A Kubernetes uid.
pub(crate) const UID: Shape = plain(1, 64);
pub(crate) const REVISION: Shape = plain(1, FREE_TEXT_BYTES_MAX);
pub(crate) const REVISIONS: Shape = list(&REVISION, 0, REVISIONS_MAX);
/// A cluster as Argo CD knows it: by the address of its API server, or by name.
pub(crate) const CLUSTER_SERVER: Shape = plain(1, 1024);
pub(crate) const CLUSTER_NAME: Shape = plain(1, NAME_BYTES_MAX);
/// Argo CD's id of a past deployment.
pub(crate) const HISTORY_ID: Shape = Shape::Integer { min: 0, max: 9_007_199_254_740_991 };

/// What a policy, decision or approval can speak about (FORMATS 5.5).
pub(crate) const ACTION: Shape = Shape::Enum(&[
    "read",
    "refresh",
    "sync",
    "rollback",
    "terminate",
    "set_auto_sync",
    "edit_app_spec",
    "delete_app",
    "manage_projects",
    "manage_appsets",
    "cluster_admin",
    "exec",
]);

pub(crate) const APP: Shape =
    object(&[required("uid", &UID), required("name", &NAME), required("namespace", &NAME), required("project", &NAME)]);

/// A cluster by server URL or by name; the namespace is absent where the
/// application names none (cluster-scoped resources only).
pub(crate) const DESTINATION: Shape =
    object(&[optional("server", &CLUSTER_SERVER), optional("name", &CLUSTER_NAME), optional("namespace", &NAME)]);

pub(crate) const PARAMS: Shape = object(&[
    optional("prune", &Shape::Exactly(true)),
    optional("dry_run", &Shape::Exactly(true)),
    optional("retry_refresh", &Shape::Exactly(true)),
    optional("strategy_force", &Shape::Exactly(true)),
    optional("sync_options", &list(&REVISION, 1, SYNC_OPTIONS_MAX)),
    optional("resources", &list(&RESOURCE, 1, RESOURCES_MAX)),
    optional("local_manifests_digest", &HEX64),
    optional("auto_sync", &Shape::Enum(&["on", "off"])),
]);

/// Group is empty for the core group, namespace for cluster-scoped resources.
const RESOURCE: Shape = object(&[
    required("group", &plain(0, NAME_BYTES_MAX)),
    required("kind", &plain(1, NAME_BYTES_MAX)),
    required("namespace", &plain(0, NAME_BYTES_MAX)),
    required("name", &plain(1, NAME_BYTES_MAX)),
]);

/// `job_id` is required where an allow rests on it: see [`check_binds`].
pub(crate) const BINDS: Shape = object(&[
    required("instance", &INSTANCE),
    optional("job_id", &ID),
    required("action", &ACTION),
    optional("app", &APP),
    optional("destination", &DESTINATION),
    required("revisions", &REVISIONS),
    optional("history_id", &HISTORY_ID),
    required("params", &PARAMS),
]);

view! {
    Binds<'a> {
        Option<&'a str>: instance, job = "job_id", action;
        AppRef<'a>: app;
        Destination<'a>: destination;
        Nodes<'a>: revisions;
        CallParams<'a>: params;
    }
    AppRef<'a> { Option<&'a str>: uid, name, namespace, project; }
    Destination<'a> { Option<&'a str>: server, name, namespace; }
    CallParams<'a> {
        Option<bool>: prune, dry_run, retry_refresh, strategy_force;
        Texts<'a>: sync_options;
        Rows<'a, Resource<'a>>: resources;
        Option<&'a str>: local_manifests_digest, auto_sync;
    }
    Resource<'a> { Option<&'a str>: namespace; }
}

impl Binds<'_> {
    /// Names of the members in which two differ.
    pub(crate) fn unlike(self, other: Binds<'_>) -> impl Iterator<Item = &'static str> {
        const MEMBERS: [&str; 8] =
            ["instance", "job_id", "action", "app", "destination", "revisions", "history_id", "params"];
        fn member<'a>(binds: Binds<'a>, name: &str) -> Option<Node<'a>> {
            binds.value().and_then(|binds| binds.get(name))
        }
        MEMBERS.into_iter().filter(move |name| member(self, name) != member(other, name))
    }

    /// Whether the call that they are of makes an operation, if it is taken.
    pub(crate) fn makes_operation(self) -> bool {
        matches!(self.action(), Some("sync" | "rollback"))
    }
}

/// Rules between the members of the `binds` of `payload`.
pub(crate) fn check_binds(payload: &Value, needs_job: bool) -> Result<(), ShapeError> {
    let Some(binds) = payload.get("binds") else {
        return Ok(());
    };
    let at = |path: &str, broken, rule: &str| Err(ShapeError::at(&format!("binds.{path}"), broken, rule));
    if needs_job && binds.get("job_id").is_none() {
        return at("job_id", Broken::MissingField, "is required");
    }
    let is_rollback = binds.text_at("action") == Some("rollback");
    match (is_rollback, binds.get("history_id").is_some()) {
        (true, false) => {
            return at("history_id", Broken::MissingField, "is required for a rollback");
        }
        (false, true) => {
            return at("history_id", Broken::InvalidValue, "must stand in a rollback only");
        }
        _ => {}
    }
    match (binds.get("app").is_some(), binds.get("destination").is_some()) {
        (true, false) => return at("destination", Broken::MissingField, "is required with app"),
        (false, true) => return at("app", Broken::MissingField, "is required with destination"),
        _ => {}
    }
    check_destination(binds).and_then(|()| check_params(binds)).map_err(|error| error.within("binds"))
}

/// Exactly one of `server` and `name`, in the `destination` of `value`.
pub(crate) fn check_destination(value: &Value) -> Result<(), ShapeError> {
    let Some(destination) = value.get("destination") else {
        return Ok(());
    };
    match (destination.get("server").is_some(), destination.get("name").is_some()) {
        (false, false) => {
            Err(ShapeError::at("destination.server", Broken::MissingField, "or destination.name is required"))
        }
        (true, true) => {
            Err(ShapeError::at("destination.name", Broken::InvalidValue, "must not stand beside destination.server"))
        }
        _ => Ok(()),
    }
}

/// Lists in the `params` of `value` are sorted and free of duplicates, and what
/// only one action has stands with no other.
pub(crate) fn check_params(value: &Value) -> Result<(), ShapeError> {
    let Some(params) = value.get("params") else {
        return Ok(());
    };
    let elements = |name: &str| params.get(name).and_then(Value::as_array).unwrap_or_default();
    // `str` orders by UTF-8 bytes.
    if !elements("sync_options").is_sorted_by(|a, b| a.as_str() < b.as_str()) {
        let rule = "must be sorted by UTF-8 bytes, without duplicates";
        return Err(ShapeError::at("params.sync_options", Broken::InvalidValue, rule));
    }
    let resources: Vec<_> = elements("resources").iter().map(to_jcs).collect();
    if !resources.is_sorted_by(|a, b| a < b) {
        let rule = "must be sorted by JCS, without duplicates";
        return Err(ShapeError::at("params.resources", Broken::InvalidValue, rule));
    }
    if params.get("auto_sync").is_some() && value.text_at("action") != Some("set_auto_sync") {
        let rule = "must stand with the action set_auto_sync only";
        return Err(ShapeError::at("params.auto_sync", Broken::InvalidValue, rule));
    }
    Ok(())
}
