use crate::argocd::App;
use crate::artifact::digest::sha256;
use crate::artifact::json::{Object, Value, to_compact};
use crate::text::hex;

/// How an observer saw Argo CD; of those that are read here (PEERS 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Notify,
    Poll,
    ServerLog,
    /// An Event of Kubernetes, which shows no operation.
    K8sEvent,
}

impl Channel {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Poll => "poll",
            Self::ServerLog => "server_log",
            Self::K8sEvent => "k8s_event",
        }
    }
}

/// Which Application was seen, where and by which channel.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'s> {
    pub channel: Channel,
    /// Our id for the Argo CD installation.
    pub instance: &'s str,
    pub app: &'s App,
}

/// An observation: a payload that lacks its nonce.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    payload: Object<'static>,
}

/// Version of the payloads that are written here.
const VERSION: &str = "2";
/// What a derived nonce begins from, so that it is no other hash of a secret.
const NONCE_DOMAIN: &[u8] = b"pulselog observation nonce 1\0";

impl Observation {
    /// The members that every event has; `raw` is what it rests on.
    pub(super) fn of(seen: &Seen<'_>, event: &str, raw: &[u8]) -> Self {
        Self::of_none(seen.channel, seen.instance, event, raw).with("app", seen.app.names())
    }

    /// The same of what names no application by its uid.
    pub(super) fn of_none(channel: Channel, instance: &str, event: &str, raw: &[u8]) -> Self {
        Self::of_digest(channel, instance, event, hex::encode(&sha256(raw)))
    }

    /// The same of what is digested already.
    pub(super) fn of_digest(channel: Channel, instance: &str, event: &str, raw_digest: String) -> Self {
        let mut payload = Object::new();
        payload.set("argocd_observation_version", VERSION.into());
        // Its place: what stands there follows from everything else.
        payload.set("nonce", "".into());
        payload.set("channel", channel.name().into());
        payload.set("instance", instance.into());
        payload.set("event", event.into());
        payload.set("raw_digest", raw_digest.into());
        Self { payload }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value<'static>>) -> Self {
        self.payload.set(name, value.into());
        self
    }

    /// Marks an operation that began before its observer was there: at its first
    /// look each application tells its latest one.
    #[must_use]
    pub fn backfilled(self) -> Self {
        self.with("backfill", true)
    }

    /// What a repetition is known by: the submitter and all of it but its
    /// message, which may hold what changes from one telling to the next.
    #[must_use]
    pub fn account(&self, submitter: &str) -> [u8; 32] {
        let mut payload = self.payload.clone();
        payload.remove("message");
        sha256([submitter, "\0", &to_compact(&payload.into())].concat().as_bytes())
    }

    /// The whole payload. The nonce follows from the content and from a secret
    /// of the observer's, such as its token: the same content seen again is the
    /// same artifact, which the log answers as a duplicate, and still nobody
    /// without the secret guesses a payload back from its digest (FORMATS 5.5).
    #[must_use]
    pub fn named(self, secret: &[u8]) -> Value<'static> {
        with_nonce(self.payload, NONCE_DOMAIN, secret)
    }
}

/// A payload under a nonce that follows from its content and from a secret.
pub(super) fn with_nonce(mut payload: Object<'static>, domain: &[u8], secret: &[u8]) -> Value<'static> {
    let content = sha256(to_compact(&Value::Object(payload.clone())).as_bytes());
    // The content comes last and has one length: nothing can be appended to it.
    let derived = sha256(&[domain, secret, &content].concat());
    payload.set("nonce", hex::encode(&derived[..16]).into());
    payload.into()
}
