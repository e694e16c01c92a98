//! kill -9 while a target takes some events of a size and not the others: at the
//! end it was told every verdict, finding and obligation, none of them lost.
//!
//! The log runs in a process of its own, whose clock the test sets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pulselog::server::Server;
use pulselog::server::config::webhooks::{Event, Target};
use pulselog::server::faults::NoFaults;
use pulselog::server::log::clock::Clock;
use pulselog::server::outgoing::roots_of_system;
use pulselog::server::submitters::TokenOptions;
use serde_json::{Value, json};

use crate::make::audit::{START_MS, Story};
use crate::make::hooks::{Answers, Call, Hook, write_key};
use crate::make::kind;
use crate::make::logs::{Random, is_held, patiently};
use crate::make::served::agent;
use crate::make::service::{MovedClock, config, token};

const ENV_ROOT: &str = "PULSELOG_TEST_TOLD_ROOT";
const ENV_HOOK: &str = "PULSELOG_TEST_TOLD_HOOK";
const SEED: u64 = 20_261_129;
/// How long anything may take before the test gives up.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// How long a kill waits for an evaluation.
const KILL_WAIT_MAX: Duration = Duration::from_millis(2_500);
/// Between what the test sets and what the process sees.
const LOOK: Duration = Duration::from_millis(5);

/// The log. Does nothing unless a test set it up; ends when its parent does.
#[test]
fn log_that_tells() {
    let (Ok(root), Ok(url)) = (std::env::var(ENV_ROOT), std::env::var(ENV_HOOK)) else { return };
    let (parent, root) = (std::os::unix::process::parent_id(), PathBuf::from(root));
    let clock = Arc::new(MovedClock::default());
    let now = || i64::try_from(clock.read().wall_ms).unwrap();
    let missing = || read_time(&root).max(read(&root, "seen")) - now();
    clock.wall_ms.store(missing(), Ordering::SeqCst);
    let start = || {
        let mut config = config(root.join("data"));
        let events = Event::ALL.iter().copied().collect();
        let (name, key_file) = ("oncall".to_owned(), root.join("oncall.key"));
        config.webhooks = vec![Target { name, url: url.clone(), key_file, events, roots: roots_of_system() }];
        Server::start_with(config, Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(NoFaults))
    };
    let server = patiently(start, |error| is_held(error.code())).unwrap_or_else(|error| panic!("{error}"));
    replace(&root, "addr", server.addr());
    while std::os::unix::process::parent_id() == parent {
        clock.both_ms.fetch_add(u64::try_from(missing()).unwrap_or(0), Ordering::SeqCst);
        // Time goes on over a kill.
        replace(&root, "seen", now());
        std::thread::sleep(LOOK);
    }
}

fn read_time(root: &Path) -> i64 {
    read(root, "time").max(START_MS)
}

fn read(root: &Path, name: &str) -> i64 {
    std::fs::read_to_string(root.join(name)).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn replace(root: &Path, name: &str, what: impl ToString) {
    std::fs::write(root.join("new"), what.to_string()).unwrap();
    std::fs::rename(root.join("new"), root.join(name)).unwrap();
}

/// The process, and who is told.
struct Log {
    root: tempfile::TempDir,
    hook: Hook,
    random: Random,
    /// Kills that met an evaluation, and those that met one of which some was told.
    met: (usize, usize),
    tokens: (String, String),
    child: Option<Child>,
}

impl Log {
    fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        write_key(&root.path().join("oncall.key"));
        let signed = token(&data, "tester", TokenOptions::default());
        let (allow_unsigned, instance) = (Some((kind("argocd_observation"), None)), Some("argocd-prod".to_owned()));
        let options = TokenOptions { allow_unsigned, instance, ..TokenOptions::default() };
        let tokens = (signed, token(&data, "observer", options));
        let mut log = Self { root, hook: Hook::start(), random: Random(SEED), met: (0, 0), tokens, child: None };
        log.spawn();
        log
    }

    fn spawn(&mut self) {
        let _ = std::fs::remove_file(self.root.path().join("addr"));
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &crate::make::name_of(module_path!(), "log_that_tells"), "--nocapture"])
            .env(ENV_ROOT, self.root.path())
            .env(ENV_HOOK, &self.hook.url)
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// Of the log once it answers.
    fn ask(&self, path: &str, sent: Option<(&str, &str)>) -> Option<(u16, String)> {
        let addr = std::fs::read_to_string(self.root.path().join("addr")).ok()?;
        let url = format!("http://{addr}{path}");
        let answer = match sent {
            None => agent().get(url).call(),
            Some((token, body)) => agent().post(url).header("authorization", format!("Bearer {token}")).send(body),
        };
        let mut answer = answer.ok()?;
        Some((answer.status().as_u16(), answer.body_mut().read_to_string().ok()?))
    }

    #[track_caller]
    fn wait<T>(&mut self, what: &str, mut of: impl FnMut(&mut Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = of(self) {
                return found;
            }
            assert!(began.elapsed() < WAIT_MAX, "{what}: {:?}", self.cursor());
            std::thread::sleep(LOOK);
        }
    }

    fn submit(&mut self, ms: i64, text: &str) {
        self.set_time(ms);
        let is_bare = !text.contains("\"envelope_version\"");
        let token = if is_bare { &self.tokens.1 } else { &self.tokens.0 }.clone();
        self.wait("it is logged", |log| {
            let (status, said) = log.ask("/v1/entries", Some((&token, text)))?;
            assert!(matches!(status, 200 | 201 | 429 | 503), "{status} {said}");
            (status < 400).then_some(())
        });
    }

    /// The log's clock shows at least this.
    fn set_time(&self, ms: i64) {
        let ms = ms.max(read_time(self.root.path()));
        std::fs::write(self.root.path().join("wanted"), ms.to_string()).unwrap();
        std::fs::rename(self.root.path().join("wanted"), self.root.path().join("time")).unwrap();
    }

    fn cursor(&self) -> Value {
        let text = std::fs::read_to_string(self.root.path().join("data/webhooks/oncall.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Lets some events through and no more, kills when one was refused or a
    /// while has passed, and starts again.
    fn kill(&mut self) {
        let few = self.random.below(3);
        let (taken, refused) = {
            let held = self.hook.held();
            (held.taken.len(), held.refused.len())
        };
        self.hook.answer(Answers::Few(few));
        let began = Instant::now();
        while began.elapsed() < KILL_WAIT_MAX && self.hook.held().refused.len() == refused {
            std::thread::sleep(LOOK);
        }
        std::thread::sleep(Duration::from_millis(self.random.below(40)));
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        if self.cursor()["under_way"].is_object() {
            self.met.0 += 1;
            self.met.1 += usize::from(self.hook.held().taken.len() > taken);
        }
        self.spawn();
    }

    /// Everything is told of what is there now.
    fn settle(&mut self, size: u64) {
        self.hook.answer(Answers::Takes);
        let now = read_time(self.root.path());
        self.wait("all is told", |log| {
            let cursor = log.cursor();
            let is_told = cursor["told"]["size"] == size && cursor["under_way"].is_null();
            (is_told && cursor["told"]["time_ms"].as_i64() >= Some(now)).then_some(())
        });
    }

    fn report(&mut self) -> Value {
        let report = self.wait("a report", |log| {
            let (status, said) = log.ask("/v1/jobs/job-1", None)?;
            (status == 200).then_some(said)
        });
        serde_json::from_str(&report).unwrap()
    }

    /// Events in the order in which they were first taken; one that came again
    /// was the same to the byte.
    fn told(&self) -> Vec<Call> {
        let mut by_id: BTreeMap<String, String> = BTreeMap::new();
        let taken = self.hook.held().taken.clone();
        let is_first = |call: &Call| {
            let before = by_id.insert(call.body["id"].to_string(), call.text.clone());
            assert!(before.as_ref().is_none_or(|before| *before == call.text), "one id, two events: {}", call.text);
            before.is_none()
        };
        taken.into_iter().filter(is_first).collect()
    }
}

impl Drop for Log {
    /// The process goes before its directory.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Codes and entries of what is told or reported, sorted.
fn named<'a>(of: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    of.map(|one| json!([one["code"], one["entries"]]).to_string()).collect()
}

/// Findings of a job that were opened and not closed; each opens and closes in turn.
fn open_of_job(told: &[Call]) -> Vec<&Value> {
    let mut open: BTreeMap<String, &Value> = BTreeMap::new();
    for call in told.iter().filter(|call| !call.body["scope"]["job"].is_null()) {
        let key = call.body["scope"]["finding"].to_string();
        if call.is("finding.opened") {
            assert!(open.insert(key, &call.body).is_none(), "opened twice: {}", call.text);
        } else if call.is("finding.closed") {
            assert!(open.remove(&key).is_some(), "closed and never opened: {}", call.text);
        }
    }
    open.into_values().collect()
}

#[test]
fn kills_lose_no_verdict_no_finding_and_no_obligation() {
    let mut story = Story::clean();
    story.move_after("sync receipt", "b2");
    let (late, steps) = (story.at("sync receipt"), story.submissions());
    let mut log = Log::start();
    for (at, (ms, text)) in steps[..late - 1].iter().enumerate() {
        log.submit(*ms, text);
        if at % 4 == 3 {
            log.kill();
        }
    }
    log.settle(late as u64 - 1);
    let pending = log.report()["pending"].clone();
    let due = story.now_ms() + 3 * 3_600_000;
    log.set_time(due);
    for _ in 0..4 {
        log.kill();
    }
    log.settle(late as u64 - 1);
    for (ms, text) in &steps[late - 1..] {
        log.submit(*ms, text);
        log.kill();
    }
    log.settle(steps.len() as u64);
    let (report, told) = (log.report(), log.told());
    assert!(log.met.0 > 3 && log.met.1 > 0, "hardly any kill met an evaluation: {:?}", log.met);

    // Every verdict is told with the one that came before it, to the last.
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    for call in told.iter().filter(|call| call.is("verdict.changed")) {
        let before = last.insert(call.body["scope"].to_string(), call.body["verdict"].clone());
        assert_eq!(call.body["previous"], before.unwrap_or(Value::Null), "{}", call.text);
    }
    assert_eq!(last[&json!({"job": "job-1"}).to_string()]["audit"], report["verdict"]);
    assert!(last.len() > 2, "of bundles too: {last:?}");

    let closed = told.iter().filter(|call| call.is("finding.closed")).count();
    assert!(closed > 0, "something was missed and came");
    let found = report["findings"].as_array().unwrap();
    assert_eq!(named(open_of_job(&told).into_iter()), named(found.iter()));

    let owed = pending.as_array().unwrap().iter().filter(|due_| due_["until_ms"].as_i64() < Some(due));
    let overdue: Vec<_> = told.iter().filter(|call| call.is("obligation.overdue")).collect();
    let of_job = overdue.iter().filter(|call| !call.body["scope"]["job"].is_null()).map(|call| &call.body);
    assert!(!pending.as_array().unwrap().is_empty(), "nothing is owed");
    assert_eq!(named(of_job), named(owed));
    let keys: BTreeSet<_> = overdue.iter().map(|call| call.body["scope"].to_string()).collect();
    assert_eq!(keys.len(), overdue.len(), "each is told once");
}
