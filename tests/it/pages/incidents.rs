//! The page of an incident: what happened in one scope and time, in order; and
//! what is asked wrongly, with field and rule.

use crate::audit::goldens::reconciled::silent;
use crate::make::audit::Story;
use crate::make::told::Told;
use crate::pages::verdicts::{guilty, shows};

const APP: &str = "argocd-prod/argocd/payments-api";

#[test]
fn an_incident_tells_a_scope_in_order_with_findings_and_proofs() {
    let told = Told::of(&guilty());
    for scope in ["job=job-1".to_owned(), format!("app={APP}"), format!("token={}", crate::make::hex("job-1.t1"))] {
        let page = told.service.get(&format!("/incidents?{scope}"));
        assert_eq!(page.status, 200, "{scope}: {}", page.text());
        shows(&page, &["Fail Audit · found by this server", "TOKEN_REVOKED", "sync, allowed", "Token revoked"]);
        let html = page.text();
        assert!(html.contains("class=\"lanes\"") && html.contains("class=\"mark found\""), "{scope} is drawn");
        let list = html.split_once("id=\"told\"").expect("the entries").1;
        let at: Vec<u64> =
            list.split("<li value=\"").skip(1).filter_map(|row| row.split('"').next()?.parse().ok()).collect();
        assert!(at.len() > 5 && at.is_sorted(), "{scope}: {at:?}");
        assert!(html.contains(&format!("/v1/entries/{}.tlog-proof?size=", at[0])), "{scope}");
        assert!(html.contains("pulselog incident --log"), "{scope}");
    }
}

#[test]
fn an_incident_leaves_out_what_was_logged_at_another_time() {
    let mut story = Story::clean();
    silent(&mut story);
    let told = Told::of(&story);
    let late = "2027-12-01T00:00:00Z";
    let page = told.service.get(&format!("/incidents?app={APP}&from={late}"));
    shows(&page, &["None in this time."]);
    let seen = told.service.get(&format!("/incidents?app={APP}&to={late}"));
    shows(&seen, &["sync, tied to no decision", "UNREPORTED_ACTION"]);
    let first = told.service.get(&format!("/incidents?app={APP}&at=12"));
    assert!(!first.text().contains("tied to no decision"));
}

/// Who looks at a time alone sees that the rights had ended before it, and who did
/// what when.
#[test]
fn an_incident_shows_tokens_of_other_times_and_of_each_operation_who_when_and_what() {
    let mut story = Story::clean();
    silent(&mut story);
    let started = story.said("silent").text_at("started_at").expect("a start").to_owned();
    let told = Told::of(&story);
    for of in [format!("app={APP}"), "job=job-1".to_owned()] {
        let page = told.service.get(&format!("/incidents?{of}&from={started}"));
        let html = page.text();
        let rights = html.split_once("id=\"rights\"").unwrap_or_else(|| panic!("{of}: {html}")).1;
        let (rights, _) = rights.split_once("</section>").expect("a section");
        for entry in ["job-1.t1", "job-1.revoked"] {
            assert!(rights.contains(&format!("href=\"/entries/{}\"", story.at(entry))), "{of}: {entry}: {rights}");
        }
        let token = crate::make::hex("job-1.t1");
        assert!(rights.contains(&token) && rights.contains("ends by itself"), "{of}: {rights}");
    }
    let whole = told.service.get("/incidents?job=job-1");
    assert!(!whole.text().contains("id=\"rights\""), "all of it is told");
    let page = told.service.get(&format!("/incidents?app={APP}&from={started}"));
    shows(&page, &[&format!("started {started}"), "by user proj:payments:agent", "deployed ", "submitted by observer"]);
}

/// The verdict is on the whole scope; a packet of what no job is in holds none.
#[test]
fn an_incident_says_what_was_judged_and_what_was_not() {
    let mut story = Story::clean();
    silent(&mut story);
    let started = story.said("silent").text_at("started_at").expect("a start").to_owned();
    let told = Told::of(&story);
    let not = "Not judged: a job, since nothing in this time is of one.";
    let page = told.service.get(&format!("/incidents?app={APP}&from={started}"));
    shows(&page, &["Judged: this application, by every rule of the audit, from 22 entries", not]);
    for of in [format!("app={APP}"), "job=job-1".to_owned()] {
        let page = told.service.get(&format!("/incidents?{of}"));
        assert!(page.text().contains("<strong>Judged</strong>") && !page.text().contains("Not judged"), "{of}");
    }
}

/// What is read of other jobs, to say that an operation is theirs, is told of
/// this one only where it is not theirs.
#[test]
fn a_job_tells_of_what_its_agents_user_did_unexplained_and_of_no_other_job() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    silent(&mut story);
    let told = Told::of(&story);
    for page in ["/jobs/job-1", "/incidents?job=job-1"] {
        let page = told.service.get(page);
        shows(&page, &["UNREPORTED_ACTION", "no decision explains"]);
        let silent = story.at("silent");
        assert!(page.text().contains(&format!("/entries/{silent}\"")), "{}", page.text());
        assert!(!page.text().contains("job-2"), "{}", page.text());
    }
}

#[test]
fn what_is_asked_wrongly_is_told_by_field_and_rule() {
    let told = Told::of(&Story::clean());
    for (query, says) in [
        ("", "exactly one of these"),
        ("?job=", "exactly one of these"),
        ("?job=a&app=b/c/d", "exactly one of these"),
        ("?app=payments-api", "app: must be instance/namespace/name"),
        ("?token=eyJhbGci.x.y", "token: must be 64 lowercase hex digits"),
        ("?job=job-1&from=yesterday", "from: must be an RFC 3339 time with a zone"),
        ("?job=job-1&to=2026-11-27T09:00:00", "to: must be an RFC 3339 time with a zone"),
        ("?job=job-1&from=2026-11-27T09:00:00Z&to=2026-11-27T10:00:00%2B01:00", "from: must be before to"),
        ("?job=job-1&job=job-2", "may be given once"),
        ("?job=job-1&at=x", "at: a decimal number"),
    ] {
        let page = told.service.get(&format!("/incidents{query}"));
        assert_eq!(page.status, 400, "{query}: {}", page.text());
        shows(&page, &[says]);
        assert!(!page.text().contains("eyJhbGci"), "a token is not repeated");
    }
    assert_eq!(told.service.get("/incidents?job=job-none").status, 404);
}
