use crate::argocd::app::App;
use crate::argocd::application::{AutoSync, Change, auto_sync, lifecycle};
use crate::argocd::members::{at, instant, needed, text};
use crate::argocd::observation::{Channel, Observation, Seen};
use crate::argocd::operation::{History, Operation};
use crate::artifact::json::Value;
use crate::artifact::shape::{Broken, ShapeError, Text};
use crate::artifact::time::unix_ms;

/// What the member `schema` of a body says.
pub const SCHEMA: &str = "argocd-notify/1";

/// What a notification tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Operation,
    AutoSync,
    Seen,
    Deleting,
}

impl Event {
    /// Every event, as the member `event` of a body names it.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Operation, "operation"),
        (Self::AutoSync, "autosync"),
        (Self::Seen, "seen"),
        (Self::Deleting, "deleting"),
    ];
}

/// A body that Argo CD's notification controller sent by our configuration.
#[derive(Clone, Debug)]
pub struct Notification {
    instance: String,
    event: Event,
    /// Of the operation; none for other events.
    op_key: Option<String>,
    happened_at: Option<String>,
    observation: Observation,
}

impl Notification {
    /// Reads a body. Members that our configuration does not write are passed over.
    ///
    /// # Errors
    /// The member, as a path in the body, that is absent or not what Argo CD writes.
    pub fn read(body: &Value) -> Result<Self, ShapeError> {
        word(body, "schema", &[SCHEMA])?;
        let names = Event::ALL.map(|(_, name)| name);
        let name = word(body, "event", &names)?;
        let instance = needed(body, "instance")?;
        if !Text::Dns1123.is(instance) {
            return Err(ShapeError::at("instance", Broken::InvalidValue, Text::Dns1123.rule()));
        }
        let app = App::of_notification(body)?;
        let seen = Seen { channel: Channel::Notify, instance, app: &app };
        let event = Event::ALL.into_iter().find(|(_, known)| *known == name).map_or(Event::Seen, |(event, _)| event);
        let (op_key, happened_at, observation) = match event {
            Event::Operation => {
                // Whatever the entry is of, it is one.
                at(body, "history.id")?;
                let entry = body.get("history").filter(|entry| **entry != Value::Null);
                let operation = Operation::read(&seen, body, History::Last(entry))?;
                let (key, started) = (operation.op_key().to_owned(), operation.started_at().to_owned());
                (Some(key), Some(started), operation.into_observation())
            }
            Event::AutoSync => {
                let after = AutoSync::of_policy(body, "syncPolicy")?;
                let version = text(body, "app.resourceVersion")?;
                // A notification says what is and not what was.
                (None, None, auto_sync(&seen, AutoSync::Unknown, after, body.get("syncPolicy"), version))
            }
            Event::Seen | Event::Deleting => {
                let (created, deleting) = (instant(body, "creationTimestamp")?, instant(body, "deletionTimestamp")?);
                let is_seen = event == Event::Seen;
                let change = if is_seen { Change::Seen } else { Change::Deleting };
                let said = lifecycle(&seen, change, created.as_deref(), deleting.as_deref());
                (None, if is_seen { created } else { deleting }, said)
            }
        };
        Ok(Self { instance: instance.to_owned(), event, op_key, happened_at, observation })
    }

    /// The instance that the body names.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    #[must_use]
    pub fn event(&self) -> Event {
        self.event
    }

    /// Key of the operation; none for other events.
    #[must_use]
    pub fn op_key(&self) -> Option<&str> {
        self.op_key.as_deref()
    }

    /// When what is told began, Unix milliseconds; none where the body gives no time.
    #[must_use]
    pub fn happened_ms(&self) -> Option<i64> {
        unix_ms(self.happened_at.as_deref()?)
    }

    #[must_use]
    pub fn into_observation(self) -> Observation {
        self.observation
    }
}

fn word<'v>(body: &'v Value<'_>, name: &str, known: &[&str]) -> Result<&'v str, ShapeError> {
    let said = needed(body, name)?;
    let rule = || format!("must be {}", known.join(", "));
    if known.contains(&said) { Ok(said) } else { Err(ShapeError::at(name, Broken::InvalidValue, rule())) }
}
