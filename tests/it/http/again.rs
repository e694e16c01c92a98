//! What anybody with a token can do to a service by logging again what others
//! signed: nothing but take room.

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use pulselog::artifact::json::{Value, to_compact};
use pulselog::artifact::renewed;
use pulselog::server::desk::Tally;
use pulselog::server::faults::NoFaults;
use pulselog::server::judge::GATHER_ENTRIES_MAX;
use pulselog::server::store::{Budget, Store};

use crate::audit::again::heard_at_last;
use crate::http::audits::reports_are_those_of_the_whole_log;
use crate::http::findings::{pages, same, texts};
use crate::http::lookup::groups;
use crate::make::audit::{START_MS, Story, time};
use crate::make::told::{Told, whole};
use crate::make::{did, hex, value};

/// Copies in one batch.
const BATCH: i64 = 4_000;

fn guilty() -> Story {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    story
}

/// Logs a statement of the story so often, each time in an envelope of its own.
fn log_again(told: &Told, story: &Story, name: &str, copies: i64) {
    let at = usize::try_from(story.index(name)).expect("small");
    let sealed = value(&story.submissions()[at].1);
    let line = |n| to_compact(&renewed(&sealed, &time(START_MS + n * 1_000)).expect("an envelope"));
    for first in (0..copies).step_by(usize::try_from(BATCH).expect("small")) {
        let lines: Vec<_> = (first..copies.min(first + BATCH)).map(line).collect();
        let answer = told.service.post("/v1/entries:batch", lines.join("\n"));
        let logged = answer.text().lines().filter(|line| line.contains("\"status\":201")).count();
        assert_eq!(logged, lines.len(), "{:.300}", answer.text());
    }
}

fn watch(told: &Told) -> Receiver<Tally> {
    told.service.server.as_ref().expect("it runs").state().desks.watch()
}

/// How many bodies the answer took, and what it found.
fn asked(told: &Told, watch: &Receiver<Tally>, path: &str) -> (usize, String) {
    while watch.try_recv().is_ok() {}
    let answer = told.service.get(path);
    assert_eq!(answer.status, 200, "{path}: {:.300}", answer.text());
    let read = watch.recv_timeout(Duration::from_secs(60)).expect("a request with a desk").bodies.len();
    let is_json = path.starts_with("/v1/");
    let found = is_json.then(|| answer.json().get("findings").map(to_compact)).flatten();
    (read, found.unwrap_or_default())
}

/// What reads one scope, and lists of it.
fn paths() -> Vec<String> {
    let agent = did("agent");
    let named = agent.replace(':', "%3A");
    vec![
        "/v1/jobs/job-1".to_owned(),
        format!("/v1/runs/{agent}/job-1.r1"),
        format!("/v1/tokens/{}", hex("job-1.t1")),
        "/v1/findings?job=job-1".to_owned(),
        "/jobs/job-1".to_owned(),
        format!("/runs/{named}/job-1.r1"),
        format!("/tokens/{}", hex("job-1.t1")),
        "/apps/argocd-prod/argocd/payments-api".to_owned(),
    ]
}

/// Makes the rows again from the store.
fn follow_again(told: &mut Told) {
    told.service.restart(|data| {
        let store = Store::open(&data.join("store"), Budget::default(), std::sync::Arc::new(NoFaults));
        store.expect("a store").search_clear().expect("cleared");
    });
}

#[test]
fn more_copies_of_a_decision_than_one_answer_reads_change_no_answer_and_are_read_by_none() {
    let story = guilty();
    let mut told = Told::of(&story);
    let mut tally = watch(&told);
    let before: BTreeMap<_, _> = paths().into_iter().map(|path| (path.clone(), asked(&told, &tally, &path))).collect();
    let (found, size) = (pages(&told, ""), told.service.size());
    assert!(found.iter().any(|finding| finding.contains("TOKEN_REVOKED")), "{found:?}");
    let copies = i64::try_from(GATHER_ENTRIES_MAX + 50).expect("small");
    log_again(&told, &story, "sync", copies);
    assert_eq!(told.service.size(), size + copies.unsigned_abs());
    for is_followed_again in [false, true] {
        if is_followed_again {
            follow_again(&mut told);
            while told.service.get("/v1/jobs/job-1").status == 503 {}
            tally = watch(&told);
        }
        for (path, (read, found)) in &before {
            let now = asked(&told, &tally, path);
            assert!(now.0 <= *read && now.1 == *found, "{path}, again {is_followed_again}: {now:?}, before {read}");
        }
        let copy = format!("/entries/{}", size + 7_000);
        assert!(asked(&told, &tally, &copy).0 < 400, "its page reads what one list shows");
        while tally.try_recv().is_ok() {}
        assert_eq!(pages(&told, ""), found);
        let of_all: usize = tally.try_iter().map(|tally| tally.bodies.len()).sum();
        let each = usize::try_from(told.service.size()).expect("small");
        assert!(of_all < each + 1_000, "{of_all} bodies for {each} entries");
    }
}

#[test]
fn what_counts_only_when_it_is_logged_again_is_found_and_what_strangers_repeat_is_told_once() {
    for story in [heard_at_last(70, 0), heard_at_last(70, 300), heard_at_last(300, 2)] {
        let mut told = Told::of(&story);
        let timeline = told.timeline();
        let size = told.service.size();
        for is_followed_again in [false, true] {
            if is_followed_again {
                follow_again(&mut told);
            }
            for size in [size / 2, size] {
                let report = whole(&timeline, size);
                same(pages(&told, &format!("at={size}")), texts(&report.findings), "every finding");
            }
            reports_are_those_of_the_whole_log(&told.service, &timeline, [size / 3, size / 2, size].into_iter());
        }
    }
}

#[test]
fn lists_hold_a_statement_once_and_its_submitter_with_each_copy() {
    let story = Story::clean();
    let told = Told::of(&story);
    let of = |name: &str| groups(&told.service.get(&format!("/v1/lookup?q={name}")));
    let count = || {
        let found = told.service.get("/v1/lookup?q=tester").json();
        let group = found.get("groups").and_then(Value::as_array).and_then(|groups| groups.first().cloned());
        group.and_then(|group| group.get("count").and_then(Value::as_i64)).expect("a count")
    };
    let (named, submitted) = (of("job-1"), count());
    assert!(!named.is_empty());
    log_again(&told, &story, "sync", 50);
    assert_eq!((of("job-1"), count()), (named, submitted + 50));
}
