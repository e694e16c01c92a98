//! Honest stories, thrown from a seed, each with what the audit must say of
//! it. Written from what the verdict is to mean, beside the rules: they share
//! no code.

mod acts;
mod argo;
mod attested;
mod busybodies;
mod cast;
mod dice;
mod drafts;
mod expected;
mod faults;
mod faults_acts;
mod faults_argo;
mod faults_bundles;
mod faults_tokens;
mod guilty;
mod honest;
mod pack;
mod world;
mod writes;

use std::collections::BTreeSet;

use pulselog::audit::{Effect, RULE_GROUPS, Report, Scope, Timeline, Verdict, audit, audit_at, audit_packet, explain};
use pulselog::merkle::TreeSize;

use self::dice::Dice;
use self::drafts::{Draft, Logged, listing, logged};
use self::expected::{Expected, Row, shown};
use self::guilty::Guilty;
use self::honest::honest;
use self::world::World;

/// A story, what it expects, and where to look closer.
struct Story {
    drafts: Vec<Draft>,
    expected: Expected,
    is_tardy: bool,
    dice: Dice,
}

fn told(mut world: World) -> Story {
    let runs: Vec<_> = world.runs.iter().map(|run| (run.agent, run.job.clone(), run.id.clone())).collect();
    let mut rows: BTreeSet<Row> = world.expected.drain(..).collect();
    rows.extend(world.runs.iter().filter(|run| !run.bundles.is_empty()).flat_map(|run| run.once_packed.clone()));
    Story { drafts: world.drafts, expected: Expected::new(rows, runs), is_tardy: world.is_tardy, dice: world.dice }
}

/// What is wrong with the audit of an honest story.
fn wrong(story: &mut Story, log: &Logged) -> Vec<String> {
    let operator = cast::operator();
    let size = log.timeline.size();
    let mut wrong = story.expected.differences(&audit(&log.timeline, Some(&operator)));
    if !story.is_tardy {
        for _ in 0..3 {
            let part = story.dice.between(1, i64::try_from(size.get()).expect("small") - 1);
            let report = audit_at(&log.timeline, TreeSize::new(part.unsigned_abs()), Some(&operator));
            let accused = report.findings.iter().filter(|finding| finding.effect == Effect::Fails);
            wrong.extend(accused.map(|found| format!("accused at size {part}: {found:?}")));
        }
    }
    wrong
}

/// A true statement about a job changes nothing, and a packet of the whole log,
/// or of what the job uses, says of the job what the log does.
fn wrong_when_attested(story: &Story, log: &Logged) -> Vec<String> {
    let (job, want) = story.expected.jobs.first_key_value().expect("a job");
    let mut timeline = log.timeline.clone();
    attested::state(&mut timeline, job, |_| {});
    let mut wrong = story.expected.differences(&audit(&timeline, Some(&cast::operator())));
    let packet = audit_packet(&timeline, timeline.size(), job, &cast::operator());
    if packet.job(job) != *want {
        wrong.push(format!("packet of {job}: {}, not {}: {:?}", packet.job(job).name(), want.name(), packet.findings));
    }
    // Every job of the log, whoever else's statements and acts stand around it.
    for job in story.expected.jobs.keys() {
        attested::state(&mut timeline, job, |_| {});
        wrong.extend(wrong_when_packed(&timeline, job));
    }
    wrong
}

/// What the packet of a job says otherwise than the whole log that ends with
/// the operator's statement about it.
fn wrong_when_packed(whole: &Timeline, job: &str) -> Option<String> {
    let want = audit(whole, Some(&cast::operator())).job(job);
    let packet = audit_packet(&attested::packed(whole, job), whole.size(), job, &cast::operator());
    let got = packet.job(job);
    (got != want).then(|| format!("packed {job}: {}, not {}: {:?}", got.name(), want.name(), packet.findings))
}

fn check(seed: u64) -> Result<(), String> {
    let mut story = told(honest(seed, false));
    let log = logged(&story.drafts);
    let mut wrong = wrong(&mut story, &log);
    if story.dice.chance(25) {
        wrong.extend(wrong_when_attested(&story, &log));
    }
    let scopes: Vec<_> = story.expected.jobs.keys().map(|job| Scope::Job(job.clone())).collect();
    crate::audit::slices::same_from_its_own_entries(&log.timeline, log.timeline.size(), &scopes);
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("seed {seed}\n{}\n{}", listing(&log, &cast::names()), wrong.join("\n"))),
    }
}

/// Seeds whose story goes wrong, with what is wrong. Half of them a thread.
fn all_wrong(seeds: &[u64], check: fn(u64) -> Result<(), String>) -> Vec<String> {
    let half = seeds.len().div_ceil(2).max(1);
    std::thread::scope(|scope| {
        let part = |part: &[u64]| part.iter().filter_map(|seed| check(*seed).err()).collect::<Vec<_>>();
        let threads: Vec<_> = seeds.chunks(half).map(|chunk| scope.spawn(move || part(chunk))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a story")).collect()
    })
}

/// A seed that no run before had.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// The same seeds each time and one that no run had before; or as many as
/// `STORIES` says, from a seed that `SEED` says or that no run had before.
#[test]
fn honest_stories_show_what_they_expect_and_nothing_else() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("SEED").unwrap_or_else(random_seed);
    let seeds: Vec<_> = match number("STORIES") {
        Some(count) => (0..count).map(|at| first.wrapping_add(at)).collect(),
        None => (0..200).chain([first]).collect(),
    };
    println!("{} honest stories; random seed {first}", seeds.len());
    let start = std::time::Instant::now();
    let wrong = all_wrong(&seeds, check);
    println!("{} of {} stories wrong, in {:.0?}", wrong.len(), seeds.len(), start.elapsed());
    assert!(wrong.is_empty(), "{}", wrong.iter().take(10).cloned().collect::<Vec<_>>().join("\n\n"));
}

/// Rules that no story is found guilty of, since they are about something
/// else than what stands in a log, or about what no log of today holds.
const OF_NO_STORY: &[&str] =
    &["EVIDENCE_NOT_GIVEN", "BUNDLE_NOT_LOGGED", "RUN_UNKNOWN", "DOCUMENTS_DISAGREE", "ID_NOT_SPELLED"];

#[test]
fn every_rule_finds_its_fault_and_the_run_goes_red_without_it() {
    let mut wrong = Vec::new();
    for (at, fault) in guilty::rows().enumerate().filter(|(_, fault)| explain(fault.code).is_some()) {
        for round in 0..3 {
            let guilty = Guilty::from(1_000 * at as u64 + 300 * round, fault);
            let mut report = guilty.report();
            let found = guilty.wrong(&report);
            if !found.is_empty() {
                let (seed, lines) = (guilty.seed, found.join("\n"));
                wrong.push(format!("{} in seed {seed}\n{}\n{lines}", fault.code, guilty.listing(&report)));
            }
            let attested = guilty.attested();
            let packed = attested.as_ref().and_then(|whole| wrong_when_packed(whole, &guilty.job));
            wrong.extend(packed.map(|why| format!("{} in seed {}\n{why}", fault.code, guilty.seed)));
            // As if the rule were switched off.
            report.findings.retain(|finding| finding.rule.code != fault.code);
            if guilty.wrong(&report).is_empty() {
                wrong.push(format!("nobody misses {}", fault.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_rule_has_a_fault_that_it_must_find() {
    let planted: BTreeSet<_> = guilty::rows().map(|fault| fault.code).chain(OF_NO_STORY.iter().copied()).collect();
    let rules: BTreeSet<_> = RULE_GROUPS.iter().copied().flatten().map(|rule| rule.code).collect();
    assert_eq!(rules.difference(&planted).collect::<Vec<_>>(), [&""; 0]);
}

/// What a report says of a job and its runs.
fn said_of(report: &Report, job: &str) -> (BTreeSet<Row>, Verdict, Vec<(String, Verdict)>) {
    let rows = shown(report).into_iter().filter(|row| row.job == job).collect();
    let runs = report.runs.iter().filter(|run| run.job.as_deref() == Some(job));
    (rows, report.job(job), runs.map(|run| (run.run.run.clone(), run.verdict)).collect())
}

#[test]
fn whoever_has_no_role_for_a_run_changes_nothing_of_it() {
    let mut wrong = Vec::new();
    for (at, busybody) in busybodies::ROWS.iter().enumerate() {
        let mut told_of = 0;
        for seed in 70_000 + at as u64 * 100.. {
            let before = honest(seed, true);
            let job = before.runs[0].job.clone();
            let mut world = honest(seed, true);
            if (busybody.say)(&mut world, 0).is_none() {
                continue;
            }
            let said = |world: World| {
                let log = logged(&told(world).drafts);
                (said_of(&audit(&log.timeline, Some(&cast::operator())), &job), log)
            };
            let ((before, _), (after, log)) = (said(before), said(world));
            if before != after {
                let listing = listing(&log, &cast::names());
                wrong.push(format!("{}, seed {seed}\n{listing}\nbefore {before:?}\nafter {after:?}", busybody.name));
            }
            told_of += 1;
            if told_of == 3 {
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
