//! Jobs of agents: a token, model calls, deeds, and the end of it.

use std::collections::BTreeMap;

use super::json::Json;
use super::sealed::{b64u, hash, hex_of, nonce, time};
use super::world::{HOUR, INSTANCE, MINUTE, Op, Refusal, SECOND, World, back, is_away};

/// Life of a token.
pub const TTL: i64 = 30 * MINUTE;

pub struct Job {
    pub agent: usize,
    pub id: String,
    pub run: String,
    pub token: String,
    scope: String,
    /// When the token was logged, in truth.
    pub from: i64,
    events: Vec<Json>,
    calls: Vec<Json>,
}

/// What an agent does to one application, and what its wrapper says of it. As
/// thrown it is honest.
#[derive(Clone)]
pub struct Deed {
    pub app: usize,
    pub action: &'static str,
    pub revision: String,
    pub params: BTreeMap<String, Json>,
    pub seconds: i64,
    pub allow: bool,
    pub is_decided: bool,
    /// Approved by somebody; or this one named again.
    pub is_approved: bool,
    pub approval: Option<String>,
    /// Between the decision and the call.
    pub wait: i64,
    pub outcome: Option<&'static str>,
    /// Whether the call is made at all.
    pub acts: bool,
    pub states: bool,
    pub is_keyed: bool,
    pub has_receipt: bool,
    /// What the operation is unlike in.
    pub on: Option<usize>,
    pub op_params: Option<BTreeMap<String, Json>>,
    pub deployed: Option<String>,
    pub by_kubectl: bool,
    pub is_lost: bool,
    pub job_said: Option<String>,
    pub run_said: Option<String>,
}

/// What came of it.
#[derive(Default)]
pub struct Done {
    pub approval: Option<String>,
    pub op: Option<usize>,
    pub at: i64,
}

impl Deed {
    pub fn new(action: &'static str, app: usize, revision: String) -> Self {
        Self {
            app,
            action,
            revision,
            params: BTreeMap::new(),
            seconds: 5,
            allow: true,
            is_decided: true,
            is_approved: true,
            approval: None,
            wait: 0,
            outcome: None,
            acts: true,
            states: true,
            is_keyed: true,
            has_receipt: true,
            on: None,
            op_params: None,
            deployed: None,
            by_kubectl: false,
            is_lost: false,
            job_said: None,
            run_said: None,
        }
    }
}

impl World {
    /// A job begins: its token is logged at `at`.
    pub fn begin(&mut self, agent: usize, at: i64) -> Job {
        let id = self.fresh("job");
        let run = self.fresh("run");
        let mut job = Job {
            agent,
            token: hex_of(&format!("token of {run}")),
            scope: String::new(),
            from: at,
            events: Vec::new(),
            calls: Vec::new(),
            id,
            run,
        };
        self.issue(&mut job, at);
        job
    }

    /// Logs the token of a job.
    pub fn issue(&mut self, job: &mut Job, at: i64) {
        let issued = self.clock("issuer", at).div_euclid(SECOND);
        let (sub, policy) = (self.did_of(job.agent), self.agents[job.agent].policy.clone());
        let granted = Json::map([
            ("token_version", "1".into()),
            ("sub", sub.into()),
            ("aud", vec!["argocd"].into()),
            ("scope", vec![format!("argocd:{}", job.run)].into()),
            ("policy_hash_b64u", policy.into()),
            ("mission_id", (&job.id).into()),
        ]);
        job.scope = b64u(&hash(granted.compact().as_bytes()));
        let claims =
            granted.with("iat", issued).with("exp", issued + TTL / SECOND).with("token_scope_hash_b64u", &job.scope);
        let payload = Json::map([
            ("cst_issuance_version", "1".into()),
            ("nonce", nonce(&format!("issuance {}", job.run)).into()),
            ("token_hash", (&job.token).into()),
            ("claims", claims),
            ("kid", "0123456789abcdef".into()),
        ]);
        job.from = self.say(at, "cst_issuance", "issuer", payload).1;
        self.tokens.push((job.id.clone(), job.agent, job.from));
    }

    pub fn did_of(&self, agent: usize) -> String {
        self.agents[agent].did.clone()
    }

    /// The agent asks its model, and the gateway says so.
    pub fn call(&mut self, job: &mut Job, at: i64) {
        let id = self.fresh("call");
        let stamp = time(self.clock("gateway", at));
        let said = b64u(&hash(id.as_bytes()));
        let before = job.events.last().map(|event| match event {
            Json::Map(members) => members["event_hash_b64u"].clone(),
            other => panic!("{other:?} is no event"),
        });
        let six = [
            ("event_id", Json::from(format!("evt-{id}"))),
            ("run_id", (&job.run).into()),
            ("event_type", "llm_call".into()),
            ("timestamp", (&stamp).into()),
            ("payload_hash_b64u", (&said).into()),
            ("prev_hash_b64u", before.unwrap_or(Json::Null)),
        ];
        // PEERS 2.9: of these six in this order.
        let texts: Vec<String> = six.iter().map(|(name, value)| format!("\"{name}\":{}", value.compact())).collect();
        let event = b64u(&hash(format!("{{{}}}", texts.join(",")).as_bytes()));
        job.events.push(Json::map(six).with("event_hash_b64u", &event));
        let binding = Json::map([
            ("run_id", (&job.run).into()),
            ("event_hash_b64u", event.into()),
            ("policy_hash", (&self.agents[job.agent].policy).into()),
            ("token_scope_hash_b64u", (&job.scope).into()),
        ]);
        let payload = Json::map([
            ("receipt_version", "1".into()),
            ("receipt_id", id.into()),
            ("gateway_id", "gateway".into()),
            ("provider", "anthropic".into()),
            ("model", "claude".into()),
            ("request_hash_b64u", (&said).into()),
            ("response_hash_b64u", said.into()),
            ("tokens_input", 900.into()),
            ("tokens_output", 120.into()),
            ("latency_ms", 800.into()),
            ("timestamp", stamp.into()),
            ("binding", binding),
        ]);
        let (sealed, _) = self.say(at + 100, "gateway_receipt", "gateway", payload);
        job.calls.push(sealed.envelope);
    }

    pub fn revoke(&mut self, job: &Job, at: i64) -> i64 {
        let payload = Json::map([
            ("cst_revocation_version", "1".into()),
            ("nonce", nonce(&format!("revocation {}", job.run)).into()),
            ("token_hash", (&job.token).into()),
            ("revoked_at", time(self.clock("issuer", at)).into()),
            ("reason", "the job is over".into()),
            ("policy_hash_b64u", (&self.agents[job.agent].policy).into()),
        ]);
        self.say(at, "cst_revocation", "issuer", payload).1
    }

    /// The runtime packs the run, where its policy asks for that.
    pub fn pack(&mut self, job: &Job, at: i64) {
        if !self.agents[job.agent].packs {
            return;
        }
        let (did, name) = (self.did_of(job.agent), self.agents[job.agent].name.clone());
        let own = Json::map([
            ("job_id", (&job.id).into()),
            ("policy_hash_b64u", (&self.agents[job.agent].policy).into()),
            ("token_hashes", vec![job.token.as_str()].into()),
        ]);
        let payload = Json::map([
            ("bundle_version", "1".into()),
            ("bundle_id", format!("bundle of {}", job.run).into()),
            ("agent_did", did.into()),
            ("event_chain", job.events.clone().into()),
            ("receipts", job.calls.clone().into()),
            ("metadata", Json::map([("pulselog", own)])),
        ]);
        self.say(at, "proof_bundle", &name, payload);
    }

    fn binds(&self, job: &Job, deed: &Deed) -> Json {
        let app = &self.apps[deed.app];
        let revisions = if deed.revision.is_empty() { vec![] } else { vec![deed.revision.as_str()] };
        let binds = Json::map([
            ("instance", INSTANCE.into()),
            ("job_id", (&job.id).into()),
            ("action", deed.action.into()),
            ("app", app.names()),
            ("destination", app.destination()),
            ("revisions", revisions.into()),
            ("params", Json::Map(deed.params.clone())),
        ]);
        binds.with_some("history_id", (deed.action == "rollback").then_some(0))
    }

    /// A person approves exactly this.
    fn approve(&mut self, job: &Job, deed: &Deed, at: i64) -> (String, i64) {
        let id = self.fresh("approval");
        let who = format!("approver-{}", self.dice.below(super::cast::APPROVERS));
        let payload = Json::map([
            ("approval_version", "1".into()),
            ("nonce", nonce(&id).into()),
            ("approval_id", id.into()),
            ("decision", "approve".into()),
            ("binds", self.binds(job, deed)),
            ("agent_did", self.did_of(job.agent).into()),
            ("expires_at", time(self.clock(&who, at) + 2 * HOUR).into()),
        ]);
        let (sealed, at) = self.say(at, "approval", &who, payload);
        (sealed.hash, at)
    }

    fn decide(&mut self, job: &Job, deed: &Deed, request: &str, approval: Option<&str>, at: i64) -> (String, i64) {
        let (id, wrapper) = (self.fresh("decision"), self.agents[job.agent].wrapper.clone());
        let mut binds = self.binds(job, deed);
        if let Some(other) = &deed.job_said {
            binds = binds.with("job_id", other);
        }
        let token = Json::map([("token_hash", (&job.token).into()), ("scope_hash_b64u", (&job.scope).into())]);
        let payload = Json::map([
            ("argocd_decision_version", "1".into()),
            ("nonce", nonce(&id).into()),
            ("decision", if deed.allow { "allow" } else { "deny" }.into()),
            ("decision_reason", "a row of the policy".into()),
            ("binds", binds),
            ("request_digest", request.into()),
            ("cst", token),
            ("job_id", deed.job_said.as_ref().unwrap_or(&job.id).into()),
            ("run_id", deed.run_said.as_ref().unwrap_or(&job.run).into()),
            ("policy_hash_b64u", (&self.agents[job.agent].policy).into()),
        ]);
        let payload = payload.with_some("approvals", approval.map(|approval| vec![approval]));
        let (sealed, at) = self.say(at, "argocd_decision", &wrapper, payload);
        (sealed.hash, at)
    }

    /// The wrapper's word on what came of a call.
    fn receipt(&mut self, job: &Job, decision: &str, request: &str, outcome: &str, op: Option<(usize, bool)>, at: i64) {
        let (id, wrapper) = (self.fresh("receipt"), self.agents[job.agent].wrapper.clone());
        let mut payload = Json::map([
            ("argocd_receipt_version", "1".into()),
            ("nonce", nonce(&id).into()),
            ("decision_digest", decision.into()),
            ("outcome", outcome.into()),
            ("request_digest", request.into()),
        ]);
        let answer = match outcome {
            "accepted" => Some((200, None)),
            "refused_rbac" => Some((403, Some(7))),
            "refused_precondition" => Some((400, Some(9))),
            _ => None,
        };
        if let Some((status, code)) = answer {
            payload = payload.with("http_status", status).with_some("grpc_code", code);
            payload = payload.with("response_digest", hex_of(&format!("answer {id}")));
        }
        if let Some((op, is_keyed)) = op.filter(|_| outcome == "accepted") {
            let app = self.ops[op].app;
            payload = payload.with("app_uid", &self.apps[app].uid).with("resource_version", self.ops[op].version());
            if is_keyed {
                let key = self.op_key(op);
                payload = payload.with("op_key", key);
            }
        }
        self.say(at, "argocd_receipt", &wrapper, payload);
    }

    /// Approval, decision, call, receipt.
    pub fn act(&mut self, job: &Job, deed: &Deed, at: i64) -> Done {
        self.deeds.push((job.agent, deed.app, at));
        let mut done = Done { at, approval: deed.approval.clone(), ..Done::default() };
        let request = hex_of(&format!("{} {} {}", deed.action, deed.app, deed.revision));
        let is_asked = self.agents[job.agent].asks || !deed.params.is_empty();
        let is_write = deed.action != "read";
        if deed.is_decided && deed.allow && is_asked && is_write && deed.is_approved && deed.approval.is_none() {
            let before = at - self.dice.between(5 * SECOND, 4 * MINUTE);
            let (approval, said) = self.approve(job, deed, before.max(job.from + SECOND));
            (done.approval, done.at) = (Some(approval), at.max(said));
        }
        let mut decision = None;
        if deed.is_decided {
            let (hash, said) = self.decide(job, deed, &request, done.approval.as_deref(), done.at);
            (decision, done.at) = (Some(hash), said);
        }
        let asked = done.at + self.dice.between(50, 900) + deed.wait;
        let is_down = is_away(&self.away.server, asked);
        // What was to happen by the plan is asked for once the server is there.
        let asked = if deed.outcome.is_none() { asked } else { back(&self.away.server, asked) };
        let mut outcome = deed.outcome.unwrap_or(if is_down { "error_transport" } else { "accepted" });
        let is_op = matches!(deed.action, "sync" | "rollback");
        if deed.acts && is_op && !(is_down && deed.outcome.is_none()) {
            let op = self.op_of(job, deed, decision.as_deref(), asked);
            done.op = self.ask(op, deed.seconds);
            if done.op.is_none() && outcome == "accepted" {
                outcome = "refused_precondition";
            }
        }
        if outcome == "refused_rbac" && !deed.acts {
            let user = self.agents[job.agent].username.clone();
            let method = if deed.action == "sync" { "Sync" } else { "Rollback" };
            self.refuse(user, deed.app, method, asked);
        }
        if let (Some(decision), true, true) = (&decision, deed.has_receipt, deed.allow) {
            let answered = asked + self.dice.between(200, 15 * SECOND);
            let op = done.op.map(|op| (op, deed.is_keyed));
            self.receipt(job, decision, &request, outcome, op, answered);
        }
        done
    }

    fn op_of(&mut self, job: &Job, deed: &Deed, decision: Option<&str>, asked: i64) -> Op {
        let deployed = deed.deployed.clone().unwrap_or_else(|| deed.revision.clone());
        let is_sync = deed.action == "sync";
        Op {
            app: deed.on.unwrap_or(deed.app),
            user: self.agents[job.agent].username.clone(),
            rollback: !is_sync,
            by_kubectl: deed.by_kubectl,
            asked,
            revision: deed.revision.clone(),
            deployed,
            params: deed.op_params.clone().unwrap_or_else(|| deed.params.clone()),
            states: decision.filter(|_| deed.states && is_sync).map(str::to_owned),
            phase: if self.dice.chance(8) && !deed.is_lost { "Failed" } else { "Succeeded" },
            retries: i64::from(deed.params.contains_key("retry_refresh")),
            is_lost: deed.is_lost,
            ..Op::default()
        }
    }

    /// argocd-server refuses a call and writes a line of it.
    pub fn refuse(&mut self, user: String, app: usize, method: &'static str, at: i64) -> usize {
        self.refusals.push(Refusal { at, user, app, method, is_lost: false, is_seen: false });
        self.refusals.len() - 1
    }
}
