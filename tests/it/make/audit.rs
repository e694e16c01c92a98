//! A story for the audit: one agent, one job, two runs, told as the demo tells
//! it, with fixed keys. Steps can be changed, left out or added by name.

use std::collections::BTreeMap;

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_compact, to_jcs};
use pulselog::artifact::{Did, op_key, renewed, scope_hash_b64u};
use pulselog::audit::{Report, Timeline, audit};
use pulselog::entry::{LoggedAt, PendingEntry, SubmitterName};
use pulselog::merkle::LeafIndex;

use crate::make::{admit_any, b64u, did, hex, key, kind, readmit_any, seal_raw, set, value};

/// 2026-11-22T12:00:00Z.
pub const START_MS: i64 = 1_795_348_800_000;
const STEP_MS: i64 = 1_000;
pub const POLICY: &str = r#"{"wpc_version":"v1",
 "workload":{"runtime":"openclaw","agent_name":"argo-deploy-assistant","environment":"prod"},
 "tools":{"argo_cd":{"mode":"official_api",
   "allow":[{"action":"read","apps":["payments-api"],"namespaces":["prod-canary"]},
            {"action":"sync","apps":["payments-api"],"namespaces":["prod-canary"],"require_approval":true},
            {"action":"rollback","apps":["payments-api"],"namespaces":["prod-canary"],"require_approval":true}],
   "deny":[{"action":"edit_app_spec"},{"action":"manage_projects"},{"action":"cluster_admin"}]}},
 "token":{"cst":{"max_ttl_seconds":1800,"scope_hash_required":true,"policy_hash_pinning":"optional"}},
 "audit":{"require_gateway_receipts":true,"produce_proof_bundle":true}}"#;

/// One statement to be logged: its name in the story, kind, who signs, payload.
#[derive(Clone)]
pub struct Step {
    pub name: String,
    pub kind: &'static str,
    signer: String,
    submitter: String,
    pub payload: Value<'static>,
    pub ms: i64,
    /// When the second envelope that it stands in was issued, where it does.
    renewed: Option<i64>,
}

/// Steps in order. References between payloads are by name: a text `@name` is
/// the payload hash of that step (hex), `#name` the key of the operation that
/// the decision of that name led to, and `#` that of the observation itself.
#[derive(Clone, Default)]
pub struct Story {
    pub steps: Vec<Step>,
    pub job: String,
    pub agent: String,
    /// JCS hash of the policy that everything names.
    policy: String,
    last_ms: i64,
    /// Whether an earlier build logged it, which refused less.
    pub is_earlier: bool,
}

pub fn nonce(of: &str) -> String {
    hex(of)[..32].to_owned()
}

fn app() -> &'static str {
    r#"{"uid":"0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11","name":"payments-api","namespace":"argocd","project":"payments"}"#
}

pub fn binds(job: &str, action: &str) -> String {
    let history = if action == "rollback" { r#","history_id":41"# } else { "" };
    format!(
        r#"{{"instance":"argocd-prod","job_id":"{job}","action":"{action}","app":{},
        "destination":{{"server":"https://kubernetes.default.svc","namespace":"prod-canary"}},
        "revisions":["{}"]{history},"params":{{}}}}"#,
        app(),
        &hex("revision")[..40],
    )
}

pub fn time(ms: i64) -> String {
    // Since the first of the month.
    let seconds = (ms - START_MS) / 1_000 + (21 * 24 + 12) * 3_600;
    let day = 1 + seconds.div_euclid(86_400);
    assert!((1..=30).contains(&day), "the story ends in the same month");
    format!("2026-11-{day:02}T{:02}:{:02}:{:02}Z", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
}

impl Step {
    /// The artifact, sealed; `hashes` are those of the steps that it names.
    fn text(&self, hashes: &BTreeMap<String, String>) -> String {
        let payload = self.said(hashes);
        match self.signer.as_str() {
            "" => to_compact(&payload),
            signer => {
                let sealed = seal_raw(kind(self.kind), payload, &key(signer));
                let renewed = self.renewed.map(|ms| renewed(&sealed, &time(ms)).expect("an envelope"));
                to_compact(&renewed.unwrap_or(sealed))
            }
        }
    }

    /// The payload, with what it names in its place.
    fn said(&self, hashes: &BTreeMap<String, String>) -> Value<'static> {
        let mut payload = resolved(&self.payload, hashes);
        if payload.text_at("op_key") == Some("#") {
            let key = self.op_key();
            set(&mut payload, "op_key", Some(key.into()));
        }
        payload
    }

    /// Key of the operation that an observation reports.
    fn op_key(&self) -> String {
        let text = |path| self.payload.text_at(path).unwrap_or_default();
        op_key(text("instance"), text("app.uid"), text("started_at"), text("operation_digest"))
    }

    /// The same said by somebody without any role.
    pub fn by_stranger(&mut self, who: &str) {
        if !self.signer.is_empty() {
            self.signer = who.to_owned();
        }
        self.submitter = who.to_owned();
        self.name = format!("{} by {who}", self.name);
    }
}

impl Story {
    /// The whole clean story of one job.
    pub fn clean() -> Self {
        Self::under(value(POLICY), &[])
    }

    /// The same under another policy, with policies logged before it.
    pub fn under(policy: Value<'static>, before: &[(&str, Value<'static>)]) -> Self {
        let hash = PayloadHash::of(to_jcs(&policy).as_bytes()).to_b64u();
        let mut story = Self { last_ms: START_MS, policy: hash, ..Self::default() };
        story.roots(&["agent"]);
        for (name, policy) in before {
            story.log(name, "work_policy", "policy signer", policy.clone());
        }
        story.log("policy", "work_policy", "policy signer", policy);
        story.job("job-1", "agent");
        story
    }

    /// Plays one job of an agent: two runs, each with token, call and write.
    pub fn job(&mut self, job: &str, agent: &str) {
        (self.job, self.agent) = (job.to_owned(), agent.to_owned());
        let name = |text: &str| format!("{job}.{text}");
        self.token("t1");
        self.call("r1", "t1", 1);
        self.decide("read", "allow", "r1", "t1", "read", None);
        self.receipt("read receipt", "read", "accepted", None);
        self.approve("ok", "approve", "sync");
        self.decide("sync", "allow", "r1", "t1", "sync", Some("ok"));
        self.receipt("sync receipt", "sync", "accepted", Some("sync"));
        self.observe("seen", "sync", "sync", true);
        self.decide("edit", "deny", "r1", "t1", "edit_app_spec", None);
        self.log(&name("revoked"), "cst_revocation", "issuer", self.revocation("t1"));
        self.token("t2");
        self.call("r2", "t2", 1);
        self.approve("back ok", "approve", "rollback");
        self.decide("back", "allow", "r2", "t2", "rollback", Some("back ok"));
        self.receipt("back receipt", "back", "accepted", Some("back"));
        self.observe("back seen", "back", "rollback", false);
        self.bundle("b1", "r1", "t1", &[1]);
        self.bundle("b2", "r2", "t2", &[1]);
    }

    pub fn roots(&mut self, agents: &[&str]) {
        let dids: Vec<_> = agents.iter().map(|agent| did(agent)).collect();
        let policy = &self.policy;
        let rows: Vec<_> = dids
            .iter()
            .map(|did| {
                format!(
                    r#"{{"did":"{did}","default_policy":"{policy}","policies":["{policy}"],
                    "usernames":[{{"instance":"argocd-prod","username":"proj:payments:agent"}}]}}"#
                )
            })
            .collect();
        let approver = |who: &str| format!(r#"{{"did":"{}","instances":["argocd-prod"]}}"#, did(who));
        let roots = value(&format!(
            r#"{{"audit_roots_version":"1","nonce":"{}","origin":"log.example/test","policy_signers":["{}"],
            "cst_issuers":["{issuer}"],"cst_revokers":["{issuer}"],"gateways":["{}"],"reviewers":[],"recorders":[],
            "approvers":[{},{}],"wrappers":[{{"did":"{}","agents":{}}}],
            "observers":[{{"submitter":"observer","instance":"argocd-prod","channels":["notify","poll"]}}],
            "agents":[{}],"humans":[],"distrusted":[]}}"#,
            nonce("roots"),
            did("policy signer"),
            did("gateway"),
            approver("approver"),
            approver("second approver"),
            did("wrapper"),
            to_compact(&Value::Array(dids.iter().map(|did| did.as_str().into()).collect())),
            rows.join(","),
            issuer = did("issuer"),
        ));
        self.log("roots", "audit_roots", "operator", roots);
    }

    /// Appends a step one second after the one before.
    pub fn log(&mut self, name: &str, kind: &'static str, signer: &str, payload: Value<'static>) {
        self.last_ms += STEP_MS;
        self.steps.push(Step {
            name: name.to_owned(),
            kind,
            signer: signer.to_owned(),
            submitter: "submitter".to_owned(),
            payload,
            ms: self.last_ms,
            renewed: None,
        });
    }

    /// Logs what nobody signs, at a time of its own: above what was logged by then.
    pub fn bare_at(&mut self, ms: i64, name: &str, kind: &'static str, submitter: &str, payload: Value<'static>) {
        let at = self.steps.partition_point(|step| step.ms <= ms);
        let (name, signer, submitter) = (name.to_owned(), String::new(), submitter.to_owned());
        self.steps.insert(at, Step { name, kind, signer, submitter, payload, ms, renewed: None });
    }

    pub fn named(&self, text: &str) -> String {
        format!("{}.{text}", self.job)
    }

    /// When the last step was logged.
    pub fn now_ms(&self) -> i64 {
        self.last_ms
    }

    pub fn token_hash(&self, token: &str) -> String {
        hex(&self.named(token))
    }

    pub fn claims(&self, token: &str) -> Value<'static> {
        let issued = (self.last_ms + STEP_MS) / 1_000;
        let mut claims = value(&format!(
            r#"{{"token_version":"1","sub":"{}","aud":["argocd"],"scope":["{token}"],"iat":{issued},"exp":{},
            "policy_hash_b64u":"{}","token_scope_hash_b64u":"","mission_id":"{}"}}"#,
            did(&self.agent),
            issued + 900,
            self.policy,
            self.job
        ));
        let hash = scope_hash_b64u(&claims);
        set(&mut claims, "token_scope_hash_b64u", Some(hash.into()));
        claims
    }

    pub fn scope_hash(&self, token: &str) -> String {
        scope_hash_b64u(&self.claims(token))
    }

    pub fn token(&mut self, token: &str) {
        let name = self.named(token);
        let mut payload = value(&format!(
            r#"{{"cst_issuance_version":"1","nonce":"{}","token_hash":"{}","claims":{{}},"kid":"0123456789abcdef"}}"#,
            nonce(&name),
            hex(&name)
        ));
        set(&mut payload, "claims", Some(self.claims(token)));
        self.log(&name, "cst_issuance", "issuer", payload);
    }

    pub fn revocation(&self, token: &str) -> Value<'static> {
        value(&format!(
            r#"{{"cst_revocation_version":"1","nonce":"{}","token_hash":"{}","revoked_at":"{}","reason":"incident",
            "policy_hash_b64u":"{}"}}"#,
            nonce("revocation"),
            self.token_hash(token),
            time(self.last_ms),
            self.policy
        ))
    }

    fn event(&self, run: &str, at: u32, before: Option<&Value<'static>>) -> Value<'static> {
        let mut event = value(&format!(
            r#"{{"event_id":"evt-{at}","run_id":"{}","event_type":"llm_call","timestamp":"{}",
            "payload_hash_b64u":"{}","prev_hash_b64u":null}}"#,
            self.named(run),
            time(START_MS),
            b64u(&format!("{run} {at}"))
        ));
        if let Some(hash) = before.and_then(|event| event.get("event_hash_b64u")) {
            set(&mut event, "prev_hash_b64u", Some(hash.clone()));
        }
        let hash = PayloadHash::of(to_compact(&event).as_bytes()).to_b64u();
        set(&mut event, "event_hash_b64u", Some(hash.into()));
        event
    }

    pub fn chain(&self, run: &str, calls: u32) -> Vec<Value<'static>> {
        let mut events: Vec<Value> = Vec::new();
        for at in 1..=calls {
            let event = self.event(run, at, events.last());
            events.push(event);
        }
        events
    }

    /// The model call number `at` of a run, under a token's grant.
    pub fn call(&mut self, run: &str, token: &str, at: u32) {
        let name = self.named(&format!("{run} call {at}"));
        let event = self.chain(run, at).pop().expect("an event");
        let payload = value(&format!(
            r#"{{"receipt_version":"1","receipt_id":"{name}","gateway_id":"gw","provider":"openai","model":"gpt-5",
            "request_hash_b64u":"{hash}","response_hash_b64u":"{hash}","tokens_input":1,"tokens_output":1,
            "latency_ms":1,"timestamp":"{}","binding":{{"run_id":"{}","event_hash_b64u":"{}","policy_hash":"{}",
            "token_scope_hash_b64u":"{}"}}}}"#,
            time(self.last_ms),
            self.named(run),
            event.text_at("event_hash_b64u").unwrap_or_default(),
            self.policy,
            self.scope_hash(token),
            hash = b64u(&name),
        ));
        self.log(&name, "gateway_receipt", "gateway", payload);
    }

    pub fn decide(&mut self, name: &str, verdict: &str, run: &str, token: &str, action: &str, approval: Option<&str>) {
        let name = self.named(name);
        let approvals = approval.map_or(String::new(), |of| format!(r#""@{}""#, self.named(of)));
        let payload = value(&format!(
            r#"{{"argocd_decision_version":"1","nonce":"{}","decision":"{verdict}","decision_reason":"row",
            "binds":{},"request_digest":"{}","cst":{{"token_hash":"{}","scope_hash_b64u":"{}"}},"job_id":"{}",
            "run_id":"{}","policy_hash_b64u":"{}","approvals":[{approvals}]}}"#,
            nonce(&name),
            binds(&self.job, action),
            hex(action),
            self.token_hash(token),
            self.scope_hash(token),
            self.job,
            self.named(run),
            self.policy
        ));
        self.log(&name, "argocd_decision", "wrapper", payload);
    }

    pub fn receipt(&mut self, name: &str, decision: &str, outcome: &str, op: Option<&str>) {
        let name = self.named(name);
        let op = op.map_or(String::new(), |op| format!(r##","op_key":"#{}""##, self.named(op)));
        let action = match decision {
            "back" => "rollback",
            "edit" => "edit_app_spec",
            other => other,
        };
        let payload = value(&format!(
            r#"{{"argocd_receipt_version":"1","nonce":"{}","decision_digest":"@{}","outcome":"{outcome}",
            "request_digest":"{}"{op}}}"#,
            nonce(&name),
            self.named(decision),
            hex(action)
        ));
        self.log(&name, "argocd_receipt", "wrapper", payload);
    }

    pub fn approve(&mut self, name: &str, decision: &str, action: &str) {
        let name = self.named(name);
        let payload = value(&format!(
            r#"{{"approval_version":"1","nonce":"{}","approval_id":"{name}","decision":"{decision}","binds":{},
            "agent_did":"{}","expires_at":"{}"}}"#,
            nonce(&name),
            binds(&self.job, action),
            did(&self.agent),
            time(self.last_ms + 600_000)
        ));
        self.log(&name, "approval", "approver", payload);
    }

    pub fn observe(&mut self, name: &str, decision: &str, action: &str, stated: bool) {
        let name = self.named(name);
        let info = match stated {
            true => format!(r#","info":[{{"name":"claw.decision","value":"@{}"}}]"#, self.named(decision)),
            false => String::new(),
        };
        // Whoever reports it, an operation starts once.
        let decided = self.named(decision);
        let started = self.steps.iter().find(|step| step.name == decided).map_or(self.last_ms, |step| step.ms);
        let payload = value(&format!(
            r##"{{"argocd_observation_version":"2","nonce":"{}","channel":"notify","instance":"argocd-prod",
            "event":"operation","app":{},"raw_digest":"{}","action":"{action}","action_certainty":"inferred",
            "initiator":{{"username":"proj:payments:agent","automated":false}},"phase":"Succeeded",
            "started_at":"{}","destination":{{"server":"https://kubernetes.default.svc","namespace":"prod-canary"}},
            "operation_digest":"{}","op_key":"#"{info},
            "revisions":{{"resolved":["{revision}"],"deployed":["{revision}"]}}}}"##,
            nonce(&name),
            app(),
            hex(&name),
            time(started),
            hex(&decided),
            revision = &hex("revision")[..40],
        ));
        self.log(&name, "argocd_observation", "", payload);
        self.submitted_by(&name, "observer");
    }

    /// A bundle of the run's events, with the receipts of these calls.
    pub fn bundle(&mut self, name: &str, run: &str, token: &str, calls: &[u32]) {
        let name = self.named(name);
        let receipts = calls.iter().map(|at| {
            let of = self.named(&format!("{run} call {at}"));
            let call = self.steps.iter().find(|step| step.name == of).expect("a call");
            seal_raw(kind("gateway_receipt"), call.payload.clone(), &key("gateway"))
        });
        let mut payload = value(&format!(
            r#"{{"bundle_version":"1","bundle_id":"{name}","agent_did":"{}","event_chain":[],"receipts":[],
            "metadata":{{"pulselog":{{"job_id":"{}","policy_hash_b64u":"{}","token_hashes":["{}"]}}}}}}"#,
            did(&self.agent),
            self.job,
            self.policy,
            self.token_hash(token)
        ));
        set(&mut payload, "receipts", Some(Value::Array(receipts.collect())));
        set(&mut payload, "event_chain", Some(Value::Array(self.chain(run, calls.len().max(1) as u32))));
        let agent = self.agent.clone();
        self.log(&name, "proof_bundle", &agent, payload);
    }

    /// Payload of a step.
    pub fn said(&self, name: &str) -> &Value<'static> {
        &self.steps[self.at(name)].payload
    }

    pub fn at(&self, name: &str) -> usize {
        let full = self.named(name);
        let found = self.steps.iter().position(|step| step.name == full || step.name == name);
        found.unwrap_or_else(|| panic!("no step {name}"))
    }

    /// Changes one member of a step.
    pub fn set(&mut self, name: &str, path: &str, new: impl Into<Value<'static>>) {
        let at = self.at(name);
        set(&mut self.steps[at].payload, path, Some(new.into()));
    }

    /// Takes one member of a step away.
    pub fn unset(&mut self, name: &str, path: &str) {
        let at = self.at(name);
        set(&mut self.steps[at].payload, path, None);
    }

    pub fn submitted_by(&mut self, name: &str, submitter: &str) {
        let at = self.at(name);
        self.steps[at].submitter = submitter.to_owned();
    }

    /// Logs the roots once more, under this name, with one member changed.
    pub fn roots_again(&mut self, name: &str, path: &str, new: Value<'static>) {
        let mut roots = self.steps[self.at("roots")].payload.clone();
        set(&mut roots, "nonce", Some(nonce(name).into()));
        set(&mut roots, path, Some(new));
        self.log(name, "audit_roots", "operator", roots);
    }

    pub fn signed_by(&mut self, name: &str, signer: &str) {
        let at = self.at(name);
        self.steps[at].signer = signer.to_owned();
    }

    pub fn remove(&mut self, name: &str) -> Step {
        let at = self.at(name);
        self.steps.remove(at)
    }

    /// Moves a step, with its time, to just after another.
    pub fn move_after(&mut self, name: &str, other: &str) {
        let mut step = self.remove(name);
        let at = self.at(other);
        step.ms = self.steps[at].ms;
        self.steps.insert(at + 1, step);
    }

    /// Moves the last step to just after another.
    pub fn last_after(&mut self, other: &str) {
        let name = self.steps.last().expect("a step").name.clone();
        self.move_after(&name, other);
    }

    /// Puts a step, at that step's time, just after another.
    pub fn insert_after(&mut self, other: &str, mut step: Step) {
        let at = self.at(other);
        step.ms = self.steps[at].ms;
        self.steps.insert(at + 1, step);
    }

    /// The same statement in a new envelope, just after another step.
    pub fn renew(&mut self, name: &str, other: &str) {
        let mut step = self.steps[self.at(name)].clone();
        (step.name, step.renewed) = (format!("{} renewed", step.name), Some(self.steps[self.at(other)].ms));
        self.insert_after(other, step);
    }

    /// The same statement as the last step, in an envelope of its own, submitted by
    /// somebody else; the name of that step. Time stands still.
    pub fn again(&mut self, name: &str) -> String {
        let mut step = self.steps[self.at(name)].clone();
        let count = i64::try_from(self.steps.len()).expect("a count");
        (step.name, step.submitter) = (format!("{name} again {count}"), "anybody".to_owned());
        (step.ms, step.renewed) = (self.last_ms, Some(START_MS + count * 1_000));
        self.steps.push(step);
        self.steps[self.steps.len() - 1].name.clone()
    }

    /// Steps that somebody signed, in order.
    pub fn signed(&self) -> Vec<String> {
        let signed = self.steps.iter().filter(|step| !step.signer.is_empty());
        signed.map(|step| step.name.clone()).collect()
    }

    /// Name of the step after this one, or of this one when it is the last.
    pub fn step_after(&self, name: &str) -> String {
        let at = self.at(name);
        self.steps.get(at + 1).unwrap_or(&self.steps[at]).name.clone()
    }

    /// The grant that a decision names.
    pub fn decided_scope(&self, decision: &str) -> String {
        let step = &self.steps[self.at(decision)];
        step.payload.text_at("cst.scope_hash_b64u").expect("a grant").to_owned()
    }

    /// Lets time pass before the next step.
    pub fn wait(&mut self, ms: i64) {
        self.last_ms += ms;
    }

    /// The log that this story leaves.
    pub fn timeline(&self) -> Timeline {
        self.timeline_without(&[])
    }

    /// The same with the bodies of these steps withheld.
    pub fn timeline_without(&self, withheld: &[&str]) -> Timeline {
        let hashes = self.hashes();
        let withheld: Vec<_> = withheld.iter().map(|name| self.at(name)).collect();
        Timeline::new(self.steps.iter().enumerate().map(|(at, step)| {
            let text = step.text(&hashes);
            let read =
                if self.is_earlier { readmit_any(&text) } else { admit_any(&text).map(|admitted| admitted.artifact) };
            let artifact = read.unwrap_or_else(|error| panic!("{}: {error} in {text}", step.name));
            let submitter = SubmitterName::parse(&step.submitter).expect("a name");
            let entry = PendingEntry::new(artifact.clone(), artifact.receipts_root(), submitter)
                .sequence(LoggedAt::from_unix_ms(step.ms.unsigned_abs()));
            let body = (!withheld.contains(&at)).then_some(artifact);
            (LeafIndex::new(at as u64), entry, body)
        }))
    }

    #[cfg(feature = "server")]
    /// What is submitted, in order: when, and the artifact.
    pub fn submissions(&self) -> Vec<(i64, String)> {
        let hashes = self.hashes();
        self.steps.iter().map(|step| (step.ms, step.text(&hashes))).collect()
    }

    /// Keys of the operations that decisions led to, as `#decision`. One that
    /// nobody reports is called by no observation's name.
    fn operations(&self) -> BTreeMap<String, String> {
        let decisions = self.steps.iter().filter(|step| step.kind == "argocd_decision");
        let key = |decision: &Step| {
            let digest = hex(&decision.name);
            let is_it = |step: &&Step| step.payload.text_at("operation_digest") == Some(digest.as_str());
            self.steps.iter().find(is_it).map_or_else(|| hex(&format!("operation {digest}")), Step::op_key)
        };
        decisions.map(|decision| (format!("#{}", decision.name), key(decision))).collect()
    }

    fn hashes(&self) -> BTreeMap<String, String> {
        let mut hashes = self.operations();
        let mut waiting: Vec<&Step> = self.steps.iter().collect();
        // References may point forwards; each round resolves what it can.
        for _ in 0..4 {
            waiting.retain(|step| {
                let payload = step.said(&hashes);
                let open = to_compact(&payload).contains("\"@");
                if !open {
                    let hash = PayloadHash::of(to_compact(&payload).as_bytes());
                    hashes.insert(step.name.clone(), hash.to_string());
                }
                open
            });
        }
        hashes
    }

    pub fn audit(&self) -> Report {
        audit(&self.timeline(), Some(&operator()))
    }

    /// Index of a step.
    pub fn index(&self, name: &str) -> u64 {
        self.at(name) as u64
    }
}

pub fn operator() -> Did {
    Did::parse(&did("operator")).expect("a did")
}

/// The payload with every `@name` replaced; a step that is not there has the
/// hash of nothing anybody logged.
fn resolved(value: &Value<'static>, hashes: &BTreeMap<String, String>) -> Value<'static> {
    match value {
        Value::String(text) => {
            let name = text.strip_prefix('@').unwrap_or(text);
            let named = hashes.get(name).filter(|_| text.starts_with(['@', '#']));
            named.map_or_else(|| value.clone(), |hash| hash.as_str().into())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| resolved(item, hashes)).collect()),
        Value::Object(object) => {
            let mut out = pulselog::artifact::json::Object::new();
            for (name, member) in object.iter() {
                out.set(name, resolved(member, hashes));
            }
            out.into()
        }
        other => other.clone(),
    }
}
