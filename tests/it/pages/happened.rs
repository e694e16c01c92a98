//! What happened comes first: the sentence under the verdict, made from the log.

use crate::make::audit::Story;
use crate::make::did;
use crate::make::story::{RUN_1, RUN_2, Site};
use crate::make::told::Told;
use crate::pages::verdicts::{bundles, guilty, shows};

const APP: &str = "/apps/argocd-prod/argocd/payments-api";

/// The sentence of a page, with its markup.
fn sentence(html: &str) -> &str {
    let (_, rest) = html.split_once("<p class=\"happened\">").expect("the sentence");
    rest.split_once("</p>").expect("its end").0
}

#[test]
fn verdicts_of_job_run_and_bundle_say_first_what_was_done_and_who_approved_it() {
    let told = Told::of(&Story::clean());
    let bundle = &bundles(&told)[0];
    let denied = "1 edit of payments-api denied, token revoked by revoker did:key:";
    let job = told.service.get("/jobs/job-1");
    shows(
        &job,
        &["Log records: 1 read of payments-api, 1 sync of payments-api (approved by approver did:key:", denied],
    );
    shows(&job, &["1 rollback of payments-api (approved by approver did:key:"]);
    for path in [format!("/runs/{}/job-1.r1", did("agent")), format!("/b/{bundle}")] {
        let page = told.service.get(&path);
        shows(&page, &["Log records: 1 read of payments-api", denied]);
        assert!(!sentence(&page.text()).contains("rollback"), "{path} tells of another run");
    }
    // It stands in the panel of the audit, above coverage and findings, and leads on.
    let html = job.text();
    let (panel, _) = html.split_once("<h2 id=\"protocol\">").expect("the other panel");
    assert!(sentence(panel).contains(&format!("<a href=\"{APP}\"><bdi")), "{panel}");
    let refused = told.service.get(&format!("/runs/{}/job-1.r2", did("agent")));
    assert!(sentence(&refused.text()).starts_with("<strong>Log records:</strong> 1 rollback"), "{}", refused.text());
}

#[test]
fn a_pulse_is_told_from_the_log_and_not_from_its_agent() {
    let (site, story) = Site::played();
    for (pulse, run) in [(&story.pulse_1, RUN_1), (&story.pulse_2, RUN_2)] {
        let of_pulse = site.get(&format!("/pulses/{pulse}")).html;
        let of_run = site.get(&format!("/runs/{}/{run}", did("agent"))).html;
        assert_eq!(sentence(&of_pulse), sentence(&of_run));
    }
}

#[test]
fn an_incident_tells_only_what_was_done_in_its_time() {
    let told = Told::of(&Story::clean());
    let all = told.service.get("/incidents?job=job-1");
    assert!(sentence(&all.text()).contains("1 sync"));
    let none = told.service.get("/incidents?job=job-1&to=2026-01-01T00:00:00Z");
    shows(&none, &["Log records: No call was decided, no token revoked, nothing changed by a person."]);
}

/// The row of an entry in a list of a page.
fn row(html: &str, index: u64) -> &str {
    let (_, rest) = html.split_once("<ol class=\"rows timeline\">").expect("the time line");
    let (_, rest) = rest.split_once(&format!("<li value=\"{index}\"")).expect("the row");
    rest.split_once("</li>").expect("its end").0
}

#[test]
fn only_the_entry_that_causes_a_finding_carries_its_severity() {
    let story = guilty();
    let told = Told::of(&story);
    let page = told.service.get("/jobs/job-1").text();
    let culprit = row(&page, story.index("sync"));
    assert!(culprit.contains("critical") && culprit.contains("TOKEN_REVOKED"), "{culprit}");
    for witness in ["revoked", "t1"] {
        let witness = row(&page, story.index(witness));
        assert!(!witness.contains("critical") && witness.contains("shows"), "{witness}");
    }
    let first = format!("It is: Action after the token was revoked TOKEN_REVOKED, entry {}.", story.index("sync"));
    let shown = format!("(caused by entry {}; shown by entry", story.index("sync"));
    shows(&told.service.get("/jobs/job-1"), &[&first, &shown]);
}

#[test]
fn an_entry_says_what_it_is_what_the_rules_say_of_it_and_what_it_belongs_to() {
    let story = guilty();
    let told = Told::of(&story);
    let entry = |name: &str| told.service.get(&format!("/entries/{}", story.index(name)));
    let culprit = entry("sync");
    shows(&culprit, &["Sync of payments-api decided: allowed", "Breaks a rule", "Action after the token was revoked"]);
    shows(
        &culprit,
        &["Signed by wrapper did:key:", "job job-1", "run job-1.r1", "application argocd-prod/argocd/payments-api"],
    );
    shows(&culprit, &["agent did:key:", "token", "policy ", "Of the same act: entry"]);
    assert!(culprit.text().contains("<title>Breaks a rule · Sync decided: allowed · entry "), "{}", culprit.text());
    let html = culprit.text();
    for page in ["/jobs/job-1\"", "/tokens/", "/agents/", "/policies/", "/apps/argocd-prod/", "/runs/"] {
        // Below what it is and whether it holds, above what it says.
        let top = html.split("id=\"says\"").next().expect("a beginning");
        assert!(top.contains(&format!("href=\"{page}")), "{page}: {html}");
    }
    let witness = entry("revoked");
    shows(
        &witness,
        &["Token revoked", "Shows a finding", "It shows, and does not cause:", "TOKEN_REVOKED, caused by entry"],
    );
    assert!(!witness.text().contains("class=\"card finding"), "a witness is no culprit");
    shows(&entry("ok"), &["Sync of payments-api approved", "Signed by approver did:key:"]);
    shows(&entry("back"), &["Rollback of payments-api decided: allowed", "No finding"]);
    shows(&entry("edit"), &["Edit of payments-api decided: denied"]);
    shows(&entry("seen"), &["Sync of payments-api reported: succeeded"]);
    shows(&entry("t1"), &["Token issued for job job-1", "Signed by token issuer did:key:"]);
    shows(&entry("roots"), &["Roots of trust", "Not applicable", "Signed by operator did:key:"]);
}

#[test]
fn whoever_has_no_role_is_not_named_by_it() {
    let mut story = Story::clean();
    story.signed_by("back ok", "stranger");
    let told = Told::of(&story);
    let page = told.service.get(&format!("/entries/{}", story.index("back ok")));
    shows(&page, &["Signed by somebody without the role of approver, did:key:", "Noted"]);
}

#[test]
fn names_of_an_act_are_text_in_its_title_too() {
    let mut story = Story::clean();
    let name = "zqx<script>alert(1)</script>\u{202e}";
    let call = story.named("r1 call 1");
    story.set(&call, "model", name);
    let told = Told::of(&story);
    let page = told.service.get(&format!("/entries/{}", story.index("r1 call 1"))).text();
    assert!(page.contains("Model called: <bdi"), "{page}");
    assert!(!page.contains("zqx<script") && !page.contains('\u{202e}') && page.contains("‹U+202E›"), "{page}");
    let head = page.split_once("</head>").expect("a head").0;
    assert!(!head.contains("zqx"), "what leaves the page names nobody: {head}");
}

#[test]
fn a_run_is_about_itself_and_marks_the_other_runs_of_its_job() {
    let story = Story::clean();
    let told = Told::of(&story);
    let page = told.service.get(&format!("/runs/{}/job-1.r1", did("agent")));
    shows(&page, &["Entries of other runs of the job stand among them, in order, and say so"]);
    shows(&page, &["user proj:payments:agent on argocd-prod"]);
    let html = page.text();
    for other in ["back", "back ok", "back receipt", "back seen", "r2 call 1", "t2"] {
        let row = row(&html, story.index(other));
        assert!(row.contains("of another run of the job") && row.contains("job-1.r2"), "{other}: {row}");
    }
    for own in ["sync", "ok", "sync receipt", "seen", "r1 call 1", "t1", "revoked", "policy"] {
        assert!(!row(&html, story.index(own)).contains("another run"), "{own}");
    }
    let values =
        html.split("<ol class=\"rows timeline\">").nth(1).expect("rows").split("</ol>").next().expect("its end");
    let order: Vec<u64> =
        values.split("<li value=\"").skip(1).filter_map(|li| li.split('"').next()?.parse().ok()).collect();
    assert!(order.is_sorted(), "{order:?}");
    shows(&page, &["3 × Decision before a call to Argo CD"]);
}

#[test]
fn a_pinned_page_says_what_the_newest_verdict_is_when_it_is_another() {
    let story = guilty();
    let told = Told::of(&story);
    let at = story.index("sync");
    for path in ["/jobs/job-1".to_owned(), format!("/runs/{}/job-1.r1", did("agent"))] {
        let page = told.service.get(&format!("{path}?at={at}"));
        shows(&page, &["Incomplete Audit", "Of the newest entries: Fail Show it"]);
        let title = format!("<title>Incomplete of {at}\u{a0}entries, now Fail · ");
        assert!(page.text().contains(&title), "{path}: {}", page.text());
        assert!(page.text().contains(&title.replace("<title>", "<meta property=\"og:title\" content=\"")), "{path}");
        let newest = told.service.get(&path);
        assert!(!newest.text().contains("Of the newest entries"), "{path}");
        // The same verdict needs no second word.
        let same = told.service.get(&format!("{path}?at={}", told.service.size() - 1));
        assert!(!same.text().contains("Of the newest entries") && same.text().contains("<title>Fail · "), "{path}");
    }
}

#[test]
fn the_first_page_lists_the_newest_jobs_and_runs_with_their_verdicts() {
    let told = Told::of(&guilty());
    let home = told.service.get("/");
    shows(&home, &["Newest jobs job-1 Audit Fail run job-1.r1 Fail run job-1.r2 Pass newest token logged"]);
    let nothing = Told::nothing();
    shows(&nothing.service.get("/"), &["Newest jobs No token of a job is issued in 0 entries."]);
}

#[test]
fn what_is_pending_past_its_time_is_overdue_on_the_newest_page_alone() {
    let mut story = Story::clean();
    story.remove("sync receipt");
    story.remove("seen");
    let told = Told::of(&story);
    let newest = told.service.get("/jobs/job-1");
    shows(&newest, &["Pending until"]);
    told.service.wait_until(story.now_ms() + 86_400_000);
    shows(&told.service.get("/jobs/job-1"), &["Pending, overdue since", "this is no finding yet"]);
    let pinned = told.service.get(&format!("/jobs/job-1?at={}", told.service.size() - 1));
    shows(&pinned, &["Pending until"]);
    assert!(!pinned.text().contains("overdue"), "a pinned page is about its own time");
}
