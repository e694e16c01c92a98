//! Jobs as a log holds them: each entry a signed statement of a holder of its
//! role, and nothing wrong with it.

#![allow(dead_code, reason = "each bench uses its part of this")]

use std::time::{SystemTime, UNIX_EPOCH};

use pulselog::artifact::digest::{ArtifactDigest, PayloadHash};
use pulselog::artifact::json::{Value, to_jcs};
use pulselog::artifact::{Grant, KeyCache, Kind, Limits, admit, scope_hash_b64u, seal};
use pulselog::entry::{PendingEntry, SubmitterName};
use pulselog::server::log::{Item, Log};

use crate::fixture;
use crate::signed::{ISSUED_AT, did, hex, key, value};

/// Entries of one job, and before the first.
pub const JOB: u64 = 24;
pub const BEFORE: u64 = 2;
/// Jobs that are made and submitted at once.
pub const JOBS_A_ROUND: u64 = 160;
const POLICY: &str = r#"{"wpc_version":"v1",
 "workload":{"runtime":"openclaw","agent_name":"bench","environment":"prod"},
 "tools":{"argo_cd":{"mode":"official_api",
   "allow":[{"action":"read","apps":["payments-api"],"namespaces":["prod-canary"]},
            {"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"],"require_approval":true}],
   "deny":[{"action":"edit_app_spec"}]}},
 "token":{"cst":{"max_ttl_seconds":86400,"scope_hash_required":true,"policy_hash_pinning":"optional"}},
 "audit":{"require_gateway_receipts":true,"produce_proof_bundle":false}}"#;

/// Fills with whole jobs, made on every core.
pub fn fill(log: &Log, until: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let submit = |items: Vec<Item>| runtime.block_on(log.submit(items)).expect("logged");
    if size(log) == 0 {
        submit(beginning());
    }
    while size(log) < until {
        let first = (size(log) - BEFORE) / JOB;
        let jobs = JOBS_A_ROUND.min((until - size(log)).div_ceil(JOB));
        submit(made(first..first + jobs));
        if size(log) % 100_000 < jobs * JOB {
            eprintln!("{} entries", size(log));
        }
    }
}

pub fn size(log: &Log) -> u64 {
    log.published().head.size.get()
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
pub fn beginning() -> Vec<Item> {
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
pub fn made(jobs: std::ops::Range<u64>) -> Vec<Item> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let jobs: Vec<u64> = jobs.collect();
    std::thread::scope(|scope| {
        let parts = jobs.chunks(jobs.len().div_ceil(cores).max(1));
        let workers: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().flat_map(|n| job(*n)).collect::<Vec<_>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("made")).collect()
    })
}

pub fn job_id(n: u64) -> String {
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
