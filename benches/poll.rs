//! Rounds of the poller over 2,000 applications of 25 KB: the first, in which
//! all of them are new; a quiet one; one in which 100 were synced. Time and
//! high-water mark of the poller's process, the log's answers included.
//!
//! `cargo bench --bench poll [-- APPLICATIONS]`

#[path = "process.rs"]
mod process;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pulselog::artifact::Kind;
use pulselog::entry::SubmitterName;
use pulselog::server::submitters::{self, TokenOptions};

use crate::process::{OWN, Process, Served};

const APPLICATIONS: u64 = 2_000;
const SYNCED: u64 = 100;
const INSTANCE: &str = "argocd-bench";
/// What managed fields and resources fill in a real application.
const FILL_BYTES: usize = 20_000;

fn main() {
    let count = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(APPLICATIONS);
    let dir = tempfile::tempdir().expect("a directory");
    let served = process::serve(OWN, dir.path());
    let (_fixture, argocd) = fixture();
    tokens(dir.path());
    let round = |words: &str| {
        let (took, peak_kib, said) = poll(dir.path(), &argocd, &served);
        println!("{words:32} {:6.2} s {:5} MiB  {said}", took.as_secs_f64(), peak_kib >> 10);
    };
    put(&argocd, (0..count).map(|number| application(number, 0)));
    println!("{count} applications of {} KB", application(0, 0).len() / 1000);
    round("first round, all new");
    round("nothing moved");
    put(&argocd, (0..SYNCED).map(|number| application(number, 1)));
    round("100 synced, their events asked");
    round("the events left");
}

/// The fixture, and its address.
fn fixture() -> (Process, String) {
    let child = Command::new(OWN).args(["argocd", "fixture"]).stdout(Stdio::piped()).spawn();
    let mut fixture = Process(child.expect("the binary"));
    let mut url = String::new();
    BufReader::new(fixture.0.stdout.take().expect("piped")).read_line(&mut url).expect("an address");
    (fixture, url.trim_end().to_owned())
}

fn tokens(dir: &Path) {
    let options = TokenOptions {
        allow_unsigned: Some((Kind::ArgocdObservation, None)),
        instance: Some(INSTANCE.to_owned()),
        ..TokenOptions::default()
    };
    let name = SubmitterName::parse("poller").expect("a name");
    let token = submitters::create(&dir.join("log"), &name, options).expect("a token");
    for (name, text) in [("log.token", token.token.as_str()), ("argocd.token", "observer")] {
        std::fs::write(dir.join(name), text).expect("written");
        std::fs::set_permissions(dir.join(name), PermissionsExt::from_mode(0o600)).expect("a mode");
    }
}

fn put(argocd: &str, apps: impl Iterator<Item = String>) {
    let body = apps.collect::<Vec<_>>().join("\n");
    let answer = ureq::post(format!("{argocd}/fixture/apps")).send(body.as_bytes()).expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
}

/// An application after so many more syncs than its tenth.
fn application(number: u64, syncs: u64) -> String {
    let commit = format!("{number:08x}{syncs:032x}");
    let source = r#"{"repoURL":"https://git.example.com/deploy.git","path":"overlays/prod","targetRevision":"main"}"#;
    let mut history = String::new();
    for id in syncs..10 + syncs {
        let comma = if history.is_empty() { "" } else { "," };
        write!(
            history,
            r#"{comma}{{"id":{id},"revision":"{commit}","deployStartedAt":"2026-11-26T04:{id:02}:00Z",
                "deployedAt":"2026-11-26T04:{id:02}:02Z","source":{source},"initiatedBy":{{"username":"agent"}}}}"#
        )
        .expect("text");
    }
    // Few objects and long texts: the fixture holds all of them as values.
    let field = format!(r#"{{"manager":"argocd","fieldsV1":{{"f:spec":{{"f:destination":"{}"}}}}}},"#, "x".repeat(400));
    let fill = field.repeat(FILL_BYTES / field.len());
    let last = 9 + syncs;
    format!(
        r#"{{"metadata":{{"name":"app-{number}","namespace":"argocd","uid":"uid-{number}",
            "resourceVersion":"{version}","managedFields":[{fill}{{}}]}},
           "spec":{{"project":"payments","source":{source},
            "destination":{{"server":"https://kubernetes.default.svc","namespace":"prod"}}}},
           "status":{{"history":[{history}],"sync":{{"status":"Synced","revision":"{commit}"}},
            "operationState":{{"operation":{{"sync":{{"revision":"{commit}","source":{source}}},
              "initiatedBy":{{"username":"agent"}},"retry":{{}}}},"phase":"Succeeded","message":"done",
              "startedAt":"2026-11-26T04:{last:02}:00Z","finishedAt":"2026-11-26T04:{last:02}:02Z",
              "syncResult":{{"revision":"{commit}","source":{source},"resources":[]}}}}}}}}"#,
        version = 1 + number + syncs * 1_000_000,
    )
    .replace('\n', "")
}

/// One round: how long it took, the most memory it had, and what it said.
fn poll(dir: &Path, argocd: &str, served: &Served) -> (Duration, u64, String) {
    let mut poll = Command::new(OWN);
    poll.args(["argocd", "poll", "--once", "--server", argocd, "--instance", INSTANCE]);
    poll.args(["--log", &format!("http://{}", served.addr)]).arg("--token-file").arg(dir.join("argocd.token"));
    poll.arg("--log-token-file").arg(dir.join("log.token")).arg("--state").arg(dir.join("state"));
    let began = Instant::now();
    let mut child = poll.stdout(Stdio::piped()).spawn().expect("the binary");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = line.and_then(|kib| kib.parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = began.elapsed();
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success());
    (took, peak, String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
