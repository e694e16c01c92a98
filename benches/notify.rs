//! Notifications of Argo CD over HTTP, each on a connection of its own, as the
//! controller sends them: how many a second are taken when as many wait as one
//! likes, and how long an answer takes at a steady rate.
//!
//! `cargo bench --bench notify [-- SECONDS]`

#[path = "client.rs"]
mod client;
#[path = "process.rs"]
mod process;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use pulselog::artifact::Kind;
use pulselog::entry::SubmitterName;
use pulselog::server::submitters::{self, TokenOptions};

use crate::client::{Connection, cpu_seconds, raise_open_files};
use crate::process::{OWN, serve};

const INSTANCE: &str = "argocd-prod";
const SECONDS: u64 = 5;
/// Before the clock starts.
const WARM: Duration = Duration::from_secs(1);
/// Deliveries at once, where the rate is what is asked.
const SENDERS: usize = 64;
/// Deliveries a second, where the time of an answer is.
const STEADY: u32 = 500;

/// What the senders of one run share.
struct Shared {
    addr: SocketAddr,
    head: String,
    next: Cell<usize>,
    /// When it was due or sent, and how long its answer took.
    answers: RefCell<Vec<(Instant, Duration)>>,
    is_over: Cell<bool>,
}

fn main() {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(SECONDS);
    let time = Duration::from_secs(seconds);
    raise_open_files();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let served = serve(OWN, dir.path());
    let options = TokenOptions {
        allow_unsigned: Some((Kind::ArgocdObservation, Some("notify".into()))),
        instance: Some(INSTANCE.into()),
        ..TokenOptions::default()
    };
    let name = SubmitterName::parse("notify").expect("a name");
    let token = submitters::create(&dir.path().join("log"), &name, options).expect("a token").token;
    let pid = served.process.0.id();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let head = format!(
        "POST /v1/ingest/argocd HTTP/1.1\r\nHost: log\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    );
    let shared = |first| {
        let (next, answers, is_over) = (Cell::new(first), RefCell::new(Vec::new()), Cell::new(false));
        Rc::new(Shared { addr: served.addr, head: head.clone(), next, answers, is_over })
    };
    let many = shared(0);
    let cpu = cpu_seconds(pid);
    let begun = Instant::now();
    tokio::task::LocalSet::new().block_on(&runtime, flood(Rc::clone(&many), WARM + time));
    let cpu = cpu_seconds(pid) - cpu;
    let answers = many.answers.take();
    let count = answers.iter().filter(|(sent, _)| (WARM..WARM + time).contains(&(*sent - begun))).count();
    println!(
        "{SENDERS} at once: {:.0} notifications/s, {:.0} us of processor each, {}",
        count as f64 / time.as_secs_f64(),
        cpu * 1e6 / answers.len() as f64,
        times(&answers)
    );
    let steady = shared(answers.len());
    tokio::task::LocalSet::new().block_on(&runtime, paced(Rc::clone(&steady), time));
    println!("{STEADY} a second: {}", times(&steady.answers.take()));
}

async fn flood(shared: Rc<Shared>, time: Duration) {
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let shared = Rc::clone(&shared);
            tokio::task::spawn_local(async move {
                while !shared.is_over.get() {
                    tell(&shared, Instant::now()).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    shared.is_over.set(true);
    for sender in senders {
        sender.await.expect("a sender");
    }
}

/// Deliveries are due at their times, whatever became of those before.
async fn paced(shared: Rc<Shared>, time: Duration) {
    let begun = Instant::now();
    let mut sent = Vec::new();
    let count = u32::try_from(time.as_secs()).unwrap_or(u32::MAX).saturating_mul(STEADY);
    for number in 0..count {
        let due = begun + Duration::from_secs(1) * number / STEADY;
        tokio::time::sleep_until(due.into()).await;
        let shared = Rc::clone(&shared);
        sent.push(tokio::task::spawn_local(async move { tell(&shared, due).await }));
    }
    for delivery in sent {
        delivery.await.expect("a delivery");
    }
}

/// One delivery on a connection of its own.
async fn tell(shared: &Shared, due: Instant) {
    let number = shared.next.replace(shared.next.get() + 1);
    let body = body(number);
    let request = format!("{}Content-Length: {}\r\n\r\n{body}", shared.head, body.len());
    let mut connection = Connection::open(shared.addr).await;
    let answer = connection.ask(request.as_bytes()).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(answer.body));
    shared.answers.borrow_mut().push((due, due.elapsed()));
}

fn times(answers: &[(Instant, Duration)]) -> String {
    let mut times: Vec<_> = answers.iter().map(|(_, took)| took.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len() - 1)).copied();
    let [median, p99, most] = [0.5, 0.99, 1.0].map(|share| at(share).unwrap_or_default());
    format!("answered in {median:.1} ms, p99 {p99:.1} ms, at most {most:.1} ms ({} in all)", times.len())
}

/// The end of an operation that nobody told of before.
fn body(number: usize) -> String {
    let (app, second) = (number % 200, number / 200 % 60);
    format!(
        r#"{{"schema":"argocd-notify/1","event":"operation","instance":"{INSTANCE}","app":{{"destination":{{"namespace":"prod","server":"https://kubernetes.default.svc"}},"name":"app-{app}","namespace":"argocd","project":"payments","resourceVersion":"{number}","uid":"b245d4ae-7bb9-40c5-be90-{app:012}"}},"phase":"Succeeded","message":"successfully synced (all tasks run)","startedAt":"2026-11-26T04:57:{second:02}Z","finishedAt":"2026-11-26T04:58:13Z","retryCount":0,"operation":{{"info":[{{"name":"claw.decision","value":"{number:064}"}},{{"name":"claw.job_id","value":"job-{number}"}}],"initiatedBy":{{"username":"argo-deploy-assistant"}},"retry":{{"limit":2}},"sync":{{"revision":"{number:040}","source":{{"path":"overlays/prod","repoURL":"https://git.example.com/deploy.git","targetRevision":"main"}},"syncOptions":["PruneLast=true"],"syncStrategy":{{"hook":{{}}}}}}}},"syncResult":{{"revision":"{number:040}"}},"history":{{"deployStartedAt":"2026-11-26T04:57:{second:02}Z","deployedAt":"2026-11-26T04:58:12Z","id":{number},"revision":"{number:040}"}}}}"#
    )
}
