//! Findings of the whole log on pages: how many there are, and what is found of
//! one act in one place.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::goldens::accounts::closed;
use crate::make::audit::Story;
use crate::make::told::Told;
use crate::pages::verdicts::{guilty, shows};

/// The first page says how many findings there are, and leads to them.
#[test]
fn the_first_page_counts_findings_by_severity_and_leads_to_the_list() {
    let told = Told::of(&guilty());
    let listed: serde_json::Value =
        serde_json::from_str(&told.service.get("/v1/findings?limit=200").text()).expect("JSON");
    let all = listed["findings"].as_array().expect("findings");
    let home = told.service.get("/");
    let html = home.text();
    let counts = html.split_once("<p class=\"counts\">").expect("counts").1.split_once("</p>").expect("an end").0;
    let mut severities = BTreeMap::new();
    for finding in all {
        *severities.entry(finding["severity"].as_str().expect("a severity")).or_insert(0) += 1;
    }
    assert!(severities.contains_key("critical"), "{all:#?}");
    for (severity, count) in severities {
        let link = format!("<a href=\"/findings?severity={severity}\">{count} ");
        assert!(counts.contains(&link), "{link} is not in {counts}");
    }
    shows(&Told::of(&Story::clean()).service.get("/"), &["No finding in 20 entries, 0–19."]);
}

/// What is found of one act is one row of the list, the most severe first.
#[test]
fn the_list_shows_what_is_found_of_one_act_once_with_its_codes() {
    let mut story = Story::clean();
    closed(&mut story);
    story.wait(600_000);
    // Under a token that was revoked, and with nobody's approval.
    story.decide("late", "allow", "r1", "t1", "sync", None);
    story.observe("ended", "late", "sync", true);
    let told = Told::of(&story);
    let listed: serde_json::Value = serde_json::from_str(&told.service.get("/v1/findings").text()).expect("JSON");
    let at = story.at("late") as u64;
    let named = |finding: &&serde_json::Value| {
        finding["entries"].as_array().expect("entries").iter().any(|entry| entry.as_u64() == Some(at))
    };
    let all: Vec<_> = listed["findings"].as_array().expect("findings").iter().filter(named).collect();
    let codes: BTreeSet<&str> = all.iter().map(|of| of["code"].as_str().expect("a code")).collect();
    assert!(codes.len() > 1, "{all:#?}");
    let page = told.service.get("/findings");
    let html = page.text();
    let list =
        html.split_once("<ol class=\"rows findings\">").expect("a list").1.split_once("</ol>").expect("an end").0;
    let rows: Vec<&str> = list.split("<li>").skip(1).filter(|row| row.contains(&format!("/entries/{at}\""))).collect();
    let [row] = &*rows else { panic!("{rows:#?}") };
    for code in codes {
        assert_eq!(row.matches(&format!("<a href=\"/findings/{code}\">")).count(), 1, "{code}: {row}");
    }
    assert!(row.contains(&format!("{} findings of one act", all.len())), "{row}");
    assert_eq!(row.matches("sync, as Argo CD reports it").count(), 1, "{row}");
    let grades: Vec<usize> =
        ["i-bars-4", "i-bars-3", "i-bars-2", "i-bars-1"].into_iter().filter_map(|bars| row.find(bars)).collect();
    assert!(grades.is_sorted(), "{row}");
    shows(&page, &["Two rules are never in this list", "COVERAGE_GAP", "SERVER_LOG_GAP"]);
    assert!(!told.service.get("/findings?job=job-1").text().contains("Two rules are never"));
}
