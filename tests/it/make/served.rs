//! The real binary, serving: started, fed over HTTP, killed, started again.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::make::logs::{ORIGIN, Place, receipt};

/// How long a start may take before the test gives up.
const START_MAX: Duration = Duration::from_secs(60);

/// A log behind HTTP, with a token that may submit signed kinds.
pub struct Served {
    pub place: Place,
    pub url: String,
    pub vkey: String,
    pub token: String,
    listen: String,
    key: PathBuf,
    operator: String,
    flags: Vec<String>,
    child: Mutex<Option<Child>>,
    agent: ureq::Agent,
}

/// One answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Served {
    /// Makes keys, a token and a log, and waits until it is ready.
    pub fn start() -> Self {
        Self::start_at(Place::new(), &[])
    }

    /// The same in a place of one's own, with flags for every start.
    pub fn start_at(place: Place, flags: &[&str]) -> Self {
        let (key, did) = (place.root().join("log.key"), place.root().join("operator.key"));
        let vkey = run(&["keygen", "--origin", ORIGIN, "--out", key.to_str().unwrap()]);
        let operator = run(&["keygen", "--did", "--out", did.to_str().unwrap()]);
        std::fs::create_dir_all(place.data()).unwrap();
        std::fs::write(place.data().join("pulselog.toml"), "").unwrap();
        let token = run(&["token", "new", "tests", "--data", place.data().to_str().unwrap()]);
        // A port that was free a moment ago and stays ours across restarts.
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let agent = agent();
        let url = format!("http://{listen}");
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let served = Self { place, url, vkey, token, listen, key, operator, flags, child: Mutex::new(None), agent };
        served.spawn();
        served.wait_ready();
        served
    }

    /// DID of the operator.
    pub fn operator(&self) -> &str {
        &self.operator
    }

    /// Starts the process.
    pub fn spawn(&self) {
        self.spawn_with(Command::new(env!("CARGO_BIN_EXE_pulselog")), &[]);
    }

    /// Starts the process through another program, or with more arguments.
    pub fn spawn_with(&self, command: Command, more: &[&str]) {
        self.spawn_as(command, &self.key, more);
    }

    /// Data, origin, key and operator, as every command takes them.
    pub fn name_log(&self, command: &mut Command) {
        command.arg("--data").arg(self.place.data()).arg("--key").arg(&self.key);
        command.args(["--origin", ORIGIN, "--operator", &self.operator]);
    }

    /// Whether the process handles SIGTERM by now.
    pub fn catches_sigterm(&self) -> bool {
        let id = self.child.lock().unwrap().as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim();
        u64::from_str_radix(caught, 16).unwrap_or(0) >> 14 & 1 == 1
    }

    /// Sends a signal to the process.
    pub fn signal(&self, name: &str) {
        let id = self.child.lock().unwrap().as_ref().unwrap().id();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    /// Starts the process with room for so many open files and no more.
    pub fn spawn_with_open_files(&self, files: u32) {
        let mut command = Command::new("sh");
        let line = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_pulselog")]);
        self.spawn_with(command, &[]);
    }

    /// A second process on other data and this log's guard, and where it is reached.
    pub fn second_on(&self, data: &Path) -> (Child, String) {
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pulselog"));
        command.args(["serve", "--listen", &listen, "--origin", ORIGIN, "--operator", &self.operator]);
        command.arg("--data").arg(data).arg("--guard").arg(self.place.guard()).arg("--key").arg(&self.key);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let url = format!("http://{listen}");
        let start = Instant::now();
        while get(&self.agent, &format!("{url}/readyz")).is_none_or(|a| a.status != 200) {
            assert!(start.elapsed() < START_MAX, "the second process is not ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        (child, url)
    }

    /// Starts the process with more flags.
    pub fn spawn_flagged(&self, flags: &[&str]) {
        self.spawn_with(Command::new(env!("CARGO_BIN_EXE_pulselog")), flags);
    }

    /// The most memory that the process has had, KiB.
    pub fn memory_peak_kib(&self) -> u64 {
        let id = self.child.lock().unwrap().as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn spawn_as(&self, mut command: Command, key: &Path, more: &[&str]) {
        let log = File::options().create(true).append(true).open(self.place.root().join("served.log")).unwrap();
        let child = command
            .arg("serve")
            .arg("--data")
            .arg(self.place.data())
            .args(["--listen", &self.listen, "--origin", ORIGIN, "--operator", &self.operator])
            .arg("--key")
            .arg(key)
            .args(&self.flags)
            .args(more)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        *self.child.lock().unwrap() = Some(child);
    }

    /// Whether the log is ready in time; not when it ends before.
    pub fn is_ready_within(&self, most: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < most {
            if self.try_get("readyz").is_some_and(|answer| answer.status == 200) {
                return true;
            }
            if !self.is_running() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Whether the process has ended by itself in time.
    pub fn exits_within(&self, most: Duration) -> bool {
        let start = Instant::now();
        while self.is_running() {
            if start.elapsed() > most {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    pub fn wait_ready(&self) {
        let start = Instant::now();
        while self.try_get("readyz").is_none_or(|a| a.status != 200) {
            let mut child = self.child.lock().unwrap();
            let ended = child.as_mut().and_then(|c| c.try_wait().unwrap());
            assert!(ended.is_none() && start.elapsed() < START_MAX, "not ready ({ended:?}): {}", self.log_text());
            drop(child);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.place.root().join("served.log")).unwrap_or_default()
    }

    /// Whether the process is still there.
    pub fn is_running(&self) -> bool {
        self.child.lock().unwrap().as_mut().is_some_and(|c| c.try_wait().unwrap().is_none())
    }

    /// kill -9.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// An orderly end.
    pub fn stop(&self) {
        let Some(mut child) = self.child.lock().unwrap().take() else { return };
        let asked = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap();
        assert!(asked.success());
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log_text());
    }

    /// Waits for the process to end by itself.
    pub fn wait_exit(&self) -> std::process::ExitStatus {
        let mut child = self.child.lock().unwrap().take().unwrap();
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if start.elapsed() > START_MAX {
                let _ = child.kill();
                panic!("the process goes on: {}", self.log_text());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn try_get(&self, path: &str) -> Option<Answer> {
        get(&self.agent, &format!("{}/{path}", self.url))
    }

    /// The body of a 200, `None` for anything else.
    pub fn get(&self, path: &str) -> Option<Vec<u8>> {
        self.try_get(path).filter(|a| a.status == 200).map(|a| a.body)
    }

    pub fn post(&self, agent: &ureq::Agent, path: &str, content_type: &str, body: &[u8]) -> Option<Answer> {
        self.post_to(&self.url, agent, path, content_type, body)
    }

    /// As [`Served::post`], to another process with the same tokens.
    pub fn post_to(
        &self,
        url: &str,
        agent: &ureq::Agent,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Option<Answer> {
        let request = agent
            .post(format!("{url}/{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", content_type);
        answer(request.send(body))
    }

    /// Receipts as one NDJSON batch, all of which must be logged.
    pub fn submit_batch(&self, numbers: std::ops::Range<u64>) {
        let lines: Vec<String> = numbers.clone().map(receipt).collect();
        let answer = self.post(&self.agent, "v1/entries:batch", "application/x-ndjson", lines.join("\n").as_bytes());
        let answer = answer.unwrap();
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{text}");
        assert_eq!(text.lines().filter_map(placed).count() as u64, numbers.end - numbers.start, "{text}");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Ok(mut child) = self.child.lock()
            && let Some(mut child) = child.take()
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Index and leaf hash (hex) of one answer.
pub fn placed(json: &str) -> Option<(u64, String)> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    Some((value["index"].as_u64()?, value["leaf_hash"].as_str()?.to_owned()))
}

pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}

pub fn get(agent: &ureq::Agent, url: &str) -> Option<Answer> {
    // Where an answer has two forms, the one of C2SP.
    answer(agent.get(url).header("accept", "text/plain, application/octet-stream").call())
}

fn answer(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Option<Answer> {
    let mut response = sent.ok()?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(64 << 20).read_to_vec().ok()?;
    Some(Answer { status, body })
}

/// Runs a subcommand that prints one line.
fn run(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pulselog")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
