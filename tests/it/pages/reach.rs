//! Who can read the pages: at twice the text, with text set wider, by keyboard
//! alone, and as axe-core looks at them.

use crate::make::chrome::{Chrome, Screen};
use crate::pages::screens::{Looked, every_and_bare, log, others};

/// WCAG 1.4.12: text set as wide as a reader may set it.
const SPACING: &str = "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em \
                       !important; } p { margin-bottom: 2em !important; }";
/// Twice the text, nothing else.
const LARGE: &str = "html { font-size: 200% !important; }";
/// Rows that `Tab` is pressed through on one page.
const STEPS_MAX: u64 = 60;
const PHONE: Screen = Screen { width: 360, height: 800, dark: false };
const NARROW: Screen = Screen { width: 320, height: 800, dark: false };
const DESK: Screen = Screen { width: 1_440, height: 900, dark: false };

/// Adds a sheet as a reader's browser would: the page's policy allows none.
fn dress(chrome: &mut Chrome, sheet: &str) {
    let script = format!(
        "(() => {{ const s = new CSSStyleSheet(); s.replaceSync({sheet:?}); document.adoptedStyleSheets = [s]; }})()"
    );
    chrome.ask(&script);
}

/// Elements that reach beyond the screen and are in no region that scrolls, and
/// text that its box cuts off.
const BEYOND: &str = "(() => { const wide = document.documentElement.clientWidth, out = []; \
  if (document.documentElement.scrollWidth > wide) out.push('page ' + document.documentElement.scrollWidth); \
  for (const e of document.querySelectorAll('body *')) { \
    if (e.closest('.region, .mid, .skip, svg, .printed') || getComputedStyle(e).display === 'none') continue; \
    const box = e.getBoundingClientRect(); \
    if (box.width && (box.right > wide + 0.6 || box.left < -0.6)) out.push(e.tagName + '.' + e.className + ' ' + box.left + ' to ' + box.right); \
  } return out.slice(0, 5).join('; '); })()";

#[test]
fn large_and_widely_set_text_stays_on_the_screen() {
    let Some(mut chrome) = Chrome::start() else { return };
    let (told, others) = (log(), others());
    let mut wrong = Vec::new();
    for (address, looked) in every_and_bare(&told, &others) {
        for (screen, sheet, what) in [
            (NARROW, SPACING, "text spacing at 320"),
            (PHONE, LARGE, "twice the text at 360"),
            (DESK, LARGE, "twice the text at 1440"),
            (NARROW, LARGE, "twice the text at 320"),
        ] {
            chrome.visit(&address, screen);
            dress(&mut chrome, sheet);
            let beyond = chrome.ask(BEYOND);
            if beyond != "" {
                wrong.push(format!("{}, {what}: {beyond}", looked.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} beyond the screen:\n{}", wrong.len(), wrong.join("\n"));
}

/// Places that a keyboard reaches, in source order, as `Tab` should reach them.
const STOPS: &str = "window.stops = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, \
  summary, [tabindex=\"0\"]')].filter(e => e.getClientRects().length); window.stops.length";
/// Where it is now: its place, whether it is in view, whether its outline is painted.
const HERE: &str = "(() => { const e = document.activeElement, box = e.getBoundingClientRect(), look = getComputedStyle(e); \
  return [window.stops.indexOf(e), box.bottom > 0 && box.top < innerHeight, parseFloat(look.outlineWidth) >= 2 && look.outlineStyle !== 'none']; })()";

#[test]
fn a_keyboard_reaches_everything_in_order_and_shows_where_it_is() {
    let Some(mut chrome) = Chrome::start() else { return };
    let (told, others) = (log(), others());
    for (address, looked) in every_and_bare(&told, &others) {
        chrome.visit(&address, PHONE);
        let stops = chrome.ask(STOPS).as_u64().expect("a count");
        // A closed log has its two or three, and no way further in.
        let least = if address.starts_with(&others[0].0.base()) { 2 } else { 9 };
        assert!(stops >= least, "{}: {stops}", looked.name);
        for step in 0..stops.min(STEPS_MAX) {
            chrome.tab();
            let here = chrome.ask(HERE);
            assert_eq!(here, serde_json::json!([step, true, true]), "{}, after {} tabs", looked.name, step + 1);
        }
    }
}

/// Rules that are asked; the last makes small targets count.
const AXE: &str = "axe.run(document, {runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', \
  'best-practice']}, rules: {'target-size': {enabled: true}}}).then(r => r.violations.map(v => v.id + ': ' + \
  v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(', ')).join('; '))";

fn axe() -> Option<String> {
    let home = std::env::var("HOME").ok()?;
    let text = std::fs::read_to_string(format!("{home}/.cache/pulselog/axe-4.14.1/node_modules/axe-core/axe.min.js"));
    if text.is_err() {
        crate::make::skipped("axe-core is not there, so pages were not looked at with it (.ci/axe)");
    }
    text.ok()
}

fn violations(chrome: &mut Chrome, pages: &[(String, Looked)], axe: &str, dark: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (address, looked) in pages {
        for screen in [PHONE, DESK] {
            chrome.visit(address, Screen { dark, ..screen });
            chrome.ask(&format!("{axe}; 0"));
            let found = chrome.ask(AXE);
            if found != "" {
                wrong.push(format!("{} at {}, dark {dark}: {found}", looked.name, screen.width));
            }
        }
    }
    wrong
}

#[test]
fn axe_finds_nothing_on_any_page() {
    let Some(axe) = axe() else { return };
    let Some(mut chrome) = Chrome::start() else { return };
    chrome.with_scripts();
    let (told, others) = (log(), others());
    let pages = every_and_bare(&told, &others);
    let wrong: Vec<_> =
        [false, true].into_iter().flat_map(|dark| violations(&mut chrome, &pages, &axe, dark)).collect();
    assert!(wrong.is_empty(), "{} pages:\n{}", wrong.len(), wrong.join("\n"));
}
