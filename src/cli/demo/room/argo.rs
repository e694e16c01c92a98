//! The room's Argo CD: the fixture, asked over HTTP as anybody asks it.

use std::time::{Duration, Instant};

use pulselog::argocd::{Application, Channel, Seen};
use pulselog::artifact::json::{DEPTH_MAX, Value, parse, to_compact};
use pulselog::artifact::time::unix_ms;

use crate::cli::demo::room::scene::{CONTROL_PLANE, INSTANCE, USERNAME};
use crate::cli::demo::scene::PROJECT;
use crate::cli::demo::value::{object, with};
use crate::cli::failure::Failure;

/// Longest that one operation may take.
const TIME_MAX: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// Longest answer of the fixture, which holds two applications.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// The fixture, for the agent's user.
pub struct Argo {
    agent: ureq::Agent,
    url: String,
}

/// A sync as Argo CD has it.
pub struct Synced {
    pub uid: String,
    /// Version of the resource that the call answered.
    pub version: String,
    pub answer: Vec<u8>,
    pub op_key: String,
    pub started_ms: i64,
}

impl Argo {
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIME_MAX));
        Self { agent: ureq::Agent::new_with_config(config.build()), url: url.to_owned() }
    }

    /// The application of this name, or what comes of the call below it.
    fn asked(&self, path: &str, body: Option<&str>) -> Result<Vec<u8>, String> {
        let (url, user) = (format!("{}/api/v1/applications/{path}", self.url), format!("Bearer {USERNAME}"));
        let answer = match body {
            None => self.agent.get(url).header("authorization", user).call(),
            Some(body) => {
                let request = self.agent.post(url).header("authorization", user);
                request.header("content-type", "application/json").send(body)
            }
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        let (status, body) = (answer.status().as_u16(), answer.body_mut());
        let body = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(|error| error.to_string())?;
        if status == 200 { Ok(body) } else { Err(format!("{status} {}", String::from_utf8_lossy(&body))) }
    }

    /// The application's uid.
    pub fn uid(&self, name: &str) -> Result<String, Failure> {
        Ok(self.read(name)?.app().uid().to_owned())
    }

    /// What a sync of one revision is asked with.
    pub fn request(name: &str, revision: &str) -> Value<'static> {
        object([
            ("name", name.to_owned().into()),
            ("appNamespace", CONTROL_PLANE.into()),
            ("project", PROJECT.into()),
            ("revision", revision.to_owned().into()),
        ])
    }

    /// Syncs, and waits until the operation is over.
    pub fn sync(&self, name: &str, revision: &str, infos: Option<Value<'static>>) -> Result<Synced, Failure> {
        let wrong = |why: &str| Failure::fail(format!("demo: sync of {name}: {why}"));
        let body = Self::request(name, revision);
        let body = infos.map_or_else(|| body.clone(), |infos| with(body.clone(), "infos", infos));
        let answer = self.asked(&format!("{name}/sync"), Some(&to_compact(&body))).map_err(|why| wrong(&why))?;
        let began = Instant::now();
        loop {
            let app = self.read(name)?;
            let seen = Seen { channel: Channel::Poll, instance: INSTANCE, app: app.app() };
            let operation = app.operation(&seen).map_err(|error| wrong(&error.to_string()))?;
            if let Some(operation) = operation.filter(|operation| operation.phase().is_last()) {
                let started_ms = unix_ms(operation.started_at()).ok_or_else(|| wrong("nobody can read its start"))?;
                let answered = resource(&answer).map_err(|why| wrong(&why))?;
                return Ok(Synced {
                    uid: app.app().uid().to_owned(),
                    version: answered.resource_version().unwrap_or_default().to_owned(),
                    answer,
                    op_key: operation.op_key().to_owned(),
                    started_ms,
                });
            }
            if began.elapsed() > TIME_MAX {
                return Err(wrong("it does not come to its end"));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn read(&self, name: &str) -> Result<Application, Failure> {
        let read = self.asked(name, None).and_then(|body| resource(&body));
        read.map_err(|why| Failure::fail(format!("demo: application {name}: {why}")))
    }
}

fn resource(bytes: &[u8]) -> Result<Application, String> {
    let value = parse(bytes, DEPTH_MAX).map_err(|error| error.to_string())?;
    Application::read(value.into_owned()).map_err(|error| error.to_string())
}
