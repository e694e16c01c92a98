//! What Argo CD itself reports, by whichever channel it was seen (model 4).
//! Unsigned from an observer's token, or signed by an observer's key.

use crate::artifact::binds::{
    ACTION, APP, CHANNEL, DESTINATION, FREE_TEXT, HEX64, HISTORY_ID, INSTANCE, NONCE, ONE, PARAMS, REVISIONS, TIME,
    UID, check_destination, check_params,
};
use crate::artifact::envelope;
use crate::artifact::fact::pick;
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{Form, HashForm, KindRow};
use crate::artifact::shape::{Shape, Text, list, object, optional, plain, required};

pub(crate) const ROW: KindRow = KindRow {
    name: "argocd_observation",
    envelope_type: "argocd_observation",
    forms: &[Form {
        envelope: &envelope::V1,
        version_field: "argocd_observation_version",
        version: "1",
        payload: &PAYLOAD,
        ours: true,
        retired: false,
    }],
    hash_form: HashForm::Compact,
    unsigned: true,
    title: "Observation of Argo CD",
    withholdable: true,
    bundle_array: None,
    check: |payload| check_destination(payload).and_then(|()| check_params(payload)),
    keys: |payload| Keys {
        instance: text(payload, "instance"),
        app_uid: text(payload, "app.uid"),
        op_key: text(payload, "op_key"),
        ..Keys::default()
    },
    facts: |payload| {
        pick(
            payload,
            &[
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
                ("Operation", "op_key"),
                ("Raw digest", "raw_digest"),
            ],
        )
    },
};

/// Longest message of Argo CD that is kept; the rest stands in `raw_digest`.
const MESSAGE_BYTES_MAX: usize = 2048;
/// `claw.*` pairs of one operation.
const INFO_MAX: usize = 32;
/// Counts by namespace and status.
const RESOURCE_COUNTS_MAX: usize = 1024;

const COUNT: Shape = Shape::Integer { min: 0, max: 9_007_199_254_740_991 };
const SWITCH: Shape = Shape::Enum(&["on", "off", "unknown"]);
const VERSION: Shape = ONE;

const PAYLOAD: Shape = Shape::ByField {
    field: "event",
    cases: &[
        ("operation", &OPERATION),
        ("auto_sync", &AUTO_SYNC),
        ("spec_change", &SPEC_CHANGE),
        ("lifecycle", &LIFECYCLE),
        ("denial", &DENIAL),
    ],
};

const OPERATION: Shape = object(&[
    required("argocd_observation_version", &VERSION),
    required("nonce", &NONCE),
    required("channel", &CHANNEL),
    required("instance", &INSTANCE),
    required("event", &Shape::Text(Text::Word("operation"))),
    required("app", &APP),
    required("raw_digest", &HEX64),
    required("action", &ACTION),
    required("action_certainty", &Shape::Enum(&["stated", "inferred"])),
    required("initiator", &INITIATOR),
    required("phase", &Shape::Enum(&["Running", "Terminating", "Succeeded", "Failed", "Error"])),
    required("started_at", &TIME),
    required("destination", &DESTINATION),
    required("op_key", &HEX64),
    optional("info", &list(&INFO, 0, INFO_MAX)),
    optional("finished_at", &TIME),
    optional("message", &plain(0, MESSAGE_BYTES_MAX)),
    optional("revisions", &OBSERVED_REVISIONS),
    optional("params", &PARAMS),
    optional("history_id", &HISTORY_ID),
    optional("retry", &RETRY),
    optional("resource_counts", &list(&RESOURCE_COUNT, 0, RESOURCE_COUNTS_MAX)),
]);

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

const AUTO_SYNC: Shape = object(&[
    required("argocd_observation_version", &VERSION),
    required("nonce", &NONCE),
    required("channel", &CHANNEL),
    required("instance", &INSTANCE),
    required("event", &Shape::Text(Text::Word("auto_sync"))),
    required("app", &APP),
    required("raw_digest", &HEX64),
    required("before", &SWITCH),
    required("after", &SWITCH),
]);

const SPEC_CHANGE: Shape = object(&[
    required("argocd_observation_version", &VERSION),
    required("nonce", &NONCE),
    required("channel", &CHANNEL),
    required("instance", &INSTANCE),
    required("event", &Shape::Text(Text::Word("spec_change"))),
    required("app", &APP),
    required("raw_digest", &HEX64),
    required("spec_digest", &object(&[required("before", &HEX64), required("after", &HEX64)])),
]);

const LIFECYCLE: Shape = object(&[
    required("argocd_observation_version", &VERSION),
    required("nonce", &NONCE),
    required("channel", &CHANNEL),
    required("instance", &INSTANCE),
    required("event", &Shape::Text(Text::Word("lifecycle"))),
    required("app", &APP),
    required("raw_digest", &HEX64),
    required("change", &Shape::Enum(&["seen", "deleting", "uid_changed"])),
    optional("uid_before", &UID),
]);

/// The application is absent where the refused call was about none.
const DENIAL: Shape = object(&[
    required("argocd_observation_version", &VERSION),
    required("nonce", &NONCE),
    required("channel", &CHANNEL),
    required("instance", &INSTANCE),
    required("event", &Shape::Text(Text::Word("denial"))),
    optional("app", &APP),
    required("raw_digest", &HEX64),
    required("method", &FREE_TEXT),
    required("code", &FREE_TEXT),
    required("subject", &FREE_TEXT),
    optional("token_id", &FREE_TEXT),
]);
