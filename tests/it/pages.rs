//! The pages over HTTP: what they say, what they must never say, and that
//! nothing an artifact holds becomes markup.

#[cfg(feature = "server")]
pub mod apps;
#[cfg(feature = "server")]
pub mod browser;
#[cfg(feature = "server")]
pub mod cards;
#[cfg(feature = "server")]
pub mod commands;
#[cfg(feature = "server")]
pub mod drawings;
#[cfg(feature = "server")]
pub mod happened;
#[cfg(feature = "server")]
pub mod incidents;
pub mod listed;
#[cfg(feature = "server")]
pub mod lists;
#[cfg(feature = "server")]
pub mod permalinks;
#[cfg(feature = "server")]
pub mod permalinks_of;
#[cfg(feature = "server")]
pub mod previews;
#[cfg(feature = "server")]
pub mod paper;
#[cfg(feature = "server")]
pub mod pulses;
#[cfg(feature = "server")]
pub mod reach;
#[cfg(feature = "server")]
pub mod screens;
#[cfg(feature = "server")]
pub mod search;
#[cfg(feature = "server")]
pub mod things;
#[cfg(feature = "server")]
pub mod verdicts;
#[cfg(feature = "server")]
pub mod weights;

use std::collections::{BTreeMap, BTreeSet};

use crate::make::story::{RUN_1, Site, made, pulse};
use crate::make::{did, hex, project};

const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const ELSEWHERE: &str = "http";

fn evidence_pages() -> Vec<String> {
    let (_, story) = Site::played();
    let mut pages: Vec<String> = (0..story.size).map(|i| format!("/entries/{i}")).collect();
    pages.extend(judged_pages());
    pages
}

/// Pages that show verdicts.
fn judged_pages() -> Vec<String> {
    let (site, story) = Site::played();
    let mut pages = vec![format!("/pulses/{}", story.pulse_1), format!("/pulses/{}", story.pulse_2)];
    let bundle: serde_json::Value = serde_json::from_str(&site.get("/v1/entries/18").html).expect("JSON");
    pages.extend([format!("/b/{}", bundle["artifact"].as_str().expect("a digest"))]);
    pages.push(format!("/runs/{}/{RUN_1}", did("agent")));
    pages
}

/// Whoever adds a page adds an address of it to those that are looked at.
#[test]
fn every_page_of_the_router_is_looked_at() {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/pages.rs")).expect("a file");
    let rows = source.lines().filter(|line| line.contains(".route(\"/") && line.contains("::page"));
    let routes: Vec<_> = rows.filter_map(|line| line.split('"').nth(1)).collect();
    assert!(routes.len() >= 8, "{routes:?}");
    let pages = all_pages();
    let is_of = |route: &str, page: &str| {
        let (route, page) = (route.split('/'), page.split('?').next().unwrap_or_default().split('/'));
        let pairs: Vec<_> = route.clone().zip(page.clone()).collect();
        route.count() == page.count() && pairs.iter().all(|(one, other)| one.starts_with('{') || one == other)
    };
    for route in routes {
        assert!(pages.iter().any(|page| is_of(route, page)), "no address of {route} in all_pages()");
    }
}

fn all_pages() -> Vec<String> {
    let mut pages = evidence_pages();
    pages.extend([
        "/".to_owned(),
        "/search".to_owned(),
        "/search?q=run".to_owned(),
        "/search?q=did%3Akey%3Az6Mk".to_owned(),
        "/search?q=nothing-at-all".to_owned(),
        "/entries".to_owned(),
        "/entries?kind=gateway_receipt".to_owned(),
        "/entries?kind=no_such".to_owned(),
        "/jobs".to_owned(),
        "/jobs?by=others".to_owned(),
        "/runs".to_owned(),
        "/runs?by=others".to_owned(),
        "/checkpoints".to_owned(),
        "/checkpoints/11".to_owned(),
        "/tree".to_owned(),
        "/tree?from=6&to=11".to_owned(),
        "/tree?from=11&to=6".to_owned(),
        format!("/agents/{}", did("agent")),
        format!("/policies/{}", hex("no policy")),
        format!("/tokens/{}", hex("no token")),
        "/tickets/jira/PAY-4711".to_owned(),
        "/tickets/jira/none".to_owned(),
        "/docs".to_owned(),
        "/docs/proofs".to_owned(),
        "/docs/verify".to_owned(),
        "/docs/api".to_owned(),
        "/docs/errors".to_owned(),
        "/findings".to_owned(),
        "/findings?severity=high".to_owned(),
        "/findings/TOKEN_REVOKED".to_owned(),
        "/findings/NO_SUCH".to_owned(),
        "/b/zz".to_owned(),
        "/jobs/nobody".to_owned(),
        "/apps/argocd-prod/argocd/payments-api".to_owned(),
        "/apps/argocd-prod/argocd/nothing".to_owned(),
        "/incidents".to_owned(),
        "/incidents?job=job_123".to_owned(),
        "/incidents?app=argocd-prod/argocd/payments-api&from=2026-01-01T00:00:00Z".to_owned(),
        "/incidents?job=a&from=yesterday".to_owned(),
        "/apps/%ff/x/y".to_owned(),
        "/runs/nobody/nothing".to_owned(),
        "/entries/999".to_owned(),
        "/entries/x".to_owned(),
        "/pulses/zz".to_owned(),
        "/entries/3?size=abc".to_owned(),
        "/entries/3?size=4&size=9".to_owned(),
        "/entries/%ff".to_owned(),
        "/runs/%ff/x".to_owned(),
    ]);
    pages
}

/// Text of a page with markup in place but without what may hold bare text:
/// the title, descriptions, and our own addresses.
fn visible(html: &str) -> String {
    let body = html.split_once("<body>").map_or(html, |(_, body)| body);
    let mut out = String::new();
    for part in body.split_inclusive('>') {
        let (text, tag) = part.rsplit_once('<').unwrap_or((part, ""));
        let name = tag.split([' ', '>']).next().unwrap_or_default();
        out.push_str(text);
        out.push_str(&format!("<{name}>"));
    }
    out
}

#[test]
fn every_page_carries_the_policy_and_its_headers() {
    let (site, _) = Site::played();
    for path in all_pages() {
        let page = site.get(&path);
        assert_eq!(page.header("content-security-policy"), PAGE_POLICY, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(page.header("cross-origin-resource-policy"), "same-origin", "{path}");
    }
}

#[test]
fn every_page_is_sound_markup_without_script_or_style() {
    let (site, _) = Site::played();
    for path in all_pages() {
        let html = site.get(&path).html;
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\" data-paper=\""), "{path}");
        assert_eq!(html.matches("<h1").count(), 1, "{path} has one h1");
        for never in ["<script", "<style", " style=", " onclick", " onload", "javascript:", "data:", "tabindex=\"1"] {
            assert!(!html.contains(never), "{path} holds {never}");
        }
        let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{path} repeats an id: {ids:?}");
        for target in html.split(" href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(unique.contains(target), "{path} links to #{target}, which is not there");
        }
        for address in html.split(" href=\"").chain(html.split(" src=\"")).chain(html.split(" action=\"")).skip(1) {
            let address = address.split('"').next().unwrap_or_default();
            assert!(!address.starts_with(ELSEWHERE) && !address.starts_with("//"), "{path} links to {address}");
        }
        let levels: Vec<u8> =
            html.split("<h").skip(1).filter_map(|h| h.bytes().next().filter(u8::is_ascii_digit)).collect();
        assert_eq!(levels.first(), Some(&b'1'), "{path}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{path} skips a heading level: {levels:?}");
    }
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let (site, _) = Site::played();
    let mut seen = BTreeSet::new();
    for path in all_pages() {
        let html = site.get(&path).html;
        for address in html.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            seen.insert(address.replace("&#38;", "&").replace("&amp;", "&"));
        }
    }
    for address in seen.iter().filter(|a| !a.starts_with('#')) {
        let status = site.get(address).status;
        assert_eq!(status, 200, "{address}");
    }
}

#[test]
fn evidence_pages_say_what_is_not_checked_and_what_is_judged() {
    let (site, _) = Site::played();
    for path in evidence_pages() {
        let html = site.get(&path).html;
        assert!(html.contains("Not checked by your browser"), "{path}");
        let is_judged = judged_pages().contains(&path);
        assert_eq!(html.contains("Audit · found by this server"), is_judged, "{path}");
        // An entry has no verdict, and says what the rules find of it.
        let says = |word: &str| html.contains(&format!("</svg> {word}</p>"));
        let of_entry = ["Judged with its run", "Not applicable", "No finding", "Noted", "Shows a finding"];
        let breaks = says("Breaks a rule") || says("Cannot be judged yet");
        assert!(is_judged || breaks || of_entry.into_iter().any(says), "{path}");
        for never in ["This browser checked", "browser-checked", "says-browser"] {
            assert!(!html.contains(never), "{path} claims that a browser checked it");
        }
        for outcome in ["class=\"pass", "class=\"fail", "state pass", "state fail"] {
            let is_found = breaks && outcome.contains("fail");
            assert!(is_judged || is_found || !html.contains(outcome), "{path} shows an outcome");
        }
    }
}

#[test]
fn an_entry_page_shows_the_whole_proof_and_how_to_check_it() {
    let (site, story) = Site::played();
    let entry: serde_json::Value = serde_json::from_str(&site.get("/v1/entries/5").html).expect("JSON");
    let proof: serde_json::Value =
        serde_json::from_str(&site.get("/v1/proofs/inclusion?index=5&size=11").html).expect("JSON");
    let html = site.get("/entries/5?size=11").html;
    for hash in proof["path"].as_array().expect("a path") {
        assert!(html.contains(hash.as_str().expect("hex")), "every hash of the proof is on the page");
    }
    let leaf = entry["leaf_hash"].as_str().expect("hex");
    assert!(html.contains(leaf));
    assert!(html.contains("Path from entry 5 to the root of 11 entries, 4 steps"));
    assert!(html.contains("Put the hash of <span class=\"nb\">entry 4</span> on the left."));
    assert!(html.contains(
        "pulselog verify argocd-receipt-5.json \\\n    --proof entry-5.tlog-proof \\\n    --policy trust.policy"
    ));
    let roots: Vec<&str> = html.split("root of checkpoint 11<code class=\"whole\">").collect();
    assert_eq!(roots.len(), 2, "the signed root stands once");
    let root = &roots[1][..64];
    assert!(html.contains(&format!("Rebuilt root<code class=\"whole\">{root}</code>")), "below the rebuilt one");
    assert!(site.get(&format!("/entries/{}", story.size - 1)).html.contains("This is the newest entry"));
}

#[test]
fn a_pulse_page_shows_the_run_in_log_order_and_both_proofs() {
    let (site, story) = Site::played();
    let html = site.get(&format!("/pulses/{}?from=6&size=11", story.pulse_1)).html;
    assert!(html.contains("No entry 20"), "a size below the pulse has no proof of it");
    let html = site.get(&format!("/pulses/{}?from=6", story.pulse_1)).html;
    assert!(html.contains("Agent says") && html.contains("Log records"));
    let bundle = site.get(&judged_pages()[2]).html;
    assert!(bundle.contains("<bdi class=\"short\">jira PAY-4711</bdi>"), "the ticket, as text");
    assert!(html.contains(&format!("The log of {} entries begins with the log of 6", story.size)));
    let indexes = |list: &str| -> Vec<u64> {
        let list = html.split(&format!("class=\"rows {list}\"")).nth(1).and_then(|t| t.split("</ol>").next());
        let rows = list.unwrap_or_default().split("<span class=\"index\">").skip(1);
        rows.filter_map(|rest| rest.split('<').next().and_then(|n| n.parse().ok())).collect()
    };
    // This story's operator logged no roots of this log: nobody's word counts.
    let (own, mut all) = (indexes("timeline"), indexes("others"));
    assert!(own.is_sorted() && all.is_sorted(), "in log order: {own:?}, {all:?}");
    all.extend(own);
    all.sort_unstable();
    assert_eq!(all, [3, 4, 6, 8, 11, 18, 20], "entries that name the run");
}

#[test]
fn other_spellings_of_a_digest_lead_to_lowercase_hex() {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let (site, story) = Site::played();
    let bytes: Vec<u8> =
        (0..32).map(|i| u8::from_str_radix(&story.pulse_1[2 * i..2 * i + 2], 16).expect("hex")).collect();
    for other in [story.pulse_1.to_uppercase(), Base64UrlUnpadded::encode_string(&bytes)] {
        let page = site.get(&format!("/pulses/{other}"));
        assert_eq!(page.status, 308);
        assert_eq!(page.header("location"), format!("/pulses/{}", story.pulse_1));
        let pinned = site.get(&format!("/pulses/{other}?at=9"));
        assert_eq!(
            (pinned.status, pinned.header("location")),
            (308, format!("/pulses/{}?at=9", story.pulse_1).as_str())
        );
    }
}

#[test]
fn a_run_page_lists_every_candidate_and_chooses_none() {
    let site = Site::empty();
    let (first, digest) = site.submit_bare(0, &pulse("run-x", "[]", "[]"));
    let (second, same) = site.submit_bare(1, &pulse("run-x", "[]", "[]"));
    let (third, _) = site.submit_bare(1, &pulse("run-x", r#"[{"name":"other","calls":1}]"#, "[]"));
    assert_eq!(digest, same, "the same bytes by two submitters");
    let html = site.get(&format!("/runs/{}/run-x", did("agent"))).html;
    let candidates =
        html.split("class=\"rows candidates\"").nth(1).and_then(|t| t.split("</ol>").next()).expect("a list");
    for index in [first, second, third] {
        assert!(candidates.contains(&format!("<li value=\"{index}\">")), "entry {index}");
    }
    let choice = site.get(&format!("/pulses/{digest}")).html;
    assert!(choice.contains("Several entries hold this pulse"));
    assert_eq!(site.get(&format!("/pulses/{digest}?entry={second}")).status, 200);
    assert_eq!(site.get(&format!("/pulses/{digest}?entry={third}")).status, 404);
}

#[test]
fn an_empty_log_explains_its_empty_root() {
    let site = Site::empty();
    let page = site.get("/");
    assert_eq!(page.status, 200);
    assert!(page.html.contains("The log is empty."));
    assert!(page.html.contains("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    assert!(site.get("/entries/0").html.contains("No entry 0. The log is empty."));
}

#[test]
fn troubles_name_what_was_searched_and_their_code() {
    let (site, story) = Site::played();
    let cases = [
        (
            "/entries/999".to_owned(),
            404,
            format!("No entry 999. The log holds {}\u{a0}entries, 0–{}.", story.size, story.size - 1),
            "entry_not_found",
        ),
        ("/entries/007".to_owned(), 404, "An entry has a number".to_owned(), "entry_not_found"),
        (format!("/pulses/{}", hex("nothing")), 404, "No Trust Pulse among".to_owned(), "pulse_not_found"),
        (
            "/entries/3?size=abc".to_owned(),
            400,
            "size: a decimal number is needed.".to_owned(),
            "number_not_understood",
        ),
        (
            "/entries/3?size=9999".to_owned(),
            404,
            "No checkpoint of size 9999 was published.".to_owned(),
            "size_not_published",
        ),
        (
            "/entries/9?size=3".to_owned(),
            404,
            "No entry 9. The log holds 3\u{a0}entries, 0–2.".to_owned(),
            "entry_not_found",
        ),
        (format!("/pulses/{}?from=22&size=21", story.pulse_1), 400, "Swap them.".to_owned(), "sizes_swapped"),
    ];
    for (path, status, sentence, code) in cases {
        let page = site.get(&path);
        assert_eq!(page.status, status, "{path}");
        assert!(page.html.contains(&sentence), "{path}: {}", visible(&page.html));
        assert!(page.html.contains(&format!("<code>{code}</code>")), "{path}");
    }
}

/// Strings that try to leave their place. Each holds a mark to find it by.
pub const HOSTILE: &[&str] = &[
    "zqx<script>alert(1)</script>",
    "zqx\"><img src=x onerror=alert(1)>",
    "zqx' onmouseover='x",
    "zqx</bdi></p></main><h1>Pass</h1>",
    "zqx{{ 7 * 7 }}{% include %}",
    "zqx\u{202e}ssaP\u{2066}",
    "zqx\u{200b}\u{feff}\u{e0041}",
    "zqx https://evil.example/?a=1&b=2",
    "zqx\u{1F7E2} Pass",
];

#[test]
fn hostile_text_stays_text_in_its_place() {
    let site = Site::empty();
    let mut pages = BTreeMap::new();
    for text in HOSTILE {
        let record = made("change_record", "recorder", &[("by", (*text).into()), ("before", (*text).into())]);
        if let Some(index) = site.try_submit(&record) {
            pages.insert(format!("/entries/{index}"), *text);
        }
        let observed = made("argocd_observation", "observer", &[("message", (*text).into())]);
        if let Some(index) = site.try_submit(&observed) {
            pages.insert(format!("/entries/{index}"), *text);
        }
        let receipt =
            made("gateway_receipt", "gateway", &[("model", (*text).into()), ("binding.run_id", (*text).into())]);
        if let Some(index) = site.try_submit(&receipt) {
            pages.insert(format!("/entries/{index}"), *text);
        }
        let mut shown = serde_json::from_str::<serde_json::Value>(&pulse("x", "[]", "[]")).expect("JSON");
        shown["run_id"] = (*text).into();
        if let Some((index, digest)) = site.try_submit_bare(0, &shown.to_string()) {
            pages.insert(format!("/entries/{index}"), *text);
            pages.insert(format!("/pulses/{digest}"), *text);
        }
    }
    assert!(pages.len() >= 2 * HOSTILE.len(), "most of them are admitted: {}", pages.len());
    pages.insert("/".to_owned(), "");
    for path in pages.keys() {
        let page = site.get(path);
        assert_eq!(page.status, 200, "{path}");
        let html = page.html;
        for never in [
            "<script",
            "<img",
            "<h1>Pass",
            "onerror=alert(1)>",
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{feff}",
            "\u{e0041}",
        ] {
            assert!(!html.contains(never), "{path} holds {never:?}");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        let body = visible(&html);
        for (at, _) in body.match_indices("zqx") {
            let before = &body[..at];
            let (open, close) = (before.rfind("<bdi>"), before.rfind("</bdi>"));
            assert!(
                open > close,
                "{path}: text of others outside <bdi>: …{}",
                &before[before.len().saturating_sub(80)..]
            );
        }
    }
}

#[test]
fn a_long_body_is_cut_and_says_so() {
    let site = Site::empty();
    let files: Vec<String> =
        (0..512).map(|i| format!(r#"{{"path":"deploy/{i}/{}","touches":1}}"#, "x".repeat(300))).collect();
    let (_, digest) = site.submit_bare(0, &pulse("run-long", "[]", &format!("[{}]", files.join(","))));
    let page = site.get(&format!("/pulses/{digest}"));
    assert!(page.html.contains("462 more files are in the body below."));
    assert!(page.html.contains("more bytes are in the <a href=\"/v1/artifacts/"));
    assert!(page.html.len() < 200_000, "{}", page.html.len());
}

#[test]
fn templates_keep_to_the_words_and_print_nothing_unescaped() {
    let forbidden = [
        "successfully",
        "secure",
        "trusted",
        "guaranteed",
        "immutable",
        "blockchain",
        "!</",
        "dashboard",
        "0 findings",
        "no findings",
    ];
    let mut sources: Vec<(String, String)> = Vec::new();
    for folder in ["templates", "src/server/pages"] {
        for file in std::fs::read_dir(project(folder)).expect("a folder").flatten() {
            let path = file.path();
            if path.is_file() {
                sources.push((path.display().to_string(), std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    assert!(sources.len() > 15);
    for (path, text) in &sources {
        let said = if path.ends_with(".html") { text.clone() } else { quoted(text) };
        for word in forbidden {
            assert!(!said.to_lowercase().contains(word), "{path} says {word:?}");
        }
        if path.ends_with(".html") {
            for never in [
                "|safe",
                "| safe",
                "style=",
                "<style",
                "<script",
                "http://",
                "https://",
                "escape none",
                "{% autoescape",
            ] {
                assert!(!text.contains(never), "{path} holds {never}");
            }
        }
        let safe = text.matches("HtmlSafe for").count();
        let allowed = if path.ends_with("inline.rs") { 3 } else { usize::from(path.ends_with("drawing.rs")) };
        assert_eq!(safe, allowed, "{path} makes types that print as they are");
    }
}

/// The string literals of a source file: what pages may say.
fn quoted(source: &str) -> String {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| line.split('"').skip(1).step_by(2)).collect::<Vec<_>>().join("\n")
}

fn luminance(hex: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("a colour")) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn ratio(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Colour tokens of the first block that begins with `from`.
fn tokens(css: &str, from: usize) -> BTreeMap<String, String> {
    let block = css[from..].split('}').next().unwrap_or_default();
    let pairs = block.split(';').filter_map(|part| part.rsplit_once("--")?.1.split_once(": "));
    pairs.filter(|(_, v)| v.starts_with('#')).map(|(k, v)| (k.to_owned(), v.trim().to_owned())).collect()
}

#[test]
fn colours_contrast_in_both_schemes() {
    let css = std::fs::read_to_string(project("static/pulselog.css")).expect("the stylesheet");
    let light = tokens(&css, css.find(":root {").expect("light"));
    let dark_at = css.find("prefers-color-scheme: dark").expect("dark");
    let dark = tokens(&css, dark_at + css[dark_at..].find(":root {").expect("dark"));
    assert_eq!(light.keys().collect::<Vec<_>>(), dark.keys().collect::<Vec<_>>(), "both schemes have every token");
    assert!((ratio(&light["text"], &light["page"]) - 15.87).abs() < 0.01, "computed as the design computes");
    assert!((ratio(&dark["fail-ink"], &dark["fail-tint"]) - 7.76).abs() < 0.01);
    for (scheme, colours) in [("light", &light), ("dark", &dark)] {
        let check = |ink: &str, ground: &str, least: f64| {
            let got = ratio(&colours[ink], &colours[ground]);
            assert!(got >= least, "{scheme}: {ink} on {ground} is {got:.2}, needs {least}");
        };
        for ground in ["page", "surface", "sunken"] {
            ["text", "muted", "link", "visited"].iter().for_each(|ink| check(ink, ground, 4.5));
            ["control", "focus"].iter().for_each(|ink| check(ink, ground, 3.0));
        }
        for outcome in ["pass", "fail", "incomplete", "neutral", "browser"] {
            let tint = format!("{outcome}-tint");
            check(&format!("{outcome}-ink"), &tint, 4.5);
            ["text", "link", "muted"].iter().for_each(|ink| check(ink, &tint, 4.5));
            ["control", "focus"].iter().for_each(|ink| check(ink, &tint, 3.0));
        }
    }
}

#[test]
fn assets_are_small_and_load_nothing() {
    let (site, _) = Site::played();
    for (path, media, bytes_max) in
        [("/static/pulselog.css", "text/css; charset=utf-8", 8_192), ("/static/favicon.svg", "image/svg+xml", 1_024)]
    {
        let asset = site.get(path);
        assert_eq!((asset.status, asset.header("content-type")), (200, media));
        assert_eq!(asset.header("content-security-policy"), "default-src 'none'");
        assert!(asset.html.len() <= bytes_max, "{path}: {} bytes", asset.html.len());
        assert!(!asset.html.contains("url(") && !asset.html.contains("@import"), "{path}");
    }
}
