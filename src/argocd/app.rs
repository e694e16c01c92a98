use std::borrow::Cow;

use crate::argocd::members::{digested, fitted, needed, text};
use crate::artifact::digest::sha256;
use crate::artifact::holds_token;
use crate::artifact::json::{Object, Value};
use crate::artifact::shape::{Broken, ShapeError, Text};
use crate::text::hex;

/// Project of an application that names none.
const DEFAULT_PROJECT: &str = "default";
/// Longest Kubernetes uid that an observation holds.
const UID_BYTES_MAX: usize = 64;
/// Longest address and name of a cluster that a payload holds (FORMATS 5.4).
const SERVER_BYTES_MAX: usize = 1024;
const CLUSTER_BYTES_MAX: usize = 253;

/// An Application as observations name it: by its uid too, since one that is
/// deleted and made again begins anew under its name.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    uid: String,
    names: Object<'static>,
    /// Only operations say it, so only they fail where it cannot be said.
    destination: Result<Object<'static>, ShapeError>,
}

impl App {
    /// From the resource, as the API shows it.
    ///
    /// # Errors
    /// The member that names it and is absent or no name.
    pub fn of_resource(resource: &Value) -> Result<Self, ShapeError> {
        let at = ["metadata.uid", "metadata.name", "metadata.namespace", "spec.project", "spec.destination"];
        Self::read(resource, at)
    }

    /// From the member `app` of a notification.
    ///
    /// # Errors
    /// As [`App::of_resource`].
    pub fn of_notification(body: &Value) -> Result<Self, ShapeError> {
        Self::read(body, ["app.uid", "app.name", "app.namespace", "app.project", "app.destination"])
    }

    /// From the row of a snapshot.
    ///
    /// # Errors
    /// As [`App::of_resource`].
    pub(super) fn of_row(row: &Value) -> Result<Self, ShapeError> {
        Self::read(row, ["app.uid", "app.name", "app.namespace", "app.project", "destination"])
    }

    fn read(root: &Value, [uid, name, namespace, project, destination]: [&str; 5]) -> Result<Self, ShapeError> {
        let found = needed(root, uid)?;
        if found.len() > UID_BYTES_MAX {
            let rule = format!("must have at most {UID_BYTES_MAX} bytes");
            return Err(ShapeError::at(uid, Broken::InvalidValue, rule));
        }
        let mut names = Object::new();
        names.set("uid", found.into());
        names.set("name", dns(needed(root, name)?, name)?);
        names.set("namespace", dns(needed(root, namespace)?, namespace)?);
        names.set("project", dns(text(root, project)?.unwrap_or(DEFAULT_PROJECT), project)?);
        Ok(Self { uid: found.to_owned(), names, destination: read_destination(root, destination) })
    }

    /// Its uid.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The member `app` of a payload.
    #[must_use]
    pub fn names(&self) -> Value<'static> {
        self.names.clone().into()
    }

    /// The member `destination` of a payload.
    ///
    /// # Errors
    /// It names no cluster, or something that is no name.
    pub fn destination(&self) -> Result<Value<'static>, ShapeError> {
        self.destination.clone().map(Value::from)
    }
}

/// Whether a text may be our name for an Argo CD installation.
#[must_use]
pub fn is_instance(name: &str) -> bool {
    Text::Dns1123.is(name)
}

fn dns(name: &str, path: &str) -> Result<Value<'static>, ShapeError> {
    let rule = Text::Dns1123;
    if rule.is(name) { Ok(name.into()) } else { Err(ShapeError::at(path, Broken::InvalidValue, rule.rule())) }
}

/// Of a cluster that has an address and a name the address is said: it is what
/// Argo CD goes to.
fn read_destination(root: &Value, path: &str) -> Result<Object<'static>, ShapeError> {
    let [server, name, namespace] = ["server", "name", "namespace"].map(|member| format!("{path}.{member}"));
    let mut destination = Object::new();
    match (text(root, &server)?, text(root, &name)?) {
        (Some(server), _) => destination.set("server", of_cluster(server, SERVER_BYTES_MAX).into_owned().into()),
        (None, Some(name)) => destination.set("name", of_cluster(name, CLUSTER_BYTES_MAX).into_owned().into()),
        (None, None) => {
            return Err(ShapeError::at(&server, Broken::MissingField, "or name beside it is required"));
        }
    }
    if let Some(found) = text(root, &namespace)? {
        destination.set("namespace", of_namespace(found).into_owned().into());
    }
    Ok(destination)
}

/// A cluster's address or name, or its digest where no log would take it: what
/// somebody writes into one application keeps neither its operations nor a
/// snapshot of all out of the log.
fn of_cluster(text: &str, bytes_max: usize) -> Cow<'_, str> {
    if holds_token(text) { digested(text.as_bytes()).into() } else { fitted(text, bytes_max) }
}

/// Argo CD takes any text here: what names its own namespace, or is of the
/// cluster, is applied all the same. One that is no name stands there by its
/// digest, in a name with dots, which no namespace has.
fn of_namespace(text: &str) -> Cow<'_, str> {
    if Text::Dns1123.is(text) {
        return text.into();
    }
    let digest = hex::encode(&sha256(text.as_bytes()));
    let (first, last) = digest.split_at(digest.len() / 2);
    format!("sha256.{first}.{last}").into()
}
