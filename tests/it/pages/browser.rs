//! The pages in a real browser, scripts switched off: nothing overflows, only
//! our origin is asked, nothing breaks the content policy.

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::to_jcs;

use crate::make::audit::POLICY;
use crate::make::chrome::{Chrome, Screen};
use crate::make::story::{RUN_1, Site, Story, made};
use crate::make::told::Told;
use crate::make::{did, hex, value};
use crate::pages::verdicts::{guilty, verdict_pages};

/// Widths, CSS px, that every page must fit.
const WIDTHS: [u64; 6] = [320, 360, 768, 1_200, 1_440, 3_840];
/// Sheets of paper that a page of a small story may take.
const SHEETS_MAX: usize = 5;
/// Rounding of layout, CSS px.
const ROUNDING: f64 = 0.6;

fn pages(site: &Site, story: &Story) -> Vec<(&'static str, String)> {
    let long = "x".repeat(190);
    let hostile = made("change_record", "recorder", &[("by", long.as_str().into()), ("before", "\u{202e}abc".into())]);
    let (hostile, _) = site.submit(&hostile);
    vec![
        ("home", "/".to_owned()),
        ("entry-gateway", "/entries/3".to_owned()),
        ("entry-approval", "/entries/7".to_owned()),
        ("entry-roots", "/entries/0?size=1".to_owned()),
        ("entry-proof", "/entries/5?size=11".to_owned()),
        ("entry-hostile", format!("/entries/{hostile}")),
        ("pulse", format!("/pulses/{}?from=6", story.pulse_1)),
        ("pulse-power", format!("/pulses/{}?from=16", story.pulse_2)),
        ("pulse-empty", format!("/pulses/{}?from=0", story.pulse_2)),
        ("run", format!("/runs/{}/{RUN_1}", did("agent"))),
        ("run-empty", "/runs/nobody/nothing".to_owned()),
        ("search", "/search?q=run-".to_owned()),
        ("search-dids", "/search?q=did%3Akey%3Az6Mk".to_owned()),
        ("search-none", "/search?q=nothing-at-all".to_owned()),
        ("entries", "/entries".to_owned()),
        ("entries-none", format!("/entries?job={}", "x".repeat(300))),
        ("jobs", "/jobs?by=others".to_owned()),
        ("runs", "/runs?by=others".to_owned()),
        ("checkpoints", "/checkpoints".to_owned()),
        ("checkpoint", "/checkpoints/11".to_owned()),
        ("tree", "/tree?from=6&to=11".to_owned()),
        ("agent", format!("/agents/{}", did("agent"))),
        ("ticket", "/tickets/jira/PAY-4711".to_owned()),
        ("docs", "/docs".to_owned()),
        ("docs-proofs", "/docs/proofs".to_owned()),
        ("docs-verify", "/docs/verify".to_owned()),
        ("docs-api", "/docs/api".to_owned()),
        ("docs-errors", "/docs/errors".to_owned()),
        ("findings", "/findings".to_owned()),
        ("code", "/findings/TOKEN_REVOKED".to_owned()),
        ("trouble", "/entries/999".to_owned()),
    ]
}

#[test]
fn verdict_pages_fit_every_screen() {
    let Some(mut chrome) = Chrome::start() else { return };
    let told = Told::of(&guilty());
    let origin = told.service.base();
    let policy = PayloadHash::of(to_jcs(&value(POLICY)).as_bytes());
    let mut pages = verdict_pages(&told);
    pages.extend([format!("/tokens/{}", hex("job-1.t1")), format!("/policies/{policy}")]);
    for (at, path) in pages.iter().enumerate() {
        let address = format!("{origin}{path}");
        for width in WIDTHS {
            fits(&mut chrome, &address, &origin, width);
        }
        shots(&mut chrome, &format!("verdict-{at}"), &address);
    }
}

/// Nobody reads a pile of paper: what stands above is not printed again below.
#[test]
fn verdict_pages_print_on_few_sheets() {
    let Some(mut chrome) = Chrome::start() else { return };
    let told = Told::of(&guilty());
    let app = "argocd-prod/argocd/payments-api";
    for path in [format!("/apps/{app}"), format!("/incidents?app={app}"), "/jobs/job-1".to_owned()] {
        chrome.visit(&format!("{}{path}", told.service.base()), Screen { width: 1_200, height: 800, dark: false });
        let sheets = chrome.sheets();
        assert!((1..=SHEETS_MAX).contains(&sheets), "{path}: {sheets} sheets");
    }
}

#[test]
fn a_narrowed_hash_copies_whole() {
    let Some(mut chrome) = Chrome::start() else { return };
    let (site, story) = Site::played();
    chrome.visit(&format!("{}/", site.base), Screen { width: 360, height: 800, dark: false });
    assert_eq!(chrome.copied("#pulses ~ ul li:last-child .meta span:nth-child(2) .hash"), story.pulse_1);
}

#[test]
fn pages_fit_every_screen_and_ask_nobody_else() {
    let Some(mut chrome) = Chrome::start() else { return };
    let site = Site::empty();
    let empty_home = format!("{}/", site.base);
    let mut looked = 0;
    for width in WIDTHS {
        fits(&mut chrome, &empty_home, &site.base, width);
    }
    let story = crate::make::story::play(&site);
    for (name, path) in pages(&site, &story) {
        let address = format!("{}{path}", site.base);
        for width in WIDTHS {
            fits(&mut chrome, &address, &site.base, width);
            looked += 1;
        }
        shots(&mut chrome, name, &address);
    }
    assert_eq!(looked, 31 * WIDTHS.len());
}

/// Readers come in by a form, whose origin a browser says only where the page
/// lets it.
#[test]
fn a_reader_signs_in_and_out_in_a_browser_and_the_pages_of_that_fit_every_screen() {
    let Some(mut chrome) = Chrome::start() else { return };
    let service = crate::http::access::closed(crate::http::access::by_token());
    service.fill(1);
    let token = crate::http::access::reader(&service, "auditor-1");
    let origin = service.base();
    for path in ["/login", "/logout", "/jobs/closed", "/docs", "/docs/verify", "/docs/errors"] {
        for width in WIDTHS {
            let address = format!("{origin}{path}");
            chrome.visit(&address, Screen { width, height: 800, dark: width == 360 });
            let (content, viewport) = chrome.widths();
            assert!(content <= viewport, "{address} needs {content} px at {width}");
        }
        shots(&mut chrome, &format!("door-{}", &path[1..].replace('/', "-")), &format!("{origin}{path}"));
    }
    let screen = Screen { width: 1_200, height: 800, dark: false };
    let send = |chrome: &mut Chrome, path: &str, fill: &str| {
        chrome.visit(&format!("{origin}{path}"), screen);
        chrome.ask(&format!("{fill}; document.querySelector('form').submit(); 0"));
        std::thread::sleep(std::time::Duration::from_secs(1));
    };
    let title = |chrome: &mut Chrome| {
        chrome.visit(&format!("{origin}/entries/0"), screen);
        chrome.ask("document.title").as_str().expect("a title").to_owned()
    };
    assert!(title(&mut chrome).starts_with("Access closed"));
    send(&mut chrome, "/login?next=/jobs", &format!("document.querySelector('#token').value = {token:?}"));
    assert_eq!(chrome.ask("location.pathname"), "/jobs", "{}", chrome.ask("document.body.innerText"));
    assert!(!title(&mut chrome).starts_with("Access closed"));
    send(&mut chrome, "/logout", "0");
    assert!(title(&mut chrome).starts_with("Access closed"));
}

fn fits(chrome: &mut Chrome, address: &str, origin: &str, width: u64) {
    let status_is_error = address.ends_with("/999");
    chrome.visit(address, Screen { width, height: 800, dark: width == 360 });
    let (content, viewport) = chrome.widths();
    assert_eq!(viewport, width, "{address}");
    assert!(content <= width, "{address} needs {content} px at {width}");
    for (name, left, right) in chrome.boxes() {
        // Elements, in capitals, and whole drawings. Shapes have their own
        // tests; text that a hash chip narrows is cut off by its box.
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) && name != "svg" {
            continue;
        }
        let is_inside = left >= -ROUNDING && right <= width as f64 + ROUNDING;
        assert!(is_inside, "{address} at {width}: <{name}> reaches from {left} to {right}");
    }
    let strangers: Vec<&String> = chrome.requested.iter().filter(|u| !u.starts_with(origin)).collect();
    assert!(strangers.is_empty(), "{address} asked for {strangers:?}");
    assert!(chrome.requested.iter().any(|u| u.ends_with("/static/pulselog.css")), "{:?}", chrome.requested);
    if !status_is_error {
        assert!(chrome.complaints.is_empty(), "{address}: {:?}", chrome.complaints);
    }
}

/// Pictures for looking at, screen by screen, when a folder is named for them.
fn shots(chrome: &mut Chrome, name: &str, address: &str) {
    let Some(folder) = std::env::var_os("PULSELOG_SHOTS").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).expect("the folder for pictures");
    for (width, height) in [(360, 1_500), (1_440, 1_200)] {
        for dark in [false, true] {
            let screen = Screen { width, height, dark };
            chrome.visit(address, screen);
            let scheme = if dark { "dark" } else { "light" };
            for part in 0..chrome.height().div_ceil(height) {
                let file = folder.join(format!("{name}-{width}-{scheme}-{part}.png"));
                std::fs::write(file, chrome.shoot(part * height, screen)).expect("a picture");
            }
        }
    }
}
