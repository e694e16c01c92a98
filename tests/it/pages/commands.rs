//! Every command that a page prints is run as it stands, and ends as the page
//! says beside it.

use crate::make::audit::Story;
use crate::make::shell::Shell;
use crate::make::story::Site;
use crate::make::told::Told;
use crate::pages::verdicts::{bundles, guilty};

/// Exit codes of what a page says of both verdicts.
fn verdict(html: &str) -> i32 {
    let word = |who: &str| {
        let (before, _) = html.split_once(&format!("<span class=\"who\">{who}")).expect("a verdict");
        let word = before.rsplit_once("</svg> ").and_then(|(_, rest)| rest.split_once('<')).expect("a word");
        word.0.to_owned()
    };
    let words = [word("Audit"), word("Protocol")];
    match () {
        () if words.contains(&"Fail".to_owned()) => 1,
        () if words.iter().all(|word| word == "Pass" || word == "Not applicable") => 0,
        () => 3,
    }
}

/// Runs the commands of a page one after the other. Each ends with 0 but the
/// verifying ones, whose exit codes come back.
#[track_caller]
fn run(path: &str, html: &str) -> Vec<i32> {
    let shell = Shell::new();
    let heading = if path == "/" { "<h2 id=\"follow\">" } else { "<h2 id=\"check\">" };
    let section = html.split_once(heading).map_or("", |(_, rest)| rest);
    let section = section.split_once("</section>").map_or("", |(own, _)| own);
    let mut codes = Vec::new();
    for block in section.split("<pre>").skip(1) {
        let text = block.split_once("</pre>").expect("an end").0;
        let text = text.replace("&#39;", "'").replace("&#x27;", "'").replace("&#38;", "&").replace("&amp;", "&");
        if !text.starts_with("curl ") && !text.starts_with("pulselog ") {
            continue;
        }
        let ran = shell.run(&text);
        if text.contains("pulselog ") {
            codes.push(ran.code);
            let said = format!("{}{}", ran.out, ran.err);
            assert!(ran.code == 0 || !ran.out.is_empty(), "{path}: {text}\n{said}");
            // The page says of every code that a command ends with what it means.
            let means = block.split_once("</pre>").map_or("", |(_, rest)| rest);
            let means = means.split_once("Exit ").map_or("", |(_, rest)| rest);
            let means = means.split_once("</p>").map_or("", |(own, _)| own);
            let is_said = format!(". {means}").contains(&format!(". {}: ", ran.code));
            assert!(is_said, "{path}: {text}\nends with {}, and the page says: {means}\n{said}", ran.code);
        } else {
            assert_eq!(ran.code, 0, "{path}: {text}\n{}", ran.err);
        }
    }
    assert!(!codes.is_empty(), "{path} prints no command that checks");
    codes
}

#[test]
fn commands_of_pages_with_verdicts_end_as_the_page_says() {
    for story in [Story::clean(), guilty()] {
        let told = Told::of(&story);
        let page = |path: &str| told.service.get(path).text();
        for digest in bundles(&told) {
            let path = format!("/b/{digest}");
            let html = page(&path);
            let codes = run(&path, &html);
            assert_eq!(codes, [3, verdict(&html)], "{path}: the proof alone, then both verdicts");
        }
        let run_1 = format!("/runs/{}/job-1.r1", crate::make::did("agent"));
        for path in ["/jobs/job-1".to_owned(), run_1] {
            let html = page(&path);
            let codes = run(&path, &html);
            assert_eq!(codes.len(), 1, "{path}");
        }
    }
}

#[test]
fn a_short_list_has_no_pages_and_an_address_without_a_page_says_so() {
    let told = Told::of(&Story::clean());
    let page = |path: &str| told.service.get(path).text();
    let findings = page("/findings");
    assert!(!findings.contains("first page") && !findings.contains("last page"), "{findings}");
    for path in ["/pulses", "/policies", "/tokens", "/agents", "/tickets"] {
        assert!(page(path).contains("This server has no page at this address"), "{path}");
    }
}

#[test]
fn commands_of_the_home_page_and_of_codes_end_well() {
    let told = Told::of(&Story::clean());
    for path in ["/", "/findings/TOKEN_REVOKED", "/findings/DEPENDENCY_NOT_CONFIGURED", "/findings/store_damaged"] {
        assert_eq!(run(path, &told.service.get(path).text()), [0], "{path}");
    }
}

#[test]
fn commands_of_a_page_that_passes_pass() {
    let told = Told::of(&Story::clean());
    let judged = |digest: &String| {
        let html = told.service.get(&format!("/b/{digest}")).text();
        (verdict(&html), run(digest, &html).pop())
    };
    let all: Vec<_> = bundles(&told).iter().map(judged).collect();
    assert!(!all.is_empty() && all.iter().all(|one| *one == (0, Some(0))), "{all:?}");
}

#[test]
fn commands_of_entries_and_pulses_show_that_signature_hash_and_position_hold() {
    let (site, story) = Site::played();
    let entries = (0..story.size).map(|at| format!("/entries/{at}"));
    let pulses = [&story.pulse_1, &story.pulse_2].into_iter().map(|digest| format!("/pulses/{digest}"));
    for path in entries.chain(pulses) {
        let html = site.get(&path).html;
        let has_verdicts = html.contains("Judge it yourself");
        let codes = run(&path, &html);
        assert_eq!(codes[0] != 0, has_verdicts, "{path}: only a document with verdicts needs more than its proof");
    }
}
