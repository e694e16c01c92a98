//! Pages of one thing: policies, tokens, agents, tickets, checkpoints, and how
//! the tree grew.

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_compact, to_jcs};

use crate::make::audit::{POLICY, Story};
use crate::make::story::Site;
use crate::make::told::Told;
use crate::make::{b64u, did, good_payload, hex, key, kind, seal_raw, set, value};
use crate::pages::verdicts::guilty;

#[test]
fn a_policy_page_says_in_words_what_is_allowed_and_what_names_it() {
    let told = Told::of(&Story::clean());
    let hash = PayloadHash::of(to_jcs(&value(POLICY)).as_bytes());
    let page = told.service.get(&format!("/policies/{hash}")).text();
    for said in ["In plain words", "May", "Everything else", "is refused", &hash.to_string(), &hash.to_b64u()] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains(&format!("href=\"/entries?under_policy={hash}\"")), "{page}");
    let uses = told.service.get(&format!("/entries?under_policy={hash}")).text();
    assert!(uses.contains("Token issued") || uses.contains("cst_issuance"), "{uses}");
    for spelling in [hash.to_string().to_uppercase(), hash.to_b64u()] {
        let answer = told.service.get(&format!("/policies/{spelling}"));
        assert_eq!((answer.status, answer.header("location")), (308, format!("/policies/{hash}").as_str()));
    }
    assert_eq!(told.service.get(&format!("/policies/{}", hex("none"))).status, 404);
    assert_eq!(told.service.get("/policies/zz").status, 404);
}

#[test]
fn a_token_page_says_for_whom_it_was_and_never_repeats_a_token() {
    let told = Told::of(&Story::clean());
    let hash = hex("job-1.t1");
    let page = told.service.get(&format!("/tokens/{hash}")).text();
    for said in ["href=\"/jobs/job-1\"", "The token itself is never here", "Log records: its issuance", &hash] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains(&format!("href=\"/agents/{}\"", did("agent").replace(':', "%3A"))), "{page}");
    let moved = told.service.get(&format!("/tokens/{}?at=9", b64u("job-1.t1")));
    assert_eq!((moved.status, moved.header("location")), (308, format!("/tokens/{hash}?at=9").as_str()));
    let secret = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
    let answer = told.service.get(&format!("/tokens/{secret}"));
    assert_eq!(answer.status, 404);
    assert!(!answer.text().contains(secret));
}

#[test]
fn a_tokens_life_is_drawn_with_what_was_done_after_its_end() {
    let hash = hex("job-1.t1");
    let page = |story: &Story| Told::of(story).service.get(&format!("/tokens/{hash}")).text();
    let clean = page(&Story::clean());
    assert!(clean.contains("class=\"lanes\"") && clean.contains("nothing under it after that"), "{clean}");
    let bad = page(&guilty());
    let bar = bad.split("class=\"lanes\"").nth(1).and_then(|rest| rest.split("</svg>\n<figcaption").next());
    let bar = bar.expect("a bar");
    assert_eq!(bar.matches("class=\"mark found\"").count(), 1, "{bar}");
    assert!(bad.contains("after its end: <a href=\"/entries/8\">entry 8</a>"), "{bad}");
}

#[test]
fn an_agent_page_says_what_the_roots_say_and_which_jobs_it_got() {
    let told = Told::of(&Story::clean());
    let page = told.service.get(&format!("/agents/{}", did("agent"))).text();
    for said in ["in the roots of", "Default policy", "href=\"/policies/", "href=\"/jobs/job-1\"", &did("agent")] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let page = told.service.get(&format!("/agents/{}", did("gateway"))).text();
    assert!(page.contains("Not an agent of the roots in force"), "{page}");
    assert_eq!(told.service.get(&format!("/agents/{}", did("nobody at all"))).status, 404);
    assert_eq!(told.service.get("/agents/x").status, 404);
}

#[test]
fn a_ticket_page_ties_jobs_and_bundles_and_says_what_does_not_belong() {
    let mut story = Story::clean();
    story.set("roots", "recorders", Value::from(vec![Value::from(did("recorder"))]));
    let told = Told::of(&story);
    let change = |job: &str, ticket: &str, who: &str| {
        let mut change = good_payload(kind("change_record"));
        set(&mut change, "job_id", Some(job.into()));
        set(&mut change, "nonce", Some(hex(&format!("{job} {ticket} {who}"))[..32].into()));
        set(&mut change, "change_ref.system", Some("jira".into()));
        set(&mut change, "change_ref.key", Some(ticket.into()));
        let text = to_compact(&seal_raw(kind("change_record"), change, &key(who)));
        let answer = told.service.post("/v1/entries", text);
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    change("job-1", "PAY-7", "recorder");
    change("job-1", "PAY-8", "recorder");
    change("job-2", "PAY-7", "nobody");
    let page = told.service.get("/tickets/jira/PAY-7").text();
    assert!(page.contains("href=\"/jobs/job-1\"") && page.contains("Audit"), "{page}");
    assert!(page.contains("It names another ticket too") && page.contains("jira PAY-8"), "{page}");
    assert!(!page.contains("href=\"/jobs/job-2\""), "nobody's word ties a job");
    assert!(page.contains("Others’ statements; no effect on a verdict"), "{page}");
    assert!(!page.contains("href=\"http"), "the key is text");
    assert_eq!(told.service.get("/tickets/jira/PAY-9").status, 404);
    assert_eq!(told.service.get("/tickets/jira/PAY%2F7").status, 404, "one segment, decoded once");
    let found = told.service.get("/search?q=jira%2FPAY-7");
    assert_eq!((found.status, found.header("location")), (303, "/tickets/jira/PAY-7"));
    let found = told.service.get("/search?q=PAY-7");
    assert_eq!((found.status, found.header("location")), (303, "/tickets/jira/PAY-7"));
    let found = told.service.get("/search?q=PAY-").text();
    assert!(found.contains("PAY-7") && found.contains("PAY-8"), "{found}");
}

#[test]
fn checkpoints_are_listed_shown_and_compared() {
    let (site, story) = Site::played();
    let list = site.get("/checkpoints").html;
    assert!(list.contains(&format!("href=\"/checkpoints/{}\"", story.size)), "{list}");
    assert!(list.contains("href=\"/tree?from="), "each leads to its growth");
    let one = site.get("/checkpoints/11").html;
    assert!(one.contains("Checkpoint of 11\u{a0}entries") && one.contains("log.example.com/claw"), "{one}");
    assert!(one.contains("href=\"/checkpoints/12\" rel=\"next\""), "{one}");
    let compared = site.get("/tree?size=11&with=6");
    assert_eq!((compared.status, compared.header("location")), (303, "/tree?from=6&to=11"));
    let tree = site.get("/tree?from=6&to=11").html;
    assert!(tree.contains("begins with exactly the 6 it had before"), "{tree}");
    assert!(tree.contains("Signed root of checkpoint 6") && tree.contains("Signed root of checkpoint 11"));
    let swapped = site.get("/tree?from=11&to=6");
    assert_eq!(swapped.status, 400);
    assert!(swapped.html.contains("href=\"/tree?from=6&#38;to=11\""), "{}", swapped.html);
    assert!(site.get("/tree?from=0&to=11").html.contains("An empty log is extended by any log"));
    assert!(site.get("/tree?from=11&to=11").html.contains("no proof is needed"));
    assert_eq!(site.get("/tree?from=x").status, 400);
    assert_eq!(site.get("/tree?to=99999").status, 404);
    assert_eq!(site.get("/checkpoints/99999").status, 404);
    assert_eq!(site.get("/checkpoints/x").status, 400);
    assert_eq!(site.get("/checkpoints/0").status, 200);
}
