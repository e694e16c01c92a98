//! The cards of findings: one act is one card, whoever tells of it, and each
//! says what its entries know of the operation; the report keeps every finding.

use crate::audit::goldens::accounts::closed;
use crate::audit::goldens::reconciled::silent;
use crate::make::audit::Story;
use crate::make::service::Answer;
use crate::make::told::Told;
use crate::pages::verdicts::{guilty, shows};

const APP: &str = "/apps/argocd-prod/argocd/payments-api";

/// The cards of one code.
fn cards(page: &Answer, code: &str) -> Vec<String> {
    let html = page.text();
    let cards = html.split("<article class=\"card finding").skip(1);
    let cards = cards.map(|card| card.split("</article>").next().unwrap_or_default().to_owned());
    cards.filter(|card| card.contains(&format!("/findings/{code}\""))).collect()
}

/// What the API lists of one code.
fn listed(told: &Told, code: &str) -> usize {
    let report = told.service.get("/v1/jobs/job-1");
    let report: serde_json::Value = serde_json::from_str(&report.text()).expect("JSON");
    report["findings"].as_array().expect("findings").iter().filter(|finding| finding["code"] == code).count()
}

/// A sync that is decided under a token that was revoked long before, and two
/// reports of its operation.
fn revoked(story: &mut Story) {
    closed(story);
    story.wait(600_000);
    story.approve("late ok", "approve", "sync");
    story.decide("late", "allow", "r1", "t1", "sync", Some("late ok"));
    story.observe("begun", "late", "sync", true);
    story.observe("ended", "late", "sync", true);
    story.set("begun", "phase", "Running");
    story.set("ended", "finished_at", story.said("ended").text_at("started_at").expect("a start").to_owned());
}

#[test]
fn one_revoked_act_is_one_card_that_says_what_each_entry_shows() {
    let mut story = Story::clean();
    revoked(&mut story);
    let told = Told::of(&story);
    assert_eq!(listed(&told, "TOKEN_REVOKED"), 3, "the report keeps each");
    for page in ["/jobs/job-1", APP] {
        let page = told.service.get(page);
        let cards = cards(&page, "TOKEN_REVOKED");
        assert_eq!(cards.len(), 1, "{cards:#?}");
        for part in ["3 findings of one act", "2 findings: ", "decided after the token was revoked", "phase</span> "] {
            assert!(cards[0].contains(part), "{part} is not in {}", cards[0]);
        }
        for entry in ["late", "begun", "ended", "job-1.revoked"] {
            let shown = format!("<dd class=\"charged\"><a href=\"/entries/{}\">", story.at(entry));
            assert!(cards[0].contains(&shown), "{entry}: {}", cards[0]);
        }
        // When, by whom, and what, as the entry has it.
        let started = story.said("ended").text_at("started_at").expect("a start");
        assert!(cards[0].contains(&format!("{} {} UTC", &started[..10], &started[11..19])), "{}", cards[0]);
        assert!(cards[0].contains("proj:payments:agent") && cards[0].contains("revision deployed"), "{}", cards[0]);
    }
}

/// What one decision began twice is two acts, and each has its card.
#[test]
fn two_operations_share_no_card_though_one_decision_is_behind_both() {
    let mut story = Story::clean();
    revoked(&mut story);
    let (start, digest) = ("2026-11-22T12:20:00Z", crate::make::hex("another operation"));
    story.observe("twice", "late", "sync", true);
    story.set("twice", "started_at", start);
    story.set("twice", "operation_digest", digest);
    let told = Told::of(&story);
    let page = told.service.get("/jobs/job-1");
    let cards = cards(&page, "TOKEN_REVOKED");
    assert_eq!(cards.len(), 2, "{cards:#?}");
    assert_eq!(cards.iter().filter(|card| card.contains("2026-11-22 12:20:00 UTC")).count(), 1, "{cards:#?}");
}

#[test]
fn an_operation_that_no_decision_has_says_when_by_whom_and_which_revision() {
    let mut story = Story::clean();
    silent(&mut story);
    for (step, path) in [("roots", "agents[0].usernames[0].username"), ("silent", "initiator.username")] {
        story.set(step, path, "<i>agent");
    }
    let told = Told::of(&story);
    let started = story.said("silent").text_at("started_at").expect("a start").to_owned();
    let page = told.service.get(APP);
    let cards = cards(&page, "UNREPORTED_ACTION");
    assert_eq!(cards.len(), 1, "{cards:#?}");
    for part in [&started[11..19], "by user</span>", "&lt;i&gt;agent", "revision deployed", "as Argo CD reports it"] {
        assert!(cards[0].contains(part), "{part} is not in {}", cards[0]);
    }
    assert!(cards[0].contains("<dt>Charged to</dt>") || cards[0].contains("<dt>Leaves open</dt>"), "{}", cards[0]);
    assert_eq!(cards[0].contains("<dt>Charged to</dt>"), cards[0].contains("fails the verdict"), "{}", cards[0]);
    // It leaves jobs open, as its words say: the foot must not deny it.
    assert!(cards[0].contains("charged to no job") && cards[0].contains("left open"), "{}", cards[0]);
    shows(&told.service.get("/findings"), &["sync, as Argo CD reports it", "by user &lt;i&gt;agent"]);
    assert!(!page.text().contains("<i>"), "{}", page.text());
}

/// A decision whose operation nobody reports is told as what it is.
#[test]
fn what_was_only_decided_is_told_as_decided() {
    let page = Told::of(&guilty()).service.get(APP);
    let cards = cards(&page, "TOKEN_REVOKED");
    assert!(
        cards.iter().any(|card| card.contains("sync, as decided") && card.contains("revision asked for")),
        "{cards:#?}"
    );
}
