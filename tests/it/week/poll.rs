//! The poller: a look every round, what is new in it, and snapshots.

use std::collections::BTreeSet;

use super::json::Json;
use super::sealed::{MONDAY_MS, hex_of, time};
use super::told::Stage;
use super::world::{HOUR, INSTANCE, MINUTE, SECOND, World, is_away};

const ROUND: i64 = 30 * SECOND;
const HEARTBEAT: i64 = 4 * MINUTE;
/// Entries that Argo CD keeps in a history.
const KEPT: usize = 10;
/// How long Kubernetes keeps an event.
const EVENT: i64 = HOUR;

/// What the poller knew of one application after its last round.
#[derive(Clone, Default)]
struct Known {
    op: Option<(usize, Stage)>,
    history: Option<i64>,
    auto: Option<bool>,
    spec: usize,
    row: String,
}

/// Looks of the poller, for whoever asks what it could have seen: application,
/// when, key and history id.
pub type Look = (usize, i64, Option<usize>, Option<i64>);

/// History ids that operations made.
pub fn histories(world: &World) -> Vec<Option<i64>> {
    let mut ids = vec![None; world.ops.len()];
    for app in &world.apps {
        let mut ops = app.ops.clone();
        ops.sort_by_key(|op| world.ops[*op].started);
        let entered = ops.into_iter().filter(|op| world.ops[*op].is_entered());
        entered.zip(0..).for_each(|(op, id)| ids[op] = Some(id));
    }
    ids
}

pub fn poll(world: &mut World, histories: &[Option<i64>], until: i64) -> Vec<Look> {
    for app in 0..world.apps.len() {
        let mut ops = world.apps[app].ops.clone();
        ops.sort_by_key(|op| world.ops[*op].started);
        world.apps[app].ops = ops;
        world.apps[app].flips.sort_unstable();
        world.apps[app].spec_changes.sort_unstable();
    }
    // When each application moves.
    let mut moves: Vec<(i64, usize)> = Vec::new();
    for (at, app) in world.apps.iter().enumerate() {
        moves.extend(app.ops.iter().flat_map(|op| [world.ops[*op].started, world.ops[*op].ended]).map(|t| (t, at)));
        moves.extend(app.flips.iter().map(|(t, _)| (*t, at)));
        moves.extend(app.spec_changes.iter().map(|t| (*t, at)));
    }
    moves.sort_unstable();
    let mut poller =
        Poller { known: vec![Known::default(); world.apps.len()], looks: Vec::new(), snapshot: 0, full: 0, last: 0 };
    let (mut moved, mut next) = ((0..world.apps.len()).collect::<BTreeSet<usize>>(), 0);
    let mut now = MONDAY_MS - HOUR / 2;
    while now < until {
        let is_blind = [&world.away.poller, &world.away.server, &world.away.us].iter().any(|away| is_away(away, now));
        while next < moves.len() && moves[next].0 <= now {
            moved.insert(moves[next].1);
            next += 1;
        }
        if !is_blind {
            poller.round(world, histories, &std::mem::take(&mut moved), now);
        }
        now += ROUND;
    }
    poller.looks
}

/// Whether a round fell between these moments and was not blind.
pub fn looked(world: &World, from: i64, to: i64) -> bool {
    let first = MONDAY_MS - HOUR / 2;
    let mut now = from + (first - from).rem_euclid(ROUND);
    while now < to {
        let blind = [&world.away.poller, &world.away.server, &world.away.us];
        if !blind.iter().any(|away| is_away(away, now)) {
            return true;
        }
        now += ROUND;
    }
    false
}

struct Poller {
    known: Vec<Known>,
    looks: Vec<Look>,
    snapshot: i64,
    full: i64,
    last: i64,
}

impl Poller {
    fn round(&mut self, world: &mut World, histories: &[Option<i64>], moved: &BTreeSet<usize>, now: i64) {
        let mut changed = BTreeSet::new();
        for app in moved {
            if self.look(world, histories, *app, now) {
                changed.insert(*app);
            }
        }
        let is_full = now - self.full >= HOUR;
        if changed.is_empty() && !is_full && now - self.snapshot < HEARTBEAT {
            self.last = now;
            return;
        }
        let shown = |app: &usize| is_full || changed.contains(app);
        let order = by_uid(world);
        let rows: Vec<&str> = order.iter().map(|app| self.known[*app].row.as_str()).collect();
        let digest = hex_of(&format!("[{}]", rows.join(",")));
        let rows: Vec<Json> = order.iter().copied().filter(shown).map(|app| self.row(world, app)).collect();
        let taken = time(world.clock("poller", now));
        let said = Json::map([
            ("argocd_snapshot_version", "1".into()),
            ("channel", "poll".into()),
            ("instance", INSTANCE.into()),
            ("taken_at", taken.into()),
            ("full", is_full.into()),
            ("rows", rows.into()),
            ("rows_total", (world.apps.len() as i64).into()),
            ("rows_digest", digest.into()),
        ]);
        for app in order.into_iter().filter(shown) {
            let known = &self.known[app];
            self.looks.push((app, now, known.op.map(|(op, _)| op), known.history));
        }
        world.tell(now + 2 * SECOND, "poller", said);
        (self.snapshot, self.last) = (now, now);
        if is_full {
            self.full = now;
        }
    }

    /// Looks at one application; whether its row changed.
    fn look(&mut self, world: &mut World, histories: &[Option<i64>], app: usize, now: i64) -> bool {
        let is_first = self.last == 0;
        let begun: Vec<usize> =
            world.apps[app].ops.iter().copied().filter(|op| world.ops[*op].started <= now).collect();
        let history: Vec<(i64, usize)> = begun
            .iter()
            .filter(|op| world.ops[**op].ended <= now)
            .filter_map(|op| histories[*op].map(|id| (id, *op)))
            .collect();
        let current =
            begun.last().map(|op| (*op, if world.ops[*op].ended <= now { Stage::Over } else { Stage::Running }));
        self.entries(world, app, &history, current.map(|(op, _)| op), now);
        if let Some((op, stage)) = current.filter(|current| self.known[app].op != Some(*current)) {
            let mut said = world.report("poll", op, stage, histories[op]);
            if is_first {
                said = said.with("backfill", true);
            }
            world.ops[op].is_seen = true;
            world.tell(now + SECOND, "poller", said);
        }
        self.events(world, &begun, now);
        self.settings(world, app, now);
        self.known[app].op = current;
        self.known[app].history = history.last().map(|(id, _)| *id);
        let row = self.row(world, app).compact();
        std::mem::replace(&mut self.known[app].row, row.clone()) != row
    }

    /// New entries of the history that no operation in the status made.
    fn entries(&mut self, world: &mut World, app: usize, history: &[(i64, usize)], current: Option<usize>, now: i64) {
        let Some(told) = self.known[app].history else { return };
        let kept = history.len().saturating_sub(KEPT);
        for (id, op) in history[kept..].iter().filter(|(id, op)| *id > told && Some(*op) != current) {
            // One that the round before saw at its end is known by its start.
            if self.known[app].op == Some((*op, Stage::Over)) {
                continue;
            }
            let said = world.entry(*op, *id);
            world.ops[*op].is_in_history = true;
            world.tell(now + SECOND, "poller", said);
        }
    }

    fn events(&self, world: &mut World, begun: &[usize], now: i64) {
        let is_new = |at: i64| at > self.last.max(now - EVENT) && at <= now && self.last > 0;
        for op in begun.iter().rev().take(64).copied().collect::<Vec<_>>() {
            let ended = world.ops[op].ended;
            if is_new(world.ops[op].started) && !world.ops[op].by_kubectl {
                let said = world.event(op, Stage::Running);
                world.tell(now + SECOND, "poller", said);
            }
            if is_new(ended) {
                let said = world.event(op, Stage::Over);
                world.tell(now + SECOND, "poller", said);
            }
        }
    }

    fn settings(&mut self, world: &mut World, app: usize, now: i64) {
        let is_on = is_auto(world, app, now);
        let name = |is: bool| if is { "on" } else { "off" };
        if let Some(before) = self.known[app].auto.filter(|before| *before != is_on) {
            let said = world.flip("poll", app, name(before), name(is_on), &format!("poll flip {app} {now}"));
            world.tell(now + SECOND, "poller", said);
        }
        let spec = world.apps[app].spec_changes.partition_point(|at| *at <= now);
        if self.known[app].auto.is_some() && spec != self.known[app].spec {
            let said = world.spec_change(app, &spec_digest(app, self.known[app].spec), &spec_digest(app, spec));
            world.tell(now + SECOND, "poller", said);
        }
        (self.known[app].auto, self.known[app].spec) = (Some(is_on), spec);
    }

    fn row(&self, world: &mut World, app: usize) -> Json {
        let known = self.known[app].clone();
        let key = known.op.map(|(op, _)| world.op_key(op));
        Json::map([
            ("app", world.apps[app].names()),
            ("spec_digest", spec_digest(app, known.spec).into()),
            ("auto_sync", if known.auto == Some(true) { "on" } else { "off" }.into()),
            ("destination", world.apps[app].destination()),
        ])
        .with_some("op_key", key)
        .with_some("history_id", known.history)
    }
}

fn spec_digest(app: usize, version: usize) -> String {
    hex_of(&format!("spec {app} {version}"))
}

fn is_auto(world: &World, app: usize, now: i64) -> bool {
    let flips = world.apps[app].flips.iter().take_while(|(at, _)| *at <= now);
    flips.last().map_or(world.apps[app].auto, |(_, is_on)| *is_on)
}

fn by_uid(world: &World) -> Vec<usize> {
    let mut order: Vec<usize> = (0..world.apps.len()).collect();
    order.sort_by(|a, b| world.apps[*a].uid.cmp(&world.apps[*b].uid));
    order
}
