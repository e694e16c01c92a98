//! The fixture server and the poller as processes, and a log for what they say.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use pulselog::artifact::json::{Value, to_compact};
use pulselog::server::submitters::TokenOptions;

use crate::cli::{Ran, command};
use crate::make::argocd::{INSTANCE, json};
use crate::make::kind;
use crate::make::service::{Service, token};

/// A fixture server that ends with the test.
pub struct Fixture {
    child: Child,
    pub url: String,
}

impl Fixture {
    pub fn start(more: &[&str]) -> Self {
        let mut command = command();
        let mut child =
            command.args(["argocd", "fixture"]).args(more).stdout(Stdio::piped()).spawn().expect("the fixture starts");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut url).expect("an address");
        Self { child, url: url.trim_end().to_owned() }
    }

    /// What the fixture itself is told.
    pub fn told(&self, path: &str, lines: &[Value<'static>]) -> Value<'static> {
        let body = lines.iter().map(to_compact).collect::<Vec<_>>().join("\n");
        self.ask("POST", &format!("/fixture/{path}"), &body).1
    }

    /// A request as the agent's.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value<'static>) {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("authorization", "Bearer argo-deploy-assistant");
        let request = request.header("content-type", "application/json").body(body.to_owned()).expect("a request");
        let config = ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true).build();
        let mut answer = ureq::Agent::new_with_config(config).run(request).expect("an answer");
        let text = answer.body_mut().read_to_string().expect("a body");
        let value = if text.starts_with(['{', '[']) { json(&text) } else { Value::Null };
        (answer.status().as_u16(), value)
    }

    /// Requests that were made of Argo CD, a line each.
    pub fn requests(&self) -> Vec<String> {
        let said = self.ask("GET", "/fixture/requests", "").1;
        let lines = said.as_array().expect("lines").iter();
        lines.map(|line| line.as_str().expect("a line").to_owned()).collect()
    }

    /// Makes an application by its name, with one source.
    pub fn create(&self, name: &str) {
        let body = format!(
            r#"{{"metadata":{{"name":"{name}"}},"spec":{{"project":"payments","source":{{"path":"config",
               "repoURL":"https://git.example.com/deploy.git","targetRevision":"main"}},
               "destination":{{"server":"https://kubernetes.default.svc","namespace":"prod-canary"}}}}}}"#
        );
        assert_eq!(self.ask("POST", "/api/v1/applications", &body).0, 200);
    }

    /// Syncs, and waits until the operation is over.
    pub fn sync(&self, name: &str, body: &str) {
        let (status, said) = self.ask("POST", &format!("/api/v1/applications/{name}/sync"), body);
        assert_eq!(status, 200, "{}", to_compact(&said));
        self.settle(name);
    }

    pub fn settle(&self, name: &str) {
        for _ in 0..2_000 {
            let app = self.ask("GET", &format!("/api/v1/applications/{name}"), "").1;
            if app.get("operation").is_none() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{name} does not come to rest");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A log, and a poller of one Argo CD.
pub struct Watch {
    pub service: Service,
    pub dir: tempfile::TempDir,
}

impl Watch {
    pub fn new() -> Self {
        let service = Service::start();
        let dir = tempfile::tempdir().expect("a directory");
        let options = TokenOptions {
            allow_unsigned: Some((kind("argocd_observation"), None)),
            instance: Some(INSTANCE.to_owned()),
            ..TokenOptions::default()
        };
        let watch = Self { service, dir };
        watch.put("log.token", &token(&watch.service.data(), "poller", options));
        watch.put("argocd.token", "pulselog-observer");
        watch
    }

    /// Writes a file that nobody else may read.
    pub fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
        std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(0o600)).expect("a mode");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The poller of a server, before it is started.
    pub fn poller(&self, server: &str, more: &[&str]) -> Command {
        self.poller_of(server, &[&["--log", &self.service.base()], more].concat())
    }

    /// The same into another log.
    pub fn poller_of(&self, server: &str, more: &[&str]) -> Command {
        let mut command = command();
        command.args(["argocd", "poll", "--server", server, "--instance", INSTANCE]);
        command.arg("--token-file").arg(self.path("argocd.token"));
        command.arg("--log-token-file").arg(self.path("log.token"));
        if !more.contains(&"--state") {
            command.arg("--state").arg(self.path("state"));
        }
        command.args(more);
        command
    }

    /// One round.
    pub fn poll(&self, server: &str) -> Ran {
        self.poll_with(server, &["--once", "--json"])
    }

    pub fn poll_with(&self, server: &str, more: &[&str]) -> Ran {
        let output = self.poller(server, more).stdin(Stdio::null()).output().expect("the poller ends");
        Ran {
            code: output.status.code().expect("an exit code"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// A round that counted and is logged, as it is told.
    #[track_caller]
    pub fn round(&self, server: &str) -> Value<'static> {
        let ran = self.poll(server);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        json(&ran.out)
    }

    /// Bodies of the log that were submitted by the poller, in order, of one kind.
    pub fn logged(&self, kind: &str) -> Vec<Value<'static>> {
        let mut bodies = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.service.get(&format!("/v1/entries?kind={kind}&limit=1000{after}")).json();
            for entry in page.get("entries").and_then(Value::as_array).expect("entries") {
                let digest = entry.text_at("artifact").expect("a digest");
                bodies.push(self.service.get(&format!("/v1/artifacts/{digest}")).json());
            }
            let Some(next) = page.get("next").and_then(Value::as_i64) else { return bodies };
            after = format!("&after={next}");
        }
    }

    pub fn observed(&self) -> Vec<Value<'static>> {
        self.logged("argocd_observation")
    }
}
