//! The guilty deeds, each put into a job of its own and otherwise in order.

use super::cast::person;
use super::guilt::{Kind, Plant};
use super::jobs::{Deed, Done, Job, TTL};
use super::life::{auto_app, commit, finish, free_app, part, persons, record};
use super::sealed::MONDAY_MS;
use super::world::{HOUR, MINUTE, SECOND, World};

pub fn plant_all(world: &mut World) -> Vec<Plant> {
    let plants = world.shape.plants.clone();
    plants.into_iter().map(|(kind, is_lost)| plant(world, kind, is_lost)).collect()
}

fn plant(world: &mut World, kind: &'static Kind, is_lost: bool) -> Plant {
    let at = world.dice.between(MONDAY_MS + 3 * HOUR, world.end() - 8 * HOUR);
    let mut planted = match kind.name {
        "freeze_reverted" => reverted(world, kind, at),
        "stranger" => stranger(world, kind, at),
        _ => in_a_job(world, kind, is_lost, at),
    };
    planted.is_lost = is_lost;
    if is_lost {
        lose(world, &planted);
    }
    planted
}

/// Nobody looks for a while, and something else runs before anybody does.
fn lose(world: &mut World, plant: &Plant) {
    if let Some(refusal) = plant.refusal {
        world.refusals[refusal].is_lost = true;
        return;
    }
    let (from, to) = (plant.from - 15 * MINUTE, plant.to + 80 * MINUTE);
    world.away.poller.push((from, to));
    world.away.notifications.push((from, to));
    if let Some(op) = plant.op {
        world.ops[op].is_lost = true;
    }
    let mut op = persons(world, person(1), plant.app, plant.to + 5 * MINUTE);
    (op.phase, op.by_kubectl) = ("Succeeded", false);
    world.ask(op, 5);
}

/// An agent for it: a run that is out of order owes no bundle, and an approval
/// is missing only where one is asked for.
fn agent_for(world: &mut World, kind: &Kind) -> usize {
    if kind.name == "shared_name" {
        return 0;
    }
    let asks = matches!(kind.name, "no_approval" | "approval_again");
    let fits: Vec<usize> =
        (0..world.agents.len()).filter(|at| !world.agents[*at].packs && (!asks || world.agents[*at].asks)).collect();
    fits[world.dice.below(fits.len())]
}

fn in_a_job(world: &mut World, kind: &'static Kind, is_lost: bool, mut at: i64) -> Plant {
    let agent = agent_for(world, kind);
    let app = loop {
        match free_app(world, agent, at, false) {
            Some(app) if !is_busy(world, app, at) => break app,
            _ => at += 7 * MINUTE,
        }
    };
    let mut job = world.begin(agent, at);
    let start = job.from + 10 * SECOND;
    world.call(&mut job, start);
    let now = start + 30 * SECOND;
    let commit = commit(world);
    let mut deed = Deed::new("sync", app, commit);
    deed.outcome = Some("accepted");
    deed.is_lost = is_lost;
    let did = world.did_of(agent);
    let mut planted = Plant {
        kind,
        is_lost,
        from: now,
        to: now,
        agent: Some(did),
        app,
        job: Some(job.id.clone()),
        op: None,
        refusal: None,
        is_seen: false,
    };
    let done = do_it(world, &mut job, deed, now, &mut planted);
    planted.op = planted.op.or(done.op);
    if let Some(op) = planted.op {
        world.ops[op].phase = "Succeeded";
        planted.to = planted.to.max(world.ops[op].ended);
    }
    planted.to = planted.to.max(done.at);
    planted
}

fn is_busy(world: &World, app: usize, at: i64) -> bool {
    world.apps[app].busy.iter().any(|(from, to)| at - HOUR < *to && *from < at + 2 * HOUR)
}

fn do_it(world: &mut World, job: &mut Job, deed: Deed, now: i64, planted: &mut Plant) -> Done {
    match planted.kind.name {
        "silent_after_end" | "decided_after_end" | "started_after_end" | "ran_after_end" => {
            at_the_end(world, job, deed, now, planted.kind.name)
        }
        "before_token" | "expired" | "approval_again" | "other_run" => in_two_steps(world, job, deed, now, planted),
        "attempt" => {
            let user = world.agents[job.agent].username.clone();
            planted.refusal = Some(world.refuse(user, deed.app, "Sync", now));
            Done { at: now, ..Done::default() }
        }
        _ => {
            let deed = changed(world, job, deed, now, planted);
            let done = world.act(job, &deed, now);
            finish(world, job, now + 20 * MINUTE);
            done
        }
    }
}

/// One deed that is not what it should be.
fn changed(world: &mut World, job: &Job, mut deed: Deed, now: i64, planted: &mut Plant) -> Deed {
    match planted.kind.name {
        "silent" | "shared_name" => deed.is_decided = false,
        "silent_part" => {
            deed.is_decided = false;
            deed.params.insert("resources".to_owned(), part(world, deed.app));
        }
        "kubectl" => (deed.is_decided, deed.by_kubectl) = (false, true),
        "outside_policy" => {
            let own = &world.agents[job.agent].apps;
            let others: Vec<usize> =
                (0..world.apps.len()).filter(|app| !own.contains(app) && !is_busy(world, *app, now)).collect();
            deed.app = others[world.dice.below(others.len())];
            planted.app = deed.app;
        }
        "no_approval" => deed.is_approved = false,
        "other_job" => deed.job_said = Some(world.fresh("job")),
        "no_receipt" => deed.has_receipt = false,
        "wrong_target" => {
            let all = (0..world.apps.len()).filter(|app| *app != deed.app && !is_busy(world, *app, now));
            let others: Vec<usize> = all.filter(|app| !world.apps[*app].auto).collect();
            deed.on = Some(others[world.dice.below(others.len())]);
        }
        "drift" => deed.op_params = Some([("prune".to_owned(), true.into())].into()),
        "other_revision" => {
            deed.params.insert("retry_refresh".to_owned(), true.into());
            deed.deployed = Some(commit(world));
        }
        "denied_done" => deed.allow = false,
        "refused_done" => deed.outcome = Some("refused_rbac"),
        "late_start" => deed.wait = 12 * MINUTE,
        "phantom" => (deed.acts, deed.is_keyed) = (false, false),
        other => panic!("nobody knows how to plant {other}"),
    }
    deed
}

/// A deed at the wrong side of the end of its token's rights.
fn at_the_end(world: &mut World, job: &Job, mut deed: Deed, now: i64, kind: &str) -> Done {
    match kind {
        "silent_after_end" => {
            deed.is_decided = false;
            world.revoke(job, now - 10 * SECOND);
            world.act(job, &deed, now + 20 * MINUTE)
        }
        "decided_after_end" => {
            world.revoke(job, now);
            world.act(job, &deed, now + MINUTE)
        }
        "started_after_end" => {
            world.revoke(job, now + 30 * SECOND);
            deed.wait = 15 * MINUTE;
            world.act(job, &deed, now)
        }
        _ => {
            deed.seconds = 1_500;
            let done = world.act(job, &deed, now);
            world.revoke(job, now + 2 * MINUTE);
            done
        }
    }
}

/// A token, approval or run that is used where it does not belong.
fn in_two_steps(world: &mut World, job: &Job, mut deed: Deed, now: i64, planted: &mut Plant) -> Done {
    match planted.kind.name {
        "before_token" => {
            let mut other = world.begin(job.agent, now + 5 * MINUTE);
            planted.job = Some(other.id.clone());
            // Nothing waits for it.
            other.from = now - HOUR;
            let done = world.act(&other, &deed, now);
            planted.to = now + 6 * MINUTE;
            world.call(&mut other, planted.to);
            done
        }
        "expired" => world.act(job, &deed, now + TTL + 10 * MINUTE),
        "approval_again" => {
            deed.approval = world.act(job, &deed, now).approval;
            world.act(job, &deed, now + 5 * MINUTE)
        }
        _ => {
            world.act(job, &deed, now);
            deed.run_said = Some(world.fresh("run"));
            deed.revision = commit(world);
            world.act(job, &deed, now + 5 * MINUTE)
        }
    }
}

/// Somebody freezes an application, and a controller thaws it.
fn reverted(world: &mut World, kind: &'static Kind, at: i64) -> Plant {
    let app = auto_app(world).expect("an application");
    let job = world.fresh("incident");
    record(world, app, "freeze", &job, at);
    let back = at + 12 * MINUTE;
    world.apps[app].flips.extend([(at + 5 * SECOND, false), (back, true)]);
    plain(kind, at, back, app)
}

fn plain(kind: &'static Kind, from: i64, to: i64, app: usize) -> Plant {
    Plant { kind, is_lost: false, from, to, agent: None, app, job: None, op: None, refusal: None, is_seen: false }
}

/// Somebody whom nobody listed syncs.
fn stranger(world: &mut World, kind: &'static Kind, mut at: i64) -> Plant {
    let mut app = world.dice.below(world.apps.len());
    while is_busy(world, app, at) {
        (app, at) = (world.dice.below(world.apps.len()), at + MINUTE);
    }
    let mut op = persons(world, "nobody-knows".to_owned(), app, at);
    op.phase = "Succeeded";
    let op = world.ask(op, 5);
    Plant { op, ..plain(kind, at, at + MINUTE, app) }
}
