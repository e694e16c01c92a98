//! Kubernetes Events of an application, as Argo CD answers them: who asked for
//! an operation, and that one ended. They tell the operations that were over
//! before anybody looked, and those that nobody asked argocd-server for.
//!
//! An event has no operation object, so its observation has no `op_key`: the
//! resource version of an `OperationStarted` of argocd-server is that of the
//! write which requested the operation.

use crate::argocd::App;
use crate::argocd::members::{cut, fitted, instant, missing, needed, text};
use crate::argocd::observation::{Channel, Observation, Seen};
use crate::artifact::json::{Object, Value, to_jcs};
use crate::artifact::shape::ShapeError;

/// Longest message, user or version that is said.
const MESSAGE_BYTES_MAX: usize = 2048;
const TEXT_BYTES_MAX: usize = 256;

/// An event that an observation says.
pub(super) struct Event {
    /// Its own resource version, where it is a number.
    pub(super) version: Option<u64>,
    told: Told,
    /// Of the application when it was written.
    of_version: Option<String>,
    at: String,
    user: Option<String>,
    message: String,
    raw: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// An operation was requested.
    Started,
    /// One ended, well or not.
    Completed { is_well: bool },
    /// The end of one was requested.
    Terminated,
}

impl Event {
    /// Reads an event; `None` where it tells of no operation.
    ///
    /// # Errors
    /// The member that is absent or not what Argo CD writes.
    pub(super) fn read(event: &Value) -> Result<Option<Self>, ShapeError> {
        let message = text(event, "message")?.unwrap_or_default();
        let told = match text(event, "reason")? {
            Some("OperationStarted") => Told::Started,
            Some("OperationCompleted") => Told::Completed { is_well: message.ends_with(" succeeded") },
            Some("ResourceUpdated") if message.ends_with(" terminated running operation") => Told::Terminated,
            _ => return Ok(None),
        };
        let at = instant(event, "firstTimestamp")?;
        let at = match at {
            Some(at) => at,
            None => instant(event, "metadata.creationTimestamp")?.ok_or_else(|| missing("firstTimestamp"))?,
        };
        needed(event, "involvedObject.uid")?;
        Ok(Some(Self {
            version: text(event, "metadata.resourceVersion")?.and_then(|version| version.parse().ok()),
            told,
            of_version: text(event, "involvedObject.resourceVersion")?.map(str::to_owned),
            at,
            user: text(event, "metadata.annotations.user")?.map(str::to_owned),
            message: message.to_owned(),
            raw: to_jcs(event),
        }))
    }

    /// Its place among the versions of the application.
    fn place(&self) -> Option<u64> {
        self.of_version.as_deref()?.parse().ok()
    }

    /// Which operation it ended began: the last that was requested at or before
    /// the version that the controller had picked up. Where none is shown, its
    /// own time is all that is known.
    fn started_at<'e>(&'e self, all: &'e [Self]) -> &'e str {
        if self.told == Told::Started {
            return &self.at;
        }
        let before = |event: &&Self| event.told == Told::Started && event.place() <= self.place();
        let last = all.iter().filter(before).max_by_key(|event| event.place());
        last.map_or(&self.at, |event| &event.at)
    }

    /// The observation of it.
    ///
    /// # Errors
    /// The application names no destination.
    pub(super) fn observed(&self, all: &[Self], instance: &str, app: &App) -> Result<Observation, ShapeError> {
        let (action, certainty, phase) = match self.told {
            Told::Started if self.message.contains(" initiated rollback to ") => ("rollback", "stated", "Running"),
            Told::Started => ("sync", "stated", "Running"),
            // The end of a rollback reads like that of a sync.
            Told::Completed { is_well: true } => ("sync", "inferred", "Succeeded"),
            Told::Completed { is_well: false } => ("sync", "inferred", "Failed"),
            Told::Terminated => ("terminate", "stated", "Terminating"),
        };
        let mut initiator = Object::new();
        let user = self.user.as_deref().filter(|user| !user.is_empty());
        initiator.set("username", user.map_or("".into(), |user| fitted(user, TEXT_BYTES_MAX).into_owned().into()));
        let is_automated = self.told == Told::Started && self.user.is_none();
        initiator.set("automated", is_automated.into());
        let seen = Seen { channel: Channel::K8sEvent, instance, app };
        let mut said = Observation::of(&seen, "operation", self.raw.as_bytes())
            .with("action", action)
            .with("action_certainty", certainty)
            .with("initiator", initiator)
            .with("phase", phase)
            .with("started_at", self.started_at(all))
            .with("destination", app.destination()?)
            .with("message", cut(&self.message, MESSAGE_BYTES_MAX));
        if let Told::Completed { .. } = self.told {
            said = said.with("finished_at", self.at.as_str());
        }
        if let Some(version) = &self.of_version {
            said = said.with("resource_version", fitted(version, TEXT_BYTES_MAX).into_owned());
        }
        Ok(said)
    }
}
