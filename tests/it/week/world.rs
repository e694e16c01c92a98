//! The world of one week as it is in truth: who is there, what Argo CD does,
//! when somebody is away, and what is said to the log.

use std::collections::BTreeMap;

use super::dice::Dice;
use super::json::Json;
use super::sealed::{Keys, MONDAY_MS, Sealed, hex_of, nonce, time};
use super::shape::Shape;

pub const INSTANCE: &str = "argocd-prod";
const SERVER: &str = "https://kubernetes.default.svc";
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 3_600_000;
/// How far anybody's clock lies from the truth, at most.
const CLOCK_MS: i64 = 120_000;

/// One application.
pub struct App {
    pub uid: String,
    pub name: String,
    pub project: String,
    pub namespace: String,
    /// Whether Argo CD syncs it by itself.
    pub auto: bool,
    /// Whether an ApplicationSet made it.
    pub is_of_set: bool,
    pub busy: Vec<(i64, i64)>,
    /// Its operations, as they were asked for.
    pub ops: Vec<usize>,
    /// When automated sync was switched, and to what.
    pub flips: Vec<(i64, bool)>,
    pub spec_changes: Vec<i64>,
}

impl App {
    pub fn names(&self) -> Json {
        Json::map([
            ("uid", (&self.uid).into()),
            ("name", (&self.name).into()),
            ("namespace", "argocd".into()),
            ("project", (&self.project).into()),
        ])
    }

    pub fn destination(&self) -> Json {
        Json::map([("server", SERVER.into()), ("namespace", (&self.namespace).into())])
    }

    /// As scopes of reports spell it.
    pub fn scope(&self) -> String {
        format!("{INSTANCE}/argocd/{}", self.name)
    }

    pub fn first_revision(&self) -> String {
        hex_of(&format!("first of {}", self.name))[..40].to_owned()
    }
}

pub struct Agent {
    pub name: String,
    pub did: String,
    pub wrapper: String,
    pub username: String,
    pub apps: Vec<usize>,
    /// Whether its policy asks for approvals of its writes.
    pub asks: bool,
    /// Whether its policy asks for receipts of model calls and a bundle.
    pub packs: bool,
    pub policy: String,
}

/// One operation of an application, in truth.
#[derive(Clone, Default)]
pub struct Op {
    pub app: usize,
    pub user: String,
    pub automated: bool,
    pub rollback: bool,
    /// Written to the resource, past Argo CD's API.
    pub by_kubectl: bool,
    pub asked: i64,
    pub started: i64,
    pub ended: i64,
    pub revision: String,
    pub deployed: String,
    /// As binds spell them.
    pub params: BTreeMap<String, Json>,
    pub states: Option<String>,
    pub phase: &'static str,
    pub retries: i64,
    /// Whether every notification of it is lost.
    pub is_lost: bool,
    /// Seen by a report with key; by one of its history entry alone.
    pub is_seen: bool,
    pub is_in_history: bool,
}

impl Op {
    fn has(&self, param: &str) -> bool {
        self.params.contains_key(param)
    }

    /// Whether its end makes an entry of the history.
    pub fn is_entered(&self) -> bool {
        self.phase == "Succeeded" && !self.has("dry_run") && !self.has("resources")
    }

    pub fn version(&self) -> String {
        // One resource version every ten milliseconds.
        ((self.asked - MONDAY_MS) / 10 + 1_000_000_000).to_string()
    }

    /// `status.operationState.operation`, without what a retry takes away.
    fn operation(&self) -> Json {
        let strategy = if self.rollback { "apply" } else { "hook" };
        let mut sync = Json::map([("syncStrategy", Json::map([(strategy, Json::map([]))]))]);
        if !self.has("retry_refresh") {
            sync = sync.with("revision", &self.revision);
        }
        for (param, member) in [("prune", "prune"), ("dry_run", "dryRun"), ("resources", "resources")] {
            sync = sync.with_some(member, self.params.get(param).cloned());
        }
        let by = Json::map([]).with_some("username", Some(&self.user).filter(|user| !user.is_empty()));
        let by = by.with_some("automated", self.automated.then_some(true));
        let mut operation = Json::map([("sync", sync), ("initiatedBy", by)]);
        if let Some(decision) = &self.states {
            let pair = Json::map([("name", "claw.decision".into()), ("value", decision.into())]);
            operation = operation.with("info", vec![pair]);
        }
        if self.has("retry_refresh") {
            operation = operation.with("retry", Json::map([("limit", 5.into()), ("refresh", true.into())]));
        }
        operation
    }

    pub fn digest(&self) -> String {
        hex_of(&self.operation().compact())
    }
}

/// A call that argocd-server refused, in truth.
pub struct Refusal {
    pub at: i64,
    pub user: String,
    pub app: usize,
    pub method: &'static str,
    pub is_lost: bool,
    pub is_seen: bool,
}

/// When somebody was away: from, to.
#[derive(Default)]
pub struct Away {
    pub us: Vec<(i64, i64)>,
    pub server: Vec<(i64, i64)>,
    pub controller: Vec<(i64, i64)>,
    pub notifications: Vec<(i64, i64)>,
    pub poller: Vec<(i64, i64)>,
    /// Who reads the server's log.
    pub reader: Vec<(i64, i64)>,
}

/// The moment itself, or the end of the absence that it falls into.
pub fn back(away: &[(i64, i64)], at: i64) -> i64 {
    away.iter().find(|(from, to)| (*from..*to).contains(&at)).map_or(at, |(_, to)| to + 200)
}

pub fn is_away(away: &[(i64, i64)], at: i64) -> bool {
    back(away, at) != at
}

/// Something that reached the log.
pub struct Said {
    /// In truth; the log's clock may say otherwise.
    pub at: i64,
    pub submitter: String,
    pub text: String,
}

pub struct World {
    pub shape: Shape,
    pub dice: Dice,
    pub keys: Keys,
    clocks: BTreeMap<String, i64>,
    pub apps: Vec<App>,
    pub agents: Vec<Agent>,
    pub ops: Vec<Op>,
    pub refusals: Vec<Refusal>,
    pub away: Away,
    pub said: Vec<Said>,
    /// What each agent did where, when: agent, application, time.
    pub deeds: Vec<(usize, usize, i64)>,
    /// When each token of a job was logged: job, agent, time.
    pub tokens: Vec<(String, usize, i64)>,
    counted: u64,
}

impl World {
    pub fn new(shape: &Shape) -> Self {
        let mut world = Self {
            dice: Dice::new(shape.seed),
            shape: shape.clone(),
            keys: Keys::default(),
            clocks: BTreeMap::new(),
            apps: Vec::new(),
            agents: Vec::new(),
            ops: Vec::new(),
            refusals: Vec::new(),
            away: Away::default(),
            said: Vec::new(),
            deeds: Vec::new(),
            tokens: Vec::new(),
            counted: 0,
        };
        world.throw_absences();
        world
    }

    pub fn end(&self) -> i64 {
        MONDAY_MS + self.shape.days * 24 * HOUR
    }

    /// When all that was said so far is told.
    pub fn over(&self) -> i64 {
        self.said.iter().map(|said| said.at).max().unwrap_or(0).max(self.end() + HOUR)
    }

    fn throw_absences(&mut self) {
        let days = self.shape.days;
        let mut throw = |count: i64, low: i64, high: i64| -> Vec<(i64, i64)> {
            let mut away = Vec::new();
            for _ in 0..count {
                let from = MONDAY_MS + self.dice.between(HOUR, days * 24 * HOUR);
                away.push((from, from + self.dice.between(low, high)));
            }
            away
        };
        self.away = Away {
            us: throw(2 * days, 10 * SECOND, 80 * SECOND),
            server: throw(days, 10 * SECOND, 120 * SECOND),
            controller: throw(days, 10 * SECOND, 50 * SECOND),
            notifications: throw((days + 1) / 2, 5 * MINUTE, 40 * MINUTE),
            poller: throw((days + 1) / 2, 2 * MINUTE, 80 * MINUTE),
            reader: Vec::new(),
        };
    }

    /// A name that nothing had before.
    pub fn fresh(&mut self, what: &str) -> String {
        self.counted += 1;
        format!("{what}-{}-{}", self.shape.seed, self.counted)
    }

    /// What the clock of `who` shows at a true moment.
    pub fn clock(&mut self, who: &str, at: i64) -> i64 {
        let dice = &mut self.dice;
        let off = self.clocks.entry(who.to_owned()).or_insert_with(|| match dice.between(0, 4) {
            0 => -CLOCK_MS,
            1 => CLOCK_MS,
            _ => dice.between(-CLOCK_MS, CLOCK_MS + 1),
        });
        at + *off
    }

    /// Signs and submits; gives the hash and when the log took it, in truth.
    pub fn say(&mut self, at: i64, kind: &str, who: &str, payload: Json) -> (Sealed, i64) {
        let at = back(&self.away.us, at);
        let issued = time(self.clock(who, at));
        let sealed = self.keys.seal(kind, who, &issued, payload);
        self.said.push(Said { at, submitter: "submitter".to_owned(), text: sealed.envelope.compact() });
        (sealed, at)
    }

    /// Submits a bare payload whose nonce follows from its content: what is told
    /// again is the same artifact.
    pub fn tell(&mut self, at: i64, submitter: &str, payload: Json) {
        let at = back(&self.away.us, at);
        let payload = payload.with("nonce", "");
        let nonce = nonce(&format!("{submitter} {}", payload.compact()));
        let text = payload.with("nonce", nonce).compact();
        self.said.push(Said { at, submitter: submitter.to_owned(), text });
    }

    /// Somebody asks for an operation: it runs, unless another one does.
    pub fn ask(&mut self, mut op: Op, seconds: i64) -> Option<usize> {
        let picked = op.asked + self.dice.between(20, 900);
        op.started = back(&self.away.controller, picked);
        op.ended = back(&self.away.controller, op.started + seconds * SECOND + self.dice.between(100, SECOND));
        let (from, to) = (op.asked, op.ended);
        let busy = &mut self.apps[op.app].busy;
        if busy.iter().any(|(start, end)| from < *end && *start < to) {
            return None;
        }
        busy.push((from, to));
        let at = self.ops.len();
        self.apps[op.app].ops.push(at);
        self.ops.push(op);
        Some(at)
    }

    /// FORMATS 5.3: instance, uid, the second of the start, and what was asked.
    pub fn op_key(&mut self, op: usize) -> String {
        let started = time(self.clock("controller", self.ops[op].started));
        let op = &self.ops[op];
        let of: Vec<Json> = vec![INSTANCE.into(), (&self.apps[op.app].uid).into(), started.into(), op.digest().into()];
        hex_of(&Json::List(of).compact())
    }
}
