//! The pages on paper: what every sheet says, how many there are, how it ends.

use crate::make::chrome::{Chrome, Screen};
use crate::make::hex;
use crate::pages::screens::{log, of_log};
use crate::pages::verdicts::bundles;

/// Sheets that a bundle which fails may take.
const SHEETS_MAX: usize = 6;
const DESK: Screen = Screen { width: 1_200, height: 800, dark: false };

/// A sheet's text with every run of blanks as one.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_sheet_says_of_which_report_and_log_it_is_and_the_last_that_it_ends() {
    let Some(mut chrome) = Chrome::start() else { return };
    let told = log();
    let size = format!("{} entries", told.service.size());
    for looked in of_log(&told) {
        chrome.visit(&format!("{}{}", told.service.base(), looked.path), DESK);
        let title = chrome.ask("document.title").as_str().expect("text").to_owned();
        let Some(sheets) = chrome.paper() else { return };
        for (at, sheet) in sheets.iter().map(|sheet| flat(sheet)).enumerate() {
            let page = format!("Evidence report · page {} of {}", at + 1, sheets.len());
            for said in [&flat(&title), &flat(&size), &page] {
                assert!(sheet.contains(said.as_str()), "{}: {said:?} is not on sheet {}: {sheet}", looked.name, at + 1);
            }
            let is_last = at + 1 == sheets.len();
            assert_eq!(sheet.contains("End of report"), is_last, "{}, sheet {}: {sheet}", looked.name, at + 1);
        }
    }
}

#[test]
fn a_bundle_that_fails_is_few_sheets_and_the_first_says_what_was_judged_by_what() {
    let Some(mut chrome) = Chrome::start() else { return };
    let told = log();
    let digest = &bundles(&told)[0];
    chrome.visit(&format!("{}/b/{digest}", told.service.base()), DESK);
    let size = told.service.size();
    let asked = ("accept", "application/json");
    let root = told.service.get_with(&format!("/v1/checkpoints/{size}"), &[asked]).string("root_hash");
    let Some(sheets) = chrome.paper() else { return };
    assert!(sheets.len() <= SHEETS_MAX, "{} sheets", sheets.len());
    let first = flat(&sheets[0]);
    let roots = told.service.get("/v1/entries/0").string("artifact");
    for said in [digest, &root, &roots, "Made at", "rules version", "Fail · bundle", "log.example/test, key"] {
        assert!(first.contains(said), "{said:?} is not on the first sheet: {first}");
    }
    let whole: String = sheets.concat().split_whitespace().collect();
    assert!(whole.contains(&format!("Endofreport·sha256:{digest}")), "{whole}");
    // What is short on a screen is whole on paper: in the card of the finding too.
    assert!(whole.contains(&format!("token{}", hex("job-1.t1"))), "{whole}");
}
