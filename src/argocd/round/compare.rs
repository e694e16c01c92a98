//! What is new of one application: what is known of it beside what this round
//! shows.

use crate::argocd::members::{at, flag, instant, text, texts};
use crate::argocd::observation::Observation;
use crate::argocd::round::known::Known;
use crate::argocd::round::look::{Look, Past, number};
use crate::argocd::round::mark::Mark;
use crate::argocd::{AutoSync, Change, Operation, Phase};
use crate::artifact::json::{Object, Value, to_jcs};
use crate::artifact::shape::ShapeError;

/// Longest name of a user, and longest revision, that is said.
const TEXT_BYTES_MAX: usize = 256;
/// Revisions of one entry of the history.
const REVISIONS_MAX: usize = 64;

/// What follows from one look.
pub(super) struct Compared {
    pub(super) known: Known,
    pub(super) said: Vec<Observation>,
    pub(super) marks: Vec<Mark>,
}

/// Which round looks, and for whom.
#[derive(Clone, Copy)]
pub(super) struct By<'s> {
    pub(super) instance: &'s str,
    /// Whether no round counted before: what is there was there before us, and
    /// its history is where we begin.
    pub(super) is_first: bool,
}

/// Compares an application with what is known of the same uid; of a new one,
/// with the uid that had its name before.
pub(super) fn with(by: By<'_>, before: Option<&Known>, look: &Look, uid_before: Option<&str>) -> Compared {
    let seen = look.seen(by.instance);
    let application = &look.application;
    let (mut marks, mut said) = (Vec::new(), Vec::new());
    match before {
        None => said.extend(came(by, look, uid_before)),
        Some(before) => {
            if before.spec_digest != application.spec_digest() {
                said.push(application.spec_changed(&seen, &before.spec_digest));
            }
            if before.auto_sync != application.auto_sync().name() {
                said.push(application.auto_sync_changed(&seen, AutoSync::named(&before.auto_sync)));
            }
        }
    }
    if application.deleting_since().is_some() && !before.is_some_and(|before| before.is_deleting) {
        said.push(application.lifecycle(&seen, Change::Deleting));
    }
    let mut known = next(before, look);
    let operation = look.operation.as_ref().unwrap_or_else(|error| {
        marks.push(Mark::Unreadable { what: look.title(), why: error.to_string() });
        &None
    });
    if let Some(operation) = operation {
        let told = told_of(operation);
        if known.operation.as_deref() != Some(&told) {
            known.operation = Some(told);
            let observed = operation.clone().into_observation();
            // Nobody knows what else was there before the first look.
            said.push(if by.is_first && before.is_none() { observed.backfilled() } else { observed });
        }
    }
    history(by, before, look, operation.as_ref(), &mut known, &mut said, &mut marks);
    known.is_told = before.is_some_and(|before| before.is_told && before.row == known.row);
    known.events_due |= !(said.is_empty() || by.is_first && before.is_none());
    Compared { known, said, marks }
}

/// The first thing that is said of an application: it came, perhaps under a name
/// that another one had. What the first round shows was there before.
fn came(by: By<'_>, look: &Look, uid_before: Option<&str>) -> Option<Observation> {
    let change = match uid_before {
        Some(uid) => Change::UidChanged(uid),
        None if by.is_first => return None,
        None => Change::Seen,
    };
    Some(look.application.lifecycle(&look.seen(by.instance), change))
}

fn next(before: Option<&Known>, look: &Look) -> Known {
    Known {
        name: look.name.clone(),
        namespace: look.namespace.clone(),
        project: look.project.clone(),
        row: look.row.clone(),
        is_told: false,
        version: look.version,
        spec_digest: look.application.spec_digest().to_owned(),
        auto_sync: look.application.auto_sync().name().to_owned(),
        is_deleting: look.application.deleting_since().is_some(),
        operation: before.and_then(|before| before.operation.clone()),
        history: look.history.iter().map(|past| past.id).collect(),
        history_done: before.and_then(|before| before.history_done),
        missing: 0,
        is_kept: false,
        older: 0,
        events_after: before.map_or(0, |before| before.events_after),
        events_due: before.is_some_and(|before| before.events_due),
    }
}

/// What makes one account of an operation another: as the receiver of
/// notifications tells them apart, with the history id.
fn told_of(operation: &Operation) -> String {
    let id = operation.history_id().map(|id| id.to_string());
    format!(
        "{} {} {} {} {}",
        operation.op_key(),
        operation.phase().name(),
        operation.finished_at().unwrap_or("-"),
        operation.retry_count(),
        id.as_deref().unwrap_or("-"),
    )
}

/// What the history shows that was not observed yet, and where it is not whole.
fn history(
    by: By<'_>,
    before: Option<&Known>,
    look: &Look,
    operation: Option<&Operation>,
    known: &mut Known,
    said: &mut Vec<Observation>,
    marks: &mut Vec<Mark>,
) {
    let highest = look.history.iter().map(|past| past.id).max();
    let Some(before) = before else {
        if by.is_first {
            known.history_done = highest;
        } else {
            past_operations(by, look, operation, -1, known, said, marks);
        }
        return;
    };
    let app = look.title();
    let done = before.history_done.unwrap_or(-1);
    let Some(highest) = highest else {
        if let Some(last) = before.history.iter().max() {
            marks.push(Mark::HistoryEmptied { app, last: *last });
        }
        return;
    };
    // Under one uid ids begin again when the history was emptied.
    if highest < done {
        marks.push(Mark::HistoryRestarted { app, was: done, is: highest });
        known.history_done = None;
        past_operations(by, look, operation, -1, known, said, marks);
        return;
    }
    let lowest = look.history.iter().map(|past| past.id).min().unwrap_or(0);
    let holes: Vec<i64> =
        before.history.iter().copied().filter(|id| *id > lowest && !known.history.contains(id)).collect();
    if !holes.is_empty() {
        marks.push(Mark::HistoryHole { app: app.clone(), ids: holes });
    }
    past_operations(by, look, operation, done, known, said, marks);
}

/// Entries above `done`, each observed by the operation that the status shows
/// or, where it shows another by now, by what the entry itself says.
fn past_operations(
    by: By<'_>,
    look: &Look,
    operation: Option<&Operation>,
    done: i64,
    known: &mut Known,
    said: &mut Vec<Observation>,
    marks: &mut Vec<Mark>,
) {
    let mut last = done;
    for past in look.history.iter().filter(|past| past.id > done) {
        if past.id > last + 1 {
            marks.push(Mark::HistorySkipped { app: look.title(), after: last, next: past.id });
        }
        // Argo CD writes the entry before the end of its operation: it waits for that.
        let is_under_way =
            operation.is_some_and(|now| !now.phase().is_last() && past.started_at.as_deref() == Some(now.started_at()));
        if is_under_way {
            break;
        }
        last = past.id;
        if operation.is_none_or(|now| now.history_id() != Some(past.id)) {
            match past_operation(by, look, past) {
                Ok(observed) => said.push(observed),
                Err(error) => {
                    let what = format!("{} history id {}", look.title(), past.id);
                    marks.push(Mark::Unreadable { what, why: error.to_string() });
                }
            }
        }
    }
    known.history_done = (last >= 0).then_some(last);
}

/// An operation that nothing but the history shows any more. Its object is
/// gone, so nobody can digest it and it has no `op_key`.
fn past_operation(by: By<'_>, look: &Look, past: &Past) -> Result<Observation, ShapeError> {
    let entry = &past.entry;
    let ended_at = instant(entry, "deployedAt")?;
    let started_at = past.started_at.clone().or_else(|| ended_at.clone());
    let started_at = started_at.ok_or_else(|| crate::argocd::members::missing("deployedAt"))?;
    let username = text(entry, "initiatedBy.username")?.unwrap_or_default();
    let mut initiator = Object::new();
    initiator.set("username", said_short(username));
    initiator.set("automated", flag(entry, "initiatedBy.automated")?.into());
    let mut said = Observation::of(&look.seen(by.instance), "operation", to_jcs(entry).as_bytes())
        // The history says no more than that it deployed.
        .with("action", "sync")
        .with("action_certainty", "inferred")
        .with("initiator", initiator)
        .with("phase", Phase::Succeeded.name())
        .with("started_at", started_at)
        .with("destination", look.application.app().destination()?)
        .with("history_id", number(past.id));
    if let Some(ended_at) = ended_at {
        said = said.with("finished_at", ended_at);
    }
    let deployed = deployed(entry)?;
    if !deployed.is_empty() {
        let mut revisions = Object::new();
        revisions.set("deployed", deployed.into());
        said = said.with("revisions", revisions);
    }
    Ok(said)
}

/// One revision a source, where all are there.
fn deployed(entry: &Value) -> Result<Vec<Value<'static>>, ShapeError> {
    let mut all = texts(entry, "revisions")?;
    if all.is_empty() {
        all = at(entry, "revision")?.and_then(Value::as_str).into_iter().collect();
    }
    let is_said = all.len() <= REVISIONS_MAX && all.iter().all(|revision| !revision.is_empty());
    Ok(if is_said { all.into_iter().map(said_short).collect() } else { Vec::new() })
}

fn said_short(text: &str) -> Value<'static> {
    match text {
        "" => "".into(),
        some => crate::argocd::members::fitted(some, TEXT_BYTES_MAX).into_owned().into(),
    }
}
