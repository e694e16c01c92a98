//! What a reader sees of an artifact: labels in plain words, values as the
//! artifact has them. Values are untrusted and unescaped; the page escapes.

use crate::artifact::json::{Value, to_compact};

/// One line about an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub label: &'static str,
    pub value: String,
}

/// The facts at the given dotted paths, in the given order; absent ones are
/// left out.
pub(crate) fn pick(payload: &Value, wanted: &[(&'static str, &str)]) -> Vec<Fact> {
    let fact = |(label, path): &(&'static str, &str)| {
        let value = payload.at(path)?;
        Some(Fact { label, value: words(value) })
    };
    wanted.iter().filter_map(fact).collect()
}

/// Facts of `binds` (FORMATS 5.4), shared by approvals and decisions.
pub(crate) const BINDS: &[(&str, &str)] = &[
    ("Action", "binds.action"),
    ("Argo CD instance", "binds.instance"),
    ("Job", "binds.job_id"),
    ("Application", "binds.app.name"),
    ("Project", "binds.app.project"),
    ("Application namespace", "binds.app.namespace"),
    ("Destination cluster", "binds.destination.server"),
    ("Destination cluster", "binds.destination.name"),
    ("Destination namespace", "binds.destination.namespace"),
    ("Revisions", "binds.revisions"),
    ("History id", "binds.history_id"),
    ("Parameters", "binds.params"),
];

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone().into_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => "none".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(object) if object.is_empty() => "none".to_owned(),
        other => to_compact(other),
    }
}
