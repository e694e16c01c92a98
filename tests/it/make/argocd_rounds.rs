//! A poller's rounds without a network: lists of applications in, what follows
//! from them out.

use pulselog::argocd::round::{Ended, Found, Mark, Round, State};
use pulselog::artifact::json::{Value, to_compact};

use crate::make::argocd::{INSTANCE, json};
use crate::make::{admit_any, set};

/// When the first round begins.
pub const BEGIN_MS: i64 = 1_795_700_000_000;
/// From one round to the next.
pub const INTERVAL_MS: i64 = 15_000;

const APP: &str = r#"{"metadata":{"name":"payments-api","namespace":"argocd",
  "uid":"b245d4ae-7bb9-40c5-be90-e7630803033b","resourceVersion":"100","creationTimestamp":"2026-11-26T04:00:00Z"},
 "spec":{"project":"payments","source":{"repoURL":"https://git.example.com/deploy.git","path":"overlays/prod",
  "targetRevision":"main"},"destination":{"server":"https://kubernetes.default.svc","namespace":"prod-canary"}},
 "status":{"sync":{"status":"Synced","revision":"16d61ccf504208c252ae15062812d771a8ab08c5"},
  "health":{"status":"Healthy"},"summary":{}}}"#;

/// An application that has never been synced, with changes.
pub fn resource(changes: &[(&str, Value<'static>)]) -> Value<'static> {
    let mut app = json(APP);
    changes.iter().for_each(|(path, new)| set(&mut app, path, Some(new.clone())));
    app
}

/// A poller that is told what each list says.
pub struct Poller {
    pub state: State,
    pub now_ms: i64,
    /// Payloads of the last round.
    pub observed: Vec<Value<'static>>,
    pub snapshots: Vec<Value<'static>>,
    pub marks: Vec<Mark>,
    /// Names that the last round asked for.
    pub asked: Vec<String>,
    pub events_asked: Vec<String>,
}

impl Poller {
    pub fn new() -> Self {
        Self {
            state: State::new(INSTANCE),
            now_ms: BEGIN_MS,
            observed: Vec::new(),
            snapshots: Vec::new(),
            marks: Vec::new(),
            asked: Vec::new(),
            events_asked: Vec::new(),
        }
    }

    /// A round in which everything answered, and nothing was found by name.
    pub fn round(&mut self, version: &str, apps: &[Value<'static>]) {
        self.round_with(version, apps, true, |_| Found::Nothing, &[]);
    }

    pub fn round_with<'b>(
        &mut self,
        version: &str,
        apps: &[Value<'static>],
        is_confirmed: bool,
        found: impl Fn(&str) -> Found<'b>,
        events: &[Value<'static>],
    ) {
        let state = self.state.clone();
        let mut round = Round::new(&state, self.now_ms);
        apps.iter().for_each(|app| round.item(to_compact(app).as_bytes()));
        let head = json(&format!(r#"{{"metadata":{{"resourceVersion":"{version}"}},"items":null}}"#));
        let mut listed = round.listed(&head);
        let (asks, of_events) = (listed.to_ask(), listed.to_ask_events());
        asks.iter().for_each(|ask| listed.asked(ask, found(&ask.name)));
        for ask in &of_events {
            events.iter().for_each(|event| listed.event(ask, to_compact(event).as_bytes()));
            listed.events_read(ask);
        }
        let ended = listed.ended(is_confirmed, b"secret");
        self.asked = asks.into_iter().map(|ask| ask.name).collect();
        self.events_asked = of_events.into_iter().map(|ask| ask.name).collect();
        self.take(ended);
    }

    /// What follows is taken by a log, and what is known survives being written down.
    fn take(&mut self, ended: Ended) {
        for payload in ended.observations.iter().chain(&ended.snapshots) {
            admit_any(&to_compact(payload)).unwrap_or_else(|error| panic!("{error}: {}", to_compact(payload)));
        }
        let text = serde_json::to_string(&ended.state).expect("JSON");
        self.state = serde_json::from_str(&text).expect("a state");
        assert_eq!(self.state, ended.state);
        self.now_ms += INTERVAL_MS;
        (self.observed, self.snapshots, self.marks) = (ended.observations, ended.snapshots, ended.marks);
    }

    /// The last round, a word an observation.
    pub fn events(&self) -> Vec<String> {
        self.observed.iter().map(told).collect()
    }

    pub fn mark_names(&self) -> Vec<&'static str> {
        self.marks.iter().map(Mark::name).collect()
    }
}

/// What an observation says, in a few words.
pub fn told(payload: &Value<'static>) -> String {
    let text = |path: &str| payload.text_at(path).unwrap_or("-").to_owned();
    match text("event").as_str() {
        "operation" => {
            let id = payload.get("history_id").and_then(Value::as_i64).map(|id| format!(" #{id}"));
            let key = if payload.get("op_key").is_some() { "" } else { " unnamed" };
            let channel = if text("channel") == "poll" { String::new() } else { format!("{} ", text("channel")) };
            format!("{channel}{} {}{}{key}", text("action"), text("phase"), id.unwrap_or_default())
        }
        "auto_sync" => format!("auto_sync {} {}", text("before"), text("after")),
        "lifecycle" => text("change"),
        other => other.to_owned(),
    }
}
