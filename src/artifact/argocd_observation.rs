//! What Argo CD itself reports, by whichever channel it was seen (FORMATS 5.4).
//! Unsigned from an observer's token, or signed by an observer's key.

use crate::artifact::binds::{
    ACTION, APP, AppRef, CHANNEL, CallParams, DESTINATION, Destination, FREE_TEXT, HEX64, HISTORY_ID, INSTANCE, NONCE,
    ONE, PARAMS, REVISIONS, TIME, UID, check_destination, check_params,
};
use crate::artifact::digest::sha256;
use crate::artifact::envelope;
use crate::artifact::json::{Object, Value, to_jcs};
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::node::{Node, Nodes};
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, list, object, optional, plain, required};
use crate::artifact::time::unix_ms;
use crate::artifact::view::{Rows, view};
use crate::text::hex;

pub(crate) const ROW: KindRow = KindRow {
    name: "argocd_observation",
    envelope_type: "argocd_observation",
    forms: &[
        Form {
            envelope: &envelope::V1,
            version_field: "argocd_observation_version",
            version: "2",
            payload: &PAYLOAD,
            ours: true,
            retired: false,
        },
        Form {
            envelope: &envelope::V1,
            version_field: "argocd_observation_version",
            version: "1",
            payload: &PAYLOAD_1,
            ours: true,
            retired: true,
        },
    ],
    hash_form: HashForm::Compact,
    unsigned: true,
    title: "Observation of Argo CD",
    withholdable: true,
    voice: Voice::Observer,
    id_given_once: None,
    ids: &[],
    about: About {
        instance: Some("instance"),
        app: Some("app"),
        change: None,
        revisions: &["revisions.requested", "revisions.resolved", "revisions.deployed"],
    },
    summary: &[("action", "action"), ("app", "app.name"), ("phase", "phase")],
    bundle_array: None,
    check: |payload| {
        check_destination(payload)
            .and_then(|()| check_params(payload))
            .and_then(|()| check_operation(payload))
            .and_then(|()| check_part(payload))
    },
    complete: set_op_key,
    keys: |payload| Keys {
        instance: text(payload, "instance"),
        app_uid: text(payload, "app.uid"),
        op_key: text(payload, "op_key"),
        ..Keys::default()
    },
    facts: &[
        ("Event", "event"),
        ("Channel", "channel"),
        ("Argo CD instance", "instance"),
        ("Application", "app.name"),
        ("Project", "app.project"),
        ("Action", "action"),
        ("How sure of the action", "action_certainty"),
        ("Phase", "phase"),
        ("By", "initiator.username"),
        ("Automated", "initiator.automated"),
        ("Started at", "started_at"),
        ("Finished at", "finished_at"),
        ("Destination namespace", "destination.namespace"),
        ("Revisions requested", "revisions.requested"),
        ("Revisions resolved", "revisions.resolved"),
        ("Revisions deployed", "revisions.deployed"),
        ("Parameters", "params"),
        ("Message", "message"),
        ("Before", "before"),
        ("After", "after"),
        ("Change", "change"),
        ("Spec before", "spec_digest.before"),
        ("Spec after", "spec_digest.after"),
        ("Method", "method"),
        ("Code", "code"),
        ("Subject", "subject"),
        ("Right", "verb"),
        ("Object", "object"),
        ("At", "at"),
        ("Read from", "from"),
        ("Read until", "until"),
        ("Lines read", "lines"),
        ("Lines that are no JSON", "unread"),
        ("Refused calls that name nobody", "unnamed"),
        ("Calls whose token is not shown", "tokenless"),
        ("Operation", "op_key"),
        ("Operation digest", "operation_digest"),
        ("History id", "history_id"),
        ("Resource version", "resource_version"),
        ("Token id", "token_id"),
        ("Began before its observer was there", "backfill"),
        ("Raw digest", "raw_digest"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// What an observer saw: of every event, some members are absent.
    ArgocdObservation<'a> {
        Option<&'a str>: instance, channel, event, action, action_certainty, username = "initiator.username", phase,
            started_at, finished_at, operation_digest, resource_version, method, subject, after, change, object,
            refused_at = "at", read_from = "from", read_until = "until",
            spec_before = "spec_digest.before", spec_after = "spec_digest.after";
        AppRef<'a>: app;
        Option<bool>: is_automated = "initiator.automated", is_backfill = "backfill";
        Destination<'a>: destination;
        Nodes<'a>: requested = "revisions.requested", resolved = "revisions.resolved",
            deployed = "revisions.deployed";
        CallParams<'a>: params;
        Option<i64>: history_id, tries = "retry.count", unread, unnamed;
        Rows<'a, ResourceCount<'a>>: resource_counts;
        Option<Node<'a>>: shown_counts = "resource_counts";
        Rows<'a, Info<'a>>: info;
        // As it is stated: see `op_key` below.
        Option<&'a str>: stated_key = "op_key";
    }
    ResourceCount<'a> { Option<&'a str>: namespace; }
    Info<'a> { Option<&'a str>: name, text = "value"; }
}

impl<'a> ArgocdObservation<'a> {
    /// The key of the operation, if anybody can recompute it: whoever did not
    /// digest the operation names none.
    pub(crate) fn op_key(self) -> Option<&'a str> {
        self.operation_digest().and(self.stated_key())
    }

    /// The instance, and the name there of who started the operation.
    pub(crate) fn initiator(self) -> Option<(&'a str, &'a str)> {
        self.instance().zip(self.username())
    }

    /// The digest of the decision that the operation states as its own.
    pub(crate) fn stated(self) -> Option<&'a str> {
        self.info().find(|pair| pair.name() == Some("claw.decision"))?.text()
    }
}

/// Longest message of Argo CD that is kept; the rest stands in `raw_digest`.
const MESSAGE_BYTES_MAX: usize = 2048;
/// `claw.*` pairs of one operation.
const INFO_MAX: usize = 32;
/// Counts by namespace and status.
const RESOURCE_COUNTS_MAX: usize = 1024;

const COUNT: Shape = Shape::Integer { min: 0, max: 9_007_199_254_740_991 };
const SWITCH: Shape = Shape::Enum(&["on", "off", "unknown"]);
const TWO: Shape = Shape::Text(Text::Word("2"));

/// One event: what stands in each of them, and its own members.
macro_rules! event {
    ($version:expr, $event:literal, [$($own:expr),* $(,)?]) => {
        object(&[
            required("argocd_observation_version", $version),
            required("nonce", &NONCE),
            required("channel", &CHANNEL),
            required("instance", &INSTANCE),
            required("event", &Shape::Text(Text::Word($event))),
            required("raw_digest", &HEX64),
            $($own),*
        ])
    };
}

/// Every event of a version; `named` are the members by which an operation of
/// that version is known, `denied` what its denials say beside the rest, `more`
/// events that it alone has.
macro_rules! payload {
    ($version:expr, [$($named:expr),* $(,)?], [$($denied:expr),* $(,)?], [$($more:expr),* $(,)?]) => {
        Shape::ByField {
            field: "event",
            cases: &[
                ("operation", &event!($version, "operation", [
                    required("app", &APP),
                    required("action", &ACTION),
                    required("action_certainty", &Shape::Enum(&["stated", "inferred"])),
                    required("initiator", &INITIATOR),
                    required("phase", &Shape::Enum(&["Running", "Terminating", "Succeeded", "Failed", "Error"])),
                    required("started_at", &TIME),
                    required("destination", &DESTINATION),
                    $($named,)*
                    optional("info", &list(&INFO, 0, INFO_MAX)),
                    optional("finished_at", &TIME),
                    optional("message", &plain(0, MESSAGE_BYTES_MAX)),
                    optional("revisions", &OBSERVED_REVISIONS),
                    optional("params", &PARAMS),
                    optional("history_id", &HISTORY_ID),
                    optional("retry", &RETRY),
                    optional("resource_counts", &list(&RESOURCE_COUNT, 0, RESOURCE_COUNTS_MAX)),
                ])),
                ("auto_sync", &event!($version, "auto_sync", [
                    required("app", &APP),
                    required("before", &SWITCH),
                    required("after", &SWITCH),
                ])),
                ("spec_change", &event!($version, "spec_change", [
                    required("app", &APP),
                    required("spec_digest", &object(&[required("before", &HEX64), required("after", &HEX64)])),
                ])),
                ("lifecycle", &event!($version, "lifecycle", [
                    required("app", &APP),
                    required("change", &Shape::Enum(&["seen", "deleting", "uid_changed"])),
                    optional("uid_before", &UID),
                ])),
                // The application is absent where the refused call was about none.
                ("denial", &event!($version, "denial", [
                    optional("app", &APP),
                    required("method", &FREE_TEXT),
                    required("code", &FREE_TEXT),
                    required("subject", &FREE_TEXT),
                    optional("token_id", &FREE_TEXT),
                    $($denied,)*
                ])),
                $($more,)*
            ],
        }
    };
}

/// Which of the first four stand there depends on the channel: [`check_operation`].
const PAYLOAD: Shape = payload!(
    &TWO,
    [
        optional("operation_digest", &HEX64),
        optional("op_key", &HEX64),
        optional("resource_version", &FREE_TEXT),
        optional("token_id", &FREE_TEXT),
        optional("backfill", &Shape::Exactly(true)),
    ],
    [optional("verb", &FREE_TEXT), optional("object", &FREE_TEXT), optional("at", &TIME)],
    [("log_read", &LOG_READ)]
);

/// A part of the server's log that was read, by the times of its first and last
/// line: what tells that nothing was refused from that nobody looked.
const LOG_READ: Shape = object(&[
    required("argocd_observation_version", &TWO),
    required("nonce", &NONCE),
    required("channel", &Shape::Text(Text::Word("server_log"))),
    required("instance", &INSTANCE),
    required("event", &Shape::Text(Text::Word("log_read"))),
    required("raw_digest", &HEX64),
    required("from", &TIME),
    required("until", &TIME),
    required("lines", &COUNT),
    required("unread", &COUNT),
    required("unnamed", &COUNT),
    required("tokenless", &COUNT),
]);

/// Version 1, whose `op_key` was the observer's own and can be recomputed by nobody.
const PAYLOAD_1: Shape = payload!(&ONE, [required("op_key", &HEX64)], [], []);

/// `username` is empty for what Argo CD does by itself.
const INITIATOR: Shape = object(&[required("username", &FREE_TEXT), required("automated", &Shape::Bool)]);
const INFO: Shape = object(&[required("name", &FREE_TEXT), required("value", &plain(0, 1024))]);
const OBSERVED_REVISIONS: Shape =
    object(&[optional("requested", &REVISIONS), optional("resolved", &REVISIONS), optional("deployed", &REVISIONS)]);
const RETRY: Shape = object(&[
    optional("count", &COUNT),
    optional("limit", &Shape::Integer { min: -1, max: 1_000_000 }),
    optional("refresh", &Shape::Bool),
]);
const RESOURCE_COUNT: Shape =
    object(&[required("namespace", &FREE_TEXT), required("status", &FREE_TEXT), required("count", &COUNT)]);

/// The name of an Argo CD operation, which has no id of its own: hex SHA-256 of
/// the JCS of instance, application uid, start in whole seconds, and digest of
/// the operation as its status shows it. Ordinary operations share a second, so
/// the start alone does not tell them apart.
pub fn op_key(instance: &str, app_uid: &str, started_at: &str, operation_digest: &str) -> String {
    // `YYYY-MM-DDTHH:MM:SS` is 19 bytes; a fraction is cut.
    let seconds = format!("{}Z", started_at.get(..19).unwrap_or(started_at));
    let parts = [instance, app_uid, &seconds, operation_digest];
    hex::encode(&sha256(to_jcs(&Value::Array(parts.into_iter().map(Value::from).collect())).as_bytes()))
}

/// Names the operation of an observation that shows it and does not name it.
pub(crate) fn set_op_key(payload: &mut Object) {
    let value = Value::Object(payload.clone());
    let text = |path: &str| value.text_at(path);
    let shown = (text("instance"), text("app.uid"), text("started_at"), text("operation_digest"));
    if let (None, (Some(instance), Some(uid), Some(started), Some(digest))) = (text("op_key"), shown) {
        payload.set("op_key", op_key(instance, uid, started, digest).into());
    }
}

/// Whether a poller saw of an operation nothing but the entry that it left in
/// the history: it deployed, and its object is gone, so nobody can digest it.
fn is_of_history(payload: &Value) -> bool {
    let says = |name: &str| payload.get(name).is_some();
    payload.text_at("channel") == Some("poll")
        && payload.text_at("phase") == Some("Succeeded")
        && says("history_id")
        && !says("operation_digest")
        && !says("op_key")
}

/// Channels that show the operation itself say which it was, and every channel
/// says only what it can see.
fn check_operation(payload: &Value) -> Result<(), ShapeError> {
    if payload.text_at("event") != Some("operation") || payload.text_at("argocd_observation_version") == Some("1") {
        return Ok(());
    }
    let shows_status = matches!(payload.text_at("channel"), Some("notify" | "poll"));
    let refused = if shows_status { ["resource_version", "token_id"] } else { ["operation_digest", "op_key"] };
    if let Some(name) = refused.into_iter().find(|name| payload.get(name).is_some()) {
        let channels = if shows_status { "k8s_event and server_log" } else { "notify and poll" };
        return Err(ShapeError::at(name, Broken::InvalidValue, format!("must stand for channels {channels} only")));
    }
    if !shows_status || is_of_history(payload) {
        return Ok(());
    }
    let text = |path: &str| {
        let missing = || ShapeError::at(path, Broken::MissingField, "is required for channels notify and poll");
        payload.text_at(path).ok_or_else(missing)
    };
    let digest = text("operation_digest")?;
    if text("op_key")? != op_key(text("instance")?, text("app.uid")?, text("started_at")?, digest) {
        let rule = "must be the hex SHA-256 of the JCS of [instance, app.uid, started_at in whole seconds, \
                    operation_digest]";
        return Err(ShapeError::at("op_key", Broken::InvalidValue, rule));
    }
    Ok(())
}

/// A part of a log ends no earlier than it begins.
fn check_part(payload: &Value) -> Result<(), ShapeError> {
    let ms = |path: &str| payload.text_at(path).and_then(unix_ms);
    if payload.text_at("event") == Some("log_read") && ms("from") > ms("until") {
        return Err(ShapeError::at("until", Broken::InvalidValue, "must be no earlier than from"));
    }
    Ok(())
}
