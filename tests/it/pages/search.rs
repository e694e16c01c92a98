//! The search page: one hit leads to its page, more are listed, and nothing of
//! what is typed becomes markup or a pattern.

use crate::make::audit::Story;
use crate::make::service::Answer;
use crate::make::story::Site;
use crate::make::told::Told;
use crate::make::{b64u, did, good_payload, hex, key, kind, seal_raw, set};
use crate::pages::{HOSTILE, all_pages, visible};
use pulselog::artifact::json::to_compact;

fn search(told: &Told, text: &str) -> Answer {
    // As a browser writes it: letters and digits as they are.
    let one = |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02x}") };
    let escaped: String = text.bytes().map(one).collect();
    told.service.get(&format!("/search?q={escaped}"))
}

#[test]
fn every_page_has_the_search_field_and_works_without_script() {
    let (site, _) = Site::played();
    for path in all_pages() {
        let html = site.get(&path).html;
        assert!(html.contains(r#"<form role="search" action="/search" method="get""#), "{path}");
        assert!(html.contains(r#"<label for="q">"#), "{path}");
    }
    let asked = site.get("/search?q=nothing-%22at%3Eall").html;
    assert!(asked.contains(r#"value="nothing-&#34;at&#62;all""#), "the field keeps what was asked");
}

#[test]
fn one_hit_leads_to_its_page_in_any_spelling() {
    let told = Told::of(&Story::clean());
    let story = Story::clean();
    let entry = |name: &str| told.service.get(&format!("/v1/entries/{}", story.index(name)));
    let (bundle, leaf) = (entry("job-1.b1").string("artifact"), entry("job-1.b1").string("leaf_hash"));
    let token = hex("job-1.t1");
    let agent = did("agent").replace(':', "%3A");
    let short = |hash: &str| format!("{}…{}", &hash[..8], &hash[56..]);
    for (text, to) in [
        (bundle.clone(), format!("/b/{bundle}")),
        (bundle.to_uppercase(), format!("/b/{bundle}")),
        (short(&bundle), format!("/b/{bundle}")),
        (leaf.clone(), format!("/entries/{}", story.index("job-1.b1"))),
        (token.clone(), format!("/tokens/{token}")),
        (b64u("job-1.t1"), format!("/tokens/{token}")),
        (short(&token), format!("/tokens/{token}")),
        (did("agent"), format!("/agents/{agent}")),
        ("argocd-prod/argocd/payments-api".to_owned(), "/apps/argocd-prod/argocd/payments-api".to_owned()),
        ("job-1.r1".to_owned(), format!("/runs/{agent}/job-1.r1")),
        ("job-1".to_owned(), "/jobs/job-1".to_owned()),
        ("  job-1 ".to_owned(), "/jobs/job-1".to_owned()),
        ("7".to_owned(), "/entries/7".to_owned()),
        ("TOKEN_REVOKED".to_owned(), "/findings/TOKEN_REVOKED".to_owned()),
    ] {
        let answer = search(&told, &text);
        // A longer name begins like the job's: then it is listed.
        let to_page = told.service.get(&to);
        assert_eq!(to_page.status, 200, "{to}");
        match text.trim() {
            "job-1" => assert_eq!(answer.status, 200, "{text}: job-1.r1 begins so"),
            _ => assert_eq!((answer.status, answer.header("location")), (303, to.as_str()), "{text}"),
        }
    }
}

#[test]
fn what_is_unsigned_is_one_hit_though_its_digest_is_its_payloads_hash_too() {
    let site = Site::empty();
    let (_, digest) = site.submit_bare(0, &crate::make::story::pulse("run-x", "[]", "[]"));
    for text in [digest.clone(), digest.to_uppercase(), format!("{}%E2%80%A6{}", &digest[..8], &digest[56..])] {
        let page = site.get(&format!("/search?q={text}"));
        assert_eq!((page.status, page.header("location")), (303, format!("/pulses/{digest}").as_str()), "{text}");
    }
}

#[test]
fn more_than_one_hit_is_listed_with_what_others_say_apart() {
    let told = Told::of(&Story::clean());
    let mut change = good_payload(kind("change_record"));
    set(&mut change, "job_id", Some("job-1.r1".into()));
    let text = to_compact(&seal_raw(kind("change_record"), change, &key("nobody")));
    assert_eq!(told.service.post("/v1/entries", text).status, 201);
    let answer = search(&told, "job-1.r1");
    let html = answer.text();
    assert_eq!(answer.status, 200, "a job of somebody is called like the run");
    let (held, others) = html.split_once("<h2 id=\"others\">").expect("others' statements");
    assert!(held.contains("href=\"/runs/") && !held.contains("href=\"/jobs/job-1.r1\""), "{html}");
    assert!(others.contains("href=\"/entries?job=job-1.r1\""), "{others}");
    let begun = search(&told, "job-").text();
    assert!(begun.contains("<h2 id=\"begins\">") && begun.contains("href=\"/jobs/job-1\""), "{begun}");
}

#[test]
fn what_cannot_be_searched_says_why() {
    let told = Told::of(&Story::clean());
    let long = search(&told, &"x".repeat(10_000));
    assert_eq!(long.status, 400);
    assert!(long.text().contains("A search has at most 512 bytes"), "{}", long.text());
    assert!(long.text().contains("<code>invalid_parameter</code>"));
    let letter = search(&told, "x");
    assert_eq!(letter.status, 200);
    assert!(letter.text().contains("A beginning needs 3 characters of a name, or 7 hex digits"), "{}", letter.text());
    let digits = search(&told, "abc12");
    assert!(digits.text().contains("found by 7 hex digits or more"));
    for pattern in ["job-.*", "^job", "[a-z]+", "job-1%", "job_1"] {
        let answer = search(&told, pattern);
        assert!(answer.text().contains("Nothing found"), "{pattern}");
    }
    assert_eq!(told.service.get("/search?q=a&q=b").status, 400);
    let empty = told.service.get("/search?q=").text();
    assert!(empty.contains("What can be found") && !empty.contains("Nothing found"));
}

#[test]
fn hostile_names_stay_text_where_they_are_listed() {
    let site = Site::empty();
    let mut logged = 0;
    for text in HOSTILE {
        let call = crate::make::story::made("gateway_receipt", "gateway", &[("binding.run_id", (*text).into())]);
        logged += u64::from(site.try_submit(&call).is_some());
    }
    assert!(logged > 3, "admission takes some of them");
    for path in ["/search?q=zqx", "/runs?by=others", "/entries?run=zqx%3Cscript%3Ealert(1)%3C%2Fscript%3E"] {
        let page = site.get(path);
        assert_eq!(page.status, 200, "{path}");
        let html = visible(&page.html);
        for never in ["<script", "<img", "onmouseover='", "<h1>Pass", "\u{202e}", "\u{200b}"] {
            assert!(!html.contains(never), "{path} holds {never}");
        }
    }
    let found = site.get("/search?q=zqx").html;
    assert!(found.contains("zqx&#60;script&#62;") || found.contains("zqx&lt;script&gt;"), "{found}");
}
