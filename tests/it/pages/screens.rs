//! What the first screen says, before anybody scrolls: what this is and who says
//! so; whether it holds, how far and as of when; how to check it without us.
//! docs/PAGES.md is made here.

use std::fmt::Write as _;

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{Value, to_jcs};

use crate::http::access::{by_token, closed};
use crate::http::withholding::{digest_at, withhold};
use crate::make::audit::{POLICY, Story};
use crate::make::chrome::{Chrome, Screen};
use crate::make::service::Service;
use crate::make::story::pulse;
use crate::make::told::Told;
use crate::make::{did, good_payload, hex, kind, project, set, value};
use crate::pages::verdicts::{bundles, guilty};

/// Screens that are looked at, CSS px: a phone's and a desk's.
const SCREENS: [(u64, u64); 2] = [(360, 800), (1_440, 900)];
/// The log of this story, which every page names.
const LOG: &str = "log.example/test";

/// A page with the three answers that its first screen must give.
#[derive(Clone)]
pub struct Looked {
    pub name: &'static str,
    pub path: String,
    answers: [&'static str; 3],
}

/// A log in which a job is guilty, with a pulse of its run.
pub fn log() -> Told {
    let mut story: Story = guilty();
    story.log("pulse", "trust_pulse", "agent", value(&pulse("job-1.r1", "[]", "[]")));
    story.set("roots", "recorders", Value::from(vec![Value::from(did("recorder"))]));
    let mut change = good_payload(kind("change_record"));
    set(&mut change, "job_id", Some("job-1".into()));
    set(&mut change, "change_ref.key", Some("PAY-7".into()));
    story.log("change", "change_record", "recorder", change);
    Told::of(&story)
}

fn page(name: &'static str, path: impl Into<String>, answers: [&'static str; 3]) -> Looked {
    Looked { name, path: path.into(), answers }
}

/// Every page, of that log.
pub fn of_log(told: &Told) -> Vec<Looked> {
    let entry = |at: u64| told.service.get(&format!("/v1/entries/{at}"));
    let size = told.service.size();
    let find = |kind: &str| (0..size).find(|at| entry(*at).string("kind") == kind).expect("an entry");
    let pulse = entry(find("trust_pulse")).string("artifact");
    let policy = PayloadHash::of(to_jcs(&value(POLICY)).as_bytes());
    let (app, check) = ("argocd-prod/argocd/payments-api", "Check it yourself");
    let [bundle, second] = bundles(told).try_into().expect("two bundles");
    let mut pages = vec![
        page("home", "/", ["Transparency log", "last logged", "Find"]),
        page("pulse", format!("/pulses/{pulse}"), ["Trust Pulse", "Fail Audit · found by this server", check]),
        page("bundle, fail", format!("/b/{bundle}"), ["Proof bundle", "Fail Audit · found by this server", check]),
        page("bundle, pass", format!("/b/{second}"), ["Proof bundle", "Pass Audit · found by this server", check]),
        page("job", "/jobs/job-1", ["Job job-1", "Fail Audit · found by this server", check]),
        page(
            "run",
            format!("/runs/{}/job-1.r1", did("agent")),
            ["job-1.r1", "Fail Audit · found by this server", check],
        ),
        page("entry", format!("/entries/{}", find("argocd_decision")), ["decided: allowed", "Does it hold?", check]),
        page("token", format!("/tokens/{}", hex("job-1.t1")), ["Token", "Fail Audit · found by this server", check]),
        page("application", format!("/apps/{app}"), ["payments-api", "Fail Audit · found by this server", check]),
        page("incident", format!("/incidents?app={app}"), ["payments-api", "Fail Audit · found by this server", check]),
        page("policy", format!("/policies/{policy}"), ["Signed by", "In plain words", "Verify"]),
        page("agent", format!("/agents/{}", did("agent")), ["did:key:z6Mk", "Operator attests", "Verify"]),
        page("ticket", "/tickets/jira/PAY-7", ["PAY-7", "Audit Fail", "Verify"]),
        page("findings", "/findings", ["Findings", "as of", "Verify"]),
        page("code", "/findings/TOKEN_REVOKED", ["TOKEN_REVOKED", "Why it matters", "Verify"]),
    ];
    pages.extend(lists(size));
    pages
}

/// Other logs with what they show: what strangers see of one that is closed to all
/// but its readers, and one whose operator withholds bodies.
pub fn others() -> [(Service, Vec<Looked>); 2] {
    [door(), withheld()]
}

fn withheld() -> (Service, Vec<Looked>) {
    let Told { service, .. } = log();
    let pages = (0..service.size()).filter_map(|at| {
        let entry = service.get(&format!("/v1/entries/{at}"));
        let (digest, check) = (entry.string("artifact"), "Check it yourself");
        let (name, path, what) = match entry.string("kind").as_str() {
            "gateway_receipt" => ("call, withheld", format!("/entries/{at}"), "Model call receipt"),
            "proof_bundle" => ("bundle, withheld", format!("/b/{digest}"), "Proof bundle"),
            "trust_pulse" => ("pulse, withheld", format!("/pulses/{digest}"), "Trust Pulse"),
            _ => return None,
        };
        Some((at, page(name, path, [what, "Withheld", check])))
    });
    let mut pages: Vec<_> = pages.collect();
    // One of each.
    pages.sort_by_key(|(at, looked)| (looked.name, *at));
    pages.dedup_by_key(|(_, looked)| looked.name);
    for (at, _) in &pages {
        // A bundle may go with the call that it holds.
        if service.get(&format!("/v1/artifacts/{}", digest_at(&service, *at))).status == 200 {
            withhold(&service, *at);
        }
    }
    (service, pages.into_iter().map(|(_, looked)| looked).collect())
}

fn door() -> (Service, Vec<Looked>) {
    let public = "Checkpoint, tiles and proofs are public";
    let pages = vec![
        page("closed", "/jobs/job-1", ["Access closed", public, "the newest checkpoint"]),
        page("sign in", "/login", ["Sign in", public, "the newest checkpoint"]),
        page("sign out", "/logout", ["Sign out", public, "the newest checkpoint"]),
    ];
    (closed(by_token()), pages)
}

/// Every page with the address of the server that has it.
pub fn every(told: &Told, others: &[(Service, Vec<Looked>)]) -> Vec<(String, Looked)> {
    let of = |service: &Service, looked: Looked| (format!("{}{}", service.base(), looked.path), looked);
    let open = of_log(told).into_iter().map(|looked| of(&told.service, looked));
    let others = others.iter().flat_map(|(service, pages)| pages.iter().map(|looked| of(service, looked.clone())));
    open.chain(others).collect()
}

/// The same, with documents of the software at a closed log, which name no log.
pub fn every_and_bare(told: &Told, others: &[(Service, Vec<Looked>)]) -> Vec<(String, Looked)> {
    let bare = ["/docs", "/docs/verify", "/docs/errors"].map(|path| page("docs, closed log", path, ["Docs"; 3]));
    let bare = bare.into_iter().map(|looked| (format!("{}{}", others[0].0.base(), looked.path), looked));
    every(told, others).into_iter().chain(bare).collect()
}

/// Lists, checkpoints, and pages about reading.
fn lists(size: u64) -> Vec<Looked> {
    vec![
        page("entries", "/entries", ["Entries", "The log holds", "Verify"]),
        page("jobs", "/jobs", ["Jobs", "The log holds", "Verify"]),
        page("runs", "/runs", ["Runs", "The log holds", "Verify"]),
        page("checkpoints", "/checkpoints", ["What this log signed", "root", "Verify"]),
        page("checkpoint", "/checkpoints/11", ["Checkpoint of 11 entries", "Root", "Verify"]),
        page("tree", format!("/tree?from=6&to={size}"), ["Did the log only grow?", "as this server finds", "Verify"]),
        page("search", "/search?q=job-1.", ["Search", "For job-1.", "Verify"]),
        page("trouble", "/entries/99999", ["Not found", "The log holds", "Verify"]),
        page("docs", "/docs", ["How to read this log", "who says it", "Verify alone"]),
        page("docs, proofs", "/docs/proofs", ["How to read a proof", "Every hash here is SHA-256", "Verify"]),
        page("docs, verify", "/docs/verify", ["Verify alone", "What to take from whom", "this server is not asked"]),
        page("docs, API", "/docs/api", ["The API", "Every answer speaks about a signed checkpoint", "Verify"]),
        page("docs, codes", "/docs/errors", ["Codes", "Each stays what it is", "pulselog explain CODE"]),
    ]
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Widths by themes: every page says the same in light and in dark.
#[test]
fn the_first_screen_of_every_page_answers_three_questions() {
    let Some(mut chrome) = Chrome::start() else { return };
    let (told, others) = (log(), others());
    let mut sheet = String::from(HEAD);
    let mut silent = Vec::new();
    for (address, looked) in every(&told, &others) {
        let mut seen = Vec::new();
        for (width, height) in SCREENS {
            for dark in [false, true] {
                let screen = Screen { width, height, dark };
                chrome.visit(&address, screen);
                let text = chrome.first_screen(height);
                // A line may break within a name.
                let is_said = |answer: &str| squeeze(&text).contains(&squeeze(answer));
                let asked = looked.answers.iter().chain([&LOG]);
                let left: Vec<_> = asked.filter(|answer| !is_said(answer)).collect();
                if !left.is_empty() {
                    silent.push(format!("{} at {width}: {left:?} not in {text}", looked.name));
                }
                seen.push(if left.is_empty() { "yes" } else { "no" });
            }
        }
        let [what, holds, check] = looked.answers;
        let _ = writeln!(
            sheet,
            "| {} | {what} | {holds} | {check} | {} | {} |",
            looked.name,
            seen.join(" | "),
            chrome.sheets()
        );
    }
    assert!(silent.is_empty(), "{} silent:\n{}", silent.len(), silent.join("\n"));
    let file = project("docs/PAGES.md");
    if std::env::var_os("PULSELOG_BLESS").is_some() {
        std::fs::write(&file, &sheet).expect("written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(kept, sheet, "docs/PAGES.md is made by this test: PULSELOG_BLESS=1 make test ARGS=\"-- first_screen\"");
}

const HEAD: &str = "\
# Pages, and what their first screen says

Made by a test that looks at every page with Chromium, scripts switched off; a phone is 360 × 800 px, a desk \
1440 × 900. Each cell of the answers is text that stands in all four first screens, beside the name of the log: what \
this is and who says so; whether it holds, how far, as of when; how to check it without this server. The last column \
is sheets of paper, of a log with one job that fails; the last rows are what a closed log shows to strangers, and a log whose operator withholds bodies.

| page | what it is | does it hold | check it | phone, light | phone, dark | desk, light | desk, dark | sheets |
|---|---|---|---|---|---|---|---|---|
";
