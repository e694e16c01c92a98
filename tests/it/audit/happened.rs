//! What happened: the acts of a report, and the sentence made from them.

use pulselog::artifact::json::Value;
use pulselog::audit::{Came, Report, Scope, Story as Sentence, What, audit_at};
use pulselog::merkle::TreeSize;

use crate::audit::goldens::story_of;
use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::{Story, operator};
use crate::make::{did, good_payload, kind, set};

fn of_job(story: &Story) -> Report {
    story.audit().of(&Scope::Job("job-1".to_owned()))
}

fn run(run: &str) -> Scope {
    Scope::Run { agent: did("agent"), run: run.to_owned() }
}

/// The sentence, with names for keys.
fn sentence(report: &Report) -> String {
    Sentence::of(report).text(|text| {
        let known = ["approver", "second approver", "issuer", "recorder"].into_iter().find(|name| did(name) == text);
        known.map_or_else(|| text.to_owned(), |name| format!("<{name}>"))
    })
}

/// A freeze of the application by a person whom the roots list.
fn freeze(story: &mut Story) {
    story.set("roots", "recorders", Value::Array(vec![did("recorder").into()]));
    let mut record = good_payload(kind("change_record"));
    set(&mut record, "job_id", Some("job-1".into()));
    story.log("freeze", "change_record", "recorder", record);
}

#[test]
fn one_sentence_tells_what_was_done_approved_denied_and_ended() {
    let mut story = Story::clean();
    freeze(&mut story);
    let report = of_job(&story);
    assert_eq!(
        sentence(&report),
        "1 read of payments-api, 1 sync of payments-api (approved by approver <approver>), 1 edit of payments-api \
         denied, token revoked by revoker <issuer>, 1 rollback of payments-api (approved by approver <approver>), \
         automated sync of payments-api frozen by recorder <recorder>."
    );
    let first = &report.acts[1];
    assert_eq!((first.what, first.action.as_deref(), first.came), (What::Allowed, Some("sync"), Some(Came::Done)));
    assert_eq!(first.by[0].entry.get(), story.index("ok"));
    assert!(report.acts.is_sorted_by_key(|act| act.entry));
}

#[test]
fn a_run_is_told_of_its_own_acts_its_tokens_and_what_its_job_was_told() {
    let mut story = Story::clean();
    freeze(&mut story);
    let report = story.audit();
    let frozen = "in its job: automated sync of payments-api frozen by recorder <recorder>.";
    assert_eq!(
        sentence(&report.of(&run("job-1.r1"))),
        format!(
            "1 read of payments-api, 1 sync of payments-api (approved by approver <approver>), 1 edit of \
             payments-api denied, token revoked by revoker <issuer>, {frozen}"
        )
    );
    assert_eq!(
        sentence(&report.of(&run("job-1.r2"))),
        format!("1 rollback of payments-api (approved by approver <approver>), {frozen}")
    );
    let nothing = "No call was decided, no token revoked, nothing changed by a person.";
    assert_eq!(sentence(&report.of(&Scope::Job("job-9".to_owned()))), nothing);
}

#[test]
fn what_came_of_a_call_is_the_word_of_whoever_saw_most() {
    let ends = |change: &dyn Fn(&mut Story)| {
        let mut story = Story::clean();
        change(&mut story);
        sentence(&of_job(&story))
    };
    let outcome = |outcome: &'static str| {
        ends(&move |story| {
            story.remove("seen");
            story.set("sync receipt", "outcome", outcome);
            story.unset("sync receipt", "op_key");
        })
    };
    let told = |text: String, words: &str| {
        let sync = format!("1 sync of payments-api {words} (approved by");
        assert!(text.contains(&sync), "{sync} in {text}");
    };
    told(ends(&|story| story.set("seen", "phase", "Failed")), "that failed");
    told(ends(&|story| story.set("seen", "phase", "Running")), "that began, with no word of its end");
    told(outcome("accepted"), "that Argo CD took, with no word of its end");
    told(outcome("refused_rbac"), "that Argo CD refused");
    told(outcome("not_sent"), "that was allowed and never sent");
    told(outcome("error_transport"), "that was allowed, with no word of what came of it");
}

#[test]
fn only_an_approval_that_covers_the_call_is_said_to_approve_it() {
    let mut story = Story::clean();
    story.set("ok", "expires_at", "2020-01-01T00:00:00Z");
    let text = sentence(&of_job(&story));
    assert!(text.contains("1 sync of payments-api, 1 edit"), "{text}");
}

#[test]
fn an_operation_that_nobody_decided_is_told() {
    let story = story_of(&["the agent's user syncs, and nobody decided it"]);
    let text = sentence(&story.audit());
    assert!(text.contains("1 operation in Argo CD that nobody decided"), "{text}");
}

/// It is told before its time is over too: it is in the log.
#[test]
fn an_operation_that_a_decision_may_still_explain_is_told_as_that() {
    let story = story_of(&["the agent's user syncs, and nobody decided it"]);
    let at = |size| sentence(&audit_at(&story.timeline(), TreeSize::new(size), Some(&operator())).of(&app()));
    let size = story.timeline().size().get();
    let told: Vec<String> = (1..=size).map(at).collect();
    let open = "1 operation in Argo CD that nobody decided, as far as the log says so far";
    assert!(told.iter().any(|text| text.contains(open)), "{told:#?}");
    let newest = told.last().expect("a size");
    assert!(newest.contains("1 operation in Argo CD that nobody decided") && !newest.contains("so far"), "{newest}");
}

fn app() -> Scope {
    Scope::App("argocd-prod/argocd/payments-api".to_owned())
}

/// A person's record names no instance; the application has its uid and name.
#[test]
fn an_application_is_told_who_froze_it() {
    let uid = "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11";
    let frozen = |member: &str, value: &str| {
        let mut story = Story::clean();
        freeze(&mut story);
        story.set("freeze", "app.uid", uid);
        story.set("freeze", member, value);
        let (whole, scope) = (story.timeline(), app());
        same_from_its_own_entries(&whole, whole.size(), std::slice::from_ref(&scope));
        sentence(&story.audit().of(&scope)).contains("automated sync of payments-api frozen by recorder <recorder>")
    };
    assert!(frozen("app.uid", uid));
    assert!(!frozen("app.uid", "1c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11"), "another application");
    assert!(!frozen("app.namespace", "argocd-2"), "another namespace");
}

#[test]
fn strangers_tell_nothing_and_names_stay_text() {
    let mut story = Story::clean();
    let mut record = good_payload(kind("change_record"));
    set(&mut record, "job_id", Some("job-1".into()));
    story.log("freeze", "change_record", "stranger", record);
    let report = of_job(&story);
    assert!(report.acts.iter().all(|act| act.what != What::Frozen));
    let shown = Sentence::of(&report).text(|text| format!("[{}]", text.len()));
    assert!(shown.contains("1 sync of [12] (approved by approver ["), "{shown}");
}

#[test]
fn a_sentence_is_bounded_whatever_was_done() {
    let mut report = of_job(&Story::clean());
    let one = report.acts[1].clone();
    for at in 0..40_u64 {
        let mut act = one.clone();
        act.entry = pulselog::merkle::LeafIndex::new(1_000 + at);
        act.app_name = Some(format!("app-{at}"));
        report.acts.push(act);
    }
    let text = sentence(&report);
    assert!(text.ends_with(", and 33 more."), "{text}");
}

#[test]
fn acts_are_the_same_from_what_a_scope_leads_to() {
    let mut story = Story::clean();
    freeze(&mut story);
    let whole = story.timeline();
    let scopes = [Scope::Job("job-1".to_owned()), run("job-1.r1"), run("job-1.r2")];
    same_from_its_own_entries(&whole, whole.size(), &scopes);
}
