use std::collections::BTreeMap;

use crate::argocd::action::{action, all_revisions};
use crate::argocd::members::{at, cut, digested, fitted, flag, instant, integer, missing, needed, objects, text};
use crate::argocd::observation::{Observation, Seen};
use crate::argocd::params;
use crate::artifact::digest::sha256;
use crate::artifact::json::{Object, Value, to_jcs};
use crate::artifact::op_key;
use crate::artifact::shape::{Broken, ShapeError};
use crate::text::hex;

/// Longest message that an observation holds (FORMATS 5.4).
const MESSAGE_BYTES_MAX: usize = 2048;
/// Pairs of `info` that an observation holds, and their bytes.
const INFO_MAX: usize = 32;
const INFO_VALUE_BYTES_MAX: usize = 1024;
/// Longest name, revision or status that an observation holds.
const TEXT_BYTES_MAX: usize = 256;
/// Rows of resource counts; what is beyond stands in one row by its digest.
const COUNTS_MAX: usize = 1024;
/// Revisions of one operation: sources of an application.
const SOURCES_MAX: usize = 64;
/// Largest limit of retries that an observation holds; more is as good as any.
const RETRY_LIMIT_MAX: i64 = 1_000_000;
/// Whose pairs of `info` are kept: the wrapper's.
const INFO_PREFIX: &str = "claw.";

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Running,
    Terminating,
    Succeeded,
    Failed,
    Error,
}

impl Phase {
    const ALL: [Self; 5] = [Self::Running, Self::Terminating, Self::Succeeded, Self::Failed, Self::Error];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Terminating => "Terminating",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Error => "Error",
        }
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_last(self) -> bool {
        match self {
            Self::Running | Self::Terminating => false,
            Self::Succeeded | Self::Failed | Self::Error => true,
        }
    }
}

/// What is known of the Application's history.
#[derive(Clone, Copy, Debug)]
pub enum History<'h, 'a> {
    /// `status.history` as a whole: the poller's.
    Whole(&'h [Value<'a>]),
    /// Its last entry, if there is any: a notification's.
    Last(Option<&'h Value<'a>>),
}

impl<'h, 'a> History<'h, 'a> {
    fn last(self) -> Option<&'h Value<'a>> {
        match self {
            Self::Whole(entries) => entries.last(),
            Self::Last(entry) => entry,
        }
    }
}

/// One operation as `status.operationState` shows it at one moment.
#[derive(Clone, Debug)]
pub struct Operation {
    op_key: String,
    digest: String,
    phase: Phase,
    started_at: String,
    finished_at: Option<String>,
    retry_count: i64,
    history_id: Option<i64>,
    observation: Observation,
}

impl Operation {
    /// Reads an operation state: the value of `status.operationState`, or the
    /// body of a notification, which has the same members at its top.
    ///
    /// Resources are counted where `syncResult.resources` is there; a
    /// notification leaves it out. The history id is said where the operation
    /// made the entry for certain: it succeeded, was neither dry nor partial, and
    /// the newest entry has its start and its revisions.
    ///
    /// # Errors
    /// The member, as a path below `state` or below what the [`App`] was read
    /// from, that is absent or not what Argo CD writes: another type, an unknown
    /// phase, a time without zone.
    ///
    /// [`App`]: crate::argocd::App
    pub fn read(seen: &Seen<'_>, state: &Value, history: History<'_, '_>) -> Result<Self, ShapeError> {
        let operation = at(state, "operation")?.ok_or_else(|| missing("operation"))?;
        let phase = phase(state)?;
        let started_at = instant(state, "startedAt")?.ok_or_else(|| missing("startedAt"))?;
        let finished_at = instant(state, "finishedAt")?;
        let retry_count = integer(state, "retryCount")?.unwrap_or(0).max(0);
        let digest = operation_digest(state, operation)?;
        let op_key = op_key(seen.instance, seen.app.uid(), &started_at, &digest);
        let params = params::of(state)?;
        let deployed = revisions(state, "syncResult")?;
        let is_whole = params.get("dry_run").is_none() && params.get("resources").is_none();
        let own = match phase {
            Phase::Succeeded if is_whole => own_entry(history, &started_at, &deployed)?,
            _ => None,
        };
        let history_id = own.map(|entry| integer(entry, "id")).transpose()?.flatten().filter(|id| *id >= 0);
        let (action, certainty) = action(state, history)?;

        let mut said = Observation::of(seen, "operation", &raw(state, own))
            .with("action", action)
            .with("action_certainty", certainty)
            .with("initiator", initiator(state)?)
            .with("phase", phase.name())
            .with("started_at", started_at.as_str())
            .with("destination", seen.app.destination()?)
            .with("operation_digest", digest.as_str())
            .with("op_key", op_key.as_str());
        if let Some(at) = &finished_at {
            said = said.with("finished_at", at.as_str());
        }
        // The message of a phase that is not the last changes from moment to
        // moment, and would make one account into many.
        if let (true, Some(message)) = (phase.is_last(), text(state, "message")?) {
            said = said.with("message", cut(message, MESSAGE_BYTES_MAX));
        }
        let info = info(state)?;
        said = with_list(said, "info", info);
        said = with_object(said, "revisions", shown_revisions(state, deployed)?);
        said = with_object(said, "params", params);
        if let Some(id) = history_id {
            said = said.with("history_id", number(id));
        }
        said = with_object(said, "retry", retry(state, retry_count)?);
        said = with_list(said, "resource_counts", resource_counts(state)?);
        Ok(Self { op_key, digest, phase, started_at, finished_at, retry_count, history_id, observation: said })
    }

    /// Name of the operation; the same whoever saw it (FORMATS 5.3).
    #[must_use]
    pub fn op_key(&self) -> &str {
        &self.op_key
    }

    #[must_use]
    pub fn operation_digest(&self) -> &str {
        &self.digest
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`.
    #[must_use]
    pub fn started_at(&self) -> &str {
        &self.started_at
    }

    /// When it ended; where the phase is not the last, when an earlier attempt did.
    #[must_use]
    pub fn finished_at(&self) -> Option<&str> {
        self.finished_at.as_deref()
    }

    #[must_use]
    pub fn retry_count(&self) -> i64 {
        self.retry_count
    }

    /// The history entry that it made, where that is certain.
    #[must_use]
    pub fn history_id(&self) -> Option<i64> {
        self.history_id
    }

    /// The observation of it.
    #[must_use]
    pub fn into_observation(self) -> Observation {
        self.observation
    }
}

fn with_list(said: Observation, name: &str, items: Vec<Value<'static>>) -> Observation {
    if items.is_empty() { said } else { said.with(name, items) }
}

fn with_object(said: Observation, name: &str, object: Object<'static>) -> Observation {
    if object.is_empty() { said } else { said.with(name, object) }
}

fn phase(state: &Value) -> Result<Phase, ShapeError> {
    let name = needed(state, "phase")?;
    Phase::ALL.into_iter().find(|phase| phase.name() == name).ok_or_else(|| {
        let words = Phase::ALL.map(Phase::name).join(", ");
        ShapeError::at("phase", Broken::InvalidValue, format!("must be one of {words}"))
    })
}

/// With `retry.refresh` the revisions vanish from the operation in its middle,
/// so that they are no part of what it is known by.
fn operation_digest(state: &Value, operation: &Value) -> Result<String, ShapeError> {
    let mut named = operation.clone();
    if flag(state, "operation.retry.refresh")?
        && let Value::Object(members) = &mut named
        && let Some(Value::Object(sync)) = members.get("sync")
    {
        let mut sync = sync.clone();
        sync.remove("revision");
        sync.remove("revisions");
        members.set("sync", sync.into());
    }
    Ok(hex::encode(&sha256(to_jcs(&named).as_bytes())))
}

/// What `raw_digest` is of: the state without its message, and the entry that the
/// operation made. What else a notification or resource says changes without
/// the operation.
fn raw(state: &Value, own: Option<&Value>) -> Vec<u8> {
    const MEMBERS: [&str; 6] = ["operation", "phase", "startedAt", "finishedAt", "retryCount", "syncResult"];
    let mut raw = Object::new();
    for name in MEMBERS {
        raw.set(name, state.get(name).cloned().unwrap_or(Value::Null));
    }
    raw.set("history", own.cloned().unwrap_or(Value::Null));
    to_jcs(&raw.into()).into_bytes()
}

fn initiator(state: &Value) -> Result<Object<'static>, ShapeError> {
    let username = text(state, "operation.initiatedBy.username")?;
    let mut initiator = Object::new();
    initiator.set("username", username.map_or("".into(), short));
    initiator.set("automated", flag(state, "operation.initiatedBy.automated")?.into());
    Ok(initiator)
}

/// The newest entry, if this operation made it. Several operations may share
/// the second of their start: then the newest is of the one that the status
/// shows, and their revisions tell the rest.
fn own_entry<'h, 'a>(
    history: History<'h, 'a>,
    started_at: &str,
    deployed: &[Value<'static>],
) -> Result<Option<&'h Value<'a>>, ShapeError> {
    let within = |error: ShapeError| error.within("history");
    let Some(entry) = history.last() else { return Ok(None) };
    let is_own = instant(entry, "deployStartedAt").map_err(within)?.as_deref() == Some(started_at);
    let revisions = in_order(all_revisions(entry, "").map_err(within)?);
    Ok(Some(entry).filter(|_| is_own && (deployed.is_empty() || revisions == deployed)))
}

/// One a source and in order; where a place is empty, or there are more than
/// an observation holds, none is said.
fn in_order(revisions: Vec<&str>) -> Vec<Value<'static>> {
    let is_said = revisions.len() <= SOURCES_MAX && revisions.iter().all(|revision| !revision.is_empty());
    if is_said { revisions.into_iter().map(short).collect() } else { Vec::new() }
}

fn revisions(state: &Value, member: &str) -> Result<Vec<Value<'static>>, ShapeError> {
    Ok(in_order(all_revisions(state, &format!("{member}."))?))
}

/// What was asked for does not stand in a status: the server resolved it.
fn shown_revisions(state: &Value, deployed: Vec<Value<'static>>) -> Result<Object<'static>, ShapeError> {
    let mut shown = Object::new();
    for (name, revisions) in [("resolved", revisions(state, "operation.sync")?), ("deployed", deployed)] {
        if !revisions.is_empty() {
            shown.set(name, revisions.into());
        }
    }
    Ok(shown)
}

fn info(state: &Value) -> Result<Vec<Value<'static>>, ShapeError> {
    let mut kept = Vec::new();
    for pair in objects(state, "operation.info")? {
        let within = |error: ShapeError| error.within("info").within("operation");
        let name = text(pair, "name").map_err(within)?.unwrap_or_default();
        let value = text(pair, "value").map_err(within)?.unwrap_or_default();
        if !name.starts_with(INFO_PREFIX) || kept.len() == INFO_MAX {
            continue;
        }
        let mut row = Object::new();
        row.set("name", short(name));
        let is_long = value.len() > INFO_VALUE_BYTES_MAX;
        row.set("value", if is_long { digested(value.as_bytes()).into() } else { value.into() });
        kept.push(row.into());
    }
    Ok(kept)
}

fn retry(state: &Value, count: i64) -> Result<Object<'static>, ShapeError> {
    let mut retry = Object::new();
    if count > 0 {
        retry.set("count", number(count));
    }
    if let Some(limit) = integer(state, "operation.retry.limit")? {
        retry.set("limit", number(limit.clamp(-1, RETRY_LIMIT_MAX)));
    }
    if flag(state, "operation.retry.refresh")? {
        retry.set("refresh", true.into());
    }
    Ok(retry)
}

/// How many resources of each namespace ended how; a hook has no status.
fn resource_counts(state: &Value) -> Result<Vec<Value<'static>>, ShapeError> {
    let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for resource in objects(state, "syncResult.resources")? {
        let within = |error: ShapeError| error.within("resources").within("syncResult");
        let namespace = text(resource, "namespace").map_err(within)?.unwrap_or_default();
        let status = text(resource, "status").map_err(within)?.unwrap_or_default();
        *counts.entry((namespace, status)).or_default() += 1;
    }
    let row = |namespace: Value<'static>, status: Value<'static>, count: i64| -> Value<'static> {
        let mut row = Object::new();
        row.set("namespace", namespace);
        row.set("status", status);
        row.set("count", number(count));
        row.into()
    };
    let or_none = |text: &str| if text.is_empty() { "".into() } else { short(text) };
    let mut rows: Vec<_> =
        counts.iter().map(|((at, status), count)| row(or_none(at), or_none(status), *count)).collect();
    if rows.len() > COUNTS_MAX {
        let beyond = rows.split_off(COUNTS_MAX - 1);
        let count = beyond.iter().filter_map(|row| row.get("count").and_then(Value::as_i64)).sum();
        let digest = digested(to_jcs(&Value::Array(beyond)).as_bytes());
        rows.push(row(digest.into(), "".into(), count));
    }
    Ok(rows)
}

fn short(text: &str) -> Value<'static> {
    fitted(text, TEXT_BYTES_MAX).into_owned().into()
}

/// A number that came out of JSON, or is smaller.
fn number(value: i64) -> Value<'static> {
    crate::artifact::json::Number::new(value as f64).map_or(Value::Null, Value::Number)
}
