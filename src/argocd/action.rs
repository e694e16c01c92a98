//! What an operation was: a sync, or perhaps a rollback.

use crate::argocd::members::{at, flag, instant, list, text, texts};
use crate::argocd::operation::History;
use crate::artifact::json::{Value, to_jcs};
use crate::artifact::shape::ShapeError;

/// A status does not tell a rollback from a sync whose strategy is `apply`;
/// what a rollback never has tells a sync. Of what is left, the whole history
/// shows whether there was anything to go back to.
pub(super) fn action(state: &Value, history: History<'_, '_>) -> Result<(&'static str, &'static str), ShapeError> {
    let has = |path: &str| -> Result<bool, ShapeError> {
        let value = at(state, path)?;
        Ok(value.is_some_and(|value| match value {
            Value::Object(members) => !members.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        }))
    };
    const NEVER: [&str; 6] = [
        "operation.info",
        "operation.retry",
        "operation.sync.resources",
        "operation.sync.manifests",
        "operation.sync.autoHealAttemptsCount",
        "operation.sync.syncStrategy.hook",
    ];
    for path in NEVER {
        if has(path)? {
            return Ok(("sync", "stated"));
        }
    }
    let is_forced = flag(state, "operation.sync.syncStrategy.apply.force")?;
    let is_applied = at(state, "operation.sync.syncStrategy.apply")?.is_some() && !is_forced;
    if !is_applied || flag(state, "operation.initiatedBy.automated")? {
        return Ok(("sync", "stated"));
    }
    let History::Whole(entries) = history else { return Ok(("rollback", "inferred")) };
    let started_at = instant(state, "startedAt")?;
    for entry in entries {
        let is_earlier = instant(entry, "deployStartedAt")? != started_at;
        if is_earlier && went_back_to(state, entry)? {
            return Ok(("rollback", "inferred"));
        }
    }
    Ok(("sync", "inferred"))
}

/// Whether an operation takes the revisions and sources of a history entry.
fn went_back_to(state: &Value, entry: &Value) -> Result<bool, ShapeError> {
    let jcs = |value: Option<&Value>| value.map(to_jcs);
    let sources = list(entry, "sources")?;
    let are_alike = match sources.is_empty() {
        true => jcs(at(entry, "source")?) == jcs(at(state, "operation.sync.source")?),
        false => jcs(at(entry, "sources")?) == jcs(at(state, "operation.sync.sources")?),
    };
    Ok(are_alike && all_revisions(entry, "")? == all_revisions(state, "operation.sync.")?)
}

/// The list of revisions below `prefix` where there is one, else the single one.
pub(super) fn all_revisions<'v>(root: &'v Value<'_>, prefix: &str) -> Result<Vec<&'v str>, ShapeError> {
    let several = texts(root, &format!("{prefix}revisions"))?;
    if !several.is_empty() {
        return Ok(several);
    }
    Ok(text(root, &format!("{prefix}revision"))?.into_iter().collect())
}
