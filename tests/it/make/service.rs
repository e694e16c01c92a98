//! A real service in this process, and a client that speaks HTTP over loopback.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use pulselog::artifact::Did;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::checkpoint::Origin;
use pulselog::entry::SubmitterName;
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::config::Config;
use pulselog::server::config::crowd::Crowd;
use pulselog::server::faults::NoFaults;
use pulselog::server::log::clock::{Clock, Reading, SystemClock};
use pulselog::server::submitters::{self, TokenOptions};
use pulselog::server::{ServeError, Server};

use crate::make;
use crate::make::logs::patiently;

pub const ORIGIN: &str = "log.example/test";

/// The machine's clocks, moved by as much as a test says.
#[derive(Default)]
pub struct MovedClock {
    system: SystemClock,
    /// Milliseconds added to the wall clock.
    pub wall_ms: AtomicI64,
    /// Milliseconds added to both clocks: time that really passed.
    pub both_ms: AtomicU64,
}

impl Clock for MovedClock {
    fn read(&self) -> Reading {
        let reading = self.system.read();
        let (wall, both) = (self.wall_ms.load(Ordering::SeqCst), self.both_ms.load(Ordering::SeqCst));
        Reading {
            wall_ms: reading.wall_ms.saturating_add_signed(wall).saturating_add(both),
            monotonic_ms: reading.monotonic_ms.saturating_add(both),
        }
    }
}

/// A service on a data directory of its own.
pub struct Service {
    pub server: Option<Server>,
    pub clock: Arc<MovedClock>,
    pub token: String,
    url: String,
    dir: tempfile::TempDir,
}

pub fn config(data: PathBuf) -> Config {
    let signer = SignerKey::new(KeyName::parse(ORIGIN).expect("a legal name"), &[9; 32]).expect("a seed");
    let operator = Did::parse(&make::did("operator")).expect("a did:key");
    // Tests write little, whatever the disk of the machine is like, and those
    // that damage something meet it themselves.
    Config {
        free_disk_bytes_min: 0,
        crowd: Crowd { scrub_bytes_per_second: 0, ..Crowd::default() },
        ..Config::local(data, Origin::parse(ORIGIN).expect("an origin"), signer, operator)
    }
}

impl Service {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(Arc::new(MovedClock::default()), change)
    }

    /// A service whose wall clock begins at this time.
    pub fn start_at(wall_ms: i64, change: impl FnOnce(&mut Config)) -> Self {
        let clock = MovedClock::default();
        let now = i64::try_from(clock.read().wall_ms).expect("a time");
        clock.wall_ms.store(wall_ms - now, Ordering::SeqCst);
        Self::start_on(Arc::new(clock), change)
    }

    fn start_on(clock: Arc<MovedClock>, change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = dir.path().join("data");
        let token = token(&data, "tester", TokenOptions::default());
        let mut config = config(data);
        change(&mut config);
        let server = Server::start_with(config, Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(NoFaults));
        let server = server.unwrap_or_else(|e| panic!("{e}"));
        let url = format!("http://{}", server.addr());
        Self { server: Some(server), clock, token, url, dir }
    }

    /// Lets time pass until the wall clock shows `wall_ms`, if it does not yet.
    pub fn wait_until(&self, wall_ms: i64) {
        let missing = wall_ms - i64::try_from(self.clock.read().wall_ms).expect("a time");
        self.clock.both_ms.fetch_add(u64::try_from(missing).unwrap_or(0), Ordering::SeqCst);
    }

    /// Ends the service, does something with its data, and starts it again.
    pub fn restart(&mut self, between: impl FnOnce(&Path)) {
        self.server.take().expect("a server").shutdown().expect("a clean end");
        between(&self.data());
        let start = || {
            let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
            Server::start_with(config(self.data()), clock, Arc::new(NoFaults))
        };
        let server =
            patiently(start, |error| crate::make::logs::is_held(error.code())).unwrap_or_else(|e| panic!("{e}"));
        self.url = format!("http://{}", server.addr());
        self.server = Some(server);
    }

    /// Ends the service.
    pub fn stop(&mut self) {
        self.server.take().expect("a server").shutdown().expect("a clean end");
    }

    /// Starts it again after [`Service::stop`], with other settings.
    pub fn try_restart(&mut self, change: impl Fn(&mut Config)) -> Result<(), ServeError> {
        let start = || {
            let mut config = config(self.data());
            change(&mut config);
            Server::start_with(config, Arc::clone(&self.clock) as Arc<dyn Clock>, Arc::new(NoFaults))
        };
        let server = patiently(start, |error| crate::make::logs::is_held(error.code()))?;
        self.url = format!("http://{}", server.addr());
        self.server = Some(server);
        Ok(())
    }

    /// The directory of data, guard and clock mark.
    pub fn root(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Where it is reached.
    pub fn base(&self) -> String {
        format!("http://{}", self.server.as_ref().expect("it runs").addr())
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    /// The counters, from their own listener.
    pub fn metrics(&self) -> Answer {
        let addr = self.server.as_ref().and_then(Server::metrics_addr).expect("counters");
        Answer::of(agent().get(format!("http://{addr}/metrics")).call())
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = agent().get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.call())
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.post_as(&self.token, path, body)
    }

    pub fn post_as(&self, token: &str, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let authorization = format!("Bearer {token}");
        self.post_with(path, &[("authorization", &authorization)], body)
    }

    pub fn post_with(&self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        let mut request = agent().post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send(body.as_ref()))
    }

    /// Logs `count` different gateway receipts and returns their texts.
    pub fn fill(&self, count: usize) -> Vec<String> {
        let receipts: Vec<String> = (0..count).map(|_| receipt()).collect();
        let answer = self.post("/v1/entries:batch", receipts.join("\n"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        for line in answer.text().lines() {
            assert_eq!(make::value(line).get("status").and_then(Value::as_i64), Some(201), "{line}");
        }
        receipts
    }

    pub fn size(&self) -> u64 {
        let checkpoint = self.get("/checkpoint").text();
        checkpoint.lines().nth(1).and_then(|l| l.parse().ok()).expect("a size")
    }

    /// A raw connection, for what no client would send.
    pub fn raw(&self, request: &str) -> String {
        use std::io::Write as _;
        let mut stream = std::net::TcpStream::connect(&self.url["http://".len()..]).expect("a connection");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }
}

impl Service {
    /// Every byte that comes back until the connection is closed.
    pub fn raw_bytes(&self, request: &str) -> Vec<u8> {
        use std::io::Write as _;
        let mut stream = std::net::TcpStream::connect(&self.url["http://".len()..]).expect("a connection");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let _ = server.shutdown();
        }
    }
}

pub fn token(data: &Path, name: &str, options: TokenOptions) -> String {
    let name = SubmitterName::parse(name).expect("a legal name");
    submitters::create(data, &name, options).unwrap_or_else(|e| panic!("{e}")).token
}

/// A gateway receipt that no test has made before.
pub fn receipt() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let kind = make::kind("gateway_receipt");
    let mut payload = make::good_payload(kind);
    let id = format!("rcpt_{}", NEXT.fetch_add(1, Ordering::SeqCst));
    make::set(&mut payload, "receipt_id", Some(id.as_str().into()));
    to_compact(&make::seal_raw(kind, payload, &make::key("gateway")))
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
    config.into()
}

/// Status, headers, body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    fn of(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        let mut answer = answer.unwrap_or_else(|e| panic!("no answer: {e}"));
        let headers = answer
            .headers()
            .iter()
            .map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
            .collect();
        let mut body = Vec::new();
        answer.body_mut().as_reader().read_to_end(&mut body).expect("a body");
        Self { status: answer.status().as_u16(), headers, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub fn json(&self) -> Value<'static> {
        make::value(&self.text())
    }

    pub fn number(&self, path: &str) -> i64 {
        self.json().at(path).and_then(Value::as_i64).unwrap_or_else(|| panic!("no {path} in {}", self.text()))
    }

    pub fn string(&self, path: &str) -> String {
        self.json().text_at(path).unwrap_or_else(|| panic!("no {path} in {}", self.text())).to_owned()
    }

    /// Asserts a problem of this status and code, whole and well-formed.
    #[track_caller]
    pub fn is(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.string("code").as_str()), (status, code), "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.string("type"), format!("/docs/errors#{code}"));
        assert_eq!(self.number("status"), i64::from(status));
        // Only what passes by itself is worth a wait.
        let stays =
            ["served_read_only", "tokens_missing", "tokens_unreadable", "not_taken_now", "not_ready"].contains(&code);
        let passes = matches!(status, 429 | 503) && !stays;
        assert_eq!(self.header("retry-after"), if passes { "1" } else { "" });
        self
    }
}
