//! What the channels make of an operation, by docs/PEERS.md 7.3 and 7.13 to
//! 7.15.

use super::dice::Dice;
use super::json::Json;
use super::sealed::{MONDAY_MS, hex_of, time};
use super::world::{HOUR, INSTANCE, MINUTE, SECOND, World, back, is_away};

/// From line to line of the server's log; longest part that one observation is
/// about; longest silence in one.
const LINE: i64 = 30 * SECOND;
const PART: i64 = 4 * MINUTE;
const SILENCE: i64 = 5 * MINUTE;

/// Where an operation stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Running,
    Over,
}

impl World {
    fn observation(&self, channel: &str, event: &str, app: usize, raw: &str) -> Json {
        Json::map([
            ("argocd_observation_version", "2".into()),
            ("channel", channel.into()),
            ("instance", INSTANCE.into()),
            ("event", event.into()),
            ("raw_digest", hex_of(raw).into()),
            ("app", self.apps[app].names()),
        ])
    }

    /// What a report of the operation itself says.
    pub fn report(&mut self, channel: &str, at: usize, stage: Stage, history: Option<i64>) -> Json {
        let op = self.ops[at].clone();
        let started = time(self.clock("controller", op.started));
        let ended = time(self.clock("controller", op.ended));
        let phase = if stage == Stage::Running { "Running" } else { op.phase };
        let (action, certainty) = if op.rollback { ("rollback", "inferred") } else { ("sync", "stated") };
        let initiator = Json::map([("username", (&op.user).into()), ("automated", op.automated.into())]);
        let mut revisions = Json::map([]);
        if !op.params.contains_key("retry_refresh") {
            revisions = revisions.with("resolved", vec![&op.revision].into_iter().cloned().collect::<Vec<_>>());
        }
        let mut said = self
            .observation(channel, "operation", op.app, &format!("{channel} {at} {phase} {history:?}"))
            .with("action", action)
            .with("action_certainty", certainty)
            .with("initiator", initiator)
            .with("phase", phase)
            .with("started_at", started)
            .with("destination", self.apps[op.app].destination())
            .with("operation_digest", op.digest())
            .with("op_key", self.op_key(at));
        if stage == Stage::Over {
            revisions = revisions.with("deployed", vec![op.deployed.clone()]);
            said = said.with("finished_at", ended).with("message", "successfully synced (all tasks run)");
            if channel == "poll" {
                let count = Json::map([
                    ("namespace", (&self.apps[op.app].namespace).into()),
                    ("status", "Synced".into()),
                    ("count", 4.into()),
                ]);
                said = said.with("resource_counts", vec![count]);
            }
        }
        if !revisions.is_empty() {
            said = said.with("revisions", revisions);
        }
        if let Some(decision) = &op.states {
            let pair = Json::map([("name", "claw.decision".into()), ("value", decision.into())]);
            said = said.with("info", vec![pair]);
        }
        if !op.params.is_empty() {
            said = said.with("params", Json::Map(op.params.clone()));
        }
        if op.params.contains_key("retry_refresh") {
            let retry = Json::map([("limit", 5.into()), ("refresh", true.into())]);
            let count = (stage == Stage::Over && op.retries > 0).then_some(op.retries);
            said = said.with("retry", retry.with_some("count", count));
        }
        said.with_some("history_id", history.filter(|_| stage == Stage::Over && op.is_entered()))
    }

    /// What the history alone still shows.
    pub fn entry(&mut self, at: usize, history: i64) -> Json {
        let op = self.ops[at].clone();
        let (started, ended) = (time(self.clock("controller", op.started)), time(self.clock("controller", op.ended)));
        self.observation("poll", "operation", op.app, &format!("history {at}"))
            .with("action", "sync")
            .with("action_certainty", "inferred")
            .with("initiator", Json::map([("username", op.user.into()), ("automated", op.automated.into())]))
            .with("phase", "Succeeded")
            .with("started_at", started)
            .with("finished_at", ended)
            .with("destination", self.apps[op.app].destination())
            .with("revisions", Json::map([("deployed", vec![op.deployed].into())]))
            .with("history_id", history)
    }

    /// Kubernetes' event of a start or an end.
    pub fn event(&mut self, at: usize, stage: Stage) -> Json {
        let op = self.ops[at].clone();
        // The server writes the first as it takes the call, the controller the second.
        let (who, moment) = if stage == Stage::Running { ("server", op.asked) } else { ("controller", op.ended) };
        let when = time(self.clock(who, moment));
        let began = time(self.clock("server", op.asked));
        let is_well = op.phase == "Succeeded";
        let phase = match stage {
            Stage::Running => "Running",
            Stage::Over if is_well => "Succeeded",
            Stage::Over => "Failed",
        };
        let (action, certainty) = match stage {
            Stage::Running if op.rollback => ("rollback", "stated"),
            Stage::Running => ("sync", "stated"),
            Stage::Over => ("sync", "inferred"),
        };
        let user = if stage == Stage::Running { op.user.clone() } else { String::new() };
        let automated = stage == Stage::Running && op.automated;
        let started = if stage == Stage::Running || !op.by_kubectl { began } else { when.clone() };
        self.observation("k8s_event", "operation", op.app, &format!("event {at} {phase}"))
            .with("action", action)
            .with("action_certainty", certainty)
            .with("initiator", Json::map([("username", user.into()), ("automated", automated.into())]))
            .with("phase", phase)
            .with("started_at", started)
            .with("destination", self.apps[op.app].destination())
            .with("message", "an operation")
            .with("resource_version", op.version())
            .with_some("finished_at", (stage == Stage::Over).then_some(when))
    }

    /// Automated sync as it was and as it is.
    pub fn flip(&self, channel: &str, app: usize, before: &str, after: &str, raw: &str) -> Json {
        self.observation(channel, "auto_sync", app, raw).with("before", before).with("after", after)
    }

    pub fn spec_change(&self, app: usize, before: &str, after: &str) -> Json {
        self.observation("poll", "spec_change", app, after)
            .with("spec_digest", Json::map([("before", before.into()), ("after", after.into())]))
    }

    /// Everything that the notifications controller delivers.
    pub fn notify(&mut self, histories: &[Option<i64>]) {
        for (at, history) in histories.iter().copied().enumerate() {
            let op = self.ops[at].clone();
            if op.is_lost {
                continue;
            }
            if op.asked < MONDAY_MS - HOUR {
                // The first install tells every application's latest operation.
                let said = self.report("notify", at, Stage::Over, history).with("backfill", true);
                let when = MONDAY_MS + self.dice.between(0, 5 * SECOND);
                self.deliver(at, when, said);
                continue;
            }
            // Silent while it is down itself; what was Running then is not told later.
            if !is_away(&self.away.notifications, op.started) && self.dice.chance(90) {
                let said = self.report("notify", at, Stage::Running, None);
                let when = op.started + self.dice.between(50, 400);
                self.deliver(at, when, said);
            }
            self.notify_end(at, history);
        }
        for app in 0..self.apps.len() {
            for (at, is_on) in self.apps[app].flips.clone() {
                if !is_away(&self.away.notifications, at) && self.dice.chance(90) {
                    let after = if is_on { "on" } else { "off" };
                    let said = self.flip("notify", app, "unknown", after, &format!("flip {app} {at}"));
                    self.tell(at + SECOND, "receiver", said);
                }
            }
        }
    }

    fn notify_end(&mut self, at: usize, history: Option<i64>) {
        let op = self.ops[at].clone();
        let up = back(&self.away.notifications, op.ended);
        // The next one of the application takes the place of what was not told.
        let next = self.apps[op.app].ops.iter().map(|other| self.ops[*other].started).filter(|t| *t > op.started).min();
        let delay = match (op.params.contains_key("dry_run"), self.dice.between(0, 100)) {
            (true, _) => self.dice.between(0, 5 * MINUTE),
            (false, 0..4) => self.dice.between(MINUTE, 50 * MINUTE),
            (false, 4..8) => return,
            (false, _) => self.dice.between(50, 400),
        };
        let when = if up == op.ended { op.ended + delay } else { up + self.dice.between(0, MINUTE) };
        if next.is_some_and(|next| next < when) {
            return;
        }
        let said = self.report("notify", at, Stage::Over, history);
        // Each end has two triggers, and may come again after a restart.
        for _ in 0..self.dice.between(1, 4) {
            let when = when + self.dice.between(0, 10 * SECOND);
            self.deliver(at, when, said.clone());
        }
        if self.dice.chance(3) {
            let again = when + self.dice.between(0, 3 * HOUR);
            self.deliver(at, again, said);
        }
    }

    fn deliver(&mut self, op: usize, when: i64, said: Json) {
        self.ops[op].is_seen = true;
        self.tell(when, "receiver", said);
    }

    /// When nobody reads the server's log: round each refusal that is to be lost,
    /// and now and then without one. Chance of its own, so that the rest of a week
    /// is what it was before anybody told what was read.
    fn throw_unread(&mut self) {
        let mut dice = Dice::new(self.shape.seed ^ 0x0075_6e72_6561_6400);
        let mut away: Vec<(i64, i64)> = Vec::new();
        for at in self.refusals.iter().filter(|refusal| refusal.is_lost).map(|refusal| refusal.at) {
            away.push((at - dice.between(MINUTE, 20 * MINUTE), at + dice.between(MINUTE, 40 * MINUTE)));
        }
        for _ in 0..dice.between(0, self.shape.days) {
            let from = MONDAY_MS + dice.between(HOUR, self.shape.days * 24 * HOUR);
            away.push((from, from + dice.between(2 * MINUTE, HOUR)));
        }
        self.away.reader = away;
    }

    /// Which parts of the server's log were read, by docs/PEERS.md 7.14: a poller
    /// calls every half a minute, so there is always a line.
    pub fn tell_what_was_read(&mut self, end: i64) {
        let mut dice = Dice::new(self.shape.seed ^ 0x0072_6561_6400);
        let off = self.clock("server", 0);
        let mut part: Option<(i64, i64, i64)> = None;
        for line in (MONDAY_MS / LINE + 1)..((end + off) / LINE) {
            // The server's time, and the truth.
            let (shown, at) = (line * LINE, line * LINE - off);
            if is_away(&self.away.reader, at) || is_away(&self.away.server, at) {
                continue;
            }
            part = Some(match part {
                Some((from, until, lines)) if shown - until > SILENCE => {
                    self.tell_part(at, from, until, lines);
                    (shown, shown, 1)
                }
                Some((from, until, lines)) if shown / PART > until / PART => {
                    self.tell_part(at, from, until, lines);
                    // Started again, and fed from a little before.
                    if dice.chance(3) && until - from > 2 * LINE {
                        self.tell_part(at, from + LINE, until, lines - 1);
                    }
                    (until, shown, 1)
                }
                Some((from, _, lines)) => (from, shown, lines + 1),
                None => (shown, shown, 1),
            });
        }
    }

    fn tell_part(&mut self, at: i64, from: i64, until: i64, lines: i64) {
        let said = Json::map([
            ("argocd_observation_version", "2".into()),
            ("channel", "server_log".into()),
            ("instance", INSTANCE.into()),
            ("event", "log_read".into()),
            ("raw_digest", hex_of(&format!("lines {from} {until}")).into()),
            ("from", time(from).into()),
            ("until", time(until).into()),
            ("lines", lines.into()),
            ("unread", 0.into()),
            ("unnamed", 0.into()),
            ("tokenless", lines.into()),
        ]);
        self.tell(at + SECOND, "log-reader", said);
    }

    /// What the reader of argocd-server's log makes of refused calls.
    pub fn read_log(&mut self) {
        self.throw_unread();
        for at in 0..self.refusals.len() {
            let refusal = &mut self.refusals[at];
            if refusal.is_lost || is_away(&self.away.reader, refusal.at) {
                continue;
            }
            refusal.is_seen = true;
            let (when, user, app, method) = (refusal.at, refusal.user.clone(), refusal.app, refusal.method);
            let verb = if method == "Rollback" { "applications, rollback" } else { "applications, sync" };
            let said = Json::map([
                ("argocd_observation_version", "2".into()),
                ("channel", "server_log".into()),
                ("instance", INSTANCE.into()),
                ("event", "denial".into()),
                ("raw_digest", hex_of(&format!("line {at}")).into()),
                ("method", format!("/application.ApplicationService/{method}").into()),
                ("code", "PermissionDenied".into()),
                ("subject", user.into()),
                ("verb", verb.into()),
                ("object", format!("{}/{}", self.apps[app].project, self.apps[app].name).into()),
                ("at", time(self.clock("server", when)).into()),
            ]);
            let read = when + if self.dice.chance(90) { 5 * SECOND } else { self.dice.between(0, HOUR) };
            self.tell(read, "log-reader", said);
        }
    }
}
