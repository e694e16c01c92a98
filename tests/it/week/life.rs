//! What happens in a week with nothing wrong: jobs, people, and Argo CD itself.

use super::cast::{CI, PEOPLE, person};
use super::jobs::{Deed, Job};
use super::json::Json;
use super::sealed::{MONDAY_MS, hex_of};
use super::world::{HOUR, MINUTE, Op, SECOND, World};

/// Jobs of one agent in a day.
const JOBS_A_DAY: i64 = 3;

pub fn live(world: &mut World) {
    let last = world.end() - 4 * HOUR;
    for agent in 0..world.agents.len() {
        for _ in 0..JOBS_A_DAY * world.shape.days {
            let at = world.dice.between(MONDAY_MS + HOUR, last);
            honest_job(world, agent, at);
        }
    }
    let (apps, days) = (world.shape.apps as i64, world.shape.days);
    for _ in 0..apps * days / 3 {
        let at = world.dice.between(MONDAY_MS + MINUTE, last);
        somebody(world, at);
    }
    for _ in 0..apps * days {
        let at = world.dice.between(MONDAY_MS + MINUTE, last);
        by_itself(world, at);
    }
    for _ in 0..days {
        let at = world.dice.between(MONDAY_MS + HOUR, last - HOUR);
        frozen(world, at);
    }
}

/// A commit that nothing had before.
pub fn commit(world: &mut World) -> String {
    let of = world.fresh("commit");
    hex_of(&of)[..40].to_owned()
}

fn honest_job(world: &mut World, agent: usize, at: i64) {
    let mut job = world.begin(agent, at);
    let start = job.from + 10 * SECOND;
    world.call(&mut job, start);
    let mut now = start + 20 * SECOND;
    let mut over = now;
    for _ in 0..world.dice.between(1, 5) {
        let Some(deed) = honest_deed(world, &job, now) else { continue };
        let done = world.act(&job, &deed, now);
        over = done.op.map_or(done.at, |op| world.ops[op].ended).max(over);
        now = done.at + world.dice.between(60, 240) * SECOND;
        if world.dice.chance(40) {
            world.call(&mut job, now - 30 * SECOND);
        }
    }
    finish(world, &job, over.max(now));
}

/// The runtime packs, and sometimes the token is revoked at once.
pub fn finish(world: &mut World, job: &Job, over: i64) {
    let packed = over + world.dice.between(30, 600) * SECOND;
    world.pack(job, packed);
    if world.dice.chance(40) {
        let revoked = over + world.dice.between(30, 900) * SECOND;
        world.revoke(job, revoked);
    }
}

/// An application of the agent's that nobody has a plan with, and that the
/// agent has left alone for a while.
pub fn free_app(world: &mut World, agent: usize, at: i64, auto: bool) -> Option<usize> {
    let all = &world.agents[agent].apps;
    let is_free = |app: &usize| {
        let of = &world.apps[*app];
        let is_near =
            |(by, on, when): &(usize, usize, i64)| by == &agent && on == app && (when - at).abs() < 30 * MINUTE;
        of.auto == auto && !world.deeds.iter().any(is_near)
    };
    let free: Vec<usize> = all.iter().copied().filter(is_free).collect();
    (!free.is_empty()).then(|| free[world.dice.below(free.len())])
}

fn honest_deed(world: &mut World, job: &Job, at: i64) -> Option<Deed> {
    let app = free_app(world, job.agent, at, false)?;
    let commit = commit(world);
    let first = world.apps[app].first_revision();
    let mut deed = match world.dice.between(0, 100) {
        0..25 => Deed::new("read", app, String::new()),
        25..40 => Deed::new("rollback", app, first),
        _ => Deed::new("sync", app, commit),
    };
    deed.seconds = match world.dice.between(0, 10) {
        0 => world.dice.between(60, 300),
        // A sync window holds it, or its hooks take their time.
        1 if world.dice.chance(30) => world.dice.between(300, 1_500),
        _ => world.dice.between(1, 40),
    };
    deed.is_keyed = world.dice.chance(60);
    deed.states = world.dice.chance(85);
    if deed.action == "sync" {
        match world.dice.between(0, 100) {
            0..8 => drop(deed.params.insert("prune".to_owned(), true.into())),
            8..14 => drop(deed.params.insert("dry_run".to_owned(), true.into())),
            14..20 => drop(deed.params.insert("resources".to_owned(), part(world, app))),
            20..25 => drop(deed.params.insert("retry_refresh".to_owned(), true.into())),
            _ => {}
        }
    }
    if deed.action == "sync" || deed.action == "rollback" {
        tried(world, &mut deed);
    }
    Some(deed)
}

/// What can come of a call besides that it is taken.
fn tried(world: &mut World, deed: &mut Deed) {
    match world.dice.between(0, 100) {
        0..4 => (deed.outcome, deed.acts) = (Some("refused_rbac"), false),
        4..8 => deed.outcome = Some("error_transport"),
        8..10 => (deed.outcome, deed.acts) = (Some("error_transport"), false),
        10..12 => (deed.outcome, deed.acts) = (Some("not_sent"), false),
        12..15 => (deed.allow, deed.acts) = (false, false),
        _ => {}
    }
}

/// One resource of an application, as binds spell it.
pub fn part(world: &World, app: usize) -> Json {
    let app = &world.apps[app];
    let resource = Json::map([
        ("group", "apps".into()),
        ("kind", "Deployment".into()),
        ("namespace", (&app.namespace).into()),
        ("name", (&app.name).into()),
    ]);
    vec![resource].into()
}

/// A person, or a pipeline, syncs; sometimes by writing the resource.
fn somebody(world: &mut World, at: i64) {
    let app = world.dice.below(world.apps.len());
    let who = world.dice.below(PEOPLE + 2);
    let user = if who < PEOPLE { person(who) } else { CI.to_owned() };
    if world.dice.chance(3) {
        world.refuse(user, app, "Sync", at);
        return;
    }
    let op = persons(world, user.clone(), app, at);
    let seconds = world.dice.between(0, 90);
    let mut last = world.ask(op, seconds);
    // One right after another, so that some share a second.
    while let Some(op) = last.filter(|_| seconds < 9) {
        let next = persons(world, user.clone(), app, world.ops[op].ended + 5);
        last = if world.dice.chance(60) { world.ask(next, 0) } else { None };
    }
    if world.dice.chance(20) {
        world.apps[app].spec_changes.push(at + MINUTE);
    }
}

/// An operation of a person's.
pub fn persons(world: &mut World, user: String, app: usize, at: i64) -> Op {
    let revision = commit(world);
    let phase = if world.dice.chance(8) { "Failed" } else { "Succeeded" };
    let by_kubectl = !world.shape.closed && world.dice.chance(10);
    Op { app, user, by_kubectl, asked: at, deployed: revision.clone(), revision, phase, ..Op::default() }
}

/// Argo CD syncs, or heals a part; or an ApplicationSet's controller does.
fn by_itself(world: &mut World, at: i64) {
    let app = world.dice.below(world.apps.len());
    if !world.apps[app].auto {
        return;
    }
    let revision = commit(world);
    let user = if world.apps[app].is_of_set { "applicationset-controller" } else { "" };
    let mut op = Op {
        app,
        user: user.to_owned(),
        automated: true,
        asked: at,
        deployed: revision.clone(),
        revision,
        phase: "Succeeded",
        ..Op::default()
    };
    if world.dice.chance(25) {
        op.params.insert("resources".to_owned(), part(world, app));
    }
    let seconds = world.dice.between(1, 60);
    world.ask(op, seconds);
}

/// A person's word that an application is frozen, or is so no more.
pub fn record(world: &mut World, app: usize, what: &str, job: &str, at: i64) {
    let id = world.fresh("record");
    let payload = Json::map([
        ("change_record_version", "1".into()),
        ("nonce", super::sealed::nonce(&id).into()),
        ("job_id", job.into()),
        // Who freezes and thaws in one incident does it for one ticket.
        ("change_ref", Json::map([("system", "tickets".into()), ("key", job.into())])),
        ("app", world.apps[app].names()),
        ("what", what.into()),
        ("by", "somebody on duty".into()),
        ("before", "as it was".into()),
        ("after", what.into()),
    ]);
    world.say(at, "change_record", "recorder", payload);
}

/// An application is frozen by hand for a while, and thawed.
fn frozen(world: &mut World, at: i64) {
    let Some(app) = auto_app(world) else { return };
    let thawed = at + world.dice.between(10, 50) * MINUTE;
    let job = world.fresh("incident");
    record(world, app, "freeze", &job, at);
    world.apps[app].flips.push((at + 5 * SECOND, false));
    record(world, app, "unfreeze", &job, thawed);
    world.apps[app].flips.push((thawed + 5 * SECOND, true));
}

/// One that nobody has a plan with yet.
pub fn auto_app(world: &mut World) -> Option<usize> {
    let free: Vec<usize> =
        (0..world.apps.len()).filter(|app| world.apps[*app].auto && world.apps[*app].flips.is_empty()).collect();
    (!free.is_empty()).then(|| free[world.dice.below(free.len())])
}
