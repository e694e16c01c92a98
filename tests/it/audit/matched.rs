//! Who tells of an allowed call, and what ties its operation to it.

use pulselog::artifact::json::Value;
use pulselog::audit::{Certainty, Grade, Scope, Tie};

use crate::audit::goldens::accounts::closed;
use crate::make::audit::Story;

type Shown = (Grade, Option<(Tie, Certainty)>);

/// What the report says of the sync.
fn of_sync(story: &Story) -> Shown {
    let at = story.index("sync");
    let report = story.audit();
    let of_job = report.of(&Scope::Job("job-1".to_owned()));
    let is_its = |entries: &[pulselog::merkle::LeafIndex]| entries.iter().any(|entry| entry.get() == at);
    let mut found = of_job.matched.iter().filter(|call| is_its(&call.entries));
    let call = found.next().expect("the sync is listed");
    assert!(found.next().is_none(), "and once");
    (call.grade, call.by.zip(call.certainty))
}

#[track_caller]
fn shows(expected: Shown, change: impl FnOnce(&mut Story)) {
    let mut story = Story::clean();
    change(&mut story);
    assert_eq!(of_sync(&story), expected);
}

/// The event of the start of the sync, at a version that its receipt names.
fn event_of_start(story: &mut Story) {
    let channels = Value::Array(["notify", "poll", "k8s_event"].map(Value::from).to_vec());
    story.set("roots", "observers[0].channels", channels);
    let app = story.said("seen").text_at("app.uid").expect("a uid").to_owned();
    story.set("sync receipt", "app_uid", app);
    story.set("sync receipt", "resource_version", "4711");
    let seen = story.said("seen").clone();
    story.log("started", "argocd_observation", "", seen);
    story.submitted_by("started", "observer");
    story.set("started", "channel", "k8s_event");
    story.set("started", "phase", "Running");
    story.set("started", "resource_version", "4711");
    ["operation_digest", "op_key", "info", "revisions"].iter().for_each(|shown| story.unset("started", shown));
}

#[test]
fn the_grade_is_that_of_whoever_saw_most() {
    let none = None;
    shows((Grade::Decided, none), |story| {
        story.remove("seen");
        story.set("sync receipt", "outcome", "error_transport");
        story.unset("sync receipt", "op_key");
    });
    shows((Grade::Accepted, none), |story| drop(story.remove("seen")));
    let named = Some((Tie::Receipt, Certainty::Exact));
    shows((Grade::Reported, named), |_| {});
    shows((Grade::Seen, named), |story| story.set("seen", "channel", "poll"));
}

#[test]
fn what_ties_an_operation_says_how_certain_it_is() {
    let unnamed = |story: &mut Story| story.unset("sync receipt", "op_key");
    shows((Grade::Reported, Some((Tie::Stated, Certainty::Probable))), unnamed);
    shows((Grade::Reported, Some((Tie::Stated, Certainty::Stated))), |story| {
        closed(story);
        unnamed(story);
    });
    shows((Grade::Reported, Some((Tie::Receipt, Certainty::Probable))), |story| {
        story.set("sync receipt", "outcome", "error_transport");
    });
    shows((Grade::Reported, Some((Tie::Receipt, Certainty::Ambiguous))), |story| {
        story.observe("twice", "sync", "sync", true);
        story.set("twice", "operation_digest", crate::make::hex("another operation"));
    });
}

#[test]
fn the_event_of_a_calls_start_is_that_of_the_version_in_its_answer() {
    shows((Grade::Reported, Some((Tie::ResourceVersion, Certainty::Exact))), |story| {
        event_of_start(story);
        story.remove("seen");
    });
    shows((Grade::Reported, Some((Tie::ResourceVersion, Certainty::Ambiguous))), |story| {
        event_of_start(story);
        let app = story.said("sync receipt").text_at("app_uid").expect("a uid").to_owned();
        story.set("back receipt", "app_uid", app);
        story.set("back receipt", "resource_version", "4711");
    });
    // An end has the version at which the controller began, and not the call's.
    shows((Grade::Accepted, None), |story| {
        event_of_start(story);
        story.set("started", "phase", "Succeeded");
        story.remove("seen");
    });
    let mut story = Story::clean();
    event_of_start(&mut story);
    let report = story.audit();
    assert!(report.coverage.iter().all(|row| row.what != "operation not matched yet"), "{report:#?}");
    assert_eq!(report.findings, []);
    crate::audit::slices::same_from_its_own_entries(
        &story.timeline(),
        story.timeline().size(),
        &[Scope::Job("job-1".to_owned())],
    );
}

/// The event tells that it began, and not how it was: no report shows it.
#[test]
fn an_operation_that_an_event_names_too_is_not_one_that_only_its_receipt_names() {
    let mut story = Story::clean();
    event_of_start(&mut story);
    story.remove("seen");
    let named = |story: &Story| {
        let rows = story.audit().coverage.into_iter().map(|row| row.what);
        rows.filter(|what| what.starts_with("operation that")).collect::<Vec<_>>()
    };
    assert_eq!(named(&story), ["operation that its receipt and the event of its start name, and no report shows"]);
    for (path, new) in [("resource_version", "4712"), ("phase", "Succeeded")] {
        let mut other = story.clone();
        other.set("started", path, new);
        assert_eq!(named(&other), ["operation that only its receipt names"], "{path}");
    }
    crate::audit::slices::same_from_its_own_entries(
        &story.timeline(),
        story.timeline().size(),
        &[Scope::Job("job-1".to_owned())],
    );
}

#[test]
fn a_report_in_words_counts_calls_by_who_tells_of_them() {
    let mut story = Story::clean();
    story.set("seen", "channel", "poll");
    let text = pulselog::verify::verification::audit_text(&story.audit(), false, &[]);
    let calls = text.lines().find(|line| line.trim_start().starts_with("calls")).expect("a line of calls");
    assert!(
        calls.contains("1 seen by an observer of its own, 1 reported by Argo CD, 1 known from their receipts"),
        "{calls}"
    );
}
