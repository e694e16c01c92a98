//! The page of an application: its operations with what belongs to each, who saw
//! them, who froze it; and that nobody without a role gets onto it.

use crate::audit::goldens::authority::neighbours;
use crate::audit::goldens::reconciled::{event, silent};
use crate::make::audit::{Story, nonce};
use crate::make::service::Answer;
use crate::make::told::Told;
use crate::make::{good_payload, kind, set};
use crate::pages::verdicts::{guilty, shows};

const PAGE: &str = "/apps/argocd-prod/argocd/payments-api";
const UID: &str = "0c6a8b0e-51f0-4f0e-9f5e-0a2f6a1d7b11";

/// The rows of the operations.
fn acts(page: &Answer) -> String {
    let html = page.text();
    let from = html.split_once("id=\"acts\"").expect("the operations").1;
    from.split_once("id=\"controls\"").expect("the controls").0.to_owned()
}

#[test]
fn an_application_shows_each_operation_with_what_belongs_to_it_and_who_saw_it() {
    let told = Told::of(&Story::clean());
    let page = told.service.get(PAGE);
    assert_eq!(page.status, 200, "{}", page.text());
    shows(
        &page,
        &["Pass Audit · found by this server", "sync, allowed", "rollback, allowed", "refused by the wrapper"],
    );
    shows(&page, &["reported: Argo CD tells of it", "Tied by", "outcome accepted", "says approve", "job job-1"]);
    let sync = acts(&page);
    let sync = sync
        .split("<p class=\"what\"><strong>")
        .find(|row| row.starts_with("sync, allowed"))
        .expect("the sync")
        .to_owned();
    for part in ["Decision before a call", "Approval", "Receipt of a call", "Observation of Argo CD", ".tlog-proof"] {
        assert!(sync.contains(part), "{part} is not in {sync}");
    }
    shows(&page, &["--app=argocd-prod/argocd/payments-api"]);
    let job = told.service.get("/jobs/job-1");
    assert!(job.text().contains(&format!("href=\"{PAGE}\"")), "the job's page leads to it");
}

#[test]
fn what_no_decision_has_stands_alone_with_its_finding() {
    let mut story = Story::clean();
    silent(&mut story);
    let told = Told::of(&story);
    let page = told.service.get(PAGE);
    shows(&page, &["sync, tied to no decision", "UNREPORTED_ACTION", "by user proj:payments:agent"]);
    let page = told.service.get(&format!("{PAGE}?at=12"));
    assert!(!page.text().contains("UNREPORTED_ACTION"), "an older size does not know it");
    shows(&page, &["Pinned to 12 entries"]);
    let page = told.service.get(&format!("{PAGE}?at=1"));
    assert_eq!(page.status, 404);
    shows(&page, &["Nobody whose word counts speaks of this application"]);
}

/// An operation whose time is not over is neither found nor clean.
#[test]
fn an_operation_that_waits_for_a_word_says_so_and_not_that_nothing_is_found() {
    let mut story = Story::clean();
    silent(&mut story);
    let told = Told::of(&story);
    let at = (2..=told.service.size()).find(|at| {
        let page = told.service.get(&format!("{PAGE}?at={at}"));
        page.status == 200 && acts(&page).contains("Pending until") && acts(&page).contains("UNREPORTED_ACTION")
    });
    let page = told.service.get(&format!("{PAGE}?at={}", at.expect("a size at which it waits")));
    let rows = acts(&page);
    let row = rows.split("<p class=\"what\"><strong>").find(|row| row.contains("Pending until")).expect("the row");
    assert!(row.contains("Incomplete") && !row.contains("no finding rests on it"), "{row}");
    shows(&page, &["nobody decided, as far as the log says so far"]);
    assert!(acts(&told.service.get(PAGE)).contains("no finding rests on it"), "of what is settled it is still said");
}

/// What the cluster says of an operation is told with it, and makes no more of them.
#[test]
fn events_of_an_operation_stand_with_it() {
    let mut story = Story::clean();
    silent(&mut story);
    event(&mut story, "begun", "Running");
    event(&mut story, "ended", "Succeeded");
    let told = Told::of(&story);
    let page = acts(&told.service.get(PAGE));
    assert_eq!(page.matches("tied to no decision").count(), 1, "{page}");
    assert_eq!(page.matches("k8s_event").count(), 2, "{page}");
}

#[test]
fn a_verdict_on_an_application_is_the_one_of_the_whole_log() {
    let told = Told::of(&guilty());
    let page = told.service.get(PAGE);
    shows(&page, &["Fail Audit · found by this server", "TOKEN_REVOKED"]);
}

#[test]
fn a_freeze_says_who_froze_it_and_what_ended_it() {
    let mut story = Story::clean();
    neighbours(&mut story);
    for (name, what) in [("frozen", "freeze"), ("thawed", "unfreeze")] {
        let mut record = good_payload(kind("change_record"));
        for (member, value) in [("job_id", "job-1"), ("what", what), ("app.uid", UID), ("app.namespace", "argocd")] {
            set(&mut record, member, Some(value.into()));
        }
        set(&mut record, "app.name", Some("payments-api".into()));
        set(&mut record, "by", Some("<b>ops</b>".into()));
        set(&mut record, "nonce", Some(nonce(name).into()));
        story.log(name, "change_record", "recorder", record);
    }
    let told = Told::of(&story);
    let page = told.service.get(PAGE);
    let thawed = story.index("thawed");
    shows(&page, &["automated sync of payments-api frozen by recorder did:key:", "freeze of payments-api ended"]);
    shows(&page, &["A person froze it", &format!("Ended by entry {thawed}."), "A person ended the freeze"]);
    assert!(page.text().contains("&lt;b&gt;ops&lt;/b&gt;") && !page.text().contains("<b>ops"));
    let page = told.service.get(&format!("{PAGE}?at={thawed}"));
    shows(&page, &["Not ended up to this size."]);
}

/// What stands under operations or freezes is not printed again below.
#[test]
fn records_that_stand_above_are_left_out_on_paper() {
    let told = Told::of(&guilty());
    let page = told.service.get("/apps/argocd-prod/argocd/payments-api");
    let html = page.text();
    let (above, below) = html.split_once("id=\"record\"").expect("the records");
    let acts = above.split_once("id=\"acts\"").expect("the operations").1;
    let records =
        below.split_once("<ol class=\"rows timeline\">").expect("a list").1.split_once("</ol>").expect("an end").0;
    let rows: Vec<&str> = records.split("<li value=\"").skip(1).collect();
    assert!(rows.len() > 5, "{records}");
    for row in rows {
        let index = row.split('"').next().expect("an index");
        let is_above = acts.contains(&format!("<li value=\"{index}\">\n<p class=\"what\"><a "));
        assert_eq!(row.contains("class=\"again\""), is_above, "{index}: {row}");
    }
    assert!(below.contains("<p class=\"printed\">"), "{below}");
}
