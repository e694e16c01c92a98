//! The verdicts on pages: what a clean and a guilty story show, that nothing is
//! decided twice, and that every code leads to its explanation.

use std::collections::BTreeSet;

use pulselog::artifact::json::Value;
use pulselog::audit::explain;

use crate::make::audit::Story;
use crate::make::service::Answer;
use crate::make::told::Told;
use crate::make::{b64u, did, hex};

/// A sync under a token that was revoked before it.
pub fn guilty() -> Story {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    story
}

fn run_page(run: &str) -> String {
    format!("/runs/{}/{run}", did("agent"))
}

/// Digests of the logged bundles, in log order.
pub fn bundles(told: &Told) -> Vec<String> {
    let kind = |at: &u64| told.service.get(&format!("/v1/entries/{at}"));
    let entries = (0..told.service.size()).map(|at| kind(&at));
    entries.filter(|e| e.string("kind") == "proof_bundle").map(|e| e.string("artifact")).collect()
}

/// Every page that shows verdicts or findings of a told story.
pub fn verdict_pages(told: &Told) -> Vec<String> {
    let mut pages = vec![
        "/findings".to_owned(),
        "/findings?severity=critical&job=job-1".to_owned(),
        "/findings/TOKEN_REVOKED".to_owned(),
        "/jobs/job-1".to_owned(),
        "/apps/argocd-prod/argocd/payments-api".to_owned(),
        run_page("job-1.r1"),
        run_page("job-1.r2"),
    ];
    pages.extend(bundles(told).iter().map(|digest| format!("/b/{digest}")));
    pages
}

/// A page's text without its markup.
fn text(page: &Answer) -> String {
    let html = page.text();
    let body = html.split_once("<main").map_or("", |(_, body)| body).to_owned();
    let mut out = String::new();
    for part in body.split('<') {
        out.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    out.split([' ', '\n', '\u{a0}']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[track_caller]
pub fn shows(page: &Answer, words: &[&str]) {
    let text = text(page);
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}

#[test]
fn a_clean_story_passes_and_says_how_absence_was_checked() {
    let told = Told::of(&Story::clean());
    let size = told.service.size();
    let none =
        format!("No finding in {size} entries, 0–{}. Absence recomputed: Server read all {size} entries.", size - 1);
    let mut pages = vec!["/jobs/job-1".to_owned(), run_page("job-1.r1"), run_page("job-1.r2")];
    pages.extend(bundles(&told).iter().map(|digest| format!("/b/{digest}")));
    for path in pages {
        let page = told.service.get(&path);
        assert_eq!(page.status, 200, "{path}");
        let said =
            ["Pass Audit · found by this server", "No rule failed, and nothing the rules need was missing.", &none];
        shows(&page, &said);
        shows(&page, &["Judged under roots entry 0", "In the commands below, --operator says whom you believe"]);
        let html = page.text();
        assert!(html.contains("<title>Pass · "), "{path}");
        assert!(!html.contains("class=\"card finding"), "{path} shows a finding");
        assert!(!html.contains("state fail") && html.contains("state pass"), "{path}");
    }
    let findings = told.service.get("/findings");
    shows(&findings, &[&format!("No finding in {size} entries, 0–{}. Absence recomputed", size - 1)]);
}

#[test]
fn a_guilty_story_shows_the_code_its_words_and_its_entries() {
    let told = Told::of(&guilty());
    let rule = explain("TOKEN_REVOKED").expect("a rule");
    let bundle = &bundles(&told)[0];
    for path in ["/jobs/job-1".to_owned(), run_page("job-1.r1"), format!("/b/{bundle}")] {
        let page = told.service.get(&path);
        shows(
            &page,
            &[
                "Fail Audit · found by this server",
                "1 finding fails this",
                "It is: Action after the token was revoked TOKEN_REVOKED",
                rule.title,
                rule.rationale,
            ],
        );
        shows(&page, &[rule.what_to_do, rule.does_not_prove, "critical", "job-1"]);
        let html = page.text();
        assert!(html.contains("<a href=\"/findings/TOKEN_REVOKED\"><code>TOKEN_REVOKED</code></a>"), "{path}");
        let card = html.split("<article class=\"card finding").nth(1).expect("a card");
        assert!(card.contains("href=\"/entries/"), "{path} links to no entry");
        assert!(html.contains("<title>Fail · "), "{path}");
    }
    shows(&told.service.get("/jobs/job-1"), &["pulselog audit --log http://", "--job=job-1"]);
    let page = told.service.get(&run_page("job-1.r2"));
    shows(&page, &["Pass Audit · found by this server"]);
    let page = told.service.get("/findings?code=TOKEN_REVOKED");
    shows(&page, &["TOKEN_REVOKED", "fails the verdict"]);
    shows(&told.service.get("/findings?severity=critical"), &["TOKEN_REVOKED"]);
    let pinned = told.service.get("/findings?at=3&severity=critical&job=job-1");
    assert!(pinned.text().contains(r#"href="/findings?severity=critical&#38;job=job-1""#), "{}", pinned.text());
    shows(&told.service.get("/findings?code=LATE_EVIDENCE"), &["No finding in"]);
}

#[test]
fn pages_say_what_the_reports_say_at_every_size() {
    let told = Told::of(&guilty());
    let words =
        [("pass", "Pass"), ("fail", "Fail"), ("incomplete", "Incomplete"), ("not_applicable", "Not applicable")];
    for size in 1..=told.service.size() {
        for (report, page) in [
            ("/v1/jobs/job-1".to_owned(), "/jobs/job-1".to_owned()),
            (format!("/v1{}", run_page("job-1.r1")), run_page("job-1.r1")),
        ] {
            let report = told.service.get(&format!("{report}?at={size}"));
            let page = told.service.get(&format!("{page}?at={size}"));
            if report.status == 404 {
                let text = text(&page);
                assert!(page.status == 404 || text.contains("Not in the log") || text.contains("Not applicable"));
                continue;
            }
            let verdict = report.string("verdict");
            let word = words.iter().find(|(name, _)| *name == verdict).expect("a word").1;
            shows(&page, &[&format!("{word} Audit · found by this server")]);
            let findings = report.json().get("findings").and_then(Value::as_array).map_or(0, <[Value]>::len);
            assert_eq!(page.text().matches("class=\"card finding").count(), findings, "at {size}");
            if size < told.service.size() {
                let later = told.service.size() - size;
                let beyond = format!("The published checkpoint proves {later} later entr");
                shows(&page, &[&format!("Pinned to {size} entr"), &beyond]);
                shows(&told.service.get(&format!("/findings?at={size}&job=job-1")), &[&beyond]);
            }
        }
    }
}

#[test]
fn every_code_on_a_page_leads_to_its_explanation() {
    let told = Told::of(&guilty());
    let mut pages = verdict_pages(&told);
    pages.extend(["/nothing".to_owned(), "/entries/999".to_owned(), "/jobs/nobody".to_owned(), "/b/zz".to_owned()]);
    pages.extend([
        "/findings/NO_SUCH_CODE".to_owned(),
        "/findings?code=X".to_owned(),
        "/findings?severity=awful".to_owned(),
        "/findings?run=r".to_owned(),
        "/findings?after=x".to_owned(),
        "/jobs/job-1?at=999".to_owned(),
        "/jobs/job-1?at=0".to_owned(),
        "/b/zz?at=1&at=2".to_owned(),
    ]);
    let mut codes = BTreeSet::new();
    for path in pages {
        let html = told.service.get(&path).text();
        let linked = html.split("href=\"/findings/").skip(1).filter_map(|rest| rest.split('"').next());
        codes.extend(linked.map(str::to_owned));
    }
    assert!(codes.contains("TOKEN_REVOKED") && codes.contains("scope_not_found"), "{codes:?}");
    for code in &codes {
        let page = told.service.get(&format!("/findings/{code}"));
        assert_eq!(page.status, 200, "{code}");
        shows(&page, &[code, "What to do"]);
    }
}

#[test]
fn every_code_has_a_page_with_the_words_of_explain() {
    let told = Told::nothing();
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for row in pulselog::explain::all() {
        let page = told.service.get(&format!("/findings/{}", row.code));
        assert_eq!(page.status, 200, "{}", row.code);
        let html = page.text().replace("&#39;", "'").replace("&#34;", "\"").replace("&#38;", "&");
        let html = squeeze(&html.replace("&#60;", "<").replace("&#62;", ">"));
        assert!(html.contains(&squeeze(row.title)), "{}", row.code);
        assert!(html.contains(&squeeze(&row.means[1..])), "{}: {}", row.code, row.means);
        assert!(html.contains(&squeeze(&row.action[1..])), "{}: {}", row.code, row.action);
    }
}

#[test]
fn codes_that_nobody_prints_are_not_found_and_near_ones_are_proposed() {
    let told = Told::nothing();
    let page = told.service.get("/findings/TOKEN_REVOKD");
    assert_eq!(page.status, 404);
    assert!(page.text().contains("href=\"/findings/TOKEN_REVOKED\""), "{}", page.text());
    let other = told.service.get("/findings/token_revoked_");
    assert_eq!(other.status, 404);
    let hostile = told.service.get("/findings/%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    assert_eq!(hostile.status, 404);
    assert!(!hostile.text().contains("<script"), "{}", hostile.text());
    let filter = told.service.get("/findings?code=%22%3E%3Cscript%3E");
    assert_eq!(filter.status, 400);
    assert!(!filter.text().contains("<script"), "{}", filter.text());
    let job = told.service.get("/findings?job=%22%3E%3Cscript%3E");
    assert_eq!(job.status, 200);
    assert!(!job.text().contains("<script"), "{}", job.text());
}

#[test]
fn what_nobody_speaks_of_has_no_page() {
    let told = Told::of(&Story::clean());
    let bundle = &bundles(&told)[0];
    for path in ["/jobs/nobody".to_owned(), format!("/b/{}", hex("nothing")), format!("/b/{bundle}?at=3")] {
        assert_eq!(told.service.get(&path).status, 404, "{path}");
    }
    let roots = told.service.get("/v1/entries/0").string("artifact");
    let page = told.service.get(&format!("/b/{roots}"));
    assert_eq!(page.status, 404);
    shows(&page, &["Entry 0 has this digest, but it is no proof bundle"]);
    let page = told.service.get(&format!("/b/{}?at=20", bundle.to_uppercase()));
    assert_eq!((page.status, page.header("location")), (308, format!("/b/{bundle}?at=20").as_str()));
    assert_eq!(told.service.get(&format!("/b/{}", b64u("nothing"))).status, 308);
    let index = (0..told.service.size())
        .find(|at| told.service.get(&format!("/v1/entries/{at}")).string("artifact") == *bundle);
    let entry = told.service.get(&format!("/entries/{}", index.expect("an entry")));
    assert!(entry.text().contains(&format!("href=\"/b/{bundle}\"")));
}

#[test]
fn strangers_stand_apart_and_move_no_verdict() {
    let mut story = Story::clean();
    let mut strange = story.steps.clone();
    strange.retain(|step| !step.name.contains("seen"));
    strange.iter_mut().for_each(|step| step.by_stranger("stranger"));
    story.steps.extend(strange);
    let told = Told::of(&story);
    for path in ["/jobs/job-1".to_owned(), run_page("job-1.r1")] {
        let page = told.service.get(&path);
        shows(&page, &["Pass Audit · found by this server", "Others’ statements; no effect on this verdict"]);
        let html = page.text();
        let others = html.split("<ol class=\"rows others\">").nth(1).and_then(|t| t.split("</ol>").next());
        let timeline = html.split("<ol class=\"rows timeline\">").nth(1).and_then(|t| t.split("</ol>").next());
        let own = timeline.expect("a time line").matches("<li value=").count();
        assert!(others.expect("others").contains("<li value="), "{path}");
        assert_eq!(own as u64, Told::of(&Story::clean()).service.size(), "{path}: everything of the clean story");
    }
    let page = told.service.get(&run_page("job-1.r1"));
    let bundle = page.text();
    let listed = bundle.split("<ol class=\"rows candidates\">").nth(1).and_then(|t| t.split("</ol>").next());
    assert_eq!(listed.expect("bundles").matches("<li value=").count(), 2, "the agent's and the stranger's");
    shows(&page, &["by somebody without the role", "Pass Protocol · Clawsig’s rules, applied by this server"]);
}

/// Our own kinds refuse such ids; a peer's are logged as they are.
#[test]
fn characters_that_nobody_sees_in_a_peers_ids_are_shown_escaped() {
    let mut story = Story::clean();
    story.set("r1 call 1", "binding.run_id", "zqx\u{202e}ssaP");
    let at = story.index("r1 call 1");
    let told = Told::of(&story);
    let entry = told.service.get(&format!("/entries/{at}"));
    assert!(entry.status == 200 && entry.text().contains("zqx"), "{}", entry.text());
    for path in [format!("/entries/{at}"), "/findings".to_owned(), "/jobs/job-1".to_owned()] {
        let page = told.service.get(&path);
        assert!(page.status == 200 && !page.text().contains('\u{202e}'), "{path}");
    }
}

#[test]
fn hostile_names_in_evidence_stay_text() {
    for name in ["zqx<script>alert(1)</script>", "zqx' onmouseover='x", "zqx</bdi><h1>Pass</h1>", ".."] {
        let mut story = Story::clean();
        story.job(name, "agent");
        let at = story.steps.iter().position(|step| step.name == format!("{name}.revoked")).expect("a step");
        let step = story.steps.remove(at);
        let after = story.steps.iter().position(|step| step.name == format!("{name}.t1")).expect("a step");
        story.steps.insert(after + 1, step);
        let told = Told::of(&story);
        let encoded: String = name.bytes().map(|b| format!("%{b:02X}")).collect();
        let run: String = format!("{name}.r1").bytes().map(|b| format!("%{b:02X}")).collect();
        let mut pages = vec!["/findings".to_owned(), format!("/findings?job={encoded}"), run_page(&run)];
        if name != ".." {
            pages.push(format!("/jobs/{encoded}"));
        }
        for path in pages {
            let page = told.service.get(&path);
            assert_eq!(page.status, 200, "{path}");
            let html = page.text();
            // A field may hold what was asked, as text in quotes.
            let (before, field) = html.split_once(" name=\"job\" value=\"").unwrap_or((&html, ""));
            let html = format!("{before}{}", field.split_once('"').map_or("", |(_, rest)| rest));
            for never in ["<script", "<h1>Pass", "href=\"zqx", "href=\"/jobs/..\"", " onmouseover='x"] {
                assert!(!html.contains(never), "{path} holds {never:?}");
            }
            assert_eq!(html.matches("<h1").count(), 1, "{path}");
        }
    }
}

#[test]
fn pages_of_verdicts_are_light_and_carry_the_policy() {
    let told = Told::of(&guilty());
    for path in verdict_pages(&told) {
        let page = told.service.get(&path);
        assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"), "{path}");
        let html = page.text();
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        assert!(!html.contains("<script") && !html.contains(" style="), "{path}");
        assert!(html.len() < 100_000, "{path}: {} bytes before compression", html.len());
        let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{path} repeats an id: {ids:?}");
    }
}

#[test]
fn findings_come_page_by_page_and_keep_their_size() {
    let mut story = Story::clean();
    for number in 0..60 {
        let mut step = story.steps[1].clone();
        step.by_stranger("stranger");
        step.name = format!("{} {number}", step.name);
        crate::make::set(&mut step.payload, "workload.agent_name", Some(format!("other-{number}").as_str().into()));
        story.steps.push(step);
    }
    let told = Told::of(&story);
    let (mut path, mut seen, mut pages) = ("/findings?severity=info".to_owned(), 0, 0);
    loop {
        let page = told.service.get(&path);
        assert_eq!(page.status, 200, "{path}");
        let html = page.text();
        let list = html.split("<ol class=\"rows findings\">").nth(1).and_then(|t| t.split("</ol>").next());
        seen += list.unwrap_or_default().matches("<li>").count();
        pages += 1;
        let next = html.split("\" rel=\"next\"").next().filter(|_| html.contains("rel=\"next\""));
        let Some(next) = next.and_then(|before| before.rsplit("href=\"").next()) else { break };
        path = next.replace("&#38;", "&").replace("&amp;", "&");
        assert!(path.contains(&format!("at={}", told.service.size())), "{path}");
    }
    let answer = told.service.get("/v1/findings?limit=1000").json();
    let all = answer.get("findings").and_then(Value::as_array).map_or(0, <[Value]>::len);
    assert_eq!(seen, all);
    assert!(pages > 1 && all > 50, "{pages} pages of {all}");
}
