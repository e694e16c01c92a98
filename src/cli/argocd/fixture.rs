//! `pulselog argocd fixture`: a small server that speaks Argo CD's REST shapes,
//! with a controller's timing, for tests and the demo. It knows nothing of the
//! reader: what it answers is built from recorded answers of a real one.

mod control;
mod controller;
mod faults;
pub mod notices;
mod reads;
pub mod running;
pub mod world;
mod writes;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use serde_json::{Value, json};

use self::faults::Played;
use self::notices::Receiving;
use self::reads::Query;
use self::running::{Running, Setup};
use self::world::{AppName, World};
use self::writes::Call;
use crate::cli::failure::{Exit, Failure};
use crate::cli::http::read_token;
use crate::cli::{input, print};

const AFTER: &str = "\
Whoever asks is believed: the bearer token is the name of the user, and every user
may do everything. So it listens on this machine alone. Operations are picked up,
run and end as a controller writes them, --work-ms each; one of a revision that
begins with dead fails. With --notify each change is delivered as the notification
configuration of docs/CONNECT.md does.

It begins empty. POST /api/v1/applications makes an application, …/sync and
…/rollback are as Argo CD has them; /fixture/apps takes Applications as they stand,
/fixture/faults wrong answers on demand; all of it at the head of its source.

With --replay FILE it holds what a recorded watch of Kubernetes saw, a version a
line, and goes on to the next by POST /fixture/step.

Examples:
  pulselog argocd fixture --listen 127.0.0.1:8088
  curl -H 'Authorization: Bearer alice' http://127.0.0.1:8088/api/v1/applications --json \\
      '{\"metadata\": {\"name\": \"payments-api\"}, \"spec\": {\"destination\":
        {\"server\": \"https://kubernetes.default.svc\", \"namespace\": \"prod-canary\"}}}'
  curl -H 'Authorization: Bearer alice' --json '{}' \\
      http://127.0.0.1:8088/api/v1/applications/payments-api/sync
  pulselog argocd fixture --replay k8s-watch.ndjson
  pulselog argocd fixture --notify http://127.0.0.1:8080/v1/ingest/argocd \\
      --notify-token-file notify.token --instance argocd-prod

Exit codes: 0 stopped by a signal, 1 could not listen, 2 wrong usage.";

/// Longest recorded watch, bytes.
const REPLAY_BYTES_MAX: u64 = 64 << 20;

/// Serve a small Argo CD of our own, for tests and demonstrations.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Address and port on this machine; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A recorded watch of Kubernetes to play, one version a line.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// How long an operation runs, milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(0..=600_000))]
    work_ms: u64,
    /// Where to deliver notifications.
    #[arg(long, value_name = "URL", requires_all = ["notify_token_file", "instance"])]
    notify: Option<String>,
    /// File that holds the receiver's token.
    #[arg(long, value_name = "FILE", requires = "notify")]
    notify_token_file: Option<PathBuf>,
    /// Name of the instance in notifications.
    #[arg(long, value_name = "NAME", requires = "notify")]
    instance: Option<String>,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    if !args.listen.ip().is_loopback() {
        let why = "whoever asks a fixture is believed, so it stays on this machine; give a loopback address";
        return Err(Failure::usage(format!("--listen {}: {why}", args.listen)));
    }
    let mut world = World::default();
    world.replay = replayed(args)?.into();
    let receiving = match (&args.notify, &args.notify_token_file, &args.instance) {
        (Some(url), Some(file), Some(instance)) => {
            Some(Receiving { url: url.clone(), token: read_token(file)?, instance: instance.clone() })
        }
        _ => None,
    };
    let running = Running::start(Setup {
        listen: args.listen,
        world,
        work: Duration::from_millis(args.work_ms),
        receiving,
        // What was recorded was carried out already.
        carries_out: args.replay.is_none(),
    })?;
    print(&format!("{}\n", running.url()))?;
    running.wait()?;
    Ok(Exit::Pass)
}

fn replayed(args: &Args) -> Result<Vec<Value>, Failure> {
    let Some(path) = &args.replay else { return Ok(Vec::new()) };
    let bytes = input::read("--replay", path, REPLAY_BYTES_MAX)?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let wrong = |error| Failure::usage(format!("--replay {}: a line is no JSON: {error}", path.display()));
    lines.map(|line| serde_json::from_slice(line).map_err(wrong)).collect()
}

/// What handlers, controller and notifications share.
pub struct Fixture {
    world: Mutex<World>,
    pub work: Duration,
    versions: Option<Sender<Value>>,
}

impl Fixture {
    pub fn world(&self) -> MutexGuard<'_, World> {
        // A handler that panicked has written whole values or none.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what `change` makes of an application, unless it is gone.
    fn change(&self, name: &AppName, change: impl FnOnce(&mut World, Value) -> Option<Value>) -> Option<Value> {
        let mut world = self.world();
        let app = world.apps.get(name)?.clone();
        let changed = change(&mut world, app)?;
        let written = world.write(changed);
        drop(world);
        self.notify(name);
        Some(written)
    }

    /// Gives the newest version of an application to whoever delivers.
    fn notify(&self, name: &AppName) {
        let app = self.world().apps.get(name).cloned();
        if let (Some(versions), Some(app)) = (&self.versions, app) {
            // Nobody delivers any more: the process is ending.
            let _ = versions.send(app);
        }
    }
}

/// One answer: a status, and JSON or text.
pub struct Told {
    status: u16,
    body: Result<Value, &'static str>,
}

impl Told {
    pub fn ok(value: Value) -> Self {
        Self { status: 200, body: Ok(value) }
    }

    pub fn text(status: u16, text: &'static str) -> Self {
        Self { status, body: Err(text) }
    }

    fn error(status: u16, code: u32, message: &str) -> Self {
        Self { status, body: Ok(json!({"error": message, "code": code, "message": message})) }
    }

    pub fn refused(code: u32, message: &str) -> Self {
        Self::error(400, code, message)
    }

    pub fn denied(message: &str) -> Self {
        Self::error(403, 7, message)
    }

    pub fn absent(resource: &str, name: &str) -> Self {
        Self::error(404, 5, &format!("{resource}.argoproj.io \"{name}\" not found"))
    }

    pub fn failed(message: &str) -> Self {
        Self::error(500, 2, message)
    }

    fn into_response(self, is_half: bool) -> Response<Body> {
        let (content_type, mut body) = match self.body {
            // Go escapes what HTML could take for its own.
            Ok(value) => ("application/json", escaped(&value.to_string())),
            Err(text) => ("text/plain; charset=utf-8", text.to_owned()),
        };
        if is_half {
            body.truncate(body.len() / 2);
        }
        let mut answer = Response::new(Body::from(body));
        *answer.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
        answer
    }
}

fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

async fn answer(
    State(fixture): State<Arc<Fixture>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = uri.path();
    let names: Vec<String> = path.split('/').skip(1).map(decoded).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if let Some(("fixture", rest)) = names.split_first().map(|(first, rest)| (*first, rest)) {
        let told = control::told(&mut fixture.world(), method.as_str(), rest, &body);
        for name in fixture.names_to_notify(rest) {
            fixture.notify(&name);
        }
        return told.into_response(false);
    }
    let played = {
        let mut world = fixture.world();
        world.asked(format!("{method} {uri}"));
        faults::play(&mut world.faults, path)
    };
    let is_half = match played {
        Played::Instead(answer) => return answer,
        Played::Half => true,
        Played::Truly => false,
        Played::Slowly(wait) => {
            tokio::time::sleep(wait).await;
            false
        }
    };
    let told = fixture.told(&method, &names, uri.query().unwrap_or_default(), &headers, &body);
    told.into_response(is_half)
}

/// A name in a path, decoded.
fn decoded(segment: &str) -> String {
    pulselog::text::percent::decode_query(&segment.replace('+', "%2B")).unwrap_or_default()
}

impl Fixture {
    /// Applications that a control may have changed.
    fn names_to_notify(&self, path: &[&str]) -> Vec<AppName> {
        match path {
            ["apps" | "step"] if self.versions.is_some() => self.world().apps.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    fn told(&self, method: &Method, names: &[&str], query: &str, headers: &HeaderMap, body: &[u8]) -> Told {
        if let ["healthz"] = names {
            return Told::text(200, "ok\n");
        }
        let user = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let Some(user) = user.filter(|user| !user.is_empty()) else {
            return match names {
                ["api", "version"] => Told::ok(json!({"Version": "v3.5.7"})),
                // Nobody is told so here with 200.
                ["api", "v1", "session", "userinfo"] => Told::ok(json!({})),
                _ => Told::error(401, 16, "no session information"),
            };
        };
        if *method == Method::GET {
            return self.read(names, &Query::parse(query), user);
        }
        let is_json = headers.get("content-type").is_some_and(|value| value == "application/json");
        if !is_json {
            return Told::text(415, "Invalid content type");
        }
        let said = match (body, serde_json::from_slice::<Value>(body)) {
            // What a DELETE says stands in its query.
            ([], _) => {
                let query = Query::parse(query);
                json!({"appNamespace": query.get("appNamespace"), "project": query.get("project")})
            }
            (_, Ok(said)) => said,
            (_, Err(error)) => return Told::refused(3, &error.to_string()),
        };
        self.written(method, names, user, &said)
    }

    fn read(&self, names: &[&str], query: &Query, user: &str) -> Told {
        let world = self.world();
        match names {
            ["api", "version"] => Told::ok(json!({"Version": "v3.5.7", "Platform": "linux/amd64"})),
            ["api", "v1", "session", "userinfo"] => reads::user(user),
            ["api", "v1", "applications"] => reads::list(&world, query),
            ["api", "v1", "applications", name] => reads::single(&world, name, query),
            ["api", "v1", "applications", name, "events"] => reads::events(&world, name, query),
            ["api", "v1", "projects"] => reads::projects(&world),
            ["api", "v1", "projects", name] => reads::project(&world, name),
            _ => Told::text(404, "Not Found\n"),
        }
    }

    fn written(&self, method: &Method, names: &[&str], user: &str, body: &Value) -> Told {
        let ["api", "v1", "applications", rest @ ..] = names else { return Told::text(404, "Not Found\n") };
        let call = Call { user, body, name: rest.first().copied().unwrap_or_default() };
        let mut world = self.world();
        let done = match (method.as_str(), rest) {
            ("POST", []) => writes::create(&mut world, &call),
            ("POST", [_, "sync"]) => writes::sync(&mut world, &call),
            ("POST", [_, "rollback"]) => writes::rollback(&mut world, &call),
            ("PATCH", [_]) => writes::patch(&mut world, &call),
            ("DELETE", [_, "operation"]) => writes::terminate(&mut world, &call),
            ("DELETE", [_]) => writes::delete(&mut world, &call),
            _ => Err(Told::text(405, "Method Not Allowed\n")),
        };
        drop(world);
        let told = match done {
            Ok(told) | Err(told) => told,
        };
        if let Ok(app) = &told.body {
            self.notify(&world::name_of(app));
        }
        told
    }
}
