//! What happened comes first: the sentence under the verdict, made from the log.

use crate::make::audit::Story;
use crate::make::did;
use crate::make::story::{RUN_1, RUN_2, Site};
use crate::make::told::Told;
use crate::pages::verdicts::{bundles, shows};

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
    shows(&job, &["Log records: 1 read of payments-api, 1 sync of payments-api (approved by approver did:key:", denied]);
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
