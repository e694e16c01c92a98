//! What is seen and not judged is said, at the job or application that it
//! touches; and how far a report does not reach.

use std::collections::BTreeSet;

use pulselog::artifact::{AdmitError, fits_in_log};
use pulselog::audit::{Coverage, Timeline, Verdict, jobs_hit};

use crate::make::audit::{Story, nonce, operator};
use crate::make::{did, hex, value};

fn rows<'a>(coverage: &'a [Coverage], what: &str) -> Vec<&'a Coverage> {
    coverage.iter().filter(|row| row.what.contains(what)).collect()
}

/// The observer reports a change of an application, other than an operation.
fn change(story: &mut Story, event: &str, more: &str, app: &str) {
    let payload = value(&format!(
        r#"{{"argocd_observation_version":"2","nonce":"{}","channel":"notify","instance":"argocd-prod",
        "event":"{event}","app":{{"uid":"0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11","name":"{app}","namespace":"argocd",
        "project":"payments"}},"raw_digest":"{}",{more}}}"#,
        nonce("change"),
        hex("change")
    ));
    story.log("change", "argocd_observation", "", payload);
    story.submitted_by("change", "observer");
}

#[test]
fn an_operation_that_names_a_decision_and_joins_nothing_is_said_at_its_job() {
    let mut story = Story::clean();
    assert!(rows(&story.audit().coverage, "names the decision").is_empty());
    story.set("seen", "initiator.username", "somebody");
    story.unset("sync receipt", "op_key");
    let report = story.audit();
    let said = rows(&report.coverage, "names the decision");
    let jobs: Vec<_> = said.iter().map(|row| row.subject.job.as_deref()).collect();
    assert_eq!((jobs.as_slice(), report.job("job-1")), (&[Some("job-1")][..], Verdict::Pass), "{report:#?}");
}

#[test]
fn changes_of_a_governed_application_are_said_at_it_and_others_are_not() {
    let spec = format!(r#""spec_digest":{{"before":"{}","after":"{}"}}"#, hex("a"), hex("b"));
    for (event, more) in [("spec_change", spec.as_str()), ("auto_sync", r#""before":"off","after":"on""#)] {
        for (app, times) in [("payments-api", 1), ("billing", 0)] {
            let mut story = Story::clean();
            change(&mut story, event, more, app);
            let report = story.audit();
            let said = rows(&report.coverage, "by nobody who is named");
            assert_eq!((said.len(), report.job("job-1")), (times, Verdict::Pass), "{event} of {app}: {report:#?}");
            assert!(said.iter().all(|row| row.subject.app.as_deref() == Some("argocd-prod/argocd/payments-api")));
        }
    }
}

/// Three operations after each other, each an entry of the application's history;
/// of the second the poller found the entry alone, where it is not seen by key.
fn histories(second: Option<(u32, bool)>, third: u32) -> Vec<u64> {
    let mut story = Story::clean();
    story.set("seen", "history_id", 41_u32);
    for (name, told) in [("second", second), ("third", Some((third, true)))] {
        let Some((id, by_key)) = told else { continue };
        story.wait(600_000);
        story.observe(name, name, "sync", false);
        story.set(name, "history_id", id);
        if !by_key {
            story.set(name, "channel", "poll");
            ["operation_digest", "op_key"].iter().for_each(|shown| story.unset(name, shown));
        }
    }
    let log = story.timeline();
    let report = story.audit();
    let said = rows(&report.coverage, "entries of the history between");
    let said = said.iter().flat_map(|row| &row.entries).map(|at| at.get());
    // Told from the end of the log, where these reports stand.
    said.map(|at| log.size().get() - at).collect()
}

#[test]
fn an_entry_of_the_history_that_a_poller_found_alone_is_reported_as_much_as_any() {
    assert!(histories(Some((42, true)), 43).is_empty());
    assert!(histories(Some((42, false)), 43).is_empty(), "nothing is missing between 41 and 43");
    assert_eq!(histories(None, 43).len(), 2, "42 is told by nobody");
    assert_eq!(histories(Some((42, false)), 44), [2, 1], "43 is told by nobody, and stands after the entry");
}

/// Roots that distrust the issuer from an index on, and the log before them.
fn distrusting(from: u64) -> (Timeline, pulselog::artifact::Artifact<'static>) {
    let mut story = Story::clean();
    let row = format!(r#"[{{"did":"{}","from_index":{from},"reason":"stolen key"}}]"#, did("issuer"));
    story.roots_again("later roots", "distrusted", value(&row));
    let whole = story.timeline();
    let last = whole.size().get() - 1;
    let (mut before, mut roots) = (Timeline::default(), None);
    for (at, seen) in whole.prefix(whole.size()) {
        match at.get() == last {
            true => roots = seen.body.clone(),
            false => before.add(at, seen.entry.clone(), seen.body.clone()),
        }
    }
    (before, roots.expect("roots"))
}

#[test]
fn the_jobs_that_distrust_hits_are_known_before_it_is_logged() {
    let (log, roots) = distrusting(0);
    assert_eq!(jobs_hit(&log, &operator(), roots), BTreeSet::from(["job-1".to_owned()]));
    let (log, roots) = distrusting(log.size().get());
    assert_eq!(jobs_hit(&log, &operator(), roots), BTreeSet::new());
}

#[test]
fn roots_may_not_distrust_from_an_index_above_their_own() {
    let (log, roots) = distrusting(20);
    let size = log.size().get();
    assert!(size >= 20 && fits_in_log(&roots, 20).is_ok());
    let refused = fits_in_log(&roots, 19).expect_err("refused");
    assert_eq!((refused.code().name, refused.path()), ("distrust_ahead", Some("payload.distrusted[0].from_index")));
    assert!(matches!(refused, AdmitError::DistrustAhead { size: 19, .. }));
}

#[test]
fn a_report_says_how_many_proven_entries_it_is_not_about() {
    let story = Story::clean();
    let report = story.audit();
    let size = report.as_of.size;
    let json = |report| serde_json::to_value(report).expect("json");
    assert!(json(report.clone().under(size)).pointer("/as_of/beyond").is_none());
    let more = pulselog::merkle::TreeSize::new(size.get() + 3);
    let report = report.under(more);
    assert_eq!(json(report.clone()).pointer("/as_of/beyond").and_then(serde_json::Value::as_u64), Some(3));
    let text = pulselog::verify::verification::audit_text(&report, false, &[]);
    let older = format!("of the first {size} only; the checkpoint proves 3 later entries, not judged");
    assert!(text.lines().nth(2).is_some_and(|line| line.contains(&older)), "{text}");
}
