//! What a link to a page shows where it is pasted: our own words, and nothing
//! that an artifact says.

use std::collections::BTreeSet;

use pulselog::artifact::json::Value;

use crate::make::service::Answer;
use crate::make::told::Told;
use crate::make::{did, hex, value};
use crate::pages::verdicts::{bundles, guilty, verdict_pages};

/// What every name of the story holds, and no page of ours does.
const CANARY: &str = "zqxcanary";
/// Shorter texts of evidence are words that anybody writes.
const CHARS_MIN: usize = 5;

/// What a page shows to whoever unfurls a link to it.
fn previewed(page: &Answer) -> Vec<String> {
    let html = page.text();
    let head = html.split_once("</head>").expect("a head").0.to_owned();
    let metas = head.split("<meta ").skip(1).filter(|meta| {
        ["property=\"og:", "name=\"twitter:", "name=\"description"].iter().any(|of| meta.starts_with(of))
    });
    let content =
        |meta: &str| meta.split_once("content=\"").expect("a content").1.split('"').next().unwrap().to_owned();
    metas.map(content).collect()
}

fn texts(of: &Value<'_>, into: &mut BTreeSet<String>) {
    match of {
        Value::Object(members) => members.iter().for_each(|(_, value)| texts(value, into)),
        Value::Array(items) => items.iter().for_each(|value| texts(value, into)),
        Value::String(text) if text.chars().count() >= CHARS_MIN => drop(into.insert(text.to_string())),
        _ => {}
    }
}

/// A story all of whose names hold the canary, where the rules find something.
fn marked() -> (Told, Vec<String>) {
    let mut story = guilty();
    let job = format!("{CANARY}-job");
    story.job(&job, "agent");
    story.set("revoked", "reason", format!("{CANARY} reason").as_str());
    story.set("b1", "metadata.pulselog.change_ref", value(&format!(r#"{{"system":"jira","key":"{CANARY}"}}"#)));
    let told = Told::of(&story);
    let mut pages = verdict_pages(&told);
    pages.extend((0..told.service.size()).map(|at| format!("/entries/{at}")));
    pages.extend([
        format!("/jobs/{job}"),
        format!("/runs/{}/{job}.r1", did("agent")),
        format!("/tokens/{}", hex(&format!("{job}.t1"))),
        format!("/incidents?job={job}"),
        format!("/entries?job={job}"),
        format!("/search?q={CANARY}"),
        format!("/agents/{}", did("agent")),
        format!("/jobs/{CANARY}-nobody"),
        format!("/tickets/jira/{CANARY}"),
    ]);
    (told, pages)
}

#[test]
fn previews_hold_nothing_that_an_artifact_says() {
    let (told, pages) = marked();
    let mut said = BTreeSet::new();
    for at in 0..told.service.size() {
        let digest = told.service.get(&format!("/v1/entries/{at}")).string("artifact");
        texts(&told.service.get(&format!("/v1/artifacts/{digest}")).json(), &mut said);
    }
    assert!(said.iter().any(|text| text.contains(CANARY)) && said.len() > 100, "{said:?}");
    for path in &pages {
        let page = told.service.get(path);
        let shown = previewed(&page);
        assert!(shown.len() >= 7, "{path}: {shown:?}");
        for text in said.iter().map(String::as_str).chain([CANARY]) {
            assert!(!shown.iter().any(|shown| shown.contains(text)), "{path} shows {text:?} to anybody: {shown:?}");
        }
    }
    // The canary is there to be shown: the title for people has it.
    let title = format!("<title>Pass · Job {CANARY}-job · ");
    let page = told.service.get(&format!("/jobs/{CANARY}-job")).text();
    assert!(page.contains(&title), "{page}");
}

#[test]
fn previews_say_kind_digest_verdict_size_and_time() {
    let told = Told::of(&guilty());
    let digest = &bundles(&told)[0];
    let short = format!("{}…{}", &digest[..8], &digest[56..]);
    let size = told.service.size();
    let shown = previewed(&told.service.get(&format!("/b/{digest}")));
    let sentence = format!("Fail. Proof bundle {short}, as of {size}\u{a0}entries, 2026-11-22 12:");
    assert!(shown.contains(&format!("Fail · Proof bundle {short}")), "{shown:?}");
    assert!(shown.iter().any(|text| text.starts_with(&sentence)), "{sentence}: {shown:?}");
    assert!(shown.contains(&"Fail".to_owned()) && shown.contains(&format!("{size}\u{a0}entries")), "{shown:?}");
    let pinned = previewed(&told.service.get(&format!("/jobs/job-1?at={}", size - 1)));
    assert!(pinned.contains(&format!("{}\u{a0}entries", size - 1)), "{pinned:?}");
}

#[test]
fn an_entry_is_titled_by_what_the_rules_say_and_by_its_act() {
    let story = guilty();
    let told = Told::of(&story);
    let at = story.index("sync");
    let page = told.service.get(&format!("/entries/{at}")).text();
    let title = format!("<title>Breaks a rule · Sync decided: allowed · entry {at} · ");
    assert!(page.contains(&title), "{page}");
}
