//! What Argo CD shows besides the agents' acts: its own syncs, people, repeats,
//! retries, lost answers, snapshots. None of it is anybody's fault.

use pulselog::artifact::json::{Value, to_compact};

use super::cast::{AGENTS, APPS, App, INSTANCE, nonce, username_of};
use super::dice::Dice;
use super::world::World;
use super::writes::entry_of;
use crate::make::{hex, set, value};

/// One operation as Argo CD reports it.
pub struct Seen<'a> {
    pub app: &'a App,
    pub action: &'a str,
    pub username: &'a str,
    pub is_automated: bool,
    /// True time of its start.
    pub started: i64,
    pub params: &'a str,
    pub channel: &'a str,
}

impl World {
    /// Between the first run's beginning and whatever was said last. Dice of
    /// its own: what agents do stays the same without it.
    pub fn argo(&mut self, seed: u64) {
        let own = std::mem::replace(&mut self.dice, Dice::new(seed ^ 0x00a7_60cd));
        for _ in 0..self.dice.between(0, 4) {
            match self.dice.between(1, 14) {
                1 => self.automated(r#"{}"#, ""),
                // A self-heal syncs what drifted.
                2 => self.automated(
                    r#"{"resources":[{"group":"apps","kind":"Deployment","namespace":"prod-canary","name":"web"}]}"#,
                    "",
                ),
                3 => self.automated(r#"{}"#, "applicationset-controller"),
                4 => self.by_a_person("{}"),
                5 => self.by_a_person(r#"{"dry_run":true}"#),
                6 => self.two_in_one_second(),
                7 => self.by_somebody(),
                8 => self.again_and_late(),
                9 => self.retried(),
                10 => self.before_the_log(),
                11 => self.snapshots(),
                12 => self.over_before_anybody_looked(),
                13 => self.an_entry_of_a_known_operation(),
                _ => self.refused(),
            }
        }
        self.dice = own;
    }

    /// Some time in the story, and when it ends so far.
    fn some_time(&mut self) -> (i64, i64) {
        let last = self.drafts.iter().map(|draft| draft.ms).max().expect("a draft");
        let from = self.start_ms() + 10_000;
        (self.dice.between(from, from.max(last - 200_000)), last)
    }

    /// Reports an operation; gives the draft's name.
    pub fn operation(&mut self, of: &Seen<'_>, logged: i64) -> String {
        let name = self.fresh(&format!("{} by {}", of.action, of.username));
        let certainty = if of.action == "sync" { "inferred" } else { "stated" };
        let mut payload = value(&format!(
            r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"{}","instance":"{INSTANCE}",
            "event":"operation","app":{},"raw_digest":"{}","action":"{}","action_certainty":"{certainty}",
            "initiator":{{"username":"{}","automated":{}}},"phase":"Succeeded","started_at":"{}",
            "destination":{},"operation_digest":"{}","op_key":"@op:{name}","params":{}}}"#,
            nonce(&name),
            of.channel,
            of.app.json(),
            hex(&format!("raw {name}")),
            of.action,
            of.username,
            of.is_automated,
            self.time_of("argo cd", of.started),
            of.app.destination(),
            hex(&name),
            of.params,
        ));
        let revision = hex(&format!("revision of {name}"))[..40].to_owned();
        set(&mut payload, "revisions", Some(value(&format!(r#"{{"resolved":["{revision}"]}}"#))));
        self.say(&name, "argocd_observation", "", payload, logged);
        let observer = if of.channel == "notify" { "notifier" } else { "poller" };
        observer.clone_into(&mut self.drafts.last_mut().expect("a draft").submitter);
        name
    }

    fn play_one(&mut self, action: &str, username: &str, is_automated: bool, params: &str) -> (String, i64) {
        let (started, last) = self.some_time();
        let app = self.dice.one(&APPS);
        let channel = *self.dice.one(&["notify", "poll"]);
        let logged = (started + self.dice.between(2, 150) * 1_000).min(last);
        (self.operation(&Seen { app, action, username, is_automated, started, params, channel }, logged), last)
    }

    fn automated(&mut self, params: &str, username: &str) {
        let _ = self.play_one("sync", username, true, params);
    }

    /// Somebody whom the roots list.
    fn by_a_person(&mut self, params: &str) {
        let action = *self.dice.one(&["sync", "rollback"]);
        let _ = self.play_one(action, "sre", false, params);
    }

    /// Ordinary operations share a second, an application and a user.
    fn two_in_one_second(&mut self) {
        let (first, last) = self.play_one("sync", "sre", false, "{}");
        let at = (self.draft(&first).ms + 1_000).min(last);
        let second = self.alike(&first, at);
        second.set("operation_digest", hex(&second.name));
        let own = format!("@op:{}", second.name);
        second.set("op_key", own);
    }

    /// A user whom the roots do not list, and they do not say that they list all.
    fn by_somebody(&mut self) {
        let _ = self.play_one("sync", "ci-bot", false, "{}");
    }

    /// Some report of an agent's write, if any channel saw one.
    fn some_report(&mut self) -> Option<String> {
        let seen: Vec<_> =
            self.runs.iter().flat_map(|run| &run.writes).flat_map(|write| write.seen.iter().cloned()).collect();
        (!seen.is_empty()).then(|| self.dice.one(&seen).clone())
    }

    /// A notification comes twice, the second time much later.
    fn again_and_late(&mut self) {
        let Some(seen) = self.some_report() else { return };
        let last = self.drafts.iter().map(|draft| draft.ms).max().expect("a draft");
        let first = self.draft(&seen).ms;
        let at = self.dice.between(first, last.max(first));
        let again = self.alike(&seen, at);
        again.set("raw_digest", hex(&again.name));
        let own = format!("@op:{}", again.name);
        again.set("op_key", own);
        again.set("message", "successfully synced (all tasks run)");
    }

    /// Between two tries an operation is Running and has an end already.
    fn retried(&mut self) {
        let Some(seen) = self.some_report() else { return };
        let at = self.draft(&seen).ms;
        let started = self.draft(&seen).text("started_at").to_owned();
        let again = self.alike(&seen, at);
        let own = format!("@op:{}", again.name);
        again.set("op_key", own);
        again.set("phase", "Running");
        again.set("finished_at", started);
        again.set("retry", value(r#"{"count":1,"limit":5}"#));
        for shown in ["revisions.deployed", "history_id"] {
            if again.payload.at(shown).is_some() {
                again.unset(shown);
            }
        }
    }

    /// A first look at an instance shows what ran long before anybody listened.
    fn before_the_log(&mut self) {
        let agent = *self.dice.one(&AGENTS);
        let (logged, _) = self.some_time();
        let started = self.start_ms() - self.dice.between(600, 7_000) * 1_000;
        let (app, username) = (self.dice.one(&APPS), username_of(agent));
        let seen = Seen {
            app,
            action: "sync",
            username: &username,
            is_automated: false,
            started,
            params: "{}",
            channel: "poll",
        };
        let _ = self.operation(&seen, logged);
    }

    /// A person's operation of which a poller finds the entry in the history alone.
    fn over_before_anybody_looked(&mut self) {
        let (name, _) = self.play_one("sync", "sre", false, "{}");
        self.leave_its_entry(&name);
    }

    /// The poller finds the entry of an operation that another channel reported, if it made one.
    fn an_entry_of_a_known_operation(&mut self) {
        let Some(seen) = self.some_report() else { return };
        let (at, params) = (self.draft(&seen).ms + 1_000, self.draft(&seen).payload.get("params").cloned());
        let operation = seen.rsplit_once(' ').expect("operation and channel").0;
        let Some(made) = entry_of(operation, &params.expect("parameters")) else { return };
        let name = self.alike(&seen, at).name.clone();
        self.draft(&name).set("history_id", value(&made.to_string()));
        for shown in ["info", "revisions.requested"] {
            if self.draft(&name).payload.at(shown).is_some() {
                self.draft(&name).unset(shown);
            }
        }
        self.leave_its_entry(&name);
    }

    /// What is left of a report where the operation's object is gone.
    pub fn leave_its_entry(&mut self, name: &str) {
        let entry = self.draft(name);
        "poller".clone_into(&mut entry.submitter);
        entry.set("channel", "poll");
        entry.set("phase", "Succeeded");
        if entry.payload.get("history_id").is_none() {
            entry.set("history_id", 77_u32);
        }
        ["operation_digest", "op_key"].iter().for_each(|shown| entry.unset(shown));
    }

    /// Every application, with the last entry of its history: by who looks once,
    /// and so promises no next look. Between two, something could be hidden.
    fn snapshots(&mut self) {
        let (from, _) = self.some_time();
        if self.drafts.iter().all(|draft| draft.kind != "argocd_snapshot") {
            self.snapshot(from, 91, None);
        }
    }

    /// One look at every application.
    pub fn snapshot(&mut self, at: i64, history: i64, op: Option<&str>) {
        let name = self.fresh("snapshot");
        let mut apps: Vec<&App> = APPS.iter().collect();
        apps.sort_by_key(|app| hex(app.name));
        let row = |app: &&App| {
            // Two looks that are to be alike do not tell.
            let auto_sync = match op {
                Some(_) => "unknown",
                None if self.is_switched_off(app, at) => "off",
                None => "on",
            };
            let op = op.map_or_else(String::new, |op| format!(r#","op_key":"{op}""#));
            value(&format!(
                r#"{{"app":{},"spec_digest":"{}","auto_sync":"{auto_sync}","history_id":{history}{op}}}"#,
                app.json(),
                hex(app.name)
            ))
        };
        let rows = Value::Array(apps.iter().map(row).collect());
        let mut payload = value(&format!(
            r#"{{"argocd_snapshot_version":"1","nonce":"{}","channel":"poll","instance":"{INSTANCE}","taken_at":"{}",
            "full":true,"rows":[],"rows_total":{},"rows_digest":"{}"}}"#,
            nonce(&name),
            self.time_of("argo cd", at),
            apps.len(),
            hex(&to_compact(&rows))
        ));
        set(&mut payload, "rows", Some(rows));
        self.say(&name, "argocd_snapshot", "", payload, at);
        "poller".clone_into(&mut self.drafts.last_mut().expect("a draft").submitter);
    }

    /// Whether automated sync of an application is off by then, by a decision or a
    /// person's record.
    fn is_switched_off(&self, app: &App, at: i64) -> bool {
        self.drafts.iter().filter(|draft| draft.ms <= at).any(|draft| {
            let says = |path| draft.payload.text_at(path);
            let is_allow = draft.kind == "argocd_decision" && says("decision") == Some("allow");
            let is_off = is_allow && says("binds.params.auto_sync") == Some("off");
            let is_frozen = draft.kind == "change_record" && says("what") == Some("freeze");
            is_off && says("binds.app.name") == Some(app.name) || is_frozen && says("app.name") == Some(app.name)
        })
    }

    /// A person's call is refused, and a read of an agent's wrapper.
    fn refused(&mut self) {
        let (at, _) = self.some_time();
        let agent = username_of(self.dice.one::<&str>(&AGENTS));
        let (subject, method) = *self.dice.one(&[("sre", "Sync"), ("", "List")]);
        let subject = if subject.is_empty() { agent } else { subject.to_owned() };
        self.denial(&subject, method, "payments-api", at);
    }

    /// The API server's log: a call that it refused.
    pub fn denial(&mut self, subject: &str, method: &str, app: &str, at: i64) {
        let name = self.fresh(&format!("{method} of {subject} refused"));
        let app = App { name: if app == "payments-api" { "payments-api" } else { "other-api" }, namespace: "" }.json();
        let payload = value(&format!(
            r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"server_log","instance":"{INSTANCE}",
            "event":"denial","app":{app},"raw_digest":"{}","method":"/application.ApplicationService/{method}",
            "code":"PermissionDenied","subject":"{subject}"}}"#,
            nonce(&name),
            hex(&name),
        ));
        self.say(&name, "argocd_observation", "", payload, at);
        "poller".clone_into(&mut self.drafts.last_mut().expect("a draft").submitter);
    }

    /// Four minutes of the API server's log were read, so long after `at`.
    pub fn log_part(&mut self, at: i64, after: i64) {
        let name = self.fresh("part of the server's log");
        let payload = value(&format!(
            r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"server_log","instance":"{INSTANCE}",
            "event":"log_read","raw_digest":"{}","from":"{}","until":"{}","lines":9,"unread":0,"unnamed":0,
            "tokenless":9}}"#,
            nonce(&name),
            hex(&name),
            self.time_of("argo cd", at + after),
            self.time_of("argo cd", at + after + 240_000),
        ));
        self.say(&name, "argocd_observation", "", payload, at + after + 245_000);
        "poller".clone_into(&mut self.drafts.last_mut().expect("a draft").submitter);
    }
}
