//! The state of an Argo CD instance as a poller saw it (FORMATS 5.4): the rows that
//! changed since the last snapshot and a digest over all rows, or, when `full`,
//! every row. A heartbeat is a snapshot without rows.
//!
//! `rows_digest` is the hex SHA-256 of the JCS of the array of *all* rows,
//! sorted by application uid in byte order: any two full views compare by it.

use crate::artifact::binds::{APP, AppRef, DESTINATION, HEX64, HISTORY_ID, INSTANCE, NONCE, ONE, REVISIONS, TIME};
use crate::artifact::fact::Fact;
use crate::artifact::json::Value;
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, list, object, optional, required};
use crate::artifact::view::{Rows, view};

pub(crate) const ROW: KindRow = KindRow {
    name: "argocd_snapshot",
    envelope_type: "argocd_snapshot",
    forms: &[Form::ours("argocd_snapshot_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: true,
    title: "Snapshot of Argo CD",
    withholdable: true,
    voice: Voice::Observer,
    id_given_once: None,
    ids: &[],
    about: About::NOTHING,
    summary: &[],
    bundle_array: None,
    check: rows_are_sorted,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys { instance: text(payload, "instance"), ..Keys::default() },
    facts: &[
        ("Argo CD instance", "instance"),
        ("Taken at", "taken_at"),
        ("Full", "full"),
        ("Applications in all", "rows_total"),
        ("Digest of all rows", "rows_digest"),
    ],
    more_facts,
};

view! {
    /// What rules read of a look at an instance.
    ArgocdSnapshot<'a> {
        Option<&'a str>: instance, taken_at, rows_digest;
        Rows<'a, SnapshotRow<'a>>: rows;
    }
    SnapshotRow<'a> { AppRef<'a>: app; Option<&'a str>: op_key, auto_sync; Option<i64>: history_id; }
}

/// Applications of one snapshot: 400 bytes each stay within 2 MiB.
const ROWS_MAX: usize = 4096;

const PAYLOAD: Shape = object(&[
    required("argocd_snapshot_version", &ONE),
    required("nonce", &NONCE),
    required("channel", &Shape::Text(Text::Word("poll"))),
    required("instance", &INSTANCE),
    required("taken_at", &TIME),
    required("full", &Shape::Bool),
    required("rows", &list(&ROW_SHAPE, 0, ROWS_MAX)),
    required("rows_total", &Shape::Integer { min: 0, max: 1_000_000 }),
    required("rows_digest", &HEX64),
]);

const ROW_SHAPE: Shape = object(&[
    required("app", &APP),
    required("spec_digest", &HEX64),
    required("auto_sync", &Shape::Enum(&["on", "off", "unknown"])),
    optional("destination", &DESTINATION),
    optional("revisions", &REVISIONS),
    optional("op_key", &HEX64),
    optional("history_id", &HISTORY_ID),
]);

/// By application uid, each once: a row has one place.
fn rows_are_sorted(payload: &Value) -> Result<(), ShapeError> {
    let rows = payload.get("rows").and_then(Value::as_array).unwrap_or_default();
    if !rows.is_sorted_by(|a, b| a.text_at("app.uid") < b.text_at("app.uid")) {
        let rule = "must be sorted by app.uid, without duplicates";
        return Err(ShapeError::at("rows", Broken::InvalidValue, rule));
    }
    let total = payload.get("rows_total").and_then(Value::as_i64).unwrap_or(0);
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let full = payload.get("full").and_then(Value::as_bool) == Some(true);
    if count > total || (full && count != total) {
        let rule = "must count every row: as many as a full snapshot has, no fewer than any has";
        return Err(ShapeError::at("rows_total", Broken::InvalidValue, rule));
    }
    Ok(())
}

fn more_facts(payload: &Value) -> Vec<Fact> {
    let rows = payload.get("rows").and_then(Value::as_array).map_or(0, <[Value]>::len);
    vec![Fact { label: "Rows in this snapshot", value: rows.to_string() }]
}
