//! What operations that join nothing do to verdicts, and to whose.

use pulselog::audit::{Effect, Finding, Report, Scope, Timeline, Verdict, audit};
use pulselog::merkle::LeafIndex;

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::reconciled::{SETTLED_MS, event, lost, silent, tick};
use crate::audit::goldens::story_of;
use crate::make::audit::{Story, nonce, operator, time};
use crate::make::did;

const CODE: &str = "UNREPORTED_ACTION";

/// Of what is charged to an agent or an application, and not to a job beside.
fn effects(report: &Report, code: &str) -> Vec<Effect> {
    let of_code = report.findings.iter().filter(|finding| finding.rule.code == code);
    of_code.filter(|finding| finding.subject.agent.is_some()).map(|finding| finding.effect).collect()
}

#[test]
fn an_act_that_nobody_decided_fails_only_where_its_initiator_is_more_than_a_claim() {
    for (golden, effect) in [
        ("the agent's user syncs, and nobody decided it", Effect::Fails),
        ("the agent's name stands in it, and anybody could have written it", Effect::Incomplete),
        ("undecided, and the operation names a decision that nobody logged", Effect::Fails),
        ("undecided, as a dry run", Effect::Fails),
        ("undecided, and over before anybody looked: an entry of the history alone", Effect::Fails),
        ("undecided, written to the Application itself", Effect::Incomplete),
        ("a second operation beside one that names the decision", Effect::Fails),
        ("in a decision's time, and with a parameter that it does not bind", Effect::Fails),
        ("in a decision's time, and of another revision", Effect::Fails),
        ("alike to a decision of which nothing came, as its wrapper says", Effect::Incomplete),
        ("two decisions alike, and three operations", Effect::Fails),
        ("a second operation beside the one that the only decision explains", Effect::Fails),
    ] {
        let report = story_of(&[golden]).audit();
        assert_eq!(effects(&report, CODE), [effect], "{golden}: {report:#?}");
    }
}

#[test]
fn a_refused_call_fails_where_its_line_says_when_it_was_made() {
    for (golden, effect) in [
        ("refused at a time when nothing of the sort was decided", Effect::Fails),
        ("the server refused the agent's user a call that nobody decided", Effect::Incomplete),
    ] {
        assert_eq!(effects(&story_of(&[golden]).audit(), "UNLOGGED_ATTEMPT"), [effect], "{golden}");
    }
}

#[test]
fn it_fails_its_agent_and_its_application_and_leaves_the_jobs_of_then_open() {
    let report = story_of(&["the agent's user syncs, and nobody decided it"]).audit();
    let verdict = |scope: &Scope| report.of(scope).verdict;
    let app = report.findings.iter().find_map(|finding| finding.subject.app.clone()).expect("an application");
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!(verdict(&Scope::Agent(did("agent"))), Verdict::Fail);
    assert_eq!(verdict(&Scope::App(app)), Verdict::Fail);
    assert_eq!(verdict(&Scope::Job("job-1".to_owned())), Verdict::Incomplete);
}

#[test]
fn events_of_a_known_operation_are_no_coverage_and_one_too_many_is() {
    let mut story = Story::clean();
    silent(&mut story);
    let unmatched = |story: &Story| {
        let report = story.audit();
        let rows = report.coverage.into_iter().filter(|row| row.what == "operation not matched yet");
        rows.flat_map(|row| row.entries).collect::<Vec<_>>()
    };
    event(&mut story, "begun", "Running");
    event(&mut story, "ended", "Succeeded");
    assert_eq!(unmatched(&story), []);
    // Of another operation of that second, which nobody reports.
    event(&mut story, "ended too", "Succeeded");
    story.set("ended too", "nonce", nonce("ended too"));
    assert_eq!(unmatched(&story).len(), 1);
}

#[test]
fn what_a_time_without_a_look_may_hide_leaves_log_and_application_open_and_the_jobs_of_then() {
    for golden in [
        "nobody looked for a quarter of an hour, and another operation is the application's last",
        "a poller looks no more",
    ] {
        let report = story_of(&[golden]).audit();
        let verdict = |scope: &Scope| report.of(scope).verdict;
        let app = Scope::App("argocd-prod/argocd/payments-api".to_owned());
        assert_eq!((report.verdict, verdict(&app)), (Verdict::Incomplete, Verdict::Incomplete), "{golden}");
        assert_eq!(verdict(&Scope::Job("job-1".to_owned())), Verdict::Incomplete, "{golden}");
        assert_eq!(verdict(&Scope::Agent(did("agent"))), Verdict::Incomplete, "{golden}");
        assert_eq!(verdict(&Scope::App("argocd-prod/argocd/other".to_owned())), Verdict::NotApplicable, "{golden}");
    }
}

#[test]
fn an_act_that_a_late_word_may_explain_is_owed_one_and_never_passes() {
    let mut story = Story::clean();
    silent(&mut story);
    let _ = story.remove("tick");
    let report = story.audit();
    assert_eq!(report.findings, [], "{report:#?}");
    assert_eq!(report.pending.iter().map(|pending| pending.rule.code).collect::<Vec<_>>(), [CODE, CODE]);
    assert_eq!((report.verdict, report.job("job-1")), (Verdict::Incomplete, Verdict::Incomplete));
}

#[test]
fn words_say_what_was_seen_beside_it() {
    for (golden, words) in [
        ("undecided, written to the Application itself", "its end and not its start"),
        ("a second operation beside one that names the decision", "explains another operation"),
        ("alike to a decision of which nothing came, as its wrapper says", "nothing was done"),
        ("the agent's name stands in it, and anybody could have written it", "closed"),
    ] {
        let report = story_of(&[golden]).audit();
        let of_agent = |finding: &&Finding| finding.rule.code == CODE && finding.subject.agent.is_some();
        let found = report.findings.iter().find(of_agent).expect("a finding");
        assert!(found.detail.contains(words), "{golden}: {}", found.detail);
    }
}

/// Whatever else is missing, an entry or its body: nobody is accused anew, and
/// nothing passes that did not.
#[test]
fn what_is_missing_makes_no_silent_act_and_lets_none_pass() {
    for golden in [
        "the agent's user syncs, and nobody decided it",
        "a second operation beside one that names the decision",
        "somebody syncs whom the roots do not list, though they list everybody",
        "two decisions alike, and three operations",
    ] {
        let whole = story_of(&[golden]).timeline();
        for (twin, timeline) in [(false, whole), (true, Story::clean().timeline())] {
            let size = timeline.size().get();
            for left_out in (0..size).map(LeafIndex::new) {
                for entry_too in [false, true] {
                    let part = without(&timeline, left_out, entry_too);
                    let report = audit(&part, Some(&operator()));
                    let accused =
                        [CODE, "UNKNOWN_INITIATOR"].iter().any(|code| effects(&report, code).contains(&Effect::Fails));
                    assert!(!(accused && twin), "{golden} without {left_out:?}: {report:#?}");
                    assert_ne!(report.verdict, Verdict::Pass, "{golden} without {left_out:?}");
                }
            }
        }
    }
}

fn without(timeline: &Timeline, left_out: LeafIndex, entry_too: bool) -> Timeline {
    let mut part = Timeline::default();
    for (at, seen) in timeline.prefix(timeline.size()) {
        match at == left_out {
            false => part.add(at, seen.entry.clone(), seen.body.clone()),
            true if entry_too => {}
            true => part.add(at, seen.entry.clone(), None),
        }
    }
    part
}

/// The word that explains an operation is missing: the operation is left open.
#[test]
fn an_operation_whose_explanation_is_missing_accuses_nobody() {
    let mut story = Story::clean();
    (crate::audit::goldens::reconciled::lost_and_seen)(&mut story);
    let timeline = story.timeline();
    for name in ["more", "more receipt", "job-1.t2"] {
        let name = if name.starts_with("job-1") { name.to_owned() } else { story.named(name) };
        for entry_too in [false, true] {
            let part = without(&timeline, LeafIndex::new(story.index(&name)), entry_too);
            let report = audit(&part, Some(&operator()));
            assert!(!effects(&report, CODE).contains(&Effect::Fails), "without {name}: {report:#?}");
            assert_ne!(report.verdict, Verdict::Pass);
        }
    }
}

/// Argo CD cuts its times to the second, the log does not: with both clocks as
/// far off as they may be, a start looks up to a second further away.
#[test]
fn a_start_is_as_late_as_its_second_lets_it_be() {
    for (stated, code) in [(true, "OPERATION_OUTSIDE_WINDOW"), (false, CODE)] {
        for (before_ms, found) in [(240_000, vec![]), (241_000, vec![Effect::Fails])] {
            let mut story = Story::clean();
            closed(&mut story);
            story.wait(2 * SETTLED_MS + 900);
            lost(&mut story, "more");
            // The approval, the decision, the receipt: a second each.
            let decided = story.now_ms() - 1_000;
            story.observe("more seen", "more", "sync", stated);
            story.set("more seen", "started_at", time(decided - before_ms));
            tick(&mut story);
            let report = story.audit();
            assert_eq!(effects(&report, code), found, "{stated} {before_ms}: {report:#?}");
        }
    }
}
