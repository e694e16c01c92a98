//! What a run does besides writing: tokens, model calls, reads, denied tries.

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::artifact::scope_hash_b64u;

use super::cast::{APPS, App, GATEWAYS, INSTANCE, did, nonce, wrapper_of};
use super::drafts::{Draft, time};
use super::world::{Run, STOP_MS, Token, World};
use crate::make::{b64u, hex, set, value};

impl World {
    /// Begins a run of an agent with its first token.
    pub fn begin(&mut self, agent: &'static str, job: &str, id: &str, now: i64) -> usize {
        let scope = if self.dice.chance(50) { format!("argocd:{id}") } else { "argocd:sync".to_owned() };
        let is_pinned = self.dice.chance(50);
        self.runs.push(Run { agent, job: job.to_owned(), id: id.to_owned(), scope, is_pinned, now, ..Run::default() });
        self.issue(self.runs.len() - 1);
        self.runs.len() - 1
    }

    /// Issues the run's first token, or its next one.
    pub fn issue(&mut self, run: usize) {
        let ttl = self.dice.between(900, 1_800);
        let Run { agent, job, id, now, scope, is_pinned, .. } = &self.runs[run];
        let name = format!("{job} {id} token {}", self.runs[run].tokens.len() + 1);
        let issued = self.shows("issuer", *now) / 1_000;
        let mut claims = value(&format!(
            r#"{{"token_version":"1","sub":"{}","aud":["argocd"],"scope":["{scope}"],"iat":{issued},"exp":{},
            "token_scope_hash_b64u":"","mission_id":"{job}"}}"#,
            did(agent),
            issued + ttl,
        ));
        if *is_pinned {
            set(&mut claims, "policy_hash_b64u", Some(self.policy.as_str().into()));
        }
        let scope = scope_hash_b64u(&claims);
        set(&mut claims, "token_scope_hash_b64u", Some(scope.as_str().into()));
        let mut payload = value(&format!(
            r#"{{"cst_issuance_version":"1","nonce":"{}","token_hash":"{}","claims":{{}},"kid":"0123456789abcdef"}}"#,
            nonce(&name),
            hex(&name)
        ));
        set(&mut payload, "claims", Some(claims));
        let logged = *now + 200;
        self.runs[run].tokens.push(Token {
            name: name.clone(),
            hash: hex(&name),
            scope,
            issued_ms: issued * 1_000,
            expires_ms: (issued + ttl) * 1_000,
        });
        self.runs[run].end_ms = (issued + ttl) * 1_000;
        self.say(&name, "cst_issuance", "issuer", payload, logged);
        self.maybe_again(5);
        if self.dice.chance(5) {
            // The issuer did not learn that it was logged, and signs the same claims once more.
            let later = logged + self.dice.between(0, 20) * 1_000;
            self.alike(&name, later);
        }
        self.pass(run, 21, 40);
    }

    /// Whether there is time for something that takes so long: everybody stops
    /// well before the end, by clocks that may be two minutes off.
    pub fn has_time(&self, run: usize, seconds: i64) -> bool {
        let run = &self.runs[run];
        run.now + seconds * 1_000 + 120_000 <= run.token().expires_ms - STOP_MS
    }

    /// Appends an event to the run's chain; gives its hash.
    pub fn event(&mut self, run: usize, what: &str) -> String {
        let of = &self.runs[run];
        let at = of.events.len() + 1;
        let mut event = value(&format!(
            r#"{{"event_id":"evt-{at}","run_id":"{}","event_type":"{what}","timestamp":"{}",
            "payload_hash_b64u":"{}","prev_hash_b64u":null}}"#,
            of.id,
            self.time_of(of.agent, of.now),
            b64u(&format!("{} {at}", of.id))
        ));
        if let Some(before) = of.events.last().and_then(|event| event.text_at("event_hash_b64u")) {
            set(&mut event, "prev_hash_b64u", Some(before.into()));
        }
        let hash = PayloadHash::of(to_compact(&event).as_bytes()).to_b64u();
        set(&mut event, "event_hash_b64u", Some(hash.as_str().into()));
        self.runs[run].events.push(event);
        hash
    }

    /// A model call through one of the gateways, which logs its receipt; the
    /// runtime sends the same receipt at times.
    pub fn call(&mut self, run: usize) -> String {
        let event = self.event(run, "llm_call");
        let name = self.gateway_receipt(run, Some(&event));
        self.runs[run].calls.push(name.clone());
        self.maybe_again(12);
        self.pass(run, 1, 30);
        name
    }

    /// A call that broke off: only the gateway has its receipt.
    pub fn aborted_call(&mut self, run: usize) {
        let event = self.dice.chance(50).then(|| b64u("an event that the runtime never wrote"));
        self.gateway_receipt(run, event.as_deref());
        let row = self.runs[run].row("RECEIPT_NOT_IN_BUNDLE", "incomplete");
        self.runs[run].once_packed.push(row);
        self.pass(run, 1, 30);
    }

    /// A call whose gateway leaves the event out, which it may.
    pub fn call_without_event(&mut self, run: usize) {
        self.event(run, "llm_call");
        let name = self.gateway_receipt(run, None);
        self.runs[run].calls.push(name);
        self.pass(run, 1, 30);
    }

    /// A call whose gateway knows the grant and not the run.
    pub fn unplaced_call(&mut self, run: usize) {
        let name = self.gateway_receipt(run, None);
        self.draft(&name).unset("binding.run_id");
        let signer = self.draft(&name).signer.clone();
        let signed = self.shows(&signer, self.runs[run].now) / 1_000 * 1_000;
        let scope = self.runs[run].token().scope.clone();
        self.unplaced.push((scope, signed));
        self.pass(run, 1, 30);
    }

    /// A call in time whose receipt reaches the log after the token's end.
    pub fn call_logged_late(&mut self, run: usize) {
        let event = self.event(run, "llm_call");
        let name = self.gateway_receipt(run, Some(&event));
        let late = self.runs[run].end_ms + self.dice.between(0, 600) * 1_000;
        self.draft(&name).ms = late;
        let row = self.runs[run].row("LATE_EVIDENCE", "incomplete");
        self.expected.push(row);
        self.runs[run].calls.push(name);
        self.runs[run].packs_from = late;
    }

    /// What the gateway signs and logs.
    pub fn gateway_receipt(&mut self, run: usize, event: Option<&str>) -> String {
        let of = &self.runs[run];
        let (id, now) = (of.id.clone(), of.now);
        let mut binding = value(&format!(
            r#"{{"run_id":"{id}","policy_hash":"{}","token_scope_hash_b64u":"{}"}}"#,
            self.policy,
            of.token().scope
        ));
        if let Some(event) = event {
            set(&mut binding, "event_hash_b64u", Some(event.into()));
        }
        let gateway = *self.dice.one(&GATEWAYS);
        let name = self.fresh(&format!("{id} call"));
        let mut payload = value(&format!(
            r#"{{"receipt_version":"1","receipt_id":"{name}","gateway_id":"gw","provider":"openai","model":"gpt-5",
            "request_hash_b64u":"{hash}","response_hash_b64u":"{hash}","tokens_input":1,"tokens_output":1,
            "latency_ms":1,"timestamp":"{}","binding":{{}}}}"#,
            time(self.shows(gateway, now)),
            hash = b64u(&name),
        ));
        set(&mut payload, "binding", Some(binding));
        let delay = if self.dice.chance(85) { self.dice.between(0, 3) } else { self.dice.between(3, 120) };
        self.say(&name, "gateway_receipt", gateway, payload, now + delay * 1_000);
        name
    }

    /// What a decision says about a run, an application and an action.
    pub fn decision(
        &self,
        run: usize,
        verdict: &str,
        binds: &Value<'static>,
        approvals: &[String],
        name: &str,
    ) -> Value<'static> {
        let of = &self.runs[run];
        let mut payload = value(&format!(
            r#"{{"argocd_decision_version":"1","nonce":"{}","decision":"{verdict}","decision_reason":"row",
            "binds":{{}},"request_digest":"{}","cst":{{"token_hash":"{}","scope_hash_b64u":"{}"}},"job_id":"{}",
            "run_id":"{}","policy_hash_b64u":"{}","approvals":[]}}"#,
            nonce(name),
            hex(&format!("request of {name}")),
            of.token().hash,
            of.token().scope,
            of.job,
            of.id,
            self.policy
        ));
        set(&mut payload, "binds", Some(binds.clone()));
        let approvals = approvals.iter().map(|of| format!("@hash:{of}").into()).collect();
        set(&mut payload, "approvals", Some(Value::Array(approvals)));
        payload
    }

    pub fn binds(&self, run: usize, action: &str, app: &App, more: &str) -> Value<'static> {
        value(&format!(
            r#"{{"instance":"{INSTANCE}","job_id":"{}","action":"{action}","app":{},"destination":{},{more}}}"#,
            self.runs[run].job,
            app.json(),
            app.destination(),
        ))
    }

    /// Decides, and lets the wrapper's answer arrive; gives the draft's name.
    pub fn decide(&mut self, run: usize, verdict: &str, binds: &Value<'static>, approvals: &[String]) -> String {
        let action = binds.text_at("action").unwrap_or_default().to_owned();
        let name = self.fresh(&format!("{} {verdict} {action}", self.runs[run].id));
        let payload = self.decision(run, verdict, binds, approvals, &name);
        let (now, wrapper) = (self.runs[run].now, wrapper_of(self.runs[run].agent));
        self.say(&name, "argocd_decision", wrapper, payload, now);
        // The answer, and with it the next step, comes after the repetition.
        self.maybe_again(8);
        self.pass(run, 1, 3);
        name
    }

    pub fn receipt(&mut self, run: usize, decision: &str, outcome: &str, op: Option<&str>) -> String {
        let name = self.fresh(&format!("{decision} {outcome}"));
        let op = op.map_or(String::new(), |op| format!(r#","op_key":"{op}""#));
        let payload = value(&format!(
            r#"{{"argocd_receipt_version":"1","nonce":"{}","decision_digest":"@hash:{decision}",
            "outcome":"{outcome}","request_digest":"{}"{op}{}}}"#,
            nonce(&name),
            hex(&format!("request of {decision}")),
            self.answer(outcome),
        ));
        let delay = if self.dice.chance(90) { self.dice.between(0, 20) } else { self.dice.between(20, 290) };
        let (now, wrapper) = (self.runs[run].now, wrapper_of(self.runs[run].agent));
        self.say(&name, "argocd_receipt", wrapper, payload, now + delay * 1_000);
        self.maybe_again(8);
        name
    }

    /// What the wrapper read of the answer, if it got one and says so.
    fn answer(&mut self, outcome: &str) -> &'static str {
        let answers: &[&'static str] = match outcome {
            "refused_rbac" | "refused_sync_window" => &[
                "",
                r#","http_status":403,"grpc_code":7"#,
                r#","http_status":200,"grpc_code":7"#,
                r#","http_status":401"#,
                r#","http_status":302"#,
            ],
            "refused_precondition" => &["", r#","http_status":400,"grpc_code":9"#, r#","grpc_code":9"#],
            "error_transport" => &["", r#","http_status":504"#, r#","http_status":503,"grpc_code":14"#],
            _ => &[""],
        };
        self.dice.one::<&'static str>(answers)
    }

    /// A read or a refresh, which need no approval.
    pub fn read(&mut self, run: usize) {
        self.event(run, "policy_decision");
        let action = *self.dice.one(&["read", "refresh"]);
        let app = self.dice.one(&APPS);
        let binds = self.binds(run, action, app, r#""revisions":[],"params":{}"#);
        let decision = self.decide(run, "allow", &binds, &[]);
        let outcome =
            *self.dice.one(&["accepted", "accepted", "accepted", "refused_rbac", "error_transport", "not_sent"]);
        self.receipt(run, &decision, outcome, None);
        if outcome == "accepted" && self.dice.chance(2) {
            self.log_tardily(run, &decision);
        }
        self.runs[run].reads.push(decision);
        self.tool(run, "argocd.app.get", "success");
        self.pass(run, 1, 20);
    }

    /// The wrapper could not reach the log for a while.
    fn log_tardily(&mut self, run: usize, decision: &str) {
        let decided = self.draft(decision).ms;
        let named = format!("@hash:{decision}");
        let of = |draft: &&mut Draft| draft.payload.text_at("decision_digest") == Some(&named);
        let late = decided + 360_000 + self.dice.between(1, 600) * 1_000;
        self.drafts.iter_mut().filter(of).for_each(|draft| draft.ms = late);
        let row = self.runs[run].row("LATE_EVIDENCE", "incomplete");
        self.expected.push(row);
        self.is_tardy = true;
    }

    /// Something that the policy denies, and the wrapper too.
    pub fn try_and_be_denied(&mut self, run: usize) {
        self.event(run, "policy_denied");
        let app = self.dice.one(&APPS);
        let binds = self.binds(run, "edit_app_spec", app, r#""revisions":[],"params":{}"#);
        let decision = self.decide(run, "deny", &binds, &[]);
        if self.dice.chance(40) {
            self.receipt(run, &decision, "not_sent", None);
        }
        self.pass(run, 1, 20);
    }
}
