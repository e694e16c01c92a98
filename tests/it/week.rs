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

/// What is true of a week, and all that was said of it.
pub struct Week {
    world: World,
    plants: Vec<Plant>,
    looks: Vec<Look>,
}

fn play(shape: &Shape) -> Week {
    let mut world = World::new(shape);
    cast::set_up(&mut world);
    life::live(&mut world);
    let mut plants = plants::plant_all(&mut world);
    let histories = poll::histories(&world);
    world.notify(&histories);
    world.read_log();
    let looks = poll::poll(&mut world, &histories);
    for plant in plants.iter_mut().filter(|plant| plant.kind.sight == Sight::Flips) {
        plant.is_seen = poll::looked(&world, plant.from + MINUTE, plant.to - SECOND)
            && poll::looked(&world, plant.to + MINUTE, plant.to + 20 * MINUTE);
    }
    // What is logged in one moment stands in the order of its making.
    world.said.sort_by_key(|said| said.at);
    Week { world, plants, looks }
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
         played in {played:.1?}, judged in {:.1?}",
        shape.seed,
        shape.apps,
        shape.agents,
        shape.days,
        judged.entries,
        judged.verdict.name(),
        judged.plants.len(),
        judged.false_findings.len(),
        start.elapsed() - played,
    );
    (judged, line)
}

/// Plays these weeks, half of them a thread, prints the hidden share, and gives
/// what is wrong.
fn wrong(shapes: &[Shape]) -> Vec<String> {
    let half = shapes.len().div_ceil(2).max(1);
    let all: Vec<(&Shape, Judged, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = shapes
            .chunks(half)
            .map(|chunk| {
                scope.spawn(move || {
                    let one = |shape| {
                        let (judged, line) = judged(shape);
                        (shape, judged, line)
                    };
                    chunk.iter().map(one).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a week")).collect()
    });
    let mut counts: BTreeMap<(&str, Outcome), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (shape, judged, line) in &all {
        println!("{line}");
        wrong.extend(judged.false_findings.iter().map(|found| format!("week {}, false: {found}", shape.seed)));
        for (name, outcome, why) in &judged.plants {
            *counts.entry((*name, *outcome)).or_default() += 1;
            if *outcome != Outcome::Found {
                println!("  {name}: {outcome:?}, {why}");
            }
            if matches!(outcome, Outcome::Missed | Outcome::Unnamed) {
                wrong.push(format!("week {}, {name} {outcome:?}: {why}", shape.seed));
            }
        }
    }
    let total: usize = counts.values().sum();
    let of = |outcome: Outcome| counts.iter().filter(|((_, is), _)| *is == outcome).map(|(_, n)| n).sum::<usize>();
    println!(
        "{total} plants: {} found, {} hidden and named, {} hidden and unnamed, {} missed",
        of(Outcome::Found),
        of(Outcome::Named),
        of(Outcome::Unnamed),
        of(Outcome::Missed),
    );
    wrong
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
    let wrong = wrong(&shapes);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_week_that_nobody_saw_before_is_judged_as_it_was() {
    let seed = number("SEED").unwrap_or_else(random_seed);
    println!("fresh week: SEED={seed}");
    let wrong = wrong(&[Shape::thrown(seed, 24, 4, 1)]);
    assert!(wrong.is_empty(), "SEED={seed}\n{}", wrong.join("\n\n"));
}

/// `make week`: the committed weeks at full size, and `WEEKS` fresh ones.
#[test]
fn whole_weeks_are_judged_as_they_were() {
    let Some(fresh) = number("WEEKS") else { return };
    let mut shapes: Vec<Shape> = Shape::committed().into_iter().filter(Shape::is_full).collect();
    let seed = number("SEED").unwrap_or_else(random_seed);
    println!("{} committed weeks and {fresh} fresh ones from SEED={seed}", shapes.len());
    shapes.extend((0..fresh).map(|at| Shape::thrown(seed + at, 200, 20, 7)));
    let wrong = wrong(&shapes);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
