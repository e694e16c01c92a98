//! What Argo CD says, in its own shapes, and what comes of it.

use pulselog::argocd::{App, Channel, History, Operation, Seen};
use pulselog::artifact::json::{Value, parse, to_compact};
use pulselog::artifact::shape::ShapeError;

use super::{admit_any, set};

/// The instance of everything here.
pub const INSTANCE: &str = "argocd-prod-eu1";
/// The commit that operations here deploy.
pub const COMMIT: &str = "16d61ccf504208c252ae15062812d771a8ab08c5";

const STATE: &str = r#"{"operation":{"sync":{"revision":"16d61ccf504208c252ae15062812d771a8ab08c5",
  "source":{"repoURL":"https://git.example.com/deploy.git","path":"overlays/prod","targetRevision":"main"},
  "syncStrategy":{"hook":{}}},"initiatedBy":{"username":"argo-deploy-assistant"},
  "info":[{"name":"claw.decision","value":"5f2b"},{"name":"Reason","value":"by hand"}],"retry":{"limit":2}},
 "phase":"Succeeded","message":"successfully synced (all tasks run)","startedAt":"2026-11-26T04:57:11Z",
 "finishedAt":"2026-11-26T04:57:13Z","syncResult":{"revision":"16d61ccf504208c252ae15062812d771a8ab08c5",
  "source":{"repoURL":"https://git.example.com/deploy.git","path":"overlays/prod","targetRevision":"main"}}}"#;

const APP: &str = r#"{"uid":"b245d4ae-7bb9-40c5-be90-e7630803033b","name":"payments-api","namespace":"argocd",
 "project":"payments","destination":{"server":"https://kubernetes.default.svc","namespace":"prod-canary"}}"#;

/// The body of a notification about that application, with other members of
/// `state` at its top.
pub fn body(event: &str, members: &Value<'static>) -> Value<'static> {
    let mut body =
        json(&format!(r#"{{"schema":"argocd-notify/1","event":"{event}","instance":"{INSTANCE}","app":{APP}}}"#));
    set(&mut body, "app.resourceVersion", Some("455".into()));
    let members = members.as_object().expect("an object").iter();
    members.for_each(|(name, value)| set(&mut body, name, Some(value.clone())));
    body
}

/// JSON that a test wrote.
pub fn json(text: &str) -> Value<'static> {
    parse(text.as_bytes(), 64).expect("JSON").into_owned()
}

/// An operation state that is in order, with changes.
pub fn state(changes: &[(&str, Option<Value<'static>>)]) -> Value<'static> {
    let mut state = json(STATE);
    changes.iter().for_each(|(path, new)| set(&mut state, path, new.clone()));
    state
}

/// The application of that state.
pub fn app() -> App {
    let body = json(&format!(r#"{{"app":{APP}}}"#));
    App::of_notification(&body).expect("an application")
}

/// Reads a state as the poller or the receiver does.
pub fn read(channel: Channel, state: &Value, history: History<'_, '_>) -> Result<Operation, ShapeError> {
    let app = app();
    Operation::read(&Seen { channel, instance: INSTANCE, app: &app }, state, history)
}

/// The payload of what the receiver makes of a state; admission takes it.
pub fn observed(state: &Value) -> Value<'static> {
    let operation = read(Channel::Notify, state, History::Last(None)).expect("an operation");
    let payload = operation.into_observation().named(b"secret");
    admit_any(&to_compact(&payload)).expect("admitted");
    payload
}
