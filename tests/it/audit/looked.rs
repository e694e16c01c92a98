//! Times that nobody looked at an instance: whose verdict they leave open, the
//! same from a scope's own entries, and how many looks a job reads.

use pulselog::artifact::json::Value;
use pulselog::audit::{Finding, Report, Scope, Timeline, Verdict, audit_at};
use pulselog::merkle::TreeSize;

use crate::audit::slices::{gathered, same_from_its_own_entries};
use crate::make::audit::{START_MS, Story, binds, nonce, operator, time};
use crate::make::{did, hex, set, value};

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const APP: &str = "argocd-prod/argocd/payments-api";

/// A look by `who`, logged at a time and taken at one by its own clock, that shows
/// an operation as the last one; rows stand in it where it is full.
pub fn look(story: &mut Story, who: &str, (ms, taken): (i64, i64), op: &str, full: bool) {
    let name = format!("{who} {ms}");
    let mut payload = value(&format!(
        r#"{{"argocd_snapshot_version":"1","nonce":"{}","channel":"poll","instance":"argocd-prod","taken_at":"{}",
        "full":{full},"rows":[],"rows_total":1,"rows_digest":"{}"}}"#,
        nonce(&name),
        time(taken),
        hex(op),
    ));
    if full {
        let row = value(&format!(r#"{{"spec_digest":"{}","auto_sync":"on","op_key":"{}"}}"#, hex("spec"), hex(op)));
        set(&mut payload, "rows", Some(Value::Array(vec![row])));
        set(&mut payload, "rows[0].app", value(&binds("job-1", "sync")).get("app").cloned());
    }
    story.bare_at(ms, &name, "argocd_snapshot", who, payload);
}

/// Looks at these times; every tenth is full, and so is the first after a time
/// without one. An operation takes the last one's place where `moves` says so.
pub fn looks(story: &mut Story, who: &str, times: impl Iterator<Item = i64>, moves: &[i64]) {
    let mut last = 0;
    for (at, ms) in times.enumerate() {
        let op = format!("operation {}", moves.iter().filter(|moved| **moved <= ms).count());
        let is_full = at % 10 == 0 || ms - last > 5 * MINUTE || moves.iter().any(|moved| last < *moved && *moved <= ms);
        look(story, who, (ms, ms), &op, is_full);
        last = ms;
    }
}

/// The clean story's token lives for a quarter of an hour from `START_MS` on.
pub fn every(minutes: i64, from: i64, until: i64) -> impl Iterator<Item = i64> {
    (from..until).map(move |at| START_MS + at * MINUTE + 500).step_by(usize::try_from(minutes).expect("small"))
}

/// Nobody looks from the fifth minute to the fortieth, and something moves.
pub fn interrupted() -> Story {
    let mut story = ticked(Story::clean(), 120);
    looks(&mut story, "observer", every(4, 1, 8).chain(every(4, 40, 125)), &[START_MS + 12 * MINUTE]);
    story
}

/// Nobody looks after the fifth minute.
pub fn abandoned() -> Story {
    let mut story = ticked(Story::clean(), 120);
    looks(&mut story, "observer", every(4, 1, 8), &[]);
    story
}

pub fn ticked(mut story: Story, minutes: i64) -> Story {
    story.wait(minutes * MINUTE);
    story.roots_again("the last roots", "recorders", Value::Array(Vec::new()));
    story
}

pub fn job() -> Scope {
    Scope::Job("job-1".to_owned())
}

pub fn gaps(report: &Report, scope: &Scope) -> Vec<Finding> {
    let of = report.of(scope);
    of.findings.into_iter().filter(|finding| finding.rule.code == "COVERAGE_GAP").collect()
}

pub fn scopes() -> Vec<Scope> {
    let run = |run: &str| Scope::Run { agent: did("agent"), run: format!("job-1.{run}") };
    let token = |token: &str| Scope::Token(hex(&format!("job-1.{token}")));
    vec![job(), run("r1"), run("r2"), token("t1"), token("t2"), Scope::App(APP.to_owned())]
}

#[track_caller]
fn same_at_every_size(story: &Story) {
    let whole = story.timeline();
    (0..=whole.size().get()).for_each(|size| same_from_its_own_entries(&whole, TreeSize::new(size), &scopes()));
}

/// Verdicts of log, job, agent, application.
pub fn verdicts(report: &Report) -> [Verdict; 4] {
    let of = |scope: &Scope| report.of(scope).verdict;
    [report.verdict, of(&job()), of(&Scope::Agent(did("agent"))), of(&Scope::App(APP.to_owned()))]
}

#[test]
fn looks_without_a_gap_leave_nothing_open_however_much_moves() {
    let mut story = ticked(Story::clean(), 120);
    looks(&mut story, "observer", every(5, 1, 130), &[START_MS + 7 * MINUTE, START_MS + 50 * MINUTE]);
    assert_eq!(verdicts(&story.audit()), [Verdict::Pass; 4], "{:#?}", story.audit());
    same_at_every_size(&story);
}

#[test]
fn an_instance_at_which_nobody_ever_looked_leaves_nothing_open() {
    assert_eq!(verdicts(&ticked(Story::clean(), 120).audit()), [Verdict::Pass; 4]);
}

#[test]
fn a_time_without_a_look_leaves_the_job_of_then_open_and_says_when_it_was() {
    let story = interrupted();
    let report = story.audit();
    assert_eq!(verdicts(&report), [Verdict::Incomplete; 4], "{report:#?}");
    let [gap] = &*gaps(&report, &job()) else { panic!("{:#?}", gaps(&report, &job())) };
    let time_of = |at: i64| time(START_MS + at * MINUTE + 500);
    assert!(gap.detail.contains(&format!("from {} to {}", time_of(5), time_of(40))), "{gap:#?}");
    assert_eq!(gap.entries.len(), 2);
    same_at_every_size(&story);
}

/// A job's second token lives when somebody looks again: what it did, nothing hides.
#[test]
fn a_time_without_a_look_leaves_the_runs_and_tokens_of_then_open_and_no_others() {
    let story = interrupted();
    let report = story.audit();
    let open = scopes().into_iter().map(|scope| report.of(&scope).verdict);
    assert_eq!(open.collect::<Vec<_>>(), [Verdict::Incomplete; 6], "both tokens lived then");
    let mut later = ticked(Story::clean(), 120);
    later.set("t2", "claims.iat", u32::try_from(START_MS / 1_000 + 60 * 60).expect("a time"));
    later.set("t2", "claims.exp", u32::try_from(START_MS / 1_000 + 75 * 60).expect("a time"));
    looks(&mut later, "observer", every(4, 1, 8).chain(every(4, 40, 125)), &[START_MS + 12 * MINUTE]);
    let report = later.audit();
    let is_open = |scope: &Scope| !gaps(&report, scope).is_empty();
    let open: Vec<_> = scopes().iter().map(is_open).collect();
    assert_eq!(open, [true, true, false, true, false, true], "job, runs, tokens, application: {report:#?}");
    for run in ["r1", "r2"] {
        let of = Scope::Run { agent: did("agent"), run: format!("job-1.{run}") };
        assert_eq!(report.of(&of).verdict, report.run(&did("agent"), &format!("job-1.{run}")), "{run}");
    }
    same_at_every_size(&later);
}

#[test]
fn a_time_without_a_look_in_which_nothing_moved_leaves_nothing_open() {
    let mut story = ticked(Story::clean(), 120);
    looks(&mut story, "observer", every(4, 1, 8).chain(every(4, 40, 125)), &[]);
    assert_eq!(verdicts(&story.audit()), [Verdict::Pass; 4], "{:#?}", story.audit());
    same_at_every_size(&story);
}

#[test]
fn a_time_without_a_look_of_another_time_is_none_of_the_jobs() {
    let mut story = ticked(Story::clean(), 120);
    looks(&mut story, "observer", every(4, 1, 40).chain(every(4, 70, 125)), &[START_MS + 60 * MINUTE]);
    let (open, pass) = (Verdict::Incomplete, Verdict::Pass);
    assert_eq!(verdicts(&story.audit()), [open, pass, pass, open]);
    same_at_every_size(&story);
}

#[test]
fn two_observers_fill_each_others_gaps() {
    let mut story = ticked(Story::clean(), 120);
    let moved = [START_MS + 12 * MINUTE];
    let row =
        |who: &str| value(&format!(r#"{{"submitter":"{who}","instance":"argocd-prod","channels":["notify","poll"]}}"#));
    story.set("roots", "observers", Value::Array(["observer", "second"].map(row).to_vec()));
    looks(&mut story, "observer", every(4, 1, 8).chain(every(4, 40, 125)), &moved);
    looks(&mut story, "second", every(5, 3, 50), &moved);
    assert_eq!(gaps(&story.audit(), &Scope::Log), []);
    same_at_every_size(&story);
}

/// What differs may then be what each of them may see.
#[test]
fn a_time_without_a_look_between_two_observers_says_that_they_are_two() {
    let mut story = ticked(Story::clean(), 120);
    let row =
        |who: &str| value(&format!(r#"{{"submitter":"{who}","instance":"argocd-prod","channels":["notify","poll"]}}"#));
    story.set("roots", "observers", Value::Array(["observer", "second"].map(row).to_vec()));
    looks(&mut story, "observer", every(4, 1, 8), &[]);
    looks(&mut story, "second", every(4, 40, 125), &[START_MS + 40 * MINUTE]);
    let says = |report: &Report| {
        let words = |gap: &Finding| gap.detail.contains("one observer before and another after");
        gaps(report, &Scope::Log).iter().map(words).collect::<Vec<_>>()
    };
    let said = says(&story.audit());
    assert!(said.len() > 2 && said.iter().all(|is_said| *is_said), "{:#?}", story.audit());
    assert!(says(&interrupted().audit()).iter().all(|is_said| !is_said));
    same_at_every_size(&story);
}

#[test]
fn a_job_that_lives_while_nobody_looks_for_hours_is_open_and_reads_the_looks_around() {
    let mut story = ticked(Story::clean(), 180);
    story.job("job-2", "agent");
    let mut story = ticked(story, 300);
    looks(&mut story, "observer", every(4, 1, 60).chain(every(4, 400, 490)), &[START_MS + 100 * MINUTE]);
    let (report, later) = (story.audit(), Scope::Job("job-2".to_owned()));
    assert_eq!((report.job("job-1"), report.job("job-2")), (Verdict::Pass, Verdict::Incomplete));
    let whole = story.timeline();
    let tokens = ["t1", "t2"].map(|token| Scope::Token(hex(&format!("job-2.{token}"))));
    let scopes: Vec<_> = scopes().into_iter().chain(tokens).chain([later.clone()]).collect();
    (0..=whole.size().get()).for_each(|size| same_from_its_own_entries(&whole, TreeSize::new(size), &scopes));
    // One of each end, and those that the way to them leads past.
    let read = looks_of(&gathered(&whole, &later, whole.size()));
    assert!((2..=16).contains(&read), "{read}");
}

#[test]
fn nobody_looks_any_more() {
    let story = abandoned();
    let (report, open) = (story.audit(), Verdict::Incomplete);
    assert_eq!(verdicts(&report), [open; 4], "{report:#?}");
    assert!(gaps(&report, &job())[0].detail.contains("since"));
    same_at_every_size(&story);
    // Who looked once promised nothing.
    let mut once = ticked(Story::clean(), 120);
    looks(&mut once, "observer", every(4, 1, 2), &[]);
    assert_eq!(verdicts(&once.audit()), [Verdict::Pass; 4]);
    same_at_every_size(&once);
}

/// The clean story with tokens of this many minutes, looked at every few seconds
/// from an hour before to an hour after.
fn watched(minutes: i64, seconds: i64) -> Story {
    let mut story = Story::clean();
    for token in ["t1", "t2"] {
        story.set(token, "claims.exp", u32::try_from(START_MS / 1_000 + minutes * 60).expect("a time"));
    }
    let mut story = ticked(story, minutes + 60);
    let (from, until) = (START_MS - HOUR, START_MS + minutes * MINUTE + HOUR + MINUTE);
    let times = (from..until).step_by(usize::try_from(seconds * 1_000).expect("small"));
    looks(&mut story, "observer", times, &[]);
    story
}

/// Looks that the audit of the job reads, and of how many.
fn looks_read(story: &Story) -> (usize, usize) {
    let whole = story.timeline();
    same_from_its_own_entries(&whole, whole.size(), &[job()]);
    (looks_of(&gathered(&whole, &job(), whole.size())), looks_of(&whole))
}

pub fn looks_of(log: &Timeline) -> usize {
    log.prefix(log.size()).filter(|(_, seen)| seen.entry.kind.name() == "argocd_snapshot").count()
}

#[test]
fn a_job_reads_a_look_for_each_few_minutes_of_its_tokens_lives_however_often_somebody_looks() {
    for (minutes, seconds, most) in [(15, 240, 12), (15, 15, 12), (60, 60, 22)] {
        let (read, all) = looks_read(&watched(minutes, seconds));
        println!("tokens of {minutes} min, a look every {seconds} s: {read} looks of {all} are read");
        assert!((3..=most).contains(&read), "{minutes}, {seconds}: {read}");
    }
}

#[test]
fn no_job_reads_more_looks_than_those_of_two_days() {
    let story = watched(5 * 24 * 60, 240);
    let (read, all) = looks_read(&story);
    println!("tokens of five days: {read} looks of {all} are read");
    assert!(read <= 330, "one day: {read}");
    let report = audit_at(&story.timeline(), story.timeline().size(), Some(&operator()));
    let is_said = report.of(&job()).coverage.iter().any(|row| row.what.starts_with("times without a look more than"));
    assert!(is_said, "{:#?}", report.of(&job()).coverage);
}

/// Two observers whose clocks are off, who come and go as chance has it.
fn thrown(seed: u64) -> Story {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |end: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::from(u32::try_from(state >> 33).expect("31 bits")) % end
    };
    let mut story = ticked(Story::clean(), 20 + below(60));
    story.job("job-2", "agent");
    let mut story = ticked(story, 10 + below(80));
    let row =
        |who: &str| value(&format!(r#"{{"submitter":"{who}","instance":"argocd-prod","channels":["notify","poll"]}}"#));
    story.set("roots", "observers", Value::Array(["observer", "second"].map(row).to_vec()));
    let end = story.now_ms();
    for who in ["observer", "second"] {
        let (off, mut at) = (below(30 * MINUTE) - 15 * MINUTE, START_MS + 2_000 + below(40 * MINUTE));
        while at < end {
            let op = format!("operation {}", (at - START_MS) / MINUTE / (1 + below(40)));
            look(&mut story, who, (at, at + off), &op, below(3) == 0);
            at += match below(12) {
                0 => below(70 * MINUTE),
                1 => 8 * MINUTE + below(3 * MINUTE),
                _ => below(6 * MINUTE),
            } + 1_000;
        }
    }
    story
}

#[test]
fn whoever_looks_whenever_a_part_says_what_the_whole_says() {
    let mut open = 0;
    let runs = ["r1", "r2"].map(|run| Scope::Run { agent: did("agent"), run: format!("job-2.{run}") });
    let tokens = ["t1", "t2"].map(|token| Scope::Token(hex(&format!("job-2.{token}"))));
    let others = runs.into_iter().chain(tokens).chain([Scope::Job("job-2".to_owned())]);
    let scopes: Vec<_> = scopes().into_iter().chain(others).collect();
    for seed in 0..60 {
        let whole = thrown(seed).timeline();
        let size = whole.size().get();
        for size in (0..3).map(|part| TreeSize::new(size - part * size / 5)) {
            same_from_its_own_entries(&whole, size, &scopes);
        }
        let report = audit_at(&whole, whole.size(), Some(&operator()));
        open += ["job-1", "job-2"].iter().filter(|name| report.job(name) == Verdict::Incomplete).count();
    }
    assert!((20..100).contains(&open), "chance leaves some open, and not all: {open} of 120");
}
