//! The world of one story: what was said so far, and by whom.

use std::collections::BTreeMap;

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_jcs};
use pulselog::audit::explain;

use super::cast;
use super::dice::Dice;
use super::drafts::{Draft, MIDNIGHT_MS, time};
use super::expected::Row;

/// How long before an end an honest actor stops, by its own clock: twice the
/// tolerance.
pub const STOP_MS: i64 = 480_000;
/// From a token's end to its run's bundle.
pub const HOUR_MS: i64 = 3_600_000;

/// One token of a run.
pub struct Token {
    pub name: String,
    pub hash: String,
    pub scope: String,
    pub issued_ms: i64,
    pub expires_ms: i64,
}

/// A write that Argo CD accepted: names of what tells of it.
#[derive(Clone)]
pub struct Write {
    pub approval: String,
    pub decision: String,
    pub receipt: String,
    /// What the first channel and, if any, the second saw.
    pub seen: Vec<String>,
}

/// One run of an agent, as the world knows it.
#[derive(Default)]
pub struct Run {
    pub agent: &'static str,
    pub job: String,
    pub id: String,
    pub tokens: Vec<Token>,
    /// What its tokens grant, and whether they pin the policy.
    pub scope: String,
    pub is_pinned: bool,
    pub events: Vec<Value<'static>>,
    /// Receipts of model calls that the runtime holds.
    pub calls: Vec<String>,
    pub reads: Vec<String>,
    pub writes: Vec<Write>,
    /// The agent's own receipts: array and value for the bundle.
    pub own: Vec<(&'static str, Value<'static>)>,
    /// Calls of each tool.
    pub tools: BTreeMap<&'static str, i64>,
    pub bundles: Vec<String>,
    pub pulses: Vec<String>,
    /// Nothing is packed before: evidence is still on its way.
    pub packs_from: i64,
    /// Rows that are owed only once a bundle is logged.
    pub once_packed: Vec<Row>,
    /// True time of what happens next.
    pub now: i64,
    /// Least `logged_at` of whatever ends the run's rights.
    pub end_ms: i64,
}

impl Run {
    pub fn token(&self) -> &Token {
        self.tokens.last().expect("a token")
    }

    pub fn row(&self, code: &'static str, effect: &'static str) -> Row {
        Row {
            code,
            effect,
            job: self.job.clone(),
            run: self.id.clone(),
            agent: cast::did(self.agent).to_owned(),
            submitter: String::new(),
        }
    }
}

pub struct World {
    pub dice: Dice,
    pub clocks: BTreeMap<&'static str, i64>,
    pub policy: String,
    pub drafts: Vec<Draft>,
    pub runs: Vec<Run>,
    pub expected: Vec<Row>,
    /// Something came so late that it was missed before it came.
    pub is_tardy: bool,
    /// Model calls that name no run and stand in no bundle: their grant, and
    /// when they were signed.
    pub unplaced: Vec<(String, i64)>,
    /// Whether the roots say which name a cluster's address has.
    pub knows_clusters: bool,
    said: usize,
}

impl World {
    /// Thrown only where the audit has rules for it.
    pub fn may(&mut self, what: &str, percent: i64) -> bool {
        let is = self.dice.chance(percent);
        is && match what {
            "clusters" | "k8s" | "history" => explain("CLUSTER_NOT_COMPARED").is_some(),
            _ => true,
        }
    }

    /// The world with its roots and policy logged.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let clocks = cast::clocks(&mut dice);
        let policy = cast::policy();
        let hash = PayloadHash::of(to_jcs(&policy).as_bytes()).to_b64u();
        let mut world = Self {
            dice,
            clocks,
            policy: hash,
            drafts: Vec::new(),
            runs: Vec::new(),
            expected: Vec::new(),
            is_tardy: false,
            unplaced: Vec::new(),
            knows_clusters: false,
            said: 0,
        };
        world.knows_clusters = world.may("clusters", 50);
        let roots = cast::roots(&world.policy, world.knows_clusters);
        let start = MIDNIGHT_MS + world.dice.between(0, 36 * 3_600) * 1_000;
        world.say("roots", "audit_roots", "operator", roots, start);
        world.say("policy", "work_policy", "policy signer", policy, start + 1_000);
        world
    }

    pub fn start_ms(&self) -> i64 {
        self.drafts[0].ms
    }

    /// Logs a statement at a time of the log's clock.
    pub fn say(&mut self, name: &str, kind: &'static str, signer: &str, payload: Value<'static>, ms: i64) {
        self.drafts.push(Draft {
            name: name.to_owned(),
            kind,
            signer: signer.to_owned(),
            submitter: "submitter".to_owned(),
            payload,
            ms,
            copy_of: None,
            is_renewed: false,
        });
    }

    /// Whether the sender, having heard no answer, sends once more; the same
    /// bytes or a new envelope of the same statement.
    pub fn maybe_again(&mut self, percent: i64) {
        if !self.dice.chance(percent) {
            return;
        }
        let last = self.drafts.last().expect("something was said");
        let (first, ms) = (last.copy_of.clone().unwrap_or_else(|| last.name.clone()), last.ms);
        let later = ms + self.dice.between(0, 20) * 1_000;
        self.again(&first, later);
    }

    /// Sends a statement once more.
    pub fn again(&mut self, first: &str, ms: i64) {
        let mut again = self.draft(first).clone();
        again.name = self.fresh(&format!("{first} again"));
        (again.ms, again.copy_of) = (ms, Some(first.to_owned()));
        again.is_renewed = self.dice.chance(70);
        self.drafts.push(again);
    }

    /// A name that nothing else bears.
    pub fn fresh(&mut self, text: &str) -> String {
        self.said += 1;
        format!("{text} {}", self.said)
    }

    /// What a clock shows at a true time.
    pub fn shows(&self, who: &str, ms: i64) -> i64 {
        ms + self.clocks[who]
    }

    pub fn time_of(&self, who: &str, ms: i64) -> String {
        time(self.shows(who, ms))
    }

    /// Nobody ever said it.
    pub fn unsay(&mut self, name: &str) {
        self.drafts.retain(|draft| draft.name != name && draft.copy_of.as_deref() != Some(name));
    }

    /// A statement of its own, made like another one.
    pub fn alike(&mut self, name: &str, ms: i64) -> &mut Draft {
        let mut alike = self.draft(name).clone();
        alike.name = self.fresh(&format!("{name} alike"));
        alike.ms = ms;
        if alike.payload.get("nonce").is_some() {
            alike.set("nonce", cast::nonce(&alike.name));
        }
        self.drafts.push(alike);
        self.drafts.last_mut().expect("a draft")
    }

    pub fn draft(&mut self, name: &str) -> &mut Draft {
        self.drafts.iter_mut().find(|draft| draft.name == name).unwrap_or_else(|| panic!("no draft {name}"))
    }

    /// Lets seconds of a run pass.
    pub fn pass(&mut self, run: usize, low: i64, high: i64) -> i64 {
        let ms = self.dice.between(low * 1_000, high * 1_000);
        self.runs[run].now += ms;
        self.runs[run].now
    }
}
