use crate::argocd::app::App;
use crate::argocd::members::{at, flag, instant, integer, missing, objects, text};
use crate::argocd::observation::{Observation, Seen};
use crate::argocd::operation::{History, Operation};
use crate::artifact::digest::sha256;
use crate::artifact::json::{Object, Value, to_jcs};
use crate::artifact::shape::ShapeError;
use crate::text::hex;

/// Whether Argo CD syncs an application by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoSync {
    On,
    Off,
    /// Not seen: what was before the first look.
    Unknown,
}

impl AutoSync {
    /// From `syncPolicy`: on where `automated` is there and not switched off in
    /// itself.
    ///
    /// # Errors
    /// A member of another type, as a path that begins with `syncPolicy`.
    pub(super) fn of_policy(root: &Value, path: &str) -> Result<Self, ShapeError> {
        let automated = format!("{path}.automated");
        if at(root, path)?.is_none() || at(root, &automated)?.is_none() {
            return Ok(Self::Off);
        }
        let enabled = format!("{automated}.enabled");
        let is_off = at(root, &enabled)?.is_some() && !flag(root, &enabled)?;
        Ok(if is_off { Self::Off } else { Self::On })
    }

    /// The one of this name; what is none was not seen.
    #[must_use]
    pub fn named(name: &str) -> Self {
        [Self::On, Self::Off].into_iter().find(|known| known.name() == name).unwrap_or(Self::Unknown)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Unknown => "unknown",
        }
    }
}

/// What becomes of an application as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'c> {
    /// It is there.
    Seen,
    /// It is about to go.
    Deleting,
    /// Its name is another application's now; the uid of the one before.
    UidChanged(&'c str),
}

/// An Application as the API shows it at one moment.
#[derive(Clone, Debug)]
pub struct Application {
    resource: Value<'static>,
    app: App,
    resource_version: Option<String>,
    spec_digest: String,
    auto_sync: AutoSync,
    history_ids: Vec<i64>,
    created_at: Option<String>,
    deleting_since: Option<String>,
}

impl Application {
    /// Reads the resource; what is not an observer's business is passed over.
    ///
    /// # Errors
    /// The member, as a path in the resource, that is absent or of another type.
    pub fn read(resource: Value<'static>) -> Result<Self, ShapeError> {
        let app = App::of_resource(&resource)?;
        let spec = at(&resource, "spec")?.ok_or_else(|| missing("spec"))?;
        let spec_digest = hex::encode(&sha256(to_jcs(spec).as_bytes()));
        let mut history_ids = Vec::new();
        for entry in objects(&resource, "status.history")? {
            history_ids.extend(integer(entry, "id").map_err(|error| error.within("history").within("status"))?);
        }
        Ok(Self {
            app,
            resource_version: text(&resource, "metadata.resourceVersion")?.map(str::to_owned),
            spec_digest,
            auto_sync: AutoSync::of_policy(&resource, "spec.syncPolicy")?,
            history_ids,
            created_at: instant(&resource, "metadata.creationTimestamp")?,
            deleting_since: instant(&resource, "metadata.deletionTimestamp")?,
            resource,
        })
    }

    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    pub(super) fn resource(&self) -> &Value<'static> {
        &self.resource
    }

    /// Opaque; moves with every write of the resource.
    #[must_use]
    pub fn resource_version(&self) -> Option<&str> {
        self.resource_version.as_deref()
    }

    /// Hex SHA-256 of the JCS of `spec`: tells a change that matters, where
    /// `generation` also moves with the status.
    #[must_use]
    pub fn spec_digest(&self) -> &str {
        &self.spec_digest
    }

    #[must_use]
    pub fn auto_sync(&self) -> AutoSync {
        self.auto_sync
    }

    /// Ids in the history, in its order: oldest first.
    #[must_use]
    pub fn history_ids(&self) -> &[i64] {
        &self.history_ids
    }

    #[must_use]
    pub fn created_at(&self) -> Option<&str> {
        self.created_at.as_deref()
    }

    #[must_use]
    pub fn deleting_since(&self) -> Option<&str> {
        self.deleting_since.as_deref()
    }

    /// Its operation, the running or the latest one; none where it never had
    /// any, or where the next was asked for and not begun.
    ///
    /// # Errors
    /// As [`Operation::read`], paths in the resource.
    pub fn operation(&self, seen: &Seen<'_>) -> Result<Option<Operation>, ShapeError> {
        let Some(state) = at(&self.resource, "status.operationState")? else { return Ok(None) };
        let history = objects(&self.resource, "status.history")?;
        let read = Operation::read(seen, state, History::Whole(history));
        read.map(Some).map_err(|error| error.within("operationState").within("status"))
    }

    /// Its automated sync was `before` and is what this version shows.
    #[must_use]
    pub fn auto_sync_changed(&self, seen: &Seen<'_>, before: AutoSync) -> Observation {
        let policy = self.resource.at("spec.syncPolicy");
        auto_sync(seen, before, self.auto_sync, policy, self.resource_version())
    }

    /// Its spec had the digest `before` and has the one of this version.
    #[must_use]
    pub fn spec_changed(&self, seen: &Seen<'_>, before: &str) -> Observation {
        let mut digests = Object::new();
        digests.set("before", before.into());
        digests.set("after", self.spec_digest.as_str().into());
        let raw = rests_on(&[("before", Some(before)), ("version", self.resource_version())]);
        Observation::of(seen, "spec_change", &raw).with("spec_digest", digests)
    }

    /// What becomes of it as a whole.
    #[must_use]
    pub fn lifecycle(&self, seen: &Seen<'_>, change: Change<'_>) -> Observation {
        lifecycle(seen, change, self.created_at(), self.deleting_since())
    }
}

/// Switching off, on and off again are three events that look like one but
/// for the version of the resource.
pub(super) fn auto_sync(
    seen: &Seen<'_>,
    before: AutoSync,
    after: AutoSync,
    policy: Option<&Value>,
    version: Option<&str>,
) -> Observation {
    let policy = policy.map(to_jcs);
    let raw = rests_on(&[("policy", policy.as_deref()), ("version", version)]);
    Observation::of(seen, "auto_sync", &raw).with("before", before.name()).with("after", after.name())
}

/// An application is made once and goes once, however often it is told.
pub(super) fn lifecycle(
    seen: &Seen<'_>,
    change: Change<'_>,
    created: Option<&str>,
    deleting: Option<&str>,
) -> Observation {
    let raw = |deleting| rests_on(&[("created", created), ("deleting", deleting)]);
    match change {
        Change::Seen => Observation::of(seen, "lifecycle", &raw(None)).with("change", "seen"),
        Change::Deleting => Observation::of(seen, "lifecycle", &raw(deleting)).with("change", "deleting"),
        Change::UidChanged(before) => {
            Observation::of(seen, "lifecycle", &raw(None)).with("change", "uid_changed").with("uid_before", before)
        }
    }
}

fn rests_on(members: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut raw = Object::new();
    for (name, value) in members {
        raw.set(name, value.map_or(Value::Null, Value::from));
    }
    to_jcs(&raw.into()).into_bytes()
}
