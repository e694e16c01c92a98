//! Writes: asked for, approved, decided, sent, and seen by two channels.

use pulselog::artifact::json::Value;

use super::cast::{APPROVERS, APPS, App, INSTANCE, did, nonce, username_of};
use super::drafts::time;
use super::world::{World, Write};
use crate::make::{hex, set, value};

/// What the wrapper heard of a call that did not come through.
const REFUSED: [&str; 4] = ["not_sent", "refused_rbac", "refused_sync_window", "refused_precondition"];

/// Who reports an operation, and in which order.
const CHANNELS: [&[&str]; 5] = [&["notify"], &["poll"], &["notify", "poll"], &["poll", "notify"], &[]];

impl World {
    /// A sync or a rollback with its approval. It may be refused and tried
    /// again under the same approval.
    pub fn write(&mut self, run: usize) {
        self.event(run, "human_approval");
        let app = self.dice.one(&APPS);
        let binds = self.write_binds(run, app);
        let mut approvals = vec![self.approve(run, 0, &binds, "approve")];
        if self.dice.chance(15) {
            approvals.push(self.approve(run, 1, &binds, "approve"));
        }
        if self.dice.chance(10) {
            let other = self.write_binds(run, app);
            self.approve(run, 1, &other, "deny");
        }
        if self.dice.chance(20) {
            let refused = self.decide(run, "allow", &binds, &approvals);
            let outcome = *self.dice.one(&REFUSED);
            let before = self.runs[run].now;
            self.receipt(run, &refused, outcome, None);
            // The wrapper tries again once its receipt stands.
            let logged = self.drafts.iter().rev().take(2).map(|draft| draft.ms).max().unwrap_or(before);
            self.runs[run].now = before.max(logged + 1_000);
            self.pass(run, 1, 20);
            if self.dice.chance(25) || !self.has_time(run, 60) {
                return;
            }
        }
        let decision = self.decide(run, "allow", &binds, &approvals);
        if self.dice.chance(8) {
            self.receipt(run, &decision, "error_transport", None);
            if self.dice.chance(60) {
                self.ran_all_the_same(run, &binds, app, &decision);
            }
            self.pass(run, 5, 20);
            return;
        }
        if self.dice.chance(4) {
            self.approve(run, 1, &binds, "deny");
            let row = self.runs[run].row("APPROVAL_DENIED_LATER", "shown");
            self.expected.push(row);
        }
        let write = self.accepted(run, &binds, app, approvals[0].clone(), decision);
        self.runs[run].writes.push(write);
        self.tool(run, "argocd.app.sync", "success");
        self.pass(run, 5, 20);
    }

    /// No two writes of a story bind the same.
    fn write_binds(&mut self, run: usize, app: &App) -> Value<'static> {
        let revision = hex(&self.fresh("revision"))[..40].to_owned();
        if self.dice.chance(35) {
            let history = self.dice.between(1, 90);
            let more = format!(r#""revisions":["{revision}"],"history_id":{history},"params":{{}}"#);
            return self.binds(run, "rollback", app, &more);
        }
        let namespace = app.namespace;
        let part = format!(
            r#"{{"resources":[{{"group":"apps","kind":"Deployment","namespace":"{namespace}","name":"web"}}]}}"#
        );
        let params = *self.dice.one(&["{}", "{}", r#"{"prune":true}"#, r#"{"dry_run":true}"#, part.as_str()]);
        self.binds(run, "sync", app, &format!(r#""revisions":["{revision}"],"params":{params}"#))
    }

    pub fn approve(&mut self, run: usize, who: usize, binds: &Value<'static>, verdict: &str) -> String {
        let (of, approver) = (&self.runs[run], APPROVERS[who]);
        let (id, agent, now) = (of.id.clone(), of.agent, of.now);
        let name = self.fresh(&format!("{id} {verdict}"));
        let valid = self.dice.between(1_500, 3_600) * 1_000;
        let mut payload = value(&format!(
            r#"{{"approval_version":"1","nonce":"{}","approval_id":"{name}","decision":"{verdict}","binds":{{}},
            "agent_did":"{}","expires_at":"{}"}}"#,
            nonce(&name),
            did(agent),
            time(self.shows(approver, now) + valid)
        ));
        set(&mut payload, "binds", Some(binds.clone()));
        self.say(&name, "approval", approver, payload, now);
        self.maybe_again(5);
        self.pass(run, 21, 60);
        name
    }

    /// The answer was lost on its way, and not the call: Argo CD reports an
    /// operation that no receipt names, and a rollback states nothing.
    fn ran_all_the_same(&mut self, run: usize, binds: &Value<'static>, app: &App, decision: &str) {
        let started = self.pass(run, 1, 20);
        let name = self.fresh(&format!("{decision} ran"));
        let channel = *self.dice.one(&["notify", "poll"]);
        let mut payload = self.observation(run, binds, app, started, &name, channel);
        if binds.text_at("action") == Some("sync") {
            let info = value(&format!(r#"[{{"name":"claw.decision","value":"@hash:{decision}"}}]"#));
            set(&mut payload, "info", Some(info));
        }
        // What it synced tells it from others of the same time.
        set(&mut payload, "revisions.resolved", binds.get("revisions").cloned());
        let logged = started + self.dice.between(2, 150) * 1_000;
        self.say(&format!("{name} {channel}"), "argocd_observation", "", payload, logged);
        let observer = if channel == "notify" { "notifier" } else { "poller" };
        observer.clone_into(&mut self.drafts.last_mut().expect("a draft").submitter);
    }

    fn accepted(&mut self, run: usize, binds: &Value<'static>, app: &App, approval: String, decision: String) -> Write {
        let is_sync = binds.text_at("action") == Some("sync");
        let started = self.pass(run, 1, 20);
        let name = self.fresh(&format!("{decision} seen"));
        let channels = *self.dice.one(&CHANNELS);
        // What Argo CD calls the operation can be read only where one looked.
        let polled = !channels.is_empty() && (!is_sync || self.dice.chance(50));
        let op = polled.then(|| format!("@op:{name} {}", channels[0]));
        let receipt = self.receipt(run, &decision, "accepted", op.as_deref());
        let mut seen = Vec::new();
        for channel in channels {
            let mut payload = self.observation(run, binds, app, started, &name, channel);
            if is_sync {
                let info = value(&format!(r#"[{{"name":"claw.decision","value":"@hash:{decision}"}}]"#));
                set(&mut payload, "info", Some(info));
            }
            let logged = started + self.dice.between(2, 150) * 1_000;
            let seen_as = format!("{name} {channel}");
            self.say(&seen_as, "argocd_observation", "", payload, logged);
            self.drafts.last_mut().expect("a draft").submitter =
                if *channel == "notify" { "notifier" } else { "poller" }.to_owned();
            self.maybe_again(10);
            if self.may("clusters", 10) {
                let by_name = format!(r#"{{"name":"in-cluster","namespace":"{}"}}"#, app.namespace);
                self.draft(&seen_as).set("destination", value(&by_name));
                if !self.knows_clusters {
                    let row = self.runs[run].row("CLUSTER_NOT_COMPARED", "incomplete");
                    self.expected.push(row);
                }
            }
            seen.push(seen_as);
        }
        if let Some(seen_as) = seen.first().filter(|_| is_sync).cloned()
            && self.may("k8s", 10)
        {
            // The cluster's own event of the same operation.
            let event = self.alike(&seen_as, started + 5_000);
            event.set("channel", "k8s_event");
            event.unset("operation_digest");
            event.unset("op_key");
            event.submitter = "poller".to_owned();
        }
        Write { approval, decision, receipt, seen }
    }

    /// What a channel reports of an operation: the same to whoever looks, but
    /// for how far it has come.
    fn observation(
        &mut self,
        run: usize,
        binds: &Value<'static>,
        app: &App,
        started: i64,
        operation: &str,
        channel: &str,
    ) -> Value<'static> {
        let action = binds.text_at("action").expect("an action").to_owned();
        let certainty = if action == "sync" { "inferred" } else { "stated" };
        let end = end_of(operation);
        let phase = *self.dice.one(&[end, end, end, "Running", end]);
        let mut payload = value(&format!(
            r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"{channel}","instance":"{INSTANCE}",
            "event":"operation","app":{},"raw_digest":"{}","action":"{action}","action_certainty":"{certainty}",
            "initiator":{{"username":"{}","automated":false}},"phase":"{phase}","started_at":"{}",
            "destination":{},"operation_digest":"{}","op_key":"@op:{operation} {channel}","params":{{}}}}"#,
            nonce(&format!("{operation} {channel}")),
            app.json(),
            hex(&format!("{operation} {channel}")),
            username_of(self.runs[run].agent),
            self.time_of("argo cd", started),
            app.destination(),
            hex(operation),
        ));
        let params = binds.get("params").expect("parameters").clone();
        let revisions = binds.get("revisions").expect("revisions");
        let made = entry_of(operation, &params);
        let mut seen = value("{}");
        if self.dice.chance(70) {
            set(&mut seen, "requested", Some(revisions.clone()));
        }
        if phase == "Succeeded" || self.dice.chance(50) {
            set(&mut seen, "resolved", Some(revisions.clone()));
        }
        if let Some(made) = made.filter(|_| phase == "Succeeded") {
            set(&mut seen, "deployed", Some(revisions.clone()));
            if action == "sync" || self.may("history", 100) {
                set(&mut payload, "history_id", Some(value(&made.to_string())));
            }
        }
        set(&mut payload, "revisions", Some(seen));
        set(&mut payload, "params", Some(params));
        payload
    }

    /// Automated sync switched off for an application, and seen to be.
    pub fn switch_off(&mut self, run: usize) {
        self.event(run, "policy_decision");
        let app = self.dice.one(&APPS);
        let binds = self.binds(run, "set_auto_sync", app, r#""revisions":[],"params":{"auto_sync":"off"}"#);
        let decision = self.decide(run, "allow", &binds, &[]);
        self.receipt(run, &decision, "accepted", None);
        let more = r#""event":"auto_sync","before":"on","after":"off""#;
        self.report(run, &format!("{decision} seen"), app, more);
        self.pass(run, 1, 20);
    }

    /// What is no operation, as the second channel reports it.
    pub fn report(&mut self, run: usize, name: &str, app: &App, more: &str) {
        let payload = value(&format!(
            r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"poll","instance":"{INSTANCE}",
            "app":{},"raw_digest":"{}",{more}}}"#,
            nonce(name),
            app.json(),
            hex(name)
        ));
        let logged = self.runs[run].now + 30_000;
        self.say(name, "argocd_observation", "", payload, logged);
        self.drafts.last_mut().expect("a draft").submitter = "poller".to_owned();
    }

    /// The agent's own word on a tool that it used.
    pub fn tool(&mut self, run: usize, tool: &'static str, status: &str) {
        if !self.dice.chance(50) {
            return;
        }
        let event = self.event(run, "tool_call");
        let name = self.fresh(&format!("{} tool", self.runs[run].id));
        let of = &self.runs[run];
        let payload = value(&format!(
            r#"{{"receipt_version":"1","receipt_id":"{name}","tool_name":"{tool}","tool_version":"v3.1",
            "args_hash_b64u":"{hash}","result_hash_b64u":"{hash}","result_status":"{status}",
            "hash_algorithm":"SHA-256","agent_did":"{}","timestamp":"{}","latency_ms":12,
            "binding":{{"run_id":"{}","event_hash_b64u":"{event}"}}}}"#,
            did(of.agent),
            self.time_of(of.agent, of.now),
            of.id,
            hash = crate::make::b64u(&name),
        ));
        let (agent, now) = (of.agent, of.now);
        *self.runs[run].tools.entry(tool).or_default() += 1;
        if self.dice.chance(60) {
            self.say(&name, "tool_receipt", agent, payload, now);
            self.runs[run].own.push(("tool_receipts", format!("@envelope:{name}").into()));
        } else {
            self.runs[run].own.push(("tool_receipts", payload));
        }
    }
}

/// An operation ends in one way, whichever channel reports it.
fn end_of(operation: &str) -> &'static str {
    if hex(operation).starts_with(['0', '1', '2', '3']) { "Failed" } else { "Succeeded" }
}

/// The entry of the history that it makes, if any: one, whoever looks.
pub fn entry_of(operation: &str, params: &Value<'_>) -> Option<i64> {
    let is_whole = params.get("dry_run").is_none() && params.get("resources").is_none();
    let made = 91 + i64::try_from(operation.len()).expect("small") % 7;
    (end_of(operation) == "Succeeded" && is_whole).then_some(made)
}
