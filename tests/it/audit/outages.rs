//! Times that nobody looked at an instance, where clocks differ, looks come late
//! or again, or somebody speaks whom nobody trusts: they stay open, and honest
//! logs stay closed.

mod thrown;

use pulselog::artifact::json::Value;
use pulselog::audit::{Report, Scope, Verdict};
use pulselog::merkle::TreeSize;

use crate::audit::looked::{APP, HOUR, MINUTE, every, gaps, job, look, looks, looks_of, scopes, ticked, verdicts};
use crate::audit::slices::{gathered, same_from_its_own_entries};
use crate::make::audit::{START_MS, Story, nonce, time};
use crate::make::{did, set, value};

const OPEN: Verdict = Verdict::Incomplete;

/// Lists these observers: by submitter, or by the DID of a signer.
fn observed_by(story: &mut Story, submitters: &[&str], signers: &[&str]) {
    let unsigned = submitters.iter().map(|who| format!(r#""submitter":"{who}""#));
    let signed = signers.iter().map(|who| format!(r#""did":"{}""#, did(who)));
    let row = |who| value(&format!(r#"{{{who},"instance":"argocd-prod","channels":["notify","poll"]}}"#));
    let rows = Value::Array(unsigned.chain(signed).map(row).collect());
    for roots in ["roots", "the last roots"] {
        story.set(roots, "observers", rows.clone());
    }
}

#[track_caller]
fn same_in_parts(story: &Story) {
    let whole = story.timeline();
    let size = whole.size().get();
    (0..4).for_each(|part| same_from_its_own_entries(&whole, TreeSize::new(size - part * size / 6), &scopes()));
}

/// Two observers, both silent from the eighth minute to `back`, where they come
/// back at all. The clock of the second is `off`, and it is logged first.
fn both_silent(phase: i64, off: i64, back: Option<i64>) -> Story {
    let mut story = ticked(Story::clean(), 120);
    observed_by(&mut story, &["observer", "second"], &[]);
    let moved = START_MS + 12 * MINUTE;
    for (n, at) in every(4, 0, 8).chain(every(4, back.unwrap_or(118), 118)).enumerate() {
        let at = at + phase;
        let (op, is_full) = (if at > moved { "operation 1" } else { "operation 0" }, n == 0 || at > moved);
        look(&mut story, "second", (at, at + off), op, is_full);
        look(&mut story, "observer", (at + 30_000, at + 30_000), op, is_full);
    }
    story
}

#[test]
fn clocks_that_lie_two_minutes_off_hide_no_outage_of_a_quarter_of_an_hour() {
    for (off, back) in [-120_000, -20_000, 0, 20_000, 120_000].iter().flat_map(|off| [40, 24].map(|back| (*off, back)))
    {
        for phase in (0..270_000).step_by(30_000) {
            let report = both_silent(phase, off, Some(back)).audit();
            assert_eq!(verdicts(&report), [OPEN; 4], "off {off}, back at {back}, phase {phase}: {report:#?}");
        }
        same_in_parts(&both_silent(100_000, off, Some(back)));
    }
}

#[test]
fn clocks_that_lie_two_minutes_off_hide_no_end_of_looking() {
    for off in [-120_000, 0, 120_000] {
        for phase in (0..270_000).step_by(30_000) {
            let story = both_silent(phase, off, None);
            assert_eq!(verdicts(&story.audit()), [OPEN; 4], "off {off}, phase {phase}");
        }
        same_in_parts(&both_silent(0, off, None));
    }
}

#[test]
fn a_first_look_whose_clock_is_ahead_ends_no_outage_unseen() {
    for phase in (0..270_000).step_by(10_000) {
        let mut story = ticked(Story::clean(), 120);
        every(4, 0, 8).for_each(|at| look(&mut story, "observer", (at + phase, at + phase), "operation 0", true));
        let back = START_MS + 40 * MINUTE + phase;
        look(&mut story, "observer", (back, back + 120_000), "operation 1", true);
        look(&mut story, "observer", (back + 30_000, back + 30_000), "operation 1", true);
        every(4, 42, 118).for_each(|at| look(&mut story, "observer", (at + phase, at + phase), "operation 1", true));
        assert_eq!(verdicts(&story.audit()), [OPEN; 4], "phase {phase}");
    }
}

#[test]
fn one_look_after_an_outage_owes_the_next_and_two_lone_looks_owe_none() {
    let mut story = ticked(Story::clean(), 40);
    story.job("job-2", "agent");
    let bare = ticked(story, 300);
    let mut story = bare.clone();
    looks(&mut story, "observer", every(4, 1, 20), &[]);
    look(&mut story, "observer", (START_MS + 30 * MINUTE, START_MS + 30 * MINUTE), "operation 0", false);
    let report = story.audit();
    assert_eq!((report.verdict, report.job("job-1"), report.job("job-2")), (OPEN, Verdict::Pass, OPEN), "{report:#?}");
    same_in_parts(&story);
    let mut lone = bare;
    for at in [4, 34] {
        look(&mut lone, "observer", (START_MS + at * MINUTE, START_MS + at * MINUTE), "operation 0", true);
    }
    assert_eq!(gaps(&lone.audit(), &Scope::Log), []);
}

/// A signed observer, silent from the twentieth minute on to `back`.
fn signed(back: i64) -> (Story, Vec<i64>) {
    let mut story = ticked(Story::clean(), 120);
    observed_by(&mut story, &["observer"], &["poller"]);
    let moved = START_MS + 22 * MINUTE;
    let times: Vec<i64> = every(4, 1, 20).chain(every(4, back, 118)).collect();
    for at in &times {
        look(&mut story, "poller", (*at, *at), if *at > moved { "operation 1" } else { "operation 0" }, true);
        story.signed_by(&format!("poller {at}"), "poller");
    }
    for token in ["t1", "t2"] {
        story.set(token, "claims.exp", u32::try_from(START_MS / 1_000 + 25 * 60).expect("a time"));
    }
    (story, times)
}

/// Logs a look again, in a new envelope, by somebody else.
fn again(story: &mut Story, look: i64, after: &str, name: &str) {
    story.renew(&format!("poller {look}"), after);
    let renewed = story.at(&format!("poller {look} renewed"));
    story.steps[renewed].name = name.to_owned();
    story.submitted_by(name, "agents-own");
}

#[test]
fn looks_that_are_logged_again_fill_no_time_without_one() {
    for (back, olds) in [(40, vec![0]), (118, vec![0]), (118, vec![0, 4]), (40, vec![4, 0, 4])] {
        let (mut story, times) = signed(back);
        let plain = verdicts(&story.audit());
        assert_eq!(plain, [OPEN; 4], "back at {back}");
        let mut after = format!("poller {}", times[4]);
        for (n, old) in olds.iter().enumerate() {
            let name = format!("again {n}");
            again(&mut story, times[*old], &after, &name);
            after = name;
        }
        assert_eq!(verdicts(&story.audit()), plain, "back at {back}, again {olds:?}");
        same_in_parts(&story);
    }
}

/// A slot holds the first LOOKS of it, and a hundred copies of one look are one.
#[test]
fn a_look_that_is_logged_a_hundred_times_leaves_room_for_the_next() {
    let mut story = ticked(Story::clean(), 120);
    observed_by(&mut story, &["observer"], &["poller"]);
    let at = |minute: i64| START_MS + minute * MINUTE;
    for minute in [1, 5, 9, 14].into_iter().chain((40..118).step_by(4)) {
        look(
            &mut story,
            "poller",
            (at(minute), at(minute)),
            if minute < 30 { "operation 0" } else { "operation 1" },
            true,
        );
        story.signed_by(&format!("poller {}", at(minute)), "poller");
    }
    let mut last = format!("poller {}", at(14));
    for _ in 0..100 {
        let copy = story.again(&format!("poller {}", at(14)));
        story.move_after(&copy, &last);
        last = copy;
    }
    look(&mut story, "poller", (at(17), at(17)), "operation 0", true);
    story.signed_by(&format!("poller {}", at(17)), "poller");
    let [gap] = &*gaps(&story.audit(), &job()) else { panic!("{:#?}", story.audit()) };
    assert!(gap.detail.contains(&format!("from {} to {}", time(at(17)), time(at(40)))), "{gap:#?}");
    same_in_parts(&story);
}

#[test]
fn looks_that_are_logged_again_open_no_time_that_was_looked_at() {
    for phase in 0..27 {
        let mut story = ticked(Story::clean(), 120);
        observed_by(&mut story, &["observer"], &["poller"]);
        let times: Vec<i64> = every(5, 1, 118).map(|at| at + phase * 10_000).collect();
        for at in &times {
            let op = if *at > START_MS + 8 * MINUTE { "operation 1" } else { "operation 0" };
            look(&mut story, "poller", (*at, *at), op, true);
            story.signed_by(&format!("poller {at}"), "poller");
        }
        for at in (2..times.len() - 1).rev() {
            again(&mut story, times[0], &format!("poller {}", times[at]), &format!("again {at}"));
        }
        assert_eq!(verdicts(&story.audit()), [Verdict::Pass; 4], "phase {phase}");
    }
}

#[test]
fn looks_that_come_late_are_of_their_own_time() {
    for phase in 0..27 {
        let mut story = ticked(Story::clean(), 120);
        observed_by(&mut story, &["observer", "second"], &[]);
        for at in every(5, 1, 118).map(|at| at + phase * 10_000) {
            let op = if at > START_MS + 12 * MINUTE { "operation 1" } else { "operation 0" };
            if (60..66).contains(&((at - START_MS) / MINUTE)) {
                look(&mut story, "second", (at - 500, START_MS + 11 * MINUTE), "operation 0", true);
            }
            look(&mut story, "observer", (at, at), op, true);
        }
        assert_eq!(verdicts(&story.audit()), [Verdict::Pass; 4], "phase {phase}");
    }
}

#[test]
fn looks_of_a_time_to_come_fill_no_time_without_one() {
    let at = START_MS + 13 * MINUTE;
    for ahead in [time(at + 6 * MINUTE), time(at + HOUR), "9999-12-31T23:59:59Z".to_owned()] {
        let mut story = ticked(Story::clean(), 120);
        looks(&mut story, "observer", every(4, 1, 12), &[]);
        look(&mut story, "observer", (at, at), "operation 0", false);
        story.set(&format!("observer {at}"), "taken_at", ahead.clone());
        let report = story.audit();
        assert_eq!(report.verdict, OPEN, "{ahead}: {report:#?}");
        assert!(report.coverage.iter().any(|row| row.what.contains("later than they were logged")), "{report:#?}");
        same_in_parts(&story);
    }
}

/// The times without a look of the job, where a thief of a key says something.
fn of_job(report: &Report) -> Vec<String> {
    gaps(report, &job()).into_iter().map(|gap| gap.detail).collect()
}

fn distrust(story: &mut Story, from: &str) {
    let row = format!(r#"[{{"did":"{}","from_index":{},"reason":"stolen key"}}]"#, did("thief"), story.index(from));
    story.wait(MINUTE);
    story.roots_again("distrusting", "distrusted", value(&row));
}

#[test]
fn looks_by_a_signer_whom_nobody_trusts_fill_no_time_without_one() {
    let mut story = ticked(Story::clean(), 120);
    observed_by(&mut story, &["observer"], &["thief"]);
    looks(&mut story, "observer", every(4, 1, 8).chain(every(4, 40, 115)), &[START_MS + 12 * MINUTE]);
    let plain = of_job(&story.audit());
    assert_eq!(plain.len(), 1, "{plain:?}");
    for at in every(4, 9, 40) {
        look(&mut story, "thief", (at, at), "operation 0", false);
        story.signed_by(&format!("thief {at}"), "thief");
    }
    assert_eq!(of_job(&story.audit()), Vec::<String>::new(), "while somebody trusts it");
    distrust(&mut story, &format!("thief {}", START_MS + 9 * MINUTE + 500));
    assert_eq!(of_job(&story.audit()), plain);
    same_in_parts(&story);
}

#[test]
fn an_issuer_whom_nobody_trusts_moves_no_life_away_from_a_time_without_a_look() {
    let mut story = ticked(Story::clean(), 120);
    looks(&mut story, "observer", every(4, 1, 8).chain(every(4, 40, 115)), &[START_MS + 12 * MINUTE]);
    let plain = of_job(&story.audit());
    let issuers = Value::Array(vec![did("issuer").as_str().into(), did("thief").as_str().into()]);
    for roots in ["roots", "the last roots"] {
        story.set(roots, "cst_issuers", issuers.clone());
    }
    for token in ["t1", "t2"] {
        let mut payload = story.said(&format!("job-1.{token}")).clone();
        set(&mut payload, "nonce", Some(nonce(&format!("thief {token}")).into()));
        set(&mut payload, "claims.iat", Some(1_700_000_000_u32.into()));
        story.log(&format!("thief {token}"), "cst_issuance", "thief", payload);
    }
    distrust(&mut story, "thief t1");
    let found = of_job(&story.audit());
    assert!(plain.len() == 1 && plain.iter().all(|gap| found.contains(gap)), "{plain:?} in {found:?}");
    same_in_parts(&story);
}

#[test]
fn a_token_is_watched_while_it_lives_wherever_its_issuance_is_logged() {
    for logged in [120, 190, 240, 350] {
        let mut story = ticked(Story::clean(), 60);
        story.wait((logged - 60) * MINUTE);
        (story.job, story.agent) = ("job-2".to_owned(), "agent".to_owned());
        story.token("t1");
        let issued = u32::try_from((START_MS + 240 * MINUTE) / 1_000).expect("a time");
        story.set("job-2.t1", "claims.iat", issued);
        story.set("job-2.t1", "claims.exp", issued + 900);
        let mut story = ticked(story, 600 - logged);
        looks(&mut story, "observer", every(4, -60, 200).chain(every(4, 300, 660)), &[START_MS + 250 * MINUTE]);
        let report = story.audit();
        assert_eq!(report.job("job-2"), OPEN, "logged at {logged}: {report:#?}");
        let scopes = [Scope::Job("job-2".to_owned())];
        same_from_its_own_entries(&story.timeline(), story.timeline().size(), &scopes);
    }
}

#[test]
fn what_went_while_nobody_looked_leaves_the_log_open() {
    let mut story = ticked(Story::clean(), 300);
    looks(&mut story, "observer", every(4, 1, 60), &[]);
    for at in every(4, 120, 299) {
        look(&mut story, "observer", (at, at), "operation 9", false);
        story.set(&format!("observer {at}"), "rows_total", 0_u32);
    }
    assert_eq!(story.audit().verdict, OPEN);
}

#[test]
fn a_username_counts_for_the_times_at_which_it_was_given() {
    let mut story = ticked(Story::clean(), 120);
    let rows = value(
        r#"[{"submitter":"observer","instance":"argocd-prod","channels":["notify","poll"]},
            {"submitter":"observer","instance":"argocd-two","channels":["poll"]}]"#,
    );
    story.set("roots", "observers", rows);
    for at in every(4, 1, 8).chain(every(4, 40, 115)) {
        look(&mut story, "observer", (at, at), if at > START_MS + 12 * MINUTE { "b" } else { "a" }, false);
        story.set(&format!("observer {at}"), "instance", "argocd-two");
    }
    let mut agents = story.said("roots").get("agents").cloned().expect("agents");
    let both = r#"[{"instance":"argocd-prod","username":"proj:payments:agent"},
                   {"instance":"argocd-two","username":"proj:x:agent"}]"#;
    set(&mut agents, "[0].usernames", Some(value(both)));
    let mut later = story.clone();
    later.wait(MINUTE);
    later.roots_again("more", "agents", agents.clone());
    assert_eq!(later.audit().job("job-1"), Verdict::Pass, "one that is given later could do nothing then");
    same_in_parts(&later);
    let mut dropped = story;
    dropped.set("roots", "agents", agents.clone());
    dropped.wait(MINUTE);
    let none = dropped.said("the last roots").get("agents").cloned().expect("agents");
    dropped.roots_again("fewer", "agents", none);
    assert_eq!(dropped.audit().job("job-1"), OPEN, "and one that is taken away later could do something then");
    same_in_parts(&dropped);
}

#[test]
fn coverage_says_when_somebody_looked_last() {
    let mut story = Story::clean();
    looks(&mut story, "observer", every(4, 1, 8), &[]);
    let report = story.audit();
    let last = report.coverage.iter().find(|row| row.what.starts_with("the last look")).expect("a row");
    assert_eq!(
        last.entries.iter().map(|at| at.get()).collect::<Vec<_>>(),
        [story.index(&format!("observer {}", START_MS + 5 * MINUTE + 500))]
    );
}

#[test]
fn who_floods_a_slot_makes_no_report_longer_than_it_may_be() {
    let mut story = ticked(Story::clean(), 120);
    looks(&mut story, "observer", every(4, 1, 8), &[]);
    for at in 0..1_000 {
        let ms = START_MS + 6 * MINUTE + at;
        look(&mut story, "observer", (ms, START_MS + 5 * MINUTE + 500), "operation 0", false);
    }
    let whole = story.timeline();
    let read = looks_of(&gathered(&whole, &job(), whole.size()));
    println!("{read} looks of {} are read", looks_of(&whole));
    assert!(read <= 80, "{read}");
    same_from_its_own_entries(&whole, whole.size(), &[job(), Scope::App(APP.to_owned())]);
}
