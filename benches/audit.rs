//! Reports at a million entries: the audit of one job, following one more
//! entry, and whether the follower keeps up with commits.
//!
//! `cargo bench --bench audit [-- ENTRIES [DIR]]`; every entry is a signed
//! statement of a holder of its role, in jobs of 24. A million need 2 GB and
//! some minutes, most of them to sign. A DIR is kept and used again.

#[path = "fixture.rs"]
mod fixture;
#[path = "signed.rs"]
mod signed;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use pulselog::artifact::digest::{ArtifactDigest, PayloadHash};
use pulselog::artifact::json::{Value, to_jcs};
use pulselog::artifact::{Grant, KeyCache, Kind, Limits, admit, scope_hash_b64u, seal};
use pulselog::audit::{Scope, Verdict};
use pulselog::entry::{PendingEntry, SubmitterName};
use pulselog::merkle::TreeSize;
use pulselog::server::desk::Desks;
use pulselog::server::index::Index;
use pulselog::server::judge::Audits;
use pulselog::server::log::sequencer::Running;
use pulselog::server::log::{Item, Log};
use pulselog::server::store::layout::cf;

use crate::signed::{ISSUED_AT, did, hex, key, value};

const SMALL: u64 = 1_000;
/// Entries of one job, and before the first.
const JOB: u64 = 24;
const BEFORE: u64 = 2;
/// Jobs that are made and submitted at once.
const JOBS_A_ROUND: u64 = 160;
/// Rounds that are committed back to back.
const ROUNDS: u64 = 20;
/// Entries that are followed one by one, in each of so many turns.
const SINGLES: u64 = 240;
const TURNS: u64 = 5;
const REPORTS: u64 = 500;
const POLICY: &str = r#"{"wpc_version":"v1",
 "workload":{"runtime":"openclaw","agent_name":"bench","environment":"prod"},
 "tools":{"argo_cd":{"mode":"official_api",
   "allow":[{"action":"read","apps":["payments-api"],"namespaces":["prod-canary"]},
            {"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"],"require_approval":true}],
   "deny":[{"action":"edit_app_spec"}]}},
 "token":{"cst":{"max_ttl_seconds":86400,"scope_hash_required":true,"policy_hash_pinning":"optional"}},
 "audit":{"require_gateway_receipts":true,"produce_proof_bundle":false}}"#;

/// A log, its follower and its audits.
struct Bench {
    log: Log,
    running: Running,
    index: Index,
    desks: Desks,
    audits: Audits,
}

fn main() {
    let numbers: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let entries: u64 = numbers.first().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let dir = numbers.get(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&dir).expect("a directory");
    let (small, large) = (open(&dir.join("small")), open(&dir.join("large")));
    fill(&small, SMALL);
    fill(&large, entries);
    println!("                        {SMALL:>12} {entries:>12}   ratio");
    // In turns, so that whatever else the machine does meets both.
    let rounds: Vec<_> = (0..TURNS).map(|_| [&small, &large].map(follow_one)).collect();
    let follow = [0, 1].map(|of| fixture::median(&mut rounds.iter().map(|round| round[of]).collect::<Vec<_>>()));
    row("follow one entry, us", follow[0], follow[1]);
    let (few, many) = (reports(&small, SMALL), reports(&large, entries));
    row("report of a job, ms", few.0, many.0);
    row("… 95th percentile", few.1, many.1);
    close(small);
    keep_up(&large);
    rebuild(large, &dir.join("large"));
}

fn row(name: &str, small: f64, large: f64) {
    println!("{name:24}{small:12.3} {large:12.3}   {:.3}", large / small);
}

fn open(data: &Path) -> Bench {
    let (log, running) = fixture::open_of(data, did("operator"));
    let index = Index::start(&log, did("operator"), fixture::ORIGIN.to_owned());
    let desks = Desks::new(log.clone(), Arc::new(KeyCache::new()));
    let audits = Audits::new(index.clone(), did("operator"), fixture::ORIGIN.to_owned());
    Bench { log, running, index, desks, audits }
}

fn close(bench: Bench) {
    let Bench { log, running, index, desks, audits } = bench;
    let ending = index.ending();
    drop((log, index, desks, audits));
    running.join().expect("a clean end");
    let _ = ending.wait(std::time::Duration::from_secs(60));
}

fn wait(index: &Index, size: TreeSize) {
    while !index.wait(size) {}
}

/// Fills with whole jobs, made on every core.
fn fill(bench: &Bench, until: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let submit = |items: Vec<Item>| runtime.block_on(bench.log.submit(items)).expect("logged");
    if size(&bench.log) == 0 {
        submit(beginning());
    }
    while size(&bench.log) < until {
        let first = (size(&bench.log) - BEFORE) / JOB;
        let jobs = JOBS_A_ROUND.min((until - size(&bench.log)).div_ceil(JOB));
        submit(made(first..first + jobs));
        if size(&bench.log) % 100_000 < jobs * JOB {
            eprintln!("{} entries", size(&bench.log));
        }
    }
    wait(&bench.index, bench.log.published().head.size);
}

/// Commits ready entries back to back, without signatures to verify, and says
/// when the follower had their rows: the most that commits can ask of it.
fn keep_up(bench: &Bench) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let first = size(&bench.log) + 20_000_000;
    let rounds: Vec<_> = (0..ROUNDS).map(|n| made(first + n * JOBS_A_ROUND..first + (n + 1) * JOBS_A_ROUND)).collect();
    let entries = (ROUNDS * JOBS_A_ROUND * JOB) as f64;
    let start = Instant::now();
    for items in rounds {
        runtime.block_on(bench.log.submit(items)).expect("logged");
    }
    let committed = start.elapsed().as_secs_f64();
    wait(&bench.index, bench.log.published().head.size);
    let followed = start.elapsed().as_secs_f64();
    println!("commits, back to back   {:12.0} entries/s without signatures", entries / committed);
    println!("follower over the same  {:12.0} entries/s", entries / followed);
}

fn size(log: &Log) -> u64 {
    log.published().head.size.get()
}

/// Processor time that the follower takes for one more entry, waking included,
/// microseconds: entries are committed one by one.
fn follow_one(bench: &Bench) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let first = size(&bench.log) + 10_000_000;
    let items = made(first..first + SINGLES / JOB);
    wait(&bench.index, bench.log.published().head.size);
    let before = follower_ns();
    for item in items {
        runtime.block_on(bench.log.submit(vec![item])).expect("logged");
        wait(&bench.index, bench.log.published().head.size);
    }
    (follower_ns() - before) / SINGLES as f64 / 1e3
}

/// Time on a processor of every follower in this process, nanoseconds. Those
/// of other logs stand still.
fn follower_ns() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let times = threads.filter_map(|thread| {
        let name = std::fs::read_to_string(thread.path().join("comm")).ok()?;
        let times = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let ns = times.split_whitespace().next()?.parse::<f64>().ok()?;
        (name.trim() == "pulselog-index").then_some(ns)
    });
    times.sum()
}

/// Reports of jobs all over the first `filled` entries, at the log's present
/// size: milliseconds, median and 95th percentile. Every one passes.
fn reports(bench: &Bench, filled: u64) -> (f64, f64) {
    let size = size(&bench.log);
    wait(&bench.index, TreeSize::new(size));
    let jobs = (filled - BEFORE) / JOB;
    let mut samples = Vec::new();
    for n in 0..REPORTS {
        let random = ArtifactDigest::of(format!("report {n}").as_bytes());
        let random = u64::from_be_bytes(random.as_bytes()[..8].try_into().expect("eight bytes"));
        let scope = Scope::Job(job_id(random % jobs));
        let start = Instant::now();
        // A desk for each, as a request has it.
        let sitting = bench.audits.sit(bench.desks.open());
        let report = sitting.report(&scope, TreeSize::new(size)).expect("a report");
        samples.push(start.elapsed().as_secs_f64() * 1e3);
        assert_eq!(report.report.verdict, Verdict::Pass, "{:#?}", report.report.findings);
        assert_eq!(report.entries.len() as u64, BEFORE + JOB);
    }
    let median = fixture::median(&mut samples);
    (median, samples[samples.len() * 95 / 100])
}

/// Drops every row and makes them again from the store.
fn rebuild(bench: Bench, data: &Path) {
    let family = bench.log.store().database().cf_handle(cf::SEARCH).expect("a family");
    bench.log.store().database().delete_range_cf(family, &[0][..], &[0xff][..]).expect("deleted");
    close(bench);
    let bench = open(data);
    let start = Instant::now();
    wait(&bench.index, bench.log.published().head.size);
    let rate = size(&bench.log) as f64 / start.elapsed().as_secs_f64();
    println!("rows made again         {rate:12.0} entries/s from the store");
    bench.log.store().compact();
    let database = bench.log.store().database();
    let family = database.cf_handle(cf::SEARCH).expect("a family");
    let live = database.property_int_value_cf(family, "rocksdb.total-sst-files-size").expect("a number");
    println!(
        "rows on disk            {:12.1} bytes an entry, compacted",
        live.unwrap_or(0) as f64 / size(&bench.log) as f64
    );
    close(bench);
}

fn item(kind: &str, who: &str, payload: &str) -> Item {
    let kind = Kind::parse(kind).expect("a kind");
    let text = seal(kind, value(payload), &key(who), ISSUED_AT).unwrap_or_else(|e| panic!("{e} in {payload}"));
    let admitted = admit(text.as_bytes(), &Grant::all(), &Limits::default(), &KeyCache::new()).expect("admitted");
    let submitter = SubmitterName::parse("bench").expect("a name");
    Item { entries: vec![PendingEntry::new(admitted.artifact, admitted.receipts, submitter)] }
}

fn policy_hash() -> String {
    PayloadHash::of(to_jcs(&value(POLICY)).as_bytes()).to_b64u()
}

/// Roots and policy.
fn beginning() -> Vec<Item> {
    let roots = format!(
        r#"{{"audit_roots_version":"1","nonce":"{}","origin":"{}","policy_signers":["{}"],"cst_issuers":["{issuer}"],
        "cst_revokers":["{issuer}"],"gateways":["{}"],"reviewers":[],"recorders":[],
        "approvers":[{{"did":"{}","instances":["argocd-prod"]}}],"wrappers":[{{"did":"{}","agents":["{agent}"]}}],
        "observers":[],"agents":[{{"did":"{agent}","default_policy":"{policy}","policies":["{policy}"],
        "usernames":[{{"instance":"argocd-prod","username":"bench"}}]}}],"humans":[],"distrusted":[]}}"#,
        &hex("roots")[..32],
        fixture::ORIGIN,
        did("policy signer"),
        did("gateway"),
        did("approver"),
        did("wrapper"),
        issuer = did("issuer"),
        agent = did("agent"),
        policy = policy_hash(),
    );
    vec![item("audit_roots", "operator", &roots), item("work_policy", "policy signer", POLICY)]
}

/// The items of these jobs, in order, made on every core.
fn made(jobs: std::ops::Range<u64>) -> Vec<Item> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let jobs: Vec<u64> = jobs.collect();
    std::thread::scope(|scope| {
        let parts = jobs.chunks(jobs.len().div_ceil(cores).max(1));
        let workers: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().flat_map(|n| job(*n)).collect::<Vec<_>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("made")).collect()
    })
}

fn job_id(n: u64) -> String {
    format!("job-{n}")
}

/// One token, four model calls, six reads and two approved syncs with their
/// receipts, and the revocation: 24 entries that say nothing wrong.
fn job(n: u64) -> Vec<Item> {
    let (job, now) = (job_id(n), SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs());
    let mut claims = value(&format!(
        r#"{{"token_version":"1","sub":"{}","aud":["argocd"],"scope":["deploy"],"iat":{now},"exp":{},
        "policy_hash_b64u":"{}","token_scope_hash_b64u":"","mission_id":"{job}"}}"#,
        did("agent"),
        now + 80_000,
        policy_hash()
    ));
    let scope_hash = scope_hash_b64u(&claims);
    if let Value::Object(claims) = &mut claims {
        claims.set("token_scope_hash_b64u", scope_hash.as_str().into());
    }
    let nonce = |name: &str| hex(&format!("{job} {name}"))[..32].to_owned();
    let token = hex(&format!("{job} token"));
    let issuance = format!(
        r#"{{"cst_issuance_version":"1","nonce":"{}","token_hash":"{token}","claims":{},"kid":"0123456789abcdef"}}"#,
        nonce("issuance"),
        pulselog::artifact::json::to_compact(&claims)
    );
    let mut items = vec![item("cst_issuance", "issuer", &issuance)];
    for call in 0..4 {
        items.push(item("gateway_receipt", "gateway", &model_call(&job, call, &scope_hash, now)));
    }
    let cst = format!(r#"{{"token_hash":"{token}","scope_hash_b64u":"{scope_hash}"}}"#);
    for act in 0..8 {
        let (action, mut approvals) = (if act < 6 { "read" } else { "sync" }, String::new());
        let request = hex(&format!("{job} request {act}"));
        let binds = binds(&job, action, act);
        if action == "sync" {
            let approval = format!(
                r#"{{"approval_version":"1","nonce":"{}","approval_id":"{job} {act}","decision":"approve","binds":{binds},
                "agent_did":"{}","expires_at":"2099-01-01T00:00:00Z"}}"#,
                nonce(&format!("approval {act}")),
                did("agent")
            );
            let approval = item("approval", "approver", &approval);
            approvals = format!(r#""{}""#, approval.entries[0].payload_hash);
            items.push(approval);
        }
        let decision = format!(
            r#"{{"argocd_decision_version":"1","nonce":"{}","decision":"allow","decision_reason":"row","binds":{binds},
            "request_digest":"{request}","cst":{cst},"job_id":"{job}","run_id":"{job}.run","policy_hash_b64u":"{}",
            "approvals":[{approvals}]}}"#,
            nonce(&format!("decision {act}")),
            policy_hash()
        );
        let decision = item("argocd_decision", "wrapper", &decision);
        let receipt = format!(
            r#"{{"argocd_receipt_version":"1","nonce":"{}","decision_digest":"{}","outcome":"accepted","request_digest":"{request}"}}"#,
            nonce(&format!("receipt {act}")),
            decision.entries[0].payload_hash
        );
        items.extend([decision, item("argocd_receipt", "wrapper", &receipt)]);
    }
    let revocation = format!(
        r#"{{"cst_revocation_version":"1","nonce":"{}","token_hash":"{token}","revoked_at":"{ISSUED_AT}","reason":"done",
        "policy_hash_b64u":"{}"}}"#,
        nonce("revocation"),
        policy_hash()
    );
    items.push(item("cst_revocation", "issuer", &revocation));
    items
}

fn binds(job: &str, action: &str, act: u64) -> String {
    format!(
        r#"{{"instance":"argocd-prod","job_id":"{job}","action":"{action}",
        "app":{{"uid":"0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11","name":"payments-api","namespace":"argocd","project":"payments"}},
        "destination":{{"server":"https://kubernetes.default.svc","namespace":"prod-canary"}},
        "revisions":["{}"],"params":{{}}}}"#,
        &hex(&format!("{job} revision {act}"))[..40],
    )
}

/// RFC 3339 of a time in seconds.
fn rfc3339(seconds: u64) -> String {
    // Howard Hinnant's civil_from_days, for days since 1970.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}

fn model_call(job: &str, call: u64, scope_hash: &str, at: u64) -> String {
    let b64u = |name: &str| ArtifactDigest::of(format!("{job} {name} {call}").as_bytes()).to_b64u();
    format!(
        r#"{{"receipt_version":"1","receipt_id":"{job} call {call}","gateway_id":"gw","provider":"openai","model":"gpt-5",
        "request_hash_b64u":"{}","response_hash_b64u":"{}","tokens_input":1,"tokens_output":1,"latency_ms":1,
        "timestamp":"{}","binding":{{"run_id":"{job}.run","event_hash_b64u":"{}","policy_hash":"{}",
        "token_scope_hash_b64u":"{scope_hash}"}}}}"#,
        b64u("request"),
        b64u("response"),
        rfc3339(at),
        b64u("event"),
        policy_hash(),
    )
}
