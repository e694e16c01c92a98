//! One busy week of many agents, played by a simulator that shares no code with
//! what it tests: it knows the truth, says what each channel would see of it,
//! and the audit is held against the truth.

mod cast;
mod dice;
mod guilt;
mod jobs;
mod json;
mod judge;
mod life;
mod plants;
mod poll;
mod sealed;
mod shape;
mod told;
mod world;

use std::collections::BTreeMap;
use std::time::Instant;

use self::guilt::{Plant, Sight};
use self::judge::{Judged, Outcome};
use self::poll::Look;
use self::shape::Shape;
use self::world::{MINUTE, SECOND, World};
use crate::make::project;

/// What is true of a week, and all that was said of it.
pub struct Week {
    world: World,
    plants: Vec<Plant>,
    looks: Vec<Look>,
    /// How far the clock of Argo CD's server lies from the truth.
    off: i64,
}

fn play(shape: &Shape) -> Week {
    let mut world = World::new(shape);
    cast::set_up(&mut world);
    life::live(&mut world);
    let mut plants = plants::plant_all(&mut world);
    let histories = poll::histories(&world);
    world.notify(&histories);
    world.read_log();
    // Poller and reader end together, when all else is told: a log that goes on
    // without one of them has a gap at its end, and is right to say so.
    let over = world.over();
    let looks = poll::poll(&mut world, &histories, over);
    world.tell_what_was_read(over);
    for plant in plants.iter_mut().filter(|plant| plant.kind.sight == Sight::Flips) {
        plant.is_seen = poll::looked(&world, plant.from + MINUTE, plant.to - SECOND)
            && poll::looked(&world, plant.to + MINUTE, plant.to + 20 * MINUTE);
    }
    // What is logged in one moment stands in the order of its making.
    world.said.sort_by_key(|said| said.at);
    let off = world.clock("server", 0);
    Week { world, plants, looks, off }
}

/// Plays and judges; the line that is printed of it.
fn judged(shape: &Shape) -> (Judged, String) {
    let start = Instant::now();
    let mut week = play(shape);
    let played = start.elapsed();
    let judged = judge::judge(&mut week);
    let hidden = judged.plants.iter().filter(|(_, outcome, _)| *outcome != Outcome::Found).count();
    let line = format!(
        "week {}: {} applications, {} agents, {} days, {} entries; verdict {}; {} plants, {hidden} hidden; {} false; \
         {} applications open for a time without a look, {} of them of no plant; {} of {} jobs, {} of no plant; played in {played:.1?}, judged in {:.1?}",
        shape.seed,
        shape.apps,
        shape.agents,
        shape.days,
        judged.entries,
        judged.verdict.name(),
        judged.plants.len(),
        judged.false_findings.len(),
        judged.open,
        judged.open_in_honesty,
        judged.open_jobs,
        judged.jobs,
        judged.open_jobs_in_honesty,
        start.elapsed() - played,
    );
    (judged, line)
}

/// Plays these weeks on two threads; each with what came of it.
fn all_judged(shapes: &[Shape]) -> Vec<(&Shape, Judged)> {
    let half = shapes.len().div_ceil(2).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = shapes
            .chunks(half)
            .map(|chunk| {
                let one = |shape| {
                    let (judged, line) = judged(shape);
                    println!("{line}");
                    (shape, judged)
                };
                scope.spawn(move || chunk.iter().map(one).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a week")).collect()
    })
}

/// Prints what came of each week and the hidden share of all, and gives what is
/// wrong, and a row for each plant that was not found.
fn wrong(shapes: &[Shape]) -> (Vec<String>, Vec<String>) {
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    let (mut wrong, mut rows) = (Vec::new(), Vec::new());
    for (shape, judged) in all_judged(shapes) {
        wrong.extend(judged.false_findings.iter().map(|found| format!("week {}, false: {found}", shape.seed)));
        for ((name, outcome, why), (_, is_lost)) in judged.plants.iter().zip(&shape.plants) {
            *counts.entry(*outcome).or_default() += 1;
            let name = format!("{name}{}", if *is_lost { "~" } else { "" });
            if *outcome != Outcome::Found {
                println!("  week {}, {name}: {}; {why}", shape.seed, outcome.name());
                rows.push(format!("{}\t{name}\t{}\t{why}", shape.seed, outcome.name()));
            }
            if *outcome == Outcome::Missed {
                wrong.push(format!("week {}, {name}: {}; {why}", shape.seed, outcome.name()));
            }
        }
    }
    let total: usize = counts.values().sum();
    let found = counts.get(&Outcome::Found).copied().unwrap_or_default();
    let hidden = (total - found) * 100;
    println!("{total} plants, {found} found; hidden share {}%", hidden.checked_div(total).unwrap_or_default());
    counts.iter().for_each(|(outcome, count)| println!("  {count} {}", outcome.name()));
    (wrong, rows)
}

/// Which plants of committed weeks are not found is committed too: a gap that the
/// rules leave stands there until they close it.
fn assert_as_committed(shapes: &[Shape], rows: &[String]) {
    let path = project("tests/golden/week/outcomes.tsv");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let seed = |row: &str| row.split('\t').next().and_then(|seed| seed.parse::<u64>().ok());
    let is_played = |row: &&str| shapes.iter().any(|shape| seed(row) == Some(shape.seed));
    let mut all: Vec<String> = committed.lines().skip(1).filter(|row| !is_played(row)).map(str::to_owned).collect();
    all.extend(rows.iter().cloned());
    // By seed; plants stay in their order.
    all.sort_by_key(|row| seed(row));
    let made = format!("seed\tplant\toutcome\tby\n{}\n", all.join("\n"));
    if crate::make::blessing() {
        std::fs::write(&path, &made).expect("the table");
        return;
    }
    assert!(committed == made, "outcomes.tsv is not what comes out: PULSELOG_BLESS=1 writes it anew\n{made}");
}

/// A seed that no run before had.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    // What a shell and a table can say again.
    std::collections::hash_map::RandomState::new().build_hasher().finish() >> 32
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn a_small_week_is_judged_as_it_was() {
    let shapes: Vec<Shape> = Shape::committed().into_iter().filter(|shape| !shape.is_full()).collect();
    let (wrong, rows) = wrong(&shapes);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_as_committed(&shapes, &rows);
}

/// Seeds at which this simulator, or the rules, were once wrong.
const ONCE_WRONG: [u64; 3] = [
    // The reader's last part stood in the log minutes after the poller had stopped.
    1_407_511_517,
    // A refused call left open another job of its agent's, as it must.
    1_407_511_584,
    // Nobody saw what was planted for more than three hours: one absence into another.
    1_407_511_676,
];

#[test]
fn a_week_that_was_once_judged_wrong_is_judged_as_it_was() {
    let (wrong, _) = wrong(&ONCE_WRONG.map(|seed| Shape::thrown(seed, 60, 8, 2)));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// One, or `SMALL_WEEKS` of them from `SEED` on.
#[test]
fn a_week_that_nobody_saw_before_is_judged_as_it_was() {
    let seed = number("SEED").unwrap_or_else(random_seed);
    println!("fresh week: SEED={seed}");
    let weeks: Vec<Shape> =
        (0..number("SMALL_WEEKS").unwrap_or(1)).map(|at| Shape::thrown(seed + at, 60, 8, 2)).collect();
    let (wrong, _) = wrong(&weeks);
    assert!(wrong.is_empty(), "SEED={seed}\n{}", wrong.join("\n\n"));
}

/// `make week`: the committed weeks at full size, and `WEEKS` fresh ones.
#[test]
fn whole_weeks_are_judged_as_they_were() {
    let Some(fresh) = number("WEEKS") else { return };
    let committed: Vec<Shape> = Shape::committed().into_iter().filter(Shape::is_full).collect();
    let seed = number("SEED").unwrap_or_else(random_seed);
    println!("{} committed weeks and {fresh} fresh ones from SEED={seed}", committed.len());
    let (mut all, rows) = wrong(&committed);
    let fresh: Vec<Shape> = (0..fresh).map(|at| Shape::thrown(seed + at, 200, 20, 7)).collect();
    all.extend(wrong(&fresh).0);
    assert!(all.is_empty(), "{}", all.join("\n\n"));
    assert_as_committed(&committed, &rows);
}

/// An oracle that shares code with what it judges shares its mistakes.
#[test]
fn the_simulator_shares_no_code_with_what_it_tests() {
    for file in std::fs::read_dir(project("tests/it/week")).expect("its folder") {
        let path = file.expect("a file").path();
        if path.file_name().is_some_and(|name| name == "judge.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source file");
        for word in ["pulselog::", "crate::", "super::super::"] {
            assert!(!text.contains(word), "{} says {word}", path.display());
        }
    }
}
