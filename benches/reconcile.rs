//! What reconciling costs: one job of 1,000 operations that Argo CD and our own
//! identity report, with and without their reports; and a whole log of such jobs.
//!
//! `cargo bench --bench reconcile --no-default-features [-- ENTRIES]`

#[path = "signed.rs"]
mod signed;

use std::time::Instant;

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_compact, to_jcs};
use pulselog::artifact::{
    Did, Grant, KeyCache, Kind, Limits, SignedGrant, UnsignedGrant, admit, op_key, scope_hash_b64u, seal,
};
use pulselog::audit::{Scope, Timeline, Verdict, audit};
use pulselog::entry::{LoggedAt, PendingEntry, SubmitterName};
use pulselog::merkle::LeafIndex;

use crate::signed::{ISSUED_AT, did, hex, key, value};

const START_S: u64 = 1_795_780_800;
const OPERATIONS: u64 = 1_000;
/// From one operation to the next.
const STEP_S: u64 = 10;
/// Operations of each job of a whole log.
const OF_A_JOB: u64 = 100;
const TURNS: usize = 15;
const OPERATOR: &str = "operator";
const POLICY: &str = r#"{"wpc_version":"v1",
 "workload":{"runtime":"openclaw","agent_name":"bench","environment":"prod"},
 "tools":{"argo_cd":{"mode":"official_api",
   "allow":[{"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"]}],"deny":[]}},
 "token":{"cst":{"max_ttl_seconds":86400,"scope_hash_required":true,"policy_hash_pinning":"optional"}},
 "audit":{"require_gateway_receipts":false,"produce_proof_bundle":false}}"#;

fn main() {
    let entries = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(40_000);
    let operator = did(OPERATOR);
    whole_log(entries, &operator);
    let [bare, seen] = [false, true].map(|is_seen| told(1, OPERATIONS, is_seen));
    let times = [&bare, &seen].map(|log| median(log, &operator));
    println!("a job of {OPERATIONS} operations: {:.1} ms with their reports, {:.1} without", times[1], times[0]);
}

/// First of all: what was held before and given back would be filled again, and
/// not be counted.
fn whole_log(entries: u64, operator: &Did) {
    let before = resident();
    let start = Instant::now();
    let whole = told(entries / (1 + 4 * OF_A_JOB), OF_A_JOB, true);
    let (size, made) = (whole.size().get() as f64, start.elapsed().as_secs_f64());
    let start = Instant::now();
    let report = audit(&whole, Some(operator));
    let took = start.elapsed().as_secs_f64();
    assert_eq!(
        report.verdict,
        Verdict::Pass,
        "{:#?} {:#?}",
        report.findings.first().map(|one| &one.detail),
        report.pending.first()
    );
    println!(
        "a log of {size} entries: audited in {took:.2} s, {:.1} us an entry, {:.0} bytes an entry in memory (signed and \
         read again in {made:.1} s)",
        took * 1e6 / size,
        (resident() - before) / size,
    );
}

/// Milliseconds, of the middle turn.
fn median(log: &Timeline, operator: &Did) -> f64 {
    let scope = Scope::Job("job-0".into());
    let turn = || {
        let start = Instant::now();
        let report = audit(log, Some(operator)).of(&scope);
        let took = start.elapsed().as_secs_f64() * 1e3;
        assert_eq!(
            report.verdict,
            Verdict::Pass,
            "{:#?} {:#?}",
            report.findings.first().map(|one| &one.detail),
            report.pending.first()
        );
        took
    };
    let mut turns: Vec<f64> = (0..TURNS).map(|_| turn()).collect();
    turns.sort_by(f64::total_cmp);
    turns[TURNS / 2]
}

/// Peak memory of this process in bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) * 1_024.0
}

fn nonce(text: &str) -> String {
    hex(text)[..32].to_owned()
}

fn policy_hash() -> String {
    PayloadHash::of(to_jcs(&value(POLICY)).as_bytes()).to_b64u()
}

/// A log as it grows.
struct Told {
    /// As a reader of a whole log keeps it: no entry is there twice.
    timeline: Timeline,
    keys: KeyCache,
    /// Milliseconds.
    now: u64,
}

impl Told {
    /// Logs what `who` signs; the payload's hash.
    fn signed(&mut self, kind: &str, who: &str, payload: &str) -> String {
        let kind = Kind::parse(kind).expect("a kind");
        let text = seal(kind, value(payload), &key(who), ISSUED_AT).unwrap_or_else(|e| panic!("{e} in {payload}"));
        self.admitted(&text, &Grant::all(), "bench")
    }

    fn observed(&mut self, channel: &str, payload: &str) {
        let unsigned = UnsignedGrant { kind: Kind::ArgocdObservation, channel: None, instance: None };
        let grant = Grant { signed: SignedGrant::Kinds(Vec::new()), unsigned: Some(unsigned) };
        self.admitted(&to_compact(&value(payload)), &grant, channel);
    }

    fn admitted(&mut self, text: &str, grant: &Grant, submitter: &str) -> String {
        let admitted = admit(text.as_bytes(), grant, &Limits::default(), &self.keys);
        let artifact = admitted.unwrap_or_else(|e| panic!("{e} in {text}")).artifact;
        let submitter = SubmitterName::parse(submitter).expect("a name");
        let pending = PendingEntry::new(artifact.clone(), artifact.receipts_root(), submitter);
        let index = LeafIndex::new(self.timeline.size().get());
        self.now += 1;
        self.timeline.add(index, pending.sequence(LoggedAt::from_unix_ms(self.now)), Some(artifact));
        pending.payload_hash.to_string()
    }
}

/// Jobs of so many operations one after the other.
fn told(jobs: u64, operations: u64, is_seen: bool) -> Timeline {
    let mut log = Told { timeline: Timeline::default(), keys: KeyCache::new(), now: START_S * 1_000 };
    log.signed("audit_roots", OPERATOR, &roots());
    log.signed("work_policy", "policy signer", POLICY);
    // Long before the first act, so that everybody could have decided it.
    log.now += 3_600_000;
    for job in 0..jobs {
        let scope_hash = issue(&mut log, job, operations * STEP_S + 600);
        for at in 0..operations {
            log.now += STEP_S * 1_000 - 5;
            operate(&mut log, job, at, &scope_hash, is_seen);
        }
    }
    // Long after everything that is owed.
    log.now += 7 * 86_400_000;
    log.signed("work_policy", "stranger", POLICY);
    log.timeline
}

fn roots() -> String {
    format!(
        r#"{{"audit_roots_version":"1","nonce":"{}","origin":"bench.example/log","policy_signers":["{}"],
        "cst_issuers":["{issuer}"],"cst_revokers":["{issuer}"],"gateways":[],"reviewers":[],"recorders":[],
        "approvers":[],"wrappers":[{{"did":"{}","agents":["{agent}"]}}],
        "observers":[{{"submitter":"notify","instance":"argocd-prod","channels":["notify"]}},
                     {{"submitter":"poll","instance":"argocd-prod","channels":["poll"]}}],
        "agents":[{{"did":"{agent}","default_policy":"{policy}","policies":["{policy}"],
        "usernames":[{{"instance":"argocd-prod","username":"bench"}}]}}],"humans":[],"distrusted":[]}}"#,
        nonce("roots"),
        did("policy signer"),
        did("wrapper"),
        issuer = did("issuer"),
        agent = did("agent"),
        policy = policy_hash(),
    )
}

/// Issues the token of a job; its scope hash.
fn issue(log: &mut Told, job: u64, lives_s: u64) -> String {
    let now = log.now / 1_000;
    let mut claims = value(&format!(
        r#"{{"token_version":"1","sub":"{}","aud":["argocd"],"scope":["deploy"],"iat":{now},"exp":{},
        "policy_hash_b64u":"{}","token_scope_hash_b64u":"","mission_id":"job-{job}"}}"#,
        did("agent"),
        now + lives_s,
        policy_hash()
    ));
    let scope_hash = scope_hash_b64u(&claims);
    if let Value::Object(claims) = &mut claims {
        claims.set("token_scope_hash_b64u", scope_hash.as_str().into());
    }
    let issuance = format!(
        r#"{{"cst_issuance_version":"1","nonce":"{}","token_hash":"{}","claims":{},"kid":"0123456789abcdef"}}"#,
        nonce(&format!("issuance {job}")),
        hex(&format!("token {job}")),
        to_compact(&claims)
    );
    log.signed("cst_issuance", "issuer", &issuance);
    scope_hash
}

/// One operation: decided, accepted, told by Argo CD, seen by us.
fn operate(log: &mut Told, job: u64, at: u64, scope_hash: &str, is_seen: bool) {
    let name = format!("{job} {at}");
    let (app, revision) = (APP, &hex(&format!("revision {name}"))[..40]);
    let binds = format!(
        r#"{{"instance":"argocd-prod","job_id":"job-{job}","action":"sync","app":{app},
        "destination":{{"server":"https://kubernetes.default.svc","namespace":"prod-canary"}},
        "revisions":["{revision}"],"params":{{}}}}"#
    );
    let request = hex(&format!("request {name}"));
    let decision = log.signed(
        "argocd_decision",
        "wrapper",
        &format!(
            r#"{{"argocd_decision_version":"1","nonce":"{}","decision":"allow","decision_reason":"row","binds":{binds},
            "request_digest":"{request}","cst":{{"token_hash":"{}","scope_hash_b64u":"{scope_hash}"}},
            "job_id":"job-{job}","run_id":"job-{job}.run","policy_hash_b64u":"{}","approvals":[]}}"#,
            nonce(&format!("decision {name}")),
            hex(&format!("token {job}")),
            policy_hash()
        ),
    );
    let (started, digest) = (rfc3339(log.now / 1_000), hex(&format!("operation {name}")));
    let op = op_key("argocd-prod", UID, &started, &digest);
    let receipt = format!(
        r#"{{"argocd_receipt_version":"1","nonce":"{}","decision_digest":"{decision}","outcome":"accepted",
        "request_digest":"{request}","op_key":"{op}"}}"#,
        nonce(&format!("receipt {name}")),
    );
    log.signed("argocd_receipt", "wrapper", &receipt);
    for channel in ["notify", "poll"].into_iter().filter(|_| is_seen) {
        let observation = format!(
            r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"{channel}","instance":"argocd-prod",
            "event":"operation","app":{app},"raw_digest":"{}","action":"sync","action_certainty":"inferred",
            "initiator":{{"username":"bench","automated":false}},"phase":"Succeeded","started_at":"{started}",
            "destination":{{"server":"https://kubernetes.default.svc","namespace":"prod-canary"}},
            "operation_digest":"{digest}","op_key":"{op}",
            "revisions":{{"resolved":["{revision}"],"deployed":["{revision}"]}}}}"#,
            nonce(&format!("{channel} {name}")),
            hex(&format!("raw {channel} {name}")),
        );
        log.observed(channel, &observation);
    }
}

const UID: &str = "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11";
const APP: &str =
    r#"{"uid":"0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11","name":"payments-api","namespace":"argocd","project":"payments"}"#;

/// RFC 3339 of a time in seconds.
fn rfc3339(seconds: u64) -> String {
    jiff::Timestamp::from_second(seconds as i64).expect("a time").to_string()
}
