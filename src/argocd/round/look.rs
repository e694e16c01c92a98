//! One application as one round shows it.

use crate::argocd::members::{instant, integer, list, text, texts};
use crate::argocd::reading::read;
use crate::argocd::round::items::ITEM_BYTES_MAX;
use crate::argocd::{Application, Channel, Operation, Seen};
use crate::artifact::holds_token;
use crate::artifact::json::{Number, Object, Value, to_jcs};
use crate::artifact::shape::ShapeError;

/// Memory that the values of one application may fill.
const ROOM_BYTES_MAX: usize = 8 * ITEM_BYTES_MAX;
/// Revisions of a row, and bytes of one.
const REVISIONS_MAX: usize = 64;
const REVISION_BYTES_MAX: usize = 256;

/// What one round shows of one application.
pub(super) struct Look {
    pub(super) application: Application,
    pub(super) uid: String,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) project: String,
    pub(super) version: Option<u64>,
    /// The operation that the status holds; or why it cannot be read.
    pub(super) operation: Result<Option<Operation>, ShapeError>,
    /// The history as Argo CD wrote it.
    pub(super) history: Vec<Past>,
    /// Its row of a snapshot, in JCS.
    pub(super) row: String,
}

/// One entry of the history.
pub(super) struct Past {
    pub(super) id: i64,
    /// When its operation started, where it says so.
    pub(super) started_at: Option<String>,
    pub(super) entry: Value<'static>,
}

impl Look {
    /// # Errors
    /// What is no JSON, or the member that is absent or not what Argo CD writes,
    /// and without which nothing can be said of the application.
    pub(super) fn read(instance: &str, bytes: &[u8]) -> Result<Self, String> {
        let resource = read(bytes, ROOM_BYTES_MAX).map_err(|error| error.to_string())?;
        Self::of(instance, resource).map_err(|error| error.to_string())
    }

    fn of(instance: &str, resource: Value<'static>) -> Result<Self, ShapeError> {
        let application = Application::read(resource)?;
        let names = application.app().names();
        let named = |member: &str| names.text_at(member).unwrap_or_default().to_owned();
        let seen = Seen { channel: Channel::Poll, instance, app: application.app() };
        let mut look = Self {
            uid: named("uid"),
            name: named("name"),
            namespace: named("namespace"),
            project: named("project"),
            version: application.resource_version().and_then(|version| version.parse().ok()),
            operation: application.operation(&seen),
            history: history(application.resource())?,
            row: String::new(),
            application,
        };
        look.row = to_jcs(&look.row()?);
        Ok(look)
    }

    pub(super) fn seen<'s>(&'s self, instance: &'s str) -> Seen<'s> {
        Seen { channel: Channel::Poll, instance, app: self.application.app() }
    }

    /// How it is called in marks.
    pub(super) fn title(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn row(&self) -> Result<Value<'static>, ShapeError> {
        let mut row = Object::new();
        row.set("app", self.application.app().names());
        row.set("spec_digest", self.application.spec_digest().into());
        row.set("auto_sync", self.application.auto_sync().name().into());
        // A row is there without it, too: it says what can be said.
        if let Ok(destination) = self.application.app().destination() {
            row.set("destination", destination);
        }
        let revisions = revisions(self.application.resource())?;
        if !revisions.is_empty() {
            row.set("revisions", revisions.into());
        }
        if let Ok(Some(operation)) = &self.operation {
            row.set("op_key", operation.op_key().into());
        }
        if let Some(last) = self.history.last() {
            row.set("history_id", number(last.id));
        }
        Ok(row.into())
    }
}

/// Entries with an id; one without is none of Argo CD's.
fn history(resource: &Value<'static>) -> Result<Vec<Past>, ShapeError> {
    let mut past = Vec::new();
    for entry in list(resource, "status.history")? {
        let within = |error: ShapeError| error.within("history").within("status");
        let Some(id) = integer(entry, "id").map_err(within)?.filter(|id| *id >= 0) else { continue };
        let started_at = instant(entry, "deployStartedAt").map_err(within)?;
        past.push(Past { id, started_at, entry: entry.clone() });
    }
    Ok(past)
}

/// What is deployed, one a source.
fn revisions(resource: &Value) -> Result<Vec<Value<'static>>, ShapeError> {
    let several = texts(resource, "status.sync.revisions")?;
    let single = text(resource, "status.sync.revision")?;
    let all = if several.is_empty() { single.into_iter().collect() } else { several };
    // A version of a chart may be spelled like a token, which no snapshot may hold.
    let fits = |text: &&str| (1..=REVISION_BYTES_MAX).contains(&text.len()) && !holds_token(text);
    let is_said = all.len() <= REVISIONS_MAX && all.iter().all(fits);
    Ok(if is_said { all.into_iter().map(Value::from).collect() } else { Vec::new() })
}

/// A number that came out of JSON.
pub(super) fn number(value: i64) -> Value<'static> {
    Number::new(value as f64).map_or(Value::Null, Value::Number)
}
